"""Why a rule did not fire, or a line did not run: the first false part, what it saw, and what else would be needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dispatcher.explain.nearness import first_miss, hint, score
from dispatcher.lang.branches import ENTERED
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Span
from dispatcher.tracing import LocatedBranch, SeenPart, Traced, branches_at, traced

# Conditions that are taken to hold, one after the other, to see what else a line would need.
MAX_FORCED = 12
# Branches because of which no rule is said not to have fired.
_NO_WAYS_IN = frozenset({"conditional", "filter", "assert", "except", "def"})
# Looks of a loop at one condition that are compared for the nearest.
MAX_LOOKS = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition that was `truth` and had to be the other; `values` are texts and what they were."""

    line: int
    text: str
    truth: bool | None
    values: tuple[tuple[str, Any], ...]
    hint: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A branch that was not taken, and why.

    `reason` is `false` (its condition was, because of `part`), `true` (the line is what runs otherwise), `skipped`
    (the `case` at `line_before` matched first), `empty` (nothing to go through), `no match`, `not called` (a function),
    `left` (no branch, but a `return`, `break`, `continue` or error kept it from being reached; the last line above it
    that ran is told) or `not reached`.
    `nearness` is how much of the condition held at the nearest look, from 0 to 1.
    """

    line: int
    kind: str
    text: str
    reason: str
    part: Part | None
    looks: int
    nearness: float
    line_before: int | None


def misses(found: Traced, place: tuple[int, int]) -> tuple[Miss, ...]:
    """Return why no branch of a rule that did not fire was taken, in order; branches inside others are left out."""
    told: list[Miss] = []
    closed: list[Span] = []
    for branch in branches_at(found.ruleset, place):
        if any(span.start <= branch.span.start < span.end for span in closed):
            continue
        held, failed = found.passed(branch)
        if branch.kind in _NO_WAYS_IN:
            if branch.kind == "def" and held == 0:
                closed.append(branch.body)
            continue
        if held == 0:
            told.append(miss(found, branch, wanted=True))
            closed.append(branch.body)
        if failed == 0 and branch.otherwise is not None:
            closed.append(branch.otherwise)
    return tuple(told)


def nearest(told: Iterable[Miss]) -> Miss | None:
    """Return the branch of which most held, the first of several; None where all were out of reach."""
    return max((one for one in told if one.reason == "false"), key=lambda one: one.nearness, default=None)


def around(found: Traced, place: tuple[int, int], offset: int) -> list[tuple[LocatedBranch, bool]]:
    """Return the branches around a place of a file, the outermost first, and how each has to go to come there."""
    ways = []
    for branch in branches_at(found.ruleset, place):
        if branch.body.start <= offset < branch.body.end:
            ways.append((branch, True))
        elif branch.otherwise is not None and branch.otherwise.start <= offset < branch.otherwise.end:
            ways.append((branch, False))
    return ways


def held(found: Traced, ways: Iterable[tuple[LocatedBranch, bool]]) -> tuple[Part, ...]:
    """Return the conditions on the way to a place that was reached, as they were when they last let it through.

    What is entered, such as a loop, has None as its truth.
    """
    told = []
    for branch, wanted in ways:
        if branch.kind in ENTERED:
            if branch.kind != "def":
                told.append(Part(branch.line, branch.text, None, _seen_by(found.looks(branch)[-1:]), ""))
            continue
        looks = [look for look in found.looks(branch) if look.truth is wanted]
        told.append(Part(branch.line, branch.text, wanted, _seen_by(looks[-1:]), ""))
    return tuple(told)


def _seen_by(looks: Iterable[SeenPart]) -> tuple[tuple[str, Any], ...]:
    """Return what the parts of a condition looked at, each text once."""
    return tuple({text: value for look in looks for leaf in look.leaves() for text, value in leaf.values}.items())


def first_closed(found: Traced, ways: Iterable[tuple[LocatedBranch, bool]]) -> Miss | None:
    """Return the first branch on the way to a place that went another way; None where all went there."""
    for branch, wanted in ways:
        held, failed = found.passed(branch)
        if not (held if wanted else failed):
            return miss(found, branch, wanted=wanted)
    return None


def miss(found: Traced, branch: LocatedBranch, *, wanted: bool) -> Miss:
    """Return why a branch did not go the wanted way."""
    held, failed = found.passed(branch)
    if held + failed == 0 and branch.kind != "for":
        before = _held_before(found, branch)
        if branch.kind == "case" and before is None and found.looks(branch):
            return _told(branch, "no match", _subject(found, branch), 1)
        if before is not None:
            return _told(branch, "skipped", None, 0, line_before=before.line)
        return _told(branch, "not called" if branch.kind == "def" else "not reached", None, 0)
    if branch.kind == "for":
        looks = found.looks(branch)
        return _told(branch, "empty" if looks else "not reached", _subject(found, branch), len(looks))
    best = max(found.looks(branch)[:MAX_LOOKS], key=lambda look: score(look, wanted=wanted), default=None)
    part = _part(first_miss(best, wanted=wanted)) if best is not None else None
    nearness = score(best, wanted=wanted) if best is not None else 0.0
    return _told(branch, "false" if wanted else "true", part, held + failed, nearness=nearness)


def needed(
    found: Traced, ways: Iterable[tuple[LocatedBranch, bool]], reached: Callable[[Traced], bool]
) -> tuple[tuple[Part, ...], bool]:
    """Return the parts that would have to be otherwise for a place to be `reached`, and whether that would do.

    By experiment: each part that fails is taken to be as needed, and the rules run again, until all ways are open.
    """
    ways = list(ways)
    forced: dict[tuple[int, int, int], bool] = {}
    parts: list[Part] = []
    current = found
    while len(forced) < MAX_FORCED:
        closed = next(((branch, wanted) for branch, wanted in ways if not _goes(current, branch, wanted)), None)
        if closed is None:
            return tuple(parts), reached(current)
        leaf = _failing(current, *closed)
        if leaf is None or leaf.site in forced or leaf.truth is None:
            return tuple(parts), False
        forced[leaf.site] = not leaf.truth
        parts.append(_part(leaf))
        current = traced(found.ruleset, found.ticket, now=found.now, forced=forced)
    return tuple(parts), False


def _goes(found: Traced, branch: LocatedBranch, wanted: bool) -> bool:
    return bool(found.passed(branch)[0 if wanted else 1])


def _failing(found: Traced, branch: LocatedBranch, wanted: bool) -> SeenPart | None:
    """Return the part because of which a branch does not go the wanted way, where a condition decides that."""
    if branch.kind in ENTERED:
        return None
    best = max(found.looks(branch)[:MAX_LOOKS], key=lambda look: score(look, wanted=wanted), default=None)
    return first_miss(best, wanted=wanted) if best is not None else None


def _held_before(found: Traced, branch: LocatedBranch) -> LocatedBranch | None:
    """Return the `case` or `except` of the same statement that was entered, so that this one was not looked at."""
    rank = branch.rank
    for other in reversed(branches_at(found.ruleset, branch.place)[: branch.number]):
        # Those inside the one before it have begun later, and stand between.
        if rank and other.kind == branch.kind and other.rank == rank - 1 and other.body.end <= branch.span.start:
            if found.passed(other)[0]:
                return other
            rank = other.rank
    return None


def _subject(found: Traced, branch: LocatedBranch) -> Part | None:
    looks = found.looks(branch)
    return _part(looks[-1]) if looks else None


def _part(part: SeenPart) -> Part:
    return Part(part.line, part.text, part.truth, part.values, hint(part))


def _told(
    branch: LocatedBranch,
    reason: str,
    part: Part | None,
    looks: int,
    *,
    nearness: float = 0.0,
    line_before: int | None = None,
) -> Miss:
    return Miss(branch.line, branch.kind, branch.text, reason, part, looks, nearness, line_before)
