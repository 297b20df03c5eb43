"""Texts that nobody writes: whatever is given as rules, diagnostics come in time, in little memory, and are short."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from dispatcher import RuleSet, check
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS

# What one diagnostic repeats of a rule at the most, with message, help and the line.
MAX_TEXT = 700
# CPU seconds that only a text takes which nothing bounds; on an idle machine each takes less than two.
SECONDS = 9.0
MEGABYTES = 200

MILLION = 1_000_000


def nested(opening: str, closing: str, times: int) -> str:
    """Return something in many brackets."""
    return f"x = {opening * times}1{closing * times}\n"


def indented(line: str, times: int) -> str:
    """Return a line again and again, each deeper than the one before."""
    return "".join(" " * depth + line for depth in range(times))


REFUSED = {
    "more than a million characters": ("#" * (MILLION + 1), "too-large"),
    "a million opening brackets": ("(" * MILLION, "too-large"),
    "ten thousand nested brackets": (nested("(", ")", 10_000), "too-large"),
    "ten thousand nested lists": (nested("[", "]", 10_000), "too-large"),
    "ten thousand nested dicts": (nested("{1:", "}", 10_000), "too-large"),
    "ten thousand signs": ("x = " + "-" * 10_000 + "1\n", "too-large"),
    "ten thousand nots": ("x = " + "not " * 10_000 + "1\n", "too-large"),
    "ten thousand powers": ("x = " + "2**" * 10_000 + "2\n", "too-large"),
    "ten thousand sums": ("x = " + "1+" * 10_000 + "1\n", "too-large"),
    "ten thousand comparisons": ("x = " + "1<" * 10_000 + "1\n", "too-large"),
    "ten thousand lambdas": ("x = " + "lambda: " * 10_000 + "1\n", "too-large"),
    "ten thousand conditions": ("x = " + "1 if msg else " * 10_000 + "1\n", "too-large"),
    "ten thousand attributes": ("x = msg" + ".a" * 10_000 + "\n", "too-large"),
    "ten thousand calls": ("x = msg" + "()" * 10_000 + "\n", "too-large"),
    "ten thousand indexes": ("x = msg" + "[0]" * 10_000 + "\n", "too-large"),
    "ten thousand handlers": ("try: pass\n" + "except ValueError: pass\n" * 10_000, "too-large"),
    "a thousand names in a pattern": (
        "match msg:\n case [" + ", ".join(f"a{n}" for n in range(1_000)) + "]: pass\n",
        "too-large",
    ),
    "a thousand nested ifs": (indented("if msg:\n", 1_000) + " " * 1_000 + "x = 1\n", "too-large"),
    "a thousand nested trys": (indented("try:\n", 1_000), "too-large"),
    "an f-string with more fields than can be read": ("x = f'" + "{msg}" * 5_000 + "'\n", "invalid-literal"),
    "f-strings of many fields": ("".join(f"x{n} = f'{'{msg}' * 900}'\n" for n in range(60)), "too-large"),
    "an f-string that nests itself": ("x = f'" + "{x:" * 10_000 + "'\n", "invalid-literal"),
    "brackets in an f-string": ("x = f'{" + "(" * 10_000 + "'\n", "invalid-literal"),
    "a whole number of a million digits": ("x = " + "1" * 999_000 + "\n", "invalid-literal"),
    "a hexadecimal number of a million digits": ("x = 0x" + "f" * 999_000 + "\n", "invalid-literal"),
    "a number of underscores": ("x = 1" + "_1" * 400_000 + "\n", "invalid-literal"),
    "a name of a million letters": ("x" * MILLION, "unknown-name"),
    "a name of a million letters beyond ASCII": ("é" * 900_000 + "€" + "é" * 90_000, "unknown-character"),
    "a text without its end": ("x = '" + "a" * 999_000, "unterminated-text"),
    "escapes by the thousand": ("x = '" + "\\n" * 60_000 + "'", "too-large"),
    "a million quotes": ("'" * MILLION, "too-large"),
    "a million backslashes": ("\\" * MILLION, "too-large"),
    "a million NUL characters": ("\0" * MILLION, "unknown-character"),
    "a million byte order marks": ("\ufeff" * MILLION, "unknown-character"),
    "a million line separators": ("\u2028" * MILLION, "unknown-character"),
    "a million private characters": ("\ue000" * MILLION, "unknown-character"),
    "surrogates": ("x = \ud800\n" * 1_000, "unknown-character"),
    "a mistake in each line": ("x =\n" * 15_000, "unexpected-token"),
    "a bracket too many in each line": (")\n" * 15_000, "unmatched-bracket"),
    "unknown names that are near to thousands": (
        "".join(f"value_number_{n} = 1\n" for n in range(4_000))
        + "".join(f"x = valu_number_{n}\n" for n in range(150)),
        "unknown-name",
    ),
    "an unknown name in each line": ("".join(f"team = a{n}\n" for n in range(5_000)), "unknown-name"),
}


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_too_much_is_refused_in_time(text: str, code: str) -> None:
    """A diagnostic that says why comes within two seconds, and repeats none of the text but a few words."""
    started = time.process_time()
    problems = check(text)
    seconds = time.process_time() - started

    assert {problem.code for problem in problems if problem.severity == "error"} == {code}
    assert len(problems) <= MAX_DIAGNOSTICS
    assert max(len(f"{problem.message}{problem.help}{problem.excerpt}") for problem in problems) < MAX_TEXT
    assert seconds < SECONDS


ACCEPTED = {
    "a million spaces": " " * MILLION,
    "a million line ends": "\n" * MILLION,
    "a million carriage returns": "\r" * MILLION,
    "a million form feeds": "\f" * MILLION,
    "a comment of a million characters": "#" * MILLION,
    "a text of a million characters": "team = '" + "a" * 999_000 + "'",
    "a bracket over a million lines": "team = (" + "\n" * 999_000 + "'A')",
    "a thousand rules": "".join(f"if 'word{n}' in msg:\n    team = 'T{n}'\n" for n in range(1_000)),
    "a thousand branches": "if msg == '': team = ''\n"
    + "".join(f"elif msg == 'word{n}': team = 'T{n}'\n" for n in range(1_000)),
    "a thousand cases": "match msg:\n" + "".join(f" case 'word{n}': team = 'T{n}'\n" for n in range(1_000)),
    "a thousand alternatives": "match msg:\n case " + "|".join(f"'{n}'" for n in range(1_000)) + ": team = 'A'\n",
    "a thousand conditions": "if " + " or ".join(f"msg == 'word{n}'" for n in range(1_000)) + ": team = 'A'\n",
    "a thousand lines in a function": "def f(x):\n" + " x += 1\n" * 1_000 + " return x\nstate = f(1)\n",
    "a thousand nested texts": "team = " + "'a' " * 1_000,
    "a thousand functions": "".join(f"def f{n}(): return {n}\n" for n in range(1_000)) + "state = f7()\n",
    "as many brackets as are allowed": nested("(", ")", 90).replace("x", "state"),
    "as many signs as are allowed": "state = " + "-" * 190 + "1\n",
    "as many blocks as are allowed": indented("if msg:\n", 89) + " " * 89 + "state = 1\n",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_accepted_runs(text: str) -> None:
    """Large rules that have no errors are checked in time, and a ticket can be decided by them."""
    started = time.process_time()
    problems = check(text)
    seconds = time.process_time() - started

    assert [problem for problem in problems if problem.severity == "error"] == []
    assert seconds < SECONDS
    assert RuleSet.from_text(text).decide({"msg": "word7"}).faults == ()


@pytest.mark.parametrize(
    "title", ["a number of underscores", "a hexadecimal number of a million digits", "a million quotes"]
)
def test_reading_takes_little_memory(title: str) -> None:
    """What the reader keeps of a text is bounded, whatever the text repeats."""
    text, _ = REFUSED[title]
    check("")
    tracemalloc.start()
    check(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < MEGABYTES * 1_000_000


WARNED = {
    "deletions of what is deleted": "x = 1\ndel " + ", ".join(["x"] * 10_000) + "\n",
    "the same branch again": "if msg: pass\n" + "elif msg: pass\n" * 5_000,
    "the same key again": "customfield = {" + ", ".join(["'a': 1"] * 5_000) + "}\n",
    "characters that turn the text": "# \u202e\n" * 10_000,
}


@pytest.mark.parametrize("text", WARNED.values(), ids=WARNED)
def test_warnings_come_in_time(text: str) -> None:
    """What is odd in each of thousands of places is told for as many as are reported."""
    started = time.process_time()
    problems = check(text)
    seconds = time.process_time() - started

    assert {problem.severity for problem in problems} == {"warning"}
    assert len(problems) == MAX_DIAGNOSTICS
    assert seconds < SECONDS
