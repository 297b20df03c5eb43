"""Runs a program here and in CPython, and tells where the two differ.

Deviations that the language means are not generated, or made equal: the order of sets (`told` sorts them, and programs
look at them through `sorted`), `is` beside a literal, names that begin with `_`, and the first values of the ticket
variables (CPython gets ours). Only the type of Python's own exceptions is compared, since the words may differ. A program
that passes one of our limits, or comes to a complex number, is counted and not compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from dataclasses import dataclass
from typing import Literal

from dispatcher.lang.checker import check_module
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from dispatcher.tickets import TICKET_SCHEMA, first_values
from tests.fuzz.results import Result, told
from tests.lang.running import run

Kind = Literal[
    "same", "limit", "complex", "refused", "variables", "prints", "faults", "accepted", "rejected", "raised", "hung"
]
_FIRST, _ = first_values({}, TICKET_SCHEMA, {})
# What needs no one's attention.
FINE: tuple[Kind, ...] = ("same", "limit", "complex", "refused")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the two compare, and what each gave."""

    kind: Kind
    ours: str = ""
    cpythons: str = ""

    def alike(self, other: Verdict) -> bool:
        """Tell whether both have the same cause, as far as that can be told."""
        if self.kind != other.kind:
            return False
        if self.kind in ("rejected", "accepted", "raised"):
            return (self.ours + self.cpythons).split()[-1:] == (other.ours + other.cpythons).split()[-1:]
        return True


class CPython:
    """A process that runs programs, started anew when one has ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> CPython:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()

    def observe(self, program: str) -> Result | str | None:
        """Return what a program gives, why CPython refuses it, or None when it took too long."""
        if self._process is None:
            command = [sys.executable, "-m", "tests.fuzz.worker"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([program, _FIRST]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            self._process = None
            return None
        answer = json.loads(line)
        if "refused" in answer:
            return str(answer["refused"])
        return Result(answer["variables"], answer["prints"], tuple((kind, at) for kind, at in answer["faults"]))


def errors(program: str) -> list[str]:
    """Return code and message of what is wrong with a program before anything runs."""
    source = Source(program)
    module, problems = parse(source)
    _, found = check_module(source, module, TICKET_SCHEMA)
    return [f"{problem.code}: {problem.message}" for problem in problems + found if problem.severity == "error"]


def compare(program: str, cpython: CPython) -> Verdict:
    """Run a program on both sides."""
    found: list[str] = []
    outcome = None
    try:
        try:
            outcome = run(program)
        except AssertionError:
            found = errors(program)
            if not found:
                raise
    except Exception:  # noqa: BLE001 - whatever escapes is what is looked for
        return Verdict("raised", traceback.format_exc())
    if outcome is not None and any(fault.kind == "limit" for fault in outcome.faults):
        return Verdict("limit")
    if found and all(problem.startswith("too-large") for problem in found):
        return Verdict("limit")
    if outcome is not None and any("complex" in fault.message for fault in outcome.faults):
        return Verdict("complex")
    expected = cpython.observe(program)
    if outcome is None:
        if isinstance(expected, str):
            return Verdict("refused")
        return Verdict("rejected", "\n".join(found))
    if isinstance(expected, str):
        return Verdict("accepted", cpythons=expected)
    if expected is None:
        return Verdict("hung")
    variables = {name: told(value) for name, value in outcome.working.items()}
    variables |= {name: told(value) for name, value in outcome.variables.items()}
    ours = Result(variables, outcome.prints, tuple((fault.type, fault.line) for fault in outcome.faults))
    return _verdict(ours, expected)


def _verdict(ours: Result, expected: Result) -> Verdict:
    kind: Kind = "same"
    if ours.faults != expected.faults:
        kind = "faults"
    elif ours.variables != expected.variables:
        kind = "variables"
    elif ours.prints != expected.prints:
        kind = "prints"
    # Where only few lines differ, the others say nothing.
    left, right = ours.words().splitlines(), expected.words().splitlines()
    return Verdict(
        kind,
        "\n".join([line for line in left if line not in right]),
        "\n".join([line for line in right if line not in left]),
    )
