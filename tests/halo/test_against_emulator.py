"""The writer against the emulator: the whole way over HTTP, with nothing of ours in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.requester import Known
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import CreatedTicket, HaloWriter
from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from tests.halo.fake import granted

pytestmark = pytest.mark.anyio

TICKET = {
    "name": "Dan Jump",
    "email": "DAN.JUMP@contoso.com",
    "hostname": "contoso-lt-001",
    "selections": "This is an emergency",
    "msg": "Printer <on> fire",
}


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on and keeps their method and path."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return await self._transport.handle_async_request(request)


@pytest.fixture
async def recorder() -> Recorder:
    """The way to a fresh emulator."""
    return Recorder(httpx.ASGITransport(app=create_emulator()))


@pytest.fixture
async def writer(recorder: Recorder) -> AsyncIterator[HaloWriter]:
    """A writer with default settings."""
    writer = HaloWriter(HaloSettings(), recorder)
    yield writer
    await writer.aclose()


async def read(writer: HaloWriter, path: str, **params: Any) -> Any:
    """What the emulator has, read with the writer's own token."""
    return (await writer._client._send("GET", path, params=params))[1]


def deciding(**variables: Any) -> dict[str, Any]:
    """A decision that sets these variables."""
    return {"action_variables": {"msg": TICKET["msg"], **variables}, "revision": "r1"}


async def test_a_ticket_and_its_note_are_filed_and_found(writer: HaloWriter) -> None:
    """Every variable arrives in its field, the note is private, and both are found by our reference alone."""
    decision = deciding(
        ticketType="incident",
        state="in progress",
        priority="critical",
        team="2nd line",
        agent="Aisha Khan",
        category_1="Hardware > Printer",
        category_2="Remote",
        impact=1,
        urgency="high",
        subject="Fire",
        append="<b>hot</b>",
        priv_append="smoke",
        customfield={"202": "MRI", "CFreportLink": "https://report.test"},
    )
    assert await writer.find_ticket("t-1") is None
    created = await writer.create_ticket("t-1", TICKET, decision, defaults={}, claim=granted)
    assert created == CreatedTicket(1001, (), ())
    ticket = await read(writer, "Tickets/1001")
    dan = (await read(writer, "Users", search="dan.jump@contoso.com"))["users"][0]
    expected = {
        "summary": "Fire",
        "details_html": "Printer &lt;on&gt; fire<br><br>&lt;b&gt;hot&lt;/b&gt;",
        "tickettype_id": 1,
        "status_id": 2,
        "sla_id": 1,
        "priority_id": 1,
        "team": "2nd Line",
        "agent_id": 33,
        "category_1": "Hardware>Printer",
        "category_2": "Remote",
        "impact": 1,
        "urgency": 1,
        "user_id": dan["id"],
        "client_id": dan["client_id"],
        "site_id": dan["site_id_int"],
        "third_party_id_string": "t-1",
    }
    assert {name: ticket[name] for name in expected} == expected
    values = {field["name"]: field["value"] for field in ticket["customfields"]}
    assert (values["CFproblemType"], values["CFreportLink"]) == ("MRI", "https://report.test")

    assert await writer.find_note(1001, "t-1") is None
    number = await writer.add_note(
        1001, "t-1", TICKET, decision, created.submission_errors, created.remarks, claim=granted
    )
    assert await writer.find_note(1001, "t-1") == number
    assert await writer.find_ticket("t-1") == 1001
    assert await writer.find_ticket("t-") is None
    (note,) = (await read(writer, "Actions", ticket_id=1001, includehtmlnote=True))["actions"]
    assert (note["outcome"], note["hiddenfromuser"]) == ("Internal Note", True)
    assert "<td>smoke</td>" in note["note_html"]


async def test_warm_lookups_leave_four_requests(writer: HaloWriter, recorder: Recorder) -> None:
    """With warm look-ups a ticket with its note takes user, asset, ticket and note."""
    decision = deciding(ticketType="Incident", priority="High", team="Security", agent="lena.vogel@msp.example")
    for reference, email in (("t-1", TICKET["email"]), ("t-2", "holly.holt@woodgrovebank.com")):
        recorder.asked.clear()
        ticket = TICKET | {"email": email}
        created = await writer.create_ticket(reference, ticket, decision, defaults={}, claim=granted)
        await writer.add_note(created.halo_ticket_id, reference, TICKET, decision, (), (), claim=granted)
    assert recorder.asked == ["GET /api/Users", "GET /api/Asset", "POST /api/Tickets", "POST /api/Actions"]


async def test_an_asset_is_linked_by_host_name(writer: HaloWriter) -> None:
    """The asset of the requester's client with this host name is on the ticket."""
    assets = (await read(writer, "Asset"))["assets"]
    users = (await read(writer, "Users", pageinate=True, page_size=100))["users"]
    client = next(user["client_id"] for user in users if user["emailaddress"] == "dan.jump@contoso.com")
    asset = next(asset for asset in assets if asset["client_id"] == client)
    ticket = TICKET | {"hostname": asset["key_field"].lower()}
    created = await writer.create_ticket("t-1", ticket, deciding(), defaults={}, claim=granted)
    assert created.remarks == ()
    filed = await read(writer, f"Tickets/{created.halo_ticket_id}")
    assert [row["id"] for row in filed["assets"]] == [asset["id"]]


async def test_unknown_values_are_filed_as_defaults(writer: HaloWriter) -> None:
    """What the emulator would refuse is caught before: the ticket is filed, its note lists the errors."""
    decision = deciding(
        ticketType="Incident",
        priority=0,
        team="Night Shift",
        agent="Greg Olsen",
        category_1="Hardware>Fax",
        impact=0,
        customfield={"205": "PO-1"},
    )
    created = await writer.create_ticket(
        "t-1", TICKET, decision, defaults={"priority": "Low", "team": "Projects"}, claim=granted
    )
    assert [(error.variable, error.value, error.replacement) for error in created.submission_errors] == [
        ("priority", 0, "Low"),
        ("team", "Night Shift", "Projects"),
        ("agent", "Greg Olsen", "Unassigned"),
        ("category_1", "Hardware>Fax", None),
        ("impact", 0, None),
        ("customfield", {"205": "PO-1"}, None),
    ]
    ticket = await read(writer, "Tickets/1001")
    assert (ticket["priority_id"], ticket["team"], ticket["agent_id"]) == (4, "Projects", 1)
    await writer.add_note(1001, "t-1", TICKET, decision, created.submission_errors, created.remarks, claim=granted)
    (note,) = (await read(writer, "Actions", ticket_id=1001))["actions"]
    assert "[Submission Errors]" in note["note"]


async def test_an_unknown_requester_goes_to_the_catch_all_user(writer: HaloWriter) -> None:
    """The ticket of someone whom Halo does not know is filed, and says who it was."""
    ticket = {"email": "eve@example.com", "name": "Eve", "msg": "Hello"}
    created = await writer.create_ticket("t-1", ticket, deciding(), defaults={}, claim=granted)
    assert created.remarks == (
        "Halo has no user with the e-mail eve@example.com. "
        "The ticket is filed for unregistered@helpdeskbuttons.com instead.",
        "Who it really was: Eve, eve@example.com.",
    )
    assert (await read(writer, "Tickets/1001"))["user_email"] == "unregistered@helpdeskbuttons.com"


async def test_a_halo_that_ignores_the_filter_is_seen_through() -> None:
    """Where the filter is unknown, another's ticket is never taken for ours, nor ours for missing."""
    behaviour = Behaviour(filters_third_party_id_string=False)
    writer = HaloWriter(HaloSettings(), httpx.ASGITransport(app=create_emulator(behaviour=behaviour)))
    await writer.create_ticket("t-1", TICKET, deciding(), defaults={}, claim=granted)
    assert await writer.find_ticket("t-1") == 1001
    with pytest.raises(Exception, match="ignores the filter third_party_id_string"):
        await writer.find_ticket("t-2")
    await writer.aclose()


async def test_mandatory_fields_end_in_a_filed_ticket(writer: HaloWriter) -> None:
    """What the type demands and nobody set has its default, and what has none is not demanded."""
    decision = deciding(ticketType="Problem", team="Projects")
    created = await writer.create_ticket(
        "t-1", TICKET, decision, defaults={"impact": 3, "category_1": "Hardware>Printer"}, claim=granted
    )
    ticket = await read(writer, f"Tickets/{created.halo_ticket_id}")
    assert (ticket["category_1"], ticket["impact"], ticket["team"]) == ("Hardware>Printer", 3, "Projects")
    assert [(error.variable, error.value, error.replacement) for error in created.submission_errors] == [
        ("category_1", None, "Hardware>Printer"),
        ("impact", None, 3),
        ("urgency", None, None),
    ]


@pytest.mark.parametrize("wording", ["plain", "quoted", "type-first", "german", "unnamed"])
@pytest.mark.parametrize("refusal_body", ["exception", "message", "error", "result"])
async def test_refusals_in_any_words_end_in_a_filed_ticket(wording: Any, refusal_body: Any) -> None:
    """However a tenant words its refusals, what it does not take or misses is mended, and little else is given up."""
    behaviour = Behaviour(
        refusal_wording=wording, refusal_body=refusal_body, impact_and_urgency_mandatory=True, foreign_assets="refuse"
    )
    app = create_emulator(behaviour=behaviour)
    writer = HaloWriter(HaloSettings(source=999), httpx.ASGITransport(app=app))
    decision = deciding(team="Projects", state="New", category_1="Hardware>Printer")
    created = await writer.create_ticket("t-1", TICKET, decision, defaults={}, claim=granted)
    ticket = await read(writer, f"Tickets/{created.halo_ticket_id}")
    assert (ticket["team"], ticket["category_1"]) == ("Projects", "Hardware>Printer")
    assert any("request source is not set" in remark for remark in created.remarks)
    await writer.aclose()


@pytest.mark.parametrize(
    ("behaviour", "tries"),
    [
        (Behaviour(refusal_body="empty"), 3),
        (Behaviour(refusal_body="html"), 3),
        # Its words name the field, which goes alone.
        (Behaviour(refusal_class="NetHelpDesk.HaloException"), 2),
    ],
)
async def test_refusals_without_words_end_in_a_filed_ticket(behaviour: Behaviour, tries: int) -> None:
    """Each attempt sends less, after a look at what became of the one before, until the ticket is taken."""
    writer = HaloWriter(HaloSettings(source=999), httpx.ASGITransport(app=create_emulator(behaviour=behaviour)))
    refused = 0
    while refused < 8:
        assert await writer.find_ticket("t-1") is None
        try:
            created = await writer.create_ticket("t-1", TICKET, deciding(), defaults={}, claim=granted)
        except HaloRequestError as error:
            assert (error.problem, error.surely_not_processed) == ("", False)
            refused += 1
        else:
            break
    assert refused == tries
    assert await writer.find_ticket("t-1") == created.halo_ticket_id
    await writer.aclose()


async def test_a_closed_ticket_is_found(recorder: Recorder) -> None:
    """A ticket that a rule files as closed is found by its reference where lists leave closed ones out."""
    app = create_emulator(behaviour=Behaviour(lists_closed_tickets=False))
    writer = HaloWriter(HaloSettings(), httpx.ASGITransport(app=app))
    created = await writer.create_ticket("t-1", TICKET, deciding(state="Closed"), defaults={}, claim=granted)
    assert (await read(writer, "Tickets"))["tickets"] == []
    assert await writer.find_ticket("t-1") == created.halo_ticket_id
    await writer.aclose()


async def test_a_note_takes_an_outcome_that_the_type_allows(recorder: Recorder) -> None:
    """An outcome that this type does not have is replaced by one that it has, and the note stays private."""
    writer = HaloWriter(HaloSettings(note_outcome="Phone Call"), recorder)
    decision = deciding(ticketType="Alert")
    created = await writer.create_ticket("t-1", TICKET, decision, defaults={}, claim=granted)
    number = created.halo_ticket_id
    await writer.add_note(number, "t-1", TICKET, decision, (), (), claim=granted)
    (note,) = (await read(writer, "Actions", ticket_id=number))["actions"]
    assert (note["outcome"], note["hiddenfromuser"]) == ("Internal Note", True)
    await writer.aclose()


async def test_a_ticket_is_changed(writer: HaloWriter) -> None:
    """A change touches what it names; the priority is one of the ticket's own SLA."""
    decision = deciding(ticketType="Service Request", team="Projects", agent="Aisha Khan")
    number = (await writer.create_ticket("t-1", TICKET, decision, defaults={}, claim=granted)).halo_ticket_id
    before = await read(writer, f"Tickets/{number}")
    updated = await writer.update_ticket(
        number, {"state": "On Hold", "priority": "High", "subject": "New"}, defaults={}
    )
    after = await read(writer, f"Tickets/{number}")
    assert updated.submission_errors == ()
    assert updated.fields == {
        "summary": "New",
        "status_id": 28,
        "priority_id": after["priority_id"],
        "sla_id": before["sla_id"],
    }
    changed = {name for name in after if after[name] != before[name]}
    assert {"summary", "status_id", "priority_id"} <= changed
    assert changed.isdisjoint({"team", "agent_id", "details_html", "sla_id", "user_id", "third_party_id_string"})


async def test_what_halo_knows_of_a_sender(writer: HaloWriter, recorder: Recorder) -> None:
    """Client and name come from the user, in a request that delivery then need not make."""
    assert await writer.known_of("dan.jump@CONTOSO.com") == Known("Contoso Ltd.", "Dan Jump")
    assert await writer.known_of("eve@example.com") == Known("", "")
    recorder.asked.clear()
    await writer.create_ticket("t-1", TICKET | {"hostname": ""}, deciding(), defaults={}, claim=granted)
    assert recorder.asked == ["POST /api/Tickets"]
    await writer.check_catch_all()


async def test_another_field_finds_where_the_filter_is_ignored() -> None:
    """The named fall-backs find a ticket, and miss one that is not there, without the usual filter."""
    for find_by in ("client_reference", "summary"):
        behaviour = Behaviour(filters_third_party_id_string=False)
        settings = HaloSettings.model_validate({"find_by": find_by})
        writer = HaloWriter(settings, httpx.ASGITransport(app=create_emulator(behaviour=behaviour)))
        for reference in ("t-1", "t-12"):
            await writer.create_ticket(reference, TICKET, deciding(), defaults={}, claim=granted)
        assert [await writer.find_ticket(reference) for reference in ("t-1", "t-12", "t-2")] == [1001, 1002, None]
        await writer.aclose()
