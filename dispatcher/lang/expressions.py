"""Expressions of rules -> Python `ast` nodes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import assert_never

from dispatcher.lang import syntax
from dispatcher.lang.budget import BIG
from dispatcher.lang.emitter import Emitter, Place, weight
from dispatcher.lang.functions import DIRECT, FUNCTIONS
from dispatcher.lang.idioms import Counting, counting, first_of_lines
from dispatcher.lang.methods import method_caller, method_finder
from dispatcher.lang.scopes import ScopeNames, function_names, is_literal, target_names
from dispatcher.lang.sequences import LAZY_COST
from dispatcher.lang.syntax import Expr, Stmt
from dispatcher.lang.tallies import Tally

_COMPARE: dict[str, tuple[type[ast.cmpop], str]] = {
    "==": (ast.Eq, ".equal"),
    "!=": (ast.NotEq, ".not_equal"),
    "<": (ast.Lt, ".less"),
    "<=": (ast.LtE, ".less_equal"),
    ">": (ast.Gt, ".greater"),
    ">=": (ast.GtE, ".greater_equal"),
    "in": (ast.In, ".contains"),
    "not in": (ast.NotIn, ".not_contains"),
}
_IDENTITY: dict[str, type[ast.cmpop]] = {"is": ast.Is, "is not": ast.IsNot}

ARITHMETIC = {
    "+": ".add",
    "-": ".subtract",
    "*": ".multiply",
    "**": ".power",
    "<<": ".shift_left",
    ">>": ".shift_right",
    "%": ".percent",
    "/": ".divide",
    "//": ".floor_divide",
    "|": ".bit_or",
    "&": ".bit_and",
    "^": ".bit_xor",
}

_DIRECT: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}
# What adding a number as written gives may be kept without a charge up to here.
_SMALL_NUMBER = 1 << 256

_UNARY: dict[str, type[ast.unaryop]] = {"not": ast.Not, "-": ast.USub, "+": ast.UAdd, "~": ast.Invert}


# Methods that Python carries out on a short text of ASCII in no time.
SMALL_TEXT_METHODS = frozenset({"casefold", "lower", "upper"})

_SIGNS = {"-": ".negate", "+": ".plus", "~": ".invert"}


class ExpressionCompiler(Emitter):
    """Translates expressions; each method returns one node."""

    # Whether idioms are looked for; without, a rule decides the same and takes longer.
    idioms = True
    # Where the idioms stand that take more than one statement (idioms.neighbours).
    neighbours: frozenset[tuple[int, int]] = frozenset()
    # The parameters of the compiled code for literals, by the offsets at which these stand.
    _varying: Mapping[int, str] = MappingProxyType({})

    def _expr(self, expr: Expr) -> ast.expr:
        """Translate an expression; the current place is the same before and after."""
        outside = self._place
        self._at(expr)
        node = self._translated(expr)
        self._place = outside
        return node

    def _translated(self, expr: Expr) -> ast.expr:  # noqa: C901 - one case for each kind of node
        match expr:
            case syntax.Name(id=name):
                return self._builtin_value(name) if self._is_builtin(name) else self._read(name)
            case syntax.Constant(value=value):
                return self._constant(value)
            case syntax.FormattedString():
                return self._formatted(expr)
            case syntax.ListDisplay(items=items):
                return self._display("list", items)
            case syntax.TupleDisplay(items=items):
                return self._display("tuple", items)
            case syntax.SetDisplay(items=items):
                return self._display("set", items)
            case syntax.DictDisplay(entries=entries):
                return self._dict_display(entries)
            case syntax.UnaryOperation(op=op, operand=operand):
                return self._unary(op, operand)
            case syntax.BinaryOperation():
                return self._binary(expr)
            case syntax.BooleanOperation(op=op, operands=operands):
                return ast.BoolOp(
                    ast.And() if op == "and" else ast.Or(),
                    [self._expr(operand) for operand in operands],
                    **self._place,
                )
            case syntax.Comparison():
                return self._comparison(expr)
            case syntax.Conditional(condition=condition, value=value, other=other):
                return ast.IfExp(self._expr(condition), self._expr(value), self._expr(other), **self._place)
            case syntax.Lambda():
                return self._lambda(expr)
            case syntax.Attribute(value=value, name=name):
                owner = self._expr(value)
                self._place = self._member_place(expr)
                return self._metered(".attribute", owner, self._constant(name))
            case syntax.Subscript(value=value, index=index):
                if self._is_paired(expr):
                    return self._call(".first_line", self._expr(value))
                wrapped = first_of_lines(expr) if self.idioms else None
                if wrapped is not None and not self._varies(expr):
                    return self._metered(".first_item", self._lines(wrapped))
                # Python warns of constants in the items of a display, so those go through the helper.
                if isinstance(index, syntax.Constant) and isinstance(value, syntax.Name | syntax.Subscript):
                    return ast.Subscript(self._expr(value), self._expr(index), ast.Load(), **self._place)
                return self._metered(".item", self._expr(value), self._expr(index))
            case syntax.Slice(lower=lower, upper=upper, step=step):
                bounds = [
                    self._expr(bound) if bound is not None else self._constant(None) for bound in (lower, upper, step)
                ]
                return self._call(".slice", *bounds)
            case syntax.Call():
                if self._is_paired(expr):
                    return self._lines(expr)
                # Python allows no `:=` in the iterable of a comprehension, which an idiom keeps its value by.
                found = counting(expr, self._is_builtin) if self.idioms and not self._in_iterable else None
                if found is None or self._varies(expr):
                    return self._call_expr(expr)
                return self._counting(expr, found)
            case syntax.NamedExpression(target=target, value=value):
                return self._named(target, value)
            case syntax.Comprehension():
                return self._comprehension(expr)
            case syntax.Starred() | syntax.RefusedExpression():
                raise AssertionError("the parser and the checker refuse it")
            case _:
                assert_never(expr)

    def _display(self, kind: str, items: tuple[Expr, ...]) -> ast.expr:
        """Translate a display without keys and values; one with `*` is put together by a helper."""
        if any(isinstance(item, syntax.Starred) for item in items):
            return self._metered(f".joined_{kind}", *self._parts(items))
        if kind == "set":
            return ast.Set([self._key(item) for item in items], **self._place)
        nodes = [self._expr(item) for item in items]
        return (ast.List if kind == "list" else ast.Tuple)(nodes, ast.Load(), **self._place)

    def _parts(self, items: Iterable[Expr]) -> list[ast.expr]:
        """Return lists of what stands between the `*`, and of what each of them unpacks."""
        parts: list[ast.expr] = []
        plain: list[ast.expr] | None = None
        for item in items:
            if isinstance(item, syntax.Starred):
                parts.append(self._metered(".collect", self._expr(item.value)))
                plain = None
                continue
            if plain is None:
                plain = []
                parts.append(ast.List(plain, ast.Load(), **self._place))
            plain.append(self._expr(item))
        return parts

    def _dict_display(self, entries: tuple[tuple[Expr | None, Expr], ...]) -> ast.expr:
        parts: list[ast.expr] = []
        for merged, run in groupby(entries, lambda entry: entry[0] is None):
            if merged:
                parts.extend(self._expr(value) for _, value in run)
                continue
            keys: list[ast.expr | None] = []
            values: list[ast.expr] = []
            for key, value in run:
                keys.append(self._key(key) if key is not None else None)
                values.append(self._expr(value))
            parts.append(ast.Dict(keys, values, **self._place))
        if len(parts) == 1 and isinstance(parts[0], ast.Dict):
            return parts[0]
        return self._metered(".joined_dict", *parts) if parts else ast.Dict([], [], **self._place)

    def _key(self, key: Expr) -> ast.expr:
        node = self._expr(key)
        return node if isinstance(key, syntax.Constant) else self._metered(".hashable", node)

    def _unary(self, op: str, operand: Expr) -> ast.expr:
        # Of the values that have a sign, a Counter is the one whose items are gone through.
        helper = None if isinstance(operand, syntax.Constant) else _SIGNS.get(op)
        if helper is not None:
            return self._metered(helper, self._expr(operand))
        return ast.UnaryOp(_UNARY[op](), self._expr(operand), **self._place)

    def _binary(self, expr: syntax.BinaryOperation) -> ast.expr:
        left, right = self._expr(expr.left), self._expr(expr.right)
        number = expr.right if expr.op == "+" and is_number(expr.right) else expr.left
        if expr.op in _DIRECT and is_number(number) and not self._in_iterable:
            return self._small_sum(expr.op, left, right)
        return self._metered(ARITHMETIC[expr.op], left, right)

    def _small_sum(self, op: str, left: ast.expr, right: ast.expr) -> ast.expr:
        """Return the sum, or the difference from, a number as written: Python's own, charged for where it is big."""
        kept = self._temporary()
        total = ast.BinOp(left, _DIRECT[op](), right, **self._place)
        named = ast.NamedExpr(ast.Name(kept, ast.Store(), **self._place), total, **self._place)
        bounds = [self._constant(-_SMALL_NUMBER), self._constant(_SMALL_NUMBER)]
        small = ast.Compare(bounds[0], [ast.Lt(), ast.Lt()], [named, bounds[1]], **self._place)
        big = self._metered(".big", self._name(kept))
        return ast.IfExp(small, self._name(kept), big, **self._place)

    def _comparison(self, expr: syntax.Comparison) -> ast.expr:
        """Translate a chain: its links are comparisons or helpers, joined by `and`; each operand is evaluated once."""
        return self._chain(expr.first, self._expr(expr.first), expr.rest)

    def _chain(self, left_expr: Expr, left: ast.expr, rest: tuple[tuple[str, Expr], ...]) -> ast.expr:
        (op, right_expr), *more = rest
        right = self._expr(right_expr)
        if not more:
            return self._link(left_expr, left, op, right_expr, right)
        if isinstance(right_expr, syntax.Name | syntax.Constant):
            link = self._link(left_expr, left, op, right_expr, right)
            return ast.BoolOp(
                ast.And(), [link, self._chain(right_expr, self._expr(right_expr), tuple(more))], **self._place
            )
        kept = self._temporary()
        if not self._in_iterable:
            right = ast.NamedExpr(ast.Name(kept, ast.Store(), **self._place), right, **self._place)
            link = self._link(left_expr, left, op, right_expr, right)
            return ast.BoolOp(ast.And(), [link, self._chain(right_expr, self._name(kept), tuple(more))], **self._place)
        # Python allows no `:=` in the iterable of a comprehension, so there a function's parameters keep the operands.
        first = self._temporary()
        link = self._link(left_expr, self._name(first), op, right_expr, self._name(kept))
        test = ast.BoolOp(ast.And(), [link, self._chain(right_expr, self._name(kept), tuple(more))], **self._place)
        parameters = [ast.arg(name, **self._place) for name in (first, kept)]
        function = ast.Lambda(ast.arguments([], parameters, None, [], [], None, []), test, **self._place)
        return ast.Call(function, [left, right], [], **self._place)

    def _link(self, left_expr: Expr, left: ast.expr, op: str, right_expr: Expr, right: ast.expr) -> ast.expr:
        if op in _IDENTITY:
            literal = is_literal(left_expr) or is_literal(right_expr)
            if not literal or _is_constant(left_expr) or _is_constant(right_expr):
                if literal or _may_fold(left_expr) or _may_fold(right_expr):
                    return self._call(".identical" if op == "is" else ".not_identical", left, right)
                return ast.Compare(left, [_IDENTITY[op]()], [right], **self._place)
            op = "==" if op == "is" else "!="
        operator, helper = _COMPARE[op]
        scalar = isinstance(left_expr, syntax.Constant) or isinstance(right_expr, syntax.Constant)
        if scalar and operator not in (ast.In, ast.NotIn):
            return ast.Compare(left, [operator()], [right], **self._place)
        if not isinstance(right_expr, syntax.Name) or not self._is_searched_once(left_expr, right_expr):
            return self._metered(helper, left, right)
        # What looking through a short text takes is known beforehand.
        short = self._is_short(self._of_file(right_expr.id))
        plain = ast.Compare(left, [operator()], [right], **self._place)
        if short is None:
            return plain
        return ast.IfExp(short, plain, self._metered(helper, left, right), **self._place)

    def _is_searched_once(self, wanted: Expr, text: syntax.Name) -> bool:
        """Tell whether a literal is looked for once at most, in a ticket variable that nothing in the file binds."""
        if self._scopes or self._loops or self._in_iterable:
            return False
        variable = self._schema.find(text.id)
        if variable is None or variable.kind != "text" or variable.name in self._checked.variables:
            return False
        return isinstance(wanted, syntax.Constant) and isinstance(wanted.value, str) and len(wanted.value) < 100

    def _formatted(self, expr: syntax.FormattedString) -> ast.expr:
        parts: list[ast.expr] = []
        for part in expr.parts:
            if isinstance(part, str):
                parts.append(self._constant(part))
                continue
            outside = self._place
            self._at(part)
            if part.label is not None:
                parts.append(self._constant(part.label))
            value = self._expr(part.value)
            if part.conversion is not None:
                value = self._metered(".convert", value, self._constant(part.conversion))
            if part.conversion is None or part.spec is not None:
                spec = self._formatted(part.spec) if part.spec is not None else self._constant("")
                value = self._metered(".format", value, spec)
            parts.append(value)
            self._place = outside
        return self._metered(".join", *parts)

    def _lambda(self, expr: syntax.Lambda) -> ast.expr:
        arguments = self._parameters(expr.parameters)
        self._at(expr)
        self._scopes.append(function_names(expr.parameters, expr.body))
        enter = self._metered(".enter", self._constant(weight((expr.body,))))
        body = self._call(".left", enter, self._expr(expr.body), self._name(".meter"))
        self._scopes.pop()
        return ast.Lambda(arguments, body, **self._place)

    def _parameters(self, parameters: syntax.Parameters) -> ast.arguments:
        positional_only: list[ast.arg] = []
        positional: list[ast.arg] = []
        keyword_only: list[ast.arg] = []
        defaults: list[ast.expr] = []
        keyword_defaults: list[ast.expr | None] = []
        star: ast.arg | None = None
        double: ast.arg | None = None
        keywords = False
        for item in parameters.items:
            self._at(item)
            argument = ast.arg(item.name, **self._place)
            default = self._expr(item.default) if item.default is not None else None
            if item.kind == "/":
                positional_only, positional = positional, []
            elif item.kind == "*":
                keywords = True
                star = argument if item.name else None
            elif item.kind == "**":
                double = argument
            elif keywords:
                keyword_only.append(argument)
                keyword_defaults.append(default)
            else:
                positional.append(argument)
                if default is not None:
                    defaults.append(default)
        return ast.arguments(positional_only, positional, star, keyword_only, keyword_defaults, double, defaults)

    def _call_expr(self, expr: syntax.Call) -> ast.expr:
        function = expr.function
        call: ast.Call
        if isinstance(function, syntax.Name) and self._is_builtin(function.id) and function.id in DIRECT:
            name = f".{function.id}.direct"
            self._globals[name] = DIRECT[function.id]
            call = self._call(name)
        elif isinstance(function, syntax.Name) and self._is_builtin(function.id):
            name = f".{function.id}()"
            self._globals[name] = FUNCTIONS[function.id].implementation
            call = self._metered(name)
        elif isinstance(function, syntax.Attribute) and all(_cannot_raise(argument) for argument in expr.arguments):
            plain = not expr.arguments
            name = f".{function.name}.plain" if plain else f".{function.name}.call"
            if name not in self._globals:
                self._globals[name] = method_caller(function.name, plain=plain)
            owner = self._expr(function.value)
            self._place = self._member_place(function, expr.end)
            call = self._metered(name, owner)
            if plain and function.name in SMALL_TEXT_METHODS and isinstance(function.value, syntax.Name):
                # What it takes for a short text of ASCII, the call has been charged with.
                small = self._is_small(function.value.id)
                direct = self._call(f".small {function.name}", owner)
                return ast.IfExp(small, direct, call, **self._place)
        elif isinstance(function, syntax.Name) and function.id in self._functions and self._is_files(function.id):
            call = ast.Call(self._expr(function), [], [], **self._place)
        elif isinstance(function, syntax.Attribute):
            name = f".{function.name}.find"
            if name not in self._globals:
                self._globals[name] = method_finder(function.name)
            owner = self._expr(function.value)
            self._place = self._member_place(function, expr.end)
            call = ast.Call(self._metered(name, owner), [], [], **self._place)
        else:
            call = ast.Call(self._metered(".callable", self._expr(function)), [], [], **self._place)
        return self._with_arguments(call, expr.arguments)

    def _with_arguments(self, call: ast.Call, arguments: Iterable[syntax.Argument]) -> ast.Call:
        """Return a call with the arguments of the rule behind those that it has."""
        for argument in arguments:
            value = self._expr(argument.value)
            if argument.kind == "*":
                call.args.append(ast.Starred(self._metered(".collect", value), ast.Load(), **self._place))
            elif argument.kind == "**":
                call.keywords.append(ast.keyword(None, self._metered(".mapping", value), **self._place))
            elif argument.name is not None:
                call.keywords.append(ast.keyword(argument.name, value, **self._place))
            else:
                call.args.append(value)
        if sum(isinstance(argument, ast.Starred) for argument in call.args) > 1:
            call.args = self._all_at_once(call.args)
        return call

    def _varies(self, expr: Expr) -> bool:
        """Tell whether a literal in an expression is a parameter of the compiled code."""
        pending: list[syntax.Node] = [expr] if self._varying else []
        while pending:
            current = pending.pop()
            if isinstance(current, syntax.Constant) and current.start in self._varying:
                return True
            pending.extend(syntax.children(current))
        return False

    def _is_paired(self, node: Expr | Stmt) -> bool:
        return self.idioms and (node.start, node.end) in self.neighbours

    def _counting(self, expr: syntax.Call, found: Counting) -> ast.expr:
        """Count characters of a text at once, or run the comprehension where that is not the same."""
        turn, before = (1, LAZY_COST) if found.comprehension is None else (_turn(found.comprehension), 0)
        idiom = self._counted(found.text, Tally(found.judge, turn, found.taken, before))
        kept = self._temporary()
        named = ast.NamedExpr(ast.Name(kept, ast.Store(), **self._place), idiom, **self._place)
        is_known = ast.Compare(named, [ast.IsNot()], [self._constant(None)], **self._place)
        return ast.IfExp(is_known, self._name(kept), self._call_expr(expr), **self._place)

    def _counted(self, text: Expr, tally: Tally) -> ast.expr:
        # Statements of a file may be compiled in several threads, so names are not numbered.
        name = f".tally{id(tally)}"
        self._globals[name] = tally
        return self._metered(".counted", self._expr(text), self._name(name))

    def _lines(self, call: syntax.Call) -> ast.expr:
        """Wrap a text of which the first line alone is wanted."""
        outside = self._place
        self._at(call)
        function = self._expr(call.function)
        if isinstance(call.function, syntax.Attribute):
            self._place = self._member_place(call.function, call.end)
        node = self._with_arguments(self._metered(".lines", function), call.arguments)
        self._place = outside
        return node

    def _is_small(self, name: str) -> ast.expr:
        """Return what tells whether a variable holds a short text of ASCII."""
        value = self._read(name)
        length = ast.Compare(self._call(".len", value), [ast.Lt()], [self._constant(BIG)], **self._place)
        tests = [self._text_test(value), length, self._call(".isascii", value)]
        return ast.BoolOp(ast.And(), tests, **self._place)

    def _all_at_once(self, arguments: list[ast.expr]) -> list[ast.expr]:
        """Return one `*` for arguments from the first `*` on, so that they are charged for together."""
        first = next(number for number, argument in enumerate(arguments) if isinstance(argument, ast.Starred))
        parts = [
            argument.value if isinstance(argument, ast.Starred) else ast.List([argument], ast.Load(), **self._place)
            for argument in arguments[first:]
        ]
        return [*arguments[:first], ast.Starred(self._metered(".joined_list", *parts), ast.Load(), **self._place)]

    def _member_place(self, member: syntax.Attribute, end: int | None = None) -> Place:
        """Return the place that CPython gives a member on another line than its value: that of its name."""
        start_line, _ = self._source.position(member.start)
        name_line, _ = self._source.position(member.end)
        start = member.start if start_line == name_line else member.end - len(member.name)
        return self._place_of(start, end if end is not None else member.end)

    def _named(self, target: syntax.Name, value: Expr) -> ast.expr:
        node = self._expr(value)
        written = self._ticket_variable(target.id)
        if written is not None:
            node = self._logged(written, node)
        if self._is_files(target.id):
            return self._bind_inside(self._of_file(target.id), node)
        return ast.NamedExpr(ast.Name(target.id, ast.Store(), **self._place), node, **self._place)

    def _comprehension(self, expr: syntax.Comprehension) -> ast.expr:
        turn = _turn(expr)
        first = self._comprehension_iterable(expr.clauses[0], turn)
        names = (name.id for clause in expr.clauses for name in target_names((clause.target,)))
        self._scopes.append(ScopeNames(frozenset(names)))
        generators: list[ast.comprehension] = []
        for number, clause in enumerate(expr.clauses):
            iterable = first if number == 0 else self._comprehension_iterable(clause, turn)
            target, iterable = self._comprehension_target(clause.target, iterable)
            if number == 0 and expr.kind in ("set", "dict"):
                # The first target carries along what follows the keys.
                keys = ast.Name(".keys", ast.Store(), **self._place)
                target = ast.Tuple([keys, target], ast.Store(), **self._place)
                iterable = self._call(".keyed", iterable)
            generators.append(
                ast.comprehension(target, iterable, [self._expr(condition) for condition in clause.conditions], 0)
            )
        element = self._expr(expr.element)
        if expr.kind in ("set", "dict"):
            element = self._metered(".fresh_key", element, self._name(".keys"))
        value = self._expr(expr.value) if expr.value is not None else None
        self._scopes.pop()
        if expr.kind == "list":
            return ast.ListComp(element, generators, **self._place)
        if expr.kind == "set":
            return ast.SetComp(element, generators, **self._place)
        if value is not None:
            return ast.DictComp(element, value, generators, **self._place)
        return ast.GeneratorExp(element, generators, **self._place)

    def _comprehension_iterable(self, clause: syntax.ForClause, turn: int) -> ast.expr:
        outside, self._in_iterable = self._in_iterable, True
        node = self._iterated(clause.iterable, turn)
        self._in_iterable = outside
        return node

    def _comprehension_target(self, target: Expr, iterable: ast.expr) -> tuple[ast.expr, ast.expr]:
        """Return target and iterable; a `*` in the target is taken out by `.spread_each`."""
        if isinstance(target, syntax.Name):
            return ast.Name(target.id, ast.Store(), **self._place), iterable
        if not isinstance(target, syntax.TupleDisplay | syntax.ListDisplay):
            raise AssertionError("the checker refuses it")
        stars = [index for index, item in enumerate(target.items) if isinstance(item, syntax.Starred)]
        if stars:
            before, after = self._constant(stars[0]), self._constant(len(target.items) - stars[0] - 1)
            iterable = self._metered(".spread_each", iterable, before, after)
        items = [item.value if isinstance(item, syntax.Starred) else item for item in target.items]
        names = [self._comprehension_target(item, iterable)[0] for item in items]
        return ast.Tuple(names, ast.Store(), **self._place), iterable

    def _iterated(self, iterable: Expr, turn: int) -> ast.expr:
        return self._metered(".iterate", self._expr(iterable), self._constant(turn))


def _turn(expr: syntax.Comprehension) -> int:
    """Return the steps of one turn; what the first `for` runs over is evaluated once."""
    first, *more = expr.clauses
    results = (expr.element,) if expr.value is None else (expr.element, expr.value)
    return weight((*results, first.target, *first.conditions, *more))


def is_number(expr: Expr) -> bool:
    return isinstance(expr, syntax.Constant) and type(expr.value) in (int, float) and abs(expr.value) < 1 << 64  # type: ignore[arg-type] # a number


def _is_constant(expr: Expr) -> bool:
    """Tell whether `expr` is None, True or False, which `is` compares by identity also beside a literal."""
    return isinstance(expr, syntax.Constant) and (expr.value is None or isinstance(expr.value, bool))


def _may_fold(expr: Expr) -> bool:
    """Tell whether Python may compute `expr` while it compiles, and then warn of `is` beside it."""
    return not isinstance(expr, syntax.Name | syntax.Attribute | syntax.Subscript | syntax.Call | syntax.Constant)


def _cannot_raise(argument: syntax.Argument) -> bool:
    # A method is looked up before its arguments are evaluated; where those cannot fail, nobody can tell.
    return argument.kind == "" and isinstance(argument.value, syntax.Constant | syntax.Name | syntax.Lambda)
