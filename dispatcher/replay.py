"""Replay: what rules decide for many tickets, one JSON object a line, in their order and on several cores.

Lines are read as results are taken, a chunk for each process at a time, so input of any length fits into memory. The
processes are given bytes and give JSON back; each loads the rules once, when it starts.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from dispatcher.decisions import Decision
from dispatcher.errors import DispatcherError
from dispatcher.lang.records import dataclass
from dispatcher.plain import Room, same, to_json_safe
from dispatcher.ruleset import RuleSet

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# What a process gets at a time: enough that handing it over takes no time beside deciding it.
CHUNK_LINES = 500
CHUNK_BYTES = 1_000_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ENDED = "a process of the replay has ended before its work was done"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a rule file that changed a ticket variable."""

    variable: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that counted as absent: what it failed with, and where."""

    type: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules decided for the ticket on a line, as JSON data.

    `values` are the variables that are no longer as they were; each place is told once, however often it was passed.
    """

    line: int
    values: dict[str, Any]
    refused: str | None
    places: tuple[Place, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no ticket, and why."""

    line: int
    reason: str


# The rules, and the time at which all tickets arrive.
Load = Callable[[], RuleSet]
Result = Replayed | Unreadable
# A result as it crosses between processes: without its line, and a text where the line is unreadable.
_Told = str | list[Any]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Lines that are decided by one process, and the number of the first."""

    start: int
    lines: list[bytes]


def replay(load: Load, lines: Iterable[bytes], *, now: datetime, processes: int | None = None) -> Iterator[Result]:
    """Yield what rules decide for the ticket on each line that is not blank; all tickets arrive `now`.

    `load` gives the rules, in each process anew, so it must be known by name there: a function of a module, or a
    `partial` of one or of `RuleSet.load`. As many processes as there are cores decide, or this one alone where there is
    one or the lines are few. Raises what `load` raises, before anything is read.
    """
    rules = load()
    chunks = _chunks(lines)
    first = list(islice(chunks, processes or os.cpu_count() or 1))
    if len(first) < 2:
        for chunk in chain(first, chunks):
            yield from _results(chunk, [_decided(rules, now, line) for line in chunk.lines])
        return
    with ExitStack() as stack:
        workers = [stack.enter_context(_started(load, now)) for _ in first]
        waiting = deque(zip(workers, first, strict=True))
        for worker, chunk in waiting:
            worker.send(chunk)
        for chunk in chunks:
            worker, done = waiting.popleft()
            told = worker.receive()
            # It goes on while these results are used.
            worker.send(chunk)
            waiting.append((worker, chunk))
            yield from _results(done, told)
        for worker, done in waiting:
            yield from _results(done, worker.receive())


def _chunks(lines: Iterable[bytes]) -> Iterator[_Chunk]:
    """Yield lines by the chunk, without their ends, and the number of the first."""
    chunk: list[bytes] = []
    size = 0
    for number, line in enumerate(lines, 1):
        # Line ends separate the lines of a chunk; where JSON has white space, one blank is as good.
        line = line.strip().replace(b"\n", b" ")
        chunk.append(line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line)
        size += len(line)
        if len(chunk) == CHUNK_LINES or size >= CHUNK_BYTES:
            yield _Chunk(number - len(chunk) + 1, chunk)
            chunk, size = [], 0
    if chunk:
        yield _Chunk(number - len(chunk) + 1, chunk)


def _results(chunk: _Chunk, told: Sequence[_Told | None]) -> Iterator[Result]:
    for line, one in enumerate(told, chunk.start):
        if isinstance(one, str):
            yield Unreadable(line, one)
        elif one is not None:
            values, refused, places, failures = one
            changed_at = tuple([Place(*place) for place in places])
            yield Replayed(line, values, refused, changed_at, tuple([Failure(*failure) for failure in failures]))


# --- deciding


def _decided(rules: RuleSet, now: datetime, line: bytes) -> _Told | None:
    """Return what is told of a line; None for a blank one."""
    if not line:
        return None
    ticket = _ticket(line)
    return ticket if isinstance(ticket, str) else _told(rules.decide(ticket, now=now))


def _ticket(line: bytes) -> dict[str, Any] | str:
    """Return the ticket on a line, or why there is none."""
    try:
        ticket = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError):
        return "the JSON nests too deep or holds a number that is too long"
    return ticket if isinstance(ticket, dict) else "a ticket is one JSON object"


def _told(decision: Decision) -> _Told:
    room = Room()
    before: dict[str, Any] = {}
    for change in decision.changes:
        before.setdefault(change.variable, change.old)
    last = {name: decision.action_variables[name] for name in before}
    return [
        {name: to_json_safe(value, room) for name, value in last.items() if not same(value, before[name])},
        to_json_safe(decision.refused, room),
        list(dict.fromkeys((change.variable, change.file, change.line) for change in decision.changes)),
        [(fault.type, fault.file, fault.line) for fault in decision.faults],
    ]


# --- other processes


class _Worker:
    """A process that decides one chunk at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, chunk: _Chunk) -> None:
        """Have a chunk decided, when the results of the one before are received."""
        try:
            self._connection.send_bytes(b"\n".join(chunk.lines))
        except OSError:
            raise DispatcherError(_ENDED) from None

    def receive(self) -> list[_Told | None]:
        """Return what is told of each line of the chunk."""
        try:
            told: list[_Told | None] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise DispatcherError(_ENDED) from None
        return told


@contextmanager
def _started(load: Load, now: datetime) -> Iterator[_Worker]:
    # Takes longer to import than a few tickets take to be decided.
    from multiprocessing import get_context

    # Spawned on every system: a copy of this process would have the locks of its threads, but not the threads.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, load, now), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _Worker(ours)
    finally:
        ours.close()
        # What it may still do is of no use to anybody.
        process.terminate()
        process.join()


def _work(connection: Connection, load: Load, now: datetime) -> None:
    """Decide chunks until the other end is closed."""
    try:
        rules = load()
        while True:
            told = [_decided(rules, now, line) for line in connection.recv_bytes().split(b"\n")]
            connection.send_bytes(json.dumps(told).encode("ascii"))
    except (EOFError, OSError, KeyboardInterrupt):
        # Nobody waits for more.
        return
