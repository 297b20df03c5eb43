"""White space, line ends and comments: two layouts of the same rules have the same tree; faults stand in their place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import check
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from tests.lang.strategies import PROGRAMS, PROPERTY
from tests.lang.trees import without_places


def tree_of(text: str) -> object:
    """Return the tree of rules without problems, without its places."""
    module, problems = parse(Source(text))
    assert problems == []
    return without_places(module)


SAME = {
    "CRLF": ("if a:\r\n    b = 1\r\nc = 2\r\n", "if a:\n    b = 1\nc = 2\n"),
    "lone CR": ("if a:\r    b = 1\rc = 2\r", "if a:\n    b = 1\nc = 2\n"),
    "line ends mixed": ("a = 1\r\nb = 2\rc = 3\nd = 4", "a = 1\nb = 2\nc = 3\nd = 4\n"),
    "CRLF inside a text over lines": ("a = '''x\r\ny\rz'''\r\n", "a = '''x\ny\nz'''\n"),
    "CRLF behind a backslash": ("a = 1 + \\\r\n  2\r\n", "a = 1 + 2\n"),
    "byte order mark": ("\ufeffa = 1\n", "a = 1\n"),
    "no final line end": ("if a:\n    b = 1", "if a:\n    b = 1\n"),
    "no final line end behind a comment": ("a = 1\n# end", "a = 1\n"),
    "white space at the end": ("a = 1   \t\n   \n\t", "a = 1\n"),
    "tabs for spaces": ("if a:\n\tif b:\n\t\tc = 1\n\td = 2\n", "if a:\n    if b:\n        c = 1\n    d = 2\n"),
    "blocks of different depths": ("if a:\n b = 1\nif a:\n        b = 1\n", "if a:\n  b = 1\nif a:\n  b = 1\n"),
    "tabs in one block and spaces in the next": ("if a:\n\tb = 1\nif a:\n  b = 1\n", "if a:\n  b = 1\nif a:\n  b = 1\n"),
    "a tab behind spaces": ("if a:\n  \tb = 1\n  \tc = 1\n", "if a:\n    b = 1\n    c = 1\n"),
    "a tab between words": ("a\t=\t1\n", "a = 1\n"),
    "a form feed at the start of a line": ("\fa = 1\n\f\fb = 2\n", "a = 1\nb = 2\n"),
    "a form feed sets the depth to zero": ("if a:\n  \f    b = 1\n    c = 2\n", "if a:\n    b = 1\n    c = 2\n"),
    "a form feed between words": ("a \f= 1\n", "a = 1\n"),
    "one-line suite": ("if a: b = 1\n", "if a:\n    b = 1\n"),
    "one-line suite of two": ("if a: b = 1; c = 2;\n", "if a:\n    b = 1\n    c = 2\n"),
    "one-line if and else": ("if a: b = 1\nelse: b = 2\n", "if a:\n    b = 1\nelse:\n    b = 2\n"),
    "semicolon at the end": ("a = 1;\n", "a = 1\n"),
    "statements on one line": ("a = 1; b = 2\n", "a = 1\nb = 2\n"),
    "a comment between if and else": ("if a:\n    b = 1\n# why\nelse:\n    b = 2\n", "if a:\n    b = 1\nelse:\n    b = 2\n"),
    "comments at other depths": ("if a:\n# x\n      # y\n    b = 1\n  # z\n    c = 2\n", "if a:\n    b = 1\n    c = 2\n"),
    "blank lines in a block": ("if a:\n\n    b = 1\n\n\n    c = 2\n", "if a:\n    b = 1\n    c = 2\n"),
    "a line of spaces in a block": ("if a:\n    b = 1\n \n    c = 2\n", "if a:\n    b = 1\n    c = 2\n"),
    "a comment behind a colon": ("if a:  # why\n    b = 1\n", "if a:\n    b = 1\n"),
    "comments in brackets": ("a = [  # x\n1,\n   # y\n\n 2]\n", "a = [1, 2]\n"),
    "depths in brackets mean nothing": ("if a:\n    b = (\n1\n+ 2\n  )\n    c = 1\n", "if a:\n    b = 1 + 2\n    c = 1\n"),
    "a backslash joins lines": ("a = \\\n1\nif a and \\\nb:\n    c = 1\n", "a = 1\nif a and b:\n    c = 1\n"),
    "a backslash before the indent of a joined line": ("if a:\n    b = \\\n1\n    c = 2\n", "if a:\n    b = 1\n    c = 2\n"),
    "a backslash behind white space keeps the depth": ("if a:\n  \\\nb = 1\n  c = 2\n", "if a:\n  b = 1\n  c = 2\n"),
    "a backslash at depth zero gives it none": ("if a:\n\\\n  b = 1\n", "if a:\n  b = 1\n"),
    "a backslash on a blank line": ("if a:\n  b = 1\n \\\n\n  c = 2\n", "if a:\n  b = 1\n  c = 2\n"),
    "a backslash in a comment joins nothing": ("a = 1 # x \\\nb = 2\n", "a = 1\nb = 2\n"),
    "other line separators in a comment": ("a = 1 # x\u2028y\x85z\x0b\x1c\nb = 2\n", "a = 1\nb = 2\n"),
    "deep dedent at the end": ("if a:\n if b:\n  if c:\n   d = 1\ne = 1\n", "if a:\n  if b:\n    if c:\n      d = 1\ne = 1\n"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "same"), SAME.values(), ids=SAME)
def test_layouts_that_mean_the_same_have_the_same_tree(text: str, same: str) -> None:
    """Line ends, comments, blank lines and the kind of white space do not change what rules say."""
    assert tree_of(text) == tree_of(same)


@pytest.mark.parametrize(
    "text", ["", "\n", "   ", "\t\n", "\ufeff", "# a comment", "# a\n\n# b\n", "\f\n", "\r\n\r", "\\\n\n"]
)
def test_a_file_without_statements_is_well(text: str) -> None:
    """An empty file, and one of comments and white space, has no statements and no problems."""
    assert tree_of(text) == tree_of("")


def test_line_separators_of_unicode_end_no_line() -> None:
    """U+2028, U+0085 and their like are characters of a text, and later lines keep their numbers."""
    (problem,) = check("a = 'x\u2028y\x85z\x0c\x1e'\nteam = tema\n")

    assert (problem.line, problem.column) == (2, 8)
    assert tree_of("a = 'x\u2028y'\n") == tree_of("a = 'x\\u2028y'\n")


PLACES = {
    "behind CRLF": ("a = 1\r\nb = tema\r\n", (2, 5, 2, 9)),
    "behind lone CR": ("a = 1\rb = tema\r", (2, 5, 2, 9)),
    "behind a byte order mark": ("\ufeffb = tema\n", (1, 5, 1, 9)),
    "behind tabs, each one column": ("if msg:\n\tb = tema\n", (2, 6, 2, 10)),
    "behind characters beyond the base plane": ("a = '😀' + tema\n", (1, 11, 1, 15)),
    "behind a combining mark": ("a = 'e\u0301' + tema\n", (1, 12, 1, 16)),
    "behind a joined line": ("a = 1 + \\\n  tema\n", (2, 3, 2, 7)),
    "behind a text over lines": ("a = '''x\ny''' + tema\n", (2, 8, 2, 12)),
    "inside brackets over lines": ("a = [\n  1,\n  tema,\n]\n", (3, 3, 3, 7)),
    "inside an f-string": ("a = f'x{tema}'\n", (1, 9, 1, 13)),
    "inside an f-string over lines": ("a = f'''x\n {\n tema}'''\n", (3, 2, 3, 6)),
    "inside the spec of an f-string": ("a = f'{msg:{tema}}'\n", (1, 13, 1, 17)),
    "over several lines": ("print(msg is\n'x')\n", (1, 7, 2, 4)),
    "at the end without a line end": ("a = tema", (1, 5, 1, 9)),
}


@pytest.mark.parametrize(("text", "place"), PLACES.values(), ids=PLACES)
def test_a_problem_stands_where_an_editor_shows_it(text: str, place: tuple[int, int, int, int]) -> None:
    """Lines end as CPython ends them, and columns count characters from 1, a tab and an emoji being one."""
    (problem,) = check(text)

    assert (problem.line, problem.column, problem.end_line, problem.end_column) == place


@settings(PROPERTY, max_examples=60)
@given(st.sampled_from(PROGRAMS), st.sampled_from(["\r\n", "\r"]))
def test_line_ends_never_matter(program: str, line_end: str) -> None:
    """Every program of the corpus has the same tree with the line ends of Windows and of old Macs."""
    assert tree_of(program.replace("\r", "").replace("\n", line_end)) == tree_of(program.replace("\r", ""))


@settings(PROPERTY, max_examples=60)
@given(st.sampled_from(PROGRAMS), st.data())
def test_comments_may_stand_on_lines_of_their_own_anywhere(program: str, data: st.DataObject) -> None:
    """A comment line at any depth between two lines changes no tree, but inside a text over lines."""
    if "'''" in program or '"""' in program or "\\\n" in program or "\r" in program:
        return
    lines = program.split("\n")
    place = data.draw(st.integers(0, len(lines) - 1))
    depth = data.draw(st.sampled_from(["", " ", "    ", "\t", "            "]))

    assert tree_of("\n".join([*lines[:place], f"{depth}# why", *lines[place:]])) == tree_of(program)


@pytest.mark.parametrize("text", ["\\\n", "a = 1 \\\n", "a = 1\n\\\n", "a = 1 \\"])
def test_a_backslash_joins_nothing_with_the_end_of_the_file(text: str) -> None:
    """As in CPython, a line must follow the one that ends with a backslash."""
    assert [problem.code for problem in check(text) if problem.severity == "error"] == ["unknown-character"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("  \\\na = 1\n", "unexpected-indentation"),
        ("while a:\n  \\\n b = 1\n c = 2\n", "inconsistent-indentation"),
        ("if a:\n    b = 1\n\\\n  c = 2\n", "inconsistent-indentation"),
    ],
)
def test_the_first_white_space_of_joined_lines_is_their_depth(text: str, code: str) -> None:
    """As in CPython, what stands before a backslash counts, and the next line only where that is nothing."""
    assert [problem.code for problem in parse(Source(text))[1]] == [code]


def test_a_diagnostic_acts_on_no_terminal() -> None:
    """Control characters, marks that turn text and surrogates are shown by stand-ins, one for one."""
    (problem, _) = check("x = 'a\x1b[2J\u202e\ud800' y\n")

    assert problem.excerpt == "x = 'a␛[2J\ufffd\ufffd' y"
    assert [found.excerpt for found in check("team = tema # \x1b\x07\t\x9b\n")] == ["team = tema # ␛␇\t\ufffd"]
    assert check("x = 1 'a\x1b\ud800'\n")[0].message == "`'a␛\ufffd'` cannot stand here"
