"""Every request of the writer against Halo's own description of its API, where that file is at hand.

The file is Halo's and no part of this project: DISPATCHER_HALO_OPENAPI names it, or it lies beside the checkout.
It is of March 2025; what newer versions have on top of it stands here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import HaloWriter
from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from tests.halo.fake import granted

pytestmark = pytest.mark.anyio

_BESIDE = Path(__file__).parents[3] / "shared" / "halo-openapi.json"
SCHEMA_FILE = Path(os.environ.get("DISPATCHER_HALO_OPENAPI", _BESIDE))
NEWER_PARAMETERS = {
    # In descriptions from September 2025 on.
    "/tickets": {"third_party_id_string"},
    # In no description, but taken by every list that pages; the lists without pages ignore them.
    "/actions": {"pageinate", "page_no", "page_size"},
}
INT32 = range(-(2**31), 2**31)

TICKET = {
    "name": "Dan Jump",
    "email": "dan.jump@contoso.com",
    "hostname": "CONTOSO-LT-001",
    "msg": "Printer <on> fire",
}
EVERYTHING = {
    "ticketType": "Incident",
    "state": "In Progress",
    "priority": "Critical",
    "team": "2nd Line",
    "agent": "Aisha Khan",
    "category_1": "Hardware>Printer",
    "category_2": "Remote",
    "category_3": "Change",
    "category_4": "Warranty",
    "impact": 1,
    "urgency": "High",
    "subject": "Fire",
    "append": "hot",
    "priv_append": "smoke",
    "customfield": {"202": "MRI", "CFreportLink": "https://report.test", "203": 1},
}


class Description:
    """Halo's description of its API."""

    def __init__(self, text: str) -> None:
        described = json.loads(text)
        self._schemas: Mapping[str, Any] = described["components"]["schemas"]
        self._paths = {re.sub(r"\{\w+\}", "{id}", path).lower(): item for path, item in described["paths"].items()}

    def problems(self, request: httpx.Request) -> list[str]:
        """Return what of a request Halo does not describe."""
        path = re.sub(r"/\d+(?=/|$)", "/{id}", request.url.path.lower().removeprefix("/api"))
        operation = self._paths.get(path, {}).get(request.method.lower())
        if operation is None:
            return [f"{request.method} {path} is not there"]
        known = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
        asked = {name.lower() for name in request.url.params} - NEWER_PARAMETERS.get(path, set())
        found = [f"{request.method} {path} has no parameter {name}" for name in sorted(asked - known)]
        if request.method == "POST":
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            found += self._wrong(json.loads(request.content), schema, f"POST {path}")
        return found

    def _wrong(self, value: Any, schema: Mapping[str, Any], place: str) -> list[str]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type")
        if kind == "array":
            if not isinstance(value, list):
                return [f"{place} is no array"]
            return [wrong for item in value for wrong in self._wrong(item, schema["items"], f"{place}[]")]
        if kind == "object":
            if not isinstance(value, dict):
                return [f"{place} is no object"]
            known = schema.get("properties", {})
            unknown = [f"{place} has no field {name}" for name in value.keys() - known.keys()]
            inside = (self._wrong(value[name], known[name], f"{place}.{name}") for name in value.keys() & known.keys())
            return unknown + [wrong for each in inside for wrong in each]
        return [] if _is_a(value, kind) else [f"{place} is no {kind}: {value!r}"]


def _is_a(value: Any, kind: str | None) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and value in INT32
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case _:
            # A value of any kind, such as that of a custom field.
            return kind is None


@pytest.fixture(scope="module")
def description() -> Description:
    """Halo's description, if it is at hand."""
    if not SCHEMA_FILE.is_file():
        pytest.skip("Halo's description of its API is not here; DISPATCHER_HALO_OPENAPI names the file")
    return Description(SCHEMA_FILE.read_text(encoding="utf-8"))


class Sent(httpx.AsyncBaseTransport):
    """The way to a fresh emulator, which keeps every request but those for tokens."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self._emulator = httpx.ASGITransport(app=create_emulator(behaviour=behaviour))
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/auth/token":
            self.requests.append(request)
        return await self._emulator.handle_async_request(request)

    def operations(self) -> set[str]:
        """Return method and path of all requests."""
        return {f"{request.method} {re.sub('/[0-9]+', '/{id}', request.url.path)}" for request in self.requests}


async def writing(sent: Sent, **settings: Any) -> AsyncIterator[HaloWriter]:
    """Yield a writer to an emulator whose requests are kept, and close it."""
    writer = HaloWriter(HaloSettings.model_validate(settings), sent)
    yield writer
    await writer.aclose()


async def file(sent: Sent, variables: Mapping[str, Any], ticket: Mapping[str, Any], **settings: Any) -> None:
    """File a ticket and its note, look for both, and change the ticket."""
    decision = {"action_variables": {"msg": TICKET["msg"], **variables}, "revision": "r1"}
    async for writer in writing(sent, **settings):
        await writer.refresh()
        await writer.known_of("holly.holt@woodgrovebank.com")
        created = await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
        number = created.halo_ticket_id
        assert await writer.find_ticket("t-1") == number
        assert await writer.find_ticket("t-2") is None
        await writer.add_note(number, "t-1", ticket, decision, (), created.remarks, claim=granted)
        assert await writer.find_note(number, "t-1") == 1
        await writer.update_ticket(number, {"priority": "Low", "subject": "Smoke", "agent": "Unassigned"}, defaults={})


UNKNOWN = {"email": "eve@example.com", "name": "Eve", "msg": "Hello"}


@pytest.mark.parametrize(
    ("variables", "ticket", "settings", "behaviour"),
    [
        (EVERYTHING, TICKET, {"source": 24, "novalidate": True, "dont_do_rules": True}, Behaviour()),
        ({}, TICKET, {"find_by": "client_reference"}, Behaviour()),
        ({}, TICKET, {"find_by": "summary", "note_outcome": 7}, Behaviour()),
        ({}, UNKNOWN, {}, Behaviour(fills_requester=False)),
        ({"ticketType": "Alert"}, TICKET, {"note_outcome": "Phone Call"}, Behaviour(lists_third_party_id_string=False)),
        ({"ticketType": "Problem"}, TICKET, {}, Behaviour(ticket_type_sla_field="slaid")),
    ],
    ids=["everything", "by reference", "by summary", "unknown requester", "another outcome", "mandatory fields"],
)
async def test_halo_describes_every_request(
    variables: Mapping[str, Any],
    ticket: Mapping[str, Any],
    settings: Mapping[str, Any],
    behaviour: Behaviour,
    description: Description,
) -> None:
    """Paths, parameters and fields of all requests are Halo's, and all values are of Halo's types."""
    sent = Sent(behaviour)
    await file(sent, variables, ticket, **settings)
    assert {"POST /api/Tickets", "POST /api/Actions", "GET /api/Tickets", "GET /api/Users"} <= sent.operations()
    assert [problem for request in sent.requests for problem in description.problems(request)] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "problems"),
    [
        ("GET", "/api/Ticket", None, ["GET /ticket is not there"]),
        ("PUT", "/api/Tickets", None, ["PUT /tickets is not there"]),
        ("GET", "/api/Tickets/7?includedetail=true", None, ["GET /tickets/{id} has no parameter includedetail"]),
        ("POST", "/api/Tickets", {"summary": "x"}, ["POST /tickets is no array"]),
        ("POST", "/api/Tickets", [{"sumary": "x"}], ["POST /tickets[] has no field sumary"]),
        ("POST", "/api/Tickets", [{"agent_id": "1"}], ["POST /tickets[].agent_id is no integer: '1'"]),
        ("POST", "/api/Tickets", [{"agent_id": 2**31}], ["POST /tickets[].agent_id is no integer: 2147483648"]),
        ("POST", "/api/Tickets", [{"assets": [{"id": 1.5}]}], ["POST /tickets[].assets[].id is no integer: 1.5"]),
        ("POST", "/api/Actions", [{"hiddenfromuser": 1}], ["POST /actions[].hiddenfromuser is no boolean: 1"]),
        ("POST", "/api/Actions", [7], ["POST /actions[] is no object"]),
    ],
)
def test_what_halo_does_not_describe(
    method: str, path: str, body: Any, problems: list[str], description: Description
) -> None:
    """A request that is not Halo's is seen as such."""
    assert description.problems(httpx.Request(method, f"http://halo.test{path}", json=body)) == problems
