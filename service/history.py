"""The kept tickets as a history: envelopes, one a line, the oldest first, also while a service runs.

Each is put together of texts as the database has them, since those who read it work on several cores. Its time and its
look-ups are those of its decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dispatcher.errors import DispatcherError, SettingsError
from dispatcher.history import SERVICE, History, Line
from service.database import Database
from service.intake import first_id
from service.settings import load_settings
from service.store import TICKETS

# What is read at a time, in tickets and in bytes: long enough to be quick, and no transaction lasts.
PAGE = 500
PAGE_BYTES = 8_000_000
FETCHED = 50
_ID = TICKETS.c.id


@contextmanager
def reading(config: Path | None) -> Iterator[Database]:
    """The database of the settings, also beside a service; raise SettingsError where there is none."""
    database = Database(load_settings(config).database)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise SettingsError(
            f"there is no database {database.url.database}; go to the folder of the service's settings, name them with "
            "--config, or name a file of past tickets with --history"
        )
    database.open(exclusive=False)
    try:
        yield database
    except sa.exc.DBAPIError as error:
        raise DispatcherError(f"the database {database} cannot be used: {error.orig}") from None
    finally:
        database.close()


def kept_history(
    database: Database, *, since: datetime | None = None, until: datetime | None = None, newest: int | None = None
) -> History:
    """Return the tickets that came in from `since` and before `until`, to the millisecond.

    `newest`: so many of those whose content is kept, and what lies between. Tickets that come in later are left out.
    """
    wanted = []
    if since is not None:
        wanted.append(first_id(_milliseconds(since)) <= _ID)
    if until is not None:
        # A ticket of the same millisecond may be earlier.
        wanted.append(first_id(_milliseconds(until) + 1) > _ID)
    more = False
    with database.engine.connect() as connection:
        last = connection.execute(sa.select(sa.func.max(_ID)).where(*wanted)).scalar()
        if last is None:
            return History((), 0, "tickets")
        # A service goes on meanwhile.
        wanted.append(last >= _ID)
        if newest is not None:
            whole = sa.select(_ID).where(*wanted, TICKETS.c.payload.is_not(None)).order_by(_ID.desc())
            first = connection.execute(whole.offset(newest - 1).limit(2)).scalars().all()
            more = len(first) > 1
            wanted += [first[0] <= _ID] if first else []
        total = connection.execute(sa.select(sa.func.count()).select_from(TICKETS).where(*wanted)).scalar_one()
    return History(_lines(database, wanted), total, "tickets", more)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _lines(database: Database, wanted: list[Any]) -> Iterator[Line]:
    # Of a ticket that is not in Halo, nobody knows what Halo would not take.
    errors = sa.case((TICKETS.c.halo_ticket_id.is_not(None), TICKETS.c.submission_errors), else_="null")
    columns = (_ID, TICKETS.c.created_at, TICKETS.c.payload, TICKETS.c.decision, errors.label("submission_errors"))
    query = sa.select(*columns).where(*wanted).order_by(_ID).limit(PAGE)
    number = 0
    below = ""
    while True:
        page: list[tuple[str, bytes]] = []
        size = 0
        with (
            database.engine.connect().execution_options(yield_per=FETCHED) as connection,
            connection.execute(query.where(below < _ID)) as rows,
        ):
            for row in rows:
                page.append((row.id, _envelope(row)))
                size += len(page[-1][1])
                if size >= PAGE_BYTES:
                    break
        if not page:
            return
        for _, envelope in page:
            number += 1
            yield SERVICE, number, envelope
        below, _ = page[-1]


def _envelope(row: Any) -> bytes:
    if row.decision is None:
        moment = datetime.fromtimestamp(row.created_at / 1000, UTC).isoformat(timespec="milliseconds")
        decision = f'null,"received_at":"{moment}"'
    else:
        decision = row.decision
    ticket, errors = row.payload or "null", row.submission_errors
    # All of it is JSON in ASCII.
    return f'{{"id":"{row.id}","ticket":{ticket},"decision":{decision},"submission_errors":{errors}}}'.encode("ascii")
