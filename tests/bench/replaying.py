"""Rows about replaying many tickets through upstream's examples: decisions for each second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.bench.engines import NOW, Engine, load
from tests.bench.measure import NoFigureError, Scale, spread
from tests.bench.rules import upstream
from tests.bench.starting import COMMAND
from tests.bench.table import DISPATCHER, Figure, Line
from tests.bench.tickets import Ticket
from tests.bench.workloads import DEFAULTS, workload

UNIT = "/s"
# As many tickets as are in memory at a time.
CHUNK = 10_000
# The rule that changes some tickets, and the tests of past tickets.
PLANTED = "if len(msg) % 50 == 0:\n    agent = 'Bench'\n"
TESTS = """
rules = "old.rules"
[[test]]
name = "nobody is called so"
tickets = ["past.ndjson"]
[test.expect]
unchanged = ["agent"]
"""


def evaluating(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure decisions on one core, with tickets that are in memory."""
    made = workload(upstream(textwrap=True), scale.tickets)
    decide = load(made.rules).decide
    rates = []
    for start in range(0, scale.replayed, CHUNK):
        tickets = _tickets(made.tickets, min(CHUNK, scale.replayed - start))
        began = perf_counter()
        for ticket in tickets:
            decide(ticket, now=NOW)
        rates.append(len(tickets) / (perf_counter() - began))
    return Line(None, {DISPATCHER: Figure(spread(rates), UNIT)})


def from_file(processes: int) -> Callable[[Scale, Mapping[str, Engine]], Line]:
    """Return the measurement of `dispatcher run --tickets`, from NDJSON to NDJSON, in so many processes at a time."""

    def measure(scale: Scale, peers: Mapping[str, Engine]) -> Line:
        made = workload(upstream(textwrap=True), scale.tickets)
        tickets = _tickets(made.tickets, scale.replayed)
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "upstream.rules").write_text(made.rules.text, encoding="utf-8")
            (folder / "dispatcher.toml").write_text(settings(), encoding="utf-8")
            for number in range(processes):
                lines = (json.dumps(ticket) + "\n" for ticket in tickets[number::processes])
                (folder / f"{number}.ndjson").write_text("".join(lines), encoding="utf-8")
            start = perf_counter()
            running = [_process(folder, number) for number in range(processes)]
            codes = [process.wait() for process in running]
            rate = len(tickets) / (perf_counter() - start)
            decided = sum(_lines(folder / f"{number}.out") for number in range(processes))
        # 1 says that the rules refuse some tickets, as these do.
        if not set(codes) <= {0, 1} or decided != len(tickets):
            raise NoFigureError(f"{decided} of {len(tickets)} tickets were decided")
        return Line(None, {DISPATCHER: Figure(spread([rate]), UNIT)})

    return measure


def over_history(*arguments: str, share: int = 1) -> Callable[[Scale, Mapping[str, Engine]], Line]:
    """Return the measurement of a command that goes through past tickets, or through one of `share` of them.

    It finds upstream's examples in `old.rules`, the same with one rule more in `new.rules`, and tests in `tests.toml`.
    """

    def measure(scale: Scale, peers: Mapping[str, Engine]) -> Line:
        made = workload(upstream(textwrap=True), scale.tickets)
        count = max(1, scale.replayed // share)
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "old.rules").write_text(made.rules.text, encoding="utf-8")
            (folder / "new.rules").write_text(f"{made.rules.text}\n{PLANTED}", encoding="utf-8")
            (folder / "tests.toml").write_text(TESTS, encoding="utf-8")
            (folder / "dispatcher.toml").write_text(settings(), encoding="utf-8")
            lines = (json.dumps(ticket) + "\n" for ticket in _tickets(made.tickets, count))
            (folder / "past.ndjson").write_text("".join(lines), encoding="utf-8")
            command = [sys.executable, "-c", COMMAND, *arguments, "--format", "json"]
            start = perf_counter()
            with (folder / "out").open("wb") as output:
                code = subprocess.run(command, cwd=folder, stdout=output, check=False).returncode
            rate = count / (perf_counter() - start)
            told = (folder / "out").read_text(encoding="utf-8")
        # 1 says that something was found; what goes ticket by ticket prints a line for each.
        if code not in (0, 1) or (f'"tickets": {count}' not in told and told.count("\n") != count):
            raise NoFigureError(f"{arguments[0]} has ended with {code}")
        return Line(None, {DISPATCHER: Figure(spread([rate]), UNIT)})

    return measure


def _tickets(tickets: Sequence[Ticket], count: int) -> list[Ticket]:
    return [dict(ticket) for ticket in islice(cycle(tickets), count)]


def settings() -> str:
    """Return the settings that give the variables their defaults, as TOML."""
    return "[defaults]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in DEFAULTS.items())


def _process(folder: Path, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", COMMAND, "run", "upstream.rules", "--tickets", f"{number}.ndjson"]
    with (folder / f"{number}.out").open("wb") as output:
        return subprocess.Popen([*command, "--now", NOW.isoformat()], cwd=folder, stdout=output)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def cores() -> int:
    """Return how many processes can run at a time."""
    return os.cpu_count() or 1
