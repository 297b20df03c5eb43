"""What a test expects of a decision, and where a decision differs from it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from dispatcher.checking import checked_source
from dispatcher.decisions import Decision, Fault, RuleOutcome
from dispatcher.halo.payloads import preview
from dispatcher.lang.diagnostics import near_name
from dispatcher.lang.records import dataclass
from dispatcher.plain import MAX_DEPTH, Room, same, to_json_safe
from dispatcher.ruleset import RuleSet
from dispatcher.testing.document import Table, kind_of
from dispatcher.testing.results import MOST_RULES, Difference, How, RuleLine, rules_told

_KEYS = ("unchanged", "unset", "refused", "faults", "fired", "prints", "note_contains")
_FAULT_KEYS = ("line", "type", "file", "message")
_REFUSED = 'true, a text, or { contains = "..." }'
_FIRED = 'an array of the rules\' first lines or titles, such as [2, "VIPs first"]'
# Longest line of a rule file that is shown.
LONGEST_LINE = 160
# Rules of which is told why they did not fire: each is found out by deciding the ticket once more.
MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Expected:
    """What must hold of a decision. What is left out may be anything, but for faults and a refusal: there are none."""

    values: Mapping[str, Any]
    unchanged: tuple[str, ...]
    unset: tuple[str, ...]
    # How the refusal is expected to be; None: the ticket is not refused.
    refused: tuple[How, str] | None
    faults: tuple[Mapping[str, Any], ...]
    fired: tuple[RuleOutcome, ...] | None
    prints: str | None
    note_contains: tuple[str, ...]


class Words:
    """What a test can name in a rule set: ticket variables, variables of the rules, and rules."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self.writable = tuple(variable.name for variable in ruleset.schema.variables if variable.writable)
        self._ticket = {variable.name for variable in ruleset.schema.variables}

    @cached_property
    def _working(self) -> set[str]:
        found = [checked_source(source, self._ruleset.schema)[0].variables for source in self._ruleset.sources]
        return set().union(*found) - self._ticket

    @cached_property
    def rules(self) -> list[RuleOutcome]:
        """Return all rules, in order."""
        return [self._ruleset.rule(place) for place in self._ruleset.places]

    def variable(self, name: str) -> str | None:
        """Return a variable by its own name, None where there is none."""
        name = self._ruleset.schema.aliases.get(name, name)
        return name if name in self._ticket or name in self._working else None

    def hint(self, name: str) -> str:
        """Return which name may be meant."""
        near = near_name(name, (*_KEYS, *self._ticket, *self._working))
        return f"; {near}" if near else ""

    def rules_called(self, named: str | int) -> list[RuleOutcome]:
        """Return the rules that a line, a title, or file and line as in `a.rules:12` may mean."""
        return self._by_name.get(named, [])

    @cached_property
    def _by_name(self) -> Mapping[str | int, list[RuleOutcome]]:
        lines: dict[str | int, list[RuleOutcome]] = {}
        titles: dict[str | int, list[RuleOutcome]] = {}
        # Those on one line are told by it together.
        for rule in dict.fromkeys(self.rules):
            lines.setdefault(rule.line, []).append(rule)
            lines.setdefault(f"{rule.file}:{rule.line}", []).append(rule)
            titles.setdefault(rule.title, []).append(rule)
        titles.pop("", None)
        return lines | titles


def whole(value: Any) -> Any:
    """Return a value as JSON data with all that is in it, however much that is."""
    return to_json_safe(value, Room(items=sys.maxsize, characters=sys.maxsize))


def _depth(value: Any) -> int:
    """Return how deep arrays and tables of a file are nested, which nest no deeper than it could be read."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


# --- reading


def read_expected(table: Table, words: Words) -> Expected:
    """Return what a table expects; with problems it is not to be used."""
    values = {}
    for key, value in table.values.items():
        if key in _KEYS:
            continue
        name = words.variable(key)
        if name is None:
            table.problem(key, f"`{key}` is no variable of tickets or of these rules{words.hint(key)}")
        else:
            values[name] = whole(value)
            if _depth(value) > MAX_DEPTH - 1:
                table.problem(key, f"`{key}` nests too deep to be compared")
    unchanged = table.texts("unchanged", 'the names of ticket variables, such as ["team"]') or ()
    for name in unchanged:
        if name not in words.writable:
            hint = near_name(name, words.writable) or f'for a variable of the rules write unset = ["{name}"]'
            table.problem("unchanged", f"`{name}` is no ticket variable that rules can change; {hint}")
    unset = table.texts("unset", 'the names of variables, such as ["team"]') or ()
    for name in unset:
        if words.variable(name) is None:
            table.problem("unset", f"`{name}` is no variable of tickets or of these rules{words.hint(name)}")
    if isinstance(contained := table.values.get("note_contains"), str):
        note: tuple[str, ...] | None = (contained,)
    else:
        note = table.texts("note_contains", "a text, or an array of texts")
    return Expected(
        values=values,
        unchanged=unchanged,
        unset=unset,
        refused=_refused(table),
        faults=tuple(_faults(table)),
        fired=_fired(table, words),
        prints=table.get("prints", (str,), "what the rules print, as a text"),
        note_contains=note or (),
    )


def _refused(table: Table) -> tuple[How, str] | None:
    found = table.get("refused", (bool, str, dict), _REFUSED)
    if found == "":
        table.problem("refused", "a refusal has a text; leave `refused` out where the ticket is not refused")
    if isinstance(found, str):
        return "equal", found
    if isinstance(found, dict):
        if set(found) == {"contains"} and isinstance(found["contains"], str):
            return "contains", found["contains"]
        table.problem("refused", f"`refused` is a table with other keys than `contains`; write {_REFUSED}")
    return ("refused", "") if found is True else None


def _faults(table: Table) -> Iterator[Mapping[str, Any]]:
    example = 'an array such as [{ line = 9, type = "TypeError" }]'
    for item in table.get("faults", (list,), example) or ():
        if not isinstance(item, dict):
            table.problem("faults", f"`faults` holds {kind_of(item)}; write {example}")
            continue
        fault = Table(table.document, item, "a fault", table.span)
        fault.refuse_others(_FAULT_KEYS)
        kinds = {"line": int}
        read = {key: fault.get(key, (kinds.get(key, str),), "it as in " + example[12:]) for key in _FAULT_KEYS}
        yield {key: value for key, value in read.items() if value is not None}


def _fired(table: Table, words: Words) -> tuple[RuleOutcome, ...] | None:
    named = table.texts("fired", _FIRED, numbers=True)
    if named is None:
        return None
    fired = []
    for name in named:
        rules = words.rules_called(name)
        if len(rules) == 1:
            fired.append(rules[0])
        else:
            table.problem("fired", _which_rule(name, rules, words))
    return tuple(fired)


def _which_rule(named: str | int, rules: Sequence[RuleOutcome], words: Words) -> str:
    shown = f"at line {named}" if isinstance(named, int) else f'is called "{named}"'
    if rules:
        places = ", ".join(f'"{rule.file}:{rule.line}"' for rule in rules[:5])
        return f"`fired`: {len(rules)} rules {shown.replace('is ', 'are ')}; say which: {places}"
    if isinstance(named, str):
        near = near_name(named, [rule.title for rule in words.rules if rule.title])
        return f"`fired`: no rule {shown}" + (f"; {near}" if near else "")
    nearest = sorted(words.rules, key=lambda rule: abs(rule.line - named))[:2]
    at = " and ".join(str(rule.line) for rule in sorted(nearest, key=lambda rule: rule.line))
    return f"`fired`: no rule begins {shown}" + (f"; the nearest begin at {at}" if at else "")


# --- comparing


class Comparison:
    """One decision beside what is expected of it; `why_not` says why a rule did not fire."""

    def __init__(
        self,
        expected: Expected,
        ruleset: RuleSet,
        ticket: Mapping[str, Any],
        decision: Decision,
        why_not: Callable[[RuleOutcome], str | None],
    ) -> None:
        self._expected = expected
        self._ruleset = ruleset
        self._ticket = ticket
        self._decision = decision
        self._why_not = why_not

    def differences(self) -> Iterator[Difference]:
        """Yield what is not as expected: what became of the ticket first, then how that came to be."""
        yield from self._refusal()
        yield from self._values()
        yield from self._unchanged()
        yield from self._unset()
        yield from self._faults()
        yield from self._fired()
        yield from self._prints()
        yield from self._note()

    def _refusal(self) -> Iterator[Difference]:
        expected, got = self._expected.refused, self._decision.refused
        how, text = expected or ("equal", None)
        if got is None or text is None:
            good = got is None and expected is None
        else:
            good = {"equal": got == text, "contains": text in got, "refused": True}[how]
        if not good:
            yield Difference("refused", how, text, got, *self._cause("exception"))

    def _values(self) -> Iterator[Difference]:
        ticket, working = self._decision.action_variables, self._decision.other_variables
        for name, expected in self._expected.values.items():
            if name not in ticket and name not in working:
                yield Difference(name, "equal", expected, None, (), ("no rule has given it a value",))
                continue
            got = whole(ticket[name] if name in ticket else working[name])
            if not same(expected, got):
                yield Difference(name, "equal", expected, got, *self._cause(name))

    def _unchanged(self) -> Iterator[Difference]:
        first: dict[str, Any] = {}
        for change in self._decision.changes:
            first.setdefault(change.variable, change.old)
        for name in self._expected.unchanged:
            if name in first:
                got = self._decision.action_variables[name]
                lines, notes = self._cause(name)
                if same(got, first[name]):
                    notes = (*notes, "it was changed, and then changed back")
                yield Difference(name, "unchanged", first[name], got, lines, notes)

    def _unset(self) -> Iterator[Difference]:
        values = self._decision.other_variables | self._decision.action_variables
        for name in self._expected.unset:
            if values.get(name) is not None:
                yield Difference(name, "unset", None, values[name], *self._cause(name))

    def _faults(self) -> Iterator[Difference]:
        expected, got = self._expected.faults, self._decision.faults
        if len(expected) != len(got) or not all(map(_is_fault, expected, got)):
            told = [
                {"line": fault.line, "type": fault.type, "file": fault.file, "message": fault.message}
                for fault in got[:MOST_RULES]
            ]
            lines = tuple([self._line(fault.file, fault.line) for fault in got[:MOST_RULES]])
            notes = (f"there are {len(got)} faults",) if len(got) > MOST_RULES else ()
            yield Difference("faults", "equal", [dict(fault) for fault in expected], told, lines, notes)

    def _fired(self) -> Iterator[Difference]:
        expected, got = self._expected.fired, self._decision.fired
        if expected is None:
            return
        wanted, came = set(expected), set(got)
        if wanted != came:
            more = [rule for rule in got if rule not in wanted][:MOST_RULES]
            less = [rule for rule in expected if rule not in came][:MOST_REASONS]
            notes = [f"{_named(rule)} fired" for rule in more]
            for rule in less:
                reason = self._why_not(rule)
                notes.append(f"{_named(rule)} did not fire" + (f": {reason}" if reason else ""))
            lines = tuple([self._line(rule.file, rule.line) for rule in more])
            yield Difference(
                item="fired",
                how="equal",
                expected=rules_told(expected[:MOST_RULES]),
                got=rules_told(got[:MOST_RULES]),
                lines=lines,
                notes=tuple(notes),
            )

    def _prints(self) -> Iterator[Difference]:
        expected, got = self._expected.prints, self._decision.prints
        # The end of the last line is nothing that anybody sees.
        if expected is not None and expected.splitlines() != got.splitlines():
            yield Difference("prints", "equal", expected, got)

    def _note(self) -> Iterator[Difference]:
        if not self._expected.note_contains:
            return
        sent = preview(self._ticket, self._decision.to_dict())
        note = sent["note"] if sent is not None else None
        for text in self._expected.note_contains:
            if note is None or text not in note:
                notes = ("the ticket is refused, so there is no note",) if note is None else ()
                yield Difference("note_contains", "contains", text, note, (), notes)

    def _cause(self, variable: str) -> tuple[tuple[RuleLine, ...], tuple[str, ...]]:
        """Return the line that gave a ticket variable its value, or why there is none."""
        for change in reversed(self._decision.changes):
            if change.variable == variable:
                return (self._line(change.file, change.line),), ()
        if variable not in self._decision.action_variables:
            return (), ()
        if variable == "exception" and self._decision.refused is not None:
            fault = self._decision.faults[0]
            return (self._line(fault.file, fault.line),), ("`on_fault` is refuse, and a rule failed",)
        if self._ticket.get(variable) is not None:
            return (), ("no rule set it: it came with the ticket",)
        return (), ("no rule set it" + (": it is the default" if variable in self._ruleset.defaults else ""),)

    def _line(self, file: str, line: int) -> RuleLine:
        source = next(source for source in self._ruleset.sources if source.filename == file)
        return RuleLine(file, line, source.line(line).strip()[:LONGEST_LINE])


def _is_fault(expected: Mapping[str, Any], got: Fault) -> bool:
    message = expected.get("message", "")
    return message in got.message and all(
        getattr(got, key) == value for key, value in expected.items() if key != "message"
    )


def _named(rule: RuleOutcome) -> str:
    title = f' "{rule.title}"' if rule.title else ""
    return f"{rule.file}:{rule.line}{title}"
