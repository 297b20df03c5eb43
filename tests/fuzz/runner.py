"""Trials in several processes: counts what they give, and shows what they find, also when a process dies of one."""

from __future__ import annotations

import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fuzz import front_end, hostile, round_trip
from tests.fuzz.differential import FINE, CPython, compare
from tests.fuzz.programs import program
from tests.fuzz.shrink import shrunk

# Findings that a process shows; more of them mostly say the same.
SHOWN = 10
# Seconds between two lines of progress, and between two reports of a process.
PROGRESS = 10.0
REPORT = 2.0


@dataclass(frozen=True, slots=True)
class Mode:
    """A kind of trial: `begin` returns a function from a seed to a word for the count and, when wrong, what to show."""

    name: str
    help: str
    begin: Callable[[], Callable[[int], tuple[str, str]]]


def _differential() -> Callable[[int], tuple[str, str]]:
    cpython = CPython()

    def trial(seed: int) -> tuple[str, str]:
        text = program(seed)
        verdict = compare(text, cpython)
        if verdict.kind in FINE:
            return verdict.kind, ""
        smaller = shrunk(text, lambda candidate: compare(candidate, cpython).alike(verdict))
        last = compare(smaller, cpython)
        return verdict.kind, f"{smaller}--- ours\n{last.ours}\n--- CPython's\n{last.cpythons}"

    return trial


MODES = (
    Mode("programs", "random programs, here and in CPython", _differential),
    Mode("bytes", "random and damaged text for the front end", lambda: front_end.trial),
    Mode("roundtrip", "trees written as text and read again", lambda: round_trip.trial),
    Mode("hostile", "random expensive programs, held to time and memory", lambda: hostile.trial),
)


class Run:
    """Processes at work, and what they told."""

    def __init__(self, mode: Mode, seed: int, count: int, seconds: float, jobs: int) -> None:
        self._mode = mode
        self._behind = seed + count
        self._jobs = jobs
        self._start = time.monotonic()
        self._end = self._start + seconds
        self._counts = Counter[str]()
        self._found = 0
        self._context = multiprocessing.get_context("spawn")
        self._told: Any = self._context.Queue()
        # The seed that each process is at, for the case that it dies there.
        self._at = [self._context.Value("q", seed + number) for number in range(jobs)]
        self._workers = [self._worker(number, seed + number) for number in range(jobs)]

    def _worker(self, number: int, seed: int) -> Any:
        """Start a process that tries every seed from this one on that is its own."""
        seeds = range(seed, self._behind, self._jobs)
        arguments = (self._mode.name, seeds, self._end - time.monotonic(), self._at[number], self._told)
        worker = self._context.Process(target=_work, args=arguments, daemon=True)
        worker.start()
        return worker

    def result(self) -> int:
        """Run to the end; return the exit code."""
        shown = self._start
        while any(worker.is_alive() for worker in self._workers) or not self._told.empty():
            self._collect()
            self._replace_dead()
            if time.monotonic() - shown > PROGRESS:
                shown = time.monotonic()
                self._progress()
        self._replace_dead()
        self._progress()
        return 1 if self._found else 0

    def _replace_dead(self) -> None:
        for number, worker in enumerate(self._workers):
            if worker.exitcode:
                seed = self._at[number].value
                self._show(seed, f"the process ended with exit code {worker.exitcode}")
                self._counts["crashed or hung"] += 1
                self._workers[number] = self._worker(number, seed + self._jobs)

    def _collect(self) -> None:
        try:
            seed, counts, finding = self._told.get(timeout=0.5)
        except Exception as error:
            if type(error).__name__ != "Empty":
                raise
            return
        self._counts.update(counts)
        if finding:
            self._show(seed, finding)

    def _show(self, seed: int, finding: str) -> None:
        self._found += 1
        _say(f"=== python -m tests.fuzz --mode {self._mode.name} --seed {seed} --programs 1\n{finding}\n")

    def _progress(self) -> None:
        counts = ", ".join(f"{count:,} {word}" for word, count in self._counts.most_common())
        _say(f"{time.monotonic() - self._start:.0f} s: {counts or 'nothing yet'}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _work(name: str, seeds: range, seconds: float, at: Any, told: Any) -> None:
    (mode,) = [mode for mode in MODES if mode.name == name]
    end = time.monotonic() + seconds
    trial = mode.begin()
    counts = Counter[str]()
    shown = 0
    report = time.monotonic() + REPORT
    for seed in seeds:
        if time.monotonic() > end:
            break
        at.value = seed
        try:
            word, finding = trial(seed)
        except Exception:  # noqa: BLE001 - what escapes is a finding like any other
            word, finding = "raised", traceback.format_exc()
        counts[word] += 1
        if finding or time.monotonic() > report:
            report = time.monotonic() + REPORT
            shown += bool(finding)
            told.put((seed, counts, finding if shown <= SHOWN else ""))
            counts = Counter()
    told.put((0, counts, ""))
