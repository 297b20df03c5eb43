"""What the operators of a rule do: Python's own operators on values of ours, with the meter asked first.

Every function that can grow a value or run long takes the meter. Sizes are checked before the work; what cannot grow
(subtraction, division, logic on numbers) is left to Python.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import in_order
from dispatcher.lang.iteration import collect, collect_pairs, iterate
from dispatcher.lang.measuring import (
    ENTRY_SIZE,
    SIZED,
    VIEWS,
    hashable,
    refuse_own,
    scan,
    search,
    weigh,
    weigh_both,
    without_addresses,
)
from dispatcher.lang.values import as_callable

_SET_VIEWS: frozenset[type] = frozenset({type({}.keys()), type({}.items())})


_FLAGS = re.compile(r"[#0\- +]*(?:\*|\d*)(?:\.(?:\*|\d*))?")


_WIDTH = re.compile(r"\*|\d+")


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
    if meter.unordered:
        if isinstance(b, dict):
            b = {key: in_order(value) for key, value in b.items()}
        else:
            b = tuple(map(in_order, arguments))
        meter.unordered = False
    return without_addresses(meter, a % b)


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


def equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a == b`."""
    weigh_both(meter, a, b)
    return a == b


def not_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a != b`."""
    weigh_both(meter, a, b)
    return a != b


def less(meter: Meter, a: Any, b: Any) -> Any:
    """`a < b`."""
    weigh_both(meter, a, b)
    return a < b


def less_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a <= b`."""
    weigh_both(meter, a, b)
    return a <= b


def greater(meter: Meter, a: Any, b: Any) -> Any:
    """`a > b`."""
    weigh_both(meter, a, b)
    return a > b


def greater_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a >= b`."""
    weigh_both(meter, a, b)
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
    refuse_own(owner, "is not subscriptable")
    return owner[index]


def store_item(meter: Meter, value: Any, owner: Any, index: Any) -> None:
    """`owner[index] = value`."""
    refuse_own(owner, "does not support item assignment")
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
    refuse_own(owner, "does not support item deletion")
    meter.changed = True
    meter.charge(1 + (len(owner) >> 6 if type(owner) is list else 0))
    del owner[hashable(meter, index) if type(index) is not slice else index]


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


def call(meter: Meter, function: Any, /, *arguments: Any, **named: Any) -> Any:
    """Call a function value."""
    return as_callable(meter, function)(*arguments, **named)


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
