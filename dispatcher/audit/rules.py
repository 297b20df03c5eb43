"""The rules in force, and which of them a rule of an older decision is.

Where the text of an older revision is at hand, a statement is the one of the same file with the same text. Else it is
the one with the same title; and where all rules of a file stand at their old lines with their old titles, the one at
the same line. A text or title that a file has more than once tells nothing. The only file with a new name is the only
one whose name is gone. What is not found is *gone*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from dispatcher.audit.cases import Case, Place
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source
from dispatcher.ruleset import RuleSet

# Statements of older rules that are known at a time; a rule set counts as a few more than it has.
MOST_STATEMENTS = 500_000
_MORE = 10

# Finds the rules of a revision, None where they are not kept.
Former = Callable[[str], RuleSet | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement; all that begin on one line count as one."""

    place: Place
    title: str
    text: str
    is_rule: bool
    always: bool


class Revision:
    """One state of the rules, and what became of its statements."""

    def __init__(self, titles: Mapping[Place, str], now: Mapping[Place, Place]) -> None:
        """Know the titles of all statements, and where in the rules in force those stand that are found there."""
        self.titles = titles
        self.now = now
        self.tickets = 0
        self._lines: dict[str, list[int]] = {}
        self._rank: dict[Place, int] = {}
        for number, place in enumerate(sorted(titles)):
            self._lines.setdefault(place[0], []).append(place[1])
            if place in now:
                self._rank[now[place]] = number

    def owner(self, file: str, line: int) -> Place | None:
        """Return where the statement stands now that a line belongs to; None: it is gone."""
        return self.now.get(self._begin(file, line))

    def in_order(self, places: Iterable[Place]) -> bool:
        """Tell whether statements that are found in the rules in force stood in the same order then."""
        now = sorted(places)
        return now == sorted(now, key=self._rank.__getitem__)

    def line_now(self, file: str, line: int) -> Place:
        """Return where a line stands now, as far behind the beginning of its statement as then; if gone, as then."""
        begin = self._begin(file, line)
        now = self.now.get(begin, begin)
        return now[0], now[1] + line - begin[1]

    def _begin(self, file: str, line: int) -> Place:
        lines = self._lines.get(file, [])
        number = bisect_right(lines, line) - 1
        return file, lines[number] if number >= 0 else 0


class Rules:
    """The rules in force."""

    def __init__(self, ruleset: RuleSet, former: Former = lambda _revision: None) -> None:
        self.ruleset = ruleset
        self._former = former
        self.statements = {one.place: one for one in statements_of(ruleset)}
        self.rules = {place: one for place, one in self.statements.items() if one.is_rule}
        titles = {place: one.title for place, one in self.statements.items()}
        self.in_force = Revision(titles, {place: place for place in self.statements})
        self.revisions: dict[str | None, Revision] = {ruleset.revision: self.in_force}
        self._room = MOST_STATEMENTS

    def revision(self, case: Case) -> Revision | None:
        """Return the revision that decided; None where there were too many others before."""
        found = self.revisions.get(case.revision)
        if found is None and self._room > 0:
            found = self.revisions[case.revision] = self._found(case)
            self._room -= len(found.titles) + _MORE
        return found

    def _found(self, case: Case) -> Revision:
        former = self._former(case.revision) if case.revision is not None else None
        if former is not None:
            old = statements_of(former)
            return Revision({one.place: one.title for one in old}, self._matched(old))
        titles = {(file, line): title for file, line, title in case.rules}
        listed = [Statement(place, title, "", is_rule=True, always=False) for place, title in titles.items()]
        return Revision(titles, self._matched(listed))

    def _matched(self, old: Sequence[Statement]) -> dict[Place, Place]:
        found: dict[Place, Place] = {}
        before, after = _by_file(old), _by_file(self.statements.values())
        # The one file that is not there any more is the one that was not there before.
        gone, new = [name for name in before if name not in after], [name for name in after if name not in before]
        renamed = dict(zip(gone, new, strict=True)) if len(gone) == len(new) == 1 else {}
        for name, statements in before.items():
            found |= _matched_file(statements, after.get(renamed.get(name, name), []))
        return found


def _by_file(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    files: dict[str, list[Statement]] = {}
    for one in statements:
        files.setdefault(one.place[0], []).append(one)
    return files


def _matched_file(before: Sequence[Statement], after: Sequence[Statement]) -> dict[Place, Place]:
    found: dict[Place, Place] = {}
    left = list(after)
    for key in (_text_of, _title_of):
        new = _unique(left, key)
        for value, one in _unique(before, key).items():
            if value in new and one.place not in found:
                found[one.place] = new[value].place
        taken = set(found.values())
        left = [one for one in left if one.place not in taken]
    if [(one.place[1], one.title) for one in before if one.is_rule] == [
        (one.place[1], one.title) for one in after if one.is_rule
    ]:
        # Edited where they stand, if at all.
        lines = {one.place[1]: one.place for one in left}
        found |= {one.place: lines[one.place[1]] for one in before if one.place not in found and one.place[1] in lines}
    return found


def statements_of(ruleset: RuleSet) -> list[Statement]:
    """Return the statements of a rule set in order."""
    found: dict[Place, Statement] = {}
    for program in ruleset.programs:
        unconditional = set(program.always)
        for number, text in enumerate(texts_of(program.source, program.starts)):
            top = program.statement(number)
            place = program.filename, top.line
            before = found.get(place)
            found[place] = Statement(
                place,
                top.title,
                text if before is None else before.text + text,
                top.is_rule or (before is not None and before.is_rule),
                number in unconditional or (before is not None and before.always),
            )
    return list(found.values())


def texts_of(source: Source, starts: Sequence[int]) -> list[str]:
    """Return the text of each statement, up to the next one."""
    return [source.text[start:end] for start, end in zip(starts, [*starts[1:], len(source.text)], strict=True)]


def _text_of(statement: Statement) -> str:
    """Return the text without the comments and blank lines behind it, which are of the statement that follows."""
    lines = statement.text.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return "\n".join(lines).rstrip()


def _title_of(statement: Statement) -> str:
    return statement.title


def _unique(statements: Iterable[Statement], key: Callable[[Statement], str]) -> dict[str, Statement]:
    statements = list(statements)
    times = Counter(map(key, statements))
    return {value: one for one in statements if (value := key(one)) and times[value] == 1}
