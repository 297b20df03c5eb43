"""Any value of a rule -> plain Python data or JSON data, whatever its size, depth or kind."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import ItemsView, KeysView, Sequence, ValuesView
from datetime import date, datetime, time, timedelta, timezone
from types import NoneType
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
# Values that are their own copies.
_ATOMS = frozenset({NoneType, bool, int, float, str})
_PLAIN = frozenset({date, datetime, time, timedelta, timezone, range})
_SETS = (set, frozenset)
_COLLECTIONS = (dict, list, tuple, *_SETS)
_VIEWS = (KeysView, ValuesView, ItemsView, deque)
_MOMENTS = frozenset({date, datetime, time})


class Room:
    """How much data may still be copied; what does not fit is told by its kind and size."""

    __slots__ = ("characters", "items")

    def __init__(self, items: int = 20_000, characters: int = 4_000_000) -> None:
        self.items = items
        self.characters = characters


def to_plain(value: Any, room: Room | None = None) -> Any:
    """Return a copy of `value` in plain Python data; what is no data becomes a text that describes it."""
    return value if type(value) in _ATOMS else _plain(value, MAX_DEPTH, room or Room())


def to_json_safe(value: Any, room: Room | None = None) -> Any:
    """Return `value` as data that every JSON writer and reader takes: finite, UTF-8, with text keys.

    Several values that go into one document share a `room`.
    """
    return _json(value, MAX_DEPTH, room or Room())


def texts_to_json(texts: Sequence[str], room: Room) -> list[str]:
    """Return texts as `to_json_safe` gives each of them."""
    size = sum(map(len, texts))
    if size > room.characters or not all(map(str.isascii, texts)):
        return [_text(text, room) for text in texts]
    room.characters -= size
    return list(texts)


def _plain(value: Any, depth: int, room: Room) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    items = _items(value, depth, room)
    if items is None:
        return value if kind in _PLAIN else _described(value, room)
    if isinstance(items, dict):
        return {_plain(key, depth - 1, room): _plain(item, depth - 1, room) for key, item in items.items()}
    if isinstance(items, str):
        return items
    copied = [item if type(item) in _ATOMS else _plain(item, depth - 1, room) for item in items]
    if isinstance(items, list):
        return copied
    return tuple(copied) if isinstance(items, tuple) else set(copied) if isinstance(items, set) else frozenset(copied)


def _json(value: Any, depth: int, room: Room) -> Any:
    kind = type(value)
    if kind is str:
        return _text(value, room)
    if value is None or kind is bool:
        return value
    if kind is int:
        return _number(value, room)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    items = _items(value, depth, room)
    if items is None:
        return _moment(value) if kind in _MOMENTS else _described(value, room, json=True)
    if isinstance(items, dict):
        return {
            _text(key, room) if type(key) is str else _key(key, depth - 1, room): (
                item if item is None else _json(item, depth - 1, room)
            )
            for key, item in items.items()
        }
    if isinstance(items, str):
        return items
    if isinstance(items, _SETS):
        return sorted([_json(item, depth - 1, room) for item in items], key=repr)
    if set(map(type, items)) == {str}:
        return texts_to_json(items, room)
    return [_json(item, depth - 1, room) for item in items]


def _items(value: Any, depth: int, room: Room) -> Any:
    """Return the collection that stands for `value`, a text where there is no room for it, or None for what is none."""
    items = value
    if not isinstance(value, _COLLECTIONS):
        if not isinstance(value, _VIEWS):
            return None
        items = list(value)
    room.items -= len(items) + 1
    if depth <= 0:
        return "<nested too deep>"
    return items if room.items >= 0 else f"<{type(value).__name__} of {len(items)} items>"


def _number(value: int, room: Room) -> Any:
    bits = value.bit_length()
    # Writing the digits of a number takes the square of their count.
    room.characters -= (bits >> 2) + (bits * bits >> 12 if bits > LONG_NUMBER_BITS else 0)
    return f"<number of {bits} bits>" if bits > MAX_NUMBER_BITS or room.characters < 0 else value


def _key(key: Any, depth: int, room: Room) -> str:
    if key is None or type(key) is bool:
        return {None: "null", True: "true", False: "false"}[key]
    copied = _json(key, depth, room)
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


def _described(value: Any, room: Room, *, json: bool = False) -> str:
    # Showing what is no data takes its time.
    room.items -= DESCRIPTION_ITEMS
    if room.items < 0:
        return f"<{type(value).__name__}>"
    return _text(_describe(value), room) if json else _describe(value)


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
