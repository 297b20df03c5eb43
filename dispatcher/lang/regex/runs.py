"""Repeats of one character. CPython measures the run; what is kept is one frame, however long it is."""

from __future__ import annotations

from dispatcher.lang.regex.machine import Captures, Frame, Instruction, Machine
from dispatcher.lang.regex.unit import Unit


class CharacterRun(Instruction):
    """A run of one character; `target` is text that must come next, so that places without it are passed over."""

    __slots__ = ("high", "low", "target", "unit")

    def __init__(self, unit: Unit, low: int, high: int | None, target: str | None, after: Instruction) -> None:
        self.unit = unit
        self.low = low
        self.high = high
        self.target = target
        self.next = after

    def _run_end(self, machine: Machine, high: int | None) -> int | None:
        """Return the end of the longest run of at most `high` from the machine's place; None when it is too short."""
        pos = machine.pos
        room = machine.end - pos
        if self.low > room:
            return None
        end = self._eat(machine, pos, machine.end if high is None or high >= room else pos + high)
        return end if end - pos >= self.low else None

    def _eat(self, machine: Machine, pos: int, end: int) -> int:
        """Return where the run that begins at `pos` stops, at `end` at the latest."""
        match = self.unit.run.match(machine.text, pos, end)
        stop = match.end() if match else pos
        machine.fuel -= 2 + ((stop - pos) * self.unit.weight >> 4)
        return stop


class Greedy(CharacterRun):
    """The longest run first, then shorter ones."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        longest = self._run_end(machine, self.high)
        if longest is None:
            return None
        return self._offer(machine, longest, machine.pos + self.low, machine.captures())

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, pos, shortest, captures = frame
        machine.restore(captures)
        if pos < shortest:
            return None
        return self._offer(machine, pos, shortest, captures)

    def _offer(self, machine: Machine, pos: int, shortest: int, captures: Captures) -> Instruction | None:
        if self.target is not None:
            found = machine.text.rfind(self.target, shortest, min(pos + len(self.target), machine.end))
            machine.fuel -= (pos - max(found, shortest)) >> 5
            if found < 0:
                return None
            pos = found
        machine.push(self, pos - 1, shortest, captures)
        machine.pos = pos
        return self.next


class Lazy(CharacterRun):
    """The shortest run first, then longer ones."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        shortest = self._run_end(machine, self.low)
        if shortest is None:
            return None
        longest = machine.end if self.high is None else min(machine.end, machine.pos + self.high)
        return self._offer(machine, shortest, longest, machine.captures())

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, pos, longest, captures = frame
        machine.restore(captures)
        machine.fuel -= self.unit.weight >> 4
        if pos >= longest or not self.unit.members[machine.text[pos]]:
            return None
        return self._offer(machine, pos + 1, longest, captures)

    def _offer(self, machine: Machine, pos: int, longest: int, captures: Captures) -> Instruction | None:
        if self.target is not None:
            found = machine.text.find(self.target, pos, min(longest + len(self.target), machine.end))
            machine.fuel -= ((longest if found < 0 else found) - pos) >> 5
            if found < 0 or self._eat(machine, pos, found) < found:
                return None
            pos = found
        machine.push(self, pos, longest, captures)
        machine.pos = pos
        return self.next


class Possessive(CharacterRun):
    """The longest run, and no other."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        longest = self._run_end(machine, self.high)
        if longest is None:
            return None
        machine.pos = longest
        return self.next
