"""The examples decide as their own tests say, and each is complete: rules, tickets, tests, README line."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RuleSet, check
from dispatcher.decisions import Decision

EXAMPLES = Path(__file__).parent.parent / "rules_examples"
SCENARIOS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())


@dataclass(frozen=True, slots=True)
class ExampleTest:
    """One `[[test]]` of a scenario."""

    scenario: Path
    definition: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.scenario.name}: {self.definition['name']}"


def _read_tests(scenario: Path) -> list[ExampleTest]:
    tests = tomllib.loads((scenario / "tests.toml").read_text(encoding="utf-8"))["test"]
    return [ExampleTest(scenario, test) for test in tests]


def _rules(scenario: Path) -> Path:
    return scenario / f"{scenario.name}.rules"


def _seen(decision: Decision, expected: dict[str, Any]) -> dict[str, Any]:
    """Return what the decision says about everything that is expected, in the same words."""
    changed = {change.variable for change in decision.changes}
    values = decision.action_variables | decision.other_variables
    seen = values | {
        "unchanged": [name for name in expected["unchanged"] if name in values and name not in changed],
        "refused": decision.refused,
        "faults": [{"line": fault.line, "type": fault.type} for fault in decision.faults],
        "fired": [rule.line for rule in decision.fired],
    }
    return {key: seen[key] for key in expected if key in seen}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_rules_have_no_errors(scenario: Path) -> None:
    """`check` finds no error in an example; `is` beside a literal is only a warning."""
    rules = _rules(scenario)
    diagnostics = check(rules.read_text(encoding="utf-8"), rules.name)

    assert [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"] == []


@pytest.mark.parametrize("test", [test for path in SCENARIOS for test in _read_tests(path)], ids=str)
def test_the_decision_is_the_expected_one(test: ExampleTest) -> None:
    """Every value, refusal, fault and fired rule that a test names is in the decision, and no other."""
    expected = {"unchanged": [], "refused": None, "faults": [], **test.definition["expect"]}
    ticket_file = test.scenario / "tickets" / test.definition["ticket"]
    ticket = json.loads(ticket_file.read_text(encoding="utf-8"))

    decision = RuleSet.load(_rules(test.scenario)).decide(ticket, now=test.definition.get("now"))

    assert _seen(decision, expected) == expected


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_is_complete(scenario: Path) -> None:
    """A scenario has rules, a few tickets and tests, and every ticket is used by a test."""
    tickets = {path.name for path in (scenario / "tickets").iterdir()}

    assert {path.name for path in scenario.iterdir()} == {_rules(scenario).name, "tests.toml", "tickets"}
    assert 2 <= len(tickets) <= 4
    assert {test.definition["ticket"] for test in _read_tests(scenario)} == tickets


def test_the_readme_lists_every_scenario() -> None:
    """The reading order in the README names each folder once."""
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^\d+\. \[`(\w+)`\]", readme, re.MULTILINE)) == [s.name for s in SCENARIOS]
