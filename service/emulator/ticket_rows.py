"""Tickets as the JSON objects that Halo answers: short in lists, whole when asked for one."""

from __future__ import annotations

from typing import Any

from service.emulator.behaviour import Behaviour
from service.emulator.records import CustomField, Tenant, with_id, with_name
from service.emulator.rows import (
    FIELD_KINDS,
    Row,
    agent_row,
    priority_row,
    status_row,
    ticket_type_row,
    timestamp,
    user_row,
)
from service.emulator.tickets import Ticket

# What has no date has one of these.
_NOT_CLOSED, _NO_DATE = "1900-01-01T00:00:00", "1899-12-30T00:00:00"


def ticket_row(ticket: Ticket, tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return one row of /Tickets: ids, and few names."""
    row = _row(ticket, tenant, behaviour)
    if not behaviour.lists_third_party_id_string:
        del row["third_party_id_string"]
    return row


def ticket_detail(ticket: Ticket, tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return a whole ticket, as /Tickets/{id} and writes answer it."""
    fields = ticket.fields
    user = with_id(tenant.users, fields["user_id"])
    assets = [with_id(tenant.assets, asset["id"]) for asset in fields["assets"]]
    return _row(ticket, tenant, behaviour) | {
        "details_html": fields.get("details_html", ""),
        "reportedby": fields.get("reportedby") or fields.get("users_name") or (user.name if user else ""),
        "user_email": fields.get("user_email") or (user.email if user else ""),
        "emailfrom": fields.get("emailfrom", ""),
        "assets": [
            {
                "id": asset.id,
                "inventory_number": asset.inventory_number,
                "key_field": asset.key_field,
                "client_id": asset.client_id,
                "site_id": asset.site_id,
            }
            for asset in assets
            if asset is not None
        ],
        "customfields": _custom_field_rows(ticket, tenant),
    }


def nested_details(ticket: Ticket, tenant: Tenant, behaviour: Behaviour) -> Row:
    """Return what `includedetails` adds: the records behind the ticket's ids."""
    fields = ticket.fields
    priority = tenant.priority(fields["sla_id"], fields["priority_id"])
    status = with_id(tenant.statuses, fields["status_id"])
    agent = with_id(tenant.agents, fields["agent_id"])
    user = with_id(tenant.users, fields["user_id"])
    ticket_type = with_id(tenant.ticket_types, fields["tickettype_id"])
    return {
        "priority": priority_row(priority, tenant) if priority else None,
        "status": status_row(status, tenant) if status else None,
        "agent": agent_row(agent, tenant) if agent else None,
        "user": user_row(user, tenant) if user else None,
        "tickettype": ticket_type_row(ticket_type, tenant, behaviour) if ticket_type else None,
    }


def _row(ticket: Ticket, tenant: Tenant, behaviour: Behaviour) -> Row:
    fields = ticket.fields
    user = with_id(tenant.users, fields["user_id"])
    client = with_id(tenant.clients, fields["client_id"])
    site = with_id(tenant.sites, fields["site_id"])
    row = {
        "id": ticket.id,
        "dateoccurred": timestamp(ticket.created_at),
        "summary": fields["summary"],
        "details": fields.get("details", ""),
        "status_id": fields["status_id"],
        "tickettype_id": fields["tickettype_id"],
        "sla_id": fields["sla_id"],
        "priority_id": fields["priority_id"],
        "client_id": fields["client_id"],
        "client_name": client.name if client else "",
        "site_id": fields["site_id"],
        "site_name": site.name if site else "",
        "user_id": fields["user_id"],
        "user_name": user.name if user else "",
        "team": fields["team"],
        "agent_id": fields["agent_id"],
        "impact": fields.get("impact", 0),
        "urgency": fields.get("urgency", 0),
        "source": fields["source"],
        "parent_id": fields.get("parent_id", 0),
        "contract_id": fields.get("contract_id", 0),
        "third_party_id": fields.get("third_party_id", 0),
        "third_party_id_string": fields.get("third_party_id_string", ""),
        "client_reference": fields.get("client_reference", ""),
        "lastactiondate": timestamp(ticket.updated_at),
        "startdate": fields.get("startdate", _NO_DATE),
        "targetdate": fields.get("targetdate", _NO_DATE),
        "dateclosed": _NOT_CLOSED,
        "deadlinedate": _NO_DATE,
        "inactive": False,
        "use": "ticket",
    }
    if behaviour.knows_team_id:
        team = with_name(tenant.teams, fields["team"])
        row["team_id"] = team.id if team else 0
    for level in range(1, 5):
        path = fields.get(f"category_{level}", "")
        category = tenant.category(level, path)
        row[f"category_{level}"] = path
        row[f"categoryid_{level}"] = category.id if category else 0
        row[f"category_{level}_display"] = path.replace(">", " > ")
    return row


def _custom_field_rows(ticket: Ticket, tenant: Tenant) -> list[Row]:
    ticket_type = with_id(tenant.ticket_types, ticket.fields["tickettype_id"])
    own = ticket_type.custom_fields if ticket_type else ()
    return [
        _custom_field_value(custom, ticket.fields["customfields"].get(custom.id))
        for custom in tenant.custom_fields
        if custom.id in own
    ]


def _custom_field_value(custom: CustomField, value: Any) -> Row:
    row: Row = {
        "id": custom.id,
        "name": custom.name,
        "label": custom.label,
        "type": FIELD_KINDS[custom.kind],
        "usage": 1,
        "value": value,
        "display": "",
    }
    labels = dict(custom.options)
    if custom.kind == "multiple" and value is not None:
        # Written as ids ("1,3", or a list of ids or {id}), read back as id and label.
        chosen = [number for number in _numbers(value) if number in labels]
        row["value"] = [{"id": number, "label": labels[number]} for number in chosen]
        row["display"] = ", ".join(labels[number] for number in chosen)
    elif custom.kind == "single" and value is not None:
        chosen = _numbers(value)
        row["display"] = labels.get(chosen[0], "") if chosen else ""
    elif value is not None:
        row["display"] = str(value)
    return row


def _numbers(value: Any) -> list[int]:
    items = value if isinstance(value, list) else str(value).split(",")
    texts = (str(item.get("id", "")) if isinstance(item, dict) else str(item) for item in items)
    return [int(text) for text in map(str.strip, texts) if text.isascii() and text.isdigit() and len(text) < 10]
