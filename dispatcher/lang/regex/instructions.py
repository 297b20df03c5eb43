"""The instructions of the matcher that eat a character or decide; runs, rounds and parts have modules of their own."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.lang.regex.machine import MATCHED, Captures, Frame, Instruction, Machine
from dispatcher.lang.regex.nodes import Place
from dispatcher.lang.regex.unit import Members, Unit


class Accept(Instruction):
    """The end of the pattern."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        if machine.must_end and machine.pos != machine.end:
            return None
        if machine.must_advance and machine.pos == machine.start:
            return None
        return MATCHED


class Literal(Instruction):
    """Characters as they stand."""

    __slots__ = ("text",)

    def __init__(self, text: str, after: Instruction) -> None:
        self.text = text
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        if not machine.text.startswith(self.text, machine.pos, machine.end):
            return None
        machine.fuel -= len(self.text) >> 6
        machine.pos += len(self.text)
        return self.next


class Member(Instruction):
    """One character of a set."""

    __slots__ = ("members", "steps")

    def __init__(self, unit: Unit, after: Instruction) -> None:
        self.members = unit.members
        self.steps = unit.weight >> 4
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        machine.fuel -= self.steps
        pos = machine.pos
        if pos < machine.end and self.members[machine.text[pos]]:
            machine.pos = pos + 1
            return self.next
        return None


class Check(Instruction):
    """A condition on the place."""

    __slots__ = ("holds",)

    def __init__(self, holds: Callable[[Machine], bool], after: Instruction) -> None:
        self.holds = holds
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        return self.next if self.holds(machine) else None


def condition(place: Place, word: Members) -> Callable[[Machine], bool]:
    """Return the condition of a place; `word` tells word characters."""

    def is_boundary(machine: Machine) -> bool:
        text, pos, end = machine.text, machine.pos, machine.end
        before = pos > 0 and word[text[pos - 1]]
        return before != (pos < end and word[text[pos]])

    match place:
        case Place.TEXT_START:
            return lambda machine: machine.pos == 0
        case Place.TEXT_END:
            return lambda machine: machine.pos == machine.end
        case Place.LINE_START:
            return lambda machine: machine.pos == 0 or machine.text[machine.pos - 1] == "\n"
        case Place.LINE_END:
            return lambda machine: machine.pos == machine.end or machine.text.startswith("\n", machine.pos)
        case Place.LAST_LINE_END:
            return lambda machine: (
                machine.pos == machine.end or (machine.pos + 1 == machine.end and machine.text[machine.pos] == "\n")
            )
        # In an empty text CPython finds neither.
        case Place.BOUNDARY:
            return lambda machine: machine.end > 0 and is_boundary(machine)
        case Place.NO_BOUNDARY:
            return lambda machine: machine.end > 0 and not is_boundary(machine)


class Mark(Instruction):
    """The start (even index) or the end (odd index) of a group."""

    __slots__ = ("index",)

    def __init__(self, index: int, after: Instruction) -> None:
        self.index = index
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        index = self.index
        if index & 1:
            machine.last_group = index // 2 + 1
        if index > machine.last_mark:
            # Marks in between are left from ways that failed.
            between = index - machine.last_mark - 1
            if between:
                machine.fuel -= between >> 4
                machine.marks[machine.last_mark + 1 : index] = [None] * between
            machine.last_mark = index
        machine.marks[index] = machine.pos
        return self.next


class Same(Instruction):
    """The text of a group again; `fold` makes cases equal."""

    __slots__ = ("fold", "group")

    def __init__(self, group: int, fold: Callable[[int], int] | None, after: Instruction) -> None:
        self.group = group
        self.fold = fold
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        span = machine.captured(self.group)
        if span is None:
            return None
        begin, end = span
        length = end - begin
        # An empty text is found again even at a place behind the end.
        if length > max(machine.end - machine.pos, 0):
            return None
        machine.fuel -= length >> 4
        again = machine.text[machine.pos : machine.pos + length]
        if machine.text[begin:end] != again and not self._alike(machine, machine.text[begin:end], again):
            return None
        machine.pos += length
        return self.next

    def _alike(self, machine: Machine, a: str, b: str) -> bool:
        fold = self.fold
        if fold is None:
            return False
        machine.fuel -= 2 * len(a)
        return all(fold(ord(x)) == fold(ord(y)) for x, y in zip(a, b, strict=True))


class IfGroup(Instruction):
    """One of two ways, by whether the group took part."""

    __slots__ = ("group", "otherwise")

    def __init__(self, group: int, yes: Instruction, no: Instruction) -> None:
        self.group = group
        self.next = yes
        self.otherwise = no

    def enter(self, machine: Machine) -> Instruction | None:
        return self.otherwise if machine.captured(self.group) is None else self.next


class Fork(Instruction):
    """Options, tried in order."""

    __slots__ = ("guards", "options")

    def __init__(self, options: list[Instruction], guards: list[Members | None]) -> None:
        self.options = options
        # Which characters an option can begin with, where that is known.
        self.guards = guards

    def enter(self, machine: Machine) -> Instruction | None:
        return self._offer(machine, 0, machine.pos, machine.captures())

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, index, pos, captures = frame
        machine.restore(captures)
        return self._offer(machine, index, pos, captures)

    def _offer(self, machine: Machine, index: int, pos: int, captures: Captures) -> Instruction | None:
        char = machine.text[pos] if pos < machine.end else None
        for choice in range(index, len(self.options)):
            guard = self.guards[choice]
            if guard is None or (char is not None and guard[char]):
                machine.push(self, choice + 1, pos, captures)
                machine.pos = pos
                return self.options[choice]
            machine.fuel -= 1
        return None
