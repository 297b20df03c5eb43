"""The emulator as a process of its own, started from the command line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlencode

import pytest

from dispatcher.cli import main
from dispatcher.halo.settings import EMULATOR_KEY
from tests.service.emulator.client import GRANT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no signal to send")
JSON = {"Content-Type": "application/json"}


class Halo:
    """A running emulator: what it said when it started, and one connection to it."""

    def __init__(self, process: subprocess.Popen[str], lines: int = 4) -> None:
        assert process.stdout is not None
        self.greeting = [process.stdout.readline() for _ in range(lines)]
        self.port = int(self.greeting[0].split()[2].rpartition(":")[2])
        self._connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        token = self.ask("POST", "/auth/token", urlencode(GRANT))["access_token"]
        self._headers = JSON | {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Return what is answered, as JSON."""
        sent, headers = (body, {}) if isinstance(body, str) else (json.dumps(body), self._headers)
        self._connection.request(method, path, sent, headers)
        found: dict[str, object] = json.loads(self._connection.getresponse().read())
        return found

    def create(self) -> object:
        """Create a ticket and return its number."""
        return self.ask("POST", "/api/Tickets", [{"summary": "x"}])["id"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def running(*arguments: str, end: signal.Signals = signal.SIGINT) -> Iterator[Halo]:
    """Yield an emulator on a free port; check in the end that it left in peace, if it was asked to."""
    command = [sys.executable, "-W", "error", "-m", "dispatcher", "halo-emulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        halo = Halo(process)
        try:
            yield halo
        finally:
            halo.close()
            process.send_signal(end)
            log = process.stderr.read()
    if end is signal.SIGINT:
        assert process.returncode == 0
    assert not re.search("Traceback|Error", log)


def test_the_emulator_serves_until_interrupted() -> None:
    """It says how to reach it, answers over a socket, and Ctrl-C ends it without a traceback."""
    with running() as halo:
        address = f"http://127.0.0.1:{halo.port}"
        assert halo.greeting == [
            f"Halo emulator: {address} (open it to see the tickets)\n",
            f"resource_server = {address}/api, authorisation_server = {address}/auth\n",
            f"key = {EMULATOR_KEY} (dispatcher's default)\n",
            "rate limit: 700 requests in 300 s\n",
        ]
        assert halo.ask("GET", "/api/AuthInfo") == {"auth_url": f"{address}/auth", "tenant_id": "demo"}


def test_connections_are_really_cut(tmp_path: Path) -> None:
    """A plan from a file cuts the connection itself: no byte of an answer comes, and the write has happened."""
    plan = tmp_path / "faults.json"
    plan.write_text('{"rates": {"cut-after": 1}, "paths": ["/tickets"], "limit": 1}')
    with running("--faults", str(plan), "--rate-limit", "0") as halo:
        assert halo.greeting[3] == "no rate limit\n"
        with pytest.raises(RemoteDisconnected):
            halo.create()
        assert halo.create() == 1002
        halo.ask("POST", "/emulator/down", {"seconds": 60})
        with pytest.raises(RemoteDisconnected):
            halo.create()
        assert halo.ask("POST", "/emulator/down", {"seconds": 0})["happened"] == {"cut-after": 1}
        assert halo.create() == 1003


def test_tickets_survive_a_kill(tmp_path: Path) -> None:
    """With a file for its tickets, an emulator that was killed goes on where it was."""
    data = str(tmp_path / "tickets.ndjson")
    with running("--data", data, end=signal.SIGKILL) as halo:
        assert [halo.create() for _ in range(3)] == [1001, 1002, 1003]
    with running("--data", data) as halo:
        assert halo.ask("GET", "/api/Tickets")["record_count"] == 3
        assert halo.create() == 1004


def test_switches_on_the_command_line() -> None:
    """A switch changes the behaviour, and `--fault-rate` puts a plan in force."""
    with running("--switch", "warning=Mind the gap", "--fault-rate", "0", "--seed", "7") as halo:
        assert halo.ask("POST", "/api/Tickets", [{"summary": "x"}])["_warning"] == "Mind the gap"
        faults = halo.ask("GET", "/emulator/faults")
        assert isinstance(faults["plan"], dict)
        assert (faults["plan"]["seed"], set(faults["plan"]["rates"].values())) == (7, {0.0})


def test_the_switches_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each switch is shown with its default and what it means."""
    assert main(["halo-emulator", "--list-switches"]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("rate_limit=700")
    assert lines[place + 1] == "    requests let through in the window, 0: any number; met were 300, 450, 500, 700"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--switch", "rate_limt=0"], "there is no switch `rate_limt`; did you mean `rate_limit`?"),
        (["--fault-rate", "2"], "--fault-rate is a share of all requests: write a number from 0 to 1"),
        (["--faults", "none.json"], "none.json: cannot be read: No such file or directory"),
        (["--data", "none/x"], "none/x: cannot be opened: No such file or directory"),
        (["--port", "99999"], "99999 is no port; --port takes a number up to 65535"),
    ],
)
def test_arguments_that_make_no_sense(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be done is said in words, with exit code 2."""
    monkeypatch.chdir(tmp_path)
    assert main(["halo-emulator", *arguments]) == 2
    assert capsys.readouterr().err == f"dispatcher: {message}\n"
