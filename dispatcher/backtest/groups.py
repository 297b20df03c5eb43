"""Groups of changes that are alike: the same variables, set by the same lines, to the same values if those are few.

A ticket counts in a group for each rule, or pair of an old and a new one, that makes it differ. What is held does not
grow with the tickets: groups are first told apart by variables and lines, and beyond MOST_GROUPS of them changes are
counted in one group of the rest. Within each, values are told apart as long as there are no more than FEW_VALUES
combinations; then the values of the variable that has most of them are no longer looked at, and so on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dispatcher.backtest.comparison import By
from dispatcher.lang.records import dataclass, field

MOST_GROUPS = 500
FEW_VALUES = 5
_OTHER_TEXT = "other text"


@dataclass(frozen=True, slots=True)
class Changed:
    """A variable that gets another value, and what sets the old and the new one; `varies`: within the group.

    Where both are set by `same_line`, what that line uses has changed.
    """

    variable: str
    values: tuple[Any, Any]
    varies: bool
    old_by: By
    new_by: By

    @property
    def same_line(self) -> bool:
        """Whether both values are set by lines that read the same."""
        old, new = self.old_by, self.new_by
        return isinstance(old, list) and isinstance(new, list) and old[-1] == new[-1] != ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        old, new = (None, None) if self.varies else self.values
        sides = {"old_by": _by(self.old_by), "new_by": _by(self.new_by), "same_line": self.same_line}
        return {"variable": self.variable, "old": old, "new": new, "varies": self.varies, **sides}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is `new` or `gone`; its message is None where it varies within the group."""

    became: str
    type: str
    message: str | None
    at: list[Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        file, line, _, title, _ = self.at
        told = {"became": self.became, "type": self.type, "message": self.message}
        return {**told, "file": file, "line": line, "title": title}


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket to open: where, its id if it has one, its subject, and its values of the variables that vary within the
    group.
    """

    place: str
    id: str | None
    subject: str
    values: Mapping[str, tuple[Any, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        values = {name: {"old": old, "new": new} for name, (old, new) in self.values.items()}
        return {"place": self.place, "id": self.id, "subject": self.subject, "values": values}


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that are alike. `rest`: these have nothing in common but that there were too many other groups.

    `refusal` is `new`, `gone` or `other text` where the tickets are refused otherwise than before.
    """

    count: int
    refusal: str | None
    changes: tuple[Changed, ...]
    fault: Fault | None
    examples: tuple[Example, ...]
    rest: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "count": self.count,
            "rest": self.rest,
            "refusal": self.refusal,
            "changes": [change.to_dict() for change in self.changes],
            "fault": self.fault.to_dict() if self.fault is not None else None,
            "examples": [example.to_dict() for example in self.examples],
        }


# A ticket by its number, with its place, id, subject and values.
_Seen = tuple[int, str, "str | None", str, Sequence[Any]]


@dataclass(slots=True)
class _Bucket:
    """Changes with the same values."""

    first: int
    values: Sequence[Any]
    count: int = 0
    seen: list[_Seen] = field(default_factory=list)


class _Alike:
    """Changes of the same variables by the same lines, by their values."""

    def __init__(self, part: Mapping[str, Any], refusal: str | None) -> None:
        self._part = part
        self._refusal = refusal
        self._varying: set[int] = set()
        self._buckets: dict[str, _Bucket] = {}

    def add(self, seen: _Seen, most: int) -> None:
        """Count a ticket, and keep it as one of at most so many examples."""
        number, *_, values = seen
        while (key := self._key(values)) not in self._buckets and len(self._buckets) >= FEW_VALUES:
            self._look_at_less()
        bucket = self._buckets.setdefault(key, _Bucket(number, values))
        bucket.count += 1
        if len(bucket.seen) < most:
            bucket.seen.append(seen)

    def groups(self, most: int) -> Iterator[tuple[int, Group]]:
        """Yield each group, with the number of its first ticket."""
        for bucket in self._buckets.values():
            changes = [
                Changed(change["variable"], tuple(values), number in self._varying, change["old_by"], change["new_by"])
                for number, (change, values) in enumerate(zip(self._part["changes"], bucket.values, strict=False))
            ]
            fault = self._part["fault"]
            if fault is not None:
                fault = Fault(fault["became"], fault["type"], None if self._varying else bucket.values[-1], fault["at"])
            varying = [(number, change.variable) for number, change in enumerate(changes) if change.varies]
            examples = [
                Example(place, known_as, subject, {name: tuple(values[number]) for number, name in varying})
                for _, place, known_as, subject, values in bucket.seen[:most]
            ]
            yield bucket.first, Group(bucket.count, self._refusal, tuple(changes), fault, tuple(examples))

    def _key(self, values: Sequence[Any]) -> str:
        return json.dumps([None if number in self._varying else value for number, value in enumerate(values)])

    def _look_at_less(self) -> None:
        """Look no longer at the values that differ most."""
        columns = list(zip(*(bucket.values for bucket in self._buckets.values()), strict=True))
        left = [number for number in range(len(columns)) if number not in self._varying]
        self._varying.add(max(left, key=lambda number: len({json.dumps(value) for value in columns[number]})))
        merged: dict[str, _Bucket] = {}
        for bucket in self._buckets.values():
            kept = merged.setdefault(self._key(bucket.values), bucket)
            if kept is not bucket:
                kept.count += bucket.count
                kept.seen = sorted(kept.seen + bucket.seen, key=lambda seen: seen[0])
        self._buckets = merged


class Groups:
    """Gathers what changes, ticket by ticket; each group keeps at most so many `examples`."""

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._alike: dict[str, _Alike] = {}
        self._rest = _Bucket(0, ())
        self._number = 0

    def add(self, found: Mapping[str, Any], place: str) -> None:
        """Count a ticket with what changes, as a comparison tells it."""
        self._number += 1
        in_rest = False
        for part in found["parts"]:
            changes, fault = part["changes"], part["fault"]
            lines = [[change["variable"], change["old_by"], change["new_by"]] for change in changes]
            refusal = _refusal(found["refused"], changes)
            key = json.dumps([refusal, lines, fault and [fault["became"], fault["type"], fault["at"]]])
            alike = self._alike.get(key)
            if alike is None and len(self._alike) < MOST_GROUPS:
                alike = self._alike[key] = _Alike(part, refusal)
            values = [change["values"] for change in changes] + ([fault["message"]] if fault is not None else [])
            seen = self._number, place, found["id"], found["subject"], values
            if alike is not None:
                alike.add(seen, self._examples)
            elif not in_rest:
                in_rest = True
                self._rest.count += 1
                self._rest.seen += [seen] if len(self._rest.seen) < self._examples else []

    def all(self) -> tuple[Group, ...]:
        """Return the groups, the largest first, and among those of one size the one that came first."""
        found = [pair for alike in self._alike.values() for pair in alike.groups(self._examples)]
        groups = [group for _, group in sorted(found, key=lambda pair: (-pair[1].count, pair[0]))]
        if self._rest.count:
            examples = tuple(
                [Example(place, known_as, subject, {}) for _, place, known_as, subject, _ in self._rest.seen]
            )
            groups.append(Group(self._rest.count, None, (), None, examples, rest=True))
        return tuple(groups)


def _refusal(refused: Sequence[bool], changes: Sequence[Mapping[str, Any]]) -> str | None:
    old, new = refused
    if all(change["variable"] != "exception" for change in changes) or not (old or new):
        return None
    return _OTHER_TEXT if old and new else "new" if new else "gone"


def _by(by: By) -> dict[str, Any] | str:
    """Return where a value comes from as JSON data."""
    if isinstance(by, str):
        return by
    file, line, _, title, _ = by
    return {"file": file, "line": line, "title": title}
