"""What to do about a ticket that Halo's validation refuses: what to send instead, so that it is filed after all.

Each refusal makes one change, which is taken back when Halo says the same again. In this order:

1. What the words name, the cheapest first: its default, else without it; then all that they name at once.
2. Without the check of mandatory fields, which costs the ticket nothing.
3. One group of fields after the other, the cheapest first: Halo may speak any language.
4. Less and less, and none of it comes back: first without all that is optional, at last the summary alone.

Whatever is given up stands in the private note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from dispatcher.halo.blame import blamed, is_missing, is_too_long, named_fields
from dispatcher.halo.note import SubmissionError
from dispatcher.halo.payloads import UNASSIGNED_ID, is_unset

_CATEGORIES = tuple(f"category_{level}" for level in range(1, 5))
# Variable -> its field in the body.
_FIELDS: Mapping[str, str] = {
    "ticketType": "tickettype_id",
    "state": "status_id",
    "priority": "priority_id",
    "team": "team",
    "agent": "agent_id",
    **{name: name for name in _CATEGORIES},
    "impact": "impact",
    "urgency": "urgency",
    "customfield": "customfields",
}
# What is left out together when nobody knows which one is at fault.
_GROUPS = (
    ("source", "asset", "customfield"),
    _CATEGORIES,
    ("urgency", "impact"),
    ("agent", "team"),
    ("state", "priority"),
    ("subject", "msg"),
    ("ticketType",),
)
# Of words that say the same again: times, trace ids, long numbers.
_PASSING = re.compile(r"\d{1,2}:\d\d(:\d\d)?|\b(?=[a-f-]*\d)[\da-f-]{8,}\b|\d{4,}", re.IGNORECASE)
_SHORT_SUMMARY, _SHORT_DETAILS = 100, 2_000
# By these a ticket is found again, or changed.
_KEYS = frozenset({"id", "third_party_id_string", "client_reference"})
_LEAST = _KEYS | {
    "agent_id",
    "dont_do_rules",
    "tickettype_id",
    "summary",
    "details_html",
    "client_id",
    "site_id",
    "user_id",
    "users_name",
}


class Requesting(IntEnum):
    """For whom the ticket is filed: as looked up, for the catch-all user, or for whom Halo chooses."""

    FOUND = 0
    CATCH_ALL = 1
    NOBODY = 2


@dataclass(frozen=True, slots=True)
class Changes:
    """How what is sent differs from what was decided, and what the note tells of it."""

    variables: Mapping[str, Any]
    left_out: frozenset[str] = frozenset()
    # When given, no other fields go out.
    kept: frozenset[str] | None = None
    site_is_none: bool = False
    unvalidated: bool = False
    requesting: Requesting = Requesting.FOUND
    requester_problem: str = ""
    shortened: frozenset[str] = frozenset()
    submission_errors: tuple[SubmissionError, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def longest_summary(self) -> int | None:
        """The limit of the summary, when it is not the usual one."""
        return _SHORT_SUMMARY if "subject" in self.shortened else None

    @property
    def longest_details(self) -> int | None:
        """The limit of the body's text, when it is not the usual one."""
        return _SHORT_DETAILS if "msg" in self.shortened else None

    def applied(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as it is to be sent."""
        mended = {
            name: value
            for name, value in body.items()
            if name not in self.left_out and (self.kept is None or name in self.kept)
        }
        if self.site_is_none and "user_id" in mended:
            # As the agents' screen says that there is none.
            mended["site_id"] = 0
        return mended | {"_novalidate": True} if self.unvalidated else mended

    def reporting(self, variable: str, value: Any, why: str, replacement: Any = None) -> Changes:
        """With what the note tells of a variable: its first value, and the words and the replacement of last."""
        others = self.submission_errors
        if variable != "customfield":
            earlier = [error for error in others if error.variable == variable]
            value = next((error.value for error in earlier if error.value is not None), value)
            others = tuple(error for error in others if error.variable != variable)
        return replace(self, submission_errors=(*others, SubmissionError(variable, value, why, replacement)))

    def remarking(self, remark: str) -> Changes:
        """With a remark for the note."""
        return replace(self, remarks=(*self.remarks, remark))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What was sent, and Halo's words about it. `fallen_back`: variables of which the body has the default."""

    problem: str
    body: Mapping[str, Any]
    changes: Changes
    fallen_back: frozenset[str]


class Mending:
    """The changes to one ticket after what Halo has refused so far."""

    def __init__(self, variables: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.changes = Changes(dict(variables))
        self._decided = dict(variables)
        self._defaults = dict(defaults)
        # What the last change, if it can be taken back, was an answer to; changes tried for which words.
        self._refusal: _Refusal | None = None
        self._tried: set[tuple[str, str]] = set()
        self._steps = iter(_STEPS)
        self._doubts: Counter[str] = Counter()

    def is_of(self, variables: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
        """Whether this is about the same values."""
        return self._decided == variables and self._defaults == defaults

    def mend(
        self,
        problem: str,
        body: Mapping[str, Any],
        fallen_back: frozenset[str] = frozenset(),
        *,
        in_doubt: bool = False,
        last: bool = False,
    ) -> bool:
        """Change what is sent next, after Halo's words about this body; False: there is nothing left to change.

        `in_doubt`: a try is dear, so groups are not tried. `last`: few are left.
        """
        gist = _gist(problem)
        if self._refusal is None or _gist(self._refusal.problem) != gist:
            self._refusal = _Refusal(problem, body, self.changes, fallen_back)
        refusal = self._refusal
        self.changes = refusal.changes
        for name, changes in () if last else self._alternatives(refusal, in_doubt):
            if (gist, name) not in self._tried and changes is not None:
                self._tried.add((gist, name))
                self.changes = changes
                return True
        # What is given up now stays so.
        self._refusal = None
        for step in self._steps:
            changes = step(refusal)
            if changes is not None:
                self.changes = changes
                return True
        return False

    def doubt(self, problem: str, body: Mapping[str, Any], fallen_back: frozenset[str] = frozenset()) -> None:
        """Hear of an answer that is a refusal, or a failure of Halo's own: the second time it is no accident."""
        gist = re.sub(r"\d+", "", _gist(problem))
        self._doubts[gist] += 1
        if self._doubts[gist] > 1:
            self.mend(problem, body, fallen_back, in_doubt=True)

    def _alternatives(self, refusal: _Refusal, in_doubt: bool) -> Iterator[tuple[str, Changes | None]]:
        """Changes by name, the cheapest first; None: it would change nothing."""
        named = _present(refusal)
        for name in named:
            yield from self._alternatives_to(name, refusal)
        # A tenant's own fields go by labels that nobody knows here.
        yield from self._alternatives_to_fields(refusal)
        if len(named) > 1:
            yield "named", _without(named, refusal, "it")
        if not (refusal.changes.unvalidated or refusal.body.get("_novalidate")):
            yield "unvalidated", _unvalidated(refusal, named)
        if not in_doubt:
            for group in _GROUPS:
                yield f"group {group[0]}", _without(group, refusal, "the ticket with it")
            yield from _alternatives_to_requester(refusal)

    def _alternatives_to(self, name: str, refusal: _Refusal) -> Iterator[tuple[str, Changes | None]]:
        if name == "customfield":
            yield from self._alternatives_to_fields(refusal)
            if is_missing(refusal.problem):
                return
        elif name in _FIELDS:
            yield f"default {name}", self._with_default(name, refusal)
        if name == "agent":
            yield "unassigned", _unassigned(refusal, f"Halo refused it: {refusal.problem}")
        yield f"without {name}", _without([name], refusal, "it")
        if name in ("site", "requester"):
            yield from _alternatives_to_requester(refusal)

    def _alternatives_to_fields(self, refusal: _Refusal) -> Iterator[tuple[str, Changes | None]]:
        default = self._defaults.get("customfield")
        yield "default fields", _with_fields(refusal, default if isinstance(default, Mapping) else {})
        yield "without fields", _with_fields(refusal, {})

    def _with_default(self, name: str, refusal: _Refusal) -> Changes | None:
        changes, default = refusal.changes, self._defaults.get(name)
        value, sent = changes.variables.get(name), _FIELDS[name] in refusal.body
        tried = name in refusal.fallen_back or (sent and value == default)
        if is_unset(default) or tried or _FIELDS[name] in changes.left_out:
            return None
        changes = replace(changes, variables={**changes.variables, name: default})
        return changes.reporting(name, value if sent else None, f"Halo refused it: {refusal.problem}", default)


def _gist(problem: str) -> str:
    """The words without what differs when Halo says the same again."""
    return _PASSING.sub("", problem)


def _alternatives_to_requester(refusal: _Refusal) -> Iterator[tuple[str, Changes | None]]:
    yield "catch-all", _for_another(refusal, Requesting.CATCH_ALL)
    yield "nobody", _for_another(refusal, Requesting.NOBODY)


def _with_fields(refusal: _Refusal, defaults: Mapping[Any, Any]) -> Changes | None:
    """Replace or leave out the custom fields that the words name; give one that is missing its default."""
    changes, why = refusal.changes, f"Halo refused it: {refusal.problem}"
    fields = _custom_fields(refusal)
    named = named_fields(refusal.problem, list(fields), refusal.body)
    for key in named or named_fields(refusal.problem, list(defaults), {}):
        value, instead = fields.pop(key, None), defaults.get(key)
        if instead is not None and instead != value:
            fields[key] = instead
        changes = changes.reporting("customfield", {key: value}, why, {key: fields[key]} if key in fields else None)
    if changes is refusal.changes:
        return None
    return replace(changes, variables={**changes.variables, "customfield": fields})


def _present(refusal: _Refusal) -> list[str]:
    """What the words name: of a category without a number, those that were sent; of lengths, the texts."""
    names = blamed(refusal.problem)
    if "category" in names:
        place = names.index("category")
        sent = [name for name in _CATEGORIES if name in refusal.body]
        missing = ["category_1"] if is_missing(refusal.problem) and "category_1" not in sent else []
        names[place : place + 1] = [name for name in (*missing, *sent) if name not in names]
    if is_too_long(refusal.problem) and not names:
        names = ["msg", "subject"]
    return names


def _unvalidated(refusal: _Refusal, named: Sequence[str]) -> Changes:
    changes = replace(refusal.changes, unvalidated=True)
    variable = next((name for name in named if name in _FIELDS), None)
    if variable is None or _FIELDS[variable] in refusal.body:
        return changes.remarking(f"Halo refused the ticket at first: {refusal.problem}")
    return changes.reporting(variable, None, f"Halo refused it: {refusal.problem}")


def _unassigned(refusal: _Refusal, why: str) -> Changes | None:
    if refusal.body.get("agent_id", UNASSIGNED_ID) == UNASSIGNED_ID:
        return None
    value, variables = refusal.changes.variables.get("agent"), {**refusal.changes.variables, "agent": None}
    return replace(refusal.changes, variables=variables).reporting("agent", value, why, "Unassigned")


def _for_another(refusal: _Refusal, whom: Requesting) -> Changes | None:
    if not refusal.body.keys() & {"user_id", "client_id"} or refusal.changes.requesting >= whom:
        return None
    return replace(refusal.changes, requesting=whom, requester_problem=refusal.problem, site_is_none=False)


def _without(names: Sequence[str], refusal: _Refusal, what: str) -> Changes | None:
    """Leave out what was sent of these; texts are cut."""
    changes, why = refusal.changes, f"Halo refused {what}: {refusal.problem}"
    for name in names:
        field = _FIELDS.get(name)
        if name == "customfield":
            changes = _without_custom_fields(replace(refusal, changes=changes), why, each=what == "it")
        elif name == "agent" and what != "it":
            # Without any, Halo would assign the API's own login.
            changes = _unassigned(replace(refusal, changes=changes), why) or changes
        elif field is not None and field in refusal.body:
            value = changes.variables.get(name)
            changes = replace(changes, variables={**changes.variables, name: None})
            # Of a priority, its SLA says what it means.
            gone = {field, "sla_id"} if name == "priority" else {field}
            changes = replace(changes, left_out=changes.left_out | gone)
            changes = changes if value is None else changes.reporting(name, value, why)
        elif name in ("subject", "msg"):
            changes = _shortened(name, refusal, changes, why)
        elif name == "asset" and "assets" in refusal.body:
            changes = replace(changes, left_out=changes.left_out | {"assets"})
            changes = changes.remarking(f"No asset is linked: {why}")
        elif name == "source" and "source" in refusal.body:
            changes = replace(changes, left_out=changes.left_out | {"source"})
            changes = changes.remarking(f"The request source is not set: {why}")
        elif name == "site" and "user_id" in refusal.body and refusal.body.get("site_id") != 0:
            changes = replace(changes, site_is_none=True)
            changes = changes.remarking(f"No site is set. Halo said: {refusal.problem}")
    return None if changes is refusal.changes else changes


def _shortened(name: str, refusal: _Refusal, changes: Changes, why: str) -> Changes:
    field, longest = {"subject": ("summary", _SHORT_SUMMARY), "msg": ("details_html", _SHORT_DETAILS)}[name]
    if len(refusal.body.get(field, "")) <= longest:
        return changes
    changes = replace(changes, shortened=changes.shortened | {name})
    return changes.reporting(name, changes.variables.get(name), why, "its beginning")


def _without_custom_fields(refusal: _Refusal, why: str, *, each: bool) -> Changes:
    fields, changes = _custom_fields(refusal), refusal.changes
    if not fields:
        return changes
    for told in [{key: value} for key, value in fields.items()] if each else [fields]:
        changes = changes.reporting("customfield", told, why)
    return replace(changes, variables={**changes.variables, "customfield": {}})


def _custom_fields(refusal: _Refusal) -> dict[Any, Any]:
    fields = refusal.changes.variables.get("customfield")
    return dict(fields) if isinstance(fields, Mapping) and "customfields" in refusal.body else {}


def _without_options(refusal: _Refusal) -> Changes | None:
    options = [name for group in _GROUPS for name in group if name not in ("subject", "msg", "ticketType")]
    changes = _without(options, refusal, "the ticket with it") or refusal.changes
    changes = replace(changes, kept=_LEAST, unvalidated=True)
    return changes.remarking(f"Halo refused the ticket at first: {refusal.problem}")


def _without_details(refusal: _Refusal) -> Changes | None:
    changes = replace(refusal.changes, kept=_KEYS | {"summary"}, shortened=frozenset({"subject"}))
    if "details_html" not in refusal.body:
        return changes
    return changes.reporting("msg", changes.variables.get("msg"), f"Halo refused the ticket with it: {refusal.problem}")


_STEPS: tuple[Callable[[_Refusal], Changes | None], ...] = (
    _without_options,
    lambda refusal: _without(["subject", "msg"], refusal, "the ticket with it"),
    lambda refusal: _for_another(refusal, Requesting.CATCH_ALL),
    lambda refusal: _without(["ticketType"], refusal, "the ticket with it"),
    lambda refusal: _for_another(refusal, Requesting.NOBODY),
    _without_details,
)
# So many tries at least it takes to come down to the summary.
LAST_TRIES = len(_STEPS)
