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
        """Return what binds a variable that a pattern captured, and is true."""
        variable = self._ticket_variable(name)
        value = self._name(temporary)
        if variable is not None:
            value = self._logged(variable, value)
        write = self._bind_inside(self._of_file(name), value)
        return ast.Compare(write, [ast.Is()], [self._name(temporary)], **self._place)

    def _pattern(self, pattern: syntax.Pattern, kept: dict[str, str]) -> ast.pattern:
        """Translate a pattern; what a pattern cannot bind is captured by temporaries, which `kept` tells."""
        outside = self._place
        self._at(pattern)
        node = self._translated_pattern(pattern, kept)
        self._place = outside
        return node

    def _translated_pattern(self, pattern: syntax.Pattern, kept: dict[str, str]) -> ast.pattern:
        match pattern:
            case syntax.ValuePattern(value=value):
                literal = self._literal(value)
                if literal is None or isinstance(literal, bool):
                    return ast.MatchSingleton(literal, **self._place)
                return ast.MatchValue(self._constant(literal), **self._place)
            case syntax.CapturePattern(name=name):
                return ast.MatchAs(None, self._capture(name, kept), **self._place)
            case syntax.AsPattern(pattern=inner, name=captured):
                return ast.MatchAs(self._pattern(inner, kept), self._capture(captured, kept), **self._place)
            case syntax.OrPattern(alternatives=alternatives):
                return ast.MatchOr([self._pattern(inner, kept) for inner in alternatives], **self._place)
            case syntax.SequencePattern(items=items):
                return ast.MatchSequence([self._pattern(item, kept) for item in items], **self._place)
            case syntax.StarPattern(name=name):
                return ast.MatchStar(self._capture(name, kept), **self._place)
            case syntax.MappingPattern(entries=entries, rest=rest):
                keys: list[ast.expr] = [self._constant(self._literal(key)) for key, _ in entries]
                patterns = [self._pattern(inner, kept) for _, inner in entries]
                return ast.MatchMapping(keys, patterns, self._capture(rest, kept), **self._place)
            case _:
                assert_never(pattern)

    def _capture(self, name: syntax.Name | None, kept: dict[str, str]) -> str | None:
        if name is None:
            return None
        if self._ticket_variable(name.id) is None and (variable := self._binding_name(name.id)) is not None:
            return variable
        return kept.setdefault(name.id, self._temporary())

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
