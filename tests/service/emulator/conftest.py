"""What the tests of the emulator share: one event loop, and a clock that stands still until it is moved."""

from __future__ import annotations

import pytest

from tests.service.emulator.client import Clock


@pytest.fixture
def anyio_backend() -> str:
    """The service runs on asyncio, and nothing else."""
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    """A clock at a fixed moment."""
    return Clock()
