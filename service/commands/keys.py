"""`dispatcher keys`: creates, lists and revokes API keys, also while a service runs."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dispatcher.arguments import add_config
from dispatcher.errors import DispatcherError

if TYPE_CHECKING:
    from service.keys import ApiKey, Keys

# What every database takes in a column of whole numbers.
_LARGEST = 2_000_000_000


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = command.add_subparsers(prog="dispatcher keys", metavar="ACTION", dest="action", required=True)
    create = actions.add_parser(
        "create",
        help="create a key and show it, once",
        description="Create a key. It is printed once, alone on standard output; only its digest is kept.",
        formatter_class=command.formatter_class,
    )
    create.add_argument("name", metavar="NAME", help="who uses it, such as `website`")
    create.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        required=True,
        metavar="SCOPE",
        help="what it may do: intake, test, read, publish, or admin for everything; give it once for each",
    )
    create.add_argument("--requests-per-minute", type=_whole, metavar="N", help="default: no limit")
    create.add_argument("--max-body-bytes", type=_whole, metavar="N", help="default: as `max_body_bytes` is set")
    shown = actions.add_parser("list", help="show all keys", formatter_class=command.formatter_class)
    shown.add_argument("--format", choices=("text", "json"), default="text", help="for people (default) or as data")
    revoke = actions.add_parser("revoke", help="make a key worthless", formatter_class=command.formatter_class)
    revoke.add_argument("key_id", metavar="ID", help="as `list` shows it")
    for action in actions.choices.values():
        add_config(action)


def run(options: argparse.Namespace) -> int:
    """Carry out an action, and return the exit code."""
    from sqlalchemy.exc import DBAPIError

    from service.database import Database
    from service.keys import Keys
    from service.settings import load_settings

    database = Database(load_settings(options.config).database)
    database.open(exclusive=False)
    try:
        _ACTIONS[options.action](Keys(database), options)
    except DBAPIError as error:
        raise DispatcherError(f"cannot use the database {database}: {error.orig}; try again") from None
    finally:
        database.close()
    return 0


def _create(keys: Keys, options: argparse.Namespace) -> None:
    key, text = keys.create(
        options.name,
        options.scopes,
        requests_per_minute=options.requests_per_minute,
        max_body_bytes=options.max_body_bytes,
    )
    # Beside the output, so that a script gets the key alone.
    sys.stderr.write(
        f"created the key {key.id} for `{key.name}`: {', '.join(key.scopes)}\n"
        "this is the only time that it is shown, since only its digest is kept:\n"
    )
    sys.stdout.write(f"{text}\n")


def _list(keys: Keys, options: argparse.Namespace) -> None:
    known = keys.all()
    if options.format == "json":
        import json

        sys.stdout.write(json.dumps([_data(key) for key in known], indent=2) + "\n")
    elif not known:
        sys.stdout.write("there are no API keys: `dispatcher keys create NAME --scope intake` creates one\n")
    else:
        heading = ("ID", "NAME", "SCOPES", "LIMITS", "CREATED", "REVOKED")
        rows = [heading, *(_row(key) for key in known)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write(f"{line.rstrip()}\n")


def _revoke(keys: Keys, options: argparse.Namespace) -> None:
    from service.keys import id_of

    # Who finds a key where it does not belong has the whole of it at hand. It is not repeated, not even in part.
    key_id = id_of(options.key_id) or options.key_id
    if not re.fullmatch("[0-9a-f]{10}", key_id):
        raise DispatcherError("that is no id of a key; `dispatcher keys list` shows them")
    key = keys.revoke(key_id)
    if key is None:
        raise DispatcherError(f"there is no key `{key_id}`; `dispatcher keys list` shows them")
    sys.stdout.write(f"the key {key.id} of `{key.name}` is revoked since {_minute(key.revoked_at)}\n")


_ACTIONS = {"create": _create, "list": _list, "revoke": _revoke}


def _row(key: ApiKey) -> tuple[str, ...]:
    limits = []
    if key.requests_per_minute is not None:
        limits.append(f"{key.requests_per_minute} requests a minute")
    if key.max_body_bytes is not None:
        limits.append(f"{key.max_body_bytes} bytes a body")
    times = (_minute(key.created_at), _minute(key.revoked_at))
    return key.id, key.name, ", ".join(key.scopes), ", ".join(limits), *times


def _data(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "requests_per_minute": key.requests_per_minute,
        "max_body_bytes": key.max_body_bytes,
        "created_at": _time(key.created_at),
        "revoked_at": _time(key.revoked_at),
    }


def _minute(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M UTC}"


def _time(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _whole(text: str) -> int:
    if not re.fullmatch("0*[1-9][0-9]{0,9}", text) or int(text) > _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_LARGEST}")
    return int(text)
