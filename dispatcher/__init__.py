"""dispatcher: ticket rules in Python syntax in front of HaloPSA and HaloITSM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.checking import check
    from dispatcher.decisions import Change, Decision, Fault, RuleOutcome
    from dispatcher.errors import DispatcherError, RulesError
    from dispatcher.explain import Explainer, Explanation
    from dispatcher.lang.budget import Limits
    from dispatcher.lang.diagnostics import Diagnostic
    from dispatcher.ruleset import RuleSet
    from dispatcher.testing import run_tests

__all__ = [
    "Change",
    "Decision",
    "Diagnostic",
    "DispatcherError",
    "Explainer",
    "Explanation",
    "Fault",
    "Limits",
    "RuleOutcome",
    "RuleSet",
    "RulesError",
    "check",
    "run_tests",
]

_HOMES = {
    "checking": ("check",),
    "decisions": ("Change", "Decision", "Fault", "RuleOutcome"),
    "errors": ("DispatcherError", "RulesError"),
    "explain": ("Explainer", "Explanation"),
    "lang.budget": ("Limits",),
    "lang.diagnostics": ("Diagnostic",),
    "ruleset": ("RuleSet",),
    "testing": ("run_tests",),
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: a command needs few of them."""
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'dispatcher' has no attribute '{name}'")
    from importlib import import_module

    found: object = getattr(import_module(f"dispatcher.{home}"), name)
    globals()[name] = found
    return found
