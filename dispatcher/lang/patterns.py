"""Patterns of `case` -> Python `ast` nodes."""

from __future__ import annotations

import ast
from typing import assert_never

from dispatcher.lang import syntax
from dispatcher.lang.expressions import ExpressionCompiler
from dispatcher.lang.syntax import Expr


class PatternCompiler(ExpressionCompiler):
    """Translates patterns; what they compare with are constants."""

    def _captured(self, name: str, temporary: str) -> ast.expr:
        """Return what writes a ticket variable that a pattern captured, and is true."""
        variable = self._ticket_variable(name) or name
        value = self._call(".logged", self._name(".log"), self._constant(self._write(variable)), self._name(temporary))
        write = ast.NamedExpr(ast.Name(self._of_file(variable), ast.Store(), **self._place), value, **self._place)
        return ast.Compare(write, [ast.Is()], [self._name(temporary)], **self._place)

    def _pattern(self, pattern: syntax.Pattern, logged: dict[str, str]) -> ast.pattern:
        """Translate a pattern; names that are ticket variables are captured by temporaries, which `logged` tells."""
        outside = self._place
        self._at(pattern)
        node = self._translated_pattern(pattern, logged)
        self._place = outside
        return node

    def _translated_pattern(self, pattern: syntax.Pattern, logged: dict[str, str]) -> ast.pattern:
        match pattern:
            case syntax.ValuePattern(value=value):
                literal = self._literal(value)
                if literal is None or isinstance(literal, bool):
                    return ast.MatchSingleton(literal, **self._place)
                return ast.MatchValue(self._constant(literal), **self._place)
            case syntax.CapturePattern(name=name):
                return ast.MatchAs(None, self._capture(name, logged), **self._place)
            case syntax.AsPattern(pattern=inner, name=captured):
                return ast.MatchAs(self._pattern(inner, logged), self._capture(captured, logged), **self._place)
            case syntax.OrPattern(alternatives=alternatives):
                return ast.MatchOr([self._pattern(inner, logged) for inner in alternatives], **self._place)
            case syntax.SequencePattern(items=items):
                return ast.MatchSequence([self._pattern(item, logged) for item in items], **self._place)
            case syntax.StarPattern(name=name):
                return ast.MatchStar(self._capture(name, logged), **self._place)
            case syntax.MappingPattern(entries=entries, rest=rest):
                keys: list[ast.expr] = [self._constant(self._literal(key)) for key, _ in entries]
                patterns = [self._pattern(inner, logged) for _, inner in entries]
                return ast.MatchMapping(keys, patterns, self._capture(rest, logged), **self._place)
            case _:
                assert_never(pattern)

    def _capture(self, name: syntax.Name | None, logged: dict[str, str]) -> str | None:
        if name is None:
            return None
        if self._ticket_variable(name.id) is None:
            return self._resolved(name.id)
        return logged.setdefault(name.id, self._temporary())

    def _literal(self, value: Expr) -> int | float | str | bool | None:
        """Return what a pattern compares with."""
        match value:
            case syntax.Constant(value=literal):
                return literal
            case syntax.UnaryOperation(operand=syntax.Constant(value=int() | float() as number)):
                return -number
            case syntax.Attribute():
                return self._checked.constants[value.start]
            case _:
                raise AssertionError("the parser and the checker refuse it")


def copies(pattern: syntax.Node) -> int:
    """Return how many parts of a pattern copy what they match."""
    own = isinstance(pattern, syntax.StarPattern | syntax.SequencePattern) or (
        isinstance(pattern, syntax.MappingPattern) and pattern.rest is not None
    )
    return own + sum(copies(child) for child in syntax.children(pattern))
