"""Backtests over REST answer what the command answers, bounded in tickets and time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dispatcher.backtest import When, backtest
from dispatcher.lang.source import Source
from service import backtest_routes
from service.backtest_routes import BacktestAnswer
from tests.service.bench import RULES, application, started
from tests.service.fakes import FakeHalo
from tests.test_backtest import NOW, lines

pytestmark = pytest.mark.anyio

NEW = RULES.replace("priority = 0", "priority = 1")
DAN: dict[str, Any] = {"name": "Dan Jump", "msg": "no sound"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The service, not started."""
    return application(tmp_path_factory.mktemp("service"), FakeHalo(), max_body_bytes=20_000)


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service, in which three tickets came in."""
    async with started(app) as client:
        for ticket in (DAN, {"msg": "no light"}, DAN):
            assert (await client.post("/v1/tickets", json=ticket)).status_code == 202
        yield client


async def test_given_tickets(client: httpx.AsyncClient, app: FastAPI) -> None:
    """Tickets and envelopes of the request are compared with the rules in force, as the command does it."""
    history = [
        DAN,
        {"msg": "no light"},
        {"ticket": DAN, "id": "T1", "received_at": "2026-03-02T08:00:00"},
        {"ticket": None},
    ]
    body = {"rules": NEW, "history": history, "now": NOW.isoformat(), "examples": 1}
    answer = await client.post("/v1/rules/backtest", json=body)
    assert answer.status_code == 200
    active = app.state.rules.ruleset
    numbered = [("#", number, text) for _, number, text in lines(*history)]
    new = active.with_sources([Source(NEW, "<rules>")])
    expected = backtest(new, active, numbered, When(NOW, app.state.settings.zone), examples=1)
    assert answer.json() == expected.to_dict()
    found = BacktestAnswer.model_validate(answer.json(), strict=True)
    assert (found.tickets, found.changed, found.no_longer_kept) == (3, 2, 1)
    assert [example.place for group in found.groups for example in group.examples] == ["#:1"]


async def test_kept_tickets(client: httpx.AsyncClient) -> None:
    """The kept tickets are compared, the newest of them, and the answer says whether there are older ones."""
    answer = await client.post("/v1/tickets/backtest", json={"rules": {"a.rules": NEW}})
    found = BacktestAnswer.model_validate(answer.json())
    assert (found.tickets, found.changed, found.cut) == (3, 2, None)
    assert found.groups[0].changes[0].new_by == backtest_routes.RuleLine(file="a.rules", line=3, title="VIP")
    (_, newest) = found.groups[0].examples
    answer = await client.post("/v1/tickets/backtest", json={"rules": {"a.rules": NEW}, "limit": 1})
    found = BacktestAnswer.model_validate(answer.json())
    assert (found.tickets, found.changed, found.cut) == (1, 1, "limit")
    assert found.groups[0].examples == [newest]
    later = {"rules": NEW, "since": "2999-01-01T00:00:00"}
    answer = await client.post("/v1/tickets/backtest", json=later)
    assert (answer.json()["tickets"], answer.json()["changed"]) == (0, 0)


async def test_time_is_bounded(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long ends with what was found by then, and says so."""
    monkeypatch.setattr(backtest_routes, "MOST_SECONDS", -1.0)
    answer = await client.post("/v1/tickets/backtest", json={"rules": NEW})
    assert (answer.json()["tickets"], answer.json()["cut"]) == (1, "time")


@pytest.mark.parametrize("address", ["/v1/rules/backtest", "/v1/tickets/backtest"])
async def test_rules_with_errors(client: httpx.AsyncClient, address: str) -> None:
    """Rules that cannot run are answered with their diagnostics, by the names of the files."""
    body: dict[str, Any] = {"rules": {"b.rules": "team = tema\n", "a.rules": "team = 1\n"}}
    answer = await client.post(address, json=body | ({"history": []} if "rules" in address else {}))
    document = answer.json()
    assert (answer.status_code, document["type"]) == (422, "urn:dispatcher:problem:rules-invalid")
    assert [(found["file"], found["code"]) for found in document["diagnostics"] if found["severity"] == "error"] == [
        ("b.rules", "unknown-name")
    ]


@pytest.mark.parametrize(
    ("address", "body", "pointer"),
    [
        ("/v1/rules/backtest", {"rules": ""}, "#/history"),
        ("/v1/rules/backtest", {"rules": "", "history": ["a"]}, "#/history/0"),
        ("/v1/tickets/backtest", {"rules": "", "limit": 10_001}, "#/limit"),
        ("/v1/tickets/backtest", {"rules": "", "history": []}, "#/history"),
        ("/v1/tickets/backtest", {"rules": "", "examples": 51}, "#/examples"),
    ],
)
async def test_requests_that_do_not_fit(
    client: httpx.AsyncClient, address: str, body: dict[str, Any], pointer: str
) -> None:
    """What is missing, unknown or out of bounds is answered with its place."""
    answer = await client.post(address, json=body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


async def test_the_example_of_the_interface() -> None:
    """What the OpenAPI document shows is an answer as it can be."""
    example = backtest_routes.EXAMPLE
    assert BacktestAnswer.model_validate(example, strict=True).model_dump() == example
