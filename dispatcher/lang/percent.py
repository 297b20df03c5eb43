"""`template % values`: our own reading of the template, so that each value is charged for before it becomes text.

What is an error, and in which order, is CPython's; each field is filled in by Python itself.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import ascii_text, charge_digits, plain_repr, text_of
from dispatcher.lang.measuring import hashable, weigh

_FLAGS = re.compile(r"[-+ #0]*")
_DIGITS = re.compile(r"[0-9]*")
_SHOWN = {"s": text_of, "r": plain_repr, "a": ascii_text}
_NUMBERS = frozenset("diouxXeEfFgGc")
# What Python takes for a mapping here, as it can be asked for items.
_MAPPINGS = (dict, list, range)
# Characters of the longest float, and of what its format adds.
_FLOAT_SIZE = 350


def fill_in(meter: Meter, template: str, values: Any) -> str:
    """Return `template % values`."""
    return _Filling(meter, template, values).text()


class _Filling:
    """One template that is filled in: how far it is read, and which values are left."""

    def __init__(self, meter: Meter, template: str, values: Any) -> None:
        self._meter = meter
        self._template = template
        self._position = 0
        self._mapping = values if isinstance(values, _MAPPINGS) else None
        self._values = iter(values if type(values) is tuple else (values,))

    def text(self) -> str:
        meter, template = self._meter, self._template
        meter.charge(1 + (len(template) >> 8))
        pieces: list[str] = []
        length = 0
        while (found := template.find("%", self._position)) >= 0:
            meter.charge(15)
            pieces.append(template[self._position : found])
            self._position = found + 1
            pieces.append(self._field())
            length += len(pieces[-2]) + len(pieces[-1])
            if length > meter.limits.text:
                meter.text(length)
        pieces.append(template[self._position :])
        if self._mapping is None and next(self._values, self) is not self:
            raise TypeError("not all arguments converted during string formatting")
        charged = meter.text(length + len(pieces[-1]), ascii_only=all(map(str.isascii, pieces)))
        return meter.made_text("".join(pieces), charged)

    def _field(self) -> str:
        if self._next_is("%"):
            return "%"
        if self._template.startswith("(", self._position):
            self._values = iter((self._value_of(self._key()),))
        flags = self._matched(_FLAGS)
        width = self._number("width")
        if width < 0:
            flags, width = flags + "-", -width
        precision = -1
        if self._next_is("."):
            precision = max(self._number("precision"), 0)
        if self._template[self._position : self._position + 1] in ("h", "l", "L"):
            self._position += 1
        letter = self._template[self._position : self._position + 1]
        if not letter:
            raise ValueError("incomplete format")
        self._position += 1
        value = self._next_value()
        if letter not in _SHOWN and letter not in _NUMBERS:
            place = self._position - 1
            raise ValueError(f"unsupported format character '{letter}' (0x{ord(letter):x}) at index {place}")
        return self._filled(flags, width, precision, letter, value)

    def _filled(self, flags: str, width: int, precision: int, letter: str, value: Any) -> str:
        meter = self._meter
        if letter in _SHOWN:
            value = _SHOWN[letter](meter, value)
            size, letter = len(value), "s"
        else:
            size = weigh(meter, value) + _FLOAT_SIZE
            if isinstance(value, int):
                charge_digits(meter, value)
        wide = max(width, 0) + max(precision, 0)
        if letter == "s" and wide == 0 and precision < 0:
            return str(value)
        charged = meter.text(size + wide, ascii_only=letter != "c" and (letter != "s" or value.isascii()))
        point = f".{precision}" if precision >= 0 else ""
        field: str = f"%{flags}{width or ''}{point}{letter}" % (value,)
        return meter.made_text(field, charged)

    def _key(self) -> str:
        if self._mapping is None:
            raise TypeError("format requires a mapping")
        # Up to the bracket that closes the first one.
        begin = end = self._position + 1
        depth = 1
        while depth:
            if end >= len(self._template):
                raise ValueError("incomplete format key")
            depth += {"(": 1, ")": -1}.get(self._template[end], 0)
            end += 1
        self._meter.charge(end - begin)
        self._position = end
        return self._template[begin : end - 1]

    def _value_of(self, key: str) -> Any:
        mapping: Any = self._mapping
        if isinstance(mapping, dict):
            hashable(self._meter, key, mapping)
        return mapping[key]

    def _next_value(self) -> Any:
        value = next(self._values, self)
        if value is self:
            raise TypeError("not enough arguments for format string")
        return value

    def _number(self, what: str) -> int:
        """Read a number, or take it from the values; 0 where there is none."""
        if self._next_is("*"):
            value = self._next_value()
            if not isinstance(value, int):
                raise TypeError("* wants int")
            if abs(value) > sys.maxsize:
                raise OverflowError("Python int too large to convert to C ssize_t")
            return int(value)
        digits = self._matched(_DIGITS)
        if len(digits) > _LONGEST or int(digits or 0) > sys.maxsize:
            raise ValueError(f"{what} too big")
        return int(digits or 0)

    def _matched(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._template, self._position)
        text = found.group() if found else ""
        self._meter.charge(len(text) >> 4)
        self._position += len(text)
        return text

    def _next_is(self, character: str) -> bool:
        if not self._template.startswith(character, self._position):
            return False
        self._position += 1
        return True


# Digits that may be a number of this machine, with some zeros before it.
_LONGEST = 4000
