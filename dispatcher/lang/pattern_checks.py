"""What Python forbids of the patterns of a `match` though its grammar lets it through."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.lang import syntax
from dispatcher.lang.scopes import captured_names
from dispatcher.lang.source import Span

# Code, message, place and help of a diagnostic.
Problem = tuple[str, str, Span, str | None]


def unreachable_cases(cases: tuple[syntax.Case, ...]) -> Iterator[Problem]:
    """Yield a problem for each case that keeps those behind it from ever matching."""
    for case in cases[:-1]:
        if case.guard is None and _always_matches(case.pattern):
            yield (
                "invalid-pattern",
                "this case always matches, so those behind it never do",
                case.pattern.span,
                "move it to the end, or add a condition: `case value if ...:`",
            )


def pattern_problems(pattern: syntax.Pattern) -> Iterator[Problem]:
    """Yield what is wrong inside one pattern."""
    seen: set[str] = set()
    for name in _names_once(pattern):
        if name.id in seen:
            yield "invalid-pattern", f"`{name.id}` is set twice in one pattern", name.span, "choose another name"
        seen.add(name.id)
    pending: list[syntax.Node] = [pattern]
    while pending:
        current = pending.pop()
        pending.extend(syntax.children(current))
        if isinstance(current, syntax.OrPattern):
            yield from _alternatives(current)
        elif isinstance(current, syntax.MappingPattern):
            yield from _keys(current)


def _names_once(pattern: syntax.Node) -> Iterator[syntax.Name]:
    """Yield the names that a pattern binds, those of alternatives once."""
    if isinstance(pattern, syntax.OrPattern):
        yield from _names_once(pattern.alternatives[0])
    elif isinstance(pattern, syntax.Name):
        yield pattern
    elif not isinstance(pattern, syntax.ValuePattern):
        for child in syntax.children(pattern):
            # The keys of a mapping are names of modules, if names at all.
            if isinstance(child, syntax.Name) or child.__class__ in _PATTERNS:
                yield from _names_once(child)


_PATTERNS = (
    syntax.CapturePattern,
    syntax.AsPattern,
    syntax.OrPattern,
    syntax.SequencePattern,
    syntax.StarPattern,
    syntax.MappingPattern,
)


def _alternatives(pattern: syntax.OrPattern) -> Iterator[Problem]:
    for alternative in pattern.alternatives[:-1]:
        if _always_matches(alternative):
            message = "this alternative always matches, so those behind it never do"
            yield "invalid-pattern", message, alternative.span, "move it to the end"
    names = [{name.id for name in captured_names(alternative)} for alternative in pattern.alternatives]
    for alternative, bound in zip(pattern.alternatives, names, strict=True):
        if bound != names[0]:
            message = "the alternatives of a pattern must set the same names"
            yield "invalid-pattern", message, alternative.span, "write a `case` for each"
            return


def _keys(pattern: syntax.MappingPattern) -> Iterator[Problem]:
    seen: set[object] = set()
    for key, _ in pattern.entries:
        value = key
        sign = 1
        if isinstance(value, syntax.UnaryOperation):
            value, sign = value.operand, -1
        if not isinstance(value, syntax.Constant):
            continue
        literal = value.value if isinstance(value.value, str | None) else sign * value.value
        if literal in seen:
            yield "invalid-pattern", "a mapping pattern names this key twice", key.span, "remove one of them"
        seen.add(literal)


def _always_matches(pattern: syntax.Node) -> bool:
    match pattern:
        case syntax.CapturePattern():
            return True
        case syntax.AsPattern(pattern=inner):
            return _always_matches(inner)
        case syntax.OrPattern(alternatives=alternatives):
            return _always_matches(alternatives[-1])
        case _:
            return False
