"""Dataclasses as this package uses them, at a tenth of the time that the standard library takes to make one.

`dataclass`, `field` and `replace` mean what they mean in `dataclasses`. That module writes the methods of each class as
text and compiles it, and imports `inspect` for it. Here the methods of all classes are the same few functions, and
`__init__` is compiled once for each shape of a signature: a class gets the code with its own names in it.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, dataclass_transform, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_MISSING: Any = object()


class _Field:
    """What is known of a field: its default or what makes that, whether `__init__` takes it, and only by its name."""

    __slots__ = ("default", "factory", "init", "named")

    def __init__(self, default: Any, factory: Callable[[], Any] | None, *, init: bool) -> None:
        self.default = default
        self.factory = factory
        self.init = init
        self.named = False


@overload
def field(*, default_factory: Callable[[], T]) -> T: ...
@overload
def field(*, init: Literal[False]) -> Any: ...
def field(*, default_factory: Callable[[], Any] | None = None, init: bool = True) -> Any:
    """Return what stands for a default that is made anew for each object, or for a field that `__post_init__` sets."""
    return _Field(_MISSING, default_factory, init=init)


@dataclass_transform(field_specifiers=(field,))
def dataclass(
    *,
    slots: Literal[True],  # noqa: ARG001 - said as in `dataclasses`, where it is not the default
    frozen: bool = False,
    eq: bool = True,
    kw_only: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Return a decorator that makes a class, always with slots, of one that names its fields."""
    return lambda cls: _made(cls, frozen=frozen, eq=eq, kw_only=kw_only)


def replace(record: T, /, **changes: Any) -> T:
    """Return a copy of an object with some fields changed."""
    fields: Mapping[str, _Field] = type(record).__record_fields__  # type: ignore[attr-defined] # as made below
    parts = {name: getattr(record, name) for name, found in fields.items() if found.init}
    return type(record)(**parts | changes)


# --- making a class


def _made(cls: type[T], *, frozen: bool, eq: bool, kw_only: bool) -> type[T]:
    namespace = dict(vars(cls))
    own = tuple(namespace.get("__annotations__", ()))
    fields: dict[str, _Field] = dict(getattr(cls, "__record_fields__", {}))
    for name in own:
        default = namespace.pop(name, _MISSING)
        fields[name] = default if isinstance(default, _Field) else _Field(default, None, init=True)
        fields[name].named = kw_only
    for name in ("__dict__", "__weakref__"):
        namespace.pop(name, None)
    namespace["__qualname__"] = cls.__qualname__
    namespace["__slots__"] = own
    namespace["__record_fields__"] = fields
    namespace["__match_args__"] = tuple(name for name, found in fields.items() if found.init and not found.named)
    namespace.setdefault("__repr__", _repr)
    if frozen:
        namespace["__setattr__"] = _refuse_set
        namespace["__delattr__"] = _refuse_delete
    if eq and fields:
        namespace["__record_values__"] = attrgetter(*fields)
        namespace["__eq__"] = _equal
        namespace["__hash__"] = _hash if frozen else None
    kind: Any = type(cls)
    made = kind(cls.__name__, cls.__bases__, namespace)
    made.__init__ = _init(made, fields)
    return cast("type[T]", made)


def _init(cls: type, fields: Mapping[str, _Field]) -> FunctionType:
    positional = [name for name, found in fields.items() if found.init and not found.named]
    named = [name for name, found in fields.items() if found.init and found.named]
    names = (*positional, *named)
    factories = tuple(index for index, name in enumerate(names) if fields[name].factory is not None)
    code = _code(len(positional), len(named), factories, finished=hasattr(cls, "__post_init__"))
    # The slots themselves set the fields, since assigning to a frozen object raises.
    scope: dict[str, Any] = {f"set{index}": getattr(cls, name).__set__ for index, name in enumerate(names)}
    scope |= {f"make{index}": fields[names[index]].factory for index in factories}
    scope["MISSING"] = _MISSING
    init = FunctionType(
        code.replace(co_varnames=("self", *names), co_qualname=f"{cls.__qualname__}.__init__"), scope, "__init__"
    )
    optional = {name: found.default for name, found in fields.items() if found.factory or found.default is not _MISSING}
    init.__defaults__ = tuple(optional[name] for name in positional if name in optional)
    init.__kwdefaults__ = {name: optional[name] for name in named if name in optional}
    return init


@cache
def _code(positional: int, named: int, factories: tuple[int, ...], *, finished: bool) -> CodeType:
    """Return the code of an `__init__` with so many arguments, for some of which a default is made."""
    arguments = [f"a{index}" for index in range(positional + named)]
    star = ["*"] if named else []
    lines = [f"def __init__({', '.join(['self', *arguments[:positional], *star, *arguments[positional:]])}):"]
    for index, argument in enumerate(arguments):
        value = f"make{index}() if {argument} is MISSING else {argument}" if index in factories else argument
        lines.append(f" set{index}(self, {value})")
    lines.append(" self.__post_init__()" if finished else " return")
    module = compile("\n".join(lines), "<record>", "exec", dont_inherit=True)
    return next(constant for constant in module.co_consts if isinstance(constant, CodeType))


# --- the methods of all classes


def _repr(self: Any) -> str:
    parts = [f"{name}={getattr(self, name)!r}" for name in self.__record_fields__]
    return f"{type(self).__qualname__}({', '.join(parts)})"


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return type(self).__record_values__(self) == type(self).__record_values__(other)


def _hash(self: Any) -> int:
    return hash(type(self).__record_values__(self))


def _refuse_set(self: Any, name: str, _value: object) -> None:
    raise AttributeError(f"cannot assign to `{name}` of a frozen {type(self).__name__}")


def _refuse_delete(self: Any, name: str) -> None:
    raise AttributeError(f"cannot delete `{name}` of a frozen {type(self).__name__}")
