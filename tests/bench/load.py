"""A client that keeps several connections of one server busy and counts the answers: little enough work for each that
the server is what is measured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from tests.bench.measure import NoFigureError

CONNECTIONS = 8


def requests_per_second(port: int, path: str, bodies: Sequence[dict[str, Any]], seconds: float) -> float:
    """Return how many POSTs of the bodies in turn a server on this machine answers in a second."""
    requests = [_request(path, body) for body in bodies]
    return asyncio.run(_rate(port, requests, seconds))


def _request(path: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _rate(port: int, requests: Sequence[bytes], seconds: float) -> float:
    start = perf_counter()
    end = start + seconds
    counts = await asyncio.gather(
        *(_connection(port, requests, number * len(requests) // CONNECTIONS, end) for number in range(CONNECTIONS))
    )
    return sum(counts) / (perf_counter() - start)


async def _connection(port: int, requests: Sequence[bytes], first: int, end: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    try:
        while answered == 0 or perf_counter() < end:
            writer.write(requests[(first + answered) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise NoFigureError(f"the server answers {head.partition(bytes((13,)))[0].decode()}")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            answered += 1
    finally:
        writer.close()
    return answered
