"""Puts a token that the grammar does not allow into words: what is wrong, and what was probably meant.

The tables hold what people write who know other languages. A hint is given where a token surely means it.
"""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from dispatcher.lang.characters import no_identifier, unreadable
from dispatcher.lang.layout import CLOSING, OPENING, LayoutToken
from dispatcher.lang.records import dataclass
from dispatcher.lang.source import Span
from dispatcher.lang.tree_checks import BuildError

UNREADABLE = ("UNTERMINATED", "UNTERMINATED_LONG", "UNKNOWN")
TEXTS = ("STRING", "LONG_STRING")
# Longest piece of a rule that a message repeats.
MAX_SHOWN = 40

# Statements and expressions that rules leave out: whatever is wrong in them, they are refused by name.
_REFUSED_FIRST = {
    "class": ("`class`", "use a dict for data and `def` for what it does"),
    "with": ("`with`", "rules open nothing"),
    "async": ("`async`", "leave it out"),
    "@": ("decorators", "call the function where it is needed"),
}
_REFUSED_WORDS = ("yield", "await", "async")

_WORD_OPERATORS = {
    **dict.fromkeys(("then", "do", "begin"), "`:`"),
    **dict.fromkeys(("equals", "equal", "eq"), "`==`"),
    **dict.fromkeys(("contains", "contain", "includes", "has", "like"), "`'text' in msg`"),
    "startswith": "`msg.startswith('text')`", "endswith": "`msg.endswith('text')`", "matches": "`re.search(...)`",
    "mod": "`%`", "div": "`//`", "xor": "`!=`", "andalso": "`and`", "orelse": "`or`",
}  # fmt: skip
_DASHED = {
    "eq": "`==`", "ne": "`!=`", "gt": "`>`", "lt": "`<`", "ge": "`>=`", "le": "`<=`",
    "and": "`and`", "or": "`or`", "not": "`not`", "in": "`in`", "notin": "`not in`",
    "contains": "`in`", "notcontains": "`not in`", "like": "`in`", "notlike": "`not in`", "match": "`re.search(...)`",
}  # fmt: skip
_DECLARING = ("var", "let", "const", "dim", "my", "local", "auto", "set", "int", "string", "str", "bool", "float")
_FIRST_WORDS = {
    **dict.fromkeys(_DECLARING, "`name = value`"),
    **dict.fromkeys(("function", "func", "fn", "fun", "sub"), "`def name():`"),
    **dict.fromkeys(("switch", "select"), "`match value:`, and `case ...:` for each of its values"),
    **dict.fromkeys(("elseif", "elsif", "elif"), "`elif condition:`"),
    **dict.fromkeys(("echo", "print", "puts", "write"), "`print(...)`"),
    "foreach": "`for name in values:`", "unless": "`if not ...:`", "until": "`while not ...:`",
    "throw": "`raise ValueError('...')`", "catch": "`except ValueError:`", "rem": "`#` before a comment",
    "exec": "the statements themselves", "call": "`name()`",
}  # fmt: skip
_SOFT = ("case", "match")
# A sign, and the one before it.
_PAIRS = {
    ("&", "&"): "`and`", ("|", "|"): "`or`", ("<", ">"): "`!=`", ("==", "="): "`==`", ("!=", "="): "`!=`",
    ("=", ">"): "`>=`", ("=", "<"): "`<=`",
}  # fmt: skip
_BEHIND_EQUAL = {">": "`>=`", "<": "`<=`", "!": "`!=`"}
# What `<` and its like become in the text of a web page.
_ENTITIES = {"lt": "`<`", "gt": "`>`", "amp": "`&`", "quot": "`'`"}
_DICT_OR_SET = "a dict needs `key: value` in each of its parts, and a set has no `:`"
_COMPARING = ("==", "!=", "<", "<=", ">", ">=", "in", "is")


@dataclass(frozen=True, slots=True)
class Place:
    """A token that does not fit, in its logical line, with the terminals that would."""

    line: Sequence[LayoutToken]
    index: int
    accepted: frozenset[str]

    @property
    def token(self) -> LayoutToken:
        """Return the token that does not fit."""
        return self.line[self.index]

    @property
    def first(self) -> str:
        """Return the first word of the line, in small letters."""
        return self.line[0].text[:MAX_SHOWN].lower()

    def text(self, distance: int) -> str:
        """Return the text of a token beside the one that does not fit; '' beyond the line's ends."""
        index = self.index + distance
        return self.line[index].text if 0 <= index < len(self.line) else ""

    def has(self, word: str) -> bool:
        """Tell whether a word stands before the token that does not fit."""
        return any(token.text == word for token in self.line[: self.index])

    def bracket(self) -> str:
        """Return the innermost bracket that is open here, or ''."""
        closed = 0
        for token in reversed(self.line[: self.index]):
            if token.text in CLOSING:
                closed += 1
            elif token.text in OPENING:
                closed -= 1
                if closed < 0:
                    return token.text
        return ""


def unexpected(line: Sequence[LayoutToken], index: int, accepted: frozenset[str], *, at_end: bool) -> BuildError:
    """Return the error of a token that does not fit into its line, or of an end that comes too early."""
    place = Place(line, index, accepted)
    token = place.token
    for near in (token, *place.line[max(0, place.index - 1) : place.index]):
        if near.type in UNREADABLE and not _is_joined(place):
            return unreadable(near)
        if near.type == "NAME" and not near.text.isidentifier():
            return no_identifier(near)
    return (
        _refused(place)
        or _of_blocks(place, at_end=at_end)
        or _of_words(place)
        or _of_line_ends(place, at_end=at_end)
        or _of_equal_signs(place)
        or BuildError("unexpected-token", f"`{shorten(token.text)}` cannot stand here", token.span, _advice(place))
    )


def shorten(text: str) -> str:
    """Return a piece of a rule as a message repeats it."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _refused(place: Place) -> BuildError | None:
    construct, advice = _REFUSED_FIRST.get(place.line[0].text, ("", None))
    if construct and place.index and place.line[1].text not in ("=", "."):
        return BuildError("unsupported-syntax", f"rules have no {construct}", place.line[0].span, advice)
    if place.token.text in _REFUSED_WORDS:
        return BuildError("unsupported-syntax", f"rules have no `{place.token.text}`", place.token.span)
    return None


def _of_blocks(place: Place, *, at_end: bool) -> BuildError | None:
    token, accepted = place.token, place.accepted
    start = Span(token.start, token.start + 1)
    if token.type == "_INDENT":
        message = "this line is indented, but no block begins above it"
        return BuildError("unexpected-indentation", message, start, "indent it like the line above")
    if "_INDENT" in accepted:
        message = "an indented block must follow the line that ends with `:`"
        advice = "indent the lines that belong to it; `pass` stands for an empty block"
        return BuildError("missing-indentation", message, token.span, advice)
    if "CASE" in accepted:
        advice = "write `case pattern:` and indent the rest; `case _:` stands for all others"
        return BuildError("unexpected-token", "only `case` can stand in a `match`", token.span, advice)
    if accepted >= {"EXCEPT", "FINALLY"} and token.text not in ("else", "catch"):
        advice = "add `except Exception:` and what to do when the block fails"
        return BuildError("unexpected-token", "the `try` above has neither `except` nor `finally`", start, advice)
    if token.type == "_DEDENT" and not at_end:
        return BuildError("unexpected-token", "the block ends here too early", start)
    if place.first == "end" and place.index and len(place.line) <= 4:
        message = "a block has no end mark: it ends where its indentation ends"
        return BuildError("unexpected-token", message, Span(place.line[0].start, token.end), "remove this line")
    if token.text == "{":
        advice = "end the line above it with `:` and indent the lines that belong to it"
        return BuildError("unexpected-token", "a block has no braces", token.span, advice)
    return None


def _of_words(place: Place) -> BuildError | None:
    """Return what is wrong with a word of Python as a name, or with two literals that touch."""
    token, index = place.token, place.index
    before = place.line[index - 1] if index else None
    word = None
    if iskeyword(token.text) and (place.accepted == {"NAME"} or place.text(1) == "="):
        word = token
    elif before is not None and iskeyword(before.text) and token.text == "=" and index == 1:
        word = before
    if word is not None:
        message = f"`{word.text}` is a word of Python's own and cannot be a name"
        return BuildError("unexpected-token", message, word.span, f"choose another name, such as `{word.text}_`")
    if before is None or before.end != token.start or token.type not in ("NAME", "NUMBER"):
        return None
    both = Span(before.start, token.end)
    if before.type in TEXTS and before.text[:1] in "fF" and "{" in before.text:
        message = f"the text ends at the quote before `{shorten(token.text)}`"
        advice = "inside the braces, use the other kind of quotes"
    elif before.type in TEXTS:
        message = f"the text ends at the quote before `{shorten(token.text)}`"
        advice = "write a backslash before a quote inside the text, or put the other kind of quotes around it"
    elif before.type == "NUMBER":
        message = f"`{shorten(before.text + token.text)}` is neither a number nor a name"
        advice = "a name cannot begin with a digit, and text needs quotes around it"
    else:
        return None
    return BuildError("unexpected-token", message, both, advice)


def _of_line_ends(place: Place, *, at_end: bool) -> BuildError | None:
    token, accepted = place.token, place.accepted
    if not at_end and token.type != "_NEWLINE":
        return None
    span = Span(token.start, token.start + 1)
    message, advice = "the line ends too early", _advice_for_capitals(place) or "complete the expression"
    if place.line[0].text == "{" and at_end:
        message = "the field of the f-string ends too early"
    elif "COLON" in accepted and "EQUAL" not in accepted and place.bracket() == "":
        message, advice = "the line ends where `:` should be", "add `:`"
    elif "ELSE" in accepted:
        message = "this conditional expression has no `else`"
        advice = "write `value if condition else other`; a statement begins with its `if`"
    elif place.text(-1) in ("+", "-") and place.text(-1) == place.text(-2):
        message = f"rules have no `{place.text(-1) * 2}`"
        advice = f"write `{shorten(place.text(-3))} {place.text(-1)}= 1`"
    elif place.text(-1) == ":" and place.first in _FIRST_WORDS:
        advice = f"write {_FIRST_WORDS[place.first]}"
    elif place.text(-1) == "%":
        advice = "write the number without `%`"
    return BuildError("unexpected-token", message, span, advice)


def _of_equal_signs(place: Place) -> BuildError | None:
    token = place.token
    if token.text != "=" or (place.first == "for" and not place.has("in")):
        return None
    behind = _BEHIND_EQUAL.get(place.text(1))
    if behind is not None:
        message = f"`{token.text + place.text(1)}` is no operator"
        return BuildError("unexpected-token", message, token.span, f"write {behind}")
    if place.bracket() == "{":
        message = "`=` cannot stand between a key and its value"
        return BuildError("unexpected-token", message, token.span, "write `:`")
    if place.bracket():
        message = "`=` assigns; it cannot stand inside an expression"
        return BuildError("unexpected-token", message, token.span, "write `==` to compare")
    if "COLON" in place.accepted and "AUGMENTED" not in place.accepted:
        message = "`=` assigns; it cannot stand in a condition"
        return BuildError("unexpected-token", message, token.span, "write `==` to compare")
    return None


def _advice(place: Place) -> str | None:
    found = _advice_for_capitals(place) or _advice_for_signs(place)
    return found or _advice_for_words(place) or _advice_for_places(place)


def _advice_for_signs(place: Place) -> str | None:
    text, before = place.token.text, place.text(-1)
    pair = _PAIRS.get((before, text))
    if pair is not None:
        return f"write {pair}"
    if text in (":", ";", ","):
        return _advice_for_separators(place)
    if place.index == 0 and text in ("//", "/", "<"):
        return "a comment begins with `#`"
    if text == "->":
        return "write `lambda name: ...`, and no `->`"
    if text == ":=":
        return "write `=` to assign; `:=` needs brackets around it"
    if text == "=" and place.first in ("global", "nonlocal"):
        return "assign it on a line of its own"
    if text == "}" and place.bracket() == "{":
        return _DICT_OR_SET
    if before == "." and text != ".":
        return "a name must follow the dot"
    return None


def _advice_for_separators(place: Place) -> str | None:
    text, before, first = place.token.text, place.text(-1), place.first
    if text == before:
        return "remove one of the two"
    if text == ";" and before in _ENTITIES:
        return f"write {_ENTITIES[before]}"
    if place.bracket() == "{":
        return _DICT_OR_SET
    if text == "," and first == "except":
        return "write `except (A, B):` for several types, and `except A as error:` for a name"
    if text == "," and first == "raise":
        return "write `raise ValueError('...')`"
    if text == "," and "COLON" in place.accepted and place.text(1) != ":":
        return "write `value in ('a', 'b')` for one of several values"
    if text == ":" and first == "def":
        return "write `def name():`"
    if text == ":" and before.isdecimal() and place.text(1).isdecimal():
        return "put quotes around a time"
    return None


def _advice_for_capitals(place: Place) -> str | None:
    before = place.text(-1) if place.text(-1) != ":" else place.line[0].text
    for word in (place.token.text, before):
        small = word[:MAX_SHOWN].lower()
        if small != word and not iskeyword(word) and (iskeyword(small) or (small in _SOFT and place.index == 1)):
            return f"write `{small}` in small letters"
    return None


def _advice_for_words(place: Place) -> str | None:
    text, before, first = place.token.text.lower(), place.text(-1).lower(), place.first
    if place.text(-2) == "-" and before in _DASHED and place.token.type != "_NEWLINE":
        return f"write {_DASHED[before]}"
    if before == "-" and text in _DASHED:
        return f"write {_DASHED[text]}"
    if place.accepted == {"IN"}:
        return "write `not in`, or `!=`"
    if text in _COMPARING and before in ("and", "or", "not", "if", "elif", "while"):
        return "repeat what is compared: `a == 1 or a == 2`"
    if first == "for" and (not place.has("in") or ("IN" in place.accepted and "PLUS" not in place.accepted)):
        return "write `for name in values:`"
    if place.index == 1 and first == "else":
        return "write `elif condition:`"
    if place.index == 1 and first in _FIRST_WORDS:
        return f"write {_FIRST_WORDS[first]}"
    if place.index == 1 and first in ("match", "case"):
        return "end the line with `:`" if first == "match" else "`case` belongs into a `match`, indented below it"
    if text in _WORD_OPERATORS:
        return f"write {_WORD_OPERATORS[text]}"
    if first == "import" and text == "from":
        return "write `from module import name`"
    if before == "new":
        return "leave out `new`"
    return None


def _advice_for_places(place: Place) -> str | None:
    token, accepted = place.token, place.accepted
    if token.text in ("elif", "else", "except", "finally"):
        owner = "an `if`" if token.text in ("elif", "else") else "a `try`"
        if place.index:
            return f"put `{token.text}` on a line of its own"
        return f"`{token.text}` belongs to {owner} directly above it, at the same depth"
    if "TILDE" in accepted and "ASSERT" not in accepted:
        return "write `value if condition else other`" if token.text == "if" else "a value is missing before it"
    if place.text(-1) == ":" and token.text in ("if", "for", "while", "def", "try"):
        return "put the inner block on lines of its own, indented"
    if place.index == 1 and place.line[0].type == token.type == "NAME" and place.text(1) == "=":
        return f"a name holds no spaces: write `{shorten(place.text(-1))}_{shorten(token.text)}`"
    if "COLON" in accepted and "AUGMENTED" not in accepted and "_NEWLINE" not in accepted:
        return "is a `:` or an operator missing before it?"
    if token.type in ("NAME", "NUMBER", *TEXTS):
        return "is an operator, a comma or a line end missing before it, or are there no quotes around text?"
    return None


def _is_joined(place: Place) -> bool:
    """Tell whether the token stands close behind a text, whose quote then ended it too early."""
    before = place.line[place.index - 1] if place.index else None
    return (
        before is not None and before.type in TEXTS and before.end == place.token.start and place.token.type == "NAME"
    )
