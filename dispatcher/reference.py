"""The language reference, made of the tables that the language reads; `make reference` writes grammar/README.md."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from dispatcher.lang.budget import Limits
from dispatcher.lang.codes import CODES
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS, MethodEntry
from dispatcher.lang.modules import MODULES
from dispatcher.lang.values import TypeValue
from dispatcher.tickets import TICKET_SCHEMA

INTRODUCTION = """\
# The language of rules

Rules are written in Python's syntax and mean what they mean to CPython: the same values, the same exceptions. What
rules leave out is refused by name before anything runs. [dispatcher.lark](dispatcher.lark) is the grammar; this page is
made of the tables that the checker and the compiler read (`make reference`).

## Statements and expressions

`if`/`elif`/`else`, `for`, `while` with `else`, `break`, `continue`, `pass`, assignments (chained, unpacking, starred,
augmented, to items and slices), `del`, `def` with defaults, `*` and `**`, `return`, `lambda`, `import` and `from ..
import` of the modules below; all operators and comparison chains, conditional expressions, `:=`, f-strings,
comprehensions and generator expressions, slices, starred calls, all literals but bytes and complex numbers.

Not: `class`, `try`, `raise`, `assert`, `with`, `global`, `nonlocal`, `yield`, `async`, `match`, decorators,
annotations, and names that begin with an underscore.

- `is` beside a number or a text means `==`. Beside None, True and False, and between variables, it is identity.
- A comment line directly above a top-level statement is that rule's title.
- `datetime.now()` and its like tell the ticket's time of arrival. A set gives its values in a fixed order. So the same
  rules decide the same for the same ticket, whenever and wherever they run.
- What a file assigns is its own; ticket variables carry on from file to file.
- A statement that fails at run time is left out, as if it were not in the file, and the decision tells why.
"""


def reference() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([INTRODUCTION, *_variables(), *_functions(), *_methods(), *_modules(), *_limits(), *_codes()])


def _table(*head: str) -> list[str]:
    return ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _variables() -> list[str]:
    lines = ["## Ticket variables", "", *_table("variable", "rules may", "holds")]
    lines += [
        _row(f"`{variable.name}`", "set" if variable.writable else "read", variable.doc)
        for variable in TICKET_SCHEMA.variables
    ]
    aliases = ", ".join(f"`{alias}` is `{name}`" for alias, name in TICKET_SCHEMA.aliases.items())
    return [*lines, "", f"In older scripts, {aliases}.", ""]


def _functions() -> list[str]:
    lines = ["## Functions", "", *_table("function", "gives")]
    return [*lines, *(_row(f"`{entry.signature}`", entry.doc) for entry in FUNCTIONS.values()), ""]


def _methods() -> list[str]:
    lines = ["## Methods and fields", ""]
    for kind, table in METHODS.items():
        if table and kind is not bool:
            lines += [f"### {kind.__name__}", "", *_table("method", "does"), *_entries(table), ""]
    return lines


def _entries(table: Mapping[str, MethodEntry]) -> Iterable[str]:
    return (_row(f"`{entry.signature}`", entry.doc) for entry in table.values())


def _modules() -> list[str]:
    lines = ["## Modules", "", *_table("module", "has")]
    for module in MODULES.values():
        members = []
        for name, value in module.members.items():
            inner = sorted(value.members) if isinstance(value, TypeValue) else []
            members += [f"`{name}`", *(f"`{name}.{member}`" for member in inner)]
        lines.append(_row(f"`{module.name}`", ", ".join(members)))
    return [*lines, ""]


def _limits() -> list[str]:
    limits = Limits()
    rows = (
        ("steps, of about 100 ns", f"{limits.steps:,}"),
        ("memory for all values made", f"{limits.memory // 1024 // 1024} MiB"),
        ("characters of a text", f"{limits.text:,}"),
        ("items of a collection", f"{limits.items:,}"),
        ("bits of a whole number", f"{limits.number_bits:,}"),
        ("depth of nested values", f"{limits.nesting}"),
        ("depth of calls", f"{limits.recursion}"),
    )
    lines = ["## Limits of one evaluation", "", *_table("what", "at most"), *(_row(*row) for row in rows)]
    return [*lines, "", "A rule that would pass a limit is left out like one that fails.", ""]


def _codes() -> list[str]:
    lines = ["## Diagnostics", ""]
    for name, code in CODES.items():
        lines += [f"### {name}", "", f"{code.severity.capitalize()}. {code.meaning}", ""]
        lines += ["```python", _shown(code.bad), "```", "", "Instead:", "", "```python", _shown(code.good), "```", ""]
    return lines


def _shown(rules: str) -> str:
    longest = 100
    return "\n".join(
        line if len(line) <= longest else line[: longest // 2] + " ... " + line[-20:] for line in rules.splitlines()
    )


if __name__ == "__main__":
    sys.stdout.write(reference())
