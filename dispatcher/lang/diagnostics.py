"""Diagnostic: one problem in a rule file, as data."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from dispatcher.lang.codes import CODES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dispatcher.lang.source import Source, Span


# Diagnostics of one file that are reported at the most.
MAX_DIAGNOSTICS = 100
# Longest piece of a source line that a diagnostic carries.
EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. Lines and columns count from 1; the end is exclusive."""

    code: str
    severity: Severity
    message: str
    filename: str
    line: int
    column: int
    end_line: int
    end_column: int
    help: str | None
    excerpt: str
    excerpt_column: int

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnostic as JSON data."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "file": self.filename,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "help": self.help,
            "source": self.excerpt,
        }


def diagnostic(source: Source, code: str, message: str, span: Span, help: str | None = None) -> Diagnostic:  # noqa: A002 - the field's name
    """Return the Diagnostic of `code` at `span`."""
    line, column = source.position(span.start)
    end_line, end_column = source.position(max(span.start, span.end))
    text = source.line(line)
    cut = max(0, column - EXCERPT // 2) if len(text) > EXCERPT else 0
    return Diagnostic(
        code=code,
        severity=CODES[code].severity,
        message=message,
        filename=source.filename,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        help=help,
        excerpt=text[cut : cut + EXCERPT],
        excerpt_column=column - cut,
    )


def near_name(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean ..." where a known name is near, else None."""
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(candidate.casefold(), candidate)
    # Longer names are typed in no rule, and comparing them takes quadratic time.
    found = get_close_matches(name.casefold()[:80], by_folded, n=1, cutoff=0.66)
    return f"did you mean `{by_folded[found[0]]}`?" if found else None
