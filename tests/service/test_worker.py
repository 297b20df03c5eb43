"""The worker: what is due gets delivered, in which order, through outages, restarts and deaths of workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from service import delivery, store, worker
from service.database import Database
from service.delivery import Delivery, Outcome
from service.settings import DeliverySection
from service.store import Arrival, Stage, State, Store
from service.worker import Outage, Worker
from tests.service.fakes import FakeHalo, answered, connection_refused, no_answer

SETTINGS = DeliverySection(attempt_seconds=0.7, grace_seconds=0.8, poll_seconds=0.02, drain_seconds=1.0)

pytestmark = pytest.mark.anyio


class Bench:
    """A store and a Halo that outlive the workers that run on them."""

    def __init__(self, kept: Store) -> None:
        self.store = kept
        self.halo = FakeHalo()

    def worker(self, name: str = "w1", settings: DeliverySection = SETTINGS) -> Worker:
        """Return a worker that does not run yet."""
        attempts = Delivery(self.store, self.halo.writer(), settings, {}, worker=name)
        return Worker(name, self.store, attempts, settings)

    @asynccontextmanager
    async def running(self, name: str = "w1", settings: DeliverySection = SETTINGS) -> AsyncIterator[Worker]:
        """A worker that runs until the block ends."""
        worker = self.worker(name, settings)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            await worker.stop()
            await task

    def accept(self, *ticket_ids: str, **values: Any) -> None:
        """Keep tickets."""
        for ticket_id in ticket_ids:
            ticket: dict[str, Any] = {
                "ticket_id": ticket_id,
                "state": State.ACCEPTED,
                "idempotency_key": ticket_id,
                "body_hash": "h",
                "payload": {"msg": "hello"},
                "decision": {"refused": None},
            }
            self.store.insert([Arrival(**(ticket | values))])

    def lease(self, name: str, seconds: float = 30.0) -> list[str]:
        """Return what a worker gets that takes all that is due."""
        return list(self.store.lease(name, 10, 10, seconds))

    def state(self, ticket_id: str = "t1") -> State:
        """Return the ticket's state."""
        ticket = self.store.get(ticket_id)
        assert ticket is not None
        return ticket.state

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Return once the condition holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
def bench(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench with short pauses, on each kind of database."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(delivery, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(worker, "LONGEST_PROBE_SECONDS", 0.05)
    return Bench(Store(any_database))


async def test_filing(bench: Bench) -> None:
    """An accepted ticket is filed, with one ticket and one note in Halo."""
    async with bench.running():
        bench.accept("t1")
        await bench.until(lambda: bench.state() is State.FILED)
    assert bench.halo.calls == ["create_ticket", "add_note"]


async def test_waking(bench: Bench) -> None:
    """A worker that is told of a ticket does not wait for its next look at the queue."""
    slow = SETTINGS.model_copy(update={"poll_seconds": 60.0})
    async with bench.running(settings=slow) as running:
        await asyncio.sleep(0.05)
        bench.accept("t1")
        running.wake()
        await bench.until(lambda: bench.state() is State.FILED)


async def test_restart_while_halo_is_away(bench: Bench) -> None:
    """What could not be filed before a stop is filed once after the next start."""
    references = [f"t{number}" for number in range(6)]
    bench.halo.away = connection_refused()
    bench.accept(*references)
    async with bench.running():
        await bench.until(lambda: len(bench.halo.calls) >= 4)
    assert {bench.state(reference) for reference in references} == {State.ACCEPTED}
    bench.halo.away = None
    async with bench.running("w2"):
        await bench.until(lambda: all(bench.state(reference) is State.FILED for reference in references))
    assert sorted(bench.halo.tickets) == references
    assert sorted(reference for _, reference in bench.halo.notes) == references


async def test_doubts(bench: Bench) -> None:
    """Lost answers, errors and refused connections in any mixture lead to one ticket and one note."""
    bench.halo.before = [connection_refused(), None, no_answer(), None]
    bench.halo.after = [no_answer(), answered(502, retryable=True)]
    bench.accept("t1")
    async with bench.running():
        await bench.until(lambda: bench.state() is State.FILED)
    assert (bench.halo.tickets, bench.halo.notes) == (["t1"], [(1, "t1")])


async def test_dead_and_replayed(bench: Bench) -> None:
    """A ticket that Halo refuses is dead, and is filed when a person replays it."""
    bench.halo.before = [answered(400, surely_not_processed=True)]
    bench.accept("t1")
    async with bench.running():
        await bench.until(lambda: bench.state() is State.DEAD)
        assert bench.store.reopen("t1")
        await bench.until(lambda: bench.state() is State.FILED)
    assert bench.halo.tickets == ["t1"]
    assert not bench.store.reopen("t1")


async def test_urgent_tickets_first(bench: Bench) -> None:
    """After an outage the most urgent come first, then the oldest, whatever was tried meanwhile."""
    one_at_a_time = SETTINGS.model_copy(update={"concurrency": 1})
    bench.accept("t1", "t2")
    bench.accept("t3", rank=1)
    bench.accept("t4", rank=200)
    bench.accept("t5")
    async with bench.running(settings=one_at_a_time):
        await bench.until(lambda: len(bench.halo.notes) == 5)
    assert bench.halo.tickets == ["t3", "t1", "t2", "t5", "t4"]


async def test_order_of_one_requester(bench: Bench) -> None:
    """Tickets of one requester are filed one after the other, beside those of others."""
    bench.accept("t1", "t2", "t3", requester="dan")
    bench.accept("t4", requester="amy")
    bench.accept("t5", "t6")
    assert sorted(bench.lease("w1")) == ["t1", "t4", "t5", "t6"]
    assert bench.lease("w2") == []
    bench.store.bury("t1", "no")
    assert bench.lease("w2") == ["t2"]


async def test_repeats(bench: Bench) -> None:
    """Of what was tried before, a worker gets so many, those that were tried least first, and the rest is untried."""
    references = [f"t{number}" for number in range(6)]
    bench.accept(*references)
    for times, reference in ((3, "t0"), (1, "t1"), (2, "t2")):
        for _ in range(times):
            bench.store.start_attempt(reference, Stage.TICKET, "w0")
    assert bench.store.lease("w1", 4, 2, 30) == {"t1": True, "t2": True, "t3": False, "t4": False}
    assert bench.store.lease("w1", 4, 0, 30) == {"t5": False}
    assert bench.store.lease("w1", 4, 4, 30) == {"t0": True}


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_poisoned_tickets(bench: Bench, concurrency: int) -> None:
    """Urgent tickets that fail again and again, as if Halo were away, do not hold up the others, however many."""
    halo = bench.halo

    class Poisoned(FakeHalo):
        def writer(self, _budget: object = None) -> Any:
            writer = halo.writer()
            create = writer.create_ticket

            async def create_ticket(reference: str, *arguments: Any, **named: Any) -> Any:
                if reference < "t1":
                    await asyncio.sleep(0.02)
                    raise connection_refused()
                return await create(reference, *arguments, **named)

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Poisoned()
    others = [f"t{number}" for number in range(10, 20)]
    bench.accept(*[f"t0{number}" for number in range(10)], rank=1)
    bench.accept(*others)
    async with bench.running(settings=SETTINGS.model_copy(update={"concurrency": concurrency})):
        await bench.until(lambda: all(bench.state(reference) is State.FILED for reference in others), 20)
    assert bench.state("t00") is State.ACCEPTED


async def test_worker_that_dies(bench: Bench) -> None:
    """The tickets of a worker that died are taken over when its lease has run out, and not before."""
    bench.accept("t1")
    assert bench.lease("dead", 0.3) == ["t1"]
    async with bench.running():
        await asyncio.sleep(0.1)
        assert bench.halo.calls == []
        await bench.until(lambda: bench.state() is State.FILED)


async def test_several_workers(bench: Bench) -> None:
    """Workers share the queue, and each ticket is filed by one of them."""
    references = [f"t{number:02}" for number in range(30)]
    bench.accept(*references)
    async with bench.running("w1"), bench.running("w2"), bench.running("w3"):
        await bench.until(lambda: all(bench.state(reference) is State.FILED for reference in references))
    assert sorted(bench.halo.tickets) == references
    assert {attempt.worker for reference in references for attempt in bench.store.attempts(reference)} > {"w1"}


async def test_long_deliveries_keep_their_lease(bench: Bench) -> None:
    """A worker that is at a ticket for longer than a lease keeps it."""
    bench.halo.hang = {"create_ticket"}
    patient = DeliverySection(attempt_seconds=3, grace_seconds=4, poll_seconds=0.02, lease_seconds=1, drain_seconds=0.1)
    bench.accept("t1")
    async with bench.running("w1", patient):
        await bench.until(lambda: bench.halo.tickets)
        await asyncio.sleep(1.5)
        assert bench.lease("w2", 30) == []


async def test_stop_waits_for_halo(bench: Bench) -> None:
    """What has been sent to Halo may end when the service stops, so the next start need not look for it."""
    asked, answer = asyncio.Event(), asyncio.Event()
    halo = bench.halo

    class Slow(FakeHalo):
        def writer(self, _budget: object = None) -> Any:
            writer = halo.writer()
            create = writer.create_ticket

            async def create_ticket(*arguments: Any, **named: Any) -> Any:
                created = await create(*arguments, **named)
                asked.set()
                await answer.wait()
                return created

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Slow()
    bench.accept("t1")
    patient = DeliverySection(attempt_seconds=5, grace_seconds=10, poll_seconds=0.02)
    async with bench.running(settings=patient) as running:
        await asked.wait()
        stopping = asyncio.create_task(running.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        answer.set()
        await stopping
    ticket = bench.store.get("t1")
    assert ticket is not None
    assert ticket.halo_ticket_id == 1


async def test_stop_gives_back_what_was_not_sent(bench: Bench) -> None:
    """A delivery that still looks things up when the service stops is broken off, and free for others at once."""
    halo = bench.halo

    class Waiting(FakeHalo):
        def writer(self, _budget: object = None) -> Any:
            writer = halo.writer()

            async def create_ticket(*_: Any, **__: Any) -> Any:
                halo.calls.append("looking up")
                await asyncio.Event().wait()

            writer.create_ticket = create_ticket  # type: ignore[method-assign]
            return writer

    bench.halo = Waiting()
    bench.accept("t1")
    async with bench.running():
        await bench.until(lambda: halo.calls)
    assert bench.lease("w2", 30) == ["t1"]


async def test_clock_that_was_set_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tickets that wait for a second do not wait for the hour by which the clock was set back."""
    bench.accept("t1")
    assert bench.lease("w1", 30) == ["t1"]
    bench.store.release("w1", "t1", 3600.0)
    running = bench.worker()
    monkeypatch.setattr(running, "_clock_offset", running._clock_offset + 3600)
    task = asyncio.create_task(running.run())
    await bench.until(lambda: bench.state() is State.FILED)
    await running.stop()
    await task


async def test_clocks_that_were_wrong(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a clock that was years ahead has left behind, tickets and leases, does not wait for years."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "milliseconds", lambda: 4_000_000_000_000)
        bench.accept("t1", "t2", "t3")
        bench.lease("dead")
        bench.store.release("dead", "t3", 60.0)
    async with bench.running():
        await bench.until(lambda: len(bench.halo.notes) == 3)


async def test_database_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker outlives a database that does not answer, and goes on when it does."""
    monkeypatch.setattr(worker, "DATABASE_PAUSE_SECONDS", 0.02)
    lease = bench.store.lease
    broken = [True]

    def sometimes(*arguments: Any) -> dict[str, bool]:
        if broken[0]:
            raise OSError("disk I/O error")
        return lease(*arguments)

    monkeypatch.setattr(bench.store, "lease", sometimes)
    bench.accept("t1")
    async with bench.running():
        await asyncio.sleep(0.1)
        broken[0] = False
        await bench.until(lambda: bench.state() is State.FILED)


async def test_doubt_is_waited_out_by_one(bench: Bench) -> None:
    """While one worker waits out a doubt, another leaves the ticket to it, unless it is long overdue."""
    bench.accept("t1")
    bench.lease("w1", 30)
    bench.store.release("w1", "t1", 0.0, watching=True)
    assert bench.lease("w2", 30) == []
    assert bench.lease("w1", 30) == ["t1"]
    bench.store.release("w1", "t1", -60.0, watching=True)
    assert bench.lease("w2", 30) == ["t1"]


def test_outage() -> None:
    """While Halo is away one ticket is tried at a time, more and more seldom, until one gets through."""
    now = [0.0]
    heard = [-1.0]
    outage = Outage(lambda moment: heard[0] >= moment, lambda: now[0])
    away, done = Outcome("again", 1.0, away=True), Outcome("done")
    assert outage.free(4, 1) == 3
    outage.heard(away)
    assert (outage.free(4, 1), outage.free(4, 0), outage.since) == (0, 0, 0.0)
    now[0] = 1.0
    assert (outage.free(4, 1), outage.free(4, 0)) == (0, 1)
    for tries in range(2, 9):
        outage.heard(away)
        assert outage.free(4, 0) == 0
        now[0] += min(worker.LONGEST_PROBE_SECONDS, 2.0 ** (tries - 1))
        assert outage.free(4, 0) == 1
    outage.heard(Outcome("again", 100.0, watching=True))
    assert outage.free(4, 1) == 0
    outage.heard(done)
    assert outage.free(4, 1) == 3
    assert outage.since is None
    outage.heard(away)
    assert (outage.free(4, 0), outage.seconds()) == (0, 0.0)
    now[0] += 5
    heard[0] = now[0]
    assert outage.seconds() is None
    outage.heard(Outcome("again", 1.0))
    assert outage.free(4, 0) == 4


def test_names() -> None:
    """No two workers have the same name, and each fits its column."""
    names = {worker.worker_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 32 for name in names)


def test_database_files(tmp_path: Path) -> None:
    """The queue needs nothing but the database itself."""
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.open()
    Store(database).give_back("w1")
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.db", "kept.db.lock"]
