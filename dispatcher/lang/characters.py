"""What is said of characters that begin no token, and of those that show text otherwise than it reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from dispatcher.lang.layout import LayoutToken
from dispatcher.lang.repairs import Help, Repair, repair
from dispatcher.lang.source import Span
from dispatcher.lang.tree_checks import BuildError

_QUOTES = "‘’‚‛“”„‟«»‹›′″´`"

_DOUBLE_QUOTES = "“”„‟«»″"

# What word processors and mathematics write for Python's signs; other doubles are found by their normal form.
_DOUBLES = dict.fromkeys("‐‑‒–—−", "-") | {
    "×": "*", "÷": "/", "≠": "!=", "≤": "<=", "≥": ">=", "¬": "not", "∧": "and", "∨": "or", "∈": "in",
}  # fmt: skip

_WORDS = ("not", "and", "or", "in")

_ADVICE = {
    "?": "write `value if condition else other`",
    "$": "write names without `$`, and put quotes around text",
    "!": "write `not`, or `!=`",
    "\\": "remove what follows it, or the backslash",
}

# Embeddings, overrides and isolates: they turn the text around them, for people but not for Python.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def unreadable(token: LayoutToken, line: Sequence[LayoutToken] = ()) -> BuildError:
    """Return the error for a token that the lexer could not read; `line` has the tokens around it."""
    if token.type in ("UNTERMINATED", "UNTERMINATED_LONG"):
        bare = token.text.lstrip("bBfFrRuU")
        quotes = bare[:3] if bare.startswith(('"""', "'''")) else bare[:1]
        opening = Span(token.start, token.start + len(token.text) - len(bare) + len(quotes))
        return BuildError("unterminated-text", "this text is never closed", opening, f"add the closing `{quotes}`")
    character = token.text
    message, span, advice = _words(character, token.span)
    return BuildError("unknown-character", message, span, _straight(token, line, advice))


def _straight(quote: LayoutToken, line: Sequence[LayoutToken], advice: Help) -> Help:
    """Return the help with plain quotes for a typographic one and for its fellow on the line."""
    if quote.text not in _QUOTES or not isinstance(advice, str):
        return advice
    # Where the line was given up before this quote, its tokens do not hold it.
    places = sorted(
        {quote.start}
        | {
            token.start + place
            for token in line
            if token.type not in ("STRING", "LONG_STRING")
            for place, character in enumerate(token.text)
            if character in _QUOTES
        }
    )
    number = places.index(quote.start)
    pair = places[number - number % 2 :][:2]
    plain = '"' if quote.text in _DOUBLE_QUOTES else "'"
    between = (token for token in line if pair[0] <= token.start < pair[-1])
    if len(pair) < 2 or any(plain in token.text for token in between):
        return advice
    return Repair(advice, tuple((Span(place, place + 1), plain) for place in pair))


def _words(character: str, span: Span) -> tuple[str, Span, Help]:
    double = _DOUBLES.get(character) or unicodedata.normalize("NFKC", character)
    category = unicodedata.category(character)
    shown = f"`{character}`" if character.isprintable() and character != "`" else f"U+{ord(character):04X}"
    if character in _QUOTES:
        return f"{shown} is a typographic quote", span, "use plain quotes: ' or \""
    if character == "\\":
        return "a backslash joins two lines only as the last character of the first", span, _ADVICE[character]
    if character == "!":
        return "`!` means nothing in rules by itself", span, _ADVICE[character]
    if character.isspace():
        return f"{shown} is white space that Python does not know", span, repair("replace it with a plain space", " ")
    if double != character and double.isascii() and (character in _DOUBLES or not double.isalnum()):
        written = f" {double} " if double in _WORDS else double
        return f"{shown} is not Python's `{double}`", span, repair(f"write `{double}`", written)
    if category == "Nd":
        return f"{shown} is no digit for Python", span, "write the digits 0 to 9"
    if category == "Cf":
        return f"{shown} is invisible and means nothing in rules", span, repair("remove it", "")
    if character in _ADVICE:
        return f"{shown} means nothing in rules", span, _ADVICE[character]
    return f"{shown} means nothing in rules", span, "remove it, or put quotes around the text that it is part of"


def no_identifier(token: LayoutToken, line: Sequence[LayoutToken] = ()) -> BuildError:
    """Return the error for the first character that no name can hold; `line` has the tokens around it."""
    text = token.text
    # A name's start is a name, so the first character that spoils it is found by halving.
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if text[:middle].isidentifier() else (low, middle)
    return unreadable(LayoutToken("UNKNOWN", text[low], token.start + low, token.start + low + 1), line or (token,))


def turning(text: str) -> Iterator[Span]:
    """Yield the places of characters that change the direction of writing, one for each line."""
    position = 0
    while found := _TURNING.search(text, position):
        yield Span(found.start(), found.end())
        position = text.find("\n", found.end()) + 1 or len(text)
