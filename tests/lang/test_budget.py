"""The meter: steps, memory that is alive, and sizes; and what operators and displays charge it with."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.lang import operations
from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from tests.bench.calibration import without_program
from tests.lang.running import run

# --- the meter


def test_what_is_dropped_is_given_back() -> None:
    """Memory of a big value comes back when nothing holds it any more, and not before."""
    meter = Meter(Limits(memory=10_000))
    held = meter.made_text("x" * 6000, meter.text(6000, ascii_only=True))
    with pytest.raises(LimitExceeded, match="holds more than 0 MiB"):
        meter.allocate(6000)
    meter.memory += 6000
    del held
    meter.allocate(6000)
    assert meter.memory == 4000


def test_what_was_reserved_too_much_is_given_back() -> None:
    """A value that takes less than it was charged with gives the rest back at once."""
    meter = Meter(Limits(memory=10_000))
    charged = meter.text(2000)
    meter.made_text("x" * 2000, charged)
    assert (charged, meter.memory) == (8000, 8000)


# --- rules that run out


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("x = 'ab'\nwhile True: x += x", "a text would be longer than 4,000,000 characters"),
        ("x = [1]\nwhile True: x = x + x", "a collection would have more than 500,000 items"),
        ("x = (1,)\nwhile True: x += x", "a collection would have more than 500,000 items"),
        ("x = [1] * 300000\ny = [*x, *x]", "a collection would have more than 500,000 items"),
        ("x = [1] * 300000\ny = (0, *x, *x)", "a collection would have more than 500,000 items"),
        ("x = [1] * 300000\ndef f(*a): return 1\nf(*x, *x)", "a collection would have more than 500,000 items"),
        ("x = 3\nwhile True: x = x * x", "a number would have more than 32,768 bits"),
        ("x = 2 ** 10 ** 400", "a number would have more than 32,768 bits"),
        ("x = 1 << 10 ** 400", "a number would have more than 32,768 bits"),
        ("x = '%*d' % (10 ** 9, 1)", "a text would be longer than 4,000,000 characters"),
        ("x = '%.*f' % (10 ** 8, 1)", "a text would be longer than 4,000,000 characters"),
        ("x = ['%s!' % ('a' * 1000000) for y in range(90)]", "the rule holds more than 64 MiB of values"),
        ("x = []\nwhile True: x += ['a' * 100000 + str(len(x))]", "the rule holds more than 64 MiB of values"),
        ("d = {}\nfor y in range(900): d = {y: d, 'x': 'a' * 100000}", "the rule holds more than 64 MiB of values"),
    ],
)
def test_what_grows_ends_at_a_limit(rule: str, message: str) -> None:
    """Values that would grow too big, one by one or together, end the rule with the limit that they pass."""
    (fault,) = run(rule).faults
    assert (fault.type, fault.message) == ("LimitExceeded", message)


@pytest.mark.parametrize(
    "rule",
    [
        "n = 0\nfor x in range(50000):\n    if msg.startswith('p'):\n        n += 1",
        "for x in range(200):\n    y = 'z' * 1000000",
        "for x in range(50):\n    y = [0] * 50000",
        "s = ''\nfor x in range(10000):\n    s += 'abc'",
        "d = {}\nfor x in range(2000):\n    d = {**d, x % 10: x}",
        "l = []\nfor x in range(50000):\n    l.append(x)",
        "s = set()\nfor x in range(20000):\n    s |= {x}",
        "d = {}\nfor x in range(20000):\n    d[str(x)] = x",
        "n = 0\nfor x in range(10 ** 9):\n    n += x\n    if n > 50: break",
        "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nx = fib(16)",
        "c = {(x, y): x * y for x in range(40) for y in range(40)}\nn = sum(c[(x, x)] for x in range(40))",
        "p = set(range(2, 2000))\nfor x in range(2, 45):\n    p -= set(range(x * x, 2000, x))",
    ],
)
def test_honest_rules_run(rule: str) -> None:
    """What an admin may write for long texts and many turns stays within the budget."""
    assert run(rule, {"message": "printer on floor 3 " * 50}).faults == []


def test_a_long_message_and_a_long_file_run() -> None:
    """A hundred rules look for words in a message of 100 kB, and a thousand in one of 10 kB."""
    rules = "if 'zzz' in msg.lower():\n    priority = 1\n"
    assert run(rules * 100, {"message": "The printer is broken. " * 4348}).faults == []
    assert run(rules * 1000, {"message": "The printer is broken. " * 435}).faults == []


# --- operators


def charged(operator: Any, *operands: Any, **limits: int) -> int:
    """Return the steps that an operator spends."""
    meter = Meter(Limits(**limits))
    operator(meter, *operands)
    return meter.limits.steps - meter.steps


@pytest.mark.parametrize("operator", [operations.add, operations.subtract])
def test_sums_are_asked_for_at_any_size(operator: Any) -> None:
    """Sums and differences keep to the limit of bits also where that is small."""
    with pytest.raises(LimitExceeded, match="a number would have more than 100 bits"):
        charged(operator, 1 << 101, 1, number_bits=100)


def test_work_is_charged_by_its_size() -> None:
    """Long numbers cost what Python takes for them; short ones cost nothing."""
    long = 1 << 32_000
    assert charged(operations.add, 3, 4) == 0
    assert charged(operations.multiply, long, 3) > 1000
    assert charged(operations.floor_divide, long, 1 << 16_000) > 2000
    assert charged(operations.percent, long, long) < 20
    assert charged(operations.divide, long, long - 1) < 150


def test_results_that_are_an_operand_are_not_counted_twice() -> None:
    """A slice or sum that Python answers with the very value takes no memory."""
    meter = Meter(Limits())
    text, row = "x" * 1000, (1,) * 1000
    for result, value in (
        (operations.add(meter, text, ""), text),
        (operations.add(meter, (), row), row),
        (operations.multiply(meter, text, 1), text),
        (operations.item(meter, text, slice(None)), text),
        (operations.item(meter, row, slice(None)), row),
    ):
        assert result is value
    assert meter.memory == Limits().memory


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("%s and %r and %a", ("é", "é", "é")),
        ("%5.1f|%-8s|%08.3f|%+d|% d|%#x|%o|%X", (1.25, "ab", -3.14159, 5, 5, 255, 8, 255)),
        ("%(a)s%(b)5d%%", {"a": [1], "b": 2}),
        ("%(a(b))s", {"a(b)": 1}),
        ("%*d|%-*d|%.*f", (5, 1, 5, 2, 2, 1.234)),
        ("%c%c", (65, "b")),
        ("%ld %hd", (1, 2)),
        ("%s", {"a": 1}),
        ("%s", [1, 2]),
        ("no field", {}),
        ("no field", [1]),
        ("%5.2s|", "abc"),
        ("%d", 3.99),
        ("%d", True),
        ("%i%%", 10**30),
        ("%e %G", (1e100, 1e-7)),
        ("%s", None),
    ],
)
def test_templates_with_percent_are_pythons(template: str, values: Any) -> None:
    """`%` fills in what Python fills in."""
    assert operations.percent(Meter(Limits()), template, values) == template % values


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("%d", "x"), ("%s %s", "a"), ("%s", (1, 2)), ("no field", 1), ("%(a)s", 1), ("%(a)s", {}), ("%(a", {"a": 1}),
        ("%", ()), ("%5", 1), ("%q", 1), ("%*d", ("a", 1)), ("%c", "ab"), ("%c", -1), ("%x", 1.5), ("%(a)s", [1]),
        ("%99999999999999999999d", 1), ("%.99999999999999999999d", 1), ("%(a)*d", {"a": 1}), ("%s", ()),
    ],
)  # fmt: skip
def test_mistakes_with_percent_are_pythons(template: str, values: Any) -> None:
    """`%` fails with Python's type and text of error."""
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever Python raises
        template % values
    with pytest.raises(type(expected.value)) as found:
        operations.percent(Meter(Limits()), template, values)
    assert str(found.value) == str(expected.value)


def test_every_entry_of_the_tables_is_calibrated() -> None:
    """Each function, method, member of a module and helper has a program that measures what its steps stand for."""
    assert without_program() == set()
