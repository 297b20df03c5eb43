"""The world of a rule is closed: every type that it can meet, every name behind a dot, and every node that is emitted."""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from types import FunctionType, GeneratorType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatcher.lang import compiler, syntax
from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.collected import Counter, OrderedDict, defaultdict, deque
from dispatcher.lang.evaluator import Ticket
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.iteration import Counted, SetTurns
from dispatcher.lang.lazy import Lazy
from dispatcher.lang.methods import METHODS, attribute
from dispatcher.lang.modules import MODULES
from dispatcher.lang.parser import parse
from dispatcher.lang.program import RENAMED, Program
from dispatcher.lang.regex import Match, Pattern
from dispatcher.lang.sequences import Calls
from dispatcher.lang.source import Source
from dispatcher.lang.text_template import Template
from dispatcher.lang.values import BoundMethod, Builtin, ModuleValue, TypeValue, UnionValue, as_callable
from tests.lang import running
from tests.lang.conformance.corpus import read_corpus
from tests.lang.trees import nodes_below

DATA = (int, float, str, bool, type(None), list, tuple, dict, set, frozenset, range, slice)
ITERATORS: tuple[type, ...] = (
    *(GeneratorType, map, filter, zip, enumerate, reversed, Counted, Lazy, type(itertools.tee(())[0])),
    *(type(iter("")), type(iter("\u20ac")), type(iter([])), type(iter(())), type(iter(set())), type(iter(int, 1))),
    *(type(iter({})), type(iter({}.values())), type(iter({}.items()))),
    *(type(reversed([])), type(reversed({})), type(reversed({}.values())), type(reversed({}.items()))),
    *(type(iter(range(1))), type(iter(range(1 << 70)))),
)
OURS = (Builtin, TypeValue, UnionValue, BoundMethod, ModuleValue, Pattern, Match, Template, Calls, SetTurns)
MOMENTS = (date, time, datetime, timedelta, timezone, ZoneInfo, type(date.min.isocalendar()))
VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
ORDERED_VIEWS = tuple(type(getattr(OrderedDict(), name)()) for name in ("keys", "values", "items"))
COLLECTED = (Counter, OrderedDict, defaultdict, deque)
KNOWN = frozenset({*DATA, *ITERATORS, *OURS, *MOMENTS, *VIEWS, *ORDERED_VIEWS, *COLLECTED})


def known(kind: type) -> bool:
    """Tell whether values of rules may be of a type: those of the tables, and exceptions that rules raise or catch."""
    return kind in KNOWN or issubclass(kind, Lazy) or issubclass(kind, BaseException)


# Makes a value of each type; the functions and iterators are made by rules.
SAMPLES = """\
import collections, datetime, itertools, json, math, random, re, string, textwrap, zoneinfo
f = lambda a=1: a
def g(*a, **b): return a
values = [
    'Ab', '', 7, True, 2.5, None, [1, 'a'], (1, 'a'), {'k': 1}, {1}, frozenset({1}), range(3), slice(1, 2), int | str,
    (a for a in 'ab'), map(f, [1]), filter(None, [1]), zip('ab', 'cd'), enumerate('ab'), reversed([1]), iter('ab'),
    iter(f, 2), iter({1}), iter({1: 2}), iter(range(3)), reversed({1: 2}), iter([1]), iter((1,)),
    {1: 2}.keys(), {1: 2}.values(), {1: 2}.items(),
    datetime.date(2026, 3, 2), datetime.time(1), datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc),
    datetime.timedelta(1), datetime.timezone.utc, datetime.date(2026, 3, 2).isocalendar(), zoneinfo.ZoneInfo('Europe/Berlin'),
    re.compile('(a)'), re.match('(?P<n>a)', 'ab'), string.Template('$a'),
    collections.Counter('ab'), collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.deque([1, 'a']),
    collections.OrderedDict(a=1).keys(), collections.OrderedDict(a=1).values(), collections.OrderedDict(a=1).items(),
    itertools.count(), itertools.cycle('ab'), itertools.repeat(1), itertools.chain('ab'), itertools.groupby('ab'),
    itertools.accumulate([1]), itertools.product('ab'), itertools.islice('ab', 1), *itertools.tee('ab'),
    f, g, len, str, 'a'.upper, str.upper, dict.fromkeys, re, re.search, json.dumps, ValueError, collections.Counter,
]
for attempt in [lambda: 1 / 0, lambda: json.loads('{'), lambda: re.compile('('), lambda: next(iter([]))]:
    try:
        attempt()
    except Exception as error:
        values.append(error)
for kind in [SystemExit, KeyboardInterrupt, OSError, RecursionError, BaseException]:
    try:
        raise kind('a')
    except BaseException as error:
        values.append(error)
"""


@cache
def _samples_program() -> Program:
    return running.program(SAMPLES)


def samples() -> list[Any]:
    """Return a value of each type that a rule can hold."""
    outcome = running.run_program(_samples_program())
    assert outcome.faults == []
    tables = [entry.value for entry in FUNCTIONS.values()] + list(MODULES.values())
    return [*outcome.working["values"], *tables]


def held(value: Any) -> Iterator[Any]:
    """Yield a value and what a rule can take out of it by items or iteration."""
    yield value
    if isinstance(value, dict):
        for pair in list(value.items()):
            for part in pair:
                yield from held(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from held(part)


def strangers(value: Any, functions: frozenset[FunctionType]) -> list[Any]:
    """Return what in `value` is of no known type; `functions` are those that rules made."""
    made_by_rules = {id(function) for function in functions}
    return [part for part in held(value) if not known(type(part)) and id(part) not in made_by_rules]


# Every name that any value of Python has, our own records included, and every name of the tables.
EVERY_NAME = sorted(
    {name for value in samples() for name in dir(value)}
    | {name for table in METHODS.values() for name in table}
    | {name for module in MODULES.values() for name in module.members}
    | {name for thing in (samples, ast, type, Meter, Exception(), (lambda: 0).__code__) for name in dir(thing)}
)


def test_each_type_of_the_tables_has_a_sample() -> None:
    """No type that has methods is left out of the enumeration below."""
    assert set(METHODS) - {kind for value in samples() for kind in type(value).__mro__} == set()


def test_every_attribute_of_every_value_is_ours() -> None:
    """Each value x each name gives an error, or a value of a type that we know: no function, module or type of Python.

    The compiler emits no other access to members than `attribute`, so this is all that a rule can walk to.
    """
    values = samples()
    functions = frozenset(value for value in values if type(value) is FunctionType)
    meter = Meter(Limits(steps=10**9), Ticket({}, datetime.now(UTC)))
    reached = 0
    seen: set[tuple[type, str]] = set()
    while values:
        value = values.pop()
        for name in EVERY_NAME:
            try:
                found = attribute(meter, value, name)
            except (AttributeError, ValueError):
                continue
            reached += 1
            assert not name.startswith("_"), (value, name)
            assert strangers(found, functions) == [], (value, name)
            place = (type(value), getattr(value, "name", "") + "." + name)
            if place not in seen and type(found) is not BoundMethod:
                seen.add(place)
                values.append(found)

    assert reached > 400


ARGUMENTS: list[tuple[Any, ...]] = [
    (),
    ("a",),
    (1,),
    ([1, 2],),
    ("%Y",),
    ("a", "b"),
    (1, 2),
    ((1, "a"), 0),
    ({97: "b"},),
]


def test_every_method_gives_a_value_of_ours() -> None:
    """What methods, functions and types return, whatever they are given, is of a known type to its last item."""
    returned: set[str] = set()
    for number, value in enumerate(samples()):
        for name in (*METHODS.get(type(value), ()), *getattr(value, "members", ()), ""):
            values = samples()
            functions = frozenset(value for value in values if type(value) is FunctionType)
            for arguments in ARGUMENTS:
                meter = Meter(Limits(steps=10**6), Ticket({}, datetime.now(UTC)))
                try:
                    target = attribute(meter, values[number], name) if name else values[number]
                    found = as_callable(meter, target)(*arguments)
                except (Exception, LimitExceeded):  # noqa: BLE001 - a fault of the rule
                    continue
                returned.add(name or repr(value))
                assert strangers(found, functions) == [], (values[number], name, arguments)

    assert len(returned) > 120


# --- what the compiler emits

# All that rules may be made of; no attribute, no import, no global, no class, no `with`, no `await`, no class pattern.
EMITTED = {
    *("Nonlocal", "Match", "match_case", "MatchValue", "MatchSingleton", "MatchSequence", "MatchMapping", "MatchStar"),
    *("MatchAs", "MatchOr"),
    *("Module", "FunctionDef", "arguments", "arg", "Lambda", "Return", "Expr", "Assign", "Delete", "Pass"),
    *("If", "For", "While", "Break", "Continue", "Try", "ExceptHandler", "Raise"),
    *("Name", "Load", "Store", "Del", "Constant", "Call", "keyword", "Starred", "Subscript", "NamedExpr", "IfExp"),
    *("List", "Tuple", "Set", "Dict", "ListComp", "SetComp", "DictComp", "GeneratorExp", "comprehension"),
    *("BoolOp", "And", "Or", "UnaryOp", "Not", "USub", "UAdd", "Invert", "BinOp", "Add", "Sub", "Div", "RShift"),
    *("Compare", "Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"),
}


def names_in(program: str) -> set[str]:
    """Return the names that a program binds or reads."""
    names: set[str] = set()
    for node in nodes_below(parse(Source(program))[0]):
        match node:
            case syntax.Name(id=name) | syntax.Parameter(name=name) | syntax.ImportedName(variable=name):
                names.add(name)
            case _:
                pass
    return names


def own_functions(program: str) -> set[str]:
    """Return the names that a program's `def` statements bind."""
    nodes = nodes_below(parse(Source(program))[0])
    return {node.name.id for node in nodes if isinstance(node, syntax.Function)}


def calls_what_is_ours(function: ast.expr, defined: set[str]) -> bool:
    """Tell whether a call goes to a helper, to what a helper opened, or to a function that the program defines."""
    match function:
        case ast.Name(id=name):
            return name.startswith(".") or name.removesuffix(RENAMED) in defined
        case ast.Call(func=ast.Name(id=name)):
            return name == ".callable" or (name.startswith(".") and name.endswith(".find"))
        case _:
            return isinstance(function, ast.Lambda)


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[ast.Module]:
    """Return the list of trees that the compiler hands to Python from now on."""
    trees: list[ast.Module] = []

    def spy(tree: ast.Module, *arguments: Any, **named: Any) -> Any:
        trees.append(tree)
        return builtins.compile(tree, *arguments, **named)

    monkeypatch.setattr(compiler, "compile", spy, raising=False)
    return trees


def test_what_is_emitted_is_closed(emitted: list[ast.Module]) -> None:
    """Every program of the corpus becomes nodes of a closed set, without attributes, and with names of two kinds only.

    A name is the rule's own, or one of ours, which begins with a dot and which no rule can spell. What is called is
    ours, or a function of the file, and what is caught is what a rule may catch.
    """
    for case in read_corpus()[::2]:
        emitted.clear()
        own = names_in(case.program)
        defined = own_functions(case.program)
        compiled = running.program(case.program)
        compiled.reader(compiled.reads)
        for shape in compiled.shapes:
            shape.compiled()
        if compiled.fused is not None:
            assert compiled.fused.quick.writes == compiled.fused.general.writes
        for node in (node for tree in emitted for node in ast.walk(tree)):
            assert type(node).__name__ in EMITTED, str(case)
            if isinstance(node, ast.Name):
                assert node.id.startswith(".") or node.id.removesuffix(RENAMED) in own, str(case)
            if isinstance(node, ast.Call):
                assert calls_what_is_ours(node.func, defined), str(case)
            if isinstance(node, ast.ExceptHandler):
                assert isinstance(node.type, ast.Name), str(case)
                assert node.type.id == ".Catchable", str(case)


def test_compiled_rules_see_nothing_of_python() -> None:
    """The builtins of compiled rules are empty, and all their globals have names of ours."""
    for case in read_corpus()[::10]:
        compiled = running.program(case.program)
        functions = [compiled.fused.quick.function, compiled.fused.general.function] if compiled.fused else []
        for function in (*functions, *(shape.compiled().function for shape in compiled.shapes)):
            assert isinstance(function, FunctionType)
            assert function.__globals__["__builtins__"] == {}
            assert [n for n in function.__globals__ if not n.startswith(".") and n != "__builtins__"] == []
