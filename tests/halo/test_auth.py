"""Keys, token addresses, and the life of a token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dispatcher.halo.auth import HaloAuth, HaloKey, parse_key, read_token, token_url
from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.models import Status, Ticket
from dispatcher.halo.settings import HaloSettings
from tests.halo.fake import Clock, FakeHalo, reply

pytestmark = pytest.mark.anyio

URL = httpx.URL("https://acme.test/auth/token?tenant=acme")
SECRET = "s3cret"
ODD_LIVES: list[Any] = [None, 0, -5, "soon", 1e300, []]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("acme+id-1:secret", HaloKey("acme", "id-1", "secret")),
        ("id-1:secret", HaloKey(None, "id-1", "secret")),
        (" acme + id-1 : sec:r+et \n", HaloKey("acme", "id-1", "sec:r+et")),
        ("id-1:sec+ret", HaloKey(None, "id-1", "sec+ret")),
        ('"acme+id-1:secret"\n', HaloKey("acme", "id-1", "secret")),
        ("id-1:'secret'", HaloKey(None, "id-1", "'secret'")),
    ],
)
def test_keys_are_read_in_both_forms(text: str, key: HaloKey) -> None:
    """A key has a tenant before `+` in the cloud and none on-premises; the secret may hold any sign."""
    assert parse_key(text) == key


@pytest.mark.parametrize(
    ("server", "tenant", "url"),
    [
        ("https://acme.halopsa.com/auth", "acme", "https://acme.halopsa.com/auth/token?tenant=acme"),
        ("https://acme.halopsa.com/auth/", "acme", "https://acme.halopsa.com/auth/token?tenant=acme"),
        ("https://acme.halopsa.com/auth/token", "acme", "https://acme.halopsa.com/auth/token?tenant=acme"),
        ("https://acme.halopsa.com/Auth/Token/", None, "https://acme.halopsa.com/Auth/Token"),
        ("https://halo.acme.com", None, "https://halo.acme.com/auth/token"),
        ("https://halo.acme.com/halo/auth", "a&b", "https://halo.acme.com/halo/auth/token?tenant=a%26b"),
        ("https://halo.acme.com/halo/", None, "https://halo.acme.com/halo/auth/token"),
        ("https://halo.acme.com/api", None, "https://halo.acme.com/auth/token"),
        ("https://auth.test/token?tenant=old", "new", "https://auth.test/token?tenant=new"),
    ],
)
def test_the_token_address_comes_from_what_halo_shows(server: str, tenant: str | None, url: str) -> None:
    """Any spelling of the authorisation server leads to its token address, with the tenant as a parameter."""
    assert str(token_url(server, tenant)) == url


def auth_with(answer: Callable[[httpx.Request], httpx.Response], clock: Clock) -> HaloAuth:
    """A holder of tokens whose token requests get this answer."""

    async def exchange(request: httpx.Request) -> httpx.Response:
        return answer(request)

    async def find_url() -> httpx.URL:
        return URL

    return HaloAuth(HaloKey("acme", "id-1", SECRET), find_url, "all", exchange, clock)


def tokens(lifetime: Any) -> Callable[[httpx.Request], httpx.Response]:
    """Token after token of this lifetime."""
    given = iter(range(1, 100))
    return lambda request: httpx.Response(200, json={"access_token": f"t{next(given)}", "expires_in": lifetime})


def refusing(halo: FakeHalo, *refused: str) -> None:
    """Let that Halo answer 401 to these tokens."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401 if request.headers["Authorization"].split()[1] in refused else 201, json={"id": 7})

    halo.answers["Tickets"] = answer


async def test_the_token_request_is_what_halo_wants(client: HaloClient, halo: FakeHalo) -> None:
    """The form has grant, client and scope, and the address has the tenant of the key."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "t", "expires_in": "3600"})

    halo.answers["/auth/token"] = answer
    await client.get_all("Status", Status)
    assert [(str(r.url), r.content.decode()) for r in seen] == [
        (
            "https://acme.halopsa.test/auth/token?tenant=acme",
            "grant_type=client_credentials&client_id=client-1&client_secret=s3cret&scope=all",
        )
    ]


async def test_a_tenant_in_the_settings_wins(settings: HaloSettings, halo: FakeHalo) -> None:
    """The tenant of the settings replaces the one in the key."""
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, json={"access_token": "t"})

    halo.answers["/auth/token"] = answer
    client = HaloClient(settings.model_copy(update={"tenant": "other"}), halo.transport())
    await client.get_all("Status", Status)
    await client.aclose()
    assert urls == ["https://acme.halopsa.test/auth/token?tenant=other"]


async def test_a_token_is_fetched_with_the_first_request_and_kept(client: HaloClient, halo: FakeHalo) -> None:
    """Requests share one token, also when they start together."""
    assert halo.tokens == 0
    await asyncio.gather(*(client.get_all("Status", Status) for _ in range(3)))
    assert halo.tokens == 1
    assert {request.headers["Authorization"] for request in halo.requests} == {"Bearer token-1"}


@pytest.mark.parametrize(
    ("lifetime", "moments"),
    [
        (3600, {0.0: "t1", 3539.0: "t1", 3540.0: "t2"}),
        # One that lives no minute is used for half of its life.
        ("30", {0.0: "t1", 14.0: "t1", 15.0: "t2"}),
        # What says nothing of the life is taken as Halo's usual hour.
        *[(odd, {3539.0: "t1", 3540.0: "t1", 7079.0: "t2"}) for odd in ODD_LIVES],
    ],
)
async def test_a_token_is_replaced_before_it_expires(lifetime: Any, moments: dict[float, str]) -> None:
    """A token is used until 60 seconds before its end, and not in the last minute."""
    clock = Clock()
    auth = auth_with(tokens(lifetime), clock)
    used = {}
    for moment in moments:
        clock.now = moment
        used[moment] = await auth.token()
    assert used == moments


async def test_a_token_that_never_came_blocks_nobody(settings: HaloSettings) -> None:
    """A token request that was given up leaves the next request free to ask for one."""
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 1:
            await asyncio.Event().wait()
        return httpx.Response(200, json={"access_token": "t"} if request.method == "POST" else [])

    client = HaloClient(settings.model_copy(update={"timeout_seconds": 0.01}), httpx.MockTransport(answer))
    with pytest.raises(HaloRequestError) as caught:
        await client.get_all("Status", Status)
    assert str(caught.value) == "Fetching a token: no answer within 0.01 s. Try again."
    assert await client.get_all("Status", Status) == []
    await client.aclose()
    assert asked == ["/auth/token", "/auth/token", "/api/Status"]


async def test_a_refused_token_is_replaced_once(client: HaloClient, halo: FakeHalo) -> None:
    """After a 401 the same request goes out again with a new token, and its body with it."""
    refusing(halo, "token-1")
    assert (await client.post("Tickets", {"summary": "x"}, Ticket)).id == 7
    assert halo.sent("Tickets") == [{"summary": "x"}] * 2
    assert halo.tokens == 2


async def test_a_token_that_stays_refused_ends_in_the_401(client: HaloClient, halo: FakeHalo) -> None:
    """There is one new token for a request, not one after the other; nothing was done."""
    refusing(halo, "token-1", "token-2")
    with pytest.raises(HaloRequestError) as caught:
        await client.post("Tickets", {"summary": "x"}, Ticket)
    assert (caught.value.status, caught.value.retryable, caught.value.surely_not_processed) == (401, True, True)
    assert halo.tokens == 2


async def test_a_refusal_of_an_old_token_costs_no_new_one() -> None:
    """Who comes late with a token that another request has replaced already gets the new one."""
    auth = auth_with(tokens(3600), Clock())
    old = await auth.token()
    auth.refused(old)
    new = await auth.token()
    auth.refused(old)
    assert (old, new, await auth.token()) == ("t1", "t2", "t2")


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä", None, 7, {}])
def test_what_no_header_can_hold_is_no_token(token: Any) -> None:
    """A token that cannot be sent is an answer without a token."""
    answer = httpx.Response(200, json={"access_token": token})
    with pytest.raises(HaloRequestError, match="an answer without a token"):
        read_token(answer, HaloKey(None, "id-1", SECRET), URL, "all")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": f"{SECRET} is wrong"},
            "Halo answered 401 Unauthorized: *** is wrong (invalid_client). "
            "Check client id and secret: the key reads tenant+client_id:client_secret.",
        ),
        (
            400,
            {"error": "invalid_scope"},
            "Halo answered 400 Bad Request: invalid_scope. "
            "Give the application the scopes `all`, or set `scope` to what it has.",
        ),
        (
            500,
            "<html><title>Error</title>Sorry, something went wrong</html>",
            "Halo answered 500 Internal Server Error: an HTML page, `Error`. "
            "So it answers an unknown client id, a wrong tenant, an application without a login agent.",
        ),
        (503, "", "Halo answered 503 Service Unavailable: nothing (an empty answer). Try again later."),
        (
            404,
            "<html></html>",
            "Halo answered 404 Not Found: an HTML page without a title. "
            "Check `authorisation_server`: it is the Authorisation Server that Halo's API page shows.",
        ),
        (
            200,
            {"error": "none"},
            "Halo answered 200 OK: an answer without a token. "
            "Check `authorisation_server`: it is the Authorisation Server that Halo's API page shows.",
        ),
    ],
)
async def test_a_refused_key_says_what_to_check(
    client: HaloClient, halo: FakeHalo, status: int, body: Any, text: str
) -> None:
    """Without a token nothing was done, trying again may help, and the secret is not in the text."""
    halo.answers["/auth/token"] = reply(status, body, {"Retry-After": "7"})
    with pytest.raises(HaloRequestError) as caught:
        await client.get_all("Status", Status)
    error = caught.value
    assert str(error) == f"No token from https://acme.halopsa.test/auth/token?tenant=acme: {text}"
    assert (error.status, error.retryable, error.surely_not_processed) == (status, True, True)
    assert error.retry_after_seconds == 7.0
    assert halo.requests == []


async def test_secrets_are_in_no_repr_and_no_log(
    client: HaloClient, halo: FakeHalo, settings: HaloSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither secret nor token shows in what objects print of themselves or what a debug log keeps."""
    caplog.set_level(logging.DEBUG)
    await client.get_all("Status", Status)
    auth = client._auth
    shown = f"{settings!r} {client!r} {auth!r} {auth._key!r} {auth._held!r} {caplog.text}"
    assert SECRET not in shown
    assert "token-1" not in shown


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"auth_url": "https://login.test/auth", "tenant_id": "acme-eu"}, "https://login.test/auth/token?tenant=acme"),
        ({"Auth_URL": "http://acme.halopsa.test/auth/"}, "https://acme.halopsa.test/auth/token?tenant=acme"),
        ({"auth_url": "/signin/auth"}, "https://acme.halopsa.test/signin/auth/token?tenant=acme"),
        ({"auth_url": None}, "https://acme.halopsa.test/auth/token?tenant=acme"),
        ({"auth_url": "login.test/auth"}, "https://login.test/auth/token?tenant=acme"),
        ({"auth_url": "javascript:alert(1)"}, "https://acme.halopsa.test/auth/token?tenant=acme"),
        (["x"], "https://acme.halopsa.test/auth/token?tenant=acme"),
        ({"auth_url": "https://acme:port"}, "https://acme.halopsa.test/auth/token?tenant=acme"),
    ],
)
async def test_the_resource_server_knows_its_authorisation_server(
    settings: HaloSettings, said: Any, asked: str
) -> None:
    """Without the setting Halo is asked for each token, without one, and never led to a place less safe."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url}")
        if request.url.path == "/api/AuthInfo":
            assert "Authorization" not in request.headers
            return httpx.Response(200, json=said)
        return httpx.Response(200, json={"access_token": "t"} if request.method == "POST" else [])

    given = settings.model_copy(update={"authorisation_server": None})
    client = HaloClient(given, httpx.MockTransport(answer))
    await client.get_all("Status", Status)
    client._auth.refused("t")
    await client.get_all("Status", Status)
    await client.aclose()
    once = ["GET https://acme.halopsa.test/api/AuthInfo", f"POST {asked}", "GET https://acme.halopsa.test/api/Status"]
    assert seen == once * 2


@pytest.mark.parametrize(
    ("first", "tokens"),
    [
        (httpx.Response(503, text="<title>down</title>"), 0),
        (httpx.Response(429), 0),
        (httpx.Response(302, headers={"location": "https://login.test/maintenance"}), 0),
        (httpx.Response(200, text="<html>Maintenance</html>"), 0),
        (httpx.Response(404), 1),
        (httpx.Response(403), 1),
        (httpx.Response(401), 1),
    ],
)
async def test_a_guess_is_for_a_halo_that_does_not_say(
    settings: HaloSettings, first: httpx.Response, tokens: int
) -> None:
    """While Halo is away no token is asked for anywhere; what was guessed is asked again with the next token."""
    seen: list[str] = []
    answers = iter([first, httpx.Response(200, json={"auth_url": "https://login.test/auth"})])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/AuthInfo":
            return next(answers)
        if request.method == "POST":
            seen.append(request.url.host)
            known = request.url.host == "login.test"
            return httpx.Response(200, json={"access_token": "t"}) if known else httpx.Response(404)
        return httpx.Response(200, json=[])

    client = HaloClient(settings.model_copy(update={"authorisation_server": None}), httpx.MockTransport(answer))
    with pytest.raises(HaloRequestError) as caught:
        await client.get_all("Status", Status)
    assert (caught.value.retryable, caught.value.surely_not_processed) == (True, True)
    assert seen == ["acme.halopsa.test"] * tokens
    await client.get_all("Status", Status)
    await client.aclose()
    assert seen == ["acme.halopsa.test"] * tokens + ["login.test"]


async def test_the_tenant_may_come_from_the_resource_server(settings: HaloSettings) -> None:
    """A key without a tenant takes the one that the resource server names."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json={"auth_url": "https://a.test/auth", "tenant_id": "eu", "access_token": "t"})

    given = {"authorisation_server": "", "resource_server": "https://a.test", "key": "id:secret"}
    client = HaloClient(HaloSettings.model_validate(given), httpx.MockTransport(answer))
    with pytest.raises(HaloRequestError):
        await client.get_all("Status", Status)
    await client.aclose()
    assert seen[1] == "https://a.test/auth/token?tenant=eu"
