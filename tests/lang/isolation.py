"""Runs hostile rules in a process of their own, so that a hang or a crash is a failed test and not the end of the run."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What an isolated function returned, and the processor time that it took."""

    value: Any
    seconds: float


def isolated(function: Callable[[], Any], seconds: int = 30) -> Answer:
    """Return the JSON value of a function that may take `seconds` and 1 GiB more than this process has.

    Raises AssertionError when it raises, crashes, or takes longer. Skips the test where processes cannot fork.
    """
    if not hasattr(os, "fork"):
        pytest.skip("needs os.fork")
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads; those of other tests have ended, and the child starts none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(seconds)
            _limit_memory()
            start = time.process_time()
            value = function()
            answer = {"value": value, "seconds": time.process_time() - start}
        except BaseException as error:  # noqa: BLE001 - told to the parent
            answer = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        with os.fdopen(writer, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, f"ended by signal {status & 127}"
    answer = json.loads(text)
    assert "error" not in answer, answer["error"]
    return Answer(**answer)


def _limit_memory() -> None:
    import resource

    size = Path("/proc/self/statm")
    if size.exists():
        used = int(size.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
