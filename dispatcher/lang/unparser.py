"""Module -> text: writes a tree as rules that parse to the same tree, places apart."""

from __future__ import annotations

from collections.abc import Iterable
from types import UnionType
from typing import assert_never

from dispatcher.lang import syntax
from dispatcher.lang.expression_writer import Expressions, Level
from dispatcher.lang.syntax import Expr, Stmt

_INDENT = "    "


def unparse(module: syntax.Module) -> str:
    """Return the text of a module; raise ValueError for what rules leave out, which the tree does not hold in full."""
    writer = _Statements()
    writer.body(module.body)
    return "".join(f"{line}\n" for line in writer.lines)


class _Statements:
    """Writes statements line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._depth = 0
        self._expressions = Expressions()

    def body(self, body: Iterable[Stmt]) -> None:
        """Write statements at the present depth."""
        for statement in body:
            self._statement(statement)

    def _line(self, text: str) -> None:
        self.lines.append(_INDENT * self._depth + text)

    def _block(self, head: str, body: Iterable[Stmt]) -> None:
        self._line(f"{head}:")
        self._depth += 1
        self.body(body)
        self._depth -= 1

    def _clause(self, head: str, body: tuple[Stmt, ...]) -> None:
        """Write a clause that the tree leaves empty when it is absent."""
        if body:
            self._block(head, body)

    def _items(self, expr: Expr) -> str:
        return self._expressions.at(Level.ITEMS, expr)

    def _named(self, expr: Expr) -> str:
        return self._expressions.at(Level.NAMED, expr)

    def _test(self, expr: Expr) -> str:
        return self._expressions.at(Level.TEST, expr)

    def _value(self, expr: Expr) -> str:
        """Return what may be a tuple without brackets, but no `:=`."""
        return f"({self._items(expr)})" if isinstance(expr, syntax.NamedExpression) else self._items(expr)

    def _after(self, word: str, expr: Expr | None) -> str:
        """Return a word and the expression behind it, or nothing where there is none."""
        return f"{word} {self._test(expr)}" if expr is not None else ""

    def _statement(self, statement: Stmt) -> None:  # noqa: C901 - one case for each kind of node
        match statement:
            case syntax.ExpressionStatement(value=value):
                self._line(self._value(value))
            case syntax.Assignment(targets=targets, value=value):
                self._line("".join([f"{self._items(target)} = " for target in targets]) + self._value(value))
            case syntax.AugmentedAssignment(target=target, op=op, value=value):
                self._line(f"{self._items(target)} {op}= {self._value(value)}")
            case syntax.If(branches=branches, orelse=orelse):
                for number, branch in enumerate(branches):
                    self._block(f"{'elif' if number else 'if'} {self._named(branch.condition)}", branch.body)
                self._clause("else", orelse)
            case syntax.For(target=target, iterable=iterable, body=body, orelse=orelse):
                self._block(f"for {self._items(target)} in {self._value(iterable)}", body)
                self._clause("else", orelse)
            case syntax.While(condition=condition, body=body, orelse=orelse):
                self._block(f"while {self._named(condition)}", body)
                self._clause("else", orelse)
            case syntax.Break():
                self._line("break")
            case syntax.Continue():
                self._line("continue")
            case syntax.Pass():
                self._line("pass")
            case syntax.Function(name=name, parameters=parameters, body=body):
                self._block(f"def {name.id}({self._expressions.parameters(parameters)})", body)
            case syntax.Return(value=value):
                self._line(f"return {self._value(value)}" if value is not None else "return")
            case syntax.Import(items=items):
                self._line(f"import {', '.join([_imported(item, item.name.split('.')[0]) for item in items])}")
            case syntax.FromImport(module=module, items=items):
                self._line(f"from {module} import {', '.join([_imported(item, item.name) for item in items])}")
            case syntax.Delete(targets=targets):
                self._line(f"del {', '.join([self._named(target) for target in targets]) or '()'}")
            case syntax.Try(body=body, handlers=handlers, orelse=orelse, final=final):
                self._block("try", body)
                for handler in handlers:
                    bound = f" as {handler.name.id}" if handler.name is not None else ""
                    self._block(f"except{self._after('', handler.kind)}{bound}", handler.body)
                self._clause("else", orelse)
                self._clause("finally", final)
            case syntax.Raise(error=error, cause=cause):
                self._line(f"raise{self._after('', error)}{self._after(' from', cause)}")
            case syntax.Assert(condition=condition, message=message):
                self._line(f"assert {self._test(condition)}{self._after(',', message)}")
            case syntax.Global(names=names) | syntax.Nonlocal(names=names):
                word = "global" if isinstance(statement, syntax.Global) else "nonlocal"
                self._line(f"{word} {', '.join([name.id for name in names])}")
            case syntax.Match(subject=subject, cases=cases):
                self._line(f"match {self._named(subject)}:")
                self._depth += 1
                for case in cases:
                    guard = f" if {self._named(case.guard)}" if case.guard is not None else ""
                    self._block(f"case {_pattern(case.pattern)}{guard}", case.body)
                self._depth -= 1
            case syntax.RefusedStatement(construct=construct):
                raise ValueError(f"the tree does not hold the text of {construct}")
            case _:
                assert_never(statement)


def _imported(item: syntax.ImportedName, default: str) -> str:
    return item.name if item.variable == default else f"{item.name} as {item.variable}"


# --- patterns


def _pattern(pattern: syntax.Pattern) -> str:
    """Return a pattern as it stands behind `case`, in a sequence or in a mapping."""
    match pattern:
        case syntax.ValuePattern(value=value):
            return Expressions().at(Level.ITEMS, value)
        case syntax.CapturePattern(name=name):
            return _captured(name)
        case syntax.StarPattern(name=name):
            return f"*{_captured(name)}"
        case syntax.AsPattern(pattern=inner, name=name):
            return f"{_grouped(inner, syntax.AsPattern)} as {name.id}"
        case syntax.OrPattern(alternatives=alternatives):
            return " | ".join([_grouped(inner, syntax.AsPattern | syntax.OrPattern) for inner in alternatives])
        case syntax.SequencePattern(items=items):
            return f"[{', '.join([_pattern(item) for item in items])}]"
        case syntax.MappingPattern(entries=entries, rest=rest):
            written = [f"{Expressions().at(Level.ITEMS, key)}: {_pattern(inner)}" for key, inner in entries]
            return f"{{{', '.join([*written, *([f'**{rest.id}'] if rest is not None else [])])}}}"
        case _:
            assert_never(pattern)


def _captured(name: syntax.Name | None) -> str:
    return name.id if name is not None else "_"


def _grouped(pattern: syntax.Pattern, kinds: type | UnionType) -> str:
    """Return a pattern, in brackets where it is one of `kinds`."""
    text = _pattern(pattern)
    return f"({text})" if isinstance(pattern, kinds) else text
