"""Getting a token from Halo's authorisation server.

The secret lives in `HaloKey` and in the one form that is posted: in no repr, no log, no error text.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from pydantic import ValidationError

from dispatcher.halo.errors import (
    HaloRequestError,
    message_in_words,
    refusal,
    retry_after_seconds,
    sentence,
    status_in_words,
    text_of_body,
    unusable,
)
from dispatcher.halo.models import Addresses, Token

# A token that is about to expire is no longer used: the request must still find it valid when it arrives.
EARLY_SECONDS = 60.0

Exchange = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class HaloKey:
    """An API key of Halo's; `tenant` is None for an installation of one's own."""

    tenant: str | None
    client_id: str
    client_secret: str = field(repr=False)


def parse_key(text: str) -> HaloKey:
    """Read `tenant+client_id:client_secret` or `client_id:client_secret`; errors never quote the text."""
    # Quotation marks of the file that it was copied from.
    text = re.sub(r"""^(["'])(.*)\1$""", r"\2", text.strip())
    names, colon, secret = text.partition(":")
    tenant, plus, client_id = names.partition("+")
    if not plus:
        tenant, client_id = "", names
    tenant, client_id, secret = tenant.strip(), client_id.strip(), secret.strip()
    if not (colon and client_id and secret and bool(plus) == bool(tenant)):
        raise ValueError("write tenant+client_id:client_secret, or client_id:client_secret for Halo on-premises")
    return HaloKey(tenant or None, client_id, secret)


def api_url(resource_server: str) -> httpx.URL:
    """The address below which requests go; the server may come without `/api`, with a last slash."""
    url = httpx.URL(resource_server)
    path = re.sub(r"/auth$", "", url.path.rstrip("/"), flags=re.IGNORECASE)
    if "api" not in path.casefold().split("/"):
        path += "/api"
    return url.copy_with(path=path, query=None, fragment=None)


def token_url(authorisation_server: str, tenant: str | None) -> httpx.URL:
    """Where tokens are fetched; the server may come bare, with `/auth` or `/token`, with a last slash."""
    url = httpx.URL(authorisation_server)
    path = url.path.rstrip("/")
    parts = path.casefold().split("/")
    if parts[-1] == "api":
        path = path[: -len("/api")]
    if "auth" not in parts and parts[-1] != "token":
        path += "/auth"
    if parts[-1] != "token":
        path += "/token"
    url = url.copy_with(path=path, fragment=None)
    return url.copy_set_param("tenant", tenant) if tenant else url


async def find_token_url(resource_server: str, tenant: str | None, exchange: Exchange) -> httpx.URL:
    """Ask the resource server where its authorisation server is; both at one place when it does not say.

    Its tenant is taken when there is no other. Raises HaloRequestError for a failure that may pass.
    """
    api = api_url(resource_server)
    address = api.copy_with(path=f"{api.path}/AuthInfo")
    response = await exchange(httpx.Request("GET", address, headers={"Accept": "application/json"}))
    said = _addresses(response)
    auth_url = said.auth_url.strip()
    if "://" not in auth_url and "." in auth_url.partition("/")[0]:
        auth_url = f"{api.scheme}://{auth_url}"
    try:
        found = token_url(str(api.join(auth_url or api.path)), tenant or said.tenant_id.strip() or None)
    except httpx.InvalidURL:
        found = httpx.URL()
    if not found.host:
        found = token_url(str(api), tenant)
    # Where the secret is posted must be no less safe than where we were told.
    return found.copy_with(scheme="https") if api.scheme == "https" else found


def _addresses(response: httpx.Response) -> Addresses:
    """What AuthInfo says; nothing, when there is no such thing."""
    name, body = "GET AuthInfo", text_of_body(response.content)
    if response.is_success:
        try:
            return Addresses.model_validate(json.loads(body))
        except ValidationError:
            return Addresses()
        except (ValueError, RecursionError):
            raise unusable(name, response.status_code, f"it is not JSON: {message_in_words(body)}") from None
    error = refusal(name, response.status_code, response.headers, body)
    if error.retryable and response.status_code != httpx.codes.UNAUTHORIZED:
        raise error
    return Addresses()


def token_request(key: HaloKey, url: httpx.URL, scope: str) -> httpx.Request:
    """The request for a token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": key.client_id,
        "client_secret": key.client_secret,
        "scope": scope,
    }
    return httpx.Request("POST", url, headers={"Accept": "application/json"}, data=form)


def read_token(response: httpx.Response, key: HaloKey, url: httpx.URL, scope: str) -> Token:
    """The token of an answer; raises HaloRequestError, with what to check, when there is none."""
    body = text_of_body(response.content)
    said = "an answer without a token"
    if response.is_success:
        try:
            return Token.model_validate(json.loads(response.content))
        except (ValueError, RecursionError):
            pass
    else:
        said = message_in_words(body)
    words = sentence(said.replace(key.client_secret, "***"))
    raise HaloRequestError(
        f"No token from {url}: Halo answered {status_in_words(response.status_code)}: {words} "
        + _advice(response.status_code, said, scope),
        status=response.status_code,
        # About the connection, not about a ticket: whatever waits goes through once it is mended.
        retryable=True,
        surely_not_processed=True,
        retry_after_seconds=retry_after_seconds(response.headers),
    )


@dataclass(frozen=True, slots=True)
class _Held:
    value: str = field(repr=False)
    usable_until: float


class HaloAuth:
    """The token that all requests of one client share: fetched with the first, again before it expires.

    While one request fetches it, the others wait.
    """

    def __init__(
        self,
        key: HaloKey,
        find_url: Callable[[], Awaitable[httpx.URL]],
        scope: str,
        exchange: Exchange,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = key
        self._find_url = find_url
        self._scope = scope
        self._exchange = exchange
        self._clock = clock
        self._held: _Held | None = None
        self._fetching = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for a while."""
        async with self._fetching:
            if self._held is None or self._clock() >= self._held.usable_until:
                self._held = await self._fetch()
            return self._held.value

    def refused(self, token: str) -> None:
        """Forget a token that Halo does not take; the next request brings a new one."""
        if self._held is not None and self._held.value == token:
            self._held = None

    async def _fetch(self) -> _Held:
        url = await self._find_url()
        response = await self._exchange(token_request(self._key, url, self._scope))
        token = read_token(response, self._key, url, self._scope)
        # A token with a short life is used for half of it, instead of never.
        lifetime = max(token.expires_in - EARLY_SECONDS, token.expires_in / 2)
        return _Held(token.access_token.get_secret_value(), self._clock() + lifetime)


def _advice(status: int, said: str, scope: str) -> str:
    if "invalid_scope" in said:
        return f"Give the application the scopes `{scope}`, or set `scope` to what it has."
    if status in (400, 401, 403):
        return "Check client id and secret: the key reads tenant+client_id:client_secret."
    if status == 500:
        return "So it answers an unknown client id, a wrong tenant, an application without a login agent."
    if status in (408, 425, 429, 502, 503, 504) or status >= 520:
        return "Try again later."
    return "Check `authorisation_server`: it is the Authorisation Server that Halo's API page shows."
