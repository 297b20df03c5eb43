"""State: what is known of each variable at one place of a scope, and how paths through the rules fork and join."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from dispatcher.lang.analysis.facts import NOTHING, Fact, either, of_any_type


class Known(NamedTuple):
    """What is known of a variable.

    `since` counts forks and joins up to the join that left it set on some paths only.
    """

    standing: Literal["unset", "perhaps", "set"]
    fact: Fact = NOTHING
    since: int = 0


UNSET = Known("unset")
SET = Known("set")

Changes: TypeAlias = dict[str, Known]


class State:
    """The variables of one scope.

    Changes go to a trail, from which a path is taken back when it has been walked: forks cost what they change, not
    what there is.
    """

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        # Each with what was known before, and whether the change is only a doubt.
        self._trail: list[tuple[str, Known | None, bool]] = []
        # Forks and joins so far, and at which of them the innermost condition around the current place began.
        self.clock = 0
        self.entered = 0

    def get(self, name: str) -> Known | None:
        """Return what is known of a variable; None where nothing has been said of it."""
        return self._known.get(name)

    def set(self, name: str, known: Known) -> None:
        """Say something of a variable."""
        self._trail.append((name, self._known.get(name), False))
        self._known[name] = known

    def doubt(self, names: Iterable[str]) -> None:
        """Forget the types of variables that a condition tests, for the length of the present path."""
        for name in names:
            known = self._known.get(name)
            if known is not None and known.standing != "unset":
                self._trail.append((name, known, True))
                self._known[name] = known._replace(fact=of_any_type(known.fact))

    def blur(self, names: Iterable[str]) -> None:
        """Forget the values of variables that something assigns now or never; those without one may have one now."""
        for name in names:
            known = self._known.get(name, UNSET)
            self.set(name, SET if known.standing == "set" else Known("perhaps", NOTHING, self.clock))

    def enter(self) -> int:
        """Begin what runs under a condition; `entered` is to be set back to what this returns."""
        outside = self.entered
        self.clock += 1
        self.entered = self.clock
        return outside

    def surely_here(self, known: Known) -> bool:
        """Tell whether no condition stands between the join that left a variable perhaps unset and this place."""
        return known.since >= self.entered

    @property
    def mark(self) -> int:
        """Return the present place in the trail."""
        return len(self._trail)

    def changes(self, mark: int) -> Changes:
        """Return what was said since the mark."""
        return {name: self._known[name] for name, _, is_doubt in self._trail[mark:] if not is_doubt}

    def take_back(self, mark: int) -> Changes:
        """Forget what was said since the mark, and return it."""
        found = self.changes(mark)
        while len(self._trail) > mark:
            name, before, _ = self._trail.pop()
            if before is None:
                del self._known[name]
            else:
                self._known[name] = before
        return found

    def join(self, paths: Iterable[Changes]) -> None:
        """Go on from the ends of several paths, each told by its changes since here."""
        self.clock += 1
        merged: dict[str, Known] = {}
        seen: dict[str, int] = {}
        count = 0
        for path in paths:
            count += 1
            for name, known in path.items():
                merged[name] = self._either(merged[name], known) if name in merged else known
                seen[name] = seen.get(name, 0) + 1
        for name, known in merged.items():
            untouched = self._known.get(name, UNSET)
            self.set(name, known if seen[name] == count else self._either(known, untouched))

    def _either(self, first: Known, second: Known) -> Known:
        if first.standing == second.standing == "unset":
            return UNSET
        fact = either(first.fact, second.fact)
        if first.standing == second.standing == "set":
            return Known("set", fact)
        return Known("perhaps", NOTHING, self.clock)
