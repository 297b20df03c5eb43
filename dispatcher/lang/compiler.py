"""CheckedModule -> Program: builds Python `ast` nodes from our own tree, never text, and lets Python compile them.

A file becomes one function whose local variables are the rule's variables; where it is long, each shape of statement in
it becomes a function that finds the variables of the file in a dict. Why that is safe:

What a rule can name. Every node is made here or in the classes below, from a closed set: names, constants, control
flow, `and`/`or`/`not`, comparisons and arithmetic that cannot grow, displays, comprehensions, functions, patterns of
literals, and calls. Names are of two kinds. Names of ours begin with a dot, so no rule can spell one, read one or
replace one. All others are variables of the rule: locals of the file's function, or of a function inside it, never
globals; a shape's function finds those of the file in `.variables`, under constant names, and what the index knows of
texts there, too, under names of ours. The globals are helpers.HELPERS and what the tables hold; builtins are an empty
mapping.

What a rule can reach from there. No attribute is ever emitted, and no pattern that reads one, so no object of Python
can be walked from. `value.name` is a call of `.attribute`, which answers from the tables of methods/ by the exact type
of the value, or from the members of a module or type record; `str.format` reads items only (templates). So the values
of rules are those that literals, displays, the ticket and the tables make: plain data, the records of values.py, and
functions, lambdas and generators that this compiler made. Of Python's own functions, types, modules, frames and code
objects none is among them; tests enumerate every type against every name.

What a rule can spend. Whatever can grow or run long goes through a helper that asks the meter first:

- `.add`, `.multiply`, `.power`, `.shift_left`, `.percent` and their like, and the in-place forms: the size of the
  result, before it is made (operations.py). Only adding a number as written is left to Python, since its result is
  at most a few bits longer; `.big` charges for it where it is no small number.
- `.equal`, `.less`, `.contains`, `.hashable`: what nested values and colliding keys take (measuring.py). A comparison
  with a literal is Python's own, since it ends at the first difference of two sizes.
- `.iterate`, `.collect`, `.spread`, `.unpacked`, `.mapping`: each turn, and each value kept (iteration.py).
- `.item`, `.store`, `.delete`: slices, growth, keys. `.join`, `.format`, `.convert`: the length of texts (formatting).
- `.enter` and `.leave` bound the depth of calls, `.charge` the turns of `while`; what else a statement takes is known
  here, and bounded by the length of the file (`emitter.weight`).
- `.callable`, and `.find` with a method's name, open the records of functions; their implementations ask the meter.
- `.counted` and `.lines` do at once what idioms say (idioms.py), and charge what saying it at length would. Methods of
  small texts of ASCII, and looking once through a short text, are Python's own, since the statement pays for them.

What a rule cannot hold up. LimitExceeded is no Exception, and no type that a rule can name catches it: `except` of any
kind becomes one handler of `.Catchable`, which `.caught` and `.matches` sort out; a `finally` first asks `.goes_on`.
`raise` takes exceptions of the rule only (exceptions.py).

What stays behind. A Program holds code and no values. Variables, defaults of functions, modules' state and the meter
live as long as the call; the tables are never written.

Positions are those of the rule, so Python's own traceback tells the line and column of a fault.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import partial
from typing import Any

from dispatcher.lang import syntax
from dispatcher.lang.branches import branches_of
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.emitter import hidden_names, own_functions
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.helpers import HELPERS
from dispatcher.lang.idioms import neighbours
from dispatcher.lang.index import Index
from dispatcher.lang.measuring import COUNTED
from dispatcher.lang.program import (
    TOP_FUNCTION,
    CompiledFile,
    CompiledShape,
    FileFunction,
    Fused,
    Program,
    ReaderFunction,
    Shape,
    ShapeFunction,
    Write,
)
from dispatcher.lang.reading import Exemplar, Statements, whole
from dispatcher.lang.records import dataclass, replace
from dispatcher.lang.schema import Schema, Variable
from dispatcher.lang.scopes import bound_names, name_of
from dispatcher.lang.statements import COMPOUND, StatementCompiler
from dispatcher.lang.syntax import Expr, Stmt
from dispatcher.lang.triggers import Quiet, Trigger, triggers_of
from dispatcher.lang.variables import Uses, uses

# What the function of a file takes, and what that of a shape takes, before variables and literals.
PARAMETERS = (".meter", ".log")
# What reads the ticket takes: what gets a value of it, and what makes of other values what a kind of variable holds.
READER_PARAMETERS = (".get", ".text of", ".any of", ".mapping of")
SHAPE_PARAMETERS = (".variables", *PARAMETERS, ".number")
# As many statements as become one function; in longer files it is quicker to look up which of them can act.
FUSED_STATEMENTS = 32


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is compiled, which changes nothing of what it means.

    `fused` tells whether the file becomes one function, by default where it has few statements; `index` whether
    statements that cannot act are skipped in one that does not; `idioms` whether what they often say is known by heart.
    `traced` makes the form that tells a Trace what conditions were: by statement, without index and idioms.
    """

    fused: bool | None = None
    index: bool = True
    idioms: bool = True
    traced: bool = False


DEFAULT = Options()
TRACED = Options(fused=False, index=False, idioms=False, traced=True)


def compile_module(checked: CheckedModule, options: Options | None = None) -> Program:
    """Return the program of a module without errors; cannot fail."""
    return compile_statements(whole(checked), options)


def compile_statements(statements: Statements, options: Options | None = None) -> Program:
    """Return the program of a file's statements; cannot fail."""
    options = options or DEFAULT
    checked = statements.checked
    used = Uses.together(exemplar.facts.uses for exemplar in statements.exemplars)
    # What was read in pieces has no tree of the whole file to make one function of.
    few = len(statements.kinds) <= FUSED_STATEMENTS and len(checked.module.body) == len(statements.kinds)
    fused = options.fused if options.fused is not None else few
    namespace = _namespace()
    quiet = None if fused or options.traced else _quiet(checked.schema, used)
    shapes = [_shape(checked, options, exemplar, quiet, namespace) for exemplar in statements.exemplars]
    writes_in_functions = used.defines_functions and any(
        shape.compiled().writes_inside
        for shape, exemplar in zip(shapes, statements.exemplars, strict=True)
        if exemplar.facts.uses.defines_functions
    )
    return Program(
        source=checked.source,
        shapes=[shapes[kind] for kind in statements.kinds],
        literals=statements.literals,
        starts=statements.starts,
        always=[number for number, kind in enumerate(statements.kinds) if shapes[kind].always],
        reads=tuple(variable.name for variable in checked.schema.variables if variable.name in used.read),
        hidden={name: FUNCTIONS[name].value for name in checked.variables & FUNCTIONS.keys()},
        weight=sum(shapes[kind].weight for kind in statements.kinds),
        changes_values=used.changes_values,
        writes_in_functions=writes_in_functions,
        reader=partial(_build_reader, checked, used),
        fused=Fused(partial(_build_file, checked, options, _needs_variables(checked, used))) if fused else None,
        index=None if quiet is None else _index(statements, shapes, skips=options.index),
    )


def _needs_variables(checked: CheckedModule, used: Uses) -> bool:
    """Tell whether the log of writes does not tell all variables at the end."""
    names = {variable.name for variable in checked.schema.variables}
    return used.changes_values or bool(used.unbound) or not checked.variables <= names


def _quiet(schema: Schema, used: Uses) -> Quiet:
    names = frozenset(variable.name for variable in schema.variables)
    return Quiet(schema, names - used.unbound - used.bound_inside, names - used.unbound)


def _shape(
    checked: CheckedModule, options: Options, exemplar: Exemplar, quiet: Quiet | None, namespace: dict[str, Any]
) -> Shape:
    facts = exemplar.facts
    triggers = None
    if quiet is not None:
        # What is known of the statement by itself holds where the file does nothing unusual.
        usual = len(quiet.texts) == len(checked.schema.variables)
        triggers = facts.triggers if usual else triggers_of(exemplar.tree, quiet)
    return Shape(
        source=exemplar.source,
        shared=exemplar.shared,
        is_rule=facts.is_rule,
        always=facts.always,
        weight=facts.weight,
        effect=facts.effect,
        indexed=quiet is not None,
        triggers=triggers,
        varying=exemplar.varying,
        build=partial(_build, replace(checked, source=exemplar.source), options, exemplar, namespace),
    )


def _index(statements: Statements, shapes: Sequence[Shape], *, skips: bool) -> Index:
    index = Index(len(statements.kinds), skips=skips)
    places = [index.places(shape.triggers, shape.varying) for shape in shapes]
    for number, kind in enumerate(statements.kinds):
        index.add(number, places[kind], statements.literals[number])
    index.finish(statements.checked.variables)
    return index


def _build_file(checked: CheckedModule, options: Options, needs_variables: bool, quick: bool) -> CompiledFile:
    return _FileCompiler(checked, options, quick=quick).compiled(needs_variables=needs_variables)


def _build_reader(checked: CheckedModule, used: Uses, reads: tuple[str, ...]) -> ReaderFunction:
    names = {variable.name for variable in checked.schema.variables}
    # What the statements are is no matter of the reader's.
    checked = replace(checked, module=syntax.Module((), start=0, end=0))
    return _FileCompiler(checked, DEFAULT, quick=True).reader(
        reads, plain=checked.variables <= names and not used.unbound
    )


def unset_name(variable: str) -> str:
    """Return the parameter that takes what a ticket variable holds where the ticket says nothing of it."""
    return f".unset {variable}"


def _build(
    checked: CheckedModule, options: Options, exemplar: Exemplar, namespace: dict[str, Any], shape: Shape
) -> CompiledShape:
    compiler = (_TracedCompiler if options.traced else _ShapeCompiler)(checked, shape, namespace)
    compiler.idioms = options.idioms
    return compiler.compiled(exemplar.tree)


def _namespace() -> dict[str, Any]:
    return {"__builtins__": {}, **HELPERS}


class _TopCompiler(StatementCompiler):
    """What compiling a file and compiling a statement of it share."""

    def _run(self, parameters: Sequence[str], body: list[ast.stmt]) -> Any:
        """Return the function that Python makes of nodes."""
        arguments = [ast.arg(name, **self._place) for name in parameters]
        signature = ast.arguments([], arguments, None, [], [], None, [])
        definition = ast.FunctionDef(TOP_FUNCTION, signature, body, [], **self._place)
        code = compile(ast.Module([definition], []), self._source.filename, "exec", dont_inherit=True)
        # Other threads compile with the same globals.
        made: dict[str, Any] = {}
        exec(code, self._globals, made)  # noqa: S102 - our own tree, see above
        return made[TOP_FUNCTION]


class _FileCompiler(_TopCompiler):
    """Puts the statements of one file into a function, whose local variables are those of the file."""

    def __init__(self, checked: CheckedModule, options: Options, *, quick: bool) -> None:
        super().__init__(checked, _namespace())
        self.idioms = options.idioms
        # Whether the function reads the ticket itself, and then assumes short texts.
        self._quick = quick
        self.by_statement: list[list[Write]] = []
        self.neighbours = neighbours(checked.module.body)
        # The ticket variables of which it is asked whether they hold short texts, and short ones of ASCII.
        self._short: set[str] = set()
        self._small: set[str] = set()

    def compiled(self, *, needs_variables: bool) -> CompiledFile:
        """Return the compiled form of the file, whose function returns the variables where they are needed."""
        checked = self._checked
        module = checked.module
        body: list[ast.stmt] = []
        self._at(module)
        hidden = sorted(checked.variables & FUNCTIONS.keys())
        body.extend(self._bind_file(self._of_file(name), self._builtin_value(name)) for name in hidden)
        body.extend(self._declared())
        for statement in module.body:
            self.writes = []
            self.by_statement.append(self.writes)
            self._mark = isinstance(statement, COMPOUND)
            body.extend(self._statement(statement))
        self._at(module)
        read = uses(module.body, self._schema).read
        variables = [variable for variable in self._schema.variables if variable.name in read]
        if self._quick:
            body[:0] = [
                self._assign_name(f".small {name}", super(_FileCompiler, self)._is_small(name))
                for name in sorted(self._small)
            ]
            body[:0] = [
                node
                for item in variables
                for node in self._given(item, self._of_file(item.name), any_length=item.name not in self._short)
            ]
            parameters = [*READER_PARAMETERS, *(unset_name(variable.name) for variable in variables)]
        else:
            body[:0] = [
                self._assign_name(f".short {name}", self._short_test(self._name(self._of_file(name))))
                for name in sorted(self._short)
            ]
            parameters = [self._of_file(variable.name) for variable in variables]
        result = self._call(".locals") if needs_variables else None
        body.append(ast.Return(result, **self._place))
        function: FileFunction = self._run((*PARAMETERS, *parameters), body)
        return CompiledFile(function, tuple(map(tuple, self.by_statement)), self.uses_meter)

    def _is_small(self, name: str) -> ast.expr:
        variable = self._schema.find(name) if self._quick and self._is_files(name) else None
        if variable is None or variable.kind != "text" or variable.name in self._checked.variables:
            return super()._is_small(name)
        # Nothing binds it, so it is told once.
        self._small.add(variable.name)
        return self._name(f".small {variable.name}")

    def reader(self, variables: Sequence[str], *, plain: bool) -> ReaderFunction:
        """Return the function that reads variables of the ticket; `plain` where the file has no others."""
        self._at(self._checked.module)
        known = [variable for variable in self._schema.variables if variable.name in variables]
        body = [node for item in known for node in self._given(item, item.name, any_length=True)]
        keys: list[ast.expr | None] = [self._constant(name) for name in variables]
        given = ast.Dict(keys, [self._name(name) for name in variables], **self._place)
        # Variables of the file's own may be unbound when they are read, which a dict alone does not tell well.
        result = given if plain else self._call(".Variables", given)
        body.append(ast.Return(result, **self._place))
        function: ReaderFunction = self._run((*READER_PARAMETERS, *map(unset_name, variables)), body)
        return function

    def _given(self, variable: Variable, name: str, *, any_length: bool) -> list[ast.stmt]:
        """Return what reads a ticket variable into `name`, and gives up where that is a long text."""
        unset = self._name(unset_name(variable.name))
        value = ast.Call(self._name(".get"), [self._constant(variable.name), unset], [], **self._place)
        nodes = [self._assign_name(name, value)]
        # What is no text as it stands is made what rules know.
        odd = ast.UnaryOp(ast.Not(), self._text_test(self._name(name)), **self._place)
        made = self._assign_name(name, self._call(f".{variable.kind} of", self._name(name), unset))
        if variable.kind == "mapping":
            return [*nodes, made]
        if variable.kind == "any":
            given = ast.Compare(self._name(name), [ast.IsNot()], [unset], **self._place)
            odd_or_unset: ast.expr = ast.BoolOp(ast.And(), [given, odd], **self._place)
        else:
            odd_or_unset = odd
        nodes.append(ast.If(odd_or_unset, [made], [], **self._place))
        if variable.kind == "text" and not any_length:
            too_long = ast.Compare(
                self._call(".len", self._name(name)), [ast.GtE()], [self._constant(COUNTED)], **self._place
            )
            nodes.append(ast.If(too_long, [ast.Return(self._name(".unread"), **self._place)], [], **self._place))
        return nodes

    def _declared(self) -> list[ast.stmt]:
        """Return what makes local variables of the names that only functions bind, by `global`; it never runs."""
        bound = {name_of(name) for name in bound_names(self._checked.module.body)}
        only_inside = sorted(self._checked.variables - bound)
        nodes = [self._bind_file(self._of_file(name), self._constant(None)) for name in only_inside]
        return [ast.If(self._constant(value=False), nodes, [], **self._place)] if nodes else []

    def _hidden_names(self) -> frozenset[str]:
        return hidden_names(self._checked)

    def _called_directly(self) -> frozenset[str]:
        return own_functions(self._checked)

    def _number(self) -> ast.expr:
        return self._constant(len(self.by_statement) - 1)

    def _read_file(self, name: str) -> ast.expr:
        return self._name(name)

    def _bind_file(self, name: str, value: ast.expr) -> ast.stmt:
        return self._assign_name(name, value)

    def _unbind_file(self, name: str) -> ast.stmt:
        return ast.Delete([ast.Name(name, ast.Del(), **self._place)], **self._place)

    def _bind_inside(self, name: str, value: ast.expr) -> ast.expr:
        return ast.NamedExpr(ast.Name(name, ast.Store(), **self._place), value, **self._place)

    def _captures(self) -> bool:
        return True

    def _is_short(self, variable: str) -> ast.expr | None:
        self._short.add(variable)
        if self._quick:
            return None
        return self._name(f".short {variable}")


class _ShapeCompiler(_TopCompiler):
    """Makes a function of one statement, which finds the variables of the file in a dict."""

    def __init__(self, checked: CheckedModule, shape: Shape, namespace: dict[str, Any]) -> None:
        super().__init__(checked, namespace)
        self._varying = {offset: f".literal{number}" for number, offset in enumerate(shape.varying)}
        self._indexed = shape.indexed
        triggers = shape.triggers or ()
        # The comparisons that are answered from what the index knows of a text.
        self._known: dict[tuple[int, int], Trigger] = {item.span: item for item in triggers if item.needs_text}

    def compiled(self, statement: Stmt) -> CompiledShape:
        """Return the compiled form of the statement."""
        self._mark = isinstance(statement, COMPOUND)
        body = self._statement(statement)
        self._at(statement)
        function: ShapeFunction = self._run((*SHAPE_PARAMETERS, *self._varying.values()), body)
        return CompiledShape(function, tuple(self.writes), self.writes_inside)

    def _hidden_names(self) -> frozenset[str]:
        return frozenset()

    def _called_directly(self) -> frozenset[str]:
        return frozenset()

    def _translated(self, expr: Expr) -> ast.expr:
        if isinstance(expr, syntax.Constant) and expr.start in self._varying:
            return self._name(self._varying[expr.start])
        node = super()._translated(expr)
        trigger = self._known.get((expr.start, expr.end))
        return self._answered(trigger, expr, node) if trigger is not None else node

    def _answered(self, trigger: Trigger, expr: Expr, otherwise: ast.expr) -> ast.expr:
        """Return a trigger's comparison with what the index knows of the text, or, where that is none, as it is."""
        self._at(expr)
        known = self._read_file(trigger.view.found if trigger.kind == "contains" else trigger.view.text)
        literals = [
            self._name(self._varying[offset]) if offset in self._varying else self._constant(value)
            for offset, value in zip(trigger.at, trigger.literals, strict=True)
        ]
        answer: ast.expr
        if trigger.kind == "contains":
            answer = ast.Compare(literals[0], [ast.In()], [known], **self._place)
        elif trigger.kind != "equals":
            edges: ast.expr = ast.Tuple(literals, ast.Load(), **self._place)
            answer = self._call(f".{trigger.kind}", known, edges)
        elif len(literals) == 1:
            answer = ast.Compare(known, [ast.Eq()], literals, **self._place)
        else:
            answer = ast.Compare(known, [ast.In()], [ast.Tuple(literals, ast.Load(), **self._place)], **self._place)
        none = ast.Compare(known, [ast.Is()], [self._constant(None)], **self._place)
        return ast.IfExp(none, otherwise, answer, **self._place)

    def _number(self) -> ast.expr:
        return self._name(".number")

    def _read_file(self, name: str) -> ast.expr:
        return ast.Subscript(self._name(".variables"), self._constant(name), ast.Load(), **self._place)

    def _bind_file(self, name: str, value: ast.expr) -> ast.stmt:
        target = ast.Subscript(self._name(".variables"), self._constant(name), ast.Store(), **self._place)
        return ast.Assign([target], value, **self._place)

    def _unbind_file(self, name: str) -> ast.stmt:
        target = ast.Subscript(self._name(".variables"), self._constant(name), ast.Del(), **self._place)
        return ast.Delete([target], **self._place)

    def _bind_inside(self, name: str, value: ast.expr) -> ast.expr:
        return self._call(".bound", self._name(".variables"), self._constant(name), value)

    def _captures(self) -> bool:
        return False

    def _is_searched_once(self, wanted: Expr, text: syntax.Name) -> bool:
        # In a long file it is the index that looks through texts.
        return not self._indexed and super()._is_searched_once(wanted, text)

    def _is_short(self, variable: str) -> ast.expr | None:
        return self._short_test(self._read_file(variable))


class _TracedCompiler(_ShapeCompiler):
    """Makes the function of a statement that tells a trace what its branches see; it decides the same."""

    def compiled(self, statement: Stmt) -> CompiledShape:
        """Return the compiled form of the statement, with its branches."""
        self._branches = branches_of(statement)
        return replace(super().compiled(statement), branches=self._branches)

    def _translated(self, expr: Expr) -> ast.expr:
        site = self._branches.expressions.get(id(expr))
        node = super()._translated(expr)
        if site is None:
            return node
        self._at(expr)
        return self._seen(site, node)

    def _statement(self, statement: Stmt) -> list[ast.stmt]:
        site = self._branches.statements.get(id(statement))
        nodes = super()._statement(statement)
        if site is None:
            return nodes
        self._at(statement)
        return [ast.Expr(self._seen(site, self._constant(value=True)), **self._place), *nodes]

    def _seen(self, site: int, value: ast.expr) -> ast.expr:
        return self._metered(".seen", self._number(), self._constant(site), value)
