"""Retention: what is over is kept for a while, in three steps, and then really deleted.

First goes the body: what the sender sent, what Halo said of it, and what the decision quotes of either. What the rules
decided stays readable: which fired, what they set the fields of the ticket to, where they failed. Later goes the
decision, and in the end the ticket. A ticket that still needs somebody (accepted, dead, review) keeps everything.

SQLite overwrites what is deleted with zeros, in the file at once and in the log beside it when that is emptied, which
is done here. The file does not shrink: the space is used again. PostgreSQL frees space with its autovacuum.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from dispatcher.tickets import ACTIONS
from service.database import Database, milliseconds, to_text
from service.settings import RetentionSection
from service.store import ATTEMPTS, TICKETS, State

DAY_SECONDS = 86_400
# So many tickets in one transaction, and then a pause, so that others can write in between.
BATCH = 200
PAUSE_SECONDS = 0.05
NO_LONGER_KEPT = "This text is no longer kept."

_OVER = (State.FILED, State.REFUSED, State.CANCELLED)
# Ticket variables that hold what people wrote, not what Halo has names or numbers for.
_TEXTS = frozenset({"subject", "msg", "append", "priv_append", "customfield", "exception"})
_FIELDS = frozenset(variable.name for variable in ACTIONS) - _TEXTS

_Rows = Sequence[Any]

_log = logging.getLogger(__name__)


class Retention:
    """Deletes what is old, for one process. Several may do so at once."""

    def __init__(
        self, database: Database, settings: RetentionSection, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._steps = (
            (settings.bodies_days, TICKETS.c.payload.is_not(None), _erase_bodies),
            (settings.decisions_days, TICKETS.c.decision.is_not(None), _erase_decisions),
            (settings.tickets_days, sa.true(), _delete),
        )
        self._clock = clock
        self._offset = time.time() - clock()
        self._not_before = clock()
        # Up to which time of each step everything is done already.
        self._done = [0] * len(self._steps)

    async def sweep(self) -> None:
        """Delete all that is old by now."""
        if not self._clock_is_right():
            return
        now = milliseconds()
        for number, (days, still_there, erase) in enumerate(self._steps):
            if not days:
                continue
            until = now - days * DAY_SECONDS * 1000
            old = [TICKETS.c.state.in_(_OVER), TICKETS.c.updated_at < until, still_there]
            while await self._database.ask(self._batch, [*old, TICKETS.c.updated_at >= self._done[number]], erase):
                await asyncio.sleep(PAUSE_SECONDS)
            self._done[number] = until
        await self._database.ask(_clean, self._database)

    def _batch(self, old: list[sa.ColumnElement[bool]], erase: Callable[[sa.Connection, _Rows], None]) -> bool:
        """Erase a number of old tickets; true if there may be more."""
        columns = (TICKETS.c.id, TICKETS.c.state, TICKETS.c.decision, TICKETS.c.submission_errors)
        # In one order, so that two processes that do the same do not each wait for the other.
        query = sa.select(*columns).where(*old).order_by(TICKETS.c.updated_at, TICKETS.c.id).limit(BATCH)
        with self._database.transaction() as connection:
            # Nobody may take a ticket up again between the look and the deed; SQLite locks no rows.
            if self._database.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            rows = connection.execute(query.with_for_update()).all()
            if rows:
                erase(connection, rows)
        if rows:
            _log.info("deleted what is old", extra={"step": erase.__name__.strip("_"), "tickets": len(rows)})
        return len(rows) == BATCH

    def _clock_is_right(self) -> bool:
        """Tell whether the clock can be trusted with deleting: one that was set by more than a day, after a day."""
        now = self._clock()
        offset = time.time() - now
        if abs(offset - self._offset) > DAY_SECONDS:
            _log.error("the clock was set: nothing is deleted for a day", extra={"by": round(offset - self._offset)})
            self._offset = offset
            self._not_before = now + DAY_SECONDS
        return now >= self._not_before


def delete(database: Database, ticket_id: str) -> bool:
    """Delete a ticket that nobody is at, with all that is known of it; true if that was so."""
    free = (
        (TICKETS.c.id == ticket_id) & (TICKETS.c.state != State.ACCEPTED) & (TICKETS.c.leased_until <= milliseconds())
    )
    with database.transaction() as connection:
        if connection.execute(sa.delete(TICKETS).where(free)).rowcount == 0:
            return False
        connection.execute(sa.delete(ATTEMPTS).where(ATTEMPTS.c.ticket_id == ticket_id))
    _clean(database)
    return True


def reduced(decision: dict[str, Any]) -> dict[str, Any]:
    """Return a decision without what quotes the ticket."""
    return {
        "action_variables": {
            name: value for name, value in decision.get("action_variables", {}).items() if name in _FIELDS
        },
        "other_variables": {},
        "changes": [
            change if change["variable"] in _FIELDS else change | {"old": None, "new": None}
            for change in decision.get("changes", [])
        ],
        "fired": decision.get("fired", []),
        "not_fired": decision.get("not_fired", []),
        "faults": [fault | {"message": NO_LONGER_KEPT} for fault in decision.get("faults", [])],
        # That it was refused stays: the same Idempotency-Key must get a refusal again.
        "refused": None if decision.get("refused") is None else NO_LONGER_KEPT,
        "prints": "",
        "steps": decision.get("steps"),
        "revision": decision.get("revision"),
        "received_at": decision.get("received_at"),
        "unused_keys": [],
        "looked_up": {},
    }


def _clean(database: Database) -> None:
    """Empty SQLite's log, in which what was deleted still stands."""
    if not database.empty_log():
        _log.info("SQLite's log is in use and was not emptied; the next time will do")


def _erase_bodies(connection: sa.Connection, rows: _Rows) -> None:
    for row in rows:
        decision = None if row.decision is None else to_text(reduced(json.loads(row.decision)))
        errors = [
            error | {"value": None, "reason": NO_LONGER_KEPT, "replacement": None}
            for error in json.loads(row.submission_errors)
        ]
        connection.execute(
            sa.update(TICKETS)
            .where(TICKETS.c.id == row.id)
            .values(
                payload=None,
                decision=decision,
                defaults=None,
                requester=None,
                submission_errors=to_text(errors),
                remarks="[]",
                last_error=None,
            )
        )
    connection.execute(sa.update(ATTEMPTS).where(ATTEMPTS.c.ticket_id.in_(_ids(rows))).values(answer=None))


def _erase_decisions(connection: sa.Connection, rows: _Rows) -> None:
    erasing = sa.update(TICKETS).where(TICKETS.c.id.in_(_ids(rows)))
    connection.execute(erasing.values(decision=None, submission_errors="[]"))


def _delete(connection: sa.Connection, rows: _Rows) -> None:
    connection.execute(sa.delete(ATTEMPTS).where(ATTEMPTS.c.ticket_id.in_(_ids(rows))))
    connection.execute(sa.delete(TICKETS).where(TICKETS.c.id.in_(_ids(rows))))


def _ids(rows: _Rows) -> list[str]:
    return [row.id for row in rows]
