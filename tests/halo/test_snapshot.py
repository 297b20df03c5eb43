"""A snapshot answers as the Halo that it was taken of, and holds no more than names, ids and what is in use."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.errors import DispatcherError
from dispatcher.halo.client import HaloClient
from dispatcher.halo.lookups import Entry, Lookups, Unresolved
from dispatcher.halo.snapshot import Snapshot

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.fixture
async def snapshot(client: HaloClient) -> Snapshot:
    """What the recorded Halo has."""
    return await Snapshot.take(Lookups(client, 600), "https://acme.halopsa.test/api", NOW)


async def test_what_it_holds(snapshot: Snapshot) -> None:
    """Records are listed with their ids and whether they are in use; of agents there is the address, too."""
    data = json.loads(snapshot.text())

    assert (data["version"], data["taken_at"], data["halo"]) == (
        1,
        "2026-11-21T08:30:00Z",
        "https://acme.halopsa.test/api",
    )
    assert data["teams"] == [
        {"id": 1, "name": "1st Line Support", "active": True},
        {"id": 7, "name": "Night Shift", "active": False},
    ]
    assert data["ticket_types"][2] == {"id": 4, "name": "Project", "active": True, "sla_id": 0}
    assert data["agents"][0] == {"id": 1, "name": "Unassigned", "active": True, "email": ""}
    assert data["agents"][-1] == {"id": 37, "name": "Greg Olsen", "active": False, "email": "greg@msp.test"}
    assert data["priorities"][2] == {"id": 9, "name": "Old", "active": False, "sla_id": 1}
    assert data["categories"][0] == {"id": 101, "name": "Hardware>Printer", "active": True, "level": 2}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("team", value) for value in ("1st line support", "Night Shift", 7, "7", "nowhere", None)),
        *(("agent", value) for value in ("unassigned", "tom becker", "PRIYA@msp.test", "Greg Olsen", 31, 1)),
        *(("status", value) for value in ("21", 21, "new")),
        *(("ticket_type", value) for value in ("Incident", "Retired", 3)),
    ],
)
async def test_it_answers_as_halo_does(snapshot: Snapshot, client: HaloClient, kind: str, value: Any) -> None:
    """What a value means, or why it means nothing, is the same in a snapshot that went through a file."""
    halo, kept = Lookups(client, 600), Snapshot.model_validate_json(snapshot.text()).lookups()

    def told(found: Entry | Unresolved) -> Any:
        return (found.id, found.name, found.off) if isinstance(found, Entry) else found.reason

    assert told(await getattr(kept, kind)(value)) == told(await getattr(halo, kind)(value))


@pytest.mark.parametrize("value", ["High", "critical", 1, "Old", 9, "Nothing"])
async def test_priorities_under_an_sla(snapshot: Snapshot, client: HaloClient, value: Any) -> None:
    """Priorities mean the same under each ticket type, and without one."""
    halo, kept = Lookups(client, 600), snapshot.lookups()
    for name in ("Incident", "Service Request", "Project", None):
        types = [None if name is None else await each.ticket_type(name) for each in (halo, kept)]
        found = [
            await each.priority(value, kind if isinstance(kind, Entry) else None)
            for each, kind in zip((halo, kept), types, strict=True)
        ]
        assert found[0] == found[1]


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("value", ["Hardware > printer", "Remote", 101, "x"])
async def test_categories_of_a_list(snapshot: Snapshot, client: HaloClient, level: int, value: Any) -> None:
    """Categories are looked for in the list of their number."""
    assert await snapshot.lookups().category(value, level) == await Lookups(client, 600).category(value, level)


async def test_names_to_choose_from(snapshot: Snapshot) -> None:
    """For each variable there are the names in use, each once; for any other there are none."""
    assert {name: snapshot.names_for(name) for name in ("team", "agent", "priority", "category_1", "subject")} == {
        "team": ["1st Line Support"],
        "agent": ["Priya Nair", "Tom Becker", "tom becker", "Unassigned"],
        "priority": ["Critical", "High", "Low"],
        "category_1": ["Hardware", "Hardware>Printer"],
        "subject": [],
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no snapshot: Invalid JSON"),
        ("[]", "no snapshot: "),
        ('{"version": 2}', "no snapshot: version: "),
        ('{"version": 1, "taken_at": "", "halo": ""}', "no snapshot: ticket_types: Field required"),
    ],
)
async def test_what_is_no_snapshot(tmp_path: Path, text: str, said: str) -> None:
    """A file of another kind is refused with its name, what is wrong and how to get one."""
    path = tmp_path / "halo-snapshot.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DispatcherError) as caught:
        Snapshot.read(path)

    assert str(caught.value).startswith(f"{path}: {said}")
    assert str(caught.value).endswith("; `dispatcher halo snapshot` writes one")


async def test_it_is_written_whole(snapshot: Snapshot, tmp_path: Path) -> None:
    """A snapshot takes the place of an older one, and leaves nothing beside it."""
    path = tmp_path / "halo-snapshot.json"
    path.write_text("old", encoding="utf-8")
    snapshot.write(path)

    assert Snapshot.read(path) == snapshot
    assert list(tmp_path.iterdir()) == [path]
