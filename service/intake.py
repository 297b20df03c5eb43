"""Intake: a ticket is decided once, and is on disk with its decision before the sender hears of it."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from dispatcher import RuleSet
from dispatcher.errors import DispatcherError
from service.store import State, Store, StoredTicket

# Without i, l, o and u: ids are read aloud and typed.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_PATTERN = f"[{_ALPHABET}]{{26}}"

_log = logging.getLogger(__name__)


class Deliveries(Protocol):
    """What intake asks of the engine."""

    def accept(self, connection: sa.Connection, ticket_id: str) -> None: ...


class KeyReusedError(DispatcherError):
    """An idempotency key that was sent before, with another ticket."""


class Intake:
    """Takes tickets, from any thread."""

    def __init__(self, ruleset: RuleSet, store: Store, deliveries: Deliveries, zone: ZoneInfo) -> None:
        self._ruleset = ruleset
        self._store = store
        self._deliveries = deliveries
        self._zone = zone

    def take(self, ticket: Mapping[str, Any], idempotency_key: str | None = None) -> StoredTicket:
        """Decide and keep a ticket, and order its delivery unless a rule refuses it.

        A key that was used for the same ticket gives the ticket as it was kept then: nothing is decided
        again.
        """
        body_hash = _digest(ticket)
        if idempotency_key is not None and (kept := self._store.with_key(idempotency_key)):
            return _same(kept, body_hash)
        now = datetime.now(self._zone)
        decision = self._ruleset.decide(ticket, now=now).to_dict()
        ticket_id = new_id(now)
        state = State.ACCEPTED if decision["refused"] is None else State.REFUSED
        try:
            with self._store.transaction() as connection:
                kept = self._store.insert(
                    connection,
                    ticket_id=ticket_id,
                    state=state,
                    idempotency_key=idempotency_key,
                    body_hash=body_hash,
                    payload=ticket,
                    decision=decision,
                )
                if state is State.ACCEPTED:
                    self._deliveries.accept(connection, ticket_id)
        except sa.exc.IntegrityError:
            # The same key came in twice at once, and the other request was faster.
            first = self._store.with_key(idempotency_key) if idempotency_key is not None else None
            if first is None:
                raise
            return _same(first, body_hash)
        facts = {"ticket": kept.id, "revision": decision["revision"], "faults": len(decision["faults"])}
        _log.info("ticket %s", state, extra=facts)
        return kept


def new_id(now: datetime) -> str:
    """Return a fresh id that sorts by time and cannot be guessed: 48 bits of time, 80 bits of chance."""
    number = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def _digest(ticket: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(ticket, sort_keys=True).encode("ascii")).hexdigest()


def _same(kept: StoredTicket, body_hash: str) -> StoredTicket:
    if kept.body_hash != body_hash:
        raise KeyReusedError("This Idempotency-Key was used before, for another ticket. Every ticket needs its own.")
    return kept
