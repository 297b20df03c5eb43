"""Runs the crash test: `python -m tests.crash [--quick] [--kills N] [--seed N] [--database sqlite|postgresql]`."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.crash.run import Report, database_version, run
from tests.crash.verdict import Verdict
from tests.postgres import PostgresServer, UnavailableError, postgres_server
from tests.programs import ProgramError

DATABASES = ("sqlite", "postgresql")
KILLS = {"sqlite": 100, "postgresql": 200}
QUICK_KILLS = {"sqlite": 4, "postgresql": 10}
# For how long to kill at most: on a busy machine the service starts slowly, and is killed less often.
SECONDS, QUICK_SECONDS = 900.0, 9.0


def main(arguments: list[str]) -> int:
    """Run the test on the databases that are asked for, and return the exit code: 1 if a promise was broken."""
    options = _parser().parse_args(arguments)
    # As Ctrl-C does: whatever was started ends with the test.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    databases = [options.database] if options.database else DATABASES
    kills = {database: options.kills or (QUICK_KILLS if options.quick else KILLS)[database] for database in databases}
    folder = Path(tempfile.mkdtemp(prefix="dispatcher-crash-"))
    _say(f"seed {options.seed}")
    reports: list[Report] = []
    problems: tuple[Exception, ...] = ()
    try:
        reports = asyncio.run(_all(kills, QUICK_SECONDS if options.quick else SECONDS, options.seed, folder))
    except* (ProgramError, UnavailableError) as errors:
        problems = tuple(_leaves(errors))
    verdict = sum((report.verdict for report in reports), start=Verdict())
    good = verdict.good and bool(reports) and not problems
    for problem in problems:
        _say(f"error: {problem}")
    if good:
        shutil.rmtree(folder)
    else:
        _say(f"The logs are kept in {folder}.")
    _say(verdict.line(sum(report.kills for report in reports)))
    return 0 if good else 1


async def _all(kills: Mapping[str, int], seconds: float, seed: int, folder: Path) -> list[Report]:
    """Run the test on each database, all at the same time: they wait more than they compute."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server()) if "postgresql" in kills else None
        async with asyncio.TaskGroup() as tasks:
            runs = [
                tasks.create_task(
                    _one(database, number, seconds, seed, folder, server if database == "postgresql" else None)
                )
                for database, number in kills.items()
            ]
        return [task.result() for task in runs]


async def _one(
    database: str, kills: int, seconds: float, seed: int, folder: Path, server: PostgresServer | None
) -> Report:
    logs = folder / database
    logs.mkdir()
    version = database_version(server)
    report = await run(kills, seconds, seed, logs, server)
    for line in (version, *report.details, *report.verdict.problems, report.verdict.line(report.kills)):
        _say(f"{database}: {line}")
    return report


def _leaves(error: Exception) -> Iterator[Exception]:
    """Yield the errors of a group of groups of them."""
    if isinstance(error, ExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description="Kills the service at random moments and counts what Halo got."
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds only: less than 45 in all")
    parser.add_argument("--kills", type=int, metavar="N", help="kills on each database (default: 100 and 200)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of faults and kills")
    parser.add_argument("--database", choices=DATABASES, help="one of them only")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
