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
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from lark import Lark
from lark.exceptions import UnexpectedToken
from lark.lexer import PatternStr

from dispatcher.lang.characters import turning
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic, diagnostic
from dispatcher.lang.layout import MAX_BRACKETS, LayoutToken, StatementTokens, arrange
from dispatcher.lang.source import Source, Span
from dispatcher.lang.syntax import Expr, Module, Stmt, depth
from dispatcher.lang.tree_builder import Callbacks, TreeBuilder
from dispatcher.lang.tree_checks import BuildError
from dispatcher.lang.unexpected import Place, unexpected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_FILE = 1_000_000
MAX_TOKENS = 120_000
# Reading a text takes memory for each escape in it.
MAX_BACKSLASHES = 50_000
# CPython keeps the constants of a function in a dict, in which chosen numbers collide.
MAX_NUMBERS = 10_000
MAX_DEPTH = 200

# How f-strings begin.
_FORMATTED = re.compile("([fF][rR]?|[rR][fF])['\"]")
LAYOUT_TYPES = ("_NEWLINE", "_INDENT", "_DEDENT")
# Keywords that cannot follow a number without white space; Python lets the others.
NEEDS_SPACE = ("FROM", "AS")
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
    tokens = _tokens(source.text) if len(source.text) <= MAX_FILE else []
    refusal = _refusal(source, tokens)
    if refusal is not None:
        return Module((), start=0, end=0), [refusal]
    body: list[Stmt] = []
    problems: list[Diagnostic] = []
    lost: set[str] = set()
    if len({token.text for token in tokens if token.type == "NUMBER"}) > MAX_NUMBERS:
        message = f"the file has more than {MAX_NUMBERS:,} different numbers"
        problem = diagnostic(source, "too-large", message, Span(0, 0), "split it into several files in a folder")
        return Module((), start=0, end=0), [problem]
    for statement in arrange(source, tokens):
        if len(problems) >= MAX_DIAGNOSTICS:
            break
        if statement.problem is None:
            try:
                body.extend(_statements(statement))
                continue
            except BuildError as error:
                problems.append(diagnostic(source, error.code, str(error), error.span, error.help))
        else:
            problems.append(statement.problem)
        lost.update(token.text for token in statement.tokens if token.type == "NAME")
    problems.extend(
        diagnostic(source, "bidirectional-text", "a character changes the direction of this text", span, "remove it")
        for span in islice(turning(source.text), MAX_DIAGNOSTICS)
    )
    return Module(tuple(body), frozenset(lost), start=0, end=len(source.text)), problems


def _refusal(source: Source, tokens: Sequence[LayoutToken]) -> Diagnostic | None:
    """Return why a file is not read at all, or None."""
    text = source.text
    null = text.find("\0")
    if null >= 0:
        place = Span(null, null + 1)
        return diagnostic(source, "unknown-character", "the file holds a NUL character", place, "remove it")
    # The fields of an f-string are read by themselves; they hold no more tokens than characters.
    in_fields = sum(len(token.text) for token in tokens if _FORMATTED.match(token.text) and "{" in token.text)
    message, place = None, Span(0, 0)
    if len(text) > MAX_FILE:
        message = f"the file is longer than {MAX_FILE:,} characters"
    elif text.count("\\") > MAX_BACKSLASHES:
        message = f"the file has more than {MAX_BACKSLASHES:,} backslashes"
    elif len(tokens) > MAX_TOKENS:
        message = f"the file has more than {MAX_TOKENS:,} words, numbers and signs"
        place = tokens[-1].span
    elif len(tokens) + in_fields > MAX_TOKENS:
        message = f"the f-strings of the file are longer than {MAX_TOKENS:,} characters"
    if message is None:
        return None
    return diagnostic(source, "too-large", message, place, "split it into several files in a folder")


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


def _reduce(start: str, tokens: Sequence[LayoutToken]) -> object:
    """Run the parser over `tokens`; raise BuildError where they do not fit the grammar."""
    state: Any = grammar().parse_interactive(start=start)
    index = -1
    try:
        for index in range(len(tokens)):
            state.feed_token(tokens[index])
        return cast("object", state.feed_eof())
    except UnexpectedToken as error:
        raise unexpected(_place(tokens, index, state.accepts()), at_end=error.token.type == "$END") from None


def _place(tokens: Sequence[LayoutToken], index: int, expected: Iterable[str]) -> Place:
    """Return where the token at `index` stands in its line; a line's end belongs to it."""
    begin = index
    while begin and tokens[begin - 1].type not in LAYOUT_TYPES:
        begin -= 1
    end = index
    while end + 1 < len(tokens) and tokens[end].type != "_NEWLINE":
        end += 1
    return Place(tokens[begin : end + 1], index - begin, frozenset(expected))


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
            if (
                kind in NEEDS_SPACE
                and tokens
                and tokens[-1].type == "NUMBER"
                and tokens[-1].end == offset + found.start()
            ):
                # As Python reads it, `1from` is neither a number nor a name.
                kind = "NAME"
        tokens.append(LayoutToken(kind, content, offset + found.start(), offset + found.end()))
        if len(tokens) > MAX_TOKENS:
            break
    return tokens
