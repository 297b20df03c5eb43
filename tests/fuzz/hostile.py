"""Random expensive programs: big, deep, shared and endless values, worked on for ever, within time and memory."""

from __future__ import annotations

import resource
import signal
import time
from random import Random

from dispatcher import RuleSet
from dispatcher.errors import RulesError
from dispatcher.lang.expression_writer import Level
from tests.fuzz.expressions import LITERALS, VARIABLES, choose
from tests.fuzz.programs import Programs

# What one evaluation may take, and the time after which it counts as hung.
SECONDS = 5.0
MEBIBYTES = 200
HUNG = 20
FINE = ("refused", "ended by a limit", "ended by itself")

_BIG = {
    "int": ("10**4000", "-7**2000", "2**61 - 1", "10**6", "2**30000", "0"),
    "float": ("1e300", "5e-324", "math.inf", "-0.0", "math.nan"),
    "bool": ("True", "False"),
    "str": ("'a' * 1000000", "'ab ' * 200000", "'é' * 300000", "'\\n' * 100000", "'{}' * 50000", "'%s' * 1000", "''"),
    "ints": ("[0] * 200000", "list(range(100000))", "[10**1000] * 5000", "[2**61 - 1] * 1000", "[]"),
    "strs": ("['ab'] * 100000", "['a' * 100000] * 50", "('x ' * 50000).split()", "['', 'a']"),
    "list": ("[[]] * 100000", "[[0] * 1000] * 1000", "[(0,) * 50000]", "[[[[1]]]]"),
    "tuple": ("(0,) * 200000", "tuple(range(50000))", "((1, 2), 3)"),
    "dict": ("dict.fromkeys([str(n) for n in range(20000)], 0)", "{'a': 10**4000}", "{}"),
    "table": ("{n * (2**61 - 1): n for n in range(3000)}", "{(n, -n): [n] for n in range(5000)}", "{}"),
    "set": ("set(range(100000))", "{n * (2**61 - 1) for n in range(3000)}", "{n << 40 for n in range(20000)}"),
    "gen": ("iter(int, 1)", "(x for x in range(10**12))", "itertools.count()", "itertools.cycle([1])", "iter([1])"),
    "fn": ("abs", "lambda x: [x] * 1000", "lambda x: 'a' * 100000", "lambda x: x"),
    "any": ("'a' * 500000", "[[0] * 100] * 10000", "10**4000", "None"),
}
_LARGE = choose("0", "1", "2", "1000", "100000", "10**6", "10**9", "-1", level=Level.SUM)
_SPECS = ("'>1000000'", "'.1000000f'", "'1000000'", "''", "'x'", "','", "'.100000%'")
_LITERALS = {
    **LITERALS,
    **dict.fromkeys(("small", "index", "step"), _LARGE),
    "width": choose("0", "100", "100000", "1000000"),
    "char": choose("'a'", "'é'"),
    "digits": choose("'9' * 4000", "'1' * 100000", "' ' * 100000 + '1'"),
    "pattern": choose("'(a+)+$'", "'(a|a)*b'", "'.*.*.*x'", "'(a?){30}a{30}'", "'[ab ]*'", "r'(\\w+\\s?)*$'"),
    **{f"{kind}spec": choose(*_SPECS) for kind in ("int", "float", "str")},
}
# What makes the values deep or shared, before they are worked on.
_GROWTH = (
    "for n in range(60): l1 = [l1, l1]",
    "for n in range(5000): l1 = [l1]",
    "for n in range(90): c1 = (c1,)",
    "for n in range(40): tab = {1: tab, 2: tab}",
    "l1.append(l1)",
    "tab['self'] = tab",
    "for n in range(20000): g = (x for x in g)",
    "for n in range(20000): g = map(fa, g)",
    "for n in range(20000): g = itertools.chain(g)",
    "f = lambda x: f(x)",
    "s = s.upper() + t",
    "",
    "",
    "",
)


def program(seed: int) -> str:
    """Return the program of a seed."""
    random = Random(seed)
    first = {name: random.choice(_BIG[kind]) for kind, names in VARIABLES.items() for name in names}
    return Programs(seed, 3, _LITERALS).endless(first, random.choice(_GROWTH))


def trial(seed: int) -> tuple[str, str]:
    """Decide with the rules of a seed; return a word for the count, and the program when it took too much."""
    text = program(seed)
    try:
        rules = RuleSet.from_text(text)
    except RulesError:
        return "refused", ""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(HUNG)
    start = time.process_time()
    decision = rules.decide({})
    seconds = time.process_time() - start
    signal.alarm(0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    if seconds > SECONDS or grown > MEBIBYTES:
        return "too much", f"{text}--- {seconds:.1f} s, {grown} MiB, {decision.steps:,} steps\n"
    return ("ended by a limit" if any(fault.kind == "limit" for fault in decision.faults) else "ended by itself"), ""
