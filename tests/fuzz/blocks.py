"""The state of a program that is being made, and the parts that its statements have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random

from dispatcher.lang.expression_writer import Level
from tests.fuzz.expressions import LITERALS, Expressions, Literals, Scope

Lines = list[str]

# What cannot follow on the line of another statement.
COMPOUND = ("if ", "for ", "while ", "def ", "try:", "match ", "else", "import ", "from ", "global ", "nonlocal ")


class Blocks:
    """Makes the parts of one program, from a seed."""

    def __init__(self, seed: int, size: int, literals: Mapping[str, Literals] = LITERALS) -> None:
        self._random = Random(seed)
        self._scope = Scope()
        self._expressions = Expressions(self._random, self._scope, literals)
        self._left = self._random.randint(size // 2, size * 2)
        self._functions = 0
        self._counters = 0
        self._depth = 0
        self._loops = 0
        # Of the function around: the type that it returns, and the names that it declares global.
        self._result: str | None = None
        self._globals: frozenset[str] = frozenset()
        self._handlers = 0
        self._raised = 0

    def _filled(self, template: str, depth: int = 1) -> str:
        """Return a template with random expressions in its holes."""
        text = ""
        while template:
            before, _, rest = template.partition("{")
            text += before
            if not rest:
                break
            hole, _, template = rest.partition("}")
            level = Level.PRIMARY if hole.endswith(".") else Level.BIT_OR if text.endswith("*") else Level.TEST
            text += self._expressions.at(level, hole.rstrip("."), depth)
        return text

    def _targets(self, template: str) -> tuple[str, list[str]] | None:
        """Return targets of an assignment and the names that it binds; None where too few may be bound."""
        text = ""
        bound: list[str] = []
        while template:
            before, _, rest = template.partition("{")
            text += before
            if not rest:
                break
            hole, _, template = rest.partition("}")
            if hole in ("index", "key", "slice"):
                text += self._expressions.test(hole, 0)
                continue
            names = [name for name in self._own(hole) if name not in bound]
            if not names:
                return None
            name = self._random.choice(names)
            text += name
            if not template.startswith("["):
                bound.append(name)
        return text, bound

    def _own(self, kind: str) -> list[str]:
        """Return the variables of a type that an assignment may bind here."""
        return [name for name in self._expressions.variables.get(kind, ()) if self._expressions.may_assign(name)]

    @contextmanager
    def _inside(self, *names: str) -> Iterator[None]:
        """Enter a block whose assignments may not have happened when it ends."""
        before = set(self._scope.bound)
        functions = list(self._scope.functions)
        self._scope.bound.update(names)
        yield
        if self._random.random() < 0.9:
            self._scope.bound &= before
        self._scope.functions = functions

    def _suite(self, head: str, block: Lines) -> Lines:
        """Return a compound statement, in some cases on one line."""
        one = block[0].strip()
        if len(block) == 1 and not one.startswith(COMPOUND) and self._random.random() < 0.3:
            return [f"{head}: {one}"]
        return [f"{head}:", *block]

    @contextmanager
    def _loop(self) -> Iterator[None]:
        self._loops += 1
        yield
        self._loops -= 1

    def _condition(self) -> str:
        return self._expressions.at(Level.NAMED, self._random.choice(("bool", "bool", "bool", "any")), 2)


def indented(lines: Lines) -> Lines:
    """Return lines that stand in a block."""
    return [f"    {line}" for line in lines]
