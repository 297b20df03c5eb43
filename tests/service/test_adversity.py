"""What the service does when its surroundings fail: the disk, the database, the clock, and a Halo that is slow.

Whatever it is: a ticket is kept whole or not at all, its sender hears which, and what is kept is filed once, without
anybody's help, when it is over.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import sqlalchemy as sa

from dispatcher import RuleSet
from service import delivery, worker
from service.app import create_app
from service.emulator.app import create_emulator
from service.settings import DeliverySection, HaloSection, Settings
from service.store import State
from tests.service.bench import DELIVERY, RULES, application, serving, started, wait_for_state
from tests.service.fakes import FakeHalo, connection_refused

pytestmark = pytest.mark.anyio

# Holds the write lock of a database until its input ends.
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
# A ticket that could not be put back into the queue comes back when its lease is over.
SOON = DELIVERY.model_copy(update={"lease_seconds": 1.0})
UNUSABLE = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "The service cannot use its database now. Try again, with the same Idempotency-Key.",
}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "DATABASE_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(worker, "LONGEST_PROBE_SECONDS", 0.1)
    monkeypatch.setattr(delivery, "LONGEST_PAUSE_SECONDS", 0.1)


async def post(client: httpx.AsyncClient, key: str) -> httpx.Response:
    """Post a ticket under a key."""
    return await client.post("/v1/tickets", json={"msg": key}, headers={"Idempotency-Key": key})


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow, or be written at all."""
    resource = pytest.importorskip("resource", reason="there is no such limit on this system")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Let another process write to a database for as long as the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield
        process.communicate()


async def test_full_disk(tmp_path: Path) -> None:
    """Nothing can be written: tickets get a 503 and are not kept, and none is sent to Halo that is not marked before."""
    halo = FakeHalo()
    halo.away = connection_refused()
    app = application(tmp_path, halo, delivery=SOON)
    async with started(app) as client:
        before = (await post(client, "before")).json()["id"]
        with full_disk():
            halo.away = None
            halo.calls.clear()
            answer = await post(client, "during")
            await anyio.sleep(0.2)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert answer.json() == UNUSABLE
            assert halo.calls == []
            assert app.state.store.with_key("during") is None
        again = await post(client, "during")
        assert again.status_code == 202
        during = again.json()["id"]
        for ticket_id in (before, during):
            await wait_for_state(client, ticket_id, "filed")
    assert sorted(halo.tickets) == sorted([before, during])
    assert len(halo.notes) == 2


async def test_locked_for_a_moment(tmp_path: Path) -> None:
    """While another process writes to the database, a ticket waits for its turn; it is not refused."""
    halo = FakeHalo()
    answers: list[httpx.Response] = []

    async def send() -> None:
        answers.append(await post(client, "waiting"))

    async with started(application(tmp_path, halo)) as client, anyio.create_task_group() as tasks:
        with locked(tmp_path / "dispatcher.db"):
            tasks.start_soon(send)
            await anyio.sleep(0.2)
            assert answers == []
        with anyio.fail_after(5):
            while not answers:
                await anyio.sleep(0.01)
        assert answers[0].status_code == 202
        await wait_for_state(client, answers[0].json()["id"], "filed")


async def test_locked_for_long(tmp_path: Path) -> None:
    """When that takes longer than a request may wait, the ticket gets a 503 and is not kept; those kept can be read."""
    halo = FakeHalo()
    halo.away = connection_refused()
    app = application(tmp_path, halo, delivery=SOON)

    def less_patient(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=100")

    sa.event.listen(app.state.database.engine, "connect", less_patient)
    async with started(app) as client:
        before = (await post(client, "before")).json()["id"]
        with locked(tmp_path / "dispatcher.db"):
            halo.away = None
            answer = await post(client, "during")
            assert (answer.status_code, answer.json()) == (503, UNUSABLE)
            assert (await client.get(f"/v1/tickets/{before}")).json()["state"] == State.ACCEPTED
        assert app.state.store.with_key("during") is None
        during = (await post(client, "during")).json()["id"]
        for ticket_id in (before, during):
            await wait_for_state(client, ticket_id, "filed")
    assert sorted(halo.tickets) == sorted([before, during])


class Clock:
    """The time of day, which can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.offset)


async def test_clock_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket that is to be tried again in a second is not tried an hour later when the clock was set back by one."""
    clock = Clock(monkeypatch)
    halo = FakeHalo()
    halo.away = connection_refused()
    async with started(application(tmp_path, halo)) as client:
        ticket_id = (await post(client, "waiting")).json()["id"]
        with anyio.fail_after(5):
            while (await client.get(f"/v1/tickets/{ticket_id}")).json()["last_error"] is None:
                await anyio.sleep(0.01)
        clock.offset = -3600.0
        halo.away = None
        await wait_for_state(client, ticket_id, "filed")
        after = (await post(client, "after")).json()["id"]
        await wait_for_state(client, after, "filed")
    assert halo.tickets == [ticket_id, after]


async def test_clock_set_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set forward by a day does not end the wait for a Halo that may still be at work."""
    clock = Clock(monkeypatch)
    halo = FakeHalo()
    halo.hang.add("create_ticket")
    seen: dict[str, float] = {}
    async with started(application(tmp_path, halo)) as client:
        ticket_id = (await post(client, "in doubt")).json()["id"]
        with anyio.fail_after(10):
            while "find_ticket" not in seen:
                for call in halo.calls:
                    seen.setdefault(call, time.monotonic())
                if "create_ticket" in seen:
                    clock.offset = 86_400.0
                    halo.hang.clear()
                await anyio.sleep(0.002)
        await wait_for_state(client, ticket_id, "filed")
    assert seen["find_ticket"] - seen["create_ticket"] > 0.9 * DELIVERY.grace_seconds
    assert halo.tickets == [ticket_id]
    assert len(halo.notes) == 1


async def test_slow_halo(tmp_path: Path) -> None:
    """A Halo that writes only after everybody has given up holds up no sender, and has each ticket once in the end.

    A second stands for minutes here: it takes longer than an attempt, and less than the grace period.
    """
    section = DeliverySection(attempt_seconds=0.2, grace_seconds=0.5, poll_seconds=0.02, drain_seconds=1.0)
    plan = {"rates": {"delay": 1.0}, "delay_seconds": 0.25, "methods": ["POST"], "paths": ["/tickets", "/actions"]}
    with serving(create_emulator()) as address:
        halo = HaloSection(
            resource_server=f"{address}/api", authorisation_server=f"{address}/auth", intake_lookup_seconds=0.1
        )
        settings = Settings(rules=tmp_path, data=tmp_path, halo=halo, delivery=section)
        async with (
            httpx.AsyncClient(base_url=f"{address}/emulator") as emulator,
            started(create_app(settings, ruleset=RuleSet.from_text(RULES))) as client,
        ):
            (await emulator.put("/faults", json=plan)).raise_for_status()
            ids = []
            for number in range(12):
                with anyio.fail_after(1):
                    ids.append((await post(client, f"{number}")).json()["id"])
                await anyio.sleep(0.1)
            (await emulator.delete("/faults")).raise_for_status()
            for ticket_id in ids:
                await wait_for_state(client, ticket_id, "filed")
            filed = (await emulator.get("/tickets")).json()
    assert sorted(ticket["third_party_id_string"] for ticket in filed) == sorted(ids)
    assert [len(ticket["notes"]) for ticket in filed] == [1] * len(ids)
