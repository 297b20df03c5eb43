"""Program: one rule file, compiled. Holds no values of any evaluation, and is shared between threads.

A file of few statements is one function, whose variables are Python's own. A longer file is run statement by statement:
each has the function of its shape, which takes the literals in which statements of one shape differ, and finds the
variables of the file in a dict. The second form exists for the first kind of file too, for runs that leave out
statements. Both are compiled from the same tree and mean the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from dispatcher.lang.pieces import place
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.source import Source

if TYPE_CHECKING:
    from dispatcher.lang.branches import Branches
    from dispatcher.lang.index import Index
    from dispatcher.lang.triggers import Trigger

# The name of a file's or a shape's function: no rule can give it to one of its own.
TOP_FUNCTION = ".rules"
# Stands in the name of a code's file before the number of its statement, where that is not the one that runs.
STATEMENT = "\n"
# Stands behind the name of a variable of the file where functions around its use have the same name.
RENAMED = "."

# A rule that fired, or a write of a ticket variable: the number of the statement, of the place in it, and the value.
Entry: TypeAlias = "int | tuple[int, int, Any]"

# What a function that reads the ticket itself returns where that is not as it expects: nothing has run then.
UNREAD: Any = {".unread": True}


class Variables(dict[str, Any]):
    """The variables of a file that runs statement by statement, which fail as Python's own where they are not bound."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        raise NameError(f"name '{name}' is not defined")

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise NameError(f"name '{name}' is not defined")
        super().__delitem__(name)


# The whole file: called with the meter, what logs an Entry, and the values of `Program.reads`, or what gets a value of
# the ticket, and for each of them what it is where the ticket says nothing. Returns the variables at the end, or None
# where the log tells them all.
FileFunction = Callable[..., Mapping[str, Any] | None]
# What reads the variables of a file: called with what gets a value of the ticket, and the values that are unset.
ReaderFunction = Callable[..., "Variables"]
# One statement: called with the variables, the meter, what logs an Entry, the statement's number, and its literals.
ShapeFunction = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Write:
    """A place that writes a ticket variable; `copied` where a copy is logged, since the value changes in place."""

    variable: str
    line: int
    column: int = 1
    copied: bool = False


@dataclass(frozen=True, slots=True)
class CompiledShape:
    """The function of a shape, and the places in it that write, by their numbers; lines are those of the exemplar."""

    function: ShapeFunction
    writes: tuple[Write, ...]
    # Whether a function inside writes.
    writes_inside: bool
    # What a traced form tells of.
    branches: Branches | None = None


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """The function of a whole file, and the places in it that write, by statement; whether it asks the meter."""

    function: FileFunction
    writes: Sequence[Sequence[Write]]
    metered: bool


class Fused:
    """A file as one function, in two forms: one reads the ticket and takes short texts only, one takes any values."""

    def __init__(self, build: Callable[[bool], CompiledFile]) -> None:
        self._build = build

    @cached_property
    def quick(self) -> CompiledFile:
        """Return the form that reads the ticket itself, and runs where all it reads are short texts or unset."""
        return self._build(True)

    @cached_property
    def general(self) -> CompiledFile:
        """Return the form for any values."""
        return self._build(False)


@dataclass(slots=True)
class Shape:
    """What top-level statements that differ in literals have in common; the first of them is the exemplar."""

    # The text that places in the shape refer to: the whole file, or the exemplar alone where several share the shape.
    source: Source
    shared: bool
    # A rule is a statement that can act; it `always` fires where nothing in it is conditional.
    is_rule: bool
    always: bool
    # Steps that running it once takes beside what depends on sizes.
    weight: int
    # Line and column from which on a fault may come behind a binding of a name; None where nothing is bound.
    effect: tuple[int, int] | None
    # Whether the file has an index, and what must hold for the statement to act or to fail, or None where that cannot
    # be told beforehand.
    indexed: bool
    triggers: tuple[Trigger, ...] | None
    # The offsets of the literals that differ, in the order in which the function takes them.
    varying: tuple[int, ...]
    build: Callable[[Shape], CompiledShape]
    # The compiled form, which is made when the statement first runs.
    function: ShapeFunction = field(init=False)
    _compiled: CompiledShape | None = None

    def __post_init__(self) -> None:
        self.function = self._first_call

    def _first_call(self, *arguments: Any) -> None:
        self.compiled().function(*arguments)

    def compiled(self) -> CompiledShape:
        """Return the compiled form."""
        if self._compiled is None:
            self._compiled = self.build(self)
            self.function = self._compiled.function
        return self._compiled


@dataclass(frozen=True, slots=True)
class TopStatement:
    """One top-level statement as decisions tell it."""

    line: int
    title: str
    is_rule: bool


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled form of one file. Statements are known by their numbers, from 0."""

    source: Source
    # For each statement its shape, the literals that it fills it with, and the offset at which it begins.
    shapes: Sequence[Shape]
    literals: Sequence[tuple[Any, ...]]
    starts: Sequence[int]
    # The statements that are rules and fire in any case.
    always: Sequence[int]
    # The ticket variables that something in the file reads.
    reads: tuple[str, ...]
    # What names of functions mean that the file gives another meaning somewhere.
    hidden: Mapping[str, Any]
    # Steps that running each statement once takes.
    weight: int
    # Whether anything in the file changes a value in place, other than through a ticket variable's own name.
    changes_values: bool
    # Whether a function of the file writes ticket variables: then only a watched run tells which statement did.
    writes_in_functions: bool
    # Makes what reads the given ticket variables, as `Fused.quick` does.
    reader: Callable[[tuple[str, ...]], ReaderFunction]
    # The whole file as one function; None for a long file.
    fused: Fused | None
    # What wakes which statement of a long file.
    index: Index | None

    @property
    def filename(self) -> str:
        """Return the file's name."""
        return self.source.filename

    def statement(self, number: int) -> TopStatement:
        """Return a statement as decisions tell it."""
        line, _ = self.source.position(self.starts[number])
        above = self.source.line(line - 1)
        title = above.lstrip("#").strip() if above.startswith("#") else ""
        return TopStatement(line, title, self.shapes[number].is_rule)

    def statement_at(self, line: int, column: int) -> int:
        """Return the number of the statement at a place of the file; the first one where there is none."""
        return max(bisect_right(self.starts, self.source.offset(line, column)) - 1, 0)

    def position(self, number: int, line: int, column: int) -> tuple[int, int]:
        """Return where a place of a statement's shape is in the statement; lines and columns count from 1."""
        shape = self.shapes[number]
        if not shape.shared:
            return line, column
        start = self.starts[number]
        if line > shape.source.text.count("\n") + 1:
            # Not a place of this shape: better the statement than none.
            return self.source.position(start)
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.source.text)
        text = self.source.text[start:end]
        return self.source.position(start + place(shape.source.text, text, shape.source.offset(line, column)))

    def write(self, number: int, site: int, *, watched: bool) -> Write:
        """Return a place that writes, with its line in the file; watched runs take the functions of shapes."""
        if self.fused is not None and not watched:
            # Both forms write at the same places.
            return self.fused.quick.writes[number][site]
        write = self.shapes[number].compiled().writes[site]
        line, column = self.position(number, write.line, write.column)
        return Write(write.variable, line, column, write.copied)
