"""The methods and fields of regular expressions and of what they match."""

from __future__ import annotations

from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import ITEMS, MethodEntry
from dispatcher.lang.measuring import weigh
from dispatcher.lang.methods.entry import field, method, small
from dispatcher.lang.regex import Match, Pattern
from dispatcher.lang.values import as_callable

# Steps for reaching the engine with a short text.
CALL_COST = 10


def _metered(name: str, signature: str, doc: str) -> MethodEntry:
    """Take a method of Pattern, which asks the meter itself."""
    function = getattr(Pattern, name)

    def call(meter: Meter, pattern: Pattern, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(CALL_COST)
        return function(pattern, meter, *arguments, **named)

    return method(name, signature, doc, call)


def replacement(meter: Meter, repl: Any) -> Any:
    """Return what replaces a match: text as it is, a rule's function as one of Python's."""
    return repl if type(repl) is str else as_callable(meter, repl)


def _sub(meter: Meter, pattern: Pattern, repl: Any, string: Any, count: Any = 0) -> str:
    return pattern.sub(meter, replacement(meter, repl), string, count)


def _subn(meter: Meter, pattern: Pattern, repl: Any, string: Any, count: Any = 0) -> tuple[str, int]:
    return pattern.subn(meter, replacement(meter, repl), string, count)


def _groupdict(meter: Meter, match: Match, default: Any = None) -> dict[str, Any]:
    meter.items(len(match.re.groupindex))
    return match.groupdict(default)


def _groupindex(meter: Meter, pattern: Pattern) -> dict[str, int]:
    meter.items(len(pattern.groupindex))
    return dict(pattern.groupindex)


def _expand(meter: Meter, match: Match, template: Any) -> str:
    meter.charge(1 + (weigh(meter, template) >> 3))
    return match.expand(template)


PATTERN = (
    field("pattern", "the pattern as text"),
    field("flags", "the flags as a number"),
    field("groups", "how many groups it has"),
    MethodEntry("groupindex", "groupindex", ITEMS, "the groups' names and numbers", _groupindex, field=True),
    _metered("search", "search(text, start, end)", "the first match anywhere, or None"),
    _metered("match", "match(text, start, end)", "the match at the start, or None"),
    _metered("fullmatch", "fullmatch(text, start, end)", "the match of the whole text, or None"),
    _metered("findall", "findall(text, start, end)", "all matches as texts, or tuples of groups"),
    _metered("finditer", "finditer(text, start, end)", "all matches"),
    _metered("split", "split(text, maxsplit=0)", "the parts between matches"),
    method("sub", "sub(replacement, text, count=0)", "the text with matches replaced", _sub),
    method("subn", "subn(replacement, text, count=0)", "the text with matches replaced, and how many", _subn),
)

MATCH = (
    field("string", "the text that was searched"),
    field("pos", "where the search began"),
    field("endpos", "where the search ended"),
    field("lastindex", "the number of the last group that matched, or None"),
    field("lastgroup", "the name of the last group that matched, or None"),
    field("re", "the pattern"),
    small(Match.group, "group(*groups)", "the text of a group; 0 is the whole match"),
    small(Match.groups, "groups(default=None)", "the texts of all groups"),
    method("groupdict", "groupdict(default=None)", "the texts of the named groups", _groupdict),
    small(Match.start, "start(group=0)", "where a group begins"),
    small(Match.end, "end(group=0)", "where a group ends"),
    small(Match.span, "span(group=0)", "where a group begins and ends"),
    method("expand", "expand(template)", "a template filled in with the groups", _expand),
)
