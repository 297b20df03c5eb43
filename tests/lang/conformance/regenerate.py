"""Rewrites every expected result of the corpus with what CPython 3.11 makes of the program.

Run `python -m tests.lang.conformance.regenerate` from the top of the repository, then read the diff. Names behind it,
such as `match loops`, limit it to those files.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any

from tests.lang.absent import run_on_cpython
from tests.lang.conformance.corpus import CORPUS, describe, read_cases, with_expected, write_cases


def observe(program: str) -> str:
    """Run the program on CPython as a rule set runs: a top-level statement that faults counts as absent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown escape such as '\d' is only a warning
        ran = run_on_cpython(program)
    return describe(dict(_working(ran.variables)), ran.prints, ran.faults)


def _working(variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a decision shows: neither functions and modules, nor what exec puts beside the variables."""
    for name, value in variables.items():
        if not (name.startswith("__") or callable(value) or isinstance(value, ModuleType)):
            yield name, value


def regenerate(areas: Collection[str] = ()) -> None:
    """Rewrite the files of these areas, or all."""
    for path in sorted(CORPUS.glob("*.txt")):
        if not areas or path.stem in areas:
            write_cases(path, [with_expected(case, observe(case.program)) for case in read_cases(path)])


if __name__ == "__main__":
    regenerate(sys.argv[1:])
