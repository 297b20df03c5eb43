"""Facts of statements <-> JSON: what is kept on disk of a long file, so that it need not be read again.

What is kept is data and no code, and holds for one text, one schema and one version of this package. A statement is
parsed when it first runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dispatcher.lang.facts import Facts
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source
from dispatcher.lang.triggers import Trigger, View
from dispatcher.lang.variables import Uses

# Another number for each change in what facts are, or mean.
FORMAT = 1


def key(source: Source, schema: Schema) -> str:
    """Return what names the facts of a file: another text wherever they may be others."""
    import hashlib  # a check asks for none

    names = [[variable.name, variable.kind, variable.writable] for variable in schema.variables]
    text = json.dumps([FORMAT, source.digest(), names, dict(schema.aliases)])
    return hashlib.sha256(text.encode()).hexdigest()


def dump(facts: Sequence[Facts]) -> str:
    """Return facts as JSON."""
    return json.dumps([_dumped(item) for item in facts], separators=(",", ":"))


def load(text: str) -> list[Facts]:
    """Return facts from JSON; raise ValueError for what `dump` has not written."""
    try:
        return [_loaded(*item) for item in json.loads(text)]
    except (TypeError, KeyError, IndexError, RecursionError) as error:
        raise ValueError(f"no facts: {error}") from None


def _dumped(facts: Facts) -> list[Any]:
    used = facts.uses
    triggers = facts.triggers
    return [
        facts.is_rule,
        facts.always,
        facts.weight,
        facts.effect,
        [_dumped_trigger(trigger) for trigger in triggers] if triggers is not None else None,
        sorted(facts.binds),
        [sorted(used.read), sorted(used.unbound), sorted(used.bound_inside)],
        [used.changes_values, used.defines_functions, facts.imports, facts.leaves_code],
        facts.varying,
        facts.marked,
    ]


def _dumped_trigger(trigger: Trigger) -> list[Any]:
    view = trigger.view
    flags = [trigger.needs_text, trigger.wakes]
    return [trigger.kind, view.variable, view.methods, trigger.literals, trigger.at, trigger.span, *flags]


def _loaded(
    is_rule: bool,
    always: bool,
    weight: int,
    effect: list[int] | None,
    triggers: list[list[Any]] | None,
    binds: list[str],
    names: list[list[str]],
    flags: list[bool],
    varying: list[int],
    marked: list[int],
) -> Facts:
    read, unbound, bound_inside = map(set, names)
    changes_values, defines_functions, imports, leaves_code = flags
    return Facts(
        is_rule=is_rule,
        always=always,
        weight=weight,
        effect=(effect[0], effect[1]) if effect is not None else None,
        triggers=tuple(_loaded_trigger(*trigger) for trigger in triggers) if triggers is not None else None,
        binds=frozenset(binds),
        uses=Uses(read, unbound, bound_inside, changes_values, defines_functions),
        imports=imports,
        leaves_code=leaves_code,
        varying=tuple(varying),
        marked=tuple(marked),
    )


def _loaded_trigger(
    kind: Any,
    variable: str,
    methods: list[str],
    literals: list[Any],
    at: list[int],
    span: list[int],
    needs_text: bool,
    wakes: bool,
) -> Trigger:
    view = View(variable, tuple(methods))
    return Trigger(kind, view, tuple(literals), tuple(at), (span[0], span[1]), needs_text, wakes)
