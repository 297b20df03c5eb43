"""The table of codes is true: each code is raised by its bad example, and by that alone."""

from __future__ import annotations

import re

import pytest

from dispatcher import check
from dispatcher.lang.codes import CODES
from tests.lang.chunks import read_chunks


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_raises_its_code_alone(code: str) -> None:
    """Rules that are wrong in one way earn one diagnostic of that code and severity."""
    found = check(CODES[code].bad)

    assert [(problem.code, problem.severity) for problem in found] == [(code, CODES[code].severity)]


@pytest.mark.parametrize("code", CODES)
def test_the_good_example_raises_nothing(code: str) -> None:
    """The same rules put right are well."""
    assert check(CODES[code].good) == []


def test_codes_are_words_with_hyphens() -> None:
    """A code names the pattern found, in lower case."""
    assert [code for code in CODES if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []


def test_each_code_has_a_case() -> None:
    """The chunked files show every code but those for what is larger than a file should be."""
    shown = {line.partition("[")[2].partition("]")[0] for chunk in read_chunks() for line in chunk.expected}

    assert set(CODES) - shown == set()
