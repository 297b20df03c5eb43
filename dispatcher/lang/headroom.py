"""Room on Python's stack: the same rules get as far for a caller that is deep in calls of its own as for any other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")

# Frames of callers that leave enough of Python's thousand.
MAX_CALLERS = 60


def with_room(function: Callable[[], Result]) -> Result:
    """Return what `function` returns; it runs on a stack of its own where this one is deep."""
    if not _is_deep():
        return function()
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            future.set_exception(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return future.result()


def _is_deep() -> bool:
    try:
        sys._getframe(MAX_CALLERS)  # noqa: SLF001 - counts the callers without building a list of them
    except ValueError:
        return False
    return True
