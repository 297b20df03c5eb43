"""Builds the expressions of the syntax tree while the parser reduces: one method for each rule of the grammar."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from keyword import iskeyword
from typing import Any, Literal, TypeAlias, cast

from dispatcher.lang import syntax
from dispatcher.lang.characters import no_identifier, unreadable
from dispatcher.lang.layout import LayoutToken
from dispatcher.lang.literals import Field, LiteralError, number, text_parts
from dispatcher.lang.repairs import repair
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr
from dispatcher.lang.tree_checks import (
    BuildError,
    Operator,
    check_arguments,
    check_parameters,
    check_target,
    ordered,
)

Child: TypeAlias = Any  # a LayoutToken, a Node, or a list made by a rule that is part of another

# The letters before the first quote of a text.
_PREFIX = re.compile("[a-zA-Z]*")


# These get the gap that they fill instead of their own place: around it stand operands, perhaps in brackets.
BETWEEN = frozenset({"operator", "walrus"})


class ExpressionBuilder:
    """Callbacks for expressions, without state. `read_field` parses the expression of an f-string field.

    A place takes in the brackets around what it begins or ends with; an expression in brackets does not.
    """

    def __init__(self, read_field: Callable[[str, int], Expr]) -> None:
        self._read_field = read_field

    def items(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a tuple from items with a comma."""
        return syntax.TupleDisplay(tuple(nodes(parts)), start=start, end=end)

    named_items = targets = items

    def starred(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Starred."""
        return syntax.Starred(_no_comparison(parts[1], end), start=start, end=end)

    def starred_index(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Starred of an index, before which Python allows any expression."""
        return syntax.Starred(parts[1], start=start, end=end)

    def named_expression(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a NamedExpression."""
        target, target_end, value = parts
        if not isinstance(target, syntax.Name) or target.start != start:
            message = "`:=` needs a variable without brackets on its left"
            raise BuildError("invalid-target", message, Span(start, target_end))
        return syntax.NamedExpression(target, value, start=start, end=end)

    def walrus(self, _parts: list[Child], start: int, _end: int) -> int:
        """Return where the target before the `:=` ends."""
        return start

    def conditional(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Conditional."""
        return syntax.Conditional(parts[2], parts[0], parts[4], start=start, end=end)

    def lambda_expression(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Lambda."""
        parameters = (
            parts[1]
            if isinstance(parts[1], syntax.Parameters)
            else syntax.Parameters((), start=parts[0].end, end=parts[0].end)
        )
        return syntax.Lambda(parameters, parts[-1], start=start, end=end)

    def or_operation(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a BooleanOperation."""
        return syntax.BooleanOperation("or", tuple(nodes(parts)), start=start, end=end)

    def and_operation(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a BooleanOperation."""
        return syntax.BooleanOperation("and", tuple(nodes(parts)), start=start, end=end)

    def not_operation(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a UnaryOperation."""
        return syntax.UnaryOperation("not", parts[1], start=start, end=end)

    def operator(self, parts: list[Child], start: int, end: int) -> Operator:
        """Keep the operator's text, one space between two words, and where its operands meet it."""
        if parts[0].text == "@":
            raise no_matrices(parts[0])
        return Operator(parts[0].text if len(parts) == 1 else " ".join(part.text for part in parts), start, end)

    def operation(self, parts: list[Child], start: int, end: int) -> Expr:
        """Order a flat run of operands and operators."""
        return ordered(parts, start, end)

    def unary_operation(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a UnaryOperation."""
        return syntax.UnaryOperation(parts[0].text, parts[1], start=start, end=end)

    def power(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a BinaryOperation of `**`."""
        return syntax.BinaryOperation(parts[0], "**", parts[2], start=start, end=end)

    def attribute(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build an Attribute."""
        return syntax.Attribute(parts[0], identifier(parts[2]), start=start, end=end)

    def call(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Call."""
        return syntax.Call(parts[0], parts[2] if len(parts) == 4 else (), start=start, end=end)

    def subscript(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Subscript."""
        return syntax.Subscript(parts[0], parts[2], start=start, end=end)

    def subscripts(self, parts: list[Child], start: int, end: int) -> Expr:
        """Return the only index, or a tuple where there is a comma."""
        if len(parts) == 1 and not isinstance(parts[0], syntax.Starred):
            return cast("Expr", parts[0])
        return self.items(parts, start, end)

    def slice(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Slice; a missing bound is where two colons, or a colon and an end, meet."""
        bounds: list[Expr | None] = [None, None, None]
        index = 0
        for part in parts:
            if isinstance(part, LayoutToken):
                index += 1
            else:
                bounds[index] = part
        lower, upper, step = bounds
        return syntax.Slice(lower, upper, step, start=start, end=end)

    def arguments(self, parts: list[Child], _start: int, _end: int) -> tuple[syntax.Argument, ...]:
        """Check the order of arguments as CPython does."""
        arguments = tuple(nodes(parts))
        check_arguments(cast("tuple[syntax.Argument, ...]", arguments))
        return cast("tuple[syntax.Argument, ...]", arguments)

    def argument(self, parts: list[Child], start: int, end: int) -> syntax.Argument:
        """Build one argument."""
        if len(parts) == 1:
            return syntax.Argument(parts[0], None, "", start=start, end=end)
        if len(parts) == 2:
            return syntax.Argument(parts[1], None, parts[0].text, start=start, end=end)
        name = parts[0]
        if not isinstance(name, syntax.Name):
            raise BuildError(
                "invalid-arguments",
                "the left side of `=` in a call must be a parameter's name",
                name.span,
                repair("write `==` to compare", "==", parts[1].span),
            )
        return syntax.Argument(parts[2], name.id, "", start=start, end=end)

    def generator_argument(self, parts: list[Child], start: int, end: int) -> syntax.Argument:
        """Build a generator expression that is an argument."""
        generator = self._comprehension("generator", parts[0], None, parts[1:], start, end)
        return syntax.Argument(generator, None, "", start=start, end=end)

    def parameters(self, parts: list[Child], start: int, end: int) -> syntax.Parameters:
        """Check the order of parameters as CPython does."""
        items = tuple(cast("list[syntax.Parameter]", nodes(parts)))
        check_parameters(items)
        return syntax.Parameters(items, start=start, end=end)

    def parameter(self, parts: list[Child], start: int, end: int) -> syntax.Parameter:
        """Build one parameter."""
        first = parts[0]
        if first.type == "NAME":
            return syntax.Parameter(identifier(first), "", parts[2] if len(parts) > 1 else None, start=start, end=end)
        return syntax.Parameter(identifier(parts[1]) if len(parts) > 1 else "", first.text, None, start=start, end=end)

    def fstring_expression(self, parts: list[Child], _start: int, _end: int) -> Expr:
        """Return the expression behind the brace of an f-string field."""
        return no_star(parts[1])

    def fstring_generator(self, parts: list[Child], _start: int, end: int) -> Expr:
        """Build a generator expression whose brackets are the braces of a field."""
        return self._comprehension("generator", parts[1], None, parts[2:], parts[1].start, end)

    def name(self, parts: list[Child], _start: int, _end: int) -> syntax.Name:
        """Build a Name."""
        return variable(parts[0])

    def number(self, parts: list[Child], _start: int, _end: int) -> Expr:
        """Build a Constant from a number literal."""
        token = parts[0]
        try:
            value = number(token.text)
        except LiteralError as problem:
            raise _literal_problem(problem, token) from None
        return syntax.Constant(value, start=token.start, end=token.end)

    def constant(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a Constant from a keyword."""
        token = parts[0]
        if token.text == "...":
            return syntax.RefusedExpression("`...`", start=start, end=end)
        return syntax.Constant({"None": None, "True": True, "False": False}[token.text], start=start, end=end)

    def text(self, parts: list[LayoutToken], start: int, end: int) -> Expr:
        """Build a Constant, or a FormattedString where a literal has fields, from adjacent literals."""
        pieces: list[str | syntax.FormattedField] = []
        formatted = False
        for token in parts:
            formatted = formatted or "f" in _PREFIX.match(token.text).group().lower()  # type: ignore[union-attr] # always matches
            try:
                values = text_parts(token.text)
            except LiteralError as problem:
                raise _literal_problem(problem, token) from None
            pieces.extend(value if isinstance(value, str) else self._field(value, token) for value in values)
        joined = _join(pieces)
        if formatted:
            return syntax.FormattedString(joined, start=start, end=end)
        return syntax.Constant(cast("str", joined[0]) if joined else "", start=start, end=end)

    def _field(self, field: Field, token: LayoutToken) -> syntax.FormattedField:
        start, end = token.start + field.offset, token.start + field.end
        spec = None
        if field.spec is not None:
            parts = _join([part if isinstance(part, str) else self._field(part, token) for part in field.spec])
            spec = syntax.FormattedString(parts, start=start, end=end)
        conversion = field.conversion
        if field.label is not None and conversion is None and spec is None:
            conversion = "r"
        value = self._read_field(field.expression, start)
        return syntax.FormattedField(value, conversion, spec, field.label, start=start, end=end)

    def empty_tuple(self, _parts: list[Child], start: int, end: int) -> Expr:
        """Build `()`."""
        return syntax.TupleDisplay((), start=start, end=end)

    def parenthesized(self, parts: list[Child], start: int, end: int) -> Expr:
        """Return what is in brackets; only a tuple takes them into its place."""
        inner = parts[1]
        if isinstance(inner, syntax.Starred):
            raise BuildError(
                "unexpected-token",
                "`*` needs a list or a tuple around it",
                inner.span,
                "write `(*values,)` or `[*values]`",
            )
        if isinstance(inner, syntax.TupleDisplay):
            return syntax.TupleDisplay(inner.items, start=start, end=end)
        return cast("Expr", inner)

    def displayed(self, parts: list[Child], _start: int, _end: int) -> tuple[Expr, ...]:
        """Return the items of a list or set."""
        return tuple(nodes(parts))

    def list_display(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a ListDisplay."""
        return syntax.ListDisplay(parts[1] if len(parts) == 3 else (), start=start, end=end)

    def set_display(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a SetDisplay."""
        return syntax.SetDisplay(parts[1], start=start, end=end)

    def empty_dict(self, _parts: list[Child], start: int, end: int) -> Expr:
        """Build `{}`."""
        return syntax.DictDisplay((), start=start, end=end)

    def dict_display(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a DictDisplay."""
        entries = tuple(part for part in parts if type(part) is tuple)
        return syntax.DictDisplay(entries, start=start, end=end)

    def entry(self, parts: list[Child], _start: int, end: int) -> tuple[Expr | None, Expr]:
        """Return key and value; the key of `**more` is None."""
        return (parts[0], parts[2]) if len(parts) == 3 else (None, _no_comparison(parts[1], end))

    def generator(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a generator expression."""
        return self._comprehension("generator", parts[1], None, parts[2:-1], start, end)

    def list_comprehension(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a list comprehension."""
        return self._comprehension("list", parts[1], None, parts[2:-1], start, end)

    def set_comprehension(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a set comprehension."""
        return self._comprehension("set", parts[1], None, parts[2:-1], start, end)

    def dict_comprehension(self, parts: list[Child], start: int, end: int) -> Expr:
        """Build a dict comprehension."""
        return self._comprehension("dict", parts[1], parts[3], parts[4:-1], start, end)

    def _comprehension(
        self,
        kind: Literal["list", "set", "dict", "generator"],
        element: Expr,
        value: Expr | None,
        clauses: Sequence[syntax.ForClause],
        start: int,
        end: int,
    ) -> Expr:
        return syntax.Comprehension(kind, element, value, tuple(clauses), start=start, end=end)

    def for_clause(self, parts: list[Child], start: int, end: int) -> syntax.ForClause:
        """Build one `for ... in ... if ...` of a comprehension."""
        if parts[0].text == "async":
            raise BuildError(
                "unsupported-syntax",
                "rules have no `async`",
                Span(parts[0].start, parts[0].end),
                "leave out `async`",
            )
        check_target(parts[1])
        return syntax.ForClause(parts[1], parts[3], tuple(nodes(parts[4:])), start=start, end=end)

    def refused_parameter(self, parts: list[Child], _start: int, _end: int) -> syntax.Parameter:
        """Refuse an annotated parameter."""
        colon = next(part for part in parts if isinstance(part, LayoutToken) and part.text == ":")
        raise BuildError(
            "unsupported-syntax",
            "rules have no annotations",
            Span(colon.start, colon.end),
            "leave out `:` and the type",
        )

    def unreadable(self, parts: list[Child], _start: int, _end: int) -> Expr:
        """Refuse a character or a quote that begins no token."""
        raise unreadable(parts[0])


def no_matrices(operator: LayoutToken) -> BuildError:
    """Return the error for `@` and `@=`."""
    message = f"rules have no operator `{operator.text}`"
    return BuildError("unsupported-syntax", message, operator.span, "put quotes around an e-mail address")


def nodes(parts: Sequence[Child]) -> list[Any]:
    """Return the nodes among the parts."""
    return [part for part in parts if isinstance(part, syntax.Node)]


def variable(token: LayoutToken) -> syntax.Name:
    """Return the Name of a token."""
    return syntax.Name(identifier(token), start=token.start, end=token.end)


def identifier(token: LayoutToken) -> str:
    """Return a name as Python reads it: normalised, and no keyword in disguise."""
    if token.text.isascii():
        return token.text
    name = unicodedata.normalize("NFKC", token.text)
    if not token.text.isidentifier() or not name.isidentifier():
        raise no_identifier(token)
    if iskeyword(name):
        raise BuildError(
            "unknown-character",
            f"this name reads as `{name}`, which is Python's own",
            token.span,
            "choose another name",
        )
    return name


def _join(pieces: list[str | syntax.FormattedField]) -> tuple[str | syntax.FormattedField, ...]:
    joined: list[str | syntax.FormattedField] = []
    run: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            run.append(piece)
            continue
        if run:
            joined.append("".join(run))
            run = []
        joined.append(piece)
    if run:
        joined.append("".join(run))
    return tuple(part for part in joined if part != "")


def _literal_problem(problem: LiteralError, token: LayoutToken) -> BuildError:
    start = token.start + problem.offset
    return BuildError("invalid-literal", str(problem), Span(start, start + problem.length), problem.help)


def no_star(value: Expr) -> Expr:
    """Return a value that stands alone, which Python forbids to have a `*`."""
    if isinstance(value, syntax.Starred):
        raise BuildError("unexpected-token", "`*` needs a list or a tuple around it", value.span, "write `[*values]`")
    return value


def _no_comparison(value: Expr, end: int) -> Expr:
    """Return what `*` or `**` stands before; Python allows no comparison there without brackets."""
    if isinstance(value, syntax.Comparison) and value.end == end:
        raise BuildError("unexpected-token", "a comparison behind `*` needs brackets", value.span)
    return value
