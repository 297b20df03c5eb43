"""The walk over statements, along all ways that they may take.

Where ways meet, a variable may have the values of either. Loops are walked until nothing is new. A statement of the
file that fails counts as absent: behind one that may fail, variables may still be as before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatcher.lang import syntax
from dispatcher.lang.reaching.expressions import Expressions
from dispatcher.lang.reaching.state import State, Variables, joined
from dispatcher.lang.reaching.values import NOTHING, Box, Known, Member, Value
from dispatcher.lang.records import dataclass, field
from dispatcher.lang.scopes import function_names
from dispatcher.lang.syntax import Expr, Stmt


@dataclass(slots=True)
class _Loop:
    """The variables at each way out of a loop's body."""

    broken: Variables | None = None
    continued: Variables | None = None


@dataclass(slots=True)
class _Call:
    """What a function under way gives, and the variables at each `return`."""

    value: Value = NOTHING
    returned: Variables | None = None
    loops: list[_Loop] = field(default_factory=list)


class Flow:
    """Walks files."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._expressions = Expressions(state)
        self._expressions.calls.routines.walk = self.body
        self._calls = [_Call()]

    def file(self, body: Sequence[Stmt]) -> None:
        """Walk the statements of a file."""
        state = self.state
        for statement in body:
            before = state.fork() or {}
            state.may_fail = False
            state.depth = 0
            self._statement(statement)
            if state.may_fail or state.variables is None:
                state.variables = joined(state.variables, before)

    def body(self, body: Sequence[Stmt]) -> Value:
        """Walk the body of a function, and return what it gives."""
        call = _Call()
        self._calls.append(call)
        end = Known(None, self.state.place(body[-1])) if body else None
        self._block(body)
        self._calls.pop()
        if self.state.variables is not None and end is not None:
            call.value |= {end}
        self.state.variables = joined(self.state.variables, call.returned)
        return call.value

    def _block(self, body: Sequence[Stmt]) -> None:
        for statement in body:
            if self.state.variables is None:
                return
            self._statement(statement)

    def _statement(self, statement: Stmt) -> None:  # noqa: C901 - one case for each kind of node
        state, value = self.state, self._expressions.value
        state.step()
        state.depth += 1
        match statement:
            case syntax.ExpressionStatement(value=expr):
                value(expr)
            case syntax.Assignment(targets=targets, value=expr):
                found = value(expr)
                for target in targets:
                    self._expressions.targets.assign(target, found)
            case syntax.AugmentedAssignment(target=target, op=op, value=expr):
                self._augmented(statement, value(target), op, value(expr))
            case syntax.If():
                self._if(statement)
            case syntax.For():
                self._for(statement)
            case syntax.While():
                self._while(statement)
            case syntax.Break():
                self._leave(broken=True)
            case syntax.Continue():
                self._leave(broken=False)
            case syntax.Function(name=name, parameters=parameters, body=body):
                names = function_names(parameters, body)
                state.write(name.id, self._expressions.function(statement, parameters, names))
            case syntax.Return(value=given):
                call = self._calls[-1]
                call.value |= value(given) if given is not None else {Known(None, state.place(statement))}
                call.returned = joined(call.returned, state.variables)
                state.variables = None
            case syntax.Import(items=items):
                for item in items:
                    state.write(item.variable, frozenset({Member(item.name, "")}))
            case syntax.FromImport(module=module, items=items):
                for item in items:
                    state.write(item.variable, frozenset({Member(module, item.name)}))
            case syntax.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case syntax.Try():
                self._try(statement)
            case syntax.Raise(error=error, cause=cause):
                for part in (error, cause):
                    if part is not None:
                        value(part)
                state.may_fail = True
                state.variables = None
            case syntax.Assert(condition=condition, message=message):
                value(condition)
                if message is not None:
                    value(message)
                state.may_fail = True
            case syntax.Match():
                self._match(statement)
            case _:
                pass
        state.depth -= 1

    def _augmented(self, statement: syntax.AugmentedAssignment, left: Value, op: str, right: Value) -> None:
        found = self._expressions.operations.combined(statement, left, op, right)
        for atom in left:
            if isinstance(atom, Box):
                # A list or dict changes in place, under all its names.
                self._expressions.calls.methods.update(statement, atom, right)
                self.state.boxes.shuffle(atom)
                found |= {atom}
        self._expressions.targets.assign(statement.target, found)

    def _delete(self, target: Expr) -> None:
        match target:
            case syntax.Name(id=name):
                self.state.delete(name)
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                for item in items:
                    self._delete(item)
            case syntax.Subscript(value=owner):
                self.state.may_fail = True
                for atom in self._expressions.value(owner):
                    if isinstance(atom, Box):
                        self.state.boxes.shuffle(atom)
            case _:
                pass

    # --- ways that fork

    def _if(self, statement: syntax.If) -> None:
        state = self.state
        ends: Variables | None = None
        for branch in statement.branches:
            self._expressions.value(branch.condition)
            before = state.fork()
            self._block(branch.body)
            ends = joined(ends, state.variables)
            state.variables = before
        self._block(statement.orelse)
        state.variables = joined(ends, state.variables)

    def _match(self, statement: syntax.Match) -> None:
        state = self.state
        subject = self._expressions.value(statement.subject)
        view = self._expressions.field_view(statement.subject)
        ends: Variables | None = None
        for case in statement.cases:
            self._literals(case.pattern, view, subject)
            before = state.fork()
            self._expressions.targets.capture(case.pattern, subject)
            if case.guard is not None:
                self._expressions.value(case.guard)
            self._block(case.body)
            ends = joined(ends, state.variables)
            state.variables = before
        state.variables = joined(ends, state.variables)

    def _literals(self, pattern: syntax.Node, view: tuple[str, tuple[str, ...]] | None, subject: Value) -> None:
        """Note what a pattern compares the subject with."""
        match pattern:
            case syntax.ValuePattern(value=expr) if view is not None:
                self.state.compare(*view, self._expressions.value(expr))
            case syntax.OrPattern(alternatives=alternatives):
                for alternative in alternatives:
                    self._literals(alternative, view, subject)
            case syntax.AsPattern(pattern=inner):
                self._literals(inner, view, subject)
            case _:
                self.state.use(subject)

    def _for(self, statement: syntax.For) -> None:
        state = self.state
        items = self._expressions.value(statement.iterable)
        late = any(isinstance(atom, Box) and atom in state.boxes.late for atom in items)

        def turn() -> None:
            if late:
                # What is worked out for this turn is worked out by what the last one has left.
                before = state.fork()
                self._expressions.value(statement.iterable)
                state.variables = joined(state.variables, before)
            self._expressions.targets.assign(statement.target, self._expressions.turns(statement.iterable, items))

        self._loop(statement, turn)

    def _while(self, statement: syntax.While) -> None:
        self._loop(statement, lambda: self._expressions.value(statement.condition))

    def _loop(self, statement: syntax.For | syntax.While, begin: Callable[[], object]) -> None:
        """Walk a loop until another turn brings nothing new."""
        state = self.state
        loops = self._calls[-1].loops
        loop = _Loop()

        def turn() -> None:
            loops.append(loop)
            begin()
            self._block(statement.body)
            loops.pop()
            state.variables = joined(state.variables, loop.continued)

        state.repeat(statement, turn)
        if isinstance(statement, syntax.While):
            begin()
        self._block(statement.orelse)
        state.variables = joined(state.variables, loop.broken)

    def _leave(self, *, broken: bool) -> None:
        state = self.state
        loops = self._calls[-1].loops
        if loops:
            loop = loops[-1]
            if broken:
                loop.broken = joined(loop.broken, state.variables)
            else:
                loop.continued = joined(loop.continued, state.variables)
        state.variables = None

    def _try(self, statement: syntax.Try) -> None:
        state = self.state
        failed = state.fork() or {}
        state.tries.append(failed)
        self._block(statement.body)
        state.tries.pop()
        after = state.variables
        ends = None
        for handler in statement.handlers:
            state.variables = dict(failed)
            if handler.kind is not None:
                self._expressions.value(handler.kind)
            if handler.name is not None:
                state.write(handler.name.id, state.untold(handler.name, "it is an error"))
            self._block(handler.body)
            if handler.name is not None:
                state.delete(handler.name.id)
            ends = joined(ends, state.variables)
        state.variables = after
        self._block(statement.orelse)
        ends = joined(ends, state.variables)
        if statement.final:
            # It runs whatever way leads to it, also one that goes on elsewhere.
            gone = ends is None
            state.variables = joined(ends, dict(failed))
            self._block(statement.final)
            self._reach_exits()
            if gone:
                state.variables = None
        else:
            state.variables = ends

    def _reach_exits(self) -> None:
        """Add what a `finally` left to the ways out that may have led through it."""
        call, here = self._calls[-1], self.state.variables
        if call.returned is not None:
            call.returned = joined(call.returned, here)
        for loop in call.loops:
            if loop.broken is not None:
                loop.broken = joined(loop.broken, here)
            if loop.continued is not None:
                loop.continued = joined(loop.continued, here)
