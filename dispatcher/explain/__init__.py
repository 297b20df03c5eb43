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
from dispatcher.explain.fields import Field, Place, Writes, explain_field, first_origin
from dispatcher.explain.lines import WhyNot, fault_of, why_line_not
from dispatcher.explain.misses import Miss, Part, misses, nearest
from dispatcher.lang.diagnostics import near_name
from dispatcher.lang.records import dataclass
from dispatcher.plain import Room, to_json_safe
from dispatcher.ruleset import RuleSet
from dispatcher.tickets import first_values
from dispatcher.tracing import Traced, traced

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
        answered = why_line_not(found, *why_not) if why_not is not None else None
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
    places: dict[RuleOutcome, list[tuple[int, int]]] = {}
    for place in found.ruleset.places if rules else ():
        places.setdefault(found.ruleset.rule(place), []).append(place)
    told = []
    for rule in rules:
        # Of several on one line, those that say why they did not fire are the ones.
        for place in places[rule]:
            fault = fault_of(found, place)
            all_misses = misses(found, place) if fault is None else ()
            if fault is not None or all_misses:
                places[rule] = [other for other in places[rule] if other != place] or [place]
                break
        near = nearest(all_misses)
        told.append(RuleReasons(rule, all_misses, all_misses.index(near) if near is not None else None, fault))
    return tuple(told)


def _nearest_rules(told: tuple[RuleReasons, ...]) -> tuple[RuleReasons, ...]:
    """Return as many rules as are told, in order: those that failed or came nearest to fire."""
    if len(told) <= MAX_RULES:
        return told
    numbers = sorted(range(len(told)), key=lambda number: told[number].nearness, reverse=True)
    return tuple([told[number] for number in sorted(numbers[:MAX_RULES])])


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
