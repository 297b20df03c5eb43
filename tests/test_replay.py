"""Replaying does some work for each line, in order, however many processes there are."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.errors import DispatcherError
from dispatcher.history import Line
from dispatcher.replay import CHUNK_BYTES, CHUNK_LINES, CHUNK_SECONDS, Work, _Chunks, replay


def doubled(text: bytes) -> Any:
    """Return the number on a line twice; other lines as text."""
    number = json.loads(text)
    return [number, number] if isinstance(number, int) else text.decode()


def begin() -> Work:
    """Return the work for another process."""
    return doubled


def numbers(count: int) -> Iterator[Line]:
    """Yield lines with the numbers from 1 on."""
    for number in range(1, count + 1):
        yield "h", number, str(number).encode()


def answers(lines: Iterator[Line], processes: int = 1, alone_seconds: float = 0) -> list[Any]:
    """Return what the lines give."""
    found = list(replay(doubled, begin, lines, processes=processes, alone_seconds=alone_seconds))
    return [(line[1], answer) for line, answer in found]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("count", [0, 1, CHUNK_LINES, CHUNK_LINES + 1, 5 * CHUNK_LINES])
def test_any_number_of_processes_gives_the_same(count: int, processes: int) -> None:
    """Each line has its answer, in the order of the lines."""
    assert answers(numbers(count), processes) == [(number, [number, number]) for number in range(1, count + 1)]


def test_others_help_when_there_is_much_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done before there was time to start a process is done here, and all the rest elsewhere."""
    moments = itertools.count()
    monkeypatch.setattr("dispatcher.replay.perf_counter", lambda: next(moments))

    def here(_text: bytes) -> Any:
        return "here"

    found = list(replay(here, begin, numbers(40), processes=2, alone_seconds=8))
    assert [answer == "here" for _, answer in found] == [True] * 7 + [False] * 33


def test_chunks_are_small_where_lines_take_long() -> None:
    """A process gets no more than it soon has done, so that progress is seen and leaving early is quick."""
    chunks = _Chunks(numbers(10_000))
    assert len(next(chunks)) == CHUNK_LINES
    chunks.took(CHUNK_LINES, CHUNK_LINES * CHUNK_SECONDS / 4)
    assert len(next(chunks)) == 4
    chunks.took(4, 1000)
    assert len(next(chunks)) == 1
    chunks.took(1, 0.0)
    assert len(next(chunks)) == 1
    chunks.took(1, CHUNK_SECONDS / 1e6)
    assert len(next(chunks)) == CHUNK_LINES


def test_lines_are_read_as_answers_are_taken() -> None:
    """No more lines are read than the processes have to do, and leaving early ends them."""
    read = 0

    def endless() -> Iterator[Line]:
        nonlocal read
        while True:
            read += 1
            yield "h", read, b"1"

    found = replay(doubled, begin, endless(), processes=2, alone_seconds=0)
    assert [next(found)[1] for _ in range(2)] == [[1, 1], [1, 1]]
    assert read == 3 * CHUNK_LINES
    found.close()


def test_long_lines_make_short_chunks() -> None:
    """What is held at a time is bounded in bytes too."""
    read: list[int] = []

    def long() -> Iterator[Line]:
        for number in range(10):
            read.append(number)
            yield "h", number, b'"' + b"x" * (CHUNK_BYTES // 2) + b'"'

    found = replay(len, begin, long(), processes=2, alone_seconds=0)
    next(found)
    assert read == [0, 1, 2, 3, 4, 5]
    assert len(list(found)) == 9


def ends() -> Work:
    """End the process."""
    os.kill(os.getpid(), signal.SIGTERM)
    return doubled


def test_a_process_that_ends_is_told() -> None:
    """A replay whose processes were ended raises an error, and gives no half of the answers as if it were all."""
    with pytest.raises(DispatcherError, match=r"^a process of the replay has ended before its work was done$"):
        list(replay(doubled, ends, numbers(2 * CHUNK_LINES), processes=2, alone_seconds=0))


def ignores_interrupts() -> Work:
    """Return work that tells what Ctrl-C does to the process."""
    return lambda _text: signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.mark.skipif(os.name == "nt", reason="there, new processes do not inherit what signals do")
def test_ctrl_c_is_for_this_process() -> None:
    """The terminal sends it to all; other processes leave it to this one, which is as before."""
    before = signal.getsignal(signal.SIGINT)
    found = list(replay(doubled, ignores_interrupts, numbers(1), processes=2, alone_seconds=0))
    assert [answer for _, answer in found] == [True]
    assert signal.getsignal(signal.SIGINT) is before


class _InterruptedWhenSent:
    """What is sent to another process, and takes a Ctrl-C meanwhile."""

    def __reduce__(self) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return begin, ()


@pytest.mark.skipif(os.name == "nt", reason="there, nothing can be blocked")
def test_ctrl_c_is_not_lost_while_processes_start() -> None:
    """It is heard when the process has started, and ends the replay."""
    with pytest.raises(KeyboardInterrupt):
        list(replay(doubled, _InterruptedWhenSent(), numbers(1), processes=2, alone_seconds=0))  # type: ignore[arg-type]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
