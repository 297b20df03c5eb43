"""Requests to one Halo, and their checked answers.

Every request goes through `_exchange`, and every way in which it can go wrong ends there, or in reading its
answer, as a HaloRequestError.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from dispatcher.halo.auth import HaloAuth, api_url, find_token_url, parse_key, token_url
from dispatcher.halo.errors import (
    CannotTellError,
    HaloRequestError,
    message_in_words,
    refusal,
    retry_after_seconds,
    sentence,
    text_of_body,
    unusable,
)
from dispatcher.halo.models import by_small_names, whole_number
from dispatcher.halo.settings import HaloSettings

# Halo cuts longer pages to this length, whatever was asked.
PAGE_SIZE = 100
# Nobody has longer lists; a list without an end would be read for ever.
MOST_PAGES = 1000

Shape = TypeVar("Shape", bound=BaseModel)
Params = Mapping[str, str | int | bool | None]
# Awaited right before each request that creates something; raises when another runner owns it.
Claim = Callable[[], Awaitable[None]]


class Purpose(StrEnum):
    """What a request is for; of the budget, look-ups leave a reserve to deliveries."""

    DELIVERY = "delivery"
    LOOKUP = "lookup"


class CallBudget(Protocol):
    """What all who speak to one Halo share: how many requests may go out."""

    async def take(self, purpose: Purpose) -> None:
        """Wait until one more request may go out."""

    def answered(self, method: str, path: str, status: int | None, retry_after_seconds: float | None) -> None:
        """Hear how a request ended; None: without an answer."""


_purpose: ContextVar[Purpose] = ContextVar("purpose", default=Purpose.DELIVERY)


@contextmanager
def purpose(purpose: Purpose) -> Iterator[None]:
    """Let requests made within this block be for this purpose; others are for deliveries."""
    before = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(before)


class HaloClient:
    """One connection pool and one token for one Halo. Belongs to the event loop that uses it first."""

    def __init__(
        self,
        settings: HaloSettings,
        transport: httpx.AsyncBaseTransport | None = None,
        budget: CallBudget | None = None,
    ) -> None:
        key = parse_key(settings.key.get_secret_value())
        self._settings = settings
        self._tenant = settings.tenant or key.tenant
        self._token_url: httpx.URL | None = None
        if settings.authorisation_server:
            self._token_url = token_url(settings.authorisation_server, self._tenant)
        self._timeout_seconds = settings.timeout_seconds
        self._budget = budget
        self._auth = HaloAuth(key, self._find_token_url, settings.scope, self._fetch_token)
        self._http = httpx.AsyncClient(
            base_url=api_url(settings.resource_server),
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
        return _shaped(f"GET {path}", status, _one(answer), shape)

    async def get_all(
        self,
        path: str,
        shape: type[Shape],
        params: Params | None = None,
        *,
        rows_in: str | None = None,
        most_pages: int | None = None,
        strict: bool = False,
    ) -> list[Shape]:
        """All rows of a list, each once.

        `rows_in` names the envelope's key and turns paging on; without it Halo sends all rows at once, in a bare
        array or, by version, under `results`, and is asked by pages when that shows that there are more. A short
        page need not be the last one: only `record_count` tells, or a page that brings nothing new.

        Rows that cannot be read are left out, unless all are so. With `strict` that is an error, and so are,
        without `most_pages`, rows that never came.
        """
        name = f"GET {path}"
        if rows_in is None:
            status, answer = await self._send("GET", path, params=params)
            batch, total = _rows(name, status, answer)
            if len(batch) >= (total or 0) and not (total is None and len(batch) == PAGE_SIZE):
                return _all_shaped(name, status, batch, shape, strict=strict)
        rows: dict[str, Any] = {}
        for page in range(1, (most_pages or MOST_PAGES) + 1):
            paging = {"pageinate": True, "page_size": PAGE_SIZE, "page_no": page}
            status, answer = await self._send("GET", path, params={**(params or {}), **paging})
            batch, total = _rows(name, status, answer, rows_in, page)
            known = len(rows)
            for row in batch:
                rows.setdefault(_identity(row), row)
            if (total is not None and len(rows) >= total) or len(rows) == known:
                break
        if strict and most_pages is None and total is not None and len(rows) < total:
            raise CannotTellError(f"{name}: Halo says that there are {total} rows, but sends {len(rows)} of them only.")
        return _all_shaped(name, status, list(rows.values()), shape, strict=strict)

    async def post(
        self,
        path: str,
        item: Mapping[str, Any],
        shape: type[Shape],
        *,
        written: type[BaseModel] | None = None,
        claim: Claim | None = None,
    ) -> Shape:
        """Send one object the way Halo wants it, in an array; answers what Halo made of it.

        `written` is what the object must look like. `claim` is awaited right before each request that goes out.
        """
        if written is not None:
            _check(f"POST {path}", item, written)
        status, answer = await self._send("POST", path, body=[item], claim=claim)
        return _shaped(f"POST {path}", status, _one(answer), shape)

    async def delete(self, path: str) -> None:
        """Delete one object."""
        await self._send("DELETE", path)

    async def _send(
        self, method: str, path: str, *, params: Params | None = None, body: Any = None, claim: Claim | None = None
    ) -> tuple[int, Any]:
        name = f"{method} {path}"
        given = {key: value for key, value in (params or {}).items() if value is not None}
        request = self._http.build_request(method, path, params=given or None, json=body)
        for last_try in (False, True):
            with _before_the_request():
                token = await self._auth.token()
            request.headers["Authorization"] = f"Bearer {token}"
            response = await self._exchange(name, re.sub(r"/\d+", "/{id}", path), request, claim)
            if response.status_code != 401 or last_try:
                break
            self._auth.refused(token)
        if not response.is_success:
            raise refusal(name, response.status_code, response.headers, text_of_body(response.content))
        try:
            return response.status_code, json.loads(response.content)
        except (ValueError, RecursionError):
            said = message_in_words(text_of_body(response.content))
            raise unusable(name, response.status_code, f"the answer is not JSON: {said}") from None

    async def _find_token_url(self) -> httpx.URL:
        if self._token_url is not None:
            return self._token_url
        # Asked for each token: what was guessed must not outlive the reason for it.
        return await find_token_url(
            self._settings.resource_server,
            self._tenant,
            lambda request: self._exchange("GET AuthInfo", "AuthInfo", request),
        )

    async def _fetch_token(self, request: httpx.Request) -> httpx.Response:
        return await self._exchange("Fetching a token", "token", request)

    async def _exchange(
        self, name: str, path: str, request: httpx.Request, claim: Claim | None = None
    ) -> httpx.Response:
        """One request and its answer, whatever the status; `path` is for those who count."""
        if self._budget is not None:
            await self._budget.take(_purpose.get())
        # After the wait for the budget, in which a claim would grow old.
        if claim is not None:
            await claim()
        status = pause = None
        request.extensions = {**request.extensions, "timeout": self._http.timeout.as_dict()}
        try:
            # httpx limits each read on its own; a slow body must not outlast the whole limit.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.send(request)
            status, pause = response.status_code, retry_after_seconds(response.headers)
        except TimeoutError:
            raise HaloRequestError(
                f"{name}: no answer within {self._timeout_seconds:g} s. {_after_silence(request)}",
                retryable=True,
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise unanswered(name, request, error) from error
        finally:
            if self._budget is not None:
                self._budget.answered(request.method, path, status, pause)
        return response


@contextmanager
def _before_the_request() -> Iterator[None]:
    """Let errors say that the request itself was never sent."""
    try:
        yield
    except HaloRequestError as error:
        error.surely_not_processed = True
        raise


def unanswered(name: str, request: httpx.Request, error: Exception) -> HaloRequestError:
    """The error for a request without an answer: what is certain depends on how far it came."""
    said = sentence(str(error) or type(error).__name__)
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if not never_sent:
        text = f"{name}: the connection broke: {said} {_after_silence(request)}"
    elif _is_certificate(error):
        text = f"{name}: {request.url.host} is not trusted: {said} Check its certificate."
    else:
        text = f"{name}: {request.url.host} cannot be reached: {said} Check the address and the network."
    return HaloRequestError(text, retryable=True, surely_not_processed=never_sent)


def _after_silence(request: httpx.Request) -> str:
    """What to do when a request is not answered; without a token nothing is written."""
    if request.method == "GET" or "Authorization" not in request.headers:
        return "Try again."
    return "Halo may have done the work, or still do it: look before trying again."


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _rows(
    name: str, status: int, answer: Any, rows_in: str | None = None, page: int = 1
) -> tuple[list[Any], int | None]:
    """The rows of a bare array or of an envelope, and how many there are in all, when that is certain."""
    if isinstance(answer, list):
        # So many may be a page only.
        return answer, len(answer) if rows_in is None and len(answer) != PAGE_SIZE else None
    found = by_small_names(answer) if isinstance(answer, dict) else {}
    total = whole_number(found.pop("record_count", None))
    rows = _list_in(found, name.rpartition(" ")[2], rows_in)
    if rows is None and total == 0:
        rows = []
    if rows is not None and (rows or not total or page > 1):
        return rows, total if isinstance(total, int) else None
    error = unusable(name, status, f"the answer is not a list, nor has it one under `{rows_in or 'results'}`")
    # Another shape will not become a list by waiting.
    error.retryable = rows is not None
    raise error


def _list_in(found: Mapping[str, Any], path: str, rows_in: str | None) -> list[Any] | None:
    """The rows of an envelope: under the usual key, one like the path, or in the only list that there is."""
    lists = {key: value for key, value in found.items() if isinstance(value, list) and key != "columns"}
    usual = [key for key in (rows_in, "results") if key in lists]
    # Categories are those of /Category.
    like_path = [key for key in lists if key.startswith(path.casefold().rstrip("y"))]
    for keys in (usual[:1], like_path, list(lists)):
        if len(keys) == 1:
            return lists[keys[0]]
    return None


def _one(answer: Any) -> Any:
    """The object of an answer: of several the last, as Halo itself chooses."""
    return answer[-1] if isinstance(answer, list) and answer else answer


def _identity(row: Any) -> str:
    """What tells rows of one list apart: actions count within their ticket, priorities within their SLA."""
    if isinstance(row, dict):
        found = by_small_names(row)
        if "id" in found:
            row = [found.get(name) for name in ("id", "ticket_id", "slaid", "type_id")]
    return json.dumps(row, sort_keys=True)


def _all_shaped(name: str, status: int, rows: list[Any], shape: type[Shape], *, strict: bool) -> list[Shape]:
    shaped: list[Shape] = []
    first: HaloRequestError | None = None
    for row in rows:
        try:
            shaped.append(_shaped(name, status, row, shape))
        except HaloRequestError as error:
            first = first or error
    if first is not None and (strict or not shaped):
        raise first
    return shaped


def _shaped(name: str, status: int, answer: Any, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        raise unusable(name, status, f"its {shape.__name__} is not as expected: {_problem(error)}") from None


def _check(name: str, item: Mapping[str, Any], written: type[BaseModel]) -> None:
    try:
        written.model_validate(item)
    except ValidationError as error:
        raise HaloRequestError(
            f"{name}: not sent, because Halo would not take it: {_problem(error)}. Please report this.",
            surely_not_processed=True,
        ) from None


def _problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'it'}: {problem['msg']}"
