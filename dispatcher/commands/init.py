"""`dispatcher init`: writes a commented settings file."""

from __future__ import annotations

import argparse

from dispatcher.arguments import SETTINGS_FILE, path
from dispatcher.errors import DispatcherError


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    command.add_argument("file", nargs="?", type=path, default=SETTINGS_FILE, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Write the file; raise DispatcherError when there is one."""
    from service.settings import default_toml

    try:
        with options.file.open("x", encoding="utf-8") as file:
            file.write(default_toml())
    except FileExistsError:
        raise DispatcherError(f"{options.file} exists already; name another file") from None
    except OSError as error:
        raise DispatcherError(f"{options.file}: cannot be written: {error.strerror}") from None
    print(f"wrote {options.file}")
    return 0
