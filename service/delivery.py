"""Delivery: one attempt at bringing an accepted ticket, or its note, into Halo, where it gets exactly once.

An attempt at a stage (first the ticket, then its note) goes:

1. The row has the result: done.
2. It has an intent without a result, so it is in doubt: an earlier attempt, perhaps of a process that has died since,
   may still be at work in Halo. Wait until the grace period is over.
3. Then Halo has finished or never began. Look it up by our id; found: keep it, done. Halo cannot tell: a person must.
4. Ask Halo to create it. Right before each request that creates something, the writer calls `claim`, which sets the
   intent by compare-and-set; whoever fails at that leaves the ticket to the one who did not.
5. Keep the answer. If Halo surely did nothing, withdraw the intent, which saves wait and look-up.

So the usual way costs two requests and no look-up, and a doubtful answer never leads to a second ticket.

How old a doubt is, this process tells by its own monotonic clock, from when it first saw the intent: no clock that is
set forward ends a wait too early. What that costs is that a wait begins anew when the process does.

Nothing here knows what calls it again after a failure (see `worker`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, Protocol

from dispatcher.halo.errors import CannotTellError, HaloRequestError, NotSetUpError
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.writer import CreatedTicket
from service.database import milliseconds
from service.metrics import Metrics
from service.settings import DeliverySection
from service.store import LOST_ANSWER, Stage, State, Store, StoredTicket

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
# However long Halo asks us to wait.
LONGEST_RETRY_AFTER_SECONDS = 3600.0

# Verdicts on what was sent. All else says that Halo is away, or closed to us, unless it answers others meanwhile.
_VERDICTS = frozenset({400, 409, 413, 422})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to.

    `again`: in so many seconds; `watching`: this process measures them, so it should be the one. `away`: nothing was
    heard of Halo meanwhile.
    """

    result: Literal["done", "again", "over"]
    seconds: float = 0.0
    watching: bool = False
    away: bool = False


class Writer(Protocol):
    """What delivery asks of Halo; failures are HaloRequestErrors."""

    async def create_ticket(
        self,
        reference: str,
        ticket: Mapping[str, Any],
        decision: Mapping[str, Any],
        *,
        defaults: Mapping[str, Any],
        claim: Callable[[], Awaitable[None]],
    ) -> CreatedTicket: ...

    async def find_ticket(self, reference: str) -> int | None: ...

    async def add_note(
        self,
        halo_ticket_id: int,
        reference: str,
        ticket: Mapping[str, Any],
        decision: Mapping[str, Any],
        submission_errors: Sequence[SubmissionError],
        remarks: Sequence[str],
        *,
        claim: Callable[[], Awaitable[None]],
    ) -> int: ...

    async def find_note(self, halo_ticket_id: int, reference: str) -> int | None: ...


class Delivery:
    """Attempts of one worker, in one event loop."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        settings: DeliverySection,
        defaults: Mapping[str, Any],
        *,
        worker: str,
        answered_since: Callable[[float], bool] = lambda _moment: False,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ask = store.database.ask
        self._writer = writer
        self._settings = settings
        self._defaults = defaults
        self._worker = worker
        self._answered_since = answered_since
        self._metrics = metrics or Metrics()
        self._clock = clock
        # Since when an intent has been known here, by ticket and stage.
        self._doubts: dict[tuple[str, Stage], tuple[int, float]] = {}
        # What may be at work in Halo right now.
        self.under_way: set[str] = set()

    async def deliver(self, ticket_id: str) -> Outcome:
        """Bring a ticket and its note as far as they get now. Never raises, so that no ticket is lost in between."""
        try:
            for stage in Stage:
                outcome = await self.attempt(ticket_id, stage)
                if outcome.result != "done":
                    return outcome
        except Exception:  # noqa: BLE001 - see the docstring
            # The database is away, most likely. What the row says is true whenever it can be read again.
            _log.exception("attempt broke off", extra={"ticket": ticket_id})
            return Outcome("again", _pause(5))
        return outcome

    async def attempt(self, ticket_id: str, stage: Stage) -> Outcome:
        """Make one attempt at a stage."""
        ticket = await self._ask(self._store.get, ticket_id)
        if ticket is not None and _result(ticket, stage) is not None:
            return Outcome("done")
        if ticket is None or ticket.state is not State.ACCEPTED:
            return Outcome("over")
        seen = ticket.intents[stage]
        if seen is not None and (left := self._doubt_left(ticket_id, stage, seen)) > 0:
            return Outcome("again", left, watching=True)
        number = await self._ask(self._store.start_attempt, ticket_id, stage, self._worker)
        attempt = _Attempt(ticket, stage, number, self._clock(), seen)
        try:
            if seen is not None and await self._look_up(attempt):
                self._doubts.pop((ticket_id, stage), None)
                return Outcome("done")
            if ticket.failures >= self._settings.max_attempts:
                reason = f"given up after {ticket.failures} failed attempts; the last: {ticket.last_error}"
                await self._ask(partial(self._store.attempt_failed, ticket_id, number, reason, counts=False))
                return await self._give_up(attempt, reason)
            # Without a limit until the intent is set: waiting for the budget of calls may take long.
            async with asyncio.timeout(None) as limit:
                await self._create(attempt, limit)
        except Exception as error:  # noqa: BLE001 - `_failure` sorts them, unforeseen ones too
            return await self._failed(attempt, error)
        finally:
            self.under_way.discard(ticket_id)
        self._doubts.pop((ticket_id, stage), None)
        return Outcome("done")

    async def _look_up(self, attempt: _Attempt) -> bool:
        """Keep what an earlier attempt created after all; true if it did."""
        ticket = attempt.ticket
        if attempt.stage is Stage.TICKET:
            found = await self._writer.find_ticket(ticket.id)
            if found is not None:
                await self._ask(
                    partial(self._store.ticket_created, ticket.id, attempt.number, found, [], [LOST_ANSWER], found=True)
                )
        else:
            found = await self._writer.find_note(_created(ticket), ticket.id)
            if found is not None:
                await self._ask(partial(self._store.note_added, ticket.id, attempt.number, found, found=True))
                self._metrics.filed()
        if found is not None:
            _log.info("found in Halo", extra=attempt.facts | {"halo_id": found})
        return found is not None

    async def _create(self, attempt: _Attempt, limit: asyncio.Timeout) -> None:
        ticket, loop = attempt.ticket, asyncio.get_running_loop()

        async def claim() -> None:
            # Others count the grace period from when they see the intent, so all that follows must end in time after
            # a moment before anybody could: also when this process, or its database, stood still in between.
            deadline = loop.time() + self._settings.attempt_seconds
            intent = max(milliseconds(), (attempt.seen or 0) + 1)
            if not await self._ask(self._store.claim, ticket.id, attempt.stage, attempt.seen, intent):
                raise _SupersededError
            attempt.seen = attempt.intent = intent
            self._doubts[ticket.id, attempt.stage] = (intent, self._clock())
            self.under_way.add(ticket.id)
            limit.reschedule(deadline)
            if loop.time() >= deadline:
                raise _LateError

        if ticket.payload is None or ticket.decision is None:
            raise RuntimeError("a ticket on its way is kept whole")
        payload = ticket.payload | ticket.decision.get("looked_up", {})
        if attempt.stage is Stage.TICKET:
            created = await self._writer.create_ticket(
                ticket.id, payload, ticket.decision, defaults={**self._defaults, **ticket.defaults}, claim=claim
            )
            halo_id = created.halo_ticket_id
            errors = [asdict(error) for error in created.submission_errors]
            remarks = list(created.remarks)
            keep = partial(self._store.ticket_created, ticket.id, attempt.number, halo_id, errors, remarks)
        else:
            told = [SubmissionError(**error) for error in ticket.submission_errors]
            halo_id = await self._writer.add_note(
                _created(ticket), ticket.id, payload, ticket.decision, told, ticket.remarks, claim=claim
            )
            keep = partial(self._store.note_added, ticket.id, attempt.number, halo_id)
        limit.reschedule(None)
        await self._ask(keep)
        if attempt.stage is Stage.NOTE:
            self._metrics.filed()
        _log.info("created in Halo", extra=attempt.facts | {"halo_id": halo_id})

    async def _failed(self, attempt: _Attempt, error: Exception) -> Outcome:
        failure = _failure(error, attempt.stage, self._settings.attempt_seconds)
        ticket, intent = attempt.ticket, attempt.intent
        away = failure.away and not self._answered_since(attempt.started)
        # What Halo said may quote the ticket: the row has it, the log only at debug.
        _log.warning("attempt failed", extra=attempt.facts | {"reason": failure.summary})
        _log.debug("attempt failed", extra=attempt.facts | {"error": failure.text})
        released = (attempt.stage, intent) if intent is not None and failure.surely_nothing else None
        await self._ask(
            partial(
                self._store.attempt_failed,
                ticket.id,
                attempt.number,
                failure.text,
                status=failure.status,
                counts=failure.counts and not away,
                released=released,
            )
        )
        if failure.undecidable:
            return await self._give_up(attempt, failure.text, State.REVIEW)
        if failure.final:
            return await self._give_up(attempt, failure.text)
        self._metrics.retried(attempt.stage)
        pause = _pause(ticket.attempts)
        if failure.wait_seconds is not None:
            pause = min(failure.wait_seconds, LONGEST_RETRY_AFTER_SECONDS)
        if intent is None or failure.surely_nothing:
            # Who has waited a doubt out should be the one to look again.
            return Outcome("again", pause, watching=intent is None and attempt.seen is not None, away=away)
        left = self._doubt_left(ticket.id, attempt.stage, intent)
        return Outcome("again", max(pause, left), watching=True, away=away)

    async def _give_up(self, attempt: _Attempt, reason: str, state: State = State.DEAD) -> Outcome:
        await self._ask(self._store.bury, attempt.ticket.id, reason, state)
        self._metrics.stopped(state)
        self._doubts.pop((attempt.ticket.id, attempt.stage), None)
        _log.error("ticket needs a person: see its last_error", extra=attempt.facts | {"state": state})
        return Outcome("over")

    def _doubt_left(self, ticket_id: str, stage: Stage, intent: int) -> float:
        known, since = self._doubts.get((ticket_id, stage), (None, 0.0))
        if known != intent:
            since = self._clock()
            self._doubts[ticket_id, stage] = (intent, since)
        return self._settings.grace_seconds - (self._clock() - since)


@dataclass(slots=True)
class _Attempt:
    """One attempt under way: `seen` is the row's intent as this attempt knows it, `intent` the one that it set."""

    ticket: StoredTicket
    stage: Stage
    number: int
    started: float
    seen: int | None
    intent: int | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What the log says of it."""
        return {"ticket": self.ticket.id, "stage": self.stage}


class _LateError(Exception):
    """So much time has passed that nothing may be sent any more."""


class _SupersededError(Exception):
    """Another worker has taken the ticket over."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a failed attempt means: `text` for people, `summary` for the log, with nothing of the ticket."""

    text: str
    summary: str
    status: int | None = None
    final: bool = False
    undecidable: bool = False
    away: bool = False
    counts: bool = True
    surely_nothing: bool = False
    wait_seconds: float | None = None


def _failure(error: Exception, stage: Stage, attempt_seconds: float) -> _Failure:
    if isinstance(error, NotSetUpError):
        return _Failure(str(error), "not set up in Halo", counts=False, surely_nothing=True)
    if isinstance(error, HaloRequestError):
        return _Failure(
            str(error),
            f"status {error.status}" if error.status else "no answer",
            status=error.status,
            # Only what Halo's validation says is about this ticket. All else is so for others as well, and once it is
            # mended, what waits goes through. But a note of which the ticket is gone from Halo goes nowhere.
            final=(bool(error.problem) and not error.retryable) or (error.status == 404 and stage is Stage.NOTE),
            undecidable=isinstance(error, CannotTellError),
            away=error.status not in _VERDICTS,
            # The limit is on all requests together, and says nothing about this ticket.
            counts=error.status != 429,
            surely_nothing=error.surely_not_processed,
            wait_seconds=error.retry_after_seconds,
        )
    if isinstance(error, TimeoutError):
        text = f"Halo did not finish within {attempt_seconds:g} s"
        return _Failure(text, text, away=True)
    if isinstance(error, _LateError):
        text = f"the database took longer than {attempt_seconds:g} s to note that the ticket is sent"
        return _Failure(text, text, counts=False, surely_nothing=True)
    if isinstance(error, _SupersededError):
        text = "another worker is at it"
        return _Failure(text, text, counts=False)
    _log.error("internal error", exc_info=error)
    return _Failure(f"internal error: {type(error).__name__}: {error}", f"internal error: {type(error).__name__}")


def _result(ticket: StoredTicket, stage: Stage) -> int | None:
    return ticket.halo_ticket_id if stage is Stage.TICKET else ticket.halo_note_id


def _created(ticket: StoredTicket) -> int:
    if ticket.halo_ticket_id is None:
        raise RuntimeError("a note comes after its ticket")
    return ticket.halo_ticket_id


def _pause(attempts: int) -> float:
    """Return how long to wait after this many attempts: doubling up to the longest, and spread out."""
    # Random, so that tickets that failed together do not all come back together.
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - keeps no secret
