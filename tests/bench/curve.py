"""The cost curve: what one decision takes over the number of rules, as an SVG picture with both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 170, 56, 58
# Colours that stay apart in grey and for the colour-blind, on white.
STYLE = """\
  <style>
    text { font: 13px system-ui, sans-serif; fill: #333 }
    .title { font-size: 16px; font-weight: 600 }
    .tick { fill: #666; font-variant-numeric: tabular-nums }
    .grid { stroke: #e4e4e4 }
    .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  </style>
"""
COLOURS = ("#a04a00", "#0b5cad", "#5a7d00", "#7a3b9a")
_UNITS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"))


@dataclass(frozen=True, slots=True)
class Series:
    """One line of the picture: numbers of rules with the seconds of one decision."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps powers of ten to a stretch of the picture."""

    low: int
    high: int
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> Iterable[float]:
        return (10.0**power for power in range(self.low, self.high + 1))


def svg(title: str, series: Sequence[Series]) -> str:
    """Return the picture."""
    across = _axis([rules for line in series for rules, _ in line.points], LEFT, WIDTH - RIGHT)
    up = _axis([seconds for line in series for _, seconds in line.points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">\n',
        STYLE,
        f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n',
        _text(LEFT, 28, title, "title"),
        *(_vertical(across.place(count), f"{count:,.0f}") for count in across.ticks()),
        *(_horizontal(up.place(seconds), _duration(seconds)) for seconds in up.ticks()),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "rules in the file", anchor="middle"),
        *(_line(line, colour, across, up) for line, colour in zip(series, COLOURS, strict=False)),
        "</svg>\n",
    ]
    return "".join(parts)


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return _Axis(low, max(high, low + 1), start, end)


def _line(line: Series, colour: str, across: _Axis, up: _Axis) -> str:
    places = [(across.place(rules), up.place(seconds)) for rules, seconds in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'  <circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>\n' for x, y in places)
    (x, y), (_, last) = places[-1], line.points[-1]
    return (
        f'  <polyline class="line" stroke="{colour}" points="{path}"/>\n{dots}'
        f"{_text(x + 12, y - 2, line.name, style=f'fill: {colour}; font-weight: 600')}"
        f"{_text(x + 12, y + 15, _duration(last), 'tick')}"
    )


def _vertical(x: float, label: str) -> str:
    line = f'  <line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>\n'
    return line + _text(x, HEIGHT - BOTTOM + 20, label, "tick", "middle")


def _horizontal(y: float, label: str) -> str:
    line = f'  <line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>\n'
    return line + _text(LEFT - 10, y + 4, label, "tick", "end")


def _text(x: float, y: float, content: str, kind: str = "", anchor: str = "", style: str = "") -> str:
    given = {"class": kind, "text-anchor": anchor, "style": style}
    attributes = "".join(f' {name}="{value}"' for name, value in given.items() if value)
    return f'  <text x="{x:.1f}" y="{y:.1f}"{attributes}>{content}</text>\n'


def _duration(seconds: float) -> str:
    size, unit = max((pair for pair in _UNITS if seconds >= pair[0] * 0.9995), default=_UNITS[0])
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"
