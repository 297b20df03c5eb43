"""Fact: what is certain of a value before any rule runs, and how it is said to the author of a rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from types import FunctionType, NoneType
from typing import Any, Literal

from dispatcher.lang.records import dataclass, replace
from dispatcher.lang.regex import Match, Pattern
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue

Kinds = frozenset[type]
Letters = Literal["", "lower", "upper", "casefold"]

# A value that may be of more types than these is as good as unknown.
MOST_KINDS = 4
# Functions and their like, of which nothing but the name is a value of interest.
CALLABLES: Kinds = frozenset({FunctionType, Builtin, BoundMethod, TypeValue})
NUMBERS: Kinds = frozenset({int, float, bool})

_WORDS: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "True or False",
    NoneType: "None",
    list: "a list",
    tuple: "a tuple",
    dict: "a dict",
    set: "a set",
    frozenset: "a frozenset",
    range: "a range",
    slice: "a slice",
    date: "a date",
    datetime: "a date with time",
    time: "a time",
    timedelta: "a span of time",
    FunctionType: "a function",
    Builtin: "a function",
    BoundMethod: "a function",
    TypeValue: "a type",
    ModuleValue: "a module",
    Pattern: "a compiled pattern",
    Match: "a match",
}


@dataclass(frozen=True, slots=True)
class Method:
    """A method together with the types that its value may have."""

    name: str
    owners: Kinds


@dataclass(frozen=True, slots=True)
class Fact:
    """What is certain of a value; the default says nothing.

    `kinds` are the types it may have, None for any; `constant` holds its value where that is known; `meaning` is what
    a call of it calls; `letters` is the case that all its letters have; `filled` says that a collection is not empty.
    """

    kinds: Kinds | None = None
    constant: tuple[Any, ...] = ()
    meaning: Any = None
    letters: Letters = ""
    filled: bool = False

    def only(self, kind: type) -> bool:
        """Tell whether the value surely has this type."""
        return self.kinds == frozenset((kind,))


NOTHING = Fact()


def of_type(*kinds: type) -> Fact:
    """Return the fact that a value has one of these types."""
    return Fact(frozenset(kinds))


def of_constant(value: Any) -> Fact:
    """Return the fact of a value as written."""
    return Fact(frozenset({type(value)}), (value,), filled=isinstance(value, str) and value != "")


def of_table(value: Any) -> Fact:
    """Return the fact of what the tables hold by a name: a function, a type, a module or plain data."""
    if isinstance(value, Builtin | TypeValue | ModuleValue):
        return Fact(frozenset({type(value)}), meaning=value)
    return of_type(type(value)) if type(value) in _WORDS else NOTHING


def either(first: Fact, second: Fact) -> Fact:
    """Return what is certain of a value that is one of two."""
    if first == second:
        return first
    kinds = None if first.kinds is None or second.kinds is None else first.kinds | second.kinds
    return Fact(
        None if kinds is None or len(kinds) > MOST_KINDS else kinds,
        meaning=first.meaning if first.meaning is second.meaning else None,
        letters=first.letters if first.letters == second.letters else "",
        filled=first.filled and second.filled,
    )


def of_any_type(fact: Fact) -> Fact:
    """Return what is left of a fact where a condition may have chosen among the types."""
    return replace(NOTHING, letters=fact.letters)


def within(fact: Fact, kinds: Iterable[type]) -> bool:
    """Tell whether a value surely has one of these types."""
    return fact.kinds is not None and fact.kinds <= frozenset(kinds)


def words(fact: Fact) -> str:
    """Return the types of a value as a rule author calls them: "text", "a number or None"."""
    found = {_word(kind) for kind in fact.kinds or ()}
    return " or ".join(sorted(found, key=lambda word: (word == "None", word)))


def _word(kind: type) -> str:
    return _WORDS.get(kind) or ("an exception" if issubclass(kind, BaseException) else f"a `{kind.__name__}`")
