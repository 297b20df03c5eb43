"""Runs hostile programs and tells what came of each: the outcome, what it cost, and what it did to its surroundings."""

from __future__ import annotations

import copy
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

from dispatcher import Decision, RulesError, RuleSet
from dispatcher.lang.budget import Limits
from tests.lang.conformance.corpus import Case, render
from tests.lang.hostile.corpus import compared, rules

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)
TICKET: Mapping[str, Any] = {
    "msg": "Ab",
    "email": "ann@example.com",
    "ip": "%n%999999999d",
    "subject": "{0.__class__}",
    "append": "{a.__class__}",
    "priv_append": "a note",
    "customfield": {"list": [1, 2, 3]},
}
CANARY = "\nurgency = 'canary'\n"
# Of a program that comes to a limit, less is run when only the sameness of decisions is asked for.
SMALL = Limits(steps=20_000)

# What no decision may show, unless the program itself says it.
SECRETS = (
    *(" at 0x", "Traceback", "site-packages", ".py", "/usr/", "/work/", "/home/", "/root/", "dispatcher", ".rules"),
    *("TypeValue", "BoundMethod", "ModuleValue", "Builtin'", "Builtin ", "Meter", "meter"),
)

LONGEST_SHOWN = 120
MANY_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one program."""

    outcome: str
    leaks: list[str]
    mutated: bool
    seconds: float
    megabytes: float
    # Of a second decision, with small limits.
    digest: str


def report(case: Case) -> Report:
    """Run one program with the limits that hold when nobody sets any, then again, and return what came of it."""
    text = rules(case)
    ticket = copy.deepcopy(dict(TICKET))
    _reset_peak()
    before = _memory("VmRSS")
    start = process_time()
    decision = _decide(text + CANARY, ticket)
    shown = "" if isinstance(decision, RulesError) else json.dumps(decision.to_dict(), allow_nan=False)
    seconds = process_time() - start
    megabytes = _memory("VmHWM") - before
    return Report(
        outcome=outcome(text, decision),
        leaks=[word for word in SECRETS if word in shown and word not in text],
        mutated=ticket != TICKET,
        seconds=seconds,
        megabytes=megabytes,
        digest=_digest_of("") if isinstance(decision, RulesError) else digest(case),
    )


def outcome(text: str, decision: Decision | RulesError) -> str:
    """Return in the words of the corpus what came of the rules `text`."""
    if isinstance(decision, RulesError):
        errors = [problem.code for problem in decision.diagnostics if problem.severity == "error"]
        return "refused: " + ", ".join(dict.fromkeys(errors))
    last = text.count("\n") + 1
    lines = [
        f"fault: {fault.type}" + (f", line {fault.line}" if fault.kind == "error" or fault.line > last else "")
        for fault in decision.faults
    ]
    if len(lines) > MANY_FAULTS:
        lines = [f"faults: {len(lines)}, the last {lines[-1].removeprefix('fault: ')}"]
    lines = lines or ["harmless"]
    if "x" in decision.other_variables:
        value = render(decision.other_variables["x"])
        lines.append(f"x = {value}" if value is not None and len(value) <= LONGEST_SHOWN else "x is bound")
    if decision.action_variables["urgency"] != "canary":
        lines.append("canary: lost")
    return "\n".join(lines)


def digest(case: Case) -> str:
    """Return a digest of the decision with small limits, which differs when anything in it does."""
    try:
        decision = _decide(rules(case), copy.deepcopy(dict(TICKET)), SMALL)
        shown = "" if isinstance(decision, RulesError) else json.dumps(decision.to_dict())
    except Exception as error:  # noqa: BLE001 - the program's report tells it, and the other programs go on
        shown = repr(error)
    return _digest_of(shown)


def _digest_of(shown: str) -> str:
    return hashlib.sha256(shown.encode()).hexdigest()


def reports(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """Return the reports of several programs as data."""
    return [asdict(report(case)) for case in cases]


def _decide(text: str, ticket: Mapping[str, Any], limits: Limits | None = None) -> Decision | RulesError:
    """Return the decision, or what says why the rules are refused."""
    try:
        ruleset = RuleSet.from_text(text, limits=limits)
    except RulesError as error:
        return error
    return ruleset.decide(ticket, now=NOW)


def _reset_peak() -> None:
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def _memory(entry: str) -> float:
    """Return a figure of /proc/self/status in MiB; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1024


if __name__ == "__main__":
    # The other process: it runs the programs in another order, and with another hash seed, than the first.
    answer = {str(case): digest(case) for case in compared()[::-1]}
    sys.stdout.write(json.dumps(answer))
