"""Following: each process that decides tickets looks again and again which version is in force, and switches to it.

Deciding asks no database: what is found here is put into `ActiveRules`. A version that this process cannot use, such as
one that a newer dispatcher has published, leaves the rules of before in force here, and /readyz says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import sqlalchemy as sa

from dispatcher.errors import SettingsError
from service.deciding import ActiveRules
from service.readiness import Check
from service.versions import SHORTEST, RuleSettings, UnusableRevisionError, Version, Versions

# A publication is in force everywhere after this time, and what compiling takes.
LOOK_SECONDS = 2.0

_log = logging.getLogger(__name__)


class Follower:
    """Keeps `rules` at the version in force, in one event loop. `switched` is told of each other version.

    `own` are the rules that the process was started with, by these settings.
    """

    def __init__(
        self,
        versions: Versions,
        rules: ActiveRules,
        settings: RuleSettings,
        switched: Callable[[Version], None] = lambda _version: None,
    ) -> None:
        self.own = rules.ruleset
        self._versions = versions
        self._rules = rules
        self._settings = settings
        self._switched = switched
        self._looking = asyncio.Lock()
        self._problem: Version | None = None
        self.version: Version | None = None

    def start(self) -> Version:
        """Put `own` in force, unless others have replaced them since, and return the version that is.

        Blocks; raises SettingsError when those in force cannot be used.
        """
        if self.version is None:
            self._versions.keep_at_hand(self.own, self._settings)
            try:
                version = self._versions.start(self.own, self._settings)
                ruleset = self._versions.load(version.revision, version.settings)
            except UnusableRevisionError as error:
                raise SettingsError(
                    f"the rules in force cannot be used ({version}): {error}; publish others with `dispatcher rules "
                    "publish DIR`, or go back with `dispatcher rules rollback`, then start again"
                ) from None
            except sa.exc.DBAPIError as error:
                raise SettingsError(f"the database {self._versions.database} cannot be used: {error.orig}") from None
            if ruleset is not self.own:
                self._rules.switch(ruleset)
            self.version = version
            _log.info("rules in force", extra=_facts(version))
        return self.version

    async def look(self) -> None:
        """Switch to the version in force, if it is another than before."""
        async with self._looking:
            version = await self._versions.database.ask(self._versions.active)
            known = self._problem or self.version
            if version is None or (known is not None and version.number == known.number):
                return
            try:
                ruleset = await self._versions.database.ask(self._versions.load, version.revision, version.settings)
            except UnusableRevisionError as error:
                self._problem = version
                _log.error("rules in force cannot be used here", extra=_facts(version) | {"error": str(error)})
                return
            self._rules.switch(ruleset)
            self.version, self._problem = version, None
            self._switched(version)
            _log.info("rules in force", extra=_facts(version))

    def check(self) -> Check:
        """Return whether the rules in force decide here."""
        if self._problem is None:
            return Check(True, f"revision {self._rules.ruleset.revision[:SHORTEST]} decides")
        return Check(
            False,
            f"revision {self._problem.revision[:SHORTEST]} is in force and cannot be used here; revision "
            f"{self._rules.ruleset.revision[:SHORTEST]} decides",
        )


def _facts(version: Version) -> dict[str, object]:
    return {
        "version": version.number,
        "revision": version.revision,
        "origin": str(version.origin),
        "by": version.author,
    }
