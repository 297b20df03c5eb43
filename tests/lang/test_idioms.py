"""What is emitted for idioms does what the rule says, and costs what it would: rules cannot tell them from the long way."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher import RuleSet
from dispatcher.lang import compiler
from dispatcher.lang.budget import Limits, Meter
from dispatcher.lang.evaluator import Outcome
from dispatcher.lang.idioms import CHARACTER_METHODS
from dispatcher.lang.iteration import iterate, turns_cost
from dispatcher.lang.methods.text import TEXT
from dispatcher.lang.modules.textwrap_module import Lines, lines, whole
from dispatcher.lang.records import replace
from dispatcher.lang.values import Builtin
from tests.lang import running
from tests.lang.strategies import PROPERTY

CONDITIONS = (
    *("c.isupper()", "c.isspace()", "not c.isalnum()", "c.isdigit() or c.isupper()", "c != ' ' and not c.islower()"),
    *("c in 'aeiou\u00e4\u20ac'", "c not in 'abc'", "c in ('a', 'B', 'xy')", "c not in ['!', '?', '1', '2', '3']"),
    *("c == 'a'", "'a' <= c <= 'z'", "c is '!'", "'a' is not c", "c > 'M'", "c in 'ab' or c in 'cd' and c < 'd'"),
    *("'0' <= c in '0123456789abcdef'", "not (c in 'xyz')"),
)
COUNTS = (
    *("sum(1 for c in s if {})", "sum({} for c in s)", "sum([1 for c in s if {}])", "sum([{} for c in s])"),
    *("len([c for c in s if {}])", "len(['x' for c in s if {}])", "sum(1 if {} else 0 for c in s)"),
    *("sum([3 if {} else 2 for c in s if c.isalpha()])", "sum(True for c in s if c.isascii() if {})"),
)
MAPS = ("sum(map(str.isupper, s))", "sum(map(str.isspace, s))")
# What is very like an idiom and must run as it is written.
OTHERS = (
    *("sum(1 for c in s if c.upper())", "sum(c for c in s if c.isupper())", "sum(1 for c in s if c.isupper(1))"),
    *("sum(1 for c in s if s.isupper())", "sum((1 for c in s if c.isupper()), 5)", "sum(1 for c in s if c < 5)"),
    *("sum(1 for c in s for d in c if c.isupper())", "sum({1 for c in s if c.isupper()})", "len([*s])"),
    *("len([s for c in s if c.isupper()])", "len({c for c in s if c.isupper()})", "sum(-1 for c in s if c.isupper())"),
    *("sum(1.0 for c in s if c.isupper())", "sum(1 for c, d in s if c.isupper())", "max(1 for c in s if c.isupper())"),
    *("sum(1 for c in s if c in s)", "sum(1 for c in s if 'a' in c)", "sum(1 for c in s if c in ('a', 5))"),
    *(
        "sum(map(str.upper, s))",
        "sum(map(s.isupper, s))",
        "[c for c in s if c.isupper()][0]",
    ),
)
# Texts of ASCII, Latin-1 and beyond, also longer than a chunk of turns.
TEXTS = st.one_of(
    st.text(max_size=80),
    st.text("aAbBz!1 \n", max_size=300),
    st.text("aA\u00e4\u00c4\u00df 1", max_size=150),
    st.text("aA\u20ac\u0416\U0001f600\ud800 \u2028\u0661", max_size=150),
)
VALUES = (
    *(
        "None",
        "5",
        "list(msg)",
        "tuple(msg)",
        "dict.fromkeys(msg)",
        "range(3)",
        "[['a'], 'b']",
        "iter(msg)",
        "''",
        "set(msg)",
    ),
)


@contextmanager
def off() -> Iterator[None]:
    """Look for no idioms for a while."""
    usual = compiler.DEFAULT
    compiler.DEFAULT = replace(usual, idioms=False)
    try:
        yield
    finally:
        compiler.DEFAULT = usual


def told(outcome: Outcome) -> tuple[Any, ...]:
    """Return all of an outcome, with working values as text, since some are equal to nothing else."""
    writes = [(logged.write.variable, logged.write.line, logged.value) for logged in outcome.writes]
    working = {name: repr(value) for name, value in outcome.working.items() if " at 0x" not in repr(value)}
    return (outcome.variables, working, writes, outcome.fired, outcome.faults, outcome.prints, outcome.steps)


def assert_same(text: str, message: str, limits: Limits | None = None) -> Outcome:
    """Assert that rules do the same with a message with idioms and without; return what."""
    with off():
        plain = told(running.run(text, {"msg": message}, limits))
    found = running.run(text, {"msg": message}, limits)
    assert told(found) == plain
    return found


def helpers(text: str) -> set[str]:
    """Return the helpers of idioms that the compiled form of rules calls."""
    names: set[str] = set()

    def spy(tree: ast.Module, *arguments: Any, **named: Any) -> Any:
        names.update(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        return compile(tree, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "compile", spy, raising=False)
        running.run(text)
    return names & {".counted", ".lines", ".first_item", ".first_line"}


# --- counting characters


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_counting_characters_is_an_idiom(count: str, condition: str) -> None:
    """Each way to count is combined with each condition on a character, and gives what CPython gives."""
    expression = count.format(condition)
    rules = f"s = msg\nx = {expression}\n"
    assert helpers(rules) == {".counted"}
    for message in ("", "a", "Hello, World! 1 2 3", "äÄß €uro Ж\u2028 \ud800x" * 9, "Ab1 " * 60):
        found = assert_same(rules, message)
        # Beside a literal, `is` means `==`.
        python = expression.replace(" is not ", " != ").replace(" is ", " == ")
        with_python: dict[str, Any] = {"s": message}
        exec(compile(f"x = {python}", "<rules>", "exec", dont_inherit=True), with_python)
        assert found.working["x"] == with_python["x"]
        assert type(found.working["x"]) is int


@given(
    count=st.sampled_from(COUNTS),
    condition=st.sampled_from(CONDITIONS),
    message=TEXTS,
    steps=st.one_of(st.just(1_000_000), st.integers(0, 3_000)),
)
@PROPERTY
def test_counting_costs_what_the_comprehension_costs(count: str, condition: str, message: str, steps: int) -> None:
    """With whatever limit on steps, counting ends where the comprehension ends, and with the same steps."""
    assert_same(f"s = msg\nif {count.format(condition)} > 3: priority = 1\n", message, Limits(steps=steps))


@given(expression=st.sampled_from(MAPS), message=TEXTS, steps=st.one_of(st.just(1_000_000), st.integers(0, 1_000)))
@PROPERTY
def test_a_map_over_characters_costs_what_it_costs(expression: str, message: str, steps: int) -> None:
    """The sum of a `map` of a method of text is the same for all texts and limits."""
    rules = f"s = msg\nx = {expression}\n"
    assert helpers(rules) == {".counted"}
    assert_same(rules, message, Limits(steps=steps))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("expression", [COUNTS[0].format("c.isupper()"), COUNTS[4].format("c in 'ab'"), *MAPS])
def test_what_is_no_text_runs_as_written(value: str, expression: str) -> None:
    """A value of any other type takes the long way: with its faults, at their places."""
    for steps in (1_000_000, 60, 40):
        assert_same(f"s = {value}\nx = 1 + \\\n  {expression}\n", "aAb!", Limits(steps=steps))


@pytest.mark.parametrize("expression", OTHERS)
def test_what_only_looks_like_counting_is_none(expression: str) -> None:
    """Comprehensions whose values depend on more than the character are left as they are."""
    rules = f"s = msg\nx = {expression}\n"
    assert helpers(rules) == set()


@pytest.mark.parametrize(
    "rules",
    [
        "def sum(values): return list(values)\ns = msg\nx = sum(1 for c in s if c.isupper())\n",
        "len = sum\ns = msg\nx = len([c.isupper() for c in s])\n",
        "def map(f, s): return [f, 1]\ns = msg\nx = sum(map(str.isupper, s)) if False else 1\n",
        "def f(s, sum): return sum(1 for c in s if c.isupper())\nx = f(msg, max)\n",
        "s = msg\ndel s\nx = sum(1 for c in s if c.isupper())\n",
        "x = [w for w in range(sum(1 for c in msg if c.isupper()))]\n",
        "x = [sum(1 for c in w if c.isupper()) for w in msg.split()]\n",
        "f = lambda s: sum(c.isupper() for c in s)\nx = f(msg)\ny = f([1])\n",
        "def f(s):\n    def g(): return sum(c.isupper() for c in s)\n    return g\nx = f(msg)()\n",
        "x = sum(c.isupper() for c in msg) + (lambda: sum(c.isdigit() for c in msg))()\n",
        "c = 5\nx = sum(c.isupper() for c in msg)\ny = c\n",
    ],
)
def test_names_mean_what_they_mean(rules: str) -> None:
    """Functions of the rule's own, names that are not bound, and other scopes are seen as Python sees them."""
    assert_same(rules, "Hello World ABC")


def test_a_watched_run_sees_the_generator_used_up() -> None:
    """A statement that fails behind a count is treated as one that ran a generator."""
    for count in ("sum(1 for c in msg if c.isupper())", "len([c for c in msg if c.isupper()])"):
        assert_same(f"x = 1\n{count} / 0\ny = {count}\nz = 1 / 0\n", "Hello")


@given(st.integers(0, 400), st.integers(0, 9))
@PROPERTY
@example(64, 3)
@example(65, 3)
def test_the_turns_of_a_loop_are_charged_alike(count: int, weight: int) -> None:
    """What running over a text or a list charges is what is said of it beforehand."""
    for values, kind in (("a" * count, str), ([0] * count, list)):
        meter = Meter(Limits())
        assert list(iterate(meter, values, weight)) == list(values)
        assert meter.limits.steps - meter.steps == turns_cost(kind, count, weight)


def test_methods_that_tell_of_a_character_are_methods_of_text() -> None:
    """Idioms know no method that rules do not have, and all of those that tell something of a text."""
    assert set(CHARACTER_METHODS) == {entry.name for entry in TEXT if entry.name.startswith("is")}


# --- loops that count

LOOPS = (
    "n = 0\nfor c in s:\n    if {}:\n        n += 1\n",
    "c = 5\nn = 7\nm = 0\nfor c in s:\n    if {}: n += 3\nm = n\n",
    "if s:\n    n = 1\n    for c in s:\n        if {}: n += 1\n    priority = n\n",
)
# What is very like one: the counter may be anything, or more happens.
OTHER_LOOPS = (
    "n = m = 0\nfor c in s:\n    if c.isupper(): n += 1\n",
    "n = 0.5\nfor c in s:\n    if c.isupper(): n += 1\n",
    "n = 0\nn = [n]\nfor c in s:\n    if c.isupper(): n += 1\n",
    "n = 0\nprint(n)\nfor c in s:\n    if c.isupper(): n += 1\n",
    "n = 0\nn = len(s)\nfor c in s:\n    if c.isupper(): n += 1\n",
    "n = 0\nfor c in s:\n    if c.isupper(): n += 1\n    else: n += 2\n",
    "n = 0\nfor c in s:\n    if c.isupper(): n += 1\nelse: n = 5\n",
    "n = 0\nfor c in s:\n    n += 1\n",
    "n = 0\nfor c in s:\n    if c.isupper(): n -= 1\n",
    "n = 0\nfor c in s:\n    if c.isupper(): n += 0.1\n",
    "n = 0\nfor n in s:\n    if n.isupper(): n += 1\n",
    "c = 0\nfor n in s:\n    if c.isupper(): c += 1\n",
    "s = 0\nfor c in s:\n    if c.isupper(): s += 1\n",
    "for c in s:\n    if c.isupper(): n += 1\nn = 0\n",
    "n = 0\nfor priority in s:\n    if priority.isupper(): n += 1\n",
    "urgency = 0\nfor c in s:\n    if c.isupper(): urgency += 1\n",
)


@given(
    loop=st.sampled_from(LOOPS),
    condition=st.sampled_from(CONDITIONS),
    message=TEXTS,
    steps=st.one_of(st.just(1_000_000), st.integers(0, 3_000)),
)
@PROPERTY
def test_a_loop_that_counts_costs_what_its_turns_cost(loop: str, condition: str, message: str, steps: int) -> None:
    """What a loop leaves behind, its steps, its fault and whether its rule has fired are those of its turns."""
    rules = "s = msg\n" + loop.format(condition)
    assert helpers(rules) == {".counted"}
    assert_same(rules, message, Limits(steps=steps))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_over_what_is_no_text_runs_as_written(loop: str, value: str) -> None:
    """A value of any other type takes the long way."""
    for steps in (1_000_000, 60, 40):
        assert_same(f"s = {value}\n" + loop.format("c.isupper()"), "aAb!", Limits(steps=steps))


@pytest.mark.parametrize("loop", OTHER_LOOPS)
def test_what_only_looks_like_a_loop_that_counts_is_none(loop: str) -> None:
    """Loops that do more, and counters that may be no small number, are left as they are."""
    rules = "s = msg\n" + loop
    assert helpers(rules) == set()
    assert_same(rules, "Hello World ABC")


# --- first lines

WRAPS = (
    *("textwrap.wrap(s, 12)[0]", "textwrap.wrap(s, width=9)[0]", "textwrap.wrap(s)[0]", "textwrap.wrap(s, 1)[0]"),
    "textwrap.wrap(' '.join(s.split()), 12)[0]",
)
WRAPPED = st.lists(
    st.sampled_from(
        (
            *("a", "bc", "word", "words,", "longlonglong", "e-mail", "foo--bar", "-", "--", "x-", "-y", "1-2", "a-b-c"),
            *(
                " ",
                " ",
                " ",
                " ",
                "  ",
                "\n",
                "\t",
                "\r\n",
                "\x0b",
                "\x1c",
                "\xa0",
                "\u3000",
                "\u200b",
                "\xad",
                "ä",
                "€",
            ),
        )
    ),
    max_size=40,
).map("".join)


@given(WRAPPED, st.integers(1, 20))
@PROPERTY
@example("word", 4)
@example("word ", 4)
@example("word longlong", 6)
@example("a                    b", 3)
@example("ab cd-ef", 6)
@example(" a", 1)
def test_the_first_line_is_that_of_wrap(text: str, width: int) -> None:
    """The first line is found to be what CPython's `wrap` gives, whatever the text is made of."""
    wrap = next(value for name, value in _textwrap().items() if name == "wrap")
    found = lines(Meter(Limits()), wrap, text, width)
    expected = textwrap.wrap(text, width)
    assert (found.first if type(found) is Lines else found) == (expected[0] if expected else [])


def _textwrap() -> dict[str, Builtin]:
    outcome = running.run("import textwrap\nwrap = textwrap.wrap\n")
    return {"wrap": outcome.working["wrap"]}


@given(
    expression=st.sampled_from(WRAPS),
    message=st.one_of(WRAPPED, TEXTS),
    steps=st.one_of(st.just(1_000_000), st.integers(0, 1_000)),
    memory=st.one_of(st.just(1 << 20), st.integers(0, 10_000)),
)
@PROPERTY
def test_a_first_line_costs_what_all_lines_cost(expression: str, message: str, steps: int, memory: int) -> None:
    """Asking for the first line gives the same line or fault, and the same steps, within any limits."""
    rules = f"import textwrap\ns = msg\nx = {expression}\n"
    assert helpers(rules) == {".lines", ".first_item"}
    assert_same(rules, message, Limits(steps=steps, memory=memory))


@given(
    message=st.one_of(WRAPPED, TEXTS),
    width=st.integers(1, 30),
    steps=st.one_of(st.just(1_000_000), st.integers(0, 1_000)),
    memory=st.one_of(st.just(1 << 20), st.integers(0, 10_000)),
)
@PROPERTY
def test_two_statements_that_keep_the_first_line(message: str, width: int, steps: int, memory: int) -> None:
    """A ticket variable that becomes the lines of a text and then the first of them is logged with both values."""
    rules = f"import textwrap\nsubject = textwrap.wrap(msg, {width})\nsubject = subject[0]\nteam = subject\n"
    assert helpers(rules) == {".lines", ".first_line"}
    assert_same(rules, message, Limits(steps=steps, memory=memory))


def test_the_lines_that_nobody_looked_at_are_told() -> None:
    """The log of a first run tells the whole list that the variable held between the two statements."""
    rules = "import textwrap\nsubject = textwrap.wrap(msg, 5)\nsubject = subject[0]\n"
    outcome = running.run(rules, {"msg": "one two three"})
    assert [logged.value for logged in outcome.writes] == [["one", "two", "three"], "one"]


@given(WRAPPED, st.integers(1, 20))
@PROPERTY
def test_all_lines_are_those_of_the_module(text: str, width: int) -> None:
    """The lines that stand for a text are Python's own, wherever it may be broken."""
    assert whole(Lines(text, width, "")) == textwrap.wrap(text, width)


@pytest.mark.parametrize(
    "rules",
    [
        "x = textwrap.wrap(msg, 5)[0]\nimport textwrap\n",
        "import textwrap\ntextwrap = 5\nx = textwrap.wrap(msg, 5)[0]\n",
        "import textwrap\nx = textwrap.wrap(nothing, 1 / 0)[0]\nnothing = 1\n",
        "from textwrap import wrap\nx = wrap(msg, 5)[0]\nx = wrap(msg, width=5)\nx = x[0]\n",
        "def wrap(a, b): return {0: a + str(b)}\nx = wrap(msg, 5)[0]\ny = wrap(msg, 6)\ny = y[0]\n",
        "def wrap(a, b):\n    return 1 / 0\nx = wrap(\n  msg, 5)[0]\n",
        "def wrap(a, width): return [width]\nx = wrap(msg, width=5)[0]\ny = wrap(msg, 5)[0]\n",
        "wrap = 5\nx = wrap(msg, 5)[0]\n",
        "wrap = 'a'.upper\nx = wrap(msg, 5)[0]\n",
        "import textwrap\nx = (1 +\n  textwrap.\n  wrap(None, 5)[0])\n",
        "import textwrap\nx = textwrap.wrap(msg, 0)[0]\n",
        "import textwrap\nx = textwrap.wrap(msg, 2.5)[0]\ny = textwrap.wrap(msg, True)[0]\nz = textwrap.wrap(msg, 300)[0]\n",
        "import textwrap\nx = textwrap.wrap(msg, 'a')[0]\n",
        "import textwrap\nx = textwrap.wrap(msg, 5)\nx = x[False]\ny = textwrap.wrap(msg, 5)\ny = y[-1]\n",
        "import textwrap\nx = textwrap.wrap(msg, 5)\ny = x[0]\nx = x[1]\n",
        "import textwrap\nx = textwrap.wrap(msg, 5)\nx = x[0]\nx = x[0]\nx = x[0][0]\n",
        "import textwrap\ncustomfield['a'] = 1\nmsg = textwrap.wrap(msg, 5)\nmsg = msg[0]\ncustomfield['b'] = msg\n",
        "import textwrap\nx = 1 / 0\nmsg = textwrap.wrap(msg, 5)\nmsg = msg[0]\nx = 1 / 0\n",
        "import textwrap\nif msg:\n    msg = textwrap.wrap(msg, 5)\n    msg = msg[0]\n",
        "import textwrap\nx = textwrap.wrap(*[msg, 5])[0]\ny = textwrap.wrap(msg, 5, max_lines=1)[0]\n",
    ],
)
def test_wrapping_means_what_it_means(rules: str) -> None:
    """Other functions called `wrap`, other widths and other indexes give their values and faults, at their places."""
    for message in ("", "   ", "one two three four", "one-two " * 40):
        assert_same(rules, message)


def test_literals_of_statements_that_share_their_code_stay_apart() -> None:
    """In a long file of statements of one shape, each counts by its own literals."""
    statements = (
        f"if sum(1 for c in msg if c == '{letter}') == {number}: team = '{letter}'\n"
        for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", 1)
    )
    rules = RuleSet.from_text("".join(statements))
    assert [change.new for change in rules.decide({"msg": "aa b ddddd"}).changes] == []
    assert [change.new for change in rules.decide({"msg": "ccc a bb 0"}).changes] == ["a", "b", "c"]
