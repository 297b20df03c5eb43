"""The private note: its parts, its two renderings, and finding it again."""

from __future__ import annotations

from typing import Any

from dispatcher.halo.note import SubmissionError, carries_reference, sections, shown, to_html, to_text

ERRORS = (
    SubmissionError("team", "Tier <1>", "`Tier <1>` is no team in Halo", "1st Line Support"),
    SubmissionError("state", 0, "`0` is no status in Halo"),
)
REMARKS = ("Halo has no user with the e-mail eve@example.com.",)

TEXT = """\
Report Summary
  Name | Dan Jump
  E-mail | Dan.Jump@contoso.com
  Business | Contoso Ltd.
  Host name | contoso-lt-1
  IP address | 10.0.0.7
  MAC address | 00-11-22-33-44-55
  Selections | This is an emergency
    Printer <2nd floor>
  dispatcher-reference: t-1

Rules
  vip.rules:3 | Emergencies <first>
  Rules revision abc123

Changes
  Variable | From | To | Rule
  priority | None | High | vip.rules:4

Rules with Faults
  caps.rules:9 | This rule was left out. ZeroDivisionError: division by zero

[Submission Errors]
  Field | Value | Reason | Filed Instead
  team | Tier <1> | `Tier <1>` is no team in Halo | 1st Line Support
  state | 0 | `0` is no status in Halo | Halo's default

Remarks
  Halo has no user with the e-mail eve@example.com.

Further Values of the Ticket
  site_code | A7

Added by Scripts and Rules
  disk: <90%>"""


def test_the_note_tells_everything_in_order(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """Who and where, what the rules did, what could not be filed, and what scripts added."""
    assert to_text(sections(ticket, decision, ERRORS, REMARKS, "t-1")) == TEXT


def test_the_html_escapes_every_value(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """What users, scripts and rules wrote is text in the note, never markup."""
    html = to_html(sections(ticket, decision, ERRORS, REMARKS, "t-1"))
    assert "<h4>[Submission Errors]</h4><table><tr><th>Field</th>" in html
    assert "<td>Selections</td><td>This is an emergency<br>Printer &lt;2nd floor&gt;</td>" in html
    assert "<tr><td>vip.rules:3</td><td>Emergencies &lt;first&gt;</td></tr>" in html
    assert "<td>Tier &lt;1&gt;</td>" in html
    assert "<tr><td>disk: &lt;90%&gt;</td></tr>" in html
    ticket |= dict.fromkeys(ticket, "<script>alert('x')</script>")
    assert "<script" not in to_html(sections(ticket, decision, ERRORS, ["<script>"], "<script>"))


def test_a_quiet_ticket_has_a_short_note() -> None:
    """Parts with nothing to say are left out."""
    assert to_text(sections({"email": "a@b.c"}, {"action_variables": {}})) == (
        "Report Summary\n  E-mail | a@b.c\n\nRules\n  No rule fired.\n  Rules revision"
    )


def test_long_values_are_cut_and_say_so(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """A value never floods the note; how much is missing stands beside it."""
    assert shown("x" * 1000) == "x" * 300 + " … [cut: 700 of 1000 characters are not shown]"
    decision["action_variables"]["priv_append"] = "y" * 20_000
    decision["changes"] *= 60
    note = to_text(sections(ticket, decision))
    assert note.endswith("y [cut: 10000 of 20000 characters are not shown]".replace("y ", "y … "))
    assert "\n  … and 10 more\n" in note


def test_values_look_as_in_a_rule() -> None:
    """Text is shown as it is, an empty one by its quotes, other values as a rule writes them."""
    assert [shown(value) for value in ("a b", "", None, True, 2.0, ["ä"], {"k": 1})] == [
        "a b",
        "''",
        "None",
        "True",
        "2.0",
        '["ä"]',
        '{"k": 1}',
    ]


def test_a_note_is_known_by_its_reference(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """The reference is found in the HTML, and in text that Halo made of it; a longer one is another."""
    html = to_html(sections(ticket, decision, reference="t-1"))
    assert carries_reference(html, "t-1")
    assert carries_reference("MAC 00-11\r\ndispatcher-reference:\n t-1\r\nRules", "t-1")
    assert carries_reference(to_html(sections({}, decision, reference="a&b")), "a&b")
    for other in ("t", "t-", "t-12", "1"):
        assert not carries_reference(html, other)
    assert not carries_reference("dispatcher-reference: t-1.2", "t-1")
    assert not carries_reference("", "t-1")


def test_a_long_note_keeps_what_matters(ticket: dict[str, Any], decision: dict[str, Any]) -> None:
    """Below any limit the marker and the submission errors stay; the rest says how much of it is missing."""
    decision["changes"] *= 50
    decision["action_variables"]["priv_append"] = "&" * 2_000
    errors = [SubmissionError("team", f"Tier {number}", "no team") for number in range(10)]
    whole = to_html(sections(ticket, decision, errors, REMARKS, "t-1"))
    assert "[cut:" not in whole
    for longest in (2_500, 5_000, len(whole) - 1):
        html = to_html(sections(ticket, decision, errors, REMARKS, "t-1"), longest)
        assert len(html) <= longest
        assert carries_reference(html, "t-1")
        assert all(f"<td>Tier {number}</td>" in html for number in range(10))
        assert "&amp; … [cut]</td></tr></table>" in html


def test_the_marker_has_room_before_all_else() -> None:
    """Whatever fills the note, in whatever length, its reference can be found again."""
    decision = {"action_variables": {"priv_append": "p" * 50}, "revision": "abc"}
    for length in range(1, 2_400, 7):
        html = to_html(sections({"name": '"' * 300, "selections": "x" * length}, decision, (), (), "t-1"), 2_000)
        assert len(html) <= 2_000
        assert carries_reference(html, "t-1")


def test_what_is_too_long_is_cut_and_not_left_out() -> None:
    """The longest cells are cut to the room that is left, so that each value begins in the note."""
    decision = {"action_variables": {"priv_append": '"' * 9_990}, "revision": "abc"}
    errors = [SubmissionError(f"category_{level}", "v" * 300, "r" * 9_000) for level in range(1, 4)]
    for longest, rest in ((2_000, 60_000), (10_000, 60_000), (60_000, 60_000)):
        html = to_html(sections({"name": "Bob"}, decision, errors, (), "t-1"), longest)
        assert longest * 0.75 <= len(html) <= min(longest, rest)
        assert [f"<td>category_{level}</td><td>vvvv" in html for level in range(1, 4)] == [True] * 3
        assert "<td>&quot;&quot;" in html
        assert html.count(" … [cut]</td>") >= 1


def test_rows_that_have_no_room_are_counted() -> None:
    """What could not be filed is left out last, and the number of the others stands in the note."""
    fired = [{"file": "vip.rules", "line": line, "title": "t" * 200} for line in range(40)]
    decision = {"action_variables": {}, "fired": fired, "revision": "abc"}
    errors = [SubmissionError("team", f"Tier {number}", "no team") for number in range(5)]
    html = to_html(sections({}, decision, errors, (), "t-1"), 2_000)
    assert len(html) <= 2_000
    assert all(f"<td>Tier {number}</td>" in html for number in range(5))
    assert html.count("<td>vip.rules:") == 5
    assert "<td>[cut: 36 more, which dispatcher keeps]</td>" in html
