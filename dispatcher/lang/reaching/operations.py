"""What operators and f-strings give: what is put together of known texts and numbers, of few combinations."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.reaching.evaluating import RUNS, Evaluator
from dispatcher.lang.reaching.state import State
from dispatcher.lang.reaching.values import NOTHING, Box, Known, Untold, Value, is_number, is_text
from dispatcher.lang.syntax import Expr

# Combinations that are worked out, and the longest text that comes of one.
MAX_COMBINED, LONGEST = 256, 1000

PUT_TOGETHER = "it is put together when the rule runs"
# Powers and shifts of small numbers get long.
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "/": operator.truediv,
    "%": operator.mod,
}


class Operations:
    """Works operators out."""

    def __init__(self, state: State, evaluator: Evaluator) -> None:
        self.state = state
        self._of = evaluator

    def texts(self, expr: Expr, pieces: Sequence[Sequence[str] | None]) -> Value:
        """Return the texts that pieces give one behind the other; None stands for one that is not told."""
        count, length = 1, 0
        for piece in pieces:
            count *= 0 if piece is None else len(piece)
            length += 0 if piece is None else max(map(len, piece), default=0)
        if not 0 < count <= MAX_COMBINED or length > LONGEST:
            return self.state.untold(expr, PUT_TOGETHER, is_text=True)
        place = self.state.place(expr)
        return frozenset(Known("".join(texts), place) for texts in product(*(piece or () for piece in pieces)))

    def unary(self, expr: Expr, op: str, operand: Value) -> Value:
        if not is_number(operand):
            self.state.may_fail = True
        if op != "-" or not is_number(operand):
            return self.state.untold(expr, RUNS)
        place = self.state.place(expr)
        return frozenset(Known(-atom.value, place) for atom in operand if isinstance(atom, Known))

    def combined(self, expr: syntax.Node, left: Value, op: str, right: Value) -> Value:
        """Return what an operator gives for two values."""
        state = self.state
        state.use(left)
        state.use(right)
        sound = is_number(left) and is_number(right) and op in _OPERATORS
        if not (sound or (is_text(left) and is_text(right) and op == "+")):
            state.may_fail = True
        if op in _OPERATORS and len(left) * len(right) <= MAX_COMBINED:
            found = [self._one(expr, one, op, other) for one in left for other in right]
            return NOTHING.union(*found)
        return state.untold(expr, PUT_TOGETHER, is_text=op == "+" and is_text(left | right))

    def _one(self, expr: syntax.Node, left: Any, op: str, right: Any) -> Value:
        state = self.state
        if isinstance(left, Box) or isinstance(right, Box):
            box = self._of.box(expr, is_dict=op == "|")
            for part in (left, right):
                if isinstance(part, Box):
                    state.boxes.add(box, state.boxes.items(part))
                    state.boxes.add_keys(box, state.boxes.keys(part))
            # What is not told may be in it, too.
            state.boxes.add(box, frozenset(part for part in (left, right) if isinstance(part, Untold)))
            return frozenset({box})
        if not isinstance(left, Known) or not isinstance(right, Known):
            texts = is_text(frozenset({left})) and is_text(frozenset({right}))
            return state.untold(expr, PUT_TOGETHER, is_text=op == "+" and texts)
        if _size(left.value) * (_size(right.value) if op == "*" else 1) + _size(right.value) > LONGEST:
            state.may_fail = state.may_fail or op not in ("+", "-", "*")
            return state.untold(expr, PUT_TOGETHER)
        try:
            value = _OPERATORS[op](left.value, right.value)
        except (TypeError, ValueError, ArithmeticError):
            state.may_fail = True
            return NOTHING
        return frozenset({Known(value, state.place(expr))})


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return (
        abs(value)
        if isinstance(value, int) and abs(value) <= LONGEST
        else 1
        if not isinstance(value, int)
        else LONGEST + 1
    )
