"""Tests of rules are run: what passes, what fails and with which words, what could not be run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher.errors import DispatcherError
from dispatcher.render.testing import details
from dispatcher.testing import running
from dispatcher.testing.results import Report, Result

RULES = """\
# Emergencies
if 'emergency' in selections and priority != 1:
    priority = 'Critical'
    subject = '!! ' + subject

# Printers
if 'printer' in msg.lower() or 'toner' in msg:
    team = 'Printers'
    priority = 'Low'

# Fails
if urgency > 2:
    team = 'X'
found = 'toner' in msg
if name == 'Fabrikam':
    exception = 'Please call us.'
"""
NO_URGENCY = "faults = [{ line = 12, type = 'TypeError' }]\n"


def run(tests: str, *, rules: str = RULES, tickets: dict[str, dict[str, Any]] | None = None) -> Report:
    """Return what becomes of tests of the rules in `r.rules`."""
    return running.run_given({"r.rules": rules}, tests, tickets or {})


def one(ticket: str, expect: str, *, top: str = "", rules: str = RULES) -> Result:
    """Return what becomes of the only test, which is about one ticket."""
    text = f'{top}\n[[test]]\nname = "it"\nticket = {ticket}\n[test.expect]\n{expect}'
    (result,) = run(text, rules=rules).results
    return result


def wrong(result: Result) -> list[str]:
    """Return what a person is told of a failure, without which ticket it is and which rules fired."""
    assert result.outcome == "fail"
    return [line.strip() for line in details(result.to_dict())[1:-1]]


def test_what_holds_passes() -> None:
    """A test passes where values, refusal, faults, rules, prints and note are as it expects."""
    passed = one(
        '{ selections = "emergency", msg = "no toner", name = "Fabrikam", urgency = 3 }',
        """
        priority = "Low"
        found = true
        unchanged = ["state", "msg"]
        unset = ["agent"]
        refused = { contains = "call us" }
        fired = ["Emergencies", 7, "r.rules:12", 15]
        """,
    )
    assert passed == Result("tests.toml", 2, "it", tickets=1)
    assert one('{ urgency = 1, msg = "toner" }', 'note_contains = ["Printers", "r.rules:7"]').outcome == "pass"
    assert one("{ priority = 'x' }", "prints = 'p x'", rules="print('p', priority)").outcome == "pass"
    assert one("{}", "", rules="priority = 1").outcome == "pass"


VALUES = [
    # Which rule set the value that came, and where none did, why it is as it is.
    (
        '{ selections = "emergency", msg = "toner", urgency = 0 }',
        'priority = "Critical"',
        ["priority: expected 'Critical', got 'Low'", "r.rules:9: priority = 'Low'"],
    ),
    ("{ urgency = 0 }", 'team = "A"', ["team: expected 'A', got None", "no rule set it"]),
    ("{ urgency = 0 }", "urgency = 1", ["urgency: expected 1, got 0", "no rule set it: it came with the ticket"]),
    ("{ urgency = 0 }", 'state = "B"', ["state: expected 'B', got 'New'", "no rule set it: it is the default"]),
    ("{ urgency = 0 }", "found = true", ["found: expected True, got False"]),
    # 1, 1.0 and true are told apart, as in decisions.
    ("{ urgency = 1 }", "urgency = 1.0", ["urgency: expected 1.0, got 1", "no rule set it: it came with the ticket"]),
    # What is expected to stay, or to be without a value.
    (
        '{ msg = "toner", urgency = 0 }',
        'unchanged = ["priority", "msg"]',
        ["priority: expected no change of None, got 'Low'", "r.rules:9: priority = 'Low'"],
    ),
    (
        "{ urgency = 3 }",
        'unset = ["team", "found"]',
        [
            "team: expected no value, got 'X'",
            "r.rules:13: team = 'X'",
            "found: expected no value, got False",
        ],
    ),
    # Refusals.
    (
        '{ urgency = 0, name = "Fabrikam" }',
        "",
        ["refused: expected no refusal, got 'Please call us.'", "r.rules:16: exception = 'Please call us.'"],
    ),
    ("{ urgency = 0 }", "refused = true", ["refused: expected a refusal, got no refusal", "no rule set it"]),
    ("{ urgency = 0 }", 'refused = "No"', ["refused: expected 'No', got no refusal", "no rule set it"]),
    (
        '{ urgency = 0, name = "Fabrikam" }',
        'refused = { contains = "No" }',
        [
            "refused: expected a text that contains 'No', got 'Please call us.'",
            "r.rules:16: exception = 'Please call us.'",
        ],
    ),
    # Faults.
    (
        "{}",
        "",
        [
            "faults: expected no fault, got TypeError "
            "('>' not supported between instances of 'NoneType' and 'int') in line 12",
            "r.rules:12: if urgency > 2:",
        ],
    ),
    (
        "{ urgency = 0 }",
        NO_URGENCY,
        ["faults: expected TypeError in line 12, got no fault"],
    ),
    # Rules, with the part of the condition that decided.
    (
        '{ selections = "emergency", priority = 1, urgency = 3 }',
        'fired = ["Emergencies", "Printers"]',
        [
            "fired: expected r.rules:2 Emergencies, r.rules:7 Printers, got r.rules:12 Fails",
            'r.rules:12 "Fails" fired',
            'r.rules:2 "Emergencies" did not fire: line 2: priority != 1 was false with priority = 1',
            "r.rules:7 \"Printers\" did not fire: line 7: 'printer' in msg.lower() was false with msg.lower() = ''",
            "r.rules:12: if urgency > 2:",
        ],
    ),
    (
        "{}",
        NO_URGENCY + "fired = [12]",
        [
            "fired: expected r.rules:12 Fails, got no rule",
            'r.rules:12 "Fails" did not fire: it failed in line 12: TypeError: '
            "'>' not supported between instances of 'NoneType' and 'int'",
        ],
    ),
    (
        '{ urgency = 0, name = "Fabrikam" }',
        'refused = true\nnote_contains = "x"',
        [
            "note_contains: expected a text that contains 'x', got None",
            "the ticket is refused, so there is no note",
        ],
    ),
]


@pytest.mark.parametrize(("ticket", "expect", "told"), VALUES)
def test_what_does_not_hold_is_told(ticket: str, expect: str, told: list[str]) -> None:
    """A failure says what was expected, what came, and which line it comes from."""
    assert wrong(one(ticket, expect, top='defaults = { state = "New" }')) == told


REASONS = [
    (
        "if name == 'dan' and msg: team = 'A'",
        "line 1: name == 'dan' was false with name = 'Dan'; they differ in upper and lower case only",
    ),
    ("if not name: team = 'A'", "line 1: name was true with name = 'Dan'"),
    ("for word in msg.split():\n    team = 'A'", "line 1: for word in msg.split(): there was nothing to go through"),
    ("match name:\n    case 'x': team = 'A'", "line 2: case 'x': it did not match"),
    (
        "if 10 ** 5000 + len(name) == 1: team = 'A'",
        "line 1: 10 ** 5000 + len(name) == 1 was false with 10 ** 5000 + len(name) = '<number of 16610 bits>'",
    ),
]


@pytest.mark.parametrize(("rules", "reason"), REASONS)
def test_why_a_rule_did_not_fire_is_told(rules: str, reason: str) -> None:
    """A rule that was expected to fire is told with the first part that kept it from that."""
    assert wrong(one('{ name = "Dan" }', "fired = [1]", rules=rules))[1] == f"r.rules:1 did not fire: {reason}"


def test_prints_are_compared_without_the_last_line_end() -> None:
    """What rules print is compared line by line."""
    assert wrong(one("{}", "prints = 'a'", rules="print('a')\nprint('b')")) == ["prints: expected 'a', got 'a\\nb\\n'"]


def test_long_texts_are_shown_where_they_differ() -> None:
    """Of two long texts a person sees the first character in which they differ."""
    rules = "msg = 'a' * 5000 + 'b' + 'c' * 5000"
    assert wrong(one("{}", f"msg = '{'a' * 5000}x'", rules=rules)) == [
        f"msg: expected ...'{'a' * 40}x', got ...'{'a' * 40}b{'c' * 259}'...",
        f"r.rules:1: {rules}",
    ]


def test_a_rule_that_fails_can_refuse() -> None:
    """With `on_fault` as in production, the refusal comes from the line that failed."""
    text = "TypeError: '>' not supported between instances of 'NoneType' and 'int' (r.rules, line 12)"
    assert wrong(one("{}", NO_URGENCY, top='on_fault = "refuse"')) == [
        f"refused: expected no refusal, got {text!r}",
        "`on_fault` is refuse, and a rule failed",
        "r.rules:12: if urgency > 2:",
    ]


def test_a_failure_names_the_ticket_and_the_rules_that_fired() -> None:
    """Each failing ticket is known by its file or its number, with the rules that did something."""
    text = '[[test]]\nname = "it"\ntickets = ["a.json", {urgency = 0, msg = "toner"}]\nexpect = { team = "Y" }'
    (result,) = run(text, tickets={"a.json": {"urgency": 3}}).results
    assert [failure.ticket for failure in result.failures] == ["a.json", "ticket 2"]
    assert [line for line in details(result.to_dict()) if "fired" in line] == [
        "  rules that fired: r.rules:12 Fails",
        "  rules that fired: r.rules:7 Printers",
    ]


def test_tickets_can_expect_something_of_their_own() -> None:
    """What one ticket of several says of itself comes before what the test says of all."""
    text = """
        [[test]]
        name = "it"
        now = 2026-05-01T10:00:00Z
        looked_up = { business_name = "Contoso" }
        tickets = [
          {},
          { ticket = {}, now = 2026-05-01T11:00:00Z, expect = { hour = 11 } },
          { ticket = "a", looked_up = { name = "Dan" }, expect = { who = "Dan of Contoso" } },
        ]
        [test.expect]
        hour = 10
        """
    rules = "import datetime\nhour = datetime.datetime.now().hour\nwho = f'{name} of {business_name}'"
    assert run(text, rules=rules, tickets={"a": {"msg": "x"}}).results == (Result("tests.toml", 2, "it", tickets=3),)


def test_what_was_looked_up_fills_in_what_a_ticket_lacks() -> None:
    """As at intake, what the sender says comes before what Halo knows."""
    looked_up = 'looked_up = { name = "Dan Jump", business_name = "Contoso" }\n'
    text = f'[[test]]\nname = "it"\nticket = {{ name = "Amy", business_name = "" }}\n{looked_up}[test.expect]\n'
    assert run(text + 'name = "Amy"\nbusiness_name = "Contoso"', rules="").passed


MOMENTS = [
    ("", "", "2026-03-02T09:00:00+00:00"),
    ('timezone = "Europe/Berlin"', "", "2026-03-02T09:00:00+01:00"),
    ("now = 2026-07-01T10:00:00", "", "2026-07-01T10:00:00+00:00"),
    ('timezone = "Europe/Berlin"\nnow = 2026-07-01T10:00:00', "", "2026-07-01T10:00:00+02:00"),
    ("now = 2026-07-01T10:00:00Z", "now = 2026-07-02T11:00:00-05:00", "2026-07-02T11:00:00-05:00"),
]


@pytest.mark.parametrize(("top", "now", "arrives"), MOMENTS)
def test_the_time_of_arrival_is_that_of_the_file(top: str, now: str, arrives: str) -> None:
    """A ticket arrives when the test or its file says so, and at a fixed moment where nothing does."""
    rules = "import datetime\nmoment = datetime.datetime.now().isoformat()\nzone = datetime.datetime.now().astimezone()"
    text = f'{top}\n[[test]]\nname = "it"\nticket = {{}}\n{now}\n[test.expect]\nzone = "{arrives}"'
    (result,) = run(text, rules=rules).results
    assert result.outcome == "pass", details(result.to_dict())


def test_rules_with_errors_are_an_error() -> None:
    """Rules that cannot run make no test fail: there is one error with the lines of the rules, and what to declare."""
    (result,) = run('[[test]]\nname="a"\nticket={}\nexpect={}', rules="x = 1\nteam = asset_tag\n").results
    assert result.to_dict() == {
        "file": "tests.toml",
        "line": None,
        "name": None,
        "outcome": "error",
        "tickets": 0,
        "failed_tickets": 0,
        "failures": [],
        "problems": [
            {
                "file": "r.rules",
                "line": 2,
                "message": "nothing is called `asset_tag`; assign it first, or put quotes around it if it is text",
            },
            {
                "file": "tests.toml",
                "line": None,
                "message": "ticket keys that rules read are declared at the top of the tests file: "
                'variables = ["asset_tag"]',
            },
        ],
    }
    declared = 'variables = ["asset_tag"]\n[[test]]\nname="a"\nticket={ asset_tag = "T" }\nexpect={ team = "T" }'
    assert run(declared, rules="x = 1\nteam = asset_tag\n").passed


def test_time_for_the_tests_can_end() -> None:
    """Tickets that are left when the time is over make their tests errors, and none is decided any more."""
    text = "".join(f'[[test]]\nname = "{name}"\ntickets = [{{}}, {{}}]\nexpect = {{}}\n' for name in "ab")
    # Each ticket is asked about twice: when what is said of it is read, and when it is decided.
    moments = iter([True] * 7 + [False])
    report = running.run_given({"r.rules": "x = 1"}, text, {}, go_on=lambda: next(moments))
    assert [(result.outcome, result.tickets) for result in report.results] == [("pass", 2), ("error", 1)]
    assert [problem.message for problem in report.results[1].problems] == [
        "not all of its tickets were decided: the time for these tests is over"
    ]


def test_time_that_is_over_while_tickets_are_read_ends_a_test() -> None:
    """A test of many tickets is given up before any is decided."""
    text = '[[test]]\nname = "it"\ntickets = [{}, {}, {}]\nexpect = {}\n'
    moments = iter([True, False])
    report = running.run_given({"r.rules": "x = 1"}, text, {}, go_on=lambda: next(moments))
    assert [(result.outcome, result.tickets) for result in report.results] == [("error", 0)]


def test_values_that_are_too_big_to_be_shown_are_compared() -> None:
    """What differs at the end of a big value only is a failure, and says so."""
    result = one("{}", f"x = [{'1,' * 29999}2]", rules="x = [1] * 30000\nteam = 'A'\n")
    assert result.outcome == "fail"
    assert result.failures[0].differences[0].notes == ("they are too big to be shown",)


def test_what_nests_too_deep_is_not_compared() -> None:
    """It would look the same as any other that nests as deep."""
    result = one("{}", f"x = {'[' * 45}1{']' * 45}", rules=f"x = {'[' * 45}2{']' * 45}\nteam = 'A'\n")
    assert [problem.message for problem in result.problems] == ["`x` nests too deep to be compared"]


def test_a_variable_that_was_changed_back_is_told_to_be() -> None:
    """It is the same at the end, but rules have changed it."""
    result = one('{ team = "A" }', 'unchanged = ["team"]', rules="team = 'B'\nteam = 'A'\n")
    (difference,) = result.failures[0].differences
    assert difference.notes == ("it was changed, and then changed back",)


def test_rules_on_one_line_fire_together() -> None:
    """Nothing that a test can say tells one from the other."""
    rules = "team = 'A'; state = 'B'\n"
    assert one("{}", "fired = [1]", rules=rules).outcome == "pass"
    assert one("{}", 'fired = ["r.rules:1"]', rules=rules).outcome == "pass"


def test_failures_hold_a_bounded_part_of_big_values() -> None:
    """However big the values of failing tickets are, their report stays small, and counts all of them."""
    rules = "\n".join(f"x{number} = 'a' * 100000" for number in range(50))
    expect = ", ".join(f"x{number} = 1" for number in range(50))
    text = f'[[test]]\nname = "it"\ntickets = [{", ".join(["{}"] * 40)}]\nexpect = {{ {expect} }}'
    report = run(text, rules=rules)
    assert (report.results[0].failed, len(report.results[0].failures)) == (40, 5)
    assert len(json.dumps(report.to_dict())) < 5_000_000


# --- files


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


SMALL = '[[test]]\nname = "{}"\nticket = {{}}\nexpect = {{ team = "A" }}\n'


def test_tests_are_found_below_the_folder(tmp_path: Path) -> None:
    """Files that are called like tests are run wherever below the folder they are, in order, but in no hidden folder."""
    write(
        tmp_path,
        {
            "b/tests.toml": SMALL.format("of b"),
            "b/b.rules": "team = 'A'",
            "a/x.tests.toml": 'rules = "../b"\n' + SMALL.format("of x"),
            "a/test_y.toml": 'rules = "../b/b.rules"\n' + SMALL.format("of y"),
            "a/other.toml": "[[test]]\n",
            ".hidden/tests.toml": "[[test]]\n",
        },
    )
    found = running.run_tests(tmp_path).results
    assert [(Path(result.file).name, result.name, result.outcome) for result in found] == [
        ("test_y.toml", "of y", "pass"),
        ("x.tests.toml", "of x", "pass"),
        ("tests.toml", "of b", "pass"),
    ]
    assert running.run_tests(tmp_path / "a" / "test_y.toml").passed
    assert [result.name for result in running.run_tests(tmp_path, containing="of x").results] == ["of x"]


def test_names_of_files_may_be_those_of_windows(tmp_path: Path) -> None:
    """What was written there runs anywhere."""
    tests = "rules = '..\\b.rules'\n[[test]]\nname = 'it'\nticket = 'old\\t.json'\nexpect = { team = 'B' }\n"
    write(tmp_path, {"b.rules": "team = 'B'\n", "a/tests.toml": tests, "a/tickets/old/t.json": "{}"})
    assert running.run_tests(tmp_path).passed


def test_a_tests_file_is_for_the_rules_beside_it(tmp_path: Path) -> None:
    """All rule files of the folder make one rule set; without any, the file is an error."""
    write(
        tmp_path, {"b.rules": "team = team + 'B'", "a.rules": "# First\nteam = 'A'", "tests.toml": SMALL.format("it")}
    )
    (result,) = running.run_tests(tmp_path).results
    assert wrong(result) == ["team: expected 'A', got 'AB'", "b.rules:1: team = team + 'B'"]
    write(tmp_path, {"none/tests.toml": SMALL.format("it"), "none/test_2.toml": 'rules = "../c.rules"\n[[test]]'})
    (second, first) = running.run_tests(tmp_path / "none").results
    assert [problem.message for problem in first.problems] == [
        'there are no *.rules files beside it; name them at its top: rules = "../my.rules"'
    ]
    assert [(problem.line, problem.message) for problem in second.problems] == [
        (1, f"{tmp_path / 'none' / '..' / 'c.rules'}: there is no such rule file or folder")
    ]


@pytest.mark.parametrize("name", ["\\u0000", "x" * 5000, "a\\u0000/b", "", ".", "/"])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    """A name that no file has, or can have, is an error like any other."""
    write(tmp_path, {"a.rules": "", "tests.toml": f'[[test]]\nname = "it"\nticket = "{name}"\nexpect = {{}}'})
    write(tmp_path, {"test_2.toml": f'rules = "{name}/x.rules"\n' + SMALL.format("it")})
    assert [result.outcome for result in running.run_tests(tmp_path).results] == ["error", "error"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere", "there is no such folder or tests file"),
        ("a.rules", "this is no tests file; name a *.toml file, or the folder that has one"),
    ],
)
def test_what_is_no_place_of_tests_is_refused(tmp_path: Path, name: str, told: str) -> None:
    """A path at which no tests can be is an error of its own."""
    write(tmp_path, {"a.rules": ""})
    with pytest.raises(DispatcherError) as caught:
        running.run_tests(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {told}"


def test_settings_of_the_folder_have_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `dispatcher.toml` nor the environment changes what becomes of a test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCHER_DEFAULTS_TEAM", "B")
    write(tmp_path, {"dispatcher.toml": "[defaults]\nteam = 'B'", "a.rules": "", "tests.toml": SMALL.format("it")})
    assert wrong(running.run_tests(tmp_path).results[0]) == ["team: expected 'A', got None", "no rule set it"]
