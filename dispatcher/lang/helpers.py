"""The functions that compiled rules call by a name of ours: operators, iteration, members, text, the meter."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dispatcher.lang import formatting, iteration, measuring, operations
from dispatcher.lang.budget import Meter
from dispatcher.lang.methods import attribute


def _left(_entered: None, value: Any, meter: Meter) -> Any:
    """End a lambda: its `enter` was the first argument."""
    meter.leave()
    return value


def _logged(log: Callable[[tuple[int, Any]], None], index: int, value: Any) -> Any:
    """Log the write of a walrus and return its value."""
    log((index, value))
    return value


def _effect_of(meter: Meter, value: Any) -> Any:
    """Note that a walrus binds a name of the file, and return its value."""
    meter.changed = True
    return value


def _join(meter: Meter, *parts: str) -> str:
    """Join the parts of an f-string."""
    meter.text(sum(map(len, parts)))
    return "".join(parts)


def _snapshot(meter: Meter, value: Any) -> Any:
    """Return a copy of a ticket variable that was changed in place, for the log."""
    copied = isinstance(value, dict | list | set)
    meter.charge(len(value) if copied else 1)
    return value.copy() if copied else value


def _update(sign: str) -> Callable[[Meter, Any, Any], Any]:
    return partial(operations.update_in_place, sign)


HELPERS: Mapping[str, Any] = {
    ".add": operations.add,
    ".subtract": operations.subtract,
    ".multiply": operations.multiply,
    ".power": operations.power,
    ".shift_left": operations.shift_left,
    ".percent": operations.percent,
    ".divide": operations.divide,
    ".floor_divide": operations.floor_divide,
    ".bit_or": operations.bit_or,
    ".bit_and": operations.bit_and,
    ".bit_xor": operations.bit_xor,
    ".extend": operations.extend_in_place,
    ".repeat": operations.repeat_in_place,
    ".update_or": _update("|"),
    ".update_and": _update("&"),
    ".update_xor": _update("^"),
    ".update_difference": _update("-"),
    ".equal": operations.equal,
    ".not_equal": operations.not_equal,
    ".less": operations.less,
    ".less_equal": operations.less_equal,
    ".greater": operations.greater,
    ".greater_equal": operations.greater_equal,
    ".identical": operator.is_,
    ".not_identical": operator.is_not,
    ".contains": operations.contains,
    ".not_contains": operations.not_contains,
    ".item": operations.item,
    ".store": operations.store_item,
    ".delete": operations.delete_item,
    ".hashable": measuring.hashable,
    ".iterate": iteration.iterate,
    ".collect": iteration.collect,
    ".collect_keys": iteration.collect_keys,
    ".mapping": iteration.mapping,
    ".spread": iteration.spread,
    ".spread_each": iteration.spread_each,
    ".unpacked": iteration.unpacked,
    ".call": operations.call,
    ".attribute": attribute,
    ".format": formatting.format_value,
    ".convert": formatting.convert,
    ".join": _join,
    ".left": _left,
    ".effect_of": _effect_of,
    ".logged": _logged,
    ".snapshot": _snapshot,
    ".slice": slice,
    ".Exception": Exception,
    ".locals": locals,
    ".enter": Meter.enter,
    ".leave": Meter.leave,
}
