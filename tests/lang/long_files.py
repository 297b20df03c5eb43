"""Hypothesis strategies: long rule files as admins write them, a few shapes with many literals, and tickets for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

Text = st.SearchStrategy[str]

# Few, so that they contain and equal each other, and tickets hit them.
TEXTS = (
    *("", "a", "aa", "aaa", "aab", "b", "ab", "A", "Ab", "vpn", "VPN", " vpn ", "print", "printer", "a b"),
    *("ß", "ss", "SS", "ſ", "İ", "i̇", "\u212a", "k", "Σ", "ς", "σ", "é", "e\u0301", "\U0001f600"),
    *("ann@a.example", "@a.example"),
    # Of which one begins another, behind where the index stops looking.
    *("x" * 40, "x" * 40 + "y", "ax" + "x" * 40, "é" * 20, "é" * 20 + "b", "aé" + "é" * 20),
)
_NUMBERS = ("0", "1", "2", "3", "10", "1.0", "2.5", "0.0")
_CONSTANTS = ("None", "True", "False", "1_0", "0x1", "1e0", "1" + "0" * 25, "1e400", "-1")
_OTHER_TEXTS = ("'\\x61'", "'a' 'a'", '"""a"""')
_TEXT_VARIABLES = ("msg", "message", "email", "subject", "selections", "append", "name")
_VARIABLES = ("priority", "state", "team", "agent", "impact", "urgency", "customfield")
_TARGETS = ("team", "state", "priority", "agent", "subject", "msg", "message", "append", "mine")
_METHODS = ("", "", "", ".lower()", ".upper()", ".casefold()", ".strip()", ".strip().lower()", ".title()")

texts = st.sampled_from(TEXTS).map(repr)
numbers = st.sampled_from(_NUMBERS)
values = st.one_of(texts, numbers, st.sampled_from(_CONSTANTS + _OTHER_TEXTS))
text_variables = st.sampled_from(_TEXT_VARIABLES)
variables = st.one_of(text_variables, st.sampled_from(_VARIABLES))
targets = st.sampled_from(_TARGETS)
views = st.builds("{}{}".format, text_variables, st.sampled_from(_METHODS))

# --- conditions


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)},)" if len(items) == 1 else f"({', '.join(items)})"


def _comparisons() -> Text:
    some = st.lists(texts, min_size=1, max_size=3)
    any_of = st.lists(values, min_size=1, max_size=3).map(", ".join)
    edge = st.sampled_from(("startswith", "endswith"))
    return st.one_of(
        st.builds("{} in {}".format, texts, views),
        st.builds("{} in {}".format, texts, views),
        st.builds("{} not in {}".format, texts, views),
        st.builds("{} == {}".format, views, texts),
        st.builds("{} == {}".format, variables, values),
        st.builds("{} == {}".format, values, variables),
        st.builds("{} != {}".format, variables, values),
        st.builds("{} > {}".format, variables, values),
        st.builds("{} is {}".format, variables, st.sampled_from(("None", "True", "False"))),
        st.builds("{} is not None".format, variables),
        st.builds("{} in [{}]".format, views, some.map(", ".join)),
        st.builds("{} in {}".format, views, some.map(_tuple)),
        st.builds("{} in {{{}}}".format, views, some.map(", ".join)),
        st.builds("{} in [{}]".format, variables, any_of),
        st.builds("{} not in {}".format, views, some.map(_tuple)),
        st.builds("{}.{}({})".format, views, edge, texts),
        st.builds("{}.{}({})".format, views, edge, some.map(_tuple)),
        st.builds("{}.startswith({}, 1)".format, views, texts),
        st.builds("any(word in {} for word in [{}])".format, views, some.map(", ".join)),
        st.builds("{} < len({}) < {}".format, numbers, text_variables, numbers),
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

# --- statements

actions = st.one_of(
    st.builds("{} = {}".format, targets, values),
    st.builds("{} = {}".format, targets, values),
    st.builds("{} = {}".format, targets, views),
    st.builds("priority = priority + {}".format, numbers),
    st.builds("priority += {}".format, numbers),
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


def _odd_ones() -> Text:
    """Return what else binds ticket variables, what calls functions, and names of functions that mean something else."""
    words = st.lists(texts, min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{}\n".format, actions),
        st.builds("for {} in [{}]:\n    pass\n".format, targets, words),
        st.builds("for word in [{}]:\n    if word in {}:\n        {}\n        break\n".format, words, views, actions),
        st.just("while len(msg) > 2:\n    msg = msg[1:]\n"),
        st.builds("try:\n    {}\nexcept TypeError as error:\n    {}\n".format, actions, actions),
        st.just("try:\n    1 / 0\nexcept ZeroDivisionError as urgency:\n    pass\n"),
        st.builds(
            "match {}:\n    case {}:\n        {}\n    case {}:\n        pass\n".format, views, texts, actions, targets
        ),
        st.builds(
            "def change():\n    global msg, state\n    msg = {}\n    state = {}\nchange()\n".format, texts, values
        ),
        st.builds("if {} and change():\n    {}\n".format, conditions, actions),
        st.builds(
            "def judge(value):\n    word = {}\n    if word in value: return {}\n    return value + word\n".format,
            texts,
            views,
        ),
        st.builds("if judge({}) == {}:\n    {}\n".format, values, texts, actions),
        st.builds("team = sorted([{}, {}], key=judge)\n".format, values, values),
        st.builds("if (msg := {}) and {}:\n    {}\n".format, views, conditions, actions),
        st.builds("print([state := word for word in [{}]])\n".format, words),
        st.builds("msg, state = {}, {}\n".format, values, values),
        st.builds("msg = [{}]\n".format, words),
        st.just("state = float('nan')\n"),
        st.just("import math as mine\n"),
        st.builds("from math import pi as {}\n".format, targets),
        st.builds("len = {}\n".format, values),
        st.just("team = len(msg)\n"),
        st.builds("keep = lambda: {}\n".format, conditions),
        st.just("if keep(): mine = 1\n"),
    )


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False  # such as a walrus without brackets
    return True


_rule = _rules()
statements = st.one_of(*[_rule] * 7, _odd_ones()).filter(_is_python)

# --- files

PRELUDE = """\
def change(): return 1
keep = change
mine = 0
def judge(value):
    return 1 / value
"""
# What makes no other shape of a statement.
_LINE_ENDS = ("\n", "  # it's\n", "\n\n", " \n# 'x' é\n  \t\n", "\n      # 1\n")
_PLACES = {repr(text): number for number, text in enumerate(TEXTS)}


@st.composite
def files(draw: st.DrawFn, least: int = 33, most: int = 60) -> str:
    """Return a long file of a few shapes of statements, with other literals in each."""
    patterns = draw(st.lists(statements, min_size=6, max_size=14))
    chosen = st.tuples(st.sampled_from(patterns), st.integers(0, len(TEXTS) - 1))
    found = draw(st.lists(chosen, min_size=least, max_size=most))
    return PRELUDE + "".join(_of_its_shape(pattern, turn) for pattern, turn in found)


def _of_its_shape(pattern: str, turn: int) -> str:
    """Return a statement with other texts, and now and then other line ends, in the place of those in it."""
    count = 0

    def other(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        place = _PLACES.get(found[0])
        return found[0] if place is None else repr(TEXTS[(place + turn * count) % len(TEXTS)])

    def line_end(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return _LINE_ENDS[(turn + count) % len(_LINE_ENDS)]

    text = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", other, pattern) if turn else pattern
    return re.sub(r"(?<!\\)\n(?= )", line_end, text) if turn % 3 == 0 else text


# --- tickets

_LONG_TEXTS = ("x" * 999 + "vpn", "a" * 1_000, "é" * 1_200 + "VPN", "\ud800", "\0a", "\U0001f600" * 1_001)
_NO_TEXTS: tuple[Any, ...] = (None, True, 0, 1, 1.0, 2.5, float("nan"), 10**25, -1, ["a", "vpn"], {"a": 1}, [], ("aa",))

ticket_texts = st.one_of(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), max_size=4).map("".join),
    st.lists(st.sampled_from(TEXTS), max_size=4).map(" ".join),
    st.sampled_from(_LONG_TEXTS),
)
ticket_values = st.one_of(ticket_texts, st.sampled_from(_NO_TEXTS))
tickets = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("msg", "email", "subject", "selections", "append", "name"), ticket_texts),
        **dict.fromkeys(("priority", "state", "team", "agent", "impact", "message"), ticket_values),
        "customfield": st.sampled_from(({}, {"a": 1}, None, [1], "x")),
    },
)
_KEYS = ("msg", "message", "subject", "email", "append", "priority", "state", "selections", "x", 5, None)
odd_tickets = st.dictionaries(st.sampled_from(_KEYS), ticket_values)
