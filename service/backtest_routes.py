"""The REST interface to backtests: what other rules would change, against those in force."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from dispatcher import RulesError, RuleSet
from dispatcher.backtest import When, backtest
from dispatcher.history import GIVEN, History
from dispatcher.lang.source import Source
from service import examples
from service.deciding import on_the_side
from service.history import kept_history
from service.problems import ANY, UNREADABLE, JsonAnswer, JsonRoute, described, rules_invalid
from service.trials import Trials

# As many kept tickets, and as long, one request may have compared. What is given is bounded by the body's size.
MOST_TICKETS = 10_000
MOST_SECONDS = 10.0
MOST_EXAMPLES = 50

_LINE: dict[str, Any] = {"file": "printing.rules", "line": 3, "title": "Emergencies first"}
EXAMPLE: dict[str, Any] = {
    "tickets": 412,
    "changed": 17,
    "groups": [
        {
            "count": 17,
            "rest": False,
            "refusal": None,
            "changes": [
                {
                    "variable": "priority",
                    "old": 2,
                    "new": 1,
                    "varies": False,
                    "old_by": _LINE,
                    "new_by": _LINE,
                    "same_line": False,
                }
            ],
            "fault": None,
            "examples": [
                {
                    "place": examples.ID,
                    "id": examples.ID,
                    "subject": "Nobody on the second floor can print",
                    "values": {},
                }
            ],
        }
    ],
    "variables": {"priority": 17},
    "refused": {"new": 0, "gone": 0},
    "faults": {"new": 0, "gone": 0},
    "unreadable": 0,
    "unreadable_lines": [],
    "outside": 0,
    "no_longer_kept": 3,
    "not_decided": 0,
    "nothing_known": 0,
    "nothing_known_places": [],
    "cut": None,
    "new_revision": "8c1f" * 16,
    "old_revision": "41f3c7ad" * 8,
}


class _Rules(BaseModel):
    """New rules, and which tickets they are tried on."""

    model_config = ConfigDict(extra="forbid")

    rules: str | dict[str, str] = Field(
        description="The text of one rule file, or the texts of several by their names, which run in name order."
    )
    since: datetime | None = Field(None, description="Tickets that came in then or later.")
    until: datetime | None = Field(None, description="Tickets that came in before.")
    examples: int = Field(5, ge=0, le=MOST_EXAMPLES, description="Tickets to name of each kind.")

    def sources(self) -> list[Source]:
        """Return the rule files, in the order in which they run."""
        texts = {"<rules>": self.rules} if isinstance(self.rules, str) else self.rules
        return [Source(texts[name], name) for name in sorted(texts)]


class BacktestRequest(_Rules):
    """New rules, and tickets of the past."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rules": examples.RULES, "history": [{"ticket": examples.TICKET}]}]}
    )

    history: list[dict[str, Any]] = Field(
        description="Tickets as a sender posts them, or envelopes around them: "
        '`{"ticket": {...}, "received_at": "2026-03-02T17:45:00+01:00", "id": "...", "looked_up": {...}}`, of which '
        "only `ticket` must be there."
    )
    now: datetime | None = Field(None, description="When tickets arrive that name no time; left out: now.")


class KeptBacktestRequest(_Rules):
    """New rules, to be tried on the kept tickets."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rules": examples.RULES, "since": "2026-11-01T00:00:00+01:00", "limit": 1000}]}
    )

    limit: int = Field(1000, ge=1, le=MOST_TICKETS, description="So many tickets at the most, the newest.")


class RuleLine(BaseModel):
    """The line that sets a value, and the title of its rule."""

    file: str
    line: int
    title: str


class ChangedValue(BaseModel):
    """A variable that gets another value; `old` and `new` are null where they vary within the group."""

    variable: str
    old: Any
    new: Any
    varies: bool
    old_by: RuleLine | Literal["ticket", "default"]
    new_by: RuleLine | Literal["ticket", "default"]
    same_line: bool = Field(description="Both values are set by lines that read the same: what those use has changed.")


class ChangedFault(RuleLine):
    """A rule that fails now, or no longer; the message is null where it varies within the group."""

    became: Literal["new", "gone"]
    type: str
    message: str | None


class Values(BaseModel):
    """What a variable gets by the old and by the new rules."""

    old: Any
    new: Any


class Example(BaseModel):
    """A ticket to open: its id or its number in the request, and its values of the variables that vary."""

    place: str
    id: str | None
    subject: str
    values: dict[str, Values]


class Group(BaseModel):
    """Changes that are alike: the same variables, by the same lines. A ticket counts for each rule that changes it."""

    count: int
    rest: bool = Field(description="There were too many groups; these changes have nothing in common.")
    refusal: Literal["new", "gone", "other text"] | None
    changes: list[ChangedValue]
    fault: ChangedFault | None
    examples: list[Example]


class BecameCounts(BaseModel):
    """On how many tickets something is new, and on how many it is gone."""

    new: int
    gone: int


class UnreadableLine(BaseModel):
    """What is no ticket, and why."""

    place: str
    reason: str


class BacktestAnswer(BaseModel):
    """What new rules would change, on so many `tickets`; the other numbers are of those that could not be compared."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    tickets: int
    changed: int
    groups: list[Group]
    variables: dict[str, int] = Field(description="On how many tickets each variable gets another value.")
    refused: BecameCounts
    faults: BecameCounts
    unreadable: int
    unreadable_lines: list[UnreadableLine] = Field(description="Some of them.")
    outside: int = Field(description="Tickets that came in before `since`, or not before `until`.")
    no_longer_kept: int = Field(description="Tickets of which the content is deleted by now.")
    not_decided: int
    nothing_known: int = Field(description="Tickets that do not change, and of which no key is a ticket variable.")
    nothing_known_places: list[str] = Field(description="Some of them.")
    cut: Literal["limit", "time"] | None = Field(
        description=f"Why not all tickets were compared: `limit`, or `time` after {MOST_SECONDS:g} s. Null: all were."
    )
    new_revision: str
    old_revision: str


_ANSWERS: dict[int | str, dict[str, Any]] = {
    **UNREADABLE,
    422: described(
        "The rules have errors, or the request does not fit.",
        422,
        "<rules>:2:12: nothing is called `tema`",
        kind="rules-invalid",
        title="Rules with errors",
        diagnostics=[examples.DIAGNOSTIC],
    ),
}

router = APIRouter(tags=["rules"], route_class=JsonRoute, responses={"default": ANY})


@router.post(
    "/v1/rules/backtest",
    summary="Compare rules with those in force on given tickets",
    response_model=BacktestAnswer,
    responses=_ANSWERS,
)
async def backtest_given(request: Request, body: BacktestRequest) -> JsonAnswer:
    """Which of these tickets the new rules would decide otherwise, how, and by which line. Nothing is kept or filed."""
    lines = [(GIVEN, number, json.dumps(ticket).encode("ascii")) for number, ticket in enumerate(body.history, 1)]
    return await _answer(request, body, partial(History, lines, len(lines), "tickets"), body.now)


@router.post(
    "/v1/tickets/backtest",
    summary="Compare rules with those in force on the kept tickets",
    response_model=BacktestAnswer,
    responses=_ANSWERS,
)
async def backtest_kept(request: Request, body: KeptBacktestRequest) -> JsonAnswer:
    """Which of the tickets that came in the new rules would decide otherwise, how, and by which line."""
    trials: Trials = request.app.state.trials
    since, until = (moment and trials.moment(moment) for moment in (body.since, body.until))
    database = request.app.state.database
    opened = partial(kept_history, database, since=since, until=until, newest=body.limit)
    return await _answer(request, body, opened, limit=body.limit)


async def _answer(
    request: Request,
    body: _Rules,
    opened: Callable[[], History],
    now: datetime | None = None,
    *,
    limit: int | None = None,
) -> JsonAnswer:
    state = request.app.state
    trials: Trials = state.trials
    since, until = (moment and trials.moment(moment) for moment in (body.since, body.until))
    when = When(trials.moment(now), state.settings.zone, since, until)
    work = partial(_report, state.rules.ruleset, body.sources(), opened, when, body.examples, limit)
    try:
        return JsonAnswer(await on_the_side(work))
    except RulesError as error:
        raise rules_invalid(error) from None


def _report(
    active: RuleSet,
    sources: Iterable[Source],
    opened: Callable[[], History],
    when: When,
    named: int,
    limit: int | None,
) -> dict[str, Any]:
    end = time.monotonic() + MOST_SECONDS
    new = active.with_sources(sources)
    history = opened()
    report = backtest(
        new,
        active,
        history.lines,
        when,
        limit=limit,
        examples=named,
        # Other processes would keep the cores from those that take tickets in.
        processes=1,
        late=lambda: time.monotonic() > end,
        more=history.more,
    )
    return report.to_dict()
