"""`zoneinfo`: the time zones of the database that Python finds, and no file beside it."""

from __future__ import annotations

import posixpath
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, FunctionEntry
from dispatcher.lang.exceptions import exception_type
from dispatcher.lang.measuring import ENTRY_SIZE
from dispatcher.lang.modules.entry import ModuleEntry, function
from dispatcher.lang.values import TypeValue, type_name

# Steps for reading the rules of a zone, whether or not Python has them at hand.
_ZONE_COST = 2_000
_LONGEST_KEY = 64


@cache
def _keys() -> frozenset[str]:
    """Return the names of all zones, which are the same for every evaluation."""
    return frozenset(available_timezones())


def _zone(meter: Meter, key: Any) -> ZoneInfo:
    meter.charge(5)
    if type(key) is not str:
        raise TypeError(f"expected str, bytes or os.PathLike object, not {type_name(key)}")
    if key not in _keys():
        shown = key[:_LONGEST_KEY]
        if key.startswith(("/", "..")) or "\0" in shown or (key and posixpath.normpath(shown) != shown):
            raise ValueError(f"ZoneInfo keys must be normalized relative paths, got: {shown}")
        raise ZoneInfoNotFoundError(f"No time zone found with key {shown}")
    meter.charge(_ZONE_COST)
    return ZoneInfo(key)


def _available_timezones(meter: Meter, /) -> set[str]:
    keys = _keys()
    charged = meter.items(len(keys)) + len(keys) * ENTRY_SIZE
    meter.allocate(len(keys) * ENTRY_SIZE)
    made: set[str] = meter.made(set(keys), charged, charged)
    return made


ZONEINFO = ModuleEntry(
    "zoneinfo",
    "time zones by name",
    (
        FunctionEntry(
            "ZoneInfo",
            "ZoneInfo(key)",
            CONSTANT,
            "the time zone with a name such as Europe/London",
            TypeValue("ZoneInfo", ZoneInfo, _zone, module="zoneinfo"),
        ),
        FunctionEntry(
            "ZoneInfoNotFoundError",
            "ZoneInfoNotFoundError",
            CONSTANT,
            "raised for a name that the database does not have",
            exception_type(ZoneInfoNotFoundError, "zoneinfo"),
        ),
        function("available_timezones", "available_timezones()", CONSTANT, "all names", _available_timezones),
    ),
)
