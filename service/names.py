"""Names: whether Halo knows what the rules in force set, looked up again and again.

Halo's lists are those that filing uses, so that a look costs few requests, which leave a reserve to deliveries. All
else is done on them in a thread: nothing waits for it. What names mean is read of the lock file beside the rules, and
remembered from one look to the next, so that a name that is changed while the service runs is known as renamed
without one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from dispatcher import check
from dispatcher.errors import DispatcherError
from dispatcher.halo.errors import HaloRequestError
from dispatcher.halo.snapshot import Snapshot
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source
from dispatcher.live import Lock, NamesReport, check_names
from dispatcher.live.checking import Defaults
from dispatcher.live.lock import FILE_NAME
from dispatcher.ruleset import RuleSet
from service.deciding import ActiveRules, on_the_side
from service.settings import Settings

# After a look that failed, and at the least between two.
RETRY_SECONDS = 60.0

Heard = Callable[[Sequence[Diagnostic]], None]

_log = logging.getLogger(__name__)


class NamesCheck:
    """Looks at the names of the rules in force, in one event loop.

    `snapshot` asks Halo for its names; `heard` is told what each look finds.
    """

    def __init__(
        self,
        rules: ActiveRules,
        settings: Settings,
        snapshot: Callable[[datetime], Awaitable[Snapshot]],
        heard: Sequence[Heard] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._snapshot = snapshot
        self._heard = heard
        self._clock = clock
        self._seconds = settings.halo.names_check_minutes * 60.0
        self._lock_path = _beside(settings.rules)
        self._remembered = Lock()
        self._due_at = clock()
        self._revision: str | None = None
        self._checked_at: str | None = None
        self._error: str | None = None
        self._found: Sequence[Diagnostic] = ()

    async def look(self) -> None:
        """Look the names up when it is time, and when other rules have come into force."""
        ruleset = self._rules.ruleset
        if self._clock() < self._due_at and ruleset.revision in (self._revision, None):
            return
        self._revision = ruleset.revision
        try:
            snapshot = await self._snapshot(datetime.now(UTC))
            report = await on_the_side(partial(self._report, ruleset, snapshot))
        except (HaloRequestError, DispatcherError) as error:
            self._error = str(error)
            self._due_at = self._clock() + min(RETRY_SECONDS, self._seconds)
            _log.info("names could not be looked up", extra={"error": self._error})
            return
        self._due_at = self._clock() + self._seconds
        self._checked_at, self._error, self._found = snapshot.taken_at, None, report.diagnostics
        for hear in self._heard:
            hear(report.diagnostics)

    def state(self) -> dict[str, Any]:
        """Return what the last look found, as JSON data."""
        return {
            "checked_at": self._checked_at,
            "revision": self._revision,
            "error": self._error,
            "diagnostics": [problem.to_dict() for problem in self._found],
        }

    async def of_text(self, text: str, filename: str) -> list[Diagnostic]:
        """Return all problems of a rule file, with what Halo says of its names; raises HaloRequestError."""
        ruleset = self._rules.ruleset
        problems = await on_the_side(partial(check, text, filename, variables=ruleset.variables))
        if any(problem.severity == "error" for problem in problems):
            return problems
        snapshot = await self._snapshot(datetime.now(UTC))
        source, schema = Source(text, filename), ruleset.schema
        defaults = Defaults(ruleset.defaults)
        names = await on_the_side(partial(self._looked_up, [source], schema, defaults, snapshot, Lock()))
        return sorted([*problems, *names.diagnostics], key=lambda found: (found.line, found.column))

    def _report(self, ruleset: RuleSet, snapshot: Snapshot) -> NamesReport:
        kept = Lock.read(self._lock_path) if self._lock_path is not None else None
        lock = self._remembered.with_names(kept.names) if kept and kept.is_of(snapshot.halo) else self._remembered
        defaults = Defaults(ruleset.defaults)
        report = self._looked_up(ruleset.sources, ruleset.schema, defaults, snapshot, lock)
        self._remembered = self._remembered.with_names(report.meanings)
        return report

    def _looked_up(
        self, sources: Sequence[Source], schema: Schema, defaults: Defaults, snapshot: Snapshot, lock: Lock
    ) -> NamesReport:
        return asyncio.run(check_names(sources, schema, defaults, snapshot.lookups(), lock))


def _beside(rules: Path | None) -> Path | None:
    if rules is None:
        return None
    return (rules if rules.is_dir() else rules.parent) / FILE_NAME
