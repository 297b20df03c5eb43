"""What rules make of their variables in roundabout ways is found, or said not to be told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dispatcher.checking import checked_source, declared_schema
from dispatcher.lang.reaching import UNTOLD, Reached, reaching
from dispatcher.lang.source import Source
from dispatcher.ruleset import RuleSet

FIELDS = ("team", "agent", "priority", "ticketType")
TICKETS: tuple[dict[str, Any], ...] = ({}, {"msg": "x y", "name": "Dan"}, {"msg": "x"})
# A call too deep to be followed.
DEEP = "".join(f"def f{number}():\n    f{number + 1}()\n" for number in range(10))


def found_in(rules: str, pair: tuple[str, str] | None = None) -> Reached:
    """Return what may be in the fields when a file has run."""
    checked, problems = checked_source(Source(rules), declared_schema(()))
    assert [problem for problem in problems if problem.severity == "error"] == []
    return reaching([checked], FIELDS, {}, pair)


@pytest.mark.parametrize(
    "rules",
    [
        # What one turn leaves for the next, and what may run any number of times.
        "a = b = c = d = 'Z'\nx = [((team := a), (a := b), (b := c), (c := d), (d := 'Far')) for i in range(9)]",
        "a = b = c = 'Z'\ndef f(i):\n    global team, a, b, c\n    team, a, b, c = a, b, c, 'Far'\nx = list(map(f, range(9)))",
        "team = 'Q'\ndef f(i):\n    global team\n    team = 'A'\nx = list(map(f, []))",
        "q = ['B', 'A']\nz = []\nq.sort(key=lambda v: z.append(v) or 1)\nteam = z[0]",
        "import re\nz = []\nre.sub('x', lambda m: z.append('A') or '', msg)\nteam = z[0]",
        # What is called too deep.
        DEEP + "def f10():\n    global team\n    team = 'Far'\nf0()",
        DEEP + "q = [None]\ndef f10():\n    q[0] = 'Far'\nf0()\nteam = q[0]",
        DEEP + "q = ['Near']\ndef f10():\n    q.append('Far')\nf0()\nteam = q[-1]",
        # Boxes of which the order, or what is in them, is not certain.
        "import random\nq = ['A', 'B', 'C']\nrandom.shuffle(q)\nteam = q[0]",
        "d = {}\nif msg:\n    d['a'] = 'A'\nteam = 'Old'\nteam = d['a']",
        "d = {'a' if msg else 'b': 'A'}\nteam = 'Old'\nteam = d['a']",
        "for i in range(2):\n    d = {msg and 'a' or 'b': 'A'}\nteam = 'Old'\nteam = d['a']",
        "d = {'a': 'A'}\nif msg:\n    d.pop('a')\nd = d.copy()\nteam = 'Old'\nteam = d['a']",
        "d = {'a': 'A'}\nif msg:\n    d.pop('a')\nd = {**d}\nteam = 'Old'\nteam = d['a']",
        # Methods that are handed on.
        "q = []\nf = q.append\nf('A')\nteam = q[0]",
        "q = []\nlist(map(q.append, ['A']))\nteam = q[0]",
        "q = []\nsorted(['A'], key=q.append)\nteam = q[0]",
        # What is worked out when it is wanted.
        "d = {'a': 'A'}\nv = d.values()\nd['b'] = 'B'\nteam = list(v)[1]",
        "d = {'a': 'A'}\nv = d.items()\nd['b'] = 'B'\nfor k, t in v:\n    team = t",
        "d = {'a': 'A'}\nv = d.keys()\nd['b'] = 'B'\nfor k in v:\n    team = k",
        "q = ['A']\ng = iter(q)\nq.append('B')\nnext(g)\nteam = next(g)",
        "q = ['A']\ng = zip(q)\nq.append('B')\nnext(g)\nteam = next(g)[0]",
        "q = ['A']\nfor i, t in enumerate(q):\n    team = t\n    if i < 2:\n        q.append('B')",
        "q = ['A', 'B']\ng = reversed(q)\nq[0] = 'Z'\nnext(g)\nteam = next(g)",
        "q = ['A']\ng = filter(None, q)\nq.append('B')\nnext(g)\nteam = next(g)",
        "q = ['A']\ng = (x for x in q)\nq.append('B')\nnext(g)\nteam = next(g)",
        "t = 'A'\ng = (t for i in range(2))\nt = 'B'\nteam = next(g)",
        "t = 'A'\ng = [map(lambda i: t, range(2))]\nt = 'B'\nteam = next(g[0])",
        "x = 'Q'\ndef f(i):\n    global x\n    x = 'A'\ng = map(f, range(2))\nx = 'Z'\nnext(g)\nteam = x",
        "t = 'A'\nfor n in (t for i in range(3)):\n    team = n\n    t = 'B'",
        # What perhaps is not looked at.
        "if 1:\n    x = 'Q'\n    y = 1 < len(msg) < len(x := 'AAAA')\n    team = x",
        # Functions that outlive the call around them.
        "def make():\n    n = 'A'\n    def get():\n        return n\n    def put():\n        nonlocal n\n        n = 'B'\n"
        "    return get, put\nget, put = make()\nif msg:\n    put()\nteam = get()",
        # Statements that fail, and leave what was before.
        "g = [lambda a: a][0]\nteam = 'Old'\nteam = g('x', 'y')",
        "g = [lambda a: a][0]\nteam = 'Old'\nteam = g(a='x', b='y')",
        "team = 'Old'\nx = name or 5\nteam = 'A' if f'{x:d}' else 'B'",
        "team = 'Old'\nteam = 'A' if any(priority) else 'B'",
        "team = 'Old'\nteam = 'A' if len(priority) else 'B'",
        "n = -1 if msg else 1\nteam = 'Old'\nteam = 'A' if 0 ** n else 'B'",
        "n = -1 if msg else 1\nteam = 'Old'\nteam = 'A' if 1 << n else 'B'",
        "team = 'Old'\nteam = 'A' if msg[: priority or 'x'] else 'B'",
        "team = 'Old'\nteam = 'A' if priority.lower() == 'x' else 'B'",
    ],
)  # fmt: skip
def test_nothing_is_missed(rules: str) -> None:
    """Each value at the end of a run is among those found, unless what is found is that it cannot be told."""
    found = found_in(rules)
    untold = {each.variable for each in found.unclear}
    known = {(each.variable, each.value) for each in found.values}
    ends = [RuleSet.from_text(rules).decide(ticket).action_variables for ticket in TICKETS]

    missed = {(name, end[name]) for end in ends for name in FIELDS if name not in untold} - known

    assert missed == set()
    assert any(end["team"] is not None for end in ends)


@pytest.mark.parametrize(
    "rules",
    [
        "team = next((t for k, t in (('a', 'A'), ('b', 'B')) if k in msg), 'C')",
        "for k, t in {'a': 'A', 'b': 'B'}.items():\n    if k in msg:\n        team = t",
        "desks = {'a': 'A'}.items()\nfor k, t in desks:\n    team = t",
        "for i, t in enumerate(['A', 'B']):\n    team = t",
        "team = sorted(['B', 'A'], key=lambda t: t.lower())[0]",
        "names = zip(['a'], ['A'])\nfor k, t in names:\n    team = t",
        "def last(n):\n    return n and last(n - 1)\nd = {'a': 'A'}\nlast(9)\nteam = d['a']",
        "def f():\n    global x\n    x = 'A'\nf()\nteam = x",
    ],
)
def test_what_rules_do_every_day_is_told(rules: str) -> None:
    """Ordinary ways of choosing a name leave nothing untold."""
    assert found_in(rules).unclear == ()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", {(None, None)}),
        ("if msg:\n    ticketType = 'T'\n    priority = 'P'", {(None, None), ("P", "T")}),
        ("if msg:\n    priority = 'P'\n    ticketType = 'T'", {(None, None), ("P", "T")}),
        ("if msg:\n    ticketType = 'T'\nif name:\n    priority = 'P'",
         {(None, None), (None, "T"), ("P", None), ("P", "T")}),
        ("ticketType = msg\npriority = 'P'", {("P", UNTOLD)}),
        ("def f():\n    global priority\n    priority = 'P'\nf()\nticketType = 'T'", {("P", "T")}),
        ("try:\n    priority = 'P'\n    ticketType = int(msg)\nexcept ValueError:\n    ticketType = 'T'",
         {(None, None), ("P", UNTOLD), ("P", "T"), (None, "T")}),
        ("priority = 1\nwhile msg:\n    priority = priority + 1", {(1, None), (UNTOLD, None)}),
    ],
)  # fmt: skip
def test_values_at_the_same_time(rules: str, expected: set[tuple[Any, Any]]) -> None:
    """Of two variables it is told which values meet, so that those of different branches do not mix."""
    assert found_in(rules, ("priority", "ticketType")).pairs == expected


@pytest.mark.parametrize(
    "rule",
    [
        "if email == 'u{0}' and team != 'A{0}':\n    team = 'T{0}'\n    priority = 'P{0}'\n",
        "if team.lower() == 'a{0}':\n    team = 'T{0}'\n    ticketType = 'Y{0}'\n",
        "x{0} = '{0}'\nif msg == x{0}:\n    team = team or x{0}\n",
        "q.append('v{0}')\nteam = q[-1]\n",
        "d['k{0}'] = 'v{0}'\nteam = d[msg]\n",
    ],
)
def test_time_is_bounded(rule: str) -> None:
    """However rules read what they have set, the walk ends soon, be it without an answer."""
    rules = "q = []\nd = {}\n" + "".join(rule.format(number) for number in range(1000))
    checked = checked_source(Source(rules), declared_schema(()))[0]
    start = time.process_time()
    found = reaching([checked], FIELDS, {})

    assert time.process_time() - start < 5
    assert len(found.values) > 1000 or found.unclear
