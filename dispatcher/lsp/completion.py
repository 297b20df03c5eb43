"""What can be written at the cursor: names, members, words of the language, and names that Halo knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from keyword import iskeyword
from typing import Literal

from dispatcher.lang import syntax
from dispatcher.lang.analysis.facts import NOTHING, Fact
from dispatcher.lang.analysis.place import fact_at
from dispatcher.lang.checker import check_module
from dispatcher.lang.entries import FunctionEntry
from dispatcher.lang.exceptions import EXCEPTIONS
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.layout import OPENING
from dispatcher.lang.methods import METHODS
from dispatcher.lang.modules import ENTRIES, MODULES
from dispatcher.lang.parser import parse
from dispatcher.lang.records import dataclass
from dispatcher.lang.schema import Schema
from dispatcher.lang.scopes import all_statements
from dispatcher.lang.source import Source, Span
from dispatcher.lang.values import ModuleValue, TypeValue
from dispatcher.lsp import describe
from dispatcher.lsp.context import WrittenImport, WrittenMember, WrittenName, WrittenText, cursor
from dispatcher.lsp.tokens import Line, Token, Tokens, begins_statement, logical_lines

Kind = Literal["variable", "constant", "function", "method", "field", "class", "module", "keyword", "value"]

EXPRESSION_WORDS = ("and", "or", "not", "in", "is", "if", "else", "lambda", "for", "True", "False", "None")
STATEMENT_WORDS = (
    *("if", "elif", "else", "for", "while", "break", "continue", "def", "return", "match", "case", "import", "from"),
    *("try", "except", "finally", "raise", "assert", "pass", "del", "global", "nonlocal"),
)
# Text before the cursor that is looked at for what is certain of a value; of longer files the present statement alone.
MAX_BEFORE = 100_000
# Names of Halo's that are offered at a time; a longer list is asked for again with every letter.
MAX_VALUES = 500

# The order of what is offered: what the ticket and the file have stands first.
_OWN, _TICKET, _FUNCTION, _WORD, _EXCEPTION = "abcde"

# The names that Halo knows for a variable.
NamesFor = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that can be written in a place; `rank` orders it, and `text` is what is written where it differs."""

    label: str
    kind: Kind
    place: Span
    rank: str
    detail: str = ""
    documentation: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What can be written at the cursor; `more` says that there is more than this."""

    items: list[Suggestion]
    more: bool = False


def complete(source: Source, offset: int, schema: Schema, names_for: NamesFor) -> Suggestions:
    """Return what can be written at an offset."""
    tokens = Tokens(source.text)
    found = cursor(source.text, tokens, offset)
    if found is None:
        return Suggestions([])
    match found.written:
        case WrittenText() as written:
            return _values(source.text[written.place.start : offset], written, schema, names_for)
        case WrittenImport(place=place, module=module):
            return Suggestions(list(_importable(place, module)))
        case WrittenMember(place=place, owner=owner):
            fact = _fact(source.text, owner, found.line_start, found.statement_start, schema)
            return Suggestions(list(_members(fact, place)))
        case WrittenName(place=place, begins=begins):
            return Suggestions(list(_names(source.text, tokens, place, schema, begins=begins)))


# --- names


def _importable(place: Span, module: str | None) -> Iterator[Suggestion]:
    """Yield the modules, or the members of one."""
    if module is None:
        for name, entry in ENTRIES.items():
            yield Suggestion(name, "module", place, _FUNCTION, entry.doc, describe.module(entry))
    elif module in MODULES:
        yield from _members(Fact(meaning=MODULES[module]), place)


def _names(text: str, tokens: Tokens, place: Span, schema: Schema, *, begins: bool) -> Iterator[Suggestion]:
    ticket = set(schema.names())
    for name in own_names(text, tokens, place):
        if name not in ticket:
            yield Suggestion(name, "variable", place, _OWN, "name of this file")
    for variable in schema.variables:
        access = "" if variable.writable else "read-only: "
        yield Suggestion(
            variable.name,
            "variable" if variable.writable else "constant",
            place,
            _TICKET,
            f"{access}{variable.doc}",
            describe.variable(variable, schema),
        )
    for name, entry in FUNCTIONS.items():
        is_type = isinstance(entry.value, TypeValue)
        rank = _EXCEPTION if name in EXCEPTIONS else _FUNCTION
        yield Suggestion(name, "class" if is_type else "function", place, rank, entry.signature, describe.entry(entry))
    words = dict.fromkeys((*STATEMENT_WORDS, *EXPRESSION_WORDS) if begins else EXPRESSION_WORDS)
    yield from (Suggestion(word, "keyword", place, _WORD) for word in words)


def own_names(text: str, tokens: Tokens, place: Span) -> list[str]:
    """Return the names that a file binds, those in functions only where the place is inside them, in order."""
    found: dict[str, None] = {}
    lines = list(logical_lines([token for token in tokens.items if token.type != "COMMENT"]))
    starts = [number for number, line in enumerate(lines) if begins_statement(line.tokens[0], text)]
    for number, following in pairwise([*starts, len(lines)]):
        statement = lines[number:following]
        end = lines[following].tokens[0].start if following < len(lines) else len(text) + 1
        inside = statement[0].tokens[0].start <= place.start < end
        is_function = statement[0].tokens[0].text == "def"
        names = [name for line in statement for name in _bound(line) if name.start != place.start]
        bound = statement[0].tokens[1:2] if is_function and not inside else names
        found.update(dict.fromkeys(name.text for name in bound if name.text.isidentifier()))
    return list(found)


def _bound(line: Line) -> Iterator[Token]:
    """Yield the names that a logical line binds, also one that does not parse."""
    tokens = line.tokens
    first = tokens[0].text
    if first == "def":
        yield from tokens[1:2]
        yield from (
            token
            for before, token in pairwise(tokens[2:])
            if token.type == "NAME" and before.text in ("(", ",", "*", "**")
        )
    elif first in ("import", "from"):
        begin = next((index for index, token in enumerate(tokens) if token.text == "import"), len(tokens))
        names = [token for token in tokens[begin + 1 :] if token.type == "NAME"]
        for index, token in enumerate(names):
            following = names[index + 1].text if index + 1 < len(names) else ""
            if token.text != "as" and following != "as":
                yield token
    else:
        yield from _assigned(tokens)


def _assigned(tokens: list[Token]) -> Iterator[Token]:
    """Yield the names before an equal sign, a walrus and an `in`, and those behind an `as`."""
    depth = 0
    targets: list[Token] = []
    for index, token in enumerate(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        before = tokens[index - 1].text if index else ""
        if token.type == "NAME" and (following == ":=" or before == "as"):
            yield token
        elif token.type == "NAME" and before != "." and following not in (".", "[", "("):
            targets.append(token)
        if (token.text == "=" and depth == 0) or token.text == "in":
            yield from (target for target in targets if not iskeyword(target.text))
            targets = []
        elif token.text in (":", ";", "for", "if", "else") or token.type == "AUGMENTED":
            targets = []
        depth += (token.text in OPENING) - (token.text in OPENING.values())


# --- members


def _members(fact: Fact, place: Span) -> Iterator[Suggestion]:
    """Yield what can stand behind a dot; of a value of which nothing is known, what any value has."""
    owner = fact.meaning
    if isinstance(owner, ModuleValue | TypeValue):
        for entry in describe.members(owner):
            kind: Kind = "function" if "(" in entry.signature else "constant"
            if isinstance(entry, FunctionEntry) and isinstance(entry.value, TypeValue):
                kind = "class"
            yield Suggestion(entry.name, kind, place, _OWN, entry.signature, describe.entry(entry, f"{owner.name}."))
        return
    kinds = [kind for kind in fact.kinds or METHODS if kind in METHODS and kind is not bool]
    names = dict.fromkeys(name for kind in kinds for name in METHODS[kind])
    for name in names:
        having = [kind for kind in kinds if name in METHODS[kind]]
        method = METHODS[having[0]][name]
        # What text has is meant most where nothing is known.
        rank = _OWN if fact.kinds or str in having else _FUNCTION
        yield Suggestion(
            name,
            "field" if method.field else "method",
            place,
            rank,
            method.signature,
            describe.methods(name, having) or "",
        )


def _fact(text: str, owner: Span, line_start: int, statement_start: int, schema: Schema) -> Fact:
    """Return what is certain of the expression before a dot.

    The line that is being written seldom parses. So the expression takes its place, behind the lines above it; where
    those of the present statement do not parse either, the expression stands behind the statements above.
    """
    expression = f"({text[owner.start : owner.end]})"
    start = 0 if line_start <= MAX_BEFORE else statement_start
    for end in (line_start, statement_start):
        fact = _last_fact(Source(f"{text[start:end]}{expression}\n"), end - start, schema)
        if fact is not None:
            return fact
    return NOTHING


def _last_fact(source: Source, offset: int, schema: Schema) -> Fact | None:
    """Return what is certain of the statement at an offset, an expression; None where that does not parse."""
    checked, _ = check_module(source, parse(source)[0], schema)
    for statement in all_statements(checked.module.body):
        if isinstance(statement, syntax.ExpressionStatement) and statement.start >= offset:
            value = statement.value
            if isinstance(value, syntax.Name) and value.id in MODULES and value.id not in checked.variables:
                # It wants its import, and means the module all the same.
                return Fact(meaning=MODULES[value.id])
            return fact_at(checked, value.span)
    return None


# --- texts


def _values(written: str, place: WrittenText, schema: Schema, names_for: NamesFor) -> Suggestions:
    """Return the names that Halo knows for the variable that a text is for."""
    variable = schema.find(place.variable)
    if variable is None:
        return Suggestions([])
    names = list(names_for(variable.name))
    fitting = names
    if len(names) > MAX_VALUES:
        folded = written.casefold()
        having = (name for name in names if folded in name.casefold())
        fitting = sorted(having, key=lambda name: not name.casefold().startswith(folded))
    items = [
        Suggestion(
            name, "value", place.place, f"{number:05}", f"{variable.name} in Halo", text=_literal(name, place.quote)
        )
        for number, name in enumerate(fitting[:MAX_VALUES])
    ]
    return Suggestions(items, more=len(names) > MAX_VALUES)


def _literal(text: str, quote: str) -> str:
    """Return a text as it stands between quotes."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace(quote[0], f"\\{quote[0]}")
