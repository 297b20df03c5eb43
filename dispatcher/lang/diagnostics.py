"""Diagnostic: one problem in a rule file, as data."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from dispatcher.lang.codes import CODES, Severity
from dispatcher.lang.records import dataclass
from dispatcher.lang.repairs import Repair, repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dispatcher.lang.repairs import Help
    from dispatcher.lang.source import Source, Span


# Diagnostics of one file that are reported at the most.
MAX_DIAGNOSTICS = 100
# Longest piece of a source line that a diagnostic carries.
EXCERPT = 160
# Names that an unknown one is compared with, at about 5 us each, or 40 us where they are alike.
MAX_COMPARED = 400
# A word that is longer than any that a person types; messages repeat its beginning.
_LONG_WORD = re.compile(r"(\S{60})\S{20,}")
# What would act on a terminal instead of being shown, turn the text around it, or fit no file.
_UNSHOWN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that takes the place of a piece of the file. Lines and columns count from 1; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the edit as JSON data."""
        return {
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. Lines and columns count from 1; the end is exclusive.

    `edits` do what the help says; there are none where that depends on what is meant.
    """

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
    edits: tuple[Edit, ...] = ()

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
            "edits": [edit.to_dict() for edit in self.edits],
        }


def diagnostic(
    source: Source,
    code: str,
    message: str,
    span: Span,
    help: Help | None = None,  # noqa: A002 - the field's name
    *,
    severity: Severity | None = None,
) -> Diagnostic:
    """Return the Diagnostic of `code` at `span`; its severity is given for a code that is not of the language."""
    words, changes = help if isinstance(help, Repair) else (help, ())
    line, column = source.position(span.start)
    end_line, end_column = source.position(max(span.start, span.end))
    text = source.line(line)
    cut = max(0, column - EXCERPT // 2) if len(text) > EXCERPT else 0
    return Diagnostic(
        code=code,
        severity=severity or CODES[code].severity,
        message=_shown(message),
        filename=source.filename,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        help=_shown(words) if words is not None else None,
        excerpt=_UNSHOWN.sub(_stand_in, text[cut : cut + EXCERPT]),
        excerpt_column=column - cut,
        edits=tuple(_edit(source, place or span, text) for place, text in changes),
    )


def _edit(source: Source, span: Span, text: str) -> Edit:
    return Edit(*source.position(span.start), *source.position(span.end), text)


def _shown(message: str) -> str:
    return _UNSHOWN.sub(_stand_in, _LONG_WORD.sub(r"\1...", message))


def _stand_in(character: re.Match[str]) -> str:
    """Return one character that shows another: the picture of a control character, or the mark of what has none."""
    code = ord(character.group())
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def near_name(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean ..." where a known name is near, else None."""
    found = _nearest(name, known)
    return _meant(found) if found is not None else None


def near_repair(name: str, known: Iterable[str], span: Span | None = None) -> Repair | None:
    """Return the help that writes a near name in the place of one that is unknown; None where none is near."""
    found = _nearest(name, known)
    return repair(_meant(found), found, span) if found is not None else None


def _meant(name: str) -> str:
    return f"did you mean `{name}`?"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # most files have no mistake

    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(candidate.casefold(), candidate)
    # Longer names are typed in no rule, and comparing them takes quadratic time.
    folded = name.casefold()[:80]
    candidates: Iterable[str] = by_folded
    if len(by_folded) > MAX_COMPARED:
        alike = (known for known in by_folded if known[:1] == folded[:1] and abs(len(known) - len(folded)) <= 2)
        candidates = islice(alike, MAX_COMPARED // 8)
    found = get_close_matches(folded, candidates, n=1, cutoff=0.66)
    return by_folded[found[0]] if found else None
