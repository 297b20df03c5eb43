"""Repeats of a group. Each round keeps a frame; `Round` counts them, one for each repeat that is under way."""

from __future__ import annotations

from dispatcher.lang.regex.machine import Frame, Instruction, Machine, Round


class Enter(Instruction):
    """The start of a repeat."""

    __slots__ = ()

    def __init__(self, until: Instruction) -> None:
        self.next = until

    def enter(self, machine: Machine) -> Instruction | None:
        machine.push(self, machine.round)
        machine.round = Round(machine.round)
        return self.next

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.round = frame[1]
        return None


class Recount(Instruction):
    """Takes a round back."""

    __slots__ = ()

    def retry(self, _machine: Machine, frame: Frame) -> Instruction | None:
        _, current, current.count, current.begun_at = frame
        return None


class Return(Instruction):
    """Takes the way behind a repeat back: its rounds go on."""

    __slots__ = ()

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.round = frame[1]
        return None


RECOUNT = Recount()
RETURN = Return()


class Until(Instruction):
    """The end of each round, where the repeat goes on or ends."""

    __slots__ = ("body", "high", "low")

    def __init__(self, low: int, high: int | None, after: Instruction) -> None:
        self.low = low
        self.high = high
        self.next = after
        # Set once the body, which leads back here, is assembled.
        self.body: Instruction = self

    def enter(self, machine: Machine) -> Instruction | None:
        current = machine.round
        count = current.count + 1
        if count < self.low:
            machine.push(RECOUNT, current, count - 1, current.begun_at)
            current.count = count
            return self.body
        return self._decide(machine, current, count)

    def _decide(self, machine: Machine, current: Round, count: int) -> Instruction | None:
        """Choose between another round and what comes behind."""
        raise NotImplementedError

    def _may_go_on(self, pos: int, current: Round, count: int) -> bool:
        # A round that ate nothing is not repeated.
        return (self.high is None or count < self.high) and pos != current.begun_at


class GreedyUntil(Until):
    """Another round first, then what comes behind."""

    __slots__ = ()

    def _decide(self, machine: Machine, current: Round, count: int) -> Instruction | None:
        pos = machine.pos
        if not self._may_go_on(pos, current, count):
            return self._leave(machine, current)
        machine.push(self, current, count, pos, current.begun_at, machine.all_captures())
        current.count = count
        current.begun_at = pos
        return self.body

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, current, count, machine.pos, current.begun_at, captures = frame
        machine.restore(captures)
        current.count = count - 1
        return self._leave(machine, current)

    def _leave(self, machine: Machine, current: Round) -> Instruction | None:
        machine.push(RETURN, current)
        machine.round = current.outer
        return self.next


class LazyUntil(Until):
    """What comes behind first, then another round."""

    __slots__ = ()

    def _decide(self, machine: Machine, current: Round, count: int) -> Instruction | None:
        machine.round = current.outer
        machine.push(self, current, count, machine.pos, machine.captures())
        return self.next

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, current, count, pos, captures = frame
        machine.round = current
        machine.restore(captures)
        machine.pos = pos
        if not self._may_go_on(pos, current, count):
            return None
        machine.push(RECOUNT, current, count - 1, current.begun_at)
        current.count = count
        current.begun_at = pos
        return self.body
