"""What calls need of expressions and statements, and what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from dispatcher.lang import syntax
from dispatcher.lang.reaching.state import State
from dispatcher.lang.reaching.values import Box, Known, Value
from dispatcher.lang.records import dataclass

if TYPE_CHECKING:
    from dispatcher.lang.syntax import Expr

RUNS = "it is worked out when the rule runs"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call gives: by position, by name, and what is in `*` and `**`, of which the positions are not known."""

    positions: tuple[Value, ...]
    named: Mapping[str, Value]
    spread: Value

    def all(self) -> Value:
        """Return everything together."""
        return self.spread.union(*self.positions, *self.named.values())


class Evaluator(Protocol):
    """What calls need of expressions and statements."""

    def value(self, expr: Expr) -> Value: ...

    def turns(self, node: syntax.Node, value: Value) -> Value: ...

    def box(self, node: syntax.Node, part: str = "", *, is_dict: bool = False) -> Box: ...

    def boxed(self, node: syntax.Node, items: Value) -> Value: ...

    def at(self, box: Box, keys: Value) -> Value: ...

    def look_up(self, index: Expr, keys: Value, held: Value) -> None: ...

    def store(self, box: Box, keys: Value, value: Value) -> None: ...

    def truth(self, expr: Expr) -> Value: ...


def none(state: State, expr: syntax.Node) -> Value:
    """Return what a call gives that gives nothing."""
    return frozenset({Known(None, state.place(expr))})
