"""Source -> Module.

The terminals of grammar/dispatcher.lark, as one regular expression, cut the file into tokens; layout.py groups those
into top-level statements; lalr.py runs the grammar's tables over the groups, and TreeBuilder makes our tree as it
reduces. A statement that does not parse costs one diagnostic, and the next one is read all the same.

None of this recurses. Layout bounds brackets and blocks; chains that nest without either (`not not ...`, `a.b.c...`)
are bounded by measuring the finished tree, before anything recurses over it.
"""

from __future__ import annotations

import re
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, cast

from dispatcher.lang.characters import turning
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic, diagnostic
from dispatcher.lang.expression_builder import BETWEEN
from dispatcher.lang.lalr import Automaton, UnexpectedTokenError
from dispatcher.lang.layout import CLOSING_TYPES, MAX_BRACKETS, OPENING_TYPES, LayoutToken, StatementTokens, arrange
from dispatcher.lang.repairs import repair
from dispatcher.lang.source import Source, Span
from dispatcher.lang.syntax import Expr, Module, Stmt, depth
from dispatcher.lang.tree_builder import TreeBuilder
from dispatcher.lang.tree_checks import BuildError
from grammar.tables import IGNORED, PATTERN, WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def parse(source: Source) -> tuple[Module, list[Diagnostic]]:
    """Return the tree of `source` and its problems; a statement with a problem is left out of the tree."""
    tokens = _tokens(source.text) if len(source.text) <= MAX_FILE else []
    refusal = _refusal(source, tokens)
    if refusal is not None:
        return Module((), start=0, end=0), [refusal]
    body: list[Stmt] = []
    problems: list[Diagnostic] = []
    lost: set[str] = set()
    for statement in arrange(source, tokens):
        if len(problems) >= MAX_DIAGNOSTICS:
            break
        if statement.problem is None:
            try:
                body += _statements(statement)
                continue
            except BuildError as error:
                problems.append(diagnostic(source, error.code, str(error), error.span, error.help))
        else:
            problems.append(statement.problem)
        lost.update(token.text for token in statement.tokens if token.type == "NAME")
    removed = repair("remove it", "")
    problems.extend(
        diagnostic(source, "bidirectional-text", "a character changes the direction of this text", span, removed)
        for span in islice(turning(source.text), MAX_DIAGNOSTICS)
    )
    return Module(tuple(body), frozenset(lost), start=0, end=len(source.text)), problems


def _refusal(source: Source, tokens: Sequence[LayoutToken]) -> Diagnostic | None:
    """Return why a file is not read at all, or None."""
    text = source.text
    null = text.find("\0")
    if null >= 0:
        place = Span(null, null + 1)
        return diagnostic(source, "unknown-character", "the file holds a NUL character", place, repair("remove it", ""))
    # The fields of an f-string are read by themselves; they hold no more tokens than characters.
    in_fields = sum(len(token[1]) for token in tokens if "{" in token[1] and _FORMATTED.match(token[1]))
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
    elif len({token[1] for token in tokens if token[0] == "NUMBER"}) > MAX_NUMBERS:
        message = f"the file has more than {MAX_NUMBERS:,} different numbers"
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
    """Run the automaton over `tokens`; raise BuildError where they do not fit the grammar."""
    try:
        return cast("object", _automaton().read(start, tokens))
    except UnexpectedTokenError as error:
        # What is wrong is worked out from tables that rules without mistakes need not load.
        from dispatcher.lang.unexpected import unexpected

        index = min(error.index, len(tokens) - 1)
        raise unexpected(*_line(tokens, index), error.accepted, at_end=index < error.index) from None


def _line(tokens: Sequence[LayoutToken], index: int) -> tuple[Sequence[LayoutToken], int]:
    """Return the logical line of the token at `index`, its end included, and where the token stands in it."""
    begin = index
    while begin and tokens[begin - 1].type not in LAYOUT_TYPES:
        begin -= 1
    end = index
    while end + 1 < len(tokens) and tokens[end].type != "_NEWLINE":
        end += 1
    return tokens[begin : end + 1], index - begin


@cache
def _automaton() -> Automaton:
    return Automaton(TreeBuilder(_field_expression), BETWEEN)


@cache
def _expression() -> re.Pattern[str]:
    return re.compile(PATTERN)


def _tokens(text: str, offset: int = 0) -> list[LayoutToken]:
    # The same characters are always the same kind of token.
    kinds = dict(WORDS)
    tokens: list[LayoutToken] = []
    # At half the price of calling the class.
    make = partial(tuple.__new__, LayoutToken)
    before = ""
    end = offset
    for found in _expression().finditer(text):
        content = found[0]
        start, end = end, end + len(content)
        kind = kinds.get(content)
        if kind is None:
            kind = cast("str", found.lastgroup)
            kinds[content] = kind = "" if kind in IGNORED else kind
        if kind:
            if before == "NUMBER" and kind in NEEDS_SPACE and tokens[-1].end == start:
                # As Python reads it, `1from` is neither a number nor a name.
                kind = "NAME"
            before = kind
            tokens.append(make((kind, content, start, end)))
            if len(tokens) > MAX_TOKENS:
                break
    return tokens
