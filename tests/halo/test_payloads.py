"""What is sent for a decided ticket, and its preview."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from dispatcher.halo.note import SubmissionError
from dispatcher.halo.payloads import (
    Content,
    content,
    custom_fields,
    html_of,
    html_within,
    is_unset,
    marked,
    note_body,
    preview,
    ticket_body,
    update_body,
)

WORDS = Content("Printer", "It burns", ())


def test_a_body_has_what_is_set_and_nothing_else() -> None:
    """Every field of the decision and of the settings goes out under Halo's name."""
    fields = {
        "tickettype_id": 1,
        "status_id": 2,
        "priority_id": 3,
        "sla_id": 1,
        "team": "2nd Line",
        "agent_id": 31,
        "category_1": "Hardware>Printer",
        "category_2": None,
        "impact": 1,
        "urgency": 2,
        "customfields": [{"id": 201, "value": "x"}],
    }
    body = ticket_body(
        "t-1",
        WORDS,
        fields,
        client_id=12,
        site_id=83,
        user_id=7,
        asset_id=501,
        source=24,
        novalidate=True,
        dont_do_rules=True,
    )
    assert body == {
        "summary": "Printer",
        "details_html": "It burns",
        "tickettype_id": 1,
        "status_id": 2,
        "priority_id": 3,
        "sla_id": 1,
        "team": "2nd Line",
        "agent_id": 31,
        "category_1": "Hardware>Printer",
        "impact": 1,
        "urgency": 2,
        "customfields": [{"id": 201, "value": "x"}],
        "client_id": 12,
        "site_id": 83,
        "user_id": 7,
        "assets": [{"id": 501}],
        "third_party_id_string": "t-1",
        "source": 24,
        "_novalidate": True,
        "dont_do_rules": True,
    }


def test_the_smallest_body_is_unassigned() -> None:
    """Without an agent the ticket is sent as unassigned, and what is not set is left to Halo."""
    assert ticket_body("t-1", Content("x", "", ()), {}, client_id=None, site_id=None, user_id=7, asset_id=None) == {
        "summary": "x",
        "agent_id": 1,
        "user_id": 7,
        "third_party_id_string": "t-1",
    }


def test_text_that_nobody_can_store_is_replaced() -> None:
    """Half surrogates, control signs and infinities do not reach the wire; whole pairs and line breaks do."""
    fields = {"customfields": [{"name": "CFa", "value": ["a\x00b", "\ud83d\ude00", "\ud83d!", float("inf")]}]}
    body = ticket_body("t-1", WORDS, fields, client_id=1, site_id=1, user_id=1, asset_id=None)
    assert body["customfields"] == [{"name": "CFa", "value": ["a�b", "😀", "�!", "inf"]}]
    json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def test_a_note_is_private() -> None:
    """The note is hidden from the user and sends no e-mail."""
    assert note_body(1001, {"outcome_id": 7}, "<p>x</p>") == {
        "ticket_id": 1001,
        "outcome_id": 7,
        "hiddenfromuser": True,
        "sendemail": False,
        "note_html": "<p>x</p>",
    }


def test_text_becomes_html_that_shows_it() -> None:
    """Signs of HTML are escaped, and every kind of line break stays one."""
    assert html_of('a <b> & "c"\r\nd\re\nf') == "a &lt;b&gt; &amp; &quot;c&quot;<br>d<br>e<br>f"


def test_the_details_are_message_and_append() -> None:
    """Appended text stands below the message; numbers are text too."""
    words = content({}, {"subject": 12, "msg": "It <burns>\n", "append": "host: <x>"})
    assert words == Content("12", "It &lt;burns&gt;<br><br>host: &lt;x&gt;", ())


def test_words_that_are_no_text_fall_back() -> None:
    """No text is reported; the default, the received message or the start of the message stands in."""
    ticket = {"message": "Printer on fire"}
    variables = {"subject": ["a"], "msg": {"b": 1}, "append": ("c",)}
    assert content(ticket, variables, {"append": "standard text"}) == Content(
        "Printer on fire",
        "Printer on fire<br><br>standard text",
        (
            SubmissionError("msg", {"b": 1}, "a dict is no text", "Printer on fire"),
            SubmissionError("append", ("c",), "a tuple is no text", "standard text"),
            SubmissionError("subject", ["a"], "a list is no text", "Printer on fire"),
        ),
    )


def test_a_ticket_always_has_a_summary_that_fits() -> None:
    """An empty ticket has a summary; a long subject is cut, its lines folded into one."""
    assert content({}, {}).summary == "(no subject)"
    assert content({}, {"subject": " ", "msg": "Printer\n on fire"}).summary == "Printer on fire"
    assert content({}, {"subject": "a\nb " + "c" * 300}).summary == "a b " + "c" * 250 + "…"


@pytest.mark.parametrize("sign", ["x", "<", "'", "\n", "é", " "])
def test_a_long_body_is_cut_to_fit(sign: str) -> None:
    """Whatever HTML makes of the signs, the body fits; its last line says that it is cut, and where the whole is."""
    for room in (500, 501, 507):
        html = html_within(f"a{sign * 1_000}a", room, "message", "t-1")
        notice = "[cut: this message has 1002 characters; dispatcher keeps the whole under t-1]"
        assert html.endswith(f"<br><br>{notice}")
        cost = len(html_of(f"a{sign}a")) - 2
        assert html.strip() == html
        assert len(html) <= room
        if sign.strip():
            assert room - cost < len(html)


def test_message_and_append_share_the_room() -> None:
    """A long message leaves half of the room to what scripts append, and all that they do not need is used."""
    long, short = "m" * 5_000, "a" * 100
    both = content({}, {"msg": long, "append": "a" * 5_000}, longest=2_000).details_html
    assert (len(both), both.count("m") > 800, both.count("a") > 800) == (2_000, True, True)
    first = content({}, {"msg": long, "append": short}, longest=2_000).details_html
    assert (len(first), first.endswith("<br><br>" + short)) == (2_000, True)
    second = content({}, {"msg": "m" * 100, "append": "a" * 5_000}, longest=2_000).details_html
    assert (len(second), second.startswith("m" * 100 + "<br><br>a")) == (2_000, True)
    assert content({}, {"msg": "m" * 2_000}, longest=2_000).details_html == "m" * 2_000


def test_the_mark_of_a_summary_always_fits() -> None:
    """The title gives way, never the reference in it."""
    assert marked("Printer", "t-1") == "Printer [t-1]"
    assert marked("x" * 255, "t-1") == "x" * 248 + "… [t-1]"


def test_long_and_nameless_custom_fields() -> None:
    """A very long text is cut, and says so; what stands under no name is not sent."""
    cut = "x" * 10_000 + " … [cut: 10000 of 20000 characters are not shown]"
    assert custom_fields({"CFa": "x" * 20_000, " ": 1}) == [{"name": "CFa", "value": cut}]


def test_a_change_has_its_ticket_and_what_is_set() -> None:
    """A change always has the ticket's id; words go out only where the variables have some."""
    fields = {"status_id": 2, "team": None, "agent_id": None}
    variables: dict[str, Any] = {"subject": "New", "msg": None}
    assert update_body(7, variables, content({}, variables), fields) == {"id": 7, "summary": "New", "status_id": 2}
    variables = {"subject": ["x"], "msg": "m"}
    assert update_body(7, variables, content({}, variables), {}) == {"id": 7, "details_html": "m"}


def test_custom_fields_are_named_or_numbered() -> None:
    """Digits are an id, all else is an API name; None sets nothing; only a mapping will do."""
    assert custom_fields({"201": "x", 202: [1], " CFa ": False, "203": None}) == [
        {"id": 201, "value": "x"},
        {"id": 202, "value": [1]},
        {"name": "CFa", "value": False},
    ]
    assert [custom_fields(value) for value in (None, [1], "x")] == [None, None, None]


def test_unset_is_none_empty_or_blank() -> None:
    """0 and False are values, blank text is none."""
    values: list[object] = [None, "", " \n", {}, 0, False, "x", [1]]
    assert [value for value in values if not is_unset(value)] == [
        0,
        False,
        "x",
        [1],
    ]


def test_the_preview_shows_names_and_the_note(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """A dry run sees the ticket with names in place of ids, and the note as text."""
    shown = preview(ticket, decision)
    assert shown is not None
    assert shown["ticket"] == {
        "summary": "**EMERGENCY** The printer",
        "details_html": "The printer is on fire!<br>Please help &amp; hurry",
        "tickettype": "Incident",
        "status": "New",
        "priority": "High",
        "team": "1st line support",
        "agent": "Unassigned",
        "category_1": "Hardware > Printer",
        "impact": 2,
        "urgency": "1",
        "customfields": [
            {"id": 201, "value": "https://report.test/1"},
            {"name": "CFproblemType", "value": "MRI"},
        ],
        "user": "Dan.Jump@contoso.com",
        "asset": "contoso-lt-1",
    }
    assert shown["note"].startswith("Report Summary\n  Name | Dan Jump\n  E-mail | Dan.Jump@contoso.com\n")
    json.dumps(shown, allow_nan=False)


def test_a_refused_ticket_has_no_preview(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """Nothing would be sent for it."""
    assert preview(ticket, decision | {"refused": "Please call us."}) is None


def test_a_preview_needs_no_heavy_library() -> None:
    """A dry run imports neither the HTTP nor the validation library."""
    code = "import sys, dispatcher.halo.payloads; print([m for m in ('httpx', 'pydantic') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
