"""Workloads: rules together with the tickets that they decide."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.bench.rules import Written
from tests.bench.tickets import Ticket, pool

# What settings give to the variables that rules count with.
DEFAULTS: dict[str, Any] = {"priority": 3, "impact": 2, "urgency": 2, "state": "New"}
SEED = 4


@dataclass(frozen=True, slots=True)
class Workload:
    """Rules and tickets."""

    rules: Written
    tickets: tuple[Ticket, ...]


def workload(rules: Written, tickets: int, length: int | None = None) -> Workload:
    """Return rules with so many tickets, whose messages have `length` characters or what is usual."""
    return Workload(rules, tuple(pool(Random(SEED), tickets, rules.plants, length)))
