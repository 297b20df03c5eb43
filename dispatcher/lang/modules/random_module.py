"""`random`: Python's own numbers from the ticket's seed, so that a replay draws the same lots."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.entries import CONSTANT, ITEMS, LENGTH, RESULT, FunctionEntry
from dispatcher.lang.iteration import collect
from dispatcher.lang.measuring import VIEWS, refuse_own, weigh
from dispatcher.lang.modules.entry import ModuleEntry, function
from dispatcher.lang.values import Implementation, type_name

# Steps for one draw by code of Python.
_DRAW_COST = 10


def _source(meter: Meter) -> Random:
    """Return the source of random numbers, about to change."""
    meter.changed = True
    return meter.random


class _Charging:
    """Stands for the source in Python's own methods and charges each draw: for some arguments they draw for ever."""

    __slots__ = ("_meter",)

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def random(self) -> float:
        self._meter.charge(_DRAW_COST)
        return _source(self._meter).random()

    def gammavariate(self, *arguments: Any) -> float:
        return Random.gammavariate(self, *arguments)  # type: ignore[arg-type] # all that it needs

    def normalvariate(self, *arguments: Any) -> float:
        return Random.normalvariate(self, *arguments)  # type: ignore[arg-type] # all that it needs


def _distribution(name: str) -> Implementation:
    kernel = getattr(Random, name)

    def draw(meter: Meter, /, *arguments: Any, **named: Any) -> Any:
        meter.charge(_DRAW_COST)
        _refuse_collections(*arguments, *named.values())
        return kernel(_Charging(meter), *arguments, **named)

    return draw


def _refuse_collections(*values: Any) -> None:
    """Raise TypeError for what Python could take time to subtract before it does so itself."""
    for value in values:
        if isinstance(value, set | frozenset | dict) or type(value) in VIEWS:
            raise TypeError(f"must be real number, not {type_name(value)}")


def _gauss(meter: Meter, mu: Any = 0.0, sigma: Any = 1.0) -> Any:
    meter.charge(_DRAW_COST)
    _refuse_collections(mu, sigma)
    return _source(meter).gauss(mu, sigma)


def _random(meter: Meter, /) -> float:
    return _source(meter).random()


def _seed(meter: Meter, a: Any = None, version: Any = 2) -> None:
    meter.charge(50)
    if a is None:
        # Python asks the computer for a seed.
        a = meter.seed()
    if type(a) is str:
        meter.charge(len(a) << 1 if version == 1 else len(a) >> 2)
    elif type(a) not in (int, bool, float):
        raise TypeError("The only supported seed types are: None,\nint, float, str, bytes, and bytearray.")
    _source(meter).seed(a, version)


def _getrandbits(meter: Meter, k: Any, /) -> int:
    if isinstance(k, int):
        meter.number(k)
    return _source(meter).getrandbits(k)


def _randrange(meter: Meter, start: Any, stop: Any = None, step: Any = 1) -> int:
    meter.charge(_DRAW_COST)
    start = _whole(meter, start)
    if stop is not None:
        stop, step = _whole(meter, stop), _whole(meter, step)
    return _source(meter).randrange(start, stop, step)


def _whole(meter: Meter, bound: Any) -> int:
    """Return a bound of a range; a number with a fraction of zero counts as whole, which Python warns about."""
    if isinstance(bound, int):
        meter.number(bound.bit_length())
        return bound
    if type(bound) is float and (bound.is_integer() or math.isinf(bound)):
        return int(bound)
    if type(bound) is float or type(bound) is str:
        raise ValueError("non-integer argument for randrange()")
    raise TypeError(f"'{type_name(bound)}' object cannot be interpreted as an integer")


def _randint(meter: Meter, a: Any, b: Any) -> int:
    return _randrange(meter, a, b + 1)


def _choice(meter: Meter, seq: Any) -> Any:
    refuse_own(seq, "is not subscriptable")
    meter.charge(_DRAW_COST)
    return _source(meter).choice(seq)


def _shuffle(meter: Meter, x: Any) -> None:
    refuse_own(x, "is not subscriptable")
    meter.charge(_DRAW_COST * len(x))
    if isinstance(x, deque):
        # Each item in the middle of one is found from its end.
        values = collect(meter, x)
        _source(meter).shuffle(values)
        x.clear()
        x.extend(values)
        return
    _source(meter).shuffle(x)


def _sample(meter: Meter, population: Any, k: Any, *, counts: Any = None) -> list[Any]:
    meter.charge(_DRAW_COST)
    if not isinstance(population, Sequence):
        raise TypeError("Population must be a sequence.  For dicts or sets, use sorted(d).")
    if isinstance(population, deque):
        population = collect(meter, population)
    if counts is not None:
        counts = _numbers(meter, counts, population, "counts")
        if float in map(type, counts):
            raise TypeError("Counts must be integers")
    size = len(population) if counts is None else sum(counts)
    # Python copies a population that is not much bigger than the sample, and refuses a bigger sample.
    held = _charge_draws(meter, k, 0 if counts else min(size, 12 * k + 21)) if type(k) is int and k <= size else 0
    result = _source(meter).sample(population, k, counts=counts)
    made: list[Any] = meter.made(result, held, 8 * len(result))
    return made


def _choices(meter: Meter, population: Any, weights: Any = None, *, cum_weights: Any = None, k: Any = 1) -> list[Any]:
    meter.charge(_DRAW_COST)
    refuse_own(population, "is not subscriptable")
    if isinstance(population, deque):
        population = collect(meter, population)
    if weights is not None and cum_weights is None and type(weights) is not int:
        weights = _numbers(meter, weights, population, "weights")
    held = _charge_draws(meter, k, 0) if isinstance(k, int) else 0
    result = _source(meter).choices(population, weights, cum_weights=cum_weights, k=k)
    made: list[Any] = meter.made(result, held, 8 * len(result))
    return made


def _charge_draws(meter: Meter, k: int, copied: int) -> int:
    """Charge for a list of `k` draws, beside a list of `copied` values; return the bytes charged."""
    if k < 0:
        return 0
    meter.charge(_DRAW_COST * k)
    return meter.items(k) + meter.items(copied)


def _numbers(meter: Meter, values: Any, population: Any, what: str) -> list[Any]:
    """Return `what`, a number for each item of a population, as a list.

    Others than numbers are refused as Python refuses them, but before their sums grow.
    """
    numbers = collect(meter, values)
    weigh(meter, numbers)
    kinds = set(map(type, numbers))
    if not kinds <= {int, float, bool}:
        if kinds in ({str}, {list}, {tuple}) and len(numbers) != len(population):
            raise ValueError(f"The number of {what} does not match the population")
        raise TypeError(f"{what.capitalize()} must be numbers")
    return numbers


def _line(signature: str, doc: str, implementation: Implementation, cost: str = CONSTANT) -> FunctionEntry:
    return function(signature.partition("(")[0], signature, cost, doc, implementation)


def _drawn(signature: str, doc: str) -> FunctionEntry:
    name = signature.partition("(")[0]
    return function(name, signature, "draws", doc, _distribution(name))


RANDOM = ModuleEntry(
    "random",
    "lots, drawn the same for the same ticket",
    (
        _drawn("betavariate(alpha, beta)", "a number of the beta distribution"),
        _line("choice(seq)", "one value of a sequence", _choice),
        _line(
            "choices(population, weights=None, *, cum_weights=None, k=1)", "k values, again and again", _choices, RESULT
        ),
        _drawn("expovariate(lambd)", "a number of the exponential distribution"),
        _drawn("gammavariate(alpha, beta)", "a number of the gamma distribution"),
        _line("gauss(mu=0.0, sigma=1.0)", "a number of the normal distribution", _gauss),
        _line("getrandbits(k)", "a whole number of k bits", _getrandbits, RESULT),
        _drawn("lognormvariate(mu, sigma)", "a number whose logarithm is normally distributed"),
        _drawn("normalvariate(mu=0.0, sigma=1.0)", "a number of the normal distribution"),
        _drawn("paretovariate(alpha)", "a number of the Pareto distribution"),
        _line("randint(a, b)", "a whole number from a to b", _randint),
        _line("random()", "a number from 0 to below 1", _random),
        _line("randrange(start, stop=None, step=1)", "one value of a range", _randrange),
        _line("sample(population, k, *, counts=None)", "k different values of a sequence", _sample, RESULT),
        _line("seed(a=None, version=2)", "begins again, from the ticket's seed or another", _seed, LENGTH),
        _line("shuffle(x)", "puts a list into random order", _shuffle, ITEMS),
        _drawn("triangular(low=0.0, high=1.0, mode=None)", "a number of the triangular distribution"),
        _drawn("uniform(a, b)", "a number between a and b"),
        _drawn("vonmisesvariate(mu, kappa)", "an angle of the von Mises distribution"),
        _drawn("weibullvariate(alpha, beta)", "a number of the Weibull distribution"),
    ),
)
