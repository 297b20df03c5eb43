"""Runs programs in CPython, one for each line of its input: `python -m tests.fuzz.worker`.

A request is a JSON list, the program and the variables that it finds set; the answer is one line of JSON. A program that takes too long ends the process.
Imports nothing of the product.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
import resource
import signal
import sys
import traceback
import warnings
from types import CodeType
from typing import Any

from tests.fuzz.results import told

SECONDS = 5
MEMORY = 1 << 30

_PROGRAM = "<program>"


def observe(program: str, first: dict[str, Any]) -> dict[str, Any]:
    """Return what a program gives where a top-level statement that faults counts as absent."""
    try:
        statements = ast.parse(program).body
        # What only the compiler of the whole refuses.
        compile(program, _PROGRAM, "exec", dont_inherit=True)
        codes = [compile(ast.Module([statement], []), _PROGRAM, "exec") for statement in statements]
    except (SyntaxError, ValueError) as problem:
        return {"refused": str(problem)}
    faults: list[tuple[str, int]] = []
    # Starts afresh without the statement at fault, for it may have changed things before it failed.
    while True:
        variables: dict[str, Any] = {"__builtins__": __builtins__, **copy.deepcopy(first)}
        printed = io.StringIO()
        faulty, fault = _run(codes, variables, printed)
        if fault is None:
            break
        faults.append((type(fault).__name__, _line(fault)))
        codes = [code for code in codes if code is not faulty]
    names = [name for name in variables if not name.startswith("__")]
    return {
        "variables": {name: told(variables[name]) for name in names},
        "prints": printed.getvalue(),
        "faults": faults,
    }


def _run(
    codes: list[CodeType], variables: dict[str, Any], printed: io.StringIO
) -> tuple[CodeType | None, BaseException | None]:
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


def main() -> None:
    """Answer requests until the input ends."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers = sys.stdout
    for line in sys.stdin:
        signal.alarm(SECONDS)
        answer = observe(*json.loads(line))
        signal.alarm(0)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
