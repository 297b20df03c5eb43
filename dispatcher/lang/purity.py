"""Which expressions leave no trace when they fail: they bind nothing, change no value and use up no iterator.

Where a top-level statement fails before it had any effect, leaving it out needs no second run (see evaluator.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.lang import syntax
from dispatcher.lang.functions import FUNCTIONS
from dispatcher.lang.methods import MUTATORS
from dispatcher.lang.syntax import Expr

# Functions that make iterators, and those that use one up at once.
LAZY = frozenset({"map", "filter", "zip", "enumerate", "reversed"})
CONSUMERS = frozenset(
    {"all", "any", "dict", "frozenset", "len", "list", "max", "min", "set", "sorted", "str", "sum", "tuple"}
)
_LAZY_METHODS = frozenset({"finditer"})
# Methods and functions of modules that call what they are given.
_CALLING = frozenset({"sub", "subn", "indent"})
_WITH_EFFECT = frozenset({"print"})


def keeps_iterators(roots: Iterable[syntax.Node]) -> bool:
    """Tell whether a variable may hold an iterator, so that reading the variable could use it up.

    That is so where an iterator is made anywhere but as the argument of a function that consumes it, or as what a
    loop or a comprehension runs over.
    """
    pending = [(root, False) for root in roots]
    while pending:
        current, consumed = pending.pop()
        if _makes_iterator(current) and not consumed:
            return True
        parts = _consumed_parts(current, consumed)
        pending.extend((child, any(child is part for part in parts)) for child in syntax.children(current))
    return False


def _makes_iterator(current: syntax.Node) -> bool:
    match current:
        case syntax.Comprehension(kind="generator"):
            return True
        case syntax.Name(id=name):
            # Also as a value: it could be called under another name.
            return name in LAZY
        case syntax.Call(function=syntax.Attribute(name=name)):
            return name in _LAZY_METHODS
        case _:
            return False


def _consumed_parts(current: syntax.Node, consumed: bool) -> tuple[syntax.Node, ...]:
    """Return the parts of a node whose iterator, if it makes one, is used up at once."""
    match current:
        case syntax.Call(function=syntax.Name(id=name) as function) if name in LAZY and consumed:
            return (function,)
        case syntax.For(iterable=iterable) | syntax.ForClause(iterable=iterable):
            return (iterable,)
        case syntax.Call(function=syntax.Name(id=name), arguments=arguments) if name in CONSUMERS:
            return arguments
        case syntax.Call(function=syntax.Attribute(name="join"), arguments=arguments):
            return arguments
        case syntax.Argument(value=value) if consumed:
            return (value,)
        case _:
            return ()


def is_pure(expr: Expr, bound: frozenset[str]) -> bool:
    """Tell whether `expr` is pure in a file that keeps no iterators and binds the names `bound`."""
    pending: list[syntax.Node] = [expr]
    while pending:
        current = pending.pop()
        match current:
            case syntax.NamedExpression() | syntax.Lambda():
                return False
            case syntax.Call(function=syntax.Name(id=name), arguments=arguments):
                if name not in FUNCTIONS or name in bound or name in _WITH_EFFECT:
                    return False
                # A key function, or one given to `map`, may be the rule's own.
                if any(argument.name == "key" for argument in arguments) or name in ("map", "filter"):
                    return False
                pending.extend(arguments)
            case syntax.Call(function=syntax.Attribute(value=value, name=name), arguments=arguments):
                if name in MUTATORS or name in _CALLING:
                    return False
                pending.append(value)
                pending.extend(arguments)
            case syntax.Call():
                return False
            case _:
                pending.extend(syntax.children(current))
    return True
