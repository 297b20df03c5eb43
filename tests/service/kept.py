"""Tickets as a store has them after a while, put there without a worker."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from service.store import TICKETS, Arrival, Stage, State, Store, StoredTicket

DECISION: dict[str, Any] = {
    "action_variables": {"subject": "no sound", "priority": "Hihg", "msg": "no sound at all"},
    "fired": [{"file": "a.rules", "line": 2, "title": "Sound first"}],
    "faults": [{"kind": "error", "type": "ValueError", "message": "no int", "file": "a.rules", "line": 5, "column": 1}],
    "refused": None,
    "revision": "8c1f" * 16,
}


def number(place: int) -> str:
    """Return the id of a ticket; those of higher places are newer."""
    return f"01kakz3x8r5w7m0c2f4h6j8n{place:02}"


def keep(store: Store, place: int = 1, state: State = State.ACCEPTED, **decision: Any) -> str:
    """Keep a ticket that somebody sent, in a state that it gets to by itself, and return its id."""
    ticket_id = number(place)
    first = State.REFUSED if state is State.REFUSED else State.ACCEPTED
    arrival = Arrival(ticket_id, first, f"key {place}", "h", {"msg": "no sound at all"}, DECISION | decision)
    assert store.insert([arrival]) == [True]
    if state in (State.DEAD, State.REVIEW):
        attempt = store.start_attempt(ticket_id, Stage.TICKET, "w1")
        if state is State.REVIEW:
            assert store.claim(ticket_id, Stage.TICKET, None, 1_700_000_000_000)
        status = 400 if state is State.DEAD else None
        store.attempt_failed(ticket_id, attempt, f"Halo said {status}.", status=status, counts=True)
        store.bury(ticket_id, f"Halo said {status}.", state)
    if state is State.FILED:
        store.ticket_created(ticket_id, store.start_attempt(ticket_id, Stage.TICKET, "w1"), 17, [], [])
        store.note_added(ticket_id, store.start_attempt(ticket_id, Stage.NOTE, "w1"), 3)
    if state is State.CANCELLED:
        assert store.cancel(ticket_id)
    return ticket_id


def found(store: Store, ticket_id: str) -> StoredTicket:
    """Return the ticket, which is there."""
    ticket = store.get(ticket_id)
    assert ticket is not None
    return ticket


def set_row(store: Store, ticket_id: str, **values: Any) -> None:
    """Set columns of a ticket."""
    with store.database.transaction() as connection:
        connection.execute(sa.update(TICKETS).where(TICKETS.c.id == ticket_id).values(**values))
