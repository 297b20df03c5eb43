"""`dispatcher check --live` and `dispatcher halo snapshot`, as an admin uses them beside the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from dispatcher.cli import main
from service.emulator.app import create_emulator
from service.emulator.behaviour import Behaviour
from tests.service.bench import serving

RULES = """\
# Printers go to the network people
if 'printer' in msg:
    team = 'Infrastructure'
if team == 'Infrastructure':
    ticketType = 'Incident'
    priority = 'Critical'
"""
LOCK = {
    "version": 1,
    "names": {
        "priority": {"Critical": {"name": "Critical", "numbers": {"1": 1}}},
        "team": {"Infrastructure": {"id": 5, "name": "Infrastructure"}},
        "ticketType": {"Incident": {"id": 1, "name": "Incident"}},
    },
}


class Halo:
    """The emulator, in which an admin renames and deletes teams."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self.address = address
        self._tenant = app.state.emulator.tenant

    def rename(self, old: str, new: str) -> None:
        """Give a team another name; without one it is gone."""
        teams = [replace(team, name=new) if team.name == old else team for team in self._tenant.teams]
        self._tenant.teams = tuple(team for team in teams if team.name)


@pytest.fixture
def halo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Halo]:
    """An emulator that is served, to which the environment leads, and a working folder with rules."""
    app = create_emulator(behaviour=Behaviour(rate_limit=0))
    with serving(app) as address:
        monkeypatch.setenv("DISPATCHER_HALO_RESOURCE_SERVER", f"{address}/api")
        monkeypatch.setenv("DISPATCHER_HALO_AUTHORISATION_SERVER", f"{address}/auth")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "a.rules").write_text(RULES, encoding="utf-8")
        yield Halo(app, address)


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what was printed since the last time."""
    return lambda: capsys.readouterr().out


def lock() -> Any:
    """Return the lock file."""
    return json.loads(Path("rules/dispatcher.lock.json").read_text(encoding="utf-8"))


def test_names_that_halo_knows(halo: Halo, out: Callable[[], str]) -> None:
    """A first check writes the lock file; a second one leaves it alone."""
    looked = f"3 values of 1 file looked up in Halo at {halo.address}/api: no problems\n"

    assert main(["check", "--live", "rules"]) == 0
    assert out() == looked + "rules/dispatcher.lock.json: written; keep it with the rules\n"
    assert lock() == {**LOCK, "halo": f"{halo.address}/api"}
    assert main(["check", "--live", "rules"]) == 0
    assert out() == looked


def test_a_renamed_team(halo: Halo, out: Callable[[], str]) -> None:
    """A rename is told at each place, `--fix` writes the new name there and in the lock file, and then all is well."""
    main(["check", "--live", "rules"])
    halo.rename("Infrastructure", "Platform")
    out()

    assert main(["check", "--live", "rules"]) == 1
    assert out().split("\n\n")[0] == (
        "error[renamed-in-halo]: the team `Infrastructure` (id 5) is called `Platform` in Halo now\n"
        " --> rules/a.rules:3:12\n"
        "  |\n"
        "3 |     team = 'Infrastructure'\n"
        "  |            ^^^^^^^^^^^^^^^^\n"
        "help: write `Platform`"
    )
    assert main(["check", "--live", "--fix", "rules"]) == 0
    assert out().splitlines()[1:] == [
        "rules/a.rules: 2 names edited",
        "rules/dispatcher.lock.json: written; keep it with the rules",
    ]
    assert Path("rules/a.rules").read_text(encoding="utf-8") == RULES.replace("Infrastructure", "Platform")
    assert lock()["names"]["team"] == {"Platform": {"id": 5, "name": "Platform"}}
    assert main(["check", "--live", "rules"]) == 0


def test_a_deleted_team(halo: Halo, out: Callable[[], str]) -> None:
    """A deletion is an error that no edit mends, and stays one however often the lock file is updated."""
    main(["check", "--live", "rules"])
    halo.rename("Infrastructure", "")
    out()
    for more in ([], ["--fix"], ["--update-lock"], []):
        assert main(["check", "--live", "--format", "json", *more, "rules"]) == 1
        assert [(found["code"], found["line"], found["edits"]) for found in json.loads(out())] == [
            ("deleted-in-halo", 3, []),
            ("deleted-in-halo", 4, []),
        ]
    assert Path("rules/a.rules").read_text(encoding="utf-8") == RULES


def test_a_lock_of_another_halo(halo: Halo, out: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> None:
    """Its ids mean other records here, so that no rename is read out of them, let alone written."""
    path = Path("rules/dispatcher.lock.json")
    path.write_text(json.dumps({**LOCK, "halo": "https://other.test/api"}), encoding="utf-8")
    rules = Path("rules/a.rules").read_text(encoding="utf-8")

    assert main(["check", "--live", "--fix", "rules"]) == 2
    assert "this lock file is of https://other.test/api and not of http" in capsys.readouterr().err
    assert Path("rules/a.rules").read_text(encoding="utf-8") == rules
    assert main(["check", "--live", "--update-lock", "rules"]) == 0
    assert out()
    assert lock()["halo"] == f"{halo.address}/api"


def test_an_unknown_name_without_a_lock(halo: Halo, out: Callable[[], str]) -> None:
    """A name that was never known is unknown, the near ones are offered, and the lock file knows the others."""
    Path("rules/b.rules").write_text("team = 'Infrastucture'\n", encoding="utf-8")

    assert main(["check", "--live", "rules"]) == 1
    assert "`Infrastucture` is no team in Halo\n" in (said := out())
    assert "help: did you mean `Infrastructure`?\n" in said
    assert lock() == {**LOCK, "halo": f"{halo.address}/api"}


def test_errors_come_first(halo: Halo, out: Callable[[], str]) -> None:
    """Names are looked up in rules that can run; until then, their errors are told and nothing is written."""
    Path("rules/b.rules").write_text("team = 'A\n", encoding="utf-8")

    assert main(["check", "--live", "rules"]) == 1
    said = out().splitlines()
    assert said[0] == "error[unterminated-text]: this text is never closed"
    assert said[-2:] == ["1 error", "names are looked up in rules without errors; put these right first"]
    assert not Path("rules/dispatcher.lock.json").exists()


def test_a_snapshot_stands_in_for_halo(halo: Halo, out: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a snapshot the findings are those that Halo gives, and Halo is not asked."""
    Path("rules/b.rules").write_text("team = 'Infrastucture'\nagent = 'Greg Olsen'\ncategory_2 = 'Remote'\n")
    assert main(["halo", "snapshot"]) == 0
    assert out() == ("halo-snapshot.json: 7 teams, 9 agents, 7 statuses, 9 priorities, 6 ticket types, 31 categories\n")
    main(["check", "--live", "--format", "json", "rules"])
    from_halo = out()
    monkeypatch.setenv("DISPATCHER_HALO_RESOURCE_SERVER", "http://127.0.0.1:9/api")

    assert main(["check", "--live", "--format", "json", "--snapshot", "halo-snapshot.json", "rules"]) == 1
    assert out() == from_halo
    assert [found["code"] for found in json.loads(from_halo)] == ["unknown-in-halo", "inactive-in-halo"]


def test_past_tickets(halo: Halo, out: Callable[[], str]) -> None:
    """`--history` looks up what rules set on past tickets, which the rules alone do not tell."""
    Path("rules/a.rules").write_text("team = 'Desk ' + name\n", encoding="utf-8")
    Path("history.ndjson").write_text('{"name": "A"}\n{"ticket": {"name": "A"}}\nno json\n', encoding="utf-8")

    assert main(["check", "--live", "--history", "history.ndjson", "rules"]) == 1
    said = out()
    assert "`Desk A` is no team in Halo (`team` of 2 of 2 past tickets)\n" in said
    assert "0 values of 1 file, and those of 2 past tickets looked up in Halo" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--fix", "rules"], "--snapshot, --fix, --update-lock and --history go with --live"),
        (["check", "--live", "--fix", "-"], "rules from standard input cannot be edited; leave --fix out"),
        (
            ["check", "--live", "--snapshot", "none.json", "rules"],
            "none.json: cannot be read: No such file or directory; `dispatcher halo snapshot` writes one",
        ),
        (
            ["check", "--live", "--snapshot", "rules/a.rules", "rules"],
            "rules/a.rules: no snapshot: Invalid JSON: expected value at line 1 column 1; `dispatcher halo snapshot` "
            "writes one",
        ),
    ],
)
def test_wrong_use(halo: Halo, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be done is said in one line."""
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"dispatcher: {said}\n"


def test_halo_that_is_away(halo: Halo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """When Halo cannot be asked that is an error of the environment, in words, and nothing is written."""
    monkeypatch.setenv("DISPATCHER_HALO_AUTHORISATION_SERVER", "http://127.0.0.1:9/auth")

    assert main(["check", "--live", "rules"]) == 2
    assert capsys.readouterr().err.startswith("dispatcher: Fetching a token: 127.0.0.1 cannot be reached")
    assert not Path("rules/dispatcher.lock.json").exists()
