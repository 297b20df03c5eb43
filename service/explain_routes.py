"""The REST interface to explanations: why rules decide a ticket as they do, one that is given or one that came in."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from dispatcher import RulesError
from dispatcher.errors import DispatcherError
from dispatcher.explain import explain
from service import examples, models
from service.deciding import on_the_side
from service.explaining import NotKeptError, explain_kept
from service.problems import ANY, UNREADABLE, JsonAnswer, JsonRoute, Problem, described, rules_invalid
from service.tickets import NoTicketError
from service.trials import Trials
from service.versions import NoRevisionError, UnusableRevisionError

# A line of a rule file, with the file's name before it where there are several: `12`, `vip.rules:12`.
LINE = r"^(.+:)?[1-9][0-9]{0,8}$"

EXAMPLE: dict[str, Any] = {**examples.DRY_RUN, "why": "priority"}
ANSWER: dict[str, Any] = {
    "refused": None,
    "fields": [
        {
            "variable": "priority",
            "value": 1,
            "first": None,
            "origin": "rule",
            "set_by": {
                "file": "<rules>",
                "line": 3,
                "text": "priority = 1",
                "rule_line": 2,
                "rule_title": "Emergencies first",
            },
            "because": [
                {
                    "line": 2,
                    "text": "'This is an emergency' in selections",
                    "truth": True,
                    "values": [{"text": "selections", "value": "This is an emergency"}],
                    "hint": "",
                }
            ],
            "otherwise": {
                "lines": [
                    {
                        "file": "<rules>",
                        "line": 3,
                        "text": "priority = 1",
                        "rule_line": 2,
                        "rule_title": "Emergencies first",
                    }
                ],
                "value": None,
                "by": None,
            },
            "steps": [
                {
                    "file": "<rules>",
                    "line": 3,
                    "text": "priority = 1",
                    "rule_line": 2,
                    "rule_title": "Emergencies first",
                    "old": None,
                    "new": 1,
                    "times": 1,
                    "fate": "stays",
                    "by": None,
                }
            ],
            "omitted_steps": 0,
        }
    ],
    "fired": [{"file": "<rules>", "line": 2, "title": "Emergencies first"}],
    "not_fired": [],
    "omitted_rules": 0,
    "why_not": None,
    "faults": [],
    "revision": examples.DECISION["revision"],
    "received_at": examples.NOW,
}


class Place(BaseModel):
    """A line of a rule file, and the rule that it belongs to."""

    file: str
    line: int
    text: str
    rule_line: int
    rule_title: str


class Value(BaseModel):
    """What an expression of a rule was."""

    text: str
    value: Any


class Part(BaseModel):
    """A part of a condition: whether it was true, what it looked at, and what nearly made it true."""

    line: int
    text: str
    truth: bool | None
    values: list[Value]
    hint: str


class Miss(BaseModel):
    """A branch that was not taken, and why."""

    line: int
    kind: str
    text: str
    reason: Literal["false", "true", "skipped", "empty", "no match", "not called", "left", "not reached"]
    part: Part | None
    looks: int
    nearness: float = Field(description="How much of the condition held at the nearest look, from 0 to 1.")
    line_before: int | None = Field(description="The `case` that matched first.")


class Step(Place):
    """Writes of one line, and what became of the value: `by` extended or overwrote it."""

    old: Any
    new: Any
    times: int
    fate: Literal["stays", "extended", "overwritten", "same"]
    by: Place | None


class Otherwise(BaseModel):
    """What the variable would be without some lines, by experiment, and which line would set it then."""

    lines: list[Place]
    value: Any
    by: Place | None


class FieldExplanation(BaseModel):
    """Why a variable is what it is; `because` are the conditions that let the line run which set it."""

    variable: str
    value: Any
    first: Any
    origin: Literal["rule", "ticket", "default", "message", "fault", "unset"]
    set_by: Place | None
    because: list[Part]
    otherwise: Otherwise | None
    steps: list[Step]
    omitted_steps: int


class ExplainedFault(BaseModel):
    """Why a rule counted as absent."""

    type: str
    message: str
    file: str
    line: int
    column: int


class NotFired(models.RuleOutcome):
    """Why a rule did not fire; `nearest` is the index of the branch of which most held."""

    misses: list[Miss]
    nearest: int | None
    nearness: float = Field(description="How near it came to fire, from 0 to 1; 1 where it failed.")
    fault: ExplainedFault | None


class WhyNot(Place):
    """Why a line did not run, and which parts would have to be otherwise, by experiment."""

    ran: bool
    closed: Miss | None
    misses: list[Miss]
    needed: list[Part]
    then_runs: bool
    fault: ExplainedFault | None


class Explanation(BaseModel):
    """Why a ticket was decided as it was."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})

    refused: str | None
    fields: list[FieldExplanation]
    fired: list[models.RuleOutcome]
    not_fired: list[NotFired]
    omitted_rules: int
    why_not: WhyNot | None
    faults: list[ExplainedFault]
    revision: str
    received_at: datetime


class KeptExplanation(Explanation):
    """The same of a kept ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**ANSWER, "as_decided": True}]})

    as_decided: bool = Field(description="Whether the rules of then, run now, decide what they decided.")


class ExplainRequest(BaseModel):
    """A ticket, and the rules to explain; without rules, those in force."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    rules: str | None = Field(default=None, description="The text of one rule file.")
    ticket: dict[str, Any] = Field(description="The ticket as a sender would post it.")
    now: datetime | None = Field(default=None, description="When it arrives; the present by default.")
    why: str | None = Field(default=None, description="Explain this variable only.")
    why_not: str | None = Field(default=None, pattern=LINE, description="Explain why this line did not run.")


_WRONG = described(
    "The rules have errors, there is no such variable or line, or the request does not fit.",
    422,
    "there is no rule at line 9; name a line of an `if`, a loop, or a ticket variable",
    kind="invalid-request",
)

router = APIRouter(route_class=JsonRoute, responses={"default": ANY})


@router.post(
    "/v1/rules/explain",
    tags=["rules"],
    summary="Explain what rules decide",
    response_model=Explanation,
    responses={**UNREADABLE, 422: _WRONG},
)
async def explain_rules(request: Request, body: ExplainRequest) -> JsonAnswer:
    """Why each variable is what it is, and why rules did not fire. Nothing is kept or filed."""
    trials: Trials = request.app.state.trials
    try:
        return JsonAnswer(await on_the_side(partial(_explained, trials, body)))
    except RulesError as error:
        raise rules_invalid(error) from None
    except DispatcherError as error:
        raise Problem(422, str(error), kind="invalid-request") from None


def _explained(trials: Trials, body: ExplainRequest) -> dict[str, Any]:
    ruleset = trials.active() if body.rules is None else trials.ruleset(body.rules)
    found = explain(ruleset, body.ticket, now=trials.moment(body.now), why=body.why, why_not=_line(body.why_not))
    return found.to_dict()


@router.get(
    "/v1/tickets/{ticket_id}/explanation",
    tags=["tickets"],
    summary="See why a ticket was decided as it was",
    response_model=KeptExplanation,
    responses={
        404: described("There is no such ticket.", 404, f"There is no ticket `{examples.ID}`."),
        410: described(
            "What the ticket said is no longer kept.",
            410,
            f"What the ticket {examples.ID} said is no longer kept, so that nobody can say why.",
        ),
        422: _WRONG,
    },
)
async def explain_ticket(
    request: Request,
    ticket_id: str,
    why: Annotated[str | None, Query(description="Explain this variable only.")] = None,
    why_not: Annotated[str | None, Query(pattern=LINE, description="Explain why this line did not run.")] = None,
) -> JsonAnswer:
    """Why each variable is what it is, and why rules did not fire, by the rules that decided the ticket."""
    state = request.app.state
    asked = partial(explain_kept, state.store, state.versions, ticket_id, why=why, why_not=_line(why_not))
    try:
        return JsonAnswer(await on_the_side(asked))
    except NoTicketError as error:
        raise Problem(404, str(error)) from None
    except (NotKeptError, NoRevisionError, UnusableRevisionError) as error:
        raise Problem(410, str(error)) from None
    except DispatcherError as error:
        raise Problem(422, str(error), kind="invalid-request") from None


def _line(text: str | None) -> tuple[str | None, int] | None:
    if text is None:
        return None
    file, _, number = text.rpartition(":")
    return file or None, int(number)
