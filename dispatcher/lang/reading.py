"""Source -> the statements of a file, checked: each shape of statement is read once, however often it stands there.

A long file repeats a few statements with other literals in them. Its text is cut into pieces (pieces.py); the first
piece of each shape, its exemplar, is parsed and checked, and stands for all. Where a literal decides what a statement
is compiled to, such as the pattern of a regular expression, pieces with another one there are of another shape.

What is found wrong is told by reading the whole file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.checker import CheckedModule, check_module
from dispatcher.lang.parser import MAX_NUMBERS, parse
from dispatcher.lang.pieces import Literal, Pieces, cut, marked
from dispatcher.lang.records import dataclass
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source
from dispatcher.lang.syntax import Expr, Module, Node, Stmt

# Characters and statements of a file that is read in pieces, and characters of all exemplars together.
MAX_FILE = 16_000_000
MAX_STATEMENTS = 150_000
MAX_EXEMPLARS = 4_000_000


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A top-level statement that stands for all of its shape: its tree, and where its literals may be others.

    `source` is the text that places in the tree refer to, or None where that is the file's.
    """

    tree: Stmt
    source: Source | None = None
    varying: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """The top-level statements of a file: for each its exemplar, what it has in its places, and where it begins."""

    checked: CheckedModule
    exemplars: Sequence[Exemplar]
    # The index of each statement's exemplar.
    kinds: Sequence[int]
    literals: Sequence[tuple[Any, ...]]
    starts: Sequence[int]


def whole(checked: CheckedModule) -> Statements:
    """Return the statements of a file that was read as a whole, each its own exemplar."""
    body = checked.module.body
    return Statements(
        checked=checked,
        exemplars=[Exemplar(statement) for statement in body],
        kinds=range(len(body)),
        literals=[()] * len(body),
        starts=[statement.start for statement in body],
    )


def read(source: Source, schema: Schema, least: int) -> Statements | None:
    """Return the statements of a file that has more than `least`, and no errors; else None: read it as a whole."""
    if len(source.text) > MAX_FILE:
        return None
    pieces = cut(source.text)
    if pieces is None or not least < len(pieces.shapes) <= MAX_STATEMENTS or _has_many_numbers(pieces):
        return None
    reader = _Reader(source, pieces)
    kinds = array("l")
    for index, shape in enumerate(pieces.shapes):
        kind = reader.kind(index, shape)
        if kind is None:
            return None
        kinds.append(kind)
    trees = tuple(exemplar.tree for exemplar in reader.exemplars)
    checked, found = check_module(source, Module(trees, start=0, end=len(source.text)), schema)
    if any(problem.severity == "error" for problem in found):
        return None
    return Statements(
        checked, reader.exemplars, kinds, _literals(pieces, kinds, reader.picks), array("l", pieces.starts)
    )


def _literals(
    pieces: Pieces, kinds: Sequence[int], picks: Sequence[tuple[int, ...] | None]
) -> list[tuple[Literal, ...]]:
    """Return the varying literals of each piece."""
    values, firsts = pieces.values, pieces.firsts
    found = [tuple(values[first:last]) for first, last in pairwise(firsts)]
    if any(pick is not None for pick in picks):
        for index, kind in enumerate(kinds):
            pick = picks[kind]
            if pick is not None:
                found[index] = tuple(found[index][number] for number in pick)
    return found


def _has_many_numbers(pieces: Pieces) -> bool:
    """Tell whether a file has more different numbers than may be looked up: chosen ones collide."""
    return len({value for value in pieces.values if type(value) is not str}) > MAX_NUMBERS


class _Reader:
    """Reads the first piece of each shape."""

    def __init__(self, source: Source, pieces: Pieces) -> None:
        self.exemplars: list[Exemplar] = []
        # Which literals of its pieces vary, for each exemplar; None means all.
        self.picks: list[tuple[int, ...] | None] = []
        self._source = source
        self._pieces = pieces
        self._characters = 0
        # The exemplar of each shape, and of what it is with the literals that do not vary.
        self._kinds: dict[Any, int] = {}
        # Which literals of a shape do not vary.
        self._fixed: dict[str, tuple[int, ...]] = {}

    def kind(self, index: int, shape: str) -> int | None:
        """Return the number of a piece's exemplar, or None where it cannot be read alone."""
        fixed = self._fixed.get(shape)
        if fixed is None:
            return self._first(index, shape)
        if not fixed:
            return self._kinds[shape]
        values = self._pieces.literals(index)
        key = shape, *(values[place] for place in fixed)
        kind = self._kinds.get(key)
        return kind if kind is not None else self._first(index, shape)

    def _first(self, index: int, shape: str) -> int | None:
        text = self._source.text[slice(*self._pieces.span(index))]
        self._characters += len(text)
        if self._characters > MAX_EXEMPLARS:
            return None
        source = Source(text, self._source.filename)
        module, problems = parse(source)
        if problems or len(module.body) != 1 or _has_match(module):
            return None
        places = [span.start for span in marked(text)]
        varying = set(_varying(module.body[0]))
        picks = tuple(number for number, place in enumerate(places) if place in varying)
        fixed = tuple(number for number, place in enumerate(places) if place not in varying)
        values = self._pieces.literals(index)
        self._fixed[shape] = fixed
        kind = self._kinds[(shape, *(values[place] for place in fixed)) if fixed else shape] = len(self.exemplars)
        self.exemplars.append(Exemplar(module.body[0], source, tuple(places[number] for number in picks)))
        self.picks.append(picks if fixed else None)
        return kind


def _has_match(module: Module) -> bool:
    # What dotted names in its patterns mean is kept by their place in the file.
    pending: list[Node] = list(module.body)
    while pending:
        current = pending.pop()
        if isinstance(current, syntax.Match):
            return True
        pending.extend(syntax.children(current))
    return False


def _varying(statement: Stmt) -> Iterator[int]:
    """Yield the places of literals that are compiled alike, whatever they are: compared, or assigned."""
    pending: list[Node] = [statement]
    while pending:
        current = pending.pop()
        literals: Sequence[Expr] = ()
        match current:
            case syntax.Comparison(first=first, rest=((op, second),)) if op not in ("is", "is not"):
                literals = _compared(first, op, second)
            case syntax.Call(
                function=syntax.Attribute(name="startswith" | "endswith"),
                arguments=(syntax.Argument(kind="", value=value),),
            ):
                literals = (value,)
            case syntax.Assignment(value=value):
                literals = (value,)
            case _:
                pass
        for literal in literals:
            if isinstance(literal, syntax.Constant):
                yield literal.start
        pending.extend(syntax.children(current))


def _compared(first: Expr, op: str, second: Expr) -> Sequence[Expr]:
    if op in ("in", "not in") and isinstance(second, syntax.ListDisplay | syntax.TupleDisplay):
        return second.items
    # Python warns of two literals beside each other.
    if isinstance(first, syntax.Name | syntax.Call):
        return (second,)
    return (first,) if isinstance(second, syntax.Name | syntax.Call) else ()
