"""One measurement in a process of its own: `python -m tests.bench.child TASK ENGINE FILE`, which prints a number.

So nothing that an earlier one has read, cached or left behind tells in it.
"""

from __future__ import annotations

import gc
import inspect
import json
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from dispatcher import RuleSet
from tests.bench.engines import ENGINES, Engine
from tests.bench.measure import NoFigureError, reason
from tests.bench.peers import PEERS, as_function
from tests.bench.rules import AsFunction, Written

# What has been loaded before where memory is measured, and by peers always, so that their own start is not counted.
WARM_UP = Written("if name == 'Nobody':\n    state = 'New'\n", (), (("email == ''", "state", "New"),))
MIB = 1024 * 1024


def compiled(engine: Engine, rules: Written) -> float:
    """Return the seconds from the text to rules that can run."""
    with ExitStack() as stack:
        start = perf_counter()
        stack.enter_context(engine(rules))
        return perf_counter() - start


def compiled_again(engine: Engine, rules: Written) -> float:
    """Return what the rules take with one line changed, as a part of what they took at first."""
    lines = rules.text.splitlines(keepends=True)
    middle = len(lines) // 2
    line = next(
        number for number in range(middle, len(lines)) if lines[number].lstrip().startswith(("priority", "team"))
    )
    lines[line] = lines[line].partition("=")[0] + "= 'Changed'\n"
    first = compiled(engine, rules)
    return compiled(engine, Written("".join(lines))) / first


def compiled_from_cache(rules: Path) -> float:
    """Return the seconds from the file to rules that can run, with what an earlier process has left beside it."""
    if "cache" not in inspect.signature(RuleSet.load).parameters:
        raise NoFigureError("rule sets keep nothing on disk")
    start = perf_counter()
    RuleSet.load(rules, cache=rules.with_suffix(".cache"))
    return perf_counter() - start


def resident(engine: Engine, rules: Written) -> float:
    """Return the MiB by which loading rules makes the process grow, and the worker of a peer that has one."""
    return _grown(engine, rules, lambda: sum(map(_resident, _family())))


def traced(engine: Engine, rules: Written) -> float:
    """Return the MiB of Python's objects that loaded rules are."""
    tracemalloc.start()
    return _grown(engine, rules, lambda: tracemalloc.get_traced_memory()[0])


def _grown(engine: Engine, rules: Written, measure: Callable[[], float]) -> float:
    gc.collect()
    before = measure()
    with engine(rules):
        gc.collect()
        return (measure() - before) / MIB


def _family() -> list[str]:
    children = Path("/proc/self/task").glob("*/children")
    return ["self", *(process for listed in children for process in listed.read_text(encoding="ascii").split())]


def _resident(process: str) -> float:
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    # A process that has ended has no memory.
    return 0.0


TASKS: dict[str, Callable[[Engine, Written], float]] = {
    "compile": compiled,
    "compile-again": compiled_again,
    "resident": resident,
    "traced": traced,
}


def main(task: str, name: str, file: str) -> None:
    """Do the task and print its figure."""
    engine = (ENGINES | PEERS)[name]
    if name in PEERS or task in ("resident", "traced"):
        compiled(engine, WARM_UP)
    try:
        figure = compiled_from_cache(Path(file)) if task == "from-cache" else TASKS[task](engine, read(Path(file)))
    except Exception as error:  # noqa: BLE001 - the parent says what it was, in one line
        sys.exit(reason(error))
    sys.stdout.write(f"{figure}\n")


def write(rules: Written, folder: Path) -> Path:
    """Write rules as files that `read` reads, and return the path of the one with the rules."""
    path = folder / "measured.rules"
    path.write_text(rules.text, encoding="utf-8")
    content = {"conditions": rules.conditions, "function": asdict(as_function(rules.text))}
    path.with_suffix(".json").write_text(json.dumps(content), encoding="utf-8")
    return path


def read(path: Path) -> Written:
    """Return the rules that `write` wrote."""
    content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    conditions = tuple(tuple(condition) for condition in content["conditions"])
    return Written(path.read_text(encoding="utf-8"), (), conditions, AsFunction(**content["function"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
