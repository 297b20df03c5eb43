"""Files mean the same, however they are read and run: by shapes or whole, with the index or without, as one function.

CPython says what they mean.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import Decision, Limits, RuleSet, ruleset
from dispatcher.lang import compiler
from dispatcher.lang.compiler import Options
from dispatcher.lang.reading import Statements, read
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source
from dispatcher.lang.trace import Trace
from dispatcher.plain import to_plain
from dispatcher.tickets import TICKET_SCHEMA, first_values
from tests.lang.absent import run_on_cpython
from tests.lang.long_files import files, odd_tickets, tickets
from tests.lang.strategies import PROPERTY

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)

# --- the ways in which files are read and run


def _again(source: Source, schema: Schema, least: int, _: Any = None) -> Statements | None:
    """Read a file by what is known of its exemplars."""
    first = read(source, schema, least)
    return first and read(source, schema, least, [exemplar.facts for exemplar in first.exemplars])


def _not(*_: Any) -> None:
    """Leave a file to be read as a whole."""


WAYS = {
    "by shapes": (Options(fused=False), read),
    "by shapes, without the index": (Options(fused=False, index=False), read),
    "by shapes that are known": (Options(fused=False), _again),
    "whole, by statement": (Options(fused=False), _not),
    "whole, by statement, without the index": (Options(fused=False, index=False), _not),
    "as one function": (Options(fused=True), _not),
}
# What tells a trace decides no other way; it is compiled in these two.
TRACED_WAYS = ("by shapes", "whole, by statement")
FIELDS = tuple(name for name in Decision.__annotations__ if name != "steps")


@contextmanager
def reading(way: str) -> Iterator[None]:
    """Read and compile files of any length in one of the WAYS."""
    options, reads = WAYS[way]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "DEFAULT", options)
        patch.setattr(ruleset, "FUSED_STATEMENTS", 0)
        patch.setattr(ruleset, "read", reads)
        yield


def rules(way: str, *texts: str, **options: Any) -> RuleSet:
    """Return the rule set of files, read and compiled in one of the WAYS."""
    with reading(way):
        return RuleSet([Source(text, f"{number}.rules") for number, text in enumerate(texts)], **options)


def told(decision: Decision, *, steps: bool = False) -> dict[str, str]:
    """Return all that a decision says, as text: equal values may differ, such as 1 and True."""
    return {name: repr(getattr(decision, name)) for name in ((*FIELDS, "steps") if steps else FIELDS)}


def agree(*texts: str, tickets: Sequence[Mapping[Any, Any]], **options: Any) -> list[Decision]:
    """Return what rules decide, which is the same in all WAYS; and takes as many steps with the index as without."""
    sets = {way: rules(way, *texts, **options) for way in WAYS}
    for way in TRACED_WAYS:
        with reading(way):
            _ = sets[way].traced_programs
    decisions: list[Decision] = []
    for ticket in tickets:
        found = {way: each.decide(dict(ticket), now=NOW) for way, each in sets.items()}
        first = found["by shapes"]
        for way in WAYS:
            assert (way, told(found[way])) == (way, told(first))
            if way.startswith("by shapes"):
                assert (way, found[way].steps) == (way, first.steps)
            if way in TRACED_WAYS:
                decision, _ = sets[way].trace(dict(ticket), now=NOW, trace=Trace())
                assert (way, told(decision)) == (way, told(first))
        whole = found["whole, by statement"]
        assert found["whole, by statement, without the index"].steps == whole.steps
        decisions.append(first)
    return decisions


def assert_is_pythons(decision: Decision, texts: Sequence[str], ticket: Mapping[Any, Any]) -> None:
    """Compare a decision with what CPython makes of the files, each without the statements that fail."""
    values: dict[str, Any] = dict(first_values(ticket, TICKET_SCHEMA, {})[0])
    prints, faults = "", list[tuple[str, int, str]]()
    for number, text in enumerate(texts):
        # An alias is another name for the same variable, which CPython does not know.
        ran = run_on_cpython(text.replace("message", "msg"), values)
        values = {name: ran.variables.get(name, value) for name, value in values.items()}
        prints += ran.prints
        faults += [(f"{number}.rules", line, kind) for kind, line in ran.faults]
    writable = {variable.name for variable in TICKET_SCHEMA.variables if variable.writable}
    expected = {name: repr(to_plain(value)) for name, value in values.items() if name in writable}
    assert {name: repr(decision.action_variables[name]) for name in expected} == expected
    assert decision.prints == prints
    assert [(fault.file, fault.line, fault.type) for fault in decision.faults] == faults


# --- rules as admins write them


@settings(PROPERTY, max_examples=10)
@given(text=files(), found=st.lists(st.one_of(tickets, tickets, odd_tickets), min_size=1, max_size=3))
def test_all_ways_decide_alike(text: str, found: list[dict[Any, Any]]) -> None:
    """Rules decide the same however they are read and run, and take as many steps with the index as without."""
    agree(text, tickets=found)


@settings(PROPERTY, max_examples=16)
@given(text=files(), found=st.lists(tickets, min_size=1, max_size=3))
def test_long_files_mean_what_python_means(text: str, found: list[dict[str, Any]]) -> None:
    """Values at the end, prints, and types and lines of faults are CPython's without the statements that fail."""
    each = rules("by shapes", text)
    for ticket in found:
        assert_is_pythons(each.decide(ticket, now=NOW), [text], ticket)


@settings(PROPERTY, max_examples=7)
@given(first=files(1, 6), second=files(33, 40), third=files(1, 40), found=st.lists(tickets, min_size=1, max_size=2))
def test_files_behind_each_other_decide_alike(first: str, second: str, third: str, found: list[dict[str, Any]]) -> None:
    """What a file leaves in ticket variables is what the next one finds, whatever it is."""
    for ticket, decision in zip(found, agree(first, second, third, tickets=found), strict=True):
        assert_is_pythons(decision, (first, second, third), ticket)


@settings(PROPERTY, max_examples=18)
@given(
    text=files(),
    found=st.lists(tickets, min_size=1, max_size=3),
    steps=st.integers(0, 3_000),
    memory=st.sampled_from((0, 500, 3_000, 1 << 20)),
)
def test_the_index_spends_nothing_else(text: str, found: list[dict[str, Any]], steps: int, memory: int) -> None:
    """Whatever the limits are, they end the same statements with the index and without."""
    limits = Limits(steps=steps, memory=memory)
    sets = [rules(way, text, limits=limits) for way in WAYS if way.startswith("by shapes")]
    for ticket in found:
        first, *others = (each.decide(dict(ticket), now=NOW) for each in sets)
        for other in others:
            assert told(other, steps=True) == told(first, steps=True)


# --- what rules do with the variables that others test

# More literals than are looked for one by one.
FILLER = "".join(f"if 'word{number}' in msg:\n    team = 'T{number}'\n" for number in range(8))
BINDINGS = (
    *("msg = 'word3'", "message = 'word3'", "msg = ['word3']", "msg = {'word3': 1}", "msg = None", "msg = 5"),
    *("msg += ' word3'", "msg, state = 'word3', 1", "[msg, *state] = 'word3', 'b'", "msg = msg.upper()"),
    *("for msg in ['word1', 'word3']: pass", "for message in ['word3']: pass", "if (msg := 'word3'): pass"),
    *("[msg := word for word in ('word1', 'word3')]", "from math import pi as msg", "msg = float('nan')"),
    *("def f():\n    global msg\n    msg = 'word3'\nf()", "def f():\n    global message\n    message = 'word3'\nf()"),
    *("match 'word3':\n    case msg: pass", "match ['word3']:\n    case [*message]: pass"),
    *("try:\n    msg = 'word3'\n    1 / 0\nexcept ZeroDivisionError: pass", "msg = 'word3'; 1 / 0"),
    *("import collections\nmsg = collections.Counter('word3')", "import collections\nmsg = collections.deque('word3')"),
)


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("order", ["in the middle", "in a file before"])
def test_rules_see_what_others_have_bound(binding: str, order: str) -> None:
    """Whatever a statement makes of a text, the rules behind it look at that, and those before at what was."""
    behind = FILLER + "if msg == 'word3':\n    state = 'B'\nif 'WORD' in msg:\n    state = 'C'\n"
    texts = (f"{FILLER}{binding}\n{behind}",) if order == "in the middle" else (f"{binding}\n", behind)
    found: list[dict[str, Any]] = [{"msg": "word3 foo"}, {"msg": "word5"}, {}, {"msg": ["word3", "b"]}]

    for ticket, decision in zip(found, agree(*texts, tickets=found), strict=True):
        assert_is_pythons(decision, texts, ticket)


@pytest.mark.parametrize("name", ["msg", "message"])
def test_what_a_handler_unbinds_is_unbound_for_all(name: str) -> None:
    """Behind `except ... as msg` a test of the message fails, of whichever name, and no rule is skipped."""
    text = f"{FILLER}try:\n    1 / 0\nexcept ZeroDivisionError as {name}: pass\nif state is None and 'x' in msg: team = 1\n"
    (decision,) = agree(text, tickets=[{"msg": "word3"}])

    assert decision.action_variables["team"] == "T3"
    assert [(fault.type, fault.line) for fault in decision.faults] == [("NameError", 20)]


NUMBERS = "".join(
    f"if priority == {value}:\n    team = 'T'\n    print({value!r})\n"
    for value in ("1", "2", "True", "1.0", "0", "False", "1e400")
)


def test_numbers_are_found_as_python_compares_them() -> None:
    """1, 1.0 and True are equal; a text is no number, and nan is nothing."""
    found: list[dict[str, Any]] = [
        {"priority": value} for value in (1, 1.0, True, 0, 2, "1", None, [1], float("nan"), float("inf"), 10**400)
    ]

    decisions = agree(NUMBERS, tickets=found)
    assert [decision.prints.split() for decision in decisions[:6]] == [
        *[["1", "True", "1.0"]] * 3,
        ["0", "False"],
        ["2"],
        [],
    ]
    for ticket, decision in zip(found, decisions, strict=True):
        assert_is_pythons(decision, [NUMBERS], ticket)


# --- literals of one shape

EDGES = {
    "contains": "if {} in msg:\n    print({})\n",
    "begins": "if msg.startswith({}):\n    print({})\n",
    "ends": "if msg.endswith({}):\n    print({})\n",
    "one of several": "if msg.lower().startswith(({}, '?')):\n    print({})\n",
    "equals": "if msg == {}:\n    print({})\n",
}
LITERALS = (
    "word",
    "",
    "w",
    "wo",
    "or",
    "ord",
    "word" * 9,
    "word" * 9 + "s",
    "é",
    "é" * 17,
    "é" * 17 + "a",
    "\U0001f600",
)


@pytest.mark.parametrize("form", EDGES.values(), ids=EDGES)
def test_each_literal_of_a_shape_is_its_own(form: str) -> None:
    """Empty, long, and of which one contains or begins another: each is found where it is, and nowhere else."""
    text = "".join(form.format(repr(literal), repr(literal)) for literal in LITERALS)
    found = [{"msg": message} for message in (*LITERALS, "sword", "x" + "é" * 17, "Ã©", "\ud83d\ude00", "zzz", "w\0")]

    for ticket, decision in zip(found, agree(text, tickets=found), strict=True):
        assert_is_pythons(decision, [text], ticket)


def test_changes_are_in_the_lines_where_they_stand() -> None:
    """Comments and blank lines make no other shape, and move no change to another line."""
    text = "if 'a' in msg:\n    team = 'A'\n\n# b\nif 'b' in msg:  # 'c'\n\n    # it's\n    team = 'B'\n"
    (decision,) = agree(text, tickets=[{"msg": "ab"}])

    assert [(change.line, change.new) for change in decision.changes] == [(2, "A"), (8, "B")]
    assert [(rule.line, rule.title) for rule in decision.fired] == [(1, ""), (5, "b")]


def test_faults_in_functions_are_where_python_has_them() -> None:
    """What fails in a function, lambda or generator fails in its line, whichever statement calls it."""
    text = (
        "def f(x):\n\n    return 1 / x\nlazy = (\n    1 / x for x in [0])\nkeep = lambda: (\n\n  f(0))\n"
        "team = f(0)\nstate = list(lazy)\nagent = keep()\n"
        "def f(x):  # the same shape\n    return 1 / x\nimpact = f(0)\nurgency = sorted([0, 0], key=f)\n"
    )
    (decision,) = agree(text, tickets=[{}])

    assert [(fault.line, fault.column) for fault in decision.faults] == [(3, 12), (5, 5), (3, 12), (13, 12), (13, 12)]


LEFT_BEHIND = {
    "in a dict": "box = dict(f=lambda x: (\n\n  1 / x))\nteam = box['f'](0)\n",
    "as a default": "f = max([], default=lambda x: (\n\n  1 / x))\nteam = f(0)\n",
    "by the rule's own function": "def list(x): return x\nlazy = list(1 / x for x in (\n\n  [0]))\nteam = sum(lazy)\n",
    "by another function": "import itertools\nsum = itertools.chain\nf = sum(\n\n  1 / x for x in [0])\nteam = tuple(f)\n",
    "by a lambda": "min = lambda f: f\nf = min(lambda x: (\n\n  1 / x))\nteam = f(0)\n",
    "in a function": "def f(x):\n    return lambda: (\n\n  1 / x)\ng = f(0)\nteam = g()\n",
}


@pytest.mark.parametrize("text", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_code_that_is_kept_fails_where_it_stands(text: str) -> None:
    """Whatever keeps a function or a generator, it fails in its own line, for whichever statement runs it."""
    (decision,) = agree(text, tickets=[{}])

    assert_is_pythons(decision, [text], {})


@pytest.mark.parametrize("filename", ["a\nb.rules", "\n", "a\n0", "", "é.rules"])
@pytest.mark.parametrize("way", WAYS)
def test_files_of_any_name_are_told_apart_from_their_statements(way: str, filename: str) -> None:
    """A line end in a file's name moves no fault to another statement."""
    with reading(way):
        each = RuleSet.from_text("team = 'A'\ndef f(x): return 1 / x\nagent = f(0)\nimpact = 1\n", filename=filename)
    decision = each.decide({})

    assert [(fault.file, fault.line, fault.column) for fault in decision.faults] == [(filename, 2, 18)]
    assert [(change.variable, change.line) for change in decision.changes] == [("team", 1), ("impact", 4)]


# --- what callers do


class Key(str, Enum):  # noqa: UP042 - a StrEnum prints as its value
    """Keys that are equal to texts, and print as something else."""

    MSG = "msg"


@pytest.mark.parametrize("way", WAYS)
def test_keys_are_taken_as_the_ticket_has_them(way: str) -> None:
    """A key that equals a variable's name is that variable; what only prints like one is not used."""
    each = rules(way, "team = repr(msg)\n")

    assert each.decide({Key.MSG: "x"}).action_variables["team"] == "'x'"
    path: dict[Any, str] = {PurePath("msg"): "x"}
    assert each.decide(path).unused_keys == ("msg",)
    assert each.decide(path).action_variables["team"] == "''"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["state", "customfield", "selections", "msg", "message", "unknown"])
def test_a_decision_is_of_the_ticket_as_it_was(way: str, name: str) -> None:
    """What the caller does to a ticket after it was decided changes nothing that is asked later."""
    each = rules(way, "team = 'A'\n")
    ticket: dict[str, Any] = {name: {"a": ["b"]} if name == "customfield" else ["b"]}
    expected = told(each.decide(ticket, now=NOW))
    decision = each.decide(ticket, now=NOW)
    (ticket[name]["a"] if name == "customfield" else ticket[name]).append("c")
    ticket["msg"] = "other"

    assert told(decision) == expected


def test_threads_share_a_rule_set_that_compiles_as_it_runs() -> None:
    """Eight threads that decide first at the same moment decide as one does."""
    text = "".join(
        f"if 'w{number % 7}' in msg and len(msg) > {number % 5}:\n    v{number} = 'T{number}'\n    team = f'{{v{number}}}'\n"
        for number in range(120)
    )
    ticket = {"msg": "w0 w1 w2 w3 w4 w5 w6"}
    expected = told(RuleSet.from_text(text).decide(ticket, now=NOW), steps=True)
    each = RuleSet.from_text(text)
    start = threading.Barrier(8)
    found: list[dict[str, str]] = []

    def decide() -> None:
        start.wait()
        found.append(told(each.decide(ticket, now=NOW), steps=True))

    threads = [threading.Thread(target=decide) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert found == [expected] * 8


# --- what nobody writes

THOUSAND = range(1, 1_001)
HOSTILE = {
    "literals that contain each other": ("if '{a}' in msg: state = 'T'\n", "a" * 1_000_000),
    "long literals of one beginning": ("if '{a}{a}{a}{a}{n}' in msg: state = 'T'\n", "a" * 1_000_000),
    "long literals that differ at once": ("if '{n}{a}{a}{a}{a}' in msg: state = 'T'\n", "a" * 1_000_000),
    "first characters by the thousand": ("if '{c}{n}' in msg: state = 'T'\n", "x" * 1_000_000),
    "first characters that are all there": (
        "if '{c}{n}' in msg: state = 'T'\n",
        "".join(map(chr, range(0x4E00, 0x8E00))) * 30,
    ),
    "beginnings of each length": ("if msg.startswith('{a}b'): state = 'T'\nmsg = msg + 'a'\n", "a" * 2_000),
    "ends of each length": ("if msg.endswith('b{a}'): state = 'T'\nmsg = msg + 'a'\n", "a" * 2_000),
    "a text that all rewrite": ("if 'a{n}' in msg: msg = msg + 'a1{n}'\n", "a1"),
    "a variable that all switch": ("if msg == 'x': msg = 'y'\nif msg == 'y': msg = 'x'\n", "x"),
    "views of a long text": ("if 'a{n}' in msg.lower() and 'b' in msg.upper().strip(): state = 'T'\n", "é" * 2_000_000),
}
# CPU seconds that only what nothing bounds takes; on an idle machine each takes less than a quarter.
SECONDS = 2.0


@pytest.mark.parametrize(("rule", "message"), HOSTILE.values(), ids=HOSTILE)
def test_the_index_cannot_be_made_to_hang(rule: str, message: str) -> None:
    """Whatever a thousand literals are, they are read and looked for in time, and what has no trigger runs."""
    text = "team = 'A'\n" + "".join(
        rule.replace("{a}", "a" * number).replace("{n}", str(number)).replace("{c}", chr(0x4E00 + 7 * number))
        for number in THOUSAND
    )
    started = time.process_time()
    decision = RuleSet.from_text(text).decide({"msg": message}, now=NOW)
    seconds = time.process_time() - started

    assert decision.received_at == NOW.isoformat()
    assert seconds < SECONDS
