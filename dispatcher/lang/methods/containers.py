"""The methods of lists, tuples, ranges, dicts and sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.functions import sort_list
from dispatcher.lang.iteration import collect, collect_pairs, ordered
from dispatcher.lang.measuring import ENTRY_SIZE, ITEM_SIZE, hashable, scan
from dispatcher.lang.methods.entry import method, plain, small
from dispatcher.lang.values import Implementation


def _list_append(meter: Meter, owner: list[Any], value: Any, /) -> None:
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(16)
    owner.append(value)


def _list_extend(meter: Meter, owner: list[Any], iterable: Any, /) -> None:
    values = collect(meter, iterable)
    meter.items(len(owner) + len(values))
    owner.extend(values)


def _list_insert(meter: Meter, owner: list[Any], index: Any, value: Any, /) -> None:
    meter.charge(len(owner) >> 6)
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(16)
    owner.insert(index, value)


def _list_sort(meter: Meter, owner: list[Any], /, *, key: Any = None, reverse: Any = False) -> None:
    sort_list(meter, owner, key=key, reverse=reverse)


def _sequence_count(meter: Meter, owner: Any, value: Any, /) -> int:
    scan(meter, value, owner)
    return int(owner.count(value))


def _sequence_index(meter: Meter, owner: Any, value: Any, /, *bounds: Any) -> int:
    scan(meter, value, owner)
    try:
        return int(owner.index(value, *bounds))
    except ValueError:
        # Python's own text shows the value, whatever its size.
        raise ValueError(f"the value is not in the {type(owner).__name__}") from None


def _list_remove(meter: Meter, owner: list[Any], value: Any, /) -> None:
    scan(meter, value, owner)
    owner.remove(value)


SEQUENCE = (
    method("count", "count(value)", "how often a value occurs", _sequence_count),
    method("index", "index(value, start, end)", "where a value first occurs, or ValueError", _sequence_index),
)


LIST = (
    *SEQUENCE,
    method("append", "append(value)", "adds a value at the end", _list_append),
    plain(list.clear, "clear()", "removes all"),
    plain(list.copy, "copy()", "a new list with the same values", size=ITEM_SIZE),
    method("extend", "extend(iterable)", "adds values at the end", _list_extend),
    method("insert", "insert(index, value)", "adds a value before the index", _list_insert),
    plain(list.pop, "pop(index=-1)", "removes a value and returns it"),
    method("remove", "remove(value)", "removes the first such value", _list_remove),
    plain(list.reverse, "reverse()", "turns the order round"),
    method("sort", "sort(key=None, reverse=False)", "puts the values in order", _list_sort),
)


def _dict_get(meter: Meter, owner: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    return owner.get(hashable(meter, key), default)


def _dict_pop(meter: Meter, owner: dict[Any, Any], key: Any, /, *default: Any) -> Any:
    meter.charge(1)
    return owner.pop(hashable(meter, key), *default)


def _dict_setdefault(meter: Meter, owner: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(100)
    return owner.setdefault(hashable(meter, key), default)


def _dict_update(meter: Meter, owner: dict[Any, Any], pairs: Any = (), /, **named: Any) -> None:
    values = collect_pairs(meter, pairs)
    count = len(values) + len(named)
    meter.items(len(owner) + count)
    meter.allocate(count * ENTRY_SIZE)
    owner.update(values, **named)


DICT = (
    plain(dict.clear, "clear()", "removes all"),
    plain(dict.copy, "copy()", "a new dict with the same entries", size=ENTRY_SIZE),
    method("get", "get(key, default=None)", "the value of a key, or the default", _dict_get),
    small(dict.items, "items()", "the pairs of key and value"),
    small(dict.keys, "keys()", "the keys"),
    method("pop", "pop(key, default)", "removes a key and returns its value", _dict_pop),
    small(dict.popitem, "popitem()", "removes the last entry and returns it"),
    method("setdefault", "setdefault(key, default=None)", "the value of a key, set if missing", _dict_setdefault),
    method("update", "update(pairs, **named)", "takes over entries", _dict_update),
    small(dict.values, "values()", "the values"),
)  # fmt: skip


def _set_add(meter: Meter, owner: set[Any], value: Any, /) -> None:
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(60)
    owner.add(hashable(meter, value))


def _set_pop(meter: Meter, owner: set[Any], /) -> Any:
    # Which value comes first must not depend on the process.
    first = next(iter(ordered(meter, owner)), None)
    if not owner:
        raise KeyError("pop from an empty set")
    owner.remove(first)
    return first


def _set_operation(name: str, function: Callable[..., Any]) -> Implementation:
    def operation(meter: Meter, owner: Any, /, *others: Any) -> Any:
        sets = [
            other if isinstance(other, set | frozenset) else {hashable(meter, value) for value in collect(meter, other)}
            for other in others
        ]
        count = len(owner) + sum(map(len, sets))
        meter.items(count)
        meter.allocate(count * ENTRY_SIZE)
        return function(owner, *sets)

    operation.__name__ = name
    return operation


def _set_member(function: Callable[..., Any]) -> Implementation:
    def member(meter: Meter, owner: Any, value: Any, /) -> Any:
        meter.charge(1)
        return function(owner, hashable(meter, value))

    return member


_READING = {
    kind: tuple(
        method(name, f"{name}({'*others' if many else 'other'})", doc, _set_operation(name, getattr(kind, name)))
        for name, many, doc in (
            ("difference", True, "the values that are in none of the others"),
            ("intersection", True, "the values that are in all"),
            ("isdisjoint", False, "True when no value is in both"),
            ("issubset", False, "True when all values are in the other"),
            ("issuperset", False, "True when all values of the other are here"),
            ("symmetric_difference", False, "the values that are in one only"),
            ("union", True, "the values of all"),
        )
    )
    for kind in (set, frozenset)
}


FROZENSET = (*_READING[frozenset], plain(frozenset.copy, "copy()", "the same values"))


SET = (
    *_READING[set],
    plain(set.copy, "copy()", "a new set with the same values", size=ENTRY_SIZE),
    method("add", "add(value)", "adds a value", _set_add),
    plain(set.clear, "clear()", "removes all"),
    method("discard", "discard(value)", "removes a value if it is there", _set_member(set.discard)),
    method("pop", "pop()", "removes a value and returns it", _set_pop),
    method("remove", "remove(value)", "removes a value, or KeyError", _set_member(set.remove)),
    *(
        method(name, f"{name}(*others)", doc, _set_operation(name, getattr(set, name)))
        for name, doc in (
            ("difference_update", "removes the values of the others"),
            ("intersection_update", "keeps only values that are in all"),
            ("symmetric_difference_update", "keeps the values that are in one only"),
            ("update", "adds the values of the others"),
        )
    ),
)


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
