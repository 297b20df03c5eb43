"""The REST interface: reads requests, calls, answers.

Handlers are plain `def`, so that checking and the database run in threads and never hold up the event loop, except
where `Trials` knows that there is little to do. What they depend on is at hand, and `async` spares it a thread.
Answers are written by `JsonAnswer`, which takes any text; the models at the routes are what the OpenAPI
document shows.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Request

from dispatcher import RulesError, check
from dispatcher.halo.errors import HaloRequestError
from service import examples, models
from service.access import sender_of
from service.deciding import DecidingRules, on_the_side
from service.intake import Intake, KeyReusedError
from service.names import NamesCheck
from service.problems import ANY, UNREADABLE, DirectRoute, JsonAnswer, JsonRoute, Problem, described, rules_invalid
from service.store import State, Store
from service.trials import Trials


async def _store(request: Request) -> Store:
    return request.app.state.store  # type: ignore[no-any-return]


async def _intake(request: Request) -> Intake:
    return request.app.state.intake  # type: ignore[no-any-return]


_INVALID = described(
    "The request does not fit.",
    422,
    "The request does not fit what this address takes.",
    kind="invalid-request",
    errors=[{"pointer": "#/rules", "detail": "Field required"}],
)

_NO_HALO = described(
    "The names were to be looked up, and Halo cannot be asked.",
    503,
    "GET Team: example.halopsa.com cannot be reached: timed out.",
    kind="halo-unreachable",
    title="Halo cannot be asked",
)

router = APIRouter(route_class=JsonRoute, responses={"default": ANY})
_direct = APIRouter(route_class=DirectRoute)


@router.post(
    "/v1/rules/check",
    tags=["rules"],
    summary="Check rules",
    response_model=models.CheckAnswer,
    responses={**UNREADABLE, 422: _INVALID, 503: _NO_HALO},
)
async def check_rules(request: Request, body: models.CheckRequest) -> JsonAnswer:
    """All problems of one rule file, in source order. Nothing is run, kept or changed."""
    if body.live:
        names: NamesCheck = request.app.state.names
        try:
            diagnostics = await names.of_text(body.rules, body.filename)
        except HaloRequestError as error:
            raise Problem(503, str(error), kind="halo-unreachable", title="Halo cannot be asked") from None
    else:
        variables = request.app.state.rules.ruleset.variables
        diagnostics = await on_the_side(partial(check, body.rules, body.filename, variables=variables))
    return JsonAnswer({"diagnostics": [diagnostic.to_dict() for diagnostic in diagnostics]})


@_direct.post(
    "/v1/rules/test",
    tags=["rules"],
    summary="Try rules on a ticket",
    response_model=models.DryRunAnswer,
    responses={
        **UNREADABLE,
        422: described(
            "The rules have errors, or the request does not fit.",
            422,
            "<rules>:2:12: nothing is called `tema`",
            kind="rules-invalid",
            title="Rules with errors",
            diagnostics=[examples.DIAGNOSTIC],
        ),
    },
)
async def test_rules(request: Request, body: models.DryRunRequest) -> JsonAnswer:
    """What the rules would decide for a ticket, and what would be sent to Halo. Nothing is kept or filed."""
    trials: Trials = request.app.state.trials
    if body.rules is None:
        return JsonAnswer(await trials.of_active(body.ticket, body.now, len(await request.body())))
    try:
        return JsonAnswer(await trials.of_text(body.rules, body.ticket, body.now))
    except RulesError as error:
        raise rules_invalid(error) from None


router.include_router(_direct)


@router.post(
    "/v1/tickets",
    tags=["tickets"],
    summary="Post a ticket",
    status_code=202,
    response_model=models.Accepted,
    responses={
        **UNREADABLE,
        422: described(
            "A rule refuses the ticket, the Idempotency-Key belongs to another, or the request does not fit.",
            422,
            "Please call us: your contract has ended.",
            kind="ticket-refused",
            title="Ticket refused",
            id=examples.ID,
        ),
    },
)
async def post_ticket(
    request: Request,
    ticket: Annotated[dict[str, Any], Body(examples=[examples.TICKET])],
    intake: Annotated[Intake, Depends(_intake)],
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="Chosen by the sender, one for each ticket; sent again, it gives the first answer.",
        ),
    ] = None,
) -> JsonAnswer:
    """Take a ticket: the rules decide it, both are kept, and it will be filed in Halo exactly once.

    The body is one object; its keys are ticket variables. Others are kept, and shown in the private note.
    """
    rules: DecidingRules = request.app.state.rules.current
    looked_up = await request.app.state.requesters.look_up(ticket, rules.ruleset.reads)
    try:
        kept = await intake.take(
            ticket, idempotency_key, looked_up, len(await request.body()), sender_of(request.scope), rules
        )
    except KeyReusedError as error:
        raise Problem(422, str(error), kind="idempotency-key-reused", title="Idempotency-Key reused") from None
    request.app.state.wake()
    place = {"Location": f"/v1/tickets/{kept.id}", "Idempotency-Key": idempotency_key or kept.id}
    # From the decision and not from the state, so that a repetition gets the first answer however far the
    # ticket is.
    decision = kept.decision or {}
    refusal = decision.get("refused")
    if refusal is not None:
        raise Problem(422, refusal, kind="ticket-refused", title="Ticket refused", headers=place, id=kept.id)
    return JsonAnswer({"id": kept.id, "state": State.ACCEPTED, "decision": kept.decision}, 202, place)
