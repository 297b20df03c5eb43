"""Audits over the kept tickets: the REST interface, the command line, and what they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher import RuleSet
from dispatcher.audit import Period, Skipped, audit, cases_of
from dispatcher.cli import main
from service import audit_routes
from service.database import Database, to_text
from service.history import kept_history
from service.intake import new_id
from service.store import Arrival, Stage, State, Store
from service.versions import RuleSettings, Versions
from tests.service.bench import application, started
from tests.service.fakes import FakeHalo
from tests.service.kept import set_row

RULES = "# Desk\nif 'printer' in msg:\n    team = 'Desk'\n\n# Printers\nif 'printer' in msg:\n    team = 'Printers'\n"
HERE = RuleSet.from_text(RULES, filename="a.rules")


@pytest.fixture
def store(any_database: Database) -> Store:
    """A store in an empty database."""
    return Store(any_database)


def keep(
    store: Store,
    ticket: dict[str, Any] | None = None,
    *,
    ruleset: RuleSet | None = None,
    days_ago: float = 0,
    errors: list[dict[str, Any]] | None = None,
) -> str:
    """Keep a ticket that rules decided some days ago; with `errors` it is in Halo."""
    ticket = ticket or {"msg": "the printer burns"}
    then = datetime.now(UTC) - timedelta(days=days_ago)
    ticket_id = new_id(then)
    decision = (ruleset or HERE).decide(ticket, now=then).to_dict()
    # No worker touches it.
    arrival = Arrival(ticket_id, State.REFUSED, ticket_id, "h", ticket, decision | {"looked_up": {}})
    assert store.insert([arrival]) == [True]
    if errors is not None:
        store.ticket_created(ticket_id, store.start_attempt(ticket_id, Stage.TICKET, "w1"), 17, errors, [])
    return ticket_id


def cases(store: Store, ruleset: RuleSet = HERE, *, anew: bool = False) -> list[Any]:
    """Return the cases of the kept tickets."""
    period = Period(datetime.now(UTC))
    return list(cases_of(kept_history(store.database).lines, ruleset, period, anew=anew, processes=1))


def test_what_retention_leaves(store: Store) -> None:
    """A decision without its ticket still counts; without the decision there is nothing to count."""
    first = keep(store)
    set_row(store, first, payload=None)
    set_row(store, keep(store), payload=None, decision=None)
    kept, lost = cases(store)
    assert (kept.name, lost) == (first, Skipped("not_kept"))
    assert cases(store, anew=True) == [Skipped("not_kept"), Skipped("not_kept")]


def test_decided_anew(store: Store) -> None:
    """Other rules decide the kept tickets, with what was looked up for them, when they came in."""
    ticket_id = keep(store, {"msg": "x"})
    decision = store.get(ticket_id)
    assert decision is not None
    rules = "import datetime\nif business_name == 'Contoso':\n    team = str(datetime.datetime.now().year)\n"
    kept = (decision.decision or {}) | {"looked_up": {"business_name": "Contoso"}, "received_at": "2020-01-01T00:00:00"}
    set_row(store, ticket_id, decision=to_text(kept))
    [case] = cases(store, RuleSet.from_text(rules), anew=True)
    assert [(one.variable, one.new) for one in case.writes] == [("team", "2020")]


def test_submission_errors(store: Store) -> None:
    """What Halo did not take is known of the tickets that are there."""
    error = {"variable": "team", "value": "Printers", "reason": "no such team", "replacement": None}
    keep(store)
    keep(store, errors=[])
    keep(store, errors=[error])
    errors = audit(HERE, cases(store)).submission_errors
    assert errors is not None
    assert (errors["filed"], [(one["variable"], one["tickets"]) for one in errors["fields"]]) == (2, [("team", 1)])


# --- REST


@pytest.mark.anyio
async def test_rest(tmp_path: Path) -> None:
    """An audit tells what the rules in force did, and finds rules of earlier revisions by their text."""
    app = application(tmp_path, FakeHalo(), rules=RULES)
    old = RuleSet.from_text("# Gone\nimpact = 1\n\n" + RULES)
    app.state.database.open()
    app.state.versions.start(old, RuleSettings())
    async with started(app) as client:
        keep(app.state.store, ruleset=app.state.rules.ruleset)
        keep(app.state.store, ruleset=old, days_ago=2)
        keep(app.state.store, ruleset=old, days_ago=40)
        answer = await client.get("/v1/rules/audit")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        audit_routes.Audit.model_validate(found)
        assert [(one["title"], one["tickets"]) for one in found["rules"]] == [("Desk", 2), ("Printers", 2)]
        assert [(one["title"], one["tickets"]) for one in found["gone"]] == [("Gone", 1)]
        assert [one["without"] for one in found["overwritten"]] == [{"outcome": "same", "tried": 2}]
        assert (await client.get("/v1/rules/audit", params={"days": 1})).json()["tickets"] == 1


@pytest.mark.anyio
async def test_rest_looks_at_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many tickets the newest are looked at, and the others counted."""
    monkeypatch.setattr(audit_routes, "MOST_TICKETS", 2)
    app = application(tmp_path, FakeHalo(), rules=RULES)
    async with started(app) as client:
        for days_ago in range(5):
            keep(app.state.store, days_ago=days_ago)
        found = (await client.get("/v1/rules/audit", params={"days": 4})).json()
    assert (found["tickets"], found["skipped"]) == (2, {"beyond_bound": 2})


@pytest.mark.anyio
@pytest.mark.parametrize("query", [{"days": 0}, {"days": 10**9}, {"top": 0}, {"top": 51}, {"days": "x"}])
async def test_rest_bounds(tmp_path: Path, query: dict[str, Any]) -> None:
    """Days and entries that there are none of are refused."""
    async with started(application(tmp_path, FakeHalo())) as client:
        assert (await client.get("/v1/rules/audit", params=query)).status_code == 422


def test_example_is_whole() -> None:
    """The example of the OpenAPI document has what an answer has."""
    ruleset = RuleSet.from_text("team = 'A'\n")
    assert audit_routes.EXAMPLE.keys() == audit(ruleset, []).to_dict().keys()
    audit_routes.Audit.model_validate(audit_routes.EXAMPLE)


# --- the command line


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of a service that runs in this folder by these rules."""
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///data/dispatcher.db")
    database.open()
    Versions(database).start(HERE, RuleSettings())
    yield Store(database)
    database.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """Return exit code, data and errors of an `audit` command."""
    code = main(["audit", "--format", "json", *arguments])
    captured = capsys.readouterr()
    return code, json.loads(captured.out or "null"), captured.err


def test_command(beside: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments, the rules in force are audited on the kept tickets; the same data as over REST."""
    keep(beside)
    keep(beside, days_ago=40)
    expected = audit(HERE, cases(beside)).to_dict()
    assert run(capsys) == (0, expected, "")
    assert run(capsys, "--days", "30")[1]["tickets"] == 1
    assert run(capsys, "--fail-on", "overwritten")[0] == 1


def test_command_with_other_rules(beside: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A draft is audited by what kept decisions say of the rules that it shares with them, or by its own."""
    keep(beside)
    (tmp_path / "a.rules").write_text(RULES.replace("team = 'Printers'", "impact = 1"), encoding="utf-8")
    assert [len(run(capsys, "a.rules", *more)[1]["pairs"]) for more in ((), ("--anew",))] == [1, 0]


def test_command_without_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no service, the command says what to do."""
    monkeypatch.chdir(tmp_path)
    assert run(capsys) == (
        2,
        None,
        "dispatcher: there is no database data/dispatcher.db; go to the folder of the service's settings, name them "
        "with --config, or name a file of past tickets with --history\n",
    )


def test_command_without_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no rules have been in force yet, the command says so."""
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///data/dispatcher.db")
    database.open()
    database.close()
    assert run(capsys) == (
        2,
        None,
        "dispatcher: no rules are in force yet: start the service, or name some: `dispatcher audit RULES`\n",
    )
