"""Runs rules through the stages of the language alone, without tickets and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dispatcher.lang.budget import Limits
from dispatcher.lang.checker import check_module
from dispatcher.lang.compiler import compile_module
from dispatcher.lang.evaluator import Outcome, evaluate
from dispatcher.lang.parser import parse
from dispatcher.lang.program import Program
from dispatcher.lang.source import Source
from dispatcher.plain import to_plain
from dispatcher.tickets import TICKET_SCHEMA, first_values

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)


def program(text: str) -> Program:
    """Return the compiled form of rules without errors."""
    source = Source(text)
    module, problems = parse(source)
    checked, found = check_module(source, module, TICKET_SCHEMA)
    assert [problem for problem in problems + found if problem.severity == "error"] == []
    return compile_module(checked)


def run(text: str, ticket: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Outcome:
    """Return what rules do with a ticket."""
    return run_program(program(text), ticket, limits)


def run_program(compiled: Program, ticket: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Outcome:
    """Return what compiled rules do with a ticket."""
    first, _ = first_values(ticket or {}, TICKET_SCHEMA, {})
    return evaluate([compiled], first, to_plain, limits or Limits(), NOW)
