"""How Halo says no: one exception that carries the answer, and a function for each shape that is known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from service.emulator.behaviour import DEFAULT_RATE_LIMIT, Behaviour, RefusalShape, Wording

# The messages of validation that name a field.
_NAMES_FIELD = re.compile(
    r"The (?P<refused>.+?) selected is not valid( for .+)?|(An? )?(?P<missing>.+?) must be (entered|selected)( for .+)?"
)
_GERMAN = {
    "Ticket Type": "Der Tickettyp",
    "Team": "Die Gruppe",
    "Agent": "Der Bearbeiter",
    "Priority": "Die Priorität",
    "Category": "Die Kategorie",
    "User": "Der Benutzer",
    "Customer": "Der Kunde",
    "Site": "Der Standort",
    "Asset": "Das Gerät",
    "Source": "Die Quelle",
    "Impact": "Die Auswirkung",
    "Urgency": "Die Dringlichkeit",
    "Summary": "Die Zusammenfassung",
}


class RefusalError(Exception):
    """A request that Halo refuses; `answer` is what its client gets."""

    def __init__(self, answer: Response, message: str = "") -> None:
        super().__init__(answer.status_code)
        self.answer = answer
        self.message = message  # of a validation, which can be worded in several shapes


async def refuse(request: Request, error: Exception) -> Response:
    """Answer with what the refusal carries; the application's exception handler."""
    if not isinstance(error, RefusalError):
        raise error
    behaviour: Behaviour = request.app.state.emulator.behaviour
    if not error.message:
        return error.answer
    return _shaped(_worded(error.message, behaviour.refusal_wording), behaviour.refusal_body, behaviour.refusal_class)


def invalid(message: str) -> RefusalError:
    """400 from Halo's own code, one problem at a time."""
    return RefusalError(_shaped(message, "exception"), message)


def malformed(errors: Mapping[str, Sequence[str]]) -> RefusalError:
    """400 for values of the wrong type: each path with its messages, all of them at once."""
    return _json(HTTPStatus.BAD_REQUEST, {path: list(messages) for path, messages in errors.items()})


def not_found() -> RefusalError:
    """404: no such record."""
    return RefusalError(Response(status_code=HTTPStatus.NOT_FOUND))


def unauthorised(body: str) -> RefusalError:
    """401: no token, or one that is made up or expired."""
    return RefusalError(Response(body, status_code=HTTPStatus.UNAUTHORIZED))


def forbidden(body: str) -> RefusalError:
    """403: the token's scopes do not reach this far."""
    return RefusalError(Response(body, status_code=HTTPStatus.FORBIDDEN))


def refused_grant(status: int, error: str, description: str) -> RefusalError:
    """The token endpoint's refusal in OAuth's shape."""
    return _json(status, {"error": error, "error_description": description})


def rate_limited(behaviour: Behaviour, wait_seconds: float | None, now: datetime) -> RefusalError:
    """429 with the limit in words, and with when to come again unless `wait_seconds` is None."""
    limit, minutes = behaviour.rate_limit or DEFAULT_RATE_LIMIT, f"{behaviour.rate_window_seconds / 60:g}"
    headers = {}
    if wait_seconds is not None:
        seconds = math.ceil(wait_seconds)
        at = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
        headers["retry-after"] = at if behaviour.retry_after == "date" else str(seconds)
    text = f"Rate Limit Reached - {limit} Requests per rolling {minutes} minute window."
    return RefusalError(PlainTextResponse(text, status_code=HTTPStatus.TOO_MANY_REQUESTS, headers=headers))


def something_went_wrong() -> RefusalError:
    """500 with an HTML page, which Halo answers where a 400 would be expected."""
    return error_page(HTTPStatus.INTERNAL_SERVER_ERROR, "Sorry, something went wrong")


def error_page(status: int, said: str = "") -> RefusalError:
    """An HTML page, as a server or a gateway answers that failed."""
    title = said or f"{status} {HTTPStatus(status).phrase}"
    page = f"<!DOCTYPE html><html><title>Error</title><body><h1>{escape(title)}</h1></body></html>"
    return RefusalError(HTMLResponse(page, status_code=status))


def _worded(message: str, wording: Wording) -> str:
    """The message in other words, when it names a field."""
    named = _NAMES_FIELD.fullmatch(message)
    if named is None:
        return message
    label, missing = named["refused"] or named["missing"], named["missing"] is not None
    match wording:
        case "plain":
            return message
        case "quoted":
            return f"The field '{label}' is {'required' if missing else 'not valid'}."
        case "type-first":
            return f"This Ticket Type {'requires' if missing else 'does not allow'} the {label}"
        case "german":
            word = _GERMAN.get(label, label)
            return f"{word} muss angegeben werden" if missing else f"{word} ist ungültig"
        case "unnamed":
            return "A mandatory value has not been entered" if missing else "Record does not exist"


def _shaped(message: str, shape: RefusalShape, class_name: str = "System.Exception") -> Response:
    status = HTTPStatus.BAD_REQUEST
    match shape:
        case "exception":
            return JSONResponse(_exception(message, class_name), status_code=status)
        case "message":
            return JSONResponse({"Message": message}, status_code=status)
        case "error":
            return JSONResponse({"error": message}, status_code=status)
        case "result":
            return JSONResponse({"resultCode": status.value, "errorMessage": message}, status_code=status)
        case "html":
            return error_page(status, message).answer
        case "empty":
            return Response(status_code=status)


def _exception(message: str, class_name: str) -> dict[str, Any]:
    """A .NET exception as it is serialised."""
    return {
        "ClassName": class_name,
        "Message": message,
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": -2146233088,  # .NET's number for System.Exception
    }


def _json(status: int, body: dict[str, Any]) -> RefusalError:
    return RefusalError(JSONResponse(body, status_code=status))
