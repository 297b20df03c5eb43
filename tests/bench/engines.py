"""What runs rules: CPython itself as the reference, and dispatcher."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any

from dispatcher import Decision, RuleSet
from dispatcher.lang.evaluator import Ticket as Surroundings
from dispatcher.lang.source import Source
from dispatcher.tickets import first_values
from tests.bench.measure import NoFigureError
from tests.bench.rules import Written
from tests.bench.tickets import Ticket
from tests.bench.workloads import DEFAULTS

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)

# In characters: more than 10,000 rules, and less than the language takes.
LONGEST_FILE = 12_000_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rules that are ready to run.

    `given` makes of a ticket what one evaluation gets, and `run` evaluates a list of those; `fresh` copies one that
    rules could change. `values` tells what the ticket variables hold behind the rules: all, or those that they write.
    """

    given: Callable[[Ticket], Any]
    run: Callable[[list[Any]], object]
    values: Callable[[Ticket], Mapping[str, Any]]
    fresh: Callable[[Any], Any] = lambda given: given


Engine = Callable[[Written], AbstractContextManager[Loaded]]


@cache
def _no_rules() -> RuleSet:
    return RuleSet.from_text("", defaults=DEFAULTS)


def variables(ticket: Ticket) -> dict[str, Any]:
    """Return what all ticket variables hold before the rules."""
    return _no_rules().decide(ticket, now=NOW).action_variables


@contextmanager
def reference(rules: Written) -> Iterator[Loaded]:
    """CPython: `exec` of the compiled text in a fresh namespace, which is a copy of the ticket's variables."""
    code = compile(rules.text, "<rules>", "exec")

    def given(ticket: Ticket) -> dict[str, Any]:
        # With the builtins in it, as `exec` would else put them there each time.
        return {"__builtins__": builtins, **variables(ticket)}

    def run(namespaces: list[dict[str, Any]]) -> None:
        for namespace in namespaces:
            exec(code, namespace.copy())

    def values(ticket: Ticket) -> dict[str, Any]:
        namespace = given(ticket)
        exec(code, namespace)
        return {name: value for name, value in namespace.items() if not isinstance(value, ModuleType)}

    yield Loaded(given, run, values)


def load(rules: Written) -> RuleSet:
    """Return the rule set; rules that are longer than a file may be are several files."""
    sources = [Source(text, f"{number:03}.rules") for number, text in enumerate(_files(rules.text))]
    return RuleSet(sources, defaults=DEFAULTS)


def _files(text: str) -> Iterator[str]:
    """Yield the text in files, cut between rules."""
    start = 0
    while len(text) - start > LONGEST_FILE:
        end = text.rindex("\nif ", start, start + LONGEST_FILE) + 1
        yield text[start:end]
        start = end
    yield text[start:]


@contextmanager
def dispatcher(rules: Written) -> Iterator[Loaded]:
    """RuleSet.decide on a ticket as received; nothing is asked of the decision."""
    decide = load(rules).decide

    def run(tickets: list[Ticket]) -> None:
        for ticket in tickets:
            decide(ticket, now=NOW)

    yield Loaded(dict, run, lambda ticket: _values(decide(ticket, now=NOW)), fresh=dict)


@contextmanager
def dispatcher_asked(rules: Written) -> Iterator[Loaded]:
    """RuleSet.decide, and the decision is asked what changed and what fired."""
    decide = load(rules).decide

    def run(tickets: list[Ticket]) -> None:
        for ticket in tickets:
            decision = decide(ticket, now=NOW)
            decision.changes  # noqa: B018 - worked out when it is read
            decision.fired  # noqa: B018

    yield Loaded(dict, run, lambda ticket: _values(decide(ticket, now=NOW)), fresh=dict)


@contextmanager
def dispatcher_program(rules: Written) -> Iterator[Loaded]:
    """What `decide` runs on a ticket, without keeping that and without the decision."""
    ruleset = load(rules)
    start = ruleset._start

    def given(ticket: Ticket) -> tuple[dict[str, Any], Surroundings]:
        first, _ = first_values(ticket, ruleset.schema, ruleset.defaults)
        return first, Surroundings(first, NOW)

    def run(tickets: list[tuple[dict[str, Any], Surroundings]]) -> None:
        for values, surroundings in tickets:
            start(values.get, surroundings)

    def fresh(one: tuple[dict[str, Any], Surroundings]) -> tuple[dict[str, Any], Surroundings]:
        return one[0].copy(), one[1]

    yield Loaded(given, run, lambda ticket: _values(ruleset.decide(ticket, now=NOW)), fresh)


def _values(decision: Decision) -> dict[str, Any]:
    if decision.faults:
        raise NoFigureError(f"rules fail: {decision.faults[0].message}")
    return {**decision.other_variables, **decision.action_variables}


def agree(expected: Loaded, found: Loaded, tickets: Sequence[Ticket], *, on_all: bool = True) -> None:
    """Raise NoFigureError unless an engine has the reference's values, on all variables or on those that it knows."""
    for ticket in tickets:
        wanted, values = expected.values(ticket), found.values(ticket)
        for name in wanted.keys() | values.keys() if on_all else values.keys():
            value, other = values.get(name), wanted.get(name)
            if type(value) is not type(other) or value != other:
                raise NoFigureError(f"{name} is {value!r} and not {other!r}")


ENGINES: dict[str, Engine] = {"reference": reference, "dispatcher": dispatcher}
