"""Publishing: what stops rules before they are in force, and what is told of those that pass."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dispatcher import RulesError
from dispatcher.render import versions as render
from dispatcher.testing import Report, run_given
from service import publishing
from service.database import Database
from service.publishing import (
    LONGEST_COMMENT,
    ChangeRequest,
    Publication,
    Publisher,
    RejectedRulesError,
    UnfitRequestError,
)
from service.store import Store
from service.versions import (
    REVISIONS,
    ChangedMeanwhileError,
    Origin,
    RuleSettings,
    UnusableRevisionError,
    Versions,
)
from tests.service.kept import keep

DAN = ChangeRequest("dan")
ONE = {"my.rules": "team = 'One'\n"}
TWO = {"my.rules": "team = 'Two'\n"}
TEST = '[[test]]\nname = "always"\nticket = {}\nexpect = { team = "Two" }\n'


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[Versions]:
    """The versions of an empty database."""
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.open()
    yield Versions(database)
    database.close()


@pytest.fixture
def publisher(versions: Versions) -> Publisher:
    """A publisher of a service that declares a variable."""
    return Publisher(versions, RuleSettings(variables=("floor",)))


def run_of(files: dict[str, str], tests: str = TEST) -> Any:
    """Return what runs tests on files."""
    return lambda: run_given(files, tests, {})


def active(versions: Versions) -> str | None:
    """Return the revision in force."""
    version = versions.active()
    return None if version is None else version.revision


def test_publication(versions: Versions, publisher: Publisher, caplog: pytest.LogCaptureFixture) -> None:
    """What passes is in force, with the settings of before; the answer says what changed, and the log who did it."""
    first = publisher.publish(ONE, DAN)
    with caplog.at_level(logging.INFO):
        done = publisher.publish(TWO, ChangeRequest("eve", " because\n of  it "), run_of(TWO))
    assert done.version is not None
    assert done.version == versions.active()
    assert (done.version.author, done.version.comment, done.version.origin) == ("eve", "because of it", Origin.PUBLISH)
    assert done.version.settings.variables == ("floor",)
    assert done.version.checks == {"warnings": 0, "tests": {"passed": 1, "failed": 0, "errors": 0}}
    data = done.to_dict()
    assert (data["changed"], data["replaced"]["revision"], data["tests"]["passed"]) == (True, first.revision, 1)
    assert data["changes"] == [
        {
            "file": "my.rules",
            "change": "changed",
            "lines_added": 1,
            "lines_removed": 1,
            "diff": "--- a/my.rules\n+++ b/my.rules\n@@ -1 +1 @@\n-team = 'One'\n+team = 'Two'\n",
        }
    ]
    record = caplog.records[-1]
    assert record.getMessage() == "rules published"
    assert {name: vars(record)[name] for name in ("revision", "by", "replaced")} == {
        "revision": done.revision,
        "by": "eve",
        "replaced": first.revision,
    }


def test_order_of_files(versions: Versions, publisher: Publisher) -> None:
    """Files run in the order of their names, however they are given, as those of a folder do."""
    done = publisher.publish({"b.rules": "team = 'B'\n", "a.rules": "team = 'A'\n"}, DAN)
    assert list(versions.files(done.revision)) == ["a.rules", "b.rules"]
    assert versions.ruleset(done.revision).decide({}).action_variables["team"] == "B"


def test_rules_in_force(versions: Versions, publisher: Publisher) -> None:
    """Publishing what is in force, or going back to it, changes nothing and says so."""
    first = publisher.publish(ONE, DAN)
    for again in (publisher.publish(ONE, DAN), publisher.activate(first.revision, DAN)):
        assert (again.changed, again.version, again.replaced, again.changes) == (False, None, first.version, ())
    assert len(versions.history(10)) == 1


def test_dry_run(versions: Versions, publisher: Publisher) -> None:
    """A dry run finds out everything, and nothing comes into force."""
    first = publisher.publish(ONE, DAN)
    done = publisher.publish(TWO, ChangeRequest("dan", dry_run=True), run_of(TWO))
    assert (done.version, done.changed, len(done.changes), done.tests is not None) == (None, True, 1, True)
    assert done.to_dict()["replaced"]["active"] is True
    assert active(versions) == first.revision
    with pytest.raises(RejectedRulesError):
        publisher.publish(ONE, ChangeRequest("dan", dry_run=True), run_of(ONE))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("team = tema\n", "^my.rules:1:8: nothing is called `tema`$"),
        ("team = (", "^my.rules:1:"),
    ],
)
def test_rules_with_errors(versions: Versions, publisher: Publisher, rules: str, said: str) -> None:
    """Rules with errors are not published."""
    with pytest.raises(RulesError, match=said):
        publisher.publish({"my.rules": rules}, DAN)
    assert active(versions) is None


def test_failing_tests(versions: Versions, publisher: Publisher) -> None:
    """Rules whose tests fail are published only by who says so, and the history tells it."""
    with pytest.raises(RejectedRulesError, match=r"^the rules are not published: 1 of 1 test did not pass$") as raised:
        publisher.publish(ONE, DAN, run_of(ONE))
    assert raised.value.report == run_given(ONE, TEST, {})
    with pytest.raises(RejectedRulesError, match="1 of 1 test did not pass"):
        publisher.publish(ONE, DAN, run_of(ONE, "no toml"))
    assert active(versions) is None
    done = publisher.publish(ONE, DAN, run_of(ONE), allow_failing_tests=True)
    assert done.version is not None
    assert done.version.checks["tests"] == {"passed": 0, "failed": 1, "errors": 0}


def test_without_tests(publisher: Publisher) -> None:
    """Rules without tests are published, and that is told apart from tests that pass."""
    assert publisher.publish(ONE, DAN).to_dict()["tests"] is None
    assert publisher.publish(TWO, DAN, lambda: Report(())).to_dict()["tests"] is None


@pytest.mark.parametrize("rules", ["while True:\n    pass\n", "team = 'x' * 10 ** 9\n"])
def test_rules_without_end(versions: Versions, publisher: Publisher, rules: str) -> None:
    """Rules that use up their budget on any ticket are not published."""
    with pytest.raises(
        RejectedRulesError, match=r"on a ticket that says nothing they run out of budget: my\.rules:1: "
    ):
        publisher.publish({"my.rules": rules}, DAN)
    assert active(versions) is None


def test_rules_that_fail_on_an_empty_ticket(versions: Versions, publisher: Publisher) -> None:
    """A rule that fails where a ticket says nothing is no reason: that costs the rule, and others may have it."""
    done = publisher.publish({"my.rules": "team = msg.split()[0]\n"}, DAN)
    assert active(versions) == done.revision


def test_newest_tickets(versions: Versions, publisher: Publisher) -> None:
    """What rules would have changed on kept tickets is told in numbers, and stops nobody."""
    store = Store(versions.database)
    for place in range(3):
        keep(store, place)
    first = publisher.publish(ONE, DAN)
    assert first.to_dict()["backtest"] is None
    done = publisher.publish(TWO, DAN).to_dict()
    assert done["backtest"] == {
        "tickets": 3,
        "changed": 3,
        "variables": {"team": 3},
        "refused": {"new": 0, "gone": 0},
        "faults": {"new": 0, "gone": 0},
        "cut": None,
    }
    lines = ["".join(text for _, text in line) for line in render.publication(done)]
    assert "of the newest 3 tickets, 3 would be decided otherwise: team on 3" in lines
    refusing = publisher.publish({"my.rules": "exception = 'no'\n"}, DAN).to_dict()
    assert refusing["backtest"]["refused"] == {"new": 3, "gone": 0}
    same = publisher.publish({"my.rules": "# as before\nexception = 'no'\n"}, DAN).to_dict()
    assert (same["backtest"]["tickets"], same["backtest"]["changed"]) == (3, 0)


def test_many_tickets(versions: Versions, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many of the newest tickets are compared, and for so long, that publishing soon ends."""
    store = Store(versions.database)
    for place in range(10):
        keep(store, place)
    publisher.publish(ONE, DAN)
    monkeypatch.setattr(publishing, "TICKETS_TRIED", 4)
    assert publisher.publish(TWO, DAN).to_dict()["backtest"]["tickets"] == 4
    monkeypatch.setattr(publishing, "TRYING_SECONDS", -1.0)
    late = publisher.publish(ONE, DAN).to_dict()["backtest"]
    assert (late["tickets"], late["cut"]) == (1, "time")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "there are no files to publish"),
        ({"": ""}, "'' is no name of a rule file, such as `10-vip.rules`"),
        ({"../a.rules": ""}, "'../a.rules' is no name of a rule file, such as `10-vip.rules`"),
        ({"a\\b.rules": ""}, "'a\\\\b.rules' is no name of a rule file, such as `10-vip.rules`"),
        ({"..": ""}, "'..' is no name of a rule file, such as `10-vip.rules`"),
        ({"a:b.rules": ""}, "'a:b.rules' is no name of a rule file, such as `10-vip.rules`"),
        ({"\u00fc" * 130: ""}, "'" + "\u00fc" * 130 + "' is no name of a rule file, such as `10-vip.rules`"),
        (
            {"a.rules": "", "A.rules": ""},
            "`a.rules` and `A.rules` are the same file on some computers: rename one of them",
        ),
        ({"a\n.rules": ""}, "'a\\n.rules' is no name of a rule file, such as `10-vip.rules`"),
        ({"a.rules": "", "b.txt": ""}, "`b.txt` would not run in a folder: the names of rule files end with .rules"),
    ],
)
def test_names_of_files(publisher: Publisher, files: dict[str, str], said: str) -> None:
    """Files are called as in a folder of rules, or are refused before anything is read."""
    with pytest.raises(UnfitRequestError) as raised:
        publisher.publish(files, DAN)
    assert str(raised.value) == said


@pytest.mark.parametrize("comment", ["x" * (LONGEST_COMMENT + 1), "a\x1b[2Jb", "\ud83d"])
def test_comments(publisher: Publisher, comment: str) -> None:
    """A comment is text that can be shown."""
    with pytest.raises(UnfitRequestError, match=r"^a comment is text of at most 1000 characters$"):
        publisher.publish(ONE, ChangeRequest("dan", comment))


def test_expected_revision(versions: Versions, publisher: Publisher) -> None:
    """Who expects other rules to be in force changes nothing, and hears which are, by whom and since when."""
    with pytest.raises(UnfitRequestError, match="no rules are in force yet"):
        publisher.publish(ONE, ChangeRequest("dan", expected="0" * 8))
    first = publisher.publish(ONE, DAN)
    second = publisher.publish(TWO, ChangeRequest("eve", expected=first.revision[:8]))
    changes: list[Callable[[ChangeRequest], Publication]] = [
        partial(publisher.publish, ONE),
        partial(publisher.activate, first.revision),
    ]
    for change in changes:
        with pytest.raises(ChangedMeanwhileError, match=rf"revision {second.revision[:8]}, by eve on 20") as raised:
            change(ChangeRequest("dan", expected=first.revision))
        assert raised.value.active == second.version
    assert active(versions) == second.revision


def test_publication_during_the_checks(versions: Versions, publisher: Publisher) -> None:
    """Who was overtaken while the tests ran does not overwrite what came into force meanwhile."""
    publisher.publish(ONE, DAN)

    def overtaken() -> Report:
        publisher.publish({"my.rules": "team = 'Eve'\n"}, ChangeRequest("eve"))
        return run_given(TWO, TEST, {})

    with pytest.raises(ChangedMeanwhileError, match="by eve"):
        publisher.publish(TWO, DAN, overtaken)
    found = versions.active()
    assert found is not None
    assert found.author == "eve"


def test_going_back(versions: Versions, publisher: Publisher) -> None:
    """Earlier rules come back as a version of its own, with the settings of today, and nothing is forgotten."""
    first = publisher.publish(ONE, DAN)
    publisher.publish(TWO, DAN)
    settings = RuleSettings(("floor",), {"priority": 1})
    versions.start(versions.ruleset(publisher.publish(TWO, DAN).revision), settings)
    done: Publication = publisher.activate(first.revision, ChangeRequest("eve", "wrong team"))
    assert done.version == versions.active()
    assert [(version.revision == first.revision, version.origin) for version in versions.history(10)] == [
        (True, Origin.ROLLBACK),
        (False, Origin.SETTINGS),
        (False, Origin.PUBLISH),
        (True, Origin.PUBLISH),
    ]
    assert done.version is not None
    assert done.version.settings == settings
    assert versions.ruleset(first.revision).decide({}).action_variables["priority"] == 1


def test_going_back_to_rules_with_errors(versions: Versions, publisher: Publisher) -> None:
    """Rules that need what the settings declared at their time do not come back, and the text says what to do."""
    first = publisher.publish({"my.rules": "team = floor\n"}, DAN)
    second = publisher.publish(TWO, DAN)
    versions.start(versions.ruleset(second.revision), RuleSettings())
    with pytest.raises(UnusableRevisionError) as raised:
        Publisher(Versions(versions.database), RuleSettings()).activate(first.revision, DAN)
    short = first.revision[:8]
    assert str(raised.value) == (
        f"the rules of revision {short} have errors for this version of dispatcher and these settings: my.rules:1:8: "
        f"nothing is called `floor`; `dispatcher rules show {short} --output DIR` writes its files, to mend and publish "
        "them"
    )
    assert active(versions) == second.revision


def test_leaving_rules_with_errors(versions: Versions, publisher: Publisher) -> None:
    """Where the rules in force cannot be used by now, others can be published, and earlier ones come back."""
    first = publisher.publish(ONE, DAN)
    second = publisher.publish(TWO, DAN)
    with versions.database.transaction() as connection:
        broken = sa.update(REVISIONS).where(REVISIONS.c.revision == second.revision)
        connection.execute(broken.values(files='{"my.rules": "team = tema"}'))
    fresh = Publisher(Versions(versions.database), RuleSettings())
    done = fresh.publish({"my.rules": "team = 'Three'\n"}, ChangeRequest("dan", dry_run=True))
    assert (done.changed, done.backtest) == (True, None)
    assert fresh.activate(first.revision, DAN).revision == active(versions) == first.revision
