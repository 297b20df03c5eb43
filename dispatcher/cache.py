"""Cache: a folder that keeps what was found out of long rule files, so that a new process need not read them again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.lang import stored

if TYPE_CHECKING:
    from dispatcher.lang.facts import Facts
    from dispatcher.lang.schema import Schema
    from dispatcher.lang.source import Source


class Cache:
    """A folder of facts. Whatever goes wrong with it, rules are read as if there were none."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def get(self, source: Source, schema: Schema) -> list[Facts] | None:
        """Return the facts of a file, or None."""
        try:
            return stored.load(self._path(source, schema).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def put(self, source: Source, schema: Schema, facts: Sequence[Facts]) -> None:
        """Keep the facts of a file."""
        import tempfile  # who reads a cache needs it not

        try:
            text = stored.dump(facts)
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".facts-")
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(text)
                Path(name).replace(self._path(source, schema))
            except OSError:
                Path(name).unlink(missing_ok=True)
        except (OSError, ValueError):
            return

    def _path(self, source: Source, schema: Schema) -> Path:
        return self._folder / f"{stored.key(source, schema)}.json"
