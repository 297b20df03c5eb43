"""Keys, token addresses, and the life of a token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dispatcher.halo.auth import HaloAuth, HaloKey, parse_key, token_url
from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.models import Status
from dispatcher.halo.settings import HaloSettings
from tests.halo.fake import Clock, FakeHalo, reply

pytestmark = pytest.mark.anyio

URL = httpx.URL("https://acme.test/auth/token?tenant=acme")
SECRET = "s3cret"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("acme+id-1:secret", HaloKey("acme", "id-1", "secret")),
        ("id-1:secret", HaloKey(None, "id-1", "secret")),
        (" acme + id-1 : sec:r+et \n", HaloKey("acme", "id-1", "sec:r+et")),
        ("id-1:sec+ret", HaloKey(None, "id-1", "sec+ret")),
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
        ("https://auth.test/token?tenant=old", "new", "https://auth.test/token?tenant=new"),
    ],
)
def test_the_token_address_comes_from_what_halo_shows(server: str, tenant: str | None, url: str) -> None:
    """Any spelling of the authorisation server leads to its token address, with the tenant as a parameter."""
    assert str(token_url(server, tenant)) == url


def client_with(answer: Callable[[httpx.Request], httpx.Response], clock: Clock) -> httpx.AsyncClient:
    """A client whose every request, token or other, gets this answer."""
    auth = HaloAuth(HaloKey("acme", "id-1", SECRET), URL, "all", clock)
    return httpx.AsyncClient(base_url="https://acme.test/api", auth=auth, transport=httpx.MockTransport(answer))


def halo_with_tokens(lifetime: Any, refused: set[str], log: list[str]) -> Callable[[httpx.Request], httpx.Response]:
    """Token after token of this lifetime; requests with a refused one get a 401."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            log.append("token")
            number = log.count("token")
            return httpx.Response(200, json={"access_token": f"t{number}", "expires_in": lifetime})
        token = request.headers["Authorization"]
        log.append(token)
        return httpx.Response(401 if token in refused else 200, json=[])

    return answer


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


async def test_a_token_is_fetched_with_the_first_request_and_kept() -> None:
    """Requests share one token, also when they start together."""
    log: list[str] = []
    async with client_with(halo_with_tokens(3600, set(), log), Clock()) as http:
        assert log == []
        await asyncio.gather(*(http.get("Status") for _ in range(3)))
    assert log == ["token", "Bearer t1", "Bearer t1", "Bearer t1"]


async def test_a_token_is_replaced_a_minute_before_it_expires() -> None:
    """A token is used until 60 seconds before its end, and not in the last minute."""
    log: list[str] = []
    clock = Clock()
    async with client_with(halo_with_tokens(3600, set(), log), clock) as http:
        for clock.now in (0.0, 3539.0, 3540.0):
            await http.get("Status")
    assert log == ["token", "Bearer t1", "Bearer t1", "token", "Bearer t2"]


async def test_a_short_token_is_used_for_half_its_life() -> None:
    """A token that lives less than a minute still serves more than one request."""
    log: list[str] = []
    clock = Clock()
    async with client_with(halo_with_tokens("30", set(), log), clock) as http:
        for clock.now in (0.0, 14.0, 15.0):
            await http.get("Status")
    assert log == ["token", "Bearer t1", "Bearer t1", "token", "Bearer t2"]


async def test_a_token_that_never_came_blocks_nobody(settings: HaloSettings) -> None:
    """A token request that was given up leaves the next request free to ask for one."""
    log: list[str] = []
    halo = halo_with_tokens(3600, set(), log)

    async def answer(request: httpx.Request) -> httpx.Response:
        if not log:
            log.append("hung")
            await asyncio.Event().wait()
        return halo(request)

    client = HaloClient(settings.model_copy(update={"timeout_seconds": 0.01}), httpx.MockTransport(answer))
    with pytest.raises(HaloRequestError, match=r"no answer within 0\.01 s"):
        await client.get_all("Status", Status)
    assert await client.get_all("Status", Status) == []
    await client.aclose()
    assert log == ["hung", "token", "Bearer t1"]


async def test_a_refused_token_is_replaced_once() -> None:
    """After a 401 the same request goes out again with a new token, and its body with it."""
    log: list[str] = []
    async with client_with(halo_with_tokens(3600, {"Bearer t1"}, log), Clock()) as http:
        response = await http.post("Tickets", json=[{"summary": "x"}])
    assert (response.status_code, response.request.content) == (200, b'[{"summary":"x"}]')
    assert log == ["token", "Bearer t1", "token", "Bearer t2"]


async def test_a_token_that_stays_refused_ends_in_the_401() -> None:
    """There is one new token for a request, not one after the other."""
    log: list[str] = []
    async with client_with(halo_with_tokens(3600, {"Bearer t1", "Bearer t2"}, log), Clock()) as http:
        response = await http.get("Status")
    assert response.status_code == 401
    assert log == ["token", "Bearer t1", "token", "Bearer t2"]


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
    auth = client._http.auth
    assert isinstance(auth, HaloAuth)
    shown = f"{settings!r} {client!r} {auth!r} {auth._key!r} {auth._held!r} {caplog.text}"
    assert SECRET not in shown
    assert "token-1" not in shown
