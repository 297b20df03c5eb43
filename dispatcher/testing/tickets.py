"""Where tests find rules and tickets: in files beside the tests file, or in what a request carries.

Whether there is a file is asked of `os.path`, which knows that no file has a name that is no name at all.
"""

# ruff: noqa: PTH110, PTH113

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol

from dispatcher import history
from dispatcher.checking import read_sources, read_text
from dispatcher.errors import DispatcherError
from dispatcher.lang.diagnostics import near_name
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source

TICKETS_FOLDER = "tickets"
RULES_SUFFIX = ".rules"


@dataclass(frozen=True, slots=True)
class Given:
    """A ticket of a test, known by its place; `received_at` is what its envelope says, if it has one."""

    place: str
    ticket: Mapping[str, Any]
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place at which there should be a ticket, and why there is none."""

    place: str
    reason: str


class Surroundings(Protocol):
    """What a tests file refers to by name."""

    def rules(self, named: str | None) -> list[tuple[str, Source]]:
        """Return path and text of each rule file that a tests file is for; raise DispatcherError if there is none."""

    def tickets(self, name: str, zone: tzinfo) -> Iterator[Given | Unreadable]:
        """Yield the tickets that a name stands for, without holding them; times of arrival are told in `zone`."""


class Folder:
    """The folder of a tests file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rules(self, named: str | None) -> list[tuple[str, Source]]:
        """Return path and text of the rule files in the folder, or of those that the tests file names."""
        place = self._path if named is None else self._path / portable(named)
        if named is None and not any(self._path.glob(f"*{RULES_SUFFIX}")):
            raise DispatcherError('there are no *.rules files beside it; name them at its top: rules = "../my.rules"')
        if not os.path.exists(place):
            raise DispatcherError(f"{place}: there is no such rule file or folder")
        sources = read_sources(place)
        folder = place if place.is_dir() else place.parent
        return [(os.path.normpath(folder / source.filename), source) for source in sources]

    def tickets(self, name: str, zone: tzinfo) -> Iterator[Given | Unreadable]:
        """Yield the tickets of a file in `tickets/`, else beside the tests file: one, or one on each line."""
        found = next((path for path in self._candidates(name) if os.path.isfile(path)), None)
        if found is None:
            yield Unreadable(name, f"there is no such ticket file{self._hint(name)}")
        elif found.suffix in history.LINES:
            yield from _of_lines(found, name, zone)
        else:
            yield _of_document(found, name, zone)

    def _candidates(self, name: str) -> tuple[Path, Path]:
        return self._path / TICKETS_FOLDER / portable(name), self._path / portable(name)

    def _hint(self, name: str) -> str:
        known = sorted(path.name for path in (self._path / TICKETS_FOLDER).glob("*") if path.is_file())
        near = near_name(name, known)
        return f"; {near}" if near else f" in {self._path / TICKETS_FOLDER} or {self._path}"


def portable(name: str) -> str:
    """Return the name of a file as all systems understand it, though it was written on Windows."""
    return name.replace("\\", "/")


class Carried:
    """Rules and tickets that come with the text of the tests."""

    def __init__(self, rules: Mapping[str, str], tickets: Mapping[str, Mapping[str, Any]]) -> None:
        self._rules = rules
        self._tickets = tickets

    def rules(self, named: str | None) -> list[tuple[str, Source]]:  # noqa: ARG002 - there are no others to name
        """Return all rules, in name order; a tests file that names others is for these here."""
        return [(name, Source(text, name)) for name, text in sorted(self._rules.items())]

    def tickets(self, name: str, zone: tzinfo) -> Iterator[Given | Unreadable]:
        """Yield the ticket of that name."""
        found = self._tickets.get(name)
        if found is None:
            near = near_name(name, self._tickets)
            yield Unreadable(name, "no ticket of this name comes with the tests" + (f"; {near}" if near else ""))
        else:
            yield _given(name, history.read(json.dumps(found).encode(), zone))


def _of_document(path: Path, name: str, zone: tzinfo) -> Given | Unreadable:
    """Return the ticket in a file, or where in it the mistake is."""
    try:
        text = read_text(path)
        json.loads(text)
    except DispatcherError as error:
        return Unreadable(name, str(error))
    except json.JSONDecodeError as error:
        return Unreadable(name, f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except (ValueError, RecursionError):
        # Told below.
        pass
    return _given(name, history.read(text.encode(), zone))


def _of_lines(path: Path, name: str, zone: tzinfo) -> Iterator[Given | Unreadable]:
    try:
        for (_, number, _), past in history.past_tickets(history.open_history(str(path)).lines, zone):
            yield _given(f"{name}:{number}", past)
    except DispatcherError as error:
        yield Unreadable(name, str(error))


def _given(place: str, past: history.PastTicket | history.Unreadable) -> Given | Unreadable:
    if isinstance(past, history.Unreadable):
        return Unreadable(place, past.reason)
    if past.ticket is None:
        return Unreadable(place, "the ticket is no longer kept")
    return Given(f"{place} ({past.id})" if past.id else place, past.ticket, past.received_at)
