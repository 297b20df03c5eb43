"""Checks of the key, of both servers, and of the clock: what can be found out before anything of Halo's is read.

Requests go out one by one here, without the client, whose token would hide which of the two servers is at fault.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from dispatcher.halo.auth import api_url, find_token_url, parse_key, read_token, token_request, token_url
from dispatcher.halo.client import unanswered
from dispatcher.halo.doctor.findings import Check, Result, ok, skipped, warning
from dispatcher.halo.errors import HaloRequestError, message_in_words, refusal, text_of_body
from dispatcher.halo.models import Addresses, Answer, Text
from dispatcher.halo.settings import EMULATOR_KEY, HaloSettings

AUTHORISATION_SERVER = "authorisation server"
RESOURCE_SERVER = "resource server"
# What all that is asked with a token needs.
SERVERS = (AUTHORISATION_SERVER, RESOURCE_SERVER)

LARGEST_SKEW_SECONDS = 60.0
# What filing does, and the scope that it takes. Halo has no scopes for notes, users, sites and look-ups of their own.
_SCOPES = {
    "edit:tickets": "to file tickets and notes",
    "read:customers": "to find requesters",
    "read:assets": "to find assets",
}
# Answers to those who may not, or cannot, see what is open by all accounts.
_NOT_SHOWN = frozenset({401, 403, 404})
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})

Shape = TypeVar("Shape", bound=Answer)


class _Grant(Answer):
    scope: Text = ""


class _Instance(Answer):
    version: Text = ""


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a server said that it was `told`, on our clock, which had moved on by `width` meanwhile."""

    told: datetime
    ours: datetime
    width: timedelta


class Servers:
    """The authorisation server and the resource server of one Halo, and what they have said so far."""

    def __init__(
        self, settings: HaloSettings, transport: httpx.AsyncBaseTransport | None, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._now = now
        self._key = parse_key(settings.key.get_secret_value())
        self._tenant = settings.tenant or self._key.tenant
        self._api_url = api_url(settings.resource_server)
        self._http = httpx.AsyncClient(
            timeout=settings.timeout_seconds,
            transport=transport,
            headers={"Accept": "application/json", "User-Agent": "dispatcher"},
        )
        self._token_url: httpx.URL | None = None
        self._granted: list[str] = []
        self._moments: list[_Moment] = []

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def checks(self) -> tuple[Check, ...]:
        """The checks, in order; all further ones need both servers."""
        return (
            Check("key", self._check_key),
            Check(
                AUTHORISATION_SERVER,
                self._check_authorisation_server,
                help="Its address is the setting `authorisation_server`.",
            ),
            Check("scopes", self._check_scopes, needs=(AUTHORISATION_SERVER,)),
            Check(RESOURCE_SERVER, self._check_resource_server, help="Its address is the setting `resource_server`."),
            Check("addresses", self._check_addresses, needs=(RESOURCE_SERVER,)),
            Check("clock", self._check_clock),
        )

    async def _check_key(self) -> Result:
        if self._settings.key.get_secret_value() == EMULATOR_KEY and self._api_url.host not in _THIS_MACHINE:
            return warning(
                f"No key is set, and that of the emulator opens {self._api_url.host} only if it is one.",
                "Give the key of Halo's API page as DISPATCHER_HALO_KEY, or in the file that `key_file` names.",
            )
        named, key_tenant = self._settings.tenant, self._key.tenant
        if named and key_tenant and named.casefold() != key_tenant.casefold():
            return warning(
                f"The key is for the tenant {key_tenant}, the setting `tenant` says {named}, and the setting wins.",
                "Take `tenant` out of the settings, or correct it.",
            )
        tenant = f"tenant {self._tenant}" if self._tenant else "no tenant, as for Halo on-premises"
        return ok(f"{tenant}, client id {self._key.client_id}")

    async def _check_authorisation_server(self) -> Result:
        server = self._settings.authorisation_server
        if server is None:
            self._token_url = await find_token_url(self._settings.resource_server, self._tenant, self._exchange)
        else:
            self._token_url = token_url(server, self._tenant)
        response = await self._exchange(token_request(self._key, self._token_url, self._settings.scope))
        token = read_token(response, self._key, self._token_url, self._settings.scope)
        granted = _Grant.model_validate(json.loads(response.content)).scope
        self._granted = granted.replace(self._key.client_secret, "***").split()
        return ok(f"{self._token_url.copy_with(query=None)} gave a token for {token.expires_in / 60:.3g} minutes")

    async def _check_scopes(self) -> Result:
        granted = self._granted
        if not granted:
            return skipped("Halo does not say which scopes it granted.", "See whether the checks below are refused.")
        missing = [f"`{scope}` {purpose}" for scope, purpose in _SCOPES.items() if not _allows(granted, scope)]
        if missing:
            return warning(
                f"Granted: {' '.join(granted)}. Missing: {', '.join(missing)}.",
                "Permit them to the application in Halo, and add them to the setting `scope`.",
            )
        return ok(" ".join(granted))

    async def _check_resource_server(self) -> Result:
        try:
            version = (await self._open("InstanceInfo", _Instance)).version
        except HaloRequestError as error:
            if error.status not in _NOT_SHOWN or not (await self._open("AuthInfo", Addresses)).auth_url:
                raise
            version = ""
        if version:
            return ok(f"{self._api_url} is Halo {version}")
        return warning(
            f"{self._api_url} answers, but does not say which version of Halo it is.",
            "Check `resource_server`: it is the Resource Server that Halo's API page shows.",
        )

    async def _check_addresses(self) -> Result:
        try:
            said = await self._open("AuthInfo", Addresses)
        except HaloRequestError as error:
            if error.status not in _NOT_SHOWN:
                raise
            return skipped("The resource server does not say what its authorisation server is.")
        if said.auth_url and self._token_url and _place(said.auth_url) != _place(str(self._token_url)):
            return warning(
                f"The resource server says that its authorisation server is {said.auth_url}.",
                "Check that `authorisation_server` is of the same Halo.",
            )
        if said.tenant_id and self._tenant and said.tenant_id.casefold() != self._tenant.casefold():
            return warning(
                f"The resource server is that of the tenant {said.tenant_id}, the key is for {self._tenant}.",
                "Check `resource_server`, and the tenant before the + of the key.",
            )
        return ok("the resource server names the same authorisation server and tenant")

    async def _check_clock(self) -> Result:
        if not self._moments:
            return skipped("No server has said what time it is.")
        best = min(self._moments, key=lambda moment: moment.width)
        skew = (best.ours - best.told).total_seconds()
        if abs(skew) > LARGEST_SKEW_SECONDS:
            return warning(
                f"This computer's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Halo's.",
                "Let this computer take its time from a time server (NTP).",
            )
        return ok(f"{abs(skew):.0f} s from Halo's")

    async def _open(self, path: str, shape: type[Shape]) -> Shape:
        """What the resource server answers without a token."""
        url = self._api_url.copy_with(path=f"{self._api_url.path}/{path}")
        response = await self._exchange(httpx.Request("GET", url, headers={"Accept": "application/json"}))
        said = text_of_body(response.content)
        if not response.is_success:
            raise refusal(f"GET {url}", response.status_code, response.headers, said)
        try:
            return shape.model_validate(json.loads(response.content))
        except (ValueError, RecursionError):
            raise HaloRequestError(
                f"This is no Halo: {url} answers {message_in_words(said)}. "
                "Check `resource_server`: it is the Resource Server that Halo's API page shows."
            ) from None

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "timeout": self._http.timeout.as_dict()}
        name = f"{request.method} {request.url.path}"
        began = self._now()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                response = await self._http.send(request)
        except TimeoutError:
            said = f"{request.url.host} gives no answer within {self._settings.timeout_seconds:g} s."
            raise HaloRequestError(said) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise unanswered(name, request, error) from error
        self._hear(response.headers.get("date", ""), began, self._now())
        return response

    def _hear(self, date: str, began: datetime, ended: datetime) -> None:
        try:
            told = parsedate_to_datetime(date)
            told = told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
        except (ValueError, TypeError, IndexError, OverflowError):  # the parser's, for odd texts
            return
        # Whole seconds: on average half of one has passed.
        self._moments.append(_Moment(told + timedelta(seconds=0.5), began + (ended - began) / 2, ended - began))


def _allows(granted: list[str], wanted: str) -> bool:
    """Whether scopes cover one; who may edit may read."""
    access, _, area = wanted.partition(":")
    scopes = {scope.casefold() for scope in granted}
    return bool(scopes & {"all", "all:standard", wanted} or (access == "read" and f"edit:{area}" in scopes))


def _place(address: str) -> str:
    """Host and path of an authorisation server, in whichever of its forms it is written."""
    try:
        url = token_url(address, None)
    except httpx.InvalidURL:
        return address
    return f"{url.netloc.decode()}{url.path}".casefold()
