"""Explanations as text: why each variable is what it is, and why rules did not fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatcher.explain.misses import MAX_LOOKS
from dispatcher.render.text import Line, count, section, value_text

_ORIGINS = {
    "ticket": "as the ticket came",
    "default": "the integration default",
    "message": "made of the message",
    "fault": "a rule failed, and `on_fault` is refuse",
    "unset": "not set",
}
LONGEST_VALUE = 120
SHOWN_RULES = 12


def explanation(found: Mapping[str, Any]) -> list[Line]:
    """Return an explanation as text."""
    files = _files(found)
    lines: list[Line] = []
    if found["refused"] is not None:
        lines += [[("bold red", "REFUSED: "), ("bold", found["refused"])], []]
    for field in found["fields"]:
        if field["steps"]:
            lines += [*_field(field, files), []]
    quiet = [field for field in found["fields"] if not field["steps"]]
    lines += section("NO RULE SETS", _quiet(quiet))
    if found["why_not"] is not None:
        lines += _why_not(found["why_not"], files)
    if found["not_fired"]:
        lines += [[("bold cyan", "RULES THAT DID NOT FIRE:")], []]
        shown = _nearest(found["not_fired"])
        for rule in shown:
            lines += [*_rule(rule, files), []]
        more = found["omitted_rules"] + len(found["not_fired"]) - len(shown)
        if more:
            text = f"  ... and {count(more, 'rule')} more, further off; --why-not LINE tells of one"
            lines += [[("dim", text)], []]
    if not found.get("as_decided", True):
        lines.append(
            [("bold yellow", "the rules of then do not decide this ticket as they did: dispatcher has changed")]
        )
    lines.append([("dim", f"rules {found['revision'][:12]}, as of {found['received_at']}")])
    return lines


def _nearest(rules: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return as many rules as people read, in order: those that came nearest to fire."""
    numbers = sorted(range(len(rules)), key=lambda number: rules[number]["nearness"], reverse=True)
    return [rules[number] for number in sorted(numbers[:SHOWN_RULES])]


def _files(found: Mapping[str, Any]) -> bool:
    """Tell whether places need the names of their files."""
    places = [*found["fired"], *found["not_fired"], *(step for field in found["fields"] for step in field["steps"])]
    return len({place["file"] for place in places}) > 1


def _at(place: Mapping[str, Any], files: bool) -> str:
    return f"{place['file']} line {place['line']}" if files else f"line {place['line']}"


def _short(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _field(field: Mapping[str, Any], files: bool) -> list[Line]:
    lines: list[Line] = [[("bold green", field["variable"]), ("dim", " = "), ("bold", _short(field["value"]))]]
    if field["set_by"] is None:
        lines.append([("", "  "), ("", f"{_ORIGINS[field['origin']]}; what rules wrote left it as it was")])
    if field["first"] is not None and field["first"] != "":
        origin = _ORIGINS.get(field["origin"], "before the rules")
        lines.append([("dim", f"  {origin}: {_short(field['first'])}")])
    for number, step in enumerate(field["steps"]):
        if field["omitted_steps"] and number == len(field["steps"]) // 2:
            lines.append([("dim", f"  ... {count(field['omitted_steps'], 'write')} more ...")])
        lines += _step(step, field, files)
    for part in field["because"]:
        was = "entered" if part["truth"] is None else _truth(part)
        lines.append([("dim", f"  because line {part['line']} was {was}: "), ("", _clipped(part["text"]))])
        if part["values"]:
            lines.append([("", f"    {_values(part)}")])
    lines += _otherwise(field, files)
    return lines


def _step(step: Mapping[str, Any], field: Mapping[str, Any], files: bool) -> list[Line]:
    title = f"  {step['rule_title']}" if step["rule_title"] else ""
    times = f" ({step['times']} times)" if step["times"] > 1 else ""
    head: Line = [("", f"  {_at(step, files)}"), ("dim", title)]
    if step["fate"] == "same":
        change: Line = [("dim", f"    sets the same again: {_short(step['new'])}{times}")]
    else:
        change = [("", f"    {_short(step['old'])} -> "), ("bold", _short(step["new"])), ("", times)]
    by = step["by"]
    if by is not None:
        word = "built upon" if step["fate"] == "extended" else "overwritten"
        change.append(("yellow", f"   {word} by {_at(by, files)}"))
    elif field["set_by"] is not None and _same_place(step, field["set_by"]) and step["fate"] == "stays":
        change.append(("green", "   stays"))
    return [head, [("dim", f"    {step['text']}")], change]


def _same_place(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["file"] == other["file"] and one["line"] == other["line"])


def _otherwise(field: Mapping[str, Any], files: bool) -> list[Line]:
    other = field["otherwise"]
    if other is None:
        return []
    places = [_at(place, files) for place in other["lines"]]
    by = f", set by {_at(other['by'], files)}" if other["by"] is not None else ""
    first, *also = places
    if not also:
        text = f"  without {first} it would be {_short(other['value'])}{by}"
    else:
        text = (
            f"  without {first} it would be the same, because of {' and '.join(also)}; "
            f"without them all it would be {_short(other['value'])}{by}"
        )
    return [[("cyan", text)]]


def _quiet(fields: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return the variables that no rule wrote: those that have a value, a line each, and the names of the others."""
    given = [field for field in fields if field["value"] not in (None, "", {})]
    width = max((len(field["variable"]) for field in given), default=0)
    lines: list[Line] = [
        [
            ("", f"{field['variable']:<{width}}"),
            ("dim", " = "),
            ("", _short(field["value"])),
            ("dim", f"   {_ORIGINS[field['origin']]}"),
        ]
        for field in given
    ]
    others = ", ".join(field["variable"] for field in fields if field not in given)
    return [*lines, [("dim", f"and have no value: {others}")]] if others else lines


def _rule(rule: Mapping[str, Any], files: bool) -> list[Line]:
    title = f"  {rule['title']}" if rule["title"] else ""
    lines: list[Line] = [[("bold", f"  {_at(rule, files)}"), ("dim", title)]]
    if rule["fault"] is not None:
        return [*lines, _fault(rule["fault"])]
    several = len(rule["misses"]) > 1
    for number, miss in enumerate(rule["misses"]):
        lines += _miss(miss, nearest=several and number == rule["nearest"] and miss["nearness"] > 0)
    return lines


def _fault(fault: Mapping[str, Any]) -> Line:
    return [("bold red", f"    it failed at line {fault['line']}: {fault['type']}: {fault['message']}")]


def _miss(miss: Mapping[str, Any], *, nearest: bool = False) -> list[Line]:
    head: Line = [("", f"    line {miss['line']}: "), ("", _clipped(f"{_word(miss['kind'])}{miss['text']}"))]
    if nearest:
        head.append(("yellow", "   the nearest miss"))
    part = miss["part"]
    lines = [head]
    match miss["reason"]:
        case "false" | "true":
            lines += _parts(miss, part)
        case "skipped":
            lines.append([("dim", f"      not looked at: line {miss['line_before']} held first")])
        case "empty":
            lines.append([("", f"      nothing to go through: {_values(part)}")])
        case "no match":
            lines.append([("", f"      no match: {_values(part)}")])
        case "left":
            return [[("", f"    the last line above it that ran is line {miss['line']}: {_clipped(miss['text'])}")]]
        case "not called":
            lines.append([("", "      not called")])
        case _:
            lines.append([("dim", "      not reached")])
    return lines


def _word(kind: str) -> str:
    return f"{kind} " if kind in ("if", "elif", "while", "guard") else ""


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _parts(miss: Mapping[str, Any], part: Mapping[str, Any] | None) -> list[Line]:
    if part is None:
        return [[("dim", "      what it saw was not kept")]]
    first = f" of the first {MAX_LOOKS}" if miss["looks"] > MAX_LOOKS else ""
    times = f" each of {miss['looks']} times; at the nearest{first}" if miss["looks"] > 1 else ""
    lines: list[Line] = []
    if part["text"] == miss["text"]:
        lines.append([("red", f"      {_truth(part)}{times}"), ("", f": {_values(part)}")])
    else:
        lines.append([("red", f"      {_truth(part)}{times}: "), ("", _clipped(part["text"]))])
        lines.append([("", f"        {_values(part)}")])
    if part["hint"]:
        lines.append([("yellow", f"        near: {part['hint']}")])
    return lines


def _truth(part: Mapping[str, Any]) -> str:
    return "true" if part["truth"] else "false"


def _values(part: Mapping[str, Any] | None) -> str:
    if part is None or not part["values"]:
        return "always so" if part is not None else "nothing is known of it"
    return ", ".join(f"{_clipped(value['text'])} is {_short(value['value'])}" for value in part["values"])


def _why_not(answer: Mapping[str, Any], files: bool) -> list[Line]:
    title = f"  {answer['rule_title']}" if answer["rule_title"] else ""
    lines: list[Line] = [
        [("bold cyan", f"WHY NOT {_at(answer, files).upper()}:"), ("dim", title)],
        [("dim", f"  {answer['text']}")],
    ]
    if answer["fault"] is not None:
        return [*lines, _fault(answer["fault"]), []]
    if answer["ran"]:
        return [*lines, [("green", "  it ran")], []]
    for miss in [answer["closed"]] if answer["closed"] is not None else answer["misses"]:
        lines += _miss(miss)
    lines += _needed(answer["needed"], then_runs=answer["then_runs"])
    return [*lines, []]


def _needed(parts: Sequence[Mapping[str, Any]], *, then_runs: bool) -> list[Line]:
    if not parts:
        return []
    what = "it would run with this otherwise:" if then_runs else "this would have to be otherwise, and that is not all:"
    lines: list[Line] = [[("cyan", f"  {what}")]]
    for part in parts:
        wanted = "false" if part["truth"] else "true"
        lines.append(
            [("", f"    line {part['line']}: {_clipped(part['text'])}"), ("dim", f"   would have to be {wanted}")]
        )
    return lines
