"""Requests and their answers: paging, shapes, and every way of getting no good answer."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.halo.auth import api_url
from dispatcher.halo.client import HaloClient, Purpose, purpose
from dispatcher.halo.errors import CannotTellError, HaloRequestError
from dispatcher.halo.models import Category, Status, Team, Ticket, TicketType, User, WrittenTicket
from dispatcher.halo.settings import HaloSettings
from tests.halo.fake import Answer, FakeHalo, reply, view

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://acme.halopsa.com/api", "https://acme.halopsa.com/api"),
        ("https://acme.halopsa.com/api/", "https://acme.halopsa.com/api"),
        ("https://halo.acme.com", "https://halo.acme.com/api"),
        ("https://halo.acme.com/itsm/api", "https://halo.acme.com/itsm/api"),
        ("https://halo.acme.com/itsm/", "https://halo.acme.com/itsm/api"),
        ("https://proxy.test/API/halo?x=1#y", "https://proxy.test/API/halo"),
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
    rows = [{"id": number} for number in range(1, 8)]
    halo.answers["Users"] = pages(rows, 3, record_count="7.0")
    found = await client.get_all("Users", User, {"search": "x", "site_id": None}, rows_in="users")
    assert [user.id for user in found] == list(range(1, 8))
    assert [str(request.url.query, "ascii") for request in halo.requests] == [
        f"search=x&pageinate=true&page_size=100&page_no={page}" for page in (1, 2, 3)
    ]


async def test_paging_without_a_count_ends_with_an_empty_page(client: HaloClient, halo: FakeHalo) -> None:
    """Without `record_count` the list ends where a page brings nothing."""
    halo.answers["Users"] = pages([{"id": number} for number in range(1, 5)], 2)
    assert len(await client.get_all("Users", User, rows_in="users")) == 4
    assert len(halo.requests) == 3


async def test_paging_stops_at_a_repeated_page(client: HaloClient, halo: FakeHalo) -> None:
    """An endpoint that sends page 1 again and again is read once."""
    halo.answers["Users"] = reply(200, {"record_count": 500, "users": [{"id": 1}, {"id": 2}]})
    assert [user.id for user in await client.get_all("Users", User, rows_in="users")] == [1, 2]
    assert len(halo.requests) == 2


async def test_paging_can_be_limited(client: HaloClient, halo: FakeHalo) -> None:
    """No more than the allowed pages are asked for."""
    halo.answers["Users"] = pages([{"id": number} for number in range(1, 10)], 2, record_count=9)
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
            "the connection broke: timed out. Halo may have done the work, or still do it: look before trying again.",
            False,
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            "the connection broke: Server disconnected without sending a response. "
            "Halo may have done the work, or still do it: look before trying again.",
            False,
        ),
        (
            httpx.WriteError(""),
            "the connection broke: WriteError. Halo may have done the work, or still do it: look before trying again.",
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
    assert str(caught.value) == "Fetching a token: the connection broke: timed out. Try again."
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)


async def test_the_whole_request_has_one_time_limit(settings: HaloSettings, halo: FakeHalo) -> None:
    """An answer that trickles in, never slow enough for a single read to time out, ends all the same."""

    async def never(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/auth/token":
            await asyncio.Event().wait()
        return httpx.Response(200, json={"access_token": "t"})

    client = HaloClient(settings.model_copy(update={"timeout_seconds": 0.05}), httpx.MockTransport(never))
    with pytest.raises(HaloRequestError) as posting:
        await client.post("Tickets", {}, Ticket)
    with pytest.raises(HaloRequestError) as getting:
        await client.get("Tickets/1", Ticket)
    await client.aclose()
    assert str(posting.value) == (
        "POST Tickets: no answer within 0.05 s. Halo may have done the work, or still do it: look before trying again."
    )
    assert str(getting.value) == "GET Tickets/1: no answer within 0.05 s. Try again."
    assert (posting.value.retryable, posting.value.surely_not_processed) == (True, False)


async def test_redirects_are_not_followed(client: HaloClient, halo: FakeHalo) -> None:
    """A redirect would turn a write into a read, so it is an error that names the other address."""
    halo.answers["Tickets"] = reply(301, "", {"Location": "https://other.test/api/Tickets"})
    with pytest.raises(HaloRequestError, match=r"a redirect to https://other\.test/api/Tickets\."):
        await client.post("Tickets", {}, Ticket)
    assert halo.asked() == ["POST Tickets"]


class Budget:
    """Keeps what it is asked and told; `log` is shared with what else is to be put in order."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    async def take(self, purpose: Purpose) -> None:
        """Grant at once."""
        self.log.append(f"take {purpose}")

    def answered(self, method: str, path: str, status: int | None, retry_after_seconds: float | None) -> None:
        """Keep all of it."""
        self.log.append((method, path, status, retry_after_seconds))


async def test_every_request_is_taken_from_the_budget(settings: HaloSettings, halo: FakeHalo) -> None:
    """Requests for tokens and repeats after a 401 count too; a claim comes after the wait, before each write."""
    log: list[Any] = []

    async def claim() -> None:
        log.append("claim")

    client = HaloClient(settings, halo.transport(), Budget(log))
    answers = iter([reply(401), reply(201, {"id": 7}), reply(429, "", {"Retry-After": "42"})])
    halo.answers["Tickets"] = lambda request: next(answers)(request)
    await client.post("Tickets", {}, Ticket, claim=claim)
    with pytest.raises(HaloRequestError):
        await client.post("Tickets", {}, Ticket, claim=claim)
    assert log == [
        "take delivery", ("POST", "token", 200, None),
        "take delivery", "claim", ("POST", "Tickets", 401, None),
        "take delivery", ("POST", "token", 200, None),
        "take delivery", "claim", ("POST", "Tickets", 201, None),
        "take delivery", "claim", ("POST", "Tickets", 429, 42.0),
    ]  # fmt: skip
    log.clear()
    halo.answers["Tickets/7"] = raising(httpx.ReadTimeout("timed out"))
    with purpose(Purpose.LOOKUP), pytest.raises(HaloRequestError):
        await client.get("Tickets/7", Ticket)
    await client.aclose()
    assert log == ["take lookup", ("GET", "Tickets/{id}", None, None)]


async def test_a_refused_claim_sends_nothing(client: HaloClient, halo: FakeHalo) -> None:
    """Who does not own the ticket does not write it, and hears the claim's own error."""

    async def claim() -> None:
        raise LookupError("another runner")

    with pytest.raises(LookupError, match="another runner"):
        await client.post("Tickets", {}, Ticket, claim=claim)
    assert halo.asked() == []


async def test_a_given_up_request_counts_as_unanswered(settings: HaloSettings) -> None:
    """A request that its caller cancels has gone out all the same, and the budget hears of it."""
    log: list[Any] = []

    async def never(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/auth/token":
            await asyncio.Event().wait()
        return httpx.Response(200, json={"access_token": "t"})

    client = HaloClient(settings, httpx.MockTransport(never), Budget(log))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.post("Tickets", {}, Ticket)
    await client.aclose()
    assert log[-1] == ("POST", "Tickets", None, None)


@pytest.mark.parametrize(
    "envelope",
    [
        {"record_count": 1, "users": [{"id": 7}]},
        {"Record_Count": "1.0", "USERS": [{"ID": "7", "Name": None}]},
        {"record_count": 1, "columns": [], "results": [{"id": 7.0}]},
        {"record_count": 1, "columns": [1], "data": [{"id": 7.0}]},
        {"record_count": 1, "users": [{"id": 7}], "departments": []},
        {"record_count": None, "users": [{"id": 7}, {"id": None}, None, "x"]},
        [{"id": 7}],
    ],
)
async def test_envelopes_differ(client: HaloClient, halo: FakeHalo, envelope: Any) -> None:
    """Case and key of an envelope do not matter, nor rows that nobody can read beside those that can be."""
    halo.answers["Users"] = reply(200, envelope)
    assert await client.get_all("Users", User, rows_in="users") == [User(id=7)]


@pytest.mark.parametrize(
    ("envelope", "found"),
    [
        ({"record_count": 0, "users": None}, []),
        ({"record_count": 0}, []),
        ({"users": []}, []),
        ({"record_count": 3, "users": []}, "the answer is not a list, nor has it one under `users`"),
        ({"record_count": 3, "users": None}, "the answer is not a list, nor has it one under `users`"),
        ({"record_count": 1, "users": [{"id": None}]}, "its User is not as expected: id: Field required"),
        ({"users": {"id": 7}}, "the answer is not a list, nor has it one under `users`"),
        ("7", "the answer is not a list, nor has it one under `users`"),
    ],
)
async def test_an_answer_that_contradicts_itself_is_no_empty_list(
    client: HaloClient, halo: FakeHalo, envelope: Any, found: Any
) -> None:
    """No rows are none only where Halo does not speak of some."""
    halo.answers["Users"] = reply(200, envelope)
    if found == []:
        assert await client.get_all("Users", User, rows_in="users") == []
    else:
        with pytest.raises(HaloRequestError, match=re.escape(found)):
            await client.get_all("Users", User, rows_in="users")


async def test_a_list_is_found_under_the_name_of_its_path(client: HaloClient, halo: FakeHalo) -> None:
    """Of several lists in an answer the one that is called like what was asked for is meant."""
    halo.answers["Team"] = reply(200, {"record_count": 1, "teams": [{"id": 7}], "departments": [{"id": 1}]})
    halo.answers["Category"] = reply(200, {"categories": [{"id": 8}], "types": []})
    assert await client.get_all("Team", Team) == [Team(id=7)]
    assert await client.get_all("Category", Category) == [Category(id=8)]


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [({"7": {"id": 7}}, False), ({"a": [], "b": []}, False), ({"record_count": 3, "teams": []}, True)],
)
async def test_another_shape_is_no_matter_of_time(
    client: HaloClient, halo: FakeHalo, answer: Any, retryable: bool
) -> None:
    """An answer without a list will have none later; a list without its rows may have them."""
    halo.answers["Team"] = reply(200, answer)
    with pytest.raises(HaloRequestError) as caught:
        await client.get_all("Team", Team)
    assert caught.value.retryable is retryable


async def test_a_strict_list_has_every_row(client: HaloClient, halo: FakeHalo) -> None:
    """Where a missing row would mislead, one that cannot be read is an error, and so is one that never comes."""
    halo.answers["Users"] = reply(200, {"record_count": 2, "users": [{"id": 7}, {"id": "x"}]})
    with pytest.raises(HaloRequestError, match="its User is not as expected: id: Input should be a valid integer"):
        await client.get_all("Users", User, rows_in="users", strict=True)
    halo.answers["Users"] = reply(200, {"record_count": 200, "users": [{"id": 7}]})
    with pytest.raises(CannotTellError) as caught:
        await client.get_all("Users", User, rows_in="users", strict=True)
    assert str(caught.value) == "GET Users: Halo says that there are 200 rows, but sends 1 of them only."


@pytest.mark.parametrize("bare", [False, True])
async def test_a_list_that_comes_whole_is_paged_when_it_does_not(
    client: HaloClient, halo: FakeHalo, bare: bool
) -> None:
    """Where a bare array is usual, an envelope that counts more, or a full page, is read to the end."""
    rows = [{"id": number} for number in range(1, 231)]

    def answer(request: httpx.Request) -> httpx.Response:
        size = 100 if bare or "pageinate" in request.url.params else 50
        first = (int(request.url.params.get("page_no", "1")) - 1) * size
        part = rows[first : first + size]
        return httpx.Response(200, json=part if bare else {"record_count": 230, "results": part})

    halo.answers["Status"] = answer
    assert [row.id for row in await client.get_all("Status", Status, {"x": 1})] == [row["id"] for row in rows]
    assert [request.url.params.get("page_no") for request in halo.requests] == [None, "1", "2", "3"]
    assert all(request.url.params["x"] == "1" for request in halo.requests)


async def test_rows_are_apart_by_more_than_their_id(client: HaloClient, halo: FakeHalo) -> None:
    """Actions count within their ticket, and priorities within their SLA: none of them hides another."""
    rows = [{"id": 1, "slaid": 1}, {"id": 1, "slaid": 2}, {"id": 1, "ticket_id": 5}, {"id": 1, "slaid": 1}]
    halo.answers["Actions"] = reply(200, {"record_count": 3, "actions": rows})
    assert len(await client.get_all("Actions", Status, rows_in="actions")) == 3


@pytest.mark.parametrize(
    "body",
    [{"id": 7}, [{"id": 7}], [{"id": 6}, {"ID": "7.0", "summary": None}]],
)
async def test_of_several_objects_the_last_is_meant(client: HaloClient, halo: FakeHalo, body: Any) -> None:
    """A write may be answered by an object or an array, with 200 or 201."""
    halo.answers["Tickets"] = reply(200, body)
    assert await client.post("Tickets", {}, Ticket) == Ticket(id=7)


async def test_what_halo_would_not_take_is_not_sent(client: HaloClient, halo: FakeHalo) -> None:
    """A body of the wrong shape is our own mistake, and named as such."""
    for body, why in (
        ({"summary": "x", "third_party_id_string": "t", "team": 7}, "team: Input should be a valid string"),
        ({"summary": "x", "third_party_id_string": "t", "agent_id": 2**31}, "agent_id: Input should be less than"),
        ({"summary": "x"}, "it: Value error, a new ticket has a summary and our reference"),
        ({"id": 7, "customfields": [{"value": 1}]}, "customfields.0: Value error, a custom field goes by its id"),
    ):
        with pytest.raises(HaloRequestError) as caught:
            await client.post("Tickets", body, Ticket, written=WrittenTicket)
        assert str(caught.value).startswith(f"POST Tickets: not sent, because Halo would not take it: {why}")
        assert (caught.value.retryable, caught.value.surely_not_processed) == (False, True)
    assert halo.requests == []


_STATUSES = st.sampled_from([200, 201, 204, 206, 301, 304, 400, 401, 403, 404, 418, 422, 429, 500, 502, 503, 504, 599])
_ODD = st.sampled_from(
    [
        b"",
        b"\xff\xfe\x00",
        b"\x1f\x8b\x08junk",
        b"[" * 5000,
        b'{"id": 1e999, "record_count": NaN, "users": [[]]}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'[{"id": {"id": 7}}]',
        b'{"record_count": {}, "users": [null, 7, {"id": true}]}',
        b'{"error": [[[[[[[{}]]]]]]], "Message": 7, "errors": [1]}',
        b'{"ClassName": 5, "Message": null, "InnerException": {"Message": ["x"]}}',
        "ÿþ".encode("utf-16"),
    ]
)
_HEADERS = st.sampled_from(
    [
        {},
        {"content-type": "text/html; charset=hex"},
        {"content-type": "application/json; charset=undefined"},
        {"content-encoding": "gzip"},
        {"content-encoding": "deflate, br, nonsense"},
        {"retry-after": "Fri, 99 Foo 20260 99:99:99 +99999999"},
        {"retry-after": "١٢".encode()},
        {"retry-after": "-1", "date": ""},
        {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "x" * 50},
        {"location": "\x7f//"},
    ]
)


@given(status=_STATUSES, body=st.binary(max_size=60) | _ODD, headers=_HEADERS)
@hypothesis.settings(max_examples=100, deadline=None)
def test_any_answer_is_rows_or_an_error_of_ours(status: int, body: bytes, headers: dict[str, Any]) -> None:
    """Whatever bytes, status and headers come back, for a token or anything else, nothing but our error is raised."""

    def any_answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    def with_token(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(200, json={"access_token": "t"})
        return any_answer(request)

    async def ask(answer: Answer) -> None:
        servers = {"resource_server": "https://a.test", "authorisation_server": "https://a.test"}
        client = HaloClient(HaloSettings.model_validate(servers), httpx.MockTransport(answer))
        for asking in (
            client.get("Tickets/1", Ticket),
            client.get_all("Users", User, rows_in="users"),
            client.get_all("Status", Status),
            client.post("Tickets", {}, Ticket),
        ):
            with suppress(HaloRequestError):
                await asking
        await client.aclose()

    asyncio.run(ask(any_answer))
    asyncio.run(ask(with_token))
