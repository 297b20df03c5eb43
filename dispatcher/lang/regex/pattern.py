"""Patterns and their methods, as in CPython but for the meter that comes first."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from operator import index
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.regex.ledger import ledger_of
from dispatcher.lang.regex.match import Match
from dispatcher.lang.regex.task import Engine, Task
from dispatcher.lang.regex.template import expand_template, read_template

if TYPE_CHECKING:
    from dispatcher.lang.regex import sre
    from dispatcher.lang.regex.program import Found, Program

KNOWN_PATTERN_STEPS = 10
PARSE_STEPS = 100
PARSE_STEPS_PER_CHARACTER = 20
COMPILE_STEPS = 300
COMPILE_STEPS_PER_CHARACTER = 60
COMPILED_BYTES = 2_000
COMPILED_BYTES_PER_CHARACTER = 100

# Patterns for the evaluations to come; long ones are rare and may have many sets, so they are compiled again.
MAX_KEPT_PATTERNS = 256
MAX_KEPT_LENGTH = 500

_NOTHING = re.compile("(?!)")
_SHOWN_FLAGS = ("IGNORECASE", "MULTILINE", "DOTALL", "UNICODE", "VERBOSE", "ASCII")
_SHOWN = 200


class Pattern:
    """A compiled regular expression."""

    __slots__ = ("_program", "flags", "groupindex", "groups", "pattern")

    def __init__(self, pattern: str, parsed: sre.Parsed, program: Program) -> None:
        self._program: Final = program
        self.pattern: Final = pattern
        self.flags: Final = parsed.flags
        self.groups: Final = parsed.groups
        self.groupindex: Final = MappingProxyType(parsed.names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pattern):
            return NotImplemented
        return (self.flags, self.pattern) == (other.flags, other.pattern)

    def __hash__(self) -> int:
        return hash((self.flags, self.pattern))

    def __repr__(self) -> str:
        flags = self.flags
        if not flags & re.ASCII:
            # What text patterns are anyway is not shown.
            flags &= ~int(re.UNICODE)
        shown = []
        for name in _SHOWN_FLAGS:
            flag = int(re.RegexFlag[name])
            if flags & flag:
                shown.append(f"re.{name}")
                flags &= ~flag
        if flags:
            shown.append(f"0x{flags:x}")
        text = repr(self.pattern)[:_SHOWN]
        return f"re.compile({text}, {'|'.join(shown)})" if shown else f"re.compile({text})"

    def search(self, meter: Meter, string: Any, pos: Any = 0, endpos: Any = sys.maxsize) -> Match | None:
        """Return the first match anywhere in the text."""
        return self._find(meter, Task.SEARCH, string, pos, endpos)

    def match(self, meter: Meter, string: Any, pos: Any = 0, endpos: Any = sys.maxsize) -> Match | None:
        """Return the match at the start of the text."""
        return self._find(meter, Task.MATCH, string, pos, endpos)

    def fullmatch(self, meter: Meter, string: Any, pos: Any = 0, endpos: Any = sys.maxsize) -> Match | None:
        """Return the match of all of the text."""
        return self._find(meter, Task.FULL_MATCH, string, pos, endpos)

    def findall(self, meter: Meter, string: Any, pos: Any = 0, endpos: Any = sys.maxsize) -> list[Any]:
        """Return the texts of all matches, or of their groups."""
        text, pos, endpos = _window(string, pos, endpos)
        result: list[Any] = []
        for spans, _ in self._program.scan(meter, text, pos, endpos):
            wanted = spans[1:] or spans
            # A group that took no part, from -1 to -1, is empty here.
            texts = tuple([meter.piece(text, begin, end) for begin, end in wanted])
            result.append(texts if len(texts) > 1 else texts[0])
        charged = meter.items(len(result))
        meter.made(result, charged, charged)
        return result

    def finditer(self, meter: Meter, string: Any, pos: Any = 0, endpos: Any = sys.maxsize) -> Iterator[Match]:
        """Return an iterator over all matches."""
        text, pos, endpos = _window(string, pos, endpos)
        return (Match(meter, self, text, pos, endpos, found) for found in self._program.scan(meter, text, pos, endpos))

    def split(self, meter: Meter, string: Any, maxsplit: Any = 0) -> list[str | None]:
        """Return the texts between matches, and those of the groups of each match."""
        limit = _count(maxsplit)
        text, _, _ = _window(string, 0, sys.maxsize)
        result: list[str | None] = []
        last = 0
        for spans, _ in self._matches(meter, text, limit):
            (begin, end), *groups = spans
            result.append(meter.piece(text, last, begin))
            result += [meter.piece(text, start, stop) if start >= 0 else None for start, stop in groups]
            last = end
        result.append(meter.piece(text, last, len(text)))
        charged = meter.items(len(result))
        meter.made(result, charged, charged)
        return result

    def sub(self, meter: Meter, repl: Any, string: Any, count: Any = 0) -> str:
        """Return the text with its matches replaced."""
        return self.subn(meter, repl, string, count)[0]

    def subn(self, meter: Meter, repl: Any, string: Any, count: Any = 0) -> tuple[str, int]:
        """Return the text with its matches replaced, and how many were."""
        limit = _count(count)
        replace = self._replacement(meter, repl, string)
        text, _, _ = _window(string, 0, sys.maxsize)
        pieces: list[Any] = []
        replaced = last = size = 0
        for found in self._matches(meter, text, limit):
            begin, end = found[0][0]
            if last < begin:
                pieces.append(text[last:begin])
            piece = replace(found)
            if piece is not None:
                pieces.append(piece)
            # What was put together so far is in the pieces, and those of the rule's own are charged already.
            size += begin - last + (len(piece) if isinstance(piece, str) else 0)
            if size > meter.limits.text:
                meter.text(size)
            meter.charge(1)
            last = end
            replaced += 1
        if last < len(text):
            pieces.append(text[last:])
        charged = meter.text(sum([len(piece) for piece in pieces if isinstance(piece, str)]))
        return meter.made_text("".join(pieces), charged), replaced

    def _find(self, meter: Meter, task: Task, string: Any, pos: Any, endpos: Any) -> Match | None:
        text, pos, endpos = _window(string, pos, endpos)
        found = self._program.find(meter, task, text, pos, endpos)
        return Match(meter, self, text, pos, endpos, found) if found else None

    def _matches(self, meter: Meter, text: str, limit: int) -> Iterator[Found]:
        """Yield the matches; at most `limit` if that is positive, none if it is negative."""
        if limit < 0:
            return
        for number, found in enumerate(self._program.scan(meter, text, 0, len(text)), 1):
            yield found
            if number == limit:
                return

    def _replacement(self, meter: Meter, repl: Any, string: Any) -> Callable[[Found], Any]:
        """Return what makes the replacement of one match."""
        if callable(repl):
            return lambda found: repl(Match(meter, self, string, 0, len(string), found))
        if isinstance(repl, bytes):
            # CPython notices this when it joins the pieces, and so do we.
            return lambda _: repl
        hash(repl)
        parts = read_template(meter, repl, self)
        if parts == [repl]:
            return lambda _: repl
        return lambda found: expand_template(meter, parts, string, found[0])


def compile_pattern(meter: Meter, pattern: Any, flags: Any = 0, _engine: Engine = Engine.EITHER) -> Pattern:
    """Return the compiled pattern; raise what CPython raises, or LimitExceeded. An evaluation pays once for each."""
    if isinstance(pattern, Pattern):
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        return pattern
    if not isinstance(pattern, str):
        raise TypeError("first argument must be string or compiled pattern")
    if not isinstance(flags, int):
        # Refuses in the words of this version of CPython what is no flag.
        re.compile("", flags)
    if flags & re.DEBUG:
        raise ValueError("the flag re.DEBUG is not for rules: it prints how a pattern is compiled")
    key = (pattern, int(flags), _engine)
    paid = ledger_of(meter).patterns
    compiled = paid.get(key)
    if compiled is not None:
        meter.charge(KNOWN_PATTERN_STEPS)
        return compiled
    meter.charge(PARSE_STEPS + PARSE_STEPS_PER_CHARACTER * len(pattern))
    meter.allocate(COMPILED_BYTES + COMPILED_BYTES_PER_CHARACTER * len(pattern))
    kept = _kept.get(key)
    if kept is None:
        compiled = _compile(meter, *key)
    else:
        compiled, steps = kept
        meter.charge(steps)
    paid[key] = compiled
    return compiled


def _compile(meter: Meter, pattern: str, flags: int, engine: Engine) -> Pattern:
    # Most rules have no patterns, and need none of what reads and runs them.
    from dispatcher.lang.regex import sre
    from dispatcher.lang.regex.nodes import One, Run
    from dispatcher.lang.regex.program import Program
    from dispatcher.lang.regex.reader import read
    from dispatcher.lang.regex.shape import descendants

    try:
        parsed = sre.parse(pattern, flags)
        root = read(parsed)
        units = [node.unit for node in descendants(root) if isinstance(node, One | Run)]
        steps = COMPILE_STEPS + COMPILE_STEPS_PER_CHARACTER * len(pattern) + sum([unit.compile_steps for unit in units])
        meter.charge(steps)
        compiled = Pattern(pattern, parsed, Program(parsed, root, engine))
    except RecursionError:
        raise LimitExceeded("a regular expression nests too deep for so deep a call") from None
    if len(pattern) <= MAX_KEPT_LENGTH:
        with _keeping:
            if len(_kept) >= MAX_KEPT_PATTERNS:
                del _kept[next(iter(_kept))]
            _kept[pattern, flags, engine] = (compiled, steps)
    return compiled


# With what compiling them costs, so that an evaluation spends the same whether or not it finds its pattern here.
_kept: dict[tuple[str, int, Engine], tuple[Pattern, int]] = {}
_keeping = threading.Lock()


def escape(meter: Meter, pattern: Any) -> str:
    """Return the text with all characters escaped that mean something in a pattern."""
    if not isinstance(pattern, str):
        # Refuses in CPython's words what is neither text nor bytes.
        pattern = str(pattern, "latin1")
        raise TypeError("regular expressions of rules are text, not bytes")
    meter.text(2 * len(pattern))
    meter.charge(len(pattern) >> 2)
    return re.escape(pattern)


def _window(string: Any, pos: Any, endpos: Any) -> tuple[str, int, int]:
    """Return the text and the places as CPython takes them; raise what it raises for others."""
    _NOTHING.match(string, pos, endpos)
    length = len(string)
    return string, min(max(index(pos), 0), length), min(max(index(endpos), 0), length)


def _count(value: Any) -> int:
    """Return a number of matches; raise what CPython raises for others."""
    _NOTHING.split("", value)
    return index(value)
