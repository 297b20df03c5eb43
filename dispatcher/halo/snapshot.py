"""A snapshot: Halo's names in a file, so that rules are checked and names completed without asking Halo.

It holds ids, names and whether they are in use, and of agents the e-mail address, by which rules may name them. What a
value means is found in it as in Halo itself: the same `Lookups` read their lists from here.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatcher.errors import DispatcherError
from dispatcher.halo.client import Params, Shape
from dispatcher.halo.lookups import Entry, ListName, Lookups
from dispatcher.halo.payloads import UNASSIGNED_ID

FILE_NAME = "halo-snapshot.json"

# The list in which each ticket variable names records.
LIST_OF: dict[str, ListName] = {
    "team": "teams",
    "priority": "priorities",
    "state": "statuses",
    "ticketType": "ticket_types",
    "agent": "agents",
    **{f"category_{level}": "categories" for level in range(1, 5)},
}


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: int
    name: str
    active: bool = True


class _TicketType(_Row):
    """`sla_id`: the SLA that tickets of the type get, 0 for none."""

    sla_id: int = 0


class _Agent(_Row):
    email: str = ""


class _Priority(_Row):
    """`id` counts within the SLA."""

    sla_id: int | None = None


class _Category(_Row):
    """`name` is the whole path; `level` says in which of Halo's category lists it is."""

    level: int | None = None


class Snapshot(BaseModel):
    """Halo's names at one time."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    version: Literal[1] = 1
    taken_at: str = Field(description="when, as ISO 8601 in UTC")
    halo: str = Field(description="the resource server")
    ticket_types: Sequence[_TicketType]
    statuses: Sequence[_Row]
    teams: Sequence[_Row]
    agents: Sequence[_Agent]
    priorities: Sequence[_Priority]
    categories: Sequence[_Category]

    @classmethod
    async def take(cls, lookups: Lookups, halo: str, now: datetime) -> Snapshot:
        """Return what Halo has; raises HaloRequestError when it does not say."""
        types = await lookups.entries("ticket_types")
        return cls(
            taken_at=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            halo=halo,
            ticket_types=[_TicketType(**_row(entry), sla_id=await lookups.sla_of(entry)) for entry in types],
            statuses=[_Row(**_row(entry)) for entry in await lookups.entries("statuses")],
            teams=[_Row(**_row(entry)) for entry in await lookups.entries("teams")],
            agents=[_agent(entry) for entry in await lookups.entries("agents")],
            priorities=[_Priority(**_row(entry), sla_id=entry.sla_id) for entry in await lookups.entries("priorities")],
            categories=[_Category(**_row(entry), level=entry.level) for entry in await lookups.entries("categories")],
        )

    @classmethod
    def read(cls, path: str | Path) -> Snapshot:
        """Return the snapshot in a file; raises DispatcherError when there is none that can be read."""
        advice = "`dispatcher halo snapshot` writes one"
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise DispatcherError(f"{path}: cannot be read: {error.strerror}; {advice}") from None
        except UnicodeDecodeError:
            raise DispatcherError(f"{path}: this is no UTF-8 text; {advice}") from None
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise DispatcherError(f"{path}: no snapshot: {place and f'{place}: '}{first['msg']}; {advice}") from None

    def text(self) -> str:
        """Return the text of the file."""
        return json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n"

    def write(self, path: Path) -> None:
        """Put the snapshot in the place of what is in the file, all of it or nothing."""
        write_whole(path, self.text())

    def lookups(self) -> Lookups:
        """Return look-ups in this snapshot."""
        return Lookups(_Reader(self), math.inf)

    def names_for(self, variable: str) -> list[str]:
        """Return the names in use that a ticket variable can be set to, each once, in alphabetical order."""
        name = LIST_OF.get(variable)
        rows: Sequence[_Row] = getattr(self, name) if name is not None else ()
        level = int(variable[-1]) if name == "categories" else None
        if level is not None:
            numbers = [row.level for row in self.categories if row.level is not None]
            wanted = min(numbers, default=1) + level - 1
            rows = [row for row in self.categories if row.level in (None, wanted)]
        found = {row.name for row in rows if row.active and row.name}
        return sorted(found | ({"Unassigned"} if name == "agents" else set()), key=lambda name: (name.casefold(), name))


class _Reader:
    """Answers for a snapshot what Halo answers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {
            "TicketType": [
                {"id": row.id, "name": row.name, "sla_id": row.sla_id, "inactive": not row.active}
                for row in snapshot.ticket_types
            ],
            "Status": [{"id": row.id, "name": row.name, "inactive": not row.active} for row in snapshot.statuses],
            "Team": [{"id": row.id, "name": row.name, "inactive": not row.active} for row in snapshot.teams],
            "Agent": [
                {"id": row.id, "name": row.name, "email": row.email, "isdisabled": not row.active}
                for row in snapshot.agents
            ],
            "Priority": [
                {"priorityid": row.id, "name": row.name, "slaid": row.sla_id, "ishidden": not row.active}
                for row in snapshot.priorities
            ],
            "Category": [
                {"id": row.id, "value": row.name, "type_id": row.level, "inactive": not row.active}
                for row in snapshot.categories
            ],
        }

    async def get(self, path: str, shape: type[Shape], params: Params | None = None) -> Shape:  # noqa: ARG002 - as Halo's
        """Nothing: a snapshot keeps lists."""
        raise DispatcherError(f"a snapshot does not have {path}")

    async def get_all(self, path: str, shape: type[Shape], params: Params | None = None) -> list[Shape]:  # noqa: ARG002 - as Halo's
        """All rows of a list."""
        return [shape.model_validate(row) for row in self._rows.get(path, ())]


def write_whole(path: Path, text: str) -> None:
    """Put a text in the place of what is in a file, all of it or nothing; raises DispatcherError."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(name).chmod(0o644 if mode is None else mode)
            Path(name).replace(target)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DispatcherError(f"{path}: cannot be written: {error.strerror}") from None


def _row(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "name": entry.name, "active": not entry.off}


def _agent(entry: Entry) -> _Agent:
    if entry.id == UNASSIGNED_ID:
        # Nobody has no address; what else names nobody is what the tenant's language calls it.
        return _Agent(id=entry.id, name=next(iter(entry.also), entry.name))
    return _Agent(**_row(entry), email=next(iter(entry.also), ""))
