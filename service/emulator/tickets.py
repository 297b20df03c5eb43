"""Tickets: which fields they have, and the book that keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.emulator.behaviour import Behaviour
from service.emulator.records import Agent, Tenant
from service.emulator.refusals import not_found
from service.emulator.validation import Fields, complete
from service.emulator.wire import Shape

TICKET: Shape = {
    "id": "int",
    "summary": "text",
    "details": "text",
    "details_html": "text",
    "tickettype_id": "int",
    "client_id": "int",
    "site_id": "int",
    "user_id": "int",
    "userlookup": {"id": "int", "lookupdisplay": "text"},
    "users_name": "text",
    "user_name": "text",
    "user_email": "text",
    "reportedby": "text",
    "emailfrom": "text",
    "status_id": "int",
    "priority_id": "int",
    "sla_id": "int",
    "impact": "int",
    "urgency": "int",
    "team": "text",
    "team_id": "int",
    "agent_id": "int",
    "category_1": "text",
    "category_2": "text",
    "category_3": "text",
    "category_4": "text",
    "assets": ({"id": "int"},),
    "customfields": ({"id": "int", "name": "text", "value": "any"},),
    "source": "int",
    "startdate": "text",
    "targetdate": "text",
    "parent_id": "int",
    "contract_id": "int",
    "third_party_id": "int",
    "third_party_id_string": "text",
    "client_reference": "text",
    "dont_do_rules": "bool",
    "apply_rules": "bool",
    "_novalidate": "bool",
    "_validate_only": "bool",
    "_recover": "bool",
}
_FIRST_ID = 1001


@dataclass(slots=True)
class Ticket:
    """One ticket: its fields by Halo's names, complete after every write, and its actions, oldest first."""

    id: int
    fields: Fields
    created_at: datetime
    updated_at: datetime
    actions: list[Fields] = field(default_factory=list)
    deleted: bool = False


class Keeper(Protocol):
    """Where tickets outlive the process."""

    def tickets(self) -> dict[int, Ticket]:
        """Return what was kept."""

    def add(self, ticket: Ticket) -> None:
        """Keep a ticket as it is now."""

    def clear(self) -> None:
        """Forget everything."""


@dataclass(slots=True)
class TicketBook:
    """All tickets of the emulator, in memory and, with a keeper, beyond."""

    tenant: Tenant
    behaviour: Behaviour
    clock: Callable[[], datetime]
    keeper: Keeper | None = None
    _tickets: dict[int, Ticket] = field(init=False)
    _next_id: int = field(init=False)

    def __post_init__(self) -> None:
        self._tickets = self.keeper.tickets() if self.keeper is not None else {}
        self._next_id = max(self._tickets, default=_FIRST_ID - 1) + 1

    def all(self) -> list[Ticket]:
        """Return the tickets that are not deleted, newest first."""
        return [ticket for ticket in reversed(self._tickets.values()) if not ticket.deleted]

    def get(self, ticket_id: int) -> Ticket:
        """Return one ticket, or refuse with 404."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None or ticket.deleted:
            raise not_found()
        return ticket

    def save(self, sent: Fields, login_agent: Agent) -> Ticket:
        """Create a ticket, or merge into the one whose `id` was sent."""
        if sent.get("id"):
            return self._update(sent, login_agent)
        fields = complete(self.tenant, self.behaviour, login_agent, {}, sent)
        now = self.clock()
        if sent.get("_validate_only") and self.behaviour.honours_validate_only:
            return Ticket(0, fields, now, now)
        ticket = Ticket(self._next_id, fields, now, now)
        self._tickets[ticket.id] = ticket
        self._next_id += 1
        self._keep(ticket)
        return ticket

    def add_action(self, ticket: Ticket, action: Fields) -> None:
        """Put an action on a ticket."""
        ticket.actions.append(action)
        ticket.updated_at = self.clock()
        self._keep(ticket)

    def delete(self, ticket_id: int) -> Ticket:
        """Take a ticket out of sight; a write with `_recover` brings it back."""
        ticket = self.get(ticket_id)
        ticket.deleted = True
        self._keep(ticket)
        return ticket

    def clear(self) -> None:
        """Forget all tickets and count from the first number again."""
        self._tickets.clear()
        self._next_id = _FIRST_ID
        if self.keeper is not None:
            self.keeper.clear()

    def _update(self, sent: Fields, login_agent: Agent) -> Ticket:
        ticket = self._tickets.get(sent["id"])
        if ticket is None or (ticket.deleted and not sent.get("_recover")):
            raise not_found()
        ticket.fields = complete(self.tenant, self.behaviour, login_agent, ticket.fields, sent)
        ticket.deleted = False
        ticket.updated_at = self.clock()
        self._keep(ticket)
        return ticket

    def _keep(self, ticket: Ticket) -> None:
        if self.keeper is not None:
            self.keeper.add(ticket)
