"""Faults, the rate limit and the account of requests, through the control paths."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from service.emulator.faults import Fault, FaultPlan, Faults, FaultsError, read_plan
from service.emulator.rate_limit import RateLimit
from tests.service.emulator.client import GRANT, Clock, connected, create, signed_in

pytestmark = pytest.mark.anyio

NO_PLAN = {
    "seed": 0,
    "rates": {},
    "delay_seconds": 1.0,
    "retry_after_seconds": None,
    "methods": None,
    "paths": None,
    "limit": None,
}
TICKET = [{"summary": "Printer"}]


async def strike(client: httpx.AsyncClient, fault: str, **plan: Any) -> None:
    """Let this fault strike the next write of a ticket, and nothing after it."""
    body = {"rates": {fault: 1}, "methods": ["POST"], "paths": ["/tickets"], "limit": 1, **plan}
    answer = await client.put("/emulator/faults", json=body)
    assert answer.status_code == 200, answer.text


async def kept(client: httpx.AsyncClient) -> int:
    """Return how many tickets there are."""
    return len((await client.get("/emulator/tickets")).json())


async def test_a_plan_is_put_read_and_deleted() -> None:
    """A plan is answered as it was understood, with an account of its own; without one there are no faults."""
    async with signed_in() as client:
        assert (await client.get("/emulator/faults")).json() == {"plan": NO_PLAN, "happened": {}, "down_seconds": 0.0}
        plan = {"seed": 7, "rates": {"429": 1}, "methods": ["post"], "paths": ["/API/Tickets/"], "limit": 2}
        put = (await client.put("/emulator/faults", json=plan)).json()
        statuses = [(await client.post("/api/Tickets", json=TICKET)).status_code for _ in range(3)]
        read = (await client.get("/emulator/faults")).json()
        deleted = (await client.delete("/emulator/faults")).json()
    understood = NO_PLAN | {
        "seed": 7,
        "rates": {"429": 1.0},
        "methods": ["POST"],
        "paths": ["/tickets"],
        "limit": 2,
    }
    assert put == {"plan": understood, "happened": {}, "down_seconds": 0.0}
    assert statuses == [429, 429, 201]
    assert read == {"plan": understood, "happened": {"429": 2}, "down_seconds": 0.0}
    assert deleted == {"plan": NO_PLAN, "happened": {}, "down_seconds": 0.0}


@pytest.mark.parametrize(
    "plan",
    [
        {"rates": {"flood": 0.1}},
        {"rates": {"delay": 1.1}},
        {"rates": {"delay": 0.6, "429": 0.6}},
        {"rates": {"delay": -0.1}},
        {"rate": {}},
        {"limit": -1},
    ],
)
async def test_a_plan_that_makes_no_sense(plan: dict[str, Any]) -> None:
    """An unknown fault, a rate beyond 0 to 1, rates beyond 1 in all, and unknown keys are refused."""
    async with signed_in() as client:
        assert (await client.put("/emulator/faults", json=plan)).status_code == 422
        assert (await client.get("/emulator/faults")).json()["plan"] == NO_PLAN


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(("when", "tickets"), [("before", 0), ("after", 1)])
async def test_error_pages(status: int, when: str, tickets: int) -> None:
    """An error comes as HTML; before the write there is no ticket, after it there is one."""
    async with signed_in() as client:
        await strike(client, f"{status}-{when}")
        answer = await client.post("/api/Tickets", json=TICKET)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert await kept(client) == tickets


@pytest.mark.parametrize(("when", "tickets"), [("before", 0), ("after", 1)])
async def test_cut_connections(when: str, tickets: int) -> None:
    """A cut connection gives no answer at all; only when it is cut after the write is there a ticket."""
    async with signed_in() as client:
        await strike(client, f"cut-{when}")
        with pytest.raises(ConnectionResetError):
            await client.post("/api/Tickets", json=TICKET)
        assert await kept(client) == tickets


async def test_a_delay(clock: Clock) -> None:
    """A delayed write happens late, and is answered as ever."""
    async with signed_in(clock=clock) as client:
        await strike(client, "delay", delay_seconds=45)
        ticket = await create(client)
    assert ticket["dateoccurred"] == "2026-11-21T09:30:45.000Z"


async def test_a_slow_body(clock: Clock) -> None:
    """A slow body takes its time, and is whole in the end."""
    async with signed_in(clock=clock) as client:
        await strike(client, "slow-body", delay_seconds=8)
        begin = clock()
        ticket = await create(client)
        assert (clock() - begin).total_seconds() == 8
        assert (await client.get("/api/Tickets/1001")).json() == ticket


async def test_invalid_json() -> None:
    """Half a body is an answer with a good status that cannot be read; the write has happened."""
    async with signed_in() as client:
        await strike(client, "invalid-json")
        answer = await client.post("/api/Tickets", json=TICKET)
        whole = await client.get("/api/Tickets/1001")
    assert answer.status_code == 201
    assert answer.headers["content-length"] == str(len(answer.content)) == str(len(whole.content) // 2)
    assert whole.content.startswith(answer.content)


async def test_an_expired_token() -> None:
    """The tokens end before their time: this request and all after it need a new one."""
    async with signed_in() as client:
        await strike(client, "token-expiry")
        statuses = [(await client.post("/api/Tickets", json=TICKET)).status_code for _ in range(2)]
        token = (await client.post("/auth/token", data=GRANT)).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        statuses.append((await client.post("/api/Tickets", json=TICKET)).status_code)
    assert statuses == [401, 401, 201]


@pytest.mark.parametrize(
    ("retry_after", "seconds", "header"),
    [("none", None, None), ("none", 2.5, "3"), ("seconds", 2, "2"), ("date", 2, "Sat, 21 Nov 2026 09:30:02 GMT")],
)
async def test_a_storm_of_429(retry_after: Any, seconds: float | None, header: str | None) -> None:
    """A 429 on demand changes nothing, and says when to come again if the plan does."""
    async with signed_in(behaviour=Behaviour(retry_after=retry_after)) as client:
        await strike(client, "429", retry_after_seconds=seconds)
        answer = await client.post("/api/Tickets", json=TICKET)
        assert await kept(client) == 0
    assert answer.status_code == 429
    assert answer.text == "Rate Limit Reached - 700 Requests per rolling 5 minute window."
    assert answer.headers.get("retry-after") == header


async def test_being_down(clock: Clock) -> None:
    """For so many seconds every connection is cut, and then all is as before; the control paths stay."""
    async with signed_in(clock=clock) as client:
        down = await client.post("/emulator/down", json={"seconds": 30})
        assert down.json()["down_seconds"] == 30
        clock.advance(29.9)
        for path in ("/api/Status", "/auth/token"):
            with pytest.raises(ConnectionResetError):
                await client.post(path)
        assert "down for 0 s" in (await client.get("/")).text
        clock.advance(0.1)
        assert (await client.get("/api/Status")).status_code == 200
        await client.post("/emulator/down", json={"seconds": 30})
        assert (await client.post("/emulator/down", json={"seconds": 0})).json()["down_seconds"] == 0


@pytest.mark.parametrize(("fault", "tickets"), [("delay", 0), ("slow-body", 1)])
async def test_going_down_cuts_what_is_under_way(fault: str, tickets: int) -> None:
    """A request that is being answered when Halo goes down gets no answer; a write that was done stays."""

    class Falling(Clock):
        async def sleep(self, seconds: float) -> None:
            await client.post("/emulator/down", json={"seconds": 60})

    async with signed_in(clock=Falling()) as client:
        await strike(client, fault)
        with pytest.raises(ConnectionResetError):
            await client.post("/api/Tickets", json=TICKET)
        assert await kept(client) == tickets


async def test_the_end_of_tokens_needs_a_token() -> None:
    """A request for a token, or without one, is not struck by the end of all tokens."""
    async with connected() as client:
        await client.put("/emulator/faults", json={"rates": {"token-expiry": 1}})
        assert (await client.post("/auth/token", data=GRANT)).status_code == 200
        assert (await client.get("/emulator/faults")).json()["happened"] == {}


def drawn(seed: int, limit: int | None = None) -> list[Fault | None]:
    """Return what strikes fifty requests in a row."""
    plan = FaultPlan(seed=seed, rates={Fault.CUT_AFTER: 0.3, Fault.RATE_LIMITED: 0.2}, limit=limit)
    faults = Faults(Clock(), plan)
    return [faults.draw("POST", "/tickets") for _ in range(50)]


def test_the_same_seed_gives_the_same_faults() -> None:
    """Faults depend on the seed and the order of the requests alone, not on how the plan is written."""
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert {Fault.CUT_AFTER, Fault.RATE_LIMITED, None} == set(drawn(7))
    turned = Faults(Clock(), FaultPlan(seed=7, rates={Fault.RATE_LIMITED: 0.2, Fault.CUT_AFTER: 0.3}))
    assert [turned.draw("POST", "/tickets") for _ in range(50)] == drawn(7)


def test_requests_that_are_not_covered_change_nothing() -> None:
    """What the plan does not cover is never struck, and uses up no chance of what it covers."""
    plan = FaultPlan(seed=7, rates={Fault.CUT_AFTER: 0.5}, methods=("POST",), paths=("/tickets",))
    alone, among = Faults(Clock(), plan), Faults(Clock(), plan)
    found = []
    for _ in range(20):
        assert (
            among.draw("GET", "/tickets") is among.draw("POST", "/ticketsother") is among.draw("POST", "/users") is None
        )
        found.append(among.draw("POST", "/tickets/object"))
    assert found == [alone.draw("POST", "/tickets") for _ in range(20)]


def test_the_limit_of_faults() -> None:
    """After so many faults there are no more, and those until then are the same."""
    every, three = drawn(7), drawn(7, limit=3)
    last = [place for place, fault in enumerate(every) if fault][2]
    assert three == every[: last + 1] + [None] * (49 - last)


def test_an_even_plan() -> None:
    """A rate for all faults together is shared out among them."""
    plan = FaultPlan.even(0.3, seed=5)
    assert plan.seed == 5
    assert set(plan.rates) == set(Fault)
    assert sum(plan.rates.values()) == pytest.approx(0.3)
    assert FaultPlan.even(1, seed=0).rates


def test_plans_in_files(tmp_path: Path) -> None:
    """A file holds what the control path takes; what is wrong with it is said with its place."""
    path = tmp_path / "faults.json"
    path.write_text('{"seed": 7, "rates": {"delay": 0.1}, "paths": ["/tickets"]}')
    assert read_plan(path) == FaultPlan(seed=7, rates={Fault.DELAY: 0.1}, paths=("/tickets",))
    for text, message in (
        ('{"rates": {"delay": 2}}', "rates.delay: Input should be less than or equal to 1"),
        ('{"seeds": 2}', "seeds: Extra inputs are not permitted"),
        (
            '{"rates": {"delay": 0.6, "429": 0.6}}',
            "the rates add up to 1.2, and at most one fault strikes a request: 1 is the most",
        ),
    ):
        path.write_text(text)
        with pytest.raises(FaultsError) as refused:
            read_plan(path)
        assert str(refused.value) == f"{path}: {message}"
    with pytest.raises(FaultsError) as refused:
        read_plan(tmp_path / "none.json")
    assert str(refused.value) == f"{tmp_path / 'none.json'}: cannot be read: No such file or directory"


async def test_the_rate_limit(clock: Clock) -> None:
    """So many requests go through in any window; refused ones and those for tokens do not count."""
    behaviour = Behaviour(rate_limit=2, rate_window_seconds=60, retry_after="seconds")
    async with signed_in(behaviour=behaviour, clock=clock) as client:
        assert (await client.get("/api/Status")).status_code == 200
        clock.advance(20)
        assert (await client.get("/api/Status")).status_code == 200
        clock.advance(30)
        refused = await client.get("/api/Status")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        assert refused.text == "Rate Limit Reached - 2 Requests per rolling 1 minute window."
        assert (await client.post("/auth/token", data=GRANT)).status_code == 200
        assert "2 of 2 requests in the last 60 s" in (await client.get("/")).text
        clock.advance(9.9)
        assert (await client.get("/api/Status")).status_code == 429
        clock.advance(0.1)
        assert (await client.get("/api/Status")).status_code == 200
        assert (await client.get("/api/Status")).status_code == 429


def test_the_rate_limit_by_default(clock: Clock) -> None:
    """There is a limit of 700 in five minutes, unless it is switched off."""
    limit, none = RateLimit(Behaviour(), clock), RateLimit(Behaviour(rate_limit=0), clock)
    assert [limit.take() for _ in range(701)] == [None] * 700 + [300.0]
    assert [none.take() for _ in range(701)] == [None] * 701


async def test_the_account_of_requests() -> None:
    """Requests are counted by method and path, in any spelling, with refused and cut ones, until a reset."""
    async with signed_in() as client:
        await create(client)
        for path in ("/api/Tickets/1001", "/tickets/1001/", "/api/Priority/f0000000-0000-4000-8000-000000000000"):
            await client.get(path)
        await strike(client, "cut-before", methods=["GET"])
        with pytest.raises(ConnectionResetError):
            await client.get("/api/Tickets")
        counted = (await client.get("/emulator/calls")).json()
        await client.post("/emulator/reset")
        assert (await client.get("/emulator/calls")).json() == {}
    assert counted == {
        "GET /priority/{id}": 1,
        "GET /tickets": 1,
        "GET /tickets/{id}": 2,
        "POST /auth/token": 1,
        "POST /tickets": 1,
    }


async def test_a_client_that_goes_does_not_undo_its_write() -> None:
    """Of a client that has gone while its write waits, the server keeps no body; the write happens all the same."""
    gone = False

    async def sleep(_seconds: float) -> None:
        nonlocal gone
        gone = True

    app = create_emulator(sleep=sleep)

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_unless_gone() -> Message:
            return {"type": "http.disconnect"} if gone else await receive()

        await app(scope, receive_unless_gone, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server), base_url="http://halo.test") as client:
        token = (await client.post("/auth/token", data=GRANT)).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        await strike(client, "delay")
        await client.post("/api/Tickets", json=TICKET)
        assert await kept(client) == 1


async def test_half_a_request_is_none() -> None:
    """Of a client that goes before all of its request is there, nothing is done and nothing is counted."""
    app = create_emulator()
    coming: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"[{", "more_body": True}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/tickets", "headers": []}, receive, send)
    assert sent == []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://halo.test") as client:
        assert (await client.get("/emulator/calls")).json() == {}


async def test_who_stops_waiting_does_not_undo_the_write() -> None:
    """A request whose caller is cancelled is worked off to its end."""
    may_go_on = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await may_go_on.wait()

    app = create_emulator(sleep=sleep)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://halo.test") as client:
        token = (await client.post("/auth/token", data=GRANT)).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        await strike(client, "delay")
        waiting = asyncio.create_task(client.post("/api/Tickets", json=TICKET))
        while not (await client.get("/emulator/faults")).json()["happened"]:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await kept(client) == 0
        may_go_on.set()
        while not await kept(client):
            await asyncio.sleep(0)
