"""Explanations over REST and on the command line, of tickets that are given and of tickets that came in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dispatcher import RuleSet
from dispatcher.explain import explain
from service import explain_routes
from service.versions import Origin, RuleSettings
from tests.service.bench import RULES, application, started
from tests.service.fakes import FakeHalo

pytestmark = pytest.mark.anyio

NOW = "2026-11-21T09:30:00+01:00"
DAN = {"name": "Dan Jump", "msg": "no sound"}
OTHER = "# Nobody\nif name == 'dan jump':\n    team = 'VIP'\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The service, not started."""
    return application(tmp_path_factory.mktemp("service"), FakeHalo())


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service."""
    async with started(app) as client:
        yield client


async def test_rules_that_are_given_are_explained(client: httpx.AsyncClient) -> None:
    """The answer is what the library says, and fits the model of the interface."""
    body = {"rules": OTHER, "ticket": DAN, "now": NOW}
    answer = await client.post("/v1/rules/explain", json=body)
    found = answer.json()

    assert answer.status_code == 200
    explain_routes.Explanation.model_validate(found)
    assert found == explain(RuleSet.from_text(OTHER), DAN, now=datetime.fromisoformat(NOW)).to_dict()
    (rule,) = found["not_fired"]
    assert rule["misses"][0]["part"]["hint"] == "they differ in upper and lower case only"


async def test_the_rules_in_force_are_explained(client: httpx.AsyncClient) -> None:
    """Without rules in the request, those in force are asked, about one variable or one line."""
    found = (await client.post("/v1/rules/explain", json={"ticket": DAN, "why": "priority", "why_not": "2"})).json()

    assert [field["variable"] for field in found["fields"]] == ["priority"]
    assert found["why_not"]["line"] == 2


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"rules": "team = tema", "ticket": {}}, "<rules>:1:8: nothing is called `tema`"),
        ({"rules": "team = 1", "ticket": {}, "why": "temm"}, "tickets have no variable `temm`"),
        ({"rules": "team = 1", "ticket": {}, "why_not": "9"}, "there is no rule at line 9"),
        ({"rules": "team = 1", "ticket": {}, "why_not": "x"}, "The request does not fit"),
    ],
)
async def test_what_cannot_be_explained_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], detail: str
) -> None:
    """Wrong rules, variables and lines give a problem in words."""
    answer = await client.post("/v1/rules/explain", json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(detail)


async def test_a_ticket_that_came_in_is_explained(client: httpx.AsyncClient) -> None:
    """The technician's question: by the rules of then, with the time of then."""
    kept = (await client.post("/v1/tickets", json=DAN)).json()
    answer = await client.get(f"/v1/tickets/{kept['id']}/explanation")
    found = answer.json()

    assert answer.status_code == 200
    explain_routes.KeptExplanation.model_validate(found)
    assert found["as_decided"]
    assert found["received_at"] == kept["decision"]["received_at"]
    assert found["revision"] == kept["decision"]["revision"]
    assert {field["variable"]: field["value"] for field in found["fields"]} == {
        name: value
        for name, value in kept["decision"]["action_variables"].items()
        if name in {field["variable"] for field in found["fields"]}
    }


async def test_a_ticket_is_explained_by_the_rules_of_then(app: FastAPI, client: httpx.AsyncClient) -> None:
    """What came into force later explains nothing of it."""
    kept = (await client.post("/v1/tickets", json=DAN)).json()
    versions = app.state.versions
    active = versions.active()
    versions.add(RuleSet.from_text(OTHER), RuleSettings(), Origin.PUBLISH, "somebody", seen=active)
    found = (await client.get(f"/v1/tickets/{kept['id']}/explanation")).json()
    versions.add(RuleSet.from_text(RULES), active.settings, Origin.ROLLBACK, "somebody", seen=versions.active())

    assert found["revision"] == kept["decision"]["revision"]
    assert found["as_decided"]


async def test_an_unknown_ticket_is_not_found(client: httpx.AsyncClient) -> None:
    """A problem with 404."""
    answer = await client.get("/v1/tickets/00000000-0000-7000-8000-000000000000/explanation")

    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


async def test_what_is_no_longer_kept_cannot_be_explained(app: FastAPI, client: httpx.AsyncClient) -> None:
    """When retention has deleted what a ticket said, the answer says so."""
    kept = (await client.post("/v1/tickets", json=DAN)).json()
    with app.state.database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE ticket SET payload = NULL WHERE id = '{kept['id']}'")
    answer = await client.get(f"/v1/tickets/{kept['id']}/explanation")

    assert answer.status_code == 410
    assert "no longer kept" in answer.json()["detail"]


async def test_the_example_is_real(client: httpx.AsyncClient) -> None:
    """What the interface shows as an answer is what it answers."""
    assert (await client.post("/v1/rules/explain", json=explain_routes.EXAMPLE)).json() == explain_routes.ANSWER
