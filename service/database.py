"""Database: one SQLite file or one PostgreSQL database, its tables, and transactions on it.

The same statements run on both. Each module that keeps something adds its table to METADATA; what is missing is
created when the database is opened.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from dispatcher.errors import SettingsError
from service.lock import FileLock

Result = TypeVar("Result")

METADATA = sa.MetaData()
# Goes up with every change that a database of an earlier version does not have.
VERSION = 3
# Earlier ones that lack nothing but tables, which are created.
_EXTENSIBLE = (2,)
_VERSION = sa.Table("schema_version", METADATA, sa.Column("version", sa.Integer, nullable=False))
# One row that is written to see whether that works; a page long, so that it needs room on the disk.
_PROBE = sa.Table("write_probe", METADATA, sa.Column("filling", sa.Text, nullable=False))
# Of PostgreSQL's advisory locks; any number of ours that nobody else takes.
_CREATING = 0x64697370

# How long a writer waits for those before it, and for another program that writes: a sender waits twice that at most.
WRITE_SECONDS = 5.0

THREADS = 64
# How long an answer may take, when those who write wait for each other as well.
ANSWER_SECONDS = 30.0
# A PostgreSQL whose machine has vanished closes no connections: they are given up when nothing is heard of it.
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

_log = logging.getLogger(__name__)


class Database:
    """Connections for any thread."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self._lock: FileLock | None = None
        # SQLite has one writer at a time, and lets threads that wait for it sleep and try. This queue is quicker.
        self._writing = threading.Semaphore(1 if self.is_sqlite else 1_000)
        self._abandoned: list[sa.Pool] = []
        # More than anybody needs: one that waits for ever must not keep the others from working.
        self._threads = ThreadPoolExecutor(THREADS, "database")
        # Without parameters in error texts: those go to the log, and tickets do not.
        self.engine = sa.create_engine(
            self.url,
            pool_size=20,
            max_overflow=40,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={} if self.is_sqlite else _PATIENCE,
        )
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file of this machine, which one service at a time may use."""
        return self.url.get_backend_name() == "sqlite"

    def open(self, *, exclusive: bool = True) -> None:
        """Create what is missing; SettingsError if the database cannot be used.

        `exclusive`: for a service. On SQLite it keeps other services out; commands that only look or change a row
        work beside it.
        """
        if self.is_sqlite:
            self._prepare_folder(exclusive)
        try:
            with self.engine.begin() as connection:
                if not self.is_sqlite:
                    # Processes that start together would each see no table, and all but one fail to create it.
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATING)))
                found = self._version(connection)
                if found in (None, *_EXTENSIBLE, VERSION):
                    METADATA.create_all(connection)
                if found is None:
                    connection.execute(sa.insert(_VERSION).values(version=VERSION))
                elif found in _EXTENSIBLE:
                    connection.execute(sa.update(_VERSION).values(version=VERSION))
        except sa.exc.DBAPIError as error:
            self.close()
            raise SettingsError(f"cannot open the database {self}: {error.orig}") from None
        if found not in (None, *_EXTENSIBLE, VERSION):
            self.close()
            raise SettingsError(
                f"the database {self} was made by another version of dispatcher (its tables have version {found}, "
                f"this one needs {VERSION}); use that version, or another database"
            )

    @staticmethod
    def _version(connection: sa.Connection) -> int | None:
        """Return the version of the tables that are there, None if there are none."""
        there = set(sa.inspect(connection).get_table_names())
        if _VERSION.name in there:
            version: int | None = connection.execute(sa.select(sa.func.max(_VERSION.c.version))).scalar()
            return version
        # The first version did not tell.
        return 1 if there.intersection(METADATA.tables) else None

    def close(self) -> None:
        """Give the database back; it can be opened again."""
        threads, self._threads = self._threads, ThreadPoolExecutor(THREADS, "database")
        threads.shutdown(wait=False)
        self.engine.dispose()
        for pool in self._abandoned:
            pool.dispose()
        self._abandoned.clear()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction that commits when the block ends, and rolls back when it raises."""
        with self._turn(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=WRITE_SECONDS):
            raise sa.exc.OperationalError("BEGIN", {}, sqlite3.OperationalError("database is locked"))
        try:
            yield
        finally:
            self._writing.release()

    async def ask(self, call: Callable[..., Result], *arguments: Any, seconds: float = ANSWER_SECONDS) -> Result:
        """Return what a call gives that uses the database, made in a thread.

        Raises `sqlalchemy.exc.OperationalError` when it does not end in time: a machine that has vanished may leave
        connections on which nothing ever comes back. Then all are given up, and what follows gets new ones.
        """
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, partial(call, *arguments))
        except TimeoutError as error:
            if not self.is_sqlite:
                _log.warning("the database does not answer: its connections are given up")
                # Not closed, as they may still be waited on.
                self._abandoned.append(self.engine.pool)
                self.engine.dispose(close=False)
            raise sa.exc.OperationalError("", {}, error) from None

    def try_writing(self) -> None:
        """Write something that nobody reads; raise `sqlalchemy.exc.DBAPIError` if that cannot be done."""
        filling = secrets.token_hex(2048)
        with self.transaction() as connection:
            if connection.execute(sa.update(_PROBE).values(filling=filling)).rowcount == 0:
                connection.execute(sa.insert(_PROBE).values(filling=filling))

    def empty_log(self) -> bool:
        """Write SQLite's log into the file, and empty it; false if somebody reads, so that it must wait."""
        if not self.is_sqlite:
            return True
        with self.engine.connect() as connection:
            # Not waiting for readers: while it does, nobody writes.
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(WRITE_SECONDS * 1000)}")
        return not busy

    def server(self) -> str:
        """Return name and version of what keeps the data."""
        if self.is_sqlite:
            return f"SQLite {sqlite3.sqlite_version}"
        with self.engine.connect() as connection:
            return f"PostgreSQL {connection.execute(sa.text('SHOW server_version')).scalar()}"

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def _prepare_folder(self, exclusive: bool) -> None:
        path = Path(self.url.database or "")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Two services on one SQLite file would each run every delivery that the other one has begun.
            if exclusive and self._lock is None:
                self._lock = FileLock.take(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise SettingsError(f"cannot keep tickets in {path.parent}: {error.strerror}") from None
        if exclusive and self._lock is None:
            raise SettingsError(
                f"another service is using {path}; stop it, or give this one its own folder with `data`"
            )


def to_text(value: Any) -> str:
    """Return data as JSON in ASCII: neither database takes every text that a rule can build (lone surrogates, NUL)."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def milliseconds() -> int:
    """Return the time in milliseconds since 1970, which is how times are kept."""
    return int(time.time() * 1000)


def iso_time(moment: int) -> str:
    """Return a time as people and programs get it: ISO 8601 in UTC, of milliseconds since 1970."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Writers take the lock when they begin and wait for it, so none fails half-way with "database is locked".
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={int(WRITE_SECONDS * 1000)}")
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit is on the disk before it returns: the 202 that follows promises that.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # What is deleted is overwritten, not just forgotten.
    connection.execute("PRAGMA secure_delete=ON")
