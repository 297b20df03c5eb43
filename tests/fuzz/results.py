"""What a program gave, here or in CPython, in words that can be compared. Imports nothing of the product."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 30
MAX_VALUES = 20_000
# Of these, the values of rules have their own classes.
_TYPES = ("type", "ABCMeta")
_MODULES = ("module",)
_FUNCTIONS = ("builtin_function_or_method",)


@dataclass(frozen=True, slots=True)
class Result:
    """The variables of a program that ran, each as text; what it printed; type and line of each fault."""

    variables: Mapping[str, str]
    prints: str
    faults: tuple[tuple[str, int], ...]

    def words(self) -> str:
        """Return the result as lines."""
        lines = [f"{name} = {value}" for name, value in sorted(self.variables.items())]
        lines += [f"prints {self.prints!r}"] if self.prints else []
        return "\n".join([*lines, *(f"fault {kind}, line {line}" for kind, line in self.faults)])


def told(value: Any) -> str:
    """Return a value as text: exact for data, sets in one order, and no more than its kind for anything else."""
    return _Teller().told(value)


class _Teller:
    """Tells one value; of one that holds itself, or holds very much, only the beginning."""

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._around: list[int] = []

    def told(self, value: Any) -> str:
        """Return a value, or a part of it, as text."""
        kind = type(value)
        self._left -= 1
        if value is None or kind in (bool, int, float, str):
            return repr(value)
        if self._left < 0 or len(self._around) > MAX_DEPTH or id(value) in self._around:
            return "..."
        self._around.append(id(value))
        text = self._collection(value, kind)
        self._around.pop()
        return _other(value, kind) if text is None else text

    def _collection(self, value: Any, kind: type) -> str | None:
        if isinstance(value, dict):
            entries = [f"{self.told(key)}: {self.told(item)}" for key, item in value.items()]
            return f"{kind.__name__}{{{', '.join(entries)}}}"
        if isinstance(value, list | tuple | KeysView | ValuesView | ItemsView) or kind.__name__ == "deque":
            return f"{kind.__name__}[{', '.join([self.told(item) for item in value])}]"
        if isinstance(value, set | frozenset):
            return f"{kind.__name__}{{{', '.join(sorted([self.told(item) for item in value]))}}}"
        return None


def _other(value: Any, kind: type) -> str:
    if isinstance(value, BaseException):
        own = any(isinstance(argument, str) and "own" in argument for argument in value.args)
        return f"<{kind.__name__}{told(value.args) if own else ''}>"
    if kind.__name__ in _TYPES:
        return "<type>"
    if kind.__name__ in _MODULES:
        return "<module>"
    if kind.__name__ in _FUNCTIONS or callable(value):
        return "<function>"
    if isinstance(value, Iterator):
        return "<iterator>"
    if kind.__name__ in ("Match", "Pattern"):
        return f"<{kind.__name__}>"
    return repr(value)
