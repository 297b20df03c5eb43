"""Times contenders in turns, and says what a series of figures comes to.

Machines drift and share their cores, so times of one round alone are compared: a ratio is that of two times of the
same round, and what is told is the median of the ratios with its quartiles.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any


class NoFigureError(Exception):
    """Somebody cannot be measured; the message says why."""


def reason(error: Exception) -> str:
    """Return in one line why there is no figure."""
    text = str(error).strip().partition("\n")[0][:160]
    return text if isinstance(error, NoFigureError) else f"{type(error).__name__}: {text}"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    # A round of one contender takes about this long, if it has not more to do for a single pass.
    seconds: float
    # The longest that one pass of one contender over the tickets of a round may take.
    longest: float
    tickets: int
    # No rule file is made longer than this.
    most_rules: int
    # What takes a process of its own is done this often, unless that takes longer than `patience`, in seconds.
    processes: int
    patience: float
    replayed: int
    # Seconds for which a server is kept busy in a round.
    serving: float

    def rules(self, count: int) -> int:
        """Return how many rules stand for `count`."""
        return min(count, self.most_rules)


FULL = Scale(
    rounds=15,
    seconds=0.02,
    longest=0.4,
    tickets=300,
    most_rules=100_000,
    processes=9,
    patience=60,
    replayed=100_000,
    serving=1.0,
)
QUICK = Scale(
    rounds=1,
    seconds=0.0,
    longest=0.0,
    tickets=6,
    most_rules=20,
    processes=1,
    patience=0,
    replayed=20,
    serving=0.05,
)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures, between their quartiles."""

    low: float
    median: float
    high: float

    def __mul__(self, factor: float) -> Spread:
        return Spread(self.low * factor, self.median * factor, self.high * factor)


def spread(figures: Sequence[float]) -> Spread:
    """Return what the figures, at least one, come to."""
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0])
    low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
    return Spread(low, median, high)


def against(reference: Sequence[float], figures: Sequence[float]) -> Spread:
    """Return the ratio of figures to those of the reference in the same rounds."""
    return spread([figure / base for base, figure in zip(reference, figures, strict=True)])


@dataclass(frozen=True, slots=True)
class Contender:
    """What can be timed on many inputs: `run` goes through a list of them, each fresh from `fresh`."""

    inputs: Sequence[Any]
    fresh: Callable[[Any], Any]
    run: Callable[[list[Any]], object]


def interleaved(contenders: Sequence[Contender], scale: Scale) -> list[list[float]]:
    """Return the seconds that each contender takes for one input, round by round.

    All contenders of a round get the same stretch of their inputs, and each as many passes over it as fill its time.
    """
    # What is loaded stays, so no collection needs to look at it; what the rounds make is collected as ever.
    gc.collect()
    gc.freeze()
    try:
        width = _width(contenders, scale)
        passes = [_passes(contender, width, scale.seconds) for contender in contenders]
        times: list[list[float]] = [[] for _ in contenders]
        for number in range(scale.rounds):
            for turn in range(len(contenders)):
                # Nobody always comes first, or behind the same neighbour's cold caches.
                index = (number + turn) % len(contenders)
                contender = contenders[index]
                stretch = _stretch(contender.inputs, number * width, width)
                times[index].append(_timed(contender, stretch * passes[index]))
        return times
    finally:
        gc.unfreeze()


def _timed(contender: Contender, inputs: Sequence[Any]) -> float:
    given = [contender.fresh(item) for item in inputs]
    gc.collect()
    start = perf_counter()
    contender.run(given)
    return (perf_counter() - start) / len(given)


def _stretch(inputs: Sequence[Any], start: int, width: int) -> list[Any]:
    return [inputs[number % len(inputs)] for number in range(start, start + width)]


def _width(contenders: Sequence[Contender], scale: Scale) -> int:
    """Return over how many inputs all contenders can go in a round."""
    # The first call, which may still have something to set up, does not count.
    slowest = max(min(_timed(contender, contender.inputs[:1]) for _ in range(2)) for contender in contenders)
    return max(1, min(len(contenders[0].inputs), round(scale.longest / slowest)))


def _passes(contender: Contender, width: int, seconds: float) -> int:
    once = _timed(contender, _stretch(contender.inputs, 0, width)) * width
    return max(1, round(seconds / once))


def alternately(actions: Sequence[Callable[[], float]], scale: Scale) -> list[list[float]]:
    """Return the figures that each action gives, round by round, the actions taking turns.

    No round begins when those before have taken `scale.patience` seconds.
    """
    figures: list[list[float]] = [[] for _ in actions]
    start = perf_counter()
    for number in range(scale.processes):
        if number and perf_counter() - start > scale.patience:
            break
        for turn in range(len(actions)):
            index = (number + turn) % len(actions)
            figures[index].append(actions[index]())
    return figures
