"""The syntax tree of the rules language: one frozen class per construct, one closed union per category.

Every node carries `start` and `end`, the offsets of its text in the Source. Names are normalised (NFKC) and literals
are evaluated; nothing else is interpreted. `Expr` and `Stmt` are the unions that `match` statements close over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Span

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What all nodes share: their place in the Source."""

    start: int
    end: int

    @property
    def span(self) -> Span:
        """Return the half-open range of the node's text."""
        return Span(self.start, self.end)


# CPython's compiler recurses over `elif`, so longer chains are compiled in pieces of this length.
ELIF_PIECE = 20

# --- expressions


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable, function or module by its name."""

    id: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number, text (adjacent literals joined), True, False, None or `...`."""

    value: int | float | str | bool | None


@dataclass(frozen=True, slots=True)
class FormattedString(Node):
    """An f-string: literal text and fields in order; adjacent literals are joined into it."""

    parts: tuple[str | FormattedField, ...]


@dataclass(frozen=True, slots=True)
class FormattedField(Node):
    """One `{value!conversion:spec}` of an f-string; `label` is the text that `{value=}` repeats."""

    value: Expr
    conversion: Literal["s", "r", "a"] | None
    spec: FormattedString | None
    label: str | None


@dataclass(frozen=True, slots=True)
class ListDisplay(Node):
    """`[a, *b]`."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class TupleDisplay(Node):
    """`a, b`, with or without parentheses."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class SetDisplay(Node):
    """`{a, b}`."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class DictDisplay(Node):
    """`{key: value, **more}`; a `**` entry has no key."""

    entries: tuple[tuple[Expr | None, Expr], ...]


@dataclass(frozen=True, slots=True)
class UnaryOperation(Node):
    """`not a`, `-a`, `+a`, `~a`."""

    op: Literal["not", "-", "+", "~"]
    operand: Expr


@dataclass(frozen=True, slots=True)
class BinaryOperation(Node):
    """Arithmetic, text and set operators: `+ - * / // % ** << >> & | ^`."""

    left: Expr
    op: str
    right: Expr


@dataclass(frozen=True, slots=True)
class BooleanOperation(Node):
    """A run of operands joined by `and`, or by `or`."""

    op: Literal["and", "or"]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """A chain `first op operand op operand ...`; ops are `== != < <= > >= in`, `not in`, `is`, `is not`."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`value if condition else other`."""

    condition: Expr
    value: Expr
    other: Expr


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """`lambda parameters: body`."""

    parameters: Parameters
    body: Expr


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """`value.name`."""

    value: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """`value[index]`; the index may be a Slice."""

    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`lower:upper:step` inside a subscript."""

    lower: Expr | None
    upper: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`."""

    function: Expr
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """One argument: positional, `name=value`, `*value` (kind "*") or `**value` (kind "**")."""

    value: Expr
    name: str | None
    kind: Literal["", "*", "**"]


@dataclass(frozen=True, slots=True)
class Starred(Node):
    """`*value` in a display or among targets."""

    value: Expr


@dataclass(frozen=True, slots=True)
class NamedExpression(Node):
    """`name := value`."""

    target: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """A list, set, dict or generator comprehension; `value` is set for dict only."""

    kind: Literal["list", "set", "dict", "generator"]
    element: Expr
    value: Expr | None
    clauses: tuple[ForClause, ...]


@dataclass(frozen=True, slots=True)
class ForClause(Node):
    """`for target in iterable if condition ...` of a comprehension."""

    target: Expr
    iterable: Expr
    conditions: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Parameters(Node):
    """What a function takes, in order."""

    items: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """One parameter; kind "/" and "*" without a name are the markers of positional- and keyword-only."""

    name: str
    kind: Literal["", "*", "**", "/"]
    default: Expr | None


@dataclass(frozen=True, slots=True)
class RefusedExpression(Node):
    """Python that the language leaves out, kept so that the checker can name it."""

    construct: str


Expr: TypeAlias = (
    Name
    | Constant
    | FormattedString
    | ListDisplay
    | TupleDisplay
    | SetDisplay
    | DictDisplay
    | UnaryOperation
    | BinaryOperation
    | BooleanOperation
    | Comparison
    | Conditional
    | Lambda
    | Attribute
    | Subscript
    | Slice
    | Call
    | Starred
    | NamedExpression
    | Comprehension
    | RefusedExpression
)


# --- statements


@dataclass(frozen=True, slots=True)
class ExpressionStatement(Node):
    """An expression evaluated for what it does."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """`target = target = value`."""

    targets: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class AugmentedAssignment(Node):
    """`target op= value`; `op` is the operator without its `=`."""

    target: Expr
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if`, its `elif`s, and `else`, which is empty when absent."""

    branches: tuple[Branch, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """One condition of an `if` and what runs when it holds."""

    condition: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for target in iterable`, with an optional `else`."""

    target: Expr
    iterable: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class While(Node):
    """`while condition`, with an optional `else`."""

    condition: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Break(Node):
    """`break`."""


@dataclass(frozen=True, slots=True)
class Continue(Node):
    """`continue`."""


@dataclass(frozen=True, slots=True)
class Pass(Node):
    """`pass`."""


@dataclass(frozen=True, slots=True)
class Function(Node):
    """`def name(parameters): body`."""

    name: Name
    parameters: Parameters
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Return(Node):
    """`return`, with or without a value."""

    value: Expr | None


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import module as name, ...`."""

    items: tuple[ImportedName, ...]


@dataclass(frozen=True, slots=True)
class FromImport(Node):
    """`from module import name as other, ...`."""

    module: str
    items: tuple[ImportedName, ...]


@dataclass(frozen=True, slots=True)
class ImportedName(Node):
    """A module or a name in it, and the variable that it becomes."""

    name: str
    variable: str


@dataclass(frozen=True, slots=True)
class Delete(Node):
    """`del targets`."""

    targets: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Try(Node):
    """`try`, its `except`s, `else` and `finally`; `orelse` and `final` are empty when absent."""

    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Stmt, ...]
    final: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Handler(Node):
    """`except kind as name`; a bare `except` has no kind."""

    kind: Expr | None
    name: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Raise(Node):
    """`raise error from cause`, or `raise` alone."""

    error: Expr | None
    cause: Expr | None


@dataclass(frozen=True, slots=True)
class Assert(Node):
    """`assert condition, message`."""

    condition: Expr
    message: Expr | None


@dataclass(frozen=True, slots=True)
class Global(Node):
    """`global names`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Nonlocal(Node):
    """`nonlocal names`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Match(Node):
    """`match subject` and its cases."""

    subject: Expr
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Case(Node):
    """`case pattern if guard` and what runs when it matches."""

    pattern: Pattern
    guard: Expr | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class RefusedStatement(Node):
    """A statement that the language leaves out; `body` is still checked."""

    construct: str
    body: tuple[Stmt, ...]


Stmt: TypeAlias = (
    ExpressionStatement
    | Assignment
    | AugmentedAssignment
    | If
    | For
    | While
    | Break
    | Continue
    | Pass
    | Function
    | Return
    | Import
    | FromImport
    | Delete
    | Try
    | Raise
    | Assert
    | Global
    | Nonlocal
    | Match
    | RefusedStatement
)


# --- patterns of `case`


@dataclass(frozen=True, slots=True)
class ValuePattern(Node):
    """A literal or a dotted name: equal to the subject, or for None, True and False identical."""

    value: Expr


@dataclass(frozen=True, slots=True)
class CapturePattern(Node):
    """A name that takes whatever stands there; `_` has none."""

    name: Name | None


@dataclass(frozen=True, slots=True)
class AsPattern(Node):
    """`pattern as name`."""

    pattern: Pattern
    name: Name


@dataclass(frozen=True, slots=True)
class OrPattern(Node):
    """`pattern | pattern`."""

    alternatives: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class SequencePattern(Node):
    """`[a, *b]`, also with round brackets or none."""

    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class StarPattern(Node):
    """`*name` in a sequence pattern; `*_` has no name."""

    name: Name | None


@dataclass(frozen=True, slots=True)
class MappingPattern(Node):
    """`{key: pattern, **rest}`; keys are literals or dotted names."""

    entries: tuple[tuple[Expr, Pattern], ...]
    rest: Name | None


Pattern: TypeAlias = (
    ValuePattern | CapturePattern | AsPattern | OrPattern | SequencePattern | StarPattern | MappingPattern
)


@dataclass(frozen=True, slots=True)
class Module(Node):
    """One rule file: its top-level statements in order, and the names in those that could not be read."""

    body: tuple[Stmt, ...]
    lost: frozenset[str] = frozenset()


def part_names(node: Node) -> tuple[str, ...]:
    """Return the names of all fields of a node but its place."""
    return node.__match_args__


def children(parent: Node) -> Sequence[Node]:
    """Return the nodes directly below `parent`, in source order."""
    names = _INNER.get(type(parent))
    if names is None:
        names = _INNER[type(parent)] = _inner_names(parent)
    if not names:
        return ()
    found: list[Node] = []
    for name in names:
        value = getattr(parent, name)
        if isinstance(value, Node):
            found.append(value)
        elif value.__class__ is tuple:
            for item in value:
                if isinstance(item, Node):
                    found.append(item)
                elif item.__class__ is tuple:
                    found += [part for part in item if isinstance(part, Node)]
    return found


def _inner_names(node: Node) -> tuple[str, ...]:
    """Return the names of the fields that may hold nodes: those whose types are written in capitals, as classes are."""
    kinds = type(node).__annotations__
    return tuple(
        name
        for name in part_names(node)
        if any(word[0].isupper() and word not in ("None", "Literal") for word in _words(kinds[name]))
    )


def _words(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in text).split()


# The fields of each kind of node that may hold others.
_INNER: dict[type[Node], tuple[str, ...]] = {}


def depth(root: Node) -> int:
    """Return how many nodes the longest path from `root` down holds; needs no recursion."""
    deepest = 0
    pending: list[tuple[Node, int]] = [(root, 1)]
    while pending:
        parent, level = pending.pop()
        if isinstance(parent, Comparison):
            # A chain becomes nested tests, one for each link.
            level += len(parent.rest)
        deepest = max(deepest, level)
        if isinstance(parent, If):
            # Each `elif` is nested in the branch before it, up to the length of a piece.
            pending.extend((branch, level + 1 + number % ELIF_PIECE) for number, branch in enumerate(parent.branches))
            pending.extend((child, level + 1 + len(parent.branches) % ELIF_PIECE) for child in parent.orelse)
            continue
        if isinstance(parent, Try):
            # The handlers become a chain of tests.
            level += 2 + len(parent.handlers)
        pending.extend((child, level + 1) for child in children(parent))
    return deepest
