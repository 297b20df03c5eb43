"""Alerts: what the hook is told, how often, and what happens while it does not answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from service import alerts as alerts_module
from service.alerts import ALERTS, Alerts
from service.database import Database
from service.settings import AlertsSection
from service.store import Stage, State, Store
from tests.service.bench import application, started, wait_for_state
from tests.service.fakes import FakeHalo, answered
from tests.service.kept import keep, number

pytestmark = pytest.mark.anyio

URL = SecretStr("https://hooks.example/T0/secret-part")
FAULT = {"kind": "error", "type": "ValueError", "message": "dan.jump", "file": "a.rules", "line": 5, "column": 1}


class Hook:
    """A hook that remembers what it was told, and answers with the next of `answers`, else with 200."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.answers: list[int | Exception] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", URL.get_secret_value())
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        if answer == 200:
            body = json.loads(request.content)
            assert body.pop("at").endswith("Z")
            self.told.append(body)
        return httpx.Response(answer)


class Bench:
    """A store, a hook, a Halo that can be away, and clocks that stand still until they are moved."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.hook = Hook()
        self.now = 1000.0
        self.away_since: float | None = None
        self.heard_at = 0.0
        self.started: list[Alerts] = []
        for module in ("alerts", "store", "database"):
            monkeypatch.setattr(f"service.{module}.milliseconds", lambda: int(1_700_000_000_000 + self.now * 1000))

    def process(self, **facts: Any) -> Alerts:
        """Return the alerts of a fresh process."""
        one = Alerts(
            self.store.database,
            URL,
            outage=facts.get("outage", lambda: None if self.away_since is None else self.now - self.away_since),
            answered_since=lambda moment: self.heard_at >= moment,
            transport=httpx.MockTransport(self.hook),
            clock=lambda: self.now,
        )
        self.started.append(one)
        return one

    def events(self) -> list[tuple[str, list[str]]]:
        """Return event and tickets of what the hook was told since the last time."""
        told, self.hook.told = self.hook.told, []
        return [(body["event"], body["tickets"]) for body in told]


@pytest.fixture
async def bench(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A bench on each kind of database."""
    bench = Bench(Store(any_database), monkeypatch)
    yield bench
    for one in bench.started:
        await one.aclose()


async def test_dead_letter(bench: Bench) -> None:
    """A dead ticket is told once, with its id and Halo's status and nothing that people or Halo wrote."""
    keep(bench.store, 1, State.DEAD)
    keep(bench.store, 2)
    alerts = bench.process()
    await alerts.look()
    assert bench.hook.told == [
        {
            "event": "dead-letter",
            "ticket": number(1),
            "tickets": [number(1)],
            "text": "dispatcher: 1 ticket could not be filed in Halo; `dispatcher tickets show ID` says why:\n"
            f"{number(1)} (Halo answered 400, 1 attempt)",
        }
    ]
    bench.hook.told.clear()
    bench.now += 100_000
    await alerts.look()
    await bench.process().look()
    assert bench.hook.told == []


async def test_last_status(bench: Bench) -> None:
    """Of a ticket that was given up the last answer is told, whatever attempts without one came after."""
    ticket_id = keep(bench.store, 1, State.DEAD)
    bench.store.reopen(ticket_id)
    attempt = bench.store.start_attempt(ticket_id, Stage.TICKET, "w1")
    bench.store.attempt_failed(ticket_id, attempt, "given up", counts=False)
    bench.store.bury(ticket_id, "given up")
    await bench.process().look()
    assert bench.hook.told[0]["text"].splitlines()[1] == f"{ticket_id} (Halo answered 400, 2 attempts)"


async def test_several(bench: Bench) -> None:
    """Tickets that stop together are told together, by kind; the text names some of many."""
    for place in range(12):
        keep(bench.store, place, State.DEAD)
    keep(bench.store, 50, State.REVIEW)
    await bench.process().look()
    dead, review = bench.hook.told
    assert (dead["ticket"], dead["tickets"]) == (None, [number(place) for place in range(12)])
    assert dead["text"].splitlines()[0].startswith("dispatcher: 12 tickets could not be filed in Halo; ")
    assert dead["text"].splitlines()[10:] == [f"{number(9)} (Halo answered 400, 1 attempt)", "and 2 more"]
    assert (review["event"], review["ticket"], review["text"].splitlines()[1]) == (
        "needs-review",
        number(50),
        f"{number(50)} (no answer of Halo, 1 attempt)",
    )


async def test_dies_again(bench: Bench) -> None:
    """A ticket that was replayed and died again is told again; one that was replayed in time is not told."""
    alerts = bench.process()
    first, second = keep(bench.store, 1, State.DEAD), keep(bench.store, 2, State.DEAD)
    bench.store.reopen(second)
    await alerts.look()
    bench.store.reopen(first)
    await alerts.look()
    assert bench.events() == [("dead-letter", [first])]
    bench.store.bury(first, "no")
    await alerts.look()
    assert bench.events() == [("dead-letter", [first])]


async def test_hook_that_does_not_answer(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """While the hook fails, pauses grow up to an hour; what it is told in the end is everything, once."""
    bench.hook.answers = [httpx.ConnectError(URL.get_secret_value()), 404, 302, *[500] * 12]
    alerts = bench.process()
    keep(bench.store, 1, State.DEAD)
    tries = []
    for _ in range(12):
        left, began = len(bench.hook.answers), bench.now
        while len(bench.hook.answers) == left:
            await alerts.look()
            bench.now += 1
        tries.append(bench.now - began)
    assert tries == sorted(tries)
    assert (tries[0], tries[1] <= 81, tries[-1] <= 3651) == (1, True, True)
    keep(bench.store, 2, State.DEAD)
    bench.hook.answers.clear()
    bench.now += 4000
    await alerts.look()
    assert bench.events() == [("dead-letter", [number(1), number(2)])]
    assert "secret-part" not in caplog.text
    assert tuple(record.message for record in caplog.records if record.levelno == logging.WARNING)[:2] == (
        "the alert hook cannot be reached",
        "the alert hook refuses",
    )


async def test_restart_while_the_hook_is_away(bench: Bench) -> None:
    """What a process could not tell, the next one tells."""
    keep(bench.store, 1, State.DEAD)
    bench.hook.answers = [503]
    await bench.process().look()
    bench.now += 81
    await bench.process().look()
    assert bench.events() == [("dead-letter", [number(1)])]


async def test_two_processes(bench: Bench) -> None:
    """Of two processes that look at the same time, one tells."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        asked.set()
        await release.wait()
        return bench.hook(request)

    keep(bench.store, 1, State.DEAD)
    first, second = bench.process(), bench.process()
    first._http = httpx.AsyncClient(transport=httpx.MockTransport(slow))
    telling = asyncio.create_task(first.look())
    await asked.wait()
    await second.look()
    assert bench.events() == []
    release.set()
    await telling
    assert bench.events() == [("dead-letter", [number(1)])]


async def test_outage(bench: Bench) -> None:
    """An outage of a minute is told once, and its end once, by whichever process; shorter ones are not."""
    one, two = bench.process(), bench.process()
    bench.away_since = bench.now
    for seconds in (0, 30, 29):
        bench.now += seconds
        await one.look()
    assert bench.events() == []
    bench.now += 1
    for _ in range(3):
        await one.look()
        await two.look()
        bench.now += 600
    assert [event for event, _ in bench.events()] == ["halo-unreachable"]
    bench.away_since, bench.heard_at = None, bench.now
    for _ in range(3):
        await one.look()
        await two.look()
        bench.now += 5
    assert [event for event, _ in bench.events()] == ["halo-back"]


async def test_slow_to_notice(bench: Bench) -> None:
    """A process that still thinks that Halo is away when another has told that it is back does not tell anew."""
    still_away = bench.process(outage=lambda: bench.now - 1000.0)
    quick = bench.process()
    bench.away_since = bench.now
    bench.now += 61
    await still_away.look()
    await quick.look()
    bench.away_since, bench.heard_at = None, bench.now
    await quick.look()
    bench.now += 60
    await still_away.look()
    assert [event for event, _ in bench.events()] == ["halo-unreachable", "halo-back"]


async def test_outage_over_a_restart(bench: Bench) -> None:
    """An outage that was told is not told again after a restart; that it is over, is."""
    bench.away_since = bench.now - 61
    await bench.process().look()
    bench.now += 100
    restarted = bench.process()
    await restarted.look()
    assert [event for event, _ in bench.events()] == ["halo-unreachable"]
    bench.away_since = None
    restarted = bench.process()
    await restarted.look()
    assert bench.events() == []
    bench.now += 1
    bench.heard_at = bench.now
    await restarted.look()
    assert bench.hook.told == [
        {
            "event": "halo-back",
            "ticket": None,
            "tickets": [],
            "text": "dispatcher: Halo is back; what waits is being filed.",
        }
    ]


async def test_rule_faults(bench: Bench) -> None:
    """A rule that fails is told with its place, once an hour and anew for another revision, whoever sees it."""
    one, two = bench.process(), bench.process()

    async def decide(alerts: Alerts, revision: str, *faults: dict[str, Any]) -> None:
        alerts.decided({"revision": revision, "faults": list(faults)})
        await alerts.look()

    await decide(one, "8c1f2d3e4a", FAULT, FAULT | {"line": 9, "kind": "limit"})
    assert bench.hook.told == [
        {
            "event": "rule-fault",
            "ticket": None,
            "tickets": [],
            "text": "dispatcher: the rule at a.rules:5 failed with ValueError (revision 8c1f2d3e)\n"
            "the rule at a.rules:9 ran out of its budget (revision 8c1f2d3e)",
        }
    ]
    bench.hook.told.clear()
    for seconds in (0, 1800, 1799):
        bench.now += seconds
        await decide(one, "8c1f2d3e4a", FAULT)
        await decide(two, "8c1f2d3e4a", FAULT)
    assert bench.events() == []
    await decide(two, "another", FAULT)
    assert bench.events() == [("rule-fault", [])]
    bench.now += 1
    await decide(one, "8c1f2d3e4a", FAULT)
    await decide(two, "8c1f2d3e4a", FAULT)
    assert bench.events() == [("rule-fault", [])]


async def test_many_faults(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that fail by the thousand take bounded memory, and those of long ago no room in the database."""
    monkeypatch.setattr(alerts_module, "MOST_FAULTS", 5)
    alerts = bench.process()
    alerts._new_faults = type(alerts._new_faults)(maxlen=50)
    for line in range(100):
        alerts.decided({"revision": "r", "faults": [FAULT | {"line": line}]})
    await alerts.look()
    assert (len(alerts._faults), bench.events()) == (5, [("rule-fault", [])])
    bench.now += 3600
    alerts.decided({"revision": "r", "faults": [FAULT]})
    await alerts.look()
    assert (len(alerts._faults), bench.events()) == (1, [("rule-fault", [])])
    with bench.store.database.engine.connect() as connection:
        assert connection.execute(sa.select(ALERTS.c.name)).scalars().all() == ["fault r a.rules:5"]


async def test_the_service_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The running service tells of a ticket that dies and of a rule that fails."""
    hook, made, usual = Hook(), [], Alerts.__init__

    def with_hook(self: Alerts, *arguments: Any, **facts: Any) -> None:
        usual(self, *arguments, **facts, transport=httpx.MockTransport(hook))
        made.append(self)

    monkeypatch.setattr(Alerts, "__init__", with_hook)
    monkeypatch.setattr("service.app.ALERT_SECONDS", 0.02)
    halo = FakeHalo()
    halo.before = [answered(400)]
    app = application(tmp_path, halo, rules="team = 1 + msg\n", alerts=AlertsSection(url=URL))
    async with started(app) as client:
        ticket_id = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()["id"]
        await wait_for_state(client, ticket_id, "dead")
        async with asyncio.timeout(10):
            while len(hook.told) < 2:
                await asyncio.sleep(0.02)
    assert sorted((told["event"], told["ticket"]) for told in hook.told) == [
        ("dead-letter", ticket_id),
        ("rule-fault", None),
    ]
