"""The ticket table: what is kept, and who may go on with it."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dispatcher.errors import SettingsError
from service.store import Stage, State, Store, StoredTicket

WHEN = 1_700_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store."""
    store = Store(f"sqlite:///{tmp_path / 'data' / 'kept.db'}")
    store.open()
    yield store
    store.close()


def add(store: Store, ticket_id: str = "t1", **values: Any) -> StoredTicket:
    """Keep a ticket."""
    ticket: dict[str, Any] = {
        "ticket_id": ticket_id,
        "state": State.ACCEPTED,
        "idempotency_key": None,
        "body_hash": "h",
        "payload": {"msg": "hello"},
        "decision": {"refused": None},
    }
    with store.transaction() as connection:
        return store.insert(connection, **(ticket | values))


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
        intents={Stage.TICKET: None, Stage.NOTE: None},
        halo_ticket_id=None,
        halo_note_id=None,
        submission_errors=[],
        remarks=[],
        attempts=0,
        failures=0,
        last_error=None,
        created_at=kept.created_at,
        updated_at=kept.created_at,
    )
    assert store.get("t2") is None
    assert store.with_key("t1") is None


def test_any_text(store: Store) -> None:
    """Text that neither database can hold comes back as it was."""
    payload = {"msg": "\x00 \ud800 \U0001f600"}
    assert add(store, payload=payload).payload == payload


def test_idempotency_key_is_unique(store: Store) -> None:
    """A second ticket with a key is refused, in words without the ticket; tickets without keys are not."""
    add(store, "t1", idempotency_key="k")
    with pytest.raises(sa.exc.IntegrityError) as raised:
        add(store, "t2", idempotency_key="k")
    assert "hello" not in str(raised.value)
    add(store, "t3")
    add(store, "t4")
    assert store.get("t2") is None


def test_transaction_is_one(store: Store) -> None:
    """What is kept in a transaction that fails is not kept."""
    with contextlib.suppress(ZeroDivisionError), store.transaction() as connection:
        store.insert(
            connection,
            ticket_id="t1",
            state=State.ACCEPTED,
            idempotency_key=None,
            body_hash="h",
            payload={},
            decision={},
        )
        _ = 1 / 0
    assert store.get("t1") is None


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
    store.start_attempt("t1")
    store.attempt_failed("t1", "first", counts=True)
    assert (found(store).attempts, found(store).failures, found(store).last_error) == (1, 1, "first")
    assert found(store).intents[Stage.TICKET] == WHEN
    store.start_attempt("t1")
    store.attempt_failed("t1", "second", counts=False, released=(Stage.TICKET, WHEN))
    assert (found(store).attempts, found(store).failures, found(store).last_error) == (2, 1, "second")
    assert found(store).intents[Stage.TICKET] is None


def test_release_of_an_older_intent(store: Store) -> None:
    """A runner can withdraw only the intent that it set itself."""
    add(store)
    store.claim("t1", Stage.TICKET, None, WHEN)
    store.attempt_failed("t1", "late", counts=True, released=(Stage.TICKET, WHEN - 1))
    assert found(store).intents[Stage.TICKET] == WHEN


def test_filing(store: Store) -> None:
    """Ticket and note are kept with what Halo said of them, and the note makes the ticket filed."""
    add(store)
    store.ticket_created("t1", 17, [{"variable": "team"}], ["no asset"])
    assert found(store).state is State.ACCEPTED
    store.note_added("t1", 3)
    ticket = found(store)
    assert (ticket.state, ticket.halo_ticket_id, ticket.halo_note_id) == (State.FILED, 17, 3)
    assert (ticket.submission_errors, ticket.remarks) == ([{"variable": "team"}], ["no asset"])


def test_burying_and_reopening(store: Store) -> None:
    """A dead ticket keeps its reason and its intents, and starts with no failures when it is reopened."""
    add(store)
    store.claim("t1", Stage.TICKET, None, WHEN)
    store.start_attempt("t1")
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
    store.note_added("t1", 3)
    store.bury("t1", "too late")
    assert (store.cancel("t1"), store.reopen("t1"), found(store).state) == (False, False, State.FILED)


def test_unfinished(store: Store) -> None:
    """Only accepted tickets that nothing has happened to are unfinished."""
    add(store, "t1")
    add(store, "t2", state=State.REFUSED)
    assert store.unfinished(0) == ["t1"]
    assert store.unfinished(60) == []


def test_commits_reach_the_disk(store: Store) -> None:
    """SQLite logs ahead, syncs every commit, and waits for a lock rather than failing."""
    with store.engine.connect() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert values == ["wal", 2, 30000]


def test_one_process_at_a_time(store: Store, tmp_path: Path) -> None:
    """A second service on the same file is told so, and may have it once the first is gone."""
    url = f"sqlite:///{tmp_path / 'data' / 'kept.db'}"
    second = Store(url)
    with pytest.raises(SettingsError, match=r"another service is using .*kept\.db; stop it, or give this one"):
        second.open()
    store.close()
    second.open()
    second.close()


def test_lock_of_a_killed_process(tmp_path: Path) -> None:
    """The file is free again when its process was killed."""
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    script = f"from service.store import Store; Store({url!r}).open(); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(SettingsError):
            Store(url).open()
        process.kill()
        process.wait()
    store = Store(url)
    store.open()
    store.close()


def test_unusable_database(tmp_path: Path) -> None:
    """A folder that cannot be made and a file that is no database are said in words."""
    (tmp_path / "file").write_text("no database, only text " * 100)
    with pytest.raises(SettingsError, match=r"cannot open the database sqlite:///.*file: file is not a database"):
        Store(f"sqlite:///{tmp_path / 'file'}").open()
    with pytest.raises(SettingsError, match=r"cannot keep tickets in .*below: "):
        Store(f"sqlite:///{tmp_path / 'file' / 'below' / 'kept.db'}").open()


def test_reopened_store(tmp_path: Path) -> None:
    """What was kept is there when the store is opened again, by any SQLite program."""
    store = Store(f"sqlite:///{tmp_path / 'kept.db'}")
    store.open()
    add(store)
    store.close()
    store.open()
    assert found(store).payload == {"msg": "hello"}
    store.close()
    connection = sqlite3.connect(tmp_path / "kept.db")
    assert connection.execute("SELECT id, state FROM ticket").fetchall() == [("t1", "accepted")]
    connection.close()


def test_the_database_tells_fractions_of_seconds(store: Store) -> None:
    """DBOS on Python 3.12 and newer asks for these, which SQLite before 3.42 does not know."""
    with store.transaction() as connection:
        seconds = connection.execute(sa.text("SELECT unixepoch('subsec')")).scalar_one()

    assert isinstance(seconds, float)
    assert seconds > WHEN / 1000
