"""What one meter has paid for already, so that a pattern used in a loop pays for its compilation once."""

from __future__ import annotations

import threading

from dispatcher.lang.budget import Meter


class Ledger:
    """The patterns that an evaluation has compiled, and the size of the stack that it has paid for."""

    __slots__ = ("_meter", "_patterns", "_stack")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._patterns: set[tuple[str, int]] = set()
        self._stack = 0

    def belongs_to(self, meter: Meter) -> bool:
        """Tell whether this is the ledger of `meter`."""
        return self._meter is meter

    def knows(self, pattern: str, flags: int) -> bool:
        """Tell whether the pattern is paid for."""
        return (pattern, flags) in self._patterns

    def note(self, pattern: str, flags: int) -> None:
        """Remember that the pattern is paid for."""
        self._patterns.add((pattern, flags))

    def reserve(self, size: int) -> None:
        """Pay for a stack of `size` bytes. A stack is dropped when its match ends, so the largest one is paid for."""
        if size > self._stack:
            self._meter.allocate(size - self._stack)
            self._stack = size


_current = threading.local()


def ledger_of(meter: Meter) -> Ledger:
    """Return the ledger of `meter`; of each thread only the latest is kept."""
    ledger: Ledger | None = getattr(_current, "ledger", None)
    if ledger is None or not ledger.belongs_to(meter):
        ledger = _current.ledger = Ledger(meter)
    return ledger
