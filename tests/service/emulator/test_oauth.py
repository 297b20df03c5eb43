"""The token endpoint, and what a token opens."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from service.emulator.behaviour import Behaviour
from tests.service.emulator.client import GRANT, TENANT, Clock, connected, create, signed_in

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("query", "form"),
    [({"tenant": "demo"}, {}), ({}, {"tenant": "demo"}), ({}, {}), ({"tenant": "DEMO"}, {})],
    ids=["query", "form", "on-prem", "any case"],
)
async def test_a_token_is_given(query: dict[str, str], form: dict[str, str]) -> None:
    """The tenant may stand in the query, in the form, or nowhere as on premises."""
    async with connected() as client:
        answer = await client.post("/auth/token", params=query, data=GRANT | form)
        token = answer.json()
        assert answer.status_code == 200
        assert {name: type(value) for name, value in token.items()} == {
            "scope": str,
            "token_type": str,
            "access_token": str,
            "expires_in": int,
            "refresh_token": str,
            "id_token": str,
        }
        assert (token["scope"], token["token_type"], token["expires_in"]) == ("all", "Bearer", 3600)
        me = await client.get("/api/Agent/me", headers={"Authorization": f"Bearer {token['access_token']}"})
        assert me.json()["name"] == "Dispatcher API"


async def test_the_id_token_names_the_login_agent() -> None:
    """The id token is a JWT with the agent's id and name."""
    async with connected() as client:
        token = (await client.post("/auth/token", data=GRANT)).json()["id_token"]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["sub"], claims["name"]) == ("20", "Dispatcher API")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "wröng"}, 401, "invalid_client"),
        ({"scope": "read:actions"}, 400, "invalid_scope"),
        ({"scope": "all read:users"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_grant_is_refused_as_json(change: dict[str, str], status: int, error: str) -> None:
    """A wrong secret, scope or grant type gets OAuth's error object."""
    async with connected() as client:
        answer = await client.post("/auth/token", params={"tenant": "demo"}, data=GRANT | change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].endswith(".")


@pytest.mark.parametrize(
    ("query", "change"),
    [({"tenant": "demo"}, {"client_id": "nobody"}), ({"tenant": "acme"}, {}), ({}, {"client_id": ""})],
    ids=["unknown client", "unknown tenant", "no client"],
)
async def test_what_crashes_the_token_endpoint(query: dict[str, str], change: dict[str, str]) -> None:
    """An unknown application or tenant gets a 500 with an HTML page, as from the real one."""
    async with connected() as client:
        answer = await client.post("/auth/token", params=query, data=GRANT | change)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Sorry, something went wrong" in answer.text


async def test_an_application_without_a_login_agent_crashes_too() -> None:
    """An application that logs in as nobody gets the same 500."""
    applications = tuple(replace(application, agent_id=None) for application in TENANT.applications)
    async with connected(tenant=replace(TENANT, applications=applications)) as client:
        answer = await client.post("/auth/token", data=GRANT)
    assert answer.status_code == 500


async def test_the_status_of_a_bad_scope_is_a_switch() -> None:
    """Only OAuth's standard says 400, so another status can be had."""
    async with connected(behaviour=Behaviour(invalid_scope_status=422)) as client:
        answer = await client.post("/auth/token", data=GRANT | {"scope": "nonsense"})
    assert answer.status_code == 422


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer made-up", "Basic made-up"])
async def test_without_a_good_token(header: str) -> None:
    """A missing or made-up token is a 401, with an empty body unless configured."""
    async with connected() as client:
        answer = await client.get("/api/Status", headers={"Authorization": header})
        assert (answer.status_code, answer.text) == (401, "")
    async with connected(behaviour=Behaviour(unauthorised_body="no")) as client:
        answer = await client.get("/api/Status", headers={"Authorization": header})
        assert (answer.status_code, answer.text) == (401, "no")


async def test_a_token_expires(clock: Clock) -> None:
    """A token is good for as long as it says, and a new one helps."""
    async with signed_in(clock=clock, behaviour=Behaviour(token_seconds=60)) as client:
        clock.advance(59.9)
        assert (await client.get("/api/Status")).status_code == 200
        clock.advance(0.1)
        assert (await client.get("/api/Status")).status_code == 401
        token = (await client.post("/auth/token", data=GRANT)).json()
        assert token["expires_in"] == 60
        headers = {"Authorization": f"bearer {token['access_token']}"}
        assert (await client.get("/api/Status", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("all", {"Status": 200, "Users": 200, "Asset": 200, "Tickets": 200, "create": 201}),
        ("read:tickets", {"Status": 200, "Users": 403, "Asset": 403, "Tickets": 200, "create": 403}),
        ("edit:tickets", {"Status": 200, "Users": 403, "Asset": 403, "Tickets": 200, "create": 201}),
        (
            "edit:tickets edit:assets read:customers",
            {"Status": 200, "Users": 200, "Asset": 200, "Tickets": 200, "create": 201},
        ),
    ],
)
async def test_scopes_narrow(scope: str, statuses: dict[str, int]) -> None:
    """A token reaches what its scopes name, edit includes read, and look-ups need none."""
    async with signed_in(scope=scope) as client:
        found = {path: (await client.get(f"/api/{path}")).status_code for path in list(statuses)[:-1]}
        found["create"] = (await client.post("/api/Tickets", json=[{"summary": "x"}])).status_code
    assert found == statuses


@pytest.mark.parametrize(("role", "status"), [("read:tickets", 403), ("edit:tickets", 201), ("all", 201)])
async def test_the_role_of_the_agent_counts_too(role: str, status: int) -> None:
    """What the login agent's role does not allow, no scope gives."""
    agents = tuple(replace(agent, may=frozenset({role})) for agent in TENANT.agents)
    async with signed_in(tenant=replace(TENANT, agents=agents)) as client:
        assert (await client.post("/api/Tickets", json=[{"summary": "x"}])).status_code == status


async def test_who_one_is_by_the_newest_versions() -> None:
    """By the switch, /Agent/me answers what the token claims, the same as the id token."""
    async with connected(behaviour=Behaviour(agent_me="claims")) as client:
        token = (await client.post("/auth/token", data=GRANT)).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        me = (await client.get("/api/Agent/me", headers=headers)).json()
    assert me == json.loads(base64.urlsafe_b64decode(token["id_token"].split(".")[1] + "=="))
    assert (me["sub"], me["name"]) == ("20", "Dispatcher API")


async def test_the_authorisation_server_describes_itself() -> None:
    """Its description names the token endpoint and the scopes."""
    async with connected() as client:
        described = (await client.get("/auth/.well-known/openid-configuration")).json()
    assert described["token_endpoint"] == "http://halo.test/auth/token"
    assert "edit:tickets" in described["scopes_supported"]
    assert "read:actions" not in described["scopes_supported"]


async def test_what_needs_no_token() -> None:
    """A client can ask for the authorisation server and the version before it signs in."""
    async with connected() as client:
        auth: dict[str, Any] = (await client.get("/api/AuthInfo")).json()
        instance = await client.get("/api/InstanceInfo")
    assert auth == {"auth_url": "http://halo.test/auth", "tenant_id": "demo"}
    assert instance.json()["version"] == "2.250.0"


async def test_tokens_survive_a_reset() -> None:
    """A reset forgets the tickets, not the tokens."""
    async with signed_in() as client:
        await create(client)
        assert (await client.post("/emulator/reset")).status_code == 204
        assert (await client.get("/api/Tickets")).json()["record_count"] == 0
        assert (await create(client))["id"] == 1001
