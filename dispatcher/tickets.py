"""The ticket variables, in one table, and how a ticket as received becomes their first values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dispatcher.lang.measuring import SCALARS
from dispatcher.lang.schema import Schema, Variable, VariableKind
from dispatcher.plain import to_json_safe, to_plain

# What the sender knows of the user and the computer. Text, '' when unknown.
READ_ONLY = (
    Variable(
        "selections",
        "text",
        writable=False,
        doc="text of the radio buttons and check boxes that the user chose",
    ),
    Variable("name", "text", writable=False, doc="the user's name"),
    Variable("email", "text", writable=False, doc="the user's e-mail address"),
    Variable("ip", "text", writable=False, doc="IP address of the computer"),
    Variable("mac", "text", writable=False, doc="MAC address of the computer"),
    Variable("hostname", "text", writable=False, doc="host name of the computer"),
    Variable("business_name", "text", writable=False, doc="the client's name when known"),
)

# What rules set. `None` until a default or a rule gives a value, and then Halo's own default applies.
ACTIONS = (
    Variable(
        "priority",
        "any",
        writable=True,
        doc="Halo priority: its name, or its number within the ticket type's SLA",
    ),
    Variable("state", "any", writable=True, doc="Halo status: name or id"),
    Variable("team", "any", writable=True, doc="team name"),
    Variable("ticketType", "any", writable=True, doc="ticket type: name or id"),
    Variable("agent", "any", writable=True, doc="agent: name, e-mail or id; `Unassigned` is an agent"),
    Variable("category_1", "any", writable=True, doc="category path, levels joined by `>`: `Hardware>Desktop`"),
    Variable("category_2", "any", writable=True, doc="second category"),
    Variable("category_3", "any", writable=True, doc="third category"),
    Variable("category_4", "any", writable=True, doc="fourth category"),
    Variable("impact", "any", writable=True, doc="whole number, lower is more severe"),
    Variable("urgency", "any", writable=True, doc="whole number, lower is more severe"),
    Variable("subject", "any", writable=True, doc="ticket title; default: the first 50 characters of the message"),
    Variable("msg", "text", writable=True, doc="what the user typed; also known as `message`"),
    Variable("append", "text", writable=True, doc="text added by scripts on the computer; goes below the message"),
    Variable("priv_append", "text", writable=True, doc="text added to the private note"),
    Variable("customfield", "mapping", writable=True, doc="Halo custom field id or API name -> value"),
    Variable("exception", "any", writable=True, doc="non-empty text refuses the ticket; the sender gets the text"),
)

# What scripts written for other ticket systems set beside the variables above.
FOREIGN = frozenset({"board", "item", "problem_type", "queue", "subtype", "type"})

TICKET_SCHEMA = Schema(variables=ACTIONS + READ_ONLY, aliases={"message": "msg"}, foreign=FOREIGN)

# Lines of text that a list of the sender's becomes at the most.
LONGEST_LIST = 1000
# Longest subject that is made of the message.
SUBJECT_LENGTH = 50


def first_values(
    ticket: Mapping[str, Any], schema: Schema, defaults: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the variables' first values for a ticket as received, and the keys that are no variable.

    A value the sender gave comes first, then the default, then '' for text and None for what rules set.
    """
    given = dict(ticket)
    keys = tuple(given)
    for alias, name in schema.aliases.items():
        if alias in given:
            given.setdefault(name, given[alias])
    values: dict[str, Any] = {}
    for variable in schema.variables:
        name = variable.name
        value = given.get(name)
        if value is None:
            value = defaults[name] if name in defaults else _unset(variable)
        if type(value) is not str:
            value = _as_text(value) if variable.kind == "text" else to_plain(value)
        values[name] = value
    if not isinstance(values["customfield"], dict):
        values["customfield"] = {}
    if values["subject"] is None:
        values["subject"] = subject_of(values["msg"])
    aliases = schema.aliases
    # What Python callers pass as a key may be anything; as JSON it is text.
    return values, tuple([str(key) for key in keys if aliases.get(key, key) not in values])


def _given_text(value: Any, unset: Any) -> Any:
    return _as_text(value if value is not None else unset)


def _given_any(value: Any, unset: Any) -> Any:
    return to_plain(value if value is not None else unset)


def _given_mapping(value: Any, unset: Any) -> Any:
    plain = _given_any(value, unset)
    return plain if isinstance(plain, dict) else {}


# What a variable of each kind holds for a value of a ticket, or for one that is unset where the ticket says None.
GIVEN: Mapping[VariableKind, Callable[[Any, Any], Any]] = {
    "text": _given_text,
    "any": _given_any,
    "mapping": _given_mapping,
}


def _unset(variable: Variable) -> Any:
    if variable.kind == "mapping":
        return {}
    return "" if variable.kind == "text" or not variable.writable else None


def settle(given: dict[str, Any], schema: Schema) -> None:
    """Make of a ticket's values what nobody can change later and rules take alike, by the variables' own names."""
    for key, value in list(given.items()):
        if type(value) not in SCALARS:
            variable = schema.find(key)
            if variable is None:
                given[key] = None
            else:
                given[key] = _as_text(value) if variable.kind == "text" else to_plain(value)
    for alias, name in schema.aliases.items():
        if alias in given:
            given.setdefault(name, given[alias])


def made_subject(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the subject of a ticket that has none."""
    message = given.get("msg")
    return subject_of(_as_text(message if message is not None else defaults.get("msg")))


def subject_of(message: str) -> str:
    """Return the first 50 characters of a message, cut at a word boundary, with white space folded."""
    folded = " ".join(message[: SUBJECT_LENGTH * 2].split())
    if len(folded) <= SUBJECT_LENGTH + 1 and len(message) > SUBJECT_LENGTH * 2:
        folded = " ".join(message[: SUBJECT_LENGTH * 40].split())
    if len(folded) <= SUBJECT_LENGTH:
        return folded
    cut = folded.rfind(" ", 0, SUBJECT_LENGTH + 1)
    return folded[: cut if cut > 0 else SUBJECT_LENGTH]


def _as_text(value: Any) -> str:
    """Return a sender's value as text: a list one line each, anything else as it would be written in JSON."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list | tuple):
        return lines_of(value)
    return "" if value is None else _item_text(value)


def lines_of(items: list[Any] | tuple[Any, ...]) -> str:
    """Return a sender's list as text, one line for each item."""
    items = items[:LONGEST_LIST]
    try:
        return "\n".join(items)
    except TypeError:
        return "\n".join(map(_item_text, items))


def _item_text(item: Any) -> str:
    return str.__str__(item) if isinstance(item, str) else str(to_json_safe(item))
