"""A bound on the work of CPython's engine: when it is small, CPython may run the pattern on the text.

CPython's engine backtracks. Its work is the number of times that it enters a node of the pattern at a place of the
text, over all attempts. We bound that from left to right, for the worst case that nothing ever matches. Two numbers
flow from node to node (`Flow`): `entries`, all entries of the node, and `per_place`, the most entries at one place.
An attempt starts at each place once, so a search begins with (n + 1, 1), and `match` with (1, 1).

- A text or character passes entries on, one place further. What passes a literal text stands at one of its
  occurrences: at most `per_place * occurrences`.
- A run of one character, entered at p, goes on from each place of the run of such characters in the text that holds
  p. With R the longest such run and Q the sum of r * (r + 1) / 2 over all of them, it counts, and passes on, at most
  `min(entries * R, per_place * Q)`. A place q is reached from at most R places p before it, and once from each entry.
- If the character before p is never in the set (`Flow.last` does not meet it), p begins its run. Then q is reached
  from one p only, `per_place` stays, and the runs entered are disjoint: Q becomes n.
- A repeat of a group whose next character decides every choice (`Shapes.has_single_way`) walks one way from p, within
  the run of its alphabet. So it is a run of its alphabet, times the size of its body for each character.
- Any other repeat is unrolled when its count is small; a possessive one keeps one way out of each round; else there is
  no bound. `(a+)+` and `(a|a)*` end here.
- A branch adds up its options. If no two options end with the same character, q is reached by one of them only. If
  none forks and no two begin alike, an entry takes one of them only.
- What follows the last node that can fail is entered once for each match, and matches do not overlap: n in all.
- A lookaround does its work and passes on what came in. So does an atomic group, which is bounded as if it were not.

The statistics R, Q and occurrences are measured in the text, in time linear in it, unless the bound for the worst text
of that length is small anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dispatcher.lang.budget import Meter
from dispatcher.lang.regex.charset import (
    ANYTHING,
    BEFORE_ANY_PLACE,
    LINE_START,
    NOTHING,
    TEXT_START,
    CharSet,
    finder,
    one_character,
)
from dispatcher.lang.regex.nodes import (
    At,
    Atomic,
    Branch,
    Conditional,
    Group,
    Look,
    Mode,
    Node,
    One,
    Place,
    Reference,
    Repeat,
    Run,
    Sequence,
    Text,
)
from dispatcher.lang.regex.shape import Shapes, descendants

MAX_UNROLLED = 8
MAX_VISITS = 2_000


class Unbounded(Exception):  # noqa: N818 - a finding, not an error
    """No useful bound exists."""


class Statistics(Protocol):
    """What the bound asks of a text."""

    length: int

    def run(self, charset: CharSet) -> tuple[int, int]:
        """Return R and Q of the set."""

    def occurrences(self, text: str) -> int:
        """Return how often the text occurs."""


@dataclass(frozen=True, slots=True)
class WorstText:
    """The worst text of a length: all of it is a run of every set."""

    length: int

    def run(self, charset: CharSet) -> tuple[int, int]:
        """Return R and Q of the set."""
        return self.length, self.length * (self.length + 1) // 2

    def occurrences(self, text: str) -> int:
        """Return how often the text occurs."""
        return self.length + 1


class MeasuredText:
    """A stretch of a text."""

    def __init__(self, meter: Meter, text: str, start: int, end: int) -> None:
        self._meter = meter
        self.length = end - start
        self._window = (text, start, end)
        self._runs: dict[CharSet, tuple[int, int]] = {ANYTHING: WorstText(self.length).run(ANYTHING)}

    def run(self, charset: CharSet) -> tuple[int, int]:
        """Return R and Q of the set."""
        known = self._runs.get(charset)
        if known is None:
            self._meter.charge(self.length >> 3)
            lengths = [len(run) for run in finder(charset, runs=True).findall(*self._window)]
            square = sum([length * (length + 1) for length in lengths]) // 2
            known = self._runs[charset] = (max(lengths, default=0), square)
        return known

    def occurrences(self, text: str) -> int:
        """Return how often the text occurs."""
        self._meter.charge(1 + (self.length >> 6))
        sample = text[:16]
        # Occurrences are counted without overlap; behind each counted one begin fewer than its length uncounted ones.
        overlaps = any(sample.startswith(sample[shift:]) for shift in range(1, len(sample)))
        return self._window[0].count(sample, *self._window[1:]) * (len(sample) if overlaps else 1)


@dataclass(frozen=True, slots=True)
class Flow:
    """Entries of a node: in all, at most at one place, and the characters that can stand before it."""

    entries: int
    per_place: int
    last: CharSet

    def merge(self, other: Flow) -> Flow:
        """Return the flow behind two ways."""
        if not self.entries or not other.entries:
            return self if self.entries else other
        # Two ways lead to one place only if the character before it can be both their last.
        both = self.last.meets(other.last)
        per_place = self.per_place + other.per_place if both else max(self.per_place, other.per_place)
        return Flow(self.entries + other.entries, per_place, self.last | other.last)


class Estimate:
    """One walk over a pattern for one text. `work` is in units of about 5 ns, `depth` in rounds on CPython's stack."""

    def __init__(self, shapes: Shapes, statistics: Statistics, limit: int) -> None:
        self.work = 0
        self.depth = 0
        self._shapes = shapes
        self._text = statistics
        self._limit = limit
        self._visits = 0

    def sequence(self, nodes: Sequence, flow: Flow, final: bool) -> Flow:
        """Add the work of a sequence; `final` when nothing that can fail comes after it."""
        # From here on nothing can fail.
        end = len(nodes)
        while final and end and _cannot_fail(nodes[end - 1]):
            end -= 1
        for index, node in enumerate(nodes):
            if final and index >= end:
                flow = self._matched(flow)
            flow = self._node(node, flow, final and index >= end - 1)
        return flow

    def _matched(self, flow: Flow) -> Flow:
        """Return the flow where a match is certain: matches do not overlap, and two may share a place if one is empty."""
        return Flow(min(flow.entries, self._text.length + 1), min(flow.per_place, 2), flow.last)

    def _node(self, node: Node, flow: Flow, final: bool) -> Flow:
        self._visits += 1
        if self.work > self._limit or self._visits > MAX_VISITS:
            raise Unbounded
        match node:
            case Text(text):
                return self._literal(text, flow)
            case One(unit):
                self.work += flow.entries * unit.weight
                entries = min(flow.entries, flow.per_place * self._text.length)
                return Flow(entries, flow.per_place, unit.charset)
            case At(place):
                return self._at(place, flow)
            case Run():
                return self._final_run(node, flow) if final else self._run(node, flow)
            case Group(_, body):
                self.work += 2 * flow.entries
                return self.sequence(body, flow, final)
            case Branch():
                return self._branch(node, flow, final)
            case Repeat():
                return self._repeat(node, flow, final)
            case Atomic(body):
                out = self.sequence(body, flow, final=False)
                return Flow(min(out.entries, flow.entries), out.per_place, out.last)
            case Look(body, behind):
                self.work += 3 * flow.entries
                self.sequence(
                    body, Flow(flow.entries, flow.per_place, BEFORE_ANY_PLACE if behind else flow.last), final=False
                )
                return flow
            case Reference():
                return self._reference(node, flow)
            case Conditional(_, yes, no):
                self.work += flow.entries
                return self.sequence(yes, flow, final).merge(self.sequence(no, flow, final))

    def _literal(self, text: str, flow: Flow) -> Flow:
        self.work += flow.entries * (1 + len(text) // 4)
        entries = flow.entries
        if flow.per_place < entries:
            entries = min(entries, flow.per_place * self._text.occurrences(text))
        return Flow(entries, flow.per_place, one_character(text[-1]))

    def _at(self, place: Place, flow: Flow) -> Flow:
        self.work += flow.entries
        match place:
            case Place.TEXT_START:
                return Flow(min(flow.entries, flow.per_place), flow.per_place, TEXT_START)
            case Place.LINE_START:
                places = self._text.occurrences("\n") + 1
                return Flow(min(flow.entries, flow.per_place * places), flow.per_place, LINE_START)
            case Place.LINE_END:
                places = self._text.occurrences("\n") + 1
                return Flow(min(flow.entries, flow.per_place * places), flow.per_place, flow.last)
            case Place.TEXT_END | Place.LAST_LINE_END:
                return Flow(min(flow.entries, flow.per_place * 2), flow.per_place, flow.last)
            case Place.BOUNDARY | Place.NO_BOUNDARY:
                return flow

    def _run(self, node: Run, flow: Flow) -> Flow:
        charset = node.unit.charset
        reach, eaten, per_place = self._stretch(charset, node.high, flow)
        ways = reach - node.low + 1
        if ways <= 0:
            self.work += (2 + reach) * flow.entries
            return Flow(0, 0, NOTHING)
        entries = min(flow.entries * ways, flow.entries + eaten)
        if node.low == node.high:
            entries, per_place = flow.entries, flow.per_place
        elif node.mode is Mode.POSSESSIVE:
            entries = flow.entries
        self.work += 2 * flow.entries + eaten * node.unit.weight // 2 + 2 * entries
        entries = min(entries, per_place * (self._text.length + 1))
        return Flow(entries, per_place, charset if node.low else charset | flow.last)

    def _stretch(self, charset: CharSet, high: int | None, flow: Flow) -> tuple[int, int, int]:
        """Return how far a run of the set reaches, what all runs eat together, and the entries of a place behind."""
        longest, square = self._text.run(charset)
        reach = longest if high is None else min(longest, high)
        if charset.meets(flow.last):
            per_place = min(flow.per_place * (reach + 1), flow.entries)
            return reach, min(flow.entries * reach, flow.per_place * square), per_place
        return reach, min(flow.entries * reach, flow.per_place * self._text.length), flow.per_place

    def _final_run(self, node: Run, flow: Flow) -> Flow:
        needed = node.low if node.low <= 4 else min(node.low, self._text.run(node.unit.charset)[0])
        self.work += (2 + needed * node.unit.weight) * flow.entries + self._text.length * node.unit.weight // 2
        charset = node.unit.charset
        return self._matched(Flow(flow.entries, flow.per_place, charset if node.low else charset | flow.last))

    def _branch(self, node: Branch, flow: Flow, final: bool) -> Flow:
        self.work += flow.entries * (1 + len(node.options) // 2)
        out = Flow(0, 0, NOTHING)
        switch = self._shapes.is_switch(node)
        before = dearest = self.work
        for option in node.options:
            out = out.merge(self.sequence(option, flow, final))
            if switch and isinstance(option[0], Text | One):
                # CPython enters only the option whose first character is there.
                dearest, self.work = max(dearest, self.work), before
            else:
                dearest, before = dearest + self.work - before, self.work
        self.work = dearest
        return Flow(min(out.entries, flow.entries), out.per_place, out.last) if switch else out

    def _repeat(self, node: Repeat, flow: Flow, final: bool) -> Flow:
        if node.high is not None and node.high <= MAX_UNROLLED:
            return self._unrolled(node, node.high, flow, final)
        body = self._shapes.of(node.body)
        if body.nullable:
            raise Unbounded
        reach, eaten, per_place = self._stretch(body.alphabet, None, flow)
        self.depth = max(self.depth, reach)
        if final and node.low == 0 and self._shapes.has_single_way(node):
            # All rounds but the last, which fails, are part of a match.
            self._walk(node, flow.entries, self._text.length)
            self.sequence(node.body, Flow(flow.entries, flow.per_place, body.last | flow.last), final=False)
            return Flow(flow.entries, flow.per_place, body.last | flow.last)
        if self._shapes.has_single_way(node):
            self._walk(node, flow.entries, eaten)
        elif node.mode is Mode.POSSESSIVE:
            self.work += 8 * (flow.entries + eaten)
            self.sequence(node.body, Flow(flow.entries + eaten, per_place, BEFORE_ANY_PLACE), final=False)
        else:
            raise Unbounded
        entries = flow.entries if node.mode is Mode.POSSESSIVE or node.low == node.high else flow.entries + eaten
        return Flow(entries, per_place, body.last if node.low else body.last | flow.last)

    def _walk(self, node: Repeat, entries: int, eaten: int) -> None:
        """Add the work of rounds that together eat so much, on one way each."""
        body = self._shapes.of(node.body)
        nested = any(isinstance(inner, Repeat) for inner in descendants(node.body))
        rounds = entries + (eaten if nested else eaten // body.narrowest)
        self.work += rounds * (8 + 3 * body.size) + 2 * eaten

    def _unrolled(self, node: Repeat, high: int, flow: Flow, final: bool) -> Flow:
        entered = flow.entries
        out = Flow(0, 0, NOTHING)
        for count in range(high + 1):
            if count >= node.low:
                out = out.merge(flow)
            if count < high:
                self.work += 8 * flow.entries
                flow = self.sequence(node.body, flow, final and count + 1 >= node.low)
        if node.mode is Mode.POSSESSIVE:
            return Flow(min(out.entries, entered), out.per_place, out.last)
        return out

    def _reference(self, node: Reference, flow: Flow) -> Flow:
        group = self._shapes.group(node.group)
        widest = self._text.run(group.alphabet)[0] if group.widest is None else group.widest
        self.work += flow.entries * (2 + widest)
        last = ANYTHING if node.ignore_case else group.last
        per_place = min(flow.per_place * max(widest - group.narrowest + 1, 0), flow.entries)
        return Flow(flow.entries, per_place, last | flow.last if group.nullable else last)


def _cannot_fail(node: Node) -> bool:
    return (isinstance(node, Run) and node.low == 0) or (isinstance(node, Group) and all(map(_cannot_fail, node.body)))
