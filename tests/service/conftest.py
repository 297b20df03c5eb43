"""What every test of the service starts from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.delivery import Delivery
from service.settings import DeliverySection
from service.store import Store
from tests.service.fakes import FakeHalo


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DISPATCHER_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def used_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which an engine ran before, to be copied: the first run looks for work only after a second."""
    from service.engine import Engine

    path = tmp_path_factory.mktemp("used") / "dispatcher.db"
    store = Store(f"sqlite:///{path}")
    store.open()
    settings = DeliverySection(poll_seconds=0.02)
    engine = Engine(store, Delivery(store, FakeHalo().writer, settings, {}), settings)
    engine.start()
    engine.stop()
    store.close()
    return path
