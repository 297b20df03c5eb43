"""What a write of a ticket must satisfy, and what Halo fills in.

A write goes through `_STEPS` in order. Each step looks at the fields, fills in or corrects its part and
refuses the first problem that it finds, so a client meets one problem at a time, as with Halo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.emulator.behaviour import Behaviour
from service.emulator.records import IMPACT, SOURCE, URGENCY, Agent, Tenant, TicketType, User, with_id, with_name
from service.emulator.refusals import invalid

Fields = dict[str, Any]

_ONLY_FOR_THIS_CALL = (
    "id",
    "userlookup",
    "dont_do_rules",
    "apply_rules",
    "_novalidate",
    "_validate_only",
    "_recover",
)
_REQUESTER_TEXTS = ("users_name", "user_name", "user_email", "reportedby", "emailfrom")
_REQUESTER = ("client_id", "user_id", "userlookup")


def complete(tenant: Tenant, behaviour: Behaviour, login_agent: Agent, before: Fields, sent: Fields) -> Fields:
    """Return the fields that a write leaves behind; `before` is empty for a new ticket."""
    given = {name: value for name, value in sent.items() if value is not None}
    draft = _Draft(tenant, behaviour, login_agent, before, given, {**before, **given})
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
    if not draft.validates and "summary" not in draft.fields and draft.behaviour.null_summary_is_database_error:
        raise invalid("A database error occurred (515) - Cannot insert the value NULL into column 'Symptom'")
    if draft.validates and not draft.fields.get("summary", "").strip():
        raise invalid("A Summary must be entered")
    draft.fields.setdefault("summary", "")


def _set_status(draft: _Draft) -> None:
    draft.fields.setdefault("status_id", draft.ticket_type.status_id)
    number, allowed = draft.fields["status_id"], draft.ticket_type.allowed_statuses
    if with_id(draft.tenant.statuses, number) is None:
        raise invalid("The Status selected is not valid")
    if "status_id" in draft.sent and allowed and number not in allowed and draft.behaviour.types_limit_statuses:
        raise invalid("The Status selected is not valid for this Ticket Type")


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
    sla = with_id(draft.tenant.slas, draft.fields.setdefault("sla_id", _own_sla(draft)))
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


def _own_sla(draft: _Draft) -> int:
    """Return the SLA of a ticket for which none is sent; Halo has one of its own where the type has none."""
    found = draft.ticket_type.sla_id
    site = with_id(draft.tenant.sites, draft.fields["site_id"])
    category = draft.tenant.category(1, draft.fields.get("category_1", ""))
    if draft.behaviour.sla_comes_from == "site" and site is not None and site.sla_id is not None:
        found = site.sla_id
    if draft.behaviour.sla_comes_from == "category" and category is not None and category.sla_id is not None:
        found = category.sla_id
    return draft.tenant.default_sla_id if found is None else found


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
        asset = with_id(draft.tenant.assets, row.get("id") or 0)
        if asset is not None:
            if asset.client_id != draft.fields["client_id"] and draft.behaviour.foreign_assets == "refuse":
                raise invalid("The Asset selected is not valid for this Customer")
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
    always = ("impact", "urgency") if draft.behaviour.impact_and_urgency_mandatory else ()
    for name in dict.fromkeys(draft.ticket_type.mandatory + always):
        if not draft.fields.get(name):
            raise invalid(f"{name.replace('_', ' ').title()} must be entered")


def _run_ticket_rules(draft: _Draft) -> None:
    """Let Halo's own rules have the last word on a new ticket; they cannot repair one that fails validation."""
    runs = draft.sent.get("apply_rules", draft.behaviour.runs_ticket_rules) and not draft.sent.get("dont_do_rules")
    if draft.before or not runs:
        return
    for rule in draft.tenant.ticket_rules:
        if rule.text.casefold() in draft.fields["summary"].casefold():
            draft.fields["team"] = rule.team


_STEPS = (
    _set_type,
    _set_requester,
    _require_summary,
    _set_status,
    _check_numbers,
    _set_categories,
    _set_priority,
    _set_team,
    _set_agent,
    _set_assets,
    _set_custom_fields,
    _require_mandatory,
    _run_ticket_rules,
)
