"""What the operators of a rule do: Python's own operators on values of ours, with the meter asked first.

Every function that can grow a value or run long takes the meter. Sizes are checked before the work; what cannot grow
(subtraction, division, logic on numbers) is left to Python.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.regex import Pattern
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, as_callable, type_name

SCALARS = frozenset({int, float, str, bool, type(None)})
SEQUENCES = frozenset({str, list, tuple})
VIEWS = frozenset({type({}.keys()), type({}.values()), type({}.items())})
_SET_VIEWS: frozenset[type] = frozenset({type({}.keys()), type({}.items())})
SIZED = SEQUENCES | VIEWS | {dict, set, frozenset, range}

# Bytes of a reference in a list, of an entry in a dict and in a set, as CPython lays them out at the most.
ITEM_SIZE = 8
ENTRY_SIZE = 100

_FLAGS = re.compile(r"[#0\- +]*(?:\*|\d*)(?:\.(?:\*|\d*))?")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_WIDTH = re.compile(r"\*|\d+")


def weigh(meter: Meter, value: Any) -> int:
    """Charge a step for each value inside `value`; return a bound on the length of its repr.

    Values that are shared count each time, as comparing or printing them does; raises LimitExceeded also for values
    that nest deeper than the limit.
    """
    if type(value) in SCALARS:
        return _scalar_size(meter, value)
    size = 0
    pending = [(value, 0)]
    while pending:
        current, depth = pending.pop()
        kind = type(current)
        if isinstance(current, dict):
            meter.charge(3 + 6 * len(current))
            parts: Iterable[Any] = [part for entry in current.items() for part in entry]
        elif isinstance(current, list | tuple | set | frozenset) or kind in VIEWS:
            meter.charge(3 + 3 * len(current))
            parts = current
        elif kind in SCALARS:
            size += _scalar_size(meter, current) + 2
            continue
        else:
            meter.opaque = True
            size += _object_size(current)
            continue
        if depth >= meter.limits.nesting:
            raise LimitExceeded(f"a value nests more than {meter.limits.nesting} deep")
        size += 20
        pending.extend((part, depth + 1) for part in parts)
    return size


def _scalar_size(meter: Meter, value: Any) -> int:
    if type(value) is str:
        length = len(value)
        meter.charge(length >> 10)
        # A character may become an escape such as \x00, or beyond ASCII \U0001f600.
        return 2 + length * (4 if value.isascii() else 10)
    if type(value) is int:
        bits = int(value.bit_length())
        meter.number(bits)
        return 2 + bits // 3
    return 25


def _object_size(value: Any) -> int:
    # Patterns and matches show what they were made of; of what else there is, no repr is longer than this.
    if type(value) is Pattern:
        return 40 + 10 * len(value.pattern)
    return 200


def _weigh_both(meter: Meter, a: Any, b: Any) -> None:
    kind, other = type(a), type(b)
    if kind in SCALARS or other in SCALARS:
        # A scalar and a collection are unequal at once; only two long texts take their time.
        if kind is str and other is str:
            meter.charge(min(len(a), len(b)) >> 10)
        return
    weigh(meter, a)
    weigh(meter, b)


def scan(meter: Meter, item: Any, container: Any) -> None:
    """Charge for comparing `item` with everything in `container`."""
    count = len(container)
    if type(item) in SCALARS:
        length = len(item) if type(item) is str else 0
        meter.charge(1 + count + count * (length >> 10))
        return
    weigh(meter, container)
    weigh(meter, item)


def search(meter: Meter, text: str, wanted: Any) -> None:
    """Charge for looking for `wanted` in `text` from the left.

    CPython compares each character of one with each of the other in short texts, and is linear in long ones.
    """
    length = len(text)
    width = len(wanted) if type(wanted) is str else 1
    if length < 2500 or (width < 100 and length < 30_000) or width < 6:
        meter.charge(1 + (length * width >> 9))
    else:
        meter.charge(1 + (length >> 4))


def search_back(meter: Meter, text: str, wanted: Any) -> None:
    """Charge for looking for `wanted` from the right, where CPython is never linear."""
    meter.charge(1 + (len(text) * (len(wanted) if type(wanted) is str else 1) >> 9))


def hashable(meter: Meter, key: Any) -> Any:
    """Charge for hashing `key` and for comparing it with an equal one; return it."""
    kind = type(key)
    if kind is str:
        meter.charge(len(key) >> 10)
    elif kind not in SCALARS:
        weigh(meter, key)
    return key


# --- arithmetic


def add(meter: Meter, a: Any, b: Any) -> Any:
    """`a + b`."""
    if type(a) is str and type(b) is str:
        meter.text(len(a) + len(b))
        return a + b
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        meter.items(len(a) + len(b))
    return _checked(meter, a + b)


def subtract(meter: Meter, a: Any, b: Any) -> Any:
    """`a - b`."""
    if isinstance(a, set | frozenset) or type(a) in VIEWS or type(b) in VIEWS:
        a, b = _sets(meter, a, b)
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
        if isinstance(sequence, str | list | tuple) and isinstance(count, int):
            size = len(sequence) * max(count, 0)
            if isinstance(sequence, str):
                meter.text(size)
            else:
                meter.items(size)
    return a * b


def power(meter: Meter, a: Any, b: Any) -> Any:
    """`a ** b`."""
    if isinstance(a, int) and isinstance(b, int) and b > 0 and a not in (0, 1, -1):
        meter.number(int(math.log2(abs(a)) * b) + 1)
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
        if type(a) is int and type(b) is int:
            meter.number(a.bit_length())
        return a % b
    meter.charge(1 + (len(a) >> 6))
    arguments = b if type(b) is tuple else (b,)
    size = len(a) + sum(weigh(meter, argument) for argument in arguments)
    stars = max((abs(argument) for argument in arguments if type(argument) in (int, bool)), default=0)
    # A key of a mapping can repeat its value as often as it is named.
    repeated = weigh(meter, b) if isinstance(b, dict) else 0
    for numbers in _percent_fields(a):
        meter.charge(10)
        size += repeated + 350
        for number in _WIDTH.findall(numbers):
            size += stars if number == "*" else int(number[:20])
    meter.text(size)
    return without_addresses(meter, a % b)


def without_addresses(meter: Meter, text: str) -> str:
    """Return a text without the addresses that functions and iterators among the weighed values show in their repr."""
    if not meter.opaque:
        return text
    meter.opaque = False
    return _ADDRESS.sub("", text)


def _percent_fields(template: str) -> Iterator[str]:
    """Yield what stands between `%` and the letter of each field, without the key."""
    position = template.find("%")
    while position >= 0:
        position += 1
        if template.startswith("(", position):
            # As CPython reads a key: up to the bracket that closes it.
            depth = 0
            while position < len(template):
                depth += {"(": 1, ")": -1}.get(template[position], 0)
                position += 1
                if depth == 0:
                    break
        found = _FLAGS.match(template, position)
        numbers = found.group() if found else ""
        yield numbers
        position = template.find("%", position + len(numbers) + 1)


def _sets(meter: Meter, a: Any, b: Any) -> tuple[Any, Any]:
    """Charge for an operation on collections; a view, and what stands beside one, become sets."""
    if type(a) in _SET_VIEWS or type(b) in _SET_VIEWS:
        a, b = (
            {hashable(meter, value) for value in collect(meter, side)}
            if not isinstance(side, set | frozenset)
            else side
            for side in (a, b)
        )
    for value in (a, b):
        if isinstance(value, set | frozenset | dict):
            meter.items(len(value))
            meter.allocate(len(value) * ENTRY_SIZE)
    return a, b


def bit_or(meter: Meter, a: Any, b: Any) -> Any:
    """`a | b`."""
    a, b = _sets(meter, a, b)
    return a | b


def bit_and(meter: Meter, a: Any, b: Any) -> Any:
    """`a & b`."""
    a, b = _sets(meter, a, b)
    return a & b


def bit_xor(meter: Meter, a: Any, b: Any) -> Any:
    """`a ^ b`."""
    a, b = _sets(meter, a, b)
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
        search(meter, container, item)
        return item in container
    if kind is range and type(item) in (int, bool):
        return item in container
    if isinstance(container, list | tuple) or kind in (range, type({}.values())):
        scan(meter, item, container)
        return item in container
    if kind in SIZED:
        return hashable(meter, item) in container
    return any(equal(meter, item, value) for value in iterate(meter, container, 1))


def not_contains(meter: Meter, item: Any, container: Any) -> bool:
    """`item not in container`."""
    return not contains(meter, item, container)


# --- items


def item(meter: Meter, owner: Any, index: Any) -> Any:
    """`owner[index]`."""
    if type(index) is slice:
        if isinstance(owner, str | list | tuple):
            size = len(range(*index.indices(len(owner))))
            if isinstance(owner, str):
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
    meter.changed = True
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
    meter.changed = True
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
        meter.changed = True
        a += values
        return a
    return add(meter, a, b)


def repeat_in_place(meter: Meter, a: Any, b: Any) -> Any:
    """`a *= b`, which repeats a list where it is."""
    if type(a) is list and isinstance(b, int):
        meter.items(len(a) * max(b, 0))
        meter.changed = True
        a *= b
        return a
    return multiply(meter, a, b)


def update_in_place(operator: str, meter: Meter, a: Any, b: Any) -> Any:
    """`a |= b`, `a &= b`, `a ^= b`, `a -= b`, which change a set (or with `|=` a dict) where it is."""
    if type(a) not in (set, frozenset, dict):
        return {"|": bit_or, "&": bit_and, "^": bit_xor, "-": subtract}[operator](meter, a, b)
    if operator == "|" and type(a) is dict:
        b = collect_pairs(meter, b)
    b = _sets(meter, a, b)[1]
    meter.changed = True
    if operator == "|":
        a |= b
    elif operator == "&":
        a &= b
    elif operator == "^":
        a ^= b
    else:
        a -= b
    return a


def collect_pairs(meter: Meter, value: Any) -> Any:
    """Return `value` as what a dict can be updated with: a dict, or a list of pairs with their keys charged."""
    if isinstance(value, dict):
        return value
    pairs = [pair if type(pair) in (str, list, tuple) else collect(meter, pair) for pair in collect(meter, value)]
    for pair in pairs:
        if pair:
            hashable(meter, pair[0])
    return pairs


# --- iteration


def iterate(meter: Meter, iterable: Any, weight: int) -> Iterable[Any]:
    """Return `iterable`, with `weight` steps charged for each turn.

    They are charged at once where the length is known and the meter has as many; else with each turn, so that a loop
    that ends early costs what it ran.
    """
    _refuse_own(iterable, "is not iterable")
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
    weigh(meter, values)
    return sorted(values, key=lambda value: (type(value).__name__, value if type(value) is str else repr(value)))


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


def divide(meter: Meter, a: Any, b: Any) -> Any:
    """`a / b`."""
    if type(a) is int and type(b) is int:
        meter.number(a.bit_length())
    return a / b


def floor_divide(meter: Meter, a: Any, b: Any) -> Any:
    """`a // b`."""
    if type(a) is int and type(b) is int:
        meter.number(a.bit_length())
    return a // b
