"""Module + Schema -> CheckedModule and diagnostics: every name, method, module and write is known good or reported.

Names resolve as in Python: what a file assigns anywhere is a variable of the file, what a function assigns is its own.
A name that no scope assigns must be a ticket variable or a function of the table. Read-only variables may not be
bound in any scope, so that no rule can make `email` mean something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from dispatcher.lang import syntax
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.lang.modules import MODULES
from dispatcher.lang.names import NameChecker, Scope, is_private
from dispatcher.lang.pattern_checks import pattern_problems, unreachable_cases
from dispatcher.lang.records import dataclass, replace
from dispatcher.lang.repairs import repair
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import (
    ScopeNames,
    file_names,
    function_names,
    imported_meanings,
    is_literal,
    target_names,
)
from dispatcher.lang.source import Span

if TYPE_CHECKING:
    from dispatcher.lang.source import Source
    from dispatcher.lang.syntax import Expr, Stmt
    from dispatcher.lang.values import ModuleValue, TypeValue

# CPython allows 20 blocks in one function; the compiler needs some for itself.
MAX_BLOCKS = 16
# What the parts of a `try` take of them.
TRY_BLOCKS = 2
HANDLER_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class CheckedModule:
    """A tree whose names are known good: the only thing that the compiler accepts."""

    source: Source
    module: syntax.Module
    schema: Schema
    variables: frozenset[str]
    # What the dotted names in patterns mean, by the offset at which they stand.
    constants: Mapping[int, int | float | str]


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean throughout a file: those that it binds, and those of them that are imported modules or types."""

    variables: frozenset[str]
    imports: Mapping[str, ModuleValue | TypeValue]


def check_module(source: Source, module: syntax.Module, schema: Schema) -> tuple[CheckedModule, list[Diagnostic]]:
    """Return the checked module and what is wrong with it; compile it only where nothing is an error."""
    variables = frozenset(schema.aliases.get(name, name) for name in file_names(module.body))
    names = Names(variables, imported_meanings(module.body))
    checked = CheckedModule(source, module, schema, variables, {})
    found, constants = check_statements(source, module, schema, names)
    return replace(checked, constants=constants), found


def check_statements(
    source: Source, module: syntax.Module, schema: Schema, names: Names
) -> tuple[list[Diagnostic], Mapping[int, int | float | str]]:
    """Return what is wrong with some statements of a file, and what the dotted names in patterns mean."""
    # What a statement that could not be read may have assigned is no second mistake.
    imports = {name: value for name, value in names.imports.items() if schema.find(name) is None}
    checker = _Checker(source, schema, names.variables | module.lost, imports)
    checker.statements(module.body)
    return checker.found, checker.constants


class _Checker(NameChecker):
    """Walks the statements and expressions of a file."""

    # How many loops are around the current place, which `break` needs, and how many blocks, which CPython bounds.
    _loops = 0
    _blocks = 0
    # How many `for` of comprehensions are around it, and how many iterables of them.
    _clauses = 0
    _iterables = 0

    # The iteration variables of the comprehensions around it.
    _iterating: tuple[frozenset[str], ...] = ()

    def statements(self, body: Iterable[Stmt]) -> None:
        """Check the statements of a block."""
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: Stmt) -> None:  # noqa: C901 - one case for each kind of node
        match statement:
            case syntax.ExpressionStatement(value=value):
                self._expr(value)
            case syntax.Assignment(targets=targets, value=value):
                for target in targets:
                    self._target(target)
                self._expr(value)
            case syntax.AugmentedAssignment(target=target, value=value):
                self._target(target)
                self._expr(value)
            case syntax.If(branches=branches, orelse=orelse):
                for branch in branches:
                    self._expr(branch.condition)
                    self.statements(branch.body)
                self.statements(orelse)
            case syntax.For(target=target, iterable=iterable, body=body, orelse=orelse):
                self._target(target)
                self._expr(iterable)
                self._loop(statement, body)
                self.statements(orelse)
            case syntax.While(condition=condition, body=body, orelse=orelse):
                self._expr(condition)
                self._loop(statement, body)
                self.statements(orelse)
            case syntax.Break() | syntax.Continue():
                if not self._loops:
                    word = "break" if isinstance(statement, syntax.Break) else "continue"
                    self._report(
                        "misplaced-statement",
                        f"`{word}` stands outside a loop",
                        statement.span,
                        "remove it, or move it into a `for` or `while`",
                    )
            case syntax.Pass():
                pass
            case syntax.Function(name=name, parameters=parameters, body=body):
                self._bind(name)
                self._inside(parameters, body)
            case syntax.Return(value=value):
                if not any(scope.is_function for scope in self._scopes):
                    self._report(
                        "misplaced-statement",
                        "`return` stands outside a function",
                        statement.span,
                        "remove it; use `if` to skip what follows",
                    )
                if value is not None:
                    self._expr(value)
            case syntax.Import() | syntax.FromImport():
                self._import(statement)
            case syntax.Delete(targets=targets):
                for target in targets:
                    self._target(target, deleting=True)
            case syntax.Try():
                self._try(statement)
            case syntax.Raise(error=first, cause=second) | syntax.Assert(condition=first, message=second):
                for part in (first, second):
                    if part is not None:
                        self._expr(part)
            case syntax.Global(names=names) | syntax.Nonlocal(names=names):
                self._declare("global" if isinstance(statement, syntax.Global) else "nonlocal", names)
            case syntax.Match(subject=subject, cases=cases):
                self._expr(subject)
                for code, message, span, advice in unreachable_cases(cases):
                    self._report(code, message, span, advice)
                for case in cases:
                    self._case(case)
            case syntax.RefusedStatement(construct=construct, body=body):
                word = construct.strip("`").partition(" ")[0] if construct.startswith("`") else ""
                span = Span(statement.start, statement.start + len(word) if word else statement.end)
                self._report("unsupported-syntax", f"rules have no {construct}", span, _REFUSED_HELP.get(construct))
                self._loop(statement, body)

    def _block(self, statement: syntax.Node, body: Iterable[Stmt], blocks: int) -> None:
        """Check a block that takes `blocks` of those that CPython can nest."""
        before = self._blocks
        self._blocks += blocks
        if before <= MAX_BLOCKS < self._blocks:
            self._report(
                "too-large",
                f"loops and `try`s nest more than {MAX_BLOCKS} deep",
                Span(statement.start, statement.start + 1),
                "move the inner ones into a function",
            )
        self.statements(body)
        self._blocks = before

    def _loop(self, statement: syntax.Node, body: Iterable[Stmt]) -> None:
        self._loops += 1
        self._block(statement, body, 1)
        self._loops -= 1

    def _try(self, statement: syntax.Try) -> None:
        self._block(statement, statement.body, TRY_BLOCKS)
        for handler in statement.handlers:
            if handler.kind is not None:
                self._expr(handler.kind)
            if handler.name is not None:
                self._bind(handler.name)
            self._block(handler, handler.body, HANDLER_BLOCKS)
        self._block(statement, statement.orelse, TRY_BLOCKS)
        self._block(statement, statement.final, TRY_BLOCKS)

    def _case(self, case: syntax.Case) -> None:
        for code, message, span, advice in pattern_problems(case.pattern):
            self._report(code, message, span, advice)
        pending: list[syntax.Node] = [case.pattern]
        while pending:
            current = pending.pop()
            match current:
                case syntax.Name():
                    self._bind(current)
                case syntax.ValuePattern(value=value):
                    self._constant(value)
                case syntax.MappingPattern(entries=entries, rest=rest):
                    for key, pattern in entries:
                        self._constant(key)
                        pending.append(pattern)
                    pending.extend(() if rest is None else (rest,))
                case _:
                    pending.extend(syntax.children(current))
        if case.guard is not None:
            self._expr(case.guard)
        self.statements(case.body)

    def _constant(self, value: Expr) -> None:
        """Check what a pattern compares with: a literal, or a number or text of a module."""
        self._expr(value)
        found = self._module_constant(value) if isinstance(value, syntax.Attribute) else None
        if found is not None:
            self.constants[value.start] = found
        elif isinstance(value, syntax.Attribute):
            self._report(
                "unsupported-syntax",
                "a pattern compares with literals, and with numbers and texts of modules",
                value.span,
                "capture a name and compare it: `case value if value == ...:`",
            )

    def _declare(self, word: str, names: tuple[syntax.Name, ...]) -> None:
        scope = self._scopes[-1]
        for name in names:
            if is_private(name.id):
                self._private(name.id, name.span)
            other = scope.declared.setdefault(name.id, word)
            problem = None
            if word == "nonlocal" and not scope.is_function:
                problem = "`nonlocal` stands outside a function"
            elif name.id in scope.parameters:
                problem = f"`{name.id}` is a parameter of the function"
            elif name.id in scope.used:
                problem = f"`{name.id}` is used before it is declared `{word}`"
            elif other != word:
                problem = f"`{name.id}` is declared both `global` and `nonlocal`"
            elif word == "nonlocal" and not self._bound_outside(name.id):
                problem = f"no function around this one has a variable `{name.id}`"
            if problem is not None:
                self._report("invalid-scope", problem, name.span, _SCOPE_HELP.get(word))

    def _bound_outside(self, name: str) -> bool:
        for scope in reversed(self._scopes[1:-1]):
            if scope.declared.get(name) == "global":
                return False
            if scope.is_function and name in scope.names:
                return True
        return False

    def _inside(self, parameters: syntax.Parameters, body: tuple[Stmt, ...] | Expr) -> None:
        for item in parameters.items:
            if item.default is not None:
                self._expr(item.default)
        names: ScopeNames = function_names(parameters, body)
        own = frozenset(item.name for item in parameters.items if item.name)
        self._scopes.append(Scope(names.own, is_function=True, parameters=own))
        for item in parameters.items:
            if item.name:
                self._bind(syntax.Name(item.name, start=item.start, end=item.start + len(item.kind) + len(item.name)))
        self._scopes[-1].used.clear()
        outside = self._loops, self._blocks, self._iterating
        self._loops, self._blocks, self._iterating = 0, 0, ()
        if isinstance(body, tuple):
            self.statements(body)
        else:
            self._expr(body)
        self._loops, self._blocks, self._iterating = outside
        self._scopes.pop()

    def _import(self, statement: syntax.Import | syntax.FromImport) -> None:
        module = statement.module if isinstance(statement, syntax.FromImport) else None
        if module is not None and module not in MODULES:
            place = statement.start + len("from ")
            self._unknown_module(module, statement.span, Span(place, place + len(module)))
            self._strangers.update(item.variable for item in statement.items)
        for item in statement.items:
            self._bind(syntax.Name(item.variable, start=item.start, end=item.end))
            if module is None:
                if item.name not in MODULES:
                    self._unknown_module(item.name, item.span, Span(item.start, item.start + len(item.name)))
                    self._strangers.add(item.variable)
            elif module in MODULES and item.name not in MODULES[module].members:
                self._unknown_member(MODULES[module], item.name, item.span)

    # --- writing

    def _target(self, target: Expr, *, deleting: bool = False) -> None:
        match target:
            case syntax.Name():
                self._bind(target, deleting=deleting)
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                for item in items:
                    self._target(item, deleting=deleting)
            case syntax.Starred(value=value):
                self._target(value)
            case syntax.Subscript(value=value, index=index):
                root: Expr = value
                while isinstance(root, syntax.Subscript):
                    root = root.value
                if isinstance(root, syntax.Name):
                    self._writable(root)
                self._expr(value)
                self._expr(index)
            case syntax.Attribute(value=value, name=name):
                if not self._is_reported(value):
                    self._report(
                        "invalid-target",
                        f"values in rules have no attributes to set: `.{name}`",
                        target.span,
                        "assign a variable, such as `priority = ...`, or an item, such as `customfield['name'] = ...`",
                    )
                self._expr(value)
            case _:
                self._expr(target)

    def _bind(self, name: syntax.Name, *, deleting: bool = False) -> None:
        if is_private(name.id):
            self._private(name.id, name.span)
        self._scopes[-1].used.add(name.id)
        variable = self._writable(name)
        if deleting and variable:
            self._report(
                "invalid-target",
                f"`{name.id}` is a ticket variable and cannot be deleted",
                name.span,
                f"write `{name.id} = None`",
            )

    def _writable(self, name: syntax.Name) -> bool:
        """Report a write to a read-only variable; tell whether `name` is a ticket variable that rules may write."""
        variable = self._schema.find(name.id)
        if variable is None or variable.writable:
            return variable is not None
        self._report(
            "read-only-variable",
            f"`{name.id}` is read-only: {variable.doc}",
            name.span,
            "assign a variable with another name",
        )
        return False

    # --- reading

    def _expr(self, expr: Expr) -> None:  # noqa: C901 - one case for each kind of node
        match expr:
            case syntax.Name():
                self._read(expr, called=False)
            case syntax.Constant() | syntax.RefusedExpression():
                if isinstance(expr, syntax.RefusedExpression):
                    self._report(
                        "unsupported-syntax",
                        f"rules have no {expr.construct}",
                        expr.span,
                        _REFUSED_HELP.get(expr.construct),
                    )
            case syntax.Comparison(first=first, rest=rest):
                self._comparison(first, rest)
            case syntax.Call(function=function, arguments=arguments):
                if isinstance(function, syntax.Name):
                    self._read(function, called=True)
                else:
                    self._expr(function)
                for argument in arguments:
                    if argument.name is not None and is_private(argument.name):
                        self._private(argument.name, argument.span)
                    self._expr(argument.value)
            case syntax.Attribute(value=value, name=name):
                self._expr(value)
                self._member(expr, value, name)
            case syntax.Lambda(parameters=parameters, body=body):
                self._inside(parameters, body)
            case syntax.Comprehension():
                self._comprehension(expr)
            case syntax.NamedExpression(target=target, value=value):
                self._named(expr, target)
                self._expr(value)
            case _:
                for child in _subexpressions(expr):
                    self._expr(child)

    def _named(self, expr: syntax.NamedExpression, target: syntax.Name) -> None:
        self._bind(target)
        if self._iterables:
            message = "`:=` cannot stand in what a comprehension runs over"
            self._report("invalid-target", message, expr.span, "assign the variable in a statement above")
        elif any(target.id in names for names in self._iterating):
            message = f"`:=` cannot assign `{target.id}`, which the comprehension itself sets"
            self._report("invalid-target", message, target.span, "choose another name")

    def _comparison(self, first: Expr, rest: tuple[tuple[str, Expr], ...]) -> None:
        self._expr(first)
        left = first
        for op, right in rest:
            self._expr(right)
            if op in ("is", "is not") and (is_literal(left) or is_literal(right)):
                operator = "==" if op == "is" else "!="
                between = Span(left.start, right.end)
                text = self._source.text
                spelling = f"{text[left.start : left.end]} {operator} {text[right.start : right.end]}"
                shown = f": `{spelling}`" if len(spelling) <= 80 and "\n" not in spelling else ""
                words = f"write `{operator}`{shown}"
                written = _IDENTITY[op].match(text, left.end, right.start)
                self._report(
                    "is-with-literal",
                    f"`{op}` beside a literal compares by value here, as `{operator}` does",
                    between,
                    repair(words, operator, Span(*written.span(1))) if written is not None else words,
                )
            left = right

    def _comprehension(self, comprehension: syntax.Comprehension) -> None:
        # The first iterable belongs to the scope outside.
        first, *_ = comprehension.clauses
        before = self._clauses
        self._clauses += len(comprehension.clauses)
        if before <= MAX_BLOCKS < self._clauses:
            span = Span(comprehension.start, comprehension.start + 1)
            self._report("too-large", f"comprehensions nest more than {MAX_BLOCKS} `for`", span, "use statements")
        self._iterable(first.iterable)
        names = frozenset(name.id for clause in comprehension.clauses for name in target_names((clause.target,)))
        self._scopes.append(Scope(names))
        self._iterating = (*self._iterating, names)
        for clause in comprehension.clauses:
            self._target(clause.target)
            self._only_names(clause.target)
            if clause is not first:
                self._iterable(clause.iterable)
            for condition in clause.conditions:
                self._expr(condition)
        self._expr(comprehension.element)
        if comprehension.value is not None:
            self._expr(comprehension.value)
        self._iterating = self._iterating[:-1]
        self._scopes.pop()
        self._clauses = before

    def _only_names(self, target: Expr) -> None:
        """Report items as targets of a comprehension, and a `*` that is not on its top level."""
        pending = [(target, 0)]
        while pending:
            current, depth = pending.pop()
            match current:
                case syntax.Name() | syntax.Attribute():
                    pass
                case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                    pending.extend((item, depth + 1) for item in items)
                case syntax.Starred(value=value) if depth == 1:
                    pending.append((value, depth))
                case _:
                    message = "a comprehension assigns variables only, and a `*` only on the top level"
                    self._report("unsupported-syntax", message, current.span, "use a `for` loop")

    def _iterable(self, iterable: Expr) -> None:
        self._iterables += 1
        self._expr(iterable)
        self._iterables -= 1


_REFUSED_HELP = {
    "`class`": "use a dict for data and `def` for what it does",
    "`with`": "rules open nothing",
    "`yield`": "build a list and return it",
    "`async`": "leave it out",
    "`await`": "leave it out",
    "`import *`": "name what you import",
    "annotations": "leave out `:` and the type",
    "decorators": "call the function where it is needed",
    "`...`": "write `pass` for an empty block",
}


# How `is` and `is not` are written behind an operand, where no comment stands between.
_IDENTITY = {"is": re.compile(r"[\s\\)]*(is)\b"), "is not": re.compile(r"[\s\\)]*(is[\s\\]+not)\b")}


_SCOPE_HELP = {
    "global": "declare it on the first line of the function, or choose another name",
    "nonlocal": "write `global` for a variable of the file, or choose another name",
}


def _subexpressions(parent: syntax.Node) -> Iterator[Expr]:
    """Yield the expressions directly below, also through parts that are no expressions themselves."""
    for child in syntax.children(parent):
        if isinstance(child, syntax.FormattedField | syntax.Argument | syntax.FormattedString):
            yield from _subexpressions(child)
        else:
            yield child  # type: ignore[misc] # what is below an expression is an expression
