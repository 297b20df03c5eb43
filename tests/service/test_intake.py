"""Taking tickets in: decided once, on disk before the sender hears of it, together with those that come meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from dispatcher import RuleSet
from service import intake as intake_module
from service.database import Database
from service.deciding import ActiveRules
from service.intake import Intake, KeyReusedError, Taken
from service.store import USUAL_RANK, Arrival, State, Store, StoredTicket

RULES = """\
if business_name == 'Contoso Ltd.':
    priority = 'High'
if name == 'Dan Jump':
    exception = 'Please call us.'
"""
TICKET = {"msg": "no sound"}

pytestmark = pytest.mark.anyio


class Bench:
    """An intake, and what it was told to do with decisions."""

    def __init__(self, database: Database) -> None:
        self.store = Store(database)
        self.decided: list[dict[str, Any]] = []
        self.intake = Intake(
            ActiveRules(RuleSet.from_text(RULES)),
            self.store,
            ZoneInfo("UTC"),
            rank_of={"High": 2}.get,
            decided=lambda decision, _seconds: self.decided.append(dict(decision)),
        )

    def kept(self, taken: Taken) -> StoredTicket:
        """Return the ticket as it is kept."""
        ticket = self.store.get(taken.id)
        assert ticket is not None
        return ticket


@pytest.fixture
def bench(any_database: Database) -> Bench:
    """A bench on each kind of database."""
    return Bench(any_database)


async def test_ticket(bench: Bench) -> None:
    """A ticket is kept with its decision, ready to be filed, when the sender hears of it."""
    taken = await bench.intake.take(TICKET)
    ticket = bench.kept(taken)
    assert (ticket.state, ticket.payload, ticket.decision, ticket.rank) == (
        State.ACCEPTED,
        TICKET,
        taken.decision,
        USUAL_RANK,
    )
    assert bench.decided == [taken.decision]


async def test_refused_ticket(bench: Bench) -> None:
    """A ticket that a rule refuses is kept, and waits for nothing."""
    ticket = bench.kept(await bench.intake.take({"name": "Dan Jump"}))
    assert ticket.state is State.REFUSED
    assert bench.store.oldest_waiting() is None


async def test_what_was_looked_up(bench: Bench) -> None:
    """What Halo knows takes part in the decision, which tells so, and the ticket stays as it came."""
    ticket = bench.kept(await bench.intake.take(TICKET, looked_up={"business_name": "Contoso Ltd."}))
    assert ticket.decision is not None
    assert ticket.decision["looked_up"] == {"business_name": "Contoso Ltd."}
    assert ticket.decision["action_variables"]["priority"] == "High"
    assert (ticket.payload, ticket.rank) == (TICKET, 2)


@pytest.mark.parametrize("priority", ["Urgent", 10**30, -1, 2.5, [], None])
async def test_priority_without_a_rank(bench: Bench, priority: Any) -> None:
    """A priority that is not known, or that can be none, leaves the ticket where tickets usually stand."""
    bench.intake = Intake(
        ActiveRules(RuleSet.from_text("", defaults={"priority": priority})),
        bench.store,
        ZoneInfo("UTC"),
        rank_of=lambda value: value if isinstance(value, int) else None,
    )
    assert bench.kept(await bench.intake.take(TICKET)).rank == USUAL_RANK


async def test_rank_that_is_known_later(bench: Bench) -> None:
    """A ticket that came in while Halo's priorities were not known gets its place when they are."""
    bench.intake = Intake(
        ActiveRules(RuleSet.from_text("", defaults={"priority": "Critical"})), bench.store, ZoneInfo("UTC")
    )
    taken = await bench.intake.take(TICKET)
    assert bench.store.unranked() == ["Critical"]
    bench.store.rank("Critical", 1)
    assert (bench.kept(taken).rank, bench.store.unranked()) == (1, [])


async def test_same_key(bench: Bench) -> None:
    """A repetition, at once or later, gets the ticket of the first time, and only one decision is kept."""
    together = await asyncio.gather(*(bench.intake.take(TICKET, "k") for _ in range(10)))
    later = await bench.intake.take(TICKET, "k")
    assert len({taken.id for taken in (*together, later)}) == 1
    assert later.decision == together[0].decision
    assert len(bench.decided) == len(bench.store.tickets()) == 1


async def test_key_of_another_ticket(bench: Bench) -> None:
    """A key that was used for another ticket is refused, in the same moment or later."""
    outcomes = await asyncio.gather(
        *(bench.intake.take({"msg": f"ticket {number}"}, "k") for number in range(3)), return_exceptions=True
    )
    assert sum(isinstance(outcome, KeyReusedError) for outcome in outcomes) == 2
    with pytest.raises(KeyReusedError):
        await bench.intake.take({"msg": "another"}, "k")


async def test_keys_of_other_senders(bench: Bench) -> None:
    """Two senders may number their tickets alike."""
    taken = [await bench.intake.take({"msg": sender}, "1", sender=sender) for sender in ("website", "phone \ud83d")]
    again = await bench.intake.take({"msg": "website"}, "1", sender="website")
    assert taken[0].id != taken[1].id
    assert again.id == taken[0].id


async def test_tickets_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes in while the database is busy is written in one transaction."""
    batches: list[int] = []
    insert = bench.store.insert

    def counted(arrivals: Sequence[Arrival]) -> list[bool]:
        batches.append(len(arrivals))
        return insert(arrivals)

    monkeypatch.setattr(bench.store, "insert", counted)
    taken = await asyncio.gather(*(bench.intake.take(TICKET) for _ in range(100)))
    assert (len({ticket.id for ticket in taken}), sum(batches)) == (100, 100)
    assert len(batches) < 10


async def test_database_that_cannot_be_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sender that waits hears that its ticket is not kept, and the next one may fare better."""

    def fails(_arrivals: object) -> list[bool]:
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "insert", fails)
        outcomes = await asyncio.gather(*(bench.intake.take(TICKET) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [sa.exc.OperationalError] * 3
    assert bench.intake.failing
    assert bench.kept(await bench.intake.take(TICKET)).state is State.ACCEPTED
    assert (len(bench.decided), bench.intake.failing) == (1, False)


async def test_database_that_does_not_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender does not wait for ever for a database that has vanished, nor do those after it."""
    vanished = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(intake_module, "WRITE_SECONDS", 0.1)
        patch.setattr(bench.store, "insert", lambda _arrivals: vanished.wait(5))
        with pytest.raises(sa.exc.OperationalError):
            await bench.intake.take(TICKET)
    assert bench.kept(await bench.intake.take(TICKET)).state is State.ACCEPTED
    vanished.set()


async def test_sender_that_goes_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that breaks off does not take along the tickets that are written with its own."""
    begun, go_on = threading.Event(), threading.Event()
    insert = bench.store.insert

    def slow(arrivals: Sequence[Arrival]) -> list[bool]:
        begun.set()
        go_on.wait(5)
        return insert(arrivals)

    monkeypatch.setattr(bench.store, "insert", slow)
    first = asyncio.create_task(bench.intake.take(TICKET))
    await asyncio.to_thread(begun.wait, 5)
    gone, stays = (asyncio.create_task(bench.intake.take(TICKET)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    go_on.set()
    taken = await asyncio.gather(first, stays)
    assert {bench.kept(ticket).state for ticket in taken} == {State.ACCEPTED}
