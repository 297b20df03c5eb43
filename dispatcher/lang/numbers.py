"""The functions that compute with numbers, and those that make numbers of other values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.formatting import charge_digits
from dispatcher.lang.iteration import iterate
from dispatcher.lang.operations import add, power
from dispatcher.lang.values import Implementation, type_name

_MISSING: Any = object()
_SMALL_BITS = 1024


def absolute(meter: Meter, number: Any, /) -> Any:
    """`abs(number)`."""
    if isinstance(number, int):
        meter.number(number.bit_length())
    return abs(number)


def round_number(meter: Meter, number: Any, ndigits: Any = None) -> Any:
    """`round(number, ndigits)`."""
    if isinstance(number, int) and isinstance(ndigits, int) and ndigits < 0:
        bits = number.bit_length()
        if -ndigits > bits // 3 + 1:
            # Less than half of such a power of ten, which would take long to compute.
            return 0
        meter.number(bits + 4)
        # Python divides by a power of ten that it computes.
        charge_digits(meter, number)
    return round(number, ndigits)


def pow_number(meter: Meter, base: Any, exp: Any, mod: Any = None) -> Any:
    """`pow(base, exp, mod)`."""
    if mod is None:
        return power(meter, base, exp)
    if isinstance(base, int) and isinstance(exp, int) and isinstance(mod, int):
        meter.number(mod.bit_length())
        words = (mod.bit_length() >> 5) + 1
        # For each bit of the exponent a product and a remainder; for an inverse, a division for each bit.
        meter.charge(exp.bit_length() * (((words + 4) ** 2 >> 5) + 2))
        if exp < 0:
            meter.charge(mod.bit_length() * ((words >> 6) + 2))
        meter.number(base.bit_length())
    return pow(base, exp, mod)


def divide_with_remainder(meter: Meter, a: Any, b: Any, /) -> Any:
    """`divmod(a, b)`."""
    if isinstance(a, int) and isinstance(b, int):
        meter.number(a.bit_length())
    return divmod(a, b)


def total(meter: Meter, iterable: Any, /, start: Any = 0) -> Any:
    """`sum(iterable, start)`."""
    if isinstance(start, str):
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    result = start
    if isinstance(start, int | float):
        # A number adds to nothing but numbers, of which only whole ones grow.
        for value in iterate(meter, iterable, 1):
            result = result + value
            if isinstance(result, int) and not -_BIG < result < _BIG:
                meter.number(result.bit_length())
        return result
    for value in iterate(meter, iterable, 2):
        result = add(meter, result, value)
    return result


_BIG = 1 << _SMALL_BITS


def in_base(show: Callable[[int], str]) -> Implementation:
    """Return what carries out `bin`, `oct` or `hex`."""

    def digits(meter: Meter, number: Any, /) -> str:
        if not isinstance(number, int):
            raise TypeError(f"'{type_name(number)}' object cannot be interpreted as an integer")
        charged = meter.text(number.bit_length() + 4, ascii_only=True)
        return meter.made_text(show(number), charged)

    return digits


def to_int(meter: Meter, value: Any = _MISSING, /, base: Any = _MISSING) -> int:
    """`int(value, base)`."""
    if type(value) is str:
        _charge_digits_read(meter, value, base)
    if base is not _MISSING:
        if value is _MISSING:
            raise TypeError("int() missing string argument")
        return int(value, base)
    if value is _MISSING:
        return 0
    if not isinstance(value, int | float | str):
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a real number, not '{type_name(value)}'"
        )
    return int(value)


def _charge_digits_read(meter: Meter, text: str, base: Any) -> None:
    meter.charge(len(text) >> 4)
    if base in (0, 2, 4, 8, 16, 32):
        # In these, Python reads as many digits as there are.
        digits = len(text.strip())
        if digits > meter.limits.number_bits:
            raise LimitExceeded(f"a number would have more than {meter.limits.number_bits:,} bits")
    # In the others, 4,300 digits at most, and takes the square of their count.
    meter.charge(min(len(text), 4300) ** 2 >> 13)


def to_float(meter: Meter, value: Any = 0.0, /) -> float:
    """`float(value)`."""
    if type(value) is str:
        meter.charge(len(value) >> 3)
    if not isinstance(value, int | float | str):
        raise TypeError(f"float() argument must be a string or a real number, not '{type_name(value)}'")
    return float(value)


def float_from_hex(meter: Meter, text: Any, /) -> float:
    """`float.fromhex(text)`."""
    if type(text) is str:
        meter.charge(len(text) >> 5)
    return float.fromhex(text)


def character(_meter: Meter, number: Any, /) -> str:
    """`chr(number)`."""
    return chr(number)


def code_of(_meter: Meter, text: Any, /) -> int:
    """`ord(text)`."""
    if type(text) is not str:
        raise TypeError(f"ord() expected string of length 1, but {type_name(text)} found")
    return ord(text)
