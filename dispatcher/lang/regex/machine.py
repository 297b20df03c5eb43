"""A backtracking matcher that pays for each step, with the state that CPython's engine has.

Instructions form a graph. `Instruction.enter` does one step and returns the next instruction, or None when the way is
closed. Where there is another way, it first pushes a frame: a tuple of the instruction and what it needs to go on.
When a way is closed, the last frame is popped and its instruction's `retry` takes the other way, or undoes a change
and returns None. Nothing recurses, whatever the pattern and the text.

Captures follow CPython to the letter, also where that is peculiar. `marks` holds the start and end of each group and
is valid up to `last_mark`; a frame keeps `last_mark` always, but the marks themselves only inside a repeat of a group.
"""

from __future__ import annotations

from typing import Any

from dispatcher.lang.budget import Meter
from dispatcher.lang.regex.ledger import ledger_of

# Steps of about 100 ns: for entering or retrying an instruction, for pushing a frame, for keeping marks in it.
INSTRUCTION_STEPS = 4
FRAME_STEPS = 8
MARKS_STEPS = 5
FRAME_BYTES = 250
FIRST_PORTION = 64
LARGEST_PORTION = 4096

Spans = tuple[tuple[int, int], ...]
Frame = tuple[Any, ...]
Captures = tuple[int, int, list[int | None] | None]


class Instruction:
    """One step of a pattern, and the instruction behind it."""

    __slots__ = ("next",)

    next: Instruction

    def enter(self, machine: Machine) -> Instruction | None:
        """Do the step at the machine's place; return what comes next, or None."""
        raise NotImplementedError

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        """Go on from a frame of this instruction; return what comes next, or None."""
        raise NotImplementedError


class Round:
    """How far a running repeat is: rounds done, where the last one began, and the repeat around it."""

    __slots__ = ("begun_at", "count", "outer")

    def __init__(self, outer: Round | None) -> None:
        self.outer = outer or self
        self.count = -1
        self.begun_at: int | None = None


# Outside of all repeats.
NO_ROUND = Round(None)


class End(Instruction):
    """An end of the attempt; as a frame, it lies below all others."""

    __slots__ = ()

    def retry(self, _machine: Machine, _frame: Frame) -> Instruction | None:
        return self


MATCHED = End()
FAILED = End()


class Machine:
    """The state of matching one text."""

    __slots__ = (
        "_frame_bytes",
        "_ledger",
        "_meter",
        "_portion",
        "anchors",
        "end",
        "fuel",
        "last_group",
        "last_mark",
        "marks",
        "must_advance",
        "must_end",
        "pos",
        "round",
        "stack",
        "start",
        "text",
    )

    def __init__(self, meter: Meter, text: str, end: int, groups: int) -> None:
        self._meter = meter
        self._ledger = ledger_of(meter)
        self._portion = FIRST_PORTION
        self._frame_bytes = FRAME_BYTES + 16 * groups
        # Steps that are paid for and not yet taken; instructions take theirs, and `attempt` buys the next.
        self.fuel = 0
        self.text = text
        self.end = end
        self.marks: list[int | None] = [None] * (2 * groups)
        self.stack: list[Frame] = []
        # Heights of the stack at which the open lookarounds, atomic groups and possessive rounds began.
        self.anchors: list[int] = []
        self.must_end = self.must_advance = False
        self._reset(0)

    def _reset(self, start: int) -> None:
        self.start = self.pos = start
        self.last_mark = self.last_group = -1
        self.round = NO_ROUND
        self.stack.clear()
        self.anchors.clear()

    def attempt(self, entry: Instruction, start: int) -> bool:
        """Tell whether the pattern matches at `start`; then `pos` is the end, and `marks` are the captures."""
        self._reset(start)
        self.push(FAILED)
        stack = self.stack
        instruction: Instruction | None = entry
        while True:
            self.fuel -= INSTRUCTION_STEPS
            if self.fuel < 0:
                self._refuel()
            if instruction is None:
                frame = stack.pop()
                instruction = frame[0].retry(self, frame)
            elif instruction is MATCHED:
                return True
            elif instruction is FAILED:
                return False
            else:
                instruction = instruction.enter(self)

    def spend(self, steps: int) -> None:
        """Pay for work outside of an attempt."""
        self.fuel -= steps
        if self.fuel < 0:
            self._refuel()

    def _refuel(self) -> None:
        """Buy the next steps, in growing portions so that short matches pay little."""
        self._portion = min(2 * self._portion, LARGEST_PORTION)
        bought = self._portion - self.fuel
        self._meter.charge(bought)
        self.fuel += bought
        self._ledger.reserve(len(self.stack) * self._frame_bytes)

    def push(self, *frame: Any) -> None:
        """Keep a way to go on; the first part of a frame is its instruction."""
        self.fuel -= FRAME_STEPS
        self.stack.append(frame)

    def begin(self, *frame: Any) -> None:
        """Push the frame of a part whose inner frames are dropped once it matched."""
        self.anchors.append(len(self.stack))
        self.push(*frame)

    def finish(self) -> Frame:
        """Drop the frames of the innermost such part and return its own."""
        height = self.anchors.pop()
        frame = self.stack[height]
        del self.stack[height:]
        return frame

    def captures(self) -> Captures:
        """Return what a way that may fail has to put back."""
        if self.round is NO_ROUND:
            return self.last_mark, self.last_group, None
        return self.all_captures()

    def all_captures(self) -> Captures:
        """Return the same with the marks, as the start of a round keeps it everywhere."""
        self.fuel -= MARKS_STEPS + (self.last_mark >> 4)
        return self.last_mark, self.last_group, self.marks[: self.last_mark + 1]

    def restore(self, captures: Captures) -> None:
        """Put back what `captures` returned."""
        self.last_mark, self.last_group, marks = captures
        if marks is not None:
            self.fuel -= len(marks) >> 4
            self.marks[: len(marks)] = marks

    def captured(self, group: int) -> tuple[int, int] | None:
        """Return the span that a group has at this moment."""
        index = 2 * group - 2
        if index >= self.last_mark:
            return None
        begin, end = self.marks[index : index + 2]
        return None if begin is None or end is None or end < begin else (begin, end)

    def spans(self) -> Spans:
        """Return the spans of the match and of its groups."""
        spans = [(self.start, self.pos)]
        for index in range(0, len(self.marks), 2):
            begin, end = self.marks[index : index + 2] if index < self.last_mark else (None, None)
            if begin is None or end is None:
                spans.append((-1, -1))
                continue
            if begin > end:
                # CPython's own words for a defect of its engine, which this one shares.
                raise SystemError("The span of capturing group is wrong, please report a bug for the re module.")
            spans.append((begin, end))
        return tuple(spans)
