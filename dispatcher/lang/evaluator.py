"""Programs + first values + Limits -> Outcome. The only file that runs anything.

A fault in a top-level statement makes that statement absent: what comes out is exactly what the same rules without it
give. Evaluation is deterministic, so the normal path runs each file once and keeps nothing. After a fault everything
starts again, watched: the run goes on behind a statement that failed before it had any effect, and starts again
without one that had. The runs share twice the steps of one; when those are spent, the
statement at fault and all behind it are left out, and what stands before them decides.

A watched run also finds out which statement changed a ticket variable in place by a way that the log does not see, such
as another name for it; there is one where the values at the end are not those of the log.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.exceptions import CATCHABLE
from dispatcher.lang.faults import EvaluationFault, Places
from dispatcher.lang.headroom import with_room
from dispatcher.lang.program import RENAMED, Program, Write
from dispatcher.plain import Room, same

# Copies a value that can be changed in place, as far as there is room.
Freeze = Callable[[Any, Room], Any]

CHANGEABLE = (list, dict, set, deque)
WATCHED_ITEMS = 300_000
RUNS = 2
# Steps for the handling of one fault, and for each statement that another run passes.
FAULT_COST = 1000
RUN_COST = 5
# What ends a statement; all else, such as KeyboardInterrupt, means this process.
FAULTS: tuple[type[BaseException], ...] = (*CATCHABLE, LimitExceeded)
GAVE_UP = "the rules fail too often: this one and all behind it are left out"


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
    # Statements that failed before they had any effect, and what ended the run, if anything did.
    absent: list[EvaluationFault] = field(default_factory=list)
    # Steps that failed statements spent and got back.
    wasted: int = 0
    end: EvaluationFault | None = None


class _Watch:
    """Follows the statements of one file, and leaves some out."""

    def __init__(
        self, meter: Meter, places: Places, left_out: set[int], fired: set[int], run: _Run, freeze: Freeze
    ) -> None:
        self._meter = meter
        self._left_out = left_out
        self._places = places
        self._fired = fired
        self._run = run
        self._freeze = freeze
        self._before = meter.mark()
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
        write = replace(self._places.program.writes[entry[0]], statement=self._statement)
        self.log.append((write, self._hold(write.variable, entry[1])))

    def _hold(self, name: str, value: Any) -> Any:
        self._held.pop(name, None)
        if not isinstance(value, CHANGEABLE):
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
            if self._room.items >= 0 and not same(self._freeze(value, self._room), copy):
                self.log.append((Write(name, statement.line, self._statement), self._hold(name, value)))

    def wanted(self, number: int) -> bool:
        """Tell whether a statement shall run, and note what is left before it."""
        if number in self._left_out:
            return False
        if self._held:
            self.settle()
        self._statement = number
        self._before = self._meter.mark()
        self._meter.changed = False
        return True

    def ends_run(self, statement: int, error: BaseException) -> bool:
        """Tell whether a failed statement must be run without; else take back what it spent and note its fault."""
        meter, run = self._meter, self._run
        run.wasted += self._before.steps - meter.steps + FAULT_COST
        if meter.changed or type(error) in (RecursionError, MemoryError) or run.wasted > meter.limits.steps * RUNS:
            return True
        fault = self._places.fault(error)
        if fault.after_effect or not meter.go_back(self._before):
            return True
        self._fired.discard(statement)
        run.absent.append(fault)
        return False


def _always(_statement: int, _error: BaseException) -> bool:
    """Answer for a first run, which ends with its first fault."""
    return True


@with_room
def evaluate(
    programs: Sequence[Program],
    first: Mapping[str, Any],
    freeze: Freeze,
    limits: Limits,
    now: datetime,
) -> Outcome:
    """Run `programs` in order on the first values of the ticket variables.

    `freeze` copies a value, so that no run sees what another one changed, and no log what came later.
    """
    left_out: set[tuple[int, int]] = set()
    faults: list[EvaluationFault] = []
    spent = 0
    watching = any(program.writes_in_functions for program in programs)
    statements = sum(len(program.statements) for program in programs)
    places = [Places(number, program) for number, program in enumerate(programs)]
    while True:
        meter = Meter(limits, now, lambda: _seed(first))
        run = _run(places, first, freeze, meter, left_out, watching=watching)
        spent += limits.steps - max(meter.steps, 0) + run.wasted + RUN_COST * statements
        if run.end is None:
            if watching or not _changed_unseen(programs, first, freeze, run):
                break
            watching = True
            continue
        watching = True
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


def _seed(first: Mapping[str, Any]) -> str:
    """Return what random numbers begin with: another text for each ticket, and the same for the same one."""
    return hashlib.sha256(repr(sorted(first.items())).encode("utf-8", "surrogatepass")).hexdigest()


def _changed_unseen(programs: Sequence[Program], first: Mapping[str, Any], freeze: Freeze, run: _Run) -> bool:
    """Tell whether a ticket variable may hold, or have held, something else than the log says."""
    changing = any(program.changes_values for program in programs)
    last = dict(first)
    for logged in run.writes:
        if changing and _can_change(logged.value, copied=logged.write.copied):
            return True
        last[logged.write.variable] = logged.value
    held = [name for name, value in run.variables.items() if isinstance(value, CHANGEABLE)]
    return any(not same(freeze(run.variables[name], Room()), freeze(last[name], Room())) for name in held)


def _can_change(value: Any, *, copied: bool) -> bool:
    """Tell whether a logged value could change behind the log; `copied` where its items alone could."""
    if not isinstance(value, CHANGEABLE):
        return False
    return not copied or any(
        isinstance(item, CHANGEABLE) for item in (value.values() if isinstance(value, dict) else value)
    )


def _behind(programs: Sequence[Program], place: tuple[int, int]) -> set[tuple[int, int]]:
    everything = (
        (number, index) for number, program in enumerate(programs) for index in range(len(program.statements))
    )
    return {behind for behind in everything if behind > place}


def _run(
    files: Sequence[Places],
    first: Mapping[str, Any],
    freeze: Freeze,
    meter: Meter,
    left_out: set[tuple[int, int]],
    *,
    watching: bool,
) -> _Run:
    run = _Run(
        {name: freeze(value, Room()) if isinstance(value, CHANGEABLE) else value for name, value in first.items()}
    )
    for number, places in enumerate(files):
        program = places.program
        log: list[tuple[int, Any]] = []
        fired: set[int] = set()
        skipped: set[int] = set()
        arguments: list[Any] = [meter, meter.charge, fired.add, log.append, None, _always]
        if watching:
            skipped = {statement for owner, statement in left_out if owner == number}
            watch = _Watch(meter, places, skipped.copy(), fired, run, freeze)
            arguments[3:] = [watch.write, watch.wanted, watch.ends_run]
        try:
            meter.charge(program.weight - sum(program.statements[index].weight for index in skipped))
            found = program.function(*arguments, *run.variables.values())
        except FAULTS as error:
            run.end = places.fault(error)
            return run
        for name, value in found.items():
            variable = name.removesuffix(RENAMED)
            if variable in run.variables:
                run.variables[variable] = value
            elif variable and not variable.startswith("."):
                run.working[variable] = value
        if watching:
            watch.settle()
            writes = watch.log
        else:
            writes = [(program.writes[write], value) for write, value in log]
        for write, value in writes:
            if write.variable not in found and write.variable + RENAMED not in found:
                # `except ... as priority` has unbound it: what was written last before stays.
                run.variables[write.variable] = value
        run.writes.extend(LoggedWrite(number, write, value) for write, value in writes)
        # A rule that wrote has fired, whatever its conditions are.
        fired.update(write.statement for write, _ in writes)
        skipped.update(fault.statement for fault in run.absent if fault.program == number)
        fired.update(index for index, top in enumerate(program.statements) if top.always and index not in skipped)
        run.fired.update((number, index) for index in fired)
    return run
