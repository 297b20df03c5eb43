"""Values as text: str, repr, format specs and `str.format`, with the length asked for before the work.

`str.format` is our own reading of its templates: a field names an argument, and items of it, but never an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from types import FunctionType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.measuring import SCALARS, weigh, without_addresses

_NUMBERS_IN_SPEC = re.compile(r"\d+")
_INDEX = re.compile(r"\[([^\]]*)\]")


def text_of(meter: Meter, value: Any) -> str:
    """Return `str(value)`."""
    return value if type(value) is str else _shown(meter, value, str, 1)


def plain_repr(meter: Meter, value: Any) -> str:
    """Return `repr(value)`."""
    return _shown(meter, value, repr, 1)


def ascii_text(meter: Meter, value: Any, /) -> str:
    """Return `ascii(value)`."""
    return _shown(meter, value, ascii, 10)


def _shown(meter: Meter, value: Any, show: Callable[[Any], str], widening: int) -> str:
    meter.charge(3)
    meter.text(weigh(meter, value) * widening)
    if type(value) is FunctionType:
        return f"<function {value.__name__}>"
    if isinstance(value, Iterator):
        return f"<{type(value).__name__} object>"
    if meter.unordered:
        meter.unordered = False
        text = _canonical(value)
        return without_addresses(meter, ascii(text)[1:-1] if show is ascii else text)
    return without_addresses(meter, show(value))


class _Shown:
    """Stands for a value that holds sets where Python asks for its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def in_order(value: Any) -> Any:
    """Return `value`, or for a collection what shows its sets in a fixed order."""
    return _Shown(_canonical(value)) if isinstance(value, dict | list | tuple | set | frozenset) else value


def _canonical(value: Any) -> str:
    """Return the repr of a value that holds sets, with their values in a fixed order."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_canonical(key)}: {_canonical(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if type(value) in (set, frozenset):
        inner = ", ".join(sorted(map(_canonical, value)))
        shown = f"{{{inner}}}" if inner else ""
        return shown if type(value) is set and inner else f"{type(value).__name__}({shown})"
    if type(value) is list:
        return f"[{', '.join(map(_canonical, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(_canonical, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def convert(meter: Meter, value: Any, conversion: str) -> str:
    """Return the value as `!s`, `!r` or `!a` shows it."""
    return {"s": text_of, "r": plain_repr, "a": ascii_text}[conversion](meter, value)


def format_value(meter: Meter, value: Any, spec: Any) -> str:
    """Return `format(value, spec)`."""
    if type(spec) is not str:
        raise TypeError(f"format() argument 2 must be str, not {type(spec).__name__}")
    meter.charge(5)
    if not spec:
        return text_of(meter, value)
    if isinstance(value, datetime | date | time):
        charge_moment_format(meter, spec)
        return format(value, spec)
    # Width and precision are the only numbers of a spec; fixed point needs every digit of a float.
    meter.text(weigh(meter, value) + _numbers(meter, spec) + 350)
    if type(value) not in SCALARS and _has_no_format(value):
        raise TypeError(f"unsupported format string passed to {type(value).__name__}.__format__")
    return format(value, spec)


def charge_moment_format(meter: Meter, spec: str) -> None:
    """Charge for a format of dates and times: each letter becomes a name or a number, which may have a width."""
    if "%s" in spec:
        raise ValueError("`%s` counts in the time zone of this computer; use `timestamp()`")
    meter.charge(15)
    meter.text(100 * len(spec) + _numbers(meter, spec))


def _numbers(meter: Meter, spec: str) -> int:
    """Return the sum of the numbers in a format spec."""
    numbers = _NUMBERS_IN_SPEC.findall(spec)
    if any(len(number) > 9 for number in numbers):
        raise LimitExceeded(f"a text would be longer than {meter.limits.text:,} characters")
    return sum(map(int, numbers))


def _has_no_format(value: Any) -> bool:
    formatter: Any = type(value).__format__
    return formatter is object.__format__


def format_template(
    meter: Meter, template: str, arguments: tuple[Any, ...], named: Mapping[str, Any], level: int = 2
) -> str:
    """Return `template.format(*arguments, **named)`, without attributes."""
    if level < 0:
        raise ValueError("Max string recursion exceeded")
    meter.charge(1 + (len(template) >> 4))
    pieces: list[str] = []
    automatic = 0
    numbering = ""
    for literal, field, spec, conversion in _parse(template):
        pieces.append(literal)
        if field is None:
            continue
        meter.charge(20)
        first = re.match(r"[^.\[]*", field)
        name = first.group() if first else ""
        if name == "" or name.isdecimal():
            kind = "automatic" if name == "" else "manual"
            if numbering not in ("", kind):
                raise ValueError(f"cannot switch from {_NUMBERING[numbering]} to {_NUMBERING[kind]}")
            numbering = kind
            if name == "":
                name = str(automatic)
                automatic += 1
            if int(name[:10]) >= len(arguments):
                raise IndexError(f"Replacement index {name[:10]} out of range for positional args tuple")
            value = arguments[int(name)]
        else:
            value = named[name]
        value = _items(value, field[len(first.group()) if first else 0 :])
        if conversion:
            if conversion not in "sra":
                raise ValueError(f"Unknown conversion specifier {conversion!r}")
            value = convert(meter, value, conversion)
        # Fields inside a spec are few and their numbering goes on; nested templates see the same arguments.
        if "{" in (spec or ""):
            nested = _NestedArguments(arguments, automatic)
            spec = (
                format_template(meter, spec or "", nested.rest(), named, level - 1)
                if nested.automatic(spec or "")
                else format_template(meter, spec or "", arguments, named, level - 1)
            )
            automatic += nested.used
        pieces.append(format_value(meter, value, spec or ""))
    meter.text(sum(map(len, pieces)))
    return "".join(pieces)


_NUMBERING = {"automatic": "automatic field numbering", "manual": "manual field specification"}


class _NestedArguments:
    """Automatic numbering that goes on inside a format spec."""

    def __init__(self, arguments: tuple[Any, ...], position: int) -> None:
        self._arguments = arguments
        self._position = position
        self.used = 0

    def automatic(self, spec: str) -> bool:
        """Count the fields of `spec` without a name; tell whether there are any."""
        self.used = spec.count("{}") + spec.count("{:") + spec.count("{!")
        return self.used > 0

    def rest(self) -> tuple[Any, ...]:
        """Return the arguments that are not used yet."""
        return self._arguments[self._position :]


def _parse(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    from string import Formatter

    return list(Formatter().parse(template))


def _items(value: Any, path: str) -> Any:
    position = 0
    while position < len(path):
        if path[position] == ".":
            raise AttributeError("a format field cannot read attributes in rules")
        found = _INDEX.match(path, position)
        if not found:
            raise ValueError("Only '.' or '[' may follow ']' in format field specifier")
        key = found.group(1)
        if not key:
            raise ValueError("Empty attribute in format string")
        if not isinstance(value, str | list | tuple | dict):
            raise TypeError(f"'{type(value).__name__}' object is not subscriptable")
        value = value[int(key) if key.isdecimal() else key]  # type: ignore[index] # CPython's own TypeError is wanted
        position = found.end()
    return value
