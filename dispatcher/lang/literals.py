"""The values of number and text literals, and the fields of f-strings, as CPython 3.11 reads them."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from dispatcher.lang.records import dataclass
from dispatcher.lang.repairs import Help, repair

# CPython reads at most this many digits of a decimal literal; more take quadratic time.
MAX_DIGITS = 4300
MAX_FIELD_NESTING = 2
# Fields of one f-string; each is parsed by itself.
MAX_FIELDS = 1000

_PREFIX = re.compile(r"[A-Za-z]*")
_ESCAPE = re.compile(r"\\(\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[\s\S])")
_BASES = {"0x": ("a hexadecimal", "0 to 9 and a to f"), "0o": ("an octal", "0 to 7"), "0b": ("a binary", "0 and 1")}
_SIMPLE = {"\n": "", "\\": "\\", "'": "'", '"': '"'} | dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_NEEDED = {
    "x": "two hexadecimal digits",
    "u": "four hexadecimal digits",
    "U": "eight hexadecimal digits",
    "N": "a name in braces",
}


class LiteralError(Exception):
    """A literal that Python cannot read; `offset` counts from the literal's first character."""

    def __init__(self, message: str, offset: int, length: int = 1, help: Help | None = None) -> None:  # noqa: A002 - the diagnostic's word
        super().__init__(message)
        self.offset = offset
        self.length = length
        self.help = help


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an f-string: `expression` begins with its `{`; offsets count from the literal's first character."""

    expression: str
    offset: int
    end: int
    conversion: Literal["s", "r", "a"] | None
    spec: tuple[str | Field, ...] | None
    label: str | None


def number(text: str) -> int | float:
    """Return the value of a number literal; raise LiteralError."""
    if text[-1] in "jJ":
        raise LiteralError("rules have no complex numbers", 0, len(text), "use a number without `j`")
    digits = text.replace("_", "")
    base = _BASES.get(digits[:2].lower())
    if (base is not None or digits.isdecimal()) and len(digits) > MAX_DIGITS:
        raise LiteralError(f"the number has more than {MAX_DIGITS} digits", 0, len(text))
    if base is None and digits.isdecimal() and digits[0] == "0" and digits.strip("0"):
        decimal = digits.lstrip("0")
        raise LiteralError(
            "a number cannot begin with 0",
            0,
            len(text),
            repair(f"write `{decimal}`, or `0o{decimal}` for an octal number", decimal),
        )
    try:
        return int(text, 0) if base is not None or digits.isdecimal() else float(text)
    except ValueError:
        if base is not None:
            message = f"`{text[:2]}` begins {base[0]} number, and digits must follow it: {base[1]}"
            raise LiteralError(message, 0, len(text), "write a space behind the `0` if a word follows it") from None
        message = "`_` in a number must stand between two digits"
        raise LiteralError(message, 0, len(text), "remove it") from None


def text_parts(literal: str) -> tuple[str | Field, ...]:
    """Return the value of a text literal: one text, or the parts of an f-string; raise LiteralError."""
    match = _PREFIX.match(literal)
    prefix = match.group().lower() if match else ""
    if "b" in prefix:
        help_text = repair("use text: leave out the `b`", prefix.replace("b", ""))
        raise LiteralError("rules have no bytes", 0, len(prefix), help_text)
    quotes = 3 if literal[len(prefix) :].startswith(("'''", '"""')) else 1
    start = len(prefix) + quotes
    end = len(literal) - quotes
    raw = "r" in prefix
    if "f" not in prefix:
        return (_unescape(literal, start, end, raw=raw),)
    parts, stopped = _fstring(literal, start, end, raw=raw, nesting=0)
    if stopped < end:
        raise LiteralError("f-string: single `}` is not allowed", stopped, help=repair("write `}}` for a brace", "}}"))
    return parts


def _unescape(literal: str, start: int, end: int, *, raw: bool) -> str:
    text = literal[start:end]
    if raw or "\\" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        escape = match.group(1)
        kind = escape[0]
        if escape in _SIMPLE:
            return _SIMPLE[escape]
        if kind in "01234567":
            return chr(int(escape, 8))
        offset = start + match.start()
        if kind == "N" and len(escape) > 1:
            try:
                found = unicodedata.lookup(escape[2:-1])
            except KeyError:
                found = ""
            # Unicode also names sequences of several characters, which a literal cannot name.
            if len(found) == 1:
                return found
            raise LiteralError(f"no character is called `{escape[2:-1][:60]}`", offset, len(escape) + 1)
        if kind in "xuU" and len(escape) > 1:
            code = int(escape[1:], 16)
            if code > 0x10FFFF:
                raise LiteralError("no character has this number", offset, len(escape) + 1)
            return chr(code)
        if kind in "xuUN":
            raise LiteralError(f"`\\{kind}` needs {_NEEDED[kind]}", offset, 2, f"write `\\\\{kind}` for a backslash")
        return match.group()

    return _ESCAPE.sub(value, text)


def _fstring(literal: str, position: int, end: int, *, raw: bool, nesting: int) -> tuple[tuple[str | Field, ...], int]:
    """Read parts up to `end`, or in a format spec (nesting > 0) up to its `}`; return them and where they stop."""
    parts: list[str | Field] = []
    begin = position
    while position < end:
        character = literal[position]
        if character == "\\" and not raw and position + 1 < end:
            position += 1
            character = literal[position]
            # A brace behind a backslash is still a brace; the backslash then stands for itself.
            if character not in "{}":
                # The braces of \N{...} are not a field's.
                named = literal.startswith("N{", position)
                position = literal.find("}", position, end) + 1 or end if named else position + 1
                continue
        if character in "{}" and nesting == 0 and literal.startswith(character * 2, position):
            parts.append(_unescape(literal, begin, position + 1, raw=raw))
            position += 2
            begin = position
        elif character == "}":
            break
        elif character == "{":
            parts.append(_unescape(literal, begin, position, raw=raw))
            if len(parts) > 2 * MAX_FIELDS:
                raise LiteralError(f"f-string: more than {MAX_FIELDS:,} fields", position)
            field = _field(literal, position, end, raw=raw, nesting=nesting)
            parts.append(field)
            position = begin = field.end
        else:
            position += 1
    stop = min(position, end)
    parts.append(_unescape(literal, begin, stop, raw=raw))
    return tuple(part for part in parts if part != ""), stop


def _field(literal: str, start: int, end: int, *, raw: bool, nesting: int) -> Field:
    if nesting >= MAX_FIELD_NESTING:
        raise LiteralError("f-string: fields are nested too deeply", start)
    position = _expression_end(literal, start + 1, end)
    expression = literal[start:position]
    if not expression[1:].strip():
        raise LiteralError(
            "f-string: empty field", start, 2, "write an expression between the braces, or `{{` for a brace"
        )
    label = None
    if literal.startswith("=", position):
        position += 1
        while position < end and literal[position].isspace():
            position += 1
        label = literal[start + 1 : position]
    conversion: Literal["s", "r", "a"] | None = None
    if literal.startswith("!", position):
        letter = literal[position + 1 : position + 2]
        if letter not in ("s", "r", "a"):
            raise LiteralError("f-string: the conversion must be `!s`, `!r` or `!a`", position, 2)
        conversion = letter  # type: ignore[assignment] # one of the three, as tested above
        position += 2
    spec: tuple[str | Field, ...] | None = None
    if literal.startswith(":", position):
        spec, position = _fstring(literal, position + 1, end, raw=raw, nesting=nesting + 1)
    if not literal.startswith("}", position) or position >= end:
        raise LiteralError("f-string: expecting `}`", start, help="close the field with `}`, or write `{{` for a brace")
    return Field(expression, start, position + 1, conversion, spec, label)


def _expression_end(literal: str, position: int, end: int) -> int:  # noqa: C901 - one test for each kind of character
    """Return where a field's expression ends: at its `=`, `!`, `:` or `}`."""
    quote = ""
    brackets: list[str] = []
    while position < end:
        character = literal[position]
        if character == "\\":
            raise LiteralError(
                "f-string: a field cannot hold a backslash",
                position,
                help="give the text a name first, and use the name in the field",
            )
        if quote:
            if literal.startswith(quote, position):
                position += len(quote)
                quote = ""
                continue
        elif character in "'\"":
            quote = character * 3 if literal.startswith(character * 3, position) else character
            position += len(quote)
            continue
        elif character == "#":
            raise LiteralError("f-string: a field cannot hold `#`", position)
        elif character in "([{":
            brackets.append(character)
        elif character in ")]}" and brackets:
            if "([{".index(brackets.pop()) != ")]}".index(character):
                raise LiteralError("f-string: the brackets of the field do not match", position)
        elif character in ")]":
            raise LiteralError(f"f-string: nothing opens this `{character}`", position)
        elif not brackets and character in "=!:}<>":
            if literal[position : position + 2] in ("==", "!=", "<=", ">="):
                position += 2
                continue
            if character not in "<>":
                return position
        position += 1
    raise LiteralError("f-string: expecting `}`", end - 1, help="close the field with `}`, or write `{{` for a brace")
