"""How a function takes its arguments, and whether a call fits: what `inspect` tells, without the time to import it."""

from __future__ import annotations

from collections.abc import Collection
from types import FunctionType
from typing import Any, Literal, TypeAlias

from dispatcher.lang.records import dataclass

# By place only, by place or name, by name only; all that are left by place, and by name.
Kind: TypeAlias = Literal["place", "either", "name", "*", "**"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, and whether a call may leave it out."""

    name: str
    kind: Kind
    optional: bool = False


Signature: TypeAlias = tuple[Parameter, ...]


def of_python(function: Any) -> Signature | None:
    """Return the signature of a function of Python's or of ours, where it tells one."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if isinstance(function, FunctionType):
        return _of_code(function)
    text = getattr(function, "__text_signature__", None)
    if text is None:
        return None
    # A function that is bound to its module or type does not take that.
    bound = getattr(function, "__self__", None) is not None
    return _of_text(text, bound=bound)


def _of_code(function: FunctionType) -> Signature:
    code = function.__code__
    names = code.co_varnames
    count, named = code.co_argcount, code.co_kwonlyargcount
    required = count - len(function.__defaults__ or ())
    found = [
        Parameter(name, "place" if index < code.co_posonlyargcount else "either", index >= required)
        for index, name in enumerate(names[:count])
    ]
    rest = count + named
    if code.co_flags & 0x04:  # *arguments
        found.append(Parameter(names[rest], "*", optional=True))
        rest += 1
    defaults = function.__kwdefaults__ or {}
    found += [Parameter(name, "name", name in defaults) for name in names[count : count + named]]
    if code.co_flags & 0x08:  # **named
        found.append(Parameter(names[rest], "**", optional=True))
    return tuple(found)


def _of_text(text: str, *, bound: bool) -> Signature | None:
    """Return the signature that a function of C has as text, such as `($self, sep=None, /)`."""
    found: list[Parameter] = []
    kind: Kind = "either"
    for part in text.removeprefix("(").removesuffix(")").split(", "):
        name, _, default = part.partition("=")
        if name == "/":
            found = [Parameter(parameter.name, "place", parameter.optional) for parameter in found]
        elif name == "*":
            kind = "name"
        elif name.startswith("$"):
            if not bound:
                found.append(Parameter(name[1:], "place"))
        elif name.startswith("*"):
            stars: Kind = "**" if name.startswith("**") else "*"
            found.append(Parameter(name.lstrip("*"), stars, optional=True))
            kind = "name"
        elif name.isidentifier() and not default.startswith("<"):
            found.append(Parameter(name, kind, bool(default)))
        elif name:
            return None
    return tuple(found)


def skipping(count: int, signature: Signature) -> Signature:
    """Return the signature behind its first parameters by place."""
    while count and signature and signature[0].kind in ("place", "either"):
        signature = signature[1:]
        count -= 1
    return signature


def fits(signature: Signature, given: int, named: Collection[str], *, more: bool) -> bool:
    """Tell whether a call with so many values by place and these names succeeds; `more` values may follow."""
    by_place = [parameter for parameter in signature if parameter.kind in ("place", "either")]
    kinds = {parameter.kind for parameter in signature}
    if given > len(by_place) and "*" not in kinds:
        return False
    by_name = {parameter.name for parameter in signature if parameter.kind in ("either", "name")}
    filled = {parameter.name for parameter in by_place[:given] if parameter.kind == "either"}
    if any(name in filled or (name not in by_name and "**" not in kinds) for name in named):
        return False
    return more or not missing(signature, given, named)


def missing(signature: Signature, given: int, named: Collection[str]) -> list[Parameter]:
    """Return the parameters that a call with so many values by place and these names leaves out, and must not."""
    by_place = [parameter for parameter in signature if parameter.kind in ("place", "either")]
    return [
        parameter
        for parameter in signature
        if not parameter.optional
        and parameter not in by_place[:given]
        and (parameter.kind == "place" or parameter.name not in named)
    ]
