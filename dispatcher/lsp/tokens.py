"""The tokens of a file as an editor needs them: also those of a file that does not parse, and its comments."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from dispatcher.lang.layout import CLAUSES, CLOSING, OPENING
from grammar.tables import PATTERN

# What stands in for a text, whether it is closed or not.
TEXTS = ("STRING", "LONG_STRING", "UNTERMINATED", "UNTERMINATED_LONG")
# Tokens that are looked at; what stands behind them has no help in completing.
MAX_TOKENS = 500_000


class Token(NamedTuple):
    """A token of the grammar; words and signs have the type ""."""

    type: str
    text: str
    start: int
    end: int


class Tokens:
    """The tokens of a file in order, without white space; line ends have the type _NEWLINE."""

    def __init__(self, text: str) -> None:
        self.items = [
            Token(found.lastgroup or "", found[0], found.start(), found.end())
            for found, _ in zip(_expression().finditer(text), range(MAX_TOKENS), strict=False)
            if found.lastgroup not in ("SPACE", "JOINED_LINES")
        ]
        self._starts = [token.start for token in self.items]

    def at(self, offset: int) -> int:
        """Return the index of the last token that begins before `offset`, or -1."""
        return bisect_right(self._starts, offset - 1) - 1

    def code(self, last: int) -> list[Token]:
        """Return the tokens up to an index that are no comments."""
        return [token for token in self.items[: last + 1] if token.type != "COMMENT"]


class Line(NamedTuple):
    """A logical line: its tokens without the end, and how many of its brackets are open behind them."""

    tokens: list[Token]
    depth: int


def logical_lines(tokens: list[Token]) -> Iterator[Line]:
    """Yield the logical lines of a file; one that begins at depth zero ends a bracket that was never closed."""
    line: list[Token] = []
    depth = 0
    at_margin = False
    for token in tokens:
        if token.type == "_NEWLINE":
            at_margin = token.text.endswith("\n")
            if depth > 0:
                continue
        if line and (token.type == "_NEWLINE" or (depth > 0 and at_margin and token.text not in CLOSING)):
            yield Line(line, depth)
            line, depth = [], 0
        if token.type != "_NEWLINE":
            at_margin = False
            depth = max(0, depth + (token.text in OPENING) - (token.text in CLOSING))
            line.append(token)
    if line:
        yield Line(line, depth)


def begins_statement(token: Token, text: str) -> bool:
    """Tell whether a token that begins a logical line begins a statement of the file, none of a block."""
    return (token.start == 0 or text[token.start - 1] == "\n") and token.text not in CLAUSES


@cache
def _expression() -> re.Pattern[str]:
    return re.compile(PATTERN)
