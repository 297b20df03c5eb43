"""A ticket as received gives the ticket variables their first values, and nothing of it is lost."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.lang.schema import Schema, Variable
from dispatcher.plain import to_json_safe, to_plain
from dispatcher.tickets import ACTIONS, READ_ONLY, TICKET_SCHEMA, first_values, subject_of
from tests.lang.strategies import PROPERTY

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("priority", "state", "team", "ticketType", "agent", "impact", "urgency", "exception")),
    **dict.fromkeys(("category_1", "category_2", "category_3", "category_4")),
    **dict.fromkeys(("msg", "append", "priv_append", "subject"), ""),
    **dict.fromkeys(("selections", "name", "email", "ip", "mac", "hostname", "business_name"), ""),
    "customfield": {},
}


def first(ticket: dict[Any, Any], **defaults: Any) -> dict[str, Any]:
    """Return the first values that are not those of an empty ticket."""
    values, _ = first_values(ticket, TICKET_SCHEMA, defaults)
    return {name: value for name, value in values.items() if value != NOTHING[name] or type(value) is bool}


def test_the_variables_are_those_of_the_manual() -> None:
    """Names, and which of them rules may write, are fixed: scripts of others rely on them."""
    assert [variable.name for variable in READ_ONLY] == [
        *("selections", "name", "email", "ip", "mac", "hostname", "business_name")
    ]
    assert [variable.name for variable in ACTIONS] == [
        *("priority", "state", "team", "ticketType", "agent", "category_1", "category_2", "category_3", "category_4"),
        *("impact", "urgency", "subject", "msg", "append", "priv_append", "customfield", "exception"),
    ]
    assert TICKET_SCHEMA.aliases == {"message": "msg"}
    assert [variable.writable for variable in (*READ_ONLY, *ACTIONS)] == [False] * 7 + [True] * 17


def test_an_empty_ticket_has_every_variable() -> None:
    """What the sender does not know is empty text; what rules set is None, and custom fields are an empty mapping."""
    assert first_values({}, TICKET_SCHEMA, {}) == (NOTHING, ())


GIVEN: dict[str, tuple[dict[Any, Any], dict[str, Any]]] = {
    "text": ({"name": "Dan", "team": "A"}, {"name": "Dan", "team": "A"}),
    "selections as a list": ({"selections": ["a", "b"]}, {"selections": "a\nb"}),
    "selections as text": ({"selections": "a, b"}, {"selections": "a, b"}),
    "selections that are no texts": ({"selections": [1, None, True, ["x"]]}, {"selections": "1\nNone\nTrue\n['x']"}),
    "a number where text is expected": ({"ip": 5, "name": 1.5}, {"ip": "5", "name": "1.5"}),
    "null": ({"name": None, "priority": None, "msg": None}, {}),
    "numbers of rules stay numbers": ({"priority": 0, "impact": 2, "urgency": False}, {"priority": 0, "impact": 2, "urgency": False}),
    "the other name of msg": ({"message": "hi"}, {"msg": "hi", "subject": "hi"}),
    "both names of msg": ({"message": "old", "msg": "new"}, {"msg": "new", "subject": "new"}),
    "msg that is null beside its other name": ({"message": "old", "msg": None}, {}),
    "a subject": ({"subject": "S", "msg": "hi"}, {"subject": "S", "msg": "hi"}),
    "an empty subject": ({"subject": "", "msg": "hi"}, {"msg": "hi"}),
    "custom fields": ({"customfield": {"CF1": [1]}}, {"customfield": {"CF1": [1]}}),
    "custom fields that are no mapping": ({"customfield": [1]}, {}),
    "keys that are no text": ({1: 2, None: 3}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("ticket", "expected"), GIVEN.values(), ids=GIVEN)
def test_what_the_sender_gave(ticket: dict[Any, Any], expected: dict[str, Any]) -> None:
    """Each value arrives in the kind that its variable has."""
    assert first(ticket) == expected


def test_a_value_of_the_sender_comes_before_a_default() -> None:
    """A default fills in what the sender did not give, also where that was null."""
    assert first({"team": "A", "state": None}, team="B", state="New", name="someone") == {
        "team": "A",
        "state": "New",
        "name": "someone",
    }


def test_keys_that_are_no_variable_are_named_in_order() -> None:
    """Unused keys are told, and cost the ticket nothing."""
    ticket: Any = {"tag": 1, "name": "Dan", 5: 2, "Team": 3}
    _, unused = first_values(ticket, TICKET_SCHEMA, {})

    assert unused == ("tag", "5", "Team")


def test_a_declared_variable_has_the_senders_value() -> None:
    """A further variable is what the sender gave, whatever it is, and empty text without."""
    schema = Schema((*TICKET_SCHEMA.variables, Variable("tag", "any", writable=False, doc="")))

    assert first_values({"tag": {"a": [1]}}, schema, {})[0]["tag"] == {"a": [1]}
    assert first_values({}, schema, {})[0]["tag"] == ""


def test_first_values_are_copies() -> None:
    """Rules may change what they get without changing the ticket or the defaults."""
    ticket = {"customfield": {"list": [1]}, "team": {1}}
    defaults = {"state": [1]}
    values, _ = first_values(ticket, TICKET_SCHEMA, defaults)

    values["customfield"]["list"].append(2)
    values["team"].add(2)
    values["state"].append(2)

    assert (ticket, defaults) == ({"customfield": {"list": [1]}, "team": {1}}, {"state": [1]})


SUBJECTS = {
    "short": ("Printer is broken", "Printer is broken"),
    "empty": ("", ""),
    "white space": (" \n\t ", ""),
    "lines": ("Printer\n  is\r\nbroken ", "Printer is broken"),
    "exactly as long": ("a" * 50, "a" * 50),
    "cut at a word": ("word " * 20, "word word word word word word word word word word"),
    "cut before a word that does not fit": ("a" * 45 + " bbbbbbbbbb", "a" * 45),
    "a word that ends at the limit": ("a" * 45 + " bbbb cc", "a" * 45 + " bbbb"),
    "one long word": ("a" * 80, "a" * 50),
    "a long message": ("x y " * 100_000, "x y " * 12 + "x"),
}


@pytest.mark.parametrize(("message", "subject"), SUBJECTS.values(), ids=SUBJECTS)
def test_a_subject_is_the_start_of_the_message(message: str, subject: str) -> None:
    """At most 50 characters, cut between words where there is a place, with white space folded."""
    assert subject_of(message) == subject


DECLARED = Schema((*TICKET_SCHEMA.variables, Variable("tag", "any", writable=False, doc="")), TICKET_SCHEMA.aliases)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from([*DECLARED.names(), "Team", "floor", 5, "5", None])


def text(value: Any) -> str:
    """Return a value as text, in the fewest words."""
    items = value[:1000] if isinstance(value, list) else [] if value is None else [value]
    return "\n".join(item if isinstance(item, str) else str(to_json_safe(item)) for item in items)


def model(ticket: dict[Any, Any], defaults: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return first values and unused keys as the manual says it, variable by variable."""
    values: dict[str, Any] = {}
    for variable in DECLARED.variables:
        names = [variable.name, *(alias for alias, name in DECLARED.aliases.items() if name == variable.name)]
        sent = next((ticket[name] for name in names if name in ticket), None)
        value = sent if sent is not None else defaults.get(variable.name)
        if value is None and variable.name not in defaults and not variable.writable:
            value = ""
        values[variable.name] = text(value) if variable.kind == "text" else to_plain(value)
    if not isinstance(values["customfield"], dict):
        values["customfield"] = {}
    if values["subject"] is None:
        values["subject"] = subject_of(values["msg"])
    return values, tuple(str(key) for key in ticket if key not in DECLARED.names())


@PROPERTY
@given(
    st.dictionaries(KEYS, VALUES, max_size=12), st.dictionaries(st.sampled_from(DECLARED.names()), VALUES, max_size=5)
)
def test_first_values_are_those_of_the_model(ticket: dict[Any, Any], defaults: dict[str, Any]) -> None:
    """Any ticket gives each variable what a plain reading of the manual gives it, with the same types, in order."""
    found, expected = first_values(ticket, DECLARED, defaults), model(ticket, defaults)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("value", [math.nan, [[["a"]]], {"a": 1}, object(), {1, 2}, b"x", float, [1 << 20_000]])
def test_a_value_of_any_kind_has_a_text(value: Any) -> None:
    """No value of a sender is too odd for a text variable."""
    assert isinstance(first_values({"name": value, "msg": value}, TICKET_SCHEMA, {})[0]["name"], str)
