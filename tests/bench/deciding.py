"""Rows about evaluation: tickets decided by rules that are loaded already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from tests.bench.curve import Series
from tests.bench.engines import Engine, Loaded, agree, dispatcher, reference
from tests.bench.measure import Contender, Scale, against, interleaved, reason, spread
from tests.bench.rules import Written, alike
from tests.bench.table import DISPATCHER, Figure, Line, duration
from tests.bench.workloads import Workload, workload

# Numbers of rules in the cost curve.
COUNTS = (10, 100, 1_000, 10_000, 100_000)

Make = Callable[[Scale], Workload]


def of(rules: Callable[[], Written], length: int | None = None) -> Make:
    """Return what makes a workload of fixed rules."""
    return lambda scale: workload(rules(), scale.tickets, length)


def of_many(rules: Callable[[int], Written], count: int) -> Make:
    """Return what makes a workload of `count` rules."""
    return lambda scale: workload(rules(scale.rules(count)), scale.tickets)


def deciding(make: Make, engine: Engine = dispatcher) -> Callable[[Scale, Mapping[str, Engine]], Line]:
    """Return the measurement of one workload: an engine of dispatcher's and the peers against the reference."""

    def measure(scale: Scale, peers: Mapping[str, Engine]) -> Line:
        made = make(scale)
        figures: dict[str, Figure] = {}
        notes: list[str] = []
        with ExitStack() as stack:
            expected = stack.enter_context(reference(made.rules))
            found = stack.enter_context(engine(made.rules))
            agree(expected, found, made.tickets)
            base, times = interleaved([_contender(made, expected), _contender(made, found)], scale)
            figures[DISPATCHER] = Figure(against(base, times))
            # Each in a match of its own, so that a slow one does not cost the others their rounds.
            for name, peer in peers.items():
                try:
                    figures[name] = _peer(made, expected, peer, scale)
                except Exception as error:  # noqa: BLE001 - a peer may fail in any way, and stops nobody else
                    notes.append(f"{name}: {reason(error)}")
        return Line(duration(spread(base)), figures, tuple(notes))

    return measure


def _peer(made: Workload, expected: Loaded, peer: Engine, scale: Scale) -> Figure:
    with peer(made.rules) as loaded:
        agree(expected, loaded, made.tickets[:30], on_all=False)
        base, times = interleaved([_contender(made, expected), _contender(made, loaded)], scale)
        return Figure(against(base, times))


def _contender(made: Workload, loaded: Loaded) -> Contender:
    return Contender([loaded.given(ticket) for ticket in made.tickets], loaded.fresh, loaded.run)


def flatness(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure dispatcher on 100,000 rules against itself on 100."""
    few, many = (workload(alike(scale.rules(count)), scale.tickets) for count in (100, 100_000))
    with ExitStack() as stack:
        expected = stack.enter_context(reference(many.rules))
        base, found = (stack.enter_context(dispatcher(made.rules)) for made in (few, many))
        agree(expected, found, many.tickets[:30])
        times = interleaved([_contender(few, base), _contender(many, found)], scale)
    return Line(duration(spread(times[0])), {DISPATCHER: Figure(against(*times))})


def cost_curve(scale: Scale) -> list[Series]:
    """Return what one decision takes the reference and dispatcher, by the number of rules."""
    points: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for count in sorted({scale.rules(count) for count in COUNTS}):
        made = workload(alike(count), scale.tickets)
        with reference(made.rules) as expected, dispatcher(made.rules) as found:
            agree(expected, found, made.tickets[:30])
            times = interleaved([_contender(made, expected), _contender(made, found)], scale)
        for line, seconds in zip(points, times, strict=True):
            line.append((count, spread(seconds).median))
    return [Series(name, line) for name, line in zip(("CPython exec", DISPATCHER), points, strict=True)]
