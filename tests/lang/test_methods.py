"""The methods and fields of values: each gives what CPython's gives, and leaves its value as CPython leaves it."""

from __future__ import annotations

from contextlib import suppress
from copy import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang.budget import Limits
from dispatcher.lang.entries import MethodEntry
from dispatcher.lang.methods import METHODS, MUTATORS
from dispatcher.lang.methods.containers import MUTATORS as OF_CONTAINERS
from tests.lang import calls
from tests.lang.running import run
from tests.lang.strategies import PROPERTY

_SOURCES = (
    *(*calls.NUMBERS, *calls.ODD_NUMBERS, *calls.TEXTS, *calls.ODD_TEXTS, *calls.LISTS, *calls.TUPLES, *calls.TABLES),
    *(*calls.OTHERS, "slice(1, 2)", "slice(None, -1, 3)", "StopIteration(3)", "SystemExit(2)", "OSError(2, 'b')"),
)
RECEIVERS: dict[type, list[str]] = {}
for _source in _SOURCES:
    RECEIVERS.setdefault(type(eval(_source)), []).append(_source)


def entries(kind: type) -> list[MethodEntry]:
    """Return the methods and fields of a type, those of its bases included."""
    bases = kind.__mro__ if issubclass(kind, BaseException) else (kind,)
    return [entry for base in bases for entry in METHODS.get(base, {}).values()]


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if entries(kind)], ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(PROPERTY, max_examples=8)
def test_a_method_gives_what_cpython_gives(kind: type, data: st.DataObject) -> None:
    """Result or exception, and the value afterwards, are CPython's for right and wrong arguments."""
    drawn = st.tuples(st.sampled_from(RECEIVERS[kind]), st.sampled_from(entries(kind)), calls.arguments())
    listed = [
        (receiver, f".{entry.name}" + ("" if entry.field else f"({arguments})"))
        for receiver, entry, arguments in data.draw(st.lists(drawn, min_size=10, max_size=10))
    ]

    for (receiver, call), found in zip(listed, calls.ours(listed), strict=True):
        assert found is None or found == calls.cpythons(receiver, call), f"({receiver}){call}"


def test_every_method_is_documented() -> None:
    """Each line begins with its name and says what a call is charged by and what it does."""
    for table in METHODS.values():
        for name, entry in table.items():
            assert entry.name == name
            assert entry.signature == name if entry.field else entry.signature.startswith(f"{name}("), name
            assert entry.cost
            assert entry.doc


def test_mutators_are_what_changes_a_value() -> None:
    """Each method after which a value is another one is listed, and no other of these types."""
    changing: set[str] = set()
    for receiver in ([3, 1, 2], {1: 2, 3: 4}, {1, 2, 3}):
        for entry in METHODS[type(receiver)].values():
            for arguments in ((), (1,), (8,), (0, 1), ([(7, 8)],), ({1, 5},)):
                value = copy(receiver)
                with suppress(TypeError, ValueError, LookupError):
                    getattr(value, entry.name)(*arguments)
                if value != receiver:
                    changing.add(entry.name)

    assert changing == OF_CONTAINERS
    assert changing <= MUTATORS


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sorted(['b', 'A'], key=str.lower)", ["A", "b"]),
        ("list(map(str.strip, [' a ']))", ["a"]),
        ("[str.join('-', 'ab'), dict.get({1: 2}, 1), list.count([1, 1], 1), int.bit_length(True)]", ["a-b", 2, 2, 1]),
        ("list(map('{0[0]}{1}'.format, ['ab'], [1]))", ["a1"]),
        ("str.format('{}{a}', 1, a=2)", "12"),
        ("['a'.upper == 'a'.upper, [].append == [].append, str.lower == str.lower]", [True, False, True]),
    ],
)
def test_methods_are_values(expression: str, value: object) -> None:
    """A method can be kept and handed on, with its value or as one of its type."""
    assert run(f"x = {expression}\n").working["x"] == value


@pytest.mark.parametrize("call", ["xs.extend(values())", "s.update(values())", "d.update((v, v) for v in values())"])
def test_what_came_before_a_failure_stays(call: str) -> None:
    """An iterator that fails has added what it gave before."""
    program = (
        "xs = []\ns = set()\nd = {}\ndef values():\n    return (1 // n for n in [1, 0])\n"
        f"try:\n    {call}\nexcept ZeroDivisionError:\n    pass\n"
    )
    theirs: dict[str, object] = {}
    exec(program, theirs)

    working = run(program).working
    assert [working[name] for name in ("xs", "s", "d")] == [theirs[name] for name in ("xs", "s", "d")]


@pytest.mark.parametrize(
    "line",
    [
        "x = big.replace('a', 'bcd')",
        "x = big.split('a')[5:6]",
        "x = big.upper().lower()",
        "x = d.copy()",
        "d.update(d)",
        "x = s.union(s)",
        "x = repr(big)",
        "x = '{:>100000}'.format(1)",
    ],
)
def test_what_is_dropped_is_given_back(line: str) -> None:
    """Memory counts what is alive: making and dropping big values again and again ends with the steps, if at all."""
    outcome = run(
        f"big = 'abc ' * 50000\nd = dict.fromkeys(range(9999))\ns = set(d)\nfor n in range(60):\n    {line}\n",
        limits=Limits(steps=50_000_000, memory=16 * 1024 * 1024),
    )

    assert outcome.faults == []
