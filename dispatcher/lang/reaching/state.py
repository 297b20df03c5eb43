"""What the walk knows at a place: the values of variables, the calls around it, and what was seen on the way.

Variables of the file go by their names, those of functions and comprehensions by name and path, so that two calls of
one function have variables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from dispatcher.lang import syntax
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.reaching.values import (
    NOTHING,
    UNSET,
    Box,
    Boxes,
    Given,
    Known,
    Member,
    Pair,
    Path,
    Place,
    Routine,
    Untold,
    Value,
    join,
)
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import ScopeNames

Variable: TypeAlias = str | tuple[str, Path]
Variables: TypeAlias = dict[Variable, Value]

# The key of the values that two fields have at the same time, which no name is.
PAIRED: Final = "<paired>"

# Nodes that are looked at, beside one for each character of the files, of which a walk without turns needs a fifth.
# With half of that gone, the rules' functions are no longer walked; with all of it gone, nothing is told.
WORK = 60_000
# Turns of a loop after which what still grows is not told.
MAX_TURNS = 8
# What stands in a pair for a value that is not told.
UNTOLD: Final = "<untold>"
_UNSET: Value = frozenset({UNSET})


class TooInvolvedError(Exception):
    """The walk takes too long."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call, or one comprehension, that is under way."""

    names: ScopeNames
    path: Path


@dataclass(frozen=True, slots=True)
class Met:
    """A function of the rules, with the calls around its definition and its defaults."""

    node: syntax.Function | syntax.Lambda
    names: ScopeNames
    frames: tuple[Frame, ...]
    defaults: dict[str, Value]
    depth: int
    base: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A text that a field had on the way, with which it is compared or by which it is looked up.

    `views` were called on the field before that.
    """

    variable: str
    value: str
    place: Place
    views: tuple[str, ...]


@dataclass(slots=True)
class Seen:
    """What was seen in all files."""

    # For each place of a literal, the fields to which it was assigned as it stands.
    assigned: dict[Place, set[str]] = field(default_factory=dict)
    compared: set[Compared] = field(default_factory=set)
    # Literals that serve another purpose, too.
    used: set[Place] = field(default_factory=set)


class State:
    """The walk's memory."""

    def __init__(
        self,
        schema: Schema,
        fields: frozenset[str],
        variables: Variables,
        characters: int,
        pair: tuple[str, str] | None = None,
    ) -> None:
        self.schema = schema
        self.fields = fields
        # Two fields of which it is told which values they have at the same time; it is kept as a variable of its own.
        self.pair = pair
        if pair is not None:
            variables[PAIRED] = frozenset(
                Pair(one, other) for one in _told(variables[pair[0]]) for other in _told(variables[pair[1]])
            )
        # None: the walk does not come to this place.
        self.variables: Variables | None = variables
        self.seen = Seen()
        self.boxes = Boxes()
        self.routines: list[Met] = []
        self._numbers: dict[tuple[Place, Path], int] = {}
        self.frames: tuple[Frame, ...] = ()
        self.path: Path = ()
        self.file = 0
        # Where in the file the part begins that nodes count from.
        self.base = 0
        # What was assigned inside each `try` around, and in each part that runs when its items are wanted.
        self.tries: list[Variables] = []
        # What such a part may assign, at any time from then on.
        self.late: Variables = {}
        # Whether the statement of the file may have failed.
        self.may_fail = False
        self.work_left = self._work = WORK + characters
        self.depth = 0

    def step(self, work: int = 1) -> None:
        """Count nodes; raise TooInvolvedError when there are too many."""
        self.work_left -= work
        if self.work_left < 0:
            raise TooInvolvedError

    def fork(self) -> Variables | None:
        """Return the variables for one of several ways."""
        if self.variables is None:
            return None
        self.step(len(self.variables) // 128)
        return dict(self.variables)

    def may_call(self) -> bool:
        """Tell whether there is work left for walking a function."""
        return self.work_left > self._work // 2

    def place(self, node: syntax.Node) -> Place:
        """Return where a node stands."""
        return Place(self.file, self.base + node.start, self.base + node.end)

    # --- variables

    def key(self, name: str) -> Variable:
        """Return what variable a name means here."""
        for frame in reversed(self.frames):
            if name in frame.names.own:
                return name, frame.path
            if name in frame.names.globals:
                break
        return self.schema.aliases.get(name, name)

    def read(self, node: syntax.Name) -> Value:
        """Return what a name may stand for."""
        key = self.key(node.id)
        value = (self.variables or {}).get(key)
        if value is None:
            if isinstance(key, tuple):
                # A variable of a call that is over.
                return self.untold(node, f"`{node.id}` belongs to a call that is over")
            return frozenset({Member("", node.id)})
        if UNSET in value:
            self.may_fail = True
            # A function of the tables shows again where the variable of its name is deleted.
            value = (value - _UNSET) | ({Member("", node.id)} if node.id in FUNCTIONS else NOTHING)
        if key not in self.fields and any(isinstance(atom, Given) for atom in value):
            value = frozenset(self._as_read(atom, node) if isinstance(atom, Given) else atom for atom in value)
        return value

    def _as_read(self, atom: Given, node: syntax.Name) -> Untold:
        return Untold(self.place(node), f"it is what the ticket has in `{atom.variable}`", atom.is_text)

    def write(self, name: str, value: Value) -> None:
        """Assign a variable."""
        if self.variables is None:
            return
        key = self.key(name)
        self._set(key, value)
        if isinstance(key, str) and self.schema.find(key) is not None:
            self._note(key, value)

    def _note(self, variable: str, value: Value) -> None:
        """Note which literals get into a ticket variable."""
        if variable not in self.fields:
            self.use(value)
            return
        for atom in value:
            if isinstance(atom, Known) and atom.exact:
                self.seen.assigned.setdefault(atom.place, set()).add(variable)
                if isinstance(atom.value, str):
                    # Rules on the way read it, also where another takes its place before the end.
                    self.seen.compared.add(Compared(variable, atom.value, atom.place, ()))

    def delete(self, name: str) -> None:
        """Take a variable's value away."""
        if self.variables is not None:
            self._set(self.key(name), _UNSET)

    def blur(self, names: Iterable[Variable], why: Untold) -> None:
        """Note that variables may have been assigned anything."""
        if self.variables is not None:
            for name in names:
                self._set(name, self.variables.get(name, NOTHING) | {why})

    def _set(self, key: Variable, value: Value) -> None:
        if isinstance(key, tuple) and self.path[: len(key[1])] != key[1]:
            # A function that outlives the call around it: nothing is told of the variables of that.
            return
        self.step(len(value) // 16)
        if key in self.fields:
            value = frozenset(_as_held(atom) if isinstance(atom, Known) and atom.exact else atom for atom in value)
        else:
            self.boxes.keep(value)
        if key in self.late:
            value |= self.late[key]
        self._put(key, value)
        if self.pair is not None and key in self.pair:
            before = (self.variables or {}).get(PAIRED, NOTHING)
            is_one = key == self.pair[0]
            others = {atom.other if is_one else atom.one for atom in before if isinstance(atom, Pair)}
            pairs = (Pair(told, other) if is_one else Pair(other, told) for told in _told(value) for other in others)
            self._put(PAIRED, frozenset(pairs))

    def _put(self, key: Variable, value: Value) -> None:
        if self.variables is not None:
            self.variables[key] = value
        for recorded in self.tries:
            recorded[key] = join(recorded.get(key, NOTHING), value)

    def lately(self, box: Box, recorded: Variables) -> None:
        """Note that the items of a box are worked out when they are wanted, and what may be assigned then."""
        self.boxes.late.add(box)
        for key, value in recorded.items():
            if self.path[: len(key[1])] == key[1] if isinstance(key, tuple) else True:
                self.late[key] = join(self.late.get(key, NOTHING), value)

    def repeat(self, node: syntax.Node, turn: Callable[[], object]) -> None:
        """Walk something that runs any number of times, until another turn brings nothing new."""
        first = head = self.variables
        turns = 0
        while True:
            version = self.boxes.version
            self.variables = head
            self.variables = self.fork()
            turn()
            after = joined(self.variables, head)
            if turns >= MAX_TURNS and first is not None and head is not None and after is not None:
                after = widened(first, head, after, self.place(node))
            if after == head and self.boxes.version == version:
                break
            head = after
            turns += 1
            self.step()
        self.variables = None if head is None else dict(head)

    # --- what is seen

    def untold(self, node: syntax.Node, why: str, *, is_text: bool = False) -> Value:
        """Return the value of a node of which nothing can be told."""
        return frozenset({Untold(self.place(node), why, is_text)})

    def use(self, value: Value) -> None:
        """Note that the literals in a value serve another purpose than to be a field's value."""
        self.step(len(value) // 16)
        self.seen.used.update(atom.place for atom in self.boxes.within(value) if atom.exact)

    def compare(self, variable: str, views: tuple[str, ...], value: Value) -> None:
        """Note the literals with which a field is compared."""
        for atom in value:
            if isinstance(atom, Known) and atom.exact and isinstance(atom.value, str):
                self.seen.compared.add(Compared(variable, atom.value, atom.place, views))

    def routine(self, met: Met) -> Routine:
        """Return a function of the rules as a value."""
        key = self.place(met.node), self.path
        number = self._numbers.setdefault(key, len(self.routines))
        if number == len(self.routines):
            self.routines.append(met)
        else:
            self.routines[number] = met
        return Routine(number)


def _as_held(atom: Known) -> Known:
    return Known(atom.value, atom.place, written=True, held=True)


def _told(value: Value) -> set[Any]:
    """Return what a field may be, with UNTOLD for all that is not a literal: there is no end to what is made of one."""
    return {
        atom.value if isinstance(atom, Known) and (atom.written or atom.value is None) else UNTOLD for atom in value
    }


def joined(one: Variables | None, other: Variables | None) -> Variables | None:
    """Return the variables where two ways meet; what has no value on one of them may have none."""
    if one is None or other is None:
        return other if one is None else one
    found = dict(one)
    for key, value in other.items():
        mine = found.get(key)
        if mine is not value:
            found[key] = join(mine, value) if mine is not None else value | _UNSET
    if len(found) > len(other):
        for key in found.keys() - other.keys():
            found[key] |= _UNSET
    return found


def widened(first: Variables, before: Variables, after: Variables, place: Place) -> Variables:
    """Return variables that grow with each turn of a loop without what was made in it, which is not told.

    `first` are the variables before the loop, `before` and `after` those around its last turn.
    """
    made = Untold(place, "it is put together in a loop")
    found = dict(after)
    for key, value in after.items():
        if value != before.get(key):
            written = frozenset(atom for atom in value if not isinstance(atom, Known) or atom.written)
            found[key] = written | first.get(key, NOTHING) | {made}
    return found
