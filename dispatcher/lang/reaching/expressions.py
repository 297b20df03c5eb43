"""What expressions may come to.

What is put together of known texts and numbers is worked out, as long as there are few combinations; all else is not
told. A text on which something else than a field's value depends is noted as used.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.reaching.calls import Calls
from dispatcher.lang.reaching.state import Frame, Met, State, Variables, joined
from dispatcher.lang.reaching.values import (
    NOTHING,
    Box,
    Known,
    Member,
    Untold,
    Value,
    is_number,
    is_text,
    join,
)
from dispatcher.lang.scopes import ScopeNames, captured_names, function_names, target_names
from dispatcher.lang.syntax import Expr

# Combinations that are worked out, and the longest text that comes of one.
MAX_COMBINED, LONGEST = 256, 1000
# Nodes around each other; the limit on one statement leaves room for a few calls.
MAX_DEPTH = 240

_PUT_TOGETHER = "it is put together when the rule runs"
_WORKED_OUT = "it is worked out when the rule runs"
# Powers and shifts of small numbers get long.
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "/": operator.truediv,
    "%": operator.mod,
}
# What may be called on a field before it is compared, without making another text of it than its name in other letters.
VIEWS = frozenset({"strip", "lower", "upper", "casefold", "title"})


class Expressions:
    """Works expressions out."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.calls = Calls(state, self)

    def value(self, expr: Expr) -> Value:
        """Return what an expression may come to."""
        state = self.state
        state.step()
        state.depth += 1
        found = self._value(expr) if state.depth <= MAX_DEPTH else state.untold(expr, _WORKED_OUT)
        state.depth -= 1
        return found

    def _value(self, expr: Expr) -> Value:  # noqa: C901 - one case for each kind of node
        state = self.state
        match expr:
            case syntax.Constant(value=value):
                return frozenset({Known(value, state.place(expr), exact=True)})
            case syntax.Name():
                return state.read(expr)
            case syntax.FormattedString(parts=parts):
                return self._formatted(expr, parts)
            case syntax.ListDisplay(items=items) | syntax.TupleDisplay(items=items):
                return self._sequence(expr, items)
            case syntax.SetDisplay(items=items):
                box = self.box(expr)
                for item in items:
                    state.boxes.add(box, self.value(item))
                return frozenset({box})
            case syntax.DictDisplay(entries=entries):
                return self._dict(expr, entries)
            case syntax.UnaryOperation(op=op, operand=operand):
                found = self.value(operand)
                if op == "not":
                    return self.truth(expr)
                return self._unary(expr, op, found)
            case syntax.BinaryOperation(left=left, op=op, right=right):
                return self.combined(expr, self.value(left), op, self.value(right))
            case syntax.BooleanOperation(op=op, operands=operands):
                return self._boolean(op, operands)
            case syntax.Comparison(first=first, rest=rest):
                return self._comparison(expr, first, rest)
            case syntax.Conditional(condition=condition, value=chosen, other=other):
                self.value(condition)
                before = self._fork()
                found = self.value(chosen)
                after, state.variables = state.variables, before
                found = join(found, self.value(other))
                self._join(after)
                return found
            case syntax.Lambda(parameters=parameters, body=body):
                return self.function(expr, parameters, function_names(parameters, body))
            case syntax.Attribute(value=owner, name=name):
                return self._attribute(expr, self.value(owner), name)
            case syntax.Subscript(value=owner, index=index):
                return self._subscript(expr, owner, index)
            case syntax.Slice():
                for part in (expr.lower, expr.upper, expr.step):
                    if part is not None:
                        state.use(self.value(part))
                return NOTHING
            case syntax.Call():
                return self.calls.call(expr)
            case syntax.Starred(value=value):
                return self.turns(value, self.value(value))
            case syntax.NamedExpression(target=target, value=value):
                found = self.value(value)
                state.write(target.id, found)
                return found
            case syntax.Comprehension():
                return self._comprehension(expr)
            case syntax.RefusedExpression():
                return state.untold(expr, _WORKED_OUT)

    def box(self, node: syntax.Node, part: str = "", *, is_dict: bool = False) -> Box:
        """Return the box that a place makes; `part` tells several of one place apart."""
        return self.state.boxes.open(Box(self.state.place(node), self.state.path, part), is_dict=is_dict)

    def truth(self, expr: Expr) -> Value:
        """Return what may be true or false."""
        place = self.state.place(expr)
        return frozenset({Known(True, place), Known(False, place)})

    def turns(self, node: syntax.Node, value: Value) -> Value:
        """Return what going through a value gives."""
        found = NOTHING
        for atom in value:
            if isinstance(atom, Box):
                found |= self.state.boxes.turns(atom)
            else:
                self.state.may_fail = self.state.may_fail or not is_text(frozenset({atom}))
                self.state.use(frozenset({atom}))
                found |= {Untold(self.state.place(node), "it is a part of another value", is_text(frozenset({atom})))}
        return found

    # --- displays

    def _sequence(self, expr: Expr, items: Sequence[Expr]) -> Value:
        boxes, box = self.state.boxes, self.box(expr)
        starred = False
        for position, item in enumerate(items):
            starred = starred or isinstance(item, syntax.Starred)
            if starred:
                boxes.add(box, self.value(item))
            else:
                boxes.put(box, position, self.value(item))
        if starred:
            boxes.shuffle(box)
        return frozenset({box})

    def _dict(self, expr: Expr, entries: Iterable[tuple[Expr | None, Expr]]) -> Value:
        box = self.box(expr, is_dict=True)
        for key, entry in entries:
            found = self.value(entry) if key is None else NOTHING
            if key is None:
                self.calls.update(entry, box, found)
            else:
                self.store(box, self.value(key), self.value(entry))
        return frozenset({box})

    def store(self, box: Box, keys: Value, value: Value) -> None:
        """Put a value under keys, or at positions."""
        boxes = self.state.boxes
        if boxes.is_dict(box):
            boxes.add_keys(box, keys)
        if keys and all(isinstance(key, Known) and (boxes.is_dict(box) or boxes.has(box, key.value)) for key in keys):
            for key in keys:
                if isinstance(key, Known):
                    boxes.put(box, key.value, value)
        else:
            boxes.add(box, value)

    # --- operations

    def _formatted(self, expr: Expr, parts: Sequence[str | syntax.FormattedField]) -> Value:
        pieces: list[list[str] | None] = []
        for part in parts:
            if isinstance(part, str):
                pieces.append([part])
                continue
            found = self.value(part.value)
            self.state.use(found)
            if part.spec is not None:
                self.value(part.spec)
            plain = part.spec is None and part.conversion in (None, "s") and part.label is None
            known = [str(atom.value) for atom in found if isinstance(atom, Known)]
            pieces.append(known if plain and len(known) == len(found) else None)
        return self._texts(expr, pieces)

    def _texts(self, expr: Expr, pieces: Sequence[Sequence[str] | None]) -> Value:
        """Return the texts that pieces give one behind the other; None stands for one that is not told."""
        count, length = 1, 0
        for piece in pieces:
            count *= 0 if piece is None else len(piece)
            length += 0 if piece is None else max(map(len, piece), default=0)
        if not 0 < count <= MAX_COMBINED or length > LONGEST:
            return self.state.untold(expr, _PUT_TOGETHER, is_text=True)
        place = self.state.place(expr)
        return frozenset(Known("".join(texts), place) for texts in product(*(piece or () for piece in pieces)))

    def _unary(self, expr: Expr, op: str, operand: Value) -> Value:
        if not is_number(operand):
            self.state.may_fail = True
        if op != "-" or not is_number(operand):
            return self.state.untold(expr, _WORKED_OUT)
        place = self.state.place(expr)
        return frozenset(Known(-atom.value, place) for atom in operand if isinstance(atom, Known))

    def combined(self, expr: syntax.Node, left: Value, op: str, right: Value) -> Value:
        """Return what an operator gives for two values."""
        state = self.state
        state.use(left)
        state.use(right)
        if not ((is_text(left) and is_text(right) and op == "+") or (is_number(left) and is_number(right))):
            state.may_fail = True
        if op in _OPERATORS and len(left) * len(right) <= MAX_COMBINED:
            found = [self._one(expr, one, op, other) for one in left for other in right]
            return NOTHING.union(*found)
        return state.untold(expr, _PUT_TOGETHER, is_text=op == "+" and is_text(left | right))

    def _one(self, expr: syntax.Node, left: Any, op: str, right: Any) -> Value:
        state = self.state
        if isinstance(left, Box) or isinstance(right, Box):
            box = self.box(expr, is_dict=op == "|")
            for part in (left, right):
                if isinstance(part, Box):
                    state.boxes.add(box, state.boxes.items(part))
                    state.boxes.add_keys(box, state.boxes.keys(part))
            # What is not told may be in it, too.
            state.boxes.add(box, frozenset(part for part in (left, right) if isinstance(part, Untold)))
            return frozenset({box})
        if not isinstance(left, Known) or not isinstance(right, Known):
            texts = is_text(frozenset({left})) and is_text(frozenset({right}))
            return state.untold(expr, _PUT_TOGETHER, is_text=op == "+" and texts)
        if _size(left.value) * (_size(right.value) if op == "*" else 1) + _size(right.value) > LONGEST:
            return state.untold(expr, _PUT_TOGETHER)
        try:
            value = _OPERATORS[op](left.value, right.value)
        except (TypeError, ValueError, ArithmeticError):
            state.may_fail = True
            return NOTHING
        return frozenset({Known(value, state.place(expr))})

    def _boolean(self, op: str, operands: Sequence[Expr]) -> Value:
        found = NOTHING
        for number, operand in enumerate(operands):
            if number + 1 == len(operands):
                return found | self._perhaps(operand, number > 0)
            value = self._perhaps(operand, number > 0)
            # `or` goes on from what is false, and gives only what is not.
            found |= {atom for atom in value if not isinstance(atom, Known) or bool(atom.value) == (op == "or")}
        return found

    def _perhaps(self, operand: Expr, perhaps: bool) -> Value:
        """Return what an operand may come to that perhaps is not looked at."""
        before = self._fork()
        value = self.value(operand)
        if perhaps:
            self._join(before)
        return value

    def _comparison(self, expr: Expr, first: Expr, rest: Sequence[tuple[str, Expr]]) -> Value:
        left, left_value = first, self.value(first)
        for op, right in rest:
            right_value = self.value(right)
            self._compare((left, left_value), op, (right, right_value))
            left, left_value = right, right_value
        return self.truth(expr)

    def _compare(self, left: tuple[Expr, Value], op: str, right: tuple[Expr, Value]) -> None:
        state = self.state
        if op in ("==", "!=", "is", "is not", "in", "not in"):
            in_box = op in ("in", "not in")
            if in_box and not all(isinstance(atom, Box) for atom in right[1]) and not is_text(left[1] | right[1]):
                state.may_fail = True
            view, others = self.field_view(left[0]), right[1]
            if view is None and not in_box:
                view, others = self.field_view(right[0]), left[1]
            boxes = [atom for atom in others if isinstance(atom, Box)]
            if view is not None and not in_box:
                state.compare(*view, others)
                return
            if view is not None and len(boxes) == len(others):
                for box in boxes:
                    state.compare(*view, state.boxes.turns(box))
                return
        elif not (is_number(left[1]) and is_number(right[1])):
            state.may_fail = True
        state.use(left[1])
        state.use(right[1])

    def field_view(self, expr: Expr) -> tuple[str, tuple[str, ...]] | None:
        """Return the field that an expression is, with the methods called on it to see it in other letters."""
        views: list[str] = []
        while True:
            match expr:
                case syntax.Call(function=syntax.Attribute(value=owner, name=name), arguments=()) if name in VIEWS:
                    views.append(name)
                    expr = owner
                case syntax.Name(id=name):
                    key = self.state.key(name)
                    return (key, tuple(reversed(views))) if isinstance(key, str) and key in self.state.fields else None
                case _:
                    return None

    # --- parts

    def _attribute(self, expr: Expr, owner: Value, name: str) -> Value:
        self.state.use(owner)
        found = NOTHING
        for atom in owner:
            if isinstance(atom, Member) and not atom.name:
                found |= {Member(atom.module, name)}
            elif isinstance(atom, Member):
                found |= {Member(f"{atom.module}.{atom.name}", name)}
            else:
                self.state.may_fail = True
                found |= self.state.untold(expr, _WORKED_OUT)
        return found

    def _subscript(self, expr: syntax.Subscript, owner: Expr, index: Expr) -> Value:
        held = self.value(owner)
        at = self.value(index)
        if isinstance(index, syntax.Slice):
            return self._slice(expr, held)
        self.look_up(index, at, held)
        found = NOTHING
        for atom in held:
            if isinstance(atom, Box):
                found |= self.at(atom, at)
            else:
                self.state.may_fail = True
                self.state.use(frozenset({atom}))
                text = is_text(frozenset({atom}))
                found |= self.state.untold(expr, "it is a part of another value", is_text=text)
        return found

    def at(self, box: Box, keys: Value) -> Value:
        """Return what may stand under keys, or at positions."""
        boxes = self.state.boxes
        known = [key.value for key in keys if isinstance(key, Known)]
        if len(known) < len(keys):
            self.state.may_fail = True
            return boxes.items(box)
        if not all(boxes.has(box, key) for key in known):
            self.state.may_fail = True
        return NOTHING.union(*(boxes.at(box, key) for key in known))

    def look_up(self, index: Expr, keys: Value, held: Value) -> None:
        """Note by what is looked up in dicts: a field, of which the keys are values, or anything else."""
        boxes = [atom for atom in held if isinstance(atom, Box) and self.state.boxes.is_dict(atom)]
        view = self.field_view(index)
        if view is not None and boxes:
            for box in boxes:
                self.state.compare(*view, self.state.boxes.keys(box))
            return
        self.state.use(keys)
        for box in boxes:
            self.state.use(self.state.boxes.keys(box))

    def _slice(self, expr: Expr, held: Value) -> Value:
        found = NOTHING
        for atom in held:
            if isinstance(atom, Box):
                box = self.box(expr)
                self.state.boxes.add(box, self.state.boxes.turns(atom))
                found |= {box}
            else:
                self.state.use(frozenset({atom}))
                text = is_text(frozenset({atom}))
                self.state.may_fail = self.state.may_fail or not text
                found |= self.state.untold(expr, "it is a part of another value", is_text=text)
        return found

    def _comprehension(self, expr: syntax.Comprehension) -> Value:
        state = self.state
        first, *others = expr.clauses
        outer_frames, outer_path = state.frames, state.path
        # The first iterable is looked at outside.
        given = self.turns(first.iterable, self.value(first.iterable))
        own = frozenset(name.id for clause in expr.clauses for name in target_names((clause.target,)))
        state.path = (*outer_path, state.place(expr))
        state.frames = (*outer_frames, Frame(ScopeNames(own), state.path))
        box = self.box(expr, is_dict=expr.kind == "dict")
        # Twice, for what one turn leaves for the next by `:=`.
        for _ in range(2):
            before = self._fork()
            self.assign(first.target, given)
            for condition in first.conditions:
                self.value(condition)
            for clause in others:
                self.assign(clause.target, self.turns(clause.iterable, self.value(clause.iterable)))
                for condition in clause.conditions:
                    self.value(condition)
            element = self.value(expr.element)
            if expr.value is not None:
                self.store(box, element, self.value(expr.value))
            else:
                state.boxes.add(box, element)
            self._join(before)
        if state.variables is not None:
            for name in own:
                state.variables.pop((name, state.path), None)
        state.frames, state.path = outer_frames, outer_path
        return frozenset({box})

    # --- assignment

    def assign(self, target: Expr, value: Value) -> None:
        """Assign a value to a target of any form."""
        state = self.state
        match target:
            case syntax.Name(id=name):
                state.write(name, value)
            case syntax.Starred(value=inner):
                box = self.box(target)
                state.boxes.add(box, value)
                self.assign(inner, frozenset({box}))
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                self._unpack(items, value)
            case syntax.Subscript(value=owner, index=index):
                held, keys = self.value(owner), self.value(index)
                if self._is_other_variable(owner):
                    state.use(value)
                state.may_fail = True
                for atom in held:
                    if isinstance(atom, Box) and isinstance(index, syntax.Slice):
                        state.boxes.add(atom, self.turns(target, value))
                        state.boxes.shuffle(atom)
                    elif isinstance(atom, Box):
                        self.store(atom, keys, value)
            case _:
                self.value(target)

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
                    found |= self.turns(item, frozenset({atom}))
                else:
                    found |= state.boxes.at(atom, number)
            self.assign(item, found)

    # --- functions

    def function(
        self, node: syntax.Function | syntax.Lambda, parameters: syntax.Parameters, names: ScopeNames
    ) -> Value:
        """Return a function of the rules as a value."""
        defaults = {item.name: self.value(item.default) for item in parameters.items if item.default is not None}
        met = Met(node, names, self.state.frames, defaults, syntax.depth(node), self.state.base)
        return frozenset({self.state.routine(met)})

    # --- ways that fork

    def _fork(self) -> Variables | None:
        variables = self.state.variables
        return None if variables is None else dict(variables)

    def _join(self, before: Variables | None) -> None:
        """Go on with what holds whether the last part ran or not."""
        self.state.variables = joined(before, self.state.variables)

    def capture(self, pattern: syntax.Pattern, subject: Value) -> None:
        """Assign what a pattern of `case` binds."""
        for name in captured_names(pattern):
            if isinstance(pattern, syntax.CapturePattern | syntax.AsPattern) and pattern.name == name:
                self.state.write(name.id, subject)
            else:
                inside = self.state.untold(name, "it is a part of another value")
                self.state.write(name.id, inside | frozenset(self.state.boxes.within(subject)))


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
