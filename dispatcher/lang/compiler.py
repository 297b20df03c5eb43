"""CheckedModule -> Program: builds Python `ast` nodes from our own tree, never text, and lets Python compile them.

One file becomes one function whose local variables are the rule's variables. Why that is safe:

What a rule can name. Every node is made here or in the classes below, from a closed set: names, constants, control
flow, `and`/`or`/`not`, comparisons and arithmetic that cannot grow, displays, comprehensions, functions, patterns of
literals, and calls. Names are of two kinds. Names of ours begin with a dot, so no rule can spell one, read one or
replace one. All others are variables of the rule: locals of the file's function, or of a function inside it, never
globals. The globals are helpers.HELPERS and what the tables hold; builtins are an empty mapping.

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
  here and charged before the file runs (`emitter.weight`).
- `.callable` opens the records of functions; their implementations ask the meter themselves.

What a rule cannot hold up. LimitExceeded is no Exception, and no type that a rule can name catches it: `except` of any
kind becomes one handler of `.Catchable`, which `.caught` and `.matches` sort out; a `finally` first asks `.goes_on`.
`raise` takes exceptions of the rule only (exceptions.py).

What stays behind. A Program holds code and no values. Variables, defaults of functions, modules' state and the meter
live as long as the call; the tables are never written.

Positions are those of the rule, so Python's own traceback tells the line and column of a fault.
"""

from __future__ import annotations

import ast

from dispatcher.lang import syntax
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.effects import first_effect
from dispatcher.lang.emitter import root_name, weight
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.program import TOP_FUNCTION, Program, RuleFunction, TopStatement
from dispatcher.lang.scopes import bound_names, name_of
from dispatcher.lang.statements import COMPOUND, StatementCompiler
from dispatcher.lang.syntax import Expr, Stmt

# What the evaluator passes to every file's function before the ticket variables.
PARAMETERS = (".meter", ".charge", ".fired", ".log", ".wanted", ".ends_run")


def compile_module(checked: CheckedModule) -> Program:
    """Return the program of a module without errors; cannot fail."""
    compiler = _FileCompiler(checked)
    function = compiler.function()
    return Program(
        filename=checked.source.filename,
        statements=tuple(compiler.statements),
        writes=tuple(compiler.writes),
        weight=sum(statement.weight for statement in compiler.statements),
        changes_values=_changes_values(checked),
        writes_in_functions=compiler.writes_in_functions,
        function=function,
    )


def _changes_values(checked: CheckedModule) -> bool:
    pending: list[syntax.Node] = list(checked.module.body)
    while pending:
        current = pending.pop()
        match current:
            case syntax.Attribute(name=name) if name in MUTATORS:
                return True
            case syntax.AugmentedAssignment() | syntax.Delete():
                return True
            case syntax.Import(items=items) if any(item.name == "collections" for item in items):
                # Reading an item of a defaultdict may add it.
                return True
            case syntax.FromImport(module="collections"):
                return True
            case syntax.Assignment(targets=targets) if any(isinstance(target, syntax.Subscript) for target in targets):
                return True
            case _:
                pending.extend(syntax.children(current))
    return False


class _FileCompiler(StatementCompiler):
    """Puts the statements of one file into a function."""

    def function(self) -> RuleFunction:
        """Return the compiled function of the file."""
        module = self._checked.module
        body: list[ast.stmt] = []
        self._at(module)
        shadowing = sorted(self._checked.variables & FUNCTIONS.keys())
        body.extend(self._assign_name(self._of_file(name), self._builtin_value(name)) for name in shadowing)
        body.extend(self._declared())
        for number, statement in enumerate(module.body):
            body.extend(self._top(number, statement))
        self._at(module)
        body.append(ast.Return(self._call(".locals"), **self._place))
        variables = [self._of_file(variable.name) for variable in self._schema.variables]
        arguments = [ast.arg(name, **self._place) for name in (*PARAMETERS, *variables)]
        signature = ast.arguments([], arguments, None, [], [], None, [])
        definition = ast.FunctionDef(TOP_FUNCTION, signature, body, [], **self._place)
        tree = ast.Module([definition], [])
        code = compile(tree, self._source.filename, "exec", dont_inherit=True)
        namespace = self._globals
        exec(code, namespace)  # noqa: S102 - our own tree, see above
        return namespace[TOP_FUNCTION]  # type: ignore[no-any-return] # defined by the tree

    def _declared(self) -> list[ast.stmt]:
        """Return what makes local variables of the names that only functions bind, by `global`; it never runs."""
        bound = {name_of(name) for name in bound_names(self._checked.module.body)}
        nodes = [
            self._assign_name(self._of_file(name), self._constant(None))
            for name in sorted(self._checked.variables - bound)
        ]
        return [ast.If(self._constant(value=False), nodes, [], **self._place)] if nodes else []

    def _top(self, number: int, statement: Stmt) -> list[ast.stmt]:
        line, column = self._source.position(statement.start)
        compound = isinstance(statement, COMPOUND)
        is_rule = compound or self._writes_ticket(statement)
        self.statements.append(
            TopStatement(
                line=line,
                column=column,
                title=self._title(line),
                is_rule=is_rule,
                always=is_rule and not compound,
                weight=weight((statement,)),
                effect=self._source.position(effect) if (effect := first_effect(statement)) is not None else None,
            )
        )
        self._mark = number if compound else None
        body = self._statement(statement)
        self._at(statement)
        # Nobody asks in a first run, which ends with the first fault; `try` costs nothing where nothing fails.
        first_run = ast.Compare(self._name(".wanted"), [ast.Is()], [self._constant(None)], **self._place)
        wanted = ast.BoolOp(ast.Or(), [first_run, self._call(".wanted", self._constant(number))], **self._place)
        ends_run = self._call(".ends_run", self._constant(number), self._name(".error"))
        again = ast.If(ends_run, [ast.Raise(None, None, **self._place)], [], **self._place)
        handler = ast.ExceptHandler(self._name(".Catchable"), ".error", [again], **self._place)
        return [ast.If(wanted, [ast.Try(body, [handler], [], [], **self._place)], [], **self._place)]

    def _title(self, line: int) -> str:
        above = self._source.line(line - 1)
        return above.lstrip("#").strip() if above.startswith("#") else ""

    def _writes_ticket(self, statement: Stmt) -> bool:
        names = {name_of(name) for name in bound_names((statement,))}
        targets: tuple[Expr, ...] = ()
        match statement:
            case syntax.Assignment(targets=found) | syntax.Delete(targets=found):
                targets = found
            case syntax.AugmentedAssignment(target=target):
                targets = (target,)
            case syntax.ExpressionStatement(value=value):
                mutated = self._mutated(value)
                return mutated is not None or any(self._ticket_variable(name) for name in names)
            case _:
                pass
        names.update(root for target in targets if (root := root_name(target)) is not None)
        return any(self._ticket_variable(name) for name in names)
