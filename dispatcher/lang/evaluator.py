"""Programs + first values + Limits -> Outcome. The only file that runs anything.

A fault in a top-level statement makes that statement absent: what comes out is exactly what the same rules without it
give. Evaluation is deterministic, so the normal path runs each file once and keeps nothing. After a fault everything
starts again, in the form that can leave statements out: it goes on behind a statement that failed before it had any
effect, and starts again without one that had. The runs share four times the steps of one; when those are spent, the
statement at fault and all behind it are left out, and what stands before them decides.

The same form finds out which statement changed a ticket variable in place by a way that the log does not see, such as
another name for it; it is run where the values at the end are not those of the log.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import CodeType, TracebackType
from typing import Any, Literal

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.program import TOP_FUNCTION, Program, Write
from dispatcher.plain import Room

# Copies a value that can be changed in place, as far as there is room.
Freeze = Callable[[Any, Room], Any]

CHANGEABLE = (list, dict, set)
WATCHED_ITEMS = 300_000
RUNS = 4
# Names of ours in Python's messages, and what a rule author knows.
_NAMES = (
    (f"{TOP_FUNCTION}.<locals>.", ""),
    ("'TypeValue'", "'type'"),
    ("'ModuleValue'", "'module'"),
    ("'Builtin'", "'builtin_function_or_method'"),
    ("'BoundMethod'", "'builtin_function_or_method'"),
)
# Steps for the handling of one fault, and for each statement that another run passes.
FAULT_COST = 1000
RUN_COST = 5
GAVE_UP = "the rules fail too often: this one and all behind it are left out"
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
    """One write of a ticket variable, and the value that it had then."""

    program: int
    write: Write
    value: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation gave. `fired` holds (program, statement) numbers."""

    variables: Mapping[str, Any]
    working: Mapping[str, Any]
    writes: Sequence[LoggedWrite]
    fired: frozenset[tuple[int, int]]
    faults: Sequence[EvaluationFault]
    prints: str
    steps: int


@dataclass(slots=True)
class _Run:
    """One pass over the programs, as far as it came."""

    variables: dict[str, Any]
    working: dict[str, Any] = field(default_factory=dict)
    writes: list[LoggedWrite] = field(default_factory=list)
    fired: set[tuple[int, int]] = field(default_factory=set)
    # Statements that failed before they had any effect, and what ended the run, where that is looked up.
    absent: list[EvaluationFault] = field(default_factory=list)
    # Steps that failed statements spent and got back.
    wasted: int = 0
    failed: bool = False
    end: EvaluationFault | None = None


class _Watch:
    """Follows the statements of one file in the form that can leave them out."""

    def __init__(self, meter: Meter, places: _Places, fired: set[int], run: _Run, freeze: Freeze) -> None:
        self._meter = meter
        self._places = places
        self._fired = fired
        self._run = run
        self._freeze = freeze
        self._before = (0, 0)
        self._statement = 0
        # Rules that write big values again and again are no longer followed when this is used up.
        self._room = Room(items=WATCHED_ITEMS)
        # The values that ticket variables hold and that can be changed in place, each with a copy.
        self._held: dict[str, tuple[Any, Any]] = {}
        self.log: list[tuple[Write, Any]] = []
        for name, value in run.variables.items():
            self._hold(name, value)

    def write(self, entry: tuple[int, Any]) -> None:
        """Log a write, with a copy of what can still change."""
        write = self._places.program.writes[entry[0]]
        self.log.append((write, self._hold(write.variable, entry[1])))

    def _hold(self, name: str, value: Any) -> Any:
        self._held.pop(name, None)
        if type(value) not in CHANGEABLE:
            return value
        copy = self._freeze(value, self._room)
        if self._room.items < 0:
            self._held.clear()
            return value
        self._held[name] = (value, copy)
        return copy

    def settle(self) -> None:
        """Log what the statement before changed in place."""
        statement = self._places.program.statements[self._statement]
        for name, (value, copy) in list(self._held.items()):
            if self._room.items >= 0 and self._freeze(value, self._room) != copy:
                self.log.append((Write(name, statement.line, self._statement), self._hold(name, value)))

    def begin(self, number: int, steps: int) -> None:
        """Note what is left before a statement, and charge for it."""
        if self._held:
            self.settle()
        self._statement = number
        self._before = (self._meter.steps, self._meter.memory)
        self._meter.changed = False
        self._meter.charge(steps)

    def effect(self) -> None:
        """Note that the statement has bound a name."""
        self._meter.changed = True

    def ends_run(self, statement: int, error: Exception) -> bool:
        """Tell whether a failed statement must be run without; else take back what it spent and note its fault."""
        meter, run = self._meter, self._run
        run.wasted += self._before[0] - meter.steps + FAULT_COST
        if meter.changed or isinstance(error, RecursionError | MemoryError) or run.wasted > meter.limits.steps * RUNS:
            return True
        meter.steps, meter.memory = self._before
        meter.depth = 0
        self._fired.discard(statement)
        run.absent.append(self._places.fault(error, statement))
        return False


def evaluate(
    programs: Sequence[Program], first: Mapping[str, Any], freeze: Freeze, limits: Limits, now: datetime
) -> Outcome:
    """Run `programs` in order on the first values of the ticket variables.

    `freeze` copies a value, so that no run sees what another one changed, and no log what came later.
    """
    left_out: set[tuple[int, int]] = set()
    faults: list[EvaluationFault] = []
    spent = 0
    watching = False
    statements = sum(len(program.statements) for program in programs)
    places = [_Places(number, program) for number, program in enumerate(programs)]
    while True:
        meter = Meter(limits, now)
        run = _run(places, first, freeze, meter, left_out, watching=watching)
        spent += limits.steps - max(meter.steps, 0) + run.wasted + RUN_COST * statements
        if not run.failed:
            if watching or not _changed_unseen(programs, first, freeze, run):
                break
            watching = True
            continue
        if run.end is None:
            # The first run charges a file as a whole, so it cannot say which statement went over a limit.
            watching = True
            continue
        faults.append(run.end)
        place = (run.end.program, run.end.statement)
        left_out.add(place)
        if spent >= limits.steps * RUNS:
            left_out.update(_behind(programs, place))
            spent = 0
            faults.append(replace(run.end, kind="limit", type="LimitExceeded", message=GAVE_UP))
    faults += run.absent
    return Outcome(
        variables=run.variables,
        working=run.working,
        writes=run.writes,
        fired=frozenset(run.fired),
        faults=sorted(faults, key=lambda fault: (fault.program, fault.statement)),
        prints="".join(meter.output),
        steps=limits.steps - meter.steps,
    )


def _changed_unseen(programs: Sequence[Program], first: Mapping[str, Any], freeze: Freeze, run: _Run) -> bool:
    """Tell whether a ticket variable may hold, or have held, something else than the log says."""
    changing = any(program.changes_values for program in programs)
    last = dict(first)
    for logged in run.writes:
        if changing and _can_change(logged.value, copied=type(first[logged.write.variable]) is dict):
            return True
        last[logged.write.variable] = logged.value
    held = [name for name, value in run.variables.items() if type(value) in CHANGEABLE]
    return any(freeze(run.variables[name], Room()) != freeze(last[name], Room()) for name in held)


def _can_change(value: Any, *, copied: bool) -> bool:
    """Tell whether a logged value could change behind the log; `copied` where its items alone could."""
    if type(value) not in CHANGEABLE:
        return False
    return not copied or any(type(item) in CHANGEABLE for item in (value.values() if type(value) is dict else value))


def _behind(programs: Sequence[Program], place: tuple[int, int]) -> set[tuple[int, int]]:
    everything = (
        (number, index) for number, program in enumerate(programs) for index in range(len(program.statements))
    )
    return {behind for behind in everything if behind > place}


def _run(
    files: Sequence[_Places],
    first: Mapping[str, Any],
    freeze: Freeze,
    meter: Meter,
    left_out: set[tuple[int, int]],
    *,
    watching: bool,
) -> _Run:
    run = _Run({name: freeze(value, Room()) if type(value) in CHANGEABLE else value for name, value in first.items()})
    for number, places in enumerate(files):
        program = places.program
        log: list[tuple[int, Any]] = []
        fired: set[int] = set()
        skipped: set[int] = set()
        arguments: list[Any] = [meter, meter.charge, fired.add, log.append]
        function = program.whole
        if watching:
            function = program.partial()
            skipped = {statement for owner, statement in left_out if owner == number}
            watch = _Watch(meter, places, fired, run, freeze)
            arguments[-1] = watch.write
            arguments += [skipped, watch.begin, watch.effect, watch.ends_run]
        try:
            if not watching:
                meter.charge(program.weight)
            found = function(*arguments, *run.variables.values())
        except (Exception, LimitExceeded) as error:  # noqa: BLE001 - whatever a rule raises becomes a fault, as data
            run.failed = True
            run.end = places.fault(error) if watching else None
            return run
        for name, value in found.items():
            if name in run.variables:
                run.variables[name] = value
            elif not name.startswith("."):
                run.working[name] = value
        if watching:
            watch.settle()
            writes = watch.log
        else:
            writes = [(program.writes[write], value) for write, value in log]
        run.writes.extend(LoggedWrite(number, write, value) for write, value in writes)
        # A rule that wrote has fired, whatever its conditions are.
        fired.update(write.statement for write, _ in writes)
        skipped.update(fault.statement for fault in run.absent if fault.program == number)
        fired.update(index for index, top in enumerate(program.statements) if top.always and index not in skipped)
        run.fired.update((number, index) for index in fired)
    return run


class _Places:
    """Reads from tracebacks where a program failed. Keeps what it looked up, since rules may fail by the thousand."""

    def __init__(self, number: int, program: Program) -> None:
        self.program = program
        self._number = number
        self._positions: dict[int, list[tuple[int | None, int | None, int | None, int | None]]] = {}
        self._starts = [(statement.line, statement.column) for statement in program.statements]

    def fault(self, error: BaseException, statement: int | None = None) -> EvaluationFault:
        """Return the fault, in `statement` where that is known."""
        line = column = top_line = top_column = 1
        in_top = True
        step: TracebackType | None = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            if code.co_filename == self.program.filename and step.tb_frame.f_globals.get("__builtins__") == {}:
                line, column = self._position(code, step.tb_lasti)
                in_top = code.co_name == TOP_FUNCTION
                if in_top:
                    top_line, top_column = line, column
            step = step.tb_next
        if statement is None:
            statement = max(bisect_right(self._starts, (top_line, top_column)) - 1, 0)
        limited = isinstance(error, LimitExceeded | RecursionError | MemoryError)
        return EvaluationFault(
            program=self._number,
            statement=statement,
            kind="limit" if limited else "error",
            type="LimitExceeded" if limited else _type_name(error, in_top=in_top),
            message=_message(error, in_top=in_top),
            line=line,
            column=column,
        )

    def _position(self, code: CodeType, instruction: int) -> tuple[int, int]:
        positions = self._positions.get(id(code))
        if positions is None:
            positions = self._positions[id(code)] = list(code.co_positions())
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
    if isinstance(error, KeyError) and error.args and not isinstance(error.args[0], str | int | float | None):
        # The text of a KeyError shows the key, whatever its size.
        return f"a key of type {type(error.args[0]).__name__} is missing"
    text = str(error)
    for ours, pythons in _NAMES:
        text = text.replace(ours, pythons)
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "..."
