"""The one check that writes: a test ticket with a note, filed by the real writer, found, changed and deleted again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from dispatcher.halo.client import HaloClient
from dispatcher.halo.doctor.findings import Check, Result, failed, ok, warning
from dispatcher.halo.doctor.servers import SERVERS
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.models import Ticket
from dispatcher.halo.writer import CreatedTicket, HaloWriter
from dispatcher.ruleset import RuleSet

SUBJECT = "TEST of dispatcher, please delete"
CHANGED_SUBJECT = "TEST of dispatcher, changed, please delete"
_MESSAGE = "`dispatcher doctor --write-test-ticket` filed this ticket to see whether it may. Nobody needs help."


class Trial:
    """One test ticket in Halo."""

    def __init__(self, defaults: Mapping[str, Any], client: HaloClient, writer: HaloWriter) -> None:
        self._defaults = defaults
        self._client = client
        self._writer = writer
        self._reference = str(uuid.uuid4())
        self._ticket = {"name": "dispatcher doctor", "email": "", "subject": SUBJECT, "msg": _MESSAGE}
        self._decision = RuleSet([], defaults=defaults).decide(self._ticket).to_dict()
        self._created: CreatedTicket | None = None
        self._note_id: int | None = None

    def checks(self) -> tuple[Check, ...]:
        """The checks, in order; whatever fails in between, a ticket that was made is deleted."""
        made = ("test ticket",)
        return (
            Check("test ticket", self._create, SERVERS, "This takes the scope `edit:tickets`."),
            Check("find test ticket", self._find, made),
            Check("test note", self._add_note, made),
            Check("find test note", self._find_note, ("test note",)),
            Check("change test ticket", self._update, made),
            Check("delete test ticket", self._delete, made),
        )

    async def _create(self) -> Result:
        try:
            self._created = await self._writer.create_ticket(
                self._reference, self._ticket, self._decision, defaults=self._defaults, claim=_nobody_else
            )
        except HaloRequestError as error:
            doubt = "" if error.surely_not_processed else f"Look in Halo for a ticket called `{SUBJECT}`."
            return failed(str(error), doubt)
        number = self._created.halo_ticket_id
        if self._created.submission_errors:
            problems = "; ".join(f"{error.variable}: {error.reason}" for error in self._created.submission_errors)
            return warning(f"Filed as ticket {number}, but: {problems}.", "Correct [defaults].")
        return ok(f"filed as ticket {number}")

    async def _find(self) -> Result:
        found = await self._writer.find_ticket(self._reference)
        if found != self._number:
            return failed(
                f"By its reference Halo gives {'no ticket' if found is None else f'ticket {found}'}.",
                "Choose another way of finding tickets by the setting `find_by`.",
            )
        # A Halo that ignores the filter gives this ticket for any reference.
        await self._writer.find_ticket(str(uuid.uuid4()))
        return ok(f"its reference {self._reference} brings ticket {found}")

    async def _add_note(self) -> Result:
        self._note_id = await self._writer.add_note(
            self._number, self._reference, self._ticket, self._decision, (), (), claim=_nobody_else
        )
        return ok(f"note {self._note_id} of ticket {self._number}")

    async def _find_note(self) -> Result:
        found = await self._writer.find_note(self._number, self._reference)
        if found != self._note_id:
            return failed(f"By its reference Halo gives {'no note' if found is None else f'note {found}'}.")
        return ok(f"its reference brings note {found}")

    async def _update(self) -> Result:
        await self._writer.update_ticket(self._number, {"subject": CHANGED_SUBJECT}, defaults=self._defaults)
        summary = (await self._client.get(f"Tickets/{self._number}", Ticket)).summary
        if not summary.startswith(CHANGED_SUBJECT):
            return failed(f"Ticket {self._number} is still called `{summary}`.")
        return ok(f"ticket {self._number} is now called `{CHANGED_SUBJECT}`")

    async def _delete(self) -> Result:
        try:
            await self._client.delete(f"Tickets/{self._number}")
        except HaloRequestError as error:
            # An answer without JSON will do.
            if error.status is None or error.status >= 300:
                return warning(str(error), f"Delete ticket {self._number} in Halo by hand.")
        return ok(f"ticket {self._number} is gone")

    @property
    def _number(self) -> int:
        if self._created is None:
            raise RuntimeError("the test ticket comes first")
        return self._created.halo_ticket_id


async def _nobody_else() -> None:
    """Claim the test ticket: no other worker knows of it."""
