"""Deciding: the rules in force, applied without holding up other requests.

Most decisions take microseconds, and handing them to a thread takes longer. Some take half a second, and must not hold
up other requests. Which kind it is shows while deciding: a small share of the budget is spent at once, and where it
does not suffice everything is done again in a thread, with all of it. Decisions that pass no limit do not depend on
limits, so nobody sees which way an answer took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

from anyio import CapacityLimiter, to_thread

from dispatcher import RuleSet
from dispatcher.lang.records import replace

# A millisecond, or two where a rule fails.
STEPS_AT_ONCE = 10_000
# What takes time beside the rules: long tickets are read, and every rule is named in the answer.
BYTES_AT_ONCE = 32 * 1024
STATEMENTS_AT_ONCE = 1_000

Result = TypeVar("Result")
# Decides a ticket that arrives at this time, and returns the decision as data, perhaps with more.
Decide: TypeAlias = Callable[[RuleSet, Mapping[str, Any], datetime], dict[str, Any]]

# Deciding keeps a processor busy, so more threads than these gain nothing, and would take it from all else.
_tickets, _others = CapacityLimiter(2), CapacityLimiter(1)


async def on_the_side(action: Callable[[], Result]) -> Result:
    """Return what some work gives that no ticket waits for: checks and trials of rules, one at a time."""
    return await _in_thread(action, _others)


async def _in_thread(action: Callable[[], Result], limiter: CapacityLimiter) -> Result:
    return await to_thread.run_sync(action, limiter=limiter)


class DecidingRules:
    """One rule set, ready to decide for requests. Immutable."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        few = sum(len(program.shapes) for program in ruleset.programs) <= STATEMENTS_AT_ONCE
        self._at_once = ruleset.within(replace(ruleset.limits, steps=STEPS_AT_ONCE)) if few else None

    async def decide(
        self, how: Decide, ticket: Mapping[str, Any], now: datetime, size: int, *, urgent: bool = True
    ) -> dict[str, Any]:
        """Return what `how` makes of a ticket that came in a body of `size` bytes; `urgent`: it is to be filed."""
        if self._at_once is not None and size <= BYTES_AT_ONCE:
            result = how(self._at_once, ticket, now)
            if all(fault["kind"] != "limit" for fault in result["faults"]):
                return result
        return await _in_thread(partial(how, self.ruleset, ticket, now), _tickets if urgent else _others)


class ActiveRules:
    """The rules in force, which may be others from one moment to the next.

    Whoever does several things for one ticket takes `current` once.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        self.current = DecidingRules(ruleset)

    @property
    def ruleset(self) -> RuleSet:
        """Return the rule set in force."""
        return self.current.ruleset

    def switch(self, ruleset: RuleSet) -> None:
        """Put other rules in force; what is being decided is decided by those of before."""
        self.current = DecidingRules(ruleset)
