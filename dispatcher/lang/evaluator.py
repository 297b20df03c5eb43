"""Programs + first values + Limits -> Outcome. The only file that runs anything.

A fault in a top-level statement makes that statement absent: what comes out is exactly what the same rules without it
give. Evaluation is deterministic, so the normal path runs each file once and keeps nothing; after a fault everything
starts again, in the form that leaves statements out, until a run has no fault. The runs share four times the steps of
one; when those are spent, the statement at fault and all behind it are left out, and what stands before them decides.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import CodeType, FunctionType, TracebackType
from typing import Any, Literal, cast

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.program import Program

RUNS = 4
MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class EvaluationFault:
    """An exception or a limit that ended a top-level statement, with the place where it happened."""

    program: int
    statement: int
    kind: Literal["error", "limit"]
    type: str
    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class LoggedWrite:
    """One write of a ticket variable, by its place in the program's table."""

    program: int
    write: int
    value: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation gave. `fired` and `left_out` hold (program, statement) numbers."""

    variables: Mapping[str, Any]
    working: Mapping[str, Any]
    writes: Sequence[LoggedWrite]
    fired: frozenset[tuple[int, int]]
    faults: Sequence[EvaluationFault]
    left_out: frozenset[tuple[int, int]]
    prints: str
    steps: int


@dataclass(slots=True)
class _Run:
    """One pass over the programs, as far as it came."""

    variables: dict[str, Any]
    working: dict[str, Any] = field(default_factory=dict)
    writes: list[LoggedWrite] = field(default_factory=list)
    fired: set[tuple[int, int]] = field(default_factory=set)
    fault: EvaluationFault | None = None


def evaluate(
    programs: Sequence[Program], first: Mapping[str, Any], copy: Any, limits: Limits, now: datetime
) -> Outcome:
    """Run `programs` in order on the first values of the ticket variables.

    `copy` makes fresh first values for each run, so that no run sees what another one changed.
    """
    left_out: set[tuple[int, int]] = set()
    faults: list[EvaluationFault] = []
    spent = 0
    while True:
        meter = Meter(limits, now)
        run = _run(programs, copy(first), meter, left_out)
        spent += limits.steps - max(meter.steps, 0)
        if run.fault is None:
            break
        faults.append(run.fault)
        place = (run.fault.program, run.fault.statement)
        left_out.add(place)
        if spent >= limits.steps * RUNS:
            left_out.update(_behind(programs, place))
            spent = 0
            faults.append(
                replace(
                    run.fault,
                    kind="limit",
                    type="LimitExceeded",
                    message="the rules fail too often: this one and all behind it are left out",
                )
            )
    return Outcome(
        variables=run.variables,
        working=run.working,
        writes=run.writes,
        fired=frozenset(run.fired),
        faults=sorted(faults, key=lambda fault: (fault.program, fault.statement)),
        left_out=frozenset(left_out),
        prints="".join(meter.output),
        steps=limits.steps - meter.steps,
    )


def _behind(programs: Sequence[Program], place: tuple[int, int]) -> set[tuple[int, int]]:
    return {
        (number, statement)
        for number, program in enumerate(programs)
        for statement in range(len(program.statements))
        if (number, statement) > place
    }


def _run(programs: Sequence[Program], variables: dict[str, Any], meter: Meter, left_out: set[tuple[int, int]]) -> _Run:
    run = _Run(variables)
    for number, program in enumerate(programs):
        skipped = {statement for owner, statement in left_out if owner == number}
        function = program.partial() if skipped else program.whole
        log: list[tuple[int, Any]] = []
        fired: set[int] = set()
        try:
            found = function(meter, meter.charge, fired.add, log.append, skipped, *run.variables.values())
        except (Exception, LimitExceeded) as error:  # noqa: BLE001 - whatever a rule raises becomes a fault, as data
            run.fault = _fault(number, program, cast("FunctionType", function).__code__, error)
            return run
        for name, value in found.items():
            if name in run.variables:
                run.variables[name] = value
            elif not name.startswith("."):
                run.working[name] = value
        run.writes.extend(LoggedWrite(number, write, value) for write, value in log)
        run.fired.update((number, statement) for statement in fired)
        run.fired.update(
            (number, statement)
            for statement, top in enumerate(program.statements)
            if top.always and statement not in skipped
        )
    return run


def _fault(number: int, program: Program, top: CodeType, error: BaseException) -> EvaluationFault:
    """Read from the traceback which statement failed, and where."""
    line = column = top_line = top_column = 1
    in_top = True
    step: TracebackType | None = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == program.filename and step.tb_frame.f_globals.get("__builtins__") == {}:
            line, column = _position(code, step.tb_lasti)
            in_top = code is top
            if in_top:
                top_line, top_column = line, column
        step = step.tb_next
    starts = [(statement.line, statement.column) for statement in program.statements]
    statement = max(bisect_right(starts, (top_line, top_column)) - 1, 0)
    limited = isinstance(error, LimitExceeded | RecursionError | MemoryError)
    return EvaluationFault(
        program=number,
        statement=statement,
        kind="limit" if limited else "error",
        type="LimitExceeded" if limited else _type_name(error, in_top=in_top),
        message=_message(error, in_top=in_top),
        line=line,
        column=column,
    )


def _position(code: CodeType, instruction: int) -> tuple[int, int]:
    positions = list(code.co_positions())
    line, _, column, _ = positions[instruction // 2]
    return line or code.co_firstlineno, (column or 0) + 1


def _type_name(error: BaseException, *, in_top: bool) -> str:
    # The file's variables are locals of ours, where Python's are globals.
    return "NameError" if in_top and isinstance(error, UnboundLocalError) else type(error).__name__


def _message(error: BaseException, *, in_top: bool) -> str:
    if isinstance(error, RecursionError):
        return "functions call each other too deep, or a value nests too deep"
    if isinstance(error, MemoryError):
        return "a value would take too much memory"
    if isinstance(error, NameError) and (in_top or not isinstance(error, UnboundLocalError)):
        name = str(error).split("'")[1] if "'" in str(error) else ""
        return f"name '{name}' is not defined"
    try:
        text = str(error)
    except (Exception, LimitExceeded):  # noqa: BLE001 - an argument of the error has no text, so only its type is told
        text = ""
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "..."
