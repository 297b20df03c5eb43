"""The methods and fields of values, in one table for each type: name, signature, documentation, implementation.

A method that is not here does not exist. Most are Python's own, behind a charge for the size of their value; those
that make something bigger than what they get, or that take an iterable, ask the meter for the size first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import format_template
from dispatcher.lang.functions import sort_list
from dispatcher.lang.operations import VIEWS, collect, collect_pairs, contains, hashable, weigh
from dispatcher.lang.values import BoundMethod, Implementation, ModuleValue, TypeValue, as_callable, type_name


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """One method, or with `field` a value that is read without a call."""

    name: str
    signature: str
    doc: str
    implementation: Implementation
    field: bool = False


def _plain(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take Python's own method, whose result is not bigger than its value; charged by the value's length."""

    def method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        meter.allocate(len(owner))
        return function(owner, *arguments, **named)

    return MethodEntry(function.__name__, signature, doc, method)


def _small(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take Python's own method of a value that has no length."""

    def method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(1)
        return function(owner, *arguments, **named)

    return MethodEntry(function.__name__, signature, doc, method)


def _field(name: str, doc: str) -> MethodEntry:
    def read(_meter: Meter, owner: Any, /) -> Any:
        return getattr(owner, name)  # the name is the table's, not the rule's

    return MethodEntry(name, name, doc, read, field=True)


# --- text


def _text_join(meter: Meter, separator: str, iterable: Any, /) -> str:
    values = collect(meter, iterable)
    meter.text(sum(len(value) if type(value) is str else 0 for value in values) + len(separator) * len(values))
    return separator.join(values)


def _text_replace(meter: Meter, text: str, old: Any, new: Any, count: Any = -1, /) -> str:
    if type(old) is str and type(new) is str:
        found = text.count(old)
        meter.text(len(text) + max(0, len(new) - len(old)) * found)
    return text.replace(old, new, count)


def _text_split(name: str, function: Callable[..., Any]) -> Implementation:
    def split(meter: Meter, text: str, /, *arguments: Any, **named: Any) -> Any:
        separator = arguments[0] if arguments else named.get("sep")
        pieces = text.count(separator) + 1 if type(separator) is str and separator and name != "splitlines" else len(text) // 2 + 1
        meter.allocate(len(text) + 60 * pieces)
        return function(text, *arguments, **named)

    return split


def _text_pad(function: Callable[..., Any]) -> Implementation:
    def pad(meter: Meter, text: str, width: Any, /, *arguments: Any) -> Any:
        if isinstance(width, int):
            meter.text(max(len(text), width))
        return function(text, width, *arguments)

    return pad


def _text_expandtabs(meter: Meter, text: str, /, tabsize: Any = 8) -> str:
    if isinstance(tabsize, int):
        meter.text(len(text) + text.count("\t") * max(0, tabsize))
    return text.expandtabs(tabsize)


def _text_format(meter: Meter, template: str, /, *arguments: Any, **named: Any) -> str:
    return format_template(meter, template, arguments, named)


def _text_format_map(meter: Meter, template: str, mapping: Any, /) -> str:
    if not isinstance(mapping, dict):
        raise TypeError("format_map() argument must be a dict in rules")
    return format_template(meter, template, (), mapping)


def _text_translate(meter: Meter, text: str, table: Any, /) -> str:
    if not isinstance(table, dict):
        raise TypeError("translate() argument must be a dict in rules")
    longest = max((len(value) for value in table.values() if type(value) is str), default=1)
    meter.charge(len(table))
    meter.text(len(text) * max(1, longest))
    return text.translate(table)


def _text_maketrans(meter: Meter, _text: str, /, *arguments: Any) -> dict[int, Any]:
    for argument in arguments:
        meter.items(len(argument) if isinstance(argument, str | dict) else 1)
    return str.maketrans(*arguments)


def _method(name: str, signature: str, doc: str, implementation: Implementation) -> MethodEntry:
    return MethodEntry(name, signature, doc, implementation)


_TEXT = (
    _plain(str.capitalize, "capitalize()", "first character upper case, the rest lower case"),
    _plain(str.casefold, "casefold()", "lower case for comparing without regard to case"),
    _method("center", "center(width, fill=' ')", "padded on both sides", _text_pad(str.center)),
    _plain(str.count, "count(text, start, end)", "how often a text occurs"),
    _plain(str.endswith, "endswith(text, start, end)", "True when it ends with the text, or one of a tuple of texts"),
    _method("expandtabs", "expandtabs(tabsize=8)", "tabs as spaces", _text_expandtabs),
    _plain(str.find, "find(text, start, end)", "where a text first occurs, or -1"),
    _method("format", "format(*values, **named)", "the fields `{}` filled in", _text_format),
    _method("format_map", "format_map(mapping)", "the fields `{name}` filled in from a dict", _text_format_map),
    _plain(str.index, "index(text, start, end)", "where a text first occurs, or ValueError"),
    _plain(str.isalnum, "isalnum()", "True when all are letters or digits"),
    _plain(str.isalpha, "isalpha()", "True when all are letters"),
    _plain(str.isascii, "isascii()", "True when all are ASCII"),
    _plain(str.isdecimal, "isdecimal()", "True when all are decimal digits"),
    _plain(str.isdigit, "isdigit()", "True when all are digits"),
    _plain(str.isidentifier, "isidentifier()", "True when it can be a name"),
    _plain(str.islower, "islower()", "True when all letters are lower case"),
    _plain(str.isnumeric, "isnumeric()", "True when all are numeric"),
    _plain(str.isprintable, "isprintable()", "True when all can be printed"),
    _plain(str.isspace, "isspace()", "True when all are white space"),
    _plain(str.istitle, "istitle()", "True when words begin upper case"),
    _plain(str.isupper, "isupper()", "True when all letters are upper case"),
    _method("join", "join(texts)", "the texts with this one between them", _text_join),
    _method("ljust", "ljust(width, fill=' ')", "padded on the right", _text_pad(str.ljust)),
    _plain(str.lower, "lower()", "in lower case"),
    _plain(str.lstrip, "lstrip(characters)", "without white space on the left"),
    _method("maketrans", "maketrans(...)", "a table for translate", _text_maketrans),
    _plain(str.partition, "partition(text)", "before, the text, after"),
    _plain(str.removeprefix, "removeprefix(text)", "without the text at its start"),
    _plain(str.removesuffix, "removesuffix(text)", "without the text at its end"),
    _method("replace", "replace(old, new, count=-1)", "with old replaced by new", _text_replace),
    _plain(str.rfind, "rfind(text, start, end)", "where a text last occurs, or -1"),
    _plain(str.rindex, "rindex(text, start, end)", "where a text last occurs, or ValueError"),
    _method("rjust", "rjust(width, fill=' ')", "padded on the left", _text_pad(str.rjust)),
    _plain(str.rpartition, "rpartition(text)", "before, the last such text, after"),
    _method("rsplit", "rsplit(sep=None, maxsplit=-1)", "the parts, split from the right", _text_split("rsplit", str.rsplit)),
    _plain(str.rstrip, "rstrip(characters)", "without white space on the right"),
    _method("split", "split(sep=None, maxsplit=-1)", "the parts between white space or separators", _text_split("split", str.split)),
    _method("splitlines", "splitlines(keepends=False)", "the lines", _text_split("splitlines", str.splitlines)),
    _plain(str.startswith, "startswith(text, start, end)", "True when it begins with the text, or one of a tuple"),
    _plain(str.strip, "strip(characters)", "without white space at both ends"),
    _plain(str.swapcase, "swapcase()", "upper and lower case exchanged"),
    _plain(str.title, "title()", "words with a first upper case letter"),
    _method("translate", "translate(table)", "characters replaced by a table", _text_translate),
    _plain(str.upper, "upper()", "in upper case"),
    _method("zfill", "zfill(width)", "padded with zeros on the left", _text_pad(str.zfill)),
)  # fmt: skip


# --- lists and tuples


def _list_append(meter: Meter, owner: list[Any], value: Any, /) -> None:
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(16)
    owner.append(value)


def _list_extend(meter: Meter, owner: list[Any], iterable: Any, /) -> None:
    values = collect(meter, iterable)
    meter.items(len(owner) + len(values))
    owner.extend(values)


def _list_insert(meter: Meter, owner: list[Any], index: Any, value: Any, /) -> None:
    meter.charge(len(owner) >> 6)
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(16)
    owner.insert(index, value)


def _list_sort(meter: Meter, owner: list[Any], /, *, key: Any = None, reverse: Any = False) -> None:
    sort_list(meter, owner, key=key, reverse=reverse)


def _sequence_count(meter: Meter, owner: Any, value: Any, /) -> int:
    contains(meter, value, owner)
    return int(owner.count(value))


def _sequence_index(meter: Meter, owner: Any, value: Any, /, *bounds: Any) -> int:
    meter.charge(len(owner))
    weigh(meter, value)
    return int(owner.index(value, *bounds))


def _list_remove(meter: Meter, owner: list[Any], value: Any, /) -> None:
    meter.charge(len(owner))
    weigh(meter, value)
    owner.remove(value)


_SEQUENCE = (
    _method("count", "count(value)", "how often a value occurs", _sequence_count),
    _method("index", "index(value, start, end)", "where a value first occurs, or ValueError", _sequence_index),
)

_LIST = (
    *_SEQUENCE,
    _method("append", "append(value)", "adds a value at the end", _list_append),
    _plain(list.clear, "clear()", "removes all"),
    _plain(list.copy, "copy()", "a new list with the same values"),
    _method("extend", "extend(iterable)", "adds values at the end", _list_extend),
    _method("insert", "insert(index, value)", "adds a value before the index", _list_insert),
    _plain(list.pop, "pop(index=-1)", "removes a value and returns it"),
    _method("remove", "remove(value)", "removes the first such value", _list_remove),
    _plain(list.reverse, "reverse()", "turns the order round"),
    _method("sort", "sort(key=None, reverse=False)", "puts the values in order", _list_sort),
)


# --- dicts and sets


def _dict_get(meter: Meter, owner: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    return owner.get(hashable(meter, key), default)


def _dict_pop(meter: Meter, owner: dict[Any, Any], key: Any, /, *default: Any) -> Any:
    meter.charge(1)
    return owner.pop(hashable(meter, key), *default)


def _dict_setdefault(meter: Meter, owner: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(100)
    return owner.setdefault(hashable(meter, key), default)


def _dict_update(meter: Meter, owner: dict[Any, Any], pairs: Any = (), /, **named: Any) -> None:
    values = collect_pairs(meter, pairs)
    meter.items(len(owner) + len(values) + len(named))
    owner.update(values, **named)


_DICT = (
    _plain(dict.clear, "clear()", "removes all"),
    _plain(dict.copy, "copy()", "a new dict with the same entries"),
    _method("get", "get(key, default=None)", "the value of a key, or the default", _dict_get),
    _small(dict.items, "items()", "the pairs of key and value"),
    _small(dict.keys, "keys()", "the keys"),
    _method("pop", "pop(key, default)", "removes a key and returns its value", _dict_pop),
    _small(dict.popitem, "popitem()", "removes the last entry and returns it"),
    _method("setdefault", "setdefault(key, default=None)", "the value of a key, which is set if it is missing", _dict_setdefault),
    _method("update", "update(pairs, **named)", "takes over entries", _dict_update),
    _small(dict.values, "values()", "the values"),
)  # fmt: skip


def _set_add(meter: Meter, owner: set[Any], value: Any, /) -> None:
    if len(owner) >= meter.limits.items:
        meter.items(len(owner) + 1)
    meter.allocate(60)
    owner.add(hashable(meter, value))


def _set_operation(name: str, function: Callable[..., Any]) -> Implementation:
    def operation(meter: Meter, owner: Any, /, *others: Any) -> Any:
        sets = [other if isinstance(other, set | frozenset) else {hashable(meter, value) for value in collect(meter, other)} for other in others]
        meter.items(len(owner) + sum(map(len, sets)))
        return function(owner, *sets)

    operation.__name__ = name
    return operation


def _set_member(function: Callable[..., Any]) -> Implementation:
    def member(meter: Meter, owner: Any, value: Any, /) -> Any:
        meter.charge(1)
        return function(owner, hashable(meter, value))

    return member


_FROZENSET = (
    _plain(frozenset.copy, "copy()", "the same values"),
    *(
        _method(name, f"{name}({'*others' if many else 'other'})", doc, _set_operation(name, getattr(set, name)))
        for name, many, doc in (
            ("difference", True, "the values that are in none of the others"),
            ("intersection", True, "the values that are in all"),
            ("isdisjoint", False, "True when no value is in both"),
            ("issubset", False, "True when all values are in the other"),
            ("issuperset", False, "True when all values of the other are here"),
            ("symmetric_difference", False, "the values that are in one only"),
            ("union", True, "the values of all"),
        )
    ),
)

_SET = (
    *(entry for entry in _FROZENSET if entry.name != "copy"),
    _plain(set.copy, "copy()", "a new set with the same values"),
    _method("add", "add(value)", "adds a value", _set_add),
    _plain(set.clear, "clear()", "removes all"),
    _method("discard", "discard(value)", "removes a value if it is there", _set_member(set.discard)),
    _small(set.pop, "pop()", "removes a value and returns it"),
    _method("remove", "remove(value)", "removes a value, or KeyError", _set_member(set.remove)),
    *(
        _method(name, f"{name}(*others)", doc, _set_operation(name, getattr(set, name)))
        for name, doc in (
            ("difference_update", "removes the values of the others"),
            ("intersection_update", "keeps only values that are in all"),
            ("symmetric_difference_update", "keeps the values that are in one only"),
            ("update", "adds the values of the others"),
        )
    ),
)


# --- numbers


_INT = (
    _small(int.bit_length, "bit_length()", "how many bits the number has"),
    _small(int.bit_count, "bit_count()", "how many bits are 1"),
)
_FLOAT = (_small(float.is_integer, "is_integer()", "True when there is no fraction"),)


# --- dates and times


def _strftime(meter: Meter, owner: Any, spec: Any, /) -> str:
    if type(spec) is not str:
        raise TypeError(f"strftime() argument 1 must be str, not {type_name(spec)}")
    meter.text(len(spec) * 20)
    return str(owner.strftime(spec))


_DATE = (
    _field("year", "the year"),
    _field("month", "the month, from 1"),
    _field("day", "the day of the month, from 1"),
    _small(date.weekday, "weekday()", "0 for Monday to 6 for Sunday"),
    _small(date.isoweekday, "isoweekday()", "1 for Monday to 7 for Sunday"),
    _small(date.isoformat, "isoformat()", "as YYYY-MM-DD"),
    _small(date.toordinal, "toordinal()", "days since the year 1"),
    _small(date.replace, "replace(year, month, day)", "with some parts replaced"),
    _method("strftime", "strftime(format)", "as text by a format", _strftime),
)
_TIME_FIELDS = (
    _field("hour", "the hour, 0 to 23"),
    _field("minute", "the minute"),
    _field("second", "the second"),
    _field("microsecond", "the microsecond"),
    _field("tzinfo", "the time zone, or None"),
)
_TIME = (
    *_TIME_FIELDS,
    _small(time.isoformat, "isoformat(timespec='auto')", "as HH:MM:SS"),
    _small(time.replace, "replace(hour, minute, second)", "with some parts replaced"),
    _method("strftime", "strftime(format)", "as text by a format", _strftime),
)
_DATETIME = (
    *(entry for entry in _DATE if entry.name not in ("isoformat", "replace")),
    *_TIME_FIELDS,
    _small(datetime.isoformat, "isoformat(sep='T', timespec='auto')", "as YYYY-MM-DDTHH:MM:SS"),
    _small(datetime.replace, "replace(year, month, ..., tzinfo)", "with some parts replaced"),
    _small(datetime.date, "date()", "the date alone"),
    _small(datetime.time, "time()", "the time alone"),
    _small(datetime.timestamp, "timestamp()", "seconds since 1970"),
    _small(datetime.astimezone, "astimezone(tz)", "the same moment in another time zone"),
)
_TIMEDELTA = (
    _field("days", "whole days"),
    _field("seconds", "seconds beside the days"),
    _field("microseconds", "microseconds beside the seconds"),
    _small(timedelta.total_seconds, "total_seconds()", "the whole length in seconds"),
)


def _table(entries: tuple[MethodEntry, ...]) -> Mapping[str, MethodEntry]:
    return {entry.name: entry for entry in entries}


METHODS: dict[type, Mapping[str, MethodEntry]] = {
    str: _table(_TEXT),
    list: _table(_LIST),
    tuple: _table(_SEQUENCE),
    range: _table(_SEQUENCE),
    dict: _table(_DICT),
    set: _table(_SET),
    frozenset: _table(_FROZENSET),
    int: _table(_INT),
    bool: _table(_INT),
    float: _table(_FLOAT),
    date: _table(_DATE),
    time: _table(_TIME),
    datetime: _table(_DATETIME),
    timedelta: _table(_TIMEDELTA),
    timezone: {},
    **{view: {} for view in VIEWS},
}

# Methods that change their value in place: behind them, a ticket variable may hold something else.
MUTATORS = frozenset(
    {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update", "add", "discard", "difference_update", "intersection_update", "symmetric_difference_update"}
)  # fmt: skip


def find(owner: Any, name: str) -> MethodEntry | None:
    """Return the method or field `name` of the value `owner`, or None."""
    table = METHODS.get(type(owner))
    return table.get(name) if table is not None else None


def attribute(meter: Meter, owner: Any, name: str) -> Any:
    """Return `owner.name`: a module's member, a field, or a method bound to its value."""
    if type(owner) is ModuleValue or type(owner) is TypeValue:
        return member(owner, name)
    entry = find(owner, name)
    if entry is None:
        raise AttributeError(f"'{type_name(owner)}' object has no attribute '{name}'")
    return entry.implementation(meter, owner) if entry.field else BoundMethod(name, entry.implementation, owner)


def member(owner: ModuleValue | TypeValue, name: str) -> Any:
    """Return the member `name` of a module or a type; of a type also its methods, which take the value first."""
    if name in owner.members:
        return owner.members[name]
    if type(owner) is TypeValue:
        entry = METHODS.get(owner.python_type, {}).get(name)
        if entry is not None and not entry.field:
            return BoundMethod(name, _unbound(owner, entry), owner)
        raise AttributeError(f"type object '{owner.name}' has no attribute '{name}'")
    raise AttributeError(f"module '{owner.name}' has no attribute '{name}'")


def _unbound(owner: TypeValue, entry: MethodEntry) -> Implementation:
    def call_unbound(meter: Meter, _owner: TypeValue, /, *arguments: Any, **named: Any) -> Any:
        if entry.name == "maketrans":
            return entry.implementation(meter, "", *arguments, **named)
        if not arguments or not isinstance(arguments[0], owner.python_type):
            raise TypeError(f"descriptor '{entry.name}' for '{owner.name}' objects doesn't apply to a '{type_name(arguments[0]) if arguments else 'missing'}' object")
        return entry.implementation(meter, *arguments, **named)

    return call_unbound


def method_caller(name: str) -> Implementation:
    """Return a function that calls the method `name` of whatever value it is given."""
    implementations = {kind: table[name].implementation for kind, table in METHODS.items() if name in table and not table[name].field}

    def call_method(meter: Meter, owner: Any, /, *arguments: Any, **named: Any) -> Any:
        implementation = implementations.get(type(owner))
        if implementation is not None:
            return implementation(meter, owner, *arguments, **named)
        return as_callable(meter, attribute(meter, owner, name))(*arguments, **named)

    return call_method

