"""Which names the statements of a scope bind or declare, and what imports bind them to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import get_args

from dispatcher.lang import syntax
from dispatcher.lang.modules import MODULES
from dispatcher.lang.records import dataclass
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


@dataclass(frozen=True, slots=True)
class ScopeNames:
    """The names of a function: its own, and those that it declares as the file's or as an outer function's."""

    own: frozenset[str]
    globals: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()


def function_names(parameters: syntax.Parameters, body: tuple[Stmt, ...] | Expr) -> ScopeNames:
    """Return the names of a `def` or a lambda."""
    bound = bound_names(body) if isinstance(body, tuple) else walrus_names(body)
    own = {item.name for item in parameters.items if item.name} | {name_of(name) for name in bound}
    if not isinstance(body, tuple):
        return ScopeNames(frozenset(own))
    file_names: set[str] = set()
    outer_names: set[str] = set()
    for statement in scope_statements(body):
        if isinstance(statement, syntax.Global):
            file_names.update(name.id for name in statement.names)
        elif isinstance(statement, syntax.Nonlocal):
            outer_names.update(name.id for name in statement.names)
    return ScopeNames(frozenset(own - file_names - outer_names), frozenset(file_names), frozenset(outer_names))


def file_names(body: tuple[Stmt, ...]) -> frozenset[str]:
    """Return the names that a file binds, also from inside its functions by `global`."""
    return frozenset({name_of(name) for name in bound_names(body)} | set(global_names(body)))


def global_names(body: tuple[Stmt, ...]) -> Iterator[str]:
    """Yield the names that `global` declares anywhere in a file, each as often as it does."""
    for statement in all_statements(body):
        if isinstance(statement, syntax.Global):
            yield from (name.id for name in statement.names)


def blocks(statement: Stmt) -> Iterator[tuple[Stmt, ...]]:
    """Yield the blocks inside a statement that belong to the same scope as it does."""
    match statement:
        case syntax.For(body=body, orelse=orelse) | syntax.While(body=body, orelse=orelse):
            yield from (body, orelse)
        case syntax.If(branches=parts, orelse=orelse):
            yield from (part.body for part in parts)
            yield orelse
        case syntax.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            yield body
            yield from (handler.body for handler in handlers)
            yield from (orelse, final)
        case syntax.Match(cases=cases):
            yield from (case.body for case in cases)
        case syntax.RefusedStatement(body=body):
            yield body
        case _:
            pass


def scope_statements(body: Iterable[Stmt]) -> Iterator[Stmt]:
    """Yield the statements of a scope in order, also those inside others, but not those of functions inside."""
    for statement in body:
        yield statement
        for block in blocks(statement):
            yield from scope_statements(block)


def all_statements(body: Iterable[Stmt]) -> Iterator[Stmt]:
    """Yield all statements of a file in order, also those of functions."""
    for statement in scope_statements(body):
        yield statement
        if isinstance(statement, syntax.Function):
            yield from all_statements(statement.body)


def bound_names(body: Iterable[Stmt]) -> Iterator[syntax.Name | syntax.ImportedName]:
    """Yield what the statements of one scope bind, without what functions inside bind for themselves."""
    for statement in scope_statements(body):
        match statement:
            case syntax.Assignment(targets=targets) | syntax.Delete(targets=targets):
                yield from target_names(targets)
            case syntax.AugmentedAssignment(target=target) | syntax.For(target=target):
                yield from target_names((target,))
            case syntax.Function(name=name):
                yield name
            case syntax.Import(items=items) | syntax.FromImport(items=items):
                yield from items
            case syntax.Try(handlers=handlers):
                yield from (handler.name for handler in handlers if handler.name is not None)
            case syntax.Match(cases=cases):
                for case in cases:
                    yield from captured_names(case.pattern)
            case _:
                pass
        yield from walrus_names(statement)


def captured_names(pattern: syntax.Node) -> Iterator[syntax.Name]:
    """Yield the names that a pattern binds, in source order."""
    match pattern:
        case syntax.CapturePattern(name=name) | syntax.StarPattern(name=name):
            if name is not None:
                yield name
        case syntax.AsPattern(pattern=inner, name=captured):
            yield from captured_names(inner)
            yield captured
        case syntax.ValuePattern():
            pass
        case syntax.MappingPattern(entries=entries, rest=rest):
            for _, inner in entries:
                yield from captured_names(inner)
            if rest is not None:
                yield rest
        case _:
            for child in syntax.children(pattern):
                yield from captured_names(child)


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
            elif type(child) not in _STATEMENTS:
                pending.append(child)


_STATEMENTS = frozenset(get_args(Stmt))


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


def imported_meanings(body: tuple[Stmt, ...]) -> dict[str, ModuleValue | TypeValue]:
    """Return the names that mean one module or type throughout the file, because only imports bind them."""
    meanings: dict[str, ModuleValue | TypeValue] = {}
    others = {name.id for name in bound_names(body) if isinstance(name, syntax.Name)}
    for statement in scope_statements(body):
        for variable, value in imported_values(statement):
            if variable in meanings and meanings[variable] is not value:
                others.add(variable)
            if isinstance(value, ModuleValue | TypeValue):
                meanings[variable] = value
            else:
                others.add(variable)
    others.update(global_names(body))
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
