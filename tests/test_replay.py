"""Replaying decides the ticket on each line, in order, whatever the lines hold and however many processes there are."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RulesError, RuleSet
from dispatcher.errors import DispatcherError
from dispatcher.replay import CHUNK_BYTES, CHUNK_LINES, Failure, Place, Replayed, Result, Unreadable, replay

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)
RULES = """\
if 'printer' in msg:
    team = 'Hardware'
    priority = 1
if priority == 1 and name == 'Dan':
    priority = None
if business_name == 'Fabrikam, Inc.':
    exception = 'Please call us.'
if 'zero' in msg:
    state = 1 / 0
for n in range(3):
    if 'count' in msg:
        impact = n
"""


def replayed(*lines: bytes, rules: str = RULES, processes: int = 1) -> list[Result]:
    """Return what comes of the lines."""
    return list(replay(partial(RuleSet.from_text, rules), lines, now=NOW, processes=processes))


def line(**ticket: Any) -> bytes:
    """Return a ticket as a line."""
    return json.dumps(ticket).encode() + b"\n"


def quiet(number: int) -> Replayed:
    """Return the result of a line whose ticket no rule changes."""
    return Replayed(number, {}, None, (), ())


def test_what_is_told_of_a_ticket() -> None:
    """Values that are no longer as they were, the refusal, the places that changed them, and what failed."""
    assert replayed(
        line(msg="printer"),
        line(msg="printer", name="Dan"),
        line(business_name="Fabrikam, Inc."),
        line(msg="zero"),
        line(msg="count"),
        line(msg="hi"),
    ) == [
        Replayed(
            1,
            {"team": "Hardware", "priority": 1},
            None,
            (Place("team", "<rules>", 2), Place("priority", "<rules>", 3)),
            (),
        ),
        # The priority is again what it was.
        Replayed(
            2,
            {"team": "Hardware"},
            None,
            (Place("team", "<rules>", 2), Place("priority", "<rules>", 3), Place("priority", "<rules>", 5)),
            (),
        ),
        Replayed(3, {"exception": "Please call us."}, "Please call us.", (Place("exception", "<rules>", 7),), ()),
        Replayed(4, {}, None, (), (Failure("ZeroDivisionError", "<rules>", 9),)),
        # A place is told once, however often it was passed.
        Replayed(5, {"impact": 2}, None, (Place("impact", "<rules>", 12),), ()),
        quiet(6),
    ]


UNREADABLE = {
    "no JSON": (b"{'a': 1}", "not JSON: Expecting property name enclosed in double quotes at column 2"),
    "half a ticket": (b'{"msg": "hi"', "not JSON: Expecting ',' delimiter at column 13"),
    "two tickets": (b"{}{}", "not JSON: Extra data at column 3"),
    "a list": (b"[1]", "a ticket is one JSON object"),
    "null": (b"null", "a ticket is one JSON object"),
    "not UTF-8": (b'{"msg": "\xff"}', "not UTF-8 at byte 9"),
    "another encoding": ('{"msg": "hi"}'.encode("utf-16"), "not UTF-8 at byte 0"),
    "too deep": (b'{"a": ' + b"[" * 100_000, "the JSON nests too deep or holds a number that is too long"),
    "a long number": (b'{"a": ' + b"1" * 5000 + b"}", "the JSON nests too deep or holds a number that is too long"),
}


@pytest.mark.parametrize(("bad", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_without_a_ticket_is_told_with_its_number(bad: bytes, reason: str) -> None:
    """What cannot be read is a result like any other, and the lines around it are decided."""
    assert replayed(line(msg="a"), bad + b"\n", line(msg="b")) == [quiet(1), Unreadable(2, reason), quiet(3)]


def test_blank_lines_count_and_are_left_out() -> None:
    """Numbers are those of the lines of the file, blank ones and other line ends included."""
    lines = (b"\xef\xbb\xbf{}\r\n", b"\n", b" \t\r\n", b"  {}  \r\n", b'{"msg":\n"a"}', b"{}")
    assert replayed(*lines) == [quiet(1), quiet(4), quiet(5), quiet(6)]
    assert replayed() == []


def test_any_value_is_told_as_json() -> None:
    """What rules make of a ticket is told as JSON data: finite, bounded, and without what is no data."""
    rules = (
        "team = {1: (float('inf'), {2})}\nstate = chr(0xD800)\nagent = len\nimpact = 'x' * 3000000\nurgency = impact\n"
    )
    (result,) = replayed(b"{}", rules=rules)
    assert isinstance(result, Replayed)
    assert result.values == {
        "team": {"1": ["inf", [2]]},
        "state": "?",
        "agent": "<built-in function len>",
        "impact": "x" * 3_000_000,
        "urgency": "<text of 3000000 characters>",
    }


def mixed(count: int) -> Iterator[bytes]:
    """Yield lines of all kinds."""
    kinds = (
        line(msg="printer"),
        b"no ticket\n",
        line(msg="zero"),
        b"\n",
        line(name="\ud800", team=["a"]),
        line(msg="é"),
    )
    for number in range(count):
        yield line(number=number, msg="printer" * (number % 3)) if number % 7 else kinds[number % len(kinds)]


@pytest.mark.parametrize("count", [CHUNK_LINES + 1, 5 * CHUNK_LINES])
def test_any_number_of_processes_gives_the_same(count: int) -> None:
    """The results of several processes are those of one, in the order of the lines, whatever their number is."""
    lines = list(mixed(count))
    expected = replayed(*lines)
    assert [result.line for result in expected] == [number for number, line in enumerate(lines, 1) if line.strip()]
    assert replayed(*lines, processes=2) == expected


def test_lines_are_read_as_results_are_taken() -> None:
    """No more lines are read than the processes have to do, and leaving early ends them."""
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"{}\n"

    results = replay(partial(RuleSet.from_text, RULES), endless(), now=NOW, processes=2)
    assert [next(results) for _ in range(2)] == [quiet(1), quiet(2)]
    assert read == 3 * CHUNK_LINES
    results.close()  # type: ignore[attr-defined] # it is a generator


def test_long_lines_make_short_chunks() -> None:
    """What is held at a time is bounded in bytes too."""
    read: list[int] = []

    def long() -> Iterator[bytes]:
        for number in range(10):
            read.append(number)
            yield line(msg="x" * (CHUNK_BYTES // 2))

    results = replay(partial(RuleSet.from_text, RULES), long(), now=NOW, processes=1)
    assert next(results) == quiet(1)
    assert read == [0, 1]
    assert [result.line for result in results] == list(range(2, 11))


def test_rules_with_errors_are_raised_before_anything_is_read() -> None:
    """Who replays learns what is wrong with the rules as ever."""

    def unread() -> Iterator[bytes]:
        raise AssertionError("read")
        yield b""

    with pytest.raises(RulesError):
        next(replay(partial(RuleSet.from_text, "team = tema\n"), unread(), now=NOW))


class EndsElsewhere:
    """Loads rules in this process, and ends any other."""

    def __init__(self) -> None:
        self._home = os.getpid()

    def __call__(self) -> RuleSet:
        if os.getpid() != self._home:
            os.kill(os.getpid(), signal.SIGTERM)
        return RuleSet.from_text("")


def test_a_process_that_ends_is_told() -> None:
    """A replay whose processes were ended raises an error, and gives no half of the results as if it were all."""
    with pytest.raises(DispatcherError, match=r"^a process of the replay has ended before its work was done$"):
        list(replay(EndsElsewhere(), [b"{}"] * 2 * CHUNK_LINES, now=NOW, processes=2))


def test_the_rules_of_a_folder(tmp_path: Path) -> None:
    """Rules are loaded from where they are, in every process, and places name their files."""
    (tmp_path / "a.rules").write_text("team = msg\n")
    (tmp_path / "b.rules").write_text("state = team\n")
    lines = [line(msg=str(number)) for number in range(CHUNK_LINES + 1)]
    results = list(replay(partial(RuleSet.load, tmp_path), lines, now=NOW, processes=2))
    assert results[-1] == Replayed(
        CHUNK_LINES + 1,
        {"team": str(CHUNK_LINES), "state": str(CHUNK_LINES)},
        None,
        (Place("team", "a.rules", 1), Place("state", "b.rules", 1)),
        (),
    )
