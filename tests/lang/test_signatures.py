"""Signatures of functions are those that `inspect` tells."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from dispatcher.lang.analysis.parameters import fits, of_python
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import MODULES

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "place",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "either",
    inspect.Parameter.KEYWORD_ONLY: "name",
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def functions() -> Iterator[Any]:
    """Yield all functions of the tables, and Python's methods behind them."""
    for owner, table in METHODS.items():
        for name, entry in table.items():
            yield entry.implementation
            if owner.__module__ in ("builtins", "datetime") and callable(getattr(owner, name, None)):
                yield getattr(owner, name)
    for value in (
        *(entry.value for entry in FUNCTIONS.values()),
        *(v for m in MODULES.values() for v in m.members.values()),
    ):
        implementation = getattr(value, "implementation", None)
        if implementation is not None:
            yield implementation


def told(function: Any) -> list[tuple[str, str, bool]] | None:
    """Return what `inspect` tells of a function, in the same form."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        (parameter.name, _KINDS[parameter.kind], parameter.default is not parameter.empty or parameter.kind in variable)
        for parameter in parameters
    ]


def test_signatures_are_those_that_inspect_tells() -> None:
    """Of every function of the tables, and of Python's method of that name, each parameter is read as it is."""
    for function in functions():
        found = of_python(function)
        plain = None if found is None else [(str(each.name), str(each.kind), each.optional) for each in found]
        assert plain == told(function), function


def _takers() -> list[Any]:
    return [
        lambda: None,
        lambda a, /: None,
        lambda a, b=1, /: None,
        lambda a, b=1: None,
        lambda *, a, b=1: None,
        lambda a, /, b, *, c: None,
        lambda a, /, **b: None,
        lambda a, *b: None,
        lambda a, b=1, *c, d, **e: None,
    ]


@pytest.mark.parametrize("index", range(len(_takers())))
def test_calls_fit_where_python_takes_them(index: int) -> None:
    """A call fits exactly where Python binds it."""
    function = _takers()[index]
    signature = of_python(function)
    assert signature is not None
    for given, names in product(range(4), [(), ("a",), ("b",), ("c",), ("a", "b"), ("b", "c"), ("a", "d"), ("z",)]):
        try:
            function(*range(given), **dict.fromkeys(names))
        except TypeError:
            expected = False
        else:
            expected = True
        assert fits(signature, given, names, more=False) == expected, (given, names)
