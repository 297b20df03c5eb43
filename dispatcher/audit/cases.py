"""Case: what an audit looks at of one ticket, from its kept decision or from what rules decide now.

Cases are made on several cores, so they cross between processes, as JSON data.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Literal, TypeAlias

from dispatcher.decisions import Decision
from dispatcher.history import Line, PastTicket, Unreadable, place, read
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source
from dispatcher.plain import Room, to_json_safe
from dispatcher.replay import replay
from dispatcher.ruleset import RuleSet

# File and first line of a top-level statement.
Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """A change of a ticket variable, and the line that made it."""

    variable: str
    file: str
    line: int
    new: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a rule counted as absent, and the line where."""

    type: str
    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class SubmissionError:
    """A value that Halo did not take, so that the field fell back."""

    variable: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket and its decision. `name` tells where to find it: a ticket id, or file and line.

    `when` is what the rules took for its time of arrival; not `dated`, nobody knows whether it was. `rules` are those
    of the decision, each with file, line and title; empty where the revision is known already. `submission_errors` are
    None where nobody knows what Halo took. `text` is the line of the history, which holds the ticket if it is `whole`.
    """

    name: str
    text: bytes
    whole: bool
    when: datetime
    dated: bool
    revision: str | None
    rules: Sequence[tuple[str, int, str]]
    fired: Sequence[Place]
    writes: Sequence[Written]
    failures: Sequence[Failed]
    refused: bool
    submission_errors: Sequence[SubmissionError] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket that can be decided again."""

    name: str
    when: datetime
    ticket: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Tickets of which there is no case: `unreadable`, `undated`, `not_kept` any more, or `beyond_bound`."""

    reason: Literal["unreadable", "undated", "not_kept", "beyond_bound"]
    tickets: int = 1


@dataclass(frozen=True, slots=True)
class Period:
    """Which tickets count: those that came in from `since` and before `until`; where no time is known, it is `now`.

    Rules are told the time in `zone`, else as the ticket has it.
    """

    now: datetime
    zone: tzinfo | None = None
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime | None) -> bool | None:
        """Tell whether a ticket counts; None: nobody knows."""
        if self.since is None and self.until is None:
            return True
        if moment is None:
            return None
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


def cases_of(
    lines: Iterable[Line],
    ruleset: RuleSet,
    period: Period,
    *,
    anew: bool = False,
    processes: int | None = None,
    tell: Callable[[Line], None] = lambda _line: None,
) -> Generator[Case | Skipped, None, None]:
    """Yield the cases of the tickets of a history, in order.

    What has no kept decision, or `anew` everything, is decided by the rules. As many processes work as there are
    cores, or as `processes` says; `tell` is told of each line that is done.
    """
    work = _Reading(ruleset, period, anew=anew)
    with closing(replay(work, _elsewhere(ruleset, period, anew), lines, processes=processes)) as answers:
        for line, answer in answers:
            if isinstance(answer, str):
                yield Skipped(answer)  # type: ignore[arg-type] # one of its reasons
            elif answer is not None:
                yield _case(line, answer)
            tell(line)


# What is told of a line: a case as it crosses between processes, why there is none, or None for what does not count.
_Answer: TypeAlias = "list[Any] | str | None"


def _elsewhere(ruleset: RuleSet, period: Period, anew: bool) -> Callable[[], _Reading]:
    """Return what makes the same in another process."""
    options = {"variables": ruleset.variables, "defaults": ruleset.defaults, "on_fault": ruleset.on_fault}
    return partial(_begin, ruleset.sources, options, (period.now, period.zone, period.since, period.until), anew)


def _begin(sources: Sequence[Source], options: Mapping[str, Any], period: tuple[Any, ...], anew: bool) -> _Reading:
    return _Reading(RuleSet(sources, **options), Period(*period), anew=anew)


class _Reading:
    """Makes cases of lines. Of each revision but the one in force, the first case tells the rules."""

    def __init__(self, ruleset: RuleSet, period: Period, *, anew: bool) -> None:
        self._ruleset = ruleset
        self._period = period
        self._anew = anew
        self._told = {ruleset.revision}

    def __call__(self, text: bytes) -> _Answer:
        past = read(text, self._period.zone)
        if isinstance(past, Unreadable):
            return "unreadable"
        counts = self._period.holds(past.received_at)
        if not counts:
            return "undated" if counts is None else None
        try:
            # Of tickets that are decided anew, Halo has got other values.
            errors = None if self._anew else _submission_errors(past)
            if past.decision is not None and not self._anew:
                return self._kept(past, past.decision, errors)
        except (KeyError, TypeError, ValueError, OverflowError):
            return "unreadable"
        if past.ticket is None:
            return "not_kept"
        return self._decided(past, self._ruleset.decide(past.ticket, now=past.received_at or self._period.now), errors)

    def _kept(self, past: PastTicket, decision: Mapping[str, Any], errors: list[Any] | None) -> _Answer:
        when = datetime.fromisoformat(decision["received_at"])
        revision, fired = decision["revision"], [_place(rule) for rule in decision["fired"]]
        known = revision in self._told
        rules = [] if known else [*decision["fired"], *decision["not_fired"]]
        answer = [
            past.id,
            past.ticket is not None,
            (when if when.tzinfo is not None else when.astimezone()).isoformat(),
            True,
            _text(revision),
            [[*_place(rule), _text(rule["title"])] for rule in rules],
            fired,
            [[_text(one["variable"]), *_place(one), one["new"]] for one in decision["changes"]],
            [[_text(one["type"]), *_place(one), _text(one["message"])] for one in decision["faults"]],
            decision["refused"] is not None,
            errors,
        ]
        self._told.add(revision)
        return answer

    def _decided(self, past: PastTicket, decision: Decision, errors: list[Any] | None) -> _Answer:
        room = Room()
        return [
            past.id,
            True,
            decision.received_at,
            past.received_at is not None,
            decision.revision,
            [],
            [(rule.file, rule.line) for rule in decision.fired],
            [[one.variable, one.file, one.line, to_json_safe(one.new, room)] for one in decision.changes],
            [[one.type, one.file, one.line, to_json_safe(one.message, room)] for one in decision.faults],
            decision.refused is not None,
            errors,
        ]


def _case(line: Line, answer: list[Any]) -> Case:
    name, whole, when, dated, revision, rules, fired, writes, failures, refused, errors = answer
    return Case(
        name=name or place(line),
        text=line[2],
        whole=whole,
        when=datetime.fromisoformat(when),
        dated=dated,
        revision=revision,
        rules=rules,
        fired=[(file, number) for file, number in fired],
        writes=[Written(*one) for one in writes],
        failures=[Failed(*one) for one in failures],
        refused=refused,
        submission_errors=None if errors is None else [SubmissionError(*one) for one in errors],
    )


def _place(item: Mapping[str, Any]) -> Place:
    file, line = item["file"], item["line"]
    if type(line) is not int:
        raise TypeError
    return _text(file), line


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _submission_errors(past: PastTicket) -> list[Any] | None:
    if past.submission_errors is None:
        return None
    return [[_text(one["variable"]), one["value"], _text(one["reason"])] for one in past.submission_errors]
