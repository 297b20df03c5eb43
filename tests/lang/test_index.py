"""Long files mean the same, however they are read and run: by shapes or whole, with the index or without, as one function.

What decides is CPython: it runs the statements one by one, and takes back what one that fails has done.
"""

from __future__ import annotations

import ast
import copy
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import Decision, Limits, RuleSet, ruleset
from dispatcher.lang import compiler
from dispatcher.lang.compiler import Options
from dispatcher.lang.source import Source
from dispatcher.plain import to_plain
from dispatcher.tickets import TICKET_SCHEMA, first_values
from tests.lang.strategies import PROPERTY

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)

# --- the ways in which files are read and run

WAYS = {
    "by shapes": (Options(fused=False), True),
    "by shapes, without the index": (Options(fused=False, index=False), True),
    "whole, by statement": (Options(fused=False), False),
    "whole, by statement, without the index": (Options(fused=False, index=False), False),
    "as one function": (Options(fused=True), False),
}
FIELDS = tuple(name for name in Decision.__annotations__ if name != "steps")


@contextmanager
def reading(way: str) -> Iterator[None]:
    """Read and compile files of any length in one of the WAYS."""
    options, by_shapes = WAYS[way]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "DEFAULT", options)
        patch.setattr(ruleset, "FUSED_STATEMENTS", 0)
        if not by_shapes:
            patch.setattr(ruleset, "read", lambda *_: None)
        yield


def rules(way: str, *texts: str, **options: Any) -> RuleSet:
    """Return the rule set of files, read and compiled in one of the WAYS."""
    with reading(way):
        return RuleSet([Source(text, f"{number}.rules") for number, text in enumerate(texts)], **options)


def told(decision: Decision, *, steps: bool = False) -> dict[str, Any]:
    """Return all that a decision says, as text where equal values may differ, such as 1 and True."""
    return {name: repr(getattr(decision, name)) for name in (*FIELDS, "steps")[: None if steps else -1]}


def agree(*texts: str, tickets: Sequence[Mapping[str, Any]], **options: Any) -> list[Decision]:
    """Return what rules decide, which is the same in all WAYS; and takes as many steps with the index as without."""
    sets = {way: rules(way, *texts, **options) for way in WAYS}
    decisions: list[Decision] = []
    for ticket in tickets:
        found = {way: each.decide(dict(ticket), now=NOW) for way, each in sets.items()}
        first = found["by shapes"]
        assert told(found["by shapes, without the index"], steps=True) == told(first, steps=True)
        assert told(found["whole, by statement, without the index"], steps=True) == told(
            found["whole, by statement"], steps=True
        )
        assert told(found["whole, by statement"]) == told(first)
        assert told(found["as one function"]) == told(first)
        decisions.append(first)
    return decisions


# --- CPython

WRITABLE = tuple(variable.name for variable in TICKET_SCHEMA.variables if variable.writable)


class _Names(ast.NodeTransformer):
    """Gives aliases the names of the variables that they mean."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field, value in ast.iter_fields(node):
            if field in ("id", "name", "asname"):
                setattr(node, field, TICKET_SCHEMA.aliases.get(value, value))
            elif field == "names" and isinstance(node, ast.Global):
                node.names = [TICKET_SCHEMA.aliases.get(name, name) for name in value]
        return super().generic_visit(node)


def by_cpython(
    texts: Sequence[str], ticket: Mapping[str, Any]
) -> tuple[dict[str, Any], str, list[tuple[int, str, int]]]:
    """Return the writable ticket variables at the end, what was printed, and file, type and line of each fault."""
    values: dict[str, Any] = dict(first_values(ticket, TICKET_SCHEMA, {})[0])
    output = io.StringIO()
    faults: list[tuple[int, str, int]] = []
    for number, text in enumerate(texts):
        names = {"print": partial(print, file=output), **values}
        for statement in ast.parse(text).body:
            code = compile(ast.Module([_Names().visit(statement)], []), "<rules>", "exec")
            before, printed = copy.deepcopy(names, {id(kept): kept for kept in (math, names["print"])}), output.tell()
            try:
                exec(code, names)
            except Exception as error:  # noqa: BLE001 - whatever rules raise
                output.seek(printed)
                output.truncate()
                names.clear()
                names.update(before)
                faults.append((number, type(error).__name__, _line(error)))
            # What `except ... as team` unbinds keeps what it held before.
            values.update({name: names[name] for name in values if name in names})
    return {name: to_plain(values[name]) for name in WRITABLE if values[name] is not math}, output.getvalue(), faults


def _line(error: BaseException) -> int:
    step, line = error.__traceback__, 0
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<rules>":
            line = step.tb_lineno
        step = step.tb_next
    return line


def assert_cpython_agrees(decision: Decision, texts: Sequence[str], ticket: Mapping[str, Any]) -> None:
    """Compare a decision with what CPython makes of the statements."""
    variables, prints, faults = by_cpython(texts, ticket)
    assert {name: repr(decision.action_variables[name]) for name in variables} == {
        name: repr(value) for name, value in variables.items()
    }
    assert decision.prints == prints
    assert [(int(fault.file[0]), fault.type, fault.line) for fault in decision.faults] == faults


# --- rules as admins write them, a few shapes with many literals

# Few, so that they hit, contain and equal each other.
TEXTS = (
    *("", "a", "aa", "aaa", "aab", "b", "ab", "A", "Ab", "vpn", "VPN", " vpn ", "print", "printer", "a b"),
    *(
        "ß",
        "ss",
        "SS",
        "ſ",
        "İ",
        "i̇",
        "K",
        "k",
        "Σ",
        "ς",
        "σ",
        "é",
        "e\u0301",
        "\U0001f600",
        "ann@a.example",
        "@a.example",
    ),
)
NUMBERS = ("0", "1", "2", "3", "10", "1.0", "2.5", "0.0")
OTHERS = (
    "None",
    "True",
    "False",
    "1_0",
    "0x1",
    "1e0",
    "10000000000000000000000000",
    "1e400",
    "'\\x61'",
    "'a' 'a'",
    '"""a"""',
    "-1",
)
Text = st.SearchStrategy[str]

texts = st.sampled_from(TEXTS).map(repr)
values = st.one_of(texts, st.sampled_from(NUMBERS), st.sampled_from(OTHERS))
text_variables = st.sampled_from(("msg", "message", "email", "subject", "selections", "append", "name"))
variables = st.one_of(text_variables, st.sampled_from(("priority", "state", "team", "agent", "impact", "customfield")))
views = st.builds(
    "{}{}".format,
    text_variables,
    st.sampled_from(("", "", "", ".lower()", ".upper()", ".casefold()", ".strip()", ".strip().lower()", ".title()")),
)


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)},)" if len(items) == 1 else f"({', '.join(items)})"


def _comparisons() -> Text:
    some = st.lists(texts, min_size=1, max_size=3)
    return st.one_of(
        st.builds("{} in {}".format, texts, views),
        st.builds("{} in {}".format, texts, views),
        st.builds("{} not in {}".format, texts, views),
        st.builds("{} == {}".format, views, texts),
        st.builds("{} == {}".format, variables, values),
        st.builds("{} == {}".format, values, variables),
        st.builds("{} != {}".format, variables, values),
        st.builds("{} is {}".format, variables, st.sampled_from(("None", "True", "False"))),
        st.builds("{} is not None".format, variables),
        st.builds("{} in [{}]".format, views, some.map(", ".join)),
        st.builds("{} in {}".format, views, some.map(_tuple)),
        st.builds("{} in {{{}}}".format, views, some.map(", ".join)),
        st.builds("{} in [{}]".format, variables, st.lists(values, min_size=1, max_size=3).map(", ".join)),
        st.builds("{} not in {}".format, views, some.map(_tuple)),
        st.builds("{}.{}({})".format, views, st.sampled_from(("startswith", "endswith")), texts),
        st.builds("{}.{}({})".format, views, st.sampled_from(("startswith", "endswith")), some.map(_tuple)),
        st.builds("{}.startswith({}, 1)".format, views, texts),
        st.builds("any(word in {} for word in [{}])".format, views, some.map(", ".join)),
        st.builds("{} < len({}) < {}".format, st.sampled_from(NUMBERS), text_variables, st.sampled_from(NUMBERS)),
        st.builds("{} > {}".format, variables, values),
        variables,
        values,
    )


conditions = st.recursive(
    _comparisons(),
    lambda part: st.one_of(
        st.builds("{} and {}".format, part, part),
        st.builds("{} or {}".format, part, part),
        st.builds("({} or {}) and {}".format, part, part, part),
        st.builds("not ({})".format, part),
        st.builds("({})".format, part),
        st.builds("{0} {1} {2} {1} {3}".format, part, st.sampled_from(("and", "or")), part, part),
    ),
    max_leaves=4,
)

_targets = st.sampled_from(
    ("team", "state", "priority", "agent", "subject", "msg", "message", "append", "mine", "priv_append")
)
actions = st.one_of(
    st.builds("{} = {}".format, _targets, values),
    st.builds("{} = {}".format, _targets, values),
    st.builds("{} = {}".format, _targets, views),
    st.builds("priority = priority + {}".format, st.sampled_from(NUMBERS)),
    st.builds("priority += {}".format, st.sampled_from(NUMBERS)),
    st.builds("append += {}".format, texts),
    st.builds("msg = {} + msg".format, texts),
    st.builds("msg = msg.replace({}, {})".format, texts, texts),
    st.builds("customfield[{}] = {}".format, texts, values),
    st.builds("team = f'{{team}}{{{}}}x'".format, views),
    st.builds("print({}, {})".format, texts, variables),
    st.just("pass"),
)


def _if(condition: str, body: Sequence[str], *rest: str) -> str:
    return f"if {condition}:\n" + "".join(f"    {action}\n" for action in body) + "".join(rest)


def _rules() -> Text:
    body = st.lists(actions, min_size=1, max_size=2)
    return st.one_of(
        st.builds(_if, conditions, body),
        st.builds(_if, conditions, body),
        st.builds(_if, conditions, body),
        st.builds("if {}: {}\n".format, conditions, actions),
        st.builds("if (\n    ({})\n  and ({})\n):\n    {}\n".format, conditions, conditions, actions),
        st.builds("if {} and \\\n        {}:\n    {}\n".format, conditions, conditions, actions),
        st.builds(_if, conditions, body, st.builds("elif {}:\n    {}\n".format, conditions, actions)),
        st.builds(_if, conditions, body, st.builds("\n# x\nelif {}: {}\n".format, conditions, actions)),
        st.builds(_if, conditions, body, st.builds("else:\n    {}\n".format, actions)),
        st.builds("if {}:\n    if {}:\n        {}\n    {}\n".format, conditions, conditions, actions, actions),
    )


_words = st.lists(texts, min_size=1, max_size=3).map(", ".join)
odd = st.one_of(
    st.builds("{}\n".format, actions),
    st.builds("for {} in [{}]:\n    pass\n".format, _targets, _words),
    st.builds("for word in [{}]:\n    if word in {}:\n        {}\n        break\n".format, _words, views, actions),
    st.builds("try:\n    {}\nexcept TypeError as error:\n    {}\n".format, actions, actions),
    st.builds("try:\n    1 / 0\nexcept ZeroDivisionError as {}:\n    pass\n".format, _targets),
    st.builds("def change():\n    global msg, state\n    msg = {}\n    state = {}\nchange()\n".format, texts, values),
    st.builds("if {} and change():\n    {}\n".format, conditions, actions),
    st.builds("if (msg := {}) and {}:\n    {}\n".format, views, conditions, actions),
    st.builds("print([state := word for word in [{}]])\n".format, _words),
    st.builds("msg, state = {}, {}\n".format, values, values),
    st.builds("msg = [{}]\n".format, _words),
    st.builds("state = float('nan')\n".format),
    st.just("import math as mine\n"),
    st.builds("from math import pi as {}\n".format, _targets),
    st.builds("len = {}\n".format, values),
    st.builds("team = len(msg)\n".format),
    st.builds("while len(msg) > 2:\n    msg = msg[1:]\n".format),
    st.builds(
        "match {}:\n    case {}:\n        {}\n    case {}:\n        pass\n".format, views, texts, actions, _targets
    ),
    st.builds("keep = lambda: {}\n".format, conditions),
    st.just("if keep(): mine = 1\n"),
    st.builds(
        "def judge(value):\n    word = {}\n    if word in value: return {}\n    return value + word\n".format,
        texts,
        views,
    ),
    st.builds("if judge({}) == {}:\n    {}\n".format, values, texts, actions),
    st.builds("team = sorted([{}, {}], key=judge)\n".format, values, values),
)
statements = st.one_of(_rules(), _rules(), _rules(), _rules(), _rules(), _rules(), _rules(), odd)
PRELUDE = "def change(): return 1\nkeep = change\nmine = 0\ndef judge(value):\n    return 1 / value\n"


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


@st.composite
def files(draw: st.DrawFn, least: int = 33, most: int = 60) -> str:
    """Return a long file of a few shapes of statements, with other literals in each."""
    patterns = draw(st.lists(statements.filter(_is_python), min_size=6, max_size=14))
    numbers = st.integers(0, len(patterns) - 1)
    chosen = draw(st.lists(st.tuples(numbers, st.integers(0, len(TEXTS) - 1)), min_size=least, max_size=most))
    return PRELUDE + "".join(_other_literals(patterns[number], turn) for number, turn in chosen)


def _other_literals(pattern: str, turn: int) -> str:
    """Return a statement with other texts in the place of those in it."""
    found = iter(range(len(pattern)))

    def other(match: re.Match[str]) -> str:
        if not turn:
            return match[0]
        at = _PLACES.get(match[0])
        return match[0] if at is None else repr(TEXTS[(at + turn * (1 + next(found))) % len(TEXTS)])

    text = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", other, pattern)
    # What makes no other shape.
    return (
        re.sub(r"(?<!\\)\n(?= )", lambda _: NOISE[(turn + next(found)) % len(NOISE)], text) if turn % 3 == 0 else text
    )


NOISE = ("\n", "  # it's\n", "\n\n", " \n# 'x' é\n  \t\n", "\n      # 1\n")
_PLACES = {repr(text): number for number, text in enumerate(TEXTS)}

ticket_texts = st.one_of(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), max_size=4).map("".join),
    st.lists(st.sampled_from(TEXTS), max_size=4).map(" ".join),
    st.sampled_from(("x" * 999 + "vpn", "a" * 1_000, "é" * 1_200 + "VPN", "\ud800", "\0a", "\U0001f600" * 1_001)),
)
ticket_values = st.one_of(
    ticket_texts,
    st.sampled_from((None, True, 0, 1, 1.0, 2.5, float("nan"), 10**25, -1, ["a", "vpn"], {"a": 1}, [], ("aa",))),
)
tickets = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("msg", "email", "subject", "selections", "append", "name"), ticket_texts),
        **dict.fromkeys(("priority", "state", "team", "agent", "impact"), ticket_values),
        "message": ticket_values,
        "customfield": st.sampled_from(({}, {"a": 1}, None, [1], "x")),
    },
)
odd_tickets = st.dictionaries(
    st.sampled_from(("msg", "message", "subject", "email", "append", "priority", "state", "selections", "x", 5, None)),
    ticket_values,
)


@settings(PROPERTY, max_examples=30)
@given(text=files(), found=st.lists(st.one_of(tickets, tickets, odd_tickets), min_size=1, max_size=3))
def test_all_ways_decide_alike(text: str, found: list[dict[Any, Any]]) -> None:
    """Rules decide the same however they are read and run, and take as many steps with the index as without."""
    agree(text, tickets=found)


@settings(PROPERTY, max_examples=30)
@given(text=files(), found=st.lists(tickets, min_size=1, max_size=3))
def test_long_files_mean_what_python_means(text: str, found: list[dict[str, Any]]) -> None:
    """Values at the end, and types and lines of faults, are those of CPython without the statements that fail."""
    each = rules("by shapes", text)
    for ticket in found:
        assert_cpython_agrees(each.decide(ticket, now=NOW), [text], ticket)


@settings(PROPERTY, max_examples=15)
@given(first=files(1, 6), second=files(33, 40), third=files(1, 40), found=st.lists(tickets, min_size=1, max_size=2))
def test_files_behind_each_other_decide_alike(first: str, second: str, third: str, found: list[dict[str, Any]]) -> None:
    """What a file leaves in ticket variables is what the next one finds, whatever it is."""
    for ticket, decision in zip(found, agree(first, second, third, tickets=found), strict=True):
        assert_cpython_agrees(decision, (first, second, third), ticket)


@settings(PROPERTY, max_examples=20)
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
        with_index, without = (each.decide(dict(ticket), now=NOW) for each in sets)
        assert told(with_index, steps=True) == told(without, steps=True)
