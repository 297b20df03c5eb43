"""One run of the crash test, on one database: a time of crashes and faults, then peace until nothing is left to file."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.crash.halo import DELAY_SECONDS, Halo
from tests.crash.processes import Kills, crash_now_and_then, keep_running
from tests.crash.sender import Senders
from tests.crash.verdict import Verdict, judge
from tests.postgres import PostgresServer
from tests.programs import Program, ProgramError, free_ports

SENDERS = 8
TICKETS_PER_SECOND = 20.0
# How long senders may wait for the first 202 and, when nothing is killed any more, for the last; then how long it may
# take to file what is left.
SEND_SECONDS, SETTLE_SECONDS = 60.0, 240.0

# Short, so that a doubt is soon resolved, and apart, so that whatever Halo does late it does within the grace period.
ATTEMPT_SECONDS, GRACE_SECONDS = 1.0, 5.5
# By how much the emulator may lag behind before what it does late comes too late.
MOST_LAG_SECONDS = GRACE_SECONDS - ATTEMPT_SECONDS - DELAY_SECONDS
SETTINGS = {
    "HALO_TIMEOUT_SECONDS": "0.8",
    "HALO_CALLS_PER_5_MINUTES": "1000000",
    "DELIVERY_ATTEMPT_SECONDS": str(ATTEMPT_SECONDS),
    "DELIVERY_GRACE_SECONDS": str(GRACE_SECONDS),
    "DELIVERY_POLL_SECONDS": "0.05",
    "DELIVERY_LEASE_SECONDS": "1.5",
}
RULES = """
# Somebody must see to it
team = '1st Line Support'
if 'burns' in msg:
    priority = 'High'
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to, and in words what led to it."""

    kills: int
    verdict: Verdict
    details: tuple[str, ...]


async def run(kills: int, seconds: float, seed: int, folder: Path, server: PostgresServer | None) -> Report:
    """Run the crash test on a PostgreSQL server, or, without one, on SQLite; logs go to the folder.

    It ends after so many kills, or so many seconds after the first ticket.
    """
    halo_port, *ports = free_ports(3)
    emulator = Program("halo", ["dispatcher", "halo-emulator", "--port", str(halo_port), "--rate-limit", "0"], folder)
    halo = Halo(f"http://127.0.0.1:{halo_port}")
    programs = _service(folder, halo.address, ports, server)
    web = [f"http://127.0.0.1:{port}" for port in (ports if server else ports[:1])]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(halo.aclose)
        for program in (emulator, *programs):
            stack.push_async_callback(program.kill)
        await emulator.start()
        await emulator.port()
        course = _Course(Kills(kills), seed, halo, programs, Senders(web, seed, TICKETS_PER_SECOND), server)
        await course.run(seconds)
        exits = Counter([f"{program.name}: {await program.stop()}" for program in programs])
        # What Halo still had before it, when those who had asked were killed, is written by now.
        await asyncio.sleep(DELAY_SECONDS)
        verdict = judge(course.senders.accepted, await halo.tickets())
    return Report(course.kills.done, verdict, (*course.details(), f"stopped, with exit codes: {_counts(exits)}"))


@dataclass(slots=True)
class _Course:
    """The course of a run, and what there is to tell of it."""

    kills: Kills
    seed: int
    halo: Halo
    programs: Sequence[Program]
    senders: Senders
    server: PostgresServer | None
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    ended: list[str] = field(default_factory=list)
    crashes: int = 0
    crash_seconds: float = 0.0
    settle_seconds: float = 0.0

    async def run(self, seconds: float) -> None:
        start = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            endless = [
                tasks.create_task(keep_running(program, self.kills, self._chance(program.name), self.ended))
                for program in self.programs
            ]
            endless.append(tasks.create_task(self.halo.watch()))
            await self._crash(tasks, seconds)
            self.faults = await self.halo.recover()
            self.crash_seconds = time.monotonic() - start
            await self._settle()
            self.settle_seconds = time.monotonic() - start - self.crash_seconds
            for task in endless:
                task.cancel()

    async def _crash(self, tasks: asyncio.TaskGroup, seconds: float) -> None:
        await self.halo.fail(self.seed)
        absences = tasks.create_task(self.halo.go_away_now_and_then(self._chance("absences")))
        sending = tasks.create_task(self.senders.run(SENDERS))
        if self.server is not None:
            tasks.create_task(self._crash_database(self.server))
        await self._sent(lambda: bool(self.senders.accepted))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.kills.left:
                    await asyncio.sleep(0.05)
        self.kills.left = 0
        self.senders.finish()
        await self._sent(sending.done)
        absences.cancel()

    async def _sent(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                while not condition():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise ProgramError("the service takes no tickets; its logs say why") from None

    async def _crash_database(self, server: PostgresServer) -> None:
        self.crashes = await crash_now_and_then(server, self.kills, self._chance("postgresql"))

    async def _settle(self) -> None:
        """Wait until no ticket is on its way any more, and count in which states they are."""
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                async with asyncio.timeout(SETTLE_SECONDS):
                    for ticket_id in self.senders.accepted:
                        while (state := await self.senders.state(client, ticket_id)) in (None, "accepted"):
                            await asyncio.sleep(0.1)
                        self.states[state] += 1
            except TimeoutError:
                self.states["accepted, or not looked at"] = len(self.senders.accepted) - self.states.total()

    def details(self) -> tuple[str, ...]:
        return (
            f"crashes for {self.crash_seconds:.0f} s, then {self.settle_seconds:.0f} s until nothing was left to file",
            f"PostgreSQL killed: {self.crashes}; posts repeated by the senders: {self.senders.repeats}",
            f"faults of Halo: {_counts(self.faults)}",
            f"states in the end: {_counts(self.states)}",
            f"ended by themselves, with exit codes: {_counts(Counter(self.ended))}",
            f"slowest answer of the emulator: {self.halo.slowest_seconds:.2f} s beside the faults "
            f"(the promise holds up to {MOST_LAG_SECONDS:.1f} s)",
        )

    def _chance(self, name: str) -> random.Random:
        # One for each task, so that it does not depend on the order in which they come.
        return random.Random(f"{self.seed} {name}")


def _service(folder: Path, halo: str, ports: Sequence[int], server: PostgresServer | None) -> list[Program]:
    """Return the processes of the service: one on SQLite, two of each role on PostgreSQL."""
    rules = folder / "crash.rules"
    rules.write_text(RULES, encoding="utf-8")
    common = SETTINGS | {
        "RULES": str(rules),
        "DATA": str(folder / "data"),
        "HALO_RESOURCE_SERVER": f"{halo}/api",
        "HALO_AUTHORISATION_SERVER": f"{halo}/auth",
    }
    if server is None:
        return [Program("service", ["dispatcher", "serve"], folder, common | {"PORT": str(ports[0])})]
    common["DATABASE_URL"] = server.create_database("crash")
    own = {f"web-{number}": {"ROLE": "web", "PORT": str(port)} for number, port in enumerate(ports, 1)}
    own |= {f"worker-{number}": {"ROLE": "worker", "PORT": "0"} for number in (1, 2)}
    return [Program(name, ["dispatcher", "serve"], folder, common | settings) for name, settings in own.items()]


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) or "none"


def database_version(server: PostgresServer | None) -> str:
    """Return what keeps the tickets."""
    return f"SQLite {sqlite3.sqlite_version}" if server is None else f"PostgreSQL {server.version()}"
