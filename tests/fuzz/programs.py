"""Random programs: statements of every kind around the random expressions, mostly such that they run to their end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from dispatcher.lang.expression_writer import Level
from tests.fuzz.blocks import COMPOUND, Blocks, Lines, indented
from tests.fuzz.expressions import (
    EXCEPTIONS,
    SHOWN,
    TICKET_VARIABLES,
    Signature,
)
from tests.fuzz.patterns import Patterns
from tests.fuzz.statement_tables import AUGMENTED, CHANGES, LOOPS, REMOVALS, UNPACKINGS
from tests.fuzz.templates import modules

# Blocks in blocks; each adds a level to all that is in it.
DEEPEST = 4
_WORD = re.compile(r"\w+")


class Programs(Blocks):
    """Makes one program from a seed."""

    def program(self) -> str:
        """Return the program."""
        random = self._random
        first = {name: self._literal(kind) for kind, names in self._expressions.variables.items() for name in names}
        self._scope.bound.update(first)
        lines: Lines = []
        for _ in range(random.randint(0, 3)):
            lines += self._function()
        while self._left > 0:
            lines += self._statement()
        lines.append(f"rest = list({self._expressions.variables['gen'][0]})")
        heads = [f"random.seed({random.randint(0, 99)})"] if any("random" in line for line in lines) else []
        return with_heads(first, heads + lines)

    def endless(self, first: Mapping[str, str], before: str) -> str:
        """Return a program that goes on for ever over the variables of `first`, and runs `before` before that."""
        self._scope.bound.update(first)
        self._loops = 1
        return with_heads(first, [before, "while True:", *self._block()])

    def _literal(self, kind: str) -> str:
        if kind == "any":
            kind = self._random.choice(SHOWN)
        return self._expressions.test(kind, 0) if kind == "none" else self._expressions.simple(kind)[0]

    def _block(self) -> Lines:
        """Return the lines of a block, indented."""
        lines: Lines = []
        self._depth += 1
        for _ in range(self._random.choice((1, 1, 2, 2, 3))):
            lines += self._statement()
        self._depth -= 1
        return indented(lines)

    # --- statements

    def _statement(self) -> Lines:
        self._left -= 1
        small = self._left <= 0 or self._depth >= DEEPEST
        makers = _SIMPLE if small else _ALL
        lines = self._random.choices([maker for maker, _ in makers], [weight for _, weight in makers])[0](self)
        if len(lines) == 1 and not lines[0].startswith(COMPOUND) and self._random.random() < 0.04:
            more = self._assignment()
            return [f"{lines[0]}; {more[0]}"] if len(more) == 1 else lines + more
        return lines

    def _assignment(self) -> Lines:
        kind = self._random.choice([kind for kind in self._expressions.variables if self._own(kind)] or ["int"])
        names = self._own(kind)
        if not names:
            return ["pass"]
        name = self._random.choice(names)
        value = self._expressions.test(kind, 3)
        self._scope.bound.add(name)
        return [f"{name} = {value}"]

    def _augmented(self) -> Lines:
        kind = self._random.choice(list(AUGMENTED))
        names = [name for name in self._own(kind) if name in self._scope.bound]
        if not names:
            return self._assignment()
        return [f"{self._random.choice(names)} {self._random.choice(AUGMENTED[kind])} {self._expressions.test(kind)}"]

    def _change(self) -> Lines:
        kind, change = self._random.choice(CHANGES)
        names = self._expressions.readable(kind)
        if not names:
            return self._assignment()
        return [self._random.choice(names) + self._filled(change)]

    def _removal(self) -> Lines:
        if self._random.random() < 0.2:
            names = [name for name in self._scope.bound - set(TICKET_VARIABLES) if self._expressions.may_assign(name)]
            if names:
                gone = self._random.choice(sorted(names))
                self._scope.bound.discard(gone)
                return [f"del {gone}"]
        kind, removal = self._random.choice(REMOVALS)
        names = self._expressions.readable(kind)
        return [f"del {self._random.choice(names)}{self._filled(removal)}"] if names else ["pass"]

    def _unpacking(self) -> Lines:
        template, values = self._random.choice(UNPACKINGS)
        found = self._targets(template)
        if found is None:
            return self._assignment()
        text, bound = found
        value = self._filled(self._random.choice(values))
        self._scope.bound.update(bound)
        return [f"{text} = {value}"]

    def _print(self) -> Lines:
        shown = ", ".join(self._expressions.test("any") for _ in range(self._random.randint(1, 2)))
        named = self._random.choice(("", "", "", ", sep=", ", end="))
        return [f"print({shown}{named}{self._expressions.test('str', 0) if named else ''})"]

    def _expression(self) -> Lines:
        if self._scope.functions and self._random.random() < 0.7:
            return [self._expressions.call(self._random.choice(self._scope.functions))]
        return [self._expressions.at(Level.TEST, self._random.choice(("any", "int", "str")))]

    def _if(self) -> Lines:
        lines: Lines = []
        for word in ("if", *["elif"] * self._random.choice((0, 0, 1, 2))):
            head = f"{word} {self._condition()}"
            with self._inside():
                lines += self._suite(head, self._block())
        if self._random.random() < 0.5:
            with self._inside():
                lines += self._suite("else", self._block())
        return lines

    def _for(self) -> Lines:
        targets, values = self._random.choice(LOOPS)
        found = self._targets(targets)
        if found is None:
            return self._assignment()
        text, bound = found
        lines = [f"for {text} in {self._filled(values)}:"]
        with self._inside(*bound), self._loop():
            lines += self._block()
        return lines + self._else()

    def _while(self) -> Lines:
        self._counters += 1
        counter = f"turn{self._counters}"
        head = f"while {counter} < {self._random.randint(1, 4)}"
        if self._random.random() < 0.4:
            head += f" and {self._expressions.at(Level.NOT, 'bool')}"
        with self._inside(), self._loop():
            lines = [f"{counter} = 0", f"{head}:", f"    {counter} += 1", *self._block()]
        return lines + self._else()

    def _else(self) -> Lines:
        if self._random.random() < 0.75:
            return []
        with self._inside():
            return ["else:", *self._block()]

    def _jump(self) -> Lines:
        if self._loops == 0:
            return self._return()
        word = self._random.choice(("break", "continue"))
        return [f"if {self._condition()}: {word}"] if self._random.random() < 0.8 else [word]

    def _return(self) -> Lines:
        if self._result is None:
            return self._print()
        value = f"return {self._expressions.test(self._result)}"
        return [f"if {self._condition()}: {value}"] if self._random.random() < 0.7 else [value]

    def _pass(self) -> Lines:
        return [self._random.choice(("pass", "pass  # nothing", "'a text'"))]

    def _raise(self) -> Lines:
        self._raised += 1
        error = self._expressions.exception(self._raised)
        if self._random.random() < (0.3 if self._handlers else 0.1):
            error = ""
        elif self._random.random() < 0.2:
            error = f"{error} from {self._random.choice(('None', 'KeyError(1)', 'ValueError'))}"
        statement = f"raise {error}".rstrip()
        return [f"if {self._condition()}: {statement}"] if self._random.random() < 0.8 else [statement]

    def _assert(self) -> Lines:
        message = self._random.choice(("", ", 'own'"))
        return [f"assert {self._expressions.test('bool')}{message}"]

    def _try(self) -> Lines:
        random = self._random
        with self._inside():
            lines = ["try:", *self._block()]
        handlers = random.choice((0, 1, 1, 1, 2, 3))
        named = False
        for number in range(handlers):
            bare = number == handlers - 1 and random.random() < 0.3
            kind = "" if bare else f" {self._caught()}"
            look = self._look() if kind and random.random() < 0.6 else []
            named = named or bool(look)
            self._handlers += 1
            with self._inside():
                lines += [f"except{kind}{' as err' if look else ''}:", *indented(look), *self._block()]
            self._handlers -= 1
        if handlers and random.random() < 0.3:
            with self._inside():
                lines += ["else:", *self._block()]
        if not handlers or random.random() < 0.3:
            with self._inside():
                lines += ["finally:", *self._block()]
        return [*lines, "print(isinstance(err, LookupError))"] if named and random.random() < 0.1 else lines

    def _caught(self) -> str:
        """Return what a handler catches; what is no exception type is an error only where there is one to catch."""
        if self._random.random() < 0.05:
            return self._random.choice(
                ("(KeyError, (ValueError, TypeError))", "'text'", "(LookupError, 1)", "()", "int")
            )
        kinds = self._random.sample(EXCEPTIONS, 3)
        return self._random.choice((kinds[0], f"({', '.join(kinds)})", "Exception", "LookupError", "ArithmeticError"))

    def _look(self) -> Lines:
        """Return what a handler does with its exception; the text of Python's own ones may differ."""
        look = self._random.choice(
            (
                "print(isinstance(err, LookupError), isinstance(err, (ValueError, TypeError)))",
                "print(err.args if 'own' in str(err) else 0)",
                "print(repr(err) if 'own' in str(err) else 0)",
                "print(f'{err}' if 'own' in str(err) else 0)",
                "raise",
                "raise err",
                "raise RuntimeError('own again') from err",
                "print(type(err) is ValueError, err == err)",
                "del err",
            )
        )
        return [look]

    def _match(self) -> Lines:
        kind = self._random.choice(("int", "str", "ints", "strs", "list", "tuple", "dict", "table", "any", "float"))
        lines = [f"match {self._expressions.at(Level.NAMED, kind)}:"]
        for number in range(self._random.randint(1, 4)):
            pattern, captured = Patterns(self._random, self._own("any"), kind).pattern()
            guard = f" if {self._condition()}" if self._random.random() < 0.25 else ""
            if not guard and captured is None and number:
                break
            with self._inside(*(captured or ())):
                lines += [f"    case {pattern}{guard}:", *indented(self._block())]
            if captured is None and not guard:
                break
        return lines

    # --- functions

    def _function(self) -> Lines:
        random = self._random
        if random.random() < 0.15:
            return self._recursive()
        if random.random() < 0.15:
            return self._counter()
        self._functions += 1
        name = f"func{self._functions}"
        result = random.choice(("int", "int", "str", "ints", "bool", "list", "dict"))
        signature, parameters, bound = self._parameters(name, result)
        variables = self._expressions.variables
        local = {random.choice(variables[kind]) for kind in random.sample(list(variables), 6)} | set(bound)
        declared: list[str] = []
        heads: Lines = []
        if random.random() < 0.3:
            declared = random.sample([name for names in variables.values() for name in names if name not in bound], 2)
            heads.append(f"global {', '.join(declared)}")
        elif random.random() < 0.6 and self._scope.assignable is not None:
            own = sorted(self._scope.assignable & self._scope.bound - set(bound) - self._globals)
            if own:
                declared = [random.choice(own)]
                heads.append(f"nonlocal {declared[0]}")
        outside = replace(self._scope)
        before = (self._loops, self._result, self._handlers, self._globals)
        self._globals = frozenset(declared) if heads and heads[0].startswith("global") else frozenset()
        self._scope.assignable = frozenset(local) | frozenset(declared)
        self._scope.bound = (self._scope.bound - local) | set(bound) | (set(declared) & self._scope.bound)
        self._scope.functions = list(self._scope.functions)
        self._loops, self._result, self._handlers = 0, result, 0
        body = [*indented(heads), *self._block(), f"    return {self._expressions.test(result)}"]
        self._loops, self._result, self._handlers, self._globals = before
        self._scope.assignable, self._scope.bound = outside.assignable, outside.bound
        self._scope.functions = [*outside.functions, signature]
        return [f"def {name}({parameters}):", *body]

    def _parameters(self, name: str, result: str) -> tuple[Signature, str, list[str]]:
        random = self._random
        kinds = [random.choice(("int", "str", "ints", "dict", "float")) for _ in range(random.randint(0, 3))]
        names: list[str] = []
        for kind in kinds:
            free = [name for name in self._expressions.variables[kind] if name not in names]
            names.append(random.choice(free or [f"arg{len(names)}"]))
        parts = list(names)
        optional = random.randint(0, len(names)) if random.random() < 0.5 else 0
        for index in range(len(names) - optional, len(names)):
            parts[index] += f"={self._expressions.test(kinds[index], 1)}"
        if parts and random.random() < 0.15:
            parts.insert(random.randint(1, len(parts)), "/")
        star = random.random() < 0.25
        named: list[tuple[str, str]] = []
        if star:
            parts.append("*c1")
            names.append("c1")
        if random.random() < 0.25 and "b" not in names:
            parts += [] if star else ["*"]
            parts.append(random.choice(("b", "b=True")))
            named = [("b", "bool")]
            names.append("b")
        double = random.random() < 0.2 and "e" not in names
        if double:
            parts.append("**e")
            names.append("e")
        return Signature(name, result, tuple(kinds), tuple(named), star, double, optional), ", ".join(parts), names

    def _recursive(self) -> Lines:
        self._functions += 1
        name = f"func{self._functions}"
        kind = self._random.choice(("int", "str", "ints"))
        step = {"int": "{} + num", "str": "{} + str(num)", "ints": "[num, *{}]"}[kind].format(f"{name}(num - 1)")
        base = self._expressions.simple(kind)[0]
        self._scope.functions.append(Signature(name, kind, ("small",)))
        return [f"def {name}(num):", "    if num <= 0:", f"        return {base}", f"    return {step}"]

    def _counter(self) -> Lines:
        self._functions += 1
        name = f"func{self._functions}"
        if not self._own("fn"):
            return ["pass"]
        return [
            f"def {name}(total={self._expressions.simple('int')[0]}, seen=[]):",
            "    def add(x, *, by=1):",
            "        nonlocal total",
            f"        total {self._random.choice(('+=', '-='))} x * by",
            "        seen.append(x)",
            f"        return total + len(seen){self._random.choice(('', ' // x'))}",
            "    return add",
            f"{self._random.choice(self._own('fn'))} = {name}({self._random.choice(('', '5', 'seen=[1]'))})",
        ]


def with_heads(first: Mapping[str, str], lines: Lines) -> str:
    """Return a program that begins with the imports and the assignments that it needs."""
    used = set(_WORD.findall("\n".join([*lines, *first.values()])))
    imports = [f"import {module}" for module in modules() if module in used]
    assignments = [f"{name} = {value}" for name, value in first.items() if name in used]
    return "\n".join([*imports, *assignments, *lines]) + "\n"


Maker = Callable[[Programs], Lines]
# Weights say how often a kind of statement comes.
_SIMPLE: tuple[tuple[Maker, int], ...] = (
    (Programs._assignment, 20),
    (Programs._augmented, 8),
    (Programs._change, 10),
    (Programs._removal, 4),
    (Programs._unpacking, 7),
    (Programs._print, 8),
    (Programs._expression, 5),
    (Programs._jump, 5),
    (Programs._pass, 1),
    (Programs._raise, 2),
    (Programs._assert, 2),
)
_ALL: tuple[tuple[Maker, int], ...] = (
    *_SIMPLE,
    (Programs._if, 9),
    (Programs._for, 8),
    (Programs._while, 4),
    (Programs._function, 4),
    (Programs._try, 8),
    (Programs._match, 6),
)


def program(seed: int, size: int = 14) -> str:
    """Return the program of a seed."""
    return Programs(seed, size).program()
