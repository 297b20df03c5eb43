"""From where on a top-level statement has had an effect, should it fail."""

from __future__ import annotations

from dispatcher.lang import syntax
from dispatcher.lang.scopes import bound_names
from dispatcher.lang.syntax import Expr, Stmt


def first_effect(statement: Stmt) -> int | None:
    """Return the offset from which on a fault may come behind a binding of a name, or None where nothing is bound.

    The offset may be too early, never too late. Changes of values in place are not its matter: the meter knows them.
    """
    match statement:
        case syntax.If(branches=branches, orelse=orelse):
            blocks = [(branch.condition, branch.body) for branch in branches] + [(None, orelse)]
            for condition, block in blocks:
                if condition is not None and _binds(syntax.ExpressionStatement(condition, start=0, end=0)):
                    return condition.start
                for inner in block:
                    effect = first_effect(inner)
                    if effect is not None:
                        return effect
            return None
        case syntax.Assignment(targets=(target,), value=value) if _cannot_fail_late(target):
            # The value is there before the name is bound; what fails at the target comes behind a `:=` in the value.
            return statement.start if _binds(syntax.ExpressionStatement(value, start=0, end=0)) else statement.end
        case syntax.AugmentedAssignment(value=value):
            return statement.start if _binds(syntax.ExpressionStatement(value, start=0, end=0)) else statement.end
        case syntax.Import() | syntax.FromImport() | syntax.Function():
            return statement.end
        case _:
            # Loops come back, handlers raise again what was raised before them: no place in them is surely before.
            return statement.start if _binds(statement) else None


def _binds(statement: Stmt) -> bool:
    return next(iter(bound_names((statement,))), None) is not None


def _cannot_fail_late(target: Expr) -> bool:
    """Tell whether nothing can fail once a part of the target is bound."""
    match target:
        case syntax.Name() | syntax.Subscript():
            return True
        case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
            return all(isinstance(item, syntax.Name) for item in items)
        case _:
            return False
