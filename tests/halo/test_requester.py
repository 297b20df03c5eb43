"""For whom a ticket is filed, and about which computer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.requester import Directory, FoundAsset, Known, Requester
from tests.halo.fake import ALICE, CATCH_ALL, DAN, Clock, FakeHalo, reply, view

pytestmark = pytest.mark.anyio

CATCH_ALL_EMAIL = "unregistered@helpdeskbuttons.com"
WHO = "Who it really was: Eve, eve@example.com, Example Ltd."


@pytest.fixture
def clock() -> Clock:
    """The directory's clock."""
    return Clock()


@pytest.fixture
def directory(client: HaloClient, clock: Clock) -> Directory:
    """Users and assets of the recorded Halo."""
    return Directory(client, CATCH_ALL_EMAIL, 600, clock)


async def test_the_user_is_found_by_exact_address(directory: Directory, halo: FakeHalo) -> None:
    """One request finds the user whatever the case, with client and site as whole numbers."""
    assert await directory.requester({"email": " Dan.JUMP@contoso.com"}) == Requester(8, 12, 83)
    assert [dict(request.url.params) for request in halo.requests] == [
        {
            "advanced_search": '[{"filter_name": "emailaddress", "filter_type": 2, '
            '"filter_value": "Dan.JUMP@contoso.com"}]',
            "includeinactive": "true",
            "pageinate": "true",
            "page_size": "100",
            "page_no": "1",
        }
    ]


async def test_a_refused_search_by_field_is_not_tried_again(directory: Directory, halo: FakeHalo) -> None:
    """A Halo that does not search by this field is searched the other way from then on."""

    def answer(request: Any) -> Any:
        if "advanced_search" in request.url.params:
            return reply(400, {"Message": "Invalid advanced search parameter"})(request)
        assert request.url.params["search"] in ("alice@contoso.com", "malice@contoso.com")
        # "Like" brings more than was meant.
        near = ALICE | {"id": 70, "emailaddress": "malice@contoso.com"}
        return reply(200, view("users", [near, ALICE]))(request)

    halo.answers["Users"] = answer
    for email in ("alice@contoso.com", "malice@contoso.com"):
        assert (await directory.requester({"email": email})).client_id == 12
    assert ["search" in request.url.params for request in halo.requests] == [False, True, True]


async def test_an_ignored_filter_does_not_hide_the_user(directory: Directory, halo: FakeHalo) -> None:
    """Others in the answer show that the filter may have been ignored: then the plain search decides."""

    def answer(request: Any) -> Any:
        rows = [DAN, CATCH_ALL] if "advanced_search" in request.url.params else [ALICE]
        return reply(200, {"record_count": 9000, "users": rows})(request)

    halo.answers["Users"] = answer
    assert await directory.requester({"email": "alice@contoso.com"}) == Requester(7, 12, 83)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "Halo has no user with the e-mail eve@example.com."),
        (
            [{"id": 9, "emailaddress": "eve@example.com", "client_id": 12, "inactive": True}],
            "The user with the e-mail eve@example.com is inactive in Halo.",
        ),
        (
            [
                {"id": 9, "emailaddress": "eve@example.com", "client_id": 12},
                {"id": 10, "emailaddress": "EVE@example.com", "client_id": 13},
            ],
            "Several clients in Halo have a user with the e-mail eve@example.com (users 9, 10).",
        ),
    ],
)
async def test_unknown_requesters_go_to_the_catch_all_user(
    directory: Directory, halo: FakeHalo, found: list[Any], why: str
) -> None:
    """Who has no clear record in Halo is filed for the catch-all user, and the remarks say who it was."""
    halo.users = [*found, CATCH_ALL]
    ticket = {"email": "eve@example.com", "name": "Eve", "business_name": "Example Ltd."}
    expected = Requester(2, 10, 1, (f"{why} The ticket is filed for {CATCH_ALL_EMAIL} instead.", WHO))
    assert await directory.requester(ticket) == expected
    await directory.requester(ticket)
    assert len(halo.requests) == 2, "neither is looked up again at once"


async def test_two_records_of_one_person_are_one(directory: Directory, halo: FakeHalo) -> None:
    """Several records at the same client do not make a requester unknown: the oldest is taken."""
    halo.users = [DAN | {"id": 80}, DAN]
    assert await directory.requester({"email": "dan.jump@contoso.com"}) == Requester(8, 12, 83)


async def test_a_ticket_without_an_address_asks_for_no_user(directory: Directory, halo: FakeHalo) -> None:
    """Without an e-mail only the catch-all user is looked up."""
    assert await directory.requester({"name": 7, "email": ["x"]}) == Requester(
        2,
        10,
        1,
        (
            f"The ticket came without an e-mail address. The ticket is filed for {CATCH_ALL_EMAIL} instead.",
            "Who it really was: 7.",
        ),
    )
    assert [json.loads(r.url.params["advanced_search"])[0]["filter_value"] for r in halo.requests] == [CATCH_ALL_EMAIL]


@pytest.mark.parametrize("users", [[], [CATCH_ALL | {"inactive": True}]])
async def test_a_missing_catch_all_user_says_what_to_do(directory: Directory, halo: FakeHalo, users: list[Any]) -> None:
    """Tickets wait until there is a catch-all user, and the error says how to get one."""
    halo.users = users
    with pytest.raises(HaloRequestError) as caught:
        await directory.requester({})
    assert str(caught.value) == (
        f"Halo has no active user with the e-mail {CATCH_ALL_EMAIL}, for whom tickets of unknown "
        "requesters are filed: create that user, or name another one as `catch_all_user`."
    )
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)


async def test_a_failing_search_is_passed_on(directory: Directory, halo: FakeHalo) -> None:
    """Only the refusal of the search by field has another way; anything else is an error."""
    halo.answers["Users"] = reply(500)
    with pytest.raises(HaloRequestError, match="GET Users: Halo answered 500"):
        await directory.requester({"email": "alice@contoso.com"})


@pytest.mark.parametrize(
    ("hostname", "found"),
    [
        ("", FoundAsset(None)),
        ("contoso-lt-1", FoundAsset(501)),
        ("CONTOSO-LT-10", FoundAsset(502)),
        ("Twin", FoundAsset(None, ("No asset is linked: Twin is the name of several assets (503, 504).",))),
        ("contoso", FoundAsset(None, ("No asset is linked: the client has none with the name contoso.",))),
    ],
)
async def test_assets_are_linked_when_exactly_one_has_the_name(
    directory: Directory, hostname: str, found: FoundAsset
) -> None:
    """The exact name of one active asset of the client counts, in whichever field the tenant keeps it."""
    assert await directory.asset(hostname, 12) == found


async def test_assets_that_cannot_be_read_do_not_stop_the_ticket(directory: Directory, halo: FakeHalo) -> None:
    """Without the right to read assets the ticket goes without one; while Halo is away it waits."""
    halo.answers["Asset"] = reply(403)
    found = await directory.asset("contoso-lt-1", 12)
    assert found == FoundAsset(
        None,
        (
            "No asset is linked: GET Asset: Halo answered 403 Forbidden: nothing (an empty answer). "
            "Give the application the scope, and its login agent the permission, for this.",
        ),
    )
    for answer in (reply(500), reply(200, "<html>")):
        halo.answers["Asset"] = answer
        assert (await directory.asset("contoso-lt-1", 12)).asset_id is None
    for status in (401, 429, 502, 503, 504):
        halo.answers["Asset"] = reply(status)
        with pytest.raises(HaloRequestError, match=str(status)):
            await directory.asset("contoso-lt-1", 12)


async def test_users_that_may_not_be_read_do_not_stop_the_ticket(directory: Directory, halo: FakeHalo) -> None:
    """Without the right to read users Halo chooses one, and is told the name."""
    halo.answers["Users"] = reply(403)
    found = await directory.requester({"email": "eve@example.com", "name": "Eve"})
    why, who = found.remarks
    assert found == Requester(None, None, None, (why, who), "Eve")
    assert why == (
        "Users cannot be looked up in Halo, so it chooses for whom the ticket is: GET Users: Halo answered 403 "
        "Forbidden: nothing (an empty answer). "
        "Give the application the scope, and its login agent the permission, for this."
    )
    assert who == "Who it really was: Eve, eve@example.com."


@pytest.mark.parametrize(
    "answer", [reply(404), reply(302), reply(405), reply(403, "<html>"), reply(400, "<html>"), reply(500)]
)
async def test_only_a_clear_no_gives_users_up(directory: Directory, halo: FakeHalo, answer: Any) -> None:
    """Whatever else Halo, or what stands before it, answers may pass: the ticket waits."""
    halo.answers["Users"] = answer
    with pytest.raises(HaloRequestError, match="GET Users"):
        await directory.requester({"email": "eve@example.com"})
    del halo.answers["Users"]
    await directory.requester({"email": "alice@contoso.com"})
    assert "advanced_search" in halo.requests[-1].url.params, "a page is no refusal of that search"


async def test_users_that_cannot_be_searched_do_not_stop_the_ticket(directory: Directory, halo: FakeHalo) -> None:
    """A Halo that refuses both searches lets Halo choose."""
    halo.answers["Users"] = reply(400, {"Message": "Invalid parameter"})
    assert (await directory.requester({"email": "eve@example.com"})).user_id is None
    assert len(halo.requests) == 2


@pytest.mark.parametrize("email", ["x" * 66_000 + "@b.c", "dan jump@contoso.com", "dan.jump", "@contoso.com"])
async def test_what_is_no_address_is_not_asked_for(directory: Directory, halo: FakeHalo, email: str) -> None:
    """Such a requester is unknown, costs no request, and is told in few words."""
    found = await directory.requester({"email": email})
    assert (found.user_id, len(halo.requests)) == (2, 1)
    assert found.remarks[0].startswith("The ticket came with an e-mail address that is none: ")
    assert sum(map(len, found.remarks)) < 1_000
    assert await directory.known_of(email) == Known("", "")
    assert len(halo.requests) == 1


async def test_what_is_no_host_name_is_not_asked_for(directory: Directory, halo: FakeHalo) -> None:
    """Nor is any asset looked for without its client, where one of another client could be found."""
    assert await directory.asset("x" * 256, 12) == FoundAsset(
        None, ("No asset is linked: a name of 256 characters is none of a host.",)
    )
    assert await directory.asset("contoso-lt-1", None) == FoundAsset(
        None, ("No asset is linked: the requester's client is not known.",)
    )
    assert halo.requests == []


async def test_a_user_just_found_is_not_looked_up_again(directory: Directory, halo: FakeHalo, clock: Clock) -> None:
    """What intake found serves delivery a moment later, whatever the case of the address, and no longer."""
    assert await directory.known_of("Alice@Contoso.com") == Known("Contoso Ltd.", "Alice")
    clock.now = 59.0
    assert await directory.requester({"email": "alice@contoso.com "}) == Requester(7, 12, 83)
    assert halo.asked() == ["GET Users", "GET Client/12"]
    clock.now = 60.0
    await directory.requester({"email": "alice@contoso.com"})
    assert halo.asked() == ["GET Users", "GET Client/12", "GET Users"]


async def test_what_halo_knows_is_kept(directory: Directory, halo: FakeHalo, clock: Clock) -> None:
    """Who is known is asked about seldom, who is not soon again; one without a clear record is unknown."""
    halo.users = [ALICE | {"client_name": " Contoso "}, DAN | {"inactive": True}]
    asked = []
    for clock.now in (0.0, 61.0, 599.0, 660.0):
        for email in ("alice@contoso.com", "dan.jump@contoso.com", ""):
            halo.requests.clear()
            known = await directory.known_of(email)
            assert known == (Known("Contoso", "Alice") if email.startswith("alice") else Known("", ""))
            asked.append(len(halo.requests))
    assert asked == [1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0]


async def test_what_halo_knew_serves_while_it_is_away(directory: Directory, halo: FakeHalo, clock: Clock) -> None:
    """An answer once given holds when no newer one can be had; without any the failure is passed on."""
    await directory.known_of("alice@contoso.com")
    clock.now = 600.0
    halo.answers["Users"] = halo.answers["Client/12"] = reply(503)
    assert await directory.known_of("alice@contoso.com") == Known("Contoso Ltd.", "Alice")
    with pytest.raises(HaloRequestError, match="503"):
        await directory.known_of("dan.jump@contoso.com")


async def test_a_client_that_may_not_be_read_has_no_name(directory: Directory, halo: FakeHalo) -> None:
    """The user's name is known all the same."""
    halo.answers["Client/12"] = reply(403)
    assert await directory.known_of("alice@contoso.com") == Known("", "Alice")


async def test_addresses_are_not_remembered_for_ever(
    directory: Directory, halo: FakeHalo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest address makes room for a new one."""
    monkeypatch.setattr("dispatcher.halo.tables.MOST_REMEMBERED", 2)
    for email in ("a@b.c", "b@b.c", "c@b.c", "c@b.c", "a@b.c"):
        await directory.known_of(email)
    assert len(halo.requests) == 4


async def test_the_catch_all_user_can_be_checked(directory: Directory, halo: FakeHalo) -> None:
    """The check asks Halo each time, so that a start says what is true now."""
    assert (await directory.check_catch_all()).id == 2
    halo.users = []
    with pytest.raises(HaloRequestError, match="create that user, or name another one as `catch_all_user`"):
        await directory.check_catch_all()
