"""`textwrap`: Python's own, with the size of the result and the lines that it takes charged first."""

from __future__ import annotations

import math
import re
import textwrap
from typing import Any

from dispatcher.lang.budget import BIG, LimitExceeded, Meter, text_size
from dispatcher.lang.entries import LENGTH
from dispatcher.lang.modules.entry import ModuleEntry, function
from dispatcher.lang.values import as_callable, type_name

# At least as many pieces as the module makes: it breaks at white space, of which it knows fewer characters than
# `split`, and at some hyphens.
_PIECES = re.compile(r"[ \t\n\r\x0b\f]+|-+|[^ \t\n\r\x0b\f-]+")
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# Bytes of a piece beside its characters, while the text is taken apart.
_PIECE_SIZE = 60


def _wrap(meter: Meter, text: Any, width: Any = 70, **options: Any) -> list[str]:
    wrapper = textwrap.TextWrapper(width=width, **options)
    charged = _charge(meter, text, "expandtabs", wrapper)
    lines = wrapper.wrap(text)
    held = 0
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
    tabs: Any = wrapper.tabsize
    size = len(text) + text.count("\t") * (tabs if isinstance(tabs, int) and tabs > 0 else 0)
    plain = text.isascii()
    # Asked before the pieces are looked at, which takes room of its own.
    meter.charge(50 + size + 2 * text.count("-"))
    meter.made(None, meter.text(size, ascii_only=plain), 0)
    options: tuple[Any, ...] = (wrapper.initial_indent, wrapper.subsequent_indent, wrapper.placeholder)
    indents = [option for option in options if isinstance(option, str)]
    indent = sum(map(len, indents[:2]))
    pieces = _PIECES.findall(text.expandtabs(tabs if isinstance(tabs, int) else 8))
    # Two lines together take more than fits on one, behind the indent, but for what is cut off a long piece.
    room = max(1, width - indent) if isinstance(width, int) else 1
    lines = min(len(pieces), 2 * size // room) + size // room + 2
    meter.charge(6 * len(pieces) + 8 * lines)
    # The rest of a piece that is longer than a line is copied for each line, and looked through where it is blank.
    longest = max(map(len, pieces), default=0)
    blank = max((len(piece) for piece in pieces if piece[0] in " \n\r\x0b\f\t"), default=0)
    meter.charge((longest * (longest // room) >> (11 if plain else 9)) + (blank * (blank // room) >> 7))
    temporary = _PIECE_SIZE * len(pieces)
    meter.allocate(temporary)
    plain = plain and all(map(str.isascii, indents))
    return temporary + meter.text(size + lines * (indent + 1) + sum(map(len, indents)), ascii_only=plain)


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
