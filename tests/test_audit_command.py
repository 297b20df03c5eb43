"""`dispatcher audit` over a history, through the front door."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RuleSet
from dispatcher.cli import main

RULES = "# Desk\nif 'printer' in msg:\n    team = 'Desk'\n\n# Printers\nif 'printer' in msg:\n    team = 'Printers'\n"
PRINTER = {"msg": "the printer burns"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder with rules and without settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.rules").write_text(RULES, encoding="utf-8")
    return tmp_path


def history(folder: Path, *lines: Any, name: str = "h.ndjson") -> None:
    """Write a history."""
    folder.joinpath(name).write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of an `audit` command."""
    try:
        code = main(["audit", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return the data of an audit of the history, which finds nothing that it was told to fail on."""
    code, output, errors = run(capsys, "a.rules", "--history", "h.ndjson", "--format", "json", *arguments)
    assert (code, errors) == (0, "")
    data: dict[str, Any] = json.loads(output)
    return data


def at(received_at: str, ticket: dict[str, Any] | None = None, **further: Any) -> dict[str, Any]:
    """Return the envelope of a ticket that came in at a time."""
    return {"ticket": ticket or PRINTER, "received_at": received_at, **further}


def test_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names tickets by id, or by file and line, and says what cannot be read."""
    history(folder, at("2026-03-02T12:00:00+00:00", id="T1"), PRINTER, 7)
    assert run(capsys, "a.rules", "--history", "h.ndjson") == (
        0,
        f"""\
2 tickets from 2026-03-02 12:00 to 2026-03-02 12:00 (UTC)
rules {RuleSet.load("a.rules").revision[:12]}
1 ticket could not be read

HITS:
  2  100.0%  last 2026-03-02 12:00  a.rules:2  Desk
  2  100.0%  last 2026-03-02 12:00  a.rules:6  Printers

ALWAYS OVERWRITTEN:
  team of a.rules:2 Desk  2 tickets, such as T1, h.ndjson:2
    overwritten by a.rules:6 Printers
    leaving it out changes nothing on 2 tickets tried

RULES THAT DISAGREE:
  team  2 tickets, such as T1, h.ndjson:2
    wins   a.rules:6 Printers
    loses  a.rules:2 Desk
    the other way round, T1 would get 'Desk' and not 'Printers'

SUBMISSION ERRORS:
  not known: nothing here says what Halo took

""",
        "",
    )


def test_nothing_to_look_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no ticket is in the period, that is what is said."""
    history(folder, at("2020-03-02T12:00:00+00:00"), PRINTER)
    code, output, errors = run(capsys, "a.rules", "--history", "h.ndjson", "--days", "30")
    revision = RuleSet.load("a.rules").revision[:12]
    undated = "1 ticket left out: no time of arrival is known"
    assert (code, output, errors) == (0, f"no tickets to look at\nrules {revision}\n{undated}\n\n", "")


@pytest.mark.parametrize(
    ("arguments", "tickets"),
    [
        ((), 3),
        (("--since", "2026-03-02"), 2),
        (("--until", "2026-03-03T00:00Z"), 2),
        (("--since", "2026-03-02T00:00Z", "--until", "2026-03-03T00:00Z"), 1),
        (("--days", "2", "--now", "2026-03-05T00:00Z"), 1),
    ],
)
def test_period(folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], tickets: int) -> None:
    """Tickets count that came in from a time on, before a time, or in the last days."""
    history(folder, *(at(f"2026-03-0{day}T12:00:00Z") for day in (1, 2, 3)))
    assert found(capsys, *arguments)["tickets"] == tickets


def test_time_of_arrival(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ticket is decided as of its own time, with what was looked up for it."""
    rules = "import datetime\nif datetime.datetime.now().hour == 9 and business_name == 'Contoso':\n    team = 'A'\n"
    (folder / "a.rules").write_text(rules, encoding="utf-8")
    looked_up = {"business_name": "Contoso"}
    history(folder, at("2026-03-02T09:00:00+05:00", looked_up=looked_up), at("2026-03-02T10:00:00Z"))
    assert [one["examples"] for one in found(capsys)["rules"]] == [["h.ndjson:1"]]


def test_kept_decisions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was decided then counts, unless everything is to be decided anew."""
    decision = RuleSet.from_text("# Desk\nimpact = 1\n", filename="a.rules").decide(PRINTER).to_dict()
    history(folder, at("2026-03-02T12:00:00Z", decision=decision))
    assert [one["tickets"] for one in found(capsys)["rules"]] == [1, 0]
    assert [one["tickets"] for one in found(capsys, "--anew")["rules"]] == [1, 1]


def test_tickets_that_are_no_longer_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A decision counts without its ticket, but cannot be made anew."""
    decision = RuleSet.load("a.rules").decide(PRINTER).to_dict()
    history(folder, {"ticket": None, "decision": decision}, {"ticket": None})
    assert found(capsys)["skipped"] == {"not_kept": 1}
    assert found(capsys, "--anew")["skipped"] == {"not_kept": 2}


@pytest.mark.parametrize(
    "line",
    [
        {"ticket": {}, "decision": {"fired": 1}},
        {"ticket": {}, "received_at": "noon"},
        {"ticket": {}, "submission_errors": [{"variable": 1}]},
        [],
    ],
)
def test_unreadable_lines(folder: Path, capsys: pytest.CaptureFixture[str], line: Any) -> None:
    """What is no ticket, or no decision, is counted and no more."""
    history(folder, line, PRINTER)
    data = found(capsys)
    assert (data["tickets"], data["skipped"]) == (1, {"unreadable": 1})


def test_folder_and_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history may be a folder of files, or come in through a pipe."""
    (folder / "past").mkdir()
    history(folder / "past", PRINTER, name="1.ndjson")
    history(folder / "past", PRINTER, PRINTER, name="2.jsonl")
    text = json.dumps(PRINTER).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    outputs = [run(capsys, "a.rules", "--history", argument, "--format", "json")[1] for argument in ("past", "-")]
    assert [json.loads(output)["tickets"] for output in outputs] == [3, 1]


@pytest.mark.parametrize(
    ("kinds", "code"),
    [("overwritten", 1), ("order", 1), ("overwritten,faults", 1), ("faults", 0), ("not-fired,submission-errors", 0)],
)
def test_fail_on(folder: Path, capsys: pytest.CaptureFixture[str], kinds: str, code: int) -> None:
    """The exit code is 1 when something is found that one asked for."""
    history(folder, PRINTER)
    assert run(capsys, "a.rules", "--history", "h.ndjson", "--fail-on", kinds)[0] == code


def test_rules_with_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules with errors are told from findings by the exit code."""
    (folder / "a.rules").write_text("tema = team\n", encoding="utf-8")
    (folder / "b.rules").write_text("team = tema\n", encoding="utf-8")
    history(folder, PRINTER)
    code, output, errors = run(capsys, "b.rules", "--history", "h.ndjson")
    assert (code, output, errors.splitlines()[0]) == (2, "", "error[unknown-name]: nothing is called `tema`")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--history", "h.ndjson"), "dispatcher: which rules? write `dispatcher audit RULES --history FILE`\n"),
        (("-", "--history", "-"), "dispatcher: rules and tickets cannot both come from standard input\n"),
        (
            ("a.rules", "--days", "1", "--since", "2026-03-02"),
            "dispatcher: --days and --since both say from when on: give one of them\n",
        ),
        (
            ("a.rules", "--days", "99999", "--now", "0100-01-01T00:00Z"),
            "dispatcher: there was no time 99999 days before 0100-01-01T00:00:00+00:00\n",
        ),
        (("a.rules", "--history", "none"), "dispatcher: none: cannot be read: No such file or directory\n"),
    ],
)
def test_usage(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    """Arguments that do not fit each other are told in a sentence."""
    assert run(capsys, *arguments) == (2, "", said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", "0"), "'0' is no whole number from 1 to 99999"),
        (("--since", "0001-01-01"), "'0001-01-01' is not between the years 2 and 9998"),
        (("--now", "9999-12-31"), "'9999-12-31' is not between the years 2 and 9998"),
        (("--top", "many"), "'many' is no whole number from 1 to 99999"),
        (
            ("--fail-on", "fault"),
            "there is no 'fault'; write one or more of not-fired,overwritten,order,faults,no-rule,submission-errors",
        ),
    ],
)
def test_arguments(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    """An argument that is none is told with what would be one."""
    code, _, errors = run(capsys, *arguments)
    assert (code, errors.strip().endswith(said)) == (2, True), errors
