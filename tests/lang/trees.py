"""A syntax tree as an s-expression, for people to read; positions are left out."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.lang import syntax

WIDTH = 100


def show(tree: object, indent: int = 0) -> str:
    """Return the node as `(Kind field ...)`: on one line where it fits, else with each field on its own."""
    flat = _flat(tree)
    if len(flat) + indent <= WIDTH or not isinstance(tree, syntax.Node | tuple):
        return flat
    inner = " " * (indent + 2)
    parts = [show(part, indent + 2) for part in _parts(tree)]
    if isinstance(tree, syntax.Node):
        return "(" + type(tree).__name__ + "".join(f"\n{inner}{part}" for part in parts) + ")"
    return "[" + "".join(f"\n{inner}{part}" for part in parts) + "]"


def _flat(tree: object) -> str:
    match tree:
        case syntax.Constant(value=value):
            return repr(value)
        case syntax.Node():
            return "(" + " ".join([type(tree).__name__, *map(_flat, _parts(tree))]) + ")"
        case tuple():
            return "[" + " ".join(map(_flat, tree)) + "]"
        case None:
            return "-"
        case _:
            return repr(tree)


def _parts(tree: object) -> list[object]:
    if isinstance(tree, tuple):
        return list(tree)
    assert isinstance(tree, syntax.Node)
    return [getattr(tree, name) for name in syntax.part_names(tree)]


def without_places(tree: object) -> object:
    """Return the tree as nested tuples of kinds and values, to compare two wherever they stand."""
    if isinstance(tree, syntax.Node):
        return (type(tree).__name__, type(getattr(tree, "value", None)).__name__, *map(without_places, _parts(tree)))
    if isinstance(tree, tuple):
        return tuple(map(without_places, tree))
    return tree


def nodes_below(root: syntax.Node) -> Iterator[syntax.Node]:
    """Yield `root` and all nodes below it."""
    pending = [root]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(syntax.children(current))
