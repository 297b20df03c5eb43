"""Module + Schema -> CheckedModule and diagnostics: every name, method, module and write is known good or reported.

Names resolve as in Python: what a file assigns anywhere is a variable of the file, what a function assigns is its own.
A name that no scope assigns must be a ticket variable or a function of the table. Read-only variables may not be
bound in any scope, so that no rule can make `email` mean something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dispatcher.lang import syntax
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic, diagnostic, near_name
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import bound_names, imported_meanings, is_literal, name_of, target_names, walrus_names
from dispatcher.lang.source import Span
from dispatcher.lang.values import ModuleValue, TypeValue

if TYPE_CHECKING:
    from dispatcher.lang.source import Source
    from dispatcher.lang.syntax import Expr, Stmt

# CPython allows 20 in one function; the compiler needs some for itself.
MAX_LOOPS = 16

# Functions that Python has and rules do not, with what to write instead.
INSTEAD = {
    "open": "rules read and write no files",
    "input": "rules ask nobody; read the ticket's variables",
    "exec": "rules run no other code",
    "eval": "rules run no other code",
    "compile": "rules run no other code",
    "getattr": "write the name behind a dot",
    "setattr": "values in rules have no attributes to set",
    "type": "use `isinstance(value, str)`",
    "bytes": "use text",
    "bytearray": "use text",
    "complex": "rules have no complex numbers",
    "next": "use a `for` loop, or an index",
    "iter": "use a `for` loop",
    "globals": "write the variable's name",
    "locals": "write the variable's name",
}


# How other languages call Python's constants.
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "nil": "None", "none": "None", "undefined": "None"}


def _type_values() -> Iterator[TypeValue]:
    values = [entry.value for entry in FUNCTIONS.values()]
    values += [value for module in MODULES.values() for value in module.members.values()]
    return (value for value in values if isinstance(value, TypeValue))


# Every name that can stand behind a dot.
_ALL_MEMBERS = frozenset(
    {name for table in METHODS.values() for name in table}
    | {name for module in MODULES.values() for name in module.members}
    | {name for value in _type_values() for name in value.members}
)


@dataclass(frozen=True, slots=True)
class CheckedModule:
    """A tree whose names are known good: the only thing that the compiler accepts."""

    source: Source
    module: syntax.Module
    schema: Schema
    variables: frozenset[str]


def check_module(source: Source, module: syntax.Module, schema: Schema) -> tuple[CheckedModule, list[Diagnostic]]:
    """Return the checked module and what is wrong with it; compile it only where nothing is an error."""
    variables = frozenset(schema.aliases.get(name_of(name), name_of(name)) for name in bound_names(module.body))
    checker = _Checker(source, schema, variables, imported_meanings(module.body))
    checker.statements(module.body, loops=0)
    return CheckedModule(source, module, schema, variables), checker.found


class _Checker:
    def __init__(
        self,
        source: Source,
        schema: Schema,
        variables: frozenset[str],
        imports: dict[str, ModuleValue | TypeValue],
    ) -> None:
        self.found: list[Diagnostic] = []
        self._counts = Counter[str]()
        self._source = source
        self._schema = schema
        self._imports = imports
        # The names of the file, then those of each function and comprehension around the current place.
        self._scopes: list[frozenset[str]] = [variables]
        self._functions = 0
        # The iteration variables of the comprehensions around the current place, and how many iterables it is in.
        self._iterating: list[frozenset[str]] = []
        self._iterables = 0

    def _report(self, code: str, message: str, span: Span, help: str | None = None) -> None:  # noqa: A002 - the diagnostic's word
        found = diagnostic(self._source, code, message, span, help)
        if self._counts[found.severity] < MAX_DIAGNOSTICS:
            self._counts[found.severity] += 1
            self.found.append(found)

    # --- statements

    def statements(self, body: Iterable[Stmt], *, loops: int) -> None:
        for statement in body:
            self._statement(statement, loops)

    def _statement(self, statement: Stmt, loops: int) -> None:  # noqa: C901 - one case for each kind of node
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
                    self.statements(branch.body, loops=loops)
                self.statements(orelse, loops=loops)
            case syntax.For(target=target, iterable=iterable, body=body, orelse=orelse):
                self._loop(statement, loops)
                self._target(target)
                self._expr(iterable)
                self.statements(body, loops=loops + 1)
                self.statements(orelse, loops=loops)
            case syntax.While(condition=condition, body=body, orelse=orelse):
                self._loop(statement, loops)
                self._expr(condition)
                self.statements(body, loops=loops + 1)
                self.statements(orelse, loops=loops)
            case syntax.Break() | syntax.Continue():
                if not loops:
                    word = "break" if isinstance(statement, syntax.Break) else "continue"
                    self._report(
                        "misplaced-statement",
                        f"`{word}` stands outside a loop",
                        statement.span,
                        "remove it, or move it into a `for` or `while`",
                    )
            case syntax.Pass():
                pass
            case syntax.Function():
                self._function(statement)
            case syntax.Return(value=value):
                if not self._functions:
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
            case syntax.RefusedStatement(construct=construct, body=body):
                word = construct.strip("`").partition(" ")[0] if construct.startswith("`") else ""
                span = Span(statement.start, statement.start + len(word) if word else statement.end)
                self._report("unsupported-syntax", f"rules have no {construct}", span, _REFUSED_HELP.get(construct))
                self.statements(body, loops=loops + 1)

    def _loop(self, statement: Stmt, loops: int) -> None:
        if loops >= MAX_LOOPS:
            self._report(
                "too-large",
                f"more than {MAX_LOOPS} loops are nested here",
                statement.span,
                "move the inner loops into a function",
            )

    def _function(self, function: syntax.Function) -> None:
        self._bind(function.name)
        self._inside(function.parameters, function.body)

    def _inside(self, parameters: syntax.Parameters, body: tuple[Stmt, ...] | Expr) -> None:
        names = set()
        for item in parameters.items:
            if item.default is not None:
                self._expr(item.default)
            if item.name:
                parameter = syntax.Name(item.name, start=item.start, end=item.start + len(item.kind) + len(item.name))
                self._bind(parameter)
                names.add(item.name)
        bound = bound_names(body) if isinstance(body, tuple) else walrus_names(body)
        names.update(name_of(name) for name in bound)
        self._scopes.append(frozenset(names))
        outside, self._iterating = self._iterating, []
        self._functions += 1
        if isinstance(body, tuple):
            self.statements(body, loops=0)
        else:
            self._expr(body)
        self._functions -= 1
        self._iterating = outside
        self._scopes.pop()

    def _import(self, statement: syntax.Import | syntax.FromImport) -> None:
        module = statement.module if isinstance(statement, syntax.FromImport) else None
        if module is not None and module not in MODULES:
            self._unknown_module(module, statement.span)
        for item in statement.items:
            self._bind(syntax.Name(item.variable, start=item.start, end=item.end))
            if module is None:
                if item.name not in MODULES:
                    self._unknown_module(item.name, item.span)
            elif module in MODULES and item.name not in MODULES[module].members:
                self._unknown_member(MODULES[module], item.name, item.span)

    def _unknown_module(self, name: str, span: Span) -> None:
        known = ", ".join(f"`{module}`" for module in sorted(MODULES))
        self._report(
            "unknown-module",
            f"rules cannot import `{name}`",
            span,
            near_name(name, MODULES) or f"rules can import {known}",
        )

    def _unknown_member(self, owner: ModuleValue | TypeValue, name: str, span: Span) -> None:
        known = _member_names(owner)
        what = "module" if isinstance(owner, ModuleValue) else "type"
        self._report(
            "unknown-module-member",
            f"the {what} `{owner.name}` has no `{name}` that rules may use",
            span,
            near_name(name, known) or "it has " + ", ".join(f"`{member}`" for member in sorted(known)[:12]),
        )

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
                self._report(
                    "invalid-target",
                    f"values in rules have no attributes to set: `.{name}`",
                    target.span,
                    "assign a variable of your own, or an item: `name['key'] = ...`",
                )
                self._expr(value)
            case _:
                self._expr(target)

    def _bind(self, name: syntax.Name, *, deleting: bool = False) -> None:
        if name.id.startswith("_"):
            self._private(name.id, name.span)
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
                    if argument.name is not None and argument.name.startswith("_"):
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
                self._report(
                    "is-with-literal",
                    f"`{op}` beside a literal compares by value here, as `{operator}` does",
                    between,
                    f"write `{operator}`{shown}",
                )
            left = right

    def _comprehension(self, comprehension: syntax.Comprehension) -> None:
        # The first iterable belongs to the scope outside.
        first, *_ = comprehension.clauses
        if len(comprehension.clauses) > MAX_LOOPS:
            self._report("too-large", f"a comprehension has more than {MAX_LOOPS} `for`", comprehension.span)
        self._iterable(first.iterable)
        names = frozenset(name.id for clause in comprehension.clauses for name in target_names((clause.target,)))
        self._scopes.append(names)
        self._iterating.append(names)
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
        self._iterating.pop()
        self._scopes.pop()

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

    def _read(self, name: syntax.Name, *, called: bool) -> None:
        if (
            any(name.id in scope for scope in self._scopes)
            or self._schema.find(name.id) is not None
            or name.id in FUNCTIONS
        ):
            return
        if self._counts["error"] >= MAX_DIAGNOSTICS:
            # Looking for near names takes its time, and no more are reported.
            return
        if name.id.startswith("_"):
            self._private(name.id, name.span)
            return
        if name.id in MODULES:
            self._report(
                "unknown-name",
                f"the module `{name.id}` is not imported",
                name.span,
                f"write `import {name.id}` above",
            )
            return
        constant = _CONSTANTS.get(name.id.lower())
        if constant is not None and not called:
            self._report("unknown-name", f"nothing is called `{name.id}`", name.span, f"write `{constant}`")
            return
        own = {known for scope in self._scopes for known in scope}
        known = {*own, *self._schema.names(), *FUNCTIONS}
        help_text = INSTEAD.get(name.id) or near_name(name.id, known)
        if called or name.id in INSTEAD:
            self._report("unknown-function", f"rules have no function `{name.id}`", name.span, help_text)
        else:
            self._report(
                "unknown-name",
                f"nothing is called `{name.id}`",
                name.span,
                help_text or "assign it first, or put quotes around it if it is text",
            )

    def _member(self, expr: syntax.Attribute, value: Expr, name: str) -> None:
        span = Span(expr.end - len(name), expr.end)
        if name.startswith("_"):
            self._private(name, span)
            return
        owner = self._meaning(value)
        if owner is not None:
            if name not in _member_names(owner):
                self._unknown_member(owner, name, span)
        elif name not in _ALL_MEMBERS:
            self._report("unknown-method", f"no value in rules has `.{name}`", span, near_name(name, _ALL_MEMBERS))

    def _meaning(self, expr: Expr) -> ModuleValue | TypeValue | None:
        """Return the module or type that `expr` surely means, or None."""
        match expr:
            case syntax.Name(id=name):
                if any(name in scope for scope in self._scopes[1:]):
                    return None
                if name in self._imports:
                    return self._imports[name]
                entry = FUNCTIONS.get(name)
                known = entry is not None and name not in self._scopes[0] and self._schema.find(name) is None
                return entry.value if entry and known and isinstance(entry.value, TypeValue) else None
            case syntax.Attribute(value=value, name=name):
                owner = self._meaning(value)
                found = owner.members.get(name) if owner is not None else None
                return found if isinstance(found, ModuleValue | TypeValue) else None
            case _:
                return None

    def _private(self, name: str, span: Span) -> None:
        self._report(
            "private-name",
            f"`{name}` begins with an underscore: rules cannot use such names",
            span,
            "choose a name without it" if name.strip("_") else "choose a name, such as `unused`",
        )


_REFUSED_HELP = {
    "`class`": "use a dict for data and `def` for what it does",
    "`try`": "test before you act, with `if`; a rule that fails is left out and the ticket is filed all the same",
    "`with`": "rules open nothing",
    "`raise`": "set `exception = '...'` to refuse the ticket",
    "`assert`": "use `if`",
    "`global`": "return the value from the function and assign it outside",
    "`nonlocal`": "return the value from the function and assign it outside",
    "`yield`": "build a list and return it",
    "`async`": "leave it out",
    "`await`": "leave it out",
    "`import *`": "name what you import",
    "annotations": "leave out `:` and the type",
    "decorators": "call the function where it is needed",
    "`...`": "write `pass` for an empty block",
}


def _member_names(owner: ModuleValue | TypeValue) -> set[str]:
    names = set(owner.members)
    if isinstance(owner, TypeValue):
        names.update(METHODS.get(owner.python_type, {}))
    return names


def _subexpressions(parent: syntax.Node) -> Iterator[Expr]:
    """Yield the expressions directly below, also through parts that are no expressions themselves."""
    for child in syntax.children(parent):
        if isinstance(child, syntax.FormattedField | syntax.Argument | syntax.FormattedString):
            yield from _subexpressions(child)
        else:
            yield child  # type: ignore[misc] # what is below an expression is an expression
