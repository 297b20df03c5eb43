"""Sending a ticket until Halo takes it: what its validation refuses is mended, and the ticket goes out again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.halo.client import Claim, HaloClient
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.mending import LAST_TRIES, Mending
from dispatcher.halo.models import Ticket, WrittenTicket
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.payloads import Content
from dispatcher.halo.resolution import Resolution

# Requests for one ticket in one attempt.
MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket as it would go out, and what could not be brought into it."""

    body: Mapping[str, Any]
    words: Content
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class Sent:
    """What went out, and what Halo made of it."""

    body: Mapping[str, Any]
    ticket: Ticket
    submission_errors: tuple[SubmissionError, ...]


async def send(
    client: HaloClient, mending: Mending, draft: Callable[[], Awaitable[Draft]], claim: Claim | None = None
) -> Sent:
    """Send what `draft` makes of the mended variables; raises HaloRequestError when nothing is taken.

    Each request comes after a claim of its own. Of an answer that may be a refusal, `mending` keeps what the next
    call, after a look at what became of this one, is to send instead.
    """
    for left in reversed(range(MOST_TRIES)):
        made = await draft()
        body = mending.changes.applied(made.body)
        try:
            ticket = await client.post("Tickets", body, Ticket, written=WrittenTicket, claim=claim)
        except HaloRequestError as error:
            fallen_back = frozenset(unknown.variable for unknown in made.resolution.submission_errors)
            if error.doubt:
                mending.doubt(error.doubt, body, fallen_back)
            if not (error.problem and left and mending.mend(error.problem, body, fallen_back, last=left <= LAST_TRIES)):
                raise
        else:
            changes = mending.changes
            errors = (*made.words.submission_errors, *changes.submission_errors, *made.resolution.submission_errors)
            return Sent(body, ticket, (*errors, *_dropped_fields(body, ticket)))
    raise AssertionError("the last try returns or raises")


def _dropped_fields(body: Mapping[str, Any], ticket: Ticket) -> tuple[SubmissionError, ...]:
    """The custom fields that Halo dropped: it takes those of the ticket type, and says nothing of others."""
    if ticket.customfields is None:
        return ()
    known = {name.casefold() for field in ticket.customfields for name in (str(field.id), field.name)}
    reason = "Halo's answer does not have this field: is it one of the ticket type?"
    sent = [(str(field.get("id", field.get("name"))), field["value"]) for field in body.get("customfields", ())]
    return tuple(
        SubmissionError("customfield", {key: value}, reason) for key, value in sent if key.casefold() not in known
    )
