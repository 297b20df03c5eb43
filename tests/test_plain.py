"""Any value becomes plain or JSON data: finite, bounded, and without anything that runs code of the value's own."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.plain import Room, texts_to_json, to_json_safe, to_plain
from tests.lang.strategies import PROPERTY


class Weekday(IntEnum):
    """A number with a name."""

    MONDAY = 1


class Loud:
    """A caller's own type, whose every method fails."""

    def __repr__(self) -> str:
        raise RuntimeError("called")

    __str__ = __len__ = __iter__ = __hash__ = __repr__  # type: ignore[assignment]


class BrokenZone(tzinfo):
    """A time zone that answers nothing."""

    utcoffset = dst = tzname = None  # type: ignore[assignment]


JSON: dict[str, tuple[Any, Any]] = {
    "nothing": (None, None),
    "a truth": (True, True),
    "a number": (7, 7),
    "a fraction": (2.5, 2.5),
    "a text": ("é\n", "é\n"),
    "not a number": (math.nan, "nan"),
    "more than all numbers": (-math.inf, "-inf"),
    "a number of many digits": (1 << 10_000, "<number of 10001 bits>"),
    "a number that JSON still takes": ((1 << 10_000) - 1, (1 << 10_000) - 1),
    "half of a character": ("a\ud800b", "a?b"),
    "a list": ([1, ["a"]], [1, ["a"]]),
    "a tuple": ((1, ("a",)), [1, ["a"]]),
    "a set": ({3, 1, 2}, [1, 2, 3]),
    "a set of all kinds": ({"b", 1, None}, ["b", 1, None]),
    "a frozen set": (frozenset({"b", "a"}), ["a", "b"]),
    "a dict": ({"a": {"b": 1}}, {"a": {"b": 1}}),
    "keys that are no text": (
        {1: "a", 1.5: "b", None: "c", False: "d", (1, 2): "e", math.nan: "f", 1 << 20_000: "g"},
        {"1": "a", "1.5": "b", "null": "c", "false": "d", "[1, 2]": "e", "nan": "f", "<number of 20001 bits>": "g"},
    ),
    "a view": ({"a": 1}.items(), [["a", 1]]),
    "a range": (range(1, 5), "range(1, 5)"),
    "a day": (date(2026, 3, 2), "2026-03-02"),
    "a moment": (datetime(2026, 3, 2, 17, 45, tzinfo=UTC), "2026-03-02T17:45:00+00:00"),
    "a time": (time(17, 45), "17:45:00"),
    "a span": (timedelta(hours=1), "datetime.timedelta(seconds=3600)"),
    "a time zone": (timezone(timedelta(hours=1)), "datetime.timezone(datetime.timedelta(seconds=3600))"),
    "a moment in a broken time zone": (datetime(2026, 3, 2, tzinfo=BrokenZone()), "<datetime>"),
    "a function": (print, "<built-in function print>"),
    "a lambda": (lambda: 1, "<function <lambda>>"),
    "a generator": ((n for n in [1]), "<generator object <genexpr>>"),
    "a caller's number": (Decimal("1.5"), "<Decimal>"),
    "a caller's enumeration": (Weekday.MONDAY, "<Weekday>"),
    "a caller's dict": (OrderedDict(a=1), {"a": 1}),
    "a caller's object": (Loud(), "<Loud>"),
    "a caller's object in a list": ([Loud()], ["<Loud>"]),
}


@pytest.mark.parametrize(("value", "expected"), JSON.values(), ids=JSON)
def test_a_value_as_json(value: Any, expected: Any) -> None:
    """Each kind of value has its form in JSON, which a strict writer takes."""
    found = to_json_safe(value)

    assert found == expected
    assert json.loads(json.dumps(found, allow_nan=False)) == expected


PLAIN = {
    "data": {"a": [1, 2.5, "é", None, True, (1,), {1}, frozenset({2})]},
    "times": [date(2026, 3, 2), time(1), datetime(2026, 3, 2, tzinfo=UTC), timedelta(1), UTC],
    "numbers of any size": [1 << 50_000, math.inf],
    "a range": range(10**9),
}


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_data_stays_as_it_is(value: Any) -> None:
    """Data of Python's own types is copied with its types, its sizes and its values."""
    assert to_plain(value) == value


def test_a_plain_copy_shares_nothing() -> None:
    """What is changed in a copy does not change the value, whatever it is nested in."""
    value: dict[str, Any] = {"list": [1], "tuple": ([1],), "set": {1}, "dict": {"list": [1]}}
    copy = to_plain(value)

    copy["list"].append(2)
    copy["tuple"][0].append(2)
    copy["set"].add(2)
    copy["dict"]["list"].append(2)

    assert value == {"list": [1], "tuple": ([1],), "set": {1}, "dict": {"list": [1]}}


def test_what_is_no_data_is_told_wherever_it_stands() -> None:
    """Functions do not get out as keys, as members of sets, or deep in tuples."""
    found = to_plain([{print: 1}, {print}, (frozenset({print}),), {(print, 1): 2}])

    told = "<built-in function print>"
    assert found == [{told: 1}, {told}, (frozenset({told}),), {(told, 1): 2}]


def test_depth_is_bounded() -> None:
    """What nests without end is cut; what holds itself too."""
    value: list[Any] = []
    value.append(value)
    deep: Any = 1
    for _ in range(100_000):
        deep = (deep,)

    for found in (to_json_safe(value), to_json_safe(deep), to_plain(value), to_plain(deep)):
        levels = 0
        while isinstance(found, list | tuple):
            (found,) = found
            levels += 1
        assert (found, levels) == ("<nested too deep>", 40)


def test_size_is_bounded_in_all() -> None:
    """What is shared does not multiply: the whole copy has so many items and no more."""
    value: Any = [0] * 100
    for _ in range(6):
        value = [value] * 100
    room = Room(items=1_000)

    assert to_json_safe([list(range(5)), list(range(900)), list(range(200)), 7], room) == [
        [0, 1, 2, 3, 4],
        list(range(900)),
        "<list of 200 items>",
        7,
    ]
    assert len(json.dumps(to_json_safe(value))) < 1_000_000


def test_texts_are_bounded_in_all() -> None:
    """Texts share one room of characters, keys among them."""
    room = Room(characters=10)

    assert to_json_safe(["abcde", {"fgh": "ij"}, "k", ""], room) == [
        "abcde",
        {"fgh": "ij"},
        "<text of 1 characters>",
        "<text of 0 characters>",
    ]


@given(st.lists(st.text(max_size=5)), st.integers(-1, 40))
@PROPERTY
def test_texts_at_once_are_told_as_one_by_one(texts: list[str], characters: int) -> None:
    """Several texts take the room that each of them takes, and are what each of them is."""
    at_once, one_by_one, as_list = (Room(characters=characters) for _ in range(3))
    expected = [to_json_safe(text, one_by_one) for text in texts]

    assert texts_to_json(texts, at_once) == to_json_safe(texts, as_list) == expected
    assert at_once.characters == as_list.characters == one_by_one.characters


KEYS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
VALUES = st.recursive(
    KEYS | st.datetimes() | st.timedeltas() | st.sampled_from([print, object, b"a", 1j]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(KEYS, inner)
        | st.tuples(inner, inner)
        | st.sets(KEYS)
        | st.frozensets(KEYS)
        | st.dictionaries(st.tuples(KEYS, KEYS), inner)
    ),
)


@PROPERTY
@given(VALUES)
def test_every_value_is_json(value: Any) -> None:
    """A strict writer takes what comes out, a reader reads it back as it was, and a second pass changes nothing."""
    found = to_json_safe(value)

    assert json.loads(json.dumps(found, allow_nan=False).encode("utf-8")) == found
    assert to_json_safe(found) == found
