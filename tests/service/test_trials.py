"""Trying rules: what takes little is done at once, all else in a thread, and the answer is the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher import RuleSet
from dispatcher.dispatch import dry_run
from dispatcher.lang.budget import Limits
from service import trials
from service.deciding import BYTES_AT_ONCE, STATEMENTS_AT_ONCE, STEPS_AT_ONCE, ActiveRules
from service.settings import Settings
from service.trials import Trials

NOW = datetime(2026, 3, 2, 17, 45, tzinfo=UTC)
LITTLE = "if 'printer' in msg:\n    team = 'Hardware'\n"
MUCH = f"n = 0\nwhile n < {STEPS_AT_ONCE}:\n    n += 1\nteam = n\n"
# Steps, and whether the event loop did the work itself.
AT_ONCE = (STEPS_AT_ONCE, True)
IN_A_THREAD = (Limits().steps, False)

RULES = {
    "little": LITTLE,
    "much": MUCH,
    "without end": "team = 'a'\nwhile True:\n    pass\nstate = 'b'\n",
    "without end behind a fault": "team = 1 / 0\nwhile True:\n    n = 1\npriority = 1\n",
    "failing rules": "team = 1 / 0\n" * 50 + "state = 'b'\n",
    "failing late": f"n = 0\nfor i in range({STEPS_AT_ONCE // 10}):\n    n += i\nteam = n\nstate = [][n]\n" * 5,
    "chance": "import random\nteam = [random.randint(1, 6) for _ in range(20)]\n",
    "writes in functions": "def file(n):\n    global team\n    team = n\n    return n\nstate = [file(n) for n in range(50)]\n",
    "big values": "team = 'x' * 3000000\nstate = [team] * 1000\n",
}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """What was done in the test: with how many steps, and whether on this thread."""
    done: list[tuple[int, bool]] = []
    here = threading.get_ident()

    def noted(rules: RuleSet, ticket: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        done.append((rules.limits.steps, threading.get_ident() == here))
        return dry_run(rules, ticket, now)

    monkeypatch.setattr(trials, "dry_run", noted)
    return done


async def tried(rules: str, ticket: dict[str, Any], size: int = 100, **settings: Any) -> dict[str, Any]:
    """Return the answer of the rules in force."""
    return await Trials(ActiveRules(RuleSet.from_text(rules)), Settings(**settings)).of_active(ticket, NOW, size)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rules", "size", "expected"),
    [
        (LITTLE, BYTES_AT_ONCE, [AT_ONCE]),
        (MUCH, 100, [AT_ONCE, IN_A_THREAD]),
        (LITTLE, BYTES_AT_ONCE + 1, [IN_A_THREAD]),
        ("team = 1\n" * STATEMENTS_AT_ONCE, 100, [AT_ONCE]),
        ("team = 1\n" * (STATEMENTS_AT_ONCE + 1), 100, [IN_A_THREAD]),
    ],
    ids=["little", "many steps", "a long ticket", "some rules", "many rules"],
)
async def test_where_the_work_is_done(
    work: list[tuple[int, bool]], rules: str, size: int, expected: list[tuple[int, bool]]
) -> None:
    """The event loop decides what is sure to be over soon, and threads do the rest with the whole budget."""
    await tried(rules, {"msg": "printer"}, size)
    assert work == expected


@pytest.mark.anyio
async def test_other_rules_are_tried_in_a_thread(work: list[tuple[int, bool]]) -> None:
    """The text of a request is checked and compiled first, which takes longer than deciding."""
    active = Trials(ActiveRules(RuleSet.from_text(MUCH, defaults={"state": "New"})), Settings())
    answer = await active.of_text(LITTLE, {"msg": "printer"}, NOW)
    assert answer == dry_run(RuleSet.from_text(LITTLE, defaults={"state": "New"}), {"msg": "printer"}, NOW)
    assert work == [IN_A_THREAD]


@pytest.mark.anyio
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
async def test_the_answer_does_not_depend_on_where_it_was_found(rules: str) -> None:
    """Rules that pass a limit, fail or draw lots give what they give with the whole budget."""
    ticket = {"msg": "The printer burns", "team": ["a"]}
    assert await tried(rules, ticket) == dry_run(RuleSet.from_text(rules), ticket, NOW)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_decisions_that_pass_no_limit_do_not_depend_on_limits(rules: str) -> None:
    """With any number of steps, rules pass a limit or decide what they decide with all of them."""
    ticket = {"msg": "The printer burns"}
    whole = RuleSet.from_text(rules)
    expected = whole.decide(ticket, now=NOW).to_dict()
    for steps in (0, 1, 10, 100, 1_000, 3_000, 10_000, 100_000):
        decision = whole.within(Limits(steps=steps)).decide(ticket, now=NOW)
        if all(fault.kind != "limit" for fault in decision.faults):
            assert decision.to_dict() == expected


@pytest.mark.anyio
async def test_the_time_of_a_trial() -> None:
    """A time without a zone is one in the configured zone, and no time is the present there."""
    rules = ActiveRules(RuleSet.from_text("import datetime\nteam = str(datetime.datetime.now())\n"))
    berlin = Trials(rules, Settings(timezone="Europe/Berlin"))
    given = await berlin.of_active({}, datetime(2026, 3, 2, 17, 45), 2)
    present = await berlin.of_active({}, None, 2)
    assert given["received_at"] == "2026-03-02T17:45:00+01:00"
    assert abs(datetime.fromisoformat(present["received_at"]) - datetime.now(UTC)).total_seconds() < 60
