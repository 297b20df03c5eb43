"""Schema: which variables a rule finds when it starts. The language's only view of tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from dispatcher.lang.records import dataclass, field

# What a variable holds before any rule writes it; "any" is the honest word for what senders and settings may give.
VariableKind = Literal["text", "mapping", "any"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One ticket variable."""

    name: str
    kind: VariableKind
    writable: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Schema:
    """The ticket variables, and other names by which older scripts know some of them.

    `foreign` are names that scripts set for other ticket systems: here nothing comes of them, and nothing is said.
    """

    variables: tuple[Variable, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()
    _known: Mapping[str, Variable] = field(init=False)

    def __post_init__(self) -> None:
        known = {variable.name: variable for variable in self.variables}
        known.update({alias: known[name] for alias, name in self.aliases.items()})
        object.__setattr__(self, "_known", known)

    def find(self, name: str) -> Variable | None:
        """Return the variable called `name`, or known by it, or None."""
        return self._known.get(name)

    def names(self) -> tuple[str, ...]:
        """Return the variables' names and their aliases."""
        return tuple(variable.name for variable in self.variables) + tuple(self.aliases)
