"""Replay: some work for each ticket of a history, in the order of its lines and on several cores.

Lines are read as answers are taken, a chunk for each process at a time, so a history of any length fits into memory.
The processes are given bytes and give JSON back, as little as they can: what one process has to read and write for all
others is what limits them. They are started when it shows that there is enough to do for them.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from dispatcher.errors import DispatcherError
from dispatcher.history import Line

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# What is made of the text of a line, as JSON data.
Work: TypeAlias = Callable[[bytes], Any]

# What a process gets at a time: enough that handing it over takes no time beside deciding it.
CHUNK_LINES = 500
CHUNK_BYTES = 1_000_000
# About as long as it takes to start processes.
ALONE_SECONDS = 0.3
_ENDED = "a process of the replay has ended before its work was done"


def replay(
    work: Work,
    begin: Callable[[], Work],
    lines: Iterable[Line],
    *,
    processes: int | None = None,
    alone_seconds: float = ALONE_SECONDS,
) -> Generator[tuple[Line, Any], None, None]:
    """Yield each line with what `work` makes of it.

    This process works alone for `alone_seconds`. Then others do, as many as there are cores or as `processes` says;
    there `begin` gives the work, so it must be known by name: a function of a module, or a `partial` of one.
    """
    processes = processes or os.cpu_count() or 1
    chunks = _chunks(lines)
    until = perf_counter() + alone_seconds
    while processes == 1 or perf_counter() < until:
        chunk = next(chunks, None)
        if chunk is None:
            return
        for line in chunk:
            yield line, work(line[2])
    first = list(islice(chunks, processes))
    with ExitStack() as stack:
        waiting = deque((stack.enter_context(_started(begin)), chunk) for chunk in first)
        for worker, chunk in waiting:
            worker.send(chunk)
        for chunk in chunks:
            worker, done = waiting.popleft()
            answers = worker.receive()
            # It goes on while these answers are used.
            worker.send(chunk)
            waiting.append((worker, chunk))
            yield from zip(done, answers, strict=True)
        for worker, done in waiting:
            yield from zip(done, worker.receive(), strict=True)


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line[2])
        if len(chunk) == CHUNK_LINES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class _Worker:
    """A process that works on one chunk at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, chunk: Sequence[Line]) -> None:
        """Have a chunk worked on, when the answers to the one before are received."""
        try:
            self._connection.send_bytes(b"\n".join([text for _, _, text in chunk]))
        except OSError:
            raise DispatcherError(_ENDED) from None

    def receive(self) -> list[Any]:
        """Return the answer to each line of the chunk."""
        try:
            answers: list[Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise DispatcherError(_ENDED) from None
        return answers


@contextmanager
def _started(begin: Callable[[], Work]) -> Iterator[_Worker]:
    # Takes longer to import than a few tickets take to be decided.
    from multiprocessing import get_context

    # Spawned on every system: a copy of this process would have the locks of its threads, but not the threads.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, begin), daemon=True)
    with _uninterrupted():
        process.start()
    theirs.close()
    try:
        yield _Worker(ours)
    finally:
        ours.close()
        # What it may still do is of no use to anybody.
        process.terminate()
        process.join()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a process that is started here leave Ctrl-C, which the terminal sends to all, to this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(connection: Connection, begin: Callable[[], Work]) -> None:
    """Work on chunks until the other end is closed."""
    try:
        work = begin()
        while True:
            answers = [work(text) for text in connection.recv_bytes().split(b"\n")]
            connection.send_bytes(json.dumps(answers).encode("ascii"))
    except (EOFError, OSError, KeyboardInterrupt):
        # Nobody waits for more.
        return
