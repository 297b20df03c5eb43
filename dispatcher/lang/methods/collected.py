"""The methods of Counter, defaultdict, OrderedDict and deque."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

from dispatcher.lang.budget import Meter
from dispatcher.lang.collected import (
    MAKE_COST,
    SLOT_SIZE,
    Counter,
    OrderedDict,
    defaultdict,
    deque,
    deque_of,
)
from dispatcher.lang.entries import ITEMS, LENGTH, RESULT, MethodEntry
from dispatcher.lang.iteration import collect_keys, collect_pairs, iterate
from dispatcher.lang.lazy import Chain, Lazy, turns
from dispatcher.lang.measuring import ENTRY_SIZE, charge_table, grow, hashable, meet, new_key, scan
from dispatcher.lang.methods.containers import DICT, place_of
from dispatcher.lang.methods.entry import field, method, plain, small
from dispatcher.lang.operations import add

_MISSING: Any = object()


def _extended(entries: tuple[MethodEntry, ...], *more: MethodEntry) -> tuple[MethodEntry, ...]:
    """Return the entries with more, which take the place of those with their names."""
    names = {entry.name for entry in more}
    return tuple(
        sorted((*(entry for entry in entries if entry.name not in names), *more), key=lambda entry: entry.name)
    )


# --- Counter


def new_counter(meter: Meter, iterable: Any = None, /, **named: Any) -> Counter:
    """`Counter(iterable, **named)`."""
    counter = Counter(meter)
    counter.update(iterable, **named)
    return counter


def _counter_update(_meter: Meter, owner: Counter, iterable: Any = None, /, **named: Any) -> None:
    owner.update(iterable, **named)


def _counter_subtract(_meter: Meter, owner: Counter, iterable: Any = None, /, **named: Any) -> None:
    owner.subtract(iterable, **named)


def _counter_copy(_meter: Meter, owner: Counter, /) -> Counter:
    return owner.copy()


def _counter_elements(meter: Meter, owner: Counter, /) -> Lazy:
    repeats = itertools.starmap(itertools.repeat, turns(meter, owner.items(), 4))
    return Chain(meter, itertools.chain.from_iterable(repeats))


def _counter_total(meter: Meter, owner: Counter, /) -> Any:
    total: Any = 0
    for count in iterate(meter, owner.values(), 3):
        total = add(meter, total, count)
    return total


def _counter_most_common(_meter: Meter, owner: Counter, /, n: Any = None) -> list[tuple[Any, Any]]:
    return owner.most_common(n)


def counter_from_keys(_meter: Meter, /, iterable: Any, v: Any = None) -> None:
    """`Counter.fromkeys(iterable)`, which Python refuses."""
    raise NotImplementedError("Counter.fromkeys() is undefined.  Use Counter(iterable) instead.")


COUNTER = _extended(
    DICT,
    method("copy", "copy()", "a new Counter with the same counts", _counter_copy, RESULT),
    method("elements", "elements()", "each key as often as its count says", _counter_elements),
    method(
        "fromkeys",
        "fromkeys(iterable)",
        "NotImplementedError, as in Python",
        lambda meter, _owner, /, *arguments: counter_from_keys(meter, *arguments),
    ),
    method("most_common", "most_common(n=None)", "the n highest counts with their keys", _counter_most_common, ITEMS),
    method("subtract", "subtract(iterable=None, /, **named)", "takes counts away", _counter_subtract, ITEMS),
    method("total", "total()", "the sum of the counts", _counter_total, ITEMS),
    method("update", "update(iterable=None, /, **named)", "adds counts", _counter_update, ITEMS),
)


# --- defaultdict and OrderedDict


Table = TypeVar("Table", defaultdict, OrderedDict)


def _fill(meter: Meter, owner: Table, pairs: Any, named: dict[str, Any]) -> Table:
    """Put entries into a new dict; return it."""
    meter.charge(MAKE_COST)
    source = collect_pairs(meter, pairs)
    count = len(source) + len(named)
    charged = charge_table(meter, count)
    # Goes from entry to entry.
    meter.charge(4 * count)
    meet(meter, source, owner)
    owner.update(source, **named)
    meter.made(owner, charged, charged)
    return owner


def new_defaultdict(meter: Meter, default_factory: Any = None, /, pairs: Any = (), **named: Any) -> defaultdict:
    """`defaultdict(default_factory, pairs, **named)`."""
    return _fill(meter, defaultdict(meter, default_factory), pairs, named)


def _defaultdict_copy(_meter: Meter, owner: defaultdict, /) -> defaultdict:
    return owner.copy()


def defaultdict_from_keys(meter: Meter, iterable: Any, value: Any = None, /) -> defaultdict:
    """`defaultdict.fromkeys(iterable, value)`."""
    return new_defaultdict(meter, None, dict.fromkeys(collect_keys(meter, iterable), value))


DEFAULTDICT = _extended(
    DICT,
    method("copy", "copy()", "a new defaultdict with the same entries", _defaultdict_copy, RESULT),
    field("default_factory", "what makes the value of a key that is missing"),
    method(
        "fromkeys",
        "fromkeys(iterable, value=None, /)",
        "a new defaultdict with these keys",
        lambda meter, _owner, /, *arguments: defaultdict_from_keys(meter, *arguments),
        ITEMS,
    ),
)


def new_ordered(meter: Meter, pairs: Any = (), /, **named: Any) -> OrderedDict:
    """`OrderedDict(pairs, **named)`."""
    return _fill(meter, OrderedDict(), pairs, named)


def _ordered_copy(meter: Meter, owner: OrderedDict, /) -> OrderedDict:
    return new_ordered(meter, owner)


def _ordered_pop(meter: Meter, owner: OrderedDict, /, key: Any, default: Any = _MISSING) -> Any:
    new_key(meter, key, owner)
    return owner.pop(key) if default is _MISSING else owner.pop(key, default)


def _ordered_popitem(_meter: Meter, owner: OrderedDict, /, last: Any = True) -> tuple[Any, Any]:
    return owner.popitem(bool(last))


def _ordered_move_to_end(meter: Meter, owner: OrderedDict, /, key: Any, last: Any = True) -> None:
    owner.move_to_end(hashable(meter, key, owner), bool(last))


def _ordered_setdefault(meter: Meter, owner: OrderedDict, /, key: Any, default: Any = None) -> Any:
    grow(meter, owner, 1, ENTRY_SIZE)
    return owner.setdefault(new_key(meter, key, owner), default)


def ordered_from_keys(meter: Meter, /, iterable: Any, value: Any = None) -> OrderedDict:
    """`OrderedDict.fromkeys(iterable, value)`."""
    return _fill(meter, OrderedDict(), dict.fromkeys(collect_keys(meter, iterable), value), {})


ORDERED = _extended(
    DICT,
    plain(OrderedDict.clear, "clear()", "removes all"),
    method("copy", "copy()", "a new OrderedDict with the same entries", _ordered_copy, RESULT),
    method(
        "fromkeys",
        "fromkeys(iterable, value=None)",
        "a new OrderedDict with these keys",
        lambda meter, _owner, /, *arguments, **named: ordered_from_keys(meter, *arguments, **named),
        ITEMS,
    ),
    small(OrderedDict.items, "items()", "the pairs of key and value"),
    small(OrderedDict.keys, "keys()", "the keys"),
    method(
        "move_to_end",
        "move_to_end(key, last=True)",
        "puts a key at the end, or with `last=False` at the beginning",
        _ordered_move_to_end,
    ),
    method("pop", "pop(key, default=...)", "removes a key and returns its value", _ordered_pop),
    method("popitem", "popitem(last=True)", "removes the last entry, or the first, and returns it", _ordered_popitem),
    method("setdefault", "setdefault(key, default=None)", "the value of a key, set if missing", _ordered_setdefault),
    small(OrderedDict.values, "values()", "the values"),
)


# --- deque


def new_deque(meter: Meter, /, iterable: Any = (), maxlen: Any = None) -> deque:
    """`deque(iterable, maxlen)`."""
    return deque_of(meter, iterable, maxlen)


def _deque_append(meter: Meter, owner: deque, value: Any, /) -> None:
    _grow_by_one(meter, owner)
    owner.append(value)


def _deque_appendleft(meter: Meter, owner: deque, value: Any, /) -> None:
    _grow_by_one(meter, owner)
    owner.appendleft(value)


def _grow_by_one(meter: Meter, owner: deque) -> None:
    if owner.maxlen is None:
        grow(meter, owner, 1, 2 * SLOT_SIZE)


def _deque_extend(_meter: Meter, owner: deque, iterable: Any, /) -> None:
    owner.append_all(iterable)


def _deque_extendleft(_meter: Meter, owner: deque, iterable: Any, /) -> None:
    owner.append_all(iterable, left=True)


def _deque_copy(_meter: Meter, owner: deque, /) -> deque:
    return owner.copy()


def _deque_count(meter: Meter, owner: deque, value: Any, /) -> int:
    scan(meter, value, owner)
    return owner.count(value)


def _deque_index(meter: Meter, owner: deque, value: Any, /, *bounds: Any) -> int:
    scan(meter, value, owner)
    try:
        return place_of(owner, value, bounds)
    except ValueError:
        raise ValueError("the value is not in the deque") from None


def _deque_insert(meter: Meter, owner: deque, index: Any, value: Any, /) -> None:
    owner.seek(index, 6)
    _grow_by_one(meter, owner)
    owner.insert(index, value)


def _deque_remove(meter: Meter, owner: deque, value: Any, /) -> None:
    scan(meter, value, owner)
    try:
        owner.remove(value)
    except ValueError:
        raise ValueError("deque.remove(x): x not in deque") from None


def _deque_rotate(meter: Meter, owner: deque, n: Any = 1, /) -> None:
    meter.charge(1 + (len(owner) >> 8))
    owner.rotate(n)


DEQUE = (
    method("append", "append(value, /)", "adds a value on the right", _deque_append),
    method("appendleft", "appendleft(value, /)", "adds a value on the left", _deque_appendleft),
    plain(deque.clear, "clear()", "removes all"),
    method("copy", "copy()", "a new deque with the same values", _deque_copy, RESULT),
    method("count", "count(value, /)", "how often a value occurs", _deque_count, ITEMS),
    method("extend", "extend(iterable, /)", "adds values on the right", _deque_extend, ITEMS),
    method("extendleft", "extendleft(iterable, /)", "adds values on the left, one by one", _deque_extendleft, ITEMS),
    method(
        "index", "index(value, start=0, stop=..., /)", "where a value first occurs, or ValueError", _deque_index, ITEMS
    ),
    method("insert", "insert(index, value, /)", "adds a value before the index", _deque_insert, LENGTH),
    field("maxlen", "how many values it holds at most, or None"),
    small(deque.pop, "pop()", "removes the value on the right and returns it"),
    small(deque.popleft, "popleft()", "removes the value on the left and returns it"),
    method("remove", "remove(value, /)", "removes the first such value, or ValueError", _deque_remove, ITEMS),
    plain(deque.reverse, "reverse()", "turns the order round"),
    method("rotate", "rotate(n=1, /)", "moves n values from the right end to the left", _deque_rotate, LENGTH),
)

# Methods that change their value in place, beside those of lists, dicts and sets.
MUTATORS = frozenset({"appendleft", "extendleft", "move_to_end", "popleft", "rotate", "subtract"})
