"""The iterators of itertools give what CPython's give, and run no longer and keep no more than the meter allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang.modules.itertools_module import ITERTOOLS
from dispatcher.lang.values import is_callable
from tests.lang import running
from tests.lang.conformance.corpus import describe
from tests.lang.conformance.regenerate import observe
from tests.lang.costs import assert_ends_at_a_limit
from tests.lang.strategies import PROPERTY

# --- what CPython gives

ITERABLES = ("'abca'", "[3, 1, 2]", "[]", "(0, '', 'x')", "{'k': 1, 'l': 2}", "range(5)", "5", "None", "[1, 'a']", "it")
PAIRS = ("[(2, 3), (3, 2)]", "['ab', 'cd']", "[(1,), 5]", "[]")
FUNCTIONS = ("None", "bool", "len", "lambda v: v != 1", "lambda a, b: b", "max", "str.upper", "5", "lambda v: 1 / v")
NUMBERS = ("0", "1", "2", "3", "None", "-1", "'a'", "True", "0.5")

iterables, functions, numbers = (st.sampled_from(values) for values in (ITERABLES, FUNCTIONS, NUMBERS))


CALLS: tuple[tuple[Any, ...], ...] = (
    ("chain({}, {})", iterables, iterables),
    ("chain.from_iterable([{}, {}])", iterables, iterables),
    ("chain.from_iterable({})", iterables),
    ("accumulate({}, {})", iterables, functions),
    ("accumulate({}, initial={})", iterables, numbers),
    ("combinations({}, {})", iterables, numbers),
    ("combinations_with_replacement({}, {})", iterables, numbers),
    ("permutations({}, {})", iterables, numbers),
    ("product({}, repeat={})", iterables, numbers),
    ("product({}, {})", iterables, iterables),
    ("compress({}, {})", iterables, iterables),
    ("islice(count({}, {}), 3)", numbers, numbers),
    ("islice(cycle({}), 7)", iterables),
    ("islice({}, {}, {})", iterables, numbers, numbers),
    ("islice({}, {}, {}, {})", iterables, numbers, numbers, numbers),
    ("repeat({}, {})", iterables, st.sampled_from(("0", "2", "-1", "'a'", "True"))),
    ("dropwhile({}, {})", functions, iterables),
    ("takewhile({}, {})", functions, iterables),
    ("filterfalse({}, {})", functions, iterables),
    ("starmap({}, {})", functions, st.sampled_from(PAIRS)),
    ("pairwise({})", iterables),
    ("zip_longest({}, {}, fillvalue={})", iterables, iterables, numbers),
    ("((k, list(g)) for k, g in groupby({}, {}))", iterables, functions),
    ("((k, next(g)) for k, g in groupby({}, key={}))", iterables, functions),
    ("(list(part) for part in tee({}, {}))", iterables, numbers),
)
calls = st.one_of(*(st.builds(template.format, *parts) for template, *parts in CALLS))
IMPORT = f"from itertools import {', '.join(entry.name for entry in ITERTOOLS.members if '.' not in entry.name)}\n"


@given(st.lists(calls, min_size=1, max_size=6))
@settings(PROPERTY, max_examples=100)
def test_iterators_give_what_cpythons_give(made: list[str]) -> None:
    """Values, and types of exceptions when an iterator is made or used, are CPython's, for whatever arguments."""
    program = f"{IMPORT}it = iter('xyz')\n"
    for number, call in enumerate(made):
        program += (
            f"seen{number} = []\n"
            f"try:\n    values = {call}\n    while True: seen{number}.append(next(values))\n"
            f"except Exception as error: seen{number}.append(str(type(error)))\n"
        )
    program += "it = values = None\n"

    outcome = running.run(program)

    faults = [(fault.type, fault.line) for fault in outcome.faults]
    working = {name: value for name, value in outcome.working.items() if not is_callable(value)}
    assert describe(working, outcome.prints, faults) == observe(program)


def test_every_iterator_is_called() -> None:
    """No member of the module is left out of the calls above."""
    templates = " ".join(template for template, *_ in CALLS)

    assert [entry.name for entry in ITERTOOLS.members if f"{entry.name}(" not in templates] == []


# --- attempts to run long and grow big

TURNS = "each turn of what an iterator runs over is charged"
KEPT = "what is kept is charged before it is kept"
SIZES = "sizes are asked for before the work"
WEIGHED = "keys are weighed before they are compared"
NESTED = "each iterator in an iterator passes Python's check of recursion"

DOUBLED = "a = [1]\nb = [1]\nfor i in range(45):\n    a = [a, a]\n    b = [b, b]\n"
LATER = (
    "a = [1]\nb = [2]\ngroups = groupby([a, b])\nkey, group = next(groups)\nbegun = list(group)\n"
    "c = [1]\nd = [1]\nfor i in range(45):\n    c = [c, c]\n    d = [d, d]\na[0] = c\nb[0] = d\n"
)

ENDLESS = {
    "the sum of all numbers": ("x = sum(count())", TURNS),
    "the list of all numbers": ("x = list(count())", TURNS),
    "the list of big numbers": ("x = list(count(2 ** 32000))", KEPT),
    "what stands behind an endless number of values": ("x = list(islice(count(), 10 ** 12, None))", TURNS),
    "a value that never comes": ("x = 2 in repeat(1)", TURNS),
    "a cycle": ("for v in cycle('ab'): x = v", TURNS),
    "a cycle of all numbers": ("x = list(cycle(count()))", KEPT),
    "empty lists without end": ("x = list(chain.from_iterable(repeat([])))", TURNS),
    "selectors that are never true": ("x = list(compress(count(), repeat(0)))", TURNS),
    "conditions that are never false": ("x = list(filterfalse(bool, count(1)))", TURNS),
    "numbers dropped without end": ("x = list(dropwhile(bool, count(1)))", TURNS),
    "arguments without end": ("x = list(starmap(max, [count()]))", TURNS),
    "powers without end": ("x = list(starmap(pow, repeat((7, 10000))))", SIZES),
    "texts added up": ("x = list(accumulate(repeat('abcd' * 1000)))", SIZES),
    "lists added up": ("x = list(accumulate(repeat([1] * 1000)))", SIZES),
    "a product of many": ("x = list(product(range(10), repeat=20))", TURNS),
    "a product of wide results": ("x = list(product('ab', repeat=1000))", KEPT),
    "a product too wide": ("x = product('ab', repeat=10 ** 12)", SIZES),
    "permutations": ("x = list(permutations(range(12)))", TURNS),
    "permutations counted": ("for p in permutations(range(300)): x = p", SIZES),
    "choices too long": ("x = list(combinations_with_replacement([1], 10 ** 12))", SIZES),
    "half of a thousand": ("x = sum(1 for c in combinations(range(1000), 500))", SIZES),
    "tuples filled up": ("for v in zip_longest(count(), *[()] * 100000): x = v", SIZES),
    "too many tees": ("x = tee('ab', 10 ** 9)", SIZES),
    "many tees": ("x = [tee('ab', 1000) for i in range(100000)]", SIZES),
    "a tee that keeps all": ("a, b = tee(count())\nfor v in a: x = v", KEPT),
    "groups without end": ("x = list(groupby(count()))", TURNS),
    "one group without end": ("x = [1 for k, g in groupby(repeat(1))]", TURNS),
    "keys that share their parts": (f"{DOUBLED}x = list(groupby([a, b]))", WEIGHED),
    "keys that share their parts later": (f"{LATER}x = list(group)", WEIGHED),
    "groups within their own keys": ("g = groupby(count(), lambda v: [v for v in g])\nx = list(g)", NESTED),
    "a condition that asks its own iterator": ("g = takewhile(lambda v: next(g), count(1))\nx = list(g)", NESTED),
    **{
        f"nested without end: {nested}": (f"g = [1]\nfor i in range(100000): g = {nested}\nx = list(g)", NESTED)
        for nested in (
            *("chain(g)", "chain.from_iterable([g])", "islice(g, 5)", "cycle(g)", "groupby(g)"),
            *("accumulate(g)", "starmap(g, g)", "takewhile(bool, g)", "pairwise(g)", "zip_longest(g)", "repeat(g)"),
            *("compress(g, g)", "map(bool, chain(g))", "product([g])", "next(groupby([g]))[1]"),
        )
    },
}


@pytest.mark.parametrize(("rules", "reason"), ENDLESS.values(), ids=ENDLESS)
def test_nothing_runs_long_or_grows_big(rules: str, reason: str) -> None:
    """Each attempt ends at a limit, and takes neither long nor much memory until then."""
    assert reason
    assert_ends_at_a_limit(IMPORT + rules)


def test_choices_longer_than_what_there_is_to_choose_take_no_time() -> None:
    """Where CPython would fill memory to find that there is nothing to choose, there is nothing at once."""
    outcome = running.run(
        "from itertools import combinations, permutations\n"
        "x = list(permutations([1], 10 ** 12)) + list(combinations([1], 10 ** 12))\n"
    )

    assert (outcome.faults, outcome.working["x"]) == ([], [])


def test_an_iterator_shows_no_address() -> None:
    """The text of an iterator names its type and nothing of this process."""
    outcome = running.run(
        "from itertools import chain, groupby, tee\nprint(chain(), [groupby('')], next(groupby('a'))[1], tee('')[0])\n"
    )

    assert outcome.prints == (
        "<itertools.chain object> [<itertools.groupby object>] <itertools._grouper object> <itertools._tee object>\n"
    )
