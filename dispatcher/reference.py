"""The language reference, made of the tables that the language reads; `make reference` writes grammar/README.md."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from textwrap import wrap

from dispatcher.lang import reading
from dispatcher.lang.budget import Limits
from dispatcher.lang.codes import CODES
from dispatcher.lang.entries import FunctionEntry, MethodEntry
from dispatcher.lang.exceptions import EXCEPTIONS
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import ENTRIES as MODULE_ENTRIES
from dispatcher.lang.parser import MAX_FILE, MAX_TOKENS
from dispatcher.lang.values import TypeValue
from dispatcher.tickets import TICKET_SCHEMA

INTRODUCTION = """\
# The language of rules

Rules are written in Python's syntax and mean what they mean to CPython: the same values, the same exceptions. What
rules leave out is refused by name before anything runs. [dispatcher.lark](dispatcher.lark) is the grammar; this page is
made of the tables that the checker and the compiler read (`make reference`).

## Statements and expressions

`if`/`elif`/`else`, `for` and `while` with `else`, `break`, `continue`, `pass`, `match` with all patterns but those of
classes, `try`/`except`/`else`/`finally`, `raise`, `assert`, assignments (chained, unpacking, starred, augmented, to
items and slices), `del`, `def` with defaults, `*` and `**`, `return`, `lambda`, `global`, `nonlocal`, `import` and
`from .. import` of the modules below; all operators and comparison chains, conditional expressions, `:=`, f-strings,
comprehensions and generator expressions, slices, starred calls, all literals but bytes and complex numbers.

Not: `class`, `with`, `yield`, `async`, decorators, annotations, `except*`, `@`, and names that begin with an
underscore.

- `is` beside a number or a text means `==`. Beside None, True and False, and between variables, it is identity.
- A comment line directly above a top-level statement is that rule's title.
- `datetime.now()` and its like tell the ticket's time of arrival. A set gives its values in a fixed order. So the same
  rules decide the same for the same ticket, whenever and wherever they run.
- What a file assigns is its own; ticket variables carry on from file to file.
- A statement that fails at run time is left out, as if it were not in the file, and the decision tells why.
- A limit of the table below ends the statement for good: no `except` catches it, and no `finally` runs behind it.
- Random numbers begin with the ticket: the same ticket draws the same ones. `random.seed()` goes back to that.
- `str.format` reads items, never attributes. Exceptions have `args` and their text, and no traceback.
- Regular expressions are those of Python's `re`; where a pattern could run long, a matcher with a budget takes over.
"""

CALLS = """\
What cannot be given by name stands before the `/`. `start`, `stop`, `end` and `step` may be left out, as in `range(3)`.
A type is a function too, and its methods can be called with the value as the first argument, as in
`sorted(names, key=str.lower)`. Each call takes some steps of the budget (see the limits below); the last column says
what it takes more of them for.
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
    functions = [entry for name, entry in FUNCTIONS.items() if name not in EXCEPTIONS]
    lines = ["## Functions", "", *_table("function", "gives", "charged by"), *_entries(functions), ""]
    lines += [CALLS]
    lines += ["## Exceptions", "", *_table("exception", "is")]
    return [*lines, *(_row(f"`{name}`", FUNCTIONS[name].doc) for name in EXCEPTIONS), ""]


def _methods() -> list[str]:
    names = {
        entry.value.python_type: f"{module.name}.{entry.name}"
        for module in MODULE_ENTRIES.values()
        for entry in module.members
        if isinstance(entry.value, TypeValue)
    }
    lines = ["## Methods and fields", ""]
    for kind, table in METHODS.items():
        if table and kind is not bool:
            lines += [
                f"### {names.get(kind, kind.__name__)}",
                "",
                *_table("method", "does", "charged by"),
                *_entries(table.values()),
                "",
            ]
    return lines


def _entries(entries: Iterable[FunctionEntry | MethodEntry]) -> Iterable[str]:
    return (_row(f"`{entry.signature}`", entry.doc, entry.cost) for entry in entries)


def _modules() -> list[str]:
    lines = ["## Modules", ""]
    for module in MODULE_ENTRIES.values():
        lines += [f"### {module.name}", "", f"{module.doc[:1].upper()}{module.doc[1:]}.", ""]
        lines += [*_table("member", "gives", "charged by"), *_entries(module.members), ""]
    return lines


def _limits() -> list[str]:
    limits = Limits()
    rows = (
        ("steps, of at most 100 ns", f"{limits.steps:,}"),
        ("memory for the values that are alive", f"{limits.memory // 1024 // 1024} MiB"),
        ("characters of a text", f"{limits.text:,}"),
        ("items of a collection", f"{limits.items:,}"),
        ("bits of a whole number", f"{limits.number_bits:,}"),
        ("depth of nested values", f"{limits.nesting}"),
        ("depth of calls", f"{limits.recursion}"),
    )
    lines = ["## Limits of one evaluation", "", *_table("what", "at most"), *(_row(*row) for row in rows)]
    long = (
        "Steps are counted beyond what running each statement once takes, so a long file has as many as a short one. A "
        f"file has up to {MAX_FILE:,} characters and {MAX_TOKENS:,} words, numbers and signs; one that repeats the "
        f"same kinds of statements up to {reading.MAX_FILE:,} characters and {reading.MAX_STATEMENTS:,} statements, "
        "and is then checked for errors only."
    )
    return [*lines, "", "A rule that would pass a limit is left out like one that fails.", "", *wrap(long, 120), ""]


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
