"""Senders as they should be: each posts a ticket with the same Idempotency-Key until it has its 202."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import httpx

from tests.programs import ProgramError

# Somebody whom the emulator knows, somebody whom it does not, and nobody.
_REQUESTERS = ("dan.jump@contoso.com", "stranger{number}@example.com", "")
ANSWER_SECONDS = 5.0


class Senders:
    """What several senders have sent, and been promised."""

    def __init__(self, addresses: Sequence[str], seed: int, tickets_per_second: float) -> None:
        self.accepted: dict[str, str] = {}  # id -> Idempotency-Key
        self.repeats = 0
        self._addresses = addresses
        self._random = random.Random(seed)
        self._pause_seconds = 1 / tickets_per_second
        self._finishing = False
        self._sent = 0

    async def run(self, senders: int) -> None:
        """Send until `finish` is called and the last ticket is accepted."""
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            await asyncio.gather(*(self._send(client, senders * self._pause_seconds) for _ in range(senders)))

    def finish(self) -> None:
        """Begin no more tickets."""
        self._finishing = True

    async def _send(self, client: httpx.AsyncClient, mean_pause_seconds: float) -> None:
        while not self._finishing:
            self._sent += 1
            key = f"ticket-{self._sent}"
            requester = self._random.choice(_REQUESTERS).format(number=self._sent)
            body = {"msg": f"The printer burns, for the {self._sent}th time", "email": requester, "selections": [key]}
            self.accepted[await self._accepted(client, key, body)] = key
            if self._random.random() < 0.1:
                # The answer came, and the sender forgot it.
                self.accepted[await self._accepted(client, key, body)] = key
            await asyncio.sleep(self._random.expovariate(1 / mean_pause_seconds))

    async def _accepted(self, client: httpx.AsyncClient, key: str, body: dict[str, Any]) -> str:
        while True:
            url = f"{self._random.choice(self._addresses)}/v1/tickets"
            try:
                answer = await client.post(url, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                return str(answer.json()["id"])
            if answer is not None and answer.status_code < 500:
                raise ProgramError(f"a ticket got the answer {answer.status_code}: {answer.text}")
            self.repeats += 1
            await asyncio.sleep(self._random.uniform(0.1, 0.3))

    async def state(self, client: httpx.AsyncClient, ticket_id: str) -> str | None:
        """Return the state of a ticket; None while the service cannot tell."""
        try:
            answer = await client.get(f"{self._random.choice(self._addresses)}/v1/tickets/{ticket_id}")
        except httpx.TransportError:
            return None
        if answer.status_code == 404:
            return "unknown"
        return str(answer.json()["state"]) if answer.status_code == 200 else None
