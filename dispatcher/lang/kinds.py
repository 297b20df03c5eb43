"""The functions that tell types apart, and the types that rules meet without a name for them."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType, GeneratorType, MethodDescriptorType, NoneType
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.iteration import SetTurns
from dispatcher.lang.sequences import Calls
from dispatcher.lang.values import (
    TYPES,
    BoundMethod,
    Builtin,
    Implementation,
    ModuleValue,
    TypeValue,
    UnionValue,
    is_callable,
    type_of,
)


def kind_of(_meter: Meter, value: Any, /) -> TypeValue:
    """`type(value)`."""
    return type_of(value)


def can_call(_meter: Meter, value: Any, /) -> bool:
    """`callable(value)`."""
    return is_callable(value)


def is_instance(meter: Meter, value: Any, kinds: Any, /) -> bool:
    """`isinstance(value, kinds)`."""
    wrong = "isinstance() arg 2 must be a type, a tuple of types, or a union"
    return any(isinstance(value, kind.python_type) for kind in _kinds(meter, kinds, wrong))


def is_subclass(meter: Meter, kind: Any, kinds: Any, /) -> bool:
    """`issubclass(kind, kinds)`."""
    if type(kind) is not TypeValue:
        raise TypeError("issubclass() arg 1 must be a class")
    wrong = "issubclass() arg 2 must be a class, a tuple of classes, or a union"
    return any(issubclass(kind.python_type, other.python_type) for other in _kinds(meter, kinds, wrong))


def _kinds(meter: Meter, kinds: Any, wrong: str) -> Iterator[TypeValue]:
    """Yield the types in `kinds` one by one, since those behind one that fits are not looked at."""
    pending = [kinds]
    while pending:
        kind = pending.pop()
        meter.charge(2)
        if type(kind) is TypeValue:
            yield kind
        elif type(kind) in (tuple, UnionValue):
            parts = kind if type(kind) is tuple else kind.types
            meter.charge(len(parts) >> 4)
            pending.extend(reversed(parts))
        else:
            raise TypeError(wrong)


# --- types that rules meet without a name for them


def _nothing(_meter: Meter, /) -> None:
    """`type(None)()`."""


def _cannot_make(name: str) -> Implementation:
    def make(_meter: Meter, /, *_arguments: Any, **_named: Any) -> Any:
        raise TypeError(f"cannot create '{name}' instances")

    return make


_ITERATED: tuple[Any, ...] = (
    *({}.keys(), {}.values(), {}.items(), iter({}), iter({}.values()), iter({}.items())),
    *(reversed({}), reversed({}.values()), reversed({}.items())),
    *(iter([]), reversed([]), iter(()), iter(""), iter("é"), iter(range(0)), iter(range(1 << 80))),
)

_NAMELESS: tuple[tuple[str, type], ...] = (
    ("function", FunctionType),
    ("builtin_function_or_method", Builtin),
    ("method_descriptor", MethodDescriptorType),
    ("module", ModuleValue),
    ("types.UnionType", UnionValue),
    ("generator", GeneratorType),
    ("callable_iterator", Calls),
    ("set_iterator", SetTurns),
    *((type(value).__name__, type(value)) for value in _ITERATED),
)

TypeValue("NoneType", NoneType, _nothing)
for _name, _kind in _NAMELESS:
    TypeValue(_name.rpartition(".")[2], _kind, _cannot_make(_name), module=_name.rpartition(".")[0])
# Python has one type for functions of its own and for methods that are bound to a value.
TYPES[BoundMethod] = TYPES[Builtin]
