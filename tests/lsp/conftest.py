"""An editor with a folder, for each test; starting the server takes a second, so most tests of a module share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lsp.client import Editor


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor with an empty folder."""
    with Editor(tmp_path_factory.mktemp("rules")) as found:
        yield found
        assert found.log == b""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    return tmp_path
