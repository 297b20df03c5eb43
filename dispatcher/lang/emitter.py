"""Emitter: what translating statements and expressions shares: places, names, calls of helpers, the log of writes."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypedDict

from dispatcher.lang import measuring, syntax
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.program import RENAMED, Write
from dispatcher.lang.scopes import (
    ScopeNames,
    bound_names,
    function_names,
    global_names,
    name_of,
    scope_statements,
)
from dispatcher.lang.syntax import Expr


class Place(TypedDict):
    """Where a node stands in the rule, in the terms of Python's `ast`: lines from 1, columns from 0."""

    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


class Emitter:
    """Holds what one file's translation needs, and makes the small nodes."""

    def __init__(self, checked: CheckedModule, namespace: dict[str, Any]) -> None:
        self.writes: list[Write] = []
        # Whether anything inside a function writes a ticket variable, and whether anything asks the meter.
        self.writes_inside = False
        self.uses_meter = False
        self._checked = checked
        self._source = checked.source
        self._schema = checked.schema
        self._globals = namespace
        # The functions and comprehensions around the current place.
        self._scopes: list[ScopeNames] = []
        self._renamed = self._hidden_names()
        self._functions = self._called_directly()
        self._temporaries = 0
        # Whether the top-level statement is still to be marked as fired where it does something.
        self._mark = False
        self._in_iterable = False
        # How many loops are around the current place.
        self._loops = 0
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
        self.uses_meter = self.uses_meter or name == ".meter"
        return ast.Name(name, ast.Load(), **self._place)

    def _constant(self, value: Any) -> ast.expr:
        return ast.Constant(value, **self._place)

    def _call(self, function: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(self._name(function), list(arguments), [], **self._place)

    def _metered(self, function: str, *arguments: ast.expr) -> ast.Call:
        """Call a helper that takes the meter first."""
        return self._call(function, self._name(".meter"), *arguments)

    def _do(self, function: str, *arguments: ast.expr) -> ast.stmt:
        return ast.Expr(self._call(function, *arguments), **self._place)

    def _assign_name(self, name: str, value: ast.expr) -> ast.stmt:
        return ast.Assign([ast.Name(name, ast.Store(), **self._place)], value, **self._place)

    def _temporary(self) -> str:
        self._temporaries += 1
        return f".t{self._temporaries}"

    # Where the variables of the file are, and the number of the top-level statement, is for each compiler to say.

    def _hidden_names(self) -> frozenset[str]:
        """Return the variables of the file that need another name where functions around their use have the same."""
        raise NotImplementedError

    def _called_directly(self) -> frozenset[str]:
        """Return the names of the file that surely mean functions of the rule, and that Python finds by themselves."""
        raise NotImplementedError

    def _number(self) -> ast.expr:
        """Return the number of the current top-level statement."""
        raise NotImplementedError

    def _read_file(self, name: str) -> ast.expr:
        """Return what reads the variable `name` of the compiled code's file."""
        raise NotImplementedError

    def _bind_file(self, name: str, value: ast.expr) -> ast.stmt:
        """Return what binds the variable `name` of the compiled code's file."""
        raise NotImplementedError

    def _unbind_file(self, name: str) -> ast.stmt:
        """Return what deletes the variable `name` of the compiled code's file."""
        raise NotImplementedError

    def _bind_inside(self, name: str, value: ast.expr) -> ast.expr:
        """Return what binds the variable `name` of the compiled code's file inside an expression, and is its value."""
        raise NotImplementedError

    def _is_short(self, variable: str) -> ast.expr | None:
        """Return what tells whether a ticket variable that nothing in the file binds holds a short text.

        None where it surely does.
        """
        raise NotImplementedError

    def _text_test(self, value: ast.expr) -> ast.expr:
        return ast.Compare(self._call(".type", value), [ast.Is()], [self._name(".text")], **self._place)

    def _short_test(self, value: ast.expr) -> ast.expr:
        length = ast.Compare(self._call(".len", value), [ast.Lt()], [self._constant(measuring.COUNTED)], **self._place)
        return ast.BoolOp(ast.And(), [self._text_test(value), length], **self._place)

    def _captures(self) -> bool:
        """Tell whether patterns, loops and definitions bind the variables of the file by themselves."""
        raise NotImplementedError

    def _read(self, name: str) -> ast.expr:
        """Return what reads a variable of the rule."""
        return self._read_file(self._of_file(name)) if self._is_files(name) else self._name(name)

    def _bind(self, name: str, value: ast.expr) -> ast.stmt:
        """Return what binds a variable of the rule."""
        return self._bind_file(self._of_file(name), value) if self._is_files(name) else self._assign_name(name, value)

    def _unbind(self, name: str) -> ast.stmt:
        """Return what deletes a variable of the rule."""
        if self._is_files(name):
            return self._unbind_file(self._of_file(name))
        return ast.Delete([ast.Name(name, ast.Del(), **self._place)], **self._place)

    def _binding_name(self, name: str) -> str | None:
        """Return the Python variable that binds a variable of the rule, or None where a statement must do it."""
        if not self._is_files(name):
            return name
        return self._of_file(name) if self._captures() else None

    def _is_files(self, name: str) -> bool:
        """Tell whether `name` means something of the file here, or a function of the tables, and nothing local."""
        for scope in reversed(self._scopes):
            if name in scope.globals:
                return True
            if name in scope.own:
                return False
        return True

    def _of_file(self, name: str) -> str:
        """Return the variable of the compiled code for one of the file, whose aliases mean another."""
        name = self._schema.aliases.get(name, name)
        return name + RENAMED if name in self._renamed else name

    def _is_builtin(self, name: str) -> bool:
        return (
            name in FUNCTIONS
            and name not in self._checked.variables
            and self._is_files(name)
            and self._schema.find(name) is None
        )

    def _builtin_value(self, name: str) -> ast.expr:
        self._globals[f".value.{name}"] = FUNCTIONS[name].value
        return self._name(f".value.{name}")

    def _ticket_variable(self, name: str) -> str | None:
        """Return the writable ticket variable that `name` means here, or None."""
        variable = self._schema.find(name) if self._is_files(name) else None
        return variable.name if variable is not None and variable.writable else None

    def _log(self, variable: str, value: ast.expr, *, copied: bool = False) -> ast.stmt:
        site = self._constant(self._write(variable, copied=copied))
        entry = ast.Tuple([self._number(), site, value], ast.Load(), **self._place)
        return self._do(".log", entry)

    def _logged(self, variable: str, value: ast.expr) -> ast.expr:
        """Return what logs a value that a ticket variable gets inside an expression, and is the value."""
        site = self._constant(self._write(variable))
        return self._call(".logged", self._name(".log"), self._number(), site, value)

    def _write(self, variable: str, *, copied: bool = False) -> int:
        self.writes_inside = self.writes_inside or bool(self._scopes)
        self.writes.append(Write(variable, self._place["lineno"], self._place["col_offset"] + 1, copied))
        return len(self.writes) - 1


def hidden_names(checked: CheckedModule) -> frozenset[str]:
    """Return the file's variables that a function declares `global` though a function around it has the same name."""
    hidden: set[str] = set()
    pending: list[tuple[syntax.Function, frozenset[str]]] = [
        (statement, frozenset())
        for statement in scope_statements(checked.module.body)
        if isinstance(statement, syntax.Function)
    ]
    while pending:
        function, around = pending.pop()
        names = function_names(function.parameters, function.body)
        hidden |= names.globals & around
        inner = (item for item in scope_statements(function.body) if isinstance(item, syntax.Function))
        pending.extend((item, (around | names.own) - names.globals) for item in inner)
    return frozenset(checked.schema.aliases.get(name, name) for name in hidden)


def own_functions(checked: CheckedModule) -> frozenset[str]:
    """Return the names of the file that are bound once, by a `def`: whatever they mean can be called as it is."""
    counts = Counter(name_of(name) for name in bound_names(checked.module.body))
    counts.update(global_names(checked.module.body))
    functions = (item for item in scope_statements(checked.module.body) if isinstance(item, syntax.Function))
    own = {function.name.id for function in functions if counts[function.name.id] == 1}
    return frozenset(own) - frozenset(checked.schema.names())


def root_name(target: Expr) -> str | None:
    """Return the name at the left end of items and members: `customfield` in `customfield['x'][0]`."""
    while isinstance(target, syntax.Subscript):
        target = target.value
    return target.id if isinstance(target, syntax.Name) else None


def weight(roots: Iterable[syntax.Node]) -> int:
    """Return the steps that running `roots` once takes, beside what depends on sizes.

    Loops, comprehensions and functions inside are charged when they run, so their bodies do not count.
    """
    quarters = 0
    pending = list(roots)
    while pending:
        current = pending.pop()
        quarters += _QUARTERS.get(type(current), 1)
        match current:
            case syntax.For(iterable=iterable):
                pending.append(iterable)
            case syntax.While(condition=condition):
                pending.append(condition)
            case syntax.Function(parameters=parameters) | syntax.Lambda(parameters=parameters):
                # Each variable of outside that the function reads is kept with it.
                quarters += _names_below(current) >> 1
                pending.append(parameters)
            case syntax.Comprehension(kind=kind, clauses=clauses):
                # A generator keeps a frame of its own.
                quarters += 60 if kind == "generator" else 0
                pending.append(clauses[0].iterable)
            case syntax.Call(function=syntax.Attribute(value=owner), arguments=arguments):
                pending.append(owner)
                pending.extend(arguments)
            case syntax.SetDisplay(items=items):
                quarters += _collisions(items) + 4 * len(items)
                pending.extend(items)
            case syntax.DictDisplay(entries=entries):
                quarters += _collisions(key for key, _ in entries) + 6 * len(entries)
                pending.extend(syntax.children(current))
            case syntax.Comparison(rest=rest):
                quarters += _QUARTERS[syntax.Comparison] * (len(rest) - 1)
                pending.extend(syntax.children(current))
            case _:
                pending.extend(syntax.children(current))
    return quarters // 4 + 1


def _names_below(root: syntax.Node) -> int:
    count = 0
    pending = [root]
    while pending:
        current = pending.pop()
        count += isinstance(current, syntax.Name)
        pending.extend(syntax.children(current))
    return count


def _collisions(keys: Iterable[Expr | None]) -> int:
    """Return the quarters of a step that literal numbers among keys take at worst, where each is compared with all."""
    numbers = sum(isinstance(key, syntax.Constant) and not isinstance(key.value, str) for key in keys)
    return numbers * numbers >> 4 if numbers > MANY_KEYS else 0


# As many keys as never take long.
MANY_KEYS = 64

# What a node takes beside its parts, in quarters of a step: of time, and of memory, 16 bytes to the quarter.
_QUARTERS: dict[type[syntax.Node], int] = {
    syntax.FormattedString: 6,
    syntax.FormattedField: 16,
    syntax.ListDisplay: 18,
    syntax.TupleDisplay: 4,
    syntax.SetDisplay: 20,
    syntax.DictDisplay: 20,
    syntax.BinaryOperation: 6,
    syntax.Comparison: 6,
    syntax.Lambda: 24,
    syntax.Attribute: 10,
    syntax.Subscript: 6,
    syntax.Slice: 10,
    syntax.Call: 14,
    syntax.Starred: 8,
    syntax.Comprehension: 32,
    syntax.AugmentedAssignment: 8,
    syntax.For: 10,
    syntax.Function: 16,
    syntax.Delete: 4,
    syntax.Handler: 4,
    syntax.Raise: 8,
    syntax.Match: 4,
    syntax.SequencePattern: 6,
    syntax.MappingPattern: 12,
}
