"""Tests and decisions agree: what a decision says passes as a test, and anything else fails where it should."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher import RuleSet
from dispatcher.testing.definitions import ARRIVAL
from dispatcher.testing.running import run_given

WORDS = st.sampled_from(["printer", "toner", "Dan", "x"])
VARIABLES = st.sampled_from(["team", "priority", "state", "msg", "agent"])
CONDITIONS = st.builds("{!r} in {}".format, WORDS, st.sampled_from(["msg", "name", "team"]))
WRITES = st.builds("{} = {!r}".format, VARIABLES, WORDS)
RULES = st.lists(st.builds("if {}:\n    {}\n".format, CONDITIONS, WRITES) | WRITES, min_size=1, max_size=6).map(
    "\n".join
)
TICKETS = st.fixed_dictionaries({}, optional={"msg": WORDS, "name": WORDS, "team": WORDS})


def toml(value: Any) -> str:
    """Return a value as TOML writes it; texts are as in JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def result_of(rules: str, ticket: dict[str, str], expect: dict[str, Any]) -> dict[str, Any]:
    """Return what becomes of a test that expects all this of a ticket."""
    text = f'[[test]]\nname = "it"\nticket = {toml(ticket)}\nexpect = {toml(expect)}\n'
    (result,) = run_given({"r.rules": rules}, text, {}).to_dict()["results"]
    return dict(result)


@settings(max_examples=60, deadline=None)
@given(RULES, TICKETS, st.data())
def test_a_test_says_what_a_decision_says(rules: str, ticket: dict[str, str], data: st.DataObject) -> None:
    """A test made of a decision passes; with one other value it fails there, by the line that the decision names."""
    decision = RuleSet.from_text(rules, filename="r.rules").decide(ticket, now=ARRIVAL.replace(tzinfo=UTC))
    values = {name: value for name, value in decision.action_variables.items() if value not in (None, {})}
    changed = {change.variable: change for change in decision.changes}
    expect = {
        **values,
        "fired": [rule.line for rule in decision.fired],
        "unchanged": [name for name in ("team", "priority", "state", "msg", "agent") if name not in changed],
        "unset": [name for name in ("team", "priority", "state", "agent") if decision.action_variables[name] is None],
        "faults": [{"line": fault.line} for fault in decision.faults],
    }
    assert result_of(rules, ticket, expect)["outcome"] == "pass"

    other = data.draw(st.sampled_from(sorted(values)))
    (failure,) = result_of(rules, ticket, {**expect, other: "another"})["failures"]
    (difference,) = failure["differences"]
    assert (difference["item"], difference["expected"], difference["got"]) == (other, "another", values[other])
    assert [line["line"] for line in difference["lines"]] == ([changed[other].line] if other in changed else [])
