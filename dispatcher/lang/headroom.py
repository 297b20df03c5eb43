"""Room on Python's stack: the same rules get as far for a caller that is deep in calls of its own as for any other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# Frames of callers that leave enough of Python's thousand.
MAX_CALLERS = 60


def with_room(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let `function` run on a stack of its own where its caller is deep."""

    @wraps(function)
    def roomy(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        if not _is_deep():
            return function(*arguments, **named)
        # Few callers are deep, and all would wait for these imports.
        from concurrent.futures import Future
        from threading import Thread

        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(function(*arguments, **named))
            except BaseException as error:  # noqa: BLE001 - raised again by the caller
                future.set_exception(error)

        thread = Thread(target=run)
        thread.start()
        thread.join()
        return future.result()

    return roomy


def _is_deep() -> bool:
    try:
        sys._getframe(MAX_CALLERS)  # noqa: SLF001 - counts the callers without building a list of them
    except ValueError:
        return False
    return True
