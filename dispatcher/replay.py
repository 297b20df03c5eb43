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
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from dispatcher.decisions import Decision
from dispatcher.lang.records import dataclass
from dispatcher.plain import Room, same, to_json_safe
from dispatcher.ruleset import RuleSet

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Lines that a process gets at a time: enough that handing them over takes no time beside deciding them.
CHUNK = 500
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
_Chunk = tuple[int, list[bytes]]


def replay(load: Load, lines: Iterable[bytes], *, now: datetime, processes: int | None = None) -> Iterator[Result]:
    """Yield what rules decide for the ticket on each line that is not blank; all tickets arrive `now`.

    `load` gives the rules, in each process anew, so it must be known by name there: a function of a module, or a
    `partial` of one or of `RuleSet.load`. As many processes as there are cores decide, or this one alone where there is
    one or the lines are few. Raises what `load` raises, before anything is read.
    """
    rules = load()
    chunks = _chunks(lines)
    first = list(islice(chunks, 2))
    count = processes if processes is not None else os.cpu_count() or 1
    if count <= 1 or len(first) <= 1:
        decide = partial(_decided, rules, now)
        for start, chunk in _chained(first, chunks):
            yield from _results(start, chunk, map(decide, chunk))
        return
    with ExitStack() as stack:
        workers = deque(stack.enter_context(_worker(load, now)) for _ in range(count))
        waiting: deque[tuple[Connection, _Chunk]] = deque()
        for start, chunk in _chained(first, chunks):
            if not workers:
                # The process goes on with the next chunk while the results of the last one are used.
                worker, (begun, done) = waiting.popleft()
                told = _received(worker)
                _send(worker, chunk)
                waiting.append((worker, (start, chunk)))
                yield from _results(begun, done, told)
            else:
                worker = workers.popleft()
                _send(worker, chunk)
                waiting.append((worker, (start, chunk)))
        for worker, (begun, done) in waiting:
            yield from _results(begun, done, _received(worker))


def _chunks(lines: Iterable[bytes]) -> Iterator[_Chunk]:
    """Yield lines by the chunk, with the number of the first."""
    start, rest = 1, iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        if start == 1:
            chunk[0] = chunk[0].removeprefix(BYTE_ORDER_MARK)
        yield start, chunk
        start += len(chunk)


def _chained(first: Sequence[_Chunk], rest: Iterator[_Chunk]) -> Iterator[_Chunk]:
    yield from first
    yield from rest


def _results(start: int, chunk: Sequence[bytes], told: Iterable[_Told | None]) -> Iterator[Result]:
    for line, one in zip(range(start, start + len(chunk)), told, strict=True):
        if isinstance(one, str):
            yield Unreadable(line, one)
        elif one is not None:
            values, refused, places, failures = one
            yield Replayed(
                line,
                values,
                refused,
                tuple(Place(*place) for place in places),
                tuple(Failure(*failure) for failure in failures),
            )


# --- deciding


def _decided(rules: RuleSet, now: datetime, line: bytes) -> _Told | None:
    """Return what is told of a line; None for a blank one."""
    if not line.strip():
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


@contextmanager
def _worker(load: Load, now: datetime) -> Iterator[Connection]:
    """A process that decides chunks, by the connection to it."""
    # Takes longer to import than a few tickets take to be decided.
    from multiprocessing import get_context

    # Spawned everywhere: a copy of this process would have its threads' locks, but not its threads.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, load, now), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        # Its work is of no use to anybody any more.
        process.terminate()
        process.join()


def _work(connection: Connection, load: Load, now: datetime) -> None:
    decide = partial(_decided, load(), now)
    try:
        while True:
            count = int(connection.recv_bytes())
            told = [decide(connection.recv_bytes()) for _ in range(count)]
            connection.send_bytes(json.dumps(told).encode("ascii"))
    except (EOFError, KeyboardInterrupt):
        # The replay is over, or will be.
        return
