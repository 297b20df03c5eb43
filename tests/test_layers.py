"""Each layer imports only from those below it, and each outside library has one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the bottom up; a module belongs to the last layer that its name begins with.
LAYERS = (
    ("grammar",),
    ("dispatcher.errors", "dispatcher.plain", "dispatcher.lang"),
    ("dispatcher.cache", "dispatcher.tickets", "dispatcher.decisions"),
    ("dispatcher.checking",),
    ("dispatcher.ruleset",),
    ("dispatcher.halo",),
    ("dispatcher.dispatch", "dispatcher.history", "dispatcher.replay", "dispatcher.tracing"),
    ("dispatcher.audit", "dispatcher.backtest", "dispatcher.explain", "dispatcher.live", "dispatcher.testing"),
    ("dispatcher.render", "dispatcher.reference", "dispatcher.arguments"),
    ("service",),
    ("dispatcher.cli", "dispatcher.commands", "dispatcher.lsp"),
)
DOORS = {
    "lark": ("grammar.tabulate",),
    "httpx": ("dispatcher.halo", "service.alerts"),
    "pydantic": ("dispatcher.halo", "service"),
    "pydantic_core": ("dispatcher.halo", "service"),
    "fastapi": ("service",),
    "starlette": ("service",),
    "sqlalchemy": ("service",),
    "prometheus_client": ("service.metrics",),
    "rich": ("dispatcher.render", "service"),
    "watchfiles": ("dispatcher.commands.test",),
    "pygls": ("dispatcher.lsp",),
    "lsprotocol": ("dispatcher.lsp",),
}
FILES = sorted(path for top in ("grammar", "dispatcher", "service") for path in (ROOT / top).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield the names of all modules that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, package: str) -> bool:
    """Tell whether a module is a package or inside it."""
    return module == package or module.startswith(package + ".")


def layer(module: str) -> int | None:
    """Return the number of a module's layer, or None for what is in none."""
    found = [number for number, names in enumerate(LAYERS) if any(within(module, name) for name in names)]
    return max(found, default=None)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_down(path: Path) -> None:
    """No module imports from a layer above its own."""
    own = layer(name_of(path))
    above = {name for name in imported(path) if own is not None and (layer(name) or 0) > own}

    assert above == set()


def test_every_module_has_a_layer() -> None:
    """Only the package itself, and what runs it as a program, stand outside the layers."""
    outside = {name_of(path) for path in FILES if layer(name_of(path)) is None}

    assert outside == {"dispatcher", "dispatcher.__main__"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_libraries_have_one_door(path: Path) -> None:
    """A library is imported only where its door is."""
    module = name_of(path)
    strange = {
        name
        for name in imported(path)
        for library, doors in DOORS.items()
        if within(name, library) and not any(within(module, door) for door in doors)
    }

    assert strange == set()


def test_evaluation_knows_no_earlier_stage() -> None:
    """The evaluator imports neither parser, checker nor compiler."""
    names = set(imported(ROOT / "dispatcher" / "lang" / "evaluator.py"))

    assert names.isdisjoint({f"dispatcher.lang.{stage}" for stage in ("parser", "checker", "compiler")})
