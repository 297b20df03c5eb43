"""Analysis: all that is known of one version of a file. Made off the loop, since a long file takes a second."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from dispatcher.checking import checked_source
from dispatcher.lang.diagnostics import MAX_DIAGNOSTICS, Diagnostic
from dispatcher.lang.schema import Schema
from dispatcher.lang.source import Source
from dispatcher.lsp.symbols import Symbols
from dispatcher.lsp.tokens import Tokens

if TYPE_CHECKING:
    from dispatcher.lsp.workspaces import Halo


class Analysis:
    """One version of a file with its checked tree and its diagnostics; `halo` tells which names Halo knows."""

    def __init__(self, source: Source, schema: Schema, halo: Halo | None = None) -> None:
        self.source = source
        self.schema = schema
        self.halo = halo
        self.checked, self.diagnostics = checked_source(source, schema)
        if halo is not None and not any(problem.severity == "error" for problem in self.diagnostics):
            self.diagnostics += _unknown_names(source, schema, halo)

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens of the file, comments among them."""
        return Tokens(self.source.text)

    @cached_property
    def symbols(self) -> Symbols:
        """Where the names of the file are bound and read."""
        return Symbols(self.source, self.checked.module, dict(self.checked.schema.aliases))


def _unknown_names(source: Source, schema: Schema, halo: Halo) -> list[Diagnostic]:
    """Return the names in a file that cannot be filed, by a snapshot of Halo.

    What other files and defaults may set, such as the ticket type of a priority, is left to `check --live`.
    """
    from dispatcher.live.checking import Defaults, check_names

    lock = halo.lock if halo.lock is not None and halo.lock.is_of(halo.snapshot.halo) else None
    found = check_names([source], schema, Defaults({}), halo.snapshot.lookups(), lock, alone=False)
    report = asyncio.run(found)
    return [problem for problem in report.diagnostics if problem.severity == "error"][:MAX_DIAGNOSTICS]
