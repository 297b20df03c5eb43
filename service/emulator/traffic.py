"""What happens to requests on their way to Halo: they are counted, limited in their rate, and struck by faults.

A request whose client has gone is worked off all the same: as with Halo, its write still happens.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.emulator.faults import Fault, canonical_path
from service.emulator.refusals import error_page, rate_limited
from service.emulator.state import Emulator

# The extension of ASGI by which `service.emulator.server` ends a connection without an answer.
CUT = "emulator.cut"
# Not Halo's, and so out of reach of faults and limits: the page, and everything below /emulator.
_OWN = re.compile(r"/(emulator(/|$)|$)")
_ID = re.compile(r"/([0-9]+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")
_PIECES = 8


class HaloPaths:
    """Makes paths case-insensitive, and the same with and without the `/api` prefix."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its canonical path."""
        if scope["type"] == "http":
            scope = {**scope, "path": canonical_path(scope["path"])}
        await self._app(scope, receive, send)


@dataclass(slots=True)
class _Answer:
    """An answer that was kept back: its first message, and its body."""

    start: Message = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")


class Traffic:
    """Stands before the application and works on every request that is Halo's."""

    def __init__(self, app: ASGIApp, emulator: Emulator, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._app = app
        self._emulator = emulator
        self._sleep = sleep
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work off the request, even if its client goes or whoever waits for it is cancelled."""
        if scope["type"] != "http" or _OWN.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        # Read at once: of a client that has gone, servers keep no body.
        body = await _body(receive)
        if body is None:
            return
        task = asyncio.create_task(self._pass_on(scope, _once(body, receive), send))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.shield(task)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        emulator, method, path = self._emulator, scope["method"], scope["path"]
        emulator.calls[f"{method} {_ID.sub('/{id}', path)}"] += 1
        if emulator.faults.down_seconds():
            await _cut(scope, receive)
            return
        # Halo counts requests to its API; the authorisation server is another application.
        wait = None if path.startswith("/auth/") else emulator.rate_limit.take()
        if wait is not None:
            said = None if emulator.behaviour.retry_after == "none" else wait
            await rate_limited(emulator.behaviour, said, emulator.clock()).answer(scope, receive, send)
            return
        has_token = any(name == b"authorization" for name, _ in scope["headers"])
        fault = emulator.faults.draw(method, path, has_token=has_token)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._strike(fault, scope, receive, send)

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        emulator = self._emulator
        if fault is Fault.DELAY:
            await self._sleep(emulator.faults.plan.delay_seconds)
            if emulator.faults.down_seconds():
                await _cut(scope, receive)
            else:
                await self._app(scope, receive, send)
        elif fault is Fault.TOKEN_EXPIRY:
            emulator.tokens.expire()
            await self._app(scope, receive, send)
        elif fault is Fault.RATE_LIMITED:
            wait = emulator.faults.plan.retry_after_seconds
            await rate_limited(emulator.behaviour, wait, emulator.clock()).answer(scope, receive, send)
        elif fault is Fault.SLOW_BODY:
            if not await self._trickle(await self._answer(scope, receive), send):
                await _cut(scope, receive)
        elif fault is Fault.INVALID_JSON:
            answer = await self._answer(scope, receive)
            answer.body = answer.body[: len(answer.body) // 2]
            await self._trickle(answer, send, pieces=1)
        else:
            if fault.after:
                await self._answer(scope, receive)
            if fault.status is None:
                await _cut(scope, receive)
            else:
                await error_page(fault.status).answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        """Let the work be done, and keep its answer back."""
        answer = _Answer()
        await self._app(scope, receive, answer.keep)
        return answer

    async def _trickle(self, answer: _Answer, send: Send, pieces: int = _PIECES) -> bool:
        """Answer in pieces, the slower the more there are; false when Halo went down in between."""
        headers = [(name, value) for name, value in answer.start["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({**answer.start, "headers": headers})
        size = -(-len(answer.body) // pieces) or 1
        for begin in range(0, len(answer.body), size):
            if pieces > 1:
                await self._sleep(self._emulator.faults.plan.delay_seconds / pieces)
                if self._emulator.faults.down_seconds():
                    return False
            await send(
                {"type": "http.response.body", "body": bytes(answer.body[begin : begin + size]), "more_body": True}
            )
        await send({"type": "http.response.body"})
        return True


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request; None when its client went before the end of it."""
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _once(body: bytes, receive: Receive) -> Receive:
    """Return how an application receives a body that was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": body}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _cut(scope: Scope, receive: Receive) -> None:
    """End the connection without an answer; where the server cannot do that, fail."""
    end = scope.get("extensions", {}).get(CUT)
    if end is None:
        raise ConnectionResetError("the emulator cuts the connection")
    end()
    # An application that returns before its server has noticed the end would be taken for a failed one.
    while (await receive())["type"] != "http.disconnect":
        pass
