"""Conditions that are always true or always false by the way they are written, whatever the ticket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from dispatcher.lang import syntax
from dispatcher.lang.analysis.facts import CALLABLES, Fact, within
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.methods import METHODS, MUTATORS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.repairs import Help, repair
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr, Node

# Longest piece of a rule that a hint spells out.
LONGEST_HINT = 120


def is_text(expr: Expr) -> bool:
    """Tell whether an expression is a text as written that is not empty."""
    return isinstance(expr, syntax.Constant) and isinstance(expr.value, str) and expr.value != ""


def check_operands(findings: Findings, operation: syntax.BooleanOperation, *, tested: bool) -> None:
    """Report literals that stand alone in an `and` or `or`; `tested` says that only its truth counts."""
    *before, last = operation.operands
    compared = any(_compared(operand) for operand in operation.operands)
    # A number is taken for a mistake only where its truth counts and another is compared: `priority == 1 or 2`.
    forgotten = _is_literal if tested and compared else is_text
    alone = [operand for operand in before if forgotten(operand)]
    if forgotten(last) and (tested or any(_compared(operand) for operand in before)):
        alone.append(last)
    if not alone or not (tested or compared or operation.op == "or"):
        return
    shown = findings.quote(alone[0], "the text")
    if tested or compared:
        effect = "the whole is always true" if operation.op == "or" else "it decides nothing"
        message = f"{shown} is compared with nothing and counts as true, so {effect}"
        findings.add("constant-condition", message, alone[0], _spelled_out(findings, operation))
    else:
        message = f"{shown} is always true, so what stands behind this `or` is never looked at"
        findings.add("constant-condition", message, alone[0])


def check_alternatives(findings: Findings, comparison: syntax.Comparison) -> None:
    """Report texts joined by `and` or `or` before they are compared: only one of them is."""
    ((op, right), *more) = comparison.rest
    for side, other in ((comparison.first, right), (right, comparison.first)):
        if more or not isinstance(side, syntax.BooleanOperation) or not all(map(is_text, side.operands)):
            continue
        counts = side.operands[0] if side.op == "or" else side.operands[-1]
        sides = [(text, other) if side is comparison.first else (other, text) for text in side.operands]
        written = f" {side.op} ".join(f"{findings.text(a)} {op} {findings.text(b)}" for a, b in sides)
        findings.add(
            "constant-condition",
            f"only {findings.quote(counts, 'one text')} is compared: that is what this `{side.op}` gives",
            side.operands[0],
            _written(written, comparison),
        )


def _compared(operand: Expr) -> bool:
    """Tell whether an operand looks for a literal, as in `'a' in msg` and `team == 'a'`."""
    if not isinstance(operand, syntax.Comparison) or len(operand.rest) > 1:
        return False
    ((op, right),) = operand.rest
    return op in ("==", "!=", "in", "not in") and (_is_literal(operand.first) or _is_literal(right))


def _is_literal(expr: Expr) -> bool:
    """Tell whether an expression is a text or a number as written that is true."""
    return isinstance(expr, syntax.Constant) and type(expr.value) in (str, int, float) and bool(expr.value)


def _spelled_out(findings: Findings, operation: syntax.BooleanOperation) -> Help:
    """Return how to write each operand as a comparison of its own, after the one that is there."""
    model = next((operand for operand in operation.operands if _compared(operand)), None)
    if not isinstance(model, syntax.Comparison):
        return "compare each text: `'a' in msg or 'b' in msg`"
    ((op, right),) = model.rest
    parts = []
    for operand in operation.operands:
        if not _is_literal(operand):
            parts.append(findings.text(operand))
        elif _is_literal(model.first):
            parts.append(f"{findings.text(operand)} {op} {findings.text(right)}")
        else:
            parts.append(f"{findings.text(model.first)} {op} {findings.text(operand)}")
    return _written(f" {operation.op} ".join(parts), operation)


def _written(text: str, place: Expr) -> Help:
    if len(text) > LONGEST_HINT or "\n" in text:
        return "compare each text by itself"
    words = f"write `{text}`"
    # An operand that binds less tightly stands in brackets, which are no part of it.
    loose = (syntax.BooleanOperation, syntax.Conditional, syntax.Lambda, syntax.NamedExpression)
    operands = place.operands if isinstance(place, syntax.BooleanOperation) else ()
    return words if any(isinstance(operand, loose) for operand in operands) else repair(words, text, place.span)


def always(expr: Expr) -> tuple[bool, str] | None:
    """Return the truth that an expression always has by its form, with the reason; None where it may have either.

    Numbers, True, False and None are left out: who writes `if False:` means it.
    """
    match expr:
        case syntax.Constant(value=str() as text):
            return (True, "a text is true unless it is empty") if text else (False, "an empty text is false")
        case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items) | syntax.SetDisplay(items=items):
            if any(not isinstance(item, syntax.Starred) for item in items):
                return True, "it is not empty"
        case syntax.DictDisplay(entries=entries):
            if any(key is not None for key, _ in entries):
                return True, "it is not empty"
        case syntax.FormattedString(parts=parts):
            if any(isinstance(part, str) and part for part in parts):
                return True, "a text is true unless it is empty"
        case syntax.Lambda() | syntax.Comprehension(kind="generator"):
            return True, "a function and a generator are true, whatever they give"
        case _:
            pass
    return None


def is_function(expr: Expr, fact: Fact) -> bool:
    """Tell whether a name, or what stands behind a dot, is surely a function and not its result."""
    if isinstance(expr, syntax.Name):
        return within(fact, CALLABLES)
    return isinstance(expr, syntax.Attribute) and (within(fact, CALLABLES) or expr.name in methods_only())


def report_uncalled(findings: Findings, expr: Expr) -> None:
    """Report a function that stands where its result was meant."""
    shown = findings.quote(expr, "the function")
    words = f"write `{findings.text(expr)}()`" if shown.startswith("`") else "write `()` behind it"
    hint = repair(words, "()", Span(expr.end, expr.end))
    findings.add("uncalled-function", f"{shown} is a function that is not called", expr, hint)


def is_switched_off(condition: Expr) -> bool:
    """Tell whether a condition is False, None or zero as written."""
    return isinstance(condition, syntax.Constant) and not condition.value and condition.value != ""


def is_endless(condition: Expr) -> bool:
    """Tell whether a condition is True or another constant that is."""
    return isinstance(condition, syntax.Constant) and bool(condition.value)


def always_matches(pattern: syntax.Pattern) -> bool:
    """Tell whether a pattern matches every value."""
    match pattern:
        case syntax.CapturePattern():
            return True
        case syntax.AsPattern(pattern=inner):
            return always_matches(inner)
        case syntax.OrPattern(alternatives=alternatives):
            return any(always_matches(alternative) for alternative in alternatives)
        case _:
            return False


def doubted(condition: Expr) -> Iterator[str]:
    """Yield the variables whose type a condition may tell: those it tests for truth, identity, equality or type."""
    pending: list[Node] = [condition]
    while pending:
        match pending.pop():
            case syntax.Name(id=name):
                yield name
            case syntax.NamedExpression(target=target, value=value):
                pending += (target, value)
            case syntax.UnaryOperation(op="not", operand=operand):
                pending.append(operand)
            case syntax.BooleanOperation(operands=operands):
                pending += operands
            case syntax.Comparison(first=first, rest=rest):
                pending.append(first)
                pending += (operand for _, operand in rest)
            case syntax.Call(arguments=arguments):
                pending += (argument.value for argument in arguments)
            case syntax.Attribute(value=value) | syntax.Subscript(value=value):
                pending.append(value)
            case _:
                pass


def repeats_itself(findings: Findings, expr: Expr) -> str:
    """Return the text by which a condition is known again; '' where looking twice may give another result."""
    pending: list[Node] = [expr]
    while pending:
        current = pending.pop()
        if isinstance(current, syntax.NamedExpression | syntax.Lambda | syntax.RefusedExpression):
            return ""
        if isinstance(current, syntax.Call) and not _is_settled(current.function):
            return ""
        pending.extend(syntax.children(current))
    return findings.text(expr)


_SETTLED = frozenset({"len", "any", "all", "str", "int", "float", "isinstance", "min", "max", "sum", "sorted", "abs"})


def _is_settled(function: Expr) -> bool:
    """Tell whether a function gives the same for the same values and changes nothing."""
    match function:
        case syntax.Name(id=name):
            return name in _SETTLED
        case syntax.Attribute(name=name):
            return name in pure_text_methods()
        case _:
            return False


@cache
def pure_text_methods() -> frozenset[str]:
    """Return the methods that only text has and no other value or module: they return a new value and do nothing."""
    others = {name for kind, table in METHODS.items() if kind is not str for name in table}
    members = {name for module in MODULES.values() for name in module.members}
    return frozenset(METHODS[str]) - others - members - MUTATORS


@cache
def methods_only() -> frozenset[str]:
    """Return the names that are a method of every value that has them, and neither a field nor a module's."""
    members = {name for module in MODULES.values() for name in module.members}
    fields = {entry.name for table in METHODS.values() for entry in table.values() if entry.field}
    names = {name for table in METHODS.values() for name in table}
    return frozenset(names - members - fields)
