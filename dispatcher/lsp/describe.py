"""What is said of variables, functions, methods and modules: Markdown made of the tables that the reference is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from dispatcher.lang.analysis.facts import Fact, Method, words
from dispatcher.lang.codes import CODES
from dispatcher.lang.entries import FunctionEntry, MethodEntry
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import ENTRIES
from dispatcher.lang.modules.entry import ModuleEntry
from dispatcher.lang.schema import Schema, Variable
from dispatcher.lang.values import ModuleValue, TypeValue

_KINDS = {"text": "It holds text.", "mapping": "It holds a dict.", "any": ""}


def code(text: str) -> str:
    """Return a piece of a rule as Markdown shows it."""
    return f"```python\n{text}\n```"


def sentence(text: str) -> str:
    """Return a line of the tables as a sentence."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def variable(found: Variable, schema: Schema) -> str:
    """Return what a ticket variable holds, and whether rules may set it."""
    access = "Ticket variable that rules read and set." if found.writable else "Ticket variable, **read-only**."
    aliases = [alias for alias, name in schema.aliases.items() if name == found.name]
    known = f"Older scripts call it `{aliases[0]}`." if aliases and "also known" not in found.doc else ""
    return "\n\n".join(
        part for part in (code(found.name), sentence(found.doc), access, _KINDS[found.kind], known) if part
    )


def entry(found: FunctionEntry | MethodEntry, before: str = "") -> str:
    """Return the signature of a function or method, behind what stands before its name, and what it is for."""
    return f"{code(before + found.signature)}\n\n{sentence(found.doc)}"


def module(found: ModuleEntry) -> str:
    """Return what a module is for, and its members."""
    members = ", ".join(f"`{member.name}`" for member in found.members if "." not in member.name)
    return f"{code(f'import {found.name}')}\n\n{sentence(found.doc)}\n\nIt has {members}."


def meaning(fact: Fact) -> str | None:
    """Return what is said of a function, type, method or module that an expression surely means."""
    found = fact.meaning
    if isinstance(found, ModuleValue):
        return module(ENTRIES[found.name])
    if isinstance(found, Method):
        return methods(found.name, found.owners)
    known = _entries().get(id(found)) if found is not None else None
    return entry(known[1], known[0]) if known is not None else None


def methods(name: str, kinds: Iterable[type]) -> str | None:
    """Return what is said of a method of each type that has it; one that several share is told once."""
    told = {
        entry(METHODS[kind][name], f"{type_name(kind)}."): None
        for kind in sorted(kinds, key=lambda kind: (kind is not str, type_name(kind)))
        if kind is not bool and name in METHODS.get(kind, {})
    }
    return "\n\n".join(told) or None


def member(owner: Fact, name: str) -> str | None:
    """Return what is said of a module's or a type's member by its name."""
    found = owner.meaning
    if not isinstance(found, ModuleValue | TypeValue):
        return None
    known = next((entry for entry in members(found) if entry.name == name), None)
    return entry(known, f"{found.name}.") if known is not None else None


def members(owner: ModuleValue | TypeValue) -> list[FunctionEntry | MethodEntry]:
    """Return the members of a module, or those of a type and the methods of its values."""
    if isinstance(owner, ModuleValue):
        return [found for found in ENTRIES[owner.name].members if "." not in found.name]
    own = [known[1] for value in owner.members.values() if (known := _entries().get(id(value))) is not None]
    named = [
        FunctionEntry(found.name.rpartition(".")[2], found.signature, found.cost, found.doc, found.value)
        for found in own
    ]
    return [*named, *(found for found in METHODS.get(owner.python_type, {}).values() if not found.field)]


def holds(fact: Fact) -> str | None:
    """Return the types of a value in words; None where nothing is known of them."""
    return words(fact) if fact.kinds else None


def diagnostic(name: str) -> str:
    """Return what a kind of diagnostic means, with rules that raise it and the same rules put right."""
    found = CODES.get(name)
    if found is None:
        # Only with a snapshot, which has loaded what it takes.
        from dispatcher.live.codes import CODES as LIVE_CODES

        return f"**{name}**: {LIVE_CODES[name].meaning}"
    return f"**{name}**: {found.meaning}\n\n{code(found.bad.strip())}\n\nInstead:\n\n{code(found.good.strip())}"


@cache
def type_name(kind: type) -> str:
    """Return the name by which rules know a type."""
    return _type_names().get(kind, kind.__name__)


@cache
def _type_names() -> Mapping[type, str]:
    values = [found.value for _, found in _entries().values() if isinstance(found.value, TypeValue)]
    return {value.python_type: value.name for value in values}


@cache
def _entries() -> Mapping[int, tuple[str, FunctionEntry]]:
    """Return the functions and types of the tables by their identity, each with what stands before its name."""
    return {id(found.value): (before, found) for before, found in _all_entries() if _is_one(found.value)}


def _all_entries() -> Iterator[tuple[str, FunctionEntry]]:
    for found in FUNCTIONS.values():
        yield "", found
    for name, table in ENTRIES.items():
        for found in table.members:
            yield f"{name}.", found


def _is_one(value: Any) -> bool:
    """Tell whether a value of the tables is known by its identity; numbers and texts are not."""
    return not isinstance(value, int | float | str)
