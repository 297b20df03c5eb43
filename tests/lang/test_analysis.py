"""Warnings are true: what is said to fail fails, what is said to be so is so, and sound rules earn none."""

from __future__ import annotations

import ast
import cProfile
import operator
import re
import sys
import warnings
from bisect import bisect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import check
from dispatcher.lang import syntax
from dispatcher.lang.analysis import analyse, samples
from dispatcher.lang.analysis.facts import Fact, Method, of_type
from dispatcher.lang.analysis.letters import never_in
from dispatcher.lang.analysis.signatures import misfit, of_meaning
from dispatcher.lang.checker import check_module
from dispatcher.lang.codes import CODES
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from dispatcher.tickets import TICKET_SCHEMA
from tests.lang.conformance.corpus import Case, read_corpus

EXAMPLES = sorted((Path(__file__).parents[2] / "rules_examples").glob("*/*.rules"))
CASES = read_corpus()

# What is said of a line that raises whenever it runs.
ALWAYS_RAISING = {"impossible-operation", "missing-method", "wrong-arguments", "uncallable-value", "unset-variable"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_earns_no_warning(path: Path) -> None:
    """Sound rules are not warned of; `is` beside a literal is what it is."""
    found = check(path.read_text(encoding="utf-8"), path.name)

    assert [problem for problem in found if problem.code != "is-with-literal"] == []


@pytest.mark.parametrize("case", [case for case in CASES if "try:" not in case.program], ids=str)
def test_what_is_said_to_raise_raises_in_cpython(case: Case) -> None:
    """A statement that always raises, by what is said of a line of it, is one in which CPython faults."""
    starts = [statement.lineno for statement in _statements(case.program)]
    told = {bisect(starts, problem.line) for problem in check(case.program) if problem.code in ALWAYS_RAISING}

    faults = re.findall(r"^fault: \w+, line (\d+)$", case.expected, flags=re.MULTILINE)
    assert told - {bisect(starts, int(line)) for line in faults} == set()


def _statements(program: str) -> list[ast.stmt]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(program).body


# --- types

VALUES: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=3),
    int: st.integers(-3, 3),
    float: st.sampled_from([-1.5, 0.0, 2.0]),
    bool: st.booleans(),
    type(None): st.none(),
    list: st.lists(st.integers(0, 1), max_size=2),
    tuple: st.tuples() | st.tuples(st.integers(0, 1)),
    dict: st.dictionaries(st.integers(0, 1), st.none(), max_size=2),
    set: st.sets(st.integers(0, 1)),
    frozenset: st.frozensets(st.integers(0, 1)),
    range: st.builds(range, st.integers(0, 2)),
}
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "<": operator.lt,
    ">=": operator.ge,
    "in": lambda value, container: value in container,
    "[]": operator.getitem,
}


@given(st.sampled_from(sorted(OPERATIONS)), st.data())
def test_an_operation_is_what_is_said_of_its_types(op: str, data: st.DataObject) -> None:
    """Where the types rule an operation out it raises TypeError, and elsewhere its result has a type that is told."""
    left, right = (data.draw(st.sampled_from(list(VALUES))) for _ in range(2))
    said = samples.binary(op, of_type(left), of_type(right))

    try:
        result = OPERATIONS[op](data.draw(VALUES[left]), data.draw(VALUES[right]))
    except TypeError:
        assert said is None or op in ("%", "[]")
    except (ArithmeticError, LookupError):
        assert said is not None
    else:
        assert said is not None
        assert said.kinds is None or type(result) in said.kinds


def test_one_possible_type_is_enough() -> None:
    """Nothing is said of a value that may be of a type for which the operation works, or of any type."""
    text_or_number, anything = Fact(frozenset({str, int})), Fact()

    assert samples.binary("+", text_or_number, of_type(str)) == of_type(str)
    assert samples.binary("+", text_or_number, of_type(list)) is None
    assert samples.binary("+", anything, of_type(list)) == Fact()


@pytest.mark.parametrize("letters", ["lower", "upper", "casefold"])
def test_a_replaced_letter_is_in_no_result(letters: Any) -> None:
    """What `lower` and its like replace occurs in nothing that they return, for all of Unicode."""
    mapping = getattr(str, letters)
    replaced = [character for character in map(chr, range(sys.maxunicode + 1)) if mapping(character) != character]
    results = set("".join(map(mapping, replaced)))

    assert len(replaced) > 1000
    assert [character for character in results if never_in(letters, character)] == []


# --- arguments

COUNT_MATTERS = re.compile(r"takes no|takes at (least|most)|takes exactly|expected at (least|most)|expected \d+ arg")


def arity_cases() -> list[tuple[type, str]]:
    """Return the methods of Python's own types, whose arguments CPython counts."""
    owners = (str, list, tuple, range, dict, set, frozenset, int, float)
    return [(owner, name) for owner in owners for name in METHODS[owner] if hasattr(owner, name)]


@pytest.mark.parametrize(("owner", "name"), arity_cases(), ids=lambda part: getattr(part, "__name__", part))
def test_the_number_of_arguments_is_cpythons(owner: type, name: str) -> None:
    """A method takes as many values as CPython says that it takes, no more and no fewer."""
    if METHODS[owner][name].field:
        return
    value = syntax.Constant(1, start=0, end=1)
    argument = syntax.Argument(value, None, "", start=0, end=1)
    signatures = of_meaning(Method(name, frozenset({owner})))

    for count in range(7):
        try:
            getattr(range(1) if owner is range else owner(), name)(*[object()] * count)
        except (TypeError, LookupError, ValueError) as error:
            refused = isinstance(error, TypeError) and COUNT_MATTERS.search(str(error)) is not None
        else:
            refused = False
        assert (misfit(signatures, (argument,) * count) is not None) == refused, count


# --- size

LARGE: dict[str, Callable[[int], str]] = {
    "branches": lambda number: f"if team == {number}: pass\n",
    "elifs": lambda number: f"{'elif' if number else 'if'} team == {number}: x = {number}\n",
    "variables": lambda number: f"a{number} = {number}\ncustomfield[{number}] = a{number}\n",
    "writes": lambda number: f"if 'a{number}' in msg: team = {number}\n",
    "ways out": lambda number: ("" if number else "for w in msg:\n") + f" if w == {number}: v{number} = 1; break\n",
    "functions": lambda number: f"def f{number}(a): return a\ncustomfield[{number}] = f{number}()\n",
    "attempts": lambda number: f"try: v{number} = int(msg)\nexcept ValueError: v{number} = 0\npriority = v{number}\n",
}


@pytest.mark.parametrize("piece", LARGE.values(), ids=list(LARGE))
def test_the_walk_is_linear(piece: Callable[[int], str]) -> None:
    """Twice the file is about twice the work: nothing is looked at again for each of the others."""
    assert _calls("".join(map(piece, range(800)))) < 2.2 * _calls("".join(map(piece, range(400))))


def _calls(text: str) -> int:
    """Return how many functions the analysis calls."""
    source = Source(text)
    module, _ = parse(source)
    checked, _ = check_module(source, module, TICKET_SCHEMA)
    profile = cProfile.Profile()
    profile.runcall(analyse, checked)
    return sum(entry.callcount for entry in profile.getstats())


def test_a_file_has_as_many_warnings_as_are_reported() -> None:
    """Beyond the number that is reported, nothing is collected."""
    found = check("".join(f"a{i} = 1\n" for i in range(2 * MAX_DIAGNOSTICS)))

    assert [problem.line for problem in found] == list(range(1, MAX_DIAGNOSTICS + 1))


DEEP = {
    "not": "not " * 180 + "msg",
    "calls": "len(" * 90 + "msg" + ")" * 90,
    "methods": "msg" + ".lower()" * 90,
    "displays": "[" * 90 + "]" * 90,
    "conditions": "1 if msg else (" * 90 + "2" + ")" * 90,
    "functions": "lambda: (" * 90 + "1" + ")" * 90,
    "comprehensions": "[1 for a in " * 15 + "msg" + "]" * 15,
    "sums": " + ".join(["msg"] * 180),
    "subscripts": "msg" + "[0]" * 180,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=list(DEEP))
def test_deep_expressions_are_walked(text: str) -> None:
    """The deepest expression that the parser takes has warnings like any other."""
    found = check(f"customfield[1] = {text}\nunread = 1\n")

    assert "unused-variable" in {problem.code for problem in found}
    assert {problem.severity for problem in found} == {"warning"}


def test_all_that_is_found_is_a_warning() -> None:
    """A file of which a statement always fails still decides tickets."""
    assert {CODES[code].severity for code in ALWAYS_RAISING} == {"warning"}
