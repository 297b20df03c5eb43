"""Builds the syntax tree while the parser reduces: one method for each rule of the grammar that makes a node.

A method gets what the rule matched, in order: tokens (all are kept) and nodes. What the grammar leaves open for
LALR's sake is settled here: operator precedence, which expressions can be targets, the order of arguments.
"""

from __future__ import annotations

import re
import unicodedata
from inspect import signature
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from dispatcher.lang import syntax
from dispatcher.lang.layout import LayoutToken
from dispatcher.lang.literals import Field, LiteralError, number, text_parts
from dispatcher.lang.source import Span
from dispatcher.lang.tree_checks import (
    Bracketed,
    BuildError,
    bare,
    check_arguments,
    check_parameters,
    check_target,
    ordered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dispatcher.lang.syntax import Expr, Node, Stmt


# The letters before the first quote of a text.
_PREFIX = re.compile("[a-zA-Z]*")

Child: TypeAlias = Any  # a LayoutToken, a Node, or a list made by a rule that is part of another


class Callbacks:
    """What the parser calls for each rule: hands the parts to the builder's method, and the place that they take.

    Methods get expressions without their brackets, but for those that must tell `[(a, b)]` from `[a, b]`.
    """

    def __init__(self, builder: TreeBuilder) -> None:
        self._builder = builder

    def __getattr__(self, rule: str) -> Callable[[list[Child]], Child]:
        method = getattr(self._builder, rule)
        wants_place = "place" in signature(method).parameters
        wants_brackets = rule in ("list_display", "set_display", "operation", "starred", "entry")

        def build(parts: list[Child]) -> Child:
            plain = parts if wants_brackets else [bare(part) for part in parts]
            result = method(plain, {"start": parts[0].start, "end": _end(parts[-1])}) if wants_place else method(plain)
            # A rule that only passes its part on passes its brackets on too.
            return parts[0] if len(parts) == 1 and result is plain[0] else result

        return build


class TreeBuilder:
    """Callbacks of the parser, without state. `read_field` parses the expression of an f-string field."""

    def __init__(self, read_field: Callable[[str, int], Expr]) -> None:
        self._read_field = read_field

    # --- statements

    def statement(self, parts: list[Child]) -> list[Stmt]:
        """Return the statements of one line, or one compound statement, as a list."""
        (part,) = parts
        return part if isinstance(part, list) else [part]

    def simple_line(self, parts: list[Child]) -> list[Stmt]:
        """Return the statements between the semicolons."""
        return [part for part in parts if not isinstance(part, LayoutToken)]

    def suite(self, parts: list[Child]) -> tuple[Stmt, ...]:
        """Return the statements of a block."""
        return tuple(statement for part in parts if isinstance(part, list) for statement in part)

    def if_stmt(self, parts: list[Child]) -> Stmt:
        """Build an If; `parts` are if, condition, colon, suite, then branches and the else suite."""
        first = syntax.Branch(parts[1], parts[3], start=parts[0].start, end=_end(parts[3]))
        branches = [first, *(part for part in parts[4:] if isinstance(part, syntax.Branch))]
        orelse = _orelse(parts)
        return syntax.If(tuple(branches), orelse, start=first.start, end=_end(orelse or branches[-1].body))

    def elif_clause(self, parts: list[Child]) -> syntax.Branch:
        """Build a further branch."""
        return syntax.Branch(parts[1], parts[3], start=parts[0].start, end=_end(parts[3]))

    def else_clause(self, parts: list[Child]) -> _Else:
        """Keep the suite of an else."""
        return _Else(parts[2])

    def while_stmt(self, parts: list[Child]) -> Stmt:
        """Build a While."""
        orelse = _orelse(parts)
        return syntax.While(parts[1], parts[3], orelse, start=parts[0].start, end=_end(orelse or parts[3]))

    def for_stmt(self, parts: list[Child]) -> Stmt:
        """Build a For."""
        check_target(parts[1])
        orelse = _orelse(parts)
        return syntax.For(parts[1], parts[3], parts[5], orelse, start=parts[0].start, end=_end(orelse or parts[5]))

    def function_def(self, parts: list[Child]) -> Stmt:
        """Build a Function."""
        arrow = next((part for part in parts if isinstance(part, LayoutToken) and part.text == "->"), None)
        if arrow is not None:
            raise BuildError(
                "unsupported-syntax",
                "rules have no annotations",
                Span(arrow.start, arrow.end),
                "leave out `->` and the type",
            )
        body = parts[-1]
        parameters = (
            parts[3]
            if isinstance(parts[3], syntax.Parameters)
            else syntax.Parameters((), start=parts[2].end, end=parts[2].end)
        )
        return syntax.Function(self.name([parts[1]]), parameters, body, start=parts[0].start, end=_end(body))

    def expression_stmt(self, parts: list[Child], place: Any) -> Stmt:
        """Build an ExpressionStatement."""
        value = _no_star(parts[0])
        return syntax.ExpressionStatement(value, **place)

    def assignment(self, parts: list[Child], place: Any) -> Stmt:
        """Build an Assignment; every second part is `=`."""
        *targets, value = parts[::2]
        _no_star(value)
        for target in targets:
            check_target(target)
        return syntax.Assignment(tuple(targets), value, **place)

    def augmented_assignment(self, parts: list[Child], place: Any) -> Stmt:
        """Build an AugmentedAssignment."""
        target, operator, value = parts
        if not isinstance(target, syntax.Name | syntax.Attribute | syntax.Subscript):
            raise BuildError("invalid-target", f"`{operator.text}` needs one variable or item on its left", target.span)
        check_target(target)
        return syntax.AugmentedAssignment(target, operator.text[:-1], _no_star(value), **place)

    def pass_stmt(self, _parts: list[Child], place: Any) -> Stmt:
        """Build a Pass."""
        return syntax.Pass(**place)

    def break_stmt(self, _parts: list[Child], place: Any) -> Stmt:
        """Build a Break."""
        return syntax.Break(**place)

    def continue_stmt(self, _parts: list[Child], place: Any) -> Stmt:
        """Build a Continue."""
        return syntax.Continue(**place)

    def return_stmt(self, parts: list[Child], place: Any) -> Stmt:
        """Build a Return."""
        return syntax.Return(_no_star(parts[1]) if len(parts) > 1 else None, **place)

    def delete_stmt(self, parts: list[Child], place: Any) -> Stmt:
        """Build a Delete."""
        targets = parts[1].items if isinstance(parts[1], syntax.TupleDisplay) else (parts[1],)
        for target in targets:
            if isinstance(target, syntax.Starred):
                raise BuildError("invalid-target", "`del` takes no `*`", target.span)
            check_target(target)
        return syntax.Delete(targets, **place)

    def import_stmt(self, parts: list[Child], place: Any) -> Stmt:
        """Build an Import."""
        return syntax.Import(tuple(_nodes(parts)), **place)

    def imported_module(self, parts: list[Child], place: Any) -> syntax.ImportedName:
        """Build one module of an import."""
        module = parts[0]
        variable = _identifier(parts[2]) if len(parts) > 1 else module.text.split(".")[0]
        return syntax.ImportedName(module.text, variable, **place)

    def from_import(self, parts: list[Child]) -> Stmt:
        """Build a FromImport."""
        items, trailing_comma = next(part for part in parts if isinstance(part, tuple))
        if trailing_comma is not None and parts[-1] is not None and not isinstance(parts[-1], LayoutToken):
            raise BuildError(
                "unexpected-token",
                "a comma at the end needs brackets around the names",
                Span(trailing_comma.start, trailing_comma.end),
                "remove the comma",
            )
        end = parts[-1].end if isinstance(parts[-1], LayoutToken) else items[-1].end
        return syntax.FromImport(parts[1].text, items, start=parts[0].start, end=end)

    def imported_names(self, parts: list[Child]) -> tuple[tuple[Node, ...], LayoutToken | None]:
        """Return the names, and the comma behind the last one."""
        return tuple(_nodes(parts)), parts[-1] if isinstance(parts[-1], LayoutToken) else None

    def imported_name(self, parts: list[Child], place: Any) -> syntax.ImportedName:
        """Build one name of a from-import."""
        return syntax.ImportedName(_identifier(parts[0]), _identifier(parts[-1]), **place)

    def dotted_name(self, parts: list[Child]) -> LayoutToken:
        """Join the parts of a module's name to one token."""
        return LayoutToken("NAME", "".join(_identifier(part) for part in parts), parts[0].start, parts[-1].end)

    # --- expressions

    def items(self, parts: list[Child], place: Any) -> Expr:
        """Return the only item, or a tuple where there is a comma."""
        if len(parts) == 1:
            return cast("Expr", parts[0])
        return syntax.TupleDisplay(tuple(_nodes(parts)), **place)

    targets = items

    def starred(self, parts: list[Child], place: Any) -> Expr:
        """Build a Starred."""
        return syntax.Starred(_no_comparison(parts[1]), **place)

    def named_expression(self, parts: list[Child], place: Any) -> Expr:
        """Build a NamedExpression."""
        target = parts[0]
        if not isinstance(target, syntax.Name):
            raise BuildError("invalid-target", "`:=` needs a variable on its left", target.span)
        return syntax.NamedExpression(target, parts[2], **place)

    def conditional(self, parts: list[Child], place: Any) -> Expr:
        """Build a Conditional."""
        return syntax.Conditional(parts[2], parts[0], parts[4], **place)

    def lambda_expression(self, parts: list[Child], place: Any) -> Expr:
        """Build a Lambda."""
        parameters = (
            parts[1]
            if isinstance(parts[1], syntax.Parameters)
            else syntax.Parameters((), start=parts[0].end, end=parts[0].end)
        )
        return syntax.Lambda(parameters, parts[-1], **place)

    def or_operation(self, parts: list[Child], place: Any) -> Expr:
        """Build a BooleanOperation."""
        return syntax.BooleanOperation("or", tuple(_nodes(parts)), **place)

    def and_operation(self, parts: list[Child], place: Any) -> Expr:
        """Build a BooleanOperation."""
        return syntax.BooleanOperation("and", tuple(_nodes(parts)), **place)

    def not_operation(self, parts: list[Child], place: Any) -> Expr:
        """Build a UnaryOperation."""
        return syntax.UnaryOperation("not", parts[1], **place)

    def operator(self, parts: list[Child]) -> str:
        """Return the operator's text, one space between two words."""
        return " ".join(part.text for part in parts)

    def operation(self, parts: list[Child]) -> Expr:
        """Order a flat run of operands and operators."""
        return ordered(parts)

    def unary_operation(self, parts: list[Child], place: Any) -> Expr:
        """Build a UnaryOperation."""
        return syntax.UnaryOperation(parts[0].text, parts[1], **place)

    def power(self, parts: list[Child], place: Any) -> Expr:
        """Build a BinaryOperation of `**`."""
        return syntax.BinaryOperation(parts[0], "**", parts[2], **place)

    def attribute(self, parts: list[Child], place: Any) -> Expr:
        """Build an Attribute."""
        return syntax.Attribute(parts[0], _identifier(parts[2]), **place)

    def call(self, parts: list[Child], place: Any) -> Expr:
        """Build a Call."""
        return syntax.Call(parts[0], parts[2] if isinstance(parts[2], tuple) else (), **place)

    def subscript(self, parts: list[Child], place: Any) -> Expr:
        """Build a Subscript."""
        return syntax.Subscript(parts[0], parts[2], **place)

    def subscripts(self, parts: list[Child], place: Any) -> Expr:
        """Return the only index, or a tuple where there is a comma."""
        if len(parts) == 1 and isinstance(parts[0], syntax.Starred):
            return syntax.TupleDisplay((parts[0],), **place)
        return self.items(parts, place)

    def slice(self, parts: list[Child], place: Any) -> Expr:
        """Build a Slice; a missing bound is where two colons, or a colon and an end, meet."""
        bounds: list[Expr | None] = [None, None, None]
        index = 0
        for part in parts:
            if isinstance(part, LayoutToken):
                index += 1
            else:
                bounds[index] = part
        lower, upper, step = bounds
        return syntax.Slice(lower, upper, step, **place)

    def arguments(self, parts: list[Child]) -> tuple[syntax.Argument, ...]:
        """Check the order of arguments as CPython does."""
        arguments = tuple(_nodes(parts))
        check_arguments(cast("tuple[syntax.Argument, ...]", arguments))
        return cast("tuple[syntax.Argument, ...]", arguments)

    def argument(self, parts: list[Child], place: Any) -> syntax.Argument:
        """Build one argument."""
        if len(parts) == 1:
            return syntax.Argument(parts[0], None, "", **place)
        if len(parts) == 2:
            return syntax.Argument(parts[1], None, parts[0].text, **place)
        name = parts[0]
        if not isinstance(name, syntax.Name):
            raise BuildError(
                "invalid-arguments",
                "the left side of `=` in a call must be a parameter's name",
                name.span,
                "write `==` to compare",
            )
        return syntax.Argument(parts[2], name.id, "", **place)

    def generator_argument(self, parts: list[Child], place: Any) -> syntax.Argument:
        """Build a generator expression that is an argument."""
        generator = self._comprehension("generator", parts[0], None, parts[1:], place)
        return syntax.Argument(generator, None, "", **place)

    def parameters(self, parts: list[Child], place: Any) -> syntax.Parameters:
        """Check the order of parameters as CPython does."""
        items = tuple(cast("list[syntax.Parameter]", _nodes(parts)))
        check_parameters(items)
        return syntax.Parameters(items, **place)

    def parameter(self, parts: list[Child], place: Any) -> syntax.Parameter:
        """Build one parameter."""
        first = parts[0]
        if first.type == "NAME":
            return syntax.Parameter(_identifier(first), "", parts[2] if len(parts) > 1 else None, **place)
        return syntax.Parameter(_identifier(parts[1]) if len(parts) > 1 else "", first.text, None, **place)

    def fstring_expression(self, parts: list[Child]) -> Expr:
        """Return the expression behind the brace of an f-string field."""
        return _no_star(parts[1])

    # --- atoms

    def name(self, parts: list[Child]) -> syntax.Name:
        """Build a Name."""
        return syntax.Name(_identifier(parts[0]), start=parts[0].start, end=parts[0].end)

    def number(self, parts: list[Child]) -> Expr:
        """Build a Constant from a number literal."""
        token = parts[0]
        try:
            value = number(token.text)
        except LiteralError as problem:
            raise _literal_problem(problem, token) from None
        return syntax.Constant(value, start=token.start, end=token.end)

    def constant(self, parts: list[Child], place: Any) -> Expr:
        """Build a Constant from a keyword."""
        token = parts[0]
        if token.text == "...":
            return syntax.RefusedExpression("`...`", **place)
        return syntax.Constant({"None": None, "True": True, "False": False}[token.text], **place)

    def text(self, parts: list[LayoutToken], place: Any) -> Expr:
        """Build a Constant, or a FormattedString where a literal has fields, from adjacent literals."""
        pieces: list[str | syntax.FormattedField] = []
        formatted = False
        for token in parts:
            formatted = (
                formatted or "f" in token.text[: min(token.text.find("'") % 9, token.text.find('"') % 9)].lower()
            )
            try:
                values = text_parts(token.text)
            except LiteralError as problem:
                raise _literal_problem(problem, token) from None
            pieces.extend(value if isinstance(value, str) else self._field(value, token) for value in values)
        joined = _join(pieces)
        if formatted:
            return syntax.FormattedString(joined, **place)
        return syntax.Constant(cast("str", joined[0]) if joined else "", **place)

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

    def empty_tuple(self, _parts: list[Child], place: Any) -> Bracketed:
        """Build `()`."""
        return Bracketed(syntax.TupleDisplay((), **place), **place)

    def parenthesized(self, parts: list[Child], place: Any) -> Bracketed:
        """Keep the brackets' place; a tuple also takes them into its own."""
        inner = parts[1]
        if isinstance(inner, syntax.Starred):
            raise BuildError(
                "unexpected-token",
                "`*` needs a list or a tuple around it",
                inner.span,
                "write `(*values,)` or `[*values]`",
            )
        if isinstance(inner, syntax.TupleDisplay):
            inner = syntax.TupleDisplay(inner.items, **place)
        return Bracketed(inner, **place)

    def list_display(self, parts: list[Child], place: Any) -> Expr:
        """Build a ListDisplay."""
        return syntax.ListDisplay(_display_items(parts), **place)

    def set_display(self, parts: list[Child], place: Any) -> Expr:
        """Build a SetDisplay."""
        return syntax.SetDisplay(_display_items(parts), **place)

    def empty_dict(self, _parts: list[Child], place: Any) -> Expr:
        """Build `{}`."""
        return syntax.DictDisplay((), **place)

    def dict_display(self, parts: list[Child], place: Any) -> Expr:
        """Build a DictDisplay."""
        entries = tuple(part for part in parts if isinstance(part, tuple))
        return syntax.DictDisplay(entries, **place)

    def entry(self, parts: list[Child]) -> tuple[Expr | None, Expr]:
        """Return key and value; the key of `**more` is None."""
        return (bare(parts[0]), bare(parts[2])) if len(parts) == 3 else (None, _no_comparison(parts[1]))

    def generator(self, parts: list[Child], place: Any) -> Expr:
        """Build a generator expression."""
        return self._comprehension("generator", parts[1], None, parts[2:-1], place)

    def list_comprehension(self, parts: list[Child], place: Any) -> Expr:
        """Build a list comprehension."""
        return self._comprehension("list", parts[1], None, parts[2:-1], place)

    def set_comprehension(self, parts: list[Child], place: Any) -> Expr:
        """Build a set comprehension."""
        return self._comprehension("set", parts[1], None, parts[2:-1], place)

    def dict_comprehension(self, parts: list[Child], place: Any) -> Expr:
        """Build a dict comprehension."""
        return self._comprehension("dict", parts[1], parts[3], parts[4:-1], place)

    def _comprehension(
        self,
        kind: Literal["list", "set", "dict", "generator"],
        element: Expr,
        value: Expr | None,
        clauses: Sequence[syntax.ForClause],
        place: Any,
    ) -> Expr:
        return syntax.Comprehension(kind, element, value, tuple(clauses), **place)

    def for_clause(self, parts: list[Child], place: Any) -> syntax.ForClause:
        """Build one `for ... in ... if ...` of a comprehension."""
        if parts[0].text == "async":
            raise BuildError(
                "unsupported-syntax",
                "rules have no `async`",
                Span(parts[0].start, parts[0].end),
                "leave out `async`",
            )
        check_target(parts[1])
        return syntax.ForClause(parts[1], parts[3], tuple(_nodes(parts[4:])), **place)

    # --- what rules leave out

    def refused_parameter(self, parts: list[Child]) -> syntax.Parameter:
        """Refuse an annotated parameter."""
        raise BuildError(
            "unsupported-syntax",
            "rules have no annotations",
            Span(parts[1].start, parts[2].end),
            "leave out `:` and the type",
        )

    def except_clause(self, parts: list[Child]) -> tuple[Stmt, ...]:
        """Keep the suite, so that it is checked."""
        return cast("tuple[Stmt, ...]", parts[-1])

    finally_clause = except_clause

    def class_def(self, parts: list[Child], place: Any) -> Stmt:
        """Keep a decorated class for the checker to refuse."""
        return syntax.RefusedStatement("`class`", parts[-1], **place)

    def with_item(self, parts: list[Child]) -> Expr:
        """Keep what a `with` opens."""
        return cast("Expr", parts[0])

    def yield_expr(self, _parts: list[Child], place: Any) -> Expr:
        """Keep a `yield` for the checker to refuse."""
        return syntax.RefusedExpression("`yield`", **place)

    def unreadable(self, parts: list[Child]) -> Expr:
        """Refuse a character or a quote that begins no token."""
        raise unreadable(parts[0])

    def __getattr__(self, rule: str) -> Callable[[list[Child], Any], Child]:
        construct = _REFUSED.get(rule)
        if construct is None:
            raise AttributeError(rule)
        if rule in _REFUSED_EXPRESSIONS:
            return lambda _parts, place: syntax.RefusedExpression(construct, **place)
        return lambda parts, place: syntax.RefusedStatement(construct, tuple(_bodies(parts)), **place)


_REFUSED = {
    "refused_raise": "`raise`",
    "refused_assert": "`assert`",
    "refused_global": "`global`",
    "refused_nonlocal": "`nonlocal`",
    "refused_star_import": "`import *`",
    "refused_annotation": "annotations",
    "refused_yield": "`yield`",
    "refused_class": "`class`",
    "refused_try": "`try`",
    "refused_with": "`with`",
    "refused_decorator": "decorators",
    "refused_async": "`async`",
    "refused_await": "`await`",
    "refused_yield_expression": "`yield`",
}
_REFUSED_EXPRESSIONS = ("refused_await", "refused_yield_expression")


class _Else:
    """The suite of an else, told apart from other suites by its type."""

    __slots__ = ("body",)

    def __init__(self, body: tuple[Stmt, ...]) -> None:
        self.body = body


def unreadable(token: LayoutToken) -> BuildError:
    """Return the error for a token that the lexer could not read."""
    span = Span(token.start, token.end)
    if token.type in ("UNTERMINATED", "UNTERMINATED_LONG"):
        bare = token.text.lstrip("bBfFrRuU")
        quotes = bare[:3] if bare.startswith(('"""', "'''")) else bare[:1]
        opening = Span(token.start, token.start + len(token.text) - len(bare) + len(quotes))
        return BuildError("unterminated-text", "this text is never closed", opening, f"add the closing `{quotes}`")
    character = token.text
    if character in "‘’‚‛“”„‟«»":
        return BuildError(
            "unknown-character", f"`{character}` is a typographic quote", span, "use plain quotes: ' or \""
        )
    if character == "\\":
        return BuildError(
            "unknown-character",
            "a backslash joins two lines only as the last character of its line",
            span,
            "remove what follows it, or the backslash",
        )
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return BuildError("unknown-character", f"`{shown}` means nothing in rules", span, "remove it")


def _end(last: Child) -> int:
    while isinstance(last, tuple | list):
        last = last[-1]
    return int(last.body[-1].end if isinstance(last, _Else) else last.end)


def _nodes(parts: Sequence[Child]) -> list[Any]:
    return [part for part in parts if isinstance(part, syntax.Node)]


def _orelse(parts: Sequence[Child]) -> tuple[Stmt, ...]:
    return parts[-1].body if isinstance(parts[-1], _Else) else ()


def _bodies(parts: Sequence[Child]) -> Iterator[Any]:
    """Yield the statements inside a refused block, so that they are checked too."""
    for part in parts:
        if isinstance(part, syntax.Function):
            yield part
        elif isinstance(part, _Else):
            yield from part.body
        elif isinstance(part, tuple):
            yield from (
                item for item in part if isinstance(item, syntax.Node) and not isinstance(item, syntax.Argument)
            )
        elif isinstance(part, syntax.RefusedStatement):
            yield from part.body


def _identifier(token: LayoutToken) -> str:
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


def no_identifier(token: LayoutToken) -> BuildError:
    """Return the error for the first character that no name can hold."""
    text = token.text
    # A name's start is a name, so the first character that spoils it is found from the left.
    index = next(size for size in range(len(text)) if not text[: size + 1].isidentifier())
    return unreadable(LayoutToken("UNKNOWN", text[index], token.start + index, token.start + index + 1))


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


def _no_star(value: Expr) -> Expr:
    if isinstance(value, syntax.Starred):
        raise BuildError("unexpected-token", "`*` needs a list or a tuple around it", value.span, "write `[*values]`")
    return value


def _no_comparison(part: Child) -> Expr:
    """Return what `*` or `**` stands before; Python allows no comparison there without brackets."""
    if isinstance(part, syntax.Comparison):
        raise BuildError("unexpected-token", "a comparison behind `*` needs brackets", part.span)
    return cast("Expr", bare(part))


def _display_items(parts: list[Child]) -> tuple[Expr, ...]:
    if len(parts) == 2:
        return ()
    inner = parts[1]
    if isinstance(inner, Bracketed):
        return (inner.inner,)
    return inner.items if isinstance(inner, syntax.TupleDisplay) else (inner,)
