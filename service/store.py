"""Store: the `ticket` table, which is the truth about every ticket that ever came in.

Whatever runs deliveries may forget, repeat or crash: what was sent to Halo and what came back is written here
first. Around each request that creates something stands an *intent*: the time of the attempt, set before it
and by one runner only (compare-and-set). A row with an intent and without a result says that Halo may or may
not have done it.

The same statements run on SQLite and PostgreSQL. JSON is kept as ASCII text: neither database takes every
Unicode text that a rule can build (lone surrogates, NUL).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dispatcher.errors import SettingsError
from service.lock import FileLock

# Kept with every row and in its unique key, so that one service may serve several Halo tenants one day.
TENANT = "main"


class State(StrEnum):
    """Where a ticket stands."""

    ACCEPTED = "accepted"  # kept; to be filed, or being filed
    FILED = "filed"  # in Halo, with its note
    REFUSED = "refused"  # by a rule
    DEAD = "dead"  # could not be filed; waits for a person
    CANCELLED = "cancelled"  # by a person


class Stage(StrEnum):
    """What a delivery creates in Halo, in this order."""

    TICKET = "ticket"
    NOTE = "note"


_METADATA = sa.MetaData()
# Times are milliseconds since 1970, so that both databases compare an intent exactly.
TICKETS = sa.Table(
    "ticket",
    _METADATA,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("ticket_intent", sa.BigInteger),
    sa.Column("halo_ticket_id", sa.BigInteger),
    sa.Column("submission_errors", sa.Text, nullable=False, server_default="[]"),
    sa.Column("remarks", sa.Text, nullable=False, server_default="[]"),
    sa.Column("note_intent", sa.BigInteger),
    sa.Column("halo_note_id", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("tenant", "idempotency_key"),
    sa.Index("ticket_by_state", "state", "updated_at"),
)
_INTENT = {Stage.TICKET: TICKETS.c.ticket_intent, Stage.NOTE: TICKETS.c.note_intent}


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """One row. `attempts` counts every try, `failures` those that speak against the ticket and not Halo."""

    id: str
    state: State
    idempotency_key: str | None
    body_hash: str
    payload: dict[str, Any]
    decision: dict[str, Any]
    intents: dict[Stage, int | None]
    halo_ticket_id: int | None
    halo_note_id: int | None
    submission_errors: list[dict[str, Any]]
    remarks: list[str]
    attempts: int
    failures: int
    last_error: str | None
    created_at: int
    updated_at: int


class Store:
    """The database, for any thread. Every call is one transaction, unless it takes a connection."""

    def __init__(self, database: str) -> None:
        self._url = sa.make_url(database)
        self._lock: FileLock | None = None
        # Without parameters in error texts: those go to the log, and tickets do not.
        self.engine = sa.create_engine(self._url, pool_size=20, max_overflow=40, hide_parameters=True)
        if self._url.get_backend_name() == "sqlite":
            sa.event.listen(self.engine, "connect", _prepare_sqlite)

    def open(self) -> None:
        """Take the database for this process, create what is missing; SettingsError if it cannot be used."""
        if self._lock is None and self._url.get_backend_name() == "sqlite":
            path = Path(self._url.database or "")
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Two processes on one SQLite file would each run every delivery that the other one has begun.
                self._lock = FileLock.take(path.with_name(path.name + ".lock"))
            except OSError as error:
                raise SettingsError(f"cannot keep tickets in {path.parent}: {error.strerror}") from None
            if self._lock is None:
                raise SettingsError(
                    f"another service is using {path}; stop it, or give this one its own folder with `data`"
                )
        try:
            _METADATA.create_all(self.engine)
        except sa.exc.DBAPIError as error:
            self.close()
            url = self._url.render_as_string(hide_password=True)
            raise SettingsError(f"cannot open the database {url}: {error.orig}") from None

    def close(self) -> None:
        """Give the database back."""
        self.engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction that commits when the block ends, and rolls back when it raises."""
        with self.engine.begin() as connection:
            yield connection

    def insert(
        self,
        connection: sa.Connection,
        *,
        ticket_id: str,
        state: State,
        idempotency_key: str | None,
        body_hash: str,
        payload: Mapping[str, Any],
        decision: Mapping[str, Any],
    ) -> StoredTicket:
        """Add a ticket; raise `sqlalchemy.exc.IntegrityError` when the idempotency key is taken."""
        now = _now()
        inserted = connection.execute(
            sa.insert(TICKETS)
            .values(
                id=ticket_id,
                tenant=TENANT,
                idempotency_key=idempotency_key,
                body_hash=body_hash,
                payload=_to_text(payload),
                decision=_to_text(decision),
                state=state,
                created_at=now,
                updated_at=now,
            )
            .returning(*TICKETS.c)
        )
        return _ticket(inserted.one())

    def get(self, ticket_id: str) -> StoredTicket | None:
        """Return the ticket with this id."""
        return self._one(TICKETS.c.id == ticket_id)

    def with_key(self, idempotency_key: str) -> StoredTicket | None:
        """Return the ticket that was sent with this idempotency key."""
        return self._one((TICKETS.c.tenant == TENANT) & (TICKETS.c.idempotency_key == idempotency_key))

    def unfinished(self, older_than_seconds: float) -> list[str]:
        """Return the ids of accepted tickets to which nothing has happened for a while."""
        stale = _now() - int(older_than_seconds * 1000)
        query = sa.select(TICKETS.c.id).where(TICKETS.c.state == State.ACCEPTED, TICKETS.c.updated_at <= stale)
        with self.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def start_attempt(self, ticket_id: str) -> None:
        """Count an attempt before it is made, so that one which kills the process counts too."""
        self._update(TICKETS.c.id == ticket_id, attempts=TICKETS.c.attempts + 1, failures=TICKETS.c.failures + 1)

    def claim(self, ticket_id: str, stage: Stage, seen: int | None, intent: int) -> bool:
        """Set the stage's intent if it still is what the caller saw: true for one runner only."""
        column = _INTENT[stage]
        unchanged = column.is_(None) if seen is None else column == seen
        mine = (TICKETS.c.id == ticket_id) & (TICKETS.c.state == State.ACCEPTED) & unchanged
        return self._update(mine, **{column.name: intent})

    def ticket_created(
        self, ticket_id: str, halo_ticket_id: int, submission_errors: list[dict[str, Any]], remarks: list[str]
    ) -> None:
        """Keep what Halo answered to creating the ticket."""
        self._update(
            TICKETS.c.id == ticket_id,
            halo_ticket_id=halo_ticket_id,
            submission_errors=_to_text(submission_errors),
            remarks=_to_text(remarks),
        )

    def note_added(self, ticket_id: str, halo_note_id: int) -> None:
        """Keep the note's id; with it the ticket is filed."""
        self._update(TICKETS.c.id == ticket_id, halo_note_id=halo_note_id, state=State.FILED)

    def attempt_failed(
        self, ticket_id: str, error: str, *, counts: bool, released: tuple[Stage, int] | None = None
    ) -> None:
        """Keep why an attempt failed. `released` withdraws an intent: Halo surely did nothing."""
        values: dict[str, Any] = {"last_error": error}
        if not counts:
            values["failures"] = TICKETS.c.failures - 1
        if released is not None:
            column = _INTENT[released[0]]
            values[column.name] = sa.case((column == released[1], sa.null()), else_=column)
        self._update(TICKETS.c.id == ticket_id, **values)

    def bury(self, ticket_id: str, reason: str) -> None:
        """Give a ticket up: it stays, with the reason, until a person replays it."""
        undone = (TICKETS.c.id == ticket_id) & (TICKETS.c.state == State.ACCEPTED)
        self._update(undone, state=State.DEAD, last_error=reason)

    def cancel(self, ticket_id: str) -> bool:
        """Stop filing a ticket; true if it was not too late."""
        waiting = (TICKETS.c.id == ticket_id) & TICKETS.c.state.in_((State.ACCEPTED, State.DEAD))
        return self._update(waiting, state=State.CANCELLED)

    def reopen(self, ticket_id: str) -> bool:
        """Accept a dead or cancelled ticket anew. Intents stay: what they left in doubt is still in doubt."""
        stopped = (TICKETS.c.id == ticket_id) & TICKETS.c.state.in_((State.DEAD, State.CANCELLED))
        return self._update(stopped, state=State.ACCEPTED, failures=0)

    def _one(self, condition: sa.ColumnElement[bool]) -> StoredTicket | None:
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(TICKETS).where(condition)).one_or_none()
        return None if row is None else _ticket(row)

    def _update(self, condition: sa.ColumnElement[bool], **values: Any) -> bool:
        with self.transaction() as connection:
            result = connection.execute(sa.update(TICKETS).where(condition).values(updated_at=_now(), **values))
            return result.rowcount == 1


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Writers take the lock when they begin and wait for it, so none fails half-way with "database is locked".
    connection.isolation_level = "IMMEDIATE"
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit is on the disk before it returns: the 202 that follows promises that.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    if sqlite3.sqlite_version_info < (3, 42):
        # DBOS asks for `unixepoch('subsec')` where Python is 3.12 or newer; older libraries answer NULL to it.
        connection.create_function("unixepoch", 1, _seconds)


def _seconds(_modifier: str) -> float:
    return time.time()


def _ticket(row: sa.Row[Any]) -> StoredTicket:
    return StoredTicket(
        id=row.id,
        state=State(row.state),
        idempotency_key=row.idempotency_key,
        body_hash=row.body_hash,
        payload=json.loads(row.payload),
        decision=json.loads(row.decision),
        intents={stage: getattr(row, column.name) for stage, column in _INTENT.items()},
        halo_ticket_id=row.halo_ticket_id,
        halo_note_id=row.halo_note_id,
        submission_errors=json.loads(row.submission_errors),
        remarks=json.loads(row.remarks),
        attempts=row.attempts,
        failures=row.failures,
        last_error=row.last_error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _to_text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _now() -> int:
    return int(time.time() * 1000)
