"""Facts: what is known of a top-level statement by itself, all that is asked of it before it runs.

Places in it are offsets into the text that was read, and lines and columns of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dispatcher.lang import syntax
from dispatcher.lang.checker import Names
from dispatcher.lang.effects import first_effect
from dispatcher.lang.emitter import root_name, weight
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.pieces import marked
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import all_statements, bound_names, file_names, name_of
from dispatcher.lang.source import Source
from dispatcher.lang.statements import COMPOUND
from dispatcher.lang.syntax import Expr, Node, Stmt
from dispatcher.lang.triggers import Quiet, Trigger, triggers_of
from dispatcher.lang.variables import Uses, uses


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a statement."""

    # A rule is a statement that can act; it `always` fires where nothing in it is conditional.
    is_rule: bool
    always: bool
    # Steps that running it once takes beside what depends on sizes.
    weight: int
    # Line and column from which on a fault may come behind a binding of a name; None where nothing is bound.
    effect: tuple[int, int] | None
    # Its triggers in a file that unbinds no ticket variable, and binds none inside of expressions and functions.
    triggers: tuple[Trigger, ...] | None
    # The variables of the file that it binds, and how it uses names.
    binds: frozenset[str]
    uses: Uses
    imports: bool
    # Whether it makes functions or generators that may run when another statement does.
    leaves_code: bool
    # The offsets of literals that other statements of its shape may have others for, if it is read alone.
    varying: tuple[int, ...]
    # The offsets of all literals that pieces.py marks in it, if it is read alone.
    marked: tuple[int, ...]
    # Where it was checked last and found right.
    good: list[Names] = field(default_factory=list)


def facts_of(statement: Stmt, source: Source, schema: Schema, *, alone: bool = False) -> Facts:
    """Return what is known of a statement of `source`, or of one that is all of it."""
    compound = isinstance(statement, COMPOUND)
    is_rule = compound or _writes_ticket(statement, schema)
    effect = first_effect(statement)
    names = frozenset(variable.name for variable in schema.variables)
    return Facts(
        is_rule=is_rule,
        always=is_rule and not compound,
        weight=weight((statement,)),
        effect=source.position(effect) if effect is not None else None,
        triggers=triggers_of(statement, Quiet(schema, names, names)),
        binds=frozenset(schema.aliases.get(name, name) for name in file_names((statement,))),
        uses=uses((statement,), schema),
        leaves_code=_leaves_code(statement),
        imports=any(isinstance(item, syntax.Import | syntax.FromImport) for item in all_statements((statement,))),
        varying=tuple(sorted(set(_varying(statement)))),
        marked=tuple(span.start for span in marked(source.text)) if alone else (),
    )


def _writes_ticket(statement: Stmt, schema: Schema) -> bool:
    """Tell whether a statement that is none of several writes a ticket variable."""
    names = {name_of(name) for name in bound_names((statement,))}
    targets: tuple[Expr, ...] = ()
    match statement:
        case syntax.Assignment(targets=found) | syntax.Delete(targets=found):
            targets = found
        case syntax.AugmentedAssignment(target=target):
            targets = (target,)
        case syntax.ExpressionStatement(value=syntax.Call(function=syntax.Attribute(value=owner, name=name))) if (
            name in MUTATORS
        ):
            targets = (owner,)
        case _:
            pass
    names.update(root for target in targets if (root := root_name(target)) is not None)
    return any((variable := schema.find(name)) is not None and variable.writable for name in names)


# Functions that are done with a generator that is their one argument when they return, and with their `key`. A file
# that binds one of these names is read as a whole.
EAGER = frozenset({"all", "any", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple"})


def _leaves_code(statement: Stmt) -> bool:
    pending: list[Node] = [statement]
    while pending:
        current = pending.pop()
        match current:
            case syntax.Function() | syntax.Lambda() | syntax.Comprehension(kind="generator"):
                return True
            case syntax.Call(
                function=syntax.Name(id=name),
                arguments=(syntax.Argument(kind="", name=None, value=syntax.Comprehension() as made),),
            ) if name in EAGER:
                pending.extend(syntax.children(made))
            case syntax.Call(
                function=syntax.Attribute(name="join") as joined,
                arguments=(syntax.Argument(kind="", name=None, value=syntax.Comprehension() as made),),
            ):
                pending += [joined, *syntax.children(made)]
            case syntax.Call(
                function=syntax.Name(id="max" | "min" | "sorted"),
                arguments=(syntax.Argument() as first, syntax.Argument(name="key", value=syntax.Lambda() as key)),
            ):
                pending += [first, *syntax.children(key)]
            case _:
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
            case syntax.Comprehension():
                # An idiom is known by its literals, too.
                continue
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
