"""Requesters: what Halo knows of who asks, for rules that read it and senders that left it out.

A ticket waits a moment for it and no longer: it comes in whatever Halo does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.requester import Known

# After an answer that did not come, Halo is left alone for so long.
PAUSE_SECONDS = 30.0
# Questions that may be open at once.
MOST_OPEN = 8

_VARIABLES = ("business_name", "name")

_log = logging.getLogger(__name__)


class Requesters:
    """Asks Halo who an e-mail address belongs to, in the event loop of the writer."""

    def __init__(
        self,
        known_of: Callable[[str], Awaitable[Known]],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known_of = known_of
        self._seconds = seconds
        self._clock = clock
        self._not_before = 0.0
        self._open: set[asyncio.Task[Known]] = set()

    async def look_up(self, ticket: Mapping[str, Any], read: Collection[str]) -> dict[str, str]:
        """Return the variables that rules `read`, the ticket lacks and Halo knows."""
        email = ticket.get("email")
        missing = [name for name in _VARIABLES if name in read and not ticket.get(name)]
        if not missing or not isinstance(email, str) or not email.strip() or not self._may_ask():
            return {}
        asking = asyncio.ensure_future(self._known_of(email))
        self._open.add(asking)
        asking.add_done_callback(self._open.discard)
        # Not cancelled when the time is over: what comes later serves the next ticket.
        await asyncio.wait({asking}, timeout=self._seconds)
        known = self._answer(asking)
        found = {} if known is None else {name: getattr(known, name) for name in missing}
        return {name: value for name, value in found.items() if value}

    def _may_ask(self) -> bool:
        return self._seconds > 0 and self._clock() >= self._not_before and len(self._open) < MOST_OPEN

    def _answer(self, asking: asyncio.Task[Known]) -> Known | None:
        if asking.done():
            error = asking.exception()
            if error is None:
                return asking.result()
            if not isinstance(error, HaloRequestError):
                _log.error("a requester could not be looked up", exc_info=error)
        else:
            # An error that comes later is of no interest, and must not be reported as never retrieved.
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._not_before = self._clock() + PAUSE_SECONDS
        return None
