"""What the operators of a rule do: Python's own operators on values of ours, with the meter asked first.

Every function that can grow a value or run long takes the meter. Sizes are checked before the work; what cannot grow
(subtraction, division, logic on numbers) is left to Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, as_callable, type_name

SCALARS = frozenset({int, float, str, bool, type(None)})
SEQUENCES = frozenset({str, list, tuple})
VIEWS = frozenset({type({}.keys()), type({}.values()), type({}.items())})
SIZED = SEQUENCES | VIEWS | {dict, set, frozenset, range}
_PERCENT_FIELD = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d+)?(?:\.(\*|\d+))?")


def weigh(meter: Meter, value: Any) -> int:
    """Charge a step for each value inside `value`; return a bound on the length of its repr.

    Values that are shared count each time, as comparing or printing them does; raises LimitExceeded also for values
    that nest deeper than the limit.
    """
    kind = type(value)
    if kind is str:
        return 2 + len(str(value)) * (1 if value.isascii() and value.isprintable() else 10)
    if kind is int:
        return 2 + int(value.bit_length()) // 3
    if kind in SCALARS:
        return 25
    size = 0
    pending = [(value, 0)]
    while pending:
        current, depth = pending.pop()
        kind = type(current)
        if kind is dict or isinstance(current, dict):
            meter.charge(1 + 2 * len(current))
            parts: Iterable[Any] = [part for entry in current.items() for part in entry]
        elif isinstance(current, list | tuple | set | frozenset):
            meter.charge(1 + len(current))
            parts = current
        elif kind in SCALARS:
            size += weigh(meter, current) + 2
            continue
        else:
            size += 80
            continue
        if depth >= meter.limits.nesting:
            raise LimitExceeded(f"a value nests more than {meter.limits.nesting} deep")
        size += 4
        pending.extend((part, depth + 1) for part in parts)
    return size


def _weigh_both(meter: Meter, a: Any, b: Any) -> None:
    # Two scalars compare in no time; a scalar and a collection are unequal at once.
    if type(a) not in SCALARS and type(b) not in SCALARS:
        weigh(meter, a)
        weigh(meter, b)


def hashable(meter: Meter, key: Any) -> Any:
    """Charge for hashing `key` and return it."""
    if type(key) not in SCALARS:
        weigh(meter, key)
    return key


# --- arithmetic


def add(meter: Meter, a: Any, b: Any) -> Any:
    """`a + b`."""
    kind = type(a)
    if kind in SEQUENCES and type(b) is kind:
        size = len(a) + len(b)
        if kind is str:
            meter.text(size)
        else:
            meter.items(size)
        return a + b
    return _checked(meter, a + b)


def subtract(meter: Meter, a: Any, b: Any) -> Any:
    """`a - b`."""
    if isinstance(a, set | frozenset):
        meter.items(len(a))
    return _checked(meter, a - b)


def _checked(meter: Meter, result: Any) -> Any:
    # Sums and differences grow by one bit at most, so they are measured behind the work.
    if type(result) is int and not -(1 << 1024) < result < (1 << 1024):
        meter.number(result.bit_length())
    return result


def multiply(meter: Meter, a: Any, b: Any) -> Any:
    """`a * b`."""
    if isinstance(a, int) and isinstance(b, int):
        meter.number(a.bit_length() + b.bit_length())
        return a * b
    for sequence, count in ((a, b), (b, a)):
        kind = type(sequence)
        if kind in SEQUENCES and isinstance(count, int):
            size = len(sequence) * max(count, 0)
            if kind is str:
                meter.text(size)
            else:
                meter.items(size)
    return a * b


def power(meter: Meter, a: Any, b: Any) -> Any:
    """`a ** b`."""
    if isinstance(a, int) and isinstance(b, int) and b > 0 and a not in (0, 1, -1):
        meter.number(a.bit_length() * b)
    result = a**b
    if isinstance(result, complex):
        raise ValueError("a negative number cannot be raised to a fraction: rules have no complex numbers")
    return result


def shift_left(meter: Meter, a: Any, b: Any) -> Any:
    """`a << b`."""
    if isinstance(a, int) and isinstance(b, int) and a and b > 0:
        meter.number(a.bit_length() + b)
    return a << b


def percent(meter: Meter, a: Any, b: Any) -> Any:
    """`a % b`: the remainder, or a text filled in."""
    if type(a) is not str:
        return a % b
    arguments = b if type(b) is tuple else (b,)
    size = len(a) + sum(weigh(meter, argument) for argument in arguments)
    stars = max((abs(argument) for argument in arguments if type(argument) is int), default=0)
    for width, precision in _PERCENT_FIELD.findall(a):
        for number in (width, precision):
            size += stars if number == "*" else int(number[:20] or 0)
        # %s of a mapping key can repeat its value as often as it is named.
        if type(b) is dict:
            size += weigh(meter, b)
    meter.text(size)
    return a % b


def _charge_sets(meter: Meter, a: Any, b: Any) -> None:
    for value in (a, b):
        if isinstance(value, set | frozenset | dict):
            meter.items(len(value))


def bit_or(meter: Meter, a: Any, b: Any) -> Any:
    """`a | b`."""
    _charge_sets(meter, a, b)
    return a | b


def bit_and(meter: Meter, a: Any, b: Any) -> Any:
    """`a & b`."""
    _charge_sets(meter, a, b)
    return a & b


def bit_xor(meter: Meter, a: Any, b: Any) -> Any:
    """`a ^ b`."""
    _charge_sets(meter, a, b)
    return a ^ b


# --- comparison


def equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a == b`."""
    _weigh_both(meter, a, b)
    return a == b


def not_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a != b`."""
    _weigh_both(meter, a, b)
    return a != b


def less(meter: Meter, a: Any, b: Any) -> Any:
    """`a < b`."""
    _weigh_both(meter, a, b)
    return a < b


def less_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a <= b`."""
    _weigh_both(meter, a, b)
    return a <= b


def greater(meter: Meter, a: Any, b: Any) -> Any:
    """`a > b`."""
    _weigh_both(meter, a, b)
    return a > b


def greater_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a >= b`."""
    _weigh_both(meter, a, b)
    return a >= b


def contains(meter: Meter, item: Any, container: Any) -> bool:
    """`item in container`."""
    kind = type(container)
    if kind is str:
        meter.charge(len(container) >> 8)
        return item in container
    if kind in (list, tuple, range) or kind in VIEWS:
        meter.charge(len(container))
        if type(item) not in SCALARS:
            weigh(meter, container if kind in (list, tuple) else item)
            weigh(meter, item)
        return item in container
    if kind in SIZED:
        return hashable(meter, item) in container
    return item in iterate(meter, container, 1)


def not_contains(meter: Meter, item: Any, container: Any) -> bool:
    """`item not in container`."""
    return not contains(meter, item, container)


# --- items


def item(meter: Meter, owner: Any, index: Any) -> Any:
    """`owner[index]`."""
    if type(index) is slice:
        if type(owner) in SEQUENCES:
            size = len(range(*index.indices(len(owner))))
            if type(owner) is str:
                meter.text(size)
            else:
                meter.items(size)
    elif type(index) is tuple:
        weigh(meter, index)
    _refuse_own(owner, "is not subscriptable")
    return owner[index]


def store_item(meter: Meter, value: Any, owner: Any, index: Any) -> None:
    """`owner[index] = value`."""
    _refuse_own(owner, "does not support item assignment")
    if type(index) is slice and type(owner) is list:
        values = collect(meter, value)
        meter.items(len(owner) + len(values))
        owner[index] = values
        return
    if isinstance(owner, dict):
        if len(owner) >= meter.limits.items:
            meter.items(len(owner) + 1)
        meter.allocate(100)
    owner[hashable(meter, index)] = value


def delete_item(meter: Meter, owner: Any, index: Any) -> None:
    """`del owner[index]`."""
    _refuse_own(owner, "does not support item deletion")
    meter.charge(1 + (len(owner) >> 6 if type(owner) is list else 0))
    del owner[hashable(meter, index) if type(index) is not slice else index]


def _refuse_own(owner: Any, what: str) -> None:
    if type(owner) in (Builtin, TypeValue, BoundMethod, ModuleValue, FunctionType):
        raise TypeError(f"'{type_name(owner)}' object {what}")


def extend_in_place(meter: Meter, a: Any, b: Any) -> Any:
    """`a += b`, which extends a list where it is."""
    if type(a) is list:
        values = collect(meter, b)
        meter.items(len(a) + len(values))
        a += values
        return a
    return add(meter, a, b)


def repeat_in_place(meter: Meter, a: Any, b: Any) -> Any:
    """`a *= b`, which repeats a list where it is."""
    if type(a) is list and isinstance(b, int):
        meter.items(len(a) * max(b, 0))
        a *= b
        return a
    return multiply(meter, a, b)


def update_in_place(operator: str, meter: Meter, a: Any, b: Any) -> Any:
    """`a |= b`, `a &= b`, `a ^= b`, `a -= b`, which change a set (or with `|=` a dict) where it is."""
    _charge_sets(meter, a, b)
    if operator == "|":
        a |= collect_pairs(meter, b) if type(a) is dict else b
    elif operator == "&":
        a &= b
    elif operator == "^":
        a ^= b
    else:
        a -= b
    return a


def collect_pairs(meter: Meter, value: Any) -> Any:
    """Return `value` as what a dict can be updated with."""
    return value if isinstance(value, dict) else collect(meter, value)


# --- iteration


def iterate(meter: Meter, iterable: Any, weight: int) -> Iterable[Any]:
    """Return `iterable`, with `weight` steps charged for each turn: at once where the length is known."""
    if type(iterable) in SIZED or isinstance(iterable, dict):
        meter.charge(len(iterable) * weight)
        return iterable  # type: ignore[no-any-return] # one of the types above
    _refuse_own(iterable, "is not iterable")
    return _counted(meter, iter(iterable), weight)


def _counted(meter: Meter, iterator: Iterator[Any], weight: int) -> Iterator[Any]:
    for value in iterator:
        meter.charge(weight)
        yield value


def collect(meter: Meter, iterable: Any) -> list[Any]:
    """Return the values of `iterable` as a new list; the meter is asked before it grows."""
    if type(iterable) in SIZED or isinstance(iterable, dict):
        meter.items(len(iterable))
        return list(iterable)
    values: list[Any] = []
    limit = meter.limits.items
    for value in iterate(meter, iterable, 1):
        if len(values) >= limit:
            meter.items(limit + 1)
        values.append(value)
    meter.items(len(values))
    return values


def unpacked(meter: Meter, iterable: Any) -> Any:
    """Return `iterable` for unpacking into targets: lists and tuples as they are, the rest with its turns counted."""
    return iterable if type(iterable) in (list, tuple) else iterate(meter, iterable, 1)


# --- calls and members


def call(meter: Meter, function: Any, /, *arguments: Any, **named: Any) -> Any:
    """Call a function value."""
    return as_callable(meter, function)(*arguments, **named)


def mapping(meter: Meter, value: Any) -> Any:
    """Return `value` for `**` in a call or a dict."""
    if not isinstance(value, dict):
        raise TypeError(f"argument after ** must be a mapping, not {type_name(value)}")
    meter.items(len(value))
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


def floor_divide(meter: Meter, a: Any, b: Any) -> Any:
    """`a // b`."""
    if type(a) is int and type(b) is int:
        meter.number(a.bit_length())
    return a // b
