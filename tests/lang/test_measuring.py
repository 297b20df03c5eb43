"""What values take is charged before: walking, comparing, searching, hashing, and running over them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from dispatcher.lang.budget import Keys, LimitExceeded, Limits, Meter
from dispatcher.lang.iteration import (
    collect,
    iterate,
    joined_dict,
    joined_list,
    joined_set,
    joined_tuple,
    keyed,
    spread,
)
from dispatcher.lang.measuring import fresh_key, hashable, meet, new_key, weigh
from dispatcher.lang.operations import contains, equal
from tests.lang.running import run


def spent(function: Callable[..., Any], *arguments: Any) -> int:
    """Return the steps that a call spends."""
    meter = Meter(Limits(steps=10**12))
    function(meter, *arguments)
    return 10**12 - meter.steps


def nested(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)

# --- walking


@pytest.mark.parametrize(
    "value",
    [
        "a\x00é\U0001f600",
        ["a'b", "\U000e0001" * 9],
        [1, -(2**64), 2**200],
        list(range(50)),
        [1.5e-300, float("inf")],
        [None, True, 1, "x", 2.5],
        {"a": [1, {2: (3,)}]},
        ({1, 2}, frozenset({"x"}), range(10**50)),
        deque([[1], "a"]),
        ValueError("a", [1, 2], KeyError("b")),
        {"k": 1}.items(),
        Counter("aab"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_weight_bounds_the_length_of_the_repr(value: Any) -> None:
    """The weight of a value is at least the length of its repr."""
    assert weigh(Meter(Limits()), value) >= len(repr(value))


@pytest.mark.parametrize("value", [CYCLE, nested(1000), ValueError(nested(200)), {"a": nested(150)}])
def test_what_nests_too_deep_is_a_limit(value: Any) -> None:
    """Cyclic and deep values end in a limit before Python walks into them."""
    with pytest.raises(LimitExceeded, match="a value nests more than 100 deep"):
        weigh(Meter(Limits()), value)


def test_shared_values_count_each_time() -> None:
    """A value that holds another twice, thirty times over, costs what walking through it would."""
    value: list[Any] = [1]
    for _ in range(30):
        value = [value, value]
    with pytest.raises(LimitExceeded, match="1,000,000 steps"):
        weigh(Meter(Limits()), value)


def test_comparing_costs_what_the_smaller_side_takes() -> None:
    """Unequal lengths are seen at once; else the smaller side is walked through."""
    long = [[1]] * 10_000
    assert spent(equal, long, [[1]]) == 0
    assert spent(equal, long, {1: 2}) < 20
    assert spent(equal, long, [[1]] * 10_000) > 10_000


# --- hashing


def chain_of_slots(bits: int, count: int) -> list[int]:
    """Return the slots of a table of 2**bits that Python passes one after another when all are taken."""
    slots, slot = [], 1
    for _ in range(count):
        slots.append(slot)
        slot = (5 * slot + 1) & ((1 << bits) - 1)
    return slots


def test_numbers_that_pass_each_other_are_charged() -> None:
    """A look-up that passes all entries of a table costs as much, once the numbers were put where they are."""
    meter = Meter(Limits(steps=10**9))
    table: dict[int, None] = {}
    for slot in chain_of_slots(13, 5000):
        table[new_key(meter, slot, table)] = None
    before = meter.steps
    hashable(meter, 1 << 40, table)
    assert before - meter.steps == 5000 >> 5


def test_an_attack_on_a_table_takes_no_longer_than_its_steps() -> None:
    """Look-ups that Python needs 100,000 probes for end within the budget's time."""
    slots = chain_of_slots(17, 80_000)
    table = dict.fromkeys(slots)
    meter = Meter(Limits())
    meter.keys.scattered = len(slots)
    keys = ((number << 17) + 1 for number in range(1, 1 << 20))
    start = process_time()
    with pytest.raises(LimitExceeded):
        all(not contains(meter, key, table) for key in keys)
    assert process_time() - start < 1


def test_tuples_of_one_hash_are_charged() -> None:
    """A look-up of a tuple costs at least a step for each tuple of the table that has its hash."""
    alike = [(number * (2**61 - 1), "x") for number in range(200)]
    assert len({hash(key) for key in alike}) == 1
    assert spent(hashable, (-1 * (2**61 - 1), "x"), dict.fromkeys(alike)) > 200
    assert spent(hashable, (5, "x"), dict.fromkeys(alike)) < 60


@pytest.mark.parametrize(
    ("keys", "most"),
    [
        (range(20_000), 0),
        (range(5, 100_000, 5), 0),
        ([f"w{number}" for number in range(20_000)], 0),
        ([number << 40 for number in range(2000)], 70_000),
        ([number + 0.5 for number in range(2000)], 70_000),
        ([("a", str(number)) for number in range(2000)], 20_000),
        ([(number, number) for number in range(1000)], 150_000),
    ],
)
def test_keys_of_honest_rules_are_cheap(keys: Any, most: int) -> None:
    """Ranges and texts cost nothing as keys; what may have been chosen costs some steps each."""
    following = Keys()
    assert spent(lambda meter: [fresh_key(meter, key, following) for key in keys]) <= most


def test_keys_that_are_all_alike_run_out_of_steps() -> None:
    """Whole numbers of one hash, and numbers that collide in the low bits, cannot fill a table."""
    for key in ("i * (2**61 - 1)", "(i, 2**61 - 1)", "i << 44"):
        for rule in (
            f"d = {{{key}: 1 for i in range(200000)}}",
            f"s = {{{key} for i in range(200000)}}",
            f"s = set()\nfor i in range(200000):\n    s.add({key})",
            f"d = {{}}\nfor i in range(200000):\n    d[{key}] = 1",
            f"d = dict.fromkeys([{key} for i in range(100000)])",
        ):
            start = process_time()
            (fault,) = run(rule).faults
            assert (fault.type, process_time() - start < 1.5) == ("LimitExceeded", True), rule


def test_two_tables_that_meet_are_charged() -> None:
    """Each key of one table is looked up in the other, where that may take long."""
    meter = Meter(Limits())
    meter.keys.scattered = 1000
    numbers = set(range(1000))
    meet(meter, numbers, numbers)
    assert Limits().steps - meter.steps == 1 + (1000 >> 3) + 1000 * (1000 >> 5)


# --- running over values


def test_a_list_that_grows_is_charged_to_its_end() -> None:
    """Running over a list that grows for ever ends at the limit of steps or items."""
    (fault,) = run("l = [1]\nfor x in l:\n    l += [x, x]").faults
    assert fault.type == "LimitExceeded"


def test_a_loop_that_ends_early_pays_for_what_it_ran() -> None:
    """A long list or range costs no more than some turns when the loop ends at once."""
    for values in (range(10**30), list(range(100_000)), tuple(range(100_000)), "x" * 100_000):
        assert spent(lambda meter, values=values: next(iter(iterate(meter, values, 10)))) < 700


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("s = {1, 2}\nfor x in s:\n    s.add(x + 10)", "Set changed size during iteration"),
        ("s = {1}\nfor x in s:\n    s.discard(1)", "Set changed size during iteration"),
        ("d = {1: 2}\nfor x in d:\n    d[x + 10] = 1", "dictionary changed size during iteration"),
        ("d = dict.fromkeys(range(500))\nfor x in d:\n    d[x + 1000] = 1", "dictionary changed size during iteration"),
        (
            "d = dict.fromkeys(range(64))\nfor x in d:\n    if x == 63: d['a'] = 1",
            "dictionary changed size during iteration",
        ),
    ],
)
def test_what_changes_its_size_in_a_loop_fails(rule: str, message: str) -> None:
    """Sets and dicts that grow or shrink in a loop over them raise Python's RuntimeError."""
    (fault,) = run(rule).faults
    assert (fault.type, fault.message, fault.line) == ("RuntimeError", message, 2)


def test_a_list_that_shrinks_in_a_loop_ends_it() -> None:
    """A loop over a list sees what is removed and added behind its place, as in Python."""
    working = run("l = list(range(200))\nn = 0\nfor x in l:\n    n += 1\n    l.pop()\n").working
    assert working["n"] == 100


def test_sets_run_in_an_order_of_their_own() -> None:
    """Texts in a set come in the order of the alphabet, whatever their hashes are."""
    words = {f"w{number}" for number in range(100)}
    assert list(iterate(Meter(Limits()), words, 1)) == sorted(words)
    assert collect(Meter(Limits()), frozenset(words)) == sorted(words)


def test_collecting_asks_before_it_grows() -> None:
    """An endless iterator is collected up to the most items that a collection may have, and no further."""
    meter = Meter(Limits(items=100))
    with pytest.raises(LimitExceeded, match="a collection would have more than 100 items"):
        collect(meter, iter(int, 1))
    assert collect(meter, iter(range(100))) == list(range(100))
    with pytest.raises(LimitExceeded, match="a collection would have more than 100 items"):
        collect(meter, range(10**30))


def test_displays_are_put_together() -> None:
    """The parts of a display with `*` or `**` become one value, of which the later entries win."""
    meter = Meter(Limits())
    assert joined_list(meter, [1], [], [2, 3]) == [1, 2, 3]
    assert joined_tuple(meter, [1], [], [2, 3]) == (1, 2, 3)
    assert joined_set(meter, [1], [2, 1]) == {1, 2}
    assert joined_dict(meter, {"a": 1}, {"b": 2, "a": 3}) == {"a": 3, "b": 2}
    assert [value for _, value in keyed((1, 2))] == [1, 2]
    assert spread(meter, iter("abcd"), 1, 1) == ("a", ["b", "c"], "d")


def test_chains_of_iterators_neither_crash_nor_hang() -> None:
    """Iterators over each other by the thousand, end in a limit when they are run."""
    for step in ("g = (x for x in g)", "g = map(str, g)", "g = zip(g)", "g = filter(None, g)", "g = enumerate(g)"):
        (fault,) = run(f"g = iter([1])\nfor i in range(20000):\n    {step}\nfor y in g: pass").faults
        assert fault.type == "LimitExceeded"


def test_deep_values_are_freed() -> None:
    """Dropping a list that nests as deep as the budget allows does not crash."""
    outcome = run(
        "x = []\nfor i in range(100000):\n    x = [x]\nx = 1\ny = ()\nfor i in range(50000):\n    y = (y, {})\ny = 2"
    )
    assert (outcome.working["x"], outcome.working["y"], outcome.faults) == (1, 2, [])
