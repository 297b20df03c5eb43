"""A dry run: what the rules decide for a ticket, and what would be sent to Halo for it, as data. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dispatcher.halo.payloads import preview
from dispatcher.ruleset import RuleSet


def dry_run(ruleset: RuleSet, ticket: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """Return the decision as JSON data, with `would_send`: the Halo ticket and its note, None when refused."""
    decision = ruleset.decide(ticket, now=now).to_dict()
    decision["would_send"] = None if decision["refused"] is not None else preview(ticket, decision)
    return decision
