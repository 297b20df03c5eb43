"""Halo's paths: the token endpoint and what needs no token, tickets and actions, and the lists."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from service.emulator.actions import ACTION, add_action
from service.emulator.behaviour import Behaviour
from service.emulator.directory import KINDS, Kind
from service.emulator.lists import LISTINGS, Filters, Listing, Query, paginate, select
from service.emulator.oauth import Session
from service.emulator.refusals import error_page, not_found
from service.emulator.rows import Row, agent_row, lookup_row
from service.emulator.state import Caller, Emulator, Reader, TheEmulator, TheQuery, Writer, needs
from service.emulator.tenant import SCOPES
from service.emulator.ticket_rows import nested_details, ticket_row
from service.emulator.tickets import TICKET
from service.emulator.validation import Fields
from service.emulator.wire import read_array, read_query_number, read_single

VERSION = "2.250.0"

open_to_all = APIRouter()
tickets = APIRouter()
lists = APIRouter()


@open_to_all.post("/auth/token")
async def give_token(request: Request, emulator: TheEmulator, query: TheQuery) -> Response:
    """Answer a token request."""
    return JSONResponse(emulator.tokens.grant(await request.body(), query.text("tenant")))


@open_to_all.get("/authinfo")
async def auth_info(request: Request, emulator: TheEmulator) -> Response:
    """Tell where the authorisation server is."""
    return JSONResponse({"auth_url": f"{request.base_url}auth", "tenant_id": emulator.tenant.name})


@open_to_all.get("/auth/.well-known/openid-configuration")
async def openid_configuration(request: Request) -> Response:
    """Describe the authorisation server."""
    address = f"{request.base_url}auth"
    described = {
        "issuer": f"{address}/",
        "token_endpoint": f"{address}/token",
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": sorted(SCOPES),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }
    return JSONResponse(described)


@open_to_all.get("/instanceinfo")
async def instance_info() -> Response:
    """Tell the version."""
    return JSONResponse({"version": VERSION, "product": "Halo emulator"})


@tickets.get("/tickets")
async def list_tickets(emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """List tickets, newest first."""
    # Looked for in what is stored, so that only the rows of one page are made however many tickets there are.
    closed = {status.id for status in emulator.tenant.statuses if status.closed}
    hidden = set() if emulator.behaviour.lists_closed_tickets or query.flag("includeclosed") else closed
    every = [
        _NO_VALUES | ticket.fields | {"id": ticket.id}
        for ticket in emulator.book.all()
        if ticket.fields["status_id"] not in hidden
    ]
    page = paginate(select(_ticket_filters(emulator.behaviour), every, query), query, emulator.behaviour)
    shown = [ticket_row(emulator.book.get(row["id"]), emulator.tenant, emulator.behaviour) for row in page.rows]
    return JSONResponse(replace(page, rows=shown).in_envelope("tickets"))


@tickets.get("/tickets/{ticket_id}")
async def get_ticket(ticket_id: str, emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """Return one ticket."""
    ticket = emulator.book.get(read_query_number("id", ticket_id))
    extra = nested_details(ticket, emulator.tenant, emulator.behaviour) if query.flag("includedetails") else {}
    return JSONResponse(emulator.detail(ticket) | extra)


@tickets.post("/tickets")
async def save_tickets(request: Request, emulator: TheEmulator, query: TheQuery, session: Writer) -> Response:
    """Create or update the tickets of an array."""
    bare = emulator.behaviour.accepts_bare_object
    sent = read_array(await request.body(), TICKET, accepts_bare_object=bare)
    saved = [_save(emulator, fields, session) for fields in sent]
    return _written(saved, query)


@tickets.post("/tickets/object")
async def save_ticket(request: Request, emulator: TheEmulator, session: Writer) -> Response:
    """Create or update one ticket sent as a bare object."""
    fields = read_single(await request.body(), TICKET)
    return JSONResponse(_save(emulator, fields, session), status_code=201)


@tickets.delete("/tickets/{ticket_id}")
async def delete_ticket(ticket_id: str, emulator: TheEmulator, _session: Writer) -> Response:
    """Take one ticket out of sight."""
    ticket = emulator.book.delete(read_query_number("id", ticket_id))
    return JSONResponse(emulator.detail(ticket))


@tickets.post("/actions")
async def save_actions(request: Request, emulator: TheEmulator, query: TheQuery, session: Writer) -> Response:
    """Add the actions of an array to their tickets."""
    bare = emulator.behaviour.accepts_bare_object
    sent = read_array(await request.body(), ACTION, accepts_bare_object=bare)
    added = [add_action(emulator.book, fields, session.agent) for fields in sent]
    return _written(added, query)


@tickets.get("/actions")
async def list_actions(emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """List the actions of one ticket, or of all, newest first."""
    ticket_id = query.number("ticket_id")
    chosen = emulator.book.all() if ticket_id is None else [emulator.book.get(ticket_id)]
    actions = [action for ticket in chosen for action in reversed(ticket.actions)]
    if query.flag("excludeprivate"):
        actions = [action for action in actions if not action["hiddenfromuser"]]
    shown = [_shown_action(action, emulator, query) for action in actions[: query.number("count")]]
    return JSONResponse({"record_count": len(actions), "ticket_id": ticket_id or 0, "actions": shown})


@tickets.get("/actions/{action_id}")
async def get_action(action_id: str, emulator: TheEmulator, query: TheQuery, _session: Reader) -> Response:
    """Return one action, known by its ticket and its number there."""
    number = read_query_number("id", action_id)
    ticket = emulator.book.get(query.number("ticket_id") or 0)
    if not 1 <= number <= len(ticket.actions):
        raise not_found()
    return JSONResponse(_shown_action(ticket.actions[number - 1], emulator, query))


@lists.get("/clientcache")
async def client_cache(emulator: TheEmulator, query: TheQuery, _session: Caller) -> Response:
    """Return the look-ups that need no scope in one object; Halo's own keys for them are not known."""
    found = {
        listing.path: listing.found(emulator.tenant, emulator.behaviour, query)
        for listing in LISTINGS
        if listing.scope is None and listing.path != "lookup"
    }
    return JSONResponse(found | {"lookup": [lookup_row(value, emulator.tenant) for value in emulator.tenant.lookups]})


@tickets.get("/agent/me")
async def login_agent(emulator: TheEmulator, session: Caller) -> Response:
    """Return the agent that the token stands for, or what the token claims."""
    claims = emulator.behaviour.agent_me == "claims"
    return JSONResponse(session.claims if claims else agent_row(session.agent, emulator.tenant))


def _save(emulator: Emulator, fields: Fields, session: Session) -> Row:
    saved = emulator.detail(emulator.book.save(fields, session.agent))
    most = emulator.behaviour.most_html
    if most and len(fields.get("details_html") or "") > most:
        # The gateway has lost its patience; Halo has not.
        raise error_page(HTTPStatus.GATEWAY_TIMEOUT)
    warning = emulator.behaviour.warning
    return saved | {"_warning": warning} if warning and not fields.get("id") else saved


def _written(rows: list[Row], query: Query) -> Response:
    """Answer a write: the last object alone, or all when asked for."""
    return JSONResponse(rows if query.flag("returnall") else rows[-1], status_code=201)


def _shown_action(action: Row, emulator: Emulator, query: Query) -> Row:
    if emulator.behaviour.note_html_only_when_asked and not query.flag("includehtmlnote"):
        return {name: value for name, value in action.items() if name != "note_html"}
    return action


# What the filters of tickets find where nothing was stored.
_NO_VALUES: Row = {"details": "", "third_party_id": 0, "third_party_id_string": "", "client_reference": ""}


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
        rows = listing.found(emulator.tenant, emulator.behaviour, query)
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

    signed_in = [Depends(needs(listing.scope))]
    router.add_api_route(f"/{listing.path}", list_rows, dependencies=signed_in)
    router.add_api_route(f"/{listing.path}/{{row_id}}", get_row, dependencies=signed_in)


def _add_writes(router: APIRouter, kind: Kind) -> None:
    """Add the two routes that write records of a kind."""

    async def save(request: Request, emulator: TheEmulator, query: TheQuery) -> Response:
        sent = read_array(await request.body(), kind.shape, accepts_bare_object=emulator.behaviour.accepts_bare_object)
        return _written([kind.save(emulator.tenant, fields) for fields in sent], query)

    async def delete(row_id: str, emulator: TheEmulator) -> Response:
        return JSONResponse(kind.delete(emulator.tenant, read_query_number("id", row_id)))

    signed_in = [Depends(needs(kind.scope))]
    router.add_api_route(f"/{kind.path}", save, methods=["POST"], dependencies=signed_in)
    router.add_api_route(f"/{kind.path}/{{row_id}}", delete, methods=["DELETE"], dependencies=signed_in)


for _listing in LISTINGS:
    _add_listing(lists, _listing)
for _kind in KINDS:
    _add_writes(lists, _kind)
