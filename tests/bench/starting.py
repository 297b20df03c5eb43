"""Rows about whole processes: what a new one takes until the first decision, and what `dispatcher check` takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.bench.engines import Engine, variables
from tests.bench.measure import NoFigureError, Scale, against, alternately, reason, spread
from tests.bench.peers import as_function
from tests.bench.table import DISPATCHER, Figure, Line, duration

MILLISECONDS = "ms"
RULES = """\
# Emergencies come first
if 'This is an emergency' in selections:
    priority = 'Critical'

# Printers go to the desk
if 'printer' in msg.lower():
    team = '1st Line Support'
    category_1 = 'Hardware>Printer'

# Who has not paid gets no support
if business_name == 'Fabrikam, Inc.':
    exception = 'Please call us.'
"""
TICKET = {"selections": "This is an emergency", "msg": "The printer is on fire!", "business_name": "Contoso Ltd."}
# Programs that decide the ticket in the file `ticket` by the rules in `rules`, or in `function` as peers take them.
PROGRAMS = {
    DISPATCHER: """\
import json
from dispatcher import RuleSet
decision = RuleSet.load('first.rules').decide(json.load(open('ticket.json')))
assert decision.changes
""",
    "RestrictedPython": """\
import json
from RestrictedPython import compile_restricted
from RestrictedPython.Guards import safe_builtins, safer_getattr
code = compile_restricted(open('first.rules').read(), '<rules>', 'exec')
namespace = {'__builtins__': safe_builtins, '_getattr_': safer_getattr, **json.load(open('variables.json'))}
exec(code, namespace)
assert namespace['team']
""",
    "Starlark": """\
import json, starlark
module = starlark.Module()
starlark.eval(module, starlark.parse('rules', open('function').read()), starlark.Globals.standard())
assert module.freeze().call('rules', **json.load(open('arguments.json')))
""",
    "Monty": """\
import json
from pydantic_monty import Monty
arguments = json.load(open('arguments.json'))
with Monty(max_processes=1) as pool, pool.checkout() as session:
    session.feed_run(open('function').read())
    assert session.feed_run(f"rules({', '.join(arguments)})", inputs=arguments)
""",
}
# What the command `dispatcher` is.
COMMAND = "from dispatcher.cli import console; console()"


def starting(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure processes that load a small file and decide a ticket; the reference is one that does nothing."""
    wanted = {name: text for name, text in PROGRAMS.items() if name == DISPATCHER or name in peers}
    with _folder() as name:
        folder = Path(name)
        programs, notes = _working(wanted, folder)
        actions = [partial(process_seconds, [], folder, text) for text in ("pass", *programs.values())]
        nothing, *series = alternately(actions, scale)
    figures = {name: Figure(spread(found) * 1000, MILLISECONDS) for name, found in zip(programs, series, strict=True)}
    return Line(duration(spread(nothing)), figures, notes)


def checking(scale: Scale, peers: Mapping[str, Engine]) -> Line:
    """Measure `dispatcher check` on a small file against `python -c pass`."""
    with _folder() as folder:
        nothing = partial(process_seconds, [], Path(folder), "pass")
        check = partial(process_seconds, ["check", "first.rules"], Path(folder), COMMAND)
        base, found = alternately([nothing, check], scale)
    return Line(duration(spread(base)), {DISPATCHER: Figure(against(base, found))})


def process_seconds(arguments: Sequence[str], folder: Path, program: str) -> float:
    """Return what a whole process takes that runs a program in a folder."""
    start = perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = perf_counter() - start
    if ended.returncode != 0:
        raise NoFigureError(ended.stderr.strip().rpartition("\n")[2])
    return seconds


def _working(programs: Mapping[str, str], folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the programs that work, and why others do not."""
    working: dict[str, str] = {}
    notes: list[str] = []
    for name, program in programs.items():
        try:
            # Also leaves the compiled modules behind that later ones find.
            process_seconds([], folder, program)
            working[name] = program
        except NoFigureError as error:
            if name == DISPATCHER:
                raise
            notes.append(f"{name}: {reason(error)}")
    return working, tuple(notes)


def _folder() -> TemporaryDirectory[str]:
    made = TemporaryDirectory()
    folder, function, first = Path(made.name), as_function(RULES), variables(TICKET)
    arguments = {name: first[name] for name in function.parameters}
    files = {"ticket.json": TICKET, "variables.json": first, "arguments.json": arguments}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "first.rules").write_text(RULES, encoding="utf-8")
    (folder / "function").write_text(function.text, encoding="utf-8")
    return made
