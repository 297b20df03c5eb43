"""Running over values: each turn is charged, and what is collected is asked for before it grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import plain_repr
from dispatcher.lang.measuring import ENTRY_SIZE, SIZED, hashable, refuse_own, weigh
from dispatcher.lang.values import type_name


class Counted:
    """An iterator that charges for each turn.

    A class and no generator: where rules stack iterators by the thousand, objects of a class are freed without
    recursion, and each turn through them passes Python's own check of recursion.
    """

    __slots__ = ("_iterator", "_meter", "_weight")

    def __init__(self, meter: Meter, iterator: Iterator[Any], weight: int) -> None:
        self._meter = meter
        self._iterator = iterator
        self._weight = weight

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._meter.charge(self._weight)
        return next(self._iterator)


def ordered(meter: Meter, values: Any) -> list[Any]:
    """Return the values of a set in an order that does not change from process to process, as that of texts does."""
    meter.items(len(values))
    if all(type(value) in (int, bool, float) for value in values):
        return list(values)
    if all(type(value) is str for value in values):
        weigh(meter, values)
        return sorted(values)
    return sorted(values, key=lambda value: (type(value).__name__, plain_repr(meter, value)))


def iterate(meter: Meter, iterable: Any, weight: int) -> Iterable[Any]:
    """Return `iterable`, with `weight` steps charged for each turn.

    They are charged at once where the length is known and the meter has as many; else with each turn, so that a loop
    that ends early costs what it ran.
    """
    refuse_own(iterable, "is not iterable")
    if type(iterable) is range:
        # `len` fails for a long range.
        cost = max(0, (iterable.stop - iterable.start) // iterable.step + 1) * weight
    elif type(iterable) in SIZED or isinstance(iterable, dict):
        cost = len(iterable) * weight
    else:
        # An iterator is used up by it.
        meter.changed = True
        return Counted(meter, iter(iterable), weight)
    if cost > meter.steps:
        return Counted(meter, iter(iterable), weight)
    meter.charge(cost)
    if type(iterable) in (set, frozenset):
        return ordered(meter, iterable)
    return iterable  # type: ignore[no-any-return] # one of the types above


def collect(meter: Meter, iterable: Any) -> list[Any]:
    """Return the values of `iterable` as a new list; the meter is asked before it grows."""
    if (type(iterable) in SIZED and type(iterable) is not range) or isinstance(iterable, dict):
        if type(iterable) in (set, frozenset):
            return ordered(meter, iterable)
        meter.items(len(iterable))
        return list(iterable)
    if type(iterable) is range:
        # Each number is a new object.
        meter.allocate(32 * min(meter.limits.items, max(0, (iterable.stop - iterable.start) // iterable.step + 1)))
    values: list[Any] = []
    limit = meter.limits.items
    for value in iterate(meter, iterable, 1):
        if len(values) >= limit:
            meter.items(limit + 1)
        values.append(value)
    meter.items(len(values))
    return values


def collect_keys(meter: Meter, iterable: Any) -> list[Any]:
    """Return the values of `iterable` as a new list, charged for hashing them."""
    values = collect(meter, iterable)
    meter.allocate(len(values) * ENTRY_SIZE)
    return [hashable(meter, value) for value in values]


def collect_pairs(meter: Meter, value: Any) -> Any:
    """Return `value` as what a dict can be updated with: a dict, or a list of pairs with their keys charged."""
    if isinstance(value, dict):
        return value
    pairs = [pair if type(pair) in (str, list, tuple) else collect(meter, pair) for pair in collect(meter, value)]
    for pair in pairs:
        if pair:
            hashable(meter, pair[0])
    return pairs


def unpacked(meter: Meter, iterable: Any) -> Any:
    """Return `iterable` for unpacking into targets: lists and tuples as they are, the rest with its turns counted."""
    return iterable if type(iterable) in (list, tuple) else iterate(meter, iterable, 1)


def mapping(meter: Meter, value: Any) -> Any:
    """Return `value` for `**` in a call or a dict."""
    if not isinstance(value, dict):
        raise TypeError(f"argument after ** must be a mapping, not {type_name(value)}")
    meter.items(len(value))
    meter.allocate(len(value) * ENTRY_SIZE)
    meter.charge(len(value))
    return value


def spread(meter: Meter, value: Any, before: int, after: int) -> tuple[Any, ...]:
    """Unpack `value` for targets with a `*`: the first ones, a list of those between, the last ones."""
    values = collect(meter, value)
    if len(values) < before + after:
        raise ValueError(f"not enough values to unpack (expected at least {before + after}, got {len(values)})")
    end = len(values) - after
    return (*values[:before], values[before:end], *values[end:])


def spread_each(meter: Meter, values: Iterable[Any], before: int, after: int) -> Iterator[tuple[Any, ...]]:
    """Unpack each of `values` for a comprehension's target with a `*`."""
    for value in values:
        yield spread(meter, value, before, after)
