"""One ticket of the past, decided by two rule sets: what differs, and by which lines.

Most tickets are decided alike, which is found out first and as cheaply as can be; only of the others it is worked out
what differs. What counts is what a decision files or tells the sender: ticket variables, refusal, faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, TypeAlias

from dispatcher.decisions import Decision
from dispatcher.history import PastTicket, Unreadable, read
from dispatcher.lang.budget import Limits
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Source
from dispatcher.plain import Room, same, to_json_safe
from dispatcher.ruleset import NOT_TEXT, RuleSet, surely_alike

# What is answered of a ticket that does not differ; of one that came in at another time than wanted; of one whose
# content is no longer kept; of one that was kept without its decision; and of one that does not differ, and of which
# no key is a ticket variable.
ALIKE, OUTSIDE, NO_LONGER_KEPT, NOT_DECIDED, NOTHING_KNOWN = 0, 1, 2, 3, 4
# Characters of a value, or of a subject, that are shown.
SHOWN_CHARACTERS = 200
# Of those, how many stand before the first that differs.
SHOWN_BEFORE = 40
# Items of a list or a mapping that are shown.
SHOWN_ITEMS = 50
# Of what one ticket ends with, more is compared than a decision can hold.
ROOM_ITEMS, ROOM_CHARACTERS = 1_000_000, 10**9

# JSON data, as it crosses between processes: one of the numbers above, why a line is unreadable, or what differs.
Answer: TypeAlias = "int | str | dict[str, Any]"
# Where the value of a variable comes from: a line of a rule (file, line, the rule's first line, its title, and the
# text of the line, '' where that is not known), or one of these words.
By: TypeAlias = "list[Any] | str"
TICKET, DEFAULT = "ticket", "default"


@dataclass(frozen=True, slots=True)
class When:
    """When tickets arrive: at their own time, told in `zone`, else `now`; those before `since` and from `until` on
    are left out.
    """

    now: datetime
    zone: tzinfo | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wanted(self, moment: datetime) -> bool:
        """Tell whether a ticket that arrives at a moment counts."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


# What makes a rule set in another process: its files and its settings, of which the limits cannot be sent as they are.
_Recipe: TypeAlias = "tuple[Sequence[Source], Mapping[str, Any]]"


def elsewhere(new: RuleSet, old: RuleSet | None, when: When) -> Callable[[], Comparison]:
    """Return what makes a comparison in another process."""
    when_parts = when.now, when.zone, when.since, when.until
    return partial(_begin, _recipe(new), _recipe(old) if old is not None else None, when_parts)


def _recipe(rules: RuleSet) -> _Recipe:
    limits = {name: getattr(rules.limits, name) for name in Limits.__annotations__}
    settings = {"variables": rules.variables, "defaults": rules.defaults, "on_fault": rules.on_fault}
    return rules.sources, {**settings, "limits": limits}


def _begin(new: _Recipe, old: _Recipe | None, when: tuple[Any, ...]) -> Comparison:
    return Comparison(_made(new), _made(old) if old is not None else None, When(*when))


def _made(recipe: _Recipe) -> RuleSet:
    sources, settings = recipe
    return RuleSet(sources, **{**settings, "limits": Limits(**settings["limits"])})


class Comparison:
    """Compares what new rules decide for a ticket with what old ones do, or (None) with the decision that is kept."""

    def __init__(self, new: RuleSet, old: RuleSet | None, when: When) -> None:
        self._new = new
        self._old = old
        self._when = when
        # Where rules begin with the same values, what they write tells whether they end with the same.
        self._begin_alike = old is not None and same(_recipe(old)[1], _recipe(new)[1])
        self._known = {*new.schema.aliases, *(variable.name for variable in new.schema.variables)}

    def __call__(self, line: bytes) -> Answer:
        """Return what differs for the ticket on a line."""
        past = read(line, self._when.zone)
        if isinstance(past, Unreadable):
            return past.reason
        now = past.received_at or self._when.now
        if not self._when.wanted(now):
            return OUTSIDE
        if past.ticket is None:
            return NO_LONGER_KEPT
        if self._old is None:
            return self._against_kept(past, past.ticket, now)
        old, new = self._old.decide(past.ticket, now=now), self._new.decide(past.ticket, now=now)
        if self._begin_alike and surely_alike(old, new):
            return self._alike(past.ticket)
        sides = _Side.decided(self._old, old, past.ticket), _Side.decided(self._new, new, past.ticket)
        return _difference(*sides, past.id) or self._alike(past.ticket)

    def _alike(self, ticket: Mapping[str, Any]) -> int:
        return NOTHING_KNOWN if ticket and self._known.isdisjoint(ticket) else ALIKE

    def _against_kept(self, past: PastTicket, ticket: Mapping[str, Any], now: datetime) -> Answer:
        if past.decision is None:
            return NOT_DECIDED
        new = _Side.decided(self._new, self._new.decide(ticket, now=now), ticket, as_kept=True)
        if past.decision.get("faults") == new.faults == [] and same(
            past.decision.get("action_variables"), new.variables
        ):
            return self._alike(ticket)
        if not _is_decision(past.decision):
            return "`decision` is not as dispatcher keeps it"
        return _difference(_Side.kept(past.decision, ticket), new, past.id) or self._alike(ticket)


# What of a kept decision is read: in each list, objects with these.
_RULE = {"file": str, "line": int, "title": str}
_KEPT: Mapping[str, Mapping[str, type]] = {
    "changes": {"variable": str, "file": str, "line": int},
    "faults": {"kind": str, "type": str, "message": str, "file": str, "line": int},
    "fired": _RULE,
    "not_fired": _RULE,
}


def _is_decision(found: Mapping[str, Any]) -> bool:
    """Tell whether a decision of a history, which anybody may have written, can be read."""
    lists = [(found.get(name, []), fields) for name, fields in _KEPT.items()]
    return (
        isinstance(found.get("action_variables"), dict)
        and isinstance(found.get("refused"), str | None)
        and all(isinstance(entries, list) for entries, _ in lists)
        and all(
            isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in fields.items())
            for entries, fields in lists
            for entry in entries
        )
    )


# What tells one fault from others when lines may have moved, and the fault.
_Fault: TypeAlias = "tuple[tuple[str, ...], Mapping[str, Any]]"


@dataclass(frozen=True, slots=True)
class _Side:
    """What one of the rule sets decided, as JSON data."""

    variables: Mapping[str, Any]
    refused: str | None
    changes: Iterable[Mapping[str, Any]]
    faults: list[_Fault]
    ticket: Mapping[str, Any]
    # Tells first line and title of the rule that a line of a file belongs to, and the text of the line.
    rule_at: Callable[[str, int], tuple[int, str, str]]

    @classmethod
    def decided(cls, rules: RuleSet, decision: Decision, ticket: Mapping[str, Any], *, as_kept: bool = False) -> _Side:
        """Return what rules decide.

        `as_kept`: as it can be compared with a kept decision, where long values are cut, and faults are not known by
        the text of their line.
        """
        texts = {source.filename: source for source in rules.sources} if decision.faults and not as_kept else {}
        faults: list[_Fault] = []
        for fault in decision.faults:
            message = to_json_safe(fault.message)
            by_line = fault.file in texts and not message.startswith(NOT_TEXT)
            text = texts[fault.file].line(fault.line).strip() if by_line else ""
            told = {"type": fault.type, "message": message, "file": fault.file, "line": fault.line}
            faults.append(((fault.kind, fault.type, message, text), told))
        return cls(
            variables=to_json_safe(decision.action_variables, None if as_kept else Room(ROOM_ITEMS, ROOM_CHARACTERS)),
            refused=to_json_safe(decision.refused),
            changes=(
                {"variable": change.variable, "file": change.file, "line": change.line} for change in decision.changes
            ),
            faults=faults,
            ticket=ticket,
            rule_at=partial(_rule_of, rules),
        )

    @classmethod
    def kept(cls, decision: Mapping[str, Any], ticket: Mapping[str, Any]) -> _Side:
        """Return what a kept decision tells."""
        return cls(
            variables=decision["action_variables"],
            refused=decision.get("refused"),
            changes=decision.get("changes", []),
            faults=[
                ((fault["kind"], fault["type"], fault["message"], ""), fault) for fault in decision.get("faults", [])
            ],
            ticket=ticket,
            rule_at=partial(_kept_rule_of, [*decision.get("fired", []), *decision.get("not_fired", [])]),
        )

    def value(self, variable: str) -> Any:
        """Return the last value of a variable; of a refusal for a fault, its text without the place, which may move."""
        value = self.variables.get(variable)
        fault = self._refused_for()
        if variable == "exception" and fault is not None and isinstance(value, str):
            return value.removesuffix(_place_text(fault))
        return value

    def by(self) -> dict[str, By]:
        """Return where variables have their values from; what is not in it is from the ticket or from a default."""
        places = {change["variable"]: (change["file"], change["line"]) for change in self.changes}
        fault = self._refused_for()
        if fault is not None:
            places["exception"] = fault["file"], fault["line"]
        return {variable: self.line(*place) for variable, place in places.items()}

    def line(self, file: str, line: int) -> list[Any]:
        """Return a line with the rule that it belongs to."""
        first, title, text = self.rule_at(file, line)
        return [_cut(file, 0), line, first, _cut(title, 0), text]

    def origin(self, variable: str) -> By:
        """Return where a variable has its value from that no rule set."""
        given = self.ticket.get(variable)
        if given is None and variable == "msg":
            given = self.ticket.get("message")
        return TICKET if given is not None else DEFAULT

    def _refused_for(self) -> Mapping[str, Any] | None:
        """Return the fault for which the ticket is refused, if it is for one."""
        if self.refused is None or not self.faults:
            return None
        fault = self.faults[0][1]
        return fault if self.refused.endswith(_place_text(fault)) else None


def _rule_of(rules: RuleSet, file: str, line: int) -> tuple[int, str, str]:
    for number, program in enumerate(rules.programs):
        if program.filename == file:
            rule = rules.rule((number, program.statement_at(line, 1)))
            return rule.line, rule.title, program.source.line(line).strip()
    return line, "", ""


def _kept_rule_of(rules: Iterable[Mapping[str, Any]], file: str, line: int) -> tuple[int, str, str]:
    above = [(rule["line"], rule["title"], "") for rule in rules if rule["file"] == file and rule["line"] <= line]
    return max(above, default=(line, "", ""))


def _place_text(fault: Mapping[str, Any]) -> str:
    return f" ({fault['file']}, line {fault['line']})"


def _difference(old: _Side, new: _Side, known_as: str | None) -> dict[str, Any] | None:
    """Return what differs between two sides of one ticket, None where nothing does."""
    # A kept decision may be of a time with fewer variables.
    names = [name for name in new.variables if name in old.variables]
    values = {name: (old.value(name), new.value(name)) for name in names}
    changed = {name: pair for name, pair in values.items() if not same(*pair)}
    faults = list(_changed_faults(old, new))
    if not changed and not faults:
        return None
    return {
        "id": known_as and _cut(known_as, 0),
        "subject": _cut(_text(old.variables.get("subject")), 0),
        "refused": [old.refused is not None, new.refused is not None],
        "parts": [*_changed_values(old, new, changed), *faults],
    }


def _changed_values(old: _Side, new: _Side, changed: Mapping[str, tuple[Any, Any]]) -> list[dict[str, Any]]:
    """Return the variables that change, those together that the same rules set."""
    old_by, new_by = old.by(), new.by()
    parts: dict[str, list[dict[str, Any]]] = {}
    for name, pair in changed.items():
        by = old_by.get(name) or old.origin(name), new_by.get(name) or new.origin(name)
        rules = [side if isinstance(side, str) else (side[0], side[2]) for side in by]
        change = {"variable": name, "values": _shown(*pair), "old_by": by[0], "new_by": by[1]}
        parts.setdefault(repr(rules), []).append(change)
    return [{"changes": changes, "fault": None} for changes in parts.values()]


def _changed_faults(old: _Side, new: _Side) -> Iterator[dict[str, Any]]:
    """Yield the faults of one side that the other one has not, or not as often."""
    for became, mine, other in (("gone", old, new), ("new", new, old)):
        left = Counter(key for key, _ in other.faults)
        for key, fault in mine.faults:
            left[key] -= 1
            if left[key] < 0:
                at = mine.line(fault["file"], fault["line"])
                told = {"became": became, "type": fault["type"], "message": _cut(fault["message"], 0), "at": at}
                yield {"changes": [], "fault": told}


def _shown(old: Any, new: Any) -> list[Any]:
    """Return two values, cut where they are long so that it shows how they differ."""
    if not isinstance(old, str) or not isinstance(new, str):
        shown = [_brief(old), _brief(new)]
        if shown != [old, new] and isinstance(old, dict) and isinstance(new, dict):
            # What fits is of more use where it is what differs.
            shown = [_brief(_differing(old, new)), _brief(_differing(new, old))]
        return shown
    differs = next((place for place, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    start = min(len(old), len(new)) if differs is None else differs
    start = start - SHOWN_BEFORE if max(len(old), len(new)) > SHOWN_CHARACTERS and start > SHOWN_BEFORE else 0
    return [_cut(old, start), _cut(new, start)]


def _differing(mapping: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items of a mapping that another one has not."""
    return {key: value for key, value in mapping.items() if key not in other or not same(value, other[key])}


def _brief(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value, 0)
    return to_json_safe(value, Room(items=SHOWN_ITEMS, characters=4 * SHOWN_CHARACTERS))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(_brief(value))


def _cut(text: str, start: int) -> str:
    """Return a text from `start` on, as long as may be shown, with what is left out marked."""
    end = start + SHOWN_CHARACTERS
    return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")
