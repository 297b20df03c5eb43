"""Rule files -> their problems: what reads and checks rules, without what runs them.

Files are read by `os`, since importing `pathlib` takes as long as checking a small one.
"""

# ruff: noqa: PTH112, PTH118, PTH119, PTH123, PTH208

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache
from keyword import iskeyword
from typing import TYPE_CHECKING

from dispatcher.errors import DispatcherError
from dispatcher.lang.analysis import analyse
from dispatcher.lang.checker import CheckedModule, check_module
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.parser import parse
from dispatcher.lang.records import replace
from dispatcher.lang.schema import Schema, Variable
from dispatcher.lang.source import Source
from dispatcher.lang.syntax import Module
from dispatcher.tickets import TICKET_SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from dispatcher.lang.reading import Statements


def check(text: str, filename: str = "<rules>", *, variables: Iterable[str] = ()) -> list[Diagnostic]:
    """Return all problems of one rule file, in source order; empty when there are none."""
    return checked_source(Source(text, filename), declared_schema(variables))[1]


def declared_schema(variables: Iterable[str]) -> Schema:
    """Return the ticket variables with further read-only ones; raise DispatcherError for a name that cannot be one."""
    return _schema(tuple(variables))


@cache
def _schema(variables: tuple[str, ...]) -> Schema:
    extra = []
    taken = set(TICKET_SCHEMA.names())
    for name in variables:
        if not name.isidentifier() or name.startswith("_") or iskeyword(name):
            raise DispatcherError(
                f"the variable `{name}` cannot be declared: a name is letters, digits and `_`, and begins with a letter"
            )
        if name in taken or name in FUNCTIONS:
            raise DispatcherError(f"the variable `{name}` cannot be declared: the name is taken")
        taken.add(name)
        extra.append(Variable(name, "any", writable=False, doc="declared in the settings"))
    return replace(TICKET_SCHEMA, variables=TICKET_SCHEMA.variables + tuple(extra))


def checked_source(source: Source, schema: Schema) -> tuple[CheckedModule, list[Diagnostic]]:
    """Return the checked tree of a file, and its problems in source order; with errors there is nothing to compile."""
    module, problems = parse(source)
    checked, found = check_module(source, module, schema)
    statements = long_statements(source, module, problems, schema)
    if statements is not None:
        # Without errors it runs; other mistakes are not looked for in so much text.
        return statements.checked, []
    if not any(problem.severity == "error" for problem in problems + found):
        found += analyse(checked)
    errors_first = sorted(problems + found, key=lambda problem: (problem.severity != "error", problem.line))
    reported = errors_first[:MAX_DIAGNOSTICS]
    return checked, sorted(reported, key=lambda problem: (problem.line, problem.column))


def long_statements(
    source: Source, module: Module, problems: Sequence[Diagnostic], schema: Schema
) -> Statements | None:
    """Return the statements of a file that parsing found too large as a whole, where they are right piece by piece."""
    if [problem.code for problem in problems] != ["too-large"] or module.body:
        return None
    from dispatcher.lang.reading import read  # few files are that long

    return read(source, schema, least=0)


def read_sources(path: str | Path, *, whole_names: bool = False) -> list[Source]:
    """Return the rule files at `path` in the order they run; raise DispatcherError when there is none.

    Sources carry the file's name, which does not change with the folder, or its whole path.
    """
    if not os.path.isdir(path):
        return [Source(read_text(path), str(path) if whole_names else os.path.basename(path))]
    files = sorted(name for name in os.listdir(path) if name.endswith(".rules"))
    if not files:
        raise DispatcherError(f"{path}: the folder has no *.rules files")
    return [
        Source(read_text(whole), whole if whole_names else name)
        for name, whole in ((name, os.path.join(path, name)) for name in files)
    ]


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file with any line ends; raise DispatcherError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig")
    except OSError as error:
        raise DispatcherError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DispatcherError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
