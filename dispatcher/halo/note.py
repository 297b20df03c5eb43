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
        Section("Remarks", tuple((remark,) for remark in remarks)),
        _unused(ticket, decision),
        _added(decision),
    )
    return [part for part in parts if part.rows]


def to_html(parts: Iterable[Section]) -> str:
    """The note as Halo shows it."""
    return "".join(
        f"<h4>{_escaped(part.title)}</h4><table>{_html_row('th', part.header) if part.header else ''}"
        f"{''.join(_html_row('td', row) for row in part.rows)}</table>"
        for part in parts
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
    # First of all parts: it must survive wherever a long note is cut.
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
    return Section("[Submission Errors]", tuple(rows), ("Field", "Value", "Reason", "Filed Instead"))


def _unused(ticket: Mapping[str, Any], decision: Mapping[str, Any]) -> Section:
    rows = [(shown(key), shown(ticket.get(key))) for key in decision.get("unused_keys") or []]
    return Section("Further Values of the Ticket", _first(rows))


def _added(decision: Mapping[str, Any]) -> Section:
    text = (decision.get("action_variables") or {}).get("priv_append")
    return Section("Added by Scripts and Rules", ((shown(text, LONGEST_TEXT),),) if text else ())


def _place(item: Mapping[str, Any]) -> str:
    return f"{item.get('file', '')}:{item.get('line', '')}"


def _first(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    left_out = len(rows) - MOST_ROWS
    return (*rows[:MOST_ROWS], (f"… and {left_out} more",)) if left_out > 0 else tuple(rows)


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{_escaped(cell)}</{tag}>" for cell in cells) + "</tr>"


def _text_row(cells: Sequence[str]) -> str:
    return "  " + " | ".join(cells).replace("\n", "\n    ")


def _escaped(text: str) -> str:
    return html.escape(text).replace("\r\n", "\n").replace("\r", "\n").replace("\n", "<br>")
