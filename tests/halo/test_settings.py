"""Settings of one Halo: what is accepted, and what the refusals say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dispatcher.errors import SettingsError
from dispatcher.halo.settings import HaloSettings

SECRET = "not-for-any-eyes"


def test_defaults_reach_the_emulator() -> None:
    """Without any setting the writer speaks to the emulator on this machine."""
    assert HaloSettings().model_dump(exclude={"key"}) == {
        "resource_server": "http://127.0.0.1:8421/api",
        "authorisation_server": "http://127.0.0.1:8421/auth",
        "tenant": None,
        "scope": "all",
        "catch_all_user": "unregistered@helpdeskbuttons.com",
        "note_outcome": "Internal Note",
        "novalidate": False,
        "dont_do_rules": False,
        "source": None,
        "find_by": "third_party_id_string",
        "longest_text": 60_000,
        "timeout_seconds": 30.0,
        "lookup_max_age_seconds": 600.0,
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"resource_server": "ftp://acme.halopsa.com/api"},
            "Value error, write the whole address, such as https://example.halopsa.com/api",
        ),
        (
            {"resource_server": "https://dan:pw@acme.halopsa.com/api"},
            "Value error, write the address without user and password; the key says who asks",
        ),
        (
            {"resource_server": "https://acme.test", "authorisation_server": "https://acme:port/auth"},
            "Value error, write the whole address, such as https://example.halopsa.com/api",
        ),
        (
            {"catch_all_user": "Unregistered User"},
            "Value error, write the e-mail address of a Halo user, such as unregistered@example.com",
        ),
        (
            {"note_outcome": " "},
            "Value error, write the name of an outcome, such as Internal Note, or its id",
        ),
        (
            {"note_outcome": True},
            "Value error, write the name of an outcome, such as Internal Note, or its id",
        ),
        (
            {"catch_all_user": "@"},
            "Value error, write the e-mail address of a Halo user, such as unregistered@example.com",
        ),
        (
            {"resource_server": "https://x y/api"},
            "Value error, write the whole address, such as https://example.halopsa.com/api",
        ),
        ({"scope": "  "}, "Value error, write the scopes of Halo's application, such as all"),
        ({"timeout_seconds": 0}, "Input should be greater than 0"),
        ({"resource_servre": "https://x"}, "Extra inputs are not permitted"),
    ],
)
def test_refusals_say_what_to_write(given: dict[str, Any], message: str) -> None:
    """A wrong value is refused with words that help."""
    with pytest.raises(ValidationError) as caught:
        HaloSettings.model_validate(given)
    assert [problem["msg"] for problem in caught.value.errors()] == [message]


@pytest.mark.parametrize("key", [f"{SECRET}", f":{SECRET}", f"+id:{SECRET}", f"acme+:{SECRET}", "acme+id:"])
def test_a_malformed_key_is_refused_without_being_shown(key: str) -> None:
    """The refusal of a key says how keys read, and neither it nor what caused it holds the key."""
    with pytest.raises(SettingsError) as caught:
        HaloSettings.model_validate({"key": key})
    assert str(caught.value) == (
        "the Halo key is malformed: "
        "write tenant+client_id:client_secret, or client_id:client_secret for Halo on-premises"
    )
    assert caught.value.__cause__ is None
    assert SECRET not in repr(caught.value)


def test_the_key_is_in_no_text_of_the_settings() -> None:
    """Neither repr, str nor JSON of the settings shows the key."""
    settings = HaloSettings.model_validate({"key": f"acme+id:{SECRET}"})
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_an_unknown_key_does_not_show_its_value() -> None:
    """A misspelt `key` is refused without showing what was given to it."""
    with pytest.raises(ValidationError) as caught:
        HaloSettings.model_validate({"kye": f"acme+id:{SECRET}"})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "servers"),
    [
        (
            {
                "resource_server": "https://acme.halopsa.com/api",
                "authorisation_server": "https://acme.halopsa.com/auth",
            },
            ("https://acme.halopsa.com/api", "https://acme.halopsa.com/auth"),
        ),
        ({"resource_server": " halo.acme.com/itsm "}, ("https://halo.acme.com/itsm", None)),
        (
            {"resource_server": "https://halo.acme.com", "authorisation_server": " "},
            ("https://halo.acme.com", None),
        ),
        (
            {"authorisation_server": "https://halo.acme.com/itsm/auth/token/"},
            ("https://halo.acme.com/itsm", "https://halo.acme.com/itsm/auth/token/"),
        ),
        (
            {"authorisation_server": "https://acme.halopsa.com/auth/token?tenant=acme"},
            ("https://acme.halopsa.com", "https://acme.halopsa.com/auth/token?tenant=acme"),
        ),
        (
            {"authorisation_server": "https://auth.acme.com/token"},
            ("https://auth.acme.com", "https://auth.acme.com/token"),
        ),
    ],
)
def test_one_server_is_enough(given: dict[str, Any], servers: tuple[str, str | None]) -> None:
    """A key never goes to the emulator's address when one server is given; a bare host is meant by https."""
    settings = HaloSettings.model_validate(given)
    assert (settings.resource_server, settings.authorisation_server) == servers


def test_an_outcome_is_a_name_or_an_id() -> None:
    """The note's outcome keeps its kind: the id stays a number, the name loses its outer spaces."""
    given = [HaloSettings.model_validate({"note_outcome": value}).note_outcome for value in (7, " Private Note ", "7")]
    assert given == [7, "Private Note", "7"]
