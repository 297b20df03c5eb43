"""Comparisons: what never compares, what is never equal, and letters of a case that is never there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from types import NoneType

from dispatcher.lang import syntax
from dispatcher.lang.analysis import conditions, samples
from dispatcher.lang.analysis.facts import NUMBERS, Fact, Kinds, Letters, Method, of_constant, within, words
from dispatcher.lang.analysis.letters import never_in
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.repairs import Help, repair
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr

# Types whose values are equal to none of another group.
_GROUPS: tuple[Kinds, ...] = (
    NUMBERS,
    *(frozenset({kind}) for kind in (str, NoneType, list, tuple, dict, range, timedelta, time)),
    frozenset({set, frozenset}),
    frozenset({date, datetime}),
)
# What a text cannot hold that went through these methods.
_LOST_LETTERS = {"lower": "capital letters", "upper": "small letters", "casefold": "letters that `casefold` replaces"}
# Methods that look for their first argument.
_SEEKING = frozenset({"startswith", "endswith", "find", "rfind", "index", "rindex", "count", "replace", "split"})

# An expression with what is certain of it.
Operand = tuple[Expr, Fact]


class Comparisons:
    """Checks comparisons, link by link, and searches in text."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def check(self, place: Span, op: str, left: Operand, right: Operand) -> bool:
        """Look at one link of a chain; tell whether it can be compared at all."""
        is_membership = op in ("in", "not in")
        if not is_membership and op not in ("is", "is not"):
            for expr, fact in (left, right):
                if isinstance(expr, syntax.Attribute) and conditions.is_function(expr, fact):
                    conditions.report_uncalled(self._findings, expr)
                    return True
        if op in ("==", "!="):
            self._equality(place, op, left, right)
        elif op not in ("is", "is not") and samples.binary(op, left[1], right[1]) is None:
            message, hint = _never_in(op, left[1], right[1]) if is_membership else _unordered(op, left[1], right[1])
            self._findings.add("impossible-operation", message, place, hint)
            return False
        elif is_membership:
            self._membership(op, left, right)
        return True

    def check_search(self, call: syntax.Call, method: Method, owner: Fact) -> None:
        """Look at a call of a method that looks for a text."""
        if owner.letters and call.arguments and method.name in _SEEKING:
            self._letters(
                call.arguments[0].value, _as_written(call.arguments[0].value), owner.letters, "it is never found"
            )

    def _equality(self, place: Span, op: str, left: Operand, right: Operand) -> None:
        (left_expr, a), (right_expr, b) = left, right
        result = "false" if op == "==" else "true"
        if a.kinds and b.kinds and _never_equal(a.kinds, b.kinds):
            message = f"always {result}: {words(a)} never equals {words(b)}"
            self._findings.add("never-equal", message, place, _hint(op, left, right))
        self._letters(right_expr, b, a.letters, f"this is always {result}")
        self._letters(left_expr, a, b.letters, f"this is always {result}")
        if op == "==" and self._is_same(left_expr, right_expr):
            shown = self._findings.quote(left_expr, "the same")
            self._findings.add("self-comparison", f"{shown} stands on both sides of this `==`", place)

    def _is_same(self, left: Expr, right: Expr) -> bool:
        if isinstance(left, syntax.Constant):
            return False
        text = conditions.repeats_itself(self._findings, left)
        return text != "" and text == self._findings.text(right)

    def _membership(self, op: str, left: Operand, right: Operand) -> None:
        (left_expr, a), (right_expr, b) = left, right
        self._letters(left_expr, a, b.letters, f"this is always {'false' if op == 'in' else 'true'}")
        if isinstance(right_expr, syntax.TupleDisplay | syntax.ListDisplay | syntax.SetDisplay):
            for item in right_expr.items:
                self._letters(item, _as_written(item), a.letters, "it never matches")

    def _letters(self, expr: Expr, fact: Fact, letters: Letters, result: str) -> None:
        """Report a text that a text of these letters cannot hold."""
        text = _text(fact)
        if not letters or text is None or not never_in(letters, text):
            return
        shown = self._findings.quote(expr, "the text")
        fitting = {"lower": str.lower, "upper": str.upper, "casefold": str.casefold}[letters](text)
        known = len(fitting) <= 60 and isinstance(expr, syntax.Constant)
        hint = repair(f"write `{fitting!r}`", repr(fitting)) if known else None
        message = f"{shown} has {_LOST_LETTERS[letters]}, and the text here has none, so {result}"
        self._findings.add("case-mismatch", message, expr, hint)


# What stands before `in` where one of several texts is meant: they, or what `any` makes of them.
_SEVERAL: Kinds = frozenset({list, tuple, set, frozenset, bool})


def _never_in(op: str, left: Fact, right: Fact) -> tuple[str, str | None]:
    """Return what is said of an `in` that always fails."""
    if right.only(str):
        hint = None
        if within(left, _SEVERAL):
            hint = "write `any(word in msg for word in words)` for one of several texts"
        elif within(left, NUMBERS):
            hint = "write `str(...)` around it"
        return f"only text can be looked for in text, not {words(left)}", hint
    if samples.unary("iter", right) is None:
        return f"`{op}` looks into a collection, and {words(right)} is none", None
    return f"{words(left)} cannot be looked for in {words(right)}", None


def _unordered(op: str, left: Fact, right: Fact) -> tuple[str, str | None]:
    """Return what is said of an order that does not exist."""
    with_number = within(left, NUMBERS) or within(right, NUMBERS)
    hint = "write `int(...)` around the text" if with_number and (left.only(str) or right.only(str)) else None
    return f"`{op}` cannot compare {words(left)} with {words(right)}", hint


def _never_equal(first: Kinds, second: Kinds) -> bool:
    return all(_group(a) is not _group(b) and None not in (_group(a), _group(b)) for a in first for b in second)


def _group(kind: type) -> Kinds | None:
    return next((group for group in _GROUPS if kind in group), None)


def _hint(op: str, left: Operand, right: Operand) -> Help | None:
    """Return what to write instead of an equality that never holds."""
    (expr, a), (_, b) = left, right
    if b.only(NoneType) and a.only(str) and isinstance(expr, syntax.Name):
        shown = f"{'not ' if op == '==' else ''}{expr.id}"
        return repair(f"write `{shown}` to see whether it is empty", shown)
    for (_, number), (written, fact) in ((left, right), (right, left)):
        text = _text(fact)
        if within(number, NUMBERS) and text is not None and text.isdecimal():
            words = f"write `{text}` without quotes"
            plain = isinstance(written, syntax.Constant) and text.isascii() and str(int(text)) == text
            return repair(words, text, written.span) if plain else words
    return None


def _text(fact: Fact) -> str | None:
    return fact.constant[0] if fact.constant and isinstance(fact.constant[0], str) else None


def _as_written(expr: Expr) -> Fact:
    return of_constant(expr.value) if isinstance(expr, syntax.Constant) else Fact()
