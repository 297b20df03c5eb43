"""For whom a ticket is filed, and about which computer: users by exact e-mail, assets by exact host name.

Halo searches with "like" over several fields and ignores filters that it does not know: every row is compared
here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from dispatcher.halo.client import HaloClient, Params
from dispatcher.halo.errors import HaloRequestError, NotSetUpError, sentence
from dispatcher.halo.models import Asset, Client, User
from dispatcher.halo.note import shown
from dispatcher.halo.payloads import text_of
from dispatcher.halo.tables import Table, remember

# "Equals" in Halo's advanced search.
EQUALS = 2
# A "like" search for a whole e-mail address brings few rows; more pages mean that the filter was ignored.
MOST_PAGES = 5
# How long the users of an address serve the next question about it: from intake to delivery of a ticket.
FRESH_SECONDS = 60.0
# What is longer is neither looked for nor told.
LONGEST_ADDRESS, LONGEST_HOSTNAME, LONGEST_NAME = 320, 255, 255


@dataclass(frozen=True, slots=True)
class Requester:
    """The Halo user for whom a ticket is filed, with client and site; `remarks` are for the private note.

    Without a `user_id` it is Halo's choice, and `name` all that it is told.
    """

    user_id: int | None
    client_id: int | None
    site_id: int | None
    remarks: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class FoundAsset:
    """The asset that a ticket is about, if there is exactly one."""

    asset_id: int | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What Halo knows of an e-mail address; '' where it knows nothing."""

    business_name: str
    name: str


@dataclass(frozen=True, slots=True)
class _Found:
    users: Sequence[User]
    at: float


class Directory:
    """Finds users and assets of one Halo, one request each; remembers addresses, and the catch-all user."""

    def __init__(
        self,
        client: HaloClient,
        catch_all_user: str,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._catch_all_email = catch_all_user
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._catch_all = Table(self._load_catch_all, max_age_seconds, clock)
        self._found: dict[str, _Found] = {}
        self._client_names: dict[int, Table[Client]] = {}
        self._searches_exactly = True

    async def requester(self, ticket: Mapping[str, Any]) -> Requester:
        """The user with the ticket's e-mail, else the catch-all user and remarks on who it really was."""
        email = text_of(ticket.get("email"))
        try:
            users = await self._users(email, FRESH_SECONDS) if _is_address(email) else ()
            user = _the_one(users)
            if user is not None:
                return Requester(user.id, user.client_id, user.site_id)
            return await self.catch_all(ticket, _why_unknown(email, users))
        except HaloRequestError as error:
            if not _is_closed(error):
                raise
            return nobody(ticket, f"Users cannot be looked up in Halo, so it chooses for whom the ticket is: {error}")

    async def catch_all(self, ticket: Mapping[str, Any], why: str) -> Requester:
        """The catch-all user, or nobody; `why` says in a sentence what is wrong with the requester."""
        try:
            (user,) = await self._catch_all.rows()
        except HaloRequestError as error:
            if not _is_closed(error):
                raise
            return nobody(ticket, why)
        instead = f"{why} The ticket is filed for {self._catch_all_email} instead."
        return Requester(user.id, user.client_id, user.site_id, (instead, _who_it_was(ticket)))

    async def check_catch_all(self) -> User:
        """The catch-all user; raises HaloRequestError, with what to do, when there is none."""
        (user,) = await self._load_catch_all()
        return user

    async def refresh(self) -> None:
        """Look the catch-all user up when that was not done, or will soon be old."""
        await self._catch_all.refresh()

    async def known_of(self, email: str) -> Known:
        """What Halo knows of an address; what it knew serves on while it is away."""
        email = text_of(email)
        if not _is_address(email):
            return Known("", "")
        old = self._found.get(email.casefold())
        # Someone whom Halo does not know may be entered at any moment.
        known = old is not None and _the_one(old.users) is not None
        try:
            users = await self._users(email, self._max_age_seconds if known else FRESH_SECONDS)
        except HaloRequestError:
            if old is None:
                raise
            users = old.users
        user = _the_one(users)
        return Known("", "") if user is None else Known(await self._client_name(user), user.name.strip())

    async def asset(self, hostname: str, client_id: int | None) -> FoundAsset:
        """The client's one active asset of exactly this host name."""
        if not hostname:
            return FoundAsset(None)
        if len(hostname) > LONGEST_HOSTNAME:
            return FoundAsset(None, (f"No asset is linked: a name of {len(hostname)} characters is none of a host.",))
        if client_id is None:
            return FoundAsset(None, ("No asset is linked: the requester's client is not known.",))
        params: Params = {"search": hostname, "client_id": client_id}
        try:
            rows = await self._client.get_all("Asset", Asset, params, rows_in="assets", most_pages=MOST_PAGES)
        except HaloRequestError as error:
            # Users were found just now: a search that fails by itself must not hold the ticket up for ever.
            by_itself = error.status in (200, 500) or (error.status is None and not error.surely_not_processed)
            if error.retryable and not by_itself:
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

    async def _users(self, email: str, max_age_seconds: float) -> Sequence[User]:
        """The users with exactly this address, from memory when that is fresh."""
        key = email.casefold()
        found = self._found.get(key)
        if found is None or self._clock() - found.at >= max_age_seconds:
            found = _Found(await self._search_users(email), self._clock())
            remember(self._found, key, found)
        return found.users

    async def _search_users(self, email: str) -> list[User]:
        if self._searches_exactly:
            condition = {"filter_name": "emailaddress", "filter_type": EQUALS, "filter_value": email}
            try:
                rows = await self._search("advanced_search", json.dumps([condition]), most_pages=1)
            except HaloRequestError as error:
                if not (error.problem or error.status in (400, 500)):
                    raise
                # A version of Halo that does not search by this field need not be asked again.
                self._searches_exactly = not error.problem
            else:
                found = _with_address(rows, email)
                if found or not rows:
                    return found
        return _with_address(await self._search("search", email, most_pages=MOST_PAGES), email)

    async def _search(self, by: str, value: str, most_pages: int) -> list[User]:
        params: Params = {by: value, "includeinactive": True}
        return await self._client.get_all("Users", User, params, rows_in="users", most_pages=most_pages)

    async def _client_name(self, user: User) -> str:
        if user.client_name.strip() or user.client_id is None:
            return user.client_name.strip()
        client_id = user.client_id

        async def load() -> Sequence[Client]:
            return [await self._client.get(f"Client/{client_id}", Client)]

        table = self._client_names.get(client_id)
        if table is None:
            table = self._client_names[client_id] = Table(load, self._max_age_seconds, self._clock)
        try:
            (client,) = await table.rows()
        except HaloRequestError as error:
            if error.retryable:
                raise
            return ""
        return client.name.strip()

    async def _load_catch_all(self) -> Sequence[User]:
        users = await self._search_users(self._catch_all_email)
        active = [user for user in users if not user.inactive]
        if not active:
            raise NotSetUpError(
                f"Halo has no active user with the e-mail {self._catch_all_email}, for whom tickets of "
                "unknown requesters are filed: create that user, or name another one as `catch_all_user`."
            )
        return [min(active, key=lambda user: user.id)]


def nobody(ticket: Mapping[str, Any], why: str) -> Requester:
    """No user, so that Halo chooses one; `why` says what is wrong with those who could be."""
    name = text_of(ticket.get("name")) or text_of(ticket.get("email"))
    return Requester(None, None, None, (why, _who_it_was(ticket)), name[:LONGEST_NAME])


def _is_address(email: str) -> bool:
    """Whether a text can be an e-mail address at all."""
    return len(email) <= LONGEST_ADDRESS and re.fullmatch(r"[^@\s]+@[^\s]+", email) is not None


def _is_closed(error: HaloRequestError) -> bool:
    """Whether users may not be read, or not be searched; anything else may pass."""
    return bool(error.problem) or (error.status == HTTPStatus.FORBIDDEN and not error.retryable)


def _with_address(users: Sequence[User], email: str) -> list[User]:
    wanted = email.casefold()
    return [user for user in users if user.emailaddress.strip().casefold() == wanted]


def _the_one(users: Sequence[User]) -> User | None:
    """The user whom an address stands for."""
    active = [user for user in users if not user.inactive]
    # Two records of one person at one client are as good as one; of two clients, which is meant?
    if len({user.client_id for user in active}) != 1:
        return None
    return min(active, key=lambda user: user.id)


def _why_unknown(email: str, users: Sequence[User]) -> str:
    if not email:
        return "The ticket came without an e-mail address."
    if not _is_address(email):
        return f"The ticket came with an e-mail address that is none: {shown(email, LONGEST_ADDRESS)}."
    active = [user for user in users if not user.inactive]
    if active:
        ids = ", ".join(str(user.id) for user in active)
        return f"Several clients in Halo have a user with the e-mail {email} (users {ids})."
    if users:
        return f"The user with the e-mail {email} is inactive in Halo."
    return f"Halo has no user with the e-mail {email}."


def _who_it_was(ticket: Mapping[str, Any]) -> str:
    parts = (text_of(ticket.get(key)) for key in ("name", "email", "business_name"))
    return sentence(f"Who it really was: {', '.join(shown(part) for part in parts if part) or 'not known'}")
