"""The application as it is started: what it says, what stops it, and what it loads."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from dispatcher import RulesError, RuleSet
from dispatcher.errors import DispatcherError, SettingsError
from dispatcher.halo.settings import EMULATOR_KEY
from service import app as app_module
from service import logs
from service.app import ImpatientProtocol, _listener, create_app, run
from service.emulator.app import create_emulator
from service.settings import HaloSection, Settings
from tests.service.bench import application, serving, started, wait_for_state
from tests.service.fakes import LOST_ANSWER, FakeHalo, connection_refused, no_answer


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports on which the server was asked to serve, instead of doing it."""
    ports: list[int] = []

    def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        ports.extend(listener.getsockname()[1] for listener in sockets)
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    return ports


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rule file without errors."""
    path = tmp_path / "my.rules"
    path.write_text("team = 'Printers'\n")
    return path


def test_run(tmp_path: Path, rules: Path, served: list[int]) -> None:
    """A start says where the service listens, which rules it has, and that Halo is the emulator."""
    output = io.StringIO()
    settings = Settings(rules=rules, data=tmp_path / "data", port=0)
    assert run(settings, output) == 0
    (port,) = served
    assert output.getvalue() == (
        f"Listening on http://127.0.0.1:{port} (interface: /docs)\n"
        "Access: without API keys, for programs of this computer only; `dispatcher keys create NAME --scope intake` "
        "creates one.\n"
        f"Rules: {rules}, revision {RuleSet.load(rules).revision}\n"
        "Halo: http://127.0.0.1:8421/api\n"
        f"Database: sqlite:///{tmp_path}/data/dispatcher.db (SQLite {sqlite3.sqlite_version}), role all\n"
        "Warning: that is the emulator's address, and no ticket reaches a real Halo. Start the emulator with "
        "`dispatcher halo-emulator`, or set `resource_server`, `authorisation_server` and your key.\n"
    )


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("11111111-2222:hush", []),
        (EMULATOR_KEY, ["Warning: there is no key for it; set DISPATCHER_HALO_KEY, or `key_file` in [halo]."]),
    ],
)
def test_run_with_a_halo(tmp_path: Path, rules: Path, served: list[int], key: str, said: list[str]) -> None:
    """With a Halo of one's own nothing is said of the emulator, and nothing of the key but that it is missing."""
    output = io.StringIO()
    halo = HaloSection.model_validate({"key": key, "resource_server": "https://halo.example/api"})
    assert run(Settings(rules=rules, data=tmp_path, halo=halo, port=0), output) == 0
    database = f"Database: sqlite:///{tmp_path}/dispatcher.db (SQLite {sqlite3.sqlite_version}), role all"
    assert output.getvalue().splitlines()[3:] == ["Halo: https://halo.example/api", database, *said]


def test_run_with_wrong_rules(tmp_path: Path, served: list[int]) -> None:
    """Rules with errors are shown as the check shows them, and end the start with code 1."""
    path = tmp_path / "my.rules"
    path.write_text("team = tema\n")
    output = io.StringIO()
    assert run(Settings(rules=path, data=tmp_path), output) == 1
    assert output.getvalue().startswith("error[unknown-name]: nothing is called `tema`\n")
    assert served == []


def test_run_twice(tmp_path: Path, rules: Path, served: list[int]) -> None:
    """A second service on the same data is stopped before it serves."""
    settings = Settings(rules=rules, data=tmp_path)
    first = create_app(settings)
    first.state.database.open()
    with pytest.raises(SettingsError, match=r"^another service is using "):
        run(settings, io.StringIO())
    first.state.database.close()
    assert served == []


def test_answers_are_sent_at_once(tmp_path: Path) -> None:
    """What an answer consists of is not held back until the client has acknowledged what came before."""
    with _listener(Settings(data=tmp_path, port=0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.anyio
async def test_connection_without_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which nothing is said is closed after a while; one that says something is answered."""
    monkeypatch.setattr(app_module, "FIRST_REQUEST_SECONDS", 0.1)
    config = uvicorn.Config(application(tmp_path, FakeHalo()), http=ImpatientProtocol, log_config=None, lifespan="off")
    config.load()
    loop, state = asyncio.get_running_loop(), uvicorn.Server(config).server_state
    server = await loop.create_server(lambda: ImpatientProtocol(config, state, {}), "127.0.0.1", 0)
    async with asyncio.timeout(5), server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 ")
        writer.close()


def test_port_in_use(tmp_path: Path, rules: Path, served: list[int]) -> None:
    """A port that another program has is said in words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = rf"^cannot listen on 127.0.0.1:{port}: Address already in use.*; change `host` or `port`$"
        with pytest.raises(SettingsError, match=said):
            run(Settings(rules=rules, data=tmp_path, port=port), io.StringIO())


def test_halo_without_the_catch_all_user(tmp_path: Path, rules: Path) -> None:
    """A Halo that lacks the user for unknown requesters stops the start, with what to do."""
    with serving(create_emulator()) as address:
        halo = HaloSection(
            resource_server=address, authorisation_server=f"{address}/auth", catch_all_user="nobody@example.com"
        )
        with pytest.raises(SettingsError, match=r"no active user with the e-mail nobody@example\.com, for"):
            run(Settings(rules=rules, data=tmp_path, halo=halo, port=0), io.StringIO())


def test_without_rules(tmp_path: Path) -> None:
    """Without rules there is no service, and the text says what to write."""
    with pytest.raises(SettingsError) as raised:
        create_app(Settings(data=tmp_path))
    assert str(raised.value) == (
        'there are no rules: write `rules = "my.rules"` (a file, or a folder of *.rules files) in '
        "dispatcher.toml, or set DISPATCHER_RULES"
    )


def test_rules_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing files and rules with errors stop the service before it is built."""
    with pytest.raises(DispatcherError, match=r"none\.rules: cannot be read: No such file or directory"):
        create_app(Settings(data=tmp_path, rules=tmp_path / "none.rules"))
    (tmp_path / "my.rules").write_text("team = tema\n")
    with pytest.raises(RulesError):
        create_app(Settings(data=tmp_path, rules=tmp_path))


def test_settings_reach_the_rules(tmp_path: Path, rules: Path) -> None:
    """Declared variables, defaults and the answer to faults come from the settings."""
    rules.write_text("state = floor\nsubject = 1 + 'a'\n")
    settings = Settings(rules=rules, data=tmp_path, variables=("floor",), defaults={"priority": 2}, on_fault="refuse")
    decision = create_app(settings).state.rules.ruleset.decide({"floor": "2nd"})
    assert (decision.action_variables["state"], decision.action_variables["priority"]) == ("2nd", 2)
    assert decision.refused.startswith("TypeError: ")


@pytest.mark.anyio
async def test_priorities_that_are_known_later(tmp_path: Path) -> None:
    """Once Halo has told its priorities, what came in before is ranked by them."""
    halo = FakeHalo()
    halo.away = connection_refused()
    app = application(tmp_path, halo, defaults={"priority": "Critical"})
    async with started(app) as client:
        ticket_id = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()["id"]
        halo.ranks["Critical"] = 1
        await app_module._refresh(app.state)
        assert app.state.store.get(ticket_id).rank == 1


@pytest.mark.anyio
async def test_restart_while_halo_is_away(tmp_path: Path) -> None:
    """A ticket that is accepted while Halo is away is filed once, with one note, after a stop and a start."""
    halo = FakeHalo()
    halo.away = connection_refused()
    async with started(application(tmp_path, halo)) as client:
        accepted = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()
        assert (await client.get(f"/v1/tickets/{accepted['id']}")).json()["state"] == "accepted"
    halo.away = None
    halo.after = [no_answer()]
    async with started(application(tmp_path, halo)) as client:
        ticket = await wait_for_state(client, accepted["id"], "filed")
    assert (ticket["decision"], ticket["remarks"]) == (accepted["decision"], [LOST_ANSWER])
    assert (halo.tickets, halo.notes) == ([accepted["id"]], [(1, accepted["id"])])


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a logger with our formatter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.FactsFormatter())
    logger = logging.getLogger("facts")
    logger.addHandler(handler)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_log_lines(stream: io.StringIO) -> None:
    """A log line has its facts as name=value, and what comes from outside cannot begin a new line."""
    facts = {"ticket": "t1", "stage": "note", "text": 'two\nlines "quoted"', "number": 3}
    logging.getLogger("facts").warning("attempt failed", extra=facts)
    assert stream.getvalue().partition(" WARNING ")[2] == (
        'facts: attempt failed ticket=t1 stage=note text="two\\nlines \\"quoted\\"" number=3\n'
    )
