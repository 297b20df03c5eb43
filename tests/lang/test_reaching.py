"""What may get into ticket variables is found, is never too little, and tells which texts are names and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.checking import checked_source, declared_schema
from dispatcher.lang.reaching import DEFAULTS, Reached, reaching
from dispatcher.lang.source import Source
from dispatcher.ruleset import RuleSet
from tests.lang.conformance.corpus import read_corpus
from tests.lang.strategies import PROPERTY

EXAMPLES = sorted((Path(__file__).parents[2] / "rules_examples").glob("*/*.rules"))
VARIABLES = ("team", "agent", "priority")
TICKETS: tuple[dict[str, Any], ...] = (
    {},
    {"msg": "a vip asks for a printer", "hostname": "h-1", "name": "Dan", "selections": ["one", "two"]},
)
SCALARS = (str, int, float, bool, type(None))


def reached(*texts: str, **defaults: Any) -> Reached:
    """Return what may be in the variables when some files have run."""
    schema = declared_schema(())
    return reaching([checked_source(Source(text), schema)[0] for text in texts], VARIABLES, defaults)


def teams(found: Reached) -> set[Any]:
    """Return the teams that are found; `?` stands for one that is not told."""
    values = {each.value for each in found.values if each.variable == "team"}
    return values | {"?" for each in found.unclear if each.variable == "team"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("team = 'A'", {"A"}),
        ("if msg:\n    team = 'A'", {"A", None}),
        ("team = 'A'\nteam = 'B'", {"B"}),
        ("team = 'A'\nif msg:\n    team = 'B'\nelse:\n    team = 'C'", {"B", "C"}),
        ("team = 'A'\nif 1 / len(msg):\n    team = 'B'\nelse:\n    team = 'C'", {"A", "B", "C"}),
        ("team = 'A' if msg else 'B'", {"A", "B"}),
        ("team = team or 'A'", {"A"}),
        ("team = msg and 'A'", {"A", "?"}),
        ("team = None or '' or 'A'", {"A"}),
        ("wanted = 'A'\nif msg:\n    wanted = 'B'\nteam = wanted", {"A", "B"}),
        ("team = agent = 'A'", {"A"}),
        ("team, agent = 'A', 'B'", {"A"}),
        ("agent, *others = 'A', 'B', 'C'\nteam = others[0]", {None, "B", "C", "A"}),
        ("(x, (team, y)) = 'A', ('B', 'C')", {"B"}),
        ("team = {'a': 'A', 'b': 'B'}[name]", {"A", "B", None}),
        ("team = {'a': 'A', 'b': 'B'}['a']", {"A"}),
        ("team = {'a': 'A'}.get(name)", {"A", None}),
        ("team = {'a': 'A'}.get(name, 'B')", {"A", "B"}),
        ("desks = {}\ndesks['a'] = 'A'\ndesks.update(b='B')\nteam = desks.get(name, 'C')", {"A", "B", "C"}),
        ("desks = dict(a='A')\ndesks.setdefault('b', 'B')\nteam = desks.get('b', 'C')", {"B", "C"}),
        ("for key, desk in {'a': 'A', 'b': 'B'}.items():\n    if key in msg:\n        team = desk", {"A", "B", None}),
        ("for desk in ['A', 'B']:\n    if desk in msg:\n        team = desk\n        break\nelse:\n    team = 'C'",
         {"A", "B", "C"}),
        ("team = ['A', 'B'][-1]", {"B"}),
        ("team = ['A', 'B'][len(msg)]", {"A", "B", None}),
        ("desks = ['A']\ndesks.append('B')\nteam = desks[0]", {"A", "B"}),
        ("desks = [desk for desk in ('A', 'B') if desk in msg]\nif desks:\n    team = desks[0]", {"A", "B", None}),
        ("team = next((desk for desk in ('A', 'B') if desk in msg), 'C')", {"A", "B", "C"}),
        ("import random\nteam = random.choice(['A', 'B'])", {"A", "B", None}),
        ("from random import choice\nteam = choice(('A', 'B'))", {"A", "B", None}),
        ("team = min('A', 'B')", {"A", "B", None}),
        ("team = 'Desk ' + 'A'", {"Desk A"}),
        ("team = 'Desk '\nteam += 'A'", {"Desk A"}),
        ("letter = 'A' if msg else 'B'\nteam = f'Desk {letter}'", {"Desk A", "Desk B"}),
        ("team = 'Desk %s' % 'A'", {"Desk A", None}),
        ("team = f'Desk {name}'", {"?"}),
        ("team = 'Desk ' + name", {"?"}),
        ("team = name", {"?"}),
        ("team = ' a team '.strip().title()", {"A Team"}),
        ("team = 'a-b'.replace('-', ' ')", {"a b"}),
        ("team = 'A,B'.split(',')[0]", {"A", "B", None}),
        ("def pick(x):\n    if x:\n        return 'A'\n    return 'B'\nteam = pick(msg)", {"A", "B"}),
        ("def pick(x, y='A'):\n    return y\nteam = pick(1)\nagent = pick(1, 'B')", {"A"}),
        ("def pick(x):\n    return x\nagent = pick('B')\nteam = pick('A')", {"A"}),
        ("def pick(**names):\n    return names['a']\nteam = pick(a='A')", {"A"}),
        ("def pick(*names):\n    return names[1]\nteam = pick('A', 'B')", {"A", "B", None}),
        ("def pick():\n    global team\n    team = 'A'\npick()", {"A"}),
        ("def pick(n):\n    return 'A' if n > 3 else pick(n + 1)\nteam = pick(0)", {"A", "?", None}),
        ("pick = lambda x: 'A' if x else 'B'\nteam = pick(msg)", {"A", "B"}),
        ("def outer():\n    desk = 'A'\n    def inner():\n        return desk\n    return inner()\nteam = outer()", {"A"}),
        ("if (team := 'A') and msg:\n    pass", {"A"}),
        ("try:\n    team = 'A'\n    team = int(msg)\nexcept ValueError:\n    pass", {"A", "?", None}),
        ("try:\n    x = 1 // len(msg)\n    team = 'A'\nexcept Exception:\n    team = 'B'\nfinally:\n    agent = 'C'",
         {"A", "B", None}),
        ("match name:\n    case 'x':\n        team = 'A'\n    case _:\n        team = 'B'", {"A", "B"}),
        ("match 'A':\n    case x:\n        team = x", {"A"}),
        ("team = 3", {3}),
        ("team = -3", {-3}),
        ("team = 'A'\nwhile msg:\n    team = team + 'B'\n    msg = msg[1:]", {"A", "?"}),
        ("del team\nteam = 'A'", {"A"}),
        ("raise ValueError\nteam = 'A'", {"A"}),
        ("team = ['A']", {"?"}),
        ("desks = names = ['A']\nnames += ['B']\nteam = desks[-1]", {"A", "B"}),
        ("desks = ['A', 'B']\ndesks.sort()\nteam = desks[0]", {"A", "B"}),
        ("team = 'A'\ndesks = {'a': 'B'}\ndesks.clear()\nteam = desks['a']", {"A", "B"}),
        ("team, agent = []\nteam = team or 'A'", {"A"}),
        ("message = 'A'\nteam = message", {"A"}),
    ],
)  # fmt: skip
def test_what_may_get_into_a_variable(rules: str, expected: set[Any]) -> None:
    """All ways are followed along which a text may get into a variable; what cannot be told is said to be so."""
    found = teams(reached(rules))

    assert {None if value is None else value for value in found} - {None} == expected - {None}
    assert None in found or None not in expected


def test_ticket_variables_carry_on() -> None:
    """What one file sets, the next may read; working variables of a file are its own."""
    found = reached("team = 'A'\ndesk = 'B'", "agent = team\ndesk = 'C'\npriority = desk")

    assert [(each.variable, each.value, each.place.file) for each in found.values] == [
        ("agent", "A", 0),
        ("team", "A", 0),
        ("priority", "C", 1),
    ]


def test_defaults_reach_variables() -> None:
    """A default is what a variable begins with, and is known as one wherever it gets to."""
    found = reached("agent = team\nif msg:\n    team = 'A'", team="Desk")

    assert [(each.variable, each.value, each.place[:2]) for each in found.values if each.value is not None] == [
        ("agent", "Desk", (DEFAULTS, 0)),
        ("team", "Desk", (DEFAULTS, 0)),
        ("team", "A", (0, 32)),
    ]


def names(*texts: str) -> list[str]:
    """Return the literals that stand for nothing but a value of one variable, as they are written."""
    found = reached(*texts)
    every = {each.place for each in found.values if each.is_name}
    every |= {each.place for each in found.compared if each.is_name}
    return [texts[place.file][place.start : place.end] for place in sorted(every)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("team = 'A'", ["'A'"]),
        ("desk = 'A'\nteam = desk", ["'A'"]),
        ("if team == 'A':\n    team = 'B'", ["'A'", "'B'"]),
        ("if team in ('A', 'B'):\n    pass", ["'A'", "'B'"]),
        ("if team.lower() == 'a':\n    pass", ["'a'"]),
        ("agent = {'A': 'Tom', 'B': 'Ann'}.get(team or 'B', 'Ed')", ["'Ann'", "'Ed'"]),
        ("team = 'B'\nagent = {'A': 'Tom', 'B': 'Ann'}.get(team, 'Ed')", ["'B'", "'A'", "'B'", "'Ann'", "'Ed'"]),
        ("match team:\n    case 'A' | 'B':\n        pass", ["'A'", "'B'"]),
        ("team = 'A'\nsubject = team + subject", ["'A'"]),
        ("desk = 'A'\nteam = desk\nsubject = desk + subject", []),
        ("for desk in ('A', 'B'):\n    if desk in msg:\n        team = desk", []),
        ("team = agent = 'A'", []),
        ("desk = 'A'\nteam = desk\nif desk == 'A':\n    pass", []),
        ("desk = 'A'\nteam = desk\npriv_append = desk", []),
        ("desk = 'A'\nteam = desk\ncustomfield['desk'] = desk", []),
        ("desk = 'A'\nteam = desk\nprint(desk)", []),
        ("team = 'a'.upper()", []),
        ("team = 'A' + 'B'", []),
        ("desks = {'A': 'B'}\nteam = desks[name]\nagent = desks.get(team, 'C')", ["'B'", "'C'"]),
        ("if 'A' in msg:\n    team = 'B'", ["'B'"]),
    ],
)  # fmt: skip
def test_which_texts_are_names(rules: str, expected: list[str]) -> None:
    """Another name may be written for a text only where it is a variable's value and serves no other purpose."""
    assert names(rules) == expected


def missed(rules: RuleSet, tickets: tuple[dict[str, Any], ...] = TICKETS) -> list[Any]:
    """Return what rules set a variable to and was not found."""
    files = [checked_source(source, rules.schema)[0] for source in rules.sources]
    found = reaching(files, VARIABLES, rules.defaults)
    open_ones = {each.variable for each in found.unclear}
    known = {(each.variable, type(each.value), each.value) for each in found.values}
    return [
        (variable, value)
        for ticket in tickets
        for variable, value in rules.decide(ticket).action_variables.items()
        if variable in VARIABLES and variable not in open_ones
        if type(value) not in SCALARS or (variable, type(value), value) not in known
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_set_nothing_that_is_not_found(path: Path) -> None:
    """What the examples set on tickets is among what is found."""
    assert missed(RuleSet.load(path)) == []


def test_programs_of_the_corpus_set_nothing_that_is_not_found() -> None:
    """Whatever a program makes of its variables, a variable of the ticket that gets one holds what was found."""
    wrong = []
    told = 0
    for case in read_corpus()[::30]:
        if "team" in case.program or any(problem.severity == "error" for problem in checked(case.program)):
            continue
        for name in list(RuleSet.from_text(case.program).decide({}).other_variables)[:2]:
            text = f"{case.program}\nteam = {name}\n"
            if any(problem.severity == "error" for problem in checked(text)):
                continue
            wrong += [(str(case), found) for found in missed(RuleSet.from_text(text), ({},))]
            told += "?" not in teams(reached(text))

    assert wrong == []
    assert told > 15


def checked(text: str) -> list[Any]:
    """Return what is wrong in rules."""
    return checked_source(Source(text), declared_schema(()))[1]


_TEXTS = st.sampled_from(
    ("'A'", "'B'", "'C'", "team", "agent", "desk", "str(priority)", "desks.get(name)", "'d'.upper()")
)
_VALUES = st.one_of(
    _TEXTS,
    st.builds("{} if 'vip' in msg else {}".format, _TEXTS, _TEXTS),
    st.builds("({}) or ({})".format, _TEXTS, _TEXTS),
    st.builds("[{}, {}][len(name) % 2]".format, _TEXTS, _TEXTS),
    st.builds("pick({}, {})".format, _TEXTS, _TEXTS),
    st.builds("{{'Dan': {}, '': {}}}[name]".format, _TEXTS, _TEXTS),
    st.builds("max([x for x in ({}, {}) if x], default={})".format, _TEXTS, _TEXTS, _TEXTS),
    st.builds("({} or '') + {}".format, _TEXTS, st.sampled_from(("'x'", "'y'"))),
)  # fmt: skip
_SIMPLE = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(("team", "agent", "desk", "team, agent", "desks['k']")), _VALUES),
    st.builds("team, desk = {}, {}".format, _VALUES, _VALUES),
    st.builds("desks['Dan'] = {}".format, _VALUES),
    st.sampled_from(("change()", "del desk", "break", "continue", "raise ValueError", "desks.clear()", "pass")),
)


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.split("\n"))


def _block(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=3).map("\n".join).map(_indented)
    return st.one_of(
        st.builds("if 'vip' in msg:\n{}\nelse:\n{}".format, body, body),
        st.builds("for i in range(3):\n{}\nelse:\n{}".format, body, body),
        st.builds("for desk in ['E', 'F']:\n    if i == 1:\n        break\n{}".format, body),
        st.builds("i = 0\nwhile i < 2:\n    i += 1\n{}".format, body),
        st.builds("try:\n{}\nexcept Exception:\n{}\nfinally:\n{}".format, body, body, body),
        st.builds("match name:\n    case 'Dan' | '':\n{}\n    case x:\n        team = x".format, body.map(_indented)),
    )


_HEAD = """\
desk, i, desks = 'G', 0, {'Dan': 'H'}
def pick(x, y='I'):
    return x if len(msg) % 2 else y
def change():
    global team, desk
    team, desk = desk, 'J'
"""
_PROGRAMS = st.lists(st.recursive(_SIMPLE, _block, max_leaves=8), min_size=1, max_size=6).map("\n".join)


@settings(PROPERTY, max_examples=100)
@given(_PROGRAMS)
def test_rules_set_nothing_that_is_not_found(program: str) -> None:
    """Of rules that set variables to texts in all ways, each value at the end of a run is among those found."""
    text = _HEAD + program
    if any(problem.severity == "error" for problem in checked(text)):
        return

    assert missed(RuleSet.from_text(text)) == []


def test_involved_rules_are_given_up() -> None:
    """Where following the rules would take too long, nothing is told instead of too little, in little time."""
    loops = "".join(f"{'    ' * depth}for a{depth} in msg:\n" for depth in range(15))

    assert teams(reached(f"x = ''\n{loops}{'    ' * 15}x += 'a'\nteam = x\n")) >= {"?"}


def test_many_rules_take_little_time() -> None:
    """The walk is about linear in the number of rules."""
    rules = "".join(f"if 'word{number}' in msg:\n    team = 'Team {number}'\n" for number in range(1500))

    assert len(teams(reached(rules))) == 1501


def test_long_files_are_read_in_parts() -> None:
    """In a file that is too long for one tree, places are those in the file, also in functions defined far above."""
    head = "def pick(x):\n    return x or 'Else'\n"
    rules = head + "".join(f"if 'word{n}' in msg and name != 'n{n}':\n    team = 'Team {n}'\n" for n in range(9000))
    rules += "agent = pick(team)\n"
    found = reached(rules)

    assert checked_source(Source(rules), declared_schema(()))[0].module.body == ()
    assert len(teams(found)) == 9001
    assert {rules[each.place.start : each.place.end] for each in found.values if each.value == "Team 6543"} == {
        "'Team 6543'"
    }
    assert [rules[each.place.start : each.place.end] for each in found.values if each.value == "Else"] == ["'Else'"]
