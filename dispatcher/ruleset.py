"""RuleSet: rule files, checked and compiled, that decide tickets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from keyword import iskeyword
from pathlib import Path
from types import FunctionType
from typing import Any, Literal

from dispatcher.decisions import Change, Decision, Fault, RuleOutcome
from dispatcher.errors import DispatcherError, RulesError
from dispatcher.lang.analysis import analyse
from dispatcher.lang.budget import Limits
from dispatcher.lang.checker import CheckedModule, check_module
from dispatcher.lang.compiler import compile_module
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic
from dispatcher.lang.evaluator import Outcome, evaluate
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.parser import parse
from dispatcher.lang.program import Program
from dispatcher.lang.schema import Schema, Variable
from dispatcher.lang.source import Source
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, type_name
from dispatcher.plain import Room, same, to_plain
from dispatcher.tickets import TICKET_SCHEMA, first_values

# Changes that a decision lists; a rule that counts in a ticket variable makes them by the thousand.
MAX_CHANGES = 10_000

OnFault = Literal["absent", "refuse"]


def check(text: str, filename: str = "<rules>", *, variables: Iterable[str] = ()) -> list[Diagnostic]:
    """Return all problems of one rule file, in source order; empty when there are none."""
    return _checked(Source(text, filename), declared_schema(variables))[1]


def declared_schema(variables: Iterable[str]) -> Schema:
    """Return the ticket variables with further read-only ones; raise DispatcherError for a name that cannot be one."""
    extra = []
    taken = set(TICKET_SCHEMA.names())
    for name in variables:
        if not name.isidentifier() or name.startswith("_") or iskeyword(name):
            raise DispatcherError(
                f"the variable `{name}` cannot be declared: a name is letters, digits and `_`, and begins with a letter"
            )
        if name in taken or name in FUNCTIONS:
            raise DispatcherError(f"the variable `{name}` cannot be declared: the name is taken")
        taken.add(name)
        extra.append(Variable(name, "any", writable=False, doc="declared in the settings"))
    return replace(TICKET_SCHEMA, variables=TICKET_SCHEMA.variables + tuple(extra))


def _checked(source: Source, schema: Schema) -> tuple[CheckedModule, list[Diagnostic]]:
    module, problems = parse(source)
    checked, found = check_module(source, module, schema)
    if not any(problem.severity == "error" for problem in problems + found):
        found += analyse(checked)
    errors_first = sorted(problems + found, key=lambda problem: (problem.severity != "error", problem.line))
    reported = errors_first[:MAX_DIAGNOSTICS]
    return checked, sorted(reported, key=lambda problem: (problem.line, problem.column))


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
    ) -> None:
        """Check and compile `sources`, which run in the given order; raise RulesError when one has errors."""
        self._schema = declared_schema(variables)
        self._defaults = dict(defaults or {})
        self._on_fault = on_fault
        self._limits = limits or Limits()
        self._sources = tuple(sources)
        pairs = [_checked(source, self._schema) for source in self._sources]
        self.diagnostics = [problem for _, problems in pairs for problem in problems]
        if any(problem.severity == "error" for problem in self.diagnostics):
            raise RulesError(self.diagnostics)
        self._programs: tuple[Program, ...] = tuple(compile_module(checked) for checked, _ in pairs)
        digest = hashlib.sha256("".join(source.digest() for source in self._sources).encode())
        self.revision = digest.hexdigest()

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
    ) -> RuleSet:
        """Return the rule set of a file, or of a folder's `*.rules` files in name order.

        Raises RulesError when a file has errors, and DispatcherError when there is none or it cannot be read.
        """
        return cls(read_sources(Path(path)), variables=variables, defaults=defaults, on_fault=on_fault, limits=limits)

    def decide(self, ticket: Mapping[str, Any], *, now: datetime | None = None) -> Decision:
        """Return what the rules decide for a ticket as received; never raises for what a rule or a ticket does.

        `now` is the ticket's time of arrival, by default the present; a time without a zone counts as local.
        """
        moment = _zoned(now or datetime.now().astimezone())
        first, unused = first_values(ticket, self._schema, self._defaults)
        outcome = evaluate(self._programs, first, to_plain, self._limits, moment)
        return self._decision(first, outcome, moment, unused)

    def _decision(
        self, first: Mapping[str, Any], outcome: Outcome, moment: datetime, unused: tuple[str, ...]
    ) -> Decision:
        room = Room(items=200_000)
        # What the sender knows is told as it came, whatever a rule did to a list in it.
        writable = {variable.name for variable in self._schema.variables if variable.writable}
        last = {name: value if name in writable else first[name] for name, value in outcome.variables.items()}
        variables = {name: to_plain(value, room) for name, value in last.items()}
        faults = [self._fault(fault.program, fault) for fault in outcome.faults]
        changes = self._changes(first, outcome)
        refused = _refusal(outcome.variables["exception"])
        if refused is None and variables["exception"] is not None and variables["exception"] != "":
            faults.append(self._not_text(outcome.variables["exception"], changes))
        if faults and refused is None and self._on_fault == "refuse":
            refused = f"{faults[0].type}: {faults[0].message} ({faults[0].file}, line {faults[0].line})"
            variables["exception"] = refused
        rules = [
            ((number, index), RuleOutcome(program.filename, statement.line, statement.title))
            for number, program in enumerate(self._programs)
            for index, statement in enumerate(program.statements)
            if statement.is_rule or (number, index) in outcome.fired
        ]
        return Decision(
            action_variables=variables,
            other_variables={name: to_plain(value, room) for name, value in outcome.working.items() if _is_data(value)},
            changes=changes,
            fired=tuple(rule for place, rule in rules if place in outcome.fired),
            not_fired=tuple(rule for place, rule in rules if place not in outcome.fired),
            faults=tuple(faults),
            refused=refused,
            prints=outcome.prints,
            steps=outcome.steps,
            revision=self.revision,
            received_at=moment.isoformat(),
            unused_keys=unused,
        )

    def _fault(self, number: int, fault: Any) -> Fault:
        return Fault(fault.kind, fault.type, fault.message, self._programs[number].filename, fault.line, fault.column)

    def _changes(self, first: Mapping[str, Any], outcome: Outcome) -> tuple[Change, ...]:
        current = {name: to_plain(value) for name, value in first.items()}
        changes: list[Change] = []
        room = Room(items=200_000)
        for logged in outcome.writes:
            program = self._programs[logged.program]
            write = logged.write
            new = to_plain(logged.value, room)
            if len(changes) < MAX_CHANGES and not same(new, current[write.variable]):
                changes.append(Change(write.variable, program.filename, write.line, current[write.variable], new))
                current[write.variable] = new
        return tuple(changes)

    def _not_text(self, value: Any, changes: tuple[Change, ...]) -> Fault:
        line = next((change.line for change in reversed(changes) if change.variable == "exception"), 1)
        message = f"`exception` must be text to refuse the ticket, not {type_name(value)}; the ticket is filed"
        return Fault("error", "TypeError", message, self._sources[0].filename, line, 1)


def read_sources(path: Path, *, whole_names: bool = False) -> list[Source]:
    """Return the rule files at `path` in the order they run; raise DispatcherError when there is none.

    Sources carry the file's name, which does not change with the folder, or its whole path.
    """
    files = sorted(path.glob("*.rules"), key=lambda file: file.name) if path.is_dir() else [path]
    if not files:
        raise DispatcherError(f"{path}: the folder has no *.rules files")
    return [Source(read_text(file), str(file) if whole_names else file.name) for file in files]


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file with any line ends; raise DispatcherError when it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DispatcherError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DispatcherError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None


def _zoned(moment: datetime) -> datetime:
    try:
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError):
        # The first and the last day of the calendar have no moment in every zone.
        return moment.replace(tzinfo=UTC)


def _refusal(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_data(value: Any) -> bool:
    return not isinstance(value, FunctionType | Builtin | TypeValue | BoundMethod | ModuleValue | Iterator)
