"""What the requests of one emulator share, and how a route gets at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from service.emulator.behaviour import Behaviour
from service.emulator.faults import Faults
from service.emulator.lists import Query
from service.emulator.oauth import Session, Tokens
from service.emulator.rate_limit import RateLimit
from service.emulator.records import Tenant
from service.emulator.rows import Row
from service.emulator.ticket_rows import ticket_detail
from service.emulator.tickets import Ticket, TicketBook


@dataclass(frozen=True, slots=True)
class Emulator:
    """One tenant with its tokens and tickets, and what is done to the requests before they reach it."""

    tenant: Tenant
    behaviour: Behaviour
    clock: Callable[[], datetime]
    tokens: Tokens
    book: TicketBook
    faults: Faults
    rate_limit: RateLimit
    calls: Counter[str] = field(default_factory=Counter)  # method and path -> requests, refused ones included

    def detail(self, ticket: Ticket) -> Row:
        """Return a whole ticket as JSON."""
        return ticket_detail(ticket, self.tenant, self.behaviour)


async def _emulator(request: Request) -> Emulator:
    emulator: Emulator = request.app.state.emulator
    return emulator


async def _query(request: Request) -> Query:
    return Query(request.query_params.multi_items())


def needs(scope: str | None) -> Callable[..., Awaitable[Session]]:
    """Return the dependency that lets only holders of a token with this scope through."""

    async def signed_in(request: Request) -> Session:
        emulator = await _emulator(request)
        return emulator.tokens.session(request.headers.get("authorization", ""), scope)

    return signed_in


TheEmulator = Annotated[Emulator, Depends(_emulator)]
TheQuery = Annotated[Query, Depends(_query)]
Caller = Annotated[Session, Depends(needs(None))]
Reader = Annotated[Session, Depends(needs("read:tickets"))]
Writer = Annotated[Session, Depends(needs("edit:tickets"))]
