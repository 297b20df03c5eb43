"""`dispatcher check --live`: what is wrong in rule files, and which names in them Halo does not know."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any

from dispatcher.arguments import SETTINGS_FILE, STANDARD_INPUT, print_json, sources
from dispatcher.checking import check, declared_schema, read_text
from dispatcher.commands.rules import ruleset_options
from dispatcher.errors import DispatcherError
from dispatcher.halo.client import HaloClient
from dispatcher.halo.lookups import Lookups
from dispatcher.halo.snapshot import Snapshot, write_whole
from dispatcher.history import PastTicket, open_history, past_tickets
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.lang.source import Source
from dispatcher.live import Lock, NamesReport, check_names
from dispatcher.live.checking import Defaults
from dispatcher.live.fixing import renames, rewrite
from dispatcher.live.lock import FILE_NAME
from dispatcher.live.seen import check_seen
from dispatcher.render.diagnostics import diagnostics
from dispatcher.render.live import Summary, summary
from dispatcher.render.text import count, write
from dispatcher.ruleset import RuleSet

# Lists do not change while they are looked at.
_NEVER_OLD = float("inf")


def run_live(options: argparse.Namespace) -> int:
    """Report all problems and what Halo says of the names; return 1 when one of them is an error."""
    if options.fix and STANDARD_INPUT in options.files:
        raise DispatcherError("rules from standard input cannot be edited; leave --fix out")
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    rules, zone = ruleset_options(options)
    async with _lookups(options) as (lookups, halo, place):
        looked = _Looking(options, rules, zone, lookups, halo, Summary(place))
        problems = [problem for argument in options.files for problem in await looked.at(argument)]
    if options.format == "json":
        print_json([problem.to_dict() for problem in problems], sys.stdout)
    else:
        write(diagnostics(problems), sys.stdout)
        write(summary(looked.summary, clean=not problems), sys.stdout)
    return int(any(problem.severity == "error" for problem in problems))


@asynccontextmanager
async def _lookups(options: argparse.Namespace) -> AsyncIterator[tuple[Lookups, str, str]]:
    """Give look-ups in the snapshot or the Halo that the options name, the Halo's address, and what people call it."""
    if options.snapshot is not None:
        snapshot = Snapshot.read(options.snapshot)
        yield snapshot.lookups(), snapshot.halo, f"{options.snapshot}, as of {snapshot.taken_at}"
        return
    from service.settings import load_settings

    settings = load_settings(options.config)
    client = HaloClient(settings.halo)
    try:
        halo = settings.halo.resource_server
        yield Lookups(client, _NEVER_OLD), halo, f"Halo at {settings.halo.resource_server}"
    finally:
        await client.aclose()


class _Looking:
    """Looks at one argument after the other: each is a rule set, with the lock file beside it."""

    def __init__(
        self,
        options: argparse.Namespace,
        rules: Mapping[str, Any],
        zone: tzinfo | None,
        lookups: Lookups,
        halo: str,
        summary: Summary,
    ) -> None:
        self._options = options
        self._rules = rules
        self._zone = zone
        self._lookups = lookups
        self._halo = halo
        self.summary = summary
        self._defaults = Defaults(rules.get("defaults", {}), _settings_source(options))

    async def at(self, argument: str) -> list[Diagnostic]:
        """Return all problems of a rule set; names are looked up when there are no errors."""
        files, problems = self._checked(argument)
        if any(problem.severity == "error" for problem in problems):
            self.summary.broken += 1
            return problems
        self.summary.files += len(files)
        path = None if argument == STANDARD_INPUT else _lock_path(argument)
        lock = self._lock(path) if path is not None else None
        report = await self._report(files, lock)
        if path is not None:
            edits = renames(report.diagnostics) if self._options.fix else {}
            for file in files:
                if wanted := edits.get(file.filename):
                    number = rewrite(file, wanted, variables=self._rules["variables"])
                    self.summary.written.append(f"{file.filename}: {count(number, 'name')} edited")
            if edits:
                files, problems = self._checked(argument)
                report = await self._report(files, lock)
            if edits or lock is None or self._options.update_lock:
                self._write(path, lock or Lock(halo=self._halo), report, whole=Path(argument).is_dir())
        self.summary.values += report.values
        order = {source.filename: number for number, source in enumerate(files)}
        problems = [*problems, *report.diagnostics, *await self._of_history(files, report)]
        return sorted(problems, key=lambda found: (order.get(found.filename, -1), found.line, found.column))

    def _lock(self, path: Path) -> Lock | None:
        lock = Lock.read(path)
        if lock is None or lock.is_of(self._halo):
            return lock
        if not self._options.update_lock:
            raise DispatcherError(
                f"{path}: this lock file is of {lock.halo} and not of {self._halo}, where its ids mean something else; "
                "look there, or run `dispatcher check --live --update-lock` to begin anew"
            )
        return None

    def _checked(self, argument: str) -> tuple[list[Source], list[Diagnostic]]:
        files = sources(argument, whole_names=True)
        variables = self._rules["variables"]
        return files, [problem for file in files for problem in check(file.text, file.filename, variables=variables)]

    async def _report(self, files: Sequence[Source], lock: Lock | None) -> NamesReport:
        schema = declared_schema(self._rules["variables"])
        return await check_names(files, schema, self._defaults, self._lookups, lock)

    def _write(self, path: Path, lock: Lock, report: NamesReport, *, whole: bool) -> None:
        used = frozenset((variable, str(value)) for variable, value in report.known)
        renewed = lock.renewed(report.meanings, used, accept=self._options.update_lock, whole=whole)
        write_whole(path, renewed.text())
        self.summary.written.append(f"{path}: written; keep it with the rules")

    async def _of_history(self, files: Sequence[Source], report: NamesReport) -> list[Diagnostic]:
        if self._options.history is None:
            return []
        lines = open_history(self._options.history).lines
        tickets = (past for _, past in past_tickets(lines, self._zone) if isinstance(past, PastTicket))
        rules = RuleSet(files, **self._rules)
        found, number = await check_seen(rules, tickets, self._lookups, report.known, files)
        self.summary.tickets = number
        return found


def _lock_path(argument: str) -> Path:
    path = Path(argument)
    return (path if path.is_dir() else path.parent) / FILE_NAME


def _settings_source(options: argparse.Namespace) -> Source | None:
    path = options.config or Path(SETTINGS_FILE)
    return Source(read_text(path), str(path)) if path.exists() else None
