"""What well-known senders do, request by request, and what they insist on in the answers."""

from __future__ import annotations

import pytest

from tests.service.emulator.client import GRANT, connected

pytestmark = pytest.mark.anyio

CATCH_ALL = "unregistered@helpdeskbuttons.com"


@pytest.mark.parametrize("email", ["dan.jump@contoso.com", CATCH_ALL])
async def test_tier2tickets(email: str) -> None:
    """Its way: lower-case paths without `/api`, a ticket for the user found, then a private note."""
    async with connected() as client:
        client.headers["halo-app-name"] = "helpdesk-buttons"
        scopes = "read:tickets edit:tickets read:customers read:crm read:assets"
        token = (await client.post("/auth/token", params={"tenant": "demo"}, data=GRANT | {"scope": scopes})).json()
        client.headers["authorization"] = f"Bearer {token['access_token']}"
        users = (await client.get("/users", params={"search": email})).json()
        user = next(row for row in users["users"] if row["emailaddress"] == email)
        for path in ("/client", "/site"):
            view = (await client.get(path)).json()
            assert {"page_no", "page_size", "record_count", "columns"} < view.keys()
        assets = (await client.get("/asset", params={"search": "CONTOSO-LT-001"})).json()["assets"]
        ticket = {
            "summary": "Help",
            "details_html": "<table><tr><td>Name</td><td>Dan</td></tr></table>",
            "user_id": user["id"],
            "client_id": user["client_id"],
            "site_id": 0,
            "tickettype_id": 1,
            "assets": [{name: assets[0][name] for name in ("id", "client_id", "site_id")}],
        }
        created = await client.post("/tickets", json=[ticket])
        note = {"ticket_id": created.json()["id"], "outcome_id": 7, "hiddenfromuser": True, "note_html": "<p>link</p>"}
        noted = await client.post("/actions", json=[note])
    assert (created.status_code, created.json()["user_email"]) == (201, email)
    assert (noted.status_code, noted.json()["id"], noted.json()["hiddenfromuser"]) == (201, 1, True)


async def test_huntress() -> None:
    """Its way: clients by pages, one object for one client, look-ups, and a ticket whose ids are texts."""
    async with connected() as client:
        client.headers["user-agent"] = "Huntress Halo Integration"
        token = (await client.post("/auth/token", data=GRANT)).json()
        client.headers["authorization"] = f"Bearer {token['access_token']}"
        page = (await client.get("/api/Client?pageinate=true&page_no=1&page_size=100")).json()
        contoso = next(row for row in page["clients"] if row["name"] == "Contoso Ltd.")
        one = (await client.get(f"/api/Client/{contoso['id']}")).json()
        statuses = {row["name"] for row in (await client.get("/api/Status")).json()}
        for path in ("/api/TicketType", "/api/Team", "/api/Priority"):
            assert (await client.get(path)).json()
        ticket = {
            "summary": "Incident on CONTOSO-DC01",
            "details": "Low severity",
            "client_id": str(one["id"]),
            "tickettype_id": "21",
        }
        created = (await client.post("/api/Tickets", json=[ticket])).json()
    assert one == contoso
    assert {"New", "Closed"} <= statuses
    assert (created["client_name"], created["user_name"], created["team"]) == (
        "Contoso Ltd.",
        "General User",
        "Infrastructure",
    )
