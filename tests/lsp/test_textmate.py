"""The colours of rules in editors: a grammar that is made of the language's tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher import Diagnostic, check
from dispatcher.lang.codes import CODES
from dispatcher.lsp.textmate import CONSTANTS, CONTROLLING, DEFINING, IMPORTING, OPERATORS, REFUSED, grammar, text
from dispatcher.lsp.tokens import TEXTS, Tokens
from dispatcher.tickets import TICKET_SCHEMA
from grammar.tables import WORDS
from tests.lang.chunks import read_chunks
from tests.lsp.scopes import scoped

EXTENSION = Path(__file__).parents[2] / "grammar" / "vscode"


def is_error(problem: Diagnostic) -> bool:
    """Tell whether rules with a problem cannot run."""
    return problem.severity == "error"


def inside(pattern: Any) -> Iterator[dict[str, Any]]:
    """Yield a pattern and all that are below it."""
    if isinstance(pattern, dict):
        yield pattern
    for part in pattern.values() if isinstance(pattern, dict) else pattern if isinstance(pattern, list) else ():
        yield from inside(part)


def test_the_file_of_the_extension_is_made_of_the_tables() -> None:
    """The file is what `python -m dispatcher.lsp.textmate` prints."""
    assert (EXTENSION / "syntaxes" / "dispatcher.tmLanguage.json").read_text(encoding="utf-8") == text()


def test_every_word_of_the_language_has_a_colour() -> None:
    """The words of the grammar that rules are read by are those that are coloured, each in one way."""
    words = {word for word in WORDS if word.isidentifier()}
    coloured = [*CONTROLLING, *IMPORTING, *DEFINING, *OPERATORS, *CONSTANTS, *REFUSED]

    assert sorted(coloured) == sorted(words)


def test_the_files_of_the_extension_belong_together() -> None:
    """What package.json names is there, and the scope is that of the grammar."""
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    contributed = package["contributes"]
    files = [package["main"], contributed["languages"][0]["configuration"], contributed["grammars"][0]["path"]]
    configuration = json.loads((EXTENSION / "language-configuration.json").read_text(encoding="utf-8"))

    assert [(EXTENSION / file).is_file() for file in files] == [True, True, True]
    assert contributed["grammars"][0]["scopeName"] == grammar()["scopeName"]
    for rule in configuration["onEnterRules"]:
        re.compile(rule["beforeText"])


def test_expressions_are_known_to_both_engines() -> None:
    """Every expression compiles, looks back over a fixed width, and uses nothing that Python and Oniguruma differ in."""
    expressions = [pattern[key] for pattern in inside(grammar()) for key in ("match", "begin", "end") if key in pattern]

    assert len(expressions) > 60
    for expression in expressions:
        re.compile(expression)
        # In Oniguruma `\\h` is a hexadecimal digit, and groups by name, flags and `\\A`, `\\Z` have other spellings.
        assert re.search(r"\\[hHAZGKkg]|\(\?P|\(\?[a-z]+[:)]|\[\[|&&", expression) is None, expression


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("# VIPs first", ["comment.line.number-sign.title"]),
        ("    # about it", ["comment.line.number-sign"]),
        ("priority = 1", ["variable.language.ticket", "keyword.operator.assignment", "constant.numeric.dec"]),
        ("x.priority", ["variable.other", "punctuation.separator", "variable.other"]),
        ("len(email)", ["support.function.builtin", "", "variable.other.constant.ticket", ""]),
        ("raise ValueError", ["keyword.control.flow", "support.type.exception"]),
        ("def pick", ["storage.type.function", "entity.name.function"]),
        ("match state:", ["keyword.control.flow", "variable.language.ticket", "punctuation.separator"]),
        ("match = 1", ["variable.other", "keyword.operator.assignment", "constant.numeric.dec"]),
        ("0x1F 1.5e3", ["constant.numeric.hex", "constant.numeric.float"]),
        ("class A", ["invalid.illegal.refused", "variable.other"]),
        ("not is_vip", ["keyword.operator.logical", "variable.other"]),
        (
            r"'a\n'",
            ["string.quoted.single", "string.quoted.single", "constant.character.escape", "string.quoted.single"],
        ),
        (r"r'\n'", ["storage.type.string", *["string.quoted.single"] * 3]),
        (
            "f'{name!r:>3}{{'",
            [
                "storage.type.string",
                "string.interpolated.single",
                "punctuation.section.embedded.begin",
                "variable.other.constant.ticket",
                "storage.type.format",
                "punctuation.section.embedded.end",
                "constant.character.escape",
                "string.interpolated.single",
            ],
        ),
        ("import re", ["keyword.control.import", "support.module"]),
    ],
)
def test_pieces_of_a_line_have_their_scopes(line: str, expected: list[str]) -> None:
    """Each piece has the scope by which themes colour it."""
    assert [scope for _, scope in scoped(grammar(), line)[0]] == expected


RULES = [chunk.plain for chunk in read_chunks()] + [code.good for code in CODES.values()]
TEXTUAL = ("string.", "comment.", "constant.character.", "storage.type.string")


@pytest.mark.parametrize("source", [rules for rules in RULES if not any(map(is_error, check(rules)))])
def test_texts_and_comments_are_where_the_language_has_them(source: str) -> None:
    """In the rules that the language is tested by, texts and comments begin and end as its own tokens do."""
    tokens = [token for token in Tokens(source).items if token.type in (*TEXTS, "COMMENT")]
    # Fields of f-strings are coloured as what they are.
    plain = [token for token in tokens if "{" not in token.text]
    formatted = {offset for token in tokens if "{" in token.text for offset in range(token.start, token.end)}
    coloured, begin = set(), 0
    for line, pieces in zip(source.split("\n"), scoped(grammar(), source), strict=True):
        column = 0
        for piece, scope in pieces:
            column = line.index(piece, column)
            if scope.startswith(TEXTUAL):
                coloured |= set(range(begin + column, begin + column + len(piece)))
            column += len(piece)
        begin += len(line) + 1
    wanted = {offset for token in plain for offset in range(token.start, token.end)}
    is_seen = {offset for offset, character in enumerate(source) if not character.isspace()} - formatted

    assert coloured & is_seen == wanted & is_seen


def test_ticket_variables_are_told_apart() -> None:
    """Those that rules may not set have another colour than those that they may."""
    for name in TICKET_SCHEMA.names():
        found = TICKET_SCHEMA.find(name)
        scope = "variable.language.ticket" if found and found.writable else "variable.other.constant.ticket"
        assert scoped(grammar(), name) == [[(name, scope)]]
