"""Why a ticket variable is what it is: who set it, what was overwritten, and what it would be otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Literal, TypeAlias

from dispatcher.explain.experiments import Experiments
from dispatcher.explain.misses import Part, around, held
from dispatcher.lang.evaluator import LoggedWrite
from dispatcher.lang.records import dataclass, replace
from dispatcher.lang.source import Span
from dispatcher.plain import Room, same, to_plain
from dispatcher.ruleset import RuleSet
from dispatcher.tracing import Traced, statements_in, traced

# Steps of one variable that are told, the first and the last; a loop that writes counts as one.
MAX_STEPS = 40
# Statements that are taken away, one after the other, to see what makes a value what it is.
MAX_REMOVED = 8

Origin: TypeAlias = Literal["rule", "ticket", "default", "message", "fault", "unset"]
Fate: TypeAlias = Literal["stays", "extended", "overwritten", "same"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a rule file, what stands there, and the rule that it belongs to."""

    file: str
    line: int
    text: str
    rule_line: int
    rule_title: str

    def to_dict(self) -> dict[str, Any]:
        """Return the place as JSON data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Step:
    """Writes of one line to a variable, one after the other: what it held before and after them.

    `fate` tells what became of the value: it stays, a later line (`by`) made another of it or overwrote it, or it is
    the same as before. Of a mapping, the items that the step changed count.
    """

    place: Place
    old: Any
    new: Any
    times: int
    fate: Fate
    by: Place | None
    # What an experiment needs to take the statement away.
    statement: tuple[int, Span]
    # Whether the statement reads the variable.
    reads: bool


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What a variable would be without the statements at some lines, by experiment.

    Where the first alone changes nothing, since others set the same, those are taken away, too. `by` is the line that
    would set it then; None where the value would be as it was before the rules.
    """

    lines: tuple[Place, ...]
    value: Any
    by: Place | None


@dataclass(frozen=True, slots=True)
class Field:
    """Why a ticket variable is what it is at the end. `first` is what it was before the rules, and `origin` of what."""

    variable: str
    value: Any
    first: Any
    origin: Origin
    steps: tuple[Step, ...]
    # Steps in the middle that are not told.
    omitted: int
    set_by: Place | None
    # The conditions that let the line run which set it, the outermost first.
    because: tuple[Part, ...]
    otherwise: Otherwise | None


def first_origin(ruleset: RuleSet, ticket: Mapping[str, Any], variable: str, first: Any) -> Origin:
    """Return where a variable's value before the rules is from."""
    aliases = [alias for alias, name in ruleset.schema.aliases.items() if name == variable]
    if any(ticket.get(key) is not None for key in (variable, *aliases)):
        return "ticket"
    if ruleset.defaults.get(variable) is not None:
        return "default"
    return "message" if variable == "subject" and first else "unset"


class Writes:
    """The writes of a decision as steps."""

    def __init__(self, experiments: Experiments, writes: Iterable[LoggedWrite]) -> None:
        self._experiments = experiments
        self._by_variable: dict[str, list[LoggedWrite]] = {}
        for write in writes:
            self._by_variable.setdefault(write.write.variable, []).append(write)

    def steps(self, variable: str, first: Any) -> list[Step]:
        """Return the steps of one variable, in order; `first` is its value before the rules."""
        return list(self._raw(variable, first))

    def _raw(self, variable: str, first: Any) -> Iterator[Step]:
        room = Room(items=200_000)
        old = first
        found = self._by_variable.get(variable, [])
        for (program, line), run in groupby(found, lambda write: (write.program, write.write.line)):
            writes = list(run)
            new = to_plain(writes[-1].value, room)
            fate: Fate = "same" if same(new, old) else "stays"
            place = place_at(self._experiments.ruleset, program, line)
            statement, reads = self._experiments.statement(writes[-1]), self._experiments.reads(writes[-1])
            yield Step(place, old, new, len(writes), fate, None, statement, reads)
            old = new


def place_at(ruleset: RuleSet, program: int, line: int) -> Place:
    """Return a line of a file as explanations tell it."""
    found = ruleset.programs[program]
    rule = found.statement(found.statement_at(line, len(found.source.line(line)) or 1))
    return Place(found.filename, line, found.source.line(line).strip(), rule.line, rule.title)


def explain_field(
    found: Traced, experiments: Experiments, writes: Writes, variable: str, first: Any, origin: Origin
) -> Field:
    """Return why a variable is what it is, with what it would be without the line that set it."""
    value = found.decision.action_variables[variable]
    steps = writes.steps(variable, first)
    last = next((step for step in reversed(steps) if step.fate != "same"), None)
    if last is None and not same(value, first):
        # Where faults refuse tickets, the text of one stands in `exception`.
        origin = "fault"
    numbers = list(range(len(steps)))
    omitted = max(0, len(steps) - MAX_STEPS)
    if omitted:
        numbers = [*numbers[: MAX_STEPS // 2], *numbers[-(MAX_STEPS // 2) :]]
    return Field(
        variable=variable,
        value=value,
        first=first,
        origin="rule" if last is not None else origin,
        steps=tuple([_with_fate(steps[number], steps[number + 1 :]) for number in numbers]),
        omitted=omitted,
        set_by=last.place if last is not None else None,
        because=_because(found, last) if last is not None else (),
        otherwise=_otherwise(found, experiments, variable, first, last) if last is not None else None,
    )


def _because(found: Traced, last: Step) -> tuple[Part, ...]:
    program, span = last.statement
    source = found.ruleset.programs[program].source
    place = program, found.ruleset.programs[program].statement_at(*source.position(span.start))
    ways = around(found, place, span.start)
    if any(sum(found.passed(branch)) > 1 for branch, _ in ways):
        # What counts is how things were when the line ran last, in a loop or a function.
        moment = max([found.ran(place, inner) for inner in statements_in(found.ruleset, place) if inner.span == span])
        found = traced(found.ruleset, found.ticket, now=found.now, until=moment)
    return held(found, ways)


def _otherwise(found: Traced, experiments: Experiments, variable: str, first: Any, last: Step) -> Otherwise | None:
    value = found.decision.action_variables[variable]
    removed: list[Step] = [last]
    while len(removed) <= MAX_REMOVED:
        fewer = experiments.without(step.statement for step in removed)
        if fewer is None:
            return None
        decision, outcome = fewer.evaluate(found.ticket, now=found.now)
        left = decision.action_variables[variable]
        # All that is left stands where it stood, so that its statements are found in the whole file.
        now = Writes(experiments, outcome.writes).steps(variable, first)
        setter = next((step for step in reversed(now) if step.fate != "same"), None)
        if not same(left, value):
            return Otherwise(tuple(step.place for step in removed), left, setter.place if setter is not None else None)
        if setter is None or setter.statement in [step.statement for step in removed]:
            return None
        removed.append(setter)
    return None


def _with_fate(step: Step, later: Iterable[Step]) -> Step:
    """Return a step with what became of its value in later ones."""
    following = [other for other in later if other.fate != "same"]
    if step.fate == "same" or not following:
        return step
    by = following[0]
    if isinstance(step.old, dict) and isinstance(step.new, dict):
        loser = next((other for other in following if not _keeps_items(step, other.new)), None)
        return replace(step, fate="extended" if loser is None else "overwritten", by=(loser or by).place)
    return replace(step, fate="extended" if by.reads else "overwritten", by=by.place)


def _keeps_items(step: Step, later: Any) -> bool:
    """Tell whether a mapping still holds what a step has set in it, and not what the step has deleted."""
    if not isinstance(later, dict):
        return False
    touched = [key for key in {**step.old, **step.new} if not _same_item(key, step.old, step.new)]
    return all(_same_item(key, step.new, later) for key in touched)


def _same_item(key: Any, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    return (key in one) == (key in other) and (key not in one or same(one[key], other[key]))
