"""What a check of names adds to its diagnostics, as text."""

from __future__ import annotations

from dispatcher.lang.records import dataclass, field
from dispatcher.render.text import Line, count


@dataclass(slots=True)
class Summary:
    """What was looked up and where, and what was written; `broken` rule sets have errors and were left out."""

    place: str
    files: int = 0
    broken: int = 0
    values: int = 0
    tickets: int | None = None
    written: list[str] = field(default_factory=list)


def summary(found: Summary, *, clean: bool) -> list[Line]:
    """Return how much was looked up, and what was written."""
    lines: list[Line] = []
    if found.files:
        tickets = f", and those of {count(found.tickets, 'past ticket')}" if found.tickets is not None else ""
        values = f"{count(found.values, 'value')} of {count(found.files, 'file')}{tickets}"
        lines.append([("dim", f"{values} looked up in {found.place}" + (": no problems" if clean else ""))])
    if found.broken:
        lines.append([("dim", "names are looked up in rules without errors; put these right first")])
    return [*lines, *([("dim", text)] for text in found.written)]
