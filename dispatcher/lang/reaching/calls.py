"""What calls may give: of methods of texts and boxes, of a few functions that hand on what they get, of the rules' own.

A function of the rules is walked anew for each call, so that what comes of one does not mix with another. Where calls
go too deep, and where there are too many, nothing is told of their results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from dispatcher.lang import syntax
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.reaching.state import Frame, Met, State
from dispatcher.lang.reaching.values import (
    NOTHING,
    Atom,
    Box,
    Known,
    Member,
    Place,
    Routine,
    Untold,
    Value,
    is_text,
)
from dispatcher.lang.records import dataclass
from dispatcher.lang.scopes import all_statements

if TYPE_CHECKING:
    from dispatcher.lang.syntax import Expr

# Calls around each other, and combinations of a text and arguments, that are worked out.
MAX_CALLS, MAX_COMBINED = 8, 256
MAX_DEPTH = 230

_RUNS = "it is worked out when the rule runs"

# Methods that make of a text another that can be told.
_TEXTS: dict[str, Callable[..., str]] = {
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "lower": str.lower,
    "upper": str.upper,
    "casefold": str.casefold,
    "title": str.title,
    "capitalize": str.capitalize,
    "swapcase": str.swapcase,
    "replace": str.replace,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
}
# Those that give some of its parts.
_PARTS: dict[str, Callable[..., Sequence[str]]] = {
    "split": str.split,
    "rsplit": str.rsplit,
    "splitlines": str.splitlines,
    "partition": str.partition,
    "rpartition": str.rpartition,
}
# Those that tell something of it, and fail for no text.
_ASKED = frozenset({"startswith", "endswith", "find", "rfind", "count", "join", "format", "encode"})
# Functions that hand on the items of what they get, in whatever order.
_COLLECT = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter"})
_COLLECT_IN = frozenset({("itertools", "cycle"), ("itertools", "chain"), ("random", "choices"), ("random", "sample")})
# Those that fail for nothing that they are given here.
_SAFE = frozenset({"print", "bool", "isinstance", "repr", "str", "len", "any", "all", "range", "type", "callable"})


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

    def at(self, box: Box, keys: Value) -> Value: ...

    def look_up(self, index: Expr, keys: Value, held: Value) -> None: ...

    def store(self, box: Box, keys: Value, value: Value) -> None: ...

    def truth(self, expr: Expr) -> Value: ...


class Calls:
    """Works calls out."""

    def __init__(self, state: State, evaluator: Evaluator) -> None:
        self.state = state
        self._of = evaluator
        # Walks the body of a function and returns what it gives; set by whoever walks statements.
        self.walk: Callable[[tuple[syntax.Stmt, ...]], Value] = lambda _body: NOTHING

    def call(self, expr: syntax.Call) -> Value:
        """Return what a call may give."""
        if isinstance(expr.function, syntax.Attribute):
            owner = self._of.value(expr.function.value)
            if not any(isinstance(atom, Member) for atom in owner):
                return self._methods(expr, expr.function.name, owner, self._arguments(expr))
        function = self._of.value(expr.function)
        arguments = self._arguments(expr)
        found = NOTHING
        for atom in function:
            if isinstance(atom, Routine):
                found |= self._routine(expr, atom, arguments)
            elif isinstance(atom, Member):
                found |= self._member(expr, atom, arguments)
            else:
                found |= self._unknown(expr, arguments)
        return found

    def _arguments(self, expr: syntax.Call) -> Arguments:
        positions: list[Value] = []
        named: dict[str, Value] = {}
        spread = NOTHING
        for argument in expr.arguments:
            value = self._of.value(argument.value)
            if argument.kind == "*":
                spread |= self._of.turns(argument.value, value)
            elif argument.kind:
                for atom in value:
                    spread |= self.state.boxes.items(atom) if isinstance(atom, Box) else frozenset({atom})
            elif argument.name is not None:
                named[argument.name] = value
            elif spread:
                spread |= value
            else:
                positions.append(value)
        return Arguments(tuple(positions), named, spread)

    def _unknown(self, expr: syntax.Node, arguments: Arguments) -> Value:
        """Return the result of a call of which nothing is known, which may do anything with its arguments."""
        self.state.may_fail = True
        self.state.use(arguments.all())
        for atom in arguments.all():
            if isinstance(atom, Routine):
                self._blur(atom, expr)
        return self.state.untold(expr, _RUNS)

    # --- methods

    def _methods(self, expr: syntax.Call, name: str, owner: Value, arguments: Arguments) -> Value:
        found = NOTHING
        for atom in owner:
            if isinstance(atom, Box):
                found |= self._of_box(expr, name, atom, arguments)
            elif is_text(frozenset({atom})):
                found |= self._of_text(expr, name, atom, arguments)
            else:
                self.state.use(frozenset({atom}))
                found |= self._unknown(expr, arguments)
        return found

    def _of_text(self, expr: syntax.Call, name: str, text: Atom, arguments: Arguments) -> Value:
        state = self.state
        state.use(frozenset({text}))
        state.use(arguments.all())
        # These two take tuples.
        takes_any = name in ("startswith", "endswith") and arguments.positions
        if name == "join" or not (takes_any or is_text(arguments.all())):
            state.may_fail = True
        if name in ("startswith", "endswith") or name.startswith("is"):
            return self._of.truth(expr)
        if name not in _TEXTS and name not in _PARTS:
            state.may_fail = state.may_fail or name not in _ASKED
            return state.untold(expr, _RUNS, is_text=name in ("join", "format", "expandtabs", "center"))
        known = [[atom.value for atom in value if isinstance(atom, Known)] for value in arguments.positions]
        told = not arguments.named and not arguments.spread and isinstance(text, Known)
        told = told and [len(values) for values in known] == [len(value) for value in arguments.positions]
        results = self._results(name, text, known) if told and isinstance(text, Known) else None
        if name in _TEXTS:
            if results is None or not isinstance(text, Known):
                return state.untold(expr, _RUNS, is_text=True)
            return frozenset(Known(result, text.place) for result in results if isinstance(result, str))
        box = self._of.box(expr)
        if results is None or not isinstance(text, Known):
            state.boxes.add(box, state.untold(expr, _RUNS, is_text=True))
        else:
            parts = {part for result in results for part in result}
            state.boxes.add(box, frozenset(Known(part, text.place) for part in parts))
        return frozenset({box})

    def _results(self, name: str, text: Known, arguments: Sequence[Sequence[Any]]) -> list[Any] | None:
        """Return what a method gives for each combination of arguments; None: there are too many."""
        count = 1
        for values in arguments:
            count *= len(values)
        function: Callable[..., Any] = _TEXTS.get(name) or _PARTS[name]
        # Replacing nothing by something long gets long.
        longest = len(text.value) * max((len(str(value)) for values in arguments for value in values), default=1)
        if count > MAX_COMBINED or longest > 10_000:
            return None
        results: list[Any] = []
        for chosen in product(*arguments):
            try:
                results.append(function(text.value, *chosen))
            except (TypeError, ValueError):
                self.state.may_fail = True
        return results

    def _of_box(self, expr: syntax.Call, name: str, box: Box, arguments: Arguments) -> Value:  # noqa: C901 - one case for each method
        state, boxes = self.state, self.state.boxes
        given = arguments.positions
        match name:
            case "get" | "setdefault" | "pop" if given and boxes.is_dict(box):
                self._of.look_up(expr.arguments[0].value, given[0], frozenset({box}))
                failing = state.may_fail
                found = self._of.at(box, given[0])
                if name != "pop" or len(given) > 1:
                    state.may_fail = failing
                other = given[1] if len(given) > 1 else frozenset({Known(None, state.place(expr))})
                if name == "setdefault":
                    self._of.store(box, given[0], other)
                elif name == "pop":
                    boxes.shuffle(box)
                return found | other
            case "pop":
                state.may_fail = True
                boxes.shuffle(box)
                return boxes.items(box)
            case "keys" | "values" | "items" if boxes.is_dict(box):
                made = self._of.box(expr)
                if name == "items":
                    pair = self._of.box(expr, "pair")
                    boxes.put(pair, 0, boxes.keys(box))
                    boxes.put(pair, 1, boxes.items(box))
                    boxes.add(made, frozenset({pair}))
                else:
                    boxes.add(made, boxes.keys(box) if name == "keys" else boxes.items(box))
                return frozenset({made})
            case "popitem" if boxes.is_dict(box):
                state.may_fail = True
                boxes.shuffle(box)
                pair = self._of.box(expr, "pair")
                boxes.put(pair, 0, boxes.keys(box))
                boxes.put(pair, 1, boxes.items(box))
                return frozenset({pair})
            case "append" | "add" | "appendleft" if given:
                boxes.add(box, given[0])
            case "insert" if len(given) > 1:
                boxes.shuffle(box)
                boxes.add(box, given[1])
            case "extend" | "extendleft" if given:
                boxes.add(box, self._of.turns(expr, given[0]))
            case "update":
                for value in given:
                    self.update(expr, box, value)
                for key, value in arguments.named.items():
                    self._of.store(box, frozenset({Known(key, state.place(expr))}), value)
            case "copy":
                made = self._of.box(expr, is_dict=boxes.is_dict(box))
                boxes.merge(made, box)
                return frozenset({made})
            case "index" | "count":
                state.use(arguments.all() | boxes.items(box))
                state.may_fail = True
                return state.untold(expr, _RUNS)
            case _:
                state.may_fail = True
                state.use(arguments.all())
                if name in MUTATORS:
                    boxes.shuffle(box)
                    boxes.add(box, arguments.all())
                made = self._of.box(expr)
                boxes.add(made, boxes.items(box) | self._inside(arguments.all()))
                return frozenset({made}) if name in ("union", "intersection", "difference") else self._none(expr)
        return self._none(expr)

    def _none(self, expr: syntax.Node) -> Value:
        return frozenset({Known(None, self.state.place(expr))})

    def _inside(self, value: Value) -> Value:
        return NOTHING.union(*(self.state.boxes.turns(atom) for atom in value if isinstance(atom, Box)))

    def update(self, node: syntax.Node, box: Box, value: Value) -> None:
        """Add to a box what is in another: to a dict what is in a dict, or in pairs."""
        boxes = self.state.boxes
        for atom in value:
            if not boxes.is_dict(box) or not isinstance(atom, Box):
                boxes.add(box, self._of.turns(node, frozenset({atom})))
            elif boxes.is_dict(atom):
                boxes.merge(box, atom)
            else:
                for pair in boxes.items(atom):
                    if isinstance(pair, Box):
                        self._of.store(box, boxes.at(pair, 0), boxes.at(pair, 1))
                    else:
                        boxes.add(box, self._of.turns(node, frozenset({pair})))

    # --- functions of the tables

    def _member(self, expr: syntax.Call, member: Member, arguments: Arguments) -> Value:  # noqa: C901 - one case for each function
        state, boxes, of = self.state, self.state.boxes, self._of
        given = arguments.positions
        place = state.place(expr)
        match member.module, member.name:
            case "", "str" if len(given) == 1 and not arguments.named:
                state.use(given[0])
                found = NOTHING
                for atom in given[0]:
                    if isinstance(atom, Known):
                        found |= {Known(str(atom.value), atom.place)}
                    else:
                        found |= {Untold(place, _RUNS, is_text=True)}
                return found
            case "", "int" if len(given) == 1 and not arguments.named:
                return self._int(given[0], place)
            case "", "min" | "max" if given:
                state.may_fail = True
                state.use(arguments.all())
                for function in arguments.named.get("key", NOTHING):
                    self._each(expr, frozenset({function}), arguments.all())
                otherwise = arguments.named.get("default", NOTHING)
                return (of.turns(expr, given[0]) if len(given) == 1 else NOTHING.union(*given)) | otherwise
            case "", "next" if given:
                state.may_fail = state.may_fail or len(given) == 1
                return of.turns(expr, given[0]).union(*given[1:])
            case ("random", "choice") if len(given) == 1:
                state.may_fail = True
                return of.turns(expr, given[0])
            case ("", "dict") | ("collections", "OrderedDict"):
                box = of.box(expr, is_dict=True)
                for value in given:
                    self.update(expr, box, value)
                for key, value in arguments.named.items():
                    of.store(box, frozenset({Known(key, place)}), value)
                boxes.add(box, arguments.spread)
                return frozenset({box})
            case "", "enumerate" if given:
                pairs = of.box(expr, "pair")
                boxes.put(pairs, 0, state.untold(expr, _RUNS))
                boxes.put(pairs, 1, of.turns(expr, given[0]))
                return self._boxed(expr, frozenset({pairs}))
            case "", "zip" if not arguments.spread:
                row = of.box(expr, "row")
                for position, value in enumerate(given):
                    boxes.put(row, position, of.turns(expr, value))
                return self._boxed(expr, frozenset({row}))
            case "", "filter" if len(given) == 2:
                items = of.turns(expr, given[1])
                self._each(expr, given[0], items)
                return self._boxed(expr, items)
            case "", "map" if len(given) == 2:
                return self._boxed(expr, self._each(expr, given[0], of.turns(expr, given[1])))
            case "", name if name in _COLLECT and len(given) <= 1:
                keyed = arguments.named.get("key", NOTHING)
                items = of.turns(expr, given[0]) if given else NOTHING
                self._each(expr, keyed, items)
                state.may_fail = state.may_fail or bool(keyed) or name == "sorted"
                return self._boxed(expr, items)
            case module_and_name if module_and_name in _COLLECT_IN:
                state.may_fail = True
                inside = NOTHING.union(*(of.turns(expr, value) for value in given[:1])) | arguments.spread
                if member.name == "chain":
                    inside = NOTHING.union(*(of.turns(expr, value) for value in given)) | arguments.spread
                return self._boxed(expr, inside)
            case _:
                failing = state.may_fail
                found = self._unknown(expr, arguments)
                state.may_fail = failing or member.module != "" or member.name not in _SAFE
                return of.truth(expr) if member.name in ("bool", "any", "all", "isinstance") else found

    def _int(self, value: Value, place: Place) -> Value:
        self.state.use(value)
        found = NOTHING
        for atom in value:
            try:
                number = int(atom.value) if isinstance(atom, Known) and len(str(atom.value)) < 20 else None
            except (TypeError, ValueError, OverflowError):
                number = None
            if number is None:
                self.state.may_fail = True
                found |= {Untold(place, _RUNS)}
            else:
                found |= {Known(number, place)}
        return found

    def _boxed(self, expr: syntax.Node, items: Value) -> Value:
        box = self._of.box(expr)
        self.state.boxes.add(box, items)
        return frozenset({box})

    def _each(self, expr: syntax.Call, functions: Value, items: Value) -> Value:
        """Return what functions may give for each of some items."""
        found = NOTHING
        arguments = Arguments((items,), {}, NOTHING)
        for function in functions:
            if isinstance(function, Routine):
                found |= self._routine(expr, function, arguments)
            elif isinstance(function, Member):
                found |= self._member(expr, function, arguments)
            elif not isinstance(function, Known):
                found |= self._unknown(expr, arguments)
            else:
                found |= items
        return found

    # --- functions of the rules

    def _routine(self, expr: syntax.Call, routine: Routine, arguments: Arguments) -> Value:
        state = self.state
        met = state.routines[routine.number]
        deep = len(state.path) >= MAX_CALLS or state.depth + met.depth > MAX_DEPTH
        if deep or not state.may_call():
            self._blur(routine, expr)
            return self._unknown(expr, arguments)
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

    def _blur(self, routine: Routine, expr: syntax.Node) -> None:
        """Note that a function that is not walked may have changed what it declares as the file's."""
        met = self.state.routines[routine.number]
        body = met.node.body if isinstance(met.node, syntax.Function) else ()
        names: Iterable[str] = {
            self.state.schema.aliases.get(name.id, name.id)
            for statement in all_statements(body)
            if isinstance(statement, syntax.Global | syntax.Nonlocal)
            for name in statement.names
        }
        self.state.blur(names, Untold(self.state.place(expr), _RUNS))
