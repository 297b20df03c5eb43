"""Random expressions of a wanted type, over the variables that hold something.

A variable's name tells its type, so that the generator knows what it holds wherever it was assigned. Types: int, float,
bool, none, str; ints and strs (lists of those), list (of anything), tuple, dict (text to int), table (any dict), set
(of ints), gen (an iterator over ints), fn (a function of one int), caught (an exception) and any (what can be shown:
no set, function, iterator or exception, whose text is not the same everywhere).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from dispatcher.lang.expression_writer import Level
from tests.fuzz.templates import Hole, templates

# The names of a program's variables, by the type of what they hold. The last ones are ticket variables.
VARIABLES: dict[str, tuple[str, ...]] = {
    "int": ("i", "j", "num", "priority"),
    "float": ("p", "q"),
    "bool": ("b",),
    "str": ("s", "t", "u", "msg", "team"),
    "ints": ("xs", "ys", "zs"),
    "strs": ("ws",),
    "list": ("l1", "l2"),
    "tuple": ("c1", "c2"),
    "dict": ("d", "e", "customfield"),
    "table": ("tab",),
    "set": ("s1", "s2"),
    "gen": ("g", "h"),
    "fn": ("f", "fa"),
    "any": ("v1", "v2", "v3"),
}
TICKET_VARIABLES = ("priority", "msg", "team", "customfield")

SHOWN = ("int", "float", "bool", "none", "str", "ints", "strs", "list", "tuple", "dict", "table")
WORDS = (
    "",
    "a",
    "b",
    "ab",
    "ba",
    "abc",
    " a b ",
    "A-b",
    "b,a,,b",
    "Straße",
    "a\nb\n",
    "É",
    "x1 22 -3",
    "{}",
    "it's",
    'a"b',
)
_PATTERNS = (r"'a'", r"'[ab]+'", r"r'(a)(b)?'", r"r'\w+'", r"r'\d+|,'", r"'b*'", r"r'(?P<x>a).'", r"'^.|$'", r"'(?i)A'")
_SPECS = {
    "int": ("", "5", "<5", "^7d", "05", "+", " ", ",", "x", "#x", "b", "o", "c", "e", ".2f", "%", "_", "*>6", "q"),
    "float": ("", "8", ".2f", "+.1e", "g", "%", "010.3f", "_.2f", "n", "<9", ".0f", "d"),
    "str": ("", "5", ">5", "^6", "*<4", ".2", "*^7.1", "s", "=5", "d"),
}

Piece = tuple[str, Level]
Literals = Callable[[Random], Piece]


@dataclass(slots=True)
class Signature:
    """A function of the program: how a call of it begins and ends, and the types of its arguments."""

    name: str
    result: str
    positional: tuple[str, ...]
    named: tuple[tuple[str, str], ...] = ()
    star: bool = False
    double: bool = False
    optional: int = 0


@dataclass(slots=True)
class Scope:
    """The variables that hold something at the current place, and what the place allows."""

    bound: set[str] = field(default_factory=set)
    functions: list[Signature] = field(default_factory=list)
    # Names that an assignment may bind here; None for all.
    assignable: frozenset[str] | None = None
    walrus: bool = True


class Expressions:
    """Makes expressions; each is a text and how tightly it holds together."""

    def __init__(self, random: Random, scope: Scope, literals: Mapping[str, Literals]) -> None:
        self.random = random
        self.scope = scope
        # Fewer variables than there are, so that they meet more often.
        self.variables = {kind: tuple(random.sample(names, (len(names) + 1) // 2)) for kind, names in VARIABLES.items()}
        self._literals = literals
        # What mostly runs is worth more than what fails at once.
        self.mistakes = random.choice((0.0, 0.01, 0.03, 0.1))

    def at(self, level: Level, kind: str, depth: int = 2) -> str:
        """Return an expression for a place that takes `level` and what holds together more tightly."""
        text, own = self.expression(kind, depth)
        extra = kind != "slice" and self.random.random() < 0.03
        return f"({text})" if own < level or extra else text

    def test(self, kind: str, depth: int = 2) -> str:
        """Return an expression for a place that takes all but `:=` and tuples without brackets."""
        return self.at(Level.TEST, kind, depth)

    def expression(self, kind: str, depth: int) -> Piece:
        """Return an expression, in rare cases of another type than the wanted one."""
        random = self.random
        if random.random() < self.mistakes:
            kind = random.choice(SHOWN)
        literal = self._literals.get(kind)
        if literal is not None:
            return literal(random)
        if kind in _UNIONS:
            kind = random.choice(_UNIONS[kind])
            return self.expression(kind, depth)
        names = self.readable(kind)
        if names and random.random() < (0.35 if depth > 0 else 0.75):
            return random.choice(names), Level.ATOM
        if depth <= 0:
            return self.simple(kind)
        return random.choices(self._ways(kind), (6, 1, 1, 2, 2, 1))[0](kind, depth - 1)

    def readable(self, kind: str) -> list[str]:
        """Return the variables of a type that hold something."""
        names = [name for name in self.variables.get(kind, ()) if name in self.scope.bound]
        if names and self.random.random() < self.mistakes:
            return list(self.variables[kind])
        return names

    def _ways(self, kind: str) -> list[Callable[[str, int], Piece]]:
        return [self._template, self._conditional, self._walrus, self._operation, self._call, self._formatted]

    def simple(self, kind: str) -> Piece:
        """Return a literal."""
        return _SIMPLE[kind](self.random)

    def _template(self, kind: str, depth: int) -> Piece:
        entries = templates().get(kind)
        if not entries:
            return self.simple(kind)
        template = self.random.choice(entries)
        if template.walrus and not self.scope.walrus:
            return self.simple(kind)
        return "".join([self._piece(piece, depth) for piece in template.pieces]), template.level

    def _piece(self, piece: str | Hole, depth: int) -> str:
        if isinstance(piece, str):
            return piece
        before = self.scope.walrus
        self.scope.walrus = before and piece.walrus
        text = self.at(piece.level, piece.kind, depth)
        self.scope.walrus = before
        return text

    def _conditional(self, kind: str, depth: int) -> Piece:
        value, condition = self.at(Level.OR, kind, depth), self.at(Level.OR, "bool", depth)
        return f"{value} if {condition} else {self.test(kind, depth)}", Level.TEST

    def _walrus(self, kind: str, depth: int) -> Piece:
        names = [name for name in self.variables.get(kind, ()) if self.may_assign(name)]
        if not names or not self.scope.walrus:
            return self._template(kind, depth)
        return f"{self.random.choice(names)} := {self.test(kind, depth)}", Level.NAMED

    def may_assign(self, name: str) -> bool:
        """Tell whether an assignment here may bind a name."""
        return self.scope.assignable is None or name in self.scope.assignable

    def _operation(self, kind: str, depth: int) -> Piece:
        operators = _OPERATORS.get(kind)
        if operators is None:
            return self._template(kind, depth)
        op, level, left, right = self.random.choice(operators)
        if level in (Level.AND, Level.OR):
            operands = [self.at(Level(level + 1), kind, depth) for _ in range(self.random.choice((2, 2, 3)))]
            return f" {op} ".join(operands), level
        if level in (Level.UNARY, Level.NOT):
            return f"{op}{self.at(level, left, depth)}", level
        if level is Level.POWER:
            return f"{self.at(Level.PRIMARY, left, 0)} ** {self.at(Level.UNARY, right, 0)}", level
        return f"{self.at(level, left, depth)} {op} {self.at(Level(level + 1), right, depth)}", level

    def _call(self, kind: str, depth: int) -> Piece:
        known = [function for function in self.scope.functions if function.result == kind]
        if not known:
            return self._template(kind, depth)
        return self.call(self.random.choice(known), depth), Level.PRIMARY

    def call(self, function: Signature, depth: int = 1) -> str:
        """Return a call of a function of the program, mostly with the arguments that it takes."""
        random = self.random
        needed = len(function.positional) - random.randint(0, function.optional)
        arguments = [self.test(kind, depth) for kind in function.positional[:needed]]
        if function.star and random.random() < 0.5:
            arguments.append(random.choice((f"*{self.test('ints', depth)}", self.test("int", depth))))
        named = [f"{name}={self.test(kind, depth)}" for name, kind in function.named]
        random.shuffle(named)
        if function.double and random.random() < 0.5:
            named.append(random.choice((f"**{self.test('dict', depth)}", f"extra={self.test('any', depth)}")))
        if random.random() < self.mistakes:
            random.choice((arguments, named)).append(random.choice(("wrong=1", "*()", "**{}")))
        return f"{function.name}({', '.join(arguments + named)})"

    def _formatted(self, kind: str, depth: int) -> Piece:
        if kind != "str":
            return self._template(kind, depth)
        return self.formatted(depth), Level.ATOM

    def formatted(self, depth: int) -> str:
        """Return an f-string."""
        random = self.random
        quotes = random.choice(("'", '"', '"""', "'''"))
        content = ""
        for _ in range(random.randint(1, 3)):
            content += random.choice(("", "a ", "{{", "}}x", "\\n", "é", ": "))
            content += self._field(quotes, depth)
        return f"f{quotes}{content}{quotes}"

    def _field(self, quotes: str, depth: int) -> str:
        random = self.random
        kind = random.choice(("int", "int", "float", "str", "any"))
        for _ in range(4):
            value = self.test(kind, depth)
            if _fits(value, quotes):
                break
        else:
            value = self._names_or(kind, "0")
        value = f" {value}" if value.startswith("{") else value
        if random.random() < 0.15:
            return f"{{{value}{random.choice(('=', ' = '))}}}"
        if kind == "any" or random.random() < 0.3:
            return f"{{{value}{random.choice(('', '!r', '!s', '!a'))}}}"
        if random.random() < 0.2:
            return f"{{{value}!r:>{{{self._names_or('int', '7')} % 9}}}}"
        return f"{{{value}:{random.choice(_SPECS[kind])}}}"

    def _names_or(self, kind: str, otherwise: str) -> str:
        names = self.readable(kind)
        return self.random.choice(names) if names else otherwise

    def exception(self, own: int) -> str:
        """Return an exception to raise, known again by its text."""
        kind = self.random.choice(EXCEPTIONS)
        return self.random.choice((f"{kind}('own {own}')", f"{kind}('own {own}')", kind, f"{kind}('own', {own})"))


# What programs raise and catch. Of Python's own exceptions only the type is compared, so only these are looked into.
EXCEPTIONS = (
    *("ValueError", "KeyError", "IndexError", "TypeError", "ZeroDivisionError", "RuntimeError", "Exception"),
    *("AssertionError", "LookupError", "ArithmeticError", "StopIteration", "OSError", "NotImplementedError"),
    *("OverflowError", "AttributeError", "UnicodeError", "EOFError"),
)


def _fits(text: str, quotes: str) -> bool:
    # In Python 3.11 a field holds no quotes of its literal, no backslash, and no lambda or walrus without brackets.
    return quotes[0] not in text and "\\" not in text and "\n" not in text and "lambda" not in text and "#" not in text


def _int(random: Random) -> Piece:
    value = random.choice(
        (*map(str, range(10)), "12", "-1", "-7", "100", "255", "1_000", "0x1F", "0b101", "0o17", "2**40", "True")
    )
    return value, Level.ATOM if value == "True" else Level.SUM


def _text(random: Random) -> Piece:
    word = random.choice(WORDS)
    quotes = random.choice(("'", '"', '"""'))
    if random.random() < 0.1:
        return f"r'{word}'" if word.isalnum() else repr(word), Level.ATOM
    if random.random() < 0.1:
        return f"{word!r} {random.choice(WORDS)!r}", Level.ATOM
    return repr(word) if quotes in word or "\n" in word or word.endswith('"') else f"{quotes}{word}{quotes}", Level.ATOM


def choose(*choices: str, level: Level = Level.ATOM) -> Literals:
    """Return what makes one of these texts."""
    return lambda random: (random.choice(choices), level)


def _slice(random: Random) -> Piece:
    bound = ("", "", "0", "1", "2", "-1", "-2", "5", "None")
    step = random.choice(("", "", ":", ":2", ":-1", ":-2", ":0"))
    return f"{random.choice(bound)}:{random.choice(bound)}{step}", Level.ATOM


_FLOATS = ("0.5", "1.0", "-2.25", "1e3", "3.", ".5", "1_0.0_1", "1e-7", "123456.789", "-0.0", "1e300")

# Types of which there are only literals.
LITERALS: dict[str, Literals] = {
    "small": choose("0", "1", "2", "2", "3", "3", "4", "5", "-1", level=Level.SUM),
    "index": choose("0", "0", "1", "1", "-1", "-1", "2", "-2", "3", level=Level.SUM),
    "step": choose("1", "2", "3", "-1", "-2", level=Level.SUM),
    "width": choose("0", "3", "5", "8"),
    "char": choose("'a'", "'*'", "' '", "'é'", "'0'"),
    "digits": choose("'12'", "'-3'", "' 4 '", "'1_0'", "'007'", "'1.5'", "'1e3'", "'٣'"),
    "key": choose("'a'", "'a'", "'b'", "'b'", "'z'", "'k1'"),
    "pattern": choose(*_PATTERNS),
    "slice": _slice,
    "none": choose("None"),
    **{f"{kind}spec": choose(*(repr(spec) for spec in specs)) for kind, specs in _SPECS.items()},
}

_UNIONS: dict[str, tuple[str, ...]] = {"any": (*SHOWN, "int", "str"), "hash": ("int", "str", "bool", "float", "none")}

_SIMPLE: dict[str, Literals] = {
    "int": _int,
    "float": choose(*_FLOATS, level=Level.SUM),
    "bool": choose("True", "False"),
    "str": _text,
    "ints": choose("[1, 2, 3]", "[]", "[3, 1, 2, 1]", "[0]", "[-5, 10]", "[True, 2]"),
    "strs": choose("['a', 'b']", "[]", "['ab', '', 'B', 'a']", "['b']"),
    "list": choose("[1, 'a', None]", "[]", "[[1, 2], [3]]", "[(1, 'x'), {'a': 0}]", "[0.5, False]"),
    "tuple": choose("(1, 2)", "()", "(3,)", "(1, 'a', None)", "((1, 2), 3)"),
    "dict": choose("{'a': 1, 'b': 2}", "{}", "{'b': 0}", "{'k1': 5, 'a': -1, 'z': 3}"),
    "table": choose("{1: 'a', 'b': [2]}", "{}", "{(1, 2): None}", "{1: 2, True: 3, 1.0: 4}", "{None: {}}"),
    "set": choose("{1, 2, 3}", "set()", "{0}", "{5, 2, -1}", "frozenset({1, 4})"),
    "gen": choose("(x for x in [1, 2, 3])", "(x for x in range(4))", "iter([3, 1])"),
    "fn": choose("abs", "int", "bool", "(lambda x: x)", "(lambda x: 2 - x)"),
    "iter": choose("[1, 2, 3]", "range(3)", "range(2, -3, -2)", "(4, 5)"),
    "sized": choose("'abc'", "[1]", "()"),
}

_OPERATORS: dict[str, list[tuple[str, Level, str, str]]] = {
    "int": [
        *((op, Level.SUM, "int", "int") for op in ("+", "+", "-", "-")),
        *((op, Level.PRODUCT, "int", "int") for op in ("*", "//", "%")),
        ("**", Level.POWER, "small", "small"),
        ("<<", Level.SHIFT, "int", "width"),
        (">>", Level.SHIFT, "int", "small"),
        ("|", Level.BIT_OR, "int", "int"),
        ("^", Level.BIT_XOR, "int", "int"),
        ("&", Level.BIT_AND, "int", "int"),
        *((op, Level.UNARY, "int", "") for op in ("-", "~", "+")),
        ("and", Level.AND, "", ""),
        ("or", Level.OR, "", ""),
    ],
    "float": [
        *((op, Level.SUM, "float", "float") for op in ("+", "-")),
        *((op, Level.PRODUCT, "float", "int") for op in ("*", "/", "//", "%")),
        ("**", Level.POWER, "float", "small"),
        ("-", Level.UNARY, "float", ""),
    ],
    "bool": [
        ("and", Level.AND, "", ""),
        ("or", Level.OR, "", ""),
        ("not ", Level.NOT, "any", ""),
        ("^", Level.BIT_XOR, "bool", "bool"),
    ],
    "str": [("+", Level.SUM, "str", "str"), ("or", Level.OR, "", ""), ("and", Level.AND, "", "")],
    "ints": [("+", Level.SUM, "ints", "ints"), ("or", Level.OR, "", "")],
    "set": [(op, level, "set", "set") for op, level in (("|", Level.BIT_OR), ("&", Level.BIT_AND), ("-", Level.SUM))],
}
