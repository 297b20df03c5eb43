"""A statement that fails counts as absent, wherever in it the fault is; the static answer is never too late."""

from __future__ import annotations

import pytest

from tests.lang.running import run

# Each fails behind or before a binding; what comes out is that of the other statements alone.
FAILING = {
    "before the binding": "x = 1 / 0",
    "in the condition": "if 1 / 0: x = 1",
    "in a later condition": "if msg: x = 1\nelif 1 / 0: x = 2",
    "behind the binding": "if True:\n    x = 1\n    1 / 0",
    "a walrus": "y = (x := 1) / 0",
    "a walrus that is not unpacked": "1 / 0\nz, w = (x := 1)",
    "a walrus that is not added": "1 / 0\nxs += (x := 1)",
    "a walrus in a condition": "if (x := 1) / 0: pass",
    "the second target": "x = [][0] = 1",
    "the second of two": "x, [][0] = 1, 2",
    "a loop that turned": "for x in [1, 0]: 1 / x",
    "an iterator that fails later": "for x in (1 / n for n in [1, 0]): pass",
    "a loop's condition": "while 1 / (1 - x): x = 1",
    "raised again": "try: 1 / 0\nexcept ZeroDivisionError:\n    x = 1\n    raise",
    "in a handler": "try: 1 / 0\nexcept ZeroDivisionError as x: x.lower()",
    "in a finally": "try: x = 1\nfinally: 1 / 0",
    "behind a capture": "match 1:\n    case x if 1 / 0: pass",
    "a function that binds a global": "z = change() / 0",
    "a list that was changed": "xs.append(1 / (len(xs) - 1))",
    "a list changed before": "if xs.append(1) or 1 / 0: pass",
    "a ticket variable": "if True:\n    team = 'A'\n    1 / 0",
    "a limit": "if True:\n    x = 1\n    while True: pass",
    "an augmented binding": "x += 1 / 0",
    "an augmented item": "xs[0] += 1 / 0",
    "a deleted name": "del x, xs[9]",
    "an import": "if True:\n    import re\n    1 / 0",
    "random numbers": "z = random.random() / 0",
    "big values": "z = ['a' * 100000 for i in range(300)][500]",
}

BEFORE = """\
import random
x = 0
xs = [0]
def change():
    global x
    x = 1
    return 1
"""
BEHIND = "team = (x, xs, team, random.random())\nz = 5\n"


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
def test_a_failed_statement_counts_as_absent(failing: str) -> None:
    """The outcome is that of the rules without it: values, writes, prints and the steps that are left."""
    failed, absent = run(f"{BEFORE}{failing}\n{BEHIND}"), run(BEFORE + BEHIND)

    assert len(failed.faults) == 1 + failing.startswith("1 / 0\n")
    assert failed.variables == absent.variables
    assert failed.working["z"] == absent.working["z"]
    assert (failed.working["x"], failed.working["xs"]) == (absent.working["x"], absent.working["xs"])
    assert [write.value for write in failed.writes] == [write.value for write in absent.writes]
    assert failed.steps == absent.steps
