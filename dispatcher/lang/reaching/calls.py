"""What calls may give: of methods, of the rules' own functions, and of those in the tables that hand things on."""

from __future__ import annotations

from dispatcher.lang import syntax
from dispatcher.lang.reaching.evaluating import RUNS, Arguments, Evaluator, none
from dispatcher.lang.reaching.methods import Methods
from dispatcher.lang.reaching.routines import Routines
from dispatcher.lang.reaching.state import State, Variables
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

# Functions that hand on the items of what they get, in whatever order.
_COLLECT = frozenset({"list", "tuple", "set", "frozenset", "sorted"})
_COLLECT_IN = frozenset({("itertools", "cycle"), ("itertools", "chain"), ("random", "choices"), ("random", "sample")})
# Those that fail for nothing.
_SAFE = frozenset({"bool", "repr", "str", "type", "callable"})


class Calls:
    """Works calls out."""

    def __init__(self, state: State, evaluator: Evaluator) -> None:
        self.state = state
        self._of = evaluator
        self.methods = Methods(state, evaluator, self._each)
        self.routines = Routines(state, evaluator)

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
                found |= self.routines.call(expr, atom, arguments)
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

    def _unknown(self, expr: syntax.Call, arguments: Arguments) -> Value:
        """Return the result of a call of which nothing is known, which may do anything with its arguments."""
        self.state.may_fail = True
        self.state.use(arguments.all())
        found = self.state.untold(expr, RUNS)
        functions = frozenset(atom for atom in arguments.all() if isinstance(atom, Routine))
        if functions:
            self._each(expr, functions, found)
        return found

    # --- methods

    def _methods(self, expr: syntax.Call, name: str, owner: Value, arguments: Arguments) -> Value:
        found = NOTHING
        for atom in owner:
            if isinstance(atom, Box):
                found |= self.methods.of_box(expr, name, atom, arguments)
            elif is_text(frozenset({atom})):
                found |= self.methods.of_text(expr, name, atom, arguments)
            else:
                self.state.use(frozenset({atom}))
                found |= self._unknown(expr, arguments)
        return found

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
                        found |= {Untold(place, RUNS, is_text=True)}
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
                    self.methods.update(expr, box, value)
                for key, value in arguments.named.items():
                    of.store(box, frozenset({Known(key, place)}), value)
                boxes.add(box, arguments.spread)
                return frozenset({box})
            case "", "enumerate" if given:
                pairs = of.box(expr, "pair")
                boxes.put(pairs, 0, state.untold(expr, RUNS))
                self._go_through(expr, given[0], pairs, 1)
                return of.boxed(expr, frozenset({pairs}))
            case "", "zip" if not arguments.spread:
                row = of.box(expr, "row")
                for position, value in enumerate(given):
                    self._go_through(expr, value, row, position)
                return of.boxed(expr, frozenset({row}))
            case "", "filter" if len(given) == 2:
                return self._later(expr, given[0], given[1], is_filter=True)
            case "", "map" if len(given) == 2:
                return self._later(expr, given[0], given[1], is_filter=False)
            case "", "reversed" | "iter" if len(given) == 1:
                box = of.box(expr)
                self._go_through(expr, given[0], box)
                return frozenset({box})
            case "random", "shuffle" if given:
                state.may_fail = True
                boxes.spoil((atom for atom in given[0] if isinstance(atom, Box)), NOTHING)
                return none(state, expr)
            case "", name if name in _COLLECT and len(given) <= 1:
                keyed = arguments.named.get("key", NOTHING)
                items = of.turns(expr, given[0]) if given else NOTHING
                self._each(expr, keyed, items)
                state.may_fail = state.may_fail or bool(keyed) or name == "sorted"
                return of.boxed(expr, items)
            case module_and_name if module_and_name in _COLLECT_IN:
                state.may_fail = True
                box = of.box(expr)
                boxes.add(box, of.turns(expr, arguments.spread))
                for value in given if member.name == "chain" else given[:1]:
                    self._go_through(expr, value, box)
                return frozenset({box})
            case _:
                failing = state.may_fail
                found = self._unknown(expr, arguments)
                state.may_fail = failing or member.module != "" or not self._is_safe(member.name, arguments)
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
                found |= {Untold(place, RUNS)}
            else:
                found |= {Known(number, place)}
        return found

    def _is_safe(self, name: str, arguments: Arguments) -> bool:
        """Tell whether a function without a module takes what it gets."""
        given = arguments.positions
        if arguments.named or arguments.spread:
            return False
        match name:
            case "len":
                return len(given) == 1 and all(isinstance(atom, Box) or is_text(frozenset({atom})) for atom in given[0])
            case "any" | "all":
                return len(given) == 1 and all(isinstance(atom, Box) for atom in given[0])
            case "isinstance":
                return len(given) == 2 and all(isinstance(atom, Member) for atom in given[1])
            case "print":
                return True
            case _:
                return name in _SAFE and len(given) == 1

    def _go_through(self, expr: syntax.Node, value: Value, target: Box, position: int | None = None) -> None:
        """Let what going through a value gives be in a box, also what it gives later."""
        boxes = self.state.boxes
        for atom in value:
            if isinstance(atom, Box):
                boxes.follow(atom, target, "turns", position)
        others = self._of.turns(expr, frozenset(atom for atom in value if not isinstance(atom, Box)))
        if position is None:
            boxes.add(target, others)
        else:
            boxes.put(target, position, others)

    def _later(self, expr: syntax.Call, functions: Value, value: Value, *, is_filter: bool) -> Value:
        """Return the items of a value for which functions are called when they are wanted."""
        recorded: Variables = {}
        items = self._of.turns(expr, value)
        self.state.tries.append(recorded)
        results = self._each(expr, functions, items)
        self.state.tries.pop()
        box = self._of.box(expr)
        self.state.boxes.add(box, items if is_filter else results)
        self.state.lately(box, recorded)
        return frozenset({box})

    def _each(self, expr: syntax.Call, functions: Value, items: Value) -> Value:
        """Return what functions may give for each of some items."""
        found: set[Atom] = set()
        arguments = Arguments((items,), {}, NOTHING)

        def turn() -> None:
            for function in functions:
                if isinstance(function, Routine):
                    found.update(self.routines.call(expr, function, arguments))
                elif isinstance(function, Member):
                    found.update(self._member(expr, function, arguments))
                elif not isinstance(function, Known):
                    found.update(self._unknown(expr, arguments))
                else:
                    found.update(items)

        if functions:
            self.state.repeat(expr, turn)
        return frozenset(found)
