"""One module of the tables, and the lines that it is made of."""

from __future__ import annotations

from typing import Any

from dispatcher.lang.entries import CONSTANT, FunctionEntry
from dispatcher.lang.records import dataclass
from dispatcher.lang.values import Builtin, Implementation, ModuleValue, TypeValue


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """A module that rules may import; a member of one of its types has a dotted name, such as `datetime.now`."""

    name: str
    doc: str
    members: tuple[FunctionEntry, ...]

    def value(self) -> ModuleValue:
        """Return what the module's name means."""
        return ModuleValue(self.name, {entry.name: entry.value for entry in self.members if "." not in entry.name})


def function(name: str, signature: str, cost: str, doc: str, implementation: Implementation) -> FunctionEntry:
    """Return the line of a function."""
    return FunctionEntry(name, signature, cost, doc, Builtin(name, implementation))


def constant(name: str, doc: str, value: Any) -> FunctionEntry:
    """Return the line of a value that is no function."""
    return FunctionEntry(name, name, CONSTANT, doc, value)


def with_members(entry: FunctionEntry, *members: FunctionEntry) -> tuple[FunctionEntry, ...]:
    """Return the line of a type that has `members` of its own, and theirs."""
    kind: TypeValue = entry.value
    inner = {member.name: member.value for member in members}
    whole = TypeValue(kind.name, kind.python_type, kind.implementation, inner, kind.module)
    dotted = (
        FunctionEntry(f"{entry.name}.{member.name}", f"{entry.name}.{member.signature}", *_rest(member))
        for member in members
    )
    return (FunctionEntry(entry.name, entry.signature, entry.cost, entry.doc, whole), *dotted)


def _rest(entry: FunctionEntry) -> tuple[str, str, Any]:
    return entry.cost, entry.doc, entry.value
