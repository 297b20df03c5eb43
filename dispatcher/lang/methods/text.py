"""The methods of text. What needs bytes is left out: `encode`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.lang.budget import BIG, Meter
from dispatcher.lang.entries import LENGTH, RESULT, MethodEntry
from dispatcher.lang.format_fields import format_template
from dispatcher.lang.iteration import collect
from dispatcher.lang.measuring import ENTRY_SIZE, search, search_back
from dispatcher.lang.methods.entry import method
from dispatcher.lang.values import type_name

# Bytes of a short text beside its characters, with its place in a list.
_PIECE_SIZE = 64
# Characters of a text none of whose parts is remembered.
_SHORT = 2048
_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
_MORE_SPACES = (
    "\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def _made(meter: Meter, text: str, result: str, charged: int) -> str:
    """Return what a method made of `text`, which is the same text where there was nothing to do."""
    if result is text:
        meter.made(None, charged, 0)
        return result
    return meter.made_text(result, charged)


# --- methods that look at every character


def _tested(function: Callable[[str], bool], doc: str) -> MethodEntry:
    """Take a method that tells something of a text."""

    def test(meter: Meter, text: str, /) -> bool:
        meter.charge(len(text) >> 4)
        return function(text)

    return method(function.__name__, f"{function.__name__}()", doc, test, LENGTH)


def _cased(function: Callable[[str], str], doc: str, shift: int, beyond: int = 3) -> MethodEntry:
    """Take a method that replaces every character.

    `shift` tells how many of ASCII it does in a step, `beyond` how many others, both as powers of two.
    """

    least = 1 << shift

    def change(meter: Meter, text: str, /) -> str:
        if text.isascii():
            if len(text) < BIG:
                # The call pays for what is small.
                if least < BIG:
                    meter.charge(len(text) >> shift)
                return function(text)
            meter.charge(len(text) >> shift)
            return _made(meter, text, function(text), meter.text(len(text), ascii_only=True))
        meter.charge(len(text) >> beyond)
        # A character may become three, of four bytes each.
        charged = 12 * len(text)
        meter.allocate(charged, touched=2 * len(text))
        result = function(text)
        if len(result) > meter.limits.text:
            meter.text(len(result))
        return _made(meter, text, result, charged)

    return method(function.__name__, f"{function.__name__}()", doc, change, LENGTH)


# --- methods that look for a text


def _seeking(function: Callable[..., Any], charge: Callable[[Meter, str, Any], None], doc: str) -> MethodEntry:
    """Take a method that tells where its first argument stands, or how often."""

    def seek(meter: Meter, text: str, /, *arguments: Any) -> Any:
        charge(meter, text, arguments[0] if arguments else "")
        return function(text, *arguments)

    return method(function.__name__, f"{function.__name__}(text, start, end, /)", doc, seek, LENGTH)


def _partitioning(function: Callable[..., Any], charge: Callable[[Meter, str, Any], None], doc: str) -> MethodEntry:
    def part(meter: Meter, text: str, separator: Any, /) -> Any:
        charge(meter, text, separator)
        charged = meter.text(len(text), ascii_only=text.isascii())
        pieces = function(text, separator)
        meter.made(None, charged, 0)
        return _made_pieces(meter, text, pieces)

    return method(function.__name__, f"{function.__name__}(separator, /)", doc, part, LENGTH)


def _made_pieces(meter: Meter, text: str, pieces: Any) -> Any:
    if len(text) < _SHORT:
        # Steps pay for what is small: the pieces, too, of a text that is.
        meter.charge(len(text) >> 6 if text.isascii() else len(text) >> 4)
        return pieces
    for piece in pieces:
        # Each may outlive the others.
        if len(piece) >= BIG and piece is not text:
            meter.made_text(piece, 0)
    return pieces


def _stripping(function: Callable[..., Any], doc: str) -> MethodEntry:
    """Take a method that compares characters of the text with those of its argument."""

    def strip(meter: Meter, text: str, /, *characters: Any) -> Any:
        search_back(meter, text, characters[0] if characters else "")
        # Each character is looked for in the others.
        meter.charge(1 + (len(text) >> 6))
        charged = meter.text(len(text), ascii_only=text.isascii())
        return _made(meter, text, function(text, *characters), charged)

    return method(function.__name__, f"{function.__name__}(characters=None, /)", doc, strip, LENGTH)


def _beginning(function: Callable[..., Any], doc: str) -> MethodEntry:
    """Take a method that compares one end of the text with its argument, or with a tuple of texts."""

    def begin(meter: Meter, text: str, /, *arguments: Any) -> Any:
        wanted = arguments[0] if arguments else ""
        if type(wanted) is tuple:
            meter.charge(len(wanted))
        for candidate in wanted if type(wanted) is tuple else (wanted,):
            if type(candidate) is str and len(candidate) >= BIG:
                meter.charge(len(candidate) >> 8)
        return function(text, *arguments)

    return method(function.__name__, f"{function.__name__}(text, start, end, /)", doc, begin, LENGTH)


def _removing(function: Callable[..., Any], doc: str) -> MethodEntry:
    def remove(meter: Meter, text: str, end: Any, /) -> Any:
        charged = meter.text(len(text), ascii_only=text.isascii())
        return _made(meter, text, function(text, end), charged)

    return method(function.__name__, f"{function.__name__}(text, /)", doc, remove, LENGTH)


def _text_replace(meter: Meter, text: str, old: Any, new: Any, count: Any = -1, /) -> str:
    charged = 0
    if type(old) is str and type(new) is str:
        search(meter, text, old)
        found = text.count(old)
        if isinstance(count, int) and 0 <= count < found:
            found = count
        meter.charge(found >> 2)
        length = len(text) + max(0, len(new) - len(old)) * found
        charged = meter.text(length, ascii_only=text.isascii() and new.isascii())
    return _made(meter, text, text.replace(old, new, count), charged)


# --- methods that make pieces of a text, or a text of pieces


def _splitting(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    charge = search_back if function is str.rsplit else search

    def split(meter: Meter, text: str, /, sep: Any = None, maxsplit: Any = -1) -> Any:
        charge(meter, text, sep)
        return _pieces(meter, text, _separators(meter, text, sep), lambda: function(text, sep, maxsplit))

    return method(function.__name__, signature, doc, split, RESULT)


def _text_splitlines(meter: Meter, text: str, /, keepends: Any = False) -> Any:
    meter.charge(len(text) >> 6)
    return _pieces(meter, text, _count(meter, text, _LINE_ENDS), lambda: text.splitlines(keepends))


def _separators(meter: Meter, text: str, separator: Any) -> int:
    """Return how many separators there are at the most."""
    if type(separator) is str and separator:
        return text.count(separator)
    return _count(meter, text, _SPACES if text.isascii() else _SPACES + _MORE_SPACES)


def _count(meter: Meter, text: str, characters: str) -> int:
    if len(text) < BIG:
        return len(text)
    meter.charge(len(text) * len(characters) >> 9)
    if text.isascii():
        plain = text.encode()
        return len(plain) - len(plain.translate(None, characters.encode("ascii", "ignore")))
    return sum(map(text.count, characters))


def _pieces(meter: Meter, text: str, separators: int, function: Callable[[], list[str]]) -> list[str]:
    charged = meter.items(separators + 1)
    rest = (separators + 1) * (_PIECE_SIZE - 8) + len(text) * (1 if text.isascii() else 4)
    meter.allocate(rest)
    meter.charge(separators)
    pieces = function()
    meter.made(pieces, charged + rest, len(pieces) * _PIECE_SIZE)
    return _made_pieces(meter, text, pieces)  # type: ignore[no-any-return] # what it was given


def _text_join(meter: Meter, separator: str, iterable: Any, /) -> str:
    values = iterable if type(iterable) in (list, tuple) else collect(meter, iterable)
    meter.charge(len(values))
    charged = 0
    try:
        length = len(separator) * max(0, len(values) - 1) + sum(map(len, values))
        # Where there is little, room for any characters is reserved for a moment.
        ascii_only = length >= _SHORT and separator.isascii() and all(map(str.isascii, values))
        charged = meter.text(length, ascii_only=ascii_only)
        joined = separator.join(values)
    except (TypeError, OverflowError):
        # One is no text: Python's own error.
        meter.made(None, charged, 0)
        return separator.join(values)
    return meter.made_text(joined, charged)


# --- methods that pad


def _padding(function: Callable[..., Any], signature: str, doc: str) -> MethodEntry:
    def pad(meter: Meter, text: str, width: Any, /, *fill: Any) -> Any:
        charged = meter.text(max(len(text), width) if isinstance(width, int) else len(text))
        return _made(meter, text, function(text, width, *fill), charged)

    return method(function.__name__, signature, doc, pad, RESULT)


def _text_expandtabs(meter: Meter, text: str, /, tabsize: Any = 8) -> str:
    meter.charge(len(text) >> 5)
    width = text.count("\t") * max(0, tabsize) if isinstance(tabsize, int) else 0
    charged = meter.text(len(text) + width, ascii_only=text.isascii())
    return _made(meter, text, text.expandtabs(tabsize), charged)


# --- templates and tables


def _text_format(meter: Meter, template: str, /, *arguments: Any, **named: Any) -> str:
    return format_template(meter, template, arguments, named)


def _text_format_map(meter: Meter, template: str, mapping: Any, /) -> str:
    return format_template(meter, template, None, mapping)


def _text_translate(meter: Meter, text: str, table: Any, /) -> str:
    if not isinstance(table, dict | list | tuple | str | range):
        raise TypeError(f"'{type_name(table)}' object is not subscriptable")
    # Each character is looked up.
    meter.charge(len(text) + (0 if type(table) is range else len(table) >> 1))
    values = () if type(table) in (str, range) else table.values() if isinstance(table, dict) else table
    longest = max((len(value) for value in values if type(value) is str), default=1)
    charged = meter.text(len(text) * max(1, longest))
    return _made(meter, text, text.translate(table), charged)


def _text_maketrans(meter: Meter, _text: str, /, *arguments: Any) -> dict[int, Any]:
    count = sum(len(argument) for argument in arguments if isinstance(argument, str | dict))
    meter.charge(count)
    charged = meter.items(count) + count * (ENTRY_SIZE - 8)
    meter.allocate(count * (ENTRY_SIZE - 8))
    table = str.maketrans(*arguments)
    meter.made(table, charged, len(table) * ENTRY_SIZE)
    return table


TEXT = (
    _cased(str.capitalize, "first character upper case, the rest lower case", 4),
    _cased(str.casefold, "lower case for comparing without regard to case", 8),
    _padding(str.center, "center(width, fill=' ', /)", "padded on both sides"),
    _seeking(str.count, search, "how often a text occurs"),
    _beginning(str.endswith, "True when it ends with the text, or one of a tuple"),
    method("expandtabs", "expandtabs(tabsize=8)", "tabs as spaces", _text_expandtabs, RESULT),
    _seeking(str.find, search, "where a text first occurs, or -1"),
    method("format", "format(*values, **named)", "the fields `{}` filled in", _text_format, RESULT),
    method("format_map", "format_map(mapping, /)", "the fields `{name}` filled in", _text_format_map, RESULT),
    _seeking(str.index, search, "where a text first occurs, or ValueError"),
    _tested(str.isalnum, "True when all are letters or digits"),
    _tested(str.isalpha, "True when all are letters"),
    _tested(str.isascii, "True when all are ASCII"),
    _tested(str.isdecimal, "True when all are decimal digits"),
    _tested(str.isdigit, "True when all are digits"),
    _tested(str.isidentifier, "True when it can be a name"),
    _tested(str.islower, "True when all letters are lower case"),
    _tested(str.isnumeric, "True when all are numeric"),
    _tested(str.isprintable, "True when all can be printed"),
    _tested(str.isspace, "True when all are white space"),
    _tested(str.istitle, "True when words begin upper case"),
    _tested(str.isupper, "True when all letters are upper case"),
    method("join", "join(texts, /)", "the texts with this one between them", _text_join, RESULT),
    _padding(str.ljust, "ljust(width, fill=' ', /)", "padded on the right"),
    _cased(str.lower, "in lower case", 9, beyond=4),
    _stripping(str.lstrip, "without white space, or the characters, on the left"),
    method("maketrans", "maketrans(...)", "a table for translate", _text_maketrans, LENGTH),
    _partitioning(str.partition, search, "before, the separator, after"),
    _removing(str.removeprefix, "without the text at its start"),
    _removing(str.removesuffix, "without the text at its end"),
    method("replace", "replace(old, new, count=-1, /)", "with old replaced by new", _text_replace, RESULT),
    _seeking(str.rfind, search_back, "where a text last occurs, or -1"),
    _seeking(str.rindex, search_back, "where a text last occurs, or ValueError"),
    _padding(str.rjust, "rjust(width, fill=' ', /)", "padded on the left"),
    _partitioning(str.rpartition, search_back, "before, the last separator, after"),
    _splitting(str.rsplit, "rsplit(sep=None, maxsplit=-1)", "the parts, split from the right"),
    _stripping(str.rstrip, "without white space, or the characters, on the right"),
    _splitting(str.split, "split(sep=None, maxsplit=-1)", "the parts between separators"),
    method("splitlines", "splitlines(keepends=False)", "the lines", _text_splitlines, RESULT),
    _beginning(str.startswith, "True when it begins with the text, or one of a tuple"),
    _stripping(str.strip, "without white space, or the characters, at both ends"),
    _cased(str.swapcase, "upper and lower case exchanged", 3),
    _cased(str.title, "words with a first upper case letter", 3),
    method("translate", "translate(table, /)", "characters replaced by a table", _text_translate, RESULT),
    _cased(str.upper, "in upper case", 9),
    _padding(str.zfill, "zfill(width, /)", "padded with zeros on the left"),
)
