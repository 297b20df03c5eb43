"""The run of an audit over a stream of cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from dispatcher.audit.cases import Case, Skipped
from dispatcher.audit.report import Report, made
from dispatcher.audit.rules import Former, Rules
from dispatcher.audit.tally import Tally
from dispatcher.ruleset import RuleSet

# Entries of each kind that are listed, and tried out where there is something to try.
TOP = 10


def audit(
    ruleset: RuleSet,
    cases: Iterable[Case | Skipped],
    *,
    former: Former = lambda _revision: None,
    top: int = TOP,
    late: Callable[[], bool] = lambda: False,
) -> Report:
    """Return what rules did in all cases.

    `former` finds the rules of an older revision. The `top` overwritten values and pairs are tried out on examples,
    each with rules that are compiled for it; not those that are left when it is `late`.
    """
    tally = Tally(Rules(ruleset, former))
    skipped: Counter[str] = Counter()
    for case in cases:
        if isinstance(case, Skipped):
            skipped[case.reason] += case.tickets
        elif not tally.add(case):
            skipped["revisions"] += 1
    return made(tally, skipped, top, late)
