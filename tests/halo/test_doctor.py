"""The doctor against the emulator with its switches, against tenants with something wrong, and against no Halo."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.halo.doctor import Finding, Verdict, examine
from dispatcher.halo.doctor.findings import Check, Result, findings, ok
from dispatcher.halo.settings import EMULATOR_KEY, HaloSettings
from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from service.emulator.records import Tenant, User
from service.emulator.tenant import CATCH_ALL_EMAIL, CLIENT_ID, demo_tenant

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
# A key of the demo tenant that is not its own.
WRONG_SECRET = f"demo+{CLIENT_ID}:hunter2-hunter2"

EMULATOR = {"resource_server": "http://127.0.0.1:8421/api", "authorisation_server": "http://127.0.0.1:8421/auth"}

FIELDS = st.sampled_from(
    ("id", "name", "users", "tickets", "actions", "record_count", "isdisabled", "emailaddress", "client_id", "site_id")
)
Answer = Callable[[httpx.Request], httpx.Response]


class Way(httpx.AsyncBaseTransport):
    """The way to an emulator. Keeps the requests; `answers` takes over requests whose method and path end so."""

    def __init__(self, app: Any, answers: Mapping[str, Answer] | None = None) -> None:
        self._emulator = httpx.ASGITransport(app=app)
        self._answers = dict(answers or {})
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        for ending, answer in self._answers.items():
            if re.search(f"{ending}$", self.asked[-1]):
                return answer(request)
        return await self._emulator.handle_async_request(request)

    def writes(self) -> list[str]:
        """What may have changed something in Halo."""
        return [asked for asked in self.asked if not asked.startswith("GET ") and asked != "POST /auth/token"]


async def diagnosis(
    transport: httpx.AsyncBaseTransport,
    defaults: Mapping[str, Any] | None = None,
    *,
    write_test_ticket: bool = False,
    **settings: Any,
) -> dict[str, Finding]:
    """Return what the doctor finds, by check."""
    found = [
        finding
        async for finding in examine(
            HaloSettings.model_validate(EMULATOR | settings),
            defaults or {},
            write_test_ticket=write_test_ticket,
            transport=transport,
            now=lambda: NOW,
        )
    ]
    assert len({finding.check for finding in found}) == len(found)
    return {finding.check: finding for finding in found}


def by_verdict(found: Mapping[str, Finding], *verdicts: Verdict) -> dict[str, Finding]:
    """Return the findings with one of these verdicts."""
    return {check: finding for check, finding in found.items() if finding.verdict in verdicts}


def troubles(found: Mapping[str, Finding]) -> set[str]:
    """Return the checks that failed or warn."""
    return set(by_verdict(found, Verdict.FAILED, Verdict.WARNING))


async def filed(app: Any) -> int:
    """File one ticket, so that the emulator is no empty Halo; return its number."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8421") as http:
        key, _, secret = EMULATOR_KEY.partition("+")[2].partition(":")
        form = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret, "scope": "all"}
        token = (await http.post("/auth/token", data=form)).json()["access_token"]
        ticket = {"summary": "An old ticket"}
        answer = await http.post("/api/Tickets", json=[ticket], headers={"Authorization": f"Bearer {token}"})
        number: int = answer.json()["id"]
        return number


def dated(app: Any, date: str) -> Way:
    """Return the way to an emulator whose token endpoint says what time it is."""
    token = {"access_token": "t", "expires_in": 3600, "scope": "all"}
    return Way(app, {"/auth/token": lambda request: httpx.Response(200, json=token, headers={"Date": date})})


async def test_all_is_well() -> None:
    """With a Halo as it should be nothing fails, and each check says what it has seen."""
    tenant = demo_tenant()
    app = create_emulator(tenant)
    number = await filed(app)
    users = sum(not user.inactive for user in tenant.users)
    defaults = {"ticketType": "Incident", "priority": "high", "customfield": {"201": "x"}, "subject": "Help"}

    found = await diagnosis(Way(app), defaults)

    details = {finding.check: (finding.verdict.value, finding.detail, finding.help) for finding in found.values()}
    assert details == {
        "key": ("ok", f"tenant demo, client id {CLIENT_ID}", ""),
        "authorisation server": ("ok", "http://127.0.0.1:8421/auth/token gave a token for 60 minutes", ""),
        "scopes": ("ok", "all", ""),
        "resource server": ("ok", "http://127.0.0.1:8421/api is Halo 2.250.0", ""),
        "addresses": ("ok", "the resource server names the same authorisation server and tenant", ""),
        "clock": ("skipped", "No server has said what time it is.", ""),
        "login agent": ("ok", "Dispatcher API", ""),
        "users": ("ok", f"{users}", ""),
        "clients": ("ok", f"{sum(not client.inactive for client in tenant.clients)}", ""),
        "sites": ("ok", f"{len(tenant.sites)}", ""),
        "assets": ("ok", f"{sum(not asset.inactive for asset in tenant.assets)}", ""),
        "ticket types": ("ok", f"{sum(each.visible for each in tenant.ticket_types)}", ""),
        "statuses": ("ok", f"{len(tenant.statuses)}", ""),
        "teams": ("ok", f"{len(tenant.teams)}", ""),
        "agents": ("ok", f"{sum(not agent.disabled for agent in tenant.agents) - 1}", ""),
        "priorities": ("ok", f"{len(tenant.priorities)}", ""),
        "categories": ("ok", f"{len(tenant.categories)}", ""),
        "outcomes": ("ok", f"{sum(not outcome.hidden for outcome in tenant.outcomes)}", ""),
        "impacts": ("ok", "3", ""),
        "urgencies": ("ok", "3", ""),
        "tickets": ("ok", "1", ""),
        "actions": ("ok", f"those of ticket {number}", ""),
        "paging": ("ok", f"{users} users on 2 pages", ""),
        "catch-all user": ("ok", f"{CATCH_ALL_EMAIL} (user 2) is of Unregistered Users, site 1", ""),
        "note outcome": ("ok", "Internal Note is outcome 7, allowed for Incident", ""),
        "default ticketType": ("ok", "Incident", ""),
        "default priority": ("ok", "high", ""),
        "default customfield": ("ok", "201", ""),
        "find by reference": ("ok", "a reference that no ticket has brings no ticket", ""),
        "editing": (
            "skipped",
            "Whether tickets and notes may be written cannot be tried without writing.",
            "--write-test-ticket files a test ticket, and deletes it if it may.",
        ),
    }


async def test_nothing_is_written() -> None:
    """Without being asked to, the doctor posts nothing but for tokens."""
    app = create_emulator()
    await filed(app)
    way = Way(app)

    await diagnosis(way, {"ticketType": "Incident"})

    assert len(way.asked) > 20
    assert way.writes() == []


async def test_a_new_halo_has_no_tickets_to_try_with() -> None:
    """Without any ticket, that a filter brings none shows nothing: this is said, and is no failure."""
    found = await diagnosis(Way(create_emulator()))

    assert troubles(found) == set()
    assert found["actions"].detail == "Halo has no ticket whose actions could be read."
    assert found["find by reference"].verdict is Verdict.SKIPPED


# --- the key and the servers


@pytest.mark.parametrize(
    ("settings", "culprit", "said"),
    [
        ({"key": WRONG_SECRET}, "authorisation server", "401 Unauthorized"),
        ({"key": EMULATOR_KEY.replace("demo", "other")}, "authorisation server", "500 Internal Server Error"),
        ({"key": "demo+nobody:emulator-secret"}, "authorisation server", "500 Internal Server Error"),
        ({"scope": "read:actions"}, "authorisation server", "invalid_scope"),
        (
            {"authorisation_server": "http://127.0.0.1:8421/login"},
            "authorisation server",
            "Check `authorisation_server`",
        ),
        ({"resource_server": "http://127.0.0.1:8421/api/v9"}, "resource server", "Check `resource_server`"),
    ],
    ids=["secret", "tenant", "client-id", "scope", "authorisation-server", "resource-server"],
)
async def test_a_wrong_setting_fails_where_it_is_wrong(settings: dict[str, Any], culprit: str, said: str) -> None:
    """One check fails and names what to look at; what needs it is skipped and says so, and the rest is tried."""
    found = await diagnosis(Way(create_emulator()), **settings)

    assert set(by_verdict(found, Verdict.FAILED)) == {culprit}
    assert said in found[culprit].detail
    assert found["users"] == Finding("users", Verdict.SKIPPED, f"{culprit} comes first")
    assert found["find by reference"] == Finding("find by reference", Verdict.SKIPPED, f"{culprit} comes first")
    other = "resource server" if culprit == "authorisation server" else "authorisation server"
    assert found[other].verdict is Verdict.OK


async def test_an_application_without_a_login_agent_fails() -> None:
    """Halo crashes on it, and the doctor says what such a crash can mean."""
    tenant = demo_tenant()
    (application,) = tenant.applications
    app = create_emulator(replace(tenant, applications=(replace(application, agent_id=None),)))

    found = await diagnosis(Way(app))

    assert set(by_verdict(found, Verdict.FAILED)) == {"authorisation server"}
    assert "an application without a login agent" in found["authorisation server"].detail


def raising(error: Exception) -> Answer:
    """Return an answer that does not come."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def untrusted() -> httpx.ConnectError:
    """Return what httpx raises about a certificate."""
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")
    error.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    return error


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raising(httpx.ConnectError("Name or service not known")), "halo.test cannot be reached"),
        (raising(untrusted()), "halo.test is not trusted"),
        (raising(httpx.ReadError("")), "the connection broke"),
        (lambda request: httpx.Response(200, text="<html><title>Welcome to nginx!</title></html>"), "nginx"),
        (lambda request: httpx.Response(200, text=""), "an empty answer"),
        (lambda request: httpx.Response(200, json=[1, 2]), "This is no Halo"),
        (lambda request: httpx.Response(302, headers={"Location": "https://sso.test/"}), "https://sso.test/"),
        (lambda request: httpx.Response(200, content=b"\xff\xfe\x00"), "This is no Halo"),
    ],
    ids=["no-host", "certificate", "cut", "web-page", "empty", "other-json", "redirect", "bytes"],
)
async def test_what_is_no_halo_fails(answer: Answer, said: str) -> None:
    """Whatever is at the addresses, both servers fail with what it was, and nothing else is tried."""
    found = await diagnosis(
        httpx.MockTransport(answer),
        resource_server="https://halo.test/api",
        authorisation_server="https://halo.test/auth",
        key="acme+client:s3cret",
    )

    assert set(by_verdict(found, Verdict.FAILED)) == {"authorisation server", "resource server"}
    assert said in found["resource server"].detail
    assert found["resource server"].help == "Its address is the setting `resource_server`."
    assert set(by_verdict(found, Verdict.OK)) <= {"key", "clock"}


async def test_a_server_that_does_not_answer_costs_bounded_time() -> None:
    """After the time limit of the settings a check gives up, and says which server is silent."""

    async def silent(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    found = await diagnosis(httpx.MockTransport(silent), timeout_seconds=0.01)

    assert set(by_verdict(found, Verdict.FAILED)) == {"authorisation server", "resource server"}
    assert found["resource server"].detail == "127.0.0.1 gives no answer within 0.01 s."


async def test_a_check_is_bounded_whatever_it_does() -> None:
    """A check that takes too long fails, and the next one runs."""

    async def endless() -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    async def quick() -> Result:
        return ok("done")

    checks = [Check("endless", endless, help="Look."), Check("next", quick), Check("after", quick, needs=("endless",))]
    found = [finding async for finding in findings(checks, limit_seconds=0.01)]

    assert found == [
        Finding("endless", Verdict.FAILED, "not done within 0.01 s.", "Look."),
        Finding("next", Verdict.OK, "done"),
        Finding("after", Verdict.SKIPPED, "endless comes first"),
    ]


async def test_a_key_that_is_not_set_is_missed() -> None:
    """Elsewhere than on this computer the emulator's key is hardly what was meant."""
    found = await diagnosis(Way(create_emulator()), resource_server="https://acme.halopsa.test/api")

    assert found["key"] == Finding(
        "key",
        Verdict.WARNING,
        "No key is set, and that of the emulator opens acme.halopsa.test only if it is one.",
        "Give the key of Halo's API page as DISPATCHER_HALO_KEY, or in the file that `key_file` names.",
    )


async def test_two_tenants_in_the_settings_are_pointed_out() -> None:
    """The setting `tenant` wins over the key's, which may be a surprise."""
    found = await diagnosis(Way(create_emulator()), tenant="demo", key=EMULATOR_KEY.replace("demo", "acme"))

    assert set(troubles(found)) == {"key"}
    assert found["key"].verdict is Verdict.WARNING


async def test_a_resource_server_of_another_halo_is_pointed_out() -> None:
    """What the resource server says of itself is held against the settings."""
    said = {"auth_url": "https://other.halopsa.test/auth", "tenant_id": "other"}
    way = Way(create_emulator(), {"/AuthInfo": lambda request: httpx.Response(200, json=said)})
    tenant = Way(create_emulator(), {"/AuthInfo": lambda request: httpx.Response(200, json={"tenant_id": "other"})})

    assert (await diagnosis(way))["addresses"] == Finding(
        "addresses",
        Verdict.WARNING,
        "The resource server says that its authorisation server is https://other.halopsa.test/auth.",
        "Check that `authorisation_server` is of the same Halo.",
    )
    assert (await diagnosis(tenant))["addresses"] == Finding(
        "addresses",
        Verdict.WARNING,
        "The resource server is that of the tenant other, the key is for demo.",
        "Check `resource_server`, and the tenant before the + of the key.",
    )


async def test_an_authorisation_server_that_is_not_set_is_asked_for() -> None:
    """Without that setting, the one that the resource server names is tried."""
    found = await diagnosis(Way(create_emulator()), authorisation_server=None)

    assert troubles(found) == set()
    assert found["authorisation server"].detail == "http://127.0.0.1:8421/auth/token gave a token for 60 minutes"


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_halo_that_keeps_its_version_to_itself_is_one(status: int) -> None:
    """Either of the two open paths is enough to know a Halo; which version it is remains open."""
    way = Way(create_emulator(), {"/InstanceInfo": lambda request: httpx.Response(status)})

    found = await diagnosis(way)

    assert troubles(found) == {"resource server"}
    assert found["resource server"].verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("offset", "verdict", "detail"),
    [
        (timedelta(seconds=-20), "ok", "20 s from Halo's"),
        (timedelta(minutes=-5), "warning", "This computer's clock is 300 s ahead of Halo's."),
        (timedelta(hours=2), "warning", "This computer's clock is 7200 s behind Halo's."),
    ],
)
async def test_the_clock_is_held_against_halos(offset: timedelta, verdict: str, detail: str) -> None:
    """More than a minute of difference is pointed out, with its direction."""
    found = await diagnosis(dated(create_emulator(), format_datetime(NOW + offset, usegmt=True)))

    assert (found["clock"].verdict.value, found["clock"].detail) == (verdict, detail)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Xxx 2026", "Sat, 21 Nov 99999 12:00:00 GMT"])
async def test_a_date_that_is_none_is_ignored(date: str) -> None:
    """Servers that do not tell the time leave the clock unchecked."""
    found = await diagnosis(dated(create_emulator(), date))

    assert found["clock"].verdict is Verdict.SKIPPED


# --- permissions


@pytest.mark.parametrize(
    ("scope", "failing", "missing"),
    [
        ("edit:tickets read:customers", {"assets"}, "Missing: `read:assets` to find assets."),
        ("edit:tickets edit:assets", {"users", "clients", "sites"}, "Missing: `read:customers` to find requesters."),
        (
            "read:tickets read:customers read:assets",
            set(),
            "Missing: `edit:tickets` to file tickets and notes.",
        ),
        ("edit:tickets edit:customers edit:assets", set(), None),
    ],
)
async def test_missing_scopes_are_named(scope: str, failing: set[str], missing: str | None) -> None:
    """What a scope is missing for fails by itself, and the list of those granted tells why."""
    found = await diagnosis(Way(create_emulator()), scope=scope)

    assert set(by_verdict(found, Verdict.FAILED)) == failing
    assert all("403 Forbidden" in found[check].detail for check in failing)
    if missing is None:
        assert found["scopes"].verdict is Verdict.OK
    else:
        assert found["scopes"].verdict is Verdict.WARNING
        assert found["scopes"].detail.endswith(missing)


async def test_a_list_that_may_not_be_read_fails_alone() -> None:
    """One refused look-up fails with what it takes; what does not need it is tried all the same."""
    way = Way(create_emulator(), {"/Team": lambda request: httpx.Response(403)})

    found = await diagnosis(way, {"state": "New", "team": "2nd Line"})

    assert troubles(found) == {"teams", "default team"}
    assert found["default team"].detail == f"it could not be looked up. {found['teams'].detail}"
    assert found["teams"].detail.startswith("GET Team: Halo answered 403 Forbidden")
    assert found["teams"].help == "This takes no scope, but a login agent: the application in Halo must name one."
    assert found["default state"].verdict is Verdict.OK


async def test_a_list_that_shows_nothing_is_pointed_out() -> None:
    """No agents at all is a matter of rights; no assets may well be so."""
    answers: dict[str, Answer] = {
        "/Agent": lambda request: httpx.Response(200, json=[]),
        "/Asset": lambda request: httpx.Response(200, json={"record_count": 0, "assets": []}),
    }
    found = await diagnosis(Way(create_emulator(), answers))

    assert troubles(found) == {"agents"}
    assert found["assets"] == Finding("assets", Verdict.OK, "none")


async def test_the_login_agent_may_be_disabled_or_nameless() -> None:
    """A disabled agent fails; newer versions answer the token's claims, which will do; nothing at all is odd."""

    async def agent(answer: Any) -> Finding:
        way = Way(create_emulator(), {"/Agent/me": lambda request: httpx.Response(200, json=answer)})
        return (await diagnosis(way))["login agent"]

    assert await agent({"id": 20, "name": "API", "isdisabled": True}) == Finding(
        "login agent",
        Verdict.FAILED,
        "API is disabled in Halo.",
        "Enable this agent, or name another one in Halo's application.",
    )
    assert await agent({"sub": "20", "name": "API"}) == Finding("login agent", Verdict.OK, "API")
    assert (await agent({})).verdict is Verdict.WARNING
    claims = await diagnosis(Way(create_emulator(behaviour=Behaviour(agent_me="claims"))))
    assert claims["login agent"] == Finding("login agent", Verdict.OK, "Dispatcher API")


async def test_actions_need_their_own_permission() -> None:
    """That actions of an existing ticket cannot be read is found out."""
    app = create_emulator()
    await filed(app)

    found = await diagnosis(Way(app, {"GET /api/Actions": lambda request: httpx.Response(403)}))

    assert troubles(found) == {"actions"}


def users_page(**page: Any) -> Answer:
    """Return an answer for all pages of users."""
    return lambda request: httpx.Response(200, json=page)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            users_page(record_count=250, users=[{"id": n, "emailaddress": "a@b.test"} for n in range(100)]),
            "Page 3 of the users repeats page 1.",
        ),
        (
            users_page(record_count=3, users=[{"id": 1}, {"id": 2}]),
            "Page 2 of the users repeats page 1.",
        ),
        (
            lambda request: httpx.Response(
                200, json={"record_count": 4, "users": [{"id": 1}] if request.url.params["page_no"] == "1" else []}
            ),
            "Page 4 of the users has 0 rows instead of 1.",
        ),
        (
            users_page(users=[{"id": 1}, {"id": 2}]),
            "Halo does not say how many users there are: a list ends where a page brings nothing new.",
        ),
    ],
    ids=["repeated", "repeated-soon", "missing", "no-count"],
)
async def test_broken_paging_is_pointed_out(answer: Answer, said: str) -> None:
    """A Halo that repeats page 1, or does not count, is known by it."""
    found = await diagnosis(Way(create_emulator(), {"/Users": answer}))

    assert (found["paging"].verdict, found["paging"].detail) == (Verdict.WARNING, said)


# --- what the settings name


def without(tenant: Tenant, email: str, *instead: User) -> Tenant:
    """Return the tenant with other users in the place of one."""
    return replace(tenant, users=(*(user for user in tenant.users if user.email != email), *instead))


async def test_the_catch_all_user_must_be_there() -> None:
    """A catch-all user that is missing or inactive fails, with what to do."""
    tenant = demo_tenant()
    (catch_all,) = (user for user in tenant.users if user.email == CATCH_ALL_EMAIL)

    missing = await diagnosis(Way(create_emulator(without(tenant, CATCH_ALL_EMAIL))))
    inactive = await diagnosis(
        Way(create_emulator(without(tenant, CATCH_ALL_EMAIL, replace(catch_all, inactive=True))))
    )

    for found in (missing, inactive):
        assert troubles(found) == {"catch-all user"}
        assert found["catch-all user"].verdict is Verdict.FAILED
        assert "`catch_all_user`" in found["catch-all user"].detail + found["catch-all user"].help


async def test_the_catch_all_user_must_have_a_place() -> None:
    """Without client or site its tickets would have none."""
    user = {"id": 2, "emailaddress": CATCH_ALL_EMAIL, "client_id": 1, "site_id": None}
    way = Way(create_emulator(), {"/Users": users_page(record_count=1, users=[user])})

    found = await diagnosis(way)

    assert found["catch-all user"] == Finding(
        "catch-all user",
        Verdict.FAILED,
        f"{CATCH_ALL_EMAIL} (user 2) has no site in Halo.",
        "Move this user to the client and site that tickets of unknown requesters shall have.",
    )


@pytest.mark.parametrize(
    ("outcome", "ticket_type", "verdict", "said"),
    [
        ("internal note", None, "ok", "Internal Note is outcome 7"),
        (16, "Incident", "ok", "Phone Call is outcome 16, allowed for Incident"),
        ("Phone Call", "Alert", "warning", "Phone Call is not among the actions of the ticket type Alert."),
        ("Logged", None, "failed", "`Logged` is hidden in Halo"),
        ("Internal Nota", None, "failed", "the nearest is `Internal Note`"),
    ],
)
async def test_the_note_outcome_must_be_usable(outcome: Any, ticket_type: str | None, verdict: str, said: str) -> None:
    """It exists, is not hidden, and the default ticket type allows it."""
    found = await diagnosis(Way(create_emulator()), {"ticketType": ticket_type}, note_outcome=outcome)

    assert found["note outcome"].verdict.value == verdict
    assert said in found["note outcome"].detail


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ticketType", "Incidents", "the nearest is `Incident`"),
        ("state", "Neww", "the nearest is `New`"),
        ("priority", "Planned", "`Planned` is no priority"),
        ("team", "Night Shift", "`Night Shift` is inactive in Halo"),
        ("agent", "Greg Olsen", "`Greg Olsen` is disabled in Halo"),
        ("category_1", "Hardware>Toaster", "`Hardware>Toaster` is no category_1"),
        ("category_4", "Remote", "`Remote` is no category_4"),
        ("impact", 9, "`9` is no impact"),
        ("urgency", "somewhat", "`somewhat` is no urgency"),
        ("customfield", {"CFnothing": 1, "201": "x"}, "Halo has no custom field CFnothing."),
        ("customfield", "201", "It is no mapping of field to value."),
    ],
)
async def test_a_default_that_halo_does_not_know_fails(variable: str, value: Any, said: str) -> None:
    """Each default that names something in Halo is looked up, and fails with what is near."""
    defaults = {"ticketType": "Incident", "subject": "Help", variable: value}

    found = await diagnosis(Way(create_emulator()), defaults)

    assert set(by_verdict(found, Verdict.FAILED)) == {f"default {variable}"}
    assert said in found[f"default {variable}"].detail
    assert found[f"default {variable}"].help == f"Correct `{variable}` under [defaults]."
    assert "default subject" not in found


@pytest.mark.parametrize("listed", [True, False])
async def test_a_filter_that_halo_ignores_fails(listed: bool) -> None:
    """An unknown reference that brings tickets shows it, and the setting that helps is named."""
    app = create_emulator(behaviour=Behaviour(filters_third_party_id_string=False, lists_third_party_id_string=listed))
    await filed(app)

    found = await diagnosis(Way(app))

    assert troubles(found) == {"find by reference"}
    assert found["find by reference"].verdict is Verdict.FAILED
    assert "`find_by`" in found["find by reference"].detail + found["find by reference"].help


# --- the test ticket


async def test_the_test_ticket_goes_the_whole_way() -> None:
    """It is filed, noted, found, changed and deleted, and nothing else is written."""
    app = create_emulator()
    way = Way(app)

    found = await diagnosis(way, {"team": "2nd Line"}, write_test_ticket=True)

    assert troubles(found) == set()
    number = found["test ticket"].detail.split()[-1]
    reference = found["find test ticket"].detail.split()[2]
    assert str(UUID(reference)) == reference
    assert {check: found[check].detail for check in found if "test" in check} == {
        "test ticket": f"filed as ticket {number}",
        "find test ticket": f"its reference {reference} brings ticket {number}",
        "test note": f"note 1 of ticket {number}",
        "find test note": "its reference brings note 1",
        "change test ticket": f"ticket {number} is now called `TEST of dispatcher, changed, please delete`",
        "delete test ticket": f"ticket {number} is gone",
    }
    assert "editing" not in found
    assert way.writes() == [
        "POST /api/Tickets",
        "POST /api/Actions",
        "POST /api/Tickets",
        f"DELETE /api/Tickets/{number}",
    ]
    assert app.state.emulator.book.all() == []


async def test_a_test_ticket_that_stays_is_named() -> None:
    """When it may not be deleted, this is said with its number, and is no failure."""
    app = create_emulator()
    way = Way(app, {r"DELETE /api/Tickets/\d+": lambda request: httpx.Response(403)})

    found = await diagnosis(way, write_test_ticket=True)

    assert troubles(found) == {"delete test ticket"}
    assert found["delete test ticket"].verdict is Verdict.WARNING
    (ticket,) = app.state.emulator.book.all()
    assert found["delete test ticket"].help == f"Delete ticket {ticket.id} in Halo by hand."
    assert ticket.fields["summary"] == "TEST of dispatcher, changed, please delete"


async def test_a_note_that_fails_leaves_no_test_ticket_behind() -> None:
    """Whatever goes wrong after the test ticket is filed, it is deleted."""
    app = create_emulator()
    way = Way(app, {"POST /api/Actions": lambda request: httpx.Response(403)})

    found = await diagnosis(way, write_test_ticket=True)

    assert troubles(found) == {"test note"}
    assert found["find test note"] == Finding("find test note", Verdict.SKIPPED, "test note comes first")
    assert found["delete test ticket"].verdict is Verdict.OK
    assert app.state.emulator.book.all() == []


async def test_a_test_ticket_that_may_not_be_filed_fails() -> None:
    """Without the scope for editing, the test shows it; what would come after is not tried."""
    found = await diagnosis(
        Way(create_emulator()), write_test_ticket=True, scope="read:tickets read:customers read:assets"
    )

    assert set(by_verdict(found, Verdict.FAILED)) == {"test ticket"}
    assert "403 Forbidden" in found["test ticket"].detail
    assert found["delete test ticket"] == Finding("delete test ticket", Verdict.SKIPPED, "test ticket comes first")


async def test_a_filter_that_is_ignored_shows_by_the_test_ticket() -> None:
    """A Halo without tickets is found out by its first one: it comes for any reference."""
    app = create_emulator(behaviour=Behaviour(filters_third_party_id_string=False))

    found = await diagnosis(Way(app), write_test_ticket=True)

    assert set(troubles(found)) == {"find test ticket"}
    assert found["find test ticket"].verdict is Verdict.FAILED
    assert app.state.emulator.book.all() == []


@pytest.mark.parametrize("find_by", ["third_party_id_string", "client_reference", "summary"])
async def test_every_way_of_finding_can_be_tried(find_by: str) -> None:
    """Whichever field holds the reference, the test ticket is found by it."""
    app = create_emulator()
    await filed(app)

    found = await diagnosis(Way(app), write_test_ticket=True, find_by=find_by)

    assert troubles(found) == set()
    assert {check for check in found if found[check].verdict is Verdict.SKIPPED} == {"clock"}


async def test_a_test_ticket_in_doubt_is_to_be_looked_for() -> None:
    """When Halo's answer is lost, the admin learns under which name and reference the ticket may be there."""
    way = Way(create_emulator(), {"POST /api/Tickets": raising(httpx.ReadError("cut"))})

    found = await diagnosis(way, write_test_ticket=True)

    assert found["test ticket"].verdict is Verdict.FAILED
    help_ = found["test ticket"].help
    assert re.fullmatch(
        r"Look in Halo for a ticket called `TEST of dispatcher, please delete` with the reference [\w-]{36}, and delete it.",
        help_,
    )
    assert found["delete test ticket"] == Finding(
        "delete test ticket", Verdict.WARNING, "Halo has no ticket with the reference yet.", help_
    )


@pytest.mark.parametrize("fault", ["cut-after", "504-after", "invalid-json"])
async def test_a_test_ticket_whose_answer_is_lost_is_deleted(fault: str) -> None:
    """What was made without an answer is found by its reference, and deleted."""
    app = create_emulator()
    way = Way(app)
    plan = {"rates": {fault: 1}, "methods": ["POST"], "paths": ["/tickets"], "limit": 1}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8421") as http:
        await http.put("/emulator/faults", json=plan)

    found = await diagnosis(way, write_test_ticket=True)

    assert found["test ticket"].verdict is Verdict.FAILED
    assert found["delete test ticket"].detail == "ticket 1001 is gone"
    assert app.state.emulator.book.all() == []


async def test_who_breaks_off_leaves_no_test_ticket(caplog: pytest.LogCaptureFixture) -> None:
    """A doctor that is stopped after the test ticket was made deletes it, or names it."""
    for refuse in (False, True):
        app = create_emulator()
        way = Way(app, {r"DELETE /api/Tickets/\d+": lambda request: httpx.Response(403)} if refuse else None)
        examination = examine(
            HaloSettings.model_validate(EMULATOR), {}, write_test_ticket=True, transport=way, now=lambda: NOW
        )
        async for finding in examination:
            if finding.check == "test note":
                break
        await examination.aclose()  # type: ignore[attr-defined]
        assert len(app.state.emulator.book.all()) == refuse
        assert len(caplog.messages) == refuse
    assert caplog.messages[0].endswith("Delete ticket 1001 in Halo by hand.")


async def test_what_the_test_ticket_cost_is_told() -> None:
    """An unknown request source shows before anything is written, and by what the test ticket had to give up."""
    found = await diagnosis(Way(create_emulator()), write_test_ticket=True, source=99)

    assert set(troubles(found)) == {"source", "test ticket"}
    assert found["source"].verdict is Verdict.FAILED
    assert found["source"].detail == "`99` is no request source in Halo."
    assert found["test ticket"].detail == (
        "Filed as ticket 1001, but: The request source is not set: Halo refused it: The Source selected is not valid."
    )
    found = await diagnosis(Way(create_emulator()), source=24)
    assert found["source"].verdict is Verdict.OK


async def test_an_outcome_that_does_more_than_to_note_warns() -> None:
    """Every note would mail someone, or change the status."""
    for more in ({"sendemail": 1}, {"newstatus": 9}):
        row = {"id": 7, "outcome": "Internal Note"} | more
        way = Way(create_emulator(), {"GET /api/Outcome/7": lambda request, row=row: httpx.Response(200, json=row)})  # type: ignore[misc]
        found = await diagnosis(way)
        assert found["note outcome"].verdict is Verdict.WARNING
        assert found["note outcome"].detail == "Internal Note mails someone, or changes the status of the ticket."
    # A version that does not show it is no reason to worry.
    way = Way(create_emulator(), {"GET /api/Outcome/7": lambda request: httpx.Response(404)})
    assert (await diagnosis(way))["note outcome"].verdict is Verdict.OK


async def test_a_note_that_halo_shows_fails() -> None:
    """A test note that the end user can read is a failure."""
    app = create_emulator()

    def shown(request: httpx.Request) -> httpx.Response:
        (ticket,) = app.state.emulator.book.all()
        actions = [action | {"hiddenfromuser": False} for action in ticket.actions]
        return httpx.Response(200, json={"record_count": len(actions), "actions": actions})

    found = await diagnosis(Way(app, {"GET /api/Actions": shown}), write_test_ticket=True)
    assert found["find test note"].verdict is Verdict.FAILED
    assert found["find test note"].detail == "Note 1 is open to the end user."


# --- whatever comes

ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ODD.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20), min_size=1, max_size=40))
def test_any_answers_are_findings(bodies: list[bytes]) -> None:
    """Whatever Halo answers once there is a token, every check ends with a finding."""
    left = iter(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(200, json={"access_token": "t", "scope": "all"})
        if request.url.path == "/api/InstanceInfo":
            return httpx.Response(200, json={"version": "2"})
        return httpx.Response(200, content=next(left, bodies[0]))

    defaults = {"ticketType": "Incident", "customfield": {"1": 2}}
    found = asyncio.run(diagnosis(httpx.MockTransport(answer), defaults, write_test_ticket=True))

    assert len(found) == 34


# --- secrets


async def test_a_token_may_come_with_a_byte_order_mark() -> None:
    """What the client takes for a token, the doctor does, too."""
    token = json.dumps({"access_token": "t", "scope": "all"}).encode("utf-16")

    found = await diagnosis(httpx.MockTransport(lambda request: httpx.Response(200, content=token)))

    assert found["scopes"] == Finding("scopes", Verdict.OK, "all")


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_secrets_are_never_shown(status: int) -> None:
    """A server that repeats all that it was sent does not make the doctor show the secret."""

    def echo(request: httpx.Request) -> httpx.Response:
        said = request.content.decode()
        return httpx.Response(status, json={"access_token": "t0ken", "scope": said, "error": said, "version": said})

    found = await diagnosis(httpx.MockTransport(echo), key=WRONG_SECRET)

    assert "hunter2" not in json.dumps([finding.to_dict() for finding in found.values()])
    assert found["authorisation server"].verdict is (Verdict.OK if status == 200 else Verdict.FAILED)
