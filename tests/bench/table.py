"""Lines of the benchmark's table, and the table as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.measure import Spread

DISPATCHER = "dispatcher"
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: a ratio where there is no unit."""

    spread: Spread
    unit: str = ""

    def text(self) -> str:
        """Return the median with its quartiles, as far as they differ."""
        low, median, high = (_rounded(value) for value in (self.spread.low, self.spread.median, self.spread.high))
        unit = f" {self.unit}" if self.unit else ""
        return f"{median}{unit}" if low == high else f"{median}{unit} ({low}..{high})"


@dataclass(frozen=True, slots=True)
class Goal:
    """The figure to reach, and the one behind it; smaller is better unless `at_least`."""

    reach: float
    then: float | None = None
    unit: str = ""
    at_least: bool = False

    def texts(self) -> tuple[str, str]:
        """Return both figures as text."""
        sign, unit = "≥" if self.at_least else "≤", f" {self.unit}" if self.unit else ""
        further = NOTHING if self.then is None else f"{self.then:,g}{unit}"
        return f"{sign} {self.reach:,g}{unit}", further

    def verdict(self, median: float) -> str:
        """Tell whether a median reaches the goal."""
        if self._reaches(median, self.reach):
            return "yes, both" if self.then is not None and self._reaches(median, self.then) else "yes"
        return "no"

    def _reaches(self, median: float, wanted: float) -> bool:
        return median >= wanted if self.at_least else median <= wanted


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one row: the reference's absolute figure, and everybody's by name."""

    reference: Figure | None = None
    figures: dict[str, Figure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Titled:
    """A line with what stands in front of it."""

    key: str
    title: str
    goal: Goal | None
    line: Line


def markdown(lines: Iterable[Titled], peers: Sequence[str], machine: str) -> Iterator[str]:
    """Yield the table line by line as they come, the notes, and what was measured on."""
    header = ("row", "workload", "reference", DISPATCHER, "reach", "and then", "reached", *peers)
    yield _row(header)
    yield _row(["---"] * len(header))
    rows_of: dict[str, list[str]] = {}
    for line in lines:
        yield _row(_cells(line, peers))
        for note in line.line.notes:
            rows_of.setdefault(note, []).append(line.key)
    yield "\n"
    yield from (f"- {', '.join(keys)}: {note}\n" for note, keys in rows_of.items())
    yield f"\n{machine}\n" if rows_of else f"{machine}\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def data(lines: Sequence[Titled], machine: str) -> dict[str, Any]:
    """Return the same as JSON data."""
    return {
        "machine": machine,
        "rows": [
            {
                "key": line.key,
                "title": line.title,
                "reference": None if line.line.reference is None else _figure_data(line.line.reference),
                "figures": {name: _figure_data(figure) for name, figure in line.line.figures.items()},
                "reach": None if line.goal is None else line.goal.reach,
                "then": None if line.goal is None else line.goal.then,
                "notes": list(line.line.notes),
            }
            for line in lines
        ],
    }


def _figure_data(figure: Figure) -> dict[str, Any]:
    return {
        "low": figure.spread.low,
        "median": figure.spread.median,
        "high": figure.spread.high,
        "unit": figure.unit,
    }


def _cells(titled: Titled, peers: Sequence[str]) -> tuple[str, ...]:
    line, goal = titled.line, titled.goal
    found = line.figures.get(DISPATCHER)
    reach, further = goal.texts() if goal else (NOTHING, NOTHING)
    return (
        titled.key,
        titled.title,
        NOTHING if line.reference is None else line.reference.text(),
        _text(found),
        reach,
        further,
        NOTHING if found is None or goal is None else goal.verdict(found.spread.median),
        *(_text(line.figures.get(peer)) for peer in peers),
    )


def _text(figure: Figure | None) -> str:
    return NOTHING if figure is None else figure.text()


def _rounded(value: float) -> str:
    """Return a figure with three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def duration(seconds: Spread) -> Figure:
    """Return seconds in the unit that suits them."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds.median >= size), _UNITS[-1])
    return Figure(seconds * (1 / size), unit)
