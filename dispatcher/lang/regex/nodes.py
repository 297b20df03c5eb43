"""The tree of a pattern: CPython's parse, with the flags of each place resolved into its nodes."""

from __future__ import annotations

from enum import Enum, auto

from dispatcher.lang.records import dataclass
from dispatcher.lang.regex.unit import Unit


class Place(Enum):
    """Where in the text a pattern may insist to be."""

    TEXT_START = auto()
    LINE_START = auto()
    TEXT_END = auto()
    LINE_END = auto()
    # `$`: at the end, or before a line end that ends the text.
    LAST_LINE_END = auto()
    BOUNDARY = auto()
    NO_BOUNDARY = auto()


class Mode(Enum):
    """How a repeat chooses among its counts."""

    GREEDY = auto()
    LAZY = auto()
    POSSESSIVE = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Characters as they stand; never empty."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """One character that the unit accepts."""

    unit: Unit


@dataclass(frozen=True, slots=True, eq=False)
class At:
    """A place; `word` is what counts as a word character at a boundary."""

    place: Place
    word: Unit


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A capturing group."""

    number: int
    body: Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A repeat of one character."""

    unit: Unit
    low: int
    high: int | None
    mode: Mode


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A repeat of anything else."""

    body: Sequence
    low: int
    high: int | None
    mode: Mode


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """The first option that leads to a match."""

    options: tuple[Sequence, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Atomic:
    """A part that is not entered again once it matched."""

    body: Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A condition on what follows, or on the `behind` characters before."""

    body: Sequence
    behind: int
    negative: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The text of a group again; under IGNORECASE compared by lower case, ASCII's or Unicode's."""

    group: int
    ignore_case: bool
    ascii_only: bool


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """One of two parts, by whether a group took part in the match."""

    group: int
    yes: Sequence
    no: Sequence


Node = Text | One | At | Group | Run | Repeat | Branch | Atomic | Look | Reference | Conditional
Sequence = tuple[Node, ...]
