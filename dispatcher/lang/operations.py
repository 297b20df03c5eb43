"""What the operators of a rule do: Python's own operators on values of ours, with the meter asked first.

Every function that can grow a value or run long takes the meter. Sizes are checked before the work; what cannot grow
and takes no time (comparing numbers, shifting to the right) is left to Python.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.iteration import collect, collect_keys, collect_pairs, iterate
from dispatcher.lang.measuring import (
    ENTRY_SIZE,
    SIZED,
    VIEWS,
    charge_table,
    hashable,
    made_table,
    meet,
    new_key,
    refuse_own,
    scan,
    search,
    weigh,
    weigh_both,
)
from dispatcher.lang.percent import fill_in
from dispatcher.lang.values import type_name

# Those of an OrderedDict are subtypes of these.
_KEYS: Any = type({}.keys())
_VALUES: Any = type({}.values())
_ITEMS: Any = type({}.items())

# Whole numbers that take no time, however they are computed with.
_SMALL = range(-(1 << 62), 1 << 62)


# --- numbers


def add(meter: Meter, a: Any, b: Any) -> Any:
    """`a + b`."""
    kind = type(a)
    if kind is int or kind is not type(b) or kind not in _JOINED:
        return _add_tables(meter, a, b) if isinstance(a, dict) else _checked(meter, a + b)
    if kind is not list and not (a and b):
        return a or b
    if kind is str:
        charged = meter.text(len(a) + len(b), ascii_only=a.isascii() and b.isascii())
        return meter.made_text(a + b, charged)
    charged = meter.items(len(a) + len(b))
    return meter.made(a + b, charged, charged)


_JOINED = frozenset({str, list, tuple})


def subtract(meter: Meter, a: Any, b: Any) -> Any:
    """`a - b`."""
    if _are_sets(a, b):
        return _combined(meter, operator.sub, a, b)
    return _checked(meter, a - b)


def _checked(meter: Meter, result: Any) -> Any:
    # Sums and differences grow by one bit at most, so they are measured behind the work.
    if type(result) is int and result not in _SMALL:
        meter.number(result.bit_length())
    return result


def multiply(meter: Meter, a: Any, b: Any) -> Any:
    """`a * b`."""
    if isinstance(a, int) and isinstance(b, int):
        meter.number(a.bit_length() + b.bit_length())
        return a * b
    for sequence, count in ((a, b), (b, a)):
        if type(sequence) in _JOINED and isinstance(count, int):
            return _repeated(meter, sequence, count)
    return a * b


def _repeated(meter: Meter, sequence: Any, count: int) -> Any:
    size = len(sequence) * max(count, 0)
    charged = meter.text(size, ascii_only=sequence.isascii()) if type(sequence) is str else meter.items(size)
    result = sequence * count
    return meter.made(result, charged, 0 if result is sequence else charged)


def power(meter: Meter, a: Any, b: Any) -> Any:
    """`a ** b`."""
    if isinstance(a, int) and isinstance(b, int) and b > 0 and a not in (0, 1, -1):
        # At least as many bits as this, which is quickly told for any size; then the very number.
        meter.number((a.bit_length() - 1) * b)
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


def divide(meter: Meter, a: Any, b: Any) -> Any:
    """`a / b`."""
    if type(a) is int and type(b) is int:
        meter.charge(a.bit_length() + b.bit_length() >> 9)
    return a / b


def floor_divide(meter: Meter, a: Any, b: Any) -> Any:
    """`a // b`."""
    if type(a) is int and type(b) is int:
        charge_division(meter, a, b)
    return a // b


def charge_division(meter: Meter, a: int, b: int) -> None:
    """Charge for dividing `a` by `b`: each digit of the quotient takes a pass over `b`."""
    if a in _SMALL:
        return
    quotient = a.bit_length() - b.bit_length()
    if quotient > 0:
        meter.charge(1 + ((quotient >> 7) + 1) * ((b.bit_length() >> 7) + 2) >> 1)


def percent(meter: Meter, a: Any, b: Any) -> Any:
    """`a % b`: the remainder, or a text filled in."""
    if type(a) is str:
        return fill_in(meter, a, b)
    if type(a) is int and type(b) is int:
        charge_division(meter, a, b)
    return a % b


# --- tables


def _are_sets(a: Any, b: Any) -> bool:
    """Tell whether an operator on `a` and `b` combines sets; a view makes a set of what stands beside it."""
    if isinstance(a, set | frozenset) and isinstance(b, set | frozenset):
        return True
    return isinstance(a, _KEYS | _ITEMS) or isinstance(b, _KEYS | _ITEMS)


def _combined(meter: Meter, combine: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    meter.charge(5)
    if not isinstance(a, set | frozenset) or not isinstance(b, set | frozenset):
        if not isinstance(b, Iterable):
            raise TypeError(f"'{type_name(b)}' object is not iterable")
        a, b = set(collect_keys(meter, a)), set(collect_keys(meter, b))
    meet(meter, a, b)
    meet(meter, b, a)
    charged = charge_table(meter, _most_combined(combine, len(a), len(b)))
    return made_table(meter, combine(a, b), charged, picked=combine is not operator.or_)


def _most_combined(combine: Callable[[Any, Any], Any], a: int, b: int) -> int:
    if combine is operator.and_:
        return min(a, b)
    # A difference may begin as a copy.
    return a if combine is operator.sub else a + b


def _operator_on_sets(sign: str, combine: Callable[[Any, Any], Any]) -> Callable[[Meter, Any, Any], Any]:
    def operate(meter: Meter, a: Any, b: Any) -> Any:
        if _are_sets(a, b):
            return _combined(meter, combine, a, b)
        if isinstance(a, dict) and isinstance(b, dict):
            return _add_tables(meter, a, b, combine)
        if type(a) is int and type(b) is int:
            meter.number(max(a.bit_length(), b.bit_length()))
        return combine(a, b)

    operate.__doc__ = f"`a {sign} b`."
    return operate


def _add_tables(meter: Meter, a: Any, b: Any, combine: Callable[[Any, Any], Any] = operator.add) -> Any:
    if not isinstance(b, dict):
        return combine(a, b)
    meet(meter, b, a)
    meet(meter, a, b)
    if type(a) is not dict or type(b) is not dict:
        # The counters of `collections` go from entry to entry.
        meter.charge(4 * (len(a) + len(b)))
    charged = charge_table(meter, len(a) + len(b))
    return made_table(meter, combine(a, b), charged)


bit_or = _operator_on_sets("|", operator.or_)
bit_and = _operator_on_sets("&", operator.and_)
bit_xor = _operator_on_sets("^", operator.xor)


def negate(meter: Meter, a: Any) -> Any:
    """`-a`."""
    if isinstance(a, dict):
        return _add_tables(meter, a, {}, lambda table, _: -table)
    return _checked(meter, -a)


def invert(meter: Meter, a: Any) -> Any:
    """`~a`."""
    return _checked(meter, ~a)


def shift_right(meter: Meter, a: Any, b: Any) -> Any:
    """`a >> b`."""
    return _checked(meter, a >> b)


def big(meter: Meter, a: Any) -> Any:
    """Charge for what adding a number as written gave, where that is no small number."""
    return _checked(meter, a)


def plus(meter: Meter, a: Any) -> Any:
    """`+a`."""
    if isinstance(a, dict):
        return _add_tables(meter, a, {}, lambda table, _: +table)
    return +a


# --- comparisons


def equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a == b`."""
    if not _differ_in_size(a, b):
        weigh_both(meter, a, b)
    return a == b


def not_equal(meter: Meter, a: Any, b: Any) -> Any:
    """`a != b`."""
    if not _differ_in_size(a, b):
        weigh_both(meter, a, b)
    return a != b


def _differ_in_size(a: Any, b: Any) -> bool:
    """Tell whether Python sees at once that `a` and `b` are not equal."""
    kind = type(a)
    return kind is type(b) and kind in _COUNTED_FIRST and len(a) != len(b)


_COUNTED_FIRST = frozenset({str, list, dict, set, frozenset})


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
        # Looking through a short text costs nothing beside the operator.
        if type(item) is not str or len(container) * len(item) >= FREE_SEARCH:
            search(meter, container, item)
        return item in container
    if kind is range and type(item) in (int, bool):
        return item in container
    if kind is range:
        # Any other number is compared with each of them.
        return any(item == number for number in iterate(meter, container, 2))
    if isinstance(container, list | tuple | deque | _VALUES):
        if type(item) in (list, dict):
            # Identity comes before equality, which for a value that holds itself would never end.
            meter.charge(1 + (len(container) >> 2))
            if any(value is item for value in container):
                return True
        scan(meter, item, container)
        return item in container
    if isinstance(container, dict | set | frozenset):
        return hashable(meter, item, container) in container
    if kind in VIEWS:
        if isinstance(container, _ITEMS) and type(item) is tuple and len(item) == 2:
            weigh(meter, item[1])
            hashable(meter, item[0], container)
            return item in container
        return hashable(meter, item, container) in container
    refuse_own(container, "is not iterable")
    return any(item is value or equal(meter, item, value) for value in iterate(meter, container, 2))


# Looking in a text for a text costs nothing beside the operator where the product of their lengths is less.
FREE_SEARCH = 256


def not_contains(meter: Meter, item: Any, container: Any) -> bool:
    """`item not in container`."""
    return not contains(meter, item, container)


# --- items


def item(meter: Meter, owner: Any, index: Any) -> Any:
    """`owner[index]`."""
    if type(index) is slice:
        return _sliced(meter, owner, index)
    if isinstance(owner, dict):
        return owner[hashable(meter, index, owner)]
    refuse_own(owner, "is not subscriptable")
    return owner[index]


def _sliced(meter: Meter, owner: Any, index: slice) -> Any:
    kind = type(owner)
    if kind is not str and kind is not list and kind is not tuple:
        refuse_own(owner, "is not subscriptable")
        return owner[hashable(meter, index) if isinstance(owner, dict) else index]
    size = len(range(*index.indices(len(owner))))
    if kind is str:
        charged = meter.text(size, ascii_only=owner.isascii())
        if not owner.isascii():
            # Python looks for the widest character of the part.
            meter.charge(size >> 7)
        part = owner[index]
        return meter.made(part, charged, 0) if part is owner else meter.made_text(part, charged)
    charged = meter.items(size)
    part = owner[index]
    return meter.made(part, charged, 0 if part is owner else charged)


def store_item(meter: Meter, value: Any, owner: Any, index: Any) -> None:
    """`owner[index] = value`."""
    refuse_own(owner, "does not support item assignment")
    meter.changed = True
    if isinstance(owner, dict):
        if len(owner) >= meter.limits.items:
            meter.items(len(owner) + 1)
        meter.allocate(ENTRY_SIZE)
        owner[new_key(meter, index, owner)] = value
    elif type(index) is slice and type(owner) is list:
        # A slice that cannot be is told first, as CPython does.
        index.indices(len(owner))
        values = collect(meter, value)
        if len(owner) + len(values) > meter.limits.items:
            meter.items(len(owner) + len(values))
        meter.items(len(values))
        meter.charge(len(owner) >> 6)
        owner[index] = values
    else:
        owner[index] = value


def delete_item(meter: Meter, owner: Any, index: Any) -> None:
    """`del owner[index]`."""
    refuse_own(owner, "does not support item deletion")
    meter.changed = True
    if isinstance(owner, dict):
        del owner[new_key(meter, index, owner)]
        return
    if type(owner) is list:
        # What lies behind moves.
        meter.charge(1 + (len(owner) >> 6))
    del owner[index]


# --- assignments that change a value


def extend_in_place(meter: Meter, a: Any, b: Any) -> Any:
    """`a += b`, which extends a list where it is."""
    if isinstance(a, deque):
        meter.changed = True
        a += b
        return a
    if type(a) is list:
        values = collect(meter, b)
        if len(a) + len(values) > meter.limits.items:
            meter.items(len(a) + len(values))
        meter.items(len(values))
        meter.changed = True
        a.extend(values)
        return a
    if type(a) in _JOINED or not isinstance(a, dict):
        return add(meter, a, b)
    return _update_table(meter, operator.iadd, a, b)


def repeat_in_place(meter: Meter, a: Any, b: Any) -> Any:
    """`a *= b`, which repeats a list where it is."""
    if isinstance(a, deque):
        meter.changed = True
        a *= b
        return a
    if type(a) is list and isinstance(b, int):
        meter.items(len(a) * max(b, 0))
        meter.changed = True
        a *= b
        return a
    return multiply(meter, a, b)


def update_in_place(sign: str, meter: Meter, a: Any, b: Any) -> Any:
    """`a |= b`, `a &= b`, `a ^= b`, `a -= b`, which change a set (or with `|=` a dict) where it is."""
    if isinstance(a, dict):
        return _update_table(meter, _IN_PLACE[sign], a, collect_pairs(meter, b) if sign == "|" else b)
    if type(a) is set and isinstance(b, set | frozenset):
        return _update_table(meter, _IN_PLACE[sign], a, b)
    return _ANEW[sign](meter, a, b)


_IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {
    "|": operator.ior,
    "&": operator.iand,
    "^": operator.ixor,
    "-": operator.isub,
}
_ANEW = {"|": bit_or, "&": bit_and, "^": bit_xor, "-": subtract}


def _update_table(meter: Meter, update: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Return `a` after an operator changed it where it is; what it takes more then is never given back."""
    meet(meter, b, a)
    meet(meter, a, b)
    meter.charge(5)
    added = len(b) if type(b) in SIZED or isinstance(b, dict) else 0
    before = len(a)
    if type(a) not in (dict, set):
        meter.charge(4 * (before + added))
    if before + added > meter.limits.items and update in (operator.ior, operator.ixor):
        meter.items(before + added)
    charged = charge_table(meter, added)
    meter.changed = True
    a = update(a, b)
    meter.memory += charged - ENTRY_SIZE * max(len(a) - before, 0)
    return a
