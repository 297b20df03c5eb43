"""Filing a decided ticket and its note, and finding both again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import CreatedTicket, HaloWriter
from tests.halo.fake import FakeHalo, reply, view

pytestmark = pytest.mark.anyio


def deciding(**variables: Any) -> dict[str, Any]:
    """A decision that sets these variables only."""
    return {"action_variables": {"msg": "x", **variables}}


async def test_a_decided_ticket_is_filed(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """Names become ids, the user brings client and site, and our reference goes along."""
    assert await writer.create_ticket("t-1", ticket, decision, defaults={}) == CreatedTicket(1001, (), ())
    assert halo.sent("Tickets") == [
        {
            "summary": "**EMERGENCY** The printer",
            "details_html": "The printer is on fire!<br>Please help &amp; hurry",
            "tickettype_id": 1,
            "status_id": 1,
            "priority_id": 2,
            "sla_id": 1,
            "team": "1st Line Support",
            "agent_id": 1,
            "category_1": "Hardware>Printer",
            "impact": 2,
            "urgency": 1,
            "customfields": [
                {"id": 201, "value": "https://report.test/1"},
                {"name": "CFproblemType", "value": "MRI"},
            ],
            "client_id": 12,
            "site_id": 83,
            "user_id": 8,
            "assets": [{"id": 501}],
            "third_party_id_string": "t-1",
        }
    ]


async def test_with_warm_lookups_a_ticket_takes_three_requests(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """User, asset, ticket, and nothing else; the note is a fourth request, and one token serves all."""
    created = await writer.create_ticket("t-1", ticket, decision, defaults={})
    await writer.add_note(created.halo_ticket_id, "t-1", ticket, decision, (), ())
    halo.requests.clear()
    await writer.create_ticket("t-2", ticket, decision, defaults={})
    await writer.add_note(created.halo_ticket_id, "t-2", ticket, decision, (), ())
    assert halo.asked() == ["GET Users", "GET Asset", "POST Tickets", "POST Actions"]
    assert halo.tokens == 1


async def test_unset_variables_ask_for_nothing(writer: HaloWriter, halo: FakeHalo) -> None:
    """A ticket without decisions needs no look-up and leaves all but the agent to Halo."""
    await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, deciding(team="", customfield={}), defaults={})
    assert halo.asked() == ["GET Users", "POST Tickets"]
    assert halo.sent("Tickets") == [
        {
            "summary": "x",
            "details_html": "x",
            "agent_id": 1,
            "client_id": 12,
            "site_id": 83,
            "user_id": 7,
            "third_party_id_string": "t-1",
        }
    ]


async def test_settings_reach_the_ticket(settings: HaloSettings, halo: FakeHalo) -> None:
    """Source, skipped validation and skipped rules are sent when they are set."""
    changed = {"source": 24, "novalidate": True, "dont_do_rules": True}
    writer = HaloWriter(settings.model_copy(update=changed), halo.transport())
    await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, deciding(), defaults={})
    await writer.aclose()
    (sent,) = halo.sent("Tickets")
    assert {key: sent[key] for key in ("source", "_novalidate", "dont_do_rules")} == {
        "source": 24,
        "_novalidate": True,
        "dont_do_rules": True,
    }


async def test_values_that_halo_does_not_know_fall_back(writer: HaloWriter, halo: FakeHalo) -> None:
    """A wrong value becomes its default, else it is left to Halo; each is reported, the ticket is filed."""
    decision = deciding(
        ticketType="Incidnet",
        priority="High",
        state={"New": 1},
        team="Night Shift",
        agent="Tom Becker",
        category_2=" ",
        impact=0,
        customfield=["x"],
        subject=["x"],
    )
    defaults = {
        "ticketType": "Service Request",
        "state": "Nwe",
        "team": 1,
        "impact": "2",
        "customfield": {"201": "y"},
        "subject": "Ticket",
    }
    created = await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, decision, defaults=defaults)
    assert created.submission_errors == (
        SubmissionError("subject", ["x"], "a list is no text", "Ticket"),
        SubmissionError(
            "ticketType",
            "Incidnet",
            "`Incidnet` is no ticket type in Halo; the nearest is `Incident`",
            "Service Request",
        ),
        SubmissionError("state", {"New": 1}, "`{'New': 1}` is neither a name nor a number", None),
        SubmissionError("team", "Night Shift", "`Night Shift` is inactive in Halo and cannot be used as team", 1),
        SubmissionError(
            "agent",
            "Tom Becker",
            "`Tom Becker` names more than one agent in Halo: 32 Tom Becker, 33 tom becker",
            "Unassigned",
        ),
        SubmissionError("impact", 0, "`0` is no impact in Halo; it has 1 Company Wide, 2 Multiple Users Affected", "2"),
        SubmissionError("customfield", ["x"], "write a mapping of field -> value", {"201": "y"}),
    )
    (sent,) = halo.sent("Tickets")
    assert sent == {
        "summary": "Ticket",
        "details_html": "x",
        "tickettype_id": 3,
        # Within the SLA of the type that stands in.
        "priority_id": 1,
        "sla_id": 2,
        "team": "1st Line Support",
        "agent_id": 1,
        "impact": 2,
        "customfields": [{"id": 201, "value": "y"}],
        "client_id": 12,
        "site_id": 83,
        "user_id": 7,
        "third_party_id_string": "t-1",
    }


async def test_lists_that_may_not_be_read_cost_their_field_only(writer: HaloWriter, halo: FakeHalo) -> None:
    """A 403 for one list leaves that field to Halo, and the note tells why."""
    halo.answers["Status"] = reply(403)
    decision = deciding(state="New", team="1st Line Support")
    created = await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, decision, defaults={"state": "New"})
    reason = (
        "it could not be looked up. GET Status: Halo answered 403 Forbidden: nothing (an empty answer). "
        "Give the application the scope, and its login agent the permission, for this."
    )
    assert created.submission_errors == (SubmissionError("state", "New", reason, None),)
    (sent,) = halo.sent("Tickets")
    assert (sent.get("status_id"), sent["team"]) == (None, "1st Line Support")


async def test_custom_fields_that_halo_dropped_are_reported(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """Halo drops fields that the type does not have without a word; its answer shows it, if any."""
    halo.answers["Tickets"] = reply(201, {"id": 1001, "customfields": [{"id": 201.0, "name": "CFreport"}]})
    reason = "Halo's answer does not have this field: is it one of the ticket type?"
    created = await writer.create_ticket("t-1", ticket, decision, defaults={})
    assert created.submission_errors == (SubmissionError("customfield", {"CFproblemType": "MRI"}, reason),)
    halo.answers["Tickets"] = reply(201, {"id": 1001})
    assert (await writer.create_ticket("t-1", ticket, decision, defaults={})).submission_errors == ()


async def test_remarks_tell_of_requester_asset_and_warning(writer: HaloWriter, halo: FakeHalo) -> None:
    """What the note should say beyond the decision comes with the filed ticket."""
    halo.answers["Tickets"] = reply(201, {"id": "1001", "_warning": "The site is closed."})
    created = await writer.create_ticket(
        "t-1", {"email": "eve@example.com", "name": "Eve", "hostname": "EVE-PC"}, deciding(), defaults={}
    )
    assert created == CreatedTicket(
        1001,
        (),
        (
            "Halo has no user with the e-mail eve@example.com. "
            "The ticket is filed for unregistered@helpdeskbuttons.com instead.",
            "Who it really was: Eve, eve@example.com.",
            "No asset is linked: the client has none with the name EVE-PC.",
            "Halo warned: The site is closed.",
        ),
    )
    assert halo.sent("Tickets")[0]["user_id"] == 2


@pytest.mark.parametrize("path", ["Users", "Asset", "Status", "Tickets"])
async def test_only_the_write_itself_leaves_doubt(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any], path: str
) -> None:
    """A failure while reading comes before the ticket: it is surely not there."""
    halo.answers[path] = reply(503)
    with pytest.raises(HaloRequestError) as caught:
        await writer.create_ticket("t-1", ticket, decision, defaults={})
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, path != "Tickets")
    assert ("POST Tickets" in halo.asked()) == (path == "Tickets")


async def test_a_looked_for_ticket_is_compared(writer: HaloWriter, halo: FakeHalo) -> None:
    """The ticket with exactly our reference is found; with several the oldest."""
    rows = [
        {"id": 1003, "third_party_id_string": "t-1"},
        {"id": 1002, "third_party_id_string": "t-12"},
        {"id": 1001, "third_party_id_string": "t-1"},
    ]
    halo.answers["Tickets"] = reply(200, view("tickets", rows))
    assert await writer.find_ticket("t-1") == 1001
    assert halo.requests[0].url.params["third_party_id_string"] == "t-1"


@pytest.mark.parametrize("rows", [[], [{"id": 1002, "third_party_id_string": "t-12"}]])
async def test_a_ticket_that_is_not_there_is_none(writer: HaloWriter, halo: FakeHalo, rows: list[Any]) -> None:
    """No row, or rows that contain the reference in a longer one, mean that the ticket does not exist."""
    halo.answers["Tickets"] = reply(200, view("tickets", rows))
    assert await writer.find_ticket("t-1") is None


async def test_a_row_without_the_field_is_read_whole(writer: HaloWriter, halo: FakeHalo) -> None:
    """A list that leaves the field out is no proof of anything: the ticket itself is."""
    halo.answers["Tickets"] = reply(200, view("tickets", [{"id": 1001}]))
    halo.answers["Tickets/1001"] = reply(200, {"id": 1001, "third_party_id_string": "t-1"})
    assert await writer.find_ticket("t-1") == 1001


async def test_an_ignored_filter_is_an_error(writer: HaloWriter, halo: FakeHalo) -> None:
    """Rows of other tickets show that Halo ignored the filter: then nobody may create the ticket again."""
    rows = [{"id": number, "third_party_id_string": ""} for number in range(50)]
    halo.answers["Tickets"] = reply(200, view("tickets", rows))
    with pytest.raises(HaloRequestError) as caught:
        await writer.find_ticket("t-1")
    assert str(caught.value) == (
        "GET Tickets: this Halo ignores the filter third_party_id_string, so whether it has the ticket with "
        "the reference t-1 is unknown. Search for that reference by hand."
    )
    assert (caught.value.retryable, caught.value.surely_not_processed) == (False, False)


@pytest.mark.parametrize("answer", [reply(429), reply(503)])
async def test_a_failed_look_says_nothing_of_the_write(writer: HaloWriter, halo: FakeHalo, answer: Any) -> None:
    """That a look-up was not processed does not mean that the write before it was not."""
    halo.answers["Tickets"] = halo.answers["Actions"] = answer
    for looking in (writer.find_ticket("t-1"), writer.find_note(1001, "t-1")):
        with pytest.raises(HaloRequestError) as caught:
            await looking
        assert (caught.value.retryable, caught.value.surely_not_processed) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [
        ("internal note", {"outcome_id": 7}),
        (9, {"outcome_id": 9}),
        ("7", {"outcome_id": 7}),
        ("Quick Note", {"outcome": "Quick Note"}),
        ("Logged", {"outcome": "Logged"}),
    ],
)
async def test_the_outcome_of_the_note_is_an_id_or_a_name(
    settings: HaloSettings, halo: FakeHalo, wanted: str | int, outcome: dict[str, Any]
) -> None:
    """A known name is sent as its id; one that the list does not help with is left for Halo to judge."""
    writer = HaloWriter(settings.model_copy(update={"note_outcome": wanted}), halo.transport())
    assert await writer.add_note(1001, "t-1", {}, deciding(), (), ()) == 1001
    await writer.aclose()
    (sent,) = halo.sent("Actions")
    assert {key: value for key, value in sent.items() if key.startswith("outcome")} == outcome


async def test_the_note_is_written(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """The note is private, and holds submission errors, remarks and our reference."""
    errors = (SubmissionError("team", "Tier 9", "`Tier 9` is no team in Halo", None),)
    await writer.add_note(1001, "t-1", ticket, decision, errors, ("A remark.",))
    (sent,) = halo.sent("Actions")
    html = sent.pop("note_html")
    assert sent == {"ticket_id": 1001, "outcome_id": 7, "hiddenfromuser": True, "sendemail": False}
    assert "<h4>[Submission Errors]</h4>" in html
    assert "<td>A remark.</td>" in html
    assert "dispatcher-reference: t-1" in html


async def test_unreadable_outcomes_leave_the_name_to_halo(writer: HaloWriter, halo: FakeHalo) -> None:
    """A login that may not list outcomes still writes notes; while Halo is away the note waits."""
    halo.answers["Outcome"] = reply(403)
    await writer.add_note(1001, "t-1", {}, deciding(), (), ())
    assert halo.sent("Actions")[0]["outcome"] == "Internal Note"
    halo.answers["Outcome"] = reply(503)
    with pytest.raises(HaloRequestError) as caught:
        await writer.add_note(1001, "t-1", {}, deciding(), (), ())
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)


async def test_a_looked_for_note_is_found_by_its_reference(writer: HaloWriter, halo: FakeHalo) -> None:
    """The note is known by the reference in its text or HTML; others are not it."""
    actions = [
        {"ticket_id": 1001, "id": 3, "note": None, "note_html": "<td>dispatcher-reference: t-12</td>"},
        {"ticket_id": 1001, "id": 2.0, "note_html": "<td>dispatcher-reference: t-1</td>"},
        {"ticket_id": 1001, "id": 1, "note": "dispatcher-reference: t-2"},
    ]
    halo.answers["Actions"] = reply(200, {"record_count": 3, "ticket_id": 1001, "actions": actions})
    found = [await writer.find_note(1001, reference) for reference in ("t-1", "t-2", "t-3")]
    assert found == [2, 1, None]
    assert halo.requests[0].url.params["ticket_id"] == "1001"
    assert halo.requests[0].url.params["includehtmlnote"] == "true"


async def test_odd_text_does_not_stop_a_ticket(writer: HaloWriter, halo: FakeHalo) -> None:
    """Half a surrogate pair in any place of ticket or decision is still a request that can be sent."""
    odd = "\ud800 odd"
    ticket = {"email": "alice@contoso.com", "hostname": odd, "msg": odd}
    decision = deciding(subject=odd, team=odd) | {"unused_keys": ["msg"]}
    created = await writer.create_ticket("t-1", ticket, decision, defaults={})
    await writer.add_note(created.halo_ticket_id, "t-1", ticket, decision, created.submission_errors, created.remarks)
    assert halo.sent("Tickets")[0]["summary"] == "� odd"


async def test_every_request_is_json_to_the_resource_server(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """All requests go below the resource server, with a token, and say who is calling."""
    await writer.create_ticket("t-1", ticket, decision, defaults={})
    assert {
        (r.url.host, r.url.path[:5], r.headers["authorization"], r.headers["accept"], r.headers["user-agent"])
        for r in halo.requests
    } == {("acme.halopsa.test", "/api/", "Bearer token-1", "application/json", "dispatcher")}
    assert all(isinstance(r, httpx.Request) for r in halo.requests)
