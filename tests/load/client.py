"""Connections that are kept busy: little enough work for each that the server is what is measured."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

from tests.programs import ProgramError

_ID = re.compile(rb'"id":"([0-9a-z]{26})"')


@dataclass(slots=True)
class Slice:
    """What came of keeping a server busy for a while; times in seconds, `cpu_seconds` those of the clients."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    accepted: list[str] = field(default_factory=list)


class Clients:
    """Connections to one server, kept alive for a slice: a server closes those that are idle for longer."""

    def __init__(self, port: int, connections: int, tickets: Sequence[dict[str, Any]]) -> None:
        self._port = port
        self._connections = connections
        self._bodies = [json.dumps(ticket).encode() for ticket in tickets]
        self._next = 0

    async def post_for(self, seconds: float) -> Slice:
        """Post tickets on all connections at once, on each one after the other."""
        done = Slice()
        streams = [await asyncio.open_connection("127.0.0.1", self._port) for _ in range(self._connections)]
        try:
            start, cpu_start = perf_counter(), process_time()
            await asyncio.gather(*(self._post(*stream, start + seconds, done) for stream in streams))
            done.seconds, done.cpu_seconds = perf_counter() - start, process_time() - cpu_start
        except asyncio.IncompleteReadError:
            raise ProgramError("a server ended a connection without an answer") from None
        finally:
            for _, writer in streams:
                writer.close()
        return done

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: float, done: Slice) -> None:
        while (start := perf_counter()) < end:
            body = self._bodies[self._next % len(self._bodies)]
            self._next += 1
            writer.write(
                b"POST /v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Idempotency-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
                % (secrets.token_hex(16).encode(), len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            answer = await reader.readexactly(int(length))
            done.latencies.append(perf_counter() - start)
            found = _ID.search(answer)
            if not head.startswith(b"HTTP/1.1 202 ") or found is None:
                raise ProgramError(f"a ticket got the answer {head[:30].decode()}... {answer[:300].decode()}")
            done.accepted.append(found[1].decode())
