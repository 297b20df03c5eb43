"""Runs hostile rules in a process of their own, so that a hang or a crash is a failed test and not the end of the run."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What an isolated function returned, and the processor time that it took."""

    value: Any
    seconds: float


def isolated(function: Callable[[], Any], seconds: int = 10) -> Answer:
    """Return the JSON value of a function that may take `seconds` and 1 GiB more than this process has.

    Raises AssertionError when it raises, crashes, or takes longer.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(seconds)
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: PTH123, SIM115
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
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
