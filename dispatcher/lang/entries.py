"""The lines of the tables: functions, methods and fields of values, members of modules.

Checker, compiler, documentation and editor help all read them. `cost` says, in words, what a call is charged by beside
the steps that every call takes.
"""

from __future__ import annotations

from typing import Any

from dispatcher.lang.records import dataclass
from dispatcher.lang.values import Implementation

# What most calls are charged by.
CONSTANT = "constant"
LENGTH = "length"
ITEMS = "items"
RESULT = "size of the result"


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """A function, a type or a constant by its name; `value` is what the name means."""

    name: str
    signature: str
    cost: str
    doc: str
    value: Any

    @property
    def implementation(self) -> Implementation:
        """Return what carries out a call."""
        return self.value.implementation  # type: ignore[no-any-return] # a function's or a type's


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """One method, or with `field` a value that is read without a call."""

    name: str
    signature: str
    cost: str
    doc: str
    implementation: Implementation
    field: bool = False
