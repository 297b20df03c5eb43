"""Tests files that are written wrongly: each mistake is an error with its line, and names what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.testing.running import run_given

RULES = """\
# First
team = 'A'
count = 1

# Twice
if count: priority = 1
# Twice
if count > 1: priority = 2
"""
TEST = '[[test]]\nname = "it"\nticket = {}\n'


def problems(tests: str) -> list[tuple[int | None, str]]:
    """Return line and text of all that is wrong with a tests file."""
    report = run_given({"r.rules": RULES}, tests, {"a.json": {}, "b.ndjson": {}})
    assert report.count("error") == len(report.results) > 0
    return [(problem.line, problem.message) for result in report.results for problem in result.problems]


FILES = [
    # TOML
    ("x = [1,", [(1, "no TOML: Invalid value")]),
    ("\n\nx == 1", [(3, "no TOML: Invalid value")]),
    ("x = 1\nx = 2", [(2, "no TOML: Cannot overwrite a value")]),
    ("x = " + "[" * 3000, [(None, "the TOML nests too deep or holds a number that is too long")]),
    ("", [(None, "there is no test in it; each begins with a line `[[test]]`")]),
    (
        "[test]\nname = 'it'",
        [(None, "`test` is an array of tables; each begins with a line `[[test]]`")],
    ),
    # The top
    ("rulez = 'a'\n" + TEST + "expect = {}", [(1, "`rulez` is no key of a tests file; did you mean `rules`?")]),
    (
        "rules = 1\n" + TEST,
        [(1, '`rules` is a whole number; write the path of a rule file or a folder, such as "../my.rules"')],
    ),
    (
        "variables = ['team']\n" + TEST,
        [(1, "the variable `team` cannot be declared: the name is taken")],
    ),
    (
        "variables = [1]\n" + TEST,
        [(1, '`variables` holds a whole number; write the names of ticket keys, such as ["asset_tag"]')],
    ),
    ("timezone = 'Berlin'\n" + TEST, [(1, "there is no time zone `Berlin`; write one such as `Europe/Berlin`")]),
    ("on_fault = 'stop'\n" + TEST, [(1, '`on_fault` is "stop"; write "absent" or "refuse"')]),
    (
        "now = 2026-03-02\n" + TEST,
        [(1, "`now` is a date; write a date with a time, such as 2026-03-02T17:45:00+01:00")],
    ),
    ("[defaults]\n\nteem = 1\n" + TEST, [(3, "`teem` is no key of `defaults`; did you mean `team`?")]),
    # Tests
    (
        "[[test]]\nticket = {}\nexpect = {}",
        [(1, 'a test has a name that says what holds, such as name = "an emergency comes first"')],
    ),
    ("[[test]]\nname = 'it'", [(1, "the test has no ticket; write `ticket` for one, or `tickets` for several")]),
    (
        TEST + "tickets = []",
        [(3, "the test has both `ticket` and `tickets`; write `ticket` for one, or `tickets` for several")],
    ),
    ("[[test]]\nname = 'it'\nexpect = {}\ntickets = []", [(4, "`tickets` is empty")]),
    (
        "[[test]]\nname = 'it'\nexpect = {}\ntickets = [3]",
        [
            (
                4,
                "`tickets` holds a whole number; write the name of a file in tickets/, or the ticket itself: "
                '{ email = "...", msg = "..." }',
            )
        ],
    ),
    (TEST, [(1, "nothing is expected; write `[test.expect]`, and below it what the decision must be")]),
    (TEST + "expected = {}\nexpect = {}", [(4, "`expected` is no key of a test; did you mean `expect`?")]),
    (TEST + "expect = 3", [(4, "`expect` is a whole number; write what is expected as a table, `[test.expect]`")]),
    (
        TEST + "looked_up = { email = 'a' }\nexpect = {}",
        [(4, "`email` is no key of `looked_up`; its keys are `business_name` and `name`")],
    ),
    # What is expected
    (
        TEST + "[test.expect]\n\nprioriti = 1",
        [(6, "`prioriti` is no variable of tickets or of these rules; did you mean `priority`?")],
    ),
    (
        TEST + "[test.expect]\nconut = 1",
        [(5, "`conut` is no variable of tickets or of these rules; did you mean `count`?")],
    ),
    (
        TEST + "[test.expect]\nunchanged = ['count', 'email', 'taem']",
        [
            (
                5,
                '`count` is no ticket variable that rules can change; for a variable of the rules write unset = ["count"]',
            ),
            (
                5,
                '`email` is no ticket variable that rules can change; for a variable of the rules write unset = ["email"]',
            ),
            (5, "`taem` is no ticket variable that rules can change; did you mean `team`?"),
        ],
    ),
    (
        TEST + "[test.expect]\nunset = 'team'",
        [(5, '`unset` is a text; write the names of variables, such as ["team"]')],
    ),
    (
        TEST + "[test.expect]\nrefused = 3",
        [(5, '`refused` is a whole number; write true, a text, or { contains = "..." }')],
    ),
    (
        TEST + "[test.expect]\nrefused = ''",
        [(5, "a refusal has a text; leave `refused` out where the ticket is not refused")],
    ),
    (
        TEST + "[test.expect]\nrefused = { is = 'a' }",
        [(5, '`refused` is a table with other keys than `contains`; write true, a text, or { contains = "..." }')],
    ),
    (
        TEST + "[test.expect]\nfaults = [{ lin = 3 }, 4]",
        [
            (5, "`lin` is no key of a fault; did you mean `line`?"),
            (5, '`faults` holds a whole number; write an array such as [{ line = 9, type = "TypeError" }]'),
        ],
    ),
    (
        TEST + "[test.expect]\nfired = [5, 'Frist', 'Twice']",
        [
            (5, "`fired`: no rule begins at line 5; the nearest begin at 2 and 6"),
            (5, '`fired`: no rule is called "Frist"; did you mean `First`?'),
            (5, '`fired`: 2 rules are called "Twice"; say which: "r.rules:6", "r.rules:8"'),
        ],
    ),
    (TEST + "[test.expect]\nprints = ['a']", [(5, "`prints` is an array; write what the rules print, as a text")]),
    (
        TEST + "[test.expect]\nnote_contains = [1]",
        [(5, "`note_contains` holds a whole number; write a text, or an array of texts")],
    ),
    # Tickets
    (
        "[[test]]\nname = 'it'\nticket = 'a.jsn'\nexpect = {}",
        [(1, "a.jsn: no ticket of this name comes with the tests; did you mean `a.json`?")],
    ),
]


@pytest.mark.parametrize(("tests", "expected"), FILES)
def test_mistakes_are_named_with_their_lines(tests: str, expected: list[tuple[int, str]]) -> None:
    """What is wrong in a tests file is told with its line, and the test in question is not run."""
    assert problems(tests) == expected


def test_a_mistake_in_one_test_leaves_the_others() -> None:
    """Only the test with the mistake is an error; each has the line at which it begins."""
    report = run_given({"r.rules": RULES}, f"{TEST}expect = {{}}\n\n{TEST}expect = 3\n\n{TEST}expect = {{}}", {})
    assert [(result.line, result.outcome) for result in report.results] == [(1, "pass"), (6, "error"), (11, "pass")]


MANY = "\n".join(f"key{number} = 1" for number in range(20_000))
BEGUN = '[[test]]\nname = "it"\nticket = {}\n[test.expect]\n'


@pytest.mark.parametrize("tests", [MANY, BEGUN + MANY, f"{BEGUN}fired = [{'1234, ' * 20_000}]"])
def test_many_mistakes_are_told_in_part(tests: str) -> None:
    """The first ones are, without looking for the others."""
    found = problems(tests)
    assert len(found) == 1 if "fired" in tests else len(found) == 21
    assert "fired" in tests or found[-1] == (None, "what else is wrong is not told")


def test_keys_of_very_many_parts_are_refused() -> None:
    """Reading them takes the square of their number."""
    assert problems("\n" + "a." * 50_000 + "a = 1") == [(2, "a key of the file has too many parts")]


def test_a_line_is_what_toml_takes_for_one() -> None:
    """Other line ends, and a mark of the byte order, change no number."""
    tests = '\ufeff[[test]]\r\nname = "a\u2028b\u0085c"\r\nticket = {}\r\n[test.expect]\r\nteem = 1\r\n'
    assert problems(tests) == [(5, "`teem` is no variable of tickets or of these rules; did you mean `team`?")]


def test_a_line_that_is_not_sure_is_not_told() -> None:
    """Where a text holds what looks like the beginning of a test, no test is given a wrong line."""
    report = run_given({"r.rules": RULES}, TEST + "[test.expect]\nmsg = '''\n[[test]]\n'''\n", {})
    assert [(result.line, result.outcome) for result in report.results] == [(None, "fail")]


def test_what_is_wrong_for_all_tickets_is_told_once() -> None:
    """A mistake in what a test says of several tickets is one mistake."""
    found = problems("[[test]]\nname = 'it'\ntickets = [{}, {}, {}]\nexpect = { prioriti = 1 }")
    assert found == [(4, "`prioriti` is no variable of tickets or of these rules; did you mean `priority`?")]


# --- whatever is written

KEYS = ("test", "name", "ticket", "tickets", "now", "looked_up", "expect", "rules", "variables", "defaults", "on_fault")
EXPECTED = (
    "timezone",
    "unchanged",
    "unset",
    "refused",
    "faults",
    "fired",
    "prints",
    "note_contains",
    "team",
    "contains",
)
ATOMS = st.sampled_from(
    (
        "1",
        "-2.5",
        "nan",
        "true",
        '""',
        '"a.json"',
        '"team"',
        '"First"',
        "2026-03-02",
        "07:30:00",
        "2026-03-02T09:00:00",
        "[]",
        "{}",
    )
)


def table(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return texts of inline tables."""
    pairs = st.dictionaries(st.sampled_from(KEYS + EXPECTED), values, max_size=5)
    return pairs.map(lambda found: "{" + ", ".join(f"{key} = {value}" for key, value in found.items()) + "}")


VALUES: Any = st.recursive(
    ATOMS,
    lambda inner: table(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS + EXPECTED), VALUES, max_size=6).map(
    lambda found: "".join(f"{key} = {value}\n" for key, value in found.items())
)
TESTS = st.lists(DOCUMENTS, max_size=3).map(lambda found: "".join(f"[[test]]\n{document}" for document in found))


@settings(max_examples=150, deadline=None)
@given(st.builds(str.__add__, DOCUMENTS, TESTS) | st.text(max_size=60))
def test_any_text_gives_results(text: str) -> None:
    """Whatever a tests file holds, there are results and never another exception."""
    report = run_given({"r.rules": RULES}, text, {"a.json": {"msg": "x"}}, coverage=True)
    assert report.to_dict()["tests"] == len(report.results) > 0
