"""The budget of calls: no five minutes see more than what is allowed, whoever asks."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from dispatcher.halo.client import Purpose
from service import budget as budget_module
from service.budget import BUDGETS, Budget
from service.database import Database

CALLS = 100
SIZE = 10
REFILL_SECONDS = 300 / 90


class Clock:
    """The time that all processes share."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until it is moved."""
    clock = Clock()
    monkeypatch.setattr(budget_module, "milliseconds", clock)
    return clock


@pytest.fixture
def budget(any_database: Database, clock: Clock) -> Budget:
    """A full budget on each kind of database."""
    budget = Budget(any_database, CALLS)
    assert budget._try(Purpose.DELIVERY) > 0
    return budget


def taken(budget: Budget, purpose: Purpose = Purpose.DELIVERY) -> int:
    """Return how many requests may go out right now."""
    number = 0
    while budget._try(purpose) == 0:
        number += 1
    return number


def test_any_five_minutes(budget: Budget, clock: Clock) -> None:
    """However requests are spread, no window of five minutes has more than are allowed, and nearly all are used."""
    moments: list[int] = []
    for step in range(0, 1_500_000, 500):
        clock.now = 1_700_000_000_000 + step
        moments += [step] * taken(budget)
    most = max(sum(begin <= moment < begin + 300_000 for moment in moments) for begin in moments)
    assert most <= CALLS
    assert len([moment for moment in moments if moment >= 300_000]) >= 0.88 * CALLS * 4


def test_processes_share_it(budget: Budget, any_database: Database) -> None:
    """A second process has what the first one left."""
    other = Budget(any_database, CALLS)
    assert [budget._try(Purpose.DELIVERY) for _ in range(6)] == [0.0] * 6
    assert taken(other) == SIZE - 6
    assert budget.left() == 0


def test_wait(budget: Budget, clock: Clock) -> None:
    """An empty budget says how long it takes until there is one more."""
    taken(budget)
    wait = budget._try(Purpose.DELIVERY)
    assert wait == pytest.approx(REFILL_SECONDS, rel=0.01)
    clock.now += int(wait * 1000) + 1
    assert taken(budget) == 1


def test_look_ups_leave_a_reserve(budget: Budget) -> None:
    """Look-ups stop while there is still something for deliveries."""
    assert taken(budget, Purpose.LOOKUP) == SIZE - 2
    assert taken(budget) == 2


def test_too_many_requests(budget: Budget, any_database: Database, clock: Clock) -> None:
    """After a 429 no process asks, for as long as Halo says, else for longer each time."""
    other = Budget(any_database, CALLS)
    budget.answered("GET", "Users", 429, 30.0)
    assert budget._try(Purpose.DELIVERY) == 30.0
    assert other._try(Purpose.DELIVERY) == 30.0
    clock.now += 30_000
    assert other._try(Purpose.DELIVERY) == 0.0
    for seconds in (10.0, 20.0, 40.0, 60.0, 60.0):
        budget.answered("GET", "Users", 429, None)
        assert budget._try(Purpose.DELIVERY) == seconds
        clock.now += int(seconds * 1000)
    budget.answered("GET", "Users", 200, None)
    budget.answered("GET", "Users", 429, None)
    assert budget._try(Purpose.DELIVERY) == 5.0


def test_clock_that_was_set_back(budget: Budget, clock: Clock) -> None:
    """A clock that was set back by an hour stops nobody for an hour."""
    taken(budget)
    budget.answered("GET", "Users", 429, 1800.0)
    budget._try(Purpose.DELIVERY)
    clock.now -= 2 * 3_600_000
    fresh = Budget(budget._database, CALLS)
    assert fresh._try(Purpose.DELIVERY) > 0
    clock.now += 2 * int(REFILL_SECONDS * 1000)
    assert taken(fresh) >= 1


def test_clock_of_another_machine(budget: Budget, any_database: Database, clock: Clock) -> None:
    """A machine whose clock is some seconds behind neither gains nor takes anything by that."""
    taken(budget)
    clock.now -= 5_000
    assert taken(Budget(any_database, CALLS)) == 0
    clock.now += 5_000
    assert taken(budget) == 0


@pytest.mark.parametrize("calls", [10, 11, 15])
def test_small_budget(any_database: Database, calls: int, clock: Clock) -> None:
    """However few requests are allowed, look-ups get some of them."""
    budget = Budget(any_database, calls)
    budget._try(Purpose.LOOKUP)
    assert taken(budget, Purpose.LOOKUP) >= 1


@pytest.mark.anyio
async def test_patience_of_look_ups(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that deliveries may be waiting for leaves the reserve to them for a while, and not for ever."""
    monkeypatch.setattr(budget_module, "LOOKUP_PATIENCE_SECONDS", 0.05)
    budget = Budget(any_database, CALLS)
    budget._try(Purpose.DELIVERY)
    assert taken(budget, Purpose.LOOKUP) == SIZE - 2
    async with asyncio.timeout(2):
        await budget.take(Purpose.LOOKUP)


@pytest.mark.anyio
async def test_take_waits(any_database: Database) -> None:
    """Who asks an empty budget gets its turn as soon as there is one."""
    budget = Budget(any_database, 1_000_000)
    await asyncio.gather(*(budget.take(Purpose.DELIVERY) for _ in range(20)))
    with any_database.transaction() as connection:
        connection.execute(sa.update(BUDGETS).values(tokens=-10.0))
    async with asyncio.timeout(5):
        await budget.take(Purpose.DELIVERY)


@pytest.mark.parametrize(
    ("path", "status", "heard"),
    [
        ("Users", 200, True),
        ("Tickets", 400, True),
        ("Users", 500, False),
        ("Users", 429, False),
        ("Users", 401, False),
        ("Users", 302, False),
        ("Users", 403, False),
        ("Users", 404, False),
        ("Users", None, False),
        ("auth/token", 200, False),
    ],
)
def test_whether_halo_answers(any_database: Database, path: str, status: int | None, heard: bool) -> None:
    """Halo answers when it says something about a request; a token, a refusal to talk and an error are no answers."""
    calls: list[tuple[str, str, int | None]] = []
    budget = Budget(any_database, CALLS, heard=lambda *call: calls.append(call), clock=lambda: 100.0)
    budget.answered("GET", path, status, None)
    assert (budget.answered_since(100.0), budget.answered_since(100.1)) == (heard, False)
    assert calls == [("GET", path, status)]
