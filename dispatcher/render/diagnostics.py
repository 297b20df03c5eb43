"""Diagnostics as text: each with its place, the source line, a mark and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.render.text import Line, count

_SEVERITY_STYLE = {"error": "bold red", "warning": "bold yellow", "info": "bold blue"}
_NOUNS = {"error": "error", "warning": "warning", "info": "remark"}


def diagnostics(problems: Sequence[Diagnostic]) -> list[Line]:
    """Return each diagnostic with its place, the source line with a mark below it, and the help; then a count."""
    lines: list[Line] = []
    for problem in problems:
        lines.extend(_diagnostic(problem))
        lines.append([])
    every = [problem.severity for problem in problems]
    counts = [count(every.count(severity), noun) for severity, noun in _NOUNS.items() if severity in every]
    if counts:
        *others, last = counts
        lines.append([("bold", f"{', '.join(others)} and {last}" if others else last)])
    return lines


def _diagnostic(problem: Diagnostic) -> list[Line]:
    style = _SEVERITY_STYLE[problem.severity]
    number = str(problem.line)
    gutter = " " * len(number)
    # A tab of the source stays a tab under it, so that the mark stands below its place.
    before = problem.excerpt[: problem.excerpt_column - 1]
    indent = "".join("\t" if character == "\t" else " " for character in before)
    marked = problem.end_column - problem.column if problem.end_line == problem.line else len(problem.excerpt)
    marks = "^" * max(1, min(marked, len(problem.excerpt) - problem.excerpt_column + 1))
    lines: list[Line] = [
        [(style, f"{problem.severity}[{problem.code}]"), ("bold", f": {problem.message}")],
        [("cyan", f"{gutter}--> "), ("", f"{problem.filename}:{problem.line}:{problem.column}")],
        [("cyan", f"{gutter} |")],
        [("cyan", f"{number} | "), ("", problem.excerpt)],
        [("cyan", f"{gutter} | "), ("", indent), (style, marks)],
    ]
    if problem.help:
        lines.append([("green", "help"), ("", f": {problem.help}")])
    return lines
