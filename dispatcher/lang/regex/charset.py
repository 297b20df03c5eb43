"""Sets of characters, as the cost analysis sees them: exact below U+0100, by kind of character above.

A `CharSet` may claim more characters than the regular expression accepts, never fewer. So "these two sets do not
meet" is a proof, and a run of the set in a text is at least as long as what a repeat can take there.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.lang.records import dataclass

# Kinds of characters from U+0100 on. `\d`, `\w` and `\s` are unions of kinds: digits are words, spaces are not.
# START stands for no character at all, before the start of the text.
DIGIT, LETTER, SPACE, OTHER, START = 1, 2, 4, 8, 16
ALL_KINDS = DIGIT | LETTER | SPACE | OTHER
ALL_LATIN = (1 << 256) - 1
LATIN = "".join(map(chr, range(256)))

_CLASS_OF_KIND = {DIGIT: r"\d", LETTER: r"\w", SPACE: r"\s"}


def kind_of(char: str) -> int:
    """Return the kind of one character."""
    if char.isdecimal():
        return DIGIT
    if char.isalnum():
        return LETTER
    return SPACE if char.isspace() else OTHER


@dataclass(frozen=True, slots=True)
class CharSet:
    """Characters: a bit for each one below U+0100, and the kinds of those above."""

    latin: int
    kinds: int

    def __or__(self, other: CharSet) -> CharSet:
        return CharSet(self.latin | other.latin, self.kinds | other.kinds)

    def meets(self, other: CharSet) -> bool:
        """Tell whether a character may be in both sets."""
        return bool(self.latin & other.latin or self.kinds & other.kinds)


NOTHING = CharSet(0, 0)
ANYTHING = CharSet(ALL_LATIN, ALL_KINDS)
TEXT_START = CharSet(0, START)
LINE_START = CharSet(1 << ord("\n"), START)
BEFORE_ANY_PLACE = ANYTHING | TEXT_START


def one_character(char: str) -> CharSet:
    """Return the set of just this character."""
    code = ord(char)
    return CharSet(1 << code, 0) if code < 256 else CharSet(0, kind_of(char))


@lru_cache(maxsize=256)
def finder(charset: CharSet, *, runs: bool) -> re.Pattern[str]:
    """Return CPython's pattern for one character of the set, or for a longest run of them."""
    members = "".join(f"\\x{code:02x}" for code in range(256) if charset.latin >> code & 1)
    if charset.kinds & OTHER:
        members += r"\u0100-\U0010ffff"
    else:
        members += "".join(text for kind, text in _CLASS_OF_KIND.items() if charset.kinds & kind)
    if not members:
        return re.compile("(?!)")
    return re.compile(f"[{members}]++" if runs else f"[{members}]")
