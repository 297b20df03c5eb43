"""Budget: how many requests Halo gets in a while, counted over all processes in the database.

Halo allows so many requests in any five minutes and refuses the rest for everyone. A token bucket holds a tenth of
them and is filled with the other nine tenths within five minutes, so that no five minutes see more than what is
allowed, and requests flow steadily: an urgent ticket never waits for the end of a window that others have used up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from dispatcher.halo.client import Purpose
from service.database import METADATA, Database, milliseconds
from service.store import TENANT

WINDOW_SECONDS = 300.0
BURST = 0.1
# What look-ups leave in the bucket for deliveries, as a share of it.
RESERVE = 0.2
LOOKUP_PATIENCE_SECONDS = 5.0
# Waits after answers that say that the limit is reached, and nothing of how long.
FIRST_STOP_SECONDS, LONGEST_STOP_SECONDS = 5.0, 60.0
# However long Halo asks to wait.
LONGEST_MILLISECONDS = 3_600_000
# Clocks of machines differ a little; more is a clock that was set.
STEP_MILLISECONDS = 60_000

BUDGETS = sa.Table(
    "halo_budget",
    METADATA,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("tokens", sa.Float, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("stopped_until", sa.BigInteger, nullable=False, server_default="0"),
)


class Budget:
    """The CallBudget of one process; `heard` is told of every answer, for metrics."""

    def __init__(
        self,
        database: Database,
        calls: int,
        heard: Callable[[str, str, int | None], None] = lambda _method, _path, _status: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._size = max(1.0, calls * BURST)
        self._per_millisecond = max(calls - self._size, 1.0) / WINDOW_SECONDS / 1000
        self._heard = heard
        self._clock = clock
        self._answered_at = -1.0
        self._stops = 0
        self._stop_until = 0

    async def take(self, purpose: Purpose) -> None:
        """Wait until one more request may go out.

        A look-up leaves a reserve to deliveries for a while only: some of them may wait for what it brings.
        """
        patient_until = self._clock() + LOOKUP_PATIENCE_SECONDS
        while wait := await self._database.ask(self._try, purpose):
            await asyncio.sleep(min(wait, LOOKUP_PATIENCE_SECONDS) if purpose is Purpose.LOOKUP else wait)
            if self._clock() >= patient_until:
                purpose = Purpose.DELIVERY

    def answered(self, method: str, path: str, status: int | None, retry_after_seconds: float | None) -> None:
        """Hear how a request ended; after a 429 no process sends anything for a while."""
        self._heard(method, path, status)
        if status == 429:
            pause = retry_after_seconds or min(LONGEST_STOP_SECONDS, FIRST_STOP_SECONDS * 2.0 ** min(self._stops, 10))
            self._stops += 1
            # Kept at the next request: nobody can wait for the database here.
            self._stop_until = max(self._stop_until, milliseconds() + int(min(LONGEST_MILLISECONDS, pause * 1000)))
        elif status is not None and (status < 300 or status == 400) and not path.endswith("token"):
            # It does its work. Other answers may be those of whatever stands before it.
            self._stops = 0
            self._answered_at = self._clock()

    def answered_since(self, moment: float) -> bool:
        """Tell whether Halo has answered anything since that moment of the monotonic clock."""
        return self._answered_at >= moment

    def left(self) -> float:
        """Return how many requests may go out at once."""
        with self._database.engine.connect() as connection:
            row = connection.execute(sa.select(BUDGETS).where(BUDGETS.c.tenant == TENANT)).one_or_none()
        if row is None:
            return self._size
        return self._tokens(row, milliseconds())

    def _tokens(self, row: sa.Row[Any], now: int) -> float:
        return float(min(self._size, row.tokens + max(0, now - row.at) * self._per_millisecond))

    def _try(self, purpose: Purpose) -> float:
        """Take a token and return 0, or return how many seconds to wait before the next try."""
        now = milliseconds()
        wanted = min(self._size, 1.0 + (RESERVE * self._size if purpose is Purpose.LOOKUP else 0.0))
        # A clock that is a little behind the one that wrote `at` brings no tokens; one that was set back counts anew.
        ahead = (BUDGETS.c.at >= now) & (BUDGETS.c.at < now + STEP_MILLISECONDS)
        at = sa.case((ahead, BUDGETS.c.at), else_=now)
        passed = sa.case((BUDGETS.c.at < now, now - BUDGETS.c.at), else_=0)
        filled = BUDGETS.c.tokens + passed * self._per_millisecond
        tokens = sa.case((filled > self._size, self._size), else_=filled)
        mine = BUDGETS.c.tenant == TENANT
        free = (BUDGETS.c.stopped_until <= now) | (BUDGETS.c.stopped_until > now + LONGEST_MILLISECONDS)
        with self._database.transaction() as connection:
            if self._stop_until > now:
                later = mine & (BUDGETS.c.stopped_until < self._stop_until)
                connection.execute(sa.update(BUDGETS).where(later).values(stopped_until=self._stop_until))
            taken = connection.execute(
                sa.update(BUDGETS).where(mine, free, tokens >= wanted).values(tokens=tokens - 1.0, at=at)
            )
            if taken.rowcount == 1:
                return 0.0
            row = connection.execute(sa.select(BUDGETS).where(mine)).one_or_none()
            if row is not None and row.at >= now + STEP_MILLISECONDS:
                connection.execute(sa.update(BUDGETS).where(mine).values(at=now))
        if row is None:
            self._create(now)
            return 0.001
        if row.stopped_until > now:
            return min(LONGEST_MILLISECONDS, float(row.stopped_until - now)) / 1000
        missing = wanted - self._tokens(row, now)
        return max(0.005, missing / self._per_millisecond / 1000)

    def _create(self, now: int) -> None:
        # Another process may be faster.
        with suppress(sa.exc.IntegrityError), self._database.transaction() as connection:
            connection.execute(sa.insert(BUDGETS).values(tenant=TENANT, tokens=self._size, at=now))
