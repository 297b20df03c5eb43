"""A Halo that answers otherwise than ours: the same tickets must come of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dispatcher.halo.requester import Known
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.writer import CreatedTicket, HaloWriter
from tests.halo.fake import FakeHalo, granted

pytestmark = pytest.mark.anyio

Data = Any


def each(data: Data, change: Callable[[Data], Data]) -> Data:
    """The data with every value in it changed, inner ones first."""
    if isinstance(data, dict):
        data = {key: each(value, change) for key, value in data.items()}
    elif isinstance(data, list):
        data = [each(value, change) for value in data]
    return change(data)


def in_capitals(data: Data) -> Data:
    """Names begin with a capital."""
    return {key[:1].upper() + key[1:]: value for key, value in data.items()} if isinstance(data, dict) else data


def numbers_as_text(data: Data) -> Data:
    """Numbers, and yes and no, are text."""
    return str(data) if isinstance(data, bool | int | float) else data


def numbers_as_doubles(data: Data) -> Data:
    """Whole numbers have a fraction."""
    return float(data) if type(data) is int else data


def with_nulls(data: Data) -> Data:
    """Fields that are not set are there, and more that nobody knows."""
    unset = dict.fromkeys(("inactive", "visible", "hidden", "name", "_warning", "sla_id", "surprise", "email", "note"))
    return {**unset, **data, "deep": [{"er": None}]} if isinstance(data, dict) else data


def in_arrays(data: Data) -> Data:
    """One object comes in an array."""
    return [data] if isinstance(data, dict) and "record_count" not in data and "access_token" not in data else data


def in_envelopes(data: Data) -> Data:
    """Arrays come in an envelope."""
    return {"record_count": len(data), "page_no": 1, "results": data} if isinstance(data, list) else data


def bare(data: Data) -> Data:
    """Envelopes are not there."""
    return next(value for value in data.values() if isinstance(value, list)) if "record_count" in data else data


SHAPES: dict[str, Callable[[Data], Data]] = {
    "as it is": lambda data: data,
    "capitals": lambda data: each(data, in_capitals),
    "text": lambda data: each(data, numbers_as_text),
    "doubles": lambda data: each(data, numbers_as_doubles),
    "nulls": lambda data: each(data, with_nulls),
    "arrays": in_arrays,
    "envelopes": in_envelopes,
    "bare": bare,
    "all at once": lambda data: each(each(each(in_envelopes(data), with_nulls), numbers_as_text), in_capitals),
}


class OtherHalo(httpx.AsyncBaseTransport):
    """Answers as the recorded one does, in another shape, with 200 for everything, compressed, behind a BOM."""

    def __init__(self, halo: FakeHalo, shape: Callable[[Data], Data]) -> None:
        self._halo = halo.transport()
        self._shape = shape

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._halo.handle_request(request)
        body = json.dumps(self._shape(json.loads(answer.content))).encode("utf-8-sig")
        headers = {"content-type": "text/plain; charset=utf-16", "content-encoding": "gzip"}
        return httpx.Response(200, headers=headers, content=gzip.compress(body))


async def story(halo: FakeHalo, way: httpx.AsyncBaseTransport, settings: HaloSettings, **given: Any) -> list[Any]:
    """All that the writer does, with what came of it."""
    writer = HaloWriter(settings, way)
    ticket, decision = given["ticket"], given["decision"]
    created = await writer.create_ticket("t-1", ticket, decision, defaults={}, claim=granted)
    note = await writer.add_note(1001, "t-1", ticket, decision, (), (), claim=granted)
    halo.answers["Tickets"] = lambda request: httpx.Response(
        200, json={"record_count": 1, "tickets": [{"id": 1001, "third_party_id_string": "t-1"}]}
    )
    halo.answers["Actions"] = lambda request: httpx.Response(
        200, json={"record_count": 1, "actions": [{"id": 3, "note": "dispatcher-reference: t-1"}]}
    )
    found = await writer.find_ticket("t-1"), await writer.find_note(1001, "t-1")
    known = await writer.known_of("alice@contoso.com")
    await writer.aclose()
    return [created, note, found, known, halo.sent("Tickets"), halo.sent("Actions")]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
async def test_another_shape_is_the_same_halo(
    settings: HaloSettings, ticket: dict[str, Any], decision: dict[str, Any], shape: Callable[[Data], Data]
) -> None:
    """Whatever shape the answers have, the same is understood, and the same is sent."""
    usual, other = FakeHalo(), FakeHalo()
    expected = await story(usual, usual.transport(), settings, ticket=ticket, decision=decision)
    assert expected[:4] == [CreatedTicket(1001, (), ()), 1001, (1001, 3), Known("Contoso Ltd.", "Alice")]
    assert await story(other, OtherHalo(other, shape), settings, ticket=ticket, decision=decision) == expected
