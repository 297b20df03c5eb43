"""Diagnostics, decisions and findings as text for people. The only formatter; data goes out as JSON from `to_dict`.

Text is made of styled pieces. A terminal shows them through rich; a pipe gets the same text plain, and rich is not
even imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from dispatcher.lang.diagnostics import Diagnostic

# A piece of a line: its rich style, '' for none, and its text.
Piece = tuple[str, str]
Line = list[Piece]

LONGEST_VALUE = 300
_SEVERITY_STYLE = {"error": "bold red", "warning": "bold yellow"}


def write(lines: Iterable[Line], output: TextIO) -> None:
    """Write lines to a terminal with their styles, to anything else without."""
    if not output.isatty():
        output.write("".join("".join(text for _, text in line) + "\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=output, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((_visible(text), style) for style, text in line)))


def _visible(text: str) -> str:
    """Return text without what a terminal would obey: control characters and bidirectional marks."""
    return "".join(character if character.isprintable() or character in "\t\n" else "\ufffd" for character in text)


def diagnostics(problems: Sequence[Diagnostic]) -> list[Line]:
    """Return each diagnostic with its place, the source line with a mark below it, and the help; then a count."""
    lines: list[Line] = []
    for problem in problems:
        lines.extend(_diagnostic(problem))
        lines.append([])
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if problems:
        counts = [_count(errors, "error")] * bool(errors) + [_count(warnings, "warning")] * bool(warnings)
        lines.append([("bold", " and ".join(counts))])
    return lines


def _diagnostic(problem: Diagnostic) -> list[Line]:
    style = _SEVERITY_STYLE[problem.severity]
    number = str(problem.line)
    gutter = " " * len(number)
    # A tab of the source stays a tab under it, so that the mark stands below its place.
    before = problem.excerpt[: problem.excerpt_column - 1]
    indent = "".join("\t" if character == "\t" else " " for character in before)
    marked = problem.end_column - problem.column if problem.end_line == problem.line else len(problem.excerpt)
    marks = "^" * max(1, min(marked, len(problem.excerpt) - problem.excerpt_column + 1))
    lines: list[Line] = [
        [(style, f"{problem.severity}[{problem.code}]"), ("bold", f": {problem.message}")],
        [("blue", f"{gutter}--> "), ("", f"{problem.filename}:{problem.line}:{problem.column}")],
        [("blue", f"{gutter} |")],
        [("blue", f"{number} | "), ("", problem.excerpt)],
        [("blue", f"{gutter} | "), ("", indent), (style, marks)],
    ]
    if problem.help:
        lines.append([("green", "help"), ("", f": {problem.help}")])
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def dry_run(result: Mapping[str, Any]) -> list[Line]:
    """Return a dry run as text: the variables as at the end, what changed them, the rules, and what would be sent."""
    lines: list[Line] = []
    if result["refused"] is not None:
        lines += [[("bold red", "REFUSED: "), ("bold", result["refused"])], []]
    changed = {change["variable"] for change in result["changes"]}
    lines += _variables("ACTION VARIABLES", result["action_variables"], changed)
    lines += _variables("OTHER VARIABLES", result["other_variables"], set())
    lines += _section("CHANGES", [_change(change, result) for change in result["changes"]])
    lines += _section("RULES", _rules(result))
    lines += _section("FAULTS", [_fault(fault) for fault in result["faults"]])
    lines += _section("PRINTED", [[("", line)] for line in result["prints"].splitlines()])
    if result["unused_keys"]:
        lines += _section(
            "UNUSED KEYS", [[("", ", ".join(result["unused_keys"])), ("dim", "  (kept in the private note)")]]
        )
    sent = result["would_send"]
    if sent is None:
        lines += _section("WOULD SEND TO HALO", [[("", "nothing: the ticket is refused")]])
    else:
        import json  # a check writes none

        ticket = json.dumps(sent["ticket"], indent=2, ensure_ascii=False)
        lines += _section("WOULD SEND TO HALO", [[("", line)] for line in ticket.splitlines()])
        lines += _section("PRIVATE NOTE", [[("", line)] for line in sent["note"].splitlines()])
    lines.append([("dim", f"{result['steps']} steps, rules {result['revision'][:12]}, as of {result['received_at']}")])
    return lines


def _section(title: str, body: Sequence[Line]) -> list[Line]:
    return [[("bold cyan", title + ":")], *([("", "  "), *line] for line in body), []] if body else []


def _variables(title: str, values: Mapping[str, Any], changed: set[str]) -> list[Line]:
    width = max(map(len, values), default=0)
    return _section(
        title,
        [
            [
                ("bold green" if name in changed else "", f"{name:<{width}}"),
                ("dim", " = "),
                ("", _value(value)),
            ]
            for name, value in values.items()
        ],
    )


def _value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _place(item: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Return `line N`, with the file's name where the rule set has several."""
    files = {rule["file"] for rule in (*result["fired"], *result["not_fired"])}
    return f"{item['file']} line {item['line']}" if len(files) > 1 else f"line {item['line']}"


def _change(change: Mapping[str, Any], result: Mapping[str, Any]) -> Line:
    return [
        ("", f"{_place(change, result)}: "),
        ("bold", change["variable"]),
        ("", f" {_value(change['old'])} -> {_value(change['new'])}"),
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


_VERDICT_STYLE = {"ok": "green", "warning": "bold yellow", "failed": "bold red", "skipped": "dim"}
# As wide as the longest verdict, and as the names of nearly all checks.
_VERDICT_WIDTH, _CHECK_WIDTH = 7, 20


def finding(found: Mapping[str, str], width: int | None = None) -> list[Line]:
    """Return what a check of Halo found: verdict, check, detail and help; in one line, or wrapped at `width`."""
    heading: Line = [
        (_VERDICT_STYLE[found["verdict"]], f"{found['verdict']:<{_VERDICT_WIDTH}}  "),
        ("bold", f"{found['check']:<{_CHECK_WIDTH}}  "),
    ]
    margin = sum(len(text) for _, text in heading)
    body: list[Line] = [[("", row)] for row in _wrapped(found["detail"], width and width - margin)]
    if found["help"]:
        first, *more = _wrapped(f"help: {found['help']}", width and width - margin)
        body += [[("green", "help"), ("", first.removeprefix("help"))], *([("", row)] for row in more)]
    if width is None:
        detail, *aid = body
        return [[*heading, *detail, *(piece for line in aid for piece in (("", " "), *line))]]
    return [[*heading, *body[0]], *([("", " " * margin), *line] for line in body[1:])]


def verdicts(found: Iterable[Mapping[str, str]]) -> Line:
    """Return how many checks ended in which way."""
    every = [finding["verdict"] for finding in found]
    counts = [(every.count(verdict), verdict) for verdict in _VERDICT_STYLE]
    words = [_count(number, verdict) if verdict == "warning" else f"{number} {verdict}" for number, verdict in counts]
    return [("bold", ", ".join(text for text, (number, _) in zip(words, counts, strict=True) if number))]


def _wrapped(text: str, width: int | None) -> list[str]:
    if width is None:
        return [text]
    import textwrap  # a check of rules wraps nothing

    # Addresses and ids stay whole, so that they can be copied.
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]
