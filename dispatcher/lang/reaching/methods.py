"""What methods of texts, and of lists, tuples, sets and dicts may give, and what they do to these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.reaching.evaluating import RUNS, Arguments, Evaluator, none
from dispatcher.lang.reaching.state import State
from dispatcher.lang.reaching.values import NOTHING, Atom, Box, Known, Routine, Value, is_text

# Combinations of a text and arguments that are worked out.
MAX_COMBINED = 256

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

# Calls functions, any number of times, for what may be any of some items.
Each = Callable[[syntax.Call, Value, Value], Value]


class Methods:
    """Works out calls of methods."""

    def __init__(self, state: State, evaluator: Evaluator, each: Each) -> None:
        self.state = state
        self._of = evaluator
        self._each = each

    def of_text(self, expr: syntax.Call, name: str, text: Atom, arguments: Arguments) -> Value:
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
            return state.untold(expr, RUNS, is_text=name in ("join", "format", "expandtabs", "center"))
        known = [[atom.value for atom in value if isinstance(atom, Known)] for value in arguments.positions]
        told = not arguments.named and not arguments.spread and isinstance(text, Known)
        told = told and [len(values) for values in known] == [len(value) for value in arguments.positions]
        results = self._results(name, text, known) if told and isinstance(text, Known) else None
        if name in _TEXTS:
            if results is None or not isinstance(text, Known):
                return state.untold(expr, RUNS, is_text=True)
            return frozenset(Known(result, text.place) for result in results if isinstance(result, str))
        box = self._of.box(expr)
        if results is None or not isinstance(text, Known):
            state.boxes.add(box, state.untold(expr, RUNS, is_text=True))
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

    def of_box(self, expr: syntax.Call, name: str, box: Box, arguments: Arguments) -> Value:  # noqa: C901 - one case for each method
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
            case "keys" | "values" if boxes.is_dict(box):
                made = self._of.box(expr)
                boxes.follow(box, made, "keys" if name == "keys" else "items")
                return frozenset({made})
            case "items" if boxes.is_dict(box):
                pair = self._of.box(expr, "pair")
                boxes.follow(box, pair, "keys", 0)
                boxes.follow(box, pair, "items", 1)
                return self._of.boxed(expr, frozenset({pair}))
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
                return state.untold(expr, RUNS)
            case _:
                state.may_fail = True
                state.use(arguments.all())
                functions = frozenset(atom for atom in arguments.all() if isinstance(atom, Routine))
                self._each(expr, functions, boxes.items(box))
                if name in MUTATORS:
                    boxes.shuffle(box)
                    boxes.add(box, arguments.all() - functions)
                made = self._of.box(expr)
                boxes.add(made, boxes.items(box) | self._inside(arguments.all()))
                return frozenset({made}) if name in ("union", "intersection", "difference") else none(self.state, expr)
        return none(self.state, expr)

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
