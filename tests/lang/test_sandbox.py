"""Any text whatever given as rules is answered: by diagnostics, or by a decision."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import Diagnostic, RuleSet, check
from dispatcher.lang.budget import Limits
from tests.lang.isolation import isolated
from tests.lang.strategies import PROPERTY, mistaken


def answered(text: str) -> None:
    """Assert that rules, whatever they are, give diagnostics or decisions."""
    found = check(text)
    assert all(type(problem) is Diagnostic for problem in found)
    json.dumps([problem.to_dict() for problem in found])
    if not any(problem.severity == "error" for problem in found):
        decision = RuleSet.from_text(text, limits=Limits(steps=20_000)).decide({"msg": "a"})
        json.dumps(decision.to_dict(), allow_nan=False)


PIECES = [*"()[]{}:,.;=+-*/%@&|^~<>!#\\\"'\n\t\r\f\0 \u00a0\u2028éß²😀", "\ufeff", "\ud800", "f'{", "}'", '"""', "'''"]
PIECES += [
    "if ",
    "else",
    "for ",
    " in ",
    "def ",
    "lambda ",
    "x",
    "msg",
    "1",
    "0x",
    "\n    ",
    "\n\t",
    "not ",
    "\\N{",
    "b'",
]


@settings(PROPERTY, max_examples=250)
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_text_is_answered(text: str) -> None:
    """Any text given as rules yields diagnostics or decisions, and never a traceback."""
    answered(text)


@settings(PROPERTY, max_examples=250)
@given(mistaken())
def test_any_mistake_is_answered(text: str) -> None:
    """So does any program with mistakes, and what is still valid is decided."""
    answered(text)


# What repeats with other names or depths each time; shapes that only repeat are among the hostile programs.
BOMBS = {
    "parameters": "def f(" + ",".join(f"a{n}" for n in range(1100)) + "): pass",
    "unknown names": "".join(f"x = nnn{n}\n" for n in range(570)),
    "unknown methods": "".join(f"x = msg.nnn{n}()\n" for n in range(400)),
    "ifs in ifs": "".join(" " * depth + "if msg:\n" for depth in range(85)) + " " * 85 + "pass\n",
    "too many ifs in ifs": "".join(" " * depth + "if msg:\n" for depth in range(1300)) + " " * 1300 + "pass\n",
    "functions in functions": "".join(" " * depth + "def f():\n" for depth in range(85)) + " " * 85 + "pass\n",
    "tries in tries": "".join(" " * depth + "try:\n" for depth in range(85)) + " " * 85 + "pass\n",
    "matches in matches": "".join(
        " " * depth + ("case 1:\n" if depth % 2 else "match 1:\n") for depth in range(80)
    ) + " " * 80 + "pass\n",
    "loops in functions": "".join(
        " " * depth + ("while msg:\n" if depth % 12 else "def f():\n") for depth in range(80)
    ) + " " * 80 + "pass\n",
    "chains in iterables": "x = [a for a in [0 < len(msg) < len(msg) < 2, " * 20 + "1" + "]]" * 20,
    "lines of spaces": (" " * 900 + "\n") * 1000,
}  # fmt: skip


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_any_size_and_depth_is_answered(text: str) -> None:
    """Rules in whatever shape and size are checked within two seconds of work, and decide within two more."""

    def given_as_rules() -> list[float]:
        start = process_time()
        errors = [problem for problem in check(text) if problem.severity == "error"]
        checked = process_time()
        if not errors:
            # Making a rule set checks the rules once more.
            json.dumps(RuleSet.from_text(text).decide({"msg": "a"}).to_dict(), allow_nan=False)
        return [checked - start, process_time() - checked]

    checking, deciding = isolated(given_as_rules).value

    assert checking < 2
    assert deciding < 2 + 2


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    """More than a million characters are one diagnostic."""
    (problem,) = check("x = 1\n" * 200_000)

    assert (problem.code, problem.message) == ("too-large", "the file is longer than 1,000,000 characters")
