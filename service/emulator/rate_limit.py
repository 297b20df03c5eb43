"""Halo's rate limit: so many requests in a rolling window of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.emulator.behaviour import Behaviour


@dataclass(slots=True)
class RateLimit:
    """Lets as many requests through as the behaviour says, in any time of the window's length."""

    behaviour: Behaviour
    clock: Callable[[], datetime]
    _times: deque[datetime] = field(default_factory=deque)

    def take(self) -> float | None:
        """Let one request through and return None, or return the seconds until the next may come."""
        limit, now = self.behaviour.rate_limit, self.clock()
        self._forget(now)
        if limit and len(self._times) >= limit:
            return (self._times[0] + self._window - now).total_seconds()
        self._times.append(now)
        return None

    def used(self) -> int:
        """Return how many requests the window holds."""
        self._forget(self.clock())
        return len(self._times)

    @property
    def _window(self) -> timedelta:
        return timedelta(seconds=self.behaviour.rate_window_seconds)

    def _forget(self, now: datetime) -> None:
        while self._times and self._times[0] + self._window <= now:
            self._times.popleft()
