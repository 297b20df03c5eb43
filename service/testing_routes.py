"""The REST interface to tests of rules: runs tests that come with the rules and tickets they are about."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dispatcher.testing import run_given
from service import models
from service.deciding import on_the_side
from service.problems import ANY, UNREADABLE, JsonAnswer, JsonRoute, described

# How long the tests of one request may take; those that are left then are told as errors.
MOST_SECONDS = 10.0
# What rules are called that come without a name.
RULES_NAME = "<rules>"

EXAMPLE: dict[str, Any] = {
    "rules": "# Emergencies first\nif 'This is an emergency' in selections:\n    priority = 'Critical'\n",
    "tests": '[[test]]\nname = "an emergency comes first"\nticket = "till.json"\n[test.expect]\npriority = "High"\n',
    "tickets": {"till.json": {"selections": ["This is an emergency"], "msg": "The till is dead."}},
}
EXAMPLE_ANSWER: dict[str, Any] = {
    "tests": 1,
    "passed": 0,
    "failed": 1,
    "errors": 0,
    "results": [
        {
            "file": "tests.toml",
            "line": 1,
            "name": "an emergency comes first",
            "outcome": "fail",
            "tickets": 1,
            "failed_tickets": 1,
            "failures": [
                {
                    "ticket": "till.json",
                    "differences": [
                        {
                            "item": "priority",
                            "how": "equal",
                            "expected": "High",
                            "got": "Critical",
                            "lines": [{"file": RULES_NAME, "line": 3, "text": "priority = 'Critical'"}],
                            "notes": [],
                        }
                    ],
                    "fired": [{"file": RULES_NAME, "line": 2, "title": "Emergencies first"}],
                    "more_fired": 0,
                }
            ],
            "problems": [],
        }
    ],
    "coverage": None,
}


class RunTestsRequest(BaseModel):
    """Tests, and the rules and tickets that they are about."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    rules: str | dict[str, str] = Field(
        description="The text of one rule file, or the texts of several by their names; they run in name order."
    )
    tests: str = Field(description="The text of a tests file, as TOML. The rules are those of the request.")
    tickets: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="The tickets that tests name, each as a sender would post it."
    )
    coverage: bool = Field(default=False, description="Tell which rules and branches no test came by.")


class Difference(BaseModel):
    """Something that is not as expected: the lines responsible for it, and what else is known."""

    item: str
    how: Literal["equal", "contains", "unchanged", "unset", "refused"]
    expected: Any
    got: Any
    lines: list[dict[str, Any]]
    notes: list[str]


class Failure(BaseModel):
    """A ticket that was not decided as expected."""

    ticket: str
    differences: list[Difference]
    fired: list[models.RuleOutcome]
    more_fired: int = Field(description="How many rules fired beside the first ones.")


class RuleTestProblem(BaseModel):
    """Why a test could not be run, and where to mend it."""

    file: str
    line: int | None
    message: str


class RuleTestResult(BaseModel):
    """What became of a test; without a name: of the whole text."""

    file: str
    line: int | None
    name: str | None
    outcome: Literal["pass", "fail", "error"]
    tickets: int
    failed_tickets: int
    failures: list[Failure] = Field(description="The first of the tickets that failed.")
    problems: list[RuleTestProblem]


class Gap(BaseModel):
    """A rule, or one way that a branch can go, that no test came by."""

    line: int
    kind: str
    text: str
    missing: Literal["never fired", "never true", "never false", "never entered"]


class FileCoverage(BaseModel):
    """How much of a rule file the tests came by."""

    file: str
    rules: int
    rules_fired: int
    arms: int
    arms_taken: int
    missing: list[Gap]


class Coverage(BaseModel):
    """How much of all rules the tests came by."""

    percent: float = Field(description="Of rules and arms together, rounded down.")
    rules: int
    rules_fired: int
    arms: int = Field(description="Ways that branches can go: most hold or fail, some are entered.")
    arms_taken: int
    files: list[FileCoverage]
    unread: list[str] = Field(description="Rule files with errors.")


class RunTestsAnswer(BaseModel):
    """What became of the tests."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_ANSWER]})

    tests: int
    passed: int
    failed: int
    errors: int
    results: list[RuleTestResult]
    coverage: Coverage | None


router = APIRouter(route_class=JsonRoute, responses={"default": ANY})


@router.post(
    "/v1/rules/run-tests",
    tags=["rules"],
    summary="Run tests of rules",
    response_model=RunTestsAnswer,
    responses={
        **UNREADABLE,
        422: described(
            "The request does not fit.",
            422,
            "The request does not fit what this address takes.",
            kind="invalid-request",
            errors=[{"pointer": "#/tests", "detail": "Field required"}],
        ),
    },
)
async def run_rule_tests(body: RunTestsRequest) -> JsonAnswer:
    """The same data as `dispatcher test --format json`. Nothing is kept or filed, and no settings are read.

    Rules or tests that cannot be used are results with the outcome `error`. All tests together have 10 seconds.
    """
    rules = {RULES_NAME: body.rules} if isinstance(body.rules, str) else body.rules
    report = await on_the_side(partial(_run, rules, body))
    return JsonAnswer(report)


def _run(rules: dict[str, str], body: RunTestsRequest) -> dict[str, Any]:
    go_on = until(time.monotonic() + MOST_SECONDS)
    return run_given(rules, body.tests, body.tickets, coverage=body.coverage, go_on=go_on).to_dict()


def until(moment: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Return what tells whether a moment is still to come."""
    return lambda: clock() < moment
