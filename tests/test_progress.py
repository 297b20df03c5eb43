"""How far something has come is seen on a terminal, however long its parts take, and nowhere else."""

from __future__ import annotations

import io
import itertools

import pytest

from dispatcher.render import progress


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """Say that this is one."""
        return True


@pytest.mark.parametrize(("seconds", "seen"), [(1.0, "3/10"), (0.0, "0/10")])
def test_slow_parts_are_told_one_by_one(monkeypatch: pytest.MonkeyPatch, seconds: float, seen: str) -> None:
    """The bar hears of a part when it is done, unless it heard of another one just before."""
    monkeypatch.setattr(progress, "monotonic", itertools.count(0.0, seconds).__next__)
    monkeypatch.setenv("TERM", "xterm")
    output = Terminal()
    with progress.progress("Comparing", 10, "tickets", output) as advance:
        advance(1)
        advance(2)
    assert seen in output.getvalue()


def test_what_is_no_terminal_gets_nothing() -> None:
    """A file is not written to."""
    output = io.StringIO()
    with progress.progress("Comparing", 10, "tickets", output) as advance:
        advance(1)
    assert output.getvalue() == ""
