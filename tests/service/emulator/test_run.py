"""The emulator as a process of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

from dispatcher.halo.settings import EMULATOR_KEY


@pytest.mark.skipif(sys.platform == "win32", reason="there is no signal to send")
def test_the_emulator_serves_until_interrupted() -> None:
    """It says how to reach it, answers over a socket, and Ctrl-C ends it without a traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from service.emulator.app import run; run(port={port})"
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        greeting = [process.stdout.readline() for _ in range(3)]
        for line in process.stderr:
            if "Uvicorn running" in line:
                break
        with urlopen(f"http://127.0.0.1:{port}/api/AuthInfo") as answer:
            body = json.load(answer)
        process.send_signal(signal.SIGINT)
        log = process.stderr.read()
    assert greeting == [
        f"Halo emulator: http://127.0.0.1:{port} (open it to see the tickets)\n",
        f"resource_server = http://127.0.0.1:{port}/api, authorisation_server = http://127.0.0.1:{port}/auth\n",
        f"key = {EMULATOR_KEY} (dispatcher's default)\n",
    ]
    assert body == {"auth_url": f"http://127.0.0.1:{port}/auth", "tenant_id": "demo"}
    assert process.returncode == 0
    assert not re.search("Traceback|Error", log)
