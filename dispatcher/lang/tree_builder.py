"""Builds the syntax tree while the parser reduces: one method for each rule of the grammar that makes a node.

A method gets what the rule matched, in order: tokens (all are kept) and nodes. What the grammar leaves open for
LALR's sake is settled here: operator precedence, which expressions can be targets, the order of arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from dispatcher.lang import syntax
from dispatcher.lang.expression_builder import Child, identifier, no_matrices, no_star, nodes, variable
from dispatcher.lang.layout import LayoutToken
from dispatcher.lang.pattern_builder import PatternBuilder, whole_pattern
from dispatcher.lang.repairs import repair
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr, Node, Stmt
from dispatcher.lang.tree_checks import BuildError, check_target


class TreeBuilder(PatternBuilder):
    """Callbacks for statements, and for what rules leave out."""

    def statement(self, parts: list[Child], _start: int, _end: int) -> list[Stmt]:
        """Return the statements of one line, or one compound statement, as a list."""
        (part,) = parts
        return part if isinstance(part, list) else [part]

    def simple_line(self, parts: list[Child], _start: int, _end: int) -> list[Stmt]:
        """Return the statements between the semicolons."""
        return [part for part in parts if not isinstance(part, LayoutToken)]

    def suite(self, parts: list[Child], _start: int, _end: int) -> tuple[Stmt, ...]:
        """Return the statements of a block."""
        return tuple(statement for part in parts if isinstance(part, list) for statement in part)

    def if_stmt(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build an If; `parts` are if, condition, colon, suite, then branches and the else suite."""
        first = syntax.Branch(parts[1], parts[3], start=parts[0].start, end=_end_of(parts[3]))
        branches = [first, *(part for part in parts[4:] if isinstance(part, syntax.Branch))]
        orelse = _clause(parts, "else")
        return syntax.If(tuple(branches), orelse, start=first.start, end=_end_of(orelse or branches[-1].body))

    def elif_clause(self, parts: list[Child], _start: int, _end: int) -> syntax.Branch:
        """Build a further branch."""
        return syntax.Branch(parts[1], parts[3], start=parts[0].start, end=_end_of(parts[3]))

    def else_clause(self, parts: list[Child], _start: int, _end: int) -> _Clause:
        """Keep the suite of an else."""
        return _Clause("else", parts[2])

    def finally_clause(self, parts: list[Child], _start: int, _end: int) -> _Clause:
        """Keep the suite of a finally."""
        return _Clause("finally", parts[2])

    def try_stmt(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build a Try; an `except` without a type comes last."""
        handlers = tuple(part for part in parts if isinstance(part, syntax.Handler))
        for handler in handlers[:-1]:
            if handler.kind is None:
                span = Span(handler.start, handler.start + len("except"))
                raise BuildError(
                    "unexpected-token", "an `except` without a type must be the last", span, "move it to the end"
                )
        orelse, final = _clause(parts, "else"), _clause(parts, "finally")
        return syntax.Try(parts[2], handlers, orelse, final, start=parts[0].start, end=_end_of(parts[-1]))

    def except_clause(self, parts: list[Child], _start: int, _end: int) -> syntax.Handler:
        """Build a Handler."""
        kind = parts[1] if not isinstance(parts[1], LayoutToken) else None
        name = variable(parts[3]) if kind is not None and len(parts) > 4 else None
        return syntax.Handler(kind, name, parts[-1], start=parts[0].start, end=_end_of(parts[-1]))

    def refused_except(self, parts: list[Child], _start: int, _end: int) -> syntax.Handler:
        """Refuse `except*`."""
        span = Span(parts[0].start, parts[1].end)
        advice = repair("write `except`", "except " if parts[2].start == span.end else "except")
        raise BuildError("unsupported-syntax", "rules have no `except*`", span, advice)

    def match_stmt(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build a Match."""
        cases = tuple(part for part in parts if isinstance(part, syntax.Case))
        return syntax.Match(no_star(parts[1]), cases, start=parts[0].start, end=_end_of(cases[-1].body))

    def case_clause(self, parts: list[Child], _start: int, _end: int) -> syntax.Case:
        """Build a Case."""
        guard = parts[3] if len(parts) > 4 else None
        return syntax.Case(whole_pattern(parts[1]), guard, parts[-1], start=parts[0].start, end=_end_of(parts[-1]))

    def while_stmt(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build a While."""
        orelse = _clause(parts, "else")
        return syntax.While(parts[1], parts[3], orelse, start=parts[0].start, end=_end_of(orelse or parts[3]))

    def for_stmt(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build a For."""
        check_target(parts[1])
        orelse = _clause(parts, "else")
        return syntax.For(
            parts[1], no_star(parts[3]), parts[5], orelse, start=parts[0].start, end=_end_of(orelse or parts[5])
        )

    def function_def(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build a Function."""
        arrow = next((part for part in parts if isinstance(part, LayoutToken) and part.text == "->"), None)
        if arrow is not None:
            raise BuildError(
                "unsupported-syntax",
                "rules have no annotations",
                Span(arrow.start, arrow.end),
                "leave out `->` and the type",
            )
        body = parts[-1]
        parameters = (
            parts[3]
            if isinstance(parts[3], syntax.Parameters)
            else syntax.Parameters((), start=parts[2].end, end=parts[2].end)
        )
        return syntax.Function(variable(parts[1]), parameters, body, start=parts[0].start, end=_end_of(body))

    def expression_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build an ExpressionStatement."""
        value = no_star(parts[0])
        return syntax.ExpressionStatement(value, start=start, end=end)

    def assignment(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build an Assignment; every second part is `=`."""
        *targets, value = parts[::2]
        no_star(value)
        for target in targets:
            check_target(target)
        return syntax.Assignment(tuple(targets), value, start=start, end=end)

    def augmented_assignment(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build an AugmentedAssignment."""
        target, operator, value = parts
        if operator.text == "@=":
            raise no_matrices(operator)
        if not isinstance(target, syntax.Name | syntax.Attribute | syntax.Subscript):
            raise BuildError("invalid-target", f"`{operator.text}` needs one variable or item on its left", target.span)
        check_target(target)
        return syntax.AugmentedAssignment(target, operator.text[:-1], no_star(value), start=start, end=end)

    def pass_stmt(self, _parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Pass."""
        return syntax.Pass(start=start, end=end)

    def break_stmt(self, _parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Break."""
        return syntax.Break(start=start, end=end)

    def continue_stmt(self, _parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Continue."""
        return syntax.Continue(start=start, end=end)

    def return_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Return."""
        return syntax.Return(no_star(parts[1]) if len(parts) > 1 else None, start=start, end=end)

    def delete_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Delete."""
        check_target(parts[1], deleting=True)
        targets = parts[1].items if isinstance(parts[1], syntax.TupleDisplay) else (parts[1],)
        return syntax.Delete(targets, start=start, end=end)

    def raise_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Raise."""
        error, cause = (*nodes(parts), None, None)[:2]
        return syntax.Raise(error, cause, start=start, end=end)

    def assert_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build an Assert."""
        condition, message = (*nodes(parts), None)[:2]
        return syntax.Assert(condition, message, start=start, end=end)

    def global_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Global."""
        return syntax.Global(self._names(parts), start=start, end=end)

    def nonlocal_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build a Nonlocal."""
        return syntax.Nonlocal(self._names(parts), start=start, end=end)

    @staticmethod
    def _names(parts: list[Child]) -> tuple[syntax.Name, ...]:
        return tuple(variable(part) for part in parts if part.type == "NAME")

    def import_stmt(self, parts: list[Child], start: int, end: int) -> Stmt:
        """Build an Import."""
        return syntax.Import(tuple(nodes(parts)), start=start, end=end)

    def imported_module(self, parts: list[Child], start: int, end: int) -> syntax.ImportedName:
        """Build one module of an import."""
        module = parts[0]
        variable = identifier(parts[2]) if len(parts) > 1 else module.text.split(".")[0]
        return syntax.ImportedName(module.text, variable, start=start, end=end)

    def from_import(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Build a FromImport."""
        items, trailing_comma = next(part for part in parts if type(part) is tuple)
        if trailing_comma is not None and parts[-1] is not None and not isinstance(parts[-1], LayoutToken):
            raise BuildError(
                "unexpected-token",
                "a comma at the end needs brackets around the names",
                Span(trailing_comma.start, trailing_comma.end),
                "remove the comma",
            )
        end = parts[-1].end if isinstance(parts[-1], LayoutToken) else items[-1].end
        return syntax.FromImport(parts[1].text, items, start=parts[0].start, end=end)

    def refused_relative_import(self, parts: list[Child], _start: int, _end: int) -> Stmt:
        """Refuse an import from a folder."""
        span = Span(parts[1].start, parts[1].end)
        raise BuildError("unsupported-syntax", "rules import no files", span, "name a module, as in `import re`")

    def imported_names(self, parts: list[Child], _start: int, _end: int) -> tuple[tuple[Node, ...], LayoutToken | None]:
        """Return the names, and the comma behind the last one."""
        return tuple(nodes(parts)), parts[-1] if isinstance(parts[-1], LayoutToken) else None

    def imported_name(self, parts: list[Child], start: int, end: int) -> syntax.ImportedName:
        """Build one name of a from-import."""
        return syntax.ImportedName(identifier(parts[0]), identifier(parts[-1]), start=start, end=end)

    def dotted_name(self, parts: list[Child], _start: int, _end: int) -> LayoutToken:
        """Join the parts of a module's name to one token."""
        return LayoutToken("NAME", "".join(identifier(part) for part in parts), parts[0].start, parts[-1].end)

    def class_def(self, parts: list[Child], start: int, _end: int) -> Stmt:
        """Keep a decorated class for the checker to refuse."""
        return syntax.RefusedStatement("`class`", parts[-1], start=start, end=_end_of(parts[-1]))

    def with_item(self, parts: list[Child], _start: int, _end: int) -> Expr:
        """Keep what a `with` opens."""
        return cast("Expr", parts[0])

    def yield_expr(self, _parts: list[Child], start: int, end: int) -> Expr:
        """Keep a `yield` for the checker to refuse."""
        return syntax.RefusedExpression("`yield`", start=start, end=end)

    def __getattr__(self, rule: str) -> Callable[[list[Child], int, int], Child]:
        if rule in _REFUSED_BLOCKS:
            block = _REFUSED_BLOCKS[rule]
            return lambda parts, start, _end: _refused_block(block, parts, start)
        if rule in _REFUSED_STATEMENTS:
            statement = _REFUSED_STATEMENTS[rule]
            return lambda _parts, start, end: syntax.RefusedStatement(statement, (), start=start, end=end)
        if rule in _REFUSED_EXPRESSIONS:
            expression = _REFUSED_EXPRESSIONS[rule]
            return lambda _parts, start, end: syntax.RefusedExpression(expression, start=start, end=end)
        raise AttributeError(rule)


# --- what rules leave out

_REFUSED_BLOCKS = {
    "refused_class": "`class`",
    "refused_with": "`with`",
    "refused_decorator": "decorators",
    "refused_async": "`async`",
}
_REFUSED_STATEMENTS = {
    "refused_star_import": "`import *`",
    "refused_annotation": "annotations",
    "refused_yield": "`yield`",
}
_REFUSED_EXPRESSIONS = {"refused_await": "`await`", "refused_yield_expression": "`yield`"}


def _refused_block(construct: str, parts: Sequence[Child], start: int) -> Stmt:
    """Keep the statements of a refused block, so that they are checked too."""
    return syntax.RefusedStatement(construct, tuple(_bodies(parts)), start=start, end=_end_of(parts[-1]))


def _bodies(parts: Sequence[Child]) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, syntax.Function):
            yield part
        elif isinstance(part, _Clause):
            yield from part.body
        elif type(part) is tuple:
            yield from (
                item for item in part if isinstance(item, syntax.Node) and not isinstance(item, syntax.Argument)
            )
        elif isinstance(part, syntax.RefusedStatement):
            yield from part.body


# --- suites


class _Clause(NamedTuple):
    """The suite of an `else` or a `finally`, told apart from other suites by its type."""

    word: str
    body: tuple[Stmt, ...]


def _end_of(part: Child) -> int:
    """Return where a suite, a clause or a node ends: where its last statement does, before the line's end."""
    if isinstance(part, _Clause):
        part = part.body
    return int(part[-1].end if isinstance(part, tuple) else part.end)


def _clause(parts: Sequence[Child], word: str) -> tuple[Stmt, ...]:
    return next((part.body for part in parts if isinstance(part, _Clause) and part.word == word), ())
