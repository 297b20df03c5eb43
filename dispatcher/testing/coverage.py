"""Coverage: which rules fired in at least one test, and which way each branch went.

A branch has the arms that `dispatcher.tracing` knows: an `if`, an `elif`, a `while` and a conditional expression hold
or fail, and so do the conditions of comprehensions, `case` and `assert`; a `case`, an `except`, the body of a `for`
and that of a function are entered. An arm that no ticket can take, such as the end of `while True`, is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from dispatcher.decisions import RuleOutcome
from dispatcher.lang.evaluator import Outcome
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source
from dispatcher.plain import to_json_safe
from dispatcher.ruleset import RuleSet
from dispatcher.tracing import LocatedBranch, branches, traced

Missing = Literal["never fired", "never true", "never false", "never entered"]

# Conditions that can go one way only, as they are written.
_KNOWN = {"True": True, "1": True, "False": False, "0": False}
# What a branch does when it holds, where it has a condition and where it has none.
_NEVER: Mapping[tuple[bool, bool], Missing] = {
    (True, True): "never true",
    (True, False): "never false",
    (False, True): "never entered",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that no test came by: a rule, by its title, or one arm of a branch, by its text."""

    line: int
    kind: str
    text: str
    missing: Missing

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as JSON data."""
        return {"line": self.line, "kind": self.kind, "text": to_json_safe(self.text), "missing": self.missing}


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """How much of a rule file the tests came by, and what is missing, in the order of its lines."""

    file: str
    rules: int
    rules_fired: int
    arms: int
    arms_taken: int
    gaps: tuple[Gap, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as JSON data."""
        return {
            "file": to_json_safe(self.file),
            "rules": self.rules,
            "rules_fired": self.rules_fired,
            "arms": self.arms,
            "arms_taken": self.arms_taken,
            "missing": [gap.to_dict() for gap in self.gaps],
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of all rule files the tests came by; `unread` are files that have errors, so nothing of them counts."""

    files: tuple[FileCoverage, ...]
    unread: tuple[str, ...] = ()

    def _total(self) -> tuple[int, int]:
        """Return how many rules and arms there are, and how many of them tests came by."""
        every = sum(file.rules + file.arms for file in self.files)
        return every, sum(file.rules_fired + file.arms_taken for file in self.files)

    @property
    def percent(self) -> float:
        """Return the share of rules and arms that tests came by, rounded down, so that 100 means all."""
        every, reached = self._total()
        return reached * 1000 // every / 10 if every else 100.0

    def reaches(self, percent: float) -> bool:
        """Tell whether tests came by that share of the rules and arms, and all rule files could be read."""
        every, reached = self._total()
        return reached * 100 >= percent * every and not self.unread

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as JSON data."""
        return {
            "percent": self.percent,
            "rules": sum(file.rules for file in self.files),
            "rules_fired": sum(file.rules_fired for file in self.files),
            "arms": sum(file.arms for file in self.files),
            "arms_taken": sum(file.arms_taken for file in self.files),
            "files": [file.to_dict() for file in self.files],
            "unread": [to_json_safe(file) for file in self.unread],
        }


class Recorder:
    """Notes what tickets come by. Files are known by their paths, so several rule sets may share them."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._unread: set[str] = set()

    def watch(self, ruleset: RuleSet, paths: Iterable[str]) -> Watch:
        """Return what notes the decisions of a rule set; `paths` are those of its files."""
        files = []
        found: dict[int, dict[int, list[LocatedBranch]]] = {}
        for branch in branches(ruleset):
            found.setdefault(branch.place[0], {}).setdefault(branch.place[1], []).append(branch)
        for number, path in enumerate(paths):
            if path not in self._files:
                rules = {place[1]: ruleset.rule(place) for place in ruleset.places if place[0] == number}
                self._files[path] = _File(ruleset.programs[number].source, rules, found.get(number, {}))
            files.append(self._files[path])
        return Watch(ruleset, files)

    def unread(self, path: str) -> None:
        """Note that a rule file has errors."""
        self._unread.add(path)

    def paths(self) -> set[str]:
        """Return the paths of the rule files that tests are for."""
        return {*self._files, *self._unread}

    def coverage(self) -> Coverage:
        """Return what was noted."""
        files = sorted(self._files.items())
        return Coverage(tuple([file.told(path) for path, file in files]), tuple(sorted(self._unread)))


class Watch:
    """Notes what the decisions of one rule set come by."""

    def __init__(self, ruleset: RuleSet, files: list[_File]) -> None:
        self._ruleset = ruleset
        self._files = files

    def note(self, outcome: Outcome, ticket: Mapping[str, Any], now: datetime) -> None:
        """Note what the rules did with a ticket; where that does not tell which arms were taken, it is traced."""
        unclear = False
        for number, file in enumerate(self._files):
            fired = {statement for program, statement in outcome.fired if program == number}
            file.note_fired(fired)
            if outcome.faults:
                unclear |= bool(file.arms_missing)
            else:
                unclear |= file.note_arms(fired)
        if unclear:
            waiting = {(number, statement) for number, file in enumerate(self._files) for statement in file.waiting}
            for place, number, held, failed in traced(self._ruleset, ticket, now=now, counted=waiting).counts():
                self._files[place[0]].note_passed((place[1], number), held=held > 0, failed=failed > 0)


class _File:
    """The rules of a file that have not fired, and the arms of branches that were not taken, by their numbers."""

    def __init__(
        self, source: Source, rules: Mapping[int, RuleOutcome], found: Mapping[int, list[LocatedBranch]]
    ) -> None:
        self.source = source
        self.rules_missing = dict(rules)
        self.arms_missing = {
            (statement, branch.number, arm): branch
            for statement, conditions in found.items()
            for branch in conditions
            for arm in _arms(branch)
        }
        self._rules = len(self.rules_missing)
        self._arms = len(self.arms_missing)
        # How many arms of each statement are missing.
        self.waiting = Counter(statement for statement, _, _ in self.arms_missing)
        # Statements whose arms only a trace tells, and the heads of the others that are not known to have failed.
        heads = {statement: _heads(source, conditions) for statement, conditions in found.items()}
        self._opaque = {statement for statement in self.waiting if not heads[statement]}
        self._unfailed = {statement: numbers for statement, numbers in heads.items() if numbers}

    def note_fired(self, fired: Iterable[int]) -> None:
        """Note the rules that fired on a ticket."""
        for statement in fired:
            self.rules_missing.pop(statement, None)

    def note_arms(self, fired: set[int]) -> bool:
        """Note the arms that are known to be taken, and tell whether there may be others; no rule has failed."""
        for statement in self._unfailed.keys() - fired:
            # An `if` without `else` that has not fired: no condition held, and all were looked at.
            for number in self._unfailed.pop(statement):
                self._take(statement, number, arm=False)
        return bool(self._opaque) or not self.waiting.keys().isdisjoint(fired)

    def note_passed(self, branch: tuple[int, int], *, held: bool, failed: bool) -> None:
        """Note which ways a branch went."""
        if held:
            self._take(*branch, arm=True)
        if failed:
            self._take(*branch, arm=False)

    def _take(self, statement: int, number: int, *, arm: bool) -> None:
        if self.arms_missing.pop((statement, number, arm), None) is not None:
            self.waiting[statement] -= 1
            if not self.waiting[statement]:
                del self.waiting[statement]
                self._opaque.discard(statement)

    def told(self, path: str) -> FileCoverage:
        """Return the coverage of the file."""
        return FileCoverage(
            file=path,
            rules=self._rules,
            rules_fired=self._rules - len(self.rules_missing),
            arms=self._arms,
            arms_taken=self._arms - len(self.arms_missing),
            gaps=tuple(sorted(self._gaps(), key=lambda gap: gap.line)),
        )

    def _gaps(self) -> Iterator[Gap]:
        for rule in self.rules_missing.values():
            yield Gap(rule.line, "rule", rule.title or self.source.line(rule.line).strip(), "never fired")
        for (_, _, arm), branch in self.arms_missing.items():
            yield Gap(branch.line, branch.kind, branch.text, _NEVER[len(branch.arms) > 1, arm])


def _heads(source: Source, found: Sequence[LocatedBranch]) -> tuple[int, ...]:
    """Return the numbers of the `if` and each `elif` of a statement, where all else is inside of what they let run.

    None where the statement is another one, or has an `else`.
    """
    chain = [branch for branch in found if not any(_inside(branch, other) for other in found)]
    is_chain = chain[0].kind == "if" and all(branch.kind == "elif" for branch in chain[1:])
    first = chain[0]
    at_margin = first.column == len("if ") + 1 and source.text.startswith("if ", first.span.start - len("if "))
    if not is_chain or not at_margin or chain[-1].otherwise is not None:
        return ()
    return tuple([branch.number for branch in chain])


def _inside(branch: LocatedBranch, other: LocatedBranch) -> bool:
    return other.body.start <= branch.span.start < other.body.end


def _arms(branch: LocatedBranch) -> tuple[bool, ...]:
    known = _KNOWN.get(branch.text)
    return branch.arms if known is None or len(branch.arms) == 1 else (known,)
