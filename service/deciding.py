"""Deciding: the rules in force, applied without holding up other requests.

Most decisions take microseconds, and handing them to a thread takes longer. Some take half a second, and must not hold
up other requests. Which kind it is shows while deciding: a small share of the budget is spent at once, and where it
does not suffice everything is done again in a thread, with all of it. Decisions that pass no limit do not depend on
limits, so nobody sees which way an answer took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from starlette.concurrency import run_in_threadpool

from dispatcher import RuleSet
from dispatcher.lang.records import replace

# A millisecond, or two where a rule fails.
STEPS_AT_ONCE = 10_000
# What takes time beside the rules: long tickets are read, and every rule is named in the answer.
BYTES_AT_ONCE = 32 * 1024
STATEMENTS_AT_ONCE = 1_000

# Decides a ticket that arrives at this time, and returns the decision as data, perhaps with more.
Decide: TypeAlias = Callable[[RuleSet, Mapping[str, Any], datetime], dict[str, Any]]


class ActiveRules:
    """The rules in force."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        few = sum(len(program.shapes) for program in ruleset.programs) <= STATEMENTS_AT_ONCE
        self._at_once = ruleset.within(replace(ruleset.limits, steps=STEPS_AT_ONCE)) if few else None

    async def decide(self, how: Decide, ticket: Mapping[str, Any], now: datetime, size: int) -> dict[str, Any]:
        """Return what `how` makes of a ticket that came in a body of `size` bytes."""
        if self._at_once is not None and size <= BYTES_AT_ONCE:
            result = how(self._at_once, ticket, now)
            if all(fault["kind"] != "limit" for fault in result["faults"]):
                return result
        return await run_in_threadpool(how, self.ruleset, ticket, now)
