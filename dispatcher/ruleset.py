"""RuleSet: rule files, checked and compiled, that decide tickets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from time import time
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

from dispatcher.checking import checked_source, declared_schema, long_statements, read_sources
from dispatcher.decisions import Change, Decision, Fault, RuleOutcome
from dispatcher.errors import RulesError
from dispatcher.lang.budget import Limits
from dispatcher.lang.checker import check_module
from dispatcher.lang.compiler import FUSED_STATEMENTS, TRACED, compile_statements
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.lang.evaluator import (
    FirstRun,
    Outcome,
    Ticket,
    conclude,
    last_writes,
    quick_start,
    traced,
)
from dispatcher.lang.faults import EvaluationFault
from dispatcher.lang.measuring import SCALARS
from dispatcher.lang.parser import parse
from dispatcher.lang.program import Program
from dispatcher.lang.reading import Statements, read, whole
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, type_name
from dispatcher.plain import Room, same, to_plain
from dispatcher.tickets import GIVEN, first_values, lines_of, made_subject, settle

if TYPE_CHECKING:
    from pathlib import Path

    from dispatcher.cache import Cache
    from dispatcher.lang.trace import Trace

# Changes that a decision lists; a rule that counts in a ticket variable makes them by the thousand.
MAX_CHANGES = 10_000

# How the message of a fault begins that no line of a rule raised: a ticket or a rule set `exception` to no text.
NOT_TEXT = "`exception` must be text to refuse the ticket"

OnFault = Literal["absent", "refuse"]

_NO_DATA = (FunctionType, Builtin, TypeValue, BoundMethod, ModuleValue, Iterator)


def _opened(folder: str | Path | None) -> Cache | None:
    if folder is None:
        return None
    from dispatcher.cache import Cache  # most rule sets have none

    return Cache(folder)


def _statements(source: Source, schema: Schema, cache: Cache | None) -> Statements | None:
    """Return the statements of a file, or None where it has errors."""
    known = cache.get(source, schema) if cache is not None else None
    statements = read(source, schema, FUSED_STATEMENTS, known) if known is not None else None
    if statements is not None:
        return statements
    statements = read(source, schema, FUSED_STATEMENTS)
    if statements is not None:
        if cache is not None:
            cache.put(source, schema, [exemplar.facts for exemplar in statements.exemplars])
        return statements
    module, problems = parse(source)
    statements = long_statements(source, module, problems, schema)
    if statements is not None:
        return statements
    checked, found = check_module(source, module, schema)
    return whole(checked) if not any(problem.severity == "error" for problem in problems + found) else None


class RuleSet:
    """Rules that are known to run. Immutable; one may serve any number of threads."""

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        variables: Iterable[str] = (),
        defaults: Mapping[str, Any] | None = None,
        on_fault: OnFault = "absent",
        limits: Limits | None = None,
        cache: str | Path | None = None,
    ) -> None:
        """Check and compile `sources`, which run in the given order; raise RulesError when one has errors.

        `cache` is a folder in which is kept what was found out of long files; trust it as you trust the rules.
        """
        self.variables = tuple(variables)
        self.schema = declared_schema(self.variables)
        self.defaults = dict(defaults or {})
        self.on_fault = on_fault
        self.limits = limits or Limits()
        self.sources = tuple(sources)
        found = [_statements(source, self.schema, _opened(cache)) for source in self.sources]
        if not all(found):
            raise RulesError(self.diagnostics)
        self.programs: tuple[Program, ...] = tuple(compile_statements(statements) for statements in found if statements)
        # Whether first runs tell nothing.
        self.watched = any(program.writes_in_functions for program in self.programs)
        self.read_only = tuple(variable.name for variable in self.schema.variables if not variable.writable)
        # What decisions say of rules, for those of which one said anything.
        self._rules: dict[tuple[int, int], RuleOutcome] = {}
        self._prepare()

    @cached_property
    def revision(self) -> str:
        """Return what names these rules: another text for each change in their sources."""
        import hashlib  # a check asks for none

        return hashlib.sha256("".join(source.digest() for source in self.sources).encode()).hexdigest()

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        filename: str = "<rules>",
        variables: Iterable[str] = (),
        defaults: Mapping[str, Any] | None = None,
        on_fault: OnFault = "absent",
        limits: Limits | None = None,
    ) -> RuleSet:
        """Return the rule set of one text; raise RulesError, with all diagnostics, when it has errors."""
        return cls([Source(text, filename)], variables=variables, defaults=defaults, on_fault=on_fault, limits=limits)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        variables: Iterable[str] = (),
        defaults: Mapping[str, Any] | None = None,
        on_fault: OnFault = "absent",
        limits: Limits | None = None,
        cache: str | Path | None = None,
    ) -> RuleSet:
        """Return the rule set of a file, or of a folder's `*.rules` files in name order.

        `cache` is a folder in which is kept what was found out of long files; trust it as you trust the rules. Raises
        RulesError when a file has errors, and DispatcherError when there is none or it cannot be read.
        """
        sources = read_sources(path)
        return cls(sources, variables=variables, defaults=defaults, on_fault=on_fault, limits=limits, cache=cache)

    def within(self, limits: Limits) -> RuleSet:
        """Return the same rules under other limits; nothing is compiled again."""
        other = object.__new__(RuleSet)
        vars(other).update(vars(self), limits=limits)
        other._prepare()
        return other

    @cached_property
    def diagnostics(self) -> list[Diagnostic]:
        """Return all problems of the files, in order; warnings only where there is a rule set."""
        return [problem for source in self.sources for problem in checked_source(source, self.schema)[1]]

    def fault(self, fault: EvaluationFault) -> Fault:
        """Return a fault of the evaluation as decisions tell it."""
        filename = self.programs[fault.program].filename
        return Fault(fault.kind, fault.type, fault.message, filename, fault.line, fault.column)

    @cached_property
    def traced_programs(self) -> tuple[Program, ...]:
        """Return the files compiled so that a trace hears what their conditions are."""
        found = [_statements(source, self.schema, None) for source in self.sources]
        return tuple(compile_statements(statements, TRACED) for statements in found if statements)

    def with_sources(self, sources: Iterable[Source]) -> RuleSet:
        """Return a rule set of other files with all that is not theirs as here; raise RulesError as RuleSet does."""
        return RuleSet(
            sources, variables=self.variables, defaults=self.defaults, on_fault=self.on_fault, limits=self.limits
        )

    def evaluate(self, ticket: Mapping[str, Any], *, now: datetime | None = None) -> tuple[Decision, Outcome]:
        """Return what `decide` does, and what the decision is made of."""
        decided = self.decide(ticket, now=now)
        return decided, decided.outcome

    def trace(
        self, ticket: Mapping[str, Any], *, now: datetime | None = None, trace: Trace
    ) -> tuple[Decision, Outcome]:
        """Return what `decide` does, and what it is made of, and tell `trace` what conditions were; it takes longer.

        Steps may differ, and so may a decision that comes near the limit on them.
        """
        given = dict(ticket)
        settle(given, self.schema)
        decided = _Decided(self, given, now if now is not None else time())
        first = decided.first[0]
        decided.outcome = traced(self.traced_programs, first, to_plain, self.limits, decided.moment(), trace)
        return decided, decided.outcome

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Return the numbers of program and statement of each rule, in order."""
        return tuple(
            (number, statement)
            for number, program in enumerate(self.programs)
            for statement, shape in enumerate(program.shapes)
            if shape.is_rule
        )

    def rule(self, place: tuple[int, int]) -> RuleOutcome:
        """Return the statement with these numbers of program and statement as decisions tell it."""
        found = self._rules.get(place)
        if found is None:
            program = self.programs[place[0]]
            statement = program.statement(place[1])
            found = self._rules[place] = RuleOutcome(program.filename, statement.line, statement.title)
        return found

    def _prepare(self) -> None:
        """Find out what the rules read, and what that is where a ticket says nothing of it."""
        read = {name for program in self.programs for name in program.reads}
        unset, _ = first_values({}, self.schema, self.defaults)
        self.reads = tuple(variable.name for variable in self.schema.variables if variable.name in read)
        # A subject that is not given is made of the message.
        self._makes_subject = "subject" in read and self.defaults.get("subject") is None
        unset["subject"] = self.defaults.get("subject")
        values = tuple(unset[name] for name in self.reads)
        self._start = quick_start(self.programs, self.reads, GIVEN, values, self.limits)

    def decide(self, ticket: Mapping[str, Any], *, now: datetime | None = None) -> _Decided:
        """Return what the rules decide for a ticket as received; never raises for what a rule or a ticket does.

        `now` is the ticket's time of arrival, by default the present; a time without a zone counts as local.
        """
        given = ticket.copy() if type(ticket) is dict else dict(ticket)
        # What the caller may change later is kept as the rules know it.
        if type(given.get("selections")) is list:
            given["selections"] = lines_of(given["selections"])
        if not SCALARS.issuperset(map(type, given.values())) or "message" in given:
            settle(given, self.schema)
        decided = _Decided(self, given, now if now is not None else time())
        if self._makes_subject and given.get("subject") is None:
            given["subject"] = made_subject(given, self.defaults)
        decided.begun = begun = self._start(given.get, decided)
        if begun[1] is not None or self.watched:
            # What failed is run again now, and not when somebody asks.
            _ = decided.outcome
        return decided


def surely_alike(one: Decision, other: Decision) -> bool:
    """Tell whether two decisions on one ticket, of rule sets with the same settings, are known to file the same.

    That takes no time beside deciding; where it cannot be told so, the answer is False.
    """
    if not isinstance(one, _Decided) or not isinstance(other, _Decided):
        return False
    left, right = last_writes(one.rules.programs, one.begun), last_writes(other.rules.programs, other.begun)
    if left is None or right is None or left.keys() != right.keys():
        return False
    # As decisions tell them: values may nest deep, or be no data.
    room, other_room = Room(items=200_000), Room(items=200_000)
    return all(same(to_plain(value, room), to_plain(right[name], other_room)) for name, value in left.items())


class _Decided(Decision):
    """What one evaluation left, and what is worked out from it when somebody asks."""

    __slots__ = ("_now", "begun", "rules", "ticket")

    begun: FirstRun

    def __init__(self, rules: RuleSet, ticket: Mapping[str, Any], now: datetime | float) -> None:
        self.rules = rules
        self.ticket = ticket
        self._now = now

    def moment(self) -> datetime:
        """Return the ticket's time of arrival."""
        now = self._now
        return _zoned(now if isinstance(now, datetime) else datetime.fromtimestamp(now).astimezone())

    def seed(self) -> str:
        """Return what random numbers begin with."""
        return Ticket(self.first[0], self.moment()).seed()

    @cached_property
    def first(self) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """Return the first values of all ticket variables, and the keys of the ticket that are none."""
        return first_values(self.ticket, self.rules.schema, self.rules.defaults)

    @cached_property
    def outcome(self) -> Outcome:
        """Return what the rules did."""
        rules = self.rules
        return conclude(rules.programs, self.first[0], to_plain, rules.limits, self.moment(), self.begun)

    @cached_property
    def _room(self) -> Room:
        return Room(items=200_000)

    @cached_property
    def _told(self) -> tuple[dict[str, Any], str | None, tuple[Fault, ...]]:
        """Return the ticket variables at the end, the refusal and the faults."""
        rules, outcome, first = self.rules, self.outcome, self.first[0]
        # What the sender knows is told as it came, whatever a rule did to a list in it.
        last = {**outcome.variables, **{name: first[name] for name in rules.read_only}}
        room = self._room
        variables = {name: to_plain(value, room) for name, value in last.items()}
        faults = [rules.fault(fault) for fault in outcome.faults]
        refused = _refusal(outcome.variables["exception"])
        if refused is None and variables["exception"] is not None and variables["exception"] != "":
            faults.append(self._not_text(outcome.variables["exception"]))
        if faults and refused is None and rules.on_fault == "refuse":
            refused = f"{faults[0].type}: {faults[0].message} ({faults[0].file}, line {faults[0].line})"
            variables["exception"] = refused
        return variables, refused, tuple(faults)

    def _not_text(self, value: Any) -> Fault:
        places = ((change.file, change.line) for change in reversed(self.changes) if change.variable == "exception")
        # Where no rule has set it, it came with the ticket.
        file, line = next(places, (self.rules.sources[0].filename if self.rules.sources else "", 1))
        message = f"{NOT_TEXT}, not {type_name(value)}; the ticket is filed"
        return Fault("error", "TypeError", message, file, line, 1)

    @cached_property
    def action_variables(self) -> dict[str, Any]:  # type: ignore[override] # worked out when it is asked for
        return self._told[0]

    @cached_property
    def other_variables(self) -> dict[str, Any]:  # type: ignore[override] # see above
        _ = self._told
        return {name: to_plain(value, self._room) for name, value in self.outcome.working.items() if _is_data(value)}

    @cached_property
    def changes(self) -> tuple[Change, ...]:  # type: ignore[override] # see above
        first, programs = self.first[0], self.rules.programs
        current: dict[str, Any] = {}
        changes: list[Change] = []
        room = Room(items=200_000)
        for logged in self.outcome.writes:
            variable, new = logged.write.variable, to_plain(logged.value, room)
            old = current[variable] if variable in current else to_plain(first[variable])
            if len(changes) < MAX_CHANGES and not same(new, old):
                changes.append(Change(variable, programs[logged.program].filename, logged.write.line, old, new))
                current[variable] = new
        return tuple(changes)

    @cached_property
    def fired(self) -> tuple[RuleOutcome, ...]:  # type: ignore[override] # see above
        return tuple([self.rules.rule(place) for place in sorted(self.outcome.fired)])

    @cached_property
    def not_fired(self) -> tuple[RuleOutcome, ...]:  # type: ignore[override] # see above
        rules, fired = self.rules, self.outcome.fired
        return tuple([rules.rule(place) for place in rules.places if place not in fired])

    @property
    def faults(self) -> tuple[Fault, ...]:  # type: ignore[override] # see above
        return self._told[2]

    @property
    def refused(self) -> str | None:  # type: ignore[override] # see above
        return self._told[1]

    @property
    def prints(self) -> str:  # type: ignore[override] # see above
        return self.outcome.prints

    @property
    def steps(self) -> int:  # type: ignore[override] # see above
        return self.outcome.steps

    @property
    def revision(self) -> str:  # type: ignore[override] # see above
        return self.rules.revision

    @property
    def received_at(self) -> str:  # type: ignore[override] # see above
        return self.moment().isoformat()

    @property
    def unused_keys(self) -> tuple[str, ...]:  # type: ignore[override] # see above
        return self.first[1]


def _zoned(moment: datetime) -> datetime:
    try:
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError):
        # The first and the last day of the calendar have no moment in every zone.
        return moment.replace(tzinfo=UTC)


def _refusal(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_data(value: Any) -> bool:
    return not isinstance(value, _NO_DATA)
