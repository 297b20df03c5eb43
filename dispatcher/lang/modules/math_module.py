"""`math`: Python's own functions, with big whole numbers and iterables of rules charged first."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, ITEMS, RESULT, FunctionEntry
from dispatcher.lang.iteration import collect, iterate
from dispatcher.lang.modules.entry import ModuleEntry, constant, function
from dispatcher.lang.operations import multiply
from dispatcher.lang.values import BoundMethod, Builtin, Implementation, ModuleValue, TypeValue, type_name

_SIZE = "size of the numbers"
_NOT_NUMBERS = (Builtin, TypeValue, BoundMethod, ModuleValue, FunctionType)
# Bits of a number of items that fits into a machine word; CPython refuses more where it counts.
_WORD = 63


def _refuse_own(values: tuple[Any, ...]) -> None:
    for value in values:
        if type(value) in _NOT_NUMBERS:
            raise TypeError(f"must be real number, not {type_name(value)}")


def _plain(kernel: Callable[..., Any]) -> Implementation:
    """Take a function of numbers whose work and result are small."""

    def call(meter: Meter, /, *arguments: Any, **named: Any) -> Any:
        _refuse_own(arguments)
        meter.charge(2)
        return kernel(*arguments, **named)

    return call


# Work on big whole numbers grows with the square of their bits.
def _gcd(meter: Meter, /, *numbers: Any) -> int:
    for number in numbers:
        meter.charge(1 + (_bits(number) ** 2 >> 15))
    return math.gcd(*numbers)


def _lcm(meter: Meter, /, *numbers: Any) -> int:
    if not all(numbers):
        return math.lcm(*numbers)
    bits = 0
    for number in numbers:
        bits += _bits(number)
        meter.number(bits)
        meter.charge(1 + (bits * bits >> 14))
    return math.lcm(*numbers)


def _isqrt(meter: Meter, number: Any, /) -> int:
    meter.charge(1 + (_bits(number) ** 2 >> 17))
    return math.isqrt(number)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _factorial(meter: Meter, number: Any, /) -> int:
    if isinstance(number, int) and number > 1:
        _charge_product(meter, number, number)
    return math.factorial(number)


def _perm(meter: Meter, n: Any, k: Any = None, /) -> int:
    if k is None:
        return _factorial(meter, n)
    if isinstance(n, int) and isinstance(k, int) and 0 < k <= n:
        _charge_product(meter, n, k)
    return math.perm(n, k)


def _charge_product(meter: Meter, n: int, k: int) -> None:
    """Charge for the product of the `k` numbers up to `n`."""
    if k.bit_length() <= _WORD:
        # No product of numbers with a given mean is bigger than that of the mean alone.
        bits = int(k * (math.log2(2 * n - k + 1) - 1)) + 1
        meter.number(bits)
        meter.charge(k + (bits * bits >> 17))


def _comb(meter: Meter, n: Any, k: Any, /) -> int:
    if isinstance(n, int) and isinstance(k, int) and 0 < k < n:
        chosen = min(k, n - k)
        if chosen.bit_length() <= _WORD:
            # Less than (e n / k) ** k, and than 2 ** n.
            bits = min(n, int(chosen * (math.log2(n) - math.log2(chosen) + math.log2(math.e))) + 1)
            meter.number(bits)
            meter.charge(chosen + (bits * bits >> 12))
    return math.comb(n, k)


# --- iterables


def _fsum(meter: Meter, numbers: Any, /) -> float:
    # Python keeps a part of the sum for each 52 bits between the smallest and the largest number.
    return math.fsum(iterate(meter, numbers, 5))


def _prod(meter: Meter, numbers: Any, /, *, start: Any = 1) -> Any:
    product = start
    for number in iterate(meter, numbers, 4):
        product = multiply(meter, product, number)
    return product


def _dist(meter: Meter, p: Any, q: Any, /) -> float:
    return math.dist(collect(meter, p), collect(meter, q))


def _hypot(meter: Meter, /, *coordinates: Any) -> float:
    _refuse_own(coordinates)
    meter.charge(len(coordinates))
    return math.hypot(*coordinates)


def _line(name: str, arguments: str, doc: str) -> FunctionEntry:
    return function(name, f"{name}({arguments})", CONSTANT, doc, _plain(getattr(math, name)))


MATH = ModuleEntry(
    "math",
    "functions of numbers",
    (
        _line("acos", "x", "arc cosine, in radians"),
        _line("acosh", "x", "inverse hyperbolic cosine"),
        _line("asin", "x", "arc sine, in radians"),
        _line("asinh", "x", "inverse hyperbolic sine"),
        _line("atan", "x", "arc tangent, in radians"),
        _line("atan2", "y, x", "the angle of the point (x, y), in radians"),
        _line("atanh", "x", "inverse hyperbolic tangent"),
        _line("cbrt", "x", "cube root"),
        _line("ceil", "x", "the smallest whole number that is not below"),
        function("comb", "comb(n, k)", RESULT, "ways to choose k of n things without order", _comb),
        _line("copysign", "x, y", "x with the sign of y"),
        _line("cos", "x", "cosine of radians"),
        _line("cosh", "x", "hyperbolic cosine"),
        _line("degrees", "x", "radians as degrees"),
        function("dist", "dist(p, q)", ITEMS, "distance of two points", _dist),
        constant("e", "2.718281828459045", math.e),
        _line("erf", "x", "error function"),
        _line("erfc", "x", "complement of the error function"),
        _line("exp", "x", "e to the power of x"),
        _line("exp2", "x", "2 to the power of x"),
        _line("expm1", "x", "exp(x) - 1, exact for small x"),
        _line("fabs", "x", "the number without its sign, with a fraction"),
        function("factorial", "factorial(n)", RESULT, "product of the numbers from 1 to n", _factorial),
        _line("floor", "x", "the largest whole number that is not above"),
        _line("fmod", "x, y", "remainder with the sign of x"),
        _line("frexp", "x", "mantissa and exponent"),
        function("fsum", "fsum(numbers)", ITEMS, "the exact total, rounded once", _fsum),
        _line("gamma", "x", "gamma function"),
        function("gcd", "gcd(*numbers)", _SIZE, "greatest common divisor", _gcd),
        function("hypot", "hypot(*coordinates)", ITEMS, "distance from the origin", _hypot),
        constant("inf", "positive infinity", math.inf),
        _line("isclose", "a, b, *, rel_tol=1e-09, abs_tol=0.0", "True when the numbers are nearly equal"),
        _line("isfinite", "x", "True when neither infinite nor NaN"),
        _line("isinf", "x", "True when infinite"),
        _line("isnan", "x", "True when NaN"),
        function("isqrt", "isqrt(n)", _SIZE, "whole part of the square root", _isqrt),
        function("lcm", "lcm(*numbers)", _SIZE, "least common multiple", _lcm),
        _line("ldexp", "x, i", "x times 2 to the power of i"),
        _line("lgamma", "x", "logarithm of the gamma function"),
        _line("log", "x, base=e", "logarithm, natural or to a base"),
        _line("log10", "x", "logarithm to the base 10"),
        _line("log1p", "x", "log(1 + x), exact for small x"),
        _line("log2", "x", "logarithm to the base 2"),
        _line("modf", "x", "fraction and whole part"),
        constant("nan", "not a number", math.nan),
        _line("nextafter", "x, y", "the next number from x towards y"),
        function("perm", "perm(n, k=None)", RESULT, "ways to choose k of n things in order", _perm),
        constant("pi", "3.141592653589793", math.pi),
        _line("pow", "x, y", "x to the power of y, with a fraction"),
        function("prod", "prod(numbers, *, start=1)", RESULT, "the product", _prod),
        _line("radians", "x", "degrees as radians"),
        _line("remainder", "x, y", "difference from the nearest multiple of y"),
        _line("sin", "x", "sine of radians"),
        _line("sinh", "x", "hyperbolic sine"),
        _line("sqrt", "x", "square root"),
        _line("tan", "x", "tangent of radians"),
        _line("tanh", "x", "hyperbolic tangent"),
        constant("tau", "6.283185307179586", math.tau),
        _line("trunc", "x", "the whole part"),
        _line("ulp", "x", "value of the last bit"),
    ),
)
