"""Values that rules set on past tickets are looked up, where the rules alone do not tell them."""

from __future__ import annotations

import pytest

from dispatcher.halo.snapshot import Snapshot
from dispatcher.history import PastTicket
from dispatcher.lang.source import Source
from dispatcher.live.seen import check_seen
from dispatcher.ruleset import RuleSet

pytestmark = pytest.mark.anyio

RULES = """\
team = f'Desk {name}' if name else team
if 'planned' in msg:
    ticketType = 'Incident'
    priority = msg.title()
"""


async def test_values_of_past_tickets(snapshot: Snapshot) -> None:
    """Each value that Halo does not take is told once, at the line that set it, with how many tickets got it."""
    sources = [Source(RULES, "folder/a.rules")]
    tickets = [
        PastTicket({"name": "Ann"}),
        PastTicket({"name": "Ann", "team": "Given"}),
        PastTicket({"name": "Bob"}),
        PastTicket({"msg": "planned"}),
        PastTicket({"team": "Given"}),
        PastTicket(None),
    ]
    known = frozenset({("team", "Desk Bob")})
    found, count = await check_seen(RuleSet(sources), tickets, snapshot.lookups(), known, sources)

    assert count == 5
    assert [(each.filename, each.line, each.column, each.code, each.message) for each in found] == [
        (
            "folder/a.rules",
            1,
            1,
            "unknown-in-halo",
            "`Desk Ann` is no team in Halo (`team` of 2 of 5 past tickets)",
        ),
        (
            "folder/a.rules",
            4,
            5,
            "unknown-in-halo",
            "`Planned` is no priority of ticket type `Incident` in Halo (`priority` of 1 of 5 past tickets)",
        ),
    ]
