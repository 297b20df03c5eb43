"""Index: from the values of a ticket's variables to the statements that may act on them.

For each variable that triggers look at, and each text made of it, the literals are kept as the kind of comparison asks:
equality and beginnings and ends of texts in dicts, those contained in a text in an Aho-Corasick automaton, which finds
them all in one pass. What is found in a text is kept among the variables of the run, where the compiled statements
find it, too: so a condition costs the same however often it is asked, and whether the index is used or not.

The pass is charged for once, before the statements run, and again where one binds the variable anew.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

import ahocorasick

from dispatcher.lang.budget import LimitExceeded, Meter
from dispatcher.lang.measuring import SCALARS, search
from dispatcher.lang.methods import METHODS
from dispatcher.lang.triggers import Trigger, Value, View

# Adds a statement with a literal.
Add = Callable[[Any, int], None]
# What is done with the literals of a statement: each is the one of a number, or where that is negative, the given one.
Places = list[tuple[Add, int, Value]]

# As many literals as are looked for one by one.
FEW = 4
# As many bytes of a literal as the automaton looks for; it takes memory, and at worst time, for each.
HEAD = 32
# Matches that are taken at once.
MATCHES = 64
# As many characters for each step of the limit are looked through, of all views of a variable together.
LOOKED = 2


# The statements that comparisons with a literal wake: one, or several in order.
_Woken = dict[Value, "int | list[int]"]


def _add(woken: _Woken, literal: Value, statement: int) -> None:
    found = woken.get(literal)
    if found is None:
        woken[literal] = statement
    elif isinstance(found, list):
        found.append(statement)
    elif found != statement:
        woken[literal] = [found, statement]


def _take(woken: _Woken, literal: Value, into: list[int]) -> None:
    """Add the statements that a literal wakes to `into`."""
    found = woken.get(literal)
    if found is not None:
        if isinstance(found, list):
            into += found
        else:
            into.append(found)


def _bytes_of(text: str) -> str:
    """Return the bytes of a text as characters: of those, a node of the automaton has few to choose from."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


class _Head:
    """What several literals, or a long one, begin with; known by its identity, which is quickly looked up."""

    __slots__ = ("literals",)

    def __init__(self, literals: Sequence[str]) -> None:
        self.literals = literals


class _ViewIndex:
    """What is compared with one view."""

    def __init__(self, view: View) -> None:
        self.text = view.text
        self.found = view.found
        self._methods = [METHODS[str][name].implementation for name in view.methods]
        self._equals: _Woken = {}
        self._contains: _Woken = {}
        # By their length.
        self._starts: dict[int, _Woken] = {}
        self._ends: dict[int, _Woken] = {}
        self._edge_characters = 0
        # All literals that are looked for, also by comparisons that wake nothing.
        self._wanted: dict[str, None] = {}
        self._automaton: ahocorasick.Automaton | None = None
        # Whether it holds heads of literals only, for some, or lacks one that every text contains.
        self._is_mixed = False

    def adders(self, trigger: Trigger) -> list[Add]:
        """Return what adds a statement with a literal for such a comparison."""
        if trigger.kind == "contains":
            return [self._want, partial(_add, self._contains)] if trigger.wakes else [self._want]
        if not trigger.wakes:
            return []
        if trigger.kind == "equals":
            return [partial(_add, self._equals)]
        return [partial(self._edge, self._starts if trigger.kind == "starts" else self._ends)]

    def _want(self, literal: str, _statement: int) -> None:
        self._wanted[literal] = None

    def _edge(self, edges: dict[int, _Woken], literal: str, statement: int) -> None:
        _add(edges.setdefault(len(literal), {}), literal, statement)

    def finish(self) -> None:
        """Build the automaton, when all is added."""
        self._edge_characters = sum(self._starts) + sum(self._ends)
        if len(self._wanted) <= FEW:
            return
        self._is_mixed = "" in self._wanted
        heads: dict[str, list[str]] = {}
        for literal in filter(None, self._wanted):
            heads.setdefault(_bytes_of(literal)[:HEAD], []).append(literal)
        automaton = ahocorasick.Automaton()
        for head, literals in heads.items():
            is_whole = len(literals) == 1 and len(_bytes_of(literals[0])) <= HEAD
            automaton.add_word(head, literals[0] if is_whole else _Head(literals))
            self._is_mixed = self._is_mixed or not is_whole
        automaton.make_automaton()
        self._automaton = automaton

    def wake(self, text: str, variables: dict[str, Any], meter: Meter, into: list[int]) -> None:
        """Add the statements that `text`, the variable's value, wakes, and note what it contains."""
        for method in self._methods:
            text = method(meter, text)
        variables[self.text] = text
        if self._wanted:
            found = self._searched(text, meter) if self._automaton is None else self._looked_up(text, meter)
            variables[self.found] = found
            if found:
                meter.charge(3 * len(found))
                for literal in found:
                    _take(self._contains, literal, into)
        if self._equals:
            _take(self._equals, text, into)
        if self._starts or self._ends:
            self._wake_edges(text, meter, into)

    def _looked_up(self, text: str, meter: Meter) -> set[str]:
        """Return the literals that are in a text."""
        meter.charge(1 + (len(text) >> 3))
        matches = self._automaton.iter(text if text.isascii() else _bytes_of(text))  # type: ignore[union-attr] # there is one
        batch = [literal for _, literal in islice(matches, MATCHES)]
        found = set(batch)
        if self._is_mixed or len(batch) == MATCHES:
            self._look_further(text, matches, found, meter)
        return found

    def _look_further(self, text: str, matches: Iterable[tuple[int, Any]], found: set[Any], meter: Meter) -> None:
        """Complete what was found in a text by matches that are left, and the literals of which a head was found."""
        meter.charge(MATCHES)
        while batch := [literal for _, literal in islice(matches, MATCHES)]:
            meter.charge(len(batch))
            found.update(batch)
        for head in [literal for literal in found if type(literal) is _Head]:
            found.discard(head)
            for literal in head.literals:
                search(meter, text, literal)
                if literal in text:
                    found.add(literal)
        if "" in self._wanted:
            found.add("")

    def _wake_edges(self, text: str, meter: Meter, into: list[int]) -> None:
        # Each piece is copied and hashed.
        count = len(self._starts) + len(self._ends)
        meter.charge(count + (min(self._edge_characters, count * len(text)) >> 6))
        for length, woken in self._starts.items():
            _take(woken, text[:length], into)
        for length, woken in self._ends.items():
            _take(woken, text[-length:] if length else "", into)

    def _searched(self, text: str, meter: Meter) -> set[str]:
        for literal in self._wanted:
            search(meter, text, literal)
        return {literal for literal in self._wanted if literal in text}

    def forget(self, variables: dict[str, Any]) -> None:
        """Note that the variable holds no text."""
        variables[self.text] = None
        variables[self.found] = None


class _VariableIndex:
    """What is compared with one variable."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._equals: _Woken = {}
        self._views: dict[View, _ViewIndex] = {}
        self._view_indexes: tuple[_ViewIndex, ...] = ()
        # The statements that look into the variable's text: they run where it holds none.
        self._readers: list[int] = []

    def adders(self, trigger: Trigger) -> list[Add]:
        """Return what adds a statement with a literal for such a comparison."""
        if not trigger.needs_text:
            return [partial(_add, self._equals)] if trigger.wakes else []
        if trigger.view not in self._views:
            self._views[trigger.view] = _ViewIndex(trigger.view)
        return [*self._views[trigger.view].adders(trigger), self._reads]

    def _reads(self, _literal: Any, statement: int) -> None:
        if not self._readers or self._readers[-1] != statement:
            self._readers.append(statement)

    def finish(self) -> None:
        """Build what can be built when all is added."""
        self._view_indexes = tuple(self._views.values())
        for view in self._view_indexes:
            view.finish()

    def wake(self, variables: dict[str, Any], meter: Meter, into: list[int]) -> None:
        """Add the statements that the variable's value wakes, in no order."""
        value = variables[self.name]
        kind = type(value)
        if self._equals and kind in SCALARS:
            _take(self._equals, value, into)
        if not self._readers:
            return
        # Looking must not use up what the rules themselves may spend.
        if kind is str and len(value) * len(self._view_indexes) <= meter.limits.steps * LOOKED:
            try:
                for view in self._view_indexes:
                    view.wake(value, variables, meter, into)
            except LimitExceeded:
                # Whoever spends the next step is at fault.
                pass
            else:
                return
        for view in self._view_indexes:
            view.forget(variables)
        into += self._readers


class Index:
    """The triggers of a file's statements; without `skips`, all run that could be skipped."""

    def __init__(self, count: int, *, skips: bool) -> None:
        self._count = count
        self._skips = skips
        self._variables: dict[str, _VariableIndex] = {}
        # The statements without triggers, which run in any case.
        self._always = array("l")
        self._settled: list[_VariableIndex] = []
        self._changing: list[_VariableIndex] = []

    def places(self, triggers: tuple[Trigger, ...] | None, varying: tuple[int, ...]) -> Places | None:
        """Return which literals of statements of a shape go where; None for a shape without triggers."""
        if triggers is None:
            return None
        numbers = {offset: number for number, offset in enumerate(varying)}
        places: Places = []
        for trigger in triggers:
            name = trigger.view.variable
            if name not in self._variables:
                self._variables[name] = _VariableIndex(name)
            for add in self._variables[name].adders(trigger):
                for offset, value in zip(trigger.at, trigger.literals, strict=True):
                    places.append((add, numbers.get(offset, -1), value))
        return places

    def add(self, statement: int, places: Places | None, literals: Sequence[Any]) -> None:
        """Add a statement."""
        if places is None:
            self._always.append(statement)
            return
        for add, number, value in places:
            add(literals[number] if number >= 0 else value, statement)

    def finish(self, bound: frozenset[str]) -> None:
        """Build what can be built when all is added; `bound` are the variables that statements may bind anew."""
        for variable in self._variables.values():
            variable.finish()
            (self._changing if variable.name in bound else self._settled).append(variable)

    def statements(self, variables: dict[str, Any], meter: Meter) -> Iterable[int]:
        """Return which statements run on these variables, and note what is known of their texts.

        In order; each is asked for when the one before has run. What a statement binds may wake others behind it.
        """
        woken: list[int] = []
        for variable in self._settled:
            variable.wake(variables, meter, woken)
        if self._always:
            woken += self._always
        if len(woken) > 1:
            woken = sorted(set(woken))
        if self._changing:
            return self._following(woken, variables, meter)
        return woken if self._skips else range(self._count)

    def _following(self, settled: Sequence[int], variables: dict[str, Any], meter: Meter) -> Iterator[int]:
        """Yield which statements run, where some of them bind what others look at."""
        changing = [_Changing(variable, variables, meter) for variable in self._changing]
        pending = sorted({*settled, *chain.from_iterable(variable.woken for variable in changing)})
        index = 0
        number = -1
        while True:
            if not self._skips:
                number += 1
                if number == self._count:
                    return
            elif index < len(pending):
                number = pending[index]
                index += 1
            else:
                return
            yield number
            bound = [variable for variable in changing if variables[variable.name] is not variable.value]
            if bound:
                for variable in bound:
                    variable.look(variables, meter)
                pending = sorted({*settled, *chain.from_iterable(variable.woken for variable in changing)})
                # Statements that bind one again and again must not wake thousands each time.
                meter.charge(len(pending) >> 1)
                index = bisect_right(pending, number)


class _Changing:
    """What the present value of a variable wakes that statements bind."""

    __slots__ = ("_variable", "name", "value", "woken")

    def __init__(self, variable: _VariableIndex, variables: dict[str, Any], meter: Meter) -> None:
        self._variable = variable
        self.name = variable.name
        self.look(variables, meter)

    def look(self, variables: dict[str, Any], meter: Meter) -> None:
        """Find out what the present value wakes."""
        self.value = variables[self.name]
        self.woken: list[int] = []
        self._variable.wake(variables, meter, self.woken)
