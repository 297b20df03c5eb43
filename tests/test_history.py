"""A history is read line by line, in whatever form its tickets are, and what holds no ticket is told with why."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatcher import history
from dispatcher.errors import DispatcherError
from dispatcher.history import PastTicket, Unreadable, open_history, past_tickets, place, read

EVENING = datetime(2026, 3, 2, 17, 45, tzinfo=timezone(timedelta(hours=1)))
BOM = b"\xef\xbb\xbf"


def line(**found: Any) -> bytes:
    """Return data as a line."""
    return json.dumps(found).encode()


READABLE: dict[str, tuple[bytes, PastTicket]] = {
    "a plain ticket": (line(msg="hi", id=7), PastTicket({"msg": "hi", "id": 7})),
    "an empty ticket": (b"{}", PastTicket({})),
    "a plain ticket with a number": (line(ticket="T-17", msg="hi"), PastTicket({"ticket": "T-17", "msg": "hi"})),
    "an envelope": (line(ticket={"msg": "hi"}), PastTicket({"msg": "hi"})),
    "a whole envelope": (
        line(
            ticket={"msg": "hi", "business_name": "?"},
            received_at="2026-03-02T17:45:00+01:00",
            id=17,
            looked_up={"business_name": "Contoso"},
            decision={"received_at": "2020-01-01T00:00:00Z", "looked_up": {"name": "Dan"}},
            submission_errors=[],
        ),
        PastTicket(
            {"msg": "hi", "business_name": "Contoso"},
            EVENING,
            "17",
            {"received_at": "2020-01-01T00:00:00Z", "looked_up": {"name": "Dan"}},
            [],
        ),
    ),
    "time and look-ups of the decision": (
        line(ticket={}, decision={"received_at": "2026-03-02T17:45:00+01:00", "looked_up": {"name": "Dan"}}),
        PastTicket(
            {"name": "Dan"},
            EVENING,
            None,
            {"received_at": "2026-03-02T17:45:00+01:00", "looked_up": {"name": "Dan"}},
        ),
    ),
    "a ticket that is no longer kept": (line(ticket=None, id="a", decision=None), PastTicket(None, None, "a")),
}

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
    "no time": (
        line(ticket={}, received_at="yesterday"),
        "`received_at` is no time; write it as 2026-03-02T17:45:00+01:00",
    ),
    "a time as a number": (
        line(ticket={}, received_at=1772469900),
        "`received_at` is no time; write it as 2026-03-02T17:45:00+01:00",
    ),
    "look-ups that are a list": (line(ticket={}, looked_up=["a"]), "`looked_up` is one JSON object of variables"),
}


@pytest.mark.parametrize(("text", "expected"), READABLE.values(), ids=READABLE)
def test_what_a_line_holds(text: bytes, expected: PastTicket) -> None:
    """A line is a ticket as it was sent, or an envelope with what is known of it beside."""
    assert read(text) == expected


@pytest.mark.parametrize(("text", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_why_a_line_holds_no_ticket(text: bytes, reason: str) -> None:
    """What cannot be read is told, with a reason that a person can act on."""
    assert read(text) == Unreadable(reason)


def test_the_zone_of_times() -> None:
    """Times are told in the zone that is asked for, and are meant in it where they name none."""
    berlin = ZoneInfo("Europe/Berlin")
    named, unnamed = (
        read(line(ticket={}, received_at=text), berlin) for text in ("2026-03-02T16:45:00Z", "2026-03-02T17:45:00")
    )
    assert isinstance(named, PastTicket)
    assert isinstance(unnamed, PastTicket)
    assert named.received_at == unnamed.received_at == EVENING
    assert named.received_at is not None
    assert named.received_at.tzinfo is berlin


def test_lines_of_a_file(tmp_path: Path) -> None:
    """Numbers are those of the lines of the file, blank ones and any line ends included; blank ones are left out."""
    file = tmp_path / "a.ndjson"
    file.write_bytes(BOM + b'{"msg": 1}\r\n\n \t\n  {"msg": 2}  \n{"msg": 3}')
    found = open_history(str(file))
    assert (found.total, found.unit, found.more) == (file.stat().st_size, "bytes", False)
    lines = list(found.lines)
    assert lines == [
        (str(file), 1, b'{"msg": 1}'),
        (str(file), 4, b'{"msg": 2}'),
        (str(file), 5, b'{"msg": 3}'),
    ]
    assert place(lines[1]) == f"{file}:4"
    assert list(past_tickets(lines[:1])) == [(lines[0], PastTicket({"msg": 1}))]


def test_files_of_a_folder(tmp_path: Path) -> None:
    """A folder is read by the names of its files; a `.json` file is one ticket on any number of lines, or lines."""
    (tmp_path / "b.json").write_bytes(BOM + b'{\r\n  "msg": "one"\r\n}\r\n')
    (tmp_path / "c.json").write_bytes(b'{"msg": 1}\n{"msg": 2}\n')
    (tmp_path / "a.jsonl").write_bytes(b'{"msg": 0}\n')
    (tmp_path / "notes.txt").write_bytes(b"no ticket")
    (tmp_path / "d.ndjson").write_bytes(b"")
    lines = list(open_history(str(tmp_path)).lines)
    assert [(Path(place(found)).name, read(found[2])) for found in lines] == [
        ("a.jsonl:1", PastTicket({"msg": 0})),
        ("b.json", PastTicket({"msg": "one"})),
        ("c.json:1", PastTicket({"msg": 1})),
        ("c.json:2", PastTicket({"msg": 2})),
    ]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input, of which nobody knows how long it is."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"msg": 1}\n')))
    found = open_history("-")
    assert (list(found.lines), found.total) == ([("-", 1, b'{"msg": 1}')], None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_has_no_size(tmp_path: Path) -> None:
    """A named pipe is read like a file, and nobody knows how long it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"{}\n",))
    writer.start()
    found = open_history(str(pipe))
    assert (found.total, list(found.lines)) == (None, [(str(pipe), 1, b"{}")])
    writer.join()


def test_what_is_no_history(tmp_path: Path) -> None:
    """What is not there, and a folder without tickets, are told at once."""
    with pytest.raises(DispatcherError, match=r"^nowhere: cannot be read: No such file or directory$"):
        open_history("nowhere")
    with pytest.raises(DispatcherError, match=r"the folder has no \*\.ndjson, \*\.jsonl or \*\.json files$"):
        open_history(str(tmp_path))


@pytest.mark.parametrize("name", ["a.ndjson.gz", "a.ndjson", "a.json"])
def test_a_compressed_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What is compressed is told as such, also in a folder, whatever its name, and at once where it is a file."""
    (tmp_path / "b.ndjson").write_bytes(b"{}\n")
    (tmp_path / name).write_bytes(gzip.compress(b"{}\n"))
    for argument in (tmp_path, tmp_path / name):
        with pytest.raises(DispatcherError, match=rf"{name}: is compressed; unpack it first$"):
            open_history(str(argument))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"{}\n"))))
    with pytest.raises(DispatcherError, match=r"^-: is compressed; unpack it first$"):
        list(open_history("-").lines)


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may have none."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DispatcherError, match=r"^standard input is closed, so there is no history in it$"):
        open_history("-")


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a line that is longer than any ticket no more is held than that, and those behind it are read."""
    monkeypatch.setattr(history, "LONGEST_LINE", 20)
    file = tmp_path / "a.ndjson"
    file.write_bytes(b'{"a": "' + b"x" * 100 + b'"}\n{"msg": 1}\n' + b'{"ab": 1234567890123}\n{"abc": 123456789012}')
    lines = list(open_history(str(file)).lines)
    assert [(number, len(text)) for _, number, text in lines] == [(1, 21), (2, 10), (3, 21), (4, 21)]
    assert [read(text) for _, _, text in lines] == [
        Unreadable("longer than 20 bytes"),
        PastTicket({"msg": 1}),
        *[Unreadable("longer than 20 bytes")] * 2,
    ]


def test_the_present_is_no_part_of_a_history() -> None:
    """A ticket that names no time has none."""
    found = read(line(ticket={}))
    assert isinstance(found, PastTicket)
    assert found.received_at is None
    assert read(line(ticket={}, received_at="2026-03-02T16:45:00Z"), UTC) == PastTicket({}, EVENING)
