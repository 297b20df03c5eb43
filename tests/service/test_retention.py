"""Retention: what is deleted when, and that it is gone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service import retention
from service.database import Database
from service.intake import digest
from service.retention import BATCH, NO_LONGER_KEPT, Retention, delete
from service.settings import RetentionSection
from service.store import ATTEMPTS, TICKETS, Arrival, Stage, State, Store
from tests.service.kept import found, set_row

pytestmark = pytest.mark.anyio

DAY = 86_400_000
SECRET = "the-patient-has-measles"
PAYLOAD = {"msg": SECRET, "email": f"{SECRET}@example.com", SECRET: 1}
FIRED = [{"file": "a.rules", "line": 2, "title": "Printers"}]
DECISION: dict[str, Any] = {
    "action_variables": {"priority": 1, "team": "Printers", "msg": SECRET, "subject": SECRET, "email": SECRET},
    "other_variables": {"word": SECRET},
    "changes": [
        {"variable": "priority", "file": "a.rules", "line": 3, "old": None, "new": 1},
        {"variable": "msg", "file": "a.rules", "line": 4, "old": SECRET, "new": SECRET + "!"},
    ],
    "fired": FIRED,
    "not_fired": [],
    "faults": [{"kind": "error", "type": "ValueError", "message": SECRET, "file": "a.rules", "line": 5, "column": 1}],
    "refused": None,
    "prints": SECRET,
    "steps": 7,
    "revision": "r1",
    "received_at": "2026-11-21T09:30:00+01:00",
    "unused_keys": [SECRET],
    "looked_up": {"name": SECRET},
}
REDUCED: dict[str, Any] = {
    "action_variables": {"priority": 1, "team": "Printers"},
    "other_variables": {},
    "changes": [
        {"variable": "priority", "file": "a.rules", "line": 3, "old": None, "new": 1},
        {"variable": "msg", "file": "a.rules", "line": 4, "old": None, "new": None},
    ],
    "fired": FIRED,
    "not_fired": [],
    "faults": [
        {"kind": "error", "type": "ValueError", "message": NO_LONGER_KEPT, "file": "a.rules", "line": 5, "column": 1}
    ],
    "refused": None,
    "prints": "",
    "steps": 7,
    "revision": "r1",
    "received_at": "2026-11-21T09:30:00+01:00",
    "unused_keys": [],
    "looked_up": {},
}
ERROR = {"variable": "team", "value": SECRET, "reason": f"no team {SECRET}", "replacement": "1st Line"}


@pytest.fixture
def store(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store on each kind of database."""
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.0)
    return Store(any_database)


def keep(store: Store, ticket_id: str, state: State = State.ACCEPTED, **values: Any) -> None:
    """Keep a ticket in a state, with two attempts and all the places in which a ticket is quoted."""
    arrival = Arrival(
        ticket_id=ticket_id,
        state=State.ACCEPTED,
        idempotency_key=f"key-{ticket_id}",
        body_hash=digest(PAYLOAD),
        payload=PAYLOAD,
        decision=DECISION | values,
        requester=SECRET,
    )
    store.insert([arrival])
    number = store.start_attempt(ticket_id, Stage.TICKET, "w1")
    store.attempt_failed(ticket_id, number, SECRET, counts=True)
    number = store.start_attempt(ticket_id, Stage.TICKET, "w1")
    store.ticket_created(ticket_id, number, 17, [ERROR], [SECRET])
    set_row(store, ticket_id, state=state)


def age(store: Store, ticket_id: str, days: float) -> None:
    """Let a ticket's way have ended so many days ago."""
    set_row(store, ticket_id, updated_at=int(time.time() * 1000 - days * DAY))


def rows(store: Store) -> str:
    """Return all that the tables hold, as text."""
    with store.database.engine.connect() as connection:
        return repr([connection.execute(sa.select(table)).all() for table in (TICKETS, ATTEMPTS)])


async def sweep(store: Store, **days: int) -> None:
    """Sweep once."""
    await Retention(store.database, RetentionSection(**days)).sweep()


async def test_bodies(store: Store) -> None:
    """A body goes with everything that quotes it; what the rules decided, and where the ticket is in Halo, stays."""
    keep(store, "old", State.FILED)
    keep(store, "new", State.FILED)
    age(store, "old", 90.1)
    age(store, "new", 89.9)
    before = found(store, "new")
    await sweep(store)
    assert found(store, "new") == before
    ticket = found(store, "old")
    assert (ticket.payload, ticket.decision, ticket.remarks, ticket.last_error) == (None, REDUCED, [], None)
    assert ticket.submission_errors == [
        {"variable": "team", "value": None, "reason": NO_LONGER_KEPT, "replacement": None}
    ]
    assert (ticket.halo_ticket_id, ticket.attempts, ticket.body_hash) == (17, 2, digest(PAYLOAD))
    assert store.with_key("key-old") == ticket
    assert [(attempt.result, attempt.answer) for attempt in store.attempts("old")] == [
        ("failed", None),
        ("created", None),
    ]
    assert delete(store.database, "new")
    assert SECRET not in rows(store)


async def test_a_refusal_stays_one(store: Store) -> None:
    """Of a refused ticket it is known for as long as the decision is kept that it was refused."""
    keep(store, "t1", State.REFUSED, refused=f"No, {SECRET}!")
    age(store, "t1", 91)
    await sweep(store)
    assert found(store, "t1").decision == REDUCED | {"refused": NO_LONGER_KEPT}


async def test_decisions_and_tickets(store: Store) -> None:
    """Later the decision goes, and in the end the ticket with its attempts, and its key is free again."""
    keep(store, "t1", State.CANCELLED)
    age(store, "t1", 366)
    await sweep(store)
    ticket = found(store, "t1")
    assert (ticket.payload, ticket.decision, ticket.submission_errors) == (None, None, [])
    age(store, "t1", 401)
    await sweep(store)
    assert (store.get("t1"), store.with_key("key-t1"), store.attempts("t1")) == (None, None, [])


@pytest.mark.parametrize("state", [State.ACCEPTED, State.DEAD, State.REVIEW])
async def test_what_needs_somebody_stays(store: Store, state: State) -> None:
    """Tickets on their way and those that wait for a person are kept whole, however old."""
    keep(store, "t1", state)
    age(store, "t1", 10_000)
    before = found(store, "t1")
    await sweep(store, bodies_days=1, decisions_days=1, tickets_days=1)
    assert found(store, "t1") == before
    assert delete(store.database, "t1") == (state is not State.ACCEPTED)


async def test_for_ever(store: Store) -> None:
    """With 0 days nothing of a kind is ever deleted, whatever the other kinds are."""
    keep(store, "t1", State.FILED)
    age(store, "t1", 10_000)
    before = found(store, "t1")
    await sweep(store, bodies_days=0, decisions_days=0, tickets_days=0)
    assert found(store, "t1") == before
    await sweep(store, bodies_days=0, decisions_days=10, tickets_days=0)
    assert (found(store, "t1").payload, found(store, "t1").decision) == (PAYLOAD, None)


async def test_many(store: Store) -> None:
    """More tickets than are deleted at once go in one sweep, and the next one finds those that came after."""
    keep(store, "t", State.FILED)
    age(store, "t", 91)
    with store.database.transaction() as connection:
        row = connection.execute(sa.select(TICKETS)).one()._asdict()
        many = [row | {"id": f"t{number}", "idempotency_key": f"k{number}"} for number in range(2 * BATCH + 10)]
        connection.execute(sa.insert(TICKETS), many)
    running = Retention(store.database, RetentionSection())
    await running.sweep()
    with store.database.engine.connect() as connection:
        left = connection.execute(sa.select(sa.func.count()).where(TICKETS.c.payload.is_not(None))).scalar()
    assert left == 0
    keep(store, "later", State.FILED)
    age(store, "later", 90)
    # Older than 90 days by a moment.
    await asyncio.sleep(0.002)
    await running.sweep()
    assert found(store, "later").payload is None


async def test_clock_that_was_set_forward(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps by years deletes nothing for a day, in which somebody can set it right."""
    now = [1000.0]
    keep(store, "t1", State.FILED)
    running = Retention(store.database, RetentionSection(), lambda: now[0])
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 500 * 86_400)
    await running.sweep()
    now[0] += 86_399
    await running.sweep()
    assert found(store, "t1").payload == PAYLOAD
    now[0] += 1
    await running.sweep()
    assert store.get("t1") is None


async def test_delete(store: Store) -> None:
    """A ticket is deleted with its attempts, once, and not while a worker is at it."""
    keep(store, "t1", State.CANCELLED)
    keep(store, "t2", State.FILED)
    set_row(store, "t1", leased_until=int(time.time() * 1000) + 5000)
    assert not delete(store.database, "t1")
    set_row(store, "t1", leased_until=0)
    assert delete(store.database, "t1")
    assert not delete(store.database, "t1")
    assert (store.get("t1"), store.attempts("t1")) == (None, [])
    assert len(store.attempts("t2")) == 2


def text_in_files(folder: Path) -> list[str]:
    """Return the files in which the text stands."""
    return sorted(path.name for path in folder.iterdir() if SECRET.encode() in path.read_bytes())


async def test_files_of_sqlite(tmp_path: Path) -> None:
    """What was deleted stands in no file of a SQLite database, while it is open and after."""
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.open()
    store = Store(database)
    long = {**DECISION, "prints": SECRET * 1000}
    for number in range(30):
        keep(store, f"t{number}", State.FILED, prints=SECRET * 50 * number)
        age(store, f"t{number}", 91)
    keep(store, "long", State.FILED, **long)
    age(store, "long", 401)
    assert text_in_files(tmp_path) == ["kept.db", "kept.db-wal"]
    await sweep(store)
    assert text_in_files(tmp_path) == []
    keep(store, "t1000", State.DEAD)
    assert delete(database, "t1000")
    assert text_in_files(tmp_path) == []
    database.close()
    assert text_in_files(tmp_path) == []
