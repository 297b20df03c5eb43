"""API keys: who may do what, and the `api_key` table.

A key reads `dispatcher_<id>_<secret>`. The id finds the row, may be shown and logged, and opens nothing; the secret is
256 random bits, so one round of SHA-256 hides it as well as a slow hash would: there is nothing to guess. Only that
digest is kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from dispatcher.errors import DispatcherError
from dispatcher.lang.diagnostics import near_name
from service.database import METADATA, Database, milliseconds

_FORM = re.compile(r"dispatcher_([0-9a-f]{10})_[0-9a-f]{64}")
LONGEST_NAME = 100


class Scope(StrEnum):
    """What a key may do."""

    INTAKE = "intake"  # post tickets
    TEST = "test"  # check and try rules
    READ = "read"  # see tickets, decisions and metrics
    PUBLISH = "publish"  # put rules in force
    ADMIN = "admin"  # everything


API_KEYS = sa.Table(
    "api_key",
    METADATA,
    sa.Column("id", sa.String(10), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("max_body_bytes", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. Limits are None where the key has none of its own."""

    id: str
    name: str
    digest: str = field(repr=False)
    scopes: tuple[Scope, ...]
    requests_per_minute: int | None
    max_body_bytes: int | None
    created_at: int
    revoked_at: int | None

    def allows(self, scope: Scope) -> bool:
        """Whether the key may do what needs this scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class Keys:
    """The keys of one database. Every call is one short transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        requests_per_minute: int | None = None,
        max_body_bytes: int | None = None,
    ) -> tuple[ApiKey, str]:
        """Add a key; return it with its text, which cannot be had again.

        Raises DispatcherError for a name that cannot be shown and for scopes that there are not.
        """
        key_id = secrets.token_hex(5)
        text = f"dispatcher_{key_id}_{secrets.token_hex(32)}"
        key = ApiKey(
            id=key_id,
            name=_checked_name(name),
            digest=digest_of(text),
            scopes=_checked_scopes(scopes),
            requests_per_minute=requests_per_minute,
            max_body_bytes=max_body_bytes,
            created_at=milliseconds(),
            revoked_at=None,
        )
        row = {column.name: getattr(key, column.name) for column in API_KEYS.c} | {"scopes": " ".join(key.scopes)}
        with self.database.transaction() as connection:
            connection.execute(sa.insert(API_KEYS).values(row))
        return key, text

    def all(self) -> list[ApiKey]:
        """Return all keys, the revoked ones too, in the order in which they were created."""
        query = sa.select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)
        with self.database.engine.connect() as connection:
            return [_key(row) for row in connection.execute(query)]

    def revoke(self, key_id: str) -> ApiKey | None:
        """Make a key worthless for ever; return it, or None if there is none with this id."""
        mine = API_KEYS.c.id == key_id
        # Rows stay: who had which key can be seen later, and a service that once asked for keys never stops to.
        revoking = sa.update(API_KEYS).where(mine, API_KEYS.c.revoked_at.is_(None)).values(revoked_at=milliseconds())
        with self.database.transaction() as connection:
            connection.execute(revoking)
            row = connection.execute(sa.select(API_KEYS).where(mine)).one_or_none()
        return None if row is None else _key(row)


def id_of(text: str) -> str | None:
    """Return the id in the text of a key, or None if it has not the form of one."""
    found = _FORM.fullmatch(text)
    return found and found[1]


def digest_of(text: str) -> str:
    """Return what is kept of the text of a key."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checked_name(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise DispatcherError(
            f"a key's name is one line of at most {LONGEST_NAME} characters that says who uses it, such as `website`"
        )
    return name.strip()


def _checked_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    wanted = dict.fromkeys(names)
    for name in wanted:
        if name not in list(Scope):
            hint = near_name(name, Scope) or f"write one of {', '.join(Scope)}"
            raise DispatcherError(f"there is no scope `{name}`; {hint}")
    if not wanted:
        raise DispatcherError(f"a key needs a scope: {', '.join(Scope)}")
    return tuple(scope for scope in Scope if scope in wanted)


def _key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(**row._asdict() | {"scopes": tuple(Scope(name) for name in row.scopes.split())})
