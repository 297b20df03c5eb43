"""CPython's own parser and compiler of regular expressions; only this file imports their private modules.

Syntax, flags and errors are CPython's because its parser decides them. What is added are bounds: the parser, like all
that comes behind it, recurses for every group, so the text is measured before it is handed over.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol

from dispatcher.lang.budget import LimitExceeded
from dispatcher.lang.records import dataclass

MAX_LENGTH = 10_000
MAX_NESTING = 30

_parser: Any = import_module("re._parser")
_compiler: Any = import_module("re._compiler")
_constants: Any = import_module("re._constants")
_sre: Any = import_module("_sre")

# Characters that match each other under IGNORECASE though their lower cases differ, by code.
EXTRA_CASES: dict[int, tuple[int, ...]] = import_module("re._casefix")._EXTRA_CASES  # noqa: SLF001 - no public way
to_lower_ascii = _sre.ascii_tolower
to_lower_unicode = _sre.unicode_tolower
has_case_ascii = _sre.ascii_iscased
has_case_unicode = _sre.unicode_iscased

MAXREPEAT: int = _constants.MAXREPEAT

# Flags that change what one character matches.
CHARACTER_FLAGS = int(re.ASCII | re.UNICODE | re.IGNORECASE | re.DOTALL)

# All that can open a group, with what may hide a parenthesis from the parser: escapes, sets, comments.
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*+|\(\?#(?:[^)\\]|\\.)*+|[()]", re.DOTALL)
_VERBOSE_TOKENS = re.compile(_TOKENS.pattern + r"|#(?:\\.|[^\n\\])*+", re.DOTALL)
_INLINE_VERBOSE = re.compile(r"\(\?-?[a-zA-Z]*x[a-zA-Z]*(.)", re.DOTALL)

# Whatever the parser would warn about has one of these in it.
_MAY_WARN = re.compile(r"\[\[|--|&&|~~|\|\||\(\?\(|\\g<")
_WARNINGS = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A regular expression as CPython's parser gives it."""

    tree: Any
    flags: int
    groups: int
    names: dict[str, int]


class GroupNames(Protocol):
    """What the parser of templates asks of a pattern."""

    @property
    def groups(self) -> int: ...
    @property
    def groupindex(self) -> Any: ...


def parse(pattern: str, flags: int) -> Parsed:
    """Return the parsed pattern; raise what CPython raises, or LimitExceeded for one too long or too deep."""
    if len(pattern) > MAX_LENGTH:
        raise LimitExceeded(f"a regular expression would be longer than {MAX_LENGTH:,} characters")
    if _nesting(pattern, flags) > MAX_NESTING:
        raise LimitExceeded(f"groups of a regular expression would nest more than {MAX_NESTING} deep")
    with _without_warnings(pattern):
        tree = _parser.parse(pattern, flags)
    state = tree.state
    return Parsed(tree, flags | state.flags, state.groups - 1, dict(state.groupdict))


def compile_tree(parsed: Parsed) -> re.Pattern[str]:
    """Return CPython's compiled pattern; raise re.error for what only its compiler finds."""
    compiled: re.Pattern[str] = _compiler.compile(parsed.tree, parsed.flags)
    return compiled


def compile_run(op: Any, argument: Any, flags: int) -> re.Pattern[str]:
    """Return CPython's pattern for the longest run of what one character of a pattern accepts."""
    item = _parser.SubPattern(_parser.State(), [(op, argument)])
    return _compile_node(_constants.POSSESSIVE_REPEAT, (0, _constants.MAXREPEAT, item), flags)


def _compile_node(op: Any, argument: Any, flags: int) -> re.Pattern[str]:
    compiled: re.Pattern[str] = _compiler.compile(_parser.SubPattern(_parser.State(), [(op, argument)]), flags)
    return compiled


def search_filter(parsed: Parsed) -> re.Pattern[str] | None:
    """Return the pattern for the characters at which CPython's search makes an attempt, where it looks for some.

    CPython reads these under the flags of the whole pattern, although the first set of `(?a:[^\\w])` has others: it
    then passes over places that match.
    """
    tree = parsed.tree
    if tree.getwidth()[0] == 0 or _compiler._get_literal_prefix(tree, parsed.flags)[0]:  # noqa: SLF001
        return None
    charset = _compiler._get_charset_prefix(tree, parsed.flags)  # noqa: SLF001
    return _compile_node(_constants.IN, charset, parsed.flags & ~re.IGNORECASE) if charset else None


def parse_template(template: str, pattern: GroupNames) -> list[str | int]:
    """Return the parts of a replacement in order: literal text, and numbers of groups."""
    with _without_warnings(template):
        parsed = _parser.parse_template(template, pattern)
    if isinstance(parsed, list):
        return parsed
    # Before Python 3.12: places of groups, and a list of literals with gaps at those places.
    groups, parts = parsed
    for place, group in groups:
        parts[place] = group
    return parts  # type: ignore[no-any-return]


def _nesting(pattern: str, flags: int) -> int:
    """Return a bound on how deep groups nest; exact but for patterns that are verbose in places."""
    inline = set(_INLINE_VERBOSE.findall(pattern))
    if inline - {")"}:
        return pattern.count("(")
    tokens = _VERBOSE_TOKENS if flags & re.VERBOSE or inline else _TOKENS
    depth = deepest = 0
    for piece in tokens.findall(pattern):
        if piece == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif piece == ")":
            depth -= 1
    return deepest


@contextmanager
def _without_warnings(text: str) -> Iterator[None]:
    # A rule has nowhere to show a warning, and under `-W error` it must not become an exception. The filters are
    # global to the process, so they are touched seldom and by one thread at a time.
    if not _MAY_WARN.search(text):
        yield
        return
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
