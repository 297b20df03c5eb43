"""What rules set on past tickets -> what Halo says of it: for values that the rules alone do not tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dispatcher.halo.lookups import Lookups, Unresolved
from dispatcher.halo.payloads import is_unset
from dispatcher.history import PastTicket
from dispatcher.lang.diagnostics import Diagnostic, diagnostic
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source, Span
from dispatcher.live.checking import VARIABLES
from dispatcher.live.codes import CODES
from dispatcher.live.names import Names
from dispatcher.ruleset import RuleSet

# Different values that are looked up, at the most.
MAX_VALUES = 10_000


@dataclass(slots=True)
class _Seen:
    """Where a value was set last, and on how many tickets."""

    file: str
    line: int
    tickets: int = 0


async def check_seen(
    rules: RuleSet,
    tickets: Iterable[PastTicket],
    lookups: Lookups,
    known: frozenset[tuple[str, Any]],
    sources: Sequence[Source],
) -> tuple[list[Diagnostic], int]:
    """Return what Halo says of values that the rules set on past tickets, and how many tickets were looked at.

    Values in `known` have been judged. `sources` are the files of the rules by the names that diagnostics give them.
    """
    seen, count = _gathered(rules, tickets, known)
    names = Names(lookups, None)
    of_file = {own.filename: source for own, source in zip(rules.sources, sources, strict=True)}
    found: list[Diagnostic] = []
    for (variable, value, type_name), where in seen.items():
        ticket_type = await names.find("ticketType", type_name) if not is_unset(type_name) else None
        types = () if isinstance(ticket_type, Unresolved) else (ticket_type,)
        verdict = await names.judge(variable, value, types)
        if not verdict.code:
            continue
        source = of_file[where.file]
        start = source.offset(where.line, 1)
        written = source.line(where.line)
        span = Span(start + len(written) - len(written.lstrip()), start + len(written))
        message = f"{verdict.message} (`{variable}` of {where.tickets} of {count} past tickets)"
        severity = CODES[verdict.code].severity
        found.append(diagnostic(source, verdict.code, message, span, verdict.help, severity=severity))
    return found, count


def _gathered(
    rules: RuleSet, tickets: Iterable[PastTicket], known: frozenset[tuple[str, Any]]
) -> tuple[dict[tuple[str, Any, Any], _Seen], int]:
    seen: dict[tuple[str, Any, Any], _Seen] = {}
    count = 0
    for past in tickets:
        if past.ticket is None:
            continue
        count += 1
        decision = rules.decide(past.ticket, now=past.received_at)
        if decision.refused is not None:
            continue
        values = decision.action_variables
        new = [
            variable
            for variable in VARIABLES
            if isinstance(values[variable], str | int | float)
            and not is_unset(values[variable])
            and (variable, values[variable]) not in known
        ]
        if not new:
            continue
        places = {change.variable: change for change in decision.changes}
        for variable in new:
            # What the sender gave is none of the rules' doing.
            change = places.get(variable)
            if change is None:
                continue
            beside = values["ticketType"] if variable == "priority" and _is_scalar(values["ticketType"]) else None
            key = variable, values[variable], beside
            if key in seen or len(seen) < MAX_VALUES:
                where = seen.setdefault(key, _Seen(change.file, change.line))
                where.tickets += 1
    return seen, count


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
