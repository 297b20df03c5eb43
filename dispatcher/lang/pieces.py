"""The text of a file -> its top-level statements, each as a shape and the literals that fill it. Purely lexical.

Rule files repeat a few statements with other literals in them. A shape is such a statement with a mark in the place
of each literal; who has read one piece of a shape knows the trees of all: they differ in the values of the marked
constants alone, and in positions, which `place` carries over.

How it works: one regular expression finds the literals, the comments, and the texts and numbers that stay as they
are. With a mark for each literal and comment the text is its own skeleton. The lines of the skeleton that begin at
column zero begin the pieces, but for those that go on with a statement. Few skeletons differ, so what is said of one
is worked out once.

Why that is right: no token crosses a line end but texts and backslashes that join lines, and these line ends are hidden
in the skeleton. So where a piece parses by itself, its brackets are closed and its blocks are complete, and the reader
of the whole file comes to the next piece in the state in which it begins a file: a file of which each piece parses
alone is those statements, in order. A wrong cut leaves a piece that does not parse. Two pieces of one shape have the
same tokens, but for what the marked ones say, on lines of the same depths.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import TypeAlias, cast

from dispatcher.lang.characters import turning
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Span

Literal: TypeAlias = str | int | float

# --- characters that stand for others in a skeleton: a file that holds one of them is not cut

TEXT = "\x01"
WHOLE = "\x02"
FRACTION = "\x03"
_COMMENT = "\x04"
_MARKS: dict[type, str] = {str: TEXT, int: WHOLE, float: FRACTION, type(None): _COMMENT}
# The line ends and brackets in tokens that stay as they are: they are none of the statement's.
_HIDDEN = str.maketrans("\n()[]{}", "\x05\x06\x07\x0e\x0f\x10\x11")
# CPython reads a carriage return as a line end, and no NUL at all.
_RESERVED = (*_MARKS.values(), *map(chr, _HIDDEN.values()), "\r", "\0")
# What may stand outside of texts and comments: no form feed, which moves the depth, nor a backslash within a line.
_CODE = bytes({*range(0x20, 0x100), *b"\t\n"} - {*b"\\\x7f"})
_BLANK = f" \t\n{_COMMENT}"

# --- tokens


def _rest(quote: str) -> str:
    """Return the expression for a text behind its first quote."""
    short = rf"[^{quote}\\\n]*+(?:\\[\s\S][^{quote}\\\n]*+)*+{quote}"
    long = rf"[^{quote}\\]*+(?:(?:\\[\s\S]|{quote}(?!{quote * 2}))[^{quote}\\]*+)*+{quote * 3}"
    return rf"(?:{quote * 2}{long}|(?!{quote * 2}){short})"


# What names are made of, with all beyond ASCII; and also a point.
_LETTER = r"[^\x00-\x2f:-@\[-^`{-\x7f]"
_LETTER_OR_POINT = r"[^\x00-\x2d\x2f:-@\[-^`{-\x7f]"
# A plain number behind its first digit.
_NUMBER = r"(?:(?<=0)|(?<!0)[0-9]{0,14}+)(?:\.[0-9]{1,15}+)?+"
_SINGLE, _DOUBLE = _rest("'"), _rest('"')
_PREFIX = "[rRbBfFuU]{0,2}+"
# What may stand between adjacent texts. At column zero a text begins a statement, but in brackets: see _join.
_GAP = rf"(?:[ \t]++|\#[^\n]*+|\\\n|\n(?!{_PREFIX}['\"]))*+"
_ALONE = rf"(?!{_GAP}{_PREFIX}['\"])"
_BEGIN = re.compile(rf"\n(?=[^ \t\n)\]}}\\{_COMMENT}])(?!(?:elif|else|except|finally)(?!{_LETTER}))")
_TEXT_FIRST = re.compile(rf"{TEXT}|{_PREFIX}['\"]")
_TEXT_LAST = (TEXT, "'", '"')
_WORD = re.compile(r"[^ \t\n]+")


@cache
def _token() -> re.Pattern[str]:
    """Return the expression of all that is not bare code.

    In order: literals and comments; then, with all but their first character as a group, what stays as it is: other
    numbers, texts with a prefix, an escape, three quotes or beside each other, what joins two lines, and last, up to
    the end of the file, a text that nothing closes.
    """
    # All begin with one of few characters, so that the engine skips the others quickly.
    return re.compile(
        rf"""(['"\#0-9\\](?:
            (?<=')(?<!{_LETTER}')[^'\\\n]*+'{_ALONE}
          | (?<=")(?<!{_LETTER}")[^"\\\n]*+"{_ALONE}
          | (?<=[0-9])(?<!{_LETTER_OR_POINT}.){_NUMBER}(?!{_LETTER_OR_POINT})
          | (?<=\#)[^\n]*+
          | (   (?<=[0-9])(?<!{_LETTER}.)(?:{_LETTER_OR_POINT}|(?<=[eE])[+-])*+
              | (?:(?<='){_SINGLE}|(?<="){_DOUBLE})(?:{_GAP}{_PREFIX}(?:'{_SINGLE}|"{_DOUBLE}))*+
              | (?<=\\)\n
              | (?<=['"])[\s\S]*+
            )
        ))""",
        re.VERBOSE,
    )


@dataclass(frozen=True, slots=True)
class Pieces:
    """The top-level statements of `text` in order, as columns: to make rows would take half as long again.

    A shape is a key and no text to read; the literals of a piece are the values of the constants at the places that
    `marked` tells of its text. Comments, blank lines and white space at the end of a line make no other shape.
    """

    text: str
    shapes: Sequence[str]
    # Where each piece begins.
    starts: Sequence[int]
    # The literals of all pieces; the index of the first one of each piece, and of the end.
    values: Sequence[Literal]
    firsts: Sequence[int]

    def literals(self, index: int) -> Sequence[Literal]:
        """Return the literals of a piece in order."""
        return self.values[self.firsts[index] : self.firsts[index + 1]]

    def span(self, index: int) -> Span:
        """Return the place of a piece; comments and blank lines behind its last token are not its own."""
        start = self.starts[index]
        stop = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.text)
        return Span(start, start + _words(self.text[start:stop])[-1].end)


def cut(text: str) -> Pieces | None:
    """Return the pieces of a file; None where only the parser can say what they are.

    They are what the file means where the parser reads one piece of each shape, by itself, without problems. What it
    says of a file as a whole, such as that it is too long, is not asked here.
    """
    if any(map(text.__contains__, _RESERVED)) or (not text.isascii() and any(turning(text))):
        return None
    # With a line end behind it, nothing but a text that is never closed reaches the end.
    parts = _token().split(text + "\n")
    code, tokens, others = parts[::3], parts[1::3], parts[2::3]
    if not code[-1] or "".join(code).encode("utf-8", "surrogatepass").translate(None, _CODE):
        return None
    marked_tokens = tokens
    if others.count(None) < len(others):
        marked_tokens = [token for token, other in zip(tokens, others, strict=True) if other is None]
    values = _values(marked_tokens)
    marks = [_MARKS[type(value)] for value in values]
    if len(marks) < len(tokens):
        following = iter(marks)
        marks = [
            next(following) if other is None else token.translate(_HIDDEN)
            for token, other in zip(tokens, others, strict=True)
        ]
    row = [""] * (len(code) + len(marks))
    row[::2] = code
    row[1::2] = marks
    head, *lines = _BEGIN.split("\n" + "".join(row))
    skeletons = _join(lines)
    if skeletons is None or head.strip(_BLANK):
        return None
    return _columns(text, head, skeletons, marked_tokens, values)


def place(exemplar: str, other: str, offset: int) -> int:
    """Return where in the text of a piece stands what stands at `offset` in another piece of its shape.

    The offset is the start or the end of a token.
    """
    words, others = _words(exemplar), _words(other)
    index = max(0, bisect_right(words, offset, key=lambda word: word.start) - 1)
    start, end = words[index]
    return others[index].end if offset >= end else others[index].start + offset - start


def marked(text: str) -> list[Span]:
    """Return the places of the literals in the text of a piece, in order."""
    return [Span(*found.span()) for found in _token().finditer(text + "\n") if found[2] is None and found[0][0] != "#"]


def _values(tokens: Sequence[str]) -> list[Literal | None]:
    """Return the values of literals, with None for comments."""
    return [
        token[1:-1]
        if token[0] in "'\""
        else int(token)
        if token.isdecimal()
        else float(token)
        if token[0] != "#"
        else None
        for token in tokens
    ]


def _join(skeletons: list[str]) -> list[str] | None:
    """Return the skeletons of whole statements; None where two texts might be one.

    In brackets a line may begin at column zero, so what leaves some open is joined with what follows.
    """
    opened = {skeleton: _opened(skeleton) for skeleton in set(skeletons)}
    if all(count <= 0 for count in opened.values()):
        return skeletons
    joined: list[str] = []
    lines: list[str] = []
    brackets = 0
    for skeleton in skeletons:
        if lines and _TEXT_FIRST.match(skeleton) and lines[-1].rstrip(_BLANK).endswith(_TEXT_LAST):
            return None
        lines.append(skeleton)
        brackets += opened[skeleton]
        if brackets <= 0:
            joined.append("\n".join(lines))
            lines, brackets = [], 0
    if lines:
        joined.append("\n".join(lines))
    return joined


def _opened(skeleton: str) -> int:
    """Return how many more brackets are opened than closed."""
    return sum(map(skeleton.count, "([{")) - sum(map(skeleton.count, ")]}"))


def _columns(
    text: str, head: str, skeletons: Sequence[str], tokens: Sequence[str], values: Sequence[Literal | None]
) -> Pieces:
    kinds = {skeleton: _kind(skeleton) for skeleton in set(skeletons)}
    lengths = list(accumulate(map(len, tokens), initial=0))
    # What stands before the piece: characters of code, tokens, and literals among these.
    _, code, before, first = _kind(head)
    code -= 1
    shapes, starts, firsts = [], [], [first]
    for skeleton in skeletons:
        starts.append(code + lengths[before])
        shape, characters, count, literals = kinds[skeleton]
        code += characters
        before += count
        first += literals
        shapes.append(shape)
        firsts.append(first)
    if first < len(values):
        values = [value for value in values if value is not None]
    return Pieces(text, shapes, starts, cast("Sequence[Literal]", values), firsts)


def _kind(skeleton: str) -> tuple[str, int, int, int]:
    """Return the shape of a skeleton, how long its code is with the line end behind it, its tokens and its literals."""
    lines = (line.rstrip(_BLANK) for line in skeleton.split("\n"))
    literals = sum(map(skeleton.count, (TEXT, WHOLE, FRACTION)))
    count = literals + skeleton.count(_COMMENT)
    return "\n".join(filter(None, lines)), len(skeleton) + 1 - count, count, literals


@lru_cache(maxsize=8)  # many places of one piece are asked for in turn
def _words(text: str) -> tuple[Span, ...]:
    """Return the places of tokens, and of what stands between them but for white space and comments."""
    words: list[Span] = []
    begin = 0
    text += "\n"
    for found in _token().finditer(text):
        words.extend(Span(*word.span()) for word in _WORD.finditer(text, begin, found.start()))
        if found[0][0] != "#":
            words.append(Span(*found.span()))
        begin = found.end()
    words.extend(Span(*word.span()) for word in _WORD.finditer(text, begin))
    return tuple(words)
