"""The course of the load test, and what it finds."""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

import service
from service.demo import SAMPLES
from tests.load.client import Clients
from tests.programs import Program, free_ports

CONNECTIONS = 8
# The service is kept busy for most of each round, and the reference for the rest.
ROUND_SECONDS, SERVICE_SHARE = 5.0, 0.8
# Of an MSP of some size; most of its clients' people write without the name of their company.
REQUESTERS = 2000


@dataclass(slots=True)
class Contender:
    """A server, and what came of keeping it busy; times in seconds, one figure a slice where there are several."""

    program: Program
    clients: Clients
    rates: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    client_cores: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    accepted: list[str] = field(default_factory=list)

    async def keep_busy(self, seconds: float) -> None:
        """Do one slice."""
        pid = self.program.process.pid
        before = cpu_seconds(pid)
        done = await self.clients.post_for(seconds)
        self.rates.append(len(done.accepted) / done.seconds)
        self.cores.append((cpu_seconds(pid) - before) / done.seconds)
        self.client_cores.append(done.cpu_seconds / done.seconds)
        self.memory.append(resident_bytes(pid))
        self.latencies.extend(done.latencies)
        self.accepted += done.accepted


@dataclass(frozen=True, slots=True)
class Result:
    """What the test found."""

    service: Contender
    reference: Contender
    missing: int
    missing_after_restart: int
    filed: int
    filed_twice: int
    calls: int

    @property
    def good(self) -> bool:
        """Whether nothing is lost, or filed twice."""
        return not (self.missing or self.missing_after_restart or self.filed_twice)


async def measure(seconds: float, rate_limit: int, folder: Path) -> Result:
    """Run the test for so many seconds, with a Halo that lets so many requests through in five minutes."""
    (halo_port,) = free_ports(1)
    halo = f"http://127.0.0.1:{halo_port}"
    emulator = ["dispatcher", "halo-emulator", "--port", str(halo_port), "--rate-limit", str(rate_limit)]
    programs = {
        "halo": Program("halo", emulator, folder),
        "reference": Program("reference", ["tests.load.reference", str(folder / "reference.db")], folder),
        "service": Program("service", ["dispatcher", "serve"], folder, _settings(folder, halo, rate_limit)),
    }
    database = folder / "data" / "dispatcher.db"
    async with AsyncExitStack() as stack:
        for program in programs.values():
            stack.push_async_callback(program.kill)
        await programs["halo"].start()
        await programs["halo"].port()
        busy, reference = [await _contender(programs[name]) for name in ("service", "reference")]
        lasting = min(ROUND_SECONDS, seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await busy.keep_busy(SERVICE_SHARE * lasting)
            await reference.keep_busy((1 - SERVICE_SHARE) * lasting)
        missing = _missing(database, busy.accepted)
        await busy.program.stop()
        await busy.program.start()
        await busy.program.port()
        missing_after = _missing(database, busy.accepted)
        async with httpx.AsyncClient(base_url=f"{halo}/emulator", timeout=60) as client:
            filed = Counter(ticket["third_party_id_string"] for ticket in (await client.get("/tickets")).json())
            calls: Mapping[str, int] = (await client.get("/calls")).json()
        return Result(
            busy,
            reference,
            missing,
            missing_after,
            len(filed),
            sum(1 for number in filed.values() if number > 1),
            sum(calls.values()),
        )


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is in use."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def percentiles(latencies: Sequence[float]) -> tuple[float, float]:
    """Return the median, and what all but a hundredth stay below."""
    hundredths = statistics.quantiles(latencies, n=100)
    return hundredths[49], hundredths[98]


async def _contender(program: Program) -> Contender:
    await program.start()
    return Contender(program, Clients(await program.port(), CONNECTIONS, _tickets()))


def _settings(folder: Path, halo: str, rate_limit: int) -> dict[str, str]:
    return {
        "RULES": str(Path(service.__file__).parent / "demo_rules"),
        "DATA": str(folder / "data"),
        "PORT": "0",
        "HALO_RESOURCE_SERVER": f"{halo}/api",
        "HALO_AUTHORISATION_SERVER": f"{halo}/auth",
        "HALO_CALLS_PER_5_MINUTES": str(rate_limit),
    }


def _tickets() -> list[dict[str, Any]]:
    """Return the demo's tickets, each by many requesters, and with and without the name of their company."""
    samples = [dict(sample.ticket) for sample in SAMPLES if not sample.refused]
    tickets = []
    for number in range(REQUESTERS):
        ticket = samples[number % len(samples)] | {"email": f"requester{number}@example.com"}
        if number % 4:
            ticket.pop("business_name", None)
        tickets.append(ticket)
    return tickets


def _missing(database: Path, accepted: Sequence[str]) -> int:
    """Return how many of the accepted tickets the database does not have."""
    connection = sqlite3.connect(database.as_uri() + "?mode=ro", uri=True)
    try:
        kept = {ticket_id for (ticket_id,) in connection.execute("SELECT id FROM ticket")}
    finally:
        connection.close()
    return len(set(accepted) - kept)
