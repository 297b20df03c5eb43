"""The one error of everything that Halo, or the way to it, does not do as asked.

Reads statuses, headers and bodies; knows no HTTP library. Halo words its refusals in many shapes: serialised
.NET exceptions, field errors of its JSON reader, OAuth errors, HTML pages, nothing at all.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from dispatcher.errors import HaloError

LONGEST_MESSAGE = 500

_ADVICE = {
    400: "Correct what Halo names: in the rules, the defaults, or the tenant's configuration.",
    401: "Check the Halo key, and that the application still has its login agent.",
    403: "Give the application the scope, and its login agent the permission, for this.",
    404: "Check `resource_server`: it is the Resource Server that Halo's API page shows.",
    408: "Try again.",
    413: "Shorten the ticket.",
    429: "Wait: this is Halo's rate limit.",
    504: "The gateway stopped waiting, and Halo may still finish the work: look before trying again.",
}

# Statuses by which values are refused.
_INVALID = frozenset({400, 422})
# Statuses by which Halo says no to the request, and would say so again.
_FINAL = frozenset({403, 404})
# .NET exceptions that Halo throws about values.
_OF_VALIDATION = frozenset({"Exception", "ApplicationException", "ArgumentException", "ValidationException"})
# Words of databases and of .NET itself; narrow, because validation quotes values, and a category may be `Database`.
_ACCIDENT = re.compile(
    r"database error|sqlexception|sql server|deadlock victim|was deadlocked|timeout expired|object reference not set"
    r"|index was out(side)? of|\b(internal|unexpected|unhandled) (server )?error|\ban error (has )?occurred",
    re.IGNORECASE,
)


class HaloRequestError(HaloError):
    """A request that Halo refused, failed, or did not answer; the text says what it said and what to do.

    `retryable`: the same request may work later. `surely_not_processed`: it certainly changed nothing; False
    means that nobody knows, so look before writing again. `problem`: Halo's words about a value that its
    validation did not take, '' for any other failure; with another value the request may work. `doubt`: its words,
    when they may be such a verdict as well as a failure of its own.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        surely_not_processed: bool = False,
        retry_after_seconds: float | None = None,
        problem: str = "",
        doubt: str = "",
    ) -> None:
        super().__init__(text)
        self.status = status
        self.retryable = retryable
        self.surely_not_processed = surely_not_processed
        self.retry_after_seconds = retry_after_seconds
        self.problem = problem
        self.doubt = doubt


class CannotTellError(HaloRequestError):
    """Halo's answer does not show whether it has what was looked for, and asking again will not help."""


class NotSetUpError(HaloRequestError):
    """Halo answers, but lacks what a person must set up there; tickets wait until it is there."""

    def __init__(self, text: str) -> None:
        super().__init__(text, retryable=True, surely_not_processed=True)


@contextmanager
def about_writing(*, surely_not_processed: bool) -> Iterator[None]:
    """Let errors of reading say what they mean for the write in question.

    What is read before a write leaves Halo as it was; what is read to find a write says nothing about it. And no
    refusal to read is a verdict on what is written.
    """
    try:
        yield
    except HaloRequestError as error:
        error.surely_not_processed = surely_not_processed
        error.problem = error.doubt = ""
        raise


def refusal(request: str, status: int, headers: Mapping[str, str], body: str) -> HaloRequestError:
    """The error for an answer with a status other than 2xx; `headers` finds names in any case."""
    said = message_in_words(body)
    is_page = body.lstrip().startswith("<")
    problem = doubt = ""
    advice = _ADVICE.get(status, "Halo itself failed: try again later." if status >= 500 else "")
    if 300 <= status < 400:
        said = f"a redirect to {_one_line(headers.get('location', 'nowhere'))}"
        advice = "Put the address that answers without a redirect into the settings."
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        problem = f"{status_in_words(status)}: {said}"
    elif status in _INVALID and (is_page or not body.strip()):
        doubt = f"{status_in_words(status)}, without a reason"
        advice = "It does not say why: look before trying again."
    elif status in _INVALID and _broke_half_way(body):
        doubt = said
        advice = "Halo itself failed, maybe half-way: look before trying again."
    elif status in _INVALID:
        problem = said
    return HaloRequestError(
        f"{request}: Halo answered {status_in_words(status)}: {sentence(said)} {advice}".rstrip(),
        status=status,
        # Neither words about values nor "no" is a matter of time. A 401 that outlives a new token is about the key,
        # and pages and redirects are about what stands before Halo: once that is mended, what waits goes through.
        retryable=not problem and (is_page or status not in _FINAL),
        # Validation comes before the work. Any other 400 may have come in the middle of it.
        surely_not_processed=status in (401, 429) or bool(problem),
        retry_after_seconds=retry_after_seconds(headers),
        problem=problem,
        doubt=doubt,
    )


def _broke_half_way(body: str) -> bool:
    """Whether a 400 tells of Halo's own failure, which can come when part of the work is done.

    Validation throws plain exceptions; other classes of them, and words of databases, are accidents.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    found = {key.casefold(): value for key, value in data.items()} if isinstance(data, dict) else {}
    kind = found.get("classname", found.get("exceptiontype"))
    if isinstance(kind, str) and kind.rpartition(".")[2] not in _OF_VALIDATION:
        return True
    return _ACCIDENT.search(message_in_words(body)) is not None


def unusable(request: str, status: int, why: str) -> HaloRequestError:
    """The error for a 2xx answer that cannot be read: the request may well have done its work."""
    return HaloRequestError(
        f"{request}: Halo answered {status_in_words(status)}, but {sentence(why)} "
        "Check `resource_server`, and any proxy in between.",
        status=status,
        retryable=True,
    )


def text_of_body(content: bytes) -> str:
    """A body as text, whatever its bytes and whatever character set it claims."""
    return content.decode("utf-8-sig", "replace")


def message_in_words(body: str) -> str:
    """What a body says, in one line for people: of HTML only the title, of JSON only the message."""
    text = body.strip()
    if not text:
        return "nothing (an empty answer)"
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        words = _one_line(html.unescape(title[1])) if title else ""
        return f"an HTML page, `{words}`" if words else "an HTML page without a title"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _one_line(text)
    return _one_line(_words(data, depth=4)) or _one_line(text)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long `Retry-After` asks to wait, in seconds or until a date; None: missing or unreadable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
        return float(value)
    until = _date(value)
    if until is None:
        return None
    # The server's own clock, when it tells it: ours may be off.
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def status_in_words(status: int) -> str:
    """The status with its usual name: `404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def sentence(text: str) -> str:
    """The text with a full stop, unless it already ends like a sentence."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _words(data: Any, depth: int) -> str:
    if isinstance(data, str):
        return data
    if depth and isinstance(data, list):
        return "; ".join(filter(None, (_words(item, depth - 1) for item in data)))
    if depth and isinstance(data, dict):
        return _words_of_object(data, depth - 1)
    return ""


def _words_of_object(data: dict[str, Any], depth: int) -> str:
    found = {key.casefold(): value for key, value in data.items()}
    for key in ("modelstate", "errors"):
        if words := _words_of_fields(found.get(key), depth) or _words(found.get(key), depth):
            return words
    for key in ("exceptionmessage", "message", "errormessage", "error_description", "detail"):
        message = found.get(key)
        if isinstance(message, str) and message.strip():
            code, field = found.get("error"), found.get("field")
            if isinstance(field, str):
                return f"{_field(field)}: {message}"
            return f"{message} ({code})" if key == "error_description" and isinstance(code, str) else message
    for key in ("innerexception", "error"):
        if words := _words(found.get(key), depth):
            return words
    return _words_of_fields(data, depth) or _words(found.get("title"), depth)


def _words_of_fields(fields: Any, depth: int) -> str:
    """The problems of an object that has them by field."""
    problems = [
        f"{_field(name)}: {_without_place(words)}"
        for name, value in (fields.items() if isinstance(fields, dict) else ())
        if (isinstance(value, list) or name.startswith(("[", "$"))) and (words := _words(value, depth))
    ]
    return "; ".join(problems)


def _field(path: str) -> str:
    """The field's own name: `outcome_id` of `[0].outcome_id`."""
    return re.sub(r"^\$?(\[\d+\])?\.?", "", path) or path


def _without_place(words: str) -> str:
    return re.sub(r"\s*Path '[^']*', line \d+, position \d+\.", "", words)


def _one_line(text: str) -> str:
    # Half of a surrogate pair, which JSON can bring, can neither be kept nor sent on.
    folded = " ".join(text.encode("utf-8", "replace").decode().split())
    return folded if len(folded) <= LONGEST_MESSAGE else folded[: LONGEST_MESSAGE - 1] + "…"


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser's, for odd texts
        return None
