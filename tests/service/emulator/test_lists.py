"""Look-ups and lists: their shapes, filters, searches and pages."""

from __future__ import annotations

import json

import pytest

from service.emulator.behaviour import Behaviour, read_switches
from tests.service.emulator.client import TENANT, client_id, create, fetch, signed_in

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "path", ["/api/TicketType", "/TicketType", "/tickettype", "/API/TICKETTYPE", "/api/tickettype/"]
)
async def test_paths_ignore_case_and_prefix(path: str) -> None:
    """Every spelling of a path answers the same, with and without `/api`."""
    async with signed_in() as client:
        answer = await client.get(path)
    assert [row["name"] for row in answer.json()] == ["Incident", "Service Request", "Problem", "Alert", "Task"]


@pytest.mark.parametrize("path", ["/apitickettype", "/api/nonsense", "/nonsense"])
async def test_an_unknown_path_is_not_found(path: str) -> None:
    """What is no path of Halo's is a 404."""
    async with signed_in() as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (
            "TicketType",
            "id name default_sla default_priority default_team default_agent agentscanselect visible",
        ),
        ("Status", "id name shortname type sequence"),
        ("Team", "id name inactive forrequests department_id"),
        ("Priority", "id slaid priorityid name responsetime responseunits fixtime fixunits ishidden colour"),
        ("SLA", "id name"),
        ("Agent", "id name email team isdisabled isapiagent use"),
        ("Category", "id value category_name type_id sla_id priority_id"),
        ("Outcome", "id outcome buttonname hidden hidefromuser systemid"),
        ("Lookup?lookupid=12", "lookupid id name value2 sequence inactive"),
        ("FieldInfo", "id name label type usage custom values"),
        ("Field", "id name label type"),
    ],
)
async def test_look_ups_are_bare_arrays(path: str, fields: str) -> None:
    """A look-up answers an array of rows with Halo's field names."""
    async with signed_in() as client:
        rows = (await client.get(f"/api/{path}")).json()
    assert isinstance(rows, list)
    assert list(rows[0]) == fields.split()


@pytest.mark.parametrize("path", ["Client", "Site", "Users", "Asset", "Tickets"])
async def test_big_lists_are_envelopes(path: str) -> None:
    """What can be long comes in an envelope that counts all records."""
    async with signed_in() as client:
        await create(client)
        answer = (await client.get(f"/api/{path}")).json()
    key = path.lower() if path.endswith("s") else f"{path.lower()}s"
    assert list(answer) == ["page_no", "page_size", "record_count", "columns", key]
    assert answer["record_count"] == len(answer[key]) > 0


@pytest.mark.parametrize(
    ("parameters", "ids", "page_size"),
    [
        ("pageinate=true&page_no=1&page_size=5", slice(0, 5), 5),
        ("pageinate=true&page_no=3&page_size=5", slice(10, 15), 5),
        ("PAGEINATE=True&page_no=3&page_size=5", slice(10, 15), 5),
        ("pageinate=true&page_no=4&page_size=5", slice(15, 20), 5),
        ("pageinate=true&page_size=999", slice(0, 8), 8),
        ("count=3", slice(0, 3), 3),
        ("count=999", slice(0, 8), 8),
        ("page_no=3&page_size=5", slice(0, 8), 8),
        ("", slice(0, 8), 8),
    ],
)
async def test_paging(parameters: str, ids: slice, page_size: int) -> None:
    """`pageinate` cuts out a page, `count` the first rows, and no answer is longer than the cap."""
    async with signed_in(behaviour=Behaviour(page_size_cap=8)) as client:
        answer = (await client.get(f"/api/Client?includeinactive=true&{parameters}")).json()
    assert [row["id"] for row in answer["clients"]] == [client.id for client in TENANT.clients[ids]]
    assert (answer["record_count"], answer["page_size"]) == (len(TENANT.clients), page_size)


async def test_page_size_alone_is_a_switch() -> None:
    """Whether `page_size` works without `pageinate` is not known, so both can be had."""
    async with signed_in(behaviour=Behaviour(page_size_needs_pageinate=False)) as client:
        answer = (await client.get("/api/Client?page_size=2&page_no=2")).json()
    assert [row["id"] for row in answer["clients"]] == [client.id for client in TENANT.clients[2:4]]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("Users?search=dan.jump@contoso.com", ["Dan Jump", "Jordan Jump"]),
        ("Users?search=DAN%20JUMP", ["Dan Jump", "Jordan Jump", "Dan Jumper"]),
        ("Client?search=toys", ["Tailspin Toys", "Wingtip Toys"]),
        ("Site?search=warehouse", ["Warehouse"]),
        ("Agent?search=priya", ["Priya Nair"]),
        ("Users?search=nobody", []),
        ("Users?search=jump&client_id=12", ["Dan Jump", "Jordan Jump"]),
        ("Site?search=plant", ["Paris Plant"]),
    ],
)
async def test_search_is_like(path: str, names: list[str]) -> None:
    """A search finds every record that contains the text, in any case, in one of its fields."""
    async with signed_in() as client:
        rows = await fetch(client, f"/api/{path}")
    assert [row["name"] for row in rows] == names


async def test_an_asset_is_found_by_host_name_or_asset_tag() -> None:
    """A server's host name is in `key_field` only: its inventory number is an asset tag."""
    async with signed_in() as client:
        (server,) = await fetch(client, "/api/Asset?search=fab-sql-01")
        assert server["key_field"] == "FAB-SQL-01"
        assert server["inventory_number"].startswith("TAG-")
        same = await fetch(client, f"/api/Asset?search={server['inventory_number']}")
        assert same == [server]
        path = "/api/Asset?search=fab-sql-01&search_inventory_number_only=true"
        assert await fetch(client, path) == []


async def test_host_names_repeat() -> None:
    """A host name can be there twice within a client, and at several clients."""
    async with signed_in() as client:
        twice = await fetch(client, "/api/Asset?search=CONTOSO-WS-014")
        everywhere = await fetch(client, "/api/Asset?search=RECEPTION-PC")
        here = await fetch(client, f"/api/Asset?search=RECEPTION-PC&client_id={client_id('Fabrikam, Inc.')}")
    assert [row["client_name"] for row in twice] == ["Contoso Ltd.", "Contoso Ltd."]
    assert [row["client_name"] for row in everywhere] == [
        "Contoso Ltd.",
        "Fabrikam, Inc.",
        "Northwind Traders",
        "Graphic Design Institute",
    ]
    assert [row["client_name"] for row in here] == ["Fabrikam, Inc."]


def advanced(name: str, value: str, kind: int = 2) -> str:
    """Return the parameter of an advanced search."""
    return json.dumps([{"filter_name": name, "filter_type": kind, "filter_value": value}])


@pytest.mark.parametrize(
    ("email", "names"),
    [
        ("dan.jump@contoso.com", ["Dan Jump"]),
        ("it.help@fabrikam.com", ["Help Mailbox"]),
        ("unregistered@helpdeskbuttons.com", ["Unregistered User"]),
        ("jump@contoso.com", []),
        ("oliver.lee@contoso.com", []),
    ],
)
async def test_advanced_search_is_exact(email: str, names: list[str]) -> None:
    """The advanced search compares whole addresses, in any case, among active users."""
    async with signed_in() as client:
        answer = await client.get("/api/Users", params={"advanced_search": advanced("emailaddress", email)})
    assert [row["name"] for row in answer.json()["users"]] == names


@pytest.mark.parametrize(
    "parameter",
    [
        advanced("password", "x"),
        advanced("emailaddress", "x", kind=4),
        "nonsense",
        "{}",
        "[1]",
        "[" * 5_000,
    ],
    ids=["field", "filter type", "no JSON", "no array", "no filter", "deep"],
)
async def test_advanced_search_is_choosy(parameter: str) -> None:
    """A field or comparison that is not on its list, and what is no list of filters, is refused."""
    async with signed_in() as client:
        answer = await client.get("/api/Users", params={"advanced_search": parameter})
    assert (answer.status_code, answer.json()["Message"]) == (400, "Invalid advanced search parameter")


async def test_unknown_filters_are_ignored() -> None:
    """A misspelt filter answers everything, without a word."""
    async with signed_in() as client:
        everything = await fetch(client, "/api/Site")
        assert await fetch(client, "/api/Site?clientid=13") == everything
        assert len(await fetch(client, "/api/Site?client_id=13")) == 2


async def test_a_malformed_filter_is_refused() -> None:
    """A number that is none is a 400 that names its parameter."""
    async with signed_in() as client:
        answer = await client.get("/api/Site?client_id=abc")
    assert (answer.status_code, answer.json()) == (400, {"client_id": ["The value 'abc' is not valid."]})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Users/203", "Dan Jump"),
        ("Client/12", "Contoso Ltd."),
        ("Site/81", "Head Office"),
        ("TicketType/1", "Incident"),
        ("Status/28", "On Hold"),
        ("Team/7", "Night Shift"),
        ("Agent/1", "Unassigned"),
        ("Agent/37", "Greg Olsen"),
        ("Client/90", "Coho Winery (left 2024)"),
    ],
)
async def test_one_record_comes_bare(path: str, name: str) -> None:
    """A record asked for by its id is one object, even one that lists leave out."""
    async with signed_in() as client:
        answer = await client.get(f"/api/{path}")
    assert (answer.status_code, answer.json()["name"]) == (200, name)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Users/99999", 404),
        ("Users/abc", 400),
        ("Tickets/1", 404),
        ("Tickets/abc", 400),
        ("Tickets/99999999999", 400),
        ("Priority/1", 404),
    ],
)
async def test_a_record_that_is_not_there(path: str, status: int) -> None:
    """An unknown id is a 404 and a malformed one a 400; a priority is known by its GUID only."""
    async with signed_in() as client:
        assert (await client.get(f"/api/{path}")).status_code == status


async def test_some_ids_are_doubles() -> None:
    """The client of a site and the site of a user are written with a decimal point."""
    async with signed_in() as client:
        user = (await client.get("/api/Users/203")).text
        site = (await client.get("/api/Site/81")).text
        asset = (await client.get("/api/Asset/500")).text
    assert '"client_id":12,' in user
    assert '"site_id":81.0,"site_id_int":81,' in user
    assert '"client_id":12.0,' in site
    assert '"client_id":12,' in asset


async def test_priorities_belong_to_an_sla() -> None:
    """There is a row per SLA and priority, and the same number means another thing under another SLA."""
    async with signed_in() as client:
        rows = await fetch(client, "/api/Priority")
        filtered = await fetch(client, "/api/Priority?slaid=2")
        one = (await client.get(f"/api/Priority/{rows[0]['id']}")).json()
    names = {(row["slaid"], row["priorityid"]): row["name"] for row in rows}
    assert len(names) == len(rows) == len({row["id"] for row in rows}) == 9
    assert [names[1, n] for n in range(1, 6)] == ["Critical", "High", "Medium", "Low", "Very Low"]
    assert [row["name"] for row in filtered] == ["High", "Medium", "Low", "Planned"]
    assert one == rows[0]


async def test_priorities_of_an_sla() -> None:
    """An SLA lists its priorities as objects or as bare ids, as the switch says."""
    async with signed_in() as client:
        sla = (await client.get("/api/SLA/2")).json()
        assert sla["priorities"] == await fetch(client, "/api/Priority?slaid=2")
    async with signed_in(behaviour=Behaviour(sla_lists_priority_objects=False)) as client:
        sla = (await client.get("/api/SLA/2")).json()
        assert sla == {"id": 2, "name": "Service Requests", "priorities": [1, 2, 3, 4]}


async def test_agents_who_are_left_out() -> None:
    """Unassigned and disabled agents are listed when asked for."""
    async with signed_in() as client:
        usual = {row["name"] for row in await fetch(client, "/api/Agent")}
        path = "/api/Agent?includeunassigned=true&includedisabled=true"
        everyone = {row["name"] for row in await fetch(client, path)}
        infrastructure = await fetch(client, "/api/Agent?team=infrastructure")
    assert everyone - usual == {"Unassigned", "Greg Olsen"}
    assert [row["name"] for row in infrastructure] == ["Femi Adeyemi"]


async def test_paged_agents() -> None:
    """Paged agents come in an envelope with the key `results`, or as the bare array of older versions."""
    async with signed_in() as client:
        answer = (await client.get("/api/Agent?pageinate=true&page_size=2")).json()
        assert (answer["record_count"], len(answer["results"])) == (7, 2)
    async with signed_in(behaviour=Behaviour(paged_agents_in_envelope=False)) as client:
        assert isinstance((await client.get("/api/Agent?pageinate=true")).json(), list)


@pytest.mark.parametrize(
    ("path", "parameter", "more"),
    [
        ("Team", "showall", {"Night Shift"}),
        ("Users", "includeinactive", {"Oliver Lee"}),
        ("Client", "includeinactive", {"Coho Winery (left 2024)"}),
    ],
)
async def test_inactive_records(path: str, parameter: str, more: set[str]) -> None:
    """Inactive records are listed when asked for."""
    async with signed_in() as client:
        usual = {row["name"] for row in await fetch(client, f"/api/{path}")}
        everything = {row["name"] for row in await fetch(client, f"/api/{path}?{parameter}=true")}
    assert everything - usual == more


async def test_closed_statuses_and_hidden_outcomes() -> None:
    """Statuses can be asked for without the closed ones, outcomes with the hidden ones."""
    async with signed_in() as client:
        statuses = [row["id"] for row in await fetch(client, "/api/Status?excludeclosed=true")]
        outcomes = {row["id"]: row["outcome"] for row in await fetch(client, "/api/Outcome")}
        hidden = [row["id"] for row in await fetch(client, "/api/Outcome?showhidden=true")]
    assert statuses == [1, 2, 21, 22, 28]
    assert outcomes[7] == "Internal Note"
    assert set(hidden) - set(outcomes) == {1}


async def test_look_ups_by_number() -> None:
    """A look-up list is chosen by its number, and without one there is none."""
    async with signed_in() as client:
        lists = {n: [row["name"] for row in await fetch(client, f"/api/Lookup?lookupid={n}")] for n in (12, 27)}
        nothing = await fetch(client, "/api/Lookup")
    assert lists == {
        12: ["Company Wide", "Multiple Users Affected", "Single User Affected"],
        27: ["High", "Medium", "Low"],
    }
    assert nothing == []


async def test_look_ups_of_types_and_events() -> None:
    """Ticket types and the events of webhooks are look-up lists too."""
    async with signed_in() as client:
        types = [row["id"] for row in await fetch(client, "/api/Lookup?lookupid=21")]
        events = [row["id"] for row in await fetch(client, "/api/Lookup?lookupid=64")]
    assert (types, events) == ([1, 3, 4, 21, 29, 40], [3, 19, 39, 76, 1072])


async def test_what_a_ticket_type_allows() -> None:
    """Statuses and outcomes can be asked for by ticket type; elsewhere, and for an unknown type, that does nothing."""
    async with signed_in() as client:
        statuses = [row["id"] for row in await fetch(client, "/api/Status?tickettype_id=21")]
        outcomes = [row["outcome"] for row in await fetch(client, "/api/Outcome?tickettype_id=21")]
        every = await fetch(client, "/api/Outcome")
        assert await fetch(client, "/api/Outcome?tickettype_id=1") == every
        assert await fetch(client, "/api/Outcome?tickettype_id=99") == every
        assert len(await fetch(client, "/api/Team?tickettype_id=abc")) == 6
    assert (statuses, outcomes) == ([1, 2, 9], ["Internal Note", "Resolve"])


async def test_what_lists_show_only_when_asked() -> None:
    """The agents of teams and the priorities of SLAs come with a parameter of their own."""
    async with signed_in() as client:
        teams = await fetch(client, "/api/Team?includeagentsforteams=true")
        slas = await fetch(client, "/api/SLA?showpriorities=true")
    assert teams[3]["agents"] == [{"id": 35, "name": "Lena Vogel"}]
    assert [[row["priorityid"] for row in sla["priorities"]] for sla in slas] == [[1, 2, 3, 4, 5], [1, 2, 3, 4]]


async def test_a_ticket_type_out_of_use() -> None:
    """A type that is not visible is listed when asked for, by either parameter."""
    async with signed_in() as client:
        usual = {row["id"] for row in await fetch(client, "/api/TicketType")}
        for parameter in ("showall", "showinactive"):
            every = await fetch(client, f"/api/TicketType?{parameter}=true")
            assert [(row["id"], row["visible"]) for row in every if row["id"] not in usual] == [(40, False)]


@pytest.mark.parametrize("name", ["default_sla", "default_sla_id", "sla_id", "slaid", "sla"])
async def test_the_name_of_a_types_sla_is_a_switch(name: str) -> None:
    """What a ticket type calls its SLA differs between versions."""
    async with signed_in(behaviour=read_switches([f"ticket_type_sla_field={name}"])) as client:
        rows = await fetch(client, "/api/TicketType")
    assert {row["name"]: row[name] for row in rows} == {
        "Incident": 1,
        "Service Request": 2,
        "Problem": 1,
        "Alert": 1,
        "Task": -1,
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Dan Jump"]),
        ("&includeinactive=true", ["Dan Jump", "Oliver Lee"]),
        ("&includeinactive=true&includeactive=false", ["Oliver Lee"]),
    ],
)
async def test_active_and_inactive(query: str, names: list[str]) -> None:
    """Lists can be asked for inactive records as well, or alone."""
    async with signed_in() as client:
        rows = await fetch(client, f"/api/Users?client_id=12{query}")
    assert [row["name"] for row in rows if row["name"] in {"Dan Jump", "Oliver Lee"}] == names


async def test_assets_by_type() -> None:
    """Assets can be asked for by their type."""
    async with signed_in() as client:
        rows = await fetch(client, "/api/Asset?assettype_id=4")
    assert [(row["key_field"], row["assettype_name"]) for row in rows] == [("FAB-PRINT-01", "Printer")]


async def test_all_look_ups_at_once() -> None:
    """The client's cache has every look-up that needs no scope, each as it is listed."""
    async with signed_in(scope="read:tickets") as client:
        cache = (await client.get("/api/ClientCache?iscachebuild=true")).json()
        assert cache["status"] == await fetch(client, "/api/Status")
    assert sorted(cache) == [
        "agent",
        "category",
        "field",
        "fieldinfo",
        "lookup",
        "outcome",
        "priority",
        "sla",
        "status",
        "team",
        "tickettype",
    ]
    assert {row["lookupid"] for row in cache["lookup"]} == {12, 27, 22, 21, 64}


async def test_category_lists() -> None:
    """Categories are paths of four lists, whose numbers in `type_id` are a switch."""
    async with signed_in() as client:
        second = await fetch(client, "/api/Category?type_id=2")
        assert [row["value"] for row in second] == ["Remote", "On Site", "Workshop"]
    async with signed_in(behaviour=Behaviour(first_category_type_id=2)) as client:
        first = [row["value"] for row in await fetch(client, "/api/Category?type_id=2")]
        assert "Hardware>Printer>Paper Jam" in first


async def test_a_ticket_type_in_detail() -> None:
    """A ticket type asked for by its id also tells what it brings along."""
    async with signed_in() as client:
        detail = (await client.get("/api/TicketType/21")).json()
    assert (detail["default_sla"], detail["default_priority"], detail["initial_status"]) == (1, 3, 1)
    assert detail["allowed_actions"] == [{"id": 7}, {"id": 9}]
    assert [row["fieldname"] for row in detail["fields"]] == ["CFalertSource"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_post_is_the_only_write(method: str) -> None:
    """Halo has no PUT and no PATCH."""
    async with signed_in() as client:
        ticket = await create(client)
        answer = await client.request(method, f"/api/Tickets/{ticket['id']}", json={"summary": "x"})
    assert answer.status_code == 405
