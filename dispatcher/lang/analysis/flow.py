"""The walk over statements: which run, in which order, and what is known of the variables at each.

Every way through a scope is walked once. Where ways fork, each is walked and taken back, and the walk goes on with
what all their ends have in common. A loop is walked once, with nothing certain of what it assigns.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType

from dispatcher.lang import syntax
from dispatcher.lang.analysis import conditions
from dispatcher.lang.analysis.expressions import Expressions
from dispatcher.lang.analysis.facts import NOTHING, Fact
from dispatcher.lang.analysis.names import Names
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.analysis.results import of_element
from dispatcher.lang.analysis.state import SET, Changes
from dispatcher.lang.analysis.statements import check_chain, check_pointless, check_write, report_unreachable
from dispatcher.lang.records import dataclass, field, replace
from dispatcher.lang.scopes import bound_names, captured_names, name_of, scope_statements, target_names
from dispatcher.lang.syntax import Expr, Stmt

# Ways out of a loop that are told apart; from there on, nothing is said of what the loop assigns.
MOST_EXITS = 50


@dataclass(slots=True)
class _Loop:
    """The loop around the present place: where its changes begin, and what has changed at each way out."""

    mark: int
    bound: set[str]
    breaks: list[Changes] = field(default_factory=list)
    continues: list[Changes] = field(default_factory=list)


class Flow:
    """Walks the statements of a file and of all its functions."""

    def __init__(
        self, findings: Findings, names: Names, last_reads: dict[str, int], expressions: Expressions | None = None
    ) -> None:
        self._findings = findings
        self._names = names
        self._last_reads = last_reads
        self._expressions = expressions or Expressions(findings, names)
        self._loops: list[_Loop] = []
        self._trying = 0

    def file(self, module: syntax.Module) -> None:
        """Walk the file and then, one after the other, the functions met in it."""
        for statement in module.body:
            # A statement of the file that fails counts as absent, so the next one runs in any case.
            self._statement(statement)
        while self._names.met:
            function = self._names.met.pop()
            self._names.begin(function)
            self._trying = 0
            if isinstance(function, syntax.Lambda):
                self._expressions.fact(function.body)
            else:
                self._block(function.body)

    # --- statements

    def _block(self, body: tuple[Stmt, ...]) -> bool:
        """Walk statements; tell whether the walk comes to their end."""
        state = self._names.state
        outside = state.entered
        for number, statement in enumerate(body):
            if not self._statement(statement):
                if number + 1 < len(body):
                    report_unreachable(self._findings, body[number + 1], statement)
                state.entered = outside
                return False
        state.entered = outside
        return True

    def _statement(self, statement: Stmt) -> bool:  # noqa: C901 - one case for each kind of node
        """Walk one statement; tell whether the walk goes on behind it."""
        match statement:
            case syntax.ExpressionStatement(value=value):
                found = self._findings.count
                fact = self._expressions.fact(value)
                # What cannot work is not done for its result, and what may fail is not in a `try`.
                if not self._trying and self._findings.count == found:
                    check_pointless(self._findings, value, fact, self._names.variable)
            case syntax.Assignment(targets=targets, value=value):
                self._assignment(targets, value)
            case syntax.AugmentedAssignment():
                self._augmented(statement)
            case syntax.If():
                return self._if(statement)
            case syntax.For():
                return self._for(statement)
            case syntax.While():
                return self._while(statement)
            case syntax.Break() | syntax.Continue():
                if self._loops:
                    loop = self._loops[-1]
                    exits = loop.breaks if isinstance(statement, syntax.Break) else loop.continues
                    if len(exits) <= MOST_EXITS:
                        exits.append(self._names.state.changes(loop.mark))
                return False
            case syntax.Pass() | syntax.Global() | syntax.Nonlocal():
                pass
            case syntax.Function(name=name, parameters=parameters):
                self._expressions.defaults(parameters)
                self._names.later(statement)
                self._names.bind(name.id, Fact(frozenset({FunctionType}), meaning=statement))
            case syntax.Return(value=value):
                if value is not None:
                    self._expressions.fact(value)
                return False
            case syntax.Import(items=items) | syntax.FromImport(items=items):
                for item in items:
                    self._names.bind(item.variable, self._names.imported(item))
            case syntax.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case syntax.Try():
                return self._try(statement)
            case syntax.Raise(error=error, cause=cause):
                for part in (error, cause):
                    if part is not None:
                        self._raised(part)
                return False
            case syntax.Assert():
                return self._assert(statement)
            case syntax.Match():
                return self._match(statement)
            case syntax.RefusedStatement():
                pass
        return True

    def _assignment(self, targets: tuple[Expr, ...], value: Expr) -> None:
        fact = self._expressions.fact(value)
        for target in targets:
            self._target(target, fact)
            if isinstance(target, syntax.Name) and self._names.in_file and not self._loops:
                check_write(self._findings, self._names.variable(target.id), value, fact, self._last_reads)

    def _target(self, target: Expr, fact: Fact) -> None:
        match target:
            case syntax.Name(id=name):
                self._names.bind(name, fact)
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                self._expressions.taken_apart(target, fact)
                for item in items:
                    self._target(item, NOTHING)
            case syntax.Starred(value=value):
                self._target(value, Fact(frozenset({list})))
            case syntax.Subscript():
                self._expressions.store(target)
            case _:
                pass

    def _augmented(self, statement: syntax.AugmentedAssignment) -> None:
        target = statement.target
        if isinstance(target, syntax.Subscript):
            self._expressions.fact(target)
            self._expressions.fact(statement.value)
        elif isinstance(target, syntax.Name):
            before = self._expressions.fact(target)
            value = self._expressions.fact(statement.value)
            self._names.bind(target.id, self._expressions.augmented(statement, before, statement.op, value))

    def _delete(self, target: Expr) -> None:
        match target:
            case syntax.Name(id=name):
                self._expressions.fact(target)
                self._names.unbind(name)
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                for item in items:
                    self._delete(item)
            case syntax.Subscript():
                self._expressions.store(target)
            case _:
                pass

    def _raised(self, expr: Expr) -> None:
        fact = self._expressions.fact(expr)
        if fact.only(str):
            message = "only exceptions can be raised, not text"
            hint = "write `exception = '...'` to refuse the ticket, or `raise ValueError('...')`"
            self._findings.add("impossible-operation", message, expr, hint)

    def _assert(self, statement: syntax.Assert) -> bool:
        state = self._names.state
        self._expressions.truth(statement.condition)
        if statement.message is not None:
            outside = state.enter()
            self._expressions.fact(statement.message)
            state.entered = outside
        state.doubt(self._tested(statement.condition))
        if conditions.is_switched_off(statement.condition):
            return False
        # What follows runs only where the condition holds.
        state.enter()
        return True

    # --- forks

    def _tested(self, condition: Expr) -> Iterable[str]:
        """Return the variables whose type a condition may tell, by their names in the state."""
        return [key for name in conditions.doubted(condition) if (key := self._names.key(name)) is not None]

    def _if(self, statement: syntax.If) -> bool:
        check_chain(self._findings, statement)
        state = self._names.state
        outside, start = state.entered, state.mark
        ends: list[Changes] = []
        stopped = False
        doubted: list[str] = []
        for number, branch in enumerate(statement.branches):
            if number:
                state.enter()
            state.doubt(doubted)
            self._expressions.truth(branch.condition)
            doubted = list(self._tested(branch.condition))
            mark = state.mark
            state.enter()
            state.doubt(doubted)
            if conditions.is_switched_off(branch.condition):
                shown = self._findings.quote(branch.condition)
                self._findings.add("unreachable-code", f"this never runs: the condition is {shown}", branch.body[0])
                state.take_back(mark)
                continue
            goes_on = self._block(branch.body)
            end = state.changes(mark)
            state.take_back(mark)
            if goes_on:
                ends.append(end)
            stopped = stopped or not goes_on
            if conditions.is_endless(branch.condition):
                rest = (*(later.body for later in statement.branches[number + 1 :]), statement.orelse)
                shown = self._findings.quote(branch.condition)
                for body in rest:
                    if body:
                        message = f"this never runs: a condition above is {shown}"
                        self._findings.add("unreachable-code", message, body[0])
                break
        else:
            state.doubt(doubted)
            mark = state.mark
            state.enter()
            goes_on = self._block(statement.orelse)
            if goes_on:
                ends.append(state.changes(mark))
            stopped = stopped or not goes_on
        state.take_back(start)
        state.entered = outside
        state.join(ends)
        if stopped:
            # What follows runs only where the ways that stopped were not taken.
            state.doubt({name for branch in statement.branches for name in self._tested(branch.condition)})
            state.enter()
        return bool(ends)

    def _match(self, statement: syntax.Match) -> bool:
        state = self._names.state
        self._expressions.fact(statement.subject)
        outside, start = state.entered, state.mark
        tested = list(self._tested(statement.subject))
        ends: list[Changes] = []
        stopped = False
        always = False
        for case in statement.cases:
            mark = state.mark
            state.enter()
            state.doubt(tested)
            for name in captured_names(case.pattern):
                self._names.bind(name.id, NOTHING)
            if case.guard is not None:
                self._expressions.truth(case.guard)
                state.doubt(self._tested(case.guard))
            goes_on = self._block(case.body)
            if goes_on:
                ends.append(state.changes(mark))
            stopped = stopped or not goes_on
            state.take_back(mark)
            always = always or (case.guard is None and conditions.always_matches(case.pattern))
        if not always:
            ends.append({})
        state.take_back(start)
        state.entered = outside
        state.join(ends)
        if stopped:
            state.enter()
        return bool(ends)

    def _try(self, statement: syntax.Try) -> bool:
        state = self._names.state
        outside, start = state.entered, state.mark
        bound = self._followed(statement.body)
        self._trying += bool(statement.handlers)
        goes_on = self._block(statement.body)
        self._trying -= bool(statement.handlers)
        goes_on = goes_on and self._block(statement.orelse)
        ends = [state.changes(start)] if goes_on else []
        state.take_back(start)
        for handler in statement.handlers:
            # The body may have stopped anywhere.
            state.blur(bound)
            state.enter()
            if self._handler(handler):
                ends.append(state.changes(start))
            state.take_back(start)
        state.entered = outside
        if statement.final:
            return self._finally(statement, ends)
        state.join(ends)
        if len(ends) <= len(statement.handlers):
            state.enter()
        return bool(ends)

    def _handler(self, handler: syntax.Handler) -> bool:
        if handler.kind is not None:
            self._expressions.fact(handler.kind)
        if handler.name is not None:
            self._names.bind(handler.name.id, NOTHING)
        goes_on = self._block(handler.body)
        if handler.name is not None:
            self._names.unbind(handler.name.id)
        return goes_on

    def _finally(self, statement: syntax.Try, ends: list[Changes]) -> bool:
        state = self._names.state
        state.join(ends)
        outside = state.entered
        state.blur(self._followed((replace(statement, final=()),)))
        state.enter()
        goes_on = self._block(statement.final)
        state.entered = outside
        return bool(ends) and goes_on

    def _followed(self, body: tuple[Stmt, ...]) -> set[str]:
        """Return the variables that statements bind, by their names in the state."""
        return {key for name in bound_names(body) if (key := self._names.key(name_of(name))) is not None}

    # --- loops

    def _for(self, statement: syntax.For) -> bool:
        iterable = self._expressions.iterated(statement.iterable)
        outside, loop = self._begin_loop(statement)
        self._target(statement.target, of_element(iterable))
        return self._end_loop(statement, loop, outside, surely=iterable.filled, ends=True)

    def _while(self, statement: syntax.While) -> bool:
        endless = conditions.is_endless(statement.condition)
        surely = endless or self._expressions.surely_true(statement.condition)
        if conditions.is_switched_off(statement.condition):
            shown = self._findings.quote(statement.condition)
            self._findings.add("unreachable-code", f"this never runs: the condition is {shown}", statement.body[0])
            return self._block(statement.orelse)
        outside, loop = self._begin_loop(statement)
        self._expressions.truth(statement.condition)
        self._names.state.doubt(self._tested(statement.condition))
        return self._end_loop(statement, loop, outside, surely=surely, ends=not endless)

    def _begin_loop(self, statement: syntax.For | syntax.While) -> tuple[int, _Loop]:
        """Go into a loop: nothing is certain of what any of its rounds may assign."""
        state = self._names.state
        loop = _Loop(state.mark, self._followed((statement,)))
        outside = state.enter()
        state.blur(loop.bound)
        # What a round may take away again is not followed.
        for name in loop.bound & self._unbound(statement):
            state.set(name, SET)
        return outside, loop

    def _unbound(self, statement: Stmt) -> set[str]:
        names: set[str] = set()
        for inner in scope_statements((statement,)):
            if isinstance(inner, syntax.Delete):
                names.update(name.id for name in target_names(inner.targets))
            elif isinstance(inner, syntax.Try):
                names.update(handler.name.id for handler in inner.handlers if handler.name is not None)
        return {key for name in names if (key := self._names.key(name)) is not None}

    def _end_loop(
        self, statement: syntax.For | syntax.While, loop: _Loop, outside: int, *, surely: bool, ends: bool
    ) -> bool:
        """Walk the body and the `else`; `ends` says that the loop may end without `break`."""
        state = self._names.state
        self._loops.append(loop)
        goes_on = self._block(statement.body)
        self._loops.pop()
        rounds = [*loop.continues, *([state.changes(loop.mark)] if goes_on else [])]
        state.take_back(loop.mark)
        state.entered = outside
        if max(len(loop.breaks), len(loop.continues)) > MOST_EXITS:
            for name in loop.bound:
                state.set(name, SET)
            return True
        exits = list(loop.breaks)
        if ends:
            state.join(rounds if surely else [*rounds, {}])
            if loop.breaks:
                state.enter()
            if self._block(statement.orelse):
                exits.append(state.changes(loop.mark))
            state.take_back(loop.mark)
            state.entered = outside
        state.join(exits)
        return bool(exits)
