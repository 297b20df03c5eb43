"""Statements that do nothing, conditions that repeat, and values that a ticket variable cannot take."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType

from dispatcher.lang import syntax
from dispatcher.lang.analysis import conditions
from dispatcher.lang.analysis.facts import Fact, within, words
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.methods import METHODS, MUTATORS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.repairs import Help, repair
from dispatcher.lang.schema import Variable
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr, Stmt

# What a rule may well call for its exception alone.
_RAISING = frozenset({"index", "rindex"})


_LEAVING: dict[type, str] = {
    syntax.Return: "`return`",
    syntax.Break: "`break`",
    syntax.Continue: "`continue`",
    syntax.Raise: "`raise`",
    syntax.Assert: "an `assert` that never holds",
    syntax.While: "a loop without an end",
    syntax.For: "a loop that never goes on",
    syntax.If: "branches that all leave",
    syntax.Match: "cases that all leave",
    syntax.Try: "a `try` that always leaves",
}


def report_unreachable(findings: Findings, statement: Stmt, before: Stmt) -> None:
    """Report the first statement behind one that never goes on."""
    message = f"this never runs: it stands behind {_LEAVING[type(before)]}"
    findings.add("unreachable-code", message, statement, "remove it, or move it up")


def check_chain(findings: Findings, statement: syntax.If) -> None:
    """Report an `elif` whose condition an earlier one of the chain has taken already."""
    seen: dict[str, int] = {}
    for branch in statement.branches:
        condition = branch.condition
        text = conditions.repeats_itself(findings, condition)
        if not text:
            seen.clear()
            continue
        parts: tuple[Expr, ...] = ()
        if isinstance(condition, syntax.BooleanOperation) and condition.op == "and":
            parts = condition.operands
        for taken in (text, *(findings.text(part) for part in parts)):
            if taken in seen:
                line = findings.line(seen[taken])
                message = f"this branch never runs: line {line} has taken every ticket for which this is true"
                findings.add("repeated-condition", message, condition, "change the condition, or remove the branch")
                break
        else:
            seen[text] = condition.start


def check_pointless(findings: Findings, expr: Expr, fact: Fact, variable: Callable[[str], Variable | None]) -> None:
    """Report an expression that stands alone and does nothing; `variable` tells the ticket variable of a name."""
    match expr:
        case syntax.Comparison(first=first, rest=((op, right), *_)):
            assigns = op == "==" and _can_be_set(first, variable)
            hint: Help = "write `if` before it, or `return` in a function"
            if assigns:
                # Nothing but the sign stands between a name alone and what it is compared with.
                sign = findings.find("==", first.end, right.start)
                hint = repair("write `=` to assign", "=", Span(sign, sign + 2))
            findings.add("unused-result", f"`{op}` compares, and nothing is done with the answer", expr, hint)
        case syntax.Name() | syntax.Attribute() if conditions.is_function(expr, fact):
            conditions.report_uncalled(findings, expr)
        case syntax.Call(function=syntax.Attribute(value=value, name=name)) if name in _pure_methods():
            shown = findings.quote(expr, "the call")
            becomes_text = within(fact, {str}) and _can_be_set(value, variable)
            instead = None
            if becomes_text:
                words = f"write `{findings.text(value)} = {findings.text(expr)}`"
                instead = repair(words, f"{findings.text(value)} = ", Span(expr.start, expr.start))
            findings.add("unused-result", f"{shown} returns a new value, with which nothing is done", expr, instead)
        case syntax.Call(function=syntax.Name(id="sorted")) if within(fact, {list}):
            message = "`sorted` returns a new list, with which nothing is done"
            findings.add("unused-result", message, expr, "write `words = sorted(words)`")
        case _:
            pass


def _can_be_set(expr: Expr, variable: Callable[[str], Variable | None]) -> bool:
    if not isinstance(expr, syntax.Name):
        return False
    found = variable(expr.id)
    return found is None or found.writable


@cache
def _pure_methods() -> frozenset[str]:
    """Return the methods that return something and do nothing, whatever value has them."""
    members = {name for module in MODULES.values() for name in module.members}
    names = {name for table in METHODS.values() for name, entry in table.items() if not entry.field}
    return frozenset(names - members - MUTATORS - _RAISING)


def check_write(
    findings: Findings, variable: Variable | None, value: Expr, fact: Fact, last_reads: dict[str, int]
) -> None:
    """Report a value that Halo cannot take from a ticket variable; one that is read below is only on its way."""
    if variable is None or not variable.writable or fact.kinds is None or last_reads.get(variable.name, -1) > value.end:
        return
    takes, wanted = _TAKES.get(variable.name) or _TAKES[variable.kind]
    if fact.kinds.isdisjoint(takes | {NoneType}) and not (fact.constant and not fact.constant[0]):
        message = f"`{variable.name}` takes {wanted}, not {words(fact)}"
        findings.add("unsuitable-value", message, value, f"`{variable.name}`: {variable.doc}")


# By the name of a variable, or else by what it holds at first.
_TAKES: dict[str, tuple[frozenset[type], str]] = {
    "exception": (frozenset({str}), "text"),
    "subject": (frozenset({str, int, float}), "text"),
    "any": (frozenset({str, int, float}), "a name or a number"),
    "text": (frozenset({str, int, float}), "text"),
    "mapping": (frozenset({dict}), "a dict"),
}
