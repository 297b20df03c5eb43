"""Processes that are killed at random moments and started again."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass

from tests.postgres import PostgresServer
from tests.programs import Program

# A share of the kills comes early: after a time from the start, so often before anything works.
EARLY_SHARE = 0.2
EARLY_SECONDS = 1.2
LONGEST_LIFE_SECONDS = 2.0
# By how much the service comes behind the emulator on a busy machine: that one must keep up for the promise to hold.
NICENESS = 3


@dataclass(slots=True)
class Kills:
    """How many kills are done, and how many are left for whichever process is the next."""

    left: int
    done: int = 0

    def take(self) -> bool:
        """Count one more; false when there have been enough."""
        if self.left == 0:
            return False
        self.left -= 1
        self.done += 1
        return True


async def keep_running(program: Program, kills: Kills, chance: random.Random, exits: list[str]) -> None:
    """Start a program again whenever it ends, and kill it at random moments until there have been enough kills.

    `exits` gets the exit codes of those that end by themselves.
    """
    while True:
        await program.start()
        os.setpriority(os.PRIO_PROCESS, program.process.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
        early = chance.random() < EARLY_SHARE
        lifetime = chance.uniform(0, EARLY_SECONDS if early else LONGEST_LIFE_SECONDS)
        if not early:
            await program.first_line()
        ended = await _ends_within(program, lifetime)
        if not ended and kills.take():
            await program.kill()
        else:
            exits.append(f"{program.name}: {await program.process.wait()}")
        await asyncio.sleep(chance.uniform(0, 0.3))


async def crash_now_and_then(server: PostgresServer, kills: Kills, chance: random.Random) -> int:
    """Kill PostgreSQL now and then among the other kills, and start it again; return how often."""
    crashes = 0
    while kills.left:
        after = kills.done + chance.randint(2, 8)
        while kills.left and kills.done < after:
            await asyncio.sleep(chance.uniform(0, 0.2))
        if kills.take():
            crashes += 1
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(chance.uniform(0, 1))
            await asyncio.to_thread(server.start)
    return crashes


async def _ends_within(program: Program, seconds: float) -> bool:
    try:
        await asyncio.wait_for(program.process.wait(), seconds)
    except TimeoutError:
        return False
    return True
