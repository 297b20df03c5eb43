"""Tickets: what a write must satisfy, what Halo fills in, and the book that keeps them.

A write goes through `_STEPS` in order. Each step looks at the fields, fills in or corrects its part and
refuses the first problem that it finds, so a client meets one problem at a time, as with Halo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.emulator.behaviour import Behaviour
from service.emulator.records import IMPACT, SOURCE, URGENCY, Agent, Tenant, TicketType, User, with_id, with_name
from service.emulator.refusals import invalid, not_found
from service.emulator.wire import Shape

Fields = dict[str, Any]

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
    "parent_id": "int",
    "contract_id": "int",
    "third_party_id": "int",
    "third_party_id_string": "text",
    "client_reference": "text",
    "_novalidate": "bool",
    "_recover": "bool",
}
_ONLY_FOR_THIS_CALL = ("id", "_novalidate", "_recover", "userlookup")
_REQUESTER_TEXTS = ("users_name", "user_name", "user_email", "reportedby", "emailfrom")
_REQUESTER = ("client_id", "user_id", "userlookup")
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


@dataclass(slots=True)
class TicketBook:
    """All tickets of the emulator, in memory."""

    tenant: Tenant
    behaviour: Behaviour
    clock: Callable[[], datetime]
    _tickets: dict[int, Ticket] = field(default_factory=dict)
    _next_id: int = _FIRST_ID

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
        fields = self._complete({}, sent, login_agent)
        now = self.clock()
        ticket = Ticket(self._next_id, fields, now, now)
        self._tickets[ticket.id] = ticket
        self._next_id += 1
        return ticket

    def delete(self, ticket_id: int) -> Ticket:
        """Take a ticket out of sight; a write with `_recover` brings it back."""
        ticket = self.get(ticket_id)
        ticket.deleted = True
        return ticket

    def clear(self) -> None:
        """Forget all tickets and count from the first number again."""
        self._tickets.clear()
        self._next_id = _FIRST_ID

    def _update(self, sent: Fields, login_agent: Agent) -> Ticket:
        ticket = self._tickets.get(sent["id"])
        if ticket is None or (ticket.deleted and not sent.get("_recover")):
            raise not_found()
        ticket.fields = self._complete(ticket.fields, sent, login_agent)
        ticket.deleted = False
        ticket.updated_at = self.clock()
        return ticket

    def _complete(self, before: Fields, sent: Fields, login_agent: Agent) -> Fields:
        given = {name: value for name, value in sent.items() if value is not None}
        draft = _Draft(self.tenant, self.behaviour, login_agent, before, given, {**before, **given})
        for step in _STEPS:
            step(draft)
        for name in _ONLY_FOR_THIS_CALL:
            draft.fields.pop(name, None)
        return draft.fields


@dataclass(slots=True)
class _Draft:
    """A write on its way: what was there, what was sent, and the fields as they shall be."""

    tenant: Tenant
    behaviour: Behaviour
    login_agent: Agent
    before: Fields
    sent: Fields
    fields: Fields

    @property
    def ticket_type(self) -> TicketType:
        found = with_id(self.tenant.ticket_types, self.fields["tickettype_id"])
        if found is None:
            raise invalid("The Ticket Type selected is not valid")
        return found

    @property
    def validates(self) -> bool:
        return not self.sent.get("_novalidate", False)

    def unknown(self, name: str, label: str) -> None:
        """Refuse a value that names nothing in the tenant, or go on without it."""
        if self.behaviour.unknown_values == "refuse":
            raise invalid(f"The {label} selected is not valid")
        self.fields.pop(name, None)
        if name in self.before:
            self.fields[name] = self.before[name]


def _set_type(draft: _Draft) -> None:
    draft.fields.setdefault("tickettype_id", draft.tenant.default_type_id)
    ticket_type = draft.ticket_type
    if draft.before and ticket_type.id != draft.before["tickettype_id"] and "sla_id" not in draft.sent:
        draft.fields.pop("sla_id", None)


def _set_requester(draft: _Draft) -> None:
    """Choose user, client and site: an update that names none of them leaves them as they are."""
    if not draft.before or any(name in draft.sent for name in _REQUESTER):
        user = _chosen_user(draft)
        draft.fields.update(user_id=user.id, client_id=user.client_id, site_id=user.site_id)
    else:
        draft.fields["site_id"] = draft.before["site_id"]
    site_id = draft.sent.get("site_id") or 0
    if site_id > 0:
        site = with_id(draft.tenant.sites, site_id)
        if site is None:
            raise invalid("The Site selected is not valid")
        if site.client_id == draft.fields["client_id"]:
            draft.fields["site_id"] = site.id


def _chosen_user(draft: _Draft) -> User:
    sent, tenant = draft.sent, draft.tenant
    user_id = sent.get("user_id") or sent.get("userlookup", {}).get("id") or 0
    if user_id > 0:
        user = with_id(tenant.users, user_id)
        if user is None:
            raise invalid("The User selected is not valid")
        if draft.validates and draft.behaviour.user_needs_site and "site_id" not in sent:
            raise invalid("A Site must be selected")
        return user
    client_id = sent.get("client_id") or draft.before.get("client_id")
    if client_id is None:
        named = any(sent.get(name) for name in _REQUESTER_TEXTS)
        if draft.validates and not draft.behaviour.fills_requester and not named:
            raise invalid("Username must be entered")
        client_id = tenant.catch_all_client_id
    user = tenant.general_user(client_id)
    if user is None:
        raise invalid("The Customer selected is not valid")
    return user


def _require_summary(draft: _Draft) -> None:
    if draft.validates and not draft.fields.get("summary", "").strip():
        raise invalid("A Summary must be entered")
    draft.fields.setdefault("summary", "")


def _set_status(draft: _Draft) -> None:
    draft.fields.setdefault("status_id", draft.ticket_type.status_id)
    if with_id(draft.tenant.statuses, draft.fields["status_id"]) is None:
        raise invalid("The Status selected is not valid")


def _check_numbers(draft: _Draft) -> None:
    for name, label, lookup in (
        ("impact", "Impact", IMPACT),
        ("urgency", "Urgency", URGENCY),
        ("source", "Source", SOURCE),
    ):
        if name in draft.sent and draft.tenant.lookup(lookup, draft.sent[name]) is None:
            draft.unknown(name, label)
    draft.fields.setdefault("source", 0)


def _set_priority(draft: _Draft) -> None:
    """Choose within the ticket's SLA: the same number means something else under another."""
    sla = with_id(draft.tenant.slas, draft.fields.setdefault("sla_id", draft.ticket_type.sla_id))
    if sla is None:
        raise invalid("The SLA selected is not valid")
    if "priority_id" not in draft.sent and draft.behaviour.matrix_sets_priority:
        _apply_matrix(draft, sla.id)
    number = draft.fields.setdefault("priority_id", sla.default_priority)
    if draft.tenant.priority(sla.id, number) is not None:
        return
    if draft.behaviour.foreign_priority == "refuse" and "priority_id" in draft.sent:
        raise invalid("The Priority selected is not valid for this SLA")
    draft.fields["priority_id"] = sla.default_priority


def _apply_matrix(draft: _Draft, sla_id: int) -> None:
    if "impact" in draft.fields and "urgency" in draft.fields and {"impact", "urgency"} & draft.sent.keys():
        numbers = [priority.number for priority in draft.tenant.priorities if priority.sla_id == sla_id]
        severity = draft.fields["impact"] + draft.fields["urgency"] - 2  # 1 and 1 is the most severe
        draft.fields["priority_id"] = numbers[min(severity, len(numbers) - 1, 3)]


def _set_team(draft: _Draft) -> None:
    fields, tenant = draft.fields, draft.tenant
    team_id = fields.pop("team_id", None)
    if "team" in draft.sent:
        team = with_name(tenant.teams, draft.sent["team"])
        if team is None:
            draft.unknown("team", "Team")
    elif team_id is not None and draft.behaviour.knows_team_id:
        team = with_id(tenant.teams, team_id)
        if team is None:
            draft.unknown("team", "Team")
    else:
        team = None
    if team is not None:
        fields["team"] = team.name
    fields.setdefault("team", draft.ticket_type.team)


def _set_agent(draft: _Draft) -> None:
    agent = with_id(draft.tenant.agents, draft.fields.setdefault("agent_id", draft.login_agent.id))
    if agent is None or agent.disabled:
        raise invalid("The Agent selected is not valid")


def _set_categories(draft: _Draft) -> None:
    for level in range(1, 5):
        name = f"category_{level}"
        path = draft.sent.get(name)
        if path is None:
            continue
        category = draft.tenant.category(level, path)
        if category is not None:
            draft.fields[name] = category.path
        elif path.strip():
            draft.unknown(name, "Category")


def _set_assets(draft: _Draft) -> None:
    if "assets" not in draft.sent:
        draft.fields.setdefault("assets", [])
        return
    known = []
    for row in draft.sent["assets"]:
        if with_id(draft.tenant.assets, row.get("id") or 0) is not None:
            known.append({"id": row["id"]})
        elif draft.behaviour.unknown_values == "refuse":
            raise invalid("The Asset selected is not valid")
    draft.fields["assets"] = known


def _set_custom_fields(draft: _Draft) -> None:
    """Keep what belongs to the type; anything else is dropped without a word."""
    values = dict(draft.before.get("customfields", {}))
    allowed = [f for f in draft.tenant.custom_fields if f.id in draft.ticket_type.custom_fields]
    for row in draft.sent.get("customfields", []):
        wanted = with_id(allowed, row["id"]) if row.get("id") else with_name(allowed, row.get("name") or "")
        if wanted is not None:
            values[wanted.id] = row.get("value")
    draft.fields["customfields"] = values


def _require_mandatory(draft: _Draft) -> None:
    if not draft.validates:
        return
    for name in draft.ticket_type.mandatory:
        if not draft.fields.get(name):
            raise invalid(f"{name.replace('_', ' ').title()} must be entered")


_STEPS = (
    _set_type,
    _set_requester,
    _require_summary,
    _set_status,
    _check_numbers,
    _set_priority,
    _set_team,
    _set_agent,
    _set_categories,
    _set_assets,
    _set_custom_fields,
    _require_mandatory,
)
