"""A Halo of a few recorded shapes behind httpx.MockTransport."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx

Answer = Callable[[httpx.Request], httpx.Response]

ALICE = {"id": 7, "name": "Alice", "emailaddress": "alice@contoso.com", "client_id": 12, "site_id": 83.0}
DAN = {
    "id": 8,
    "name": "Dan Jump",
    "emailaddress": "dan.jump@contoso.com",
    "client_id": 12,
    "site_id": "83.0",
}
CATCH_ALL = {
    "id": 2,
    "name": "Unregistered User",
    "emailaddress": "unregistered@helpdeskbuttons.com",
    "client_id": 10,
    "site_id": 1.0,
    "inactive": None,
}

TABLES: dict[str, Any] = {
    "TicketType": [
        {"id": 1, "name": "Incident", "default_sla": 1},
        {"id": "3", "name": "Service Request", "sla": 2.0},
        {"id": 4, "name": "Project", "default_sla": -1},
        {"id": 5, "name": "Retired", "default_sla": 1, "visible": False},
    ],
    "Status": [{"id": 1, "name": "New"}, {"id": 2, "name": "In Progress"}, {"id": 28, "name": "21"}],
    "Team": [
        {"id": 1, "name": "1st Line Support", "inactive": False},
        {"id": 7, "name": "Night Shift", "inactive": True},
    ],
    "Agent": [
        {"id": 31, "name": "Priya Nair", "email": "priya@msp.test", "isdisabled": False},
        {"id": 32, "name": "Tom Becker", "email": "tom@msp.test", "isdisabled": None},
        {"id": 33, "name": "tom becker", "email": "tom2@msp.test"},
        {"id": 37, "name": "Greg Olsen", "email": "greg@msp.test", "isdisabled": True},
    ],
    "Priority": [
        {"id": "b6a6ab4e-0000-0000-0000-000000000001", "slaid": 1, "priorityid": 1, "name": "Critical"},
        {"id": "b6a6ab4e-0000-0000-0000-000000000002", "slaid": 1, "priorityid": 2, "name": "High"},
        {
            "id": "b6a6ab4e-0000-0000-0000-000000000003",
            "slaid": 1,
            "priorityid": 9,
            "name": "Old",
            "ishidden": True,
        },
        {"id": "b6a6ab4e-0000-0000-0000-000000000004", "slaid": 2, "priorityid": "1", "name": "High"},
        {"id": "b6a6ab4e-0000-0000-0000-000000000005", "slaid": 2, "priorityid": 3, "name": "Low"},
    ],
    "Category": [
        {"id": 101, "value": "Hardware>Printer", "type_id": 2},
        {"id": 102, "value": "Hardware", "type_id": 2},
        {"id": 201, "value": "Remote", "type_id": 3},
    ],
    "Outcome": [
        {"id": 7, "outcome": "Internal Note", "buttonname": "Add Note"},
        {"id": 1, "outcome": "Logged", "buttonname": "Log", "hidden": True},
    ],
    "Lookup?12": [{"id": 1, "name": "Company Wide"}, {"id": 2, "name": "Multiple Users Affected"}],
    "Lookup?27": [{"id": 1, "name": "High"}, {"id": 2, "name": "Medium"}],
}
ASSETS = [
    {
        "id": 501,
        "inventory_number": "TAG-1",
        "key_field": "CONTOSO-LT-1",
        "client_id": 12.0,
        "inactive": False,
    },
    {"id": 502, "inventory_number": "CONTOSO-LT-10", "key_field": None, "client_id": 12.0, "inactive": False},
    {"id": 503, "inventory_number": "TWIN", "client_id": 12},
    {"id": 504, "inventory_number": "twin", "client_id": 12},
    {"id": 505, "inventory_number": "CONTOSO-LT-1", "client_id": 99},
    {"id": 506, "inventory_number": "CONTOSO-LT-1", "client_id": 12, "inactive": True},
]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Claims:
    """A claim that is granted each time, and counted."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


async def granted() -> None:
    """A claim that is granted."""


def reply(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """Always the same answer: JSON for data, the text itself for a text."""
    if isinstance(body, str):
        return lambda request: httpx.Response(status, text=body, headers=headers)
    return lambda request: httpx.Response(status, json=body, headers=headers)


def view(key: str, rows: list[Any]) -> dict[str, Any]:
    """An envelope with all of its rows."""
    return {"page_no": 1, "page_size": 100, "record_count": len(rows), key: rows}


class FakeHalo:
    """Answers by table. `answers[path]` takes a path over; `requests` leaves out those for tokens."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.tokens = 0
        self.answers: dict[str, Answer] = {}
        self.users = [ALICE, DAN, CATCH_ALL]

    def transport(self) -> httpx.MockTransport:
        """The transport to give to a client."""
        return httpx.MockTransport(self._answer)

    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [f"{request.method} {request.url.path.removeprefix('/api/')}" for request in self.requests]

    def sent(self, path: str) -> list[dict[str, Any]]:
        """What was posted to a path, as one object each."""
        bodies = [json.loads(r.content) for r in self.requests if r.method == "POST" and r.url.path.endswith(path)]
        assert all(len(body) == 1 for body in bodies)
        return [body[0] for body in bodies]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/")
        if path == "/auth/token":
            self.tokens += 1
            if path in self.answers:
                return self.answers[path](request)
            form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
            token = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
            return httpx.Response(200, json=token | {"scope": form["scope"]})
        self.requests.append(request)
        if path in self.answers:
            return self.answers[path](request)
        if request.method == "POST":
            return httpx.Response(201, json={"id": 1001, "customfields": [{"id": 201}, {"name": "cfproblemtype"}]})
        return httpx.Response(200, json=self._rows(path, request.url.params))

    def _rows(self, path: str, params: httpx.QueryParams) -> Any:
        if path == "Users":
            wanted = params.get("search", "")
            if "advanced_search" in params:
                ((condition),) = json.loads(params["advanced_search"])
                wanted = condition["filter_value"]
            return view(
                "users",
                [user for user in self.users if wanted.casefold() in str(user["emailaddress"]).casefold()],
            )
        if path == "Asset":
            part = params["search"].casefold()
            return view(
                "assets",
                [a for a in ASSETS if part in f"{a['inventory_number']} {a.get('key_field')}".casefold()],
            )
        if path.startswith("Tickets/"):
            return {"id": int(path.removeprefix("Tickets/")), "tickettype_id": 1}
        if path == "Client/12":
            return {"id": 12, "name": "Contoso Ltd."}
        return TABLES[f"Lookup?{params['lookupid']}" if path == "Lookup" else path]
