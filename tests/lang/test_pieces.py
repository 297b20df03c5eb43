"""Cutting a file into pieces: what they are, which share a shape, and that they say what the parser says of the file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang import syntax
from dispatcher.lang.parser import parse
from dispatcher.lang.pieces import Pieces, cut, marked, place
from dispatcher.lang.source import Source
from tests.lang.conformance.corpus import read_cases
from tests.lang.strategies import PROGRAMS, PROPERTY, mistaken
from tests.lang.trees import nodes_below

HERE = Path(__file__).parent
CORPUS = [case.program for path in sorted((HERE / "corpus").glob("*.txt")) for case in read_cases(path)]
EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted((HERE / "../../rules_examples").rglob("*.rules"))]


def pieces_of(text: str) -> Pieces:
    """Return the pieces of a file that is cut."""
    pieces = cut(text)
    assert pieces is not None
    return pieces


def texts_of(text: str) -> list[str]:
    """Return the text of each piece of a file."""
    pieces = pieces_of(text)
    return [text[slice(*pieces.span(index))] for index in range(len(pieces.shapes))]


# --- literals

LITERALS = {
    "a text": ("x = 'a'\n", ["a"]),
    "a text in double quotes": ('x = "a"\n', ["a"]),
    "quotes of the other kind": ("x = \"it's\" + '\"'\n", ["it's", '"']),
    "an empty text": ("x = ''\n", [""]),
    "signs of code in a text": ("x = '# ( [ {' + '=:'\n", ["# ( [ {", "=:"]),
    "texts beyond ASCII": ("x = 'é\u2028😀\ud800\x0c'\n", ["é\u2028😀\ud800\x0c"]),
    "texts in turn": ("x = {'a': 'b', 'c':'d'}['e']\n", ["a", "b", "c", "d", "e"]),
    "a whole number": ("x = 17\n", [17]),
    "zero": ("x = 0\n", [0]),
    "a number behind a sign": ("x = -1 + +2\n", [1, 2]),
    "a number of fifteen digits": ("x = 123456789012345\n", [123456789012345]),
    "a number with a fraction": ("x = 2.50\n", [2.5]),
    "a fraction of zero": ("x = 0.0\n", [0.0]),
    "numbers in a slice": ("x = msg[1:2]\n", [1, 2]),
    "an attribute of a number": ("x = 1 .real\n", [1]),
    "a number behind a name that ends in e and a sign": ("x = a1e-5\n", [5]),
    "kinds in turn": ("x = 1, 'a', 1.5, \"b\", 2\n", [1, "a", 1.5, "b", 2]),
    "a text right behind a bracket and a sign": ("x=('a')=='b'\n", ["a", "b"]),
    "texts of two statements in a block": ("if a:\n    b = 'x'\n    c = 'y'\n", ["x", "y"]),
    "literals beside others": ("x = f'{a}', 'b', 0x10, 3\n", ["b", 3]),
    "literals beside comments": ("x = ['a',  # 'b' 1\n 'c']  # 2\n", ["a", "c"]),
    "names that hold digits": ("a1 = b_2 + c3d\n", []),
    "names that hold digits beyond ASCII": ("é1 = ñ2é\n", []),
    "a number with a leading zero": ("x = 007\n", []),
    "numbers of other bases": ("x = 0x10 + 0b1 + 0o7 + 0xe-1\n", []),
    "numbers with underscores": ("x = 1_000 + 1_0.5\n", []),
    "numbers with exponents": ("x = 1e5 + 1e-5 + 1.5E+5 + .5e-5 + 1.e-5\n", []),
    "an imaginary number": ("x = 1j\n", []),
    "a number without a fraction": ("x = 1.\n", []),
    "a number without a whole part": ("x = .5\n", []),
    "an attribute without a space": ("x = 1.real\n", []),
    "a word right behind a number": ("x = 1if a else b\n", []),
    "a number of sixteen digits": ("x = 1234567890123456 + 0.1234567890123456\n", []),
    "an f-string": ("x = f'a{b}'\n", []),
    "other prefixes": ("x = r'a' + u'b' + Rb'c' + F\"d\"\n", []),
    "a word right before a text": ("x = a if b else'c'\n", []),
    "an escape": ("x = 'a\\'b' + '\\n'\n", []),
    "a line end in a text": ("x = 'a\\\nb'\n", []),
    "three quotes": ("x = '''a''' + \"\"\"b\nc\"\"\"\n", []),
    "three quotes around quotes": ("x = '''it's ''a'' ''' + \"\"\" \"\" \\\"\"\" '\"\"\"\n", []),
    "texts beside each other": ("x = 'a' 'b' \"c\"\n", []),
    "texts that touch": ("x = 'it''s'\n", []),
    "texts on lines of brackets": ("x = ('a'  # it's\n    # 'c'\n\n    'b')\n", []),
    "texts on joined lines": ("x = 'a' \\\n'b'\n", []),
    "texts beside texts with prefixes": ("x = 'a' f'b', f'c' 'd'\n", []),
}


@pytest.mark.parametrize(("text", "literals"), LITERALS.values(), ids=LITERALS)
def test_literals_are_plain_texts_and_numbers(text: str, literals: list[object]) -> None:
    """Literals of one line without prefix, escape or neighbour have marks, everything else is part of the shape."""
    pieces = pieces_of(text)

    assert [(type(value), value) for value in pieces.values] == [(type(value), value) for value in literals]
    assert list(pieces.literals(0)) == literals
    assert len(marked(text)) == len(literals)


def test_each_piece_has_its_own_literals() -> None:
    """Literals belong to the piece in which they stand, and comments have none."""
    pieces = pieces_of("# 1\na = 'x'  # 2\n# 'y'\nb = c\nif d == 3: e = 4.5\n")

    assert [pieces.literals(index) for index in range(3)] == [["x"], [], [3, 4.5]]


# --- shapes

SAME = {
    "other texts": ("x = 'a'\n", "x = 'bc'\n"),
    "other quotes": ("x = 'a'\n", 'x = "it\'s"\n'),
    "other numbers": ("x = 1\n", "x = 23456\n"),
    "other fractions": ("x = 1.5\n", "x = 0.25\n"),
    "comments": ("if a:\n    b = 'x'\n", "if a:  # y\n # z\n    b = 'x'# it's\n"),
    "blank lines": ("if a:\n    b = 1\n    c = 2\n", "if a:\n\n    b = 1\n  \n\t\n    c = 2\n"),
    "white space at the end of lines": ("if a:\n    b = 1\n", "if a:  \n    b = 1\t \n"),
    "no line end": ("x = 1\n", "x = 1"),
    "what follows": ("x = 1\n", "x = 1\n\n# y\n  # z\n\n"),
}

OTHER = {
    "text and number": ("x = 'a'\n", "x = 1\n"),
    "whole number and fraction": ("x = 1\n", "x = 1.0\n"),
    "names": ("x = 1\n", "y = 1\n"),
    "order": ("x = 1, 'a'\n", "x = 'a', 1\n"),
    "texts that are no literals": ("x = '\\a'\n", "x = '\\b'\n"),
    "line ends in texts that are no literals": ("x = '''a\nb'''\n", "x = '''a\n\nb'''\n"),
    "white space in texts that are no literals": ("x = '''a \nb'''\n", "x = '''a\nb'''\n"),
    "numbers that are no literals": ("x = 1e5\n", "x = 1e6\n"),
    "a line end in brackets and none": ("x = [\n1]\n", "x = [1]\n"),
    "depth": ("if a:\n  b = 1\n", "if a:\n    b = 1\n"),
    "tabs and spaces": ("if a:\n\tb = 1\n", "if a:\n        b = 1\n"),
    "blocks": ("if a:\n    if b:\n        c = 1\n    d = 2\n", "if a:\n    if b:\n        c = 1\n        d = 2\n"),
    "joined lines": ("x = a + \\\n  1\n", "x = a + \\\n    1\n"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_differs_in_literals_and_comments_has_one_shape(one: str, other: str) -> None:
    """Neither the literals nor what means nothing makes another shape."""
    assert pieces_of(one).shapes == pieces_of(other).shapes


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_what_may_mean_something_else_has_another_shape(one: str, other: str) -> None:
    """Tokens, kinds of literals and the depths of lines are part of a shape."""
    assert pieces_of(one).shapes != pieces_of(other).shapes


# --- cuts

CUTS = {
    "comments alone": ("\n  # a\n\n# b", []),
    "lines": ("a = 1\nb = 2\n", ["a = 1", "b = 2"]),
    "no line end": ("a = 1\nb = 2", ["a = 1", "b = 2"]),
    "blocks": ("if a:\n    b = 1\n\n    c = 2\nd = 3\n", ["if a:\n    b = 1\n\n    c = 2", "d = 3"]),
    "blocks of tabs": ("if a:\n\tb = 1\nc = 2\n", ["if a:\n\tb = 1", "c = 2"]),
    "titles and comments": ("# a\nb = 1  # c\n  # d\n# e\n\nf = 2\n# g", ["b = 1", "f = 2"]),
    "comments inside": ("if a:\n# b\n    c = 1\n", ["if a:\n# b\n    c = 1"]),
    "elif and else": (
        "if a: b = 1\nelif c: b = 2\n# d\nelse: b = 3\ne = 4\n",
        ["if a: b = 1\nelif c: b = 2\n# d\nelse: b = 3", "e = 4"],
    ),
    "except and finally": (
        "try:\n a\nexcept: b\nfinally:\n c\nd\n",
        ["try:\n a\nexcept: b\nfinally:\n c", "d"],
    ),
    "names that begin as a clause does": (
        "a\nelse_ = 1\nelifé\nexcepted\nfinally1\n",
        ["a", "else_ = 1", "elifé", "excepted", "finally1"],
    ),
    "statements on one line": ("a = 1; b = 2;  # c\nd = 3\n", ["a = 1; b = 2;", "d = 3"]),
    "brackets closed at column zero": ("a = [\n    1,\n]\nb = (\n)\n", ["a = [\n    1,\n]", "b = (\n)"]),
    "brackets over lines at column zero": (
        "a = {\n'b': [\n1,\n'c'],\nd: 2}\ne = 3\n",
        ["a = {\n'b': [\n1,\n'c'],\nd: 2}", "e = 3"],
    ),
    "brackets in texts": (
        "a = '('\nb = '\\n['\nc = '''{\n(\n'''\nd\n",
        ["a = '('", "b = '\\n['", "c = '''{\n(\n'''", "d"],
    ),
    "a bracket that is never closed": ("a\nb = (\nc\nd\n", ["a", "b = (\nc\nd"]),
    "a bracket that is never opened": ("a)\nb\n", ["a)", "b"]),
    "lines of a text at column zero": ("a = '''\nb\n# c\nelse'''\nd\n", ["a = '''\nb\n# c\nelse'''", "d"]),
    "a text joined by a backslash": ("a = 'b\\\nc'\nd\n", ["a = 'b\\\nc'", "d"]),
    "lines joined by a backslash": ("a = 1 + \\\n2\nb\n", ["a = 1 + \\\n2", "b"]),
    "a backslash at the end of a comment": ("a  # \\\nb\n", ["a", "b"]),
    "a text behind a text": ("a = 'b'\n'c'\nf'd'\n'''e'''\n", ["a = 'b'", "'c'", "f'd'", "'''e'''"]),
    "names beyond ASCII": ("é = 1\nif ｘ: ｙ\n", ["é = 1", "if ｘ: ｙ"]),
}


@pytest.mark.parametrize(("text", "texts"), CUTS.values(), ids=CUTS)
def test_pieces_are_top_level_statements(text: str, texts: list[str]) -> None:
    """A piece begins at column zero, goes on to the next one, and ends behind its last token."""
    assert texts_of(text) == texts


REFUSED = {
    "a text that is never closed": "a = 1\nb = 'c\nd = 2\n",
    "three quotes that are never closed": 'a = """b\nc = 2\n',
    "one quote at the end": "a = '",
    "a backslash within a line": "a = 1 \\ 2\n",
    "a backslash at the end": "a = 1 \\",
    "a form feed": "\fa = 1\n",
    "a form feed within a line": "a =\f1\n",
    "a carriage return": "a = 1\r\n",
    "a carriage return in a text": "a = '''\r\n'''\n",
    "NUL in a text": "a = '\0'\n",
    "a control character": "a = \x7f\n",
    "a control character in a comment": "a  # \x01\n",
    "white space at the beginning": "  a = 1\n",
    "a closing bracket at the beginning": "# a\n)\nb\n",
    "else at the beginning": "else: a\n",
    "a backslash at the beginning": "\\\na = 1\n",
    "texts at column zero that are one": "a = [\n'b'  # c\n\n'd',\n]\n",
    "a text beside an f-string at column zero": "a = (f'b'\nf'c')\n",
    "a character that turns text": "a = '\u202e'\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_only_the_parser_can_read_is_not_cut(text: str) -> None:
    """Where the tokens, or what holds of the whole file, are not certain, there are no pieces."""
    assert cut(text) is None


# --- the same as the parser


def placed(tree: object, move: Callable[[int], int], marks: set[tuple[int, int]] | None = None) -> object:
    """Return a tree as nested tuples with its places moved; constants at `marks` have no value but its type."""
    if isinstance(tree, syntax.Node):
        fields = [getattr(tree, name) for name in syntax.part_names(tree)]
        if isinstance(tree, syntax.Constant) and (tree.start, tree.end) in (marks or ()):
            fields = [type(tree.value)]
        inner = [placed(field, move, marks) for field in fields]
        return (type(tree), type(fields[0]) if fields else None, move(tree.start), move(tree.end), inner)
    if isinstance(tree, tuple):
        return [placed(part, move, marks) for part in tree]
    return tree


def is_refused(module: syntax.Module) -> bool:
    """Tell whether the tree holds what the checker refuses, of which it keeps no parts."""
    return any(isinstance(node, syntax.RefusedStatement | syntax.RefusedExpression) for node in nodes_below(module))


def assert_same_shape(one: str, other: str) -> None:
    """Assert that the trees of two pieces of one shape differ in the marked constants alone, and where they stand."""
    (first, problems), (second, others) = parse(Source(one)), parse(Source(other))
    assert bool(problems) == bool(others)
    if not problems:
        moved = placed(first.body, partial(place, one, other), set(marked(one)))
        assert moved == placed(second.body, same, set(marked(other)))


def same(offset: int) -> int:
    """Return the offset itself."""
    return offset


def is_read_in_pieces(text: str) -> bool:
    """Assert that the pieces, where each parses, are what the parser makes of the file; tell whether they do."""
    pieces = cut(text)
    if pieces is None:
        return False
    body: list[object] = []
    exemplars: dict[str, str] = {}
    readable = True
    for index, shape in enumerate(pieces.shapes):
        span = pieces.span(index)
        piece = text[slice(*span)]
        assert_same_shape(exemplars.setdefault(shape, piece), piece)
        module, problems = parse(Source(piece))
        readable = readable and not problems
        body += [placed(statement, span.start.__add__) for statement in module.body]
        if not problems and not is_refused(module):
            constants = {(node.start, node.end): node for node in nodes_below(module) if type(node) is syntax.Constant}
            values = [constants[place].value for place in marked(piece)]
            assert list(map(repr, values)) == list(map(repr, pieces.literals(index)))
    if readable:
        whole, problems = parse(Source(text))
        assert problems == []
        assert [placed(statement, same) for statement in whole.body] == body
    return readable


def test_the_examples_are_read_in_pieces() -> None:
    """Every example of a rule file is cut as the parser does."""
    assert len(EXAMPLES) > 15
    assert [text for text in EXAMPLES if not is_read_in_pieces(text)] == []


def test_the_corpus_is_read_in_pieces() -> None:
    """Every construct of the language is cut as the parser does, but form feeds and decorators."""
    left = [text for text in CORPUS if not is_read_in_pieces(Source(text).text)]

    assert len(CORPUS) > 100
    assert [text for text in left if "\f" not in text and "@" not in text] == []


def test_other_programs_are_read_in_pieces() -> None:
    """A file of many programs, one after the other, is cut as the parser does."""
    programs = [program for program in PROGRAMS[::7] if "\r" not in program and "\f" not in program]

    assert is_read_in_pieces("# next\n".join(programs))


TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
WORDS = st.text(st.characters(exclude_characters="'\"\\" + TURNING, exclude_categories=["Cc"]), max_size=8)
WHOLES = st.integers(0, 10**15 - 1).map(str)
FRACTIONS = st.builds("{}.{}".format, st.integers(0, 10**9), st.integers(0, 10**9))
FILLERS = {
    str: st.one_of(WORDS.map("'{}'".format), WORDS.map('"{}"'.format), st.just('"it\'s"'), st.just("'# \"('")),
    int: WHOLES,
    float: FRACTIONS,
}
NOISE = st.sampled_from(["", "  ", "\t", "  # it's", "#", "\n", "\n\n   # deep", "\n# 'title 1'", "  \n\t\n"])
HABITS = [
    "if email == 'user1@x.example': priority = 1\n",
    "if 'a' in msg:\n    team = 'b'\nelif name in ['c', \"d\"]:\n    impact = 2\nelse:\n    urgency = 3\n",
    "vips = [\n'a@x',\n'b@x',\n]\n",
    "text = ('a'\n    'b')\n'''a comment\nin quotes'''\n",
    "if msg.count('!') > 3 and priority >= 1.5:\n\tappend = f'{name}: {msg!r}' + '\\n'\n",
    "try:\n    x = int(msg[0:1])\nexcept ValueError: x = 0\nfinally:\n    y = x; z = -1\n",
    "if a and \\\n   b == 'c':\n    d = 007 if e else 0x1f\n",
]
FILES = st.lists(st.sampled_from(HABITS + PROGRAMS + CORPUS), min_size=1, max_size=4).map("".join)


@st.composite
def refilled(draw: st.DrawFn, text: str) -> str:
    """Return a file with other literals, comments, and white space that means nothing."""
    parts, begin = [], 0
    for span in marked(text):
        kind = str if text[span.start] in "'\"" else float if "." in text[slice(*span)] else int
        parts += [text[begin : span.start], draw(FILLERS[kind])]
        begin = span.end
    return "".join([*parts, text[begin:]])


def noisy(text: str, noise: list[str]) -> str:
    """Return a file with noise at its line ends; those inside of texts are line ends too."""
    lines = text.split("\n")
    return "\n".join(line + noise[index % len(noise)] for index, line in enumerate(lines))


@settings(PROPERTY, max_examples=120)
@given(FILES, st.lists(NOISE, min_size=1, max_size=5), st.booleans())
def test_files_are_read_in_pieces(text: str, noise: list[str], ended: bool) -> None:
    """Rules with comments and blank lines anywhere between them are cut as the parser does, or not at all."""
    is_read_in_pieces(Source(noisy(text, noise) if ended else noisy(text, noise).rstrip("\n")).text)


@settings(PROPERTY, max_examples=120)
@given(st.lists(st.one_of(mistaken(), st.sampled_from(HABITS)), min_size=1, max_size=3))
def test_mistakes_are_not_cut_away(parts: list[str]) -> None:
    """A file with something wrong in it has a piece that does not parse, or none at all."""
    text = Source("".join(parts)).text

    assert not (is_read_in_pieces(text) and parse(Source(text))[1])


@settings(PROPERTY, max_examples=120)
@given(st.sampled_from(HABITS + PROGRAMS + CORPUS + EXAMPLES), st.lists(NOISE, min_size=1, max_size=5), st.data())
def test_other_literals_make_no_other_shape(text: str, noise: list[str], data: st.DataObject) -> None:
    """With other literals, comments and blank lines a file has the same shapes, and trees with other constants."""
    text = Source(text).text
    # There a line end may stand in a text, or between texts that are one.
    if re.search(r"\\\n|'''|\"\"\"|['\"]\s*\n\s*\w{0,2}['\"]", text):
        noise = [""]
    pieces = cut(text)
    other = data.draw(refilled(noisy(text, noise)))
    others = cut(other)
    if pieces is None or others is None:
        assert pieces is others
        return

    assert others.shapes == pieces.shapes
    for index in range(len(pieces.shapes)):
        assert_same_shape(text[slice(*pieces.span(index))], other[slice(*others.span(index))])


# --- places


def test_places_are_carried_over() -> None:
    """The start and the end of each token are found in a piece with other literals, quotes and comments."""
    one = "if email == 'a':  # x\n    team = \"b\" + f'{c}'"
    other = "if email == \"it's\":\n\n # y\n    team = 'long' + f'{c}'"
    tokens = [("if", "if"), ("email", "email"), ("==", "=="), ("'a'", '"it\'s"'), (":", ":"), ("team", "team")]
    tokens += [("=", "="), ('"b"', "'long'"), ("+", "+"), ("f'", "f'"), ("{", "{"), ("c", "c"), ("}", "}"), ("'", "'")]

    begin = end = 0
    for left, right in tokens:
        begin, end = one.index(left, begin), other.index(right, end)
        assert (place(one, other, begin), place(one, other, begin + len(left))) == (end, end + len(right))
        begin, end = begin + len(left), end + len(right)


# --- size

MILLION = 1_000_000
# CPU seconds; each of these takes a tenth of it.
SECONDS = 4.0
HOSTILE = [
    "'",
    '"',
    "#",
    "1",
    "\n",
    "(",
    "\\",
    "a",
    " ",
    ".",
    "'''\\'",
    "'a' ",
    "'a'\n ",
    "'a' # '\n ",
    "1.",
    "1e-",
    "x=(\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_in_any_text(unit: str) -> None:
    """A file of one thing again and again is cut, or not, in time."""
    begun = time.process_time()
    cut("x = " + unit * (MILLION // len(unit)))

    assert time.process_time() - begun < SECONDS


def test_many_rules_have_few_shapes() -> None:
    """Ten thousand rules in two forms are as many pieces of two shapes, with their literals in order."""
    rules = [
        rule
        for number in range(5_000)
        for rule in (f"if email == 'u{number}@x': priority = {number}", f"if 'p{number}' in msg:\n    team = 'T'")
    ]
    pieces = pieces_of("\n".join(rules))

    assert len(set(pieces.shapes)) == 2
    assert [pieces.span(index).start for index in range(10_000)] == list(pieces.starts)
    assert pieces.starts[9_999] == pieces.text.rindex("if ")
    assert pieces.literals(9_998) == ["u4999@x", 4999]
    assert re.findall("p[0-9]+", " ".join(map(str, pieces.values))) == [f"p{number}" for number in range(5_000)]
