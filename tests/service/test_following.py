"""Following: every process decides by the version in force, soon after it changed, and each ticket by one revision."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispatcher import RuleSet
from dispatcher.errors import SettingsError
from service import app as app_module
from service.database import Database
from service.deciding import ActiveRules
from service.following import Follower
from service.readiness import Check
from service.versions import REVISIONS, Origin, RuleSettings, Version, Versions
from tests.service.bench import application, started
from tests.service.fakes import FakeHalo

pytestmark = pytest.mark.anyio

OWN = RuleSet.from_text("team = 'Own'\n", filename="my.rules")
TWO = RuleSet.from_text("team = 'Two'\n", filename="my.rules")
SETTINGS = RuleSettings()


class Process:
    """What one process has: its rules, and which switches it noticed."""

    def __init__(self, database: Database, rules: RuleSet = OWN, settings: RuleSettings = SETTINGS) -> None:
        self.versions = Versions(database)
        self.rules = ActiveRules(rules)
        self.switched: list[Version] = []
        self.follower = Follower(self.versions, self.rules, settings, self.switched.append)

    def team(self) -> object:
        """Return what the rules decide."""
        return self.rules.ruleset.decide({}).action_variables["team"]

    def publish(self, rules: RuleSet) -> Version:
        """Publish rules from elsewhere."""
        return publish(self.versions.database, rules)


def publish(database: Database, rules: RuleSet) -> Version:
    """Publish rules after those that are in force, as another process does."""
    versions = Versions(database)
    return versions.add(rules, SETTINGS, Origin.PUBLISH, "dan", seen=versions.active())


def unusable(process: Process, version: Version) -> None:
    """Let a revision have errors, as if another dispatcher had published it."""
    with process.versions.database.transaction() as connection:
        broken = sa.update(REVISIONS).where(REVISIONS.c.revision == version.revision)
        connection.execute(broken.values(files='{"my.rules": "team = tema"}'))


async def test_switch(any_database: Database) -> None:
    """All processes switch when they look, once for each version."""
    processes = [Process(any_database) for _ in range(3)]
    for process in processes:
        process.follower.start()
    version = processes[0].publish(TWO)
    assert [process.team() for process in processes] == ["Own"] * 3
    for process in processes:
        await asyncio.gather(*(process.follower.look() for _ in range(4)))
    assert [process.team() for process in processes] == ["Two"] * 3
    assert [process.switched for process in processes] == [[version]] * 3
    assert processes[2].follower.check() == Check(True, f"revision {TWO.revision[:8]} decides")


async def test_start_after_a_publication(any_database: Database) -> None:
    """A process that starts with the folder of before decides by what was published meanwhile."""
    Process(any_database).follower.start()
    version = Process(any_database).publish(TWO)
    later = Process(any_database)
    assert (later.follower.start(), later.team(), later.switched) == (version, "Two", [])


async def test_settings_of_a_start(any_database: Database) -> None:
    """Settings that were changed before a start are in force in all processes, also with published rules."""
    first = Process(any_database)
    first.follower.start()
    first.publish(TWO)
    later = Process(any_database, settings=RuleSettings(defaults={"priority": 1}))
    later.follower.start()
    await first.follower.look()
    for process in (first, later):
        decision = process.rules.ruleset.decide({})
        assert (decision.action_variables["team"], decision.action_variables["priority"]) == ("Two", 1)


async def test_unusable_version(any_database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """A version that cannot be used here is reported once, the rules of before decide on, and the next one is taken."""
    process = Process(any_database)
    process.follower.start()
    broken = process.publish(TWO)
    unusable(process, broken)
    for _ in range(3):
        await process.follower.look()
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == ["rules in force cannot be used here"]
    assert (process.team(), process.switched) == ("Own", [])
    assert process.follower.check() == Check(
        False,
        f"revision {TWO.revision[:8]} is in force and cannot be used here; revision {OWN.revision[:8]} decides",
    )
    mended = process.publish(RuleSet.from_text("team = 'Mended'\n"))
    await process.follower.look()
    assert (process.team(), process.switched, process.follower.check().ok) == ("Mended", [mended], True)


async def test_start_with_an_unusable_version(any_database: Database) -> None:
    """A start says which rules cannot be used, why, and what to do."""
    process = Process(any_database)
    process.follower.start()
    broken = process.publish(TWO)
    unusable(process, broken)
    with pytest.raises(SettingsError) as raised:
        Process(any_database).follower.start()
    assert str(raised.value) == (
        f"the rules in force cannot be used ({broken}): the rules of revision {TWO.revision[:8]} have errors for this "
        "version of dispatcher and these settings: my.rules:1:8: nothing is called `tema`; publish others with "
        "`dispatcher rules publish DIR`, or go back with `dispatcher rules rollback`, then start again"
    )


async def test_database_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that cannot write into the database says so in words."""
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.open()

    def fails(*_: object) -> Version:
        raise sa.exc.OperationalError("BEGIN", {}, Exception("database is locked"))

    process = Process(database)
    monkeypatch.setattr(process.versions, "start", fails)
    with pytest.raises(SettingsError, match=r"^the database sqlite:.*kept\.db cannot be used: database is locked$"):
        process.follower.start()
    database.close()


async def test_tickets_while_rules_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While rules change, each ticket is decided by one revision with all that was looked up for it; none fails."""
    monkeypatch.setattr(app_module, "LOOK_SECONDS", 0.01)
    rules = [RuleSet.from_text(f"team = 'Rules {number}'\nstate = 'Rules {number}'\n") for number in range(6)]
    teams = {one.revision: f"Rules {number}" for number, one in enumerate(rules)}
    app = application(tmp_path, FakeHalo(), rules="team = 'Rules 0'\nstate = 'Rules 0'\n")
    async with started(app) as client:
        done = asyncio.Event()
        found: list[tuple[str, str, str]] = []

        async def send() -> None:
            while not done.is_set():
                answer = await client.post("/v1/tickets", json={"msg": "no sound"})
                assert answer.status_code == 202
                decision = answer.json()["decision"]
                values = decision["action_variables"]
                found.append((decision["revision"], values["team"], values["state"]))

        async with asyncio.TaskGroup() as senders:
            for _ in range(3):
                senders.create_task(send())
            for one in rules[1:]:
                await asyncio.to_thread(publish, app.state.database, one)
                async with asyncio.timeout(10):
                    while one.revision not in {revision for revision, _, _ in found}:
                        await asyncio.sleep(0.005)
            done.set()
    assert {team for _, team, _ in found} >= set(list(teams.values())[1:])
    assert all(teams[revision] == team == state for revision, team, state in found)


async def test_look_ups_belong_to_the_rules(tmp_path: Path) -> None:
    """Rules that come into force while a requester is looked up do not decide that ticket: they may need more."""
    halo = FakeHalo()
    app = application(tmp_path, halo, rules="team = name\n")
    async with started(app) as client:
        look_up = app.state.requesters.look_up

        async def slow(*arguments: object) -> object:
            found = await look_up(*arguments)
            publish(app.state.database, RuleSet.from_text("team = business_name\n"))
            await app.state.follower.look()
            return found

        app.state.requesters.look_up = slow
        before = app.state.rules.ruleset.revision
        answer = await client.post("/v1/tickets", json={"msg": "no sound", "email": "dan@example.com"})
        assert answer.json()["decision"]["revision"] == before != app.state.rules.ruleset.revision
