"""One method or field of a value, and how Python's own become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, LENGTH, RESULT, MethodEntry
from dispatcher.lang.measuring import meet
from dispatcher.lang.values import Implementation, named

__all__ = ["MethodEntry", "field", "made_copy", "method", "plain", "small"]


def plain(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take Python's own method, which goes over the items of its value and makes nothing."""

    def method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(len(owner) >> 4)
        return function(owner, *arguments, **named)

    return MethodEntry(function.__name__, signature, LENGTH, doc, method)


def made_copy(function: Callable[..., Any], doc: str, size: int) -> MethodEntry:
    """Take Python's own `copy`; `size` is the bytes of one item."""

    def copy(meter: Meter, owner: Any, /) -> Any:
        meet(meter, owner, {})
        charged = meter.items(len(owner)) + len(owner) * (size - 8)
        meter.allocate(len(owner) * (size - 8))
        return meter.made(function(owner), charged, charged)

    return MethodEntry("copy", "copy()", RESULT, doc, named(copy, "copy"))


def small(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take Python's own method, which takes the same time whatever its value."""

    def method(_meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        return function(owner, *arguments, **named)

    return MethodEntry(function.__name__, signature, CONSTANT, doc, method)


def field(name: str, doc: str) -> MethodEntry:
    """Take a value that is read without a call."""

    def read(_meter: Meter, owner: Any, /) -> Any:
        return getattr(owner, name)  # the name is the table's, not the rule's

    return MethodEntry(name, name, CONSTANT, doc, read, field=True)


def method(name: str, signature: str, doc: str, implementation: Implementation, cost: str = CONSTANT) -> MethodEntry:
    """Take an implementation of ours."""
    return MethodEntry(name, signature, cost, doc, named(implementation, name))
