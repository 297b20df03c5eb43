"""The functions of rules: each gives what CPython's gives, whatever it is called with."""

from __future__ import annotations

import builtins
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.lang.exceptions import EXCEPTIONS
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.values import TYPES, Builtin, TypeValue, type_of
from tests.lang import calls
from tests.lang.running import run
from tests.lang.strategies import PROPERTY

# Those whose results are compared by what they print or raise are below.
CALLED = sorted(FUNCTIONS.keys() - EXCEPTIONS.keys() - {"print"})


@given(st.lists(st.tuples(st.sampled_from(CALLED), calls.arguments()), min_size=10, max_size=10))
@settings(PROPERTY, max_examples=60)
def test_a_function_gives_what_cpython_gives(drawn: list[tuple[str, str]]) -> None:
    """Values with their types and exceptions are CPython's, for right and wrong arguments, counts and names."""
    called = [(name, f"({listed})") for name, listed in drawn]

    for (name, call), found in zip(called, calls.ours(called), strict=True):
        assert found is None or found.value == calls.cpythons(name, call).value, f"{name}{call}"


@pytest.mark.parametrize("arguments", ["", "'a b'", "1, 'b'", "['a'], {'b'}", "'a', x=1"])
def test_an_exception_is_shown_as_cpython_shows_it(arguments: str) -> None:
    """Text, repr and arguments of each exception are CPython's."""
    program = "found = []\n" + "".join(
        f"try:\n    e = {name}({arguments})\n    found.append([str(e), repr(e), e.args, f'{{e}}', repr([e])])\n"
        "except TypeError as problem:\n    found.append('TypeError')\ne = None\n"
        for name in EXCEPTIONS
    )
    theirs: dict[str, object] = {}
    exec(program, theirs)

    assert run(program).working["found"] == theirs["found"]


def test_every_function_is_documented() -> None:
    """Each line of the table begins with its name, and says what a call is charged by and what it gives."""
    for name, entry in FUNCTIONS.items():
        assert entry.name == name
        assert entry.signature.startswith(f"{name}(")
        assert entry.cost
        assert entry.doc
        assert entry.doc[-1] != "."
        assert type(entry.value) in (Builtin, TypeValue)


def test_every_name_is_one_of_python() -> None:
    """Rules have no function that Python does not have, and a type where Python has one."""
    for name, entry in FUNCTIONS.items():
        pythons = getattr(builtins, name)
        assert inspect.isclass(pythons) == (type(entry.value) is TypeValue), name


def test_every_type_of_the_tables_is_found_again() -> None:
    """`type(value)` is the very type that rules name."""
    named = [entry.value for entry in FUNCTIONS.values() if type(entry.value) is TypeValue]

    assert [TYPES[kind.python_type] for kind in named] == named
    assert [type_of(kind) for kind in named] == [FUNCTIONS["type"].value] * len(named)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("type(None)", "<class 'NoneType'>"),
        ("type(len)", "<class 'builtin_function_or_method'>"),
        ("type('a'.lower)", "<class 'builtin_function_or_method'>"),
        ("type(str.lower)", "<class 'method_descriptor'>"),
        ("type(lambda: 1)", "<class 'function'>"),
        ("type(a for a in 'a')", "<class 'generator'>"),
        ("type(type)", "<class 'type'>"),
        ("type(int | str)", "<class 'types.UnionType'>"),
        ("type(iter([]))", "<class 'list_iterator'>"),
        ("type(iter({1}))", "<class 'set_iterator'>"),
        ("type(iter(len, 1))", "<class 'callable_iterator'>"),
        ("type({}.keys())", "<class 'dict_keys'>"),
        ("type(map(str, []))", "<class 'map'>"),
        ("type(reversed(''))", "<class 'reversed'>"),
        ("type(KeyError(1))", "<class 'KeyError'>"),
        ("type(KeyboardInterrupt())", "<class 'KeyboardInterrupt'>"),
        ("int | None | str", "int | None | str"),
        ("str.lower", "<method 'lower' of 'str' objects>"),
        ("[lambda: 1, len, 'a'.upper]", "[<function <lambda>>, <built-in function len>, <built-in method upper of str object>]"),
        ("(a for a in 'a')", "<generator object <genexpr>>"),
        ("iter({2, 1})", "<set_iterator object>"),
        ("{'b': {'y', 'x'}, 'a': (lambda: 1,)}", "{'b': {'x', 'y'}, 'a': (<function <lambda>>,)}"),
        ("ValueError({'b', 'a'})", "{'a', 'b'}"),
    ],
)  # fmt: skip
def test_values_of_the_language_have_texts_without_addresses(expression: str, text: str) -> None:
    """What is no data is shown as CPython shows it, but for its address and the order of a process."""
    assert run(f"x = str({expression})\n").working["x"] == text


def test_print_writes_as_python_does() -> None:
    """`sep` and `end` are texts or None, and there is no file to write to."""
    outcome = run(
        "print(1, 'a', None, sep='-', end='!\\n')\nprint(sep=None, end=None, flush=True, file=None)\n"
        "print(1, sep=1)\nprint(1, end=[])\nprint(1, file=[])\nprint(1, other=1)\n"
    )

    assert outcome.prints == "1-a-None!\n\n"
    assert [fault.type for fault in outcome.faults] == ["TypeError", "TypeError", "AttributeError", "TypeError"]


def test_what_fails_while_it_is_sorted_is_left_as_python_leaves_it() -> None:
    """A list is empty while its keys are computed; one that a key function changed is an error."""
    program = (
        "xs = [3, 1, 2]\nseen = []\nxs.sort(key=lambda x: (seen.append(list(xs)), x)[1])\n"
        "ys = [3, 1, 2]\ntry:\n    ys.sort(key=lambda y: (ys.append(y), y)[1])\nexcept ValueError as e:\n    seen.append(str(e))\n"
        "zs = [3, 1, 'a', 2]\ntry:\n    zs.sort()\nexcept TypeError:\n    seen.append(list(zs))\n"
    )
    theirs: dict[str, object] = {}
    exec(program, theirs)

    working = run(program).working
    assert {name: working[name] for name in ("xs", "ys", "zs", "seen")} == {
        name: theirs[name] for name in ("xs", "ys", "zs", "seen")
    }


@pytest.mark.parametrize(
    "call",
    [
        *("list(iter(lambda: 1, 2))", "sum([3 ** 9000] * 400000)", "max([[[1]] * 1000] * 300)", "repr([[1] * 999] * 999)"),
        *("pow(3 ** 9000, 3 ** 9000, 3 ** 9001)", "int('1' * 4000000, 2)"),
        *("f'{1:>{10 ** 7}}'", "'{:{}}'.format(1, 10 ** 12)", "('{0}' * 100000).format('x' * 99999)", "next(g for g in iter(int, 1) if g)"),
        *("sorted(range(400000), key=str)", "dict.fromkeys(range(10 ** 9))", "list(zip(*[range(1000)] * 1000)) * 9 ** 9"),
    ],
)  # fmt: skip
def test_work_without_end_ends_at_a_limit(call: str) -> None:
    """A single call that would take long, or make much, is stopped before it does."""
    (fault,) = run(f"x = {call}\n").faults

    assert fault.type == "LimitExceeded"
