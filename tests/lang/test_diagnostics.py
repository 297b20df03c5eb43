"""What is wrong in rules is said where it is wrong: the chunked files of cases/."""

from __future__ import annotations

import pytest

from dispatcher import check
from tests.lang.chunks import CASES, Chunk, note, read_chunks, read_file, write_file

CHUNKS = read_chunks()


@pytest.mark.parametrize("chunk", CHUNKS, ids=str)
def test_a_file_earns_what_its_notes_say(chunk: Chunk, update_golden: bool) -> None:
    """All problems of a file, and no others, are told in one run, in source order, with whole messages and help."""
    if update_golden:
        path = CASES / f"{chunk.file}.rules"
        noted = chunk.with_notes(check(chunk.plain))
        write_file(path, [noted if str(old) == str(chunk) else old for old in read_file(path)])
        return
    assert [f"{problem.line}: {note(problem)}" for problem in check(chunk.text)] == chunk.expected


def test_titles_tell_the_cases_apart() -> None:
    """No two chunks of a file have the same title."""
    titles = [str(chunk) for chunk in CHUNKS]

    assert sorted(set(titles)) == sorted(titles)
