"""Delivery: one attempt at bringing an accepted ticket, or its note, into Halo, where it gets exactly once.

An attempt at a stage (first the ticket, then its note) goes:

1. The row has the result: done.
2. It has an intent younger than the grace period: an earlier attempt, perhaps of a process that has died
   since, may still be at work in Halo. Wait for the rest of it.
3. It has an older intent: Halo has finished or never began. Look it up by our id; found: keep it, done.
4. Set the intent by compare-and-set; whoever fails at that leaves the attempt to the one who did not.
5. Ask Halo to create it, and keep the answer. If Halo surely did nothing, withdraw the intent, which saves
   the look-up.

So the usual way costs two requests and no look-up, and a doubtful answer never leads to a second ticket.
Nothing here knows what calls it again after a failure (see `engine`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypedDict

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.writer import CreatedTicket
from service.settings import DeliverySection
from service.store import Stage, State, Store, StoredTicket

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
# However long Halo asks us to wait.
LONGEST_RETRY_AFTER_SECONDS = 3600.0

# Answers that say that Halo is away, or closed to us, and nothing about the ticket.
_AWAY = frozenset({None, 401, 408, 425, 429, 502, 503, 504})

_LOST_ANSWER = "Halo's answer to creating this ticket was lost, so values that Halo does not know are not listed here."

_log = logging.getLogger(__name__)


class Outcome(TypedDict):
    """What an attempt came to. JSON data, because whatever calls again keeps it on disk."""

    result: Literal["done", "again", "over"]
    seconds: float


class Writer(Protocol):
    """What delivery asks of Halo; failures are HaloRequestErrors."""

    async def create_ticket(
        self,
        reference: str,
        ticket: Mapping[str, Any],
        decision: Mapping[str, Any],
        *,
        defaults: Mapping[str, Any],
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
    ) -> int: ...

    async def find_note(self, halo_ticket_id: int, reference: str) -> int | None: ...

    async def aclose(self) -> None: ...


class Delivery:
    """Attempts, for one process, in one event loop: there the writer is made, used and closed."""

    def __init__(
        self,
        store: Store,
        writer_factory: Callable[[], Writer],
        settings: DeliverySection,
        defaults: Mapping[str, Any],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._writer_factory = writer_factory
        self._settings = settings
        self._defaults = defaults
        self._clock = clock
        self._writer: Writer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = 0
        self._closing = False

    async def attempt(self, ticket_id: str, stage: Stage) -> Outcome:
        """Make one attempt. Never raises, so that no ticket is lost to an exception in between."""
        if self._closing:
            return _again(FIRST_PAUSE_SECONDS)
        self._loop = asyncio.get_running_loop()
        self._running += 1
        try:
            return await self._attempt(ticket_id, stage)
        except Exception:  # noqa: BLE001 - see the docstring
            # The database is away, most likely. What the row says is true whenever it can be read again.
            _log.exception("attempt broke off", extra={"ticket": ticket_id, "stage": stage})
            return _again(_pause(5))
        finally:
            self._running -= 1

    def stop(self, patience_seconds: float) -> None:
        """Begin no more attempts, let those at work end, close the writer. Call it from another thread."""
        self._closing = True
        if self._loop is not None:
            closing = asyncio.run_coroutine_threadsafe(self._close(patience_seconds), self._loop)
            closing.result(2 * patience_seconds)

    async def _close(self, patience_seconds: float) -> None:
        deadline = time.monotonic() + patience_seconds
        while self._running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        # An attempt that is still at work fails now; its intent stays, so the next start looks it up.
        if self._writer is not None:
            await self._writer.aclose()

    async def _attempt(self, ticket_id: str, stage: Stage) -> Outcome:
        ticket = await asyncio.to_thread(self._store.get, ticket_id)
        if ticket is not None and _result(ticket, stage) is not None:
            return _DONE
        if ticket is None or ticket.state is not State.ACCEPTED:
            return _OVER
        seen = ticket.intents[stage]
        if seen is not None and (left := self._grace_left(seen)) > 0:
            return _again(left)
        await asyncio.to_thread(self._store.start_attempt, ticket_id)
        intent = None
        try:
            # Bounded, because the grace period counts from the intent and not from when the request went out.
            async with asyncio.timeout(self._settings.attempt_seconds):
                if seen is not None and await self._look_up(ticket, stage):
                    return _DONE
                if ticket.failures >= self._settings.max_attempts:
                    reason = f"given up after {ticket.failures} failed attempts; the last: {ticket.last_error}"
                    return await self._bury(ticket, stage, reason)
                now = int(self._clock() * 1000)
                if not await asyncio.to_thread(self._store.claim, ticket_id, stage, seen, now):
                    return _again(FIRST_PAUSE_SECONDS)
                intent = now
                await self._create(ticket, stage)
        except Exception as error:  # noqa: BLE001 - `_failure` sorts them, unforeseen ones too
            return await self._failed(ticket, stage, _failure(error, self._settings.attempt_seconds), intent)
        return _DONE

    async def _look_up(self, ticket: StoredTicket, stage: Stage) -> bool:
        """Keep what an earlier attempt created after all; true if it did."""
        if stage is Stage.TICKET:
            found = await self._halo().find_ticket(ticket.id)
            if found is not None:
                await asyncio.to_thread(self._store.ticket_created, ticket.id, found, [], [_LOST_ANSWER])
        else:
            found = await self._halo().find_note(_created(ticket), ticket.id)
            if found is not None:
                await asyncio.to_thread(self._store.note_added, ticket.id, found)
        if found is not None:
            _log.info("found in Halo", extra={"ticket": ticket.id, "stage": stage, "halo_id": found})
        return found is not None

    async def _create(self, ticket: StoredTicket, stage: Stage) -> None:
        if stage is Stage.TICKET:
            created = await self._halo().create_ticket(
                ticket.id, ticket.payload, ticket.decision, defaults=self._defaults
            )
            halo_id = created.halo_ticket_id
            unknown = [asdict(error) for error in created.submission_errors]
            await asyncio.to_thread(self._store.ticket_created, ticket.id, halo_id, unknown, list(created.remarks))
        else:
            errors = [SubmissionError(**error) for error in ticket.submission_errors]
            halo_id = await self._halo().add_note(
                _created(ticket), ticket.id, ticket.payload, ticket.decision, errors, ticket.remarks
            )
            await asyncio.to_thread(self._store.note_added, ticket.id, halo_id)
        _log.info("created in Halo", extra={"ticket": ticket.id, "stage": stage, "halo_id": halo_id})

    async def _failed(self, ticket: StoredTicket, stage: Stage, failure: _Failure, intent: int | None) -> Outcome:
        # What Halo said may quote the ticket: the row has it, the log only at debug.
        _log.warning("attempt failed", extra={"ticket": ticket.id, "stage": stage, "reason": failure.summary})
        _log.debug("attempt failed", extra={"ticket": ticket.id, "stage": stage, "error": failure.text})
        released = (stage, intent) if intent is not None and failure.surely_nothing else None
        await asyncio.to_thread(
            self._store.attempt_failed, ticket.id, failure.text, counts=failure.counts, released=released
        )
        if failure.final:
            return await self._bury(ticket, stage, failure.text)
        pause = _pause(ticket.attempts)
        if failure.wait_seconds is not None:
            pause = min(failure.wait_seconds, LONGEST_RETRY_AFTER_SECONDS)
        if intent is not None and not failure.surely_nothing:
            pause = max(pause, self._grace_left(intent))
        return _again(pause)

    async def _bury(self, ticket: StoredTicket, stage: Stage, reason: str) -> Outcome:
        await asyncio.to_thread(self._store.bury, ticket.id, reason)
        _log.error("ticket is dead: see its last_error", extra={"ticket": ticket.id, "stage": stage})
        return _OVER

    def _grace_left(self, intent: int) -> float:
        grace = self._settings.grace_seconds
        # A clock that was set back must not make the wait longer than it can ever need to be.
        return min(grace, intent / 1000 + grace - self._clock())

    def _halo(self) -> Writer:
        if self._writer is None:
            self._writer = self._writer_factory()
        return self._writer


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a failed attempt means: `text` for people, `summary` for the log, with nothing of the ticket."""

    text: str
    summary: str
    final: bool = False
    counts: bool = True
    surely_nothing: bool = False
    wait_seconds: float | None = None


def _failure(error: Exception, attempt_seconds: float) -> _Failure:
    if isinstance(error, HaloRequestError):
        return _Failure(
            str(error),
            f"status {error.status}" if error.status else "no answer",
            final=not error.retryable,
            counts=error.status not in _AWAY,
            surely_nothing=error.surely_not_processed,
            wait_seconds=error.retry_after_seconds,
        )
    if isinstance(error, TimeoutError):
        text = f"Halo did not finish within {attempt_seconds:g} s"
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


def _again(seconds: float) -> Outcome:
    return Outcome(result="again", seconds=seconds)


_DONE = Outcome(result="done", seconds=0.0)
_OVER = Outcome(result="over", seconds=0.0)
