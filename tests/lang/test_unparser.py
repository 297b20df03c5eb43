"""The unparser writes rules that parse to the same tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from dispatcher.lang import syntax
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from dispatcher.lang.unparser import unparse
from tests.lang.conformance.corpus import Case, read_cases, read_corpus
from tests.lang.strategies import PRELUDE, PROPERTY, expressions, statements
from tests.lang.trees import nodes_below, without_places

SHAPES = Path(__file__).parent / "corpus"
CASES = [case for path in sorted(SHAPES.glob("*.txt")) for case in read_cases(path)] + read_corpus()
REFUSED = (syntax.RefusedStatement, syntax.RefusedExpression)


def tree_of(text: str) -> syntax.Module:
    """Return the tree of rules without problems."""
    module, problems = parse(Source(text))
    assert problems == []
    return module


def assert_same_tree(text: str) -> None:
    """Check that the tree of `text`, written as text, is read as the same tree and written in the same way."""
    module = tree_of(text)
    written = unparse(module)
    again = tree_of(written)
    assert without_places(again) == without_places(module), written
    assert unparse(again) == written


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_program_of_the_corpus_has_the_same_tree_again(case: Case) -> None:
    """Every construct of the language survives the way into text and back."""
    if any(isinstance(node, REFUSED) for node in nodes_below(tree_of(case.program))):
        with pytest.raises(ValueError, match="the tree does not hold the text of"):
            unparse(tree_of(case.program))
        return
    assert_same_tree(case.program)


@settings(PROPERTY, max_examples=300)
@given(expressions())
def test_any_expression_has_the_same_tree_again(text: str) -> None:
    """Brackets stand wherever the tree needs them."""
    assert_same_tree(text)


@settings(PROPERTY, max_examples=150)
@given(statements())
def test_any_program_has_the_same_tree_again(text: str) -> None:
    """So do blocks, in whatever blocks they stand."""
    assert_same_tree(PRELUDE + text)


# Rules and how they are written: with no brackets that the tree does not need.
WRITTEN = [
    ("(a+b)*(c)", "(a + b) * c"),
    ("a-(b-c)", "a - (b - c)"),
    ("(a-b)-c", "a - b - c"),
    ("2**(-x)**y, (-2)**x, (2**x)**y", "2 ** (-x) ** y, (-2) ** x, (2 ** x) ** y"),
    ("-(-x), ~(x.y), -(x**2)", "--x, ~x.y, -x ** 2"),
    ("not(a and b)or(c or d)", "not (a and b) or (c or d)"),
    ("(not a)==b", "(not a) == b"),
    ("(a<b)<c, a<(b<c), a<b<c, (a|b)<c", "(a < b) < c, a < (b < c), a < b < c, a | b < c"),
    ("(x if y else z)if a else(b if c else d)", "(x if y else z) if a else b if c else d"),
    ("(1).real, 1.5.real, (-1).real, 'a'.b, (a+b).c", "(1).real, 1.5.real, (-1).real, 'a'.b, (a + b).c"),
    ("x[(1,2)], x[1,], x[(a:=1)], x[::], x[a:b,c]", "x[1, 2], x[1,], x[a := 1], x[:], x[a:b, c]"),
    ("[x for x in(a if b else c)if(lambda:1)]", "[x for x in (a if b else c) if (lambda: 1)]"),
    ("[*a|b,(c:=1)], {**(a|b),'x':(y,)}", "[*a | b, c := 1], {**a | b, 'x': (y,)}"),
    ("x=yes=(1,)", "x = yes = 1,"),
    ("(x:=1)", "(x := 1)"),
    ("if(x:=1):pass", "if x := 1:\n    pass"),
    ("for(a,(b,*c))in(1,2):pass", "for a, (b, *c) in 1, 2:\n    pass"),
    ("del(a),b[0]", "del a, b[0]"),
    ("'it''s'", "'its'"),
    ("0x10,1_000,1e5,1e999", "16, 1000, 100000.0, 1e999"),
    ("f'{a!r:>{w}}{{}}{ {1} }'", "f'{a!r:>{w}}{{}}{ {1}}'"),
    ("f'{a = }{a=:>3}{a=!s}'", "f'{a = }{a=:>3}{a=!s}'"),
    ("f'{(lambda:1)}{a if b else(lambda:1)}{(a:=1)}'", "f'{(lambda: 1)}{(a if b else lambda: 1)}{(a := 1)}'"),
    ("f'{x[\"a\"]}' f\"{x['b']}\"", 'f\'{x["a"]}{x["b"]}\''),
    ('f"""it\'s {x[\'a\']} \\n"""', "f\"it's {x['a']} \\n\""),
    ("assert(a,b)\nassert a,(b,c)", "assert (a, b)\nassert a, (b, c)"),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_text_is_written_in_one_way(text: str, expected: str) -> None:
    """Whatever brackets, quotes and spaces rules have, the tree alone decides how it is written."""
    assert unparse(tree_of(text)) == f"{expected}\n"


# Rules whose brackets, or some of them, must stay.
BRACKETS = [
    "(lambda:x)(), lambda:(x,y), lambda a,/,b=1,*c,d,**e:(yes:=1)",
    "f((x for x in y)), f((x for x in y),1), f(*(a or b),**c)",
    "try:pass\nexcept(A,B)as e:raise\nexcept:raise A from None",
    "match a,b:\n case(1|2)as x,*_ if(y:=1):pass\n case{'a':(b as c),**d}|None:pass",
    *(text for text, _ in WRITTEN),
]


@pytest.mark.parametrize("text", BRACKETS)
def test_no_bracket_that_the_tree_needs_is_left_out(text: str) -> None:
    """What is written with fewer brackets is the same tree."""
    assert_same_tree(text)


FIELDS = [
    "f'''{f\"{x['a']}\"}'''",
    "f'''{\"'\" '\"'}'''",
    "f'''{\"\"\"a\nb\"\"\"}'''",
    "f\"{'a' f'{b}' 'c'}\"",
    "f'{x:\\x7b{y}\\x7d\\'}'",
    "f'{x:{y}{z}}'",
    "f'{\"a\"}' f\"{'b'}\" f'''{\"'\"}{'\"'}'''",
    'f\'{x[""]}\' "\'" f"{x[\'\']}"',
    "f'\\ud800\\x00{x}\\N{BULLET}'",
    "f'' ''",
]


@pytest.mark.parametrize("text", FIELDS)
def test_fields_keep_their_quotes_apart(text: str) -> None:
    """Texts in fields are written without a backslash and without the quotes around them."""
    assert_same_tree(text)


def test_a_number_of_any_length_is_written() -> None:
    """A whole number that has too many digits to be read again in decimal is written in hexadecimal."""
    assert_same_tree(f"0x{'f' * 4290}")
    assert_same_tree("9" * 4300)
