"""Rewrites every expected result of the corpus with what CPython 3.11 makes of the program.

Run `python -m tests.lang.conformance.regenerate` from the top of the repository, then read the diff. Names behind it,
such as `match loops`, limit it to those files.
"""

from __future__ import annotations

import ast
import contextlib
import io
import sys
import traceback
import warnings
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any

from tests.lang.conformance.corpus import CORPUS, describe, read_cases, with_expected, write_cases

_PROGRAM = "<program>"


def observe(program: str) -> str:
    """Run the program on CPython as a rule set runs: a top-level statement that faults counts as absent."""
    faults: list[tuple[str, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown escape such as '\d' is only a warning
        statements = ast.parse(program).body
        # Starts afresh without the statement, for it may have changed things before it failed.
        while True:
            variables: dict[str, Any] = {}
            printed = io.StringIO()
            faulty, fault = _run(statements, variables, printed)
            if fault is None:
                break
            faults.append((type(fault).__name__, _line(fault)))
            statements = [statement for statement in statements if statement is not faulty]
    return describe(dict(_working(variables)), printed.getvalue(), faults)


def _working(variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a decision shows: neither functions and modules, nor what exec puts beside the variables."""
    for name, value in variables.items():
        if not (name.startswith("__") or callable(value) or isinstance(value, ModuleType)):
            yield name, value


def _run(
    statements: list[ast.stmt], variables: dict[str, Any], printed: io.StringIO
) -> tuple[ast.stmt | None, BaseException | None]:
    """Run the statements up to the first that raises; return it and what it raised."""
    variables["__builtins__"] = __builtins__
    with contextlib.redirect_stdout(printed):
        for statement in statements:
            code = compile(ast.Module([statement], []), _PROGRAM, "exec")
            try:
                exec(code, variables)
            except BaseException as fault:  # noqa: BLE001 - a program may raise SystemExit, too
                return statement, fault
    return None, None


def _line(fault: BaseException) -> int:
    """Return the program's innermost line, also for what the standard library raised."""
    frames = traceback.extract_tb(fault.__traceback__)
    return [frame.lineno or 0 for frame in frames if frame.filename == _PROGRAM][-1]


def regenerate(areas: Collection[str] = ()) -> None:
    """Rewrite the files of these areas, or all."""
    for path in sorted(CORPUS.glob("*.txt")):
        if not areas or path.stem in areas:
            write_cases(path, [with_expected(case, observe(case.program)) for case in read_cases(path)])


if __name__ == "__main__":
    regenerate(sys.argv[1:])
