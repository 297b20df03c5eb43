"""The TextMate grammar of rules, which colours them in editors, made of the tables that the language reads.

`python -m dispatcher.lsp.textmate` prints it; the extension for VS Code has it as a file. Expressions keep to what both
Oniguruma and Python know, so that tests can run them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from keyword import kwlist
from typing import Any

from dispatcher.lang.exceptions import EXCEPTIONS
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.modules import MODULES
from dispatcher.lang.values import TypeValue
from dispatcher.tickets import TICKET_SCHEMA

Pattern = dict[str, Any]

IMPORTING = ("import", "from", "as")
DEFINING = ("def", "lambda", "global", "nonlocal")
OPERATORS = ("and", "or", "not", "in", "is")
CONSTANTS = ("True", "False", "None")
REFUSED = ("class", "with", "yield", "async", "await")
# Words only where a statement begins that has a colon.
SOFT = ("match", "case")
CONTROLLING = tuple(sorted(set(kwlist) - {*IMPORTING, *DEFINING, *OPERATORS, *CONSTANTS, *REFUSED}))

_ESCAPE = r"\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|N\{[^}]*\}|[\\'\"abfnrtv]|$)"


def grammar() -> Pattern:
    """Return the grammar as JSON data."""
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "dispatcher rules",
        "scopeName": "source.dispatcher",
        "fileTypes": ["rules"],
        "patterns": [{"include": "#comments"}, {"include": "#expressions"}],
        "repository": {
            "comments": {
                "patterns": [
                    _match("comment.line.number-sign.title", r"^#.*$"),
                    _match("comment.line.number-sign", r"#.*$"),
                ]
            },
            "expressions": {
                "patterns": [
                    {"include": "#texts"},
                    {"include": "#numbers"},
                    {"include": "#words"},
                    {"include": "#names"},
                    {"include": "#signs"},
                ]
            },
            "texts": {"patterns": list(_texts())},
            "numbers": {"patterns": _numbers()},
            "words": {"patterns": list(_words())},
            "names": {"patterns": list(_names())},
            "signs": {"patterns": _signs()},
            "escapes": {"patterns": [_match("constant.character.escape", _ESCAPE)]},
            "field": _field(),
            "brackets": {"patterns": [_bracket("(", ")"), _bracket("[", "]"), _bracket("{", "}")]},
        },
    }


def _match(scope: str, expression: str) -> Pattern:
    return {"name": f"{scope}.dispatcher", "match": expression}


def _word(scope: str, words: Iterable[str]) -> Pattern:
    """Return the pattern of names that stand by themselves, behind no dot."""
    return _match(scope, rf"(?<![\w.])(?:{'|'.join(words)})\b")


def _texts() -> Iterable[Pattern]:
    for is_formatted, prefix in ((True, "[fF][rR]|[rR][fF]"), (True, "[fF]"), (False, "[rR]"), (False, "[uU]?")):
        is_raw = "[rR]" in prefix
        for quote in ("'''", '"""', "'", '"'):
            inner: list[Pattern] = [] if is_raw else [{"include": "#escapes"}]
            if is_formatted:
                inner += [_match("constant.character.escape", r"\{\{|\}\}"), {"include": "#field"}]
            if is_raw:
                # A backslash keeps the quote behind it from closing the text, and stays there.
                inner.append({"match": r"\\."})
            yield {
                "name": _text_scope(quote, is_formatted=is_formatted),
                "begin": rf"(?<!\w)({prefix}){quote}",
                "beginCaptures": {"1": {"name": "storage.type.string.dispatcher"}},
                "end": quote if len(quote) == 3 else rf"{quote}|(?<!\\)$",
                "patterns": inner,
            }


def _text_scope(quote: str, *, is_formatted: bool) -> str:
    kind = "interpolated" if is_formatted else "quoted"
    width = "triple" if len(quote) == 3 else "double" if quote == '"' else "single"
    return f"string.{kind}.{width}.dispatcher"


def _field() -> Pattern:
    """Return a field of an f-string: an expression, and how it is written."""
    return {
        "name": "meta.embedded.dispatcher",
        "begin": r"\{",
        "end": r"\}",
        "beginCaptures": {"0": {"name": "punctuation.section.embedded.begin.dispatcher"}},
        "endCaptures": {"0": {"name": "punctuation.section.embedded.end.dispatcher"}},
        "patterns": [
            _match("storage.type.format", r"=?(?:![rsa])?(?=[:}])(?::[^{}'\"]*)?"),
            {"include": "#brackets"},
            {"include": "#expressions"},
        ],
    }


def _bracket(opening: str, closing: str) -> Pattern:
    """Return a bracket in a field, in which a colon begins no format."""
    patterns = [{"include": "#brackets"}, {"include": "#expressions"}]
    return {"begin": f"\\{opening}", "end": f"\\{closing}", "patterns": patterns}


def _numbers() -> list[Pattern]:
    return [
        _match("constant.numeric.hex", r"(?<![\w.])0[xX](?:_?[0-9A-Fa-f])+\b"),
        _match("constant.numeric.oct", r"(?<![\w.])0[oO](?:_?[0-7])+\b"),
        _match("constant.numeric.bin", r"(?<![\w.])0[bB](?:_?[01])+\b"),
        _match(
            "constant.numeric.float",
            r"(?<![\w.])(?:[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?"
            r"|(?<![\w.])[0-9](?:_?[0-9])*[eE][+-]?[0-9]+",
        ),
        _match("constant.numeric.dec", r"(?<![\w.])[0-9](?:_?[0-9])*\b"),
    ]


def _words() -> Iterable[Pattern]:
    yield {
        "match": r"(?<![\w.])(def)\s+([^\W\d]\w*)",
        "captures": {
            "1": {"name": "storage.type.function.dispatcher"},
            "2": {"name": "entity.name.function.dispatcher"},
        },
    }
    yield _word("invalid.illegal.refused", REFUSED)
    yield _match("keyword.control.flow", rf"^\s*(?:{'|'.join(SOFT)})\b(?=\s+[^\s=.,:)].*:)")
    yield _word("keyword.control.flow", CONTROLLING)
    yield _word("keyword.control.import", IMPORTING)
    yield _word("storage.type", DEFINING)
    yield _word("keyword.operator.logical", OPERATORS)
    yield _word("constant.language", CONSTANTS)


def _names() -> Iterable[Pattern]:
    writable = [name for name in TICKET_SCHEMA.names() if _is_writable(name)]
    types = [name for name, entry in FUNCTIONS.items() if isinstance(entry.value, TypeValue) and name not in EXCEPTIONS]
    functions = [name for name in FUNCTIONS if name not in EXCEPTIONS and name not in types]
    yield _word("variable.language.ticket", writable)
    yield _word("variable.other.constant.ticket", [name for name in TICKET_SCHEMA.names() if not _is_writable(name)])
    yield _word("support.type.exception", EXCEPTIONS)
    yield _match("support.function.builtin", rf"(?<![\w.])(?:{'|'.join(functions)})\b(?=\s*\()")
    yield _word("support.type", types)
    yield _word("support.module", MODULES)
    yield _match("entity.name.function.call", r"[^\W\d]\w*(?=\s*\()")
    # Names behind a dot, and others, so that nothing inside them is taken for a word.
    yield _match("variable.other", r"[^\W\d]\w*")


def _is_writable(name: str) -> bool:
    found = TICKET_SCHEMA.find(name)
    return found is not None and found.writable


def _signs() -> list[Pattern]:
    return [
        _match("keyword.operator.comparison", r"==|!=|<=|>=|<|>"),
        _match("keyword.operator.assignment", r":=|(?://|\*\*|>>|<<|[-+*/%&|^])?="),
        _match("keyword.operator.arithmetic", r"\*\*|//|<<|>>|[-+*/%&|^~]"),
        _match("punctuation.separator", r"[,:;.]"),
    ]


def text() -> str:
    """Return the grammar as its file has it."""
    return json.dumps(grammar(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
