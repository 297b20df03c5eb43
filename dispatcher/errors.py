"""Every exception that dispatcher raises on purpose.

DispatcherError
├── RulesError           the rules have errors; carries their diagnostics
├── SettingsError        a setting is unknown, malformed or missing
├── TicketError          a ticket file or body is not one JSON object
└── HaloError            Halo refused, failed or stayed away (dispatcher.halo.errors refines it)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dispatcher.lang.diagnostics import Diagnostic


class DispatcherError(Exception):
    """Base of all errors that a caller may want to catch; its text is written for people."""


class RulesError(DispatcherError):
    """Rules that cannot run, with all of their diagnostics in source order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        errors = [d for d in self.diagnostics if d.severity == "error"]
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.filename}:{first.line}:{first.column}: {first.message}{more}")


class SettingsError(DispatcherError):
    """A setting that stops the start; the text names its place and what to write."""


class TicketError(DispatcherError):
    """Input that is no ticket: not JSON, or not one object of named values."""


class HaloError(DispatcherError):
    """Halo did not do what it was asked; the text says what it answered and what to do."""
