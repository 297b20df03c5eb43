"""Tally: what is counted over all cases. It grows with the rules and not with the tickets: every table has a bound."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from dispatcher.audit.cases import Case, Example, Place, Written
from dispatcher.audit.rules import Revision, Rules
from dispatcher.history import PastTicket, read
from dispatcher.lang.records import dataclass, field
from dispatcher.plain import Room, same, to_json_safe
from dispatcher.ruleset import MAX_CHANGES

# Different things of one kind that are counted one by one; of the rest it is said that there were more.
MOST_ENTRIES = 10_000
# Of each thing: tickets that are named, and those of them that are kept for experiments.
NAMED_EXAMPLES = 5
# Characters of JSON: of one ticket that is kept, of all, and of a line that is looked at for one.
KEPT_TICKET = 50_000
KEPT_TICKETS = 50_000_000
LONGEST_TEXT = 1_000_000
# Characters of a value or a reason.
LONGEST_VALUE = 300

Key = TypeVar("Key", bound=Hashable)
Entry = TypeVar("Entry")


class Table(Generic[Key, Entry]):
    """Entries by key, up to a number; what comes after that is only noted."""

    def __init__(self, make: Callable[[], Entry]) -> None:
        self._make = make
        self.entries: dict[Key, Entry] = {}
        # How often there was no room for an entry.
        self.left_out = 0

    def at(self, key: Key) -> Entry | None:
        """Return the entry of a key, a new one if there is room."""
        found = self.entries.get(key)
        if found is None:
            if len(self.entries) >= MOST_ENTRIES:
                self.left_out += 1
                return None
            found = self.entries[key] = self._make()
        return found


@dataclass(slots=True)
class Hits:
    """How many tickets something happened to, when last, and the first of them by name."""

    tickets: int = 0
    last: datetime | None = None
    names: list[str] = field(default_factory=list)

    def add(self, case: Case) -> None:
        """Count a ticket."""
        self.tickets += 1
        if case.dated and (self.last is None or case.when > self.last):
            self.last = case.when
        if len(self.names) < NAMED_EXAMPLES:
            self.names.append(case.name)


@dataclass(slots=True)
class Faults(Hits):
    """Tickets on which a rule failed in one way; `message` is that of the last one."""

    message: str = ""


@dataclass(slots=True)
class Values(Hits):
    """Tickets whose value Halo did not take."""

    value: Any = None


@dataclass(slots=True)
class Words(Hits):
    """Tickets on which a rule changed a variable, and those on which others had the last word."""

    overwritten: int = 0
    by: Counter[Place] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class Pair(Hits):
    """Tickets on which two rules set a variable to different values."""

    examples: list[Example] = field(default_factory=list)


class Tally:
    """Counts of everything that a report tells."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.tickets = Hits()
        self.first: datetime | None = None
        self.hits: dict[Place, Hits] = {place: Hits() for place in rules.rules}
        self.gone: Table[tuple[Place, str], Hits] = Table(Hits)
        self.idle = Hits()
        self.faults: Table[tuple[Place | None, str, int, str], Faults] = Table(Faults)
        self.refused = Hits()
        self.refusals: Table[Place | None, Hits] = Table(Hits)
        self.words: Table[tuple[Place, str], Words] = Table(Words)
        self.pairs: Table[tuple[str, Place, Place], Pair] = Table(Pair)
        # Tickets of which it is known what Halo took of them.
        self.filed = 0
        self.fields: dict[str, Hits] = {}
        self.values: Table[tuple[str, str, str], Values] = Table(Values)
        self._room = KEPT_TICKETS
        # The case that was looked at last, and its ticket, which several things may happen to.
        self._kept: tuple[Case | None, Example | None] = None, None

    def add(self, case: Case) -> bool:
        """Count one case; False where there is no room for the rules that decided it."""
        revision = self.rules.revision(case)
        if revision is None:
            return False
        revision.tickets += 1
        self.tickets.add(case)
        if case.dated and (self.first is None or case.when < self.first):
            self.first = case.when
        self._fired(case, revision)
        self._failed(case, revision)
        if case.refused:
            self.refused.add(case)
            self._count(self.refusals, self._refuser(case, revision), case)
        # Where not all changes are listed, nobody knows the last.
        if len(case.writes) < MAX_CHANGES:
            self._written(case, revision)
        if case.submission_errors is not None:
            self._filed(case)
        return True

    def tables(self) -> dict[str, Table[Any, Any]]:
        """Return all that has a bound, by what the report calls it."""
        return {
            "faults": self.faults,
            "refused": self.refusals,
            "overwritten": self.words,
            "pairs": self.pairs,
            "submission_errors": self.values,
            "gone": self.gone,
        }

    def present(self) -> Counter[Place]:
        """Return on how many tickets each rule was part of the rules that decided."""
        found: Counter[Place] = Counter()
        for revision in self.rules.revisions.values():
            for place in set(revision.now.values()):
                found[place] += revision.tickets
        return found

    def _fired(self, case: Case, revision: Revision) -> None:
        idle = True
        for place in dict.fromkeys(case.fired):
            now = revision.now.get(place)
            if now in self.hits:
                self.hits[now].add(case)
                idle = idle and self.rules.rules[now].always
            else:
                self._count(self.gone, (place, revision.titles.get(place, "")), case)
                idle = False
        if idle:
            self.idle.add(case)

    def _failed(self, case: Case, revision: Revision) -> None:
        messages = {(one.file, one.line, one.type): one.message for one in case.failures}
        for (file, line, kind), message in messages.items():
            entry = self.faults.at((revision.owner(file, line), *revision.line_now(file, line), kind))
            if entry is not None:
                entry.add(case)
                if entry.last in (None, case.when):
                    entry.message = message

    def _refuser(self, case: Case, revision: Revision) -> Place | None:
        """Return whose text the sender got; a fault's rule where faults refuse."""
        lines = [one for one in case.writes if one.variable == "exception"] or case.failures[:1]
        return revision.owner(lines[-1].file, lines[-1].line) if lines else None

    def _written(self, case: Case, revision: Revision) -> None:
        last: dict[str, dict[Place | None, Written]] = {}
        for one in case.writes:
            by = last.setdefault(one.variable, {})
            owner = revision.owner(one.file, one.line)
            # The last one to write stands last.
            by.pop(owner, None)
            by[owner] = one
        for variable, by in last.items():
            winner, final = next(reversed(by.items()))
            # Nothing is known of what the rules in force would do where a rule was at work that is gone, or the order
            # was another.
            if None not in by and revision.in_order(by):  # type: ignore[arg-type] # None is not in it
                self._overwritten(case, variable, by, winner, final)  # type: ignore[arg-type]

    def _overwritten(
        self, case: Case, variable: str, by: Mapping[Place, Written], winner: Place, final: Written
    ) -> None:
        for loser, written in by.items():
            words = self.words.at((loser, variable))
            if words is not None:
                words.add(case)
                if loser != winner:
                    words.overwritten += 1
                    words.by[winner] += 1
                    self._keep(words.examples, case)
            if loser != winner and not same(written.new, final.new):
                pair = self.pairs.at((variable, loser, winner))
                if pair is not None:
                    pair.add(case)
                    self._keep(pair.examples, case)

    def _filed(self, case: Case) -> None:
        self.filed += 1
        for variable in {one.variable for one in case.submission_errors or ()}:
            self.fields.setdefault(variable, Hits()).add(case)
        for one in case.submission_errors or ():
            value = to_json_safe(one.value, Room(characters=LONGEST_VALUE))
            entry = self.values.at((one.variable, json.dumps(value, sort_keys=True), one.reason[:LONGEST_VALUE]))
            if entry is not None:
                entry.value = value
                entry.add(case)

    def _keep(self, examples: list[Example], case: Case) -> None:
        """Keep a ticket for experiments, where there is room for it."""
        if len(examples) < NAMED_EXAMPLES:
            if self._kept[0] is not case:
                self._kept = case, self._example(case)
            if self._kept[1] is not None:
                examples.append(self._kept[1])

    def _example(self, case: Case) -> Example | None:
        if not case.whole or len(case.text) > LONGEST_TEXT:
            return None
        past = read(case.text)
        if not isinstance(past, PastTicket) or past.ticket is None:
            return None
        size = len(json.dumps(past.ticket))
        if size > min(KEPT_TICKET, self._room):
            return None
        self._room -= size
        return Example(case.name, case.when, past.ticket)

    @staticmethod
    def _count(table: Table[Any, Hits], key: Hashable, case: Case) -> None:
        entry = table.at(key)
        if entry is not None:
            entry.add(case)
