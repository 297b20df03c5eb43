"""Access: who is let in with which key, and who without any."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI, Request

from service import access as access_module
from service import logs, problems
from service.access import (
    Access,
    _refuse_strangers,
    greeting,
    install,
    is_loopback,
    listening_host,
    needed_scope,
    sender_of,
)
from service.app import run
from service.database import Database
from service.keys import ApiKey, Keys, Scope
from service.problems import Problem
from service.settings import Settings
from tests.service.bench import application, started
from tests.service.fakes import FakeHalo

pytestmark = pytest.mark.anyio

UNKNOWN = f"dispatcher_0123456789_{'0' * 64}"


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time by which the access of a test counts."""
    return Clock()


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    """The keys of a database in which there are none."""
    database = Database(f"sqlite:///{tmp_path / 'dispatcher.db'}")
    database.open()
    yield Keys(database)
    database.close()


@pytest.fixture
async def client(keys: Keys, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that answers to everything that is let in."""
    app = FastAPI()
    problems.install(app)
    install(app, Access(keys, clock))

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"], include_in_schema=False)
    async def answer(request: Request) -> dict[str, Any]:
        return {"bytes": len(await request.body()), "sender": sender_of(request.scope)}

    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8420") as client:
        yield client


def bearer(text: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"Authorization": f"Bearer {text}"}


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, kind and detail of the problem document that the answer is."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == answer.status_code
    return answer.status_code, document["type"].rpartition(":")[2], document["detail"]


NOT_KNOWN = (401, "key-invalid", "This API key is not known here.")


# --- with keys


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"authorization": "bearer  {} "},
        {"X-API-Key": "{}"},
        {"Authorization": "Basic cHJveHk6cHJveHk=", "X-API-Key": "{}"},
    ],
)
async def test_a_key_opens(client: httpx.AsyncClient, keys: Keys, headers: dict[str, str]) -> None:
    """A key is taken from either header, beside what a proxy has of its own."""
    _, text = keys.create("website", ["intake"])
    sent = {name: value.format(text) for name, value in headers.items()}
    answer = await client.post("/v1/tickets", headers=sent, content=b"{}")
    assert (answer.status_code, answer.json()) == (200, {"bytes": 2, "sender": "website"})


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic cHJveHk6cHJveHk="}, {"Cookie": "key=1"}])
async def test_without_a_key(client: httpx.AsyncClient, keys: Keys, headers: dict[str, str]) -> None:
    """Once there is a key, a request without one is told how to send it."""
    keys.create("website", ["intake"])
    answer = await client.post("/v1/tickets", headers=headers)
    assert problem(answer) == (
        401,
        "key-missing",
        "Send an API key, as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.",
    )
    assert answer.headers["www-authenticate"] == 'Bearer realm="dispatcher"'


async def test_wrong_keys(client: httpx.AsyncClient, keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    """What is no key, has no row or has another secret gets one answer; the log has ids only, and peers at debug."""
    key, text = keys.create("website", ["intake"])
    caplog.set_level(logging.INFO, "service.access")
    for wrong in ("secret", UNKNOWN, text[:-1] + ("0" if text[-1] != "0" else "1"), text.upper()):
        answer = await client.post("/v1/tickets", headers=bearer(wrong))
        assert problem(answer) == NOT_KNOWN
        assert answer.headers["www-authenticate"] == 'Bearer realm="dispatcher", error="invalid_token"'
    logged = [(record.getMessage(), vars(record)["key"], vars(record)["reason"]) for record in caplog.records]
    assert logged == [
        ("authentication failed", None, "malformed"),
        ("authentication failed", "0123456789", "unknown id"),
        ("authentication failed", key.id, "wrong secret"),
        ("authentication failed", None, "malformed"),
    ]


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/v1/tickets", Scope.INTAKE),
        ("POST", "/v1/rules/test", Scope.TEST),
        ("GET", "/metrics", Scope.READ),
        ("DELETE", "/v1/tickets/x", Scope.ADMIN),
        ("POST", "/v2/whatever", Scope.ADMIN),
    ],
)
async def test_scopes(
    client: httpx.AsyncClient, keys: Keys, method: str, path: str, needed: Scope, scope: Scope
) -> None:
    """A key opens what its scope is for; elsewhere it is told which scope is missing."""
    key, text = keys.create("website", [scope])
    answer = await client.request(method, path, headers=bearer(text))
    if scope in (needed, Scope.ADMIN):
        assert answer.status_code == 200
    else:
        detail = f"{method} {path} needs an API key with the scope `{needed}`; the key {key.id} has {scope}."
        assert problem(answer) == (403, "scope-missing", detail)
        assert answer.json()["scope"] == needed
        assert answer.headers["www-authenticate"] == (
            f'Bearer realm="dispatcher", error="insufficient_scope", scope="{needed}"'
        )


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/docs", None),
        ("GET", "/openapi.json", None),
        ("HEAD", "/v1/tickets/x", Scope.READ),
        ("GET", "/v1/tickets", Scope.READ),
        ("GET", "/v1/tickets/", Scope.READ),
        ("GET", "/v1/tickets/x/attempts", Scope.READ),
        ("POST", "/v1/tickets/", Scope.INTAKE),
        ("POST", "/v1/tickets/x/replay", Scope.ADMIN),
        ("DELETE", "/v1/tickets/x", Scope.ADMIN),
        ("PUT", "/v1/tickets", Scope.ADMIN),
        ("POST", "/metrics", Scope.ADMIN),
        ("GET", "/v1/ticketsx", Scope.ADMIN),
        ("GET", "/healthz/", Scope.ADMIN),
        ("GET", "/HEALTHZ", Scope.ADMIN),
        ("POST", "/v1/rules/../tickets", Scope.ADMIN),
        ("POST", "/v1/rules", Scope.ADMIN),
        ("", "", Scope.ADMIN),
    ],
)
async def test_needed_scope(method: str, path: str, needed: Scope | None) -> None:
    """What is not known to need less is for admins."""
    assert needed_scope(method, path) is needed


async def test_revoked(client: httpx.AsyncClient, keys: Keys, clock: Clock) -> None:
    """A key that is revoked while the service runs opens nothing 2 s later, and nor does the want of any other key."""
    key, text = keys.create("website", ["intake"])
    assert (await client.post("/v1/tickets", headers=bearer(text))).status_code == 200
    keys.revoke(key.id)
    clock.now += 2
    answer = await client.post("/v1/tickets", headers=bearer(text))
    assert problem(answer) == (401, "key-invalid", "This API key is revoked.")
    assert (await client.post("/v1/tickets")).status_code == 401


async def test_keys_stay_required(client: httpx.AsyncClient, keys: Keys, clock: Clock) -> None:
    """A service that has seen keys goes on asking for them, whatever becomes of the table."""
    keys.create("website", ["intake"])
    assert (await client.post("/v1/tickets")).status_code == 401
    with keys.database.transaction() as connection:
        connection.execute(sa.text("DELETE FROM api_key"))
    clock.now += 60
    assert (await client.post("/v1/tickets")).status_code == 401


async def test_a_new_key_opens_at_once(client: httpx.AsyncClient, keys: Keys, clock: Clock) -> None:
    """A key opens a fifth of a second after it was created, though the others were read just before."""
    keys.create("website", ["intake"])
    assert problem(await client.post("/v1/tickets", headers=bearer(UNKNOWN))) == NOT_KNOWN
    _, text = keys.create("phone", ["intake"])
    clock.now += 0.2
    assert (await client.post("/v1/tickets", headers=bearer(text))).status_code == 200


async def test_the_database_is_asked_rarely(
    client: httpx.AsyncClient, keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many requests, at once and with unknown keys, share one look at the database."""
    _, text = keys.create("website", ["intake"])
    looks: list[float] = []
    known = keys.all()

    def look() -> list[ApiKey]:
        looks.append(clock.now)
        return known

    monkeypatch.setattr(keys, "all", look)
    sent = [client.post("/v1/tickets", headers=bearer(key)) for key in (text, UNKNOWN) * 5]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200, 401}
    clock.now += 1.9
    assert (await client.post("/v1/tickets", headers=bearer(text))).status_code == 200
    assert looks == [1000.0]


async def test_database_away(
    client: httpx.AsyncClient, keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody can tell whether a key is still good nobody is let in, but probes; then all is as before."""
    _, text = keys.create("website", ["intake"])
    with monkeypatch.context() as patched:

        def away() -> list[Any]:
            raise sa.exc.OperationalError("SELECT", {}, Exception("away"))

        patched.setattr(keys, "all", away)
        answer = await client.post("/v1/tickets", headers=bearer(text))
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert (await client.get("/healthz")).status_code == 200
    assert (await client.post("/v1/tickets", headers=bearer(text))).status_code == 200


async def test_rate_of_a_key(client: httpx.AsyncClient, keys: Keys, clock: Clock) -> None:
    """A key has its requests of a minute at once, then one whenever a share of the minute is over; others are free."""
    key, text = keys.create("website", ["intake"], requests_per_minute=7)
    _, other = keys.create("phone", ["intake"])
    for _ in range(7):
        assert (await client.post("/v1/tickets", headers=bearer(text))).status_code == 200
    clock.now += 0.5
    answer = await client.post("/v1/tickets", headers=bearer(text))
    detail = f"The API key {key.id} may send 7 requests a minute. Try again in 9 s."
    assert problem(answer) == (429, "rate-limited", detail)
    assert answer.headers["retry-after"] == "9"
    assert (await client.post("/v1/tickets", headers=bearer(other))).status_code == 200
    clock.now += 9
    statuses = [(await client.post("/v1/tickets", headers=bearer(text))).status_code for _ in range(2)]
    assert statuses == [200, 429]


async def test_guessing(client: httpx.AsyncClient, keys: Keys, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """After ten wrong secrets a minute a peer is told to wait, and only ten are logged; the right one is let in."""
    _, text = keys.create("website", ["intake"])
    guess = text[:-64] + "0" * 64
    statuses = [(await client.post("/v1/tickets", headers=bearer(guess))).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    answer = await client.post("/v1/tickets", headers=bearer(guess))
    detail = "There were too many requests with API keys that are worth nothing. Try again in 6 s."
    assert problem(answer) == (429, "rate-limited", detail)
    assert answer.headers["retry-after"] == "6"
    assert (await client.post("/v1/tickets", headers=bearer(text))).status_code == 200
    assert len(caplog.records) == 10
    clock.now += 6
    assert (await client.post("/v1/tickets", headers=bearer(guess))).status_code == 401


def test_others_without_keys() -> None:
    """Without keys, another computer is refused, however its request came to be heard."""
    with pytest.raises(Problem) as refused:
        _refuse_strangers("GET", {b"host": b"localhost"}, "192.0.2.7")
    assert (refused.value.status_code, refused.value.kind) == (403, "local-only")
    _refuse_strangers("GET", {b"host": b"localhost"}, "127.0.0.1")


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
async def test_proxy_without_keys(client: httpx.AsyncClient, name: str) -> None:
    """Without keys, what a proxy on this computer passes on for others is refused."""
    answer = await client.post("/v1/tickets", headers={name: "8.8.8.8"})
    assert problem(answer)[:2] == (403, "local-only")


async def test_unknown_keys_do_not_flood_the_log(
    client: httpx.AsyncClient, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys that there are not are counted together, so that ids made up one after the other come to an end."""
    keys.create("website", ["intake"])
    made_up = [bearer(f"dispatcher_{number:010d}_{'0' * 64}") for number in range(10)] + [bearer("x")]
    answers = [await client.post("/v1/tickets", headers=headers) for headers in made_up]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    detail = "There were too many requests with API keys that are worth nothing. Try again in 6 s."
    assert problem(answers[-1]) == (429, "rate-limited", detail)
    assert len(caplog.records) == 10


async def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Failures of ever new peers take no more memory than the last of them."""
    monkeypatch.setattr(access_module, "_MOST_COUNTED", 3)
    counts = access_module._Counts(clock)
    for name in "abcab":
        assert counts.take(name, 10) == 0
    assert counts.take("d", 10) == 0
    assert list(counts._full_at) == ["b", "c", "d"]


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    """Yield a body whose length is not announced."""
    for piece in pieces:
        yield piece


async def test_body_of_a_key(client: httpx.AsyncClient, keys: Keys) -> None:
    """A body beyond the key's limit is refused, whether or not its length is announced."""
    _, text = keys.create("website", ["intake"], max_body_bytes=10)
    headers = bearer(text)
    assert (await client.post("/v1/tickets", headers=headers, content=b"x" * 10)).json()["bytes"] == 10
    fitting = in_pieces(b"x" * 5, b"x" * 5)
    assert (await client.post("/v1/tickets", headers=headers, content=fitting)).json()["bytes"] == 10
    for body in (b"x" * 11, in_pieces(b"x" * 6, b"x" * 5)):
        answer = await client.post("/v1/tickets", headers=headers, content=body)
        detail = "The body is longer than the 10 bytes that this API key may send."
        assert (answer.status_code, answer.json()["detail"]) == (413, detail)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_open_addresses(client: httpx.AsyncClient, keys: Keys) -> None:
    """Probes and the description of the interface need no key and no certain name."""
    keys.create("website", ["intake"])
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert (await client.get(path, headers={"Host": "service.example"})).status_code == 200


async def test_other_protocols(keys: Keys) -> None:
    """A WebSocket reaches no route."""
    app = FastAPI()
    install(app, Access(keys))

    async def unreachable(*_: Any) -> Any:
        raise AssertionError

    app.add_api_websocket_route("/socket", unreachable)
    await app({"type": "websocket", "path": "/socket", "headers": []}, unreachable, unreachable)


# --- without keys


async def test_sender(client: httpx.AsyncClient, keys: Keys, clock: Clock) -> None:
    """What a key sends is told by the key's name, so that another key of that name stands for the same sender."""
    for _ in range(2):
        _, text = keys.create("website", ["intake"])
        clock.now += 10
        assert (await client.post("/v1/tickets", headers=bearer(text))).json()["sender"] == "website"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8420", "127.0.0.1:8420", "127.8.9.1", "[::1]:8420", "[::1]"])
async def test_this_computer(client: httpx.AsyncClient, host: str) -> None:
    """Without keys everything is open to whoever asks for this computer by one of its own names."""
    assert (await client.delete("/v1/tickets/x", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[fe80::1]:80", "", "[", "127.1"],
)
async def test_other_names(client: httpx.AsyncClient, host: str) -> None:
    """A name that somebody else may point to this computer is refused, reads included."""
    answer = await client.get("/v1/tickets", headers={"Host": host})
    assert problem(answer) == (
        403,
        "local-only",
        "Without API keys the service answers to this computer's own names only, such as `localhost` and "
        f"`127.0.0.1`; this request is for `{host}`. `dispatcher keys create NAME --scope intake` creates a key.",
    )


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 200),
        ("POST", {"Origin": "http://localhost:8420", "Sec-Fetch-Site": "same-origin"}, 200),
        ("POST", {"Sec-Fetch-Site": "none"}, 200),
        ("POST", {"Origin": "http://localhost:8420"}, 200),
        ("POST", {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Origin": "http://localhost:8421", "Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Origin": "http://localhost:8421"}, 403),
        ("POST", {"Origin": "https://evil.example"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("DELETE", {"Origin": "https://evil.example"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, 200),
    ],
)
async def test_pages_of_others(client: httpx.AsyncClient, method: str, headers: dict[str, str], status: int) -> None:
    """What a page of another origin makes a browser send changes nothing here; following a link is no harm."""
    answer = await client.request(method, "/v1/tickets", headers=headers)
    assert answer.status_code == status
    if status == HTTPStatus.FORBIDDEN:
        assert problem(answer)[1:] == (
            "cross-origin",
            "A web page of another origin sent this request. Without API keys that is refused; "
            "`dispatcher keys create NAME --scope intake` creates one.",
        )


async def test_the_first_key(client: httpx.AsyncClient, keys: Keys, clock: Clock) -> None:
    """The first key that is created while the service runs closes it 2 s later."""
    assert (await client.post("/v1/tickets")).status_code == 200
    keys.create("website", ["intake"])
    clock.now += 2
    assert (await client.post("/v1/tickets")).status_code == 401


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("192.0.2.1", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("help.example", "127.0.0.1"),
        ("::", "::1"),
        ("2001:db8::1", "::1"),
        ("127.0.0.2", "127.0.0.2"),
        ("::1", "::1"),
        ("localhost", "localhost"),
    ],
)
async def test_listening(host: str, alone: str) -> None:
    """Without keys only this computer can connect, whatever the settings say; with keys, who they say."""
    assert listening_host(host, keys=False) == alone
    assert listening_host(host, keys=True) == host
    assert is_loopback(alone)


async def test_greeting() -> None:
    """The start says who is served without keys and what to do, and that a setting is not heeded."""
    assert greeting("0.0.0.0", keys=True) == []
    assert greeting("127.0.0.1", keys=False) == [
        "Access: without API keys, for programs of this computer only; `dispatcher keys create NAME --scope intake` "
        "creates one."
    ]
    assert greeting("0.0.0.0", keys=False) == [
        "Warning: there are no API keys, so `host` = 0.0.0.0 is not heeded and only programs of this computer are "
        "served. Create a key with `dispatcher keys create NAME --scope intake`, then start again."
    ]


# --- in the whole service


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_where_the_service_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, revoked: bool) -> None:
    """The service listens on this computer only until the first key is created, whatever becomes of that key."""
    places: list[str] = []

    def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        places.append(sockets[0].getsockname()[0])
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    rules = tmp_path / "my.rules"
    rules.write_text("team = 'Printers'\n")
    settings = Settings(rules=rules, data=tmp_path, host=host, port=0)
    output = io.StringIO()
    assert run(settings, output) == 0
    database = Database(settings.database)
    key, _ = Keys(database).create("website", ["intake"])
    if revoked:
        Keys(database).revoke(key.id)
    database.close()
    assert run(settings, output) == 0
    assert places == ["127.0.0.1", host]
    said = [line for line in output.getvalue().splitlines() if "API key" in line]
    assert said == greeting(host, keys=False)


NEEDED = {
    ("POST", "/v1/rules/check"): Scope.TEST,
    ("POST", "/v1/rules/test"): Scope.TEST,
    ("POST", "/v1/rules/explain"): Scope.TEST,
    ("POST", "/v1/rules/run-tests"): Scope.TEST,
    ("GET", "/v1/rules/audit"): Scope.READ,
    ("GET", "/v1/rules/names"): Scope.READ,
    ("POST", "/v1/rules/backtest"): Scope.TEST,
    ("POST", "/v1/tickets/backtest"): Scope.READ,
    ("GET", "/v1/rules/versions"): Scope.READ,
    ("POST", "/v1/rules/versions"): Scope.PUBLISH,
    ("GET", "/v1/rules/versions/{revision}"): Scope.READ,
    ("GET", "/v1/rules/versions/{revision}/diff"): Scope.READ,
    ("POST", "/v1/rules/versions/{revision}/activate"): Scope.PUBLISH,
    ("POST", "/v1/tickets"): Scope.INTAKE,
    ("GET", "/v1/tickets"): Scope.READ,
    ("GET", "/v1/tickets/{ticket_id}"): Scope.READ,
    ("GET", "/v1/tickets/{ticket_id}/attempts"): Scope.READ,
    ("GET", "/v1/tickets/{ticket_id}/explanation"): Scope.READ,
    ("POST", "/v1/tickets/{ticket_id}/replay"): Scope.ADMIN,
    ("POST", "/v1/tickets/replay"): Scope.ADMIN,
    ("POST", "/v1/tickets/{ticket_id}/resolve"): Scope.ADMIN,
    ("POST", "/v1/tickets/{ticket_id}/cancel"): Scope.ADMIN,
    ("DELETE", "/v1/tickets/{ticket_id}"): Scope.ADMIN,
    ("GET", "/metrics"): Scope.READ,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("HEAD", "/healthz"): None,
    ("HEAD", "/readyz"): None,
}


def paths_of(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route, those of included routers too."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from paths_of(route.original_router.routes)
        else:
            yield from ((method, route.path) for method in route.methods)


async def test_every_route_names_its_scope(tmp_path: Path, keys: Keys) -> None:
    """A route is here with the scope that it is meant to need, in its description too, and asks for it."""
    app = application(tmp_path / "data", FakeHalo())
    described = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
    found = {(method, path) for method, path in paths_of(app.routes) if path not in described}
    assert {(method, path): needed_scope(method, path) for method, path in found} == NEEDED
    operations = {
        (method.upper(), path): operation.get("security")
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }
    assert operations == {
        route: scope and [{"bearer": [scope]}, {"header": [scope]}]
        for route, scope in NEEDED.items()
        if route[0] != "HEAD"
    }
    async with started(app) as client:
        app.state.keys.create("website", ["publish"])
        for (method, path), scope in NEEDED.items():
            assert (await client.request(method, path)).status_code == (401 if scope else 200)
