"""Prints the benchmark's table: `python -m tests.bench [--quick] [--only W4,W5] [--json FILE] [--curve FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.curve import svg
from tests.bench.deciding import cost_curve
from tests.bench.engines import Engine
from tests.bench.machine import machine
from tests.bench.measure import FULL, QUICK, Scale, reason
from tests.bench.peers import PEERS, versions
from tests.bench.rows import ROWS, Row
from tests.bench.table import DISPATCHER, Line, Titled, data, markdown


def main(arguments: list[str]) -> int:
    """Measure what the arguments ask for, and return the exit code: 1 where dispatcher has no figure."""
    options = _parser().parse_args(arguments)
    scale = QUICK if options.quick else FULL
    installed = {} if options.no_peers else versions()
    if options.curve:
        options.curve.write_text(svg("Time of one decision", cost_curve(scale)), encoding="utf-8")
        return 0
    peers = {name: engine for name, engine in PEERS.items() if name in installed}
    about = machine(installed)
    lines: list[Titled] = []

    def measured() -> Iterator[Titled]:
        for row in _wanted(options.only):
            lines.append(Titled(row.key, row.title, row.goal, _measured(row, scale, peers)))
            yield lines[-1]

    for part in markdown(measured(), tuple(peers), about):
        sys.stdout.write(part)
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps(data(lines, about), indent=2) + "\n", encoding="utf-8")
    return int(any(DISPATCHER not in line.line.figures for line in lines))


def _measured(row: Row, scale: Scale, peers: Mapping[str, Engine]) -> Line:
    try:
        return row.measure(scale, peers)
    except Exception as error:  # noqa: BLE001 - whatever fails in one row, the others are measured
        return Line(notes=(reason(error),))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures how fast tickets are decided.")
    parser.add_argument("--quick", action="store_true", help="a little of everything: shows that it works, and no time")
    parser.add_argument("--only", default="", metavar="ROWS", help="rows, or all of a group: W4,compile")
    parser.add_argument("--no-peers", action="store_true", help="measure dispatcher and CPython alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as data, too")
    parser.add_argument("--curve", type=Path, metavar="FILE", help="draw time over the number of rules, and no more")
    return parser


def _wanted(only: str) -> list[Row]:
    names = [name for name in only.split(",") if name]
    return [row for row in ROWS if not names or any(f"{row.key}-".startswith(f"{name}-") for name in names)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
