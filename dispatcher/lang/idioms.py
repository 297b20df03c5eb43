"""Idioms: what rules are often written like, and what is emitted for it beside the long way.

Here they are only recognised, in the tree. What is found is a shape, no promise: whether a value is a text, or a name
still means the module, is asked when the rule runs, and the long way is there for all else. An idiom gives the same
value, the same fault at the same place, and charges the very same steps and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from dispatcher.lang import syntax
from dispatcher.lang.operations import FREE_SEARCH
from dispatcher.lang.records import dataclass
from dispatcher.lang.scopes import blocks
from dispatcher.lang.syntax import Expr, Stmt
from dispatcher.lang.tallies import Verdict

# What a condition on one character says, and the steps that it charges beside those known in advance.
Test = Callable[[str], tuple[bool, int]]

# The methods that tell something of a character, which charge nothing for one.
CHARACTER_METHODS: dict[str, Callable[[str], bool]] = {
    function.__name__: function
    for function in (
        *(str.isalnum, str.isalpha, str.isascii, str.isdecimal, str.isdigit, str.isidentifier, str.islower),
        *(str.isnumeric, str.isprintable, str.isspace, str.istitle, str.isupper),
    )
}
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "==": str.__eq__,
    "!=": str.__ne__,
    "<": str.__lt__,
    "<=": str.__le__,
    ">": str.__gt__,
    ">=": str.__ge__,
    # Beside a literal.
    "is": str.__eq__,
    "is not": str.__ne__,
}
# Numbers whose sums stay small, however long a text is.
_SMALL = 1 << 16


@dataclass(frozen=True, slots=True)
class Counting:
    """A call that counts characters of a text: `sum` or `len` of a comprehension, or of a `map` where that is None."""

    text: syntax.Name
    comprehension: syntax.Comprehension | None
    judge: Callable[[str], Verdict]
    taken: Literal["generator", "list", "length"]


def counting(call: syntax.Call, is_builtin: Callable[[str], bool]) -> Counting | None:
    """Return what a call counts of a text, such as `sum(1 for c in msg if c.isupper())`, or None."""
    match call:
        case syntax.Call(
            function=syntax.Name(id="sum" | "len" as function),
            arguments=(syntax.Argument(name=None, kind="", value=value),),
        ) if is_builtin(function):
            pass
        case _:
            return None
    match value:
        case syntax.Comprehension(
            kind="generator" | "list" as kind,
            element=element,
            clauses=(
                syntax.ForClause(target=syntax.Name(id=target), iterable=syntax.Name() as text, conditions=tests),
            ),
        ) if function == "sum" or kind == "list":
            judge = _judge(target, tests, _length(target, element) if function == "len" else _amount(target, element))
            taken: Literal["generator", "list", "length"] = "length" if function == "len" else kind
            return Counting(text, value, judge, taken) if judge is not None else None
        case syntax.Call(
            function=syntax.Name(id="map"),
            arguments=(
                syntax.Argument(name=None, kind="", value=syntax.Attribute(value=syntax.Name(id="str"), name=method)),
                syntax.Argument(name=None, kind="", value=syntax.Name() as text),
            ),
        ) if function == "sum" and method in CHARACTER_METHODS and is_builtin("map") and is_builtin("str"):
            holds = CHARACTER_METHODS[method]
            return Counting(text, None, lambda character: Verdict(1, int(holds(character)), 0), "generator")
        case _:
            return None


# --- the first line of a text


def wrapping(expr: Expr) -> syntax.Call | None:
    """Return a call that may be `textwrap.wrap(text, width)` without further options, or None."""
    match expr:
        case syntax.Call(
            function=syntax.Attribute(value=syntax.Name(), name="wrap") | syntax.Name(id="wrap"),
            arguments=(
                (syntax.Argument(name=None, kind=""),)
                | (syntax.Argument(name=None, kind=""), syntax.Argument(name=None | "width", kind=""))
            ),
        ):
            return expr
        case _:
            return None


def first_of_lines(expr: syntax.Subscript) -> syntax.Call | None:
    """Return the call in `textwrap.wrap(text, width)[0]`, or None."""
    return wrapping(expr.value) if _is_zero(expr.index) else None


def _is_zero(index: Expr) -> bool:
    return isinstance(index, syntax.Constant) and type(index.value) is int and index.value == 0


# --- statements that mean more beside their neighbours


def neighbours(body: Sequence[Stmt]) -> frozenset[tuple[int, int]]:
    """Return where in the blocks of a file stand what `keeps_first_line` and what `counting_loop` knows to be right.

    These are the values of both assignments, and the loop.
    """
    spans: set[tuple[int, int]] = set()
    pending = [body]
    while pending:
        block = pending.pop()
        small: set[str] = set()
        for before, statement in zip((None, *block), block, strict=False):
            if before is not None and keeps_first_line(before, statement):
                spans |= {(part.value.start, part.value.end) for part in (before, statement)}  # type: ignore[union-attr] # assignments
            loop = counting_loop(statement)
            if loop is not None and loop.counter.id in small:
                spans.add((statement.start, statement.end))
            match statement:
                case syntax.Assignment(targets=(syntax.Name(id=name),), value=syntax.Constant(value=value)):
                    small = small | {name} if _is_small(value) else small - {name}
                case _:
                    small = set()
            pending += blocks(statement)
    return frozenset(spans)


def keeps_first_line(first: Stmt, second: Stmt) -> bool:
    """Tell whether two statements are such as `x = textwrap.wrap(text, width)` and `x = x[0]`.

    Nothing runs between the two, so no rule can look at the other lines.
    """
    match first, second:
        case (
            syntax.Assignment(targets=(syntax.Name(id=name),), value=value),
            syntax.Assignment(
                targets=(syntax.Name(id=target),), value=syntax.Subscript(value=syntax.Name(id=source), index=index)
            ),
        ):
            return name == target == source and _is_zero(index) and wrapping(value) is not None
        case _:
            return False


@dataclass(frozen=True, slots=True)
class CountingLoop:
    """A loop over a text that counts: `for c in msg:` with nothing but `if c.isupper(): n += 1` inside."""

    text: syntax.Name
    target: syntax.Name
    counter: syntax.Name
    judge: Callable[[str], Verdict]


def counting_loop(statement: Stmt) -> CountingLoop | None:
    """Return what a loop counts of a text, or None; its counter must be a small number."""
    match statement:
        case syntax.For(
            target=syntax.Name() as target,
            iterable=syntax.Name() as text,
            body=(
                syntax.If(
                    branches=(
                        syntax.Branch(
                            condition=condition,
                            body=(
                                syntax.AugmentedAssignment(
                                    target=syntax.Name() as counter, op="+", value=syntax.Constant() as added
                                ),
                            ),
                        ),
                    ),
                    orelse=(),
                ),
            ),
            orelse=(),
        ) if len({target.id, text.id, counter.id}) == 3 and _is_small(added.value):
            judge = _judge(target.id, (condition,), _amount(target.id, added))
            return CountingLoop(text, target, counter, judge) if judge is not None else None
        case _:
            return None


def _is_small(value: object) -> bool:
    return type(value) is int and value < _SMALL


# --- conditions on a character

# What the element of a comprehension adds to the sum at a character, and its steps.
_Amount = Callable[[str], tuple[int, int]]


def _judge(target: str, conditions: tuple[Expr, ...], amount: _Amount | None) -> Callable[[str], Verdict] | None:
    condition = _both([_test(target, condition) for condition in conditions])
    if condition is None or amount is None:
        return None
    holds, adds = condition, amount

    def judge(character: str) -> Verdict:
        kept, cost = holds(character)
        if not kept:
            return Verdict(0, 0, cost)
        added, more = adds(character)
        return Verdict(1, added, cost + more)

    return judge


def _length(target: str, element: Expr) -> _Amount | None:
    """Return that an element counts one, where it takes nothing to make it."""
    match element:
        case syntax.Name(id=name) if name == target:
            return lambda _: (1, 0)
        case syntax.Constant():
            return lambda _: (1, 0)
        case _:
            return None


def _amount(target: str, element: Expr) -> _Amount | None:
    match element:
        case syntax.Constant(value=value) if isinstance(value, int) and value < _SMALL:
            number = int(value)
            return lambda _: (number, 0)
        case syntax.Conditional(
            condition=condition, value=syntax.Constant(value=int(yes)), other=syntax.Constant(value=int(no))
        ) if yes < _SMALL and no < _SMALL:
            chosen = _test(target, condition)
            amounts = (int(no), int(yes))
        case _:
            chosen = _test(target, element)
            amounts = (0, 1)
    if chosen is None:
        return None
    test = chosen

    def choose(character: str) -> tuple[int, int]:
        holds, cost = test(character)
        return amounts[holds], cost

    return choose


def _test(target: str, condition: Expr) -> Test | None:
    """Return what a condition says of the character `target`, or None where it may say something else."""
    match condition:
        case syntax.Call(function=syntax.Attribute(value=syntax.Name(id=name), name=method), arguments=()) if (
            name == target and method in CHARACTER_METHODS
        ):
            holds = CHARACTER_METHODS[method]
            return lambda character: (holds(character), 0)
        case syntax.UnaryOperation(op="not", operand=operand):
            return _opposite(_test(target, operand))
        case syntax.BooleanOperation(op=op, operands=operands):
            tests = [_test(target, operand) for operand in operands]
            return _both(tests) if op == "and" else _opposite(_both([_opposite(test) for test in tests]))
        case syntax.Comparison(first=first, rest=rest):
            lefts = (first, *(right for _, right in rest))
            return _both([_link(target, left, op, right) for left, (op, right) in zip(lefts, rest, strict=False)])
        case _:
            return None


def _opposite(test: Test | None) -> Test | None:
    if test is None:
        return None
    denied = test

    def deny(character: str) -> tuple[bool, int]:
        holds, cost = denied(character)
        return not holds, cost

    return deny


def _both(tests: list[Test | None]) -> Test | None:
    """Return the test that all of some hold, which asks no more behind the first that does not."""
    known = [test for test in tests if test is not None]
    if len(known) < len(tests):
        return None

    def ask(character: str) -> tuple[bool, int]:
        total = 0
        for test in known:
            holds, cost = test(character)
            total += cost
            if not holds:
                return False, total
        return True, total

    return ask


def _link(target: str, left: Expr, op: str, right: Expr) -> Test | None:
    """Return what one link of a comparison says: the character beside a literal text, or in literal texts."""
    match left, right:
        case syntax.Name(id=name), _ if name == target and op in ("in", "not in"):
            return _membership(right, op)
        case syntax.Name(id=name), syntax.Constant(value=str(literal)) if name == target and op in _COMPARISONS:
            compare = _COMPARISONS[op]
            return lambda character: (compare(character, literal), 0)
        case syntax.Constant(value=str(literal)), syntax.Name(id=name) if name == target and op in _COMPARISONS:
            compare = _COMPARISONS[op]
            return lambda character: (compare(literal, character), 0)
        case _:
            return None


def _membership(container: Expr, op: str) -> Test | None:
    match container:
        case syntax.Constant(value=str(literal)):
            found: frozenset[str] = frozenset(literal)
            # As operations.contains and measuring.scan have it.
            cost = 0 if len(literal) < FREE_SEARCH else 1 + (len(literal) >> 8)
        case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
            texts = [item.value for item in items if isinstance(item, syntax.Constant) and isinstance(item.value, str)]
            if len(texts) < len(items):
                return None
            found, cost = frozenset(texts), 1 + (len(texts) >> 2)
        case _:
            return None
    wanted = op == "in"
    return lambda character: ((character in found) is wanted, cost)
