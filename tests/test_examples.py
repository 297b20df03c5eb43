"""The examples decide as their own tests say, and each is complete: rules, tickets, tests, README line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dispatcher import check
from dispatcher.render.testing import report
from dispatcher.testing import run_tests

EXAMPLES = Path(__file__).parent.parent / "rules_examples"
SCENARIOS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())


def _rules(scenario: Path) -> Path:
    return scenario / f"{scenario.name}.rules"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_rules_have_no_errors(scenario: Path) -> None:
    """`check` finds no error in an example; `is` beside a literal is only a warning."""
    rules = _rules(scenario)
    diagnostics = check(rules.read_text(encoding="utf-8"), rules.name)

    assert [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"] == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_tests_pass_and_cover_the_rules(scenario: Path) -> None:
    """Each test of a scenario passes, and together they come by every rule and both arms of every branch."""
    found = run_tests(scenario, coverage=True)

    shown = "\n".join("".join(text for _, text in line) for line in report(found.to_dict()))
    assert found.passed, shown
    assert found.coverage is not None
    assert found.coverage.percent == 100, shown


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_is_complete(scenario: Path) -> None:
    """A scenario has rules, a few tickets and tests, and every ticket is used by a test."""
    tickets = {path.name for path in (scenario / "tickets").iterdir()}
    tests = tomllib.loads((scenario / "tests.toml").read_text(encoding="utf-8"))["test"]

    assert {path.name for path in scenario.iterdir()} == {_rules(scenario).name, "tests.toml", "tickets"}
    assert 2 <= len(tickets) <= 4
    assert {test["ticket"] for test in tests if isinstance(test.get("ticket"), str)} == tickets


def test_the_readme_lists_every_scenario() -> None:
    """The reading order in the README names each folder once."""
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^\d+\. \[`(\w+)`\]", readme, re.MULTILINE)) == [s.name for s in SCENARIOS]
