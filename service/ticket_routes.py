"""The REST interface to tickets that came in: seeing them, and what a person does with those that stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service import examples, models
from service.intake import ID_PATTERN
from service.problems import ANY, UNREADABLE, JsonAnswer, JsonRoute, Problem, described
from service.store import Stage, State
from service.tickets import MOST, DefaultsError, NoTicketError, Tickets, WrongStateError

Result = TypeVar("Result")

_Answers = dict[int | str, dict[str, Any]]

_NONE: _Answers = {404: described("There is no such ticket.", 404, f"There is no ticket `{examples.ID}`.")}
_NOT_NOW: _Answers = {
    **_NONE,
    409: described(
        "The ticket is not in a state for this.",
        409,
        f"The ticket {examples.ID} is filed and cannot be cancelled: ...",
        kind="wrong-state",
        title="Not in this state",
    ),
}
_DEFAULTS: _Answers = {
    **UNREADABLE,
    422: described(
        "A default is for no ticket variable that rules can write, or the request does not fit.",
        422,
        "`prioriti` is no ticket variable that rules can write; did you mean `priority`?",
        kind="invalid-request",
        errors=[{"pointer": "#/defaults/prioriti", "detail": "`prioriti` is no ticket variable ..."}],
    ),
}

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], route_class=JsonRoute, responses={"default": ANY})


async def _tickets(request: Request) -> Tickets:
    return Tickets(request.app.state.store)


AllTickets = Annotated[Tickets, Depends(_tickets)]


@router.get("", summary="List tickets", response_model=models.TicketPage)
async def list_tickets(
    tickets: AllTickets,
    state: Annotated[list[State] | None, Query(description="In this state; named again: or in that one.")] = None,
    before: Annotated[
        str | None, Query(pattern=f"^{ID_PATTERN}$", description="Tickets older than this id: `next` of a page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> JsonAnswer:
    """The newest tickets first, without what they say; `next` is where the following page begins."""
    return JsonAnswer(await run_in_threadpool(tickets.page, state or (), before, limit))


@router.get("/{ticket_id}", summary="See how far a ticket got", response_model=models.TicketView, responses=_NONE)
async def get_ticket(ticket_id: str, tickets: AllTickets) -> JsonAnswer:
    """State, decision, Halo's ids, and the last error of a ticket that came in."""
    return JsonAnswer(await _done(tickets.view, ticket_id))


@router.get(
    "/{ticket_id}/attempts",
    summary="See every attempt at filing a ticket",
    response_model=models.AttemptLog,
    responses=_NONE,
)
async def get_attempts(ticket_id: str, tickets: AllTickets) -> JsonAnswer:
    """Each with its times, its result, and what Halo answered, in words."""
    return JsonAnswer({"attempts": await _done(tickets.attempts, ticket_id)})


@router.post(
    "/replay",
    summary="Replay all dead tickets",
    response_model=models.Replayed,
    responses=_DEFAULTS,
)
async def replay_dead(request: Request, tickets: AllTickets, body: models.ReplayRequest | None = None) -> JsonAnswer:
    """Files every dead ticket after all, with other defaults than before if some are given."""
    number = await _done(tickets.replay_dead, None if body is None else body.defaults)
    request.app.state.wake()
    return JsonAnswer({"replayed": number})


@router.post(
    "/{ticket_id}/replay",
    summary="Replay a ticket",
    response_model=models.TicketView,
    responses={**_NOT_NOW, **_DEFAULTS},
)
async def replay_ticket(
    request: Request, ticket_id: str, tickets: AllTickets, body: models.ReplayRequest | None = None
) -> JsonAnswer:
    """Files a dead, cancelled or doubtful ticket after all; what may be in Halo is looked for before."""
    answer = await _done(tickets.replay, ticket_id, None if body is None else body.defaults)
    request.app.state.wake()
    return JsonAnswer(answer)


@router.post(
    "/{ticket_id}/resolve",
    summary="Say whether Halo has a ticket",
    response_model=models.TicketView,
    responses={**_NOT_NOW, **UNREADABLE, 422: _DEFAULTS[422]},
)
async def resolve_ticket(
    request: Request, ticket_id: str, tickets: AllTickets, body: models.ResolveRequest
) -> JsonAnswer:
    """Settles what nobody but a person can tell: where the ticket, or its note, is in Halo, or (null) that it is not.

    With that the ticket goes on.
    """
    if body.about is Stage.TICKET:
        answer = await _done(tickets.resolve, ticket_id, body.halo_ticket_id)
    else:
        answer = await _done(tickets.resolve_note, ticket_id, body.halo_note_id)
    request.app.state.wake()
    return JsonAnswer(answer)


@router.post(
    "/{ticket_id}/cancel", summary="Stop filing a ticket", response_model=models.TicketView, responses=_NOT_NOW
)
async def cancel_ticket(ticket_id: str, tickets: AllTickets) -> JsonAnswer:
    """Leaves a ticket that is not yet filed as it is. What is on its way to Halo at this moment may get there."""
    return JsonAnswer(await _done(tickets.cancel, ticket_id))


@router.delete("/{ticket_id}", summary="Delete a ticket", status_code=204, responses=_NOT_NOW)
async def delete_ticket(ticket_id: str, tickets: AllTickets) -> Response:
    """Deletes all that is known of a ticket, its Idempotency-Key too. What is in Halo stays there."""
    await _done(tickets.delete, ticket_id)
    return Response(status_code=204)


async def _done(act: Callable[..., Result], *arguments: Any) -> Result:
    """Return what a call gives that takes a while; Problem if it refuses."""
    try:
        return await run_in_threadpool(act, *arguments)
    except NoTicketError as error:
        raise Problem(404, str(error)) from None
    except WrongStateError as error:
        raise Problem(409, str(error), kind="wrong-state", title="Not in this state") from None
    except DefaultsError as error:
        errors = [{"pointer": f"#/defaults/{name}", "detail": problem} for name, problem in error.problems.items()]
        raise Problem(422, str(error), kind="invalid-request", errors=errors) from None
