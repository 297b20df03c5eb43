"""The grammar is LALR(1) without conflicts, nothing in it is out of use, and the tables are its own."""

from __future__ import annotations

import re
from pathlib import Path

from lark.grammar import Terminal

import grammar
from dispatcher.lang.tree_builder import TreeBuilder
from grammar.tabulate import build, tables

FOLDER = Path(grammar.__file__).parent
GRAMMAR = (FOLDER / "dispatcher.lark").read_text(encoding="utf-8")


def defined(first: str) -> set[str]:
    """Return the names that the file defines, of rules or of terminals by their `first` letter."""
    return set(re.findall(rf"^[?!]?({first}\w*)(?:\.-?\d+)? *:", GRAMMAR, flags=re.MULTILINE))


def test_strict_mode_finds_no_conflict() -> None:
    """No two rules compete for the same tokens, and no two terminals of one priority for the same text."""
    assert build(strict=True).options.strict


def test_every_rule_is_reachable() -> None:
    """Lark drops rules that no start rule leads to; it drops none of ours."""
    used = {rule.origin.name for rule in build().rules}

    assert defined("[a-z]") - used == set()


def test_every_terminal_is_used() -> None:
    """Each terminal that the file names stands in a rule or is ignored; each declared one comes from the layout."""
    lark = build()
    used = {symbol.name for rule in lark.rules for symbol in rule.expansion if isinstance(symbol, Terminal)}
    used.update(lark.ignore_tokens)

    assert defined("_?[A-Z]") - used == set()
    assert {"_INDENT", "_DEDENT"} <= used


def test_every_rule_has_a_method_that_builds_its_node() -> None:
    """No rule leaves a tree of Lark's own: each is built, or passes on its only child."""
    builder = TreeBuilder(lambda text, offset: None)  # type: ignore[arg-type,return-value] # only its names are read
    rules = {
        rule.alias or rule.origin.name
        for rule in build().rules
        if not (rule.options.expand1 and len(rule.expansion) == 1) and not rule.origin.name.startswith("__")
    }

    assert {rule for rule in rules if not hasattr(builder, rule)} == set()


def test_the_tables_are_those_of_the_grammar() -> None:
    """What rules are read with is what the grammar says; `make tables` writes it anew."""
    assert (FOLDER / "tables.py").read_text(encoding="utf-8") == tables()
