"""A bound on the work of CPython's engine: when it is small, CPython may run the pattern on the text.

CPython's engine backtracks. Its work is the number of times that it enters a node of the pattern at a place of the
text, over all attempts. We bound that from left to right, for the worst case that nothing ever matches. Two numbers
flow from node to node (`Flow`): `entries`, all entries of the node, and `per_place`, the most entries at one place.
An attempt starts at each place once, so a search begins with (n + 1, 1), and `match` with (1, 1).

- A text or character passes entries on, further by its length. What passes a literal text stood at one of its
  occurrences: at most `per_place * occurrences`.
- A run of one character, entered at p, goes on from each place of the run of such characters in the text that holds
  p. With R the longest such run and Q the sum of r * (r + 1) / 2 over all of them, it eats, and passes on, at most
  `min(entries * R, per_place * Q)`. A place q is reached from at most R places p before it, and once from each entry.
- If the character before p is never in the set (`Flow.last` does not meet it), p begins its run. Then q is reached
  from one p only, `per_place` stays, and the runs entered do not overlap: Q becomes the sum of all r.
- A repeat of a group whose next character decides every choice (`Shapes.has_single_way`) walks one way from p, within
  the run of its alphabet. So it passes entries on like a run of its alphabet, and its work is in proportion to that.
- Any other repeat is unrolled when its count is small; a possessive one keeps one way out of each round; else there is
  no bound. `(a+)+` and `(a|ab)*` end here.
- A branch adds up its options. If no two options end with the same character, q is reached by one of them only. If
  none forks and no two begin alike, an entry takes one of them only.
- What follows the last node that can fail is entered once for each match, and matches do not overlap. So it eats n in
  all, and the rounds of a repeat there too, but for one round more, which fails, for each match.
- A lookaround does its work and passes on what came in. An atomic group is bounded as if it were not atomic.

`Shapes` knows the pattern, `Statistics` has R, Q and occurrences.
"""

from __future__ import annotations

from dispatcher.lang.records import dataclass
from dispatcher.lang.regex.charset import (
    ANYTHING,
    BEFORE_ANY_PLACE,
    LINE_START,
    NOTHING,
    TEXT_START,
    CharSet,
    one_character,
)
from dispatcher.lang.regex.measure import Statistics
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
# Work of a round of a repeat of a group, besides what is in it.
ROUND_WORK = 8


class Unbounded(Exception):  # noqa: N818 - a finding, not an error
    """There is no bound, or none below the limit."""


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
        # Two ways lead to one place only if the character before it can be the last of both.
        both = self.last.meets(other.last)
        per_place = self.per_place + other.per_place if both else max(self.per_place, other.per_place)
        return Flow(self.entries + other.entries, per_place, self.last | other.last)

    def at_most(self, entries: int) -> Flow:
        """Return the flow with no more entries than these."""
        return Flow(min(self.entries, entries), min(self.per_place, entries), self.last)


NO_FLOW = Flow(0, 0, NOTHING)


class Estimate:
    """One walk over a pattern for one text. `work` is in units of about 5 ns, `depth` in rounds on CPython's stack."""

    def __init__(self, shapes: Shapes, statistics: Statistics, limit: int) -> None:
        self.work = 0
        self.depth = 0
        self._shapes = shapes
        self._text = statistics
        self._limit = limit
        self._visits = 0

    def sequence(self, nodes: Sequence, flow: Flow, *, final: bool) -> Flow:
        """Add the work of a sequence; `final` when nothing that can fail comes after it."""
        certain = len(nodes)
        while final and certain and _cannot_fail(nodes[certain - 1]):
            certain -= 1
        for index, node in enumerate(nodes):
            if final and index >= certain:
                flow = self._matched(flow)
            flow = self._node(node, flow, final and index >= certain - 1)
            if self.work > self._limit:
                raise Unbounded
        return flow

    def _matched(self, flow: Flow) -> Flow:
        """Return the flow where a match is certain. Two matches share a place where one ends and one begins."""
        return Flow(min(flow.entries, self._text.length + 1), min(flow.per_place, 2), flow.last)

    def _node(self, node: Node, flow: Flow, final: bool) -> Flow:
        self._visits += 1
        if self._visits > MAX_VISITS:
            raise Unbounded
        match node:
            case Text(text):
                return self._literal(text, flow)
            case One(unit):
                self.work += flow.entries * unit.weight
                entries = min(flow.entries, flow.per_place * self._text.length)
                return Flow(entries, flow.per_place, unit.charset)
            case At(place):
                self.work += flow.entries
                return self._at(place, flow)
            case Run():
                return self._final_run(node, flow) if final else self._run(node, flow)
            case Branch():
                return self._branch(node, flow, final)
            case Repeat():
                return self._repeat(node, flow, final)
            case Reference():
                return self._reference(node, flow)
            case Group() | Atomic() | Look() | Conditional():
                return self._compound(node, flow, final)

    def _compound(self, node: Group | Atomic | Look | Conditional, flow: Flow, final: bool) -> Flow:
        self.work += 2 * flow.entries
        match node:
            case Group(_, body):
                return self.sequence(body, flow, final=final)
            case Atomic(body):
                return self.sequence(body, flow, final=False).at_most(flow.entries)
            case Look(body, behind):
                last = BEFORE_ANY_PLACE if behind else flow.last
                self.sequence(body, Flow(flow.entries, flow.per_place, last), final=False)
                return flow
            case Conditional(_, yes, no):
                return self.sequence(yes, flow, final=final).merge(self.sequence(no, flow, final=final))

    def _literal(self, text: str, flow: Flow) -> Flow:
        self.work += flow.entries * (1 + len(text) // 4)
        entries = flow.entries
        if entries > flow.per_place:
            entries = min(entries, flow.per_place * self._text.occurrences(text))
        return Flow(entries, flow.per_place, one_character(text[-1]))

    def _at(self, place: Place, flow: Flow) -> Flow:
        match place:
            case Place.TEXT_START:
                return Flow(min(flow.entries, flow.per_place), flow.per_place, TEXT_START)
            case Place.LINE_START:
                lines = self._text.occurrences("\n") + 1
                return Flow(min(flow.entries, flow.per_place * lines), flow.per_place, LINE_START)
            case Place.LINE_END:
                lines = self._text.occurrences("\n") + 1
                return Flow(min(flow.entries, flow.per_place * lines), flow.per_place, flow.last)
            case Place.TEXT_END | Place.LAST_LINE_END:
                return Flow(min(flow.entries, flow.per_place * 2), flow.per_place, flow.last)
            case Place.BOUNDARY | Place.NO_BOUNDARY:
                return flow

    def _run(self, node: Run, flow: Flow) -> Flow:
        charset = node.unit.charset
        reach, eaten, per_place = self._stretch(charset, node.high, flow)
        ways = reach - node.low + 1
        self.work += 2 * flow.entries + eaten * node.unit.weight // 2
        if ways <= 0:
            return NO_FLOW
        entries = min(flow.entries * ways, flow.entries + eaten)
        if node.low == node.high:
            entries, per_place = flow.entries, flow.per_place
        elif node.mode is Mode.POSSESSIVE:
            entries = flow.entries
        self.work += 2 * entries
        # Behind a run stands a character of the set, or nothing was eaten.
        nothing_eaten = 0 if node.low else flow.entries
        entries = min(entries, per_place * (self._text.length + 1))
        entries = min(entries, per_place * self._text.runs(charset).total + nothing_eaten)
        return Flow(entries, per_place, charset if node.low else charset | flow.last)

    def _stretch(self, charset: CharSet, high: int | None, flow: Flow) -> tuple[int, int, int]:
        """Return how far a run of the set reaches, what all runs eat together, and the entries of a place behind."""
        runs = self._text.runs(charset)
        reach = runs.longest if high is None else min(runs.longest, high)
        if charset.meets(flow.last):
            per_place = min(flow.per_place * (reach + 1), flow.entries)
            return reach, min(flow.entries * reach, flow.per_place * runs.square), per_place
        return reach, min(flow.entries * reach, flow.per_place * runs.total), flow.per_place

    def _final_run(self, node: Run, flow: Flow) -> Flow:
        """Add the work of a run with which a match is certain, once the least count is there."""
        charset, weight = node.unit.charset, node.unit.weight
        needed = node.low if node.low <= 4 else min(node.low, self._text.runs(charset).longest)
        self.work += (2 + needed * weight) * flow.entries + self._text.length * weight // 2
        return self._matched(Flow(flow.entries, flow.per_place, charset if node.low else charset | flow.last))

    def _branch(self, node: Branch, flow: Flow, final: bool) -> Flow:
        self.work += flow.entries * (1 + len(node.options) // 2)
        switch = self._shapes.is_switch(node)
        out = NO_FLOW
        dearest = 0
        for option in node.options:
            before = self.work
            out = out.merge(self.sequence(option, flow, final=final))
            if switch and isinstance(option[0], Text | One):
                # CPython looks at the first character and enters one such option only.
                dearest = max(dearest, self.work - before)
                self.work = before
        self.work += dearest
        return out.at_most(flow.entries) if switch else out

    def _repeat(self, node: Repeat, flow: Flow, final: bool) -> Flow:
        if node.high is not None and node.high <= MAX_UNROLLED:
            return self._unrolled(node, node.high, flow, final)
        body = self._shapes.of(node.body)
        if body.nullable:
            raise Unbounded
        reach, eaten, per_place = self._stretch(body.alphabet, None, flow)
        self.depth = max(self.depth, reach)
        last = body.last if node.low else body.last | flow.last
        if self._shapes.has_single_way(node):
            if final and node.low == 0:
                self._walk(node, flow.entries, self._text.length)
                self.sequence(node.body, Flow(flow.entries, flow.per_place, last), final=False)
                return Flow(flow.entries, flow.per_place, last)
            self._walk(node, flow.entries, eaten)
        elif node.mode is Mode.POSSESSIVE:
            self.work += ROUND_WORK * (flow.entries + eaten)
            self.sequence(node.body, Flow(flow.entries + eaten, per_place, BEFORE_ANY_PLACE), final=False)
        else:
            raise Unbounded
        entries = flow.entries if node.mode is Mode.POSSESSIVE or node.low == node.high else flow.entries + eaten
        return Flow(entries, per_place, last)

    def _walk(self, node: Repeat, entries: int, eaten: int) -> None:
        """Add the work of rounds that together eat so much, on one way each."""
        body = self._shapes.of(node.body)
        nested = any(isinstance(inner, Repeat) for inner in descendants(node.body))
        rounds = entries + (eaten if nested else eaten // body.narrowest)
        self.work += rounds * (ROUND_WORK + 3 * body.size) + 2 * eaten

    def _unrolled(self, node: Repeat, high: int, flow: Flow, final: bool) -> Flow:
        entered = flow.entries
        out = NO_FLOW
        for count in range(high + 1):
            self.work += ROUND_WORK * flow.entries
            if count >= node.low:
                out = out.merge(flow)
            if count < high:
                flow = self.sequence(node.body, flow, final=final and count + 1 >= node.low)
        return out.at_most(entered) if node.mode is Mode.POSSESSIVE else out

    def _reference(self, node: Reference, flow: Flow) -> Flow:
        group = self._shapes.group(node.group)
        widest = self._text.runs(group.alphabet).longest if group.widest is None else group.widest
        self.work += flow.entries * (2 + widest)
        per_place = min(flow.per_place * max(widest - group.narrowest + 1, 0), flow.entries)
        last = ANYTHING if node.ignore_case else group.last
        return Flow(flow.entries, per_place, last | flow.last if group.nullable else last)


def _cannot_fail(node: Node) -> bool:
    match node:
        case Run(_, low) | Repeat(_, low):
            return low == 0
        case Group(_, body):
            return all(map(_cannot_fail, body))
        case _:
            return False
