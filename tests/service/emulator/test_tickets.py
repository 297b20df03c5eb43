"""Writing tickets: what must be given, what Halo fills in, and how it says no."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.emulator.behaviour import Behaviour
from tests.service.emulator.client import (
    Clock,
    client_id,
    create,
    fetch,
    problem,
    signed_in,
    user_id,
)

pytestmark = pytest.mark.anyio

DAN = user_id("Dan Jump")
CONTOSO = client_id("Contoso Ltd.")


def taken(answer: dict[str, Any], names: str) -> dict[str, Any]:
    """Return some of the fields of a ticket."""
    return {name: answer[name] for name in names.split()}


async def test_the_smallest_ticket() -> None:
    """A summary is enough: the answer is 201 with one object, and the rest comes from defaults."""
    async with signed_in() as client:
        answer = await client.post("/api/Tickets", json=[{"summary": "Printer"}])
        assert answer.status_code == 201
        ticket = answer.json()
        assert (await client.get(f"/api/Tickets/{ticket['id']}")).json() == ticket
    assert taken(ticket, "id summary tickettype_id status_id sla_id priority_id team team_id source") == {
        "id": 1001,
        "summary": "Printer",
        "tickettype_id": 1,
        "status_id": 1,
        "sla_id": 1,
        "priority_id": 3,
        "team": "1st Line Support",
        "team_id": 1,
        "source": 0,
    }
    assert taken(ticket, "client_id client_name site_id user_id user_name agent_id") == {
        "client_id": 1,
        "client_name": "Unregistered Users",
        "site_id": 1,
        "user_id": 1,
        "user_name": "General User",
        "agent_id": 20,
    }
    assert taken(ticket, "dateoccurred lastactiondate dateclosed") == {
        "dateoccurred": "2026-11-21T09:30:00.000Z",
        "lastactiondate": "2026-11-21T09:30:00.000Z",
        "dateclosed": "1900-01-01T00:00:00",
    }


async def test_a_whole_ticket() -> None:
    """What is sent is kept, ids are completed with names, and paths of categories with their ids."""
    async with signed_in() as client:
        ticket = await create(
            client,
            summary="Screen",
            details_html="<p>black</p>",
            tickettype_id="1",
            user_id=str(DAN),
            site_id=81,
            client_id=CONTOSO,
            status_id=2,
            priority_id=1,
            team="2nd line",
            agent_id=33,
            impact=1,
            urgency=2,
            category_1="hardware>desktop",
            category_2="Remote",
            assets=[{"id": 500, "client_id": CONTOSO, "site_id": 81}],
            source=24,
            third_party_id_string="dsp-1",
            third_party_id=7,
            client_reference="PO 1",
        )
    assert taken(ticket, "summary details_html user_name user_email site_name client_name") == {
        "summary": "Screen",
        "details_html": "<p>black</p>",
        "user_name": "Dan Jump",
        "user_email": "dan.jump@contoso.com",
        "site_name": "Head Office",
        "client_name": "Contoso Ltd.",
    }
    assert taken(ticket, "status_id priority_id team team_id agent_id impact urgency source") == {
        "status_id": 2,
        "priority_id": 1,
        "team": "2nd Line",
        "team_id": 2,
        "agent_id": 33,
        "impact": 1,
        "urgency": 2,
        "source": 24,
    }
    assert taken(ticket, "category_1 categoryid_1 category_1_display category_2 categoryid_2 category_3") == {
        "category_1": "Hardware>Desktop",
        "categoryid_1": 102,
        "category_1_display": "Hardware > Desktop",
        "category_2": "Remote",
        "categoryid_2": 201,
        "category_3": "",
    }
    assert [asset["key_field"] for asset in ticket["assets"]] == ["CONTOSO-LT-001"]
    assert taken(ticket, "third_party_id_string third_party_id client_reference") == {
        "third_party_id_string": "dsp-1",
        "third_party_id": 7,
        "client_reference": "PO 1",
    }


async def test_several_tickets_at_once() -> None:
    """Of several tickets the last is answered, or all when asked for."""
    async with signed_in() as client:
        two = [{"summary": "a"}, {"summary": "b"}]
        last = (await client.post("/api/Tickets", json=two)).json()
        both = (await client.post("/api/Tickets?returnall=true", json=two)).json()
    assert (last["id"], last["summary"]) == (1002, "b")
    assert [(row["id"], row["summary"]) for row in both] == [(1003, "a"), (1004, "b")]


async def test_a_bare_object() -> None:
    """A bare object is refused unless switched on; `/Tickets/Object` takes one."""
    async with signed_in() as client:
        answer = await client.post("/api/Tickets", json={"summary": "x"})
        assert answer.status_code == 400
        assert list(answer.json()) == [""]
        answer = await client.post("/api/Tickets/Object", json={"summary": "x"})
        assert (answer.status_code, answer.json()["id"]) == (201, 1001)
    async with signed_in(behaviour=Behaviour(accepts_bare_object=True)) as client:
        answer = await client.post("/api/Tickets", json={"summary": "x"})
        assert (answer.status_code, answer.json()["id"]) == (201, 1001)


async def test_an_id_means_update(clock: Clock) -> None:
    """With an id the sent fields are merged into that ticket; the others stay."""
    async with signed_in(clock=clock) as client:
        before = await create(client, user_id=DAN, site_id=81, priority_id=2, category_1="Software>Email")
        clock.advance(60)
        answer = await client.post("/api/Tickets", json=[{"id": before["id"], "status_id": 2}])
        after = answer.json()
        count = (await client.get("/api/Tickets")).json()["record_count"]
    assert answer.status_code == 201
    assert {name for name in after if after[name] != before[name]} == {"status_id", "lastactiondate"}
    assert count == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"site_id": 82}, {"user_id": DAN, "client_id": CONTOSO, "site_id": 82}),
        ({"site_id": 84}, {"user_id": DAN, "client_id": CONTOSO, "site_id": 81}),
        ({"user_id": 211, "site_id": 0}, {"user_id": 211, "client_id": 13, "site_id": 84}),
        ({"client_id": 13}, {"user_id": 210, "client_id": 13, "site_id": 84}),
    ],
)
async def test_moving_a_ticket(change: dict[str, int], expected: dict[str, int]) -> None:
    """An update can move a ticket; a site of another client does not count."""
    async with signed_in() as client:
        ticket = await create(client, user_id=DAN, site_id=81)
        after = (await client.post("/api/Tickets", json=[{"id": ticket["id"], **change}])).json()
    assert taken(after, "user_id client_id site_id") == expected


async def test_an_update_of_nothing() -> None:
    """An update of an unknown ticket is a 404 and makes none."""
    async with signed_in() as client:
        assert (await client.post("/api/Tickets", json=[{"id": 5, "summary": "x"}])).status_code == 404
        assert await fetch(client, "/api/Tickets") == []


async def test_delete_and_recover() -> None:
    """A deleted ticket is a 404 everywhere until a write recovers it."""
    async with signed_in() as client:
        ticket = await create(client)
        path = f"/api/Tickets/{ticket['id']}"
        assert (await client.delete(path)).status_code == 200
        assert (await client.get(path)).status_code == 404
        assert (await client.post("/api/Tickets", json=[{"id": 1001, "summary": "x"}])).status_code == 404
        assert await fetch(client, "/api/Tickets") == []
        recover = [{"id": 1001, "_recover": True, "_validate_updates": True}]
        assert (await client.post("/api/Tickets", json=recover)).status_code == 201
        assert (await client.get(path)).json() == ticket


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tickettype_id": 99}, "The Ticket Type selected is not valid"),
        ({"user_id": 99999, "site_id": 1}, "The User selected is not valid"),
        ({"user_id": DAN}, "A Site must be selected"),
        ({"site_id": 9999}, "The Site selected is not valid"),
        ({"client_id": 9999}, "The Customer selected is not valid"),
        ({"summary": ""}, "A Summary must be entered"),
        ({"summary": None}, "A Summary must be entered"),
        ({"status_id": 99}, "The Status selected is not valid"),
        ({"sla_id": 99}, "The SLA selected is not valid"),
        ({"agent_id": 99}, "The Agent selected is not valid"),
        ({"agent_id": 37}, "The Agent selected is not valid"),
        ({"team": "Blue"}, "The Team selected is not valid"),
        ({"team_id": 99}, "The Team selected is not valid"),
        ({"category_1": "Desktop"}, "The Category selected is not valid"),
        ({"category_2": "Hardware"}, "The Category selected is not valid"),
        ({"impact": 4}, "The Impact selected is not valid"),
        ({"urgency": 0}, "The Urgency selected is not valid"),
        ({"source": 99}, "The Source selected is not valid"),
        ({"assets": [{"id": 99999}]}, "The Asset selected is not valid"),
        ({"assets": [{"name": "x"}]}, "The Asset selected is not valid"),
    ],
)
async def test_a_value_that_the_tenant_does_not_have(fields: dict[str, Any], message: str) -> None:
    """An unknown id or name is refused with a .NET exception, and no ticket is made."""
    async with signed_in() as client:
        assert await problem(client, "/api/Tickets", [{"summary": "x", **fields}]) == message
        assert await fetch(client, "/api/Tickets") == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"team": "Blue"}, {"team": "1st Line Support"}),
        ({"category_1": "Desktop"}, {"category_1": ""}),
        ({"impact": 4}, {"impact": 0}),
        ({"source": 99}, {"source": 0}),
        ({"assets": [{"id": 99999}, {"id": 500}]}, {"assets": [500]}),
    ],
)
async def test_unknown_values_can_be_ignored(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Whether Halo refuses an unknown team, category, number or asset is not known: it is a switch."""
    async with signed_in(behaviour=Behaviour(unknown_values="ignore")) as client:
        ticket = await create(client, **fields)
    ticket["assets"] = [asset["id"] for asset in ticket["assets"]]
    assert taken(ticket, " ".join(expected)) == expected


async def test_an_ignored_value_leaves_the_old_one() -> None:
    """An update with an ignored value keeps what was there."""
    async with signed_in(behaviour=Behaviour(unknown_values="ignore")) as client:
        await create(client, team="Security", impact=2)
        change = [{"id": 1001, "team": "Blue", "impact": 9}]
        after = (await client.post("/api/Tickets", json=change)).json()
    assert taken(after, "team impact") == {"team": "Security", "impact": 2}


async def test_one_problem_at_a_time() -> None:
    """A ticket with many problems meets them one after the other, in Halo's order."""
    fields: dict[str, Any] = {}
    met = []
    async with signed_in(behaviour=Behaviour(fills_requester=False)) as client:
        for repair in (
            {"user_id": DAN},
            {"site_id": 81},
            {"summary": "x"},
            {"tickettype_id": 4},
            {"category_1": "Software"},
            {"impact": 1},
        ):
            met.append(await problem(client, "/api/Tickets", [fields]))
            fields |= repair
            if "summary" in repair:
                await create(client, **fields)
                fields["tickettype_id"] = 4
        assert await problem(client, "/api/Tickets", [fields]) == "Urgency must be entered"
        await create(client, **fields, urgency=1)
    assert met == [
        "Username must be entered",
        "A Site must be selected",
        "A Summary must be entered",
        "Category 1 must be entered",
        "Category 1 must be entered",
        "Impact must be entered",
    ]


async def test_validation_can_be_skipped() -> None:
    """`_novalidate` skips what is mandatory, not what is unknown."""
    async with signed_in(behaviour=Behaviour(fills_requester=False)) as client:
        answer = await client.post("/api/Tickets", json=[{"tickettype_id": 4, "_novalidate": True}])
        assert (answer.status_code, answer.json()["summary"]) == (201, "")
        body = [{"status_id": 99, "_novalidate": "true"}]
        assert await problem(client, "/api/Tickets", body) == "The Status selected is not valid"


async def test_a_user_without_a_site_can_do() -> None:
    """Whether a chosen user needs its site is a switch; 0 counts as given in any case."""
    async with signed_in() as client:
        assert (await create(client, user_id=DAN, site_id=0))["site_id"] == 81
    async with signed_in(behaviour=Behaviour(user_needs_site=False)) as client:
        assert (await create(client, user_id=DAN))["site_id"] == 81


async def test_a_client_without_a_user() -> None:
    """A client alone files for its general user, also when chosen through `userlookup`."""
    async with signed_in(behaviour=Behaviour(fills_requester=False)) as client:
        alone = await create(client, client_id=str(CONTOSO))
        looked_up = await create(client, client_id=CONTOSO, userlookup={"id": -1, "lookupdisplay": "General"})
        person = await create(client, userlookup={"id": DAN}, site_id=81)
        text = await create(client, users_name="Somebody")
    assert (alone["user_name"], alone["client_id"], alone["site_id"]) == ("General User", CONTOSO, 81)
    assert looked_up["user_id"] == alone["user_id"]
    assert person["user_id"] == DAN
    assert (text["reportedby"], text["client_id"]) == ("Somebody", 1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tickettype_id": 1, "priority_id": 1}, (1, 1)),
        ({"tickettype_id": 3, "priority_id": 1}, (2, 1)),
        ({"tickettype_id": 3}, (2, 2)),
        ({"tickettype_id": 3, "priority_id": 5}, (2, 2)),
        ({"tickettype_id": 1, "priority_id": 0}, (1, 3)),
        ({"tickettype_id": 1, "sla_id": 2, "priority_id": 4}, (2, 4)),
        ({"tickettype_id": 1, "impact": 1, "urgency": 1}, (1, 3)),
    ],
)
async def test_the_priority_is_one_of_the_sla(fields: dict[str, int], expected: tuple[int, int]) -> None:
    """A priority that the ticket's SLA does not have becomes that SLA's default."""
    async with signed_in() as client:
        ticket = await create(client, **fields)
    assert (ticket["sla_id"], ticket["priority_id"]) == expected


async def test_a_foreign_priority_can_be_refused() -> None:
    """By the switch, a priority of another SLA is refused instead."""
    async with signed_in(behaviour=Behaviour(foreign_priority="refuse")) as client:
        body = [{"summary": "x", "tickettype_id": 3, "priority_id": 5}]
        message = await problem(client, "/api/Tickets", body)
    assert message == "The Priority selected is not valid for this SLA"


async def test_a_new_type_brings_its_sla() -> None:
    """A ticket that changes its type gets the new type's SLA, and that SLA's default priority if need be."""
    async with signed_in(behaviour=Behaviour(foreign_priority="refuse")) as client:
        await create(client, priority_id=5)
        after = (await client.post("/api/Tickets", json=[{"id": 1001, "tickettype_id": 3}])).json()
    assert (after["sla_id"], after["priority_id"]) == (2, 2)


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"), [(1, 1, 1), (1, 2, 2), (2, 2, 3), (3, 1, 3), (2, 3, 4), (3, 3, 4)]
)
async def test_the_matrix(impact: int, urgency: int, priority: int) -> None:
    """By the switch, impact and urgency choose the priority unless one is given."""
    async with signed_in(behaviour=Behaviour(matrix_sets_priority=True)) as client:
        derived = await create(client, impact=impact, urgency=urgency)
        given = await create(client, impact=impact, urgency=urgency, priority_id=5)
    assert (derived["priority_id"], given["priority_id"]) == (priority, 5)


async def test_team_ids_are_a_switch() -> None:
    """A team goes by its name everywhere, and by its id in newer versions."""
    async with signed_in() as client:
        assert (await create(client, team_id=4))["team"] == "Security"
        assert (await create(client, team="Projects", team_id=4))["team"] == "Projects"
    async with signed_in(behaviour=Behaviour(knows_team_id=False)) as client:
        ticket = await create(client, team_id=4)
        assert ticket["team"] == "1st Line Support"
        assert "team_id" not in ticket


async def test_custom_fields() -> None:
    """Custom fields go by id or name, only those of the type stay, and selections read back with labels."""
    sent = [
        {"id": 202, "value": "MRI"},
        {"name": "cfbusinessimpact", "value": "2"},
        {"name": "CFaffectedServices", "value": "1,3"},
        {"name": "CFpurchaseOrder", "value": "of another type"},
        {"name": "CFnonsense", "value": 1},
        {"value": 1},
    ]
    async with signed_in() as client:
        ticket = await create(client, customfields=sent)
        change = [{"id": 1001, "customfields": [{"id": "202", "value": "CT"}]}]
        after = (await client.post("/api/Tickets", json=change)).json()
    values = {row["name"]: (row["value"], row["display"]) for row in ticket["customfields"]}
    assert values == {
        "CFreportLink": (None, ""),
        "CFproblemType": ("MRI", "MRI"),
        "CFbusinessImpact": ("2", "Some cannot work"),
        "CFaffectedServices": (
            [{"id": 1, "label": "Email"}, {"id": 3, "label": "Telephony"}],
            "Email, Telephony",
        ),
    }
    assert [row["value"] for row in after["customfields"]] == [
        None,
        "CT",
        "2",
        [{"id": 1, "label": "Email"}, {"id": 3, "label": "Telephony"}],
    ]


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ([1, 2], ["Email", "Files"]),
        ([{"id": 4}], ["Internet"]),
        (2, ["Files"]),
        ("x, 9,", []),
        ({}, []),
        ([], []),
    ],
)
async def test_multiple_selections(value: Any, labels: list[str]) -> None:
    """A selection of several takes ids in every form, and drops what is no option."""
    async with signed_in() as client:
        ticket = await create(client, customfields=[{"id": 204, "value": value}])
    assert [option["label"] for option in ticket["customfields"][3]["value"]] == labels


async def find(client: httpx.AsyncClient, query: str) -> list[int]:
    """Return the ids of the tickets that a query finds."""
    return [row["id"] for row in await fetch(client, f"/api/Tickets?{query}")]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("third_party_id_string=dsp-1", [1001]),
        ("third_party_id_string=DSP-2", [1002]),
        ("third_party_id_string=dsp", []),
        ("third_party_id=7", [1002]),
        ("client_ref=po%201", [1001]),
        ("search_summary=PRINT", [1003, 1001]),
        ("search=black", [1002]),
        ("client_id=1", [1003]),
        ("user_id=203", [1002, 1001]),
        ("status_id=2", [1002]),
        ("tickettype_id=3", [1003]),
        ("third_party_idstring=dsp-1", [1003, 1002, 1001]),
        ("", [1003, 1002, 1001]),
    ],
)
async def test_finding_tickets(query: str, ids: list[int]) -> None:
    """Tickets are found by what was stored with them, newest first; an unknown filter finds all."""
    async with signed_in() as client:
        dan = {"user_id": DAN, "site_id": 81}
        await create(client, **dan, third_party_id_string="dsp-1", client_reference="PO 1")
        await create(
            client,
            **dan,
            summary="Screen",
            details="all black",
            status_id=2,
            third_party_id_string="dsp-2",
            third_party_id=7,
        )
        await create(client, summary="New printer", tickettype_id=3)
        assert await find(client, query) == ids


async def test_the_filter_by_third_party_id_is_a_switch() -> None:
    """Older versions ignore the filter and answer every ticket; the field reads back all the same."""
    async with signed_in(behaviour=Behaviour(filters_third_party_id_string=False)) as client:
        await create(client, third_party_id_string="a")
        await create(client, third_party_id_string="b")
        rows = await fetch(client, "/api/Tickets?third_party_id_string=a")
    assert [row["third_party_id_string"] for row in rows] == ["b", "a"]


async def test_details_on_demand() -> None:
    """`includedetails` adds the records behind the ids."""
    async with signed_in() as client:
        await create(client, user_id=DAN, site_id=81, priority_id=1, agent_id=33)
        plain = (await client.get("/api/Tickets/1001")).json()
        detailed = (await client.get("/api/Tickets/1001?includedetails=true")).json()
    assert set(detailed) - set(plain) == {"priority", "status", "agent", "user", "tickettype"}
    assert {name: detailed[name]["name"] for name in ("priority", "status", "agent", "user", "tickettype")} == {
        "priority": "Critical",
        "status": "New",
        "agent": "Aisha Khan",
        "user": "Dan Jump",
        "tickettype": "Incident",
    }


async def test_ticket_ids_are_whole_numbers() -> None:
    """Ids of tickets count up, and are never given twice."""
    async with signed_in() as client:
        ids = [(await create(client))["id"] for _ in range(2)]
        await client.delete("/api/Tickets/1002")
        ids.append((await create(client))["id"])
    assert ids == [1001, 1002, 1003]
