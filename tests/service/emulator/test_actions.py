"""Actions: outcomes, notes, who sees them, and what they change."""

from __future__ import annotations

from typing import Any

import pytest

from service.emulator.behaviour import Behaviour
from tests.service.emulator.client import create, problem, signed_in, user_id

pytestmark = pytest.mark.anyio


async def test_a_private_note() -> None:
    """A note needs an outcome and answers 201 with one object."""
    async with signed_in() as client:
        await create(client)
        body = [
            {
                "ticket_id": 1001,
                "outcome_id": 7,
                "hiddenfromuser": True,
                "note_html": "<p>Report &amp; <b>more</b></p><ul><li>one</li></ul>",
            }
        ]
        answer = await client.post("/api/Actions", json=body)
        note = answer.json()
    assert answer.status_code == 201
    assert len(note.pop("guid")) == 36
    assert note == {
        "ticket_id": 1001,
        "id": 1,
        "outcome": "Internal Note",
        "outcome_id": 7,
        "who": "Dispatcher API",
        "who_type": 1,
        "who_agentid": 20,
        "datetime": "2026-11-21T09:30:00.000Z",
        "note": "Report & more\none",
        "note_html": "<p>Report &amp; <b>more</b></p><ul><li>one</li></ul>",
        "hiddenfromuser": True,
        "important": False,
        "timetaken": 0.0,
        "old_status": 1,
        "new_status": 1,
        "customfields": [],
    }


@pytest.mark.parametrize(
    ("fields", "outcome", "hidden"),
    [
        ({"outcome_id": "7"}, "Internal Note", True),
        ({"outcome": "internal note"}, "Internal Note", True),
        ({"outcome": "Phone Call", "hiddenfromuser": "true"}, "Phone Call", True),
        ({"outcome": "Phone Call"}, "Phone Call", False),
        ({"outcome_id": 7, "hiddenfromuser": False}, "Internal Note", False),
    ],
)
async def test_outcomes_by_id_or_name(fields: dict[str, Any], outcome: str, hidden: bool) -> None:
    """The outcome goes by id or by name, and decides who sees the note when nothing is said."""
    async with signed_in() as client:
        await create(client)
        answer = await client.post("/api/Actions", json=[{"ticket_id": 1001, "note": "x", **fields}])
    assert (answer.json()["outcome"], answer.json()["hiddenfromuser"]) == (outcome, hidden)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "An Outcome must be entered for this Action"),
        ({"outcome_id": 0}, "An Outcome must be entered for this Action"),
        ({"outcome": "Internal"}, "An Outcome must be entered for this Action"),
        ({"outcome_id": 99}, "An Outcome must be entered for this Action"),
        ({"outcome_id": 1}, "You do not have access to this Action at the moment"),
        ({"outcome_id": 16}, "You do not have access to this Action at the moment"),
    ],
)
async def test_an_action_without_a_good_outcome(fields: dict[str, Any], message: str) -> None:
    """An outcome is required, must not be hidden, and must be allowed by the ticket's type."""
    async with signed_in() as client:
        await create(client, tickettype_id=21)
        body = [{"ticket_id": 1001, "note": "x", **fields}]
        assert await problem(client, "/api/Actions", body) == message
        assert (await client.get("/api/Actions?ticket_id=1001")).json()["record_count"] == 0


async def test_an_action_without_a_ticket() -> None:
    """A ticket must be named and be there."""
    async with signed_in() as client:
        body = [{"outcome_id": 7, "note": "x"}]
        assert await problem(client, "/api/Actions", body) == "A Ticket must be selected"
        answer = await client.post("/api/Actions", json=[{"ticket_id": 5, "outcome_id": 7}])
        assert answer.status_code == 404


async def test_actions_count_per_ticket() -> None:
    """The ids of actions begin at 1 for every ticket; the last of several is answered, or all."""
    async with signed_in() as client:
        await create(client)
        await create(client)
        body = [{"ticket_id": ticket, "outcome_id": 7, "note": "x"} for ticket in (1001, 1001, 1002)]
        last = (await client.post("/api/Actions", json=body)).json()
        every = (await client.post("/api/Actions?returnall=true", json=body)).json()
    assert (last["ticket_id"], last["id"]) == (1002, 1)
    assert [(row["ticket_id"], row["id"]) for row in every] == [(1001, 3), (1001, 4), (1002, 2)]


async def test_reading_actions_back() -> None:
    """The actions of a ticket come in an envelope, newest first, without HTML unless asked for."""
    async with signed_in() as client:
        await create(client)
        for outcome, text in (("Phone Call", "public"), ("Internal Note", "private")):
            action = {"ticket_id": 1001, "outcome": outcome, "note_html": f"<p>{text}</p>"}
            await client.post("/api/Actions", json=[action])
        listed = (await client.get("/api/Actions?ticket_id=1001&excludesys=true")).json()
        public = (await client.get("/api/Actions?ticket_id=1001&excludeprivate=true")).json()
        html = (await client.get("/api/Actions?ticket_id=1001&includehtmlnote=true")).json()
        one = (await client.get("/api/Actions/2?ticket_id=1001")).json()
        missing = await client.get("/api/Actions/3?ticket_id=1001")
        every = (await client.get("/api/Actions")).json()
        newest = (await client.get("/api/Actions?ticket_id=1001&count=1")).json()
    assert (listed["record_count"], listed["ticket_id"]) == (2, 1001)
    assert [(row["id"], row["note"]) for row in listed["actions"]] == [(2, "private"), (1, "public")]
    assert "note_html" not in listed["actions"][0]
    assert [row["note_html"] for row in html["actions"]] == ["<p>private</p>", "<p>public</p>"]
    assert [row["note"] for row in public["actions"]] == ["public"]
    assert one == listed["actions"][0]
    assert missing.status_code == 404
    assert (every["record_count"], every["ticket_id"]) == (2, 0)
    assert (newest["record_count"], [row["id"] for row in newest["actions"]]) == (2, [2])


async def test_note_html_is_a_switch() -> None:
    """Whether lists leave out the HTML of notes is not known."""
    async with signed_in(behaviour=Behaviour(note_html_only_when_asked=False)) as client:
        await create(client)
        await client.post("/api/Actions", json=[{"ticket_id": 1001, "outcome_id": 7, "note_html": "<p>x</p>"}])
        listed = (await client.get("/api/Actions?ticket_id=1001")).json()
    assert listed["actions"][0]["note_html"] == "<p>x</p>"


async def test_an_action_can_change_its_ticket() -> None:
    """Status, priority, team and agent can be changed by an action, and unknown ones are refused."""
    async with signed_in() as client:
        await create(client)
        change = {
            "new_status": 9,
            "new_priority": 1,
            "new_team": "Security",
            "new_agent": 35,
            "new_category1": "security>phishing",
        }
        action = {"ticket_id": 1001, "outcome": "Resolve", "note": "done", "who": "Lena", **change}
        added = (await client.post("/api/Actions", json=[action])).json()
        ticket = (await client.get("/api/Tickets/1001")).json()
        bad = [{"ticket_id": 1001, "outcome_id": 9, "new_status": 99}]
        assert await problem(client, "/api/Actions", bad) == "The Status selected is not valid"
        assert (await client.get("/api/Actions?ticket_id=1001")).json()["record_count"] == 1
    assert (added["old_status"], added["new_status"], added["who"]) == (1, 9, "Lena")
    found = {name: ticket[name] for name in ("status_id", "priority_id", "team", "agent_id", "category_1")}
    assert found == {
        "status_id": 9,
        "priority_id": 1,
        "team": "Security",
        "agent_id": 35,
        "category_1": "Security>Phishing",
    }


async def test_tickets_of_the_catch_all_client() -> None:
    """By the switch, a ticket of the default client takes no note until it is moved."""
    async with signed_in(behaviour=Behaviour(catch_all_must_be_moved=True)) as client:
        await create(client, user_id=2, site_id=1)
        note = [{"ticket_id": 1001, "outcome_id": 7, "note": "x"}]
        assert (
            await problem(client, "/api/Actions", note)
            == "Tickets with the default Client/Site must be moved before working on the Ticket"
        )
        move = [{"id": 1001, "user_id": user_id("Dan Jump"), "site_id": 81}]
        assert (await client.post("/api/Tickets", json=move)).status_code == 201
        assert (await client.post("/api/Actions", json=note)).status_code == 201
