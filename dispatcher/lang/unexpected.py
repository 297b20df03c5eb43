"""Puts a token that the grammar does not allow into words: what is wrong, and what was probably meant.

The tables hold what people write who know other languages. A hint is given where a token surely means it.
"""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from dispatcher.lang.characters import no_identifier, unreadable
from dispatcher.lang.layout import CLOSING, OPENING, LayoutToken
from dispatcher.lang.records import dataclass
from dispatcher.lang.repairs import Help, Repair, repair
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
# Those that have their operands in the same places as Python's.
_DASHED_ALIKE = ("eq", "ne", "gt", "lt", "ge", "le", "and", "or", "in")
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
            return unreadable(near, place.line)
        if near.type == "NAME" and not near.text.isidentifier():
            return no_identifier(near, place.line)
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
        return BuildError(
            "unexpected-token", message, Span(place.line[0].start, token.end), repair("remove this line", "")
        )
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
    advice: Help
    message, advice = "the line ends too early", _advice_for_capitals(place) or "complete the expression"
    if place.line[0].text == "{" and at_end:
        message = "the field of the f-string ends too early"
    elif "COLON" in accepted and "EQUAL" not in accepted and place.bracket() == "":
        message, advice = "the line ends where `:` should be", repair("add `:`", ":", Span(token.start, token.start))
    elif "ELSE" in accepted:
        message = "this conditional expression has no `else`"
        advice = "write `value if condition else other`; a statement begins with its `if`"
    elif place.text(-1) in ("+", "-") and place.text(-1) == place.text(-2):
        message = f"rules have no `{place.text(-1) * 2}`"
        words = f"write `{shorten(place.text(-3))} {place.text(-1)}= 1`"
        place_of_both = Span(place.line[-3].start, place.line[-2].end)
        advice = repair(words, f" {place.text(-1)}= 1", place_of_both) if place.index == 3 else words
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
        return BuildError("unexpected-token", message, token.span, _written(place, behind, 0, 1))
    if place.bracket() == "{":
        message = "`=` cannot stand between a key and its value"
        return BuildError("unexpected-token", message, token.span, repair("write `:`", ":"))
    if place.bracket():
        message = "`=` assigns; it cannot stand inside an expression"
        return BuildError("unexpected-token", message, token.span, repair("write `==` to compare", "=="))
    if "COLON" in place.accepted and "AUGMENTED" not in place.accepted:
        message = "`=` assigns; it cannot stand in a condition"
        return BuildError("unexpected-token", message, token.span, repair("write `==` to compare", "=="))
    return None


def _written(place: Place, shown: str, first: int, last: int) -> Repair:
    """Return the help to write a sign, shown in backticks, for tokens counted from the one that does not fit."""
    sign = shown.strip("`")
    begin, end = place.index + first, place.index + last
    span = Span(place.line[begin].start, place.line[end].end)
    is_word = sign[0].isalpha()
    before = " " if is_word and begin and place.line[begin - 1].end == span.start else ""
    behind = " " if is_word and end + 1 < len(place.line) and place.line[end + 1].start == span.end else ""
    return repair(f"write {shown}", f"{before}{sign}{behind}", span)


def _advice(place: Place) -> Help | None:
    found = _advice_for_capitals(place) or _advice_for_signs(place)
    return found or _advice_for_words(place) or _advice_for_places(place)


def _advice_for_signs(place: Place) -> Help | None:
    text, before = place.token.text, place.text(-1)
    pair = _PAIRS.get((before, text))
    if pair is not None:
        return _written(place, pair, -1, 0)
    if text in (":", ";", ","):
        return _advice_for_separators(place)
    if place.index == 0 and text in ("//", "/", "<"):
        return repair("a comment begins with `#`", "#") if text == "//" else "a comment begins with `#`"
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


def _advice_for_separators(place: Place) -> Help | None:
    text, before, first = place.token.text, place.text(-1), place.first
    if text == before:
        return repair("remove one of the two", "")
    if text == ";" and before in _ENTITIES:
        return _written(place, _ENTITIES[before], -2, 0) if place.text(-2) == "&" else f"write {_ENTITIES[before]}"
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


def _advice_for_capitals(place: Place) -> Help | None:
    before = place.line[place.index - 1 if place.text(-1) != ":" else 0]
    for token in (place.token, before):
        word = token.text
        small = word[:MAX_SHOWN].lower()
        if small != word and not iskeyword(word) and (iskeyword(small) or (small in _SOFT and place.index == 1)):
            return repair(f"write `{small}` in small letters", small, token.span)
    return None


def _advice_for_words(place: Place) -> Help | None:
    text, before, first = place.token.text.lower(), place.text(-1).lower(), place.first
    if place.text(-2) == "-" and before in _DASHED and place.token.type != "_NEWLINE":
        return _dashed(place, before, -2)
    if before == "-" and text in _DASHED:
        return _dashed(place, text, -1)
    if place.accepted == {"IN"}:
        return "write `not in`, or `!=`"
    if text in _COMPARING and before in ("and", "or", "not", "if", "elif", "while"):
        return "repeat what is compared: `a == 1 or a == 2`"
    if first == "for" and (not place.has("in") or ("IN" in place.accepted and "PLUS" not in place.accepted)):
        return "write `for name in values:`"
    if place.index == 1 and first == "else":
        both = Span(place.line[0].start, place.token.end)
        return repair("write `elif condition:`", "elif", both) if text == "if" else "write `elif condition:`"
    if place.index == 1 and first in _FIRST_WORDS:
        return _first_word(place)
    if place.index == 1 and first in ("match", "case"):
        return "end the line with `:`" if first == "match" else "`case` belongs into a `match`, indented below it"
    if text in _WORD_OPERATORS:
        return _word_operator(place, _WORD_OPERATORS[text])
    if first == "import" and text == "from":
        return "write `from module import name`"
    if before == "new":
        return repair("leave out `new`", "", Span(place.line[place.index - 1].start, place.token.start))
    return None


def _dashed(place: Place, word: str, first: int) -> Help:
    """Return the help for an operator with a dash before it; `-contains` has its operands the other way round."""
    shown = _DASHED[word]
    alike = word.removeprefix("not") in _DASHED_ALIKE
    return _written(place, shown, first, first + 1) if alike else f"write {shown}"


def _first_word(place: Place) -> Help:
    """Return the help for a line that begins as in another language."""
    first, following = place.line[0], place.token
    words = f"write {_FIRST_WORDS[place.first]}"
    if place.first in ("elseif", "elsif"):
        return repair(words, "elif", first.span)
    if place.first == "foreach" and any(token.text == "in" for token in place.line):
        return repair(words, "for", first.span)
    if place.first in _DECLARING and place.text(1) == "=":
        return repair(words, "", Span(first.start, following.start))
    return words


def _word_operator(place: Place, shown: str) -> Help:
    """Return the help for a word that stands where Python has an operator or a colon."""
    if shown == "`:`":
        sign = "" if place.text(1) == ":" else ":"
        return repair(f"write {shown}", sign, Span(place.line[place.index - 1].end, place.token.end))
    # A longer spelling has the operands in places of its own.
    return f"write {shown}" if "(" in shown or "'" in shown else _written(place, shown, 0, 0)


def _advice_for_places(place: Place) -> Help | None:
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
        joined = f"{shorten(place.text(-1))}_{shorten(token.text)}"
        return repair(f"a name holds no spaces: write `{joined}`", joined, Span(place.line[0].start, token.end))
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
