"""What Halo knows of who asks: asked for when rules read it, and waited for as long as is allowed."""

from __future__ import annotations

import asyncio

import pytest

from dispatcher.halo.requester import Known
from service import requesters
from service.requesters import Requesters
from tests.service.fakes import FakeHalo, no_answer

DAN = {"email": "dan.jump@contoso.com", "msg": "no sound"}
KNOWN = Known(business_name="Contoso Ltd.", name="Dan Jump")

pytestmark = pytest.mark.anyio


class Bench:
    """A Halo that knows Dan, and a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.halo = FakeHalo()
        self.halo.known[DAN["email"]] = KNOWN
        self.now = 1000.0

    def requesters(self, *, seconds: float = 0.1) -> Requesters:
        """Return what intake asks."""
        return Requesters(self.halo.writer().known_of, seconds, clock=lambda: self.now)


@pytest.fixture
def bench() -> Bench:
    """A bench."""
    return Bench()


async def test_known_requester(bench: Bench) -> None:
    """What rules read and the sender left out or empty comes from Halo, and nothing else does."""
    asked, both = bench.requesters(), ("business_name", "name", "msg")
    assert await asked.look_up(DAN, both) == {"business_name": "Contoso Ltd.", "name": "Dan Jump"}
    assert await asked.look_up({**DAN, "name": "Danny", "business_name": ""}, both) == {"business_name": "Contoso Ltd."}
    assert await asked.look_up(DAN, ["name"]) == {"name": "Dan Jump"}


async def test_unknown_requester(bench: Bench) -> None:
    """Of somebody whom Halo does not know, nothing is known."""
    assert await bench.requesters().look_up({"email": "who@example.com"}, ["name"]) == {}


@pytest.mark.parametrize(
    ("read", "ticket", "seconds"),
    [
        (("msg",), DAN, 1.0),
        (("name",), {**DAN, "name": "Danny"}, 1.0),
        (("name",), {"msg": "no sound"}, 1.0),
        (("name",), {"email": "  "}, 1.0),
        (("name",), {"email": ["dan.jump@contoso.com"]}, 1.0),
        (("name",), DAN, 0.0),
    ],
)
async def test_nothing_to_ask(bench: Bench, read: tuple[str, ...], ticket: dict[str, object], seconds: float) -> None:
    """Halo is not asked when no rule reads it, nothing is missing, nobody is named, or no time is allowed."""
    assert await bench.requesters(seconds=seconds).look_up(ticket, read) == {}
    assert bench.halo.calls == []


async def test_slow_halo(bench: Bench) -> None:
    """A ticket waits no longer than allowed, and those after it do not wait at all for a while."""
    bench.halo.hang = {"known_of"}
    asked = bench.requesters(seconds=0.05)
    assert await asked.look_up(DAN, ["name"]) == {}
    assert await asked.look_up(DAN, ["name"]) == {}
    assert bench.halo.calls == ["known_of"]
    bench.halo.hang.clear()
    bench.now += requesters.PAUSE_SECONDS
    assert await asked.look_up(DAN, ["name"]) == {"name": "Dan Jump"}
    for task in list(asked._open):
        task.cancel()


async def test_failing_halo(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """An error of Halo's costs the names and not the ticket; a bug of ours is logged as well."""
    bench.halo.before = [no_answer(), ZeroDivisionError()]
    asked = bench.requesters()
    assert await asked.look_up(DAN, ["name"]) == {}
    assert caplog.text == ""
    bench.now += requesters.PAUSE_SECONDS
    assert await asked.look_up(DAN, ["name"]) == {}
    assert "ZeroDivisionError" in caplog.text


async def test_many_questions(bench: Bench) -> None:
    """So many tickets at once do not all wait for a Halo that hangs."""
    bench.halo.hang = {"known_of"}
    asked = bench.requesters(seconds=0.05)
    assert await asyncio.gather(*(asked.look_up(DAN, ["name"]) for _ in range(50))) == [{}] * 50
    assert len(bench.halo.calls) == requesters.MOST_OPEN
    for task in list(asked._open):
        task.cancel()
