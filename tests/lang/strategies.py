"""Hypothesis strategies: expressions and programs as text, and programs with something wrong in them.

Runs are the same each time: a failure that nobody's change has caused helps nobody.
"""

from __future__ import annotations

import re
import warnings

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.lang.conformance.corpus import read_corpus

PROPERTY = settings(
    max_examples=50,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

PROGRAMS = [case.program for case in read_corpus() if len(case.program) < 400]

# --- expressions

NAMES = ("a", "b", "msg", "xs")
_LITERALS = ("0", "1", "7", "2.5", "'t'", '"Ab"', "''", "None", "True", "[]", "{}", "()", "'a b'", "-3", "1_000")
_BINARY = (
    *("+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"),
    *("==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not", "and", "or"),
)

Text = st.SearchStrategy[str]


def _grown(part: Text) -> Text:
    operators = st.sampled_from(_BINARY)
    return st.one_of(
        st.builds("({})".format, part),
        st.builds("{} {} {}".format, part, operators, part),
        st.builds("{} {} {} {} {}".format, part, operators, part, operators, part),
        st.builds("{}{}".format, st.sampled_from(("not ", "-", "+", "~")), part),
        st.builds("{} if {} else {}".format, part, part, part),
        st.builds("[{}, {}]".format, part, part),
        st.builds("[*{}]".format, st.sampled_from(NAMES)),
        st.builds("({}, {})".format, part, part),
        st.builds("({},)".format, part),
        st.builds("{{{}, {}}}".format, part, part),
        st.builds("{{{}: {}}}".format, part, part),
        st.builds("({})[{}]".format, part, part),
        st.builds("({})[{}:{}]".format, part, part, part),
        st.builds("({})[::{}]".format, part, part),
        st.builds("[{} for a in {}]".format, part, part),
        st.builds("{{{} for a, b in ({}) if {}}}".format, part, part, part),
        st.builds("{{{}: {} for a in {}}}".format, part, part, part),
        st.builds("sum({} for a in ({}))".format, part, part),
        st.builds("({}).upper()".format, part),
        st.builds("({}).get({}, {})".format, part, part, part),
        st.builds("len({})".format, part),
        st.builds("sorted({}, key=lambda a: {})".format, part, part),
        st.builds("(lambda a, b={}: {})({})".format, part, part, part),
        st.builds("(a := {})".format, part),
        part.filter(_fits_in_field).map("f'<{{ {} }}>'".format),
        part.filter(_fits_in_field).map("f'{{ {}!r:>{{b}}}}'".format),
    )


def _fits_in_field(text: str) -> bool:
    # In Python 3.11 a field holds no quotes of its literal, no backslash, and no lambda or walrus without brackets.
    return "'" not in text and "\\" not in text and not re.search(r"[!=<>:]|lambda", text)


def expressions(leaves: int = 12) -> Text:
    """Return expressions over the names of NAMES, valid for CPython and mostly for rules."""
    return st.recursive(st.sampled_from(NAMES + _LITERALS), _grown, max_leaves=leaves)


# --- programs


def _indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.splitlines())


def _compound(statement: Text) -> Text:
    part, block = expressions(4), statement.map(_indented)
    return st.one_of(
        st.builds("if {}:\n{}".format, part, block),
        st.builds("if {}:\n{}else:\n{}".format, part, block, block),
        st.builds("for a in {}:\n{}".format, part, block),
        st.builds("while b < 3:\n    b += 1\n{}".format, block),
        st.builds("def f(a):\n{}    return b\n".format, block),
        st.builds("def f(a):\n    global b\n    b = {}\n{}    return a\n".format, part, block),
        st.builds("try:\n{}except Exception as error:\n{}".format, block, block),
        st.builds("try:\n{}except (ValueError, TypeError):\n{}else:\n{}".format, block, block, block),
        st.builds("try:\n{}finally:\n{}".format, block, block),
        st.builds("match {}:\n    case [a, *_] | {{'k': a}}:\n        pass\n    case _:\n        b = a\n".format, part),
        st.builds("{}{}".format, statement, statement),
    )


def _simple() -> Text:
    part = expressions(4)
    return st.one_of(
        st.builds("{} = {}\n".format, st.sampled_from(("a", "b", "xs", "team", "priority")), part),
        st.builds("{} {}= {}\n".format, st.sampled_from(("a", "b", "xs", "team")), st.sampled_from("+-*|&"), part),
        st.builds("xs[{}] = {}\n".format, part, part),
        st.builds("xs[{}] += {}\n".format, part, part),
        st.builds("box[0] += {}\n".format, part),
        st.builds("customfield[{}] = {}\n".format, part, part),
        st.builds("a, *b = {}\n".format, part),
        st.builds("xs.append({})\n".format, part),
        st.builds("xs.extend({})\n".format, part),
        st.builds("table |= {}\n".format, part),
        st.builds("table.update({})\n".format, part),
        st.builds("customfield.update(k={})\n".format, part),
        st.builds("print({})\n".format, part),
        st.builds("b = list(map(keep, {}))\n".format, part),
        st.builds("a = sorted({}, key=keep)\n".format, part),
        st.builds("b = next_of({})\n".format, part),
        st.builds("del xs[{}]\n".format, part),
        st.builds("import textwrap\na = textwrap.indent({}, '> ', keep)\n".format, part),
        st.just("lazy = (keep(a) for a in xs)\n"),
        st.just("b = list(lazy)\n"),
        st.just("a = 1 / 0\n"),
        st.builds("raise ValueError({})\n".format, part),
        st.builds("assert {}\n".format, part),
        st.just("1 / 0\n"),
    )


def statements() -> Text:
    """Return statements for programs that begin with PRELUDE; many of them fault."""
    return st.recursive(_simple(), _compound, max_leaves=4).filter(_is_python)


def _is_python(body: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(PRELUDE + body, "<rules>", "exec", dont_inherit=True)
    except SyntaxError:
        return False  # such as a walrus in what a comprehension runs over
    return True


PRELUDE = """\
a, b = 1, 2
xs = [1, 2, 3]
box = (xs, [])
table = {1: 2}
lazy = []
def keep(value):
    xs.append(value)
    return 1 / (4 - value)
def next_of(values):
    box[1].append(values)
    return values[0]
def f(value):
    return value
"""

# Programs of tests/fuzz are made from a seed.
seeds = st.integers(0, 2**32 - 1)

# --- mistakes

TOKEN = re.compile(r"\n[ \t]*|[ \t]+|\w+|'(?:[^'\\\n]|\\.)*'|\*\*|//|<<|>>|[-+*/%&|^@=<>!:]=|:=|->|\.\.\.|.", re.DOTALL)
PIECES = (
    *"()[]{},:;.=+-*/%@&|^~<>\\#'\"_",
    *(" ", "\n", "\n    ", "\n\t", "\n  ", "\t", "\f", "é", "²", "“"),
    *("==", ":=", "->", "**", "//", "<=", "!=", "<<", "+=", "**=", "...", "\\\n"),
    *("in", "not", "is", "and", "or", "if", "else", "elif", "for", "while", "def", "return", "lambda"),
    *("pass", "break", "continue", "del", "import", "from", "as", "None", "True", "async", "await", "yield"),
    *("global", "nonlocal", "class", "try", "except", "finally", "with", "raise", "assert", "match", "case", "_"),
    *("x", "y", "name", "0", "1", "1.5", "0x1f", "1_0", "1e5", "'a'", '"""', "'''", "f'{x}'", "f'{x!r:>{y}}'", "r'\\'"),
)


@st.composite
def mistaken(draw: st.DrawFn) -> str:
    """Return a program of the corpus with up to three of its tokens dropped, doubled, replaced or swapped."""
    tokens = TOKEN.findall(draw(st.sampled_from(PROGRAMS)))
    for _ in range(draw(st.integers(1, 3))):
        if not tokens:
            break
        place = draw(st.integers(0, len(tokens) - 1))
        match draw(st.sampled_from(("drop", "insert", "replace", "swap", "copy"))):
            case "drop":
                del tokens[place]
            case "insert":
                tokens.insert(place, draw(st.sampled_from(PIECES)))
            case "replace":
                tokens[place] = draw(st.sampled_from(PIECES))
            case "swap":
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case "copy":
                tokens.insert(place, tokens[draw(st.integers(0, len(tokens) - 1))])
    return "".join(tokens)
