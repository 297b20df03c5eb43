"""Tracing: a decision, with what each branch of the rules saw on the way. Coverage and explanations are made of it.

`branches(ruleset)` names all places at which rules go one way or another; `traced(ruleset, ticket)` decides a ticket
and tells of each of them how often it held and failed, and what its condition looked at. Places of the language's
traces are numbers; here they become lines and text of the rule files.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from dispatcher.decisions import Decision
from dispatcher.lang.branches import ENTERED, Branch, BranchKind, Part
from dispatcher.lang.evaluator import LoggedWrite
from dispatcher.lang.program import Program
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source, Span
from dispatcher.lang.trace import NO_DATA, Seen, Trace
from dispatcher.ruleset import RuleSet

# Stands for an operand that nobody saw.
UNKNOWN: Any = object()
LONGEST_LITERAL = 10_000


@dataclass(frozen=True, slots=True)
class LocatedBranch:
    """A branch in its file. Lines and columns count from 1; spans are offsets of the file's text."""

    place: tuple[int, int]
    number: int
    kind: BranchKind
    file: str
    line: int
    column: int
    # The condition, or the head of a `case`, an `except` or a `for`.
    text: str
    span: Span
    body: Span
    otherwise: Span | None
    rank: int

    @property
    def arms(self) -> tuple[bool, ...]:
        """Return the ways that it can go: that it holds, or is entered, and that it fails."""
        return (True,) if self.kind in ENTERED else (True, False)


@dataclass(frozen=True, slots=True)
class LocatedStatement:
    """A statement inside another one, and where a trace hears that it runs."""

    span: Span
    site: int

    def contains(self, offset: int) -> bool:
        """Tell whether an offset of the file is in the statement."""
        return self.span.start <= offset < self.span.end


@dataclass(frozen=True, slots=True)
class SeenPart:
    """A part of a condition as it was at one time; `truth` is None where it was not looked at.

    `values` are what a plain part looked at: the text of each, and its value.
    """

    kind: str
    op: str
    text: str
    line: int
    truth: bool | None
    parts: tuple[SeenPart, ...]
    values: tuple[tuple[str, Any], ...]
    # What is compared, or what a method is called on and with, where all of it is known: literals as they are read.
    operands: tuple[Any, ...]
    # Where a trace hears of it: the numbers of program, statement and site.
    site: tuple[int, int, int]

    def leaves(self) -> Iterator[SeenPart]:
        """Yield the plain parts, in order."""
        if self.kind == "plain":
            yield self
        for part in self.parts:
            yield from part.leaves()


def branches(ruleset: RuleSet) -> Iterator[LocatedBranch]:
    """Yield all branches of the rules, in order."""
    for number, program in enumerate(ruleset.traced_programs):
        for statement in range(len(program.shapes)):
            yield from branches_at(ruleset, (number, statement))


def branches_at(ruleset: RuleSet, place: tuple[int, int]) -> tuple[LocatedBranch, ...]:
    """Return the branches of the statement with these numbers of program and statement."""
    program = ruleset.traced_programs[place[0]]
    spans = _Spans(program, place[1])
    return tuple([_located(branch, number, place, spans) for number, branch in enumerate(_branches(program, place[1]))])


def statements_in(ruleset: RuleSet, place: tuple[int, int]) -> list[LocatedStatement]:
    """Return the statements inside the one with these numbers of program and statement, in order."""
    program = ruleset.traced_programs[place[0]]
    found = program.shapes[place[1]].compiled().branches
    spans = _Spans(program, place[1])
    inside = [LocatedStatement(spans.of(span), site) for span, site in found.inside()] if found is not None else []
    return sorted(inside, key=lambda inner: inner.span)


def traced(
    ruleset: RuleSet,
    ticket: Mapping[str, Any],
    *,
    now: datetime | None = None,
    forced: Mapping[tuple[int, int, int], bool] | None = None,
    counted: Container[tuple[int, int]] | None = None,
    until: int | None = None,
) -> Traced:
    """Decide a ticket as `ruleset.decide` does, and keep what the branches saw.

    Conditions at the sites `forced` are taken to be as it says, whatever they are. Of many looks at one condition the
    first are kept; with the moment `until`, the last before it. With `counted`, what branches of these statements do is
    only counted.
    """
    trace = Trace(forced, counted=counted, until=until)
    now = now if now is not None else datetime.now().astimezone()
    decision, outcome = ruleset.trace(ticket, now=now, trace=trace)
    return Traced(ruleset, ticket, now, decision, outcome.writes, trace)


class Traced:
    """A decision, what the branches of the rules saw, and all writes of ticket variables, in order."""

    def __init__(
        self,
        ruleset: RuleSet,
        ticket: Mapping[str, Any],
        now: datetime,
        decision: Decision,
        writes: Sequence[LoggedWrite],
        trace: Trace,
    ) -> None:
        self.ruleset = ruleset
        self.ticket = ticket
        self.now = now
        self.decision = decision
        self.writes = writes
        self._trace = trace

    def counts(self) -> Iterator[tuple[tuple[int, int], int, int, int]]:
        """Yield place and number of each branch that the decision came by, and how often it held and failed."""
        statements = dict.fromkeys((place[0], place[1]) for place, _ in self._trace.places())
        for program, statement in statements:
            for number, branch in enumerate(_branches(self.ruleset.traced_programs[program], statement)):
                found = self._trace.at(program, statement, branch.site)
                if found is not None:
                    yield (program, statement), number, found.true, found.false

    def passed(self, branch: LocatedBranch) -> tuple[int, int]:
        """Return how often a branch held and failed."""
        site = self._branch(branch).site
        found = self._trace.at(*branch.place, site)
        return (found.true, found.false) if found is not None else (0, 0)

    def ran(self, place: tuple[int, int], inner: LocatedStatement) -> int:
        """Return the moment at which a statement inside another ran last, 0 where it did not run."""
        found = self._trace.at(*place, inner.site)
        return found.last if found is not None else 0

    def looks(self, branch: LocatedBranch) -> tuple[SeenPart, ...]:
        """Return what the condition of a branch saw each time it was looked at, as far as it was kept."""
        condition = self._branch(branch).condition
        found = self._trace.at(*branch.place, condition.site) if condition is not None else None
        if condition is None or found is None:
            return ()
        spans = _Spans(self.ruleset.traced_programs[branch.place[0]], branch.place[1])
        ends = [seen.moment for seen in found.kept]
        return tuple([self._seen(branch.place, condition, spans, *ends) for ends in pairwise([0, *ends])])

    def _branch(self, branch: LocatedBranch) -> Branch:
        return _branches(self.ruleset.traced_programs[branch.place[0]], branch.place[1])[branch.number]

    def _seen(self, place: tuple[int, int], part: Part, spans: _Spans, after: int, until: int) -> SeenPart:
        """Return a part as it was at the last look between two moments."""
        found = self._at(place, part.site, after, until)
        start, _ = spans.of(part.span)
        return SeenPart(
            kind=part.kind,
            op=part.op,
            text=spans.text(part.span),
            line=spans.source.position(start)[0],
            truth=found.truth if found is not None else None,
            parts=tuple([self._seen(place, inner, spans, after, until) for inner in part.parts]),
            values=tuple(self._values(place, part, spans, after, until)),
            operands=tuple(self._operands(place, part, spans, after, until)),
            site=(*place, part.site),
        )

    def _operands(self, place: tuple[int, int], part: Part, spans: _Spans, after: int, until: int) -> Iterator[Any]:
        for operand in part.operands:
            if isinstance(operand, Span):
                yield _literal(spans.text(operand))
            else:
                found = self._at(place, operand, after, until)
                yield found.value if found is not None and found.value is not NO_DATA else UNKNOWN

    def _values(
        self, place: tuple[int, int], part: Part, spans: _Spans, after: int, until: int
    ) -> Iterator[tuple[str, Any]]:
        branches = self.ruleset.traced_programs[place[0]].shapes[place[1]].compiled().branches
        for site in part.values:
            found = self._at(place, site, after, until)
            if found is not None and found.value is not NO_DATA and branches is not None:
                yield spans.text(branches.spans[site]), found.value

    def _at(self, place: tuple[int, int], site: int, after: int, until: int) -> Seen | None:
        found = self._trace.at(*place, site)
        kept = found.kept if found is not None else ()
        return next((seen for seen in reversed(kept) if after < seen.moment <= until), None)


def statement_at(ruleset: RuleSet, file: str | None, line: int) -> tuple[int, int] | None:
    """Return the statement at the margin that a line belongs to, as numbers of program and statement; None for none.

    Its title belongs to it. Where no file is named, it is the first.
    """
    for number, program in enumerate(ruleset.programs):
        if file is None or program.filename == file:
            while program.source.line(line).startswith("#"):
                line += 1
            if not program.starts or line > program.source.position(len(program.source.text))[0]:
                return None
            statement = program.statement_at(line, 1)
            first = program.source.position(program.starts[statement])[0]
            text = program.source.text[slice(*[*program.starts, None][statement : statement + 2])].rstrip()
            return (number, statement) if first <= line <= first + _own_lines(text) else None
    return None


def _literal(text: str) -> Any:
    """Return what a literal of a rule means, or UNKNOWN."""
    try:
        return ast.literal_eval(text) if len(text) <= LONGEST_LITERAL else UNKNOWN
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return UNKNOWN


def _own_lines(text: str) -> int:
    """Return how many line ends a statement has, without the comments for the next one behind it."""
    lines = text.split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return len(lines) - 1


class _Spans:
    """Turns spans of a statement's shape into spans of the file."""

    def __init__(self, program: Program, statement: int) -> None:
        self.source: Source = program.source
        self._program = program
        self._statement = statement
        self._shape = program.shapes[statement].source

    def of(self, span: Span) -> Span:
        """Return the span in the file."""
        if self._shape is self.source:
            return span
        ends = [
            self.source.offset(*self._program.position(self._statement, *self._shape.position(offset)))
            for offset in span
        ]
        return Span(*ends)

    def text(self, span: Span) -> str:
        """Return the text at a span, its lines put into one."""
        start, end = self.of(span)
        return " ".join(line.strip() for line in self.source.text[start:end].split("\n"))


def _branches(program: Program, statement: int) -> list[Branch]:
    found = program.shapes[statement].compiled().branches
    return found.branches if found is not None else []


def _located(branch: Branch, number: int, place: tuple[int, int], spans: _Spans) -> LocatedBranch:
    start, end = spans.of(branch.span)
    line, column = spans.source.position(start)
    return LocatedBranch(
        place=place,
        number=number,
        kind=branch.kind,
        file=spans.source.filename,
        line=line,
        column=column,
        text=spans.text(branch.span),
        span=Span(start, end),
        body=spans.of(branch.body),
        otherwise=spans.of(branch.otherwise) if branch.otherwise is not None else None,
        rank=branch.rank,
    )
