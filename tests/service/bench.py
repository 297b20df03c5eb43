"""The whole service in a test: the real application on a database of its own, with a Halo in memory."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import uvicorn
from fastapi import FastAPI

from dispatcher import RuleSet
from service.app import create_app
from service.settings import DeliverySection, Settings
from tests.service.fakes import FakeHalo, wait_until

RULES = """\
# VIP
if name == 'Dan Jump':
    priority = 0
# Contract ended
if business_name == 'Fabrikam, Inc.':
    exception = 'Please call us.'
"""
DELIVERY = DeliverySection(attempt_seconds=0.7, grace_seconds=0.8, poll_seconds=0.02, drain_seconds=1.0)


def application(data: Path, halo: FakeHalo, *, rules: str = RULES, **settings: Any) -> FastAPI:
    """Return the service over the folder `data`, not started."""
    ruleset = RuleSet.from_text(rules, defaults=settings.get("defaults"))
    values: dict[str, Any] = {"data": data, "delivery": DELIVERY, "timezone": "Europe/Berlin"}
    return create_app(Settings(**values | settings), ruleset=ruleset, halo_factory=halo.writer)


@contextlib.asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, which runs until the block ends."""
    # As a server does it: a bug is answered, not raised into the client.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


async def wait_for_state(client: httpx.AsyncClient, ticket_id: str, state: str) -> dict[str, Any]:
    """Return the ticket once it has the state."""
    with anyio.fail_after(10):
        while True:
            ticket: dict[str, Any] = (await client.get(f"/v1/tickets/{ticket_id}")).json()
            if ticket["state"] == state:
                return ticket
            await anyio.sleep(0.02)


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of an application that is served over real HTTP on this machine until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=3))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
