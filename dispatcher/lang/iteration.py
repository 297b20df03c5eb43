"""Running over values: each turn is charged, and what is collected is asked for before it grows."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from operator import length_hint
from typing import Any

from dispatcher.lang.budget import Keys, Meter
from dispatcher.lang.formatting import plain_repr
from dispatcher.lang.measuring import (
    SIZED,
    charge_table,
    fresh_key,
    made_table,
    meet,
    refuse_own,
    seen,
    weigh,
)
from dispatcher.lang.values import type_name

# Turns that are charged at once, and the steps that this takes.
CHUNK = 64
FIRST_CHUNK = 4
CHUNK_COST = 8
# How many chunks are shorter, and how many values they hold.
_SHORT_COUNT = (CHUNK // FIRST_CHUNK).bit_length() - 1
_SHORT_CHUNKS = CHUNK - FIRST_CHUNK
# Bytes of a whole number, of a pair, and of a character beyond those that Python keeps one of.
_NUMBER_SIZE = 32
_PAIR_SIZE = 64
_CHARACTER_SIZE = 80

_KEPT = frozenset({int, bool, float})


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


class _Chunks:
    """Iterators over some values of another each, charged when they begin.

    So a loop that ends early pays for what it ran, and a list that grows while it is run over is paid for to its end.
    """

    __slots__ = ("_iterator", "_meter", "_size", "_weight")

    def __init__(self, meter: Meter, iterator: Iterator[Any], weight: int) -> None:
        self._meter = meter
        self._iterator = iterator
        self._weight = weight
        # Loops that end early end soon, so the first chunks are short.
        self._size = FIRST_CHUNK

    def __iter__(self) -> Iterator[Iterator[Any]]:
        return self

    def __next__(self) -> Iterator[Any]:
        # A dict that changed has none left; the turn that finds this out raises Python's error.
        count = min(length_hint(self._iterator), self._size) or 1
        self._size = min(2 * self._size, CHUNK)
        self._meter.charge(CHUNK_COST + count * self._weight)
        if count > 1:
            return islice(self._iterator, count)
        return iter((next(self._iterator),))


def turns_cost(kind: type, count: int, weight: int) -> int:
    """Return the steps that `iterate` charges for all turns over a text or a list of `count` values."""
    # Behind the last value of a list, or of a chunk, one more turn finds out that there are no more.
    if count <= CHUNK:
        return 1 + (count if kind is str else count + 1) * weight
    chunks = _SHORT_COUNT - (_SHORT_CHUNKS - count) // CHUNK
    return (chunks + 1) * CHUNK_COST + (count + 1) * weight


class SetTurns:
    """An iterator over the values of a set in a given order, which fails when the set changes its size."""

    __slots__ = ("_count", "_meter", "_set", "_values", "_weight")

    def __init__(self, meter: Meter, values: Any, weight: int) -> None:
        self._meter = meter
        self._set = values
        self._count = len(values)
        self._values = iter(ordered(meter, values))
        self._weight = weight + 1

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._meter.charge(self._weight)
        if len(self._set) != self._count:
            self._count = -1
            raise RuntimeError("Set changed size during iteration")
        return next(self._values)


def ordered(meter: Meter, values: Any) -> list[Any]:
    """Return the values of a set in an order that does not change from process to process, as that of texts does."""
    count = len(values)
    charged = meter.items(count)
    kinds = set(map(type, values))
    if kinds <= _KEPT:
        found = list(values)
        if float in kinds and any(value != value for value in found):
            # The hash of a NaN is its address, and where it lies moves others.
            found.sort(key=lambda value: (0, value) if value == value else (1, *seen(meter, value)))
    elif kinds == {str}:
        weigh(meter, values)
        # Each of the rounds compares each text with another one.
        meter.charge(count * count.bit_length() >> 2)
        found = sorted(values)
    else:
        meter.charge(20 * count)
        found = sorted(values, key=lambda value: (type(value).__name__, plain_repr(meter, value), seen(meter, value)))
    meter.made(found, charged, charged)
    return found


def iterate(meter: Meter, iterable: Any, weight: int) -> Iterable[Any]:
    """Return `iterable`, with `weight` steps charged for each turn before it begins."""
    kind = type(iterable)
    if kind is list:
        count = len(iterable)
        if count > CHUNK:
            return chain.from_iterable(_Chunks(meter, iter(iterable), weight))
        # It may grow while it is run over.
        meter.charge(1 + count * weight)
        items = iter(iterable)
        return chain(islice(items, count), Counted(meter, items, weight))
    if kind is set or kind is frozenset:
        return SetTurns(meter, iterable, weight)
    if kind is range or kind in SIZED or isinstance(iterable, dict):
        # `len` fails for a long range.
        if kind is not range and len(iterable) <= CHUNK:
            meter.charge(1 + len(iterable) * weight)
            return iterable  # type: ignore[no-any-return] # one of the types above
        if kind is range:
            # Each turn makes a number.
            weight += _range_bits(iterable) >> 8
        if kind is range and not _is_long(iterable):
            meter.charge(1 + len(iterable) * weight)
            return iterable  # type: ignore[no-any-return] # one of the types above
        if kind is range and iterable[sys.maxsize :]:
            # Python cannot tell how many are left.
            return Counted(meter, iter(iterable), weight)
        return chain.from_iterable(_Chunks(meter, iter(iterable), weight))
    refuse_own(iterable, "is not iterable")
    iterator = iter(iterable)
    # It is used up.
    meter.changed = True
    return Counted(meter, iterator, weight)


def _range_bits(numbers: range) -> int:
    return max(numbers.start.bit_length(), numbers.stop.bit_length())


def _is_long(numbers: range) -> bool:
    return bool(numbers[CHUNK:])


def collect(meter: Meter, iterable: Any) -> list[Any]:
    """Return the values of `iterable` as a new list; the meter is asked before it grows."""
    kind = type(iterable)
    if kind is set or kind is frozenset:
        return ordered(meter, iterable)
    limit = meter.limits.items
    if kind is range:
        count = limit + 1 if iterable[limit:] else len(iterable)
        return _listed(meter, iterable, count, _NUMBER_SIZE + (_range_bits(iterable) >> 3))
    if kind in SIZED or isinstance(iterable, deque | dict):
        return _listed(meter, iterable, len(iterable), _item_size(iterable))
    values: list[Any] = []
    charged = room = 0
    for value in iterate(meter, iterable, 1):
        if len(values) == room:
            room = min(2 * room + 8, limit) if room < limit else limit + 1
            charged += meter.items(room)
        values.append(value)
    meter.made(values, charged, 8 * len(values))
    return values


def _listed(meter: Meter, values: Any, count: int, item_size: int) -> list[Any]:
    """Return the `count` values of something as a list, for which `item_size` bytes are made for each."""
    charged = meter.items(count)
    if item_size:
        meter.allocate(count * item_size)
        charged += count * item_size
    listed = list(values)
    meter.made(listed, charged, charged)
    return listed


def _item_size(values: Any) -> int:
    if type(values) is str:
        return 0 if values.isascii() else _CHARACTER_SIZE
    return _PAIR_SIZE if isinstance(values, _ITEMS) else 0


_ITEMS: Any = type({}.items())


def collect_keys(meter: Meter, iterable: Any) -> list[Any]:
    """Return the values of `iterable` as a new list, charged for hashing them and for putting them into one table."""
    values = collect(meter, iterable)
    meter.charge(len(values))
    keys = Keys()
    for value in values:
        fresh_key(meter, value, keys)
    return values


def collect_pairs(meter: Meter, value: Any) -> Any:
    """Return `value` as what a dict can be updated with: a dict, or a list of pairs with their keys charged."""
    if isinstance(value, dict):
        return value
    pairs = [pair if type(pair) in (list, tuple) else _pair(meter, pair) for pair in collect(meter, value)]
    meter.charge(2 * len(pairs))
    keys = Keys()
    for pair in pairs:
        if pair:
            fresh_key(meter, pair[0], keys)
    return pairs


def _pair(meter: Meter, value: Any) -> Any:
    """Return what an entry of a dict is made of; a text stays one, for what Python says of its length."""
    if type(value) is not str:
        return collect(meter, value)
    # Python makes a list of its characters, to see that they are not two.
    meter.made(None, meter.items(len(value)), 0)
    return value


# --- targets and displays


def unpacked(meter: Meter, iterable: Any) -> Any:
    """Return `iterable` for unpacking into targets: lists and tuples as they are, the rest with its turns counted."""
    return iterable if type(iterable) in (list, tuple) else iterate(meter, iterable, 1)


def mapping(meter: Meter, value: Any) -> Any:
    """Return `value` for `**` in a call or a dict."""
    if not isinstance(value, dict):
        raise TypeError(f"argument after ** must be a mapping, not {type_name(value)}")
    # The one that is made of it is not to be seen here.
    charge_table(meter, len(value))
    return value


def spread(meter: Meter, value: Any, before: int, after: int) -> tuple[Any, ...]:
    """Unpack `value` for targets with a `*`: the first ones, a list of those between, the last ones."""
    values = collect(meter, value)
    if len(values) < before + after:
        raise ValueError(f"not enough values to unpack (expected at least {before + after}, got {len(values)})")
    end = len(values) - after
    between = _listed(meter, values[before:end], end - before, 0)
    return (*values[:before], between, *values[end:])


def spread_each(meter: Meter, values: Iterable[Any], before: int, after: int) -> Iterator[tuple[Any, ...]]:
    """Unpack each of `values` for a comprehension's target with a `*`."""
    for value in values:
        yield spread(meter, value, before, after)


def keyed(values: Iterable[Any]) -> Iterator[tuple[Keys, Any]]:
    """Run over `values` for a comprehension that makes a set or a dict, each turn with what follows its keys."""
    keys = Keys()
    for value in values:
        yield keys, value


def joined_list(meter: Meter, *parts: list[Any]) -> list[Any]:
    """Return a list of what is in `parts`, for a display or a call with `*`."""
    return _listed(meter, chain.from_iterable(parts), sum(map(len, parts)), 0)


def joined_tuple(meter: Meter, *parts: list[Any]) -> tuple[Any, ...]:
    """Return a tuple of what is in `parts`, for a display with `*`."""
    charged = meter.items(sum(map(len, parts)))
    joined = tuple(chain.from_iterable(parts))
    meter.made(joined, charged, charged)
    return joined


def joined_set(meter: Meter, *parts: list[Any]) -> set[Any]:
    """Return a set of what is in `parts`, for a display with `*`."""
    keys = Keys()
    charged = charge_table(meter, sum(map(len, parts)))
    for part in parts:
        for value in part:
            fresh_key(meter, value, keys)
    return made_table(meter, set(chain.from_iterable(parts)), charged)


def joined_dict(meter: Meter, *parts: Any) -> dict[Any, Any]:
    """Return a dict of the entries of `parts`, for a display with `**`."""
    charged = 0
    result: dict[Any, Any] = {}
    for part in parts:
        if not isinstance(part, dict):
            raise TypeError(f"'{type_name(part)}' object is not a mapping")
        charged += charge_table(meter, len(part))
        meet(meter, part, result)
        result.update(part)
    return made_table(meter, result, charged)
