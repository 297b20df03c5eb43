"""Rows of Halo's that are kept for a while; knows nothing of what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Generic, TypeVar

from dispatcher.halo.errors import HaloRequestError

# After a failure that may pass, the old rows are used this long before the next try.
PAUSE_SECONDS = 30.0

# Entries of a memory of what was once found out.
MOST_REMEMBERED = 10_000

Row = TypeVar("Row")
Key = TypeVar("Key")


def remember(memory: dict[Key, Row], key: Key, row: Row) -> None:
    """Keep one more entry; the oldest makes room for it."""
    memory.pop(key, None)
    memory[key] = row
    if len(memory) > MOST_REMEMBERED:
        del memory[next(iter(memory))]


class Table(Generic[Row]):
    """The rows of one look-up: loaded when first asked for, loaded again when old.

    A refusal is kept as rows are: a list that may not be read is not asked for with every ticket.
    """

    def __init__(
        self, load: Callable[[], Awaitable[Sequence[Row]]], max_age_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._load = load
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._rows: Sequence[Row] | None = None
        self._refusal: HaloRequestError | None = None
        self._loaded_at: float | None = None
        self._next_try = 0.0
        self._loading = asyncio.Lock()

    async def rows(self) -> Sequence[Row]:
        """The rows; old ones when they cannot be loaded again, or are just being loaded."""
        if self._rows is None or not self._loading.locked():
            async with self._loading:
                if self._loaded_at is None or self._clock() >= self._next_try:
                    await self._reload(patient=self._rows is not None)
        if self._rows is None and self._refusal is not None:
            raise self._refusal.with_traceback(None)
        return self.known()

    async def refresh(self) -> None:
        """Load the rows when they are not there, or past half of their age; raises when Halo is away."""
        async with self._loading:
            age = self.age_seconds()
            if age is None or age >= self._max_age_seconds / 2:
                await self._reload(patient=False)

    def known(self) -> Sequence[Row]:
        """The rows as they are, without asking for any."""
        return () if self._rows is None else self._rows

    def age_seconds(self) -> float | None:
        """How long ago Halo last answered; None: never."""
        return None if self._loaded_at is None else self._clock() - self._loaded_at

    async def _reload(self, *, patient: bool) -> None:
        try:
            self._rows = await self._load()
            self._refusal = None
        except HaloRequestError as error:
            if error.retryable:
                # Old names beat no names, and each ticket asking a Halo that is down helps nobody.
                self._next_try = self._clock() + min(PAUSE_SECONDS, self._max_age_seconds)
                if patient:
                    return
                raise
            self._refusal = error
        self._loaded_at = self._clock()
        # What is not there may be on its way: so answers a server that starts.
        missing = self._refusal is not None and self._refusal.status == HTTPStatus.NOT_FOUND
        age = min(PAUSE_SECONDS, self._max_age_seconds) if missing else self._max_age_seconds
        self._next_try = self._loaded_at + age
