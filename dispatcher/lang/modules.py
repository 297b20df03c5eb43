"""The modules that rules can import, in one table: for each an explicit list of members, and nothing else.

`datetime` reads the evaluation's clock, so that a decision can be replayed.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.methods.expressions import replacement
from dispatcher.lang.regex import FLAGS, Pattern, compile_pattern, escape
from dispatcher.lang.values import Builtin, Implementation, ModuleValue, TypeValue, as_callable, type_name

LONGEST_ZONE = 64
LONGEST_FORMAT = 200
_SPACE = re.compile(r"[ \t\n\r\x0b\f]+")


def _functions(**implementations: Implementation) -> dict[str, Builtin]:
    return {name: Builtin(name, implementation) for name, implementation in implementations.items()}


# --- textwrap


def _charged(function: Callable[..., Any]) -> Implementation:
    def call(meter: Meter, text: Any, width: Any = 70, **options: Any) -> Any:
        _charge_wrapping(meter, text, width, options)
        return function(text, width, **options)

    return call


def _charge_wrapping(meter: Meter, text: Any, width: Any, options: Mapping[str, Any] = MappingProxyType({})) -> None:
    if type(text) is not str:
        raise TypeError(f"expected text, got '{type_name(text)}'")
    tabs = options.get("tabsize", 8)
    size = len(text) + text.count("\t") * (tabs if isinstance(tabs, int) and tabs > 0 else 0)
    indent = sum(len(option) for option in options.values() if isinstance(option, str))
    # The module takes fewer characters for white space than `split` does.
    words = _SPACE.split(text)
    # At least one character or one word stands on each line, behind the indent.
    room = max(1, width - indent) if isinstance(width, int) else 1
    lines = len(words) + size // room + 1
    meter.text(size + lines * indent)
    # The module takes some 200 ns a character, and copies the rest of a word that is longer than a line.
    longest = max(map(len, words), default=0)
    meter.charge(50 + 3 * size + (longest * (longest // room) >> 10))
    meter.allocate(4 * size)


def _shorten(meter: Meter, text: Any, width: Any, **options: Any) -> str:
    _charge_wrapping(meter, text, width, options)
    return textwrap.shorten(text, width, **options)


def _dedent(meter: Meter, text: Any, /) -> str:
    _charge_wrapping(meter, text, 1 << 30)
    return textwrap.dedent(text)


def _indent(meter: Meter, text: Any, prefix: Any, predicate: Any = None) -> str:
    _charge_wrapping(meter, text, 1 << 30)
    if type(prefix) is str:
        meter.text(len(text) + len(prefix) * (text.count("\n") + 1))
    return textwrap.indent(text, prefix, None if predicate is None else as_callable(meter, predicate))


_TEXTWRAP = _functions(
    wrap=_charged(textwrap.wrap),
    fill=_charged(textwrap.fill),
    shorten=_shorten,
    dedent=_dedent,
    indent=_indent,
)


# --- datetime


def _now(meter: Meter, tz: Any = None) -> datetime:
    meter.charge(10)
    if tz is None:
        return meter.now.replace(tzinfo=None)
    return meter.now.astimezone(tz)


def _utcnow(meter: Meter, /) -> datetime:
    return meter.now.astimezone(UTC).replace(tzinfo=None)


def _today(meter: Meter, /) -> date:
    return meter.now.date()


def _datetime_today(meter: Meter, /) -> datetime:
    return meter.now.replace(tzinfo=None)


def _calling(function: Callable[..., Any]) -> Implementation:
    def call(meter: Meter, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(1)
        for argument in arguments:
            if type(argument) is str:
                meter.charge(len(argument))
        return function(*arguments, **named)

    return call


def _members(kind: type, *names: str) -> dict[str, Any]:
    return {name: Builtin(name, _calling(getattr(kind, name))) for name in names}


def _type(kind: type, **members: Any) -> TypeValue:
    return TypeValue(kind.__name__, kind, _calling(kind), members, module="datetime")


def _strptime(meter: Meter, text: Any, spec: Any, /) -> datetime:
    if type(spec) is str and len(spec) > LONGEST_FORMAT:
        raise LimitExceeded(f"a format would be longer than {LONGEST_FORMAT} characters")
    # Python makes a regular expression of each new format.
    meter.charge(2000 + (len(text) if type(text) is str else 0))
    return datetime.strptime(text, spec)


def _timezone(meter: Meter, offset: Any, *name: Any) -> timezone:
    if name and type(name[0]) is str and len(name[0]) > LONGEST_ZONE:
        # `%Z` repeats the name as often as a format asks for it.
        raise LimitExceeded(f"a time zone's name would be longer than {LONGEST_ZONE} characters")
    meter.charge(1)
    return timezone(offset, *name)


_DATETIME: dict[str, Any] = {
    "MINYEAR": MINYEAR,
    "MAXYEAR": MAXYEAR,
    "date": _type(
        date,
        today=Builtin("today", _today),
        min=date.min,
        max=date.max,
        **_members(date, "fromisoformat", "fromordinal", "fromisocalendar"),
    ),
    "time": _type(time, min=time.min, max=time.max, **_members(time, "fromisoformat")),
    "datetime": _type(
        datetime,
        now=Builtin("now", _now),
        utcnow=Builtin("utcnow", _utcnow),
        today=Builtin("today", _datetime_today),
        min=datetime.min,
        max=datetime.max,
        strptime=Builtin("strptime", _strptime),
        **_members(datetime, "fromisoformat", "combine"),
    ),
    "timedelta": _type(timedelta, min=timedelta.min, max=timedelta.max),
    "timezone": TypeValue("timezone", timezone, _timezone, {"utc": UTC}, module="datetime"),
    "UTC": UTC,
}

# --- re


def _find(name: str) -> Implementation:
    search = getattr(Pattern, name)

    def find(meter: Meter, pattern: Any, string: Any, flags: Any = 0) -> Any:
        return search(_pattern(meter, pattern, flags), meter, string)

    return find


def _pattern(meter: Meter, pattern: Any, flags: Any = 0) -> Pattern:
    if type(pattern) is Pattern:
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        return pattern
    return compile_pattern(meter, pattern, flags)


def _re_split(meter: Meter, pattern: Any, string: Any, maxsplit: Any = 0, flags: Any = 0) -> list[str | None]:
    return _pattern(meter, pattern, flags).split(meter, string, maxsplit)


def _re_sub(meter: Meter, pattern: Any, repl: Any, string: Any, count: Any = 0, flags: Any = 0) -> str:
    return _pattern(meter, pattern, flags).sub(meter, replacement(meter, repl), string, count)


def _re_subn(meter: Meter, pattern: Any, repl: Any, string: Any, count: Any = 0, flags: Any = 0) -> tuple[str, int]:
    return _pattern(meter, pattern, flags).subn(meter, replacement(meter, repl), string, count)


_RE: dict[str, Any] = {
    # As plain numbers: Python's flags keep every combination that is ever made.
    **{name: int(flag) for name, flag in FLAGS.items()},
    **_functions(
        compile=_pattern,
        escape=escape,
        split=_re_split,
        sub=_re_sub,
        subn=_re_subn,
        **{name: _find(name) for name in ("search", "match", "fullmatch", "findall", "finditer")},
    ),
}

MODULES: Mapping[str, ModuleValue] = {
    "datetime": ModuleValue("datetime", _DATETIME),
    "re": ModuleValue("re", _RE),
    "textwrap": ModuleValue("textwrap", _TEXTWRAP),
}
