"""The one check that writes: a test ticket with a note, filed by the real writer, found, changed and deleted again."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from dispatcher.halo.client import HaloClient
from dispatcher.halo.doctor.findings import Check, Result, failed, ok, skipped, warning
from dispatcher.halo.doctor.servers import SERVERS
from dispatcher.halo.errors import HaloRequestError, sentence
from dispatcher.halo.models import Action, Ticket
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import CreatedTicket, HaloWriter
from dispatcher.ruleset import RuleSet

SUBJECT = "TEST of dispatcher, please delete"
CHANGED_SUBJECT = "TEST of dispatcher, changed, please delete"
_MESSAGE = "`dispatcher doctor --write-test-ticket` filed this ticket to see whether it may. Nobody needs help."

# Who may not write, or not there, has written nothing.
_REFUSED = frozenset({403, 404, 405})
_log = logging.getLogger(__name__)


class Trial:
    """One test ticket in Halo."""

    def __init__(
        self, settings: HaloSettings, defaults: Mapping[str, Any], client: HaloClient, writer: HaloWriter
    ) -> None:
        self._defaults = defaults
        self._client = client
        self._writer = writer
        self._reference = str(uuid.uuid4())
        # For the catch-all user, so that nothing is told of an unknown requester.
        self._ticket = {
            "name": "dispatcher doctor",
            "email": settings.catch_all_user,
            "subject": SUBJECT,
            "msg": _MESSAGE,
        }
        self._decision = RuleSet([], defaults=defaults).decide(self._ticket).to_dict()
        self._created: CreatedTicket | None = None
        self._note_id: int | None = None
        # Whether there is, or may be, a ticket to delete.
        self._to_delete = False

    def checks(self) -> tuple[Check, ...]:
        """The checks, in order; whatever fails in between, a ticket that was made is deleted."""
        made = ("test ticket",)
        return (
            Check("test ticket", self._create, SERVERS, "This takes the scope `edit:tickets`."),
            Check("find test ticket", self._find, made),
            Check("test note", self._add_note, made),
            Check("find test note", self._find_note, ("test note",)),
            Check("change test ticket", self._update, made),
            Check("delete test ticket", self._delete, SERVERS),
        )

    async def aclose(self) -> None:
        """Delete the test ticket, when something broke off before that was done."""
        if self._to_delete:
            try:
                result = await self._delete()
            except HaloRequestError as error:
                result = failed(str(error), self._by_hand)
            if result.help:
                _log.warning("%s %s", result.detail, result.help)

    async def _create(self) -> Result:
        self._to_delete = True
        try:
            self._created = await self._writer.create_ticket(
                self._reference, self._ticket, self._decision, defaults=self._defaults, claim=_nobody_else
            )
        except HaloRequestError as error:
            self._to_delete = not (error.surely_not_processed or error.status in _REFUSED)
            return failed(str(error), self._by_hand if self._to_delete else "")
        number = self._created.halo_ticket_id
        problems = [f"{error.variable}: {error.reason}" for error in self._created.submission_errors]
        problems += self._created.remarks
        if problems:
            said = " ".join(map(sentence, problems))
            return warning(f"Filed as ticket {number}, but: {said}", "Correct [halo] and [defaults].")
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
        params = {"ticket_id": self._number, "excludesys": True}
        actions = await self._client.get_all("Actions", Action, params, rows_in="actions")
        if any(action.id == found and action.hiddenfromuser is False for action in actions):
            return failed(
                f"Note {found} is open to the end user.",
                "Set `note_outcome` to an outcome that hides it from the user.",
            )
        return ok(f"its reference brings note {found}")

    async def _update(self) -> Result:
        await self._writer.update_ticket(self._number, {"subject": CHANGED_SUBJECT}, defaults=self._defaults)
        summary = (await self._client.get(f"Tickets/{self._number}", Ticket)).summary
        if not summary.startswith(CHANGED_SUBJECT):
            return failed(f"Ticket {self._number} is still called `{summary}`.")
        return ok(f"ticket {self._number} is now called `{CHANGED_SUBJECT}`")

    async def _delete(self) -> Result:
        if not self._to_delete:
            return skipped("test ticket comes first")
        # An answer that was lost does not say whether there is a ticket.
        found = self._number if self._created else await self._writer.find_ticket(self._reference)
        if found is None:
            return warning("Halo has no ticket with the reference yet.", self._by_hand)
        self._to_delete = False
        try:
            await self._client.delete(f"Tickets/{found}")
        except HaloRequestError as error:
            # An answer without JSON will do.
            if error.status is None or error.status >= 300:
                return warning(str(error), f"Delete ticket {found} in Halo by hand.")
        return ok(f"ticket {found} is gone")

    @property
    def _by_hand(self) -> str:
        return f"Look in Halo for a ticket called `{SUBJECT}` with the reference {self._reference}, and delete it."

    @property
    def _number(self) -> int:
        if self._created is None:
            raise RuntimeError("the test ticket comes first")
        return self._created.halo_ticket_id


async def _nobody_else() -> None:
    """Claim the test ticket: no other worker knows of it."""
