"""Audits as text: what rules did on past tickets, and what about that is odd."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from dispatcher.render.text import Line, section, value_text

_SKIPPED = {
    "unreadable": "could not be read",
    "not_kept": "left out: neither decision nor content is kept any more",
    "undated": "left out: no time of arrival is known",
    "revisions": "left out: too many different rules decided those before",
    "beyond_bound": "not looked at: there are too many for one request",
}
_WITHOUT = {
    "same": ("yellow", "leaving it out changes nothing on {tried} tried"),
    "differs": ("", "it is read before: without it, {example} would get {variable} {then} and not {now}"),
    "fails": ("", "it is needed: without it, rules fail"),
    "unknown": ("dim", "not tried out: no such ticket is at hand, the rules have changed, or it took too long"),
}
_SWAPPED = {
    "same": ("dim", "the other way round it ends the same on {tried} tried"),
    "differs": ("yellow", "the other way round, {example} would get {then} and not {now}"),
    "fails": ("", "the other way round, rules fail"),
    "unknown": ("dim", "not tried out: no such ticket is at hand, the rules have changed, or it took too long"),
}


def audit(found: Mapping[str, Any], top: int, width: int | None = None) -> list[Line]:
    """Return an audit as text: `top` entries of each list, and tables whose lines have `width` characters at most."""
    lines = _heading(found)
    if not found["tickets"]:
        return lines
    lines += section("HITS", _hits(found["rules"], top, width))
    idle, refused = found["no_rule_fired"], found["refused"]
    if found["not_fired"]:
        lines += section(f"NOT FIRED, {_count(len(found['not_fired']), 'rule')}", _not_fired(found["not_fired"], top))
    if idle["tickets"]:
        share = _percent(idle["tickets"] / found["tickets"])
        said = f"{share.strip()} of all, not counting rules without a condition; {_examples(idle)}"
        lines += section(f"NO RULE FIRED, {_count(idle['tickets'], 'ticket')}", [[("", said)]])
    lines += _section("ALWAYS OVERWRITTEN", found, "overwritten", _overwritten)
    lines += _section("RULES THAT DISAGREE", found, "pairs", _pair)
    lines += _section("FAULTS", found, "faults", _fault)
    if refused["tickets"]:
        rules = list(_listed(refused["rules"], found, "refused", _counted))
        lines += section(f"REFUSED, {_count(refused['tickets'], 'ticket')}", rules)
    lines += section("SUBMISSION ERRORS", list(_submission_errors(found)))
    lines += _section("GONE FROM THE RULES", found, "gone", _counted)
    return lines


def _heading(found: Mapping[str, Any]) -> list[Line]:
    tickets = _count(found["tickets"], "ticket")
    if not found["tickets"]:
        lines: list[Line] = [[("bold", "no tickets to look at")]]
    else:
        span = f" from {_minute(found['first'])} to {_minute(found['last'])} (UTC)" if found["first"] else ""
        lines = [[("bold", tickets), ("", span)]]
    older = [one for one in found["revisions"] if not one["in_force"]]
    rules = f"rules {found['revision'][:12]}"
    if older:
        decided = sum(one["tickets"] for one in older)
        rules += f"; {_count(decided, 'ticket')} decided by {_count(len(older), 'older revision')}"
    lines.append([("dim", rules)])
    lines += [
        [("yellow", f"{_count(number, 'ticket')} {_SKIPPED.get(reason, reason)}")]
        for reason, number in found["skipped"].items()
    ]
    return [*lines, []]


def _hits(rules: Sequence[Mapping[str, Any]], top: int, width: int | None) -> list[Line]:
    fired = sorted((rule for rule in rules if rule["tickets"]), key=lambda rule: -rule["tickets"])
    number_width = max((len(f"{rule['tickets']:,}") for rule in fired), default=0)
    place_width = max((len(_place(rule)) for rule in fired[:top]), default=0)
    lines: list[Line] = []
    for rule in fired[:top]:
        counted = f"{rule['tickets']:>{number_width},}  {_percent(rule['share'])}{_last(rule)}  "
        place = f"{_place(rule):<{place_width}}  "
        # Two columns are the indent.
        room = None if width is None else max(width - len(counted) - len(place) - 2, 12)
        lines.append([("", counted), ("bold", place), ("dim", _cut(rule["title"], room))])
    return [*lines, *_more(len(fired) - top)]


def _not_fired(rules: Sequence[Mapping[str, Any]], top: int) -> list[Line]:
    lines: list[Line] = []
    for rule in rules[:top]:
        if rule["failed"]:
            why = ("red", f"  failed on {rule['failed']:,} of {_count(rule['present'], 'ticket')}")
        elif rule["present"]:
            why = ("", f"  on {_count(rule['present'], 'ticket')}")
        else:
            why = ("dim", "  is new: no ticket has come to it yet")
        lines.append([*_rule(rule), why])
    hint = "dispatcher explain RULES --ticket FILE --why-not LINE says why one does not fire"
    return [*lines, *_more(len(rules) - top), [("dim", hint)]]


def _overwritten(entry: Mapping[str, Any]) -> Iterator[Line]:
    yield [("bold", entry["variable"]), ("", " of "), *_rule(entry), ("", f"  {_tickets(entry)}")]
    for other in entry["by"]:
        said = f"  {other['tickets']:,}x" if len(entry["by"]) > 1 else ""
        yield [("", "  overwritten by "), *_rule(other), ("", said)]
    yield _experiment(entry["without"], _WITHOUT)


def _pair(entry: Mapping[str, Any]) -> Iterator[Line]:
    yield [("bold", entry["variable"]), ("", f"  {_tickets(entry)}")]
    yield [("green", "  wins   "), *_rule(entry["winner"])]
    yield [("red", "  loses  "), *_rule(entry["loser"])]
    yield _experiment(entry["swapped"], _SWAPPED)


def _fault(entry: Mapping[str, Any]) -> Iterator[Line]:
    yield [*_rule(entry), ("", f"  {_tickets(entry)}")]
    at = f"{entry['at']['file']}:{entry['at']['line']}"
    yield [("bold red", f"  {entry['type']}: {entry['message']}"), ("", f"  ({at}){_last(entry)}")]


def _counted(entry: Mapping[str, Any]) -> Iterator[Line]:
    yield [*_rule(entry), ("", f"  {_tickets(entry)}{_last(entry)}")]


def _submission_errors(found: Mapping[str, Any]) -> Iterator[Line]:
    errors = found["submission_errors"]
    if errors is None:
        yield [("dim", "not known: nothing here says what Halo took")]
        return
    if not errors["fields"]:
        yield [("", f"none on {_count(errors['filed'], 'ticket')} in Halo")]
    for field in errors["fields"]:
        share = _percent(field["tickets"] / errors["filed"]).strip()
        yield [("bold", field["variable"]), ("", f"  fell back on {_count(field['tickets'], 'ticket')}, {share}")]
        for value in errors["values"]:
            if value["variable"] == field["variable"]:
                said = f"  {value_text(value['value'])}: {value['reason']}"
                yield [("red", said), ("", f"  {_tickets(value)}")]
    yield from _more(found["more"].get("values", 0))


def _section(
    title: str, found: Mapping[str, Any], name: str, tell: Callable[[Mapping[str, Any]], Iterator[Line]]
) -> list[Line]:
    return section(title, list(_listed(found[name], found, name, tell)))


def _listed(
    entries: Iterable[Mapping[str, Any]],
    found: Mapping[str, Any],
    name: str,
    tell: Callable[[Mapping[str, Any]], Iterator[Line]],
) -> Iterator[Line]:
    for entry in entries:
        yield from tell(entry)
    yield from _more(found["more"].get(name, 0))
    if number := found["left_out"].get(name):
        yield [("yellow", f"and others, {number:,} times: too many to tell apart")]


def _experiment(tried: Mapping[str, Any], words: Mapping[str, tuple[str, str]]) -> Line:
    style, text = words[tried["outcome"]]
    values = {name: value_text(tried.get(name)) for name in ("now", "then")}
    said = text.format(
        tried=_count(tried["tried"], "ticket"), example=tried.get("example"), variable=tried.get("variable"), **values
    )
    return [(style, f"  {said}")]


def _rule(rule: Mapping[str, Any]) -> Line:
    """Return a rule by place and title."""
    if rule["file"] is None:
        return [("dim", "a rule that is gone")]
    return [("bold", _place(rule)), *([("", f" {rule['title']}")] if rule["title"] else [])]


def _place(rule: Mapping[str, Any]) -> str:
    return f"{rule['file']}:{rule['line']}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _tickets(entry: Mapping[str, Any]) -> str:
    return f"{_count(entry['tickets'], 'ticket')}, {_examples(entry)}"


def _examples(entry: Mapping[str, Any]) -> str:
    return f"such as {', '.join(entry['examples'][:2])}"


def _more(number: int) -> list[Line]:
    return [[("dim", f"and {number:,} more: --top N lists more")]] if number > 0 else []


def _percent(share: float | None) -> str:
    return f"{share or 0:6.1%}"


def _last(entry: Mapping[str, Any]) -> str:
    return f"  last {_minute(entry['last'])}" if entry["last"] else ""


def _minute(time: str) -> str:
    """Return a time in UTC, since tickets may come from several zones; as it is, where that is before all years."""
    with suppress(OverflowError):
        time = datetime.fromisoformat(time).astimezone(UTC).isoformat()
    return time[:16].replace("T", " ")


def _cut(text: str, room: int | None) -> str:
    return text if room is None or len(text) <= room else f"{text[: room - 1]}…"
