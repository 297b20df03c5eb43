"""Diagnostics and their repairs in the protocol's form."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources

from lsprotocol import types

from dispatcher.lang.diagnostics import Diagnostic, Edit
from dispatcher.lang.source import Span
from dispatcher.lsp.analysis import Analysis
from dispatcher.lsp.documents import Document

SOURCE = "dispatcher"
# What an editor shows faded.
_FADED = ("unused-import", "unused-variable", "unreachable-code")
# Those that tell of a variable without a value, and how many of the places that give it one are shown.
_UNSET = ("unset-variable", "possibly-unset-variable")
_MOST_RELATED = 5
# Longest piece of a rule that the title of a repair names.
_LONGEST = 40


def diagnostics(document: Document, analysis: Analysis) -> list[types.Diagnostic]:
    """Return the diagnostics of the document's present version."""
    return [_diagnostic(document, analysis, problem) for problem in analysis.diagnostics]


def _diagnostic(document: Document, analysis: Analysis, problem: Diagnostic) -> types.Diagnostic:
    page = _page(problem.code)
    return types.Diagnostic(
        range=_range(document, problem),
        message=f"{problem.message}\nhelp: {problem.help}" if problem.help else problem.message,
        severity=types.DiagnosticSeverity.Error if problem.severity == "error" else types.DiagnosticSeverity.Warning,
        code=problem.code,
        code_description=types.CodeDescription(page) if page is not None else None,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if problem.code in _FADED else None,
        related_information=_assignments(document, analysis, problem) if problem.code in _UNSET else None,
    )


def _assignments(
    document: Document, analysis: Analysis, problem: Diagnostic
) -> list[types.DiagnosticRelatedInformation]:
    """Return where the variable that has no value gets one."""
    bindings = analysis.symbols.bindings(_span(document, problem).start)
    return [
        types.DiagnosticRelatedInformation(
            types.Location(document.uri, document.range(*binding.place)), f"`{binding.name}` gets a value here"
        )
        for binding in bindings[:_MOST_RELATED]
    ]


def repairs(
    document: Document, analysis: Analysis, place: types.Range, *, versioned: bool
) -> Iterator[types.CodeAction]:
    """Yield a quick fix for each diagnostic at a place that says exactly what to write.

    `versioned` says that the editor takes changes of one version of a file only.
    """
    start, end = document.offset(place.start), document.offset(place.end)
    for problem in analysis.diagnostics:
        span = _span(document, problem)
        if problem.edits and span.start <= max(start, end) and min(start, end) <= span.end:
            yield types.CodeAction(
                title=_title(document, problem),
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[_diagnostic(document, analysis, problem)],
                is_preferred=True,
                edit=_change(document, problem, versioned=versioned),
            )


def _change(document: Document, problem: Diagnostic, *, versioned: bool) -> types.WorkspaceEdit:
    edits = [types.TextEdit(_range(document, edit), edit.text) for edit in problem.edits]
    if not versioned:
        return types.WorkspaceEdit(changes={document.uri: edits})
    version = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(version, list(edits))])


def _title(document: Document, problem: Diagnostic) -> str:
    """Return what the edits do, in words."""
    help_text = problem.help or ""
    words = f"{help_text[:1].upper()}{help_text[1:]}"
    if len(problem.edits) > 1:
        return words
    (edit,) = problem.edits
    span = _span(document, edit)
    old, new = document.source.text[span.start : span.end].strip(), edit.text.strip()
    if max(len(old), len(new)) > _LONGEST or "\n" in old + new:
        return words
    if old and new:
        return f"Replace `{old}` with `{new}`"
    return f"Insert `{new}`" if new else f"Remove `{old}`" if old.isprintable() and old else words


def _span(document: Document, place: Diagnostic | Edit) -> Span:
    source = document.source
    return Span(source.offset(place.line, place.column), source.offset(place.end_line, place.end_column))


def _range(document: Document, place: Diagnostic | Edit) -> types.Range:
    return document.range(*_span(document, place))


def _page(code: str) -> str | None:
    """Return the place of a code in the language reference; None where that is not on this disk."""
    found = _headings().get(code)
    return f"{found[0]}#L{found[1]}" if found is not None else None


@cache
def _headings() -> dict[str, tuple[str, int]]:
    with resources.as_file(resources.files("grammar").joinpath("README.md")) as page:
        if not page.exists():
            return {}
        lines = page.read_text(encoding="utf-8").splitlines()
        return {line[4:]: (page.as_uri(), number) for number, line in enumerate(lines, 1) if line.startswith("### ")}
