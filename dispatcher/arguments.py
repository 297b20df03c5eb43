"""What the arguments of several commands have in common: how they are declared, and reading what they name.

Files are found by `os`, since importing `pathlib` takes as long as checking a small one.
"""

# ruff: noqa: PTH123

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import MAXYEAR, MINYEAR, datetime
from typing import TYPE_CHECKING, Any, TextIO

from dispatcher.checking import read_sources, read_text
from dispatcher.errors import DispatcherError, TicketError
from dispatcher.lang.source import Source

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_INPUT = "-"
SETTINGS_FILE = "dispatcher.toml"
RULES_HELP = "a rule file, a folder of *.rules files, or - for standard input"


# --- declaring


def add_format(command: argparse.ArgumentParser) -> None:
    """Add `--format`."""
    command.add_argument("--format", choices=("text", "json"), default="text", help="for people (default) or as data")


def add_config(command: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    default = f"default: {SETTINGS_FILE} in this folder, if there is one"
    command.add_argument("--config", type=path, metavar="FILE", help=f"the settings file ({default})")


def add_now(command: argparse.ArgumentParser) -> None:
    """Add `--now`."""
    command.add_argument("--now", metavar="TIME", type=time, help="the time of arrival, such as 2026-03-02T17:45+01:00")


def path(text: str) -> Path:
    """Return an argument as a path."""
    from pathlib import Path

    return Path(text)


def time(text: str) -> datetime:
    """Return an argument as a time, which has a zone where the text names one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it as 2026-03-02T17:45+01:00") from None
    # In other zones, the first and the last days are no times.
    if not MINYEAR < found.year < MAXYEAR:
        raise argparse.ArgumentTypeError(f"{text!r} is not between the years {MINYEAR + 1} and {MAXYEAR - 1}")
    return found


def line(text: str) -> tuple[str | None, int]:
    """Return an argument such as `12` or `vip.rules:12` as file and line; no file where none is named."""
    file, _, number = text.rpartition(":")
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 10**9):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no line; write 12, or vip.rules:12 where there are several files"
        )
    return file or None, int(number)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads an argument that is a whole number between these, both included."""

    def read(text: str) -> int:
        # Of longer texts the number is not even read: that takes the square of their length.
        is_short = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not is_short or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return read


def names(text: str) -> tuple[str, ...]:
    """Return the names in an argument such as `a,b`."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


# --- reading


def sources(argument: str, *, whole_names: bool = False) -> list[Source]:
    """Return the rule files that an argument names."""
    if argument == STANDARD_INPUT:
        return [Source(_standard_input(), "<stdin>")]
    return read_sources(argument, whole_names=whole_names)


def text(argument: str) -> str:
    """Return the text of the file that an argument names."""
    return _standard_input() if argument == STANDARD_INPUT else read_text(argument)


def _standard_input() -> str:
    try:
        # Python has none where the process was started with it closed.
        if sys.stdin is None or sys.stdin.closed:
            raise DispatcherError("standard input is closed; name a file")
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DispatcherError(f"standard input is not UTF-8 at byte {error.start}") from None


def lines(argument: str) -> Iterator[tuple[str, str]]:
    """Yield place and text of each line that is not blank, without holding the file."""
    if argument == STANDARD_INPUT:
        yield from _numbered(argument, sys.stdin)
        return
    try:
        with open(argument, encoding="utf-8-sig", errors="replace") as file:
            yield from _numbered(argument, file)
    except OSError as error:
        raise DispatcherError(f"{argument}: cannot be read: {error.strerror}") from None


def _numbered(name: str, file: TextIO) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            yield f"{name}:{number}", line


def ticket(text: str, place: str) -> dict[str, Any]:
    """Return the ticket that a text holds as JSON; raise TicketError, with its place, when it holds none."""
    import json

    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise TicketError(f"{place}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise TicketError(f"{place}: the JSON nests too deep or holds a number that is too long") from None
    if not isinstance(found, dict):
        raise TicketError(f'{place}: a ticket is one JSON object, such as {{"email": "...", "msg": "..."}}')
    return found


# --- answering


def print_json(data: object, output: TextIO) -> None:
    """Write data for programs."""
    import json

    output.write(json.dumps(data, indent=2) + "\n")
