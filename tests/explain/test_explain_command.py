"""`dispatcher explain` through its front door: what an admin reads, and what a program gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher.cli import main

RULES = """\
# VIP clients
vips = {'Contoso Ltd.': '2nd Line', 'Adatum': 'Desk'}
if business_name in vips:
    team = vips[business_name]
    priority = 'High'
# Printers
if 'Printer' in msg and 'urgent' in msg.lower():
    team = 'Hardware'
elif 'print' in subject.lower() and not (hostname.startswith('SRV') or email.endswith('@contoso.com')):
    category_1 = 'Hardware>Printer'
# Supplies
for word in ['scanner', 'toner']:
    if word in msg:
        priv_append += word
# Broken
if len(msg) > 10:
    agent = msg[1000]
# Everything has a team
team = team or 'Desk'
if team == 'Hardware':
    priority = 'High'
"""
FIRED = {"msg": "My Printer is urgent", "email": "a@contoso.com", "business_name": "Adatum", "hostname": "PC1"}
MISSED = {"msg": "My printer is URGENT, the tonr is out", "email": "a@contoso.com", "business_name": "contoso ltd."}
NOW = ["--now", "2026-03-02T17:45+01:00"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder with rules and tickets, without settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vip.rules").write_text(RULES)
    (tmp_path / "fired.json").write_text(json.dumps(FIRED))
    (tmp_path / "missed.json").write_text(json.dumps(MISSED))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fired", ["--ticket", "fired.json"]),
        ("missed", ["--ticket", "missed.json"]),
        ("why", ["--ticket", "fired.json", "--why", "team"]),
        ("why-not", ["--ticket", "missed.json", "--why-not", "10"]),
        ("why-not-loop", ["--ticket", "missed.json", "--why-not", "14"]),
    ],
)
def test_what_an_admin_reads(
    name: str, arguments: list[str], golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Values with their lines, what was overwritten and by whom, and the first false part of what did not fire."""
    assert main(["explain", "vip.rules", *arguments, *NOW]) == 0
    golden(f"explain/{name}.txt", capsys.readouterr().out)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return the explanation as data."""
    assert main(["explain", "vip.rules", *arguments, *NOW, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_ticket_on_a_line_of_a_history(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """FILE:LINE opens one ticket of many."""
    (folder / "history.ndjson").write_text(f"{json.dumps(FIRED)}\n{json.dumps({'ticket': MISSED})}\n")

    assert told(capsys, "--ticket", "history.ndjson:2") == told(capsys, "--ticket", "missed.json")


def test_a_ticket_with_what_was_kept_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An envelope in a file is opened: its ticket, what was looked up for it, and when it came in."""
    ticket = {name: value for name, value in MISSED.items() if name != "business_name"}
    envelope = {
        "ticket": ticket,
        "looked_up": {"business_name": MISSED["business_name"]},
        "received_at": "2026-03-02T17:45:00+01:00",
    }
    (folder / "kept.json").write_text(json.dumps(envelope))

    assert main(["explain", "vip.rules", "--ticket", "kept.json", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == told(capsys, "--ticket", "missed.json")


def test_a_history_is_explained_line_by_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One explanation a line with the ticket's place; a line without a ticket is told, and the rest goes on."""
    (folder / "history.ndjson").write_text(f"{json.dumps(FIRED)}\nnonsense\n{json.dumps(MISSED)}\n")

    assert main(["explain", "vip.rules", "--tickets", "history.ndjson", *NOW]) == 2
    output = capsys.readouterr()
    found = [json.loads(line) for line in output.out.splitlines()]
    assert [one.pop("place") for one in found] == ["history.ndjson:1", "history.ndjson:3"]
    assert found == [told(capsys, "--ticket", "fired.json"), told(capsys, "--ticket", "missed.json")]
    assert output.err == "dispatcher: history.ndjson:2: not JSON: Expecting value at column 1\n"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--ticket", "none.json"], 2, "none.json: cannot be read: No such file or directory"),
        (["--ticket", "fired.json", "--why", "temm"], 2, "tickets have no variable `temm`; did you mean `team`?"),
        (["--ticket", "fired.json", "--why-not", "99"], 2, "there is no rule at line 99; the nearest begin at "),
        (["--ticket", "fired.json", "--why-not", "a.rules:3"], 2, "there is no rule at a.rules, line 3"),
        (["--ticket", "vip.rules:3"], 2, "vip.rules:3: not JSON"),
        (["--ticket", "fired.json:3"], 2, "fired.json:3: the file has no ticket on that line"),
    ],
)
def test_what_cannot_be_explained_is_told(
    arguments: list[str], code: int, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong name, line or file gives exit code 2 and says what there is."""
    assert main(["explain", "vip.rules", *arguments]) == code
    assert capsys.readouterr().err.startswith(f"dispatcher: {error}")


def test_rules_with_errors_are_not_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and the diagnostics."""
    (folder / "vip.rules").write_text("team = tema\n")

    assert main(["explain", "vip.rules", "--ticket", "fired.json"]) == 1
    assert "nothing is called `tema`" in capsys.readouterr().err
