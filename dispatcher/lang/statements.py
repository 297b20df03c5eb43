"""Statements of rules -> Python `ast` nodes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import assert_never

from dispatcher.lang import syntax
from dispatcher.lang.emitter import root_name, weight
from dispatcher.lang.expressions import ARITHMETIC, DIRECT, ExpressionCompiler, is_number, scope_names
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.program import TopStatement
from dispatcher.lang.scopes import bound_names, imported_values, name_of
from dispatcher.lang.syntax import Expr, Stmt

_IN_PLACE = {
    "+": ".extend",
    "*": ".repeat",
    "|": ".update_or",
    "&": ".update_and",
    "^": ".update_xor",
    "-": ".update_difference",
}


class StatementCompiler(ExpressionCompiler):
    """Translates statements; each method returns a list of nodes."""

    def _top(self, number: int, statement: Stmt) -> list[ast.stmt]:
        line, column = self._source.position(statement.start)
        compound = isinstance(statement, syntax.If | syntax.For | syntax.While)
        is_rule = compound or self._writes_ticket(statement)
        self.statements.append(TopStatement(line, column, self._title(line), is_rule, is_rule and not compound))
        self._mark = number if compound else None
        body = self._statement(statement)
        if not self._leaving_out:
            return body
        return self._watched(number, statement, body)

    def _watched(self, number: int, statement: Stmt, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return a top-level statement in the form that can be left out, before it runs or when it fails."""
        self._at(statement)
        begin = self._effect(".begin", self._constant(number), self._constant(weight((statement,))))
        ends_run = self._call(".ends_run", self._constant(number), self._name(".error"))
        again = ast.If(ends_run, [ast.Raise(None, None, **self._place)], [], **self._place)
        handler = ast.ExceptHandler(self._name(".Exception"), ".error", [again], **self._place)
        guarded = ast.Try([begin, *body], [handler], [], [], **self._place)
        test = ast.Compare(self._constant(number), [ast.NotIn()], [self._name(".left_out")], **self._place)
        return [ast.If(test, [guarded], [], **self._place)]

    def _title(self, line: int) -> str:
        above = self._source.line(line - 1)
        return above.lstrip("#").strip() if above.startswith("#") else ""

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
        names.update(root for target in targets if (root := root_name(target)) is not None)
        return any(self._ticket_variable(name) for name in names)

    def _block(self, body: Iterable[Stmt], *, mark: int | None = None) -> list[ast.stmt]:
        """Translate a block; `mark` is the rule that fires when the block runs."""
        nodes: list[ast.stmt] = []
        if mark is not None:
            nodes.append(self._effect(".fired", self._constant(mark)))
        for statement in body:
            nodes.extend(self._statement(statement))
        return nodes or [ast.Pass(**self._place)]

    def _statement(self, statement: Stmt) -> list[ast.stmt]:
        nodes = self._translated_statement(statement)
        if not self._leaving_out or self._scopes:
            return nodes
        return self._with_effect(statement, nodes)

    def _with_effect(self, statement: Stmt, nodes: list[ast.stmt]) -> list[ast.stmt]:
        """Mark where a statement of the file binds a name: behind it where it binds one at last, else before it.

        What changes values tells the meter by itself.
        """
        self._at(statement)
        mark = self._effect(".effect")
        match statement:
            case syntax.For():
                (loop,) = nodes
                if isinstance(loop, ast.For):
                    loop.body.insert(0, mark)
                return nodes
            case syntax.Assignment(targets=(syntax.Name() | syntax.Subscript(),)) | syntax.AugmentedAssignment():
                return [*nodes, mark]
            case syntax.Import() | syntax.FromImport() | syntax.Function():
                return [*nodes, mark]
            case syntax.Assignment() | syntax.Delete():
                return [mark, *nodes]
            case _:
                return nodes

    def _translated_statement(self, statement: Stmt) -> list[ast.stmt]:  # noqa: C901 - one case for each kind of node
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
            case syntax.Call(function=syntax.Attribute(value=owner, name=name)) if (
                name in MUTATORS and not self._scopes
            ):
                root = root_name(owner)
                return self._ticket_variable(root) if root is not None else None
            case _:
                return None

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
                root = root_name(target)
                variable_changed = self._ticket_variable(root) if root is not None and not self._scopes else None
                if variable_changed is not None:
                    nodes.append(self._log(variable_changed, self._metered(".snapshot", self._name(variable_changed))))
                return nodes
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                self._at(target)
                temporaries = [self._temporary() for _ in items]
                pattern = ast.Tuple(
                    [ast.Name(name, ast.Store(), **self._place) for name in temporaries],
                    ast.Store(),
                    **self._place,
                )
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
        nodes = [
            self._assign_name(owner, self._expr(target.value)),
            self._assign_name(index, self._expr(target.index)),
        ]
        self._at(statement)
        current = self._metered(".item", self._name(owner), self._name(index))
        result = self._temporary()
        nodes.append(self._assign_name(result, self._updated(statement, current)))
        nodes.append(
            ast.Expr(
                self._metered(".store", self._name(result), self._name(owner), self._name(index)),
                **self._place,
            )
        )
        root = root_name(target)
        changed = self._ticket_variable(root) if root is not None and not self._scopes else None
        if changed is not None:
            nodes.append(self._log(changed, self._metered(".snapshot", self._name(changed))))
        return nodes

    def _updated(self, statement: syntax.AugmentedAssignment, current: ast.expr) -> ast.expr:
        value = self._expr(statement.value)
        self._at(statement)
        if statement.op in ("+", "-") and is_number(statement.value):
            return ast.BinOp(current, DIRECT[statement.op](), value, **self._place)
        helper = _IN_PLACE.get(statement.op) or ARITHMETIC.get(statement.op)
        if helper is not None:
            return self._metered(helper, current, value)
        return ast.BinOp(current, DIRECT[statement.op](), value, **self._place)

    def _if(self, statement: syntax.If) -> list[ast.stmt]:
        mark, self._mark = self._mark, None
        pieces = [
            statement.branches[start : start + syntax.ELIF_PIECE]
            for start in range(0, len(statement.branches), syntax.ELIF_PIECE)
        ]
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
                rest = [
                    ast.If(
                        self._name(more),
                        [self._assign_name(more, self._constant(value=False)), *rest],
                        [],
                        **self._place,
                    )
                ]
            elif more:
                rest = [self._assign_name(more, self._constant(value=False)), *rest]
            nodes.extend(rest)
        return nodes

    def _for(self, statement: syntax.For) -> list[ast.stmt]:
        iterable = self._iterated(statement.iterable, weight(statement.body))
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
        tick = self._effect(".charge", self._constant(weight(statement.body) + weight((statement.condition,))))
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

    def _function(self, statement: syntax.Function) -> list[ast.stmt]:
        arguments = self._parameters(statement.parameters)
        names = scope_names(statement.parameters, bound_names(statement.body))
        self._scopes.append(names)
        body = [node for inner in statement.body for node in self._statement(inner)]
        self._scopes.pop()
        self._at(statement.name)
        enter = ast.Expr(self._metered(".enter", self._constant(weight(statement.body))), **self._place)
        leave = ast.Expr(self._metered(".leave"), **self._place)
        guarded = ast.Try(body, [], [], [leave], **self._place)
        self._at(statement)
        name = self._resolved(statement.name.id)
        definition = ast.FunctionDef(name, arguments, [enter, guarded], [], **self._place)
        if not self._scopes and self._ticket_variable(name):
            return [definition, self._log(name, self._name(name))]
        return [definition]

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
                root = root_name(target)
                changed = self._ticket_variable(root) if root is not None and not self._scopes else None
                if changed is not None:
                    nodes.append(self._log(changed, self._metered(".snapshot", self._name(changed))))
                return nodes
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                return [node for item in items for node in self._delete(item)]
            case _:
                raise AssertionError("the parser refuses other targets")
