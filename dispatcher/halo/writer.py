"""Files decided tickets in Halo, writes their private notes, changes tickets, and finds them again.

One call is one attempt. Whether to try again, and when, is for the caller, who reads it from the error: from
`create_ticket` and `add_note`, `surely_not_processed` means that nothing was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from dispatcher.halo import note, payloads
from dispatcher.halo.client import CallBudget, Claim, HaloClient, Purpose, purpose
from dispatcher.halo.errors import CannotTellError, HaloRequestError, sentence
from dispatcher.halo.filing import Draft, send
from dispatcher.halo.lookups import Entry, Lookups
from dispatcher.halo.mending import Mending
from dispatcher.halo.models import Action, Ticket, WrittenAction
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.requester import Directory, Known, Requester
from dispatcher.halo.resolution import resolve
from dispatcher.halo.settings import HaloSettings

# So many rows can be the answer of a filter that works, and are worth a request each.
FEW_TICKETS = 3
# Tickets whose type is remembered until their note is written.
MOST_TYPES = 10_000
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
        self._types: dict[int, int] = {}

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
        mending = Mending(variables, defaults)
        with _about_writing(surely_not_processed=True):
            requester = await self._directory.requester(ticket)
            asset = await self._directory.asset(payloads.text_of(ticket.get("hostname")), requester.client_id)

        async def draft() -> Draft:
            nonlocal requester
            with _about_writing(surely_not_processed=True):
                if mending.requester_problem:
                    requester = await self._another_requester(ticket, requester, mending)
                resolution = await resolve(mending.variables, defaults, self._lookups)
            words = payloads.content(
                ticket,
                variables,
                defaults,
                reference=reference,
                longest=mending.longest_details or settings.longest_text,
                longest_summary=mending.longest_summary or payloads.LONGEST_SUMMARY,
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

        sent = await send(self._client, mending, draft, claim)
        created = sent.ticket
        if created.tickettype_id is not None:
            self._remember_type(created.id, created.tickettype_id)
        warning = (f"Halo warned: {created.warning}",) if created.warning else ()
        remarks = (*requester.remarks, *asset.remarks, *mending.remarks, *warning)
        return CreatedTicket(created.id, sent.submission_errors, remarks)

    async def update_ticket(
        self, halo_ticket_id: int, variables: Mapping[str, Any], *, defaults: Mapping[str, Any]
    ) -> UpdatedTicket:
        """Change the fields of a ticket that these variables set, and no others; without any, ask nothing.

        It may be repeated: the same change twice is one.
        """
        mending = Mending(variables, defaults)
        sla_id = await self._sla_of(halo_ticket_id, variables)

        async def draft() -> Draft:
            resolution = await resolve(mending.variables, defaults, self._lookups, sla_id=sla_id)
            words = payloads.content({}, variables, defaults, longest=self._settings.longest_text)
            return Draft(payloads.update_body(halo_ticket_id, variables, words, resolution.fields), words, resolution)

        first = await draft()
        if first.body.keys() <= {"id"}:
            return UpdatedTicket(halo_ticket_id, {}, first.resolution.submission_errors)
        sent = await send(self._client, mending, draft)
        fields = {name: value for name, value in sent.body.items() if name != "id"}
        return UpdatedTicket(halo_ticket_id, fields, sent.submission_errors)

    async def find_ticket(self, reference: str) -> int | None:
        """The id of the ticket with our reference; None when Halo surely has none.

        A filter that Halo does not know brings all tickets, so the returned values are compared. When they
        show that it was ignored, nobody can tell: CannotTellError.
        """
        field = self._settings.find_by
        name = _FILTERS[field]
        with _about_writing(surely_not_processed=False):
            rows = await self._client.get_all(
                "Tickets", Ticket, {name: reference}, rows_in="tickets", most_pages=1, strict=True
            )
            if len(rows) <= FEW_TICKETS and not any(getattr(row, field) for row in rows):
                # Lists have fewer fields than tickets, and which ones differs.
                rows = [await self._client.get(f"Tickets/{row.id}", Ticket) for row in rows]
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
        html = note.to_html(parts, self._settings.longest_text)

        async def write(outcome: Mapping[str, Any]) -> int:
            body = payloads.note_body(halo_ticket_id, outcome, html)
            try:
                return (await self._client.post("Actions", body, Action, written=WrittenAction, claim=claim)).id
            except HaloRequestError as error:
                # A setting of Halo's: tickets of the default client take no notes until someone moves them.
                error.retryable |= "must be moved" in error.problem
                raise

        with _about_writing(surely_not_processed=True):
            outcome = await self._outcome()
        try:
            return await write(outcome)
        except HaloRequestError as error:
            if not _is_about_outcome(error):
                raise
            refused = error
        with _about_writing(surely_not_processed=True):
            others = await self._other_outcomes(halo_ticket_id, refused)
        for other in others:
            if {"outcome_id": other.id} == outcome:
                continue
            try:
                return await write({"outcome_id": other.id})
            except HaloRequestError as error:
                if not _is_about_outcome(error):
                    raise
        raise refused

    async def find_note(self, halo_ticket_id: int, reference: str) -> int | None:
        """The number of the note that carries our reference; None when the ticket surely has none."""
        with _about_writing(surely_not_processed=False):
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

    async def check_catch_all(self) -> None:
        """Raise HaloRequestError, which says what to do, when the catch-all user is missing."""
        with purpose(Purpose.LOOKUP):
            await self._directory.check_catch_all()

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

    async def _other_outcomes(self, halo_ticket_id: int, refused: HaloRequestError) -> Sequence[Entry]:
        try:
            if halo_ticket_id not in self._types:
                ticket = await self._client.get(f"Tickets/{halo_ticket_id}", Ticket)
                if ticket.tickettype_id is None:
                    return ()
                self._remember_type(halo_ticket_id, ticket.tickettype_id)
            return await self._lookups.note_outcomes(self._types[halo_ticket_id])
        except HaloRequestError as error:
            if error.retryable:
                raise
            raise refused from error

    async def _another_requester(self, ticket: Mapping[str, Any], refused: Requester, mending: Mending) -> Requester:
        """The catch-all user in place of one whom Halo refuses; of two refused, Halo chooses."""
        problem, mending.requester_problem = mending.requester_problem, ""
        why = f"Halo refused the requester: {sentence(problem)}"
        other = await self._directory.catch_all(ticket, why)
        if other.user_id == refused.user_id:
            return Requester(None, None, None, (*refused.remarks, why), payloads.text_of(ticket.get("name")))
        return other

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

    def _remember_type(self, halo_ticket_id: int, ticket_type_id: int) -> None:
        self._types[halo_ticket_id] = ticket_type_id
        if len(self._types) > MOST_TYPES:
            del self._types[next(iter(self._types))]


def _carries(value: str, reference: str, field: str) -> bool:
    """Whether a field of a ticket holds our reference and no longer one."""
    if field == "summary":
        return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", value, re.IGNORECASE) is not None
    return value.casefold() == reference.casefold()


def _is_about_outcome(error: HaloRequestError) -> bool:
    """Whether another outcome may help: "An Outcome must be entered", "You do not have access to this Action"."""
    return re.search(r"outcome|access to this action", error.problem, re.IGNORECASE) is not None


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
