"""What the tests of live checks share: a snapshot of a small Halo, in which records can be renamed and removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher.halo.snapshot import Snapshot

ROWS: dict[str, Any] = {
    "taken_at": "2026-11-21T08:30:00Z",
    "halo": "https://acme.halopsa.test/api",
    "ticket_types": [
        {"id": 1, "name": "Incident", "sla_id": 1},
        {"id": 3, "name": "Service Request", "sla_id": 2},
        {"id": 9, "name": "Retired", "active": False, "sla_id": 1},
    ],
    "statuses": [{"id": 1, "name": "New"}, {"id": 2, "name": "In Progress"}],
    "teams": [
        {"id": 1, "name": "1st Line"},
        {"id": 2, "name": "Network"},
        {"id": 3, "name": "Night Shift", "active": False},
        {"id": 4, "name": "Twin"},
        {"id": 5, "name": "twin"},
    ],
    "agents": [
        {"id": 1, "name": "Niemand"},
        {"id": 31, "name": "Priya Nair", "email": "priya@msp.test"},
        {"id": 32, "name": "Tom Becker", "email": "tom@msp.test"},
    ],
    "priorities": [
        {"id": 1, "name": "Critical", "sla_id": 1},
        {"id": 2, "name": "High", "sla_id": 1},
        {"id": 1, "name": "High", "sla_id": 2},
        {"id": 4, "name": "Planned", "sla_id": 2},
    ],
    "categories": [
        {"id": 101, "name": "Hardware>Printer", "level": 1},
        {"id": 201, "name": "Remote", "level": 2},
    ],
}


def snapshot_with(**lists: list[dict[str, Any]]) -> Snapshot:
    """Return the snapshot with other rows in some lists."""
    return Snapshot.model_validate_json(json.dumps({**ROWS, **lists}))


def changed(rows_of: str, number: int, /, **values: Any) -> list[dict[str, Any]]:
    """Return a list in which the record of an id is another; without values it is gone."""
    rows = [{**row, **values} if row["id"] == number else row for row in ROWS[rows_of]]
    return [row for row in rows if values or row["id"] != number]


@pytest.fixture
def snapshot() -> Snapshot:
    """The small Halo."""
    return snapshot_with()


@pytest.fixture
def anyio_backend() -> str:
    """Look-ups run on asyncio, and nothing else."""
    return "asyncio"
