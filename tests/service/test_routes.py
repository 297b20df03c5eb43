"""The REST interface, through the front door."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

import anyio
import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from dispatcher import RuleSet
from dispatcher.dispatch import dry_run
from service import examples, models, problems
from service.deciding import DecidingRules
from service.problems import JsonAnswer
from tests.service.bench import RULES, application, started, wait_for_state
from tests.service.fakes import FakeHalo, answered

pytestmark = pytest.mark.anyio

DAN = {"name": "Dan Jump", "msg": "no sound"}
ZONE_NOW = datetime.fromisoformat("2026-11-21T09:30:00+01:00")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The service, not started; its Halo is `app.state.fake`."""
    folder = tmp_path_factory.mktemp("service")
    halo = FakeHalo()
    app = application(folder, halo, max_body_bytes=20_000)
    app.state.fake = halo
    return app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service, which the tests share."""
    async with started(app) as client:
        yield client


@pytest.fixture
def halo(app: FastAPI) -> FakeHalo:
    """The service's Halo, in which nothing has happened yet."""
    halo: FakeHalo = app.state.fake
    halo.reset()
    return halo


@pytest.fixture(autouse=True)
async def _leave_nothing_behind(app: FastAPI) -> AsyncIterator[None]:
    yield
    with anyio.fail_after(10):
        while app.state.store.oldest_waiting() is not None:
            await anyio.sleep(0.01)


@pytest.fixture
def key() -> dict[str, str]:
    """The header of an idempotency key that no other test uses."""
    return {"Idempotency-Key": uuid.uuid4().hex}


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Return the problem document, which the answer is."""
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    return document


def not_a_request(*errors: dict[str, str]) -> dict[str, Any]:
    """Return the problem of a request that does not fit."""
    return {
        "type": "urn:dispatcher:problem:invalid-request",
        "title": HTTPStatus(422).phrase,
        "status": 422,
        "detail": "The request does not fit what this address takes.",
        "errors": list(errors),
    }


async def test_check(client: httpx.AsyncClient) -> None:
    """Checking answers every diagnostic of the text under its file name; good rules have none."""
    answer = await client.post("/v1/rules/check", json=examples.CHECK)
    assert (answer.status_code, answer.json()) == (200, examples.CHECKED)
    assert (await client.post("/v1/rules/check", json={"rules": ""})).json() == {"diagnostics": []}


async def test_check_with_the_variables_in_force(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules may read the variables of the rules in force, which another process may have started with others."""
    body = {"rules": "team = department"}
    assert (await client.post("/v1/rules/check", json=body)).json()["diagnostics"] != []
    others = DecidingRules(RuleSet.from_text(examples.RULES, variables=["department"]))
    monkeypatch.setattr(app.state.rules, "current", others)
    assert (await client.post("/v1/rules/check", json=body)).json() == {"diagnostics": []}


async def test_dry_run_of_text(client: httpx.AsyncClient) -> None:
    """Trying rules answers exactly what the command line's dry run shows, for the time that is given."""
    answer = await client.post("/v1/rules/test", json=examples.DRY_RUN)
    expected = dry_run(RuleSet.from_text(examples.RULES), examples.TICKET, ZONE_NOW)
    assert (answer.status_code, answer.json()) == (200, expected)
    models.DryRunAnswer.model_validate(answer.json())


async def test_dry_run_of_the_active_rules(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """Without rules in the request the rules in force are tried, and nothing is kept or filed."""
    answer = await client.post("/v1/rules/test", json={"ticket": DAN, "now": "2026-11-21T09:30:00"})
    assert answer.json() == dry_run(RuleSet.from_text(RULES), DAN, ZONE_NOW)
    refused = await client.post("/v1/rules/test", json={"ticket": {"business_name": "Fabrikam, Inc."}})
    assert (refused.status_code, refused.json()["refused"], refused.json()["would_send"]) == (
        200,
        "Please call us.",
        None,
    )
    assert halo.calls == []


async def test_dry_run_of_rules_with_errors(client: httpx.AsyncClient) -> None:
    """Rules with errors cannot be tried: the answer is a problem with all diagnostics."""
    answer = await client.post("/v1/rules/test", json={"rules": examples.CHECK["rules"], "ticket": {}})
    assert problem(answer) == {
        "type": "urn:dispatcher:problem:rules-invalid",
        "title": "Rules with errors",
        "status": 422,
        "detail": "<rules>:2:12: nothing is called `tema`",
        "diagnostics": [{**examples.DIAGNOSTIC, "file": "<rules>"}],
    }


async def test_ticket_is_accepted_and_filed(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """A posted ticket is decided before the answer, and then filed; its address shows how far it is."""
    answer = await client.post("/v1/tickets", json=DAN)
    accepted = answer.json()
    assert (answer.status_code, accepted["state"]) == (202, "accepted")
    assert answer.headers["location"] == f"/v1/tickets/{accepted['id']}"
    assert accepted["decision"]["action_variables"]["priority"] == 0
    assert datetime.fromisoformat(accepted["decision"]["received_at"]).tzname() == "UTC+01:00"
    models.Accepted.model_validate(accepted)
    ticket = await wait_for_state(client, accepted["id"], "filed")
    assert ticket == {
        "id": accepted["id"],
        "state": "filed",
        "decision": accepted["decision"],
        "subject": "no sound",
        "defaults": {},
        "halo_ticket_id": 1,
        "halo_note_id": 1,
        "submission_errors": [
            {"variable": "team", "value": "Printers", "reason": "no such team", "replacement": "1st Line"}
        ],
        "remarks": ["no asset"],
        "attempts": 2,
        "last_error": None,
        "created_at": ticket["created_at"],
        "updated_at": ticket["updated_at"],
    }
    models.TicketView.model_validate(ticket)
    assert halo.tickets == [accepted["id"]]


async def test_ticket_is_refused(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """A ticket that a rule refuses is kept, its sender gets the text, and Halo is not asked."""
    answer = await client.post("/v1/tickets", json={"business_name": "Fabrikam, Inc."})
    document = problem(answer)
    assert document == {
        "type": "urn:dispatcher:problem:ticket-refused",
        "title": "Ticket refused",
        "status": 422,
        "detail": "Please call us.",
        "id": document["id"],
    }
    assert answer.headers["location"] == f"/v1/tickets/{document['id']}"
    ticket = (await client.get(answer.headers["location"])).json()
    assert (ticket["state"], ticket["decision"]["refused"]) == ("refused", "Please call us.")
    assert halo.calls == []


@pytest.mark.parametrize("ticket", [DAN, {"business_name": "Fabrikam, Inc."}])
async def test_idempotency_key(
    client: httpx.AsyncClient, halo: FakeHalo, key: dict[str, str], ticket: dict[str, Any]
) -> None:
    """The same key with the same ticket gives the first answer again, even when the ticket is long filed."""
    first = await client.post("/v1/tickets", json=ticket, headers=key)
    if first.status_code == 202:
        await wait_for_state(client, first.json()["id"], "filed")
    again = await client.post("/v1/tickets", json=dict(reversed(ticket.items())), headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert len(halo.tickets) == (1 if first.status_code == 202 else 0)


async def test_idempotency_key_for_another_ticket(client: httpx.AsyncClient, key: dict[str, str]) -> None:
    """The same key with another ticket is a problem, and the other ticket is not taken."""
    await client.post("/v1/tickets", json=DAN, headers=key)
    answer = await client.post("/v1/tickets", json={**DAN, "msg": "other"}, headers=key)
    assert problem(answer) == {
        "type": "urn:dispatcher:problem:idempotency-key-reused",
        "title": "Idempotency-Key reused",
        "status": 422,
        "detail": "This Idempotency-Key was used before, for another ticket. Every ticket needs its own.",
    }


async def test_idempotency_key_at_once(client: httpx.AsyncClient, halo: FakeHalo, key: dict[str, str]) -> None:
    """One key sent many times at once gives one ticket and the same answer to all."""
    answers: list[httpx.Response] = []

    async def post() -> None:
        answers.append(await client.post("/v1/tickets", json=DAN, headers=key))

    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(post)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    await wait_for_state(client, answers[0].json()["id"], "filed")
    assert len(halo.tickets) == 1


async def test_tickets_without_a_key_are_different(client: httpx.AsyncClient) -> None:
    """Without a key every request is a ticket of its own, and ids sort by time."""
    ids = []
    for _ in range(2):
        ids.append((await client.post("/v1/tickets", json=DAN)).json()["id"])
        await anyio.sleep(0.002)
    assert len(set(ids)) == 2
    assert ids == sorted(ids)


@pytest.mark.parametrize("text", ["", "x" * 256])
async def test_malformed_idempotency_key(client: httpx.AsyncClient, text: str) -> None:
    """A key that is empty or endless is a problem that names the header."""
    answer = await client.post("/v1/tickets", json=DAN, headers={"Idempotency-Key": text})
    errors = problem(answer)["errors"]
    assert [error["header"] for error in errors] == ["idempotency-key"]


async def test_dead_ticket(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """A ticket that Halo does not take is dead, and says why."""
    halo.before = [answered(400, surely_not_processed=True)]
    accepted = (await client.post("/v1/tickets", json=DAN)).json()
    ticket = await wait_for_state(client, accepted["id"], "dead")
    assert (ticket["last_error"], ticket["attempts"], ticket["halo_ticket_id"]) == (
        "Halo answered 400",
        1,
        None,
    )


@pytest.mark.parametrize("ticket_id", ["01kakz3x8r5w7m0c2f4h6j8n9p", "x", "%00", "%F0%9F%98%80", "a%2Fb", "%ff"])
async def test_unknown_ticket(client: httpx.AsyncClient, ticket_id: str) -> None:
    """An id that no ticket has is a problem, whatever the text is."""
    assert problem(await client.get(f"/v1/tickets/{ticket_id}"))["status"] == 404


async def test_unknown_address_and_method(client: httpx.AsyncClient) -> None:
    """Addresses and methods that do not exist are problems too."""
    assert problem(await client.get("/v2")) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
    }
    answer = await client.get("/v1/rules/check")
    assert (problem(answer)["status"], answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b'{"msg": NaN}', "NaN is no number in JSON"),
        (b'{"msg": -Infinity}', "-Infinity is no number in JSON"),
        (b'{"msg": 1e999}', "1e999 is no number in JSON"),
        (b'{"msg": ' + b"1" * 5000 + b"}", "a number has more than 4000 digits"),
        (b"[" * 100 + b"]" * 100, "it nests deeper than 64 levels"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
async def test_body_that_is_no_json(client: httpx.AsyncClient, body: bytes, detail: str) -> None:
    """What is no JSON, or cannot be passed on as JSON, is a problem that says where."""
    answer = await client.post("/v1/tickets", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": f"The body is not JSON that can be read: {detail}.",
    }


async def test_nesting_beyond_the_parser(client: httpx.AsyncClient) -> None:
    """Nesting that ends the parser is a problem like any other."""
    answer = await client.post("/v1/tickets", content=b"[" * 9999, headers={"Content-Type": "application/json"})
    assert problem(answer)["status"] == 400


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"'])
async def test_body_that_is_no_object(client: httpx.AsyncClient, body: bytes) -> None:
    """JSON other than an object is no ticket."""
    answer = await client.post("/v1/tickets", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer)["type"] == "urn:dispatcher:problem:invalid-request"


@pytest.mark.parametrize("path", ["/v1/rules/check", "/v1/rules/test", "/v1/tickets"])
async def test_no_body(client: httpx.AsyncClient, path: str) -> None:
    """A request without a body is a problem that says that there is none."""
    answer = await client.post(path, headers={"Content-Type": "application/json"})
    assert problem(answer) == not_a_request({"pointer": "#", "detail": "Field required"})


async def test_an_answer_takes_any_text() -> None:
    """Answers are UTF-8, and where text has half of a surrogate pair they are ASCII; numbers are those of JSON."""
    assert JsonAnswer({"é": [1.5, float("nan")]}).body == '{"é":[1.5,null]}'.encode()
    assert JsonAnswer({"é": "\ud800"}).body == b'{"\\u00e9":"\\ud800"}'


async def test_fields_that_do_not_fit(client: httpx.AsyncClient) -> None:
    """Every field that does not fit is named by a pointer into the body."""
    answer = await client.post("/v1/rules/check", json={"rules": 1, "file/name~": ""})
    assert problem(answer) == not_a_request(
        {"pointer": "#/rules", "detail": "Input should be a valid string"},
        {"pointer": "#/file~1name~0", "detail": "Extra inputs are not permitted"},
    )
    answer = await client.post("/v1/rules/test", json={"ticket": {}, "now": "soon"})
    assert [error["pointer"] for error in problem(answer)["errors"]] == ["#/now"]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_body_of_another_kind(client: httpx.AsyncClient, kind: str | None) -> None:
    """A body that is not sent as JSON is a problem that says how to send it."""
    answer = await client.post("/v1/tickets", content=b"{}", headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, problem(answer)["detail"]) == (
        415,
        "Send the body as JSON, with the header `Content-Type: application/json`.",
    )


async def test_long_body(client: httpx.AsyncClient) -> None:
    """A body beyond the limit is refused without being read to its end, declared or not."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    declared = await client.post("/v1/tickets", json={"msg": "x" * 20_000})
    chunked = await client.post("/v1/tickets", content=endless(), headers={"Content-Type": "application/json"})
    for answer in (declared, chunked):
        assert (answer.status_code, problem(answer)["detail"]) == (
            413,
            "The body is longer than 20000 bytes.",
        )


async def test_body_that_does_not_come(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that stops in the middle of a body does not hold on to the service."""
    monkeypatch.setattr(problems, "BODY_SECONDS", 0.05)

    async def halting() -> AsyncIterator[bytes]:
        yield b'{"msg": '
        await anyio.sleep(5)

    answer = await client.post("/v1/tickets", content=halting(), headers={"Content-Type": "application/json"})
    assert problem(answer)["detail"] == "The body did not arrive within 0.05 s."


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000", r"\ud83d\ude00 \udc00", "\U0001f600"])
async def test_any_text(client: httpx.AsyncClient, text: str) -> None:
    """Any text that JSON can spell is taken, kept and filed; halves of surrogate pairs become U+FFFD."""
    body = f'{{"msg": "{text}", "{text}": ["{text}"]}}'
    json_body = {"Content-Type": "application/json; charset=utf-8"}
    answer = await client.post("/v1/tickets", content=body.encode(), headers=json_body)
    assert answer.status_code == 202
    whole = json.loads(f'"{text}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert answer.json()["decision"]["unused_keys"] == [whole]
    await wait_for_state(client, answer.json()["id"], "filed")
    rules = await client.post("/v1/rules/check", content=f'{{"rules": "{text}"}}'.encode(), headers=json_body)
    assert rules.status_code == 200


async def test_rules_that_build_any_text(client: httpx.AsyncClient) -> None:
    """What rules make of text never makes an answer that cannot be written."""
    rules = "priv_append = chr(0xD800) + chr(0)\ncustomfield = {1.5: float('inf'), (1, 2): {3}}\n"
    answer = await client.post("/v1/rules/test", json={"rules": rules, "ticket": {}})
    assert answer.status_code == 200


async def test_time_at_the_end_of_the_calendar(client: httpx.AsyncClient) -> None:
    """Any time that can be written can be tried."""
    for now in ("0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00", 0):
        assert (await client.post("/v1/rules/test", json={"ticket": DAN, "now": now})).status_code == 200


async def test_bug(
    client: httpx.AsyncClient,
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An exception that nobody foresaw is a problem without its text, and is in the log with it."""
    monkeypatch.setattr(app.state, "intake", None)
    answer = await client.post("/v1/tickets", json=DAN)
    assert problem(answer) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "The service failed on this request. Its log says why.",
    }
    assert "'NoneType' object has no attribute 'take'" in caplog.text


async def test_database_away(client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its database the service says so, and that it is worth trying again."""

    def fails(*_: Any) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(app.state.store, "get", fails)
    assert problem(await client.get("/healthz")) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "The service cannot use its database now. Try again, with the same Idempotency-Key.",
    }


async def test_health(client: httpx.AsyncClient) -> None:
    """The service says that it works, and with which rules."""
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "revision": RuleSet.from_text(RULES).revision},
    )


async def test_openapi(client: httpx.AsyncClient) -> None:
    """The interface is documented: every operation has a summary, a tag and an example, and errors are problems."""
    document = (await client.get("/openapi.json")).json()
    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert {name: operation["summary"] for name, operation in operations.items()} == {
        "post /v1/rules/check": "Check rules",
        "post /v1/rules/test": "Try rules on a ticket",
        "post /v1/rules/run-tests": "Run tests of rules",
        "post /v1/rules/explain": "Explain what rules decide",
        "post /v1/rules/backtest": "Compare rules with those in force on given tickets",
        "post /v1/tickets/backtest": "Compare rules with those in force on the kept tickets",
        "get /v1/tickets/{ticket_id}/explanation": "See why a ticket was decided as it was",
        "get /v1/rules/names": "See which names in the rules Halo does not know",
        "get /v1/rules/audit": "Audit the rules in force",
        "get /v1/rules/versions": "List the versions of the rules",
        "post /v1/rules/versions": "Publish rules",
        "get /v1/rules/versions/{revision}": "See the rules of a revision",
        "get /v1/rules/versions/{revision}/diff": "See what a revision changed",
        "post /v1/rules/versions/{revision}/activate": "Go back to earlier rules",
        "post /v1/tickets": "Post a ticket",
        "get /v1/tickets": "List tickets",
        "get /v1/tickets/{ticket_id}": "See how far a ticket got",
        "delete /v1/tickets/{ticket_id}": "Delete a ticket",
        "get /v1/tickets/{ticket_id}/attempts": "See every attempt at filing a ticket",
        "post /v1/tickets/replay": "Replay all dead tickets",
        "post /v1/tickets/{ticket_id}/replay": "Replay a ticket",
        "post /v1/tickets/{ticket_id}/resolve": "Say whether Halo has a ticket",
        "post /v1/tickets/{ticket_id}/cancel": "Stop filing a ticket",
        "get /healthz": "See whether the service runs",
        "get /readyz": "See whether the service keeps up",
        "get /metrics": "Numbers for Prometheus",
    }
    schemas = document["components"]["schemas"]
    for operation in operations.values():
        assert operation["tags"]
        for status, response in operation["responses"].items():
            if status[0] == "2":
                if content := response.get("content", {}).get("application/json"):
                    assert schemas[content["schema"]["$ref"].rpartition("/")[2]]["examples"]
            else:
                example = response["content"]["application/problem+json"]["example"]
                assert str(example["status"]) == {"default": "500"}.get(status, status)
    assert "HTTPValidationError" not in schemas


async def test_examples_are_real(client: httpx.AsyncClient) -> None:
    """The examples of the document are what the service answers, but for ids, times and steps."""
    answer = (await client.post("/v1/rules/test", json=examples.DRY_RUN)).json()
    would_send = examples.DRY_RUN_ANSWER["would_send"]
    assert answer["would_send"]["ticket"] == would_send["ticket"]
    # How many steps rules take is no promise, and the example's note is cut.
    example = {**examples.DRY_RUN_ANSWER, "steps": answer["steps"], "would_send": answer["would_send"]}
    assert answer == example
    assert set(examples.TICKET_VIEW) == set(models.TicketView.model_fields)
    for model, example in (
        (models.Accepted, examples.ACCEPTED),
        (models.TicketView, examples.TICKET_VIEW),
        (models.Health, examples.HEALTH),
    ):
        model.model_validate(example)
