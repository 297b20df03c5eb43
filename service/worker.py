"""Worker: takes what is due from the store and has it delivered, a few tickets at a time, until it is stopped.

The store is the queue, so nothing is handed over: on PostgreSQL any number of workers look at the same rows, and a
worker that dies leaves rows whose lease runs out. At most half of what is under way has been tried before, so tickets
that fail again and again, and slowly, leave room for the others. When Halo is away, the worker tries one ticket now and
then, and goes on with all when that one gets through: a bad ticket cannot look like an outage for long, and after an
outage the most urgent tickets go first, whatever came before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from service.delivery import Delivery, Outcome
from service.settings import DeliverySection
from service.store import Store

# Between tries while Halo is away.
LONGEST_PROBE_SECONDS = 60.0
# While the database is away.
DATABASE_PAUSE_SECONDS = 5.0
# Clocks wander a little; more is a step.
CLOCK_STEP_SECONDS = 2.0

_log = logging.getLogger(__name__)


def worker_name() -> str:
    """Return a name that no other worker has: machine, process, chance."""
    return f"{socket.gethostname()[:12]}-{os.getpid()}-{secrets.token_hex(3)}"


class Outage:
    """Whether Halo is away, since when (in monotonic seconds), and when to try again."""

    def __init__(
        self,
        answered_since: Callable[[float], bool] = lambda _moment: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answered_since = answered_since
        self._clock = clock
        self._failures = 0
        self._failed_at = 0.0
        self._next_try = 0.0
        self.since: float | None = None

    def heard(self, outcome: Outcome) -> None:
        """Learn from how a delivery ended."""
        if not outcome.away:
            if self.since is not None and (outcome.result == "done" or self._answered_since(self._failed_at)):
                _log.warning("Halo is back", extra={"after_seconds": round(self._clock() - self.since)})
                self.since, self._failures = None, 0
            return
        if self.since is None:
            self.since = self._clock()
            _log.error("Halo is away: trying one ticket now and then")
        self._failures += 1
        self._failed_at = self._clock()
        self._next_try = self._clock() + min(LONGEST_PROBE_SECONDS, 2.0 ** min(self._failures - 1, 10))

    def seconds(self) -> float | None:
        """Return for how long Halo has been away; None: it is not, or has answered something since the last try."""
        if self.since is None or self._answered_since(self._failed_at):
            return None
        return self._clock() - self.since

    def free(self, slots: int, busy: int) -> int:
        """Return how many tickets may be begun, of so many that may be under way and are."""
        if self.since is None:
            return slots - busy
        return 1 if busy == 0 and self._clock() >= self._next_try else 0


class Worker:
    """Delivers, in the event loop that runs it."""

    def __init__(
        self, name: str, store: Store, delivery: Delivery, settings: DeliverySection, outage: Outage | None = None
    ) -> None:
        self._name = name
        self._store = store
        self._ask = store.database.ask
        self._delivery = delivery
        self._settings = settings
        self._running: dict[str, asyncio.Task[None]] = {}
        self._running_repeats: dict[str, bool] = {}
        # Whether the ticket that was begun last had been tried before.
        self._repeated = False
        self._woken, self._ended = asyncio.Event(), asyncio.Event()
        self._stopping = False
        self._clock_offset = time.time() - time.monotonic()
        self._renewed_at = time.monotonic()
        # When it last looked at the queue, in monotonic seconds.
        self.looked_at = time.monotonic()
        self.outage = outage or Outage()

    def wake(self) -> None:
        """Look at the queue now; for the event loop that runs the worker."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until `stop`."""
        while not self._stopping:
            self._woken.clear()
            self.looked_at = time.monotonic()
            pause = self._settings.poll_seconds
            try:
                await self._keep_leases()
                await self._begin()
            except Exception:  # noqa: BLE001 - whatever it was, the next round must come
                _log.exception("the queue cannot be read")
                pause = DATABASE_PAUSE_SECONDS
            # Another try than the usual one comes when a ticket is done, or when one comes in.
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                pass
        try:
            await self._end()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Begin nothing more, and return when `run` has ended."""
        self._stopping = True
        self._woken.set()
        await self._ended.wait()

    async def _end(self) -> None:
        """Let what may be at work in Halo end, and give the rest back to the queue."""
        for ticket_id, task in self._running.items():
            if ticket_id not in self._delivery.under_way:
                task.cancel()
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._settings.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._ask(self._store.give_back, self._name)
        except sa.exc.DBAPIError as error:
            _log.warning("tickets could not be given back; their leases run out", extra={"error": str(error.orig)})

    async def _begin(self) -> None:
        slots = self._settings.concurrency
        free = self.outage.free(slots, len(self._running))
        if free <= 0:
            return
        if slots == 1 or self.outage.since is not None:
            # One at a time: what was never tried, and what was, take turns.
            taken = await self._lease(1, 0 if self._repeated else 1) or await self._lease(1, 1)
        else:
            taken = await self._lease(free, max(0, slots // 2 - sum(self._running_repeats.values())))
        for ticket_id, repeat in taken.items():
            # The lease of a ticket that is under way seems to be over after a step of the clock.
            if ticket_id not in self._running and not self._stopping:
                self._repeated = repeat
                self._running_repeats[ticket_id] = repeat
                self._running[ticket_id] = asyncio.create_task(self._deliver(ticket_id))

    async def _lease(self, limit: int, repeats: int) -> dict[str, bool]:
        return await self._ask(self._store.lease, self._name, limit, min(limit, repeats), self._settings.lease_seconds)

    async def _deliver(self, ticket_id: str) -> None:
        try:
            outcome = await self._delivery.deliver(ticket_id)
            self.outage.heard(outcome)
            if outcome.result == "again":
                await self._ask(
                    partial(self._store.release, self._name, ticket_id, outcome.seconds, watching=outcome.watching)
                )
        except Exception:  # noqa: BLE001 - the lease runs out, and the ticket comes back
            _log.exception("a ticket could not be put back", extra={"ticket": ticket_id})
        finally:
            del self._running[ticket_id], self._running_repeats[ticket_id]
            self._woken.set()

    async def _keep_leases(self) -> None:
        now = time.monotonic()
        offset = time.time() - now
        if offset < self._clock_offset - CLOCK_STEP_SECONDS:
            _log.warning("the clock was set back", extra={"seconds": round(self._clock_offset - offset)})
            await self._ask(self._store.all_due)
        self._clock_offset = offset
        if self._running and now - self._renewed_at > self._settings.lease_seconds / 4:
            await self._ask(self._store.renew, self._name, list(self._running), self._settings.lease_seconds)
            self._renewed_at = now
