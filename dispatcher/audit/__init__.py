"""Audit: what rules did on the tickets of the past, and which of them did nothing of use. One pass, in flat memory.

`cases` makes what is looked at of each ticket: its decision as it was kept, or what the rules in force decide. `rules`
finds the rules of older decisions among those in force. `tally` counts, `experiments` tries on the examples whether
a rule or an order matters, and `report` is what was found.

Of each variable of a ticket the rule that changed it last *has the last word*; every other rule that changed it is
*overwritten* by that one. Only changes count: a rule that sets what is set already is not in the decision. A line
belongs to the top-level statement that begins at or above it, so what a function writes is the function's. Where the
rules that wrote a variable are gone, or stood in another order, nothing is said of who overwrites whom.
"""

from dispatcher.audit.cases import Case, Period, Skipped, cases_of
from dispatcher.audit.report import KINDS, Report
from dispatcher.audit.run import TOP, audit

__all__ = ["KINDS", "TOP", "Case", "Period", "Report", "Skipped", "audit", "cases_of"]
