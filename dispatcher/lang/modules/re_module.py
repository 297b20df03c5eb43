"""`re`: regular expressions that cannot hang, see `dispatcher.lang.regex`."""

from __future__ import annotations

from typing import Any, NoReturn

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, LENGTH, FunctionEntry
from dispatcher.lang.exceptions import RAISE_COST
from dispatcher.lang.formatting import text_of
from dispatcher.lang.methods.expressions import replacement
from dispatcher.lang.modules.entry import ModuleEntry, constant, function
from dispatcher.lang.modules.places import charge_place
from dispatcher.lang.regex import FLAGS, Match, Pattern, RegexError, compile_pattern, escape
from dispatcher.lang.values import Implementation, TypeValue, type_name

_SEARCH = "pattern times text at most"


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


def _split(meter: Meter, pattern: Any, string: Any, maxsplit: Any = 0, flags: Any = 0) -> list[str | None]:
    return _pattern(meter, pattern, flags).split(meter, string, maxsplit)


def _sub(meter: Meter, pattern: Any, repl: Any, string: Any, count: Any = 0, flags: Any = 0) -> str:
    return _pattern(meter, pattern, flags).sub(meter, replacement(meter, repl), string, count)


def _subn(meter: Meter, pattern: Any, repl: Any, string: Any, count: Any = 0, flags: Any = 0) -> tuple[str, int]:
    return _pattern(meter, pattern, flags).subn(meter, replacement(meter, repl), string, count)


def _error(meter: Meter, msg: Any, pattern: Any = None, pos: Any = None) -> RegexError:
    meter.charge(RAISE_COST)
    if pattern is None or pos is None:
        return RegexError(msg, pattern, pos)
    place: Any = pos
    if not isinstance(place, int | float):
        raise TypeError(f"%d format: a real number is required, not {type_name(pos)}")
    # Python shows the place as a whole number before it looks at the pattern.
    int(place)
    charge_place(meter, pattern)
    # Python makes a text of the message.
    return RegexError(text_of(meter, msg), pattern, pos)


def _made_by_compile(_meter: Meter, /, *_arguments: Any, **_named: Any) -> NoReturn:
    raise TypeError("cannot create 're.Pattern' instances")


def _made_by_search(_meter: Meter, /, *_arguments: Any, **_named: Any) -> NoReturn:
    raise TypeError("cannot create 're.Match' instances")


def _line(name: str, arguments: str, doc: str, implementation: Implementation) -> FunctionEntry:
    return function(name, f"{name}({arguments})", _SEARCH, doc, implementation)


# As plain numbers: Python's flags keep every combination that is ever made.
_FLAGS = tuple(constant(name, "a flag, combined with others by `|`", int(flag)) for name, flag in FLAGS.items())

RE = ModuleEntry(
    "re",
    "regular expressions",
    (
        function("compile", "compile(pattern, flags=0)", LENGTH, "the pattern, ready for use", _pattern),
        function("escape", "escape(pattern)", LENGTH, "the text as a pattern for itself", escape),
        _line("findall", "pattern, string, flags=0", "all matches as texts, or tuples of groups", _find("findall")),
        _line("finditer", "pattern, string, flags=0", "all matches, one by one", _find("finditer")),
        _line("fullmatch", "pattern, string, flags=0", "the match of the whole text, or None", _find("fullmatch")),
        _line("match", "pattern, string, flags=0", "the match at the start, or None", _find("match")),
        _line("search", "pattern, string, flags=0", "the first match anywhere, or None", _find("search")),
        _line("split", "pattern, string, maxsplit=0, flags=0", "the parts between matches", _split),
        _line("sub", "pattern, repl, string, count=0, flags=0", "the text with matches replaced", _sub),
        _line("subn", "pattern, repl, string, count=0, flags=0", "the same, and how many were replaced", _subn),
        FunctionEntry(
            "Match", "Match", CONSTANT, "the type of a match", TypeValue("Match", Match, _made_by_search, module="re")
        ),
        FunctionEntry(
            "Pattern",
            "Pattern",
            CONSTANT,
            "the type of a compiled pattern",
            TypeValue("Pattern", Pattern, _made_by_compile, module="re"),
        ),
        FunctionEntry(
            "error",
            "error(msg, pattern=None, pos=None)",
            CONSTANT,
            "raised for what is no regular expression",
            TypeValue("error", RegexError, _error, module="re"),
        ),
        *_FLAGS,
    ),
)
