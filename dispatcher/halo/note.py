"""The private note: where a ticket came from, and why it is filed as it is.

Pure. One list of sections, two renderings: HTML for Halo, plain text for dry runs.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The line by which a note is found again; Halo keeps the text of notes, but no field for keys of ours.
MARKER = "dispatcher-reference:"
LONGEST_VALUE = 300
LONGEST_TEXT = 10_000
LONGEST_NOTE = 60_000
MOST_ROWS = 50
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)

_WHO = (
    ("Name", "name"),
    ("E-mail", "email"),
    ("Business", "business_name"),
    ("Host name", "hostname"),
    ("IP address", "ip"),
    ("MAC address", "mac"),
)


_ERRORS, _REMARKS, _ADDED = "[Submission Errors]", "Remarks", "Added by Scripts and Rules"
# The shortest room for which a row is cut, in characters of HTML, and for which a cell is.
_SHORTEST_ROW, _SHORTEST_CELL = 300, 20
_CUT = " … [cut]"


@dataclass(frozen=True, slots=True)
class SubmissionError:
    """A value that could not be filed. `replacement` was filed instead; None: what Halo itself puts there."""

    variable: str
    value: Any
    reason: str
    replacement: Any = None


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the note: a title over a table; a row of one cell is a line of text."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    header: tuple[str, ...] = ()


def sections(
    ticket: Mapping[str, Any],
    decision: Mapping[str, Any],
    submission_errors: Sequence[SubmissionError] = (),
    remarks: Sequence[str] = (),
    reference: str | None = None,
) -> list[Section]:
    """The note's parts in reading order, without those that have nothing to say."""
    parts = (
        _report(ticket, reference),
        _rules(decision),
        _changes(decision),
        _faults(decision),
        _submission_errors(submission_errors),
        Section(_REMARKS, tuple((remark,) for remark in remarks)),
        _unused(ticket, decision),
        _added(decision),
    )
    return [part for part in parts if part.rows]


def to_html(parts: Iterable[Section], longest: int = LONGEST_NOTE) -> str:
    """The note as Halo shows it, in no more than `longest` characters.

    The longest rows are cut first. Where that is not enough, rows are left out and counted: the marker never, and
    what could not be filed last.
    """
    parts = list(parts)
    room = longest - sum(len(_html_section(part, ())) + len(_html_left_out(len(part.rows))) for part in parts)
    rows = [(part, number) for part in parts for number in range(len(part.rows))]
    rows.sort(key=lambda row: _importance(*row))
    limit = max(_level([len(_html_row("td", part.rows[number])) for part, number in rows], room), _SHORTEST_ROW)
    kept: dict[str, dict[int, str]] = {part.title: {} for part in parts}
    for part, number in rows:
        html_row = _html_row("td", _cut_row(part.rows[number], min(limit, room)))
        if len(html_row) <= room:
            kept[part.title][number] = html_row
            room -= len(html_row)
    return "".join(
        _html_section(
            part, (*(row for _, row in sorted(html_rows.items())), _html_left_out(len(part.rows) - len(html_rows)))
        )
        for part in parts
        for html_rows in (kept[part.title],)
    )


def to_text(parts: Iterable[Section]) -> str:
    """The note as lines of text."""
    return "\n\n".join(
        "\n".join((part.title, *(_text_row(row) for row in (part.header, *part.rows) if row))) for part in parts
    )


def carries_reference(note: str, reference: str) -> bool:
    """Whether a note read back from Halo, as text or HTML, is the one with this reference."""
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", note)).split())
    return re.search(rf"{MARKER}\s*{re.escape(reference)}(?![\w.-])", words) is not None


def shown(value: Any, longest: int = LONGEST_VALUE) -> str:
    """A value as readers see it: text as it is, the rest as in a rule; long ones are cut, and say so."""
    if isinstance(value, str):
        text = value or "''"
    elif isinstance(value, list | dict):
        text = _JSON.encode(value)
    else:
        text = repr(value)
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … [cut: {len(text) - longest} of {len(text)} characters are not shown]"


def _report(ticket: Mapping[str, Any], reference: str | None) -> Section:
    selections = ticket.get("selections")
    if isinstance(selections, list | tuple):
        selections = "\n".join(map(str, selections))
    rows = [(label, shown(ticket[key]).strip()) for label, key in _WHO if ticket.get(key)]
    if selections:
        rows.append(("Selections", shown(selections, LONGEST_TEXT)))
    marked = [(f"{MARKER} {reference}",)] if reference else []
    return Section("Report Summary", (*rows, *marked))


def _rules(decision: Mapping[str, Any]) -> Section:
    fired = decision.get("fired") or []
    rows = [(_place(rule), shown(rule.get("title") or "(no title)")) for rule in fired]
    revision = (f"Rules revision {str(decision.get('revision', ''))[:12]}".rstrip(),)
    return Section("Rules", (*_first(rows or [("No rule fired.",)]), revision))


def _changes(decision: Mapping[str, Any]) -> Section:
    rows = [
        (str(change["variable"]), shown(change["old"]), shown(change["new"]), _place(change))
        for change in decision.get("changes") or []
    ]
    return Section("Changes", _first(rows), ("Variable", "From", "To", "Rule"))


def _faults(decision: Mapping[str, Any]) -> Section:
    rows = [
        (_place(fault), f"This rule was left out. {fault['type']}: {shown(fault['message'])}")
        for fault in decision.get("faults") or []
    ]
    return Section("Rules with Faults", _first(rows))


def _submission_errors(errors: Sequence[SubmissionError]) -> Section:
    rows = [
        (
            error.variable,
            shown(error.value),
            shown(error.reason, LONGEST_TEXT),
            "Halo's default" if error.replacement is None else shown(error.replacement),
        )
        for error in errors
    ]
    return Section(_ERRORS, tuple(rows), ("Field", "Value", "Reason", "Filed Instead"))


def _unused(ticket: Mapping[str, Any], decision: Mapping[str, Any]) -> Section:
    rows = [(shown(key), shown(ticket.get(key))) for key in decision.get("unused_keys") or []]
    return Section("Further Values of the Ticket", _first(rows))


def _added(decision: Mapping[str, Any]) -> Section:
    text = (decision.get("action_variables") or {}).get("priv_append")
    return Section(_ADDED, ((shown(text, LONGEST_TEXT),),) if text else ())


def _place(item: Mapping[str, Any]) -> str:
    return f"{item.get('file', '')}:{item.get('line', '')}"


def _first(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    left_out = len(rows) - MOST_ROWS
    return (*rows[:MOST_ROWS], (f"… and {left_out} more",)) if left_out > 0 else tuple(rows)


def _importance(part: Section, number: int) -> int:
    """Which rows a long note keeps before others: lower is more important."""
    if part.rows[number][0].startswith(MARKER):
        return 0
    return {_ERRORS: 1, _REMARKS: 2, _ADDED: 3}.get(part.title, 4)


def _level(lengths: Sequence[int], room: int) -> int:
    """To how many characters the longest must be cut, so that all have room; all of it when nothing must."""
    left = room
    for number, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - number)
        if length > share:
            return share
        left -= length
    return room


def _cut_row(cells: Sequence[str], longest: int) -> Sequence[str]:
    """The row with its longest cells cut, so that its HTML has the room, unless that is too short for any."""
    lengths = [len(_escaped(cell)) for cell in cells]
    room = longest - len(_html_row("td", [""] * len(cells)))
    if sum(lengths) <= room:
        return cells
    level = max(_level(lengths, room), _SHORTEST_CELL)
    return [_cut(cell, level) if length > level else cell for cell, length in zip(cells, lengths, strict=True)]


def _cut(text: str, room: int) -> str:
    """The beginning of a text whose HTML has the room."""
    left = room - len(_CUT)
    for end, sign in enumerate(text):
        left -= len(_escaped(sign))
        if left < 0:
            return text[:end] + _CUT
    return text


def _html_section(part: Section, rows: Sequence[str]) -> str:
    header = _html_row("th", part.header) if part.header else ""
    return f"<h4>{_escaped(part.title)}</h4><table>{header}{''.join(rows)}</table>"


def _html_left_out(rows: int) -> str:
    return _html_row("td", (f"[cut: {rows} more, which dispatcher keeps]",)) if rows else ""


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{_escaped(cell)}</{tag}>" for cell in cells) + "</tr>"


def _text_row(cells: Sequence[str]) -> str:
    return "  " + " | ".join(cells).replace("\n", "\n    ")


def _escaped(text: str) -> str:
    return html.escape(text).replace("\r\n", "\n").replace("\r", "\n").replace("\n", "<br>")
