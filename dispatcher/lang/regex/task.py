"""What a pattern is asked, and who answers."""

from __future__ import annotations

from enum import Enum, auto


class Task(Enum):
    """What is asked: one match at the start, of all the text, anywhere; or all matches."""

    MATCH = auto()
    FULL_MATCH = auto()
    SEARCH = auto()
    SCAN = auto()


class Engine(Enum):
    """Who runs a pattern; tests force one."""

    EITHER = auto()
    NATIVE = auto()
    OURS = auto()
