"""Running tests of rules over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from dispatcher.testing import run_given
from service import testing_routes
from tests.service.bench import application, started
from tests.service.fakes import FakeHalo

pytestmark = pytest.mark.anyio
PLACE = "/v1/rules/run-tests"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, whose settings have a default that tests know nothing of."""
    app = application(tmp_path, FakeHalo(), max_body_bytes=20_000, defaults={"team": "A"})
    async with started(app) as client:
        yield client


async def test_the_example(client: httpx.AsyncClient) -> None:
    """The example of the documentation gives the answer that is shown there."""
    answer = await client.post(PLACE, json=testing_routes.EXAMPLE)
    assert (answer.status_code, answer.json()) == (200, testing_routes.EXAMPLE_ANSWER)
    testing_routes.RunTestsAnswer.model_validate(answer.json())


async def test_it_is_the_data_of_the_command(client: httpx.AsyncClient) -> None:
    """Several rule files, coverage and all outcomes are told as everywhere, and settings have no part in it."""
    rules = {"b.rules": "if msg: state = team", "a.rules": "priority = 1"}
    tests = '[[test]]\nname="a"\nticket="t"\nexpect={unset=["team"]}\n[[test]]\nname="b"\nticket="u"\nexpect={}'
    tickets = {"t": {"msg": "x"}}
    answer = await client.post(PLACE, json={"rules": rules, "tests": tests, "tickets": tickets, "coverage": True})
    assert answer.json() == run_given(rules, tests, tickets, coverage=True).to_dict()
    assert [result["outcome"] for result in answer.json()["results"]] == ["pass", "error"]
    testing_routes.RunTestsAnswer.model_validate(answer.json())


@pytest.mark.parametrize(("rules", "tests"), [("if (", "x"), ("if (", "[[test]]\nname='a'\nticket={}\nexpect={}")])
async def test_what_cannot_be_used_is_a_result(client: httpx.AsyncClient, rules: str, tests: str) -> None:
    """Rules and tests with mistakes are answered as errors with their places."""
    answer = await client.post(PLACE, json={"rules": rules, "tests": tests})
    assert (answer.status_code, answer.json()["errors"], answer.json()["results"][0]["name"]) == (200, 1, None)


async def test_files_of_the_service_are_out_of_reach(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Tests find nothing but what the request carries, whatever they name."""
    (tmp_path / "t.json").write_text('{"msg": "secret"}')
    (tmp_path / "r.rules").write_text("team = 'secret'")
    tests = f'rules = "{tmp_path}/r.rules"\n[[test]]\nname = "a"\nticket = "{tmp_path}/t.json"\nexpect = {{}}'
    answer = await client.post(PLACE, json={"rules": "", "tests": tests})
    assert [problem["message"] for problem in answer.json()["results"][0]["problems"]] == [
        f"{tmp_path}/t.json: no ticket of this name comes with the tests"
    ]


async def test_the_time_is_bounded(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time for a request is over, the tests that are left are answered as errors."""
    monkeypatch.setattr(testing_routes, "MOST_SECONDS", 0.0)
    answer = await client.post(PLACE, json=testing_routes.EXAMPLE)
    assert [problem["message"] for problem in answer.json()["results"][0]["problems"]] == [
        "not all of its tickets were decided: the time for these tests is over"
    ]


async def test_a_request_that_does_not_fit(client: httpx.AsyncClient) -> None:
    """What is missing or unknown in a request is named."""
    answer = await client.post(PLACE, json={"rules": 3, "test": ""})
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} >= {"#/tests", "#/test"}
    assert (await client.post(PLACE, json={"rules": "", "tests": "#" * 30_000})).status_code == 413
