"""The reference of the service: FastAPI endpoints that read the same body and do nothing.

It listens on a free port of this machine, and its first line tells which.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/in-the-loop")
async def in_the_loop(body: dict[str, Any]) -> dict[str, str]:
    """Answer from the event loop."""
    return {}


@app.post("/in-a-thread")
def in_a_thread(body: dict[str, Any]) -> dict[str, str]:
    """Answer from a thread, as handlers that are no coroutines do."""
    return {}


def main() -> None:
    """Serve until interrupted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sys.stdout.write(f"Listening on http://127.0.0.1:{listener.getsockname()[1]} (empty)\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_config=None)).run(sockets=[listener])
