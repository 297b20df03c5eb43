"""What the parser makes of rules: the shapes of trees, and that they are CPython's own."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from dispatcher import check
from dispatcher.lang import syntax
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from tests.lang.conformance.corpus import Case, read_cases, read_corpus, write_cases
from tests.lang.cpython import dump, to_ast
from tests.lang.strategies import PROPERTY, expressions, mistaken
from tests.lang.trees import nodes_below, show, without_places

CORPUS = Path(__file__).parent / "corpus"
CASES = [case for path in sorted(CORPUS.glob("*.txt")) for case in read_cases(path)]
ACCEPTED = [case for case in CASES if case.area != "refused"] + read_corpus()

# What CPython reads and rules do not: each of these codes tells it by name.
BY_NAME = {
    *("unsupported-syntax", "unknown-name", "unknown-function", "unknown-method", "unknown-module"),
    *("unknown-module-member", "private-name", "read-only-variable", "too-large"),
}

cpython_3_11 = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other versions read f-strings otherwise")


def tree_of(text: str) -> syntax.Module:
    """Return the tree of rules without problems."""
    module, problems = parse(Source(text))
    assert problems == []
    return module


def cpython_tree(text: str) -> ast.Module:
    """Return CPython's tree; raise SyntaxError also for what only its compiler refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        compile(text, "<rules>", "exec", dont_inherit=True)
    return tree


def has_cpythons_places(case: Case) -> bool:
    """Tell whether CPython counts as we do: columns not in bytes, and none inside an f-string or of a semicolon."""
    text = case.program
    return text.isascii() and not re.search(r"[fF][rR]?['\"]|;\s", text) and "\f" not in text


# --- shapes


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_construct_has_its_tree(case: Case, update_golden: bool) -> None:
    """The tree of each construct is the one in the corpus."""
    shown = "\n".join(show(statement) for statement in tree_of(case.program).body)
    if update_golden:
        path = CORPUS / f"{case.area}.txt"
        cases = [replace(old, expected=shown) if old.title == case.title else old for old in read_cases(path)]
        write_cases(path, cases)
        return
    assert shown == case.expected


@cpython_3_11
@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_the_tree_is_cpythons(case: Case) -> None:
    """CPython makes the same tree of every program of both corpora."""
    source = Source(case.program)

    assert dump(to_ast(source, tree_of(case.program))) == dump(cpython_tree(source.text))


@cpython_3_11
@pytest.mark.parametrize("case", [case for case in ACCEPTED if has_cpythons_places(case)], ids=str)
def test_the_places_are_cpythons(case: Case) -> None:
    """Each node of these programs begins and ends where CPython's does."""
    source = Source(case.program)
    expected = dump(cpython_tree(source.text), positions=True)

    assert dump(to_ast(source, tree_of(case.program)), positions=True) == expected


@cpython_3_11
@settings(PROPERTY, max_examples=150)
@given(expressions())
def test_the_tree_of_an_expression_is_cpythons(text: str) -> None:
    """CPython makes the same tree of any expression that we accept."""
    try:
        expected = cpython_tree(text)
    except SyntaxError:
        return  # such as `a = 1` for a walrus whose target a comprehension sets
    source = Source(text)

    assert dump(to_ast(source, tree_of(text))) == dump(expected)


# Modules of the standard library that are written in plain Python, with few classes.
_MODULES = (
    "textwrap",
    "heapq",
    "bisect",
    "colorsys",
    "statistics",
    "calendar",
    "shlex",
    "posixpath",
    "fnmatch",
    "base64",
)
_UNREADABLE = {"unsupported-syntax", "invalid-literal", "unexpected-token", "invalid-target"}


def library_functions() -> Iterator[tuple[str, str]]:
    """Yield name and text of functions of the standard library."""
    for name in _MODULES:
        for member, function in inspect.getmembers(importlib.import_module(name), inspect.isfunction):
            if function.__module__ == name and not function.__code__.co_filename.startswith("<"):
                yield f"{name}.{member}", textwrap.dedent(inspect.getsource(function))


@cpython_3_11
def test_real_code_has_cpythons_tree() -> None:
    """Functions of the standard library have CPython's tree wherever they use nothing that rules leave out."""
    compared = 0
    for name, text in library_functions():
        source = Source(text)
        module, problems = parse(source)
        assert {problem.code for problem in problems} <= _UNREADABLE, name
        refused = (syntax.RefusedStatement, syntax.RefusedExpression)
        if problems or any(isinstance(node, refused) for node in nodes_below(module)):
            continue
        compared += 1
        assert dump(to_ast(source, module)) == dump(ast.parse(text)), name

    assert compared > 40


# --- places


def assert_places(text: str) -> None:
    """Assert that the text from start to end of each expression in a program reads as that expression again."""
    source = Source(text)
    specs = set()
    for node in nodes_below(tree_of(text)):
        if isinstance(node, syntax.FormattedField):
            specs.add(node.spec)  # its text is that of the whole field
        if isinstance(node, syntax.Expr) and node not in specs:
            part = source.text[node.start : node.end]
            assert without_places(alone(node, part)) == without_places(node), part


def alone(node: syntax.Node, text: str) -> object:
    """Return what the text of `node` reads as, where its kind may stand."""
    in_index = isinstance(node, syntax.Slice | syntax.TupleDisplay | syntax.Starred)
    (statement,) = tree_of(f"x[{text}]" if in_index else f"({text})").body
    assert isinstance(statement, syntax.ExpressionStatement)
    found: Any = (
        statement.value.index if isinstance(statement.value, syntax.Subscript) and in_index else statement.value
    )
    return found.items[0] if isinstance(node, syntax.Starred) else found


@pytest.mark.parametrize("case", [case for case in CASES if case.area != "refused"], ids=str)
def test_each_expression_stands_where_its_place_says(case: Case) -> None:
    """The text from start to end of an expression reads as that expression again."""
    assert_places(case.program)


@settings(PROPERTY, max_examples=100)
@given(expressions())
def test_each_part_of_an_expression_stands_where_its_place_says(text: str) -> None:
    """The same holds for the parts of any expression."""
    assert_places(text)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_places_are_inside_those_of_the_node_above(case: Case) -> None:
    """A node begins and ends within its parent, and no node is empty but a missing list of parameters."""
    for node in nodes_below(tree_of(case.program)):
        for child in syntax.children(node):
            assert node.start <= child.start <= child.end <= node.end
            assert child.start < child.end or isinstance(child, syntax.Parameters | syntax.FormattedString)


# --- the same language


@cpython_3_11
@settings(PROPERTY, max_examples=600)
@given(mistaken())
def test_what_cpython_refuses_is_refused(text: str) -> None:
    """No program with a mistake that CPython calls a SyntaxError is accepted."""
    try:
        cpython_tree(text)
    except (SyntaxError, ValueError):
        assert [problem.code for problem in check(text) if problem.severity == "error"] != []


@cpython_3_11
@settings(PROPERTY, max_examples=600)
@given(mistaken())
def test_what_cpython_reads_is_read_or_refused_by_name(text: str) -> None:
    """What CPython takes for Python has its tree, or a diagnostic that says which part of Python rules leave out."""
    try:
        expected = cpython_tree(text)
    except (SyntaxError, ValueError):
        return
    source = Source(text)
    errors = [problem for problem in check(text) if problem.severity == "error"]
    if not errors:
        assert dump(to_ast(source, tree_of(text))) == dump(expected)
    assert {problem.code for problem in errors if not _named(problem.message)} <= BY_NAME


def _named(message: str) -> bool:
    """Tell whether a diagnostic of another code names what rules leave out."""
    words = ("rules have no", "values in rules have no attributes", "`@`", "`match`", "from .")
    return any(word in message for word in words)
