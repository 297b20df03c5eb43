"""Parts of a pattern that are left for good once they matched: lookarounds, atomic groups, possessive rounds.

A repeat within a part ends before the part does, so the machine's round is then what it was at the start.
"""

from __future__ import annotations

from dispatcher.lang.regex.machine import Frame, Instruction, Machine


class Part(Instruction):
    """An atomic group, and the base of the others."""

    __slots__ = ("body",)

    def __init__(self, body: Instruction, after: Instruction) -> None:
        self.body = body
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        machine.begin(self)
        return self.body

    def done(self, _machine: Machine, _frame: Frame) -> Instruction | None:
        """Go on behind the part, which has matched."""
        return self.next

    def retry(self, machine: Machine, _frame: Frame) -> Instruction | None:
        """Go on where the part has failed: fail, as it did."""
        machine.anchors.pop()
        return None


class PartDone(Instruction):
    """The end of the innermost part."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        frame = machine.finish()
        part: Part = frame[0]
        return part.done(machine, frame)


PART_DONE = PartDone()


class LookPart(Part):
    """A condition on what follows, or on `behind` characters before."""

    __slots__ = ("behind",)

    def __init__(self, body: Instruction, behind: int, after: Instruction) -> None:
        super().__init__(body, after)
        self.behind = behind

    def enter(self, machine: Machine) -> Instruction | None:
        pos = machine.pos
        if pos < self.behind:
            return None
        machine.begin(self, pos)
        machine.pos = pos - self.behind
        return self.body

    def done(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.pos = frame[1]
        return self.next


class NegativeLookPart(LookPart):
    """The same, negated."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        pos = machine.pos
        if pos < self.behind:
            return self.next
        machine.begin(self, pos, machine.captures())
        machine.pos = pos - self.behind
        return self.body

    def done(self, _machine: Machine, _frame: Frame) -> Instruction | None:
        return None

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.anchors.pop()
        _, machine.pos, captures = frame
        machine.restore(captures)
        return self.next


class PossessiveRounds(Part):
    """A possessive repeat of a group: a part for each round."""

    __slots__ = ("high", "low")

    def __init__(self, body: Instruction, low: int, high: int | None, after: Instruction) -> None:
        super().__init__(body, after)
        self.low = low
        self.high = high

    def enter(self, machine: Machine) -> Instruction | None:
        return self._go_on(machine, 0, None)

    def done(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, count, begun_at, _ = frame
        return self._go_on(machine, count + 1, begun_at)

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.anchors.pop()
        _, _, begun_at, captures = frame
        if begun_at is None:
            # A round that is required.
            return None
        machine.restore(captures)
        machine.pos = begun_at
        return self.next

    def _go_on(self, machine: Machine, count: int, begun_at: int | None) -> Instruction | None:
        if count < self.low:
            machine.begin(self, count, None, None)
            return self.body
        if (self.high is None or count < self.high) and machine.pos != begun_at:
            machine.begin(self, count, machine.pos, machine.all_captures())
            return self.body
        return self.next
