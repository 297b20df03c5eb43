"""Requests and answers of the REST interface: what is read is checked by these, and OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service import examples
from service.store import Stage, State


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CheckRequest(_Request):
    """Rules to check."""

    model_config = _example(examples.CHECK)

    rules: str = Field(description="The text of one rule file.")
    filename: str = Field("<rules>", max_length=255, description="What diagnostics call the file.")
    live: bool = Field(False, description="Look up in Halo, too, every name that the rules can set.")


class DryRunRequest(_Request):
    """A ticket to try rules on."""

    model_config = _example(examples.DRY_RUN)

    rules: str | None = Field(None, description="The text of one rule file; left out: the rules that are in force.")
    ticket: dict[str, Any] = Field(description="The ticket as a sender would post it.")
    now: datetime | None = Field(
        None,
        description="When the ticket arrives, in the configured time zone if it names none; left out: now.",
    )


class Edit(BaseModel):
    """A text that takes the place of a piece of the file. Lines and columns count from 1; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Diagnostic(BaseModel):
    """One problem in rules. Lines and columns count from 1; the end is exclusive."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    help: str | None
    source: str = Field(description="The source line, or the part of it around the problem.")
    edits: list[Edit] = Field(description="What the help says, as changes of the file; none where it depends.")


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


class KeptDecision(Decision):
    """The decision of a ticket that came in."""

    model_config = _example(examples.KEPT_DECISION)

    looked_up: dict[str, str] = Field(description="Variables that Halo knew and the sender left out.")


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
    decision: KeptDecision | None = Field(description="Null in the answer to a repetition when it is no longer kept.")


class SubmissionError(BaseModel):
    """A value that Halo does not know, and what was filed instead."""

    variable: str
    value: Any
    reason: str
    replacement: Any


class TicketSummary(BaseModel):
    """A ticket that came in, and how far it got, without what it says."""

    id: str
    state: State
    subject: str | None = Field(description="Null when it is no longer kept.")
    halo_ticket_id: int | None
    halo_note_id: int | None
    attempts: int = Field(description="Attempts to file it, the successful ones too: usually two, ticket and note.")
    last_error: str | None
    created_at: datetime
    updated_at: datetime


class TicketView(TicketSummary):
    """A ticket that came in, and how far it got."""

    model_config = _example(examples.TICKET_VIEW)

    decision: KeptDecision | None = Field(description="Null when it is no longer kept.")
    defaults: dict[str, Any] = Field(description="Of its last replay, before those of the settings.")
    submission_errors: list[SubmissionError]
    remarks: list[str]


class TicketPage(BaseModel):
    """Tickets, the newest first."""

    model_config = _example(examples.TICKET_PAGE)

    tickets: list[TicketSummary]
    next: str | None = Field(description="What to give as `before` for the next page; null: this is the last.")


class Attempt(BaseModel):
    """One attempt at filing a ticket or its note."""

    number: int
    stage: Stage
    started_at: datetime
    ended_at: datetime | None
    result: Literal["created", "found", "failed"] | None = Field(description="Null: broken off, or under way.")
    status: int | None = Field(description="Of Halo's answer to a failed attempt; null: there was none.")
    answer: str | None = Field(description="What went wrong, in words.")
    worker: str


class AttemptLog(BaseModel):
    """Every attempt at filing a ticket, in order."""

    model_config = _example(examples.ATTEMPT_LOG)

    attempts: list[Attempt]


class ReplayRequest(_Request):
    """How to file what stopped."""

    model_config = _example(examples.REPLAY)

    defaults: dict[str, Any] | None = Field(
        None, description="As `[defaults]` of the settings, and before those; left out: as before."
    )


class Replayed(BaseModel):
    """How many tickets are filed after all."""

    model_config = _example(examples.REPLAYED)

    replayed: int


HaloId = Annotated[int, Field(strict=True, ge=1, le=2**53)]


class ResolveRequest(_Request):
    """What a person has seen in Halo: one of the two ids, or null for what is not there."""

    model_config = _example(examples.RESOLVE)

    halo_ticket_id: HaloId | None = None
    halo_note_id: HaloId | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("resolve", "give one of `halo_ticket_id` and `halo_note_id`, an id or null")
        return self

    @property
    def about(self) -> Stage:
        """What it settles."""
        return Stage.TICKET if "halo_ticket_id" in self.model_fields_set else Stage.NOTE


class Health(BaseModel):
    """The service runs and reaches its database."""

    model_config = _example(examples.HEALTH)

    status: Literal["ok"]
    revision: str | None = Field(description="Digest of the rules in force; null where no rules run.")


class Check(BaseModel):
    """One thing that must be as it should."""

    ok: bool
    detail: str


class Ready(BaseModel):
    """Everything is as it should be."""

    model_config = _example(examples.READY)

    status: Literal["ready"]
    checks: dict[str, Check]
