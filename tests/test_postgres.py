"""The PostgreSQL that tests run on."""

from __future__ import annotations

import psycopg
import pytest

from tests.postgres import PostgresServer


def test_a_database(postgresql: str, postgres: PostgresServer) -> None:
    """A database is empty at first, and what is committed outlives a kill of the server."""
    with psycopg.connect(postgresql) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall() == [(0,)]
        connection.execute("CREATE TABLE kept (number integer)")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.commit()
        postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    postgres.start()
    with psycopg.connect(postgresql) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]
