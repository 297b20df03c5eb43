"""dispatcher: ticket rules in Python syntax in front of HaloPSA and HaloITSM."""

from __future__ import annotations

from dispatcher.decisions import Change, Decision, Fault, RuleOutcome
from dispatcher.errors import DispatcherError, RulesError
from dispatcher.lang.budget import Limits
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.ruleset import RuleSet, check

__all__ = [
    "Change",
    "Decision",
    "Diagnostic",
    "DispatcherError",
    "Fault",
    "Limits",
    "RuleOutcome",
    "RuleSet",
    "RulesError",
    "check",
]
