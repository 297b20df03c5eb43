"""All rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tests.bench import rules
from tests.bench.compiling import again, compiling, linear, memory
from tests.bench.deciding import deciding, flatness, of, of_many
from tests.bench.engines import Engine, dispatcher_asked, dispatcher_program
from tests.bench.measure import Scale
from tests.bench.replaying import cores, evaluating, from_file, over_history
from tests.bench.serving import serving
from tests.bench.starting import checking, starting
from tests.bench.table import Goal, Line


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name on the command line, what it shows, and how it is measured."""

    key: str
    title: str
    goal: Goal | None
    measure: Callable[[Scale, Mapping[str, Engine]], Line]


W1 = of(rules.simple)
W2 = of(partial(rules.upstream, textwrap=False))
W2_TEXTWRAP = of(partial(rules.upstream, textwrap=True))
BACKTEST = ("backtest", "new.rules", "--against", "old.rules", "--history", "past.ndjson")
EXPLAIN = ("explain", "old.rules", "--tickets", "past.ndjson")

ROWS = (
    Row("W1-program", "one simple rule: the program alone", Goal(0.9, 0.7), deciding(W1, dispatcher_program)),
    Row("W1", "one simple rule: `decide`", Goal(2.0, 1.2), deciding(W1)),
    Row("W1-asked", "`decide`, and its changes and fired rules are read", None, deciding(W1, dispatcher_asked)),
    Row("W2", "upstream's examples in one file, without the one that wraps", Goal(0.40, 0.28), deciding(W2)),
    Row("W2-textwrap", "upstream's examples, all of them", Goal(0.50, 0.20), deciding(W2_TEXTWRAP)),
    Row(
        "W2-asked",
        "upstream's examples, and changes and fired rules are read",
        None,
        deciding(W2_TEXTWRAP, dispatcher_asked),
    ),
    Row("W3", "share of capitals of 2,000 characters", Goal(0.12, 0.06), deciding(of(rules.capitals, 2_000))),
    Row("W4-100", "100 rules of two shapes", Goal(0.4, 0.25), deciding(of_many(rules.alike, 100))),
    Row("W4-1000", "1,000 rules of two shapes", Goal(0.045, 0.025), deciding(of_many(rules.alike, 1_000))),
    Row("W4-10000", "10,000 rules of two shapes", Goal(0.006, 0.003), deciding(of_many(rules.alike, 10_000))),
    Row("W4-flat", "100,000 rules; reference: dispatcher's own time for 100", Goal(1.5), flatness),
    Row("W5", "10,000 mixed rules", Goal(0.012, 0.006), deciding(of_many(rules.mixed, 10_000))),
    Row("compile", "10,000 rules of two shapes from text", Goal(1.0, 0.4), compiling(rules.alike, 10_000)),
    Row("compile-linear", "a rule among 100,000; reference: 10,000 rules", None, linear),
    Row("compile-again", "10,000 rules after one changed line; reference: their first time", Goal(0.2), again),
    Row("shapes", "10,000 rules of all different shapes", Goal(15), compiling(rules.different, 10_000)),
    Row("shapes-cached", "the same from the cache on disk", Goal(1), compiling(rules.different, 10_000, "from-cache")),
    Row("memory", "10,000 compiled rules: growth of the process", Goal(10, 6, "MiB"), memory("resident")),
    Row("memory-traced", "10,000 compiled rules: Python's objects", None, memory("traced")),
    Row("start", "new process: import and first decision; reference: `python -c pass`", Goal(60, 40, "ms"), starting),
    Row("check", "`dispatcher check` on a small file; reference: `python -c pass`", Goal(6, 4), checking),
    Row(
        "replay",
        "upstream's examples on 100,000 tickets in memory",
        Goal(100_000, None, "/s", at_least=True),
        evaluating,
    ),
    Row("replay-file", "`dispatcher run` on them, from NDJSON to NDJSON", None, from_file(1)),
    Row("replay-cores", "the same in a process for each core", None, from_file(cores())),
    Row("backtest", "`dispatcher backtest` on them, against one rule less", None, over_history(*BACKTEST)),
    Row("test", "`dispatcher test` with them as one test", None, over_history("test", ".")),
    Row("audit", "`dispatcher audit` of them", None, over_history("audit", "old.rules", "--history", "past.ndjson")),
    Row("explain", "`dispatcher explain` of a fiftieth", None, over_history(*EXPLAIN, share=50)),
    Row("service", "`POST /v1/rules/test`; reference: an empty endpoint", Goal(0.7, at_least=True), serving),
)
