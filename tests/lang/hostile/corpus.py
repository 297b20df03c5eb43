"""Reads the hostile programs: rules written to get out, to hang, to crash or to leak, and what must come of each.

A file is a theme: a preamble, then cases in the form of the conformance corpus:

    === title: why it fails
    program
    ---
    refused: the codes of its errors, when it does not even run
    fault: exception type, line of the program, for each statement at fault; a limit has no line
    harmless, when it runs to its end
    x = repr of what the program got hold of, when it is data
    canary: lost, when the statement behind the program did not run

In programs ␀ stands for NUL, ⟨D800⟩ for the character of that code, ⟪text⟫99 for 99 times that text with {n} for
the number of each, beside the stand-ins of the conformance corpus.

Themes whose programs take long run one in so many, unless the environment says HOSTILE=all.

Two files are of their own kind: read_only has forms with NAME for each read-only variable, honest has what must run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.lang.conformance.corpus import Case, read_cases

CORPUS = Path(__file__).parent

SPECIAL = ("honest", "read_only")
# One program in so many of a theme.
SAMPLED = {"time": 8, "depth": 6, "front_end": 6, "memory": 2}

_REPEATED = re.compile("⟪([^⟪⟫]*)⟫([0-9]+)")
_CODE = re.compile("⟨([0-9A-F]{2,6})⟩")


def themes() -> list[str]:
    """Return the names of the files of hostile programs, in order."""
    return sorted(path.stem for path in CORPUS.glob("*.txt") if path.stem not in SPECIAL)


def deciding() -> list[str]:
    """Return the themes whose programs are there for what they decide, and not for how they are read."""
    return [theme for theme in themes() if theme != "front_end"]


def read_theme(theme: str) -> list[Case]:
    """Return the cases of one file; titles are unique within it."""
    return read_cases(CORPUS / f"{theme}.txt")


def sample(theme: str, step: int | None = None) -> list[Case]:
    """Return the cases of a theme that a usual run of the tests has time for, or one in `step`."""
    step = 1 if os.environ.get("HOSTILE") == "all" else step or SAMPLED.get(theme, 1)
    return read_theme(theme)[::step]


def compared() -> list[Case]:
    """Return the cases that are run in a second process too: all that could carry over, and one in four others."""
    return [case for theme in deciding() for case in sample(theme, 1 if theme in ("carried_over", "results") else 4)]


def rules(case: Case) -> str:
    """Return the rules to run, with characters in place of their stand-ins."""
    text = case.program.replace("␀", "\0")
    text = _REPEATED.sub(lambda found: repeated(found[1], int(found[2])), text)
    return _CODE.sub(lambda found: chr(int(found[1], 16)), text)


def repeated(text: str, times: int) -> str:
    """Return `text` so many times, with the number of each, from 0, in place of `{n}`."""
    if "{n}" not in text:
        return text * times
    return "".join(text.replace("{n}", str(number)) for number in range(times))
