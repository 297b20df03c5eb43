"""Tickets as people see them, and what people do with those that stopped: REST and the command line show this.

What is returned is data as both write it: times as ISO 8601 in UTC, None for what is not there or no longer kept.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from dispatcher.errors import DispatcherError
from service import retention
from service.intake import ID_PATTERN
from service.settings import problem_of_default
from service.store import Attempt, Stage, State, Store, StoredTicket

MOST = 500

_log = logging.getLogger(__name__)


class NoTicketError(DispatcherError):
    """An id that no ticket has."""


class WrongStateError(DispatcherError):
    """Something that cannot be done with a ticket as it stands; the text says what can."""


class DefaultsError(DispatcherError):
    """Defaults for names that there can be none for: `problems` says why, by name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


class Tickets:
    """The tickets of a store, for any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def page(self, states: Collection[State] = (), before: str | None = None, limit: int = MOST) -> dict[str, Any]:
        """Return the newest tickets in these states (none named: in any), and where the next page begins."""
        found = self.store.tickets(states, before, limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return {"tickets": [_summary(ticket) for ticket in found[:limit]], "next": more}

    def view(self, ticket_id: str) -> dict[str, Any]:
        """Return a ticket and how far it got."""
        ticket = self._get(ticket_id)
        kept = {
            "decision": ticket.decision,
            "defaults": ticket.defaults,
            "submission_errors": ticket.submission_errors,
            "remarks": ticket.remarks,
        }
        return _summary(ticket) | kept

    def attempts(self, ticket_id: str) -> list[dict[str, Any]]:
        """Return every attempt at filing a ticket, with what Halo answered."""
        return [_attempt(attempt) for attempt in self.store.attempts(self._get(ticket_id).id)]

    def replay(self, ticket_id: str, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """File a stopped ticket after all, with other `defaults` than before if some are given.

        The decision stays. What may be in Halo is looked for before it is created.
        """
        _check(defaults)
        ticket = self._get(ticket_id)
        if not self.store.reopen(ticket.id, defaults):
            raise _not_now(self._get(ticket_id), "replayed", "a ticket that is dead, cancelled or in review")
        return self._changed(ticket.id, "replayed")

    def replay_dead(self, defaults: Mapping[str, Any] | None = None) -> int:
        """Replay all dead tickets, and return how many there were."""
        _check(defaults)
        number = self.store.reopen_dead(defaults)
        _log.info("dead tickets replayed", extra={"tickets": number})
        return number

    def resolve(self, ticket_id: str, halo_ticket_id: int | None) -> dict[str, Any]:
        """Go on with a ticket of which a person has seen where it is in Halo, or (None) that Halo does not have it."""
        self._get(ticket_id)
        if not self.store.resolve(ticket_id, halo_ticket_id):
            raise _not_now(self._get(ticket_id), "resolved", "a stopped ticket that may be in Halo or not")
        return self._changed(ticket_id, "resolved")

    def resolve_note(self, ticket_id: str, halo_note_id: int | None) -> dict[str, Any]:
        """Do the same for the note of a ticket that is in Halo."""
        self._get(ticket_id)
        if not self.store.resolve_note(ticket_id, halo_note_id):
            raise _not_now(self._get(ticket_id), "resolved", "a stopped ticket whose note may be in Halo or not")
        return self._changed(ticket_id, "resolved")

    def doubt(self, ticket_id: str) -> Stage:
        """Return what of a ticket may be in Halo or not; the ticket itself, if nothing is in doubt."""
        return Stage.TICKET if self._get(ticket_id).halo_ticket_id is None else Stage.NOTE

    def cancel(self, ticket_id: str) -> dict[str, Any]:
        """Stop filing a ticket. What is on its way to Halo at this moment may get there."""
        self._get(ticket_id)
        if not self.store.cancel(ticket_id):
            raise _not_now(self._get(ticket_id), "cancelled", "a ticket that is not filed, refused or cancelled")
        return self._changed(ticket_id, "cancelled")

    def delete(self, ticket_id: str) -> None:
        """Delete a ticket and all that is known of it, its Idempotency-Key too. What is in Halo stays there."""
        ticket = self._get(ticket_id)
        if ticket.state is State.ACCEPTED:
            raise WrongStateError(f"The ticket {ticket_id} is on its way to Halo: cancel it first.")
        if not retention.delete(self.store.database, ticket_id):
            raise WrongStateError(f"A worker is still at the ticket {ticket_id}. Try again in a minute.")
        _log.info("ticket deleted", extra={"ticket": ticket_id})

    def _changed(self, ticket_id: str, how: str) -> dict[str, Any]:
        _log.info("ticket %s by a person", how, extra={"ticket": ticket_id})
        return self.view(ticket_id)

    def _get(self, ticket_id: str) -> StoredTicket:
        # What cannot be an id is not looked up: not every text may be sent to every database.
        ticket = self.store.get(ticket_id) if re.fullmatch(ID_PATTERN, ticket_id) else None
        if ticket is None:
            raise NoTicketError(f"There is no ticket `{ticket_id}`.")
        return ticket


def _check(defaults: Mapping[str, Any] | None) -> None:
    problems = {name: problem for name in defaults or {} if (problem := problem_of_default(name))}
    if problems:
        raise DefaultsError(problems)


def _not_now(ticket: StoredTicket, what: str, which: str) -> WrongStateError:
    if ticket.payload is None or ticket.decision is None:
        return WrongStateError(f"The ticket {ticket.id} cannot be {what}: its content is no longer kept.")
    return WrongStateError(f"The ticket {ticket.id} is {ticket.state} and cannot be {what}: only {which} can.")


def _summary(ticket: StoredTicket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "state": ticket.state,
        "subject": (ticket.decision or {}).get("action_variables", {}).get("subject"),
        "halo_ticket_id": ticket.halo_ticket_id,
        "halo_note_id": ticket.halo_note_id,
        "attempts": ticket.attempts,
        "last_error": ticket.last_error,
        "created_at": _time(ticket.created_at),
        "updated_at": _time(ticket.updated_at),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "stage": attempt.stage,
        "started_at": _time(attempt.started_at),
        "ended_at": None if attempt.ended_at is None else _time(attempt.ended_at),
        "result": attempt.result,
        "status": attempt.status,
        "answer": attempt.answer,
        "worker": attempt.worker,
    }


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
