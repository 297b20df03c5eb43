"""The kept tickets are a history like any other: read in pages, bounded by time and number, with what is deleted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dispatcher import RuleSet
from dispatcher.cli import main
from dispatcher.history import History, PastTicket, past_tickets
from service import history
from service.database import Database
from service.history import kept_history
from service.intake import new_id
from service.store import Arrival, State, Store
from tests.service.kept import set_row

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RULES = "if 'printer' in msg:\n    team = 'Desk'\n"


def moment(number: int) -> datetime:
    """Return when the ticket with a number came in."""
    return START + timedelta(minutes=number)


def keep(store: Store, *numbers: int) -> list[str]:
    """Keep tickets as intake does; return their ids."""
    rules = RuleSet.from_text(RULES)
    ids = []
    for number in numbers:
        now = moment(number)
        ticket = {"msg": f"printer \0 é {number}"}
        looked_up = {"business_name": "Contoso"}
        decision = rules.decide({**ticket, **looked_up}, now=now).to_dict() | {"looked_up": looked_up}
        ids.append(new_id(now))
        arrival = Arrival(ids[-1], State.ACCEPTED, ids[-1], "h", ticket, decision)
        assert store.insert([arrival]) == [True]
    return ids


def read(found: History) -> list[PastTicket]:
    """Return the tickets of a history, all of which can be read."""
    tickets = [past for _, past in past_tickets(found.lines)]
    assert all(isinstance(past, PastTicket) for past in tickets)
    return [past for past in tickets if isinstance(past, PastTicket)]


def test_every_ticket_in_the_order_in_which_they_came(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tickets are as they came in, with what was looked up, their time, their decision and what Halo did not take."""
    monkeypatch.setattr(history, "PAGE", 2)
    store = Store(any_database)
    ids = keep(store, 3, 1, 2, 4, 0)
    set_row(store, ids[0], halo_ticket_id=17, submission_errors='[{"variable": "team"}]')
    found = kept_history(any_database)
    assert (found.total, found.unit, found.more) == (5, "tickets", False)
    tickets = read(found)
    assert [(past.id, past.received_at, past.ticket) for past in tickets] == [
        (ids[place], moment(number), {"msg": f"printer \0 é {number}", "business_name": "Contoso"})
        for number, place in enumerate([4, 1, 2, 0, 3])
    ]
    decision = tickets[3].decision
    assert decision is not None
    assert (decision["action_variables"]["team"], tickets[3].submission_errors) == ("Desk", [{"variable": "team"}])


def test_an_empty_history(any_database: Database) -> None:
    """Where nothing is kept there is nothing to read."""
    found = kept_history(any_database, newest=5)
    assert (list(found.lines), found.total, found.more) == ([], 0, False)


@pytest.mark.parametrize(
    ("bounds", "numbers", "more"),
    [
        ({"since": moment(2)}, [2, 3, 4], False),
        ({"until": moment(2) - timedelta(milliseconds=2)}, [0, 1], False),
        ({"since": moment(1), "until": moment(3) - timedelta(seconds=1)}, [1, 2], False),
        ({"newest": 2}, [3, 4], True),
        ({"newest": 5}, [0, 1, 2, 3, 4], False),
        ({"newest": 6}, [0, 1, 2, 3, 4], False),
        ({"newest": 1, "until": moment(4) - timedelta(seconds=1)}, [3], True),
        (
            {"since": datetime.min.replace(tzinfo=UTC), "until": datetime.max.replace(tzinfo=UTC)},
            [0, 1, 2, 3, 4],
            False,
        ),
    ],
)
def test_bounds(any_database: Database, bounds: dict[str, Any], numbers: list[int], more: bool) -> None:
    """A history is of some time, or of the newest tickets; then it tells whether there are older ones."""
    keep(Store(any_database), 0, 1, 2, 3, 4)
    found = kept_history(any_database, **bounds)
    assert (found.total, found.more) == (len(numbers), more)
    assert [past.received_at for past in read(found)] == [moment(number) for number in numbers]


def test_what_is_no_longer_kept(any_database: Database) -> None:
    """Tickets without content are there as such, with their time, and are none of the newest that are asked for."""
    store = Store(any_database)
    ids = keep(store, 0, 1, 2)
    set_row(store, ids[1], payload=None)
    set_row(store, ids[2], payload=None, decision=None, created_at=int(moment(2).timestamp() * 1000))
    assert [(past.id, past.received_at, past.ticket) for past in read(kept_history(any_database, newest=1))] == [
        (ids[0], moment(0), {"msg": "printer \0 é 0", "business_name": "Contoso"}),
        (ids[1], moment(1), None),
        (ids[2], moment(2), None),
    ]


def test_long_tickets_make_short_pages(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held at a time is bounded in bytes, and nothing is left out."""
    monkeypatch.setattr(history, "PAGE_BYTES", 1)
    ids = keep(Store(any_database), 0, 1, 2)
    made: list[str] = []
    envelope = history._envelope

    def spied(row: Any) -> bytes:
        made.append(row.id)
        return envelope(row)

    monkeypatch.setattr(history, "_envelope", spied)
    lines = kept_history(any_database).lines
    assert [number for _, number, _ in islice(lines, 1)] == [1]
    assert made == ids[:1]
    assert [past.id for past in read(kept_history(any_database))] == ids


def test_no_more_than_asked_for_beside_a_busy_service(any_database: Database) -> None:
    """Tickets that come in while a history is opened are none of its newest."""
    store = Store(any_database)
    keep(store, 0, 1, 2)
    later = itertools.count(3)

    def busy(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            keep(store, next(later))

    sa.event.listen(any_database.engine, "after_cursor_execute", busy)
    found = kept_history(any_database, newest=2)
    sa.event.remove(any_database.engine, "after_cursor_execute", busy)
    assert next(later) > 4
    assert (found.total, found.more) == (2, True)
    assert [past.received_at for past in read(found)] == [moment(1), moment(2)]


def test_what_comes_in_later_is_left_out(any_database: Database) -> None:
    """A history ends where it ended when it was opened, so that a busy service does not prolong it."""
    store = Store(any_database)
    keep(store, 0, 1)
    found = kept_history(any_database)
    keep(store, 2)
    assert [past.received_at for past in read(found)] == [moment(0), moment(1)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of a service that runs in this folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.rules").write_text(RULES)
    (tmp_path / "new.rules").write_text(RULES.replace("Desk", "Printers"))
    database = Database("sqlite:///data/dispatcher.db")
    database.open()
    yield Store(database)
    database.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return exit code and output of a command."""
    code = main(arguments)
    return code, capsys.readouterr().out


@pytest.mark.parametrize("against", ["old.rules", "kept"])
def test_backtest_of_the_kept_tickets(store: Store, capsys: pytest.CaptureFixture[str], against: str) -> None:
    """The kept tickets are compared beside the running service; those that are deleted, or too old, are counted."""
    ids = keep(store, 0, 1, 2)
    set_row(store, ids[1], payload=None)
    arguments = ("backtest", "new.rules", "--against", against, "--history", "service", "--format", "json")
    code, out = run(capsys, *arguments)
    found = json.loads(out)
    keys = ("tickets", "changed", "no_longer_kept", "not_decided", "cut", "variables")
    assert (code, {key: found[key] for key in keys}) == (
        1,
        {"tickets": 2, "changed": 2, "no_longer_kept": 1, "not_decided": 0, "cut": None, "variables": {"team": 2}},
    )
    (group,) = found["groups"]
    assert [example["place"] for example in group["examples"]] == [ids[0], ids[2]]
    code, out = run(capsys, *arguments, "--limit", "1")
    assert (code, json.loads(out)["tickets"], json.loads(out)["cut"]) == (1, 1, "limit")
    code, out = run(capsys, "backtest", "old.rules", "--against", against, "--history", "service")
    assert (code, out.splitlines()[-1]) == (0, "no change on 2 tickets")


def test_export(store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What `tickets export` writes is a history that says the same as the service's own."""
    ids = keep(store, 0, 1, 2)
    code, out = run(capsys, "tickets", "export")
    assert code == 0
    assert out.encode().splitlines() == [text for _, _, text in kept_history(store.database).lines]
    (tmp_path / "h.ndjson").write_text(out)
    arguments = ("backtest", "new.rules", "--against", "old.rules", "--format", "json", "--history")
    reports = [json.loads(run(capsys, *arguments, history)[1]) for history in ("h.ndjson", "service")]
    places = [[example.pop("place") for example in report["groups"][0]["examples"]] for report in reports]
    assert reports[0] == reports[1]
    # Where each can be opened: a line of the file, or a ticket of the service.
    assert places == [["h.ndjson:1", "h.ndjson:2", "h.ndjson:3"], ids]
    # In UTC, which is the zone of the settings.
    code, out = run(capsys, "tickets", "export", "--since", "2026-03-02T08:01", "--until", "2026-03-02T08:02:00-00:30")
    assert [json.loads(line)["decision"]["received_at"] for line in out.splitlines()] == [
        moment(1).isoformat(),
        moment(2).isoformat(),
    ]
