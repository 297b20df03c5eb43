"""Prints grammar/tables.py, the parser's tables, from dispatcher.lark. The only file that imports lark.

Lark makes the LALR(1) automaton and the expressions of the terminals; what reads rules needs these as data, not Lark.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pprint import pformat
from typing import Any, cast

from lark import Lark
from lark.grammar import Rule
from lark.lexer import PatternStr
from lark.parsers.lalr_analysis import ParseTableBase, Shift

LARK_OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "basic",
    "start": ["statement", "fstring_expression"],
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}
# The state behind a whole text; no state has the number 0.
ACCEPTED = 1

HEADER = '''\
"""The parser's tables, made from dispatcher.lark by `make tables`.

PATTERN reads one token, WORDS names the terminals of words and signs, IGNORED what stands between tokens. STARTS names
the first state for each kind of text. RULES hold the symbol that a rule makes, the number of its parts, the method that
builds it, or None where the only part is passed on or a list is made, and which of its parts are such lists.
STATES hold for each state which symbols lead where: pairs of a symbol's number, or behind these the number of a group
of symbols, and the next state, or -1 minus the rule to apply. State 1 stands behind a whole text, and 0 for none.
"""

# fmt: off
# ruff: noqa: E501
'''


def build(*, strict: bool = False) -> Lark:
    """Return Lark's parser of the grammar."""
    return Lark.open_from_package("grammar", "dispatcher.lark", ("",), strict=strict, **LARK_OPTIONS)


def tables() -> str:
    """Return the text of grammar/tables.py."""
    lark = build()
    pattern, words = _lexicon(lark)
    values = {
        "PATTERN": pattern,
        "WORDS": words,
        "IGNORED": tuple(sorted(lark.ignore_tokens)),
        "RULES": tuple(map(_rule, lark.rules)),
        **_automaton(lark),
    }
    return HEADER + "".join(f"{name} = {pformat(value, width=120, compact=True)}\n" for name, value in values.items())


def _lexicon(lark: Lark) -> tuple[str, dict[str, str]]:
    """Return the terminals as one expression, and the words and signs, which need no group of their own in it."""
    terminals = {terminal.name: terminal for terminal in lark.terminals}
    words = {terminal.pattern.value: name for name, terminal in terminals.items() if _is_plain(terminal.pattern)}
    name = re.compile(terminals["NAME"].pattern.to_regexp())
    signs = sorted((word for word in words if not name.fullmatch(word)), key=lambda sign: (-len(sign), sign))
    others = [terminal for terminal in terminals.values() if not _is_plain(terminal.pattern)]
    others.sort(key=lambda terminal: (-terminal.priority, -len(terminal.pattern.value)))
    parts = [f"(?P<{terminal.name}>{terminal.pattern.to_regexp()})" for terminal in others]
    # Signs come behind the expressions of the same priority, which `+=` and the number `.5` need.
    rare = sum(terminal.priority < 0 for terminal in others)
    parts.insert(len(parts) - rare, "|".join(map(re.escape, signs)))
    return "|".join(parts), dict(sorted(words.items()))


def _is_plain(pattern: object) -> bool:
    return isinstance(pattern, PatternStr)


def _rule(rule: Rule) -> tuple[str, int, str | None, tuple[int, ...]]:
    lists = tuple(index for index, symbol in enumerate(rule.expansion) if symbol.name.startswith("__"))
    name = rule.alias or rule.origin.name
    passes_on = rule.options.expand1 and not rule.alias and len(rule.expansion) == 1
    method = None if passes_on or name.startswith("__") else str(name)
    return (
        str(rule.origin.name),
        len(rule.expansion),
        method,
        tuple(index for index in lists if not rule.expansion[index].is_term),
    )


def _automaton(lark: Lark) -> dict[str, object]:
    table = cast("ParseTableBase[int]", cast("Any", lark.parser).parser._parse_table)  # noqa: SLF001 - Lark shows them nowhere else
    rules = {rule: number for number, rule in enumerate(lark.rules)}
    symbols = sorted({str(name) for row in table.states.values() for name in row})
    order = _reachable(table)
    states = {state: number for number, state in enumerate(order, ACCEPTED + 1)}
    ends = set(table.end_states.values())
    groups: dict[tuple[int, ...], int] = {}
    rows: list[tuple[int, ...]] = [()] * (ACCEPTED + 1)
    for state in order:
        actions: dict[int, list[int]] = {}
        for number, name in enumerate(symbols):
            if name in table.states[state]:
                action, argument = table.states[state][name]
                actions.setdefault(states[argument] if action is Shift else -1 - rules[argument], []).append(number)
            elif state in ends and name == "$END":
                actions.setdefault(ACCEPTED, []).append(number)
        row = []
        for result, group in actions.items():
            one = len(group) == 1
            row += [group[0] if one else len(symbols) + groups.setdefault(tuple(group), len(groups)), result]
        rows.append(tuple(row))
    return {
        "STARTS": {str(name): states[state] for name, state in table.start_states.items()},
        "SYMBOLS": tuple(symbols),
        "GROUPS": tuple(groups),
        "STATES": tuple(rows),
    }


def _reachable(table: ParseTableBase[int]) -> Sequence[int]:
    """Return all states in an order that does not change from run to run, as Lark's numbers do."""
    order = [state for _, state in sorted(table.start_states.items())]
    for state in order:
        following = [argument for _, (action, argument) in sorted(table.states[state].items()) if action is Shift]
        order += [found for found in dict.fromkeys(following) if found not in order]
    return order


if __name__ == "__main__":
    sys.stdout.write(tables())
