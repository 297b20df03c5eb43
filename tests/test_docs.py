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
    """Return a folder that holds the README's rule and ticket, and be in it."""
    (rules,) = blocks("python")
    (ticket,) = blocks("json")
    (tmp_path / "first.rules").write_text(rules, encoding="utf-8")
    (tmp_path / "ticket.json").write_text(ticket, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(command: str) -> str:
    """Return the output that the README prints below a command."""
    (block,) = (block for block in blocks("console") if block.startswith(f"$ dispatcher {command} "))
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


def test_the_readme_lists_every_variable() -> None:
    """Each ticket variable stands in the README's table."""
    listed = set(re.findall(r"`(\w+)`", README.partition("## The variables")[2].partition("## The house")[0]))

    missing = {name for name in TICKET_SCHEMA.names() if name not in listed}
    assert missing == {"category_2", "category_3"}, "category_1 .. category_4 is one line"


def test_the_language_reference_is_that_of_the_tables() -> None:
    """grammar/README.md is what `make reference` writes."""
    page = Path(__file__).parents[1] / "grammar" / "README.md"

    assert page.read_text(encoding="utf-8") == reference()
