"""The functions that run over values, and those that make collections of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.iteration import collect, collect_keys, collect_pairs, iterate
from dispatcher.lang.measuring import charge_table, made_table, meet, refuse_own, weigh
from dispatcher.lang.operations import equal
from dispatcher.lang.values import Implementation, deferred, is_callable, type_name

_MISSING: Any = object()
_LARGE = 1 << 1024
# Steps for making an iterator.
LAZY_COST = 20


def length(_meter: Meter, value: Any, /) -> int:
    """`len(value)`."""
    return len(value)


def any_true(meter: Meter, iterable: Any, /) -> bool:
    """`any(iterable)`."""
    return any(iterate(meter, iterable, 1))


def all_true(meter: Meter, iterable: Any, /) -> bool:
    """`all(iterable)`."""
    return all(iterate(meter, iterable, 1))


# --- order


def extreme(choose: Callable[..., Any]) -> Implementation:
    """Return what carries out `min` or `max`."""

    def choose_extreme(meter: Meter, /, *values: Any, key: Any = None, default: Any = _MISSING) -> Any:
        named = {} if default is _MISSING else {"default": default}
        if len(values) != 1:
            # Python's own errors: there is nothing to choose from, or a default for what cannot be empty.
            if not values or named:
                return choose(*values, **named)
            values = (values,)
        (iterable,) = values
        if key is None and type(iterable) in (list, tuple) and _all_numbers(iterable):
            meter.charge(len(iterable))
            return choose(iterable, **named)
        return choose(iterate(meter, iterable, 3), key=_WeighedKey(meter, key), **named)

    return choose_extreme


def _all_numbers(values: Any) -> bool:
    """Tell whether all are numbers that compare at once."""
    return all(type(value) is float or (type(value) in (int, bool) and -_LARGE < value < _LARGE) for value in values)


class _WeighedKey:
    """The key of one value, charged for comparing it with another one: that takes as long as the smaller of the two."""

    __slots__ = ("_function", "_meter")

    def __init__(self, meter: Meter, function: Any) -> None:
        self._meter = meter
        self._function = None if function is None else deferred(meter, function)

    def __call__(self, value: Any) -> Any:
        key = value if self._function is None else self._function(value)
        weigh(self._meter, key)
        return key


def sorted_list(meter: Meter, iterable: Any, /, *, key: Any = None, reverse: Any = False) -> list[Any]:
    """`sorted(iterable, key, reverse)`."""
    values = collect(meter, iterable)
    sort_list(meter, values, key=key, reverse=reverse)
    return values


def sort_list(meter: Meter, values: list[Any], *, key: Any = None, reverse: Any = False) -> None:
    """Sort `values` in place, charged for its comparisons."""
    if key is None:
        _charge_sorting(meter, values)
        values.sort(reverse=reverse)
    else:
        values.sort(key=_SortKeys(meter, key, len(values)), reverse=reverse)


class _SortKeys:
    """Gives the keys of the values that are sorted, and charges for comparing them when the last one is known.

    Python asks for all keys before it compares any.
    """

    __slots__ = ("_count", "_function", "_keys", "_meter")

    def __init__(self, meter: Meter, function: Any, count: int) -> None:
        self._meter = meter
        self._function = deferred(meter, function)
        self._keys: list[Any] = []
        self._count = count

    def __call__(self, value: Any) -> Any:
        self._meter.charge(1)
        key = self._function(value)
        self._keys.append(key)
        if len(self._keys) == self._count:
            _charge_sorting(self._meter, self._keys)
        return key


def _charge_sorting(meter: Meter, keys: list[Any]) -> None:
    rounds = len(keys).bit_length()
    meter.charge(1 + (len(keys) * rounds >> 3))
    if _all_numbers(keys):
        return
    # Each round compares each key with another one, at a part of what weighing it takes.
    before = meter.steps
    weigh(meter, keys)
    meter.charge((before - meter.steps) * rounds >> 3)


def reverse_iterator(_meter: Meter, sequence: Any, /) -> Iterator[Any]:
    """`reversed(sequence)`."""
    if is_callable(sequence):
        raise TypeError(f"'{type_name(sequence)}' object is not reversible")
    values: Iterator[Any] = reversed(sequence)
    return values


# --- iterators


def numbers(_meter: Meter, /, *bounds: Any) -> range:
    """`range(start, stop, step)`."""
    return range(*bounds)


def slice_of(_meter: Meter, /, *bounds: Any) -> slice:
    """`slice(start, stop, step)`."""
    if slice in map(type, bounds):
        # Python frees slices inside each other by recursion.
        raise LimitExceeded("a slice would be made of slices")
    return slice(*bounds)


def numbered(meter: Meter, iterable: Any, start: Any = 0) -> Iterator[Any]:
    """`enumerate(iterable, start)`."""
    # Each turn makes a number.
    bits = start.bit_length() if isinstance(start, int) else 0
    return enumerate(_lazy(meter, iterable, 1 + (bits >> 8)), start)


def zipped(meter: Meter, /, *iterables: Any, strict: Any = False) -> Iterator[Any]:
    """`zip(*iterables, strict)`."""
    return zip(*[_lazy(meter, iterable) for iterable in iterables], strict=bool(strict))


def mapped(meter: Meter, /, *arguments: Any) -> Iterator[Any]:
    """`map(function, *iterables)`."""
    if len(arguments) < 2:
        raise TypeError("map() must have at least two arguments.")
    function, *iterables = arguments
    return map(deferred(meter, function), *[_lazy(meter, iterable) for iterable in iterables])


def filtered(meter: Meter, function: Any, iterable: Any, /) -> Iterator[Any]:
    """`filter(function, iterable)`."""
    return filter(None if function is None else deferred(meter, function), _lazy(meter, iterable))


def _lazy(meter: Meter, iterable: Any, weight: int = 1) -> Any:
    # Making an iterator takes its time too, and rules may stack them.
    meter.charge(LAZY_COST)
    return iterate(meter, iterable, weight)


def next_of(meter: Meter, iterator: Any, default: Any = _MISSING, /) -> Any:
    """`next(iterator, default)`."""
    if not isinstance(iterator, Iterator):
        raise TypeError(f"'{type_name(iterator)}' object is not an iterator")
    meter.changed = True
    return next(iterator) if default is _MISSING else next(iterator, default)


def iterator_of(meter: Meter, value: Any, sentinel: Any = _MISSING, /) -> Iterator[Any]:
    """`iter(value)`, or `iter(function, sentinel)`."""
    if sentinel is not _MISSING:
        if not is_callable(value):
            raise TypeError("iter(v, w): v must be callable")
        return Calls(meter, value, sentinel)
    refuse_own(value, "is not iterable")
    # The order of a set must not depend on the process.
    found: Iterator[Any] = iter(iterate(meter, value, 0) if isinstance(value, set | frozenset) else value)
    return found


class Calls:
    """The results of a function, called again and again until it gives the sentinel."""

    __slots__ = ("_function", "_meter", "_sentinel")

    def __init__(self, meter: Meter, function: Any, sentinel: Any) -> None:
        self._meter = meter
        self._function: Callable[..., Any] | None = deferred(meter, function)
        self._sentinel = sentinel

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._meter.charge(3)
        if self._function is None:
            raise StopIteration
        value = self._function()
        if value is self._sentinel or equal(self._meter, value, self._sentinel):
            self._function = None
            raise StopIteration
        return value


# --- collections


def to_list(meter: Meter, iterable: Any = (), /) -> list[Any]:
    """`list(iterable)`."""
    return collect(meter, iterable)


def to_tuple(meter: Meter, iterable: Any = (), /) -> tuple[Any, ...]:
    """`tuple(iterable)`."""
    if type(iterable) is tuple:
        return iterable
    values = collect(meter, iterable)
    charged = meter.items(len(values))
    return meter.made(tuple(values), charged, charged)


def to_set(meter: Meter, iterable: Any = (), /) -> set[Any]:
    """`set(iterable)`."""
    keys = collect_keys(meter, iterable)
    charged = charge_table(meter, len(keys))
    return made_table(meter, set(keys), charged)


def to_frozenset(meter: Meter, iterable: Any = (), /) -> frozenset[Any]:
    """`frozenset(iterable)`."""
    if type(iterable) is frozenset:
        return iterable
    keys = collect_keys(meter, iterable)
    charged = charge_table(meter, len(keys))
    return made_table(meter, frozenset(keys), charged)


def to_dict(meter: Meter, pairs: Any = (), /, **named: Any) -> dict[Any, Any]:
    """`dict(pairs, **named)`."""
    source = collect_pairs(meter, pairs)
    meet(meter, source, {})
    charged = charge_table(meter, len(source) + len(named))
    return made_table(meter, dict(source, **named), charged)


def from_keys(meter: Meter, iterable: Any, value: Any = None, /) -> dict[Any, Any]:
    """`dict.fromkeys(iterable, value)`."""
    keys = collect_keys(meter, iterable)
    charged = charge_table(meter, len(keys))
    return made_table(meter, dict.fromkeys(keys, value), charged)
