"""Triggers: what must be true of a ticket's variables for a statement to act, read from its conditions.

A condition such as `email == 'a@x.example' and len(msg) > 10` is false without further ado where `email` is anything
else. Such a comparison of a variable, or of a text made from one by `lower()` and the like, with literals is a trigger
of its statement. A statement has triggers where this holds: if none of them is true, all its conditions are false, and
finding that out neither fails, nor changes anything, nor spends more than the steps that the statement is charged with
in any case. So nobody can tell whether it ran.

What evaluates a condition up to its trigger must be as quiet: comparisons that are triggers themselves, `is None`,
`==` with a literal, `not`, and the truth of ticket variables.
"""

from __future__ import annotations

from typing import Literal

from dispatcher.lang import syntax
from dispatcher.lang.records import dataclass, replace
from dispatcher.lang.schema import Schema
from dispatcher.lang.syntax import Expr

# How a variable is compared: `==` or `in [...]`; `literal in text`; `text.startswith(literal)` or `endswith`.
TriggerKind = Literal["equals", "contains", "starts", "ends"]
Value = str | int | float | bool | None

# Methods that make one text of another, whatever it holds.
TEXT_METHODS = frozenset({"lower", "upper", "casefold", "strip"})
# As many of them in a row as admins write.
MAX_METHODS = 3
_KINDS: dict[str, TriggerKind] = {"startswith": "starts", "endswith": "ends"}


@dataclass(frozen=True, slots=True)
class View:
    """A variable, and the methods that make of its text the one that is compared."""

    variable: str
    methods: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the name under which compiled rules find the text, or None where the variable holds none."""
        return f".{self.variable}" + "".join(f".{method}()" for method in self.methods)

    @property
    def found(self) -> str:
        """Return the name under which compiled rules find the set of literals that the text contains, or None."""
        return f".in {self.text}"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One comparison with one or several literals, of which one must be true; `at` tells where those begin."""

    kind: TriggerKind
    view: View
    literals: tuple[Value, ...]
    at: tuple[int, ...]
    # Where the comparison begins and ends.
    span: tuple[int, int]
    # Whether it holds for texts only; else the comparison is Python's own for any value.
    needs_text: bool
    # Whether the statement runs where it is true; else it is only evaluated on the way.
    wakes: bool = True


@dataclass(frozen=True, slots=True)
class Quiet:
    """The variables whose texts triggers may look into, and those that are always bound."""

    schema: Schema
    texts: frozenset[str]
    bound: frozenset[str]

    def variable(self, expr: Expr) -> str | None:
        """Return the ticket variable that `expr` reads, if it is one that is always bound."""
        if not isinstance(expr, syntax.Name):
            return None
        name = self.schema.aliases.get(expr.id, expr.id)
        return name if name in self.bound else None

    def view(self, expr: Expr) -> View | None:
        """Return the view that `expr` reads, or None."""
        methods: list[str] = []
        while isinstance(expr, syntax.Call) and len(methods) < MAX_METHODS:
            if expr.arguments or not isinstance(expr.function, syntax.Attribute):
                return None
            if expr.function.name not in TEXT_METHODS:
                return None
            methods.append(expr.function.name)
            expr = expr.function.value
        variable = self.variable(expr)
        if variable is None or (methods and variable not in self.texts):
            return None
        return View(variable, tuple(reversed(methods)))


def triggers_of(statement: syntax.Stmt, quiet: Quiet) -> tuple[Trigger, ...] | None:
    """Return the triggers of a top-level statement, or None where it has none."""
    if not isinstance(statement, syntax.If) or statement.orelse:
        return None
    found: list[Trigger] = []
    for branch in statement.branches:
        triggers = _of_condition(branch.condition, quiet)
        if triggers is None:
            return None
        found += triggers
    return tuple(found)


def _of_condition(expr: Expr, quiet: Quiet) -> list[Trigger] | None:
    """Return triggers without one of which `expr` is false, quietly."""
    trigger = trigger_of(expr, quiet)
    if trigger is not None:
        return [trigger]
    if not isinstance(expr, syntax.BooleanOperation):
        return None
    if expr.op == "or":
        found: list[Trigger] = []
        for operand in expr.operands:
            triggers = _of_condition(operand, quiet)
            if triggers is None:
                return None
            found += triggers
        return found
    best: list[Trigger] | None = None
    before: list[Trigger] = []
    for operand in expr.operands:
        triggers = _of_condition(operand, quiet)
        if triggers is not None and (best is None or _rank(triggers) < _rank(best)):
            best = [*triggers, *(replace(trigger, wakes=False) for trigger in before)]
        heard = _quiet_triggers(operand, quiet)
        if heard is None:
            break
        before += heard
    return best


def _rank(triggers: list[Trigger]) -> tuple[int, int]:
    """Order triggers by how seldom they are true: equality is the rarest."""
    return max(_RANKS[trigger.kind] for trigger in triggers if trigger.wakes), len(triggers)


_RANKS = {"equals": 0, "starts": 1, "ends": 1, "contains": 2}


def _quiet_triggers(expr: Expr, quiet: Quiet) -> list[Trigger] | None:
    """Return the triggers in an expression that is evaluated quietly, whatever they are; None where it is not quiet."""
    trigger = trigger_of(expr, quiet)
    if trigger is not None:
        return [trigger]
    match expr:
        case syntax.Constant():
            return []
        case syntax.Name():
            return [] if quiet.variable(expr) is not None else None
        case syntax.UnaryOperation(op="not", operand=operand):
            return _quiet_triggers(operand, quiet)
        case syntax.BooleanOperation(operands=operands):
            found: list[Trigger] = []
            for operand in operands:
                triggers = _quiet_triggers(operand, quiet)
                if triggers is None:
                    return None
                found += triggers
            return found
        case syntax.Comparison(first=first, rest=((op, syntax.Constant(value=value)),)):
            plain = op in ("==", "!=") or (op in ("is", "is not") and (value is None or isinstance(value, bool)))
            return [] if plain and quiet.variable(first) is not None else None
        case _:
            return None


def trigger_of(expr: Expr, quiet: Quiet) -> Trigger | None:
    """Return the trigger that an expression is, or None."""
    match expr:
        case syntax.Comparison(first=first, rest=((op, second),)):
            return _of_comparison(expr, first, op, second, quiet)
        case syntax.Call(
            function=syntax.Attribute(value=owner, name=("startswith" | "endswith") as method),
            arguments=(syntax.Argument(kind="", name=None, value=value),),
        ):
            view = quiet.view(owner)
            items = value.items if isinstance(value, syntax.TupleDisplay) else (value,)
            if view is None or view.variable not in quiet.texts:
                return None
            return _trigger(_KINDS[method], view, items, expr, needs_text=True)
        case _:
            return None


def _of_comparison(expr: Expr, first: Expr, op: str, second: Expr, quiet: Quiet) -> Trigger | None:
    if op == "==":
        view, literal = quiet.view(first), second
        if view is None:
            view, literal = quiet.view(second), first
        if view is None or not isinstance(literal, syntax.Constant):
            return None
        return _trigger("equals", view, (literal,), expr, needs_text=bool(view.methods))
    if op != "in":
        return None
    if isinstance(second, syntax.ListDisplay | syntax.TupleDisplay):
        view = quiet.view(first)
        if view is None or view.variable not in quiet.texts:
            return None
        return _trigger("equals", view, second.items, expr, needs_text=True)
    view = quiet.view(second)
    if view is None or view.variable not in quiet.texts:
        return None
    return _trigger("contains", view, (first,), expr, needs_text=True)


def _trigger(kind: TriggerKind, view: View, items: tuple[Expr, ...], expr: Expr, *, needs_text: bool) -> Trigger | None:
    literals: list[Value] = []
    for item in items:
        if not isinstance(item, syntax.Constant):
            return None
        if kind != "equals" and not isinstance(item.value, str):
            return None
        literals.append(item.value)
    if not literals:
        return None
    at = tuple(item.start for item in items)
    return Trigger(kind, view, tuple(literals), at, (expr.start, expr.end), needs_text)
