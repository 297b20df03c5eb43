"""From a rule's value to one of Halo's records: the choice, and the lists behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.lookups import Entry, Lookups, Unresolved, pick
from dispatcher.halo.tables import PAUSE_SECONDS, Table
from tests.halo.fake import TABLES, Clock, FakeHalo, reply

pytestmark = pytest.mark.anyio

STATUSES = [
    Entry(1, "New"),
    Entry(2, "In  Progress"),
    Entry(28, "21"),
    Entry(21, "With User"),
    Entry(40, "Old", off="inactive"),
    Entry(50, "Twice"),
    Entry(51, "TWICE "),
    Entry(52, "Again", off="hidden"),
    Entry(53, "Again"),
]


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("New", 1),
        ("  new ", 1),
        ("in progress", 2),
        (2, 2),
        (2.0, 2),
        ("2", 2),
        ("21", 28),
        (21, 21),
        ("again", 53),
        ("Old", "`Old` is inactive in Halo and cannot be used as status"),
        (40, "`Old` is inactive in Halo and cannot be used as status"),
        ("52", "`Again` is hidden in Halo and cannot be used as status"),
        ("twice", "`twice` names more than one status in Halo: 50 Twice, 51 TWICE "),
        ("Nwe", "`Nwe` is no status in Halo; the nearest is `New`"),
        (99, "`99` is no status in Halo; it has 1 New, 2 In  Progress, 28 21, 21 With User, 50 Twice, "
             "51 TWICE , 53 Again"),
        (True, "`True` is neither a name nor a number"),
        (2.5, "`2.5` is neither a name nor a number"),
        (["New"], "`['New']` is neither a name nor a number"),
        (None, "`None` is neither a name nor a number"),
        (2**40, "`1099511627776` is neither a name nor a number"),
    ],
)  # fmt: skip
def test_a_value_names_one_record_or_says_why_not(value: Any, result: int | str) -> None:
    """Names in any case, ids as numbers or digits; what is off, ambiguous, unknown, no name has a reason."""
    found = pick(value, STATUSES, "status")
    assert (found.id if isinstance(found, Entry) else found.reason) == result


def test_long_lists_are_not_recited() -> None:
    """Without a near name, and with many records, the reason is short; a long value is cut."""
    entries = [Entry(number, f"Team {number}") for number in range(9)]
    assert pick("x" * 100, entries, "team") == Unresolved(f"`{'x' * 79}…` is no team in Halo")
    assert pick("9" * 5000, [], "team") == Unresolved(f"`{'9' * 79}…` is no team in Halo")


@pytest.fixture
def lookups(client: HaloClient) -> Lookups:
    """Look-ups in the recorded Halo."""
    return Lookups(client, max_age_seconds=600)


async def _reason(found: Awaitable[Entry | Unresolved]) -> str:
    result = await found
    assert isinstance(result, Unresolved)
    return result.reason


async def test_each_list_is_asked_for_with_its_parameters(lookups: Lookups, halo: FakeHalo) -> None:
    """Records that are off are asked for too, so that a reason can say so; nothing is asked for twice."""
    for _ in range(2):
        await lookups.ticket_type("Incident")
        await lookups.status("New")
        await lookups.team("Night Shift")
        await lookups.agent("priya@msp.test")
        await lookups.outcome("Logged")
        await lookups.priority("High", None)
        await lookups.category("Hardware", 1)
        await lookups.impact(1)
        await lookups.urgency(1)
    assert [f"{request.url.path}?{request.url.query.decode()}" for request in halo.requests] == [
        "/api/TicketType?showinactive=true",
        "/api/Status?",
        "/api/Team?showall=true&includedisabled=true",
        "/api/Agent?includedisabled=true&includeunassigned=true",
        "/api/Outcome?showhidden=true",
        "/api/Priority?",
        "/api/Category?",
        "/api/Lookup?lookupid=12",
        "/api/Lookup?lookupid=27",
    ]


async def test_ticket_types_bring_their_sla(lookups: Lookups) -> None:
    """A type knows its SLA; -1 means that it has none; an invisible type is not used."""
    assert await lookups.ticket_type("incident") == Entry(1, "Incident", sla_id=1)
    assert await lookups.ticket_type(3) == Entry(3, "Service Request", sla_id=2)
    assert await lookups.ticket_type("Project") == Entry(4, "Project", sla_id=0)
    assert (
        await _reason(lookups.ticket_type("Retired"))
        == "`Retired` is inactive in Halo and cannot be used as ticket type"
    )


async def test_teams_and_outcomes_that_are_off_are_not_used(lookups: Lookups) -> None:
    """Inactive teams and hidden outcomes are known as such; an outcome is found by its button too."""
    assert await _reason(lookups.team("night shift")) == "`Night Shift` is inactive in Halo and cannot be used as team"
    assert await _reason(lookups.outcome("Log")) == "`Logged` is hidden in Halo and cannot be used as outcome"
    assert await lookups.outcome("add note") == Entry(7, "Internal Note", ("Add Note",))


async def test_agents_are_found_by_name_email_or_id(lookups: Lookups) -> None:
    """Agents of one name are told apart by e-mail; a disabled one is not used; `Unassigned` always exists."""
    assert await lookups.agent("Priya nair") == Entry(31, "Priya Nair", ("priya@msp.test",))
    assert await lookups.agent(" TOM2@msp.test") == Entry(33, "tom becker", ("tom2@msp.test",))
    assert await lookups.agent("32") == Entry(32, "Tom Becker", ("tom@msp.test",))
    assert await lookups.agent("unassigned") == Entry(1, "Unassigned")
    assert await _reason(lookups.agent("Tom Becker")) == (
        "`Tom Becker` names more than one agent in Halo: 32 Tom Becker, 33 tom becker"
    )
    assert (
        await _reason(lookups.agent("greg@msp.test")) == "`Greg Olsen` is disabled in Halo and cannot be used as agent"
    )


async def test_nobody_is_called_in_the_tenants_language(lookups: Lookups, halo: FakeHalo) -> None:
    """Agent 1 is `Unassigned` whatever Halo calls it, and whether or not it counts as an agent there."""
    halo.answers["Agent"] = reply(
        200, [{"id": 1, "name": "Nicht zugewiesen", "isdisabled": True}, {"id": 2, "name": "A"}]
    )
    for value in ("unassigned", "Nicht zugewiesen", 1):
        assert await lookups.agent(value) == Entry(1, "Unassigned", ("Nicht zugewiesen",))


async def test_a_row_that_comes_twice_is_one(lookups: Lookups, halo: FakeHalo) -> None:
    """Records of one id are no two records of one name."""
    halo.answers["Status"] = reply(200, [{"id": 1, "name": "New"}, {"id": 1, "name": "New"}])
    assert await lookups.status("new") == Entry(1, "New")


async def test_a_list_that_is_not_there_is_asked_for_again_soon(client: HaloClient, halo: FakeHalo) -> None:
    """A 404 is kept for a moment only: so answers a server that starts; a 403 is kept for the list's whole age."""
    clock = Clock()
    lookups = Lookups(client, 600, clock)
    halo.answers["Status"] = reply(404)
    halo.answers["Team"] = reply(403)
    for clock.now in (0.0, 29.0):
        for look in (lookups.status("New"), lookups.team(1)):
            with pytest.raises(HaloRequestError):
                await look
    del halo.answers["Status"], halo.answers["Team"]
    clock.now = 30.0
    assert await lookups.status("New") == Entry(1, "New")
    with pytest.raises(HaloRequestError):
        await lookups.team(1)
    assert len(halo.requests) == 3


async def test_a_priority_means_something_within_the_sla_of_the_type(lookups: Lookups) -> None:
    """One name has another number under another SLA, and a number of another SLA is none here."""
    incident = Entry(1, "Incident", sla_id=1)
    request = Entry(3, "Service Request", sla_id=2)
    assert await lookups.priority("high", incident) == Entry(2, "High", sla_id=1)
    assert await lookups.priority("high", request) == Entry(1, "High", sla_id=2)
    assert await lookups.priority(1, incident) == Entry(1, "Critical", sla_id=1)
    assert await lookups.priority("2", incident) == Entry(2, "High", sla_id=1)
    assert await _reason(lookups.priority(0, incident)) == (
        "`0` is no priority of ticket type `Incident` in Halo; it has 1 Critical, 2 High"
    )
    assert await _reason(lookups.priority("Old", incident)) == (
        "`Old` is hidden in Halo and cannot be used as priority of ticket type `Incident`"
    )


async def test_without_an_sla_only_a_clear_name_is_a_priority(lookups: Lookups) -> None:
    """A name that means the same everywhere is taken without SLA; one that does not needs a ticket type."""
    assert await lookups.priority("Critical", None) == Entry(1, "Critical")
    assert await _reason(lookups.priority("High", None)) == (
        "`High` is number 2 or 1, by the SLA (no ticket type is set, so the SLA is not known)"
    )
    assert await _reason(lookups.priority(7, Entry(4, "Project", sla_id=0))) == (
        "`7` is no priority in Halo; it has 1 Critical, 2 High, 1 High, 3 Low (the ticket type has no SLA)"
    )


async def test_the_only_sla_needs_no_type(lookups: Lookups, halo: FakeHalo) -> None:
    """With one SLA in all, priorities are found in it whatever the type."""
    halo.answers["Priority"] = reply(200, TABLES["Priority"][:2])
    assert await lookups.priority("High", None) == Entry(2, "High", sla_id=1)


async def test_categories_are_paths_of_their_own_list(lookups: Lookups) -> None:
    """A path may have spaces around `>`; each list has its own, whether Halo counts from 1 or from 2."""
    assert await lookups.category(" hardware > PRINTER", 1) == Entry(101, "Hardware>Printer", level=2)
    assert await lookups.category("Remote", 2) == Entry(201, "Remote", level=3)
    assert await lookups.category(102, 1) == Entry(102, "Hardware", level=2)
    assert await _reason(lookups.category("Remote", 1)) == (
        "`Remote` is no category_1 in Halo; it has 101 Hardware>Printer, 102 Hardware"
    )
    assert await _reason(lookups.category(["Hardware"], 1)) == "`['Hardware']` is neither a name nor a number"


async def test_impact_and_urgency_are_numbers_or_names(lookups: Lookups) -> None:
    """Only what the tenant's lists have is filed."""
    assert await lookups.impact("2") == Entry(2, "Multiple Users Affected")
    assert await lookups.urgency("high") == Entry(1, "High")
    assert await _reason(lookups.impact(0)) == (
        "`0` is no impact in Halo; it has 1 Company Wide, 2 Multiple Users Affected"
    )


@pytest.mark.parametrize("answer", [reply(200, []), reply(403), reply(404)])
async def test_without_a_list_the_number_is_taken_as_it_is(
    lookups: Lookups, halo: FakeHalo, answer: Callable[..., Any]
) -> None:
    """A tenant without the list, or a login that may not read it, leaves impact and urgency to Halo."""
    halo.answers["Lookup"] = answer
    assert await lookups.impact("3") == Entry(3, "3")
    assert await _reason(lookups.urgency("High")) == "`High` is no urgency in Halo"


async def test_a_number_beyond_halos_is_none(lookups: Lookups, halo: FakeHalo) -> None:
    """Halo's numbers have 32 bits; a larger one is never filed, not even where there is no list."""
    halo.answers["Lookup"] = reply(403)
    assert await _reason(lookups.impact(2**31)) == "`2147483648` is neither a name nor a number"


async def test_a_type_without_its_sla_is_read_whole(lookups: Lookups, halo: FakeHalo) -> None:
    """Where the list does not tell the SLA, the type itself does, and is asked once."""
    halo.answers["TicketType"] = reply(200, [{"id": 3, "name": "Request", "sla": None}])
    halo.answers["TicketType/3"] = reply(200, {"id": 3, "name": "Request", "SLA": "2"})
    request = await lookups.ticket_type("Request")
    assert request == Entry(3, "Request")
    for _ in range(2):
        assert await lookups.priority("High", request) == Entry(1, "High", sla_id=2)
    assert halo.asked() == ["GET TicketType", "GET Priority", "GET TicketType/3"]


@pytest.mark.parametrize("answer", [reply(403), reply(200, {"id": 3}), reply(200, {"id": 3, "default_sla": -1})])
async def test_a_type_that_never_tells_has_no_sla(lookups: Lookups, halo: FakeHalo, answer: Any) -> None:
    """Without an SLA only what means the same under all is a priority."""
    halo.answers["TicketType/3"] = answer
    assert await lookups.priority("Critical", Entry(3, "Request")) == Entry(1, "Critical")


async def test_a_ticket_keeps_its_own_sla(lookups: Lookups) -> None:
    """The SLA that a ticket has already wins over that of its type."""
    assert await lookups.priority("High", Entry(1, "Incident", sla_id=1), 2) == Entry(1, "High", sla_id=2)


async def test_ranks_come_from_what_is_known(lookups: Lookups, halo: FakeHalo) -> None:
    """The rank of a priority is its number, the most urgent of those with the name; nothing is asked for it."""
    values: list[Any] = [" HIGH", "Low", "nothing", 3, "3", 2.0, None, True, ["High"]]
    assert [lookups.rank(value) for value in values] == [None, None, None, 3, 3, 2, None, None, None]
    assert halo.requests == []
    await lookups.priority("High", None)
    assert [lookups.rank(value) for value in values] == [1, 3, None, 3, 3, 2, None, None, None]
    assert len(halo.requests) == 1


async def test_notes_may_have_another_outcome(lookups: Lookups, halo: FakeHalo) -> None:
    """What a type allows, private first; of others those that say that they neither mail nor change the status."""
    outcomes = [
        {"id": 1, "outcome": "Phone Call"},
        {"id": 2, "outcome": "Quick Note"},
        {"id": 3, "outcome": "Re-Assign", "hidefromuser": True, "newstatus": -1, "sendemail": 0},
        {"id": 4, "outcome": "Email User", "sendemail": 1},
        {"id": 5, "outcome": "Resolve", "newstatus": 9},
        {"id": 6, "outcome": "Private Note", "hidefromuser": True, "hidden": True},
        {"id": 7, "outcome": "Internal Note", "hidefromuser": True},
    ]
    halo.answers["Outcome"] = reply(200, outcomes)
    halo.answers["Outcome/1"] = reply(200, outcomes[0])
    halo.answers["Outcome/2"] = reply(200, outcomes[1] | {"sendemail": 0, "newstatus": "-1"})
    halo.answers["TicketType/1"] = reply(200, {"id": 1})
    # By version the id of an allowed action is the row's own, or its second key.
    halo.answers["TicketType/2"] = reply(
        200, {"id": 2, "allowall_actions": False, "allowed_actions": [{"id": 5}, {"id": 90, "key1": 2, "key2": 1}]}
    )
    halo.answers["TicketType/3"] = reply(403)
    found = [[entry.id for entry in await lookups.note_outcomes(number)] for number in (1, 2, 3, 1)]
    assert found == [[7, 3, 2], [], [7, 3, 2], [7, 3, 2]]
    wanted = [request.url.params["tickettype_id"] for request in halo.requests if "tickettype_id" in request.url.params]
    assert wanted == ["1", "2", "3"]


async def test_lists_are_read_again_when_old(client: HaloClient, halo: FakeHalo) -> None:
    """A list serves for its age, then it is read again, so a new name is found."""
    clock = Clock()
    lookups = Lookups(client, 600, clock)
    await lookups.status("New")
    halo.answers["Status"] = reply(200, [{"id": 60, "name": "Parked"}])
    clock.now = 599.0
    assert isinstance(await lookups.status("Parked"), Unresolved)
    clock.now = 600.0
    assert await lookups.status("Parked") == Entry(60, "Parked")


async def test_an_old_list_serves_while_halo_is_away(client: HaloClient, halo: FakeHalo) -> None:
    """When reading again fails, the old list is used, and Halo is asked again after a pause, not at once."""
    clock = Clock()
    lookups = Lookups(client, 600, clock)
    await lookups.status("New")
    halo.answers["Status"] = reply(503)
    for clock.now in (600.0, 601.0, 600.0 + PAUSE_SECONDS):
        assert await lookups.status("New") == Entry(1, "New")
    assert len(halo.requests) == 3


async def test_a_list_that_never_came_is_an_error(lookups: Lookups, halo: FakeHalo) -> None:
    """Without any list the failure is passed on, and the next call asks again."""
    halo.answers["Status"] = reply(503)
    for _ in range(2):
        with pytest.raises(HaloRequestError, match="GET Status: Halo answered 503 Service Unavailable"):
            await lookups.status("New")
    assert len(halo.requests) == 2


async def test_a_refused_list_is_not_asked_for_with_every_ticket(client: HaloClient, halo: FakeHalo) -> None:
    """What the login may not read is asked for again when a list would be."""
    clock = Clock()
    lookups = Lookups(client, 600, clock)
    halo.answers["Status"] = reply(403)
    for clock.now in (0.0, 1.0, 599.0, 600.0):
        with pytest.raises(HaloRequestError, match="GET Status: Halo answered 403 Forbidden"):
            await lookups.status("New")
    assert len(halo.requests) == 2
    del halo.answers["Status"]
    clock.now = 1200.0
    assert await lookups.status("New") == Entry(1, "New")


async def test_a_refresh_comes_before_a_list_is_old(client: HaloClient, halo: FakeHalo) -> None:
    """All lists are loaded at once, and again at half of their age, so that no ticket waits for one."""
    clock = Clock()
    lookups = Lookups(client, 600, clock)
    assert lookups.age_seconds() is None
    halo.answers["Team"] = reply(403)
    await lookups.refresh()
    assert len(halo.requests) == 9
    clock.now = 299.0
    await lookups.refresh()
    assert (len(halo.requests), lookups.age_seconds()) == (9, 299.0)
    clock.now = 300.0
    await lookups.refresh()
    assert (len(halo.requests), lookups.age_seconds()) == (18, 0.0)
    clock.now = 899.0
    await lookups.status("New")
    assert len(halo.requests) == 18


async def test_a_refresh_tries_every_list_that_it_can(client: HaloClient, halo: FakeHalo) -> None:
    """A list that fails is an error when the others have been read; a Halo that is away is asked once."""
    clock = Clock()
    lookups = Lookups(client, 600, clock)
    halo.answers["Status"] = reply(500)
    with pytest.raises(HaloRequestError, match="GET Status: Halo answered 500"):
        await lookups.refresh()
    assert (len(halo.requests), lookups.age_seconds()) == (9, None)
    del halo.answers["Status"]
    await lookups.refresh()
    assert (len(halo.requests), lookups.age_seconds()) == (10, 0.0)
    clock.now = 700.0
    for path in ("TicketType", "Status", "Team", "Agent", "Priority", "Category", "Outcome", "Lookup"):
        halo.answers[path] = reply(429)
    with pytest.raises(HaloRequestError, match="GET TicketType: Halo answered 429"):
        await lookups.refresh()
    assert (len(halo.requests), lookups.age_seconds()) == (11, 700.0)
    assert await lookups.status("New") == Entry(1, "New")


async def test_nobody_waits_for_a_list_that_is_being_read_again(client: HaloClient, halo: FakeHalo) -> None:
    """While one reads an old list again, the others go on with the old rows."""
    clock = Clock()
    going = asyncio.Event()
    rows = [Entry(1, "New")]

    async def load() -> list[Entry]:
        if clock.now:
            await going.wait()
        return list(rows)

    table = Table(load, 600, clock)
    await table.rows()
    clock.now = 600.0
    rows[0] = Entry(2, "Newer")
    reading = asyncio.create_task(table.rows())
    await asyncio.sleep(0)
    assert await table.rows() == [Entry(1, "New")]
    going.set()
    assert await reading == [Entry(2, "Newer")]
