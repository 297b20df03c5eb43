"""What we read of Halo's answers, few fields of many, and what we write, checked before it goes out.

Halo sends numbers as text or as doubles (83.0), null for anything, and the case of names differs by version.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

# Ids and numbers of Halo's have 32 bits.
LARGEST = 2**31 - 1


def whole_number(value: Any) -> Any:
    """An int for 83, 83.0, '83' and '83.0'; anything else as it came."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def by_small_names(data: Any) -> Any:
    """An object of Halo's with names in lower case, without those that are null; anything else as it came."""
    if not isinstance(data, dict):
        return data
    return {key.casefold(): value for key, value in data.items() if value is not None}


def _whole_or_none(value: Any) -> Any:
    number = whole_number(value)
    return number if type(number) is int and -LARGEST <= number <= LARGEST else None


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else str(value)


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().casefold() in ("true", "1", "yes")
    return value is True or value == 1


def _seconds(value: Any) -> Any:
    number = whole_number(value)
    return number if isinstance(number, int | float) and 0 < number < 1e9 else 3600.0


Whole = Annotated[int, BeforeValidator(whole_number), Field(ge=-LARGEST, le=LARGEST)]
# An id without which a row is useless.
Id = Annotated[int, BeforeValidator(whole_number), Field(ge=1, le=LARGEST)]
# A number that may be missing, or stand for nothing.
MaybeWhole = Annotated[int | None, BeforeValidator(_whole_or_none)]
Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Answer(BaseModel):
    """Base of all answers: unknown fields do not matter, null is as good as missing."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _small_names(cls, data: Any) -> Any:
        return by_small_names(data)


class Token(Answer):
    access_token: SecretStr
    expires_in: Annotated[float, BeforeValidator(_seconds)] = 3600.0

    @field_validator("access_token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[\x21-\x7e]+", token.get_secret_value()):
            raise ValueError("no token")
        return token


class Addresses(Answer):
    """What a resource server says of its authorisation server."""

    auth_url: Text = ""
    tenant_id: Text = Field(default="", validation_alias=AliasChoices("tenant_id", "tenant"))


class Restriction(Answer):
    """One record that a ticket type allows, by version under its own id or as the second of two keys."""

    id: MaybeWhole = None
    key2: MaybeWhole = None


class TicketType(Answer):
    """`sla_id` is None when the answer does not tell; 0 and less say that the type has none."""

    id: Whole
    name: Text = ""
    # By version of Halo.
    sla_id: MaybeWhole = Field(
        default=None,
        validation_alias=AliasChoices("default_sla", "default_sla_id", "sla_id", "slaid", "sla"),
    )
    visible: Flag = True
    inactive: Flag = False
    # In the detail only.
    allowall_actions: Flag = True
    allowed_actions: tuple[Restriction, ...] = ()


class Status(Answer):
    id: Whole
    name: Text = ""
    inactive: Flag = False


class Team(Answer):
    id: Whole
    name: Text = ""
    inactive: Flag = False


class Agent(Answer):
    id: Whole
    name: Text = ""
    email: Text = ""
    isdisabled: Flag = False


class Priority(Answer):
    """One row per SLA and priority; `priorityid` counts within the SLA, the row's own id is a GUID."""

    slaid: MaybeWhole = None
    priorityid: Whole
    name: Text = ""
    ishidden: Flag = False


class Category(Answer):
    """`value` is the whole path; `type_id` says which of the four lists it is in."""

    id: Whole
    value: Text = Field(default="", validation_alias=AliasChoices("value", "category_name"))
    type_id: MaybeWhole = None
    inactive: Flag = False


class Outcome(Answer):
    """`hidefromuser`: its actions are private. `sendemail`, `newstatus`: it does more than to note; None: not told."""

    id: Whole
    outcome: Text = ""
    buttonname: Text = ""
    hidden: Flag = False
    hidefromuser: Flag = False
    sendemail: MaybeWhole = None
    newstatus: MaybeWhole = None

    @property
    def does_more(self) -> bool:
        """Whether it says that it mails, or changes the status; Halo's "none" is 0 or -1."""
        return (self.sendemail or 0) > 0 or (self.newstatus or 0) > 0


class LookupValue(Answer):
    id: Whole
    name: Text = ""
    inactive: Flag = False


class User(Answer):
    id: Id
    name: Text = ""
    emailaddress: Text = ""
    client_id: MaybeWhole = None
    client_name: Text = ""
    site_id: MaybeWhole = Field(default=None, validation_alias=AliasChoices("site_id", "site_id_int"))
    inactive: Flag = False


class Client(Answer):
    id: Whole
    name: Text = ""


class Asset(Answer):
    id: Id
    inventory_number: Text = ""
    key_field: Text = ""
    key_field2: Text = ""
    key_field3: Text = ""
    client_id: MaybeWhole = None
    inactive: Flag = False

    def names(self) -> tuple[str, ...]:
        """What may be its host name: which field holds it is the tenant's choice."""
        return (self.inventory_number, self.key_field, self.key_field2, self.key_field3)


class CustomField(Answer):
    id: MaybeWhole = None
    name: Text = ""


class Ticket(Answer):
    """`customfields` are the fields of the ticket's type, set or not; None in lists."""

    id: Id
    summary: Text = ""
    third_party_id_string: Text = ""
    client_reference: Text = ""
    tickettype_id: MaybeWhole = None
    sla_id: MaybeWhole = None
    customfields: tuple[CustomField, ...] | None = None
    warning: Text = Field(default="", validation_alias="_warning")


class Action(Answer):
    """An entry in a ticket's history; `id` counts within the ticket. `hiddenfromuser` is None when not told."""

    id: Whole
    ticket_id: MaybeWhole = None
    hiddenfromuser: Flag | None = None
    note: Text = ""
    note_html: Text = ""


class Written(BaseModel):
    """Base of what we write: types are exact, fields that are not named here go out as they are."""

    model_config = ConfigDict(extra="allow", strict=True, hide_input_in_errors=True)


Number = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]


class WrittenCustomField(Written):
    id: Number | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _is_named_once(self) -> WrittenCustomField:
        if (self.id is None) == (not self.name):
            raise ValueError("a custom field goes by its id or by its name")
        return self


class WrittenAsset(Written):
    id: Number


class WrittenTicket(Written):
    """A new ticket, or with `id` the fields to change of one."""

    id: Number | None = None
    summary: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    details_html: str | None = None
    tickettype_id: Number | None = None
    status_id: Number | None = None
    priority_id: Number | None = None
    sla_id: Number | None = None
    team: str | None = None
    agent_id: Number | None = None
    category_1: str | None = None
    category_2: str | None = None
    category_3: str | None = None
    category_4: str | None = None
    impact: Number | None = None
    urgency: Number | None = None
    customfields: list[WrittenCustomField] | None = None
    client_id: Number | None = None
    site_id: Number | None = None
    user_id: Number | None = None
    assets: list[WrittenAsset] | None = None
    third_party_id_string: str | None = None
    client_reference: str | None = None
    source: Number | None = None

    @model_validator(mode="after")
    def _is_new_or_known(self) -> WrittenTicket:
        if self.id is None and not (self.summary and self.third_party_id_string):
            raise ValueError("a new ticket has a summary and our reference, any other write an id")
        return self


class WrittenAction(Written):
    """A private note."""

    ticket_id: Number
    outcome_id: Number | None = None
    outcome: str | None = None
    hiddenfromuser: bool
    note_html: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_private(self) -> WrittenAction:
        if not self.hiddenfromuser:
            raise ValueError("a note is private")
        return self
