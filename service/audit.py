"""What an audit of the kept tickets needs: the rules in force, and earlier ones."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher import RuleSet
from dispatcher.audit.rules import Former
from dispatcher.errors import DispatcherError
from service.versions import Versions


def rules_in_force(versions: Versions) -> RuleSet:
    """Return the rules that a service decides by; DispatcherError where none has been started yet."""
    active = versions.active()
    if active is None:
        raise DispatcherError("no rules are in force yet: start the service, or name some: `dispatcher audit RULES`")
    return versions.load(active.revision, active.settings)


def former(versions: Versions, late: Callable[[], bool] = lambda: False) -> Former:
    """Return what finds the rules of an earlier revision, each of which is compiled; none when it is `late`."""

    def find(revision: str) -> RuleSet | None:
        if late():
            return None
        try:
            return versions.ruleset(revision)
        except DispatcherError:
            return None

    return find
