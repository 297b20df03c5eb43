"""The emulator as a server of its own, on a real socket."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import TextIO

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dispatcher.errors import DispatcherError
from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from service.emulator.faults import FaultPlan
from service.emulator.journal import Journal
from service.emulator.tenant import CLIENT_ID, CLIENT_SECRET, demo_tenant
from service.emulator.traffic import CUT

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8421


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP, with an extension by which the application ends the connection without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let every request of this connection know how to end it."""
        super().connection_made(transport)
        app: ASGIApp = self.app

        async def cuttable(scope: Scope, receive: Receive, send: Send) -> None:
            extensions = {**scope.get("extensions", {}), CUT: transport.abort}
            await app({**scope, "extensions": extensions}, receive, send)

        self.app = cuttable


def run(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    behaviour: Behaviour | None = None,
    plan: FaultPlan | None = None,
    data: Path | None = None,
    output: TextIO | None = None,
) -> None:
    """Serve an emulator until interrupted; say on `output` how to reach it. `data` keeps its tickets."""
    output = output or sys.stdout
    behaviour = behaviour or Behaviour()
    with closing(Journal(data)) if data is not None else nullcontext() as journal, _listener(host, port) as listener:
        app = create_emulator(behaviour=behaviour, plan=plan, keeper=journal)
        output.write("".join(f"{line}\n" for line in _greeting(host, listener.getsockname()[1], behaviour)))
        output.flush()
        # Whoever is kept waiting by a fault does not keep the process from ending.
        config = uvicorn.Config(app, http=CuttableProtocol, log_level="info", timeout_graceful_shutdown=1)
        # Ctrl-C is how it usually ends.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    if port not in range(2**16):
        raise DispatcherError(f"{port} is no port; --port takes a number up to 65535")
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        place = f"{host}:{port}"
        raise DispatcherError(f"cannot listen on {place}: {error.strerror}; choose another --host or --port") from None
    # Connections take this over: without it the body of an answer waits until its head is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _greeting(host: str, port: int, behaviour: Behaviour) -> Iterator[str]:
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    limit = behaviour.rate_limit
    yield f"Halo emulator: {address} (open it to see the tickets)"
    yield f"resource_server = {address}/api, authorisation_server = {address}/auth"
    yield f"key = {demo_tenant().name}+{CLIENT_ID}:{CLIENT_SECRET} (dispatcher's default)"
    yield f"rate limit: {limit} requests in {behaviour.rate_window_seconds} s" if limit else "no rate limit"
