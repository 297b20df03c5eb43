"""What the writer must know of one Halo, checked when it is read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from dispatcher.errors import SettingsError
from dispatcher.halo.auth import parse_key
from dispatcher.halo.models import LARGEST
from dispatcher.halo.payloads import LONGEST_TEXT

# The emulator accepts this key, so that a first run needs no settings. It opens nothing else.
EMULATOR_KEY: Final = "demo+b1946ac9-2492-4d23-8a3f-7d0c5e1f9a10:emulator-secret"


class HaloSettings(BaseModel):
    """One Halo, its key, and how tickets are filed there; the defaults reach the emulator on this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False)

    resource_server: str = Field(
        default="http://127.0.0.1:8421/api", description="Resource Server, as Halo's API page shows it"
    )
    authorisation_server: str | None = Field(
        default="http://127.0.0.1:8421/auth",
        description="Authorisation Server of that page; empty, or not given beside a resource server: it is asked",
    )
    tenant: str | None = Field(default=None, description="Tenant of that page; wins over the one in the key")
    key: SecretStr = Field(
        default=SecretStr(EMULATOR_KEY),
        description="tenant+client_id:client_secret, on-premises client_id:client_secret",
    )
    scope: str = Field(default="all", description="OAuth scopes, separated by spaces")
    catch_all_user: str = Field(
        default="unregistered@helpdeskbuttons.com",
        description="e-mail of the Halo user for whom tickets of unknown requesters are filed",
    )
    note_outcome: int | Annotated[str, Field(min_length=1)] = Field(
        default="Internal Note", description="outcome (action) of the private note: name or id"
    )
    novalidate: bool = Field(default=False, description="send _novalidate: Halo skips its mandatory fields")
    dont_do_rules: bool = Field(default=False, description="send dont_do_rules: Halo's own ticket rules are skipped")
    source: int | None = Field(
        default=None, ge=-LARGEST, le=LARGEST, description="id of the request source; none: Halo's default"
    )
    find_by: Literal["third_party_id_string", "client_reference", "summary"] = Field(
        default="third_party_id_string",
        description="the field that holds our reference, by which a ticket is found again",
    )
    longest_text: int = Field(
        default=LONGEST_TEXT,
        ge=2_000,
        le=10_000_000,
        description="longest body of a ticket, and of its note, in characters of HTML; Halo is slow with long ones",
    )
    timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="longest time for one request")
    lookup_max_age_seconds: float = Field(default=600.0, ge=0, description="how long look-ups are kept")

    @model_validator(mode="before")
    @classmethod
    def _one_server_leads_to_the_other(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        resource, authorisation = data.get("resource_server"), data.get("authorisation_server")
        if resource and not authorisation:
            return {**data, "authorisation_server": None}
        if isinstance(authorisation, str) and authorisation.strip() and not resource:
            return {**data, "resource_server": _without_auth(authorisation)}
        return data

    @field_validator("resource_server", "authorisation_server")
    @classmethod
    def _is_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        text = (value or "").strip()
        if not text and info.field_name == "authorisation_server":
            return None
        text = text if "://" in text else f"https://{text}"
        try:
            address = httpx.URL(text)
        except httpx.InvalidURL:
            address = httpx.URL("")
        if address.scheme not in ("http", "https") or not address.host or re.search(r"\s", text):
            raise ValueError("write the whole address, such as https://example.halopsa.com/api")
        if address.userinfo:
            raise ValueError("write the address without user and password; the key says who asks")
        return text

    @field_validator("tenant")
    @classmethod
    def _no_empty_tenant(cls, value: str | None) -> str | None:
        return (value or "").strip() or None

    @field_validator("scope")
    @classmethod
    def _is_scope(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("write the scopes of Halo's application, such as all")
        return value.strip()

    @field_validator("key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        try:
            parse_key(value.get_secret_value())
        except ValueError as error:
            # No ValueError: a ValidationError would carry the secret along as its input.
            raise SettingsError(f"the Halo key is malformed: {error}") from None
        return value

    @field_validator("catch_all_user")
    @classmethod
    def _is_email(cls, value: str) -> str:
        if not re.fullmatch(r"\s*[^@\s]+@[^@\s]+\s*", value):
            raise ValueError("write the e-mail address of a Halo user, such as unregistered@example.com")
        return value.strip()

    @field_validator("note_outcome", mode="before")
    @classmethod
    def _is_name_or_id(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip():
            raise ValueError("write the name of an outcome, such as Internal Note, or its id")
        return value.strip() if isinstance(value, str) else value


def _without_auth(authorisation_server: str) -> str:
    """The resource server beside an authorisation server that is given as copied from anywhere."""
    return re.sub(r"(/auth)?(/token)?/*([?#].*)?$", "", authorisation_server.strip(), flags=re.IGNORECASE)
