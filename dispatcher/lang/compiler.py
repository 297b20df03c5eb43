"""CheckedModule -> Program: builds Python `ast` nodes from our own tree, never text, and lets Python compile them.

One file becomes one function whose local variables are the rule's variables. What makes that safe:

- Every node is made here, from a closed set: names, constants, control flow, `and`/`or`/`not`, comparisons and
  arithmetic that cannot grow, displays, comprehensions, functions, and calls of helpers. No attribute is ever emitted,
  so no object of Python can be walked from; members of values are looked up by `methods.attribute` in our tables.
- Names of ours (helpers, the meter, temporaries) begin with a dot. No rule can spell one, so no rule can read or
  replace one. The rule's names are its own, and can only be bound to values that rules make.
- Builtins are an empty mapping; the globals are the helpers listed in `_HELPERS`, the tables' implementations that the
  file names, and nothing else.
- What can grow or run long goes through a helper that asks the meter first (operations.py, functions.py, methods.py).
  Loops are charged through `.iterate` and `.charge`, functions through `.enter`.

Positions are those of the rule, so Python's own traceback tells the line and column of a fault.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, assert_never

from dispatcher.lang import formatting, operations, syntax
from dispatcher.lang.budget import Meter
from dispatcher.lang.checker import CheckedModule, bound_names, imported_values, is_literal, name_of, target_names, walrus_names
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import MUTATORS, attribute, method_caller
from dispatcher.lang.program import Program, RuleFunction, TopStatement, Write
from dispatcher.lang.syntax import Expr, Stmt

PARAMETERS = (".meter", ".charge", ".fired", ".log", ".skip")

# CPython's compiler recurses over `elif`; longer chains are cut into pieces of this length.
ELIF_PIECE = 50

_COMPARE: dict[str, tuple[type[ast.cmpop], str | None]] = {
    "==": (ast.Eq, ".equal"),
    "!=": (ast.NotEq, ".not_equal"),
    "<": (ast.Lt, ".less"),
    "<=": (ast.LtE, ".less_equal"),
    ">": (ast.Gt, ".greater"),
    ">=": (ast.GtE, ".greater_equal"),
    "in": (ast.In, ".contains"),
    "not in": (ast.NotIn, ".not_contains"),
    "is": (ast.Is, None),
    "is not": (ast.IsNot, None),
}
_ARITHMETIC = {
    "+": ".add",
    "-": ".subtract",
    "*": ".multiply",
    "**": ".power",
    "<<": ".shift_left",
    "%": ".percent",
    "//": ".floor_divide",
    "|": ".bit_or",
    "&": ".bit_and",
    "^": ".bit_xor",
}
_DIRECT: dict[str, type[ast.operator]] = {"/": ast.Div, ">>": ast.RShift, "+": ast.Add, "-": ast.Sub}
_UNARY: dict[str, type[ast.unaryop]] = {"not": ast.Not, "-": ast.USub, "+": ast.UAdd, "~": ast.Invert}


def _left(_entered: None, value: Any, meter: Meter) -> Any:
    """End a lambda: its `enter` was the first argument."""
    meter.leave()
    return value


def _logged(log: Callable[[tuple[int, Any]], None], index: int, value: Any) -> Any:
    """Log the write of a walrus and return its value."""
    log((index, value))
    return value


def _join(meter: Meter, *parts: str) -> str:
    """Join the parts of an f-string."""
    meter.text(sum(map(len, parts)))
    return "".join(parts)


def _snapshot(meter: Meter, value: Any) -> Any:
    """Return a copy of a ticket variable that was changed in place, for the log."""
    meter.charge(len(value) if isinstance(value, dict | list) else 1)
    return value.copy() if isinstance(value, dict | list) else value


def _update(operator: str) -> Callable[[Meter, Any, Any], Any]:
    return partial(operations.update_in_place, operator)


_HELPERS: Mapping[str, Any] = {
    ".add": operations.add,
    ".subtract": operations.subtract,
    ".multiply": operations.multiply,
    ".power": operations.power,
    ".shift_left": operations.shift_left,
    ".percent": operations.percent,
    ".floor_divide": operations.floor_divide,
    ".bit_or": operations.bit_or,
    ".bit_and": operations.bit_and,
    ".bit_xor": operations.bit_xor,
    ".extend": operations.extend_in_place,
    ".repeat": operations.repeat_in_place,
    ".update_or": _update("|"),
    ".update_and": _update("&"),
    ".update_xor": _update("^"),
    ".update_difference": _update("-"),
    ".equal": operations.equal,
    ".not_equal": operations.not_equal,
    ".less": operations.less,
    ".less_equal": operations.less_equal,
    ".greater": operations.greater,
    ".greater_equal": operations.greater_equal,
    ".contains": operations.contains,
    ".not_contains": operations.not_contains,
    ".item": operations.item,
    ".store": operations.store_item,
    ".delete": operations.delete_item,
    ".hashable": operations.hashable,
    ".iterate": operations.iterate,
    ".collect": operations.collect,
    ".mapping": operations.mapping,
    ".spread": operations.spread,
    ".spread_each": operations.spread_each,
    ".unpacked": operations.unpacked,
    ".call": operations.call,
    ".attribute": attribute,
    ".format": formatting.format_value,
    ".convert": formatting.convert,
    ".join": _join,
    ".left": _left,
    ".logged": _logged,
    ".snapshot": _snapshot,
    ".slice": slice,
    ".locals": locals,
    ".enter": Meter.enter,
    ".leave": Meter.leave,
}
_IN_PLACE = {
    "+": ".extend",
    "*": ".repeat",
    "|": ".update_or",
    "&": ".update_and",
    "^": ".update_xor",
    "-": ".update_difference",
}


def compile_module(checked: CheckedModule) -> Program:
    """Return the program of a module without errors; cannot fail."""
    whole = _Compiler(checked, leaving_out=False)
    function = whole.function()
    return Program(
        filename=checked.source.filename,
        statements=tuple(whole.statements),
        writes=tuple(whole.writes),
        variables=checked.variables,
        whole=function,
        partial=cache(lambda: _Compiler(checked, leaving_out=True).function()),
    )


class _Compiler:
    """Translates one file. Methods for statements return lists of nodes, those for expressions one node."""

    def __init__(self, checked: CheckedModule, *, leaving_out: bool) -> None:
        self.statements: list[TopStatement] = []
        self.writes: list[Write] = []
        self._checked = checked
        self._source = checked.source
        self._schema = checked.schema
        self._leaving_out = leaving_out
        self._globals: dict[str, Any] = {"__builtins__": {}, **_HELPERS}
        # The names that functions and comprehensions around the current place bind; the file's are not among them.
        self._scopes: list[frozenset[str]] = []
        self._temporaries = 0
        # The number of the top-level statement whose first effect is still to be marked, if any.
        self._mark: int | None = None
        self._in_iterable = False
        self._place: dict[str, int] = {}

    def function(self) -> RuleFunction:
        """Return the compiled function of the file."""
        module = self._checked.module
        body: list[ast.stmt] = []
        self._at(module)
        body.append(self._effect(".charge", self._constant(_weight(module.body))))
        for name in sorted(self._checked.variables & FUNCTIONS.keys()):
            body.append(self._assign_name(name, self._builtin_value(name)))
        for number, statement in enumerate(module.body):
            body.extend(self._top(number, statement))
        self._at(module)
        body.append(ast.Return(self._helper(".locals"), **self._place))
        variables = [variable.name for variable in self._schema.variables]
        arguments = [ast.arg(name, **self._place) for name in (*PARAMETERS, *variables)]
        signature = ast.arguments([], arguments, None, [], [], None, [])
        definition = ast.FunctionDef("rules", signature, body, [], **self._place)
        tree = ast.Module([definition], [])
        code = compile(tree, self._source.filename, "exec", dont_inherit=True)
        namespace = self._globals
        exec(code, namespace)  # noqa: S102 - our own tree, see above
        return namespace["rules"]  # type: ignore[no-any-return] # defined by the tree

    # --- places and small nodes

    def _at(self, node: syntax.Node) -> None:
        self._place = self._place_of(node.start, node.end)

    def _place_of(self, start: int, end: int) -> dict[str, int]:
        line, column = self._source.position(start)
        end_line, end_column = self._source.position(end)
        return {"lineno": line, "col_offset": column - 1, "end_lineno": end_line, "end_col_offset": end_column - 1}

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
        self._globals["." + name] = FUNCTIONS[name].value
        return self._name("." + name)

    # --- statements

    def _top(self, number: int, statement: Stmt) -> list[ast.stmt]:
        line, column = self._source.position(statement.start)
        compound = isinstance(statement, syntax.If | syntax.For | syntax.While)
        is_rule = compound or self._writes_ticket(statement)
        self.statements.append(TopStatement(line, column, self._title(line), is_rule, is_rule and not compound))
        self._mark = number if compound else None
        body = self._statement(statement)
        if not self._leaving_out:
            return body
        self._at(statement)
        test = ast.Compare(self._constant(number), [ast.NotIn()], [self._name(".skip")], **self._place)
        return [ast.If(test, body, [], **self._place)]

    def _title(self, line: int) -> str:
        above = self._source.line(line - 1).strip()
        return above.lstrip("#").strip() if above.startswith("#") and not self._source.line(line - 1)[:1].isspace() else ""

    def _writes_ticket(self, statement: Stmt) -> bool:
        names = {name_of(name) for name in bound_names((statement,))}
        targets: tuple[Expr, ...] = ()
        match statement:
            case syntax.Assignment(targets=found) | syntax.Delete(targets=found):
                targets = found
            case syntax.AugmentedAssignment(target=target):
                targets = (target,)
            case syntax.ExpressionStatement(value=value):
                mutated = self._mutated(value)
                return mutated is not None or any(self._ticket_variable(name) for name in names)
            case _:
                pass
        names.update(root for target in targets if (root := _root(target)) is not None)
        return any(self._ticket_variable(name) for name in names)

    def _ticket_variable(self, name: str) -> str | None:
        """Return the writable ticket variable that `name` means in the file's scope, or None."""
        variable = self._schema.find(name)
        return variable.name if variable is not None and variable.writable else None

    def _block(self, body: Iterable[Stmt], *, mark: int | None = None) -> list[ast.stmt]:
        """Translate a block; `mark` is the rule that fires when the block runs."""
        nodes: list[ast.stmt] = []
        if mark is not None:
            nodes.append(self._effect(".fired", self._constant(mark)))
        for statement in body:
            nodes.extend(self._statement(statement))
        return nodes or [ast.Pass(**self._place)]

    def _statement(self, statement: Stmt) -> list[ast.stmt]:
        self._at(statement)
        match statement:
            case syntax.ExpressionStatement(value=value):
                return self._expression_statement(value)
            case syntax.Assignment(targets=targets, value=value):
                return self._assignment(targets, value)
            case syntax.AugmentedAssignment():
                return self._augmented(statement)
            case syntax.If():
                return self._if(statement)
            case syntax.For():
                return self._for(statement)
            case syntax.While():
                return self._while(statement)
            case syntax.Break():
                return [ast.Break(**self._place)]
            case syntax.Continue():
                return [ast.Continue(**self._place)]
            case syntax.Pass():
                return [ast.Pass(**self._place)]
            case syntax.Function():
                return self._function(statement)
            case syntax.Return(value=value):
                result = self._expr(value) if value is not None else None
                self._at(statement)
                return [ast.Return(result, **self._place)]
            case syntax.Import() | syntax.FromImport():
                return self._import(statement)
            case syntax.Delete(targets=targets):
                return [node for target in targets for node in self._delete(target)]
            case syntax.RefusedStatement():
                raise AssertionError("the checker refuses it")
            case _:
                assert_never(statement)

    def _expression_statement(self, value: Expr) -> list[ast.stmt]:
        nodes: list[ast.stmt] = [ast.Expr(self._expr(value), **self._place)]
        mutated = self._mutated(value)
        if mutated is not None:
            self._at(value)
            nodes.append(self._log(mutated, self._metered(".snapshot", self._name(mutated))))
        return nodes

    def _mutated(self, value: Expr) -> str | None:
        """Return the ticket variable that a call such as `customfield.update(...)` changes in place, or None."""
        match value:
            case syntax.Call(function=syntax.Attribute(value=owner, name=name)) if name in MUTATORS and not self._scopes:
                root = _root(owner)
                return self._ticket_variable(root) if root is not None else None
            case _:
                return None

    def _log(self, variable: str, value: ast.expr) -> ast.stmt:
        entry = ast.Tuple([self._constant(self._write(variable)), value], ast.Load(), **self._place)
        return self._effect(".log", entry)

    def _write(self, variable: str) -> int:
        self.writes.append(Write(variable, self._place["lineno"]))
        return len(self.writes) - 1

    def _assignment(self, targets: tuple[Expr, ...], value: Expr) -> list[ast.stmt]:
        node = self._expr(value)
        if len(targets) == 1:
            return self._store(targets[0], node)
        temporary = self._temporary()
        self._at(value)
        nodes = [self._assign_name(temporary, node)]
        for target in targets:
            self._at(target)
            nodes.extend(self._store(target, self._name(temporary)))
        return nodes

    def _store(self, target: Expr, value: ast.expr) -> list[ast.stmt]:
        """Assign the value of a node to any target."""
        match target:
            case syntax.Name(id=name):
                self._at(target)
                variable = self._resolved(name)
                nodes = [self._assign_name(variable, value)]
                if not self._scopes and self._ticket_variable(variable):
                    nodes.append(self._log(variable, self._name(variable)))
                return nodes
            case syntax.Subscript(value=owner, index=index):
                call = self._metered(".store", value, self._expr(owner), self._expr(index))
                self._at(target)
                nodes = [ast.Expr(call, **self._place)]
                root = _root(target)
                variable_changed = self._ticket_variable(root) if root is not None and not self._scopes else None
                if variable_changed is not None:
                    nodes.append(self._log(variable_changed, self._metered(".snapshot", self._name(variable_changed))))
                return nodes
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                self._at(target)
                temporaries = [self._temporary() for _ in items]
                pattern = ast.Tuple([ast.Name(name, ast.Store(), **self._place) for name in temporaries], ast.Store(), **self._place)
                nodes = [ast.Assign([pattern], self._unpacked(items, value), **self._place)]
                for item, temporary in zip(items, temporaries, strict=True):
                    self._at(item)
                    inner = item.value if isinstance(item, syntax.Starred) else item
                    nodes.extend(self._store(inner, self._name(temporary)))
                return nodes
            case _:
                raise AssertionError("the parser refuses other targets")

    def _unpacked(self, items: tuple[Expr, ...], value: ast.expr) -> ast.expr:
        stars = [index for index, item in enumerate(items) if isinstance(item, syntax.Starred)]
        if not stars:
            return self._metered(".unpacked", value)
        return self._metered(".spread", value, self._constant(stars[0]), self._constant(len(items) - stars[0] - 1))

    def _augmented(self, statement: syntax.AugmentedAssignment) -> list[ast.stmt]:
        target = statement.target
        if isinstance(target, syntax.Name):
            variable = self._resolved(target.id)
            value = self._updated(statement, self._name(variable))
            return self._store(target, value)
        if not isinstance(target, syntax.Subscript):
            raise AssertionError("the checker refuses it")
        owner, index = self._temporary(), self._temporary()
        nodes = [self._assign_name(owner, self._expr(target.value)), self._assign_name(index, self._expr(target.index))]
        self._at(statement)
        current = self._metered(".item", self._name(owner), self._name(index))
        result = self._temporary()
        nodes.append(self._assign_name(result, self._updated(statement, current)))
        nodes.append(ast.Expr(self._metered(".store", self._name(result), self._name(owner), self._name(index)), **self._place))
        root = _root(target)
        changed = self._ticket_variable(root) if root is not None and not self._scopes else None
        if changed is not None:
            nodes.append(self._log(changed, self._metered(".snapshot", self._name(changed))))
        return nodes

    def _updated(self, statement: syntax.AugmentedAssignment, current: ast.expr) -> ast.expr:
        value = self._expr(statement.value)
        self._at(statement)
        if statement.op in ("+", "-") and _is_number(statement.value):
            return ast.BinOp(current, _DIRECT[statement.op](), value, **self._place)
        helper = _IN_PLACE.get(statement.op) or _ARITHMETIC.get(statement.op)
        if helper is not None:
            return self._metered(helper, current, value)
        return ast.BinOp(current, _DIRECT[statement.op](), value, **self._place)

    def _if(self, statement: syntax.If) -> list[ast.stmt]:
        mark, self._mark = self._mark, None
        pieces = [statement.branches[start : start + ELIF_PIECE] for start in range(0, len(statement.branches), ELIF_PIECE)]
        more = self._temporary() if len(pieces) > 1 else ""
        nodes: list[ast.stmt] = []
        for number, branches in enumerate(pieces):
            self._at(statement)
            last = number == len(pieces) - 1
            rest = self._block(statement.orelse, mark=mark) if last and statement.orelse else []
            if not last:
                rest = [self._assign_name(more, self._constant(value=True))]
            for branch in reversed(branches):
                test = self._expr(branch.condition)
                self._at(branch)
                body = self._block(branch.body, mark=mark)
                self._at(branch)
                rest = [ast.If(test, body, rest, **self._place)]
            if number:
                self._at(statement)
                rest = [ast.If(self._name(more), [self._assign_name(more, self._constant(value=False)), *rest], [], **self._place)]
            elif more:
                rest = [self._assign_name(more, self._constant(value=False)), *rest]
            nodes.extend(rest)
        return nodes

    def _for(self, statement: syntax.For) -> list[ast.stmt]:
        iterable = self._iterated(statement.iterable, _weight(statement.body))
        self._at(statement.target)
        if isinstance(statement.target, syntax.Name):
            variable = self._resolved(statement.target.id)
            target = ast.Name(variable, ast.Store(), **self._place)
            logged = not self._scopes and self._ticket_variable(variable)
            begin = [self._log(variable, self._name(variable))] if logged else []
        else:
            temporary = self._temporary()
            target = ast.Name(temporary, ast.Store(), **self._place)
            begin = self._store(statement.target, self._name(temporary))
        body = self._loop_body(statement.body)
        orelse = [node for inner in statement.orelse for node in self._statement(inner)]
        self._at(statement)
        return [ast.For(target, iterable, begin + body, orelse, **self._place)]

    def _while(self, statement: syntax.While) -> list[ast.stmt]:
        test = self._expr(statement.condition)
        self._at(statement)
        tick = self._effect(".charge", self._constant(_weight(statement.body) + _weight((statement.condition,))))
        body = self._loop_body(statement.body)
        orelse = [node for inner in statement.orelse for node in self._statement(inner)]
        self._at(statement)
        return [ast.While(test, [tick, *body], orelse, **self._place)]

    def _loop_body(self, body: tuple[Stmt, ...]) -> list[ast.stmt]:
        """Translate a loop's body; its rule fires in the branches of its `if`s, or without any when it turns."""
        mark = self._mark
        if mark is None:
            return self._block(body)
        if any(isinstance(inner, syntax.If | syntax.For | syntax.While) for inner in body):
            nodes: list[ast.stmt] = []
            for inner in body:
                self._mark = mark if isinstance(inner, syntax.If | syntax.For | syntax.While) else None
                nodes.extend(self._statement(inner))
            self._mark = None
            return nodes
        self._mark = None
        return self._block(body, mark=mark)

    def _iterated(self, iterable: Expr, weight: int) -> ast.expr:
        node = self._expr(iterable)
        self._at(iterable)
        return self._metered(".iterate", node, self._constant(weight))

    def _function(self, statement: syntax.Function) -> list[ast.stmt]:
        arguments = self._parameters(statement.parameters)
        names = _scope_names(statement.parameters, bound_names(statement.body))
        self._scopes.append(names)
        body = [node for inner in statement.body for node in self._statement(inner)]
        self._scopes.pop()
        self._at(statement.name)
        enter = ast.Expr(self._metered(".enter", self._constant(_weight(statement.body))), **self._place)
        leave = ast.Expr(self._metered(".leave"), **self._place)
        guarded = ast.Try(body, [], [], [leave], **self._place)
        self._at(statement)
        name = self._resolved(statement.name.id)
        definition = ast.FunctionDef(name, arguments, [enter, guarded], [], **self._place)
        if not self._scopes and self._ticket_variable(name):
            return [definition, self._log(name, self._name(name))]
        return [definition]

    def _parameters(self, parameters: syntax.Parameters) -> ast.arguments:
        positional_only: list[ast.arg] = []
        positional: list[ast.arg] = []
        keyword_only: list[ast.arg] = []
        defaults: list[ast.expr] = []
        keyword_defaults: list[ast.expr | None] = []
        star: ast.arg | None = None
        double: ast.arg | None = None
        keywords = False
        for item in parameters.items:
            self._at(item)
            argument = ast.arg(item.name, **self._place)
            default = self._expr(item.default) if item.default is not None else None
            if item.kind == "/":
                positional_only, positional = positional, []
            elif item.kind == "*":
                keywords = True
                star = argument if item.name else None
            elif item.kind == "**":
                double = argument
            elif keywords:
                keyword_only.append(argument)
                keyword_defaults.append(default)
            else:
                positional.append(argument)
                if default is not None:
                    defaults.append(default)
        return ast.arguments(positional_only, positional, star, keyword_only, keyword_defaults, double, defaults)

    def _import(self, statement: syntax.Import | syntax.FromImport) -> list[ast.stmt]:
        nodes = []
        for number, (variable, value) in enumerate(imported_values(statement)):
            name = f".import{len(self._globals)}_{number}"
            self._globals[name] = value
            nodes.append(self._assign_name(self._resolved(variable), self._name(name)))
        return nodes

    def _delete(self, target: Expr) -> list[ast.stmt]:
        match target:
            case syntax.Name(id=name):
                self._at(target)
                nodes: list[ast.stmt] = [ast.Delete([ast.Name(name, ast.Del(), **self._place)], **self._place)]
                # Behind `del len`, the name means the function again.
                if not self._scopes and name in FUNCTIONS:
                    nodes.append(self._assign_name(name, self._builtin_value(name)))
                return nodes
            case syntax.Subscript(value=owner, index=index):
                call = self._metered(".delete", self._expr(owner), self._expr(index))
                self._at(target)
                nodes = [ast.Expr(call, **self._place)]
                root = _root(target)
                changed = self._ticket_variable(root) if root is not None and not self._scopes else None
                if changed is not None:
                    nodes.append(self._log(changed, self._metered(".snapshot", self._name(changed))))
                return nodes
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                return [node for item in items for node in self._delete(item)]
            case _:
                raise AssertionError("the parser refuses other targets")

    # --- expressions

    def _expr(self, expr: Expr) -> ast.expr:
        """Translate an expression; the current place is the same before and after."""
        outside = self._place
        self._at(expr)
        node = self._translated(expr)
        self._place = outside
        return node

    def _translated(self, expr: Expr) -> ast.expr:
        match expr:
            case syntax.Name(id=name):
                return self._builtin_value(name) if self._is_builtin(name) else self._name(self._resolved(name))
            case syntax.Constant(value=value):
                return self._constant(value)
            case syntax.FormattedString():
                return self._formatted(expr)
            case syntax.ListDisplay(items=items):
                return ast.List(self._items(items), ast.Load(), **self._place)
            case syntax.TupleDisplay(items=items):
                return ast.Tuple(self._items(items), ast.Load(), **self._place)
            case syntax.SetDisplay(items=items):
                return ast.Set(self._items(items, keys=True), **self._place)
            case syntax.DictDisplay(entries=entries):
                keys = [self._key(key) if key is not None else None for key, _ in entries]
                values = [self._expr(value) if key is not None else self._metered(".mapping", self._expr(value)) for key, value in entries]
                return ast.Dict(keys, values, **self._place)
            case syntax.UnaryOperation(op=op, operand=operand):
                return ast.UnaryOp(_UNARY[op](), self._expr(operand), **self._place)
            case syntax.BinaryOperation():
                return self._binary(expr)
            case syntax.BooleanOperation(op=op, operands=operands):
                return ast.BoolOp(ast.And() if op == "and" else ast.Or(), [self._expr(operand) for operand in operands], **self._place)
            case syntax.Comparison():
                return self._comparison(expr)
            case syntax.Conditional(condition=condition, value=value, other=other):
                return ast.IfExp(self._expr(condition), self._expr(value), self._expr(other), **self._place)
            case syntax.Lambda():
                return self._lambda(expr)
            case syntax.Attribute(value=value, name=name):
                owner = self._expr(value)
                self._place = self._member_place(expr)
                return self._metered(".attribute", owner, self._constant(name))
            case syntax.Subscript(value=value, index=index):
                if isinstance(index, syntax.Constant):
                    return ast.Subscript(self._expr(value), self._expr(index), ast.Load(), **self._place)
                return self._metered(".item", self._expr(value), self._expr(index))
            case syntax.Slice(lower=lower, upper=upper, step=step):
                bounds = [self._expr(bound) if bound is not None else self._constant(None) for bound in (lower, upper, step)]
                return self._helper(".slice", *bounds)
            case syntax.Call():
                return self._call_expr(expr)
            case syntax.NamedExpression(target=target, value=value):
                return self._named(target, value)
            case syntax.Comprehension():
                return self._comprehension(expr)
            case syntax.Starred() | syntax.RefusedExpression():
                raise AssertionError("the parser and the checker refuse it")
            case _:
                assert_never(expr)

    def _items(self, items: tuple[Expr, ...], *, keys: bool = False) -> list[ast.expr]:
        nodes: list[ast.expr] = []
        for item in items:
            if isinstance(item, syntax.Starred):
                nodes.append(ast.Starred(self._metered(".collect", self._expr(item.value)), ast.Load(), **self._place))
            else:
                nodes.append(self._key(item) if keys else self._expr(item))
        return nodes

    def _key(self, key: Expr) -> ast.expr:
        node = self._expr(key)
        return node if isinstance(key, syntax.Constant) else self._metered(".hashable", node)

    def _binary(self, expr: syntax.BinaryOperation) -> ast.expr:
        left, right = self._expr(expr.left), self._expr(expr.right)
        # Adding a number as written makes nothing that can grow in as many steps as a budget has.
        if expr.op in ("+", "-") and (_is_number(expr.left) or _is_number(expr.right)):
            return ast.BinOp(left, _DIRECT[expr.op](), right, **self._place)
        helper = _ARITHMETIC.get(expr.op)
        if helper is not None:
            return self._metered(helper, left, right)
        return ast.BinOp(left, _DIRECT[expr.op](), right, **self._place)

    def _comparison(self, expr: syntax.Comparison) -> ast.expr:
        """Translate a chain: its links are comparisons or helpers, joined by `and`; each operand is evaluated once."""
        return self._chain(expr.first, self._expr(expr.first), expr.rest)

    def _chain(self, left_expr: Expr, left: ast.expr, rest: tuple[tuple[str, Expr], ...]) -> ast.expr:
        (op, right_expr), *more = rest
        right = self._expr(right_expr)
        if not more:
            return self._link(left_expr, left, op, right_expr, right)
        if isinstance(right_expr, syntax.Name | syntax.Constant):
            link = self._link(left_expr, left, op, right_expr, right)
            return ast.BoolOp(ast.And(), [link, self._chain(right_expr, self._expr(right_expr), tuple(more))], **self._place)
        kept = self._temporary()
        if not self._in_iterable:
            right = ast.NamedExpr(ast.Name(kept, ast.Store(), **self._place), right, **self._place)
            link = self._link(left_expr, left, op, right_expr, right)
            return ast.BoolOp(ast.And(), [link, self._chain(right_expr, self._name(kept), tuple(more))], **self._place)
        # Python allows no `:=` in the iterable of a comprehension, so there a function's parameters keep the operands.
        first = self._temporary()
        link = self._link(left_expr, self._name(first), op, right_expr, self._name(kept))
        test = ast.BoolOp(ast.And(), [link, self._chain(right_expr, self._name(kept), tuple(more))], **self._place)
        parameters = [ast.arg(name, **self._place) for name in (first, kept)]
        function = ast.Lambda(ast.arguments([], parameters, None, [], [], None, []), test, **self._place)
        return ast.Call(function, [left, right], [], **self._place)

    def _link(self, left_expr: Expr, left: ast.expr, op: str, right_expr: Expr, right: ast.expr) -> ast.expr:
        operator, helper = _COMPARE[op]
        if helper is None:
            if is_literal(left_expr) or is_literal(right_expr):
                operator, helper = _COMPARE["==" if op == "is" else "!="]
            else:
                return ast.Compare(left, [operator()], [right], **self._place)
        scalar = isinstance(left_expr, syntax.Constant) or isinstance(right_expr, syntax.Constant)
        if scalar and operator not in (ast.In, ast.NotIn):
            return ast.Compare(left, [operator()], [right], **self._place)
        return self._metered(helper, left, right)

    def _formatted(self, expr: syntax.FormattedString) -> ast.expr:
        parts: list[ast.expr] = []
        for part in expr.parts:
            if isinstance(part, str):
                parts.append(self._constant(part))
                continue
            outside = self._place
            self._at(part)
            if part.label is not None:
                parts.append(self._constant(part.label))
            value = self._expr(part.value)
            if part.conversion is not None:
                value = self._metered(".convert", value, self._constant(part.conversion))
            if part.conversion is None or part.spec is not None:
                spec = self._formatted(part.spec) if part.spec is not None else self._constant("")
                value = self._metered(".format", value, spec)
            parts.append(value)
            self._place = outside
        return self._metered(".join", *parts)

    def _lambda(self, expr: syntax.Lambda) -> ast.expr:
        arguments = self._parameters(expr.parameters)
        self._at(expr)
        self._scopes.append(_scope_names(expr.parameters, walrus_names(expr.body)))
        enter = self._metered(".enter", self._constant(_weight((expr.body,))))
        body = self._helper(".left", enter, self._expr(expr.body), self._name(".meter"))
        self._scopes.pop()
        return ast.Lambda(arguments, body, **self._place)

    def _call_expr(self, expr: syntax.Call) -> ast.expr:
        function = expr.function
        if isinstance(function, syntax.Name) and self._is_builtin(function.id):
            name = f".{function.id}()"
            self._globals[name] = FUNCTIONS[function.id].implementation
            call = self._metered(name)
        elif isinstance(function, syntax.Attribute) and all(_cannot_raise(argument) for argument in expr.arguments):
            name = f".{function.name}.call"
            self._globals[name] = method_caller(function.name)
            owner = self._expr(function.value)
            self._place = self._member_place(function, expr.end)
            call = self._metered(name, owner)
        else:
            call = self._metered(".call", self._expr(function))
            if isinstance(function, syntax.Attribute):
                place = self._member_place(function, expr.end)
                call = ast.Call(call.func, call.args, [], **place)
        for argument in expr.arguments:
            value = self._expr(argument.value)
            if argument.kind == "*":
                call.args.append(ast.Starred(self._metered(".collect", value), ast.Load(), **self._place))
            elif argument.kind == "**":
                call.keywords.append(ast.keyword(None, self._metered(".mapping", value), **self._place))
            elif argument.name is not None:
                call.keywords.append(ast.keyword(argument.name, value, **self._place))
            else:
                call.args.append(value)
        return call

    def _member_place(self, member: syntax.Attribute, end: int | None = None) -> dict[str, int]:
        """Return the place that CPython gives a member on another line than its value: that of its name."""
        start_line, _ = self._source.position(member.start)
        name_line, _ = self._source.position(member.end)
        start = member.start if start_line == name_line else member.end - len(member.name)
        return self._place_of(start, end if end is not None else member.end)

    def _named(self, target: syntax.Name, value: Expr) -> ast.expr:
        node = self._expr(value)
        functions = [scope for scope in self._scopes if target.id in scope]
        variable = self._resolved(target.id)
        if not functions and self._ticket_variable(variable):
            node = self._helper(".logged", self._name(".log"), self._constant(self._write(variable)), node)
        return ast.NamedExpr(ast.Name(variable, ast.Store(), **self._place), node, **self._place)

    def _comprehension(self, expr: syntax.Comprehension) -> ast.expr:
        weight = _weight((expr,))
        first = self._comprehension_iterable(expr.clauses[0], weight)
        self._scopes.append(frozenset(name.id for clause in expr.clauses for name in target_names((clause.target,))))
        generators: list[ast.comprehension] = []
        for number, clause in enumerate(expr.clauses):
            iterable = first if number == 0 else self._comprehension_iterable(clause, weight)
            target, iterable = self._comprehension_target(clause.target, iterable)
            generators.append(ast.comprehension(target, iterable, [self._expr(condition) for condition in clause.conditions], 0))
        element = self._key(expr.element) if expr.kind in ("set", "dict") else self._expr(expr.element)
        value = self._expr(expr.value) if expr.value is not None else None
        self._scopes.pop()
        if expr.kind == "list":
            return ast.ListComp(element, generators, **self._place)
        if expr.kind == "set":
            return ast.SetComp(element, generators, **self._place)
        if value is not None:
            return ast.DictComp(element, value, generators, **self._place)
        return ast.GeneratorExp(element, generators, **self._place)

    def _comprehension_iterable(self, clause: syntax.ForClause, weight: int) -> ast.expr:
        outside, self._in_iterable = self._in_iterable, True
        node = self._iterated(clause.iterable, weight)
        self._in_iterable = outside
        return node

    def _comprehension_target(self, target: Expr, iterable: ast.expr) -> tuple[ast.expr, ast.expr]:
        """Return target and iterable; a `*` in the target is taken out by `.spread_each`."""
        if isinstance(target, syntax.Name):
            return ast.Name(target.id, ast.Store(), **self._place), iterable
        if not isinstance(target, syntax.TupleDisplay | syntax.ListDisplay):
            raise AssertionError("the checker refuses it")
        stars = [index for index, item in enumerate(target.items) if isinstance(item, syntax.Starred)]
        if stars:
            before, after = self._constant(stars[0]), self._constant(len(target.items) - stars[0] - 1)
            iterable = self._metered(".spread_each", iterable, before, after)
        items = [item.value if isinstance(item, syntax.Starred) else item for item in target.items]
        names = [self._comprehension_target(item, iterable)[0] for item in items]
        return ast.Tuple(names, ast.Store(), **self._place), iterable


def _scope_names(parameters: syntax.Parameters, bound: Iterable[syntax.Name | syntax.ImportedName]) -> frozenset[str]:
    return frozenset({item.name for item in parameters.items} | {name_of(name) for name in bound})


def _root(target: Expr) -> str | None:
    """Return the name at the left end of items and members: `customfield` in `customfield['x'][0]`."""
    while isinstance(target, syntax.Subscript):
        target = target.value
    return target.id if isinstance(target, syntax.Name) else None


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, syntax.Constant) and type(expr.value) in (int, float) and abs(expr.value) < 1 << 64  # type: ignore[arg-type] # a number


def _cannot_raise(argument: syntax.Argument) -> bool:
    # A method is looked up before its arguments are evaluated; where those cannot fail, nobody can tell.
    return argument.kind == "" and isinstance(argument.value, syntax.Constant | syntax.Name | syntax.Lambda)


def _weight(roots: Iterable[syntax.Node]) -> int:
    """Return the steps that running `roots` once takes, without loops and calls: one for every four nodes."""
    count = 0
    pending = list(roots)
    while pending:
        current = pending.pop()
        count += 1
        pending.extend(syntax.children(current))
    return count // 4 + 1
