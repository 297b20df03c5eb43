"""What became of tests of rules, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from dispatcher.render.text import LONGEST_VALUE, Line, count, section, value_text

# Characters that are shown before the first that differs.
_BEFORE = 40
_OUTCOME_STYLE = {"pass": "green", "fail": "bold red", "error": "bold magenta"}


def report(data: Mapping[str, Any]) -> list[Line]:
    """Return each test with what is wrong, the coverage where it was asked for, and a summary."""
    lines: list[Line] = []
    for file, results in groupby(data["results"], key=lambda result: result["file"]):
        lines.append([("bold", file)])
        for result in results:
            lines += _result(result)
        lines.append([])
    if data["coverage"] is not None:
        lines += _coverage(data["coverage"])
    lines.append([("bold", summary(data))])
    return lines


def summary(data: Mapping[str, Any]) -> str:
    """Return how many tests had which outcome, in one line."""
    every = [(data["passed"], "passed"), (data["failed"], "failed"), (data["errors"], "with errors")]
    counts = ", ".join(f"{number} {word}" for number, word in every if number or word == "passed")
    return f"{count(data['tests'], 'test')}: {counts}"


def called(result: Mapping[str, Any]) -> str:
    """Return the name of a test, or what stands for it."""
    return result["name"] or ("(the file)" if result["name"] is None else "(without a name)")


def details(result: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a test as lines of plain text."""
    return ["".join(text for _, text in line) for line in _details(result)]


def _result(result: Mapping[str, Any]) -> Iterator[Line]:
    outcome = result["outcome"]
    name = called(result)
    tickets = f"  ({count(result['tickets'], 'ticket')})" if result["tickets"] > 1 else ""
    yield [("", "  "), (_OUTCOME_STYLE[outcome], f"{outcome.upper():<5}"), ("", f"  {name}"), ("dim", tickets)]
    for line in _details(result):
        yield [("", "         "), *line]


def _details(result: Mapping[str, Any]) -> Iterator[Line]:
    for problem in result["problems"]:
        place = problem["file"] if problem["line"] is None else f"{problem['file']}:{problem['line']}"
        yield [("cyan", f"{place}: "), ("", problem["message"])]
    for failure in result["failures"]:
        yield [("bold", failure["ticket"])]
        for difference in failure["differences"]:
            for line in _difference(difference):
                yield [("", "  "), *line]
        more = f" and {failure['more_fired']} more" if failure["more_fired"] else ""
        yield [("", "  "), ("dim", "rules that fired: "), ("", _rules(failure["fired"]) + more)]
    untold = result["failed_tickets"] - len(result["failures"])
    if untold > 0:
        yield [("", f"... and {count(untold, 'more ticket')}")]


def _difference(difference: Mapping[str, Any]) -> Iterator[Line]:
    expected, got = _beside(difference)
    yield [("bold", difference["item"]), ("", ": expected "), ("green", expected), ("", ", got "), ("red", got)]
    for note in difference["notes"]:
        yield [("", f"    {note}")]
    for line in difference["lines"]:
        yield [("cyan", f"    {line['file']}:{line['line']}: "), ("", line["text"])]


def _beside(difference: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was expected and what came, in words."""
    item, how, expected, got = (difference[key] for key in ("item", "how", "expected", "got"))
    if item == "faults":
        return _faults(expected), _faults(got)
    if item == "fired":
        return _rules(expected), _rules(got)
    if how == "equal" and isinstance(expected, str) and isinstance(got, str):
        return _where_apart(expected, got)
    wanted = {
        "equal": "no refusal" if item == "refused" and expected is None else value_text(expected),
        "contains": f"a text that contains {value_text(expected)}",
        "unchanged": f"no change of {value_text(expected)}",
        "unset": "no value",
        "refused": "a refusal",
    }
    return wanted[how], "no refusal" if item == "refused" and got is None else value_text(got)


def _where_apart(expected: str, got: str) -> tuple[str, str]:
    """Return two texts, or where they are long, what stands around the first character in which they differ."""
    if max(len(expected), len(got)) <= LONGEST_VALUE:
        return value_text(expected), value_text(got)
    pairs = enumerate(zip(expected, got, strict=False))
    apart = next((place for place, (one, other) in pairs if one != other), min(len(expected), len(got)))
    start = max(apart - _BEFORE, 0)
    end = start + LONGEST_VALUE
    cut = [f"{'...' if start else ''}{text[start:end]!r}{'...' if len(text) > end else ''}" for text in (expected, got)]
    return cut[0], cut[1]


def _faults(faults: list[Mapping[str, Any]]) -> str:
    """Return faults as told, or as far as a test names them."""
    told = []
    for fault in faults:
        place = f" in line {fault['line']}" if "line" in fault else ""
        message = f" ({fault['message']})" if fault.get("message") else ""
        told.append(f"{fault.get('type', 'a fault')}{message}{place}")
    return ", ".join(told) or "no fault"


def _rules(rules: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(map(_rule, rules)) or "no rule"


def _rule(rule: Mapping[str, Any]) -> str:
    return f"{rule['file']}:{rule['line']}" + (f" {rule['title']}" if rule["title"] else "")


def _coverage(coverage: Mapping[str, Any]) -> list[Line]:
    body: list[Line] = []
    for file in coverage["files"]:
        style = "yellow" if file["missing"] else "green"
        rules = f"{file['rules_fired']} of {count(file['rules'], 'rule')}"
        arms = f"{file['arms_taken']} of {count(file['arms'], 'arm')}"
        body.append([("", f"{file['file']}: "), (style, f"{rules}, {arms}")])
        body += (
            [("cyan", f"  line {gap['line']}: "), ("yellow", gap["missing"]), ("", f"  {_gap(gap)}")]
            for gap in file["missing"]
        )
    body += ([("", f"{file}: "), ("bold red", "not counted, as it has errors")] for file in coverage["unread"])
    title = f"COVERAGE {coverage['percent']:g}%"
    return section(title, body) or [[("bold cyan", title)], []]


def _gap(gap: Mapping[str, Any]) -> str:
    return gap["text"] if gap["kind"] in ("rule", "for", "case", "except", "def") else f"{gap['kind']} {gap['text']}"
