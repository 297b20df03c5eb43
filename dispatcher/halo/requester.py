"""For whom a ticket is filed, and about which computer: users by exact e-mail, assets by exact host name.

Halo searches with "like" over several fields and ignores filters that it does not know: every row is compared
here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.halo.client import HaloClient, Params
from dispatcher.halo.errors import HaloRequestError, sentence
from dispatcher.halo.lookups import Table
from dispatcher.halo.models import Asset, User
from dispatcher.halo.payloads import text_of

# "Equals" in Halo's advanced search.
EQUALS = 2
# A "like" search for a whole e-mail address brings few rows; more pages mean that the filter was ignored.
MOST_PAGES = 5


@dataclass(frozen=True, slots=True)
class Requester:
    """The Halo user for whom a ticket is filed, with client and site; `remarks` are for the private note."""

    user_id: int
    client_id: int | None
    site_id: int | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundAsset:
    """The asset that a ticket is about, if there is exactly one."""

    asset_id: int | None
    remarks: tuple[str, ...] = ()


class Directory:
    """Finds users and assets of one Halo, one request each; only the catch-all user is kept."""

    def __init__(
        self,
        client: HaloClient,
        catch_all_user: str,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._catch_all_email = catch_all_user
        self._catch_all = Table(self._load_catch_all, max_age_seconds, clock)
        self._searches_exactly = True

    async def requester(self, ticket: Mapping[str, Any]) -> Requester:
        """The user with the ticket's e-mail, else the catch-all user and remarks on who it really was."""
        email = text_of(ticket.get("email"))
        users = await self._users(email) if email else []
        active = [user for user in users if not user.inactive]
        # Two records of one person at one client are as good as one; of two clients, which is meant?
        if active and len({user.client_id for user in active}) == 1:
            user = min(active, key=lambda user: user.id)
            return Requester(user.id, user.client_id, user.site_id)
        (catch_all,) = await self._catch_all.rows()
        why = f"{_why_unknown(email, users)} The ticket is filed for {self._catch_all_email} instead."
        really = sentence(f"Who it really was: {_who(ticket) or 'not known'}")
        return Requester(catch_all.id, catch_all.client_id, catch_all.site_id, (why, really))

    async def asset(self, hostname: str, client_id: int | None) -> FoundAsset:
        """The client's one active asset of exactly this host name."""
        if not hostname:
            return FoundAsset(None)
        params = {"search": hostname, "client_id": client_id}
        try:
            rows = await self._client.get_all("Asset", Asset, params, rows_in="assets", most_pages=MOST_PAGES)
        except HaloRequestError as error:
            if error.retryable:
                raise
            return FoundAsset(None, (f"No asset is linked: {error}",))
        wanted = hostname.casefold()
        found = [
            row
            for row in rows
            if not row.inactive
            and row.client_id == client_id
            and wanted in {name.strip().casefold() for name in row.names()}
        ]
        if len(found) == 1:
            return FoundAsset(found[0].id)
        if found:
            ids = ", ".join(str(row.id) for row in found)
            return FoundAsset(None, (f"No asset is linked: {hostname} is the name of several assets ({ids}).",))
        return FoundAsset(None, (f"No asset is linked: the client has none with the name {hostname}.",))

    async def _users(self, email: str) -> list[User]:
        """The users with exactly this address."""
        if self._searches_exactly:
            condition = {"filter_name": "emailaddress", "filter_type": EQUALS, "filter_value": email}
            try:
                rows = await self._search("advanced_search", json.dumps([condition]), most_pages=1)
            except HaloRequestError as error:
                if error.status != 400:
                    raise
                # This version of Halo does not search by this field. No need to ask again.
                self._searches_exactly = False
            else:
                found = _with_address(rows, email)
                if found or not rows:
                    return found
        return _with_address(await self._search("search", email, most_pages=MOST_PAGES), email)

    async def _search(self, by: str, value: str, most_pages: int) -> list[User]:
        params: Params = {by: value, "includeinactive": True}
        return await self._client.get_all("Users", User, params, rows_in="users", most_pages=most_pages)

    async def _load_catch_all(self) -> Sequence[User]:
        users = await self._users(self._catch_all_email)
        active = [user for user in users if not user.inactive]
        if not active:
            raise HaloRequestError(
                f"Halo has no active user with the e-mail {self._catch_all_email}, for whom tickets of "
                "unknown requesters are filed: create that user, or name another one as `catch_all_user`.",
                # Tickets wait until it is there.
                retryable=True,
                surely_not_processed=True,
            )
        return [min(active, key=lambda user: user.id)]


def _with_address(users: Sequence[User], email: str) -> list[User]:
    wanted = email.casefold()
    return [user for user in users if user.emailaddress.strip().casefold() == wanted]


def _why_unknown(email: str, users: Sequence[User]) -> str:
    if not email:
        return "The ticket came without an e-mail address."
    active = [user for user in users if not user.inactive]
    if active:
        ids = ", ".join(str(user.id) for user in active)
        return f"Several clients in Halo have a user with the e-mail {email} (users {ids})."
    if users:
        return f"The user with the e-mail {email} is inactive in Halo."
    return f"Halo has no user with the e-mail {email}."


def _who(ticket: Mapping[str, Any]) -> str:
    parts = (text_of(ticket.get(key)) for key in ("name", "email", "business_name"))
    return ", ".join(part for part in parts if part)
