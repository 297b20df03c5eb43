"""The text of a file as the editor has it: places, and changes one after the other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, Range

from dispatcher.lsp.documents import Document, Encoding

# Characters of each width, all that ends a line for the protocol, and some that do for Python only.
TEXTS = st.text(alphabet="ab'ä🔥\ud800\n\r\x0b\x0c\u2028\ufeff", max_size=12)
PLACES = st.builds(Position, st.integers(0, 6), st.integers(0, 16))
CHANGES = st.lists(st.tuples(st.builds(Range, PLACES, PLACES), TEXTS), max_size=6)


def units(text: str) -> list[str]:
    """Return a text as its UTF-16 units."""
    data = text.encode("utf-16-le", "surrogatepass")
    return [data[index : index + 2].decode("utf-16-le", "surrogatepass") for index in range(0, len(data), 2)]


def index(text: str, place: Position) -> int:
    """Return the index of a place by the letter of the protocol: cut into lines, and counted in units."""
    parts = re.split(r"(\r\n|\r|\n)", text)
    lines, ends = parts[::2], [*parts[1::2], ""]
    if place.line >= len(lines):
        return len(text)
    before = sum(map(len, lines[: place.line])) + sum(map(len, ends[: place.line]))
    seen = units(lines[place.line])[: place.character]
    counted = "".join(units(lines[place.line])[: len(seen)])
    whole = counted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    line = lines[place.line]
    # A place inside a character is that before it.
    return before + (len(whole) if line.startswith(whole) else len(whole) - 1)


@given(TEXTS, CHANGES)
def test_changes_one_by_one_make_the_text_of_the_editor(text: str, changes: list[tuple[Range, str]]) -> None:
    """Incremental changes, also those with odd places, give the text that the editor has."""
    document = Document("file:///a.rules", 1, text)
    for version, (place, new) in enumerate(changes, 2):
        first, second = sorted((index(text, place.start), index(text, place.end)))
        text = text[:first] + new + text[second:]
        document.replace(version, new, place)

    assert (document.text, document.version) == (text, 1 + len(changes))


@given(TEXTS, st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_places_and_offsets_are_the_same_places(text: str, encoding: Encoding) -> None:
    """Every offset of the Source comes back from the editor's place, whatever both sides count."""
    document = Document("file:///a.rules", 1, text, encoding)

    for offset in range(len(document.source.text) + 1):
        assert document.offset(document.position(offset)) == offset


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)])
def test_places_are_counted_as_both_sides_agreed(encoding: Encoding, character: int) -> None:
    """A character takes as many units as it has in the encoding."""
    assert Document("file:///a.rules", 1, "äa🔥'", encoding).position(3) == Position(0, character)


def test_a_byte_order_mark_is_counted_by_the_editor_alone() -> None:
    """The Source begins behind the mark, which the editor's first line has."""
    document = Document("file:///a.rules", 1, "\ufeffab\nc")

    assert document.source.text == "ab\nc"
    assert document.position(1) == Position(0, 2)
    assert document.offset(Position(0, 2)) == 1
    assert document.offset(Position(0, 0)) == 0
    assert document.position(3) == Position(1, 0)
