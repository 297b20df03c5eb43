"""The judge `haloitsm-python`: a client in Python that sends bare objects, run by an interpreter of its own."""

from __future__ import annotations

import sys

from tests.judges.operations import ADDRESS, CLIENT_ID, CLIENT_SECRET, Operations, module


def judge() -> int:
    """Try what the client does with the parts of Halo that the emulator has."""
    halo = module("halo")
    run = Operations()
    wrong = halo.HaloClient(base_url=ADDRESS, client_id=CLIENT_ID, client_secret="wrong")
    run.refused("refuse a wrong secret", wrong.ticket_types.list, "The specified client credentials are invalid.")
    client = halo.HaloClient(base_url=ADDRESS, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    run.attempt("list ticket types", lambda: client.ticket_types.list()[0].name, "Incident")
    run.attempt("get a ticket type", lambda: client.ticket_types.get(3).name, "Service Request")
    run.attempt("list categories", lambda: client.categories.list(type_id=2)[0].value, "Remote")
    run.attempt("list clients", lambda: len(client.clients.list(page_size=5, page_no=3)), 3)
    run.attempt("search clients", lambda: client.clients.search("contoso")[0].name, "Contoso Ltd.")
    run.attempt("get a client", lambda: client.clients.get(12).name, "Contoso Ltd.")
    run.attempt("sites of a client", lambda: client.clients.get(12).get_sites()["record_count"], 3)
    run.attempt("search users", lambda: client.users.search("dan.jump@contoso.com")[0].id, 203)
    run.attempt("get a user", lambda: client.users.get(203).emailaddress, "dan.jump@contoso.com")
    run.attempt("search assets", lambda: client.assets.search("FAB-LT-11")[0].key_field, "FAB-LT-11")
    run.attempt("get an asset", lambda: client.assets.get(500).key_field, "CONTOSO-LT-001")
    run.attempt("create a ticket", lambda: client.tickets.create({"summary": "Printer", "tickettype_id": 1}).id, 1001)
    run.attempt("get a ticket", lambda: client.tickets.get(1001).summary, "Printer")
    run.attempt("search tickets", lambda: [ticket.id for ticket in client.tickets.search("printer")], [1001])
    run.attempt(
        "add an action",
        lambda: client.tickets.get(1001).add_action({"outcome_id": 7, "note_html": "<p>x</p>"})["id"],
        1,
    )
    run.attempt("list actions", lambda: client.actions.list(ticket_id=1001)[0].note, "x")
    run.attempt("delete a ticket", lambda: client.tickets.get(1001).delete(), None)
    run.refused("miss what is deleted", lambda: client.tickets.get(1001), "1001")
    return int(run.failed > 0)


if __name__ == "__main__":
    sys.exit(judge())
