"""What is certain of one expression of a file, for editors, which ask while it is written."""

from __future__ import annotations

from dispatcher.lang.analysis.expressions import Expressions
from dispatcher.lang.analysis.facts import NOTHING, Fact
from dispatcher.lang.analysis.flow import Flow
from dispatcher.lang.analysis.names import Names
from dispatcher.lang.analysis.report import Findings
from dispatcher.lang.analysis.usage import Usage
from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.source import Span
from dispatcher.lang.syntax import Expr


def fact_at(checked: CheckedModule, place: Span) -> Fact:
    """Return what is certain of the expression at `place`; nothing where none stands there or it is never reached.

    The file may have errors: a name that means nothing has nothing certain.
    """
    findings = Findings(checked.source)
    usage = Usage(checked.module, dict(checked.schema.aliases))
    names = Names(findings, usage, checked.schema)
    expressions = _ExpressionAt(findings, names, place)
    Flow(findings, names, usage.file.last_read, expressions).file(checked.module)
    return expressions.found


class _ExpressionAt(Expressions):
    """Keeps what is certain of the expression at one place."""

    def __init__(self, findings: Findings, names: Names, place: Span) -> None:
        super().__init__(findings, names)
        self._place = place
        self.found = NOTHING

    def fact(self, expr: Expr) -> Fact:
        """Look at an expression and return what is certain of its value."""
        found = super().fact(expr)
        if (expr.start, expr.end) == self._place:
            self.found = found
        return found
