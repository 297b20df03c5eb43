"""What holds for any request whatever."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from service.emulator.actions import ACTION
from service.emulator.directory import KINDS
from service.emulator.sanitise import plain_text, safe_html
from service.emulator.tickets import TICKET
from tests.service.emulator.client import create, signed_in

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.sampled_from([0, 1, 3, 7, 12, 81, 203, 500, 1001, "1", "203", "95.0", "Internal Note", "Hardware"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "value"]) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def bodies(names: list[str]) -> st.SearchStrategy[Any]:
    """Return bodies that are nearly what Halo wants."""
    return st.lists(st.dictionaries(st.sampled_from(names), values, max_size=6), max_size=2) | values


async def post(path: str, body: Any) -> tuple[int, set[int]]:
    """Return the answer's status, and those of everything that can be read afterwards."""
    async with signed_in() as client:
        await create(client)
        answer = await client.post(path, content=json.dumps(body))
        pages = ("/", "/emulator/tickets", "/api/Tickets", "/api/Tickets/1001", "/api/Actions", "/api/Tickets?search=a")
        return answer.status_code, {(await client.get(page)).status_code for page in pages}


@settings(max_examples=20, deadline=None)
@given(bodies(list(TICKET)))
def test_any_ticket_gets_an_answer(body: Any) -> None:
    """Whatever is posted as tickets is taken or refused, and what was taken can be read and shown."""
    status, after = anyio.run(post, "/api/Tickets", body)
    assert status in {201, 400, 404}
    assert after == {200}


@settings(max_examples=20, deadline=None)
@given(bodies(list(ACTION)))
def test_any_action_gets_an_answer(body: Any) -> None:
    """Whatever is posted as actions is taken or refused, and what was taken can be read and shown."""
    status, after = anyio.run(post, "/api/Actions", body)
    assert status in {201, 400, 404}
    assert after == {200}


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(f"/api/{kind.path}"), bodies(list(kind.shape)))))
def test_any_record_gets_an_answer(request: tuple[str, Any]) -> None:
    """Whatever is posted as clients, sites, users or assets is taken or refused, and tickets can still be read."""
    status, after = anyio.run(post, *request)
    assert status in {201, 400, 404}
    assert after == {200}


class _Elements(HTMLParser):
    """Collects what a browser would make of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


pieces = st.sampled_from(
    [
        *("<", ">", "</", "/>", "<!--", "-->", "<script", "<p", "<b>", "</b>", "<svg>", "</svg>", "<a href=", "&lt;"),
        *(
            '"',
            "'",
            "javascript:",
            " onclick=",
            "<td>",
            "</table>",
            "<style>",
            "&#60;",
            "x",
            " ",
            "=",
            "\x00",
            "<![CDATA[",
        ),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join))
def test_any_html_becomes_harmless(html: str) -> None:
    """Cleaned HTML is balanced, has nothing that runs, and cleaning it again changes nothing."""
    clean = safe_html(html)
    elements = _Elements()
    elements.feed(clean)
    elements.close()
    assert elements.open == []
    assert not elements.tags & {"script", "style", "svg", "iframe", "img", "form", "input", "link", "meta", "base"}
    assert elements.attributes <= {"href", "rel", "target", "colspan"}
    assert safe_html(clean) == clean
    assert "\n\n" not in plain_text(html)
