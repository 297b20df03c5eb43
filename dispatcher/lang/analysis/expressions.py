"""What is certain of each expression, and what in it cannot work or cannot mean what it says.

`fact` looks at every expression once, in the order in which it runs, and returns what is certain of its value. What
runs only on some paths is looked at behind `State.enter`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from types import FunctionType, NoneType
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.analysis import conditions, results, samples
from dispatcher.lang.analysis.calls import Calls
from dispatcher.lang.analysis.comparisons import Comparisons
from dispatcher.lang.analysis.facts import (
    CALLABLES,
    NOTHING,
    NUMBERS,
    Fact,
    Method,
    either,
    of_constant,
    of_table,
    of_type,
    within,
    words,
)
from dispatcher.lang.analysis.names import Names
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.diagnostics import near_repair
from dispatcher.lang.methods import METHODS
from dispatcher.lang.repairs import Help, repair
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr
from dispatcher.lang.values import BoundMethod, ModuleValue, TypeValue


class Expressions:
    """Looks at the expressions of one scope after the other."""

    def __init__(self, findings: Findings, names: Names) -> None:
        self._findings = findings
        self._names = names
        self._calls = Calls(findings)
        self._comparisons = Comparisons(findings)

    # --- conditions

    def truth(self, expr: Expr) -> None:
        """Look at an expression of which only the truth counts."""
        while isinstance(expr, syntax.UnaryOperation) and expr.op == "not":
            expr = expr.operand
        if isinstance(expr, syntax.BooleanOperation):
            conditions.check_operands(self._findings, expr, tested=True)
            self._one_after_the_other(expr.operands, tested=True)
        else:
            self._constant(expr, self.fact(expr))

    def _constant(self, expr: Expr, fact: Fact) -> None:
        found = conditions.always(expr)
        if found is not None:
            truth, reason = found
            shown = self._findings.quote(expr)
            hint = "compare it with something" if isinstance(expr, syntax.Constant) else None
            self._findings.add("constant-condition", f"{shown} is always {str(truth).lower()}: {reason}", expr, hint)
        elif conditions.is_function(expr, fact):
            conditions.report_uncalled(self._findings, expr)
        elif within(fact, {NoneType}) and isinstance(expr, syntax.Call):
            self._findings.add("constant-condition", "this call always gives None, which is false", expr)

    def _one_after_the_other(self, operands: Iterable[Expr], *, tested: bool) -> list[Fact]:
        state = self._names.state
        outside, mark = state.entered, state.mark
        facts = []
        for number, operand in enumerate(operands):
            if number:
                state.enter()
            if tested and not conditions.is_text(operand):
                self.truth(operand)
            else:
                facts.append(self.fact(operand))
            state.doubt(conditions.doubted(operand))
        state.entered = outside
        state.take_back(mark)
        return facts

    # --- values

    def fact(self, expr: Expr) -> Fact:  # noqa: C901 - one case for each kind of node
        """Look at an expression and return what is certain of its value."""
        match expr:
            case syntax.Name():
                return self._names.read(expr)
            case syntax.Constant(value=value):
                return of_constant(value)
            case syntax.FormattedString():
                self._parts(expr)
                return of_type(str)
            case syntax.ListDisplay(items=items) | syntax.TupleDisplay(items=items) | syntax.SetDisplay(items=items):
                return self._display(expr, items)
            case syntax.DictDisplay(entries=entries):
                return self._dict(entries)
            case syntax.UnaryOperation():
                return self._unary(expr)
            case syntax.BinaryOperation(left=left, op=op, right=right):
                return self.operation(expr, self.fact(left), op, self.fact(right))
            case syntax.BooleanOperation(operands=operands):
                conditions.check_operands(self._findings, expr, tested=False)
                facts = self._one_after_the_other(operands, tested=False)
                return _all_of(facts)
            case syntax.Comparison():
                self._comparison(expr)
                return of_type(bool)
            case syntax.Conditional():
                return self._conditional(expr)
            case syntax.Lambda():
                self.defaults(expr.parameters)
                self._names.later(expr)
                return Fact(frozenset({FunctionType}), meaning=expr)
            case syntax.Attribute():
                return self._attribute(expr)
            case syntax.Subscript():
                return self._subscript(expr)
            case syntax.Slice(lower=lower, upper=upper, step=step):
                for part in (lower, upper, step):
                    if part is not None:
                        self.fact(part)
                return of_type(slice)
            case syntax.Call():
                return self._call(expr)
            case syntax.Starred(value=value):
                self.iterated(value)
                return NOTHING
            case syntax.NamedExpression(value=value):
                return self.fact(value)
            case syntax.Comprehension():
                return self._comprehension(expr)
            case syntax.RefusedExpression():
                return NOTHING

    def iterated(self, expr: Expr) -> Fact:
        """Look at an expression whose values are taken one by one, and return what is certain of it."""
        fact = self.fact(expr)
        if samples.unary("iter", fact) is None:
            self._impossible(f"{self._said(expr, fact)} cannot be taken apart or looped over", expr)
        return fact

    def defaults(self, parameters: syntax.Parameters) -> None:
        """Look at the defaults of a function, which run where it is defined."""
        for item in parameters.items:
            if item.default is not None:
                self.fact(item.default)

    def taken_apart(self, targets: Expr, fact: Fact) -> None:
        """Look at a value that several targets share."""
        if samples.unary("iter", fact) is None:
            self._impossible(f"{words(fact)} cannot be taken apart", targets)

    def surely_true(self, condition: Expr) -> bool:
        """Tell whether a condition holds for all that is known; reports nothing."""
        match condition:
            case syntax.Name(id=name):
                return self._names.known_fact(name).filled
            case syntax.Comparison(first=first, rest=((op, right),)) if op in _ORDER:
                a, b = self._settled(first), self._settled(right)
                return len(a) == len(b) == 1 and bool(_ORDER[op](a[0], b[0]))
            case _:
                return False

    def _settled(self, expr: Expr) -> tuple[float, ...]:
        """Return the number that an expression is known to be, if it is."""
        constant: tuple[Any, ...] = ()
        if isinstance(expr, syntax.Constant):
            constant = (expr.value,)
        elif isinstance(expr, syntax.Name):
            constant = self._names.known_fact(expr.id).constant
        return constant if constant and isinstance(constant[0], int | float) else ()

    def operation(self, place: syntax.Node, left: Fact, op: str, right: Fact) -> Fact:
        """Return what is certain of `left op right`, where both are looked at already."""
        result = samples.binary(op, left, right)
        if result is not None:
            return result
        hint = None
        if op == "+" and str in (left.kinds or ()) and not NUMBERS.isdisjoint(right.kinds or ()):
            hint = "write `str(...)` around the number, or use an f-string"
        elif op == "+" and str in (right.kinds or ()) and not NUMBERS.isdisjoint(left.kinds or ()):
            hint = "write `str(...)` around the number, or use an f-string; or `int(...)` around the text"
        a, b = words(left), words(right)
        self._impossible(f"Python has no `{op}` for {a} and {b}", place, hint)
        return NOTHING

    def augmented(self, place: syntax.Node, left: Fact, op: str, right: Fact) -> Fact:
        """Return what is certain of a variable behind `left op= right`."""
        taking_in = {"+": list, "|": dict}.get(op)
        if left.kinds is None or taking_in not in left.kinds:
            return self.operation(place, left, op, right)
        # A list and a dict take in whatever can be looped over.
        if left.only(taking_in) and samples.unary("iter", right) is None:
            self._impossible(f"{words(left)} cannot take in {words(right)} by `{op}=`", place)
        return Fact(left.kinds) if left.only(taking_in) else NOTHING

    def store(self, target: syntax.Subscript) -> None:
        """Look at an item that is assigned or deleted."""
        container, index = self.fact(target.value), self.fact(target.index)
        if container.only(dict):
            self._key(target.index, index)
        elif not samples.assignable(container, index):
            shown = self._said(target.value, container)
            hint = "make a new text, with `replace` or slices" if container.only(str) else None
            self._impossible(f"items of {shown} cannot be set or deleted", target, hint)

    # --- one kind of node each

    def _said(self, expr: Expr, fact: Fact) -> str:
        """Return the words for a value with its type: "`msg`, which is text,"."""
        kind = words(fact)
        simple = isinstance(expr, syntax.Name | syntax.Attribute | syntax.Call | syntax.Subscript)
        return f"{self._findings.quote(expr)}, which is {kind}," if simple else kind

    def _impossible(self, message: str, place: syntax.Node | Span, hint: str | None = None) -> None:
        self._findings.add("impossible-operation", message, place, hint)

    def _parts(self, expr: syntax.FormattedString) -> None:
        for part in expr.parts:
            if isinstance(part, syntax.FormattedField):
                self.fact(part.value)
                if part.spec is not None:
                    self._parts(part.spec)

    def _display(self, expr: Expr, items: tuple[Expr, ...]) -> Fact:
        kind = {syntax.ListDisplay: list, syntax.TupleDisplay: tuple}.get(type(expr), set)
        for item in items:
            fact = self.fact(item)
            if kind is set:
                self._key(item, fact)
        return Fact(frozenset({kind}), filled=any(not isinstance(item, syntax.Starred) for item in items))

    def _dict(self, entries: tuple[tuple[Expr | None, Expr], ...]) -> Fact:
        seen: set[tuple[type, Any]] = set()
        for key, value in entries:
            if key is not None:
                self._key(key, self.fact(key))
                if isinstance(key, syntax.Constant):
                    known = (type(key.value), key.value)
                    if known in seen:
                        shown = self._findings.quote(key, "this key")
                        self._findings.add(
                            "duplicate-key", f"{shown} is a key of this dict already; the last value counts", key
                        )
                    seen.add(known)
            self.fact(value)
        return Fact(frozenset({dict}), filled=any(key is not None for key, _ in entries))

    def _key(self, expr: Expr, fact: Fact) -> None:
        if samples.unary("hash", fact) is None:
            hint = "use a tuple" if fact.only(list) else None
            self._impossible(f"{words(fact)} cannot be a key or stand in a set", expr, hint)

    def _unary(self, expr: syntax.UnaryOperation) -> Fact:
        if expr.op == "not":
            self.truth(expr.operand)
            return of_type(bool)
        operand = self.fact(expr.operand)
        result = samples.unary(expr.op, operand)
        if result is None:
            self._impossible(f"Python has no `{expr.op}` for {words(operand)}", expr)
        return result or NOTHING

    def _conditional(self, expr: syntax.Conditional) -> Fact:
        self.truth(expr.condition)
        state = self._names.state
        mark, outside = state.mark, state.enter()
        state.doubt(conditions.doubted(expr.condition))
        value = self.fact(expr.value)
        other = self.fact(expr.other)
        state.take_back(mark)
        state.entered = outside
        return either(value, other)

    def _attribute(self, expr: syntax.Attribute) -> Fact:
        owner = self.fact(expr.value)
        if isinstance(owner.meaning, ModuleValue | TypeValue):
            # A type has the methods of its values too, which take the value first.
            members = owner.meaning.members
            return of_table(members[expr.name]) if expr.name in members else NOTHING
        if owner.kinds is None or any(kind not in METHODS for kind in owner.kinds):
            return NOTHING
        having = frozenset(kind for kind in owner.kinds if expr.name in METHODS[kind])
        place = Span(expr.end - len(expr.name), expr.end)
        if not having:
            kind = words(owner)
            known = {name for kind in owner.kinds for name in METHODS[kind]}
            self._findings.add(
                "missing-method",
                f"{kind} has no `.{expr.name}`",
                place,
                _ELSEWHERE.get((min(owner.kinds, key=str), expr.name)) or near_repair(expr.name, known),
            )
            return NOTHING
        if having != owner.kinds:
            return NOTHING
        method = Method(expr.name, having)
        fields = {METHODS[kind][expr.name].field for kind in having}
        if fields == {True}:
            return results.of_method(method, owner)
        return Fact(frozenset({BoundMethod}), meaning=method, letters=owner.letters) if fields == {False} else NOTHING

    def _subscript(self, expr: syntax.Subscript) -> Fact:
        value, index = self.fact(expr.value), self.fact(expr.index)
        if samples.binary("[]", value, index) is None:
            self._bad_index(expr, value, index)
            return NOTHING
        if value.only(str):
            return Fact(frozenset({str}), letters=value.letters)
        if index.only(slice) and within(value, {list, tuple, range}):
            return Fact(value.kinds)
        return NOTHING

    def _bad_index(self, expr: syntax.Subscript, value: Fact, index: Fact) -> None:
        shown = self._said(expr.value, value)
        if samples.binary("[]", value, of_type(int)) is None and not value.only(dict):
            self._impossible(f"{shown} has no items that `[...]` could take", expr)
        else:
            self._impossible(f"{shown} takes no {words(index)} as index".replace(" no a ", " no "), expr.index)

    def _call(self, expr: syntax.Call) -> Fact:
        function = self.fact(expr.function)
        arguments = tuple(self._argument(argument) for argument in expr.arguments)
        if function.kinds is not None and function.kinds.isdisjoint(CALLABLES) and not _may_be_called(function):
            message = f"{self._said(expr.function, function)} is no function and cannot be called"
            self._findings.add("uncallable-value", message, expr.function)
            return NOTHING
        self._calls.check(expr, function, arguments)
        if isinstance(function.meaning, Method):
            owner = Fact(function.meaning.owners, letters=function.letters)
            self._comparisons.check_search(expr, function.meaning, owner)
            return results.of_method(function.meaning, owner)
        return results.of_function(function.meaning, arguments)

    def _argument(self, argument: syntax.Argument) -> Fact:
        return self.iterated(argument.value) if argument.kind == "*" else self.fact(argument.value)

    def _comprehension(self, expr: syntax.Comprehension) -> Fact:
        state = self._names.state
        first, *_ = expr.clauses
        self.iterated(first.iterable)
        mark, outside = state.mark, state.enter()
        self._names.inside(expr)
        for clause in expr.clauses:
            if clause is not first:
                self.iterated(clause.iterable)
            for condition in clause.conditions:
                self.truth(condition)
                state.doubt(conditions.doubted(condition))
        element = self.fact(expr.element)
        if expr.kind in ("set", "dict"):
            self._key(expr.element, element)
        if expr.value is not None:
            self.fact(expr.value)
        self._names.outside()
        state.take_back(mark)
        state.entered = outside
        kinds: dict[str, type] = {"list": list, "set": set, "dict": dict}
        return of_type(kinds[expr.kind]) if expr.kind in kinds else NOTHING

    def _comparison(self, expr: syntax.Comparison) -> None:
        conditions.check_alternatives(self._findings, expr)
        left_expr, left = expr.first, self.fact(expr.first)
        for op, right_expr in expr.rest:
            right = self.fact(right_expr)
            place = Span(left_expr.start, right_expr.end)
            if not self._comparisons.check(place, op, (left_expr, left), (right_expr, right)):
                # Nothing behind it is compared.
                return
            left_expr, left = right_expr, right


_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
}
# What other languages call, or Python has elsewhere.
_ELSEWHERE: dict[tuple[type, str], Help] = {
    (str, "append"): "texts are joined by `+`",
    (list, "add"): repair("did you mean `append`?", "append"),
    (list, "join"): "write `', '.join(...)`",
    (list, "split"): "split the text, not the list",
    (dict, "append"): "write `name[key] = value`",
    (dict, "add"): "write `name[key] = value`",
    (set, "append"): repair("did you mean `add`?", "add"),
}


def _all_of(facts: list[Fact]) -> Fact:
    result, *others = facts
    for fact in others:
        result = either(result, fact)
    return result


def _may_be_called(fact: Fact) -> bool:
    """Tell whether a value of these types may be a function of a kind that is not known here."""
    return any(kind not in METHODS and kind not in (NoneType, ModuleValue) for kind in fact.kinds or ())
