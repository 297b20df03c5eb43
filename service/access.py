"""Access: which requests are let in.

With API keys, every address asks for one that has the scope it needs; those of `_OPEN` ask for nothing. Without any
key the service is for this computer alone: it listens there only, and what a web page elsewhere could make a browser
send is refused. Once keys were seen they are asked for, even when all are revoked.

This stands before all routes, so that a new one is closed until `_NEEDED` says who may use it. Keys are held in memory
for a few seconds, as the digests that the database has, and a request costs microseconds. Requests and failures are
counted in memory too, by each process for itself: with N web processes a key may send N times its limit.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import ipaddress
import logging
import math
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from service import problems
from service.keys import ApiKey, Keys, Scope, digest_of, id_of
from service.problems import Problem

# A revoked key is worth nothing after this time; a new one is found after `_RETRY_SECONDS`.
FRESH_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 0.2
# How long a request waits for the database to tell its keys.
LOOK_SECONDS: Final = 5.0
# Of one peer with one key. Enough for whoever mistypes; nobody gets far through 2**256 secrets.
FAILURES_PER_MINUTE: Final = 10
_MOST_COUNTED: Final = 10_000

# Probes of load balancers have no key. The interface's description holds nothing that is not public, and a browser
# cannot send a key with the address of a page.
_OPEN: Final = frozenset({"/healthz", "/readyz", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"})
_NEEDED: Final = {
    ("POST", "/v1/tickets"): Scope.INTAKE,
    ("POST", "/v1/rules/check"): Scope.TEST,
    ("POST", "/v1/rules/test"): Scope.TEST,
    ("POST", "/v1/rules/explain"): Scope.TEST,
    ("POST", "/v1/rules/run-tests"): Scope.TEST,
    ("GET", "/v1/rules/audit"): Scope.READ,
    ("POST", "/v1/rules/backtest"): Scope.TEST,
    # Examples in the answer tell of kept tickets.
    ("POST", "/v1/tickets/backtest"): Scope.READ,
    ("GET", "/v1/rules/versions"): Scope.READ,
    ("POST", "/v1/rules/versions"): Scope.PUBLISH,
    ("GET", "/v1/rules/names"): Scope.READ,
    ("GET", "/v1/tickets"): Scope.READ,
    ("GET", "/metrics"): Scope.READ,
}
_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
_READ_ONLY: Final = ("GET", "HEAD", "OPTIONS")

_SENDER: Final = "dispatcher.sender"
_CREATE = "`dispatcher keys create NAME --scope intake`"
_CHALLENGE = 'Bearer realm="dispatcher"'
# Compared with where there is no key, so that an unknown id takes as long as a wrong secret.
_NO_DIGEST = "0" * 64

_log = logging.getLogger(__name__)


def needed_scope(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs; None: it needs no key."""
    if path in _OPEN:
        return None
    method, path = "GET" if method == "HEAD" else method, path.rstrip("/")
    if method == "GET" and path.startswith(("/v1/tickets/", "/v1/rules/versions/")):
        return Scope.READ
    if method == "POST" and path.startswith("/v1/rules/versions/"):
        return Scope.PUBLISH
    return _NEEDED.get((method, path), Scope.ADMIN)


class Access:
    """Judges requests by the keys of a database."""

    def __init__(self, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._known: Mapping[str, ApiKey] = {}
        self._known_at = -math.inf
        self._required = False
        self._looking: asyncio.Task[None] | None = None
        self._requests = _Counts(clock)
        self._failures = _Counts(clock)

    async def admit(
        self, method: str, path: str, headers: Mapping[bytes, bytes], peer: str, needed: Scope
    ) -> ApiKey | None:
        """Return the key that a request carries, None while there are no keys; raise Problem if it may not go on."""
        await self._refresh(FRESH_SECONDS)
        if not self._required:
            _refuse_strangers(method, headers, peer)
            return None
        key = await self._authenticate(headers, peer)
        if key.requests_per_minute is not None and (wait := self._requests.take(key.id, key.requests_per_minute)):
            detail = f"The API key {key.id} may send {key.requests_per_minute} requests a minute."
            raise _too_many(detail, wait)
        if not key.allows(needed):
            raise Problem(
                403,
                f"{method} {path} needs an API key with the scope `{needed}`; the key {key.id} has "
                f"{', '.join(key.scopes)}.",
                kind="scope-missing",
                title="Scope missing",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'},
                scope=needed,
            )
        return key

    async def _authenticate(self, headers: Mapping[bytes, bytes], peer: str) -> ApiKey:
        text = _presented(headers)
        if text is None:
            detail = "Send an API key, as `Authorization: Bearer KEY` or as `X-API-Key: KEY`."
            raise Problem(
                401, detail, kind="key-missing", title="API key missing", headers={"WWW-Authenticate": _CHALLENGE}
            )
        key_id = id_of(text)
        if key_id is None:
            raise self._failed(peer, None, "malformed")
        if key_id not in self._known:
            # It may have been created a moment ago.
            await self._refresh(_RETRY_SECONDS)
        key = self._known.get(key_id)
        same = hmac.compare_digest(digest_of(text), key.digest if key else _NO_DIGEST)
        if key is None:
            raise self._failed(peer, key_id, "unknown id")
        if not same:
            raise self._failed(peer, key_id, "wrong secret", counted=key_id)
        if key.revoked_at is not None:
            raise self._failed(peer, key_id, "revoked", counted=key_id)
        return key

    def _failed(self, peer: str, key_id: str | None, reason: str, counted: str | None = None) -> Problem:
        """Return the answer to a key that opens nothing, which is counted and, up to the limit, logged."""
        if wait := self._failures.take((peer, counted), FAILURES_PER_MINUTE):
            return _too_many("There were too many requests with API keys that are worth nothing.", wait)
        _log.warning("authentication failed", extra={"key": key_id, "reason": reason})
        _log.debug("authentication failed", extra={"key": key_id, "peer": peer})
        return Problem(
            401,
            "This API key is revoked." if reason == "revoked" else "This API key is not known here.",
            kind="key-invalid",
            title="API key invalid",
            headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
        )

    async def _refresh(self, max_age: float) -> None:
        if self._clock() - self._known_at < max_age:
            return
        # One look for all who wait: while the database is away, requests do not queue up for one attempt each.
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        started = self._clock()
        keys = await self._keys.database.ask(self._keys.all, seconds=LOOK_SECONDS)
        self._known = {key.id: key for key in keys}
        self._known_at = started
        self._required = self._required or bool(keys)


class AccessMiddleware:
    """Asks `access` about every request before a route sees it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        answer: Response | None = None
        if connection["type"] == "http":
            try:
                receive = await self._admit(connection, receive)
            except Problem as problem:
                answer = await problems.on_http_exception(Request(connection), problem)
            except sa.exc.OperationalError as error:
                answer = await problems.on_database_away(Request(connection), error)
        elif connection["type"] != "lifespan":
            return  # there are no WebSockets
        await (answer or self._app)(connection, receive, send)

    async def _admit(self, connection: Connection, receive: Receive) -> Receive:
        """Return what reads the body of a request that may go on; raise Problem for others."""
        needed = needed_scope(connection["method"], connection["path"])
        if needed is None:
            return receive
        headers = dict(connection["headers"])
        peer = connection["client"][0] if connection.get("client") else ""
        key = await self._access.admit(connection["method"], connection["path"], headers, peer, needed)
        if key is None:
            return receive
        connection[_SENDER] = key.name
        if key.max_body_bytes is None:
            return receive
        return _limited(receive, headers, key.max_body_bytes)


def sender_of(connection: Connection) -> str:
    """Return the name of the API key that a request carries, '' without one; a new key of that name is the same."""
    sender: str = connection.get(_SENDER, "")
    return sender


def install(app: FastAPI, access: Access) -> None:
    """Put `access` before all routes of `app`, and say in its OpenAPI document which scope each needs."""
    app.add_middleware(AccessMiddleware, access=access)
    describe = app.openapi

    def describe_access() -> dict[str, Any]:
        document = describe()
        document.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if scope := needed_scope(method.upper(), path):
                    operation["security"] = [{"bearer": [scope]}, {"header": [scope]}]
        return document

    app.openapi = describe_access  # type: ignore[method-assign]


def listening_host(host: str, *, keys: bool) -> str:
    """Return where to listen: at `host`, or on this computer only while there are no keys."""
    if keys or is_loopback(host):
        return host
    return "::1" if ":" in host else "127.0.0.1"


def greeting(host: str, *, keys: bool) -> list[str]:
    """Return what the start says of access when the settings ask to listen at `host`."""
    if keys:
        return []
    if is_loopback(host):
        return [f"Access: without API keys, for programs of this computer only; {_CREATE} creates one."]
    return [
        f"Warning: there are no API keys, so `host` = {host} is not heeded and only programs of this computer are "
        f"served. Create a key with {_CREATE}, then start again."
    ]


@functools.lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether a name or address, with or without a port, means this computer and nothing else."""
    if host.startswith("["):
        name = host[1:].partition("]")[0]
    else:
        name = host if host.count(":") > 1 else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _refuse_strangers(method: str, headers: Mapping[bytes, bytes], peer: str) -> None:
    """Raise Problem for what others send, and for what a page elsewhere makes a browser of this computer send."""
    # A proxy on this computer sends others' requests from here. It says so, if it is set up to say anything.
    if (peer and not is_loopback(peer)) or any(name in headers for name in _FORWARDED):
        raise Problem(
            403,
            "Without API keys the service answers to programs of this computer only; this request was passed on for "
            f"another. {_CREATE} creates a key.",
            kind="local-only",
            title="For this computer only",
        )
    host = headers.get(b"host", b"").decode("latin-1")
    # A page can have its own name point to this computer, and then reads the answers; but the browser names it here.
    if not is_loopback(host):
        raise Problem(
            403,
            "Without API keys the service answers to this computer's own names only, such as `localhost` and "
            f"`127.0.0.1`; this request is for `{host}`. {_CREATE} creates a key.",
            kind="local-only",
            title="For this computer only",
        )
    if method in _READ_ONLY:
        return
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        foreign = site not in (b"same-origin", b"none")
    else:
        foreign = origin is not None and origin.decode("latin-1").partition("://")[2] != host
    if foreign:
        raise Problem(
            403,
            f"A web page of another origin sent this request. Without API keys that is refused; {_CREATE} creates one.",
            kind="cross-origin",
            title="Cross-origin request",
        )


def _presented(headers: Mapping[bytes, bytes]) -> str | None:
    scheme, _, text = headers.get(b"authorization", b"").partition(b" ")
    found = text.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key")
    return None if found is None else found.decode("latin-1")


def _too_many(detail: str, wait: float) -> Problem:
    seconds = math.ceil(wait)
    return Problem(
        429,
        f"{detail} Try again in {seconds} s.",
        kind="rate-limited",
        title="Too many requests",
        headers={"Retry-After": str(seconds)},
    )


def _limited(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> Receive:
    """Return `receive` for a body of at most `limit` bytes; Problem when it is longer, at once where it says so."""
    problem = Problem(413, f"The body is longer than the {limit} bytes that this API key may send.")
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        raise problem
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise problem
        return message

    return receive_limited


class _Counts:
    """A token bucket for each name: N at once, and one more every 60/N seconds.

    Of each bucket only the time is kept at which it will be full again.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}

    def wait(self, name: Hashable, per_minute: int) -> float:
        """Return the seconds until `name` has a token; 0: it has one."""
        now = self._clock()
        wait = max(self._full_at.get(name, now), now) + 60 / per_minute - now - 60
        # Sums of fractions of a minute may exceed it by rounding.
        return wait if wait > 1e-6 else 0.0

    def take(self, name: Hashable, per_minute: int) -> float:
        """Take a token if `name` has one; else return the seconds until then."""
        if wait := self.wait(name, per_minute):
            return wait
        if len(self._full_at) >= _MOST_COUNTED and name not in self._full_at:
            del self._full_at[next(iter(self._full_at))]
        now = self._clock()
        self._full_at[name] = max(self._full_at.get(name, now), now) + 60 / per_minute
        return 0.0
