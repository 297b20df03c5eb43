"""Coverage: what no test came by is told with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import RuleSet
from dispatcher.testing.coverage import Coverage, FileCoverage, Gap, Recorder
from dispatcher.testing.running import run_given, run_tests
from dispatcher.tracing import branches, traced
from tests.explain.rule_texts import files, tickets
from tests.lang.strategies import PROPERTY

RULES = """\
# Printers
if 'printer' in msg:
    team = 'A' if name else 'B'
elif 'toner' in msg:
    team = 'C'

# Words
for word in msg.split():
    while True:
        break
try:
    count = int(hostname)
except ValueError:
    priority = 1
match name:
    case 'Dan' if msg:
        state = 'x'
state = 'y'
"""


def covered(*tickets: str, rules: str = RULES) -> FileCoverage:
    """Return what tests with these tickets cover."""
    text = f'[[test]]\nname = "it"\ntickets = [{", ".join(tickets)}]\nexpect = {{}}'
    report = run_given({"r.rules": rules}, text, {}, coverage=True)
    assert report.count("error") == 0
    assert report.coverage is not None
    (file,) = report.coverage.files
    return file


def test_what_is_missing_is_told() -> None:
    """Rules that never fired and arms that were never taken are told in the order of their lines."""
    assert covered('{ hostname = "1" }') == FileCoverage(
        file="r.rules",
        rules=5,
        rules_fired=2,
        arms=12,
        arms_taken=2,
        gaps=(
            Gap(2, "rule", "Printers", "never fired"),
            Gap(2, "if", "'printer' in msg", "never true"),
            Gap(3, "conditional", "name", "never true"),
            Gap(3, "conditional", "name", "never false"),
            Gap(4, "elif", "'toner' in msg", "never true"),
            Gap(8, "rule", "Words", "never fired"),
            Gap(8, "for", "for word in msg.split()", "never entered"),
            Gap(9, "while", "True", "never true"),
            Gap(13, "except", "except ValueError", "never entered"),
            Gap(15, "rule", "match name:", "never fired"),
            Gap(16, "case", "case 'Dan' if msg", "never entered"),
            Gap(16, "guard", "msg", "never true"),
            Gap(16, "guard", "msg", "never false"),
        ),
    )


def test_several_tickets_reach_all() -> None:
    """What all tickets of all tests came by counts together; the end of `while True` is none that could be missing."""
    file = covered(
        '{ msg = "printer", name = "Dan", hostname = "x" }',
        '{ msg = "printer" }',
        '{ msg = "toner" }',
        '{ name = "Dan" }',
    )
    assert (file.rules_fired, file.arms_taken, file.gaps) == (5, 12, ())


@settings(PROPERTY, max_examples=60)
@given(text=files, given_tickets=st.lists(tickets, min_size=1, max_size=4))
def test_arms_are_those_that_traces_tell(text: str, given_tickets: list[dict[str, Any]]) -> None:
    """What is known of branches without a trace is what traces of all tickets say."""
    ruleset = RuleSet.from_text(text, filename="r.rules")
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    recorder = Recorder()
    watch = recorder.watch(ruleset, ["r.rules"])
    taken = set()
    for ticket in given_tickets:
        watch.note(ruleset.evaluate(ticket, now=now)[1], ticket, now)
        for (_, statement), number, held, failed in traced(ruleset, ticket, now=now).counts():
            taken |= {(statement, number, arm) for arm, times in ((True, held), (False, failed)) if times}
    every = {(branch.place[1], branch.number, arm) for branch in branches(ruleset) for arm in branch.arms}

    (found,) = recorder.coverage().files
    assert (found.arms, found.arms_taken) == (len(every), len(taken & every))


def test_a_function_that_nobody_calls_is_missing() -> None:
    """Its body is entered, or it is not."""
    rules = "def team_of(domain):\n    return domain\nif msg == 'x':\n    team = team_of('A')\n"
    gap = Gap(1, "def", "def team_of", "never entered")
    assert gap in covered('{ msg = "y" }', rules=rules).gaps
    assert gap not in covered('{ msg = "x" }', rules=rules).gaps


def test_rules_on_one_line_count_each() -> None:
    """The one that failed has not fired."""
    found = covered("{}", rules="team = 'A'; state = 1 / 0; impact = 3\n")
    assert (found.rules, found.rules_fired) == (3, 2)


def test_the_share_is_rounded_down() -> None:
    """The share is 100 only where nothing is missing, and a threshold is compared with the true share."""
    gaps = (Gap(1, "rule", "x", "never fired"),)
    coverage = Coverage((FileCoverage("a", 1000, 999, 1001, 1001, gaps), FileCoverage("b", 0, 0, 0, 0, ())))
    assert (coverage.percent, coverage.reaches(99.95), coverage.reaches(99.951)) == (99.9, True, False)
    assert (Coverage(()).percent, Coverage(()).reaches(100), Coverage((), ("a",)).reaches(0)) == (100.0, True, False)


def test_a_rule_that_fails_is_not_covered() -> None:
    """A rule that faulted counts as absent, and so do the arms that it went through."""
    text = '[[test]]\nname = "it"\nticket = {}\nexpect = { faults = [{ line = 1 }] }'
    report = run_given({"r.rules": "if priority > 1: team = 'A'"}, text, {}, coverage=True)
    assert report.passed
    assert report.coverage is not None
    assert report.coverage.to_dict() == {
        "percent": 0.0,
        "rules": 1,
        "rules_fired": 0,
        "arms": 2,
        "arms_taken": 0,
        "files": [
            {
                "file": "r.rules",
                "rules": 1,
                "rules_fired": 0,
                "arms": 2,
                "arms_taken": 0,
                "missing": [
                    {"line": 1, "kind": "rule", "text": "if priority > 1: team = 'A'", "missing": "never fired"},
                    {"line": 1, "kind": "if", "text": "priority > 1", "missing": "never true"},
                    {"line": 1, "kind": "if", "text": "priority > 1", "missing": "never false"},
                ],
            }
        ],
        "unread": [],
    }


def test_files_of_several_rule_sets_count_once(tmp_path: Path) -> None:
    """Tests of a folder and of a file in it cover the file together; rules without any test count as not covered."""
    (tmp_path / "a.rules").write_text("if name: team = 'A'")
    (tmp_path / "b.rules").write_text("if msg: team = 'B'")
    files: dict[str, Any] = {
        "tests.toml": "ticket = { name = 'x' }",
        "test_a.toml": "ticket = { msg = 'x' }",
        "one/tests.toml": "ticket = {}",
    }
    for name, ticket in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        rules = 'rules = "../b.rules"\n' if "/" in name else ""
        (tmp_path / name).write_text(f'{rules}[[test]]\nname = "it"\n{ticket}\nexpect = {{}}')
    (tmp_path / "untested").mkdir()
    (tmp_path / "untested" / "c.rules").write_text("if msg: team = 'C'")
    (tmp_path / "untested" / "d.rules").write_text("if (")
    report = run_tests(tmp_path, coverage=True)
    assert report.passed
    assert report.coverage is not None
    assert [(file.file, file.rules_fired, file.arms_taken) for file in report.coverage.files] == [
        (str(tmp_path / "a.rules"), 1, 2),
        (str(tmp_path / "b.rules"), 1, 2),
        (str(tmp_path / "untested" / "c.rules"), 0, 0),
    ]
    assert report.coverage.unread == (str(tmp_path / "untested" / "d.rules"),)
