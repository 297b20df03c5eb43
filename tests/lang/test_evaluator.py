"""What one evaluation gives: faults leave statements out and nothing else, limits hold, and nothing is remembered."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings

from dispatcher import check
from dispatcher.lang.budget import Limits
from dispatcher.lang.evaluator import Outcome
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from dispatcher.plain import to_json_safe
from tests.lang.running import program, run
from tests.lang.strategies import PRELUDE, PROPERTY, statements

SMALL = Limits(steps=10_000, memory=2**20, text=1_000, items=100, number_bits=1_100, nesting=10, recursion=20)

# --- limits

STEPS = "the rule takes more than 10,000 steps"
TEXT = "a text would be longer than 1,000 characters"
ITEMS = "a collection would have more than 100 items"
NUMBER = "a number would have more than 1,100 bits"
NESTING = "a value nests more than 10 deep"
RECURSION = "functions call each other more than 20 deep"

LIMITED = {
    "an endless loop": ("while True: pass", STEPS),
    "a long loop": ("for i in range(100000): pass", STEPS),
    "loops in loops": ("x = [a for a in range(99) for b in range(999)]", STEPS),
    "a repeated text": ("x = 'a' * 1001", TEXT),
    "a sum of texts": ("x = 'a' * 600 + 'b' * 600", TEXT),
    "a joined text": ("x = ('a' * 100).join(['b'] * 20)", TEXT),
    "a padded text": ("x = 'a'.ljust(1001)", TEXT),
    "a format width": ("x = f'{1:1001}'", TEXT),
    "a format width from a variable": ("x = '{:{}}'.format(1, 1001)", TEXT),
    "a percent width": ("x = '%1001d' % 1", TEXT),
    "a replaced text": ("x = ('a' * 600).replace('a', 'bb')", TEXT),
    "the text of a number": ("x = f'{1.5:.1001f}'", TEXT),
    "the text of a list": ("x = str(['a' * 500] * 3)", TEXT),
    "an f-string": ("x = f\"{'a' * 600}{'b' * 600}\"", TEXT),
    "a repeated list": ("x = [0] * 101", ITEMS),
    "a list that doubles": ("x = [0]\nwhile True: x += x", ITEMS),
    "a list of a range": ("x = list(range(101))", ITEMS),
    "a list of an endless generator": ("x = list(a for a in range(60) for b in range(60))", ITEMS),
    "a set": ("x = set(range(101))", ITEMS),
    "a dict": ("x = dict.fromkeys(range(101))", ITEMS),
    "words": ("x = ('a ' * 200).split()", ITEMS),
    "a list that grows": ("x = []\nwhile True: x.append(1)", ITEMS),
    "a starred call": ("x = max(*range(101))", ITEMS),
    "a power": ("x = 2 ** 1200", NUMBER),
    "a shift": ("x = 1 << 1100", NUMBER),
    "a product": ("x = 2 ** 500 * 2 ** 500 * 2 ** 500", NUMBER),
    "a number that doubles": ("x = 1\nwhile True: x += x", NUMBER),
    "nested lists shown": ("x = []\nfor i in range(20): x = [x]\ny = str(x)", NESTING),
    "nested lists compared": ("x = []\nfor i in range(20): x = [x]\ny = x == [x]", NESTING),
    "a function that calls itself": ("x = g(1)", RECURSION),
    "functions that call each other": ("def h(n): return g(n)\nx = h(1)", RECURSION),
    "a lambda that calls itself": ("k = lambda n: k(n)\nx = k(1)", RECURSION),
}  # fmt: skip

FUNCTIONS = "def f(n): return n\ndef g(n): return g(n + 1)\n"


@pytest.mark.parametrize(("breaking", "message"), LIMITED.values(), ids=LIMITED)
def test_a_limit_costs_the_statement_that_goes_over_it(breaking: str, message: str) -> None:
    """The fault tells the limit and the line of the statement, and what stands around it is done."""
    outcome = run(f"{FUNCTIONS}team = 'before'\n{breaking}\nstate = 'after'\n", limits=SMALL)

    (fault,) = outcome.faults
    assert (fault.kind, fault.type, fault.message) == ("limit", "LimitExceeded", message)
    assert outcome.variables["team"] == "before"
    assert outcome.variables["state"] == "after"
    innermost = {"f(": 1, "g(": 2, "k(": 4}  # the lines of functions
    lines = [line for call, line in innermost.items() if call in breaking.replace("if(", "")]
    assert fault.line == (lines[-1] if lines else breaking.count("\n") + 4)


def test_a_limit_on_memory_counts_what_is_held() -> None:
    """Values that are kept end at the limit; those that are dropped again and again do not."""
    limits = Limits(memory=2**20, text=1_000)
    dropped = run("for i in range(5000): x = 'a' * 900\n", limits=limits)
    kept = run("xs = []\nfor i in range(5000): xs.append('a' * 900)\n", limits=limits)

    assert dropped.faults == []
    (fault,) = kept.faults
    assert (fault.line, fault.message) == (2, "the rule holds more than 1 MiB of values")


def test_what_rules_print_is_limited() -> None:
    """Printing ends at the longest text, and what else was printed is kept."""
    outcome = run("print('before')\nwhile True: print('a' * 90)\nprint('after')\n", limits=SMALL)

    assert [(fault.line, fault.message) for fault in outcome.faults] == [
        (2, "the rules print more than 1,000 characters")
    ]
    assert outcome.prints == "before\nafter\n"


@pytest.mark.parametrize("steps", [0, 1, 5, 20, 100])
def test_the_smallest_budgets_give_an_outcome(steps: int) -> None:
    """However little there is to spend, an evaluation ends, and tells of every run that was too dear."""
    outcome = run("team = 1 + 2 + 3 + 4\nstate = [1, 2, 3]\n" * 20, limits=Limits(steps=steps))

    assert {fault.kind for fault in outcome.faults} <= {"limit"}


def test_a_limit_does_not_outlive_its_statement() -> None:
    """Each statement behind a fault has what it would have had without it."""
    outcome = run("while True: pass\nfor i in range(1000): pass\nteam = 'done'\n", limits=Limits(steps=3_000))

    assert [fault.line for fault in outcome.faults] == [1]
    assert outcome.variables["team"] == "done"


def test_rules_that_fail_too_often_end_at_the_first_that_spends_too_much() -> None:
    """Runs after faults share four budgets; what stands before the last fault decides."""
    outcome = run("team = 'first'\n" + "while True: pass\n" * 10 + "team = 'last'\n", limits=SMALL)

    assert outcome.variables["team"] == "first"
    assert outcome.faults[-1].message == "the rules fail too often: this one and all behind it are left out"


@settings(PROPERTY, max_examples=60)
@given(statements())
def test_no_evaluation_outspends_its_budget(body: str) -> None:
    """What is spent is at most what there was, and once each statement; what is over is a fault and no exception."""
    outcome = run(PRELUDE + body, limits=Limits(steps=60))

    assert 0 <= outcome.steps <= 60 + program(PRELUDE + body).weight


RECURSIVE = {
    "a call": "f(n - 1)",
    "a comprehension": "[f(n - 1) for a in [1]][0]",
    "a generator": "sum(f(n - 1) for a in [1])",
    "a key": "sorted([n], key=lambda k: f(n - 1))[0]",
    "map": "sum(map(f, [n - 1]))",
    "a replacement": "len(re.sub('a', lambda m: str(f(n - 1)), 'a'))",
    "a predicate": "len(textwrap.indent('a', 'b', lambda t: f(n - 1) == 1))",
}


@pytest.mark.parametrize("body", RECURSIVE.values(), ids=RECURSIVE)
def test_recursion_does_not_depend_on_the_caller(body: str) -> None:
    """However rules recurse, the limit is ours and not Python's: a deep stack below the evaluation changes nothing."""
    compiled = f"import re\nimport textwrap\ndef f(n):\n    return 0 if n == 0 else {body}\nx = [f(70), f(1000)]\n"

    def faults(depth: int) -> list[str]:
        return faults(depth - 1) if depth else [fault.message for fault in run(compiled).faults]

    assert faults(150) == faults(0) == ["functions call each other more than 120 deep"]


def test_steps_are_those_of_the_rules_that_count() -> None:
    """A statement that faulted has cost nothing in the end: the steps are those without it."""
    rules = "x = [a for a in range(50)]\n"

    assert run(rules + "1 / 0\n").steps == run(rules).steps


def test_the_same_rules_spend_the_same_steps() -> None:
    """Steps are a count of work and not of time."""
    rules = "x = sorted(str(a) * 3 for a in range(50))\n"

    assert run(rules).steps == run(rules).steps


# --- faults


def observable(outcome: Outcome, rules: str) -> dict[str, Any]:
    """Return all of an outcome but its faults and steps, with places as lines."""
    compiled = program(rules)
    return {
        "variables": to_json_safe(dict(outcome.variables)),
        "working": to_json_safe(dict(outcome.working)),
        "writes": [(entry.write.variable, entry.write.line, to_json_safe(entry.value)) for entry in outcome.writes],
        "fired": sorted(compiled.statement(statement).line for _, statement in outcome.fired),
        "prints": outcome.prints,
    }


def without(rules: str, absent: set[int]) -> str:
    """Return the rules with top-level statements replaced by comments, so that no other line moves."""
    source = Source(rules)
    module, _ = parse(source)
    text = rules
    for number in absent:
        statement = module.body[number]
        gone = text[statement.start : statement.end]
        text = text[: statement.start] + re.sub(r"[^\n]", "#", gone) + text[statement.end :]
    return text


@settings(PROPERTY, max_examples=150)
@given(statements())
def test_a_faulty_statement_counts_as_absent(body: str) -> None:
    """An outcome with faults is the outcome of the rules without the statements at fault, to the last print."""
    rules = PRELUDE + body
    if any(problem.severity == "error" for problem in check(rules)):
        return
    outcome = run(rules)
    absent = {fault.statement for fault in outcome.faults}
    fewer = without(rules, absent)
    again = run(fewer)

    assert again.faults == []
    assert observable(outcome, rules) == observable(again, fewer)


ABSENT = {
    "an assignment in place before the store fails": "t = (a,)\nt[0] += [1]",
    "a dict updated before a pair is wrong": "table |= [(5, 6), (7,)]",
    "a dict updated by its method": "table.update([(5, 6), (7,)])",
    "a set updated by its method": "group.update([5], 7)",
    "a list extended by a generator that fails": "a.extend(1 / (n - 2) for n in [3, 1, 2])",
    "a list sorted by a key that changes another": "a.sort(key=note)",
    "a list that a predicate changes": "import textwrap\nx = textwrap.indent('b', 'c', note)",
    "a list that a replacement changes": "import re\nx = re.sub('b', note, 'b')",
    "a list that a key changes": "x = max([1], key=note)",
    "an iterator used up": "x = [1 / n for n in lazy]",
    "an iterator used up by unpacking": "p, q, r = lazy",
    "an iterator used up by a test": "x = 0 in lazy and 1 / 0",
    "names unpacked before an item fails": "n, a[9] = 5, 6",
    "a chain of targets": "n = a[9] = 5",
    "a loop that fails in its last turn": "for n in [1, 0]: a.append(1 / n)",
    "a walrus in a condition": "if (n := 5) and 1 / 0: pass",
    "prints": "if a: print('no'); 1 / 0",
    "a ticket variable": "if a: team = 'no'; 1 / 0",
    "a custom field": "if a: customfield['k'] = 'no'; 1 / 0",
    "a deleted item": "if a: del a[0]; 1 / 0",
    "a popped item": "x = a.pop() / 0",
    "a default that grows": "x = grow() / 0",
    "a function defined again": "if a:\n    def note(x): return x\n    1 / 0",
    "an import": "if a:\n    import re as n\n    1 / 0",
}


@pytest.mark.parametrize("breaking", ABSENT.values(), ids=ABSENT)
def test_no_trace_is_left_of_a_statement_that_fails(breaking: str) -> None:
    """Whatever a statement changed before it failed is as if it had never run."""
    setting = (
        "a = [1, 2]\ntable = {1: 2}\ngroup = {1}\nn = 0\nlazy = (m for m in [3, 0])\n"
        "def note(value):\n    a.append(value)\n    return 1 / 0\n"
        "def grow(seen=[]):\n    seen.append(1)\n    return len(seen)\n"
    )
    *before, last = breaking.split("\n") if breaking.startswith(("t =", "import")) else ["", breaking]
    closing = "\nx = [a, table, group, n, list(lazy), grow(), team, customfield]\nprint(x)\n"

    outcome = run(setting + "\n".join([*before, last]) + closing)

    assert [fault.kind for fault in outcome.faults] == ["error"]
    assert outcome.prints == run(setting + "\n".join(before) + closing).prints


FAULTS = {
    "a division by zero": ("x = 1 / 0", "ZeroDivisionError", "division by zero", 5),
    "None in arithmetic": ("x = 1 + priority", "TypeError", "unsupported operand type(s) for +: 'int' and 'NoneType'", 5),
    "a missing key": ("x = {}['k']", "KeyError", "'k'", 5),
    "a missing key of another kind": ("x = {}[(1, 2)]", "KeyError", "(1, 2)", 5),
    "an index behind the end": ("x = [1][5]", "IndexError", "list index out of range", 5),
    "a name not yet set": ("x = later\nlater = 1", "NameError", "name 'later' is not defined", 5),
    "a name not yet set in a function": (
        "def f():\n    return inner\n    inner = 1\nx = f()",
        "UnboundLocalError",
        "cannot access local variable 'inner' where it is not associated with a value",
        12,
    ),
    "a method that another kind has": ("x = msg.append(1)", "AttributeError", "'str' object has no attribute 'append'", 5),
    "a value that is no function": ("x = 'a'\ny = x()", "TypeError", "'str' object is not callable", 5),
    "a wrong argument": ("x = int('a')", "ValueError", "invalid literal for int() with base 10: 'a'", 5),
    "too many to unpack": ("a, b = 1, 2, 3", "ValueError", "too many values to unpack (expected 2)", 1),
    "the second statement of a line": ("x = 1; y = 1 / 0", "ZeroDivisionError", "division by zero", 12),
    "behind other alphabets": ("x = 'é😀' + 1", "TypeError", 'can only concatenate str (not "int") to str', 5),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "kind", "message", "column"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_what_cpython_says(rules: str, kind: str, message: str, column: int) -> None:
    """Type and message of a fault are CPython's, and its column is where the failing operation begins."""
    (fault,) = run(rules).faults

    assert (fault.kind, fault.type, fault.message, fault.column) == ("error", kind, message, column)


def test_a_fault_in_a_function_names_the_line_in_the_function() -> None:
    """The place of a fault is the innermost line of the rules; the statement left out is the one that called."""
    outcome = run("def f(n):\n    return 1 / n\nteam = 'A'\nif msg == '':\n    team = f(0)\n")

    (fault,) = outcome.faults
    assert (fault.line, fault.column, fault.statement) == (2, 12, 2)
    assert outcome.variables["team"] == "A"


def test_a_long_message_is_cut() -> None:
    """A fault's message does not carry a text of any length."""
    (fault,) = run("x = {}['a' * 3000]\n").faults

    assert fault.message == "'" + "a" * 499 + "..."


# --- what is remembered: nothing

FORGETFUL = {
    "a default that grows": "def f(seen=[]):\n    seen.append(1)\n    return seen\nx = f() + f()",
    "a list in the rules": "x = [1]\nx.append(2)",
    "a dict in a function": "def f():\n    d = {}\n    d['k'] = 1\n    return d\nx = f()",
    "a lambda's default": "f = lambda seen=[]: seen.append(1) or len(seen)\nx = f() + f()",
    "the ticket's mapping": "customfield['k'] = len(customfield)\ncustomfield['list'].append(1)",
    "a name that shadows a function": "x = len\nlen = 5\ndel len\ny = len('a')",
    "a pattern": "import re\nx = [m.group() for m in re.finditer('a', 'aab')]",
}


@pytest.mark.parametrize("rules", FORGETFUL.values(), ids=FORGETFUL)
def test_nothing_of_one_evaluation_is_seen_by_the_next(rules: str) -> None:
    """The same compiled rules give the same outcome each time, and leave what they were given as it was."""
    from dispatcher import RuleSet

    ruleset = RuleSet.from_text(rules)
    ticket = {"customfield": {"list": [0]}, "msg": "a"}
    first, second = ruleset.decide(ticket).to_dict(), ruleset.decide(ticket).to_dict()

    assert first | {"received_at": ""} == second | {"received_at": ""}
    assert ticket == {"customfield": {"list": [0]}, "msg": "a"}


def test_threads_share_a_program() -> None:
    """Evaluations at the same time do not see each other."""
    from dispatcher import RuleSet

    ruleset = RuleSet.from_text(
        "seen = []\nfor word in msg.split():\n    seen.append(word)\n    customfield[word] = len(seen)\nif not msg: 1 / 0\n"
    )
    tickets = [{"msg": " ".join(f"w{number}" for _ in range(number))} for number in range(40)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda ticket: ruleset.decide(ticket).other_variables["seen"], tickets))

    assert found == [ticket["msg"].split() for ticket in tickets]
