"""From the sender to Halo and back: the real writer, the emulator, real HTTP, and a process that is killed."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.app import create_app
from service.emulator.app import create_emulator
from service.settings import DeliverySection, HaloSection, Settings
from tests.service.bench import RULES, serving, started, wait_for_state
from tests.service.fakes import wait_until

PROGRAM = """
import sys
from pathlib import Path
from service.app import run
from service.settings import load_settings
sys.exit(run(load_settings(Path(sys.argv[1]))))
"""


class HeldAnswers:
    """Before Halo: once on each path in `held`, lets it do its work and then keeps the answer back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.held: set[str] = set()
        self.kept: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].lower() if scope["type"] == "http" and scope["method"] == "POST" else ""
        if path not in self.held:
            await self._app(scope, receive, send)
            return
        self.held.remove(path)

        async def keep(_message: Message) -> None: ...

        await self._app(scope, receive, keep)
        self.kept.append(path)
        while (await receive())["type"] != "http.disconnect":
            pass


@pytest.fixture
def answers() -> HeldAnswers:
    """An emulated Halo, with a hand on its answers."""
    return HeldAnswers(create_emulator())


@pytest.fixture
def halo(answers: HeldAnswers) -> Iterator[str]:
    """Where that Halo is."""
    with serving(answers) as address:
        yield address


def filed(halo: str) -> list[dict[str, Any]]:
    """Return the tickets that Halo has, as its page shows them."""
    tickets: list[dict[str, Any]] = httpx.get(f"{halo}/emulator/tickets").json()
    return tickets


@pytest.mark.anyio
async def test_one_ticket(tmp_path: Path, halo: str) -> None:
    """A posted ticket is in Halo with what the rules set and a note; what Halo does not know is reported."""
    (tmp_path / "my.rules").write_text(f"{RULES}ticketType = 'Incident'\npriority = 'High'\nteam = 'Nobody'\n")
    address = HaloSection(resource_server=f"{halo}/api", authorisation_server=f"{halo}/auth")
    settings = Settings(rules=tmp_path, data=tmp_path, halo=address, delivery=DeliverySection(poll_seconds=0.02))
    async with started(create_app(settings)) as client:
        accepted = await client.post("/v1/tickets", json={"email": "dan.jump@contoso.com", "msg": "no sound"})
        ticket = await wait_for_state(client, accepted.json()["id"], "filed")
    (in_halo,) = filed(halo)
    assert (in_halo["id"], in_halo["third_party_id_string"]) == (ticket["halo_ticket_id"], ticket["id"])
    assert (in_halo["summary"], in_halo["priority"], len(in_halo["notes"])) == ("no sound", "High", 1)
    assert [error["variable"] for error in ticket["submission_errors"]] == ["team"]
    assert "[Submission Errors]" in json.dumps(in_halo["notes"])


def test_kill(tmp_path: Path, halo: str, answers: HeldAnswers) -> None:
    """Killed while Halo creates one ticket and adds a note to another, the service files every ticket once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "data").mkdir()
    (tmp_path / "my.rules").write_text(RULES)
    (tmp_path / "dispatcher.toml").write_text(
        f'rules = "my.rules"\nport = {port}\n'
        f'[halo]\nresource_server = "{halo}/api"\nauthorisation_server = "{halo}/auth"\n'
        "[delivery]\nattempt_seconds = 1.0\ngrace_seconds = 1.2\npoll_seconds = 0.05\n"
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        answers.held = {"/api/tickets", "/api/actions"}
        with running(tmp_path, client) as first:
            ids = [client.post("/v1/tickets", json={"msg": f"{n}"}).json()["id"] for n in range(4)]
            wait_until(lambda: len(answers.kept) == 2)
            first.kill()
        with running(tmp_path, client) as second:
            wait_until(lambda: all(state(client, ticket_id) == "filed" for ticket_id in ids), 20)
            second.terminate()
            assert second.wait(15) in (0, -signal.SIGTERM)
    tickets = filed(halo)
    assert sorted(ticket["third_party_id_string"] for ticket in tickets) == sorted(ids)
    assert [len(ticket["notes"]) for ticket in tickets] == [1] * 4


@contextlib.contextmanager
def running(folder: Path, client: httpx.Client) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process of its own; what it says goes to the test's output."""
    program = [sys.executable, "-c", PROGRAM, str(folder / "dispatcher.toml")]
    with subprocess.Popen(program, stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: process.poll() is not None or is_healthy(client), 20)
            yield process
        finally:
            process.kill()


def state(client: httpx.Client, ticket_id: str) -> str:
    """Return the state of a ticket."""
    return str(client.get(f"/v1/tickets/{ticket_id}").json()["state"])


def is_healthy(client: httpx.Client) -> bool:
    """Tell whether the service has started."""
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
