"""Python's `re` for rules: CPython's meaning, with a meter that every search pays.

sre        CPython's parser and compiler, with bounds
reader     its parse -> nodes, our tree; unit and charset say what one character accepts
cost       nodes and a text -> a bound on the work of CPython's engine; shape knows the nodes, measure the text
assembly   nodes -> instructions (with runs, rounds and parts) for the machine, a matcher of our own
program    one pattern: CPython's engine where the bound is small, else the machine
pattern    what rules see, with match and template; the ledger remembers what is paid for
"""

from __future__ import annotations

import re

from dispatcher.lang.regex.match import Match
from dispatcher.lang.regex.pattern import Pattern, compile_pattern, escape

RegexError = re.error

# The flags by all their names. LOCALE is for bytes, DEBUG prints and TEMPLATE is gone, so they are not here.
FLAGS = {
    name: re.RegexFlag[name]
    for name in (
        *("A", "ASCII", "I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL"),
        *("U", "UNICODE", "X", "VERBOSE", "NOFLAG"),
    )
}

__all__ = ["FLAGS", "Match", "Pattern", "RegexError", "compile_pattern", "escape"]
