"""Emitter: what translating statements and expressions shares: places, names, calls of helpers, the log of writes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, TypedDict

from dispatcher.lang import syntax
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.helpers import HELPERS
from dispatcher.lang.program import TopStatement, Write
from dispatcher.lang.syntax import Expr


class Place(TypedDict):
    """Where a node stands in the rule, in the terms of Python's `ast`: lines from 1, columns from 0."""

    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


class Emitter:
    """Holds what one file's translation needs, and makes the small nodes."""

    def __init__(self, checked: CheckedModule, *, leaving_out: bool) -> None:
        self.statements: list[TopStatement] = []
        self.writes: list[Write] = []
        self._checked = checked
        self._source = checked.source
        self._schema = checked.schema
        self._leaving_out = leaving_out
        self._globals: dict[str, Any] = {"__builtins__": {}, **HELPERS}
        # The names that functions and comprehensions around the current place bind; the file's are not among them.
        self._scopes: list[frozenset[str]] = []
        self._temporaries = 0
        # The number of the top-level statement whose first effect is still to be marked, if any.
        self._mark: int | None = None
        self._in_iterable = False
        self._place = self._place_of(0, 0)

    def _at(self, node: syntax.Node) -> None:
        self._place = self._place_of(node.start, node.end)

    def _place_of(self, start: int, end: int) -> Place:
        line, column = self._source.position(start)
        end_line, end_column = self._source.position(end)
        return {
            "lineno": line,
            "col_offset": column - 1,
            "end_lineno": end_line,
            "end_col_offset": end_column - 1,
        }

    def _name(self, name: str) -> ast.expr:
        return ast.Name(name, ast.Load(), **self._place)

    def _constant(self, value: Any) -> ast.expr:
        return ast.Constant(value, **self._place)

    def _call(self, function: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(self._name(function), list(arguments), [], **self._place)

    def _helper(self, function: str, *arguments: ast.expr) -> ast.Call:
        """Call a helper that takes no meter."""
        return self._call(function, *arguments)

    def _metered(self, function: str, *arguments: ast.expr) -> ast.Call:
        """Call a helper that takes the meter first."""
        return self._call(function, self._name(".meter"), *arguments)

    def _effect(self, function: str, *arguments: ast.expr) -> ast.stmt:
        return ast.Expr(self._call(function, *arguments), **self._place)

    def _assign_name(self, name: str, value: ast.expr) -> ast.stmt:
        return ast.Assign([ast.Name(name, ast.Store(), **self._place)], value, **self._place)

    def _temporary(self) -> str:
        self._temporaries += 1
        return f".t{self._temporaries}"

    def _resolved(self, name: str) -> str:
        """Return the variable that `name` means here: aliases belong to the file's scope."""
        return name if any(name in scope for scope in self._scopes) else self._schema.aliases.get(name, name)

    def _is_builtin(self, name: str) -> bool:
        return (
            name in FUNCTIONS
            and name not in self._checked.variables
            and not any(name in scope for scope in self._scopes)
            and self._schema.find(name) is None
        )

    def _builtin_value(self, name: str) -> ast.expr:
        self._globals[f".value.{name}"] = FUNCTIONS[name].value
        return self._name(f".value.{name}")

    def _ticket_variable(self, name: str) -> str | None:
        """Return the writable ticket variable that `name` means in the file's scope, or None."""
        variable = self._schema.find(name)
        return variable.name if variable is not None and variable.writable else None

    def _log(self, variable: str, value: ast.expr) -> ast.stmt:
        entry = ast.Tuple([self._constant(self._write(variable)), value], ast.Load(), **self._place)
        return self._effect(".log", entry)

    def _write(self, variable: str) -> int:
        self.writes.append(Write(variable, self._place["lineno"], len(self.statements) - 1))
        return len(self.writes) - 1


def root_name(target: Expr) -> str | None:
    """Return the name at the left end of items and members: `customfield` in `customfield['x'][0]`."""
    while isinstance(target, syntax.Subscript):
        target = target.value
    return target.id if isinstance(target, syntax.Name) else None


def weight(roots: Iterable[syntax.Node]) -> int:
    """Return the steps that running `roots` once takes: one for every four nodes.

    Loops, comprehensions and functions inside are charged when they run, so their bodies do not count.
    """
    count = 0
    pending = list(roots)
    while pending:
        current = pending.pop()
        count += 1
        match current:
            case syntax.For(iterable=iterable):
                pending.append(iterable)
            case syntax.While(condition=condition):
                pending.append(condition)
            case syntax.Function(parameters=parameters) | syntax.Lambda(parameters=parameters):
                pending.append(parameters)
            case syntax.Comprehension(clauses=clauses):
                pending.append(clauses[0].iterable)
            case _:
                pending.extend(syntax.children(current))
    return count // 4 + 1
