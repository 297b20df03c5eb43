"""Records and tickets as the JSON objects that Halo answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.emulator.behaviour import Behaviour
from service.emulator.records import (
    Agent,
    Asset,
    Category,
    Client,
    CustomField,
    LookupValue,
    Outcome,
    Priority,
    Site,
    Sla,
    Status,
    Team,
    Tenant,
    TicketType,
    User,
    with_id,
)

Row = dict[str, Any]

# The numbers of kinds of custom fields.
FIELD_KINDS = {"text": 0, "memo": 1, "single": 2, "multiple": 3, "date": 4, "checkbox": 6}


def timestamp(moment: datetime) -> str:
    """Return a moment as Halo writes it, in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def client_row(client: Client, _tenant: Tenant) -> Row:
    """Return one row of /Client."""
    return {
        "id": client.id,
        "name": client.name,
        "toplevel_id": 1,
        "toplevel_name": "",
        "inactive": client.inactive,
        "is_vip": False,
        "website": "",
        "notes": "",
        "use": "customer",
    }


def site_row(site: Site, tenant: Tenant) -> Row:
    """Return one row of /Site; its client's id is a double there."""
    client_name = _name(with_id(tenant.clients, site.client_id))
    return {
        "id": site.id,
        "name": site.name,
        "client_id": float(site.client_id),
        "client_name": client_name,
        "clientsite_name": f"{client_name}/{site.name}",
        "inactive": False,
        "sla_id": -1 if site.sla_id is None else site.sla_id,
    }


def user_row(user: User, tenant: Tenant) -> Row:
    """Return one row of /Users; its site's id is a double there."""
    first, _, last = user.name.partition(" ")
    return {
        "id": user.id,
        "name": user.name,
        "firstname": first,
        "surname": last,
        "emailaddress": user.email,
        "login": user.email.partition("@")[0],
        "client_id": user.client_id,
        "client_name": _name(with_id(tenant.clients, user.client_id)),
        "site_id": float(user.site_id),
        "site_id_int": user.site_id,
        "site_name": _name(with_id(tenant.sites, user.site_id)),
        "inactive": user.inactive,
    }


def asset_row(asset: Asset, tenant: Tenant) -> Row:
    """Return one row of /Asset."""
    return {
        "id": asset.id,
        "inventory_number": asset.inventory_number,
        "key_field": asset.key_field,
        "client_id": asset.client_id,
        "client_name": _name(with_id(tenant.clients, asset.client_id)),
        "site_id": asset.site_id,
        "site_name": _name(with_id(tenant.sites, asset.site_id)),
        "assettype_id": asset.type_id,
        "assettype_name": asset.type_name,
        "inactive": asset.inactive,
    }


def ticket_type_row(ticket_type: TicketType, tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return one row of /TicketType."""
    sla = with_id(tenant.slas, ticket_type.sla_id or 0)
    return {
        "id": ticket_type.id,
        "name": ticket_type.name,
        behaviour.ticket_type_sla_field: -1 if ticket_type.sla_id is None else ticket_type.sla_id,
        "default_priority": sla.default_priority if sla is not None else 0,
        "default_team": ticket_type.team,
        "default_agent": 0,
        "agentscanselect": ticket_type.visible,
        "visible": ticket_type.visible,
    }


def ticket_type_detail(ticket_type: TicketType, tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return /TicketType/{id}: the row with what the type brings along."""
    fields = [f for f in tenant.custom_fields if f.id in ticket_type.custom_fields]
    return ticket_type_row(ticket_type, tenant, behaviour) | {
        "initial_status": ticket_type.status_id,
        "workflow_id": 0,
        "allowall_actions": not ticket_type.allowed_outcomes,
        "allowed_actions": [{"id": outcome} for outcome in ticket_type.allowed_outcomes],
        "allowall_status": not ticket_type.allowed_statuses,
        "allowed_status": [{"id": status} for status in ticket_type.allowed_statuses],
        "fields": [
            {"fieldid": f.id, "fieldname": f.name, "mandatory": f.name in ticket_type.mandatory} for f in fields
        ],
    }


def status_row(status: Status, _tenant: Tenant) -> Row:
    """Return one row of /Status."""
    return {
        "id": status.id,
        "name": status.name,
        "shortname": status.name,
        "type": 1 if status.closed else 0,
        "sequence": status.id,
    }


def team_row(team: Team, tenant: Tenant) -> Row:
    """Return one row of /Team with its agents."""
    return {
        "id": team.id,
        "name": team.name,
        "inactive": team.inactive,
        "forrequests": True,
        "department_id": 1,
        "agents": [{"id": agent.id, "name": agent.name} for agent in tenant.agents if agent.team == team.name],
    }


def priority_row(priority: Priority, _tenant: Tenant) -> Row:
    """Return one row of /Priority: a priority of one SLA, with a GUID of its own."""
    return {
        "id": priority.guid,
        "slaid": priority.sla_id,
        "priorityid": priority.number,
        "name": priority.name,
        "responsetime": priority.response_hours,
        "responseunits": "H",
        "fixtime": priority.fix_hours,
        "fixunits": "H",
        "ishidden": False,
        "colour": priority.colour,
    }


def sla_row(sla: Sla, tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return one row of /SLA with its priorities, as objects or bare ids."""
    own = [priority_row(priority, tenant) for priority in tenant.priorities if priority.sla_id == sla.id]
    priorities = own if behaviour.sla_lists_priority_objects else [row["priorityid"] for row in own]
    return {"id": sla.id, "name": sla.name, "priorities": priorities}


def agent_row(agent: Agent, _tenant: Tenant) -> Row:
    """Return one row of /Agent."""
    return {
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "team": agent.team,
        "isdisabled": agent.disabled,
        "isapiagent": agent.api_only,
        "use": "agent",
    }


def category_row(category: Category, _tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return one row of /Category."""
    return {
        "id": category.id,
        "value": category.path,
        "category_name": category.path,
        "type_id": behaviour.first_category_type_id + category.level - 1,
        "sla_id": category.sla_id or 0,
        "priority_id": 0,
    }


def outcome_row(outcome: Outcome, _tenant: Tenant) -> Row:
    """Return one row of /Outcome."""
    return {
        "id": outcome.id,
        "outcome": outcome.name,
        "buttonname": outcome.button,
        "hidden": outcome.hidden,
        "hidefromuser": outcome.private,
        "systemid": 0,
    }


def lookup_row(value: LookupValue, _tenant: Tenant) -> Row:
    """Return one row of /Lookup."""
    return {
        "lookupid": value.lookup_id,
        "id": value.id,
        "name": value.name,
        "value2": "",
        "sequence": value.id,
        "inactive": False,
    }


def custom_field_row(custom: CustomField, _tenant: Tenant) -> Row:
    """Return one row of /FieldInfo."""
    return {
        "id": custom.id,
        "name": custom.name,
        "label": custom.label,
        "type": FIELD_KINDS[custom.kind],
        "usage": 1,
        "custom": True,
        "values": [{"id": number, "name": label} for number, label in custom.options],
    }


def field_row(numbered: tuple[int, str], _tenant: Tenant) -> Row:
    """Return one row of /Field: a field that every ticket has."""
    number, name = numbered
    return {"id": number, "name": name, "label": name.replace("_", " ").capitalize(), "type": FIELD_KINDS["text"]}


def _name(record: Client | Site | None) -> str:
    return record.name if record is not None else ""
