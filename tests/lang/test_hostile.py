"""Someone hostile who may write rules gets nowhere, and someone honest is not in the way of the limits."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from dispatcher import RuleSet, check
from dispatcher.tickets import READ_ONLY
from tests.lang.conformance.corpus import Case, render
from tests.lang.hostile.corpus import compared, read_theme, rules, sample, themes
from tests.lang.hostile.runner import NOW, TICKET, reports
from tests.lang.isolation import isolated

REPOSITORY = Path(__file__).parents[2]
CASES = [case for theme in themes() for case in sample(theme)]
# CPU seconds of checking and deciding that only a program takes which nothing holds.
HANG = 9.0
# MiB that a program may take while it is checked and decided: four times what its values may hold.
GROWTH = 250
# Words and lines, as users write them.
LONG_MESSAGE = "".join(
    f"error {n} of user{n % 97}: the printer on floor {n % 12} says 'paper', see it@example.com;\n" for n in range(1350)
)


@cache
def reported(theme: str) -> dict[str, dict[str, Any]]:
    """Return the report of each program of a theme, which all run in one process of their own."""
    cases = sample(theme)
    # Builds the grammar here, for all processes to come.
    check("x = 1")
    try:
        found = isolated(lambda: reports(cases), seconds=150).value
    except AssertionError:
        # One of them hangs, crashes or raises: find which.
        found = [reported_alone(case) for case in cases]
    return dict(zip([case.title for case in cases], found, strict=True))


def reported_alone(case: Case) -> dict[str, Any]:
    """Return the report of a program that runs in a process of its own, or how that process ended."""
    try:
        (report,) = isolated(lambda: reports([case]), seconds=20).value
    except AssertionError as error:
        return {"outcome": f"the process failed: {error}"}
    return dict(report)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_program_gets_nowhere(case: Case) -> None:
    """What comes of it is what its file says; it is short and small, tells nothing of the host and changes no ticket."""
    report = reported(case.area)[case.title]

    assert report["outcome"] == case.expected
    assert report["leaks"] == []
    assert not report["mutated"]
    assert report["seconds"] < HANG
    assert report["megabytes"] < GROWTH


def test_nothing_carries_over() -> None:
    """A program decides the same whatever ran before it in the process, and under another hash seed."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.lang.hostile.runner"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        capture_output=True,
        check=True,
        timeout=200,
    )
    elsewhere = json.loads(answer.stdout)
    here = {str(case): reported(case.area).get(case.title, {}).get("digest") for case in compared()}
    both = {name for name, digest in here.items() if digest is not None}

    assert [name for name in both if here[name] != elsewhere[name]] == []
    assert len(both) > 200


@pytest.mark.parametrize("case", read_theme("carried_over"), ids=str)
def test_evaluations_at_once_do_not_meet(case: Case) -> None:
    """Two threads that decide with one rule set get what one alone gets."""
    ruleset = RuleSet.from_text(rules(case))
    alone = ruleset.decide(TICKET, now=NOW).to_dict()
    start = Barrier(2)

    def decide() -> dict[str, Any]:
        start.wait()
        return ruleset.decide(copy.deepcopy(dict(TICKET)), now=NOW).to_dict()

    with ThreadPoolExecutor(2) as threads:
        decided = [threads.submit(decide) for _ in range(2)]

    assert [future.result() for future in decided] == [alone, alone]


@pytest.mark.parametrize("case", read_theme("read_only"), ids=str)
def test_no_form_changes_a_read_only_variable(case: Case) -> None:
    """Each form is refused for each read-only variable, before anything runs."""
    found = {}
    for variable in READ_ONLY:
        errors = [p.code for p in check(rules(case).replace("NAME", variable.name)) if p.severity == "error"]
        found[variable.name] = f"refused: {', '.join(dict.fromkeys(errors))}" if errors else "harmless"

    assert found == {variable.name: case.expected for variable in READ_ONLY}


@pytest.mark.parametrize("case", read_theme("honest"), ids=str)
def test_the_limits_let_honest_rules_run(case: Case) -> None:
    """What is honest runs to its end with the limits that hold when nobody sets any, and means what it means to CPython."""

    def decide() -> dict[str, Any]:
        decision = RuleSet.from_text(rules(case)).decide({"msg": LONG_MESSAGE}, now=NOW)
        x = render(decision.other_variables["x"]) if "x" in decision.other_variables else "unbound"
        return {"x": x, "faults": [fault.message for fault in decision.faults]}

    answer = isolated(decide)

    assert answer.value == {"x": case.expected.removeprefix("x = "), "faults": []}
    assert answer.seconds < HANG
