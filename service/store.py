"""Store: the `ticket` table, which is the truth about every ticket that ever came in, and the queue of those to file.

Whatever runs deliveries may forget, repeat or crash: what was sent to Halo and what came back is written here
first. Three marks of a row make sure of that:

- `due_at`, `attempts`, `rank`: the next attempt is not before the first of them; the others tell who goes first.
- `leased_until`: a worker is at it, and says so again and again. That of a worker that has died runs out.
- an *intent* around each request that creates something: set before it and by one runner only (compare-and-set).
  A row with an intent and without a result says that Halo may or may not have done it.

So a lease saves work, and only the intent prevents that something is done twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from service.database import METADATA, Database, milliseconds, to_text

# Kept with every row and in its unique key, so that one service may serve several Halo tenants one day.
TENANT = "main"
# Where a ticket stands in the queue whose priority says nothing.
USUAL_RANK = 100
# Of PostgreSQL's advisory locks; any number of ours that nobody else takes.
_LEASING = 0x64697371
# Further away than any attempt that is put off, and any lease.
FURTHEST_MILLISECONDS = 2 * 3_600_000
# What the note of a ticket says whose answer was lost.
LOST_ANSWER = "Halo's answer to creating this ticket was lost, so values that Halo does not know are not listed here."


class State(StrEnum):
    """Where a ticket stands."""

    ACCEPTED = "accepted"  # kept; to be filed, or being filed
    FILED = "filed"  # in Halo, with its note
    REFUSED = "refused"  # by a rule
    DEAD = "dead"  # could not be filed; waits for a person
    REVIEW = "review"  # may be in Halo, and nobody can tell but a person
    CANCELLED = "cancelled"  # by a person


class Stage(StrEnum):
    """What a delivery creates in Halo, in this order."""

    TICKET = "ticket"
    NOTE = "note"


# Times are milliseconds since 1970, so that both databases compare an intent exactly.
TICKETS = sa.Table(
    "ticket",
    METADATA,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False, server_default=""),
    sa.Column("idempotency_key", sa.Text, nullable=False),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("payload", sa.Text),
    sa.Column("decision", sa.Text),
    sa.Column("defaults", sa.Text),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("rank", sa.Integer, nullable=False, server_default=str(USUAL_RANK)),
    # The name of a priority of which the rank is not known yet.
    sa.Column("priority", sa.Text),
    sa.Column("requester", sa.Text),
    sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("leased_until", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("leased_by", sa.String(32)),
    sa.Column("watched_by", sa.String(32)),
    sa.Column("ticket_intent", sa.BigInteger),
    sa.Column("halo_ticket_id", sa.BigInteger),
    sa.Column("submission_errors", sa.Text, nullable=False, server_default="[]"),
    sa.Column("remarks", sa.Text, nullable=False, server_default="[]"),
    sa.Column("note_intent", sa.BigInteger),
    sa.Column("halo_note_id", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    sa.Column("alert_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("waiting_since", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("tenant", "sender", "idempotency_key"),
    sa.Index("ticket_queue", "state", "attempts", "rank", "id"),
    sa.Index("ticket_leased", "leased_until"),
    sa.Index("ticket_waiting", "state", "waiting_since"),
    sa.Index("ticket_ended", "state", "updated_at"),
)
ATTEMPTS = sa.Table(
    "attempt",
    METADATA,
    sa.Column("ticket_id", sa.String(26), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("stage", sa.String(8), nullable=False),
    sa.Column("worker", sa.String(32), nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("result", sa.String(8)),
    sa.Column("status", sa.Integer),
    sa.Column("answer", sa.Text),
)
_RESULT = {Stage.TICKET: TICKETS.c.halo_ticket_id, Stage.NOTE: TICKETS.c.halo_note_id}
_INTENT = {Stage.TICKET: TICKETS.c.ticket_intent, Stage.NOTE: TICKETS.c.note_intent}
_WAITING = TICKETS.c.state == State.ACCEPTED
# States that only a person changes.
STOPPED = (State.DEAD, State.REVIEW, State.CANCELLED)
# What is no longer kept cannot be filed.
_WHOLE = TICKETS.c.payload.is_not(None) & TICKETS.c.decision.is_not(None)


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """One row. `attempts` counts every try, `failures` those that speak against the ticket and not Halo.

    `payload` and `decision` are None once they are no longer kept; of tickets on their way they always are.
    `defaults` are those of a replay, in place of the settings' own.
    """

    id: str
    state: State
    idempotency_key: str
    body_hash: str
    payload: dict[str, Any] | None
    decision: dict[str, Any] | None
    defaults: dict[str, Any]
    intents: dict[Stage, int | None]
    halo_ticket_id: int | None
    halo_note_id: int | None
    submission_errors: list[dict[str, Any]]
    remarks: list[str]
    rank: int
    due_at: int
    attempts: int
    failures: int
    last_error: str | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ticket that comes in.

    `rank`: where it stands in the queue; None: nobody knows yet, and `priority` tells it later. `requester`: whose
    tickets keep their order among each other. `sender`: within whose tickets the idempotency key is unique.
    """

    ticket_id: str
    state: State
    idempotency_key: str
    body_hash: str
    payload: Mapping[str, Any]
    decision: Mapping[str, Any]
    rank: int | None = None
    priority: str | None = None
    requester: str | None = None
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a stage. `result`: created, found, failed; None: it was broken off, or is under way."""

    number: int
    stage: Stage
    worker: str
    started_at: int
    ended_at: int | None
    result: str | None
    status: int | None
    answer: str | None


class Store:
    """Tickets, for any thread. Every call is one transaction, unless it takes a connection."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- intake

    def insert(self, arrivals: Sequence[Arrival]) -> list[bool]:
        """Add tickets in one transaction; tell of each whether it was added, False: its idempotency key is taken."""
        now = milliseconds()
        dialect = sqlite if self.database.is_sqlite else postgresql
        statement = (
            dialect.insert(TICKETS)
            .on_conflict_do_nothing(index_elements=["tenant", "sender", "idempotency_key"])
            .returning(TICKETS.c.id)
        )
        rows = [
            {
                "id": arrival.ticket_id,
                "tenant": TENANT,
                "sender": _storable(arrival.sender),
                "idempotency_key": arrival.idempotency_key,
                "body_hash": arrival.body_hash,
                "payload": to_text(arrival.payload),
                "decision": to_text(arrival.decision),
                "state": arrival.state,
                "rank": USUAL_RANK if arrival.rank is None else arrival.rank,
                "priority": _storable(arrival.priority) if arrival.rank is None and arrival.priority else None,
                "requester": arrival.requester,
                # At once: `now` may be of a clock that is ahead of the others.
                "due_at": 0,
                "created_at": now,
                "waiting_since": now,
                "updated_at": now,
            }
            for arrival in arrivals
        ]
        with self.database.transaction() as connection:
            return [connection.execute(statement, row).first() is not None for row in rows]

    # --- reading

    def get(self, ticket_id: str) -> StoredTicket | None:
        """Return the ticket with this id."""
        return self._one(TICKETS.c.id == ticket_id)

    def with_key(self, idempotency_key: str, sender: str = "") -> StoredTicket | None:
        """Return the ticket that a sender sent with this idempotency key."""
        mine = (TICKETS.c.tenant == TENANT) & (TICKETS.c.sender == _storable(sender))
        return self._one(mine & (TICKETS.c.idempotency_key == idempotency_key))

    def attempts(self, ticket_id: str) -> list[Attempt]:
        """Return the attempts at a ticket, in order."""
        query = sa.select(ATTEMPTS).where(ATTEMPTS.c.ticket_id == ticket_id).order_by(ATTEMPTS.c.number)
        with self.database.engine.connect() as connection:
            return [_attempt(row) for row in connection.execute(query)]

    def tickets(
        self, states: Collection[State] = (), before: str | None = None, limit: int = 100
    ) -> list[StoredTicket]:
        """Return the newest tickets in these states (none named: in any), those with an id below `before`."""
        query = sa.select(TICKETS).order_by(TICKETS.c.id.desc()).limit(limit)
        if states:
            query = query.where(TICKETS.c.state.in_(states))
        if before is not None:
            query = query.where(TICKETS.c.id < before)
        with self.database.engine.connect() as connection:
            return [_ticket(row) for row in connection.execute(query)]

    def counts(self, states: Collection[State] = tuple(State)) -> dict[State, int]:
        """Return how many tickets are in each state."""
        query = sa.select(TICKETS.c.state, sa.func.count()).where(TICKETS.c.state.in_(states))
        with self.database.engine.connect() as connection:
            rows = connection.execute(query.group_by(TICKETS.c.state))
            found = {State(state): number for state, number in rows}
        return {state: found.get(state, 0) for state in states}

    def oldest_waiting(self) -> int | None:
        """Return since when the ticket has been waiting that has waited longest; from a replay on, if there was one."""
        query = sa.select(sa.func.min(TICKETS.c.waiting_since)).where(_WAITING)
        with self.database.engine.connect() as connection:
            oldest: int | None = connection.execute(query).scalar()
        return oldest

    # --- the queue

    def lease(self, worker: str, limit: int, repeats: int, seconds: float) -> dict[str, bool]:
        """Give a worker some of the tickets that are due, for so many seconds; tell of each whether it is a repeat.

        At most `repeats` of them were tried before, the least tried first; of the others the most urgent and oldest
        come first.

        A ticket waits while another one of its requester is worked on, so these keep their order. One whose doubt
        another worker waits out is left to that, unless it is overdue for as long: that worker is dead then.
        """
        now = milliseconds()
        other = TICKETS.alias()
        worked_on = sa.select(other.c.requester).where(
            ~_is_past(other.c.leased_until, now), other.c.state == State.ACCEPTED, other.c.requester.is_not(None)
        )
        mine = TICKETS.c.watched_by.is_(None) | (TICKETS.c.watched_by == worker)
        abandoned = TICKETS.c.due_at <= now - int(seconds * 1000)
        due = (
            sa.select(TICKETS.c.id, TICKETS.c.requester)
            .where(
                _WAITING,
                _is_past(TICKETS.c.due_at, now),
                _is_past(TICKETS.c.leased_until, now),
                mine | abandoned,
                TICKETS.c.requester.is_(None) | TICKETS.c.requester.not_in(worked_on),
            )
            .with_for_update(skip_locked=True)
        )
        tried = due.where(TICKETS.c.attempts > 0).order_by(TICKETS.c.attempts, TICKETS.c.rank, TICKETS.c.id)
        untried = due.where(TICKETS.c.attempts == 0).order_by(TICKETS.c.rank, TICKETS.c.id)
        taken: dict[str, bool] = {}
        requesters: set[str] = set()
        with self.database.transaction() as connection:
            if not self.database.is_sqlite:
                # One worker at a time: none sees which requesters' tickets another is just taking.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LEASING)))
            for query, most, repeat in ((tried, repeats, True), (untried, limit, False)):
                left = min(most, limit - len(taken))
                # Some may be of one requester, and only the first of them is taken.
                for ticket_id, requester in connection.execute(query.limit(8 * left)) if left > 0 else ():
                    if left and (requester is None or requester not in requesters):
                        taken[ticket_id] = repeat
                        requesters.add(requester)
                        left -= 1
            if taken:
                until = now + int(seconds * 1000)
                connection.execute(
                    sa.update(TICKETS).where(TICKETS.c.id.in_(taken)).values(leased_until=until, leased_by=worker)
                )
        return taken

    def unranked(self) -> list[str]:
        """Return the priorities of waiting tickets of which nobody knows yet how urgent they are."""
        query = sa.select(TICKETS.c.priority).where(_WAITING, TICKETS.c.priority.is_not(None)).distinct()
        with self.database.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def rank(self, priority: str, rank: int) -> None:
        """Give waiting tickets of a priority their place in the queue."""
        with self.database.transaction() as connection:
            ranked = sa.update(TICKETS).where(_WAITING, TICKETS.c.priority == priority)
            connection.execute(ranked.values(rank=rank, priority=None))

    def renew(self, worker: str, ticket_ids: Sequence[str], seconds: float) -> None:
        """Say that the worker is still at these tickets."""
        until = milliseconds() + int(seconds * 1000)
        with self.database.transaction() as connection:
            connection.execute(
                sa.update(TICKETS)
                .where(TICKETS.c.id.in_(ticket_ids), TICKETS.c.leased_by == worker)
                .values(leased_until=until)
            )

    def release(self, worker: str, ticket_id: str, seconds: float, *, watching: bool = False) -> None:
        """Put a ticket back into the queue, for so many seconds from now.

        `watching`: the worker waits out a doubt, so it is the one to look at the ticket then.
        """
        with self.database.transaction() as connection:
            connection.execute(
                sa.update(TICKETS)
                .where(TICKETS.c.id == ticket_id, TICKETS.c.leased_by == worker)
                .values(
                    due_at=milliseconds() + int(seconds * 1000),
                    leased_until=0,
                    leased_by=None,
                    watched_by=worker if watching else None,
                )
            )

    def give_back(self, worker: str) -> None:
        """Put all tickets of a worker back into the queue."""
        with self.database.transaction() as connection:
            connection.execute(
                sa.update(TICKETS).where(TICKETS.c.leased_by == worker).values(leased_until=0, leased_by=None)
            )

    def end_leases(self) -> None:
        """Give back the tickets of workers that are known to be gone, and wait out their doubts anew."""
        with self.database.transaction() as connection:
            connection.execute(
                sa.update(TICKETS).where(_WAITING).values(leased_until=0, leased_by=None, watched_by=None)
            )

    def all_due(self) -> None:
        """Make every waiting ticket due now, after the clock was set back: what seemed a second is an hour."""
        with self.database.transaction() as connection:
            now = milliseconds()
            connection.execute(sa.update(TICKETS).where(_WAITING, TICKETS.c.due_at > now).values(due_at=now))

    # --- attempts

    def start_attempt(self, ticket_id: str, stage: Stage, worker: str) -> int:
        """Count an attempt before it is made, so that one which kills the process counts too; return its number."""
        with self.database.transaction() as connection:
            number: int = connection.execute(
                sa.update(TICKETS)
                .where(TICKETS.c.id == ticket_id)
                .values(attempts=TICKETS.c.attempts + 1, failures=TICKETS.c.failures + 1)
                .returning(TICKETS.c.attempts)
            ).scalar_one()
            connection.execute(
                sa.insert(ATTEMPTS).values(
                    ticket_id=ticket_id, number=number, stage=stage, worker=worker, started_at=milliseconds()
                )
            )
        return number

    def claim(self, ticket_id: str, stage: Stage, seen: int | None, intent: int) -> bool:
        """Set the stage's intent if it still is what the caller saw: true for one runner only."""
        column = _INTENT[stage]
        unchanged = column.is_(None) if seen is None else column == seen
        return self._update((TICKETS.c.id == ticket_id) & _WAITING & unchanged, **{column.name: intent})

    def ticket_created(
        self,
        ticket_id: str,
        number: int,
        halo_ticket_id: int,
        submission_errors: list[dict[str, Any]],
        remarks: list[str],
        *,
        found: bool = False,
    ) -> None:
        """Keep what Halo answered to creating the ticket, or that it was `found` there."""
        self._end(
            ticket_id,
            number,
            "found" if found else "created",
            halo_ticket_id=halo_ticket_id,
            submission_errors=to_text(submission_errors),
            remarks=to_text(remarks),
            failures=0,
        )

    def note_added(self, ticket_id: str, number: int, halo_note_id: int, *, found: bool = False) -> None:
        """Keep the note's id; with it the ticket is filed."""
        result = "found" if found else "created"
        self._end(ticket_id, number, result, halo_note_id=halo_note_id, state=State.FILED, leased_until=0)

    def attempt_failed(
        self,
        ticket_id: str,
        number: int,
        error: str,
        *,
        status: int | None = None,
        counts: bool,
        released: tuple[Stage, int] | None = None,
    ) -> None:
        """Keep why an attempt failed. `released` withdraws an intent: Halo surely did nothing."""
        values: dict[str, Any] = {"last_error": _storable(error)}
        if not counts:
            values["failures"] = TICKETS.c.failures - 1
        if released is not None:
            column = _INTENT[released[0]]
            values[column.name] = sa.case((column == released[1], sa.null()), else_=column)
        self._end(ticket_id, number, "failed", status=status, answer=_storable(error), **values)

    def bury(self, ticket_id: str, reason: str, state: State = State.DEAD) -> None:
        """Give a ticket up (`dead`), or leave it to a person (`review`): it stays, with the reason."""
        self._update(
            (TICKETS.c.id == ticket_id) & _WAITING,
            state=state,
            last_error=_storable(reason),
            leased_until=0,
            alert_at=milliseconds(),
        )

    # --- what a person does

    def cancel(self, ticket_id: str) -> bool:
        """Stop filing a ticket; true if it was not too late."""
        waiting = (TICKETS.c.id == ticket_id) & TICKETS.c.state.in_((State.ACCEPTED, State.DEAD, State.REVIEW))
        return self._update(waiting, state=State.CANCELLED, alert_at=None)

    def reopen(self, ticket_id: str, defaults: Mapping[str, Any] | None = None) -> bool:
        """Accept a stopped ticket anew, with other `defaults` than the settings' if some are given.

        Intents stay: what they left in doubt is still in doubt.
        """
        stopped = (TICKETS.c.id == ticket_id) & TICKETS.c.state.in_(STOPPED)
        return self._reopen(stopped, defaults) == 1

    def reopen_dead(self, defaults: Mapping[str, Any] | None = None) -> int:
        """Reopen all dead tickets, and return how many there were."""
        return self._reopen(TICKETS.c.state == State.DEAD, defaults)

    def resolve(self, ticket_id: str, halo_ticket_id: int | None) -> bool:
        """Go on with a ticket of which a person says where it is in Halo, or (None) that Halo does not have it."""
        unknown = _in_doubt(ticket_id, Stage.TICKET)
        found: dict[str, Any] = {"halo_ticket_id": halo_ticket_id, "remarks": to_text([LOST_ANSWER])}
        return self._update(unknown, **_reopened(), **(found if halo_ticket_id else {"ticket_intent": None}))

    def resolve_note(self, ticket_id: str, halo_note_id: int | None) -> bool:
        """Do the same for a ticket that is in Halo, and the note that it may have there."""
        unknown = _in_doubt(ticket_id, Stage.NOTE)
        if halo_note_id is None:
            return self._update(unknown, **_reopened(), note_intent=None)
        return self._update(unknown, state=State.FILED, halo_note_id=halo_note_id, alert_at=None)

    def _reopen(self, which: sa.ColumnElement[bool], defaults: Mapping[str, Any] | None) -> int:
        values = _reopened() | ({} if defaults is None else {"defaults": to_text(defaults)})
        now = milliseconds()
        with self.database.transaction() as connection:
            reopening = sa.update(TICKETS).where(which, _WHOLE).values(**values, updated_at=now)
            return connection.execute(reopening).rowcount

    def _one(self, condition: sa.ColumnElement[bool]) -> StoredTicket | None:
        with self.database.engine.connect() as connection:
            row = connection.execute(sa.select(TICKETS).where(condition)).one_or_none()
        return None if row is None else _ticket(row)

    def _update(self, condition: sa.ColumnElement[bool], **values: Any) -> bool:
        with self.database.transaction() as connection:
            result = connection.execute(sa.update(TICKETS).where(condition).values(updated_at=milliseconds(), **values))
            return result.rowcount == 1

    def _end(
        self,
        ticket_id: str,
        number: int,
        result: str,
        *,
        status: int | None = None,
        answer: str | None = None,
        **values: Any,
    ) -> None:
        now = milliseconds()
        with self.database.transaction() as connection:
            connection.execute(sa.update(TICKETS).where(TICKETS.c.id == ticket_id).values(updated_at=now, **values))
            connection.execute(
                sa.update(ATTEMPTS)
                .where(ATTEMPTS.c.ticket_id == ticket_id, ATTEMPTS.c.number == number)
                .values(ended_at=now, result=result, status=status, answer=answer)
            )


def _in_doubt(ticket_id: str, stage: Stage) -> sa.ColumnElement[bool]:
    """Return the condition for a stopped ticket of which nobody knows whether Halo has it, or its note."""
    return (
        (TICKETS.c.id == ticket_id)
        & TICKETS.c.state.in_(STOPPED)
        & _WHOLE
        & _RESULT[stage].is_(None)
        & _INTENT[stage].is_not(None)
    )


def _reopened() -> dict[str, Any]:
    """Return what a ticket has that waits anew, due at once."""
    return {
        "state": State.ACCEPTED,
        "failures": 0,
        "due_at": 0,
        "waiting_since": milliseconds(),
        "watched_by": None,
        "alert_at": None,
    }


def _storable(text: str) -> str:
    """Return text that both databases take."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _is_past(moment: sa.ColumnElement[int], now: int) -> sa.ColumnElement[bool]:
    """Whether a moment has come; one that is further away than anybody plans is of a clock that was wrong."""
    return (moment <= now) | (moment > now + FURTHEST_MILLISECONDS)


def _ticket(row: sa.Row[Any]) -> StoredTicket:
    return StoredTicket(
        id=row.id,
        state=State(row.state),
        idempotency_key=row.idempotency_key,
        body_hash=row.body_hash,
        payload=None if row.payload is None else json.loads(row.payload),
        decision=None if row.decision is None else json.loads(row.decision),
        defaults=json.loads(row.defaults or "{}"),
        intents={stage: getattr(row, column.name) for stage, column in _INTENT.items()},
        halo_ticket_id=row.halo_ticket_id,
        halo_note_id=row.halo_note_id,
        submission_errors=json.loads(row.submission_errors),
        remarks=json.loads(row.remarks),
        rank=row.rank,
        due_at=row.due_at,
        attempts=row.attempts,
        failures=row.failures,
        last_error=row.last_error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _attempt(row: sa.Row[Any]) -> Attempt:
    return Attempt(
        number=row.number,
        stage=Stage(row.stage),
        worker=row.worker,
        started_at=row.started_at,
        ended_at=row.ended_at,
        result=row.result,
        status=row.status,
        answer=row.answer,
    )
