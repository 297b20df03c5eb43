"""Tallies: how many characters of a text pass a test, counted in passes of C, at the price of the loop of the rule.

A comprehension such as `1 for c in msg if c.isupper()` says the same of a character wherever that stands. So what it
says of the first 256 is known when the rule is compiled, and a text is counted by deleting those that are alike. The
steps are those that the comprehension takes, computed at once. Where the value is no text, or the meter has less,
`counted` answers None and the comprehension runs as it is written: no rule can tell which way it went.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from operator import sub
from typing import Any, Literal, NamedTuple

from dispatcher.lang.budget import Meter
from dispatcher.lang.iteration import turns_cost
from dispatcher.lang.records import dataclass, field

# What one byte of Latin-1 stands for: texts of Western Europe hold hardly anything else.
_LATIN = tuple(map(chr, range(256)))
_BEYOND = re.compile(r"[^\x00-\xff]")
# Different characters that are judged one by one in less time than the comprehension takes, beside a quarter of all.
_FEW = 16


class Verdict(NamedTuple):
    """What a comprehension does at a character: how many values it gives, their sum, and its steps beside the turn."""

    values: int
    total: int
    cost: int


@dataclass(frozen=True, slots=True)
class Tally:
    """A comprehension over the characters of a text, for `sum` or `len`.

    `turn` is the steps of one turn, and `before` those before the first one. `taken` tells what becomes of the values:
    a generator gives them one by one, a list is run over, or only has its length told.
    """

    judge: Callable[[str], Verdict]
    turn: int
    taken: Literal["generator", "list", "length"]
    before: int = 0
    # What is said of most characters of Latin-1; the others that are judged alike, and by how much that differs.
    _usual: Verdict = field(init=False)
    _unusual: tuple[tuple[bytes, Verdict], ...] = field(init=False)

    def __post_init__(self) -> None:
        alike: dict[Verdict, list[int]] = {}
        for code, character in enumerate(_LATIN):
            alike.setdefault(self.judge(character), []).append(code)
        *unusual, (usual, _) = sorted(alike.items(), key=lambda pair: len(pair[1]))
        differences = ((bytes(codes), Verdict(*map(sub, verdict, usual))) for verdict, codes in unusual)
        object.__setattr__(self, "_usual", usual)
        object.__setattr__(self, "_unusual", tuple(differences))

    def of(self, text: str) -> tuple[int, int, int] | None:
        """Return the sums of what is said of the characters of a text; None where looking for that takes too long."""
        latin = text.encode("latin-1", "ignore")
        others: Mapping[str, int] = {}
        if len(latin) < len(text):
            # To look for a few takes a fraction of counting them all.
            few = 4 * len(latin) > 3 * len(text)
            others = Counter(_BEYOND.findall(text) if few else text)
            if len(others) > _FEW + (len(text) >> 2):
                return None
            latin = latin if few else b""
        length = len(latin)
        values, total, cost = self._usual
        values, total, cost = length * values, length * total, length * cost
        for alike, (more_values, more_total, more_cost) in self._unusual:
            count = length - len(latin.translate(None, alike))
            values += count * more_values
            total += count * more_total
            cost += count * more_cost
        for character, count in others.items():
            some_values, some_total, some_cost = self.judge(character)
            values += count * some_values
            total += count * some_total
            cost += count * some_cost
        return values, total, cost


def counted(meter: Meter, text: Any, tally: Tally) -> int | None:
    """Return what the comprehension's values add up to, charged as if it had run; None where it has to run."""
    if type(text) is not str:
        return None
    steps = tally.before + turns_cost(str, len(text), tally.turn)
    if steps > meter.steps or (found := tally.of(text)) is None:
        return None
    values, total, cost = found
    steps += cost
    if tally.taken == "generator":
        # The turn that finds the end is one more.
        steps += values + 1
    elif tally.taken == "list":
        steps += turns_cost(list, values, 1)
    if steps > meter.steps:
        return None
    meter.charge(steps)
    # A generator is used up.
    meter.changed = meter.changed or tally.taken == "generator"
    return total
