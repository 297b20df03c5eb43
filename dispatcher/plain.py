"""Any value of a rule -> plain Python data or JSON data, whatever its size, depth or kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

MAX_DEPTH = 40
MAX_ITEMS = 10_000
MAX_TEXT = 1_000_000
# json.dumps refuses longer numbers, as int -> text takes quadratic time.
MAX_NUMBER_BITS = 10_000


def to_plain(value: Any) -> Any:
    """Return a copy of `value` in plain Python data; what is no data becomes a text that describes it."""
    return _copy(value, MAX_DEPTH, [MAX_ITEMS], json=False)


def to_json_safe(value: Any) -> Any:
    """Return `value` as data that every JSON writer and reader takes: finite, UTF-8, with text keys."""
    return _copy(value, MAX_DEPTH, [MAX_ITEMS], json=True)


def _copy(value: Any, depth: int, room: list[int], *, json: bool) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _text(value) if json else value
    if kind is int:
        return f"<number of {value.bit_length()} bits>" if json and value.bit_length() > MAX_NUMBER_BITS else value
    if kind is float:
        return value if not json or math.isfinite(value) else str(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        room[0] -= len(value) + 1
        if depth <= 0 or room[0] < 0:
            return "<nested too deep>" if depth <= 0 else f"<{kind.__name__} of {len(value)} items>"
        return _collection(value, lambda item: _copy(item, depth - 1, room, json=json), json=json)
    if isinstance(value, datetime | date | time):
        return value.isoformat() if json else value
    if kind in (timedelta, timezone, range) and not json:
        return value
    return _text(_describe(value)) if json else _describe(value)


def _collection(value: Any, copy: Callable[[Any], Any], *, json: bool) -> Any:
    if isinstance(value, Mapping):
        if json:
            return {_key(key): copy(item) for key, item in value.items()}
        return {key: copy(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        if not json:
            return type(value)(value)
        return sorted((copy(item) for item in value), key=repr)
    items = [copy(item) for item in value]
    return items if json or isinstance(value, list) else tuple(items)


def _key(key: Any) -> str:
    if type(key) is str:
        return _text(key)
    if key is None or type(key) is bool:
        return {None: "null", True: "true", False: "false"}[key]
    copied = to_json_safe(key)
    return copied if type(copied) is str else str(copied)


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        value = value[:MAX_TEXT] + "..."
    # A lone surrogate cannot be written as UTF-8.
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _describe(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    text = repr(value)
    return text if len(text) <= 200 and " at 0x" not in text else f"<{type(value).__name__}>"
