"""Other sandboxes on the same rules, each in the way that serves it best.

A peer whose library is not installed, or that cannot express a workload, has no figure; nothing of it is imported
before it is asked for.
"""

from __future__ import annotations

import ast
import atexit
import importlib.metadata
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from tests.bench.engines import Engine, Loaded, variables
from tests.bench.measure import NoFigureError
from tests.bench.rules import AsFunction, Written
from tests.bench.tickets import Ticket

# What the project is called, and what installs it.
DISTRIBUTIONS = {
    "RestrictedPython": "RestrictedPython",
    "Starlark": "starlark-pyo3",
    "Monty": "pydantic-monty",
    "CEL": "cel-python",
}
# cel-python compiles a thousand conditions in seconds.
MOST_CONDITIONS = 1_000


def versions() -> dict[str, str]:
    """Return the versions of the peers that are installed."""
    found = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


# --- rules as a function, for peers that keep one but no namespace


def as_function(text: str) -> AsFunction:
    """Return the function that does what the rules do."""
    known = variables({})
    tree = ast.parse(text)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in known]
    parameters = tuple(sorted({name.id for name in names}))
    results = tuple(sorted({name.id for name in names if isinstance(name.ctx, ast.Store)}))
    returned = ast.Return(ast.List([ast.Name(name, ast.Load()) for name in results], ast.Load()))
    arguments = ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])
    function = ast.FunctionDef("rules", arguments, [*tree.body, returned], [], lineno=1)
    return AsFunction(ast.unparse(function) + "\n", parameters, results)


# --- RestrictedPython


@contextmanager
def restricted_python(rules: Written) -> Iterator[Loaded]:
    """Transformed code with guards around attributes, items and loops, executed as the reference is."""
    from RestrictedPython import compile_restricted  # type: ignore[attr-defined, unused-ignore]
    from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
    from RestrictedPython.Guards import guarded_iter_unpack_sequence, safe_builtins, safer_getattr

    def import_one(name: str, *_: Any) -> Any:
        if name != "textwrap":
            raise ImportError(name)
        return textwrap

    guards = {
        "__builtins__": {**safe_builtins, "sum": sum, "__import__": import_one},
        "_getattr_": safer_getattr,
        "_getitem_": default_guarded_getitem,
        "_getiter_": default_guarded_getiter,
        "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
    }
    code = compile_restricted(rules.text, "<rules>", "exec")

    def given(ticket: Ticket) -> dict[str, Any]:
        return guards | variables(ticket)

    def run(namespaces: list[dict[str, Any]]) -> None:
        for namespace in namespaces:
            exec(code, namespace.copy())

    def values(ticket: Ticket) -> dict[str, Any]:
        namespace = given(ticket)
        exec(code, namespace)
        return {name: namespace[name] for name in variables(ticket)}

    yield Loaded(given, run, values)


# --- Starlark in Rust

# Starlark has neither generators nor modules; its host gives it functions.
_STARLARK = {
    "sum(1 for c in msg if c.isupper())": "len([c for c in msg.elems() if c.isupper()])",
    "import textwrap\n": "",
    "textwrap.wrap(": "wrap(",
}


@contextmanager
def starlark(rules: Written) -> Iterator[Loaded]:
    """A function of a frozen module, called for each ticket."""
    import starlark as library

    text = rules.text
    for python, spelt in _STARLARK.items():
        text = text.replace(python, spelt)
    function = rules.function or as_function(text)
    module = library.Module()
    module.add_callable("wrap", textwrap.wrap)
    dialect = library.Dialect.extended()
    dialect.enable_f_strings = True
    library.eval(module, library.parse("rules.star", function.text, dialect), library.Globals.standard())
    call = module.freeze().call

    def given(ticket: Ticket) -> list[Any]:
        found = variables(ticket)
        return [found[name] for name in function.parameters]

    def run(tickets: list[list[Any]]) -> None:
        for arguments in tickets:
            call("rules", *arguments)

    yield Loaded(given, run, lambda ticket: function.values(call("rules", *given(ticket))))


# --- Monty


# Calls of the host's functions are counted over the life of a session, by default up to 1,000.
_UNBOUNDED: Any = {"max_suspensions": 1_000_000_000}


@cache
def _monty_pool() -> Any:
    # Stays for the process, as a service would have it.
    from pydantic_monty import Monty

    pool = Monty(max_processes=1)
    pool.__enter__()
    atexit.register(pool.__exit__, None, None, None)
    return pool


@contextmanager
def monty(rules: Written) -> Iterator[Loaded]:
    """A function defined once in a session of a worker process, called for each ticket."""
    from pydantic_monty import ExternalModule

    function = rules.function or as_function(rules.text)
    call = f"rules({', '.join(function.parameters)})"
    modules = {"textwrap": ExternalModule({"wrap": textwrap.wrap})}
    with _monty_pool().checkout(limits=_UNBOUNDED, external_modules=modules) as session:
        session.feed_run(function.text)

        def given(ticket: Ticket) -> dict[str, Any]:
            found = variables(ticket)
            return {name: found[name] for name in function.parameters}

        def run(tickets: list[dict[str, Any]]) -> None:
            for inputs in tickets:
                session.feed_run(call, inputs=inputs)

        yield Loaded(given, run, lambda ticket: function.values(session.feed_run(call, inputs=given(ticket))))


# --- CEL


@contextmanager
def cel(rules: Written) -> Iterator[Loaded]:
    """One program for each condition; the host sets what the rule would."""
    import celpy
    from celpy.adapter import json_to_cel

    if not rules.conditions:
        raise NoFigureError("CEL has expressions, and no statements, loops or functions of text")
    if len(rules.conditions) > MOST_CONDITIONS:
        raise NoFigureError(f"it takes minutes for more than {MOST_CONDITIONS} conditions")
    environment = celpy.Environment()
    programs = [
        (environment.program(environment.compile(condition)), variable, value)
        for condition, variable, value in rules.conditions
    ]
    names = ("email", "msg", "selections")

    def decide(found: Mapping[str, Any]) -> dict[str, Any]:
        activation = {name: json_to_cel(found[name]) for name in names}
        return {variable: value for program, variable, value in programs if program.evaluate(activation)}

    def run(tickets: list[Mapping[str, Any]]) -> None:
        for found in tickets:
            decide(found)

    yield Loaded(variables, run, lambda ticket: decide(variables(ticket)))


PEERS: dict[str, Engine] = {
    "RestrictedPython": restricted_python,
    "Starlark": starlark,
    "Monty": monty,
    "CEL": cel,
}
