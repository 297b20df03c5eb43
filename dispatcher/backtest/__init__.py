"""Backtest: which past tickets new rules decide otherwise than old ones: what changes, and by which line.

`comparison` decides one ticket twice, in as many processes as there are; `groups` gathers what differs. Both rule sets
decide each ticket as it was when it came in: at its time of arrival and with what was looked up for it then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, Literal

from dispatcher.backtest.comparison import (
    ALIKE,
    NO_LONGER_KEPT,
    NOT_DECIDED,
    NOTHING_KNOWN,
    OUTSIDE,
    Comparison,
    When,
    elsewhere,
)
from dispatcher.backtest.groups import Group, Groups
from dispatcher.history import Line, opened_by, place
from dispatcher.lang.records import dataclass
from dispatcher.replay import ALONE_SECONDS, replay
from dispatcher.ruleset import RuleSet

__all__ = ["Report", "When", "backtest"]

# Lines that cannot be read, and tickets of unknown keys, are counted, and so many of them are named.
NAMED_UNREADABLE = 20
NAMED_UNKNOWN = 5

Cut = Literal["limit", "time"]


@dataclass(frozen=True, slots=True)
class Report:
    """What new rules change. `tickets` were decided twice; lines and tickets that could not be are counted beside them.

    `variables` counts the tickets on which a variable gets another value, `nothing_known` those that do not change and
    of which no key is a ticket variable; `cut` tells why not all tickets were decided.
    """

    new: RuleSet
    # None: tickets were compared with the decisions that were kept of them.
    old: RuleSet | None
    tickets: int
    changed: int
    groups: tuple[Group, ...]
    variables: Mapping[str, int]
    refused: Mapping[str, int]
    faults: Mapping[str, int]
    unreadable: int
    unreadable_lines: tuple[tuple[str, str], ...]
    outside: int
    no_longer_kept: int
    not_decided: int
    nothing_known: int
    nothing_known_places: tuple[str, ...]
    cut: Cut | None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "tickets": self.tickets,
            "changed": self.changed,
            "groups": [group.to_dict() for group in self.groups],
            "variables": dict(self.variables),
            "refused": dict(self.refused),
            "faults": dict(self.faults),
            "unreadable": self.unreadable,
            "unreadable_lines": [{"place": where, "reason": reason} for where, reason in self.unreadable_lines],
            "outside": self.outside,
            "no_longer_kept": self.no_longer_kept,
            "not_decided": self.not_decided,
            "nothing_known": self.nothing_known,
            "nothing_known_places": list(self.nothing_known_places),
            "cut": self.cut,
            "new_revision": self.new.revision,
            "old_revision": self.old.revision if self.old is not None else None,
        }


def backtest(
    new: RuleSet,
    old: RuleSet | None,
    lines: Iterable[Line],
    when: When,
    *,
    limit: int | None = None,
    examples: int = 5,
    processes: int | None = None,
    alone_seconds: float = ALONE_SECONDS,
    tell: Callable[[Line], None] = lambda _line: None,
    late: Callable[[], bool] = lambda: False,
    more: bool = False,
) -> Report:
    """Return what new rules change on past tickets, against old rules or (None) the decisions that were kept of them.

    `limit` is how many tickets are decided at the most, `examples` how many each group names. `tell` is told of each
    line that is done. When `late` says so, the report ends; `more` tells that a limit has left tickets out of the lines
    already. `processes` and `alone_seconds` are those of a replay.
    """
    found = _Findings(examples)
    work = Comparison(new, old, when)
    cut: Cut | None = "limit" if more else None
    with closing(
        replay(work, elsewhere(new, old, when), lines, processes=processes, alone_seconds=alone_seconds)
    ) as answers:
        for line, answer in answers:
            # That there is another ticket shows that some are left out.
            if found.tickets == limit and (isinstance(answer, dict) or answer in (ALIKE, NOTHING_KNOWN)):
                cut = "limit"
                break
            found.add(line, answer)
            tell(line)
            if late():
                cut = "time"
                break
    return found.report(new, old, cut)


class _Findings:
    """Counts answers."""

    def __init__(self, examples: int) -> None:
        self.tickets = 0
        self._changed = 0
        self._groups = Groups(examples)
        self._skipped: Counter[int] = Counter()
        self._variables: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._unreadable = 0
        self._unreadable_lines: list[tuple[str, str]] = []
        self._nothing_known: list[str] = []

    def add(self, line: Line, answer: Any) -> None:
        """Take over what is answered of a line."""
        if answer == ALIKE:
            self.tickets += 1
        elif isinstance(answer, dict):
            self.tickets += 1
            self._change(line, answer)
        elif isinstance(answer, str):
            self._unreadable += 1
            if len(self._unreadable_lines) < NAMED_UNREADABLE:
                self._unreadable_lines.append((place(line), answer))
        else:
            self._skipped[answer] += 1
            if answer == NOTHING_KNOWN:
                self.tickets += 1
                self._nothing_known += [place(line)] if len(self._nothing_known) < NAMED_UNKNOWN else []

    def _change(self, line: Line, found: dict[str, Any]) -> None:
        self._changed += 1
        self._variables.update(change["variable"] for part in found["parts"] for change in part["changes"])
        self._faults.update({part["fault"]["became"] for part in found["parts"] if part["fault"] is not None})
        old, new = found["refused"]
        if old != new:
            self._refused["new" if new else "gone"] += 1
        self._groups.add(found, opened_by(line, found["id"]))

    def report(self, new: RuleSet, old: RuleSet | None, cut: Cut | None) -> Report:
        """Return all that was found."""
        return Report(
            new=new,
            old=old,
            tickets=self.tickets,
            changed=self._changed,
            groups=self._groups.all(),
            variables=dict(self._variables.most_common()),
            refused={became: self._refused[became] for became in ("new", "gone")},
            faults={became: self._faults[became] for became in ("new", "gone")},
            unreadable=self._unreadable,
            unreadable_lines=tuple(self._unreadable_lines),
            outside=self._skipped[OUTSIDE],
            no_longer_kept=self._skipped[NO_LONGER_KEPT],
            not_decided=self._skipped[NOT_DECIDED],
            nothing_known=self._skipped[NOTHING_KNOWN],
            nothing_known_places=tuple(self._nothing_known),
            cut=cut,
        )
