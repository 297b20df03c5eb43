"""Program: one rule file, compiled. Immutable, holds no values of any evaluation, and is shared between threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# The name of a file's function: no rule can give it to one of its own.
TOP_FUNCTION = ".rules"

# Called with the meter, its `charge`, what marks a rule as fired, what logs a write, for `partial` then what watches
# its statements, and the ticket variables in the schema's order; returns the variables at the end.
RuleFunction = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TopStatement:
    """One top-level statement; a rule where it can act, and `always` fires where nothing in it is conditional."""

    line: int
    column: int
    title: str
    is_rule: bool
    always: bool


@dataclass(frozen=True, slots=True)
class Write:
    """A place that writes a ticket variable."""

    variable: str
    line: int
    statement: int


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled form of one file: a function without, and one with, statements to leave out."""

    filename: str
    statements: tuple[TopStatement, ...]
    writes: tuple[Write, ...]
    weight: int
    # Whether anything in the file changes a value in place, other than through a ticket variable's own name.
    changes_values: bool
    whole: RuleFunction
    partial: Callable[[], RuleFunction]
