"""The one error of everything that Halo, or the way to it, does not do as asked.

Reads statuses, headers and bodies; knows no HTTP library. Halo words its refusals in many shapes: serialised
.NET exceptions, field errors of its JSON reader, OAuth errors, HTML pages, nothing at all.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
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
    validation did not take, '' for any other failure; with another value the request may work.
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
    ) -> None:
        super().__init__(text)
        self.status = status
        self.retryable = retryable
        self.surely_not_processed = surely_not_processed
        self.retry_after_seconds = retry_after_seconds
        self.problem = problem


class CannotTellError(HaloRequestError):
    """Halo's answer does not show whether it has what was looked for, and asking again will not help."""


class NotSetUpError(HaloRequestError):
    """Halo answers, but lacks what a person must set up there; tickets wait until it is there."""

    def __init__(self, text: str) -> None:
        super().__init__(text, retryable=True, surely_not_processed=True)


def refusal(request: str, status: int, headers: Mapping[str, str], body: str) -> HaloRequestError:
    """The error for an answer with a status other than 2xx; `headers` finds names in any case."""
    broke = status in _INVALID and _broke_half_way(body)
    problem = ""
    if 300 <= status < 400:
        said = f"a redirect to {_one_line(headers.get('location', 'nowhere'))}"
        advice = "Put the address that answers without a redirect into the settings."
    else:
        said = message_in_words(body)
        advice = _ADVICE.get(status, "Halo itself failed: try again later." if status >= 500 else "")
        if broke:
            advice = "Halo itself failed, maybe half-way: look before trying again."
        elif status in _INVALID and body.strip() and not body.lstrip().startswith("<"):
            problem = said
    return HaloRequestError(
        f"{request}: Halo answered {status_in_words(status)}: {sentence(said)} {advice}".rstrip(),
        status=status,
        # A 401 that outlives a new token is about the key: once that is mended, what waits goes through.
        retryable=status in (401, 408, 425, 429) or status >= 500 or broke,
        # Validation comes before the work. Any other 400 may have come in the middle of it.
        surely_not_processed=status in (401, 429) or bool(problem),
        retry_after_seconds=retry_after_seconds(headers),
        problem=problem,
    )


def _broke_half_way(body: str) -> bool:
    """Whether a 400 tells of Halo's own failure, which can come when part of the work is done.

    Validation throws plain exceptions; other classes of them, and words of databases, are accidents.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    kind = data.get("ClassName") if isinstance(data, dict) else None
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
    for key in ("message", "errormessage", "error_description", "detail"):
        message = found.get(key)
        if isinstance(message, str) and message.strip():
            code = found.get("error")
            return f"{message} ({code})" if key == "error_description" and isinstance(code, str) else message
    for key in ("innerexception", "error"):
        if words := _words(found.get(key), depth):
            return words
    fields = found.get("errors", data)
    problems = [
        f"{_field(name)}: {_without_place(words)}"
        for name, value in (fields.items() if isinstance(fields, dict) else ())
        if (isinstance(value, list) or name.startswith(("[", "$"))) and (words := _words(value, depth))
    ]
    return "; ".join(problems) or _words(found.get("title"), depth)


def _field(path: str) -> str:
    """The field's own name: `outcome_id` of `[0].outcome_id`."""
    return re.sub(r"^\$?(\[\d+\])?\.?", "", path) or path


def _without_place(words: str) -> str:
    return re.sub(r"\s*Path '[^']*', line \d+, position \d+\.", "", words)


def _one_line(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= LONGEST_MESSAGE else folded[: LONGEST_MESSAGE - 1] + "…"


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser's, for odd texts
        return None
