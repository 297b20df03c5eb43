"""Deliveries that go on by themselves: through pauses, stops and restarts, on the real engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import delivery
from service.delivery import Delivery
from service.engine import Engine
from service.settings import DeliverySection
from service.store import Stage, State, Store
from tests.service.fakes import FakeHalo, answered, connection_refused, no_answer, wait_until

SETTINGS = DeliverySection(attempt_seconds=0.2, grace_seconds=0.3, poll_seconds=0.02)


class Bench:
    """A store and a Halo that outlive the engines that are started on them."""

    def __init__(self, path: Path) -> None:
        self.store = Store(f"sqlite:///{path}")
        self.store.open()
        self.halo = FakeHalo()
        self.engine: Engine | None = None

    def start(self) -> Engine:
        """Start an engine."""
        self.engine = Engine(self.store, Delivery(self.store, self.halo.writer, SETTINGS, {}), SETTINGS)
        self.engine.start()
        return self.engine

    def stop(self) -> None:
        """Stop the engine, if one runs."""
        if self.engine is not None:
            self.engine.stop()
            self.engine = None

    def accept(self, engine: Engine | None, ticket_id: str = "t1") -> None:
        """Keep a ticket, and order its delivery unless there is no engine."""
        with self.store.transaction() as connection:
            self.store.insert(
                connection,
                ticket_id=ticket_id,
                state=State.ACCEPTED,
                idempotency_key=None,
                body_hash="h",
                payload={"msg": "hello"},
                decision={"refused": None},
            )
            if engine is not None:
                engine.accept(connection, ticket_id)

    def state(self, ticket_id: str = "t1") -> State:
        """Return the ticket's state."""
        ticket = self.store.get(ticket_id)
        assert ticket is not None
        return ticket.state


@pytest.fixture
def bench(tmp_path: Path, used_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench with short pauses."""
    shutil.copy(used_database, tmp_path / "kept.db")
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.05)
    bench = Bench(tmp_path / "kept.db")
    yield bench
    bench.stop()
    bench.store.close()


def test_first_run(tmp_path: Path) -> None:
    """On a new database the engine makes its tables, and files."""
    bench = Bench(tmp_path / "new.db")
    bench.accept(bench.start())
    wait_until(lambda: bench.state() is State.FILED)
    bench.stop()
    bench.store.close()


def test_filing(bench: Bench) -> None:
    """An accepted ticket is filed, with one ticket and one note in Halo, in a loop of the engine's own."""
    engine = bench.start()
    assert engine.status("t1") is None
    bench.accept(engine)
    wait_until(lambda: engine.status("t1") == "SUCCESS")
    assert bench.state() is State.FILED
    assert bench.halo.calls == ["create_ticket", "add_note"]
    assert len(bench.halo.loops) == 1


def test_transaction_that_fails(bench: Bench) -> None:
    """A ticket whose transaction is rolled back is neither kept nor delivered."""
    engine = bench.start()
    with contextlib.suppress(ZeroDivisionError), bench.store.transaction() as connection:
        engine.accept(connection, "t1")
        _ = 1 / 0
    assert engine.status("t1") is None


def test_restart_while_halo_is_away(bench: Bench) -> None:
    """What could not be filed before a stop is filed once after the next start."""
    bench.halo.away = connection_refused()
    engine = bench.start()
    for number in range(6):
        bench.accept(engine, f"t{number}")
    wait_until(lambda: len(bench.halo.calls) >= 8)
    bench.stop()
    assert bench.halo.closed == 1
    assert {bench.state(f"t{number}") for number in range(6)} == {State.ACCEPTED}
    bench.halo.away = None
    bench.start()
    wait_until(lambda: bench.state("t5") is State.FILED)
    wait_until(lambda: all(bench.state(f"t{number}") is State.FILED for number in range(6)))
    assert sorted(bench.halo.tickets) == [f"t{number}" for number in range(6)]
    assert sorted(reference for _, reference in bench.halo.notes) == [f"t{number}" for number in range(6)]


def test_doubts(bench: Bench) -> None:
    """Lost answers, errors and refused connections in any mixture lead to one ticket and one note."""
    bench.halo.before = [connection_refused(), None, no_answer(), None]
    bench.halo.after = [no_answer(), answered(502, retryable=True)]
    engine = bench.start()
    bench.accept(engine)
    wait_until(lambda: bench.state() is State.FILED)
    assert (bench.halo.tickets, bench.halo.notes) == (["t1"], [(1, "t1")])


def test_dead_and_replayed(bench: Bench) -> None:
    """A ticket that Halo refuses is dead, ends its workflow, and is filed when a person replays it."""
    bench.halo.before = [answered(400, surely_not_processed=True)]
    engine = bench.start()
    bench.accept(engine)
    wait_until(lambda: engine.status("t1") == "SUCCESS")
    assert bench.state() is State.DEAD
    assert engine.replay("t1")
    wait_until(lambda: bench.state() is State.FILED)
    assert bench.halo.tickets == ["t1"]
    assert not engine.replay("t1")


def test_cancelled_and_replayed(bench: Bench) -> None:
    """A cancelled ticket is not filed; replayed while its workflow still sleeps, it is filed once."""
    bench.halo.away = connection_refused()
    engine = bench.start()
    bench.accept(engine)
    wait_until(lambda: bench.halo.calls)
    assert engine.cancel("t1")
    wait_until(lambda: engine.status("t1") == "SUCCESS")
    bench.halo.away = None
    assert engine.replay("t1")
    wait_until(lambda: bench.state() is State.FILED)
    assert not engine.cancel("t1")
    assert bench.halo.tickets == ["t1"]


def test_missing_delivery(bench: Bench) -> None:
    """An accepted ticket without a workflow gets one."""
    bench.accept(None)
    engine = bench.start()
    engine.reconcile(stale_seconds=0)
    wait_until(lambda: bench.state() is State.FILED)


def test_stranded_delivery(bench: Bench) -> None:
    """A workflow that ended while its ticket is still accepted is run again; one that runs is left alone."""
    bench.halo.before = [answered(400, surely_not_processed=True)]
    engine = bench.start()
    bench.accept(engine)
    wait_until(lambda: engine.status("t1") == "SUCCESS")
    bench.store.reopen("t1")
    engine.reconcile()
    assert engine.status("t1") == "SUCCESS"
    bench.halo.before = [connection_refused()] * 3
    engine.reconcile(stale_seconds=0)
    engine.reconcile(stale_seconds=0)
    wait_until(lambda: bench.state() is State.FILED)
    assert bench.halo.tickets == ["t1"]


def test_stop_waits_for_the_attempt_at_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that is asking Halo when the service stops may end, so the next start need not look for it."""
    at_work, finished = [], []
    attempt = Delivery._attempt

    async def slow(self: Delivery, ticket_id: str, stage: Stage) -> delivery.Outcome:
        at_work.append(stage)
        await asyncio.sleep(0.1)
        outcome = await attempt(self, ticket_id, stage)
        finished.append(stage)
        return outcome

    monkeypatch.setattr(Delivery, "_attempt", slow)
    bench.accept(bench.start())
    wait_until(lambda: at_work)
    bench.stop()
    assert finished == at_work == [Stage.TICKET]
    assert bench.halo.calls == ["create_ticket"]


def test_one_engine_in_a_process(bench: Bench) -> None:
    """A second engine does not start while one runs, and leaves that one alone."""
    engine = bench.start()
    with pytest.raises(RuntimeError, match="another engine runs in this process"):
        Engine(bench.store, Delivery(bench.store, bench.halo.writer, SETTINGS, {}), SETTINGS).start()
    bench.accept(engine)
    wait_until(lambda: bench.state() is State.FILED)


def test_only_ids_are_kept_by_the_engine(bench: Bench) -> None:
    """The engine's own tables hold ids and outcomes as JSON: nothing of the ticket, and no pickles."""
    engine = bench.start()
    bench.accept(engine)
    wait_until(lambda: engine.status("t1") == "SUCCESS")
    with bench.store.engine.connect() as connection:
        outputs = connection.exec_driver_sql(
            "SELECT function_name, output FROM operation_outputs ORDER BY function_id"
        ).all()
        inputs = connection.exec_driver_sql("SELECT inputs FROM workflow_status").all()
    done = '{"result":"done","seconds":0.0}'
    assert [tuple(row) for row in outputs] == [("ticket", done), ("note", done)]
    assert all(row.inputs in (None, '{"namedArgs":{},"positionalArgs":["t1"]}') for row in inputs)


def test_engine_is_quiet(bench: Bench, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """A start, and a stop during a pause, print nothing and log only the failure before the pause."""
    bench.halo.before = [answered(429, retryable=True, surely_not_processed=True, retry_after_seconds=60)]
    with caplog.at_level(logging.WARNING):
        bench.accept(bench.start())
        wait_until(lambda: caplog.messages)
        wait_until(lambda: sleeping(bench))
        bench.stop()
    assert (capfd.readouterr().err, caplog.messages) == ("", ["attempt failed"])


def sleeping(bench: Bench) -> bool:
    """Tell whether a workflow has begun a pause."""
    with bench.store.engine.connect() as connection:
        steps = connection.exec_driver_sql("SELECT function_name FROM operation_outputs").scalars().all()
    return "DBOS.sleep" in steps
