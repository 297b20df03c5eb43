"""Trace: what conditions were seen to be while rules ran, in order.

It keeps copies, so that it changes nothing of what an evaluation may spend: a meter gives back what big values take
when nothing else holds them.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from dispatcher.lang.records import dataclass
from dispatcher.lang.values import ModuleValue, is_callable
from dispatcher.plain import Room, to_plain

# Of each site as many values are kept, and in all; the rest is counted.
KEPT_OF_SITE = 50
KEPT = 50_000
# Characters of a text that are kept, and items of a collection.
KEPT_TEXT = 4_000
KEPT_ITEMS = 200

_SMALL = frozenset({bool, int, float, type(None)})
# What a look at a module or a function tells: nothing that people would want to read.
NO_DATA: Any = object()


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as it was seen; `moment` tells the order of all, and `truth` what it counts as in a condition."""

    moment: int
    truth: bool | None
    value: Any


class Sightings:
    """What was seen at one site: how often it was true and false, when last, and some values."""

    __slots__ = ("false", "kept", "last", "true")

    def __init__(self) -> None:
        self.true = 0
        self.false = 0
        self.last = 0
        self.kept: list[Seen] = []


class Trace:
    """What one evaluation passed. Sites are known by the numbers of program, statement and site."""

    def __init__(
        self,
        forced: Mapping[tuple[int, int, int], bool] | None = None,
        *,
        counted: Container[tuple[int, int]] | None = None,
        until: int | None = None,
    ) -> None:
        """Begin a trace; conditions at the sites `forced` are taken to be what is said there.

        With `counted`, what these statements pass is counted, and no value kept. With the moment `until`, those of each
        site are kept that are the last before it, in place of the first.
        """
        self.program = 0
        self.forced = forced or {}
        self._counted = counted
        self._until = until
        self._sites: dict[tuple[int, int, int], Sightings] = {}
        self._moment = 0

    def restart(self) -> None:
        """Forget everything: the rules run again."""
        self._sites.clear()
        self._moment = 0

    def see(self, statement: int, site: int, value: Any) -> Any:
        """Note a value, or what the site is forced to be, and return it."""
        counted = self._counted
        if counted is not None and (self.program, statement) not in counted:
            return value
        place = (self.program, statement, site)
        value = self.forced.get(place, value)
        found = self._sites.get(place)
        if found is None:
            found = self._sites[place] = Sightings()
        truth = _truth(value)
        if truth:
            found.true += 1
        else:
            found.false += 1
        if counted is None:
            self._moment = found.last = self._moment + 1
            if self._until is not None:
                if self._moment <= self._until:
                    found.kept[:-1] = []
                    found.kept.append(Seen(self._moment, truth, _copied(value)))
            elif len(found.kept) < KEPT_OF_SITE and self._moment < KEPT:
                found.kept.append(Seen(self._moment, truth, _copied(value)))
        return value

    def at(self, program: int, statement: int, site: int) -> Sightings | None:
        """Return what was seen at a site; None where the evaluation did not come by."""
        return self._sites.get((program, statement, site))

    def places(self) -> Iterator[tuple[tuple[int, int, int], Sightings]]:
        """Yield the sites that the evaluation came by."""
        yield from self._sites.items()


def _truth(value: Any) -> bool | None:
    """Return what a value counts as in a condition; None where nobody can tell."""
    try:
        return bool(value)
    except (TypeError, ValueError, RecursionError):
        return None


def _copied(value: Any) -> Any:
    if type(value) in _SMALL:
        return value
    if type(value) is str:
        # Never the text itself, which the meter may be waiting for to be dropped.
        return f"{value[:KEPT_TEXT]} "[:-1] if len(value) <= KEPT_TEXT else f"{value[:KEPT_TEXT]}..."
    if isinstance(value, ModuleValue) or is_callable(value):
        return NO_DATA
    return to_plain(value, Room(items=KEPT_ITEMS, characters=KEPT_TEXT))
