"""The REST interface to audits of the rules in force."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from dispatcher import RuleSet
from dispatcher.audit import TOP, Period, Skipped, audit, cases_of
from service import examples
from service.audit import former
from service.deciding import on_the_side
from service.history import kept_history
from service.problems import ANY, JsonAnswer, JsonRoute
from service.versions import Versions

# Of the tickets that came in, so many of the newest are looked at.
MOST_TICKETS = 10_000
# After so long, what was found is no longer tried out, and earlier rules are known by their titles alone.
MOST_SECONDS = 10.0
LONGEST_DAYS, MOST_LISTED = 3650, 50

_RULE: dict[str, Any] = {"file": "10-desk.rules", "line": 6, "title": "Printers go to the desk"}
_LATER: dict[str, Any] = {"file": "20-printers.rules", "line": 2, "title": "Printers have a team"}
_HITS: dict[str, Any] = {"tickets": 41, "last": "2026-11-21T09:30:00+01:00", "examples": [examples.ID]}
_NONE: dict[str, Any] = {"tickets": 0, "last": None, "examples": []}
_REVISION = "8c1f" * 16

EXAMPLE: dict[str, Any] = {
    "tickets": 412,
    "first": "2026-10-23T08:04:12+02:00",
    "last": "2026-11-21T09:30:00+01:00",
    "skipped": {},
    "revision": _REVISION,
    "revisions": [{"revision": _REVISION, "in_force": True, "tickets": 412}],
    "rules": [
        _RULE | {"present": 412, "share": 0.0995, "failed": 0} | _HITS,
        _LATER | {"present": 412, "share": 0.0995, "failed": 0} | _HITS,
    ],
    "not_fired": [],
    "overwritten": [
        _RULE
        | {"variable": "team", "by": [_LATER | {"tickets": 41}], "without": {"outcome": "same", "tried": 5}}
        | _HITS
    ],
    "pairs": [
        {
            "variable": "team",
            "winner": _LATER,
            "loser": _RULE,
            "swapped": {
                "outcome": "differs",
                "tried": 1,
                "example": examples.ID,
                "now": "Printers",
                "then": "1st Line Support",
            },
        }
        | _HITS
    ],
    "faults": [],
    "refused": _NONE | {"rules": []},
    "no_rule_fired": _NONE,
    "submission_errors": {
        "filed": 408,
        "fields": [{"variable": "team"} | _HITS],
        "values": [{"variable": "team", "value": "Printers", "reason": "Halo has no such team"} | _HITS],
    },
    "gone": [],
    "more": {},
    "left_out": {},
}


class Hits(BaseModel):
    """Tickets that something happened to."""

    tickets: int
    last: datetime | None
    examples: list[str] = Field(description="Ids of some of them.")


class Rule(BaseModel):
    """A rule of those in force; nulls where a decision names one that is not there any more."""

    file: str | None
    line: int | None
    title: str | None


class Revision(BaseModel):
    """How many of the tickets a revision of the rules decided."""

    revision: str | None
    in_force: bool
    tickets: int


class RuleHits(Rule, Hits):
    """How often a rule fired and failed, of the tickets that were decided when it was there."""

    present: int
    share: float | None
    failed: int


class Idle(Rule):
    """A rule that did not fire."""

    present: int
    failed: int


class Experiment(BaseModel):
    """What comes of changed rules: tried on tickets that are at hand, up to the first difference."""

    outcome: Literal["same", "differs", "fails", "unknown"]
    tried: int
    example: str | None = None
    variable: str | None = None
    now: Any = None
    then: Any = None


class Overwriter(Rule):
    """A rule that has the last word, and on how many tickets."""

    tickets: int


class Overwritten(Rule, Hits):
    """A value that others replaced on each ticket that the rule set it on; `without`: were it not set there."""

    variable: str
    by: list[Overwriter]
    without: Experiment


class Pair(Hits):
    """Two rules that set a variable to different values on a ticket; `swapped`: in each other's place."""

    variable: str
    winner: Rule
    loser: Rule
    swapped: Experiment


class Line(BaseModel):
    """A line of a rule file."""

    file: str
    line: int


class FaultHits(Rule, Hits):
    """A way in which a rule fails; the message is that of the last time."""

    at: Line
    type: str
    message: str


class Counted(Rule, Hits):
    """A rule, and the tickets that it refused or fired on."""


class Refusals(Hits):
    """Refused tickets."""

    rules: list[Counted]


class FieldHits(Hits):
    """A field that fell back."""

    variable: str


class ValueHits(FieldHits):
    """A value that Halo did not take."""

    value: Any
    reason: str


class SubmissionErrors(BaseModel):
    """What Halo did not take of the tickets that are filed."""

    filed: int
    fields: list[FieldHits]
    values: list[ValueHits]


class Audit(BaseModel):
    """What rules did to past tickets, and what about that is odd; each list has what matters most first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    tickets: int
    first: datetime | None
    last: datetime | None
    skipped: dict[str, int] = Field(description="Tickets that were not looked at, by reason.")
    revision: str
    revisions: list[Revision]
    rules: list[RuleHits]
    not_fired: list[Idle]
    overwritten: list[Overwritten]
    pairs: list[Pair]
    faults: list[FaultHits]
    refused: Refusals
    no_rule_fired: Hits
    submission_errors: SubmissionErrors | None = Field(description="Null: none of the tickets is in Halo.")
    gone: list[Counted] = Field(description="Rules of older decisions that are not found in those in force.")
    more: dict[str, int] = Field(description="How many entries a list lacks.")
    left_out: dict[str, int] = Field(description="How often something happened that is in no list, for want of room.")


router = APIRouter(prefix="/v1/rules/audit", tags=["rules"], route_class=JsonRoute, responses={"default": ANY})


@router.get("", summary="Audit the rules in force", response_model=Audit)
async def audit_rules(
    request: Request,
    days: Annotated[int, Query(ge=1, le=LONGEST_DAYS, description="Tickets of so many days.")] = 30,
    top: Annotated[int, Query(ge=1, le=MOST_LISTED, description="So many entries of each list.")] = TOP,
) -> JsonAnswer:
    """What the rules in force did to the tickets of some days, and what about that is odd.

    Rules that did not fire or that fail, values that are always overwritten, pairs of rules of which the order
    decides, and fields that fell back in Halo. Of more than 10000 tickets, the newest are looked at, and `skipped` says
    how many are not.
    """
    state = request.app.state
    now = datetime.now(UTC)
    since = now - timedelta(days=days)
    return JsonAnswer(await on_the_side(partial(_audited, state.rules.ruleset, state.versions, now, since, top)))


def _audited(ruleset: RuleSet, versions: Versions, now: datetime, since: datetime, top: int) -> dict[str, Any]:
    until = time.monotonic() + MOST_SECONDS

    def late() -> bool:
        return time.monotonic() > until

    whole = kept_history(versions.database, since=since)
    newest = kept_history(versions.database, since=since, newest=MOST_TICKETS)
    # Other processes would keep the cores from those that take tickets in.
    cases = cases_of(newest.lines, ruleset, Period(now), processes=1)
    beyond = (whole.total or 0) - (newest.total or 0)
    skipped = [Skipped("beyond_bound", beyond)] if beyond > 0 else []
    return audit(ruleset, chain(cases, skipped), former=former(versions, late), top=top, late=late).to_dict()
