"""Alerts: a web hook hears of tickets that need a person, of outages of Halo, of rules that fail, and of names in rules
that Halo does not know.

What is to be told stands in the database until the hook has answered 2xx, so it survives restarts, and any process may
tell it: tickets by the mark `alert_at` of their row, the rest in the `alert` table. Whoever tells something first puts
it off (compare-and-set), for longer and longer while the hook does not answer. So each is told at least once, and
twice only when the hook's answer is lost.

Texts name ids, places in rules and Halo's status: what people wrote stays here. This is the only file beside Halo's
client that makes requests, and its address is a secret.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import httpx
import sqlalchemy as sa
from pydantic import SecretStr

from dispatcher.lang.diagnostics import Diagnostic
from service.database import METADATA, Database, milliseconds
from service.store import ATTEMPTS, TICKETS, State

OUTAGE_SECONDS = 60.0
# One fault of a rule is told once in this time.
FAULT_SECONDS = 3600.0
TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 3600.0
# Of one kind at a time; and of which the text names so many.
MOST, NAMED = 100, 10
# Rules that fail in the same hour, of which more are not told one by one.
MOST_FAULTS = 1000
# What rows of the table are called.
_HALO = "halo"
_NAME = "name "

ALERTS = sa.Table(
    "alert",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("event", sa.String(20), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("happened_at", sa.BigInteger, nullable=False),
    sa.Column("alert_at", sa.BigInteger),
)

_log = logging.getLogger(__name__)


class Event(StrEnum):
    """What a hook is told of."""

    DEAD_LETTER = "dead-letter"
    NEEDS_REVIEW = "needs-review"
    HALO_UNREACHABLE = "halo-unreachable"
    HALO_BACK = "halo-back"
    RULE_FAULT = "rule-fault"
    NAME_PROBLEM = "name-problem"
    NAME_WELL = "name-well"


_OF_TICKETS = {State.DEAD: Event.DEAD_LETTER, State.REVIEW: Event.NEEDS_REVIEW}
_HEADINGS = {
    Event.DEAD_LETTER: "could not be filed in Halo; `dispatcher tickets show ID` says why:",
    Event.NEEDS_REVIEW: "may be in Halo or not; look there, then `dispatcher tickets resolve ID`:",
}


@dataclass(frozen=True, slots=True)
class _Due:
    """Something to tell: a row of either table, by its key and the `alert_at` that this process gave it."""

    table: sa.Table
    key: str
    alert_at: int
    event: Event
    text: str

    @property
    def ticket(self) -> str | None:
        """The ticket's id, if it is about one."""
        return self.key if self.table is TICKETS else None


class Alerts:
    """Tells the hook at `url`, in one event loop.

    `outage` returns for how many seconds Halo has been away as far as this process knows, None: it is not;
    `answered_since` whether Halo has answered since a moment of the `clock`.
    """

    def __init__(
        self,
        database: Database,
        url: SecretStr,
        *,
        outage: Callable[[], float | None] = lambda: None,
        answered_since: Callable[[float], bool] = lambda _moment: False,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._url = url
        self._outage = outage
        self._answered_since = answered_since
        self._http = httpx.AsyncClient(transport=transport, timeout=TIMEOUT_SECONDS)
        self._clock = clock
        # From when on an answer of Halo means that an outage is over; None: none is known that could be.
        self._away_at: float | None = clock()
        self._told_outage = False
        self._faults: dict[tuple[str, str, int], float] = {}
        self._new_faults: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=MOST_FAULTS)
        self._new_names: Mapping[str, str] | None = None
        self._failures = 0
        self._not_before = 0.0

    def decided(self, decision: Mapping[str, Any]) -> None:
        """Take note of the rules that failed in a decision; from any thread, without waiting for anything."""
        if faults := decision["faults"]:
            self._new_faults.extend((decision["revision"], fault) for fault in faults)

    def names(self, problems: Sequence[Diagnostic]) -> None:
        """Take note of what a look at the names in the rules has found."""
        self._new_names = {
            f"{_NAME}{problem.message}": f"{problem.message} ({problem.filename}:{problem.line})"
            for problem in problems
            if problem.severity == "error"
        }

    async def look(self) -> None:
        """Take note of what has happened, and tell what is due."""
        await self._look_at_halo()
        await self._look_at_faults()
        if (names := self._new_names) is not None:
            await self._database.ask(self._note_names, names)
            if self._new_names is names:
                self._new_names = None
        if self._clock() >= self._not_before:
            await self._tell()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _look_at_halo(self) -> None:
        """Note an outage of a minute, and its end: once each, whichever processes see it."""
        seconds = self._outage()
        if seconds is not None:
            self._away_at = self._clock()
            if seconds >= OUTAGE_SECONDS and not self._told_outage:
                text = "Halo cannot be reached. Tickets are taken, and filed when it is back."
                await self._database.ask(self._note_halo, Event.HALO_UNREACHABLE, text)
                self._told_outage = True
        elif self._away_at is not None and self._answered_since(self._away_at):
            # Also of an outage that a process before this one has told of.
            await self._database.ask(self._note_halo, Event.HALO_BACK, "Halo is back; what waits is being filed.")
            self._away_at, self._told_outage = None, False

    async def _look_at_faults(self) -> None:
        """Note the rules that failed and did not within the last hour."""
        now = self._clock()
        while self._new_faults:
            revision, fault = self._new_faults.popleft()
            place = (revision, fault["file"], fault["line"])
            if now - self._faults.get(place, -FAULT_SECONDS) < FAULT_SECONDS:
                continue
            if len(self._faults) >= MOST_FAULTS:
                self._faults = {known: at for known, at in self._faults.items() if now - at < FAULT_SECONDS}
            if len(self._faults) < MOST_FAULTS:
                await self._database.ask(self._note_fault, revision, fault)
                self._faults[place] = now

    def _note_halo(self, event: Event, text: str) -> None:
        mine = ALERTS.c.name == _HALO
        changing = sa.update(ALERTS).where(mine, ALERTS.c.event != event).values(_news(event, text))
        with self._noting() as connection:
            known = connection.execute(changing).rowcount or connection.execute(sa.select(ALERTS).where(mine)).first()
            # The first that is ever told cannot be that it is back.
            if not known and event is Event.HALO_UNREACHABLE:
                connection.execute(sa.insert(ALERTS).values(name=_HALO, **_news(event, text)))

    def _note_fault(self, revision: str, fault: Mapping[str, Any]) -> None:
        name = f"fault {revision} {fault['file']}:{fault['line']}"
        kind = "ran out of its budget" if fault["kind"] == "limit" else f"failed with {fault['type']}"
        text = f"the rule at {fault['file']}:{fault['line']} {kind} (revision {revision[:8]})"
        told = (ALERTS.c.event == Event.RULE_FAULT) & ALERTS.c.alert_at.is_(None)
        hour_ago = milliseconds() - int(FAULT_SECONDS * 1000)
        with self._noting() as connection:
            connection.execute(sa.delete(ALERTS).where(told, ALERTS.c.happened_at <= hour_ago))
            if connection.execute(sa.select(ALERTS).where(ALERTS.c.name == name)).first() is None:
                connection.execute(sa.insert(ALERTS).values(name=name, **_news(Event.RULE_FAULT, text)))

    def _note_names(self, found: Mapping[str, str]) -> None:
        """Note each problem that is new, and each that was told and is over."""
        of_names = ALERTS.c.name.startswith(_NAME, autoescape=True)
        with self._noting() as connection:
            over = of_names & (ALERTS.c.event == Event.NAME_WELL) & ALERTS.c.alert_at.is_(None)
            connection.execute(sa.delete(ALERTS).where(over))
            known = {row.name: row for row in connection.execute(sa.select(ALERTS).where(of_names))}
            for name, text in found.items():
                if name not in known:
                    connection.execute(sa.insert(ALERTS).values(name=name, **_news(Event.NAME_PROBLEM, text)))
                elif known[name].event == Event.NAME_WELL:
                    again = _news(Event.NAME_PROBLEM, text)
                    connection.execute(sa.update(ALERTS).where(ALERTS.c.name == name).values(again))
            for name, row in known.items():
                mine = (ALERTS.c.name == name) & (ALERTS.c.event == Event.NAME_PROBLEM)
                if name in found or row.event != Event.NAME_PROBLEM:
                    continue
                # What nobody was told of is over without a word.
                connection.execute(sa.delete(ALERTS).where(mine, ALERTS.c.alert_at.is_not(None)))
                well = _news(Event.NAME_WELL, f"no longer so: {row.text}")
                connection.execute(sa.update(ALERTS).where(mine).values(well))

    @contextmanager
    def _noting(self) -> Iterator[sa.Connection]:
        try:
            with self._database.transaction() as connection:
                yield connection
        except sa.exc.IntegrityError:
            _log.debug("another process has just noted the same")

    async def _tell(self) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 20))
        due = await self._database.ask(self._take, pause + TIMEOUT_SECONDS * len(Event))
        heard = failed = False
        for event in Event:
            same = [one for one in due if one.event is event]
            if not same:
                continue
            if await self._post(event, same):
                heard = True
                await self._database.ask(self._told, same)
            else:
                failed = True
        # A hook that refuses one kind of news for good, and hears the others, is asked again less and less, too.
        self._failures = self._failures + 1 if failed else 0
        if failed:
            self._not_before = self._clock() + (FIRST_PAUSE_SECONDS if heard else pause)

    def _take(self, seconds: float) -> list[_Due]:
        """Return what is due, put off by so many seconds so that nobody else tells it meanwhile."""
        now = milliseconds()
        later = now + int(seconds * 1000)
        status = (
            sa.select(ATTEMPTS.c.status)
            .where(ATTEMPTS.c.ticket_id == TICKETS.c.id, ATTEMPTS.c.status.is_not(None))
            .order_by(ATTEMPTS.c.number.desc())
            .limit(1)
        )
        columns = (TICKETS.c.id, TICKETS.c.state, TICKETS.c.attempts, status.scalar_subquery().label("status"))
        tickets = (
            sa.select(*columns)
            .where(TICKETS.c.state.in_(_OF_TICKETS), TICKETS.c.alert_at <= now)
            .order_by(TICKETS.c.id)
        )
        others = sa.select(ALERTS).where(ALERTS.c.alert_at <= now).order_by(ALERTS.c.happened_at, ALERTS.c.name)
        due: list[_Due] = []
        with self._database.transaction() as connection:
            for table, query in ((TICKETS, tickets), (ALERTS, others)):
                rows = connection.execute(query.limit(MOST).with_for_update(skip_locked=True, of=table)).all()
                found = [_due(table, row, later) for row in rows]
                if found:
                    connection.execute(_of(found, table).values(alert_at=later))
                due += found
        return due

    def _told(self, told: list[_Due]) -> None:
        with self._database.transaction() as connection:
            for table in (TICKETS, ALERTS):
                # Unless it has happened again meanwhile.
                unchanged = table.c.alert_at == told[0].alert_at
                connection.execute(_of(told, table).where(unchanged).values(alert_at=None))

    async def _post(self, event: Event, told: list[_Due]) -> bool:
        """Tell the hook of things of one kind; true if it has heard."""
        tickets = [one.ticket for one in told if one.ticket]
        body = {
            "event": event,
            "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "ticket": tickets[0] if len(tickets) == 1 else None,
            "tickets": tickets,
            "text": _text(event, told),
        }
        try:
            # httpx limits each read on its own.
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._http.post(self._url.get_secret_value(), json=body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            # Without the error's text, which may name the address.
            _log.warning("the alert hook cannot be reached", extra={"event": event, "error": type(error).__name__})
            return False
        if not answer.is_success:
            _log.warning("the alert hook refuses", extra={"event": event, "status": answer.status_code})
        return answer.is_success


def _due(table: sa.Table, row: Any, alert_at: int) -> _Due:
    if table is ALERTS:
        return _Due(table, row.name, alert_at, Event(row.event), row.text)
    said = f"Halo answered {row.status}" if row.status else "no answer of Halo"
    attempts = f"{row.attempts} attempt{'' if row.attempts == 1 else 's'}"
    return _Due(table, row.id, alert_at, _OF_TICKETS[State(row.state)], f"{row.id} ({said}, {attempts})")


def _of(found: list[_Due], table: sa.Table) -> sa.Update:
    """Return an update of the rows of one table."""
    (key,) = table.primary_key.columns
    return sa.update(table).where(key.in_([one.key for one in found if one.table is table]))


def _news(event: Event, text: str) -> dict[str, Any]:
    now = milliseconds()
    return {"event": event, "text": text, "happened_at": now, "alert_at": now}


def _text(event: Event, told: list[_Due]) -> str:
    lines = [one.text for one in told[:NAMED]]
    if event in _HEADINGS:
        lines.insert(0, f"{len(told)} ticket{'' if len(told) == 1 else 's'} {_HEADINGS[event]}")
    if len(told) > NAMED:
        lines.append(f"and {len(told) - NAMED} more")
    lines[0] = f"dispatcher: {lines[0]}"
    return "\n".join(lines)
