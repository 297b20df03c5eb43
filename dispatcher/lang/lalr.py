"""Runs the LALR(1) automaton of grammar/tables.py over tokens, without recursion.

Half of all reductions only pass a value on, from `atom` up to `test`. Where the symbol below them and the token ahead
are known, so is the state in which they end: the automaton goes there in one step, which it works out when it first
takes it. Rows of the tables are unpacked when they are first needed, since a small file needs few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grammar.tables import GROUPS, RULES, STARTS, STATES, SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    # A terminal's name, its text, its start and its end.
    Token: TypeAlias = tuple[str, str, int, int]
    Build: TypeAlias = Callable[[list[Any], int, int], Any]

END = "$END"


class UnexpectedTokenError(Exception):
    """The token at `index` does not fit, or where that is their number, their end; `accepted` terminals would."""

    def __init__(self, index: int, accepted: frozenset[str]) -> None:
        super().__init__(index)
        self.index = index
        self.accepted = accepted


class Automaton:
    """The automaton, with the methods of `builder` to call at its reductions.

    A method gets the parts that its rule matched, tokens and what methods returned, and the rule's place. Methods in
    `between` get the gap that the rule fills instead: where the token before it ends and the one behind it starts.
    """

    def __init__(self, builder: object, between: frozenset[str]) -> None:
        # By negative index, as the tables count them.
        self._rules: list[tuple[str, int, Build | None, tuple[int, ...], bool]] = [
            (symbol, size, getattr(builder, method) if method is not None else None, lists, method in between)
            for symbol, size, method, lists in reversed(RULES)
        ]
        self._rows: list[dict[str, int]] = [{} for _ in STATES]
        # For each state and symbol made above it: the state that follows, by the token ahead, as far as it is known.
        self._ways: list[dict[str, dict[str, int]]] = [{} for _ in STATES]

    def read(self, start: str, tokens: Sequence[Token]) -> Any:
        """Return what the tokens reduce to; raise UnexpectedTokenError."""
        rules, rows, ways = self._rules, self._rows, self._ways
        state = STARTS[start]
        row = rows[state] or self._unpack(state)
        states = [state]
        values: list[Any] = []
        firsts: list[int] = []  # of each value, the index of its first token
        last = tokens[-1][3] if tokens else 0
        for index, token in enumerate((*tokens, (END, "", last, last))):
            kind = token[0]
            while (action := row.get(kind, 0)) < 0:
                symbol, size, build, lists, fills_gap = rules[action]
                if size > 1:
                    parts = values[-size:]
                    del values[1 - size :], firsts[1 - size :], states[1 - size :]
                    if lists:
                        parts = _flat(parts, lists)
                else:
                    parts = values[-1] if lists else values[-1:]
                first = firsts[-1]
                if fills_gap:
                    values[-1] = build(parts, tokens[first - 1][3], token[2])  # type: ignore[misc] # only methods do
                elif build is not None:
                    values[-1] = build(parts, tokens[first][2], tokens[index - 1][3])
                elif symbol[0] == "_":
                    values[-1] = parts
                below = states[-2]
                try:
                    state = ways[below][symbol][kind]
                except KeyError:
                    state = self._way(below, symbol, kind)
                states[-1] = state
                row = rows[state] or self._unpack(state)
            if not action:
                raise UnexpectedTokenError(index, self._accepted(states))
            states.append(action)
            values.append(token)
            firsts.append(index)
            row = rows[action] or self._unpack(action)
        return values[0]

    def _unpack(self, state: int) -> dict[str, int]:
        """Return what each symbol does in a state: the state that follows, or minus the number of a rule."""
        row = self._rows[state]
        pairs = iter(STATES[state])
        for number in pairs:
            action = next(pairs)
            group = (number,) if number < len(SYMBOLS) else GROUPS[number - len(SYMBOLS)]
            row.update((SYMBOLS[symbol], action) for symbol in group)
        return row

    def _way(self, below: int, symbol: str, kind: str) -> int:
        """Return the state to go to from `below` with a symbol, behind all that only pass it on before `kind`."""
        row = self._rows[below] or self._unpack(below)
        made = symbol
        while True:
            state = row[made]
            action = (self._rows[state] or self._unpack(state)).get(kind, 0)
            if action >= 0:
                break
            next_symbol, _, build, _, _ = self._rules[action]
            if build is not None or next_symbol[0] == "_":
                break
            made = next_symbol
        self._ways[below].setdefault(symbol, {})[kind] = state
        return state

    def _accepted(self, states: Sequence[int]) -> frozenset[str]:
        return frozenset(kind for kind in self._rows[states[-1]] if kind.isupper() and self._accepts(states, kind))

    def _accepts(self, states: Sequence[int], kind: str) -> bool:
        """Tell whether a terminal can follow: its reductions may lead to where it cannot."""
        pending = list(states)
        while (action := (self._rows[pending[-1]] or self._unpack(pending[-1])).get(kind, 0)) < 0:
            symbol, size, *_ = self._rules[action]
            del pending[-size:]
            pending.append(self._way(pending[-1], symbol, kind))
        return action > 0 and kind != END


def _flat(parts: list[Any], lists: tuple[int, ...]) -> list[Any]:
    """Return the parts with the parts of those that are lists; the first of them is extended in place."""
    if lists == (0,):
        flat: list[Any] = parts[0]
        flat += parts[1:]
        return flat
    flat = []
    for index, part in enumerate(parts):
        if index in lists:
            flat += part
        else:
            flat.append(part)
    return flat
