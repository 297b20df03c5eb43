"""Calls of the members of modules, and of the methods of what they make: here, and in CPython."""

from __future__ import annotations

import copy
import importlib
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.evaluator import Ticket
from dispatcher.lang.methods import attribute
from dispatcher.lang.modules import MODULES
from dispatcher.lang.regex import Match, Pattern
from dispatcher.lang.values import as_callable, is_callable
from tests.lang.running import NOW

LIMITED = "LimitExceeded"
LIMITS = Limits(steps=200_000)

NUMBERS: tuple[Any, ...] = (
    *(0, 1, 2, 3, 5, 10, -1, -7, 255, 2026, 9999, 1 << 64, -(1 << 70), True, False),
    *(0.0, -0.0, 0.5, 1.0, 2.5, -3.75, 1e300, -1e-300, 1e16, float("inf"), float("-inf"), float("nan")),
)
TEXTS: tuple[Any, ...] = (
    *("", "a", "Ab cD", "  x\n\ty ", "12", "-1.5", "$a ${b} $$", "$", "${", "é ß", "\ud800", "a\x00b", "UTC", "../x"),
    *("[1, 2.5, null]", '{"a": {"b": []}, "a": NaN}', "[1,", '"\\u00e9\\n"', "-0", "[[1], {}]", '{"a" 1}', "1e400"),
    *("2026-03-02", "17:45:01.5", "2026-03-02T17:45:00+02:00", "2026-W10-1", "%Y-%m-%d", "%H:%M", "%d%%", "%", "%Q"),
    *(
        "Europe/London",
        "Mars/Base",
        "long-ish words -- and 'more'. Yes!  So it is",
        "\tx\n  \n\t  y\n\tz",
        "a\tb c" * 9,
    ),
)
COLLECTIONS: tuple[Any, ...] = (
    *([], [1, 2, 3], [3.5, 1], ["a", "b"], [1, "a"], [[1], [2]], (), (1, 2), ("a", "b"), (0.5, 1, 2), [10, 20, 30]),
    *({}, {"a": 1}, {"a": 1, "b": [2]}, {1: "x", None: True, 2.5: ()}, {(1, 2): 3}, {0: "x", 1: "y"}, {1, 2}),
    *(range(3), range(10, 0, -3), frozenset("a"), {"b": 1, "a": 2, "c": float("nan")}, [None, True, False]),
)
MOMENTS: tuple[Any, ...] = (
    *(date(2026, 3, 2), date(1, 1, 1), date(9999, 12, 31), time(17, 45, 1, 5), time(1, tzinfo=UTC), timedelta(1, 2, 3)),
    *(datetime(2026, 3, 2, 17, 45), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), timedelta(hours=-5), timedelta(0)),
    *(UTC, timezone(timedelta(hours=2, minutes=30)), timezone(timedelta(0), "Z"), timedelta.max),
)
VALUES: tuple[Any, ...] = (*NUMBERS, *TEXTS, *COLLECTIONS, *MOMENTS, None)


class _Seeded(Ticket):
    """The surroundings of an evaluation whose random numbers begin with a text that CPython is given, too."""

    __slots__ = ()

    def seed(self) -> str:
        return "seed"


def meter() -> Meter:
    """Return a meter whose `random` begins with a seed that CPython's can be given as well."""
    return Meter(LIMITS, _Seeded({}, NOW))


def ours(path: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return what the member of a module gives for these arguments, as text."""
    used = meter()

    def call(given: list[Any], options: dict[str, Any]) -> Any:
        module, *parts = path.split(".")
        value: Any = MODULES[module]
        for part in parts:
            value = attribute(used, value, part)
        return as_callable(used, value)(*given, **options)

    return outcome(call, arguments, named)


def cpythons(path: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return what CPython gives for these arguments, as text."""

    def call(given: list[Any], options: dict[str, Any]) -> Any:
        module, *parts = path.split(".")
        value: Any = importlib.import_module(module)
        for part in parts:
            value = getattr(value, part)
        random.seed("seed")
        return value(*given, **options)

    return outcome(call, arguments, named)


def our_method(name: str, owner: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return what a method of a value gives, as text."""
    used = meter()
    return outcome(
        lambda given, options: as_callable(used, attribute(used, owner, name))(*given, **options), arguments, named
    )


def cpythons_method(name: str, owner: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return what a method of a value gives in CPython, as text."""
    return outcome(lambda given, options: getattr(owner, name)(*given, **options), arguments, named)


def outcome(
    call: Callable[[list[Any], dict[str, Any]], Any], arguments: Sequence[Any], named: Mapping[str, Any]
) -> str:
    """Return the result of a call and what became of its arguments, or the type of what it raised."""
    given, options = copy.deepcopy(list(arguments)), copy.deepcopy(dict(named))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call(given, options)
            return f"{shown(result)} of {shown(given)}"
        except LimitExceeded:
            return LIMITED
        except Exception as error:  # noqa: BLE001 - whatever is raised is the answer
            return type(error).__name__


def shown(value: Any) -> str:
    """Return a value as text that is the same for ours and CPython's."""
    match value:
        case set() | frozenset():
            return f"{type(value).__name__}({sorted(map(shown, value))})"
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case Iterator():
            return f"iterator of {[shown(item) for item in value]}"
        case Pattern() | Match():
            return repr(value)
        case _ if is_callable(value):
            return "function"
        case _:
            return repr(value)
