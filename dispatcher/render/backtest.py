"""What new rules change, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dispatcher.render.text import Line, count, value_text

# Under the count of a group.
_MARGIN = " " * 8
_ORIGINS = {"ticket": "as in the ticket", "default": "the default"}
# How a change is told: style, words, and the side that tells it.
_REFUSALS = {"new": ("bold red", "now refused", "new"), "gone": ("bold green", "no longer refused", "old")}
_NO_LONGER_FAILS = ("bold green", "no longer fails", "old")


def backtest(report: Mapping[str, Any]) -> list[Line]:
    """Return what a backtest found: the groups, counts by variable, and what could not be decided."""
    lines = [line for group in report["groups"] for line in (*_group(group), [])]
    lines += _counts(report)
    lines += _left_out(report)
    changed, tickets = report["changed"], report["tickets"]
    style = "bold yellow" if changed else "bold green" if tickets else "bold red"
    if not tickets:
        verdict = "no ticket was compared"
    elif changed:
        verdict = f"{changed:,} of {count_of(tickets)} change{'s' if changed == 1 else ''}"
    else:
        verdict = f"no change on {count_of(tickets)}"
    lines.append([(style, verdict)])
    return lines


def count_of(tickets: int) -> str:
    """Return a number of tickets, as people read long ones."""
    return f"{tickets:,} {'ticket' if tickets == 1 else 'tickets'}"


def _group(group: Mapping[str, Any]) -> Iterator[Line]:
    head: Line = [("bold", f"{group['count']:>6,}  ")]
    margin: Line = [("", _MARGIN)]
    if group["rest"]:
        yield [*head, ("", "other changes: there are too many different ones to tell them apart")]
    for change in group["changes"]:
        yield head + (_refusal(change, group["refusal"]) if change["variable"] == "exception" else _change(change))
        head = margin
        yield from _lines(change)
    fault = group["fault"]
    if fault is not None:
        style, word, side = ("bold red", "fails now", "new") if fault["became"] == "new" else _NO_LONGER_FAILS
        message = "..." if fault["message"] is None else fault["message"]
        yield [*head, (style, word), ("", f": {fault['type']}: {message}")]
        yield [*margin, ("dim", f"  {side}  "), *_rule(fault)]
    for number, example in enumerate(group["examples"]):
        known_as = example["id"] if example["id"] != example["place"] else None
        where, known_as, subject = (
            " ".join((text or "").split()) for text in (example["place"], known_as, example["subject"])
        )
        yield [
            *margin,
            ("dim", "  e.g. " if number == 0 else " " * 7),
            ("cyan", where),
            ("dim", f" ({known_as})" if known_as else ""),
            ("", f"  {subject}"),
        ]
        for variable, values in example["values"].items():
            yield [*margin, ("", f"{' ' * 9}{variable}: "), *_values(values)]


def _change(change: Mapping[str, Any]) -> Line:
    told = [("dim", "... -> ...")] if change["varies"] else _values(change)
    return [("bold", change["variable"]), ("", ": "), *told]


def _refusal(change: Mapping[str, Any], refusal: str | None) -> Line:
    if refusal not in _REFUSALS:
        return _change(change)
    style, word, side = _REFUSALS[refusal]
    return [(style, word), ("", ": ..." if change["varies"] else f": {value_text(change[side])}")]


def _values(values: Mapping[str, Any]) -> Line:
    return [("red", value_text(values["old"])), ("", " -> "), ("green", value_text(values["new"]))]


def _lines(change: Mapping[str, Any]) -> Iterator[Line]:
    for side in ("new", "old"):
        by = change[f"{side}_by"]
        told: Line = [("", _ORIGINS[by])] if isinstance(by, str) else _rule(by)
        yield [("", _MARGIN), ("dim", f"  {side}  "), *told]
    if change["same_line"]:
        yield [("", _MARGIN), ("dim", "       the line is the same: look at what it uses")]


def _rule(by: Mapping[str, Any]) -> Line:
    title: Line = [("dim", f"  {by['title']}")] if by["title"] else []
    return [("", f"{by['file']}:{by['line']}"), *title]


def _counts(report: Mapping[str, Any]) -> list[Line]:
    refused, faults = report["refused"], report["faults"]
    rows = [
        *report["variables"].items(),
        ("now refused", refused["new"]),
        ("no longer refused", refused["gone"]),
        ("new faults", faults["new"]),
        ("faults gone", faults["gone"]),
    ]
    rows = [(name, number) for name, number in rows if number]
    if not rows:
        return []
    width = max(len(name) for name, _ in rows)
    table: list[Line] = [[("", f"  {name:<{width}}  {number:>6,}")] for name, number in rows]
    return [[("bold cyan", "TICKETS BY WHAT CHANGES:")], *table, []]


def _left_out(report: Mapping[str, Any]) -> list[Line]:
    lines: list[Line] = []
    if report["unreadable"]:
        lines.append([("bold red", f"{count(report['unreadable'], 'line')} could not be read:")])
        lines += [[("", f"  {line['place']}: {line['reason']}")] for line in report["unreadable_lines"]]
        if report["unreadable"] > len(report["unreadable_lines"]):
            lines.append([("", "  ...")])
    told = (
        ("no_longer_kept", "left out: the content is no longer kept"),
        ("not_decided", "left out: there is no kept decision to compare with"),
        ("outside", "left out: not in the time that was asked for"),
    )
    for key, why in told:
        if report[key]:
            lines.append([("yellow", f"{count_of(report[key])} {why}")])
    if report["nothing_known"]:
        where = ", ".join(report["nothing_known_places"])
        more = ", ..." if report["nothing_known"] > len(report["nothing_known_places"]) else ""
        have = "has" if report["nothing_known"] == 1 else "have"
        what = f"{count_of(report['nothing_known'])} {have} no key that is a ticket variable, such as `msg`"
        lines.append([("yellow", f"{what}: {where}{more}")])
    if report["cut"] is not None:
        why = "as many as --limit asks for" if report["cut"] == "limit" else "time was up"
        lines.append([("yellow", f"not all tickets were compared: {why}")])
    return [*lines, []] if lines else []
