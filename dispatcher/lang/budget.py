"""Limits: what one evaluation may spend. Meter: what it has left, charged before the work.

Time is counted in steps of at most 100 ns. Small values are paid for with the steps that it takes to make them; bigger
ones are charged in bytes by `allocate`, `text` and `items`, and remembered by `made`. When the bytes run out, those of
values that nothing but the meter holds any more are given back, so that `memory` bounds what is alive.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dispatcher.lang.records import dataclass

if TYPE_CHECKING:
    from random import Random

    from dispatcher.lang.trace import Trace

Value = TypeVar("Value")

# Bytes of the smallest value that is remembered until it is dropped.
BIG = 256
# Bytes of the smallest block that the system hands out, and takes back when it is dropped.
LARGE = 128 * 1024
# Bytes that are made between two looks for values that were dropped.
SWEEP = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may spend and how big one value may grow.

    A step is at most 100 ns of work. `memory` counts the bytes of the values that are alive.
    """

    steps: int = 1_000_000
    memory: int = 64 * 1024 * 1024
    text: int = 4_000_000
    items: int = 500_000
    number_bits: int = 32_768
    nesting: int = 100
    recursion: int = 120


@dataclass(frozen=True, slots=True)
class Mark:
    """What a Meter had left at one moment, and how it stood with the values that it remembers."""

    steps: int
    memory: int
    sweeps: int
    big: int


class LimitExceeded(BaseException):
    """An evaluation would pass one of its limits. Not an Exception, so that no `except` of a rule catches it."""


class Keys:
    """How many keys of dicts and sets a rule may have chosen: for where they lie in a table, and to have one hash.

    Whole numbers at equal small distances, such as those of a range, lie apart from each other.
    """

    __slots__ = ("_distance", "_hashes", "_last", "alike", "scattered")

    def __init__(self) -> None:
        self.scattered = 0
        self.alike = 0
        self._hashes: dict[int, int] = {}
        self._last = -1
        self._distance = 1

    def follows(self, number: int) -> bool:
        """Tell whether `number` is as far from the one before as that was from its own."""
        distance = number - self._last
        self._last = number
        if distance == self._distance:
            return True
        self._distance = distance if 0 < distance <= 8 else 1
        return False

    def of_hash(self, value: int) -> int:
        """Count a key of the hash `value`; return how many of it there were."""
        count = self._hashes.get(value, 0)
        self._hashes[value] = count + 1
        return count


class Surroundings(Protocol):
    """What an evaluation may know of the world."""

    def moment(self) -> datetime:
        """Return the ticket's time of arrival."""

    def seed(self) -> str:
        """Return what random numbers begin with."""


class Nowhere:
    """The surroundings of what knows nothing of a ticket."""

    def moment(self) -> datetime:
        """Return a fixed moment."""
        return datetime(1970, 1, 1, tzinfo=UTC)

    def seed(self) -> str:
        """Return a fixed seed."""
        return ""


class Meter:
    """What is left for one evaluation, and its surroundings: the clock, and where `print` writes.

    Most evaluations touch little of it, so what they do not touch is the class's, or made when it is asked for.
    """

    depth = 0
    printed = 0
    # Set by everything that changes a value, uses up an iterator or prints.
    changed = False
    # Set where a value was weighed whose repr shows an address.
    opaque = False
    # Set where a set of other than numbers was weighed: the order of its values is that of this process.
    unordered = False
    # What is told what conditions are, where the rules are compiled to tell it.
    trace: Trace
    _sweeps = 0

    def __init__(self, limits: Limits, surroundings: Surroundings | None = None) -> None:
        self.limits = limits
        self.steps = limits.steps
        self.memory = limits.memory
        # What is left when dropped values are looked for: soon, since fresh memory takes more time than used.
        self._sweep_at = limits.memory - SWEEP if limits.memory > SWEEP else 0
        # What the caller of the evaluation handles just now, if anything: no rule may raise it again.
        self.outside = sys.exception()
        self._surroundings = surroundings

    @cached_property
    def now(self) -> datetime:
        """Return the ticket's time of arrival."""
        return (self._surroundings or Nowhere()).moment()

    def seed(self) -> str:
        """Return what random numbers begin with."""
        return (self._surroundings or Nowhere()).seed()

    @cached_property
    def output(self) -> list[str]:
        """Return what the rules printed."""
        return []

    @cached_property
    def keys(self) -> Keys:
        """Return the counts of keys of dicts and sets."""
        return Keys()

    @cached_property
    def seen(self) -> dict[int, tuple[int, Any]]:
        """Return functions and other values that are equal to nothing else, as they came into sets.

        Number and value by id.
        """
        return {}

    @cached_property
    def _big(self) -> list[Any]:
        """Return the big values that were made."""
        return []

    @cached_property
    def _sizes(self) -> list[int]:
        """Return the bytes that each of them was charged with."""
        return []

    @cached_property
    def random(self) -> Random:
        """Return the source of random numbers, which begins with the ticket's seed."""
        from random import Random  # few rules draw lots

        return Random(self.seed())  # noqa: S311 - rules draw lots, they keep no secrets

    def charge(self, steps: int) -> None:
        """Spend `steps`; raise LimitExceeded when they run out."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceeded(f"the rule takes more than {self.limits.steps:,} steps")

    def allocate(self, size: int, touched: int | None = None) -> None:
        """Spend `size` bytes of memory, and the steps that filling `touched` of them takes; raise LimitExceeded."""
        self.memory -= size
        if self.memory < self._sweep_at:
            self._reclaim()
        # Big blocks are handed out by the system page by page, smaller ones are used again.
        touched = size if touched is None else touched
        self.charge(1 + (touched >> 10 if touched < LARGE else touched >> 8))

    def made(self, value: Value, charged: int, size: int) -> Value:
        """Return `value`, for which `charged` bytes were allocated and of which it takes `size`.

        The difference is given back now, and `size` when nothing holds the value any more. For a value that existed
        before, such as the result of a `replace` that found nothing, `size` is 0.
        """
        self.memory += charged - size
        if size >= BIG:
            self._big.append(value)
            self._sizes.append(size)
        return value

    def made_text(self, text: str, charged: int) -> str:
        """Return a new text, for which `charged` bytes were allocated."""
        return self.made(text, charged, text_size(len(text), ascii_only=text.isascii()))

    def piece(self, text: str, begin: int, end: int) -> str:
        """Return a part of a text as a text of its own."""
        charged = self.text(end - begin, ascii_only=text.isascii())
        return self.made_text(text[begin:end], charged)

    def _reclaim(self) -> None:
        """Give back the bytes of values that were dropped; raise LimitExceeded when that is not enough."""
        self._sweeps += 1
        big, sizes = self._big, self._sizes
        self.charge(len(big))
        # Held by the list and by the call; whoever else holds one keeps it alive.
        alive = [index for index in range(len(big)) if sys.getrefcount(big[index]) > _ONLY_OURS]
        self.memory += sum(sizes)
        self._big = [big[index] for index in alive]
        self._sizes = [sizes[index] for index in alive]
        self.memory -= sum(self._sizes)
        self._sweep_at = max(self.memory - SWEEP, 0)
        if self.memory < 0:
            raise LimitExceeded(f"the rule holds more than {self.limits.memory // 1024 // 1024:,} MiB of values")

    def mark(self) -> Mark:
        """Return what is left now."""
        return Mark(self.steps, self.memory, self._sweeps, len(self._big))

    def go_back(self, mark: Mark) -> bool:
        """Take back what was spent since `mark`; return False where that cannot be told any more."""
        if mark.sweeps != self._sweeps:
            return False
        self.steps, self.memory = mark.steps, mark.memory
        del self._big[mark.big :], self._sizes[mark.big :]
        self.depth = 0
        return True

    def text(self, length: int, *, ascii_only: bool = False) -> int:
        """Allow a text of `length` characters to be made; return the bytes charged for it, raise LimitExceeded."""
        if length > self.limits.text:
            raise LimitExceeded(f"a text would be longer than {self.limits.text:,} characters")
        size = text_size(length, ascii_only=ascii_only)
        self.allocate(size)
        return size

    def items(self, count: int) -> int:
        """Allow a collection of `count` items to be made; return the bytes charged for it, raise LimitExceeded."""
        if count > self.limits.items:
            raise LimitExceeded(f"a collection would have more than {self.limits.items:,} items")
        self.allocate(8 * count)
        self.charge(count >> 2)
        return 8 * count

    def number(self, bits: int) -> None:
        """Allow a whole number of `bits` bits to be made; raise LimitExceeded."""
        if bits > self.limits.number_bits:
            raise LimitExceeded(f"a number would have more than {self.limits.number_bits:,} bits")
        if bits > 1024:
            # Multiplication and division are quadratic in this range.
            self.charge((bits >> 8) ** 2 >> 3)
            self.allocate(bits >> 3)

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


# References to a value that only the meter holds, as `sys.getrefcount` counts them: its list's, and the argument.
_ONLY_OURS = 2


def text_size(length: int, *, ascii_only: bool) -> int:
    """Return a bound on the bytes of a text: beyond ASCII, each character may take four."""
    return length if ascii_only else 4 * length
