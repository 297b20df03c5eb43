"""Regular expressions of rules mean what they mean to CPython, and none can run long or grow big."""

from __future__ import annotations

import inspect
import re
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.regex import FLAGS, Match, Pattern, RegexError, compile_pattern, escape
from dispatcher.lang.regex.charset import kind_of, one_character
from dispatcher.lang.regex.measure import MeasuredText, Runs
from dispatcher.lang.regex.nodes import One, Text
from dispatcher.lang.regex.program import Program
from dispatcher.lang.regex.reader import read
from dispatcher.lang.regex.sre import parse
from dispatcher.lang.regex.task import Engine, Task

ENGINES = (Engine.EITHER, Engine.OURS)
AMPLE = Limits(steps=1_000_000, memory=1 << 40)


def program_of(pattern: Pattern) -> Program:
    """Return what runs a pattern."""
    return pattern._program


def outcome(call: Callable[[], Any]) -> Any:
    """Return the value of a call, or the type and text of its exception."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - any exception is an outcome
        return type(error), str(error)


def seen(match: Any) -> Any:
    """Return all that a match object tells, ours or CPython's."""
    if match is None:
        return None
    spans = [match.span(group) for group in range(len(match.groups()) + 1)]
    return (
        match.group(),
        match.groups(),
        match.groupdict("-"),
        spans,
        match.lastindex,
        match.lastgroup,
        match.pos,
        match.endpos,
        repr(match),
    )


def answers(pattern: Any, before: tuple[Any, ...], text: str, pos: int, endpos: int, count: int) -> dict[str, Any]:
    """Return what each method of a pattern makes of a text; `before` is what its methods take first."""
    place = (text, pos, endpos)
    calls: dict[str, Callable[[], Any]] = {
        "search": lambda: seen(pattern.search(*before, *place)),
        "match": lambda: seen(pattern.match(*before, *place)),
        "fullmatch": lambda: seen(pattern.fullmatch(*before, *place)),
        "fullmatch of all": lambda: seen(pattern.fullmatch(*before, text)),
        "findall": lambda: pattern.findall(*before, *place),
        "finditer": lambda: [seen(match) for match in pattern.finditer(*before, *place)],
        "split": lambda: pattern.split(*before, text, count),
        "subn": lambda: pattern.subn(*before, r"<\g<0>\n>", text, count),
        "sub": lambda: pattern.sub(*before, lambda match: f"{match.lastindex}{match[0]}", text),
    }
    return {name: outcome(call) for name, call in calls.items()}


def assert_same(source: str, flags: int, text: str, pos: int = 0, endpos: int = sys.maxsize, count: int = 0) -> None:
    """Compare both engines with CPython; a pattern that runs long on ours would run long there."""
    meter = Meter(AMPLE)
    try:
        ours = [outcome(lambda: compile_pattern(meter, source, flags, engine)) for engine in ENGINES]  # noqa: B023
        results = [
            answers(pattern, (meter,), text, pos, endpos, count) if isinstance(pattern, Pattern) else pattern
            for pattern in ours
        ]
    except LimitExceeded:
        assume(False)
    theirs = outcome(lambda: re.compile(source, flags))
    if not isinstance(theirs, re.Pattern):
        assert results == [theirs, theirs]
        return
    expected = answers(theirs, (), text, pos, endpos, count)
    assert results == [expected, expected]
    for pattern in ours:
        assert (repr(pattern), pattern.flags, pattern.groups) == (repr(theirs), theirs.flags, theirs.groups)
        assert pattern.groupindex == theirs.groupindex


# Patterns whose meaning CPython's engine makes peculiar, or that two engines easily take differently.
PECULIAR = [
    r"(?:(a)|b)*",
    r"(?:(a)|(b)|c)*?c",
    r"(a)|b",
    r"(?:(?=(a))a|(?=(b))b)*",
    r"(?!(a)b)a(b)?",
    r"(?:(a)(?!b)|(a)b)+",
    r"((x)|y|z)*+",
    r"(?:(x)|y|z){3}+",
    r"(a?)*?b",
    r"(a?)*b",
    r"(a*)*",
    r"(a*)+",
    r"(?:a?)*+",
    r"(|a)++b?",
    r"(?:a|ab){2}c",
    r"(?:a|ab){2,3}?c",
    r"()\1",
    r"(?=(?:a|b)*(c))(?:a|(b))*",
    r"(?:(?>(?:a|b)*?c)|(a))+",
    r"(?:a*?)*?b",
    r"(|a)*",
    r"(|a)+",
    r"(a|ab)(c|bcd)(d*)",
    r"(a+|b+)*c",
    r"(a)(?(1)b|c)",
    r"(?:(a)|b)(?(1)b|c)",
    r"(?(1)b|c)(a)?",
    r"(a)?(?(1)|b)c",
    r"(.)\1",
    r"(?i)(.)\1",
    r"(?i:(.))\1",
    r"(a)(?i:\1)",
    r"(?ai)(.)\1",
    r"(?:(a|b)\1)+",
    r"(?<=(a))b\1?",
    r"(?<!a)b",
    r"(?<=a|b)c",
    r"(?<=^a)b",
    r"(?>a+)ab",
    r"(?>a|ab)c",
    r"(?>(a)|(b))*",
    r"a++a",
    r"(?:ab)++",
    r"(?:a|ab)?+c",
    r"x{0}",
    r"(a){0}b\1?",
    r"(a{2}){2}",
    r"(?:a{0,2}){2}?b",
    r"^",
    r"$",
    r"\Z",
    r"\b",
    r"\B",
    r"(?m)^",
    r"(?m)$",
    r"(?m)^.*$",
    r"(?s).*",
    r"(?sm).$",
    r"(?a:[^\w])",
    r"(?a:\w)b?",
    r"(?u:\w)",
    r"(?x) a  b # comment",
    r"(?P<first>a)(?P<second>b)?",
    r"(?P<x>a)(?P=x)",
    r"[]a]",
    r"[^]a]",
    r"[a\-z]",
    r"[\w-]",
    r"(?i)k",
    r"(?i)[k]",
    r"(?i)[^k]",
    r"(?i)ſ",
    r"(?i)s+",
    r"(?i)[a-z]+",
    r"(?i)µ",
    r"(?i)\u1e9b",
    r"(?i)İ",
    r"(?i)ß",
    r"\u0131(?i:i)",
    r"[\U00010400-\U00010450]",
    r"(?i)[\U00010400-\U00010427]",
    r"\N{LATIN SMALL LETTER A}",
    r"\141\x62\07",
    "\ud800",
    "",
]
TEXTS = [
    "",
    "a",
    "ab",
    "aab",
    "abab",
    "abc",
    "abac",
    "xyz",
    "abcd",
    "aAbB",
    "a\nb\n",
    "kK\u212a sSſ",
    "µμΜ ẛṡ iıİI ßẞ",
    "aa bb\ud800",
    "𐐀𐐨 𐑎",
]


@pytest.mark.parametrize("source", PECULIAR)
def test_peculiar_patterns_mean_what_they_mean_to_cpython(source: str) -> None:
    """Both engines give CPython's answer for every method, place and flag tried."""
    for flags in (0, re.IGNORECASE, re.ASCII) if "(?a" not in source and "(?u" not in source else (0,):
        for text in TEXTS:
            assert_same(source, flags, text)
    for pos, endpos in ((1, 3), (3, 1), (-2, 2), (2, -2), (9, 9)):
        assert_same(source, 0, "aabab", pos, endpos, count=1)
    assert_same(source, re.MULTILINE | re.DOTALL, "ab\nab\n", count=-1)


WRONG = [
    *(
        "(",
        ")",
        "a**",
        "*a",
        "a{2,1}",
        "[",
        "[b-a]",
        "(?P<1>a)",
        "(?P<a>.)(?P<a>.)",
        r"\1",
        r"(a\1)",
        r"\8",
        r"(?(9)a)",
    ),
    *("(?<=a+)", "(?<=(?:a|bc))", r"\q", "\\", "(?z)", "a(?i)", "(?L)a", "(?au)a", "(?i-i:a)", r"\x1", r"\N{no such}"),
    *("a{99999999999}", "(?P=a)", "(?P", "(?#", "(?(a)b)", "[a", r"[\d-a]", "(?<!a*)", "a{5000000000}", r"(?<=(a)\1)"),
]


@pytest.mark.parametrize("source", WRONG)
def test_wrong_patterns_are_refused_in_cpythons_words(source: str) -> None:
    """What CPython does not compile, we do not compile either: same exception, same text, same place."""
    with pytest.raises((RegexError, ValueError, OverflowError, RecursionError)) as expected:
        re.compile(source)

    with pytest.raises(expected.type) as ours:
        compile_pattern(Meter(Limits()), source)

    assert str(ours.value) == str(expected.value)
    assert getattr(ours.value, "pos", None) == getattr(expected.value, "pos", None)


@pytest.mark.parametrize(
    "arguments",
    [(None,), (5,), ("a", "x"), ("a", None), ("a", re.LOCALE), ("a", re.ASCII | re.UNICODE), ("a", 1 << 40)],
    ids=repr,
)
def test_wrong_arguments_of_compile_are_refused_in_cpythons_words(arguments: tuple[Any, ...]) -> None:
    """The exception is CPython's."""
    assert outcome(lambda: compile_pattern(Meter(Limits()), *arguments)) == outcome(lambda: re.compile(*arguments))


def test_bytes_and_the_debug_flag_are_refused() -> None:
    """Patterns are text, and nothing is printed."""
    meter = Meter(Limits())

    assert outcome(lambda: compile_pattern(meter, b"a")) == (
        TypeError,
        "first argument must be string or compiled pattern",
    )
    assert outcome(lambda: compile_pattern(meter, "a", re.DEBUG)) == (
        ValueError,
        "the flag re.DEBUG is not for rules: it prints how a pattern is compiled",
    )


def test_a_compiled_pattern_is_taken_as_it_is() -> None:
    """Compiling a pattern again returns it, unless flags are added."""
    meter = Meter(Limits())
    pattern = compile_pattern(meter, "a")

    assert compile_pattern(meter, pattern) is pattern
    assert outcome(lambda: compile_pattern(meter, pattern, re.I)) == outcome(lambda: re.compile(re.compile("a"), re.I))


CALLS: list[Callable[..., Any]] = [
    lambda pattern, *meter: pattern.search(*meter, None),
    lambda pattern, *meter: pattern.search(*meter, b"a"),
    lambda pattern, *meter: pattern.search(*meter, "a", "x"),
    lambda pattern, *meter: pattern.search(*meter, "a", 0, None),
    lambda pattern, *meter: pattern.search(*meter, "a", 1 << 80),
    lambda pattern, *meter: seen(pattern.search(*meter, string="xab", pos=True, endpos=3)),
    lambda pattern, *meter: pattern.findall(*meter, 5),
    lambda pattern, *meter: pattern.finditer(*meter, 5),
    lambda pattern, *meter: pattern.split(*meter, "aba", maxsplit=1.0),
    lambda pattern, *meter: pattern.split(*meter, string="aba", maxsplit=1),
    lambda pattern, *meter: pattern.split(*meter, None),
    lambda pattern, *meter: pattern.sub(*meter, 5, "a"),
    lambda pattern, *meter: pattern.sub(*meter, [], "a"),
    lambda pattern, *meter: pattern.sub(*meter, "b", 5),
    lambda pattern, *meter: pattern.sub(*meter, "b", "ab", "x"),
    lambda pattern, *meter: pattern.sub(*meter, b"b", "xab"),
    lambda pattern, *meter: pattern.sub(*meter, b"b", "x"),
    lambda pattern, *meter: pattern.sub(*meter, lambda match: None, "xab"),
    lambda pattern, *meter: pattern.sub(*meter, lambda match: 5, "xab"),
    lambda pattern, *meter: pattern.sub(*meter, lambda match: seen(match)[-1], "xab"),
    lambda pattern, *meter: pattern.sub(*meter, repl="-", string="abab", count=1),
    lambda pattern, *meter: pattern.subn(*meter, "", "abab"),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("call", CALLS)
def test_arguments_of_methods_are_taken_as_cpython_takes_them(call: Callable[..., Any], engine: Engine) -> None:
    """Right arguments by place and name work alike, wrong ones raise the same."""
    meter = Meter(Limits())

    assert outcome(lambda: call(compile_pattern(meter, "a(b)?", 0, engine), meter)) == outcome(
        lambda: call(re.compile("a(b)?"))
    )


TEMPLATES = [
    *(
        "",
        "x",
        r"\1",
        r"\2",
        r"[\g<1>|\g<n>|\g<0>]",
        r"\n\t\\",
        r"\0\07\101",
        r"\3",
        r"\g<3>",
        r"\g<m>",
        r"\g<",
        r"\g<1",
    ),
    *(r"\q", "\\", r"\g<-1>", r"\g<1a>", r"\g<>", r"\400", r"\119", r"\g<99999999999>", "é\\1ſ", r"\g<n>" * 3),
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("engine", ENGINES)
def test_templates_mean_what_they_mean_to_cpython(template: str, engine: Engine) -> None:
    """`sub` and `expand` fill in groups and escapes, and refuse the same."""
    meter = Meter(Limits())
    ours, theirs = compile_pattern(meter, "(a)(?P<n>b)?", 0, engine), re.compile("(a)(?P<n>b)?")
    match, their_match = ours.search(meter, "xab"), theirs.search("xab")
    assert match is not None
    assert their_match is not None

    assert outcome(lambda: ours.sub(meter, template, "xabxa")) == outcome(lambda: theirs.sub(template, "xabxa"))
    assert outcome(lambda: match.expand(template)) == outcome(lambda: their_match.expand(template))


@pytest.mark.parametrize("source", ["a(b)?(?P<n>c)?", "a(b)?(c)?"])
@pytest.mark.parametrize("group", [0, 1, 2, 3, -1, True, "n", "m", None, 1.0, [], 1 << 80], ids=repr)
def test_groups_are_found_as_cpython_finds_them(source: str, group: Any) -> None:
    """A group is named by number or name, in each way to ask for it."""
    match = compile_pattern(Meter(Limits()), source).search(Meter(Limits()), "xac")
    theirs = re.search(source, "xac")
    assert match is not None
    assert theirs is not None

    for name in ("group", "start", "end", "span", "__getitem__"):
        assert outcome(lambda: getattr(match, name)(group)) == outcome(lambda: getattr(theirs, name)(group))  # noqa: B023
    assert outcome(lambda: match.group(0, group)) == outcome(lambda: theirs.group(0, group))
    assert match.groups("-") == theirs.groups("-")
    assert match.groupdict() == theirs.groupdict()


def test_long_matches_and_patterns_are_shown_as_cpython_shows_them() -> None:
    """The repr of a match or a pattern is cut where CPython cuts it, with the quotes that it chooses."""
    for text in ("a" * 80, "a" * 80 + "'", "'" + "a" * 80 + '"', "'a" * 40, 'a"' * 25, "é\n" * 40):
        pattern = compile_pattern(Meter(Limits()), "(?s).*")

        assert repr(pattern.match(Meter(Limits()), text)) == repr(re.match("(?s).*", text))
        assert repr(compile_pattern(Meter(Limits()), text * 4, re.I | re.X | 1024)) == repr(
            re.compile(text * 4, re.I | re.X | 1024)
        )


def test_patterns_compare_by_text_and_flags() -> None:
    """Equal patterns are equal keys."""
    first, second, other = (compile_pattern(Meter(Limits()), source) for source in ("a", "(?u)a"[4:], "b"))

    assert first == second
    assert hash(first) == hash(second)
    assert first != other
    assert first != compile_pattern(Meter(Limits()), "a", re.I)
    assert first != re.compile("a")


def test_only_documented_names_are_public() -> None:
    """Patterns and matches have no public name that CPython's lack, and hold nothing of CPython's in one."""
    for ours, theirs in ((Pattern, re.Pattern), (Match, re.Match)):
        assert {name for name in dir(ours) if not name.startswith("_")} <= set(dir(theirs))
    match = compile_pattern(Meter(Limits()), "(?P<n>a)").match(Meter(Limits()), "a")
    assert match is not None
    assert isinstance(match.re, Pattern)
    assert {name: FLAGS[name] for name in ("I", "MULTILINE")} == {"I": re.I, "MULTILINE": re.M}


def test_escape_is_cpythons() -> None:
    """Text is escaped as CPython escapes it, and only text."""
    text = "".join(map(chr, range(300)))

    assert escape(Meter(Limits()), text) == re.escape(text)
    assert outcome(lambda: escape(Meter(Limits()), 5)) == outcome(lambda: re.escape(5))  # type: ignore[type-var]
    assert outcome(lambda: escape(Meter(Limits()), b"a")) == (
        TypeError,
        "regular expressions of rules are text, not bytes",
    )


def test_what_cpython_warns_about_is_quiet() -> None:
    """A rule's pattern raises no warning, even where warnings are errors."""
    sources = ["[[a]", "[a-c--d]", "[a||b]", "[a&&b]", "[a~~b]"]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [compile_pattern(Meter(Limits()), source).pattern for source in sources] == sources


# --- differential tests

ATOMS = st.sampled_from(
    [
        *(
            "a",
            "b",
            "c",
            "ab",
            ".",
            "",
            "s",
            "k",
            "é",
            "ſ",
            " ",
            "_",
            "1",
            "[ab]",
            "[^a]",
            "[a-c]",
            "[^\\w]",
            "[\\n b]",
        ),
        *("\\w", "\\W", "\\s", "\\d", "\\b", "\\B", "^", "$", "\\A", "\\Z", "a*", "b+?", ".*", "\\w+", "\\1", "\\2"),
    ]
)
QUANTIFIERS = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}", "{,3}", "{0}"])
FRAMES = st.sampled_from(
    [
        *("(?:{})", "({})", "({})", "(?:{}|)", "(?={})", "(?!{})", "(?<={})", "(?<!{})", "(?>{})"),
        *("(?i:{})", "(?s-i:{})", "(?m:{})", "(?a:{})", "(?P<n>{})", "(?(1){})"),
    ]
)
FORKS = st.sampled_from(["(?:{}|{})", "({}|{})", "(?:|{}|{})", "(?(1){}|{})", "{}{}", "{}{}"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(str.format, FORKS, inner, inner),
        st.builds(str.format, FRAMES, inner),
        st.builds("{}{}{}".format, inner.map("({})".format), QUANTIFIERS, st.sampled_from(["", "?", "+"])),
        st.builds("{}{}{}".format, inner.map("(?:{})".format), QUANTIFIERS, st.sampled_from(["", "?", "+"])),
    )


PATTERNS = st.recursive(ATOMS, _larger, max_leaves=8)
FLAG_SETS = st.sets(st.sampled_from([re.I, re.M, re.S, re.A, re.X])).map(lambda flags: sum(flags, 0))
PLACES = st.sampled_from([0, 0, 0, 1, 3, -1, 20])
ENDS = st.sampled_from([99, 99, 99, 5, 2, 0, -1])
COUNTS = st.sampled_from([0, 0, 1, 2, -1])


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(PATTERNS, FLAG_SETS, st.text("aabbcABsSkK 1_é\nſµ", max_size=10), PLACES, ENDS, COUNTS)
def test_any_pattern_means_what_it_means_to_cpython(
    source: str, flags: int, text: str, pos: int, endpos: int, count: int
) -> None:
    """Both engines agree with CPython on all methods: values, captures, exceptions and their texts."""
    assert_same(source, flags, text, pos, endpos, count)


def assert_covered(source: str, text: str, task: Task) -> None:
    """Compare the bound, if there is one, with the steps of our own engine, which takes the same ways as CPython's."""
    meter = Meter(Limits(steps=2_000_000))
    program = program_of(compile_pattern(meter, source, 0, Engine.OURS))
    bound = program._bound(None, task, MeasuredText(meter, text, 0, len(text)))
    if bound is None:
        return
    before = meter.steps
    try:
        if task is Task.SCAN:
            list(program.scan(meter, text, 0, len(text)))
        else:
            program.find(meter, task, text, 0, len(text))
    except (LimitExceeded, SystemError):
        pass
    assert before - meter.steps <= 50 * (bound[0] + 100)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.text("aab ,\n", min_size=20, max_size=120), st.sampled_from(list(Task)))
def test_the_bound_covers_the_work_of_any_pattern(source: str, text: str, task: Task) -> None:
    """Where the analysis finds a bound, backtracking stays in proportion to it."""
    try:
        assert_covered(source, text, task)
    except RegexError:
        assume(False)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (("(?:a?|b?)" * 8 + ".") * 2 + "x", "z" * 60),
        ("(?:.|a)" * 14 + "x", "a" * 60),
        ("(?:.a|aa)*x", "a" * 60),
        (r"(?:\w+\s?)*x", "a" * 30),
        (r"(?:\w+,?)+x", "a" * 30),
        (r"(?:\w{1,2},)*x", "aa," * 400),
        ("(?:a,|b(?:a|aa)*)*x", "ba" * 200),
        ("a*b*" + "(?:.|z)" * 10 + "x", "z" * 60),
        ("(?:a|ab|b){0,8}" * 2 + "x", "ab" * 30),
        ("a{2,40}a{2,40}a{2,40}x", "a" * 80),
        (r"(a*)\1a*\1x", "a" * 60),
        ("(?:a?){8}" * 3 + "x", "a" * 40),
        ("(?=(?:a|b?)*)x|(?:a*)(?=a*x)", "a" * 200),
        ("(?<=a)a*(?<=a)a*x", "a" * 200),
        (".*.*x", "a" * 200),
        (r"^(?:(?:a?)|(?:b?))(?:(?:a?)|(?:b?))a*x", "a" * 200),
        (r"(?m)^.*$\n?^.*x", "a\n" * 100),
        (r"a(?:\w+,)*", "a" * 300),
        (r"(?:a(?:,b*)*;)*", "a,b,bb,bbb" * 40),
        (r"(?:\w+ )*+x", "ab " * 100),
        (r"(?:(?:a|aa)b)*+x", "aab" * 100),
        ("(?:a+|b)" * 4 + "x", "a" * 60),
        ("(?:(?:ab?)*b)*x", "abb" * 12),
        ("(?:[а-я]+[а-я ]?)*x", "абв" * 10),
        ("a" + "b?" * 40, "a" * 500),
        (r"a(?:\w+[,;])*", "a" * 600),
    ],
)
@pytest.mark.parametrize("task", list(Task))
def test_the_bound_covers_the_ways_that_fork(source: str, text: str, task: Task) -> None:
    """Forks of each kind, and what looks like one and is none, are counted in full."""
    assert_covered(source, text, task)


@example("aaaa", "aa", 0, 4)
@given(st.text("ab c", max_size=60), st.text("ab", min_size=1, max_size=20), st.integers(0, 60), st.integers(0, 60))
def test_texts_are_measured_in_full(text: str, part: str, start: int, end: int) -> None:
    """Runs are what they are, and no occurrence is overlooked."""
    measured = MeasuredText(Meter(Limits()), text, start, end)
    lengths = [len(run) for run in re.findall("[ab]+", text[start:end])]

    assert measured.runs(one_character("a") | one_character("b")) == Runs(
        max(lengths, default=0), sum(lengths), sum(length * (length + 1) // 2 for length in lengths)
    )
    assert measured.occurrences(part) >= sum(text.startswith(part, at, end) for at in range(start, len(text)))


@pytest.mark.parametrize(
    "source",
    [
        *(
            "k",
            "[k-m]",
            "[^k]",
            r"\w",
            r"[^\w]",
            r"[\Wk]",
            r"[^\s]",
            r"[\D5]",
            ".",
            "[\u0100-\u0120]",
            "[^\u0100-\uffff]",
        ),
        *("µ", "ſ", "[ſx]", "\u0345", "İ", "[i]", "[\x80-\u0101]", "[\U00010400-\U00010410]", r"[^\d\s]", "Ÿ"),
    ],
)
@pytest.mark.parametrize("flags", [0, re.I, re.A, re.I | re.A, re.S])
def test_character_sets_hold_what_cpython_accepts(source: str, flags: int) -> None:
    """A set of the analysis is exact below U+0100 and claims at least CPython's characters above."""
    parsed = parse(source, flags)
    [node] = read(parsed)
    charset = node.unit.charset if isinstance(node, One) else None
    theirs = re.compile(source, flags)
    for code in (*range(256), *range(256, 0x3000, 7), 0x131, 0x17F, 0x212A, 0x345, 0x3B9, 0x10400, 0x10428):
        accepted = theirs.match(chr(code)) is not None
        if charset is None:
            assert isinstance(node, Text)
            assert accepted == (chr(code) == node.text)
        elif code < 256:
            assert accepted == bool(charset.latin >> code & 1)
        else:
            assert not accepted or charset.kinds & kind_of(chr(code))


# --- nothing runs long

# CPU seconds that only a search takes which the meter does not hold.
HANG = 9

CATASTROPHES = [
    ("(a+)+$", "a" * 100_000 + "b"),
    ("(a|a)*b", "a" * 100_000),
    ("(.*)*x", "a" * 100_000),
    ("(x+x+)+y", "x" * 100_000),
    (r"^(\w+\s?)*$", "word " * 20_000 + "!"),
    (r"(?=(?:(?=(a+)+b)a)*c)", "a" * 100_000),
    ("(?:(?!(?:a|aa)+b)a)*c", "a" * 100_000),
    (r"(a*)(a*)(a*)\3\2\1b", "a" * 100_000),
    (r"(a+)\1*\1+b", "a" * 100_000),
    (r"(?i)(a+)\1*\1+b", "aA" * 50_000),
    ("(?:(?:a*)*)*b", "a" * 1_000),
    ("((a{0,50}){0,50}){0,50}b", "a" * 1_000),
    ("(?:){100000000}", ""),
    ("(?:a?){1000000}b", "a" * 1_000),
    ("(?:(?:x?){1000}){1000}", ""),
    ("(.*?,){11}P", "a," * 50_000),
    ("(?>(?:a|a)*)*+b|(a|a)+c", "a" * 100_000),
    ("a*a*a*a*a*b", "a" * 100_000),
    (r"\s+$", " " * 100_000 + "x"),
    ("<[^>]+>", "<" * 100_000),
]


@pytest.mark.parametrize(("source", "text"), CATASTROPHES)
def test_catastrophes_end_in_the_budget(source: str, text: str) -> None:
    """A search that would go on for ever is stopped by its meter, after work in proportion to the steps."""
    meter = Meter(Limits())
    pattern = compile_pattern(meter, source)
    begun = time.thread_time()

    with pytest.raises(LimitExceeded, match="the rule takes more than 1,000,000 steps"):
        pattern.search(meter, text)

    # A million steps stand for a tenth of a second; machines under test are slow and busy.
    assert time.thread_time() - begun < HANG


@pytest.mark.parametrize(("source", "text"), CATASTROPHES)
@pytest.mark.parametrize("method", ["match", "fullmatch", "findall", "split"])
def test_catastrophes_end_whatever_is_asked(source: str, text: str, method: str) -> None:
    """All methods end: with an answer, which one attempt may find, or in the budget."""
    meter = Meter(Limits(steps=100_000))
    pattern = compile_pattern(meter, source)
    begun = time.thread_time()
    try:
        getattr(pattern, method)(meter, text)
    except LimitExceeded:
        assert meter.steps < 0
    assert time.thread_time() - begun < HANG


EVERYDAY = [
    r"\d+",
    r"(\w+)@(\w+\.\w+)",
    r"^\s*ticket\s*#?(\d+)",
    r"\b(urgent|asap)\b",
    r"(?i)\b(urgent|asap|critical)\b",
    r"[A-Z]{2,}-\d+",
    r"error:?\s+(.*)",
    r"https?://\S+",
    r"<[^>]+>",
    r"(?m)^From:.*$",
    r"(?m)^>.*\n?",
    r"password.*(reset|expired)",
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
    r"\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}",
    r"(?:can.t|cannot|unable to)\s+(?:log|sign)\s*in",
    r"error\s+(?:code\s+)?(0x[0-9a-fA-F]+)",
    r"(\w+)\s+\1\b",
    r"(?:^|\s)#(\w+)",
    r"^(?:Re|Fwd?):\s*",
    r"\[.*?\]",
    r"\s+",
    r"[^\w\s]",
    r"\n{3,}",
    r"(\w+)(?:,\s*(\w+))*",
]
MESSAGE = (
    "Dear help desk,\n\nthe printer in room 12 (FIN-0042) prints nothing since Monday 09:15. Error: code 0x80070005, "
    "see <b>http://intranet/printers?x=1</b>.\n> On Friday it worked, worked for everybody.\nCall 555-123-4567 or "
    "write to Dan Jump <dan@example.com>, [cc: help].\nFrom: Dan\n10.0.0.17\n"
)


@pytest.mark.parametrize("source", EVERYDAY)
def test_everyday_patterns_run_on_cpythons_engine(source: str) -> None:
    """On a message of 100 kB the bound lets CPython search, and a quarter of the budget pays for it."""
    text = (MESSAGE * 300)[:100_000]
    meter = Meter(Limits())
    pattern = compile_pattern(Meter(Limits()), source)

    assert program_of(pattern)._may_run_natively(meter, Task.SEARCH, text, 0, len(text))
    assert meter.steps > 750_000
    assert pattern.findall(Meter(Limits(steps=10_000_000)), text) == re.findall(source, text)


def test_short_messages_cost_little() -> None:
    """All everyday patterns together, compiled and searched in one message, take a tenth of the budget."""
    meter = Meter(Limits())
    for source in EVERYDAY:
        compile_pattern(meter, source).search(meter, MESSAGE)

    assert meter.steps > 900_000


@pytest.mark.parametrize(
    ("source", "text"), [("(a|b)*", "ab" * 50_000), ("(?:(a)|b)*?$", "ab" * 30_000), ("(?:a|b)*+", "ab" * 30_000)]
)
def test_long_texts_need_no_recursion(source: str, text: str) -> None:
    """A round for each of 100,000 characters gives CPython's match on our engine, within a limited stack of Python."""
    pattern = compile_pattern(Meter(Limits()), source, 0, Engine.OURS)
    match = pattern.match(Meter(Limits(steps=100_000_000)), text)
    theirs = re.match(source, text)

    assert seen(match) == seen(theirs)


def test_the_stack_is_paid_in_memory() -> None:
    """A deep match is stopped when its frames need more than the memory of the evaluation."""
    limits = Limits(steps=100_000_000, memory=4 * 1024 * 1024)
    pattern = compile_pattern(Meter(limits), "(?:a|b(?!b))*", 0, Engine.OURS)

    with pytest.raises(LimitExceeded, match="holds more than 4 MiB"):
        pattern.match(Meter(limits), "ab" * 50_000)


@pytest.mark.parametrize(
    ("repl", "text", "reason"),
    [
        (r"\g<0>" * 100, "a" * 100_000, "a text would be longer than 4,000,000 characters"),
        ("x" * 60, "b" * 100_000, "a text would be longer than 4,000,000 characters"),
        (lambda match: "x" * 5_000_000, "b", "a text would be longer than 4,000,000 characters"),
    ],
)
def test_results_are_paid_before_they_are_made(repl: Any, text: str, reason: str) -> None:
    """A replacement that would make too much text is refused."""
    meter = Meter(Limits(steps=100_000_000))
    pattern = compile_pattern(meter, "a+|b")

    with pytest.raises(LimitExceeded, match=reason):
        pattern.sub(meter, repl, text)


def test_many_matches_are_paid_each() -> None:
    """Lists of matches are stopped by steps and by the number of items."""
    pattern = compile_pattern(Meter(Limits()), "")

    for call in (pattern.findall, pattern.split, lambda meter, text: list(pattern.finditer(meter, text))):
        with pytest.raises(LimitExceeded, match="takes more than"):
            call(Meter(Limits(steps=100_000)), "a" * 100_000)
    with pytest.raises(LimitExceeded, match="a collection would have more than 50 items"):
        pattern.findall(Meter(Limits(items=50)), "a" * 100)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a" * 10_001, "a regular expression would be longer than 10,000 characters"),
        ("(" * 31 + ")" * 31, "groups of a regular expression would nest more than 30 deep"),
        ("(?:" * 2_000 + ")" * 2_000, "groups of a regular expression would nest more than 30 deep"),
        ("(?x)# [ \n" + "(" * 60 + ")" * 60, "groups of a regular expression would nest more than 30 deep"),
        ("[)]" * 60 + "(" * 31, "groups of a regular expression would nest more than 30 deep"),
        ("".join(f"[a-{chr(0xF000 + i)}]" for i in range(50)), "the rule takes more than 1,000,000 steps"),
    ],
)
def test_huge_patterns_are_refused(source: str, reason: str) -> None:
    """Length, nesting and the size of sets are bounded before CPython's parser and compiler see them."""
    with pytest.raises(LimitExceeded, match=reason):
        compile_pattern(Meter(Limits()), source)


def test_no_recursion_error_leaves_compile() -> None:
    """Where the stack of Python is nearly full, a pattern is too much rather than a crash."""

    def deeper(levels: int) -> Pattern:
        return deeper(levels - 1) if levels else compile_pattern(Meter(Limits()), "(" * 30 + ")" * 30)

    with pytest.raises(LimitExceeded, match="a regular expression nests too deep for so deep a call"):
        deeper(sys.getrecursionlimit() - len(inspect.stack()) - 70)


def test_parentheses_that_open_no_group_do_not_nest() -> None:
    """Escapes, sets and comments are told from groups."""
    for source in (r"\(" * 100, "[(]" * 100, "(?#((((" + "(" * 60 + ")a", "(a)" * 100, "(?x)#" + "(" * 60 + "\na"):
        assert compile_pattern(Meter(Limits()), source).pattern == source


def test_compiling_costs_the_same_whether_or_not_it_was_done_before() -> None:
    """What other evaluations compiled does not show in the steps; within one, a pattern pays once."""
    spent = []
    for _ in range(2):
        meter = Meter(Limits())
        for _ in range(3):
            before = meter.steps
            compile_pattern(meter, "only (once|twice) [a-z]+ here")
            spent.append(before - meter.steps)

    assert spent[1] == spent[2] < 20 < spent[0]
    assert spent[:3] == spent[3:]
