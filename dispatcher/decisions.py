"""What the rules decided for one ticket, as data: to print, test, store and file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from dispatcher.plain import Room, to_json_safe


@dataclass(frozen=True, slots=True)
class Change:
    """One write to a ticket variable that changed its value."""

    variable: str
    file: str
    line: int
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule (a top-level statement that can act), known by its first line and its title comment."""

    file: str
    line: int
    title: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a top-level statement counts as absent: an uncaught exception, or a limit."""

    kind: Literal["error", "limit"]
    type: str
    message: str
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer for one ticket. Values are plain Python data; `to_dict` makes them JSON.

    `action_variables` holds all ticket variables, `other_variables` what the rules made for themselves.
    """

    action_variables: dict[str, Any]
    other_variables: dict[str, Any]
    changes: tuple[Change, ...]
    fired: tuple[RuleOutcome, ...]
    not_fired: tuple[RuleOutcome, ...]
    faults: tuple[Fault, ...]
    refused: str | None
    prints: str
    steps: int
    revision: str
    received_at: str
    unused_keys: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as JSON data; safe for any value that a rule can build."""
        room = Room()

        def safe(value: Any) -> Any:
            return to_json_safe(value, room)

        def rule(outcome: RuleOutcome) -> dict[str, Any]:
            return {"file": safe(outcome.file), "line": outcome.line, "title": safe(outcome.title)}

        return {
            "action_variables": safe(self.action_variables),
            "other_variables": safe(self.other_variables),
            "changes": [
                {
                    "variable": change.variable,
                    "file": safe(change.file),
                    "line": change.line,
                    "old": safe(change.old),
                    "new": safe(change.new),
                }
                for change in self.changes
            ],
            "fired": [rule(outcome) for outcome in self.fired],
            "not_fired": [rule(outcome) for outcome in self.not_fired],
            "faults": [
                {
                    "kind": fault.kind,
                    "type": fault.type,
                    "message": safe(fault.message),
                    "file": safe(fault.file),
                    "line": fault.line,
                    "column": fault.column,
                }
                for fault in self.faults
            ],
            "refused": safe(self.refused),
            "prints": safe(self.prints),
            "steps": self.steps,
            "revision": self.revision,
            "received_at": self.received_at,
            "unused_keys": [safe(key) for key in self.unused_keys],
        }
