"""Builds the patterns of `case` while the parser reduces: one method for each rule of the grammar."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from dispatcher.lang import syntax
from dispatcher.lang.expression_builder import Child, ExpressionBuilder, identifier, nodes, variable
from dispatcher.lang.layout import LayoutToken
from dispatcher.lang.scopes import captured_names
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr
from dispatcher.lang.tree_checks import BuildError

WILDCARD = "_"
# What Python makes of a pattern grows with the names times the parts.
MAX_CAPTURES = 50


class _Patterns(NamedTuple):
    """What stands between commas, and whether there is a comma at all."""

    items: tuple[Any, ...]
    comma: bool
    start: int
    end: int


class PatternBuilder(ExpressionBuilder):
    """Callbacks for patterns."""

    def patterns(self, parts: list[Child], start: int, end: int) -> _Patterns:
        """Keep the items; what is around them tells what they are."""
        items = tuple(part for part in parts if not isinstance(part, LayoutToken))
        stars = [item for item in items if isinstance(item, syntax.StarPattern)]
        if len(stars) > 1:
            raise BuildError("invalid-pattern", "only one part of a sequence can have a `*`", stars[1].span)
        return _Patterns(items, len(items) < len(parts), start=start, end=end)

    def star_pattern(self, parts: list[Child], start: int, end: int) -> syntax.StarPattern:
        """Build a StarPattern."""
        return syntax.StarPattern(_captured(parts[1]), start=start, end=end)

    def as_pattern(self, parts: list[Child], start: int, end: int) -> syntax.AsPattern:
        """Build an AsPattern."""
        return syntax.AsPattern(parts[0], _variable(parts[2]), start=start, end=end)

    def or_pattern(self, parts: list[Child], start: int, end: int) -> syntax.OrPattern:
        """Build an OrPattern."""
        return syntax.OrPattern(tuple(nodes(parts)), start=start, end=end)

    def capture_pattern(self, parts: list[Child], start: int, end: int) -> syntax.CapturePattern:
        """Build a CapturePattern."""
        return syntax.CapturePattern(_captured(parts[0]), start=start, end=end)

    def dotted_pattern(self, parts: list[Child], _start: int, _end: int) -> syntax.ValuePattern:
        """Build a ValuePattern of a module's constant."""
        names = [part for part in parts if part.type == "NAME"]
        value: Expr = variable(names[0])
        for name in names[1:]:
            value = syntax.Attribute(value, identifier(name), start=names[0].start, end=name.end)
        return syntax.ValuePattern(value, start=value.start, end=value.end)

    def bracket_pattern(self, parts: list[Child], start: int, end: int) -> syntax.Pattern:
        """Build a SequencePattern; round brackets around one pattern without a comma only group it."""
        inner = parts[1] if isinstance(parts[1], _Patterns) else _Patterns((), comma=False, start=start, end=end)
        grouped = parts[0].text == "(" and len(inner.items) == 1 and not inner.comma
        if grouped and not isinstance(inner.items[0], syntax.StarPattern):
            return cast("syntax.Pattern", inner.items[0])
        if grouped:
            raise BuildError(
                "unexpected-token", "`*` needs square brackets or a comma", inner.items[0].span, "write `[*rest]`"
            )
        return syntax.SequencePattern(inner.items, start=start, end=end)

    def mapping_pattern(self, parts: list[Child], start: int, end: int) -> syntax.MappingPattern:
        """Build a MappingPattern; `**rest` comes last."""
        entries: list[tuple[Expr, syntax.Pattern]] = []
        rest: syntax.Name | None = None
        for part in parts:
            if rest is not None and (type(part) is tuple or isinstance(part, syntax.Name)):
                span = part.span if isinstance(part, syntax.Name) else part[0].span
                raise BuildError("invalid-pattern", "nothing can follow `**` in a mapping pattern", span)
            if isinstance(part, syntax.Name):
                rest = part
            elif type(part) is tuple:
                entries.append(part)
        return syntax.MappingPattern(tuple(entries), rest, start=start, end=end)

    def entry_pattern(self, parts: list[Child], _start: int, _end: int) -> tuple[Expr, syntax.Pattern] | syntax.Name:
        """Return key and pattern, or the name behind `**`."""
        if len(parts) == 3:
            return cast("syntax.ValuePattern", parts[0]).value, parts[2]
        return _variable(parts[1])

    def number_pattern(self, parts: list[Child], start: int, end: int) -> syntax.ValuePattern:
        """Build a ValuePattern of a number."""
        value = self.number(parts[-1:], start, end)
        if len(parts) > 1:
            value = syntax.UnaryOperation("-", value, start=start, end=end)
        return syntax.ValuePattern(value, start=start, end=end)

    def text_pattern(self, parts: list[LayoutToken], start: int, end: int) -> syntax.ValuePattern:
        """Build a ValuePattern of text."""
        value = self.text(parts, start, end)
        if isinstance(value, syntax.FormattedString):
            raise BuildError(
                "invalid-pattern", "a pattern cannot be an f-string", value.span, "capture a name and test it with `if`"
            )
        return syntax.ValuePattern(value, start=start, end=end)

    def constant_pattern(self, parts: list[Child], start: int, end: int) -> syntax.ValuePattern:
        """Build a ValuePattern of None, True or False."""
        return syntax.ValuePattern(self.constant(parts, start, end), start=start, end=end)

    def class_argument(self, parts: list[Child], _start: int, _end: int) -> Child:
        """Keep the pattern, though what it is part of is refused."""
        return parts[-1]

    def class_arguments(self, parts: list[Child], _start: int, _end: int) -> list[Child]:
        """Keep the patterns, though what they are part of is refused."""
        return parts

    def refused_class_pattern(self, _parts: list[Child], start: int, end: int) -> syntax.Pattern:
        """Refuse a pattern that names a type."""
        raise BuildError(
            "unsupported-syntax",
            "rules have no class patterns",
            Span(start, end),
            "write `case value if isinstance(value, str):`",
        )

    def refused_complex(self, _parts: list[Child], start: int, end: int) -> syntax.Pattern:
        """Refuse a sum, which can only be a complex number."""
        raise BuildError(
            "unsupported-syntax",
            "rules have no complex numbers, and patterns no sums",
            Span(start, end),
            "write the sum",
        )


def whole_pattern(found: _Patterns) -> syntax.Pattern:
    """Return the pattern of a `case`, with few enough names."""
    pattern = _whole(found)
    names = {name.id: name for name in captured_names(pattern)}
    if len(names) > MAX_CAPTURES:
        *_, last = names.values()
        advice = "capture a whole list or dict, and take its parts in the block"
        raise BuildError("too-large", f"a pattern sets more than {MAX_CAPTURES} names", last.span, advice)
    return pattern


def _whole(found: _Patterns) -> syntax.Pattern:
    # With a comma it is a sequence.
    if found.comma:
        return syntax.SequencePattern(found.items, start=found.start, end=found.end)
    (only,) = found.items
    if isinstance(only, syntax.StarPattern):
        raise BuildError("unexpected-token", "`*` needs brackets or a comma", only.span, "write `[*rest]`")
    return cast("syntax.Pattern", only)


def _captured(token: LayoutToken) -> syntax.Name | None:
    name = identifier(token)
    return None if name == WILDCARD else syntax.Name(name, start=token.start, end=token.end)


def _variable(token: LayoutToken) -> syntax.Name:
    name = _captured(token)
    if name is None:
        raise BuildError("invalid-pattern", "`_` cannot be set here", token.span, "choose a name")
    return name
