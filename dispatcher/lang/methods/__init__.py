"""The methods and fields of values, in one table for each type: name, signature, documentation, implementation.

A method that is not here does not exist. Most are Python's own, behind a charge for the size of their value; those
that make something bigger than what they get, or that take an iterable, ask the meter for the size first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from json import JSONDecodeError
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher.lang.budget import Meter
from dispatcher.lang.collected import Counter, OrderedDict, defaultdict, deque
from dispatcher.lang.entries import MethodEntry
from dispatcher.lang.measuring import VIEWS
from dispatcher.lang.methods import collected, containers
from dispatcher.lang.methods.containers import DICT, FROZENSET, LIST, SEQUENCE, SET, SET_VIEW
from dispatcher.lang.methods.expressions import MATCH, PATTERN
from dispatcher.lang.methods.moments import DATE, DATETIME, ISO_CALENDAR, TIME, TIMEDELTA, TIMEZONE, ZONE
from dispatcher.lang.methods.numbers import (
    EXCEPTION,
    FLOAT,
    INT,
    OS_ERROR,
    RANGE,
    SLICE,
    STOP_ITERATION,
    SYSTEM_EXIT,
)
from dispatcher.lang.methods.records import JSON_ERROR, REGEX_ERROR, TEMPLATE
from dispatcher.lang.methods.text import TEXT
from dispatcher.lang.regex import Match, Pattern, RegexError
from dispatcher.lang.text_template import Template
from dispatcher.lang.values import BoundMethod, Implementation, ModuleValue, TypeValue, as_callable, deferred, type_name

__all__ = ["METHODS", "MUTATORS", "MethodEntry", "attribute", "find", "member", "method_caller", "method_finder"]


def _table(entries: tuple[MethodEntry, ...]) -> Mapping[str, MethodEntry]:
    return {entry.name: entry for entry in entries}


METHODS: dict[type, Mapping[str, MethodEntry]] = {
    str: _table(TEXT),
    list: _table(LIST),
    tuple: _table(SEQUENCE),
    range: _table((*SEQUENCE, *RANGE)),
    slice: _table(SLICE),
    dict: _table(DICT),
    set: _table(SET),
    frozenset: _table(FROZENSET),
    int: _table(INT),
    bool: _table(INT),
    float: _table(FLOAT),
    date: _table(DATE),
    time: _table(TIME),
    datetime: _table(DATETIME),
    timedelta: _table(TIMEDELTA),
    type(date.min.isocalendar()): _table(ISO_CALENDAR),
    timezone: _table(TIMEZONE),
    ZoneInfo: _table(ZONE),
    Template: _table(TEMPLATE),
    Pattern: _table(PATTERN),
    Match: _table(MATCH),
    Counter: _table(collected.COUNTER),
    OrderedDict: _table(collected.ORDERED),
    defaultdict: _table(collected.DEFAULTDICT),
    deque: _table(collected.DEQUE),
    **{view: {} for view in VIEWS},
    type({}.keys()): _table(SET_VIEW),
    type({}.items()): _table(SET_VIEW),
    BaseException: _table(EXCEPTION),
    StopIteration: _table(STOP_ITERATION),
    SystemExit: _table(SYSTEM_EXIT),
    OSError: _table(OS_ERROR),
    JSONDecodeError: _table(JSON_ERROR),
    RegexError: _table(REGEX_ERROR),
}

# Methods that change their value in place: behind them, a ticket variable may hold something else.
MUTATORS = containers.MUTATORS | collected.MUTATORS


def find(owner: Any, name: str) -> MethodEntry | None:
    """Return the method or field `name` of the value `owner`, or None."""
    kinds = type(owner).__mro__ if isinstance(owner, BaseException) else (type(owner),)
    return next((METHODS[kind][name] for kind in kinds if kind in METHODS and name in METHODS[kind]), None)


def attribute(meter: Meter, owner: Any, name: str) -> Any:
    """Return `owner.name`: a module's member, a field, or a method bound to its value."""
    if type(owner) is ModuleValue or type(owner) is TypeValue:
        return member(owner, name)
    entry = find(owner, name)
    if entry is None:
        raise AttributeError(f"'{type_name(owner)}' object has no attribute '{name}'")
    if entry.field:
        return entry.implementation(meter, owner)
    return BoundMethod(name, entry.implementation, owner)


def member(owner: ModuleValue | TypeValue, name: str) -> Any:
    """Return the member `name` of a module or a type; of a type also its methods, which take the value first."""
    if name in owner.members:
        return owner.members[name]
    if type(owner) is TypeValue:
        entry = METHODS.get(owner.python_type, {}).get(name)
        if entry is not None and not entry.field:
            return BoundMethod(name, _unbound(owner, entry), owner)
        raise AttributeError(f"type object '{owner.name}' has no attribute '{name}'")
    raise AttributeError(f"module '{owner.name}' has no attribute '{name}'")


def _unbound(owner: TypeValue, entry: MethodEntry) -> Implementation:
    def call_unbound(meter: Meter, _owner: TypeValue, /, *arguments: Any, **named: Any) -> Any:
        if entry.name == "maketrans":
            return entry.implementation(meter, "", *arguments, **named)
        meter.changed = meter.changed or entry.name in MUTATORS
        if not arguments or not isinstance(arguments[0], owner.python_type):
            given = type_name(arguments[0]) if arguments else "missing"
            raise TypeError(f"descriptor '{entry.name}' for '{owner.name}' objects doesn't apply to a '{given}' object")
        # What `dict.clear` leaves of an OrderedDict cannot be read any more, so that keeps its own methods.
        own = find(arguments[0], entry.name) if isinstance(arguments[0], OrderedDict) else None
        return (own or entry).implementation(meter, *arguments, **named)

    return call_unbound


def method_caller(name: str, *, plain: bool = False) -> Implementation:
    """Return a function that calls the method `name` of whatever value it is given; `plain` without arguments."""
    implementations, changes = _implementations(name)

    def call_method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        if changes:
            meter.changed = True
        implementation = implementations.get(type(owner))
        if implementation is not None:
            return implementation(meter, owner, *arguments, **named)
        return as_callable(meter, attribute(meter, owner, name))(*arguments, **named)

    def call_plain(meter: Meter, owner: Any, /) -> Any:
        implementation = implementations.get(type(owner))
        return call_method(meter, owner) if changes or implementation is None else implementation(meter, owner)

    return call_plain if plain else call_method


def method_finder(name: str) -> Callable[[Meter, Any], Callable[..., Any]]:
    """Return a function that finds the method `name` of whatever value it is given, for a call later on."""
    implementations, changes = _implementations(name)

    def find_method(meter: Meter, owner: Any, /) -> Callable[..., Any]:
        implementation = implementations.get(type(owner))
        if implementation is None:
            return deferred(meter, attribute(meter, owner, name))
        if changes:
            meter.changed = True
        return partial(implementation, meter, owner)

    return find_method


def _implementations(name: str) -> tuple[dict[type, Implementation], bool]:
    """Return what carries out the method `name` of each type that has it, and whether it changes its value."""
    methods = {
        kind: table[name].implementation for kind, table in METHODS.items() if name in table and not table[name].field
    }
    return methods, name in MUTATORS
