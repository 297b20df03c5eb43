"""Attempts: what reaches Halo, and what is known of it afterwards, for every way in which one can end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.delivery import Delivery, Outcome
from service.settings import DeliverySection
from service.store import Stage, State, Store, StoredTicket
from tests.service.fakes import LOST_ANSWER, FakeHalo, answered, connection_refused, no_answer

DONE = Outcome(result="done", seconds=0.0)
OVER = Outcome(result="over", seconds=0.0)
GRACE = 150.0


class Bench:
    """A store with one accepted ticket, a Halo, and a clock that stands still until it is moved."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.halo = FakeHalo()
        self.now = 1_700_000_000.0
        self.settings = DeliverySection(max_attempts=3)
        with store.transaction() as connection:
            store.insert(
                connection,
                ticket_id="t1",
                state=State.ACCEPTED,
                idempotency_key=None,
                body_hash="h",
                payload={"msg": "hello"},
                decision={"refused": None},
            )

    def runner(self) -> Delivery:
        """Return a delivery as a fresh process has it."""
        return Delivery(self.store, self.halo.writer, self.settings, {}, clock=lambda: self.now)

    def attempt(self, stage: Stage = Stage.TICKET) -> Outcome:
        """Make an attempt in a fresh process."""
        return asyncio.run(self.runner().attempt("t1", stage))

    @property
    def ticket(self) -> StoredTicket:
        """The ticket as it is kept."""
        ticket = self.store.get("t1")
        assert ticket is not None
        return ticket


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose pauses are as long as they can be."""
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    store = Store(f"sqlite:///{tmp_path / 'kept.db'}")
    store.open()
    yield Bench(store)
    store.close()


def test_usual_way(bench: Bench) -> None:
    """Ticket and note take one request each, no look-up, and pass on what Halo did not take."""
    assert (bench.attempt(), bench.attempt(Stage.NOTE)) == (DONE, DONE)
    assert bench.halo.calls == ["create_ticket", "add_note"]
    ticket = bench.ticket
    assert (ticket.state, ticket.halo_ticket_id, ticket.halo_note_id) == (State.FILED, 1, 1)
    assert ticket.submission_errors == [
        {"variable": "team", "value": "Printers", "reason": "no such team", "replacement": "1st Line"}
    ]
    assert (ticket.remarks, ticket.attempts, ticket.last_error) == (["no asset"], 2, None)


def test_repetition(bench: Bench) -> None:
    """A stage that is done is done: repeating it asks Halo for nothing."""
    for stage in (Stage.TICKET, Stage.TICKET, Stage.NOTE, Stage.NOTE, Stage.TICKET):
        assert bench.attempt(stage) == DONE
    assert bench.halo.calls == ["create_ticket", "add_note"]


@pytest.mark.parametrize("stage", Stage)
def test_halo_surely_did_nothing(bench: Bench, stage: Stage) -> None:
    """A request that surely changed nothing is made again after a pause, without a look-up."""
    bench.store.ticket_created("t1", 1, [], [LOST_ANSWER]) if stage is Stage.NOTE else None
    bench.halo.before = [connection_refused()]
    assert bench.attempt(stage) == Outcome(result="again", seconds=1.0)
    assert (bench.ticket.intents[stage], bench.ticket.last_error) == (None, "connection refused")
    assert bench.attempt(stage) == DONE
    assert len(bench.halo.calls) == 2


@pytest.mark.parametrize("stage", Stage)
def test_lost_answer_of_work_that_was_done(bench: Bench, stage: Stage) -> None:
    """When the answer is lost, the next attempt waits for the grace period, looks, and finds: nothing twice."""
    if stage is Stage.NOTE:
        bench.attempt(Stage.TICKET)
    bench.halo.calls.clear()
    bench.halo.after = [no_answer()]
    assert bench.attempt(stage) == Outcome(result="again", seconds=GRACE)
    bench.now += GRACE - 1
    assert bench.attempt(stage) == Outcome(result="again", seconds=1.0)
    bench.now += 1
    assert bench.attempt(stage) == DONE
    create, find = ("create_ticket", "find_ticket") if stage is Stage.TICKET else ("add_note", "find_note")
    assert bench.halo.calls == [create, find]
    assert (len(bench.halo.tickets), len(bench.halo.notes)) == ((1, 0) if stage is Stage.TICKET else (1, 1))


def test_lost_answer_is_said_in_the_note(bench: Bench) -> None:
    """A ticket that was found again has a remark that its submission errors are unknown."""
    bench.halo.after = [no_answer()]
    bench.attempt()
    bench.now += GRACE
    bench.attempt()
    assert (bench.ticket.submission_errors, bench.ticket.remarks) == ([], [LOST_ANSWER])
    assert bench.attempt(Stage.NOTE) == DONE


@pytest.mark.parametrize("stage", Stage)
def test_no_answer_and_nothing_done(bench: Bench, stage: Stage) -> None:
    """When the look-up after the grace period finds nothing, the request is made again."""
    if stage is Stage.NOTE:
        bench.attempt(Stage.TICKET)
    bench.halo.calls.clear()
    bench.halo.before = [no_answer()]
    bench.attempt(stage)
    bench.now += GRACE
    assert bench.attempt(stage) == DONE
    create, find = ("create_ticket", "find_ticket") if stage is Stage.TICKET else ("add_note", "find_note")
    assert bench.halo.calls == [create, find, create]


def test_failing_look_up(bench: Bench) -> None:
    """While Halo cannot be asked whether the ticket is there, nothing is created; pauses grow."""
    bench.halo.after = [no_answer()]
    bench.attempt()
    bench.now += GRACE
    bench.halo.before = [no_answer(), connection_refused()]
    assert bench.attempt() == Outcome(result="again", seconds=2.0)
    assert bench.attempt() == Outcome(result="again", seconds=4.0)
    assert bench.attempt() == DONE
    assert bench.halo.calls == ["create_ticket", "find_ticket", "find_ticket", "find_ticket"]


def test_crash_during_a_request(bench: Bench) -> None:
    """A process that dies while it asks Halo leaves an intent, which the next one respects."""
    asked = asyncio.Event()

    class Dying(FakeHalo):
        def writer(self) -> Any:
            writer = super().writer()

            async def create_ticket(reference: str, *_: Any, **__: Any) -> Any:
                self.tickets.append(reference)
                asked.set()
                await asyncio.Event().wait()

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    async def die() -> None:
        task = asyncio.create_task(bench.runner().attempt("t1", Stage.TICKET))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    alive = bench.halo
    bench.halo = Dying()
    asyncio.run(die())
    alive.tickets, bench.halo = bench.halo.tickets, alive
    assert bench.attempt() == Outcome(result="again", seconds=GRACE)
    bench.now += GRACE
    assert bench.attempt() == DONE
    assert (bench.halo.tickets, bench.halo.calls) == (["t1"], ["find_ticket"])


def test_two_runners(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two processes that make the same attempt at once, one asks Halo and the other waits."""
    both_have_read = threading.Barrier(2)

    start_attempt = bench.store.start_attempt

    def start_together(ticket_id: str) -> None:
        both_have_read.wait(5)
        start_attempt(ticket_id)

    monkeypatch.setattr(bench.store, "start_attempt", start_together)

    async def race() -> list[Outcome]:
        return await asyncio.gather(*(bench.runner().attempt("t1", Stage.TICKET) for _ in range(2)))

    outcomes = asyncio.run(race())
    assert sorted(outcome["result"] for outcome in outcomes) == ["again", "done"]
    assert bench.halo.tickets == ["t1"]


def test_halo_asks_to_wait(bench: Bench) -> None:
    """Retry-After is obeyed, longer or shorter than our own pause, up to an hour."""
    bench.halo.before = [
        answered(429, retryable=True, surely_not_processed=True, retry_after_seconds=seconds)
        for seconds in (17.0, 0.5, 1e9)
    ]
    assert bench.attempt() == Outcome(result="again", seconds=17.0)
    assert bench.attempt() == Outcome(result="again", seconds=0.5)
    assert bench.attempt() == Outcome(result="again", seconds=3600.0)


def test_pauses_double_up_to_the_longest(bench: Bench) -> None:
    """Pauses double with every attempt up to five minutes, for as long as Halo is away; the ticket never dies."""
    bench.halo.away = connection_refused()
    pauses = [bench.attempt()["seconds"] for _ in range(12)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0, 300.0]
    assert (bench.ticket.state, bench.ticket.attempts, bench.ticket.failures) == (State.ACCEPTED, 12, 0)


def test_final_answer(bench: Bench) -> None:
    """An answer that no repetition can better makes the ticket dead, with what Halo said."""
    bench.halo.before = [answered(400)]
    assert bench.attempt() == OVER
    assert (bench.ticket.state, bench.ticket.last_error) == (State.DEAD, "Halo answered 400")
    assert bench.attempt() == OVER
    assert bench.halo.calls == ["create_ticket"]


def test_too_many_failures(bench: Bench) -> None:
    """A ticket on which Halo fails again and again is given up, but only after a last look."""
    bench.halo.before = [answered(500, retryable=True), None] * 3
    for _ in range(3):
        assert bench.attempt() == Outcome(result="again", seconds=GRACE)
        bench.now += GRACE
    assert bench.attempt() == OVER
    assert (bench.ticket.state, bench.ticket.last_error) == (
        State.DEAD,
        "given up after 3 failed attempts; the last: Halo answered 500",
    )
    assert bench.halo.calls == ["create_ticket", "find_ticket"] * 3


def test_ticket_that_kills_its_process(bench: Bench) -> None:
    """Attempts that nobody lived to see the end of count too, so such a ticket is given up as well."""
    for _ in range(3):
        bench.store.start_attempt("t1")
    assert bench.attempt() == OVER
    assert bench.ticket.last_error == "given up after 3 failed attempts; the last: None"
    assert bench.halo.calls == []


def test_hanging_writer(bench: Bench) -> None:
    """An attempt ends in time whatever the writer does, and is in doubt."""

    class Hanging(FakeHalo):
        def writer(self) -> Any:
            writer = super().writer()

            async def create_ticket(*_: Any, **__: Any) -> Any:
                await asyncio.Event().wait()

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Hanging()
    bench.settings = DeliverySection(attempt_seconds=0.2, grace_seconds=GRACE)
    assert bench.attempt() == Outcome(result="again", seconds=GRACE)
    assert (bench.ticket.last_error, bench.ticket.failures) == ("Halo did not finish within 0.2 s", 0)
    assert bench.ticket.intents[Stage.TICKET] == bench.now * 1000


def test_bug_in_the_writer(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """An exception that nobody foresaw counts against the ticket, is in doubt, and is logged with its traceback."""
    bench.halo.after = [ZeroDivisionError("division by zero")]
    assert bench.attempt() == Outcome(result="again", seconds=GRACE)
    assert (bench.ticket.last_error, bench.ticket.failures) == (
        "internal error: ZeroDivisionError: division by zero",
        1,
    )
    assert "ZeroDivisionError: division by zero" in caplog.text
    bench.now += GRACE
    assert bench.attempt() == DONE


def test_database_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that cannot read or write its ticket is made again, and what Halo did is found."""

    def fails(*_: Any, **__: Any) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "ticket_created", fails)
        patch.setattr(bench.store, "attempt_failed", fails)
        assert bench.attempt() == Outcome(result="again", seconds=32.0)
        patch.setattr(bench.store, "get", fails)
        assert bench.attempt() == Outcome(result="again", seconds=32.0)
    bench.now += GRACE
    assert bench.attempt() == DONE
    assert bench.halo.calls == ["create_ticket", "find_ticket"]


def test_stopped_tickets(bench: Bench) -> None:
    """A cancelled or unknown ticket is over before Halo is asked."""
    bench.store.cancel("t1")
    assert bench.attempt() == OVER
    assert asyncio.run(bench.runner().attempt("t2", Stage.TICKET)) == OVER
    assert bench.halo.calls == []


def test_replay_of_a_dead_ticket(bench: Bench) -> None:
    """A dead ticket that is reopened while Halo has it after all is found and not filed again."""
    bench.halo.after = [answered(400)]
    assert bench.attempt() == OVER
    bench.store.reopen("t1")
    bench.now += GRACE
    assert bench.attempt() == DONE
    assert bench.halo.tickets == ["t1"]


def test_clock_that_was_set_back(bench: Bench) -> None:
    """An intent from the future holds a ticket up for one grace period, not until that future."""
    bench.halo.before = [no_answer()]
    bench.attempt()
    bench.now -= 3600
    assert bench.attempt() == Outcome(result="again", seconds=GRACE)


def test_stop(bench: Bench) -> None:
    """Stopping lets the attempt at work end, closes the writer in its own loop, and begins nothing more."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = bench.runner()
    assert asyncio.run_coroutine_threadsafe(runner.attempt("t1", Stage.TICKET), loop).result() == DONE
    runner.stop(1)
    after = asyncio.run_coroutine_threadsafe(runner.attempt("t1", Stage.NOTE), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert after == Outcome(result="again", seconds=1.0)
    assert (bench.halo.calls, bench.halo.closed, bench.halo.loops) == (["create_ticket"], 1, {id(loop)})


def test_stop_before_the_first_attempt(bench: Bench) -> None:
    """A delivery that never did anything has nothing to close."""
    bench.runner().stop(1)
    assert bench.halo.closed == 0
