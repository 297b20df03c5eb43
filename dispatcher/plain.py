"""Any value of a rule -> plain Python data or JSON data, whatever its size, depth or kind."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, ItemsView, KeysView, ValuesView
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.formatting import plain_repr

MAX_DEPTH = 40
# json.dumps refuses longer numbers, as int -> text takes quadratic time.
MAX_NUMBER_BITS = 10_000
LONG_NUMBER_BITS = 1_024
# As many items as one description stands for.
DESCRIPTION_ITEMS = 200
_DESCRIPTION_LIMITS = Limits(steps=5_000)


class Room:
    """How much data may still be copied; what does not fit is told by its kind and size."""

    __slots__ = ("characters", "items")

    def __init__(self, items: int = 20_000, characters: int = 4_000_000) -> None:
        self.items = items
        self.characters = characters


def to_plain(value: Any, room: Room | None = None) -> Any:
    """Return a copy of `value` in plain Python data; what is no data becomes a text that describes it."""
    return _copy(value, MAX_DEPTH, room or Room(), json=False)


def to_json_safe(value: Any, room: Room | None = None) -> Any:
    """Return `value` as data that every JSON writer and reader takes: finite, UTF-8, with text keys.

    Several values that go into one document share a `room`.
    """
    return _copy(value, MAX_DEPTH, room or Room(), json=True)


def _copy(value: Any, depth: int, room: Room, *, json: bool) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _text(value, room) if json else value
    if kind is int:
        return _number(value, room) if json else value
    if kind is float:
        return value if not json or math.isfinite(value) else str(value)
    if isinstance(value, KeysView | ValuesView | ItemsView | deque):
        value = list(value)
    if isinstance(value, dict | list | tuple | set | frozenset):
        room.items -= len(value) + 1
        if depth <= 0 or room.items < 0:
            return "<nested too deep>" if depth <= 0 else f"<{kind.__name__} of {len(value)} items>"
        return _collection(value, lambda item: _copy(item, depth - 1, room, json=json), room, json=json)
    if kind in (date, datetime, time):
        return _moment(value) if json else value
    if kind in (timedelta, timezone, range) and not json:
        return value
    # Showing what is no data takes its time.
    room.items -= DESCRIPTION_ITEMS
    if room.items < 0:
        return f"<{kind.__name__}>"
    return _text(_describe(value), room) if json else _describe(value)


def _number(value: int, room: Room) -> Any:
    bits = value.bit_length()
    # Writing the digits of a number takes the square of their count.
    room.characters -= (bits >> 2) + (bits * bits >> 12 if bits > LONG_NUMBER_BITS else 0)
    return f"<number of {bits} bits>" if bits > MAX_NUMBER_BITS or room.characters < 0 else value


def _collection(value: Any, copy: Callable[[Any], Any], room: Room, *, json: bool) -> Any:
    if isinstance(value, dict):
        if json:
            return {_key(key, copy, room): copy(item) for key, item in value.items()}
        return {copy(key): copy(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        copied = [copy(item) for item in value]
        return sorted(copied, key=repr) if json else frozenset(copied) if isinstance(value, frozenset) else set(copied)
    items = [copy(item) for item in value]
    return items if json or isinstance(value, list) else tuple(items)


def _key(key: Any, copy: Callable[[Any], Any], room: Room) -> str:
    if type(key) is str:
        return _text(key, room)
    if key is None or type(key) is bool:
        return {None: "null", True: "true", False: "false"}[key]
    copied = copy(key)
    return copied if type(copied) is str else _text(str(copied), room)


def _text(value: str, room: Room) -> str:
    room.characters -= len(value)
    if room.characters < 0:
        return f"<text of {len(value)} characters>"
    # A lone surrogate cannot be written as UTF-8.
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _moment(value: date | datetime | time) -> str:
    try:
        return value.isoformat()
    except Exception:  # noqa: BLE001 - a time zone of the caller's may raise anything
        return f"<{type(value).__name__}>"


def _describe(value: Any) -> str:
    kind = type(value)
    if isinstance(value, str):
        return str.__str__(value)
    # Of a caller's own types, nothing is called.
    if kind.__module__.partition(".")[0] not in ("builtins", "datetime", "re", "dispatcher"):
        return f"<{kind.__name__}>"
    # An exception or a slice may hold values of any size and depth.
    try:
        text = plain_repr(Meter(_DESCRIPTION_LIMITS), value)
    except (Exception, LimitExceeded):  # noqa: BLE001 - whatever it is, it cannot be shown
        return f"<{kind.__name__}>"
    return text if len(text) <= 200 and " at 0x" not in text else f"<{kind.__name__}>"


def same(a: Any, b: Any) -> bool:
    """Tell whether two plain values are the same for a person: 1, 1.0 and True are not, at whatever depth."""
    if type(a) is not type(b) or a != b:
        return False
    if isinstance(a, dict):
        return all(same(value, b[key]) for key, value in a.items())
    return not isinstance(a, list | tuple) or all(map(same, a, b))
