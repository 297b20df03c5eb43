"""How Halo says no: one exception that carries the answer, and a function for each shape that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response


class RefusalError(Exception):
    """A request that Halo refuses; `answer` is what its client gets."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


async def refuse(_request: Request, error: Exception) -> Response:
    """Answer with what the refusal carries; the application's exception handler."""
    if not isinstance(error, RefusalError):
        raise error
    return error.answer


def invalid(message: str) -> RefusalError:
    """400 from Halo's own code, one problem at a time: a .NET exception as it is serialised."""
    return _json(
        HTTPStatus.BAD_REQUEST,
        {
            "ClassName": "System.Exception",
            "Message": message,
            "Data": None,
            "InnerException": None,
            "HelpURL": None,
            "StackTraceString": None,
            "RemoteStackTraceString": None,
            "RemoteStackIndex": 0,
            "ExceptionMethod": None,
            "HResult": -2146233088,  # .NET's number for System.Exception
        },
    )


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


def something_went_wrong() -> RefusalError:
    """500 with an HTML page, which Halo answers where a 400 would be expected."""
    page = "<!DOCTYPE html><html><title>Error</title><body><h1>Sorry, something went wrong</h1></body></html>"
    return RefusalError(HTMLResponse(page, status_code=HTTPStatus.INTERNAL_SERVER_ERROR))


def _json(status: int, body: dict[str, Any]) -> RefusalError:
    return RefusalError(JSONResponse(body, status_code=status))
