"""The reference: an endpoint that keeps what it gets in SQLite, and no more, by FastAPI and uvicorn.

It listens on a free port of this machine, and its first line tells which.
"""

from __future__ import annotations

import json
import secrets
import socket
import sqlite3
import sys
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()
# One connection, for one thread at a time: SQLite has one writer, and those who wait for it in here waste no time.
_lock = threading.Lock()


@app.post("/v1/tickets", status_code=202)
def post_ticket(ticket: dict[str, Any]) -> dict[str, str]:
    """Keep a ticket, and answer when it is on disk."""
    ticket_id = secrets.token_hex(13)
    connection: sqlite3.Connection = app.state.connection
    with _lock, connection:
        connection.execute("INSERT INTO ticket VALUES (?, ?)", (ticket_id, json.dumps(ticket)))
    return {"id": ticket_id}


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE ticket (id TEXT PRIMARY KEY, payload TEXT)")
    return connection


def main() -> None:
    """Serve until interrupted."""
    app.state.connection = _open(sys.argv[1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sys.stdout.write(f"Listening on http://127.0.0.1:{listener.getsockname()[1]} (reference)\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
