"""Rule sets decide tickets: what a Decision says, from files, with defaults, faults and refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import Change, Decision, DispatcherError, Fault, Limits, RuleOutcome, RulesError, RuleSet, check
from tests.lang.strategies import PRELUDE, PROPERTY, statements

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=timezone(timedelta(hours=1)))


def decide(rules: str, ticket: Mapping[str, Any] | None = None, **options: Any) -> Decision:
    """Return what rules decide for a ticket at a fixed time."""
    return RuleSet.from_text(rules, **options).decide(ticket or {}, now=NOW)


# --- the whole answer

RULES = """\
# Printers go to their team
if 'printer' in msg:
    team = 'Printers'
    print('printer in', msg)

# Nobody is called that
if name == 'Nobody':
    agent = 'Nobody'
# Louder
priority = priority - 1
count = len(msg)
state = state.lower()
"""


def test_a_decision_says_everything() -> None:
    """One decision, whole: variables, changes, rules, faults, prints, revision and what was not used."""
    ruleset = RuleSet.from_text(RULES, defaults={"priority": 3})
    decision = ruleset.decide({"msg": "my printer", "email": "a@b.c", "tag": 1}, now=NOW)

    assert decision.to_dict() == {
        "action_variables": {
            "priority": 2,
            "state": None,
            "team": "Printers",
            "ticketType": None,
            "agent": None,
            "category_1": None,
            "category_2": None,
            "category_3": None,
            "category_4": None,
            "impact": None,
            "urgency": None,
            "subject": "my printer",
            "msg": "my printer",
            "append": "",
            "priv_append": "",
            "customfield": {},
            "exception": None,
            "selections": "",
            "name": "",
            "email": "a@b.c",
            "ip": "",
            "mac": "",
            "hostname": "",
            "business_name": "",
        },
        "other_variables": {"count": 10},
        "changes": [
            {"variable": "team", "file": "<rules>", "line": 3, "old": None, "new": "Printers"},
            {"variable": "priority", "file": "<rules>", "line": 10, "old": 3, "new": 2},
        ],
        "fired": [
            {"file": "<rules>", "line": 2, "title": "Printers go to their team"},
            {"file": "<rules>", "line": 10, "title": "Louder"},
        ],
        "not_fired": [
            {"file": "<rules>", "line": 7, "title": "Nobody is called that"},
            {"file": "<rules>", "line": 12, "title": ""},
        ],
        "faults": [
            {
                "kind": "error",
                "type": "AttributeError",
                "message": "'NoneType' object has no attribute 'lower'",
                "file": "<rules>",
                "line": 12,
                "column": 9,
            }
        ],
        "refused": None,
        "prints": "printer in my printer\n",
        "steps": decision.steps,
        "revision": ruleset.revision,
        "received_at": "2026-03-02T17:45:00+01:00",
        "unused_keys": ["tag"],
    }
    assert decision.steps > 0


def test_a_decision_is_data_of_pythons_own_types() -> None:
    """What a decision holds are records and plain values."""
    decision = decide("# T\nif True: team = 'A'\n1 / 0\nseen = {1, 2}\n")

    assert decision.changes == (Change("team", "<rules>", 2, None, "A"),)
    assert decision.fired == (RuleOutcome("<rules>", 2, "T"),)
    assert decision.faults == (Fault("error", "ZeroDivisionError", "division by zero", "<rules>", 3, 1),)
    assert decision.other_variables == {"seen": {1, 2}}


# --- changes

CHANGES: dict[str, tuple[str, list[tuple[str, int, Any, Any]]]] = {
    "an assignment": ("team = 'A'", [("team", 1, None, "A")]),
    "the same value again": ("team = None\nmsg = ''", []),
    "a value that is only equal": ("priority = 1\npriority = 1.0\npriority = True", [
        ("priority", 1, None, 1), ("priority", 2, 1, 1.0), ("priority", 3, 1.0, True)]),
    "one after the other": ("team = 'A'\nif team == 'A':\n    team = 'B'", [("team", 1, None, "A"), ("team", 3, "A", "B")]),
    "there and back": ("team = 'A'\nteam = None", [("team", 1, None, "A"), ("team", 2, "A", None)]),
    "an augmented assignment": ("priority = 3\npriority -= 1", [("priority", 1, None, 3), ("priority", 2, 3, 2)]),
    "an unpacking": ("impact, urgency = 1, 2", [("impact", 1, None, 1), ("urgency", 1, None, 2)]),
    "a chain": ("impact = urgency = 1", [("impact", 1, None, 1), ("urgency", 1, None, 1)]),
    "a walrus": ("if (team := 'A'): pass", [("team", 1, None, "A")]),
    "a walrus in a comprehension": ("x = [(priority := n) for n in [1, 2]]", [
        ("priority", 1, None, 1), ("priority", 1, 1, 2)]),
    "a loop": ("for priority in [1, 2]: pass", [("priority", 1, None, 1), ("priority", 1, 1, 2)]),
    "an unpacking loop": ("for x, team in ['ab']: pass", [("team", 1, None, "b")]),
    "the other name of msg": ("message = 'hi'", [("msg", 1, "", "hi")]),
    "a custom field": ("customfield['a'] = 1", [("customfield", 1, {}, {"a": 1})]),
    "custom fields one by one": ("customfield['a'] = 1\ncustomfield['b'] = 2", [
        ("customfield", 1, {}, {"a": 1}), ("customfield", 2, {"a": 1}, {"a": 1, "b": 2})]),
    "an item of a custom field": ("customfield['a'] = {}\ncustomfield['a']['b'] = 1", [
        ("customfield", 1, {}, {"a": {}}), ("customfield", 2, {"a": {}}, {"a": {"b": 1}})]),
    "an augmented custom field": ("customfield['a'] = 1\ncustomfield['a'] += 1", [
        ("customfield", 1, {}, {"a": 1}), ("customfield", 2, {"a": 1}, {"a": 2})]),
    "a deleted custom field": ("customfield['a'] = 1\ndel customfield['a']", [
        ("customfield", 1, {}, {"a": 1}), ("customfield", 2, {"a": 1}, {})]),
    "a method of a mapping": ("customfield.update(a=1)", [("customfield", 1, {}, {"a": 1})]),
    "a method of a list": ("team = [1]\nteam.append(2)", [("team", 1, None, [1]), ("team", 2, [1], [1, 2])]),
    "a method inside an expression": ("x = customfield.setdefault('a', 1)", [("customfield", 1, {}, {"a": 1})]),
    "a list in a mapping": ("customfield.setdefault('a', []).append(1)", [("customfield", 1, {}, {"a": [1]})]),
    "under another name": ("x = customfield\nx['a'] = 1", [("customfield", 2, {}, {"a": 1})]),
    "in a function": ("def f(): customfield['a'] = 1\nf()", [("customfield", 1, {}, {"a": 1})]),
    "by global": ("def f():\n    global team\n    team = 'A'\nf()", [("team", 3, None, "A")]),
    "by a pattern": ("match 'A':\n    case team: pass", [("team", 2, None, "A")]),
    "unbound by except": ("team = 'A'\ntry: 1 / 0\nexcept ZeroDivisionError as team: pass", [("team", 1, None, "A")]),
    "a function's own name is none": ("def f():\n    team = 'A'\n    return team\nx = f()", []),
    "a working variable is none": ("x = 1\nx = 2", []),
    "a fault takes its changes with it": ("if True:\n    team = 'A'\n    1 / 0", []),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "expected"), CHANGES.values(), ids=CHANGES)
def test_changes_say_which_line_set_what(rules: str, expected: list[tuple[str, int, Any, Any]]) -> None:
    """Each change of a ticket variable is told with its line, in order, and nothing else is."""
    changes = [(change.variable, change.line, change.old, change.new) for change in decide(rules).changes]

    assert changes == expected
    assert [type(new) for *_, new in changes] == [type(new) for *_, new in expected]


@settings(PROPERTY, max_examples=100)
@given(statements())
def test_changes_lead_from_the_first_values_to_the_last(body: str) -> None:
    """Each change begins where the one before it ended, and the last ones are what is decided."""
    first = decide("").action_variables
    decision = decide(PRELUDE + body)

    values = dict(first)
    for change in decision.changes:
        assert values[change.variable] == change.old
        values[change.variable] = change.new
    assert repr(values) == repr(decision.action_variables)


# --- fired

FIRED: dict[str, tuple[str, list[int], list[int]]] = {
    "if": ("if True: team = 1\nif False: team = 2", [1], [2]),
    "an else fires too": ("if False: team = 1\nelse: team = 2", [1], []),
    "no branch": ("if False: team = 1\nelif False: team = 2", [], [1]),
    "an elif": ("if False: team = 1\nelif True: team = 2", [1], []),
    "a for with an if": ("for x in [1, 2]:\n    if x == 2: team = 1", [1], []),
    "a for with an if that never holds": ("for x in [1, 2]:\n    if x == 3: team = 1", [], [1]),
    "a for that turns": ("for x in [1]: team = x", [1], []),
    "a for that never turns": ("for x in []: team = x", [], [1]),
    "a for with both": ("for x in [1]:\n    team = 'A'\n    if x == 2: state = 1", [1], []),
    "the else of a for": ("for x in []: pass\nelse: team = 1", [1], []),
    "a while": ("while team is None: team = 1", [1], []),
    "a while that never turns": ("while team: team = 1", [], [1]),
    "an assignment to a ticket variable": ("team = 1", [1], []),
    "an assignment of the same value": ("team = None", [1], []),
    "an unpacking": ("x, team = 1, 2", [1], []),
    "an item": ("customfield['a'] = 1", [1], []),
    "a method that changes": ("customfield.update(a=1)", [1], []),
    "a call that changes": ("def f(): customfield['a'] = 1\nf()", [2], []),
    "what only reads is no rule": ("x = team\nprint(x)\nimport re\ndef f(): pass", [], []),
    "a fault": ("if True:\n    team = 1\n    1 / 0\nteam = 1 / 0", [], [1, 4]),
    "several in a line": ("team = 1; state = 2", [1, 1], []),
}


@pytest.mark.parametrize(("rules", "fired", "not_fired"), FIRED.values(), ids=FIRED)
def test_a_rule_fires_when_it_acts(rules: str, fired: list[int], not_fired: list[int]) -> None:
    """A top-level statement that can act is a rule; it fired when one of its branches ran."""
    decision = decide(rules)

    assert [rule.line for rule in decision.fired] == fired
    assert [rule.line for rule in decision.not_fired] == not_fired


TITLES = {
    "above": ("# The title\nif True: pass", "The title"),
    "several signs": ("### The title ###\nif True: pass", "The title ###"),
    "the last of several lines": ("# one\n# two\nif True: pass", "two"),
    "behind a blank line": ("# one\n\nif True: pass", ""),
    "at the end of the line above": ("x = 1  # one\nif True: pass", ""),
    "indented": ("  # one\nif True: pass", ""),
    "empty": ("#\nif True: pass", ""),
    "inside": ("if True:\n    # one\n    pass", ""),
    "in another alphabet": ("# Überschrift “x”\nif True: pass", "Überschrift “x”"),
}


@pytest.mark.parametrize(("rules", "title"), TITLES.values(), ids=TITLES)
def test_the_comment_above_a_rule_is_its_title(rules: str, title: str) -> None:
    """A comment line at depth zero directly above a rule names it."""
    assert [rule.title for rule in decide(rules).fired] == [title]


# --- refusals and faults

REFUSALS: dict[str, tuple[str, str | None, list[str]]] = {
    "text": ("exception = 'Call us.'", "Call us.", []),
    "empty text": ("exception = ''", None, []),
    "None": ("exception = None", None, []),
    "taken back": ("exception = 'x'\nexception = ''", None, []),
    "in a rule that fails": ("if True:\n    exception = 'x'\n    1 / 0", None, ["division by zero"]),
    "a number": (
        "exception = 5",
        None,
        ["`exception` must be text to refuse the ticket, not int; the ticket is filed"],
    ),
    "a list": (
        "exception = ['x']",
        None,
        ["`exception` must be text to refuse the ticket, not list; the ticket is filed"],
    ),
}


@pytest.mark.parametrize(("rules", "refused", "faults"), REFUSALS.values(), ids=REFUSALS)
def test_a_text_in_exception_refuses(rules: str, refused: str | None, faults: list[str]) -> None:
    """A non-empty text refuses the ticket; anything else that is set is a fault, and the ticket is filed."""
    decision = decide(rules)

    assert decision.refused == refused
    assert [fault.message for fault in decision.faults] == faults


def test_a_fault_refuses_where_that_is_set() -> None:
    """With on_fault="refuse" the first fault's text becomes the refusal."""
    decision = decide("x = 1 / 0\nteam = 'A'\ny = [][1]\n", on_fault="refuse")

    assert decision.refused == "ZeroDivisionError: division by zero (<rules>, line 1)"
    assert decision.action_variables["exception"] == decision.refused
    assert [fault.line for fault in decision.faults] == [1, 3]


def test_a_rules_own_refusal_comes_before_a_fault() -> None:
    """With on_fault="refuse" a text that a rule set stays the refusal."""
    assert decide("1 / 0\nexception = 'own'\n", on_fault="refuse").refused == "own"


# --- the clock


def test_rules_know_the_time_of_arrival() -> None:
    """All clocks of a rule tell the ticket's time of arrival, in its zone."""
    rules = (
        "import datetime\nx = [str(datetime.datetime.now()), str(datetime.datetime.today()), str(datetime.date.today()),"
        " str(datetime.datetime.utcnow()), str(datetime.datetime.now(datetime.UTC))]\n"
    )

    assert decide(rules).other_variables["x"] == [
        "2026-03-02 17:45:00",
        "2026-03-02 17:45:00",
        "2026-03-02",
        "2026-03-02 16:45:00",
        "2026-03-02 16:45:00+00:00",
    ]


def test_a_naive_time_of_arrival_is_local() -> None:
    """A time without a zone counts as one of this computer's."""
    decision = RuleSet.from_text("").decide({}, now=datetime(2026, 3, 2, 17, 45))

    assert datetime.fromisoformat(decision.received_at) == datetime(2026, 3, 2, 17, 45).astimezone()


@pytest.mark.parametrize("now", [datetime.min, datetime.max, datetime.max.replace(tzinfo=UTC)])
def test_any_time_of_arrival_is_decided(now: datetime) -> None:
    """Not even the first and the last moment that there is make decide raise."""
    rules = "import datetime\nx = datetime.datetime.now() + datetime.timedelta(1)\nteam = 'A'\n"

    assert RuleSet.from_text(rules).decide({}, now=now).action_variables["team"] == "A"


WHATEVER = """\
import datetime
texts = {'alpha', 'beta', 'gamma', 'delta'}
x = [list(texts), ' '.join(texts), str(texts), f'{texts}', '%s' % texts, [t for t in texts], {frozenset({'a', 'b'})}]
for t in {('a', 1), ('b', 2), ('c', 3)}: team = t[0]
y = [str([lambda: 1]), '%s' % (lambda: 1), str((c for c in msg)), str({1: print}.values()), repr([map, len])]
z = [f() for f in {lambda: 1, lambda: 2}] + [max(texts, key=lambda t: 1), sorted(texts, key=lambda t: 1)]
local = datetime.datetime(2026, 7, 1, 12)
clock = [local.timestamp(), str(local.astimezone()), local.strftime('%Z %z'), str(datetime.datetime.now().astimezone())]
print(texts, local.astimezone(), [len])
w = texts.pop()
"""


def test_a_decision_is_the_same_in_another_process_and_place() -> None:
    """Neither the hash seed, nor addresses, nor the time zone of the computer show in a decision."""
    code = (
        "import sys, json, datetime; from dispatcher import RuleSet; "
        "now = datetime.datetime.fromisoformat('2026-03-02T17:45:00+01:00'); "
        "print(json.dumps(RuleSet.from_text(sys.stdin.read()).decide({'msg': 'ab'}, now=now).to_dict()))"
    )
    places = [{"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}]
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            input=WHATEVER,
            env={**os.environ, **place},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for place in places
    ]

    first, second = map(json.loads, answers)
    assert first["faults"] == []
    assert first == second


# --- files


def folder_of(path: Path, **files: str) -> Path:
    """Write rule files into a folder and return it."""
    for name, text in files.items():
        (path / f"{name}.rules").write_text(text, encoding="utf-8")
    return path


def test_a_folder_runs_in_name_order(tmp_path: Path) -> None:
    """Files run by name; ticket variables carry on, and places name their file."""
    folder = folder_of(tmp_path, b="team = team + 'b'", a="team = 'a'", c10="team += '10'", c9="team += '9'")
    (folder / "notes.txt").write_text("no rules")

    decision = RuleSet.load(folder).decide({})

    assert decision.action_variables["team"] == "ab109"
    assert [(change.file, change.line) for change in decision.changes] == [
        ("a.rules", 1),
        ("b.rules", 1),
        ("c10.rules", 1),
        ("c9.rules", 1),
    ]


def test_working_variables_stay_in_their_file(tmp_path: Path) -> None:
    """A name of one file is unknown in the next, functions and imports included; the decision shows the last value."""
    folder = folder_of(tmp_path, a="x = 1\nimport re\ndef f(): return 1\n", b="x = 2\n")

    assert RuleSet.load(folder).decide({}).other_variables == {"x": 2}
    with pytest.raises(RulesError) as error:
        RuleSet.load(folder_of(tmp_path, b="y = [x, f()]\nz = re.escape('a')\n"))
    errors = [problem for problem in error.value.diagnostics if problem.severity == "error"]
    assert [(problem.filename, problem.code) for problem in errors] == [
        ("b.rules", "unknown-name"),
        ("b.rules", "unknown-function"),
        ("b.rules", "unknown-name"),
    ]


def test_a_fault_in_one_file_costs_no_other(tmp_path: Path) -> None:
    """A statement at fault is left out of its file; what other files did with the ticket stays."""
    folder = folder_of(
        tmp_path,
        a="team = 'a'\n",
        b="customfield['b'] = 1\nif True:\n    team = 'b'\n    state = 1 / 0\n",
        c="while True: pass\npriority = 3\n",
    )

    decision = RuleSet.load(folder, limits=Limits(steps=1000)).decide({})

    assert [decision.action_variables[name] for name in ("team", "customfield", "priority")] == ["a", {"b": 1}, 3]
    assert [(fault.file, fault.line, fault.kind) for fault in decision.faults] == [
        ("b.rules", 4, "error"),
        ("c.rules", 1, "limit"),
    ]


def test_a_value_made_in_one_file_works_in_the_next(tmp_path: Path) -> None:
    """A function, or a generator that fails in the end, may be left in a ticket variable for a later file."""
    folder = folder_of(
        tmp_path,
        a="def twice(n): return 2 * n\nagent = twice\nteam = (1 / n for n in [1, 0])\n",
        b="priority = agent(2)\nx = 1\nfor n in team: impact = n\nurgency = 1\n",
    )

    decision = RuleSet.load(folder).decide({})

    assert [decision.action_variables[name] for name in ("priority", "impact", "urgency")] == [4, None, 1]
    assert [(fault.file, fault.line) for fault in decision.faults] == [("b.rules", 3)]


def test_files_may_have_any_line_ends_and_a_mark(tmp_path: Path) -> None:
    """A file of Windows with a byte order mark is read like any other."""
    (tmp_path / "a.rules").write_bytes(b"\xef\xbb\xbfif True:\r\n\tteam = 'a'\r\n")

    assert RuleSet.load(tmp_path / "a.rules").decide({}).action_variables["team"] == "a"


UNREADABLE = {
    "no file": ("none.rules", "cannot be read: No such file or directory"),
    "an empty folder": ("empty", "the folder has no *.rules files"),
    "not UTF-8": ("latin.rules", "not UTF-8 at byte 8; save the file as UTF-8"),
}


@pytest.mark.parametrize(("name", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told(name: str, message: str, tmp_path: Path) -> None:
    """A path without rules is an error of the caller's, with the path and what to do."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.rules").write_bytes("team = 'ä'".encode("latin-1"))

    with pytest.raises(DispatcherError) as error:
        RuleSet.load(tmp_path / name)

    assert str(error.value) == f"{tmp_path / name}: {message}"


# --- making one


def test_errors_stop_a_rule_set_and_warnings_do_not() -> None:
    """RulesError carries all diagnostics in order, and its text the first error; warnings alone are kept."""
    with pytest.raises(RulesError) as error:
        RuleSet.from_text("if priority is 0: pass\nteam = tema\nx = open('f')\n", filename="a.rules")

    assert [problem.code for problem in error.value.diagnostics] == [
        "is-with-literal",
        "unknown-name",
        "unknown-function",
    ]
    assert str(error.value) == "a.rules:2:8: nothing is called `tema` (and 1 more)"
    assert [problem.code for problem in RuleSet.from_text("if priority is 0: pass\n").diagnostics] == [
        "is-with-literal"
    ]


def test_no_number_of_warnings_hides_an_error() -> None:
    """However many warnings stand before it, an error is told and stops the rules."""
    rules = "if priority is 0: pass\n" * 500 + "email = 'x'\n"

    assert "read-only-variable" in {problem.code for problem in check(rules)}
    with pytest.raises(RulesError):
        RuleSet.from_text(rules)


def test_the_number_of_diagnostics_is_bounded() -> None:
    """A file in which everything is wrong is told so once, and not a thousand times."""
    assert len(check("x = tema\n" * 5_000)) == 100


def test_a_revision_is_that_of_the_text() -> None:
    """The same text under the same name has one revision, and any other text another."""
    one = RuleSet.from_text("team = 'A'\n").revision

    assert one == RuleSet.from_text("team = 'A'\r\n").revision
    assert (
        len({one, RuleSet.from_text("team = 'B'\n").revision, RuleSet.from_text("team = 'A'\n", filename="b").revision})
        == 3
    )
    assert one == "".join(character for character in one if character in "0123456789abcdef")


def test_declared_variables_are_read_only() -> None:
    """Declared keys of a ticket can be read, are no longer unused, and cannot be written."""
    decision = decide("x = tag + '!'\n", {"tag": "a", "other": 1}, variables=["tag"])

    assert (decision.other_variables["x"], decision.unused_keys) == ("a!", ("other",))
    assert [problem.code for problem in check("tag = 1\n", variables=["tag"])] == ["read-only-variable"]
    assert [problem.code for problem in check("x = tag\n")] == ["unknown-name"]


def test_a_declared_list_is_not_changed_by_rules() -> None:
    """A read-only variable that holds a list is the sender's list to the end, or a fault tells why not."""
    decision = decide("tags.append('b')\nteam = 'A'\n", {"tags": ["a"]}, variables=["tags"])

    assert decision.action_variables["tags"] == ["a"]


@pytest.mark.parametrize("name", ["", "1a", "a b", "_a", "msg", "message", "email", "len", "class", "None", "tag"])
def test_a_name_that_cannot_be_declared(name: str) -> None:
    """A declared variable has a name that rules can write, and that means nothing yet."""
    with pytest.raises(DispatcherError, match="cannot be declared"):
        RuleSet.from_text("", variables=["tag", name])


# --- whatever a ticket holds

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TICKETS = st.dictionaries(
    st.sampled_from(["msg", "name", "priority", "customfield", "subject", "exception", "selections", "tag"])
    | st.text(),
    JSON,
)


READING = RuleSet.from_text(
    "if 'a' in msg: team = name.upper()\npriority = priority - 1\ncustomfield['k'] = [subject, selections]\n"
)


@settings(PROPERTY, max_examples=100)
@given(TICKETS)
def test_every_ticket_is_decided(ticket: dict[str, Any]) -> None:
    """Whatever JSON a sender gives, there is a decision, and it is JSON."""
    before = json.dumps(ticket)
    decision = READING.decide(ticket)

    json.loads(json.dumps(decision.to_dict(), allow_nan=False).encode("utf-8"))
    assert json.dumps(ticket) == before


class Odd:
    """A value of the caller's own that answers nothing."""

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __eq__ = __hash__ = __len__ = __repr__  # type: ignore[assignment]


ODD = [Odd(), [Odd()], {"a": Odd()}, {1, 2}, b"x", 1j, float("nan"), [1 << 99_999], "\ud800", object]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("key", ["name", "msg", "team", "customfield", "tag"])
def test_values_that_are_no_json_are_decided_too(key: str, value: Any) -> None:
    """Programs may pass any value; rules see data, and the decision is JSON."""
    decision = decide("x = [name, msg, team, customfield]\nteam = str(x)\n", {key: value})

    json.dumps(decision.to_dict(), allow_nan=False)
    # The text of a number of 30,000 digits is refused, by Python too.
    assert {fault.type for fault in decision.faults} <= {"LimitExceeded", "ValueError"}


@settings(PROPERTY, max_examples=60)
@given(statements())
def test_every_decision_is_json_and_the_same_again(body: str) -> None:
    """Whatever rules leave in their variables, a decision is strict JSON, and deciding again gives the same."""
    ruleset = RuleSet.from_text(PRELUDE + body)
    first, second = (json.dumps(ruleset.decide({}, now=NOW).to_dict(), allow_nan=False) for _ in range(2))

    assert first == second


def test_few_statements_in_much_text_run() -> None:
    """A file of comments beyond what is parsed as a whole checks clean, and so it runs."""
    text = "#\n" * 490_000 + "if msg:\n    team = 'A'\nstate = 'x'\n"
    assert check(text) == []

    decision = RuleSet.from_text(text).decide({"msg": "hello"})

    assert [(change.variable, change.line) for change in decision.changes] == [("team", 490_002), ("state", 490_003)]
