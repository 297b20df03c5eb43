"""Filing a decided ticket and its note, and finding both again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.halo.errors import CannotTellError, HaloRequestError
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.noting import REFUSED_PAUSE_SECONDS
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import CreatedTicket, HaloWriter, UpdatedTicket
from dispatcher.tickets import TICKET_SCHEMA
from tests.halo.fake import Claims, FakeHalo, granted, reply, view

pytestmark = pytest.mark.anyio


def deciding(**variables: Any) -> dict[str, Any]:
    """A decision that sets these variables only."""
    return {"action_variables": {"msg": "x", **variables}}


async def test_a_decided_ticket_is_filed(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """Names become ids, the user brings client and site, and our reference goes along."""
    assert await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted) == CreatedTicket(
        1001, (), ()
    )
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


async def test_with_warm_lookups_a_ticket_takes_four_requests(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """Cold, a ticket that sets everything reads each list once; warm, it takes user, asset, ticket and note."""
    decision["action_variables"]["agent"] = "Priya Nair"
    asked = []
    for email in ("dan.jump@contoso.com", "alice@contoso.com", "alice@contoso.com"):
        halo.requests.clear()
        ticket["email"] = email
        created = await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
        await writer.add_note(created.halo_ticket_id, "t-1", ticket, decision, (), (), claim=granted)
        asked.append(halo.asked())
    lists = ["TicketType", "Status", "Priority", "Team", "Agent", "Category", "Lookup", "Lookup"]
    cold, warm, known = asked
    assert cold == [
        "GET Users",
        "GET Asset",
        *(f"GET {name}" for name in lists),
        "POST Tickets",
        "GET Outcome",
        "POST Actions",
    ]
    assert warm == ["GET Users", "GET Asset", "POST Tickets", "POST Actions"]
    assert known == ["GET Asset", "POST Tickets", "POST Actions"]
    assert halo.tokens == 1


async def test_after_a_refresh_a_first_ticket_is_warm(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """A refresh reads all lists and the catch-all user; then every ticket finds them."""
    assert writer.lookups_age_seconds() is None
    await writer.refresh()
    assert len(halo.requests) == 10
    assert writer.lookups_age_seconds() == pytest.approx(0.0, abs=5.0)
    assert writer.rank("high") == 1
    halo.requests.clear()
    created = await writer.create_ticket("t-1", ticket | {"email": ""}, decision, defaults={}, claim=granted)
    await writer.add_note(created.halo_ticket_id, "t-1", ticket, decision, (), (), claim=granted)
    assert halo.asked() == ["GET Asset", "POST Tickets", "POST Actions"]


async def test_unset_variables_ask_for_nothing(writer: HaloWriter, halo: FakeHalo) -> None:
    """A ticket without decisions needs no look-up and leaves all but the agent to Halo."""
    await writer.create_ticket(
        "t-1", {"email": "alice@contoso.com"}, deciding(team="", customfield={}), defaults={}, claim=granted
    )
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
    await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, deciding(), defaults={}, claim=granted)
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
    created = await writer.create_ticket(
        "t-1", {"email": "alice@contoso.com"}, decision, defaults=defaults, claim=granted
    )
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
    created = await writer.create_ticket(
        "t-1", {"email": "alice@contoso.com"}, decision, defaults={"state": "New"}, claim=granted
    )
    reason = (
        "it could not be looked up. GET Status: Halo answered 403 Forbidden: nothing (an empty answer). "
        "Give the application the scope, and its login agent the permission, for this."
    )
    assert created.submission_errors == (SubmissionError("state", "New", reason, None),)
    (sent,) = halo.sent("Tickets")
    assert (sent.get("status_id"), sent["team"]) == (None, "1st Line Support")


async def test_a_list_in_an_odd_shape_costs_its_field_only(writer: HaloWriter, halo: FakeHalo) -> None:
    """What one version of Halo answers otherwise does not keep tickets waiting."""
    halo.answers["Team"] = reply(200, {"1": {"id": 1, "name": "1st Line Support"}})
    decision = deciding(team="1st Line Support", state="New")
    created = await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, decision, defaults={}, claim=granted)
    assert [error.variable for error in created.submission_errors] == ["team"]
    assert halo.sent("Tickets")[0]["status_id"] == 1


async def test_custom_fields_that_halo_dropped_are_reported(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """Halo drops fields that the type does not have without a word; its answer shows it, if any."""
    halo.answers["Tickets"] = reply(201, {"id": 1001, "customfields": [{"id": 201.0, "name": "CFreport"}]})
    reason = "Halo's answer does not have this field: is it one of the ticket type?"
    created = await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
    assert created.submission_errors == (SubmissionError("customfield", {"CFproblemType": "MRI"}, reason),)
    halo.answers["Tickets"] = reply(201, {"id": 1001})
    assert (await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)).submission_errors == ()


async def test_remarks_tell_of_requester_asset_and_warning(writer: HaloWriter, halo: FakeHalo) -> None:
    """What the note should say beyond the decision comes with the filed ticket."""
    halo.answers["Tickets"] = reply(201, {"id": "1001", "_warning": "The site is closed."})
    created = await writer.create_ticket(
        "t-1", {"email": "eve@example.com", "name": "Eve", "hostname": "EVE-PC"}, deciding(), defaults={}, claim=granted
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
        await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
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
    rows = [{"id": number, "third_party_id_string": ""} for number in range(1, 51)]
    halo.answers["Tickets"] = reply(200, view("tickets", rows))
    with pytest.raises(CannotTellError) as caught:
        await writer.find_ticket("t-1")
    assert str(caught.value) == (
        "GET Tickets: this Halo ignores the filter third_party_id_string, so whether it has the ticket with "
        "the reference t-1 is unknown. Search for that reference by hand, and set `find_by` to another field."
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
    assert await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted) == 1001
    await writer.aclose()
    (sent,) = halo.sent("Actions")
    assert {key: value for key, value in sent.items() if key.startswith("outcome")} == outcome


async def test_the_note_is_written(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """The note is private, and holds submission errors, remarks and our reference."""
    errors = (SubmissionError("team", "Tier 9", "`Tier 9` is no team in Halo", None),)
    await writer.add_note(1001, "t-1", ticket, decision, errors, ("A remark.",), claim=granted)
    (sent,) = halo.sent("Actions")
    html = sent.pop("note_html")
    assert sent == {"ticket_id": 1001, "outcome_id": 7, "hiddenfromuser": True, "sendemail": False}
    assert "<h4>[Submission Errors]</h4>" in html
    assert "<td>A remark.</td>" in html
    assert "dispatcher-reference: t-1" in html


async def test_unreadable_outcomes_leave_the_name_to_halo(
    writer: HaloWriter, settings: HaloSettings, halo: FakeHalo
) -> None:
    """A login that may not list outcomes still writes notes; while Halo is away the note waits."""
    halo.answers["Outcome"] = reply(403)
    await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
    assert halo.sent("Actions")[0]["outcome"] == "Internal Note"
    halo.answers["Outcome"] = reply(503)
    late = HaloWriter(settings, halo.transport())
    with pytest.raises(HaloRequestError) as caught:
        await late.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
    await late.aclose()
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


@pytest.mark.parametrize(
    ("find_by", "params", "field", "found", "longer"),
    [
        ("third_party_id_string", "third_party_id_string", {"third_party_id_string": "t-1"}, "T-1", "t-12"),
        ("client_reference", "client_ref", {"client_reference": "t-1"}, "t-1 ", "at-1"),
        ("summary", "search_summary", {"summary": "x [t-1]"}, "RE: x [T-1] again", "x [t-1-2]"),
    ],
)
async def test_a_ticket_is_found_by_the_field_of_the_settings(
    settings: HaloSettings, halo: FakeHalo, find_by: str, params: str, field: dict[str, str], found: str, longer: str
) -> None:
    """Where Halo ignores one filter another serves; its field is written, and compared when it is read back."""
    writer = HaloWriter(settings.model_copy(update={"find_by": find_by}), halo.transport())
    await writer.create_ticket("t-1", {"email": "alice@contoso.com"}, deciding(), defaults={}, claim=granted)
    (sent,) = halo.sent("Tickets")
    assert sent["third_party_id_string"] == "t-1"
    assert {name: sent[name] for name in field} == field
    answers = []
    (name,) = field
    for value in (found, longer):
        halo.answers["Tickets"] = reply(200, view("tickets", [{"id": 1001, name: value}]))
        answers.append(await writer.find_ticket("t-1"))
    assert answers == [1001, None]
    assert halo.requests[-1].url.params[params] == "t-1"
    halo.answers["Tickets"] = reply(200, view("tickets", [{"id": 1001, name: "other"}]))
    with pytest.raises(CannotTellError, match=f"this Halo ignores the filter {params}"):
        await writer.find_ticket("t-1")
    await writer.aclose()


@pytest.mark.parametrize("answer", [{"record_count": 5, "tickets": []}, {"tickets": [{"id": None}]}, "<html>", ""])
async def test_an_unclear_answer_is_no_missing_ticket(writer: HaloWriter, halo: FakeHalo, answer: Any) -> None:
    """Only an answer that makes sense says that a ticket does not exist."""
    halo.answers["Tickets"] = reply(200, answer)
    with pytest.raises(HaloRequestError) as caught:
        await writer.find_ticket("t-1")
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, False)


async def test_a_note_that_may_be_out_of_sight_is_not_missing(writer: HaloWriter, halo: FakeHalo) -> None:
    """When not all actions of a ticket can be read, nobody can tell whether the note is among them."""
    actions = [{"ticket_id": 1001, "id": number, "note": "x"} for number in range(1, 101)]
    halo.answers["Actions"] = reply(200, {"record_count": 150, "actions": actions})
    with pytest.raises(CannotTellError, match="there are 150 rows, but sends 100"):
        await writer.find_note(1001, "t-1")


NO_ACCESS = {"ClassName": "System.Exception", "Message": "You do not have access to this Action at the moment"}
NO_OUTCOME = {"ClassName": "System.Exception", "Message": "An Outcome must be entered for this Action"}


def noting(halo: FakeHalo, *allowed: int) -> None:
    """Let that Halo take notes with these outcomes only, on tickets of type 3."""

    def answer(request: httpx.Request) -> httpx.Response:
        (action,) = json.loads(request.content)
        if "outcome_id" not in action:
            return httpx.Response(400, json=NO_OUTCOME)
        return (
            httpx.Response(201, json={"id": 5})
            if action["outcome_id"] in allowed
            else httpx.Response(400, json=NO_ACCESS)
        )

    halo.answers["Actions"] = answer
    halo.answers["Tickets/1001"] = reply(200, {"id": 1001, "tickettype_id": 3})
    halo.answers["TicketType/3"] = reply(200, {"id": 3})
    rows = [{"id": 7, "outcome": "Internal Note"}, {"id": 12, "outcome": "Re-Assign", "hidefromuser": True}]
    rows += [{"id": number, "outcome": f"Call {number}", "hidefromuser": True} for number in (30, 31, 32)]
    halo.answers["Outcome"] = reply(200, rows)
    halo.answers["Outcome/7"] = reply(200, rows[0] | {"sendemail": 0, "newstatus": 0})


async def test_a_note_takes_another_outcome_where_its_own_is_refused(writer: HaloWriter, halo: FakeHalo) -> None:
    """What the ticket's type allows is tried, each time after a claim, and the note stays private."""
    noting(halo, 12)
    claims = Claims()
    assert await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=claims) == 5
    sent = halo.sent("Actions")
    assert [(action["outcome_id"], action["hiddenfromuser"]) for action in sent] == [(7, True), (12, True)]
    assert claims.count == 2
    assert halo.asked() == [
        "GET Outcome",
        "POST Actions",
        "GET Tickets/1001",
        "GET Outcome",
        "GET TicketType/3",
        "POST Actions",
    ]


async def test_an_unknown_outcome_takes_another(settings: HaloSettings, halo: FakeHalo) -> None:
    """A name that Halo does not know costs the outcome, not the note."""
    noting(halo, 30)
    writer = HaloWriter(settings.model_copy(update={"note_outcome": "Nothing"}), halo.transport())
    assert await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted) == 5
    await writer.aclose()
    assert [action.get("outcome_id", action.get("outcome")) for action in halo.sent("Actions")] == ["Nothing", 12, 30]


async def test_no_outcome_at_all_ends_in_the_first_refusal(writer: HaloWriter, halo: FakeHalo) -> None:
    """Few others are tried; then the error is about the wanted one, and nothing was written."""
    noting(halo)
    with pytest.raises(HaloRequestError, match="You do not have access to this Action at the moment") as caught:
        await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
    assert [action["outcome_id"] for action in halo.sent("Actions")] == [7, 12, 30, 31]
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)
    assert caught.value.retry_after_seconds == REFUSED_PAUSE_SECONDS


@pytest.mark.parametrize(
    "words",
    [
        "Sie haben derzeit keinen Zugriff auf diese Aktion",
        "Time Taken must be entered",
        "Tickets with the default Client/Site must be moved before working on the Ticket",
    ],
)
async def test_any_refusal_of_a_note_tries_another_outcome(writer: HaloWriter, halo: FakeHalo, words: str) -> None:
    """Whatever the words, private outcomes are tried; when none is taken, the note waits for someone."""
    noting(halo, 12)
    refuse = reply(400, {"Message": words})
    halo.answers["Actions"] = lambda request: (
        reply(201, {"id": 5})(request) if json.loads(request.content)[0]["outcome_id"] == 12 else refuse(request)
    )
    assert await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted) == 5
    halo.answers["Actions"] = refuse
    with pytest.raises(HaloRequestError, match=words) as caught:
        await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)


async def test_a_note_too_long_is_written_short(writer: HaloWriter, halo: FakeHalo) -> None:
    """Words about the length cost the note's length, and no other outcome is asked for; the marker stays."""
    noting(halo, 7)
    taken = halo.answers["Actions"]
    halo.answers["Actions"] = lambda request: (
        reply(400, {"Message": "The Note is too long"})(request) if len(request.content) > 2_500 else taken(request)
    )
    decision = deciding(priv_append="x" * 9_000)
    claims = Claims()
    assert await writer.add_note(1001, "t-1", {}, decision, (), (), claim=claims) == 5
    sent = halo.sent("Actions")
    assert [action["outcome_id"] for action in sent] == [7, 7]
    assert "dispatcher-reference: t-1" in sent[-1]["note_html"]
    assert claims.count == 2


async def test_a_note_that_is_refused_without_words_changes_its_way(writer: HaloWriter, halo: FakeHalo) -> None:
    """One request an attempt; the first time it may be an accident, then another outcome is taken."""
    noting(halo, 12)
    taken = halo.answers["Actions"]
    halo.answers["Actions"] = lambda request: (
        taken(request) if json.loads(request.content)[0]["outcome_id"] == 12 else httpx.Response(400)
    )
    for _ in range(2):
        with pytest.raises(HaloRequestError) as caught:
            await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
        assert (caught.value.retryable, caught.value.surely_not_processed) == (True, False)
    assert await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted) == 5
    assert [action["outcome_id"] for action in halo.sent("Actions")] == [7, 7, 12]


async def test_a_note_that_halo_shows_is_reported(
    writer: HaloWriter, halo: FakeHalo, caplog: pytest.LogCaptureFixture
) -> None:
    """A private note that Halo's answer calls open is a warning with what to do, and nothing of the ticket."""
    for answer, warnings in (({"id": 5, "hiddenfromuser": True}, 0), ({"id": 5, "hiddenfromuser": False}, 1)):
        halo.answers["Actions"] = reply(201, answer)
        await writer.add_note(1001, "t-1", {"name": "Alice"}, deciding(), (), (), claim=granted)
        assert len(caplog.records) == warnings
    assert caplog.messages == [
        "the private note is open to the end user in Halo: set `note_outcome` to an outcome that hides it"
    ]


async def test_an_answer_about_something_else_is_doubt(writer: HaloWriter, halo: FakeHalo) -> None:
    """An answer that belongs to another request says nothing of this one."""
    ticket = {"email": "alice@contoso.com"}
    halo.answers["Tickets"] = reply(201, {"id": 1001, "third_party_id_string": "t-2"})
    halo.answers["Actions"] = reply(201, {"id": 5, "ticket_id": 1002})
    with pytest.raises(HaloRequestError, match="another reference than t-1") as first:
        await writer.create_ticket("t-1", ticket, deciding(), defaults={}, claim=granted)
    with pytest.raises(HaloRequestError, match="about ticket 1002 instead of 1001") as second:
        await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
    for caught in (first, second):
        assert (caught.value.retryable, caught.value.surely_not_processed) == (True, False)
    halo.answers["Tickets"] = reply(201, {"id": 1001, "third_party_id_string": "T-1"})
    created = await writer.create_ticket("t-1", ticket, deciding(), defaults={}, claim=granted)
    assert created.halo_ticket_id == 1001


async def test_a_refusal_to_read_is_no_verdict_on_the_ticket(writer: HaloWriter, halo: FakeHalo) -> None:
    """What Halo says of a search before the ticket is not about the ticket's values."""
    halo.answers["Asset"] = reply(400, {"Message": "Bad parameter"})
    ticket = {"email": "alice@contoso.com", "hostname": "PC"}
    created = await writer.create_ticket("t-1", ticket, deciding(), defaults={}, claim=granted)
    assert created.remarks[0].startswith("No asset is linked: GET Asset: Halo answered 400 Bad Request: Bad parameter.")
    for status in (302, 404, 405):
        halo.answers["Users"] = reply(status)
        with pytest.raises(HaloRequestError) as caught:
            await writer.create_ticket("t-1", {"email": "dan.jump@contoso.com"}, deciding(), defaults={}, claim=granted)
        assert (caught.value.problem, caught.value.surely_not_processed) == ("", True)
    assert len(halo.sent("Tickets")) == 1


async def test_a_refused_filter_cannot_tell(writer: HaloWriter, halo: FakeHalo) -> None:
    """A Halo that does not take the filter cannot say whether it has the ticket; asking again will not help."""
    halo.answers["Tickets"] = reply(400, {"Message": "Invalid parameter"})
    with pytest.raises(CannotTellError, match="Search for the reference t-1 by hand"):
        await writer.find_ticket("t-1")
    halo.answers["Tickets"] = reply(400, "<html>Bad Gateway</html>")
    with pytest.raises(HaloRequestError) as caught:
        await writer.find_ticket("t-1")
    assert not isinstance(caught.value, CannotTellError)
    # Deleted between the list and the look at it.
    halo.answers["Tickets"] = reply(200, view("tickets", [{"id": 1001}]))
    halo.answers["Tickets/1001"] = reply(404)
    assert await writer.find_ticket("t-1") is None


async def test_a_doubtful_note_is_not_tried_with_another_outcome(writer: HaloWriter, halo: FakeHalo) -> None:
    """After an answer that leaves doubt nothing more is written."""
    noting(halo, 12)
    answers = iter([reply(400, NO_ACCESS), reply(504)])
    halo.answers["Actions"] = lambda request: next(answers)(request)
    with pytest.raises(HaloRequestError) as caught:
        await writer.add_note(1001, "t-1", {}, deciding(), (), (), claim=granted)
    assert (caught.value.status, caught.value.surely_not_processed) == (504, False)


async def test_a_ticket_remembers_its_type_for_the_note(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """The type that Halo gave a new ticket need not be asked for when its note wants another outcome."""
    halo.answers["Tickets"] = reply(201, {"id": 1001, "tickettype_id": 3.0})
    noting(halo, 12)
    await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
    await writer.add_note(1001, "t-1", ticket, decision, (), (), claim=granted)
    assert "GET Tickets/1001" not in halo.asked()


async def test_long_texts_are_cut(settings: HaloSettings, halo: FakeHalo) -> None:
    """Ticket and note stay below the limit, say that they are cut, and where the whole is."""
    writer = HaloWriter(settings.model_copy(update={"longest_text": 2_000}), halo.transport())
    ticket = {"email": "alice@contoso.com", "msg": "<" * 5_000, "selections": ["&" * 5_000]}
    decision = {"action_variables": {"msg": ticket["msg"], "priv_append": "'" * 9_000}}
    await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
    await writer.add_note(1001, "t-1", ticket, decision, (), (), claim=granted)
    await writer.aclose()
    details, html = halo.sent("Tickets")[0]["details_html"], halo.sent("Actions")[0]["note_html"]
    assert 1_900 < len(details) <= 2_000
    assert details.endswith("&lt;<br><br>[cut: this message has 5000 characters; dispatcher keeps the whole under t-1]")
    assert len(html) <= 2_000
    assert "dispatcher-reference: t-1" in html
    assert html.count(" … [cut]</td>") == 2


async def test_a_change_sends_what_is_set_and_nothing_else(writer: HaloWriter, halo: FakeHalo) -> None:
    """Names become ids as in a new ticket; the agent stays who it is; what cannot be set is told."""
    variables = {"state": "in progress", "team": "Tier 9", "subject": "New title", "agent": None, "msg": ""}
    updated = await writer.update_ticket(1001, variables, defaults={"team": "1st line support"})
    fields = {"summary": "New title", "status_id": 2, "team": "1st Line Support"}
    reason = "`Tier 9` is no team in Halo; it has 1 1st Line Support"
    assert updated == UpdatedTicket(1001, fields, (SubmissionError("team", "Tier 9", reason, "1st line support"),))
    assert halo.sent("Tickets") == [{"id": 1001, **fields}]


async def test_a_change_tells_what_stays(settings: HaloSettings, halo: FakeHalo) -> None:
    """What cannot be changed is told, without a replacement that nobody filed; a reference in the title stays there."""
    writer = HaloWriter(settings.model_copy(update={"find_by": "summary"}), halo.transport())
    unknown = await writer.update_ticket(1001, {"agent": "Nobody"}, defaults={})
    assert [(error.variable, error.value, error.replacement) for error in unknown.submission_errors] == [
        ("agent", "Nobody", None)
    ]
    odd = await writer.update_ticket(1001, {"subject": [1], "append": "a"}, defaults={})
    assert odd == UpdatedTicket(
        1001,
        {},
        (
            SubmissionError("subject", [1], "a list is no text", None),
            SubmissionError("append", "a", "a change cannot add to the text of a ticket"),
        ),
    )
    assert halo.sent("Tickets") == []
    halo.answers["Tickets/1001"] = reply(200, {"id": 1001, "summary": "Old [urgent] title [t-1]"})
    updated = await writer.update_ticket(1001, {"subject": "New", "msg": "m", "append": "a"}, defaults={})
    await writer.aclose()
    assert updated.fields == {"summary": "New [t-1]", "details_html": "m<br><br>a"}
    assert updated.submission_errors == ()


async def test_a_change_of_nothing_asks_nothing(writer: HaloWriter, halo: FakeHalo) -> None:
    """Without anything to set there is no request that could make or touch a ticket."""
    assert await writer.update_ticket(1001, {"state": None, "customfield": {}}, defaults={}) == UpdatedTicket(
        1001, {}, ()
    )
    assert halo.asked() == []


@pytest.mark.parametrize(
    ("current", "priority"),
    [
        ({"sla_id": 2, "tickettype_id": 1}, {"priority_id": 1, "sla_id": 2}),
        ({"sla_id": -1, "tickettype_id": 1}, {"priority_id": 2, "sla_id": 1}),
        ({"sla_id": None, "tickettype_id": 99}, {}),
    ],
)
async def test_a_changed_priority_is_one_of_the_tickets_sla(
    writer: HaloWriter, halo: FakeHalo, current: dict[str, Any], priority: dict[str, int]
) -> None:
    """The ticket's own SLA decides, then that of its type; without either an unclear name is not set."""
    halo.answers["Tickets/1001"] = reply(200, {"id": 1001, **current})
    updated = await writer.update_ticket(1001, {"priority": "High"}, defaults={})
    assert updated.fields == priority
    assert [error.variable for error in updated.submission_errors] == ([] if priority else ["priority"])


async def test_a_refused_change_is_mended(writer: HaloWriter, halo: FakeHalo) -> None:
    """A value that Halo does not take costs itself; the others are changed."""
    answers = iter([reply(400, {"Message": "The Status selected is not valid"}), reply(201, {"id": 1001})])
    halo.answers["Tickets"] = lambda request: next(answers)(request)
    updated = await writer.update_ticket(1001, {"state": "New", "team": 1}, defaults={})
    assert updated.fields == {"team": "1st Line Support"}
    assert [(error.variable, error.value) for error in updated.submission_errors] == [("state", "New")]


async def test_odd_text_does_not_stop_a_ticket(writer: HaloWriter, halo: FakeHalo) -> None:
    """Half a surrogate pair in any place of ticket or decision is still a request that can be sent."""
    odd = "\ud800 odd"
    ticket = {"email": "alice@contoso.com", "hostname": odd, "msg": odd}
    decision = deciding(subject=odd, team=odd) | {"unused_keys": ["msg"]}
    created = await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
    await writer.add_note(
        created.halo_ticket_id, "t-1", ticket, decision, created.submission_errors, created.remarks, claim=granted
    )
    assert halo.sent("Tickets")[0]["summary"] == "� odd"


async def test_every_request_is_json_to_the_resource_server(
    writer: HaloWriter, halo: FakeHalo, ticket: dict[str, Any], decision: dict[str, Any]
) -> None:
    """All requests go below the resource server, with a token, and say who is calling."""
    await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
    assert {
        (r.url.host, r.url.path[:5], r.headers["authorization"], r.headers["accept"], r.headers["user-agent"])
        for r in halo.requests
    } == {("acme.halopsa.test", "/api/", "Bearer token-1", "application/json", "dispatcher")}
    assert all(isinstance(r, httpx.Request) for r in halo.requests)


_TEXT = st.text(max_size=20) | st.sampled_from(["High", "1", "\ud800", "\x00", " ", "a" * 400, "Hardware > Printer"])
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_NAMES = [name for name in TICKET_SCHEMA.names() if name != "exception"]


@given(
    variables=st.dictionaries(st.sampled_from(_NAMES), _VALUE),
    ticket=st.dictionaries(st.sampled_from(_NAMES), _VALUE),
    defaults=st.dictionaries(st.sampled_from(_NAMES), _VALUE),
)
@hypothesis.settings(max_examples=100, deadline=None)
def test_whatever_rules_decide_is_filed(
    variables: dict[str, Any], ticket: dict[str, Any], defaults: dict[str, Any]
) -> None:
    """No value of any kind, in ticket, decision or defaults, costs the ticket, its note, or a later change."""

    async def file() -> None:
        halo = FakeHalo()
        settings = HaloSettings.model_validate(
            {"resource_server": "https://a.test", "authorisation_server": "https://a.test"}
        )
        writer = HaloWriter(settings, halo.transport())
        decision = {"action_variables": variables}
        created = await writer.create_ticket("t-1", ticket, decision, defaults=defaults, claim=granted)
        assert created.halo_ticket_id == 1001
        errors, remarks = created.submission_errors, created.remarks
        await writer.add_note(1001, "t-1", ticket, decision, errors, remarks, claim=granted)
        await writer.update_ticket(1001, variables, defaults=defaults)
        for name, value in variables.items():
            if name == "priority":
                writer.rank(value)
        await writer.aclose()

    asyncio.run(file())
