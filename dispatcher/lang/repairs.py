"""Repair: help that says exactly what to write, in words and as a change of the text."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from dispatcher.lang.source import Span


class Repair(NamedTuple):
    """What to do in words, and the texts that take the place of others; a span of None is the diagnostic's own."""

    words: str
    changes: tuple[tuple[Span | None, str], ...]


# What is said to the author of a rule: in words alone where what to write depends on what is meant.
Help: TypeAlias = str | Repair


def repair(words: str, text: str, span: Span | None = None) -> Repair:
    """Return the help that puts `text` in the place of one piece of the file."""
    return Repair(words, ((span, text),))
