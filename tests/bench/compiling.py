"""Rows about loading rules: how long it takes, each time in a new process, and what it holds in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import child
from tests.bench.engines import Engine
from tests.bench.measure import NoFigureError, Scale, against, alternately, spread
from tests.bench.rules import Written, alike
from tests.bench.table import DISPATCHER, Figure, Line, duration

REFERENCE = "reference"
MIB = "MiB"
# No process is waited for any longer, in seconds.
LONGEST = 300
ROOT = Path(__file__).parents[2]


def child_figure(task: str, engine: str, rules: Path) -> float:
    """Return what one task measures in a new process."""
    command = [sys.executable, "-m", "tests.bench.child", task, engine, str(rules)]
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise NoFigureError(f"more than {LONGEST} seconds") from None
    if ended.returncode != 0:
        raise NoFigureError(ended.stderr.strip().rpartition("\n")[2][:200])
    return float(ended.stdout)


def compiling(
    make: Callable[[int], Written], count: int, task: str = "compile"
) -> Callable[[Scale, Mapping[str, Engine]], Line]:
    """Return the measurement of a task of `child` that gives seconds, as a ratio to CPython's `compile`."""

    def measure(scale: Scale, peers: Mapping[str, Engine]) -> Line:
        others = peers if task == "compile" else {}
        with TemporaryDirectory() as folder:
            rules = child.write(make(scale.rules(count)), Path(folder))
            if task != "compile":
                # Leaves behind what later processes may find.
                child_figure(task, DISPATCHER, rules)
            series, notes = _series(
                rules, {REFERENCE: "compile", DISPATCHER: task} | dict.fromkeys(others, "compile"), scale
            )
        base = series.pop(REFERENCE)
        return Line(
            duration(spread(base)), {name: Figure(against(base, found)) for name, found in series.items()}, notes
        )

    return measure


def linear(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure what a rule takes among 100,000 against what it takes among 10,000."""
    few, many = scale.rules(10_000), scale.rules(100_000)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        files = child.write(alike(few), Path(one)), child.write(alike(many), Path(other))
        actions = [partial(child_figure, "compile", DISPATCHER, file) for file in files]
        base, found = alternately(actions, scale)
    return Line(duration(spread(base)), {DISPATCHER: Figure(against(base, found) * (few / many))})


def again(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure loading rules of which one line has changed, against loading them at first in the same process."""
    with TemporaryDirectory() as folder:
        rules = child.write(alike(scale.rules(10_000)), Path(folder))
        (found,) = alternately([partial(child_figure, "compile-again", DISPATCHER, rules)], scale)
    return Line(None, {DISPATCHER: Figure(spread(found))})


def memory(task: str) -> Callable[[Scale, Mapping[str, Engine]], Line]:
    """Return the measurement of what 10,000 rules hold in memory, as a task of `child` counts it."""

    def measure(scale: Scale, peers: Mapping[str, Engine]) -> Line:
        with TemporaryDirectory() as folder:
            rules = child.write(alike(scale.rules(10_000)), Path(folder))
            # What peers in other languages hold is not seen by Python.
            others = peers if task == "resident" else {}
            series, notes = _series(rules, dict.fromkeys((REFERENCE, DISPATCHER, *others), task), scale)
        figures = {name: Figure(spread(found), MIB) for name, found in series.items()}
        return Line(figures.pop(REFERENCE), figures, notes)

    return measure


def _series(rules: Path, tasks: Mapping[str, str], scale: Scale) -> tuple[dict[str, Sequence[float]], tuple[str, ...]]:
    """Return each engine's figures of its task, and why some have none."""
    failed: dict[str, str] = {}
    for name in tasks.keys() - {REFERENCE, DISPATCHER}:
        try:
            child_figure(tasks[name], name, rules)
        except NoFigureError as error:
            failed[name] = f"{name}: {error}"
    names = [name for name in tasks if name not in failed]
    figures = alternately([partial(child_figure, tasks[name], name, rules) for name in names], scale)
    return dict(zip(names, figures, strict=True)), tuple(sorted(failed.values()))
