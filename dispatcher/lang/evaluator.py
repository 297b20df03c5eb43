"""Programs + first values + Limits -> Outcome. The only file that runs anything.

A fault in a top-level statement makes that statement absent: what comes out is exactly what the same rules without it
give. Evaluation is deterministic, so the normal path, `begin`, runs each file once and keeps nothing but a log; what it
means is worked out by `conclude`, when somebody asks. After a fault everything starts again, watched and statement by
statement: the run goes on behind a statement that failed before it had any effect, and starts again without one that
had. The runs share twice the steps of one; when those are spent, the statement at fault and all behind it are left
out, and what stands before them decides.

What running each statement once takes is known beforehand, and no rule can make it more; so the limit on steps is on
what they spend beyond it.

A watched run also finds out which statement changed a ticket variable in place by a way that the log does not see, such
as another name for it; there is one where the values at the end are not those of the log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from dispatcher.lang.budget import LimitExceeded, Limits, Meter, Surroundings
from dispatcher.lang.exceptions import CATCHABLE
from dispatcher.lang.faults import EvaluationFault, Places
from dispatcher.lang.headroom import with_room
from dispatcher.lang.modules.textwrap_module import whole
from dispatcher.lang.program import RENAMED, UNREAD, Entry, Program, Variables, Write
from dispatcher.lang.records import dataclass, field, replace
from dispatcher.lang.schema import VariableKind
from dispatcher.plain import Room, same

if TYPE_CHECKING:
    from dispatcher.lang.trace import Trace

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
    """One write of a ticket variable by a statement of a program, and the value that it had then."""

    program: int
    statement: int
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


class Ticket:
    """The surroundings of an evaluation: the first values of a ticket's variables, and when it arrived."""

    __slots__ = ("_first", "_now")

    def __init__(self, first: Mapping[str, Any], now: datetime) -> None:
        self._first = first
        self._now = now

    def moment(self) -> datetime:
        """Return the ticket's time of arrival."""
        return self._now

    def seed(self) -> str:
        """Return what random numbers begin with: another text for each ticket, and the same for the same one."""
        import hashlib  # few rules draw lots

        text = repr(sorted(self._first.items()))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# What the first run of the programs left: for each program its variables at the end and its log; the error that ended
# the run, with the number of the statement where the file runs statement by statement; the steps spent beside what is
# known beforehand; and what was printed.
Pass = tuple[Mapping[str, Any] | None, list[Entry]]
FirstRun = tuple[tuple[Pass, ...], tuple[int | None, BaseException] | None, int, str]


def begin(programs: Sequence[Program], values: Mapping[str, Any], meter: Meter) -> FirstRun:
    """Run programs once, in order, on the first values of the ticket variables that they read.

    The values are this run's own.
    """
    passes: tuple[Pass, ...] = ()
    if any(program.writes_in_functions for program in programs):
        # Only a watched run tells which statement called them.
        return passes, None, 0, ""
    end: tuple[int | None, BaseException] | None = None
    for program in programs:
        log: list[Entry] = []
        found: Mapping[str, Any] | None = None
        if program.fused is None:
            found = variables = Variables({name: values[name] for name in program.reads})
            end = _run_statements(program, variables, meter, log.append)
        else:
            try:
                found = program.fused.general.function(meter, log.append, *[values[name] for name in program.reads])
            except FAULTS as error:
                end = None, error
        passes = (*passes, (found, log))
        if end is not None:
            break
        if len(programs) > 1:
            values = {**values, **_left(program, values, found, log)}
    return passes, end, meter.limits.steps - meter.steps, "".join(meter.output)


def last_writes(programs: Sequence[Program], begun: FirstRun) -> dict[str, Any] | None:
    """Return the ticket variables that a first run wrote, with the values that it left; None where it tells not all."""
    if begun[1] is not None or any(program.changes_values or program.writes_in_functions for program in programs):
        return None
    left: dict[str, Any] = {}
    for program, (found, log) in zip(programs, begun[0], strict=True):
        fused = program.fused
        for entry in log:
            if type(entry) is tuple:
                number, site, value = entry
                writes = program.shapes[number].compiled().writes if fused is None else fused.quick.writes[number]
                variable = writes[site].variable
                if found is not None:
                    value = found.get(variable, found.get(variable + RENAMED, value))
                left[variable] = whole(value)
    return left


# What a variable of a kind holds, for a ticket's value that is no text, and the value that is unset.
Given = Mapping[VariableKind, Callable[[Any, Any], Any]]
# Begins an evaluation: called with what gets a value of the ticket, and the surroundings.
QuickStart = Callable[[Callable[[str, Any], Any], Surroundings], FirstRun]


def quick_start(
    programs: Sequence[Program], reads: tuple[str, ...], given: Given, unset: tuple[Any, ...], limits: Limits
) -> QuickStart:
    """Return what begins an evaluation on a ticket as it came.

    `reads` are the variables that the programs read, `unset` their values where a ticket says nothing of them; `given`
    tells what variables of each kind hold for a ticket's values that are no text.
    """
    defaults = given["text"], given["any"], given["mapping"], *unset
    if len(programs) != 1 or programs[0].writes_in_functions:
        return _general(programs, reads, defaults, limits)
    program = programs[0]
    if program.fused is None:
        return _by_statement(program, defaults, limits)
    file = program.fused.quick
    function = _with_defaults(file.function, defaults)
    otherwise = _general(programs, reads, defaults, limits)
    return _metered(function, otherwise, limits) if file.metered else _unmetered(function, otherwise)


def _unmetered(function: Callable[..., Any], otherwise: QuickStart) -> QuickStart:
    def start(get: Callable[[str, Any], Any], surroundings: Surroundings) -> FirstRun:
        log: list[Entry] = []
        try:
            found = function(None, log.append, get)
        except FAULTS as error:
            return ((None, log),), (None, error), 0, ""
        return (((found, log),), None, 0, "") if found is not UNREAD else otherwise(get, surroundings)

    return start


def _metered(function: Callable[..., Any], otherwise: QuickStart, limits: Limits) -> QuickStart:
    steps = limits.steps

    def start(get: Callable[[str, Any], Any], surroundings: Surroundings) -> FirstRun:
        log: list[Entry] = []
        # The meter asks for what hardly any rule needs; it does not outlive the run.
        meter = Meter(limits, surroundings)
        try:
            found = function(meter, log.append, get)
        except FAULTS as error:
            return ((None, log),), (None, error), steps - meter.steps, ""
        if found is UNREAD:
            return otherwise(get, surroundings)
        return ((found, log),), None, steps - meter.steps, "".join(meter.output) if meter.printed else ""

    return start


def _general(
    programs: Sequence[Program], reads: tuple[str, ...], defaults: tuple[Any, ...], limits: Limits
) -> QuickStart:
    if not programs:
        return lambda _get, _surroundings: ((), None, 0, "")

    @cache
    def reader() -> Callable[..., Mapping[str, Any]]:
        return _with_defaults(programs[0].reader(reads), defaults)

    def start(get: Callable[[str, Any], Any], surroundings: Surroundings) -> FirstRun:
        return begin(programs, reader()(get), Meter(limits, surroundings))

    return start


def _by_statement(program: Program, defaults: tuple[Any, ...], limits: Limits) -> QuickStart:
    reader = _with_defaults(program.reader(program.reads), defaults)
    steps = limits.steps

    def start(get: Callable[[str, Any], Any], surroundings: Surroundings) -> FirstRun:
        variables = reader(get)
        log: list[Entry] = []
        meter = Meter(limits, surroundings)
        end = _run_statements(program, variables, meter, log.append)
        return ((variables, log),), end, steps - meter.steps, "".join(meter.output) if meter.printed else ""

    return start


def _with_defaults(function: Any, defaults: tuple[Any, ...]) -> Callable[..., Any]:
    """Return a compiled function whose last arguments are as they are given here."""
    return FunctionType(function.__code__, function.__globals__, function.__name__, defaults)


def _left(
    program: Program, values: Mapping[str, Any], found: Mapping[str, Any] | None, log: Sequence[Entry]
) -> dict[str, Any]:
    """Return the ticket variables that a program has written or changed."""
    left = {
        program.write(entry[0], entry[1], watched=False).variable: entry[2] for entry in log if type(entry) is tuple
    }
    for name, value in (found or {}).items():
        variable = name.removesuffix(RENAMED)
        if variable in values:
            left[variable] = value
    return left


def _run_statements(
    program: Program, variables: Variables, meter: Meter, log: Callable[[Entry], None]
) -> tuple[int, BaseException] | None:
    """Run a file statement by statement; return which statement ended the run, and how, if one did."""
    number = 0
    shapes, literals = program.shapes, program.literals
    try:
        for number in _numbers(program, variables, meter):
            shapes[number].function(variables, meter, log, number, *literals[number])
    except FAULTS as error:
        return number, error
    return None


def _run_watched(
    program: Program, variables: Variables, meter: Meter, watch: _Watch
) -> tuple[int, BaseException] | None:
    """Run a file statement by statement as `_run_statements` does, where a fault need not end the run."""
    number = 0
    shapes, literals = program.shapes, program.literals
    try:
        for number in _numbers(program, variables, meter):
            if watch.wanted(number):
                try:
                    shapes[number].function(variables, meter, watch.log, number, *literals[number])
                except CATCHABLE as error:
                    if watch.ends_run(number, error):
                        return number, error
    except FAULTS as error:
        return number, error
    return None


def _numbers(program: Program, variables: Variables, meter: Meter) -> Iterable[int]:
    """Return the statements that run, in order."""
    if program.hidden:
        variables.update(program.hidden)
    return program.index.statements(variables, meter) if program.index is not None else range(len(program.shapes))


@dataclass(slots=True)
class _Run:
    """One pass over the programs, as far as it came."""

    variables: dict[str, Any]
    working: dict[str, Any] = field(default_factory=dict)
    writes: list[LoggedWrite] = field(default_factory=list)
    fired: set[tuple[int, int]] = field(default_factory=set)
    # Statements that failed before they had any effect, and what ended the run, if anything did.
    absent: list[EvaluationFault] = field(default_factory=list)
    prints: str = ""
    # Steps that were spent, and those that failed statements got back.
    steps: int = 0
    wasted: int = 0
    end: EvaluationFault | None = None

    def passed(
        self,
        number: int,
        program: Program,
        found: Mapping[str, Any],
        writes: Sequence[LoggedWrite],
        fired: set[int],
        skipped: set[int],
    ) -> None:
        """Take over what one program did, without the statements that were skipped."""
        for name, value in found.items():
            variable = name.removesuffix(RENAMED)
            if variable in self.variables:
                self.variables[variable] = value
            elif variable and not variable.startswith("."):
                self.working[variable] = value
        for logged in writes:
            if logged.write.variable not in found and logged.write.variable + RENAMED not in found:
                # The log alone tells, or `except ... as priority` has unbound it: what was written last stays.
                self.variables[logged.write.variable] = logged.value
        self.writes.extend(writes)
        # A rule that wrote has fired, whatever its conditions are.
        fired.update(logged.statement for logged in writes)
        skipped = skipped | {fault.statement for fault in self.absent if fault.program == number}
        fired.update(index for index in program.always if index not in skipped)
        self.fired.update((number, index) for index in fired)


class _Watch:
    """Follows the statements of one file, and leaves some out."""

    def __init__(self, meter: Meter, places: Places, left_out: set[int], run: _Run, freeze: Freeze) -> None:
        self._meter = meter
        self._left_out = left_out
        self._places = places
        self._run = run
        self._freeze = freeze
        self._before = meter.mark()
        self._statement = 0
        # Rules that write big values again and again are no longer followed when this is used up.
        self._room = Room(items=WATCHED_ITEMS)
        # The values that ticket variables hold and that can be changed in place, each with a copy.
        self._held: dict[str, tuple[Any, Any]] = {}
        self.fired: set[int] = set()
        self.writes: list[LoggedWrite] = []
        for name, value in run.variables.items():
            self._hold(name, value)

    def log(self, entry: Entry) -> None:
        """Log that a rule fired, or a write, with a copy of what can still change."""
        if type(entry) is int:
            self.fired.add(entry)
            return
        number, site, value = entry  # type: ignore[misc] # the other kind of entry
        write = self._places.program.write(number, site, watched=True)
        self._note(write, self._hold(write.variable, value))

    def _note(self, write: Write, value: Any) -> None:
        self.writes.append(LoggedWrite(self._places.number, self._statement, write, value))

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
        for name, (value, copy) in list(self._held.items()):
            if self._room.items >= 0 and not same(self._freeze(value, self._room), copy):
                line = self._places.program.statement(self._statement).line
                self._note(Write(name, line), self._hold(name, value))

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
        fault = self._places.fault(error, statement)
        if fault.after_effect or not meter.go_back(self._before):
            return True
        self.fired.discard(statement)
        run.absent.append(fault)
        return False


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
    meter = Meter(limits, Ticket(first, now))
    return conclude(programs, first, freeze, limits, now, begin(programs, own_values(first, freeze), meter))


@with_room
def traced(
    programs: Sequence[Program],
    first: Mapping[str, Any],
    freeze: Freeze,
    limits: Limits,
    now: datetime,
    trace: Trace,
) -> Outcome:
    """Run programs that were compiled to be traced; return what `evaluate` does, and tell the trace all."""
    return conclude(programs, first, freeze, limits, now, ((), None, 0, ""), trace)


@with_room
def conclude(
    programs: Sequence[Program],
    first: Mapping[str, Any],
    freeze: Freeze,
    limits: Limits,
    now: datetime,
    begun: FirstRun,
    trace: Trace | None = None,
) -> Outcome:
    """Return what the first run gave, or, after a fault, what the rules give without what failed.

    With a `trace` all runs are watched, and it tells of the one that counts.
    """
    left_out: set[tuple[int, int]] = set()
    faults: list[EvaluationFault] = []
    spent = 0
    watching = trace is not None or any(program.writes_in_functions for program in programs)
    statements = sum(len(program.shapes) for program in programs)
    places = [Places(number, program) for number, program in enumerate(programs)]
    if begun[1] is not None and isinstance(begun[1][1], RecursionError):
        # The caller may have left too little of Python's stack.
        meter = Meter(limits, Ticket(first, now))
        begun = begin(programs, own_values(first, freeze), meter)
    run = _watched(places, first, freeze, limits, now, left_out, trace) if watching else _told(places, first, begun)
    while True:
        spent += min(run.steps, limits.steps) + run.wasted + RUN_COST * statements
        if run.end is None:
            if watching or not _changed_unseen(programs, first, freeze, run):
                break
        else:
            faults.append(run.end)
            place = (run.end.program, run.end.statement)
            left_out.add(place)
            if spent >= limits.steps * RUNS:
                left_out.update(_behind(programs, place))
                spent = 0
                faults.append(replace(run.end, kind="limit", type="LimitExceeded", message=GAVE_UP))
        watching = True
        run = _watched(places, first, freeze, limits, now, left_out, trace)
    faults += run.absent
    absent = left_out | {(fault.program, fault.statement) for fault in run.absent}
    weight = sum(program.weight for program in programs)
    weight -= sum(programs[number].shapes[statement].weight for number, statement in absent)
    return Outcome(
        variables=run.variables,
        working=run.working,
        writes=run.writes,
        fired=frozenset(run.fired),
        faults=sorted(faults, key=lambda fault: (fault.program, fault.statement)),
        prints=run.prints,
        steps=run.steps + weight,
    )


def own_values(first: Mapping[str, Any], freeze: Freeze) -> dict[str, Any]:
    """Return the values, with copies of those that can be changed in place."""
    return {name: freeze(value, Room()) if isinstance(value, CHANGEABLE) else value for name, value in first.items()}


def _told(files: Sequence[Places], first: Mapping[str, Any], begun: FirstRun) -> _Run:
    """Return what the log of the first run tells."""
    passes, end, steps, prints = begun
    run = _Run(dict(first), steps=steps, prints=prints)
    if end is not None:
        statement, error = end
        run.end = files[len(passes) - 1].fault(error, statement)
        return run
    for places, (found, log) in zip(files, passes, strict=True):
        program = places.program
        writes = [
            LoggedWrite(places.number, entry[0], program.write(entry[0], entry[1], watched=False), whole(entry[2]))
            for entry in log
            if type(entry) is tuple
        ]
        fired = {entry for entry in log if type(entry) is int}
        run.passed(places.number, program, found or {}, writes, fired, set())
    return run


def _watched(
    files: Sequence[Places],
    first: Mapping[str, Any],
    freeze: Freeze,
    limits: Limits,
    now: datetime,
    left_out: set[tuple[int, int]],
    trace: Trace | None,
) -> _Run:
    """Run all files statement by statement, without those that are left out."""
    meter = Meter(limits, Ticket(first, now))
    if trace is not None:
        trace.restart()
        meter.trace = trace
    run = _Run(own_values(first, freeze))
    for number, places in enumerate(files):
        program = places.program
        if trace is not None:
            trace.program = number
        skipped = {statement for owner, statement in left_out if owner == number}
        watch = _Watch(meter, places, skipped, run, freeze)
        variables = Variables({name: run.variables[name] for name in program.reads})
        end = _run_watched(program, variables, meter, watch)
        if end is not None:
            run.end = places.fault(end[1], end[0])
            break
        if program.shapes:
            watch.settle()
        run.passed(number, program, variables, watch.writes, watch.fired, skipped)
    run.steps = limits.steps - meter.steps
    run.prints = "".join(meter.output)
    return run


def _changed_unseen(programs: Sequence[Program], first: Mapping[str, Any], freeze: Freeze, run: _Run) -> bool:
    """Tell whether a ticket variable may hold, or have held, something else than the log says."""
    if not any(program.changes_values for program in programs):
        return False
    last = dict(first)
    for logged in run.writes:
        if _can_change(logged.value, copied=logged.write.copied):
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
    everything = ((number, index) for number, program in enumerate(programs) for index in range(len(program.shapes)))
    return {behind for behind in everything if behind > place}
