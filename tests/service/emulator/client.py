"""A client of the emulator for its tests: real requests, no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from service.emulator.records import Tenant, with_name
from service.emulator.tenant import CLIENT_ID, CLIENT_SECRET, demo_tenant
from service.emulator.tickets import Keeper

TENANT = demo_tenant()
GRANT = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "scope": "all",
}


@dataclass
class Clock:
    """Tells the time that it is set to."""

    now: datetime = field(default=datetime(2026, 11, 21, 9, 30, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Let what waits find that the time is over, after whatever else can run."""
        await asyncio.sleep(0)
        self.advance(seconds)


def user_id(name: str) -> int:
    """Return the id of a seeded user."""
    user = with_name(TENANT.users, name)
    assert user is not None
    return user.id


def client_id(name: str) -> int:
    """Return the id of a seeded client."""
    client = with_name(TENANT.clients, name)
    assert client is not None
    return client.id


@asynccontextmanager
async def connected(
    *,
    behaviour: Behaviour | None = None,
    tenant: Tenant | None = None,
    clock: Clock | None = None,
    keeper: Keeper | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a fresh emulator, without a token; waiting moves its clock on."""
    clock = clock or Clock()
    app = create_emulator(tenant, behaviour, clock, sleep=clock.sleep, keeper=keeper)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://halo.test") as client:
        yield client


@asynccontextmanager
async def signed_in(
    *,
    behaviour: Behaviour | None = None,
    tenant: Tenant | None = None,
    clock: Clock | None = None,
    scope: str = "all",
    keeper: Keeper | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a fresh emulator that sends a token with every request."""
    async with connected(behaviour=behaviour, tenant=tenant, clock=clock, keeper=keeper) as client:
        answer = await client.post("/auth/token", params={"tenant": "demo"}, data=GRANT | {"scope": scope})
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Create a ticket and return Halo's answer."""
    answer = await client.post("/api/Tickets", json=[{"summary": "Printer", **fields}])
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def fetch(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Return the rows of a list, with or without envelope."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    rows: list[dict[str, Any]] = body if isinstance(body, list) else list(body.values())[-1]
    return rows


async def problem(client: httpx.AsyncClient, path: str, body: Any) -> str:
    """Post what must be refused by Halo's own code, and return the message of its exception."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 400, answer.text
    exception = answer.json()
    message = exception.pop("Message")
    assert exception == {
        "ClassName": "System.Exception",
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": -2146233088,
    }
    assert isinstance(message, str)
    return message
