"""Versions over REST: history, publishing under the eyes of others, and going back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from dispatcher import RuleSet
from service import version_models as models
from service.versions import REVISIONS
from tests.service.bench import RULES, application, started
from tests.service.fakes import FakeHalo

pytestmark = pytest.mark.anyio

PATH = "/v1/rules/versions"
FIRST = RuleSet.from_text(RULES).revision
FILES = {"my.rules": "team = 'Printers'\n"}
SECOND = RuleSet.from_text(FILES["my.rules"], filename="my.rules").revision
TEST = '[[test]]\nname = "always"\nticket = "t"\nexpect = { team = "Printers" }\n'


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """The service, not started."""
    return application(tmp_path, FakeHalo(), defaults={"priority": 3})


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service."""
    async with started(app) as client:
        yield client


async def publish(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    """Return the answer to publishing."""
    return await client.post(PATH, json={"files": FILES} | body)


async def decided_by(client: httpx.AsyncClient) -> str:
    """Return the revision that decides."""
    revision: str = (await client.post("/v1/rules/test", json={"ticket": {}})).json()["revision"]
    return revision


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, kind and detail of the problem document that the answer is."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, document["type"].rpartition(":")[2], document["detail"]


async def test_history_of_a_first_start(client: httpx.AsyncClient) -> None:
    """The rules with which the service was started are the first version."""
    answer = await client.get(PATH)
    (version,) = answer.json()["versions"]
    assert datetime.fromisoformat(version.pop("since")).tzname() == "UTC"
    assert version == {
        "number": 1,
        "revision": FIRST,
        "active": True,
        "origin": "folder",
        "by": "folder",
        "comment": "",
        "settings": {"variables": [], "defaults": {"priority": 3}, "on_fault": "absent"},
        "checks": {},
    }
    assert (answer.json()["next"], answer.headers["etag"]) == (None, f'"{FIRST}"')


async def test_publication(client: httpx.AsyncClient) -> None:
    """What is published decides when the answer comes, with the defaults of the settings."""
    answer = await publish(client, comment="Printers first", tests=TEST, tickets={"t": {"msg": "toner"}})
    assert (answer.status_code, answer.headers["location"], answer.headers["etag"]) == (
        201,
        f"{PATH}/{SECOND}",
        f'"{SECOND}"',
    )
    published = answer.json()
    models.Publication.model_validate(published)
    version = published["version"]
    assert (version["by"], version["comment"]) == ("this computer, without an API key", "Printers first")
    assert (published["replaced"]["revision"], published["tests"]["passed"]) == (FIRST, 1)
    tried = (await client.post("/v1/rules/test", json={"ticket": {}})).json()
    assert (tried["revision"], tried["action_variables"]["priority"]) == (SECOND, 3)
    assert (await client.get("/healthz")).json()["revision"] == SECOND
    history = (await client.get(PATH)).json()["versions"]
    assert [(item["number"], item["active"]) for item in history] == [(2, True), (1, False)]
    page = (await client.get(PATH, params={"limit": 1})).json()
    assert (len(page["versions"]), page["next"]) == (1, 2)
    assert (await client.get(PATH, params={"before": page["next"]})).json()["versions"][0]["revision"] == FIRST


async def test_nothing_to_publish(client: httpx.AsyncClient) -> None:
    """A dry run, and rules that are in force, are answered with 200: nothing was changed."""
    tried = await publish(client, dry_run=True)
    assert (tried.status_code, tried.json()["version"], tried.json()["changed"]) == (200, None, True)
    assert await decided_by(client) == FIRST
    assert (await publish(client)).status_code == 201
    again = await publish(client)
    assert (again.status_code, again.json()["changed"], again.json()["replaced"]["active"]) == (200, False, True)


async def test_rules_that_do_not_pass(client: httpx.AsyncClient) -> None:
    """Errors, failing tests and rules without end are answered with why, and nothing comes into force."""
    wrong = await publish(client, files={"my.rules": "team = tema"})
    assert problem(wrong) == (422, "rules-invalid", "my.rules:1:8: nothing is called `tema`")
    assert [found["code"] for found in wrong.json()["diagnostics"]] == ["unknown-name"]
    failing = await publish(client, files={"my.rules": "team = 'A'\n"}, tests=TEST, tickets={"t": {}})
    assert problem(failing) == (422, "rules-rejected", "the rules are not published: 1 of 1 test did not pass")
    assert failing.json()["tests"]["results"][0]["outcome"] == "fail"
    endless = await publish(client, files={"my.rules": "while True:\n    pass\n"})
    assert problem(endless)[:2] == (422, "rules-rejected")
    unfit = await publish(client, files={"../my.rules": ""})
    assert problem(unfit) == (422, "invalid-request", "'../my.rules' is no name of a rule file, such as `10-vip.rules`")
    assert await decided_by(client) == FIRST


@pytest.mark.parametrize("expected", [f'"{FIRST}"', FIRST, FIRST[:8], "*", f' "{FIRST[:12]}" ', f'W/"{FIRST}"'])
async def test_expected_version(client: httpx.AsyncClient, expected: str) -> None:
    """`If-Match` lets a change pass while the rules that it names are in force."""
    answer = await client.post(PATH, json={"files": FILES}, headers={"If-Match": expected})
    assert answer.status_code == 201


async def test_overtaken(client: httpx.AsyncClient) -> None:
    """Of two admins who edit the same rules, the second hears of the first, and changes nothing."""
    await publish(client)
    for path, body in ((PATH, {"files": {"my.rules": "team = 'Mine'\n"}}), (f"{PATH}/{FIRST}/activate", {})):
        answer = await client.post(path, json=body, headers={"If-Match": f'"{FIRST}"'})
        status, kind, detail = problem(answer)
        assert (status, kind) == (412, "rules-changed")
        assert detail.startswith(f"other rules came into force: revision {SECOND[:8]}, by this computer")
        assert answer.json()["active"]["revision"] == SECOND
    assert await decided_by(client) == SECOND


async def test_expected_version_that_is_none(client: httpx.AsyncClient) -> None:
    """An `If-Match` that is no revision is refused rather than not heeded."""
    answer = await client.post(PATH, json={"files": FILES}, headers={"If-Match": "W/12"})
    assert problem(answer)[:2] == (422, "invalid-request")
    assert await decided_by(client) == FIRST


async def test_revision(client: httpx.AsyncClient) -> None:
    """A revision is shown with its files and when it was in force, also by its beginning."""
    await publish(client)
    for name in (SECOND, SECOND[:8]):
        shown = (await client.get(f"{PATH}/{name}")).json()
        models.Revision.model_validate(shown)
        assert (shown["revision"], shown["active"], shown["files"]) == (SECOND, True, FILES)
        assert [version["number"] for version in shown["versions"]] == [2]
    assert (await client.get(f"{PATH}/{FIRST}")).json()["files"] == {"<rules>": RULES}


async def test_difference(client: httpx.AsyncClient) -> None:
    """A revision is compared with the one before it, or with any other."""
    await publish(client)
    for parameters in ({}, {"against": FIRST[:8]}):
        found = (await client.get(f"{PATH}/{SECOND}/diff", params=parameters)).json()
        models.Difference.model_validate(found)
        assert (found["old"], found["new"]) == (FIRST, SECOND)
        assert [(change["file"], change["change"]) for change in found["changes"]] == [
            ("<rules>", "removed"),
            ("my.rules", "added"),
        ]
    first = (await client.get(f"{PATH}/{FIRST}/diff")).json()
    assert (first["old"], first["changes"][0]["change"]) == (None, "added")
    assert (await client.get(f"{PATH}/{FIRST}/diff", params={"against": FIRST})).json()["changes"] == []


async def test_going_back(client: httpx.AsyncClient) -> None:
    """Earlier rules decide again when the answer comes, and the history tells both ways."""
    await publish(client)
    answer = await client.post(f"{PATH}/{FIRST[:8]}/activate", json={"comment": "wrong team"})
    assert (answer.status_code, answer.json()["version"]["comment"]) == (201, "wrong team")
    assert await decided_by(client) == FIRST
    again = await client.post(f"{PATH}/{FIRST}/activate")
    assert (again.status_code, again.json()["changed"]) == (200, False)
    history = (await client.get(PATH)).json()["versions"]
    assert [(item["revision"], item["origin"]) for item in history] == [
        (FIRST, "rollback"),
        (SECOND, "publish"),
        (FIRST, "folder"),
    ]


async def test_no_revision(client: httpx.AsyncClient) -> None:
    """Revisions that were never in force, and texts that are none, are not found."""
    for method, path in (("GET", ""), ("GET", "/diff"), ("POST", "/activate")):
        for name in ("0" * 64, "x"):
            answer = await client.request(method, f"{PATH}/{name}{path}")
            assert problem(answer)[:2] == (404, "blank")
    assert (await client.get(f"{PATH}/{FIRST}/diff", params={"against": "0" * 8})).status_code == 404


async def test_revision_that_cannot_be_used(client: httpx.AsyncClient, app: FastAPI) -> None:
    """Rules that have errors by now do not come back; the answer says why and what to do."""
    await publish(client)
    await publish(client, files={"my.rules": "team = 'Third'\n"})
    app.state.versions._compiled.clear()
    with app.state.database.transaction() as connection:
        broken = sa.update(REVISIONS).where(REVISIONS.c.revision == SECOND)
        connection.execute(broken.values(files='{"my.rules": "team = tema"}'))
    status, kind, detail = problem(await client.post(f"{PATH}/{SECOND}/activate"))
    assert (status, kind) == (409, "revision-unusable")
    assert "my.rules:1:8: nothing is called `tema`" in detail


async def test_author_is_the_api_key(client: httpx.AsyncClient, app: FastAPI) -> None:
    """With API keys, publishing needs the scope for it, and the history names the key."""
    keys = {name: app.state.keys.create(f"the {name} key", [name])[1] for name in ("publish", "read", "test")}
    for name, (publishing, reading) in {"publish": (201, 403), "read": (403, 200), "test": (403, 403)}.items():
        headers = {"X-API-Key": keys[name]}
        answers = [
            await client.post(PATH, json={"files": FILES}, headers=headers),
            await client.get(PATH, headers=headers),
            await client.get(f"{PATH}/{FIRST}/diff", headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [publishing, reading, reading]
    history = (await client.get(PATH, headers={"X-API-Key": keys["read"]})).json()["versions"]
    assert [version["by"] for version in history] == ["the publish key", "folder"]


async def test_restart(tmp_path: Path) -> None:
    """What was published decides after a restart."""
    async with started(application(tmp_path, FakeHalo())) as client:
        await publish(client)
    async with started(application(tmp_path, FakeHalo())) as client:
        assert await decided_by(client) == SECOND
    async with started(application(tmp_path, FakeHalo(), rules="team = 'Changed'\n")) as client:
        assert await decided_by(client) not in (FIRST, SECOND)


async def test_two_processes(tmp_path: Path, postgresql: str) -> None:
    """What is published at one process decides in the others a moment later."""
    settings: dict[str, Any] = {"role": "web", "database_url": postgresql}
    one, other = (application(tmp_path / name, FakeHalo(), **settings) for name in ("one", "other"))
    async with started(one) as here, started(other) as there:
        assert [await decided_by(client) for client in (here, there)] == [FIRST, FIRST]
        await publish(here)
        await other.state.follower.look()
        assert [await decided_by(client) for client in (here, there)] == [SECOND, SECOND]
        assert (await there.get(PATH)).json() == (await here.get(PATH)).json()


def test_examples() -> None:
    """The examples in the description of the interface are what its models take."""
    for model in (
        models.PublishRequest,
        models.ActivateRequest,
        models.Version,
        models.History,
        models.Revision,
        models.Difference,
        models.Publication,
    ):
        (example,) = model.model_json_schema()["examples"]
        model.model_validate(example)
