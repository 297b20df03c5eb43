"""Report: what an audit found, as data. Each list has what matters most first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from dispatcher.audit.cases import Place
from dispatcher.audit.experiments import Experiments, Outcome
from dispatcher.audit.tally import Faults, Hits, Pair, Tally, Words
from dispatcher.lang.records import dataclass
from dispatcher.plain import to_json_safe

# Entries that are tried out, so that those come first of which something bad is known.
TRIED = 30
# What is tried out of the entries of a list, and the outcomes, the worst first.
_EXPERIMENTS: Mapping[str, tuple[str, Sequence[Outcome]]] = {
    "overwritten": ("without", ("same", "unknown", "differs", "fails")),
    "pairs": ("swapped", ("differs", "unknown", "fails", "same")),
}

Data: TypeAlias = dict[str, Any]
Key = TypeVar("Key")
Counted = TypeVar("Counted", bound=Hits)


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found, as JSON data by its parts.

    `more` tells how many entries each list lacks, and `left_out` how often something else happened for which there was
    no entry left.
    """

    tickets: int
    first: datetime | None
    last: datetime | None
    skipped: Mapping[str, int]
    revision: str
    revisions: list[Data]
    rules: list[Data]
    not_fired: list[Data]
    overwritten: list[Data]
    pairs: list[Data]
    faults: list[Data]
    refused: Data
    no_rule_fired: Data
    submission_errors: Data | None
    gone: list[Data]
    more: Mapping[str, int]
    left_out: Mapping[str, int]

    def to_dict(self) -> Data:
        """Return it as JSON data."""
        return {
            "tickets": self.tickets,
            "first": _time(self.first),
            "last": _time(self.last),
            "skipped": dict(self.skipped),
            "revision": self.revision,
            "revisions": self.revisions,
            "rules": self.rules,
            "not_fired": self.not_fired,
            "overwritten": self.overwritten,
            "pairs": self.pairs,
            "faults": self.faults,
            "refused": self.refused,
            "no_rule_fired": self.no_rule_fired,
            "submission_errors": self.submission_errors,
            "gone": self.gone,
            "more": dict(self.more),
            "left_out": dict(self.left_out),
        }

    def found(self, kind: str) -> bool:
        """Tell whether something of a kind was found, one of KINDS."""
        return KINDS[kind](self)


# What can be asked of a report.
KINDS: Mapping[str, Callable[[Report], bool]] = {
    "not-fired": lambda report: any(one["present"] for one in report.not_fired),
    "overwritten": lambda report: _has(report, "overwritten", report.overwritten, ("same", "unknown")),
    "order": lambda report: _has(report, "pairs", report.pairs, ("differs", "unknown", "fails")),
    "faults": lambda report: bool(report.faults),
    "no-rule": lambda report: report.no_rule_fired["tickets"] > 0,
    "submission-errors": lambda report: bool(report.submission_errors and report.submission_errors["fields"]),
}


def _has(report: Report, name: str, entries: Sequence[Data], outcomes: Sequence[Outcome]) -> bool:
    """Tell whether an entry has one of the outcomes; so may those that were not tried out, if there are such."""
    what = _EXPERIMENTS[name][0]
    found = len(entries) + report.more.get(name, 0)
    return found > max(TRIED, len(entries)) or any(entry[what]["outcome"] in outcomes for entry in entries)


def made(tally: Tally, skipped: Mapping[str, int], top: int, late: Callable[[], bool]) -> Report:
    """Return the report of a tally: of each kind but the rules themselves, the `top` entries, the worst first.

    When it is `late`, nothing more is tried out.
    """
    rules = tally.rules
    trial = Experiments(rules, late)
    present = tally.present()
    more: dict[str, int] = {}

    def listed(name: str, entries: Iterable[tuple[Key, Counted]], tell: Callable[[Key, Counted], Data]) -> list[Data]:
        # Most tickets first, and else in the order in which they came.
        ranked = sorted(entries, key=lambda entry: -entry[1].tickets)
        if len(ranked) > top:
            more[name] = len(ranked) - top
        experiment = _EXPERIMENTS.get(name)
        if experiment is None:
            return [tell(key, hits) | _shown(hits) for key, hits in ranked[:top]]
        tried = [tell(key, hits) | _shown(hits) for key, hits in ranked[: max(top, TRIED)]]
        what, outcomes = experiment
        return sorted(tried, key=lambda one: outcomes.index(one[what]["outcome"]))[:top]

    def told(place: Place | None) -> Data:
        if place is None:
            return {"file": None, "line": None, "title": None}
        return {"file": place[0], "line": place[1], "title": to_json_safe(rules.statements[place].title)}

    def overwritten(key: tuple[Place, str], words: Words) -> Data:
        place, variable = key
        by = [told(winner) | {"tickets": tickets} for winner, tickets in words.by.most_common(top)]
        without = trial.without(place, variable, words.examples)
        return told(place) | {"variable": variable, "by": by, "without": without.to_dict()}

    def pair(key: tuple[str, Place, Place], hits: Pair) -> Data:
        variable, loser, winner = key
        swapped = trial.swapped(loser, winner, variable, hits.examples)
        return {"variable": variable, "winner": told(winner), "loser": told(loser), "swapped": swapped.to_dict()}

    def fault(key: tuple[Place | None, str, int, str], hits: Faults) -> Data:
        place, file, line, kind = key
        return told(place) | {"at": {"file": file, "line": line}, "type": kind, "message": to_json_safe(hits.message)}

    def submission_errors() -> Data | None:
        if not tally.filed:
            return None
        fields = listed("fields", tally.fields.items(), lambda name, _: {"variable": name})
        values = listed(
            "values",
            tally.values.entries.items(),
            lambda key, hits: {"variable": key[0], "value": hits.value, "reason": key[2]},
        )
        return {"filed": tally.filed, "fields": fields, "values": values}

    failed: Counter[Place | None] = Counter()
    for (place, *_), hits in tally.faults.entries.items():
        failed[place] += hits.tickets
    lost = [(key, words) for key, words in tally.words.entries.items() if words.overwritten == words.tickets]
    return Report(
        tickets=tally.tickets.tickets,
        first=tally.first,
        last=tally.tickets.last,
        skipped=skipped,
        revision=rules.ruleset.revision,
        revisions=[
            {"revision": revision, "in_force": one is rules.in_force, "tickets": one.tickets}
            for revision, one in rules.revisions.items()
        ],
        rules=[
            told(place)
            | {"present": present[place], "share": _share(hits.tickets, present[place]), "failed": failed[place]}
            | _shown(hits)
            for place, hits in tally.hits.items()
        ],
        not_fired=[
            told(place) | {"present": present[place], "failed": failed[place]}
            for place, hits in tally.hits.items()
            if not hits.tickets
        ],
        overwritten=listed("overwritten", lost, overwritten),
        pairs=listed("pairs", tally.pairs.entries.items(), pair),
        faults=listed("faults", tally.faults.entries.items(), fault),
        refused=_shown(tally.refused)
        | {"rules": listed("refused", tally.refusals.entries.items(), lambda place, _: told(place))},
        no_rule_fired=_shown(tally.idle),
        submission_errors=submission_errors(),
        gone=listed(
            "gone",
            tally.gone.entries.items(),
            lambda key, _: {"file": to_json_safe(key[0][0]), "line": key[0][1], "title": to_json_safe(key[1])},
        ),
        more=more,
        left_out={name: table.left_out for name, table in tally.tables().items() if table.left_out},
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _shown(hits: Hits) -> Data:
    """Return on how many tickets something happened, when last, and the names of the first of them."""
    return {"tickets": hits.tickets, "last": _time(hits.last), "examples": hits.names}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
