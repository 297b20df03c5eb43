"""Requests and answers of the REST interface: what is read is checked by these, and OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service import examples


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CheckRequest(_Request):
    """Rules to check."""

    model_config = _example(examples.CHECK)

    rules: str = Field(description="The text of one rule file.")
    filename: str = Field("<rules>", max_length=255, description="What diagnostics call the file.")


class DryRunRequest(_Request):
    """A ticket to try rules on."""

    model_config = _example(examples.DRY_RUN)

    rules: str | None = Field(None, description="The text of one rule file; left out: the rules that are in force.")
    ticket: dict[str, Any] = Field(description="The ticket as a sender would post it.")
    now: datetime | None = Field(
        None,
        description="When the ticket arrives, in the configured time zone if it names none; left out: now.",
    )


class Diagnostic(BaseModel):
    """One problem in rules. Lines and columns count from 1; the end is exclusive."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    help: str | None
    source: str = Field(description="The source line, or the part of it around the problem.")


class CheckAnswer(BaseModel):
    """All problems of the rules, in source order; none: the rules can be used."""

    model_config = _example(examples.CHECKED)

    diagnostics: list[Diagnostic]


class Change(BaseModel):
    """One write to a ticket variable that changed its value."""

    variable: str
    file: str
    line: int
    old: Any
    new: Any


class RuleOutcome(BaseModel):
    """One rule: a top-level statement, with the comment above it as its title."""

    file: str
    line: int
    title: str


class Fault(BaseModel):
    """Why a rule counted as absent."""

    kind: Literal["error", "limit"]
    type: str
    message: str
    file: str
    line: int
    column: int


class Decision(BaseModel):
    """What the rules decided, and how they came to it."""

    model_config = _example(examples.DECISION)

    action_variables: dict[str, Any] = Field(description="The ticket variables, as they are filed.")
    other_variables: dict[str, Any] = Field(description="Working variables of the rules.")
    changes: list[Change]
    fired: list[RuleOutcome]
    not_fired: list[RuleOutcome]
    faults: list[Fault]
    refused: str | None = Field(description="The text of a refusal.")
    prints: str = Field(description="What the rules printed.")
    steps: int
    revision: str = Field(description="Digest of the rules that decided.")
    received_at: str
    unused_keys: list[str] = Field(description="Keys that are no variables; kept, and shown in the note.")


class Filing(BaseModel):
    """What would be sent to Halo, names not yet resolved."""

    ticket: dict[str, Any]
    note: str


class DryRunAnswer(Decision):
    """A dry run: the decision, and what would be sent. Nothing is kept or filed."""

    model_config = _example(examples.DRY_RUN_ANSWER)

    would_send: Filing | None = Field(description="Null when the rules refuse the ticket.")


class Accepted(BaseModel):
    """A ticket that is safely kept and will be filed."""

    model_config = _example(examples.ACCEPTED)

    id: str
    state: Literal["accepted"]
    decision: Decision


class SubmissionError(BaseModel):
    """A value that Halo does not know, and what was filed instead."""

    variable: str
    value: Any
    reason: str
    replacement: Any


class TicketView(BaseModel):
    """A ticket that came in, and how far it got."""

    model_config = _example(examples.TICKET_VIEW)

    id: str
    state: Literal["accepted", "filed", "refused", "dead", "cancelled"]
    decision: Decision
    halo_ticket_id: int | None
    halo_note_id: int | None
    submission_errors: list[SubmissionError]
    remarks: list[str]
    attempts: int = Field(description="Attempts to file it, the successful ones too: usually two, ticket and note.")
    last_error: str | None
    created_at: datetime
    updated_at: datetime


class Health(BaseModel):
    """The service runs and reaches its database."""

    model_config = _example(examples.HEALTH)

    status: Literal["ok"]
    revision: str = Field(description="Digest of the rules in force.")
