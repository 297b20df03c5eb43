"""Values as JSON text and back, as CPython's `json` has them.

Writing is our own: it may call a rule's function in the middle, which may change what is being written. Reading is
Python's, once the depth of the text and what it can grow to have been looked at.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from dispatcher.lang.budget import BIG, LimitExceeded, Meter, text_size
from dispatcher.lang.iteration import collect
from dispatcher.lang.measuring import ENTRY_SIZE, ITEM_SIZE
from dispatcher.lang.sequences import sort_list
from dispatcher.lang.values import as_callable, type_name

# Steps for one value, written or read.
_WRITE_COST = 10
_READ_COST = 3
# Characters that are written in one go, since each may become twelve.
_CHUNK = 50_000

# --- writing


class JsonWriter:
    """Writes one value, with the options of `json.dumps`."""

    def __init__(
        self,
        meter: Meter,
        *,
        skipkeys: Any,
        ensure_ascii: Any,
        check_circular: Any,
        allow_nan: Any,
        indent: Any,
        separators: Any,
        default: Any,
        sort_keys: Any,
    ) -> None:
        self._meter = meter
        self._skip_keys = bool(skipkeys)
        self._encode = encode_basestring_ascii if ensure_ascii else encode_basestring
        self._check_circular = bool(check_circular)
        self._allow_nan = bool(allow_nan)
        self._indent = indent
        self._default = default
        self._sort_keys = bool(sort_keys)
        self._between, self._after_key = ", " if indent is None else ",", ": "
        if separators is not None:
            self._between, self._after_key = collect(meter, separators)
        self._pieces: list[str] = []
        self._length = 0
        self._temporary = 0
        # The values that are being written, from the outside in.
        self._open: set[int] = set()
        self._new_lines: list[str] = ["\n"]

    def written(self, value: Any) -> str:
        """Return the value as text."""
        meter = self._meter
        try:
            if type(value) is not str:
                self._check_options()
            self._write(value, 0)
            charged = meter.text(self._length, ascii_only=all(map(str.isascii, self._pieces)))
            return meter.made_text("".join(self._pieces), charged)
        finally:
            meter.made(None, self._temporary, 0)

    def _check_options(self) -> None:
        for separator in (self._between, self._after_key):
            if type(separator) is not str:
                raise TypeError(f"a separator must be str, not {type_name(separator)}")
        if self._indent is not None and type(self._indent) is not str:
            if not isinstance(self._indent, int):
                raise TypeError(f"can't multiply sequence by non-int of type '{type_name(self._indent)}'")
            charged = self._meter.text(max(self._indent, 0), ascii_only=True)
            self._indent = self._meter.made_text(" " * self._indent, charged)

    def _add(self, piece: str) -> None:
        self._length += len(piece)
        if self._length > self._meter.limits.text:
            self._meter.text(self._length)
        if len(piece) >= BIG:
            size = text_size(len(piece), ascii_only=piece.isascii())
            self._meter.allocate(size)
            self._temporary += size
        self._pieces.append(piece)

    def _write(self, value: Any, level: int) -> None:
        meter = self._meter
        meter.charge(_WRITE_COST)
        if level > meter.limits.nesting:
            raise LimitExceeded(f"a value nests more than {meter.limits.nesting} deep")
        if isinstance(value, str):
            self._write_text(value)
        elif isinstance(value, list | tuple):
            self._within(value, lambda: self._write_items(value, level + 1))
        elif isinstance(value, dict):
            self._within(value, lambda: self._write_entries(value, level + 1))
        elif value is None or isinstance(value, int | float):
            self._add(self._plain(value))
        elif self._default is None:
            raise TypeError(f"Object of type {type_name(value)} is not JSON serializable")
        else:
            function = as_callable(meter, self._default)
            self._within(value, lambda: self._write(function(value), level + 1))

    def _within(self, value: Any, write: Callable[[], None]) -> None:
        if self._check_circular and id(value) in self._open:
            raise ValueError("Circular reference detected")
        self._open.add(id(value))
        write()
        self._open.discard(id(value))

    def _plain(self, value: Any) -> str:
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            bits = value.bit_length()
            self._meter.number(bits)
            # Turning it into digits is quadratic.
            self._meter.charge(bits * bits >> 17)
            return repr(value)
        if math.isfinite(value):
            # The shortest digits that mean it take their time to find.
            self._meter.charge(5)
            return repr(value)
        if not self._allow_nan:
            raise ValueError("Out of range float values are not JSON compliant")
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"

    def _write_text(self, text: str) -> None:
        meter = self._meter
        plain = text.isascii()
        meter.charge(len(text) >> (5 if plain else 3))
        if len(text) <= _CHUNK:
            self._add(self._encode(text))
            return
        self._add('"')
        for start in range(0, len(text), _CHUNK):
            self._add(self._encode(text[start : start + _CHUNK])[1:-1])
        self._add('"')

    def _write_items(self, values: Any, level: int) -> None:
        if not values:
            self._add("[]")
            return
        self._add("[")
        separator = ""
        for value in values:
            self._begin(separator, level)
            separator = self._between
            self._write(value, level)
        self._end(level - 1)
        self._add("]")

    def _write_entries(self, entries: dict[Any, Any], level: int) -> None:
        if not entries:
            self._add("{}")
            return
        self._add("{")
        separator = ""
        for key, value in self._ordered(entries):
            text = self._key(key)
            if text is None:
                continue
            self._begin(separator, level)
            separator = self._between
            self._write_text(text)
            self._add(self._after_key)
            self._write(value, level)
        self._end(level - 1)
        self._add("}")

    def _ordered(self, entries: dict[Any, Any]) -> list[tuple[Any, Any]]:
        """Return the entries as they are now: a rule's function may change the dict."""
        self._meter.items(2 * len(entries))
        if not self._sort_keys:
            return list(entries.items())
        keys = list(entries)
        sort_list(self._meter, keys)
        return [(key, entries[key]) for key in keys]

    def _key(self, key: Any) -> str | None:
        if isinstance(key, str):
            return key
        if key is None or isinstance(key, int | float):
            return self._plain(key)
        if self._skip_keys:
            return None
        raise TypeError(f"keys must be str, int, float, bool or None, not {type_name(key)}")

    def _begin(self, separator: str, level: int) -> None:
        self._add(separator)
        self._end(level)

    def _end(self, level: int) -> None:
        if self._indent is not None:
            self._meter.charge(3)
            self._add(self._new_line(level))

    def _new_line(self, level: int) -> str:
        while len(self._new_lines) <= level:
            size = len(self._indent) * level + 1
            charged = self._meter.text(size, ascii_only=self._indent.isascii())
            self._new_lines.append(self._meter.made_text("\n" + self._indent * len(self._new_lines), charged))
        return self._new_lines[level]


# --- reading

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_LONG_NUMBERS = re.compile(r"(?<![0-9])[0-9]{50,}")
# Digits that Python turns into a number; it refuses more.
_MOST_DIGITS = 4_300
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


def read_json(
    meter: Meter,
    text: str,
    *,
    object_hook: Any,
    object_pairs_hook: Any,
    parse_float: Any,
    parse_int: Any,
    parse_constant: Any,
    strict: Any,
) -> Any:
    """Return the value that a text holds; raise JSONDecodeError where it holds none."""
    charged = _charge_reading(meter, text)
    held = 0
    hooks = (object_hook, object_pairs_hook, parse_float, parse_int, parse_constant)
    try:
        decoder = json.JSONDecoder(
            object_hook=_hook(meter, object_hook),
            object_pairs_hook=_hook(meter, object_pairs_hook),
            parse_float=_hook(meter, parse_float or None),
            parse_int=_hook(meter, parse_int or None),
            parse_constant=_hook(meter, parse_constant or None),
            strict=bool(strict),
        )
        value = decoder.decode(text)
        if hooks != (None,) * len(hooks):
            # What became of the parts is the rule's affair.
            held = charged
        elif len(text) >= BIG:
            held = _remember(meter, value)
        return value
    finally:
        meter.made(None, charged - held, 0)


def _charge_reading(meter: Meter, text: str) -> int:
    """Charge for reading a text; return the bytes charged, raise LimitExceeded where it nests too deep."""
    length = len(text)
    meter.charge(10 + (length >> 3))
    lists, dicts, commas, colons = (text.count(mark) for mark in "[{,:")
    meter.charge(_READ_COST * (lists + dicts + commas + colons) + (text.count("\\") >> 1) + (text.count('"') >> 1))
    # Floats take longer than other values, and Python's reading of a long number is quadratic.
    meter.charge(4 * text.count("."))
    for found in _LONG_NUMBERS.finditer(text):
        meter.charge(10 + (min(len(found.group()), _MOST_DIGITS) ** 2 >> 14))
    if lists + dicts > meter.limits.nesting:
        depth = deepest = 0
        for token in _TOKENS.findall(text):
            depth += _DEPTH.get(token, 0)
            deepest = max(deepest, depth)
        if deepest > meter.limits.nesting:
            raise LimitExceeded(f"a value nests more than {meter.limits.nesting} deep")
    size = text_size(length, ascii_only=text.isascii()) + ITEM_SIZE * (lists + commas) + ENTRY_SIZE * colons
    meter.allocate(size)
    return size


def _hook(meter: Meter, function: Any) -> Callable[..., Any] | None:
    if function is None:
        return None
    # Python finds out what cannot be called when it calls it.
    return lambda *arguments: as_callable(meter, function)(*arguments)


def _remember(meter: Meter, value: Any) -> int:
    """Have the meter remember the big values in what was read; return their bytes."""
    held = 0
    # Equal keys are one text.
    keys: set[str] = set()
    pending = [value]
    while pending:
        current = pending.pop()
        kind = type(current)
        if kind is list:
            size = ITEM_SIZE * len(current)
            pending += current
        elif kind is dict:
            size = ENTRY_SIZE * len(current)
            pending += current.values()
            long = [key for key in current if len(key) >= BIG and key not in keys]
            keys.update(long)
            pending += long
        elif kind is str:
            size = text_size(len(current), ascii_only=current.isascii())
        else:
            continue
        if size >= BIG:
            meter.made(current, size, size)
            held += size
    return held
