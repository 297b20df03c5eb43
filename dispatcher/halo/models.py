"""What we read of Halo's answers: few fields, the rest ignored.

Halo sends numbers as text or as doubles (83.0), and null for text and flags, by version and by endpoint.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def whole_number(value: Any) -> Any:
    """An int for 83, 83.0, '83' and '83.0'; anything else as it came."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)


def _flag(value: Any) -> Any:
    return False if value is None else value


Whole = Annotated[int, BeforeValidator(whole_number)]
Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Answer(BaseModel):
    """Base of all answers: unknown fields do not matter."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Token(Answer):
    access_token: SecretStr = Field(min_length=1)
    expires_in: float = 3600.0


class TicketType(Answer):
    id: Whole
    name: Text = ""
    # By version of Halo.
    sla_id: Whole | None = Field(
        default=None,
        validation_alias=AliasChoices("default_sla", "default_sla_id", "sla_id", "slaid", "sla"),
    )
    visible: bool | None = None
    inactive: Flag = False


class Status(Answer):
    id: Whole
    name: Text = ""


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
    """One row per SLA and priority; `priorityid` counts within the SLA."""

    slaid: Whole
    priorityid: Whole
    name: Text = ""
    ishidden: Flag = False


class Category(Answer):
    """`value` is the whole path; `type_id` says which of the four lists it is in."""

    id: Whole
    value: Text = ""
    type_id: Whole | None = None


class Outcome(Answer):
    id: Whole
    outcome: Text = ""
    buttonname: Text = ""
    hidden: Flag = False


class LookupValue(Answer):
    id: Whole
    name: Text = ""
    inactive: Flag = False


class User(Answer):
    id: Whole
    name: Text = ""
    emailaddress: Text = ""
    client_id: Whole | None = None
    site_id: Whole | None = None
    inactive: Flag = False


class Asset(Answer):
    id: Whole
    inventory_number: Text = ""
    key_field: Text = ""
    key_field2: Text = ""
    key_field3: Text = ""
    client_id: Whole | None = None
    inactive: Flag = False

    def names(self) -> tuple[str, ...]:
        """What may be its host name: which field holds it is the tenant's choice."""
        return (self.inventory_number, self.key_field, self.key_field2, self.key_field3)


class CustomField(Answer):
    id: Whole | None = None
    name: Text = ""


class Ticket(Answer):
    """`customfields` are the fields of the ticket's type, set or not; None in lists."""

    id: Whole
    third_party_id_string: Text = ""
    customfields: tuple[CustomField, ...] | None = None
    warning: Text = Field(default="", validation_alias="_warning")


class Action(Answer):
    """An entry in a ticket's history; `id` counts within the ticket."""

    id: Whole
    note: Text = ""
    note_html: Text = ""
