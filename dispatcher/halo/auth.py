"""Getting a token from Halo's authorisation server, and putting it on requests.

The secret lives in `HaloKey` and in the one form that is posted: in no repr, no log, no error text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import httpx
from pydantic import ValidationError

from dispatcher.halo.errors import (
    HaloRequestError,
    message_in_words,
    retry_after_seconds,
    sentence,
    status_in_words,
)
from dispatcher.halo.models import Token

# A token that is about to expire is no longer used: the request must still find it valid when it arrives.
EARLY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class HaloKey:
    """An API key of Halo's; `tenant` is None for an installation of one's own."""

    tenant: str | None
    client_id: str
    client_secret: str = field(repr=False)


def parse_key(text: str) -> HaloKey:
    """Read `tenant+client_id:client_secret` or `client_id:client_secret`; errors never quote the text."""
    names, colon, secret = text.strip().partition(":")
    tenant, plus, client_id = names.partition("+")
    if not plus:
        tenant, client_id = "", names
    tenant, client_id, secret = tenant.strip(), client_id.strip(), secret.strip()
    if not (colon and client_id and secret and bool(plus) == bool(tenant)):
        raise ValueError("write tenant+client_id:client_secret, or client_id:client_secret for Halo on-premises")
    return HaloKey(tenant or None, client_id, secret)


def token_url(authorisation_server: str, tenant: str | None) -> httpx.URL:
    """Where tokens are fetched; the server may come bare, with `/auth` or `/token`, with a last slash."""
    url = httpx.URL(authorisation_server)
    path = url.path.rstrip("/") or "/auth"
    if not path.lower().endswith("/token"):
        path += "/token"
    url = url.copy_with(path=path)
    return url.copy_set_param("tenant", tenant) if tenant else url


@dataclass(frozen=True, slots=True)
class _Held:
    value: str = field(repr=False)
    usable_until: float


class HaloAuth(httpx.Auth):
    """Fetches a token with the first request, a new one before it expires, and once more after a 401.

    Requests of one client share the token: while one of them fetches it, the others wait.
    """

    def __init__(self, key: HaloKey, url: httpx.URL, scope: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._url = url
        self._scope = scope
        self._clock = clock
        self._held: _Held | None = None
        self._fetching = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Put the token on the request, which goes out again when Halo does not take the first token."""
        for last_try in (False, True):
            async with self._fetching:
                if self._held is None or self._clock() >= self._held.usable_until:
                    answer = yield self._token_request(request)
                    await answer.aread()
                    self._held = self._read(answer)
                held = self._held
            request.headers["Authorization"] = f"Bearer {held.value}"
            response = yield request
            if last_try or response.status_code != 401:
                return
            if self._held is held:
                self._held = None

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._key.client_id,
            "client_secret": self._key.client_secret,
            "scope": self._scope,
        }
        # The extensions carry the time limits of the client.
        headers = {"Accept": "application/json"}
        return httpx.Request("POST", self._url, headers=headers, data=form, extensions=request.extensions)

    def _read(self, response: httpx.Response) -> _Held:
        if response.status_code != 200:
            raise self._refused(response, message_in_words(response.text))
        try:
            token = Token.model_validate_json(response.content)
        except ValidationError:
            raise self._refused(response, "an answer without a token") from None
        # A token with a short life is used for half of it, instead of never.
        lifetime = max(token.expires_in - EARLY_SECONDS, token.expires_in / 2)
        return _Held(token.access_token.get_secret_value(), self._clock() + lifetime)

    def _refused(self, response: httpx.Response, said: str) -> HaloRequestError:
        words = sentence(said.replace(self._key.client_secret, "***"))
        return HaloRequestError(
            f"No token from {self._url}: Halo answered {status_in_words(response.status_code)}: {words} "
            + self._advice(response.status_code, said),
            status=response.status_code,
            # About the connection, not about a ticket: whatever waits goes through once it is mended.
            retryable=True,
            surely_not_processed=True,
            retry_after_seconds=retry_after_seconds(response.headers),
        )

    def _advice(self, status: int, said: str) -> str:
        if "invalid_scope" in said:
            return f"Give the application the scopes `{self._scope}`, or set `scope` to what it has."
        if status in (400, 401, 403):
            return "Check client id and secret: the key reads tenant+client_id:client_secret."
        if status == 500:
            return "So it answers an unknown client id, a wrong tenant, an application without a login agent."
        if status == 429 or status > 500:
            return "Try again later."
        return "Check `authorisation_server`: it is the Authorisation Server that Halo's API page shows."
