"""The service looks the names of its rules up again and again, and tells what it finds; deliveries never wait for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from dispatcher import RuleSet
from dispatcher.halo.client import Purpose
from dispatcher.halo.settings import HaloSettings
from dispatcher.halo.snapshot import Snapshot
from dispatcher.halo.writer import HaloWriter
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.live.lock import Lock, Locked
from service.alerts import Alerts
from service.app import create_app
from service.database import Database
from service.deciding import ActiveRules
from service.metrics import Metrics
from service.names import NamesCheck
from service.settings import HaloSection, Settings
from tests.halo.fake import FakeHalo as RecordedHalo
from tests.live.conftest import changed, snapshot_with
from tests.service.bench import application, started
from tests.service.fakes import FakeHalo, connection_refused

pytestmark = pytest.mark.anyio

RULES = "if 'x' in msg:\n    team = 'Network'\n"


class Bench:
    """Rules, a Halo whose names change, and a clock that stands still until it is moved."""

    def __init__(self, rules: Path | None = None, minutes: float = 60.0) -> None:
        self.now = 1000.0
        self.looks = 0
        self.halo: Snapshot | None = snapshot_with()
        self.heard: list[list[str]] = []
        self.rules = ActiveRules(RuleSet.from_text(RULES, filename="a.rules"))
        settings = Settings(rules=rules, halo=HaloSection(names_check_minutes=minutes))
        self.names = NamesCheck(self.rules, settings, self.snapshot, [self.hear], clock=lambda: self.now)

    async def snapshot(self, _now: datetime) -> Snapshot:
        """Return Halo's names."""
        self.looks += 1
        if self.halo is None:
            raise connection_refused()
        return self.halo

    def hear(self, problems: Sequence[Diagnostic]) -> None:
        """Remember what was found."""
        self.heard.append([problem.code for problem in problems])


async def test_it_looks_when_it_is_time() -> None:
    """The first look is at once, and the next an interval later."""
    bench = Bench()
    for seconds in (0, 10, 3589, 1, 3599):
        bench.now += seconds
        await bench.names.look()

    assert (bench.looks, bench.heard) == (2, [[], []])


async def test_other_rules_are_looked_at_at_once() -> None:
    """When other rules come into force, their names are looked up without waiting."""
    bench = Bench()
    await bench.names.look()
    bench.rules.switch(RuleSet.from_text("team = 'Nowhere'\n", filename="b.rules"))
    await bench.names.look()
    await bench.names.look()

    assert bench.heard == [[], ["unknown-in-halo"]]
    assert bench.names.state() == {
        "checked_at": "2026-11-21T08:30:00Z",
        "revision": bench.rules.ruleset.revision,
        "error": None,
        "diagnostics": [
            {
                "code": "unknown-in-halo",
                "severity": "error",
                "message": "`Nowhere` is no team in Halo",
                "file": "b.rules",
                "line": 1,
                "column": 8,
                "end_line": 1,
                "end_column": 17,
                "help": "it has 1 1st Line, 2 Network, 4 Twin, 5 twin",
                "source": "team = 'Nowhere'",
                "edits": [],
            }
        ],
    }


async def test_a_halo_that_is_away() -> None:
    """While Halo is away the last findings stay, the state says why, and the next look is soon."""
    bench = Bench()
    bench.halo = None
    await bench.names.look()
    assert (bench.names.state()["error"], bench.names.state()["checked_at"]) == ("connection refused", None)
    bench.now += 59
    await bench.names.look()
    assert bench.looks == 1
    bench.now += 1
    bench.halo = snapshot_with()
    await bench.names.look()

    assert (bench.names.state()["error"], bench.heard) == (None, [[]])


async def test_a_rename_without_a_lock_file() -> None:
    """What a name meant is remembered from one look to the next."""
    bench = Bench()
    await bench.names.look()
    bench.halo = snapshot_with(teams=changed("teams", 2, name="Infra"))
    bench.now += 3600
    await bench.names.look()

    assert bench.heard == [[], ["renamed-in-halo"]]


async def test_a_rename_that_the_lock_file_knows(tmp_path: Path) -> None:
    """A lock file beside the rules knows what names meant before the service was started; it is not written."""
    file = tmp_path / "dispatcher.lock.json"
    file.write_text(Lock({"team": {"Network": Locked("Network", {None: 2})}}).text(), encoding="utf-8")
    before = file.read_bytes()
    bench = Bench(tmp_path)
    bench.halo = snapshot_with(teams=changed("teams", 2, name="Infra"))
    await bench.names.look()

    assert (bench.heard, file.read_bytes()) == ([["renamed-in-halo"]], before)


async def test_a_broken_lock_file(tmp_path: Path) -> None:
    """A lock file that cannot be read is told, and stops nothing else."""
    (tmp_path / "dispatcher.lock.json").write_text("{", encoding="utf-8")
    bench = Bench(tmp_path)
    await bench.names.look()

    assert bench.names.state()["error"].startswith(f"{tmp_path / 'dispatcher.lock.json'}: this is no lock file")


class Budget:
    """A budget that remembers what for it was asked."""

    def __init__(self) -> None:
        self.purposes: set[Purpose] = set()

    async def take(self, purpose: Purpose) -> None:
        self.purposes.add(purpose)

    def answered(self, method: str, path: str, status: int | None, retry_after_seconds: float | None) -> None: ...


async def test_a_look_leaves_a_reserve_to_deliveries() -> None:
    """All requests of a look count as look-ups."""
    budget = Budget()
    settings = HaloSettings.model_validate({"resource_server": "https://acme.halopsa.test/api", "tenant": "acme",
                                            "authorisation_server": "https://acme.halopsa.test/auth"})  # fmt: skip
    writer = HaloWriter(settings, RecordedHalo().transport(), budget=budget)
    snapshot = await writer.snapshot(datetime.fromisoformat("2026-11-21T09:30:00+01:00"))
    await writer.aclose()

    assert ([team.name for team in snapshot.teams], snapshot.taken_at, budget.purposes) == (
        ["1st Line Support", "Night Shift"],
        "2026-11-21T08:30:00Z",
        {Purpose.LOOKUP},
    )


async def problems_of(snapshot: Snapshot) -> Sequence[Diagnostic]:
    """Return what a look finds."""
    bench = Bench()
    await bench.names.look()
    found: list[Diagnostic] = []
    again = NamesCheck(bench.rules, Settings(), bench.snapshot, [found.extend])
    bench.halo = snapshot
    await again.look()
    return found


async def test_metrics() -> None:
    """Problems are counted by code, as of the last look; remarks are none."""
    metrics = Metrics()
    shown = [line for line in metrics.text().decode().splitlines() if "name_problems{" in line]
    metrics.names(await problems_of(snapshot_with(teams=changed("teams", 2))))
    found = [line for line in metrics.text().decode().splitlines() if "name_problems{" in line]
    metrics.names([])

    assert (shown, found) == ([], ['dispatcher_name_problems{code="unknown-in-halo"} 1.0'])
    assert "name_problems{" not in metrics.text().decode()


async def test_alerts(any_database: Database) -> None:
    """A new problem is told once, by whichever process; when it is over that is told, too, and may begin again."""
    told: list[tuple[str, str]] = []

    def hook(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        told.append((body["event"], body["text"]))
        return httpx.Response(200)

    bad = await problems_of(snapshot_with(teams=changed("teams", 2)))
    for processes in range(2):
        alerts = Alerts(any_database, SecretStr("https://hooks.test/x"), transport=httpx.MockTransport(hook))
        for problems in (bad, bad, [], [], bad) if not processes else (bad,):
            alerts.names(problems)
            await alerts.look()
        await alerts.aclose()
    text = "`Network` is no team in Halo (a.rules:2)"

    assert told == [
        ("name-problem", f"dispatcher: {text}"),
        ("name-well", f"dispatcher: no longer so: {text}"),
        ("name-problem", f"dispatcher: {text}"),
    ]


async def test_what_is_over_before_it_was_told(any_database: Database) -> None:
    """Of a problem that is over before the hook has heard of it nothing is told."""
    told: list[Any] = []

    def hook(request: httpx.Request) -> httpx.Response:
        told.append(json.loads(request.content)["event"])
        return httpx.Response(503 if len(told) == 1 else 200)

    alerts = Alerts(any_database, SecretStr("https://hooks.test/x"), transport=httpx.MockTransport(hook))
    for problems in (await problems_of(snapshot_with(teams=changed("teams", 2))), []):
        alerts.names(problems)
        await alerts.look()
    await alerts.aclose()

    assert told == ["name-problem"]


async def test_over_rest(tmp_path: Path) -> None:
    """`GET /v1/rules/names` has the last look; `POST /v1/rules/check` looks names up with `live` and not without."""
    halo = FakeHalo()
    halo.names = snapshot_with()
    app = application(tmp_path, halo, rules=RULES.replace("Network", "Netwok"))
    async with started(app) as client:
        await app.state.names.look()
        state = (await client.get("/v1/rules/names")).json()
        body = {"rules": "team = 'Netwok'\nagent = f'{name}'\n"}
        plain = (await client.post("/v1/rules/check", json=body)).json()
        live = (await client.post("/v1/rules/check", json={**body, "live": True})).json()
        wrong = (await client.post("/v1/rules/check", json={"rules": "team = tema\n", "live": True})).json()
        halo.names = None
        away = await client.post("/v1/rules/check", json={**body, "live": True})

    assert [(found["code"], found["line"]) for found in state["diagnostics"]] == [("unknown-in-halo", 2)]
    assert plain == {"diagnostics": []}
    assert [(found["severity"], found["code"], found["line"]) for found in live["diagnostics"]] == [
        ("error", "unknown-in-halo", 1),
        ("info", "untold-in-halo", 2),
    ]
    assert live["diagnostics"][0]["edits"] == [
        {"line": 1, "column": 8, "end_line": 1, "end_column": 16, "text": "'Network'"}
    ]
    assert [found["code"] for found in wrong["diagnostics"]] == ["unknown-name"]
    assert (away.status_code, away.json()["title"], away.json()["detail"]) == (
        503,
        "Halo cannot be asked",
        "connection refused",
    )


async def test_without_a_schedule(tmp_path: Path) -> None:
    """With `names_check_minutes = 0` nothing is looked up until somebody asks."""
    halo = FakeHalo()
    halo.names = snapshot_with()
    settings = Settings(data=tmp_path, halo=HaloSection(names_check_minutes=0))
    app = create_app(settings, ruleset=RuleSet.from_text(RULES), halo_factory=halo.writer)
    async with started(app) as client:
        state = (await client.get("/v1/rules/names")).json()

    assert state == {"checked_at": None, "revision": None, "error": None, "diagnostics": []}
