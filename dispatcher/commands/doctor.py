"""`dispatcher doctor`: whether tickets can be filed in Halo."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from dispatcher.arguments import add_config, add_format, print_json
from dispatcher.halo.doctor import examine
from dispatcher.render import findings
from dispatcher.render.text import write


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument(
        "--write-test-ticket",
        action="store_true",
        help="also file a ticket with a note, and delete it if that is allowed; nothing is written otherwise",
    )
    add_format(command)
    add_config(command)


def run(options: argparse.Namespace) -> int:
    """Print each finding as it is made; return 1 when something failed."""
    from service.settings import load_settings

    settings = load_settings(options.config)
    as_text = options.format == "text"
    width = os.get_terminal_size(sys.stdout.fileno()).columns if as_text and sys.stdout.isatty() else None
    found = []

    async def look() -> None:
        checks = examine(settings.halo, settings.defaults, write_test_ticket=options.write_test_ticket)
        async for finding in checks:
            found.append(finding.to_dict())
            if as_text:
                write(findings.finding(found[-1], width), sys.stdout)
                sys.stdout.flush()

    asyncio.run(look())
    if as_text:
        write([[], findings.verdicts(found)], sys.stdout)
    else:
        print_json(found, sys.stdout)
    return int(any(finding["verdict"] == "failed" for finding in found))
