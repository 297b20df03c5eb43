"""Files decided tickets in Halo, writes their private notes, changes tickets, and finds them again.

One call is one attempt. Whether to try again, and when, is for the caller, who reads it from the error: from
`create_ticket` and `add_note`, `surely_not_processed` means that nothing was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from dispatcher.halo import note, payloads
from dispatcher.halo.client import CallBudget, Claim, HaloClient, Params, Purpose, purpose
from dispatcher.halo.errors import CannotTellError, HaloRequestError, about_writing, sentence
from dispatcher.halo.filing import Draft, send
from dispatcher.halo.lookups import Entry, Lookups
from dispatcher.halo.mending import Changes, Mending, Requesting
from dispatcher.halo.models import Ticket
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.noting import Noting
from dispatcher.halo.requester import Directory, FoundAsset, Known, Requester, nobody
from dispatcher.halo.resolution import resolve
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.snapshot import Snapshot
from dispatcher.halo.tables import remember

# So many rows can be the answer of a filter that works, and are worth a request each.
FEW_TICKETS = 3
# Statuses by which Halo does not take a filter.
_REFUSED = frozenset({400, 422})
# Variables that have a value in every new ticket, and their fields; in a change they may stay as they are.
_ALWAYS_SET = {"agent": "agent_id", "subject": "summary", "msg": "details_html", "append": "details_html"}
# Our name for a field -> its filter.
_FILTERS = {
    "third_party_id_string": "third_party_id_string",
    "client_reference": "client_ref",
    "summary": "search_summary",
}


@dataclass(frozen=True, slots=True)
class CreatedTicket:
    """A filed ticket, and what its private note must tell."""

    halo_ticket_id: int
    submission_errors: tuple[SubmissionError, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdatedTicket:
    """A changed ticket: the fields that went out under Halo's names, and what could not be set."""

    halo_ticket_id: int
    fields: Mapping[str, Any]
    submission_errors: tuple[SubmissionError, ...]


class HaloWriter:
    """Writes to one Halo. It holds connections, a token and look-ups: keep one for each event loop."""

    def __init__(
        self,
        settings: HaloSettings,
        transport: httpx.AsyncBaseTransport | None = None,
        budget: CallBudget | None = None,
    ) -> None:
        self._settings = settings
        self._client = HaloClient(settings, transport, budget)
        self._lookups = Lookups(self._client, settings.lookup_max_age_seconds)
        self._directory = Directory(self._client, settings.catch_all_user, settings.lookup_max_age_seconds)
        self._noting = Noting(self._client, self._lookups, settings)
        # What is to be sent instead, of tickets whose refusal was in doubt.
        self._doubts: dict[str, Mending] = {}

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
        claim: Claim,
    ) -> CreatedTicket:
        """File the ticket under our reference. With warm look-ups: a request each for user, asset, ticket.

        When Halo's validation refuses it, it goes out again without what was refused, each time after a claim.
        """
        variables, settings = decision["action_variables"], self._settings
        mending = self._doubts.get(reference)
        if mending is None or not mending.is_of(variables, defaults):
            mending = Mending(variables, defaults)
        chosen: dict[Requesting, tuple[Requester, FoundAsset]] = {}

        async def draft() -> Draft:
            changes = mending.changes
            with about_writing(surely_not_processed=True):
                if changes.requesting not in chosen:
                    chosen[changes.requesting] = await self._choose(ticket, changes)
                resolution = await resolve(changes.variables, defaults, self._lookups)
            requester, asset = chosen[changes.requesting]
            words = payloads.content(
                ticket,
                variables,
                defaults,
                reference=reference,
                longest=changes.longest_details or settings.longest_text,
                longest_summary=changes.longest_summary or payloads.LONGEST_SUMMARY,
            )
            body = payloads.ticket_body(
                reference,
                words,
                resolution.fields,
                client_id=requester.client_id,
                site_id=requester.site_id,
                user_id=requester.user_id,
                user_name=requester.name,
                asset_id=asset.asset_id,
                source=settings.source,
                novalidate=settings.novalidate,
                dont_do_rules=settings.dont_do_rules,
                find_by=settings.find_by,
            )
            return Draft(body, words, resolution)

        try:
            sent = await send(self._client, mending, draft, claim)
        except HaloRequestError as error:
            if error.doubt:
                remember(self._doubts, reference, mending)
            raise
        self._doubts.pop(reference, None)
        created, (requester, asset) = sent.ticket, chosen[mending.changes.requesting]
        if created.third_party_id_string.strip().casefold() not in ("", reference.casefold()):
            raise HaloRequestError(
                f"POST Tickets: Halo's answer is about ticket {created.id}, which has another reference than "
                f"{reference}: look before trying again.",
                retryable=True,
            )
        if created.tickettype_id is not None:
            self._noting.remember_type(created.id, created.tickettype_id)
        warning = (f"Halo warned: {created.warning}",) if created.warning else ()
        remarks = (*requester.remarks, *asset.remarks, *mending.changes.remarks, *warning)
        return CreatedTicket(created.id, sent.submission_errors, remarks)

    async def update_ticket(
        self, halo_ticket_id: int, variables: Mapping[str, Any], *, defaults: Mapping[str, Any]
    ) -> UpdatedTicket:
        """Change the fields of a ticket that these variables set, and no others; without any, ask nothing.

        It may be repeated: the same change twice is one.
        """
        mending, longest = Mending(variables, defaults), self._settings.longest_text
        sla_id = await self._sla_of(halo_ticket_id, variables)
        mark = await self._mark_of(halo_ticket_id, variables)

        async def draft() -> Draft:
            resolution = await resolve(mending.changes.variables, defaults, self._lookups, sla_id=sla_id)
            words = payloads.content({}, variables, defaults, longest=longest)
            if mark:
                words = replace(words, summary=payloads.marked(words.summary, mark))
            return Draft(payloads.update_body(halo_ticket_id, variables, words, resolution.fields), words, resolution)

        made = await draft()
        fields: dict[str, Any] = {}
        errors = (*made.words.submission_errors, *made.resolution.submission_errors)
        if not made.body.keys() <= {"id"}:
            sent = await send(self._client, mending, draft)
            fields = {name: value for name, value in sent.body.items() if name != "id"}
            errors = sent.submission_errors
        # Without its field a variable stays what it is, instead of becoming `Unassigned` or a text of the message.
        errors = tuple(
            error if _ALWAYS_SET.get(error.variable, "id") in ("id", *fields) else replace(error, replacement=None)
            for error in errors
        )
        appended = not payloads.is_unset(variables.get("append")) and all(
            error.variable != "append" for error in errors
        )
        if appended and "details_html" not in fields:
            errors += (SubmissionError("append", variables["append"], "a change cannot add to the text of a ticket"),)
        return UpdatedTicket(halo_ticket_id, fields, errors)

    async def find_ticket(self, reference: str) -> int | None:
        """The id of the ticket with our reference; None when Halo surely has none.

        A filter that Halo does not know brings all tickets, so the returned values are compared. When they
        show that it was ignored, nobody can tell: CannotTellError.
        """
        field = self._settings.find_by
        name = _FILTERS[field]
        params: Params = {name: reference, "includeclosed": True}
        try:
            with about_writing(surely_not_processed=False):
                rows = await self._client.get_all(
                    "Tickets", Ticket, params, rows_in="tickets", most_pages=1, strict=True
                )
                if len(rows) <= FEW_TICKETS and not any(getattr(row, field) for row in rows):
                    # Lists have fewer fields than tickets, and which ones differs.
                    rows = await self._whole(rows)
        except HaloRequestError as error:
            if error.status not in _REFUSED or error.retryable:
                raise
            raise CannotTellError(f"{error} Search for the reference {reference} by hand.") from error
        values = [(row.id, getattr(row, field).strip()) for row in rows]
        found = [number for number, value in values if _carries(value, reference, field)]
        if found:
            return min(found)
        # A filter by "like" would bring values that contain the reference, but no others.
        if any(reference.casefold() not in value.casefold() for _, value in values):
            raise CannotTellError(
                f"GET Tickets: this Halo ignores the filter {name}, so whether it has the ticket with the reference "
                f"{reference} is unknown. Search for that reference by hand, and set `find_by` to another field.",
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
        *,
        claim: Claim,
    ) -> int:
        """Write the private note; answers its number within the ticket.

        Where the ticket's type does not take the outcome, a few others are tried, each after a claim.
        """
        parts = note.sections(ticket, decision, submission_errors, remarks, reference)
        return await self._noting.add(halo_ticket_id, reference, parts, claim)

    async def find_note(self, halo_ticket_id: int, reference: str) -> int | None:
        """The number of the note that carries our reference; None when the ticket surely has none."""
        return await self._noting.find(halo_ticket_id, reference)

    async def known_of(self, email: str) -> Known:
        """What Halo knows of an e-mail address; asked once in a while."""
        with purpose(Purpose.LOOKUP):
            return await self._directory.known_of(email)

    def rank(self, priority: Any) -> int | None:
        """How urgent a priority is, 1 first; None: not known without asking Halo."""
        return self._lookups.rank(priority)

    async def refresh(self) -> None:
        """Load the look-ups that are not loaded yet or will soon be old; for a background task.

        Raises HaloRequestError when Halo does not answer; the old ones serve on.
        """
        with purpose(Purpose.LOOKUP):
            await self._lookups.refresh()
            await self._directory.refresh()

    def lookups_age_seconds(self) -> float | None:
        """The age of the oldest look-up; None: not all are loaded."""
        return self._lookups.age_seconds()

    async def snapshot(self, now: datetime) -> Snapshot:
        """Halo's names, of lists as they are kept; loads those that are old."""
        with purpose(Purpose.LOOKUP):
            return await Snapshot.take(self._lookups, self._settings.resource_server, now)

    async def check_catch_all(self) -> None:
        """Raise HaloRequestError, which says what to do, when the catch-all user is missing."""
        with purpose(Purpose.LOOKUP):
            await self._directory.check_catch_all()

    async def _whole(self, rows: Sequence[Ticket]) -> list[Ticket]:
        """The tickets themselves; those that were deleted meanwhile are none."""
        tickets = []
        for row in rows:
            try:
                tickets.append(await self._client.get(f"Tickets/{row.id}", Ticket))
            except HaloRequestError as error:
                if error.status != HTTPStatus.NOT_FOUND or error.retryable:
                    raise
        return tickets

    async def _choose(self, ticket: Mapping[str, Any], changes: Changes) -> tuple[Requester, FoundAsset]:
        """For whom the ticket is, and the asset that it is about: one of the same client."""
        requester = await self._directory.requester(ticket)
        if changes.requesting is not Requesting.FOUND:
            refused, why = requester, f"Halo refused the requester: {sentence(changes.requester_problem)}"
            requester = await self._directory.catch_all(ticket, why)
            if changes.requesting is Requesting.NOBODY or requester.user_id == refused.user_id:
                requester = nobody(ticket, why)
        return requester, await self._directory.asset(payloads.text_of(ticket.get("hostname")), requester.client_id)

    async def _mark_of(self, halo_ticket_id: int, variables: Mapping[str, Any]) -> str:
        """The reference that a new summary must keep, where tickets are found by theirs; else ''."""
        if self._settings.find_by != "summary" or payloads.is_unset(variables.get("subject")):
            return ""
        current = await self._client.get(f"Tickets/{halo_ticket_id}", Ticket)
        mark = re.search(r"\[([^\[\]\s]+)\]\s*$", current.summary)
        return mark[1] if mark else ""

    async def _sla_of(self, halo_ticket_id: int, variables: Mapping[str, Any]) -> int | None:
        """The SLA within which a change names its priority, unless it names the ticket type, too."""
        is_unset = payloads.is_unset
        if is_unset(variables.get("priority")) or not is_unset(variables.get("ticketType")):
            return None
        current = await self._client.get(f"Tickets/{halo_ticket_id}", Ticket)
        if current.sla_id is not None and current.sla_id > 0:
            return current.sla_id
        found = await self._lookups.ticket_type(current.tickettype_id)
        return await self._lookups.sla_of(found) if isinstance(found, Entry) else None


def _carries(value: str, reference: str, field: str) -> bool:
    """Whether a field of a ticket holds our reference and no longer one."""
    if field == "summary":
        return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", value, re.IGNORECASE) is not None
    return value.casefold() == reference.casefold()
