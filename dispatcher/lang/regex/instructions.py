"""The instructions of the matcher."""

from __future__ import annotations

import re
from collections.abc import Callable

from dispatcher.lang.regex.machine import MATCHED, Captures, Frame, Instruction, Machine, Round
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

    __slots__ = ("members",)

    def __init__(self, members: Members, after: Instruction) -> None:
        self.members = members
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
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
            # Marks in between are left from attempts that failed.
            for skipped in range(machine.last_mark + 1, index):
                machine.marks[skipped] = None
            machine.last_mark = index
        machine.marks[index] = machine.pos
        return self.next


class Greedy(Instruction):
    """The longest run of one character first, then shorter ones."""

    __slots__ = ("high", "low", "run", "target")

    def __init__(self, unit: Unit, low: int, high: int | None, target: str | None, after: Instruction) -> None:
        self.run = unit.run
        self.low = low
        self.high = high
        # Text that must come next: places without it are passed over.
        self.target = target
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        longest = longest_run(machine, self.run, self.low, self.high)
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
            machine.fuel -= (pos - max(found, shortest)) >> 6
            if found < 0:
                return None
            pos = found
        machine.push(self, pos - 1, shortest, captures)
        machine.pos = pos
        return self.next


class Lazy(Instruction):
    """The shortest run of one character first, then longer ones."""

    __slots__ = ("high", "low", "members", "run", "target")

    def __init__(self, unit: Unit, low: int, high: int | None, target: str | None, after: Instruction) -> None:
        self.run = unit.run
        self.members = unit.members
        self.low = low
        self.high = high
        self.target = target
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        shortest = longest_run(machine, self.run, self.low, self.low)
        if shortest is None:
            return None
        longest = machine.end if self.high is None else min(machine.end, machine.pos + self.high)
        return self._offer(machine, shortest, longest, machine.captures())

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, pos, longest, captures = frame
        machine.restore(captures)
        if pos >= longest or not self.members[machine.text[pos]]:
            return None
        return self._offer(machine, pos + 1, longest, captures)

    def _offer(self, machine: Machine, pos: int, longest: int, captures: Captures) -> Instruction | None:
        if self.target is not None:
            found = machine.text.find(self.target, pos, min(longest + len(self.target), machine.end))
            machine.fuel -= ((longest if found < 0 else found) - pos) >> 6
            if found < 0 or eaten(machine, self.run, pos, found) < found:
                return None
            pos = found
        machine.push(self, pos, longest, captures)
        machine.pos = pos
        return self.next


class Possessive(Instruction):
    """The longest run of one character, and no other."""

    __slots__ = ("high", "low", "run")

    def __init__(self, unit: Unit, low: int, high: int | None, after: Instruction) -> None:
        self.run = unit.run
        self.low = low
        self.high = high
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        longest = longest_run(machine, self.run, self.low, self.high)
        if longest is None:
            return None
        machine.pos = longest
        return self.next


def longest_run(machine: Machine, run: re.Pattern[str], low: int, high: int | None) -> int | None:
    """Return the end of the longest allowed run from the machine's place; None when it is too short."""
    pos = machine.pos
    room = machine.end - pos
    if low > room:
        return None
    end = eaten(machine, run, pos, machine.end if high is None or high >= room else pos + high)
    return end if end - pos >= low else None


def eaten(machine: Machine, run: re.Pattern[str], pos: int, end: int) -> int:
    """Return where the run that begins at `pos` stops, at `end` at the latest."""
    match = run.match(machine.text, pos, end)
    stop = match.end() if match else pos
    machine.fuel -= 2 + ((stop - pos) >> 3)
    return stop


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


class Enter(Instruction):
    """The start of a repeat of a group."""

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


class _Recount(Instruction):
    """Takes a round back."""

    __slots__ = ()

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, current, count, begun_at = frame
        current.count = count
        current.begun_at = begun_at
        return None


class _Return(Instruction):
    """Takes the way behind a repeat back: its rounds go on."""

    __slots__ = ()

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.round = frame[1]
        return None


_RECOUNT = _Recount()
_RETURN = _Return()


class Until(Instruction):
    """The end of each round of a repeat."""

    __slots__ = ("body", "high", "low")

    def __init__(self, low: int, high: int | None, after: Instruction) -> None:
        self.low = low
        self.high = high
        self.next = after
        # Set once the body, which leads back here, is assembled.
        self.body: Instruction = self

    def enter(self, machine: Machine) -> Instruction | None:
        current = machine.round
        assert current is not None
        count = current.count + 1
        if count < self.low:
            machine.push(_RECOUNT, current, count - 1, current.begun_at)
            current.count = count
            return self.body
        return self._decide(machine, current, count)

    def _decide(self, machine: Machine, current: Round, count: int) -> Instruction | None:
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
        captures = (machine.last_mark, machine.last_group, machine.all_marks())
        machine.push(self, current, count, pos, current.begun_at, captures)
        current.count = count
        current.begun_at = pos
        return self.body

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, current, count, machine.pos, current.begun_at, captures = frame
        machine.restore(captures)
        current.count = count - 1
        return self._leave(machine, current)

    def _leave(self, machine: Machine, current: Round) -> Instruction | None:
        machine.push(_RETURN, current)
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
        machine.push(_RECOUNT, current, count - 1, current.begun_at)
        current.count = count
        current.begun_at = pos
        return self.body


class PartDone(Instruction):
    """The end of a lookaround, an atomic group or a possessive round."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        frame = machine.finish()
        part: Part = frame[0]
        machine.round = frame[1]
        return part.done(machine, frame)


PART_DONE = PartDone()


class Part(Instruction):
    """A part of a pattern that is left for good once it matched. Its frames begin with it and the repeat around it."""

    __slots__ = ("body",)

    def __init__(self, body: Instruction, after: Instruction) -> None:
        self.body = body
        self.next = after

    def done(self, machine: Machine, frame: Frame) -> Instruction | None:
        """Go on behind the part."""
        return self.next

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        """Fail, as the part did."""
        machine.anchors.pop()
        return None


class AtomicPart(Part):
    """An atomic group."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        machine.begin(self, machine.round)
        return self.body


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
        machine.begin(self, machine.round, pos)
        machine.pos = pos - self.behind
        return self.body

    def done(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.pos = frame[2]
        return self.next


class NegativeLookPart(LookPart):
    """The same, negated."""

    __slots__ = ()

    def enter(self, machine: Machine) -> Instruction | None:
        pos = machine.pos
        if pos < self.behind:
            return self.next
        machine.begin(self, machine.round, pos, machine.captures())
        machine.pos = pos - self.behind
        return self.body

    def done(self, machine: Machine, frame: Frame) -> Instruction | None:
        return None

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.anchors.pop()
        _, _, machine.pos, captures = frame
        machine.restore(captures)
        return self.next


class PossessiveRounds(Part):
    """A possessive repeat of a group: each round is left for good."""

    __slots__ = ("high", "low")

    def __init__(self, body: Instruction, low: int, high: int | None, after: Instruction) -> None:
        super().__init__(body, after)
        self.low = low
        self.high = high

    def enter(self, machine: Machine) -> Instruction | None:
        return self._go_on(machine, 0, None)

    def done(self, machine: Machine, frame: Frame) -> Instruction | None:
        _, _, count, pos, _ = frame
        return self._go_on(machine, count + 1, pos)

    def retry(self, machine: Machine, frame: Frame) -> Instruction | None:
        machine.anchors.pop()
        _, _, _, pos, captures = frame
        if pos is None:
            # One of the rounds that are required.
            return None
        machine.restore(captures)
        machine.pos = pos
        return self.next

    def _go_on(self, machine: Machine, count: int, begun_at: int | None) -> Instruction | None:
        if count < self.low:
            machine.begin(self, machine.round, count, None, None)
            return self.body
        if (self.high is None or count < self.high) and machine.pos != begun_at:
            captures = (machine.last_mark, machine.last_group, machine.all_marks())
            machine.begin(self, machine.round, count, machine.pos, captures)
            return self.body
        return self.next


class Same(Instruction):
    """The text of a group again."""

    __slots__ = ("fold", "group")

    def __init__(self, group: int, fold: Callable[[int], int] | None, after: Instruction) -> None:
        self.group = group
        self.fold = fold
        self.next = after

    def enter(self, machine: Machine) -> Instruction | None:
        span = captured(machine, self.group)
        if span is None:
            return None
        begin, end = span
        length = end - begin
        pos = machine.pos
        if length:
            if length > machine.end - pos:
                return None
            machine.fuel -= length >> 4
            if machine.text[begin:end] != machine.text[pos : pos + length] and not self._alike(machine, begin, length):
                return None
        machine.pos = pos + length
        return self.next

    def _alike(self, machine: Machine, begin: int, length: int) -> bool:
        fold = self.fold
        if fold is None:
            return False
        machine.fuel -= 2 * length
        text, pos = machine.text, machine.pos
        return all(fold(ord(text[begin + i])) == fold(ord(text[pos + i])) for i in range(length))


class IfGroup(Instruction):
    """One of two ways, by whether the group took part."""

    __slots__ = ("group", "otherwise")

    def __init__(self, group: int, yes: Instruction, no: Instruction) -> None:
        self.group = group
        self.next = yes
        self.otherwise = no

    def enter(self, machine: Machine) -> Instruction | None:
        return self.otherwise if captured(machine, self.group) is None else self.next


def captured(machine: Machine, group: int) -> tuple[int, int] | None:
    """Return the span that the group has at this moment."""
    index = 2 * group - 2
    if index >= machine.last_mark:
        return None
    begin, end = machine.marks[index : index + 2]
    return None if begin is None or end is None or end < begin else (begin, end)


def check_of(place: Place, word: Members) -> Callable[[Machine], bool]:
    """Return the condition of a place."""

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
