"""Puts the emulator together: Halo's paths, and the emulator's own beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import FastAPI

from service.emulator.behaviour import Behaviour
from service.emulator.control import control
from service.emulator.faults import FaultPlan, Faults
from service.emulator.oauth import Tokens
from service.emulator.rate_limit import RateLimit
from service.emulator.records import Tenant
from service.emulator.refusals import RefusalError, refuse
from service.emulator.routes import lists, open_to_all, tickets
from service.emulator.state import Emulator
from service.emulator.tenant import demo_tenant
from service.emulator.tickets import Keeper, TicketBook
from service.emulator.traffic import HaloPaths, Traffic


def create_emulator(
    tenant: Tenant | None = None,
    behaviour: Behaviour | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    plan: FaultPlan | None = None,
    keeper: Keeper | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> FastAPI:
    """Return the emulator as an ASGI application with the tickets of its keeper, if it has one.

    `clock` gives the time in UTC, and `sleep` waits where a fault says so. Under any server but that of
    `service.emulator.server` a fault that cuts the connection raises ConnectionResetError instead.
    """
    tenant = tenant or demo_tenant()
    behaviour = behaviour or Behaviour()
    emulator = Emulator(
        tenant,
        behaviour,
        clock,
        Tokens(tenant, behaviour, clock),
        TicketBook(tenant, behaviour, clock, keeper),
        Faults(clock, plan or FaultPlan()),
        RateLimit(behaviour, clock),
    )
    app = FastAPI(title="Halo emulator", openapi_url=None)
    app.state.emulator = emulator
    # The one added last comes first.
    app.add_middleware(Traffic, emulator=emulator, sleep=sleep)
    app.add_middleware(HaloPaths)
    app.add_exception_handler(RefusalError, refuse)
    for router in (control, open_to_all, tickets, lists):
        app.include_router(router)
    return app
