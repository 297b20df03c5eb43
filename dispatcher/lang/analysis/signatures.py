"""How functions can be called: those of the tables, Python's own methods behind them, and those of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import BuiltinFunctionType
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.analysis.facts import Method
from dispatcher.lang.analysis.parameters import Kind, Parameter, Signature, fits, missing, of_python, skipping
from dispatcher.lang.diagnostics import near_repair
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.repairs import Help
from dispatcher.lang.source import Span
from dispatcher.lang.values import Builtin, TypeValue


def of_parameters(parameters: syntax.Parameters) -> Signature:
    """Return the signature of a function that a file defines."""
    found: list[Parameter] = []
    plain: Kind = "either"
    for item in parameters.items:
        if item.kind == "/":
            found = [Parameter(parameter.name, "place", parameter.optional) for parameter in found]
            continue
        if item.name:
            found.append(Parameter(item.name, item.kind or plain, item.default is not None or item.kind != ""))
        if item.kind == "*":
            plain = "name"
    return tuple(found)


def of_meaning(meaning: Any) -> list[Signature]:
    """Return the signatures that a call of a table's function or method has to fit; none where it may be called anyhow.

    An implementation that hands its arguments on says less than Python's own function of that name: both must fit.
    """
    if isinstance(meaning, Method):
        return [
            signature
            for owner in meaning.owners
            for signature in (
                _skipping(2, METHODS[owner][meaning.name].implementation),
                _of_python(owner, meaning.name),
                _UNTOLD.get((owner, meaning.name)),
            )
            if signature is not None
        ]
    if isinstance(meaning, Builtin | TypeValue):
        own = _skipping(1, meaning.implementation)
        entry = FUNCTIONS.get(meaning.name)
        if entry is None or entry.value is not meaning:
            return [own] if own is not None else []
        return [found for found in (own, _UNTOLD.get((None, meaning.name))) if found is not None]
    return []


def _of_python(owner: type, name: str) -> Signature | None:
    """Return the signature of a method of one of Python's types, without its value, where Python tells it."""
    if owner.__module__ not in ("builtins", "datetime"):
        return None
    function = getattr(owner, name, None)
    # A class method is bound to its type already.
    return _skipping(0 if isinstance(function, BuiltinFunctionType) else 1, function)


def shown(meaning: Any) -> str | None:
    """Return how a function or method of the tables is called, as the reference has it."""
    if isinstance(meaning, Method):
        owner = min(meaning.owners, key=lambda kind: kind.__name__)
        return f"x.{METHODS[owner][meaning.name].signature}"
    entry = FUNCTIONS.get(meaning.name) if isinstance(meaning, Builtin | TypeValue) else None
    return entry.signature if entry is not None and entry.value is meaning else None


def misfit(signatures: Iterable[Signature], arguments: tuple[syntax.Argument, ...]) -> tuple[str, Help | None] | None:
    """Return why a call with these arguments always fails, with what to do; None where it may succeed.

    How many values a `*` or a `**` stands for is not known.
    """
    given = sum(argument.kind == "" and argument.name is None for argument in arguments)
    named = {argument.name: argument.start for argument in arguments if argument.name is not None}
    starred = any(argument.kind for argument in arguments)
    for signature in signatures:
        if not fits(signature, given, named, more=starred):
            return _reason(signature, given, named, starred=starred)
    return None


def _reason(signature: Signature, given: int, named: Mapping[str, int], *, starred: bool) -> tuple[str, Help | None]:
    """Return why a call does not fit; `named` has the place of each argument that is given by name."""
    by_place = [p for p in signature if p.kind in ("place", "either")]
    by_name = [p.name for p in signature if p.kind in ("either", "name")]
    anything = {p.kind for p in signature}
    if "**" not in anything:
        for name, start in named.items():
            if name not in by_name:
                if name in (p.name for p in signature):
                    return f"takes `{name}` by its place only", f"leave out `{name}=`"
                return f"has no parameter `{name}`", near_repair(name, by_name, Span(start, start + len(name)))
    if given > len(by_place) and "*" not in anything:
        most = len(by_place)
        taken = "no values" if most == 0 else f"at most {most} value{'' if most == 1 else 's'}"
        return f"takes {taken}{' by place' if len(by_name) > most else ''}, not {given}", None
    left_out = [p for p in missing(signature, given, ()) if p.name not in named]
    if left_out and not starred:
        if left_out[0].kind == "place":
            least = sum(not p.optional for p in by_place)
            wanted = f"{'at least ' if len(by_place) > least else ''}{least} value{'' if least == 1 else 's'}"
            return f"needs {wanted}, not {given}", None
        return "needs " + " and ".join(f"`{p.name}`" for p in left_out) + (" too" if given or named else ""), None
    twice = next((p.name for p in by_place[:given] if p.name in named), "")
    return f"gets `{twice}` twice: by its place and by its name", None


@cache
def _skipping(count: int, function: Any) -> Signature | None:
    """Return the signature of a function of the tables or of Python behind its first parameters, where it tells one."""
    signature = of_python(function)
    return None if signature is None else skipping(count, signature)


def _values(least: int, most: int) -> Signature:
    """Return the signature that takes so many values by place."""
    return tuple(Parameter(name, "place", number >= least) for number, name in enumerate("abcdefgh"[:most]))


# Where neither Python nor an implementation tells how many values are taken.
_UNTOLD: dict[tuple[type | None, str], Signature] = {
    **{(str, name): _values(1, 3) for name in ("count", "endswith", "find", "index", "rfind", "rindex", "startswith")},
    **{(kind, "index"): _values(1, 3) for kind in (list, tuple)},
    **{(kind, "count"): _values(1, 1) for kind in (list, tuple, range)},
    (range, "index"): _values(1, 1),
    **{(dict, name): _values(0, 0) for name in ("clear", "copy", "items", "keys", "popitem", "values")},
    **{(set, name): _values(0, 0) for name in ("clear", "copy", "pop")},
    (frozenset, "copy"): _values(0, 0),
    (int, "conjugate"): _values(0, 0),
    (dict, "pop"): _values(1, 2),
    (str, "maketrans"): _values(1, 3),
    (None, "range"): _values(1, 3),
}
