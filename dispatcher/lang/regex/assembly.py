"""The tree of a pattern -> instructions of the matcher."""

from __future__ import annotations

from dispatcher.lang.regex import sre
from dispatcher.lang.regex.instructions import (
    Accept,
    Check,
    Fork,
    IfGroup,
    Literal,
    Mark,
    Member,
    Same,
    condition,
)
from dispatcher.lang.regex.machine import Instruction
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
    Reference,
    Repeat,
    Run,
    Sequence,
    Text,
)
from dispatcher.lang.regex.parts import PART_DONE, LookPart, NegativeLookPart, Part, PossessiveRounds
from dispatcher.lang.regex.rounds import Enter, GreedyUntil, LazyUntil
from dispatcher.lang.regex.runs import Greedy, Lazy, Possessive
from dispatcher.lang.regex.unit import Members

_TARGET_LENGTH = 8
_RUNS = {Mode.GREEDY: Greedy, Mode.LAZY: Lazy, Mode.POSSESSIVE: Possessive}


def assemble(root: Sequence) -> Instruction:
    """Return the first instruction of a pattern."""
    return _sequence(root, Accept())


def _sequence(nodes: Sequence, after: Instruction) -> Instruction:
    for node in reversed(nodes):
        after = _node(node, after)
    return after


def _node(node: Node, after: Instruction) -> Instruction:
    match node:
        case Text(text):
            return Literal(text, after)
        case One(unit):
            return Member(unit, after)
        case Run(unit, low, high, mode):
            target = after.text[:_TARGET_LENGTH] if isinstance(after, Literal) else None
            return _RUNS[mode](unit, low, high, target, after)
        case At(place, word):
            return Check(condition(place, word.members), after)
        case Group(number, body):
            return Mark(2 * number - 2, _sequence(body, Mark(2 * number - 1, after)))
        case Repeat():
            return _repeat(node, after)
        case Branch(options):
            return Fork([_sequence(option, after) for option in options], [_guard(option) for option in options])
        case Atomic(body):
            return Part(_sequence(body, PART_DONE), after)
        case Look(body, behind, negative):
            return (NegativeLookPart if negative else LookPart)(_sequence(body, PART_DONE), behind, after)
        case Reference(group, ignore_case, ascii_only):
            fold = sre.to_lower_ascii if ascii_only else sre.to_lower_unicode
            return Same(group, fold if ignore_case else None, after)
        case Conditional(group, yes, no):
            return IfGroup(group, _sequence(yes, after), _sequence(no, after))


def _repeat(node: Repeat, after: Instruction) -> Instruction:
    if node.mode is Mode.POSSESSIVE:
        return PossessiveRounds(_sequence(node.body, PART_DONE), node.low, node.high, after)
    until = (GreedyUntil if node.mode is Mode.GREEDY else LazyUntil)(node.low, node.high, after)
    until.body = _sequence(node.body, until)
    return Enter(until)


def _guard(option: Sequence) -> Members | None:
    """Return what the option begins with, where that is one character of a set."""
    return option[0].unit.members if option and isinstance(option[0], One) else None
