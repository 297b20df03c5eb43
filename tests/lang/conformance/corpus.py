"""Reads and writes the corpus: small programs, each with what CPython makes of it.

A file is a preamble, then cases:

    === title
    program
    ---
    variable = repr of its value
    not data: variables with other values, which a decision may show as it likes
    print: repr of what was printed
    fault: exception type, line of the program

Layout can be made visible: in programs ␠ stands for a space, ␉ for a tab, ␍ for a carriage return,
␌ for a form feed, and ␄ at the end for a text that stops there, with no line end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent

_STAND_INS = str.maketrans({"␠": " ", "␉": "\t", "␍": "\r", "␌": "\f"})
_TITLE = "=== "
_DIVIDER = "---\n"
_NOT_DATA = "not data: "


@dataclass(frozen=True, slots=True)
class Case:
    """One program and the expected result, both as they stand in the file."""

    area: str
    title: str
    text: str
    expected: str

    @property
    def program(self) -> str:
        """The rules to run, with control characters in place of their stand-ins."""
        return self.text.removesuffix("␄\n").translate(_STAND_INS)

    @property
    def not_data(self) -> list[str]:
        """The variables whose values are not compared."""
        lines = [line for line in self.expected.splitlines() if line.startswith(_NOT_DATA)]
        return lines[0].removeprefix(_NOT_DATA).split(", ") if lines else []

    def __str__(self) -> str:
        return f"{self.area}: {self.title}"


def read_corpus() -> list[Case]:
    """Return the cases of all files; titles are unique within a file."""
    return [case for path in sorted(CORPUS.glob("*.txt")) for case in read_cases(path)]


def read_cases(path: Path) -> list[Case]:
    """Return the cases of one file, in order; one without a divider expects nothing yet."""
    cases: dict[str, Case] = {}
    for chunk in _chunks(path)[1:]:
        title, _, rest = chunk.partition("\n")
        text, _, expected = rest.partition(_DIVIDER)
        if title in cases:
            raise ValueError(f"{path.name}: two cases have the title {title!r}")
        cases[title] = Case(path.stem, title, text.rstrip("\n") + "\n", expected.strip("\n"))
    return list(cases.values())


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Rewrite the file with these cases below its present preamble."""
    chunks = [_chunks(path)[0].rstrip("\n") + "\n"]
    for case in cases:
        expected = case.expected + "\n" if case.expected else ""
        chunks.append(f"{_TITLE}{case.title}\n{case.text}{_DIVIDER}{expected}")
    path.write_text("\n".join(chunks), encoding="utf-8", newline="\n")


def with_expected(case: Case, expected: str) -> Case:
    """Return the case with another expected result."""
    return replace(case, expected=expected)


def describe(variables: Mapping[str, Any], printed: str, faults: Iterable[tuple[str, int]]) -> str:
    """Return a result in the words of the corpus."""
    rendered = {name: render(value) for name, value in sorted(variables.items())}
    lines = [f"{name} = {text}" for name, text in rendered.items() if text is not None]
    if None in rendered.values():
        lines.append(_NOT_DATA + ", ".join(name for name, text in rendered.items() if text is None))
    if printed:
        lines.append(f"print: {printed!r}")
    lines.extend(f"fault: {kind}, line {line}" for kind, line in faults)
    return "\n".join(lines)


def render(value: Any) -> str | None:
    """Return the repr of plain data, sets in a fixed order; None for any other value or what holds one."""
    kind = type(value)
    if kind in (type(None), bool, int, float, str):
        return repr(value)
    if kind is dict:
        keys, values = _render_all(value), _render_all(value.values())
        if keys is None or values is None:
            return None
        return "{" + ", ".join(f"{key}: {item}" for key, item in zip(keys, values, strict=True)) + "}"
    if kind not in (list, tuple, set, frozenset):
        return None
    items = _render_all(value)
    if items is None:
        return None
    if kind is list:
        return f"[{', '.join(items)}]"
    if kind is tuple:
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if not items:
        return f"{kind.__name__}()"
    braces = f"{{{', '.join(sorted(items))}}}"
    return braces if kind is set else f"frozenset({braces})"


def _render_all(values: Iterable[Any]) -> list[str] | None:
    rendered = [render(value) for value in values]
    texts = [text for text in rendered if text is not None]
    return texts if len(texts) == len(rendered) else None


def _chunks(path: Path) -> list[str]:
    """Split at the title lines; the first chunk is the preamble."""
    preamble, *chunks = ("\n" + path.read_text(encoding="utf-8")).split("\n" + _TITLE)
    return [preamble.lstrip("\n"), *chunks]
