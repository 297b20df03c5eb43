"""The values that rules and defaults set, as the fields that Halo takes.

A value that Halo does not know never costs the ticket: its default is filed, else the field is left to Halo.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.lookups import Entry, Lookups, Unresolved
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.payloads import custom_fields, is_unset

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Resolution:
    """Halo's fields with ids or texts (None: not set), and the values that none could be found for."""

    fields: dict[str, Any]
    submission_errors: tuple[SubmissionError, ...]


async def resolve(
    variables: Mapping[str, Any],
    defaults: Mapping[str, Any],
    lookups: Lookups,
    *,
    sla_id: int | None = None,
) -> Resolution:
    """Look up each variable that is set; `sla_id` is the SLA that the ticket has already."""
    settling = _Settling(variables, defaults)
    settle = settling.settle
    ticket_type = await settle("ticketType", lookups.ticket_type)
    status = await settle("state", lookups.status)
    # After the ticket type has fallen back, if it had to: a priority means something within its SLA only.
    priority = await settle("priority", partial(lookups.priority, ticket_type=ticket_type, sla_id=sla_id))
    team = await settle("team", lookups.team)
    agent = await settle("agent", lookups.agent, otherwise="Unassigned")
    categories = {
        f"category_{level}": _name(await settle(f"category_{level}", partial(lookups.category, level=level)))
        for level in range(1, 5)
    }
    impact = await settle("impact", lookups.impact)
    urgency = await settle("urgency", lookups.urgency)
    fields = {
        "tickettype_id": _id(ticket_type),
        "status_id": _id(status),
        "priority_id": _id(priority),
        "sla_id": priority.sla_id if priority else None,
        "team": _name(team),
        "agent_id": _id(agent),
        **categories,
        "impact": _id(impact),
        "urgency": _id(urgency),
        "customfields": await settle("customfield", _custom_fields) or None,
    }
    nameless = _nameless_fields(variables.get("customfield"))
    return Resolution(fields, (*settling.submission_errors, *nameless))


class _Settling:
    """Tries a variable's value, then its default, and keeps account of what failed."""

    def __init__(self, variables: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._variables = variables
        self._defaults = defaults
        self.submission_errors: list[SubmissionError] = []

    async def settle(
        self,
        variable: str,
        find: Callable[[Any], Awaitable[Found | Unresolved]],
        otherwise: str | None = None,
    ) -> Found | None:
        """What the variable comes to; `otherwise` names what is filed if neither value nor default fits."""
        value, default = self._variables.get(variable), self._defaults.get(variable)
        if is_unset(value):
            return None
        found = await _try(find, value)
        if not isinstance(found, Unresolved):
            return found
        fallback = None if is_unset(default) or default == value else await _try(find, default)
        if isinstance(fallback, Unresolved):
            fallback = None
        replacement = otherwise if fallback is None else default
        self.submission_errors.append(SubmissionError(variable, value, found.reason, replacement))
        return fallback


async def _try(find: Callable[[Any], Awaitable[Found | Unresolved]], value: Any) -> Found | Unresolved:
    try:
        return await find(value)
    except HaloRequestError as error:
        # While Halo is away the ticket waits; when it will not show the list, the field is given up.
        if error.retryable:
            raise
        return Unresolved(f"it could not be looked up. {error}")


async def _custom_fields(value: Any) -> list[dict[str, Any]] | Unresolved:
    fields = custom_fields(value)
    return Unresolved("write a mapping of field -> value") if fields is None else fields


def _nameless_fields(value: Any) -> tuple[SubmissionError, ...]:
    """What stands under no name in a mapping of custom fields."""
    items = value.items() if isinstance(value, Mapping) else ()
    reason = "a custom field goes by its id or its API name"
    return tuple(SubmissionError("customfield", {key: item}, reason) for key, item in items if not str(key).strip())


def _id(entry: Entry | None) -> int | None:
    return entry.id if entry else None


def _name(entry: Entry | None) -> str | None:
    return entry.name if entry else None
