"""Halo's own records by their names, kept for a while, and the choice of one for the value of a rule.

`pick` is the whole of name resolution: pure, the same for every kind of record. `Lookups` feeds it.
"""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.models import (
    Agent,
    Category,
    LookupValue,
    Outcome,
    Priority,
    Status,
    Team,
    TicketType,
    whole_number,
)
from dispatcher.halo.payloads import UNASSIGNED_ID

# Numbers of Halo's look-up lists.
IMPACT, URGENCY = 12, 27
# After a refresh that failed, the old rows are used this long before the next try.
PAUSE_SECONDS = 30.0

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of Halo's that a value can name.

    `also` holds further texts that name it; `off` says why it must not be used, or is empty. `sla_id`: of a
    ticket type the SLA it brings, of a priority the SLA it belongs to. `level`: the list a category is in.
    """

    id: int
    name: str
    also: tuple[str, ...] = ()
    off: str = ""
    sla_id: int | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a value names no record."""

    reason: str


def pick(value: Any, entries: Iterable[Entry], kind: str) -> Entry | Unresolved:
    """The one usable entry that `value` names: by text in any case, else by number, even one in a text."""
    entries = list(entries)
    number = _id(value)
    matches: list[Entry] = []
    if isinstance(value, str):
        matches = [entry for entry in entries if _folded(value) in _texts(entry)]
    elif number is None:
        return Unresolved(f"{_shown(value)} is neither a name nor a number")
    if not matches:
        matches = [entry for entry in entries if entry.id == number]
    usable = [entry for entry in matches if not entry.off]
    if len(usable) == 1:
        return usable[0]
    if usable:
        named = ", ".join(f"{entry.id} {entry.name}" for entry in usable)
        return Unresolved(f"{_shown(value)} names more than one {kind} in Halo: {named}")
    if matches:
        return Unresolved(f"`{matches[0].name}` is {matches[0].off} in Halo and cannot be used as {kind}")
    return Unresolved(f"{_shown(value)} is no {kind} in Halo{_instead(value, entries)}")


class Table(Generic[Row]):
    """The rows of one look-up: loaded when first asked for, loaded again when old."""

    def __init__(
        self, load: Callable[[], Awaitable[Sequence[Row]]], max_age_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._load = load
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._rows: Sequence[Row] | None = None
        self._fresh_until = 0.0
        self._loading = asyncio.Lock()

    async def rows(self) -> Sequence[Row]:
        """The rows; old ones when they cannot be loaded again."""
        async with self._loading:
            if self._rows is None or self._clock() >= self._fresh_until:
                pause = self._max_age_seconds
                try:
                    self._rows = await self._load()
                except HaloRequestError:
                    if self._rows is None:
                        raise
                    # Old names beat no names, and each ticket asking a Halo that is down helps nobody.
                    pause = min(PAUSE_SECONDS, self._max_age_seconds)
                self._fresh_until = self._clock() + pause
            return self._rows


class Lookups:
    """Chooses Halo's records for values of ticket variables; reads each list once per `max_age_seconds`."""

    def __init__(self, client: HaloClient, max_age_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client

        def table(load: Callable[[], Awaitable[list[Entry]]]) -> Table[Entry]:
            return Table(load, max_age_seconds, clock)

        self._ticket_types = table(self._load_ticket_types)
        self._statuses = table(self._load_statuses)
        self._teams = table(self._load_teams)
        self._agents = table(self._load_agents)
        self._priorities = table(self._load_priorities)
        self._categories = table(self._load_categories)
        self._outcomes = table(self._load_outcomes)
        self._impacts = table(lambda: self._load_values(IMPACT))
        self._urgencies = table(lambda: self._load_values(URGENCY))

    async def ticket_type(self, value: Any) -> Entry | Unresolved:
        """The ticket type of this name or id."""
        return pick(value, await self._ticket_types.rows(), "ticket type")

    async def status(self, value: Any) -> Entry | Unresolved:
        """The status of this name or id."""
        return pick(value, await self._statuses.rows(), "status")

    async def team(self, value: Any) -> Entry | Unresolved:
        """The team of this name or id."""
        return pick(value, await self._teams.rows(), "team")

    async def agent(self, value: Any) -> Entry | Unresolved:
        """The agent of this name, e-mail or id."""
        return pick(value, await self._agents.rows(), "agent")

    async def outcome(self, value: Any) -> Entry | Unresolved:
        """The outcome of an action, by its name, the text of its button, or id."""
        return pick(value, await self._outcomes.rows(), "outcome")

    async def priority(self, value: Any, ticket_type: Entry | None) -> Entry | Unresolved:
        """The priority of this name or number within the SLA of the ticket type.

        Without an SLA a name is taken when it means the same number under every SLA that has it.
        """
        entries = await self._priorities.rows()
        if ticket_type and ticket_type.sla_id is not None:
            own = [entry for entry in entries if entry.sla_id == ticket_type.sla_id]
            return pick(value, own, f"priority of ticket type `{ticket_type.name}`")
        if len({entry.sla_id for entry in entries}) == 1:
            return pick(value, entries, "priority")
        merged = {(entry.id, _folded(entry.name), entry.off): replace(entry, sla_id=None) for entry in entries}
        found = pick(value, merged.values(), "priority")
        if isinstance(found, Unresolved):
            why = "the ticket type has no SLA" if ticket_type else "no ticket type is set, so the SLA is not known"
            return Unresolved(f"{found.reason} ({why})")
        return found

    async def category(self, value: Any, level: int) -> Entry | Unresolved:
        """The category of list `level` (1 to 4) with this path or id."""
        entries = await self._categories.rows()
        # Sources disagree whether Halo numbers the lists from 1 or from 2. The first one is always in use.
        first = min((entry.level for entry in entries if entry.level is not None), default=1)
        own = [entry for entry in entries if entry.level in (None, first + level - 1)]
        path = ">".join(part.strip() for part in value.split(">")) if isinstance(value, str) else value
        return pick(path, own, f"category_{level}")

    async def impact(self, value: Any) -> Entry | Unresolved:
        """The impact of this number or name."""
        return await self._severity(value, self._impacts, "impact")

    async def urgency(self, value: Any) -> Entry | Unresolved:
        """The urgency of this number or name."""
        return await self._severity(value, self._urgencies, "urgency")

    async def _severity(self, value: Any, table: Table[Entry], kind: str) -> Entry | Unresolved:
        try:
            entries = await table.rows()
        except HaloRequestError as error:
            if error.retryable:
                raise
            entries = ()
        number = _id(value)
        # Some tenants keep no such list, and some logins may not read it: then the number is Halo's to judge.
        return Entry(number, str(number)) if not entries and number is not None else pick(value, entries, kind)

    async def _load_ticket_types(self) -> list[Entry]:
        return [
            Entry(
                row.id,
                row.name,
                off="inactive" if row.inactive or row.visible is False else "",
                sla_id=row.sla_id if row.sla_id is not None and row.sla_id > 0 else None,
            )
            for row in await self._client.get_all("TicketType", TicketType)
        ]

    async def _load_statuses(self) -> list[Entry]:
        return [Entry(row.id, row.name) for row in await self._client.get_all("Status", Status)]

    async def _load_teams(self) -> list[Entry]:
        # Teams that the login itself is not in count too, and disabled ones are named as such.
        rows = await self._client.get_all("Team", Team, {"showall": True, "includedisabled": True})
        return [Entry(row.id, row.name, off="inactive" if row.inactive else "") for row in rows]

    async def _load_agents(self) -> list[Entry]:
        params = {"includedisabled": True, "includeunassigned": True}
        rows = await self._client.get_all("Agent", Agent, params)
        entries = [Entry(row.id, row.name, (row.email,), "disabled" if row.isdisabled else "") for row in rows]
        # Every Halo has it, but some versions leave it out of the list.
        listed = any(entry.id == UNASSIGNED_ID for entry in entries)
        return entries if listed else [Entry(UNASSIGNED_ID, "Unassigned"), *entries]

    async def _load_priorities(self) -> list[Entry]:
        rows = await self._client.get_all("Priority", Priority)
        return [Entry(row.priorityid, row.name, off="hidden" if row.ishidden else "", sla_id=row.slaid) for row in rows]

    async def _load_categories(self) -> list[Entry]:
        rows = await self._client.get_all("Category", Category)
        return [Entry(row.id, row.value, level=row.type_id) for row in rows]

    async def _load_outcomes(self) -> list[Entry]:
        rows = await self._client.get_all("Outcome", Outcome, {"showhidden": True})
        return [Entry(row.id, row.outcome, (row.buttonname,), "hidden" if row.hidden else "") for row in rows]

    async def _load_values(self, lookup: int) -> list[Entry]:
        rows = await self._client.get_all("Lookup", LookupValue, {"lookupid": lookup})
        return [Entry(row.id, row.name, off="inactive" if row.inactive else "") for row in rows]


def _id(value: Any) -> int | None:
    """The number that a value gives; neither True nor '1.5' is one."""
    if isinstance(value, bool) or (isinstance(value, str) and not value.strip().isdecimal()):
        return None
    number = whole_number(value)
    return number if isinstance(number, int) else None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _texts(entry: Entry) -> set[str]:
    return {_folded(text) for text in (entry.name, *entry.also)} - {""}


def _shown(value: Any) -> str:
    text = str(value)
    return f"`{text if len(text) <= 80 else text[:79] + '…'}`"


def _instead(value: Any, entries: Sequence[Entry]) -> str:
    """What to write instead: the nearest name, else all names when they are few."""
    usable = [entry for entry in entries if not entry.off]
    by_text = {text: entry.name for entry in usable for text in _texts(entry)}
    near = difflib.get_close_matches(_folded(value)[:80], by_text, n=1) if isinstance(value, str) else []
    if near:
        return f"; the nearest is `{by_text[near[0]]}`"
    if 0 < len(usable) <= 8:
        return "; it has " + ", ".join(f"{entry.id} {entry.name}" for entry in usable)
    return ""
