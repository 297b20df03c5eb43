"""Our syntax tree as CPython's: converts a Module to `ast` nodes, so that the two can be compared.

Positions are CPython's own terms, lines from 1 and columns from 0, counted in characters.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, assert_never

from dispatcher.lang import syntax
from dispatcher.lang.source import Source

_BINARY: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
    "<<": ast.LShift,
    ">>": ast.RShift,
    "&": ast.BitAnd,
    "|": ast.BitOr,
    "^": ast.BitXor,
}
_COMPARE: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "in": ast.In,
    "not in": ast.NotIn,
    "is": ast.Is,
    "is not": ast.IsNot,
}
_UNARY: dict[str, type[ast.unaryop]] = {"not": ast.Not, "-": ast.USub, "+": ast.UAdd, "~": ast.Invert}
_COMPREHENSIONS: dict[str, Any] = {"list": ast.ListComp, "set": ast.SetComp, "generator": ast.GeneratorExp}


def dump(tree: ast.AST, *, positions: bool = False) -> str:
    """Return the text of a tree by which two are compared."""
    return ast.dump(_Plain().visit(tree), include_attributes=positions, indent=1)


class _Plain(ast.NodeTransformer):
    """Takes out what our tree does not keep: the `u` of a text literal, and brackets around the targets of `del`."""

    def visit_Delete(self, node: ast.Delete) -> ast.Delete:
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple):
            node.targets = node.targets[0].elts
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        node.kind = None
        return node


def to_ast(source: Source, module: syntax.Module) -> ast.Module:
    """Return CPython's tree for one of ours."""
    return _Converter(source).module(module)


class _Converter:
    def __init__(self, source: Source) -> None:
        self._source = source

    def _at(self, node: syntax.Node) -> dict[str, int]:
        line, column = self._source.position(node.start)
        end_line, end_column = self._source.position(node.end)
        return {"lineno": line, "col_offset": column - 1, "end_lineno": end_line, "end_col_offset": end_column - 1}

    def module(self, module: syntax.Module) -> ast.Module:
        return ast.Module(self._body(module.body), [])

    def _body(self, body: Iterable[syntax.Stmt]) -> list[ast.stmt]:
        return [self._stmt(statement) for statement in body]

    def _stmt(self, statement: syntax.Stmt) -> ast.stmt:  # noqa: C901 - one case for each kind of node
        place: Any = self._at(statement)
        match statement:
            case syntax.ExpressionStatement(value=value):
                return ast.Expr(self._expr(value), **place)
            case syntax.Assignment(targets=targets, value=value):
                return ast.Assign([self._target(target) for target in targets], self._expr(value), **place)
            case syntax.AugmentedAssignment(target=target, op=op, value=value):
                stored: Any = self._target(target)
                return ast.AugAssign(stored, _BINARY[op](), self._expr(value), **place)
            case syntax.If():
                return self._if(statement)
            case syntax.For(target=target, iterable=iterable, body=body, orelse=orelse):
                return ast.For(
                    self._target(target), self._expr(iterable), self._body(body), self._body(orelse), **place
                )
            case syntax.While(condition=condition, body=body, orelse=orelse):
                return ast.While(self._expr(condition), self._body(body), self._body(orelse), **place)
            case syntax.Break():
                return ast.Break(**place)
            case syntax.Continue():
                return ast.Continue(**place)
            case syntax.Pass():
                return ast.Pass(**place)
            case syntax.Function(name=name, parameters=parameters, body=body):
                return ast.FunctionDef(name.id, self._parameters(parameters), self._body(body), [], **place)
            case syntax.Return(value=value):
                return ast.Return(self._optional(value), **place)
            case syntax.Import(items=items):
                return ast.Import([self._imported(item, item.name.split(".")[0]) for item in items], **place)
            case syntax.FromImport(module=module, items=items):
                return ast.ImportFrom(module, [self._imported(item, item.name) for item in items], 0, **place)
            case syntax.Delete(targets=targets):
                return ast.Delete([self._target(target, ast.Del) for target in targets], **place)
            case syntax.Try(body=body, handlers=handlers, orelse=orelse, final=final):
                return ast.Try(
                    self._body(body),
                    [self._handler(handler) for handler in handlers],
                    self._body(orelse),
                    self._body(final),
                    **place,
                )
            case syntax.Raise(error=error, cause=cause):
                return ast.Raise(self._optional(error), self._optional(cause), **place)
            case syntax.Assert(condition=condition, message=message):
                return ast.Assert(self._expr(condition), self._optional(message), **place)
            case syntax.Global(names=names):
                return ast.Global([name.id for name in names], **place)
            case syntax.Nonlocal(names=names):
                return ast.Nonlocal([name.id for name in names], **place)
            case syntax.Match(subject=subject, cases=cases):
                return ast.Match(self._expr(subject), [self._case(case) for case in cases], **place)
            case syntax.RefusedStatement():
                raise ValueError(f"rules have no {statement.construct}")
            case _:
                assert_never(statement)

    def _if(self, statement: syntax.If) -> ast.If:
        orelse = self._body(statement.orelse)
        for branch in reversed(statement.branches):
            place: Any = self._at(branch)
            last = self._at(statement)
            place |= {"end_lineno": last["end_lineno"], "end_col_offset": last["end_col_offset"]}
            orelse = [ast.If(self._expr(branch.condition), self._body(branch.body), orelse, **place)]
        (outermost,) = orelse
        assert isinstance(outermost, ast.If)
        return outermost

    def _handler(self, handler: syntax.Handler) -> ast.ExceptHandler:
        place: Any = self._at(handler)
        name = handler.name.id if handler.name is not None else None
        return ast.ExceptHandler(self._optional(handler.kind), name, self._body(handler.body), **place)

    def _case(self, case: syntax.Case) -> ast.match_case:
        return ast.match_case(self._pattern(case.pattern), self._optional(case.guard), self._body(case.body))

    def _pattern(self, pattern: syntax.Pattern) -> ast.pattern:
        place: Any = self._at(pattern)
        match pattern:
            case syntax.ValuePattern(value=syntax.Constant(value=None | bool() as value)):
                return ast.MatchSingleton(value, **place)
            case syntax.ValuePattern(value=value):
                return ast.MatchValue(self._expr(value), **place)
            case syntax.CapturePattern(name=name):
                return ast.MatchAs(None, name.id if name is not None else None, **place)
            case syntax.AsPattern(pattern=inner, name=name):
                return ast.MatchAs(self._pattern(inner), name.id, **place)
            case syntax.OrPattern(alternatives=alternatives):
                return ast.MatchOr([self._pattern(inner) for inner in alternatives], **place)
            case syntax.SequencePattern(items=items):
                return ast.MatchSequence([self._pattern(item) for item in items], **place)
            case syntax.StarPattern(name=name):
                return ast.MatchStar(name.id if name is not None else None, **place)
            case syntax.MappingPattern(entries=entries, rest=rest):
                return ast.MatchMapping(
                    [self._expr(key) for key, _ in entries],
                    [self._pattern(inner) for _, inner in entries],
                    rest.id if rest is not None else None,
                    **place,
                )
            case _:
                assert_never(pattern)

    def _imported(self, item: syntax.ImportedName, default: str) -> ast.alias:
        place: Any = self._at(item)
        plain = self._source.text[item.start : item.end].split()[-1:] == [item.name] or item.variable == default
        same = plain and " as " not in " ".join(self._source.text[item.start : item.end].split())
        return ast.alias(item.name, None if same else item.variable, **place)

    def _target(self, target: syntax.Expr, context: type[ast.expr_context] = ast.Store) -> ast.expr:
        node: Any = self._expr(target)
        pending = [node]
        while pending:
            current = pending.pop()
            current.ctx = context()
            if isinstance(current, ast.Tuple | ast.List):
                pending.extend(current.elts)
            elif isinstance(current, ast.Starred):
                pending.append(current.value)
        return node  # type: ignore[no-any-return] # an expression, as converted above

    def _optional(self, expr: syntax.Expr | None) -> ast.expr | None:
        return self._expr(expr) if expr is not None else None

    def _all(self, exprs: Iterable[syntax.Expr]) -> list[ast.expr]:
        return [self._expr(expr) for expr in exprs]

    def _expr(self, expr: syntax.Expr) -> ast.expr:  # noqa: C901 - one case for each kind of node
        place: Any = self._at(expr)
        match expr:
            case syntax.Name(id=name):
                return ast.Name(name, ast.Load(), **place)
            case syntax.Constant(value=value):
                return ast.Constant(value, **place)
            case syntax.FormattedString():
                return self._formatted(expr)
            case syntax.ListDisplay(items=items):
                return ast.List(self._all(items), ast.Load(), **place)
            case syntax.TupleDisplay(items=items):
                return ast.Tuple(self._all(items), ast.Load(), **place)
            case syntax.SetDisplay(items=items):
                return ast.Set(self._all(items), **place)
            case syntax.DictDisplay(entries=entries):
                keys = [self._optional(key) for key, _ in entries]
                return ast.Dict(keys, self._all(value for _, value in entries), **place)
            case syntax.UnaryOperation(op=op, operand=operand):
                return ast.UnaryOp(_UNARY[op](), self._expr(operand), **place)
            case syntax.BinaryOperation(left=left, op=op, right=right):
                return ast.BinOp(self._expr(left), _BINARY[op](), self._expr(right), **place)
            case syntax.BooleanOperation(op=op, operands=operands):
                return ast.BoolOp(ast.And() if op == "and" else ast.Or(), self._all(operands), **place)
            case syntax.Comparison(first=first, rest=rest):
                ops: list[ast.cmpop] = [_COMPARE[op]() for op, _ in rest]
                return ast.Compare(self._expr(first), ops, self._all(right for _, right in rest), **place)
            case syntax.Conditional(condition=condition, value=value, other=other):
                return ast.IfExp(self._expr(condition), self._expr(value), self._expr(other), **place)
            case syntax.Lambda(parameters=parameters, body=body):
                return ast.Lambda(self._parameters(parameters), self._expr(body), **place)
            case syntax.Attribute(value=value, name=name):
                return ast.Attribute(self._expr(value), name, ast.Load(), **place)
            case syntax.Subscript(value=value, index=index):
                return ast.Subscript(self._expr(value), self._expr(index), ast.Load(), **place)
            case syntax.Slice(lower=lower, upper=upper, step=step):
                return ast.Slice(self._optional(lower), self._optional(upper), self._optional(step), **place)
            case syntax.Call():
                return self._call(expr)
            case syntax.Starred(value=value):
                return ast.Starred(self._expr(value), ast.Load(), **place)
            case syntax.NamedExpression(target=target, value=value):
                bound: Any = self._target(target)
                return ast.NamedExpr(bound, self._expr(value), **place)
            case syntax.Comprehension():
                return self._comprehension(expr)
            case syntax.RefusedExpression():
                raise ValueError(f"rules have no {expr.construct}")
            case _:
                assert_never(expr)

    def _formatted(self, expr: syntax.FormattedString) -> ast.JoinedStr:
        place: Any = self._at(expr)
        values: list[ast.expr] = []
        text = ""
        for part in expr.parts:
            if isinstance(part, str):
                text += part
                continue
            text += part.label or ""
            if text:
                values.append(ast.Constant(text, **place))
                text = ""
            conversion = ord(part.conversion) if part.conversion else -1
            spec = self._formatted(part.spec) if part.spec is not None else None
            values.append(ast.FormattedValue(self._expr(part.value), conversion, spec, **place))
        if text:
            values.append(ast.Constant(text, **place))
        return ast.JoinedStr(values, **place)

    def _call(self, expr: syntax.Call) -> ast.Call:
        place: Any = self._at(expr)
        arguments: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        for argument in expr.arguments:
            where: Any = self._at(argument)
            value = self._expr(argument.value)
            if argument.kind == "*":
                arguments.append(ast.Starred(value, ast.Load(), **where))
            elif argument.kind == "**" or argument.name is not None:
                keywords.append(ast.keyword(argument.name, value, **where))
            else:
                arguments.append(value)
        if len(arguments) == len(expr.arguments) == 1 and isinstance(arguments[0], ast.GeneratorExp):
            self._take_brackets(arguments[0], expr)
        return ast.Call(self._expr(expr.function), arguments, keywords, **place)

    def _take_brackets(self, generator: ast.GeneratorExp, call: syntax.Call) -> None:
        """Give a generator that is the only argument the brackets of the call, as CPython does."""
        (argument,) = call.arguments
        assert isinstance(argument.value, syntax.Comprehension)
        if self._source.text[argument.start] != "(" or argument.value.element.start == argument.start:
            opening = self._source.text.index("(", call.function.end)
            for name, value in self._at(syntax.Pass(start=opening, end=call.end)).items():
                setattr(generator, name, value)

    def _comprehension(self, expr: syntax.Comprehension) -> ast.expr:
        place: Any = self._at(expr)
        generators = [
            ast.comprehension(
                self._target(clause.target), self._expr(clause.iterable), self._all(clause.conditions), is_async=0
            )
            for clause in expr.clauses
        ]
        element = self._expr(expr.element)
        if expr.kind == "dict":
            assert expr.value is not None
            return ast.DictComp(element, self._expr(expr.value), generators, **place)
        node: ast.expr = _COMPREHENSIONS[expr.kind](element, generators, **place)
        return node

    def _parameters(self, parameters: syntax.Parameters) -> ast.arguments:
        positional_only: list[ast.arg] = []
        positional: list[ast.arg] = []
        named: list[ast.arg] = []
        defaults: list[ast.expr] = []
        named_defaults: list[ast.expr | None] = []
        star: ast.arg | None = None
        double: ast.arg | None = None
        only_named = False
        for item in parameters.items:
            place: Any = self._at(item)
            line, column = self._source.position(item.start)
            end = column - 1 + len(item.kind) + len(item.name)
            start = column - 1 + len(item.kind)
            argument = ast.arg(item.name, **(place | {"col_offset": start, "end_lineno": line, "end_col_offset": end}))
            match item.kind:
                case "/":
                    positional_only, positional = positional, []
                case "*":
                    only_named = True
                    star = argument if item.name else None
                case "**":
                    double = argument
                case "" if only_named:
                    named.append(argument)
                    named_defaults.append(self._optional(item.default))
                case "":
                    positional.append(argument)
                    if item.default is not None:
                        defaults.append(self._expr(item.default))
        return ast.arguments(positional_only, positional, star, named, named_defaults, double, defaults)
