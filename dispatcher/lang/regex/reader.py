"""CPython's parse of a pattern -> our tree."""

from __future__ import annotations

import re
from typing import Any

from dispatcher.lang.regex import sre
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
from dispatcher.lang.regex.unit import unit

_PLACES = {
    "AT_BEGINNING": Place.TEXT_START,
    "AT_BEGINNING_STRING": Place.TEXT_START,
    "AT_END": Place.LAST_LINE_END,
    "AT_END_STRING": Place.TEXT_END,
    "AT_BOUNDARY": Place.BOUNDARY,
    "AT_NON_BOUNDARY": Place.NO_BOUNDARY,
}
_MULTILINE_PLACES = _PLACES | {"AT_BEGINNING": Place.LINE_START, "AT_END": Place.LINE_END}
_MODES = {"MAX_REPEAT": Mode.GREEDY, "MIN_REPEAT": Mode.LAZY, "POSSESSIVE_REPEAT": Mode.POSSESSIVE}
_UNITS = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_KINDS_OF_TEXT = int(re.ASCII | re.LOCALE | re.UNICODE)
_WORD = sre.parse(r"\w", 0).tree[0]


def read(parsed: sre.Parsed) -> Sequence:
    """Return the tree of a parsed pattern."""
    return _sequence(parsed.tree, parsed.flags)


def _sequence(tree: Any, flags: int) -> Sequence:
    nodes: list[Node] = []
    text: list[str] = []
    for node in _flat(tree, flags):
        if isinstance(node, One) and node.unit.char is not None:
            text.append(node.unit.char)
            continue
        if text:
            nodes.append(Text("".join(text)))
            text.clear()
        nodes.append(node)
    if text:
        nodes.append(Text("".join(text)))
    return tuple(nodes)


def _flat(tree: Any, flags: int) -> list[Node]:
    """Return the nodes of a sequence; a group that only sets flags is replaced by its content."""
    nodes: list[Node] = []
    for op, argument in tree:
        if op.name == "SUBPATTERN" and argument[0] is None:
            _, added, removed, body = argument
            nodes += _flat(body, _combine(flags, added, removed))
        else:
            nodes.append(_node(op, argument, flags))
    return nodes


def _node(op: Any, argument: Any, flags: int) -> Node:
    name = op.name
    if name in _UNITS:
        return One(unit(op, argument, flags))
    if name in _MODES:
        return _repeat(_MODES[name], argument, flags)
    match name:
        case "AT":
            place = (_MULTILINE_PLACES if flags & re.MULTILINE else _PLACES)[argument.name]
            return At(place, unit(_WORD[0], _WORD[1], flags & _KINDS_OF_TEXT))
        case "SUBPATTERN":
            number, added, removed, body = argument
            return Group(number, _sequence(body, _combine(flags, added, removed)))
        case "BRANCH":
            return Branch(tuple(_sequence(option, flags) for option in argument[1]))
        case "ATOMIC_GROUP":
            return Atomic(_sequence(argument, flags))
        case "ASSERT" | "ASSERT_NOT":
            direction, body = argument
            behind = body.getwidth()[0] if direction < 0 else 0
            return Look(_sequence(body, flags), behind, negative=name == "ASSERT_NOT")
        case "FAILURE":
            # What Python 3.13 makes of `(?!)`.
            return Look((), 0, negative=True)
        case "GROUPREF":
            return Reference(argument, bool(flags & re.IGNORECASE), bool(flags & re.ASCII))
        case "GROUPREF_EXISTS":
            group, yes, no = argument
            return Conditional(group, _sequence(yes, flags), _sequence(no or (), flags))
    raise AssertionError(name)


def _repeat(mode: Mode, argument: Any, flags: int) -> Node:
    low, most, body = argument
    high = None if most == sre.MAXREPEAT else most
    single = _single(body, flags)
    if single is not None:
        return Run(unit(*single), low, high, mode)
    return Repeat(_sequence(body, flags), low, high, mode)


def _single(body: Any, flags: int) -> tuple[Any, Any, int] | None:
    # CPython keeps captures differently in repeats of one character, so what counts as one is its decision.
    if len(body) != 1:
        return None
    op, argument = body[0]
    if op.name == "SUBPATTERN" and argument[0] is None:
        _, added, removed, inner = argument
        return _single(inner, _combine(flags, added, removed))
    return (op, argument, flags) if op.name in _UNITS else None


def _combine(flags: int, added: int, removed: int) -> int:
    if added & _KINDS_OF_TEXT:
        flags &= ~_KINDS_OF_TEXT
    return (flags | added) & ~removed
