"""Lines of styled text, and writing them. A terminal shows them through rich; a pipe gets the same text plain.

rich is not even imported for a pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TextIO

# A piece of a line: its rich style, '' for none, and its text.
Piece = tuple[str, str]
Line = list[Piece]

LONGEST_VALUE = 300


def write(lines: Iterable[Line], output: TextIO) -> None:
    """Write lines to a terminal with their styles, to anything else without."""
    if not output.isatty():
        output.write("".join("".join(text for _, text in line) + "\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=output, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((_visible(text), style) for style, text in line)))


def _visible(text: str) -> str:
    """Return text without what a terminal would obey: control characters and bidirectional marks."""
    return "".join(character if character.isprintable() or character in "\t\n" else "\ufffd" for character in text)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as `2 files`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def section(title: str, body: Sequence[Line]) -> list[Line]:
    """Return a titled block of indented lines, nothing where there are none."""
    return [[("bold cyan", title + ":")], *([("", "  "), *line] for line in body), []] if body else []


def value_text(value: Any) -> str:
    """Return a value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
