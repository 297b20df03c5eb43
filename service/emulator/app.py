"""Puts the emulator together: Halo's paths, and the emulator's own page, JSON and reset beside them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TextIO

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.emulator.actions import ACTION, add_action
from service.emulator.behaviour import Behaviour
from service.emulator.lists import LISTINGS, Filters, Listing, Query, paginate, select
from service.emulator.oauth import Session, Tokens
from service.emulator.page import render_page, ticket_summary
from service.emulator.records import Tenant
from service.emulator.refusals import RefusalError, not_found, refuse
from service.emulator.rows import Row, agent_row
from service.emulator.tenant import CLIENT_ID, CLIENT_SECRET, demo_tenant
from service.emulator.ticket_rows import nested_details, ticket_detail, ticket_row
from service.emulator.tickets import TICKET, Ticket, TicketBook
from service.emulator.wire import read_array, read_query_number, read_single

VERSION = "2.250.0"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8421


def create_emulator(
    tenant: Tenant | None = None,
    behaviour: Behaviour | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """Return the emulator as an ASGI application with no tickets; `clock` gives the time in UTC."""
    tenant = tenant or demo_tenant()
    behaviour = behaviour or Behaviour()
    app = FastAPI(title="Halo emulator", openapi_url=None)
    app.state.emulator = Emulator(
        tenant, behaviour, clock, Tokens(tenant, behaviour, clock), TicketBook(tenant, behaviour, clock)
    )
    app.add_middleware(HaloPaths)
    app.add_exception_handler(RefusalError, refuse)
    for router in (_open, _tickets, _lists):
        app.include_router(router)
    return app


def run(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    behaviour: Behaviour | None = None,
    output: TextIO | None = None,
) -> None:
    """Serve a fresh emulator until interrupted; say on `output` how to reach it."""
    output = output or sys.stdout
    address = f"http://{host}:{port}"
    output.write(
        f"Halo emulator: {address} (open it to see the tickets)\n"
        f"resource_server = {address}/api, authorisation_server = {address}/auth\n"
        f"key = {demo_tenant().name}+{CLIENT_ID}:{CLIENT_SECRET} (dispatcher's default)\n"
    )
    output.flush()
    uvicorn.run(create_emulator(behaviour=behaviour), host=host, port=port, log_level="info")


@dataclass(frozen=True, slots=True)
class Emulator:
    """What the requests share: one tenant, its tokens and its tickets."""

    tenant: Tenant
    behaviour: Behaviour
    clock: Callable[[], datetime]
    tokens: Tokens
    book: TicketBook

    def detail(self, ticket: Ticket) -> Row:
        """Return a whole ticket as JSON."""
        return ticket_detail(ticket, self.tenant, self.behaviour)


class HaloPaths:
    """Makes paths case-insensitive, and the same with and without the `/api` prefix."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its canonical path."""
        if scope["type"] == "http":
            path = scope["path"].lower().rstrip("/")
            if path.startswith("/api/"):
                path = path.removeprefix("/api")
            scope = {**scope, "path": path or "/"}
        await self._app(scope, receive, send)


async def _emulator(request: Request) -> Emulator:
    emulator: Emulator = request.app.state.emulator
    return emulator


async def _query(request: Request) -> Query:
    return Query(request.query_params.multi_items())


def _needs(scope: str | None) -> Callable[..., Awaitable[Session]]:
    """Return the dependency that lets only holders of a token with this scope through."""

    async def signed_in(request: Request) -> Session:
        emulator = await _emulator(request)
        return emulator.tokens.session(request.headers.get("authorization", ""), scope)

    return signed_in


TheEmulator = Annotated[Emulator, Depends(_emulator)]
TheQuery = Annotated[Query, Depends(_query)]
Reader = Annotated[Session, Depends(_needs("read:tickets"))]
Writer = Annotated[Session, Depends(_needs("edit:tickets"))]

_open = APIRouter()
_tickets = APIRouter()


@_open.post("/auth/token")
async def give_token(request: Request, emulator: TheEmulator, query: TheQuery) -> Response:
    """Answer a token request."""
    return JSONResponse(emulator.tokens.grant(await request.body(), query.text("tenant")))


@_open.get("/authinfo")
async def auth_info(request: Request, emulator: TheEmulator) -> Response:
    """Tell where the authorisation server is."""
    return JSONResponse({"auth_url": f"{request.base_url}auth", "tenant_id": emulator.tenant.name})


@_open.get("/instanceinfo")
async def instance_info() -> Response:
    """Tell the version."""
    return JSONResponse({"version": VERSION, "product": "Halo emulator"})


@_open.get("/")
async def page(emulator: TheEmulator) -> Response:
    """Show the tickets to a person."""
    html, headers = render_page(emulator.tenant, emulator.book.all())
    return HTMLResponse(html, headers=headers)


@_open.get("/emulator/tickets")
async def tickets_as_json(emulator: TheEmulator) -> Response:
    """Return what the page shows."""
    return JSONResponse([ticket_summary(emulator.tenant, ticket) for ticket in emulator.book.all()])


@_open.post("/emulator/reset")
async def reset(emulator: TheEmulator) -> Response:
    """Forget the tickets; tokens stay good, so that what is connected goes on working."""
    emulator.book.clear()
    return Response(status_code=204)


@_tickets.get("/tickets")
async def list_tickets(emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """List tickets, newest first."""
    rows = [ticket_row(ticket, emulator.tenant, emulator.behaviour) for ticket in emulator.book.all()]
    found = select(_ticket_filters(emulator.behaviour), rows, query)
    return JSONResponse(paginate(found, query, emulator.behaviour).in_envelope("tickets"))


@_tickets.get("/tickets/{ticket_id}")
async def get_ticket(ticket_id: str, emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """Return one ticket."""
    ticket = emulator.book.get(read_query_number("id", ticket_id))
    extra = nested_details(ticket, emulator.tenant) if query.flag("includedetails") else {}
    return JSONResponse(emulator.detail(ticket) | extra)


@_tickets.post("/tickets")
async def save_tickets(request: Request, emulator: TheEmulator, query: TheQuery, session: Writer) -> Response:
    """Create or update the tickets of an array."""
    bare = emulator.behaviour.accepts_bare_object
    sent = read_array(await request.body(), TICKET, accepts_bare_object=bare)
    saved = [emulator.detail(emulator.book.save(fields, session.agent)) for fields in sent]
    return _written(saved, query)


@_tickets.post("/tickets/object")
async def save_ticket(request: Request, emulator: TheEmulator, session: Writer) -> Response:
    """Create or update one ticket sent as a bare object."""
    fields = read_single(await request.body(), TICKET)
    return JSONResponse(emulator.detail(emulator.book.save(fields, session.agent)), status_code=201)


@_tickets.delete("/tickets/{ticket_id}")
async def delete_ticket(ticket_id: str, emulator: TheEmulator, _session: Writer) -> Response:
    """Take one ticket out of sight."""
    ticket = emulator.book.delete(read_query_number("id", ticket_id))
    return JSONResponse(emulator.detail(ticket))


@_tickets.post("/actions")
async def save_actions(request: Request, emulator: TheEmulator, query: TheQuery, session: Writer) -> Response:
    """Add the actions of an array to their tickets."""
    bare = emulator.behaviour.accepts_bare_object
    sent = read_array(await request.body(), ACTION, accepts_bare_object=bare)
    added = [add_action(emulator.book, fields, session.agent, emulator.clock()) for fields in sent]
    return _written(added, query)


@_tickets.get("/actions")
async def list_actions(emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """List the actions of one ticket, or of all, newest first."""
    ticket_id = query.number("ticket_id")
    tickets = emulator.book.all() if ticket_id is None else [emulator.book.get(ticket_id)]
    actions = [action for ticket in tickets for action in reversed(ticket.actions)]
    if query.flag("excludeprivate"):
        actions = [action for action in actions if not action["hiddenfromuser"]]
    shown = [_shown_action(action, emulator, query) for action in actions]
    return JSONResponse({"record_count": len(shown), "ticket_id": ticket_id or 0, "actions": shown})


@_tickets.get("/actions/{action_id}")
async def get_action(action_id: str, emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """Return one action, known by its ticket and its number there."""
    number = read_query_number("id", action_id)
    ticket = emulator.book.get(query.number("ticket_id") or 0)
    if not 1 <= number <= len(ticket.actions):
        raise not_found()
    return JSONResponse(_shown_action(ticket.actions[number - 1], emulator, query))


@_tickets.get("/agent/me")
async def login_agent(emulator: TheEmulator, session: Annotated[Session, Depends(_needs(None))]) -> Response:
    """Return the agent that the token stands for."""
    return JSONResponse(agent_row(session.agent, emulator.tenant))


def _written(rows: list[Row], query: Query) -> Response:
    """Answer a write: the last object alone, or all when asked for."""
    return JSONResponse(rows if query.flag("returnall") else rows[-1], status_code=201)


def _shown_action(action: Row, emulator: Emulator, query: Query) -> Row:
    if emulator.behaviour.note_html_only_when_asked and not query.flag("includehtmlnote"):
        return {name: value for name, value in action.items() if name != "note_html"}
    return action


def _ticket_filters(behaviour: Behaviour) -> Filters:
    """Return how tickets are filtered; which filters exist depends on the version."""
    texts = {"client_ref": "client_reference"}
    if behaviour.filters_third_party_id_string:
        texts["third_party_id_string"] = "third_party_id_string"
    ids = ("client_id", "site_id", "user_id", "agent_id", "status_id", "tickettype_id", "third_party_id")
    return Filters(
        search=("summary", "details"),
        numbers={name: name for name in ids},
        texts=texts,
        parts={"search_summary": "summary"},
    )


def _add_listing(router: APIRouter, listing: Listing) -> None:
    """Add the two routes of a listing: all rows, and one by its id."""

    async def list_rows(emulator: TheEmulator, query: TheQuery) -> Response:
        every = listing.rows(emulator.tenant, emulator.behaviour)
        rows = select(listing.filters, [row for row in every if listing.visible(row, query)], query)
        envelope = listing.envelope
        if listing.path == "agent" and query.flag("pageinate") and emulator.behaviour.paged_agents_in_envelope:
            envelope = "results"
        if envelope is None:
            return JSONResponse(rows)
        return JSONResponse(paginate(rows, query, emulator.behaviour).in_envelope(envelope))

    async def get_row(row_id: str, emulator: TheEmulator) -> Response:
        rows = (listing.detail or listing.rows)(emulator.tenant, emulator.behaviour)
        for row in rows:
            if str(row["id"]) == row_id:
                return JSONResponse(row)
        if not any(isinstance(row["id"], str) for row in rows):
            read_query_number("id", row_id)
        raise not_found()

    signed_in = [Depends(_needs(listing.scope))]
    router.add_api_route(f"/{listing.path}", list_rows, dependencies=signed_in)
    router.add_api_route(f"/{listing.path}/{{row_id}}", get_row, dependencies=signed_in)


_lists = APIRouter()
for _listing in LISTINGS:
    _add_listing(_lists, _listing)
