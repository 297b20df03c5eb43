"""Readiness: whether what comes in is also filed, found out when somebody asks; and the gauges of the same things.

Tickets are taken as long as the database can be written. The rest says whether they get on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from service.database import milliseconds
from service.metrics import Gauge
from service.settings import Settings
from service.store import State, Store
from service.worker import Worker

# A check that takes longer has failed.
TIMEOUT_SECONDS = 3.0
# Whoever asks more often gets the same answer again.
FRESH_SECONDS = 1.0
# Beyond the time at which look-ups are made anew; one attempt may fail.
LATE_LOOKUPS_SECONDS = 3600.0
# Beyond the time at which the worker looks at the queue again.
LATE_WORKER_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """Whether something is as it should be, and what there is to say of it, which names nobody."""

    ok: bool
    detail: str


class Readiness:
    """Runs checks, each of them once at a time however many ask; in one event loop."""

    def __init__(
        self, checks: Mapping[str, Callable[[], Awaitable[Check]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._running: dict[str, asyncio.Task[Check]] = {}
        self._found: dict[str, Check] = {}
        self._found_at = float("-inf")

    async def look(self) -> dict[str, Check]:
        """Return what each check says."""
        if self._clock() - self._found_at >= FRESH_SECONDS:
            found = await asyncio.gather(*(self._look(name) for name in self._checks))
            self._found, self._found_at = dict(zip(self._checks, found, strict=True)), self._clock()
        return self._found

    async def _look(self, name: str) -> Check:
        # One that hangs goes on hanging, and is not started again meanwhile.
        if name not in self._running or self._running[name].done():
            self._running[name] = asyncio.create_task(self._run(name))
        done, _ = await asyncio.wait({self._running[name]}, timeout=TIMEOUT_SECONDS)
        return done.pop().result() if done else Check(False, f"not known within {TIMEOUT_SECONDS:g} s")

    async def _run(self, name: str) -> Check:
        try:
            return await self._checks[name]()
        except Exception as error:  # noqa: BLE001 - that is what the check finds
            _log.warning("a check failed", extra={"check": name, "error": f"{type(error).__name__}: {error}"})
            return Check(False, "it failed; the log says why")


def readiness(
    settings: Settings,
    store: Store,
    worker: Worker | None,
    away_seconds: Callable[[], float | None],
    lookups_age_seconds: Callable[[], float | None],
    intake_failing: Callable[[], bool] = lambda: False,
    rules_check: Callable[[], Check] | None = None,
) -> Readiness:
    """Return the checks of a process: those of a worker, and of rules, only where there are such."""

    async def database() -> Check:
        if intake_failing():
            return Check(False, "the last ticket that came in could not be kept")
        await store.database.ask(store.database.try_writing)
        return Check(True, "it can be written")

    async def backlog() -> Check:
        waiting, age = await store.database.ask(backlog_of, store)
        alarm = settings.delivery.backlog_alarm_seconds
        return Check(age <= alarm, f"{waiting} tickets wait, the oldest for {age:.0f} s; the alarm is at {alarm:.0f} s")

    checks: dict[str, Callable[[], Awaitable[Check]]] = {"database": database, "backlog": backlog}
    if rules_check is not None:

        async def rules() -> Check:
            return rules_check()

        checks["rules"] = rules
    if worker is None:
        return Readiness(checks)

    async def halo() -> Check:
        seconds = away_seconds()
        return Check(seconds is None, "not known to be away" if seconds is None else f"away for {seconds:.0f} s")

    async def lookups() -> Check:
        age = lookups_age_seconds()
        if age is None:
            return Check(False, "they are not loaded yet")
        return Check(age <= settings.halo.lookup_max_age_seconds + LATE_LOOKUPS_SECONDS, f"they are {age:.0f} s old")

    async def looking() -> Check:
        age = time.monotonic() - worker.looked_at
        late = age > settings.delivery.poll_seconds + LATE_WORKER_SECONDS
        return Check(not late, f"it last looked at the queue {age:.0f} s ago")

    return Readiness(checks | {"halo": halo, "look-ups": lookups, "worker": looking})


def backlog_of(store: Store) -> tuple[int, float]:
    """Return how many tickets are to be filed, and for how many seconds the oldest of them has been."""
    oldest = store.oldest_waiting()
    waiting = store.counts((State.ACCEPTED,))[State.ACCEPTED]
    return waiting, 0.0 if oldest is None else max(0.0, (milliseconds() - oldest) / 1000)


def gauges(
    store: Store,
    budget_left: Callable[[], float],
    away_seconds: Callable[[], float | None],
    lookups_age_seconds: Callable[[], float | None],
    revision: Callable[[], str | None] = lambda: None,
) -> Iterator[Gauge]:
    """Yield what is not counted, but asked when somebody wants to know."""
    waiting, age = backlog_of(store)
    yield Gauge("backlog", "Tickets that are still to be filed.", waiting)
    yield Gauge("backlog_age_seconds", "Since when the oldest of them is.", age)
    stopped = Gauge("tickets_stopped", "Tickets that wait for a person.", label="state")
    for state, number in store.counts((State.DEAD, State.REVIEW)).items():
        stopped.add_metric([state], number)
    yield stopped
    yield Gauge("halo_budget_left", "Requests that may go to Halo at once.", budget_left())
    yield Gauge("halo_away_seconds", "For how long Halo has not been reached; 0: it is.", away_seconds() or 0.0)
    if (name := revision()) is not None:
        rules = Gauge("rules_info", "The rules that decide, by their revision; always 1.", label="revision")
        rules.add_metric([name], 1)
        yield rules
    if (seconds := lookups_age_seconds()) is not None:
        yield Gauge("lookups_age_seconds", "Age of the oldest names looked up in Halo.", seconds)
