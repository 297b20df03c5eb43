"""What the documents say is so: the README's tour runs as printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.cli import main
from dispatcher.reference import reference
from dispatcher.tickets import TICKET_SCHEMA

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that holds the README's rules, ticket, tests and history, and be in it."""
    (rules,) = blocks("python")
    (ticket,) = blocks("json")
    (tmp_path / "first.rules").write_text(rules, encoding="utf-8")
    (tests,) = blocks("toml")
    (history,) = blocks("ndjson")
    (tmp_path / "ticket.json").write_text(ticket, encoding="utf-8")
    (tmp_path / "tests.toml").write_text(tests, encoding="utf-8")
    (tmp_path / "history.ndjson").write_text(history, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(command: str) -> str:
    """Return the output that the README prints below a command."""
    (block,) = (block for block in blocks("console") if block.startswith(f"$ dispatcher {command}"))
    return block.partition("\n")[2]


@pytest.mark.usefixtures("tour")
def test_the_dry_run_prints_what_the_readme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """The tour's dry run changes, fires and would send what the README says."""
    assert main(["run", "first.rules", "--ticket", "ticket.json"]) == 0

    assert shown("run") in capsys.readouterr().out


def test_the_broken_rule_earns_the_message_that_the_readme_shows(
    tour: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tour's misspelt variable is reported as the README says."""
    rules = tour / "first.rules"
    rules.write_text(rules.read_text(encoding="utf-8").replace("in msg.", "in mgs."), encoding="utf-8")

    assert main(["check", "first.rules"]) == 1

    assert capsys.readouterr().out == shown("check")


def edited(file: Path, old: str, new: str) -> str:
    """Return the text of a file with an edit that the README asks for."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.usefixtures("tour")
def test_the_tests_of_the_readme_pass() -> None:
    """The tests hold of the rules as they stand."""
    assert main(["test", "."]) == 0


def test_a_test_that_fails_prints_what_the_readme_shows(tour: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The wrong expectation is shown with the line that made it otherwise, and the coverage."""
    tests = tour / "tests.toml"
    tests.write_text(edited(tests, '"Critical"', '"High"'), encoding="utf-8")

    assert main(["test", ".", "--coverage"]) == 1

    assert capsys.readouterr().out == shown("test . --coverage")


@pytest.mark.usefixtures("tour")
@pytest.mark.parametrize("question", ["--why team", "--why-not 13"])
def test_the_explanation_is_what_the_readme_shows(question: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Why a variable is what it is, and why a line did not run."""
    assert main(["explain", "first.rules", "--ticket", "ticket.json", *question.split()]) == 0

    assert capsys.readouterr().out.startswith(shown(f"explain first.rules --ticket ticket.json {question}\n"))


def test_the_backtest_prints_what_the_readme_shows(tour: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The edited condition changes two of the four tickets."""
    new = edited(tour / "first.rules", "'printer' in", "'print' in")
    (tour / "new.rules").write_text(new, encoding="utf-8")

    assert main(["backtest", "new.rules", "--against", "first.rules", "--history", "history.ndjson"]) == 1

    assert capsys.readouterr().out == shown("backtest")


def test_the_readme_lists_every_variable() -> None:
    """Each ticket variable stands in the README's table."""
    listed = set(re.findall(r"`(\w+)`", README.partition("## The variables")[2].partition("## The house")[0]))

    missing = {name for name in TICKET_SCHEMA.names() if name not in listed}
    assert missing == {"category_2", "category_3"}, "category_1 .. category_4 is one line"


def test_the_language_reference_is_that_of_the_tables() -> None:
    """grammar/README.md is what `make reference` writes."""
    page = Path(__file__).parents[1] / "grammar" / "README.md"

    assert page.read_text(encoding="utf-8") == reference()
