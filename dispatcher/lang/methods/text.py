"""The methods of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.formatting import format_template
from dispatcher.lang.iteration import collect
from dispatcher.lang.measuring import search, search_back
from dispatcher.lang.methods.entry import MethodEntry, method
from dispatcher.lang.values import Implementation


def _whole(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take a method that looks at every character, which takes its time beyond ASCII."""

    def look(meter: Meter, text: str, /, *arguments: Any) -> Any:
        plain = text.isascii()
        meter.charge(1 + (len(text) >> (7 if plain else 2)))
        # Beyond ASCII a character may become three, of four bytes each.
        meter.allocate(len(text) * (1 if plain else 12))
        return function(text, *arguments)

    return method(function.__name__, signature, doc, look)


def _text_join(meter: Meter, separator: str, iterable: Any, /) -> str:
    values = collect(meter, iterable)
    meter.text(sum(len(value) if type(value) is str else 0 for value in values) + len(separator) * len(values))
    return separator.join(values)


def _text_replace(meter: Meter, text: str, old: Any, new: Any, count: Any = -1, /) -> str:
    search(meter, text, old)
    if type(old) is str and type(new) is str:
        found = text.count(old)
        meter.text(len(text) + max(0, len(new) - len(old)) * found)
    return text.replace(old, new, count)


def _seeking(
    function: Callable[..., Any], charge: Callable[[Meter, str, Any], None], signature: str, doc: str
) -> MethodEntry:
    """Take a method that looks for its first argument."""

    def seek(meter: Meter, text: str, /, *arguments: Any) -> Any:
        charge(meter, text, arguments[0] if arguments else "")
        meter.allocate(len(text))
        return function(text, *arguments)

    return method(function.__name__, signature, doc, seek)


def _stripping(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take a method that compares characters of the text with those of its argument."""

    def strip(meter: Meter, text: str, /, *arguments: Any) -> Any:
        search_back(meter, text, arguments[0] if arguments else "")
        meter.allocate(len(text))
        return function(text, *arguments)

    return method(function.__name__, signature, doc, strip)


def _beginning(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    """Take a method that compares one end of the text with its argument, or with a tuple of texts."""

    def begin(meter: Meter, text: str, /, *arguments: Any) -> Any:
        wanted = arguments[0] if arguments else ""
        candidates = wanted if isinstance(wanted, tuple) else (wanted,)
        for candidate in candidates:
            meter.charge(1 + (len(candidate) >> 10) if type(candidate) is str else 1)
        return function(text, *arguments)

    return method(function.__name__, signature, doc, begin)


def _text_split(function: Callable[..., Any]) -> Implementation:
    charge = search_back if function is str.rsplit else search

    def split(meter: Meter, text: str, /, *arguments: Any, **named: Any) -> Any:
        separator = arguments[0] if arguments else named.get("sep")
        charge(meter, text, separator)
        if len(text) > meter.limits.items:
            meter.items(_most_pieces(text, separator, function))
        pieces = function(text, *arguments, **named)
        # A piece takes some 50 bytes beside its characters.
        meter.allocate(len(text) + 50 * len(pieces))
        return pieces

    return split


def _most_pieces(text: str, separator: Any, function: Callable[..., Any]) -> int:
    if function is str.splitlines:
        return 1 + sum(text.count(end) for end in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
    if type(separator) is str and separator:
        return text.count(separator) + 1
    return 1 + sum(text.count(space) for space in " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u2003\u3000")


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


TEXT = (
    _whole(str.capitalize, "capitalize()", "first character upper case, the rest lower case"),
    _whole(str.casefold, "casefold()", "lower case for comparing without regard to case"),
    method("center", "center(width, fill=' ')", "padded on both sides", _text_pad(str.center)),
    _seeking(str.count, search, "count(text, start, end)", "how often a text occurs"),
    _beginning(str.endswith, "endswith(text, start, end)", "True when it ends with the text, or one of a tuple"),
    method("expandtabs", "expandtabs(tabsize=8)", "tabs as spaces", _text_expandtabs),
    _seeking(str.find, search, "find(text, start, end)", "where a text first occurs, or -1"),
    method("format", "format(*values, **named)", "the fields `{}` filled in", _text_format),
    method("format_map", "format_map(mapping)", "the fields `{name}` filled in from a dict", _text_format_map),
    _seeking(str.index, search, "index(text, start, end)", "where a text first occurs, or ValueError"),
    _whole(str.isalnum, "isalnum()", "True when all are letters or digits"),
    _whole(str.isalpha, "isalpha()", "True when all are letters"),
    _whole(str.isascii, "isascii()", "True when all are ASCII"),
    _whole(str.isdecimal, "isdecimal()", "True when all are decimal digits"),
    _whole(str.isdigit, "isdigit()", "True when all are digits"),
    _whole(str.isidentifier, "isidentifier()", "True when it can be a name"),
    _whole(str.islower, "islower()", "True when all letters are lower case"),
    _whole(str.isnumeric, "isnumeric()", "True when all are numeric"),
    _whole(str.isprintable, "isprintable()", "True when all can be printed"),
    _whole(str.isspace, "isspace()", "True when all are white space"),
    _whole(str.istitle, "istitle()", "True when words begin upper case"),
    _whole(str.isupper, "isupper()", "True when all letters are upper case"),
    method("join", "join(texts)", "the texts with this one between them", _text_join),
    method("ljust", "ljust(width, fill=' ')", "padded on the right", _text_pad(str.ljust)),
    _whole(str.lower, "lower()", "in lower case"),
    _stripping(str.lstrip, "lstrip(characters)", "without white space on the left"),
    method("maketrans", "maketrans(...)", "a table for translate", _text_maketrans),
    _seeking(str.partition, search, "partition(text)", "before, the text, after"),
    _whole(str.removeprefix, "removeprefix(text)", "without the text at its start"),
    _whole(str.removesuffix, "removesuffix(text)", "without the text at its end"),
    method("replace", "replace(old, new, count=-1)", "with old replaced by new", _text_replace),
    _seeking(str.rfind, search_back, "rfind(text, start, end)", "where a text last occurs, or -1"),
    _seeking(str.rindex, search_back, "rindex(text, start, end)", "where a text last occurs, or ValueError"),
    method("rjust", "rjust(width, fill=' ')", "padded on the left", _text_pad(str.rjust)),
    _seeking(str.rpartition, search_back, "rpartition(text)", "before, the last such text, after"),
    method("rsplit", "rsplit(sep=None, maxsplit=-1)", "the parts, split from the right", _text_split(str.rsplit)),
    _stripping(str.rstrip, "rstrip(characters)", "without white space on the right"),
    method("split", "split(sep=None, maxsplit=-1)", "the parts between separators", _text_split(str.split)),
    method("splitlines", "splitlines(keepends=False)", "the lines", _text_split(str.splitlines)),
    _beginning(str.startswith, "startswith(text, start, end)", "True when it begins with the text, or one of a tuple"),
    _stripping(str.strip, "strip(characters)", "without white space at both ends"),
    _whole(str.swapcase, "swapcase()", "upper and lower case exchanged"),
    _whole(str.title, "title()", "words with a first upper case letter"),
    method("translate", "translate(table)", "characters replaced by a table", _text_translate),
    _whole(str.upper, "upper()", "in upper case"),
    method("zfill", "zfill(width)", "padded with zeros on the left", _text_pad(str.zfill)),
)  # fmt: skip
