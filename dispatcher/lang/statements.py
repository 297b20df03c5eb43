"""Statements of rules -> Python `ast` nodes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import assert_never

from dispatcher.lang import syntax
from dispatcher.lang.emitter import root_name, weight
from dispatcher.lang.expressions import ARITHMETIC, is_number
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.idioms import CountingLoop, counting_loop
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.patterns import PatternCompiler, copies
from dispatcher.lang.scopes import function_names, imported_values
from dispatcher.lang.syntax import Expr, Stmt
from dispatcher.lang.tallies import Tally

_IN_PLACE = {
    "+": ".extend",
    "*": ".repeat",
    "|": ".update_or",
    "&": ".update_and",
    "^": ".update_xor",
    "-": ".update_difference",
}


# Statements that fire by what runs inside them.
COMPOUND = (syntax.If, syntax.For, syntax.While, syntax.Try, syntax.Match)


class StatementCompiler(PatternCompiler):
    """Translates statements; each method returns a list of nodes."""

    def _block(self, body: Iterable[Stmt], *, mark: bool = False) -> list[ast.stmt]:
        """Translate a block; with `mark`, the rule fires when the block runs."""
        nodes: list[ast.stmt] = []
        body = tuple(body)
        if mark and not any(self._surely_writes(statement) for statement in body):
            nodes.append(self._do(".log", self._number()))
        for statement in body:
            nodes.extend(self._statement(statement))
        return nodes or [ast.Pass(**self._place)]

    def _surely_writes(self, statement: Stmt) -> bool:
        """Tell whether a statement logs a write whenever it runs: then the rule is known to have fired."""
        match statement:
            case syntax.Assignment(targets=(syntax.Name(id=name),)):
                return self._ticket_variable(name) is not None
            case _:
                return False

    def _statement(self, statement: Stmt) -> list[ast.stmt]:  # noqa: C901 - one case for each kind of node
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
                loop = counting_loop(statement) if self._is_paired(statement) else None
                return self._for(statement) if loop is None else self._counting_loop(statement, loop)
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
            case syntax.Try():
                return self._try(statement)
            case syntax.Raise(error=error, cause=cause):
                return self._raise(error, cause)
            case syntax.Assert(condition=condition, message=message):
                return self._assert(condition, message)
            case syntax.Global() | syntax.Nonlocal():
                # The function's head declares them all; here they would come behind their first use.
                return [ast.Pass(**self._place)]
            case syntax.Match():
                return self._match(statement)
            case syntax.RefusedStatement():
                raise AssertionError("the checker refuses it")
            case _:
                assert_never(statement)

    def _expression_statement(self, value: Expr) -> list[ast.stmt]:
        nodes: list[ast.stmt] = [ast.Expr(self._expr(value), **self._place)]
        mutated = self._mutated(value)
        if mutated is not None:
            self._at(value)
            nodes.append(self._log_snapshot(mutated))
        return nodes

    def _log_snapshot(self, variable: str) -> ast.stmt:
        """Log a ticket variable that was changed in place."""
        snapshot = self._metered(".snapshot", self._read_file(self._of_file(variable)))
        return self._log(variable, snapshot, copied=True)

    def _log_root(self, target: Expr) -> list[ast.stmt]:
        """Log the ticket variable that holds an item which was set or deleted, if one does."""
        root = root_name(target)
        variable = self._ticket_variable(root) if root is not None else None
        return [self._log_snapshot(variable)] if variable is not None else []

    def _mutated(self, value: Expr) -> str | None:
        """Return the ticket variable that a call such as `customfield.update(...)` changes in place, or None."""
        match value:
            case syntax.Call(function=syntax.Attribute(value=owner, name=name)) if name in MUTATORS:
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
                return [self._bind(name, value), *self._log_name(name)]
            case syntax.Subscript(value=owner, index=index):
                call = self._metered(".store", value, self._expr(owner), self._expr(index))
                self._at(target)
                return [ast.Expr(call, **self._place), *self._log_root(target)]
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                self._at(target)
                temporaries = [self._temporary() for _ in items]
                pattern = ast.Tuple(
                    [ast.Name(name, ast.Store(), **self._place) for name in temporaries],
                    ast.Store(),
                    **self._place,
                )
                nodes: list[ast.stmt] = [ast.Assign([pattern], self._unpacked(items, value), **self._place)]
                for item, temporary in zip(items, temporaries, strict=True):
                    self._at(item)
                    inner = item.value if isinstance(item, syntax.Starred) else item
                    nodes.extend(self._store(inner, self._name(temporary)))
                return nodes
            case _:
                raise AssertionError("the parser refuses other targets")

    def _log_name(self, name: str) -> list[ast.stmt]:
        """Log a name that was bound, where it means a ticket variable here."""
        variable = self._ticket_variable(name)
        return [self._log(variable, self._read_file(self._of_file(variable)))] if variable is not None else []

    def _unpacked(self, items: tuple[Expr, ...], value: ast.expr) -> ast.expr:
        stars = [index for index, item in enumerate(items) if isinstance(item, syntax.Starred)]
        if not stars:
            return self._metered(".unpacked", value)
        return self._metered(".spread", value, self._constant(stars[0]), self._constant(len(items) - stars[0] - 1))

    def _augmented(self, statement: syntax.AugmentedAssignment) -> list[ast.stmt]:
        target = statement.target
        if isinstance(target, syntax.Name):
            value = self._updated(statement, self._read(target.id))
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
        return [*nodes, *self._log_root(target)]

    def _updated(self, statement: syntax.AugmentedAssignment, current: ast.expr) -> ast.expr:
        value = self._expr(statement.value)
        self._at(statement)
        if statement.op == "+" and is_number(statement.value):
            return self._small_sum(statement.op, current, value)
        return self._metered(_IN_PLACE.get(statement.op) or ARITHMETIC[statement.op], current, value)

    def _if(self, statement: syntax.If) -> list[ast.stmt]:
        mark, self._mark = self._mark, False
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
        variable = self._binding_name(statement.target.id) if isinstance(statement.target, syntax.Name) else None
        if isinstance(statement.target, syntax.Name) and variable is not None:
            target = ast.Name(variable, ast.Store(), **self._place)
            begin = self._log_name(statement.target.id)
        else:
            temporary = self._temporary()
            target = ast.Name(temporary, ast.Store(), **self._place)
            begin = self._store(statement.target, self._name(temporary))
        body = self._turning(statement.body)
        orelse = [node for inner in statement.orelse for node in self._statement(inner)]
        self._at(statement)
        return [ast.For(target, iterable, begin + body, orelse, **self._place)]

    def _counting_loop(self, statement: syntax.For, loop: CountingLoop) -> list[ast.stmt]:
        """Count characters of a text at once, or run the loop where that is not the same."""
        if any(self._ticket_variable(name.id) is not None for name in (loop.target, loop.counter)):
            return self._for(statement)
        fires = [self._do(".log", self._number())] if self._mark else []
        kept = self._temporary()
        tally = Tally(loop.judge, weight(statement.body), "length")
        nodes = [self._assign_name(kept, self._counted(loop.text, tally))]
        long_way = self._for(statement)
        self._at(statement)
        text, counter = self._read(loop.text.id), self._read(loop.counter.id)
        last = ast.Subscript(text, self._constant(-1), ast.Load(), **self._place)
        total = ast.BinOp(counter, ast.Add(), self._name(kept), **self._place)
        counts: list[ast.stmt] = [
            ast.If(text, [self._bind(loop.target.id, last)], [], **self._place),
            ast.If(self._name(kept), [*fires, self._bind(loop.counter.id, total)], [], **self._place),
        ]
        is_unknown = ast.Compare(self._name(kept), [ast.Is()], [self._constant(None)], **self._place)
        return [*nodes, ast.If(is_unknown, long_way, counts, **self._place)]

    def _while(self, statement: syntax.While) -> list[ast.stmt]:
        self._loops += 1
        test = self._expr(statement.condition)
        self._loops -= 1
        self._at(statement)
        cost = weight(statement.body) + weight((statement.condition,))
        tick = ast.Expr(self._metered(".charge", self._constant(cost)), **self._place)
        body = self._turning(statement.body)
        orelse = [node for inner in statement.orelse for node in self._statement(inner)]
        self._at(statement)
        return [ast.While(test, [tick, *body], orelse, **self._place)]

    def _raise(self, error: Expr | None, cause: Expr | None) -> list[ast.stmt]:
        if error is None:
            return [self._do(".handling", self._name(".meter")), ast.Raise(None, None, **self._place)]
        parts = [self._expr(part) for part in (error, cause) if part is not None]
        return [ast.Raise(self._metered(".raised", *parts), None, **self._place)]

    def _assert(self, condition: Expr, message: Expr | None) -> list[ast.stmt]:
        test = ast.UnaryOp(ast.Not(), self._expr(condition), **self._place)
        shown = [self._expr(message)] if message is not None else []
        outside = self._place
        compared = _last_comparison(condition)
        if compared is not None:
            # Where CPython leaves off when it compiles the condition, it reports the failure.
            self._at(compared)
        fails = ast.Raise(self._metered(".assertion", *shown), None, **self._place)
        self._place = outside
        return [ast.If(test, [fails], [], **self._place)]

    def _try(self, statement: syntax.Try) -> list[ast.stmt]:
        mark = self._mark
        body = self._loop_body(statement.body)
        handlers = [self._handlers(statement.handlers, mark=mark)] if statement.handlers else []
        orelse = [node for inner in statement.orelse for node in self._statement(inner)]
        self._at(statement)
        if handlers:
            body = [ast.Try(body, handlers, orelse, [], **self._place)]
        if not statement.final:
            return body
        final = [node for inner in statement.final for node in self._statement(inner)]
        self._at(statement)
        # When a limit has ended the rule, nothing of it runs any more.
        guarded = ast.If(self._metered(".goes_on"), final, [], **self._place)
        return [ast.Try(body, [], [], [guarded], **self._place)]

    def _handlers(self, handlers: tuple[syntax.Handler, ...], *, mark: bool) -> ast.ExceptHandler:
        """Return the one handler that Python sees: it chooses among those of the rule, or raises again."""
        error = self._temporary()
        self._at(handlers[-1])
        nodes: list[ast.stmt] = [ast.Raise(None, None, **self._place)]
        for handler in reversed(handlers):
            body = self._bound(handler, error, self._block(handler.body, mark=mark))
            self._at(handler)
            if handler.kind is None:
                nodes = body
            else:
                kind = self._expr(handler.kind)
                test = self._metered(".matches", self._name(error), kind)
                nodes = [ast.If(test, body, nodes, **self._place)]
        self._at(handlers[0])
        found = self._assign_name(error, self._metered(".caught", self._name(error)))
        return ast.ExceptHandler(self._name(".Catchable"), error, [found, *nodes], **self._place)

    def _bound(self, handler: syntax.Handler, error: str, body: list[ast.stmt]) -> list[ast.stmt]:
        """Bind the name behind `as` for the time of the handler."""
        if handler.name is None:
            return body
        self._at(handler.name)
        name = handler.name.id
        begin = [self._bind(name, self._name(error))]
        end = [self._bind(name, self._constant(None)), self._unbind(name)]
        if name in FUNCTIONS and self._is_files(name):
            end.append(self._bind(name, self._builtin_value(name)))
        return [*begin, ast.Try(body, [], [], end, **self._place)]

    def _match(self, statement: syntax.Match) -> list[ast.stmt]:
        mark, self._mark = self._mark, False
        subject = self._expr(statement.subject)
        copied = sum(copies(case.pattern) for case in statement.cases)
        if copied:
            deepest = max(syntax.depth(case.pattern) for case in statement.cases)
            subject = self._metered(".subject", subject, self._constant(copied), self._constant(deepest))
        cases = []
        for case in statement.cases:
            self._at(case)
            captured: dict[str, str] = {}
            pattern = self._pattern(case.pattern, captured)
            tests = [self._captured(name, temporary) for name, temporary in captured.items()]
            if case.guard is not None:
                tests.append(self._expr(case.guard))
            guard = ast.BoolOp(ast.And(), tests, **self._place) if len(tests) > 1 else next(iter(tests), None)
            cases.append(ast.match_case(pattern, guard, self._block(case.body, mark=mark)))
        self._at(statement)
        return [ast.Match(subject, cases, **self._place)]

    def _loop_body(self, body: tuple[Stmt, ...]) -> list[ast.stmt]:
        """Translate a loop's body; its rule fires in the branches of its `if`s, or without any when it turns."""
        mark = self._mark
        if not mark:
            return self._block(body)
        if any(isinstance(inner, COMPOUND) for inner in body):
            nodes: list[ast.stmt] = []
            for inner in body:
                self._mark = isinstance(inner, COMPOUND)
                nodes.extend(self._statement(inner))
            self._mark = False
            return nodes
        self._mark = False
        return self._block(body, mark=True)

    def _turning(self, body: tuple[Stmt, ...]) -> list[ast.stmt]:
        self._loops += 1
        nodes = self._loop_body(body)
        self._loops -= 1
        return nodes

    def _function(self, statement: syntax.Function) -> list[ast.stmt]:
        arguments = self._parameters(statement.parameters)
        names = function_names(statement.parameters, statement.body)
        self._scopes.append(names)
        body = [node for inner in statement.body for node in self._statement(inner)]
        self._scopes.pop()
        self._at(statement)
        files = {self._of_file(name) for name in names.globals} if self._captures() else set()
        declared = sorted(files | names.nonlocals)
        begin: list[ast.stmt] = [ast.Nonlocal(declared, **self._place)] if declared else []
        if names.globals or names.nonlocals:
            # What it binds outside stays when the statement that calls it fails.
            begin.append(ast.Expr(self._metered(".changes"), **self._place))
        self._at(statement.name)
        # Each parameter and variable is bound by the call.
        cost = weight(statement.body) + (len(statement.parameters.items) + len(names.own) >> 3)
        enter = ast.Expr(self._metered(".enter", self._constant(cost)), **self._place)
        leave = ast.Expr(self._metered(".leave"), **self._place)
        guarded = ast.Try(body, [], [], [leave], **self._place)
        self._at(statement)
        name = statement.name.id
        variable = self._binding_name(name)
        definition = ast.FunctionDef(variable or name, arguments, [*begin, enter, guarded], [], **self._place)
        bound = [self._bind(name, self._name(name))] if variable is None else []
        return [definition, *bound, *self._log_name(name)]

    def _import(self, statement: syntax.Import | syntax.FromImport) -> list[ast.stmt]:
        nodes: list[ast.stmt] = []
        for variable, value in imported_values(statement):
            # The values are those of the tables, which live as long as the process.
            name = f".import{id(value)}"
            self._globals[name] = value
            nodes += [self._bind(variable, self._name(name)), *self._log_name(variable)]
        return nodes

    def _delete(self, target: Expr) -> list[ast.stmt]:
        match target:
            case syntax.Name(id=name):
                self._at(target)
                nodes = [self._unbind(name)]
                if name in FUNCTIONS and self._is_files(name):
                    # What was not set cannot be deleted; behind `del len`, the name means the function again.
                    unset = ast.Compare(self._read(name), [ast.Is()], [self._builtin_value(name)], **self._place)
                    fails = ast.Raise(self._metered(".undefined", self._constant(name)), None, **self._place)
                    nodes = [
                        ast.If(unset, [fails], [], **self._place),
                        *nodes,
                        self._bind(name, self._builtin_value(name)),
                    ]
                return nodes
            case syntax.Subscript(value=owner, index=index):
                call = self._metered(".delete", self._expr(owner), self._expr(index))
                self._at(target)
                return [ast.Expr(call, **self._place), *self._log_root(target)]
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                return [node for item in items for node in self._delete(item)]
            case _:
                raise AssertionError("the parser refuses other targets")


def _last_comparison(condition: Expr) -> syntax.Comparison | None:
    """Return the last comparison that decides a condition, if any does."""
    match condition:
        case syntax.Comparison():
            return condition
        case syntax.UnaryOperation(op="not", operand=operand):
            return _last_comparison(operand)
        case syntax.BooleanOperation(operands=operands):
            parts: tuple[Expr, ...] = operands
        case syntax.Conditional(condition=first, value=second, other=third):
            parts = (first, second, third)
        case _:
            return None
    found = [comparison for part in parts if (comparison := _last_comparison(part)) is not None]
    return found[-1] if found else None
