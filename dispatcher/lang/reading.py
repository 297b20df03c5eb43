"""Source -> the statements of a file, checked: each shape of statement is read once, however often it stands there.

A long file repeats a few statements with other literals in them. Its text is cut into pieces (pieces.py); the first
piece of each shape, its exemplar, is parsed and checked, and stands for all. Where a literal decides what a statement
is compiled to, such as the pattern of a regular expression, pieces with another one there are of another shape. What
was found out of an exemplar is kept for the next file that has it, since files change by a line now and then.

What is found wrong is told by reading the whole file.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from threading import Lock
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.checker import CheckedModule, Names, check_statements
from dispatcher.lang.facts import EAGER, Facts, facts_of
from dispatcher.lang.parser import MAX_NUMBERS, parse
from dispatcher.lang.pieces import Literal, Pieces, cut
from dispatcher.lang.program import STATEMENT
from dispatcher.lang.records import dataclass
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import imported_meanings
from dispatcher.lang.source import Source
from dispatcher.lang.syntax import Module, Node, Stmt

# Characters and statements of a file that is read in pieces, and characters of all exemplars together.
MAX_FILE = 16_000_000
MAX_STATEMENTS = 150_000
MAX_EXEMPLARS = 2_500_000
# Braces in all exemplars: each field of an f-string is read by itself.
MAX_BRACES = 40_000
# Characters of the exemplars that are kept; the trees of a character take some 50 bytes.
MAX_KEPT = 1_000_000


class Exemplar:
    """A top-level statement that stands for all of its shape.

    `shared` tells that it was read alone: places in it refer to `source`, which is its own text and not the file's.
    """

    __slots__ = ("_tree", "facts", "shared", "source", "varying")

    def __init__(
        self, facts: Facts, source: Source, tree: Stmt | None, varying: tuple[int, ...] = (), *, shared: bool
    ) -> None:
        self.facts = facts
        self.source = source
        self.shared = shared
        # The offsets of the literals that differ, in order.
        self.varying = varying
        self._tree = tree

    def is_good(self, names: Names) -> bool:
        """Tell whether the statement is known to be right in a file where names mean this."""
        return names in self.facts.good

    @property
    def tree(self) -> Stmt:
        """Return the statement's tree, which is read again where only the facts were kept."""
        if self._tree is None:
            module, _ = parse(self.source)
            self._tree = module.body[0]
        return self._tree


@dataclass(frozen=True, slots=True)
class Statements:
    """The top-level statements of a file: for each its exemplar, what it has in its places, and where it begins."""

    # Its module is empty where the file was read in pieces.
    checked: CheckedModule
    exemplars: Sequence[Exemplar]
    # The index of each statement's exemplar.
    kinds: Sequence[int]
    literals: Sequence[tuple[Any, ...]]
    starts: Sequence[int]


def whole(checked: CheckedModule) -> Statements:
    """Return the statements of a file that was read as a whole, each its own exemplar."""
    body = checked.module.body
    source, schema = checked.source, checked.schema
    return Statements(
        checked=checked,
        exemplars=[Exemplar(facts_of(tree, source, schema), source, tree, shared=False) for tree in body],
        kinds=range(len(body)),
        literals=[()] * len(body),
        starts=[statement.start for statement in body],
    )


def read(source: Source, schema: Schema, least: int, known: Sequence[Facts] | None = None) -> Statements | None:
    """Return the statements of a file that has more than `least`, and no errors; else None: read it as a whole.

    `known` are the facts of all its exemplars in order, where the file is known to be without errors.
    """
    if len(source.text) > MAX_FILE:
        return None
    pieces = cut(source.text)
    if pieces is None or not least < len(pieces.shapes) <= MAX_STATEMENTS or _has_many_numbers(pieces):
        return None
    reader = _Reader(source, pieces, schema, known)
    kinds = array("l")
    for index, shape in enumerate(pieces.shapes):
        kind = reader.kind(index, shape)
        if kind is None:
            return None
        kinds.append(kind)
    exemplars = reader.exemplars
    if known is not None and len(exemplars) != len(known):
        return None
    variables = frozenset[str]().union(*(exemplar.facts.binds for exemplar in exemplars))
    if variables & EAGER:
        return None
    if known is None:
        importing = tuple(exemplar.tree for exemplar in exemplars if exemplar.facts.imports)
        # Who imports a name must see all that bind it.
        bodies = tuple(exemplar.tree for exemplar in exemplars) if importing else ()
        names = Names(variables, imported_meanings(bodies))
        unsure = [exemplar for exemplar in exemplars if not exemplar.is_good(names)]
        found, _ = check_statements(source, Module(tuple(item.tree for item in unsure), start=0, end=0), schema, names)
        if any(problem.severity == "error" for problem in found):
            return None
        for exemplar in unsure:
            exemplar.facts.good[:] = [names]
    checked = CheckedModule(source, Module((), start=0, end=0), schema, variables, {})
    literals = _literals(pieces, kinds, reader.picks)
    return Statements(checked, exemplars, kinds, literals, array("l", pieces.starts))


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
                found[index] = tuple([found[index][number] for number in pick])
    return found


def _has_many_numbers(pieces: Pieces) -> bool:
    """Tell whether a file has more different numbers than may be looked up: chosen ones collide."""
    return len({value for value in pieces.values if type(value) is not str}) > MAX_NUMBERS


class _Kept:
    """What was found out of the exemplars that were read last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[tuple[str, int], tuple[Schema, Stmt, Facts]] = OrderedDict()
        self._characters = 0

    def get(self, text: str, schema: Schema) -> tuple[Stmt, Facts] | None:
        """Return the tree and the facts of an exemplar, or None."""
        found = self._found.get((text, id(schema)))
        return found[1:] if found is not None else None

    def put(self, text: str, schema: Schema, tree: Stmt, facts: Facts) -> None:
        """Keep the tree and the facts of an exemplar, and drop what was read longest ago."""
        with self._lock:
            if (text, id(schema)) in self._found:
                return
            self._found[text, id(schema)] = schema, tree, facts
            self._characters += len(text)
            while self._characters > MAX_KEPT:
                (dropped, _), _ = self._found.popitem(last=False)
                self._characters -= len(dropped)


_KEPT = _Kept()


class _Reader:
    """Reads the first piece of each shape."""

    def __init__(self, source: Source, pieces: Pieces, schema: Schema, known: Sequence[Facts] | None) -> None:
        self.exemplars: list[Exemplar] = []
        # Which literals of its pieces vary, for each exemplar; None means all.
        self.picks: list[tuple[int, ...] | None] = []
        self._source = source
        self._pieces = pieces
        self._schema = schema
        self._known = known
        self._characters = 0
        self._braces = 0
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
        starts = self._pieces.starts
        end = starts[index + 1] if index + 1 < len(starts) else len(self._source.text)
        text = self._source.text[starts[index] : end].rstrip()
        self._characters += len(text)
        self._braces += text.count("{")
        if self._characters > MAX_EXEMPLARS or self._braces > MAX_BRACES:
            return None
        found = self._found(text)
        if found is None:
            return None
        tree, facts = found
        varying = set(facts.varying)
        places = facts.marked
        picks = tuple(number for number, place in enumerate(places) if place in varying)
        fixed = tuple(number for number, place in enumerate(places) if place not in varying)
        filename = self._source.filename
        kind = len(self.exemplars)
        if facts.leaves_code:
            # Whoever runs it must be able to tell which statement it is of, so no other has this exemplar.
            filename += f"{STATEMENT}{index}"
        else:
            values = self._pieces.literals(index)
            self._fixed[shape] = fixed
            self._kinds[(shape, *(values[place] for place in fixed)) if fixed else shape] = kind
        varying_places = tuple(places[pick] for pick in picks)
        self.exemplars.append(Exemplar(facts, Source(text, filename), tree, varying_places, shared=True))
        self.picks.append(picks if fixed else None)
        return kind

    def _found(self, text: str) -> tuple[Stmt | None, Facts] | None:
        """Return the tree of a piece, where it is at hand, and its facts; None where it cannot be read alone."""
        if self._known is not None:
            number = len(self.exemplars)
            return (None, self._known[number]) if number < len(self._known) else None
        kept = _KEPT.get(text, self._schema)
        if kept is not None:
            return kept
        source = Source(text)
        module, problems = parse(source)
        if problems or len(module.body) != 1 or _has_match(module):
            return None
        tree = module.body[0]
        facts = facts_of(tree, source, self._schema, alone=True)
        _KEPT.put(text, self._schema, tree, facts)
        return tree, facts


def _has_match(module: Module) -> bool:
    # What dotted names in its patterns mean is kept by their place in the file.
    pending: list[Node] = list(module.body)
    while pending:
        current = pending.pop()
        if isinstance(current, syntax.Match):
            return True
        pending.extend(syntax.children(current))
    return False
