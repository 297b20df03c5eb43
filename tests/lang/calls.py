"""Calls of functions and methods as text, and what comes of each: here, and in CPython."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from hypothesis import strategies as st

from dispatcher.lang.budget import LimitExceeded, Limits
from tests.lang.running import run

NUMBERS = ("0", "1", "-1", "2", "3", "7", "-3", "255", "1 << 64", "True", "False", "0.0", "-0.0", "1.5", "2.5", "1e300")
ODD_NUMBERS = ("float('nan')", "float('inf')", "-float('inf')", "10 ** 22", "-(1 << 64)", "0.1", "3 << 600")
TEXTS = ("''", "'a'", "'b'", "'ab'", "'Ab cD'", "' x\\t'", "'12'", "'-7'", "'0x1f'", "'1e3'", "'nan'", "'١٢'", "'1_0'")
ODD_TEXTS = (
    "'ß'",
    "'ǅ İ'",
    "'\\ud800'",
    "'a\\x00b'",
    "'\\n\\r\\u2028'",
    "'a,b,,c'",
    "'{}'",
    "'{0[1]}'",
    "'0b1'",
    "'>5'",
)
LISTS = ("[]", "[1, 2, 3]", "[3, 1, 2]", "['b', 'a']", "[1, 'a']", "[[1], [2, 3]]", "['ab', 'cd']", "[True, 0.0]")
TUPLES = ("()", "(1, 2)", "('a', 'b')", "((1, 2), (3, 4))", "(1.5,)", "((1, 'a'),)")
TABLES = (
    "{}",
    "{'a': 1}",
    "{1: 'x', 2: 'y'}",
    "{97: 'z'}",
    "set()",
    "{1, 2}",
    "frozenset({2, 3})",
    "{'a'}",
    "{(1, 2)}",
)
OTHERS = (
    "None",
    "range(3)",
    "range(5, 0, -2)",
    "range(1 << 70)",
    "{'a': 1}.keys()",
    "{1: 2}.items()",
    "{1: 2}.values()",
)
LAZY = (
    "(c for c in 'ab')",
    "(n for n in [1, 2, 3])",
    "iter([2, 1])",
    "iter('ab')",
    "(1 / n for n in [1, 0])",
    "zip('ab')",
)
FUNCTIONS = (
    "lambda: 1",
    "lambda a: a",
    "lambda a: -a",
    "lambda *a: len(a)",
    "lambda a, b: a",
    "str",
    "int",
    "len",
    "list",
)
BOUND = ("'ab'.upper", "str.lower", "[1].count", "dict.get", "'{0[0]}'.format", "{1: 2}.get")
TYPES = (
    "type",
    "(int, str)",
    "(int, (str, 1))",
    "ValueError",
    "int | None",
    "ValueError('x')",
    "KeyError(1)",
    "type(1)",
)
ARGUMENTS = (
    *(*NUMBERS, *ODD_NUMBERS, *TEXTS, *ODD_TEXTS, *LISTS, *TUPLES, *TABLES),
    *(*OTHERS, *LAZY, *FUNCTIONS, *BOUND, *TYPES, "slice(1, 2)"),
)
KEYWORDS = (
    *("key", "reverse", "default", "start", "base", "sep", "end", "strict", "ndigits", "mod", "maxsplit", "x", "a"),
    *("keepends", "tabsize", "iterable", "object", "number", "width", "values"),
)
LIMITS = Limits(steps=100_000)


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gave, and what its receiver is afterwards."""

    value: str
    receiver: str


def arguments() -> st.SearchStrategy[str]:
    """Return the arguments of a call: up to four, right and wrong ones."""
    argument = st.sampled_from(ARGUMENTS)
    named = st.builds("{}={}".format, st.sampled_from(KEYWORDS), argument)
    return st.builds(_joined, st.lists(argument, max_size=4), st.one_of(st.none(), st.none(), named))


def _joined(positional: list[str], named: str | None) -> str:
    return ", ".join([*positional, *([named] if named else [])])


def ours(calls: list[tuple[str, str]]) -> list[Result | None]:
    """Return what calls of methods (receiver, call) give here; None where one passes a limit."""
    lines = [f"v{number} = {receiver}\nr{number} = v{number}{call}\n" for number, (receiver, call) in enumerate(calls)]
    outcome = run("".join(lines), limits=LIMITS)
    faults = {fault.line: fault.type for fault in outcome.faults}
    results: list[Result | None] = []
    for number in range(len(calls)):
        fault = faults.get(2 * number + 2)
        if faults.get(2 * number + 1) or fault == "LimitExceeded":
            results.append(None)
            continue
        value = fault or described(outcome.working[f"r{number}"])
        results.append(Result(value, "" if fault else described(outcome.working[f"v{number}"])))
    return results


def cpythons(receiver: str, call: str) -> Result:
    """Return what a call of a method gives in CPython."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = eval(receiver)
        try:
            result = eval(f"receiver{call}", {"receiver": value})
        except Exception as error:  # noqa: BLE001 - whatever CPython raises is the answer
            return Result(type(error).__name__, "")
    return Result(described(result), described(value))


def described(value: Any) -> str:
    """Return type and content of a value, in words that fit both sides."""
    kind = type(value).__name__
    match value:
        case list() | tuple():
            return f"{kind}({', '.join(map(described, value))})"
        case set() | frozenset():
            return f"{kind}({', '.join(sorted(map(described, value)))})"
        case dict():
            return f"{kind}({', '.join(f'{described(key)}: {described(item)}' for key, item in value.items())})"
        case FunctionType():
            return f"function {value.__name__}"
        case Iterator():
            return f"iterator({', '.join(_turns(value))})"
        case BaseException():
            return f"{kind}{described(value.args)}"
        case int():
            # In base 16 there is no limit to the digits.
            return f"{kind} {value:#x}"
        case str() | float() | None:
            return f"{kind} {value!r}"
        case _ if kind in ("Builtin", "BoundMethod", "builtin_function_or_method", "method_descriptor"):
            return "built-in function"
        case slice():
            return f"slice({', '.join(map(described, (value.start, value.stop, value.step)))})"
        case _:
            return repr(value)


def _turns(values: Iterator[Any]) -> Iterator[str]:
    for _ in range(20):
        try:
            yield described(next(values))
        except StopIteration:
            return
        except (Exception, LimitExceeded) as error:  # noqa: BLE001 - whatever an iterator raises is the answer
            yield type(error).__name__
            return
