"""Halo's own records by their names, kept for a while, and the choice of one for the value of a rule.

`pick` is the whole of name resolution: pure, the same for every kind of record. `Lookups` feeds it.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeAlias

from dispatcher.halo.client import Params, Shape
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.models import (
    LARGEST,
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
from dispatcher.halo.tables import Table

# Numbers of Halo's look-up lists.
IMPACT, SOURCE, URGENCY = 12, 22, 27
# The lists in which rules name records.
ListName: TypeAlias = Literal["ticket_types", "statuses", "teams", "agents", "priorities", "categories"]
# Outcomes beside the wanted one that are tried for a note.
MOST_OUTCOMES = 3
# Names that are offered in place of one that is unknown.
MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of Halo's that a value can name.

    `also` holds further texts that name it; `off` says why it must not be used, or is empty. `sla_id`: of a
    ticket type the SLA it brings, 0 when it has none, None when its list does not tell; of a priority the SLA it
    belongs to. `level`: the list a category is in.
    """

    id: int
    name: str
    also: tuple[str, ...] = ()
    off: str = ""
    sla_id: int | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a value names no record.

    `matches` are the records that it names where they are several, or off. `hint` is the end of the reason that says
    what to write instead, and `near` are the names that are nearest to the value, best first.
    """

    reason: str
    matches: tuple[Entry, ...] = ()
    hint: str = ""
    near: tuple[str, ...] = ()


class Reader(Protocol):
    """Where lists are read: Halo, or what was kept of one."""

    async def get(self, path: str, shape: type[Shape], params: Params | None = None) -> Shape:
        """One object."""

    async def get_all(self, path: str, shape: type[Shape], params: Params | None = None) -> list[Shape]:
        """All rows of a list."""


def pick(value: Any, entries: Iterable[Entry], kind: str) -> Entry | Unresolved:
    """The one usable entry that `value` names: by text in any case, else by number, even one in a text."""
    entries = list(entries)
    number = number_of(value)
    matches: list[Entry] = []
    if isinstance(value, str):
        matches = [entry for entry in entries if folded(value) in _texts(entry)]
    elif number is None:
        return Unresolved(f"{_shown(value)} is neither a name nor a number")
    if not matches:
        matches = [entry for entry in entries if entry.id == number]
    usable = [entry for entry in matches if not entry.off]
    if len({entry.id for entry in usable}) == 1:
        return usable[0]
    if usable:
        named = ", ".join(f"{entry.id} {entry.name}" for entry in usable)
        return Unresolved(f"{_shown(value)} names more than one {kind} in Halo: {named}", tuple(usable))
    if matches:
        off = f"`{matches[0].name}` is {matches[0].off} in Halo and cannot be used as {kind}"
        return Unresolved(off, tuple(matches))
    near = _nearest(value, entries)
    hint = _instead(near[:1], entries)
    return Unresolved(f"{_shown(value)} is no {kind} in Halo{hint and f'; {hint}'}", hint=hint, near=near)


class Lookups:
    """Chooses Halo's records for values of ticket variables.

    A list is read when it is first needed, and again when it is older than `max_age_seconds`; `refresh` reads
    them all before that, so that no ticket waits for one.
    """

    def __init__(self, client: Reader, max_age_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client

        def table(load: Callable[[], Awaitable[Sequence[Entry]]]) -> Table[Entry]:
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
        # Of the types whose list does not tell, and of those that do not take the usual note.
        self._details: dict[int, Table[TicketType]] = {}
        self._note_outcomes: dict[int, Table[Entry]] = {}
        self._max_age_seconds = max_age_seconds
        self._clock = clock

    def tables(self) -> tuple[Table[Entry], ...]:
        """The lists that every Halo has."""
        return (
            self._ticket_types,
            self._statuses,
            self._teams,
            self._agents,
            self._priorities,
            self._categories,
            self._outcomes,
            self._impacts,
            self._urgencies,
        )

    async def refresh(self) -> None:
        """Read the lists that are not read yet or will soon be old; raises the first error when all are tried."""
        failed: HaloRequestError | None = None
        tables: tuple[Table[Any], ...] = (*self.tables(), *self._details.values(), *self._note_outcomes.values())
        for table in tables:
            try:
                await table.refresh()
            except HaloRequestError as error:
                failed = failed or error
                # When Halo cannot be asked, the others need not be tried.
                if error.status in (None, 401, 429):
                    break
        if failed is not None:
            raise failed

    async def entries(self, name: ListName) -> Sequence[Entry]:
        """All records of a list, also those that are off."""
        table: Table[Entry] = {
            "ticket_types": self._ticket_types,
            "statuses": self._statuses,
            "teams": self._teams,
            "agents": self._agents,
            "priorities": self._priorities,
            "categories": self._categories,
        }[name]
        return await table.rows()

    def age_seconds(self) -> float | None:
        """How old the oldest list is; None while one has not been read."""
        ages = [table.age_seconds() for table in self.tables()]
        known = [age for age in ages if age is not None]
        return max(known) if len(known) == len(ages) else None

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

    async def note_outcomes(self, ticket_type_id: int) -> Sequence[Entry]:
        """The few outcomes that suit a private note on tickets of this type, the best first."""
        table = self._note_outcomes.get(ticket_type_id)
        if table is None:
            table = Table(lambda: self._load_note_outcomes(ticket_type_id), self._max_age_seconds, self._clock)
            self._note_outcomes[ticket_type_id] = table
        return await table.rows()

    async def priority(self, value: Any, ticket_type: Entry | None, sla_id: int | None = None) -> Entry | Unresolved:
        """The priority of this name or number within an SLA: the given one, else that of the ticket type.

        Without an SLA a name is taken when it means the same number under every SLA that has it.
        """
        entries = await self._priorities.rows()
        kind = "priority"
        if sla_id is None and ticket_type is not None:
            sla_id = await self.sla_of(ticket_type)
            kind = f"priority of ticket type `{ticket_type.name}`"
        if sla_id:
            return pick(value, [entry for entry in entries if entry.sla_id in (sla_id, None)], kind)
        if len({entry.sla_id for entry in entries}) == 1:
            return pick(value, entries, "priority")
        merged = {(entry.id, folded(entry.name), entry.off): replace(entry, sla_id=None) for entry in entries}
        found = pick(value, merged.values(), "priority")
        if isinstance(found, Unresolved):
            if len({entry.id for entry in found.matches if not entry.off}) > 1:
                numbers = " or ".join(str(entry.id) for entry in found.matches)
                found = replace(found, reason=f"{_shown(value)} is number {numbers}, by the SLA")
            why = "the ticket type has no SLA" if ticket_type else "no ticket type is set, so the SLA is not known"
            return replace(found, reason=f"{found.reason} ({why})")
        return found

    def rank(self, value: Any) -> int | None:
        """How urgent a priority is, 1 first, as far as is known without asking Halo."""
        number = number_of(value)
        if number is None and isinstance(value, str):
            named = [entry.id for entry in self._priorities.known() if folded(value) in _texts(entry)]
            number = min(named, default=None)
        return number

    async def category(self, value: Any, level: int) -> Entry | Unresolved:
        """The category of list `level` (1 to 4) with this path or id."""
        entries = await self._categories.rows()
        # Sources disagree whether Halo numbers the lists from 1 or from 2. The first one is always in use.
        first = min((entry.level for entry in entries if entry.level is not None), default=1)
        own = [entry for entry in entries if entry.level in (None, first + level - 1)]
        return pick(_path(value) if isinstance(value, str) else value, own, f"category_{level}")

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
        number = number_of(value)
        # Some tenants keep no such list, and some logins may not read it: then the number is Halo's to judge.
        return Entry(number, str(number)) if not entries and number is not None else pick(value, entries, kind)

    async def sla_of(self, ticket_type: Entry) -> int:
        """The SLA that a ticket type brings; 0: none."""
        if ticket_type.sla_id is None:
            try:
                (detail,) = await self._detail(ticket_type.id)
            except HaloRequestError as error:
                if error.retryable:
                    raise
                return 0
            return max(detail.sla_id or 0, 0)
        return ticket_type.sla_id

    async def _detail(self, ticket_type_id: int) -> Sequence[TicketType]:
        async def load() -> Sequence[TicketType]:
            return [await self._client.get(f"TicketType/{ticket_type_id}", TicketType)]

        table = self._details.get(ticket_type_id)
        if table is None:
            table = self._details[ticket_type_id] = Table(load, self._max_age_seconds, self._clock)
        return await table.rows()

    async def _load_ticket_types(self) -> list[Entry]:
        rows = await self._client.get_all("TicketType", TicketType, {"showinactive": True})
        return [
            Entry(
                row.id,
                row.name,
                off="inactive" if row.inactive or not row.visible else "",
                sla_id=row.sla_id if row.sla_id is None else max(row.sla_id, 0),
            )
            for row in rows
        ]

    async def _load_statuses(self) -> list[Entry]:
        rows = await self._client.get_all("Status", Status)
        return [Entry(row.id, row.name, off="inactive" if row.inactive else "") for row in rows]

    async def _load_teams(self) -> list[Entry]:
        # Teams that the login itself is not in count too, and disabled ones are named as such.
        rows = await self._client.get_all("Team", Team, {"showall": True, "includedisabled": True})
        return [Entry(row.id, row.name, off="inactive" if row.inactive else "") for row in rows]

    async def _load_agents(self) -> list[Entry]:
        params = {"includedisabled": True, "includeunassigned": True}
        rows = await self._client.get_all("Agent", Agent, params)
        # Every Halo has agent 1 for nobody, called in the tenant's language; some versions leave it out of the list.
        nobody = [row.name for row in rows if row.id == UNASSIGNED_ID]
        return [
            Entry(UNASSIGNED_ID, "Unassigned", tuple(nobody)),
            *(
                Entry(row.id, row.name, (row.email,), "disabled" if row.isdisabled else "")
                for row in rows
                if row.id != UNASSIGNED_ID
            ),
        ]

    async def _load_priorities(self) -> list[Entry]:
        rows = await self._client.get_all("Priority", Priority)
        return [Entry(row.priorityid, row.name, off="hidden" if row.ishidden else "", sla_id=row.slaid) for row in rows]

    async def _load_categories(self) -> list[Entry]:
        rows = await self._client.get_all("Category", Category)
        return [
            Entry(row.id, _path(row.value), off="inactive" if row.inactive else "", level=row.type_id) for row in rows
        ]

    async def _load_outcomes(self) -> list[Entry]:
        return [_outcome(row) for row in await self._outcome_rows({"showhidden": True})]

    async def _load_note_outcomes(self, ticket_type_id: int) -> list[Entry]:
        rows = await self._outcome_rows({"tickettype_id": ticket_type_id})
        try:
            (detail,) = await self._detail(ticket_type_id)
        except HaloRequestError as error:
            if error.retryable:
                raise
            detail = TicketType(id=ticket_type_id)
        allowed = {key for row in detail.allowed_actions for key in (row.id, row.key2)}
        if detail.allowall_actions and not allowed:
            allowed = {row.id for row in rows}
        rows = [row for row in rows if not row.hidden and row.id in allowed and not row.does_more]
        rows.sort(key=lambda row: (not row.hidefromuser, "note" not in folded(row.outcome + row.buttonname)))
        return [_outcome(row) for row in rows[:MOST_OUTCOMES] if row.hidefromuser or await self._only_notes(row.id)]

    async def _only_notes(self, outcome_id: int) -> bool:
        """Whether an outcome says that it neither mails nor changes the status; lists may leave that out."""
        try:
            row = await self._client.get(f"Outcome/{outcome_id}", Outcome)
        except HaloRequestError as error:
            if error.retryable:
                raise
            return False
        return not row.does_more and (row.hidefromuser or None not in (row.sendemail, row.newstatus))

    async def _outcome_rows(self, params: Params) -> list[Outcome]:
        return await self._client.get_all("Outcome", Outcome, params)

    async def _load_values(self, lookup: int) -> list[Entry]:
        rows = await self._client.get_all("Lookup", LookupValue, {"lookupid": lookup})
        return [Entry(row.id, row.name, off="inactive" if row.inactive else "") for row in rows]


def number_of(value: Any) -> int | None:
    """The number that a value gives, if Halo has such; neither True nor '1.5' is one."""
    if isinstance(value, bool) or (isinstance(value, str) and not value.strip().isdecimal()):
        return None
    number = whole_number(value)
    return number if isinstance(number, int) and abs(number) <= LARGEST else None


def _outcome(row: Outcome) -> Entry:
    return Entry(row.id, row.outcome, (row.buttonname,), "hidden" if row.hidden else "")


def _path(text: str) -> str:
    """A category's path as Halo writes it, without spaces around `>`."""
    return ">".join(part.strip() for part in text.split(">"))


def folded(text: str) -> str:
    """A text as names are compared: without regard to case and to the length of spaces."""
    return " ".join(text.split()).casefold()


def _texts(entry: Entry) -> set[str]:
    return {folded(text) for text in (entry.name, *entry.also)} - {""}


def _shown(value: Any) -> str:
    text = str(value)
    return f"`{text if len(text) <= 80 else text[:79] + '…'}`"


def _nearest(value: Any, entries: Sequence[Entry]) -> tuple[str, ...]:
    """The names that are nearest to a value, best first."""
    by_text = {text: entry.name for entry in entries if not entry.off for text in _texts(entry)}
    near = difflib.get_close_matches(folded(value)[:80], by_text, n=MOST_NEAR) if isinstance(value, str) else []
    return tuple(dict.fromkeys(by_text[text] for text in near))


def _instead(near: Sequence[str], entries: Sequence[Entry]) -> str:
    """What to write instead: the nearest name, else all names when they are few."""
    if near:
        return f"the nearest is `{near[0]}`"
    usable = [entry for entry in entries if not entry.off]
    if 0 < len(usable) <= 8:
        return "it has " + ", ".join(f"{entry.id} {entry.name}" for entry in usable)
    return ""
