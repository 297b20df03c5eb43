"""Diagnostic: one problem in a rule file, as data; and the table of all codes."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dispatcher.lang.source import Source, Span

Severity = Literal["error", "warning"]

# Longest piece of a source line that a diagnostic carries.
EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Code:
    """What one kind of diagnostic means, with rules that raise it and the same rules put right."""

    severity: Severity
    meaning: str
    bad: str
    good: str


CODES: dict[str, Code] = {
    "unexpected-token": Code("error", "Python's grammar does not allow this here.", "if msg 'x':\n    team = 'A'\n", "if 'x' in msg:\n    team = 'A'\n"),
    "unclosed-bracket": Code("error", "A bracket is opened and never closed.", "team = ('A'\n", "team = ('A')\n"),
    "unmatched-bracket": Code("error", "A closing bracket has no opening one of its kind.", "team = 'A')\n", "team = 'A'\n"),
    "unterminated-text": Code("error", "A text literal is not closed on its line.", "team = 'A\n", "team = 'A'\n"),
    "unknown-character": Code("error", "A character that means nothing in rules, such as a typographic quote.", "team = ‘A’\n", "team = 'A'\n"),
    "unexpected-indentation": Code("error", "A line is indented though no block begins.", "team = 'A'\n  state = 1\n", "team = 'A'\nstate = 1\n"),
    "missing-indentation": Code("error", "A block needs at least one indented line.", "if msg:\nteam = 'A'\n", "if msg:\n    team = 'A'\n"),
    "inconsistent-indentation": Code("error", "A line goes back to a depth that no block has.", "if msg:\n    team = 'A'\n  state = 1\n", "if msg:\n    team = 'A'\nstate = 1\n"),
    "inconsistent-tabs": Code("error", "Tabs and spaces are mixed so that the depth depends on the width of a tab.", "if msg:\n        team = 'A'\n\tstate = 1\n", "if msg:\n\tteam = 'A'\n\tstate = 1\n"),
    "invalid-literal": Code("error", "A number, an escape or an f-string that Python cannot read.", "priority = 007\n", "priority = 7\n"),
    "invalid-target": Code("error", "Only names, items, slices and lists of them can be assigned.", "len(msg) = 1\n", "size = len(msg)\n"),
    "invalid-arguments": Code("error", "The arguments of a call, or the parameters of a function, are in an order that Python forbids.", "print(end='', 'x')\n", "print('x', end='')\n"),
    "misplaced-statement": Code("error", "`break` and `continue` belong into loops, `return` into functions.", "break\n", "for word in msg.split():\n    break\n"),
    "too-large": Code("error", "The file, a line's nesting or a number is beyond the limits of the language.", "x = " + "(" * 150 + "1" + ")" * 150 + "\n", "x = (1)\n"),
    "unsupported-syntax": Code("error", "Python that rules leave out.", "class Rule:\n    pass\n", "def rule():\n    pass\n"),
    "unknown-name": Code("error", "No variable, function or module has this name.", "team = tema\n", "team = 'A'\n"),
    "unknown-function": Code("error", "Rules have no function of this name.", "x = open('file')\n", "x = len('file')\n"),
    "unknown-method": Code("error", "No value in rules has a method or field of this name.", "x = msg.lowercase()\n", "x = msg.lower()\n"),
    "unknown-module": Code("error", "Rules cannot import this module.", "import os\n", "import re\n"),
    "unknown-module-member": Code("error", "The module has no function of this name, or none that rules may use.", "import re\nx = re.serch('a', msg)\n", "import re\nx = re.search('a', msg)\n"),
    "private-name": Code("error", "Names that begin with an underscore are not available.", "x = msg.__class__\n", "x = isinstance(msg, str)\n"),
    "read-only-variable": Code("error", "The variable tells what the sender knows; rules cannot change it.", "email = 'a@example.com'\n", "address = 'a@example.com'\n"),
    "is-with-literal": Code("warning", "`is` beside a literal compares by value here; `==` says so.", "if priority is 0:\n    team = 'A'\n", "if priority == 0:\n    team = 'A'\n"),
}  # fmt: skip


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
    found = get_close_matches(name.casefold()[:80], by_folded, n=1, cutoff=0.7)
    return f"did you mean `{by_folded[found[0]]}`?" if found else None
