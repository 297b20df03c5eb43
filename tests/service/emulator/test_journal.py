"""Tickets that outlive the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from service.emulator.journal import Journal, JournalError
from tests.service.emulator.client import create, signed_in

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def started(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of an emulator that was just started on a journal."""
    with closing(Journal(path)) as journal:
        async with signed_in(keeper=journal) as client:
            yield client


async def test_tickets_are_there_again(tmp_path: Path) -> None:
    """What was created, changed, noted and deleted is the same after a start, and numbers go on."""
    path = tmp_path / "tickets.ndjson"
    async with started(path) as client:
        await create(client, third_party_id_string="a", customfields=[{"id": 202, "value": "MRI"}])
        await create(client, summary="gone")
        await client.post("/api/Actions", json=[{"ticket_id": 1001, "outcome_id": 7, "note": "x", "new_status": 2}])
        await client.delete("/api/Tickets/1002")
        before = (await client.get("/emulator/tickets")).json()
    async with started(path) as client:
        assert (await client.get("/emulator/tickets")).json() == before
        assert (await client.get("/api/Tickets/1002")).status_code == 404
        assert (await create(client))["id"] == 1003
        assert (await client.get("/api/Actions?ticket_id=1001")).json()["record_count"] == 1
        await client.post("/emulator/reset")
    async with started(path) as client:
        assert (await client.get("/emulator/tickets")).json() == []
        assert (await create(client))["id"] == 1001


async def test_a_line_cut_short(tmp_path: Path) -> None:
    """A last line that a killed process left unfinished counts as never written, and does no harm to the next."""
    path = tmp_path / "tickets.ndjson"
    async with started(path) as client:
        await create(client, summary="whole")
    with path.open("ab") as file:
        file.write(b'{"id": 1002, "fie')
    async with started(path) as client:
        assert (await create(client, summary="next"))["id"] == 1002
    with closing(Journal(path)) as journal:
        assert [ticket.fields["summary"] for ticket in journal.tickets().values()] == ["whole", "next"]


@pytest.mark.parametrize("text", ["{}\nhello\n", "hello"])
def test_files_that_are_no_journals(text: str, tmp_path: Path) -> None:
    """A file of something else is left alone, and a place that cannot be written is named."""
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with closing(Journal(path)) as journal, pytest.raises(JournalError) as refused:
        journal.tickets()
    assert str(refused.value) == f"{path}:1: not a ticket of the emulator; name another file"
    assert path.read_text() == text
    with pytest.raises(JournalError) as refused:
        Journal(tmp_path / "none" / "x")
    assert str(refused.value) == f"{tmp_path / 'none' / 'x'}: cannot be opened: No such file or directory"
