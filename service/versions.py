"""Versions: every rule set that was ever in force, and which one is; the `rules_revision` and `rules_version` tables.

A revision is the content of rule files, kept once, under the digest that decisions name. A version says that a revision
came into force: when, by whom, and with which settings. Versions are only ever added, and the last one is in force. So
going back is a version of its own, and both tables tell the whole history; nothing is deleted from them. Of a version
is also noted whether its rules were then in the place that the settings name, to tell when those are changed there.

A version is added in one transaction, by one program at a time, and only to the last version that its author has seen.
So a crash leaves the rules that were in force, and of two who publish at the same time one is told of the other.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from dispatcher import RulesError, RuleSet
from dispatcher.errors import DispatcherError
from dispatcher.lang.source import Source
from dispatcher.plain import to_json_safe
from dispatcher.ruleset import OnFault
from service.database import METADATA, Database, iso_time, milliseconds, to_text
from service.settings import Settings

# Of PostgreSQL's advisory locks; any number of ours that nobody else takes.
_PUBLISHING = 0x64697372
# Compiled rule sets that are kept at hand.
_AT_HAND = 4
SHORTEST = 8
_REVISION = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")


class Origin(StrEnum):
    """How a version came into force."""

    FOLDER = "folder"  # a start found other rules in the place that the settings name
    SETTINGS = "settings"  # a start found other settings, with the same rules
    PUBLISH = "publish"
    ROLLBACK = "rollback"


REVISIONS = sa.Table(
    "rules_revision",
    METADATA,
    sa.Column("revision", sa.String(64), primary_key=True),
    sa.Column("files", sa.Text, nullable=False),
)
VERSIONS = sa.Table(
    "rules_version",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.String(64), sa.ForeignKey(REVISIONS.c.revision), nullable=False, index=True),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("checks", sa.Text, nullable=False),
    sa.Column("in_folder", sa.Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What settings say of deciding."""

    variables: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    on_fault: OnFault = "absent"

    @classmethod
    def of(cls, settings: Settings) -> RuleSettings:
        """Return those of a service, as they are kept: what TOML has and JSON has not becomes text."""
        return cls(settings.variables, to_json_safe(settings.defaults), settings.on_fault)

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON data."""
        return {"variables": list(self.variables), "defaults": dict(self.defaults), "on_fault": self.on_fault}

    def same(self, other: RuleSettings) -> bool:
        """Whether rules decide alike by both: 1 and True are not the same."""
        return _ordered(self) == _ordered(other)


@dataclass(frozen=True, slots=True)
class Version:
    """One row: this revision came into force. `since` is in milliseconds since 1970."""

    number: int
    revision: str
    since: int
    origin: Origin
    author: str
    comment: str
    settings: RuleSettings
    checks: Mapping[str, Any]

    def to_dict(self, *, active: bool) -> dict[str, Any]:
        """Return it as JSON data; `active`: it is in force."""
        return {
            "number": self.number,
            "revision": self.revision,
            "active": active,
            "since": iso_time(self.since),
            "origin": self.origin,
            "by": self.author,
            "comment": self.comment,
            "settings": self.settings.to_dict(),
            "checks": dict(self.checks),
        }

    def __str__(self) -> str:
        """Return what errors say of it."""
        how = {Origin.PUBLISH: f"by {self.author}", Origin.ROLLBACK: f"by {self.author}, who went back to it"}
        return f"revision {self.revision[:SHORTEST]}, {how.get(self.origin, 'at a start')} on {iso_time(self.since)}"


class NoRevisionError(DispatcherError):
    """A text that names no revision, or several."""


class UnusableRevisionError(DispatcherError):
    """Rules that were in force once and cannot be used by this version of dispatcher, or with these settings."""


class ChangedMeanwhileError(DispatcherError):
    """Other rules are in force than somebody had seen; `active` is the version that is."""

    def __init__(self, active: Version) -> None:
        super().__init__(f"other rules came into force: {active}; look at what they change, then try again")
        self.active = active


class Versions:
    """The versions of one database, for any thread. Every call is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._compiled: OrderedDict[tuple[str, str], RuleSet] = OrderedDict()
        self._lock = threading.Lock()

    # --- reading

    def active(self) -> Version | None:
        """Return the version in force; None before the first start."""
        with self.database.engine.connect() as connection:
            return _last(connection)

    def history(self, limit: int, before: int | None = None) -> list[Version]:
        """Return the newest versions, those with a number below `before`."""
        query = sa.select(VERSIONS).order_by(VERSIONS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(VERSIONS.c.number < before)
        with self.database.engine.connect() as connection:
            return [_version(row) for row in connection.execute(query)]

    def of_revision(self, revision: str) -> list[Version]:
        """Return the versions with which a revision was in force, the newest first."""
        query = sa.select(VERSIONS).where(VERSIONS.c.revision == revision).order_by(VERSIONS.c.number.desc())
        with self.database.engine.connect() as connection:
            return [_version(row) for row in connection.execute(query)]

    def before(self, version: Version) -> Version | None:
        """Return the version with the rules that were in force before those of another."""
        earlier = (VERSIONS.c.number < version.number) & (VERSIONS.c.revision != version.revision)
        with self.database.engine.connect() as connection:
            return _last(connection, earlier)

    def resolve(self, text: str) -> str:
        """Return the revision that begins with a text; raise NoRevisionError unless there is one."""
        wanted = text.strip().lower()
        if not _REVISION.fullmatch(wanted):
            raise NoRevisionError(
                f"`{text}` is no revision: write its first {SHORTEST} characters or more, as the history shows them"
            )
        query = sa.select(REVISIONS.c.revision).where(REVISIONS.c.revision.startswith(wanted)).limit(2)
        with self.database.engine.connect() as connection:
            found: list[str] = list(connection.execute(query).scalars())
        if len(found) != 1:
            many = "several revisions begin" if found else "no rules that were in force have a revision that begins"
            raise NoRevisionError(f"{many} with `{wanted}`; the history shows them all")
        return found[0]

    def files(self, revision: str) -> dict[str, str]:
        """Return the rule files of a revision by name, in the order they run."""
        query = sa.select(REVISIONS.c.files).where(REVISIONS.c.revision == revision)
        with self.database.engine.connect() as connection:
            text = connection.execute(query).scalar_one_or_none()
        if text is None:
            raise NoRevisionError(f"the rules with the revision {revision} were never in force here")
        found: dict[str, str] = json.loads(text)
        return found

    # --- rule sets

    def ruleset(self, revision: str, at: datetime | None = None) -> RuleSet:
        """Return the rules of a revision, with the settings by which they decided at a time, by default the last.

        Raises NoRevisionError for rules that were never in force, and UnusableRevisionError.
        """
        known = self.of_revision(revision)
        if not known:
            raise NoRevisionError(f"the rules with the revision {revision} were never in force here")
        moment = None if at is None else at.timestamp() * 1000
        # A process that had not yet heard of the first version of a revision did not decide by it.
        then = next((version for version in known if moment is None or version.since <= moment), known[-1])
        return self.load(then.revision, then.settings)

    def load(self, revision: str, settings: RuleSettings) -> RuleSet:
        """Return the rules of a revision with some settings; raise UnusableRevisionError when they have errors."""
        key = (revision, _ordered(settings))
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                return self._compiled[key]
        try:
            ruleset = compiled(self.files(revision), settings)
        except RulesError as error:
            raise UnusableRevisionError(
                f"the rules of revision {revision[:SHORTEST]} have errors for this version of dispatcher and these "
                f"settings: {error}"
            ) from None
        self.keep_at_hand(ruleset, settings)
        return ruleset

    def keep_at_hand(self, ruleset: RuleSet, settings: RuleSettings) -> None:
        """Keep a compiled rule set for when it is asked for."""
        with self._lock:
            self._compiled[ruleset.revision, _ordered(settings)] = ruleset
            while len(self._compiled) > _AT_HAND:
                self._compiled.popitem(last=False)

    # --- adding

    def add(
        self,
        ruleset: RuleSet,
        settings: RuleSettings,
        origin: Origin,
        author: str,
        *,
        seen: Version | None,
        comment: str = "",
        checks: Mapping[str, Any] | None = None,
        in_folder: bool = False,
    ) -> Version:
        """Put rules in force; raise ChangedMeanwhileError unless `seen` is the version in force.

        `in_folder`: they are those of the place that the settings name.
        """
        with self._alone() as connection:
            active = _last(connection)
            if active is not None and (seen is None or active.number != seen.number):
                raise ChangedMeanwhileError(active)
            _keep(connection, ruleset)
            return _add(
                connection, active, ruleset.revision, settings, origin, author, comment, checks, in_folder=in_folder
            )

    def start(self, ruleset: RuleSet, settings: RuleSettings) -> Version:
        """Return the version that is in force when a service starts that has these rules and settings.

        Its rules come into force if they have not been since those in force were last the ones in the folder; so what
        was published stays, until somebody changes the files. Its settings come into force whenever they are others.
        """
        with self._alone() as connection:
            active = _last(connection)
            held = _last(connection, VERSIONS.c.in_folder.is_(True))
            since = VERSIONS.c.number >= (0 if held is None else held.number)
            if active is None or _last(connection, since & (VERSIONS.c.revision == ruleset.revision)) is None:
                _keep(connection, ruleset)
                folder = Origin.FOLDER
                return _add(connection, active, ruleset.revision, settings, folder, folder, in_folder=True)
            if active.revision == ruleset.revision:
                mine = VERSIONS.c.number == active.number
                connection.execute(sa.update(VERSIONS).where(mine).values(in_folder=True))
            if not active.settings.same(settings):
                return _add(connection, active, active.revision, settings, Origin.SETTINGS, Origin.SETTINGS)
            return active

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """A transaction beside which no other of these runs."""
        with self.database.transaction() as connection:
            if self.database.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PUBLISHING)))
            yield connection


def compiled(files: Mapping[str, str], settings: RuleSettings) -> RuleSet:
    """Return the rule set of some files, by name, in their order; raise RulesError when one has errors."""
    sources = [Source(text, name) for name, text in files.items()]
    return RuleSet(sources, variables=settings.variables, defaults=settings.defaults, on_fault=settings.on_fault)


def _last(connection: sa.Connection, condition: sa.ColumnElement[bool] | None = None) -> Version | None:
    query = sa.select(VERSIONS).order_by(VERSIONS.c.number.desc()).limit(1)
    row = connection.execute(query if condition is None else query.where(condition)).one_or_none()
    return None if row is None else _version(row)


def _keep(connection: sa.Connection, ruleset: RuleSet) -> None:
    mine = REVISIONS.c.revision == ruleset.revision
    if connection.execute(sa.select(REVISIONS.c.revision).where(mine)).first() is None:
        files = {source.filename: source.text for source in ruleset.sources}
        connection.execute(sa.insert(REVISIONS).values(revision=ruleset.revision, files=to_text(files)))


def _add(
    connection: sa.Connection,
    active: Version | None,
    revision: str,
    settings: RuleSettings,
    origin: Origin,
    author: str,
    comment: str = "",
    checks: Mapping[str, Any] | None = None,
    *,
    in_folder: bool = False,
) -> Version:
    number = 1 if active is None else active.number + 1
    version = Version(number, revision, milliseconds(), origin, author, comment, settings, checks or {})
    row = {name: getattr(version, name) for name in ("number", "revision", "since", "origin", "author", "comment")}
    kept = {"settings": to_text(settings.to_dict()), "checks": to_text(version.checks), "in_folder": in_folder}
    connection.execute(sa.insert(VERSIONS).values(row | kept))
    return version


def _version(row: sa.Row[Any]) -> Version:
    settings = json.loads(row.settings)
    return Version(
        number=row.number,
        revision=row.revision,
        since=row.since,
        origin=Origin(row.origin),
        author=row.author,
        comment=row.comment,
        settings=RuleSettings(tuple(settings["variables"]), settings["defaults"], settings["on_fault"]),
        checks=json.loads(row.checks),
    )


def _ordered(settings: RuleSettings) -> str:
    return json.dumps(settings.to_dict(), sort_keys=True)
