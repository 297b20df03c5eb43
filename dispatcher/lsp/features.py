"""What the server answers: one function for each request and notification of the protocol."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from dispatcher.arguments import SETTINGS_FILE
from dispatcher.lsp import problems
from dispatcher.lsp.completion import Kind, Suggestion, complete
from dispatcher.lsp.documents import Document
from dispatcher.lsp.hover import hover
from dispatcher.lsp.server import RulesServer
from dispatcher.lsp.symbols import Rule
from dispatcher.lsp.workspaces import LOCK_FILE, SNAPSHOT_FILE

INTERNAL_ERROR = -32603
# What may begin a completion beside the letters of a name: a member, a text, and the next level of a category.
TRIGGERS = [".", "'", '"', ">"]

_log = logging.getLogger(__name__)

P = TypeVar("P")
T = TypeVar("T")
Answer = Callable[[RulesServer, P], Awaitable[T]]

_KINDS: dict[Kind, types.CompletionItemKind] = {
    "variable": types.CompletionItemKind.Variable,
    "constant": types.CompletionItemKind.Constant,
    "function": types.CompletionItemKind.Function,
    "method": types.CompletionItemKind.Method,
    "field": types.CompletionItemKind.Field,
    "class": types.CompletionItemKind.Class,
    "module": types.CompletionItemKind.Module,
    "keyword": types.CompletionItemKind.Keyword,
    "value": types.CompletionItemKind.Value,
}


def server() -> RulesServer:
    """Return a server that answers all that is known here."""
    made = RulesServer()
    answers: tuple[tuple[str, Any, Any], ...] = (
        (types.INITIALIZE, _initialize, None),
        (types.INITIALIZED, _initialized, None),
        (types.SHUTDOWN, _shutdown, None),
        (types.WORKSPACE_DID_CHANGE_CONFIGURATION, _configured, None),
        (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _files_changed, None),
        (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _folders_changed, None),
        (types.TEXT_DOCUMENT_COMPLETION, _completion, types.CompletionOptions(trigger_characters=TRIGGERS)),
        (types.TEXT_DOCUMENT_HOVER, _hover, None),
        (types.TEXT_DOCUMENT_DEFINITION, _definition, None),
        (types.TEXT_DOCUMENT_REFERENCES, _references, None),
        (types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, _highlight, None),
        (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, _outline, None),
        (
            types.TEXT_DOCUMENT_CODE_ACTION,
            _code_actions,
            types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
        ),
    )
    for name, answer, options in answers:
        made.feature(name, options)(_guarded(answer))
    return made


def _guarded(answer: Answer[P, T]) -> Answer[P, T]:
    """Return an answer whose failures are logged; the client hears that there was one, and no more."""

    async def guarded(ls: RulesServer, params: P) -> T:
        try:
            return await answer(ls, params)
        except Exception:  # noqa: BLE001 - the editor goes on without this answer
            _log.exception("%s failed", answer.__name__)
            raise JsonRpcException("the server failed; its log says why", INTERNAL_ERROR) from None

    return guarded


# --- the workspace


async def _initialize(ls: RulesServer, params: types.InitializeParams) -> None:
    ls.begin(params.initialization_options)
    folders = [folder.uri for folder in params.workspace_folders or ()]
    ls.workspaces.open(folders or [params.root_uri])


async def _initialized(ls: RulesServer, _params: types.InitializedParams) -> None:
    """Ask to be told when what stands beside the rules changes."""
    workspace = ls.client_capabilities.workspace
    watched = workspace.did_change_watched_files if workspace else None
    if watched and watched.dynamic_registration:
        watchers = [types.FileSystemWatcher(f"**/{name}") for name in (SETTINGS_FILE, SNAPSHOT_FILE, LOCK_FILE)]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        wanted = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        ls.client_register_capability(types.RegistrationParams([wanted]))


async def _shutdown(ls: RulesServer, _params: None) -> None:
    ls.is_stopping = True


async def _configured(ls: RulesServer, params: types.DidChangeConfigurationParams) -> None:
    settings = params.settings
    ls.configure(settings.get("dispatcher") if isinstance(settings, dict) else None)


async def _files_changed(ls: RulesServer, _params: types.DidChangeWatchedFilesParams) -> None:
    ls.check_all()


async def _folders_changed(ls: RulesServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
    ls.workspaces.close(folder.uri for folder in params.event.removed)
    ls.workspaces.open(folder.uri for folder in params.event.added)
    ls.check_all()


# --- documents


async def _completion(ls: RulesServer, params: types.CompletionParams) -> types.CompletionList | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    source, uri = document.source, document.uri
    offset = document.offset(params.position)
    schema = await ls.beside(ls.workspaces.schema, uri)
    found = await ls.beside(complete, source, offset, schema, functools.partial(ls.workspaces.names, uri))
    if document.source is not source:
        return None
    items = [_item(document, suggestion) for suggestion in found.items]
    return types.CompletionList(is_incomplete=found.more, items=items)


def _item(document: Document, suggestion: Suggestion) -> types.CompletionItem:
    text = suggestion.text or suggestion.label
    return types.CompletionItem(
        label=suggestion.label,
        kind=_KINDS[suggestion.kind],
        detail=suggestion.detail or None,
        documentation=_markdown(suggestion.documentation) if suggestion.documentation else None,
        sort_text=f"{suggestion.rank} {suggestion.label}",
        filter_text=text,
        text_edit=types.TextEdit(document.range(*suggestion.place), text),
    )


def _markdown(text: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, text)


async def _hover(ls: RulesServer, params: types.HoverParams) -> types.Hover | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    analysis = await ls.analysis(document)
    found = await ls.beside(hover, analysis, document.offset(params.position))
    if found is None or document.source is not analysis.source:
        return None
    return types.Hover(_markdown(found.text), document.range(*found.place))


async def _definition(ls: RulesServer, params: types.DefinitionParams) -> types.Location | None:
    """Answer the nearest place above that binds the name, or else the first."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    analysis = await ls.analysis(document)
    offset = document.offset(params.position)
    bindings = await ls.beside(lambda: analysis.symbols.bindings(offset))
    if not bindings or document.source is not analysis.source:
        return None
    above = [binding for binding in bindings if binding.place.start <= offset]
    return types.Location(document.uri, document.range(*(above or bindings[:1])[-1].place))


async def _references(ls: RulesServer, params: types.ReferenceParams) -> list[types.Location]:
    found = await _places(ls, params.text_document.uri, params.position)
    wanted = params.context.include_declaration
    return [types.Location(params.text_document.uri, place) for place, is_bound in found if wanted or not is_bound]


async def _highlight(ls: RulesServer, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    write, read = types.DocumentHighlightKind.Write, types.DocumentHighlightKind.Read
    found = await _places(ls, params.text_document.uri, params.position)
    return [types.DocumentHighlight(place, write if is_bound else read) for place, is_bound in found]


async def _places(ls: RulesServer, uri: str, position: types.Position) -> list[tuple[types.Range, bool]]:
    """Return all places of the name at a position, each with whether it binds the name."""
    document = ls.documents.get(uri)
    if document is None:
        return []
    analysis = await ls.analysis(document)
    offset = document.offset(position)
    found = await ls.beside(lambda: analysis.symbols.places(offset))
    if document.source is not analysis.source:
        return []
    return [(document.range(*place), is_bound) for place, is_bound in found]


async def _outline(ls: RulesServer, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    analysis = await ls.analysis(document)
    rules = await ls.beside(lambda: list(analysis.symbols.rules()))
    return [_symbol(document, rule) for rule in rules] if document.source is analysis.source else []


def _symbol(document: Document, rule: Rule) -> types.DocumentSymbol:
    kind = types.SymbolKind.Function if rule.is_function else types.SymbolKind.Event
    return types.DocumentSymbol(rule.title, kind, document.range(*rule.place), document.range(*rule.heading))


async def _code_actions(ls: RulesServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = ls.documents.get(params.text_document.uri)
    wanted = params.context.only
    if document is None or (wanted is not None and types.CodeActionKind.QuickFix not in wanted):
        return []
    analysis = await ls.analysis(document)
    workspace = ls.client_capabilities.workspace
    edits = workspace.workspace_edit if workspace else None
    versioned = bool(edits and edits.document_changes)
    return list(problems.repairs(document, analysis, params.range, versioned=versioned))
