"""History: tickets of the past, read as a stream of lines, one JSON object each.

A line is either a plain ticket, as a sender posts it, or an envelope around one:

    {"ticket": {...}, "received_at": "2026-03-02T17:45:00+01:00", "id": "...", "looked_up": {...}, "decision": {...}}

Of these keys only `ticket` must be there; null says that the ticket is no longer kept. What was looked up for a ticket
counts as part of it. Where an envelope names no time and no look-ups, those of its decision count.

Nothing here holds more than a line, so a history may be of any length.
"""

# ruff: noqa: PTH112, PTH113, PTH118, PTH123, PTH202, PTH208

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, tzinfo
from functools import partial
from typing import IO, Any, Literal, TypeAlias

from dispatcher.errors import DispatcherError
from dispatcher.lang.records import dataclass

STANDARD_INPUT = "-"
# What the tickets that the service keeps are called, in place of a file.
SERVICE = "service"
# What the tickets that come with a request are called.
GIVEN = "#"
# What is read of a folder. A `.json` file may hold one ticket on several lines.
LINES, DOCUMENT = (".ndjson", ".jsonl"), ".json"
# How what may hold a history begins, and is called, when it is compressed.
_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_COMPRESSED_NAMES = tuple(
    f"{name}{end}" for name in (*LINES, DOCUMENT) for end in (".gz", ".zip", ".bz2", ".xz", ".zst")
)
# In bytes; a service takes no longer tickets.
LONGEST_LINE = 16 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Where a line is, its number from 1 (0: the whole file), and its bytes, which hold no line end.
Line: TypeAlias = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True)
class History:
    """The lines of a history that are not blank, in order; `total` is how much there is, None: nobody knows.

    `more` tells that there are older tickets, which a limit has left out.
    """

    lines: Iterable[Line]
    total: int | None
    unit: Literal["bytes", "tickets"]
    more: bool = False

    def share(self, line: Line) -> int:
        """Return what a line is of the total, about."""
        return len(line[2]) + 1 if self.unit == "bytes" else 1


@dataclass(frozen=True, slots=True)
class PastTicket:
    """A ticket with what was looked up for it; None where it is no longer kept.

    `decision` is what was decided then, `submission_errors` what Halo did not take, None where that is not known.
    """

    ticket: dict[str, Any] | None
    received_at: datetime | None = None
    id: str | None = None
    decision: dict[str, Any] | None = None
    submission_errors: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a line holds no ticket."""

    reason: str


def open_history(argument: str) -> History:
    """Return the history in a file, in the files of a folder, by name, or in standard input.

    Raises DispatcherError where there is none, at once or while its lines are read.
    """
    if argument == STANDARD_INPUT:
        # The type says that there always is one.
        if getattr(sys, "stdin", None) is None:
            raise DispatcherError("standard input is closed, so there is no history in it")
        return History(_lines(sys.stdin.buffer, argument), None, "bytes")
    files = [argument]
    try:
        if os.path.isdir(argument):
            endings = (*LINES, DOCUMENT, *_COMPRESSED_NAMES)
            found = sorted(name for name in os.listdir(argument) if name.endswith(endings))
            files = [os.path.join(argument, name) for name in found]
        total = sum(os.path.getsize(file) for file in files)
        # A pipe has no size.
        known = all(os.path.isfile(file) for file in files)
        for file in files if known else ():
            # Not only when its turn comes.
            _refuse_compressed(file, _begin_of(file))
    except OSError as error:
        raise DispatcherError(f"{argument}: cannot be read: {error.strerror}") from None
    if not files:
        raise DispatcherError(f"{argument}: the folder has no *.ndjson, *.jsonl or *.json files")
    return History(_lines_of_files(files), total if known else None, "bytes")


def place(line: Line) -> str:
    """Return where a line is, to be opened."""
    file, number, _ = line
    return f"{file}:{number}" if number else file


def opened_by(line: Line, known_as: str | None) -> str:
    """Return by what a ticket can be opened: the place of its line in a file, else the id that it is known by."""
    return known_as if known_as and line[0] in (SERVICE, GIVEN) else place(line)


def read(text: bytes, zone: tzinfo | None = None) -> PastTicket | Unreadable:
    """Return what a line holds. Its time is told in `zone`, if one is given; a time without a zone is meant in that."""
    if len(text) > LONGEST_LINE:
        return Unreadable(f"longer than {LONGEST_LINE} bytes")
    try:
        found = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Unreadable(f"not UTF-8 at byte {error.start}")
    except json.JSONDecodeError as error:
        return Unreadable(f"not JSON: {error.msg} at column {error.colno}")
    except (ValueError, RecursionError):
        return Unreadable("the JSON nests too deep or holds a number that is too long")
    if not isinstance(found, dict):
        return Unreadable("a ticket is one JSON object")
    if isinstance(found.get("ticket", ""), dict | None):
        return _opened(found, zone)
    return PastTicket(found)


def past_tickets(lines: Iterable[Line], zone: tzinfo | None = None) -> Iterator[tuple[Line, PastTicket | Unreadable]]:
    """Yield each line with what it holds."""
    for line in lines:
        yield line, read(line[2], zone)


def _opened(envelope: Mapping[str, Any], zone: tzinfo | None) -> PastTicket | Unreadable:
    decision = envelope.get("decision")
    kept = decision if isinstance(decision, dict) else {}
    looked_up = envelope.get("looked_up", kept.get("looked_up")) or {}
    if not isinstance(looked_up, dict):
        return Unreadable("`looked_up` is one JSON object of variables")
    at = envelope.get("received_at", kept.get("received_at"))
    received_at: datetime | None = None
    if at is not None:
        with suppress(TypeError, ValueError, OverflowError):
            received_at = _in_zone(datetime.fromisoformat(at), zone)
        if received_at is None:
            return Unreadable("`received_at` is no time; write it as 2026-03-02T17:45:00+01:00")
    ticket, known_as, errors = envelope["ticket"], envelope.get("id"), envelope.get("submission_errors")
    return PastTicket(
        ticket={**ticket, **looked_up} if ticket is not None else None,
        received_at=received_at,
        id=str(known_as) if isinstance(known_as, str | int) else None,
        decision=decision if isinstance(decision, dict) else None,
        submission_errors=errors if isinstance(errors, list) else None,
    )


def _in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return moment.astimezone(zone) if zone else moment


def _lines_of_files(files: Iterable[str]) -> Iterator[Line]:
    for name in files:
        try:
            with open(name, "rb") as file:
                document = _document(file) if name.endswith(DOCUMENT) else None
                if document is not None:
                    yield name, 0, document
                else:
                    yield from _lines(file, name)
        except OSError as error:
            raise DispatcherError(f"{name}: cannot be read: {error.strerror}") from None


def _begin_of(name: str) -> bytes:
    with open(name, "rb") as file:
        return file.read(len(max(_COMPRESSED, key=len)))


def _refuse_compressed(name: str, text: bytes) -> None:
    if text.startswith(_COMPRESSED):
        raise DispatcherError(f"{name}: is compressed; unpack it first")


def _document(file: IO[bytes]) -> bytes | None:
    """Return the one JSON document of a file in one line, or None, with nothing read, where it holds no such."""
    text = file.read(LONGEST_LINE)
    try:
        json.loads(text.removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        file.seek(0)
        return None
    # Line ends are white space in JSON, where they are no part of a text.
    return text.removeprefix(_BYTE_ORDER_MARK).replace(b"\r", b" ").replace(b"\n", b" ").strip()


def _lines(file: IO[bytes], name: str) -> Iterator[Line]:
    # One byte more tells that a line is too long.
    for number, text in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), b""), 1):
        if number == 1:
            _refuse_compressed(name, text)
        if len(text) > LONGEST_LINE and not text.endswith(b"\n"):
            _skip_rest(file)
        text = (text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text).strip()
        if text:
            yield name, number, text


def _skip_rest(file: IO[bytes]) -> None:
    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass
