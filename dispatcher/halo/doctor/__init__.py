"""Tells whether tickets can be filed in one Halo with given settings, check by check.

Nothing is written unless a test ticket is asked for: the only POST goes to the token endpoint.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from dispatcher.halo.client import HaloClient
from dispatcher.halo.doctor.findings import CHECK_SECONDS, Check, Finding, Result, Verdict, findings, skipped
from dispatcher.halo.doctor.records import Records
from dispatcher.halo.doctor.servers import Servers
from dispatcher.halo.doctor.trial import Trial
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import HaloWriter

__all__ = ["Finding", "Verdict", "examine"]


async def examine(
    settings: HaloSettings,
    defaults: Mapping[str, Any],
    *,
    write_test_ticket: bool = False,
    transport: httpx.AsyncBaseTransport | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    limit_seconds: float = CHECK_SECONDS,
) -> AsyncIterator[Finding]:
    """Yield what each check finds, in the order in which an admin would mend things.

    `limit_seconds` is the longest that one check may take.
    """
    servers = Servers(settings, transport, now)
    client = HaloClient(settings, transport)
    writer = HaloWriter(settings, transport)
    trial = Trial(settings, defaults, client, writer)
    try:
        checks = [*servers.checks(), *Records(settings, defaults, client, writer).checks()]
        if write_test_ticket:
            checks += trial.checks()
        else:
            checks.append(Check("editing", _untried))
        async for finding in findings(checks, limit_seconds):
            yield finding
    finally:
        for each in (trial, servers, client, writer):
            await each.aclose()


async def _untried() -> Result:
    return skipped(
        "Whether tickets and notes may be written cannot be tried without writing.",
        "--write-test-ticket files a test ticket, and deletes it if it may.",
    )
