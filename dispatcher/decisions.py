"""What the rules decided for one ticket, as data: to print, test, store and file."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from dispatcher.lang.records import dataclass
from dispatcher.plain import Room, texts_to_json, to_json_safe


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


class Decision:
    """The whole answer for one ticket. Values are plain Python data; `to_dict` makes them JSON.

    The rules have run; what they did is put into words when it is asked for. Two decisions are equal where all of this
    is equal.
    """

    # All ticket variables as the rules leave them, and what the rules made for themselves.
    action_variables: dict[str, Any]
    other_variables: dict[str, Any]
    # The writes that changed ticket variables, in order.
    changes: tuple[Change, ...]
    # The rules that did something, those that did not, and why statements count as absent; in order.
    fired: tuple[RuleOutcome, ...]
    not_fired: tuple[RuleOutcome, ...]
    faults: tuple[Fault, ...]
    # What the sender of a refused ticket is told; None means that the ticket is filed.
    refused: str | None
    # What the rules printed, and the steps that they spent.
    prints: str
    steps: int
    # The digest of the rule set.
    revision: str
    # The ticket's time of arrival in ISO 8601, and the keys of the ticket that are no variable.
    received_at: str
    unused_keys: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Decision.__annotations__)

    __hash__ = None  # type: ignore[assignment] # it holds dicts

    def __repr__(self) -> str:
        return f"Decision({', '.join(f'{name}={getattr(self, name)!r}' for name in Decision.__annotations__)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as JSON data; safe for any value that a rule can build."""
        room = Room()
        safe = partial(to_json_safe, room=room)

        def rules(outcomes: tuple[RuleOutcome, ...]) -> list[dict[str, Any]]:
            texts = texts_to_json([text for rule in outcomes for text in (rule.file, rule.title)], room)
            return [
                {"file": file, "line": rule.line, "title": title}
                for rule, file, title in zip(outcomes, texts[::2], texts[1::2], strict=True)
            ]

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
            "fired": rules(self.fired),
            "not_fired": rules(self.not_fired),
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
