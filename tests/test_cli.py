"""The command line through its front door: arguments in, output and exit code out."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RuleSet, check
from dispatcher.cli import main

RULES = """\
# VIPs first
if name is 'Dan Jump':
    priority = 1
if business_name == 'Fabrikam, Inc.':
    exception = 'Please call us.'
print('seen', tag)
"""
GOOD = "if 'printer' in msg:\n    team = 'Printers'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder, without settings."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put text on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_good_file_checks_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 and a line that says so."""
    (folder / "good.rules").write_text(GOOD)

    assert main(["check", "good.rules"]) == 0
    assert capsys.readouterr().out == "1 file: no problems\n"


def test_a_bad_file_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, each problem with place, mark and help, warnings among them, and a count."""
    (folder / "bad.rules").write_text("if name is 'Dan':\n\tteam = tema\nemail = 'x'\n")

    assert main(["check", "bad.rules"]) == 1
    assert capsys.readouterr().out == (
        "warning[is-with-literal]: `is` beside a literal compares by value here, as `==` does\n"
        " --> bad.rules:1:4\n  |\n1 | if name is 'Dan':\n  |    ^^^^^^^^^^^^^\n"
        "help: write `==`: `name == 'Dan'`\n\n"
        "error[unknown-name]: nothing is called `tema`\n"
        " --> bad.rules:2:9\n  |\n2 | \tteam = tema\n  | \t       ^^^^\n"
        "help: did you mean `team`?\n\n"
        "error[read-only-variable]: `email` is read-only: the user's e-mail address\n"
        " --> bad.rules:3:1\n  |\n3 | email = 'x'\n  | ^^^^^\n"
        "help: assign a variable with another name\n\n"
        "2 errors and 1 warning\n"
    )


def test_warnings_do_not_fail(folder: Path) -> None:
    """A file with warnings only has exit code 0."""
    (folder / "is.rules").write_text("if name is 'Dan': team = 1\n")

    assert main(["check", "is.rules"]) == 0


def test_a_folder_is_checked_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All *.rules files of a folder are checked, each under its own path."""
    (folder / "rules").mkdir()
    for name in ("b", "a"):
        (folder / "rules" / f"{name}.rules").write_text("team = nobody_knows\n")

    assert main(["check", "rules"]) == 1
    out = capsys.readouterr().out
    assert out.index(str(Path("rules/a.rules"))) < out.index(str(Path("rules/b.rules")))
    assert out.endswith("2 errors\n")


def test_standard_input_as_data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`check - --format json` prints the diagnostics of standard input."""
    given(monkeypatch, "team = tema\n")

    assert main(["check", "-", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == [d.to_dict() for d in check("team = tema\n", "<stdin>")]


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> Any:
    """Return what a dry run prints as data."""
    assert main(["run", *arguments, "--format", "json", "--now", "2026-03-02T09:30+00:00"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_as_data_is_the_decision(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`run --format json` prints exactly the decision, and what would be sent."""
    (folder / "r.rules").write_text(RULES)
    ticket = {"name": "Dan Jump", "email": "dan.jump@contoso.com", "msg": "help", "tag": "x1", "other": 2}
    (folder / "t.json").write_text(json.dumps(ticket))

    shown = run_json(capsys, "r.rules", "--ticket", "t.json", "--variables", "tag", code=0)

    sent = shown.pop("would_send")
    decision = RuleSet.load("r.rules", variables=["tag"]).decide(ticket).to_dict()
    assert shown == decision | {"received_at": "2026-03-02T09:30:00+00:00"}
    assert shown["unused_keys"] == ["other"]
    assert sent["ticket"] == {
        "summary": "help",
        "details_html": "help",
        "priority": 1,
        "agent": "Unassigned",
        "user": "dan.jump@contoso.com",
    }
    assert "other | 2" in sent["note"]


def test_a_refused_ticket_has_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal comes first, and nothing would be sent."""
    (folder / "r.rules").write_text(RULES)
    (folder / "t.json").write_text('{"business_name": "Fabrikam, Inc.", "tag": ""}')

    assert main(["run", "r.rules", "--ticket", "t.json", "--variables", "tag"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("REFUSED: Please call us.\n")
    assert "WOULD SEND TO HALO:\n  nothing: the ticket is refused\n" in out


def test_many_tickets_one_decision_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that is no ticket is told with its place and loses no other; the exit code tells of it."""
    (folder / "g.rules").write_text(GOOD)
    (folder / "t.ndjson").write_text('{"msg": "printer"}\n\n[1]\n{"msg": "x"\n{"msg": "mouse"}\n')

    assert main(["run", "g.rules", "--tickets", "t.ndjson"]) == 2
    captured = capsys.readouterr()
    assert [json.loads(line)["action_variables"]["team"] for line in captured.out.splitlines()] == ["Printers", None]
    assert captured.err == (
        'dispatcher: t.ndjson:3: a ticket is one JSON object, such as {"email": "...", "msg": "..."}\n'
        "dispatcher: t.ndjson:4: not JSON: Expecting ',' delimiter at line 2, column 1\n"
    )


def test_rules_with_errors_do_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and the diagnostics on standard error."""
    (folder / "bad.rules").write_text("team = (\n")
    (folder / "t.json").write_text("{}")

    assert main(["run", "bad.rules", "--ticket", "t.json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error[unclosed-bracket]: `(` is never closed\n --> bad.rules:1:8\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.rules", "--ticket", "t.json"], "none.rules: cannot be read: No such file or directory"),
        (["run", "g.rules", "--ticket", "none.json"], "none.json: cannot be read: No such file or directory"),
        (["run", "g.rules", "--ticket", "list.json"], "list.json: a ticket is one JSON object"),
        (["run", "g.rules", "--ticket", "deep.json"], "deep.json: the JSON nests too deep"),
        (["run", "-", "--ticket", "-"], "rules and tickets cannot both come from standard input"),
        (["check", "empty"], "empty: the folder has no *.rules files"),
        (["check", "latin.rules"], "latin.rules: not UTF-8 at byte 0; save the file as UTF-8"),
        (["check", "g.rules", "--variables", "msg"], "the variable `msg` cannot be declared: the name is taken"),
        (["check", "g.rules", "--config", "none.toml"], "none.toml: No such file or directory"),
    ],
)
def test_a_wrong_use_is_explained(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one line that says what is wrong."""
    (folder / "g.rules").write_text(GOOD)
    (folder / "t.json").write_text("{}")
    (folder / "list.json").write_text("[1]")
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "latin.rules").write_bytes(b"\xe4 = 1\n")
    (folder / "empty").mkdir()

    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"dispatcher: {message}")


def test_settings_in_the_folder_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is a dispatcher.toml, a dry run has its defaults and declared variables."""
    (folder / "dispatcher.toml").write_text('variables = ["tag"]\n[defaults]\nteam = "1st Line Support"\n')
    (folder / "r.rules").write_text(RULES)
    (folder / "t.json").write_text('{"tag": "x"}')

    shown = run_json(capsys, "r.rules", "--ticket", "t.json", code=0)

    assert (shown["action_variables"]["team"], shown["prints"]) == ("1st Line Support", "seen x\n")


def test_init_writes_settings_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`init` writes a file, and overwrites none."""
    assert main(["init"]) == 0
    assert (folder / "dispatcher.toml").read_text().startswith("# Settings of dispatcher.")
    assert main(["init"]) == 2
    assert capsys.readouterr().err == "dispatcher: dispatcher.toml exists already; name another file\n"


# --- as a process


def dispatcher(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a shell does."""
    command = [sys.executable, "-m", "dispatcher", *arguments]
    return subprocess.run(command, input=given, capture_output=True, encoding="utf-8", check=False)


def test_the_exit_codes_of_the_process(folder: Path) -> None:
    """0 is well, 1 is a problem of the rules or a refused ticket, 2 is a wrong use; errors go to standard error."""
    (folder / "good.rules").write_text(GOOD)
    (folder / "bad.rules").write_text("team = tema\n")

    well = dispatcher("run", "good.rules", "--ticket", "-", "--format", "json", given='{"msg": "my printer"}')
    wrong = dispatcher("check", "bad.rules")
    misused = dispatcher("run", "good.rules")

    assert (well.returncode, well.stderr) == (0, "")
    assert json.loads(well.stdout)["action_variables"]["team"] == "Printers"
    assert (wrong.returncode, wrong.stdout.splitlines()[0]) == (1, "error[unknown-name]: nothing is called `tema`")
    assert (misused.returncode, misused.stdout) == (2, "")
    assert misused.stderr.endswith("error: one of the arguments --ticket --tickets is required\n")


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    """A pipe that closes early ends the process quietly."""
    (folder / "many.rules").write_text("x = tema\n" * 200)
    command = [sys.executable, "-m", "dispatcher", "check", *["many.rules"] * 20]
    # Without buffers Python does not tell of a pipe that closed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.read(100)
    process.stdout.close()
    with process.stderr:
        told = process.stderr.read()

    assert (told, process.wait()) == (b"", 0)


def test_tickets_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--tickets -` reads lines as they come, whatever their ends."""
    Path("g.rules").write_text(GOOD)
    given(monkeypatch, '{"msg": "printer"}\r\n  \r\n{"msg": "é"}')

    assert main(["run", "g.rules", "--tickets", "-"]) == 0
    decisions = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [decision["action_variables"]["msg"] for decision in decisions] == ["printer", "é"]
    assert all(decision["would_send"]["ticket"]["summary"] for decision in decisions)


def test_rules_from_standard_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run -` reads rules with any line ends and a byte order mark, and names them <stdin>."""
    (folder / "t.json").write_text("{}")
    given(monkeypatch, "\ufeffif msg == '':\r\n\tteam = 'A'\r\n")

    shown = run_json(capsys, "-", "--ticket", "t.json", code=0)

    assert shown["changes"] == [{"variable": "team", "file": "<stdin>", "line": 2, "old": None, "new": "A"}]


def test_refused_tickets_among_many(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One refused ticket makes the exit code 1, and every ticket has its line."""
    (folder / "r.rules").write_text("if msg == 'no': exception = 'No.'\n")
    (folder / "t.ndjson").write_text('{"msg": "yes"}\n{"msg": "no"}\n{"msg": "yes"}\n')

    assert main(["run", "r.rules", "--tickets", "t.ndjson"]) == 1
    decisions = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["refused"], line["would_send"] is None) for line in decisions] == [
        (None, False),
        ("No.", True),
        (None, False),
    ]


def test_rules_with_errors_as_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`run --format json` tells errors of the rules as JSON on standard error, and prints no decision."""
    (folder / "bad.rules").write_text("team = tema\n")
    (folder / "t.json").write_text("{}")

    assert main(["run", "bad.rules", "--ticket", "t.json", "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [problem["code"] for problem in json.loads(captured.err)] == ["unknown-name"]


def test_several_files_are_checked_in_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` takes any number of files and tells of each under the name that it was given."""
    (folder / "a.rules").write_text("x = tema\n")
    (folder / "b.rules").write_text("state = 1\n")

    assert main(["check", "b.rules", "a.rules", "b.rules", "--format", "json"]) == 1
    assert [problem["file"] for problem in json.loads(capsys.readouterr().out)] == ["a.rules"]
    assert main(["check", "b.rules", "b.rules"]) == 0
    assert capsys.readouterr().out == "2 files: no problems\n"


@pytest.mark.parametrize("command", ["check", "run", "init", "serve", "halo-emulator", "demo"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` says what a command does, and the list of commands names it."""
    for arguments in ([command, "--help"], ["--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert command in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["check"], "the following arguments are required: FILE"),
        (["check", "a", "--format", "xml"], "invalid choice: 'xml'"),
        (["run", "a", "--ticket", "b", "--tickets", "c"], "not allowed with argument --ticket"),
        (["run", "a", "--ticket", "b", "--now", "noon"], "'noon' is no time; write it as 2026-03-02T17:45+01:00"),
    ],
)
def test_arguments_that_cannot_be_read(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong arguments end with exit code 2 and a line that says which."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "command", [["check", "-"], ["run", "-", "--ticket", "x.json"], ["explain", "-", "--ticket", "x"]]
)
def test_closed_standard_input_is_told(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that was started without standard input says so, and what to do."""
    monkeypatch.setattr(sys, "stdin", None)

    assert main(command) == 2
    assert capsys.readouterr().err == "dispatcher: standard input is closed; name a file\n"
