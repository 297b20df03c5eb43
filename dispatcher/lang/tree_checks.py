"""What the grammar leaves open for LALR's sake: precedence, what can be a target, the order of arguments."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from dispatcher.lang import syntax
from dispatcher.lang.repairs import Help
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr

# What binds tighter has the higher number; comparisons chain and are handled apart.
PRECEDENCE = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}


class BuildError(Exception):
    """A construct that the grammar lets through and Python does not; carries a diagnostic's parts."""

    def __init__(self, code: str, message: str, span: Span, help: Help | None = None) -> None:  # noqa: A002 - the diagnostic's word
        super().__init__(message)
        self.code = code
        self.span = span
        self.help = help


def check_target(target: Expr, *, deleting: bool = False) -> None:
    """Raise BuildError unless `target` can be assigned, or deleted."""
    pending = [target]
    while pending:
        current = pending.pop()
        match current:
            case syntax.Name() | syntax.Subscript() | syntax.Attribute():
                continue
            case syntax.TupleDisplay(items=items) | syntax.ListDisplay(items=items):
                stars = [item for item in items if isinstance(item, syntax.Starred)]
                if stars and deleting:
                    raise BuildError("invalid-target", "`del` takes no `*`", stars[0].span)
                if len(stars) > 1:
                    raise BuildError("invalid-target", "only one target can have a `*`", stars[1].span)
                pending.extend(item.value if isinstance(item, syntax.Starred) else item for item in items)
            case syntax.Starred() if deleting:
                raise BuildError("invalid-target", "`del` takes no `*`", current.span)
            case syntax.Starred():
                message = "a target with `*` must stand in a list or a tuple"
                raise BuildError("invalid-target", message, current.span, "write `*name, = ...`")
            case _:
                what = _TARGET_WORDS.get(type(current), "an expression")
                done, advice = _DELETED if deleting else _ASSIGNED
                raise BuildError("invalid-target", f"{what} cannot be {done}", current.span, advice)


_ASSIGNED = ("assigned", "write `==` to compare, and a variable or an item on the left to assign")
_DELETED = ("deleted", "name the variables or items to delete")
_TARGET_WORDS: dict[type, str] = {
    syntax.Call: "the result of a call",
    syntax.Constant: "a literal",
    syntax.FormattedString: "an f-string",
    syntax.Conditional: "a conditional expression",
    syntax.Comparison: "a comparison",
    syntax.Lambda: "a lambda",
    syntax.DictDisplay: "a dict",
    syntax.SetDisplay: "a set",
    syntax.Comprehension: "a comprehension",
}


def check_arguments(arguments: tuple[syntax.Argument, ...]) -> None:
    seen: set[str] = set()
    named = double = False
    for argument in arguments:
        if argument.name is not None:
            if argument.name in seen:
                raise BuildError("invalid-arguments", f"the argument `{argument.name}` is given twice", argument.span)
            seen.add(argument.name)
            named = True
        elif argument.kind == "**":
            double = True
        elif argument.kind == "" and (named or double):
            raise BuildError(
                "invalid-arguments",
                "an argument without a name cannot follow one with a name",
                argument.span,
                "move it to the front, or name it",
            )
        elif argument.kind == "*" and double:
            raise BuildError("invalid-arguments", "`*` cannot follow `**` in a call", argument.span)
        generator = (
            isinstance(argument.value, syntax.Comprehension)
            and argument.value.start == argument.start
            and argument.value.kind == "generator"
        )
        bare = generator and cast("syntax.Comprehension", argument.value).element.start == argument.start
        if bare and len(arguments) > 1:
            raise BuildError(
                "invalid-arguments",
                "a generator expression beside other arguments needs parentheses",
                argument.span,
                "put them around it, or around the values behind its `in`",
            )


def check_parameters(items: tuple[syntax.Parameter, ...]) -> None:
    seen: set[str] = set()
    default = star = False
    for index, item in enumerate(items):
        if item.name and item.name in seen:
            raise BuildError("invalid-arguments", f"the parameter `{item.name}` is named twice", item.span)
        seen.add(item.name)
        last = index == len(items) - 1
        if item.kind == "*":
            if star:
                raise BuildError("invalid-arguments", "only one parameter can have a `*`", item.span)
            star = True
            if not item.name and (last or items[index + 1].kind == "**"):
                raise BuildError("invalid-arguments", "named parameters must follow a `*` without a name", item.span)
        elif item.kind == "/" and (index == 0 or star or any(other.kind == "/" for other in items[:index])):
            raise BuildError("invalid-arguments", "`/` must follow positional parameters, once", item.span)
        elif item.kind == "**" and not last:
            raise BuildError("invalid-arguments", "nothing can follow the parameter with `**`", items[index + 1].span)
        elif item.kind == "" and not star:
            if default and item.default is None:
                raise BuildError(
                    "invalid-arguments",
                    f"`{item.name}` needs a default, since a parameter before it has one",
                    item.span,
                )
            default = default or item.default is not None


class Operator(NamedTuple):
    """A binary operator's text, where what is left of it ends, and where what is right of it starts."""

    text: str
    left_end: int
    right_start: int


def ordered(parts: list[Any], start: int, end: int) -> Expr:
    """Build the tree of a flat run `operand, Operator, operand, ...` by precedence, all left-associative.

    The run stands from `start` to `end`, brackets of its operands included.
    """
    if len(parts) == 3:
        left, (operator, _, _), right = parts
        if operator in PRECEDENCE:
            return syntax.BinaryOperation(left, operator, right, start=start, end=end)
        return syntax.Comparison(left, ((operator, right),), start=start, end=end)
    comparisons: list[tuple[str, Expr]] = []
    # Operands with the place that each takes up, and operators that wait for their right side.
    operands: list[tuple[Expr, int, int]] = []
    operators: list[str] = []

    def reduce(floor: int) -> None:
        while operators and PRECEDENCE[operators[-1]] >= floor:
            right, _, right_end = operands.pop()
            left, left_start, _ = operands.pop()
            joined = syntax.BinaryOperation(left, operators.pop(), right, start=left_start, end=right_end)
            operands.append((joined, left_start, right_end))

    first: Expr | None = None
    pending = ""
    operand_start = start
    for operand, operator in zip(parts[::2], parts[1::2], strict=False):
        operands.append((operand, operand_start, operator.left_end))
        operand_start = operator.right_start
        level = PRECEDENCE.get(operator.text)
        if level is not None:
            reduce(level)
            operators.append(operator.text)
            continue
        reduce(0)
        if first is None:
            first = operands.pop()[0]
        else:
            comparisons.append((pending, operands.pop()[0]))
        pending = operator.text
    operands.append((parts[-1], operand_start, end))
    reduce(0)
    if first is None:
        return operands[0][0]
    comparisons.append((pending, operands[0][0]))
    return syntax.Comparison(first, tuple(comparisons), start=start, end=end)
