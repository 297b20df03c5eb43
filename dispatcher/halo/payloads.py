"""What is sent to Halo for a decided ticket, and its preview.

Pure: no names are looked up here, and neither the HTTP nor the validation library is imported, so that a dry
run can show what would be sent.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.halo import note
from dispatcher.halo.note import SubmissionError
from dispatcher.tickets import subject_of

# The agent of tickets for which none is named. Without any, Halo would assign the API's own login.
UNASSIGNED_ID = 1
LONGEST_SUMMARY = 255
# Longest body, in characters of HTML: with very long ones Halo's gateway stops waiting.
LONGEST_TEXT = note.LONGEST_NOTE
LONGEST_FIELD = 10_000

_BETWEEN = "<br><br>"
# How long a sign becomes in HTML.
_ESCAPED = {sign: len(html.escape(sign)) for sign in "&<>\"'"} | {"\n": len("<br>")}
# What XML, and so HTML, cannot hold; Halo's database does not want it either.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

# Variable -> the name of its value in a preview, in the order of the body. `agent` is never left out.
_PREVIEWED = (
    ("ticketType", "tickettype"),
    ("state", "status"),
    ("priority", "priority"),
    ("team", "team"),
    ("agent", "agent"),
    ("category_1", "category_1"),
    ("category_2", "category_2"),
    ("category_3", "category_3"),
    ("category_4", "category_4"),
    ("impact", "impact"),
    ("urgency", "urgency"),
)


@dataclass(frozen=True, slots=True)
class Content:
    """The words of a ticket, and what of them could not be used."""

    summary: str
    details_html: str
    submission_errors: tuple[SubmissionError, ...]


def preview(ticket: Mapping[str, Any], decision: Mapping[str, Any]) -> dict[str, Any] | None:
    """What would be sent: the ticket, names where Halo gets ids, and the note as text; None when refused."""
    if decision.get("refused"):
        return None
    variables = decision["action_variables"]
    words = content(ticket, variables)
    body = {
        "summary": words.summary,
        "details_html": words.details_html or None,
        **{name: None if is_unset(variables.get(key)) else variables[key] for key, name in _PREVIEWED},
        "customfields": custom_fields(variables.get("customfield")) or None,
        "user": text_of(ticket.get("email")) or None,
        "asset": text_of(ticket.get("hostname")) or None,
    }
    if body["agent"] is None:
        body["agent"] = "Unassigned"
    parts = note.sections(ticket, decision, words.submission_errors)
    return {"ticket": _sendable(body), "note": note.to_text(parts)}


def ticket_body(
    reference: str,
    words: Content,
    fields: Mapping[str, Any],
    *,
    client_id: int | None,
    site_id: int | None,
    user_id: int | None,
    asset_id: int | None,
    user_name: str = "",
    source: int | None = None,
    novalidate: bool = False,
    dont_do_rules: bool = False,
    find_by: str = "third_party_id_string",
) -> dict[str, Any]:
    """The object of `POST /Tickets`; `fields` are Halo's own, with the ids that the variables came to.

    Our reference is in `third_party_id_string`, and in the field by which the ticket will be found.
    """
    body = {
        "summary": marked(words.summary, reference) if find_by == "summary" else words.summary,
        "details_html": words.details_html or None,
        **fields,
        "agent_id": UNASSIGNED_ID if fields.get("agent_id") is None else fields["agent_id"],
        "client_id": client_id,
        "site_id": site_id,
        "user_id": user_id,
        "users_name": user_name if user_id is None and user_name else None,
        "assets": None if asset_id is None else [{"id": asset_id}],
        "third_party_id_string": reference,
        "client_reference": reference if find_by == "client_reference" else None,
        "source": source,
        "_novalidate": novalidate or None,
        "dont_do_rules": dont_do_rules or None,
    }
    return _sendable(body)


def update_body(
    ticket_id: int, variables: Mapping[str, Any], words: Content, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """The object of `POST /Tickets` that changes one ticket: Halo leaves the fields as they are that do not go out."""
    says = {name: _is_text(value) and not is_unset(value) for name, value in variables.items()}
    body = {
        "id": ticket_id,
        "summary": words.summary if says.get("subject") else None,
        "details_html": words.details_html if says.get("msg") else None,
        **fields,
    }
    return _sendable(body)


def note_body(ticket_id: int, outcome: Mapping[str, Any], note_html: str) -> dict[str, Any]:
    """The object of `POST /Actions` for a private note; `outcome` gives either `outcome_id` or `outcome`."""
    body = {
        "ticket_id": ticket_id,
        **outcome,
        "hiddenfromuser": True,
        "sendemail": False,
        "note_html": note_html,
    }
    return _sendable(body)


def content(
    ticket: Mapping[str, Any],
    variables: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    *,
    reference: str = "",
    longest: int = LONGEST_TEXT,
    longest_summary: int = LONGEST_SUMMARY,
) -> Content:
    """Title and body of the ticket, escaped for HTML; a body longer than `longest` is cut and says so.

    What is no text where text is wanted is replaced by its default, else by what the ticket came with.
    """
    errors: list[SubmissionError] = []

    def words(variable: str, received: str) -> str:
        value = variables.get(variable)
        if _is_text(value):
            return text_of(value)
        default = (defaults or {}).get(variable)
        replacement = text_of(default) or received
        errors.append(SubmissionError(variable, value, f"a {type(value).__name__} is no text", replacement))
        return replacement

    message = words("msg", text_of(ticket.get("msg") or ticket.get("message")))
    append = words("append", text_of(ticket.get("append")))
    begin = subject_of(message) or "(no subject)"
    summary = " ".join(words("subject", begin).split()) or begin
    if len(summary) > longest_summary:
        summary = summary[: longest_summary - 1] + "…"
    # Each may take what the other leaves, and half of the room whatever the other is.
    room = longest - len(_BETWEEN) if message and append else longest
    below = html_within(append, room // 2, "text", reference)
    above = html_within(message, room - len(below), "message", reference)
    below = html_within(append, room - len(above), "text", reference)
    return Content(summary, _BETWEEN.join(part for part in (above, below) if part), tuple(errors))


def html_within(text: str, room: int, kind: str, reference: str = "") -> str:
    """Text as HTML of no more than `room` characters; when it is cut, its last line says so."""
    lines = "\n".join(text.splitlines())
    whole = html_of(lines) if len(lines) <= room else ""
    if whole and len(whole) <= room:
        return whole
    if not lines:
        return ""
    under = f" under {reference}" if reference else ""
    notice = f"[cut: this {kind} has {len(text)} characters; dispatcher keeps the whole{under}]"
    room -= len(html_of(f"\n\n{notice}"))
    end = length = 0
    for end, sign in enumerate(lines):  # noqa: B007 - where it breaks off is the result
        length += _ESCAPED.get(sign, 1)
        if length > room:
            break
    return html_of(f"{lines[:end].rstrip()}\n\n{notice}")


def marked(summary: str, reference: str) -> str:
    """The summary with our reference at its end, by which it is found again."""
    mark = f" [{reference}]"
    room = LONGEST_SUMMARY - len(mark)
    return (summary if len(summary) <= room else f"{summary[: room - 1]}…") + mark


def html_of(text: str) -> str:
    """Text as HTML that shows it, with its line breaks."""
    return html.escape("\n".join(text.splitlines())).replace("\n", "<br>")


def text_of(value: Any) -> str:
    """A value as trimmed text; '' for None and for what is no text."""
    return _storable(str(value)).strip() if _is_text(value) and value is not None else ""


def is_unset(value: Any) -> bool:
    """Whether a variable says nothing, so that Halo's own default applies."""
    return value is None or (isinstance(value, str) and not value.strip()) or value == {}


def custom_fields(value: Any) -> list[dict[str, Any]] | None:
    """The `customfields` of a mapping of id or API name -> value; None for anything but a mapping."""
    if not isinstance(value, Mapping):
        return None
    return [
        {"id": int(key), "value": _field_value(item)}
        if _is_number(key)
        else {"name": name, "value": _field_value(item)}
        for key, item in value.items()
        if item is not None and (name := str(key).strip())
    ]


def _field_value(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_FIELD:
        return note.shown(value, LONGEST_FIELD)
    return value


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_number(key: Any) -> bool:
    return re.fullmatch(r"\s*[0-9]{1,9}\s*", str(key)) is not None


def _sendable(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what is not set, and with text that JSON and Halo can take."""
    return {key: _clean(value) for key, value in body.items() if value is not None}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {_storable(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_clean(item) for item in value]
    return value


def _storable(text: str) -> str:
    if text.isprintable():
        return text
    # Halves of surrogate pairs can come in by JSON escapes, but cannot go out as UTF-8.
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNPRINTABLE.sub("\ufffd", joined)
