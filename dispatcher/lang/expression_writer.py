"""Expressions of the tree -> text: the part of the unparser that knows how tightly operators hold.

Brackets stand only where the tree needs them. Python 3.11 allows no backslash in a field of an f-string, and no quotes
of a literal around it, so a text in a field may have to be written as several adjacent literals; at the outermost level
too, where the fields of one f-string need different quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TypeAlias, assert_never

from dispatcher.lang import syntax
from dispatcher.lang.syntax import Expr

# More digits than CPython reads as a decimal number take more bits than this.
_DECIMAL_BITS = 14_000
_INFINITE = "1e999"


class Level(IntEnum):
    """How tightly the parts of an expression hold together, in the order of the grammar."""

    ITEMS = 0
    NAMED = 1
    TEST = 2
    OR = 3
    AND = 4
    NOT = 5
    COMPARISON = 6
    BIT_OR = 7
    BIT_XOR = 8
    BIT_AND = 9
    SHIFT = 10
    SUM = 11
    PRODUCT = 12
    UNARY = 13
    POWER = 14
    PRIMARY = 15
    ATOM = 16


_BINARY = {
    "|": Level.BIT_OR,
    "^": Level.BIT_XOR,
    "&": Level.BIT_AND,
    "<<": Level.SHIFT,
    ">>": Level.SHIFT,
    "+": Level.SUM,
    "-": Level.SUM,
    "*": Level.PRODUCT,
    "/": Level.PRODUCT,
    "//": Level.PRODUCT,
    "%": Level.PRODUCT,
    "**": Level.POWER,
}


def _level(expr: Expr) -> Level:
    match expr:
        case syntax.TupleDisplay(items=items):
            return Level.ITEMS if items else Level.ATOM
        case syntax.NamedExpression():
            return Level.NAMED
        case syntax.Conditional() | syntax.Lambda():
            return Level.TEST
        case syntax.BooleanOperation(op=op):
            return Level.OR if op == "or" else Level.AND
        case syntax.UnaryOperation(op=op):
            return Level.NOT if op == "not" else Level.UNARY
        case syntax.Comparison():
            return Level.COMPARISON
        case syntax.BinaryOperation(op=op):
            return _BINARY[op]
        case syntax.Call() | syntax.Attribute() | syntax.Subscript():
            return Level.PRIMARY
        case _:
            return Level.ATOM


class Expressions:
    """Writes expressions; `around` holds the quotes of the f-strings in whose fields they stand, outermost first."""

    def __init__(self, around: tuple[str, ...] = ()) -> None:
        self._around = around

    def at(self, level: Level, expr: Expr) -> str:
        """Return an expression for a place that takes `level` and what holds together more tightly."""
        text = self._write(expr)
        return f"({text})" if _level(expr) < level else text

    def _write(self, expr: Expr) -> str:  # noqa: C901 - one case for each kind of node
        match expr:
            case syntax.Name(id=name):
                return name
            case syntax.Constant(value=value):
                return self._constant(value)
            case syntax.FormattedString(parts=parts):
                return self._literals(parts, "f")
            case syntax.ListDisplay(items=items):
                return f"[{self._items(items, Level.NAMED)}]"
            case syntax.SetDisplay(items=items):
                return f"{{{self._items(items, Level.NAMED)}}}"
            case syntax.TupleDisplay(items=items):
                return f"{self._items(items, Level.TEST)}{',' * (len(items) == 1)}" if items else "()"
            case syntax.DictDisplay(entries=entries):
                return f"{{{', '.join([self._entry(key, value) for key, value in entries])}}}"
            case syntax.UnaryOperation(op=op, operand=operand):
                return f"{op}{' ' * (op == 'not')}{self.at(_level(expr), operand)}"
            case syntax.BinaryOperation(left=left, op=op, right=right):
                level = _BINARY[op]
                if op == "**":
                    return f"{self.at(Level.PRIMARY, left)} ** {self.at(Level.UNARY, right)}"
                return f"{self.at(level, left)} {op} {self.at(Level(level + 1), right)}"
            case syntax.BooleanOperation(op=op, operands=operands):
                inner = Level.AND if op == "or" else Level.NOT
                return f" {op} ".join([self.at(inner, operand) for operand in operands])
            case syntax.Comparison(first=first, rest=rest):
                links = [f" {op} {self.at(Level.BIT_OR, operand)}" for op, operand in rest]
                return self.at(Level.BIT_OR, first) + "".join(links)
            case syntax.Conditional(condition=condition, value=value, other=other):
                chosen = f"{self.at(Level.OR, value)} if {self.at(Level.OR, condition)}"
                return f"{chosen} else {self.at(Level.TEST, other)}"
            case syntax.Lambda(parameters=parameters, body=body):
                return f"lambda{' ' * bool(parameters.items)}{self.parameters(parameters)}: {self.at(Level.TEST, body)}"
            case syntax.Attribute(value=value, name=name):
                # The dot behind a whole number would be a decimal point.
                number = isinstance(value, syntax.Constant) and type(value.value) is int
                return f"({self._write(value)}).{name}" if number else f"{self.at(Level.PRIMARY, value)}.{name}"
            case syntax.Subscript(value=value, index=index):
                return f"{self.at(Level.PRIMARY, value)}[{self._write(index)}]"
            case syntax.Slice(lower=lower, upper=upper, step=step):
                bounds = [lower, upper] if step is None else [lower, upper, step]
                return ":".join(["" if bound is None else self.at(Level.TEST, bound) for bound in bounds])
            case syntax.Call(function=function, arguments=arguments):
                return f"{self.at(Level.PRIMARY, function)}({self._arguments(arguments)})"
            case syntax.Starred(value=value):
                return f"*{self.at(Level.BIT_OR, value)}"
            case syntax.NamedExpression(target=target, value=value):
                return f"{target.id} := {self.at(Level.TEST, value)}"
            case syntax.Comprehension(kind=kind):
                return _BRACKETS[kind].format(self._comprehension(expr))
            case syntax.RefusedExpression(construct=construct):
                raise ValueError(f"the tree does not hold the text of {construct}")
            case _:
                assert_never(expr)

    def _items(self, items: Iterable[Expr], level: Level) -> str:
        return ", ".join([self.at(level, item) for item in items])

    def _entry(self, key: Expr | None, value: Expr) -> str:
        if key is None:
            return f"**{self.at(Level.BIT_OR, value)}"
        return f"{self.at(Level.TEST, key)}: {self.at(Level.TEST, value)}"

    def _arguments(self, arguments: tuple[syntax.Argument, ...]) -> str:
        if len(arguments) == 1 and not arguments[0].kind and arguments[0].name is None:
            (argument,) = arguments
            if isinstance(argument.value, syntax.Comprehension) and argument.value.kind == "generator":
                return self._comprehension(argument.value)
        return ", ".join([self._argument(argument) for argument in arguments])

    def _argument(self, argument: syntax.Argument) -> str:
        if argument.name is not None:
            return f"{argument.name}={self.at(Level.TEST, argument.value)}"
        return argument.kind + self.at(Level.TEST if argument.kind else Level.NAMED, argument.value)

    def _comprehension(self, expr: syntax.Comprehension) -> str:
        element = self.at(Level.NAMED, expr.element) if expr.value is None else self._entry(expr.element, expr.value)
        return element + "".join([self._clause(clause) for clause in expr.clauses])

    def _clause(self, clause: syntax.ForClause) -> str:
        conditions = "".join([f" if {self.at(Level.OR, condition)}" for condition in clause.conditions])
        return f" for {self._write(clause.target)} in {self.at(Level.OR, clause.iterable)}{conditions}"

    def parameters(self, parameters: syntax.Parameters) -> str:
        """Return what stands between the brackets of a function."""
        return ", ".join([self._parameter(item) for item in parameters.items])

    def _parameter(self, item: syntax.Parameter) -> str:
        default = f"={self.at(Level.TEST, item.default)}" if item.default is not None else ""
        return f"{item.kind}{item.name}{default}"

    # --- literals

    def _constant(self, value: int | float | str | bool | None) -> str:
        if type(value) is str:
            return self._literals((value,), "") if self._around else repr(value)
        if type(value) is int and value.bit_length() > _DECIMAL_BITS:
            return hex(value)
        if value == float("inf"):
            return _INFINITE
        return repr(value)

    def _literals(self, parts: _Parts, prefix: str) -> str:
        """Return the literals, as few as can be, that together hold `parts`."""
        written: list[str] = []
        rest = parts
        while rest or not written:
            content, quotes, left = min(self._candidates(rest, prefix), key=_size_left, default=("", "", rest))
            if not quotes or left == rest != ():
                raise ValueError("the fields of an f-string hold what cannot be written there")
            written.append(f"{prefix}{quotes}{content}{quotes}")
            rest = left
        return " ".join(written)

    def _candidates(self, parts: _Parts, prefix: str) -> Iterator[tuple[str, str, _Parts]]:
        """Yield for each kind of quotes what fits between them, the quotes, and what is left."""
        text = "".join([part for part in parts if isinstance(part, str)])
        for quotes in _QUOTES_DOUBLE_FIRST if "'" in text and '"' not in text else _QUOTES:
            if not any(outer in quotes for outer in self._around):
                content, left = self._filled(parts, quotes, prefix)
                yield content, quotes, left
                if not left:
                    break

    def _filled(self, parts: _Parts, quotes: str, prefix: str) -> tuple[str, _Parts]:
        """Return as many parts as fit between `quotes`, and those that are left."""
        content = ""
        for index, part in enumerate(parts):
            if isinstance(part, str):
                fitting = self._fitting(part, quotes)
                spelled = self._spelled(part[:fitting], quotes)
                content += spelled.replace("{", "{{").replace("}", "}}") if prefix else spelled
                if fitting < len(part):
                    return content, (part[fitting:], *parts[index + 1 :])
                continue
            try:
                content += self._field(part, quotes)
            except ValueError:
                return content, parts[index:]
        return content, ()

    def _fitting(self, text: str, quotes: str) -> int:
        """Return how many characters of a text can be written between `quotes`."""
        if not self._around:
            return len(text)
        for index in range(len(text)):
            # Quotes are three characters at the most.
            last = text[max(index - 2, 0) : index + 1]
            if text[index] == quotes[0] or not self._allowed(last, (*self._around, quotes)):
                return index
        return len(text)

    def _allowed(self, text: str, around: tuple[str, ...]) -> bool:
        """Tell whether a text can stand as it is in a field of f-strings with the quotes `around`."""
        if any(character in text for character in "\\\r\0") or any(quotes in text for quotes in around):
            return False
        return "\n" not in text or all(len(quotes) == 3 for quotes in around)

    def _spelled(self, text: str, quotes: str) -> str:
        if self._around:
            return text
        return "".join([_escaped(character, quotes) for character in text])

    def _field(self, field: syntax.FormattedField, quotes: str) -> str:
        """Return a field of an f-string; raise ValueError where it cannot be written between `quotes`."""
        around = (*self._around, quotes)
        if field.label is not None:
            value = field.label
            conversion = None if field.conversion == "r" and field.spec is None else field.conversion
        else:
            value = Expressions(around).field_value(field.value)
            conversion = field.conversion
        if not self._allowed(value, around):
            raise ValueError("the value of the field cannot be written there")
        spec = "" if field.spec is None else ":" + self._spec(field.spec, quotes)
        return f"{{{value}{'!' if conversion else ''}{conversion or ''}{spec}}}"

    def field_value(self, value: Expr) -> str:
        """Return an expression that a field can begin with, and whose end the field finds."""
        last = value
        while isinstance(last, syntax.Conditional):
            last = last.other
        # The colon of a lambda would begin the spec.
        text = self.at(Level.ATOM if isinstance(last, syntax.Lambda) else Level.TEST, value)
        return f" {text}" if text.startswith("{") else text

    def _spec(self, spec: syntax.FormattedString, quotes: str) -> str:
        written = ""
        for part in spec.parts:
            if not isinstance(part, str):
                written += self._field(part, quotes)
                continue
            # Braces cannot be doubled here.
            if self._around and ("{" in part or "}" in part or self._fitting(part, quotes) < len(part)):
                raise ValueError("the spec of the field cannot be written there")
            written += self._spelled(part, quotes).replace("{", "\\x7b").replace("}", "\\x7d")
        return written


_Parts: TypeAlias = tuple[str | syntax.FormattedField, ...]

_BRACKETS = {"list": "[{}]", "set": "{{{}}}", "dict": "{{{}}}", "generator": "({})"}
_QUOTES = ("'", '"', "'''", '"""')
_QUOTES_DOUBLE_FIRST = ('"', "'", '"""', "'''")


def _size_left(candidate: tuple[str, str, _Parts]) -> tuple[int, int]:
    left = candidate[2]
    return len(left), len(left[0]) if left and isinstance(left[0], str) else 0


def _escaped(character: str, quotes: str) -> str:
    if character in ("\\", quotes[0]):
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]
