"""Replay: some work for each ticket of a history, in the order of its lines and on several cores.

Lines are read as answers are taken, a chunk for each process at a time, so a history of any length fits into memory.
The processes are given bytes and give JSON back, as little as they can: what one process has to read and write for all
others is what limits them. They are started when it shows that there is enough to do for them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
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

# What a process gets at a time: enough that handing it over takes no time beside deciding it, and so little that
# answers come steadily, whatever a line takes.
CHUNK_LINES = 500
CHUNK_BYTES = 1_000_000
CHUNK_SECONDS = 0.2
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
    chunks = _Chunks(lines)
    began = perf_counter()
    done = 0
    while processes == 1 or perf_counter() - began < alone_seconds:
        line = next(chunks.lines, None)
        if line is None:
            return
        yield line, work(line[2])
        done += 1
    chunks.took(done, perf_counter() - began)
    first = list(islice(chunks, processes))
    with ExitStack() as stack:
        waiting = deque((stack.enter_context(_started(begin)), chunk) for chunk in first)
        for worker, chunk in waiting:
            worker.send(chunk)
        while waiting:
            worker, done_lines = waiting.popleft()
            seconds, answers = worker.receive()
            chunks.took(len(answers), seconds)
            chunk = next(chunks, [])
            if chunk:
                # It goes on while these answers are used.
                worker.send(chunk)
                waiting.append((worker, chunk))
            yield from zip(done_lines, answers, strict=True)


class _Chunks:
    """Yields lines by as many as take about CHUNK_SECONDS, as far as that is known."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = iter(lines)
        self._most = CHUNK_LINES

    def took(self, count: int, seconds: float) -> None:
        """Hear what so many lines took."""
        if count and seconds > 0:
            self._most = max(min(int(count * CHUNK_SECONDS / seconds), CHUNK_LINES), 1)

    def __iter__(self) -> Iterator[list[Line]]:
        return self

    def __next__(self) -> list[Line]:
        chunk: list[Line] = []
        size = 0
        while len(chunk) < self._most and size < CHUNK_BYTES:
            line = next(self.lines, None)
            if line is None:
                break
            chunk.append(line)
            size += len(line[2])
        if not chunk:
            raise StopIteration
        return chunk


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

    def receive(self) -> tuple[float, list[Any]]:
        """Return the seconds that the chunk took, and the answer to each of its lines."""
        try:
            seconds, *answers = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise DispatcherError(_ENDED) from None
        return seconds, answers


@contextmanager
def _started(begin: Callable[[], Work]) -> Iterator[_Worker]:
    # Takes longer to import than a few tickets take to be decided.
    from multiprocessing import get_context

    # Spawned on every system: a copy of this process would have the locks of its threads, but not the threads.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, begin), daemon=True)
    try:
        with _interrupted_later():
            process.start()
        theirs.close()
        yield _Worker(ours)
    finally:
        ours.close()
        if process.pid is not None:
            # What it may still do is of no use to anybody.
            process.terminate()
            process.join()


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Let a process that is started here leave Ctrl-C, which the terminal sends to all, to this one.

    Here it counts when the block ends, which may take as long as Python takes to start.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    # What is blocked is inherited. Starting the first process starts this one before, which unblocks it again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, begin: Callable[[], Work]) -> None:
    """Work on chunks until the other end is closed."""
    try:
        # Where that is not inherited.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        work = begin()
        while True:
            texts = connection.recv_bytes().split(b"\n")
            began = perf_counter()
            answers = [work(text) for text in texts]
            connection.send_bytes(json.dumps([perf_counter() - began, *answers]).encode("ascii"))
    except (EOFError, OSError, KeyboardInterrupt):
        # Nobody waits for more.
        return
