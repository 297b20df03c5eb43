"""The row about the service: trying the active rules on a ticket, against an endpoint that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.engines import Engine
from tests.bench.load import requests_per_second
from tests.bench.measure import NoFigureError, Scale, against, alternately, spread
from tests.bench.replaying import settings
from tests.bench.rules import upstream
from tests.bench.starting import COMMAND
from tests.bench.table import DISPATCHER, Figure, Line
from tests.bench.workloads import workload

EMPTY = "from tests.bench.empty_service import main; main()"
ROOT = Path(__file__).parents[2]
TRY = "/v1/rules/test"


def serving(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure requests over HTTP, on eight connections of a process each."""
    made = workload(upstream(textwrap=True), scale.tickets)
    bodies = [{"ticket": ticket} for ticket in made.tickets]
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "upstream.rules").write_text(made.rules.text, encoding="utf-8")
        (folder / "dispatcher.toml").write_text(f'rules = "upstream.rules"\nport = 0\n{settings()}', encoding="utf-8")
        with _server(EMPTY, [], ROOT) as empty, _server(COMMAND, ["serve"], folder) as service:
            places = ((empty, "/in-the-loop"), (empty, "/in-a-thread"), (service, TRY))
            actions = [partial(requests_per_second, port, path, bodies, scale.serving) for port, path in places]
            base, thread, found = alternately(actions, scale)
    note = f"against an empty endpoint that answers from a thread: {Figure(against(thread, found)).text()}"
    return Line(Figure(spread(base), "/s"), {DISPATCHER: Figure(against(base, found))}, (note,))


@contextmanager
def _server(program: str, arguments: list[str], folder: Path) -> Iterator[int]:
    """A server in a process of its own, by the port that its first line names."""
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        with process.stdout as output:
            line = output.readline()
            if not line.startswith("Listening on http://"):
                raise NoFigureError(f"a server does not start: {line.strip()}")
            yield int(line.partition(" (")[0].rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(timeout=30)
