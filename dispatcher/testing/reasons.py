"""Why a rule did not fire on a ticket, in one line: it failed, or a condition of it did not hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dispatcher.decisions import Decision, RuleOutcome
from dispatcher.explain.misses import Miss, misses, nearest
from dispatcher.plain import to_json_safe
from dispatcher.ruleset import RuleSet
from dispatcher.tracing import statement_at, traced

# Longest value that is shown, in characters of its repr.
LONGEST_VALUE = 80
_REASONS = {
    "empty": "there was nothing to go through",
    "no match": "it did not match",
    "not reached": "it was not reached",
}


def why_not(
    ruleset: RuleSet, ticket: Mapping[str, Any], now: datetime, decision: Decision, rule: RuleOutcome
) -> str | None:
    """Return why a rule did not fire, with what its condition looked at; None where nothing tells."""
    found = statement_at(ruleset, rule.file, rule.line)
    if found is None:
        return None
    number, statement = found
    program = ruleset.programs[number]
    for fault in decision.faults:
        if fault.file == rule.file and program.statement_at(fault.line, fault.column) == statement:
            return f"it failed in line {fault.line}: {fault.type}: {fault.message}"
    told = misses(traced(ruleset, ticket, now=now), (number, statement))
    best = nearest(told) or next(iter(told), None)
    return _in_words(best) if best is not None else None


def _in_words(miss: Miss) -> str | None:
    part = miss.part
    if miss.reason != "false" or part is None:
        return f"line {miss.line}: {miss.text}: {_REASONS[miss.reason]}" if miss.reason in _REASONS else None
    values = ", ".join(f"{text} = {_shown(value)}" for text, value in part.values)
    truth = "true" if part.truth else "false"
    hint = f"; {part.hint}" if part.hint else ""
    return f"line {part.line}: {part.text} was {truth}" + (f" with {values}" if values else "") + hint


def _shown(value: Any) -> str:
    text = repr(to_json_safe(value))
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
