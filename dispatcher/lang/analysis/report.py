"""Findings: collects diagnostics of one file, once for each place, up to the number that is reported."""

from __future__ import annotations

from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic, diagnostic
from dispatcher.lang.repairs import Help
from dispatcher.lang.source import Source, Span
from dispatcher.lang.syntax import Node

# Longest piece of a rule that a message repeats.
LONGEST_QUOTE = 60


class Findings:
    """The diagnostics found so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: dict[tuple[str, Span], Diagnostic] = {}

    @property
    def full(self) -> bool:
        """Tell whether as many are found as are reported."""
        return len(self._found) >= MAX_DIAGNOSTICS

    @property
    def count(self) -> int:
        """Return how many are found."""
        return len(self._found)

    def add(self, code: str, message: str, place: Node | Span, help: Help | None = None) -> None:  # noqa: A002 - the diagnostic's word
        """Add a diagnostic, unless that code is reported there already."""
        span = place.span if isinstance(place, Node) else place
        if not self.full and (code, span) not in self._found:
            self._found[code, span] = diagnostic(self._source, code, message, span, help)

    def in_order(self) -> list[Diagnostic]:
        """Return the diagnostics in source order."""
        return sorted(self._found.values(), key=lambda found: (found.line, found.column))

    def line(self, offset: int) -> int:
        """Return the number of the line at an offset."""
        return self._source.position(offset)[0]

    def find(self, text: str, start: int, end: int) -> int:
        """Return the offset at which a piece of the file has a text, or -1."""
        return self._source.text.find(text, start, end)

    def text(self, node: Node) -> str:
        """Return a node's text as it stands in the file."""
        return self._source.text[node.start : node.end]

    def quote(self, node: Node, otherwise: str = "this") -> str:
        """Return a node's text in backticks, or `otherwise` where it is long or spans lines."""
        text = self.text(node)
        return f"`{text}`" if len(text) <= LONGEST_QUOTE and "\n" not in text else otherwise
