"""The ticket table: what is kept, and who may go on with it."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dispatcher.errors import SettingsError
from service.database import VERSION, Database
from service.store import Arrival, Stage, State, Store, StoredTicket

WHEN = 1_700_000_000_000


@pytest.fixture
def store(any_database: Database) -> Store:
    """A store on each kind of database."""
    return Store(any_database)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open SQLite database."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'kept.db'}")
    database.open()
    yield database
    database.close()


def add(store: Store, ticket_id: str = "t1", **values: Any) -> StoredTicket:
    """Keep a ticket."""
    ticket: dict[str, Any] = {
        "ticket_id": ticket_id,
        "state": State.ACCEPTED,
        "idempotency_key": ticket_id,
        "body_hash": "h",
        "payload": {"msg": "hello"},
        "decision": {"refused": None},
    }
    assert store.insert([Arrival(**(ticket | values))]) == [True]
    return found(store, ticket_id)


def arrival(ticket_id: str, idempotency_key: str | None = None) -> Arrival:
    """Return a ticket as it comes in."""
    return Arrival(ticket_id, State.ACCEPTED, idempotency_key or ticket_id, "h", {}, {})


def found(store: Store, ticket_id: str = "t1") -> StoredTicket:
    """Return the ticket, which is there."""
    ticket = store.get(ticket_id)
    assert ticket is not None
    return ticket


def test_new_ticket(store: Store) -> None:
    """A new ticket comes back as it was put in, with nothing done yet."""
    kept = add(store, idempotency_key="k")
    assert kept == store.get("t1") == store.with_key("k")
    assert kept == StoredTicket(
        id="t1",
        state=State.ACCEPTED,
        idempotency_key="k",
        body_hash="h",
        payload={"msg": "hello"},
        decision={"refused": None},
        defaults={},
        intents={Stage.TICKET: None, Stage.NOTE: None},
        halo_ticket_id=None,
        halo_note_id=None,
        submission_errors=[],
        remarks=[],
        rank=100,
        due_at=0,
        attempts=0,
        failures=0,
        last_error=None,
        created_at=kept.created_at,
        updated_at=kept.created_at,
    )
    assert store.get("t2") is None
    assert store.with_key("l") is None


def test_any_text(store: Store) -> None:
    """Text that neither database can hold comes back as it was."""
    payload = {"msg": "\x00 \ud800 \U0001f600"}
    assert add(store, payload=payload).payload == payload


def test_any_answer(store: Store) -> None:
    """Words of Halo that neither database can hold are kept without what makes them so."""
    add(store)
    store.attempt_failed("t1", store.start_attempt("t1", Stage.TICKET, "w1"), "no \x00 such \ud83d", counts=True)
    assert found(store).last_error == store.attempts("t1")[0].answer == "no \ufffd such ?"
    store.bury("t1", "no \ud83d")
    assert found(store).last_error == "no ?"


def test_idempotency_key_is_unique(store: Store) -> None:
    """Of tickets with one key the first is kept, in one transaction or in several; tickets without keys all are."""
    assert store.insert([arrival("t1", "k"), arrival("t2", "k"), arrival("t3"), arrival("t4")]) == [
        True,
        False,
        True,
        True,
    ]
    assert store.insert([arrival("t5", "k"), arrival("t6", "l")]) == [False, True]
    assert [ticket.id for ticket in store.tickets()] == ["t6", "t4", "t3", "t1"]


def test_transaction_is_one(store: Store) -> None:
    """When one of several tickets cannot be written, none is, and the error shows nothing of them."""
    long = Arrival("t2" * 100, State.ACCEPTED, "t2", "h" * 100, {"msg": "hello"}, {}, rank=2**70)
    with pytest.raises((OverflowError, sa.exc.DBAPIError)) as raised:
        store.insert([arrival("t1"), long])
    assert "hello" not in str(raised.value)
    assert store.tickets() == []


def test_claim(store: Store) -> None:
    """An intent is set once from what was seen, and by nobody who saw something else."""
    add(store)
    assert store.claim("t1", Stage.TICKET, None, WHEN)
    assert not store.claim("t1", Stage.TICKET, None, WHEN + 1)
    assert not store.claim("t1", Stage.TICKET, WHEN - 1, WHEN + 1)
    assert store.claim("t1", Stage.TICKET, WHEN, WHEN + 2)
    assert found(store).intents == {Stage.TICKET: WHEN + 2, Stage.NOTE: None}


def test_claim_of_a_stopped_ticket(store: Store) -> None:
    """A ticket that was cancelled meanwhile cannot be claimed."""
    add(store)
    store.cancel("t1")
    assert not store.claim("t1", Stage.TICKET, None, WHEN)


def test_failed_attempts(store: Store) -> None:
    """Attempts are counted when they start; those that do not count against the ticket are given back."""
    add(store)
    store.claim("t1", Stage.TICKET, None, WHEN)
    store.attempt_failed("t1", store.start_attempt("t1", Stage.TICKET, "w1"), "first", status=500, counts=True)
    assert (found(store).attempts, found(store).failures, found(store).last_error) == (1, 1, "first")
    assert found(store).intents[Stage.TICKET] == WHEN
    number = store.start_attempt("t1", Stage.TICKET, "w2")
    store.attempt_failed("t1", number, "second", counts=False, released=(Stage.TICKET, WHEN))
    assert (found(store).attempts, found(store).failures, found(store).last_error) == (2, 1, "second")
    assert found(store).intents[Stage.TICKET] is None
    assert [(a.number, a.worker, a.result, a.status, a.answer) for a in store.attempts("t1")] == [
        (1, "w1", "failed", 500, "first"),
        (2, "w2", "failed", None, "second"),
    ]


def test_release_of_an_older_intent(store: Store) -> None:
    """A runner can withdraw only the intent that it set itself."""
    add(store)
    store.claim("t1", Stage.TICKET, None, WHEN)
    store.attempt_failed("t1", 1, "late", counts=True, released=(Stage.TICKET, WHEN - 1))
    assert found(store).intents[Stage.TICKET] == WHEN


def test_filing(store: Store) -> None:
    """Ticket and note are kept with what Halo said of them, and the note makes the ticket filed."""
    add(store)
    store.ticket_created("t1", 1, 17, [{"variable": "team"}], ["no asset"])
    assert found(store).state is State.ACCEPTED
    store.note_added("t1", 2, 3)
    ticket = found(store)
    assert (ticket.state, ticket.halo_ticket_id, ticket.halo_note_id) == (State.FILED, 17, 3)
    assert (ticket.submission_errors, ticket.remarks) == ([{"variable": "team"}], ["no asset"])


def test_burying_and_reopening(store: Store) -> None:
    """A dead ticket keeps its reason and its intents, and starts with no failures when it is reopened."""
    add(store)
    store.claim("t1", Stage.TICKET, None, WHEN)
    store.start_attempt("t1", Stage.TICKET, "w1")
    store.bury("t1", "no such customer")
    assert (found(store).state, found(store).last_error) == (State.DEAD, "no such customer")
    assert store.reopen("t1")
    ticket = found(store)
    assert (ticket.state, ticket.failures, ticket.attempts) == (State.ACCEPTED, 0, 1)
    assert ticket.intents[Stage.TICKET] == WHEN
    assert not store.reopen("t1")


def test_what_is_filed_stays_filed(store: Store) -> None:
    """A filed ticket can be neither cancelled nor buried nor reopened."""
    add(store)
    store.note_added("t1", 2, 3)
    store.bury("t1", "too late")
    assert (store.cancel("t1"), store.reopen("t1"), found(store).state) == (False, False, State.FILED)


def test_finding(store: Store) -> None:
    """A ticket that was found in Halo is kept like one that was created, and the record says which it was."""
    add(store)
    store.ticket_created("t1", store.start_attempt("t1", Stage.TICKET, "w1"), 17, [], [], found=True)
    assert [(a.number, a.result) for a in store.attempts("t1")] == [(1, "found")]


def test_resolving(store: Store) -> None:
    """A person may say where a ticket in doubt is, or that Halo does not have it, and it is filed on."""
    add(store)
    store.claim("t1", Stage.TICKET, None, WHEN)
    assert not store.resolve("t1", 17)
    store.bury("t1", "Halo cannot tell", State.REVIEW)
    assert store.resolve("t1", 17)
    assert (found(store).state, found(store).halo_ticket_id) == (State.ACCEPTED, 17)
    assert not store.resolve("t1", 18)
    add(store, "t2")
    store.claim("t2", Stage.TICKET, None, WHEN)
    store.bury("t2", "Halo cannot tell", State.REVIEW)
    assert store.resolve("t2", None)
    assert (found(store, "t2").state, found(store, "t2").intents[Stage.TICKET]) == (State.ACCEPTED, None)


def test_lists_and_counts(store: Store) -> None:
    """Tickets are listed newest first, by state and page by page, and counted by state."""
    for number in range(5):
        add(store, f"t{number}", state=State.REFUSED if number == 3 else State.ACCEPTED)
    assert [ticket.id for ticket in store.tickets()] == ["t4", "t3", "t2", "t1", "t0"]
    assert [ticket.id for ticket in store.tickets([State.ACCEPTED], limit=2)] == ["t4", "t2"]
    assert [ticket.id for ticket in store.tickets([State.ACCEPTED], before="t2")] == ["t1", "t0"]
    assert {state: number for state, number in store.counts().items() if number} == {
        State.ACCEPTED: 4,
        State.REFUSED: 1,
    }
    assert store.oldest_waiting() == found(store, "t0").created_at


def test_commits_reach_the_disk(database: Database) -> None:
    """SQLite logs ahead, syncs every commit, and waits for a lock rather than failing."""
    with database.engine.connect() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert values == ["wal", 2, 5000]


def test_one_process_at_a_time(database: Database, tmp_path: Path) -> None:
    """A second service on the same file is told so, and may have it once the first is gone."""
    url = f"sqlite:///{tmp_path / 'data' / 'kept.db'}"
    second = Database(url)
    with pytest.raises(SettingsError, match=r"another service is using .*kept\.db; stop it, or give this one"):
        second.open()
    second.open(exclusive=False)
    database.close()
    second.open()
    second.close()


def test_lock_of_a_killed_process(tmp_path: Path) -> None:
    """The file is free again when its process was killed."""
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    script = f"from service.database import Database; Database({url!r}).open(); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(SettingsError):
            Database(url).open()
        process.kill()
        process.wait()
    database = Database(url)
    database.open()
    database.close()


def test_unusable_database(tmp_path: Path) -> None:
    """A folder that cannot be made and a file that is no database are said in words."""
    (tmp_path / "file").write_text("no database, only text " * 100)
    with pytest.raises(SettingsError, match=r"cannot open the database sqlite:///.*file: file is not a database"):
        Database(f"sqlite:///{tmp_path / 'file'}").open()
    with pytest.raises(SettingsError, match=r"cannot keep tickets in .*below: "):
        Database(f"sqlite:///{tmp_path / 'file' / 'below' / 'kept.db'}").open()


def test_reopened_store(tmp_path: Path) -> None:
    """What was kept is there when the store is opened again, by any SQLite program."""
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.open()
    add(Store(database))
    database.close()
    database.open()
    assert found(Store(database)).payload == {"msg": "hello"}
    database.close()
    connection = sqlite3.connect(tmp_path / "kept.db")
    assert connection.execute("SELECT id, state FROM ticket").fetchall() == [("t1", "accepted")]
    connection.close()


def test_database_of_another_version(any_database: Database) -> None:
    """A database that another version made is not touched, and the text says so."""
    with any_database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE schema_version SET version = {VERSION + 1}")
    other = Database(any_database.url.render_as_string(hide_password=False))
    with pytest.raises(SettingsError, match=rf"made by another version .* have version {VERSION + 1}, this one needs"):
        other.open(exclusive=False)


def test_database_of_the_first_version(tmp_path: Path) -> None:
    """A database of before versions were told is recognised, and left as it is."""
    path = tmp_path / "kept.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ticket (id TEXT PRIMARY KEY)")
    with pytest.raises(SettingsError, match=r"tables have version 1, this one needs"):
        Database(f"sqlite:///{path}").open()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("ticket",)]


def test_probe(any_database: Database) -> None:
    """Whether a database can be written is found out by writing, again and again the same row."""
    for _ in range(3):
        any_database.try_writing()
    with any_database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM write_probe").scalar() == 1


def test_emptying_the_log(database: Database, tmp_path: Path) -> None:
    """SQLite's log is emptied unless somebody reads; then nobody waits for that."""
    log = tmp_path / "data" / "kept.db-wal"
    with database.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM ticket").scalar()
        database.try_writing()
        assert not database.empty_log()
    assert database.empty_log()
    assert log.stat().st_size == 0


def test_processes_that_start_together(postgresql: str) -> None:
    """Of several processes that find an empty database, one makes the tables, and all can use them."""
    url = postgresql.replace("postgresql:", "postgresql+psycopg:", 1)
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Database.open, databases))
    for database in databases:
        assert Store(database).get("t1") is None
        database.close()
