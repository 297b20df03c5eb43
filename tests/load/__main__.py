"""Runs the load test: `python -m tests.load [--seconds N] [--rate-limit N]`."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.machine import machine
from tests.bench.measure import Spread, against, spread
from tests.load.run import CONNECTIONS, Contender, Result, measure, percentiles
from tests.programs import ProgramError

MEGABYTE = 1024 * 1024


def main(arguments: list[str]) -> int:
    """Run the test, print what it found, and return the exit code: 1 if something was lost."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dispatcher-load-") as folder:
        try:
            result = asyncio.run(measure(options.seconds, options.rate_limit, Path(folder)))
        except ProgramError as error:
            sys.stdout.write(f"error: {error}\n")
            return 1
    sys.stdout.write("".join(f"{line}\n" for line in _lines(result, options.seconds, options.rate_limit)))
    return 0 if result.good else 1


def _lines(result: Result, seconds: float, rate_limit: int) -> Iterator[str]:
    service, reference = result.service, result.reference
    ratio = against(reference.rates, service.rates)
    yield machine({})
    yield f"{seconds:g} s, {CONNECTIONS} connections, Halo lets {rate_limit} requests through in 5 minutes"
    yield f"{'':10} {'tickets/s':>20} {'p50 ms':>8} {'p99 ms':>8} {'cores':>6} {'clients':>8}"
    yield _row("service", service)
    yield _row("reference", reference)
    yield f"ratio of tickets/s: {_figure(ratio, 2)}"
    yield f"memory: {_memory(service.memory)}"
    yield (
        f"accepted {len(service.accepted)}, missing {result.missing}, after a restart {result.missing_after_restart}; "
        f"filed {result.filed}, twice {result.filed_twice}, by {result.calls} requests"
    )


def _row(name: str, contender: Contender) -> str:
    median, last = percentiles(contender.latencies)
    return (
        f"{name:10} {_figure(spread(contender.rates), 0):>20} {median * 1000:8.2f} {last * 1000:8.2f} "
        f"{statistics.median(contender.cores):6.2f} {statistics.median(contender.client_cores):8.2f}"
    )


def _figure(figures: Spread, digits: int) -> str:
    return f"{figures.median:.{digits}f} ({figures.low:.{digits}f}-{figures.high:.{digits}f})"


def _memory(samples: list[int]) -> str:
    """Return what the memory was in each fifth of the time: the first has caches to fill, the others tell."""
    fifths = [samples[len(samples) * part // 5 : max(1, len(samples) * (part + 1) // 5)] for part in range(5)]
    return " ".join(f"{max(part) / MEGABYTE:.1f}" for part in fifths if part) + " MB at most in each fifth of the time"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load", description="Takes tickets as fast as it can, beside a plain endpoint."
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--rate-limit", type=int, default=500, help="Halo's, in 5 minutes (default: 500)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
