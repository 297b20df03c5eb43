"""What the judges in Python share: each operation is tried, and told in one line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

# Where the emulator is and how to sign in, as the runner says it.
ADDRESS, TENANT = os.environ.get("HALO_ADDRESS", ""), os.environ.get("HALO_TENANT", "")
CLIENT_ID, CLIENT_SECRET = os.environ.get("HALO_CLIENT_ID", ""), os.environ.get("HALO_CLIENT_SECRET", "")


def module(name: str) -> Any:
    """Return a module of the judge's own environment, which this project knows nothing of."""
    return importlib.import_module(name)


class Operations:
    """Tries one operation after the other, and counts what failed."""

    def __init__(self) -> None:
        self.failed = 0

    def attempt(self, name: str, operation: Callable[[], Any], expected: Any) -> Any:
        """Run an operation, compare what it brings, and print a line; the result is None when it failed."""
        try:
            result = operation()
        except Exception as error:  # noqa: BLE001 - whatever a judge stumbles over is its verdict
            place = traceback.extract_tb(error.__traceback__)[-1]
            return self._fail(name, f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})")
        if result != expected:
            return self._fail(name, f"{result!r} instead of {expected!r}")
        self._tell(f"ok      {name}")
        return result

    def refused(self, name: str, operation: Callable[[], Any], words: str) -> None:
        """Run an operation that must be refused in these words."""

        def run() -> bool | str:
            try:
                operation()
            except Exception as error:  # noqa: BLE001 - each judge has exceptions of its own
                return True if words in str(error) else str(error)
            return "it was not refused"

        self.attempt(name, run, True)

    def _fail(self, name: str, why: str) -> None:
        self.failed += 1
        self._tell(f"FAILED  {name}: {why}")

    def _tell(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
