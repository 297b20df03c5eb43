"""What an audit counts, and that what it says of rules is true by experiment."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import RuleSet
from dispatcher.audit import Case, Period, Report, Skipped, audit, cases_of, tally
from dispatcher.render.audit import audit as as_text
from dispatcher.replay import replay
from tests.lang.strategies import PROPERTY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

# The mistakes that audits are for: two that fight, one that never matches, one that fails, one in the wrong order.
WRONG = """\
# Emergencies
if 'emergency' in selections:
    priority = 'Critical'

# Desk
if 'printer' in msg:
    team = 'Desk'

# Never
if 'Printer' in msg.lower():
    team = 'Nobody'

# Room
if 'room' in msg:
    category_1 = 'Room ' + str(int(msg.split('room ')[1]))

# Printers
if 'printer' in msg:
    team = 'Printers'

# Closed
if business_name == 'Fabrikam':
    exception = 'Please call us.'
"""
TICKETS: tuple[dict[str, Any], ...] = (
    {"msg": "the printer burns", "selections": ["emergency"]},
    {"msg": "the printer is slow"},
    {"msg": "room twelve is dark"},
    {"msg": "room 12 is dark", "business_name": "Fabrikam"},
    {"msg": "hello"},
)


def cases(ruleset: RuleSet, tickets: Sequence[dict[str, Any]]) -> list[Case | Skipped]:
    """Return the cases of tickets that came in a minute apart."""
    moments = [NOON + timedelta(minutes=number) for number in range(len(tickets))]
    return read(ruleset, [past(ticket, moment) for ticket, moment in zip(tickets, moments, strict=True)])


def past(ticket: dict[str, Any] | None, moment: datetime = NOON, **further: Any) -> dict[str, Any]:
    """Return the envelope of a ticket that came in then."""
    return {"ticket": ticket, "received_at": moment.isoformat(), **further}


def read(ruleset: RuleSet, envelopes: Sequence[dict[str, Any]], processes: int = 1) -> list[Case | Skipped]:
    """Return the cases of envelopes, whose tickets are called t1 and so on."""
    lines = [
        ("h.ndjson", number, json.dumps({"id": f"t{number}"} | envelope).encode())
        for number, envelope in enumerate(envelopes, 1)
    ]
    return list(cases_of(lines, ruleset, Period(NOON), processes=processes))


def audited(rules: str, tickets: Sequence[dict[str, Any]] = TICKETS) -> Report:
    """Return the audit of rules on tickets."""
    ruleset = RuleSet.from_text(rules, filename="a.rules")
    return audit(ruleset, cases(ruleset, tickets))


def rule(line: int, title: str, **facts: Any) -> dict[str, Any]:
    """Return what a report says of a rule."""
    return {"file": "a.rules", "line": line, "title": title} | facts


def on(*numbers: int) -> dict[str, Any]:
    """Return what a report says of something that happened to the tickets with these numbers."""
    last = (NOON + timedelta(minutes=numbers[-1] - 1)).isoformat() if numbers else None
    return {"tickets": len(numbers), "last": last, "examples": [f"t{number}" for number in numbers]}


def test_hits() -> None:
    """Each rule has its hits, their share, the last of them, and how often it failed."""
    assert audited(WRONG).rules == [
        rule(2, "Emergencies", present=5, share=0.2, failed=0) | on(1),
        rule(6, "Desk", present=5, share=0.4, failed=0) | on(1, 2),
        rule(10, "Never", present=5, share=0.0, failed=0) | on(),
        rule(14, "Room", present=5, share=0.0, failed=2) | on(),
        rule(18, "Printers", present=5, share=0.4, failed=0) | on(1, 2),
        rule(22, "Closed", present=5, share=0.2, failed=0) | on(4),
    ]


def test_not_fired() -> None:
    """Rules that did not fire are listed, with the tickets on which they failed."""
    assert audited(WRONG).not_fired == [
        rule(10, "Never", present=5, failed=0),
        rule(14, "Room", present=5, failed=2),
    ]


def test_always_overwritten() -> None:
    """A value that a later rule always replaces is told with that rule, and that it does nothing."""
    by = [rule(18, "Printers", tickets=2)]
    assert audited(WRONG).overwritten == [
        rule(6, "Desk", variable="team", by=by, without={"outcome": "same", "tried": 2}) | on(1, 2)
    ]


def test_order() -> None:
    """Of two rules that set a variable to different values it is told which wins, and that the order decides."""
    swapped = {"outcome": "differs", "tried": 1, "example": "t1", "variable": "team", "now": "Printers", "then": "Desk"}
    assert audited(WRONG).pairs == [
        {"variable": "team", "winner": rule(18, "Printers"), "loser": rule(6, "Desk"), "swapped": swapped} | on(1, 2)
    ]


def test_faults() -> None:
    """A rule that fails is told with the line, the error and the last message."""
    message = "invalid literal for int() with base 10: '12 is dark'"
    assert audited(WRONG).faults == [
        rule(14, "Room", at={"file": "a.rules", "line": 15}, type="ValueError", message=message) | on(3, 4)
    ]


def test_refusals_and_tickets_without_a_rule() -> None:
    """Refusals are counted by rule, and so are tickets that no rule with a condition concerns."""
    report = audited("impact = 3\n\n" + WRONG)
    assert report.refused == on(4) | {"rules": [rule(24, "Closed") | on(4)]}
    assert report.no_rule_fired == on(3, 5)


def test_refusal_by_a_fault() -> None:
    """Where faults refuse tickets, the refusal is that of the rule that failed."""
    ruleset = RuleSet.from_text("# Room\nif 'room' in msg:\n    impact = int(msg)\n", on_fault="refuse")
    report = audit(ruleset, cases(ruleset, [{"msg": "room"}]))
    assert report.refused == on(1) | {"rules": [rule(2, "Room") | {"file": "<rules>"} | on(1)]}


def test_a_rule_that_writes_twice_is_no_pair() -> None:
    """A rule overwrites nobody when it changes its mind."""
    report = audited("if msg:\n    team = 'A'\n    team = 'B'\n")
    assert (report.pairs, report.overwritten) == ([], [])


def test_rules_that_agree_are_no_pair() -> None:
    """A rule whose value another one sets again is overwritten, but the two do not disagree."""
    report = audited("if msg:\n    team = 'A'\nif msg:\n    team = 'B'\nif msg:\n    team = 'A'\n")
    assert [(one["loser"]["line"], one["winner"]["line"]) for one in report.pairs] == [(3, 5)]
    assert [one["line"] for one in report.overwritten] == [1, 3]


def test_the_last_of_several_writes_counts() -> None:
    """A function that writes before and after another rule has the last word."""
    text = "def put(a):\n    global team\n    team = a\nput('A')\nif msg:\n    team = 'B'\nput('C')\n"
    report = audited(text, TICKETS[:1])
    assert [(one["loser"]["line"], one["winner"]["line"]) for one in report.pairs] == [(5, 1)]


def test_a_value_that_is_built_on() -> None:
    """A rule whose value a later one reads is overwritten, but not in vain."""
    report = audited("# Tag\nif msg:\n    team = 'A'\n# Map\nif team == 'A':\n    team = 'B'\n", TICKETS[:1])
    without = {"outcome": "differs", "tried": 1, "example": "t1", "variable": "team", "now": "B", "then": None}
    by = [rule(5, "Map", tickets=1)]
    assert report.overwritten == [rule(2, "Tag", variable="team", by=by, without=without) | on(1)]
    assert not report.found("overwritten")


def test_a_value_that_other_variables_are_built_on() -> None:
    """A value that a rule reads for another variable, before it is overwritten, is not in vain."""
    report = audited(
        "# Vip\nif msg:\n    team = 'VIP'\n    state = 'New'\n# Urgent\nif team == 'VIP':\n    priority = 1\n# Desk\nteam = 'Desk'\n",
        TICKETS[:1],
    )
    without = {"outcome": "differs", "tried": 1, "example": "t1", "variable": "priority", "now": 1, "then": None}
    assert [(one["variable"], one["without"]) for one in report.overwritten] == [("team", without)]
    assert not report.found("overwritten")


def test_other_variables_of_a_rule_that_is_overwritten() -> None:
    """Of a rule that sets several variables, only the one that is overwritten is left out when that is tried."""
    report = audited("# Both\nif msg:\n    team = 'A'\n    state = 'New'\n    team = 'B'\nteam = 'C'\n", TICKETS[:2])
    assert [one["without"] for one in report.overwritten] == [{"outcome": "same", "tried": 2}]


def test_rules_that_need_each_other() -> None:
    """Where rules have errors in another order, that is the outcome."""
    report = audited("if msg:\n    team = 'A'\n    def same(a):\n        return a\nif msg:\n    team = same('B')\n")
    assert [one["swapped"] for one in report.pairs] == [{"outcome": "fails", "tried": 1, "example": "t1"}]
    assert [one["without"] for one in report.overwritten] == [{"outcome": "same", "tried": 5}]


def test_a_value_that_is_needed() -> None:
    """Where other rules fail without a value, it is not in vain."""
    report = audited("if msg:\n    team = 'A'\nteam = team.lower()\n", TICKETS[:1])
    assert [one["without"] for one in report.overwritten] == [{"outcome": "fails", "tried": 1, "example": "t1"}]


def test_function() -> None:
    """What a function writes is the function's, and not that of the rule above it."""
    text = "# Desk\nif 'x' in msg:\n    team = 'X'\n# Set\ndef put():\n    global team\n    team = 'Y'\n# Call\nif msg:\n    put()\n"
    report = audited(text, [{"msg": "x"}])
    assert [(one["winner"], one["loser"]) for one in report.pairs] == [(rule(5, "Set"), rule(2, "Desk"))]


def test_several_files() -> None:
    """Rules of different files are told apart and exchanged, too."""
    from dispatcher.lang.source import Source

    ruleset = RuleSet([Source("team = 'A'\n", "1.rules"), Source("team = 'B'", "2.rules")])
    report = audit(ruleset, cases(ruleset, [{}]))
    assert [(one["winner"]["file"], one["loser"]["file"], one["swapped"]["then"]) for one in report.pairs] == [
        ("2.rules", "1.rules", "A")
    ]


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        ("not-fired", "if 'never' in msg:\n    team = 'A'\n"),
        ("overwritten", "team = 'A'\nteam = 'B'\n"),
        ("order", "team = 'A'\nteam = 'B'\n"),
        ("faults", "team = 1 // 0\n"),
        ("no-rule", "if 'never' in msg:\n    team = 'A'\n"),
    ],
)
def test_kinds(kind: str, rules: str) -> None:
    """Each kind is found in rules that have it, and not in others."""
    assert audited(rules).found(kind)
    assert not audited("if 1:\n    priority = 'Low'\n").found(kind)


# --- kept decisions


def keep(ruleset: RuleSet, ticket: dict[str, Any], moment: datetime = NOON, **further: Any) -> dict[str, Any]:
    """Return the envelope of a ticket that was decided when it came in."""
    return past(ticket, moment, decision=ruleset.decide(ticket, now=moment).to_dict(), **further)


def test_kept_decisions_count_as_fresh_ones() -> None:
    """The same tickets give the same report, decided now or then."""
    ruleset = RuleSet.from_text(WRONG, filename="a.rules")
    then = [keep(ruleset, ticket, NOON + timedelta(minutes=number)) for number, ticket in enumerate(TICKETS)]
    assert audit(ruleset, read(ruleset, then)).to_dict() == audited(WRONG).to_dict()


def test_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On several cores, cases are the same: those of other revisions, too."""
    monkeypatch.setattr("dispatcher.replay.CHUNK_LINES", 20)
    # At once, however few tickets there are.
    monkeypatch.setattr("dispatcher.audit.cases.replay", partial(replay, alone_seconds=0))
    old, new = (RuleSet.from_text(text, filename="a.rules") for text in ("# Old\nimpact = 1\n" + WRONG, WRONG))
    envelopes = [keep(old, ticket) if number % 3 else past(ticket) for number, ticket in enumerate(TICKETS * 20)]
    alone, several = (audit(new, read(new, envelopes, processes)).to_dict() for processes in (1, 2))
    assert several == alone


OLD = "# One\nif msg:\n    team = 'A'\n\nif msg:\n    impact = 1\n\n# Two\nif msg:\n    priority = 'Low'\n"
NEW = "# Two\nif msg:\n    priority = 'High'\n\n# New\nif msg:\n    urgency = 2\n\nif msg:\n    impact = 1\n"


@pytest.mark.parametrize(
    ("former", "hits", "gone"),
    [
        (None, {"Two": 1, "New": 0, "": 0}, [(2, "One"), (5, "")]),
        (OLD, {"Two": 1, "New": 0, "": 1}, [(2, "One")]),
    ],
)
def test_older_revisions(former: str | None, hits: dict[str, int], gone: list[tuple[int, str]]) -> None:
    """Rules that moved are found by title, and by text where that is kept; others are listed as gone."""
    old, new = (RuleSet.from_text(text, filename="a.rules") for text in (OLD, NEW))
    texts = {old.revision: old} if former else {}
    report = audit(new, read(new, [keep(old, {"msg": "x"})]), former=texts.get)
    assert {one["title"]: one["tickets"] for one in report.rules} == hits
    assert {one["title"]: one["present"] for one in report.rules} == hits
    assert [(one["line"], one["title"]) for one in report.gone] == gone
    assert report.revisions == [
        {"revision": new.revision, "in_force": True, "tickets": 0},
        {"revision": old.revision, "in_force": False, "tickets": 1},
    ]


def test_rules_that_took_each_others_place() -> None:
    """Rules without titles that stand in each other's place are told by their texts."""
    texts = ["if 'x' in msg:\n    team = 'A'\n", "if 'y' in msg:\n    team = 'B'\n"]
    old, new = (RuleSet.from_text("".join(order), filename="a.rules") for order in (texts, texts[::-1]))
    report = audit(new, read(new, [keep(old, {"msg": "x"})]), former={old.revision: old}.get)
    assert [(one["line"], one["tickets"]) for one in report.rules] == [(1, 0), (3, 1)]


def test_file_with_another_name() -> None:
    """The only file of a rule set may have another name."""
    old, new = (RuleSet.from_text("if msg:\n    team = 'A'\n", filename=name) for name in ("a.rules", "draft.rules"))
    report = audit(new, read(new, [keep(old, {"msg": "x"})]))
    assert [(one["file"], one["tickets"]) for one in report.rules] == [("draft.rules", 1)]


def test_fault_of_a_rule_that_moved() -> None:
    """The line of a fault is told as it is now."""
    text = "# Room\nif msg:\n    impact = int(msg)\n"
    old, new = (RuleSet.from_text(head + text, filename="a.rules") for head in ("", "team = 'A'\n\n"))
    report = audit(new, read(new, [keep(old, {"msg": "x"}), past({"msg": "x"})]))
    assert [(one["line"], one["at"], one["tickets"]) for one in report.faults] == [
        (4, {"file": "a.rules", "line": 5}, 2)
    ]


def test_rules_edited_where_they_stand() -> None:
    """Rules without titles are found where all rules of the file stand as they stood."""
    old, new = (RuleSet.from_text(f"if 'x' in msg:\n    team = {team!r}\n", filename="a.rules") for team in "AB")
    report = audit(new, read(new, [keep(old, {"msg": "x"})]))
    assert [(one["tickets"], one["present"]) for one in report.rules] == [(1, 1)]


def test_gone_rules_decide_nothing() -> None:
    """Where a rule had the last word that is gone, nothing is said of those that it overwrote."""
    old = RuleSet.from_text("# One\nteam = 'A'\n# Two\nteam = 'B'\n", filename="a.rules")
    new = RuleSet.from_text("# One\nteam = 'A'\n", filename="a.rules")
    report = audit(new, read(new, [keep(old, {})]))
    assert (report.overwritten, report.pairs) == ([], [])


def test_rules_that_were_in_another_order() -> None:
    """Where rules stood in another order, nothing is said of which of them wins; else it is, wherever they stand."""
    texts = [f"# {team}\nif msg:\n    team = '{team}'\n" for team in "AB"]
    now, other = (RuleSet.from_text("".join(order), filename="a.rules") for order in (texts, texts[::-1]))
    moved = RuleSet.from_text("# New\nimpact = 1\n" + "".join(texts), filename="a.rules")
    report = audit(now, read(now, [keep(rules, {"msg": "x"}) for rules in (other, moved, now)]))
    assert [(one["winner"]["title"], one["tickets"]) for one in report.pairs] == [("B", 2)]
    assert [(one["title"], one["tickets"]) for one in report.overwritten] == [("A", 2)]


def test_submission_errors() -> None:
    """Fields that fell back are counted by field, value and reason; without Halo's word nothing is known."""
    ruleset = RuleSet.from_text("team = 'X'\n")
    error = {"variable": "team", "value": "X", "reason": "no such team", "replacement": None}
    kept = [keep(ruleset, {}, submission_errors=errors) for errors in ([error], [], None)]
    report = audit(ruleset, read(ruleset, kept))
    shown = {"tickets": 1, "last": NOON.isoformat(), "examples": ["t1"]}
    assert report.submission_errors == {
        "filed": 2,
        "fields": [{"variable": "team"} | shown],
        "values": [{"variable": "team", "value": "X", "reason": "no such team"} | shown],
    }
    assert audited("team = 'X'\n").submission_errors is None


@pytest.mark.parametrize(
    "broken",
    [
        {"fired": None},
        {"received_at": "noon"},
        {"received_at": "0001-01-01"},
        {"fired": [{"file": "a", "line": []}]},
        {"changes": [{"file": "a", "line": 1, "new": 1}]},
        {"changes": [{"file": "a", "line": 1, "new": 1, "variable": {}}]},
        {"revision": 7},
        {"revision": "other", "not_fired": [{"file": "a", "line": 1}]},
    ],
)
def test_strange_decisions(broken: dict[str, Any]) -> None:
    """A decision that is none is not counted, whatever it holds."""
    ruleset = RuleSet.from_text("team = 'A'\n")
    decision = ruleset.decide({}, now=NOON).to_dict()
    report = audit(ruleset, read(ruleset, [past({}, decision=decision | broken), past({}, decision=decision)]))
    assert (report.tickets, report.skipped) == (1, {"unreadable": 1})


# --- bounds


def test_lists_are_cut() -> None:
    """The most frequent entries are listed, and the others counted."""
    ruleset = RuleSet.from_text("if msg:\n    team = 'A'\nif msg:\n    team = 'B'\nif 'x' in msg:\n    team = 'C'\n")
    report = audit(ruleset, cases(ruleset, [{"msg": "y"}, {"msg": "y"}, {"msg": "x"}]), top=1)
    assert [(one["loser"]["line"], one["winner"]["line"]) for one in report.pairs] == [(1, 3)]
    assert report.more == {"pairs": 2}
    assert report.found("order")


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many different things are found, the rest is only counted."""
    monkeypatch.setattr(tally, "MOST_ENTRIES", 1)
    report = audited("if msg:\n    team = 'A'\nif msg:\n    team = 'B'\nif 'p' in msg:\n    team = 'C'\n")
    assert report.left_out == {"pairs": 5, "overwritten": 7}


def test_revisions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a history in which everything was decided by other rules, so much is looked at as there is room for."""
    monkeypatch.setattr("dispatcher.audit.rules.MOST_STATEMENTS", 20)
    ruleset = RuleSet.from_text("team = 'A'\n")
    decision = ruleset.decide({}, now=NOON).to_dict()
    revisions = [ruleset.revision, *(f"{number:064}" for number in range(5)), ruleset.revision, f"{0:064}"]
    kept = [past({}, decision=decision | {"revision": revision}) for revision in revisions]
    report = audit(ruleset, read(ruleset, kept))
    assert (report.tickets, report.skipped, len(report.revisions)) == (5, {"revisions": 3}, 3)


def test_big_tickets_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket that is too big to be kept is counted, and nothing is tried out on it."""
    monkeypatch.setattr(tally, "KEPT_TICKET", 10)
    report = audited("team = 'A'\nteam = 'B'\n")
    assert [(one["tickets"], one["swapped"]["outcome"]) for one in report.pairs] == [(5, "unknown")]


def test_late() -> None:
    """When it is late, what was found is listed, and not tried out."""
    ruleset = RuleSet.from_text("team = 'A'\nteam = 'B'\n")
    report = audit(ruleset, cases(ruleset, TICKETS), late=lambda: True)
    assert [one["without"]["outcome"] for one in report.overwritten] == ["unknown"]


# --- true by experiment

_CONDITIONS = ("if 'a' in msg:", "if 'b' in msg:", "if name == 'Dan':", "if msg:", "if 'z' in msg:")
_WRITES = ("team = 'A'", "team = 'B'", "team = None", "priority = 1", "priority = 2", "priority = 1; team = 'C'")
_READS = (
    *("subject = '[x] ' + subject", "subject = subject.upper()", "priority = (priority or 0) + 1", "priority += 1"),
    *("team = team or 'D'", "team = 'E' if priority == 1 else 'F'", "own = team", "team = own", "del customfield['a']"),
)
_TICKETS = st.lists(
    st.fixed_dictionaries({"msg": st.sampled_from(("a", "b", "ab", "")), "name": st.sampled_from(("Dan", "Eve"))}),
    min_size=1,
    max_size=5,
)


def rule_texts(conditions: Sequence[str], writes: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Return rule sets as lists of rules, each of which is one line."""
    one = st.tuples(st.sampled_from(conditions), st.sampled_from(writes)).map(" ".join)
    return st.lists(one, min_size=1, max_size=5)


CONSTANT = rule_texts(_CONDITIONS, _WRITES)
# Rules can hand values on in a variable of their own.
ANY = rule_texts((*_CONDITIONS, "if team == 'A':", "if priority == 1:"), (*_WRITES, *_READS)).map(
    lambda rules: ["own = 'G'", *rules]
)


def finals(rules: Sequence[str], tickets: Sequence[dict[str, Any]], *variables: str) -> list[Any]:
    """Return what some variables end with on each ticket, or all."""
    ruleset = RuleSet.from_text("".join(f"{text}\n" for text in rules))
    ends = [ruleset.decide(ticket, now=NOON).action_variables for ticket in tickets]
    return [[end[name] for name in variables or end] for end in ends]


def silenced(rules: Sequence[str], entry: dict[str, Any]) -> list[str]:
    """Return rules without the writes that an entry is about."""
    before, text, after = rules[: entry["line"] - 1], rules[entry["line"] - 1], rules[entry["line"] :]
    head, body = text.split(": ", 1)
    writes = (f"{entry['variable']} ", f"del {entry['variable']}[")
    parts = ["()" if part.startswith(writes) else part for part in body.split("; ")]
    return [*before, f"{head}: {'; '.join(parts)}", *after]


def write_and_fail(rules: Sequence[str], tickets: Sequence[dict[str, Any]]) -> list[int]:
    """Return the number of faults on each ticket."""
    ruleset = RuleSet.from_text("".join(f"{text}\n" for text in rules))
    return [len(ruleset.decide(ticket, now=NOON).faults) for ticket in tickets]


def chosen(tickets: Sequence[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tickets that an entry is about: there are no more than are named."""
    return [tickets[int(name[1:]) - 1] for name in entry["examples"]]


def check(
    now: Sequence[str],
    then: Sequence[str],
    entry: dict[str, Any],
    outcome: str,
    tickets: Sequence[dict[str, Any]],
    *variables: str,
) -> None:
    """Assert that other rules do to some variables, or to all, on the tickets of an entry what is said."""
    about = chosen(tickets, entry)
    if outcome == "fails":
        failing = zip(write_and_fail(now, about), write_and_fail(then, about), strict=True)
        assert any(after > before for before, after in failing)
    else:
        assert (finals(now, about, *variables) == finals(then, about, *variables)) == (outcome == "same")


@PROPERTY
@given(CONSTANT, _TICKETS)
def test_constant_rules_that_are_overwritten_do_nothing(rules: list[str], tickets: list[dict[str, Any]]) -> None:
    """Where no rule reads what rules write, a value is always overwritten only if its rule changes it on no ticket."""
    report = audited("".join(f"{text}\n" for text in rules), tickets)
    for entry in report.overwritten:
        assert entry["without"]["outcome"] == "same"
        assert finals(rules, tickets) == finals(silenced(rules, entry), tickets)


@PROPERTY
@given(ANY, _TICKETS)
def test_what_is_said_of_overwritten_values_is_true(rules: list[str], tickets: list[dict[str, Any]]) -> None:
    """Where nothing is said to change without a value, nothing changes, whatever rules read."""
    report = audited("".join(f"{text}\n" for text in rules), tickets)
    for entry in report.overwritten:
        check(rules, silenced(rules, entry), entry, entry["without"]["outcome"], tickets)


@PROPERTY
@given(ANY, _TICKETS)
def test_what_is_said_of_pairs_is_true(rules: list[str], tickets: list[dict[str, Any]]) -> None:
    """What a variable is said to end with in the other order is what it ends with, and the winner comes later."""
    report = audited("".join(f"{text}\n" for text in rules), tickets)
    for entry in report.pairs:
        first, second = entry["loser"]["line"], entry["winner"]["line"]
        assert first < second
        swapped = list(rules)
        swapped[first - 1], swapped[second - 1] = rules[second - 1], rules[first - 1]
        check(rules, swapped, entry, entry["swapped"]["outcome"], tickets, entry["variable"])


@PROPERTY
@given(ANY, _TICKETS)
def test_last_words(rules: list[str], tickets: list[dict[str, Any]]) -> None:
    """A value stands at the end on each ticket, or it is listed as overwritten: nothing is missing."""
    report = audited("".join(f"{text}\n" for text in rules), tickets)
    ruleset = RuleSet.from_text("".join(f"{text}\n" for text in rules))
    changes = [ruleset.decide(ticket, now=NOON).changes for ticket in tickets]
    last = {(one.variable, {c.variable: c.line for c in of}[one.variable]) for of in changes for one in of}
    every = {(one.variable, one.line) for of in changes for one in of}
    assert {(one["variable"], one["line"]) for one in report.overwritten} == every - last


# --- text


def test_text(golden: Callable[[str, str], None]) -> None:
    """The text says what is odd about rules, and which tickets to open."""
    lines = as_text(audited(WRONG).to_dict(), 10)
    golden("audit.txt", "".join("".join(text for _, text in line) + "\n" for line in lines))


def test_times_in_text() -> None:
    """Times of tickets from several zones are told in one; where a time is in no other zone, as it is."""
    ruleset = RuleSet.from_text("team = 'A'\n")
    moments = ("2026-03-01T23:30:00-05:00", "2026-03-02T12:00:00+09:00")
    report = audit(ruleset, read(ruleset, [{"ticket": {}, "received_at": moment} for moment in moments]))
    assert as_text(report.to_dict(), 10)[0][1][1] == " from 2026-03-02 03:00 to 2026-03-02 04:30 (UTC)"
    first = audit(ruleset, read(ruleset, [{"ticket": {}, "received_at": "0001-01-01T00:00:00+05:00"}]))
    assert as_text(first.to_dict(), 10)[0][1][1] == " from 0001-01-01 00:00 to 0001-01-01 00:00 (UTC)"
