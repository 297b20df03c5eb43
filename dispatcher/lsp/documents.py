"""Document: the text of one file as the editor has it, and its places.

The protocol counts lines from 0, and in a line the units of an encoding, UTF-16 unless both sides agree on another;
rules count characters of the Source, in which each line end is one. A line ends as the protocol says: LF, CRLF or CR.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from lsprotocol.types import Position, Range

from dispatcher.lang.source import Source

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n|\r|\n")
# How many units of an encoding a character takes.
_UNITS: dict[Encoding, Callable[[str], int]] = {
    "utf-8": lambda character: len(character.encode("utf-8", "surrogatepass")),
    "utf-16": lambda character: 1 + (character > "\uffff"),
    "utf-32": len,
}


class Document:
    """One open file; `version` is the editor's number for its text."""

    def __init__(self, uri: str, version: int, text: str, encoding: Encoding = "utf-16") -> None:
        self.uri = uri
        self.encoding = encoding
        self._set(version, text)

    def _set(self, version: int, text: str) -> None:
        self.version = version
        self.text = text
        self.source = Source(text, self.uri)
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
        # The Source leaves out a byte order mark.
        self._mark = int(text.startswith("\ufeff"))

    def replace(self, version: int, text: str, place: Range | None) -> None:
        """Put `text` in a place, or in that of the whole; a place outside the text is drawn to its nearest end."""
        if place is not None:
            start, end = self._index(place.start), self._index(place.end)
            text = self.text[: min(start, end)] + text + self.text[max(start, end) :]
        self._set(version, text)

    def position(self, offset: int) -> Position:
        """Return the editor's place for an offset in the Source."""
        line, column = self.source.position(offset)
        start = self._starts[line - 1]
        column += self._mark if line == 1 else 0
        return Position(line - 1, self._units(self.text[start : start + column - 1]))

    def range(self, start: int, end: int) -> Range:
        """Return the editor's range for offsets in the Source."""
        return Range(self.position(start), self.position(end))

    def offset(self, place: Position) -> int:
        """Return the offset in the Source of an editor's place, the nearest one where there is no such place."""
        line = min(place.line, len(self._starts) - 1)
        column = self._index(place) - self._starts[line] - (self._mark if line == 0 else 0)
        return self.source.offset(line + 1, max(0, column) + 1)

    def _index(self, place: Position) -> int:
        """Return the index in the text of an editor's place."""
        if place.line >= len(self._starts):
            return len(self.text)
        start = self._starts[place.line]
        following = self._starts[place.line + 1] if place.line + 1 < len(self._starts) else len(self.text)
        line = self.text[start:following].rstrip("\r\n")
        if line.isascii():
            return start + min(place.character, len(line))
        size, units = _UNITS[self.encoding], 0
        for index, character in enumerate(line):
            units += size(character)
            # A place inside a character is that before it.
            if units > place.character:
                return start + index
        return start + len(line)

    def _units(self, text: str) -> int:
        if text.isascii():
            return len(text)
        return sum(map(_UNITS[self.encoding], text))
