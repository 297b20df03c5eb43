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
from typing import TYPE_CHECKING, NamedTuple

from dispatcher.lang.diagnostics import Diagnostic, diagnostic
from dispatcher.lang.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

TAB = 8
MAX_BRACKETS = 90
MAX_INDENTATIONS = 90
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}
OPENING_TYPES = frozenset({"LPAR", "LSQB", "LBRACE"})
CLOSING_TYPES = frozenset({"RPAR", "RSQB", "RBRACE"})
_BRACKETS = OPENING_TYPES | CLOSING_TYPES
# A line of nothing but white space that a backslash joins with the next.
_JOINED = re.compile(r"[ \t\f]*\\\n")
# Clauses of the statement above them, though they begin at depth zero.
CLAUSES = frozenset({"elif", "else", "except", "finally"})


class LayoutToken(NamedTuple):
    """A token of the grammar: its terminal's name, its text and its place."""

    type: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Return the token's place."""
        return Span(self.start, self.end)


class StatementTokens(NamedTuple):
    """The tokens of one top-level statement; with a problem they are those that it cost."""

    tokens: Sequence[LayoutToken]
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
        begins = line.problem is not None or (
            line.columns == (0, 0)
            and line.tokens[0].text not in CLAUSES
            and not (group and group[-1].tokens[0].text == "@")
        )
        lost = line.tokens
        if begins and group:
            if line.problem is None or line.columns == (0, 0):
                statements.append(_indent(source, group))
            else:
                # A block whose line is lost has no more to say.
                lost = [*_tokens_of(group), *lost]
            group = []
        if line.problem is not None:
            statements.append(StatementTokens(lost, line.problem))
        else:
            group.append(line)
    if group:
        statements.append(_indent(source, group))
    return statements


class _Line(NamedTuple):
    """One logical line; its columns are measured with tabs of eight and of one."""

    tokens: Sequence[LayoutToken]
    columns: tuple[int, int]
    problem: Diagnostic | None


def _tokens_of(lines: Sequence[_Line]) -> list[LayoutToken]:
    return [token for line in lines for token in line.tokens]


# --- logical lines


def _logical_lines(source: Source, tokens: Sequence[LayoutToken]) -> list[_Line]:
    count = len(tokens)
    kinds = [token[0] for token in tokens]
    kinds.append("_NEWLINE")
    lines: list[_Line] = []
    # The columns of each indentation.
    known: dict[str, tuple[int, int]] = {}
    position = 0
    while position < count:
        end = kinds.index("_NEWLINE", position)
        if end > position:
            start = tokens[position].start
            before = tokens[position - 1]
            if position and before.type == "_NEWLINE" and before.end == start:
                indentation = before.text.rpartition("\n")[2]
                columns = known.get(indentation)
                if columns is None:
                    columns = known[indentation] = _columns(source, start)
            else:
                columns = _columns(source, start)
            if not _BRACKETS.isdisjoint(kinds[position:end]):
                line, position = _bracketed_line(source, tokens, position, columns)
                lines.append(line)
                continue
            lines.append(_Line(tokens[position:end], columns, None))
        position = end + 1
    return lines


def _bracketed_line(
    source: Source, tokens: Sequence[LayoutToken], begin: int, columns: tuple[int, int]
) -> tuple[_Line, int]:
    """Return the logical line that begins at an index, and the index where the next one does."""
    count = len(tokens)
    brackets: list[int] = []
    index = begin
    try:
        while index < count:
            kind = tokens[index][0]
            if kind in OPENING_TYPES:
                brackets.append(index)
                if len(brackets) > MAX_BRACKETS:
                    raise _LayoutProblemError(
                        "too-large",
                        f"more than {MAX_BRACKETS} brackets are open here",
                        tokens[index].span,
                        "split the expression into several statements",
                    )
            elif kind in CLOSING_TYPES:
                _close(source, tokens, brackets, tokens[index])
            elif kind == "_NEWLINE" and not brackets:
                break
            index += 1
        if brackets:
            raise _unclosed(tokens[brackets[0]])
    except _LayoutProblemError as problem:
        found = diagnostic(source, problem.code, str(problem), problem.span, problem.help)
        following = _next_top_line(source, tokens, (index if index < count else brackets[0]) + 1)
        end = tokens[following].start if following < count else len(source.text)
        seen = tokens[begin : index + 1]
        lost = [token for token in seen if token.type != "_NEWLINE" and token.start < end]
        return _Line(lost, columns, found), following
    return _Line([token for token in tokens[begin:index] if token[0] != "_NEWLINE"], columns, None), index + 1


def _unclosed(bracket: LayoutToken) -> _LayoutProblemError:
    closing = OPENING[bracket.text]
    return _LayoutProblemError(
        "unclosed-bracket",
        f"`{bracket.text}` is never closed",
        bracket.span,
        f"add the `{closing}` that belongs to it",
    )


def _close(source: Source, tokens: Sequence[LayoutToken], brackets: list[int], token: LayoutToken) -> None:
    if not brackets:
        raise _LayoutProblemError(
            "unmatched-bracket",
            f"nothing opens this `{token.text}`",
            token.span,
            "remove it, or add its opening bracket",
        )
    opening = tokens[brackets[-1]]
    if opening.text != CLOSING[token.text]:
        line, _ = source.position(opening.start)
        raise _LayoutProblemError(
            "unmatched-bracket",
            f"`{token.text}` does not close the `{opening.text}` of line {line}",
            token.span,
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


# --- indentation


def _indent(source: Source, lines: Sequence[_Line]) -> StatementTokens:
    tokens: list[LayoutToken] = []
    stack = [(0, 0)]
    # The depths whose lines are the cases of a `match`.
    cases: set[int] = set()
    begins_cases = False
    try:
        for line in lines:
            first = line.tokens[0]
            if line.columns != stack[-1]:
                _move(source, stack, line, tokens)
            if cases or begins_cases:
                cases = {depth for depth in cases if depth <= len(stack)} | ({len(stack)} if begins_cases else set())
            last = line.tokens[-1]
            begins_cases = first.text == "match" and len(line.tokens) > 2 and last.text == ":"
            if begins_cases or (first.text == "case" and len(stack) in cases):
                tokens.append(LayoutToken(first.text.upper(), first.text, first.start, first.end))
                tokens += line.tokens[1:]
            else:
                tokens += line.tokens
            tokens.append(LayoutToken("_NEWLINE", "", last.end, last.end))
            if len(stack) > MAX_INDENTATIONS:
                raise _LayoutProblemError(
                    "too-large",
                    f"more than {MAX_INDENTATIONS} blocks are open here",
                    first.span,
                    "move the inner blocks into functions",
                )
    except _LayoutProblemError as problem:
        found = diagnostic(source, problem.code, str(problem), problem.span, problem.help)
        return StatementTokens(_tokens_of(lines), found)
    end = tokens[-1].end
    tokens += [LayoutToken("_DEDENT", "", end, end)] * (len(stack) - 1)
    return StatementTokens(tokens, None)


def _move(source: Source, stack: list[tuple[int, int]], line: _Line, tokens: list[LayoutToken]) -> None:
    """Push or pop `stack` to the depth of `line`, appending _INDENT or _DEDENT tokens."""
    first = line.tokens[0]
    column, narrow = line.columns
    if column > stack[-1][0]:
        if narrow <= stack[-1][1]:
            raise _mixed_tabs(source, first)
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
        raise _mixed_tabs(source, first)


def _mixed_tabs(source: Source, first: LayoutToken) -> _LayoutProblemError:
    return _LayoutProblemError(
        "inconsistent-tabs",
        "tabs and spaces are mixed: the depth of this line depends on the width of a tab",
        Span(source.line_start(first.start), first.start),
        "indent the lines of a block with the same characters",
    )
