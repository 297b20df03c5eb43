"""Limits: what one evaluation may spend. Meter: what it has left, charged before the work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may spend and how big one value may grow.

    A step is about 100 ns of work. `memory` counts the bytes of all values made, also of those already dropped.
    """

    steps: int = 1_000_000
    memory: int = 256 * 1024 * 1024
    text: int = 4_000_000
    items: int = 500_000
    number_bits: int = 32_768
    nesting: int = 100
    recursion: int = 150


class LimitExceeded(BaseException):
    """An evaluation would pass one of its limits. Not an Exception, so that no `except` of a rule catches it."""


class Meter:
    """What is left for one evaluation, and its surroundings: the clock, and where `print` writes."""

    __slots__ = (
        "changed",
        "depth",
        "large_keys",
        "limits",
        "memory",
        "now",
        "opaque",
        "output",
        "printed",
        "steps",
        "unordered",
    )

    def __init__(self, limits: Limits, now: datetime | None = None) -> None:
        self.limits = limits
        self.steps = limits.steps
        self.memory = limits.memory
        self.depth = 0
        self.now = now or datetime(1970, 1, 1, tzinfo=UTC)
        self.output: list[str] = []
        self.printed = 0
        self.large_keys = 0
        # Set by everything that changes a value, uses up an iterator or prints.
        self.changed = False
        # Set where a value was weighed whose repr shows an address.
        self.opaque = False
        # Set where a set of other than numbers was weighed: the order of its values is that of this process.
        self.unordered = False

    def charge(self, steps: int) -> None:
        """Spend `steps`; raise LimitExceeded when they run out."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceeded(f"the rule takes more than {self.limits.steps:,} steps")

    def allocate(self, size: int) -> None:
        """Spend `size` bytes of memory, and the steps that filling them takes; raise LimitExceeded."""
        self.memory -= size
        if self.memory < 0:
            raise LimitExceeded(f"the rule makes more than {self.limits.memory // 1024 // 1024:,} MiB of values")
        self.charge(1 + (size >> 10))

    def text(self, length: int) -> None:
        """Allow a text of `length` characters to be made; raise LimitExceeded."""
        if length > self.limits.text:
            raise LimitExceeded(f"a text would be longer than {self.limits.text:,} characters")
        # Up to four bytes for each character; most texts need one.
        self.allocate(length if length < 4096 else 4 * length)

    def items(self, count: int) -> None:
        """Allow a collection of `count` items to be made; raise LimitExceeded."""
        if count > self.limits.items:
            raise LimitExceeded(f"a collection would have more than {self.limits.items:,} items")
        self.allocate(8 * count)
        self.charge(count >> 2)

    def number(self, bits: int) -> None:
        """Allow a whole number of `bits` bits to be made; raise LimitExceeded."""
        if bits > self.limits.number_bits:
            raise LimitExceeded(f"a number would have more than {self.limits.number_bits:,} bits")
        if bits > 1024:
            # Multiplication and division are quadratic in this range.
            self.charge((bits >> 8) ** 2 >> 3)

    def write(self, text: str) -> None:
        """Add to what the rules printed; raise LimitExceeded when that grows beyond the longest text."""
        self.changed = True
        self.printed += len(text)
        if self.printed > self.limits.text:
            raise LimitExceeded(f"the rules print more than {self.limits.text:,} characters")
        self.output.append(text)

    def enter(self, cost: int) -> None:
        """Begin a call of a rule's function whose body costs `cost` steps; raise LimitExceeded."""
        self.charge(cost)
        self.depth += 1
        if self.depth > self.limits.recursion:
            raise LimitExceeded(f"functions call each other more than {self.limits.recursion} deep")

    def leave(self) -> None:
        """End a call of a rule's function."""
        self.depth -= 1
