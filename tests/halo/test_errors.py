"""Halo's refusals in words, and what they mean for trying again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

import httpx
import pytest

from dispatcher.halo.errors import message_in_words, refusal, retry_after_seconds

DOTNET = {
    "ClassName": "System.Exception",
    "Message": "Username must be entered",
    "Data": None,
    "InnerException": None,
    "HelpURL": None,
    "StackTraceString": None,
    "RemoteStackTraceString": None,
    "RemoteStackIndex": 0,
    "ExceptionMethod": None,
    "HResult": -2146233088,
}
INNER = DOTNET | {"Message": "", "InnerException": DOTNET | {"Message": "A Site must be selected"}}
FIELD = {
    "[0].outcome_id": ["Could not convert string to integer: abc. Path '[0].outcome_id', line 1, position 139."],
    "[0].team": ["Too long.", "Not a team."],
}
PROBLEM = {"title": "One or more validation errors occurred.", "errors": {"$[0].summary": ["Required."]}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps(DOTNET), "Username must be entered"),
        (json.dumps(INNER), "A Site must be selected"),
        (
            json.dumps(FIELD),
            "outcome_id: Could not convert string to integer: abc.; team: Too long.; Not a team.",
        ),
        (
            '{"error":"invalid_client","error_description":"Unknown client"}',
            "Unknown client (invalid_client)",
        ),
        ('{"error":"invalid_scope"}', "invalid_scope"),
        ('{"error":{"message":"No such thing"}}', "No such thing"),
        ('{"Message":"Authorization has been denied"}', "Authorization has been denied"),
        ('{"resultCode":3,"errorMessage":"Bad outcome"}', "Bad outcome"),
        (json.dumps(PROBLEM), "summary: Required."),
        ('{"title":"Not Found","status":404}', "Not Found"),
        ('{"Message":"The request is invalid.","ModelState":{"[0].team":["bad"]}}', "team: bad"),
        ('{"Message":"An error has occurred.","ExceptionMessage":"Bad team"}', "Bad team"),
        ('{"errors":["Bad team","Bad agent"]}', "Bad team; Bad agent"),
        ('{"errors":[{"field":"team","message":"is not valid"}]}', "team: is not valid"),
        ('{"error":{"code":"invalid","field":"team","message":"not valid"}}', "team: not valid"),
        ('{"Message":"half \\ud83d"}', "half ?"),
        ('"Rate Limit Reached"', "Rate Limit Reached"),
        ('[{"Message":"one"},{"Message":"two"}]', "one; two"),
        ("Rate Limit Reached - 300 Requests.", "Rate Limit Reached - 300 Requests."),
        (
            "<!DOCTYPE html><title>\n 502 Bad &amp; Gateway\n</title><p>secret</p>",
            "an HTML page, `502 Bad & Gateway`",
        ),
        ("<html><body>Sorry, something went wrong</body></html>", "an HTML page without a title"),
        ("", "nothing (an empty answer)"),
        ("{}", "{}"),
        ('{"Message":"cut', '{"Message":"cut'),
        ("word " * 200, "word " * 99 + "word…"),
        ("[" * 2000, "[" * 499 + "…"),
    ],
)
def test_every_shape_of_body_becomes_words(body: str, words: str) -> None:
    """Each way in which Halo words a refusal is one line that a person can read."""
    assert message_in_words(body) == words


@pytest.mark.parametrize(
    ("status", "retryable", "surely_not_processed"),
    [
        (301, True, False),
        (400, True, False),
        (401, True, True),
        (403, False, False),
        (404, False, False),
        (405, True, False),
        (408, True, False),
        (410, True, False),
        (413, False, True),
        (429, True, True),
        (500, True, False),
        (502, True, False),
        (503, True, False),
        (504, True, False),
        (599, True, False),
    ],
)
def test_the_status_says_what_may_be_done(status: int, retryable: bool, surely_not_processed: bool) -> None:
    """Only a status that excludes any work says so; what may pass with time is worth another try."""
    error = refusal("POST Tickets", status, {}, "")
    assert (error.status, error.retryable, error.surely_not_processed) == (
        status,
        retryable,
        surely_not_processed,
    )


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (400, json.dumps(DOTNET), "Username must be entered"),
        (400, json.dumps(DOTNET | {"ClassName": "System.ArgumentException"}), "Username must be entered"),
        (400, json.dumps(FIELD), "outcome_id: Could not convert string to integer: abc.; team: Too long.; Not a team."),
        (400, '{"[0].id": "not a number"}', "id: not a number"),
        (422, "Team is required", "Team is required"),
        # A value that sounds like an accident is none.
        (400, '{"Message":"The Category Software>SQL Database is not valid"}',
         "The Category Software>SQL Database is not valid"),
    ],
)  # fmt: skip
def test_a_refusal_by_validation_says_so(status: int, body: str, problem: str) -> None:
    """Words about values are the problem; nothing was written, and the same again would not help."""
    error = refusal("POST Tickets", status, {}, body)
    assert (error.problem, error.retryable, error.surely_not_processed) == (problem, False, True)


@pytest.mark.parametrize(
    "body",
    [
        '{"ClassName":"System.Exception","Message":"A database error occurred (515) - Cannot insert the value NULL"}',
        '{"ClassName":"System.NullReferenceException","Message":"Team"}',
        '{"ClassName":"System.Data.SqlClient.SqlException","Message":"Team"}',
        '{"Message":"Object reference not set to an instance of an object."}',
        "Transaction (Process ID 52) was deadlocked on lock resources",
        "Execution Timeout Expired.",
        "An unexpected error occurred",
        '{"Message":"An error has occurred.","ExceptionMessage":"Team","ExceptionType":"System.FormatException"}',
    ],
)
def test_an_accident_of_halos_is_no_refusal(body: str) -> None:
    """A 400 that tells of Halo's own failure may have come in the middle of the work: look, then try again."""
    error = refusal("POST Tickets", 400, {}, body)
    assert (error.problem, error.retryable, error.surely_not_processed) == ("", True, False)
    assert error.doubt == message_in_words(body)
    assert str(error).endswith("Halo itself failed, maybe half-way: look before trying again.")


@pytest.mark.parametrize(
    ("status", "body", "doubt"),
    [
        (400, "", "400 Bad Request, without a reason"),
        (400, " <html>Bad Request</html>", "400 Bad Request, without a reason"),
        (403, "Team", ""),
        (500, "x", ""),
        (302, "", ""),
    ],
)
def test_what_names_no_value_is_no_problem_of_values(status: int, body: str, doubt: str) -> None:
    """Without words nobody knows whether it is a refusal; another status is none."""
    error = refusal("POST Tickets", status, {}, body)
    assert (error.problem, error.doubt, error.surely_not_processed) == ("", doubt, False)


@pytest.mark.parametrize(
    ("status", "body", "retryable"), [(403, "no", False), (403, "<html>", True), (404, "<p>", True)]
)
def test_a_page_comes_from_what_stands_before_halo(status: int, body: str, retryable: bool) -> None:
    """A refusal in HTML is that of a proxy, and may pass."""
    assert refusal("GET Users", status, {}, body).retryable is retryable


def test_a_ticket_that_is_too_large_is_one_of_its_values() -> None:
    """413 is about the text, whoever says it."""
    error = refusal("POST Tickets", 413, {}, "<title>nginx</title>")
    assert error.problem == f"413 {HTTPStatus(413).phrase}: an HTML page, `nginx`"
    assert (error.retryable, error.surely_not_processed) == (False, True)


def test_the_text_says_request_status_message_and_remedy() -> None:
    """The error's text is whole sentences: what was asked, what Halo said, what to do."""
    assert str(refusal("POST Tickets", 400, {}, json.dumps(DOTNET))) == (
        "POST Tickets: Halo answered 400 Bad Request: Username must be entered. "
        "Correct what Halo names: in the rules, the defaults, or the tenant's configuration."
    )
    assert str(refusal("GET Status", 302, {"location": "https://login.test/"}, "")) == (
        "GET Status: Halo answered 302 Found: a redirect to https://login.test/. "
        "Put the address that answers without a redirect into the settings."
    )
    assert str(refusal("GET Status", 599, {}, "")) == (
        "GET Status: Halo answered 599: nothing (an empty answer). Halo itself failed: try again later."
    )


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    """`Retry-After` counts from the server's own clock when the answer tells it."""
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    later = {"Retry-After": format_datetime(now + timedelta(seconds=90), usegmt=True)}
    date = {"Date": format_datetime(now, usegmt=True)}
    past = {"Retry-After": format_datetime(now - timedelta(seconds=90), usegmt=True)}
    given = [
        {"Retry-After": "120"},
        {"Retry-After": "0.5"},
        later | date,
        past | date,
        {},
        {"Retry-After": "soon"},
        {"Retry-After": "-5"},
        {"Retry-After": "Fri, 31 Dec 99999999999 23:59:59 GMT"},
        {"Retry-After": "Fri, 31 Dec 2026 23:59:59 +99999999"},
        later | {"Date": "nonsense"} | {"Retry-After": ""},
    ]
    assert [retry_after_seconds(httpx.Headers(headers)) for headers in given] == [
        120.0,
        0.5,
        90.0,
        0.0,
        None,
        None,
        None,
        None,
        None,
        None,
    ]


def test_retry_after_without_a_server_clock_uses_ours() -> None:
    """A date alone is compared with this machine's clock."""
    until = datetime.now(UTC) + timedelta(hours=1)
    seconds = retry_after_seconds(httpx.Headers({"Retry-After": format_datetime(until, usegmt=True)}))
    assert seconds is not None
    assert 3500 < seconds <= 3600
