"""Which names the statements of a scope bind, and what imports bind them to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dispatcher.lang import syntax
from dispatcher.lang.modules import MODULES
from dispatcher.lang.syntax import Expr, Stmt
from dispatcher.lang.values import ModuleValue, TypeValue


def name_of(bound: syntax.Name | syntax.ImportedName) -> str:
    """Return the variable that `bound` binds."""
    return bound.id if isinstance(bound, syntax.Name) else bound.variable


def is_literal(expr: Expr) -> bool:
    """Tell whether `expr` is a number or a text as written, for which `is` means `==`."""
    match expr:
        case syntax.Constant(value=value):
            return value is not None and not isinstance(value, bool)
        case syntax.FormattedString():
            return True
        case syntax.UnaryOperation(op="-" | "+" | "~", operand=operand):
            return is_literal(operand)
        case syntax.TupleDisplay(items=items):
            return all(is_literal(item) for item in items)
        case _:
            return False


def bound_names(body: Iterable[Stmt]) -> Iterator[syntax.Name | syntax.ImportedName]:
    """Yield what the statements of one scope bind, without what functions inside bind for themselves."""
    for statement in body:
        match statement:
            case syntax.Assignment(targets=targets) | syntax.Delete(targets=targets):
                yield from target_names(targets)
            case syntax.AugmentedAssignment(target=target):
                yield from target_names((target,))
            case syntax.For(target=target, body=inner, orelse=orelse):
                yield from target_names((target,))
                yield from bound_names(inner + orelse)
            case syntax.While(body=inner, orelse=orelse):
                yield from bound_names(inner + orelse)
            case syntax.If(branches=branches, orelse=orelse):
                for branch in branches:
                    yield from bound_names(branch.body)
                yield from bound_names(orelse)
            case syntax.Function(name=name):
                yield name
            case syntax.Import(items=items) | syntax.FromImport(items=items):
                yield from items
            case syntax.RefusedStatement(body=inner):
                yield from bound_names(inner)
            case _:
                pass
        yield from walrus_names(statement)


def walrus_names(root: syntax.Node) -> Iterator[syntax.Name]:
    """Yield the targets of `:=` that bind in the scope of `root`: also those inside comprehensions, not in lambdas."""
    pending: list[syntax.Node] = [root]
    while pending:
        current = pending.pop()
        if isinstance(current, syntax.NamedExpression):
            yield current.target
        for child in syntax.children(current):
            if isinstance(child, syntax.Lambda):
                pending.extend(item.default for item in child.parameters.items if item.default is not None)
            elif not isinstance(child, _STATEMENTS):
                pending.append(child)


_STATEMENTS = (
    syntax.ExpressionStatement,
    syntax.Assignment,
    syntax.AugmentedAssignment,
    syntax.If,
    syntax.For,
    syntax.While,
    syntax.Function,
    syntax.Return,
    syntax.Delete,
    syntax.RefusedStatement,
)


def target_names(targets: Iterable[Expr]) -> Iterator[syntax.Name]:
    """Yield the names that an assignment to `targets` binds; items and slices bind none."""
    for target in targets:
        match target:
            case syntax.Name():
                yield target
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                yield from target_names(items)
            case syntax.Starred(value=value):
                yield from target_names((value,))
            case _:
                pass


def imported_meanings(body: Iterable[Stmt]) -> dict[str, ModuleValue | TypeValue]:
    """Return the names that mean one module or type throughout the file, because only imports bind them."""
    meanings: dict[str, ModuleValue | TypeValue] = {}
    others: set[str] = set()
    pending = list(body)
    for name in bound_names(pending):
        if isinstance(name, syntax.Name):
            others.add(name.id)
    while pending:
        statement = pending.pop()
        pending.extend(child for child in syntax.children(statement) if isinstance(child, _STATEMENTS))
        if isinstance(statement, syntax.If):
            pending.extend(inner for branch in statement.branches for inner in branch.body)
        for variable, value in imported_values(statement):
            if variable in meanings and meanings[variable] is not value:
                others.add(variable)
            if isinstance(value, ModuleValue | TypeValue):
                meanings[variable] = value
            else:
                others.add(variable)
    return {name: value for name, value in meanings.items() if name not in others}


def imported_values(statement: syntax.Node) -> Iterator[tuple[str, object]]:
    """Yield each variable that an import binds, with its value; unknown modules and members are left out."""
    match statement:
        case syntax.Import(items=items):
            for item in items:
                if item.name in MODULES:
                    yield item.variable, MODULES[item.name]
        case syntax.FromImport(module=module, items=items):
            for item in items:
                if module in MODULES and item.name in MODULES[module].members:
                    yield item.variable, MODULES[module].members[item.name]
        case _:
            pass
