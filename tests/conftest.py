"""What all tests share: golden files and how to rewrite them, and databases of a PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dispatcher.lang import compiler
from dispatcher.lang.compiler import Options

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

# What files mean is the same, however they are compiled.
COMPILED = {
    "by-size": Options(),
    "whole": Options(fused=True),
    "by-statement": Options(fused=False),
    "without-index": Options(fused=False, index=False),
    "without-idioms": Options(idioms=False),
}
GOLDEN = Path(__file__).parent / "golden"
_NUMBERS = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden and tests/lang/corpus; read the diff"
    )
    parser.addoption(
        "--compiled",
        choices=sorted(COMPILED),
        default="by-size",
        help="compile all rules in one way: by-size is the usual one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Compile all rules as the command line asks."""
    compiler.DEFAULT = COMPILED[config.getoption("--compiled")]


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether expected results are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def golden(update_golden: bool) -> Callable[[str, str], None]:
    """Return a function that compares a text with a file of tests/golden."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update_golden:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_bytes().decode("utf-8")

    return compare


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, shared by the tests of a process."""
    # Imported by those who need it: nearly all tests run without.
    from tests.postgres import UnavailableError, postgres_server

    try:
        with postgres_server() as server:
            yield server
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def postgresql(postgres: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database, which is removed after the test."""
    name = f"test_{next(_NUMBERS)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)
