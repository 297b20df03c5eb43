"""`textwrap`: Python's own, with the size of the result and the lines that it takes charged first."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from dispatcher.lang.budget import BIG, LimitExceeded, Meter, text_size
from dispatcher.lang.entries import LENGTH
from dispatcher.lang.modules.entry import ModuleEntry, function
from dispatcher.lang.records import dataclass
from dispatcher.lang.values import Builtin, as_callable, type_name

# At least as many pieces as the module makes: it breaks at white space, of which it knows fewer characters than
# `split`, and at some hyphens.
_PIECES = re.compile(r"[ \t\n\r\x0b\f]+|-+|[^ \t\n\r\x0b\f-]+")
_BLANK = re.compile(r"[ \t\n\r\x0b\f]")
_BREAKS = b"-\t\n\x0b\x0c\r "
# What `wrap` puts spaces for, beside the tab.
_AS_SPACES = str.maketrans("\n\x0b\x0c\r", "    ")
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# Bytes of a piece beside its characters, while the text is taken apart.
_PIECE_SIZE = 60
# What `wrap` does without options.
_TABS = 8
_INDENTS = ("", "", " [...]")
# How many characters are copied, and looked through where they are blank, in a step, as powers of two.
_SHIFT_PLAIN, _SHIFT_WIDE, _SHIFT_BLANK = 11, 9, 7


def _wrap(meter: Meter, text: Any, width: Any = 70, **options: Any) -> list[str]:
    wrapper = textwrap.TextWrapper(width=width, **options)
    charged = _charge(meter, text, "expandtabs", wrapper)
    lines = wrapper.wrap(text)
    held = 0
    if not _is_narrow(width):
        for line in lines:
            if len(line) >= BIG:
                size = text_size(len(line), ascii_only=line.isascii())
                meter.made(line, size, size)
                held += size
    meter.made(None, charged - held, 0)
    return lines


def _fill(meter: Meter, text: Any, width: Any = 70, **options: Any) -> str:
    wrapper = textwrap.TextWrapper(width=width, **options)
    charged = _charge(meter, text, "expandtabs", wrapper)
    return meter.made_text(wrapper.fill(text), charged)


def _shorten(meter: Meter, text: Any, width: Any, **options: Any) -> str:
    wrapper = textwrap.TextWrapper(width=width, max_lines=1, **options)
    charged = _charge(meter, text, "strip", wrapper)
    return meter.made_text(wrapper.fill(" ".join(text.split())), charged)


def _charge(meter: Meter, text: Any, missing: str, wrapper: textwrap.TextWrapper) -> int:
    """Charge for breaking a text into lines; return the bytes charged.

    `missing` is the method that Python looks for in what is no text.
    """
    if type(text) is not str:
        raise AttributeError(f"'{type_name(text)}' object has no attribute '{missing}'")
    width: Any = wrapper.width
    if type(width) is float and math.isnan(width):
        # Nothing fits on such a line, and nothing is too long for it: Python goes on for ever.
        raise LimitExceeded("lines as wide as NaN never end")
    options: tuple[Any, ...] = (wrapper.initial_indent, wrapper.subsequent_indent, wrapper.placeholder)
    tabs: Any = wrapper.tabsize
    return _charge_lines(
        meter,
        text,
        width if isinstance(width, int) else 1,
        tabs if isinstance(tabs, int) else _TABS,
        [option for option in options if isinstance(option, str)],
    )


def _charge_lines(meter: Meter, text: str, width: int, tabs: int, indents: Sequence[str]) -> int:
    """Charge for breaking a text into lines, behind the indents and before the placeholder; return the bytes."""
    size = len(text) + (text.count("\t") * max(tabs, 0) if "\t" in text else 0)
    plain = text.isascii()
    meter.charge(50 + size + 2 * text.count("-"))
    indent = sum(map(len, indents[:2]))
    room = max(1, width - indent)
    # In prose each blank stands between two pieces. No piece of a short text is so long that it matters.
    breaks = _breaks(text)
    count, longest, blank = 2 * breaks + 1, size, size
    if 4 * breaks > len(text) or size * (size // room) >> _SHIFT_BLANK > size:
        # Asked before the pieces are looked at, which takes room of its own.
        meter.made(None, meter.text(size, ascii_only=plain), 0)
        pieces = _PIECES.findall(text.expandtabs(tabs))
        count = len(pieces)
        longest = max(map(len, pieces), default=0)
        blank = max((len(piece) for piece in pieces if piece[0] in " \n\r\x0b\f\t"), default=0)
    # Two lines together take more than fits on one, behind the indent, but for what is cut off a long piece.
    lines = min(count, 2 * size // room) + size // room + 2
    # The rest of a piece that is longer than a line is copied for each line, and looked through where it is blank.
    copied = longest * (longest // room) >> (_SHIFT_PLAIN if plain else _SHIFT_WIDE)
    meter.charge(6 * count + 8 * lines + copied + (blank * (blank // room) >> _SHIFT_BLANK))
    temporary = _PIECE_SIZE * count
    meter.allocate(temporary)
    plain = plain and all(map(str.isascii, indents))
    return temporary + meter.text(size + lines * (indent + 1) + sum(map(len, indents)), ascii_only=plain)


def _breaks(text: str) -> int:
    """Return how many characters there are that a text may be broken at."""
    if not text.isascii():
        return sum(map(text.count, _BREAKS.decode()))
    plain = text.encode()
    return len(plain) - len(plain.translate(None, _BREAKS))


def _is_narrow(width: Any) -> bool:
    """Tell whether no line of that width is so long that it is remembered."""
    return type(width) is int and 0 < width < BIG


# --- where the first line alone is wanted


@dataclass(frozen=True, slots=True)
class Lines:
    """What `wrap` gives, as far as it was needed: the first line. No rule gets hold of one, but the log may."""

    text: str
    width: int
    first: str


def lines(meter: Meter, function: Any, text: Any, /, *width: Any, **named: Any) -> Any:
    """Return what a function gives for a text and a width, as Lines where it is `wrap` and that can be known."""
    if type(function) is Builtin and function.implementation is _wrap and type(text) is str:
        columns = width[0] if width else named.get("width", 70)
        if _is_narrow(columns):
            charged = _charge_lines(meter, text, columns, _TABS, _INDENTS)
            first = _first(text, columns)
            meter.made(None, charged, 0)
            return [] if first is None else Lines(text, columns, first)
    return as_callable(meter, function)(text, *width, **named)


def whole(value: Any) -> Any:
    """Return a value of the log, of Lines the list that they stand for."""
    if type(value) is not Lines:
        return value
    return _prose(value.text, value.width) or textwrap.wrap(value.text, value.width)


def first_line(found: Any) -> Any:
    """Return `found[0]` of what `lines` gave."""
    return found.first if type(found) is Lines else found[0]


def _first(text: str, width: int) -> str | None:
    """Return the first line of a text, or None where it has none; `width` is that of a narrow line."""
    # As far as a word may reach that begins on the line and still has room on one of its own.
    near = text[: 2 * width + 2]
    if not near.isprintable() and "\t" not in near:
        near = near.translate(_AS_SPACES)
    # Of white space, only the space itself can be printed.
    if near.isprintable() and near[:1] not in ("", " "):
        if len(text) <= width:
            return near.rstrip(" ")
        cut = near.rfind(" ", 0, width + 1)
        if cut == width:
            return near[:cut].rstrip(" ")
        word = near[cut + 1 :].partition(" ")[0]
        # A word that the line has no room for stays whole where it fits on another and has no hyphen.
        if cut > 0 and len(word) <= width and "-" not in word:
            return near[:cut].rstrip(" ")
    # Nothing in front of a blank depends on what follows it, and the first of several lines is complete.
    blank = _BLANK.search(text, len(near))
    if blank is not None and len(begun := textwrap.wrap(text[: blank.start()], width)) > 1:
        return begun[0]
    return next(iter(textwrap.wrap(text, width)), None)


def _prose(text: str, width: int) -> list[str] | None:
    """Return the lines of a text where each begins with a word that fits on it, and is not broken itself; else None."""
    if not text.isprintable():
        text = text.translate(_AS_SPACES)
    if not text.isprintable() or text[:1] in ("", " "):
        return None
    lines: list[str] = []
    start = 0
    while len(text) - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        word = text[cut + 1 : cut + width + 2].partition(" ")[0] if cut < start + width else ""
        # As above: the word that the line has no room for.
        if cut < start or len(word) > width or "-" in word:
            return None
        lines.append(text[start:cut].rstrip(" "))
        start = cut + 1
        while text.startswith(" ", start):
            start += 1
    last = text[start:].rstrip(" ")
    return [*lines, last] if last else lines


def _dedent(meter: Meter, text: Any) -> str:
    if type(text) is not str:
        raise TypeError(f"expected string or bytes-like object, got '{type_name(text)}'")
    # Python makes a pattern of the margin, which takes long for a wide one; what it does is this.
    lines_count = text.count("\n") + 1
    meter.charge(4 * lines_count + (len(text) >> 3))
    charged = meter.text(len(text), ascii_only=text.isascii())
    temporary = _PIECE_SIZE * 2 * lines_count + charged
    meter.allocate(temporary)
    lines = [line if line.strip(" \t") else "" for line in text.split("\n")]
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line]
    margin = _common_start(min(margins), max(margins)) if margins else 0
    return meter.made_text("\n".join([line[margin:] for line in lines]), charged + temporary)


def _common_start(first: str, last: str) -> int:
    """Return how many characters two texts begin with alike; what stands between them in order begins so too."""
    alike, most = 0, min(len(first), len(last))
    while alike < most:
        half = (alike + most + 1) // 2
        if first[:half] == last[:half]:
            alike = half
        else:
            most = half - 1
    return alike


def _indent(meter: Meter, text: Any, prefix: Any, predicate: Any = None) -> str:
    if type(text) is not str:
        raise AttributeError(f"'{type_name(text)}' object has no attribute 'splitlines'")
    plain = text.isascii()
    most = 1 + sum(map(text.count, _LINE_ENDS))
    meter.charge((len(text) >> 4) + 5 * most)
    temporary = meter.text(len(text), ascii_only=plain) + _PIECE_SIZE * most
    meter.allocate(_PIECE_SIZE * most)
    lines = text.splitlines(keepends=True)
    if not lines:
        return ""
    wanted = str.strip if predicate is None else as_callable(meter, predicate)
    # What is no text does not add to a line either.
    width, prefix_plain = (len(prefix), prefix.isascii()) if type(prefix) is str else (0, True)
    charged = meter.text(len(text) + width * len(lines), ascii_only=plain and prefix_plain)
    indented = "".join([prefix + line if wanted(line) else line for line in lines])
    return meter.made_text(indented, charged + temporary)


_OPTIONS = "initial_indent='', subsequent_indent='', max_lines=None, placeholder=' [...]', ..."

TEXTWRAP = ModuleEntry(
    "textwrap",
    "text in lines of a width",
    (
        function("dedent", "dedent(text)", LENGTH, "the text without the margin that all lines share", _dedent),
        function("fill", f"fill(text, width=70, *, {_OPTIONS})", LENGTH, "the text broken into lines", _fill),
        function("indent", "indent(text, prefix, predicate=None)", LENGTH, "the text with lines prefixed", _indent),
        function("shorten", f"shorten(text, width, *, {_OPTIONS})", LENGTH, "the text cut at a word", _shorten),
        function("wrap", f"wrap(text, width=70, *, {_OPTIONS})", LENGTH, "the lines of the text", _wrap),
    ),
)
