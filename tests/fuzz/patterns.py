"""Random patterns of `case`."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

_VALUES = {
    "int": ("0", "1", "2", "-1", "3", "True", "0x10"),
    "str": ("'a'", "'ab'", "''", '"b" "a"', "'x'"),
    "float": ("0.5", "1.0", "-2.25", "1"),
}
_OTHER = ("None", "True", "False", "1", "'a'", "-0.5")


class Patterns:
    """Makes one pattern that suits a subject of some type, mostly, and binds each of `names` at most once."""

    def __init__(self, random: Random, names: Sequence[str], kind: str) -> None:
        self._random = random
        self._free = list(names)
        self._kind = kind

    def pattern(self) -> tuple[str, tuple[str, ...] | None]:
        """Return a pattern and the names that it binds; None in their place where it matches whatever there is."""
        before = list(self._free)
        text = self._pattern(2, self._kind)
        bound = tuple(name for name in before if name not in self._free)
        return text, None if text == "_" or text in before else bound

    def _pattern(self, depth: int, kind: str) -> str:
        random = self._random
        chosen = random.random()
        if chosen < 0.2:
            return self._capture()
        if depth > 0 and chosen < 0.3:
            inner = self._closed(depth - 1, kind)
            name = self._capture()
            return inner if name == "_" or inner == "_" or inner in self._names else f"{inner} as {name}"
        if depth > 0 and chosen < 0.4:
            return " | ".join(self._value(kind) for _ in range(random.randint(2, 3)))
        return self._closed(depth, kind)

    def _closed(self, depth: int, kind: str) -> str:
        if depth > 0 and kind in ("ints", "strs", "list", "tuple", "any"):
            return self._sequence(depth, {"ints": "int", "strs": "str"}.get(kind, "any"))
        if depth > 0 and kind in ("dict", "table"):
            return self._mapping(depth)
        return self._value(kind)

    def _value(self, kind: str) -> str:
        return self._random.choice(_VALUES.get(kind) or _OTHER)

    def _capture(self) -> str:
        if not self._free or self._random.random() < 0.3:
            return "_"
        return self._free.pop(self._random.randrange(len(self._free)))

    @property
    def _names(self) -> frozenset[str]:
        return frozenset({"v1", "v2", "v3"})

    def _sequence(self, depth: int, kind: str) -> str:
        random = self._random
        items = []
        for _ in range(random.randint(0, 3)):
            item = self._pattern(depth - 1, kind)
            items.append(f"({item})" if " as " in item and random.random() < 0.5 else item)
        if random.random() < 0.5:
            items.insert(random.randint(0, len(items)), f"*{self._capture()}")
        if random.random() < 0.4 and items:
            return f"({', '.join(items)},)"
        return f"[{', '.join(items)}]"

    def _mapping(self, depth: int) -> str:
        keys = self._random.sample(("'a'", "'b'", "'k1'", "1", "None", "-1"), self._random.randint(0, 2))
        entries = [f"{key}: {self._pattern(depth - 1, 'int')}" for key in keys]
        if self._random.random() < 0.4:
            name = self._capture()
            entries += [] if name == "_" else [f"**{name}"]
        return f"{{{', '.join(entries)}}}"
