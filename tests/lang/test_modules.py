"""The modules of rules: their members by name, CPython's results, and bounded work for every argument."""

from __future__ import annotations

import importlib
import random
import string
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang.budget import LimitExceeded, Limits, Meter
from dispatcher.lang.modules import ENTRIES, MODULES
from dispatcher.lang.values import Builtin, ModuleValue, TypeValue, is_callable
from tests.lang import members
from tests.lang.isolation import isolated
from tests.lang.running import NOW, run
from tests.lang.strategies import PROPERTY

# --- what a module is

MINE = ("datetime", "json", "math", "random", "re", "string", "textwrap", "zoneinfo")
# Rules get the evaluation's clock, zone and seed for those of the computer.
OF_THE_TICKET = {
    *("datetime.date.fromtimestamp", "datetime.date.today", "datetime.datetime.fromtimestamp", "datetime.datetime.now"),
    *("datetime.datetime.today", "datetime.datetime.utcnow", "random.seed"),
}
# They make values that show themselves by an address, or that rules cannot make.
NOT_COMPARED = {"datetime.tzinfo", "re.Match", "re.Pattern", "re.compile", "string.Template"}
# For some arguments CPython's own never come to an end.
ENDLESS = {"random.betavariate", "random.gammavariate", "random.vonmisesvariate"}
FUNCTIONS = [
    f"{module}.{entry.name}" for module in MINE for entry in ENTRIES[module].members if is_callable(entry.value)
]
PLAIN = (bool, int, float, str, date, time, datetime, timedelta, timezone)


def test_members_are_functions_types_and_plain_data() -> None:
    """Each member of each module is a record of ours or plain data: none leads to a module of Python."""
    kinds = {
        f"{module}.{entry.name}": type(entry.value) for module, table in ENTRIES.items() for entry in table.members
    }

    assert {name: kind for name, kind in kinds.items() if kind not in (Builtin, TypeValue, *PLAIN)} == {}
    assert [name for name in kinds if any(part.startswith("_") for part in name.split("."))] == []


def test_modules_have_the_members_of_the_tables() -> None:
    """What a rule finds in a module, and in its types, is what the table lists by name."""
    found = set()
    for name, module in MODULES.items():
        for member, value in module.members.items():
            found.add(f"{name}.{member}")
            if type(value) is TypeValue:
                found.update(f"{name}.{member}.{inner}" for inner in value.members)

    assert found == {f"{module}.{entry.name}" for module, table in ENTRIES.items() for entry in table.members}
    assert all(type(module) is ModuleValue for module in MODULES.values())


@pytest.mark.parametrize("module", MINE)
def test_members_are_those_of_cpython(module: str) -> None:
    """Each member exists in CPython's module; a constant has CPython's value."""
    for entry in ENTRIES[module].members:
        theirs: Any = importlib.import_module(module)
        for part in entry.name.split("."):
            theirs = getattr(theirs, part)
        assert callable(theirs) == is_callable(entry.value), entry.name
        if not callable(theirs):
            assert repr(entry.value) == repr(int(theirs) if module == "re" else theirs), entry.name


LEADING_OUT = (
    *("datetime.sys", "datetime._time", "json.codecs", "json.decoder", "json.encoder", "json.load", "random._os"),
    *("random._inst", "random.Random", "random.SystemRandom", "string._re", "string.Formatter", "textwrap.re"),
    *("zoneinfo.TZPATH", "zoneinfo.reset_tzpath", "zoneinfo.ZoneInfo.from_file", "re._compiler", "re.enum"),
    *("math.__loader__", "datetime.datetime.__subclasses__", "string.Template.pattern", "re.Match.__class__"),
)


@pytest.mark.parametrize("path", LEADING_OUT)
def test_nothing_leads_out_of_a_module(path: str) -> None:
    """What Python's modules have beside the tables does not exist: their imports, files, classes to derive from."""
    assert members.ours(path, (), {}) == "AttributeError"


# --- CPython's results

_COMPARED = [path for path in FUNCTIONS if path not in OF_THE_TICKET | NOT_COMPARED]
_POOLS = (
    *((members.NUMBERS,), (members.TEXTS,), (members.COLLECTIONS,), (members.MOMENTS,), (members.VALUES,)),
    *((members.TEXTS, members.NUMBERS), (members.COLLECTIONS, members.NUMBERS), (members.TEXTS, members.COLLECTIONS)),
)
_NAMES = (
    *("start", "k", "weights", "cum_weights", "counts", "indent", "sort_keys", "separators", "width", "max_lines"),
    *("placeholder", "initial_indent", "tabsize", "tz", "tzinfo", "year", "fold", "rel_tol", "sep", "skipkeys"),
    *("ensure_ascii", "allow_nan", "strict", "step", "stop", "break_long_words", "hours", "count", "maxsplit"),
)


@st.composite
def _calls(draw: st.DrawFn, paths: list[str]) -> tuple[str, list[Any], dict[str, Any]]:
    pools = draw(st.sampled_from(_POOLS))
    argument = st.one_of(*[st.sampled_from(pool) for pool in pools])
    arguments = draw(st.lists(argument, max_size=3))
    named = draw(st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(members.VALUES), max_size=1))
    return draw(st.sampled_from(paths)), arguments, named


# Where CPython's answer to nonsense depends on what it looks at first, or on a cache.
_NONSENSE = {
    "random.weibullvariate": "TypeError",
    "zoneinfo.ZoneInfo": "TypeError",
    **{f"re.{name}": "TypeError" for name in ("search", "match", "fullmatch", "findall", "finditer", "split")},
}


@settings(PROPERTY, max_examples=1500)
@given(call=_calls(_COMPARED))
def test_functions_are_cpythons(call: tuple[str, list[Any], dict[str, Any]]) -> None:
    """For any arguments a function gives CPython's result or its type of exception, unless a limit comes first."""
    path, arguments, named = call
    ours = members.ours(path, arguments, named)
    if ours in (members.LIMITED, _NONSENSE.get(path)) or (path in ENDLESS and ours == "TypeError"):
        return

    assert ours == members.cpythons(path, arguments, named)


_METHODS = (
    *(
        "ctime",
        "isocalendar",
        "isoformat",
        "isoweekday",
        "replace",
        "strftime",
        "toordinal",
        "weekday",
        "dst",
        "tzname",
    ),
    *("utcoffset", "date", "time", "timetz", "total_seconds", "fromutc"),
)


@settings(PROPERTY, max_examples=600)
@given(
    name=st.sampled_from(_METHODS),
    owner=st.sampled_from(members.MOMENTS),
    call=_calls([""]),
)
def test_methods_of_moments_are_cpythons(name: str, owner: Any, call: tuple[str, list[Any], dict[str, Any]]) -> None:
    """For any arguments a method of a moment gives CPython's result or its type of exception."""
    _, arguments, named = call

    assert members.our_method(name, owner, arguments, named) == members.cpythons_method(name, owner, arguments, named)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.text(max_size=4) | st.integers() | st.booleans() | st.none() | st.floats(), inner, max_size=4
        )
    ),
    max_leaves=12,
)
JSON_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "indent": st.sampled_from((None, 0, 1, 3, "", "\t", "--", True, -1)),
        "separators": st.sampled_from((None, (",", ":"), [" ", ""], ("é", "=>"))),
        "sort_keys": st.booleans(),
        "skipkeys": st.booleans(),
        "ensure_ascii": st.booleans(),
        "allow_nan": st.booleans(),
    },
)


@settings(PROPERTY, max_examples=400)
@given(value=JSON_VALUES, options=JSON_OPTIONS)
def test_json_is_cpythons(value: Any, options: dict[str, Any]) -> None:
    """Any value is written as CPython writes it, with any options, and what it wrote is read as CPython reads it."""
    written = members.ours("json.dumps", (value,), options)
    assert written == members.cpythons("json.dumps", (value,), options)
    text = importlib.import_module("json").dumps(value)
    assert members.ours("json.loads", (text,), {}) == members.cpythons("json.loads", (text,), {})


# --- deterministic

CLOCK = {
    "datetime.datetime.now()": datetime(2026, 3, 2, 17, 45),
    "datetime.datetime.now(datetime.UTC)": NOW,
    "datetime.datetime.now(tz=zoneinfo.ZoneInfo('Asia/Tokyo')).hour": 2,
    "datetime.datetime.utcnow()": datetime(2026, 3, 2, 17, 45),
    "datetime.datetime.today()": datetime(2026, 3, 2, 17, 45),
    "datetime.date.today()": date(2026, 3, 2),
    "datetime.datetime.fromtimestamp(0)": datetime(1970, 1, 1),
    "datetime.date.fromtimestamp(86400)": date(1970, 1, 2),
    "datetime.datetime(1970, 1, 2).timestamp()": 86400.0,
    "datetime.datetime(2026, 7, 1).astimezone(zoneinfo.ZoneInfo('Europe/Paris')).hour": 2,
    "datetime.datetime.strptime('2026 UTC', '%Y %Z')": datetime(2026, 1, 1),
}


def value_of(expression: str) -> Any:
    """Return what an expression is in rules, or the type of its fault."""
    outcome = run(f"import datetime, json, math, random, re, string, textwrap, zoneinfo\nx = repr({expression})\n")
    return outcome.faults[0].type if outcome.faults else outcome.working["x"]


@pytest.mark.parametrize("expression", CLOCK)
def test_the_clock_and_the_zone_are_those_of_the_ticket(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks for the time or the local zone gets that of the ticket's arrival, whatever the computer has."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert value_of(expression) == repr(CLOCK[expression])


def test_random_numbers_follow_the_seed() -> None:
    """The same seed gives CPython's numbers, another seed others, and a rule can begin again."""
    draw = "[random.random(), random.randint(1, 6), random.gauss(), random.sample(range(100), 3)]"
    ours = value_of(f"[random.seed(42), {draw}][1]")
    random.seed(42)
    assert ours == repr([random.random(), random.randint(1, 6), random.gauss(), random.sample(range(100), 3)])

    assert value_of(draw) == value_of(draw) == value_of(f"[{draw}, random.seed(), {draw}][2]")
    assert value_of(draw) != ours


def test_a_fault_begins_the_random_numbers_again() -> None:
    """A statement that drew and failed is as if it were not there: those behind it draw what they would without."""
    draw = "y = random.random()\n"
    failing = "import random\nfor i in [random.random(), 'a' + 1]:\n    x = i\n" + draw
    assert run(failing).working["y"] == run("import random\n" + draw).working["y"]


# --- limits

SHARED = "x = ['a']\nfor i in range(60):\n    x = [x, x]\n"
CYCLE = "x = []\nx.append(x)\n"
DEEP = "x = []\nfor i in range(50000):\n    x = [x]\n"
HOSTILE = {
    "a factorial": "y = math.factorial(10 ** 6)",
    "many factorials": "for i in range(10 ** 6):\n    y = math.factorial(3000)",
    "a combination": "for i in range(10 ** 6):\n    y = math.comb(30000, 15000)",
    "a combination of huge numbers": "y = math.comb(1 << 30000, 1 << 20000)",
    "permutations": "for i in range(10 ** 6):\n    y = math.perm(32000, 2000)",
    "a least common multiple": "y = math.lcm(*range(1, 100000))",
    "greatest common divisors": "a = (1 << 32000) - 1\nb = (1 << 31999) - 1\nfor i in range(10 ** 6):\n    y = math.gcd(a, b)",
    "roots": "a = (1 << 32000) - 1\nfor i in range(10 ** 6):\n    y = math.isqrt(a)",
    "an endless product": "y = math.prod(iter(int, 1))",
    "a product of texts": "y = math.prod([2] * 100, start='a')",
    "an exact sum": "y = [math.fsum([10.0 ** (15 * i - 300) for i in range(40)] * 1000) for j in range(10 ** 6)]",
    "distances": "a = [1.0] * 100000\nfor i in range(10 ** 6):\n    y = math.dist(a, a)",
    "JSON of a shared value": SHARED + "y = json.dumps(x)",
    "JSON of a deep value": DEEP + "y = json.dumps(x)",
    "JSON of a cycle without its check": CYCLE + "y = json.dumps(x, check_circular=False)",
    "JSON that a function makes deeper": "y = json.dumps(len, default=lambda value: [lambda: 1])",
    "JSON that a function changes": SHARED + "z = [len, None]\ndef change(value):\n    z[1] = x\ny = json.dumps(z, default=change)",
    "JSON with a wide indent": "y = json.dumps([[[1] * 1000]], indent=10 ** 9)",
    "JSON with a long separator": "y = json.dumps([1] * 100000, separators=('a' * 1000000, ''))",
    "JSON of a long text": "a = '\\U0001f600' * 1000000\nfor i in range(1000):\n    y = json.dumps(a)",
    "JSON of many floats": "a = [0.1234567890123] * 100000\nfor i in range(1000):\n    y = json.dumps(a)",
    "JSON with sorted keys": "a = {'a' * 10000 + str(i): 1 for i in range(1000)}\nfor i in range(1000):\n    y = json.dumps(a, sort_keys=True)",
    "deep JSON": "y = json.loads('[' * 100000 + ']' * 100000)",
    "JSON of empty lists": "y = [json.loads('[' + '[],' * 500000 + '[]]') for i in range(1000)]",
    "JSON of dicts": "y = [json.loads('[' + '{\"a\":1},' * 300000 + '1]') for i in range(1000)]",
    "JSON of long numbers": "a = '[' + ','.join(['9' * 4300] * 900) + ']'\nfor i in range(1000):\n    y = json.loads(a)",
    "JSON of escapes": "a = '\"' + '\\\\n' * 1000000 + '\"'\nfor i in range(1000):\n    y = json.loads(a)",
    "a message of an error": SHARED + "y = json.JSONDecodeError(x, 'a', 0)",
    "a message of a pattern's error": SHARED + "y = re.error(x, 'a', 0)",
    "gamma without end": "y = random.gammavariate(float('nan'), 1)",
    "gamma of infinity": "y = random.gammavariate(float('inf'), 1)",
    "an angle without end": "y = random.vonmisesvariate(0, float('nan'))",
    "many random bits": "y = random.getrandbits(10 ** 9)",
    "many choices": "y = random.choices('ab', k=10 ** 12)",
    "a big sample": "y = random.sample(range(10 ** 12), 10 ** 6)",
    "samples of few": "a = list(range(100000))\nfor i in range(10 ** 6):\n    y = random.sample(a, 20000)",
    "shuffling": "a = list(range(100000))\nfor i in range(10 ** 6):\n    random.shuffle(a)",
    "weights that grow": "y = random.choices('ab', [['a'] * 100000] * 2)",
    "differences of sets": "a = set(range(100000))\nfor i in range(10 ** 6):\n    try:\n        y = random.uniform(a, a)\n    except TypeError:\n        pass",
    "a long seed": "a = 'a' * 1000000\nfor i in range(10 ** 6):\n    random.seed(a, 1)",
    "a template": "a = '$a' * 100000\nb = 'a' * 100000\ny = string.Template(a).substitute(a=b)",
    "a template of a shared value": SHARED + "y = string.Template('$x').substitute(x=x)",
    "capwords": "a = 'ß ' * 1000000\nfor i in range(10 ** 6):\n    y = string.capwords(a)",
    "wrapping narrowly": "y = textwrap.wrap('a b ' * 500000, 1)",
    "wrapping white space": "y = textwrap.wrap(' ' * 300000, 1, drop_whitespace=False)",
    "wrapping a long word": "y = textwrap.fill('a' * 200000, 1)",
    "wrapping wide tabs": "y = textwrap.fill('\\t' * 1000, tabsize=10 ** 9)",
    "wrapping with a long indent": "y = textwrap.fill('a ' * 10000, 1, initial_indent='b' * 100000, subsequent_indent='b' * 100000)",
    "wrapping without end": "y = textwrap.fill('a b', float('nan'))",
    "indenting": "y = textwrap.indent('a\\n' * 100000, 'b' * 100000)",
    "a wide margin": "a = (' ' * 500000 + 'a\\n') * 2\nfor i in range(10 ** 6):\n    y = textwrap.dedent(a)",
    "a wide date": "y = datetime.datetime.now().strftime('%0999999999d')",
    "many widths": "y = datetime.datetime.now().strftime('%0999999d' * 1000)",
    "a long format": "a = '%c' * 100000\nfor i in range(10 ** 6):\n    y = datetime.datetime.now().strftime(a)",
    "reading by a long format": "y = datetime.datetime.strptime('a' * 100000, 'a' * 100000)",
    "reading in many ways": "for i in range(10 ** 6):\n    try:\n        y = datetime.datetime.strptime('1' * 28 + 'x', '%d%H%I%j%m%M%S%U%w%V%f%y')\n    except ValueError:\n        pass",
    "a far date": "y = datetime.timedelta(days=1 << 30000)",
    "a file as a time zone": "y = zoneinfo.ZoneInfo('../../../etc/passwd')",
    "time zones": "for i in range(10 ** 6):\n    y = zoneinfo.available_timezones()",
    "a pickled date": "y = datetime.date('\\x00\\x00\\x01\\xff')",
    "a pickled time": "y = datetime.datetime('\\x07\\xe8\\x01\\xff\\xff\\xff\\xff\\xff\\xff\\xff').strftime('%c')",
}  # fmt: skip


@pytest.mark.parametrize("title", HOSTILE)
def test_every_function_stays_within_the_budget(title: str) -> None:
    """The most that a rule can ask of a function ends in a fault, in time and with little memory."""
    text = "import datetime, json, math, random, re, string, textwrap, zoneinfo\n" + HOSTILE[title]

    # What every process does once is not the rule's.
    run("import zoneinfo\nx = zoneinfo.available_timezones()\n")

    answer = isolated(lambda: [fault.type for fault in run(text).faults])

    assert answer.value != []
    assert answer.seconds < 9


def test_deep_json_is_refused_by_name() -> None:
    """The limit that JSON passes is that of nested values."""
    with pytest.raises(LimitExceeded, match=r"a value nests more than 100 deep\Z"):
        MODULES["json"].members["loads"].implementation(Meter(Limits()), "[" * 200)


ZONE_FIELDS = {
    "zoneinfo.ZoneInfo('Europe/London').key": "Europe/London",
    "str(zoneinfo.ZoneInfo('UTC'))": "UTC",
    "zoneinfo.ZoneInfo('Europe/London').tzname(datetime.datetime(2026, 7, 1))": "BST",
    "datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/London')).utcoffset()": timedelta(hours=1),
    "datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/London')).dst()": timedelta(hours=1),
    "isinstance(zoneinfo.ZoneInfo('UTC'), datetime.tzinfo)": True,
    "zoneinfo.ZoneInfo('Europe/London') is zoneinfo.ZoneInfo('Europe/London')": True,
    "'Europe/London' in zoneinfo.available_timezones()": True,
    "issubclass(zoneinfo.ZoneInfoNotFoundError, KeyError)": True,
}


@pytest.mark.parametrize("expression", ZONE_FIELDS)
def test_zones_are_those_of_the_database(expression: str) -> None:
    """A zone has its name and rules, and moments in it count with them."""
    assert value_of(expression) == repr(ZONE_FIELDS[expression])


@pytest.mark.parametrize("key", ["/etc/passwd", "../UTC", "Europe/../UTC", "a//b", "a\\0b"])
def test_a_key_is_no_path(key: str) -> None:
    """A path that leads elsewhere is refused as in CPython, and no file is looked for."""
    assert value_of(f"zoneinfo.ZoneInfo('{key}')") == "ValueError"


@pytest.mark.parametrize("key", ["", "Europe", "europe/london", "posixrules", "tzdata.zi", "x" * 10_000])
def test_other_keys_are_not_found(key: str) -> None:
    """Only the documented names are zones: not folders, other files of the database, or other spellings."""
    assert value_of(f"zoneinfo.ZoneInfo('{key}')") == "ZoneInfoNotFoundError"


TEMPLATES = ("$a and ${b}", "$$ $a", "x", "", "$a$", "${a", "$1", "$é", "line\n $ ", "${b}$b$$b", "$missing")


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_are_cpythons(template: str) -> None:
    """A template is filled in as CPython fills it in, or fails as there."""
    ours = MODULES["string"].members["Template"].implementation(members.meter(), template)
    theirs = string.Template(template)
    for name in ("substitute", "safe_substitute", "get_identifiers", "is_valid"):
        arguments = ({"a": 1, "b": [2]},) if "substitute" in name else ()
        assert members.our_method(name, ours, arguments, {}) == members.cpythons_method(name, theirs, arguments, {})
    assert members.our_method("substitute", ours, ({"a": 1},), {"a": 2, "b": 3}) == members.cpythons_method(
        "substitute", theirs, ({"a": 1},), {"a": 2, "b": 3}
    )
