"""What the tests of the Halo client share: one loop, a Halo of recorded shapes, a decided ticket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from dispatcher.halo.client import HaloClient
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import HaloWriter
from tests.halo.fake import FakeHalo

KEY = "acme+client-1:s3cret"


@pytest.fixture
def anyio_backend() -> str:
    """The service runs on asyncio, and nothing else."""
    return "asyncio"


@pytest.fixture
def settings() -> HaloSettings:
    """Settings for a Halo in the cloud."""
    return HaloSettings.model_validate(
        {
            "resource_server": "https://acme.halopsa.test/api",
            "authorisation_server": "https://acme.halopsa.test/auth",
            "key": KEY,
            "timeout_seconds": 5.0,
        }
    )


@pytest.fixture
def halo() -> FakeHalo:
    """A Halo that answers from tables and keeps what it was asked."""
    return FakeHalo()


@pytest.fixture
async def client(settings: HaloSettings, halo: FakeHalo) -> AsyncIterator[HaloClient]:
    """A client of that Halo."""
    client = HaloClient(settings, halo.transport())
    yield client
    await client.aclose()


@pytest.fixture
async def writer(settings: HaloSettings, halo: FakeHalo) -> AsyncIterator[HaloWriter]:
    """A writer to that Halo."""
    writer = HaloWriter(settings, halo.transport())
    yield writer
    await writer.aclose()


@pytest.fixture
def ticket() -> dict[str, Any]:
    """A ticket as received."""
    return {
        "name": "Dan Jump",
        "email": "Dan.Jump@contoso.com ",
        "business_name": "Contoso Ltd.",
        "hostname": "contoso-lt-1",
        "ip": "10.0.0.7",
        "mac": "00-11-22-33-44-55",
        "selections": ["This is an emergency", "Printer <2nd floor>"],
        "msg": "The printer is on fire!\nPlease help & hurry",
        "site_code": "A7",
    }


@pytest.fixture
def decision() -> dict[str, Any]:
    """What rules decided about that ticket, in its stored form."""
    return {
        "action_variables": {
            "priority": "High",
            "state": "New",
            "team": "1st line support",
            "ticketType": "Incident",
            "agent": None,
            "category_1": "Hardware > Printer",
            "category_2": None,
            "category_3": None,
            "category_4": None,
            "impact": 2,
            "urgency": "1",
            "subject": "**EMERGENCY** The printer",
            "msg": "The printer is on fire!\nPlease help & hurry",
            "append": "",
            "priv_append": "disk: <90%>",
            "customfield": {"201": "https://report.test/1", "CFproblemType": "MRI"},
            "exception": None,
        },
        "other_variables": {},
        "changes": [
            {"variable": "priority", "file": "vip.rules", "line": 4, "old": None, "new": "High"},
        ],
        "fired": [{"file": "vip.rules", "line": 3, "title": "Emergencies <first>"}],
        "not_fired": [],
        "faults": [
            {
                "kind": "error",
                "type": "ZeroDivisionError",
                "message": "division by zero",
                "file": "caps.rules",
                "line": 9,
                "column": 4,
            }
        ],
        "refused": None,
        "prints": "",
        "steps": 12,
        "revision": "abc123",
        "received_at": "2026-11-21T12:00:00+00:00",
        "unused_keys": ["site_code"],
    }
