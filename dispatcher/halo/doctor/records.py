"""Checks of what filing reads in Halo, tried by reading it, and of the settings that name something there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import AliasChoices, Field

from dispatcher.halo.client import PAGE_SIZE, HaloClient
from dispatcher.halo.doctor.findings import Check, Result, failed, ok, skipped, warning
from dispatcher.halo.doctor.servers import SERVERS
from dispatcher.halo.errors import CannotTellError, HaloRequestError, sentence
from dispatcher.halo.lookups import IMPACT, SOURCE, URGENCY, Lookups, Unresolved
from dispatcher.halo.models import (
    Action,
    Agent,
    Answer,
    Asset,
    Category,
    Client,
    CustomField,
    Flag,
    LookupValue,
    Outcome,
    Priority,
    Status,
    Team,
    Text,
    Ticket,
    TicketType,
    User,
    Whole,
)
from dispatcher.halo.payloads import custom_fields, is_unset
from dispatcher.halo.requester import Directory
from dispatcher.halo.resolution import resolve
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import HaloWriter


class _Row(Answer):
    id: Whole


class _LoginAgent(Answer):
    """The agent, or by version what the token claims of it."""

    id: Text = Field(default="", validation_alias=AliasChoices("id", "agent_id", "sub"))
    name: Text = ""
    isdisabled: Flag = False


class _UsersPage(Answer):
    record_count: Whole | None = None
    users: tuple[_Row, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """A list of Halo's that filing reads. `rows_in` as for the client; `may_be_empty`: some tenants keep none."""

    name: str
    path: str
    shape: type[Answer]
    help: str
    rows_in: str | None = None
    params: Mapping[str, str | int | bool] | None = None
    may_be_empty: bool = False


_CUSTOMERS = "This takes the scope `read:customers`."
_TICKETS = "This takes the scope `edit:tickets`."
_LOOKUPS = "This takes no scope, but a login agent: the application in Halo must name one."
_LISTS = (
    _List("users", "Users", User, _CUSTOMERS, "users"),
    _List("clients", "Client", Client, _CUSTOMERS, "clients"),
    _List("sites", "Site", _Row, _CUSTOMERS, "sites"),
    _List("assets", "Asset", Asset, "This takes the scope `read:assets`.", "assets", may_be_empty=True),
    _List("ticket types", "TicketType", TicketType, _LOOKUPS),
    _List("statuses", "Status", Status, _LOOKUPS),
    _List("teams", "Team", Team, _LOOKUPS, params={"showall": True}),
    _List("agents", "Agent", Agent, _LOOKUPS),
    _List("priorities", "Priority", Priority, _LOOKUPS),
    _List("categories", "Category", Category, _LOOKUPS, may_be_empty=True),
    _List("outcomes", "Outcome", Outcome, _LOOKUPS),
    _List("impacts", "Lookup", LookupValue, _LOOKUPS, params={"lookupid": IMPACT}, may_be_empty=True),
    _List("urgencies", "Lookup", LookupValue, _LOOKUPS, params={"lookupid": URGENCY}, may_be_empty=True),
    _List("tickets", "Tickets", Ticket, _TICKETS, "tickets", may_be_empty=True),
)

# Defaults that are texts of the ticket, and name nothing in Halo.
_TEXTS = frozenset({"subject", "msg", "append", "priv_append", "exception"})


class Records:
    """What one Halo has, seen with the rights of its login agent."""

    def __init__(
        self,
        settings: HaloSettings,
        defaults: Mapping[str, Any],
        client: HaloClient,
        writer: HaloWriter,
    ) -> None:
        self._settings = settings
        self._defaults = {
            variable: value for variable, value in defaults.items() if variable not in _TEXTS and not is_unset(value)
        }
        self._client = client
        self._writer = writer
        self._lookups = Lookups(client, settings.lookup_max_age_seconds)
        self._directory = Directory(client, settings.catch_all_user, settings.lookup_max_age_seconds)
        self._any_ticket: int | None = None

    def checks(self) -> tuple[Check, ...]:
        """The checks, in order."""
        return (
            Check("login agent", self._check_login_agent, SERVERS, "Name a login agent in Halo's application."),
            *(Check(each.name, partial(self._check_list, each), SERVERS, each.help) for each in _LISTS),
            Check("actions", self._check_actions, ("tickets",), _TICKETS),
            Check("paging", self._check_paging, ("users",)),
            Check("catch-all user", self._check_catch_all, ("users",)),
            Check("note outcome", self._check_note_outcome, ("outcomes",)),
            *(
                Check(f"default {variable}", partial(self._check_default, variable), SERVERS)
                for variable in self._defaults
            ),
            *(() if self._settings.source is None else (Check("source", self._check_source, SERVERS),)),
            Check("find by reference", self._check_find_by, ("tickets",)),
        )

    async def _check_login_agent(self) -> Result:
        agent = await self._client.get("Agent/me", _LoginAgent)
        if agent.isdisabled:
            return failed(
                f"{agent.name or agent.id} is disabled in Halo.",
                "Enable this agent, or name another one in Halo's application.",
            )
        if not (agent.name or agent.id):
            return warning("Halo does not say as whom the key logs in.", "Name a login agent in Halo's application.")
        return ok(agent.name or agent.id)

    async def _check_list(self, wanted: _List) -> Result:
        rows = await self._client.get_all(
            wanted.path, wanted.shape, wanted.params, rows_in=wanted.rows_in, most_pages=1
        )
        if rows and isinstance(rows[0], Ticket):
            self._any_ticket = rows[0].id
        if not rows and not wanted.may_be_empty:
            return warning("Halo shows none.", f"Let the login agent see them. {wanted.help}")
        more = " or more" if wanted.rows_in and len(rows) >= PAGE_SIZE else ""
        return ok(f"{len(rows) or 'none'}{more}")

    async def _check_actions(self) -> Result:
        if self._any_ticket is None:
            return skipped("Halo has no ticket whose actions could be read.")
        params = {"ticket_id": self._any_ticket, "excludesys": True}
        await self._client.get_all("Actions", Action, params, rows_in="actions", most_pages=1)
        return ok(f"those of ticket {self._any_ticket}")

    async def _check_paging(self) -> Result:
        first = await self._users_page(1, PAGE_SIZE)
        count, size = first.record_count, len(first.users)
        if count is None:
            return warning("Halo does not say how many users there are: a list ends where a page brings nothing new.")
        if count < 2 or size == 0:
            return skipped("Halo shows too few users for two pages.")
        if count <= size:
            size = (count + 1) // 2
            first = await self._users_page(1, size)
        number = -(-count // size)
        last = await self._users_page(number, size)
        if {user.id for user in last.users} & {user.id for user in first.users}:
            return warning(
                f"Page {number} of the users repeats page 1.",
                "What is not on a first page may not be found. Check any proxy in between, and Halo's version.",
            )
        expected = count - (number - 1) * size
        if len(last.users) != expected:
            return warning(
                f"Page {number} of the users has {len(last.users)} rows instead of {expected}.",
                "Run this again: users may have been added meanwhile.",
            )
        return ok(f"{count} users on {number} pages")

    async def _users_page(self, number: int, size: int) -> _UsersPage:
        params = {"pageinate": True, "page_size": size, "page_no": number}
        return await self._client.get("Users", _UsersPage, params)

    async def _check_catch_all(self) -> Result:
        user = await self._directory.check_catch_all()
        named = f"{self._settings.catch_all_user} (user {user.id})"
        missing = [kind for kind, number in (("client", user.client_id), ("site", user.site_id)) if not number]
        if missing:
            return failed(
                f"{named} has no {' and no '.join(missing)} in Halo.",
                "Move this user to the client and site that tickets of unknown requesters shall have.",
            )
        return ok(f"{named} is of {user.client_name or f'client {user.client_id}'}, site {user.site_id}")

    async def _check_note_outcome(self) -> Result:
        found = await self._lookups.outcome(self._settings.note_outcome)
        if isinstance(found, Unresolved):
            return failed(
                sentence(found.reason),
                "Set `note_outcome` to an outcome that is visible in Halo, and private.",
            )
        if await self._does_more(found.id):
            return warning(
                f"{found.name} mails someone, or changes the status of the ticket.",
                "Set `note_outcome` to an outcome that only notes, or every note will do that.",
            )
        ticket_type = self._defaults.get("ticketType")
        of_type = None if ticket_type is None else await self._lookups.ticket_type(ticket_type)
        if of_type is None or isinstance(of_type, Unresolved):
            return ok(f"{found.name} is outcome {found.id}")
        rows = await self._client.get_all("Outcome", Outcome, {"tickettype_id": of_type.id, "showhidden": True})
        detail = await self._client.get(f"TicketType/{of_type.id}", TicketType)
        # By version, the type's own list or the filtered one says more; an empty one says nothing.
        allowed = ({row.id for row in rows}, {key for row in detail.allowed_actions for key in (row.id, row.key2)})
        if any(ids and found.id not in ids for ids in allowed):
            return warning(
                f"{found.name} is not among the actions of the ticket type {of_type.name}.",
                "Allow it there, or set `note_outcome` to an action that the type allows.",
            )
        return ok(f"{found.name} is outcome {found.id}, allowed for {of_type.name}")

    async def _does_more(self, outcome_id: int) -> bool:
        """Whether Halo says that an outcome does more than to note; not all versions show it."""
        try:
            return (await self._client.get(f"Outcome/{outcome_id}", Outcome)).does_more
        except HaloRequestError as error:
            if error.retryable:
                raise
            return False

    async def _check_default(self, variable: str) -> Result:
        value = self._defaults[variable]
        if variable == "customfield":
            return await self._check_custom_fields(value)
        # The ticket type comes along, as a priority means something within its SLA only.
        given = {"ticketType": self._defaults.get("ticketType"), variable: value}
        resolution = await resolve(given, {}, self._lookups)
        for error in resolution.submission_errors:
            if error.variable == variable:
                return failed(sentence(error.reason), f"Correct `{variable}` under [defaults].")
        return ok(f"{value}")

    async def _check_custom_fields(self, value: Any) -> Result:
        wanted = custom_fields(value)
        if wanted is None:
            return failed("It is no mapping of field to value.", "Correct `customfield` under [defaults].")
        known = await self._client.get_all("FieldInfo", CustomField)
        names = {text.casefold() for field in known for text in (str(field.id), field.name)}
        unknown = [str(field.get("id", field.get("name"))) for field in wanted]
        unknown = [name for name in unknown if name.casefold() not in names]
        if unknown:
            return failed(f"Halo has no custom field {', '.join(unknown)}.", "Correct `customfield` under [defaults].")
        return ok(", ".join(str(key) for key in value))

    async def _check_source(self) -> Result:
        number = self._settings.source
        rows = await self._client.get_all("Lookup", LookupValue, {"lookupid": SOURCE})
        names = {row.id: row.name for row in rows if not row.inactive}
        if rows and number not in names:
            known = ", ".join(f"{known} {name}" for known, name in sorted(names.items()))
            return failed(f"`{number}` is no request source in Halo.", f"Set `source` to one that it has: {known}.")
        return ok(f"{number} {names[number]}" if number in names else f"{number}, which Halo lists none of")

    async def _check_find_by(self) -> Result:
        if self._any_ticket is None:
            return skipped("Halo has no ticket yet, so it finds none in any case.", "Run this again when it has one.")
        nothing = f"dispatcher-doctor-{uuid.uuid4()}"
        try:
            found = await self._writer.find_ticket(nothing)
        except CannotTellError as error:
            return failed(str(error), "Choose another way of finding tickets by the setting `find_by`.")
        if found is not None:
            return failed(
                f"Halo gives ticket {found} for a reference that no ticket has.",
                "Choose another way of finding tickets by the setting `find_by`.",
            )
        return ok("a reference that no ticket has brings no ticket")
