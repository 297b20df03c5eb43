"""Problems: every answer that is an error, as problem+json (RFC 9457); and bodies that are safe to read.

What comes in may be anything. `JsonRoute` reads bodies: bounded in size and depth, without numbers or text
that JSON cannot carry on. So no later part meets a NaN, a lone surrogate or a nesting that ends in a
RecursionError.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn, get_type_hints

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from starlette.exceptions import HTTPException

from dispatcher.errors import RulesError

MEDIA_TYPE = "application/problem+json"
DEEPEST_NESTING = 64
# How long a sender may take.
BODY_SECONDS = 30.0
# Longer ones cannot be written as text again.
LONGEST_NUMBER = 4000
_MEMBERS = ("type", "title", "status", "detail")

_log = logging.getLogger(__name__)


class JsonAnswer(Response):
    """A JSON response for any text: as ASCII where it holds lone surrogates, which UTF-8 has not."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        try:
            return to_json(content, inf_nan_mode="null")
        except PydanticSerializationError:
            return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class ProblemAnswer(JsonAnswer):
    """A problem document as a response."""

    media_type = MEDIA_TYPE


class Problem(HTTPException):
    """An error for the caller: `kind` is for programs, `detail` for people; `members` extend the document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind
        self.title = title
        self.members = members


def rules_invalid(error: RulesError) -> Problem:
    """Return the problem of rules with errors, with all diagnostics."""
    diagnostics = [diagnostic.to_dict() for diagnostic in error.diagnostics]
    return Problem(422, str(error), kind="rules-invalid", title="Rules with errors", diagnostics=diagnostics)


class JsonRoute(APIRoute):
    """A route whose handler gets bodies through `_JsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_json


class DirectRoute(JsonRoute):
    """A route whose handler is `async` and takes nothing but the request and a model, as `body`.

    FastAPI finds out for each request what a handler depends on, which takes longer than deciding a ticket. So it is
    asked only where the body does not fit, to say why.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        explain = APIRoute.get_route_handler(self)
        answer: Callable[[Request, BaseModel], Coroutine[Any, Any, Response]] = self.endpoint
        model: type[BaseModel] = get_type_hints(self.endpoint)["body"]

        async def handle(request: Request) -> Response:
            request = _JsonRequest(request.scope, request.receive)
            if not await request.body():
                return await explain(request)
            try:
                body = model.model_validate(await request.json())
            except ValidationError:
                return await explain(request)
            return await answer(request, body)

        return handle


class _JsonRequest(Request):
    async def body(self) -> bytes:
        if not hasattr(self, "_whole"):
            limit: int = self.app.state.settings.max_body_bytes
            chunks = bytearray()
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    async for chunk in self.stream():
                        chunks += chunk
                        if len(chunks) > limit:
                            raise Problem(413, f"The body is longer than {limit} bytes.")
            except TimeoutError:
                raise Problem(408, f"The body did not arrive within {BODY_SECONDS:g} s.") from None
            kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
            if chunks and kind != "application/json" and not kind.endswith("+json"):
                raise Problem(415, "Send the body as JSON, with the header `Content-Type: application/json`.")
            self._whole = bytes(chunks)
        return self._whole

    async def json(self) -> Any:
        try:
            value = json.loads(await self.body(), parse_constant=_refuse_number, parse_float=_finite, parse_int=_whole)
            return _clean(value, 0)
        except (ValueError, RecursionError) as error:
            reason = f": {error}" if isinstance(error, ValueError) else ""
            raise Problem(400, f"The body is not JSON that can be read{reason}.") from None


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if abs(number) != float("inf") else _refuse_number(text)


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} digits")
    return int(text)


def _clean(value: Any, depth: int) -> Any:
    """Return `value` with U+FFFD for halves of surrogate pairs; raise ValueError if it nests too deep."""
    if depth > DEEPEST_NESTING:
        raise ValueError(f"it nests deeper than {DEEPEST_NESTING} levels")
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_clean(key, depth): _clean(item, depth + 1) for key, item in value.items()}
    return value


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(sa.exc.OperationalError, on_database_away)
    app.add_exception_handler(Exception, _on_bug)


def described(description: str, status: int, detail: str, **document: Any) -> dict[str, Any]:
    """Return what the OpenAPI document says of a problem, with an example."""
    example = _document(status, detail, **document)
    schema = {
        "type": "object",
        "properties": {name: {"type": "integer" if name == "status" else "string"} for name in _MEMBERS},
        "required": list(_MEMBERS),
    }
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """Return the answer to an HTTPException, such as a Problem."""
    if not isinstance(error, HTTPException):
        raise error
    members = {"kind": error.kind, "title": error.title, **error.members} if isinstance(error, Problem) else {}
    return ProblemAnswer(_document(error.status_code, error.detail, **members), error.status_code, error.headers)


async def _on_validation_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [_field_error(problem["loc"], problem["msg"]) for problem in error.errors()]
    detail = "The request does not fit what this address takes."
    return ProblemAnswer(_document(422, detail, kind="invalid-request", errors=errors), 422)


async def on_database_away(_request: Request, error: Exception) -> Response:
    """Return the answer while the database cannot be used, and log why."""
    _log.error("the database cannot be used", exc_info=error)
    detail = "The service cannot use its database now. Try again, with the same Idempotency-Key."
    return ProblemAnswer(_document(503, detail), 503)


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error("request failed", exc_info=error, extra={"method": request.method, "path": request.url.path})
    return ProblemAnswer(_document(500, "The service failed on this request. Its log says why."), 500)


def _field_error(place: Sequence[str | int], message: str) -> dict[str, str]:
    where, *path = place
    if where != "body":
        return {str(where): ".".join(map(str, path)), "detail": message}
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return {"pointer": f"#{pointer}", "detail": message}


def _document(
    status: int, detail: str, *, kind: str | None = None, title: str | None = None, **members: Any
) -> dict[str, Any]:
    document = (
        f"urn:dispatcher:problem:{kind}" if kind else "about:blank",
        title or HTTPStatus(status).phrase,
        status,
        detail,
    )
    return dict(zip(_MEMBERS, document, strict=True)) | members


# What the OpenAPI document says of every operation, and of those that read a body.
ANY = described("Any other error.", 500, "The service failed on this request. Its log says why.")
UNREADABLE: dict[int | str, dict[str, Any]] = {
    400: described("The body is not JSON that can be read.", 400, "The body is not JSON that can be read: ..."),
    413: described("The body is too long.", 413, "The body is longer than 1048576 bytes."),
    415: described("The body is not sent as JSON.", 415, "Send the body as JSON, with the header ..."),
}
