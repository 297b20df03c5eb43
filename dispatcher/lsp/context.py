"""What is being written at the cursor, told by the tokens before it, since the file seldom parses by then."""

from __future__ import annotations

from keyword import iskeyword
from typing import NamedTuple, TypeAlias

from dispatcher.lang.layout import CLOSING, OPENING
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Span
from dispatcher.lsp.tokens import TEXTS, Line, Token, Tokens, begins_statement, logical_lines

# What stands before a name that is only being made up.
_BINDING = ("def", "as", "for", "lambda")
_COMPARING = ("==", "!=")
_LISTS = tuple(OPENING)


@dataclass(frozen=True, slots=True)
class WrittenName:
    """A name is written at `place`; `begins` says that a statement may begin with it."""

    place: Span
    begins: bool


@dataclass(frozen=True, slots=True)
class WrittenMember:
    """A name is written behind a dot; `owner` is what stands before that."""

    place: Span
    owner: Span


@dataclass(frozen=True, slots=True)
class WrittenImport:
    """A name is written in an import: of a module, or of a member where `module` is its name."""

    place: Span
    module: str | None


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text is written that is assigned to a variable or compared with it; `quote` is what it stands between."""

    place: Span
    variable: str
    quote: str


Written: TypeAlias = WrittenName | WrittenMember | WrittenImport | WrittenText


class Cursor(NamedTuple):
    """What is written, with the logical line that it stands in and the offset of the file's statement around it."""

    written: Written
    line_start: int
    statement_start: int


def cursor(text: str, tokens: Tokens, offset: int) -> Cursor | None:
    """Return what is written at an offset; None in comments, numbers and names that are being made up."""
    index = tokens.at(offset)
    present = tokens.items[index] if index >= 0 else None
    if present is not None and (present.type == "COMMENT" or (present.type == "NUMBER" and present.end >= offset)):
        return None
    field = _field_start(present, offset) if present is not None else None
    if field is not None:
        return _in_field(text, tokens, index, field, offset)
    inside = present if present is not None and _is_in_text(present, offset) else None
    name = present if present is not None and present.type == "NAME" and present.end >= offset else None
    before = tokens.code(index - 1 if inside or name else index)
    place = Span(name.start, name.end) if name else Span(offset, offset)
    line, statement_start = _line(text, before, offset)
    line_start = line.tokens[0].start if line.tokens else (inside.start if inside else place.start)
    written: Written | None
    if inside is not None:
        variable = _given(line.tokens, before)
        written = _text(inside, offset, variable) if variable is not None else None
    else:
        written = _written(line, place)
    return Cursor(written, line_start, min(statement_start, line_start)) if written is not None else None


def _is_in_text(token: Token, offset: int) -> bool:
    closed = token.type in ("STRING", "LONG_STRING")
    return token.type in TEXTS and (offset < token.end if closed else offset <= token.end)


def _line(text: str, before: list[Token], offset: int) -> tuple[Line, int]:
    """Return the logical line before the cursor, empty where one begins, and where the statement of the file does."""
    lines = list(logical_lines(before))
    if lines and not lines[-1].depth and before[-1].type == "_NEWLINE":
        lines.append(Line([], 0))
    starts = [line.tokens[0].start for line in lines if line.tokens and begins_statement(line.tokens[0], text)]
    return (lines[-1] if lines else Line([], 0)), (starts[-1] if starts else offset)


def _written(line: Line, place: Span) -> Written | None:
    """Return what is written behind the tokens of a logical line."""
    tokens = line.tokens
    first, last = (tokens[0].text, tokens[-1]) if tokens else ("", None)
    words = [token.text for token in tokens]
    if first == "import":
        return None if words[-1] == "as" else WrittenImport(place, None)
    if first == "from":
        if "import" in words:
            return None if words[-1] == "as" else WrittenImport(place, words[1])
        return WrittenImport(place, None) if len(words) == 1 else WrittenName(place, begins=False)
    if last is None or last.text in (":", ";"):
        return WrittenName(place, begins=not line.depth)
    if last.text == ".":
        owner = _owner(tokens[:-1])
        return WrittenMember(place, owner) if owner is not None else None
    if last.text in _BINDING or (first == "def" and line.depth and last.text in ("(", ",", "*", "**")):
        return None
    return WrittenName(place, begins=False)


def _owner(tokens: list[Token]) -> Span | None:
    """Return the expression that tokens end with: what a dot behind them belongs to."""
    begin = len(tokens)
    while begin:
        last = tokens[begin - 1]
        if last.text in CLOSING:
            opening = _opening(tokens, begin - 1)
            if opening is None:
                return None
            begin = opening
            behind = tokens[begin - 1] if begin else None
            if behind is not None and (behind.text in CLOSING or _is_name(behind)):
                continue
            break
        if last.type in TEXTS or _is_name(last):
            begin -= 1
            if last.type not in TEXTS and begin >= 2 and tokens[begin - 1].text == ".":
                begin -= 1
                continue
            break
        return None
    return Span(tokens[begin].start, tokens[-1].end) if begin < len(tokens) else None


def _opening(tokens: list[Token], closing: int) -> int | None:
    """Return the index of the bracket that the one at an index closes."""
    depth = 0
    for index in range(closing, -1, -1):
        depth += (tokens[index].text in CLOSING) - (tokens[index].text in OPENING)
        if depth == 0:
            return index
    return None


# --- texts


def _text(token: Token, offset: int, variable: str) -> WrittenText | None:
    """Return the text at the cursor; without its closing quote it ends where the cursor is."""
    bare = token.text.lstrip("bBfFrRuU")
    quote = bare[:3] if bare.startswith(('"""', "'''")) else bare[:1]
    start = token.start + len(token.text) - len(bare) + len(quote)
    end = token.end - len(quote) if token.type in ("STRING", "LONG_STRING") else offset
    return WrittenText(Span(start, max(start, end)), variable, quote) if start <= offset else None


def _given(line: list[Token], before: list[Token]) -> str | None:
    """Return the variable that a text behind a line is assigned to or compared with."""
    if not line:
        return None
    last = line[-1].text
    if last in _COMPARING:
        return _variable(line[:-1])
    if last in ("case", "|") and line[0].text == "case":
        return _matched(before)
    rest = list(line)
    while rest and (rest[-1].text == "," or rest[-1].type in TEXTS):
        rest.pop()
    if len(rest) > 2 and rest[-1].text in _LISTS and rest[-2].text == "in":
        return _variable(rest[:-3] if rest[-3].text == "not" else rest[:-2])
    if last == "=":
        return _variable(line[:-1]) if not _depth(line) else None
    if last in ("else", "or") and not _depth(line):
        signs = [index for index, token in enumerate(line) if token.text == "="]
        return _variable(line[: signs[-1]]) if signs else None
    return None


def _depth(line: list[Token]) -> int:
    return sum((token.text in OPENING) - (token.text in CLOSING) for token in line)


def _variable(tokens: list[Token]) -> str | None:
    """Return the name that tokens end with, where it stands by itself."""
    if not tokens or not _is_name(tokens[-1]) or (len(tokens) > 1 and tokens[-2].text == "."):
        return None
    return tokens[-1].text


def _is_name(token: Token) -> bool:
    return token.type == "NAME" and not iskeyword(token.text)


def _matched(before: list[Token]) -> str | None:
    """Return the variable of the last `match` before a `case`."""
    for index in range(len(before) - 3, -1, -1):
        if before[index].text == "match" and before[index + 2].text == ":":
            return _variable(before[index + 1 : index + 2])
    return None


# --- f-strings


def _field_start(token: Token, offset: int) -> int | None:
    """Return where the field of an f-string begins that the cursor stands in, behind its brace; None outside."""
    prefix = token.text[: len(token.text) - len(token.text.lstrip("bBfFrRuU"))]
    if token.type not in TEXTS or "f" not in prefix.lower() or not _is_in_text(token, offset):
        return None
    open_fields: list[int] = []
    position = len(prefix)
    while position < offset - token.start:
        character = token.text[position]
        if character == "{" and not open_fields and token.text[position + 1 : position + 2] == "{":
            position += 1
        elif character == "{":
            open_fields.append(token.start + position + 1)
        elif character == "}" and open_fields:
            open_fields.pop()
        position += 1
    return open_fields[-1] if open_fields else None


def _in_field(text: str, tokens: Tokens, index: int, start: int, offset: int) -> Cursor | None:
    """Return what is written in a field of an f-string, which is an expression by itself."""
    inner = Tokens(text[start:offset])
    found = cursor(text[start:offset], inner, offset - start)
    if found is None:
        return None
    line, statement_start = _line(text, tokens.code(index)[:-1], offset)
    line_start = line.tokens[0].start if line.tokens else tokens.items[index].start
    written = found.written
    place = Span(written.place.start + start, written.place.end + start)
    if isinstance(written, WrittenMember):
        owner = Span(written.owner.start + start, written.owner.end + start)
        return Cursor(WrittenMember(place, owner), line_start, min(statement_start, line_start))
    if isinstance(written, WrittenName):
        return Cursor(WrittenName(place, begins=False), line_start, min(statement_start, line_start))
    return None
