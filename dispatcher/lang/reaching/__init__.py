"""Reaching: which texts and numbers may be in a ticket variable when the rules are through.

The files of a rule set are walked in the order in which they run, along all ways that their statements may take, with
sets of values in place of values. What is found is never too little: each value that a variable can end up with is
among those found, or what is found of it is that it cannot be told, with the place that decides. It may be too much,
since conditions are not looked into. Two things are left out: what the sender of a ticket puts into such a variable,
and rules that count as absent since their budget ran out.

- values.py is what an expression may come to, state.py what is known at a place;
- expressions.py works expressions out, with operations.py, calls.py (methods.py, routines.py) and targets.py;
- flow.py walks the statements.

It tells too which texts stand for nothing but such a value, so that another name may be written in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from dispatcher.lang.checker import CheckedModule
from dispatcher.lang.headroom import with_room
from dispatcher.lang.parser import parse
from dispatcher.lang.pieces import cut
from dispatcher.lang.reaching.flow import Flow
from dispatcher.lang.reaching.state import PAIRED, UNTOLD, State, TooInvolvedError, Variables
from dispatcher.lang.reaching.values import NOTHING, UNSET, Atom, Box, Given, Known, Pair, Place, Untold
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source
from dispatcher.lang.syntax import Stmt

__all__ = ["DEFAULTS", "UNTOLD", "Compared", "Place", "Reached", "Reaches", "Unclear", "reaching"]

# Top-level statements of a long file that are read at a time.
PIECES = 200
# The number of the file that a default stands in: its start is the number of the default.
DEFAULTS = -1


@dataclass(frozen=True, slots=True)
class Reaches:
    """A text, number or truth value that a variable may end up with.

    `is_name`: what stands at the place is this value, and serves nothing else; another could be written there.
    """

    variable: str
    value: Any
    place: Place
    is_name: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A text that a variable had on the way, with which it is compared or by which it is looked up.

    `views` were called on it before that.
    """

    variable: str
    value: str
    place: Place
    views: tuple[str, ...]
    is_name: bool


@dataclass(frozen=True, slots=True)
class Unclear:
    """A place of which a variable may get a value that cannot be told, and why."""

    variable: str
    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class Reached:
    """What may be in the variables, in source order, and the values that two of them may have at the same time."""

    values: tuple[Reaches, ...]
    compared: tuple[Compared, ...]
    unclear: tuple[Unclear, ...]
    pairs: frozenset[tuple[Any, Any]] = frozenset()


@with_room
def reaching(
    files: Sequence[CheckedModule],
    variables: Sequence[str],
    defaults: Mapping[str, Any],
    pair: tuple[str, str] | None = None,
) -> Reached:
    """Return what may be in some ticket variables when files without errors have run.

    `pair`: two of them that mean something together. UNTOLD stands in pairs for what is no literal of the rules.
    """
    if not files:
        return Reached((), (), ())
    characters = sum(len(checked.source.text) for checked in files)
    state = State(files[0].schema, frozenset(variables), _first(files[0], variables, defaults), characters, pair)
    flow = Flow(state)
    try:
        for number, checked in enumerate(files):
            state.file = number
            state.variables = _own(state.variables or {}, checked)
            for state.base, body in _parts(checked):
                flow.file(body)
    except TooInvolvedError:
        start = Place(state.file, 0, 0)
        why = "the rules are too involved to follow what they set"
        return Reached((), (), tuple(Unclear(variable, start, why) for variable in variables))
    return _reached(state, variables)


def _first(checked: CheckedModule, variables: Sequence[str], defaults: Mapping[str, Any]) -> Variables:
    """Return what ticket variables hold before the first rule."""
    places = {name: Place(DEFAULTS, number, number) for number, name in enumerate(defaults)}
    found: Variables = {}
    for variable in checked.schema.variables:
        name = variable.name
        if name in variables:
            place = places.get(name, Place(DEFAULTS, -1, -1))
            found[name] = frozenset({Known(defaults.get(name), place, written=True, held=True)})
        else:
            found[name] = frozenset({Given(name, variable.kind == "text")})
    return found


def _parts(checked: CheckedModule) -> Iterator[tuple[int, Sequence[Stmt]]]:
    """Yield the statements of a file, with where they count from: of a long one, which has no tree, some at a time."""
    if checked.module.body:
        yield 0, checked.module.body
        return
    text = checked.source.text
    pieces = cut(text)
    if pieces is None:
        raise TooInvolvedError
    starts = [*list(pieces.starts)[::PIECES], len(text)]
    for start, end in pairwise(starts):
        yield start, parse(Source(text[start:end]))[0].body


def _own(variables: Variables, checked: CheckedModule) -> Variables:
    """Return the variables that a file begins with: those of the ticket, and its own, which have no value."""
    names = checked.schema.names()
    found: Variables = {name: value for name, value in variables.items() if name in names or name == PAIRED}
    found.update((name, frozenset({UNSET})) for name in checked.variables if name not in names)
    return found


def _reached(state: State, variables: Sequence[str]) -> Reached:
    fields = {place: set(names) for place, names in state.seen.assigned.items()}
    for found in state.seen.compared:
        fields.setdefault(found.place, set()).add(found.variable)

    def is_name(place: Place, variable: str) -> bool:
        return fields.get(place) == {variable} and place not in state.seen.used

    values: list[Reaches] = []
    unclear: list[Unclear] = []
    for variable in variables:
        for atom in (state.variables or {}).get(variable, NOTHING):
            match atom:
                case Known(value=value, place=place):
                    values.append(Reaches(variable, value, place, is_name(place, variable)))
                case Untold(place=place, why=why):
                    unclear.append(Unclear(variable, place, why))
                case Given():
                    pass
                case _:
                    unclear.append(Unclear(variable, _place_of(atom), "it is neither a text nor a number"))
    compared = [
        Compared(found.variable, found.value, found.place, found.views, is_name(found.place, found.variable))
        for found in state.seen.compared
    ]
    pairs = frozenset(
        (atom.one, atom.other) for atom in (state.variables or {}).get(PAIRED, NOTHING) if isinstance(atom, Pair)
    )
    return Reached(
        tuple(sorted(values, key=lambda found: (found.place, found.variable, repr(found.value)))),
        tuple(sorted(compared, key=lambda found: (found.place, found.variable))),
        tuple(sorted(unclear, key=lambda found: (found.place, found.variable))),
        pairs,
    )


def _place_of(atom: Atom) -> Place:
    return atom.place if isinstance(atom, Box) else Place(0, 0, 0)
