"""The judge `halopsa`: a client in Python, run by the interpreter of its own environment."""

from __future__ import annotations

import sys
from typing import Any

from tests.judges.operations import ADDRESS, CLIENT_ID, CLIENT_SECRET, TENANT, Operations, module


def redirect(requests: Any) -> None:
    """Send what goes to the client's one host to the emulator instead; the client itself stays as it is."""
    send = requests.Session.request

    def to_emulator(session: Any, method: str, url: str, **arguments: Any) -> Any:
        return send(session, method, url.replace(f"https://{TENANT}.halopsa.com", ADDRESS), **arguments)

    requests.Session.request = to_emulator


def judge() -> int:
    """Try what the client does with the parts of Halo that the emulator has."""
    redirect(module("requests"))
    halopsa = module("HaloPSA")
    run = Operations()
    run.refused("refuse a wrong secret", lambda: halopsa.Halo(TENANT, CLIENT_ID, "wrong"), "Make sure your client ID")
    run.refused("refuse an unknown client", lambda: halopsa.Halo(TENANT, "nobody", "x"), "Is your Tenant ID right?")
    halo = halopsa.Halo(TENANT, CLIENT_ID, CLIENT_SECRET)
    run.attempt("search clients", lambda: halo.Clients.search(search="contoso")["clients"][0]["name"], "Contoso Ltd.")
    run.attempt("page clients", lambda: len(halo.Clients.search(pageinate=True, page_size=5, page_no=3)["clients"]), 3)
    run.attempt("get a client", lambda: halo.Clients.get(id=12)["name"], "Contoso Ltd.")
    run.attempt("search sites", lambda: len(halo.Sites.search(client_id=12)["sites"]), 3)
    run.attempt("get a site", lambda: halo.Sites.get(id=81)["name"], "Head Office")
    run.attempt(
        "search users", lambda: halo.Users.search(search="dan.jump@contoso.com")["users"][0]["site_name"], "Head Office"
    )
    run.attempt("get a user", lambda: halo.Users.get(id=203)["emailaddress"], "dan.jump@contoso.com")
    run.attempt("search assets", lambda: halo.Assets.search(search="FAB-LT-11")["record_count"], 1)
    run.attempt("get an asset", lambda: halo.Assets.get(id=500)["key_field"], "CONTOSO-LT-001")
    run.attempt("list ticket types", lambda: halo.TicketTypes.search()[0]["name"], "Incident")
    run.attempt("get a ticket type", lambda: halo.TicketTypes.get(id=1, includedetails=True)["initial_status"], 1)
    run.attempt("list statuses", lambda: halo.Status.search(excludeclosed=True)[-1]["name"], "On Hold")
    run.attempt("get a status", lambda: halo.Status.get(id=9)["name"], "Closed")
    run.attempt("list teams", lambda: halo.Teams.search()[0]["name"], "1st Line Support")
    run.attempt("get a team", lambda: halo.Teams.get(id=2)["name"], "2nd Line")
    run.attempt("list agents", lambda: halo.Agents.search(includeunassigned=True)[0]["name"], "Unassigned")
    run.attempt("get an agent", lambda: halo.Agents.get(id=33)["name"], "Aisha Khan")
    run.attempt("create a client", lambda: halo.Clients.update(name="Lucerne")["name"], "Lucerne")
    run.attempt("update a client", lambda: halo.Clients.update(id=12, name="Contoso")["name"], "Contoso")
    run.attempt("create a user", lambda: halo.Users.update(name="Ann", site_id=81)["site_name"], "Head Office")
    run.attempt(
        "create a ticket",
        lambda: halo.Tickets.update(summary="Printer", details_html="<p>on fire</p>", tickettype_id=1)["id"],
        1001,
    )
    run.attempt("update a ticket", lambda: halo.Tickets.update(id=1001, status_id=2)["status_id"], 2)
    run.attempt("get a ticket", lambda: halo.Tickets.get(id=1001, includedetails=True)["status"]["name"], "In Progress")
    run.attempt(
        "search tickets", lambda: [row["id"] for row in halo.Tickets.search(search="printer")["tickets"]], [1001]
    )
    run.attempt(
        "add an action",
        lambda: halo.Actions.update(ticket_id=1001, outcome_id=7, note_html="<p>x</p>", hiddenfromuser=True)["id"],
        1,
    )
    run.attempt("search actions", lambda: halo.Actions.search(ticket_id=1001)["actions"][0]["note"], "x")
    run.attempt("get an action", lambda: halo.Actions.get(id=1, ticket_id=1001)["outcome"], "Internal Note")
    run.refused(
        "be told what is wrong", lambda: halo.Actions.update(ticket_id=1001, note="x"), "An Outcome must be entered"
    )
    return int(run.failed > 0)


if __name__ == "__main__":
    sys.exit(judge())
