"""Tickets of tests: one in a file, or any number, one on each line."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.testing.running import run_tests
from dispatcher.testing.tickets import Carried, Folder, Given, Unreadable

ENVELOPE = {
    "ticket": {"msg": "b"},
    "received_at": "2026-05-01T10:00:00+02:00",
    "id": "01",
    "looked_up": {"name": "Dan"},
    "decision": {},
}
IN_ENVELOPE = ({"msg": "b", "name": "Dan"}, datetime.fromisoformat("2026-05-01T08:00:00+00:00"))


def given(folder: Path, name: str) -> list[Given | Unreadable]:
    """Return the tickets that a name stands for in a folder."""
    return list(Folder(folder).tickets(name, UTC))


def test_a_file_beside_the_tests_or_in_tickets(tmp_path: Path) -> None:
    """A name is that of a file in `tickets/`, else of one beside the tests file."""
    (tmp_path / "tickets").mkdir()
    (tmp_path / "a.json").write_text('{"msg": "beside"}')
    (tmp_path / "b.json").write_text('\ufeff{"msg": "beside"}', encoding="utf-8")
    (tmp_path / "tickets" / "a.json").write_text('{"msg": "in tickets"}')
    (tmp_path / "tickets" / "e.json").write_text(json.dumps(ENVELOPE))
    assert given(tmp_path, "a.json") == [Given("a.json", {"msg": "in tickets"})]
    assert given(tmp_path, "b.json") == [Given("b.json", {"msg": "beside"})]
    assert given(tmp_path, "e.json") == [Given("e.json (01)", *IN_ENVELOPE)]


def test_a_line_each(tmp_path: Path) -> None:
    """Each line that is not blank is a ticket or the envelope of one; what is none is told with its line."""
    lines = [
        '{"msg": "a"}',
        "",
        json.dumps(ENVELOPE),
        "{",
        "[1]",
        '{"ticket": null}',
        '{"ticket": {}, "received_at": 3}',
    ]
    (tmp_path / "h.ndjson").write_text("\n".join([*lines, "[" * 100_000]))
    assert given(tmp_path, "h.ndjson") == [
        Given("h.ndjson:1", {"msg": "a"}),
        Given("h.ndjson:3 (01)", *IN_ENVELOPE),
        Unreadable("h.ndjson:4", "not JSON: Expecting property name enclosed in double quotes at column 2"),
        Unreadable("h.ndjson:5", "a ticket is one JSON object"),
        Unreadable("h.ndjson:6", "the ticket is no longer kept"),
        Unreadable("h.ndjson:7", "`received_at` is no time; write it as 2026-03-02T17:45:00+01:00"),
        Unreadable("h.ndjson:8", "the JSON nests too deep or holds a number that is too long"),
    ]


def test_a_file_that_holds_no_ticket(tmp_path: Path) -> None:
    """The place of a mistake in a file of one ticket has line and column."""
    for name, text in {"a.json": '{\n  "msg": x\n}', "b.json": "3", "c.json": "[" * 100_000}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "d.json").write_bytes(b"\xff")
    assert [given(tmp_path, f"{name}.json") for name in "abcd"] == [
        [Unreadable("a.json", "not JSON: Expecting value at line 2, column 10")],
        [Unreadable("b.json", "a ticket is one JSON object")],
        [Unreadable("c.json", "the JSON nests too deep or holds a number that is too long")],
        [Unreadable("d.json", f"{tmp_path / 'd.json'}: not UTF-8 at byte 0; save the file as UTF-8")],
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The name of a file that is near is offered; without one, where it was looked for."""
    (tmp_path / "tickets").mkdir()
    (tmp_path / "tickets" / "emergency.json").write_text("{}")
    assert given(tmp_path, "emergncy.json") == [
        Unreadable("emergncy.json", "there is no such ticket file; did you mean `emergency.json`?")
    ]
    assert given(tmp_path, "x.json") == [
        Unreadable("x.json", f"there is no such ticket file in {tmp_path / 'tickets'} or {tmp_path}")
    ]


def test_carried_tickets_are_known_by_name() -> None:
    """Tickets that come with the tests are taken by their names, and are envelopes where they look like it."""
    carried = Carried({}, {"a": {"msg": "a"}, "b": ENVELOPE})
    assert list(carried.tickets("a", UTC)) == [Given("a", {"msg": "a"})]
    assert list(carried.tickets("b", UTC)) == [Given("b (01)", *IN_ENVELOPE)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of rules, with a test about a history that is still to be written."""
    (tmp_path / "a.rules").write_text("import datetime\nhour = datetime.datetime.now().hour\n")
    text = '[[test]]\nname = "it"\ntickets = ["h.ndjson"]\nexpect = { hour = 9 }\n'
    (tmp_path / "tests.toml").write_text(text)
    return tmp_path


def write(folder: Path, lines: list[Any]) -> None:
    """Write the history."""
    (folder / "h.ndjson").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_tickets_of_a_history_arrive_when_they_did(folder: Path) -> None:
    """An envelope's time comes before that of the file, and after that of the test."""
    write(folder, [{}, {"ticket": {}, "received_at": "2026-05-01T10:00:00"}])
    (result,) = run_tests(folder).results
    assert (result.tickets, [failure.ticket for failure in result.failures]) == (2, ["h.ndjson:2"])
    text = (folder / "tests.toml").read_text()
    (folder / "tests.toml").write_text(text + "now = 2026-05-01T09:00:00\n")
    assert run_tests(folder).passed


def test_unreadable_lines_make_the_test_an_error(folder: Path) -> None:
    """The first lines that hold no ticket are named and all are counted; the others are decided."""
    write(folder, [{}, *range(8)])
    (result,) = run_tests(folder).results
    why = "a ticket is one JSON object"
    assert (result.outcome, result.tickets) == ("error", 1)
    assert [problem.message for problem in result.problems] == [
        *(f"h.ndjson:{line}: {why}" for line in range(2, 7)),
        "8 tickets cannot be read",
    ]


def test_an_empty_history_is_an_error(folder: Path) -> None:
    """A test about no ticket at all says nothing, so it does not pass."""
    write(folder, [])
    (result,) = run_tests(folder).results
    assert [problem.message for problem in result.problems] == ["h.ndjson: there is no ticket in it"]


def test_a_long_history_is_not_held(folder: Path) -> None:
    """The memory that a test takes does not grow with the tickets, however many of them fail."""
    write(folder, [{"msg": "x" * 1000, "received_at": number} for number in range(4000)])
    tracemalloc.start()
    try:
        (result,) = run_tests(folder, coverage=True).results
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.tickets, result.outcome) == (4000, "pass")
    assert peak < 3_000_000
