"""The functions that compiled rules call by a name of ours: operators, iteration, members, text, the meter."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dispatcher.lang import exceptions, formatting, iteration, measuring, operations, tallies
from dispatcher.lang.budget import Meter
from dispatcher.lang.methods import attribute
from dispatcher.lang.modules import textwrap_module
from dispatcher.lang.program import UNREAD, Variables
from dispatcher.lang.values import deferred


def _left(_entered: None, value: Any, meter: Meter) -> Any:
    """End a lambda: its `enter` was the first argument."""
    meter.leave()
    return value


def _logged(log: Callable[[tuple[int, int, Any]], None], statement: int, site: int, value: Any) -> Any:
    """Log the write of a walrus and return its value."""
    log((statement, site, value))
    return value


def _bound(variables: dict[str, Any], name: str, value: Any) -> Any:
    """Bind a variable of the file inside an expression and return its value."""
    variables[name] = value
    return value


def _changes(meter: Meter) -> None:
    """Note that a function binds names outside of it."""
    meter.changed = True


def _join(meter: Meter, *parts: str) -> str:
    """Join the parts of an f-string."""
    charged = meter.text(sum(map(len, parts)), ascii_only=all(map(str.isascii, parts)))
    return meter.made_text("".join(parts), charged)


def _snapshot(meter: Meter, value: Any) -> Any:
    """Return a copy of a ticket variable that was changed in place, for the log."""
    if isinstance(value, dict):
        return measuring.made_table(meter, value.copy(), measuring.charge_table(meter, len(value)))
    if type(value) is set:
        return measuring.made_table(meter, value.copy(), measuring.charge_table(meter, len(value)))
    return iteration.collect(meter, value) if isinstance(value, list | deque) else value


def _seen(meter: Meter, statement: int, site: int, value: Any) -> Any:
    """Tell the trace what an expression is, and return it, or what it shall be."""
    return meter.trace.see(statement, site, value)


def _first_item(meter: Meter, found: Any) -> Any:
    """Return `found[0]` of what `.lines` gave."""
    kind = type(found)
    return textwrap_module.first_line(found) if kind is textwrap_module.Lines else operations.item(meter, found, 0)


def _subject(meter: Meter, value: Any, copies: int, depth: int) -> Any:
    """Charge for the parts of patterns that copy what they match, `depth` values deep, and return the subject."""
    pending = [(value, depth)]
    while pending:
        current, left = pending.pop()
        if isinstance(current, list | tuple | deque | dict):
            meter.charge(2 + (copies * len(current) >> 2))
            meter.made(None, meter.items(len(current)), 0)
            if left > 1:
                parts = current.values() if isinstance(current, dict) else current
                pending += [(part, left - 1) for part in parts]
    return value


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
    ".negate": operations.negate,
    ".invert": operations.invert,
    ".shift_right": operations.shift_right,
    ".big": operations.big,
    ".plus": operations.plus,
    ".hashable": measuring.hashable,
    ".fresh_key": measuring.fresh_key,
    ".keyed": iteration.keyed,
    ".joined_list": iteration.joined_list,
    ".joined_tuple": iteration.joined_tuple,
    ".joined_set": iteration.joined_set,
    ".joined_dict": iteration.joined_dict,
    ".iterate": iteration.iterate,
    ".collect": iteration.collect,
    ".mapping": iteration.mapping,
    ".spread": iteration.spread,
    ".spread_each": iteration.spread_each,
    ".unpacked": iteration.unpacked,
    ".callable": deferred,
    ".attribute": attribute,
    ".format": formatting.format_value,
    ".convert": formatting.convert,
    ".join": _join,
    ".left": _left,
    ".changes": _changes,
    ".logged": _logged,
    ".bound": _bound,
    ".unread": UNREAD,
    ".Variables": Variables,
    ".len": len,
    ".isascii": str.isascii,
    ".small casefold": str.casefold,
    ".small lower": str.lower,
    ".small upper": str.upper,
    ".type": type,
    ".text": str,
    ".starts": str.startswith,
    ".ends": str.endswith,
    ".charge": Meter.charge,
    ".snapshot": _snapshot,
    ".slice": slice,
    ".counted": tallies.counted,
    ".lines": textwrap_module.lines,
    ".first_line": textwrap_module.first_line,
    ".first_item": _first_item,
    ".Catchable": exceptions.CATCHABLE,
    ".caught": exceptions.caught,
    ".matches": exceptions.matches,
    ".raised": exceptions.raised,
    ".handling": exceptions.handling,
    ".assertion": exceptions.assertion,
    ".undefined": exceptions.undefined,
    ".goes_on": exceptions.goes_on,
    ".subject": _subject,
    ".locals": locals,
    ".seen": _seen,
    ".enter": Meter.enter,
    ".leave": Meter.leave,
}
