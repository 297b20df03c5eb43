"""What a person does with tickets over REST, through the front door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service import examples, models
from service.keys import Scope
from service.store import State, Store
from tests.service.bench import application, started, wait_for_state
from tests.service.fakes import FakeHalo, answered
from tests.service.kept import found, keep, number

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The service, not started; its Halo is `app.state.fake`."""
    halo = FakeHalo()
    app = application(tmp_path_factory.mktemp("service"), halo)
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


@pytest.fixture
def store(app: FastAPI) -> Store:
    """The service's store."""
    store: Store = app.state.store
    return store


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Return type, status and text of the problem document that the answer is."""
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    return document


async def dead_letter(client: httpx.AsyncClient, halo: FakeHalo) -> str:
    """Post a ticket that Halo does not take, and return its id."""
    halo.before = [answered(400, surely_not_processed=True)]
    ticket_id: str = (await client.post("/v1/tickets", json={"msg": "no sound"})).json()["id"]
    await wait_for_state(client, ticket_id, "dead")
    return ticket_id


async def test_dead_letter_is_replayed(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """A dead ticket is listed, shows every attempt and answer, and is filed when it is replayed with other defaults."""
    ticket_id = await dead_letter(client, halo)
    page = (await client.get("/v1/tickets", params={"state": ["dead", "review"], "limit": 1})).json()
    assert [(ticket["id"], ticket["last_error"]) for ticket in page["tickets"]] == [(ticket_id, "Halo answered 400")]
    answer = await client.post(f"/v1/tickets/{ticket_id}/replay", json={"defaults": {"team": "1st Line"}})
    assert (answer.status_code, answer.json()["state"], answer.json()["defaults"]) == (
        200,
        "accepted",
        {"team": "1st Line"},
    )
    models.TicketView.model_validate(answer.json())
    await wait_for_state(client, ticket_id, "filed")
    log = (await client.get(f"/v1/tickets/{ticket_id}/attempts")).json()
    models.AttemptLog.model_validate(log)
    assert [(one["stage"], one["result"], one["status"], one["answer"]) for one in log["attempts"]] == [
        ("ticket", "failed", 400, "Halo answered 400"),
        ("ticket", "created", None, None),
        ("note", "created", None, None),
    ]
    assert halo.tickets == [ticket_id]


@pytest.mark.parametrize("body", [{"json": {}}, {"json": {"defaults": {"team": "A"}}}, {}])
async def test_all_dead_letters(client: httpx.AsyncClient, halo: FakeHalo, body: dict[str, Any]) -> None:
    """All dead tickets are replayed with one request, with or without a body."""
    dead = [await dead_letter(client, halo) for _ in range(2)]
    answer = await client.post("/v1/tickets/replay", **body)
    assert (answer.status_code, answer.json()) == (200, {"replayed": 2})
    for ticket_id in dead:
        await wait_for_state(client, ticket_id, "filed")
    assert (await client.post("/v1/tickets/replay")).json() == {"replayed": 0}


async def test_review_is_resolved(client: httpx.AsyncClient, halo: FakeHalo, store: Store) -> None:
    """A ticket in review goes on with the ticket that a person found in Halo: only its note is added."""
    ticket_id = keep(store, 1, State.REVIEW)
    answer = await client.post(f"/v1/tickets/{ticket_id}/resolve", json={"halo_ticket_id": 41})
    assert (answer.status_code, answer.json()["state"], answer.json()["halo_ticket_id"]) == (200, "accepted", 41)
    await wait_for_state(client, ticket_id, "filed")
    assert (halo.tickets, halo.notes) == ([], [(41, ticket_id)])


async def test_review_is_not_in_halo(client: httpx.AsyncClient, halo: FakeHalo, store: Store) -> None:
    """A ticket in review that a person did not find in Halo is created there."""
    ticket_id = keep(store, 2, State.REVIEW)
    assert (await client.post(f"/v1/tickets/{ticket_id}/resolve", json={"halo_ticket_id": None})).status_code == 200
    await wait_for_state(client, ticket_id, "filed")
    assert halo.calls == ["create_ticket", "add_note"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, {"pointer": "#", "detail": "give one of `halo_ticket_id` and `halo_note_id`, an id or null"}),
        (
            {"halo_ticket_id": 1, "halo_note_id": None},
            {"pointer": "#", "detail": "give one of `halo_ticket_id` and `halo_note_id`, an id or null"},
        ),
        (
            {"halo_ticket_id": True},
            {"pointer": "#/halo_ticket_id", "detail": "Input should be a valid integer"},
        ),
        (
            {"halo_note_id": 0},
            {"pointer": "#/halo_note_id", "detail": "Input should be greater than or equal to 1"},
        ),
        ({"halo_ticket": 1}, {"pointer": "#/halo_ticket", "detail": "Extra inputs are not permitted"}),
    ],
)
async def test_resolving_with_something_else(
    client: httpx.AsyncClient, body: dict[str, Any], error: dict[str, str]
) -> None:
    """What says neither where the ticket is nor that it is not there is refused."""
    answer = await client.post(f"/v1/tickets/{number(1)}/resolve", json=body)
    assert problem(answer)["errors"] == [error]


async def test_cancelled_and_deleted(client: httpx.AsyncClient, halo: FakeHalo) -> None:
    """A dead ticket can be cancelled, and then deleted with all that is known of it."""
    ticket_id = await dead_letter(client, halo)
    assert (await client.post(f"/v1/tickets/{ticket_id}/cancel")).json()["state"] == "cancelled"
    answer = await client.delete(f"/v1/tickets/{ticket_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"/v1/tickets/{ticket_id}")).status_code == 404


async def test_not_in_this_state(client: httpx.AsyncClient, store: Store) -> None:
    """What the ticket's state does not allow is a problem that says which states do."""
    ticket_id = keep(store, 3, State.FILED)
    for action in ("replay", "cancel"):
        document = problem(await client.post(f"/v1/tickets/{ticket_id}/{action}"))
        assert (document["type"], document["status"]) == ("urn:dispatcher:problem:wrong-state", 409)
    answer = await client.post(f"/v1/tickets/{ticket_id}/resolve", json={"halo_note_id": 1})
    assert problem(answer)["status"] == 409
    assert found(store, ticket_id).state is State.FILED


async def test_wrong_defaults(client: httpx.AsyncClient) -> None:
    """Defaults for what is no ticket variable are named, with the near name."""
    said = "`prioriti` is no ticket variable that rules can write; did you mean `priority`?"
    for path in ("replay", f"{number(1)}/replay"):
        document = problem(await client.post(f"/v1/tickets/{path}", json={"defaults": {"prioriti": 1}}))
        assert (document["detail"], document["errors"]) == (
            said,
            [{"pointer": "#/defaults/prioriti", "detail": said}],
        )


async def test_unknown_tickets(client: httpx.AsyncClient) -> None:
    """Whatever is asked of a ticket that there is not, the answer is 404."""
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/attempts", None),
        ("POST", "/replay", {}),
        ("POST", "/resolve", {"halo_ticket_id": 1}),
        ("POST", "/resolve", {"halo_note_id": None}),
        ("POST", "/cancel", None),
        ("DELETE", "", None),
    ):
        answer = await client.request(method, f"/v1/tickets/{number(99)}{path}", json=body)
        assert problem(answer)["detail"] == f"There is no ticket `{number(99)}`."


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"state": "deed"}, "state.0"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"before": "yesterday"}, "before"),
        ({"before": "\x00"}, "before"),
    ],
)
async def test_wrong_lists(client: httpx.AsyncClient, query: dict[str, str], wrong: str) -> None:
    """A list of what there is not is refused with the name of the parameter."""
    document = problem(await client.get("/v1/tickets", params=query))
    assert [error["query"] for error in document["errors"]] == [wrong]


async def test_pages(client: httpx.AsyncClient, store: Store) -> None:
    """Following `next` shows every ticket once, the newest first."""
    for place in range(10, 15):
        keep(store, place, State.FILED)
    seen: list[str] = []
    before: dict[str, str] = {"before": number(15)}
    while before:
        page = (await client.get("/v1/tickets", params={"limit": "2", "state": "filed"} | before)).json()
        models.TicketPage.model_validate(page)
        seen += [ticket["id"] for ticket in page["tickets"]]
        before = {"before": page["next"]} if page["next"] else {}
    assert seen[:5] == [number(place) for place in range(14, 9, -1)]
    assert len(seen) == len(set(seen))


async def test_scopes(client: httpx.AsyncClient, app: FastAPI) -> None:
    """Who may read sees tickets, and only an admin changes them."""
    document = (await client.get("/openapi.json")).json()
    scopes = {
        f"{method} {path}": operation["security"][0]["bearer"][0]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/tickets") and (method, path) != ("post", "/v1/tickets")
    }
    assert scopes == {
        "get /v1/tickets": Scope.READ,
        "get /v1/tickets/{ticket_id}": Scope.READ,
        "get /v1/tickets/{ticket_id}/attempts": Scope.READ,
        "get /v1/tickets/{ticket_id}/explanation": Scope.READ,
        "post /v1/tickets/backtest": Scope.READ,
        "post /v1/tickets/replay": Scope.ADMIN,
        "post /v1/tickets/{ticket_id}/replay": Scope.ADMIN,
        "post /v1/tickets/{ticket_id}/resolve": Scope.ADMIN,
        "post /v1/tickets/{ticket_id}/cancel": Scope.ADMIN,
        "delete /v1/tickets/{ticket_id}": Scope.ADMIN,
    }


async def test_refusal_after_its_text_is_gone(client: httpx.AsyncClient, store: Store) -> None:
    """A repetition of a refused ticket is refused for as long as the ticket is known, whatever else was deleted."""
    ticket, key = {"business_name": "Fabrikam, Inc."}, {"Idempotency-Key": "k1"}
    first = await client.post("/v1/tickets", json=ticket, headers=key)
    with store.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE ticket SET payload = NULL, decision = NULL WHERE idempotency_key = 'k1'")
    again = await client.post("/v1/tickets", json=ticket, headers=key)
    assert (first.status_code, again.status_code) == (422, 422)
    assert problem(again)["detail"] == "This text is no longer kept."
    assert again.headers["location"] == first.headers["location"]


def test_examples() -> None:
    """The examples of the document are what the models say."""
    for model, example in (
        (models.TicketPage, examples.TICKET_PAGE),
        (models.TicketView, examples.TICKET_VIEW),
        (models.AttemptLog, examples.ATTEMPT_LOG),
        (models.ReplayRequest, examples.REPLAY),
        (models.Replayed, examples.REPLAYED),
        (models.ResolveRequest, examples.RESOLVE),
        (models.Ready, examples.READY),
    ):
        model.model_validate(example)
    assert set(examples.TICKET_PAGE["tickets"][0]) == set(models.TicketSummary.model_fields)
    assert set(examples.ATTEMPT_LOG["attempts"][0]) == set(models.Attempt.model_fields)
