"""Trees written as text and read again: the unparser's text has the same tree."""

from __future__ import annotations

from random import Random

from dispatcher.lang import syntax
from dispatcher.lang.parser import parse
from dispatcher.lang.source import Source
from dispatcher.lang.unparser import unparse
from tests.fuzz.front_end import damaged
from tests.fuzz.programs import program
from tests.lang.trees import nodes_below, without_places

_REFUSED = (syntax.RefusedStatement, syntax.RefusedExpression)


def difference(text: str) -> str | None:
    """Return how the tree of rules differs from that of its unparsed text; '' when it does not, None without a tree."""
    module, problems = parse(Source(text))
    if problems or any(isinstance(node, _REFUSED) for node in nodes_below(module)):
        return None
    written = unparse(module)
    again, problems = parse(Source(written))
    if problems:
        return f"{written}--- {problems[0].message}"
    if without_places(again) != without_places(module):
        return f"{written}--- another tree"
    return "" if unparse(again) == written else f"{written}--- another text for the same tree"


def trial(seed: int) -> tuple[str, str]:
    """Try the program of a seed, as it is or damaged; return a word for the count, and what is wrong."""
    text = program(seed) if seed % 2 else damaged(Random(seed))
    found = difference(text)
    if found is None:
        return "refused", ""
    return ("different", f"{text}--- as\n{found}") if found else ("same", "")
