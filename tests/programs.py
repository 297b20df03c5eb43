"""Programs of this repository as processes of their own, started as a user starts them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS, STOP_SECONDS = 30.0, 30.0


class ProgramError(Exception):
    """A program does not do what it must; the message says which and what."""


class Program:
    """A module with arguments, run in a folder, where what it says is kept: `NAME.out` and, its errors, `NAME.log`.

    Settings come from `settings` alone (`PORT` is DISPATCHER_PORT), and not from what is set where the tests run.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._output, self._log = folder / f"{name}.out", folder / f"{name}.log"
        self._output_begin = 0
        self._command = (sys.executable, "-m", *command)
        self._folder = folder
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("DISPATCHER_")}
        given = {f"DISPATCHER_{key}": value for key, value in (settings or {}).items()}
        self._environment = {**inherited, **given, "PYTHONPATH": str(ROOT)}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process that was started last."""
        if self._process is None:
            raise ProgramError(f"{self.name} was not started")
        return self._process

    async def start(self) -> None:
        """Start it."""
        # Into files and not pipes: a program that fills a pipe which nobody reads stands still.
        with self._output.open("ab") as output, self._log.open("ab") as log:
            self._output_begin = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=log,
            )

    async def first_line(self) -> str:
        """Return the first line that it writes; empty if it ends without one."""
        while True:
            ended = self.process.returncode is not None
            with self._output.open("rb") as output:
                output.seek(self._output_begin)
                line = output.readline()
            if ended or line.endswith(b"\n"):
                return line.decode(errors="replace")
            await asyncio.sleep(0.02)

    async def port(self) -> int:
        """Return the port that its first line names, when it takes connections there."""
        found = re.search(r"http://127\.0\.0\.1:(\d+)", await self.first_line())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while found and self.process.returncode is None:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
                    except OSError:
                        await asyncio.sleep(0.02)
                    else:
                        writer.close()
                        return int(found[1])
        raise ProgramError(f"{self.name} does not start; its log is {self._log}")

    async def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            raise ProgramError(f"{self.name} does not stop within {STOP_SECONDS:g} s") from None


def free_ports(number: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
