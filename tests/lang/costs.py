"""What hostile rules cost, each in a process of its own."""

from __future__ import annotations

from typing import Any

from tests.lang import running
from tests.lang.isolation import isolated

# CPU seconds that only rules take which no budget holds.
HANG = 9


def assert_ends_at_a_limit(rules: str) -> None:
    """Assert that rules end at one limit, before they run long or grow by 100 MiB."""
    kinds, seconds, megabytes = cost(rules)

    assert kinds == ["limit"]
    assert seconds < HANG
    assert megabytes < 100


def cost(rules: str) -> tuple[list[str], float, int]:
    """Return the kinds of the faults of rules, the processor time that they take, and by how many MiB they grow."""
    # What is made once, such as the parser, is no cost of these rules.
    running.program(rules)

    def attack() -> list[Any]:
        import resource

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        faults = running.run(rules).faults
        return [[fault.kind for fault in faults], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]

    answer = isolated(attack)
    kinds, grown = answer.value
    return kinds, answer.seconds, grown // 1024
