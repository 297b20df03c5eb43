"""Versions: each change of the rules in force is one row, all of it or none, on both databases."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from dispatcher import RuleSet
from service import versions as versions_module
from service.database import VERSION, Database
from service.retention import Retention
from service.settings import RetentionSection, Settings
from service.store import State, Store
from service.versions import (
    REVISIONS,
    VERSIONS,
    ChangedMeanwhileError,
    NoRevisionError,
    Origin,
    RuleSettings,
    UnusableRevisionError,
    Version,
    Versions,
)
from tests.programs import ROOT
from tests.service.kept import found, keep, set_row

ONE = RuleSet.from_text("team = 'One'\n", filename="my.rules")
TWO = RuleSet.from_text("team = 'Two'\n", filename="my.rules")
THREE = RuleSet.from_text("team = 'Three'\n", filename="my.rules")
SETTINGS = RuleSettings()
URGENT = RuleSettings(defaults={"priority": 1})


@pytest.fixture
def versions(any_database: Database) -> Versions:
    """The versions of an empty database, of each kind."""
    return Versions(any_database)


def add(versions: Versions, rules: RuleSet, **more: Any) -> Version:
    """Publish rules after those that are in force."""
    return versions.add(rules, SETTINGS, Origin.PUBLISH, "dan", seen=versions.active(), **more)


def told(versions: Versions) -> list[tuple[str, Origin]]:
    """Return revision and origin of all versions, the newest first."""
    return [(version.revision, version.origin) for version in versions.history(100)]


def test_publication(versions: Versions) -> None:
    """What was published is in force, and is told with who, when and why."""
    before = int(time.time() * 1000)
    assert (versions.active(), versions.history(10)) == (None, [])
    version = add(versions, ONE, comment="first", checks={"warnings": 2})
    assert version.to_dict(active=True) == {
        "number": 1,
        "revision": ONE.revision,
        "active": True,
        "since": version.to_dict(active=True)["since"],
        "origin": "publish",
        "by": "dan",
        "comment": "first",
        "settings": {"variables": [], "defaults": {}, "on_fault": "absent"},
        "checks": {"warnings": 2},
    }
    assert before <= version.since <= time.time() * 1000
    assert versions.active() == versions.history(10)[0] == version
    assert versions.files(ONE.revision) == {"my.rules": "team = 'One'\n"}


def test_files_come_back_as_they_were(versions: Versions) -> None:
    """Whatever text rules hold, its revision is the same when they are read again."""
    text = "# \ud83d \U0001f600 NUL-free\nteam = '\u00fc'\r\nstate = 'x'"
    rules = RuleSet.from_text(text, filename="a b \u00fc.rules")
    add(versions, rules)
    assert Versions(versions.database).ruleset(rules.revision).revision == rules.revision


def test_history_in_pages(versions: Versions) -> None:
    """Versions are told the newest first, so many at a time."""
    for rules in (ONE, TWO, THREE):
        add(versions, rules)
    assert [version.number for version in versions.history(2)] == [3, 2]
    assert [version.number for version in versions.history(2, before=2)] == [1]


def test_before(versions: Versions) -> None:
    """What was in force before others is found behind changes of the settings, and there may be nothing."""
    add(versions, ONE)
    add(versions, TWO)
    versions.start(TWO, URGENT)
    last = versions.start(TWO, SETTINGS)
    before = versions.before(last)
    assert (last.number, before and before.number) == (4, 1)
    assert versions.before(versions.history(1, before=2)[0]) is None


@pytest.mark.parametrize("wanted", ["", "1234567", "zzzzzzzz", "%%%%%%%%", "0" * 65, "../../../etc", "\0" * 8])
def test_no_revision(versions: Versions, wanted: str) -> None:
    """What is no beginning of a revision is said to be none, and the database is not asked."""
    with pytest.raises(NoRevisionError, match=r"is no revision: write its first 8 characters or more"):
        versions.resolve(wanted)


def test_abbreviations(versions: Versions) -> None:
    """A revision is found by its beginning, unless others begin alike."""
    add(versions, ONE)
    assert versions.resolve(f" {ONE.revision[:8].upper()} ") == ONE.revision
    with pytest.raises(NoRevisionError, match=r"^no rules that were in force have a revision that begins with `0{9}`"):
        versions.resolve("000000000")
    with versions.database.transaction() as connection:
        connection.execute(sa.insert(REVISIONS).values(revision=ONE.revision[:8] + "0" * 56, files="{}"))
    with pytest.raises(NoRevisionError, match=r"^several revisions begin with"):
        versions.resolve(ONE.revision[:8])
    assert versions.resolve(ONE.revision[:9]) == ONE.revision


# --- what a start finds


def test_first_start(versions: Versions) -> None:
    """Rules of the folder are in force from the first start on, and another start changes nothing."""
    first = versions.start(ONE, SETTINGS)
    assert (first.number, first.origin, first.author) == (1, Origin.FOLDER, "folder")
    assert versions.start(ONE, SETTINGS) == first
    assert told(versions) == [(ONE.revision, Origin.FOLDER)]


def test_changed_folder(versions: Versions) -> None:
    """Rules that were changed in their folder come into force at the next start, whatever was published."""
    versions.start(ONE, SETTINGS)
    add(versions, TWO)
    assert versions.start(THREE, SETTINGS).revision == THREE.revision
    assert versions.active() == versions.start(THREE, SETTINGS)


def test_publication_survives_a_start(versions: Versions) -> None:
    """What was published stays in force while the folder is as it was."""
    versions.start(ONE, SETTINGS)
    published = add(versions, TWO)
    assert versions.start(ONE, SETTINGS) == published


def test_published_folder(versions: Versions) -> None:
    """A folder that was published and then replaced or rolled back does not come back with a start."""
    versions.start(ONE, SETTINGS)
    add(versions, TWO)
    later = add(versions, THREE)
    assert versions.start(TWO, SETTINGS) == later


def test_folder_that_goes_back(versions: Versions) -> None:
    """Files that are changed to what they were two starts ago are a change."""
    versions.start(ONE, SETTINGS)
    versions.start(TWO, SETTINGS)
    assert versions.start(ONE, SETTINGS).number == 3


def test_published_folder_that_goes_back(versions: Versions) -> None:
    """Files that are changed to what they were before they were published are a change."""
    versions.start(ONE, SETTINGS)
    add(versions, TWO, in_folder=True)
    assert versions.start(ONE, SETTINGS).revision == ONE.revision


def test_published_rules_that_reach_the_folder(versions: Versions) -> None:
    """So are those of a folder in which a start has found what was published elsewhere."""
    versions.start(ONE, SETTINGS)
    published = add(versions, TWO)
    assert versions.start(TWO, SETTINGS) == published
    assert versions.start(ONE, SETTINGS).revision == ONE.revision


def test_changed_settings(versions: Versions) -> None:
    """Other settings come into force at a start, with the rules that are in force."""
    versions.start(ONE, SETTINGS)
    add(versions, TWO)
    version = versions.start(ONE, URGENT)
    assert (version.revision, version.origin, version.settings) == (TWO.revision, Origin.SETTINGS, URGENT)
    assert versions.start(ONE, URGENT) == version


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"priority": 1, "team": "A"}, {"team": "A", "priority": 1}, True),
        ({"priority": 1}, {"priority": True}, False),
        ({"priority": 1}, {"priority": 1.0}, False),
        ({"priority": "1"}, {"priority": 1}, False),
    ],
)
def test_same_settings(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    """Settings are the same when rules cannot tell one from the other."""
    assert RuleSettings(defaults=one).same(RuleSettings(defaults=other)) is same


def test_settings_as_they_are_kept() -> None:
    """What TOML has and JSON has not is text from the beginning, so that a start finds no change."""
    settings = Settings.model_validate({"defaults": {"customfield": {"CFday": datetime(2026, 3, 2, tzinfo=UTC)}}})
    assert RuleSettings.of(settings).defaults == {"customfield": {"CFday": "2026-03-02T00:00:00+00:00"}}


# --- rule sets of then


def test_rule_set_of_then(versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision decides as at that time: with the defaults, variables and answer to faults of then."""
    now = 1_000_000
    monkeypatch.setattr(versions_module, "milliseconds", lambda: now)
    rules = RuleSet.from_text("state = floor\nteam = 1 + 'a'\n", variables=["floor"], filename="my.rules")
    then = RuleSettings(("floor",), {"priority": 3}, "refuse")
    versions.start(rules, then)
    now = 2_000_000
    versions.start(rules, RuleSettings(("floor",), {"priority": 1}))
    for moment, priority, refused in ((999, 3, True), (1999, 3, True), (2000, 1, False), (9999, 1, False)):
        ruleset = Versions(versions.database).ruleset(rules.revision, datetime.fromtimestamp(moment, UTC))
        decision = ruleset.decide({"floor": "2nd"})
        assert decision.action_variables["priority"] == priority
        assert (decision.refused is not None) is refused
    assert versions.ruleset(rules.revision).decide({}).action_variables["priority"] == 1
    with pytest.raises(NoRevisionError, match="were never in force here"):
        versions.ruleset("0" * 64)


def test_rule_sets_at_hand(versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rule sets are compiled once; older ones are compiled again when they are asked for."""
    rules = [RuleSet.from_text(f"team = {number}\n", filename="my.rules") for number in range(6)]
    for one in rules:
        add(versions, one)
    first = versions.ruleset(rules[0].revision)
    assert versions.ruleset(rules[0].revision) is first
    for one in rules[1:]:
        versions.ruleset(one.revision)
    assert versions.ruleset(rules[0].revision) is not first
    assert len(versions._compiled) == versions_module._AT_HAND


def test_rules_of_another_dispatcher(versions: Versions) -> None:
    """Rules that have errors by now are said to be unusable, with the first error."""
    add(versions, ONE)
    with versions.database.transaction() as connection:
        connection.execute(sa.update(REVISIONS).values(files='{"my.rules": "team = tema"}'))
    with pytest.raises(UnusableRevisionError) as raised:
        Versions(versions.database).ruleset(ONE.revision)
    assert str(raised.value) == (
        f"the rules of revision {ONE.revision[:8]} have errors for this version of dispatcher and these settings: "
        "my.rules:1:8: nothing is called `tema`"
    )


@pytest.mark.anyio
async def test_retention(versions: Versions) -> None:
    """Versions outlive the tickets that they decided: neither they nor their files are ever deleted."""
    add(versions, ONE)
    last = add(versions, TWO)
    store = Store(versions.database)
    ticket_id = keep(store, state=State.FILED)
    set_row(store, ticket_id, updated_at=0)
    settings = RetentionSection(bodies_days=1, decisions_days=1, tickets_days=1)
    await Retention(versions.database, settings).sweep()
    assert store.get(ticket_id) is None
    assert (versions.active(), len(versions.history(10))) == (last, 2)
    assert versions.files(ONE.revision) == {"my.rules": "team = 'One'\n"}


# --- several at once


def test_changed_meanwhile(versions: Versions) -> None:
    """Who has not seen the last version changes nothing, and hears who was first."""
    seen = add(versions, ONE)
    add(versions, TWO)
    with pytest.raises(
        ChangedMeanwhileError, match=rf"^other rules came into force: revision {TWO.revision[:8]}, by dan"
    ):
        versions.add(THREE, SETTINGS, Origin.PUBLISH, "eve", seen=seen)
    with pytest.raises(ChangedMeanwhileError):
        versions.add(THREE, SETTINGS, Origin.PUBLISH, "eve", seen=None)
    assert told(versions) == [(TWO.revision, Origin.PUBLISH), (ONE.revision, Origin.PUBLISH)]
    with pytest.raises(NoRevisionError):
        versions.files(THREE.revision)


def test_publications_at_once(versions: Versions) -> None:
    """Of many who publish after the same version, one does."""
    seen = add(versions, ONE)

    def publish(number: int) -> bool:
        rules = RuleSet.from_text(f"team = {number}\n", filename="my.rules")
        try:
            versions.add(rules, SETTINGS, Origin.PUBLISH, str(number), seen=seen)
        except ChangedMeanwhileError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        published = list(pool.map(publish, range(16)))
    assert (sum(published), len(told(versions))) == (1, 2)
    assert versions.history(1)[0].author == str(published.index(True))


def test_starts_at_once(versions: Versions) -> None:
    """Of many processes that start with the same folder, one makes it a version."""
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda _: versions.start(ONE, SETTINGS), range(16)))
    assert {version.number for version in started} == {1}
    assert told(versions) == [(ONE.revision, Origin.FOLDER)]


# What a process does that dies when everything is written and nothing is committed.
DYING = """
import os, signal, sys
from dispatcher import RuleSet
from service import versions
from service.database import Database
from service.versions import Origin, RuleSettings, Versions

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

insert = versions._add
def add(*arguments, **more):
    insert(*arguments, **more)
    die()

versions._add = add
database = Database(sys.argv[1])
database.open(exclusive=False)
kept = Versions(database)
kept.add(RuleSet.from_text("team = 'Two'"), RuleSettings(), Origin.PUBLISH, "eve", seen=kept.active())
"""


def test_crash_while_publishing(versions: Versions) -> None:
    """A process that dies half-way through publishing leaves the rules of before in force, and the way free."""
    add(versions, ONE)
    url = versions.database.url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", DYING, url], cwd=ROOT, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    assert told(versions) == [(ONE.revision, Origin.PUBLISH)]
    with versions.database.engine.connect() as connection:
        assert connection.execute(sa.select(REVISIONS.c.revision)).scalars().all() == [ONE.revision]
    assert add(versions, TWO).number == 2


# --- databases of before


def test_database_without_versions(any_database: Database) -> None:
    """A database of the version before is opened with all its tickets, and can keep versions then."""
    store = Store(any_database)
    ticket_id = keep(store)
    with any_database.transaction() as connection:
        VERSIONS.drop(connection)
        REVISIONS.drop(connection)
        connection.exec_driver_sql("UPDATE schema_version SET version = 2")
    url = any_database.url.render_as_string(hide_password=False)
    for _ in range(2):
        again = Database(url)
        again.open(exclusive=False)
        with again.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT version FROM schema_version").scalars().all() == [VERSION]
        assert found(Store(again), ticket_id).payload == {"msg": "no sound at all"}
        Versions(again).start(ONE, SETTINGS)
        again.close()
    assert told(Versions(any_database)) == [(ONE.revision, Origin.FOLDER)]
