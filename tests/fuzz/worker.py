"""Runs programs in CPython, one for each line of its input: `python -m tests.fuzz.worker`.

A request is a JSON list, the program and the variables that it finds set; the answer is one line of JSON. A program
that takes too long ends the process.
Imports nothing of the product.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import warnings
from typing import Any

from tests.fuzz.results import told
from tests.lang.absent import run_on_cpython

SECONDS = 5
MEMORY = 1 << 30


def observe(program: str, first: dict[str, Any]) -> dict[str, Any]:
    """Return what a program gives where a top-level statement that faults counts as absent."""
    try:
        ran = run_on_cpython(program, first)
    except (SyntaxError, ValueError) as problem:
        return {"refused": str(problem)}
    names = [name for name in ran.variables if not name.startswith("__")]
    return {
        "variables": {name: told(ran.variables[name]) for name in names},
        "prints": ran.prints,
        "faults": ran.faults,
    }


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
