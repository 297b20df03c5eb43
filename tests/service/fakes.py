"""A Halo in memory, as the service's writer sees it: it can be away, fail, or do its work and lose the answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.requester import Known
from dispatcher.halo.snapshot import Snapshot
from dispatcher.halo.writer import CreatedTicket

UNKNOWN_TEAM = SubmissionError("team", "Printers", "no such team", "1st Line")


class FakeHalo:
    """What the writers of a test share: `hang` names calls that never end, once their work is done."""

    def __init__(self) -> None:
        self.closed = 0
        self.reset()

    def reset(self) -> None:
        """Forget what happened and what was planned."""
        self.tickets: list[str] = []
        self.notes: list[tuple[int, str]] = []
        self.calls: list[str] = []
        self.before: list[Exception | None] = []
        self.after: list[Exception] = []
        self.away: Exception | None = None
        self.hang: set[str] = set()
        self.known: dict[str, Known] = {}
        self.ranks: dict[Any, int] = {}
        self.names: Snapshot | None = None

    def writer(self, _budget: object = None) -> FakeWriter:
        """Return a writer, as the service makes one."""
        return FakeWriter(self)


class FakeWriter:
    """Does what HaloWriter promises; `before` fails calls in place of the work, `after` once what is created is there."""

    def __init__(self, halo: FakeHalo) -> None:
        self._halo = halo
        self.age: float | None = 0.0

    async def create_ticket(
        self,
        reference: str,
        ticket: Mapping[str, Any],
        decision: Mapping[str, Any],
        *,
        defaults: Mapping[str, Any],
        claim: Callable[[], Awaitable[None]],
    ) -> CreatedTicket:
        await claim()
        with self._answering("create_ticket"):
            self._halo.tickets.append(reference)
            await self._maybe_hang("create_ticket")
            return CreatedTicket(len(self._halo.tickets), (UNKNOWN_TEAM,), ("no asset",))

    async def find_ticket(self, reference: str) -> int | None:
        with self._answering("find_ticket"):
            return self._halo.tickets.index(reference) + 1 if reference in self._halo.tickets else None

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
    ) -> int:
        await claim()
        with self._answering("add_note"):
            assert (list(submission_errors), list(remarks)) in (
                ([UNKNOWN_TEAM], ["no asset"]),
                ([], [LOST_ANSWER]),
            )
            self._halo.notes.append((halo_ticket_id, reference))
            await self._maybe_hang("add_note")
            return len(self._halo.notes)

    async def find_note(self, halo_ticket_id: int, reference: str) -> int | None:
        with self._answering("find_note"):
            note = (halo_ticket_id, reference)
            return self._halo.notes.index(note) + 1 if note in self._halo.notes else None

    async def known_of(self, email: str) -> Known:
        with self._answering("known_of"):
            await self._maybe_hang("known_of")
            return self._halo.known.get(email, Known("", ""))

    def rank(self, priority: Any) -> int | None:
        return self._halo.ranks.get(priority)

    async def refresh(self) -> None: ...

    def lookups_age_seconds(self) -> float | None:
        return self.age

    async def snapshot(self, now: datetime) -> Snapshot:
        if self._halo.names is None:
            raise connection_refused()
        return self._halo.names.model_copy(update={"taken_at": now.isoformat()})

    async def aclose(self) -> None:
        self._halo.closed += 1

    async def _maybe_hang(self, call: str) -> None:
        if call in self._halo.hang:
            await asyncio.Event().wait()

    @contextmanager
    def _answering(self, call: str) -> Iterator[None]:
        self._halo.calls.append(call)
        if self._halo.away is not None:
            raise self._halo.away
        if self._halo.before and (error := self._halo.before.pop(0)):
            raise error
        yield
        if self._halo.after and call in ("create_ticket", "add_note"):
            raise self._halo.after.pop(0)


LOST_ANSWER = "Halo's answer to creating this ticket was lost, so values that Halo does not know are not listed here."


def connection_refused() -> HaloRequestError:
    """Return the error of a Halo that is not there."""
    return HaloRequestError("connection refused", retryable=True, surely_not_processed=True)


def no_answer() -> HaloRequestError:
    """Return the error of a Halo that may or may not have done it."""
    return HaloRequestError("no answer within 30 s", retryable=True)


def answered(status: int, **facts: Any) -> HaloRequestError:
    """Return the error of an answer with this status; 400 is a refusal by Halo's validation."""
    problem = "The Team selected is not valid" if status == 400 else ""
    return HaloRequestError(f"Halo answered {status}", status=status, **{"problem": problem, **facts})


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return once the condition holds; fail the test when it does not come to that."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        pause.wait(0.01)
