"""Source -> Module. The only file that imports lark.

The terminals of grammar/dispatcher.lark become one regular expression that cuts the file into tokens; layout.py groups
those into top-level statements; Lark's LALR parser reads the groups one by one, and TreeBuilder makes our tree as it
reduces. A statement that does not parse costs one diagnostic, and the next one is read all the same.

None of this recurses. Layout bounds brackets and blocks; chains that nest without either (`not not ...`, `a.b.c...`)
are bounded by measuring the finished tree, before anything recurses over it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from lark import Lark
from lark.exceptions import UnexpectedToken
from lark.lexer import PatternStr

from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic, diagnostic
from dispatcher.lang.expression_builder import no_identifier, unreadable
from dispatcher.lang.layout import MAX_BRACKETS, LayoutToken, StatementTokens, arrange
from dispatcher.lang.source import Source, Span
from dispatcher.lang.syntax import Expr, Module, Stmt, depth
from dispatcher.lang.tree_builder import Callbacks, TreeBuilder
from dispatcher.lang.tree_checks import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lark.lexer import Token

MAX_FILE = 1_000_000
MAX_TOKENS = 200_000
# Reading a text takes memory for each escape in it.
MAX_BACKSLASHES = 50_000
MAX_DEPTH = 200

UNREADABLE = ("UNTERMINATED", "UNTERMINATED_LONG", "UNKNOWN")
OPENING_TYPES = ("LPAR", "LSQB", "LBRACE")
CLOSING_TYPES = ("RPAR", "RSQB", "RBRACE")

LARK_OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "basic",
    "start": ["statement", "fstring_expression"],
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}


def parse(source: Source) -> tuple[Module, list[Diagnostic]]:
    """Return the tree of `source` and its problems; a statement with a problem is left out of the tree."""
    if len(source.text) > MAX_FILE:
        message = f"the file is longer than {MAX_FILE:,} characters"
        problem = diagnostic(source, "too-large", message, Span(0, 0), "split it into several files in a folder")
        return Module((), start=0, end=0), [problem]
    if source.text.count("\\") > MAX_BACKSLASHES:
        message = f"the file has more than {MAX_BACKSLASHES:,} backslashes"
        problem = diagnostic(source, "too-large", message, Span(0, 0), "split it into several files in a folder")
        return Module((), start=0, end=0), [problem]
    null = source.text.find("\0")
    if null >= 0:
        problem = diagnostic(
            source, "unknown-character", "the file holds a NUL character", Span(null, null + 1), "remove it"
        )
        return Module((), start=0, end=0), [problem]
    body: list[Stmt] = []
    problems: list[Diagnostic] = []
    tokens = _tokens(source.text)
    if len(tokens) > MAX_TOKENS:
        message = f"the file has more than {MAX_TOKENS:,} words, numbers and signs"
        problem = diagnostic(source, "too-large", message, tokens[-1].span, "split it into several files in a folder")
        return Module((), start=0, end=0), [problem]
    for statement in arrange(source, tokens):
        if len(problems) >= MAX_DIAGNOSTICS:
            break
        if statement.problem is not None:
            problems.append(statement.problem)
            continue
        try:
            body.extend(_statements(statement))
        except BuildError as error:
            problems.append(diagnostic(source, error.code, str(error), error.span, error.help))
    return Module(tuple(body), start=0, end=len(source.text)), problems


def _statements(group: StatementTokens) -> list[Stmt]:
    statements = cast("list[Stmt]", _reduce("statement", group.tokens))
    # A tree cannot be deeper than its text is long.
    if group.tokens[-1].end - group.tokens[0].start > MAX_DEPTH:
        for statement in statements:
            if depth(statement) > MAX_DEPTH:
                raise BuildError(
                    "too-large",
                    f"this statement nests more than {MAX_DEPTH} operations",
                    Span(statement.start, statement.start + 1),
                    "split it into several statements",
                )
    return statements


def _field_expression(text: str, offset: int) -> Expr:
    """Parse the expression of an f-string field; `text` begins with its brace and stands at `offset`."""
    tokens = [token for token in _tokens(text, offset) if token.type != "_NEWLINE"]
    brackets = 0
    for token in tokens:
        brackets += (token.type in OPENING_TYPES) - (token.type in CLOSING_TYPES)
        if brackets > MAX_BRACKETS:
            raise BuildError("too-large", f"more than {MAX_BRACKETS} brackets are open here", token.span)
    return cast("Expr", _reduce("fstring_expression", tokens))


def _reduce(start: str, tokens: Iterable[LayoutToken]) -> object:
    """Run the parser over `tokens`; raise BuildError where they do not fit the grammar."""
    state = grammar().parse_interactive(start=start)
    before: LayoutToken | None = None
    token: LayoutToken | None = None
    try:
        for following in tokens:
            before, token = token, following
            state.feed_token(cast("Token", token))
        return cast("Any", state).feed_eof()
    except UnexpectedToken as error:
        last = cast("LayoutToken", token)
        raise _unexpected(last, before, error.expected or (), at_end=error.token.type == "$END") from None


def _unexpected(token: LayoutToken, before: LayoutToken | None, expected: Iterable[str], *, at_end: bool) -> BuildError:
    """Put an unexpected token into words that a rule author knows."""
    accepted = set(expected)
    span = Span(token.start, token.end)
    if token.type in UNREADABLE:
        return unreadable(token)
    if before is not None and before.type in UNREADABLE:
        return unreadable(before)
    if token.type == "NAME" and not token.text.isidentifier():
        return no_identifier(token)
    if token.type == "_INDENT":
        return BuildError(
            "unexpected-indentation",
            "this line is indented, but no block begins above it",
            Span(token.start, token.start + 1),
            "indent it like the line above",
        )
    if "_INDENT" in accepted:
        return BuildError(
            "missing-indentation",
            "an indented block must follow the line that ends with `:`",
            span,
            "indent the lines that belong to it; `pass` stands for an empty block",
        )
    if token.type == "_DEDENT":
        return BuildError("unexpected-token", "the block ends here too early", Span(token.start, token.start + 1))
    if at_end or token.type == "_NEWLINE":
        missing = "`:`" if "COLON" in accepted and "EQUAL" not in accepted else None
        message = f"the line ends where {missing} should be" if missing else "the line ends too early"
        return BuildError(
            "unexpected-token",
            message,
            Span(token.start, token.start + 1),
            f"add {missing}" if missing else "complete the expression",
        )
    if "COLON" in accepted and "AUGMENTED" not in accepted and token.text == "=":
        return BuildError(
            "unexpected-token", "`=` assigns; it cannot stand in a condition", span, "write `==` to compare"
        )
    shown = token.text if len(token.text) <= 40 else token.text[:37] + "..."
    return BuildError("unexpected-token", f"`{shown}` cannot stand here", span, _advice(token, before, accepted))


# What people write who know other languages: a sign, and the same sign before it.
_TWICE = {"&": "`and`", "|": "`or`"}
_BEFORE = {
    "else": "`elif condition:`",
    "elseif": "`elif`",
    "elsif": "`elif`",
    "elif": "`elif condition:`",
    "print": "`print(...)`",
}


def _advice(token: LayoutToken, before: LayoutToken | None, accepted: set[str]) -> str | None:
    if before is not None:
        if token.text in _TWICE and before.text == token.text:
            return f"write {_TWICE[token.text]}"
        if before.text == "<" and token.text == ">":
            return "write `!=`"
        if before.text in ("==", "!=") and token.text == "=":
            return f"write `{before.text}`"
        if before.text.lower() in _BEFORE and token.type in ("NAME", "STRING", "IF"):
            return f"write {_BEFORE[before.text.lower()]}"
    if token.text in ("elif", "else"):
        return f"`{token.text}` belongs to an `if` directly above it, at the same depth"
    if token.text.lower() == "then":
        return "write `:`"
    if "COLON" in accepted and "AUGMENTED" not in accepted and "_NEWLINE" not in accepted:
        return "is a `:` or an operator missing before it?"
    if token.type in ("NAME", "NUMBER", "STRING", "LONG_STRING"):
        return "is an operator, a comma or a line end missing before it?"
    return None


@cache
def grammar() -> Lark:
    """Return the parser of grammar/dispatcher.lark, built once."""
    return Lark.open_from_package(
        "grammar", "dispatcher.lark", ("",), transformer=Callbacks(TreeBuilder(_field_expression)), **LARK_OPTIONS
    )


@cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, str], frozenset[str]]:
    """Return the grammar's terminals as one expression, its keywords, and the names of ignored terminals."""
    lark = grammar()
    patterns = {terminal.name: terminal.pattern for terminal in lark.terminals}
    name = re.compile(patterns["NAME"].to_regexp())
    keywords = {
        pattern.value: key
        for key, pattern in patterns.items()
        if isinstance(pattern, PatternStr) and name.fullmatch(pattern.value)
    }
    # As in Lark's own lexer: by priority, then expressions before plain texts, then the longest first.
    rest = [terminal for terminal in lark.terminals if keywords.get(terminal.pattern.value) != terminal.name]
    rest.sort(
        key=lambda terminal: (
            -terminal.priority,
            isinstance(terminal.pattern, PatternStr),
            -len(terminal.pattern.value),
        )
    )
    expression = "|".join(f"(?P<{terminal.name}>{terminal.pattern.to_regexp()})" for terminal in rest)
    return re.compile(expression), keywords, frozenset(lark.ignore_tokens)


def _tokens(text: str, offset: int = 0) -> list[LayoutToken]:
    expression, keywords, ignored = _lexicon()
    tokens: list[LayoutToken] = []
    for found in expression.finditer(text):
        kind = cast("str", found.lastgroup)
        if kind in ignored:
            continue
        content = found.group()
        if kind == "NAME":
            kind = keywords.get(content, "NAME")
        tokens.append(LayoutToken(kind, content, offset + found.start(), offset + found.end()))
        if len(tokens) > MAX_TOKENS:
            break
    return tokens
