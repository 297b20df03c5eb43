"""What an expression may come to: texts and numbers with the places they stand at, what holds others, what is not told.

A value is a set of these. Boxes are the lists, tuples, sets and dicts of a rule, one for each place that makes them and
each way of calls to it; what may be in one is kept beside it and only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from dispatcher.lang.records import dataclass, field


class Place(NamedTuple):
    """A piece of a file: the file's number in the rule set, and offsets in its text."""

    file: int
    start: int
    end: int


# The way to a place: the calls and comprehensions around it, outermost first.
Path: TypeAlias = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A text, number, truth value or None. `exact`: it is what is written at its place, and not made of that."""

    value: Any
    place: Place
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Untold:
    """A value that shows only when the rule runs, and why; `is_text`: it is a text for certain."""

    place: Place
    why: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What the ticket has in a variable."""

    variable: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A list, tuple, set or dict."""

    place: Place
    path: Path
    part: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A module (without a name), or a function in one; the functions that need no import are in module ''."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Routine:
    """A function of the rules, by its number among those met."""

    number: int


@dataclass(frozen=True, slots=True)
class Unset:
    """No value: on some way to here nothing was assigned."""


Atom: TypeAlias = Known | Untold | Given | Box | Member | Routine | Unset
Value: TypeAlias = frozenset[Atom]

NOTHING: Value = frozenset()
UNSET = Unset()


@dataclass(slots=True)
class Contents:
    """What may be in a box: under keys that are known (positions, in a list), under any, and the keys themselves."""

    keyed: dict[Any, Value] = field(default_factory=dict)
    others: Value = NOTHING
    keys: Value = NOTHING
    is_dict: bool = False
    # Something may have been taken out.
    shrunk: bool = False


class Boxes:
    """What all boxes may hold; `version` counts its growth."""

    def __init__(self) -> None:
        self._contents: dict[Box, Contents] = {}
        self.version = 0

    def open(self, box: Box, *, is_dict: bool = False) -> Box:
        """Make sure that there is such a box, and return it."""
        if box not in self._contents:
            self._contents[box] = Contents(is_dict=is_dict)
            self.version += 1
        return box

    def is_dict(self, box: Box) -> bool:
        """Tell whether going through the box gives its keys."""
        return self._contents[box].is_dict

    def put(self, box: Box, key: Any, value: Value) -> None:
        """Add what may stand under a key, or at a position."""
        keyed = self._contents[box].keyed
        known = keyed.get(key)
        if known is None or not value <= known:
            keyed[key] = value if known is None else known | value
            self.version += 1

    def add(self, box: Box, value: Value) -> None:
        """Add what may stand anywhere in the box."""
        contents = self._contents[box]
        if not value <= contents.others:
            contents.others |= value
            self.version += 1

    def add_keys(self, box: Box, keys: Value) -> None:
        """Add what may be keys."""
        contents = self._contents[box]
        if not keys <= contents.keys:
            contents.keys |= keys
            self.version += 1

    def shuffle(self, box: Box) -> None:
        """Note that what stands at a position of a list may stand at any, and under a key of a dict none."""
        contents = self._contents[box]
        if not contents.shrunk:
            contents.shrunk = True
            self.version += 1
        if not contents.is_dict:
            self.add(box, self.items(box))

    def merge(self, box: Box, other: Box) -> None:
        """Add to a dict what may be in another."""
        contents = self._contents[other]
        for key, value in list(contents.keyed.items()):
            self.put(box, key, value)
        self.add(box, contents.others)
        self.add_keys(box, contents.keys)

    def at(self, box: Box, key: Any) -> Value:
        """Return what may stand under a key; a position may count from the end."""
        contents = self._contents[box]
        if not contents.is_dict and isinstance(key, int) and key < 0:
            return self.items(box) if contents.others else contents.keyed.get(len(contents.keyed) + key, NOTHING)
        return contents.keyed.get(key, NOTHING) | contents.others

    def has(self, box: Box, key: Any) -> bool:
        """Tell whether something is under a key for certain, once it was put there."""
        contents = self._contents[box]
        return key in contents.keyed and not contents.shrunk

    def length(self, box: Box) -> int | None:
        """Return how many items a list or tuple has for certain."""
        contents = self._contents[box]
        return None if contents.is_dict or contents.shrunk or contents.others else len(contents.keyed)

    def items(self, box: Box) -> Value:
        """Return all that may be in the box: of a dict, the values."""
        contents = self._contents[box]
        return contents.others.union(*contents.keyed.values())

    def keys(self, box: Box) -> Value:
        """Return what may be keys of the dict."""
        return self._contents[box].keys

    def turns(self, box: Box) -> Value:
        """Return what going through the box gives."""
        contents = self._contents[box]
        return contents.keys if contents.is_dict else self.items(box)

    def within(self, value: Iterable[Atom]) -> Iterator[Known]:
        """Yield all that is known in a value, also inside boxes, and keys."""
        seen: set[Box] = set()
        pending = list(value)
        while pending:
            atom = pending.pop()
            if isinstance(atom, Known):
                yield atom
            elif isinstance(atom, Box) and atom not in seen:
                seen.add(atom)
                pending += self.items(atom) | self.keys(atom)


def is_text(value: Value) -> bool:
    """Tell whether a value is a text, whatever happens."""
    return all(
        isinstance(atom.value, str) if isinstance(atom, Known) else getattr(atom, "is_text", False) for atom in value
    )


def is_number(value: Value) -> bool:
    """Tell whether a value is a number, whatever happens."""
    return all(isinstance(atom, Known) and isinstance(atom.value, int | float) for atom in value)


def join(one: Value, other: Value) -> Value:
    """Return what comes of either; the bigger one itself where it has all."""
    if one is other or other <= one:
        return one
    return other if one <= other else one | other
