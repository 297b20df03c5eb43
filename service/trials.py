"""Trials: what rules would do with a ticket, tried without keeping or filing anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from dispatcher import RuleSet
from dispatcher.dispatch import dry_run
from service.deciding import ActiveRules, on_the_side
from service.settings import Settings


class Trials:
    """Tries tickets, with the rules that are in force or with others."""

    def __init__(self, active: ActiveRules, settings: Settings) -> None:
        self._active = active
        self._settings = settings

    async def of_active(self, ticket: Mapping[str, Any], now: datetime | None, size: int) -> dict[str, Any]:
        """Return a dry run of the rules in force on a ticket that came in a body of `size` bytes."""
        return await self._active.current.decide(dry_run, ticket, self.moment(now), size, urgent=False)

    async def of_text(self, text: str, ticket: Mapping[str, Any], now: datetime | None) -> dict[str, Any]:
        """Return a dry run of the text of one rule file; raise RulesError when it has errors."""
        return await on_the_side(partial(self._of_text, text, ticket, self.moment(now)))

    def _of_text(self, text: str, ticket: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return dry_run(self.ruleset(text), ticket, now)

    def active(self) -> RuleSet:
        """Return the rules in force."""
        return self._active.current.ruleset

    def ruleset(self, text: str) -> RuleSet:
        """Return the rule set of the text of one file; raise RulesError when it has errors.

        It decides by the settings of the rules in force, which a process that started later may have changed.
        """
        active = self.active()
        return RuleSet.from_text(text, variables=active.variables, defaults=active.defaults, on_fault=active.on_fault)

    def moment(self, now: datetime | None) -> datetime:
        """Return when a ticket arrives, in the configured zone where it names none."""
        zone = self._settings.zone
        if now is None:
            return datetime.now(zone)
        return now if now.tzinfo is not None else now.replace(tzinfo=zone)
