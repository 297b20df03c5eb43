"""Layout: raw tokens -> one token list for each top-level statement, with Python's indentation in it.

The rules are those of CPython's tokenizer. A line's depth is measured twice, with tabs to the next multiple of eight
and with tabs as one column; the two must order alike (else CPython's TabError). A form feed sets the depth to zero.
Inside brackets line ends mean nothing.

Cutting a file into top-level statements lets the parser go on behind a mistake, so that one run reports them all. A
bracket that is never closed would swallow the rest: it is reported, and reading goes on at the next line that begins
at depth zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dispatcher.lang.diagnostics import Diagnostic, diagnostic
from dispatcher.lang.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

TAB = 8
MAX_BRACKETS = 90
MAX_INDENTATIONS = 90
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}
# A line of nothing but white space that a backslash joins with the next.
_JOINED = re.compile(r"[ \t\f]*\\\n")
# Clauses of the statement above them, though they begin at depth zero.
CLAUSES = frozenset({"elif", "else", "except", "finally"})


@dataclass(frozen=True, slots=True)
class LayoutToken:
    """A token of the grammar: its terminal's name, its text and its place."""

    type: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Return the token's place."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class StatementTokens:
    """The tokens of one top-level statement; with a problem they are those that it cost."""

    tokens: tuple[LayoutToken, ...]
    problem: Diagnostic | None


class _LayoutProblemError(Exception):
    def __init__(self, code: str, message: str, span: Span, help: str) -> None:  # noqa: A002 - the diagnostic's word
        super().__init__(message)
        self.code = code
        self.span = span
        self.help = help


def arrange(source: Source, tokens: Sequence[LayoutToken]) -> list[StatementTokens]:
    """Cut `tokens` (with `_NEWLINE` for each line end) into top-level statements."""
    lines = _logical_lines(source, tokens)
    statements: list[StatementTokens] = []
    group: list[_Line] = []
    for line in lines:
        decorated = bool(group) and group[-1].tokens[0].text == "@"
        begins = line.problem is not None or (
            line.columns == (0, 0) and line.tokens[0].text not in CLAUSES and not decorated
        )
        lost = line.tokens
        if begins and group:
            if line.problem is None or line.columns == (0, 0):
                statements.append(_indent(source, group))
            else:
                # A block whose line is lost has no more to say.
                lost = (*_tokens_of(group), *lost)
            group = []
        if line.problem is not None:
            statements.append(StatementTokens(lost, line.problem))
        else:
            group.append(line)
    if group:
        statements.append(_indent(source, group))
    return statements


def _tokens_of(lines: Sequence[_Line]) -> tuple[LayoutToken, ...]:
    return tuple(token for line in lines for token in line.tokens)


@dataclass(frozen=True, slots=True)
class _Line:
    """One logical line; its columns are measured with tabs of eight and of one."""

    tokens: tuple[LayoutToken, ...]
    columns: tuple[int, int]
    problem: Diagnostic | None


def _logical_lines(source: Source, tokens: Sequence[LayoutToken]) -> list[_Line]:
    lines: list[_Line] = []
    current: list[LayoutToken] = []
    brackets: list[LayoutToken] = []
    opened_at = 0
    position = 0
    count = len(tokens)
    while position <= count:
        token = tokens[position] if position < count else None
        position += 1
        try:
            if token is None:
                if brackets:
                    raise _unclosed(brackets[0])
            elif token.type != "_NEWLINE":
                current.append(token)
                if token.text in OPENING:
                    opened_at = opened_at if brackets else position
                    brackets.append(token)
                    if len(brackets) > MAX_BRACKETS:
                        raise _LayoutProblemError(
                            "too-large",
                            f"more than {MAX_BRACKETS} brackets are open here",
                            Span(token.start, token.end),
                            "split the expression into several statements",
                        )
                elif token.text in CLOSING and token.type not in ("STRING", "LONG_STRING"):
                    _close(source, brackets, token)
                continue
            elif brackets:
                continue
        except _LayoutProblemError as problem:
            found = diagnostic(source, problem.code, str(problem), problem.span, problem.help)
            position = _next_top_line(source, tokens, opened_at if token is None else position)
            end = tokens[position].start if position < count else len(source.text)
            lost = tuple(token for token in current if token.start < end)
            lines.append(_Line(lost, _columns(source, current[0].start), found))
            current, brackets = [], []
            continue
        if current:
            lines.append(_Line(tuple(current), _columns(source, current[0].start), None))
            current = []
    return lines


def _unclosed(bracket: LayoutToken) -> _LayoutProblemError:
    closing = OPENING[bracket.text]
    return _LayoutProblemError(
        "unclosed-bracket",
        f"`{bracket.text}` is never closed",
        Span(bracket.start, bracket.end),
        f"add the `{closing}` that belongs to it",
    )


def _close(source: Source, brackets: list[LayoutToken], token: LayoutToken) -> None:
    span = Span(token.start, token.end)
    if not brackets:
        raise _LayoutProblemError(
            "unmatched-bracket",
            f"nothing opens this `{token.text}`",
            span,
            "remove it, or add its opening bracket",
        )
    opening = brackets[-1]
    if opening.text != CLOSING[token.text]:
        line, _ = source.position(opening.start)
        raise _LayoutProblemError(
            "unmatched-bracket",
            f"`{token.text}` does not close the `{opening.text}` of line {line}",
            span,
            f"`{opening.text}` needs `{OPENING[opening.text]}`",
        )
    brackets.pop()


def _next_top_line(source: Source, tokens: Sequence[LayoutToken], position: int) -> int:
    """Return the index of the next token at or behind `position` that begins a line at depth zero."""
    for index in range(position, len(tokens)):
        token = tokens[index]
        begins_line = tokens[index - 1].type == "_NEWLINE" and source.line_start(token.start) == token.start
        if begins_line and token.text not in CLOSING and token.text not in CLAUSES:
            return index
    return len(tokens) + 1


def _columns(source: Source, offset: int) -> tuple[int, int]:
    """Return the depth of the logical line whose first token stands at `offset`.

    Backslashes may join lines of white space before it: then the depth is that of the first of these with any.
    """
    begin = source.line_start(offset)
    while begin and _JOINED.fullmatch(source.text, above := source.line_start(begin - 1), begin):
        begin = above
    column = narrow = 0
    for character in source.text[begin:offset]:
        if character == "\t":
            column = (column // TAB + 1) * TAB
            narrow += 1
        elif character == "\f":
            column = narrow = 0
        elif character == " ":
            column += 1
            narrow += 1
        elif character == "\n" and column:
            # As in CPython, both widths are then those of the first line.
            return column, column
    return column, narrow


def _indent(source: Source, lines: Sequence[_Line]) -> StatementTokens:
    tokens: list[LayoutToken] = []
    stack = [(0, 0)]
    # The depths whose lines are the cases of a `match`.
    cases: set[int] = set()
    begins_cases = False
    try:
        for line in lines:
            first = line.tokens[0]
            _move(source, stack, line, tokens)
            cases = {depth for depth in cases if depth <= len(stack)} | ({len(stack)} if begins_cases else set())
            begins_cases = first.text == "match" and len(line.tokens) > 2 and line.tokens[-1].text == ":"
            if begins_cases or (first.text == "case" and len(stack) in cases):
                tokens.append(LayoutToken(first.text.upper(), first.text, first.start, first.end))
                tokens.extend(line.tokens[1:])
            else:
                tokens.extend(line.tokens)
            tokens.append(LayoutToken("_NEWLINE", "", line.tokens[-1].end, line.tokens[-1].end))
            if len(stack) > MAX_INDENTATIONS:
                raise _LayoutProblemError(
                    "too-large",
                    f"more than {MAX_INDENTATIONS} blocks are open here",
                    Span(first.start, first.end),
                    "move the inner blocks into functions",
                )
    except _LayoutProblemError as problem:
        found = diagnostic(source, problem.code, str(problem), problem.span, problem.help)
        return StatementTokens(_tokens_of(lines), found)
    end = tokens[-1].end
    tokens.extend(LayoutToken("_DEDENT", "", end, end) for _ in stack[1:])
    return StatementTokens(tuple(tokens), None)


def _move(source: Source, stack: list[tuple[int, int]], line: _Line, tokens: list[LayoutToken]) -> None:
    """Push or pop `stack` to the depth of `line`, appending _INDENT or _DEDENT tokens."""
    first = line.tokens[0]
    column, narrow = line.columns
    tabs = _LayoutProblemError(
        "inconsistent-tabs",
        "tabs and spaces are mixed: the depth of this line depends on the width of a tab",
        Span(source.line_start(first.start), first.start),
        "indent the lines of a block with the same characters",
    )
    if column > stack[-1][0]:
        if narrow <= stack[-1][1]:
            raise tabs
        stack.append(line.columns)
        tokens.append(LayoutToken("_INDENT", "", first.start, first.end))
        return
    while column < stack[-1][0]:
        stack.pop()
        tokens.append(LayoutToken("_DEDENT", "", first.start, first.start))
    if column != stack[-1][0]:
        raise _LayoutProblemError(
            "inconsistent-indentation",
            "this line is indented less than the lines above it, but as no block before it",
            Span(source.line_start(first.start), first.start),
            "indent it as the block that it belongs to",
        )
    if narrow != stack[-1][1]:
        raise tabs
