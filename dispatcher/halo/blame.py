"""What Halo's words about a refused ticket name: ticket variables, and what else a ticket has.

Pure. Halo names one problem at a time, in words for people, and mentions other fields beside the one at fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What Halo calls it in its words, in lower case. In this order things are given up: first what is missed the least.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "source": ("source",),
    "asset": ("asset", "device", "configuration item"),
    "customfield": ("customfield", "custom field"),
    "category": ("category",),
    **{
        f"category_{level}": tuple(f"category{between}{level}" for between in ("", " ", "_", "id_", "_id_"))
        for level in range(1, 5)
    },
    "urgency": ("urgency",),
    "impact": ("impact",),
    "state": ("status",),
    "agent": ("agent", "technician", "assignee", "assigned"),
    "team": ("team", "section"),
    "priority": ("priority", "sla", "service level"),
    "subject": ("summary", "subject"),
    "msg": ("details", "description"),
    "ticketType": ("ticket type", "tickettype", "request type", "requesttype"),
    "site": ("site",),
    "requester": ("user", "enduser", "username", "requester", "contact", "client", "customer", "company", "area"),
}
_NAMES = {word: name for name, words in _WORDS.items() for word in words}
_COSTS = {name: cost for cost, name in enumerate(_WORDS)}
# Longer words first, so that `ticket type` is not read as something shorter. `_id` and `_name` belong to fields.
_MENTION = re.compile(
    rf"(?<![a-z0-9])({'|'.join(sorted(map(re.escape, _NAMES), key=len, reverse=True))})s?(?:_?id|_?name|_html)?"
    r"(?![a-z0-9_])",
    re.IGNORECASE,
)
# An apostrophe between letters is no quotation mark.
_QUOTED = re.compile(
    r"(?<!\w)'((?:[^']|(?<=\w)'(?=\w))*)'(?!\w)|\"([^\"]*)\"|`([^`]*)`|“([^”]*)”|«([^»]*)»|„([^“”]*)[“”]"
)
_MISSING = re.compile(r"must be|required|mandatory|missing", re.IGNORECASE)
_TOO_LONG = re.compile(r"too (long|large|big)|maximum (length|size)|exceed|truncated", re.IGNORECASE)


def blamed(problem: str) -> list[str]:
    """What the words name, what costs the least first; `category` stands for one of the four."""
    # Values are quoted, too, and a team may be called `Agent`: what is quoted counts when nothing else is named.
    for words in (_QUOTED.sub(" ", problem), problem):
        found = {_NAMES[match[1].casefold()] for match in _MENTION.finditer(words)}
        if found:
            if found & {f"category_{level}" for level in range(1, 5)}:
                found.discard("category")
            return sorted(found, key=_COSTS.__getitem__)
    return []


def is_missing(problem: str) -> bool:
    """Whether the words ask for a value, instead of refusing one."""
    return _MISSING.search(problem) is not None


def is_too_long(problem: str) -> bool:
    """Whether the words are about the length of something."""
    return _TOO_LONG.search(problem) is not None


def named_fields(problem: str, keys: list[Any], body: Mapping[str, Any]) -> list[Any]:
    """Which of these custom fields the words are about: by place in the body, API name, id, or a label like it."""
    sent = [str(field.get("id", field.get("name"))).casefold() for field in body.get("customfields", ())]
    places = [int(place) for place in re.findall(r"customfields\[(\d{1,9})\]", problem, re.IGNORECASE)]
    if places and sent:
        wanted = {sent[place] for place in places if place < len(sent)}
        return [key for key in keys if str(key).strip().casefold() in wanted]
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
