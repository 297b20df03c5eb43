"""What one character of a pattern accepts: a character, a set, or a dot, under the flags that hold there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from dispatcher.lang.regex import sre
from dispatcher.lang.regex.charset import (
    ALL_KINDS,
    DIGIT,
    LATIN,
    LETTER,
    OTHER,
    SPACE,
    CharSet,
    kind_of,
    one_character,
)

WIDE_SET_STEPS = 1_000

# Kinds above U+0100 of `\d`, `\s` and `\w`.
_KINDS = {"DIGIT": DIGIT, "SPACE": SPACE, "WORD": DIGIT | LETTER}
_SHORT_RANGE = 64
_REMEMBERED_CHARACTERS = 512


class Unit:
    """One character of a pattern. CPython itself says what it accepts, so sets and cases are CPython's."""

    def __init__(self, op: Any, argument: Any, flags: int) -> None:
        self._op = op
        self._argument = argument
        self._flags = flags
        # The one character that matches, where that is all; CPython folds only characters that have cases.
        folded = flags & re.IGNORECASE and _has_case(argument, flags) if op.name == "LITERAL" else True
        self.char: str | None = None if folded else chr(argument)
        # How many members CPython may look at for one character of the text.
        self.weight = 1 + len(argument) // 2 if op.name == "IN" else 1

    @property
    def compile_steps(self) -> int:
        """What CPython's compiler costs: it writes sets out, character by character, up to U+FFFF."""
        if self._op.name != "IN":
            return 0
        written = highest = 0
        for op, argument in self._argument:
            if op.name in ("LITERAL", "RANGE"):
                low, high = (argument, argument) if op.name == "LITERAL" else argument
                written += max(min(high, 0xFFFF) - low + 1, 0)
                highest = max(highest, high)
        return written * (2 if self._flags & re.IGNORECASE else 1) + (WIDE_SET_STEPS if highest > 0xFF else 0)

    @cached_property
    def run(self) -> re.Pattern[str]:
        """CPython's pattern for the longest run of such characters, which may be empty."""
        return sre.compile_run(self._op, self._argument, self._flags)

    @cached_property
    def members(self) -> Members:
        """Which characters are accepted, filled in as they are met."""
        return Members(self.run)

    @cached_property
    def charset(self) -> CharSet:
        """The accepted characters, as far as the cost analysis knows them."""
        if self.char is not None:
            return one_character(self.char)
        if self._op.name == "LITERAL":
            return CharSet(self._latin_cases(), self._kinds())
        accepted = frozenset("".join(self.run.findall(LATIN)))
        latin = int("".join(["1" if char in accepted else "0" for char in reversed(LATIN)]), base=2)
        return CharSet(latin, self._kinds())

    def _latin_cases(self) -> int:
        """Return the characters below U+0100 that are cases of this one."""
        if self._flags & re.ASCII:
            return _BY_LOWER_ASCII[sre.to_lower_ascii(self._argument)]
        lower = sre.to_lower_unicode(self._argument)
        latin = 0
        for code in (lower, *sre.EXTRA_CASES.get(lower, ())):
            latin |= _BY_LOWER_UNICODE.get(code, 0)
        return latin

    def _kinds(self) -> int:
        """Return the kinds of characters above U+0100 that may be accepted."""
        if self._op.name != "IN":
            return self._other_cases() if self._op.name == "LITERAL" else ALL_KINDS
        items = [(op.name, argument) for op, argument in self._argument]
        if items[0][0] != "NEGATE":
            claimed = 0
            for name, argument in items:
                claimed |= self._item_kinds(name, argument)
            return claimed
        excluded = 0
        for name, argument in items[1:]:
            # Only categories certainly take whole kinds away.
            if name == "CATEGORY":
                excluded |= self._item_kinds(name, argument)
        return ALL_KINDS & ~excluded

    def _item_kinds(self, name: str, argument: Any) -> int:
        if name == "CATEGORY":
            _, _, category = argument.name.partition("_")
            negative = category.startswith("NOT_")
            kinds = 0 if self._flags & re.ASCII else _KINDS[category.removeprefix("NOT_")]
            return ALL_KINDS & ~kinds if negative else kinds
        low, high = (argument, argument) if name == "LITERAL" else argument
        if high - max(low, 256) > _SHORT_RANGE:
            return ALL_KINDS
        kinds = self._other_cases()
        for code in range(max(low, 256), high + 1):
            kinds |= kind_of(chr(code))
        return kinds

    def _other_cases(self) -> int:
        # Digits and spaces have no cases; a few marks, which are not letters, have.
        return LETTER | OTHER if self._flags & re.IGNORECASE and not self._flags & re.ASCII else 0


class Members(dict[str, bool]):
    """Characters to whether the unit accepts them; asks CPython once for each."""

    __slots__ = ("_run",)

    def __init__(self, run: re.Pattern[str]) -> None:
        super().__init__()
        self._run = run

    def __missing__(self, char: str) -> bool:
        match = self._run.match(char)
        accepted = match is not None and match.end() == 1
        if len(self) < _REMEMBERED_CHARACTERS:
            self[char] = accepted
        return accepted


def unit(op: Any, argument: Any, flags: int) -> Unit:
    """Return the unit of a node of CPython's tree; equal ones are one object."""
    return _unit(op, tuple(argument) if isinstance(argument, list) else argument, flags & sre.CHARACTER_FLAGS)


@lru_cache(maxsize=256)
def _unit(op: Any, argument: Any, flags: int) -> Unit:
    return Unit(op, argument, flags)


def _by_lower(to_lower: Callable[[int], int]) -> dict[int, int]:
    """Return the characters below U+0100 by their lower case."""
    sets: dict[int, int] = {}
    for code in range(256):
        lower = to_lower(code)
        sets[lower] = sets.get(lower, 0) | 1 << code
    return sets


_BY_LOWER_ASCII = _by_lower(sre.to_lower_ascii)
_BY_LOWER_UNICODE = _by_lower(sre.to_lower_unicode)


def _has_case(code: int, flags: int) -> bool:
    return bool(sre.has_case_ascii(code) if flags & re.ASCII else sre.has_case_unicode(code))
