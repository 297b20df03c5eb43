"""What comparing, hashing, searching and showing values takes, charged before it is done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.regex import Pattern
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, type_name

SCALARS = frozenset({int, float, str, bool, type(None)})


SEQUENCES = frozenset({str, list, tuple})


VIEWS = frozenset({type({}.keys()), type({}.values()), type({}.items())})


SIZED = SEQUENCES | VIEWS | {dict, set, frozenset, range}


# Bytes of a reference in a list, of an entry in a dict and in a set, as CPython lays them out at the most.
ITEM_SIZE = 8
# Python's hash of a number is what is left when it is divided by this.
HASH_MODULUS = (1 << 61) - 1
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


ENTRY_SIZE = 100


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
            meter.unordered = meter.unordered or kind in (set, frozenset)
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


def weigh_both(meter: Meter, a: Any, b: Any) -> None:
    """Charge for comparing `a` and `b`."""
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
    elif kind in (int, float):
        if not -HASH_MODULUS < key < HASH_MODULUS:
            # Such numbers can be chosen to have one hash, and then each is compared with all others.
            meter.large_keys += 1
            meter.charge(meter.large_keys >> 4)
    elif kind not in SCALARS:
        weigh(meter, key)
    return key


def without_addresses(meter: Meter, text: str) -> str:
    """Return a text without the addresses that functions and iterators among the weighed values show in their repr."""
    if not meter.opaque:
        return text
    meter.opaque = False
    return _ADDRESS.sub("", text)


def refuse_own(owner: Any, what: str) -> None:
    """Raise TypeError where Python would for a function, type or module, in Python's words."""
    if type(owner) in (Builtin, TypeValue, BoundMethod, ModuleValue, FunctionType):
        raise TypeError(f"'{type_name(owner)}' object {what}")
