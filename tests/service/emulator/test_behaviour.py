"""The switches: how they are read, listed, and what those of errors and writes do."""

from __future__ import annotations

from typing import Any

import pytest

from service.emulator.behaviour import Behaviour, SwitchError, read_switches, switches
from tests.service.emulator.client import TENANT, create, problem, signed_in, user_id

DAN = user_id("Dan Jump")


def test_switches_are_read() -> None:
    """Words, numbers and texts become the behaviour that they ask for; the last word on a switch counts."""
    settings = ["rate_limit=5", "rate_limit = 0", "filters_third_party_id_string=no", "retry_after=date", "warning=a=b"]
    assert read_switches(settings) == Behaviour(
        rate_limit=0, filters_third_party_id_string=False, retry_after="date", warning="a=b"
    )
    assert read_switches([]) == Behaviour()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "filters_third_party=no",
            "there is no switch `filters_third_party`; did you mean `filters_third_party_id_string`?",
        ),
        ("colour=red", "there is no switch `colour`; --list-switches shows all"),
        ("rate_limit", "the switch `rate_limit` needs a value: write rate_limit=..."),
        (
            "rate_limit=many",
            "the switch `rate_limit` does not take `many`: "
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        ("rate_limit=-1", "the switch `rate_limit` does not take `-1`: Input should be greater than or equal to 0"),
        (
            "retry_after=never",
            "the switch `retry_after` does not take `never`: Input should be 'none', 'seconds' or 'date'",
        ),
    ],
)
def test_switches_that_cannot_be_read(setting: str, message: str) -> None:
    """A wrong name or value is refused with what to write."""
    with pytest.raises(SwitchError) as refused:
        read_switches([setting])
    assert str(refused.value) == message


def test_every_switch_is_listed() -> None:
    """The list has each switch with a default that can be read back, and a meaning."""
    listed = list(switches())
    assert read_switches([f"{name}={default}" for name, default, _ in listed if default != "(empty)"]) == Behaviour()
    assert [name for name, default, _ in listed if default == "(empty)"] == [
        "unauthorised_body",
        "forbidden_body",
        "warning",
    ]
    assert all(len(meaning) > 20 for _, _, meaning in listed)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("message", '{"Message":"A Summary must be entered"}'),
        ("error", '{"error":"A Summary must be entered"}'),
        ("result", '{"resultCode":400,"errorMessage":"A Summary must be entered"}'),
        (
            "html",
            "<!DOCTYPE html><html><title>Error</title><body><h1>A Summary must be entered</h1></body></html>",
        ),
        ("empty", ""),
    ],
)
async def test_the_shapes_of_refusals(shape: str, body: str) -> None:
    """A refusal by validation comes in any of the shapes that have been met."""
    async with signed_in(behaviour=read_switches([f"refusal_body={shape}"])) as client:
        answer = await client.post("/api/Tickets", json=[{"summary": ""}])
    assert (answer.status_code, answer.text) == (400, body)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wording", "refused", "missing"),
    [
        ("plain", "The Team selected is not valid", "Impact must be entered"),
        ("quoted", "The field 'Team' is not valid.", "The field 'Impact' is required."),
        ("type-first", "This Ticket Type does not allow the Team", "This Ticket Type requires the Impact"),
        ("german", "Die Gruppe ist ungültig", "Die Auswirkung muss angegeben werden"),
        ("unnamed", "Record does not exist", "A mandatory value has not been entered"),
    ],
)
async def test_the_wording_of_refusals(wording: Any, refused: str, missing: str) -> None:
    """How a refusal names its field, and its class, are switches; the status is the same."""
    behaviour = Behaviour(
        refusal_wording=wording, refusal_class="Halo.SomeException", impact_and_urgency_mandatory=True
    )
    async with signed_in(behaviour=behaviour) as client:
        answers = [
            await client.post("/api/Tickets", json=[{"summary": "x", **more}]) for more in ({"team": "Nobody"}, {})
        ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert [answer.json()["Message"] for answer in answers] == [refused, missing]
    assert {answer.json()["ClassName"] for answer in answers} == {"Halo.SomeException"}


@pytest.mark.anyio
async def test_assets_of_other_clients() -> None:
    """An asset of another client is taken, or refused, by the switch."""
    asset = next(asset for asset in TENANT.assets if asset.client_id != TENANT.catch_all_client_id)
    ticket = {"summary": "x", "assets": [{"id": asset.id}]}
    for foreign, status in (("take", 201), ("refuse", 400)):
        async with signed_in(behaviour=Behaviour(foreign_assets=foreign)) as client:  # type: ignore[arg-type]
            assert (await client.post("/api/Tickets", json=[ticket])).status_code == status
            own = ticket | {"client_id": asset.client_id}
            assert (await client.post("/api/Tickets", json=[own])).status_code == 201


@pytest.mark.anyio
async def test_closed_tickets_in_lists() -> None:
    """Where lists leave closed tickets out, they come when they are asked for."""
    async with signed_in(behaviour=Behaviour(lists_closed_tickets=False)) as client:
        await create(client, status_id=9)
        await create(client)
        numbers = [
            [row["id"] for row in (await client.get("/api/Tickets", params=params)).json()["tickets"]]
            for params in ({}, {"includeclosed": "true"})
        ]
    assert numbers == [[1002], [1002, 1001]]


@pytest.mark.anyio
async def test_mandatory_impact_and_urgency() -> None:
    """Where newer tenants demand impact and urgency, each is missed in its turn, unless nothing is validated."""
    async with signed_in(behaviour=Behaviour(impact_and_urgency_mandatory=True)) as client:
        assert await problem(client, "/api/Tickets", [{"summary": "x"}]) == "Impact must be entered"
        assert await problem(client, "/api/Tickets", [{"summary": "x", "impact": 1}]) == "Urgency must be entered"
        await create(client, impact=1, urgency=1)
        await create(client, _novalidate=True)


@pytest.mark.anyio
async def test_statuses_of_a_type() -> None:
    """A type takes the statuses that it allows; whether it refuses others is a switch."""
    alert = {"summary": "x", "tickettype_id": 21}
    async with signed_in() as client:
        message = await problem(client, "/api/Tickets", [alert | {"status_id": 28}])
        assert message == "The Status selected is not valid for this Ticket Type"
        await create(client, tickettype_id=21, status_id=9)
        await create(client, tickettype_id=1, status_id=28)
    async with signed_in(behaviour=Behaviour(types_limit_statuses=False)) as client:
        assert (await create(client, tickettype_id=21, status_id=28))["status_id"] == 28


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("source", "fields", "sla"),
    [
        ("type", {"user_id": user_id("Karen Toh"), "site_id": 112, "category_1": "Access>New Starter"}, 1),
        ("site", {"user_id": user_id("Karen Toh"), "site_id": 112}, 2),
        ("site", {"user_id": DAN, "site_id": 81}, 1),
        ("category", {"category_1": "Access>New Starter"}, 2),
        ("category", {"category_1": "Access"}, 1),
        ("site", {"tickettype_id": 29}, 1),
    ],
)
async def test_whose_sla_wins(source: str, fields: dict[str, Any], sla: int) -> None:
    """Type, site and category can have an SLA; which one counts is a switch, and Halo has one for want of any."""
    (centre,) = (site.id for site in TENANT.sites if site.name == "Data Centre")
    if fields.get("site_id") == 112:
        fields = fields | {"site_id": centre}
    async with signed_in(behaviour=read_switches([f"sla_comes_from={source}"])) as client:
        assert (await create(client, **fields))["sla_id"] == sla


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("runs", "fields", "team"),
    [
        (True, {}, "Account Management"),
        (True, {"team": "Security"}, "Account Management"),
        (True, {"dont_do_rules": True}, "1st Line Support"),
        (False, {}, "1st Line Support"),
        (False, {"apply_rules": True}, "Account Management"),
    ],
)
async def test_halos_own_ticket_rules(runs: bool, fields: dict[str, Any], team: str) -> None:
    """Halo's rule has the last word on a new ticket, unless the call or the switch says otherwise."""
    async with signed_in(behaviour=Behaviour(runs_ticket_rules=runs)) as client:
        ticket = await create(client, summary="Wrong INVOICE", **fields)
        assert ticket["team"] == team
        changed = await client.post("/api/Tickets", json=[{"id": ticket["id"], "team": "Projects"}])
    assert changed.json()["team"] == "Projects"


@pytest.mark.anyio
@pytest.mark.parametrize(("honoured", "number", "kept"), [(True, 0, 0), (False, 1001, 1)])
async def test_a_dry_run(honoured: bool, number: int, kept: int) -> None:
    """Whether `_validate_only` creates nothing is not known."""
    async with signed_in(behaviour=Behaviour(honours_validate_only=honoured)) as client:
        assert (await create(client, _validate_only=True))["id"] == number
        assert (await client.get("/api/Tickets")).json()["record_count"] == kept


@pytest.mark.anyio
async def test_what_the_database_does_not_take() -> None:
    """By the switch, what nobody validates ends as an error of the database, in the same shape."""
    async with signed_in(behaviour=Behaviour(null_summary_is_database_error=True)) as client:
        message = await problem(client, "/api/Tickets", [{"_novalidate": True}])
    assert message == "A database error occurred (515) - Cannot insert the value NULL into column 'Symptom'"


@pytest.mark.anyio
async def test_much_html() -> None:
    """For very long HTML the gateway gives up, and the ticket is there all the same."""
    async with signed_in(behaviour=Behaviour(most_html=10)) as client:
        answer = await client.post("/api/Tickets", json=[{"summary": "x", "details_html": "12345678901"}])
        assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=utf-8")
        await create(client, details_html="1234567890")
        assert (await client.get("/api/Tickets")).json()["record_count"] == 2


@pytest.mark.anyio
async def test_a_warning() -> None:
    """A created ticket can carry a warning; an updated one does not."""
    async with signed_in(behaviour=Behaviour(warning="Mind the gap")) as client:
        ticket = await create(client)
        again = await client.post("/api/Tickets", json=[{"id": ticket["id"], "summary": "y"}])
    assert ticket["_warning"] == "Mind the gap"
    assert "_warning" not in again.json()


@pytest.mark.anyio
async def test_lists_without_the_third_party_id() -> None:
    """By the switch, only a ticket asked for by its id has the third-party id."""
    async with signed_in(behaviour=Behaviour(lists_third_party_id_string=False)) as client:
        await create(client, third_party_id_string="dsp-1")
        listed = (await client.get("/api/Tickets?third_party_id_string=dsp-1")).json()["tickets"]
        one = (await client.get("/api/Tickets/1001")).json()
    assert "third_party_id_string" not in listed[0]
    assert one["third_party_id_string"] == "dsp-1"
