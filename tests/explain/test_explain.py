"""What explanations claim is true by experiment: the text of the rules is edited as they say, and decides as they say."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import RuleSet
from dispatcher.errors import DispatcherError
from dispatcher.explain import Explanation, WhyNot, explain
from dispatcher.explain.nearness import hint
from dispatcher.plain import same
from dispatcher.render.explanations import explanation
from dispatcher.tracing import branches, traced
from tests.explain.rule_texts import conditions, files, tickets
from tests.lang.strategies import PROPERTY

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)


def explained(text: str, ticket: dict[str, Any], **questions: Any) -> Explanation:
    """Return the explanation of a decision by one file."""
    return explain(RuleSet.from_text(text), ticket, now=NOW, **questions)


def decided(text: str, ticket: dict[str, Any]) -> dict[str, Any]:
    """Return the ticket variables as the rules of one text leave them."""
    return RuleSet.from_text(text).decide(ticket, now=NOW).action_variables


def without(text: str, lines: set[int]) -> str:
    """Return rules whose statements at some lines do nothing."""
    edited = text.split("\n")
    for number in lines:
        line = edited[number - 1]
        edited[number - 1] = line[: len(line) - len(line.lstrip())] + "pass"
    return "\n".join(edited)


# --- why a variable is what it is


@settings(PROPERTY, max_examples=35)
@given(text=files, ticket=tickets)
def test_without_the_named_lines_the_value_is_the_one_told(text: str, ticket: dict[str, Any]) -> None:
    """Each line that is said to have set a variable changes it when it is taken away, to what was said."""
    before = decided(text, ticket)
    for field in explained(text, ticket).fields:
        if field.set_by is None:
            continue
        assert field.otherwise is not None
        lines = {place.line for place in field.otherwise.lines}
        after = decided(without(text, lines), ticket)[field.variable]

        assert field.set_by.line in lines
        assert not same(after, before[field.variable])
        assert same(after, field.otherwise.value)


@settings(PROPERTY, max_examples=35)
@given(text=files, ticket=tickets)
def test_a_value_without_a_line_that_set_it_is_the_tickets_own(text: str, ticket: dict[str, Any]) -> None:
    """What no line is said to have set is what it was before the rules."""
    none = RuleSet.from_text("").decide(ticket, now=NOW).action_variables
    for field in explained(text, ticket).fields:
        if field.set_by is None:
            assert same(field.value, none[field.variable])


@settings(PROPERTY, max_examples=25)
@given(text=files, ticket=tickets)
def test_steps_lead_from_the_first_value_to_the_last(text: str, ticket: dict[str, Any]) -> None:
    """Each step begins where the one before it ended, and the last one leaves what is there at the end."""
    for field in explained(text, ticket).fields:
        value = field.first
        for step in field.steps:
            assert same(step.old, value)
            assert (step.fate == "same") == same(step.new, step.old)
            value = step.new
        assert same(value, field.value)


@settings(PROPERTY, max_examples=25)
@given(condition=conditions, ticket=tickets)
def test_a_line_was_set_because_of_its_condition(condition: str, ticket: dict[str, Any]) -> None:
    """What is said to have let a line run is so, and with the opposite it does not run."""
    text = f"if {condition}:\n    impact = 1\n"
    (field,) = explained(text, ticket, why="impact").fields
    for part in field.because:
        assert (part.line, part.truth) == (1, True)
        assert condition in (part.text, f"({part.text})")
        assert RuleSet.from_text(f"print(bool({condition}))").decide(ticket, now=NOW).prints == "True\n"
        assert decided(text.replace(condition, f"not ({condition})"), ticket)["impact"] is None


def test_lines_that_set_the_same_are_told_together() -> None:
    """Where taking away one line changes nothing, those that would set the same are named, too."""
    (field,) = explained("team = 'A'\nstate = 'x'\nteam = 'A'\nteam = 'A'\n", {}, why="team").fields

    assert field.set_by is not None
    assert field.set_by.line == 1
    assert field.otherwise is not None
    assert [place.line for place in field.otherwise.lines] == [1, 3, 4]
    assert (field.otherwise.value, field.otherwise.by) == (None, None)
    assert [(step.place.line, step.fate) for step in field.steps] == [(1, "stays"), (3, "same"), (4, "same")]


def test_overwriting_and_building_upon_are_told() -> None:
    """A value that a later line replaces is overwritten by it; one that it keeps is built upon."""
    text = "priv_append += 'a'\npriv_append += 'b'\nteam = 'A'\nif True:\n    team = 'B'\n"
    fields = {field.variable: field for field in explained(text, {}).fields}

    told = {
        name: [(step.place.line, step.fate, step.by and step.by.line) for step in fields[name].steps]
        for name in ("team", "priv_append")
    }
    assert told == {
        "team": [(3, "overwritten", 5), (5, "stays", None)],
        "priv_append": [(1, "extended", 2), (2, "stays", None)],
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("if (team := 'A'):\n    state = 'x'\n", 1),
        ("for team in ['A', 'B']:\n    pass\n", 1),
        ("def f():\n    global team\n    team = 'A'\nf()\n", 3),
        ("team, state = 'A', 'B'\n", 1),
        ("match msg:\n    case team:\n        pass\n", 2),
        ("team = (\n    'A' +\n    'B'\n); state = 'C'\n", 1),
        ("x = 1; team = 'A'\n", 1),
        ("if True: team = 'A'\n", 1),
        ("customfield.update({'a': 1})\nteam = str(customfield)\n", 2),
        ("try:\n    1 / 0\nexcept Exception:\n    team = 'A'\n", 4),
    ],
)
def test_every_way_of_writing_is_explained(text: str, line: int) -> None:
    """However a variable is written, its line is named and an experiment tells what it would be without."""
    (field,) = explained(text, {"msg": "hello"}, why="team").fields

    assert field.set_by is not None
    assert field.set_by.line == line
    assert field.otherwise is not None
    assert field.otherwise.value is None


@pytest.mark.parametrize(
    ("ticket", "defaults", "origin", "value"),
    [
        ({"team": "A"}, {"team": "B"}, "ticket", "A"),
        ({}, {"team": "B"}, "default", "B"),
        ({"team": None}, {"team": "B"}, "default", "B"),
        ({}, {}, "unset", None),
    ],
)
def test_the_origin_of_what_no_rule_sets_is_told(
    ticket: dict[str, Any], defaults: dict[str, Any], origin: str, value: Any
) -> None:
    """A value is the sender's, a default, or none."""
    (field,) = explain(RuleSet.from_text("state = 1\n", defaults=defaults), ticket, why="team").fields

    assert (field.origin, field.value, field.steps, field.set_by) == (origin, value, (), None)


def test_a_subject_is_told_to_be_made_of_the_message() -> None:
    """Without a subject of the sender's, the message is where it is from; an alias is the sender's own."""
    fields = {field.variable: field.origin for field in explained("pass", {"message": "Hello"}).fields}

    assert (fields["subject"], fields["msg"]) == ("message", "ticket")


def test_items_of_a_mapping_are_overwritten_by_the_lines_that_write_them() -> None:
    """A line that sets another item overwrites nothing."""
    text = "customfield['a'] = 1\ncustomfield['b'] = 2\ncustomfield['a'] = 3\ndel customfield['b']\n"
    (field,) = explained(text, {}, why="customfield").fields

    assert [(step.fate, step.by and step.by.line) for step in field.steps] == [
        ("overwritten", 3),
        ("overwritten", 4),
        ("extended", 4),
        ("stays", None),
    ]


def test_a_value_that_happens_to_hold_another_does_not_build_upon_it() -> None:
    """What counts is whether the later line reads the variable."""
    (field,) = explained("team = 'Desk'\nteam = 'Service Desk'\n", {}, why="team").fields

    assert [step.fate for step in field.steps] == ["overwritten", "stays"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "for w in ['a', 'b']:\n    if w != 'z':\n        if w == 'a':\n            team = w\n",
            [("w", "a"), ("w", "a")],
        ),
        ("for i in range(100):\n    if i >= 0:\n        team = str(i)\n", [("i", 99)]),
        ("for i in range(100):\n    if i == 70:\n        team = str(i)\n", [("i", 70)]),
        (
            "def f(t):\n    global team\n    if t == 'B' or len(t) > 5:\n        team = t\nf('longer')\nf('B')\nf('')\n",
            [("t", "B")],
        ),
    ],
)
def test_conditions_are_told_as_they_were_when_the_line_ran(text: str, expected: list[tuple[str, Any]]) -> None:
    """What other turns of the loop, or other calls, saw is not told."""
    (field,) = explained(text, {}, why="team").fields

    assert [value for part in field.because if part.truth is not None for value in part.values] == expected


def test_a_refusal_by_a_fault_is_told_as_such() -> None:
    """No rule has set `exception`, and yet it has a value."""
    found = explain(RuleSet.from_text("team = 1 / 0\n", on_fault="refuse"), {}, now=NOW, why="exception")

    assert (found.fields[0].origin, found.fields[0].set_by) == ("fault", None)


# --- why a rule did not fire


@settings(PROPERTY, max_examples=35)
@given(condition=conditions, ticket=tickets)
def test_with_the_needed_parts_otherwise_the_line_runs(condition: str, ticket: dict[str, Any]) -> None:
    """Where the parts named are replaced in the text by what they would have to be, the line runs."""
    text = f"if {condition}:\n    print('here')\n    state = 'reached'\n"
    answer = explained(text, ticket, why_not=(None, 2)).why_not
    assert answer is not None
    if answer.ran:
        assert "here" in RuleSet.from_text(text).decide(ticket, now=NOW).prints
        return
    assert answer.then_runs
    spots = [(condition.find(part.text), part) for part in answer.needed]
    if any(condition.count(part.text) != 1 for _, part in spots):
        return
    edited = condition
    for _, part in sorted(spots, key=lambda spot: -spot[0]):
        edited = edited.replace(part.text, str(not part.truth), 1)
    assert "here" in RuleSet.from_text(text.replace(condition, edited)).decide(ticket, now=NOW).prints


@settings(PROPERTY, max_examples=35)
@given(condition=conditions, ticket=tickets)
def test_the_false_part_and_its_values_are_what_they_are(condition: str, ticket: dict[str, Any]) -> None:
    """The part told is false (or true) when the rules print it, and so are the values it saw."""
    found = explained(f"if {condition}:\n    state = 'reached'\n", ticket)
    for rule in found.not_fired:
        (miss,) = rule.misses
        assert miss.reason == "false"
        assert miss.part is not None
        for text, value in ((miss.part.text, miss.part.truth), *miss.part.values):
            shown = f"bool({text})" if text == miss.part.text and value is miss.part.truth else text
            printed = RuleSet.from_text(f"print(repr({shown}))").decide(ticket, now=NOW).prints
            assert printed == f"{value!r}\n"


@settings(PROPERTY, max_examples=25)
@given(text=files, ticket=tickets)
def test_each_rule_that_did_not_fire_has_a_reason(text: str, ticket: dict[str, Any]) -> None:
    """A fault or a branch that was not taken is told of each."""
    for rule in explained(text, ticket).not_fired:
        assert rule.fault is not None or rule.misses


@settings(PROPERTY, max_examples=35)
@given(text=files, ticket=tickets, number=st.integers(0, 30))
def test_a_line_is_said_to_run_where_it_does(text: str, ticket: dict[str, Any], number: int) -> None:
    """What `why_not` says of a line agrees with a `print` put there."""
    lines = text.split("\n")
    line = number % len(lines)
    if lines[line].startswith(("if", "for")):
        # Of these it is told whether the rule has fired.
        return
    answer = explained(text, ticket, why_not=(None, line + 1)).why_not
    assert answer is not None
    # A head runs when what is below it does.
    at = line + lines[line].endswith(":")
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    printing = "\n".join([*lines[:at], f"{indent}print('here')", *lines[at:]])
    decision = RuleSet.from_text(printing).decide(ticket, now=NOW)
    if not decision.faults:
        assert answer.ran == ("here" in decision.prints)


def why_not(text: str, line: int, ticket: dict[str, Any] | None = None) -> WhyNot:
    """Return why a line did not run."""
    answer = explained(text, ticket or {}, why_not=(None, line)).why_not
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("text", "line", "last"),
    [
        ("for x in ['a']:\n    continue\n    team = 'A'\n", 3, 2),
        ("for x in ['a']:\n    break\nelse:\n    team = 'A'\n", 4, 2),
        ("try:\n    1 / 0\n    team = 'A'\nexcept Exception:\n    pass\n", 3, 2),
        ("try:\n    1 / 0\nexcept Exception:\n    pass\nelse:\n    team = 'A'\n", 6, 4),
        ("def f(x):\n    if x:\n        return 1\n    return 2\nteam = f(1)\n", 4, 3),
    ],
)
def test_a_line_that_something_came_before_is_not_said_to_run(text: str, line: int, last: int) -> None:
    """Where no branch is the reason, the last line above that ran is told."""
    answer = why_not(text, line)

    assert answer.closed is not None
    assert (answer.ran, answer.closed.reason, answer.closed.line, answer.then_runs) == (False, "left", last, False)


@pytest.mark.parametrize(
    ("text", "line", "ran", "reason"),
    [
        ("if msg:\n    team = 1\nelse:\n    team = 2\n", 3, False, "true"),
        ("if msg == 'y':\n    # why\n\n    team = 1\n", 2, False, "false"),
        ("if msg == 'y':\n    # why\n\n    team = 1\n", 3, False, "false"),
        ('if msg:\n    team = """\nif a:\n"""\n', 3, True, None),
        ("if msg:\n    if msg == 'y':\n        team = 1\n    state = 2\n", 2, False, "false"),
        ("if msg:\n    if msg == 'y': team = 1\n    state = 2\n", 2, False, "false"),
        ("def f():\n    global team\n    team = 1\nstate = 1\n", 3, False, "not called"),
        ("def f():\n    global team\n    team = 1\nf()\n", 3, True, None),
        ("x = 1\nteam = x\n", 1, True, None),
        ("try:\n    team = 1\nexcept ValueError:\n    team = 2\n", 3, False, "not reached"),
    ],
)
def test_every_line_of_a_statement_can_be_asked_for(text: str, line: int, ran: bool, reason: str | None) -> None:
    """Heads, comments and blank lines stand for what is below them, and all lines of a statement for all of it."""
    answer = why_not(text, line, {"msg": "x"})

    assert (answer.ran, answer.closed and answer.closed.reason) == (ran, reason)


def test_a_title_stands_for_its_rule() -> None:
    """Its reasons are told; where nothing stands, the nearest lines are named."""
    (miss,) = why_not("# Title\nif msg:\n    team = 1\n\nstate = 1\n", 1).misses
    assert (miss.line, miss.reason) == (2, "false")
    with pytest.raises(DispatcherError, match="no rule at line 4; the nearest begin at 2 and 5"):
        why_not("# Title\nif msg:\n    team = 1\n\nstate = 1\n", 4)


def test_of_rules_on_one_line_each_has_its_reason() -> None:
    """The one that failed is the one that did not fire."""
    (rule,) = explained("state = 1; team = 1 / 0; impact = 3\n", {}).not_fired

    assert rule.fault is not None
    assert rule.fault.type == "ZeroDivisionError"


def test_modules_and_functions_are_no_values_to_be_told() -> None:
    """What a search looks at is the text."""
    (rule,) = explained("import re\nif re.search('a+', msg):\n    team = 1\n", {}).not_fired

    assert rule.misses[0].part is not None
    assert rule.misses[0].part.values == (("msg", ""),)


def test_long_mails_and_many_rules_are_explained_in_time() -> None:
    """What is nearly there is looked for in each text once."""
    text = "".join(f"if 'printer{number}' in msg:\n    team = 'T{number}'\n" for number in range(1_000))
    ticket = {"msg": " ".join(f"lorem{number} pritner{number}" for number in range(150))}
    begun = time.process_time()
    found = explained(text, ticket)

    assert time.process_time() - begun < 4
    assert found.not_fired[8].misses[0].part is not None
    assert found.not_fired[8].misses[0].part.hint == "'pritner8' is there, which is nearly alike"


def test_an_elif_behind_one_that_held_did_not_run_because_of_it() -> None:
    """The condition that held first is told, and it is what would have to be otherwise."""
    text = "if msg == 'a':\n    team = 'A'\nelif 'a' in msg:\n    team = 'B'\nelse:\n    team = 'C'\n"
    answer = why_not(text, 4, {"msg": "a"})

    assert answer.closed is not None
    assert (answer.closed.reason, answer.closed.line) == ("true", 1)
    assert [(part.text, part.truth) for part in answer.needed] == [("msg == 'a'", True)]
    assert answer.then_runs


def test_an_else_did_not_run_because_the_condition_held() -> None:
    """The condition is told with what it saw."""
    answer = why_not("if 'a' in msg:\n    team = 'A'\nelse:\n    team = 'B'\n", 4, {"msg": "abc"})

    assert answer.closed is not None
    assert answer.closed.reason == "true"
    assert answer.closed.part is not None
    assert answer.closed.part.values == (("msg", "abc"),)


def test_an_empty_loop_is_told() -> None:
    """What there was to go through is shown."""
    answer = why_not("for word in msg.split():\n    team = word\n", 2)

    assert answer.closed is not None
    assert answer.closed.reason == "empty"
    assert answer.closed.part is not None
    assert answer.closed.part.values == (("msg.split()", []),)


def test_a_case_that_does_not_match_is_told() -> None:
    """The subject is shown."""
    answer = why_not(
        "match msg:\n    case 'a':\n        team = 'A'\n    case 'b':\n        team = 'B'\n", 5, {"msg": "c"}
    )

    assert answer.closed is not None
    assert answer.closed.reason == "no match"
    assert answer.closed.part is not None
    assert answer.closed.part.values == (("msg", "c"),)


def test_the_nearest_of_several_branches_is_told() -> None:
    """Of two branches the one counts of which more held."""
    text = "if 'x' in msg and 'y' in msg:\n    team = 'A'\nelif 'a' in msg and 'b' in msg and 'y' in msg:\n    team = 'B'\n"
    (rule,) = explained(text, {"msg": "ab"}).not_fired

    assert [(miss.line, round(miss.nearness, 2)) for miss in rule.misses] == [(1, 0.0), (3, 0.67)]
    assert rule.nearest == 1


def test_the_nearest_turn_of_a_loop_is_told() -> None:
    """Of many looks at one condition, the one is shown that came nearest."""
    text = "for word in ['fax', 'Printer', 'tv']:\n    if word in msg and word != '':\n        team = 'A'\n"
    answer = why_not(text, 3, {"msg": "my printer"})

    assert answer.closed is not None
    assert answer.closed.looks == 3
    assert answer.closed.part is not None
    assert answer.closed.part.values == (("word", "Printer"), ("msg", "my printer"))
    assert answer.closed.part.hint == "'printer' is there: only upper and lower case differ"


@pytest.mark.parametrize(("turns", "told"), [(50, "at the nearest: "), (51, "at the nearest of the first 50: ")])
def test_of_very_many_turns_the_first_are_compared(turns: int, told: str) -> None:
    """That is said, since a later one may have come nearer."""
    found = explained(f"for i in range({turns}):\n    if i > 90:\n        team = 'A'\n", {}, why_not=(None, 3))
    lines = ["".join(text for _, text in line) for line in explanation(found.to_dict())]
    assert any(f"each of {turns} times; {told}" in line for line in lines)


def test_a_rule_that_failed_is_told_by_its_fault() -> None:
    """The fault stands where the reasons would."""
    (rule,) = explained("if 'a' in msg:\n    team = msg[100]\n", {"msg": "a"}).not_fired

    assert rule.misses == ()
    assert rule.fault is not None
    assert (rule.fault.type, rule.fault.line) == ("IndexError", 2)


@pytest.mark.parametrize(
    ("condition", "ticket", "expected"),
    [
        ("team == '2nd line'", {"team": "2nd Line"}, "they differ in upper and lower case only"),
        ("team == '2nd Line'", {"team": "2nd  Line "}, "they differ in white space only"),
        ("team == 'Hardware'", {"team": "Hardwear"}, "they are nearly alike"),
        ("priority == 1", {"priority": "1"}, "one is a number, the other text"),
        ("'Printer' in msg", {"msg": "a printer"}, "'printer' is there: only upper and lower case differ"),
        ("'printer' in msg", {"msg": "the pritner burns"}, "'pritner' is there, which is nearly alike"),
        ("team in ['Desk', 'Field']", {"team": "desk"}, "'Desk' is there: they differ in upper and lower case only"),
        ("priority in [1, 2]", {"priority": "2"}, "2 is there as a number"),
        ("priority in ['1', '2']", {"priority": 2}, "'2' is there as text"),
        (
            "email.endswith('@Contoso.com')",
            {"email": "a@contoso.com"},
            "it is '@contoso.com' there: only upper and lower case differ",
        ),
        ("team == '2nd line'", {"team": "2nd  Line"}, "they differ in white space and in upper and lower case only"),
        ("team == 'strasse'", {"team": "straße"}, "they are nearly alike"),
        ("len(msg) > 10", {"msg": "123456789"}, "1 away"),
        ("10 ** 400 < len(msg) + 0.5", {"msg": "1"}, ""),
        ("10 ** 400 > 10 ** 400 + len(msg)", {"msg": "1"}, ""),
        ("10 ** 5000 == msg", {"msg": "1"}, ""),
        ("10 ** 5000 in [msg]", {"msg": "1"}, ""),
        (f"'{'1' * 5000}' in [1, len(msg)]", {"msg": "1"}, ""),
        ("'x' in msg", {"msg": "abc"}, ""),
        ("len(msg) > 1000", {"msg": "1"}, ""),
        ("team == None", {"team": "x"}, ""),
    ],
)
def test_what_nearly_held_is_told(condition: str, ticket: dict[str, Any], expected: str) -> None:
    """Other case, white space, spelling or kind are named; what is far off is not."""
    (rule,) = explained(f"if {condition}:\n    state = 1\n", ticket).not_fired
    part = rule.misses[0].part

    assert part is not None
    assert part.hint == expected


@settings(PROPERTY, max_examples=25)
@given(condition=conditions, ticket=tickets)
def test_hints_are_only_given_for_what_is_false(condition: str, ticket: dict[str, Any]) -> None:
    """A part that was true, or was not looked at, has no hint."""
    found = traced(RuleSet.from_text(f"if {condition}:\n    state = 1\n"), ticket, now=NOW)
    for branch in branches(found.ruleset):
        for look in found.looks(branch):
            assert all(leaf.truth is False or hint(leaf) == "" for leaf in look.leaves())


# --- what is asked


def test_unknown_variables_and_lines_are_refused() -> None:
    """The error names what there is."""
    with pytest.raises(DispatcherError, match=r"no variable `temm`; did you mean `team`\?"):
        explained("team = 1", {}, why="temm")
    with pytest.raises(DispatcherError, match="no variable `queue`; they have priority, state, team"):
        explained("team = 1", {}, why="queue")
    with pytest.raises(DispatcherError, match="no rule at line 9"):
        explained("team = 1", {}, why_not=(None, 9))
    with pytest.raises(DispatcherError, match=r"no rule at x\.rules, line 1"):
        explained("team = 1", {}, why_not=("x.rules", 1))


def test_rules_that_would_not_load_without_a_line_are_no_experiment() -> None:
    """Where a statement cannot be taken away, nothing is claimed of what would be without it."""
    (field,) = explained("from math import floor as team, ceil as up\nstate = up(1.5)\n", {}, why="team").fields

    assert field.set_by is not None
    assert field.otherwise is None


def test_a_case_behind_one_that_matched_was_not_looked_at() -> None:
    """The line that matched first is named."""
    text = "match msg:\n    case 'a':\n        team = 'A'\n    case 'a' | 'b':\n        team = 'B'\n"
    answer = why_not(text, 5, {"msg": "a"})

    assert answer.closed is not None
    assert (answer.closed.reason, answer.closed.line_before) == ("skipped", 2)
