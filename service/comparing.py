"""Comparing: what is different between two sets of rule files, as data.

Files may be long and repeat themselves, so lines that a file has only once say what belongs together, and the lines
between those are compared one by one only where that is quick. What is left counts as replaced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from typing import Any, Literal

_NO_NEWLINE = "\\ No newline at end of file\n"
# Pairs of like lines, up to which they are compared one by one.
_FEW = 5_000


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that is different: how, how many lines came and went, and both sides as a unified diff."""

    file: str
    change: Literal["added", "removed", "changed"]
    lines_added: int
    lines_removed: int
    diff: str

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON data."""
        return {
            "file": self.file,
            "change": self.change,
            "lines_added": self.lines_added,
            "lines_removed": self.lines_removed,
            "diff": self.diff,
        }


def compare(old: Mapping[str, str], new: Mapping[str, str]) -> list[FileChange]:
    """Return the files that differ, in the order of their names."""
    different = [name for name in sorted({**old, **new}) if old.get(name) != new.get(name)]
    return [_change(name, old.get(name), new.get(name)) for name in different]


def _change(name: str, old: str | None, new: str | None) -> FileChange:
    hunks = list(_hunks(_lines(old), _lines(new)))
    added = sum(line.startswith("+") for line in hunks)
    removed = sum(line.startswith("-") for line in hunks)
    change: Literal["added", "removed", "changed"] = "added" if old is None else "removed" if new is None else "changed"
    # Where a file is not, tools that apply diffs expect this name.
    before, after = "/dev/null" if old is None else f"a/{name}", "/dev/null" if new is None else f"b/{name}"
    sides = [f"--- {before}\n", f"+++ {after}\n"] if hunks else []
    return FileChange(name, change, added, removed, "".join([*sides, *_ended(hunks)]))


def _lines(text: str | None) -> list[str]:
    """Return lines with their ends; only \\n ends one, as in rule files."""
    if not text:
        return []
    lines = [f"{line}\n" for line in text.split("\n")]
    return lines[:-1] if text.endswith("\n") else [*lines[:-1], lines[-1][:-1]]


def _ended(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if not line.endswith("\n"):
            yield f"\n{_NO_NEWLINE}"


class _Matched(SequenceMatcher[str]):
    """What two texts have in common, found elsewhere; gives what a diff is made of."""

    def __init__(self, blocks: list[Match]) -> None:
        super().__init__()
        self._blocks = blocks

    def get_matching_blocks(self) -> list[Match]:
        """Return the common parts, in order."""
        return self._blocks


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a unified diff, without those that name the sides."""
    blocks = [*_common(old, new), Match(len(old), len(new), 0)]
    for group in _Matched(blocks).get_grouped_opcodes():
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n"
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[old_from:old_to])
            else:
                yield from (f"-{line}" for line in old[old_from:old_to])
                yield from (f"+{line}" for line in new[new_from:new_to])


def _range(start: int, end: int) -> str:
    if end - start == 1:
        return f"{start + 1}"
    return f"{start + (end > start)},{end - start}"


def _common(old: Sequence[str], new: Sequence[str]) -> list[Match]:
    """Return parts that two texts have in common, in order."""
    found: list[Match] = []
    pending = [(0, len(old), 0, len(new))]
    while pending:
        low, high, new_low, new_high = pending.pop()
        # What is alike at the beginning and at the end.
        start = 0
        while low + start < high and new_low + start < new_high and old[low + start] == new[new_low + start]:
            start += 1
        found.append(Match(low, new_low, start))
        low, new_low = low + start, new_low + start
        end = 0
        while low < high - end and new_low < new_high - end and old[high - end - 1] == new[new_high - end - 1]:
            end += 1
        high, new_high = high - end, new_high - end
        found.append(Match(high, new_high, end))
        places = _once_in_both(old[low:high], new[new_low:new_high])
        if places:
            edges = [(low + place, new_low + new_place) for place, new_place in places]
            for (begin, new_begin), (stop, new_stop) in zip(
                [(low, new_low), *edges], [*edges, (high, new_high)], strict=True
            ):
                pending.append((begin, stop, new_begin, new_stop))
        else:
            found += _compared(old, low, high, new, new_low, new_high)
    joined: list[Match] = []
    for block in sorted(block for block in found if block.size):
        last = joined[-1] if joined else Match(0, 0, 0)
        if (last.a + last.size, last.b + last.size) == (block.a, block.b):
            joined[-1:] = [Match(last.a, last.b, last.size + block.size)]
        else:
            joined.append(block)
    return joined


def _once_in_both(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of lines that both texts have once, as many as stand in the same order."""
    times, new_times = Counter(old), Counter(new)
    places = {line: place for place, line in enumerate(new) if new_times[line] == 1}
    both = [(place, places[line]) for place, line in enumerate(old) if times[line] == 1 and line in places]
    # The longest rising row: the least last place of rows of each length, and what stands before each place in its row.
    ends: list[int] = []
    rows: list[tuple[int, int]] = []
    before: dict[tuple[int, int], tuple[int, int] | None] = {}
    for pair in both:
        length = bisect_left(ends, pair[1])
        ends[length : length + 1] = [pair[1]]
        before[pair] = rows[length - 1] if length else None
        rows[length : length + 1] = [pair]
    row: list[tuple[int, int]] = []
    pair_or_none = rows[-1] if rows else None
    while pair_or_none is not None:
        row.append(pair_or_none)
        pair_or_none = before[pair_or_none]
    return row[::-1]


def _compared(
    old: Sequence[str], low: int, high: int, new: Sequence[str], new_low: int, new_high: int
) -> Iterator[Match]:
    times, new_times = Counter(old[low:high]), Counter(new[new_low:new_high])
    if sum(number * new_times[line] for line, number in times.items()) <= _FEW:
        matcher = SequenceMatcher(None, old[low:high], new[new_low:new_high], autojunk=False)
        for block in matcher.get_matching_blocks():
            yield Match(low + block.a, new_low + block.b, block.size)
