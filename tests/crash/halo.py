"""The emulator as Halo of the test: its faults, and what it holds in the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Any

import httpx

# So long that the service has given up, and would have tried again, before the write that it asked for happens.
DELAY_SECONDS = 3.0
# The share of requests that each fault strikes.
RATES = {
    "delay": 0.04,
    "slow-body": 0.01,
    "invalid-json": 0.02,
    "cut-before": 0.02,
    "cut-after": 0.03,
    "500-before": 0.01,
    "500-after": 0.02,
    "502-after": 0.02,
    "503-after": 0.02,
    "504-after": 0.02,
    "429": 0.005,
    "token-expiry": 0.01,
}


class Halo:
    """Controls the emulator at an address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.slowest_seconds = 0.0
        self._absences = 0
        # A connection each: one that is kept may be closed by the server just when it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=f"{address}/emulator", timeout=30, limits=limits)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def fail(self, seed: int) -> None:
        """Let a share of all requests go wrong from now on."""
        plan = {"seed": seed, "rates": RATES, "delay_seconds": DELAY_SECONDS, "retry_after_seconds": 1}
        (await self._client.put("/faults", json=plan)).raise_for_status()

    async def recover(self) -> Counter[str]:
        """Let nothing go wrong any more; return how often each fault has struck."""
        happened = (await self._client.get("/faults")).raise_for_status().json()["happened"]
        (await self._client.delete("/faults")).raise_for_status()
        (await self._client.post("/down", json={"seconds": 0})).raise_for_status()
        return Counter(happened | {"absence": self._absences})

    async def go_away_now_and_then(self, chance: random.Random) -> None:
        """Be down for a moment, again and again, until cancelled."""
        while True:
            await asyncio.sleep(chance.uniform(3, 8))
            (await self._client.post("/down", json={"seconds": chance.uniform(0.3, 2)})).raise_for_status()
            self._absences += 1

    async def watch(self) -> None:
        """Keep the time of the slowest answer beside the faults, until cancelled."""
        while True:
            start = time.monotonic()
            (await self._client.get("/calls")).raise_for_status()
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - start)
            await asyncio.sleep(0.25)

    async def tickets(self) -> list[dict[str, Any]]:
        """Return all tickets with their notes."""
        tickets: list[dict[str, Any]] = (await self._client.get("/tickets")).raise_for_status().json()
        return tickets
