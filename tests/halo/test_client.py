"""Requests and their answers: paging, shapes, and every way of getting no good answer."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpx
import pytest

from dispatcher.halo.client import HaloClient, api_url
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.models import Status, Ticket, TicketType, User
from dispatcher.halo.settings import HaloSettings
from tests.halo.fake import FakeHalo, reply, view

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://acme.halopsa.com/api", "https://acme.halopsa.com/api"),
        ("https://acme.halopsa.com/api/", "https://acme.halopsa.com/api"),
        ("https://halo.acme.com", "https://halo.acme.com/api"),
        ("https://halo.acme.com/itsm/api", "https://halo.acme.com/itsm/api"),
    ],
)
def test_the_resource_server_is_taken_as_halo_shows_it(server: str, url: str) -> None:
    """Any spelling of the resource server leads to the same address."""
    assert str(api_url(server)) == url


async def test_numbers_may_be_text_or_doubles(client: HaloClient, halo: FakeHalo) -> None:
    """Ids arrive as 83, 83.0, "83" or "83.0", null is empty text or no, and other fields are ignored."""
    rows = [
        {
            "id": 7,
            "name": None,
            "emailaddress": "a@b.c",
            "client_id": 12.0,
            "site_id": "83.0",
            "inactive": None,
        },
        {"id": "8", "name": 42, "client_id": None, "surprise": {"deep": []}},
    ]
    halo.answers["Users"] = reply(200, view("users", rows))
    assert await client.get_all("Users", User, rows_in="users") == [
        User(id=7, emailaddress="a@b.c", client_id=12, site_id=83),
        User(id=8, name="42"),
    ]


@pytest.mark.parametrize("name", ["default_sla", "default_sla_id", "sla_id", "slaid", "sla"])
async def test_the_sla_of_a_type_has_many_names(client: HaloClient, halo: FakeHalo, name: str) -> None:
    """The SLA of a ticket type is found under each name that versions of Halo give it."""
    halo.answers["TicketType"] = reply(200, [{"id": 1, "name": "Incident", name: "2"}])
    assert [row.sla_id for row in await client.get_all("TicketType", TicketType)] == [2]


def pages(rows: list[dict[str, Any]], size: int, **envelope: Any) -> Any:
    """Answers page by page with pages of this size."""

    def answer(request: httpx.Request) -> httpx.Response:
        first = (int(request.url.params["page_no"]) - 1) * size
        return httpx.Response(200, json={**envelope, "users": rows[first : first + size]})

    return answer


async def test_paging_goes_on_to_the_record_count(client: HaloClient, halo: FakeHalo) -> None:
    """Short pages do not end a list before `record_count` rows are there, and no page more is asked for."""
    rows = [{"id": number} for number in range(7)]
    halo.answers["Users"] = pages(rows, 3, record_count="7.0")
    found = await client.get_all("Users", User, {"search": "x", "site_id": None}, rows_in="users")
    assert [user.id for user in found] == list(range(7))
    assert [str(request.url.query, "ascii") for request in halo.requests] == [
        f"search=x&pageinate=true&page_size=100&page_no={page}" for page in (1, 2, 3)
    ]


async def test_paging_without_a_count_ends_with_an_empty_page(client: HaloClient, halo: FakeHalo) -> None:
    """Without `record_count` the list ends where a page brings nothing."""
    halo.answers["Users"] = pages([{"id": number} for number in range(4)], 2)
    assert len(await client.get_all("Users", User, rows_in="users")) == 4
    assert len(halo.requests) == 3


async def test_paging_stops_at_a_repeated_page(client: HaloClient, halo: FakeHalo) -> None:
    """An endpoint that sends page 1 again and again is read once."""
    halo.answers["Users"] = reply(200, {"record_count": 500, "users": [{"id": 1}, {"id": 2}]})
    assert [user.id for user in await client.get_all("Users", User, rows_in="users")] == [1, 2]
    assert len(halo.requests) == 2


async def test_paging_can_be_limited(client: HaloClient, halo: FakeHalo) -> None:
    """No more than the allowed pages are asked for."""
    halo.answers["Users"] = pages([{"id": number} for number in range(9)], 2, record_count=9)
    assert len(await client.get_all("Users", User, rows_in="users", most_pages=2)) == 4


async def test_lists_come_bare_or_in_an_envelope(client: HaloClient, halo: FakeHalo) -> None:
    """Bare arrays and the envelope `results` of newer versions are read alike, without paging."""
    rows = [{"id": 1, "name": "New"}]
    found = []
    for body in (rows, view("results", rows)):
        halo.answers["Status"] = reply(200, body)
        found.append(await client.get_all("Status", Status))
    halo.answers["Users"] = reply(200, rows)
    found.append(await client.get_all("Users", Status, rows_in="users"))
    assert found == [[Status(id=1, name="New")]] * 3
    assert [request.url.query for request in halo.requests[:2]] == [b"", b""]


async def test_a_post_is_an_array_of_one(client: HaloClient, halo: FakeHalo) -> None:
    """One object goes out in an array; the answer may be an object or an array of one."""
    created = []
    for body in ({"id": 1001.0, "_warning": "slow"}, [{"id": "1001", "_warning": "slow"}]):
        halo.answers["Tickets"] = reply(201, body)
        created.append(await client.post("Tickets", {"summary": "é"}, Ticket))
    assert created == [Ticket.model_validate({"id": 1001, "_warning": "slow"})] * 2
    assert halo.sent("Tickets") == [{"summary": "é"}] * 2
    assert halo.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<html><title>Sign in</title></html>", "the answer is not JSON: an HTML page, `Sign in`."),
        ("", "the answer is not JSON: nothing (an empty answer)."),
        ('{"id": 10', 'the answer is not JSON: {"id": 10.'),
        ({"summary": "x"}, "its Ticket is not as expected: id: Field required."),
        ({"id": "83.5"}, "its Ticket is not as expected: id: Input should be a valid integer, "),
        ([], "its Ticket is not as expected: it: Input should be a valid dictionary or instance of Ticket."),
    ],
)
async def test_a_good_status_with_a_bad_body_leaves_doubt(
    client: HaloClient, halo: FakeHalo, body: Any, why: str
) -> None:
    """A write that was answered with 2xx and nonsense may have been done: look, then try again."""
    halo.answers["Tickets"] = reply(201, body)
    with pytest.raises(HaloRequestError) as caught:
        await client.post("Tickets", {}, Ticket)
    error = caught.value
    assert str(error).startswith(f"POST Tickets: Halo answered 201 Created, but {why}")
    assert str(error).endswith(" Check `resource_server`, and any proxy in between.")
    assert (error.status, error.retryable, error.surely_not_processed) == (201, True, False)


async def test_a_list_of_another_shape_is_an_error(client: HaloClient, halo: FakeHalo) -> None:
    """A list without its rows is an answer that cannot be read."""
    halo.answers["Users"] = reply(200, {"record_count": 3})
    with pytest.raises(HaloRequestError, match="but the answer is not a list, nor has it one under `users`"):
        await client.get_all("Users", User, rows_in="users")


async def test_refusals_carry_status_words_and_waiting_time(client: HaloClient, halo: FakeHalo) -> None:
    """A 429 says so, how long to wait, and that nothing was done."""
    text = "Rate Limit Reached - 300 Requests per rolling 5 minute window."
    halo.answers["Tickets"] = reply(429, text, {"Retry-After": "42"})
    with pytest.raises(HaloRequestError) as caught:
        await client.post("Tickets", {}, Ticket)
    error = caught.value
    assert str(error) == (f"POST Tickets: Halo answered 429 Too Many Requests: {text} Wait: this is Halo's rate limit.")
    assert (error.retryable, error.surely_not_processed, error.retry_after_seconds) == (True, True, 42.0)


def raising(error: Exception) -> Any:
    """A transport that fails with this."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def untrusted() -> httpx.ConnectError:
    """What httpx raises for a certificate that nobody vouches for."""
    error = httpx.ConnectError("certificate verify failed: self-signed certificate")
    error.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    return error


@pytest.mark.parametrize(
    ("error", "text", "surely_not_processed"),
    [
        (
            httpx.ConnectError("[Errno 111] Connection refused"),
            "acme.halopsa.test cannot be reached: [Errno 111] Connection refused. Check the address and the network.",
            True,
        ),
        (
            httpx.ConnectError("[Errno -2] Name or service not known"),
            "acme.halopsa.test cannot be reached: [Errno -2] Name or service not known. "
            "Check the address and the network.",
            True,
        ),
        (
            httpx.ConnectTimeout(""),
            "acme.halopsa.test cannot be reached: ConnectTimeout. Check the address and the network.",
            True,
        ),
        (
            untrusted(),
            "acme.halopsa.test is not trusted: certificate verify failed: self-signed certificate. "
            "Check its certificate.",
            True,
        ),
        (
            httpx.ReadTimeout("timed out"),
            "the connection broke: timed out. Halo may have done the work: look before trying again.",
            False,
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            "the connection broke: Server disconnected without sending a response. "
            "Halo may have done the work: look before trying again.",
            False,
        ),
        (
            httpx.WriteError(""),
            "the connection broke: WriteError. Halo may have done the work: look before trying again.",
            False,
        ),
    ],
)
async def test_no_answer_says_how_far_the_request_came(
    client: HaloClient, halo: FakeHalo, error: Exception, text: str, surely_not_processed: bool
) -> None:
    """What never left this machine was surely not processed; what was cut off later may have been."""
    halo.answers["Tickets"] = raising(error)
    with pytest.raises(HaloRequestError) as caught:
        await client.post("Tickets", {}, Ticket)
    assert str(caught.value) == f"POST Tickets: {text}"
    assert caught.value.status is None
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, surely_not_processed)


async def test_a_lost_token_request_leaves_no_doubt(client: HaloClient, halo: FakeHalo) -> None:
    """When the token does not come, the request itself was never sent."""
    halo.answers["/auth/token"] = raising(httpx.ReadTimeout("timed out"))
    with pytest.raises(HaloRequestError) as caught:
        await client.post("Tickets", {}, Ticket)
    assert str(caught.value) == ("POST Tickets: the connection broke while fetching a token: timed out. Try again.")
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)


async def test_the_whole_request_has_one_time_limit(settings: HaloSettings) -> None:
    """An answer that trickles in, never slow enough for a single read to time out, ends all the same."""

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    client = HaloClient(settings.model_copy(update={"timeout_seconds": 0.01}), httpx.MockTransport(never))
    with pytest.raises(HaloRequestError) as caught:
        await client.post("Tickets", {}, Ticket)
    await client.aclose()
    assert str(caught.value) == (
        "POST Tickets: no answer within 0.01 s. Halo may still finish the work: look before trying again."
    )
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, False)


async def test_redirects_are_not_followed(client: HaloClient, halo: FakeHalo) -> None:
    """A redirect would turn a write into a read, so it is an error that names the other address."""
    halo.answers["Tickets"] = reply(301, "", {"Location": "https://other.test/api/Tickets"})
    with pytest.raises(HaloRequestError, match=r"a redirect to https://other\.test/api/Tickets\."):
        await client.post("Tickets", {}, Ticket)
    assert halo.asked() == ["POST Tickets"]
