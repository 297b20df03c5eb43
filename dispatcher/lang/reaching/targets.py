"""Assignment to targets of any form."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.lang import syntax
from dispatcher.lang.reaching.evaluating import Evaluator
from dispatcher.lang.reaching.state import State
from dispatcher.lang.reaching.values import NOTHING, Box, Value
from dispatcher.lang.scopes import captured_names
from dispatcher.lang.syntax import Expr


class Targets:
    """Assigns values."""

    def __init__(self, state: State, evaluator: Evaluator) -> None:
        self.state = state
        self._of = evaluator

    def assign(self, target: Expr, value: Value) -> None:
        """Assign a value to a target of any form."""
        state = self.state
        match target:
            case syntax.Name(id=name):
                state.write(name, value)
            case syntax.Starred(value=inner):
                box = self._of.box(target)
                state.boxes.add(box, value)
                self.assign(inner, frozenset({box}))
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                self._unpack(items, value)
            case syntax.Subscript(value=owner, index=index):
                held, keys = self._of.value(owner), self._of.value(index)
                if self._is_other_variable(owner):
                    state.use(value)
                state.may_fail = True
                for atom in held:
                    if isinstance(atom, Box) and isinstance(index, syntax.Slice):
                        state.boxes.add(atom, self._of.turns(target, value))
                        state.boxes.shuffle(atom)
                    elif isinstance(atom, Box):
                        self._of.store(atom, keys, value)
            case _:
                self._of.value(target)

    def _is_other_variable(self, owner: Expr) -> bool:
        """Tell whether something is a ticket variable that is no field, such as `customfield`."""
        if not isinstance(owner, syntax.Name):
            return False
        key = self.state.key(owner.id)
        return isinstance(key, str) and self.state.schema.find(key) is not None and key not in self.state.fields

    def _unpack(self, items: Sequence[Expr], value: Value) -> None:
        state = self.state
        starred = [number for number, item in enumerate(items) if isinstance(item, syntax.Starred)]
        if starred or not all(isinstance(atom, Box) and state.boxes.length(atom) == len(items) for atom in value):
            state.may_fail = True
        for number, item in enumerate(items):
            found = NOTHING
            for atom in value:
                if not isinstance(atom, Box) or state.boxes.is_dict(atom) or (starred and number >= starred[0]):
                    found |= self._of.turns(item, frozenset({atom}))
                else:
                    found |= state.boxes.at(atom, number)
            self.assign(item, found)

    def capture(self, pattern: syntax.Pattern, subject: Value) -> None:
        """Assign what a pattern of `case` binds."""
        for name in captured_names(pattern):
            if isinstance(pattern, syntax.CapturePattern | syntax.AsPattern) and pattern.name == name:
                self.state.write(name.id, subject)
            else:
                inside = self.state.untold(name, "it is a part of another value")
                self.state.write(name.id, inside | frozenset(self.state.boxes.within(subject)))
