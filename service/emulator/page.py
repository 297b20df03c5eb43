"""The page that shows a person what was filed: one self-contained HTML document.

Everything in it is text from outside. Text is escaped, HTML goes through `safe_html`, and the content
security policy lets nothing run but the one script of this page, known by its nonce.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from service.emulator.records import SOURCE, Tenant, with_id
from service.emulator.rows import timestamp
from service.emulator.sanitise import safe_html
from service.emulator.tickets import Ticket

_SHOWN = 200
_LABELS = {
    "category_1": "Category",
    "category_2": "Category 2",
    "category_3": "Category 3",
    "category_4": "Category 4",
    "impact": "Impact",
    "urgency": "Urgency",
    "source": "Source",
    "email": "E-mail",
    "site": "Site",
    "sla": "SLA",
    "third_party_id_string": "Third-party id",
}


def render_page(tenant: Tenant, tickets: Sequence[Ticket], traffic: str) -> tuple[str, Mapping[str, str]]:
    """Return the page and its headers; `traffic` tells in a line what happens to requests."""
    nonce = secrets.token_urlsafe(16)
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    shown = [_ticket(tenant, ticket) for ticket in tickets[:_SHOWN]]
    html = template.substitute(
        nonce=nonce,
        tenant=escape(tenant.name),
        count=_count(len(tickets)),
        traffic=escape(traffic),
        state=_state(tickets),
        tones=_tones(tenant),
        tickets=f'<div class="list">{_HEAD}{"".join(shown)}</div>' if shown else _EMPTY,
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    return html, {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


def ticket_summary(tenant: Tenant, ticket: Ticket) -> dict[str, Any]:
    """Return a ticket as the page shows it: names instead of ids, and its notes."""
    fields = ticket.fields
    priority = tenant.priority(fields["sla_id"], fields["priority_id"])
    user = with_id(tenant.users, fields["user_id"])
    source = tenant.lookup(SOURCE, fields["source"])
    assets = [with_id(tenant.assets, asset["id"]) for asset in fields["assets"]]
    own_fields = [(f.name, fields["customfields"].get(f.id)) for f in tenant.custom_fields]
    return {
        "id": ticket.id,
        "summary": fields["summary"],
        "type": _name(with_id(tenant.ticket_types, fields["tickettype_id"])),
        "priority": _name(priority),
        "priority_id": fields["priority_id"],
        "sla": _name(with_id(tenant.slas, fields["sla_id"])),
        "status": _name(with_id(tenant.statuses, fields["status_id"])),
        "team": fields["team"],
        "agent": _name(with_id(tenant.agents, fields["agent_id"])),
        "user": _name(user),
        "email": user.email if user else "",
        "client": _name(with_id(tenant.clients, fields["client_id"])),
        "site": _name(with_id(tenant.sites, fields["site_id"])),
        "assets": [asset.key_field for asset in assets if asset is not None],
        "impact": fields.get("impact"),
        "urgency": fields.get("urgency"),
        **{f"category_{level}": fields.get(f"category_{level}") for level in range(1, 5)},
        "source": _name(source),
        "third_party_id_string": fields.get("third_party_id_string"),
        "custom_fields": {name: value for name, value in own_fields if value is not None},
        "details": fields.get("details", ""),
        "details_html": fields.get("details_html", ""),
        "created_at": timestamp(ticket.created_at),
        "updated_at": timestamp(ticket.updated_at),
        "notes": [
            {
                "id": action["id"],
                "outcome": action["outcome"],
                "who": action["who"],
                "datetime": action["datetime"],
                "private": action["hiddenfromuser"],
                "note": action["note"],
                "note_html": action["note_html"],
            }
            for action in ticket.actions
        ],
    }


def _ticket(tenant: Tenant, ticket: Ticket) -> str:
    """Return one row of the list with what opens below it."""
    shown = ticket_summary(tenant, ticket)
    tone = f"p-{ticket.fields['sla_id']}-{shown['priority_id']}"
    moment = f"{ticket.created_at:%d %b %Y}", f"{ticket.created_at:%H:%M:%S} UTC"
    return f"""<details class="ticket" id="t{ticket.id}">
<summary class="row">
<div class="number">{ticket.id}</div>
{_cell(shown["summary"], ", ".join(shown["assets"]), "title")}
<div class="cell type"><span class="tag">{escape(shown["type"])}</span></div>
{_priority_cell(shown, tone)}
{_cell(shown["team"], shown["agent"])}
{_cell(shown["user"], shown["client"])}
<div class="cell when"><div>{moment[0]}</div><div class="sub">{moment[1]}</div></div>
</summary>
<div class="body">
<div><h2>Details</h2><div class="box rich">{_text(shown["details_html"], shown["details"])}</div>
<h2>Notes</h2>{"".join(map(_note, shown["notes"])) or '<p class="when">none</p>'}</div>
<div><h2>Filed as</h2><dl>{_facts(shown)}</dl></div>
</div>
</details>"""


def _cell(text: str, below: str, css_class: str = "") -> str:
    second = f'<div class="sub">{escape(below)}</div>' if below else ""
    return f'<div class="cell"><div class="{css_class}">{escape(text)}</div>{second}</div>'


def _priority_cell(shown: Mapping[str, Any], tone: str) -> str:
    pill = f'<div><span class="pill {tone}">{escape(shown["priority"])}</span></div>'
    return f'<div class="cell priority">{pill}<div class="sub">{escape(shown["status"])}</div></div>'


def _note(note: Mapping[str, Any]) -> str:
    private = " private" if note["private"] else ""
    seen = '<span class="tag">private</span>' if note["private"] else '<span class="tag">seen by the user</span>'
    when = note["datetime"].replace("T", " ")[:19] + " UTC"
    head = f"<b>{escape(note['outcome'])}</b> {seen} <span>{escape(note['who'])} · {escape(when)}</span>"
    return (
        f'<div class="box note{private}"><div class="note-head">{head}</div>'
        f'<div class="rich">{_text(note["note_html"], note["note"])}</div></div>'
    )


def _text(html: str, plain: str) -> str:
    if html:
        return safe_html(html)
    return f'<div class="plain">{escape(plain) or "—"}</div>'


def _facts(shown: Mapping[str, Any]) -> str:
    facts = {label: shown[name] for name, label in _LABELS.items()}
    facts |= {name: str(value) for name, value in shown["custom_fields"].items()}
    given = ((label, value) for label, value in facts.items() if value not in (None, ""))
    return "".join(f"<dt>{escape(label)}</dt><dd>{escape(str(value))}</dd>" for label, value in given)


def _tones(tenant: Tenant) -> str:
    """Return a style rule per priority; a policy without inline styles allows no `style` attributes."""
    return "\n".join(
        f".p-{priority.sla_id}-{priority.number} {{ --tone: {priority.colour}; }}" for priority in tenant.priorities
    )


def _count(tickets: int) -> str:
    if tickets > _SHOWN:
        return f"{tickets} tickets, the newest {_SHOWN} shown"
    return "1 ticket" if tickets == 1 else f"{tickets} tickets"


def _state(tickets: Sequence[Ticket]) -> str:
    """Return a text that changes with every write."""
    newest = max((ticket.updated_at for ticket in tickets), default=None)
    actions = sum(len(ticket.actions) for ticket in tickets)
    return f"{len(tickets)}/{actions}/{newest.isoformat() if newest else ''}"


def _name(record: Any) -> str:
    return record.name if record is not None else ""


_EMPTY = """<div class="list empty"><b>No tickets yet</b>
What a client creates by <code>POST /api/Tickets</code> appears here by itself.</div>"""
_HEAD = """<div class="row head"><div>No.</div><div>Summary</div><div>Type</div><div>Priority</div>
<div>Team, agent</div><div>Requester</div><div>Created</div></div>"""
