"""The values of rules that are not plain data: functions, types, methods and modules of our tables.

None of them is a Python function, type or module that a program could walk from: each is a record that only the
operations of this package open. Functions written in rules are Python functions, made by the compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, MethodDescriptorType, NoneType
from typing import Any, Final

from dispatcher.lang.budget import Meter

# What carries out a function of our tables: the meter comes first, then the rule's arguments.
Implementation = Callable[..., Any]


def named(implementation: Implementation, name: str) -> Implementation:
    """Give a function the name by which rules know it, for Python's messages about its arguments."""
    if isinstance(implementation, FunctionType):
        implementation.__qualname__ = name
        implementation.__module__ = "builtins"
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
    """A type by its name: it makes values, tells them apart in `isinstance`, and has members of its own.

    The tables make one for each type of Python that rules can meet; TYPES finds it again.
    """

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
        TYPES[python_type] = self

    def __repr__(self) -> str:
        return f"<class '{self.full_name}'>"

    @property
    def full_name(self) -> str:
        """Return the name with that of its module."""
        return f"{self.module}.{self.name}" if self.module else self.name

    def __or__(self, other: Any) -> Any:
        return union(self, other)

    def __ror__(self, other: Any) -> Any:
        return union(other, self)


# What `type` gives: the tables fill it while they are made, and nothing does later.
TYPES: Final[dict[type, TypeValue]] = {}


class UnionValue:
    """Several types as one, such as `int | str`."""

    __slots__ = ("types",)

    def __init__(self, types: tuple[TypeValue, ...]) -> None:
        self.types: Final = types

    def __repr__(self) -> str:
        return " | ".join("None" if kind.python_type is NoneType else kind.full_name for kind in self.types)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnionValue) and set(self.types) == set(other.types)

    def __hash__(self) -> int:
        return hash(frozenset(self.types))

    def __or__(self, other: Any) -> Any:
        return union(self, other)

    def __ror__(self, other: Any) -> Any:
        return union(other, self)


def union(*values: Any) -> Any:
    """Return what `|` makes of types, unions of them and None: each type once; NotImplemented for other values."""
    types: list[TypeValue] = []
    for value in values:
        kind = type(value)
        if kind is not TypeValue and kind is not UnionValue and value is not None:
            return NotImplemented
        parts = (TYPES[NoneType],) if value is None else value.types if kind is UnionValue else (value,)
        types += [part for part in parts if part not in types]
    return types[0] if len(types) == 1 else UnionValue(tuple(types))


class BoundMethod:
    """A method of the tables together with its value, such as `msg.lower` without a call."""

    __slots__ = ("implementation", "name", "owner")

    def __init__(self, name: str, implementation: Implementation, owner: Any) -> None:
        self.name: Final = name
        self.implementation: Final = implementation
        self.owner: Final = owner

    @property
    def is_unbound(self) -> bool:
        """Tell whether it takes its value as the first argument, such as `str.lower`."""
        return type(self.owner) is TypeValue and self.name not in self.owner.members

    def __repr__(self) -> str:
        if self.is_unbound:
            return f"<method '{self.name}' of '{self.owner.full_name}' objects>"
        return f"<built-in method {self.name} of {type_name(self.owner)} object>"

    def __eq__(self, other: object) -> bool:
        return type(other) is BoundMethod and self.owner is other.owner and self.name == other.name

    def __hash__(self) -> int:
        return hash((id(self.owner), self.name))


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


def deferred(meter: Meter, function: Any) -> Callable[..., Any]:
    """Return what Python can call for a value that is only called later: there, a value that is no function fails."""
    if is_callable(function):
        return as_callable(meter, function)

    def fail(*_arguments: Any, **_named: Any) -> Any:
        return as_callable(meter, function)

    return fail


def is_callable(value: Any) -> bool:
    """Tell whether a rule can call `value`."""
    return type(value) in (FunctionType, Builtin, TypeValue, BoundMethod)


def type_of(value: Any) -> TypeValue:
    """Return the value by which rules know the type of `value`."""
    if type(value) is BoundMethod and value.is_unbound:
        return TYPES[MethodDescriptorType]
    for kind in type(value).__mro__:
        if kind in TYPES:
            return TYPES[kind]
    raise TypeError(f"rules have no name for the type '{type_name(value)}'")


def type_name(value: Any) -> str:
    """Return the name that CPython has for the type of `value`."""
    if type(value) is BoundMethod and value.is_unbound:
        return "method_descriptor"
    names = {
        Builtin: "builtin_function_or_method",
        TypeValue: "type",
        BoundMethod: "builtin_function_or_method",
        ModuleValue: "module",
        UnionValue: "types.UnionType",
    }
    return names.get(type(value)) or type(value).__name__


# What Python calls these types in its messages.
for _kind, _name in (
    (TypeValue, "type"),
    (UnionValue, "types.UnionType"),
    (Builtin, "builtin_function_or_method"),
    (BoundMethod, "builtin_function_or_method"),
    (ModuleValue, "module"),
):
    _kind.__name__ = _name
