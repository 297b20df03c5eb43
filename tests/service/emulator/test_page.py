"""What the emulator shows beside Halo's paths: its page and the same as JSON."""

from __future__ import annotations

import re

import pytest

from service.emulator.behaviour import Behaviour
from tests.service.emulator.client import connected, create, signed_in, user_id

pytestmark = pytest.mark.anyio


async def test_the_empty_page() -> None:
    """Without tickets the page says how they come."""
    async with connected() as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "<b>No tickets yet</b>" in answer.text
    assert "<title>Halo emulator · 0 tickets</title>" in answer.text


async def test_a_ticket_on_the_page_and_as_json() -> None:
    """A ticket is shown with names instead of ids, its note, and the values that were filed."""
    async with signed_in() as client:
        await create(
            client,
            summary="Screen is black",
            details="since noon",
            user_id=user_id("Dan Jump"),
            site_id=81,
            priority_id=1,
            team="2nd Line",
            agent_id=33,
            category_1="Hardware>Desktop",
            impact=1,
            assets=[{"id": 500}],
            third_party_id_string="dsp-1",
            customfields=[{"id": 202, "value": "MRI"}],
        )
        note = {"ticket_id": 1001, "outcome_id": 7, "note_html": "<p>Who: <b>Dan</b></p>"}
        await client.post("/api/Actions", json=[note])
        page = (await client.get("/")).text
        rows = (await client.get("/emulator/tickets")).json()
    assert rows == [
        {
            "id": 1001,
            "summary": "Screen is black",
            "type": "Incident",
            "priority": "Critical",
            "priority_id": 1,
            "sla": "Standard Support",
            "status": "New",
            "team": "2nd Line",
            "agent": "Aisha Khan",
            "user": "Dan Jump",
            "email": "dan.jump@contoso.com",
            "client": "Contoso Ltd.",
            "site": "Head Office",
            "assets": ["CONTOSO-LT-001"],
            "impact": 1,
            "urgency": None,
            "category_1": "Hardware>Desktop",
            "category_2": None,
            "category_3": None,
            "category_4": None,
            "source": "Manual",
            "third_party_id_string": "dsp-1",
            "custom_fields": {"CFproblemType": "MRI"},
            "details": "since noon",
            "details_html": "",
            "created_at": "2026-11-21T09:30:00.000Z",
            "updated_at": "2026-11-21T09:30:00.000Z",
            "notes": [
                {
                    "id": 1,
                    "outcome": "Internal Note",
                    "who": "Dispatcher API",
                    "datetime": "2026-11-21T09:30:00.000Z",
                    "private": True,
                    "note": "Who: Dan",
                    "note_html": "<p>Who: <b>Dan</b></p>",
                }
            ],
        }
    ]
    for shown in (
        "Screen is black",
        '<span class="pill p-1-1">Critical</span>',
        "CONTOSO-LT-001",
        "Aisha Khan",
        "Contoso Ltd.",
        "<dt>Category</dt><dd>Hardware&gt;Desktop</dd>",
        "<dt>CFproblemType</dt><dd>MRI</dd>",
        '<div class="plain">since noon</div>',
        '<span class="tag">private</span>',
        '<div class="rich"><p>Who: <b>Dan</b></p></div>',
        ".p-1-1 { --tone: #c92a2a; }",
    ):
        assert shown in page


async def test_nothing_from_outside_runs() -> None:
    """Text is escaped, HTML is cleaned, and the policy lets only the page's own script and style run."""
    attack = "</script><script>alert(1)</script>$nonce<img src=x onerror=alert(1)>"
    async with signed_in(behaviour=Behaviour(fills_requester=True)) as client:
        await create(
            client,
            summary=attack,
            details_html=attack,
            third_party_id_string=attack,
            customfields=[{"id": 202, "value": attack}],
        )
        note = {"ticket_id": 1001, "outcome_id": 7, "note_html": attack + "</div></details>", "who": attack}
        await client.post("/api/Actions", json=[note])
        await client.post("/api/Actions", json=[{"ticket_id": 1001, "outcome_id": 7, "note": attack}])
        answer = await client.get("/")
        again = await client.get("/")
    nonce = re.findall(r'<script nonce="([^"]+)">', answer.text)
    assert re.findall("<script[^>]*>", answer.text) == [f'<script nonce="{nonce[0]}">']
    assert "<img" not in answer.text
    assert answer.text.count("<details") == answer.text.count("</details>") == 1
    assert answer.headers["content-security-policy"].startswith(
        f"default-src 'none'; style-src 'nonce-{nonce[0]}'; script-src 'nonce-{nonce[0]}';"
    )
    assert nonce[0] not in again.text


async def test_the_page_needs_nothing_else() -> None:
    """The page refers to no other host and loads nothing."""
    async with signed_in() as client:
        await create(client)
        page = (await client.get("/")).text
    assert re.findall(r'(?:src|href|action)="([^"]*)"', page) == ["/emulator/tickets", "/emulator/reset"]
    assert "http" not in page
    assert "url(" not in page
    assert "prefers-color-scheme: dark" in page


async def test_a_long_list_is_cut() -> None:
    """The page shows the newest 200 tickets and says so; the JSON has them all."""
    async with signed_in() as client:
        await client.post("/api/Tickets", json=[{"summary": f"number {n}"} for n in range(201)])
        page = (await client.get("/")).text
        rows = (await client.get("/emulator/tickets")).json()
    assert "201 tickets, the newest 200 shown" in page
    assert page.count("<details") == 200
    assert "number 200" in page
    assert len(rows) == 201


async def test_the_page_tells_what_happens_to_requests() -> None:
    """The page shows the use of the rate limit, the faults that have happened, and a Halo that is down."""

    async def traffic() -> str:
        found = re.search(r'<p id="traffic">(.*?)</p>', (await client.get("/")).text)
        assert found is not None
        return found[1]

    async with signed_in() as client:
        await create(client)
        lines = [await traffic()]
        await client.put("/emulator/faults", json={"rates": {"429": 1}})
        lines.append(await traffic())
        await client.get("/api/Status")
        await client.post("/emulator/down", json={"seconds": 30})
        lines.append(await traffic())
    async with signed_in(behaviour=Behaviour(rate_limit=0)) as client:
        lines.append(await traffic())
    assert lines == [
        "1 of 700 requests in the last 300 s",
        "1 of 700 requests in the last 300 s · faults: none yet",
        "2 of 700 requests in the last 300 s · faults: 429 ×1 · down for 30 s",
        "0 requests in the last 300 s",
    ]


async def test_the_page_tells_when_it_changed() -> None:
    """The page's state changes with every ticket and note, so that an open one knows to look again."""

    async def state() -> str:
        found = re.search(r'data-state="([^"]*)"', (await client.get("/")).text)
        assert found is not None
        return found[1]

    async with signed_in() as client:
        states = [await state()]
        await create(client)
        states.append(await state())
        await client.post("/api/Actions", json=[{"ticket_id": 1001, "outcome_id": 7, "note": "x"}])
        states.append(await state())
        assert await state() == states[-1]
    assert len(set(states)) == 3
