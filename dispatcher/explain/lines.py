"""Why a line did not run: the branch that went another way, what ended the rule before it, or that nobody called it."""

from __future__ import annotations

from dispatcher.decisions import Fault, RuleOutcome
from dispatcher.errors import DispatcherError
from dispatcher.explain.fields import Place, place_at
from dispatcher.explain.misses import Miss, Part, around, first_closed, misses, nearest, needed
from dispatcher.lang.records import dataclass
from dispatcher.tracing import LocatedStatement, Traced, branches_at, statement_at, statements_in


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a line did not run.

    `ran` tells that it did. `closed` is the first branch on the way that went another way; `needed` are the parts that
    would have to be otherwise, and `then_runs` whether the line runs then, by experiment.
    """

    place: Place
    rule: RuleOutcome
    ran: bool
    closed: Miss | None
    misses: tuple[Miss, ...]
    needed: tuple[Part, ...]
    then_runs: bool
    fault: Fault | None


def why_line_not(found: Traced, file: str | None, line: int) -> WhyNot:
    """Return why a line did not run; of the first line of a rule, why that did not fire.

    Raises DispatcherError where nothing stands at the line.
    """
    place = statement_at(found.ruleset, file, line)
    if place is None:
        named = f"{file}, line {line}" if file is not None else f"line {line}"
        raise DispatcherError(f"there is no rule at {named}; {_nearest_lines(found, file, line)}")
    at, rule = place_at(found.ruleset, place[0], line), found.ruleset.rule(place)
    fault = fault_of(found, place)
    if fault is not None:
        return WhyNot(at, rule, False, None, (), (), False, fault)
    if line <= rule.line and rule in found.decision.not_fired:
        return _why_rule_not(found, place, at, rule)
    target = _meant(found, place, line)
    if target is None or found.ran(place, target):
        return WhyNot(at, rule, True, None, (), (), False, None)
    ways = around(found, place, target.span.start)
    closed = first_closed(found, ways)
    if closed is None:
        return WhyNot(at, rule, False, _left(found, place, target), (), (), False, None)
    parts, reached = needed(found, ways, lambda current: current.ran(place, target) > 0)
    return WhyNot(at, rule, False, closed, (), parts, reached, None)


def fault_of(found: Traced, place: tuple[int, int]) -> Fault | None:
    """Return why the statement with these numbers of program and statement counts as absent."""
    program = found.ruleset.programs[place[0]]
    for fault in found.decision.faults:
        at = program.statement_at(fault.line, fault.column) if fault.file == program.filename else None
        if at == place[1]:
            return fault
    return None


def _why_rule_not(found: Traced, place: tuple[int, int], at: Place, rule: RuleOutcome) -> WhyNot:
    told = misses(found, place)
    near = nearest(told)
    parts: tuple[Part, ...] = ()
    reached = False
    if near is not None:
        branches = branches_at(found.ruleset, place)
        branch = next(one for one in branches if (one.line, one.text, one.kind) == (near.line, near.text, near.kind))
        ways = [*around(found, place, branch.span.start), (branch, True)]
        parts, reached = needed(found, ways, lambda current: rule in current.decision.fired)
    return WhyNot(at, rule, False, None, told, parts, reached, None)


def _meant(found: Traced, place: tuple[int, int], line: int) -> LocatedStatement | None:
    """Return the statement that a line is about: of a head such as `elif` or `else`, the first one below it.

    None where it is the whole statement at the margin.
    """
    source = found.ruleset.programs[place[0]].source
    text = source.line(line)
    offset = source.offset(line, len(text) - len(text.lstrip()) + 1)
    inside = statements_in(found.ruleset, place)
    # The innermost of those around it is the one that begins last.
    around_it = [inner for inner in inside if inner.contains(offset)]
    innermost = around_it[-1] if around_it else None
    for inner in inside:
        if inner.span.start >= offset and (innermost is None or innermost.contains(inner.span.start)):
            # Of a simple statement that begins at the line, this is the statement itself.
            if inner is innermost and _holds_more(inner, inside):
                continue
            return inner
    return innermost


def _holds_more(statement: LocatedStatement, inside: list[LocatedStatement]) -> bool:
    return any(statement.contains(inner.span.start) for inner in inside if inner is not statement)


def _left(found: Traced, place: tuple[int, int], target: LocatedStatement) -> Miss:
    """Return the last line above a statement that ran, where no branch tells why the statement itself did not."""
    source = found.ruleset.programs[place[0]].source
    start = found.ruleset.programs[place[0]].starts[place[1]]
    for inner in statements_in(found.ruleset, place):
        if inner.span.start < target.span.start and not inner.contains(target.span.start) and found.ran(place, inner):
            start = inner.span.start
    line = source.position(start)[0]
    return Miss(line, "", source.line(line).strip(), "left", None, 0, 0.0, None)


def _nearest_lines(found: Traced, file: str | None, line: int) -> str:
    for program in found.ruleset.programs:
        if file is None or program.filename == file:
            lines = [program.source.position(start)[0] for start in program.starts]
            near = sorted(sorted(lines, key=lambda other: abs(other - line))[:2])
            return f"the nearest begin at {' and '.join(map(str, near))}" if near else "the file has none"
    return f"the files are {', '.join(program.filename for program in found.ruleset.programs)}"
