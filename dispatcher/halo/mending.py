"""What to do about a ticket that Halo's validation refuses: whose value it is about, and what to send instead.

Halo names one problem at a time, in words for people. A value that it does not take is replaced by its default,
and left out when that is refused, too; what is missing gets its default. When that does not help, Halo is asked
not to check mandatory fields, and at last all that is optional is left out. So each refusal changes what is
sent, and the number of tries is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from dispatcher.halo.note import SubmissionError
from dispatcher.halo.payloads import UNASSIGNED_ID, is_unset

# Variable -> its field in the body, and what Halo calls it in its words, in lower case.
_VARIABLES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ticketType": ("tickettype_id", ("ticket type", "tickettype", "request type", "requesttype")),
    "state": ("status_id", ("status",)),
    "priority": ("priority_id", ("priority", "sla", "service level")),
    "team": ("team", ("team", "section")),
    "agent": ("agent_id", ("agent", "technician", "assignee", "assigned")),
    **{
        f"category_{level}": (f"category_{level}", (f"category_{level}", f"category {level}", f"category{level}"))
        for level in range(1, 5)
    },
    "impact": ("impact", ("impact",)),
    "urgency": ("urgency", ("urgency",)),
    "customfield": ("customfields", ("customfields", "customfield", "custom field", "custom fields")),
    "subject": ("summary", ("summary", "subject")),
    "msg": ("details_html", ("details", "description")),
}
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "site": ("site",),
    "requester": ("user", "username", "users", "requester", "contact", "client", "customer", "company", "area"),
    "asset": ("asset", "assets", "device"),
    "source": ("source",),
    "category": ("category",),
}
_WORDS = {
    word: name
    for name, words in (*((name, words) for name, (_, words) in _VARIABLES.items()), *_OTHERS.items())
    for word in words
}
# Longer words first, so that `ticket type` is not read as something shorter. `_id` and `_name` belong to fields.
_MENTION = re.compile(
    rf"(?<![a-z0-9])({'|'.join(sorted(map(re.escape, _WORDS), key=len, reverse=True))})(?:_id|_name)?(?![a-z0-9_])",
    re.IGNORECASE,
)
# Names stand in other fields' values, too: what Halo quotes is no name of a field.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_MISSING = re.compile(r"must be|required|mandatory|missing", re.IGNORECASE)
# What is left of a ticket at last.
_LEAST = frozenset({"tickettype_id", "summary", "details_html", "client_id", "site_id", "user_id", "users_name"})
_SHORT_SUMMARY, _SHORT_DETAILS = 100, 2_000


class Level(IntEnum):
    """How much is asked of Halo, and left out for it."""

    AS_DECIDED = 0
    UNVALIDATED = 1
    LEAST = 2


class Mending:
    """The variables of one ticket as they are to be sent after what Halo has refused so far."""

    def __init__(self, variables: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.variables = dict(variables)
        self.level = Level.AS_DECIDED
        # What the note must tell.
        self.submission_errors: list[SubmissionError] = []
        self.remarks: list[str] = []
        # Fields to leave out of the body, whatever the variables say; fields to set.
        self.left_out: set[str] = set()
        self.given: dict[str, Any] = {}
        # Halo's words about a requester for whom another one must be found.
        self.requester_problem = ""
        self.longest_summary: int | None = None
        self.longest_details: int | None = None
        self._defaults = defaults
        self._defaulted: set[str] = set()

    def applied(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without what is to be left out."""
        mended = {**body, **self.given}
        for name in self.left_out:
            mended.pop(name, None)
        if self.level is Level.LEAST:
            keep = _LEAST | {"id", "third_party_id_string", "client_reference"}
            mended = {name: value for name, value in mended.items() if name in keep}
        if self.level > Level.AS_DECIDED:
            mended["_novalidate"] = True
        return mended

    def mend(self, problem: str, body: Mapping[str, Any], fallen_back: frozenset[str] = frozenset()) -> bool:
        """Change what is sent next, after Halo's words about this body; False: there is nothing left to change.

        `fallen_back` names the variables for which the body already has the default.
        """
        self._defaulted |= fallen_back
        return (
            any(self._mend(name, problem, body) for name in _blamed(problem))
            # A tenant's own fields go by labels that nobody knows here.
            or self._mend_custom_fields(problem, body)
            or self._ask_less(problem, body)
        )

    def leave_out_all(self, problem: str, body: Mapping[str, Any]) -> None:
        """Leave out all that is optional."""
        self.level = Level.LEAST
        for name, (field, _) in _VARIABLES.items():
            if field in body and field not in _LEAST and not is_unset(self.variables.get(name)):
                self._report(name, self.variables[name], problem)
        if "assets" in body:
            self.remarks.append(f"No asset is linked: Halo refused the ticket with it: {problem}")

    def _ask_less(self, problem: str, body: Mapping[str, Any]) -> bool:
        """Go one level further; False when nothing less can be asked."""
        if self.level is Level.LEAST:
            return False
        if self.level is Level.UNVALIDATED or body.get("_novalidate"):
            self.leave_out_all(problem, body)
            return True
        self.level = Level.UNVALIDATED
        blamed = next(_blamed(problem), "")
        if blamed in _VARIABLES:
            self._report(blamed, None, problem)
        else:
            self.remarks.append(f"Halo refused the ticket at first: {problem}")
        return True

    def _mend(self, name: str, problem: str, body: Mapping[str, Any]) -> bool:
        if name == "category":
            name = next((f"category_{level}" for level in range(1, 5) if f"category_{level}" in body), "category_1")
        if name == "customfield":
            return self._mend_custom_fields(problem, body)
        if name in ("subject", "msg"):
            return self._shorten(name, problem, body)
        if name in _VARIABLES:
            return self._mend_variable(name, problem, body)
        return self._mend_other(name, problem, body)

    def _mend_variable(self, name: str, problem: str, body: Mapping[str, Any]) -> bool:
        field, default = _VARIABLES[name][0], self._defaults.get(name)
        value = self.variables.get(name)
        sent = field in body
        if name not in self._defaulted and not is_unset(default) and not (sent and default == value):
            self._defaulted.add(name)
            self.variables[name] = default
            self._report(name, value if sent else None, problem, default)
            return True
        self._defaulted.add(name)
        if not sent or field in self.left_out:
            return False
        if name == "agent" and body[field] != UNASSIGNED_ID:
            self.variables[name] = None
            self._report(name, value, problem, "Unassigned")
            return True
        self.variables[name] = None
        self.left_out.add(field)
        if name == "priority":
            self.left_out.add("sla_id")
        self._report(name, value, problem)
        return True

    def _mend_custom_fields(self, problem: str, body: Mapping[str, Any]) -> bool:
        """Replace or leave out the fields that Halo's words name, else all; give one that is missing its default."""
        sent = self.variables.get("customfield")
        sent = dict(sent) if isinstance(sent, Mapping) and "customfields" in body else {}
        default = self._defaults.get("customfield")
        default = dict(default) if isinstance(default, Mapping) else {}
        named = _named_fields(problem, list(sent), body)
        missing = [key for key in _named_fields(problem, list(default), {}) if key not in sent]
        if not named and missing and "customfield" not in self._defaulted:
            self._defaulted.add("customfield")
            for key in missing:
                sent[key] = default[key]
                self._report("customfield", {key: None}, problem, {key: default[key]})
        elif named or (sent and re.search(r"custom ?field", problem, re.IGNORECASE) and not _MISSING.search(problem)):
            for key in named or list(sent):
                value, instead = sent.pop(key), default.get(key)
                if named and instead is not None and instead != value:
                    sent[key] = instead
                self._report("customfield", {key: value}, problem, {key: sent[key]} if key in sent else None)
        else:
            return False
        self.variables["customfield"] = sent
        return True

    def _shorten(self, name: str, problem: str, body: Mapping[str, Any]) -> bool:
        if name == "subject":
            if self.longest_summary is not None:
                return False
            self.longest_summary = _SHORT_SUMMARY
        else:
            if self.longest_details is not None or "details_html" not in body:
                return False
            self.longest_details = _SHORT_DETAILS
        self._report(name, self.variables.get(name), problem, "its beginning")
        return True

    def _mend_other(self, name: str, problem: str, body: Mapping[str, Any]) -> bool:
        if name == "asset" and "assets" in body:
            self.left_out.add("assets")
            self.remarks.append(f"No asset is linked: Halo refused it: {problem}")
            return True
        if name == "source" and "source" in body:
            self.left_out.add("source")
            self.remarks.append(f"The request source is not set: Halo refused it: {problem}")
            return True
        if name == "site" and "user_id" in body and "site_id" not in body and "site_id" not in self.given:
            # As the agents' screen says that there is none.
            self.given["site_id"] = 0
            self.remarks.append(f"No site is set: Halo asked for one: {problem}")
            return True
        if name in ("site", "requester") and "user_id" in body:
            self.requester_problem = problem
            self.given.pop("site_id", None)
            return True
        return False

    def _report(self, variable: str, value: Any, problem: str, replacement: Any = None) -> None:
        """Keep what the note tells of a variable: its first value, and the words and the replacement of last."""
        if variable != "customfield":
            for number, error in enumerate(self.submission_errors):
                if error.variable == variable:
                    value = error.value if error.value is not None else value
                    del self.submission_errors[number]
                    break
        self.submission_errors.append(SubmissionError(variable, value, f"Halo refused it: {problem}", replacement))


def _blamed(problem: str) -> Iterator[str]:
    """What Halo's words name, in their order, each once: variables, and what else a ticket has."""
    words = _QUOTED.sub(" ", problem)
    seen = set()
    for match in _MENTION.finditer(words):
        name = _WORDS[match[1].casefold()]
        if name not in seen:
            seen.add(name)
            yield name


def _named_fields(problem: str, keys: list[Any], body: Mapping[str, Any]) -> list[Any]:
    """Which of these custom fields Halo's words are about: by place, API name, id, or a label like the name."""
    place = re.search(r"customfields\[(\d+)\]", problem, re.IGNORECASE)
    if place and body:
        number = int(place[1])
        names = [str(field.get("id", field.get("name"))) for field in body.get("customfields", ())]
        return [key for key in keys if number < len(names) and str(key).strip().casefold() == names[number].casefold()]
    squeezed = _squeezed(problem)
    numbers = re.findall(r"\d+", problem)
    return [
        key
        for key in keys
        if str(key).strip() in numbers
        or (len(name := _squeezed(str(key)).removeprefix("cf")) > 2 and not name.isdecimal() and name in squeezed)
    ]


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
