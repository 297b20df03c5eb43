"""What is known of each part of a pattern before any text: where it begins and ends, what it eats, how far it forks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dispatcher.lang.records import dataclass
from dispatcher.lang.regex.charset import ANYTHING, NOTHING, CharSet, one_character
from dispatcher.lang.regex.nodes import (
    At,
    Atomic,
    Branch,
    Conditional,
    Group,
    Look,
    Mode,
    Node,
    One,
    Reference,
    Repeat,
    Run,
    Sequence,
    Text,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Facts of a part: characters it can begin with, end with and consist of, its width, and its number of nodes."""

    first: CharSet
    last: CharSet
    alphabet: CharSet
    narrowest: int
    widest: int | None
    size: int

    @property
    def nullable(self) -> bool:
        """Whether the part can match without eating a character."""
        return self.narrowest == 0


EMPTY = Shape(NOTHING, NOTHING, NOTHING, 0, 0, 0)
_CONDITION = Shape(NOTHING, NOTHING, NOTHING, 0, 0, 1)
_UNKNOWN = Shape(ANYTHING, ANYTHING, ANYTHING, 0, None, 1)


class Shapes:
    """The shapes of the parts of one pattern, each computed once."""

    def __init__(self, root: Sequence) -> None:
        self._shapes: dict[Node, Shape] = {}
        self._groups: dict[int, Shape] = {}
        self._single_way: dict[Repeat, bool] = {}
        self._switches: dict[Branch, bool] = {}
        # CPython can mix the marks of two rounds of a possessive repeat, so then a group may hold any text.
        self._groups_mix = any(isinstance(node, Repeat) and node.mode is Mode.POSSESSIVE for node in descendants(root))
        self.of(root)

    def of(self, sequence: Sequence) -> Shape:
        """Return the shape of a sequence."""
        shape = EMPTY
        for node in sequence:
            shape = _join(shape, self.node(node))
        return shape

    def group(self, number: int) -> Shape:
        """Return what a reference to the group can match."""
        return _UNKNOWN if self._groups_mix else self._groups[number]

    def node(self, node: Node) -> Shape:
        """Return the shape of a node."""
        shape = self._shapes.get(node)
        if shape is None:
            shape = self._shapes[node] = self._make(node)
        return shape

    def _make(self, node: Node) -> Shape:
        match node:
            case Text(text):
                return _literal(text)
            case One(unit):
                return Shape(unit.charset, unit.charset, unit.charset, 1, 1, unit.weight)
            case Run(unit, low, high):
                return Shape(unit.charset, unit.charset, unit.charset, low, high, 1 + unit.weight)
            case Group(number, body):
                shape = self._groups[number] = self.of(body)
                return shape
            case Branch(options):
                return _either([self.of(option) for option in options])
            case Conditional(_, yes, no):
                return _either([self.of(yes), self.of(no)])
            case Repeat(body, low, high):
                return _repeated(self.of(body), low, high)
            case Atomic(body):
                return self.of(body)
            case Reference(group, ignore_case):
                return _UNKNOWN if ignore_case else self.group(group)
            case Look(body):
                return Shape(NOTHING, NOTHING, NOTHING, 0, 0, 1 + self.of(body).size)
            case At():
                return _CONDITION

    def has_single_way(self, repeat: Repeat) -> bool:
        """Tell whether each next character decides how rounds of the repeat go on: one way at most eats a text."""
        known = self._single_way.get(repeat)
        if known is None:
            body = self.of(repeat.body)
            known = not body.nullable and self._decided(repeat.body, body.first)
            self._single_way[repeat] = known
        return known

    def is_switch(self, branch: Branch) -> bool:
        """Tell whether the next character decides the option, and each option matches in one way at most."""
        known = self._switches.get(branch)
        if known is None:
            shapes = [self.of(option) for option in branch.options]
            known = self._switches[branch] = (
                not any(shape.nullable for shape in shapes)
                and apart(shape.first for shape in shapes)
                and not any(map(_has_choice, branch.options))
            )
        return known

    def _decided(self, sequence: Sequence, follow: CharSet) -> bool:
        """Tell whether the next character decides every choice in `sequence`, which `follow` can come after."""
        for node in reversed(sequence):
            if not self._node_decided(node, follow):
                return False
            shape = self.node(node)
            follow = shape.first | follow if shape.nullable else shape.first
        return True

    def _node_decided(self, node: Node, follow: CharSet) -> bool:
        match node:
            case Text() | One() | At():
                return True
            case Run(unit, low, high):
                return low == high or not unit.charset.meets(follow)
            case Group(_, body) | Atomic(body):
                return self._decided(body, follow)
            case Repeat(body, low, high):
                first = self.of(body).first
                return (
                    not self.of(body).nullable
                    and (low == high or not first.meets(follow))
                    and self._decided(body, first | follow)
                )
            case Branch(options):
                beginnings = [
                    shape.first | follow if shape.nullable else shape.first for shape in map(self.of, options)
                ]
                return apart(beginnings) and all(self._decided(option, follow) for option in options)
            case Look() | Reference() | Conditional():
                return False


def apart(charsets: Iterable[CharSet]) -> bool:
    """Tell whether no two of the sets meet."""
    seen = NOTHING
    for charset in charsets:
        if charset.meets(seen):
            return False
        seen |= charset
    return True


def _has_choice(sequence: Sequence) -> bool:
    return any(isinstance(node, Run | Repeat | Branch | Conditional) for node in descendants(sequence))


def descendants(sequence: Sequence) -> Iterator[Node]:
    """Yield all nodes of a sequence, each before its parts."""
    for node in sequence:
        yield node
        match node:
            case Group(_, body) | Atomic(body) | Repeat(body) | Look(body):
                yield from descendants(body)
            case Branch(options):
                for option in options:
                    yield from descendants(option)
            case Conditional(_, yes, no):
                yield from descendants(yes)
                yield from descendants(no)


def _literal(text: str) -> Shape:
    alphabet = NOTHING
    for char in set(text):
        alphabet |= one_character(char)
    return Shape(one_character(text[0]), one_character(text[-1]), alphabet, len(text), len(text), 1 + len(text) // 4)


def _join(a: Shape, b: Shape) -> Shape:
    return Shape(
        a.first | b.first if a.nullable else a.first,
        b.last | a.last if b.nullable else b.last,
        a.alphabet | b.alphabet,
        a.narrowest + b.narrowest,
        None if a.widest is None or b.widest is None else a.widest + b.widest,
        a.size + b.size,
    )


def _either(shapes: list[Shape]) -> Shape:
    first = last = alphabet = NOTHING
    for shape in shapes:
        first, last, alphabet = first | shape.first, last | shape.last, alphabet | shape.alphabet
    widths = [shape.widest for shape in shapes]
    known = [width for width in widths if width is not None]
    widest = max(known) if len(known) == len(widths) else None
    return Shape(first, last, alphabet, min(s.narrowest for s in shapes), widest, 1 + sum(s.size for s in shapes))


def _repeated(body: Shape, low: int, high: int | None) -> Shape:
    # Widths stay small numbers, however large the counts of nested repeats are.
    narrowest = min(body.narrowest * low, 1 << 64)
    widest = 0 if body.widest == 0 else None if body.widest is None or high is None else body.widest * high
    return Shape(
        body.first,
        body.last,
        body.alphabet,
        narrowest,
        min(widest, 1 << 64) if widest is not None else None,
        3 + body.size,
    )
