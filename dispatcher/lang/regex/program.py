"""A compiled pattern: runs on CPython's engine where the work is bounded, else on our matcher, which counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from dispatcher.lang.budget import Meter
from dispatcher.lang.regex import sre
from dispatcher.lang.regex.assembly import assemble
from dispatcher.lang.regex.charset import BEFORE_ANY_PLACE, finder
from dispatcher.lang.regex.cost import Estimate, Flow, Unbounded
from dispatcher.lang.regex.ledger import ledger_of
from dispatcher.lang.regex.machine import Instruction, Machine, Spans
from dispatcher.lang.regex.measure import MeasuredText, Statistics, WorstText
from dispatcher.lang.regex.nodes import At, Group, Place, Sequence, Text
from dispatcher.lang.regex.shape import Shapes
from dispatcher.lang.regex.task import Engine, Task

# Work of CPython's engine is in units of 5 ns, steps are of 100 ns.
WORK_PER_STEP = 20
MAX_NATIVE_WORK = 6_000_000
MAX_NATIVE_STACK = 32 * 1024 * 1024
ROUND_BYTES = 200
# Up to here, and up to so much for each character, the bound for the worst text will do.
CHEAP_WORK = 10_000
CHEAP_WORK_PER_CHARACTER = 12
# From here on a bound is worked out for the very length of a text, else for its number of binary digits.
LONG_TEXT = 2_000
CALL_STEPS = 5
MATCH_STEPS = 15
NODE_STEPS = 10

Bound = tuple[int, int]
# The spans of the match and its groups, and the number of the group that ended last.
Found = tuple[Spans, int | None]


class Program:
    """One pattern with its flags."""

    def __init__(self, parsed: sre.Parsed, root: Sequence, engine: Engine) -> None:
        self._parsed = parsed
        self._root = root
        self._engine = engine
        self._shapes = Shapes(root)
        # Compiled even if it never runs: CPython's compiler finds the last errors.
        self._native = sre.compile_tree(parsed)
        self._worst: dict[tuple[Task, int], Bound | None] = {}

    def find(self, meter: Meter, task: Task, text: str, pos: int, endpos: int) -> Found | None:
        """Return the match that the task asks for; `pos` and `endpos` are within the text."""
        meter.charge(CALL_STEPS + self._parsed.groups)
        if self._may_run_natively(meter, task, text, pos, endpos):
            native = self._native
            method = {Task.MATCH: native.match, Task.FULL_MATCH: native.fullmatch, Task.SEARCH: native.search}[task]
            match = method(text, pos, endpos)
            return (match.regs, match.lastindex) if match else None
        machine = Machine(meter, text, endpos, self._parsed.groups)
        machine.must_end = task is Task.FULL_MATCH
        found = self._search(machine, pos) if task is Task.SEARCH else machine.attempt(self._entry, pos)
        return _result(machine) if found else None

    def scan(self, meter: Meter, text: str, pos: int, endpos: int) -> Iterator[Found]:
        """Yield all matches from left to right."""
        meter.charge(CALL_STEPS + self._parsed.groups)
        price = MATCH_STEPS + self._parsed.groups
        if self._may_run_natively(meter, Task.SCAN, text, pos, endpos):
            for match in self._native.finditer(text, pos, endpos):
                meter.charge(price)
                yield match.regs, match.lastindex
            return
        machine = Machine(meter, text, endpos, self._parsed.groups)
        while self._search(machine, pos):
            meter.charge(price)
            yield _result(machine)
            pos = machine.pos
            machine.must_advance = pos == machine.start

    def _search(self, machine: Machine, pos: int) -> bool:
        """Attempt a match at `pos` and, up to the end, wherever one can begin."""
        while True:
            candidate = self._candidate(machine, pos)
            if candidate is None:
                return False
            if machine.attempt(self._entry, candidate):
                return True
            # An empty match is refused only where the last match ended.
            machine.must_advance = False
            pos = candidate + 1

    def _candidate(self, machine: Machine, pos: int) -> int | None:
        """Return the next place where a match can begin."""
        if pos > machine.end:
            return None
        if not self._begins_with:
            return pos
        match = self._begins_with.search(machine.text, pos, machine.end)
        machine.spend(((match.start() if match else machine.end) - pos) >> 3)
        return match.start() if match else None

    @cached_property
    def _begins_with(self) -> re.Pattern[str] | None:
        """What tells where a match can begin, if anything does."""
        first = self._root[0] if self._root else None
        if isinstance(first, At):
            return {Place.TEXT_START: _TEXT_START, Place.LINE_START: _LINE_START}.get(first.place)
        shape = self._shapes.of(self._root)
        if shape.nullable:
            return None
        return sre.search_filter(self._parsed) or finder(shape.first, runs=False)

    @cached_property
    def _entry(self) -> Instruction:
        return assemble(self._root)

    def _may_run_natively(self, meter: Meter, task: Task, text: str, pos: int, endpos: int) -> bool:
        """Tell whether CPython's work is bounded, and pay for it."""
        if self._engine is not Engine.EITHER:
            return self._engine is Engine.NATIVE
        if not self._boundable:
            return False
        length = max(endpos - pos, 0)
        bound = self._worst_bound(meter, task, length)
        dear = bound is None or bound[0] > max(CHEAP_WORK, CHEAP_WORK_PER_CHARACTER * length)
        if dear or (length > LONG_TEXT and self._leading_text):
            bounds = (bound, self._bound(meter, task, MeasuredText(meter, text, pos, endpos)))
            bound = min(filter(None, bounds), default=None)
        if bound is None:
            return False
        work, stack = bound
        meter.charge(work // WORK_PER_STEP)
        ledger_of(meter).reserve(stack)
        return True

    def _worst_bound(self, meter: Meter, task: Task, length: int) -> Bound | None:
        """Return the bound for the worst text of the length."""
        if length > LONG_TEXT:
            return self._bound(meter, task, WorstText(length))
        key = (task, length.bit_length())
        if key not in self._worst:
            self._worst[key] = self._bound(None, task, WorstText((1 << length.bit_length()) - 1))
        return self._worst[key]

    def _bound(self, meter: Meter | None, task: Task, statistics: Statistics) -> Bound | None:
        """Return a bound on CPython's work and on the bytes of its stack; None when there is none below the limits."""
        if meter is not None:
            meter.charge(NODE_STEPS * self._shapes.of(self._root).size)
        estimate = Estimate(self._shapes, statistics, MAX_NATIVE_WORK)
        # CPython's search passes over places without the leading text, and without trying the pattern.
        estimate.work = statistics.length // 4
        try:
            estimate.sequence(self._root, self._attempts(task, statistics), final=self._may_stop(task))
        except Unbounded:
            return None
        # Captures are saved group by group.
        work = estimate.work * (1 + self._parsed.groups // 16)
        stack = estimate.depth * (ROUND_BYTES + 16 * self._parsed.groups)
        return (work, stack) if work <= MAX_NATIVE_WORK and stack <= MAX_NATIVE_STACK else None

    def _attempts(self, task: Task, statistics: Statistics) -> Flow:
        if task in (Task.MATCH, Task.FULL_MATCH):
            return Flow(1, 1, BEFORE_ANY_PLACE)
        # A scan begins again where it found an empty match.
        times = 2 if task is Task.SCAN and self._nullable else 1
        places = statistics.occurrences(self._leading_text) if self._leading_text else statistics.length + 1
        return Flow(times * places, times, BEFORE_ANY_PLACE)

    def _may_stop(self, task: Task) -> bool:
        """Tell whether the end of the pattern is always a match: it need not end the text, nor be elsewhere."""
        return task in (Task.MATCH, Task.SEARCH) or (task is Task.SCAN and not self._nullable)

    @cached_property
    def _leading_text(self) -> str:
        """The text that each match begins with, if there is one."""
        nodes = self._root
        while nodes and isinstance(nodes[0], Group):
            nodes = nodes[0].body
        return nodes[0].text if nodes and isinstance(nodes[0], Text) else ""

    @property
    def _nullable(self) -> bool:
        return self._shapes.of(self._root).nullable

    @cached_property
    def _boundable(self) -> bool:
        """Whether a text of one character has a bound: if not, none has."""
        return self._bound(None, Task.SEARCH, WorstText(1)) is not None


_TEXT_START = re.compile(r"\A")
_LINE_START = re.compile(r"^", re.MULTILINE)


def _result(machine: Machine) -> Found:
    return machine.spans(), machine.last_group if machine.last_group > 0 else None
