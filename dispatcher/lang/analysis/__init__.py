"""Static analysis: what is certain to fail, and what cannot mean what it says, before any rule runs.

`analyse` looks at a file that is known to be correct and warns. Nothing that it finds is an error: what always fails
costs only its own statement, and a file that has one still decides tickets. It warns only of what is certain by the
structure of the file:

- usage.py notes who binds and reads each name; unused.py warns of what nothing reads;
- flow.py walks the statements, with what state.py keeps of each variable: whether it has a value, and its Fact;
- expressions.py makes Facts of expressions, by what samples.py and results.py say of types, and calls.py of calls;
- conditions.py and statements.py look for what is always true, never reached, or done for nothing.

The walk is linear in the size of the file, and no deeper than its tree.
"""

from __future__ import annotations

from dispatcher.lang.analysis.flow import Flow
from dispatcher.lang.analysis.names import Names
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.analysis.unused import check_unused
from dispatcher.lang.analysis.usage import Usage
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.diagnostics import Diagnostic


def analyse(checked: CheckedModule) -> list[Diagnostic]:
    """Return warnings about a module without errors, in source order."""
    findings = Findings(checked.source)
    usage = Usage(checked.module, dict(checked.schema.aliases))
    Flow(findings, Names(findings, usage, checked.schema), usage.file.last_read).file(checked.module)
    check_unused(findings, usage, checked.schema)
    return findings.in_order()
