"""The values of `collections`: Python's own classes, with the meter asked first where their operators work or grow.

Each carries the meter, since Python itself calls `__missing__` and operators that no helper of ours stands before.
They are classes of Python, so that those that hold each other by the thousand are freed without recursion.
"""

from __future__ import annotations

import collections
import heapq
from collections.abc import Callable, Collection
from operator import itemgetter
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.iteration import iterate
from dispatcher.lang.measuring import ENTRY_SIZE, grow, new_key, weigh
from dispatcher.lang.operations import add, greater, less, subtract
from dispatcher.lang.values import as_callable, is_callable, type_name

Combine = Callable[[Meter, Any, Any], Any]

NUMBERS = frozenset({int, float, bool})
# Steps for making a collection, and for the value of a key that a defaultdict does not have.
MAKE_COST = 10
MISSING_COST = 10
# Bytes of an item of a deque, and of a deque without any.
SLOT_SIZE = 8
DEQUE_SIZE = 768
# Steps for an entry that a Counter reads, compares and writes.
COUNT_COST = 8


class defaultdict(collections.defaultdict[Any, Any]):  # noqa: N801 - Python's name
    """A dict whose `default_factory` is a value of the rule."""

    __slots__ = ("meter",)

    def __init__(self, meter: Meter, factory: Any) -> None:
        if factory is not None and not is_callable(factory):
            raise TypeError("first argument must be callable or None")
        meter.charge(MAKE_COST)
        super().__init__()
        self.meter = meter
        self.default_factory = factory

    def __missing__(self, key: Any) -> Any:
        factory: Any = self.default_factory
        if factory is None:
            raise KeyError(key)
        meter = self.meter
        meter.changed = True
        meter.charge(MISSING_COST)
        value = as_callable(meter, factory)()
        grow(meter, self, 1, ENTRY_SIZE)
        self[new_key(meter, key, self)] = value
        return value

    def copy(self) -> defaultdict:
        return self._joined(self)

    def __or__(self, other: Any) -> Any:
        return self._joined(self, other) if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return self._joined(other, self) if isinstance(other, dict) else NotImplemented

    def _joined(self, *sources: dict[Any, Any]) -> defaultdict:
        joined = defaultdict(self.meter, self.default_factory)
        for source in sources:
            joined.update(source)
        return joined


class OrderedDict(collections.OrderedDict[Any, Any]):
    """Python's own; of ours for the text that it has in Python 3.11."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"OrderedDict({list(self.items())!r})" if self else "OrderedDict()"


class deque(collections.deque[Any]):  # noqa: N801 - Python's name
    """Python's own; an index is looked for from the nearer end, which is charged for."""

    __slots__ = ("meter",)

    def __init__(self, meter: Meter, maxlen: Any = None) -> None:
        super().__init__((), maxlen)
        self.meter = meter

    def append_all(self, values: Any, *, left: bool = False) -> None:
        """Append each of `values`, on the right or on the left."""
        meter, before = self.meter, len(self)
        if values is self:
            meter.items(before)
            values = list(self)
        # Until the iterator ends, what it has added is within what its turns were charged.
        (super().extendleft if left else super().extend)(iterate(meter, values, 1))
        if len(self) > before:
            grow(meter, self, 0, SLOT_SIZE)
            meter.allocate((len(self) - before) * SLOT_SIZE)

    def copy(self) -> deque:
        return deque_of(self.meter, self, self.maxlen)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, collections.deque):
            return super().__add__(other)
        joined = self.copy()
        joined.append_all(other)
        return joined

    def __iadd__(self, other: Any) -> Any:
        self.append_all(other)
        return self

    def __mul__(self, count: Any) -> Any:
        if not isinstance(count, int):
            return super().__mul__(count)
        repeated = self.copy()
        repeated *= count
        return repeated

    __rmul__ = __mul__

    def __imul__(self, count: Any) -> Any:
        if isinstance(count, int) and count > 1:
            size = len(self) * count if self.maxlen is None else min(len(self) * count, self.maxlen + len(self))
            grow(self.meter, self, size - len(self), SLOT_SIZE)
            self.meter.charge(size >> 3)
        return super().__imul__(count)

    def __getitem__(self, index: Any) -> Any:
        self.seek(index, 11)
        return super().__getitem__(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.seek(index, 11)
        super().__setitem__(index, value)

    def __delitem__(self, index: Any) -> None:
        self.seek(index, 6)
        super().__delitem__(index)

    def seek(self, index: Any, turns: int) -> None:
        """Charge for reaching an index, with a step for each two to the power of `turns` items on the way."""
        if isinstance(index, int):
            place = index if index >= 0 else index + len(self)
            self.meter.charge(1 + (max(0, min(place, len(self) - place)) >> turns))


def deque_of(meter: Meter, values: Any, maxlen: Any = None) -> deque:
    """Return a new deque."""
    meter.charge(MAKE_COST)
    meter.allocate(DEQUE_SIZE)
    found = deque(meter, maxlen)
    found.append_all(values)
    size = DEQUE_SIZE + len(found) * SLOT_SIZE
    meter.made(found, size, size)
    return found


class Counter(collections.Counter[Any]):
    """Python's own, where counts are added and compared by the meter."""

    __slots__ = ("meter",)

    def __init__(self, meter: Meter) -> None:
        meter.charge(MAKE_COST)
        self.meter = meter
        super().__init__()

    def copy(self) -> Counter:
        copied = Counter(self.meter)
        copied.update(self)
        return copied

    def update(self, iterable: Any = None, /, **named: Any) -> None:
        """Add counts: those of a dict, and one for each value of anything else."""
        meter = self.meter
        if type(iterable) is str:
            # Python counts characters faster than a rule's values.
            meter.charge(len(iterable) >> 1)
            iterable = collections.Counter(iterable)
        if isinstance(iterable, dict):
            # Python takes the counts as they are where there are none to add them to.
            self._change(iterable, _added if self else _right)
        elif iterable is not None:
            for key in iterate(meter, iterable, COUNT_COST):
                self._put(new_key(meter, key, self), self.get(key, 0) + 1)
        if named:
            self.update(named)

    def subtract(self, iterable: Any = None, /, **named: Any) -> None:
        """Take counts away, as `update` adds them."""
        meter = self.meter
        if isinstance(iterable, dict):
            self._change(iterable, subtract)
        elif iterable is not None:
            for key in iterate(meter, iterable, COUNT_COST):
                self._put(new_key(meter, key, self), self.get(key, 0) - 1)
        if named:
            self.subtract(named)

    def _change(self, counts: dict[Any, Any], combine: Combine) -> None:
        meter = self.meter
        for key, count in iterate(meter, counts.items(), COUNT_COST):
            self._put(new_key(meter, key, self), combine(meter, self.get(key, 0), count))

    def _put(self, key: Any, count: Any) -> None:
        if key not in self:
            grow(self.meter, self, 1, ENTRY_SIZE)
        self[key] = count

    def most_common(self, n: Any = None) -> list[tuple[Any, Any]]:
        """Return the entries with the highest counts first; repr shows them in this order too."""
        meter, rounds = self.meter, len(self).bit_length()
        meter.charge(len(self) * (3 + (rounds >> 2)))
        if not all(type(count) in NUMBERS for count in self.values()):
            for _ in range(rounds):
                weigh(meter, list(self.values()))
        if n is None:
            return sorted(self.items(), key=_COUNT, reverse=True)
        return heapq.nlargest(n, self.items(), key=_COUNT)

    def __add__(self, other: Any) -> Any:
        return self._combined(other, add, _right)

    def __sub__(self, other: Any) -> Any:
        return self._combined(other, subtract, subtract)

    def __or__(self, other: Any) -> Any:
        return self._combined(other, _larger, _right)

    def __and__(self, other: Any) -> Any:
        return self._combined(other, _smaller, None)

    def __pos__(self) -> Any:
        return self._positive(self.items())

    def __neg__(self) -> Any:
        return self._positive([(key, subtract(self.meter, 0, count)) for key, count in self.items()])

    def __iadd__(self, other: Any) -> Any:
        return self._updated(other, add)

    def __isub__(self, other: Any) -> Any:
        return self._updated(other, subtract)

    def __ior__(self, other: Any) -> Any:
        return self._updated(other, _larger)

    def __iand__(self, other: Any) -> Any:
        for key, count in self.items():
            self[key] = _smaller(self.meter, count, other[key])
        return self._kept()

    def _combined(self, other: Any, combine: Combine, alone: Combine | None) -> Any:
        """Return the counts above zero, combined; `alone` makes those of keys that only `other` has."""
        if not isinstance(other, collections.Counter):
            return NotImplemented
        meter = self.meter
        found = [(key, combine(meter, count, other[key])) for key, count in self.items()]
        if alone is not None:
            found += [(key, alone(meter, 0, count)) for key, count in other.items() if key not in self]
        return self._positive(found)

    def _positive(self, entries: Collection[tuple[Any, Any]]) -> Counter:
        meter = self.meter
        meter.charge(COUNT_COST * len(entries))
        found = Counter(meter)
        for key, count in entries:
            if greater(meter, count, 0):
                found[key] = count
        return found

    def _updated(self, other: Any, combine: Combine) -> Counter:
        if not isinstance(other, dict):
            raise AttributeError(f"'{type_name(other)}' object has no attribute 'items'")
        meter = self.meter
        for key, count in other.items():
            self[key] = combine(meter, self[key], count)
        return self._kept()

    def _kept(self) -> Counter:
        """Return the Counter itself, without counts that are not above zero."""
        self.meter.charge(COUNT_COST * len(self))
        for key in [key for key, count in self.items() if not greater(self.meter, count, 0)]:
            del self[key]
        return self


def _added(meter: Meter, count: Any, more: Any) -> Any:
    return add(meter, more, count)


def _right(_meter: Meter, _left: Any, right: Any) -> Any:
    return right


def _larger(meter: Meter, left: Any, right: Any) -> Any:
    return right if less(meter, left, right) else left


def _smaller(meter: Meter, left: Any, right: Any) -> Any:
    return left if less(meter, left, right) else right


_COUNT = itemgetter(1)
