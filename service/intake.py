"""Intake: a ticket is decided once, and is on disk with its decision before the sender hears of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher import RuleSet
from dispatcher.errors import DispatcherError
from service.deciding import ActiveRules, DecidingRules
from service.retention import NO_LONGER_KEPT
from service.store import USUAL_RANK, Arrival, State, Store

# Without i, l, o and u: ids are read aloud and typed.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_PATTERN = f"[{_ALPHABET}]{{26}}"

# How long a sender waits for the database at most, twice that if another batch is before its own.
WRITE_SECONDS = 15.0

_log = logging.getLogger(__name__)


class KeyReusedError(DispatcherError):
    """An idempotency key that was sent before, with another ticket."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A ticket that is kept, with its decision (None: no longer kept)."""

    id: str
    decision: dict[str, Any] | None


class Intake:
    """Takes tickets, in one event loop.

    `rank_of` tells where in the queue a priority stands, None: as usual. `decided` is told of each decision that is
    kept, and how many seconds it took.
    """

    def __init__(
        self,
        rules: ActiveRules,
        store: Store,
        zone: ZoneInfo,
        rank_of: Callable[[Any], int | None] = lambda _value: None,
        decided: Callable[[Mapping[str, Any], float], None] = lambda _decision, _seconds: None,
    ) -> None:
        self._rules = rules
        self._arrivals = _Arrivals(store)
        self._store = store
        self._zone = zone
        self._rank_of = rank_of
        self._decided = decided

    async def take(
        self,
        ticket: Mapping[str, Any],
        idempotency_key: str | None = None,
        looked_up: Mapping[str, str] | None = None,
        size: int = 0,
        sender: str = "",
        rules: DecidingRules | None = None,
    ) -> Taken:
        """Decide and keep a ticket, which came in a body of `size` bytes; it is filed unless a rule refuses it.

        `rules` are those for which something was looked up; by default those in force.
        `looked_up` holds variables that Halo knows and the sender left out; the decision keeps what it used. A key
        that was used for the same ticket gives the ticket as it was kept then, with the decision of that time;
        KeyReusedError if that was another one. Without a key, the ticket's id is its key. Keys are unique within the
        tickets of one sender.
        """
        now = datetime.now(self._zone)
        began = time.perf_counter()
        rules = rules or self._rules.current
        decision = await rules.decide(_decide, {**ticket, **(looked_up or {})}, now, size)
        seconds = time.perf_counter() - began
        decision["looked_up"] = dict(looked_up or {})
        priority = decision["action_variables"].get("priority")
        ticket_id = new_id(now)
        arrival = Arrival(
            ticket_id=ticket_id,
            state=State.ACCEPTED if decision["refused"] is None else State.REFUSED,
            idempotency_key=idempotency_key or ticket_id,
            body_hash=digest(ticket),
            payload=ticket,
            decision=decision,
            rank=self._rank(priority),
            priority=priority if isinstance(priority, str) else None,
            requester=_requester(ticket),
            sender=sender,
        )
        if not await self._arrivals.keep(arrival):
            return await self._store.database.ask(self._kept_before, arrival)
        self._decided(decision, seconds)
        facts = {"ticket": arrival.ticket_id, "revision": decision["revision"], "faults": len(decision["faults"])}
        _log.info("ticket %s", arrival.state, extra=facts | {"decision_ms": round(seconds * 1000, 2)})
        return Taken(arrival.ticket_id, decision)

    @property
    def failing(self) -> bool:
        """Whether the last ticket could not be kept."""
        return self._arrivals.failing

    def _rank(self, priority: Any) -> int | None:
        rank = self._rank_of(priority)
        # Any number can be a priority, and few are one in Halo.
        return rank if rank is not None and 0 <= rank <= USUAL_RANK else None

    def _kept_before(self, arrival: Arrival) -> Taken:
        kept = self._store.with_key(arrival.idempotency_key, arrival.sender)
        if kept is None or kept.body_hash != arrival.body_hash:
            raise KeyReusedError(
                "This Idempotency-Key was used before, for another ticket. Every ticket needs its own."
            )
        decision = kept.decision
        if decision is None and kept.state is State.REFUSED:
            # For as long as there is the ticket, its sender gets a refusal.
            decision = {"refused": NO_LONGER_KEPT}
        return Taken(kept.id, decision)


class _Arrivals:
    """Writes tickets as they come in, those that come while the database is busy together.

    What takes time is that the disk confirms a transaction, however many rows it has.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Arrival, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.failing = False

    async def keep(self, arrival: Arrival) -> bool:
        """Return when the ticket is on disk, False if its idempotency key is taken; raise what kept it from there."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                # What a database has kept that did not say so in time is found by its key.
                results = await self._store.database.ask(
                    self._store.insert, [arrival for arrival, _ in batch], seconds=WRITE_SECONDS
                )
            except Exception as error:  # noqa: BLE001 - raised where it belongs
                self.failing = True
                for _, kept in batch:
                    _settle(kept, error)
            else:
                self.failing = False
                for (_, kept), result in zip(batch, results, strict=True):
                    _settle(kept, result)
        self._writing = None


def _settle(kept: asyncio.Future[bool], result: bool | Exception) -> None:
    # A sender that has gone waits no more; its ticket is kept all the same.
    if kept.done():
        return
    if isinstance(result, Exception):
        kept.set_exception(result)
    else:
        kept.set_result(result)


def _decide(ruleset: RuleSet, ticket: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return ruleset.decide(ticket, now=now).to_dict()


def new_id(now: datetime) -> str:
    """Return a fresh id that sorts by time and cannot be guessed: 48 bits of time, 80 bits of chance."""
    return _spelled(int(now.timestamp() * 1000) << 80 | secrets.randbits(80))


def first_id(milliseconds: int) -> str:
    """Return the lowest id of a ticket that comes in so many milliseconds after 1970 began."""
    return _spelled(max(milliseconds, 0) << 80)


def _spelled(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def digest(ticket: Mapping[str, Any]) -> str:
    """Return what tells one body from another, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(ticket, sort_keys=True).encode("ascii")).hexdigest()


def _requester(ticket: Mapping[str, Any]) -> str | None:
    """Return whose ticket it is, as a digest: it outlives what is kept of the ticket."""
    email = ticket.get("email")
    folded = email.strip().casefold() if isinstance(email, str) else ""
    return hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()[:32] if folded else None
