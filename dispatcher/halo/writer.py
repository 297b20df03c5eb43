"""Files decided tickets in Halo, writes their private notes, and finds both again.

One call is one attempt. Whether to try again, and when, is for the caller, who reads it from the error: from
`create_ticket` and `add_note`, `surely_not_processed` means that nothing was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from dispatcher.halo import note, payloads
from dispatcher.halo.client import HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.lookups import Entry, Lookups
from dispatcher.halo.models import Action, Ticket
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.requester import Directory
from dispatcher.halo.resolution import resolve
from dispatcher.halo.settings import HaloSettings

# So many rows can be the answer of a filter that works, and are worth a request each.
FEW_TICKETS = 3


@dataclass(frozen=True, slots=True)
class CreatedTicket:
    """A filed ticket, and what its private note must tell."""

    halo_ticket_id: int
    submission_errors: tuple[SubmissionError, ...]
    remarks: tuple[str, ...]


class HaloWriter:
    """Writes to one Halo. It holds connections, a token and look-ups: keep one for each event loop."""

    def __init__(self, settings: HaloSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._client = HaloClient(settings, transport)
        self._lookups = Lookups(self._client, settings.lookup_max_age_seconds)
        self._directory = Directory(self._client, settings.catch_all_user, settings.lookup_max_age_seconds)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def create_ticket(
        self,
        reference: str,
        ticket: Mapping[str, Any],
        decision: Mapping[str, Any],
        *,
        defaults: Mapping[str, Any],
    ) -> CreatedTicket:
        """File the ticket under our reference. With warm look-ups: a request each for user, asset, ticket."""
        variables = decision["action_variables"]
        with _about_writing(surely_not_processed=True):
            requester = await self._directory.requester(ticket)
            hostname = payloads.text_of(ticket.get("hostname"))
            asset = await self._directory.asset(hostname, requester.client_id)
            resolution = await resolve(variables, defaults, self._lookups)
        words = payloads.content(ticket, variables, defaults)
        body = payloads.ticket_body(
            reference,
            words,
            resolution.fields,
            client_id=requester.client_id,
            site_id=requester.site_id,
            user_id=requester.user_id,
            asset_id=asset.asset_id,
            source=self._settings.source,
            novalidate=self._settings.novalidate,
            dont_do_rules=self._settings.dont_do_rules,
        )
        created = await self._client.post("Tickets", body, Ticket)
        warning = (f"Halo warned: {created.warning}",) if created.warning else ()
        return CreatedTicket(
            created.id,
            words.submission_errors + resolution.submission_errors + _dropped_fields(body, created),
            requester.remarks + asset.remarks + warning,
        )

    async def find_ticket(self, reference: str) -> int | None:
        """The id of the ticket with our reference; None when Halo surely has none.

        A filter that Halo does not know brings all tickets, so the returned values are compared. When they
        show that it was ignored, this is an error: then nobody can tell.
        """
        with _about_writing(surely_not_processed=False):
            params = {"third_party_id_string": reference}
            rows = await self._client.get_all("Tickets", Ticket, params, rows_in="tickets", most_pages=1)
            if len(rows) <= FEW_TICKETS and not any(row.third_party_id_string for row in rows):
                # Lists have fewer fields than tickets, and which ones differs.
                rows = [await self._client.get(f"Tickets/{row.id}", Ticket) for row in rows]
            found = [row.id for row in rows if row.third_party_id_string == reference]
            if found:
                return min(found)
            # A filter by "like" would bring values that contain the reference, but no others.
            if any(reference not in row.third_party_id_string for row in rows):
                raise HaloRequestError(
                    "GET Tickets: this Halo ignores the filter third_party_id_string, so whether it has the "
                    f"ticket with the reference {reference} is unknown. Search for that reference by hand.",
                )
            return None

    async def add_note(
        self,
        halo_ticket_id: int,
        reference: str,
        ticket: Mapping[str, Any],
        decision: Mapping[str, Any],
        submission_errors: Sequence[SubmissionError],
        remarks: Sequence[str],
    ) -> int:
        """Write the private note; answers its number within the ticket."""
        with _about_writing(surely_not_processed=True):
            outcome = await self._outcome()
        parts = note.sections(ticket, decision, submission_errors, remarks, reference)
        body = payloads.note_body(halo_ticket_id, outcome, note.to_html(parts))
        return (await self._client.post("Actions", body, Action)).id

    async def find_note(self, halo_ticket_id: int, reference: str) -> int | None:
        """The number of the note that carries our reference, if the ticket has it."""
        with _about_writing(surely_not_processed=False):
            params = {"ticket_id": halo_ticket_id, "excludesys": True, "includehtmlnote": True}
            actions = await self._client.get_all("Actions", Action, params, rows_in="actions")
            return next(
                (
                    action.id
                    for action in actions
                    if any(note.carries_reference(text, reference) for text in (action.note_html, action.note))
                ),
                None,
            )

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


def _dropped_fields(body: Mapping[str, Any], created: Ticket) -> tuple[SubmissionError, ...]:
    """The custom fields that Halo dropped: it takes those of the ticket type, and says nothing of others."""
    if created.customfields is None:
        return ()
    known = {name.casefold() for field in created.customfields for name in (str(field.id), field.name)}
    reason = "Halo's answer does not have this field: is it one of the ticket type?"
    sent = [(str(field.get("id", field.get("name"))), field["value"]) for field in body.get("customfields", ())]
    return tuple(
        SubmissionError("customfield", {key: value}, reason) for key, value in sent if key.casefold() not in known
    )


@contextmanager
def _about_writing(*, surely_not_processed: bool) -> Iterator[None]:
    """Let errors of reading say what they mean for the write in question.

    What is read before a write leaves Halo as it was; what is read to find a write says nothing about it.
    """
    try:
        yield
    except HaloRequestError as error:
        error.surely_not_processed = surely_not_processed
        raise
