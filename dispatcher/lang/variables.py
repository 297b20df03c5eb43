"""What a file does with variables: which it reads, deletes, binds inside expressions or functions, changes in place."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.lang import syntax
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import target_names


@dataclass(slots=True)
class Uses:
    """How the statements of a file use names; ticket variables go by their own names, not by aliases."""

    read: set[str] = field(default_factory=set)
    # Deleted, or bound behind an `except ... as`, which deletes them at its end.
    unbound: set[str] = field(default_factory=set)
    # Bound by `:=`, or by functions that declare them `global`.
    bound_inside: set[str] = field(default_factory=set)
    # Whether anything changes a value in place, other than through a ticket variable's own name.
    changes_values: bool = False
    defines_functions: bool = False

    @staticmethod
    def together(parts: Iterable[Uses]) -> Uses:
        """Return how statements use names of which each uses them so."""
        found = Uses()
        for part in parts:
            found.read |= part.read
            found.unbound |= part.unbound
            found.bound_inside |= part.bound_inside
            found.changes_values |= part.changes_values
            found.defines_functions |= part.defines_functions
        return found


def uses(statements: Iterable[syntax.Node], schema: Schema) -> Uses:
    """Return how statements use names. What a function does counts as if the file did it."""
    found = Uses()
    pending = list(statements)
    while pending:
        current = pending.pop()
        match current:
            case syntax.Name(id=name):
                found.read.add(schema.aliases.get(name, name))
            case syntax.Assignment(targets=(syntax.Name(),), value=value):
                pending.append(value)
            case syntax.Constant():
                pass
            case _:
                found.changes_values = found.changes_values or _changes_values(current)
                found.defines_functions = found.defines_functions or isinstance(current, syntax.Function)
                found.unbound.update(schema.aliases.get(name, name) for name in _unbound(current))
                found.bound_inside.update(schema.aliases.get(name, name) for name in _bound_inside(current))
                pending.extend(syntax.children(current))
    return found


def _changes_values(node: syntax.Node) -> bool:
    match node:
        case syntax.AugmentedAssignment() | syntax.Delete():
            return True
        case syntax.Attribute(name=name):
            return name in MUTATORS
        case syntax.Import(items=items):
            # Reading an item of a defaultdict may add it.
            return any(item.name == "collections" for item in items)
        case syntax.FromImport(module=module):
            return module == "collections"
        case syntax.Assignment(targets=targets):
            return any(isinstance(target, syntax.Subscript) for target in targets)
        case _:
            return False


def _unbound(node: syntax.Node) -> Iterable[str]:
    match node:
        case syntax.Delete(targets=targets):
            return (name.id for name in target_names(targets))
        case syntax.Handler(name=syntax.Name(id=name)):
            return (name,)
        case _:
            return ()


def _bound_inside(node: syntax.Node) -> Iterable[str]:
    match node:
        case syntax.NamedExpression(target=target):
            return (target.id,)
        case syntax.Global(names=names):
            return (name.id for name in names)
        case _:
            return ()
