"""API keys: what is kept of them, and the commands that create, list and revoke them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispatcher.cli import main
from dispatcher.errors import DispatcherError
from service import keys as keys_module
from service.database import Database
from service.keys import API_KEYS, ApiKey, Keys, Scope, digest_of, id_of

NOW = 1_790_000_000_123


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keys_module, "milliseconds", lambda: NOW)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The database of the folder, in use by a service."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'dispatcher.db'}")
    database.open()
    yield database
    database.close()


@pytest.fixture
def keys(database: Database) -> Keys:
    """The keys of that database."""
    return Keys(database)


def test_create(any_database: Database) -> None:
    """A key is told once; what is kept of it is its digest, and what it may do."""
    keys = Keys(any_database)
    key, text = keys.create("website", ["test", "intake", "test"], requests_per_minute=30, max_body_bytes=9000)

    assert re.fullmatch(rf"dispatcher_{key.id}_[0-9a-f]{{64}}", text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert key == ApiKey(key.id, "website", digest, (Scope.INTAKE, Scope.TEST), 30, 9000, NOW, None)
    assert (id_of(text), digest_of(text)) == (key.id, key.digest)
    assert keys.all() == [key]
    with any_database.engine.connect() as connection:
        row = connection.execute(sa.select(API_KEYS)).one()
    assert tuple(row) == (key.id, "website", digest, "intake test", 30, 9000, NOW, None)


def test_keys_differ(keys: Keys) -> None:
    """Two keys of one name have nothing in common that would open the other's door."""
    (first, one), (second, two) = (keys.create("website", ["intake"]) for _ in range(2))

    assert first.id != second.id
    assert one.rpartition("_")[2] != two.rpartition("_")[2]
    assert sorted(keys.all(), key=lambda key: key.id) == sorted([first, second], key=lambda key: key.id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dispatcher_0123456789_" + "0" * 63,
        "dispatcher_0123456789_" + "0" * 65,
        "dispatcher_0123456789_" + "A" * 64,
        "dispatcher_0123_456789_" + "0" * 64,
        "dispatcher_012345678_" + "0" * 64,
        "x_0123456789_" + "0" * 64,
        "dispatcher_0123456789_" + "0" * 64 + "\n",
        "dispatcher_٠١٢٣٤٥٦٧٨٩_" + "0" * 64,
    ],
)
def test_no_key(text: str) -> None:
    """What has not the form of a key has no id."""
    assert id_of(text) is None


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("asked", Scope)
def test_scopes(keys: Keys, scope: Scope, asked: Scope) -> None:
    """A scope allows itself and nothing else, but admin allows everything."""
    key, _ = keys.create("website", [scope])

    assert key.allows(asked) == (asked is scope or scope is Scope.ADMIN)


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [
        ("website", ["intake", "reed"], "there is no scope `reed`; did you mean `read`?"),
        ("website", ["x"], "there is no scope `x`; write one of intake, test, read, publish, admin"),
        ("website", [], "a key needs a scope: intake, test, read, publish, admin"),
        *(
            (
                name,
                ["intake"],
                "a key's name is one line of at most 100 characters that says who uses it, such as `website`",
            )
            for name in ("", "  ", "a\nb", "a\x1b[2J", "n" * 101)
        ),
    ],
)
def test_refused(keys: Keys, name: str, scopes: list[str], said: str) -> None:
    """A name that cannot be shown and scopes that there are not are refused in words, and no key is made."""
    with pytest.raises(DispatcherError) as raised:
        keys.create(name, scopes)
    assert (str(raised.value), keys.all()) == (said, [])


def test_revoke(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revoked key stays in the list with the time of the first revocation; others are untouched."""
    keys = Keys(any_database)
    key, _ = keys.create("website", ["intake"])
    other, _ = keys.create("phone", ["intake"])
    revoked = keys.revoke(key.id)
    assert revoked is not None
    assert revoked.revoked_at == NOW
    monkeypatch.setattr(keys_module, "milliseconds", lambda: NOW + 5)
    assert keys.revoke(key.id) == revoked
    assert {kept.id: kept.revoked_at for kept in keys.all()} == {key.id: NOW, other.id: None}
    assert keys.revoke("0000000000") is None


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a `keys` command."""
    try:
        code = main(["keys", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_creates(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first start `keys create` makes the database; the key alone is the output, so it can be piped."""
    code, out, err = run(capsys, "create", "Ninja forms", "--scope", "intake", "--scope", "test")

    key_id = id_of(out.rstrip("\n"))
    assert (code, err) == (
        0,
        f"created the key {key_id} for `Ninja forms`: intake, test\n"
        "this is the only time that it is shown, since only its digest is kept:\n",
    )


def test_the_commands_work_beside_a_service(keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    """While a service has the database, keys are created, listed and revoked."""
    code, out, _ = run(capsys, "create", "phone", "--scope", "read", "--requests-per-minute", "5")
    (key,) = keys.all()
    assert (code, id_of(out.strip()), key.digest, key.requests_per_minute) == (0, key.id, digest_of(out.strip()), 5)
    assert run(capsys, "revoke", key.id) == (
        0,
        f"the key {key.id} of `phone` is revoked since 2026-09-21 14:13 UTC\n",
        "",
    )
    assert keys.all()[0].revoked_at == NOW


def test_the_command_lists(keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    """`keys list` shows every key with scopes, limits and whether it is revoked, as a table or as data."""
    assert run(capsys, "list") == (
        0,
        "there are no API keys: `dispatcher keys create NAME --scope intake` creates one\n",
        "",
    )
    first, _ = keys.create("phone", ["admin"], requests_per_minute=5)
    second, _ = keys.create("Ninja forms", ["intake", "test"], max_body_bytes=9000)
    keys.revoke(first.id)
    shown = sorted(run(capsys, "list")[1].splitlines())
    lines = [
        f"{'ID':10}  {'NAME':11}  {'SCOPES':12}  {'LIMITS':19}  {'CREATED':20}  REVOKED",
        f"{first.id}  phone        admin         5 requests a minute  2026-09-21 14:13 UTC  2026-09-21 14:13 UTC",
        f"{second.id}  Ninja forms  intake, test  9000 bytes a body    2026-09-21 14:13 UTC",
    ]
    assert shown == sorted(lines)
    data = {key["id"]: key for key in json.loads(run(capsys, "list", "--format", "json")[1])}
    assert data == {
        first.id: {
            "id": first.id,
            "name": "phone",
            "scopes": ["admin"],
            "requests_per_minute": 5,
            "max_body_bytes": None,
            "created_at": "2026-09-21T14:13:20.123Z",
            "revoked_at": "2026-09-21T14:13:20.123Z",
        },
        second.id: {
            "id": second.id,
            "name": "Ninja forms",
            "scopes": ["intake", "test"],
            "requests_per_minute": None,
            "max_body_bytes": 9000,
            "created_at": "2026-09-21T14:13:20.123Z",
            "revoked_at": None,
        },
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["create", "x", "--scope", "intak"],
            "dispatcher: there is no scope `intak`; did you mean `intake`?\n",
        ),
        (
            ["revoke", "0123456789"],
            "dispatcher: there is no key `0123456789`; `dispatcher keys list` shows them\n",
        ),
        (
            ["create", "x", "--scope", "read", "--requests-per-minute", "0"],
            "dispatcher keys create: error: argument --requests-per-minute: '0' is no whole number from 1 to 2000000000\n",
        ),
        (
            ["create", "x", "--scope", "read", "--max-body-bytes", "1e3"],
            "dispatcher keys create: error: argument --max-body-bytes: '1e3' is no whole number from 1 to 2000000000\n",
        ),
        (["create", "x"], "dispatcher keys create: error: the following arguments are required: --scope\n"),
        ([], "dispatcher keys: error: the following arguments are required: ACTION\n"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """Wrong use ends with code 2 and a line that says what is wrong."""
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.splitlines(keepends=True)[-1]) == (2, "", said)


def test_a_pasted_key_is_not_repeated(capsys: pytest.CaptureFixture[str], keys: Keys) -> None:
    """Who gives the whole key instead of its id has it revoked, and does not see it on the screen again."""
    key, text = keys.create("phone", ["read"])
    assert run(capsys, "revoke", text) == (
        0,
        f"the key {key.id} of `phone` is revoked since 2026-09-21 14:13 UTC\n",
        "",
    )
    assert run(capsys, "revoke", text[:-1]) == (
        2,
        "",
        "dispatcher: that is no id of a key; `dispatcher keys list` shows them\n",
    )


def test_a_database_that_fails(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """What the database says when it cannot keep a key is told in one line, and no key is shown."""
    with database.transaction() as connection:
        refuse = "CREATE TRIGGER full BEFORE INSERT ON api_key BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        connection.execute(sa.text(refuse))
    said = "dispatcher: cannot use the database sqlite:///data/dispatcher.db: disk is full; try again\n"
    assert run(capsys, "create", "phone", "--scope", "read") == (2, "", said)
