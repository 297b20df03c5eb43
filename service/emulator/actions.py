"""Actions: notes and other things done on a ticket, numbered per ticket."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from service.emulator.records import Agent, Outcome, with_id, with_name
from service.emulator.refusals import invalid
from service.emulator.rows import timestamp
from service.emulator.sanitise import plain_text
from service.emulator.tickets import Ticket, TicketBook
from service.emulator.wire import Shape

ACTION: Shape = {
    "ticket_id": "int",
    "outcome": "text",
    "outcome_id": "int",
    "note": "text",
    "note_html": "text",
    "hiddenfromuser": "bool",
    "who": "text",
    "important": "bool",
    "timetaken": "float",
    "new_status": "int",
    "new_priority": "int",
    "new_team": "text",
    "new_agent": "int",
    **{f"new_category{level}": "text" for level in range(1, 5)},
    "sendemail": "bool",
    "emailto": "text",
}
# What an action may change on its ticket, by the ticket's own name for it.
_CHANGES = {
    "new_status": "status_id",
    "new_priority": "priority_id",
    "new_team": "team",
    "new_agent": "agent_id",
    **{f"new_category{level}": f"category_{level}" for level in range(1, 5)},
}


def add_action(book: TicketBook, sent: dict[str, Any], login_agent: Agent) -> dict[str, Any]:
    """Add one action to its ticket and return it as stored."""
    given = {name: value for name, value in sent.items() if value is not None}
    if "ticket_id" not in given:
        raise invalid("A Ticket must be selected")
    ticket = book.get(given["ticket_id"])
    outcome = _outcome(book, ticket, given)
    tenant = book.tenant
    if book.behaviour.catch_all_must_be_moved and ticket.fields["client_id"] == tenant.catch_all_client_id:
        raise invalid("Tickets with the default Client/Site must be moved before working on the Ticket")
    old_status = ticket.fields["status_id"]
    changes = {name: given[wire] for wire, name in _CHANGES.items() if wire in given}
    if changes:
        book.save({"id": ticket.id, **changes}, login_agent)
    html = given.get("note_html", "")
    action = {
        "ticket_id": ticket.id,
        "id": len(ticket.actions) + 1,
        "outcome": outcome.name,
        "outcome_id": outcome.id,
        "who": given.get("who") or login_agent.name,
        "who_type": 1,
        "who_agentid": login_agent.id,
        "datetime": timestamp(book.clock()),
        "note": given.get("note") or plain_text(html),
        "note_html": html,
        "hiddenfromuser": given.get("hiddenfromuser", outcome.private),
        "important": given.get("important", False),
        "timetaken": given.get("timetaken", 0.0),
        "old_status": old_status,
        "new_status": ticket.fields["status_id"],
        "guid": str(uuid4()),
        "customfields": [],
    }
    book.add_action(ticket, action)
    return action


def _outcome(book: TicketBook, ticket: Ticket, given: dict[str, Any]) -> Outcome:
    outcomes = book.tenant.outcomes
    if given.get("outcome_id"):
        outcome = with_id(outcomes, given["outcome_id"])
    else:
        outcome = with_name(outcomes, given.get("outcome", ""))
    if outcome is None:
        raise invalid("An Outcome must be entered for this Action")
    ticket_type = with_id(book.tenant.ticket_types, ticket.fields["tickettype_id"])
    allowed = ticket_type.allowed_outcomes if ticket_type is not None else ()
    if outcome.hidden or (allowed and outcome.id not in allowed):
        raise invalid("You do not have access to this Action at the moment")
    return outcome
