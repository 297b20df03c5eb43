"""Makes a program smaller for as long as it keeps a property."""

from __future__ import annotations

import ast
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

SECONDS = 30.0

Change = Callable[[ast.Module], None]


def shrunk(program: str, keeps: Callable[[str], bool]) -> str:
    """Return a smaller program of which `keeps` holds, or the same."""
    best = program
    end = time.monotonic() + SECONDS
    # After a change that keeps the property, those before it have been tried on nearly the same program.
    first, progress = 0, True
    while progress or first:
        progress = False
        for number, change in enumerate(list(_changes(_tree(best)))):
            if number < first:
                continue
            if time.monotonic() > end:
                return best
            smaller = _applied(change, best)
            if len(smaller) < len(best) and keeps(smaller):
                best, first, progress = smaller, number, True
                break
        else:
            progress, first = first > 0, 0
    return best


def _tree(program: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(program)


def _applied(change: Change, program: str) -> str:
    tree = _tree(program)
    change(tree)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _changes(tree: ast.Module) -> Iterator[Change]:
    """Yield changes that leave less, those that leave much less first."""
    for number, body in enumerate(_bodies(tree)):
        size = len(body)
        while size:
            for start in range(0, len(body), size):
                yield partial(_remove, number=number, start=start, size=size)
            size //= 2
        for index, statement in enumerate(body):
            for block in range(len(list(_bodies(statement)))):
                yield partial(_unwrap, number=number, index=index, block=block)
    for number, node in enumerate(ast.walk(tree)):
        for name, value in ast.iter_fields(node):
            for less in _less(node, name, value):
                yield partial(_set, number=number, name=name, value=less)


def _less(node: ast.AST, name: str, value: object) -> Iterator[object]:
    """Yield what may stand in a field of a node in the place of `value`."""
    if isinstance(value, ast.expr):
        if name in _OPTIONAL:
            yield None
        if name != "format_spec":
            yield from _parts(value)
    elif isinstance(value, list) and value and not isinstance(value[0], ast.stmt):
        for index, item in enumerate(value):
            before, behind = value[:index], value[index + 1 :]
            if not isinstance(node, ast.Compare | ast.Dict | ast.arguments | ast.MatchMapping):
                yield [*before, *behind]
            for part in _parts(item) if isinstance(item, ast.expr) and not isinstance(node, ast.JoinedStr) else ():
                yield [*before, part, *behind]


def _bodies(root: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(root):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


def _remove(tree: ast.Module, *, number: int, start: int, size: int) -> None:
    """Take statements out of a block."""
    body = list(_bodies(tree))[number]
    body[start : start + size] = [] if len(body) > size or number == 0 else [ast.Pass()]


def _unwrap(tree: ast.Module, *, number: int, index: int, block: int) -> None:
    """Put a block in the place of the statement around it."""
    body = list(_bodies(tree))[number]
    body[index : index + 1] = list(_bodies(body[index]))[block]


def _set(tree: ast.Module, *, number: int, name: str, value: object) -> None:
    """Replace a part of a node."""
    node = next(node for index, node in enumerate(ast.walk(tree)) if index == number)
    setattr(node, name, value)


_OPTIONAL = ("cause", "msg", "guard", "step", "lower", "upper", "format_spec")


def _parts(expression: ast.expr) -> Iterator[ast.expr]:
    if isinstance(expression, ast.Constant | ast.Name) or not isinstance(getattr(expression, "ctx", None), _READ):
        return
    yield from (part for part in ast.iter_child_nodes(expression) if isinstance(part, ast.expr))
    yield from (ast.Constant(value) for value in (0, ""))


_READ = (ast.Load, type(None))
