"""Explain: why a decision is what it is. Every claim is what the rules did, or what they do in an experiment.

A ticket is decided once more with all conditions watched (tracing.py). For each ticket variable that rules wrote,
`fields` tells the lines that wrote it, and runs the rules again without the line that set it, so that what is said to
be the reason is one. For each rule that did not fire, `misses` tells the first part that was false with the values that
it saw. For one line, `why_not` tells which parts would have to be otherwise, and runs the rules again with those taken
to be so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from dispatcher.decisions import Decision, Fault, RuleOutcome
from dispatcher.errors import DispatcherError
from dispatcher.explain.experiments import Experiments
from dispatcher.explain.fields import Field, Place, Writes, explain_field, first_origin, place_at
from dispatcher.explain.misses import Miss, Part, around, first_closed, misses, nearest, needed
from dispatcher.lang.diagnostics import near_name
from dispatcher.lang.records import dataclass
from dispatcher.plain import Room, to_json_safe
from dispatcher.ruleset import RuleSet
from dispatcher.tickets import first_values
from dispatcher.tracing import LocatedBranch, Traced, branches_at, rule_at, traced

# Rules that did not fire, of which it is found out why, and that are told: those that came nearest.
MAX_LOOKED_AT = 10_000
MAX_RULES = 200

__all__ = ["Explainer", "Explanation", "WhyNot", "explain"]


@dataclass(frozen=True, slots=True)
class RuleReasons:
    """Why a rule did not fire: its branches that were not taken, and the number of the nearest to be; or its fault."""

    rule: RuleOutcome
    misses: tuple[Miss, ...]
    nearest: int | None
    fault: Fault | None

    @property
    def nearness(self) -> float:
        """Return how near it came to fire: 1 where it failed, else how much of a condition held."""
        if self.fault is not None:
            return 1.0
        return self.misses[self.nearest].nearness if self.nearest is not None else 0.0


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


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a ticket was decided as it was."""

    decision: Decision
    fields: tuple[Field, ...]
    not_fired: tuple[RuleReasons, ...]
    # Rules that did not fire either, and are not told.
    omitted_rules: int
    why_not: WhyNot | None

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON data; safe for any value that a rule can build."""
        room = Room()
        safe = partial(to_json_safe, room=room)
        decision = self.decision
        return {
            "refused": safe(decision.refused),
            "fields": [_field(field, safe) for field in self.fields],
            "fired": [_rule(rule, safe) for rule in decision.fired],
            "not_fired": [
                {
                    **_rule(reasons.rule, safe),
                    "misses": [_miss(one, safe) for one in reasons.misses],
                    "nearest": reasons.nearest,
                    "nearness": round(reasons.nearness, 3),
                    "fault": _fault(reasons.fault, safe),
                }
                for reasons in self.not_fired
            ],
            "omitted_rules": self.omitted_rules,
            "why_not": _why_not(self.why_not, safe) if self.why_not is not None else None,
            "faults": [_fault(fault, safe) for fault in decision.faults],
            "revision": decision.revision,
            "received_at": decision.received_at,
        }


def explain(
    ruleset: RuleSet,
    ticket: Mapping[str, Any],
    *,
    now: datetime | None = None,
    why: str | None = None,
    why_not: tuple[str | None, int] | None = None,
) -> Explanation:
    """Return why the rules decide a ticket as they do.

    `why` names one variable, and only that is explained; `why_not` a file, None for the first, and a line. Raises
    DispatcherError where there is no such variable, or no rule at the line.
    """
    return Explainer(ruleset).explain(ticket, now=now, why=why, why_not=why_not)


class Explainer:
    """Explains decisions of one rule set; for many tickets it is quicker than `explain` for each."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self._experiments = Experiments(ruleset)

    def explain(
        self,
        ticket: Mapping[str, Any],
        *,
        now: datetime | None = None,
        why: str | None = None,
        why_not: tuple[str | None, int] | None = None,
    ) -> Explanation:
        """Return why the rules decide a ticket as they do, as `explain` does."""
        variables = self._asked(why) if why is not None or why_not is None else ()
        found = traced(self._ruleset, ticket, now=now)
        answered = _why_not_at(found, *why_not) if why_not is not None else None
        not_fired = found.decision.not_fired if why is None and why_not is None else ()
        return Explanation(
            decision=found.decision,
            fields=tuple(self._fields(found, variables)),
            not_fired=_nearest_rules(_reasons(found, not_fired[:MAX_LOOKED_AT])),
            omitted_rules=max(0, len(not_fired) - MAX_RULES),
            why_not=answered,
        )

    def _asked(self, why: str | None) -> tuple[str, ...]:
        """Return the variables that are to be explained."""
        schema = self._ruleset.schema
        if why is None:
            return tuple(variable.name for variable in schema.variables if variable.writable)
        known = schema.find(why)
        if known is None:
            names = [variable.name for variable in schema.variables if variable.writable]
            what_there_is = near_name(why, names) or f"they have {', '.join(names)}"
            raise DispatcherError(f"tickets have no variable `{why}`; {what_there_is}")
        return (known.name,)

    def _fields(self, found: Traced, variables: tuple[str, ...]) -> Iterator[Field]:
        first = first_values(found.ticket, self._ruleset.schema, self._ruleset.defaults)[0]
        writes = Writes(self._experiments, found.writes)
        for name in variables:
            origin = first_origin(self._ruleset, found.ticket, name, first[name])
            yield explain_field(found, self._experiments, writes, name, first[name], origin)


def _reasons(found: Traced, rules: tuple[RuleOutcome, ...]) -> tuple[RuleReasons, ...]:
    places = {found.ruleset.rule(place): place for place in found.ruleset.places} if rules else {}
    told = []
    for rule in rules:
        fault = _fault_of(found, places[rule])
        all_misses = misses(found, places[rule]) if fault is None else ()
        near = nearest(all_misses)
        told.append(RuleReasons(rule, all_misses, all_misses.index(near) if near is not None else None, fault))
    return tuple(told)


def _nearest_rules(told: tuple[RuleReasons, ...]) -> tuple[RuleReasons, ...]:
    """Return as many rules as are told, in order: those that failed or came nearest to fire."""
    if len(told) <= MAX_RULES:
        return told
    numbers = sorted(range(len(told)), key=lambda number: told[number].nearness, reverse=True)
    return tuple([told[number] for number in sorted(numbers[:MAX_RULES])])


def _fault_of(found: Traced, place: tuple[int, int]) -> Fault | None:
    program = found.ruleset.programs[place[0]]
    for fault in found.decision.faults:
        at = program.statement_at(fault.line, fault.column) if fault.file == program.filename else None
        if at == place[1]:
            return fault
    return None


def _why_not_at(found: Traced, file: str | None, line: int) -> WhyNot:
    at = rule_at(found.ruleset, file, line)
    if at is None:
        named = f"{file}, line {line}" if file is not None else f"line {line}"
        raise DispatcherError(f"there is no rule at {named}; name a line of an `if`, a loop, or a ticket variable")
    rule, place = at
    program = found.ruleset.programs[place[0]]
    source = program.source
    text = source.line(line)
    offset = source.offset(line, len(text) - len(text.lstrip()) + 1)
    ways = around(found, place, offset)
    closed = first_closed(found, ways)
    fault = _fault_of(found, place)
    told = misses(found, place) if not ways else ()
    ran = closed is None and not told and fault is None
    if not ways and told:
        near = nearest(told)
        ways = _into(found, place, near) if near is not None else []
    parts, reached = needed(found, ways) if not ran and fault is None else ((), False)
    return WhyNot(
        place_at(found.ruleset, place[0], line), rule, ran, closed, told, parts, reached and bool(ways), fault
    )


def _into(found: Traced, place: tuple[int, int], near: Miss) -> list[tuple[LocatedBranch, bool]]:
    """Return the way into the branch that came nearest."""
    branch = next(one for one in branches_at(found.ruleset, place) if (one.line, one.text) == (near.line, near.text))
    return [*around(found, place, branch.span.start), (branch, True)]


# --- as data


def _place(place: Place | None, safe: Any) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "file": safe(place.file),
        "line": place.line,
        "text": safe(place.text),
        "rule_line": place.rule_line,
        "rule_title": safe(place.rule_title),
    }


def _rule(rule: RuleOutcome, safe: Any) -> dict[str, Any]:
    return {"file": safe(rule.file), "line": rule.line, "title": safe(rule.title)}


def _field(field: Field, safe: Any) -> dict[str, Any]:
    otherwise = field.otherwise
    return {
        "variable": field.variable,
        "value": safe(field.value),
        "first": safe(field.first),
        "origin": field.origin,
        "set_by": _place(field.set_by, safe),
        "because": [_part(part, safe) for part in field.because],
        "otherwise": {
            "lines": [_place(place, safe) for place in otherwise.lines],
            "value": safe(otherwise.value),
            "by": _place(otherwise.by, safe),
        }
        if otherwise is not None
        else None,
        "steps": [
            {
                **(_place(step.place, safe) or {}),
                "old": safe(step.old),
                "new": safe(step.new),
                "times": step.times,
                "fate": step.fate,
                "by": _place(step.by, safe),
            }
            for step in field.steps
        ],
        "omitted_steps": field.omitted,
    }


def _part(part: Part, safe: Any) -> dict[str, Any]:
    return {
        "line": part.line,
        "text": safe(part.text),
        "truth": part.truth,
        "values": [{"text": safe(text), "value": safe(value)} for text, value in part.values],
        "hint": safe(part.hint),
    }


def _miss(one: Miss, safe: Any) -> dict[str, Any]:
    return {
        "line": one.line,
        "kind": one.kind,
        "text": safe(one.text),
        "reason": one.reason,
        "part": _part(one.part, safe) if one.part is not None else None,
        "looks": one.looks,
        "nearness": round(one.nearness, 3),
        "line_before": one.line_before,
    }


def _fault(fault: Fault | None, safe: Any) -> dict[str, Any] | None:
    if fault is None:
        return None
    return {
        "type": fault.type,
        "message": safe(fault.message),
        "file": safe(fault.file),
        "line": fault.line,
        "column": fault.column,
    }


def _why_not(answer: WhyNot, safe: Any) -> dict[str, Any]:
    return {
        **(_place(answer.place, safe) or {}),
        "ran": answer.ran,
        "closed": _miss(answer.closed, safe) if answer.closed is not None else None,
        "misses": [_miss(one, safe) for one in answer.misses],
        "needed": [_part(part, safe) for part in answer.needed],
        "then_runs": answer.then_runs,
        "fault": _fault(answer.fault, safe),
    }
