"""Writing clients, sites, users and assets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.emulator.client import create, fetch, problem, signed_in

pytestmark = pytest.mark.anyio


async def test_a_new_client_with_everything() -> None:
    """A client can be created with sites, users and assets, and tickets can be filed for it at once."""
    async with signed_in() as client:
        new = (await client.post("/api/Client", json=[{"name": "Lucerne Publishing"}])).json()
        site = (await client.post("/api/Site", json=[{"name": "Press", "client_id": float(new["id"])}])).json()
        person = {"name": "Ann Beebe", "emailaddress": "ann@lucerne.test", "site_id": site["id"]}
        user = (await client.post("/api/Users", json=[person])).json()
        device = {"key_field": "LUC-1", "assettype_id": 2, "site_id": site["id"]}
        asset = (await client.post("/api/Asset", json=[device])).json()
        sites = [row["name"] for row in await fetch(client, f"/api/Site?client_id={new['id']}")]
        ticket = await create(client, user_id=user["id"], site_id=site["id"], assets=[{"id": asset["id"]}])
        general = await create(client, client_id=new["id"])
    assert sites == ["Main", "Press"]
    assert (site["client_id"], user["client_id"], asset["client_id"]) == (new["id"],) * 3
    assert (asset["assettype_name"], user["site_name"]) == ("Laptop", "Press")
    assert (ticket["client_name"], ticket["user_name"], ticket["site_name"]) == (
        "Lucerne Publishing",
        "Ann Beebe",
        "Press",
    )
    assert (general["user_name"], general["site_name"]) == ("General User", "Main")


@pytest.mark.parametrize(
    ("path", "fields", "field", "value"),
    [
        ("Client", {"id": 12, "name": "Contoso"}, "inactive", False),
        ("Site", {"id": 81, "name": "HQ"}, "client_name", "Contoso Ltd."),
        ("Users", {"id": 203, "emailaddress": "dan@contoso.com", "site_id": None}, "name", "Dan Jump"),
        ("Asset", {"id": "500", "inventory_number": "TAG-1"}, "key_field", "CONTOSO-LT-001"),
        ("Users", {"id": 203, "inactive": True}, "emailaddress", "dan.jump@contoso.com"),
        ("Users", {"id": 203, "site_id": 88}, "client_name", "Adventure Works"),
    ],
)
async def test_records_are_merged(path: str, fields: dict[str, Any], field: str, value: Any) -> None:
    """With an id, what is sent changes and the rest stays."""
    async with signed_in() as client:
        saved = (await client.post(f"/api/{path}", json=[fields])).json()
        assert (await client.get(f"/api/{path}/{fields['id']}")).json() == saved
    sent = {name: item for name, item in fields.items() if name != "id" and item is not None}
    assert {name: saved[name] for name in sent} == sent
    assert saved[field] == value


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("Client", {}, "Name must be entered"),
        ("Site", {"name": "x"}, "Customer must be entered"),
        ("Site", {"name": "x", "client_id": 999}, "The Customer selected is not valid"),
        ("Users", {"name": "x"}, "Site must be entered"),
        ("Users", {"name": "x", "site_id": 9999}, "The Site selected is not valid"),
        ("Asset", {"site_id": 81}, "Asset Type must be entered"),
        ("Asset", {"site_id": 81, "assettype_id": 99}, "The Asset Type selected is not valid"),
    ],
)
async def test_records_that_are_refused(path: str, fields: dict[str, Any], message: str) -> None:
    """A record without what it must have, or with what is not there, is refused."""
    async with signed_in() as client:
        assert await problem(client, f"/api/{path}", [fields]) == message


async def test_records_are_deleted() -> None:
    """A deleted record is answered and gone; a ticket that had it is still there."""
    async with signed_in() as client:
        await create(client, user_id=203, site_id=81)
        for path, number in (("Users", 203), ("Site", 81), ("Client", 12), ("Asset", 500)):
            gone = await client.delete(f"/api/{path}/{number}")
            assert (gone.status_code, gone.json()["id"]) == (200, number)
            assert (await client.get(f"/api/{path}/{number}")).status_code == 404
            assert (await client.delete(f"/api/{path}/{number}")).status_code == 404
            assert (await client.post(f"/api/{path}", json=[{"id": number}])).status_code == 404
        assert (await client.get("/api/Tickets/1001")).json()["user_name"] == ""
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("scope", "status"), [("read:customers", 403), ("edit:customers", 201), ("edit:assets", 403), ("all", 201)]
)
async def test_scopes_of_writing(scope: str, status: int) -> None:
    """Clients are written with the scope that edits customers."""
    async with signed_in(scope=scope) as client:
        assert (await client.post("/api/Client", json=[{"name": "x"}])).status_code == status
