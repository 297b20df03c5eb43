"""What CPython makes of a program where a top-level statement that fails counts as absent. Imports nothing of the product."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType, MappingProxyType
from typing import Any

_PROGRAM = "<program>"


@dataclass(frozen=True, slots=True)
class Ran:
    """The variables at the end, what was printed, and type and line of each fault."""

    variables: dict[str, Any]
    prints: str
    faults: list[tuple[str, int]]


def run_on_cpython(program: str, first: Mapping[str, Any] = MappingProxyType({})) -> Ran:
    """Run a program that finds the variables `first`; raises SyntaxError or ValueError where CPython refuses it."""
    statements = ast.parse(program).body
    # What only the compiler of the whole refuses.
    compile(program, _PROGRAM, "exec", dont_inherit=True)
    codes = [compile(ast.Module([statement], []), _PROGRAM, "exec") for statement in statements]
    faults: list[tuple[str, int]] = []
    # Starts afresh without the statement at fault, for it may have changed things before it failed.
    while True:
        variables: dict[str, Any] = {"__builtins__": __builtins__, **copy.deepcopy(dict(first))}
        printed = io.StringIO()
        faulty, fault = _run(codes, variables, printed)
        if fault is None:
            return Ran(variables, printed.getvalue(), faults)
        faults.append((type(fault).__name__, _line(fault)))
        codes = [code for code in codes if code is not faulty]


def _run(
    codes: list[CodeType], variables: dict[str, Any], printed: io.StringIO
) -> tuple[CodeType | None, BaseException | None]:
    """Run the statements up to the first that raises; return it and what it raised."""
    with contextlib.redirect_stdout(printed):
        for code in codes:
            try:
                exec(code, variables)
            except BaseException as fault:  # noqa: BLE001 - a program may raise anything
                return code, fault
    return None, None


def _line(fault: BaseException) -> int:
    """Return the program's innermost line, also for what the standard library raised."""
    frames = traceback.extract_tb(fault.__traceback__)
    return [frame.lineno or 0 for frame in frames if frame.filename == _PROGRAM][-1]
