"""Trials: what rules would do with a ticket, tried without keeping or filing anything.

Most decisions take microseconds, and handing them to a thread takes longer. Some take half a second, and must not hold
up other requests. Which kind it is shows while deciding: a small share of the budget is spent at once, and where it
does not suffice everything is done again in a thread, with all of it. Decisions that pass no limit do not depend on
limits, so nobody sees which way an answer took.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool

from dispatcher import RuleSet
from dispatcher.dispatch import dry_run
from dispatcher.lang.records import replace
from service.settings import Settings

# A millisecond, or two where a rule fails.
STEPS_AT_ONCE = 10_000
# What takes time beside the rules: long tickets are read, and every rule is named in the answer.
BYTES_AT_ONCE = 32 * 1024
STATEMENTS_AT_ONCE = 1_000


class Trials:
    """Tries tickets, with the rules that are in force or with others."""

    def __init__(self, active: RuleSet, settings: Settings) -> None:
        self._active = active
        self._settings = settings
        few = sum(len(program.shapes) for program in active.programs) <= STATEMENTS_AT_ONCE
        self._at_once = active.within(replace(active.limits, steps=STEPS_AT_ONCE)) if few else None

    async def of_active(self, ticket: Mapping[str, Any], now: datetime | None, size: int) -> dict[str, Any]:
        """Return a dry run of the rules in force on a ticket that came in a body of `size` bytes."""
        moment = self._moment(now)
        if self._at_once is not None and size <= BYTES_AT_ONCE:
            result = dry_run(self._at_once, ticket, moment)
            if all(fault["kind"] != "limit" for fault in result["faults"]):
                return result
        return await run_in_threadpool(dry_run, self._active, ticket, moment)

    async def of_text(self, text: str, ticket: Mapping[str, Any], now: datetime | None) -> dict[str, Any]:
        """Return a dry run of the text of one rule file; raise RulesError when it has errors."""
        return await run_in_threadpool(self._of_text, text, ticket, self._moment(now))

    def _of_text(self, text: str, ticket: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        settings = self._settings
        rules = RuleSet.from_text(
            text, variables=settings.variables, defaults=settings.defaults, on_fault=settings.on_fault
        )
        return dry_run(rules, ticket, now)

    def _moment(self, now: datetime | None) -> datetime:
        """Return when a ticket arrives, in the configured zone where it names none."""
        zone = self._settings.zone
        if now is None:
            return datetime.now(zone)
        return now if now.tzinfo is not None else now.replace(tzinfo=zone)
