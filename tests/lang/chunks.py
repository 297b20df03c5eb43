"""Reads the chunked files of cases/: small rule files with the diagnostics that they earn.

Chunks are split by lines `---` and begin with a comment that is their title. What a line earns stands behind it:

    team = tema  # error: [unknown-name] nothing is called `tema` | did you mean `team`?

Behind ` | ` stands the help, if there is any; a second diagnostic of the line follows in the same form. Where a
comment behind the line would be part of a text, it stands above it: `#v error: ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dispatcher import Diagnostic

CASES = Path(__file__).parent / "cases"

_DIVIDER = "---\n"
_NOTE = re.compile(r" *# (error|warning): \[([a-z-]+)\] (.*?)(?= +# (?:error|warning): \[|$)")
_ABOVE = "#v "


@dataclass(frozen=True, slots=True)
class Chunk:
    """One rule file with its notes."""

    file: str
    text: str

    @property
    def expected(self) -> list[str]:
        """The diagnostics that the notes say, in order."""
        found = []
        for number, line in enumerate(self.text.split("\n"), 1):
            above = line.startswith(_ABOVE)
            for severity, code, rest in _NOTE.findall("# " + line.removeprefix(_ABOVE) if above else line):
                found.append(f"{number + above}: {severity}: [{code}] {rest}")
        return found

    @property
    def plain(self) -> str:
        """The rules without their notes."""
        return "\n".join(_NOTE.sub("", line) for line in self.text.split("\n") if not line.startswith(_ABOVE))

    def with_notes(self, found: Iterable[Diagnostic]) -> Chunk:
        """Return the chunk with these diagnostics of its plain text as notes."""
        lines = self.plain.split("\n")
        for problem in sorted(found, key=lambda problem: problem.line, reverse=True):
            if problem.code == "unterminated-text":
                lines.insert(problem.line - 1, _ABOVE + note(problem))
            else:
                lines[problem.line - 1] += "  # " + note(problem)
        return Chunk(self.file, "\n".join(lines))

    def __str__(self) -> str:
        title = self.text.partition("\n")[0]
        return f"{self.file}: {title.lstrip('# ').rstrip('.')}"


def note(problem: Diagnostic) -> str:
    """Return a diagnostic as the notes say it."""
    text = f"{problem.severity}: [{problem.code}] {problem.message}"
    return f"{text} | {problem.help}" if problem.help else text


def read_chunks() -> list[Chunk]:
    """Return the chunks of all files."""
    return [chunk for path in sorted(CASES.glob("*.rules")) for chunk in read_file(path)]


def read_file(path: Path) -> list[Chunk]:
    """Return the chunks of one file."""
    return [Chunk(path.stem, text) for text in path.read_bytes().decode("utf-8").split(_DIVIDER)]


def write_file(path: Path, chunks: Iterable[Chunk]) -> None:
    """Write chunks to a file."""
    path.write_bytes(_DIVIDER.join(chunk.text for chunk in chunks).encode("utf-8"))
