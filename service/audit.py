"""What an audit of the kept tickets needs: the database beside a service, the rules in force, and earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from dispatcher import RuleSet
from dispatcher.audit.rules import Former
from dispatcher.errors import DispatcherError, SettingsError
from service.database import Database
from service.settings import load_settings
from service.versions import Versions


@contextmanager
def reading(config: Path | None) -> Iterator[Database]:
    """The database of the settings, also beside a service; raise SettingsError where there is none."""
    database = Database(load_settings(config).database)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise SettingsError(
            f"there is no database {database.url.database}; go to the folder of the service's settings, name them with "
            "--config, or name past tickets with --history"
        )
    database.open(exclusive=False)
    try:
        yield database
    except sa.exc.DBAPIError as error:
        raise DispatcherError(f"the database {database} cannot be used: {error.orig}") from None
    finally:
        database.close()


def rules_in_force(versions: Versions) -> RuleSet:
    """Return the rules that a service decides by; DispatcherError where none has been started yet."""
    active = versions.active()
    if active is None:
        raise DispatcherError("no rules are in force yet: start the service, or name some: `dispatcher audit RULES`")
    return versions.load(active.revision, active.settings)


def former(versions: Versions, late: Callable[[], bool] = lambda: False) -> Former:
    """Return what finds the rules of an earlier revision, each of which is compiled; none when it is `late`."""

    def find(revision: str) -> RuleSet | None:
        if late():
            return None
        try:
            return versions.ruleset(revision)
        except DispatcherError:
            return None

    return find
