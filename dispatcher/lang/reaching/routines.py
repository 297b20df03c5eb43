"""Calls of the rules' own functions.

A function is walked anew for each call, so that what comes of one does not mix with another. Where calls go too deep,
and where there are too many, nothing is told of their results, nor of what they may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dispatcher.lang import syntax
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.reaching.evaluating import RUNS, Arguments, Evaluator
from dispatcher.lang.reaching.state import Frame, Met, State
from dispatcher.lang.reaching.values import NOTHING, Known, Routine, Untold, Value

# Calls around each other, and the nodes around each other in them.
MAX_CALLS, MAX_DEPTH = 8, 230


class Routines:
    """Walks functions of the rules."""

    def __init__(self, state: State, evaluator: Evaluator) -> None:
        self.state = state
        self._of = evaluator
        # Walks the body of a function and returns what it gives; set by whoever walks statements.
        self.walk: Callable[[tuple[syntax.Stmt, ...]], Value] = lambda _body: NOTHING
        # Of each function met, whether it changes something.
        self._acting: dict[int, bool] = {}

    def call(self, expr: syntax.Call, routine: Routine, arguments: Arguments) -> Value:
        state = self.state
        met = state.routines[routine.number]
        deep = len(state.path) >= MAX_CALLS or state.depth + met.depth > MAX_DEPTH
        if deep or not state.may_call():
            self._forget(expr, arguments)
            return state.untold(expr, RUNS)
        outside = state.frames, state.path, state.base
        state.path = (*state.path, state.place(expr))
        state.frames = (*met.frames, Frame(met.names, state.path))
        self._bind(expr, met, arguments)
        state.base = met.base
        node = met.node
        found = self._of.value(node.body) if isinstance(node, syntax.Lambda) else self.walk(node.body)
        if state.variables is not None:
            for name in met.names.own:
                state.variables.pop((name, state.path), None)
        state.frames, state.path, state.base = outside
        return found

    def _bind(self, expr: syntax.Call, met: Met, arguments: Arguments) -> None:
        """Give the parameters their values, and all other names of the function none."""
        state, boxes = self.state, self.state.boxes
        for name in met.names.own:
            state.delete(name)
        positions = list(arguments.positions)
        named = dict(arguments.named)
        by_name_only = False
        for item in met.node.parameters.items:
            if item.kind == "*":
                by_name_only = True
                if item.name:
                    box = self._of.box(expr, f"*{item.name}")
                    for value in (*positions, arguments.spread):
                        boxes.add(box, value)
                    state.write(item.name, frozenset({box}))
                    positions = []
            elif item.kind == "**":
                box = self._of.box(expr, f"**{item.name}", is_dict=True)
                for key, value in named.items():
                    self._of.store(box, frozenset({Known(key, state.place(expr))}), value)
                boxes.add(box, arguments.spread)
                state.write(item.name, frozenset({box}))
                named = {}
            elif item.kind == "":
                default = met.defaults.get(item.name, NOTHING)
                if positions and not by_name_only:
                    value = positions.pop(0)
                elif item.name in named:
                    value = named.pop(item.name)
                else:
                    value = default | arguments.spread
                    state.may_fail = state.may_fail or not default
                state.write(item.name, value)
        if positions or named:
            state.may_fail = True

    def _forget(self, expr: syntax.Node, arguments: Arguments) -> None:
        """Note what a function that is not walked, or any that it calls, may have changed: anything they can reach."""
        state = self.state
        state.may_fail = True
        state.use(arguments.all())
        acting = [met.node for met in state.routines if self._acts(met.node)]
        if not acting:
            return
        unknown = Untold(state.place(expr), RUNS)
        names = {state.schema.aliases.get(name, name) for node in acting for name in _outer_names(node)}
        reached = [key for key in state.variables or {} if (key if isinstance(key, str) else key[0]) in names]
        state.blur(reached, unknown)
        state.boxes.spoil(state.boxes.all(), frozenset({unknown}))

    def _acts(self, node: syntax.Function | syntax.Lambda) -> bool:
        """Tell whether a function may change something beyond its own variables."""
        known = self._acting.get(id(node))
        if known is None:
            known = self._acting[id(node)] = any(_is_act(inner) for inner in _all_nodes(node))
        return known


def _all_nodes(node: syntax.Node) -> Iterator[syntax.Node]:
    pending = [node]
    while pending:
        found = pending.pop()
        yield found
        pending += syntax.children(found)


def _is_act(node: syntax.Node) -> bool:
    match node:
        case syntax.Global() | syntax.Nonlocal() | syntax.Subscript() | syntax.AugmentedAssignment():
            return True
        case syntax.Attribute(name=name):
            return name in MUTATORS or name == "shuffle"
        case _:
            return isinstance(node, syntax.Name) and node.id == "shuffle"


def _outer_names(node: syntax.Node) -> Iterator[str]:
    for inner in _all_nodes(node):
        if isinstance(inner, syntax.Global | syntax.Nonlocal):
            yield from (name.id for name in inner.names)
