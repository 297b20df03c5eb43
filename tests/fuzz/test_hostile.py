"""Random expensive programs keep to time and memory; `python -m tests.fuzz --mode hostile` goes on longer."""

from __future__ import annotations

import pytest

from tests.lang.isolation import isolated

pytest.importorskip("resource", reason="measures with what only POSIX has")

from tests.fuzz import hostile


@pytest.mark.parametrize("seed", range(10))
def test_an_expensive_program_keeps_to_its_limits(seed: int) -> None:
    """Deciding takes no more than a few seconds of a busy processor and 200 MiB, and ends in a decision."""
    word, finding = isolated(lambda: hostile.trial(seed)).value

    assert word in hostile.FINE, finding
