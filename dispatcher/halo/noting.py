"""Writing private notes, and finding them again.

Where a ticket's type does not take the outcome, others are tried that do not show the note to the end user either.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from dispatcher.halo import note, payloads
from dispatcher.halo.blame import is_too_long
from dispatcher.halo.client import Claim, HaloClient
from dispatcher.halo.errors import HaloRequestError, about_writing
from dispatcher.halo.lookups import Entry, Lookups
from dispatcher.halo.models import Action, Ticket, WrittenAction
from dispatcher.halo.note import Section
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.tables import remember

SHORT_NOTE = 2_000
# A note that Halo refuses in every way waits for a person: who moves the ticket, or corrects the outcome.
REFUSED_PAUSE_SECONDS = 900.0

_log = logging.getLogger(__name__)
_Way = tuple[dict[str, Any], str]


class Noting:
    """Writes the notes of one Halo."""

    def __init__(self, client: HaloClient, lookups: Lookups, settings: HaloSettings) -> None:
        self._client = client
        self._lookups = lookups
        self._settings = settings
        self._types: dict[int, int] = {}
        # How often an answer left it open whether it was a refusal.
        self._doubts: dict[str, int] = {}

    def remember_type(self, halo_ticket_id: int, ticket_type_id: int) -> None:
        """Keep a new ticket's type until its note is written."""
        remember(self._types, halo_ticket_id, ticket_type_id)

    async def add(self, halo_ticket_id: int, reference: str, parts: Sequence[Section], claim: Claim) -> int:
        """Write the note, each try after a claim; answers its number within the ticket."""
        html = note.to_html(parts, self._settings.longest_text)
        short = note.to_html(parts, SHORT_NOTE)
        doubts = self._doubts.get(reference, 0)
        with about_writing(surely_not_processed=True):
            wanted = await self._outcome()
            # The second time it is no accident.
            others = await self._others(halo_ticket_id, wanted) if doubts > 1 else None
        ways: list[_Way] = [(wanted, html), *((other, html) for other in others or ())]
        ways += [] if short == html else [(wanted, short)]
        ways = ways[min(max(doubts - 1, 0), len(ways) - 1) :]
        refused: HaloRequestError | None = None
        while ways:
            outcome, text = ways.pop(0)
            if refused is not None and is_too_long(refused.problem) and text != short:
                continue
            try:
                number = await self._write(halo_ticket_id, payloads.note_body(halo_ticket_id, outcome, text), claim)
            except HaloRequestError as error:
                if error.doubt:
                    remember(self._doubts, reference, doubts + 1)
                if not error.problem:
                    raise
                refused = refused or error
                if others is None:
                    with about_writing(surely_not_processed=True):
                        others = await self._others(halo_ticket_id, wanted)
                    ways[:0] = [(other, html) for other in others]
            else:
                self._doubts.pop(reference, None)
                return number
        if refused is None:
            raise AssertionError("there is a way to try")
        refused.retryable, refused.retry_after_seconds = True, REFUSED_PAUSE_SECONDS
        raise refused

    async def find(self, halo_ticket_id: int, reference: str) -> int | None:
        """The number of the note that carries our reference; None when the ticket surely has none."""
        with about_writing(surely_not_processed=False):
            params = {"ticket_id": halo_ticket_id, "excludesys": True, "includehtmlnote": True}
            actions = await self._client.get_all("Actions", Action, params, rows_in="actions", strict=True)
            return next(
                (
                    action.id
                    for action in actions
                    if any(note.carries_reference(text, reference) for text in (action.note_html, action.note))
                ),
                None,
            )

    async def _write(self, halo_ticket_id: int, body: dict[str, Any], claim: Claim) -> int:
        action = await self._client.post("Actions", body, Action, written=WrittenAction, claim=claim)
        if action.ticket_id not in (None, halo_ticket_id):
            raise HaloRequestError(
                f"POST Actions: Halo's answer is about ticket {action.ticket_id} instead of {halo_ticket_id}: look "
                "before trying again.",
                retryable=True,
            )
        if action.hiddenfromuser is False:
            _log.warning(
                "the private note is open to the end user in Halo: set `note_outcome` to an outcome that hides it",
                extra={"halo_id": halo_ticket_id},
            )
        return action.id

    async def _outcome(self) -> dict[str, Any]:
        """The note's outcome by its id, or by its name where the list does not help: Halo takes both."""
        wanted = self._settings.note_outcome
        if isinstance(wanted, int):
            return {"outcome_id": wanted}
        try:
            found = await self._lookups.outcome(wanted)
        except HaloRequestError as error:
            if error.retryable:
                raise
            return {"outcome": wanted}
        return {"outcome_id": found.id} if isinstance(found, Entry) else {"outcome": wanted}

    async def _others(self, halo_ticket_id: int, wanted: dict[str, Any]) -> Sequence[dict[str, Any]]:
        """The outcomes to try beside the wanted one; none where they cannot be read."""
        try:
            if halo_ticket_id not in self._types:
                ticket = await self._client.get(f"Tickets/{halo_ticket_id}", Ticket)
                if ticket.tickettype_id is None:
                    return ()
                self.remember_type(halo_ticket_id, ticket.tickettype_id)
            found = await self._lookups.note_outcomes(self._types[halo_ticket_id])
        except HaloRequestError as error:
            if error.retryable:
                raise
            return ()
        return [other for entry in found if (other := {"outcome_id": entry.id}) != wanted]
