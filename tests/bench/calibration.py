"""Prints what a step and the memory limit stand for: `python -m tests.bench.calibration [beginning of a name ...]`.

Each program of programs.txt runs one entry of the tables in a loop until the budget ends it, on small and on big
values, in a process of its own. A line tells the nanoseconds for each step and the megabytes that the process grew by;
`*` marks those above 100 ns or the memory limit, and entries of the tables without a program are listed.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import process_time

from dispatcher.lang.budget import Limits
from dispatcher.lang.evaluator import evaluate
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.helpers import HELPERS
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.values import Builtin, TypeValue
from dispatcher.plain import to_plain
from dispatcher.tickets import TICKET_SCHEMA, first_values
from tests.lang import running
from tests.lang.isolation import isolated

# Above these, a step or a byte stands for too much.
NANOSECONDS = 100
MEGABYTES = 64 + 16
SIZES = {"small": 8, "big": 20_000}
SETUP = """\
import collections, datetime, itertools, json, math, random, re, string, textwrap, zoneinfo
n = {size}
t = 'aab' * n
u = 'äß😀' * (n // 2)
tabs = 'a\\t' * n
lines = '  ab\\n' * n
prose = 'abc de ' * n
digits = '7' * min(n, 4000)
l = list(range(n))
z = [0.0] * n
w = ['w%d' % y for y in range(n // 4)]
nested = [[1, 'a', 2.5]] * (n // 4)
d = dict.fromkeys(w, 1)
s = set(range(n // 2))
fs = frozenset(range(n // 4, n))
k = []
i = 7 ** min(n, 5000)
day, clock = datetime.date(2020, 2, 29), datetime.time(10, 30)
zone = zoneinfo.ZoneInfo('Europe/Berlin')
now, span = datetime.datetime(2020, 2, 29), datetime.timedelta(hours=1)
local = datetime.datetime(2020, 2, 29, tzinfo=zone)
template = string.Template('$a ' * min(n, 100))
p = re.compile('(?P<g>a|b)(b)?')
m = re.search('(?P<g>a)+', t)
c, o = collections.Counter(w), collections.OrderedDict(d)
dd, dq = collections.defaultdict(list, d), collections.deque(l)
js = json.dumps([w, d])
def f(x):
    return x
def deep(x):
    return deep(x - 1) if x else 0
"""
# What every program uses, what is no more than an operator of Python, and types that only tell values apart.
UNMEASURED = frozenset(
    {
        *(".locals", ".enter", ".leave", ".logged", ".effect_of", ".changes", ".first_line", ".seen"),
        *(
            ".bound",
            ".charge",
            ".len",
            ".type",
            ".text",
            ".unread",
            ".Variables",
            ".isascii",
            ".small casefold",
            ".small lower",
            ".small upper",
            ".starts",
            ".ends",
        ),
        *(".Catchable", ".handling", ".goes_on", ".matches"),
        *("datetime.tzinfo", "re.Match", "re.Pattern"),
    }
)


def programs() -> dict[str, str]:
    """Return the statements of programs.txt by their names."""
    lines = (Path(__file__).parent / "programs.txt").read_text().splitlines()
    found = dict(line.split(" | ", 1) for line in lines if line and not line.startswith("#"))
    each = found.pop("math.*")
    for name, value in MODULES["math"].members.items():
        if isinstance(value, Builtin):
            arguments = "0.5, 0.25" if name in _TWO else "2" if name in _ABOVE_ONE else "0.5"
            found.setdefault(f"math.{name}", each.replace("FUNCTION(0.5)", f"{name}({arguments})"))
    found["math.ldexp"] = "math.ldexp(0.5, 3)"
    return found


_TWO = {"atan2", "copysign", "fmod", "isclose", "nextafter", "pow", "remainder"}
_ABOVE_ONE = {"acosh"}


def names() -> Iterator[str]:
    """Yield the name of each entry of the tables."""
    for entry in FUNCTIONS.values():
        if not (isinstance(entry.value, TypeValue) and issubclass(entry.value.python_type, BaseException)):
            yield entry.name
    for kind, methods in METHODS.items():
        yield from (f"{kind.__name__}.{method.name}" for method in methods.values() if not method.field)
    for module in MODULES.values():
        for name, value in module.members.items():
            if isinstance(value, TypeValue):
                exception = issubclass(value.python_type, BaseException)
                if not exception and value not in (entry.value for entry in FUNCTIONS.values()):
                    yield f"{module.name}.{name}"
                yield from (f"{name}.{member}" for member in value.members if callable_member(value, member))
            elif isinstance(value, Builtin):
                yield f"{module.name}.{name}"
    yield from HELPERS


def without_program() -> set[str]:
    """Return the entries of the tables that no program measures."""
    return set(names()) - {name.split(" ")[0] for name in programs()} - UNMEASURED


def callable_member(kind: TypeValue, member: str) -> bool:
    """Tell whether a member of a type is a function."""
    return isinstance(kind.members[member], Builtin)


def measured(statement: str, size: int) -> list[float | str]:
    """Return the nanoseconds for each step of a program, the megabytes that it grew by, and what ended it."""
    setup = SETUP.format(size=size)
    body = statement.replace("\\n", "\n")
    steps, seconds, _ = evaluated(setup)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, both, end = evaluated(f"{setup}while True:\n    {body}\n")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    # Rules that fail run again to find the statement, and once more without it.
    return [(both - 3 * seconds) / 2 / (Limits().steps - steps) * 1e9, grown, end]


def evaluated(text: str) -> tuple[int, float, str]:
    """Return the steps and seconds that rules take, and what ended them."""
    program = running.program(text)
    first, _ = first_values({}, TICKET_SCHEMA, {})
    start = process_time()
    outcome = evaluate([program], first, to_plain, Limits(), datetime(2026, 3, 2, tzinfo=UTC))
    seconds = process_time() - start
    fault = outcome.faults[0] if outcome.faults else None
    return outcome.steps, seconds, f"{fault.type}: {fault.message}" if fault else "ended"


def tell(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(wanted: list[str]) -> None:
    """Measure the programs whose names begin with one of `wanted`."""
    found = programs()
    for name, statement in found.items():
        if wanted and not name.startswith(tuple(wanted)):
            continue
        for label, size in SIZES.items():
            try:
                each, grown, end = isolated(partial(measured, statement, size), seconds=60).value
            except AssertionError as error:
                tell(f"* {name:40} {label:6} {str(error)[:100]}")
                continue
            mark = "*" if each > NANOSECONDS or grown > MEGABYTES or "more than" not in end else " "
            tell(f"{mark} {name:40} {label:6} {each:7.1f} ns/step {grown:7.1f} MB  {end[:60]}")
    tell(f"without a program: {', '.join(sorted(without_program())) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1:])
