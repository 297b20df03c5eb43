"""A backtest names exactly the past tickets that other rules decide otherwise, what changes, and by which line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import RuleSet
from dispatcher.backtest import Report, When, backtest
from dispatcher.backtest.groups import FEW_VALUES, MOST_GROUPS
from dispatcher.cli import main
from dispatcher.decisions import Decision
from dispatcher.history import Line
from dispatcher.lang.budget import Limits
from dispatcher.lang.source import Source
from dispatcher.plain import to_json_safe
from dispatcher.render.backtest import backtest as rendered
from dispatcher.ruleset import NOT_TEXT

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)
OLD = """\
# Printers go to the desk
if 'printer' in msg:
    team = 'Desk'
    subject = 'P: ' + subject
if name == 'Karen':
    exception = 'Please call us.'
if 'zero' in msg:
    state = 1 / 0
"""
NEW = """\
# Who prints
if 'printer' in msg:
    team = 'Printers'
    subject = 'Printer: ' + subject
if name == 'Dan':
    exception = 'Not you.'
if 'none' in msg:
    state = len(None)
"""


def lines(*tickets: Mapping[str, Any] | str) -> list[Line]:
    """Return tickets, or texts, as the lines of a history."""
    texts = [found if isinstance(found, str) else json.dumps(found) for found in tickets]
    return [("h", number, text.encode()) for number, text in enumerate(texts, 1)]


def rules(text: str, filename: str = "r", **settings: Any) -> RuleSet:
    """Return rules of one file."""
    return RuleSet.from_text(text, filename=filename, **settings)


def compared(new: str, old: str, *tickets: Mapping[str, Any] | str, **options: Any) -> Report:
    """Return what changes on tickets, decided in this process."""
    options = {"processes": 1} | options
    when = options.pop("when", When(NOW))
    settings = options.pop("settings", {})
    return backtest(rules(new, "new", **settings), rules(old, "old", **settings), lines(*tickets), when, **options)


def told(report: Report) -> list[Any]:
    """Return the groups in short: count, changes, refusal, fault and places of the examples."""
    return [
        (
            group["count"],
            {change["variable"]: (change["old"], change["new"]) for change in group["changes"]},
            group["refusal"],
            group["fault"] and (group["fault"]["became"], group["fault"]["type"], group["fault"]["line"]),
            [example["place"] for example in group["examples"]],
        )
        for group in report.to_dict()["groups"]
    ]


def test_what_is_told_of_a_change() -> None:
    """Old and new values, the lines that set either with the titles of their rules, counts, and tickets to open."""
    report = compared(NEW, OLD, {"msg": "printer"}, {"msg": "hi"}, {"ticket": {"msg": "printer"}, "id": "T1"})
    assert report.to_dict() == {
        "tickets": 3,
        "changed": 2,
        "groups": [
            {
                "count": 2,
                "rest": False,
                "refusal": None,
                "changes": [
                    {
                        "variable": "team",
                        "old": "Desk",
                        "new": "Printers",
                        "varies": False,
                        "old_by": {"file": "old", "line": 3, "title": "Printers go to the desk"},
                        "new_by": {"file": "new", "line": 3, "title": "Who prints"},
                        "same_line": False,
                    },
                    {
                        "variable": "subject",
                        "old": "P: printer",
                        "new": "Printer: printer",
                        "varies": False,
                        "old_by": {"file": "old", "line": 4, "title": "Printers go to the desk"},
                        "new_by": {"file": "new", "line": 4, "title": "Who prints"},
                        "same_line": False,
                    },
                ],
                "fault": None,
                "examples": [
                    {"place": "h:1", "id": None, "subject": "P: printer", "values": {}},
                    {"place": "h:3", "id": "T1", "subject": "P: printer", "values": {}},
                ],
            }
        ],
        "variables": {"team": 2, "subject": 2},
        "refused": {"new": 0, "gone": 0},
        "faults": {"new": 0, "gone": 0},
        "unreadable": 0,
        "unreadable_lines": [],
        "outside": 0,
        "no_longer_kept": 0,
        "not_decided": 0,
        "nothing_known": 0,
        "nothing_known_places": [],
        "cut": None,
        "new_revision": rules(NEW, "new").revision,
        "old_revision": rules(OLD, "old").revision,
    }


def test_refusals_and_faults() -> None:
    """Tickets that are refused now or no longer, and rules that fail now or no longer, are told as such."""
    report = compared(NEW, OLD, {"name": "Karen"}, {"name": "Dan"}, {"msg": "zero"}, {"msg": "none"})
    assert told(report) == [
        (1, {"exception": ("Please call us.", None)}, "gone", None, ["h:1"]),
        (1, {"exception": (None, "Not you.")}, "new", None, ["h:2"]),
        (1, {}, None, ("gone", "ZeroDivisionError", 8), ["h:3"]),
        (1, {}, None, ("new", "TypeError", 8), ["h:4"]),
    ]
    found = report.to_dict()
    assert (found["refused"], found["faults"]) == ({"new": 1, "gone": 1}, {"new": 1, "gone": 1})
    other = compared("exception = 'B'", "exception = 'A'", {})
    assert told(other) == [(1, {"exception": ("A", "B")}, "other text", None, ["h:1"])]


def test_a_ticket_counts_for_each_rule_that_changes_it() -> None:
    """Changes by different rules are different groups, so that they are not told in all combinations."""
    new = "if 'a' in msg:\n    team = 1\nif 'b' in msg:\n    state = 1\n"
    report = compared(new, "", {"msg": "a"}, {"msg": "b"}, {"msg": "ab"}, {"msg": ""})
    assert (report.tickets, report.changed) == (4, 3)
    assert told(report) == [
        (2, {"team": (None, 1)}, None, None, ["h:1", "h:3"]),
        (2, {"state": (None, 1)}, None, None, ["h:2", "h:3"]),
    ]
    assert report.to_dict()["variables"] == {"team": 2, "state": 2}


def origins(report: Report) -> list[Any]:
    """Return by what each changed variable has its values, in the first group."""
    (group, *_) = report.to_dict()["groups"]
    return [(change["variable"], change["old_by"], change["new_by"]) for change in group["changes"]]


def test_a_line_that_is_the_same_in_both() -> None:
    """Where what a line uses has changed and not the line, that is said."""
    text = "def pick():\n    return {value}\nhelper = {value}\nteam = pick()\nif True:\n    state = helper\nagent = {value}\n"
    report = compared("\n" + text.format(value="'B'"), text.format(value="'A'"), {}, examples=0)
    changes = [change for group in report.to_dict()["groups"] for change in group["changes"]]
    assert [(change["variable"], change["new_by"]["line"], change["same_line"]) for change in changes] == [
        ("state", 7, True),
        ("team", 5, True),
        ("agent", 8, False),
    ]
    shown = ["".join(text for _, text in line) for line in rendered(report.to_dict())]
    assert shown.count("               the line is the same: look at what it uses") == 2
    then = backtest(rules("team = 'B'", "then"), None, lines(kept("team = 'A'", {})), When(NOW), processes=1)
    assert not then.groups[0].changes[0].same_line


def test_where_values_come_from_that_no_rule_sets() -> None:
    """A value is the ticket's own, or else a default."""
    by = {"file": "new", "line": 1, "title": ""}
    settings = {"defaults": {"team": "Desk"}}
    tickets = {"message": "hi", "state": "New"}
    report = compared("msg = state = team = 'a'", "", tickets, settings=settings)
    assert [[(change.variable, change.old_by) for change in group.changes] for group in report.groups] == [
        [("state", "ticket"), ("msg", "ticket")],
        [("team", "default")],
    ]
    assert origins(report) == [("state", "ticket", by), ("msg", "ticket", by)]


def test_faults_and_refusals_are_the_same_where_lines_move() -> None:
    """A comment more changes no ticket, whether a rule that fails counts as absent or refuses the ticket."""
    for on_fault in ("absent", "refuse"):
        report = compared("# More\n" + OLD, OLD, {"msg": "zero"}, {"msg": "a"}, settings={"on_fault": on_fault})
        assert (report.tickets, report.changed) == (2, 0)
    moved = compared("if 'z' in msg:\n    team = 1 / 0", "team = 1 / 0", {"msg": "z"})
    assert moved.changed == 0
    other = compared("state = 1 / 0", "team = 1 / 0", {})
    assert told(other) == [
        (1, {}, None, ("gone", "ZeroDivisionError", 1), ["h:1"]),
        (1, {}, None, ("new", "ZeroDivisionError", 1), ["h:1"]),
    ]


def test_an_exception_that_is_no_text_is_told_where_it_is_set() -> None:
    """That fault is of the line of any file that sets it; a ticket's own is the same where lines and files move."""
    first, second = Source("team = 1\n", "a"), Source("# Moved\n\n\nif 'x' in msg:\n    exception = 1\n", "b")
    new, old = RuleSet([first, second]), RuleSet([first])
    found = told(backtest(new, old, lines({"msg": "x"}), When(NOW), processes=1))
    assert found == [
        (1, {"exception": (None, 1)}, None, None, ["h:1"]),
        (1, {}, None, ("new", "TypeError", 5), ["h:1"]),
    ]
    assert [(fault.file, fault.line) for fault in new.decide({"msg": "x"}).faults] == [("b", 5)]
    ticket = {"exception": 1, "msg": "x"}
    for how in ({}, {"on_fault": "refuse"}):
        moved, same = (rules(text, name, **how) for text, name in (("# Moved\n\nteam = 1", "n"), ("team = 1", "o")))
        assert backtest(moved, same, lines(ticket), When(NOW), processes=1).changed == 0
        assert compared("exception = 2 - 1", "exception = 1", {}, settings=how).changed == 0


def test_big_values_hide_no_change() -> None:
    """All of what a ticket ends with is compared, however much it is, and of a mapping what differs is shown."""
    big = "team = [0] * 30000\nappend = 'x' * 3_900_000\npriv_append = append\n"
    fields = "customfield = {str(number): number for number in range(60)}\n"
    report = compared(big + fields + "customfield['7'] = 'seven'\n", big + fields, {})
    assert told(report) == [(1, {"customfield": ({"7": 7}, {"7": "seven"})}, None, None, ["h:1"])]
    assert compared(big + "team[29999] = 1\n", big, {}).variables == {"team": 1}
    assert compared(big + "priv_append += 'y'\n", big + "priv_append += 'z'\n", {}).variables == {"priv_append": 1}


def test_tickets_of_unknown_keys_are_told() -> None:
    """A ticket that does not change, and of which no key is a variable, is counted: its keys may be others' words."""
    tickets: list[dict[str, Any]] = [{"Summary": "a"}, {}, {"msg": "a"}, {"ticket": ["a"]}, {"message": "a", "Id": 1}]
    report = compared("if msg:\n    team = 1", "if msg:\n    team = 1\n", *tickets, *[{"Id": 1}] * 5)
    assert (report.tickets, report.changed) == (10, 0)
    assert (report.nothing_known, report.nothing_known_places) == (7, ("h:1", "h:4", "h:6", "h:7", "h:8"))
    lines_told = ["".join(text for _, text in line) for line in rendered(report.to_dict())]
    assert lines_told[0] == (
        "7 tickets have no key that is a ticket variable, such as `msg`: h:1, h:4, h:6, h:7, h:8, ..."
    )
    declared = compared("team = Id", "team = Id", {"Id": 1}, settings={"variables": ["Id"]})
    assert declared.nothing_known == 0


def test_a_refusal_for_a_fault_is_by_its_line() -> None:
    """Where faults refuse tickets, the line that fails is what sets the text of the refusal."""
    report = compared("team = 1\nstate = 1 / 0\n", "team = 1\n", {}, settings={"on_fault": "refuse"})
    assert origins(report) == [("exception", "default", {"file": "new", "line": 2, "title": ""})]
    assert report.to_dict()["refused"] == {"new": 1, "gone": 0}


def test_values_are_told_apart_while_they_are_few() -> None:
    """A variable of which the values differ from ticket to ticket is told once, with the values at the examples."""
    new = "team = name\nif True:\n    state = 'S'\n    subject = '> ' + msg\n"
    old = "team = name\n"
    few = compared(new, old, *[{"msg": str(number % FEW_VALUES)} for number in range(40)])
    assert [group["count"] for group in few.to_dict()["groups"]] == [8] * FEW_VALUES
    many = compared(new, old, *[{"msg": str(number % (FEW_VALUES + 1))} for number in range(40)], examples=2)
    (group,) = many.to_dict()["groups"]
    assert [(change["variable"], change["old"], change["new"], change["varies"]) for change in group["changes"]] == [
        ("state", None, "S", False),
        ("subject", None, None, True),
    ]
    assert (group["count"], group["examples"]) == (
        40,
        [
            {"place": "h:1", "id": None, "subject": "0", "values": {"subject": {"old": "0", "new": "> 0"}}},
            {"place": "h:2", "id": None, "subject": "1", "values": {"subject": {"old": "1", "new": "> 1"}}},
        ],
    )


def test_messages_of_faults_vary_too() -> None:
    """A fault whose message quotes the ticket is one group."""
    report = compared("team = int(msg)", "", *[{"msg": f"x{number}"} for number in range(20)], examples=0)
    (group,) = report.to_dict()["groups"]
    fault = {"became": "new", "type": "ValueError", "message": None, "file": "new", "line": 1, "title": ""}
    assert (group["count"], group["fault"], group["examples"]) == (20, fault, [])


def test_the_number_of_groups_is_bounded() -> None:
    """Beyond so many groups, changes are counted together, so that no history makes the report grow."""
    count = MOST_GROUPS + 20
    new = "".join(f"if hostname == 'H{number}':\n    team = {number}\n" for number in range(count))
    report = compared(new, "", *[{"hostname": f"H{number}"} for number in range(count)], examples=1)
    *groups, rest = report.to_dict()["groups"]
    assert (report.changed, len(groups), sum(group["count"] for group in groups)) == (count, MOST_GROUPS, MOST_GROUPS)
    assert (rest["count"], rest["rest"], rest["changes"], rest["fault"]) == (20, True, [], None)
    assert rest["examples"] == [{"place": f"h:{MOST_GROUPS + 1}", "id": None, "subject": "", "values": {}}]


def test_long_values_are_cut_where_they_differ() -> None:
    """Of two long texts the part is shown that differs; of other long values, what they are."""
    text = "a" * 500
    report = compared("append = msg + 'new' + 'b' * 300\nteam = [0] * 1000\n", "append = msg + 'old'", {"msg": text})
    values = {change["variable"]: change for group in report.to_dict()["groups"] for change in group["changes"]}
    assert values["append"]["old"] == "..." + "a" * 40 + "old"
    assert values["append"]["new"] == "..." + "a" * 40 + "new" + "b" * 157 + "..."
    assert values["team"]["new"] == "<list of 1000 items>"


def test_what_is_not_compared_is_counted() -> None:
    """Lines that hold no ticket are named; tickets of other times, and those no longer kept, are counted."""
    history: tuple[Mapping[str, Any] | str, ...] = (
        "{'",
        {"ticket": {}, "received_at": "2026-03-01T00:00:00Z"},
        {"ticket": {}, "received_at": "2026-03-02T00:00:00Z"},
        {"ticket": {}, "received_at": "2026-03-03T00:00:00Z"},
        {"ticket": None, "received_at": "2026-03-02T00:00:00Z"},
        {},
    )
    when = When(NOW, since=datetime(2026, 3, 2, tzinfo=UTC), until=datetime(2026, 3, 3, tzinfo=UTC))
    found = compared("team = 1", "", *history, when=when).to_dict()
    assert {key: found[key] for key in ("tickets", "changed", "outside", "no_longer_kept", "unreadable")} == {
        "tickets": 2,
        "changed": 2,
        "outside": 2,
        "no_longer_kept": 1,
        "unreadable": 1,
    }
    reason = "not JSON: Expecting property name enclosed in double quotes at column 2"
    assert found["unreadable_lines"] == [{"place": "h:1", "reason": reason}]


def test_tickets_arrive_when_they_came_in() -> None:
    """Rules see each ticket's own time, and one moment for all that have none; look-ups count as the ticket's."""
    new = "import datetime\nteam = str(datetime.datetime.now())\nstate = business_name\n"
    report = compared(
        new, "", {"ticket": {}, "received_at": "2026-03-02T08:00:00+01:00", "looked_up": {"business_name": "C"}}, {}
    )
    assert [changes for _, changes, *_ in told(report)] == [
        {"state": (None, "C")},
        {"team": (None, "2026-03-02 08:00:00")},
        {"state": (None, "")},
        {"team": (None, "2026-03-02 17:45:00")},
    ]


def test_limits() -> None:
    """A report ends after so many tickets, or when it is late, and says so only where tickets are left."""
    tickets: list[dict[str, Any]] = [{}] * 3
    assert [(found.tickets, found.cut) for found in (compared("", "", *tickets, limit=n) for n in (2, 3, 4))] == [
        (2, "limit"),
        (3, None),
        (3, None),
    ]
    assert compared("", "", *tickets, limit=2, late=lambda: True).to_dict()["cut"] == "time"
    assert compared("", "", *tickets, more=True).cut == "limit"


def kept(text: str, ticket: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ticket as it is kept, with what some rules decided then."""
    decision = rules(text, "then").decide(ticket, now=NOW).to_dict()
    return {"ticket": ticket, "id": "T", "decision": decision}


def test_against_what_was_decided_then() -> None:
    """New rules are compared with the decisions as they were kept, and the lines of then are told."""
    history = lines(kept(OLD, {"msg": "printer"}), kept(OLD, {"msg": "zero"}), kept(OLD, {"msg": "a"}), {"msg": "b"})
    report = backtest(rules(NEW, "new"), None, history, When(NOW), processes=1)
    assert (report.tickets, report.changed, report.not_decided, report.to_dict()["old_revision"]) == (3, 2, 1, None)
    assert told(report) == [
        (1, {"team": ("Desk", "Printers"), "subject": ("P: printer", "Printer: printer")}, None, None, ["h:1"]),
        (1, {}, None, ("gone", "ZeroDivisionError", 8), ["h:2"]),
    ]
    assert origins(report)[0] == (
        "team",
        {"file": "then", "line": 3, "title": "Printers go to the desk"},
        {"file": "new", "line": 3, "title": "Who prints"},
    )
    same = backtest(rules("# Moved\n" + OLD), None, history, When(NOW), processes=1)
    assert (same.tickets, same.changed) == (3, 0)


@pytest.mark.parametrize(
    "decision",
    [
        {},
        {"action_variables": []},
        {"action_variables": {}, "refused": 1},
        {"action_variables": {}, "changes": None},
        {"action_variables": {}, "changes": ["a"]},
        {"action_variables": {}, "changes": [{"variable": "team", "file": "a"}]},
        {"action_variables": {}, "faults": [{"type": "a", "line": "b"}]},
        {"action_variables": {}, "fired": [{"file": "a", "line": 1}]},
    ],
)
def test_a_decision_that_is_none(decision: Any) -> None:
    """What somebody else wrote as a decision is named as what cannot be read."""
    history = lines({"ticket": {}, "decision": decision}, {"ticket": {}, "decision": {"action_variables": {}}})
    report = backtest(rules("team = 1"), None, history, When(NOW), processes=1)
    assert (report.tickets, report.changed) == (1, 0)
    assert report.unreadable_lines == (("h:1", "`decision` is not as dispatcher keeps it"),)


def test_settings_may_differ() -> None:
    """Rule sets with other defaults are compared by what they end with."""
    new, old = rules("", defaults={"team": "A"}), rules("", defaults={"team": "B"})
    assert told(backtest(new, old, lines({}, {"team": "C"}), When(NOW), processes=1)) == [
        (1, {"team": ("B", "A")}, None, None, ["h:1"])
    ]


# --- against brute force

CONDITIONS = st.sampled_from(
    ("'a' in msg", "msg == 'ab'", "name == 'Dan'", "priority == 1", "team == 'A'", "len(msg) > 1", "True", "not state")
)
ACTIONS = st.sampled_from(
    (
        "team = 'A'",
        "team = 'B'",
        "priority = 1",
        "priority = True",
        "state = [msg]",
        "subject = name + msg",
        "customfield['x'] = msg",
        "customfield = {}",
        "exception = 'no'",
        "exception = 1",
        "agent = 1 / 0",
        "agent = int(msg)",
        "urgency = (1, 2)",
        "urgency = [1, 2]",
        "impact = helper",
        "helper = msg",
        "state.append(1)",
        "team = None",
        "del customfield['x']",
        "print(msg)",
    )
)
RULES = st.lists(st.tuples(CONDITIONS, ACTIONS), max_size=6)
FUNCTION = "def put(value):\n    global team\n    team = value\n"
TICKETS = st.lists(
    st.fixed_dictionaries(
        {"msg": st.sampled_from(("", "a", "ab", "b", "17"))},
        optional={
            "name": st.sampled_from(("Dan", "Karen")),
            "team": st.sampled_from(("A", "B")),
            "customfield": st.sampled_from(({}, {"x": "a"})),
            "priority": st.sampled_from((1, 1.0, True)),
            "exception": st.sampled_from((1, "no")),
        },
    ),
    max_size=6,
)


def written(found: Iterable[tuple[str, str]]) -> str:
    """Return the text of rules."""
    return "helper = state\n" + "".join(f"if {condition}:\n    {action}\n" for condition, action in found)


def decided(decision: Decision, sources: Sequence[Source]) -> Any:
    """Return all that counts of a decision; faults by the text of their line, if a line raised them."""
    texts = {source.filename: source for source in sources}
    faults = Counter(
        (f.kind, f.type, f.message, f.message.startswith(NOT_TEXT) or texts[f.file].line(f.line).strip())
        for f in decision.faults
    )
    # As JSON tells 1, 1.0 and true apart.
    values = json.dumps(to_json_safe(decision.action_variables), sort_keys=True)
    return values, decision.refused, faults


@settings(deadline=None)
@given(old=RULES, planted=st.tuples(CONDITIONS, ACTIONS), at=st.integers(0, 6), tickets=TICKETS, writes=st.booleans())
def test_a_planted_rule_changes_exactly_its_tickets(
    old: list[tuple[str, str]], planted: tuple[str, str], at: int, tickets: list[dict[str, Any]], writes: bool
) -> None:
    """The tickets that are told to change are those of which decisions differ, and the same rules change none."""
    before = (FUNCTION if writes else "") + written(old)
    after = (FUNCTION + "put(msg)\n" if writes else "") + written([*old[:at], planted, *old[at:]])
    new_rules, old_rules = (RuleSet([Source(text, "r"), Source("impact = team\n", "s")]) for text in (after, before))
    expected = [
        f"h:{number}"
        for number, ticket in enumerate(tickets, 1)
        if decided(new_rules.decide(ticket, now=NOW), new_rules.sources)
        != decided(old_rules.decide(ticket, now=NOW), old_rules.sources)
    ]
    report = backtest(new_rules, old_rules, lines(*tickets), When(NOW), processes=1, examples=100)
    named = {example.place for group in report.groups for example in group.examples}
    assert (report.tickets, report.changed, sorted(named)) == (len(tickets), len(expected), sorted(expected))
    assert backtest(old_rules, old_rules, lines(*tickets), When(NOW), processes=1).changed == 0


@settings(deadline=None)
@given(old=RULES, condition=CONDITIONS, tickets=TICKETS)
def test_a_planted_line_is_named(old: list[tuple[str, str]], condition: str, tickets: list[dict[str, Any]]) -> None:
    """Where a line behind all others sets what nothing else does, each change is told to be by that line."""
    before = written(old)
    new_rules, old_rules = rules(before + f"# Planted\nif {condition}:\n    team = 'Planted'\n"), rules(before)
    meant = [f"h:{n}" for n, ticket in enumerate(tickets, 1) if _team(new_rules, ticket) == "Planted"]
    report = backtest(new_rules, old_rules, lines(*tickets), When(NOW), processes=1, examples=100)
    assert sorted(example.place for group in report.groups for example in group.examples) == sorted(meant)
    line = new_rules.sources[0].text.count("\n")
    found = {
        (change["variable"], change["new_by"]["line"], change["new_by"]["title"])
        for group in report.to_dict()["groups"]
        for change in group["changes"]
    }
    assert found == ({("team", line, "Planted")} if meant else set())


def _team(ruleset: RuleSet, ticket: Mapping[str, Any]) -> Any:
    return ruleset.decide(ticket, now=NOW).action_variables["team"]


def test_several_processes_give_the_same() -> None:
    """A long history is compared in other processes, with the same report."""
    tickets = [
        {"msg": ("printer", "a", "zero", "none")[number % 4], "name": "Dan" * (number % 3)} for number in range(9)
    ]
    texts = lines(*(tickets * 120))
    reports = [
        backtest(rules(NEW), rules(OLD), texts, When(NOW), processes=processes, alone_seconds=0).to_dict()
        for processes in (1, 2)
    ]
    assert reports[0] == reports[1]
    assert reports[0]["tickets"] == 1080


def test_other_processes_decide_under_the_same_limits() -> None:
    """What a rule may spend is the same in every process."""
    new, old = (rules(f"for i in range(9000):\n    team = {team}\n").within(Limits(steps=5000)) for team in (1, 2))
    reports = [
        backtest(new, old, lines({}), When(NOW), processes=processes, alone_seconds=0).to_dict() for processes in (1, 2)
    ]
    assert reports[0] == reports[1]
    # Neither rule gets as far as to set anything.
    assert (reports[0]["tickets"], reports[0]["changed"]) == (1, 0)


# --- as text, and as a command


def test_as_text() -> None:
    """A report is read from top to bottom: what changes most, counts, what was left out, and the verdict."""
    tickets = [{"msg": f"printer {number}"} for number in range(7)] + [
        {"name": "Dan"},
        {"msg": "none"},
        {"name": "Karen"},
    ]
    report = compared(NEW, OLD, *tickets, "{", examples=1)
    assert "".join("".join(text for _, text in line) + "\n" for line in rendered(report.to_dict())) == (
        "     7  team: 'Desk' -> 'Printers'\n"
        "          new  new:3  Who prints\n"
        "          old  old:3  Printers go to the desk\n"
        "        subject: ... -> ...\n"
        "          new  new:4  Who prints\n"
        "          old  old:4  Printers go to the desk\n"
        "          e.g. h:1  P: printer 0\n"
        "                 subject: 'P: printer 0' -> 'Printer: printer 0'\n"
        "\n"
        "     1  now refused: 'Not you.'\n"
        "          new  new:6\n"
        "          old  the default\n"
        "          e.g. h:8  \n"
        "\n"
        "     1  fails now: TypeError: object of type 'NoneType' has no len()\n"
        "          new  new:8\n"
        "          e.g. h:9  none\n"
        "\n"
        "     1  no longer refused: 'Please call us.'\n"
        "          new  the default\n"
        "          old  old:6\n"
        "          e.g. h:10  \n"
        "\n"
        "TICKETS BY WHAT CHANGES:\n"
        "  team                    7\n"
        "  subject                 7\n"
        "  exception               2\n"
        "  now refused             1\n"
        "  no longer refused       1\n"
        "  new faults              1\n"
        "\n"
        "1 line could not be read:\n"
        "  h:11: not JSON: Expecting property name enclosed in double quotes at column 2\n"
        "\n"
        "10 of 10 tickets change\n"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder with rules and a history, without settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.rules").write_text(OLD)
    (tmp_path / "new.rules").write_text(NEW)
    (tmp_path / "wrong.rules").write_text("team = tema\n")
    (tmp_path / "h.ndjson").write_text('{"msg": "printer"}\n{"msg": "a"}\n')
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a backtest."""
    code = main(["backtest", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.usefixtures("folder")
def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """1 says that tickets change, 0 that none does."""
    code, out, err = run(capsys, "new.rules", "--against", "old.rules", "--history", "h.ndjson")
    assert (code, out.splitlines()[-1], err) == (1, "1 of 2 tickets changes", "")
    same = run(capsys, "old.rules", "--against", "old.rules", "--history", "h.ndjson")
    assert same == (0, "no change on 2 tickets\n", "")
    as_json = run(capsys, "new.rules", "--against", "old.rules", "--history", "h.ndjson", "--format", "json")
    found = json.loads(as_json[1])
    assert (as_json[0], found["tickets"], found["changed"], len(found["groups"])) == (1, 2, 1, 1)


def test_what_cannot_be_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2 says that rules have errors, that there is no ticket, or that a line could not be read and none changes."""
    code, out, err = run(capsys, "wrong.rules", "--against", "old.rules", "--history", "h.ndjson")
    assert (code, out, err.splitlines()[0]) == (2, "", "error[unknown-name]: nothing is called `tema`")
    (folder / "none.ndjson").write_text("\n")
    assert run(capsys, "new.rules", "--against", "old.rules", "--history", "none.ndjson") == (
        2,
        "no ticket was compared\n",
        "",
    )
    (folder / "bad.ndjson").write_text("{}\n{\n")
    code, out, err = run(capsys, "new.rules", "--against", "old.rules", "--history", "bad.ndjson")
    assert (code, out.splitlines()[-1], err) == (
        2,
        "no change on 1 ticket",
        "dispatcher: 1 line of the history could not be read\n",
    )
    (folder / "other.ndjson").write_text('{"Summary": "a"}\n')
    code, out, err = run(capsys, "new.rules", "--against", "old.rules", "--history", "other.ndjson")
    assert (code, out.splitlines()[-1], err) == (2, "no change on 1 ticket", "")
    assert run(capsys, "new.rules", "--against", "-", "--history", "-") == (
        2,
        "",
        "dispatcher: only one of new rules, old rules and history can come from standard input\n",
    )
    assert run(capsys, "new.rules", "--against", "old.rules", "--history", "service")[0] == 2
