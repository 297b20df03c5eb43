"""Decisions and dry runs as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatcher.render.text import Line, section, value_text


def dry_run(result: Mapping[str, Any]) -> list[Line]:
    """Return a dry run as text: the variables as at the end, what changed them, the rules, and what would be sent."""
    lines: list[Line] = []
    if result["refused"] is not None:
        lines += [[("bold red", "REFUSED: "), ("bold", result["refused"])], []]
    changed = {change["variable"] for change in result["changes"]}
    lines += _variables("ACTION VARIABLES", result["action_variables"], changed)
    lines += _variables("OTHER VARIABLES", result["other_variables"], set())
    lines += section("CHANGES", [_change(change, result) for change in result["changes"]])
    lines += section("RULES", _rules(result))
    lines += section("FAULTS", [_fault(fault) for fault in result["faults"]])
    lines += section("PRINTED", [[("", line)] for line in result["prints"].splitlines()])
    if result["unused_keys"]:
        lines += section(
            "UNUSED KEYS", [[("", ", ".join(result["unused_keys"])), ("dim", "  (kept in the private note)")]]
        )
    sent = result["would_send"]
    if sent is None:
        lines += section("WOULD SEND TO HALO", [[("", "nothing: the ticket is refused")]])
    else:
        import json  # a check writes none

        ticket = json.dumps(sent["ticket"], indent=2, ensure_ascii=False)
        lines += section("WOULD SEND TO HALO", [[("", line)] for line in ticket.splitlines()])
        lines += section("PRIVATE NOTE", [[("", line)] for line in sent["note"].splitlines()])
    lines.append([("dim", f"{result['steps']} steps, rules {result['revision'][:12]}, as of {result['received_at']}")])
    return lines


def _variables(title: str, values: Mapping[str, Any], changed: set[str]) -> list[Line]:
    width = max(map(len, values), default=0)
    return section(
        title,
        [
            [
                ("bold green" if name in changed else "", f"{name:<{width}}"),
                ("dim", " = "),
                ("", value_text(value)),
            ]
            for name, value in values.items()
        ],
    )


def _place(item: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Return `line N`, with the file's name where the rule set has several."""
    files = {rule["file"] for rule in (*result["fired"], *result["not_fired"])}
    return f"{item['file']} line {item['line']}" if len(files) > 1 else f"line {item['line']}"


def _change(change: Mapping[str, Any], result: Mapping[str, Any]) -> Line:
    return [
        ("", f"{_place(change, result)}: "),
        ("bold", change["variable"]),
        ("", f" {value_text(change['old'])} -> {value_text(change['new'])}"),
    ]


_STATES = {
    "fired": ("green", "fired      "),
    "not_fired": ("dim", "not fired  "),
    "failed": ("bold red", "failed     "),
}


def _rules(result: Mapping[str, Any]) -> list[Line]:
    rows = [(rule, state) for state in ("fired", "not_fired") for rule in result[state]]
    rows.sort(key=lambda row: (row[0]["file"], row[0]["line"]))
    failed = {_rule_of(fault, rows) for fault in result["faults"]}
    lines: list[Line] = []
    for position, (rule, state) in enumerate(rows):
        style, word = _STATES["failed" if position in failed else state]
        title = f"  {rule['title']}" if rule["title"] else ""
        lines.append([(style, word), ("", _place(rule, result)), ("dim", title)])
    return lines


def _rule_of(fault: Mapping[str, Any], rows: Sequence[tuple[Mapping[str, Any], str]]) -> int:
    """Return the position of the rule that a fault belongs to: the last one that begins at or above its line."""
    above = [
        position
        for position, (rule, _) in enumerate(rows)
        if rule["file"] == fault["file"] and rule["line"] <= fault["line"]
    ]
    return max(above, default=-1)


def _fault(fault: Mapping[str, Any]) -> Line:
    return [
        ("bold red", f"{fault['type']}: {fault['message']}"),
        ("", f"  ({fault['file']}, line {fault['line']}, column {fault['column']}; the rule is left out)"),
    ]
