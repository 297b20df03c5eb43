"""The iterators of `itertools`: Python's own, each in an object of a class of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.lang.budget import BIG, Meter
from dispatcher.lang.iteration import Counted, iterate

# Steps for making an iterator, and for what it runs over.
LAZY_COST = 35
TURNS_COST = 10


class Lazy:
    """An iterator around one of Python's own; `size` is the bytes of what each turn makes.

    A class of Python: where rules stack such iterators by the thousand, they are freed without recursion, and each
    turn passes Python's own check of recursion. Python's iterator runs over what `turns` gives, so that it is charged
    for what it skips.
    """

    __slots__ = ("_iterator", "_meter", "_size")

    def __init__(self, meter: Meter, iterator: Iterator[Any], size: int = 0) -> None:
        meter.charge(LAZY_COST)
        self._meter = meter
        self._iterator = iterator
        self._size = size

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        size = self._size
        if size < BIG:
            self._meter.charge(1 + (size >> 6))
            return next(self._iterator)
        # Each of the values that it holds is counted up, and down again.
        self._meter.charge(size >> 6)
        self._meter.allocate(size)
        try:
            return self._meter.made(next(self._iterator), size, size)
        except StopIteration:
            self._meter.made(None, size, 0)
            raise


class Kept(Counted):
    """A counted iterator whose values are all kept."""

    __slots__ = ()

    def __next__(self) -> Any:
        self._meter.allocate(16)
        return super().__next__()


def kind(name: str) -> type[Lazy]:
    """Return the class of the iterators that are called `name`."""
    return type(name, (Lazy,), {"__slots__": (), "__module__": "itertools"})


Chain = kind("chain")


def turns(meter: Meter, iterable: Any, weight: int = 1) -> Iterator[Any]:
    """Return an iterator over `iterable` that charges for its turns."""
    meter.charge(TURNS_COST)
    return iter(iterate(meter, iterable, weight))


def kept_turns(meter: Meter, iterable: Any) -> Iterator[Any]:
    """Return an iterator over `iterable` for what keeps all its values."""
    return Kept(meter, turns(meter, iterable), 1)
