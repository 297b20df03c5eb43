"""For whom a ticket is filed, and about which computer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.requester import Directory, FoundAsset, Requester
from tests.halo.fake import ALICE, CATCH_ALL, DAN, FakeHalo, reply, view

pytestmark = pytest.mark.anyio

CATCH_ALL_EMAIL = "unregistered@helpdeskbuttons.com"
WHO = "Who it really was: Eve, eve@example.com, Example Ltd."


@pytest.fixture
def directory(client: HaloClient) -> Directory:
    """Users and assets of the recorded Halo."""
    return Directory(client, CATCH_ALL_EMAIL, 600)


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
        assert request.url.params["search"] == "alice@contoso.com"
        # "Like" brings more than was meant.
        near = ALICE | {"id": 70, "emailaddress": "malice@contoso.com"}
        return reply(200, view("users", [near, ALICE]))(request)

    halo.answers["Users"] = answer
    for _ in range(2):
        assert await directory.requester({"email": "alice@contoso.com"}) == Requester(7, 12, 83)
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
    assert len(halo.requests) == 3, "the catch-all user is looked up once"


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
    halo.answers["Asset"] = reply(503)
    with pytest.raises(HaloRequestError, match="503"):
        await directory.asset("contoso-lt-1", 12)
