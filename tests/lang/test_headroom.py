"""A caller that is deep in calls of its own gets the same outcome as any other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dispatcher.lang.evaluator import Outcome
from dispatcher.lang.headroom import MAX_CALLERS, with_room
from tests.lang.running import run

DEEP = """\
def depth(n):
    return 0 if n == 0 else max([n], key=lambda m: depth(m - 1))
x = depth(50)
def endless(n): return endless(n + 1)
y = endless(0)
"""


def below(frames: int, function: Callable[[], Outcome]) -> Outcome:
    """Call `function` from `frames` calls below."""
    return function() if frames == 0 else below(frames - 1, function)


def test_deep_callers_get_the_same_outcome() -> None:
    """Rules that call each other deep end where they end for a caller at the top."""
    top, deep = (below(frames, lambda: run(DEEP)) for frames in (0, 800))

    assert [fault.message for fault in top.faults] == ["functions call each other more than 120 deep"]
    assert (top.working["x"], top.steps, top.faults) == (50, deep.steps, deep.faults)
    assert deep.working["x"] == 50


def test_what_is_raised_reaches_a_deep_caller() -> None:
    """An exception crosses from one stack to the other."""

    def fail() -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        below(MAX_CALLERS + 1, with_room(fail))
