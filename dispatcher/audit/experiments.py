"""Experiments: whether what a rule sets or an order matters, found out by deciding example tickets with other rules.

The rules are those in force without the lines that set a variable, or with two rules in each other's place. An example
says something only where the rules in force do on it what was counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from dispatcher.audit.cases import Example, Place
from dispatcher.audit.rules import Rules
from dispatcher.decisions import Decision
from dispatcher.errors import RulesError
from dispatcher.explain.experiments import Experiments as Removals
from dispatcher.lang.evaluator import LoggedWrite
from dispatcher.lang.evaluator import Outcome as Evaluated
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source
from dispatcher.plain import same, to_json_safe
from dispatcher.ruleset import RuleSet

# `same`: what was looked at ends as it does now, on each example; `differs`: on one it does not; `fails`: other rules
# fail then, or the rules have errors; `unknown`: no ticket is kept to try it on, the rules have changed, or it is late.
Outcome: TypeAlias = Literal["same", "differs", "fails", "unknown"]


@dataclass(frozen=True, slots=True)
class Experiment:
    """What came of it, and on which example; for `differs` also which variable ends with what, now and then."""

    outcome: Outcome
    tried: int
    example: str | None = None
    variable: str | None = None
    now: Any = None
    then: Any = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        shown: dict[str, Any] = {"outcome": self.outcome, "tried": self.tried}
        if self.example is not None:
            shown["example"] = self.example
        if self.outcome == "differs":
            shown |= {"variable": self.variable, "now": to_json_safe(self.now), "then": to_json_safe(self.then)}
        return shown


class Experiments:
    """Experiments with the rules in force, each of which takes as long as compiling them; none when it is `late`."""

    def __init__(self, rules: Rules, late: Callable[[], bool]) -> None:
        self._rules = rules
        self._late = late
        self._removals = Removals(rules.ruleset)
        self._written = [one.name for one in rules.ruleset.schema.variables if one.writable]

    def without(self, rule: Place, variable: str, examples: Sequence[Example]) -> Experiment:
        """Tell what is decided where `rule` does not set a variable, on tickets where others have the last word on it.

        Everything that is decided is looked at: other rules may read the value before it is overwritten.
        """
        reproduced = [one for one in self._decided(examples) if rule in one.words(variable)[:-1]]

        def others(one: _Decided) -> RuleSet | None:
            return self._removals.without({self._removals.statement(write) for write in one.writes(rule, variable)})

        return self._tried(reproduced, others, (variable, *self._written))

    def swapped(self, loser: Place, winner: Place, variable: str, examples: Sequence[Example]) -> Experiment:
        """Tell what a variable ends with where two rules stand in each other's place."""
        reproduced = [one for one in self._decided(examples) if one.overwrites(winner, loser, variable)]
        if not reproduced or self._late():
            return Experiment("unknown", 0)
        other = self._rebuilt({loser: winner, winner: loser})
        return self._tried(reproduced, lambda _: other, (variable,))

    def _decided(self, examples: Sequence[Example]) -> list[_Decided]:
        ruleset = self._rules.ruleset
        return [_Decided(self._rules, one, *ruleset.evaluate(one.ticket, now=one.when)) for one in examples]

    def _tried(
        self, decided: Sequence[_Decided], others: Callable[[_Decided], RuleSet | None], variables: Iterable[str]
    ) -> Experiment:
        """Decide examples again by other rules, and look at variables."""
        tried = 0
        for one in decided:
            if self._late():
                break
            other = others(one)
            if other is None:
                return Experiment("fails", tried)
            tried += 1
            decision = other.decide(one.example.ticket, now=one.example.when)
            if len(decision.faults) > len(one.decision.faults):
                return Experiment("fails", tried, one.example.name)
            for variable in variables:
                now, then = one.decision.action_variables[variable], decision.action_variables[variable]
                if not same(now, then):
                    return Experiment("differs", tried, one.example.name, variable, now, then)
        return Experiment("same" if tried else "unknown", tried)

    def _rebuilt(self, instead: Mapping[Place, Place]) -> RuleSet | None:
        """Return the rules with other statements in the places of some; None when that has errors."""
        statements = self._rules.statements
        sources = []
        for program in self._rules.ruleset.programs:
            head = program.source.text[: program.starts[0]] if program.starts else program.source.text
            places = [place for place in statements if place[0] == program.filename]
            # The last statement of a file may have no line end.
            texts = [f"{statements[instead.get(place, place)].text}\n" for place in places]
            sources.append(Source("".join([head, *texts]), program.filename))
        try:
            return self._rules.ruleset.with_sources(sources)
        except RulesError:
            return None


@dataclass(frozen=True, slots=True)
class _Decided:
    """An example, and what the rules in force decide for it."""

    rules: Rules
    example: Example
    decision: Decision
    outcome: Evaluated

    def writes(self, rule: Place, variable: str) -> list[LoggedWrite]:
        """Return what a rule wrote to a variable."""
        programs, owner = self.rules.ruleset.programs, self.rules.in_force.owner
        return [
            one
            for one in self.outcome.writes
            if one.write.variable == variable and owner(programs[one.program].filename, one.write.line) == rule
        ]

    def overwrites(self, winner: Place, loser: Place, variable: str) -> bool:
        """Tell whether one rule has the last word on a variable that another one changes, too."""
        words = self.words(variable)
        return loser in words[:-1] and words[-1] == winner

    def words(self, variable: str) -> list[Place | None]:
        """Return the rules that change a variable, in the order of their last changes."""
        owners = [
            self.rules.in_force.owner(one.file, one.line) for one in self.decision.changes if one.variable == variable
        ]
        return list(dict.fromkeys(reversed(owners)))[::-1]
