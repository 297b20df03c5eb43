"""The REST interface: reads requests, calls, answers.

Handlers are plain `def`, so that checking and the database run in threads and never hold up the event loop, except
where `Trials` knows that there is little to do. What they depend on is at hand, and `async` spares it a thread.
Answers are written by `JsonAnswer`, which takes any text; the models at the routes are what the OpenAPI
document shows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Request

from dispatcher import RulesError, RuleSet, check
from service import examples, models
from service.intake import ID_PATTERN, Intake, KeyReusedError
from service.problems import DirectRoute, JsonAnswer, JsonRoute, Problem, described
from service.settings import Settings
from service.store import State, Store, StoredTicket
from service.trials import Trials


async def _settings(request: Request) -> Settings:
    return request.app.state.settings  # type: ignore[no-any-return]


async def _ruleset(request: Request) -> RuleSet:
    return request.app.state.ruleset  # type: ignore[no-any-return]


async def _store(request: Request) -> Store:
    return request.app.state.store  # type: ignore[no-any-return]


async def _intake(request: Request) -> Intake:
    return request.app.state.intake  # type: ignore[no-any-return]


_UNREADABLE: dict[int | str, dict[str, Any]] = {
    400: described("The body is not JSON that can be read.", 400, "The body is not JSON that can be read: ..."),
    413: described("The body is too long.", 413, "The body is longer than 1048576 bytes."),
    415: described("The body is not sent as JSON.", 415, "Send the body as JSON, with the header ..."),
}
_INVALID = described(
    "The request does not fit.",
    422,
    "The request does not fit what this address takes.",
    kind="invalid-request",
    errors=[{"pointer": "#/rules", "detail": "Field required"}],
)

_ANY = described("Any other error.", 500, "The service failed on this request. Its log says why.")

router = APIRouter(route_class=JsonRoute, responses={"default": _ANY})
_direct = APIRouter(route_class=DirectRoute)


@router.post(
    "/v1/rules/check",
    tags=["rules"],
    summary="Check rules",
    response_model=models.CheckAnswer,
    responses={**_UNREADABLE, 422: _INVALID},
)
def check_rules(body: models.CheckRequest, settings: Annotated[Settings, Depends(_settings)]) -> JsonAnswer:
    """All problems of one rule file, in source order. Nothing is run, kept or changed."""
    diagnostics = check(body.rules, body.filename, variables=settings.variables)
    return JsonAnswer({"diagnostics": [diagnostic.to_dict() for diagnostic in diagnostics]})


@_direct.post(
    "/v1/rules/test",
    tags=["rules"],
    summary="Try rules on a ticket",
    response_model=models.DryRunAnswer,
    responses={
        **_UNREADABLE,
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
        diagnostics = [diagnostic.to_dict() for diagnostic in error.diagnostics]
        raise Problem(
            422, str(error), kind="rules-invalid", title="Rules with errors", diagnostics=diagnostics
        ) from None


router.include_router(_direct)


@router.post(
    "/v1/tickets",
    tags=["tickets"],
    summary="Post a ticket",
    status_code=202,
    response_model=models.Accepted,
    responses={
        **_UNREADABLE,
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
def post_ticket(
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
    try:
        kept = intake.take(ticket, idempotency_key)
    except KeyReusedError as error:
        raise Problem(422, str(error), kind="idempotency-key-reused", title="Idempotency-Key reused") from None
    place = {"Location": f"/v1/tickets/{kept.id}"}
    # From the decision and not from the state, so that a repetition gets the first answer however far the
    # ticket is.
    refusal = kept.decision["refused"]
    if refusal is not None:
        raise Problem(422, refusal, kind="ticket-refused", title="Ticket refused", headers=place, id=kept.id)
    return JsonAnswer({"id": kept.id, "state": State.ACCEPTED, "decision": kept.decision}, 202, place)


@router.get(
    "/v1/tickets/{ticket_id}",
    tags=["tickets"],
    summary="See how far a ticket got",
    response_model=models.TicketView,
    responses={404: described("There is no such ticket.", 404, f"There is no ticket `{examples.ID}`.")},
)
def get_ticket(ticket_id: str, store: Annotated[Store, Depends(_store)]) -> JsonAnswer:
    """State, decision, Halo's ids, and the last error of a ticket that came in."""
    # What cannot be an id is not looked up: not every text may be sent to every database.
    ticket = store.get(ticket_id) if re.fullmatch(ID_PATTERN, ticket_id) else None
    if ticket is None:
        raise Problem(404, f"There is no ticket `{ticket_id}`.")
    return JsonAnswer(_view(ticket))


@router.get("/healthz", tags=["operation"], summary="See whether the service works", response_model=models.Health)
def healthz(store: Annotated[Store, Depends(_store)], ruleset: Annotated[RuleSet, Depends(_ruleset)]) -> JsonAnswer:
    """That the service runs and reaches its database, and which rules it has."""
    store.get("")
    return JsonAnswer({"status": "ok", "revision": ruleset.revision})


def _view(ticket: StoredTicket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "state": ticket.state,
        "decision": ticket.decision,
        "halo_ticket_id": ticket.halo_ticket_id,
        "halo_note_id": ticket.halo_note_id,
        "submission_errors": ticket.submission_errors,
        "remarks": ticket.remarks,
        "attempts": ticket.attempts,
        "last_error": ticket.last_error,
        "created_at": _time(ticket.created_at),
        "updated_at": _time(ticket.updated_at),
    }


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
