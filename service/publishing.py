"""Publishing: what rules must pass before they come into force, and going back to earlier ones.

Rules with errors, with tests that fail, or that run out of their budget on a ticket that says nothing are refused.
Everything is found out before anything is written, and what is written is one row that all processes see or none.
What rules would have changed on the newest tickets is told as information: it stops nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from dispatcher.backtest import Report as Backtest
from dispatcher.backtest import When, backtest
from dispatcher.errors import DispatcherError
from dispatcher.lang.diagnostics import Diagnostic
from dispatcher.render.text import count
from dispatcher.ruleset import RuleSet
from dispatcher.testing import Report
from service.comparing import FileChange, compare
from service.history import kept_history
from service.versions import (
    SHORTEST,
    ChangedMeanwhileError,
    Origin,
    RuleSettings,
    UnusableRevisionError,
    Version,
    Versions,
    compiled,
)

LONGEST_COMMENT = 1_000
# As many of the newest tickets are decided by new rules, and so long.
TICKETS_TRIED = 1_000
TRYING_SECONDS = 3.0
# In bytes, as file systems count them; and what separates folders or drives on some.
LONGEST_NAME = 255
_SEPARATORS = frozenset("/\\:")

_log = logging.getLogger(__name__)


class UnfitRequestError(DispatcherError):
    """A comment or the name of a file that cannot be kept; the text says what to write."""


class RejectedRulesError(DispatcherError):
    """Rules without errors that are not published; `report` says what became of their tests, where that is why."""

    def __init__(self, why: str, report: Report | None = None) -> None:
        super().__init__(f"the rules are not published: {why}")
        self.report = report


@dataclass(frozen=True, slots=True)
class Publication:
    """What coming into force changed, or would change: `version` is None where nothing came into force.

    `replaced` is the version that was in force. `tests` is None where there were none, and `backtest` where nothing
    could be compared. Of the latter only numbers are told: who may publish need not be allowed to read tickets.
    """

    revision: str
    version: Version | None
    replaced: Version | None
    changes: tuple[FileChange, ...]
    warnings: tuple[Diagnostic, ...]
    tests: Report | None
    backtest: Backtest | None

    @property
    def changed(self) -> bool:
        """Whether the rules are others than those that were in force."""
        return self.replaced is None or self.revision != self.replaced.revision

    def to_dict(self) -> dict[str, Any]:
        """Return the publication as JSON data."""
        return {
            "revision": self.revision,
            "changed": self.changed,
            "version": None if self.version is None else self.version.to_dict(active=True),
            "replaced": None if self.replaced is None else self.replaced.to_dict(active=self.version is None),
            "changes": [change.to_dict() for change in self.changes],
            "diagnostics": [warning.to_dict() for warning in self.warnings],
            "tests": None if self.tests is None else self.tests.to_dict(),
            "backtest": None if self.backtest is None else _numbers(self.backtest),
        }


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """Who wants to change the rules in force, and why; `expected`: only if they are these, or any for None.

    `in_folder`: to those of the place that the settings name.
    """

    author: str
    comment: str = ""
    expected: str | None = None
    dry_run: bool = False
    in_folder: bool = False


class Publisher:
    """Publishes to the versions of a database, for any thread.

    `settings` are those to begin with; later ones are as the version in force has them. `zone`: in which rules tell
    the time.
    """

    def __init__(self, versions: Versions, settings: RuleSettings, zone: tzinfo = UTC) -> None:
        self._versions = versions
        self._settings = settings
        self._zone = zone

    def publish(
        self,
        files: Mapping[str, str],
        request: ChangeRequest,
        run_tests: Callable[[], Report] | None = None,
        *,
        allow_failing_tests: bool = False,
    ) -> Publication:
        """Put rules in force, as the request says, once they have passed.

        Raises RulesError, RejectedRulesError, UnfitRequestError and ChangedMeanwhileError.
        """
        _check_names(files)
        seen, comment = self._begin(request)
        settings = self._settings if seen is None else seen.settings
        ruleset = compiled(dict(sorted(files.items())), settings)
        _try(ruleset)
        report = None if run_tests is None else run_tests()
        if report is not None and not report.results:
            report = None
        if report is not None and not report.passed and not allow_failing_tests:
            number = len(report.results)
            raise RejectedRulesError(f"{number - report.count('pass')} of {count(number, 'test')} did not pass", report)
        checks = {"warnings": len(ruleset.diagnostics), "tests": None if report is None else _counts(report)}
        old = {} if seen is None else self._versions.files(seen.revision)
        changes = compare(old, {source.filename: source.text for source in ruleset.sources})
        tried = self._try_on_tickets(ruleset, seen) if changes else None
        version = self._finish(Origin.PUBLISH, request, comment, seen, ruleset, settings, checks)
        warnings = tuple(ruleset.diagnostics)
        return Publication(ruleset.revision, version, seen, tuple(changes), warnings, report, tried)

    def activate(self, revision: str, request: ChangeRequest) -> Publication:
        """Put rules in force again that were; raise ChangedMeanwhileError, NoRevisionError, UnusableRevisionError."""
        seen, comment = self._begin(request)
        settings = self._settings if seen is None else seen.settings
        try:
            ruleset = self._versions.load(revision, settings)
        except UnusableRevisionError as error:
            raise UnusableRevisionError(
                f"{error}; `dispatcher rules show {revision[:SHORTEST]} --output DIR` writes its files, to mend and "
                "publish them"
            ) from None
        old = {} if seen is None else self._versions.files(seen.revision)
        changes = compare(old, self._versions.files(revision))
        version = self._finish(Origin.ROLLBACK, request, comment, seen, ruleset, settings, {})
        return Publication(ruleset.revision, version, seen, tuple(changes), (), None, None)

    def _begin(self, request: ChangeRequest) -> tuple[Version | None, str]:
        """Return the version in force, which must be the one that is expected, and the comment."""
        comment = " ".join(request.comment.split())
        if len(comment) > LONGEST_COMMENT or not comment.isprintable():
            raise UnfitRequestError(f"a comment is text of at most {LONGEST_COMMENT} characters")
        seen = self._versions.active()
        if request.expected is not None and (seen is None or not seen.revision.startswith(request.expected)):
            if seen is None:
                raise UnfitRequestError(f"no rules are in force yet, so not those of revision {request.expected}")
            raise ChangedMeanwhileError(seen)
        return seen, comment

    def _try_on_tickets(self, ruleset: RuleSet, seen: Version | None) -> Backtest | None:
        """Return what rules change on the newest tickets that are kept; None where there is nothing to compare."""
        if seen is None:
            return None
        try:
            old = self._versions.load(seen.revision, seen.settings)
        except UnusableRevisionError:
            return None
        until = time.monotonic() + TRYING_SECONDS
        tickets = kept_history(self._versions.database, newest=TICKETS_TRIED)
        when = When(datetime.now(self._zone), self._zone)
        # On one core: the others decide what comes in.
        late = partial(_is_past, until)
        return backtest(ruleset, old, tickets.lines, when, examples=0, processes=1, late=late)

    def _finish(
        self,
        origin: Origin,
        request: ChangeRequest,
        comment: str,
        seen: Version | None,
        ruleset: RuleSet,
        settings: RuleSettings,
        checks: Mapping[str, Any],
    ) -> Version | None:
        if request.dry_run or (seen is not None and seen.revision == ruleset.revision):
            return None
        version = self._versions.add(
            ruleset,
            settings,
            origin,
            request.author,
            seen=seen,
            comment=comment,
            checks=checks,
            in_folder=request.in_folder,
        )
        self._versions.keep_at_hand(ruleset, settings)
        facts = {"revision": version.revision, "by": version.author, "replaced": seen and seen.revision}
        _log.info("rules published" if origin is Origin.PUBLISH else "rules rolled back", extra=facts)
        return version


def _check_names(files: Mapping[str, str]) -> None:
    if not files:
        raise UnfitRequestError("there are no files to publish")
    alike: dict[str, str] = {}
    for name in files:
        fits = name.isprintable() and 0 < len(name.encode()) <= LONGEST_NAME and not _SEPARATORS & set(name)
        if not fits or name in (".", ".."):
            raise UnfitRequestError(f"{name[:LONGEST_NAME]!r} is no name of a rule file, such as `10-vip.rules`")
        other = alike.setdefault(name.casefold(), name)
        if other != name:
            raise UnfitRequestError(f"`{other}` and `{name}` are the same file on some computers: rename one of them")
        if len(files) > 1 and not name.endswith(".rules"):
            raise UnfitRequestError(f"`{name}` would not run in a folder: the names of rule files end with .rules")


def _try(ruleset: RuleSet) -> None:
    """Raise RejectedRulesError for rules that run out of their budget whatever a ticket says."""
    for fault in ruleset.decide({}).faults:
        if fault.kind == "limit":
            place = f"{fault.file}:{fault.line}"
            raise RejectedRulesError(f"on a ticket that says nothing they run out of budget: {place}: {fault.message}")


def _is_past(moment: float) -> bool:
    return time.monotonic() > moment


def _numbers(found: Backtest) -> dict[str, Any]:
    data = found.to_dict()
    return {name: data[name] for name in ("tickets", "changed", "variables", "refused", "faults", "cut")}


def _counts(report: Report) -> dict[str, int]:
    return {"passed": report.count("pass"), "failed": report.count("fail"), "errors": report.count("error")}
