"""`str.format` and `format_map`: our own reading of templates, for Python's would read any attribute of any value.

A field names an argument, and items of it. Where Python would read an attribute, AttributeError is raised. All else is
CPython's: what is an error and in which order, the numbering of fields, fields inside format specs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import convert, format_value
from dispatcher.lang.operations import item

# A template, and the specs of its fields; the fields of those have no fields in theirs.
_LEVELS = 2
_FIRST = re.compile(r"[^.\[]*")
_NUMBERING = {True: "automatic field numbering", False: "manual field specification"}


def format_template(meter: Meter, template: str, arguments: tuple[Any, ...] | None, named: Any) -> str:
    """Return `template.format(*arguments, **named)`, or with None for `arguments` what `format_map(named)` gives."""
    return _Template(meter, arguments, named).fill(template, _LEVELS)


class _Template:
    """One call: its arguments, and how far the numbering of its fields is."""

    def __init__(self, meter: Meter, arguments: tuple[Any, ...] | None, named: Any) -> None:
        self._meter = meter
        self._arguments = arguments
        self._named = named
        self._automatic: bool | None = None
        self._next = 0

    def fill(self, template: str, levels: int) -> str:
        if levels <= 0:
            raise ValueError("Max string recursion exceeded")
        meter = self._meter
        meter.charge(1 + (len(template) >> 4))
        pieces: list[str] = []
        length = 0
        # Python's parser reads one field at a time, so what stands before a mistake is looked up first.
        from string import Formatter  # few rules have such templates

        for literal, field, spec, conversion in Formatter().parse(template):
            meter.charge(2)
            pieces.append(literal)
            if field is not None:
                pieces.append(self._field(field, spec or "", conversion, levels))
            length += len(literal) + len(pieces[-1])
            # Before all of them are put together, the pieces take as much.
            if length > meter.limits.text:
                meter.text(length)
        charged = meter.text(length)
        return meter.made_text("".join(pieces), charged)

    def _field(self, field: str, spec: str, conversion: str | None, levels: int) -> str:
        self._meter.charge(20 + (len(field) >> 3))
        first = _FIRST.match(field)
        name = first.group() if first else ""
        value = _items(self._meter, self._argument(name), field[len(name) :])
        if conversion:
            if conversion not in "sra":
                raise ValueError(f"Unknown conversion specifier {conversion!r}")
            value = convert(self._meter, value, conversion)
        if "{" in spec:
            spec = self.fill(spec, levels - 1)
        return format_value(self._meter, value, spec)

    def _argument(self, name: str) -> Any:
        number = _whole_number(name)
        if name and number is None:
            return item(self._meter, self._named, name)
        automatic = not name
        if self._automatic not in (None, automatic):
            raise ValueError(f"cannot switch from {_NUMBERING[not automatic]} to {_NUMBERING[automatic]}")
        self._automatic = automatic
        if number is None:
            number = self._next
            self._next += 1
        if self._arguments is None:
            raise ValueError("Format string contains positional fields")
        if number >= len(self._arguments):
            raise IndexError(f"Replacement index {number} out of range for positional args tuple")
        return self._arguments[number]


def _whole_number(text: str) -> int | None:
    if not text.isdecimal():
        return None
    number = int(text)
    if number > sys.maxsize:
        raise ValueError("Too many decimal digits in format string")
    return number


def _items(meter: Meter, value: Any, path: str) -> Any:
    for key in _keys(path):
        number = _whole_number(key)
        value = item(meter, value, key if number is None else number)
    return value


def _keys(path: str) -> Iterator[str]:
    position = 0
    while position < len(path):
        if path[position] == ".":
            if path[position + 1 : position + 2] in ("", ".", "["):
                raise ValueError("Empty attribute in format string")
            raise AttributeError("a format field cannot read attributes in rules")
        if path[position] != "[":
            raise ValueError("Only '.' or '[' may follow ']' in format field specifier")
        end = path.find("]", position)
        if end < 0:
            raise ValueError("Missing ']' in format string")
        if end == position + 1:
            raise ValueError("Empty attribute in format string")
        yield path[position + 1 : end]
        position = end + 1
