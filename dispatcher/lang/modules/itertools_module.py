"""`itertools`: Python's own iterators over counted ones, so that nothing runs, or keeps values, without the meter.

What they run over is started when Python would start it, and a function is called when Python would call it.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import FunctionEntry
from dispatcher.lang.iteration import collect
from dispatcher.lang.lazy import Chain, Lazy, kept_turns, kind, turns
from dispatcher.lang.modules.entry import ModuleEntry, function, with_members
from dispatcher.lang.operations import add, equal
from dispatcher.lang.values import TypeValue, deferred, named

# An iterator of Python's, and the bytes of what each of its turns makes.
Made = tuple[Iterator[Any], int]

# Steps of a turn that calls a function: those that the compiler charges for a call.
CALL_WEIGHT = 5
# Bytes of a number, of a tuple, of an item in it, and of one of the iterators that `tee` makes.
NUMBER_SIZE = 32
TUPLE_SIZE = 56
ITEM_SIZE = 8
TEE_SIZE = 96

Tee: type = type(itertools.tee(())[0])
Group = kind("_grouper")


# --- without end


def _count(_meter: Meter, start: Any = 0, step: Any = 1) -> Made:
    if not isinstance(start, int | float) or not isinstance(step, int | float):
        raise TypeError("a number is required")
    bits = max(number.bit_length() for number in (start, step, 0) if isinstance(number, int))
    return itertools.count(start, step), NUMBER_SIZE + (bits >> 3)


def _cycle(meter: Meter, iterable: Any, /) -> Made:
    return itertools.cycle(kept_turns(meter, iterable)), 0


def _repeat(_meter: Meter, /, *arguments: Any, **named: Any) -> Made:
    return itertools.repeat(*arguments, **named), 0


# --- one after the other


def _chain(meter: Meter, /, *iterables: Any) -> Made:
    return itertools.chain.from_iterable(map(partial(turns, meter), iterables)), 0


def _chain_from_iterable(meter: Meter, iterable: Any, /) -> Lazy:
    return Chain(meter, itertools.chain.from_iterable(map(partial(turns, meter), turns(meter, iterable))))


def _accumulate(meter: Meter, iterable: Any, func: Any = None, *, initial: Any = None) -> Made:
    combine = partial(add, meter) if func is None else deferred(meter, func)
    return itertools.accumulate(turns(meter, iterable, CALL_WEIGHT), combine, initial=initial), 0


def _compress(meter: Meter, data: Any, selectors: Any) -> Made:
    return itertools.compress(turns(meter, data), turns(meter, selectors)), 0


def _islice(meter: Meter, iterable: Any, /, *bounds: Any) -> Made:
    # Python looks at the bounds first.
    itertools.islice((), *bounds)
    return itertools.islice(turns(meter, iterable), *bounds), 0


def _pairwise(meter: Meter, iterable: Any, /) -> Made:
    return itertools.pairwise(turns(meter, iterable)), _tuple_size(2)


def _starmap(meter: Meter, function: Any, iterable: Any, /) -> Made:
    arguments = map(partial(_arguments, meter), turns(meter, iterable, CALL_WEIGHT))
    return itertools.starmap(deferred(meter, function), arguments), 0


def _arguments(meter: Meter, values: Any) -> tuple[Any, ...]:
    meter.charge(len(values) >> 4 if type(values) is tuple else 1)
    return values if type(values) is tuple else tuple(collect(meter, values))


def _zip_longest(meter: Meter, /, *iterables: Any, fillvalue: Any = None) -> Made:
    sources = [turns(meter, iterable) for iterable in iterables]
    return itertools.zip_longest(*sources, fillvalue=fillvalue), _tuple_size(len(sources))


def _tee(meter: Meter, iterable: Any, n: Any = 2, /) -> tuple[Any, ...]:
    if isinstance(n, int) and n > 0:
        meter.items(n)
        meter.charge(n)
        meter.allocate(TEE_SIZE * n)
    if type(iterable) is not Tee:
        iterable = kept_turns(meter, iterable)
    # As in Python, a second `tee` of the same items shares what the first one keeps.
    return itertools.tee(iterable, n)


def _tuple_size(width: int) -> int:
    return TUPLE_SIZE + ITEM_SIZE * width


# --- by a condition


def _conditional(make: Callable[..., Any]) -> Callable[..., Made]:
    def call(meter: Meter, predicate: Any, iterable: Any, /) -> Made:
        condition = None if predicate is None else deferred(meter, predicate)
        return make(condition, turns(meter, iterable, CALL_WEIGHT)), 0

    return call


def _groupby(meter: Meter, iterable: Any, key: Any = None) -> Made:
    return _Groups(meter, turns(meter, iterable, CALL_WEIGHT), None if key is None else deferred(meter, key)), 0


class _Groups:
    """What Python's own `groupby` does, with keys that are compared by the meter."""

    __slots__ = ("_iterator", "_kept", "_key", "_key_of", "_meter", "_target", "_turn")

    def __init__(self, meter: Meter, iterator: Iterator[Any], key_of: Callable[[Any], Any] | None) -> None:
        self._meter = meter
        self._iterator = iterator
        self._key_of = key_of
        # The value that was read last and its key, as long as no group has taken them; the key of the last group.
        self._kept = self._key = self._target = _NOTHING
        # Which group may read on.
        self._turn = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> tuple[Any, Lazy]:
        self._turn += 1
        while self._key is _NOTHING or self._same(self._target):
            self._read()
        self._target = self._key
        return self._key, Group(self._meter, _Values(self, self._key, self._turn))

    def of_group(self, target: Any, turn: int) -> Any:
        """Return the next value of a group; raise StopIteration behind the last, or when a later group was begun."""
        if turn != self._turn:
            raise StopIteration
        if self._kept is _NOTHING:
            self._read()
        if not self._same(target):
            raise StopIteration
        value = self._kept
        self._kept = self._key = _NOTHING
        return value

    def _read(self) -> None:
        value = next(self._iterator)
        key = value if self._key_of is None else self._key_of(value)
        self._kept, self._key = value, key

    def _same(self, target: Any) -> bool:
        return target is self._key or (target is not _NOTHING and bool(equal(self._meter, target, self._key)))


class _Values:
    """The values of one group, read from what all groups share."""

    __slots__ = ("_groups", "_target", "_turn")

    def __init__(self, groups: _Groups, target: Any, turn: int) -> None:
        self._groups = groups
        self._target = target
        self._turn = turn

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._groups.of_group(self._target, self._turn)


_NOTHING: Any = object()


# --- choices


def _product(meter: Meter, /, *iterables: Any, repeat: Any = 1) -> Made:
    pools = [collect(meter, iterable) for iterable in iterables]
    width = len(pools) * repeat if isinstance(repeat, int) and repeat > 0 else 0
    charged = sum(meter.items(len(pool)) for pool in pools) + meter.items(width)
    return meter.made(itertools.product(*pools, repeat=repeat), charged, charged), _tuple_size(width)


def _permutations(meter: Meter, iterable: Any, r: Any = None) -> Made:
    pool = collect(meter, iterable)
    return _choices(meter, itertools.permutations, pool, len(pool) if r is None else _no_longer(r, pool))


def _combinations(meter: Meter, iterable: Any, r: Any) -> Made:
    pool = collect(meter, iterable)
    return _choices(meter, itertools.combinations, pool, _no_longer(r, pool))


def _combinations_with_replacement(meter: Meter, iterable: Any, r: Any) -> Made:
    return _choices(meter, itertools.combinations_with_replacement, collect(meter, iterable), r)


def _no_longer(length: Any, pool: list[Any]) -> Any:
    """Return a length for choices without repetition: of more items than there are, there is no choice anyway."""
    return len(pool) + 1 if isinstance(length, int) and len(pool) < length <= sys.maxsize else length


def _choices(meter: Meter, make: Callable[..., Any], pool: list[Any], length: Any) -> Made:
    width = length if isinstance(length, int) and length > 0 else 0
    # The items, their places, and the places that are chosen.
    charged = meter.items(len(pool)) + meter.items(len(pool)) + meter.items(width)
    return meter.made(make(pool, length), charged, charged), _tuple_size(width)


# --- the table

_TURN = "one step a turn"
_CALL = "one call a turn"
_KEPT = "items that it keeps"
_WIDTH = "length of each result"


def _lazy(
    signature: str, cost: str, doc: str, make: Callable[..., Made], found: type[Lazy] | None = None
) -> FunctionEntry:
    """Return the line of a type of iterators; `make` gives what it wraps."""
    name = signature.partition("(")[0]
    made = found or kind(name)
    named(make, name)

    @wraps(make)
    def call(meter: Meter, /, *arguments: Any, **options: Any) -> Lazy:
        return made(meter, *make(meter, *arguments, **options))

    return FunctionEntry(name, signature, cost, doc, TypeValue(name, made, call, module="itertools"))


ITERTOOLS = ModuleEntry(
    "itertools",
    "iterators that make their values when they are asked for",
    (
        _lazy("accumulate(iterable, func=None, *, initial=None)", _CALL, "running totals", _accumulate),
        *with_members(
            _lazy("chain(*iterables)", _TURN, "the values of one iterable behind the other's", _chain, Chain),
            function("from_iterable", "from_iterable(iterable)", _TURN, "chains what it holds", _chain_from_iterable),
        ),
        _lazy("combinations(iterable, r)", _WIDTH, "each choice of r items", _combinations),
        _lazy(
            "combinations_with_replacement(iterable, r)",
            _WIDTH,
            "each choice of r items that may repeat",
            _combinations_with_replacement,
        ),
        _lazy("compress(data, selectors)", _TURN, "the values whose selector is true", _compress),
        _lazy("count(start=0, step=1)", _TURN, "numbers without end", _count),
        _lazy("cycle(iterable)", _KEPT, "the values again and again, without end", _cycle),
        _lazy(
            "dropwhile(predicate, iterable)",
            _CALL,
            "the values from the first for which the predicate is false",
            _conditional(itertools.dropwhile),
        ),
        _lazy(
            "filterfalse(predicate, iterable)",
            _CALL,
            "the values for which the predicate is false",
            _conditional(itertools.filterfalse),
        ),
        _lazy("groupby(iterable, key=None)", _CALL, "pairs of a key and the values in a row that have it", _groupby),
        _lazy("islice(iterable, start, stop, step=1)", _TURN, "a slice; with one number, the first values", _islice),
        _lazy("pairwise(iterable)", _TURN, "each value with the one behind it", _pairwise),
        _lazy("permutations(iterable, r=None)", _WIDTH, "each choice of r items in each order", _permutations),
        _lazy("product(*iterables, repeat=1)", _WIDTH, "each choice of one value from each iterable", _product),
        _lazy("repeat(object, times=...)", _TURN, "one value, without end or so many times", _repeat),
        _lazy("starmap(function, iterable)", _CALL, "results for arguments that stand in tuples", _starmap),
        _lazy(
            "takewhile(predicate, iterable)",
            _CALL,
            "the values up to the first for which the predicate is false",
            _conditional(itertools.takewhile),
        ),
        function("tee", "tee(iterable, n=2)", _KEPT, "n iterators over the same values", _tee),
        _lazy("zip_longest(*iterables, fillvalue=None)", _WIDTH, "tuples, filled up at the end", _zip_longest),
    ),
)


def _cannot_make(_meter: Meter, /, *_arguments: Any, **_named: Any) -> Any:
    raise TypeError("rules cannot make iterators of this type")


# Their types have no names in the module, but `type` shows them.
TypeValue("_grouper", Group, _cannot_make, module="itertools")
TypeValue("_tee", Tee, _cannot_make, module="itertools")
