"""Tickets on disk: every write adds the whole ticket as one line of JSON, and the last line of a ticket counts."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from dispatcher.errors import DispatcherError
from service.emulator.tickets import Ticket

# How every line begins.
_BEGIN = b'{"id": '


class JournalError(DispatcherError):
    """A file that cannot be read or written as a journal; the text names it."""


class Journal:
    """The file of one emulator. What it was given is with the system when `add` returns, so a kill loses nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def tickets(self) -> dict[int, Ticket]:
        """Return what the file holds; a last line that was cut short by the end of a process is dropped."""
        self._file.seek(0)
        *lines, rest = self._file.read().split(b"\n")
        found: dict[int, Ticket] = {}
        for number, line in enumerate(lines, start=1):
            try:
                ticket = _from_json(json.loads(line))
            except (ValueError, KeyError, TypeError):
                raise self._foreign(number) from None
            found[ticket.id] = ticket
        if rest:
            if rest[: len(_BEGIN)] != _BEGIN[: len(rest)]:
                raise self._foreign(len(lines) + 1)
            self._file.truncate(sum(len(line) + 1 for line in lines))
        return found

    def _foreign(self, number: int) -> JournalError:
        return JournalError(f"{self._path}:{number}: not a ticket of the emulator; name another file")

    def add(self, ticket: Ticket) -> None:
        """Write down a ticket as it is now."""
        self._file.write(json.dumps(_to_json(ticket)).encode() + b"\n")

    def clear(self) -> None:
        """Forget everything."""
        self._file.truncate(0)


def _to_json(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        # JSON has no numbers as keys.
        "fields": ticket.fields | {"customfields": list(ticket.fields["customfields"].items())},
        "created_at": ticket.created_at.isoformat(),
        "updated_at": ticket.updated_at.isoformat(),
        "actions": ticket.actions,
        "deleted": ticket.deleted,
    }


def _from_json(written: dict[str, Any]) -> Ticket:
    fields = written["fields"]
    return Ticket(
        written["id"],
        fields | {"customfields": dict(fields["customfields"])},
        datetime.fromisoformat(written["created_at"]),
        datetime.fromisoformat(written["updated_at"]),
        written["actions"],
        written["deleted"],
    )
