"""Source: the name and text of one rule file; Span: a half-open range of its characters."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Span(NamedTuple):
    """Offsets of the first character and of the one after the last, from 0."""

    start: int
    end: int


class Source:
    """One rule file. Line ends are read as CPython reads them: CRLF and lone CR are LF."""

    __slots__ = ("_line_starts", "filename", "text")

    def __init__(self, text: str, filename: str = "<rules>") -> None:
        text = text.removeprefix("\ufeff")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.filename = filename
        self.text = text
        starts = [0]
        find = text.find
        position = find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = find("\n", position + 1)
        self._line_starts = starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of `offset`, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_start(self, offset: int) -> int:
        """Return the offset at which the line of `offset` begins."""
        return self._line_starts[bisect_right(self._line_starts, offset) - 1]

    def line(self, number: int) -> str:
        """Return the text of line `number`, from 1, without its end; '' past the last line."""
        if not 1 <= number <= len(self._line_starts):
            return ""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return self.text[start:end]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of `line` and `column`, both from 1."""
        return self._line_starts[line - 1] + column - 1

    def digest(self) -> str:
        """Return the SHA-256 of the name and the text, in hexadecimal."""
        import hashlib  # a check needs none

        content = f"{self.filename}\0{self.text}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(content).hexdigest()
