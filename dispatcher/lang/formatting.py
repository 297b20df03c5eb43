"""Values as text: str, repr, ascii and format specs, with the length asked for before the work.

What a process chose, addresses and the order of sets, is in no text.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from types import FunctionType, GeneratorType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.exceptions import error_text
from dispatcher.lang.measuring import VIEWS, weigh
from dispatcher.lang.moment_text import strftime
from dispatcher.lang.values import TYPES, type_name

_NUMBERS_IN_SPEC = re.compile(r"\d+")
_SMALL = range(-(1 << 64), 1 << 64)
# Digits that a float may have before its point, with room for sign, separators and exponent.
_FLOAT_LENGTH = 450


def text_of(meter: Meter, value: Any) -> str:
    """Return `str(value)`."""
    if type(value) is str:
        return value
    if type(value) is int and value in _SMALL:
        return str(value)
    return _shown(meter, value, str)


def plain_repr(meter: Meter, value: Any, /) -> str:
    """Return `repr(value)`."""
    return _shown(meter, value, repr)


def ascii_text(meter: Meter, value: Any, /) -> str:
    """Return `ascii(value)`."""
    return _shown(meter, value, ascii)


def _shown(meter: Meter, value: Any, show: Callable[[Any], str]) -> str:
    meter.charge(3)
    before = meter.steps
    length = _quoted_length(meter, value) if type(value) is str else weigh(meter, value, shown=True)
    if meter.unordered or meter.opaque:
        # What stands for each of its parts is made first, and those of sets are sorted.
        meter.charge((before - meter.steps) * (8 if meter.unordered else 2))
    charged = meter.text(length)
    text = _error_shown(meter, value, show) if isinstance(value, BaseException) else show(_presentable(meter, value))
    return meter.made_text(text, charged)


def _quoted_length(meter: Meter, text: str) -> int:
    """Return a bound on the length of the repr of a text."""
    meter.charge(len(text) >> 4)
    if text.isascii() and text.isprintable():
        return 2 + len(text) + text.count("'") + text.count("\\")
    return weigh(meter, text)


def charge_digits(meter: Meter, number: int) -> None:
    """Charge for the decimal digits of a number, which take the square of their count."""
    if number not in _SMALL:
        meter.charge((number.bit_length() >> 8) ** 2)


def _error_shown(meter: Meter, error: BaseException, show: Callable[[Any], str]) -> str:
    fixed = meter.opaque or meter.unordered
    meter.opaque = meter.unordered = False
    if show is not str:
        return show(_in_order(error))
    if not fixed:
        return error_text(str(error))
    # Of the types that rules can make, these two show their arguments in a way of their own.
    kind = KeyError if isinstance(error, KeyError) else OSError if isinstance(error, OSError) else BaseException
    return str(kind(*map(_in_order, error.args)))


# --- texts that are the same in every process


class _Shown:
    """Stands for a value where Python asks for its repr."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _presentable(meter: Meter, value: Any) -> Any:
    """Return a value that was weighed, or what shows it without what differs from process to process."""
    if not (meter.unordered or meter.opaque):
        return value
    meter.unordered = meter.opaque = False
    return in_order(value)


def in_order(value: Any) -> Any:
    """Return `value`, or what shows it where its text could differ from process to process."""
    differs = isinstance(value, _COLLECTIONS) or type(value) in _PARTS
    return _in_order(value) if differs else value


_COLLECTIONS = (dict, list, tuple, set, frozenset, deque, slice, FunctionType, Iterator)


def _in_order(value: Any) -> Any:
    """Return what shows `value`: the same kind of collection, with what stands for its items."""
    kind = type(value)
    if kind in (list, tuple):
        return kind(map(_in_order, value))
    if kind in (set, frozenset):
        return _Shown(_set_text(kind, _reprs(value)))
    if isinstance(value, dict):
        return _mapping_in_order(value)
    if isinstance(value, deque):
        return deque(map(_in_order, value), value.maxlen)
    if kind is slice:
        return slice(*map(_in_order, (value.start, value.stop, value.step)))
    text = _PARTS.get(kind)
    if text is not None:
        return _Shown(f"{text}({[_in_order(item) for item in value]!r})")
    return _Shown(_text_of_one(value)) if kind not in (str, int, float, bool) else value


def _reprs(values: set[Any] | frozenset[Any]) -> list[str]:
    """Return the texts of a set's values in the order in which it gives them."""
    kinds = set(map(type, values))
    if kinds <= {int, bool, float} and all(value == value for value in values):
        return list(map(repr, values))
    if kinds == {str}:
        return list(map(repr, sorted(values)))
    return [text for _, text in sorted((type(value).__name__, repr(_in_order(value))) for value in values)]


_PARTS = {kind: kind.__name__ for kind in VIEWS}


def _set_text(kind: type, items: list[str]) -> str:
    inner = f"{{{', '.join(items)}}}" if items else ""
    return inner if inner and kind is set else f"{kind.__name__}({inner})"


def _mapping_in_order(value: dict[Any, Any]) -> Any:
    # What stands for a key is a key of its own, whatever it shows.
    entries = {_in_order_key(key): _in_order(item) for key, item in value.items()}
    if isinstance(value, defaultdict):
        return _Shown(f"defaultdict({_in_order(value.default_factory)!r}, {entries!r})")
    if isinstance(value, OrderedDict):
        return OrderedDict(entries)
    return Counter(entries) if isinstance(value, Counter) else entries


def _in_order_key(key: Any) -> Any:
    return key if type(key) in (str, int, float, bool) else _Shown(repr(_in_order(key)))


def _text_of_one(value: Any) -> str:
    if isinstance(value, FunctionType):
        return f"<function {error_text(value.__qualname__)}>"
    if isinstance(value, GeneratorType):
        return f"<generator object {error_text(value.__qualname__)}>"
    if isinstance(value, Iterator):
        known = TYPES.get(type(value))
        return f"<{known.full_name} object>" if known else re.sub(" at 0x[0-9a-f]+", "", repr(value))
    if isinstance(value, BaseException):
        inner = ", ".join(repr(_in_order(argument)) for argument in value.args)
        return error_text(f"{type(value).__name__}({inner})")
    return repr(value)


# --- format specs


def convert(meter: Meter, value: Any, conversion: str) -> str:
    """Return the value as `!s`, `!r` or `!a` shows it."""
    return {"s": text_of, "r": plain_repr, "a": ascii_text}[conversion](meter, value)


def format_value(meter: Meter, value: Any, spec: Any) -> str:
    """Return `format(value, spec)`."""
    if type(spec) is not str:
        raise TypeError(f"format() argument 2 must be str, not {type_name(spec)}")
    if not spec:
        return text_of(meter, value)
    meter.charge(5 + (len(spec) >> 4))
    if isinstance(value, str):
        length = len(value)
    elif isinstance(value, int):
        charge_digits(meter, value)
        # In base 2, with a separator behind every fourth digit.
        length = (value.bit_length() * 5 >> 2) + _FLOAT_LENGTH
    elif isinstance(value, float):
        length = _FLOAT_LENGTH
    elif isinstance(value, datetime | date | time):
        return strftime(meter, value, spec)
    else:
        raise TypeError(f"unsupported format string passed to {type_name(value)}.__format__")
    # Width and precision are the only numbers of a spec.
    width = _numbers(meter, spec)
    meter.charge(width >> 4)
    charged = meter.text(length + width)
    return meter.made_text(format(value, spec), charged)


def _numbers(meter: Meter, spec: str) -> int:
    """Return the sum of the numbers in a format spec."""
    numbers = _NUMBERS_IN_SPEC.findall(spec)
    if any(len(number) > 9 for number in numbers):
        raise LimitExceeded(f"a text would be longer than {meter.limits.text:,} characters")
    return sum(map(int, numbers))
