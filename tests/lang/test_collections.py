"""Counter, defaultdict, OrderedDict and deque do what CPython's do, and grow no further than the meter allows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang.collected import Counter, OrderedDict, defaultdict, deque
from dispatcher.lang.methods import METHODS
from dispatcher.lang.values import is_callable
from dispatcher.plain import to_json_safe, to_plain
from tests.lang import running
from tests.lang.conformance.corpus import describe
from tests.lang.conformance.regenerate import observe
from tests.lang.costs import HANG, assert_ends_at_a_limit, cost
from tests.lang.strategies import PROPERTY

IMPORT = "from collections import Counter, OrderedDict, defaultdict, deque\n"

# --- what CPython does

VALUES = ("1", "2", "'a'", "'b'", "None", "[1]", "2.5", "(1, 2)", "-1", "True", "deque('ab')", "Counter('aab')")
MANY = (
    "'abca'",
    "[1, 'a', 1]",
    "{'a': 2, 'z': -1}",
    "[('a', 1), (2, 3)]",
    "Counter(a=3, b=-1)",
    "5",
    "None",
    "x",
    "{}",
)
INTEGERS = ("0", "1", "2", "-1", "-2", "7", "None", "'a'", "True")

values, many, integers = (st.sampled_from(texts) for texts in (VALUES, MANY, INTEGERS))

SHARED = (
    ("x == {}", many),
    ("x != {}", many),
    ("x < {}", many),
    ("x + {}", many),
    ("x | {}", many),
    ("{} | x", many),
    ("{} in x", values),
    ("x[{}]", values),
    ("len(x)",),
    ("bool(x)",),
    ("list(x)",),
    ("list(reversed(x))",),
    ("x.copy() == x",),
    ("repr(x.copy())",),
    ("x.clear()",),
)
MAPPINGS = (
    *SHARED,
    ("x.get({}, {})", values, values),
    ("x.setdefault({}, {})", values, values),
    ("x.pop({}, {})", values, values),
    ("x.pop({})", values),
    ("x.popitem()",),
    ("x.update({})", many),
    ("x.update({}, k={})", many, values),
    ("list(x.items())",),
    ("list(x.keys())",),
    ("list(x.values())",),
    ("list(x.fromkeys({}, {}).items())", many, values),
)
EXPRESSIONS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "Counter": (
        *MAPPINGS,
        *(
            *(("x - {}", many), ("x & {}", many), ("+x",), ("-x",), ("x <= {}", many), ("x > {}", many)),
            *(("x.most_common({})", integers), ("x.elements()",), ("sorted(x.elements())",), ("x.total()",)),
            *(("x.subtract({})", many), ("x.subtract({}, k={})", many, values)),
        ),
    ),
    "OrderedDict": (
        *MAPPINGS,
        *(("x.move_to_end({}, {})", values, integers), ("x.popitem({})", integers), ("x.popitem(last={})", integers)),
        *(("x.keys() & {}", many), ("repr(x.items())",), ("x.items() == x.copy().items()",)),
    ),
    "defaultdict": (*MAPPINGS, ("x.default_factory",)),
    "deque": (
        *SHARED,
        *(("x.append({})", values), ("x.appendleft({})", values), ("x.count({})", values), ("x.extend({})", many)),
        *(("x.extendleft({})", many), ("x.index({})", values), ("x.index({}, {})", values, integers)),
        *(("x.insert({}, {})", integers, values), ("x.maxlen",), ("x.pop()",), ("x.popleft()",)),
        *(("x.remove({})", values), ("x.reverse()",), ("x.rotate({})", integers), ("list(x * {})", integers)),
    ),
}
STATEMENTS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "Counter": (
        *(("x[{}] = {}", values, values), ("x[{}] += {}", values, values), ("del x[{}]", values), ("x += {}", many)),
        *(("x -= {}", many), ("x |= {}", many), ("x &= {}", many)),
    ),
    "OrderedDict": (("x[{}] = {}", values, values), ("del x[{}]", values), ("x |= {}", many)),
    "defaultdict": (("x[{}] += {}", values, values), ("del x[{}]", values), ("x |= {}", many)),
    "deque": (
        *(("x[{}] = {}", integers, values), ("del x[{}]", integers), ("x += {}", many), ("x *= {}", integers)),
        ("for v in x: x.append(v)",),
    ),
}
MADE = {
    "Counter": (("Counter({})", many), ("Counter({}, k=2)", many), ("Counter(a=3, b=0, c=-2)",)),
    "OrderedDict": (
        ("OrderedDict({})", many),
        ("OrderedDict(a=1, b=2)",),
        ("OrderedDict.fromkeys({}, {})", many, values),
    ),
    "defaultdict": (
        *(("defaultdict(int, {})", many), ("defaultdict(lambda: 'd', a=1)",), ("defaultdict({})", values)),
        *(("defaultdict(list)",), ("defaultdict(Counter)",), ("defaultdict.fromkeys({})", many)),
    ),
    "deque": (("deque({})", many), ("deque({}, {})", many, integers), ("deque(maxlen={})", integers)),
}


_ADDRESS = re.compile(" at 0x[0-9a-f]+")


def _built(templates: tuple[tuple[Any, ...], ...]) -> st.SearchStrategy[str]:
    return st.one_of(*(st.builds(template.format, *parts) for template, *parts in templates))


@st.composite
def programs(draw: st.DrawFn, kind: str) -> str:
    """Return a program that makes a collection, changes and reads it, and prints what it sees."""
    line = st.one_of(_built(STATEMENTS[kind]), _built(EXPRESSIONS[kind]).map("print({})".format))
    text = f"{IMPORT}x = {kind}()\n"
    for statement in (f"x = {draw(_built(MADE[kind]))}", *draw(st.lists(line, min_size=1, max_size=8))):
        text += f"try:\n    {statement}\nexcept Exception as error: print(str(type(error)))\n"
        text += "print(x)\n"
    return f"{text}x = v = None\n"


@pytest.mark.parametrize("kind", MADE)
@given(st.data())
@settings(PROPERTY, max_examples=60)
def test_collections_do_what_cpythons_do(kind: str, data: st.DataObject) -> None:
    """Whatever is done to a collection, what it gives and what becomes of it is CPython's, or the same exception."""
    program = data.draw(programs(kind))

    outcome = running.run(program)

    faults = [(fault.type, fault.line) for fault in outcome.faults]
    working = {name: value for name, value in outcome.working.items() if not is_callable(value)}
    assert describe(working, outcome.prints, faults) == _ADDRESS.sub("", observe(program))


@pytest.mark.parametrize("kind", [Counter, OrderedDict, defaultdict, deque])
def test_every_method_is_called(kind: type) -> None:
    """No method or field of the tables is left out of the programs above."""
    templates = " ".join(template for template, *_ in EXPRESSIONS[kind.__name__])

    assert [name for name in METHODS[kind] if f"x.{name}" not in templates] == []


# --- values that leave the rules


def test_collections_become_plain_data() -> None:
    """What a rule leaves behind is a dict or a list of Python's own, inside other values too."""
    made = running.run(
        f"{IMPORT}x = [Counter('aab'), deque([1, (2,)], 3), defaultdict(list, k=[1]), OrderedDict(b=1, a=2)]"
    )
    plain = [{"a": 2, "b": 1}, [1, (2,)], {"k": [1]}, {"b": 1, "a": 2}]

    copied = to_plain(made.working["x"])

    assert (copied, [type(value) for value in copied]) == (plain, [dict, list, dict, dict])
    assert to_json_safe(made.working["x"]) == [{"a": 2, "b": 1}, [1, [2]], {"k": [1]}, {"b": 1, "a": 2}]


# --- attempts to run long and grow big

COUNTED = "what is counted, added and compared goes through the meter"
FACTORY = "a missing key is charged, and its value is made by a metered call"
GROWTH = "growth is charged before it happens"
PLACES = "what an index passes is charged"
NESTED = "values that nest deeper than the limit are neither compared nor shown"
BIG = "d = deque(range(300000))\n"

ENDLESS = {
    "a count of all numbers": ("from itertools import count\nx = Counter(count())", COUNTED),
    "counts that are texts": ("c = Counter(a='x')\nfor i in range(100): c.update(c)", COUNTED),
    "counts that are lists": ("c = Counter(a=[1])\nfor i in range(100): c.update(c)", COUNTED),
    "counts added by the method of dicts": ("c = Counter(a=[1])\nfor i in range(100): dict.update(c, c)", COUNTED),
    "elements without end": ("x = list(Counter(a=10 ** 18).elements())", COUNTED),
    "no elements at all": ("c = Counter(dict.fromkeys(range(9999), 0))\nwhile True: x = list(c.elements())", COUNTED),
    "the most common": ("c = Counter(range(50000))\nwhile True: x = c.most_common(3)", COUNTED),
    "the most common of lists": (
        "a = [1] * 10000\nc = Counter({i: a + [i] for i in range(300)})\nwhile True: x = c.most_common()",
        COUNTED,
    ),
    "counters as text": (
        "a = [1] * 10000\nc = Counter({i: a + [i] for i in range(300)})\nwhile True: x = repr(c)",
        COUNTED,
    ),
    "counters added up": ("c = Counter(range(5000))\nwhile True: x = (c + c) - c | c & c", COUNTED),
    "counters added in place": ("c = Counter(range(5000))\nwhile True: c += c", COUNTED),
    "counters compared": ("c = Counter(range(5000))\nd = c.copy()\nwhile True: x = c == d", COUNTED),
    "counters copied": ("c = Counter(range(10000))\nx = [c.copy() for i in range(100000)]", GROWTH),
    "counted numbers of one hash": ("x = Counter(i * (2 ** 61 - 1) for i in range(50000))", COUNTED),
    "missing keys without end": ("d = defaultdict(list)\ni = 0\nwhile True:\n    d[i]\n    i += 1", FACTORY),
    "missing keys of one hash": ("d = defaultdict(int)\nfor i in range(50000): d[i * (2 ** 61 - 1)]", FACTORY),
    "a missing key in many dicts": ("while True: x = defaultdict(list)['a']", FACTORY),
    "a factory that asks for the next key": (
        "d = defaultdict(lambda: d[len(d), len(n), n.append(1)])\nn = []\nx = d[0]",
        FACTORY,
    ),
    "values of missing keys in a format": (
        "d = defaultdict(lambda: 'x' * 1000000)\nx = '%(a)s%(b)s%(c)s%(d)s%(e)s' % d",
        FACTORY,
    ),
    "dicts with a default joined": (
        "d = defaultdict(int, {i: i for i in range(9999)})\nx = [d | d for i in range(99999)]",
        GROWTH,
    ),
    "all numbers in a deque": ("from itertools import count\nx = deque(count())", GROWTH),
    "all numbers passing through a deque": ("from itertools import count\nx = deque(count(), 1)", GROWTH),
    "a deque that grows": ("d = deque()\nwhile True: d.append([])", GROWTH),
    "a deque extended by itself": ("d = deque([1])\nwhile True: d.extend(d)", GROWTH),
    "a deque added to itself": ("d = deque([1])\nwhile True: d += d", GROWTH),
    "a deque repeated": ("x = deque([1]) * 10 ** 9", GROWTH),
    "a deque repeated in place": ("d = deque([1] * 1000, 100000)\nwhile True: d *= 10 ** 12", GROWTH),
    "deques added": ("d = deque(range(100000))\nx = [d + d for i in range(100)]", GROWTH),
    "deques without anything": ("x = [deque() for i in range(1000000)]", GROWTH),
    "the middle of a deque": (f"{BIG}while True: x = d[150000]", PLACES),
    "the middle of a deque replaced": (f"{BIG}while True: d[150000] = 1", PLACES),
    "the middle of a deque taken out": (f"{BIG}while True:\n    del d[150000]\n    d.append(1)", PLACES),
    "the middle of a deque filled": (f"{BIG}while True: d.insert(150000, 1)", PLACES),
    "a deque turned": (f"{BIG}while True: d.rotate(150000)", PLACES),
    "a deque searched": (f"{BIG}while True: x = -1 in d", PLACES),
    "a deque counted": (f"{BIG}while True: x = d.count(-1)", PLACES),
    "a deque compared": (f"{BIG}e = d.copy()\nwhile True: x = d == e", PLACES),
    "a deque as text": (f"{BIG}while True: x = repr(d)", PLACES),
    "deques that share their parts": (
        "d = deque()\nfor i in range(45): d = deque([d, d])\nx = d == deque([d, d])",
        COUNTED,
    ),
    "a counter in itself": ("c = Counter()\nc[1] = c\nx = c == Counter({1: c})", NESTED),
    "an ordered dict that grows": ("d = OrderedDict()\ni = 0\nwhile True:\n    d[i] = i\n    i += 1", GROWTH),
    "an ordered dict as text": ("d = OrderedDict.fromkeys(range(9999))\nwhile True: x = repr(d.items())", COUNTED),
    "views of ordered dicts": ("d = OrderedDict.fromkeys(range(9999))\nwhile True: x = d.keys() & d.keys()", COUNTED),
}


@pytest.mark.parametrize(("rules", "reason"), ENDLESS.values(), ids=ENDLESS)
def test_nothing_runs_long_or_grows_big(rules: str, reason: str) -> None:
    """Each attempt ends at a limit, and takes neither long nor much memory until then."""
    assert reason
    assert_ends_at_a_limit(IMPORT + rules)


@pytest.mark.parametrize(
    "nested", ["deque([x])", "defaultdict(None, k=x)", "OrderedDict(k=x)", "Counter(k=x)", "defaultdict([x].pop)"]
)
def test_what_is_dropped_is_freed_without_recursion(nested: str) -> None:
    """Collections nested without end cost their steps and no crash when they go."""
    kinds, seconds, _ = cost(f"{IMPORT}x = 1\nfor i in range(15000): x = {nested}\nx = 1\n")

    assert kinds == []
    assert seconds < HANG


def test_the_methods_of_dicts_do_not_harm_an_ordered_dict() -> None:
    """Called by way of `dict`, they are those of the OrderedDict, which CPython's would leave unreadable."""
    program = (
        f"{IMPORT}d = OrderedDict.fromkeys(range(9))\n"
        "dict.popitem(d)\ndict.pop(d, 3)\nd.move_to_end(4)\nx = list(d)\ndict.clear(d)\nd['a'] = 1\ny = list(d)\n"
    )

    outcome = running.run(program)

    assert outcome.faults == []
    assert (outcome.working["x"], outcome.working["y"]) == ([0, 1, 2, 5, 6, 7, 4], ["a"])
