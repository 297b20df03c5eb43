"""Bodies as Halo's JSON reader takes them, and its words for what it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.emulator.client import create, signed_in

pytestmark = pytest.mark.anyio


NOT_INTEGER = "Could not convert string to integer"
UNEXPECTED = "Unexpected character encountered while parsing value"


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ('{"agent_id": "abc"}', [("agent_id", f"{NOT_INTEGER}: abc.", 1, 19)]),
        ('{"agent_id": ""}', [("agent_id", f"{NOT_INTEGER}: .", 1, 16)]),
        ('{"priority_id": "95.0"}', [("priority_id", f"{NOT_INTEGER}: 95.0.", 1, 23)]),
        ('{"agent_id": "99999999999"}', [("agent_id", f"{NOT_INTEGER}: 99999999999.", 1, 27)]),
        ('{\n "site_id": 83.0}', [("site_id", "Input string '83.0' is not a valid integer.", 2, 16)]),
        (
            '{"id": 4294967296}',
            [("id", "JSON integer 4294967296 is too large or small for an Int32.", 1, 18)],
        ),
        ('{"user_id": true}', [("user_id", f"{UNEXPECTED}: t.", 1, 17)]),
        ('{"summary": ["x"]}', [("summary", f"{UNEXPECTED}: [.", 1, 18)]),
        ('{"_novalidate": "no"}', [("_novalidate", "Could not convert string to boolean: no.", 1, 21)]),
        ('{"assets": [{"id": 500}, {"id": "x"}]}', [("assets[1].id", f"{NOT_INTEGER}: x.", 1, 36)]),
        (
            '{"agent_id": "a", "team_id": "b"}',
            [("agent_id", f"{NOT_INTEGER}: a.", 1, 17), ("team_id", f"{NOT_INTEGER}: b.", 1, 33)],
        ),
    ],
)
async def test_a_value_of_the_wrong_type(fields: str, errors: list[tuple[str, str, int, int]]) -> None:
    """Every value that does not convert is named by its path, with its place in the body."""
    async with signed_in() as client:
        answer = await client.post("/api/Tickets", content=f"[{fields}]")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            f"[0].{path}": [f"{message} Path '[0].{path}', line {line}, position {position}."]
            for path, message, line, position in errors
        },
    )


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("agent_id", "33", 33),
        ("agent_id", " 33 ", 33),
        ("AGENT_ID", 33, 33),
        ("agent_id", None, 20),
        ("summary", 5, "5"),
        ("summary", True, "true"),
        ("priority_id", "+1", 1),
    ],
)
async def test_values_that_convert(name: str, value: Any, stored: Any) -> None:
    """Numbers may travel as text and texts as numbers; names go in any case; null counts as left out."""
    async with signed_in() as client:
        ticket = await create(client, **{name: value})
    assert ticket[name.lower()] == stored


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[{]",
        b"[NaN]",
        b'[{"customfields": [{"id": 1, "value": 1e999}]}]',
        b"[" * 5_000,
    ],
    ids=["empty", "no JSON", "no UTF-8", "broken", "NaN", "infinite", "deep"],
)
async def test_a_body_that_is_no_json(body: bytes) -> None:
    """What cannot be read is a 400, never a crash."""
    async with signed_in() as client:
        answer = await client.post("/api/Tickets", content=body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"": ["Unexpected character encountered while parsing value."]},
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[]", "A non-empty request body is required."),
        ('"x"', "Cannot deserialize the current JSON value because the type requires a JSON array."),
    ],
)
async def test_a_body_without_objects(body: str, message: str) -> None:
    """An array with at least one object is wanted."""
    async with signed_in() as client:
        answer = await client.post("/api/Tickets", content=body)
    assert (answer.status_code, answer.json()) == (400, {"": [message]})


async def test_an_array_of_something_else() -> None:
    """Whatever is no object is named by its index."""
    async with signed_in() as client:
        answer = await client.post("/api/Tickets", json=[{"summary": "x"}, 5])
    assert (answer.status_code, list(answer.json())) == (400, ["[1]"])


async def test_half_a_surrogate_pair() -> None:
    """Text that no encoding can carry is replaced, and reads back everywhere."""
    async with signed_in() as client:
        body = rb'[{"summary": "a\ud83d b \ud83d\ude00", "customfields": [{"id": 202, "value": "\udc00"}]}]'
        ticket = (await client.post("/api/Tickets", content=body)).json()
        assert (ticket["summary"], ticket["customfields"][1]["value"]) == ("a\ufffd b 😀", "\ufffd")
        assert (await client.get("/")).status_code == 200


async def test_unknown_fields_are_ignored() -> None:
    """A field that Halo does not know makes no difference."""
    async with signed_in() as client:
        ticket = await create(client, tema="x", utcoffset="noise", files=None)
    assert "tema" not in ticket
