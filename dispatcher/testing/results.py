"""What running tests gave, as data: the same for the command line, JUnit and REST."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from dispatcher.decisions import RuleOutcome
from dispatcher.lang.records import dataclass, replace
from dispatcher.plain import Room, same, to_json_safe
from dispatcher.testing.coverage import Coverage

Outcome = Literal["pass", "fail", "error"]
# How something was expected to be: equal to a value, holding a text, as it came, without a value, or refused with
# whatever text.
How = Literal["equal", "contains", "unchanged", "unset", "refused"]


# Of rules that fired, and of faults, as many are told.
MOST_RULES = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a test could not be run, and where to mend it; the line is None where it cannot be told."""

    file: str
    line: int | None
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as JSON data."""
        return {"file": to_json_safe(self.file), "line": self.line, "message": to_json_safe(self.message)}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A line of a rule file that something comes from, with its text."""

    file: str
    line: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the line as JSON data."""
        return {"file": to_json_safe(self.file), "line": self.line, "text": to_json_safe(self.text)}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as expected; `lines` are responsible for it, and `notes` say more.

    Of a failure that is told, both values are JSON data.
    """

    item: str
    how: How
    expected: Any
    got: Any
    lines: tuple[RuleLine, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON data."""
        return {
            "item": to_json_safe(self.item),
            "how": self.how,
            "expected": self.expected,
            "got": self.got,
            "lines": [line.to_dict() for line in self.lines],
            "notes": [to_json_safe(note) for note in self.notes],
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A ticket that was not decided as expected, known by its place, and the first of the rules that fired on it."""

    ticket: str
    differences: tuple[Difference, ...]
    fired: tuple[RuleOutcome, ...]
    # How many more rules fired.
    more_fired: int

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as JSON data."""
        return {
            "ticket": to_json_safe(self.ticket),
            "differences": [difference.to_dict() for difference in self.differences],
            "fired": rules_told(self.fired),
            "more_fired": self.more_fired,
        }


def failure(ticket: str, differences: Iterable[Difference], fired: Sequence[RuleOutcome], room: Room) -> Failure:
    """Return a failure that holds no more than there is room for."""
    bounded = []
    for difference in differences:
        expected, got = to_json_safe(difference.expected, room), to_json_safe(difference.got, room)
        too_big = difference.how == "equal" and same(expected, got) and not same(difference.expected, difference.got)
        notes = (*difference.notes, "they are too big to be shown") if too_big else difference.notes
        bounded.append(replace(difference, expected=expected, got=got, notes=notes))
    return Failure(ticket, tuple(bounded), tuple(fired[:MOST_RULES]), max(len(fired) - MOST_RULES, 0))


def rules_told(rules: Iterable[RuleOutcome]) -> list[dict[str, Any]]:
    """Return rules as JSON data."""
    return [{"file": to_json_safe(rule.file), "line": rule.line, "title": to_json_safe(rule.title)} for rule in rules]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test, or, with None as its name, of a tests file that could not be used.

    `failures` are the first of the `failed` tickets, and `problems` the first of what kept it from being run.
    """

    file: str
    line: int | None
    name: str | None
    tickets: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Return whether it passed, failed, or could not be run as it stands."""
        return "error" if self.problems else "fail" if self.failed else "pass"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "file": to_json_safe(self.file),
            "line": self.line,
            "name": to_json_safe(self.name),
            "outcome": self.outcome,
            "tickets": self.tickets,
            "failed_tickets": self.failed,
            "failures": [failure.to_dict() for failure in self.failures],
            "problems": [problem.to_dict() for problem in self.problems],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all tests, and what of the rules they came by where that was asked for."""

    results: tuple[Result, ...]
    coverage: Coverage | None = None

    def count(self, outcome: Outcome) -> int:
        """Return how many tests had an outcome."""
        return sum(result.outcome == outcome for result in self.results)

    @property
    def passed(self) -> bool:
        """Return whether there are tests, and all passed."""
        return bool(self.results) and self.count("pass") == len(self.results)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "tests": len(self.results),
            "passed": self.count("pass"),
            "failed": self.count("fail"),
            "errors": self.count("error"),
            "results": [result.to_dict() for result in self.results],
            "coverage": self.coverage.to_dict() if self.coverage is not None else None,
        }
