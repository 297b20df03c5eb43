"""Runs a TextMate grammar over lines, by what of it the grammar of rules uses: `match`, `begin` with `end`, `include`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Pattern = dict[str, Any]


class Open(NamedTuple):
    """A `begin` whose `end` has not come yet, with the scopes of what is inside."""

    pattern: Pattern
    scopes: tuple[str, ...]


def scoped(grammar: Pattern, text: str) -> list[list[tuple[str, str]]]:
    """Return for each line its pieces, each with its innermost scope without the name of the language."""
    around = [Open({"patterns": grammar["patterns"]}, ())]
    lines = []
    for line in text.split("\n"):
        pieces = [(piece, scopes[-1] if scopes else "") for piece, scopes in _pieces(grammar, line, around)]
        lines.append([(piece, scope.removesuffix(".dispatcher")) for piece, scope in pieces if piece.strip()])
    return lines


def _pieces(grammar: Pattern, line: str, around: list[Open]) -> Iterator[tuple[str, tuple[str, ...]]]:
    position = 0
    empty_at = -1
    while True:
        pattern, scopes = around[-1]
        ends = [("end", pattern, re.compile(pattern["end"]).search(line, position))] if "end" in pattern else []
        candidates = ends + [
            (kind, inner, re.compile(inner[kind]).search(line, position))
            for inner in _flat(grammar, pattern["patterns"])
            for kind in ("match", "begin")
            if kind in inner
        ]
        found = [(kind, inner, match) for kind, inner, match in candidates if match is not None]
        # The first in the line counts, and of those at one place the first in the grammar; nothing is matched for ever.
        found = [entry for entry in found if entry[2].end() > position or entry[0] == "end" or empty_at != position]
        found = [entry for entry in found if entry[0] == "end" or entry[2].end() > entry[2].start()]
        if not found:
            yield line[position:], scopes
            return
        kind, inner, match = min(found, key=lambda entry: entry[2].start())
        yield line[position : match.start()], scopes
        named = (*scopes, inner["name"]) if "name" in inner else scopes
        if kind == "end":
            around.pop()
            yield from _captured(match, inner.get("endCaptures", {}), scopes)
        elif kind == "begin":
            around.append(Open(inner, named))
            yield from _captured(match, inner.get("beginCaptures", {}), named)
        else:
            yield from _captured(match, inner.get("captures", {}), named)
        empty_at = position if match.end() == position else -1
        position = match.end()


def _captured(
    match: re.Match[str], captures: Pattern, scopes: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    position = match.start()
    for number, capture in sorted(captures.items()):
        start, end = match.span(int(number))
        if start >= 0:
            yield match.string[position:start], scopes
            yield match.string[start:end], (*scopes, capture["name"])
            position = end
    yield match.string[position : match.end()], scopes


def _flat(grammar: Pattern, patterns: list[Pattern]) -> Iterator[Pattern]:
    for pattern in patterns:
        if "include" in pattern:
            named = grammar["repository"][pattern["include"].removeprefix("#")]
            yield from _flat(grammar, [named] if "match" in named or "begin" in named else named["patterns"])
        else:
            yield pattern
