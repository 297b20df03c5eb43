"""A TOML text -> its values, with the line of each key, and what is wrong with them as problems.

`tomllib` does not tell where a value stands, so lines are looked for in the text: a test's is sure or not told, and
that of a key is the first one of its test that looks like it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any

from dispatcher.lang.diagnostics import near_name
from dispatcher.testing.results import Problem

_TEST = re.compile(r"[ \t]*\[\[[ \t]*test[ \t]*\]\]")
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# A key of as many parts: reading it takes the square of their number, and nobody writes one.
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
# Problems of one test that are told.
MOST_PROBLEMS = 20
_KINDS: Mapping[type, str] = {
    bool: "a truth value",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "an array",
    dict: "a table",
    datetime: "a date with a time",
    date: "a date",
    time: "a time",
}


class TooManyProblemsError(Exception):
    """So much is wrong that nobody wants to read more; the first problems are noted."""


class Document:
    """The text of a tests file, and what was found to be wrong with it."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        text = text.removeprefix("\ufeff")
        # As TOML counts them: other line ends are part of a text.
        self._lines = text.removesuffix("\n").split("\n")
        self._tests = [number for number, line in enumerate(self._lines, 1) if _TEST.match(line)]
        self.values: dict[str, Any] = {}
        if long := _LONG_KEY.search(text):
            self.problem(text.count("\n", 0, long.start()) + 1, "a key of the file has too many parts")
            return
        try:
            self.values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self._malformed(str(error))
        except (ValueError, RecursionError):
            self.problem(None, "the TOML nests too deep or holds a number that is too long")

    def _malformed(self, message: str) -> None:
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else len(self._lines)
        self.problem(line, f"no TOML: {_PLACE.sub('', message)}")

    def problem(self, line: int | None, message: str) -> None:
        """Note what is wrong at a line; once, where it is wrong for several tickets.

        Raises TooManyProblemsError when there are many.
        """
        problem = Problem(self._file, line, message)
        if problem not in self._problems:
            self._problems.append(problem)
        if len(self._problems) == MOST_PROBLEMS:
            self._problems.append(Problem(self._file, None, "what else is wrong is not told"))
            raise TooManyProblemsError

    def take_problems(self) -> tuple[Problem, ...]:
        """Return what was found to be wrong since this was asked last."""
        problems, self._problems = tuple(self._problems), []
        return problems

    def top(self) -> Table:
        """Return the keys of the file itself."""
        end = self._tests[0] if self._tests else len(self._lines) + 1
        return Table(self, self.values, "a tests file", (0, end))

    def tests(self) -> list[Table]:
        """Return the tables of the tests."""
        found = self.values.get("test", [])
        if not isinstance(found, list) or not all(isinstance(test, dict) for test in found):
            self.problem(None, "`test` is an array of tables; each begins with a line `[[test]]`")
            return []
        if not found and not self._problems:
            self.problem(None, "there is no test in it; each begins with a line `[[test]]`")
        # A text of several lines may hold what looks like the beginning of a test.
        sure = len(self._tests) == len(found)
        spans = pairwise([*self._tests, len(self._lines) + 1]) if sure else [(0, 0)] * len(found)
        return [Table(self, test, "a test", span) for test, span in zip(found, spans, strict=True)]

    def line_of(self, key: str, span: tuple[int, int]) -> int | None:
        """Return the first line of a range that looks like that of a key or of a table; else the first line."""
        name = rf"""["']?{re.escape(key)}["']?[ \t]*"""
        path = r"""(?:[\w"'-]+[ \t]*\.[ \t]*)*"""
        looks = re.compile(rf"[ \t]*{path}{name}[=.]|[ \t]*\[+[ \t]*{path}{name}[\].]|[^#\n]*[{{,][ \t]*{path}{name}=")
        first, end = span
        for number in range(max(first, 1), end):
            if looks.match(self._lines[number - 1]):
                return number
        return first or None


class Table:
    """A table of the file whose keys are read one by one, each as the type that it must have."""

    def __init__(self, document: Document, values: Mapping[str, Any], what: str, span: tuple[int, int]) -> None:
        self.document = document
        self.values = values
        self.what = what
        self.span = span

    @property
    def line(self) -> int | None:
        """Return the line at which it begins, None where that is not known."""
        return self.span[0] or None

    def line_of(self, key: str) -> int | None:
        """Return the line of a key, or a line above it."""
        return self.document.line_of(key, self.span)

    def problem(self, key: str, message: str) -> None:
        """Note what is wrong with a key."""
        self.document.problem(self.line_of(key), message)

    def refuse_others(self, known: Sequence[str]) -> None:
        """Note all keys that are not known."""
        for key in self.values:
            if key not in known:
                hint = near_name(key, known) or f"its keys are {listed(known)}"
                self.problem(key, f"`{key}` is no key of {self.what}; {hint}")

    def get(self, key: str, kinds: Iterable[type], example: str) -> Any:
        """Return a value; None where there is none, or, with a problem, one of another type."""
        value = self.values.get(key)
        if value is None or type(value) in kinds:
            return value
        self.problem(key, f"`{key}` is {kind_of(value)}; write {example}")
        return None

    def texts(self, key: str, example: str, *, numbers: bool = False) -> tuple[Any, ...] | None:
        """Return an array of texts, or, where that is allowed, whole numbers; None where there is none."""
        found = self.get(key, (list,), example)
        kinds = (str, int) if numbers else (str,)
        for item in found or ():
            if type(item) not in kinds:
                self.problem(key, f"`{key}` holds {kind_of(item)}; write {example}")
                return None
        return tuple(found) if found is not None else None

    def table(self, key: str, example: str) -> Table | None:
        """Return a table in the table."""
        found = self.get(key, (dict,), example)
        return (
            Table(self.document, found, f"`{key}`", (self.line_of(key) or 0, self.span[1]))
            if found is not None
            else None
        )


def kind_of(value: Any) -> str:
    """Return what TOML calls a value."""
    return _KINDS.get(type(value), type(value).__name__)


def listed(names: Sequence[str]) -> str:
    """Return names as people list them."""
    quoted = [f"`{name}`" for name in names]
    return ", ".join(quoted[:-1]) + (" and " if len(quoted) > 1 else "") + quoted[-1] if quoted else "none"
