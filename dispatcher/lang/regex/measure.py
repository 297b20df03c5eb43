"""What the cost analysis asks of a text: how long its runs of a set of characters are, and how often a text occurs."""

from __future__ import annotations

from typing import Protocol

from dispatcher.lang.budget import Meter
from dispatcher.lang.records import dataclass
from dispatcher.lang.regex.charset import ANYTHING, CharSet, finder

_SAMPLE = 16


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a set in a text: the longest length R, their sum, and Q, the sum of r * (r + 1) / 2."""

    longest: int
    total: int
    square: int


class Statistics(Protocol):
    """Facts of a text."""

    @property
    def length(self) -> int:
        """Its number of characters."""

    def runs(self, charset: CharSet, /) -> Runs:
        """Return the runs of the set."""

    def occurrences(self, text: str, /) -> int:
        """Return a bound on how often the text occurs."""


@dataclass(frozen=True, slots=True)
class WorstText:
    """The worst text of a length: all of it is a run of every set, and every text is everywhere."""

    length: int

    def runs(self, _charset: CharSet, /) -> Runs:
        return Runs(self.length, self.length, self.length * (self.length + 1) // 2)

    def occurrences(self, _text: str, /) -> int:
        return self.length + 1


class MeasuredText:
    """A stretch of a text; the meter pays for measuring it."""

    def __init__(self, meter: Meter, text: str, start: int, end: int) -> None:
        self.length = max(end - start, 0)
        self._meter = meter
        self._stretch = (start, end)
        self._text = text
        self._runs = {ANYTHING: WorstText(self.length).runs(ANYTHING)}

    def runs(self, charset: CharSet, /) -> Runs:
        known = self._runs.get(charset)
        if known is None:
            self._meter.charge(1 + (self.length >> 3))
            lengths = [len(run) for run in finder(charset, runs=True).findall(self._text, *self._stretch)]
            square = sum([length * (length + 1) for length in lengths]) // 2
            known = self._runs[charset] = Runs(max(lengths, default=0), sum(lengths), square)
        return known

    def occurrences(self, text: str, /) -> int:
        self._meter.charge(1 + (self.length >> 6))
        # What begins with the text begins with a sample of it, and short texts are found fast.
        sample = text[:_SAMPLE]
        count = self._text.count(sample, *self._stretch)
        # Only occurrences that do not overlap are counted; each hides fewer others than the sample has characters.
        overlaps = any(sample.startswith(sample[shift:]) for shift in range(1, len(sample)))
        return count * len(sample) if overlaps else count
