"""What Python makes of a value of each type: one sample of each is tried, so that nothing is said from memory.

A claim is made only where the types alone decide: every sample of the types that are possible must raise TypeError.
Samples are not empty, since Python looks into a collection only where there is something to look at.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import product
from types import FunctionType, NoneType
from typing import Any

from dispatcher.lang.analysis.facts import NOTHING, Fact, Kinds
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue

_SAMPLES: dict[type, Any] = {
    str: "a",
    int: 1,
    float: 1.0,
    bool: True,
    NoneType: None,
    list: [1],
    tuple: (1,),
    dict: {1: 1},
    set: {1},
    frozenset: frozenset({1}),
    range: range(1),
    slice: slice(0, 1),
    date: date(2000, 1, 1),
    datetime: datetime(2000, 1, 1),
    time: time(12),
    timedelta: timedelta(1),
    FunctionType: lambda: None,
    Builtin: len,
    BoundMethod: "a".upper,
    ModuleValue: operator,
}
# Those of which one sample speaks for all: what they hold does not decide what a function makes of them.
_SCALARS: Kinds = frozenset({str, int, float, bool, NoneType, FunctionType, Builtin, BoundMethod, ModuleValue})

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, container: value in container,
    "not in": lambda value, container: value not in container,
    "[]": operator.getitem,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "iter": iter,
    "hash": hash,
}
# Functions that take one value, of whose type alone it depends whether they can.
_OF_ONE_VALUE: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (
        *(abs, all, any, chr, enumerate, float, frozenset, int, len, list),
        *(max, min, ord, reversed, round, set, sorted, sum, tuple),
    )
}
# Methods of text that look into their argument, or at its value, before they judge its type.
_LOOKING_INSIDE = frozenset({"format", "format_map", "maketrans", "translate"})
_IMPOSSIBLE: Any = object()


def binary(op: str, left: Fact, right: Fact) -> Fact | None:
    """Return what is certain of `left op right`; None where it always raises TypeError."""
    if left.kinds is None or right.kinds is None:
        return NOTHING
    if op == "%" and str in left.kinds:
        # Whether a template fits depends on its fields.
        return Fact(frozenset({str})) if left.only(str) else NOTHING
    return _joined((_pair(op, a, b) for a, b in product(left.kinds, right.kinds)), settled=op not in ("**", "[]"))


def unary(op: str, value: Fact) -> Fact | None:
    """Return what is certain of an operation on one value, `iter` and `hash` among them; None where it always fails."""
    if value.kinds is None:
        return NOTHING
    return _joined((_single(op, kind) for kind in value.kinds), settled=op in _OPERATORS_OF_ONE)


_OPERATORS_OF_ONE = ("-", "+", "~")


def assignable(container: Fact, index: Fact) -> bool:
    """Tell whether an item of the container can be set for all that is known."""
    if container.kinds is None or index.kinds is None:
        return True
    return any(_assigned(a, b) is not _IMPOSSIBLE for a, b in product(container.kinds, index.kinds))


def callable_with(name: str, value: Fact) -> bool:
    """Tell whether the function `name` can take a single value, for all that is known."""
    if value.kinds is None or name not in _OF_ONE_VALUE or (name == "sum" and str in value.kinds):
        return True
    return any(_called(name, kind) is not _IMPOSSIBLE for kind in value.kinds)


def text_method_takes(name: str, arguments: tuple[Fact, ...]) -> bool:
    """Tell whether a method of text can take these arguments, for all that is known of their types."""
    if name in _LOOKING_INSIDE or any(fact.kinds is None or not fact.kinds <= _SCALARS for fact in arguments):
        return True
    combinations = product(*(sorted(fact.kinds or (), key=lambda kind: kind.__name__) for fact in arguments))
    return any(_text_method(name, kinds) is not _IMPOSSIBLE for kinds in combinations)


def _joined(results: Iterable[Any], *, settled: bool) -> Fact | None:
    """Return the fact of several possible results; only where they are `settled` do the types decide its type."""
    possible = [kind for kind in results if kind is not _IMPOSSIBLE]
    if not possible:
        return None
    return Fact(frozenset(possible)) if settled and None not in possible else NOTHING


@cache
def _pair(op: str, left: type, right: type) -> Any:
    if left not in _SAMPLES or right not in _SAMPLES:
        return None
    return _tried(_BINARY[op], _SAMPLES[left], _SAMPLES[right])


@cache
def _single(op: str, kind: type) -> Any:
    return _tried(_UNARY[op], _SAMPLES[kind]) if kind in _SAMPLES else None


@cache
def _called(name: str, kind: type) -> Any:
    return _tried(_OF_ONE_VALUE[name], _SAMPLES[kind]) if kind in _SAMPLES else None


@cache
def _assigned(container: type, index: type) -> Any:
    if container not in _SAMPLES or index not in _SAMPLES:
        return None
    sample = _SAMPLES[container]
    # What cannot be changed can be tried as it is.
    changeable = sample.copy() if isinstance(sample, list | dict | set) else sample
    return _tried(operator.setitem, changeable, _SAMPLES[index], [1])


@cache
def _text_method(name: str, kinds: tuple[type, ...]) -> Any:
    return _tried(getattr(str, name), "a", *(_SAMPLES[kind] for kind in kinds))


def _tried(function: Callable[..., Any], *values: Any) -> Any:
    """Return the type of a result, None where it depends on the values, _IMPOSSIBLE for a TypeError."""
    try:
        return type(function(*values))
    except TypeError:
        return _IMPOSSIBLE
    except (ArithmeticError, LookupError, ValueError):
        return None
