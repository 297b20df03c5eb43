"""What expressions may come to.

What is put together of known texts and numbers is worked out, as long as there are few combinations; all else is not
told. A text on which something else than a field's value depends is noted as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.reaching.calls import Calls
from dispatcher.lang.reaching.evaluating import RUNS
from dispatcher.lang.reaching.operations import Operations
from dispatcher.lang.reaching.state import Frame, Met, State, Variables, joined
from dispatcher.lang.reaching.targets import Targets
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
from dispatcher.lang.scopes import ScopeNames, function_names, target_names
from dispatcher.lang.syntax import Expr

# Nodes around each other; the limit on one statement leaves room for a few calls.
MAX_DEPTH = 240

# What may be called on a field before it is compared, without making another text of it than its name in other letters.
VIEWS = frozenset({"strip", "lower", "upper", "casefold", "title"})


class Expressions:
    """Works expressions out."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.calls = Calls(state, self)
        self.operations = Operations(state, self)
        self.targets = Targets(state, self)

    def value(self, expr: Expr) -> Value:
        """Return what an expression may come to."""
        state = self.state
        state.step()
        state.depth += 1
        found = self._value(expr) if state.depth <= MAX_DEPTH else state.untold(expr, RUNS)
        state.depth -= 1
        return found

    def _value(self, expr: Expr) -> Value:  # noqa: C901 - one case for each kind of node
        state = self.state
        match expr:
            case syntax.Constant(value=value):
                return frozenset({Known(value, state.place(expr), written=True)})
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
                return self.operations.unary(expr, op, found)
            case syntax.BinaryOperation(left=left, op=op, right=right):
                return self.operations.combined(expr, self.value(left), op, self.value(right))
            case syntax.BooleanOperation(op=op, operands=operands):
                return self._boolean(op, operands)
            case syntax.Comparison(first=first, rest=rest):
                return self._comparison(expr, first, rest)
            case syntax.Conditional(condition=condition, value=chosen, other=other):
                self.value(condition)
                before = state.fork()
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
                    found = self.value(part) if part is not None else NOTHING
                    state.use(found)
                    # Numbers without a fraction, of which a step is not zero.
                    state.may_fail = state.may_fail or part is expr.step or not is_number(found)
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
                return state.untold(expr, RUNS)

    def box(self, node: syntax.Node, part: str = "", *, is_dict: bool = False) -> Box:
        """Return the box that a place makes; `part` tells several of one place apart."""
        return self.state.boxes.open(Box(self.state.place(node), self.state.path, part), is_dict=is_dict)

    def boxed(self, node: syntax.Node, items: Value) -> Value:
        """Return a box with some items."""
        box = self.box(node)
        self.state.boxes.add(box, items)
        return frozenset({box})

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
        boxes.fill(box, frozenset(range(len(items))))
        return frozenset({box})

    def _dict(self, expr: Expr, entries: Iterable[tuple[Expr | None, Expr]]) -> Value:
        box = self.box(expr, is_dict=True)
        sure: set[Any] = set()
        for key, entry in entries:
            if key is None:
                self.calls.methods.update(entry, box, self.value(entry))
                continue
            keys = self.value(key)
            self.store(box, keys, self.value(entry))
            if len(keys) == 1:
                sure.update(atom.value for atom in keys if isinstance(atom, Known))
        self.state.boxes.fill(box, frozenset(sure))
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
                self.state.may_fail = True
                self.state.use(self.value(part.spec))
            plain = part.spec is None and part.conversion in (None, "s") and part.label is None
            known = [str(atom.value) for atom in found if isinstance(atom, Known)]
            pieces.append(known if plain and len(known) == len(found) else None)
        return self.operations.texts(expr, pieces)

    def _boolean(self, op: str, operands: Sequence[Expr]) -> Value:
        found = NOTHING
        for number, operand in enumerate(operands):
            if number + 1 == len(operands):
                return found | self._perhaps(operand, number > 0)
            value = self._perhaps(operand, number > 0)
            # `or` goes on from what is false, and gives only what is not.
            self.state.step(len(value) // 16)
            found |= {atom for atom in value if not isinstance(atom, Known) or bool(atom.value) == (op == "or")}
        return found

    def _perhaps(self, operand: Expr, perhaps: bool) -> Value:
        """Return what an operand may come to that perhaps is not looked at."""
        before = self.state.fork()
        value = self.value(operand)
        if perhaps:
            self._join(before)
        return value

    def _comparison(self, expr: Expr, first: Expr, rest: Sequence[tuple[str, Expr]]) -> Value:
        alone = len(rest) == 1 and rest[0][0] in ("==", "!=", "is", "is not")
        left, left_value = first, self._compared(first) if alone else self.value(first)
        for number, (op, right) in enumerate(rest):
            # A chain ends with the first part that is false.
            right_value = self._perhaps(right, number > 0)
            self._compare((left, left_value), op, (right, right_value))
            left, left_value = right, right_value
        return self.truth(expr)

    def _compared(self, expr: Expr) -> Value:
        """Return what may be compared, nothing for a field: of that it does not matter, and it may be a lot."""
        if self.field_view(expr) is None:
            return self.value(expr)
        # A field without a value has no methods.
        self.state.may_fail = self.state.may_fail or not isinstance(expr, syntax.Name)
        return NOTHING

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
                found |= self.state.untold(expr, RUNS)
                if isinstance(atom, Box) and name in MUTATORS:
                    # A method that may be called from anywhere.
                    self.state.boxes.spoil((atom,), self.state.untold(expr, RUNS))
        return found

    def _subscript(self, expr: syntax.Subscript, owner: Expr, index: Expr) -> Value:
        held = self.value(owner)
        at = self.value(index)
        if isinstance(index, syntax.Slice):
            return self._slice(expr, held)
        self.state.step(len(held) // 16)
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
            found = boxes.items(box)
            self.state.step(len(found) // 16)
            return found
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

        def turn() -> None:
            self.targets.assign(first.target, given)
            for condition in first.conditions:
                self.value(condition)
            for clause in others:
                self.targets.assign(clause.target, self.turns(clause.iterable, self.value(clause.iterable)))
                for condition in clause.conditions:
                    self.value(condition)
            element = self.value(expr.element)
            if expr.value is not None:
                self.store(box, element, self.value(expr.value))
            else:
                state.boxes.add(box, element)

        recorded: Variables = {}
        state.tries.append(recorded)
        state.repeat(expr, turn)
        state.tries.pop()
        if state.variables is not None:
            for name in own:
                state.variables.pop((name, state.path), None)
        state.frames, state.path = outer_frames, outer_path
        if expr.kind == "generator":
            state.lately(box, recorded)
        return frozenset({box})

    # --- functions

    def function(
        self, node: syntax.Function | syntax.Lambda, parameters: syntax.Parameters, names: ScopeNames
    ) -> Value:
        """Return a function of the rules as a value."""
        defaults = {item.name: self.value(item.default) for item in parameters.items if item.default is not None}
        met = Met(node, names, self.state.frames, defaults, syntax.depth(node), self.state.base)
        return frozenset({self.state.routine(met)})

    # --- ways that fork

    def _join(self, before: Variables | None) -> None:
        """Go on with what holds whether the last part ran or not."""
        self.state.variables = joined(before, self.state.variables)
