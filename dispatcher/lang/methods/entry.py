"""One method of a value, and how Python's own methods become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.values import Implementation, named


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """One method, or with `field` a value that is read without a call."""

    name: str
    signature: str
    doc: str
    implementation: Implementation
    field: bool = False


def plain(function: Callable[..., Any], signature: str, doc: str, size: int = 1) -> MethodEntry:
    """Take Python's own method, whose result is not bigger than its value; `size` is the bytes of one item."""

    def method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        meter.allocate(len(owner) * size)
        return function(owner, *arguments, **named)

    return MethodEntry(function.__name__, signature, doc, method)


def small(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take Python's own method of a value that has no length."""

    def method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(1)
        return function(owner, *arguments, **named)

    return MethodEntry(function.__name__, signature, doc, method)


def field(name: str, doc: str) -> MethodEntry:
    """Take a value that is read without a call."""

    def read(_meter: Meter, owner: Any, /) -> Any:
        return getattr(owner, name)  # the name is the table's, not the rule's

    return MethodEntry(name, name, doc, read, field=True)


def method(name: str, signature: str, doc: str, implementation: Implementation) -> MethodEntry:
    """Take an implementation of ours."""
    return MethodEntry(name, signature, doc, named(implementation, name))
