"""Attempts: what reaches Halo, and what is known of it afterwards, for every way in which one can end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dispatcher.halo.errors import CannotTellError, NotSetUpError
from service.database import Database
from service.delivery import Delivery, Outcome
from service.settings import DeliverySection
from service.store import Arrival, Stage, State, Store, StoredTicket
from tests.service.fakes import LOST_ANSWER, FakeHalo, answered, connection_refused, no_answer

DONE = Outcome("done")
OVER = Outcome("over")
GRACE = 150.0


def doubt(seconds: float = GRACE, *, away: bool = False) -> Outcome:
    """Return the outcome of an attempt that must wait until Halo has surely ended what it may have begun."""
    return Outcome("again", seconds, watching=True, away=away)


def again(seconds: float, *, away: bool = False) -> Outcome:
    """Return the outcome of an attempt that surely did nothing."""
    return Outcome("again", seconds, away=away)


class Bench:
    """A store with one accepted ticket, a Halo, and a monotonic clock that stands still until it is moved."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.halo = FakeHalo()
        self.now = 1_000.0
        self.heard_at = 0.0
        self.settings = DeliverySection(max_attempts=3)
        self.process = self.runner()
        store.insert(
            [
                Arrival(
                    ticket_id="t1",
                    state=State.ACCEPTED,
                    idempotency_key="t1",
                    body_hash="h",
                    payload={"msg": "hello"},
                    decision={"refused": None},
                )
            ]
        )

    def runner(self) -> Delivery:
        """Return a delivery as a fresh process has it."""
        return Delivery(
            self.store,
            self.halo.writer(),
            self.settings,
            {"team": "1st Line"},
            worker="w1",
            answered_since=lambda moment: self.heard_at >= moment,
            clock=lambda: self.now,
        )

    def restart(self) -> None:
        """Go on in a fresh process."""
        self.process = self.runner()

    def attempt(self, stage: Stage = Stage.TICKET) -> Outcome:
        """Make an attempt."""
        return asyncio.run(self.process.attempt("t1", stage))

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
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.open()
    yield Bench(Store(database))
    database.close()


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


def test_both_stages_in_one_go(bench: Bench) -> None:
    """Delivering a ticket brings it and its note to Halo, and every attempt is on record."""
    assert asyncio.run(bench.process.deliver("t1")) == DONE
    assert bench.halo.calls == ["create_ticket", "add_note"]
    assert [(a.number, a.stage, a.worker, a.result) for a in bench.store.attempts("t1")] == [
        (1, Stage.TICKET, "w1", "created"),
        (2, Stage.NOTE, "w1", "created"),
    ]


def test_repetition(bench: Bench) -> None:
    """A stage that is done is done: repeating it asks Halo for nothing."""
    for stage in (Stage.TICKET, Stage.TICKET, Stage.NOTE, Stage.NOTE, Stage.TICKET):
        assert bench.attempt(stage) == DONE
    assert bench.halo.calls == ["create_ticket", "add_note"]


@pytest.mark.parametrize("stage", Stage)
def test_halo_surely_did_nothing(bench: Bench, stage: Stage) -> None:
    """A request that surely changed nothing is made again after a pause, without a look-up."""
    if stage is Stage.NOTE:
        bench.attempt(Stage.TICKET)
    bench.halo.calls.clear()
    bench.halo.before = [connection_refused()]
    attempts = bench.ticket.attempts
    assert bench.attempt(stage) == again(2.0**attempts, away=True)
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
    assert bench.attempt(stage) == doubt(away=True)
    bench.now += GRACE - 1
    assert bench.attempt(stage) == doubt(1.0)
    bench.now += 1
    assert bench.attempt(stage) == DONE
    create, find = ("create_ticket", "find_ticket") if stage is Stage.TICKET else ("add_note", "find_note")
    assert bench.halo.calls == [create, find]
    assert (len(bench.halo.tickets), len(bench.halo.notes)) == ((1, 0) if stage is Stage.TICKET else (1, 1))
    assert [a.result for a in bench.store.attempts("t1")][-2:] == ["failed", "found"]


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
    assert bench.attempt() == doubt(2.0, away=True)
    assert bench.attempt() == doubt(4.0, away=True)
    assert bench.attempt() == DONE
    assert bench.halo.calls == ["create_ticket", "find_ticket", "find_ticket", "find_ticket"]


def test_halo_that_cannot_tell(bench: Bench) -> None:
    """Where Halo cannot tell whether it has the ticket, a person must: nothing is created on a guess."""
    bench.halo.after = [no_answer()]
    bench.attempt()
    bench.now += GRACE
    bench.halo.before = [CannotTellError("this Halo ignores the filter")]
    assert bench.attempt() == OVER
    assert (bench.ticket.state, bench.ticket.last_error) == (State.REVIEW, "this Halo ignores the filter")
    assert bench.halo.calls == ["create_ticket", "find_ticket"]


def test_ticket_that_a_person_found(bench: Bench) -> None:
    """Once a person says which ticket in Halo it is, it gets its note and no second ticket."""
    test_halo_that_cannot_tell(bench)
    assert bench.store.resolve("t1", 17)
    assert asyncio.run(bench.process.deliver("t1")) == DONE
    assert (bench.halo.tickets, bench.halo.notes) == (["t1"], [(17, "t1")])


def test_ticket_that_a_person_did_not_find(bench: Bench) -> None:
    """Once a person says that Halo does not have it, it is created without another look."""
    test_halo_that_cannot_tell(bench)
    assert bench.store.resolve("t1", None)
    assert asyncio.run(bench.process.deliver("t1")) == DONE
    assert bench.halo.calls[2:] == ["create_ticket", "add_note"]


def test_crash_during_a_request(bench: Bench) -> None:
    """A process that dies while it asks Halo leaves an intent, which the next one waits out and looks into."""

    async def die() -> None:
        task = asyncio.create_task(bench.process.attempt("t1", Stage.TICKET))
        while not bench.halo.tickets:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bench.halo.hang = {"create_ticket"}
    asyncio.run(die())
    bench.halo.hang.clear()
    bench.restart()
    bench.now += 1_000_000
    assert bench.attempt() == doubt()
    bench.now += GRACE
    assert bench.attempt() == DONE
    assert (bench.halo.tickets, bench.halo.calls) == (["t1"], ["create_ticket", "find_ticket"])
    assert [a.result for a in bench.store.attempts("t1")] == [None, "found"]


def test_restart_begins_the_wait_anew(bench: Bench) -> None:
    """A fresh process does not know how old a doubt is, and trusts no clock: it waits for the whole grace period."""
    bench.halo.after = [no_answer()]
    bench.attempt()
    bench.now += GRACE - 1
    bench.restart()
    assert bench.attempt() == doubt()


def test_two_runners(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two processes that make the same attempt at once, one asks Halo and the other waits."""
    both_have_read = threading.Barrier(2)
    start_attempt = bench.store.start_attempt

    def start_together(*arguments: Any) -> int:
        both_have_read.wait(5)
        return start_attempt(*arguments)

    monkeypatch.setattr(bench.store, "start_attempt", start_together)

    async def race() -> list[Outcome]:
        return await asyncio.gather(*(bench.runner().attempt("t1", Stage.TICKET) for _ in range(2)))

    outcomes = asyncio.run(race())
    assert sorted(outcome.result for outcome in outcomes) == ["again", "done"]
    assert bench.halo.tickets == ["t1"]


def test_each_request_has_its_own_intent(bench: Bench) -> None:
    """A writer that asks again claims again, and the grace period counts from the last time."""
    claimed: list[int | None] = []

    class Repeating(FakeHalo):
        def writer(self, _budget: object = None) -> Any:
            writer = super().writer()

            async def create_ticket(*_: Any, claim: Any, **__: Any) -> Any:
                for _try in range(3):
                    await claim()
                    claimed.append(bench.ticket.intents[Stage.TICKET])
                    bench.now += 10
                raise no_answer()

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Repeating()
    bench.restart()
    assert bench.attempt() == doubt(GRACE - 10, away=True)
    assert None not in claimed
    assert claimed == sorted({intent or 0 for intent in claimed})
    assert bench.ticket.intents[Stage.TICKET] == claimed[-1]


def test_halo_asks_to_wait(bench: Bench) -> None:
    """Retry-After is obeyed, longer or shorter than our own pause, up to an hour; it says nothing of the ticket."""
    bench.halo.before = [
        answered(429, retryable=True, surely_not_processed=True, retry_after_seconds=seconds)
        for seconds in (17.0, 0.5, 1e9)
    ]
    assert bench.attempt() == again(17.0, away=True)
    assert bench.attempt() == again(0.5, away=True)
    assert bench.attempt() == again(3600.0, away=True)
    assert bench.ticket.failures == 0


def test_halo_that_is_not_set_up(bench: Bench) -> None:
    """A ticket that waits for a person to set Halo up neither fails nor looks like an outage."""
    bench.halo.before = [NotSetUpError("Halo has no catch-all user")]
    assert bench.attempt() == again(1.0)
    assert (bench.ticket.failures, bench.ticket.last_error) == (0, "Halo has no catch-all user")


def test_pauses_double_up_to_the_longest(bench: Bench) -> None:
    """Pauses double with every attempt up to five minutes, for as long as Halo is away; the ticket never dies."""
    bench.halo.away = connection_refused()
    pauses = [bench.attempt().seconds for _ in range(12)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0, 300.0]
    assert (bench.ticket.state, bench.ticket.attempts, bench.ticket.failures) == (State.ACCEPTED, 12, 0)


def test_final_answer(bench: Bench) -> None:
    """An answer that no repetition can better makes the ticket dead, with what Halo said."""
    bench.halo.before = [answered(400)]
    assert bench.attempt() == OVER
    assert (bench.ticket.state, bench.ticket.last_error) == (State.DEAD, "Halo answered 400")
    assert bench.attempt() == OVER
    assert bench.halo.calls == ["create_ticket"]
    (attempt,) = bench.store.attempts("t1")
    assert (attempt.result, attempt.status, attempt.answer) == ("failed", 400, "Halo answered 400")


@pytest.mark.parametrize(
    ("status", "stage", "waits"),
    [(302, "ticket", 1), (403, "ticket", 1), (403, "note", 1), (404, "ticket", 1), (404, "note", 0), (415, "note", 1)],
)
def test_closed_ways(bench: Bench, status: int, stage: str, waits: int) -> None:
    """A ticket waits while Halo is closed to us, for as long as it may fail; a note whose ticket is gone does not."""
    if stage == "note":
        bench.attempt()
    bench.halo.before = [answered(status, surely_not_processed=True)]
    assert bench.attempt(Stage(stage)).result == ("again" if waits else "over")


def test_too_many_failures(bench: Bench) -> None:
    """A ticket on which Halo fails again and again is given up, but only after a last look."""
    bench.heard_at = 1e9
    bench.halo.before = [answered(500, retryable=True), None] * 3
    for _ in range(3):
        assert bench.attempt() == doubt()
        bench.now += GRACE
    assert bench.attempt() == OVER
    assert (bench.ticket.state, bench.ticket.last_error) == (
        State.DEAD,
        "given up after 3 failed attempts; the last: Halo answered 500",
    )
    assert bench.halo.calls == ["create_ticket", "find_ticket"] * 3
    assert [attempt.result for attempt in bench.store.attempts("t1")] == ["failed"] * 4


@pytest.mark.parametrize("status", [302, 403, 404, 405, 500, 503])
def test_outage_of_any_kind(bench: Bench, status: int) -> None:
    """Whatever stands in for Halo while it is away, that says nothing about the ticket."""
    bench.halo.before = [answered(status, surely_not_processed=True)]
    assert bench.attempt() == again(1.0, away=True)
    assert bench.ticket.failures == 0


def test_ticket_that_only_times_out(bench: Bench) -> None:
    """A ticket on which Halo runs into its time limit, while it answers others, counts as failing."""
    bench.heard_at = bench.now
    bench.halo.before = [answered(504, retryable=True)]
    assert bench.attempt() == doubt()
    assert bench.ticket.failures == 1


def test_ticket_that_kills_its_process(bench: Bench) -> None:
    """Attempts that nobody lived to see the end of count too, so such a ticket is given up as well."""
    for _ in range(3):
        bench.store.start_attempt("t1", Stage.TICKET, "w0")
    assert bench.attempt() == OVER
    assert bench.ticket.last_error == "given up after 3 failed attempts; the last: None"
    assert bench.halo.calls == []


def test_hanging_writer(bench: Bench) -> None:
    """What follows the claim ends in time whatever the writer does, and is in doubt."""
    bench.halo.hang = {"create_ticket"}
    bench.settings = DeliverySection(attempt_seconds=0.2, grace_seconds=GRACE)
    bench.restart()
    assert bench.attempt() == doubt(away=True)
    assert (bench.ticket.last_error, bench.ticket.failures) == ("Halo did not finish within 0.2 s", 0)
    assert bench.ticket.intents[Stage.TICKET] is not None


def test_claim_that_takes_too_long(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stands still while it claims sends nothing: others may have waited the grace period out by then."""
    bench.settings = DeliverySection(attempt_seconds=0.05, grace_seconds=GRACE)
    bench.restart()
    claim = bench.store.claim

    def slow(*arguments: Any) -> bool:
        claimed = claim(*arguments)
        time.sleep(0.1)
        return claimed

    monkeypatch.setattr(bench.store, "claim", slow)
    assert bench.attempt() == again(1.0)
    assert (bench.halo.calls, bench.ticket.intents[Stage.TICKET], bench.ticket.failures) == ([], None, 0)


def test_bug_in_the_writer(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """An exception that nobody foresaw counts against the ticket, is in doubt, and is logged with its traceback."""
    bench.halo.after = [ZeroDivisionError("division by zero")]
    assert bench.attempt() == doubt()
    assert (bench.ticket.last_error, bench.ticket.failures) == (
        "internal error: ZeroDivisionError: division by zero",
        1,
    )
    assert "ZeroDivisionError: division by zero" in caplog.text
    bench.now += GRACE
    assert bench.attempt() == DONE


def test_database_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery that cannot read or write its ticket is made again, and what Halo did is found."""

    def fails(*_: Any, **__: Any) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "ticket_created", fails)
        patch.setattr(bench.store, "attempt_failed", fails)
        assert asyncio.run(bench.process.deliver("t1")) == again(32.0)
        patch.setattr(bench.store, "get", fails)
        assert asyncio.run(bench.process.deliver("t1")) == again(32.0)
    bench.now += GRACE
    assert bench.attempt() == DONE
    assert bench.halo.calls == ["create_ticket", "find_ticket"]


def test_stopped_tickets(bench: Bench) -> None:
    """A cancelled or unknown ticket is over before Halo is asked."""
    bench.store.cancel("t1")
    assert bench.attempt() == OVER
    assert asyncio.run(bench.process.attempt("t2", Stage.TICKET)) == OVER
    assert bench.halo.calls == []


def test_replay_of_a_dead_ticket(bench: Bench) -> None:
    """A dead ticket that is reopened while Halo has it after all is found and not filed again."""
    bench.halo.after = [answered(400)]
    assert bench.attempt() == OVER
    bench.store.reopen("t1")
    assert bench.attempt() == doubt()
    bench.now += GRACE
    assert bench.attempt() == DONE
    assert bench.halo.tickets == ["t1"]


def test_replay_with_other_defaults(bench: Bench) -> None:
    """Defaults that come with a replay stand in for the settings' own, and these for what is not given."""
    asked: list[dict[str, Any]] = []

    class Asked(FakeHalo):
        def writer(self, _budget: object = None) -> Any:
            writer = super().writer()
            create = writer.create_ticket

            async def create_ticket(*arguments: Any, **named: Any) -> Any:
                asked.append(named["defaults"])
                return await create(*arguments, **named)

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Asked()
    bench.restart()
    bench.store.bury("t1", "no such priority")
    bench.store.reopen("t1", {"priority": "Low"})
    assert bench.attempt() == DONE
    assert asked == [{"team": "1st Line", "priority": "Low"}]


def test_what_was_looked_up_is_in_the_note(bench: Bench) -> None:
    """What intake learned of Halo reaches Halo as if the sender had said it."""
    bench.store.insert(
        [
            Arrival(
                ticket_id="t2",
                state=State.ACCEPTED,
                idempotency_key="t2",
                body_hash="h",
                payload={"msg": "hello"},
                decision={"refused": None, "looked_up": {"business_name": "Contoso Ltd."}},
            )
        ]
    )
    sent: list[Any] = []

    class Sent(FakeHalo):
        def writer(self, _budget: object = None) -> Any:
            writer = super().writer()
            create = writer.create_ticket

            async def create_ticket(reference: str, ticket: Any, *rest: Any, **named: Any) -> Any:
                sent.append(ticket)
                return await create(reference, ticket, *rest, **named)

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Sent()
    assert asyncio.run(bench.runner().attempt("t2", Stage.TICKET)) == DONE
    assert sent == [{"msg": "hello", "business_name": "Contoso Ltd."}]
