"""Requests to one Halo, and their checked answers.

Every request goes through `_send`, and every way in which it can go wrong ends there as a HaloRequestError.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from dispatcher.halo.auth import HaloAuth, parse_key, token_url
from dispatcher.halo.errors import HaloRequestError, message_in_words, refusal, sentence, unusable
from dispatcher.halo.models import whole_number
from dispatcher.halo.settings import HaloSettings

# Halo cuts longer pages to this length, whatever was asked.
PAGE_SIZE = 100

Shape = TypeVar("Shape", bound=BaseModel)
Params = Mapping[str, str | int | bool | None]


def api_url(resource_server: str) -> httpx.URL:
    """The address below which requests go; a bare host gets Halo's usual path."""
    url = httpx.URL(resource_server)
    return url.copy_with(path=url.path.rstrip("/") or "/api")


class HaloClient:
    """One connection pool and one token for one Halo. Belongs to the event loop that uses it first."""

    def __init__(self, settings: HaloSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        key = parse_key(settings.key.get_secret_value())
        url = token_url(settings.authorisation_server, settings.tenant or key.tenant)
        self._timeout_seconds = settings.timeout_seconds
        self._http = httpx.AsyncClient(
            base_url=api_url(settings.resource_server),
            auth=HaloAuth(key, url, settings.scope),
            timeout=settings.timeout_seconds,
            transport=transport,
            headers={"Accept": "application/json", "User-Agent": "dispatcher"},
        )

    async def aclose(self) -> None:
        """Close the connections; the client is of no use afterwards."""
        await self._http.aclose()

    async def get(self, path: str, shape: type[Shape], params: Params | None = None) -> Shape:
        """One object."""
        status, answer = await self._send("GET", path, params=params)
        return _shaped(f"GET {path}", status, answer, shape)

    async def get_all(
        self,
        path: str,
        shape: type[Shape],
        params: Params | None = None,
        *,
        rows_in: str | None = None,
        most_pages: int | None = None,
    ) -> list[Shape]:
        """All rows of a list, each once.

        `rows_in` names the envelope's key and turns paging on; without it Halo sends all rows at once, in a
        bare array or, by version, under `results`. A short page need not be the last one: only `record_count`
        tells, or a page that brings nothing new.
        """
        name = f"GET {path}"
        if rows_in is None:
            status, answer = await self._send("GET", path, params=params)
            return [_shaped(name, status, row, shape) for row in _rows(name, status, answer, "results")[0]]
        rows: dict[str, Shape] = {}
        page = 1
        while True:
            paging = {"pageinate": True, "page_size": PAGE_SIZE, "page_no": page}
            status, answer = await self._send("GET", path, params={**(params or {}), **paging})
            batch, total = _rows(name, status, answer, rows_in)
            known = len(rows)
            for row in batch:
                rows.setdefault(_identity(row), _shaped(name, status, row, shape))
            if (total is not None and len(rows) >= total) or len(rows) == known or page == most_pages:
                return list(rows.values())
            page += 1

    async def post(self, path: str, item: Mapping[str, Any], shape: type[Shape]) -> Shape:
        """Send one object the way Halo wants it, in an array; answers what Halo made of it."""
        status, answer = await self._send("POST", path, body=[item])
        if isinstance(answer, list) and len(answer) == 1:
            answer = answer[0]
        return _shaped(f"POST {path}", status, answer, shape)

    async def _send(self, method: str, path: str, *, params: Params | None = None, body: Any = None) -> tuple[int, Any]:
        name = f"{method} {path}"
        given = {key: value for key, value in (params or {}).items() if value is not None}
        request = self._http.build_request(method, path, params=given or None, json=body)
        try:
            # httpx limits each read on its own; a slow body must not outlast the whole limit.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.send(request)
        except TimeoutError:
            raise HaloRequestError(
                f"{name}: no answer within {self._timeout_seconds:g} s. "
                "Halo may still finish the work: look before trying again.",
                retryable=True,
            ) from None
        except httpx.RequestError as error:
            raise _unanswered(name, request, error) from error
        if not response.is_success:
            raise refusal(name, response.status_code, response.headers, response.text)
        try:
            return response.status_code, json.loads(response.content)
        except (ValueError, RecursionError):
            said = message_in_words(response.text)
            raise unusable(name, response.status_code, f"the answer is not JSON: {said}") from None


def _unanswered(name: str, request: httpx.Request, error: httpx.RequestError) -> HaloRequestError:
    """The error for a request without an answer: what is certain depends on how far it came."""
    sent = getattr(error, "_request", None) or request
    token = "" if sent is request else " while fetching a token"
    said = sentence(str(error) or type(error).__name__)
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if not never_sent:
        advice = "Try again." if token else "Halo may have done the work: look before trying again."
        text = f"{name}: the connection broke{token}: {said} {advice}"
    elif _is_certificate(error):
        text = f"{name}: {sent.url.host} is not trusted{token}: {said} Check its certificate."
    else:
        text = f"{name}: {sent.url.host} cannot be reached{token}: {said} Check the address and the network."
    return HaloRequestError(text, retryable=True, surely_not_processed=never_sent or bool(token))


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _rows(name: str, status: int, answer: Any, rows_in: str) -> tuple[list[Any], int | None]:
    """The rows of a bare array or of an envelope, and how many there are in all, when the answer tells."""
    if isinstance(answer, list):
        return answer, len(answer)
    if isinstance(answer, dict):
        rows, total = answer.get(rows_in), whole_number(answer.get("record_count"))
        if isinstance(rows, list):
            return rows, total if isinstance(total, int) else None
    raise unusable(name, status, f"the answer is not a list, nor has it one under `{rows_in}`")


def _identity(row: Any) -> str:
    return json.dumps(row["id"] if isinstance(row, dict) and "id" in row else row, sort_keys=True)


def _shaped(name: str, status: int, answer: Any, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, problem["loc"])) or "it"
        why = f"its {shape.__name__} is not as expected: {place}: {problem['msg']}"
        raise unusable(name, status, why) from None
