"""CheckedModule -> Program: builds Python `ast` nodes from our own tree, never text, and lets Python compile them.

One file becomes one function whose local variables are the rule's variables. What makes that safe:

- Every node is made here, from a closed set: names, constants, control flow, `and`/`or`/`not`, comparisons and
  arithmetic that cannot grow, displays, comprehensions, functions, and calls of helpers. No attribute is ever emitted,
  so no object of Python can be walked from; members of values are looked up by `methods.attribute` in our tables.
- Names of ours (helpers, the meter, temporaries) begin with a dot. No rule can spell one, so no rule can read or
  replace one. The rule's names are its own, and can only be bound to values that rules make.
- Builtins are an empty mapping; the globals are those of helpers.HELPERS, the tables' implementations that the file
  names, and nothing else.
- What can grow or run long goes through a helper that asks the meter first (operations.py, iteration.py, formatting.py,
  functions.py, methods/, modules.py; measuring.py says what things cost).
  Loops are charged through `.iterate` and `.charge`, functions through `.enter`.

Positions are those of the rule, so Python's own traceback tells the line and column of a fault.
"""

from __future__ import annotations

import ast
from functools import cache

from dispatcher.lang import syntax
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.emitter import weight
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.program import TOP_FUNCTION, Program, RuleFunction
from dispatcher.lang.statements import StatementCompiler

# What the evaluator passes to every file's function before the ticket variables.
PARAMETERS = (".meter", ".charge", ".fired", ".log")
# And to the form that leaves statements out.
WATCH_PARAMETERS = (".left_out", ".begin", ".effect", ".ends_run")


def compile_module(checked: CheckedModule) -> Program:
    """Return the program of a module without errors; cannot fail."""
    whole = _FileCompiler(checked, leaving_out=False)
    function = whole.function()
    return Program(
        filename=checked.source.filename,
        statements=tuple(whole.statements),
        writes=tuple(whole.writes),
        weight=sum(weight((statement,)) for statement in checked.module.body),
        changes_values=_changes_values(checked),
        whole=function,
        partial=cache(lambda: _FileCompiler(checked, leaving_out=True).function()),
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
        body.extend(self._assign_name(name, self._builtin_value(name)) for name in shadowing)
        for number, statement in enumerate(module.body):
            body.extend(self._top(number, statement))
        self._at(module)
        body.append(ast.Return(self._helper(".locals"), **self._place))
        variables = [variable.name for variable in self._schema.variables]
        parameters = (*PARAMETERS, *(WATCH_PARAMETERS if self._leaving_out else ()), *variables)
        arguments = [ast.arg(name, **self._place) for name in parameters]
        signature = ast.arguments([], arguments, None, [], [], None, [])
        definition = ast.FunctionDef(TOP_FUNCTION, signature, body, [], **self._place)
        tree = ast.Module([definition], [])
        code = compile(tree, self._source.filename, "exec", dont_inherit=True)
        namespace = self._globals
        exec(code, namespace)  # noqa: S102 - our own tree, see above
        return namespace[TOP_FUNCTION]  # type: ignore[no-any-return] # defined by the tree
