"""Writing another name in place of one: the literal means the new name, and nothing else of the file changes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import DispatcherError
from dispatcher.lang.diagnostics import Edit
from dispatcher.lang.source import Source
from dispatcher.live.fixing import is_literal, literal, rewrite
from tests.lang.strategies import PROPERTY


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("'Old'", "New", "'New'"),
        ('"Old"', "New", '"New"'),
        ("'''Old'''", "New", "'''New'''"),
        ("'Old'", "It's", "'It\\'s'"),
        ('"Old"', 'a "b"', '"a \\"b\\""'),
        ("r'Old'", "New", "r'New'"),
        ("R'Old'", "a\\b", "'a\\\\b'"),
        ("u'Old'", "New", "'New'"),
        ("'O' 'ld'", "New", "'New'"),
        ("('Old')", "New", "'New'"),
        ("'\\x4fld'", "New", "'New'"),
        ("'Old'", "Überlauf – 5", "'Überlauf – 5'"),
        ("'Old'", "a\nb\x00\u202e", "'a\\nb\\x00\\u202e'"),
    ],
)
def test_literals(written: str, text: str, expected: str) -> None:
    """Quotes and a raw prefix stay where the new text allows it."""
    assert literal(written, text) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("'Old'", True),
        ("r'O\\'", False),
        ("'O#' \"l#d\"", True),
        ("('O' \\\n 'ld')", True),
        ("'''O\n# ld'''", True),
        ("'O' # why\n 'ld'", False),
        ("'O' + 'ld'", False),
        ("f'Old'", False),
        ("old", False),
    ],
)
def test_what_is_nothing_but_literals(written: str, expected: bool) -> None:
    """A comment between two literals would be lost, and what is put together is none."""
    assert is_literal(written) == expected


@PROPERTY
@given(st.text(), st.sampled_from(("'a'", '"a"', "r'a'", "'''a'''", '"""a"""', "'a' \"b\"", "u'a'", 'r"""a"""')))
def test_a_literal_means_its_text(text: str, written: str) -> None:
    """Whatever the name, Python reads it back out of the literal."""
    assert ast.literal_eval(literal(written, text)) == text


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_marks_stay(tmp_path: Path, mark: bytes, end: str) -> None:
    """Of the file only the pieces change: byte order mark, line ends, comments and mode are as before."""
    path = tmp_path / "a.rules"
    lines = ["# ä", "if 'x' in msg:", "\tteam = 'Old'  # desk", "agent = 'Ä'", "team = 'Old'"]
    path.write_bytes(mark + end.join(lines).encode())
    path.chmod(0o640)
    edits = [Edit(3, 9, 3, 14, "'Nëw'"), Edit(5, 8, 5, 13, "'Nëw'"), Edit(5, 8, 5, 13, "'Nëw'")]

    assert rewrite(Source(end.join(lines), str(path)), edits, variables=()) == 2
    assert path.read_bytes() == mark + end.join(lines).replace("'Old'", "'Nëw'").encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["a.rules"]


@pytest.mark.parametrize(
    ("checked", "edit", "said"),
    [
        ("team = 'Old'\n", Edit(1, 8, 1, 13, "'New"), "cannot be edited safely"),
        ("agent = 'Old'\n", Edit(1, 8, 1, 13, "'New'"), "has changed meanwhile; check it again"),
    ],
)
def test_what_would_be_wrong_is_not_written(tmp_path: Path, checked: str, edit: Edit, said: str) -> None:
    """A file that would have errors afterwards, or is no longer the one that was checked, stays as it is."""
    path = tmp_path / "a.rules"
    path.write_text("team = 'Old'\n", encoding="utf-8")
    with pytest.raises(DispatcherError, match=said):
        rewrite(Source(checked, str(path)), [edit], variables=())

    assert path.read_text(encoding="utf-8") == "team = 'Old'\n"
