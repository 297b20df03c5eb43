"""What functions and methods of the tables return, as far as it is always of one type."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from types import NoneType
from typing import Any

from dispatcher.lang.analysis.facts import NOTHING, Fact, Letters, Method, of_type
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.regex import Match, Pattern
from dispatcher.lang.values import TypeValue

_IN_PLACE = "add append clear difference_update discard extend insert intersection_update remove reverse sort \
    symmetric_difference_update update"

# Type of the value -> type of the result -> names of methods.
_METHODS: dict[type, dict[type, str]] = {
    str: {
        str: "capitalize casefold center expandtabs format format_map join ljust lower lstrip removeprefix \
            removesuffix replace rjust rstrip strip swapcase title translate upper zfill",
        bool: "endswith isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace \
            istitle isupper startswith",
        int: "count find index rfind rindex",
        list: "rsplit split splitlines",
        tuple: "partition rpartition",
    },
    list: {NoneType: _IN_PLACE, int: "count index", list: "copy"},
    tuple: {int: "count index"},
    range: {int: "count index"},
    dict: {NoneType: "clear update", dict: "copy"},
    set: {
        NoneType: _IN_PLACE,
        bool: "isdisjoint issubset issuperset",
        set: "copy difference intersection symmetric_difference union",
    },
    frozenset: {
        bool: "isdisjoint issubset issuperset",
        frozenset: "copy difference intersection symmetric_difference union",
    },
    int: {int: "bit_count bit_length"},
    float: {bool: "is_integer"},
    date: {
        int: "day isoweekday month toordinal weekday year",
        str: "ctime isoformat strftime",
        date: "replace",
    },
    time: {int: "hour microsecond minute second", str: "isoformat strftime", time: "replace"},
    datetime: {
        int: "day hour isoweekday microsecond minute month second toordinal weekday year",
        str: "ctime isoformat strftime",
        float: "timestamp",
        date: "date",
        time: "time timetz",
        datetime: "astimezone replace",
    },
    timedelta: {int: "days microseconds seconds", float: "total_seconds"},
    Match: {int: "end start", tuple: "groups span", dict: "groupdict", str: "expand"},
    Pattern: {str: "sub", tuple: "subn", list: "findall split"},
}
_OF_METHODS: dict[tuple[type, str], type] = {
    (owner, name): result
    for owner, results in _METHODS.items()
    for result, names in results.items()
    for name in names.split()
}

_FUNCTIONS: dict[type, str] = {
    bool: "all any isinstance",
    int: "len ord",
    str: "ascii chr format repr",
    list: "sorted",
    tuple: "divmod",
    NoneType: "print",
}
_MEMBERS: dict[type, str] = {
    str: "re.escape re.sub textwrap.dedent textwrap.fill textwrap.indent textwrap.shorten json.dumps",
    list: "re.findall re.split textwrap.wrap",
    tuple: "re.subn",
    Pattern: "re.compile",
}
_MEMBERS_OF_TYPES = {
    datetime: "combine fromisoformat fromtimestamp now strptime today utcnow",
    date: "fromisocalendar fromisoformat fromordinal today",
    time: "fromisoformat",
}
# Methods that leave the case of the letters as it is.
_KEEPING_LETTERS = frozenset({"lstrip", "removeprefix", "removesuffix", "rstrip", "strip"})
_GIVING_LETTERS: dict[str, Letters] = {"lower": "lower", "upper": "upper", "casefold": "casefold"}


def _of_functions() -> dict[int, type]:
    """Return the type of the result by the identity of the function, which is that of the table."""
    found = {id(FUNCTIONS[name].value): kind for kind, names in _FUNCTIONS.items() for name in names.split()}
    for kind, names in _MEMBERS.items():
        for module, _, name in (dotted.partition(".") for dotted in names.split()):
            if module in MODULES and name in MODULES[module].members:
                found[id(MODULES[module].members[name])] = kind
    for kind, names in _MEMBERS_OF_TYPES.items():
        members = MODULES["datetime"].members[kind.__name__].members
        found.update({id(members[name]): kind for name in names.split() if name in members})
    return found


_OF_FUNCTIONS = _of_functions()
# Functions whose result has values where their argument has.
_KEEPING_VALUES = {id(FUNCTIONS[name].value) for name in ("enumerate", "list", "reversed", "set", "sorted", "tuple")}


def of_function(function: Any, arguments: tuple[Fact, ...]) -> Fact:
    """Return what is certain of the result of a function or type of the tables, called with these arguments."""
    kind = function.python_type if isinstance(function, TypeValue) else _OF_FUNCTIONS.get(id(function))
    if kind is range:
        return Fact(frozenset({range}), filled=_counts(arguments))
    filled = id(function) in _KEEPING_VALUES and len(arguments) > 0 and arguments[0].filled
    return Fact(None if kind is None else frozenset({kind}), filled=filled)


def _counts(arguments: tuple[Fact, ...]) -> bool:
    """Tell whether a range with these arguments surely has numbers."""
    bounds = [fact.constant[0] for fact in arguments if fact.constant and type(fact.constant[0]) is int]
    if len(bounds) != len(arguments) or len(bounds) not in (1, 2):
        return False
    return bool(range(*bounds))


def of_method(method: Method, owner: Fact) -> Fact:
    """Return what is certain of the result of a method, or of a field, of a value."""
    kinds = {_OF_METHODS.get((kind, method.name)) for kind in method.owners}
    if None in kinds:
        return NOTHING
    known = frozenset(kind for kind in kinds if kind is not None)
    letters = _GIVING_LETTERS.get(method.name) or (owner.letters if method.name in _KEEPING_LETTERS else "")
    return Fact(known, letters=letters if method.owners == {str} else "")


def of_element(collection: Fact) -> Fact:
    """Return what is certain of the values that a loop over a collection gives."""
    if collection.only(str):
        return Fact(frozenset({str}), letters=collection.letters)
    return of_type(int) if collection.only(range) else NOTHING
