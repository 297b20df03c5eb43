"""Health, readiness and metrics: they say what is so, when it goes well and when it does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from service import readiness as readiness_module
from service.keys import Keys, Scope
from service.metrics import Gauge, Metrics
from service.readiness import Check, Readiness
from service.settings import DeliverySection
from service.store import State, Store
from tests.service.bench import DELIVERY, application, started, wait_for_state
from tests.service.fakes import FakeHalo, answered, connection_refused
from tests.service.kept import keep, set_row

pytestmark = pytest.mark.anyio


@pytest.fixture
def halo() -> FakeHalo:
    """The service's Halo."""
    return FakeHalo()


@pytest.fixture
def app(tmp_path: Path, halo: FakeHalo, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The service, which finds out anew whenever it is asked."""
    monkeypatch.setattr(readiness_module, "FRESH_SECONDS", 0.0)
    return application(tmp_path, halo)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service."""
    async with started(app) as client:
        yield client


async def checks(client: httpx.AsyncClient) -> tuple[int, dict[str, bool]]:
    """Return the status of /readyz, and whether each check is passed."""
    answer = await client.get("/readyz")
    return answer.status_code, {name: check["ok"] for name, check in answer.json()["checks"].items()}


async def numbers(client: httpx.AsyncClient) -> dict[str, float]:
    """Return our own metrics by name and labels, without `dispatcher_` and what is 0."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if line.startswith("dispatcher_")]
    return {name.removeprefix("dispatcher_"): float(value) for name, _, value in lines if float(value)}


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


READY = {"database": True, "backlog": True, "rules": True, "halo": True, "look-ups": True, "worker": True}


async def test_ready(client: httpx.AsyncClient) -> None:
    """A service that keeps up is ready, and says what it looked at."""
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == READY
    assert answer.json()["checks"]["backlog"] == {
        "ok": True,
        "detail": "0 tickets wait, the oldest for 0 s; the alarm is at 900 s",
    }


async def test_database_that_cannot_be_written(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that can only be read is not ready, though the service is healthy enough to say so."""

    def fails() -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("database or disk is full"))

    monkeypatch.setattr(app.state.database, "try_writing", fails)
    assert (await client.get("/healthz")).status_code == 200
    assert await checks(client) == (503, READY | {"database": False})
    document = (await client.get("/readyz")).json()
    assert (document["type"], document["detail"]) == ("urn:dispatcher:problem:not-ready", "not ready: database")
    assert document["checks"]["database"] == {"ok": False, "detail": "it failed; the log says why"}


async def test_halo_away(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """While Halo is away that is said, and no longer once a ticket gets through."""
    halo.away = connection_refused()
    ticket_id = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()["id"]
    await until(lambda: halo.calls)
    async with asyncio.timeout(10):
        while (await checks(client))[0] == 200:
            await asyncio.sleep(0.01)
    assert await checks(client) == (503, READY | {"halo": False})
    assert (await numbers(client))["halo_away_seconds"] > 0
    halo.away = None
    await wait_for_state(client, ticket_id, "filed")
    assert await checks(client) == (200, READY)


async def test_backlog(tmp_path: Path, halo: FakeHalo) -> None:
    """A backlog older than the alarm is not ready, and the metrics say how old it is."""
    settings = DELIVERY.model_dump() | {"backlog_alarm_seconds": 60.0}
    halo.hang = {"create_ticket"}
    app = application(tmp_path, halo, delivery=DeliverySection(**settings | {"attempt_seconds": 5, "grace_seconds": 9}))
    async with started(app) as client:
        ticket_id = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()["id"]
        store: Store = app.state.store
        kept = store.get(ticket_id)
        assert kept is not None
        set_row(store, ticket_id, waiting_since=kept.created_at - 61_000)
        assert await checks(client) == (503, READY | {"backlog": False})
        found = await numbers(client)
        assert (found["backlog"], found["backlog_age_seconds"] > 61) == (1, True)
        halo.hang = set()


@pytest.mark.parametrize(("age", "ok"), [(None, False), (4199.0, True), (4201.0, False)])
async def test_lookups(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, age: float | None, ok: bool
) -> None:
    """Look-ups that were never made, or could not be made anew for an hour, are not ready."""
    app.state.halo.age = age
    assert await checks(client) == (200 if ok else 503, READY | {"look-ups": ok})
    assert (await numbers(client)).get("lookups_age_seconds") == age


async def test_worker_that_hangs(client: httpx.AsyncClient, app: FastAPI) -> None:
    """A worker that has not looked at the queue for a minute is not ready."""
    app.state.worker.looked_at -= 61
    looked = app.state.readiness.look()
    assert (await looked)["worker"].ok is False


async def test_checks_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that hangs fails after a moment, and is made again only when it has ended."""
    monkeypatch.setattr(readiness_module, "TIMEOUT_SECONDS", 0.02)
    begun, go = [], asyncio.Event()

    async def slow() -> Check:
        begun.append(1)
        await go.wait()
        return Check(True, "at last")

    now = [0.0]
    found = Readiness({"slow": slow}, lambda: now[0])
    late = Check(False, "not known within 0.02 s")
    assert (await found.look(), len(begun)) == ({"slow": late}, 1)
    assert (await found.look(), len(begun)) == ({"slow": late}, 1)
    now[0] = 1.0
    assert (await found.look(), len(begun)) == ({"slow": late}, 1)
    go.set()
    now[0] = 2.0
    assert (await found.look(), len(begun)) == ({"slow": Check(True, "at last")}, 2)


async def test_web_process(tmp_path: Path, halo: FakeHalo, postgresql: str) -> None:
    """A process that files nothing is ready when tickets can be kept and the backlog is young."""
    app = application(tmp_path, halo, role="web", database_url=postgresql)
    async with started(app) as client:
        assert await checks(client) == (200, {"database": True, "backlog": True, "rules": True})
        assert (await client.post("/v1/tickets", json={"msg": "no sound"})).status_code == 202
        found = await numbers(client)
        assert (found["backlog"], found["tickets_received_total"]) == (1, 1)


async def test_worker_process(tmp_path: Path, halo: FakeHalo, postgresql: str) -> None:
    """A process that takes no tickets has health, readiness and metrics, and nothing else."""
    app = application(tmp_path, halo, role="worker", database_url=postgresql)
    async with started(app) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok", "revision": None}
        assert await checks(client) == (200, {name: True for name in READY if name != "rules"})
        assert (await client.get("/v1/tickets")).status_code == 404
        keep(app.state.store)
        await until(lambda: halo.notes)


async def test_metrics(client: httpx.AsyncClient, halo: FakeHalo, app: FastAPI) -> None:
    """What happens is counted where it happens: tickets, decisions, attempts and requests to Halo."""
    await client.post("/v1/tickets", json={"business_name": "Fabrikam, Inc."})
    for key in ("k1", "k1", "k2"):
        headers = {"Idempotency-Key": key}
        halo.before = [connection_refused()] if key == "k2" else []
        ticket_id = (await client.post("/v1/tickets", json={"msg": "no sound"}, headers=headers)).json()["id"]
        await wait_for_state(client, ticket_id, "filed")
    halo.before = [answered(400)]
    dead = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()["id"]
    await wait_for_state(client, dead, "dead")
    keep(app.state.store, 1, State.REVIEW)
    app.state.budget.answered("GET", "/Tickets/{id}", 200, None)
    app.state.budget.answered("POST", "token", None, None)
    found = await numbers(client)
    timed = {name: found.pop(name) for name in list(found) if name.startswith("decision_seconds")}
    assert found == {
        "tickets_received_total": 4,
        "tickets_refused_total": 1,
        "tickets_filed_total": 2,
        'attempts_retried_total{stage="ticket"}': 1,
        "tickets_dead_total": 1,
        'tickets_stopped{state="dead"}': 1,
        'tickets_stopped{state="review"}': 1,
        'halo_calls_total{method="GET",path="tickets/{id}",status="200"}': 1,
        'halo_calls_total{method="POST",path="token",status="none"}': 1,
        f'rules_info{{revision="{app.state.rules.ruleset.revision}"}}': 1,
        "halo_budget_left": 50,
        "database_up": 1,
    }
    assert timed["decision_seconds_count"] == 4
    assert 0 < timed["decision_seconds_sum"] < 4


async def test_metrics_without_the_database(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away the counters are shown still, and that it is away."""
    await client.post("/v1/tickets", json={"business_name": "Fabrikam, Inc."})

    def fails(*_: Any) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(app.state.store, "counts", fails)
    found = await numbers(client)
    assert (found["tickets_refused_total"], found.get("database_up")) == (1, None)


def test_metrics_of_faults() -> None:
    """Rules that fail are counted by kind, and every application counts for itself."""
    first, second = Metrics(), Metrics()
    first.decided({"refused": None, "faults": [{"kind": "error"}, {"kind": "error"}, {"kind": "limit"}]}, 0.1)
    first.gauges(lambda: [Gauge("backlog", "Tickets.", 3)])
    shown = first.text().decode()
    assert 'dispatcher_rule_faults_total{kind="error"} 2.0\n' in shown
    assert 'dispatcher_rule_faults_total{kind="limit"} 1.0\n' in shown
    assert "dispatcher_backlog 3.0\n" in shown
    assert "dispatcher_rule_faults_total{" not in second.text().decode()


async def test_scopes(client: httpx.AsyncClient, app: FastAPI) -> None:
    """Probes need no API key; the metrics need one that may read."""
    keys: Keys = app.state.keys
    _, intake = await asyncio.to_thread(keys.create, "website", [Scope.INTAKE])
    _, reader = await asyncio.to_thread(keys.create, "prometheus", [Scope.READ])
    async with asyncio.timeout(10):
        while (await client.get("/metrics")).status_code == 200:
            await asyncio.sleep(0.05)
    statuses = {
        name: (await client.get("/metrics", headers={"X-API-Key": key})).status_code
        for name, key in (("intake", intake), ("read", reader))
    }
    assert statuses == {"intake": 403, "read": 200}
    assert [(await client.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_counting_from_threads() -> None:
    """Counts of many threads add up."""
    metrics = Metrics()

    def count() -> None:
        for _ in range(500):
            metrics.called("GET", "Status", 200)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 'path="status",status="200"} 2000.0\n' in metrics.text().decode()
