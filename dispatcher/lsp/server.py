"""The server: the protocol's requests and notifications, answered by the rest of this package.

Texts change on the loop, and everything that reads a whole file runs beside it. One analysis of a file runs at a time;
it is made again while the text has changed under it, so what is answered belongs to the version that is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from importlib.metadata import version
from typing import Any, TypeVar, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from dispatcher.lang.source import Source
from dispatcher.lsp import problems
from dispatcher.lsp.analysis import Analysis
from dispatcher.lsp.documents import Document, Encoding
from dispatcher.lsp.workspaces import Workspaces

# How long nothing must be typed before a file is checked.
DEBOUNCE_SECONDS = 0.15
# Files that are worked on at the same time.
WORKERS = 2

_log = logging.getLogger(__name__)

T = TypeVar("T")


class _Protocol(LanguageServerProtocol):
    """pygls without its own copy of the documents, which counts lines otherwise than the protocol does."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        cast("RulesServer", self._server).opened(params.text_document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        cast("RulesServer", self._server).changed(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        cast("RulesServer", self._server).closed(params.text_document.uri)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message; a request that cannot be read is answered too, or its sender waits for ever."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=types.ResponseError(error.CODE, error.MESSAGE))
            raise


class RulesServer(LanguageServer):
    """The open documents, and what is known of each."""

    def __init__(self) -> None:
        super().__init__("dispatcher", version("dispatcher"), protocol_cls=_Protocol)
        self.documents: dict[str, Document] = {}
        self.workspaces = Workspaces(self._report)
        # Whether the client has said goodbye, after which it may leave.
        self.is_stopping = False
        self._analyses: dict[str, Analysis] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="rules")

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002 - pygls' signature
        """Log what went wrong: a user of the editor cannot do anything about it."""
        _log.error("%s", error)

    # --- documents

    def opened(self, item: types.TextDocumentItem) -> None:
        """Take a document, and check it."""
        encoding = cast("Encoding", getattr(self.workspace.position_encoding, "value", "utf-16"))
        self.documents[item.uri] = Document(item.uri, item.version, item.text, encoding)
        self._analyses.pop(item.uri, None)
        self._check(item.uri, 0)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """Change a document, and check it when nothing is typed for a while."""
        document = self.documents.get(params.text_document.uri)
        if document is None:
            _log.warning("a document changes that is not open: %s", params.text_document.uri)
            return
        for change in params.content_changes:
            place = change.range if isinstance(change, types.TextDocumentContentChangePartial) else None
            document.replace(params.text_document.version, change.text, place)
        self._check(document.uri, DEBOUNCE_SECONDS)

    def closed(self, uri: str) -> None:
        """Forget a document and take back its diagnostics."""
        if self.documents.pop(uri, None) is None:
            return
        self._analyses.pop(uri, None)
        self._locks.pop(uri, None)
        timer = self._timers.pop(uri, None)
        if timer is not None:
            timer.cancel()
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def check_all(self) -> None:
        """Check all documents again, since what is beside them has changed."""
        for uri in self.documents:
            self._check(uri, DEBOUNCE_SECONDS)

    def _check(self, uri: str, delay: float) -> None:
        timer = self._timers.pop(uri, None)
        if timer is not None:
            timer.cancel()
        self._timers[uri] = asyncio.get_running_loop().call_later(delay, self._begin_check, uri)

    def _begin_check(self, uri: str) -> None:
        task = asyncio.get_running_loop().create_task(self._publish(uri))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, uri: str) -> None:
        document = self.documents.get(uri)
        if document is None:
            return
        analysis = await self.analysis(document)
        # The document may change meanwhile, and its copy does not.
        found = await self.beside(problems.diagnostics, copy(document), analysis)
        # Another document may have been opened by the same name, and what changes is checked again.
        if self.documents.get(uri) is document and document.source is analysis.source:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, document.version))

    # --- beside the loop

    async def analysis(self, document: Document) -> Analysis:
        """Return the analysis of the document's present version."""
        async with self._locks.setdefault(document.uri, asyncio.Lock()):
            while True:
                source = document.source
                known = self._analyses.get(document.uri)
                found = await self.beside(self._analyse, document.uri, source, known)
                if document.source is source:
                    if self.documents.get(document.uri) is document:
                        self._analyses[document.uri] = found
                    return found

    def _analyse(self, uri: str, source: Source, known: Analysis | None) -> Analysis:
        schema, halo = self.workspaces.schema(uri), self.workspaces.halo(uri)
        if known is not None and (known.source, known.schema, known.halo) == (source, schema, halo):
            return known
        return Analysis(source, schema, halo)

    async def beside(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run what takes its time beside the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    def begin(self, options: Any) -> None:
        """Take what the client says when it begins."""
        self._loop = asyncio.get_running_loop()
        self.configure(options)

    def configure(self, options: Any) -> None:
        """Take the client's settings: `snapshot`, the file with the names that Halo knows."""
        snapshot = options.get("snapshot") if isinstance(options, dict) else None
        self.workspaces.snapshot = snapshot if isinstance(snapshot, str) and snapshot else None

    def _report(self, message: str) -> None:
        """Show what is wrong with a file beside the rules; called beside the loop."""
        shown = types.ShowMessageParams(types.MessageType.Warning, message)
        self._loop.call_soon_threadsafe(self.window_show_message, shown)
