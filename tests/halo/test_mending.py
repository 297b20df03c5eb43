"""A ticket that Halo's validation refuses is filed all the same, and tells what it cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.filing import MOST_TRIES
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import CreatedTicket, HaloWriter
from tests.halo.conftest import KEY
from tests.halo.fake import ASSETS, Answer, Claims, FakeHalo, reply

pytestmark = pytest.mark.anyio

Judge = Callable[[dict[str, Any]], str | None]

VARIABLES: dict[str, Any] = {
    "ticketType": "Incident",
    "state": "New",
    "priority": "High",
    "team": "1st line support",
    "agent": "Priya Nair",
    "category_1": "Hardware>Printer",
    "category_2": "Remote",
    "impact": 1,
    "urgency": 2,
    "customfield": {"201": "x", "CFproblemType": "MRI"},
    "subject": "Printer",
    "msg": "It burns",
}
TICKET = {"email": "alice@contoso.com", "name": "Alice", "hostname": "contoso-lt-1", "msg": "It burns"}
WHOLE = {
    "summary": "Printer",
    "details_html": "It burns",
    "tickettype_id": 1,
    "status_id": 1,
    "priority_id": 2,
    "sla_id": 1,
    "team": "1st Line Support",
    "agent_id": 31,
    "category_1": "Hardware>Printer",
    "category_2": "Remote",
    "impact": 1,
    "urgency": 2,
    "customfields": [{"id": 201, "value": "x"}, {"name": "CFproblemType", "value": "MRI"}],
    "client_id": 12,
    "site_id": 83,
    "user_id": 7,
    "assets": [{"id": ASSETS[0]["id"]}],
    "third_party_id_string": "t-1",
    "source": 24,
}


def judged(halo: FakeHalo, judge: Judge) -> None:
    """Let that Halo refuse tickets with the words of the judge, in the shape of Halo's own code."""

    def answer(request: httpx.Request) -> httpx.Response:
        (body,) = json.loads(request.content)
        problem = judge(body)
        if problem is None:
            return httpx.Response(201, json={"id": 1001})
        return httpx.Response(400, json={"ClassName": "System.Exception", "Message": problem, "Data": None})

    halo.answers["Tickets"] = answer


async def filed(
    settings: HaloSettings,
    halo: FakeHalo,
    variables: Mapping[str, Any] = VARIABLES,
    defaults: Mapping[str, Any] | None = None,
) -> tuple[CreatedTicket, dict[str, Any]]:
    """File the ticket; each request must have had its claim."""
    claims = Claims()
    writer = HaloWriter(settings.model_copy(update={"source": 24}), halo.transport())
    try:
        decision = {"action_variables": dict(variables)}
        created = await writer.create_ticket("t-1", TICKET, decision, defaults=defaults or {}, claim=claims)
    finally:
        await writer.aclose()
    sent = halo.sent("Tickets")
    assert len(sent) == claims.count
    assert all(body["third_party_id_string"] == "t-1" for body in sent)
    return created, sent[-1]


def without(*names: str, **changed: Any) -> dict[str, Any]:
    """The whole ticket without these fields, and with others."""
    return {name: value for name, value in WHOLE.items() if name not in names} | changed


def refused(variable: str, value: Any, words: str, replacement: Any = None) -> SubmissionError:
    """What the note tells of a refused value."""
    return SubmissionError(variable, value, f"Halo refused it: {words}", replacement)


@pytest.mark.parametrize(
    ("words", "field", "left", "error"),
    [
        ("The Team selected is not valid", "team", without("team"), ("team", "1st line support")),
        ("The Status selected is not valid for this Ticket Type", "status_id", without("status_id"), ("state", "New")),
        ("The Priority selected is not valid for this SLA", "priority_id", without("priority_id", "sla_id"),
         ("priority", "High")),
        ("SLA 1 cannot be used", "sla_id", without("priority_id", "sla_id"), ("priority", "High")),
        ("Request Type 'Team Agent' is inactive.", "tickettype_id",
         without("tickettype_id", "sla_id", sla_id=None), ("ticketType", "Incident")),
        ("category_2: Category \"Status\" not found", "category_2", without("category_2"), ("category_2", "Remote")),
        ("Category 2 is not valid", "category_2", without("category_2"), ("category_2", "Remote")),
        ("The Category selected is not valid", "category_1", without("category_1"), ("category_1", "Hardware>Printer")),
        ("Please choose another urgency!", "urgency", without("urgency"), ("urgency", 2)),
        ("Impact 1 is out of range", "impact", without("impact"), ("impact", 1)),
    ],
)  # fmt: skip
async def test_a_refused_value_is_left_out(
    settings: HaloSettings, halo: FakeHalo, words: str, field: str, left: dict[str, Any], error: tuple[str, Any]
) -> None:
    """The field that Halo's words name goes, all others stay, and the note has Halo's words."""
    judged(halo, lambda body: words if field in body else None)
    created, sent = await filed(settings, halo)
    # Without a type the SLA is not known, and the priority is High under two of them.
    expected = without("tickettype_id", "priority_id", "sla_id") if error[0] == "ticketType" else left
    assert sent == expected
    assert created.submission_errors[0] == refused(*error, words)
    assert len(halo.sent("Tickets")) == 2


async def test_a_refused_value_is_replaced_by_its_default(settings: HaloSettings, halo: FakeHalo) -> None:
    """The default stands in; when it is refused, too, the field goes, and the note tells of the first value."""
    words = "The Status selected is not valid"
    judged(halo, lambda body: words if body.get("status_id") == 1 else None)
    created, sent = await filed(settings, halo, defaults={"state": "In Progress"})
    assert sent == without(status_id=2)
    assert created.submission_errors == (refused("state", "New", words, "In Progress"),)

    halo.requests.clear()
    judged(halo, lambda body: words if "status_id" in body else None)
    created, sent = await filed(settings, halo, defaults={"state": "In Progress"})
    assert sent == without("status_id")
    assert created.submission_errors == (refused("state", "New", words),)
    assert len(halo.sent("Tickets")) == 3


async def test_a_default_that_is_sent_already_is_not_sent_twice(settings: HaloSettings, halo: FakeHalo) -> None:
    """A value that fell back to its default before it went out has nothing more to fall back to."""
    words = "The Status selected is not valid"
    judged(halo, lambda body: words if "status_id" in body else None)
    variables = VARIABLES | {"state": "Nwe"}
    created, sent = await filed(settings, halo, variables, {"state": "In Progress"})
    assert sent == without("status_id")
    assert created.submission_errors == (refused("state", "Nwe", words),)
    assert len(halo.sent("Tickets")) == 2


async def test_a_priority_follows_the_type_that_stands_in(settings: HaloSettings, halo: FakeHalo) -> None:
    """When the type is replaced, the priority is looked up again, within the new type's SLA."""
    words = "The Ticket Type selected is not valid"
    judged(halo, lambda body: words if body["tickettype_id"] == 1 else None)
    created, sent = await filed(settings, halo, defaults={"ticketType": "Service Request"})
    assert sent == without(tickettype_id=3, priority_id=1, sla_id=2)
    assert created.submission_errors == (refused("ticketType", "Incident", words, "Service Request"),)


async def test_a_refused_agent_leaves_the_ticket_unassigned(settings: HaloSettings, halo: FakeHalo) -> None:
    """An agent gives way to nobody, and nobody to whom Halo chooses."""
    words = "The Agent selected is not valid"
    judged(halo, lambda body: words if body.get("agent_id") == 31 else None)
    created, sent = await filed(settings, halo)
    assert sent == without(agent_id=1)
    assert created.submission_errors == (refused("agent", "Priya Nair", words, "Unassigned"),)

    halo.requests.clear()
    judged(halo, lambda body: words if "agent_id" in body else None)
    created, sent = await filed(settings, halo)
    assert sent == without("agent_id")
    assert created.submission_errors == (refused("agent", "Priya Nair", words),)


async def test_one_problem_after_the_other_is_mended(settings: HaloSettings, halo: FakeHalo) -> None:
    """Halo names one problem at a time; each costs a request and one value."""

    def judge(body: dict[str, Any]) -> str | None:
        names = {"team": "Team", "impact": "Impact", "category_2": "Category 2"}
        return next((f"The {name} selected is not valid" for field, name in names.items() if field in body), None)

    judged(halo, judge)
    created, sent = await filed(settings, halo)
    assert sent == without("team", "impact", "category_2")
    assert [error.variable for error in created.submission_errors] == ["team", "impact", "category_2"]
    assert len(halo.sent("Tickets")) == 4


async def test_what_is_missing_gets_its_default(settings: HaloSettings, halo: FakeHalo) -> None:
    """A mandatory field that no rule sets has the default of the settings."""
    words = "Impact must be entered"
    judged(halo, lambda body: None if "impact" in body else words)
    variables = {**VARIABLES, "impact": None}
    created, sent = await filed(settings, halo, variables, {"impact": 2})
    assert sent == without(impact=2)
    assert created.submission_errors == (refused("impact", None, words, 2),)


@pytest.mark.parametrize("words", ["Impact must be entered", "Cost Centre must be entered", "Computer says no"])
async def test_what_is_missing_for_good_is_not_checked(settings: HaloSettings, halo: FakeHalo, words: str) -> None:
    """Without a default Halo is asked not to check, and nothing else is given up."""
    judged(halo, lambda body: None if body.get("_novalidate") else words)
    variables = {**VARIABLES, "impact": None}
    created, sent = await filed(settings, halo, variables)
    assert sent == without("impact", _novalidate=True)
    if "Impact" in words:
        assert (created.submission_errors, created.remarks) == ((refused("impact", None, words),), ())
    else:
        assert (created.submission_errors, created.remarks) == ((), (f"Halo refused the ticket at first: {words}",))
    assert len(halo.sent("Tickets")) == 2


OPTIONS = {"status_id", "priority_id", "team", "category_1", "category_2", "impact", "urgency", "customfields", "assets",
           "source"}  # fmt: skip


async def test_at_last_all_that_is_optional_goes(settings: HaloSettings, halo: FakeHalo) -> None:
    """A problem of many fields that nobody can place ends in a ticket with the least; the note has all that is gone."""
    least = ("summary", "details_html", "tickettype_id", "client_id", "site_id", "user_id", "third_party_id_string")
    judged(halo, lambda body: "Computer says no" if len(body.keys() & OPTIONS) > 1 else None)
    created, sent = await filed(settings, halo)
    assert sent == {name: WHOLE[name] for name in least} | {"agent_id": 1, "_novalidate": True}
    assert {error.variable: error.value for error in created.submission_errors} == {
        name: value for name, value in VARIABLES.items() if name not in ("ticketType", "subject", "msg")
    }
    assert created.remarks == (
        "The request source is not set: Halo refused the ticket with it: Computer says no",
        "No asset is linked: Halo refused the ticket with it: Computer says no",
        "Halo refused the ticket at first: Computer says no",
    )


@pytest.mark.parametrize("fields", [{"tickettype_id"}, {"user_id"}, {"user_id", "client_id"}, {"tickettype_id", "user_id"},
                                    {"details_html"}])  # fmt: skip
@pytest.mark.parametrize("words", ["Computer says no", "Benutzer ist ungültig", "The User selected is not valid"])
async def test_the_least_gives_way_too(settings: HaloSettings, halo: FakeHalo, fields: set[str], words: str) -> None:
    """Whatever is refused, in whatever language, a summary with our reference is taken at last."""
    judged(halo, lambda body: words if (OPTIONS | fields) & body.keys() else None)
    created, sent = await filed(settings, halo)
    assert not (OPTIONS | fields) & sent.keys()
    assert (sent["summary"], sent["third_party_id_string"]) == ("Printer", "t-1")
    told = {error.variable for error in created.submission_errors}
    assert {"team", "state", "priority", "impact", "category_1", "customfield"} <= told
    assert {"ticketType", "msg"} & told == {
        name for name, field in (("ticketType", "tickettype_id"), ("msg", "details_html")) if field not in sent
    }


@pytest.mark.parametrize(
    ("words", "field", "left"),
    [
        ("Die Kategorie 2 ist ungültig", "category_2", without("category_1", "category_2")),
        ("L'équipe n'est pas valide", "team", without("team", agent_id=1)),
        ("Record does not exist", "assets", without("assets", "source", "customfields")),
        ("Bitte Priorität prüfen", "priority_id", without("status_id", "priority_id", "sla_id")),
        ("El tipo no es válido", "tickettype_id", without("tickettype_id", "priority_id", "sla_id")),
    ],
)
async def test_words_of_any_language_cost_one_group(
    settings: HaloSettings, halo: FakeHalo, words: str, field: str, left: dict[str, Any]
) -> None:
    """When the words name nothing known, one group of fields goes, and the check of the others stays on."""
    judged(halo, lambda body: words if field in body else None)
    _, sent = await filed(settings, halo)
    assert sent == left


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("Ticket Type Incident does not allow the Status New", "status_id"),
        ("For this Ticket Type the Impact 1 is not allowed", "impact"),
        ("The Ticket Type Incident does not have the Category 2 'Remote'", "category_2"),
        ("User does not have permission to set Status", "status_id"),
        ("The Agent Priya Nair is not a member of the Team 1st Line Support", "team"),
        ("'Team' is not valid", "team"),
        ('The value for "Team" is invalid.', "team"),
        ("You can't set this Team as it isn't active", "team"),
        ("You can't use the Team 'Agent', it isn't active", "team"),
        ("L'impact n'est pas valide", "impact"),
        ("The field 'Status' cannot be set to 'New'", "status_id"),
        ("categoryid_2 is not valid", "category_2"),
        ("The Category selected is not valid", "category_2"),
        ("Configuration Item 501 does not exist", "assets"),
    ],
)
async def test_only_what_is_at_fault_is_given_up(
    settings: HaloSettings, halo: FakeHalo, words: str, field: str
) -> None:
    """Of all that the words mention, what did not help is taken back, and nothing else is missing or told."""
    judged(halo, lambda body: words if field in body else None)
    created, sent = await filed(settings, halo)
    assert sent == without(field)
    assert len(created.submission_errors) + len(created.remarks) == 1


async def test_the_same_words_at_another_time_are_the_same(settings: HaloSettings, halo: FakeHalo) -> None:
    """Times, trace ids and long numbers do not hide that a change did not help."""
    count = iter(range(10_000, 11_000))
    judged(
        halo,
        lambda body: f"No at 10:05:{next(count) % 60}, trace 0af7651916cd{next(count)}" if "team" in body else None,
    )
    _, sent = await filed(settings, halo)
    assert sent == without("team", agent_id=1)


async def test_what_helps_only_together_goes_together(settings: HaloSettings, halo: FakeHalo) -> None:
    """When each that the words name is refused for itself, all of them go, and nothing else."""
    judged(halo, lambda body: "Check Impact and Urgency" if {"impact", "urgency"} & body.keys() else None)
    created, sent = await filed(settings, halo)
    assert sent == without("impact", "urgency")
    assert [error.variable for error in created.submission_errors] == ["urgency", "impact"]


async def test_a_refused_type_may_cost_the_requester_last(settings: HaloSettings, halo: FakeHalo) -> None:
    """What is missed more is given up later: the ticket keeps its user."""
    words = "Client 12 does not have access to Ticket Type Incident"
    judged(halo, lambda body: words if "tickettype_id" in body else None)
    _, sent = await filed(settings, halo)
    assert sent == without("tickettype_id", "priority_id", "sla_id")


async def test_a_ticket_that_is_never_taken_is_an_error(settings: HaloSettings, halo: FakeHalo) -> None:
    """Tries are bounded; the error is Halo's last, is final, and says that nothing was written."""
    count = iter(range(1000))
    judged(halo, lambda body: f"No {next(count)}")
    with pytest.raises(HaloRequestError, match="POST Tickets: Halo answered 400 Bad Request: No ") as caught:
        await filed(settings, halo)
    assert (caught.value.retryable, caught.value.surely_not_processed) == (False, True)
    assert len(halo.sent("Tickets")) <= MOST_TRIES
    assert halo.sent("Tickets")[-1] == {"summary": "Printer", "third_party_id_string": "t-1", "_novalidate": True}


@pytest.mark.parametrize(
    "answer",
    [
        reply(400, ""),
        reply(400, "<html><title>Bad Request</title></html>"),
        reply(400, {"ClassName": "System.FormatException", "Message": "Input string was not in a correct format."}),
        reply(400, {"Message": "A database error occurred (515) - Cannot insert the value NULL"}),
    ],
)
async def test_a_doubtful_refusal_is_mended_once_it_comes_again(
    settings: HaloSettings, halo: FakeHalo, answer: Answer
) -> None:
    """One request an attempt; the first time it may be an accident, then each attempt sends less."""
    writer = HaloWriter(settings, halo.transport())
    claims = Claims()

    def judge(request: httpx.Request) -> httpx.Response:
        (body,) = json.loads(request.content)
        return answer(request) if "team" in body else httpx.Response(201, json={"id": 1001})

    halo.answers["Tickets"] = judge
    decision = {"action_variables": VARIABLES}
    for _ in range(3):
        with pytest.raises(HaloRequestError) as caught:
            await writer.create_ticket("t-1", TICKET, decision, defaults={}, claim=claims)
        assert (caught.value.problem, caught.value.surely_not_processed) == ("", False)
    assert (await writer.create_ticket("t-1", TICKET, decision, defaults={}, claim=claims)).halo_ticket_id == 1001
    sent = halo.sent("Tickets")
    assert [body.get("_novalidate") for body in sent] == [None, None, True, True]
    assert ["team" in body for body in sent] == [True, True, True, False]
    assert claims.count == 4
    # Another ticket, and the same one with other values, know nothing of that.
    for reference, defaults in (("t-2", {}), ("t-1", {"team": 1})):
        with pytest.raises(HaloRequestError):
            await writer.create_ticket(reference, TICKET, decision, defaults=defaults, claim=claims)
        assert halo.sent("Tickets")[-1].get("_novalidate") is None
    await writer.aclose()


async def test_an_accident_that_names_a_field_costs_that_field(settings: HaloSettings, halo: FakeHalo) -> None:
    """Numbers that change with each time do not make it another accident."""
    count = iter(range(100))
    writer = HaloWriter(settings, halo.transport())

    def judge(request: httpx.Request) -> httpx.Response:
        (body,) = json.loads(request.content)
        if "team" not in body:
            return httpx.Response(201, json={"id": 1001})
        return httpx.Response(400, text=f"An error occurred: the Team is bad, reference {next(count)}")

    halo.answers["Tickets"] = judge
    for _ in range(2):
        with pytest.raises(HaloRequestError):
            await writer.create_ticket("t-1", TICKET, {"action_variables": VARIABLES}, defaults={}, claim=Claims())
    # What was learnt outlives an attempt that fails for another reason.
    halo.answers["Tickets"] = reply(503)
    with pytest.raises(HaloRequestError):
        await writer.create_ticket("t-1", TICKET, {"action_variables": VARIABLES}, defaults={}, claim=Claims())
    halo.answers["Tickets"] = judge
    created = await writer.create_ticket("t-1", TICKET, {"action_variables": VARIABLES}, defaults={}, claim=Claims())
    await writer.aclose()
    assert [error.variable for error in created.submission_errors] == ["team"]


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [
        (400, {"Message": "A database error occurred (515) - Cannot insert the value NULL into column 'team'"}, True),
        (400, {"ClassName": "System.NullReferenceException", "Message": "The Team selected is not valid"}, True),
        (400, {"Message": "Timeout expired. The Team is locked."}, True),
        (400, "", True),
        (400, "<html><title>Bad Request: Team</title></html>", True),
        (500, {"Message": "The Team selected is not valid"}, True),
        (504, "", True),
        (201, "not JSON: Team", True),
    ],
)
async def test_what_may_have_been_written_is_not_sent_again(
    settings: HaloSettings, halo: FakeHalo, status: int, body: Any, retryable: bool
) -> None:
    """Only a refusal by validation is certain to come before the work; anything else is for the caller to look at."""
    halo.answers["Tickets"] = reply(status, body)
    with pytest.raises(HaloRequestError) as caught:
        await filed(settings, halo)
    assert (caught.value.retryable, caught.value.surely_not_processed) == (retryable, False)
    assert len(halo.sent("Tickets")) == 1


async def test_doubt_after_a_refusal_is_doubt(settings: HaloSettings, halo: FakeHalo) -> None:
    """When the second request breaks, it is not known what became of it, whatever the first one said."""
    answers = iter([reply(400, {"Message": "The Team selected is not valid"}), reply(502)])
    halo.answers["Tickets"] = lambda request: next(answers)(request)
    with pytest.raises(HaloRequestError) as caught:
        await filed(settings, halo)
    assert (caught.value.status, caught.value.surely_not_processed) == (502, False)


@pytest.mark.parametrize(
    ("problem", "left"),
    [
        ({"[0].customfields[1].value": ["Could not convert. Path '[0].customfields[1].value'."]}, ["201"]),
        ({"[0].customfields[1].value": ["bad"], "[0].customfields[0].value": ["bad"]}, []),
        ({"Message": "CFproblemType: the value is not in the list"}, ["201"]),
        ({"Message": "Problem Type must be one of: CT, X-ray"}, ["201"]),
        ({"Message": "Field 201 is read-only"}, ["CFproblemType"]),
        ({"Message": "Custom fields are not allowed here"}, []),
    ],
)
async def test_a_refused_custom_field_goes_alone(
    settings: HaloSettings, halo: FakeHalo, problem: Any, left: list[str]
) -> None:
    """A custom field is known by its place, name, id, or a label like the name; unnamed, all of them go."""

    def answer(request: httpx.Request) -> httpx.Response:
        (body,) = json.loads(request.content)
        sent = [str(field.get("id", field.get("name"))) for field in body.get("customfields", ())]
        return httpx.Response(201, json={"id": 1001}) if sent == left else httpx.Response(400, json=problem)

    halo.answers["Tickets"] = answer
    created, sent = await filed(settings, halo)
    assert [error.value for error in created.submission_errors] == [
        {key: value} for key, value in VARIABLES["customfield"].items() if key not in left
    ]
    assert {name: value for name, value in sent.items() if name != "customfields"} == without("customfields")
    assert len(halo.sent("Tickets")) == 2


async def test_custom_fields_have_defaults(settings: HaloSettings, halo: FakeHalo) -> None:
    """A refused field takes its default; a mandatory one that is missing, too."""

    def judge(body: dict[str, Any]) -> str | None:
        fields = {str(field.get("id", field.get("name"))): field["value"] for field in body["customfields"]}
        if fields["CFproblemType"] == "MRI":
            return "Problem type: MRI is no choice"
        return None if "CFcostCentre" in fields else "Cost Centre must be entered"

    judged(halo, judge)
    defaults = {"customfield": {"CFproblemType": "Other", "CFcostCentre": "0", "CFspare": "-"}}
    created, sent = await filed(settings, halo, defaults=defaults)
    assert sent["customfields"] == [
        {"id": 201, "value": "x"},
        {"name": "CFproblemType", "value": "Other"},
        {"name": "CFcostCentre", "value": "0"},
    ]
    assert created.submission_errors == (
        refused("customfield", {"CFproblemType": "MRI"}, "Problem type: MRI is no choice", {"CFproblemType": "Other"}),
        refused("customfield", {"CFcostCentre": None}, "Cost Centre must be entered", {"CFcostCentre": "0"}),
    )


async def test_a_refused_requester_gives_way_to_the_catch_all_user(settings: HaloSettings, halo: FakeHalo) -> None:
    """A user who left meanwhile costs the requester, and the note tells who it was."""
    words = "The User selected is not valid"
    judged(halo, lambda body: words if body["user_id"] == 7 else None)
    created, sent = await filed(settings, halo)
    assert (sent["user_id"], sent["client_id"], sent["site_id"]) == (2, 10, 1)
    assert created.remarks == (
        f"Halo refused the requester: {words}. The ticket is filed for unregistered@helpdeskbuttons.com instead.",
        "Who it really was: Alice, alice@contoso.com.",
        "No asset is linked: the client has none with the name contoso-lt-1.",
    )
    assert "assets" not in sent


async def test_a_requester_of_nobody_brings_no_asset(settings: HaloSettings, halo: FakeHalo) -> None:
    """Where the catch-all user is refused, too, Halo chooses, and an asset of another client stays away."""
    words = "The User selected is not valid"
    judged(halo, lambda body: words if "user_id" in body else None)
    created, sent = await filed(settings, halo)
    assert sent == without("user_id", "client_id", "site_id", "assets", users_name="Alice")
    assert created.remarks == (
        f"Halo refused the requester: {words}.",
        "Who it really was: Alice, alice@contoso.com.",
        "No asset is linked: the requester's client is not known.",
    )


async def test_a_user_without_a_site_names_none(settings: HaloSettings, halo: FakeHalo) -> None:
    """Where Halo wants a site and the user has none, it is told so, before anyone else stands in."""
    halo.users = [user | {"site_id": None} for user in halo.users]
    judged(halo, lambda body: None if "site_id" in body else "A Site must be selected")
    created, sent = await filed(settings, halo)
    assert (sent["user_id"], sent["site_id"]) == (7, 0)
    assert created.remarks == ("No site is set. Halo said: A Site must be selected",)


@pytest.mark.parametrize(
    ("words", "field", "remark"),
    [
        ("The Asset selected is not valid", "assets", "No asset is linked: Halo refused it: "),
        ("Source 24 does not exist", "source", "The request source is not set: Halo refused it: "),
    ],
)
async def test_a_refused_asset_or_source_goes(
    settings: HaloSettings, halo: FakeHalo, words: str, field: str, remark: str
) -> None:
    """What no rule sets is a remark and no submission error."""
    judged(halo, lambda body: words if field in body else None)
    created, sent = await filed(settings, halo)
    assert sent == without(field)
    assert (created.submission_errors, created.remarks) == ((), (remark + words,))


async def test_words_that_are_too_long_are_shortened(settings: HaloSettings, halo: FakeHalo) -> None:
    """Title and body are cut further where Halo finds them too long; the whole is kept here."""

    def judge(body: dict[str, Any]) -> str | None:
        if len(body["summary"]) > 100:
            return "summary: exceeds the maximum length"
        return "The Details are too long" if len(body["details_html"]) > 2000 else None

    judged(halo, judge)
    created, sent = await filed(settings, halo, {"subject": "s" * 200, "msg": "m" * 5000})
    assert (len(sent["summary"]), len(sent["details_html"])) == (100, 2000)
    assert [(error.variable, error.replacement) for error in created.submission_errors] == [
        ("subject", "its beginning"),
        ("msg", "its beginning"),
    ]


async def test_a_ticket_too_large_is_shortened(settings: HaloSettings, halo: FakeHalo) -> None:
    """A gateway that takes no long bodies gets a short one."""
    large = httpx.Response(413, text="<html><title>413</title></html>")
    halo.answers["Tickets"] = lambda request: large if len(request.content) > 4_000 else reply(201, {"id": 1})(request)
    created, sent = await filed(settings, halo, {"subject": "s", "msg": "m" * 5000})
    assert len(sent["details_html"]) == 2000
    assert [(error.variable, error.replacement) for error in created.submission_errors] == [("msg", "its beginning")]
    assert len(halo.sent("Tickets")) == 2


async def test_a_tenant_without_validation_has_a_step_less(settings: HaloSettings, halo: FakeHalo) -> None:
    """Where the check of mandatory fields is off already, turning it off is no step."""
    judged(halo, lambda body: "Computer says no" if "assets" in body else None)
    created, sent = await filed(settings.model_copy(update={"novalidate": True}), halo)
    assert len(halo.sent("Tickets")) == 2
    assert sent == without("assets", "source", "customfields", _novalidate=True)
    assert [error.variable for error in created.submission_errors] == ["customfield"]


_WORDS = st.lists(
    st.sampled_from(
        ["Team", "Ticket Type", "Status", "Priority", "SLA", "Agent", "Category", "category_2", "Impact", "User", "Site",
         "Client", "Asset", "Source", "Summary", "Details", "Custom field", "CFproblemType", "201", "must be entered",
         "is not valid", "customfields[0].value", "customfields[9]", "'Team'", "[0].team:", "Cost Centre", "é", "", "("]
    ),
    max_size=5,
).map(" ".join)  # fmt: skip


@given(problems=st.lists(_WORDS, max_size=12))
@hypothesis.settings(max_examples=60, deadline=None)
def test_whatever_is_refused_tries_end(problems: list[str]) -> None:
    """Any refusals in any order end in a filed ticket or in Halo's last words, within the bound."""
    halo = FakeHalo()
    said = iter(problems)

    def answer(request: httpx.Request) -> httpx.Response:
        problem = next(said, None)
        if problem is None:
            return httpx.Response(201, json={"id": 1001})
        return httpx.Response(400, json={"Message": problem or "?"})

    halo.answers["Tickets"] = answer
    settings = HaloSettings.model_validate(
        {"resource_server": "https://a.test", "authorisation_server": "https://a.test/auth", "key": KEY}
    )
    defaults = {"team": 1, "state": "In Progress", "customfield": {"201": "y", "CFcostCentre": 1}}
    try:
        asyncio.run(filed(settings, halo, VARIABLES, defaults))
    except HaloRequestError as error:
        assert (error.status, error.surely_not_processed) == (400, True)
    assert len(halo.sent("Tickets")) <= MOST_TRIES
