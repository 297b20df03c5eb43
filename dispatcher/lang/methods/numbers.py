"""The methods and fields of numbers, ranges, slices and exceptions.

What needs bytes is left out: `to_bytes` and `from_bytes`.
"""

from __future__ import annotations

from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import LENGTH, MethodEntry
from dispatcher.lang.exceptions import error_text
from dispatcher.lang.methods.entry import field, method, small
from dispatcher.lang.numbers import float_from_hex

INT = (
    small(int.as_integer_ratio, "as_integer_ratio()", "the number and 1"),
    small(int.bit_count, "bit_count()", "how many bits are 1"),
    small(int.bit_length, "bit_length()", "how many bits the number has"),
    small(int.conjugate, "conjugate()", "the number"),
    field("denominator", "1"),
    field("imag", "0"),
    field("numerator", "the number"),
    field("real", "the number"),
)


def _fromhex(meter: Meter, _owner: float, text: Any, /) -> float:
    return float_from_hex(meter, text)


FLOAT = (
    small(float.as_integer_ratio, "as_integer_ratio()", "two whole numbers whose quotient it is"),
    small(float.conjugate, "conjugate()", "the number"),
    method("fromhex", "fromhex(text)", "the number that `hex()` shows as this text", _fromhex, LENGTH),
    small(float.hex, "hex()", "the number in base 16"),
    field("imag", "0.0"),
    small(float.is_integer, "is_integer()", "True when there is no fraction"),
    field("real", "the number"),
)

SLICE = (
    small(slice.indices, "indices(length, /)", "start, stop and step for a sequence of this length"),
    field("start", "the first index, or None"),
    field("step", "the step, or None"),
    field("stop", "the index behind the last, or None"),
)

RANGE = (
    field("start", "the first number"),
    field("step", "the step"),
    field("stop", "where the numbers end"),
)


# --- exceptions


def _arguments(_meter: Meter, error: BaseException, /) -> tuple[Any, ...]:
    return tuple(error_text(argument) if type(argument) is str else argument for argument in error.args)


EXCEPTION = (MethodEntry("args", "args", LENGTH, "what the exception was made with", _arguments, field=True),)
STOP_ITERATION = (field("value", "what a function gave back at its end"),)
SYSTEM_EXIT = (field("code", "what it was made with"),)
OS_ERROR = (field("errno", "the error's number, or None"), field("strerror", "the error's text, or None"))
