"""The values of rules that are not plain data: functions, types, methods and modules of our tables.

None of them is a Python function, type or module that a program could walk from: each is a record that only the
operations of this package open. Functions written in rules are Python functions, made by the compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any, Final

from dispatcher.lang.budget import Meter

# What carries out a function of our tables: the meter comes first, then the rule's arguments.
Implementation = Callable[..., Any]


def named(implementation: Implementation, name: str) -> Implementation:
    """Give a function the name by which rules know it, for Python's messages about its arguments."""
    if isinstance(implementation, FunctionType):
        implementation.__qualname__ = name
    return implementation


class Builtin:
    """A function of the tables, as a value."""

    __slots__ = ("implementation", "name")

    def __init__(self, name: str, implementation: Implementation) -> None:
        self.name: Final = name
        self.implementation: Final = named(implementation, name)

    def __repr__(self) -> str:
        return f"<built-in function {self.name}>"


class TypeValue:
    """A type by its name: it makes values, tells them apart in `isinstance`, and has members of its own."""

    __slots__ = ("implementation", "members", "module", "name", "python_type")

    def __init__(
        self,
        name: str,
        python_type: type,
        implementation: Implementation,
        members: Mapping[str, Any] | None = None,
        module: str = "",
    ) -> None:
        self.name: Final = name
        self.python_type: Final = python_type
        self.implementation: Final = named(implementation, name)
        self.members: Final[Mapping[str, Any]] = members or {}
        self.module: Final = module

    def __repr__(self) -> str:
        return f"<class '{self.module + '.' if self.module else ''}{self.name}'>"


class BoundMethod:
    """A method of the tables together with its value, such as `msg.lower` without a call."""

    __slots__ = ("implementation", "name", "owner")

    def __init__(self, name: str, implementation: Implementation, owner: Any) -> None:
        self.name: Final = name
        self.implementation: Final = implementation
        self.owner: Final = owner

    def __repr__(self) -> str:
        return f"<built-in method {self.name} of {type(self.owner).__name__} object>"


class ModuleValue:
    """A module that rules may import: the members that the tables name, and nothing else."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self.name: Final = name
        self.members: Final = members

    def __repr__(self) -> str:
        return f"<module '{self.name}'>"


def as_callable(meter: Meter, function: Any) -> Callable[..., Any]:
    """Return what Python can call for a rule's function value; raise TypeError when it is none."""
    kind = type(function)
    if kind is FunctionType:
        return function  # type: ignore[no-any-return] # made by the compiler
    if kind is Builtin or kind is TypeValue:
        return partial(function.implementation, meter)
    if kind is BoundMethod:
        # Whether the method changes its value is not looked up here.
        meter.changed = True
        return partial(function.implementation, meter, function.owner)
    raise TypeError(f"'{type_name(function)}' object is not callable")


def type_name(value: Any) -> str:
    """Return the name that CPython has for the type of `value`."""
    names = {
        Builtin: "builtin_function_or_method",
        TypeValue: "type",
        BoundMethod: "builtin_function_or_method",
        ModuleValue: "module",
    }
    return names.get(type(value)) or type(value).__name__
