"""What one value means in Halo, and what has become of the record that the lock file knows by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dispatcher.halo.lookups import Entry, Lookups, Unresolved, folded
from dispatcher.halo.snapshot import LIST_OF
from dispatcher.lang.records import dataclass
from dispatcher.live.lock import Lock, Locked

# What people call what a variable names.
_NOUNS = {"team": "team", "priority": "priority", "state": "status", "ticketType": "ticket type", "agent": "agent"}
_SET_A_TYPE = "set `ticketType` as well: in the rules, or for all tickets under [defaults] in dispatcher.toml"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a value: `code` of the table, '' where all is well; `instead` could be written for it.

    `meaning` is what the name means now, None for a number and for what is not known.
    """

    code: str = ""
    message: str = ""
    help: str | None = None
    instead: str = ""
    meaning: Locked | None = None


class Names:
    """Looks values up, with what the lock file knew of them."""

    def __init__(self, lookups: Lookups, lock: Lock | None) -> None:
        self._lookups = lookups
        self._lock = lock or Lock()

    async def find(self, variable: str, value: Any) -> Entry | Unresolved:
        """Return the record of a value, as filing finds it; of a priority, without a ticket type."""
        lookups = self._lookups
        match variable:
            case "team":
                return await lookups.team(value)
            case "state":
                return await lookups.status(value)
            case "ticketType":
                return await lookups.ticket_type(value)
            case "agent":
                return await lookups.agent(value)
            case "priority":
                return await lookups.priority(value, None)
            case _:
                return await lookups.category(value, int(variable[-1]))

    async def judge(self, variable: str, value: Any, types: Sequence[Entry | None] = ()) -> Verdict:
        """Return what is to be said of a value; `types` are the ticket types that a priority may be set beside.

        None among them stands for tickets without a type. Where they are not told, it can be any type.
        """
        if variable == "priority":
            every = types or [entry for entry in await self._lookups.entries("ticket_types") if not entry.off] or [None]
            verdict = await self._judge_priority(value, every)
            if not types and verdict.code == "priority-of-other-type":
                return Verdict(meaning=verdict.meaning)
            if not types and verdict.code == "unknown-in-halo" and every != [None]:
                message = f"{_shown(value)} is no priority of any ticket type in Halo"
                return Verdict(verdict.code, message, verdict.help, verdict.instead)
            return verdict
        found = await self.find(variable, value)
        if isinstance(found, Unresolved):
            return await self._unresolved(variable, value, found)
        return await self._resolved(variable, value, Locked(found.name, {None: found.id}))

    async def _judge_priority(self, value: Any, types: Sequence[Entry | None]) -> Verdict:
        numbers: dict[int | None, int] = {}
        name = ""
        without: list[Entry | None] = []
        failed: Unresolved | None = None
        for ticket_type in types:
            found = await self._lookups.priority(value, ticket_type)
            if isinstance(found, Unresolved):
                failed = failed or found
                without.append(ticket_type)
            else:
                name = found.name
                numbers |= await self._numbers(found)
        if failed is not None and not numbers:
            return await self._unresolved("priority", value, failed)
        verdict = await self._resolved("priority", value, Locked(name, numbers))
        if failed is None or verdict.code:
            return verdict
        if (lost := await self._lost(value, without)) is not None:
            gone = await self._gone("priority", value, lost)
            # The other types have the name still.
            return Verdict(gone.code, gone.message, f"set another priority for {_types(without)}")
        return Verdict(
            "priority-of-other-type",
            f"{_shown(value)} is no priority of {_types(without)}; if these rules set it there, too, it falls back",
            _SET_A_TYPE if without == [None] else failed.reason,
            meaning=verdict.meaning,
        )

    async def _lost(self, value: Any, without: Iterable[Entry | None]) -> Locked | None:
        """Return what a priority meant, by the lock file, beside ticket types that have it no more."""
        locked = self._lock.find("priority", value) if isinstance(value, str) else None
        if locked is None:
            return None
        slas = {await self._lookups.sla_of(ticket_type) for ticket_type in without if ticket_type is not None}
        before = Locked(locked.name, {sla: number for sla, number in locked.ids.items() if sla in slas})
        same = [entry for entry in await self._entries("priority", before) if folded(entry.name) == folded(value)]
        return before if before.ids and not same else None

    async def _numbers(self, found: Entry) -> dict[int | None, int]:
        """Return the number of a priority under its SLA; of one found without an SLA, under each that has it."""
        if found.sla_id is not None:
            return {found.sla_id: found.id}
        every = await self._lookups.entries("priorities")
        same = {entry.sla_id: entry.id for entry in every if folded(entry.name) == folded(found.name)}
        return dict(same) or {None: found.id}

    async def _resolved(self, variable: str, value: Any, meaning: Locked) -> Verdict:
        if not isinstance(value, str) or value.strip().isdecimal():
            return Verdict()
        locked = self._lock.find(variable, value)
        changed = locked is not None and any(
            meaning.ids.get(sla, number) != number for sla, number in locked.ids.items()
        )
        if locked is None or not changed:
            return Verdict(meaning=meaning)
        before = await self._entries(variable, locked)
        was = f"which is `{before[0].name}` now" if before else "which is gone"
        return Verdict(
            "replaced-in-halo",
            f"{_shown(value)} means another {_noun(variable)} than before: {_ids(meaning)}, not {_ids(locked)}, {was}",
            "if that is meant, run `dispatcher check --live --update-lock`",
            meaning=meaning,
        )

    async def _unresolved(self, variable: str, value: Any, found: Unresolved) -> Verdict:
        message = found.reason.removesuffix(f"; {found.hint}") if found.hint else found.reason
        if found.matches:
            if all(entry.off for entry in found.matches):
                return Verdict("inactive-in-halo", message, f"name another {_noun(variable)}")
            advice = "write the id in place of the name" if variable != "priority" else _SET_A_TYPE
            return Verdict("ambiguous-in-halo", message, advice)
        locked = self._lock.find(variable, value) if isinstance(value, str) else None
        if locked is not None:
            return await self._gone(variable, value, locked)
        if found.near:
            return Verdict("unknown-in-halo", message, f"did you mean {_listed(found.near)}?", found.near[0])
        return Verdict("unknown-in-halo", message, found.hint or None)

    async def _gone(self, variable: str, value: str, locked: Locked) -> Verdict:
        """Return what is said of a name that Halo knew and does not know now."""
        noun, now = _noun(variable), await self._entries(variable, locked)
        if not now:
            return Verdict(
                "deleted-in-halo",
                f"the {noun} {_shown(value)} was deleted in Halo: {_ids(locked)} is gone",
                f"name another {noun}",
            )
        names = list(dict.fromkeys(_named_like(entry, value, locked) for entry in now))
        called = _listed(names)
        message = f"the {noun} {_shown(value)} ({_ids(locked)}) is called {called} in Halo now"
        if any(entry.off for entry in now):
            return Verdict("renamed-in-halo", f"{message}, and is {now[0].off}", f"name another {noun}")
        if len(names) > 1 or not await self._is_good(variable, names[0], now):
            return Verdict("renamed-in-halo", message, f"write the name of the {noun} that is meant")
        return Verdict("renamed-in-halo", message, f"write {called}", names[0])

    async def _is_good(self, variable: str, name: str, now: Sequence[Entry]) -> bool:
        """Tell whether a new name means the record that had the old one, and no other."""
        if variable == "priority":
            return True
        found = await self.find(variable, name)
        return isinstance(found, Entry) and found.id == now[0].id

    async def _entries(self, variable: str, locked: Locked) -> list[Entry]:
        """Return the records that the lock file knows by their ids."""
        entries = await self._lookups.entries(LIST_OF[variable])
        if None in locked.ids:
            return [entry for entry in entries if entry.id == locked.ids[None]]
        return [entry for entry in entries if locked.ids.get(entry.sla_id) == entry.id]


def _named_like(entry: Entry, value: str, locked: Locked) -> str:
    """Return a record's name of the kind that was written: an agent who went by his address has another address."""
    by_address = "@" in value and folded(value) != folded(locked.name)
    return next((text for text in entry.also if text), entry.name) if by_address else entry.name


def _types(types: Iterable[Entry | None]) -> str:
    named = [entry.name for entry in types if entry is not None]
    if not named:
        return "tickets without a type"
    return f"ticket type{'s' if len(named) > 1 else ''} {_listed(named)}"


def _noun(variable: str) -> str:
    return _NOUNS.get(variable, "category")


def _ids(meaning: Locked) -> str:
    if None in meaning.ids:
        return f"id {meaning.ids[None]}"
    return ", ".join(f"number {number} of SLA {sla}" for sla, number in meaning.ids.items())


def _listed(names: Iterable[str]) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}" if others else last


def _shown(value: Any) -> str:
    text = str(value)
    return f"`{text if len(text) <= 80 else text[:79] + '…'}`"


Meanings = Mapping[str, Mapping[str, Locked]]
