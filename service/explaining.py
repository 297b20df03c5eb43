"""Explaining kept tickets: the rules that decided a ticket, asked why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dispatcher.errors import DispatcherError
from dispatcher.explain import explain
from dispatcher.plain import to_json_safe
from service.store import Store
from service.tickets import NoTicketError
from service.versions import Versions


class NotKeptError(DispatcherError):
    """A ticket of which too little is kept to explain it."""


def explain_kept(
    store: Store,
    versions: Versions,
    ticket_id: str,
    *,
    why: str | None = None,
    why_not: tuple[str | None, int] | None = None,
) -> dict[str, Any]:
    """Return why a kept ticket was decided as it was, by the rules of then, with `as_decided`: whether they still do.

    Another version of dispatcher may decide otherwise. Raises NoTicketError, NotKeptError, NoRevisionError for rules
    that were never in force here, UnusableRevisionError, and DispatcherError for a variable or line that is none.
    """
    kept = store.get(ticket_id)
    if kept is None:
        raise NoTicketError(f"There is no ticket `{ticket_id}`.")
    if kept.payload is None or kept.decision is None:
        raise NotKeptError(f"What the ticket {ticket_id} said is no longer kept, so that nobody can say why.")
    received_at = datetime.fromisoformat(kept.decision["received_at"])
    ruleset = versions.ruleset(kept.decision["revision"], received_at)
    ticket = kept.payload | kept.decision.get("looked_up", {})
    found = explain(ruleset, ticket, now=received_at, why=why, why_not=why_not)
    values = to_json_safe(found.decision.action_variables)
    return {**found.to_dict(), "as_decided": values == kept.decision["action_variables"]}
