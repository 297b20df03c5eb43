"""`dispatcher halo snapshot`: Halo's names in a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from dispatcher.arguments import STANDARD_INPUT, add_config, path
from dispatcher.render.text import count

_SNAPSHOT = (
    "Write the names, ids and states of Halo's teams, agents, statuses, priorities, ticket types and categories into a "
    "file, for `dispatcher check --live --snapshot` and for editors. It holds no secrets; of people, the names and "
    "e-mail addresses of agents."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = command.add_subparsers(metavar="ACTION", required=True)
    snapshot = actions.add_parser("snapshot", help="write Halo's names into a file", description=_SNAPSHOT)
    snapshot.add_argument(
        "--output",
        type=path,
        default=Path("halo-snapshot.json"),
        metavar="FILE",
        help="the file, or - for standard output (default: halo-snapshot.json)",
    )
    add_config(snapshot)


def run(options: argparse.Namespace) -> int:
    """Write a snapshot."""
    from dispatcher.halo.client import HaloClient
    from dispatcher.halo.lookups import Lookups
    from dispatcher.halo.snapshot import Snapshot
    from service.settings import load_settings

    settings = load_settings(options.config)

    async def take() -> Snapshot:
        client = HaloClient(settings.halo)
        try:
            lookups = Lookups(client, settings.halo.lookup_max_age_seconds)
            return await Snapshot.take(lookups, settings.halo.resource_server, datetime.now(UTC))
        finally:
            await client.aclose()

    snapshot = asyncio.run(take())
    if str(options.output) == STANDARD_INPUT:
        sys.stdout.write(snapshot.text())
        return 0
    snapshot.write(options.output)
    parts = [
        count(len(snapshot.teams), "team"),
        count(len(snapshot.agents), "agent"),
        f"{len(snapshot.statuses)} statuses",
        f"{len(snapshot.priorities)} priorities",
        count(len(snapshot.ticket_types), "ticket type"),
        f"{len(snapshot.categories)} categories",
    ]
    print(f"{options.output}: {', '.join(parts)}")
    return 0
