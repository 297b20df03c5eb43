"""What one meter has paid for already: the patterns that it compiled, and the largest stack that it needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dispatcher.lang.budget import Meter

if TYPE_CHECKING:
    from dispatcher.lang.regex.pattern import Pattern


class Ledger:
    """The account of one evaluation: a pattern in a loop is compiled once, and its stack is the same memory again."""

    __slots__ = ("_stack", "meter", "patterns")

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.patterns: dict[object, Pattern] = {}
        self._stack = 0

    def reserve(self, size: int) -> None:
        """Pay for a stack of `size` bytes, as far as it is larger than all before."""
        if size > self._stack:
            self.meter.allocate(size - self._stack)
            self._stack = size


_current = threading.local()


def ledger_of(meter: Meter) -> Ledger:
    """Return the ledger of `meter`; each thread keeps the latest only."""
    ledger: Ledger | None = getattr(_current, "ledger", None)
    if ledger is None or ledger.meter is not meter:
        ledger = _current.ledger = Ledger(meter)
    return ledger
