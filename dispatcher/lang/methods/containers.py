"""The methods of lists, tuples, ranges, dicts, their views, and sets."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from dispatcher.lang.budget import BIG, Meter
from dispatcher.lang.entries import ITEMS, LENGTH, MethodEntry
from dispatcher.lang.iteration import collect, collect_keys, collect_pairs, iterate, ordered
from dispatcher.lang.measuring import (
    ENTRY_SIZE,
    ITEM_SIZE,
    charge_table,
    grow,
    hashable,
    made_table,
    meet,
    new_key,
    scan,
)
from dispatcher.lang.methods.entry import made_copy, method, plain, small
from dispatcher.lang.sequences import from_keys, sort_list
from dispatcher.lang.values import Implementation

# Bytes that a value takes in a list that grows, and in a dict or set.
_GROWN_ITEM = 16
_GROWN_ENTRY = 100


def _settle(meter: Meter, owner: Any, before: int, count: int) -> None:
    """Give back what was allowed for entries that were in a dict or set of `before` entries already."""
    meter.memory += (count - max(0, len(owner) - before)) * _GROWN_ENTRY


# --- lists, tuples, ranges


def _list_append(meter: Meter, owner: list[Any], value: Any, /) -> None:
    grow(meter, owner, 1, _GROWN_ITEM)
    owner.append(value)


def _list_extend(meter: Meter, owner: list[Any], iterable: Any, /) -> None:
    if isinstance(iterable, Iterator):
        # What it gives before it fails stays in the list.
        for value in iterate(meter, iterable, 1):
            _list_append(meter, owner, value)
        return
    values = collect(meter, iterable)
    grow(meter, owner, len(values), _GROWN_ITEM)
    owner.extend(values)


def _list_insert(meter: Meter, owner: list[Any], index: Any, value: Any, /) -> None:
    meter.charge(len(owner) >> 6)
    grow(meter, owner, 1, _GROWN_ITEM)
    owner.insert(index, value)


def _list_pop(meter: Meter, owner: list[Any], /, *index: Any) -> Any:
    if index:
        meter.charge(len(owner) >> 6)
    return owner.pop(*index)


def _list_sort(meter: Meter, owner: list[Any], /, *, key: Any = None, reverse: Any = False) -> None:
    sort_list(meter, owner, key=key, reverse=reverse)


def _sequence_count(meter: Meter, owner: Any, value: Any, /) -> int:
    _scan(meter, value, owner)
    return int(owner.count(value))


def _sequence_index(meter: Meter, owner: Any, value: Any, /, *bounds: Any) -> int:
    _scan(meter, value, owner)
    try:
        return int(owner.index(value, *bounds)) if type(owner) is range else place_of(owner, value, bounds)
    except ValueError:
        raise ValueError(_not_in(owner, value)) from None


def place_of(owner: Any, value: Any, bounds: tuple[Any, ...]) -> int:
    """Return where a value first stands in a list, a tuple or a deque.

    Python's own `index` makes a text of a value that it does not find, whatever its size and depth.
    """
    if len(bounds) > 2 or not all(isinstance(bound, int) for bound in bounds):
        # Python's own error.
        return int(owner.index(value, *bounds))
    start, stop, _ = slice(*(bounds if len(bounds) == 2 else (*bounds, None)[:2])).indices(len(owner))
    return start + operator.indexOf(islice(owner, start, max(start, stop)), value)


def _not_in(owner: Any, value: Any) -> str:
    """Return Python's text of an `index` that finds nothing; it shows the value, whatever its size."""
    if type(owner) is tuple:
        return "tuple.index(x): x not in tuple"
    short = (type(value) is str and len(value) < BIG) or (type(value) is int and value.bit_length() < BIG)
    shown = repr(value) if short or type(value) in (float, bool, type(None)) else "the value"
    return f"{shown} is not in {type(owner).__name__}"


def _scan(meter: Meter, value: Any, owner: Any) -> None:
    if type(owner) is not range:
        scan(meter, value, owner)
    elif type(value) not in (int, bool):
        # Python compares such a value with each number; `len` fails for a long range.
        meter.charge(max(0, (owner.stop - owner.start) // owner.step + 1))


def _list_remove(meter: Meter, owner: list[Any], value: Any, /) -> None:
    scan(meter, value, owner)
    meter.charge(len(owner) >> 6)
    owner.remove(value)


SEQUENCE = (
    method("count", "count(value, /)", "how often a value occurs", _sequence_count, ITEMS),
    method("index", "index(value, start, end, /)", "where a value first occurs, or ValueError", _sequence_index, ITEMS),
)


LIST = (
    *SEQUENCE,
    method("append", "append(value, /)", "adds a value at the end", _list_append),
    small(list.clear, "clear()", "removes all"),
    made_copy(list.copy, "a new list with the same values", ITEM_SIZE),
    method("extend", "extend(iterable, /)", "adds values at the end", _list_extend, ITEMS),
    method("insert", "insert(index, value, /)", "adds a value before the index", _list_insert, LENGTH),
    method("pop", "pop(index=-1, /)", "removes a value and returns it", _list_pop, LENGTH),
    method("remove", "remove(value, /)", "removes the first such value, or ValueError", _list_remove, ITEMS),
    plain(list.reverse, "reverse()", "turns the order round"),
    method("sort", "sort(*, key=None, reverse=False)", "puts the values in order", _list_sort, ITEMS),
)


# --- dicts


def _dict_get(meter: Meter, owner: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    return owner.get(hashable(meter, key, owner), default)


def _dict_pop(meter: Meter, owner: dict[Any, Any], key: Any, /, *default: Any) -> Any:
    return owner.pop(new_key(meter, key, owner), *default)


def _dict_setdefault(meter: Meter, owner: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    before = len(owner)
    grow(meter, owner, 1, _GROWN_ENTRY)
    value = owner.setdefault(new_key(meter, key, owner), default)
    _settle(meter, owner, before, 1)
    return value


def _dict_update(meter: Meter, owner: dict[Any, Any], pairs: Any = (), /, **named: Any) -> None:
    if isinstance(pairs, Iterator):
        # What it gives before it fails stays in the dict.
        for pair in iterate(meter, pairs, 1):
            _dict_update(meter, owner, [pair])
        pairs = ()
    values = collect_pairs(meter, pairs)
    meet(meter, values, owner)
    before, count = len(owner), len(values) + len(named)
    grow(meter, owner, count, _GROWN_ENTRY)
    if type(owner) is not dict:
        # The dicts of `collections` go from entry to entry.
        meter.charge(4 * count)
    owner.update(values, **named)
    _settle(meter, owner, before, count)


def _dict_fromkeys(meter: Meter, _owner: dict[Any, Any], iterable: Any, value: Any = None, /) -> dict[Any, Any]:
    return from_keys(meter, iterable, value)


DICT = (
    small(dict.clear, "clear()", "removes all"),
    made_copy(dict.copy, "a new dict with the same entries", ENTRY_SIZE),
    method("fromkeys", "fromkeys(iterable, value=None, /)", "a new dict with these keys", _dict_fromkeys, ITEMS),
    method("get", "get(key, default=None, /)", "the value of a key, or the default", _dict_get),
    small(dict.items, "items()", "the pairs of key and value"),
    small(dict.keys, "keys()", "the keys"),
    method("pop", "pop(key, default=..., /)", "removes a key and returns its value", _dict_pop),
    small(dict.popitem, "popitem()", "removes the last entry and returns it"),
    method("setdefault", "setdefault(key, default=None, /)", "the value of a key, set if missing", _dict_setdefault),
    method("update", "update(pairs=(), /, **named)", "takes over entries", _dict_update, ITEMS),
    small(dict.values, "values()", "the values"),
)


# --- sets


def _set_add(meter: Meter, owner: set[Any], value: Any, /) -> None:
    before = len(owner)
    grow(meter, owner, 1, _GROWN_ENTRY)
    owner.add(new_key(meter, value, owner))
    _settle(meter, owner, before, 1)


def _set_update(meter: Meter, owner: set[Any], /, *others: Any) -> None:
    for other in others:
        if isinstance(other, Iterator):
            # What it gives before it fails stays in the set.
            for value in iterate(meter, other, 1):
                _set_add(meter, owner, value)
        else:
            _changed(set.update)(meter, owner, other)


def _set_difference_update(meter: Meter, owner: set[Any], /, *others: Any) -> None:
    for other in others:
        if isinstance(other, Iterator):
            # What it gives before it fails is taken out.
            for value in iterate(meter, other, 1):
                owner.discard(new_key(meter, value, owner))
        else:
            _changed(set.difference_update)(meter, owner, other)


def _set_pop(meter: Meter, owner: set[Any], /) -> Any:
    # Which value comes first must not depend on the process.
    first = next(iter(ordered(meter, owner)), None)
    if not owner:
        raise KeyError("pop from an empty set")
    owner.remove(first)
    return first


def _sets(meter: Meter, others: tuple[Any, ...]) -> list[Any]:
    return [other if isinstance(other, set | frozenset) else set(collect_keys(meter, other)) for other in others]


def _meet(meter: Meter, owner: Any, sets: list[Any]) -> None:
    for other in sets:
        meet(meter, other, owner)
        meet(meter, owner, other)


def _combined(function: Callable[..., Any]) -> Implementation:
    """Take a method that makes a set of its own and others."""

    def combine(meter: Meter, owner: Any, /, *others: Any) -> Any:
        sets = _sets(meter, others)
        _meet(meter, owner, sets)
        charged = charge_table(meter, len(owner) + sum(map(len, sets)))
        made = function(owner, *sets)
        return made_table(meter, made, charged, picked=len(made) < len(owner))

    return combine


def _compared(function: Callable[..., Any]) -> Implementation:
    """Take a method that compares a set with one other."""

    def compare(meter: Meter, owner: Any, other: Any, /) -> Any:
        (others,) = _sets(meter, (other,))
        _meet(meter, owner, [others])
        meter.charge(len(owner) + len(others) >> 1)
        return function(owner, others)

    return compare


def _changed(function: Callable[..., Any]) -> Implementation:
    """Take a method that changes a set by others."""

    def change(meter: Meter, owner: Any, /, *others: Any) -> None:
        sets = _sets(meter, others)
        _meet(meter, owner, sets)
        count = sum(map(len, sets))
        meter.charge(len(owner) >> 1)
        before = len(owner)
        grow(meter, owner, count, _GROWN_ENTRY)
        function(owner, *sets)
        _settle(meter, owner, before, count)

    return change


def _of_one(implementation: Implementation) -> Implementation:
    """Take a method that takes one other only."""

    def call(meter: Meter, owner: Any, other: Any, /) -> Any:
        return implementation(meter, owner, other)

    return call


def _set_member(function: Callable[..., Any]) -> Implementation:
    def member(meter: Meter, owner: Any, value: Any, /) -> Any:
        return function(owner, new_key(meter, value, owner))

    return member


def _reading(kind: type[set[Any]] | type[frozenset[Any]]) -> tuple[MethodEntry, ...]:
    combining = (
        ("difference", "the values that are in none of the others"),
        ("intersection", "the values that are in all"),
        ("union", "the values of all"),
    )
    comparing = (
        ("isdisjoint", "True when no value is in both"),
        ("issubset", "True when all values are in the other"),
        ("issuperset", "True when all values of the other are here"),
    )
    return (
        *(method(name, f"{name}(*others)", doc, _combined(getattr(kind, name)), ITEMS) for name, doc in combining),
        method(
            "symmetric_difference",
            "symmetric_difference(other, /)",
            "the values that are in one only",
            _of_one(_combined(kind.symmetric_difference)),
            ITEMS,
        ),
        *(method(name, f"{name}(other, /)", doc, _compared(getattr(kind, name)), ITEMS) for name, doc in comparing),
    )


FROZENSET = (*_reading(frozenset), small(frozenset.copy, "copy()", "the same values"))


SET = (
    *_reading(set),
    method("add", "add(value, /)", "adds a value", _set_add),
    small(set.clear, "clear()", "removes all"),
    made_copy(set.copy, "a new set with the same values", ENTRY_SIZE),
    method("discard", "discard(value, /)", "removes a value if it is there", _set_member(set.discard)),
    method("pop", "pop()", "removes a value and returns it", _set_pop, ITEMS),
    method("remove", "remove(value, /)", "removes a value, or KeyError", _set_member(set.remove)),
    method(
        "difference_update",
        "difference_update(*others)",
        "removes the values of the others",
        _set_difference_update,
        ITEMS,
    ),
    method(
        "intersection_update",
        "intersection_update(*others)",
        "keeps only values that are in all",
        _changed(set.intersection_update),
        ITEMS,
    ),
    method("update", "update(*others)", "adds the values of the others", _set_update, ITEMS),
    method(
        "symmetric_difference_update",
        "symmetric_difference_update(other, /)",
        "keeps the values that are in one only",
        _of_one(_changed(set.symmetric_difference_update)),
        ITEMS,
    ),
)


def _view_isdisjoint(meter: Meter, view: Any, other: Any, /) -> bool:
    values = collect(meter, other)
    # In the items of a dict, Python looks for nothing but pairs, by their key.
    pairs = type(view) is type({}.items())
    meter.charge(2 * len(values))
    for value in values:
        hashable(meter, value[0] if pairs and type(value) is tuple and value else value, view)
    return bool(view.isdisjoint(values))


# Of the keys and items of a dict. `mapping` is left out: it would be one more kind of dict, for nothing.
SET_VIEW = (method("isdisjoint", "isdisjoint(other, /)", "True when no value is in both", _view_isdisjoint, ITEMS),)


# Methods that change their value in place: behind them, a ticket variable may hold something else.
MUTATORS = frozenset(
    {
        "add",
        "append",
        "clear",
        "difference_update",
        "discard",
        "extend",
        "insert",
        "intersection_update",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "symmetric_difference_update",
        "update",
    }
)
