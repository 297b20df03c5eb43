"""The benchmark works, whatever it measures: every row, its rules and tickets, and how figures are told."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from dispatcher import RuleSet, check
from tests.bench import rules
from tests.bench.curve import Series, svg
from tests.bench.deciding import deciding, of
from tests.bench.engines import Loaded, agree, dispatcher, reference
from tests.bench.measure import QUICK, NoFigureError, Spread, against, spread
from tests.bench.peers import as_function
from tests.bench.rows import ROWS
from tests.bench.rules import Written
from tests.bench.table import DISPATCHER, Figure, Goal, Line, Titled, duration, markdown
from tests.bench.tickets import pool
from tests.bench.workloads import workload

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the size of a process is not told")
def test_every_row_is_measured(tmp_path: Path) -> None:
    """`python -m tests.bench --quick` has a figure of dispatcher's in every row, in the table and as data."""
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--no-peers", "--json", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)

    measured = json.loads(file.read_text(encoding="utf-8"))["rows"]
    without = {row["key"]: row["notes"] for row in measured if DISPATCHER not in row["figures"]}
    cached = "cache" in inspect.signature(RuleSet.load).parameters
    assert without == ({} if cached else {"shapes-cached": ["rule sets keep nothing on disk"]})
    assert [row["key"] for row in measured] == [row.key for row in ROWS]
    assert re.findall(r"^\| ([\w-]+) \| (?!workload|---)", ended.stdout, flags=re.MULTILINE) == [
        row.key for row in ROWS
    ]
    assert ended.returncode == int(not cached), ended.stderr


@pytest.mark.parametrize("count", [1, 30])
def test_made_rules_are_accepted(count: int) -> None:
    """Rules that are made from a seed have no errors, and are as many as are asked for."""
    for make in (rules.alike, rules.mixed, rules.different):
        text = make(count).text
        assert [problem for problem in check(text) if problem.severity == "error"] == []
        assert len(ast.parse(text).body) == count


def test_different_rules_have_different_shapes() -> None:
    """Two rules of `different` differ in more than literals."""
    shapes = [ast.dump(_without_literals(statement)) for statement in ast.parse(rules.different(300).text).body]

    assert len(set(shapes)) == 300


def _without_literals(statement: ast.stmt) -> ast.stmt:
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant):
            node.value = None
    return statement


@pytest.mark.parametrize("make", [rules.alike, rules.mixed])
def test_tickets_concern_some_rules(make: Callable[[int], Written]) -> None:
    """Some tickets of a workload fire rules and some fire none, and both engines come to the same values."""
    made = workload(make(40), 60)
    decide = RuleSet.from_text(made.rules.text, defaults={"priority": 3, "impact": 2, "urgency": 2}).decide

    fired = sum(bool(decide(ticket).fired) for ticket in made.tickets)

    assert 15 <= fired <= 45
    with reference(made.rules) as expected, dispatcher(made.rules) as found:
        agree(expected, found, made.tickets)


def test_long_rules_are_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that are longer than a file may be are cut between rules, and decide the same."""
    monkeypatch.setattr("tests.bench.engines.LONGEST_FILE", 1_000)
    made = workload(rules.mixed(40), 20)

    with reference(made.rules) as expected, dispatcher(made.rules) as found:
        agree(expected, found, made.tickets)


def test_tickets_are_those_of_the_seed() -> None:
    """The same seed makes the same tickets, with messages of the length that is asked for."""
    assert pool(Random(1), 5) == pool(Random(1), 5)
    assert {len(ticket["msg"]) for ticket in pool(Random(1), 50, length=2_000)} == {2_000}


def test_other_values_are_no_figure() -> None:
    """An engine that decides otherwise than the reference is not measured."""
    made = workload(rules.simple(), 20)
    other = Written("if 'This is an emergency' in selections: priority = False\n")

    with (
        reference(made.rules) as expected,
        dispatcher(other) as found,
        pytest.raises(NoFigureError, match=r"^priority is False and not 0$"),
    ):
        agree(expected, found, made.tickets)


def test_a_peer_that_fails_stops_nobody() -> None:
    """A peer that raises has a note and no figure, and dispatcher has its own."""

    @contextmanager
    def failing(_: Written) -> Iterator[Loaded]:
        raise ValueError("no such thing\nas this")
        yield

    line = deciding(of(rules.simple))(QUICK, {"Broken": failing})

    assert (set(line.figures), line.notes) == ({DISPATCHER}, ("Broken: ValueError: no such thing",))


def test_figures() -> None:
    """Ratios are of the same round, and the median stands between the quartiles."""
    assert against([1.0, 2.0, 4.0], [3.0, 2.0, 2.0]) == Spread(0.75, 1.0, 2.0)
    assert spread([5.0]) == Spread(5.0, 5.0, 5.0)
    assert Figure(Spread(0.1234, 0.25, 1234.5)).text() == "0.25 (0.123..1,234)"
    assert duration(Spread(1e-6, 2.5e-6, 3e-6)).text() == "2.5 µs (1..3)"


@pytest.mark.parametrize(
    ("goal", "median", "verdict"),
    [
        (Goal(2.0, 1.0), 2.1, "no"),
        (Goal(2.0, 1.0), 2.0, "yes"),
        (Goal(2.0, 1.0), 1.0, "yes, both"),
        (Goal(0.7, at_least=True), 0.6, "no"),
        (Goal(0.7, at_least=True), 0.8, "yes"),
    ],
)
def test_goals(goal: Goal, median: float, verdict: str) -> None:
    """A goal is reached from its side, and the further one is told too."""
    assert goal.verdict(median) == verdict


def test_the_table() -> None:
    """A line of the table has everybody's figure or a dash, and equal notes of several rows are one."""
    figures = {DISPATCHER: Figure(spread([0.5])), "Other": Figure(spread([3.0]), "MiB")}
    lines = [
        Titled("A", "first", Goal(0.4, 0.2, "MiB"), Line(duration(spread([0.002])), figures, ("Third: absent",))),
        Titled("B", "second", None, Line(notes=("Third: absent",))),
    ]

    assert "".join(markdown(lines, ["Other", "Third"], "Measured here.")) == (
        "| row | workload | reference | dispatcher | reach | and then | reached | Other | Third |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| A | first | 2 ms | 0.5 | ≤ 0.4 MiB | 0.2 MiB | no | 3 MiB | – |\n"
        "| B | second | – | – | – | – | – | – | – |\n"
        "\n"
        "- A, B: Third: absent\n"
        "\n"
        "Measured here.\n"
    )


def test_the_curve() -> None:
    """Both axes of the picture are logarithmic: ten times as much is as far everywhere."""
    picture = ElementTree.fromstring(svg("Cost", [Series("one", [(10, 1e-6), (100, 1e-5), (10_000, 1e-3)])]))
    (line,) = picture.iter("{http://www.w3.org/2000/svg}polyline")
    (x1, y1), (x2, y2), (x3, y3) = (map(float, place.split(",")) for place in line.attrib["points"].split())

    assert x3 - x2 == pytest.approx(2 * (x2 - x1), abs=0.3)
    assert y2 - y3 == pytest.approx(2 * (y1 - y2), abs=0.3)
    assert y1 > y2


def test_rules_as_a_function() -> None:
    """Peers that keep a function get one that takes what the rules read or write and returns what they write."""
    function = as_function("for word in msg.split():\n\tif word == name: priority = 1\n")

    assert (function.parameters, function.results) == (("msg", "name", "priority"), ("priority",))
    assert function.text == (
        "def rules(msg, name, priority):\n"
        "    for word in msg.split():\n"
        "        if word == name:\n"
        "            priority = 1\n"
        "    return [priority]\n"
    )
