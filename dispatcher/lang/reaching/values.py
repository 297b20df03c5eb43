"""What an expression may come to: texts and numbers with the places they stand at, what holds others, what is not told.

A value is a set of these. Boxes are the lists, tuples, sets and dicts of a rule, one for each place that makes them and
each way of calls to it; what may be in one is kept beside it and only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

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
    """A text, number, truth value or None. `written`: it is what is written at its place, and not made of that.

    `held`: a field has had it, so that from there on it is the field's value and no longer the literal.
    """

    value: Any
    place: Place
    written: bool = False
    held: bool = False

    @property
    def exact(self) -> bool:
        """Tell whether it is a literal on its way."""
        return self.written and not self.held


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
class Pair:
    """Values that two fields may have at the same time; UNTOLD stands for what is not told."""

    one: Any
    other: Any


@dataclass(frozen=True, slots=True)
class Unset:
    """No value: on some way to here nothing was assigned."""


Atom: TypeAlias = Known | Untold | Given | Box | Member | Routine | Pair | Unset
Value: TypeAlias = frozenset[Atom]

# What of a box goes on: what going through it gives, its values, or its keys.
Part: TypeAlias = Literal["turns", "items", "keys"]

NOTHING: Value = frozenset()
UNSET = Unset()


@dataclass(slots=True)
class Contents:
    """What may be in a box: under keys that are known (positions, in a list), under any, and the keys themselves."""

    keyed: dict[Any, Value] = field(default_factory=dict)
    others: set[Atom] = field(default_factory=set)
    keys: set[Atom] = field(default_factory=set)
    is_dict: bool = False
    # The keys under which something is from the beginning; None: it is not filled yet.
    sure: frozenset[Any] | None = None
    # Something may have been taken out.
    shrunk: bool = False
    # Where what gets in here gets to as well: all that goes through this one later.
    followers: set[tuple[Box, Part, int | None]] = field(default_factory=set)


class Boxes:
    """What all boxes may hold; `version` counts its growth."""

    def __init__(self) -> None:
        self._contents: dict[Box, Contents] = {}
        self.version = 0
        # Those of which the items are worked out when they are wanted, by rules that may have gone on by then.
        self.late: set[Box] = set()

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
        contents = self._contents[box]
        known = contents.keyed.get(key)
        if known is None or not value <= known:
            contents.keyed[key] = value if known is None else known | value
            self.keep(value)
            self._grown(contents, "items", value)

    def keep(self, value: Value) -> None:
        """Note that a value is kept: what is worked out when it is wanted may be something else by then."""
        if not self.late:
            return
        for atom in value:
            if isinstance(atom, Box) and atom in self.late:
                self.add(atom, frozenset({Untold(atom.place, "its items are worked out when they are wanted")}))

    def fill(self, box: Box, keys: frozenset[Any]) -> None:
        """Note under which keys something is whenever the box is made."""
        contents = self._contents[box]
        contents.sure = keys if contents.sure is None else contents.sure & keys

    def add(self, box: Box, value: Value) -> None:
        """Add what may stand anywhere in the box."""
        contents = self._contents[box]
        if not contents.others.issuperset(value):
            contents.others |= value
            self.keep(value)
            self._grown(contents, "items", value)

    def add_keys(self, box: Box, keys: Value) -> None:
        """Add what may be keys."""
        contents = self._contents[box]
        if not contents.keys.issuperset(keys):
            contents.keys |= keys
            self._grown(contents, "keys", keys)

    def _grown(self, contents: Contents, part: Part, value: Value) -> None:
        self.version += 1
        for follower, wanted, position in tuple(contents.followers):
            if wanted == part or (wanted == "turns" and contents.is_dict == (part == "keys")):
                self._hand_on(follower, position, value)

    def _hand_on(self, box: Box, position: int | None, value: Value) -> None:
        if position is None:
            self.add(box, value)
        else:
            self.put(box, position, value)

    def follow(self, source: Box, box: Box, part: Part, position: int | None = None) -> None:
        """Let what is in one box, and gets into it later, be in another: anywhere, or at a position."""
        found = {"turns": self.turns, "items": self.items, "keys": self.keys}[part](source)
        self._contents[source].followers.add((box, part, position))
        self._hand_on(box, position, found)

    def spoil(self, boxes: Iterable[Box], unknown: Value) -> None:
        """Note that anything may have been done to boxes."""
        for box in boxes:
            self.shuffle(box)
            self.add(box, unknown)
            if self.is_dict(box):
                self.add_keys(box, unknown)

    def all(self) -> tuple[Box, ...]:
        """Return all boxes there are."""
        return tuple(self._contents)

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
        self.add(box, frozenset(contents.others))
        self.add_keys(box, frozenset(contents.keys))

    def at(self, box: Box, key: Any) -> Value:
        """Return what may stand under a key; a position may count from the end."""
        contents = self._contents[box]
        if not contents.is_dict and isinstance(key, int) and key < 0:
            return self.items(box) if contents.others else contents.keyed.get(len(contents.keyed) + key, NOTHING)
        return contents.keyed.get(key, NOTHING) | contents.others

    def has(self, box: Box, key: Any) -> bool:
        """Tell whether something is under a key for certain."""
        contents = self._contents[box]
        return contents.sure is not None and key in contents.sure and not contents.shrunk

    def length(self, box: Box) -> int | None:
        """Return how many items a list or tuple has for certain."""
        contents = self._contents[box]
        return None if contents.is_dict or contents.shrunk or contents.others else len(contents.keyed)

    def items(self, box: Box) -> Value:
        """Return all that may be in the box: of a dict, the values."""
        contents = self._contents[box]
        return frozenset(contents.others.union(*contents.keyed.values()) if contents.keyed else contents.others)

    def keys(self, box: Box) -> Value:
        """Return what may be keys of the dict."""
        return frozenset(self._contents[box].keys)

    def turns(self, box: Box) -> Value:
        """Return what going through the box gives."""
        return self.keys(box) if self.is_dict(box) else self.items(box)

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
    # The copy of the longer one costs least.
    return other if one <= other else one | other if len(one) > len(other) else other | one
