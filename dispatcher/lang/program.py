"""Program: one rule file, compiled. Immutable, holds no values of any evaluation, and is shared between threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# The name of a file's function: no rule can give it to one of its own.
TOP_FUNCTION = ".rules"
# Stands behind the name of a variable of the file where functions around its use have the same name.
RENAMED = "."

# Called with the meter, its `charge`, what marks a rule as fired, what logs a write, what tells whether a statement
# shall run (or None for all), what tells whether a failed one ends the run, and the ticket variables in the schema's
# order; returns the variables at the end.
RuleFunction = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TopStatement:
    """One top-level statement; a rule where it can act, and `always` fires where nothing in it is conditional."""

    line: int
    column: int
    title: str
    is_rule: bool
    always: bool
    # Steps that are charged for it before the file runs.
    weight: int
    # Line and column from which on a fault may come behind a binding of a name; None where nothing is bound.
    effect: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Write:
    """A place that writes a ticket variable; `copied` where a copy is logged, since the value changes in place."""

    variable: str
    line: int
    statement: int
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled form of one file."""

    filename: str
    statements: tuple[TopStatement, ...]
    writes: tuple[Write, ...]
    weight: int
    # Whether anything in the file changes a value in place, other than through a ticket variable's own name.
    changes_values: bool
    # Whether a function of the file writes ticket variables: then only a watched run tells which statement did.
    writes_in_functions: bool
    function: RuleFunction
