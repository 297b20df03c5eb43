"""Reading by shapes: each statement is its exemplar with literals of its own, in the places of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from dispatcher.lang import syntax
from dispatcher.lang.checker import check_module
from dispatcher.lang.compiler import compile_statements
from dispatcher.lang.parser import MAX_NUMBERS, parse
from dispatcher.lang.reading import Statements, read
from dispatcher.lang.records import replace
from dispatcher.lang.source import Source
from dispatcher.tickets import TICKET_SCHEMA
from tests.lang.long_files import files
from tests.lang.strategies import PROPERTY
from tests.lang.trees import nodes_below, without_places


def read_text(text: str, least: int = 0) -> Statements | None:
    """Return the statements of a text that is read by shapes."""
    return read(Source(text), TICKET_SCHEMA, least)


def shapes(text: str) -> list[int]:
    """Return the number of each statement's exemplar."""
    found = read_text(text)
    assert found is not None
    return list(found.kinds)


def _filled(node: Any, literals: dict[int, Any]) -> Any:
    """Return a tree with other literals in it, by the offsets at which they stand."""
    if isinstance(node, syntax.Constant):
        return replace(node, value=literals.get(node.start, node.value))
    if isinstance(node, syntax.Node):
        return replace(node, **{name: _filled(getattr(node, name), literals) for name in syntax.part_names(node)})
    return tuple(_filled(part, literals) for part in node) if isinstance(node, tuple) else node


def _starts(tree: syntax.Node) -> Iterator[int]:
    """Yield where the names and literals of a tree begin."""
    return (node.start for node in nodes_below(tree) if isinstance(node, syntax.Name | syntax.Constant))


@settings(PROPERTY, max_examples=40)
@given(text=files())
def test_statements_are_those_of_the_whole_file(text: str) -> None:
    """An exemplar with the literals of a statement in it is the tree that the whole file has there, place by place."""
    found = read_text(text)
    source = Source(text)
    body = parse(source)[0].body
    if found is None:
        assert any(isinstance(node, syntax.Match) for statement in body for node in nodes_below(statement))
        return
    program = compile_statements(found)
    assert list(found.starts) == [statement.start for statement in body]
    for number, statement in enumerate(body):
        exemplar = found.exemplars[found.kinds[number]]
        literals = dict(zip(exemplar.varying, found.literals[number], strict=True))
        assert without_places(_filled(exemplar.tree, literals)) == without_places(statement)
        places = [program.position(number, *exemplar.source.position(start)) for start in _starts(exemplar.tree)]
        assert places == [source.position(start) for start in _starts(statement)]


SHARED = {
    "texts that are compared": "if msg == 'a': team = 'b'\nif msg == 'c': team = 'd'\n",
    "numbers that are compared": "if len(msg) > 1: impact = 2\nif len(msg) > 3: impact = 4\n",
    "texts that are looked for": "if 'a' in msg: pass\nif '' in msg: pass\n",
    "texts in a list": "if msg in ['a', 'b']: pass\nif msg in ['c', 'c']: pass\n",
    "beginnings": "if msg.startswith('a'): pass\nif msg.startswith(''): pass\n",
    "comments and blank lines": "if msg == 'a':\n    pass\nif msg == 'b':  # 'c'\n\n    pass\n",
}
APART = {
    "texts in calls": "print('a')\nprint('b')\n",
    "patterns": "import re\nif re.search('a', msg): pass\nif re.search('b', msg): pass\n",
    "keys": "customfield['a'] = 'x'\ncustomfield['b'] = 'x'\n",
    "numbers that are added": "impact = 1 + 1\nimpact = 1 + 2\n",
    "other kinds of literals": "impact = 1\nimpact = 1.0\nimpact = '1'\nimpact = True\nimpact = None\n",
    "what `is` compares": "if msg is 'a': pass\nif msg is 'b': pass\n",
    "literals beside each other": "if 'a' == 'a': pass\nif 'a' == 'b': pass\n",
    "defaults": "def f(x='a'): return x\ndef f(x='b'): return x\n",
    "functions": "def f(): return 1\ndef f(): return 1\n",
    "generators that are kept": "state = (x for x in msg)\nstate = (x for x in msg)\n",
}


@pytest.mark.parametrize("text", SHARED.values(), ids=SHARED)
def test_literals_that_are_compiled_alike_make_no_shape(text: str) -> None:
    """Statements that differ in what is compared or assigned have one exemplar."""
    assert shapes(text) == [0, 0]


@pytest.mark.parametrize("text", APART.values(), ids=APART)
def test_what_decides_how_a_statement_is_compiled_makes_a_shape(text: str) -> None:
    """Statements with other literals elsewhere, and those that leave code behind them, have exemplars of their own."""
    assert shapes(text) == list(range(len(shapes(text))))


WHOLE = {
    "few statements": "team = 'A'\n",
    "an error": "team = 'A'\nname = 'B'\n",
    "a mistake": "team = 'A'\nif\n",
    "a name that nothing binds": "team = 'A'\nteam = nothing\n",
    "a match": "team = 'A'\nmatch msg:\n    case 'a': pass\n",
    "a text that goes on in the next line": "team = 'A'\n'a' \\\n'b'\n)",
    "more numbers than may be looked up": "".join(f"impact = {number}\n" for number in range(MAX_NUMBERS + 1)),
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_what_shapes_cannot_tell_is_read_as_a_whole(text: str) -> None:
    """Short files, files with errors, and what only the whole file tells are left to the reader of whole files."""
    assert read_text(text, least=1) is None


ORDERS = {
    "a module that something else hides": "import re as x\nx = 'a'\nif x.lower() == 'a': pass\n",
    "an alias and its variable": "message = 'a'\nif msg.lower() == 'a': pass\n",
    "a function of the tables that is rebound": "len = 'a'\nif len.lower() == 'a': pass\n",
    "a name that a function declares": "def f():\n    global x\n    x = 1\nif x == 1: pass\n",
}


@pytest.mark.parametrize("text", ORDERS.values(), ids=ORDERS)
def test_names_mean_what_the_whole_file_makes_of_them(text: str) -> None:
    """What one statement binds counts where another is checked, and the other way round."""
    for each in (text, "".join(reversed(text.splitlines(keepends=True))) if "def" not in text else text):
        source = Source(each)
        module, problems = parse(source)
        checked, found = check_module(source, module, TICKET_SCHEMA)
        by_shapes = read_text(each)
        assert [problem for problem in problems + found if problem.severity == "error"] == []
        assert by_shapes is not None
        assert by_shapes.checked.variables == checked.variables


def test_what_was_found_of_a_statement_counts_only_where_names_mean_the_same() -> None:
    """A statement that was right in one file is checked again in another that binds other names."""
    use = "if mine == 'a': team = 'A'\n"

    assert read_text(f"mine = 'a'\n{use}") is not None
    assert read_text(f"other = 'a'\n{use}") is None
    assert read_text(f"mine = 'b'\n{use}") is not None
